package crdt_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// sent returns c as it comes back from a client.
func sent(t *testing.T, c crdt.Context) (back crdt.Context) {
	t.Helper()
	text, err := c.MarshalText()
	require.NoError(t, err)
	require.NoError(t, back.UnmarshalText(text))
	return back
}

// A client is shown a cart, the server counts on, the client empties the cart: what it
// was shown goes, and the rest stays, with whatever Context it was given.
func TestDeleteSeenCountedOn(t *testing.T) {
	for name, read := range map[string]func(m *counters) crdt.Context{
		"the map's": (*counters).Context,
		"the key's": func(m *counters) crdt.Context { return m.ContextOf("k") },
		"the view's": func(m *counters) crdt.Context {
			c, _ := m.At("k")
			return c.Context()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var m counters
			countAt(&m, "us", "k", 3)
			countAt(&m, "us", "l", 5)
			countAt(&m, "eu", "k", 4)
			seen := sent(t, read(&m))
			require.True(t, seen.Exact())
			countAt(&m, "us", "k", 10)
			countAt(&m, "us", "l", 20)
			before, cleared := m.Clone(), m.Clone()

			before.Merge(must(m.DeleteSeen("eu", seen, "k")))
			require.True(t, before.Equal(&m))
			n, _ := valueAt(&m, "k")
			require.Equal(t, int64(10), n)
			n, _ = valueAt(&m, "l")
			require.Equal(t, int64(25), n)

			must(cleared.ClearSeen("eu", seen))
			n, _ = valueAt(cleared, "k")
			require.Equal(t, int64(10), n)
			n, _ = valueAt(cleared, "l")
			if name == "the map's" {
				require.Equal(t, int64(20), n)
			} else {
				require.Equal(t, int64(25), n, "only its key")
			}
		})
	}
}

// TestSeenWithoutSums: without sums, what a replica counted stays as a whole if it has
// counted on.
func TestSeenWithoutSums(t *testing.T) {
	var m counters
	countAt(&m, "us", "k", 3)
	countAt(&m, "eu", "k", 4)
	whole := m.Context()
	size := len(must(whole.MarshalBinary()))
	require.Equal(t, whole, whole.Within(size))
	seen := sent(t, whole.Within(size-1))
	require.False(t, seen.Exact())
	require.False(t, seen.Within(1).Exact())
	require.Equal(t, crdt.Context{}, crdt.Context{}.Within(0))
	countAt(&m, "us", "k", 10)
	must(m.DeleteSeen("eu", seen, "k"))
	n, _ := valueAt(&m, "k")
	require.Equal(t, int64(13), n)
}

// TestResetSeenUndone: what was undone where the client read does not stay because the
// counter went on. C counts 5; a merges it and resets; c counts 16.
func TestResetSeenUndone(t *testing.T) {
	var c, a crdt.PNCounter
	a.Merge(c.Add("c", 5))
	a.Reset("a")
	seen := sent(t, a.Context())
	c.Add("c", 16)
	must(c.ResetSeen("c", seen))
	n, _ := c.Total()
	require.Equal(t, int64(16), n)
	c.Merge(&a)
	n, _ = c.Total()
	require.Equal(t, int64(16), n)

	var m, o counters
	o.Merge(countAt(&m, "c", "k", 5))
	countAt(&m, "c", "l", 1)
	o.Delete("a", "k")
	seen = sent(t, o.Context())
	countAt(&m, "c", "k", 16)
	must(m.DeleteSeen("c", seen, "k"))
	n, _ = valueAt(&m, "k")
	require.Equal(t, int64(16), n)
}

type shelves = crdt.ORMap[string, *counters]

// TestContextContainsIncarnation finds a dot under the name that its replica writes as, and
// under the one that its incarnations share.
func TestContextContainsIncarnation(t *testing.T) {
	r := vclock.Incarnation("c", 3)
	var s crdt.ORSet[string]
	s.Add("c", "x")
	s.Add(r, "y")
	seen, seq := s.Context(), s.LastOf(r)
	require.True(t, seen.Contains(vclock.Dot{Replica: r, Seq: seq}))
	require.True(t, seen.Contains(vclock.Dot{Replica: "c", Seq: seq}))
	require.True(t, seen.Contains(vclock.Dot{Replica: "c", Seq: 1}))
	require.False(t, seen.Contains(vclock.Dot{Replica: r, Seq: 1}), "an event of another incarnation")
	require.False(t, seen.Contains(vclock.Dot{Replica: r, Seq: seq + 1}))
	require.False(t, seen.Contains(vclock.Dot{Replica: vclock.Incarnation("c", 4), Seq: seq}))
}

