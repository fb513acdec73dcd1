package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// A store keeps the rows of a region in its database. One goroutine writes at a time: it lets all
// requests that wait change rows in memory, and commits rows, outbox and all else in one transaction.
//
// A row has a revision, and is written only if it still has the one that was read: another process
// on the same database makes a commit fail and be done again, and never overwrites.
type store struct {
	db       *sql.DB
	listed   string // SQL: the elements of the JSON text that is the first parameter
	postgres bool
	replica  vclock.Replica                      // that the rows are written as
	kinds    map[string]func(epoch uint64) state // see data.go
	commits  atomic.Uint64                       // the number of the latest commit
	epoch    atomic.Uint64                       // of the highest promotion heard of, see orders.go

	writing sync.Mutex // held by who writes
	conn    *sql.Conn
	cache   map[string]*row
	limit   int // rows in it
	stmts   map[string]*sql.Stmt

	mu      sync.Mutex
	waiting []*request        // to be written
	table   antientropy.Table // a fingerprint of each row, for antientropy.go
	news    map[string][]byte // rows that it does not know yet

	committed func(t *tx) // told of every commit, in order
}

// A row is one row in memory, with what the transaction at hand changes.
type row struct {
	key     string
	state   state // nil for one that is not there, until somebody asks for it
	rev     int64 // 0 if it is not in the database
	garbage bool  // there may be something in it to forget, see collect.go

	dirty bool           // changed
	delta state          // what goes into the outbox, nil for nothing
	data  []byte         // the bytes of the state, once they are known
	from  string         // the peer that the change came from
	why   []merge.Change // what it did, for the page
}

// openStore opens the database at a postgres:// URL or in a file, and makes its tables.
func openStore(ctx context.Context, url string) (*store, error) {
	// Keys are compared byte by byte, in both.
	driver, text, blob, clustered, listed := "sqlite", "TEXT", "BLOB", " WITHOUT ROWID", "(SELECT value FROM json_each($1))"
	if strings.HasPrefix(url, "postgres") {
		driver, text, blob, clustered, listed = "pgx", `TEXT COLLATE "C"`, "BYTEA", "", "(SELECT json_array_elements_text($1::json))"
	} else {
		// Acknowledged is what has reached the disk: synchronous=FULL.
		url = "file:" + strings.NewReplacer("%", "%25", "#", "%23", "?", "%3f").Replace(url) +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, `
			CREATE TABLE IF NOT EXISTS rows (id `+text+` PRIMARY KEY, rev BIGINT NOT NULL, garbage BOOLEAN NOT NULL, state `+blob+` NOT NULL)`+clustered+`;
			CREATE INDEX IF NOT EXISTS garbage ON rows (id) WHERE garbage;
			CREATE TABLE IF NOT EXISTS outbox (id BIGINT PRIMARY KEY, body `+blob+` NOT NULL); -- an id is drawn, see outbox.go
			CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
			CREATE TABLE IF NOT EXISTS lineage (one BIGINT PRIMARY KEY, commits BIGINT NOT NULL);
			CREATE TABLE IF NOT EXISTS effects (name TEXT PRIMARY KEY, done BOOLEAN NOT NULL);
			CREATE TABLE IF NOT EXISTS audit (at BIGINT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL)`)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{
		db: db, conn: conn, listed: listed, postgres: driver == "pgx", kinds: kinds,
		cache: map[string]*row{}, limit: 50_000, news: map[string][]byte{}, stmts: map[string]*sql.Stmt{}, committed: func(*tx) {},
	}, nil
}

// fill reads all rows once, for their fingerprints, and the epoch of the store.
func (s *store) fill(ctx context.Context) error {
	var epoch uint64
	err := s.note(ctx, "epoch", &epoch)
	s.epoch.Store(epoch)
	for r := range s.rows(ctx, &err, ``) {
		s.table.Put(r.key, antientropy.Fingerprint(r.data))
	}
	return err
}

