package crdt_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestStats: what each type says of its size.
func TestStats(t *testing.T) {
	type state interface {
		Stats() crdt.Stats
		MarshalBinary() ([]byte, error)
	}
	has := func(name string, x state, want crdt.Stats) {
		t.Helper()
		want.Bytes = len(encoded(t, x))
		require.Equal(t, want, x.Stats(), name)
	}
	var s crdt.ORSet[string]
	has("nothing", &s, crdt.Stats{})
	s.Add("eu", "x")
	s.Merge(new(crdt.ORSet[string]).Add("us", "x"))
	gap := s.Clone()
	gap.Add("ap", "y")
	late := gap.Add("ap", "z")
	s.Merge(late)
	s.Add("eu", "w")
	s.Remove("eu", "w")
	has("a set", &s, crdt.Stats{Elements: 2, Dots: 3, Replicas: 3, Gaps: 1})
	var w crdt.RWSet[string]
	w.Add("eu", "x")
	w.Remove("eu", "y")
	w.Merge(new(crdt.RWSet[string]).Remove("us", "x"))
	has("a set where removes win", &w, crdt.Stats{Dots: 3, Replicas: 2, Residues: 2})
	has("an enabled flag", new(crdt.EWFlag).Enable("eu"), crdt.Stats{Elements: 1, Dots: 1, Replicas: 1})
	has("a disabled flag", must(new(crdt.EWFlag).Enable("eu").DisableSeen("eu", new(crdt.EWFlag).Enable("eu").Context())), crdt.Stats{Replicas: 1})
	var on crdt.DWFlag
	on.Enable("eu")
	has("a flag that is on", &on, crdt.Stats{Elements: 1, Dots: 1, Replicas: 1})
	on.Merge(new(crdt.DWFlag).Disable("us"))
	has("a flag that one turned off", &on, crdt.Stats{Dots: 1, Replicas: 2, Residues: 1})
	r := must(new(crdt.MVRegister[string]).Set("eu", "x"))
	r.Merge(must(new(crdt.MVRegister[string]).Set("us", "x")))
	has("a register", r, crdt.Stats{Elements: 1, Dots: 2, Replicas: 2})
	var c crdt.PNCounter
	c.Add("eu", 3)
	c.Add("us", 4)
	has("a counter", &c, crdt.Stats{Elements: 2, Dots: 2, Replicas: 2})
	c.Reset("eu")
	c.Add("us", 1)
	has("a counter that was reset", &c, crdt.Stats{Elements: 1, Dots: 1, Replicas: 2, Residues: c.Stats().Residues})
	var m counters
	countAt(&m, "eu", "k", 1)
	countAt(&m, "us", "k", 1)
	countAt(&m, "us", "l", 1)
	has("a map", &m, crdt.Stats{Elements: 2, Dots: 3, Replicas: 2})
}

// TestVerifyOfEveryType: a dot that stands for two changes is found in every type, the first
// of them; states that have seen different things are in order.
func TestVerifyOfEveryType(t *testing.T) {
	var s crdt.RWSet[string]
	s.Add("eu", "x")
	both := func(name string, err, back error, here, there string) {
		t.Helper()
		require.EqualError(t, err, "crdt: dot eu:1 stands for two changes, "+here+" here and "+there+" there: its replica's name is used by two lineages", name)
		require.EqualError(t, back, "crdt: dot eu:1 stands for two changes, "+there+" here and "+here+" there: its replica's name is used by two lineages", name)
	}
	o := new(crdt.RWSet[string])
	o.Remove("eu", "x")
	both("RWSet", s.Verify(o), o.Verify(&s), `add "x"`, `remove "x"`)
	x, y := new(crdt.DWFlag).Enable("eu"), new(crdt.DWFlag).Disable("eu")
	both("DWFlag", x.Verify(y), y.Verify(x), "enabled", "disabled")
	v, w := must(new(crdt.MVRegister[string]).Set("eu", "x")), must(new(crdt.MVRegister[string]).Set("eu", "y"))
	both("MVRegister", v.Verify(w), w.Verify(v), `"x"`, `"y"`)
	c, d := new(crdt.PNCounter).Add("eu", 1), new(crdt.PNCounter).Add("eu", 2)
	both("PNCounter", c.Verify(d), d.Verify(c), "an increment to 1", "an increment to 2")
	m := new(flagMap).Update("eu", "k", func(f *crdt.EWFlag) { f.Enable("eu") })
	n := new(flagMap).Update("eu", "l", func(f *crdt.EWFlag) { f.Enable("eu") })
	both("ORMap", m.Verify(n), n.Verify(m), `"k": enabled`, `"l": enabled`)

	var a, b crdt.ORSet[int]
	for i := range 300 {
		a.Add("eu", i)
		b.Add("eu", -i-1)
	}
	a.Remove("eu", 0)
	for i := range 200 {
		a.Remove("us", i)
	}
	require.ErrorContains(t, a.Verify(&b), `dot eu:201 stands for two changes, add "200" here and add "-201" there`)
	require.ErrorContains(t, b.Verify(&a), `dot eu:201 stands for two changes, add "-201" here and add "200" there`)
	a.Merge(new(crdt.ORSet[int]).Add("ap", 1))
	require.ErrorContains(t, a.Verify(&b), "dot eu:201 ")
	other := new(crdt.ORSet[int]).Add("us", 7)
	require.NoError(t, a.Verify(other))
	require.NoError(t, other.Verify(&a))
	require.NoError(t, a.Verify(nil))
	require.NoError(t, (*crdt.ORSet[int])(nil).Verify(&a))
}

