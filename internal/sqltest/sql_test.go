// Package sqltest_test stores the small values in a real database, each in the
// column that its documentation names. It is a module of its own, so that the
// database is not a dependency of the library.
package sqltest_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// open returns an empty database with one table, v, of one column.
func open(t *testing.T, column string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1) // each connection to ":memory:" is a database of its own
	_, err = db.Exec("CREATE TABLE t (v " + column + ")")
	require.NoError(t, err)
	return db
}

func insert(t *testing.T, db *sql.DB, v any) {
	t.Helper()
	_, err := db.Exec("INSERT INTO t VALUES (?)", v)
	require.NoError(t, err)
}

// roundTrip stores values in a column, in the reverse of their order, and reads
// them back. The database must agree on their order if it is asked to sort.
func roundTrip[V any](t *testing.T, column, order string, values []V) {
	t.Helper()
	db := open(t, column)
	for _, v := range slices.Backward(values) {
		insert(t, db, v)
	}
	rows, err := db.Query("SELECT v FROM t " + order)
	require.NoError(t, err)
	defer rows.Close()
	var got []V
	for rows.Next() {
		var v V
		require.NoError(t, rows.Scan(&v))
		got = append(got, v)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, values, got)
}

var when = time.Date(2026, 3, 1, 10, 0, 2, 123456789, time.UTC)

func timestamps() []hlc.Timestamp {
	return []hlc.Timestamp{0, 1, hlc.At(when) - 1, hlc.At(when), hlc.At(when) + 1, hlc.Max - 1, hlc.Max}
}

func TestTimestamp(t *testing.T) {
	roundTrip(t, "BIGINT", "ORDER BY v", timestamps())
	t.Run("comparison in SQL", func(t *testing.T) {
		db := open(t, "BIGINT")
		for _, ts := range timestamps() {
			insert(t, db, ts)
		}
		var n int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM t WHERE v > ?", hlc.At(when)).Scan(&n))
		require.Equal(t, 3, n)
	})
	t.Run("beyond the range", func(t *testing.T) {
		_, err := open(t, "BIGINT").Exec("INSERT INTO t VALUES (?)", hlc.Max+1)
		require.ErrorContains(t, err, "hlc: ")
	})
}

// A column of text sorts timestamps too, since their text has a fixed width.
func TestTimestampAsText(t *testing.T) {
	db := open(t, "TEXT")
	for _, ts := range slices.Backward(timestamps()) {
		insert(t, db, ts.String())
	}
	rows, err := db.Query("SELECT v FROM t ORDER BY v")
	require.NoError(t, err)
	defer rows.Close()
	var got []hlc.Timestamp
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		ts, err := hlc.Parse(s)
		require.NoError(t, err)
		got = append(got, ts)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, timestamps(), got)
}

// TestStamp: a database sorts stamps as text. That is the order of the times, and
// among equal times that of plain replica names.
func TestStamp(t *testing.T) {
	roundTrip(t, "TEXT", "ORDER BY v", []lww.Stamp{
		{Time: 1, Replica: "eu"},
		{Time: hlc.At(when), Replica: "ap"},
		{Time: hlc.At(when), Replica: "eu"},
		{Time: hlc.At(when), Replica: "us-east"},
		{Time: hlc.At(when) + 1, Replica: "ap"},
		{Time: hlc.Max, Replica: "eu"},
	})
	roundTrip(t, "TEXT", "ORDER BY rowid DESC", []lww.Stamp{
		{Time: 7, Replica: "a name, with: \"reserved\" @ characters"},
		{Time: 7, Replica: "größe-東京"},
	})
}

func TestClock(t *testing.T) {
	var empty vclock.Clock
	roundTrip(t, "TEXT", "ORDER BY rowid DESC", []vclock.Clock{
		empty,
		empty.With("eu", 1),
		empty.With("eu", 4).With("us", 1<<64-1),
		empty.With("a name, with: \"reserved\" @ characters", 2).With("größe-東京", 3),
	})
}

