package crdt_test

import (
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// Views of a page, counted in two regions: each has what it knows of, and together
// they have all.
func TestGCounterAddsUp(t *testing.T) {
	var eu, us crdt.GCounter
	eu.Add("eu", 3)
	us.Add("us", 4)
	meet(t, &eu, &us)
	require.Equal(t, "7", us.String())
	meet(t, &eu, &us)
	require.Equal(t, "7", us.String(), "nothing counts twice")
}

// Messages that arrive twice, late, or never, where a later one arrives.
func TestGCounterLostMessages(t *testing.T) {
	var eu, us crdt.GCounter
	first := eu.Add("eu", 1)
	eu.Add("eu", 2) // is lost
	third := eu.Add("eu", 3)
	us.Merge(third)
	us.Merge(first)
	us.Merge(third)
	require.Equal(t, "6", us.String(), "a message has the whole count of its replica")
}

// Who counted how much stands in the state.
func TestGCounterTellsWho(t *testing.T) {
	var eu, us crdt.GCounter
	eu.Add("eu", 3)
	us.Add("us", 4)
	meet(t, &eu, &us)
	require.Equal(t, map[vclock.Replica]uint64{"eu": 3, "us": 4}, maps.Collect(eu.All()))
}

func TestGCounterSaturates(t *testing.T) {
	var x crdt.GCounter
	x.Add("us", math.MaxUint64-1)
	n, exact := x.Total()
	require.Equal(t, uint64(math.MaxUint64-1), n)
	require.True(t, exact)

	sum := x.Clone()
	sum.Add("eu", 2)
	n, exact = sum.Total()
	require.Equal(t, uint64(math.MaxUint64), n)
	require.False(t, exact)

	x.Add("us", 2)
	n, exact = x.Total()
	require.Equal(t, uint64(math.MaxUint64), n)
	require.False(t, exact)
	require.False(t, x.Merge(x.Add("us", math.MaxUint64)))
}

func TestGCounterPanics(t *testing.T) {
	for _, r := range []vclock.Replica{"", "\xff"} {
		require.PanicsWithValue(t, fmt.Sprintf("crdt: invalid replica %q", string(r)), func() { new(crdt.GCounter).Add(r, 1) })
	}
}

func TestGCounterGolden(t *testing.T) {
	var x crdt.GCounter
	x.Add("us", 300)
	x.Add("eu", 1)
	golden(t, "gcounter", &x, new(crdt.GCounter))
	golden(t, "gcounter_empty", new(crdt.GCounter), new(crdt.GCounter))
	x.Close(over(t, map[vclock.Replica]uint64{"eu": 300}))
	golden(t, "gcounter_closed", &x, new(crdt.GCounter))
}

func TestGCounterRefusesBytes(t *testing.T) {
	tests := []struct {
		name string
		data string
		want string
	}{
		{"empty", "", "unexpected end of input"},
		{"unknown version", "\x04\x00", "unknown format version 4"},
		{"count beyond the input", "\x03\x0c\xff\x01", "count 255 exceeds what 0 bytes can hold"},
		{"empty name", "\x03\x0c\x01\x00\x01\x01", `invalid replica ""`},
		{"nothing added", "\x03\x0c\x01\x01a\x00", `replica "a" has a total of 0`},
		{"names not sorted", "\x03\x0c\x02\x01b\x01\x01a\x01", `replica "a" follows "b"`},
		{"a name twice", "\x03\x0c\x02\x01a\x01\x01a\x01", `replica "a" follows "a"`},
		{"trailing bytes", "\x03\x0c\x00\x00", "1 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var x crdt.GCounter
			x.Add("us", 1)
			require.ErrorContains(t, x.UnmarshalBinary([]byte(tt.data)), tt.want)
			n, _ := x.Total()
			require.Equal(t, uint64(1), n, "an error leaves the receiver alone")
		})
	}
}

func TestGCounterRefusesJSON(t *testing.T) {
	for _, text := range []string{`{"":"1"}`, `{"a":"0"}`, `{"a":1}`, `{"a":"-1"}`, `{"a":"01"}`, `{"a":"18446744073709551616"}`, `{"a":"1","a":"2"}`, `{"a":"1"} x`, `[]`} {
		var x crdt.GCounter
		x.Add("us", 1)
		require.Error(t, x.UnmarshalJSON([]byte(text)), text)
		n, _ := x.Total()
		require.Equal(t, uint64(1), n)
	}
}

// A delta that nobody looks at is free.
func TestGCounterAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters keep Add from being inlined")
	}
	var x, y crdt.GCounter
	delta := x.Add("us", 1)
	x.Add("eu", 1)
	y.Merge(&x)
	for name, f := range map[string]func(){
		"Add":         func() { x.Add("eu", 1) },
		"Value":       func() { _, _ = x.Total() },
		"Merge delta": func() { y.Merge(delta) },
		"Merge state": func() { y.Merge(&x) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}