type flagMap = crdt.ORMap[string, *crdt.EWFlag]

// TestHasSeen: a state has seen a Context if it has seen every change in it.
func TestHasSeen(t *testing.T) {
	var s crdt.ORSet[int]
	for i := range 5 {
		s.Add("eu", i)
	}
	seen := s.Context()
	require.True(t, s.HasSeen(seen))
	require.True(t, s.HasSeen(crdt.Context{}))
	require.False(t, new(crdt.ORSet[int]).HasSeen(seen))
	require.True(t, new(crdt.ORSet[int]).HasSeen(crdt.Context{}))
	require.False(t, new(crdt.ORSet[int]).Add("us", 1).HasSeen(seen))
	require.True(t, crdt.ContextOf(vclock.Clock{}.With("eu", crdt.MaxSeq+1)).IsZero(), "there are no such numbers")
	require.Equal(t, "eu:5", seen.Clock().String())
	d := s.Add("eu", 9)
	require.False(t, d.HasSeen(seen))
	require.True(t, d.Context().Clock().IsZero(), "what was before it has not arrived")
	require.False(t, d.Context().IsZero())
	require.True(t, d.Context().Contains(vclock.Dot{Replica: "eu", Seq: 6}))
	require.False(t, d.Context().Contains(vclock.Dot{Replica: "eu", Seq: 5}))
	require.False(t, d.Context().Contains(vclock.Dot{Replica: "eu"}))
	require.True(t, crdt.Context{}.Clock().IsZero())
	for text, want := range map[string]string{"AwAAAA": "1 trailing bytes", "AwA=": "crdt: decode Context: ", "AwB": "not canonical", "!": "crdt: decode Context: ", "BAAA": "unknown format version 4"} {
		x := seen
		require.ErrorContains(t, x.UnmarshalText([]byte(text)), want, text)
		require.Equal(t, seen, x)
	}
}

// TestSpeaksOfEveryCount: a state speaks of a sealed name if it has seen a change of it that
// is over and not seen here, whatever else both have seen.
func TestSpeaksOfEveryCount(t *testing.T) {
	var s crdt.ORSet[int]
	var deltas []*crdt.ORSet[int]
	for i := range 6 {
		deltas = append(deltas, s.Add("eu", i))
	}
	deltas = append(deltas, s.Add("eu#1", 6))
	of := func(which ...int) *crdt.ORSet[int] {
		x := new(crdt.ORSet[int]).Add("aa", 0)
		for _, i := range which {
			x.Merge(deltas[i])
		}
		return x
	}
	first, all := over(t, map[vclock.Replica]uint64{"eu": 1}), over(t, map[vclock.Replica]uint64{"eu": 2})
	for _, test := range []struct {
		here, there *crdt.ORSet[int]
		news, after bool
	}{
		{of(), of(), false, false},
		{of(), of(0), true, true},
		{new(crdt.ORSet[int]), of(3), true, true},
		{of(0, 1), of(0), false, false},
		{of(0), of(0, 1), true, true},
		{of(0, 2), of(0, 2), false, false},
		{of(0, 2), of(0, 3), true, true},
		{of(0, 1, 2), of(2), false, false},
		{of(0, 3, 4), of(3, 4, 5), true, true},
		{of(0, 1, 2, 3, 4, 5), of(6), false, true},
		{of(0, 6), of(0, 6), false, false},
	} {
		require.Equal(t, test.news, test.here.Speaks(test.there, first), "%v of %v", test.there, test.here)
		require.Equal(t, test.after, test.here.Speaks(test.there, all), "%v of %v", test.there, test.here)
		require.Equal(t, test.news, test.here.Speaks(test.there, first.Join(gone(t, "ab"))))
		require.False(t, test.here.Speaks(test.there, gone(t, "zz")))
		require.False(t, test.here.Speaks(nil, first))
	}
}

