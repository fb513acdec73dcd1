package crdt_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/vclock"
)

type tagMap = crdt.ORMap[string, *tags]

func tagged(r vclock.Replica, m *tagMap, key string, elems ...string) *tagMap {
	return m.Update(r, key, func(s *tags) {
		for _, e := range elems {
			s.Add(r, e)
		}
	})
}

func elementsAt(m *tagMap, key string) []string {
	v, ok := m.At(key)
	if !ok {
		return nil
	}
	return slices.Sorted(v.All())
}

// TestViews: whatever is done to a value outside Update panics and says what to
// do instead, or does no harm.
func TestViews(t *testing.T) {
	var m, o tagMap
	tagged("eu", &m, "k", "x", "y")
	tagged("eu", &m, "l", "z")
	o.Merge(&m)
	before := m.Clone()
	view, ok := m.At("k")
	require.True(t, ok)
	peer, _ := o.At("k")
	alone := view.Clone()

	for name, f := range map[string]func(){
		"Add":                         func() { view.Add("eu", "w") },
		"Remove":                      func() { view.Remove("eu", "x") },
		"RemoveSeen":                  func() { _, _ = view.RemoveSeen("eu", m.Context(), "x") },
		"Clear":                       func() { view.Clear("eu") },
		"Merge":                       func() { view.Merge(alone) },
		"MergeBinary":                 func() { _, _ = view.MergeBinary(nil) },
		"Merge of a peer's value":     func() { view.Merge(peer) },
		"Merge into a state":          func() { alone.Merge(view) },
		"UnmarshalBinary":             func() { _ = view.UnmarshalBinary(encoded(t, alone)) },
		"UnmarshalJSON":               func() { text, _ := alone.MarshalJSON(); _ = view.UnmarshalJSON(text) },
		"another replica inside":      func() { tagged("eu", &m, "k"); m.Update("eu", "k", func(s *tags) { s.Add("us", "x") }) },
		"a remove for another inside": func() { m.Update("eu", "k", func(s *tags) { s.Remove("us", "x") }) },
		"change of the map inside":    func() { m.Update("eu", "k", func(*tags) { m.Delete("eu", "l") }) },
		"Update of the map inside":    func() { tagged("eu", &m, "k"); m.Update("eu", "k", func(*tags) { tagged("eu", &m, "l", "w") }) },
		"Merge of the map inside":     func() { m.Update("eu", "k", func(*tags) { m.Merge(&o) }) },
		"the empty replica":           func() { m.Update("", "k", func(*tags) {}) },
		"the empty replica, deleted":  func() { m.Delete("", "k") },
	} {
		t.Run(name, func(t *testing.T) {
			require.Panics(t, f)
			require.True(t, before.Equal(&m), "nothing has changed")
		})
	}
	require.True(t, view.Equal(alone), "a view equals its clone")
	require.Equal(t, encoded(t, alone), encoded(t, view), "and has its bytes")

	require.True(t, m.Merge(tagged("us", &o, "k", "v")))
	require.Equal(t, []string{"v", "x", "y"}, elementsAt(&m, "k"))
}

// TestUpdatePanics: a callback that panics leaves a map that works.
func TestUpdatePanics(t *testing.T) {
	var m, o tagMap
	require.PanicsWithValue(t, "callback", func() {
		m.Update("eu", "k", func(s *tags) { s.Add("eu", "x"); panic("callback") })
	})
	require.Equal(t, []string{"x"}, elementsAt(&m, "k"), "what it did stays")
	o.Merge(&m)
	require.True(t, o.Equal(&m))
	tagged("eu", &m, "l", "y")
	require.Equal(t, 2, m.Len())
}

// TestHandles: a value that was kept after its callback, or after its key was
// deleted, changes nothing.
func TestHandles(t *testing.T) {
	var m tagMap
	var kept *tags
	m.Update("eu", "k", func(s *tags) { kept = s; s.Add("eu", "x") })
	require.Panics(t, func() { kept.Add("eu", "y") })
	m.Delete("eu", "k")
	require.Zero(t, kept.Len())
	require.Panics(t, func() { kept.Add("eu", "y") })
	tagged("eu", &m, "k", "z")
	require.Panics(t, func() { kept.Clear("eu") })
	require.Equal(t, []string{"z"}, elementsAt(&m, "k"))

	c := kept.Clone()
	c.Add("eu", "w")
	require.Equal(t, 1, c.Len(), "the clone of a handle is a state of its own")
	require.Zero(t, new(tags).Clone().Len())
}

