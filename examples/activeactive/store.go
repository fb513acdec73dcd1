package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// A store keeps the rows of a region in its database. One goroutine writes: it
// takes all requests that are waiting, lets them change rows in memory, and
// commits rows, outbox, cursors and all else in one transaction. See commit.go.
//
// A row has a revision, and is written only if it still has the one that was
// read: another process on the same database makes a commit fail and be done
// again, and never overwrites.
type store struct {
	db       *sql.DB
	conn     *sql.Conn      // of the writing goroutine
	replica  vclock.Replica // that the rows are written as
	empty    func(row string, epoch uint64) (state, error)
	requests chan *request
	stopped  chan struct{} // closed when nothing is written any more
	commits  atomic.Uint64 // the number of the latest commit

	cache map[string]*row // of the writing goroutine
	limit int             // rows in it
	stmts map[string]*sql.Stmt

	mu    sync.Mutex
	table antientropy.Table   // a fingerprint of each row, for antientropy.go
	epoch resolver.StoreEpoch // the highest promotion heard of, see promote.go

	committed func(t *tx) // told of every commit, in order
}

// A row is one row in memory, with what the transaction at hand changes.
type row struct {
	key     string
	state   state
	rev     int64 // 0 if it is not in the database
	garbage bool  // there may be something in it to forget, see collect.go
	dirty   bool  // changed
	delta   state // what goes into the outbox, nil for nothing
	from    string
}

// openStore opens the database at url, a postgres:// URL or the path of a file,
// and makes the tables that are not there.
func openStore(ctx context.Context, url string) (*store, error) {
	driver, blob := "sqlite", "BLOB"
	if strings.HasPrefix(url, "postgres") {
		driver, blob = "pgx", "BYTEA"
	} else {
		// Acknowledged is what has reached the disk: synchronous=FULL.
		url = "file:" + strings.NewReplacer("%", "%25", "#", "%23", "?", "%3f").Replace(url) +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		return nil, err
	}
	for _, table := range []string{
		`rows (id TEXT PRIMARY KEY, rev BIGINT NOT NULL, garbage BOOLEAN NOT NULL, state ` + blob + ` NOT NULL)`,
		// The id of a message is drawn by the writer: see outbox.go for why it is
		// no serial number.
		`outbox (id BIGINT PRIMARY KEY, body ` + blob + ` NOT NULL)`,
		`notes (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
		`lineage (one BIGINT PRIMARY KEY, commits BIGINT NOT NULL)`,
		`effects (name TEXT PRIMARY KEY, done BOOLEAN NOT NULL)`,
		`audit (at BIGINT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL)`,
	} {
		if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+table); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &store{
		db: db, conn: conn, empty: empty, requests: make(chan *request, 4*maxBatch), stopped: make(chan struct{}),
		cache: map[string]*row{}, limit: 50_000, stmts: map[string]*sql.Stmt{}, committed: func(*tx) {},
	}, nil
}

// fill reads all rows once, for their fingerprints, and the epoch of the store.
func (s *store) fill(ctx context.Context) error {
	if err := s.note(ctx, "epoch", &s.epoch); err != nil {
		return err
	}
	return s.readAll(ctx, func(key string, data []byte) error {
		s.table.Put(key, antientropy.Fingerprint(data))
		return nil
	}, ``)
}

// read returns the state of a row as it was last committed, an empty one if
// there is none. It may be called from any goroutine.
func (s *store) read(ctx context.Context, key string) (state, error) {
	var data []byte
	err := s.db.QueryRowContext(ctx, `SELECT state FROM rows WHERE id = $1`, key).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return s.empty(key, s.highestEpoch())
	}
	if err != nil {
		return nil, err
	}
	return s.decodeRow(key, data)
}

// each calls yield with the function that scans a row, for each row of a query.
func each(rows *sql.Rows, err error, yield func(scan func(...any) error) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := yield(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readAll calls yield with the bytes of the rows that a condition selects.
func (s *store) readAll(ctx context.Context, yield func(key string, data []byte) error, where string, args ...any) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, state FROM rows `+where, args...)
	return each(rows, err, func(scan func(...any) error) error {
		var key string
		var data []byte
		if err := scan(&key, &data); err != nil {
			return err
		}
		return yield(key, data)
	})
}

// strings returns what a query for one column selects.
func (s *store) strings(ctx context.Context, query string, args ...any) (out []string, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		out = append(out, "")
		return scan(&out[len(out)-1])
	})
	return out, err
}

// keysOf returns the keys of all rows of a kind, or of those in which there may
// be something to forget.
func (s *store) keysOf(ctx context.Context, kind string, garbage bool) ([]string, error) {
	return s.strings(ctx, `SELECT id FROM rows WHERE id >= $1 AND id < $2 AND (garbage OR NOT $3) ORDER BY id`, kind+"/", kind+"0", garbage)
}

// load brings the rows of a batch of requests into the cache, as many at once
// as a statement may have parameters.
func (s *store) load(ctx context.Context, keys []string) error {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(s.cache)+len(keys) > s.limit {
		clear(s.cache) // crude, and seldom
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return s.cache[k] != nil })
	for some := range slices.Chunk(keys, 64) {
		stmt, err := s.prepare(ctx, `SELECT id, rev, garbage, state FROM rows WHERE id IN `+places(1, len(some)))
		if err != nil {
			return err
		}
		rows, err := stmt.QueryContext(ctx, anys(some)...)
		if err := each(rows, err, func(scan func(...any) error) (err error) {
			var r row
			var data []byte
			if err = scan(&r.key, &r.rev, &r.garbage, &data); err == nil {
				r.state, err = s.decodeRow(r.key, data)
			}
			s.cache[r.key] = &r
			return err
		}); err != nil {
			clear(s.cache)
			return err
		}
	}
	for _, k := range keys {
		if s.cache[k] == nil {
			st, err := s.empty(k, s.highestEpoch())
			if err != nil {
				return err
			}
			s.cache[k] = &row{key: k, state: st}
		}
	}
	return nil
}

// prepare returns the statement of a text, prepared on the writer's connection.
func (s *store) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := s.stmts[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, text)
	if err == nil {
		s.stmts[text] = stmt
	}
	return stmt, err
}

// places returns the parameters of groups of n each, as SQL text: places(2, 2)
// is ($1,$2),($3,$4).
func places(groups, n int) string {
	var b strings.Builder
	for i := range groups * n {
		sep := ","
		if i%n == 0 {
			sep = "),("
		}
		fmt.Fprintf(&b, "%s$%d", sep, i+1)
	}
	return b.String()[2:] + ")"
}

func anys(keys []string) (args []any) {
	for _, k := range keys {
		args = append(args, k)
	}
	return args
}

// note reads what was noted under a name into a value, which stays as it is if
// there is nothing.
func (s *store) note(ctx context.Context, name string, into any) error {
	var text []byte
	err := s.db.QueryRowContext(ctx, `SELECT value FROM notes WHERE name = $1`, name).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (s *store) highestEpoch() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(s.epoch)
}

// ask begins a round of anti-entropy, and answer goes on with it.
func (s *store) ask(salt uint64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Ask(salt)
}

func (s *store) answer(msg []byte) (reply []byte, send []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Answer(msg)
}
