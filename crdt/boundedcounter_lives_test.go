package crdt_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestBoundedCounterLastOf: all that a replica has done makes its number larger, and what
// others did to it does not.
func TestBoundedCounterLastOf(t *testing.T) {
	c := crdt.AtLeast(0)
	require.Zero(t, c.LastOf("us"))
	lasts := func(us, eu, ap uint64) {
		t.Helper()
		require.Equal(t, []uint64{us, eu, ap}, []uint64{c.LastOf("us"), c.LastOf("eu"), c.LastOf("ap")})
	}
	must(c.Add("us", 10))
	lasts(10, 0, 0)
	must(c.Sub("us", 1))
	lasts(11, 0, 0)
	must(c.Transfer("us", "eu", 4))
	lasts(15, 0, 0)
	must(c.Transfer("us", "ap", 2))
	lasts(17, 0, 0)
	must(c.Sub("eu", 3))
	lasts(17, 3, 0)
	must(c.Reclaim("eu", "us"))
	lasts(18, 3, 0)
	must(c.Reclaim("us", "ap"))
	lasts(18, 3, 4)

	most := crdt.AtMost(math.MaxInt64)
	must(most.Sub("us", math.MaxInt64))
	must(most.Add("us", math.MaxInt64))
	require.Equal(t, uint64(math.MaxUint64-1), most.LastOf("us"))
	must(most.Sub("eu", math.MaxInt64))
	must(most.Reclaim("eu", "us"))
	require.Equal(t, uint64(math.MaxUint64), most.LastOf("us"), "it does not wrap")
}

// TestBoundedCounterUsable: a replica is usable until its rights are reclaimed, and is told
// by whom; of several, by the first.
func TestBoundedCounterUsable(t *testing.T) {
	c := crdt.AtLeast(0)
	for _, r := range []vclock.Replica{"ap", "eu", "us"} {
		must(c.Add(r, 3))
	}
	require.NoError(t, c.Usable("us"))
	require.NoError(t, c.Usable("nobody"))
	late := c.Clone()
	must(c.Reclaim("us", "eu"))
	require.Equal(t, &crdt.FencedError{Replica: "us", By: "eu"}, c.Usable("us"))
	require.NoError(t, c.Usable("eu"))
	require.NoError(t, c.Usable("ap"))
	must(late.Reclaim("us", "ap"))
	c.Merge(late)
	require.Equal(t, &crdt.FencedError{Replica: "us", By: "ap"}, c.Usable("us"))
	require.Equal(t, int64(-3), c.Rights("us"))
	require.Equal(t, int64(3), c.Debt())

	must(c.Add("zz", 3))
	must(c.Reclaim("zz", "eu"))
	require.Equal(t, &crdt.FencedError{Replica: "zz", By: "eu"}, c.Usable("zz"), "and not by whom another's were")
}

// TestBoundedCounterSpeaks: a state speaks of a sealed replica if it knows more of what that
// one minted, spent, gave, or took; not if others did.
func TestBoundedCounterSpeaks(t *testing.T) {
	c := crdt.AtLeast(0)
	for _, r := range []vclock.Replica{"ap", "eu", "us"} {
		must(c.Add(r, 9))
	}
	must(c.Transfer("us", "ap", 1))
	for name, act := range map[string]func(o *crdt.BoundedCounter, r vclock.Replica) (*crdt.BoundedCounter, error){
		"mints":  func(o *crdt.BoundedCounter, r vclock.Replica) (*crdt.BoundedCounter, error) { return o.Add(r, 1) },
		"spends": func(o *crdt.BoundedCounter, r vclock.Replica) (*crdt.BoundedCounter, error) { return o.Sub(r, 1) },
		"gives": func(o *crdt.BoundedCounter, r vclock.Replica) (*crdt.BoundedCounter, error) {
			return o.Transfer(r, "x", 1)
		},
		"gives more": func(o *crdt.BoundedCounter, r vclock.Replica) (*crdt.BoundedCounter, error) {
			return o.Transfer(r, "ap", 2)
		},
		"takes": func(o *crdt.BoundedCounter, r vclock.Replica) (*crdt.BoundedCounter, error) {
			return o.Reclaim("ap", r)
		},
	} {
		o := c.Clone()
		d := must(act(o, "us"))
		for _, o := range []*crdt.BoundedCounter{o, d} {
			require.True(t, c.Speaks(o, gone(t, "us")), name)
			require.False(t, c.Speaks(o, gone(t, "eu")), name)
			require.False(t, c.Speaks(o, vclock.Closing{}), name)
			require.True(t, (*crdt.BoundedCounter)(nil).Speaks(o, gone(t, "us")), name)
		}
		require.False(t, o.Speaks(o, gone(t, "us")), name)
		require.False(t, o.Speaks(c, gone(t, "us")), "%s: it is here", name)
		require.False(t, o.Speaks(nil, gone(t, "us")), name)
		if name != "gives more" {
			require.False(t, c.Speaks(must(act(c.Clone(), "eu")), gone(t, "us")), "%s: another does", name)
		}
	}
}

