package crdt_test

import (
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestGCounter drives three replicas through a random history of increments,
// merges and old deltas. The model is the log of increments: the delta of one
// tells of all that its replica added before, and the value is the sum of the
// increments that were heard of.
func TestGCounter(t *testing.T) {
	names := []vclock.Replica{"a", "bb", "c"}
	rapid.Check(t, func(t *rapid.T) {
		type increment struct {
			replica int
			n       uint64
		}
		var log []increment
		var deltas []*crdt.GCounter
		counters, seen := [3]*crdt.GCounter{}, [3]map[int]bool{}
		for i := range counters {
			counters[i], seen[i] = new(crdt.GCounter), map[int]bool{}
		}
		replica := rapid.IntRange(0, 2)
		join := func(at int, y *crdt.GCounter, heard map[int]bool) {
			before, news := counters[at].Clone(), false
			for i := range heard {
				news = news || !seen[at][i] && log[i].n > 0
			}
			maps.Copy(seen[at], heard)
			require.Equal(t, news, counters[at].Merge(y))
			require.Equal(t, news, !counters[at].Equal(before))
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				i, n := replica.Draw(t, "at"), rapid.Uint64Range(0, 3).Draw(t, "n")
				seen[i][len(log)] = true
				log = append(log, increment{i, n})
				deltas = append(deltas, counters[i].Add(names[i], n))
			},
			"merge": func(t *rapid.T) {
				to, from := replica.Draw(t, "to"), replica.Draw(t, "from")
				join(to, counters[from], seen[from])
			},
			"deliver": func(t *rapid.T) {
				if len(log) == 0 {
					return
				}
				to, d := replica.Draw(t, "to"), rapid.IntRange(0, len(log)-1).Draw(t, "delta")
				heard := map[int]bool{}
				for i := range d + 1 {
					if log[i].replica == log[d].replica {
						heard[i] = true
					}
				}
				join(to, deltas[d], heard)
			},
			"reload": func(t *rapid.T) {
				i := replica.Draw(t, "at")
				b, err := counters[i].MarshalBinary()
				require.NoError(t, err)
				text, err := counters[i].MarshalJSON()
				require.NoError(t, err)
				var x, y crdt.GCounter
				require.NoError(t, x.UnmarshalBinary(b))
				require.NoError(t, y.UnmarshalJSON(text))
				require.True(t, x.Equal(counters[i]) && y.Equal(counters[i]))
				counters[i] = &x
			},
			"": func(t *rapid.T) {
				for at, c := range counters {
					var want uint64
					totals := map[vclock.Replica]uint64{}
					for i := range seen[at] {
						want += log[i].n
						if log[i].n > 0 {
							totals[names[log[i].replica]] += log[i].n
						}
					}
					got, exact := c.Value()
					require.Equal(t, want, got)
					require.True(t, exact)
					require.Equal(t, totals, maps.Collect(c.All()))
				}
			},
		})
	})
}

func TestGCounterSaturates(t *testing.T) {
	var x crdt.GCounter
	x.Add("us", math.MaxUint64-1)
	n, exact := x.Value()
	require.Equal(t, uint64(math.MaxUint64-1), n)
	require.True(t, exact)

	sum := x.Clone()
	sum.Add("eu", 2)
	n, exact = sum.Value()
	require.Equal(t, uint64(math.MaxUint64), n)
	require.False(t, exact)

	x.Add("us", 2)
	n, exact = x.Value()
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
}

func TestGCounterRefusesBytes(t *testing.T) {
	tests := []struct {
		name string
		data string
		want string
	}{
		{"empty", "", "unexpected end of input"},
		{"unknown version", "\x02\x00", "unknown format version 2"},
		{"count beyond the input", "\x01\xff\x01", "count 255 exceeds what 0 bytes can hold"},
		{"empty name", "\x01\x01\x00\x01\x01", `invalid replica ""`},
		{"nothing added", "\x01\x01\x01a\x00", `replica "a" has a total of 0`},
		{"names not sorted", "\x01\x02\x01b\x01\x01a\x01", `replica "a" follows "b"`},
		{"a name twice", "\x01\x02\x01a\x01\x01a\x01", `replica "a" follows "a"`},
		{"trailing bytes", "\x01\x00\x00", "1 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var x crdt.GCounter
			x.Add("us", 1)
			require.ErrorContains(t, x.UnmarshalBinary([]byte(tt.data)), tt.want)
			n, _ := x.Value()
			require.Equal(t, uint64(1), n, "an error leaves the receiver alone")
		})
	}
}

func TestGCounterRefusesJSON(t *testing.T) {
	for _, text := range []string{`{"":"1"}`, `{"a":"0"}`, `{"a":1}`, `{"a":"-1"}`, `{"a":"01"}`, `{"a":"18446744073709551616"}`, `{"a":"1","a":"2"}`, `{"a":"1"} x`, `null`, `[]`} {
		var x crdt.GCounter
		x.Add("us", 1)
		require.Error(t, x.UnmarshalJSON([]byte(text)), text)
		n, _ := x.Value()
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
		"Value":       func() { _, _ = x.Value() },
		"Merge delta": func() { y.Merge(delta) },
		"Merge state": func() { y.Merge(&x) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}