// TestCloneOfView: the clone of a value has seen what it holds. Merged elsewhere
// it brings that and removes nothing.
func TestCloneOfView(t *testing.T) {
	var m tagMap
	tagged("eu", &m, "k", "x")
	tagged("eu", &m, "l", "y", "z")
	k, _ := m.At("k")
	l, _ := m.At("l")
	both := k.Clone()
	both.Merge(l.Clone())
	require.Equal(t, []string{"x", "y", "z"}, slices.Sorted(both.All()))
	both.Merge(k.Clone())
	require.Equal(t, 3, both.Len())

	var copied tagMap
	copied.Update("eu#1", "new", func(s *tags) {
		for e := range both.All() {
			s.Add("eu#1", e)
		}
	})
	require.Equal(t, []string{"x", "y", "z"}, elementsAt(&copied, "new"))
}

// TestNoGhosts: a key is there while its value shows something.
func TestNoGhosts(t *testing.T) {
	var m tagMap
	d := m.Update("eu", "k", func(*tags) {})
	require.True(t, d.Equal(new(tagMap)), "an Update that does nothing has an empty delta")
	require.True(t, m.Equal(new(tagMap)))

	m.Update("eu", "k", func(s *tags) { s.Add("eu", "x"); s.Remove("eu", "x") })
	require.False(t, m.Contains("k"))
	require.Equal(t, uint64(1), m.LastOf("eu"))

	tagged("eu", &m, "k", "x")
	m.Update("eu", "k", func(s *tags) { s.Remove("eu", "x") })
	require.Zero(t, m.Len())

	var w crdt.ORMap[string, *crdt.RWSet[string]]
	w.Update("eu", "k", func(s *crdt.RWSet[string]) { s.Remove("eu", "x") })
	require.Zero(t, w.Len(), "a set of removes shows nothing")
	require.Equal(t, 1, w.Stats().Residues)
	for range w.All() {
		t.Fatal("a ghost")
	}
	var late crdt.ORMap[string, *crdt.RWSet[string]]
	late.Update("us", "k", func(s *crdt.RWSet[string]) { s.Add("us", "x") })
	w.Merge(&late)
	require.Zero(t, w.Len(), "but it still wins over an add that did not see it")
}

// TestDeleteBelow: a delete undoes what the deleter saw at any depth, and a
// concurrent update of one leaf keeps that leaf only.
func TestDeleteBelow(t *testing.T) {
	type shelf = crdt.ORMap[string, *tagMap]
	var a, b shelf
	put := func(s *shelf, r vclock.Replica, outer, key, elem string) *shelf {
		return s.Update(r, outer, func(m *tagMap) { tagged(r, m, key, elem) })
	}
	put(&a, "a", "eu", "p", "x")
	put(&a, "a", "eu", "q", "y")
	b.Merge(&a)
	deleted := b.Delete("b", "eu")
	updated := put(&a, "a", "eu", "q", "z")

	for name, deltas := range map[string][]*shelf{"in order": {deleted, updated}, "reverse": {updated, deleted}, "states": {&a, &b}} {
		var c shelf
		put(&c, "a", "eu", "p", "x") // what a did first, as its own copy
		put(&c, "a", "eu", "q", "y")
		for _, d := range deltas {
			c.Merge(d)
		}
		eu, ok := c.At("eu")
		require.True(t, ok, name)
		require.Equal(t, []string{"q"}, slices.Collect(maps.Keys(maps.Collect(eu.All()))), name)
		require.Equal(t, []string{"z"}, elementsAt(eu, "q"), name)
	}
}

