package crdt_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// checkChanged requires that Changed tells what makes want of a, which is a and b
// together, and changes nothing.
func checkChanged[V crdt.State[V]](a, b, want V) error {
	before := encodeState(a)
	var got, expected string
	switch x := any(a).(type) {
	case interface {
		Changed(o V) iter.Seq2[string, bool]
		All() iter.Seq[string]
	}:
		now := maps.Collect(marked(x.All()))
		after := maps.Collect(marked(any(want).(interface{ All() iter.Seq[string] }).All()))
		turns := map[string]bool{}
		for e := range now {
			if !after[e] {
				turns[e] = false
			}
		}
		for e := range after {
			if !now[e] {
				turns[e] = true
			}
		}
		got, expected = fmt.Sprint(maps.Collect(x.Changed(b))), fmt.Sprint(turns)
	case interface {
		Changed(o V) (before, after bool)
		Enabled() bool
	}:
		was, is := x.Changed(b)
		got, expected = fmt.Sprint(was, is), fmt.Sprint(x.Enabled(), any(want).(interface{ Enabled() bool }).Enabled())
	case interface {
		Changed(o V) (before, after int64)
		Total() (int64, bool)
	}:
		was, is := x.Changed(b)
		n, _ := x.Total()
		m, _ := any(want).(interface{ Total() (int64, bool) }).Total()
		got, expected = fmt.Sprint(was, is), fmt.Sprint(n, m)
	}
	if got != expected {
		return fmt.Errorf("Changed tells %s, want %s", got, expected)
	}
	if encodeState(a) != before {
		return errors.New("Changed changes its receiver")
	}
	return nil
}

func marked(all iter.Seq[string]) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		for e := range all {
			if !yield(e, true) {
				return
			}
		}
	}
}

// TestORMapChangedReads: what would be there reads as if it were, also what of it goes by the
// replicas that have been seen.
func TestORMapChangedReads(t *testing.T) {
	t.Parallel()
	var eu, ap crdt.ORMap[string, *crdt.PNCounter]
	eu.Update("eu", "k", func(c *crdt.PNCounter) { c.Add("eu", 1) })
	ap.Update("ap", "k", func(c *crdt.PNCounter) { c.Add("ap", 2) })
	told := 0
	for _, c := range eu.Changed(&ap) {
		told++
		var names []vclock.Replica
		for r := range c.After.All() {
			names = append(names, r)
		}
		require.Equal(t, []vclock.Replica{"ap", "eu"}, names)
		require.True(t, c.After.HasSeen(c.After.Context()))
		require.Equal(t, uint64(1), c.After.LastOf("ap"))
		require.Zero(t, c.Before.LastOf("ap"))
	}
	require.Equal(t, 1, told)
	require.Zero(t, eu.LastOf("ap"))
}

// TestORMapChanged compares what Changed tells with the map before and after.
func TestORMapChanged(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	type tags = crdt.ORMap[string, *crdt.ORSet[int]]
	text := func(s *crdt.ORSet[int]) string {
		if s == nil {
			return "none"
		}
		return fmt.Sprint(slices.Sorted(s.All()))
	}
	for range 300 {
		sides := []*tags{new(tags), new(tags), new(tags)}
		var deltas []*tags
		for range rng.IntN(30) {
			i := rng.IntN(3)
			m, r, key := sides[i], vclock.Replica("r"+string(rune('a'+i))), string(rune('k'+rng.IntN(3)))
			switch rng.IntN(6) {
			case 0, 1, 2:
				deltas = append(deltas, m.Update(r, key, func(s *crdt.ORSet[int]) { s.Add(r, rng.IntN(3)) }))
			case 3:
				deltas = append(deltas, m.Delete(r, key))
			case 4:
				m.Merge(sides[rng.IntN(3)])
			default:
				if len(deltas) > 0 {
					m.Merge(deltas[rng.IntN(len(deltas))])
				}
			}
		}
		for _, o := range append(deltas, sides[1:]...) {
			m := sides[0]
			want := m.Clone()
			want.Merge(o)
			got := map[string]string{}
			for key, c := range m.Changed(o) {
				got[key] = text(c.Before) + " to " + text(c.After)
			}
			for _, key := range []string{"k", "l", "m"} {
				before, _ := m.At(key)
				after, _ := want.At(key)
				turn := text(before) + " to " + text(after)
				if told, ok := got[key]; ok {
					require.Equal(t, turn, told)
				} else {
					require.Equal(t, text(before), text(after))
				}
			}
		}
	}
}

