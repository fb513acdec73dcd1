package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// maxBatch is how many requests go into one transaction.
const maxBatch = 256

// A request changes rows. do is called by the writing goroutine; if it returns
// an error it must not have changed anything, as the mutators of the library
// promise. It may be called again if the commit failed, with rows as they are
// in the database, so it must not keep anything from the first time.
type request struct {
	keys []string
	do   func(t *tx) error
	err  error
	done chan error
}

// A tx is one transaction: what all requests of a batch have changed.
type tx struct {
	store *store
	dirty []*row
	epoch uint64      // the highest in any row changed, if that is news
	notes []statement // what is written besides rows and outbox
}

type statement struct {
	text string
	args []any
}

// also writes something into another table, in the same transaction.
func (t *tx) also(text string, args ...any) { t.notes = append(t.notes, statement{text, args}) }

// note keeps a value under a name.
func (t *tx) note(name, value string) {
	t.also(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}

// audit writes down what somebody may want to know.
func (t *tx) audit(key, what string) {
	t.also(`INSERT INTO audit (at, id, what) VALUES ($1, $2, $3)`, time.Now().UnixNano(), key, what)
}

// committed is what a commit did.
type committed struct {
	number   int64 // of the commit, in the lineage of the database
	rows     []*row
	messages int
}

var errConflict = errors.New("another process has written the row")

// write lets do change the rows of the given keys, and returns once that is
// committed. If ctx ends before, it may be committed or not.
func (s *store) write(ctx context.Context, do func(t *tx) error, keys ...string) error {
	r := &request{keys: keys, do: do, done: make(chan error, 1)}
	select {
	case s.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes until ctx ends.
func (s *store) run(ctx context.Context) {
	for {
		var batch []*request
		select {
		case r := <-s.requests:
			batch = append(batch, r)
		case <-ctx.Done():
			return
		}
		for full := false; !full && len(batch) < maxBatch; {
			select {
			case r := <-s.requests:
				batch = append(batch, r)
			default:
				full = true
			}
		}
		err := s.commit(ctx, batch)
		for i := 0; errors.Is(err, errConflict) && i < 20; i++ {
			err = s.commit(ctx, batch)
		}
		for _, r := range batch {
			r.done <- cmp.Or(err, r.err)
		}
	}
}

// row returns a row of the request.
func (t *tx) row(key string) *row { return t.store.cache[key] }

// changed notes that a request has changed a row, and what of it goes into the
// outbox: the delta that a mutator returned, or the whole state for nil. Deltas
// of one row are merged, so a row that is written often is sent once.
func (t *tx) changed(r *row, delta state) {
	t.touch(r)
	switch {
	case delta == nil:
		r.whole, r.delta = true, nil
	case r.whole: // says it all
	case r.delta == nil:
		r.delta = delta
	default:
		r.delta.merge(delta)
	}
}

// observe raises the epoch of the store, in the transaction of what tells it. A
// row that is not there yet says nothing of a promotion: without this, a deposed
// primary would go on creating rows.
func (t *tx) observe(epoch uint64) {
	if epoch > max(t.epoch, t.store.highestEpoch()) {
		t.epoch = epoch
		t.note("epoch", strconv.FormatUint(epoch, 10))
	}
}

// touch notes that a row has changed in a way that the peers need not be told.
func (t *tx) touch(r *row) {
	if !r.dirty {
		r.dirty = true
		t.dirty = append(t.dirty, r)
	}
}

// commit lets the requests of a batch change rows and commits what they did. A
// request that fails takes no other with it; a commit that fails takes all, and
// the rows in memory, which are then ahead of the database.
func (s *store) commit(ctx context.Context, batch []*request) error {
	var keys []string
	for _, r := range batch {
		keys = append(keys, r.keys...)
	}
	if err := s.load(ctx, keys); err != nil {
		return err
	}
	t := &tx{store: s}
	for _, r := range batch {
		r.err = r.do(t)
	}
	if len(t.dirty)+len(t.notes) == 0 {
		return nil
	}
	if err := s.flush(ctx, t); err != nil {
		clear(s.cache)
		if errors.Is(err, errConflict) {
			s.mu.Lock()
			s.stats.Conflicts++
			s.mu.Unlock()
		}
		return err
	}
	s.mu.Lock()
	s.stats.Requests += int64(len(batch))
	s.mu.Unlock()
	return nil
}

// flush writes a transaction to the database. Rows go in the order of their
// keys, so that two processes never wait for each other.
func (s *store) flush(ctx context.Context, t *tx) (err error) {
	slices.SortFunc(t.dirty, func(a, b *row) int { return cmp.Compare(a.key, b.key) })
	body, prints, values, err := t.encode()
	if err != nil {
		return err
	}
	db, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreDone(db.Rollback()))
		}
	}()
	done := &committed{rows: t.dirty}
	// The number of the commit is what tells a database that was restored from a
	// backup: see identity.go.
	err = s.one(ctx, `UPDATE lineage SET commits = commits + 1 WHERE incarnation = $1 RETURNING commits`, &done.number, int64(s.incarnation))
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("this database has begun another incarnation than %d: this process must end", s.incarnation)
	}
	if err != nil {
		return err
	}
	if err = s.upsert(ctx, values); err != nil {
		return err
	}
	if body != nil {
		done.messages = 1
		if err = s.exec(ctx, `INSERT INTO outbox (id, body) VALUES ($1, $2)`, rand.Int64(), body); err != nil {
			return err
		}
	}
	for _, n := range t.notes {
		if err = s.exec(ctx, n.text, n.args...); err != nil {
			return err
		}
	}
	if err = db.Commit(); err != nil {
		return err
	}
	s.commits.Store(done.number)
	s.landed(t, prints, len(body), values)
	s.committed(done)
	for _, r := range t.dirty {
		r.dirty, r.whole, r.delta = false, false, nil
	}
	return nil
}

