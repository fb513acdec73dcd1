package crdt_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// A mapOf has values that are V, and is a state of histories of maps.
type mapOf[V crdt.Value[V]] = crdt.ORMap[string, V]

// A scribble changes a value in a map at random: n has the random bits.
type scribble[V any] func(v V, r vclock.Replica, n uint64)

// scribbleWrite has every scribble add something.
const scribbleWrite = 973

var scribbleKeys = []string{"", "k", "key", "l"}

func scribbleSet(s *crdt.ORSet[string], r vclock.Replica, n uint64) {
	switch e := scribbleKeys[n%4]; n / 4 % 8 {
	case 0:
		s.Clear(r)
	case 1, 2:
		s.Remove(r, e)
	default:
		s.Add(r, e)
	}
}

func scribbleRWSet(s *crdt.RWSet[int16], r vclock.Replica, n uint64) {
	switch e := int16(n%4) - 1; n / 4 % 4 {
	case 0:
		s.Remove(r, e)
	default:
		s.Add(r, e)
	}
}

func scribbleEWFlag(f *crdt.EWFlag, r vclock.Replica, n uint64) {
	if n%3 == 0 {
		f.Disable(r)
	} else {
		f.Enable(r)
	}
}

func scribbleDWFlag(f *crdt.DWFlag, r vclock.Replica, n uint64) {
	if n%3 == 0 {
		f.Disable(r)
	} else {
		f.Enable(r)
	}
}

func scribbleRegister(m *crdt.MVRegister[string], r vclock.Replica, n uint64) {
	if n%5 == 0 {
		m.Clear(r)
		return
	}
	_, _ = m.Set(r, fmt.Sprint(n%3))
}

func scribbleList(m *crdt.MVRegister[[]int], r vclock.Replica, n uint64) {
	_, _ = m.Set(r, make([]int, n%3))
}

func scribbleCounter(c *crdt.PNCounter, r vclock.Replica, n uint64) {
	if n%4 == 0 {
		c.Reset(r)
		return
	}
	c.Add(r, int64(n%7)-2)
}

// below returns a scribble for maps of what f scribbles on.
func below[V crdt.Value[V]](f scribble[V]) scribble[*mapOf[V]] {
	return func(m *mapOf[V], r vclock.Replica, n uint64) { scribbleMap(m, r, f, n) }
}

// scribbleMap changes a map and returns the delta.
func scribbleMap[V crdt.Value[V]](m *mapOf[V], r vclock.Replica, f scribble[V], n uint64) *mapOf[V] {
	key := scribbleKeys[n%4]
	switch n / 4 % 16 {
	case 0:
		return m.Delete(r, key)
	case 1:
		return m.Clear(r)
	}
	return m.Update(r, key, func(v V) { f(v, r, n/64) })
}

// aged returns a map that has seen more than what a delta has, so that its
// merges are those of states, and shows nothing.
func aged[V crdt.Value[V]](f scribble[V]) *mapOf[V] {
	m := new(mapOf[V])
	for i := range 100 {
		m.Update("old", "key", func(v V) { f(v, "old", uint64(5*i+1)) })
	}
	m.Clear("old")
	return m
}

// A mapKind is a kind of values, for tests that have maps of each.
type mapKind struct {
	name    string
	merges  func(*rapid.T)
	hostile func(*testing.T)
}

func kindOf[V crdt.Value[V]](name string, f scribble[V]) mapKind {
	return mapKind{
		name,
		func(t *rapid.T) { mergesBytes(t, f) },
		func(t *testing.T) { t.Helper(); mutated(t, f) },
	}
}

func mapKinds() []mapKind {
	return []mapKind{
		kindOf("ORSet", scribbleSet),
		kindOf("RWSet", scribbleRWSet),
		kindOf("EWFlag", scribbleEWFlag),
		kindOf("DWFlag", scribbleDWFlag),
		kindOf("MVRegister", scribbleRegister),
		kindOf("MVRegister of lists", scribbleList),
		kindOf("PNCounter", scribbleCounter),
		kindOf("ORMap of ORSet", below(scribbleSet)),
		kindOf("ORMap of PNCounter", below(scribbleCounter)),
		kindOf("ORMap of ORMap of RWSet", below(below(scribbleRWSet))),
	}
}

// TestORMapMergeBinary: merging the bytes of a state, or of a delta, has the
// effect of merging the state, and reports the same.
func TestORMapMergeBinary(t *testing.T) {
	for _, kind := range mapKinds() {
		t.Run(kind.name, func(t *testing.T) { rapid.Check(t, kind.merges) })
	}
}