// TestSpeaksOfEveryType: every type answers for what its states have seen.
func TestSpeaksOfEveryType(t *testing.T) {
	speaksOf(t, func(r vclock.Replica) *crdt.EWFlag { return new(crdt.EWFlag).Enable(r) })
	speaksOf(t, func(r vclock.Replica) *crdt.DWFlag { return new(crdt.DWFlag).Enable(r) })
	speaksOf(t, func(r vclock.Replica) *crdt.DWFlag { return new(crdt.DWFlag).Disable(r) })
	speaksOf(t, func(r vclock.Replica) *crdt.MVRegister[int] { return must(new(crdt.MVRegister[int]).Set(r, 1)) })
	speaksOf(t, func(r vclock.Replica) *crdt.ORSet[int] { return new(crdt.ORSet[int]).Add(r, 1) })
	speaksOf(t, func(r vclock.Replica) *crdt.RWSet[int] { return new(crdt.RWSet[int]).Add(r, 1) })
	speaksOf(t, func(r vclock.Replica) *crdt.RWSet[int] { return new(crdt.RWSet[int]).Remove(r, 1) })
	speaksOf(t, func(r vclock.Replica) *crdt.PNCounter { return new(crdt.PNCounter).Add(r, 1) })
	speaksOf(t, func(r vclock.Replica) *crdt.GCounter { return new(crdt.GCounter).Add(r, 1) })
	speaksOf(t, func(r vclock.Replica) *crdt.BoundedCounter { return must(crdt.AtLeast(0).Add(r, 1)) })
	speaksOf(t, func(r vclock.Replica) *counters {
		return new(counters).Update(r, "k", func(c *crdt.PNCounter) { c.Add(r, 1) })
	})
}

// speaksOf takes what the change of a replica gives.
func speaksOf[S interface {
	Merge(o S) bool
	Speaks(o S, sealed vclock.Closing) bool
}](t *testing.T, change func(r vclock.Replica) S,
) {
	t.Helper()
	here, there := change("ap"), change("us")
	require.True(t, here.Speaks(there, gone(t, "us")))
	require.False(t, here.Speaks(there, gone(t, "ap")))
	require.False(t, here.Speaks(there, vclock.Closing{}))
	here.Merge(there)
	require.False(t, here.Speaks(there, gone(t, "us")))
	require.True(t, there.Speaks(here, gone(t, "ap")))
}

// TestGapsInAnyOrder: hundreds of changes with gaps between arrive in any order, and then
// what was between them.
func TestGapsInAnyOrder(t *testing.T) {
	const n = 1200
	var writer, want crdt.ORSet[int]
	var even, odd []*crdt.ORSet[int]
	for i := range n {
		if d := writer.Add("eu", i); i%2 == 1 {
			even = append(even, d)
			want.Merge(d)
		} else {
			odd = append(odd, d)
		}
	}
	for _, step := range []int{1, 7, 271, 599} {
		var s crdt.ORSet[int]
		for i := range even {
			require.True(t, s.Merge(even[i*step%len(even)]))
		}
		require.Equal(t, encoded(t, &want), encoded(t, &s), "step %d", step)
		require.Equal(t, n/2, s.Stats().Gaps)
		require.Equal(t, uint64(n), s.LastOf("eu"))
		for i, d := range odd {
			require.False(t, s.HasSeen(d.Context()), i)
			require.True(t, s.HasSeen(even[i].Context()), i)
		}
		for i := range odd {
			require.True(t, s.Merge(odd[i*step%len(odd)]))
			require.LessOrEqual(t, s.Stats().Gaps, n/2-i)
		}
		s.Merge(&writer)
		require.True(t, s.Equal(&writer))
		require.Zero(t, s.Stats().Gaps)
	}
}

// TestBoundedCounterBeyond: rights that were reclaimed of one who had spent them are spent
// twice; the total stops at the bound, and says that it is not exact.
func TestBoundedCounterBeyond(t *testing.T) {
	for _, upper := range []bool{false, true} {
		c := crdt.AtLeast(5)
		mint, spend := (*crdt.BoundedCounter).Add, (*crdt.BoundedCounter).Sub
		if upper {
			c, mint, spend = crdt.AtMost(5), spend, mint
		}
		must(mint(c, "us", 3))
		must(c.Transfer("us", "eu", 3))
		eu := c.Clone()
		must(spend(eu, "eu", 3))
		must(c.Reclaim("eu", "us"))
		must(spend(c, "us", 2))
		c.Merge(eu)
		n, exact := c.Total()
		require.Equal(t, int64(5), n)
		require.False(t, exact)
		require.Equal(t, "5?", c.String())
		require.Equal(t, int64(3), c.Debt())
		require.Equal(t, int64(-3), c.Rights("eu"))
		require.Equal(t, int64(1), c.Rights("us"))
		_, err := spend(c, "us", 1)
		var lacking *crdt.RightsError
		require.ErrorAs(t, err, &lacking)
		require.Equal(t, crdt.RightsError{Replica: "us", Need: 1, Held: []crdt.Held{{"eu", -3}, {"us", 1}}}, *lacking, "a debt is not to spend")
		must(mint(c, "ap", 2))
		n, exact = c.Total()
		require.True(t, exact)
		require.Equal(t, int64(5), n)
		_, err = spend(c, "ap", 1)
		require.ErrorAs(t, err, &lacking, "what is there pays the debt")
		require.Zero(t, lacking.Have)
		must(mint(c, "ap", 2))
		must(spend(c, "ap", 1))
		_, err = spend(c, "ap", 1)
		require.ErrorAs(t, err, &lacking)
		require.Zero(t, lacking.Have)
	}
	empty := crdt.AtMost(math.MaxInt64)
	_, err := empty.Add("us", 1)
	require.EqualError(t, err, `crdt: replica "us" needs 1 rights and has 0 to spend (nobody holds any)`)
	require.Equal(t, fmt.Sprint(int64(math.MaxInt64)), empty.String())
}
