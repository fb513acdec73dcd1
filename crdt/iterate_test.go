package crdt_test

import (
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// leaves requires that all has several elements and does not go on when a loop over it is
// left after the first; the runtime panics if it does.
func leaves[T any](t *testing.T, name string, all iter.Seq[T]) {
	t.Helper()
	n := 0
	for range all {
		n++
	}
	require.Greater(t, n, 1, name)
	require.NotPanics(t, func() {
		for range all {
			break
		}
	}, name)
}

func leaves2[K, V any](t *testing.T, name string, all iter.Seq2[K, V]) {
	t.Helper()
	leaves(t, name, func(yield func(K) bool) { all(func(k K, _ V) bool { return yield(k) }) })
}

// TestIteratorsOfSetsStop leaves loops over the iterators of sets.
func TestIteratorsOfSetsStop(t *testing.T) {
	var s, none crdt.ORSet[string]
	s.Add("eu", "x")
	s.Add("eu", "y")
	cleared := s.Clone()
	cleared.Clear("eu")
	leaves(t, "ORSet.All", s.All())
	leaves(t, "ORSet.Chunks", s.Chunks(1))
	leaves2(t, "ORSet.Changed, added", none.Changed(&s))
	leaves2(t, "ORSet.Changed, removed", s.Changed(cleared))
	var w, zero crdt.RWSet[string]
	w.Add("eu", "x")
	w.Add("eu", "y")
	gone := w.Clone()
	gone.Clear("eu")
	leaves(t, "RWSet.All", w.All())
	leaves(t, "RWSet.Chunks", w.Chunks(1))
	leaves(t, "RWSet.Revived", zero.Revived(&w, gone.Context()))
	leaves2(t, "RWSet.Changed, added", zero.Changed(&w))
	leaves2(t, "RWSet.Changed, removed", w.Changed(gone))
	g := gset("x", "y")
	leaves(t, "GSet.All", g.All())
	leaves(t, "GSet.Changed", gset[string]().Changed(g))
	leaves2(t, "GSet.Digest", g.Digest())
	p := twopset([]string{"x", "y"}, []string{"z"})
	leaves(t, "TwoPSet.All", p.All())
	leaves2(t, "TwoPSet.Changed, added", twopset(nil, nil).Changed(p))
	leaves2(t, "TwoPSet.Changed, removed", p.Changed(twopset(nil, []string{"x", "y"})))
	leaves2(t, "TwoPSet.Digest", p.Digest())
}

// TestIteratorsStop leaves loops over the iterators of the other types.
func TestIteratorsStop(t *testing.T) {
	var r, other crdt.MVRegister[string]
	must(r.Set("eu", "x"))
	r.Merge(must(new(crdt.MVRegister[string]).Set("us", "y")))
	leaves(t, "MVRegister.Values", r.Values())
	leaves2(t, "MVRegister.Written", r.Written())
	leaves2(t, "MVRegister.Changed, written", other.Changed(&r))
	leaves2(t, "MVRegister.Changed, cleared", r.Changed(r.Clone().Clear("eu")))
	must(other.Set("ap", "z"))
	other.Merge(r.Clone().Clear("eu"))
	leaves2(t, "MVRegister.Changed, one for two", r.Changed(&other))
	var m, none counters
	countAt(&m, "eu", "k", 1)
	countAt(&m, "eu", "l", 1)
	leaves2(t, "ORMap.All", m.All())
	leaves(t, "ORMap.Chunks", m.Chunks(1))
	leaves2(t, "ORMap.Changed, added", none.Changed(&m))
	leaves2(t, "ORMap.Changed, removed", m.Changed(m.Clone().Clear("eu")))
	var c crdt.PNCounter
	c.Add("eu", 1)
	c.Add("us", 1)
	leaves2(t, "PNCounter.All", c.All())
	var g crdt.GCounter
	g.Add("eu", 1)
	g.Add("us", 1)
	leaves2(t, "GCounter.All", g.All())
	leaves2(t, "GCounter.Digest", g.Digest())
	b := crdt.AtLeast(0)
	must(b.Add("eu", 2))
	must(b.Add("us", 2))
	leaves2(t, "BoundedCounter.Holders", b.Holders())
	leaves2(t, "BoundedCounter.Digest", b.Digest())
	var grown crdt.GMap[string, *crdt.GCounter]
	grown.MergeAt("k", &g)
	grown.MergeAt("l", &g)
	leaves2(t, "GMap.All", grown.All())
	leaves2(t, "GMap.Changed", new(crdt.GMap[string, *crdt.GCounter]).Changed(&grown))
	leaves2(t, "GMap.Digest", must(grown.Digest()))
}

// TestUnreadableStops leaves loops over what cannot be read.
func TestUnreadableStops(t *testing.T) {
	var wide crdt.MVRegister[int64]
	must(wide.Set("eu", 700))
	wide.Merge(must(new(crdt.MVRegister[int64]).Set("us", 800)))
	var narrow crdt.MVRegister[int8]
	require.ErrorIs(t, narrow.UnmarshalLenient(must(wide.MarshalBinary())), content.ErrUnreadable)
	require.Equal(t, 2, narrow.Len())
	leaves2(t, "MVRegister.Unreadable", narrow.Unreadable())
	var grown crdt.GMap[string, *crdt.MVRegister[int8]]
	grown.MergeAt("k", &narrow)
	grown.MergeAt("l", &narrow)
	leaves2(t, "GMap.Unreadable", grown.Unreadable())
	var m crdt.ORMap[string, *crdt.MVRegister[int64]]
	for _, key := range []string{"k", "l"} {
		m.Update("eu", key, func(r *crdt.MVRegister[int64]) { must(r.Set("eu", 700)) })
	}
	var read crdt.ORMap[string, *crdt.MVRegister[int8]]
	require.ErrorIs(t, read.UnmarshalLenient(must(m.MarshalBinary())), content.ErrUnreadable)
	leaves2(t, "ORMap.Unreadable", read.Unreadable())
}