// TestDeliveries: what arrives early, never, or empty does no harm and shows in
// the statistics.
func TestDeliveries(t *testing.T) {
	var a, b crdt.ORSet[string]
	first, second, third := a.Add("a", "x"), a.Add("a", "y"), a.Add("a", "z")
	undo := a.Remove("a", "x")

	b.Merge(undo)
	require.Zero(t, b.Len())
	require.False(t, b.Merge(first), "the remove was here before the add")
	b.Merge(third)
	require.Equal(t, crdt.Stats{Elements: 1, Dots: 1, Replicas: 1, Gaps: 1, Bytes: b.Stats().Bytes}, b.Stats())
	require.Len(t, encoded(t, &b), b.Stats().Bytes)
	require.False(t, b.Merge(new(crdt.ORSet[string])))
	require.False(t, b.Merge(a.Remove("a", "nothing")), "an empty delta")

	b.Add("a", "w") // above the gap, though a has counted on
	require.Equal(t, uint64(4), b.LastOf("a"))
	require.False(t, b.Contains("y"), "the gap is never filled")
	require.True(t, b.Merge(second))
	require.Zero(t, b.Stats().Gaps)

	batch := a.Add("a", "p")
	batch.Merge(a.Add("a", "q"))
	batch.Merge(a.Remove("a", "p"))
	var c crdt.ORSet[string]
	c.Merge(batch)
	require.Equal(t, []string{"q"}, slices.Collect(c.All()))
}

// TestVerify: a replica name that two lineages use is noticed and named.
func TestVerify(t *testing.T) {
	var a, b crdt.ORSet[string]
	a.Add("eu", "x")
	b.Add("eu", "y")
	require.ErrorContains(t, a.Verify(&b), "eu:1")
	require.NoError(t, a.Verify(a.Clone()))

	var m, o tagMap
	tagged("eu", &m, "k", "x")
	tagged("eu", &o, "l", "x")
	err := m.Verify(&o)
	require.EqualError(t, err, `crdt: dot eu:1 stands for two changes, "k": add "x" here and "l": add "x" there: `+
		`its replica's name is used by two lineages`)
	require.Equal(t, uint64(1), m.LastOf("eu"))
	require.Zero(t, m.LastOf("us"))
}

func TestRefusedElements(t *testing.T) {
	require.PanicsWithValue(t, `crdt: invalid replica ""`, func() { new(tags).Add("", "x") })
	require.Panics(t, func() { new(tags).Remove("", "x") })
	require.Panics(t, func() { new(crdt.ORSet[any]).Add("eu", "x") })
	require.Panics(t, func() { new(crdt.ORSet[*int]).Add("eu", nil) })
	require.Panics(t, func() { new(crdt.ORMap[any, *tags]).Update("eu", "x", func(*tags) {}) })
	require.Panics(t, func() { new(crdt.ORSet[float64]).Add("eu", math.NaN()) })
	var f crdt.ORSet[float64]
	f.Add("eu", math.Copysign(0, -1))
	for e := range f.All() {
		require.False(t, math.Signbit(e))
	}
	require.True(t, f.Contains(math.Copysign(0, -1)))
}

// TestUpdateForAnother: a value is changed for the replica that the Update is for, whether the
// change mints a number or not.
func TestUpdateForAnother(t *testing.T) {
	var m crdt.ORMap[string, *tags]
	const message = `crdt: a value inside an ORMap is changed for replica "us" in an Update for "eu": use the same in both`
	require.PanicsWithValue(t, message, func() { m.Update("eu", "k", func(s *tags) { s.Add("us", "x") }) })
	require.PanicsWithValue(t, message, func() { m.Update("eu", "k", func(s *tags) { s.Remove("us", "x") }) })
}