func mergesBytes[V crdt.Value[V]](t *rapid.T, f scribble[V]) {
	base := new(mapOf[V])
	if rapid.Bool().Draw(t, "aged") {
		base = aged(f)
	}
	names := []vclock.Replica{"b", "a", "c"}
	var states, deltas []*mapOf[V]
	for range names {
		states = append(states, base.Clone())
	}
	bits := rapid.Uint64()
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		i, n := rapid.IntRange(0, 2).Draw(t, "site"), bits.Draw(t, "bits")
		from := states[n%3]
		if len(deltas) > 0 && n/3%3 > 0 {
			from = deltas[n/9%uint64(len(deltas))]
		}
		switch rapid.IntRange(0, 4).Draw(t, "step") {
		case 0:
			mergeBothWays(t, states[i], from)
		case 1:
			if len(deltas) > 0 { // a group, perhaps with more events than a delta has
				mergeBothWays(t, deltas[n/27%uint64(len(deltas))], from.Clone())
			}
		default:
			deltas = append(deltas, scribbleMap(states[i], names[i], f, n))
		}
	}
	for range 2 {
		for _, x := range states {
			for _, y := range states {
				mergeBothWays(t, x, y)
			}
		}
	}
	require.True(t, states[0].Equal(states[1]))
	require.True(t, states[0].Equal(states[2]))
}

// mergeBothWays merges y into x, as bytes, and checks that this is as merging y.
func mergeBothWays[V crdt.Value[V]](t require.TestingT, x, y *mapOf[V]) {
	data := encoded(t, y)
	z := x.Clone()
	want := z.Merge(y)
	changed, err := x.MergeBinary(data)
	require.NoError(t, err)
	require.Equal(t, want, changed)
	require.Equal(t, encoded(t, z), encoded(t, x))
	require.True(t, x.Equal(z))
	changed, err = x.MergeBinary(data)
	require.NoError(t, err)
	require.False(t, changed)
	changed, err = x.MergeBinary(encoded(t, x))
	require.NoError(t, err)
	require.False(t, changed)
	require.False(t, x.Merge(y))
}

// TestORMapMergeBinaryMutated: of bytes that are nearly those of a state,
// MergeBinary refuses what UnmarshalBinary refuses, and then leaves the map as it
// was, down to the names that it knows.
func TestORMapMergeBinaryMutated(t *testing.T) {
	for _, kind := range mapKinds() {
		t.Run(kind.name, kind.hostile)
	}
}

func mutated[V crdt.Value[V]](t *testing.T, f scribble[V]) {
	t.Helper()
	for _, base := range []*mapOf[V]{new(mapOf[V]), aged(f)} {
		x, y := base.Clone(), base.Clone()
		random := rand.New(rand.NewPCG(1, 2))
		update := func() uint64 { return random.Uint64()<<6 | 2<<2 | random.Uint64N(4) }
		for i := range 24 {
			scribbleMap(x, "x", f, update())
			scribbleMap(y, vclock.Replica(rune('y'+i%2)), f, update())
			if i == 12 {
				x.Merge(y)
			}
		}
		require.NotZero(t, x.Len())
		require.Greater(t, y.Len(), 1)
		for p := range mutations(encoded(t, y)) {
			mergeMutated(t, x, p)
		}
	}
}

func mergeMutated[V crdt.Value[V]](t *testing.T, x *mapOf[V], p []byte) {
	t.Helper()
	var y mapOf[V]
	z := x.Clone()
	names := crdt.KnownReplicas(z)
	err := y.UnmarshalBinary(p)
	changed, merr := z.MergeBinary(p)
	require.Equal(t, err == nil, merr == nil, "% x: %v, %v", p, err, merr)
	want := x
	if err == nil {
		want = x.Clone()
		require.Equal(t, want.Merge(&y), changed, "% x", p)
	} else {
		require.False(t, changed)
		require.Equal(t, names, crdt.KnownReplicas(z))
	}
	require.Equal(t, encoded(t, want), encoded(t, z), "% x", p)
}

// mutations yields p with one byte changed, left out, put in, or the last ones
// cut off.
func mutations(p []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for i := range p {
			for _, c := range []byte{0, 1, 0x7f, 0x80, 0xff, p[i] - 1, p[i] + 1, p[i] ^ 0x10} {
				q := slices.Clone(p)
				q[i] = c
				if !yield(q) {
					return
				}
			}
			if !yield(p[:i]) || !yield(slices.Delete(slices.Clone(p), i, i+1)) || !yield(slices.Insert(slices.Clone(p), i, 1)) {
				return
			}
		}
		yield(append(slices.Clone(p), 0))
	}
}