// read returns the state of a row as it was last committed, an empty one if there is none.
func (s *store) read(ctx context.Context, key string) (state, error) {
	var data []byte
	err := s.db.QueryRowContext(ctx, `SELECT state FROM rows WHERE id = $1`, key).Scan(&data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	return s.decodeRow(key, data)
}

// query iterates over what a query selects, with the function that scans it. Errors go into err.
func (s *store) query(ctx context.Context, err *error, text string, args ...any) iter.Seq[func(...any)] {
	return func(yield func(func(...any)) bool) {
		if *err != nil {
			return
		}
		rows, failed := s.db.QueryContext(ctx, text, args...)
		if *err = failed; failed != nil {
			return
		}
		defer rows.Close()
		scan := func(into ...any) { *err = cmp.Or(*err, rows.Scan(into...)) }
		for *err == nil && rows.Next() {
			if !yield(scan) {
				return
			}
		}
		*err = cmp.Or(*err, rows.Err())
	}
}

func (s *store) rows(ctx context.Context, err *error, where string, args ...any) iter.Seq[*row] {
	return func(yield func(*row) bool) {
		for scan := range s.query(ctx, err, `SELECT id, rev, garbage, state FROM rows `+where, args...) {
			r := new(row)
			if scan(&r.key, &r.rev, &r.garbage, &r.data); *err != nil || !yield(r) {
				return
			}
		}
	}
}

func (s *store) strings(ctx context.Context, text string, args ...any) (out []string, err error) {
	for scan := range s.query(ctx, &err, text, args...) {
		out = append(out, "")
		scan(&out[len(out)-1])
	}
	return out, err
}

func (s *store) keysOf(ctx context.Context, kind string) ([]string, error) {
	return s.strings(ctx, `SELECT id FROM rows WHERE id >= $1 AND id < $2 ORDER BY id`, kind+"/", kind+"0")
}

// load brings rows into the cache, without looking for them if they are said to be absent.
func (s *store) load(ctx context.Context, keys []string, absent bool) (err error) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(s.cache)+len(keys) > s.limit {
		clear(s.cache) // crude, and seldom
	}
	cached := func(key string) bool { return s.cache[key] != nil }
	keys = slices.DeleteFunc(keys, cached)
	if len(keys) > 0 && !absent {
		for r := range s.rows(ctx, &err, `WHERE id IN `+s.listed, list(keys)) {
			r.state, err = s.decodeRow(r.key, r.data)
			r.data = nil
			s.cache[r.key] = r
		}
	}
	keys = slices.DeleteFunc(keys, cached)
	empty := make([]row, len(keys))
	for i, key := range keys {
		empty[i].key = key
		s.cache[key] = &empty[i]
	}
	if err != nil {
		clear(s.cache)
	}
	return err
}

func list(keys []string) string {
	text, _ := json.Marshal(keys) // texts have no error
	return string(text)
}

// note reads what was noted under a name into a value, which stays as it is if there is nothing.
func (s *store) note(ctx context.Context, name string, into any) error {
	texts, err := s.strings(ctx, `SELECT value FROM notes WHERE name = $1`, name)
	for _, text := range texts {
		err = json.Unmarshal([]byte(text), into)
	}
	return err
}

// A request changes rows. If do returns an error it must not have changed anything, as the mutators
// of the library promise. It is called again if the commit failed, with rows as they are then.
type request struct {
	keys   []string
	absent bool // the keys are guessed not to be there; if they are, that is a conflict, and done again
	do     func(t *tx) error
	done   bool
	err    error
}

// A tx is one transaction: what all requests of a batch have changed.
type tx struct {
	store    *store
	requests int
	dirty    []*row
	also     []statement // what is written besides rows and outbox
	epoch    uint64      // the highest in any row changed, if that is news
	number   uint64      // of the commit, in the lineage of the database
	body     []byte      // the message for the outbox
	err      error       // of what the transaction cannot be without
}

type statement struct {
	text string
	args []any
}

// exec writes something into another table, in the same transaction.
func (t *tx) exec(text string, args ...any) { t.also = append(t.also, statement{text, args}) }