// TestRWSetCompact: once all members have seen a remove, it is forgotten, and
// nothing comes back.
func TestRWSetCompact(t *testing.T) {
	var a, b crdt.RWSet[string]
	a.Add("a", "x")
	late := a.Add("a", "y")
	b.Merge(&a)
	b.Remove("b", "x")
	a.Merge(&b)
	seen := lawkit.NewRows("a", "b")
	require.False(t, forgets(a.Context(), seen, a.Compact), "nobody is known to have seen anything")
	clock := vclock.Clock{}.With("a", 2).With("b", 1)
	seen.Record("a", clock)
	require.False(t, forgets(a.Context(), seen, a.Compact), "b may not have seen it")
	seen.Record("b", clock)
	before := slices.Sorted(a.All())
	require.True(t, forgets(a.Context(), seen, a.Compact))
	require.False(t, forgets(a.Context(), seen, a.Compact))
	require.Equal(t, before, slices.Sorted(a.All()))
	require.Zero(t, a.Stats().Residues)
	require.False(t, a.Merge(late))
	require.True(t, b.Merge(&a))
	require.Equal(t, encoded(t, &a), encoded(t, &b))

	seen.Record("a", clock.With("c", 1))
	a.Remove("a", "y")
	require.False(t, forgets(a.Context(), seen, a.Compact), "a row knows more than this state")
}

// TestRWSetCompactOfDelta: the delta of one removal compacts as the state that it decodes to.
func TestRWSetCompactOfDelta(t *testing.T) {
	var s, decoded crdt.RWSet[string]
	delta := s.Remove("a", "x")
	require.NoError(t, decoded.UnmarshalBinary(encoded(t, delta)))
	require.True(t, decoded.Compact(decoded.Context()))
	require.True(t, delta.Compact(delta.Context()))
	require.Equal(t, encoded(t, &decoded), encoded(t, delta))
	require.Zero(t, delta.Stats().Residues)
}

// TestCompactOfNothing: what has nothing to forget says so, in a map, too.
func TestCompactOfNothing(t *testing.T) {
	var registers crdt.ORMap[string, *crdt.MVRegister[int]]
	registers.Update("a", "k", func(r *crdt.MVRegister[int]) { must(r.Set("a", 1)) })
	require.False(t, registers.Compact(registers.Context()))
	var sets crdt.ORMap[string, *tags]
	sets.Update("a", "k", func(s *tags) { s.Add("a", "x") })
	require.False(t, sets.Compact(sets.Context()))
	var flags flagMap
	flags.Update("a", "k", func(f *crdt.EWFlag) { f.Enable("a") })
	require.False(t, flags.Compact(flags.Context()))
	var shown crdt.ORMap[string, *crdt.RWSet[string]]
	shown.Update("a", "k", func(s *crdt.RWSet[string]) { s.Add("a", "x") })
	require.False(t, shown.Compact(shown.Context()))
	var counted counters
	countAt(&counted, "a", "k", 1)
	require.False(t, counted.Compact(counted.Context()))
}

// TestManyReplicas: names beyond the first few, met in different orders.
func TestManyReplicas(t *testing.T) {
	var all, back crdt.ORSet[int]
	var deltas []*crdt.ORSet[int]
	for i := range 300 {
		deltas = append(deltas, all.Add(vclock.Replica(fmt.Sprint("r", i)), i%7))
	}
	for _, d := range slices.Backward(deltas) {
		back.Merge(d)
	}
	require.True(t, all.Equal(&back))
	require.Equal(t, encoded(t, &all), encoded(t, &back))
	require.Equal(t, 7, back.Len())
	require.Equal(t, 300, back.Stats().Replicas)
}

// TestDotInTwoPlaces: a state in which one dot stands for two changes has no
// encoding, since no merge makes one.
func TestDotInTwoPlaces(t *testing.T) {
	type flags = crdt.ORMap[string, *crdt.ORMap[string, *crdt.EWFlag]]
	var m flags
	for _, key := range []string{"k", "l"} {
		m.Update("eu", key, func(v *crdt.ORMap[string, *crdt.EWFlag]) {
			v.Update("eu", "x", func(f *crdt.EWFlag) { f.Enable("eu") })
		})
	}
	text, err := m.MarshalJSON()
	require.NoError(t, err)
	p := encoded(t, &m)
	var back flags
	require.NoError(t, back.UnmarshalJSON(text))
	require.NoError(t, back.UnmarshalBinary(p))
	p[len(p)-1] = 0
	require.ErrorContains(t, back.UnmarshalBinary(p), "dot eu:1 stands for changes in two places")
	_, err = back.MergeBinary(p)
	require.Error(t, err)
	require.Error(t, back.UnmarshalJSON(bytes.Replace(text, []byte("eu:2"), []byte("eu:1"), 1)))
	require.True(t, back.Equal(&m))

	var c counters
	countAt(&c, "eu", "k", 1)
	countAt(&c, "eu", "l", 1)
	c.Clear("us") // leaves two residues
	var again counters
	require.NoError(t, again.UnmarshalBinary(encoded(t, &c)))
	require.True(t, again.Equal(&c))
}