// TestContextOfAnotherKey: the Context of a key is refused for another, at any depth,
// and taken for what is in the key.
func TestContextOfAnotherKey(t *testing.T) {
	count := func(m *shelves, shelf, key string) {
		m.Update("us", shelf, func(v *counters) { countAt(v, "us", key, 1) })
	}
	var m shelves
	for _, shelf := range []string{"a", "b"} {
		count(&m, shelf, "k")
		count(&m, shelf, "l")
	}
	shelf, _ := m.At("a")
	ofShelf := sent(t, shelf.Context())
	require.Equal(t, sent(t, m.ContextOf("a")), ofShelf)
	k, _ := shelf.At("k")
	ofKey := sent(t, k.Context())
	require.Equal(t, sent(t, shelf.ContextOf("k")), ofKey)

	in := func(m *shelves, shelf string, f func(v *counters) error) (err error) {
		m.Update("us", shelf, func(v *counters) { err = f(v) })
		return err
	}
	remove := func(seen crdt.Context, key string) func(v *counters) error {
		return func(v *counters) error { _, err := v.DeleteSeen("us", seen, key); return err }
	}
	reset := func(seen crdt.Context, key string) func(v *counters) error {
		return func(v *counters) (err error) {
			v.Update("us", key, func(c *crdt.PNCounter) { _, err = c.ResetSeen("us", seen) })
			return err
		}
	}
	for name, try := range map[string]func(m *shelves) error{
		"a shelf for another":             func(m *shelves) error { _, err := m.DeleteSeen("us", ofShelf, "b"); return err },
		"a shelf before Context.For":      func(m *shelves) error { _, err := m.DeleteSeen("us", ofShelf.Of("cart 1"), "a"); return err },
		"a key for its shelf":             func(m *shelves) error { _, err := m.DeleteSeen("us", ofKey, "a"); return err },
		"a key for the whole":             func(m *shelves) error { _, err := m.ClearSeen("us", ofKey); return err },
		"a key for another":               func(m *shelves) error { return in(m, "a", remove(ofKey, "l")) },
		"a key for one elsewhere":         func(m *shelves) error { return in(m, "b", remove(ofKey, "k")) },
		"a counter for another":           func(m *shelves) error { return in(m, "a", reset(ofKey, "l")) },
		"a shelf for a counter not in it": func(m *shelves) error { return in(m, "b", reset(ofShelf, "k")) },
		"an absent key for another": func(m *shelves) error {
			_, err := m.DeleteSeen("us", m.ContextOf("c"), "a")
			return err
		},
	} {
		x := m.Clone()
		before := encoded(t, x)
		var refused *crdt.ContextError
		require.ErrorAs(t, try(x), &refused, name)
		require.Equal(t, before, encoded(t, x), name)
	}
	for name, try := range map[string]func(m *shelves) error{
		"a shelf":                  func(m *shelves) error { _, err := m.DeleteSeen("us", ofShelf, "a"); return err },
		"a shelf of two":           func(m *shelves) error { _, err := m.DeleteSeen("us", m.ContextOf("a", "b"), "b"); return err },
		"a shelf for its keys":     func(m *shelves) error { return in(m, "a", remove(ofShelf, "k")) },
		"a shelf for a counter":    func(m *shelves) error { return in(m, "a", reset(ofShelf, "k")) },
		"the whole":                func(m *shelves) error { return in(m, "a", reset(m.Context(), "k")) },
		"a key":                    func(m *shelves) error { return in(m, "a", remove(ofKey, "k")) },
		"a counter":                func(m *shelves) error { return in(m, "a", reset(ofKey, "k")) },
		"a shelf for the clearing": func(m *shelves) error { _, err := m.ClearSeen("us", ofShelf); return err },
	} {
		x := m.Clone()
		require.NoError(t, try(x), name)
		require.Less(t, x.Stats().Dots, m.Stats().Dots+1, name)
		require.NotEqual(t, encoded(t, &m), encoded(t, x), name)
	}
	alone := k.Clone()
	_, err := alone.ResetSeen("us", ofKey)
	require.EqualError(t, err, "crdt: the Context of something else is used for a state of its own")
}