func TestGrowOnlyChanged(t *testing.T) {
	t.Parallel()
	var g, h crdt.GSet[string]
	g.Add("x")
	h.Merge(&g)
	d := h.Add("y")
	require.Equal(t, []string{"y"}, slices.Collect(g.Changed(d)))
	require.Equal(t, []string{"y"}, slices.Collect(g.Changed(&h)))

	var p, q crdt.TwoPSet[string]
	p.Add("x")
	p.Add("y")
	q.Merge(&p)
	q.Remove("x")
	q.Add("z")
	q.Add("w")
	q.Remove("w")
	require.Equal(t, map[string]bool{"x": false, "z": true}, maps.Collect(p.Changed(&q)))

	var m, o crdt.GMap[string, *crdt.GCounter]
	add := func(n uint64) func(c *crdt.GCounter) *crdt.GCounter {
		return func(c *crdt.GCounter) *crdt.GCounter { return c.Add("a", n) }
	}
	m.Update("x", add(1))
	m.Update("y", add(1))
	o.Merge(&m)
	o.Update("x", add(2))
	o.Update("z", add(5))
	var all []string
	for k, c := range m.Changed(&o) {
		before := uint64(0)
		if c.Before != nil {
			before, _ = c.Before.Total()
		}
		after, _ := c.After.Total()
		all = append(all, fmt.Sprint(k, before, after))
	}
	require.ElementsMatch(t, []string{"x1 3", "z0 5"}, all)

	var c, e crdt.GCounter
	c.Add("a", 1)
	e.Add("b", 2)
	before, after := c.Changed(&e)
	require.Equal(t, [2]uint64{1, 3}, [2]uint64{before, after})
	x, y := crdt.AtLeast(0), crdt.AtLeast(0)
	_, err := y.Add("b", 4)
	require.NoError(t, err)
	was, is := x.Changed(y)
	require.Equal(t, [2]int64{0, 4}, [2]int64{was, is})
}

func TestDots(t *testing.T) {
	t.Parallel()
	var a, b crdt.RWSet[string]
	a.Add("a", "x")
	b.Merge(&a)
	b.Remove("b", "x")
	a.Add("a", "x")
	a.Merge(&b)
	adds, removes := a.Dots("x")
	require.Equal(t, []vclock.Dot{{Replica: "a", Seq: 2}}, adds)
	require.Equal(t, []vclock.Dot{{Replica: "b", Seq: 1}}, removes)
	adds, removes = a.Dots("y")
	require.Empty(t, append(adds, removes...))

	var e, f crdt.EWFlag
	e.Enable("a")
	e.Merge(f.Enable("b"))
	require.Equal(t, []vclock.Dot{{Replica: "a", Seq: 1}, {Replica: "b", Seq: 1}}, e.Dots())
	var d crdt.DWFlag
	d.Merge(new(crdt.DWFlag).Enable("a"))
	d.Merge(new(crdt.DWFlag).Disable("b"))
	on, off := d.Dots()
	require.Equal(t, []vclock.Dot{{Replica: "a", Seq: 1}}, on)
	require.Equal(t, []vclock.Dot{{Replica: "b", Seq: 1}}, off)

	var none crdt.ORSet[int]
	require.Empty(t, none.Dots(1))

	// They are in order, whatever order their replicas were met in.
	names := []vclock.Replica{"us", "ap", "eu"}
	want := []vclock.Dot{{Replica: "ap", Seq: 1}, {Replica: "eu", Seq: 1}, {Replica: "us", Seq: 1}}
	var s crdt.ORSet[string]
	var x, y crdt.RWSet[string]
	var f1 crdt.EWFlag
	var enabled, disabled crdt.DWFlag
	var m crdt.MVRegister[string]
	for _, r := range names {
		s.Merge(new(crdt.ORSet[string]).Add(r, "x"))
		x.Merge(new(crdt.RWSet[string]).Add(r, "x"))
		y.Merge(new(crdt.RWSet[string]).Remove(r, "x"))
		f1.Merge(new(crdt.EWFlag).Enable(r))
		enabled.Merge(new(crdt.DWFlag).Enable(r))
		disabled.Merge(new(crdt.DWFlag).Disable(r))
		m.Merge(must(new(crdt.MVRegister[string]).Set(r, string(r))))
	}
	adds, _ = x.Dots("x")
	_, removes = y.Dots("x")
	on, _ = enabled.Dots()
	_, off = disabled.Dots()
	for _, got := range [][]vclock.Dot{s.Dots("x"), adds, removes, f1.Dots(), on, off} {
		require.Equal(t, want, got)
	}
	var written []vclock.Dot
	for d, v := range m.Written() {
		require.Equal(t, string(d.Replica), v)
		written = append(written, d)
	}
	require.Equal(t, want, written)
}
