package crdt_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/vclock"
)

// A counterStory is one of the histories in which counters in maps commonly go
// wrong. It returns the replicas at its end, and the messages that can travel
// from then on: each in several forms, of which any will do.
type counterStory func() (sites []*counters, messages [][]*counters, want int64)

// A+3; B and C copy; B removes the key while C adds 10.
func storyThirdAdds() ([]*counters, [][]*counters, int64) {
	var a, b, c counters
	first := countAt(&a, "a", "k", 3)
	b.Merge(&a)
	c.Merge(&a)
	removed := b.Delete("b", "k")
	added := countAt(&c, "c", "k", 10)
	return []*counters{&a, &b, &c}, [][]*counters{{first}, {removed, b.Clone()}, {added, c.Clone()}}, 10
}

// A+3; B copies; B removes the key while A adds 10.
func storyOwnerAdds() ([]*counters, [][]*counters, int64) {
	var a, b counters
	first := countAt(&a, "a", "k", 3)
	b.Merge(&a)
	removed := b.Delete("b", "k")
	added := countAt(&a, "a", "k", 10)
	return []*counters{&a, &b}, [][]*counters{{first}, {removed, b.Clone()}, {added, a.Clone()}}, 10
}

// A+5; B copies; A removes the key, and adds 2.
func storyBeginsAfresh() ([]*counters, [][]*counters, int64) {
	var a, b counters
	first := countAt(&a, "a", "k", 5)
	b.Merge(&a)
	removed := a.Delete("a", "k")
	added := countAt(&a, "a", "k", 2)
	return []*counters{&a, &b}, [][]*counters{{first, b.Clone()}, {removed}, {added, a.Clone()}}, 2
}

// TestCountersInMapStories delivers the messages of each story in every order
// and form, alone and joined in pairs, to every replica and to one that knows
// nothing, with a compaction after each step of those who may.
func TestCountersInMapStories(t *testing.T) {
	for name, story := range map[string]counterStory{
		"a third replica adds":    storyThirdAdds,
		"the owner adds":          storyOwnerAdds,
		"the remover starts anew": storyBeginsAfresh,
	} {
		t.Run(name, func(t *testing.T) {
			sites, messages, want := story()
			sites = append(sites, new(counters))
			check := func(m *counters, how string) {
				n, _ := valueAt(m, "k")
				require.Equal(t, want, n, how)
			}
			var all []*counters
			for _, order := range permutations(len(messages)) {
				forms(messages, order, nil, func(sequence []*counters) {
					for _, site := range sites {
						x, grouped := site.Clone(), new(counters)
						for _, message := range sequence {
							x.Merge(message)
							grouped.Merge(message)
						}
						check(x, fmt.Sprint("one by one, in the order ", order))
						y := site.Clone()
						y.Merge(grouped)
						check(y, fmt.Sprint("grouped, in the order ", order))
						all = append(all, x)
					}
				})
			}
			seen := lawkit.NewRows("a", "b", "c")
			end := all[0].Clone()
			for _, x := range all {
				end.Merge(x)
			}
			for _, r := range []vclock.Replica{"a", "b", "c"} {
				seen.Record(r, crdt.ClockOf(end.Context()))
			}
			require.Equal(t, name == "a third replica adds", forgets(end.Context(), seen, end.Compact), "elsewhere the owner has gone on")
			check(end, "compacted")
			require.Zero(t, end.Stats().Residues)
			for _, message := range slices.Concat(messages...) {
				end.Merge(message)
				check(end, "an old message after compaction")
			}
			for _, x := range all {
				x.Merge(end)
				check(x, "merged with the compacted state")
				require.True(t, x.Equal(end))
			}
		})
	}
}

// forms calls yield with the messages in an order, in every choice of forms.
func forms(messages [][]*counters, order []int, chosen []*counters, yield func([]*counters)) {
	if len(order) == 0 {
		yield(chosen)
		return
	}
	for _, form := range messages[order[0]] {
		forms(messages, order[1:], append(slices.Clip(chosen), form), yield)
	}
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}