// TestBoundedCounterMovesOverflow: what one has given another, or taken of it, stays in 63
// bits.
func TestBoundedCounterMovesOverflow(t *testing.T) {
	c := crdt.AtLeast(0)
	must(c.Add("us", math.MaxInt64))
	must(c.Transfer("us", "eu", math.MaxInt64))
	must(c.Transfer("eu", "us", 1))
	before := c.Clone()
	_, err := c.Transfer("us", "eu", 1)
	require.ErrorIs(t, err, crdt.ErrOverflow)
	require.ErrorContains(t, err, `transfers from "us" to "eu"`)
	require.True(t, c.Equal(before))
	must(c.Transfer("us", "ap", 1))

	must(c.Reclaim("eu", "us"))
	require.Zero(t, c.Rights("eu"))
	require.Equal(t, int64(math.MaxInt64-1), c.Rights("us"))
	must(before.Sub("eu", 1)) // it has not heard of that
	must(before.Add("ap", math.MaxInt64))
	must(before.Transfer("ap", "eu", math.MaxInt64))
	c.Merge(before)
	must(c.Reclaim("eu", "us"))
	must(c.Reclaim("eu", "us"))
	require.Positive(t, c.Rights("eu"), "no more than 63 bits can be taken")
}

// TestBoundedCounterRefusesMoves: what is wrong with the JSON of a counter is told.
func TestBoundedCounterRefusesMoves(t *testing.T) {
	const other = `,"b":{"minted":"0","spent":"0"}`
	for _, row := range []refusal{
		{`{"replicas":{}}`, "want one of atLeast and atMost"},
		{`{"atLeast":"1","atMost":"2","replicas":{}}`, "want one of atLeast and atMost"},
		{`{"atLeast":"1"}`, `no member "replicas"`},
		{`{"atLeast":1,"replicas":{}}`, ""},
		{`{"atMost":"x","replicas":{}}`, `"x" is not a decimal 64-bit integer`},
		{`{"atLeast":"1","replicas":[]}`, ""},
		{`{"atLeast":"0","replicas":{"":{"minted":"1","spent":"0"}}}`, "invalid replica"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1"}}}`, "lacks a member"},
		{`{"atLeast":"0","replicas":{"a":{"spent":"1"}}}`, "lacks a member"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"-1","spent":"0"}}}`, "-1 is negative"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"-2"}}}`, "-2 is negative"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","more":"0"}}}`, "unknown member"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","given":{"b":"1"}}` + other + `}}`, "lacks a member"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","taken":{"b":"1"}}` + other + `}}`, "lacks a member"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1"}` + other + `}}`, `account of replica "a" without a move`},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"2","given":{"b":"1"}}` + other + `}}`, "is backed by more than it minted"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","given":{}}` + other + `}}`, "no moves"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","taken":{}}` + other + `}}`, "no moves"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","given":{"b":"-1"}}` + other + `}}`, "-1 is negative"},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","taken":{"b":"x"}}` + other + `}}`, `"x" is not a decimal`},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","given":{"b":"0"}}` + other + `}}`, `replica "a" gave nothing to "b"`},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","given":{"a":"1"}}}}`, `replica "a" moved rights to itself`},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","taken":{"a":"1"}}}}`, `replica "a" moved rights to itself`},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","given":{"b":"1"}}}}`, `replica "a" moved rights to "b", which is not listed`},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1","taken":{"b":"1"}}}}`, `replica "a" moved rights to "b", which is not listed`},
		{`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0"}` + other + `}}`, `replica "b" did nothing`},
	} {
		c := crdt.AtMost(8)
		err := c.UnmarshalJSON([]byte(row.text))
		require.ErrorContains(t, err, "crdt: decode BoundedCounter: ", row.text)
		require.ErrorContains(t, err, row.want, row.text)
		require.ErrorIs(t, err, crdt.ErrDamaged, row.text)
		require.True(t, c.Equal(crdt.AtMost(8)), row.text)
	}
	const text = `{"atMost":"-3","replicas":{"c":{"minted":"9","spent":"2","backed":"8","given":{"d":"1","a":"2"},"taken":{"b":"0","a":"3"}},` +
		`"a":{"minted":"0","spent":"0"},"b":{"minted":"0","spent":"1"},"d":{"minted":"0","spent":"0","backed":"0","taken":{"a":"0"}}}}`
	var c, back crdt.BoundedCounter
	require.NoError(t, c.UnmarshalJSON([]byte(text)))
	require.JSONEq(t, text, jsonOf(t, &c))
	require.NoError(t, back.UnmarshalBinary(encoded(t, &c)))
	require.True(t, back.Equal(&c))
	require.Equal(t, []int64{5, -1, 1, 1}, []int64{c.Rights("a"), c.Rights("b"), c.Rights("c"), c.Rights("d")})
	require.Equal(t, &crdt.FencedError{Replica: "c", By: "a"}, c.Usable("c"))
	n, upper := c.Bound()
	require.Equal(t, int64(-3), n)
	require.True(t, upper)
}

// TestBoundedCounterEqual: counters are one if they have the same bound, the same counts and
// the same moves.
func TestBoundedCounterEqual(t *testing.T) {
	all := []*crdt.BoundedCounter{crdt.AtLeast(0), crdt.AtLeast(1), crdt.AtLeast(2), crdt.AtMost(1), crdt.AtMost(0)}
	for range 4 {
		c := crdt.AtLeast(1)
		must(c.Add("us", 5))
		all = append(all, c)
	}
	n := len(all)
	must(all[n-1].Sub("us", 1))
	must(all[n-2].Transfer("us", "eu", 1))
	must(all[n-3].Reclaim("us", "eu"))
	for i, x := range all {
		for k, y := range all {
			require.Equal(t, i == k, x.Equal(y), "%d and %d", i, k)
			require.Equal(t, i == k, x.Clone().Equal(y), "%d and %d", i, k)
		}
	}
}