// TestChangeWhileIterating: a set that is changed in the body of a loop over it
// says so.
func TestChangeWhileIterating(t *testing.T) {
	var s crdt.ORSet[int]
	var w crdt.RWSet[int]
	for i := range 100 {
		s.Add("eu", i)
		w.Add("eu", i)
	}
	const message = "crdt: a set is changed while All iterates over it: collect the elements first, as with slices.Collect"
	for _, change := range []func(){
		func() {
			for e := range s.All() {
				s.Remove("eu", e)
			}
		},
		func() {
			for e := range s.All() {
				s.Add("us", e)
			}
		},
		func() {
			for e := range w.All() {
				w.Remove("eu", e)
			}
		},
	} {
		require.PanicsWithValue(t, message, change)
	}
	for _, e := range slices.Collect(s.All()) {
		s.Remove("eu", e)
	}
	require.Zero(t, s.Len())
	for e := range w.All() {
		w.Remove("eu", e)
		break
	}
	require.Equal(t, 98, w.Len())
}

// TestDecodeIntoView decodes into values of maps, inside Update and outside. Their dots
// are those of the map, in which the dots of the decoded state are other events.
func TestDecodeIntoView(t *testing.T) {
	var m crdt.ORMap[string, *crdt.ORSet[string]]
	m.Update("a", "k", func(s *crdt.ORSet[string]) { s.Add("a", "x") })
	before := m.Clone()
	var other crdt.ORSet[string]
	other.Add("b", "y")
	data, err := other.MarshalBinary()
	require.NoError(t, err)
	text, err := other.MarshalJSON()
	require.NoError(t, err)

	decodes := map[string]func(s *crdt.ORSet[string]){
		"binary": func(s *crdt.ORSet[string]) { _ = s.UnmarshalBinary(data) },
		"JSON":   func(s *crdt.ORSet[string]) { _ = s.UnmarshalJSON(text) },
	}
	for name, decode := range decodes {
		require.Panics(t, func() { m.Update("a", "k", decode) }, name)
		view, _ := m.At("k")
		require.Panics(t, func() { decode(view) }, name)
		require.True(t, m.Equal(before), name)
	}

	var nested crdt.ORMap[string, *crdt.ORMap[string, *crdt.ORSet[string]]]
	nested.Update("b", "o", func(m *crdt.ORMap[string, *crdt.ORSet[string]]) {
		require.Panics(t, func() { m.Update("b", "k", decodes["binary"]) })
	})
	var counters crdt.ORMap[string, *crdt.PNCounter]
	counter, err := new(crdt.PNCounter).MarshalBinary()
	require.NoError(t, err)
	counters.Update("b", "k", func(c *crdt.PNCounter) {
		require.Panics(t, func() { _ = c.UnmarshalBinary(counter) })
	})
}