// TestContextOfAnotherObject: a Context that has the name of its object is for that
// object alone.
func TestContextOfAnotherObject(t *testing.T) {
	var s tags
	s.Add("us", "x")
	seen := sent(t, s.Context().Of("cart 1"))
	_, err := seen.For("cart 2")
	require.EqualError(t, err, `crdt: the Context of something else is used for the object "cart 2"`)
	_, err = s.RemoveSeen("us", seen, "x")
	require.ErrorContains(t, err, "before Context.For")
	_, err = s.Context().For("cart 1")
	require.Error(t, err)
	_, err = crdt.Context{}.For("cart 1")
	require.Error(t, err)
	ours, err := seen.For("cart 1")
	require.NoError(t, err)
	require.Equal(t, sent(t, s.Context()), ours)
	must(s.RemoveSeen("us", ours, "x"))
	require.Zero(t, s.Len())

	m := new(shelves)
	m.Update("us", "a", func(v *counters) { countAt(v, "us", "k", 1) })
	absent := must(sent(t, m.ContextOf("b").Of("cart 1")).For("cart 1"))
	require.Equal(t, sent(t, m.ContextOf("b")), absent)
	_, err = m.DeleteSeen("us", absent, "a")
	require.Error(t, err, "it is of another key, though nothing is there")

	none, err := sent(t, crdt.Context{}.Of("cart 1")).For("cart 1")
	require.NoError(t, err)
	require.Equal(t, crdt.Context{}, none)
}

// TestSeenRefusedEverywhere: every mutator for a client refuses what is of something
// else, and changes nothing.
func TestSeenRefusedEverywhere(t *testing.T) {
	seen := crdt.Context{}.Of("another")
	refuses := func(name string, x interface{ MarshalBinary() ([]byte, error) }, try func() error) {
		t.Helper()
		before := encoded(t, x)
		var refused *crdt.ContextError
		require.ErrorAs(t, try(), &refused, name)
		require.Equal(t, before, encoded(t, x), name)
	}
	var s tags
	s.Add("us", "x")
	refuses("ORSet.RemoveSeen", &s, func() error { _, err := s.RemoveSeen("us", seen, "x"); return err })
	refuses("ORSet.ClearSeen", &s, func() error { _, err := s.ClearSeen("us", seen); return err })
	var w crdt.RWSet[string]
	w.Add("us", "x")
	refuses("RWSet.AddSeen", &w, func() error { _, err := w.AddSeen("us", seen, "y"); return err })
	refuses("RWSet.RemoveSeen", &w, func() error { _, err := w.RemoveSeen("us", seen, "x"); return err })
	refuses("RWSet.ClearSeen", &w, func() error { _, err := w.ClearSeen("us", seen); return err })
	var e crdt.EWFlag
	e.Enable("us")
	refuses("EWFlag.EnableSeen", &e, func() error { _, err := e.EnableSeen("us", seen); return err })
	refuses("EWFlag.DisableSeen", &e, func() error { _, err := e.DisableSeen("us", seen); return err })
	var d crdt.DWFlag
	d.Enable("us")
	refuses("DWFlag.EnableSeen", &d, func() error { _, err := d.EnableSeen("us", seen); return err })
	refuses("DWFlag.DisableSeen", &d, func() error { _, err := d.DisableSeen("us", seen); return err })
	var r crdt.MVRegister[string]
	must(r.Set("us", "x"))
	refuses("MVRegister.SetSeen", &r, func() error { _, err := r.SetSeen("us", seen, "y"); return err })
	refuses("MVRegister.ClearSeen", &r, func() error { _, err := r.ClearSeen("us", seen); return err })
	var c crdt.PNCounter
	c.Add("us", 1)
	refuses("PNCounter.ResetSeen", &c, func() error { _, err := c.ResetSeen("us", seen); return err })
	var m counters
	countAt(&m, "us", "k", 1)
	refuses("ORMap.DeleteSeen", &m, func() error { _, err := m.DeleteSeen("us", seen, "k"); return err })
	refuses("ORMap.ClearSeen", &m, func() error { _, err := m.ClearSeen("us", seen); return err })
}

// TestContextCut: no part of a Context is one.
func TestContextCut(t *testing.T) {
	var m counters
	for i := range 3 {
		countAt(&m, "us", fmt.Sprint(i), 3)
		countAt(&m, "eu", fmt.Sprint(i), -3)
	}
	m.Delete("us", "1")
	for _, c := range []crdt.Context{m.Context(), m.ContextOf("1", "2"), m.Context().Of("x"), m.ContextOf("1").Within(1).Of("y")} {
		p := must(c.MarshalBinary())
		for n := range p {
			var back crdt.Context
			require.Error(t, back.UnmarshalBinary(p[:n]))
		}
		require.Equal(t, c, sent(t, c))
	}
}

// TestContextSizes: the sums of a counter take about 4 bytes for each replica, and
// those of one key little, however many there are.
// TestContextOfLargestNumber: a clock is covered up to the largest number that there is.
func TestContextOfLargestNumber(t *testing.T) {
	covered := func(n uint64) string {
		return crdt.ContextOf(vclock.Clock{}.With("eu", n).With("us", 1)).Clock().String()
	}
	require.Equal(t, fmt.Sprintf("eu:%d,us:1", crdt.MaxSeq), covered(crdt.MaxSeq))
	require.Equal(t, "us:1", covered(crdt.MaxSeq+1))
}

