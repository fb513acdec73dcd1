package crdt_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// filled returns a state of each replicated type, by its name, with something in it.
func filled() map[string]any {
	type counts = crdt.GMap[string, *crdt.GCounter]
	bounded := crdt.AtLeast(0)
	must(bounded.Add("eu", 5))
	must(bounded.Transfer("eu", "us", 2))
	var two crdt.TwoPSet[string]
	two.Add("x")
	two.Add("y")
	two.Remove("y")
	var grown counts
	grown.Update("k", func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", 1) })
	grown.Update("l", func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", 2) })
	var m counters
	countAt(&m, "eu", "k", 3)
	countAt(&m, "eu", "l", 4)
	var rw crdt.RWSet[string]
	rw.Add("eu", "x")
	rw.Remove("eu", "y")
	var on crdt.DWFlag
	on.Enable("eu")
	on.Merge(new(crdt.DWFlag).Disable("us"))
	var sum crdt.PNCounter
	sum.Add("eu", 3)
	sum.Add("us", -1)
	return map[string]any{
		"BoundedCounter": bounded, "DWFlag": &on, "EWFlag": new(crdt.EWFlag).Enable("eu"), "GCounter": new(crdt.GCounter).Add("eu", 7),
		"GMap": &grown, "GSet": gset("x", "y"), "MVRegister": must(new(crdt.MVRegister[string]).Set("eu", "x")), "ORMap": &m,
		"ORSet": new(crdt.ORSet[string]).Add("eu", "x"), "PNCounter": &sum, "RWSet": &rw, "TwoPSet": &two,
	}
}

// TestScan: a state goes into a column of bytes, or of JSON, and comes back; what is in
// neither is refused, by the name of the type, and leaves the receiver alone.
func TestScan(t *testing.T) {
	require.Len(t, filled(), len(every))
	for _, name := range slices.Sorted(maps.Keys(filled())) {
		x := filled()[name].(driver.Valuer)
		fresh := func() sql.Scanner { return reflect.New(reflect.TypeOf(x).Elem()).Interface().(sql.Scanner) }
		want := encoded(t, x.(encoding.BinaryMarshaler))
		bytes, err := x.Value()
		require.NoError(t, err, name)
		require.Equal(t, want, bytes, name)
		text, err := json.Marshal(x)
		require.NoError(t, err, name)
		for _, column := range []any{bytes, string(want), text, string(text)} {
			into := fresh()
			require.NoError(t, into.Scan(column), "%s from %q", name, column)
			require.Equal(t, want, encoded(t, into.(encoding.BinaryMarshaler)), name)
		}
		for _, column := range []any{nil, 3.5, `\x03`} {
			require.ErrorContains(t, x.(sql.Scanner).Scan(column), "crdt: scan "+name+": ", fmt.Sprint(column))
		}
		for _, column := range []any{"", want[:len(want)-1], string(text[:len(text)-1])} {
			require.ErrorIs(t, x.(sql.Scanner).Scan(column), crdt.ErrDamaged, "%s from %q", name, column)
		}
		require.Equal(t, want, encoded(t, x.(encoding.BinaryMarshaler)), name)
	}
}

// TestUnmarshalNull: encoding/json has null leave a value alone, and so does each type; a
// text that is cut off is refused.
func TestUnmarshalNull(t *testing.T) {
	for name, x := range filled() {
		want := encoded(t, x.(encoding.BinaryMarshaler))
		require.NoError(t, x.(json.Unmarshaler).UnmarshalJSON([]byte("null")), name)
		require.Equal(t, want, encoded(t, x.(encoding.BinaryMarshaler)), name)
	}
}
