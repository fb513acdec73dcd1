package crdt_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// readsAsClone requires that a value in a map reads as its clone does, which has seen what
// the value holds and nothing else of the map.
func readsAsClone[V interface {
	crdt.Value[V]
	exchanging[V]
	fmt.Stringer
	MarshalBinary() ([]byte, error)
	MarshalJSON() ([]byte, error)
	Stats() crdt.Stats
	LastOf(r vclock.Replica) uint64
	Verify(o V) error
}](t *testing.T, name string, change func(v V, r vclock.Replica, i int),
) {
	t.Helper()
	var m crdt.ORMap[string, V]
	for i, key := range []string{"k", "l", "k"} {
		m.Update("eu", key, func(v V) { change(v, "eu", i) })
	}
	m.Merge(m.Clone().Update("us", "k", func(v V) { change(v, "us", 3) }))
	view, ok := m.At("k")
	require.True(t, ok, name)
	other, _ := m.At("l")
	alone := view.Clone()
	require.True(t, view.Equal(alone) && alone.Equal(view), name)
	require.False(t, view.Equal(other) || alone.Equal(other), name)
	require.Equal(t, encoded(t, alone), encoded(t, view), name)
	require.JSONEq(t, string(must(alone.MarshalJSON())), string(must(view.MarshalJSON())), name)
	require.Equal(t, alone.Stats(), view.Stats(), name)
	require.Equal(t, alone.String(), view.String(), name)
	require.Equal(t, alone.Ask(7), view.Ask(7), name)
	reply, _, err := view.Answer(other.Ask(7))
	require.NoError(t, err, name)
	want, _, err := alone.Answer(other.Clone().Ask(7))
	require.NoError(t, err, name)
	require.Equal(t, want, reply, name)
	require.NoError(t, view.Verify(alone), name)

	both := other.Clone()
	require.True(t, both.Merge(alone), name)
	require.False(t, both.Merge(alone), name)
	require.False(t, both.Merge(other.Clone()), name)
	if dots := alone.Stats().Dots + other.Stats().Dots; name != "PNCounter" { // of which one count follows the other
		require.Equal(t, dots, both.Stats().Dots, "%s: brings what it holds and removes nothing", name)
	}

	before := encoded(t, view)
	change(alone, "ap", 4)
	require.NotEqual(t, before, encoded(t, alone), name)
	require.Equal(t, before, encoded(t, view), "%s: a clone shares nothing", name)
}

// TestViewsReadAsClones reads values of every type in a map.
func TestViewsReadAsClones(t *testing.T) {
	readsAsClone(t, "ORSet", func(s *crdt.ORSet[int], r vclock.Replica, i int) { s.Add(r, i) })
	readsAsClone(t, "RWSet", func(s *crdt.RWSet[int], r vclock.Replica, i int) {
		s.Add(r, i)
		s.Remove(r, i+10)
	})
	readsAsClone(t, "EWFlag", func(f *crdt.EWFlag, r vclock.Replica, _ int) { f.Enable(r) })
	readsAsClone(t, "DWFlag", func(f *crdt.DWFlag, r vclock.Replica, _ int) { f.Enable(r) })
	readsAsClone(t, "MVRegister", func(m *crdt.MVRegister[int], r vclock.Replica, i int) { must(m.Set(r, i)) })
	readsAsClone(t, "PNCounter", func(c *crdt.PNCounter, r vclock.Replica, i int) { c.Add(r, int64(i+1)) })
	readsAsClone(t, "ORMap", func(m *counters, r vclock.Replica, i int) { countAt(m, r, fmt.Sprint("c", i), 1) })
}

// TestMergeOfNothing: a state merged with none, an empty one, itself or a copy stays as it
// is, and a copy of it is another.
func TestMergeOfNothing(t *testing.T) {
	mergesNothing(t, new(crdt.ORSet[string]).Add("eu", "x").Clone())
	mergesNothing(t, new(crdt.RWSet[string]).Add("eu", "x"))
	mergesNothing(t, new(crdt.EWFlag).Enable("eu"))
	mergesNothing(t, new(crdt.DWFlag).Enable("eu"))
	mergesNothing(t, must(new(crdt.MVRegister[string]).Set("eu", "x")))
	mergesNothing(t, new(crdt.PNCounter).Add("eu", 1))
	mergesNothing(t, new(counters).Update("eu", "k", func(c *crdt.PNCounter) { c.Add("eu", 1) }))
	mergesNothing(t, new(crdt.GCounter).Add("eu", 1))
	mergesNothing(t, must(crdt.AtLeast(1).Add("eu", 1)))
	mergesNothing(t, gset("x"))
	mergesNothing(t, twopset([]string{"x"}, []string{"y"}))
	mergesNothing(t, new(crdt.GMap[string, *crdt.GSet[string]]).MergeAt("k", gset("x")))
}

func mergesNothing[S interface {
	crdt.State[S]
	MarshalBinary() ([]byte, error)
}](t *testing.T, x S,
) {
	t.Helper()
	var none S
	empty := none.Clone()
	before := encoded(t, x)
	for _, o := range []S{none, empty, x, x.Clone()} {
		require.False(t, x.Merge(o), "%T", x)
		require.Equal(t, before, encoded(t, x), "%T", x)
	}
	require.True(t, empty.Equal(none) && none.Equal(empty), "%T", x)
	require.False(t, x.Equal(empty) || empty.Equal(x) || x.Equal(none) || none.Equal(x), "%T", x)
	require.True(t, empty.Merge(x), "%T", x)
	require.True(t, empty.Equal(x) && x.Equal(empty) && x.Equal(x.Clone()), "%T", x)
	require.Equal(t, before, encoded(t, empty), "%T", x)
}