// TestUpdateDeltas: the delta of an Update has all that was done in it, by every mutator.
func TestUpdateDeltas(t *testing.T) {
	updateDelta(t, func(s *crdt.ORSet[string]) { s.Add("eu", "x"); s.Add("eu", "y") }, map[string]func(s *crdt.ORSet[string]){
		"Add":        func(s *crdt.ORSet[string]) { s.Add("eu", "z") },
		"Remove":     func(s *crdt.ORSet[string]) { s.Remove("eu", "x") },
		"RemoveSeen": func(s *crdt.ORSet[string]) { must(s.RemoveSeen("eu", s.Context(), "x")) },
		"Clear":      func(s *crdt.ORSet[string]) { s.Clear("eu") },
		"ClearSeen":  func(s *crdt.ORSet[string]) { must(s.ClearSeen("eu", s.Context())) },
	})
	updateDelta(t, func(s *crdt.RWSet[string]) { s.Add("eu", "x"); s.Add("eu", "y") }, map[string]func(s *crdt.RWSet[string]){
		"Add":        func(s *crdt.RWSet[string]) { s.Add("eu", "z") },
		"AddSeen":    func(s *crdt.RWSet[string]) { must(s.AddSeen("eu", s.Context(), "z")) },
		"Remove":     func(s *crdt.RWSet[string]) { s.Remove("eu", "x") },
		"RemoveSeen": func(s *crdt.RWSet[string]) { must(s.RemoveSeen("eu", s.Context(), "x")) },
		"Clear":      func(s *crdt.RWSet[string]) { s.Clear("eu") },
		"ClearSeen":  func(s *crdt.RWSet[string]) { must(s.ClearSeen("eu", s.Context())) },
	})
	updateDelta(t, func(f *crdt.EWFlag) { f.Enable("eu") }, map[string]func(f *crdt.EWFlag){
		"Enable":      func(f *crdt.EWFlag) { f.Enable("eu") },
		"Disable":     func(f *crdt.EWFlag) { f.Disable("eu") },
		"DisableSeen": func(f *crdt.EWFlag) { must(f.DisableSeen("eu", f.Context())) },
	})
	updateDelta(t, func(f *crdt.DWFlag) { f.Enable("eu") }, map[string]func(f *crdt.DWFlag){
		"Enable":  func(f *crdt.DWFlag) { f.Enable("eu") },
		"Disable": func(f *crdt.DWFlag) { f.Disable("eu") },
	})
	updateDelta(t, func(f *crdt.DWFlag) { f.Disable("eu") }, map[string]func(f *crdt.DWFlag){
		"Enable":     func(f *crdt.DWFlag) { f.Enable("eu") },
		"EnableSeen": func(f *crdt.DWFlag) { must(f.EnableSeen("eu", f.Context())) },
	})
	updateDelta(t, func(m *crdt.MVRegister[string]) { must(m.Set("eu", "x")) }, map[string]func(m *crdt.MVRegister[string]){
		"Set":       func(m *crdt.MVRegister[string]) { must(m.Set("eu", "y")) },
		"SetSeen":   func(m *crdt.MVRegister[string]) { must(m.SetSeen("eu", m.Context(), "y")) },
		"Clear":     func(m *crdt.MVRegister[string]) { m.Clear("eu") },
		"ClearSeen": func(m *crdt.MVRegister[string]) { must(m.ClearSeen("eu", m.Context())) },
	})
	updateDelta(t, func(c *crdt.PNCounter) { c.Add("eu", 3) }, map[string]func(c *crdt.PNCounter){
		"Add":       func(c *crdt.PNCounter) { c.Add("eu", 2) },
		"Reset":     func(c *crdt.PNCounter) { c.Reset("eu") },
		"ResetSeen": func(c *crdt.PNCounter) { must(c.ResetSeen("eu", c.Context())) },
	})
	updateDelta(t, func(m *counters) { m.Update("eu", "x", func(c *crdt.PNCounter) { c.Add("eu", 3) }) }, map[string]func(m *counters){
		"Update":     func(m *counters) { m.Update("eu", "y", func(c *crdt.PNCounter) { c.Add("eu", 3) }) },
		"Delete":     func(m *counters) { m.Delete("eu", "x") },
		"DeleteSeen": func(m *counters) { must(m.DeleteSeen("eu", m.Context(), "x")) },
		"Clear":      func(m *counters) { m.Clear("eu") },
		"ClearSeen":  func(m *counters) { must(m.ClearSeen("eu", m.Context())) },
	})
}

func updateDelta[V crdt.Value[V]](t *testing.T, begin func(v V), changes map[string]func(v V)) {
	t.Helper()
	for name, change := range changes {
		var m crdt.ORMap[string, V]
		m.Update("eu", "k", begin)
		m.Update("eu", "l", begin)
		peer, before := m.Clone(), m.Clone()
		require.True(t, peer.Merge(m.Update("eu", "k", change)), "%T.%s", *new(V), name)
		require.True(t, peer.Equal(&m), "%T.%s", *new(V), name)
		require.False(t, m.Equal(before), "%T.%s", *new(V), name)
	}
}