// FuzzORMapMergeBinary merges what decodes, and what does not, into a map that
// has seen much.
func FuzzORMapMergeBinary(f *testing.F) {
	type nested = crdt.ORMap[string, *mapOf[*crdt.PNCounter]]
	x := aged(below(scribbleCounter))
	for i := range uint64(60) {
		scribbleMap(x, vclock.Replica(rune('a'+i%3)), below(scribbleCounter), i*7919)
		if i%20 == 0 {
			f.Add(encoded(f, x))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		mergeMutated(t, x, data)
		mergeMutated(t, new(nested), data)
	})
}

// TestMergeOfLargeAfterLive: a large state in bytes removes what its sender had removed, after a
// live one that had it.
func TestMergeOfLargeAfterLive(t *testing.T) {
	var m, o crdt.ORMap[int, *crdt.ORSet[string]]
	for i := range 300 {
		o.Update("us", i, func(s *crdt.ORSet[string]) { s.Add("us", "x") })
	}
	m.Merge(o.Clone())
	m.Merge(o.Clone()) // meets every key once more
	for i := range 7 {
		o.Delete("us", 40*i)
	}
	require.True(t, must(m.MergeBinary(must(o.MarshalBinary()))))
	require.True(t, m.Equal(&o))
	require.Equal(t, 293, m.Len())
}

// TestEmptyMapInMap: a map without keys is no value of a key, decoded or merged from bytes.
func TestEmptyMapInMap(t *testing.T) {
	var m, o crdt.ORMap[string, *flagMap]
	m.Update("us", "outer", func(v *flagMap) { v.Update("us", "inner", func(f *crdt.EWFlag) { f.Enable("us") }) })
	whole := string(encoded(t, &m))
	head, _, ok := strings.Cut(whole, "outer")
	require.True(t, ok)
	empty := []byte(head + "outer\x00")
	require.ErrorContains(t, o.UnmarshalBinary(empty), "the value of a key is empty")
	_, err := o.MergeBinary(empty)
	require.ErrorContains(t, err, "the value of a key is empty")
	o.Update("eu", "outer", func(v *flagMap) { v.Update("eu", "inner", func(f *crdt.EWFlag) { f.Enable("eu") }) })
	before := encoded(t, &o)
	_, err = o.MergeBinary(empty)
	require.ErrorContains(t, err, "the value of a key is empty")
	require.Equal(t, before, encoded(t, &o))
}

// TestMergeOfReplacedAndRemoved: a small delta replaces a dot at one key and removes those at
// others, of which one is gone here: the rest goes, too, in whatever order their dots come.
func TestMergeOfReplacedAndRemoved(t *testing.T) {
	keys := []string{"a", "b", "c"}
	for replaced := range keys {
		for gone := range keys {
			var m, o flagMap
			for _, k := range keys {
				o.Update("us", k, func(f *crdt.EWFlag) { f.Enable("us") })
			}
			for range 3 { // so that m looks dots up
				m.Merge(o.Update("us", "d", func(f *crdt.EWFlag) { f.Enable("us") }))
			}
			m.Merge(&o)
			m.Delete("eu", keys[gone])
			d := new(flagMap)
			for i, k := range keys {
				if i == replaced {
					d.Merge(o.Update("us", k, func(f *crdt.EWFlag) { f.Enable("us") }))
				} else {
					d.Merge(o.Delete("us", k))
				}
			}
			m.Merge(d)
			require.Equal(t, keys[replaced:replaced+1], slices.DeleteFunc(slices.Sorted(maps.Keys(maps.Collect(m.All()))), func(k string) bool { return k == "d" }))
		}
	}
}

// TestMergeOfLargeAgain: one large state after the other removes what its sender had removed.
func TestMergeOfLargeAgain(t *testing.T) {
	var m, far flagMap
	for i := range 300 {
		far.Update("eu", fmt.Sprint(i), func(f *crdt.EWFlag) { f.Enable("eu") })
	}
	m.Merge(&far)
	for i := range 5 {
		far.Delete("us", fmt.Sprint(i))
		d := far.Clone()
		require.True(t, m.Merge(d))
		require.Equal(t, 299-i, m.Len())
		require.True(t, m.Equal(&far))
		require.False(t, m.Merge(d))
		m.Merge(far.Update("us", fmt.Sprint("new ", i), func(f *crdt.EWFlag) { f.Enable("us") })) // a small one
		require.True(t, m.Equal(&far))
		far.Delete("us", fmt.Sprint("new ", i))
		m.Merge(far.Delete("eu", fmt.Sprint("new ", i)))
		m.Merge(&far)
		require.True(t, m.Equal(&far))
	}
}
