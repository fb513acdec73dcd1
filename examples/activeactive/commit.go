package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// A request changes rows. If do returns an error it must not have changed anything, as the mutators
// of the library promise. It may be called again if the commit failed, with rows as they are in the
// database, so it must not keep anything from the first time.
type request struct {
	keys []string
	do   func(t *tx) error
	done bool
	err  error
}

// A tx is one transaction: what all requests of a batch have changed.
type tx struct {
	store    *store
	requests int
	dirty    []*row
	epoch    uint64                            // the highest in any row changed, if that is news
	also     []func(ctx context.Context) error // what is written besides rows and outbox
	err      error                             // of what the transaction cannot be without
	number   uint64                            // of the commit, in the lineage of the database
	body     []byte                            // the message for the outbox
}

// exec writes something into another table, in the same transaction.
func (t *tx) exec(text string, args ...any) {
	t.also = append(t.also, func(ctx context.Context) error {
		_, err := t.store.exec(ctx, text, args...)
		return err
	})
}

// note keeps a value under a name.
func (t *tx) note(name string, value any) {
	text, err := json.Marshal(value)
	t.err = cmp.Or(t.err, err)
	t.exec(`INSERT INTO notes (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, string(text))
}

// audit writes down what somebody may want to know.
func (t *tx) audit(key, format string, args ...any) {
	t.exec(`INSERT INTO audit (at, id, what) VALUES ($1, $2, $3)`, time.Now().UnixNano(), key, fmt.Sprintf(format, args...))
}

// row returns a row of the request.
func (t *tx) row(key string) *row { return t.store.cache[key] }

// changed notes that a request has changed a row, and what of it goes into the outbox: the delta
// that a mutator returned, or the whole state for nil. Deltas of one row are merged, so a row that
// is written often is sent once.
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
	if r.data = nil; !r.dirty {
		r.dirty = true
		t.dirty = append(t.dirty, r)
	}
}

// observe raises the epoch of the store, in the transaction of what tells it. A row that is not
// there yet says nothing of a promotion: without this, a deposed primary would go on creating rows.
func (t *tx) observe(epoch uint64) {
	if epoch > max(t.epoch, t.store.highestEpoch()) {
		t.epoch = epoch
		t.note("epoch", epoch)
	}
}

var errConflict = errors.New("another process has written the row")

// write lets do change the rows of the given keys, and returns once that is committed. Whoever
// comes while others commit waits for them, and commits for all who have come meanwhile.
func (s *store) write(ctx context.Context, do func(t *tx) error, keys ...string) error {
	r := &request{keys: keys, do: do}
	s.mu.Lock()
	s.waiting = append(s.waiting, r)
	s.mu.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	if r.done {
		return r.err
	}
	s.mu.Lock()
	batch := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	err := errConflict
	for try := 0; errors.Is(err, errConflict) && try < 20; try++ {
		err = s.commit(context.WithoutCancel(ctx), batch) // it is not that of the others
	}
	for _, r := range batch {
		r.done, r.err = true, cmp.Or(err, r.err)
	}
	return r.err
}

// commit lets the requests of a batch change rows and commits what they did. A request that fails
// takes no other with it; a commit that fails takes all, and the rows in memory, which are then
// ahead of the database.
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
	if err := s.flush(ctx, t); err != nil {
		clear(s.cache)
		return err
	}
	s.commits.Store(t.number)
	s.mu.Lock()
	for _, r := range t.dirty {
		s.table.Put(r.key, antientropy.Fingerprint(r.data))
	}
	s.epoch = max(s.epoch, resolver.StoreEpoch(t.epoch))
	s.mu.Unlock()
	s.committed(t)
	for _, r := range t.dirty {
		*r = row{key: r.key, state: r.state, rev: r.rev + 1, garbage: r.garbage}
	}
	return nil
}

// flush writes a transaction to the database.
func (s *store) flush(ctx context.Context, t *tx) error {
	t.encode()
	db, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := s.send(ctx, t); err != nil {
		return errors.Join(err, db.Rollback())
	}
	return db.Commit()
}

// encode makes the bytes of the rows, and the message for the outbox. Rows go in the order of their
// keys, so that two processes never wait for each other.
func (t *tx) encode() {
	slices.SortFunc(t.dirty, func(a, b *row) int { return cmp.Compare(a.key, b.key) })
	var out envelope
	var room, scratch []byte
	encode := func(b []byte, st state) []byte {
		b, err := st.append(b)
		t.err = cmp.Or(t.err, err)
		return b
	}
	for _, r := range t.dirty {
		if r.data == nil {
			from := len(room)
			room = encode(room, r.state)
			r.data = room[from:len(room):len(room)]
		}
		if orders, ok := r.state.(of[*Orders]); ok {
			t.observe(orders.s.Epoch())
		}
		if r.delta != nil {
			scratch = encode(scratch[:0], r.delta)
			out.add(r.key, scratch)
		}
	}
	t.body = out.body
}

// send sends all statements of a transaction to the database.
func (s *store) send(ctx context.Context, t *tx) error {
	// The number of the commit is what tells a database that was restored from a backup: see
	// identity.go.
	_, life := s.replica.Lineage()
	n, err := s.exec(ctx, `UPDATE lineage SET commits = commits + 1 WHERE commits >> 32 = $1`, life)
	if err == nil && n == 0 {
		err = fmt.Errorf("this database is written by another life than %s: this process must end", s.replica)
	}
	if err = cmp.Or(t.err, err, s.conn.QueryRowContext(ctx, `SELECT commits FROM lineage`).Scan(&t.number)); err != nil {
		return err
	}
	for some := range slices.Chunk(t.dirty, 32) { // most of what a write costs is the number of statements
		var places []string
		var values []any
		for i, r := range some {
			places = append(places, fmt.Sprintf("($%d,$%d,$%d,$%d)", 4*i+1, 4*i+2, 4*i+3, 4*i+4))
			values = append(values, r.key, r.rev+1, r.garbage, r.data)
		}
		// Each row only if its revision is the one that was read.
		n, err := s.exec(ctx, `INSERT INTO rows (id, rev, garbage, state) VALUES `+strings.Join(places, ",")+`
			ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, garbage = excluded.garbage, state = excluded.state
			WHERE rows.rev = excluded.rev - 1`, values...)
		if err != nil || n != int64(len(some)) {
			return cmp.Or(err, errConflict)
		}
	}
	if t.body != nil {
		t.exec(`INSERT INTO outbox (id, body) VALUES ($1, $2)`, rand.Int64(), t.body)
	}
	for _, do := range t.also {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// exec executes a statement on the writer's connection, in the transaction at hand. Through the Tx
// it would be prepared again each time.
func (s *store) exec(ctx context.Context, text string, args ...any) (rows int64, err error) {
	stmt := s.stmts[text]
	if stmt == nil {
		if stmt, err = s.conn.PrepareContext(ctx, text); err != nil {
			return 0, err
		}
		s.stmts[text] = stmt
	}
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