func TestContextSizes(t *testing.T) {
	var m counters
	for i := range 100 {
		for _, r := range []vclock.Replica{"ap", "eu", "us"} {
			countAt(&m, r, fmt.Sprintf("sku-%03d", i), int64(i%20))
		}
	}
	require.Less(t, len(must(m.Context().MarshalBinary())), 1200)
	require.Less(t, len(must(m.ContextOf("sku-007").MarshalBinary())), 60)
}

// TestNilReads: to read a nil pointer is to read an empty state.
func TestNilReads(t *testing.T) {
	var c *crdt.PNCounter
	n, exact := c.Total()
	require.Zero(t, n)
	require.True(t, exact)
	readsAsEmpty(t, c, new(crdt.PNCounter))
	var e *crdt.EWFlag
	require.False(t, e.Enabled())
	readsAsEmpty(t, e, new(crdt.EWFlag))
	var d *crdt.DWFlag
	require.False(t, d.Enabled())
	readsAsEmpty(t, d, new(crdt.DWFlag))
	var s *tags
	require.False(t, s.Contains("x"))
	require.Zero(t, s.Len())
	require.Empty(t, slices.Collect(s.All()))
	readsAsEmpty(t, s, new(tags))
	var w *crdt.RWSet[string]
	require.False(t, w.Contains("x"))
	require.Zero(t, w.Len())
	require.Empty(t, slices.Collect(w.All()))
	readsAsEmpty(t, w, new(crdt.RWSet[string]))
	var r *crdt.MVRegister[string]
	_, ok := r.Get()
	require.False(t, ok)
	require.Zero(t, r.Len())
	require.Empty(t, slices.Collect(r.Values()))
	readsAsEmpty(t, r, new(crdt.MVRegister[string]))
	var m *shelves
	in, _ := m.At("x")
	_, ok = in.At("y")
	require.False(t, ok)
	require.False(t, m.Contains("x"))
	require.Zero(t, m.Len())
	for range m.All() {
		require.Fail(t, "there is none")
	}
	require.True(t, m.ContextOf("x").IsZero())
	readsAsEmpty(t, m, new(shelves))
}

func readsAsEmpty[S interface {
	crdt.State[S]
	Context() crdt.Context
	HasSeen(seen crdt.Context) bool
	LastOf(r vclock.Replica) uint64
	Stats() crdt.Stats
	Verify(o S) error
	MarshalBinary() ([]byte, error)
	MarshalJSON() ([]byte, error)
}](t *testing.T, x, empty S,
) {
	t.Helper()
	require.True(t, x.Context().IsZero())
	require.True(t, x.HasSeen(crdt.Context{}))
	require.Zero(t, x.LastOf("us"))
	require.Equal(t, empty.Stats(), x.Stats())
	require.NoError(t, x.Verify(empty))
	require.NoError(t, empty.Verify(x))
	require.Equal(t, encoded(t, empty), encoded(t, x))
	text, err := json.Marshal(x)
	require.NoError(t, err)
	require.Equal(t, "null", string(text), "as of every nil pointer")
	require.True(t, x.Equal(empty) && empty.Equal(x))
	require.True(t, x.Clone().Equal(empty))
	require.False(t, empty.Merge(x))
}

// TestContextOfOneIncrementTwice: a Context is read again where a key is named twice, and where
// two lineages under one name have made counters of two keys begin with one number.
func TestContextOfOneIncrementTwice(t *testing.T) {
	t.Parallel()
	add := func(m *counters, key string) *counters {
		return m.Update("eu", key, func(c *crdt.PNCounter) { c.Add("eu", 1) })
	}
	var a, b, both counters
	add(&a, "a")
	add(&a, "a")
	require.Equal(t, a.ContextOf("a"), sent(t, a.ContextOf("a", "a")))

	both.Merge(add(&a, "a"))
	add(&b, "b")
	add(&b, "z")
	add(&b, "z")
	both.Merge(add(&b, "b"))
	require.Equal(t, 2, both.Len())
	require.Equal(t, both.Context(), sent(t, both.Context()))
}

// TestContextOfNoKey: what cannot be a key has no part in a Context, and the others have.
func TestContextOfNoKey(t *testing.T) {
	var m crdt.ORMap[float64, *crdt.EWFlag]
	for _, key := range []float64{1, 2} {
		m.Update("eu", key, func(f *crdt.EWFlag) { f.Enable("eu") })
	}
	require.Equal(t, m.ContextOf(1), m.ContextOf(math.NaN(), 1))
	require.NotEqual(t, m.ContextOf(1), m.ContextOf(1, 2))
	require.True(t, m.ContextOf(math.NaN()).IsZero())
}