// TestNull: NULL is no value of these types; [sql.Null] is for columns that may
// hold it.
func TestNull(t *testing.T) {
	t.Run("Timestamp", func(t *testing.T) { null(t, "BIGINT", hlc.At(when)) })
	t.Run("Stamp", func(t *testing.T) { null(t, "TEXT", lww.Stamp{Time: hlc.At(when), Replica: "eu"}) })
	t.Run("Clock", func(t *testing.T) { null(t, "TEXT", vclock.Clock{}.Tick("eu")) })
}

func null[V any, P interface {
	*V
	sql.Scanner
}](t *testing.T, column string, v V) {
	t.Helper()
	db := open(t, column)
	insert(t, db, nil)
	got := v
	require.Error(t, db.QueryRow("SELECT v FROM t").Scan(P(&got)))
	require.Equal(t, v, got, "an error leaves the receiver as it was")

	maybe := sql.Null[V]{V: v, Valid: true}
	require.NoError(t, db.QueryRow("SELECT v FROM t").Scan(&maybe))
	require.False(t, maybe.Valid)

	_, err := db.Exec("DELETE FROM t")
	require.NoError(t, err)
	insert(t, db, sql.Null[V]{V: v, Valid: true})
	require.NoError(t, db.QueryRow("SELECT v FROM t").Scan(&maybe))
	require.Equal(t, sql.Null[V]{V: v, Valid: true}, maybe)
}

// TestWrongColumn reads what no such value was stored as. The error names the
// type, and the receiver stays as it was.
func TestWrongColumn(t *testing.T) {
	ts, stamp, clock := hlc.At(when), lww.Stamp{Time: hlc.At(when), Replica: "eu"}, vclock.Clock{}.Tick("eu")
	for _, tt := range []struct {
		name   string
		column string
		stored any
		into   sql.Scanner
		want   string
	}{
		{"Timestamp from a float", "REAL", 1.5, &ts, "hlc: scan Timestamp: float64"},
		{"Timestamp from a time", "DATETIME", when, &ts, "hlc: scan Timestamp: "},
		{"Timestamp from text", "TEXT", "yesterday", &ts, `hlc: scan Timestamp: `},
		{"Timestamp from a negative number", "BIGINT", -1, &ts, "hlc: scan Timestamp: -1 is negative"},
		{"Timestamp from its own binary form", "BLOB", binary(ts), &ts, "hlc: scan Timestamp: "},
		{"Stamp from a number", "BIGINT", 7, &stamp, "lww: scan Stamp: int64"},
		{"Stamp from a float", "REAL", 1.5, &stamp, "lww: scan Stamp: float64"},
		{"Stamp from a timestamp's text", "TEXT", ts.String(), &stamp, "lww: "},
		{"Stamp from its own binary form", "BLOB", binary(stamp), &stamp, "lww: "},
		{"Clock from a number", "BIGINT", 7, &clock, "vclock: scan Clock: int64 is not text"},
		{"Clock from unordered text", "TEXT", "us:1,eu:1", &clock, "vclock: "},
		{"Clock from its own binary form", "BLOB", binary(clock), &clock, "vclock: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := fmt.Sprint(ts, stamp, clock)
			db := open(t, tt.column)
			insert(t, db, tt.stored)
			require.ErrorContains(t, db.QueryRow("SELECT v FROM t").Scan(tt.into), tt.want)
			require.Equal(t, before, fmt.Sprint(ts, stamp, clock))
		})
	}
}

func binary(v interface{ MarshalBinary() ([]byte, error) }) []byte {
	b, err := v.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return b
}

// The values, not only pointers to them, are arguments of a query.
var (
	_ driver.Valuer = hlc.Timestamp(0)
	_ driver.Valuer = lww.Stamp{}
	_ driver.Valuer = vclock.Clock{}
)
