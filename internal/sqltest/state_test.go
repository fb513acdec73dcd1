package sqltest_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A state is what every replicated type has for a row of a database.
type state interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	json.Marshaler
	json.Unmarshaler
	driver.Valuer
	sql.Scanner
}

type line struct {
	SKU string
	N   int
}

type customer struct {
	Name  string
	Email string
}

var customers = merge.MustCompile[customer](merge.Options[customer]{Record: true})

// states has for every type a state with something in it, and an empty one.
func states(t *testing.T) map[string][2]state {
	t.Helper()
	ok := func(err error) { t.Helper(); require.NoError(t, err) }
	eu := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}

	bounded := crdt.AtLeast(0)
	_, err := bounded.Add("eu", 3)
	ok(err)
	var on crdt.EWFlag
	on.Enable("eu")
	var off crdt.DWFlag
	off.Enable("eu")
	var hits crdt.GCounter
	hits.Add("eu", 2)
	var stock crdt.PNCounter
	stock.Add("eu", -2)
	var tags crdt.GSet[string]
	tags.Add("a\x00b")
	var both crdt.TwoPSet[string]
	both.Add("a")
	both.Remove("a")
	var set crdt.ORSet[string]
	set.Add("eu", "a")
	var strict crdt.RWSet[line]
	strict.Add("eu", line{"tea", 1})
	var name crdt.MVRegister[line]
	name.Set("eu", line{"tea", 1})
	var cart crdt.ORMap[string, *crdt.PNCounter]
	cart.Update("eu", "milk", func(c *crdt.PNCounter) { c.Add("eu", 1) })
	var views crdt.GMap[string, *crdt.GCounter]
	views.Update("home", func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", 1) })

	var flags lww.Map[string, line]
	_, err = flags.Put(eu, "dark", line{"tea", 1})
	ok(err)
	var members lww.Set[string]
	_, err = members.Add(eu, "ann")
	ok(err)
	var title lww.Register[line]
	ok(title.Set(eu, line{"tea", 1}))

	record := customers.NewRecord()
	ok(record.Update(eu, func(c *customer) error { c.Name = "Ann"; return nil }))

	orders := new(resolver.Siblings[line])
	_, err = orders.Write(resolver.Writer{Writer: eu}, resolver.Context{}, line{"tea", 1})
	ok(err)

	var versions vclock.DVVSet[line]
	_, err = versions.Put("eu", vclock.Clock{}, line{"tea", 1})
	ok(err)

	return map[string][2]state{
		"crdt.BoundedCounter": {bounded, new(crdt.BoundedCounter)},
		"crdt.DWFlag":         {&off, new(crdt.DWFlag)},
		"crdt.EWFlag":         {&on, new(crdt.EWFlag)},
		"crdt.GCounter":       {&hits, new(crdt.GCounter)},
		"crdt.GMap":           {&views, new(crdt.GMap[string, *crdt.GCounter])},
		"crdt.GSet":           {&tags, new(crdt.GSet[string])},
		"crdt.MVRegister":     {&name, new(crdt.MVRegister[line])},
		"crdt.ORMap":          {&cart, new(crdt.ORMap[string, *crdt.PNCounter])},
		"crdt.ORSet":          {&set, new(crdt.ORSet[string])},
		"crdt.PNCounter":      {&stock, new(crdt.PNCounter)},
		"crdt.RWSet":          {&strict, new(crdt.RWSet[line])},
		"crdt.TwoPSet":        {&both, new(crdt.TwoPSet[string])},
		"lww.Map":             {&flags, new(lww.Map[string, line])},
		"lww.Register":        {&title, new(lww.Register[line])},
		"lww.Set":             {&members, new(lww.Set[string])},
		"merge.Record":        {record, customers.NewRecord()},
		"resolver.Siblings":   {orders, new(resolver.Siblings[line])},
		"vclock.DVVSet":       {&versions, new(vclock.DVVSet[line])},
	}
}

// TestStates stores every replicated type as an argument of a statement, in a column
// of bytes, and its JSON in a column of text, and reads both with Scan.
func TestStates(t *testing.T) {
	for name, s := range states(t) {
		t.Run(name, func(t *testing.T) {
			db := open(t, "BLOB")
			_, err := db.Exec("CREATE TABLE blobs (v BLOB); CREATE TABLE texts (v TEXT)")
			require.NoError(t, err)
			storeState(t, db, "?", s[0], s[1])
		})
	}
}

// storeState needs empty tables blobs and texts of one column, v.
func storeState(t *testing.T, db *sql.DB, param string, s, empty state) {
	t.Helper()
	want, err := s.MarshalBinary()
	require.NoError(t, err)
	text, err := json.Marshal(s)
	require.NoError(t, err)

	_, err = db.Exec("INSERT INTO blobs VALUES ("+param+")", s)
	require.NoError(t, err)
	require.NoError(t, db.QueryRow("SELECT v FROM blobs").Scan(empty))
	requireBytes(t, want, empty)

	require.Error(t, empty.Scan(nil), "NULL")
	require.ErrorContains(t, empty.Scan(int64(1)), "neither bytes nor text")
	require.Error(t, empty.Scan([]byte("{")))
	require.Error(t, empty.Scan([]byte{}))
	require.ErrorContains(t, empty.Scan([]byte(nil)), "NULL")
	require.ErrorContains(t, empty.Scan(fmt.Sprintf(`\x%x`, want)), "as which PostgreSQL shows bytes")
	requireBytes(t, want, empty)

	_, err = db.Exec("INSERT INTO texts VALUES ("+param+")", string(text))
	require.NoError(t, err)
	require.NoError(t, db.QueryRow("SELECT v FROM texts").Scan(empty))
	requireBytes(t, want, empty)
}

func requireBytes(t *testing.T, want []byte, s state) {
	t.Helper()
	got, err := s.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%x", want), fmt.Sprintf("%x", got))
}