func (t *tx) note(name string, value any) {
	text, err := json.Marshal(value)
	t.err = cmp.Or(t.err, err)
	t.exec(`INSERT INTO notes (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, string(text))
}

func (t *tx) row(key string) *row {
	r := t.store.cache[key]
	if r.state == nil {
		st, err := t.store.decodeRow(key, r.data)
		r.state, t.err = st, cmp.Or(t.err, err)
	}
	return r
}

// changed notes that a request has changed a row, and what of it goes into the outbox: the delta
// that a mutator returned, or for nil the whole state.
func changed[S replicated[S]](t *tx, r *row, delta S) {
	t.touch(r)
	switch {
	case delta == *new(S):
		r.delta = r.state
	case r.delta == nil:
		r.delta = of[S]{delta}
	default:
		r.delta.merge(of[S]{delta})
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
	if epoch > max(t.epoch, t.store.epoch.Load()) {
		t.epoch = epoch
		t.note("epoch", epoch)
	}
}

var errConflict = errors.New("another process has written the row")

// write lets do change the rows of the given keys, and returns once that is committed. Whoever
// comes while others commit waits for them, and commits for all who have come meanwhile.
func (s *store) write(ctx context.Context, do func(t *tx) error, keys ...string) error {
	return s.request(ctx, &request{keys: keys, do: do})
}

func (s *store) request(ctx context.Context, r *request) error {
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
		err = s.commit(context.WithoutCancel(ctx), batch, try) // it is not that of the others
	}
	for _, r := range batch {
		r.done, r.err = true, cmp.Or(err, r.err)
	}
	return r.err
}

// commit lets requests change rows, and commits what they did. One that fails takes no other with it. A
// commit that fails takes all, and what is in memory, which is then ahead of the database.
func (s *store) commit(ctx context.Context, batch []*request, try int) error {
	keys := map[bool][]string{}
	for _, r := range batch {
		absent := r.absent && try == 0
		keys[absent] = append(keys[absent], r.keys...)
	}
	for absent, some := range keys {
		if err := s.load(ctx, some, absent); err != nil {
			return err
		}
	}
	t := &tx{store: s, requests: len(batch)}
	for _, r := range batch {
		r.err = r.do(t)
	}
	if len(t.dirty)+len(t.also) == 0 {
		return nil
	}
	t.encode()
	db, err := s.conn.BeginTx(ctx, nil)
	if err == nil {
		if err = s.send(ctx, t); err == nil {
			err = db.Commit()
		} else {
			_ = db.Rollback()
		}
	}
	if err != nil {
		clear(s.cache)
		return err
	}
	s.commits.Store(t.number)
	s.epoch.Store(max(s.epoch.Load(), t.epoch))
	s.mu.Lock()
	for _, r := range t.dirty {
		s.news[r.key] = r.data
	}
	s.mu.Unlock()
	s.committed(t)
	for _, r := range t.dirty {
		if *r = (row{key: r.key, state: r.state, rev: r.rev + 1, garbage: r.garbage}); r.state == nil {
			delete(s.cache, r.key) // nobody has asked for it
		}
	}
	return nil
}

// encode makes the bytes of the rows, and the message for the outbox. Rows are in the order of keys,
// so that two processes never wait for each other.
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
		switch {
		case r.delta == nil:
		case r.delta == r.state, r.rev == 0: // it is all that there is
			out.add(r.key, r.data)
		default:
			scratch = encode(scratch[:0], r.delta)
			out.add(r.key, scratch)
		}
	}
	t.body = out.body
}

// send sends all statements of a transaction to the database.
func (s *store) send(ctx context.Context, t *tx) error {
	// The number of the commit tells a database that was restored from a backup: see identity.go.
	_, life := s.replica.Lineage()
	err := s.conn.QueryRowContext(ctx, `UPDATE lineage SET commits = commits + 1 WHERE commits >> 32 = $1 RETURNING commits`, life).Scan(&t.number)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("this database is written by another life than %s: this process must end", s.replica)
	}
	err = cmp.Or(t.err, err)
	exec := func(text string, args ...any) (rows int64) {
		if err == nil {
			rows, err = s.exec(ctx, text, args...)
		}
		return rows
	}
	for some := range slices.Chunk(t.dirty, 100) { // most of what a write costs is the number of statements
		values := make([]any, 0, 4*len(some))
		for _, r := range some {
			values = append(values, r.key, r.rev+1, r.garbage, r.data)
		}
		// Each row only if its revision is the one that was read.
		if exec(`INSERT INTO rows (id, rev, garbage, state) VALUES `+strings.Repeat(`(?,?,?,?),`, len(some)-1)+`(?,?,?,?)
			ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, garbage = excluded.garbage, state = excluded.state
			WHERE rows.rev = excluded.rev - 1`, values...) != int64(len(some)) {
			err = cmp.Or(err, errConflict)
		}
	}
	if t.body != nil {
		exec(`INSERT INTO outbox (id, body) VALUES ($1, $2)`, rand.Int64(), t.body)
	}
	for _, st := range t.also {
		exec(st.text, st.args...)
	}
	return err
}

// exec executes a statement on the writer's connection, prepared once. Parameters have numbers, or
// are question marks, which SQLite binds faster and PostgreSQL does not know.
func (s *store) exec(ctx context.Context, text string, args ...any) (rows int64, err error) {
	stmt := s.stmts[text]
	if stmt == nil {
		numbered := text
		for n := 1; s.postgres && strings.Contains(numbered, "?"); n++ {
			numbered = strings.Replace(numbered, "?", fmt.Sprint("$", n), 1)
		}
		if stmt, err = s.conn.PrepareContext(ctx, numbered); err != nil {
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
