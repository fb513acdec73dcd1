package value_test

import (
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

// clock is a clock for tests, which goes on by one.
type clock struct{ last hlc.Timestamp }

func (c *clock) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	c.last = max(c.last, after) + 1
	return c.last, nil
}

// TestNull: in JSON, null changes no state and no value of any package.
func TestNull(t *testing.T) {
	ok := func(err error) {
		t.Helper()
		require.NoError(t, err)
	}
	w := lww.Writer{Replica: "eu", Clock: new(clock)}
	stamp := lww.Stamp{Time: 7, Replica: "eu"}
	var (
		register lww.Register[string]
		rows     lww.Map[string, int]
		names    lww.Set[string]
		dots     vclock.DotSet
		siblings vclock.DVVSet[string]
		gcounter crdt.GCounter
		counter  crdt.PNCounter
		on, off  = new(crdt.EWFlag), new(crdt.DWFlag)
		values   crdt.MVRegister[string]
		gset     crdt.GSet[string]
		twopset  crdt.TwoPSet[string]
		orset    crdt.ORSet[string]
		rwset    crdt.RWSet[string]
		gmap     crdt.GMap[string, *crdt.GSet[string]]
		ormap    crdt.ORMap[string, *crdt.ORSet[string]]
	)
	ok(register.Set(w, "x"))
	_, err := rows.Put(w, "k", 1)
	ok(err)
	_, err = names.Add(w, "x")
	ok(err)
	dots.Add(vclock.Dot{Replica: "eu", Seq: 2})
	_, err = siblings.Put("eu", vclock.Clock{}, "x")
	ok(err)
	gcounter.Add("eu", 1)
	counter.Add("eu", 1)
	bounded := crdt.AtMost(5)
	on.Enable("eu")
	off.Disable("eu")
	_, err = values.Set("eu", "x")
	ok(err)
	gset.Add("x")
	twopset.Add("x")
	orset.Add("eu", "x")
	rwset.Remove("eu", "x")
	gmap.MergeAt("k", new(crdt.GSet[string]))
	ormap.Update("eu", "k", func(s *crdt.ORSet[string]) { s.Add("eu", "x") })
	seen := orset.Context()
	timestamp, dot := hlc.Timestamp(7), vclock.Dot{Replica: "eu", Seq: 1}
	past := vclock.Clock{}.With("eu", 1)
	dvv := vclock.DVV{Dot: dot}
	matrix := vclock.NewMatrix("eu", "us")
	change := merge.Change{Path: "k"}
	record := merge.MustCompile[struct{ N int }](merge.Options[struct{ N int }]{Record: true}).NewRecord()
	ok(record.Update(w, func(v *struct{ N int }) error { v.N = 1; return nil }))
	version := resolver.Version[string]{Stamp: stamp, Value: "x"}
	context := resolver.Context{}

	for _, x := range []any{
		&register, &rows, &names, &dots, &siblings, &gcounter, &counter, bounded, on, off, &values, &gset, &twopset,
		&orset, &rwset, &gmap, &ormap, &seen, &timestamp, &dot, &past, &dvv, matrix, &stamp, &change, record, &version, &context,
	} {
		t.Run(fmt.Sprintf("%T", x), func(t *testing.T) {
			before, err := json.Marshal(x)
			require.NoError(t, err)
			if u, ok := x.(json.Unmarshaler); ok {
				require.NoError(t, u.UnmarshalJSON([]byte("null")))
			}
			require.NoError(t, json.Unmarshal([]byte("null"), x))
			require.NoError(t, json.Unmarshal([]byte(" null "), x))
			after, err := json.Marshal(x)
			require.NoError(t, err)
			require.Equal(t, string(before), string(after))
		})
	}
}
