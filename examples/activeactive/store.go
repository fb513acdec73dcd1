package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

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
	db          *sql.DB
	conn        *sql.Conn // of the writing goroutine
	schema      *schema
	incarnation uint64
	requests    chan *request
	stopped     chan struct{} // closed when nothing is written any more
	commits     atomic.Int64  // the number of the latest commit

	cache map[string]*row // of the writing goroutine
	limit int             // rows in it
	stmts map[string]*sql.Stmt

	mu    sync.Mutex
	table antientropy.Table // a fingerprint of each row, for antientropy.go
	epoch uint64            // the highest promotion heard of, see promote.go
	stats storeStats

	committed func(c *committed) // told of every commit, in order
}

// storeStats are totals since the start.
type storeStats struct {
	Commits, Requests, Conflicts, RowBytes, OutboxBytes int64
}

// A row is one row in memory, with what the transaction at hand changes.
type row struct {
	key   string
	state state
	rev   int64 // 0 if it is not in the database
	dirty bool  // changed
	whole bool  // the outbox gets the whole state
	delta state // or else this, nil if there is nothing to send
}

// openStore opens the database at url, a postgres:// URL or the path of a file,
// and makes the tables that are not there.
func openStore(ctx context.Context, url string, sc *schema) (*store, error) {
	driver, blob := "sqlite", "BLOB"
	if strings.HasPrefix(url, "postgres") {
		driver, blob = "pgx", "BYTEA"
	} else {
		// Acknowledged is what has reached the disk: synchronous=FULL.
		url = "file:" + strings.NewReplacer("%", "%25", "#", "%23", "?", "%3f").Replace(url) + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		return nil, err
	}
	s := &store{
		db: db, schema: sc, requests: make(chan *request, 4*maxBatch), stopped: make(chan struct{}),
		cache: map[string]*row{}, limit: 50_000, stmts: map[string]*sql.Stmt{}, committed: func(*committed) {},
	}
	for _, table := range []string{
		`rows (id TEXT PRIMARY KEY, rev BIGINT NOT NULL, open BIGINT NOT NULL, state ` + blob + ` NOT NULL)`,
		// The id of a message is drawn by the writer: see outbox.go for why it is
		// no serial number.
		`outbox (id BIGINT PRIMARY KEY, body ` + blob + ` NOT NULL)`,
		`meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
		`lineage (one BIGINT PRIMARY KEY, incarnation BIGINT NOT NULL, commits BIGINT NOT NULL)`,
		`effects (name TEXT PRIMARY KEY, done BIGINT NOT NULL)`,
		`audit (at BIGINT NOT NULL, id TEXT NOT NULL, what TEXT NOT NULL)`,
	} {
		if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+table); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if s.conn, err = db.Conn(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// fill reads all rows once, for their fingerprints, and the epoch of the store.
func (s *store) fill(ctx context.Context) error {
	epoch, err := s.meta(ctx, "epoch")
	if err != nil {
		return err
	}
	if s.epoch, err = strconv.ParseUint(cmp.Or(epoch, "0"), 10, 64); err != nil {
		return fmt.Errorf("epoch of the store: %w", err)
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
		return s.schema.empty(key, s.highestEpoch())
	}
	if err != nil {
		return nil, err
	}
	return s.schema.decode(key, data)
}

// readAll calls yield with the bytes of the rows that a condition selects.
func (s *store) readAll(ctx context.Context, yield func(key string, data []byte) error, where string, args ...any) error {
	rows, err := s.db.QueryContext(ctx, `SELECT id, state FROM rows `+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var data []byte
		if err := rows.Scan(&key, &data); err != nil {
			return err
		}
		if err := yield(key, data); err != nil {
			return err
		}
	}
	return rows.Err()
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
		if err := s.loadSome(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) loadSome(ctx context.Context, keys []string) error {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = k
	}
	stmt, err := s.prepare(ctx, `SELECT id, rev, state FROM rows WHERE id IN `+places(1, len(keys)))
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		var data []byte
		if err := rows.Scan(&r.key, &r.rev, &data); err != nil {
			return err
		}
		if r.state, err = s.schema.decode(r.key, data); err != nil {
			return err
		}
		s.cache[r.key] = &r
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, k := range keys {
		if s.cache[k] == nil {
			st, err := s.schema.empty(k, s.highestEpoch())
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

// places returns the parameters of groups of n columns each, as SQL text:
// places(2, 2) is ($1,$2),($3,$4), and places(1, 3) is ($1,$2,$3).
func places(columns, groups int) string {
	if columns == 1 {
		columns, groups = groups, 1
	}
	var b strings.Builder
	for i := range columns * groups {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%columns == 0:
			b.WriteString("),(")
		default:
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	b.WriteByte(')')
	return b.String()
}

// meta returns a note of the store, or "".
func (s *store) meta(ctx context.Context, name string) (string, error) {
	var value string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

func (s *store) highestEpoch() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

func (s *store) statistics() storeStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
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
