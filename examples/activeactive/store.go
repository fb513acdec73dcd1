package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// A store keeps the rows of a region in its database. One goroutine writes at a time: it takes all requests
// that are waiting, lets them change rows in memory, and commits rows, outbox, cursors and all else
// in one transaction. See commit.go.
//
// A row has a revision, and is written only if it still has the one that was read: another process
// on the same database makes a commit fail and be done again, and never overwrites.
type store struct {
	db      *sql.DB
	listed  string         // SQL: the elements of the JSON text that is the first parameter
	replica vclock.Replica // that the rows are written as
	empty   func(row string, epoch uint64) (state, error)
	commits atomic.Uint64 // the number of the latest commit

	writing sync.Mutex // held by who writes
	conn    *sql.Conn
	cache   map[string]*row
	limit   int // rows in it
	stmts   map[string]*sql.Stmt

	mu      sync.Mutex
	waiting []*request          // to be written
	table   antientropy.Table   // a fingerprint of each row, for antientropy.go
	epoch   resolver.StoreEpoch // the highest promotion heard of, see orders.go

	committed func(t *tx) // told of every commit, in order
}

// A row is one row in memory, with what the transaction at hand changes.
type row struct {
	key     string
	state   state
	rev     int64 // 0 if it is not in the database
	garbage bool  // there may be something in it to forget, see collect.go

	dirty bool           // changed
	delta state          // what goes into the outbox, nil for nothing
	data  []byte         // the bytes of the state, once they are known
	from  string         // the peer that the change came from
	why   []merge.Change // what it did, for the page
}

// openStore opens the database at url, a postgres:// URL or the path of a file, and makes the
// tables that are not there.
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
	for _, table := range []string{
		`rows (id ` + text + ` PRIMARY KEY, rev BIGINT NOT NULL, garbage BOOLEAN NOT NULL, state ` + blob + ` NOT NULL)` + clustered,
		// The id of a message is drawn by the writer: see outbox.go for why it is no serial number.
		`outbox (id BIGINT PRIMARY KEY, body ` + blob + ` NOT NULL)`,
		`notes (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
		`lineage (one BIGINT PRIMARY KEY, commits BIGINT NOT NULL)`,
		`effects (name TEXT PRIMARY KEY, done BOOLEAN NOT NULL)`,
		`audit (at BIGINT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL)`,
	} {
		if err == nil {
			_, err = conn.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+table)
		}
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{
		db: db, conn: conn, listed: listed, empty: empty,
		cache: map[string]*row{}, limit: 50_000, stmts: map[string]*sql.Stmt{}, committed: func(*tx) {},
	}, nil
}

// fill reads all rows once, for their fingerprints, and the epoch of the store.
func (s *store) fill(ctx context.Context) error {
	err := s.note(ctx, "epoch", &s.epoch)
	for r := range s.rows(ctx, &err, ``) {
		s.table.Put(r.key, antientropy.Fingerprint(r.data))
	}
	return err
}

// read returns the state of a row as it was last committed, an empty one if there is none. It may
// be called from any goroutine.
func (s *store) read(ctx context.Context, key string) (st state, err error) {
	for r := range s.rows(ctx, &err, `WHERE id = $1`, key) {
		return s.decodeRow(key, r.data)
	}
	if err != nil {
		return nil, err
	}
	return s.empty(key, s.highestEpoch())
}

// query returns an iterator over what a query selects, with the function that scans it. What goes
// wrong is in err, after the loop.
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

// rows returns an iterator over the rows that a condition selects.
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

// strings returns what a query for one column selects.
func (s *store) strings(ctx context.Context, text string, args ...any) (out []string, err error) {
	for scan := range s.query(ctx, &err, text, args...) {
		out = append(out, "")
		scan(&out[len(out)-1])
	}
	return out, err
}

// keysOf returns the keys of all rows of a kind.
func (s *store) keysOf(ctx context.Context, kind string) ([]string, error) {
	return s.strings(ctx, `SELECT id FROM rows WHERE id >= $1 AND id < $2 ORDER BY id`, kind+"/", kind+"0")
}

// load brings the rows of a batch of requests into the cache.
func (s *store) load(ctx context.Context, keys []string) error {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(s.cache)+len(keys) > s.limit {
		clear(s.cache) // crude, and seldom
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return s.cache[k] != nil })
	if len(keys) == 0 {
		return nil
	}
	var err error
	for r := range s.rows(ctx, &err, `WHERE id IN `+s.listed, list(keys)) {
		r.state, err = s.decodeRow(r.key, r.data)
		r.data = nil
		s.cache[r.key] = r
	}
	for _, k := range keys {
		if s.cache[k] == nil && err == nil {
			s.cache[k] = &row{key: k}
			s.cache[k].state, err = s.empty(k, s.highestEpoch())
		}
	}
	if err != nil {
		clear(s.cache)
	}
	return err
}

// list makes the parameter of s.listed.
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

func (s *store) highestEpoch() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(s.epoch)
}
