package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/resolver"
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
	store    *store
	requests int
	dirty    []*row
	epoch    uint64      // the highest in any row changed, if that is news
	also     []statement // what is written besides rows and outbox
	number   uint64      // of the commit, in the lineage of the database
	body     []byte      // the message for the outbox
	size     int         // of the rows
}

type statement struct {
	text string
	args []any
}

// exec writes something into another table, in the same transaction.
func (t *tx) exec(text string, args ...any) { t.also = append(t.also, statement{text, args}) }

// note keeps a value under a name.
func (t *tx) note(name string, value any) error {
	text, err := json.Marshal(value)
	t.exec(`INSERT INTO notes (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, string(text))
	return err
}

// audit writes down what somebody may want to know.
func (t *tx) audit(key, format string, args ...any) {
	t.exec(`INSERT INTO audit (at, id, what) VALUES ($1, $2, $3)`, time.Now().UnixNano(), key, fmt.Sprintf(format, args...))
}

// row returns a row of the request.
func (t *tx) row(key string) *row { return t.store.cache[key] }

// changed notes that a request has changed a row, and what of it goes into the
// outbox: the delta that a mutator returned, or the whole state for nil. Deltas
// of one row are merged, so a row that is written often is sent once.
func (t *tx) changed(r *row, delta state) {
	t.touch(r)
	r.garbage = r.garbage || delta != nil && leavesGarbage(delta)
	switch {
	case delta == nil:
		r.delta = r.state
	case r.delta == nil:
		r.delta = delta
	default:
		r.delta.merge(delta)
	}
}

// touch notes that a row has changed in a way that the peers need not be told.
func (t *tx) touch(r *row) {
	if !r.dirty {
		r.dirty = true
		t.dirty = append(t.dirty, r)
	}
}

// observe raises the epoch of the store, in the transaction of what tells it. A
// row that is not there yet says nothing of a promotion: without this, a deposed
// primary would go on creating rows.
func (t *tx) observe(epoch uint64) error {
	if epoch <= max(t.epoch, t.store.highestEpoch()) {
		return nil
	}
	t.epoch = epoch
	return t.note("epoch", epoch)
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
	defer close(s.stopped)
	for {
		var batch []*request
		select {
		case r := <-s.requests:
			batch = append(batch, r)
		case <-ctx.Done():
			return
		}
		for n := min(len(s.requests), maxBatch-1); n > 0; n-- {
			batch = append(batch, <-s.requests)
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
	t := &tx{store: s, requests: len(batch)}
	for _, r := range batch {
		r.err = r.do(t)
	}
	if len(t.dirty)+len(t.also) == 0 {
		return nil
	}
	err := s.flush(ctx, t)
	if err != nil {
		clear(s.cache)
	}
	return err
}

// flush writes a transaction to the database. Rows go in the order of their
// keys, so that two processes never wait for each other.
func (s *store) flush(ctx context.Context, t *tx) (err error) {
	slices.SortFunc(t.dirty, func(a, b *row) int { return cmp.Compare(a.key, b.key) })
	prints, values, err := t.encode()
	if err != nil {
		return err
	}
	db, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := s.send(ctx, t, values); err != nil {
		return errors.Join(err, db.Rollback())
	}
	if err := db.Commit(); err != nil {
		return err
	}
	s.commits.Store(t.number)
	s.mu.Lock()
	for i, r := range t.dirty {
		s.table.Put(r.key, prints[i])
	}
	s.epoch = max(s.epoch, resolver.StoreEpoch(t.epoch))
	s.mu.Unlock()
	s.committed(t)
	for _, r := range t.dirty {
		r.rev++
		r.dirty, r.delta, r.from = false, nil, ""
	}
	return nil
}

// encode makes the message for the outbox, and returns the fingerprints of the
// rows and their columns.
func (t *tx) encode() (prints []uint64, values []any, err error) {
	var out envelope
	for _, r := range t.dirty {
		data, err := r.state.encode()
		if err != nil {
			return nil, nil, fmt.Errorf("row %q: %w", r.key, err)
		}
		if orders, ok := r.state.(of[*Orders]); ok {
			if err := t.observe(orders.s.Epoch()); err != nil {
				return nil, nil, err
			}
		}
		prints = append(prints, antientropy.Fingerprint(data))
		values = append(values, r.key, r.rev+1, r.garbage, data)
		t.size += len(data)
		if r.delta != nil {
			if data, err = r.delta.encode(); err != nil {
				return nil, nil, fmt.Errorf("row %q: %w", r.key, err)
			}
			out.add(r.key, data)
		}
	}
	t.body = out.body
	return prints, values, nil
}

// send sends all statements of a transaction to the database.
func (s *store) send(ctx context.Context, t *tx, values []any) error {
	// The number of the commit is what tells a database that was restored from a
	// backup: see identity.go.
	count, err := s.prepare(ctx, `UPDATE lineage SET commits = commits + 1 WHERE commits >> 32 = $1 RETURNING commits`)
	if err != nil {
		return err
	}
	_, life := s.replica.Lineage()
	err = count.QueryRowContext(ctx, life).Scan(&t.number)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("this database is written by another life than %s: this process must end", s.replica)
	}
	if err != nil {
		return err
	}
	for some := range slices.Chunk(values, 4*32) { // each row only if its revision is the one that was read
		n, err := s.exec(ctx, `INSERT INTO rows (id, rev, garbage, state) VALUES `+places(len(some)/4, 4)+`
			ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, garbage = excluded.garbage, state = excluded.state
			WHERE rows.rev = excluded.rev - 1`, some...)
		if err != nil || n != int64(len(some)/4) {
			return cmp.Or(err, errConflict)
		}
	}
	if t.body != nil {
		t.exec(`INSERT INTO outbox (id, body) VALUES ($1, $2)`, rand.Int64(), t.body)
	}
	for _, a := range t.also {
		if _, err := s.exec(ctx, a.text, a.args...); err != nil {
			return err
		}
	}
	return nil
}

// exec executes a statement in the transaction at hand: that of the writer's
// connection. Through the Tx it would be prepared again each time.
func (s *store) exec(ctx context.Context, text string, args ...any) (rows int64, err error) {
	stmt, err := s.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