// TestPNCounterTellsResets: two states with the same context hold the same, unless a
// dot tells. A counter that goes on after a reset that it had not seen keeps the dot
// of that reset: A counts 3, B takes it; B resets, A counts 10; B takes that.
func TestPNCounterTellsResets(t *testing.T) {
	var a, b crdt.PNCounter
	b.Merge(a.Add("a", 3))
	b.Reset("b")
	b.Merge(a.Add("a", 10))
	n, _ := a.Total()
	require.Equal(t, int64(13), n)
	n, _ = b.Total()
	require.Equal(t, int64(10), n)

	msg := crdt.AskLong(&a, 1)
	msg, _, err := crdt.AnswerLong(&b, msg)
	require.NoError(t, err)
	msg, _, err = crdt.AnswerLong(&a, msg)
	require.NoError(t, err)
	msg, _, err = crdt.AnswerLong(&b, msg)
	require.NoError(t, err)
	_, missing, err := crdt.AnswerLong(&a, msg)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"PNCounter","context":{"a":"2","b":"1"},"state":[
		{"replica":"a","after":"0","last":"2","sum":"13","undoneTo":"1","undone":"3","reset":"b:1"}]}`, jsonOf(t, missing))
	require.True(t, a.Merge(missing))
	require.True(t, a.Equal(&b))
	require.Nil(t, b.Verify(&a))

	delta := a.Add("a", 1)
	require.JSONEq(t, `{"type":"PNCounter","context":{"a":"3","b":"1"},"state":[
		{"replica":"a","after":"0","last":"3","sum":"14","undoneTo":"1","undone":"3","reset":"b:1"}]}`, jsonOf(t, delta))
	n, _ = delta.Total()
	require.Equal(t, int64(11), n)
}

// TestResetsHaveDots: what a removal leaves in each place has a dot of its own, in
// the order of keys and replicas, whatever order the state has them in.
func TestResetsHaveDots(t *testing.T) {
	var m counters
	for _, key := range []string{"l", "k"} {
		countAt(&m, "us", key, 1)
		countAt(&m, "eu", key, 2)
	}
	for range 10 {
		x := m.Clone()
		x.Clear("z")
		require.JSONEq(t, `{"type":"ORMap/PNCounter","context":{"eu":"1-2","us":"1-2","z":"1-4"},"state":[
			{"key":"k","value":[{"replica":"eu","after":"1","undoneTo":"2","undone":"2","reset":"z:1"},{"replica":"us","after":"1","undoneTo":"2","undone":"1","reset":"z:2"}]},
			{"key":"l","value":[{"replica":"eu","after":"0","undoneTo":"1","undone":"2","reset":"z:3"},{"replica":"us","after":"0","undoneTo":"1","undone":"1","reset":"z:4"}]}
		]}`, jsonOf(t, x))
	}
}

// TestPNCounterLaws puts resets and increments with their deltas through the laws
// of a join; what they add up to is what the exhaustive check is about.
func TestPNCounterLaws(t *testing.T) {
	t.Parallel()
	kit := crdttest.Kit[*crdt.PNCounter]{
		New: func() *crdt.PNCounter { return new(crdt.PNCounter) },
		Ops: []crdttest.Operation[*crdt.PNCounter]{
			crdttest.Op("add", rapid.Int64Range(-2, 2), func(c *crdt.PNCounter, r vclock.Replica, n int64) (*crdt.PNCounter, error) {
				return c.Add(r, n), nil
			}),
			crdttest.Op("reset", nil, func(c *crdt.PNCounter, r vclock.Replica, _ struct{}) (*crdt.PNCounter, error) {
				return c.Reset(r), nil
			}),
			crdttest.OpSeen("reset", nil, (*crdt.PNCounter).Context, func(c *crdt.PNCounter, r vclock.Replica, seen crdt.Context, _ struct{}) (*crdt.PNCounter, error) {
				return c.ResetSeen(r, seen)
			}),
		},
	}
	kit.Check(t)
}

// A client resets what it was shown, and no more.
func TestPNCounterResetSeen(t *testing.T) {
	var c crdt.PNCounter
	c.Add("us", 3)
	c.Add("eu", 4)
	var shown crdt.Context
	text, err := c.Context().MarshalText()
	require.NoError(t, err)
	require.NoError(t, shown.UnmarshalText(text))
	c.Add("us", 10)
	must(c.ResetSeen("eu", shown))
	n, _ := c.Total()
	require.Equal(t, int64(10), n)
	must(c.ResetSeen("eu", crdt.Context{}))
	n, _ = c.Total()
	require.Equal(t, int64(10), n)
	must(c.ResetSeen("eu", c.Context()))
	n, _ = c.Total()
	require.Zero(t, n)
}

// TestResetSeenOvertaken: the last increment that the client saw is one that the
// state knows only as part of a later sum.
func TestResetSeenOvertaken(t *testing.T) {
	var us, eu crdt.PNCounter
	us.Add("us", 3)
	shown := us.Context()
	eu.Merge(us.Add("us", -5))
	before := eu.Clone()
	before.Merge(must(eu.ResetSeen("eu", shown)))
	require.True(t, before.Equal(&eu), "the delta has the effect of the reset")
	n, _ := eu.Total()
	require.Equal(t, int64(-5), n)

	var m, o counters
	countAt(&m, "us", "k", 3)
	view, _ := m.At("k")
	shown = view.Context()
	o.Merge(m.Update("us", "k", func(c *crdt.PNCounter) { c.Add("us", -5) }))
	for _, remove := range []func(m *counters) *counters{
		func(m *counters) *counters { return must(m.DeleteSeen("eu", shown, "k")) },
		func(m *counters) *counters {
			return m.Update("eu", "k", func(c *crdt.PNCounter) { _, _ = c.ResetSeen("eu", shown) })
		},
	} {
		after, other := o.Clone(), o.Clone()
		other.Merge(remove(after))
		require.True(t, other.Equal(after))
		other.Merge(&m)
		n, _ := valueAt(other, "k")
		require.Equal(t, int64(-5), n)
	}
}

// TestCloneOfResidue: the clone of a view has the name of a replica of which it
// knows nothing but that all was undone.
func TestCloneOfResidue(t *testing.T) {
	var us, eu counters
	countAt(&us, "us", "k", 3)
	countAt(&us, "us", "k", 3)
	eu.Merge(&us)
	us.Delete("ap", "k")
	countAt(&eu, "eu", "k", 4)
	us.Merge(&eu)
	view, _ := us.At("k")
	c := view.Clone()
	require.True(t, c.Equal(view))
	require.Equal(t, encoded(t, view), encoded(t, c))
	var back, text crdt.PNCounter
	require.NoError(t, back.UnmarshalBinary(encoded(t, c)))
	require.True(t, back.Equal(c))
	p, err := c.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, text.UnmarshalJSON(p))
	require.True(t, text.Equal(c))
	before := c.Clone()
	before.Merge(c.Add("us", 5))
	require.True(t, before.Equal(c))
	n, _ := c.Total()
	require.Equal(t, int64(9), n)

	var m crdt.ORMap[string, *counters]
	m.Update("us", "x", func(v *counters) {
		countAt(v, "us", "k", 3)
		countAt(v, "us", "l", 3)
	})
	m.Update("eu", "x", func(v *counters) { v.Delete("eu", "k") })
	below, _ := m.At("x")
	var nested counters
	require.NoError(t, nested.UnmarshalBinary(encoded(t, below)))
	require.True(t, nested.Equal(below.Clone()))
}

// TestHostileResidue: what was undone must have been seen.
func TestHostileResidue(t *testing.T) {
	var c crdt.PNCounter
	c.Add("us", 3)
	c.Reset("us")
	p := encoded(t, &c)
	at := len(p) - 5 // upto, undone, and who reset, with the dot
	require.Equal(t, byte(0), p[at])
	p[at] = 8 << 1
	require.ErrorContains(t, new(crdt.PNCounter).UnmarshalBinary(p), "not in the context")
}

// TestPNCounterRefusesResets: who reset a counter, and with which dots, is written in one way.
func TestPNCounterRefusesResets(t *testing.T) {
	// a and b have counted 1 each, and c has reset both, with its dots 1 and 2.
	const head = "\x03\x07\x03\x01a\x04\x01b\x04\x01c\x08\x02" + "\x06\x00\x02\x00\x02\x00"
	var c crdt.PNCounter
	require.NoError(t, c.UnmarshalBinary([]byte(head+"\x0e\x00\x02\x00")))
	var a, b crdt.PNCounter
	a.Add("a", 1)
	b.Add("b", 1)
	a.Merge(&b)
	a.Reset("c")
	require.True(t, c.Equal(&a))
	require.Equal(t, head+"\x0e\x00\x02\x00", string(encoded(t, &a)))
	for name, tail := range map[string]string{
		"the next, as one that is not":  "\x0e\x00\x02\x01\x00",
		"the same again":                "\x0e\x00\x02\x01\x01",
		"none":                          "\x0e\x00\x02\x01\x03",
		"one that was not seen":         "\x0e\x00\x02\x01\x02",
		"one of another incarnation":    "\x0e\x00\x02\x01\xfc\xff\xff\xff\x1f",
		"an incarnation with two":       "\x0e\x00\x02\x02\x02\x02",
		"a new one that is known":       "\x0e\x00\x02\x03\x02\x02",
		"an index beyond":               "\x0e\x00\x02\x04",
		"nothing":                       "\x0e\x00\x02",
		"a span that is one":            "\x0a\x00\x01\x02\x00",
		"a span that is none":           "\x0a\x00\x00\x02\x00",
		"a span from before the first":  "\x0a\x00\x03\x02\x00",
		"an increment that is not seen": "\x0e\x02\x02\x00",
		"a place beyond":                "\x1e\x00\x02\x00",
		"the same place":                "\x06\x00\x02\x00",
		"an unknown form":               "\x0f\x00\x02\x00",
	} {
		require.ErrorIs(t, c.UnmarshalBinary([]byte(head+tail)), crdt.ErrDamaged, name)
		require.True(t, c.Equal(&a), name)
	}
}

func TestContextRefusesSums(t *testing.T) {
	const past = "\x03\x01\x01\x01a\x14"
	for name, sums := range map[string]string{
		"none":                    "",
		"an empty list":           "\x00",
		"spans of none":           "\x01",
		"not covered":             "\x03\x08\x01\x02",
		"not covered, no span":    "\x03\x0a\x02",
		"a number too large":      "\x02\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02",
		"an incarnation too late": "\x02\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02",
		"a span too large":        "\x03\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02",
		"spans of one each":       "\x05\x00\x00\x02\x00\x00\x02",
		"bytes after the sums":    "\x03\x00\x04\x02\x00",
		"a sum that is not there": "\x05\x00\x04\x02",
		"more than there can be":  "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x04\x02",
	} {
		var c crdt.Context
		require.Error(t, c.UnmarshalBinary([]byte(past+sums)), name)
		require.True(t, c.IsZero())
	}
	for name, p := range map[string]string{
		"sums that are there and left out": "\x03\x03\x01\x01a\x14\x03\x00\x04\x02",
		"an unknown part":                  "\x03\x10\x00",
		"no keys":                          "\x03\x04\x00\x00",
		"keys that do not ascend":          "\x03\x04\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00",
		"a key without a hash":             "\x03\x04\x01\x00\x00\x00\x00\x00",
		"an object without a hash":         "\x03\x08\x00\x00\x00\x00\x00",
		"a version before this":            "\x02\x00",
	} {
		require.Error(t, new(crdt.Context).UnmarshalBinary([]byte(p)), name)
	}
	var c crdt.Context
	require.NoError(t, c.UnmarshalBinary([]byte(past+"\x05\x00\x01\x02\x00\x02\x04")))
}

// Nothing wraps, and nothing claims to be exact that is not.
func TestPNCounterSaturates(t *testing.T) {
	value := func(c *crdt.PNCounter, want int64, wantExact bool) {
		t.Helper()
		n, exact := c.Total()
		require.Equal(t, want, n)
		require.Equal(t, wantExact, exact)
	}
	var c crdt.PNCounter
	c.Add("us", math.MaxInt64-1)
	value(&c, math.MaxInt64-1, true)
	c.Add("eu", 5)
	value(&c, math.MaxInt64, false)
	c.Add("ap", -5)
	value(&c, math.MaxInt64-1, true)
	c.Add("us", 2)
	value(&c, math.MaxInt64, false)
	c.Add("us", -7)
	value(&c, math.MaxInt64, false)
	value(c.Clone(), math.MaxInt64, false)
	c.Reset("eu")
	value(&c, 0, true)
	value(c.Add("us", 1), 1, true)

	var low crdt.PNCounter
	low.Add("us", math.MinInt64)
	value(&low, math.MinInt64, false)
	low.Add("us", -1)
	low.Add("us", 1)
	value(&low, math.MinInt64, false)
}

// What is in a map is for reading, and harmless outside.
func TestPNCounterInMapIsForReading(t *testing.T) {
	var m, peer counters
	countAt(&m, "us", "k", 3)
	countAt(&m, "us", "l", 4)
	peer.Merge(&m)
	view, _ := m.At("k")
	theirs, _ := peer.At("k")
	require.Panics(t, func() { view.Add("us", 1) })
	require.Panics(t, func() { view.Reset("us") })
	require.Panics(t, func() { _, _ = view.ResetSeen("us", m.Context()) })
	require.Panics(t, func() { view.Merge(theirs) })
	require.Panics(t, func() { new(crdt.PNCounter).Merge(view) })
	require.Panics(t, func() { view.Compact(crdt.Context{}) })
	require.Panics(t, func() { _, _ = view.MergeBinary(nil) })

	alone := view.Clone()
	n, _ := alone.Total()
	require.Equal(t, int64(3), n)
	require.True(t, alone.Equal(view))
	var other crdt.PNCounter
	other.Add("eu", 1)
	other.Merge(alone)
	n, _ = other.Total()
	require.Equal(t, int64(4), n)

	m.Delete("us", "k")
	require.Panics(t, func() { view.Add("us", 1) })
	n, _ = valueAt(&m, "l")
	require.Equal(t, int64(4), n)
}

func TestPNCounterVerify(t *testing.T) {
	var us, lost crdt.PNCounter
	us.Add("us", 3)
	require.NoError(t, us.Verify(us.Clone()))
	lost.Add("us", 4)
	require.EqualError(t, us.Verify(&lost),
		"crdt: dot us:1 stands for two changes, an increment to 3 here and an increment to 4 there: its replica's name is used by two lineages")
	require.Equal(t, uint64(1), us.LastOf("us"))
}

// A delta that nobody looks at is free.
func TestPNCounterAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters keep Add from being inlined")
	}
	var x, y crdt.PNCounter
	delta := x.Add("us", 1)
	x.Add("eu", 1)
	y.Merge(&x)
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

// goldenPNCounter returns a counter with a replica in each form.
func goldenPNCounter() *crdt.PNCounter {
	var us, eu crdt.PNCounter
	us.Add("us", 300)
	us.Add("ap", -7)
	eu.Merge(&us)
	us.Add("us", 40)
	eu.Add("eu", 1)
	eu.Reset("eu")
	eu.Add("eu", 5)
	us.Merge(&eu)
	return &us
}

func TestCausalGolden(t *testing.T) {
	golden(t, "pncounter", goldenPNCounter(), new(crdt.PNCounter))
	golden(t, "pncounter_empty", new(crdt.PNCounter), new(crdt.PNCounter))
	golden(t, "ewflag", goldenEWFlag(), new(crdt.EWFlag))
	golden(t, "dwflag", goldenDWFlag(), new(crdt.DWFlag))
	golden(t, "mvregister", goldenMVRegister("blue", "red"), new(crdt.MVRegister[string]))
	golden(t, "mvregister_json", goldenMVRegister(map[string]int{"a": 1}, nil), new(crdt.MVRegister[map[string]int]))

	var m counters
	countAt(&m, "us", "k", 3)
	m.Delete("eu", "k")
	countAt(&m, "eu", "l", 4)
	golden(t, "ormap_pncounter", &m, new(counters))
}

func goldenEWFlag() *crdt.EWFlag {
	var us, eu crdt.EWFlag
	us.Enable("us")
	eu.Enable("eu")
	eu.Disable("eu")
	eu.Enable("eu")
	us.Merge(&eu)
	return &us
}

func goldenDWFlag() *crdt.DWFlag {
	var us, eu crdt.DWFlag
	us.Enable("us")
	eu.Enable("eu")
	eu.Disable("eu")
	us.Merge(&eu)
	return &us
}

func goldenMVRegister[V any](v, w V) *crdt.MVRegister[V] {
	var us, eu crdt.MVRegister[V]
	_, _ = us.Set("us", v)
	_, _ = eu.Set("eu", v)
	_, _ = eu.Set("eu", w)
	us.Merge(&eu)
	return &us
}

// TestPNCounterResetSeenLater has a client that was shown a later sum than the
// state that it resets, by a delta that overtook others: it saw everything there.
func TestPNCounterResetSeenLater(t *testing.T) {
	var x, behind, ahead crdt.PNCounter
	behind.Merge(x.Add("eu", 1))
	x.Add("eu", 2)
	ahead.Merge(x.Add("eu", 4)) // tells the sum of all three, the first dots are missing
	_, _ = behind.ResetSeen("ap", ahead.Context())
	n, _ := behind.Total()
	require.Zero(t, n)
	behind.Merge(&x)
	n, _ = behind.Total()
	require.Equal(t, int64(6), n)
}

// TestPNCounterRefusesJSON decodes items that lack a member of their form, have one of
// the other, or null for one, none of which may count as 0.
func TestPNCounterRefusesJSON(t *testing.T) {
	for _, state := range []string{
		`null`, `[null]`, `[{}]`,
		`[{"replica":"a","after":"0","last":"1"}]`,
		`[{"replica":"a","last":"1","sum":"4"}]`,
		`[{"replica":"a","after":"0","last":"1","sum":null}]`,
		`[{"replica":"a","after":null,"last":"1","sum":"4"}]`,
		`[{"Replica":"a","after":"0","last":"1","sum":"4"}]`,
		`[{"replica":"a","after":"0","last":"1","sum":"3","sum":"4"}]`,
		`[{"replica":"a","after":"0","last":"2","sum":"4","undoneTo":"1"}]`,
		`[{"replica":"a","after":"0","last":"2","sum":"4","undoneTo":"1","undone":null}]`,
		`[{"replica":"a","after":"0","last":"2","sum":"4","reset":null}]`,
		`[{"replica":"a","after":"0","last":"2","sum":"4","undoneTo":"0","undone":"0"}]`,
		`[{"replica":"a","after":"0","undoneTo":"1","undone":"3"}]`,
		`[{"replica":"a","undoneTo":"1","undone":"3","reset":"a:2"}]`,
		`[{"replica":"a","after":"1","undoneTo":"1","undone":"3","reset":"a:2"}]`,
		`[{"replica":"a","after":"1","last":"1","sum":"4"}]`,
		`[{"replica":"a","after":"18446744073709551615","last":"1","sum":"4"}]`,
		`[{"replica":"a","after":"0","undoneTo":"1","reset":"a:2"}]`,
		`[{"replica":"a","after":null,"undoneTo":"1","undone":"3","reset":"a:2"}]`,
	} {
		var c crdt.PNCounter
		c.Add("b", 7)
		before := c.Clone()
		err := c.UnmarshalJSON([]byte(`{"type":"PNCounter","context":{"a":"1-2"},"state":` + state + `}`))
		require.ErrorContains(t, err, "crdt: decode PNCounter from JSON: ", state)
		require.True(t, c.Equal(before), state)
	}
}

// TestDotsRefuseNull decodes null where a list of dots should be.
func TestDotsRefuseNull(t *testing.T) {
	require.Error(t, new(crdt.EWFlag).UnmarshalJSON([]byte(`{"type":"EWFlag","context":{"a":"1"},"state":null}`)))
	require.Error(t, new(crdt.DWFlag).UnmarshalJSON([]byte(`{"type":"DWFlag","context":{"a":"1"},"state":{"enabled":null,"disabled":["a:1"]}}`)))
	require.Error(t, new(crdt.RWSet[string]).UnmarshalJSON(
		[]byte(`{"type":"RWSet","context":{"a":"1"},"state":[{"element":"x","dots":["a:1"],"removed":null}]}`),
	))
}

// TestPNCounterRefusesTallies: what no counter says of itself, and why.
func TestPNCounterRefusesTallies(t *testing.T) {
	var c crdt.PNCounter
	c.Add("us", 1)
	refusesJSON(t, &c, "PNCounter", []refusal{
		{`[{"replica":"a","after":"0","last":"281474976710656","sum":"4"}]`, "an increment is not in the range of numbers"},
		{`[{"replica":"a","after":"0","undoneTo":"281474976710656","undone":"4","reset":"a:2"}]`, "an increment is not in the range of numbers"},
		{`[{"replica":"a","after":"0","last":"0","sum":"0"}]`, "an increment is not in the range of numbers"},
		{`[{"replica":"a","after":"0","last":"2","sum":"4","undoneTo":"0","undone":"0","reset":"a:2"}]`, "something was undone without a reset"},
		{`[{"replica":"a","after":"0","last":"4","sum":"4"}]`, "an increment is not in the context"},
		{`[{"replica":"a","after":"0","undoneTo":"4","undone":"4","reset":"a:2"}]`, "an increment is not in the context"},
		{`[{"replica":"a","after":"2","last":"2","sum":"4"}]`, "a sum includes no increment"},
		{`[{"replica":"a","after":"3","last":"2","sum":"4"}]`, "a sum includes no increment"},
		{`[{"replica":"a","after":"2","undoneTo":"2","undone":"4","reset":"a:3"}]`, "a sum includes no increment"},
		{`[{"replica":"a","after":"1","last":"3","sum":"4","undoneTo":"1","undone":"4","reset":"a:2"}]`, "what was undone is not a part of the sum"},
		{`[{"replica":"a","after":"1","last":"3","sum":"4","undoneTo":"3","undone":"4","reset":"a:2"}]`, "what was undone is not a part of the sum"},
		{`[{"replica":"a","after":"0","last":"1","sum":"4"},{"replica":"a","after":"1","last":"2","sum":"4"}]`, `replica "a" appears twice`},
		{`[{"replica":"b","after":"0","last":"1","sum":"4"}]`, `replica "b" is not in the context`},
		{`[{"replica":1,"after":"0","last":"1","sum":"4"}]`, "item 0: "},
		{`[{"replica":"a","after":"0","last":"1","sum":"04"}]`, `"04" is not a decimal 64-bit integer`},
		{`[{"replica":"a","after":"0","last":"1","sum":"9223372036854775808"}]`, "is not a decimal 64-bit integer"},
		{`[{"replica":"a","after":"-1","last":"1","sum":"4"}]`, `"-1" is not a decimal unsigned 64-bit integer`},
	})
}

// TestForgedTalliesAgree: two states that say different things of one replica agree when
// each has merged the other, and on what every program that reads this format does.
func TestForgedTalliesAgree(t *testing.T) {
	of := func(state string) *crdt.PNCounter {
		var c crdt.PNCounter
		require.NoError(t, c.UnmarshalJSON([]byte(`{"type":"PNCounter","context":{"a":"1-9","b":"1-9"},"state":[`+state+`]}`)))
		return &c
	}
	for name, pair := range map[string][2]string{
		"from later on":         {`{"replica":"a","after":"2","last":"5","sum":"3"}`, `{"replica":"a","after":"1","last":"5","sum":"4"}`},
		"of more":               {`{"replica":"a","after":"1","last":"5","sum":"4"}`, `{"replica":"a","after":"1","last":"5","sum":"3"}`},
		"undone from later on":  {`{"replica":"a","after":"2","undoneTo":"5","undone":"3","reset":"b:2"}`, `{"replica":"a","after":"1","undoneTo":"5","undone":"3","reset":"b:2"}`},
		"undone of more":        {`{"replica":"a","after":"1","undoneTo":"5","undone":"4","reset":"b:2"}`, `{"replica":"a","after":"2","undoneTo":"5","undone":"3","reset":"b:2"}`},
		"undone, and as before": {`{"replica":"a","after":"1","undoneTo":"5","undone":"4","reset":"b:2"}`, `{"replica":"a","after":"1","undoneTo":"5","undone":"4","reset":"b:2"}`},
	} {
		x, y, want := of(pair[0]), of(pair[1]), of(pair[0])
		x.Merge(y)
		y.Merge(want)
		require.True(t, x.Equal(want), name)
		require.True(t, y.Equal(want), name)
	}
}