// encode returns the message for the outbox, nil if there is none, the
// fingerprints of the rows, and their columns.
func (t *tx) encode() (body []byte, prints []uint64, values []any, err error) {
	var out envelope
	for _, r := range t.dirty {
		data, err := r.state.encode()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("row %q: %w", r.key, err)
		}
		if orders, ok := r.state.(of[*Orders]); ok {
			t.observe(orders.s.Epoch())
		}
		open := int64(0)
		if r.state.open() {
			open = 1
		}
		prints = append(prints, antientropy.Fingerprint(data))
		values = append(values, r.key, r.rev+1, open, data)
		if r.delta != nil {
			if data, err = r.delta.encode(); err != nil {
				return nil, nil, nil, fmt.Errorf("row %q: %w", r.key, err)
			}
		}
		if r.whole || r.delta != nil {
			out.add(r.key, data)
		}
	}
	return out.bytes(), prints, values, nil
}

// upsert writes rows, each only if its revision is the one that was read.
func (s *store) upsert(ctx context.Context, values []any) error {
	for some := range slices.Chunk(values, 4*32) {
		stmt, err := s.prepare(ctx, `INSERT INTO rows (id, rev, open, state) VALUES `+places(4, len(some)/4)+`
			ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, open = excluded.open, state = excluded.state
			WHERE rows.rev = excluded.rev - 1`)
		if err != nil {
			return err
		}
		res, err := stmt.ExecContext(ctx, some...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != int64(len(some)/4) {
			return cmp.Or(err, errConflict)
		}
	}
	return nil
}

// exec runs a statement in the transaction at hand: that of the writer's
// connection. Through the Tx it would be prepared again each time.
func (s *store) exec(ctx context.Context, text string, args ...any) error {
	stmt, err := s.prepare(ctx, text)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx, args...)
	return err
}

func (s *store) one(ctx context.Context, text string, to any, args ...any) error {
	stmt, err := s.prepare(ctx, text)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(to)
}

// landed notes in memory what is in the database now.
func (s *store) landed(t *tx, prints []uint64, message int, values []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Commits++
	s.epoch = max(s.epoch, t.epoch)
	s.stats.OutboxBytes += int64(message)
	for i, r := range t.dirty {
		r.rev++
		s.table.Put(r.key, prints[i])
		s.stats.RowBytes += int64(len(values[4*i+3].([]byte)))
	}
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
