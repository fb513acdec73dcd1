package vclock_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/vclock"
)

// A history is the set of events that a clock stands for, one by one: the
// model for Clock.
type history map[vclock.Dot]bool

func historyOf(c vclock.Clock) history {
	h := history{}
	for r, n := range c.All() {
		for seq := range n {
			h[vclock.Dot{Replica: r, Seq: seq + 1}] = true
		}
	}
	return h
}

func (h history) has(o history) bool {
	for d := range o {
		if !h[d] {
			return false
		}
	}
	return true
}

func (h history) compare(o history) vclock.Order {
	switch more, less := h.has(o), o.has(h); {
	case more && less:
		return vclock.Equal
	case more:
		return vclock.After
	case less:
		return vclock.Before
	}
	return vclock.Concurrent
}

func (h history) union(o history) history {
	u := history{}
	for _, h := range []history{h, o} {
		for d := range h {
			u[d] = true
		}
	}
	return u
}

func (h history) intersection(o history) history {
	u := history{}
	for d := range h {
		if o[d] {
			u[d] = true
		}
	}
	return u
}

// smallClocks returns the clocks over three replicas that have no entry, one
// that was set to 0, one of 1 or one of 2: 64 ways to make 27 clocks.
func smallClocks() []vclock.Clock {
	clocks := []vclock.Clock{{}}
	for _, r := range []vclock.Replica{"ap", "eu", "us"} {
		var next []vclock.Clock
		for _, c := range clocks {
			next = append(next, c, c.With(r, 2).With(r, 0), c.With(r, 1), c.Tick(r).Tick(r))
		}
		clocks = next
	}
	return clocks
}

func TestClockExhaustively(t *testing.T) {
	clocks := smallClocks()
	pairs := 0
	for _, c := range clocks {
		for _, d := range clocks {
			pairs++
			hc, hd := historyOf(c), historyOf(d)
			want := hc.compare(hd)
			require.Equal(t, want, c.Compare(d), "%v and %v", c, d)
			require.Equal(t, want == vclock.Equal, c.Equal(d), "%v and %v", c, d)
			require.Equal(t, want == vclock.Equal || want == vclock.After, c.Covers(d), "%v and %v", c, d)
			require.Equal(t, want == vclock.Equal, c.String() == d.String(), "%v and %v", c, d)
			require.Equal(t, hc.union(hd), historyOf(c.Join(d)), "%v and %v", c, d)
			require.Equal(t, hc.intersection(hd), historyOf(c.Meet(d)), "%v and %v", c, d)
		}
	}
	require.Equal(t, 4096, pairs)
}

// clocks draws from few replicas and numbers, so that every relation is
// likely, and from awkward names and the largest numbers.
var clocks = rapid.Custom(func(t *rapid.T) vclock.Clock {
	replica := rapid.SampledFrom(awkward[:5])
	if rapid.Bool().Draw(t, "awkward") {
		replica = rapid.SampledFrom(awkward)
	}
	number := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(math.MaxUint64-1, math.MaxUint64), rapid.Uint64())
	var c vclock.Clock
	for range rapid.IntRange(0, 8).Draw(t, "entries") {
		c = c.With(replica.Draw(t, "replica"), number.Draw(t, "number"))
	}
	return c
})

func TestClockLattice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := clocks.Draw(t, "a"), clocks.Draw(t, "b"), clocks.Draw(t, "c")
		same := func(law string, x, y vclock.Clock) {
			require.True(t, x.Equal(y), "%s: %v and %v", law, x, y)
			require.Equal(t, x, y, "%s: one form per clock", law)
		}
		same("join commutes", a.Join(b), b.Join(a))
		same("join associates", a.Join(b).Join(c), a.Join(b.Join(c)))
		same("join is idempotent", a.Join(a), a)
		same("meet commutes", a.Meet(b), b.Meet(a))
		same("meet associates", a.Meet(b).Meet(c), a.Meet(b.Meet(c)))
		same("meet is idempotent", a.Meet(a), a)
		same("join absorbs meet", a.Join(a.Meet(b)), a)
		same("meet absorbs join", a.Meet(a.Join(b)), a)
		same("meet distributes", a.Meet(b.Join(c)), a.Meet(b).Join(a.Meet(c)))
		same("the empty clock is least", a.Join(vclock.Clock{}), a)

		require.True(t, a.Join(b).Covers(a))
		require.True(t, a.Covers(a.Meet(b)))
		require.Equal(t, a.Covers(b), a.Join(b).Equal(a), "%v and %v", a, b)
		reverse := map[vclock.Order]vclock.Order{
			vclock.Equal: vclock.Equal, vclock.Before: vclock.After,
			vclock.After: vclock.Before, vclock.Concurrent: vclock.Concurrent,
		}
		require.Equal(t, reverse[a.Compare(b)], b.Compare(a))
		if a.Covers(b) && b.Covers(c) {
			require.True(t, a.Covers(c), "covers is transitive")
		}
	})
}

// TestClockAgainstMap checks the numbers of clocks with awkward names and
// large numbers, which the model of single events has no room for.
func TestClockAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c vclock.Clock
		model := map[vclock.Replica]uint64{}
		replica := rapid.SampledFrom(awkward)
		t.Repeat(map[string]func(*rapid.T){
			"tick": func(t *rapid.T) {
				r := replica.Draw(t, "replica")
				c = c.Tick(r)
				if model[r] < math.MaxUint64 {
					model[r]++
				}
			},
			"with": func(t *rapid.T) {
				r := replica.Draw(t, "replica")
				n := rapid.OneOf(rapid.Uint64Range(0, 2), rapid.Just[uint64](math.MaxUint64)).Draw(t, "number")
				c, model[r] = c.With(r, n), n
			},
			"without": func(t *rapid.T) {
				gone := rapid.SliceOfN(replica, 0, 3).Draw(t, "replicas")
				c = c.Without(gone...)
				for _, r := range gone {
					delete(model, r)
				}
			},
			"": func(t *rapid.T) {
				var names []vclock.Replica
				for r, n := range c.All() {
					names = append(names, r)
					require.NotZero(t, n)
				}
				require.True(t, slices.IsSorted(names))
				require.Len(t, names, c.Len())
				require.Equal(t, c.IsZero(), len(names) == 0)
				for _, r := range awkward {
					require.Equal(t, model[r], c.At(r))
					require.Equal(t, model[r] > 0, c.Contains(vclock.Dot{Replica: r, Seq: max(model[r], 1)}))
					require.False(t, c.Contains(vclock.Dot{Replica: r, Seq: model[r] + 1}), "one more, or 0 after the largest number")
				}
				require.Equal(t, c, vclock.Collect(c.All()))
			},
		})
	})
}

func TestClockIsImmutable(t *testing.T) {
	c := vclock.Clock{}.With("eu", 4).With("us", 7)
	d := c.With("eu", 5)
	for _, f := range []func() vclock.Clock{
		func() vclock.Clock { return c.Tick("eu") },
		func() vclock.Clock { return c.Tick("ap") },
		func() vclock.Clock { return c.With("us", 9) },
		func() vclock.Clock { return c.Without("eu") },
		func() vclock.Clock { return c.Join(d.With("us", 1)) },
		func() vclock.Clock { return c.Meet(d.With("us", 1)) },
	} {
		first := f().String()
		f().Tick("eu").Tick("us").With("zz", 1)
		require.Equal(t, first, f().String())
		require.Equal(t, "eu:4,us:7", c.String())
		require.Equal(t, "eu:5,us:7", d.String())
	}
}

func TestClockAtTheEndOfNumbers(t *testing.T) {
	c := vclock.Clock{}.With("eu", math.MaxUint64)
	require.Equal(t, vclock.Equal, c.Tick("eu").Compare(c))
	require.True(t, c.Contains(vclock.Dot{Replica: "eu", Seq: math.MaxUint64}))
	require.False(t, c.Contains(vclock.Dot{Replica: "eu"}))
}

func TestClockPanicsOnInvalidReplica(t *testing.T) {
	c := vclock.Clock{}.With("eu", 1)
	for name, f := range map[string]func(){
		"Tick":          func() { c.Tick("") },
		"With":          func() { c.With("\xff", 1) },
		"With 0":        func() { c.With("", 0) },
		"Collect":       func() { vclock.Collect(func(yield func(vclock.Replica, uint64) bool) { yield("", 1) }) },
		"Collect zeros": func() { vclock.Collect(func(yield func(vclock.Replica, uint64) bool) { yield("", 0) }) },
	} {
		t.Run(name, func(t *testing.T) {
			require.Panics(t, f)
		})
	}
	require.PanicsWithValue(t, `vclock: invalid replica ""`, func() { c.Tick("") })
}

func TestClockAllStops(t *testing.T) {
	c := vclock.Clock{}.With("eu", 1).With("us", 1)
	for r := range c.All() {
		require.Equal(t, vclock.Replica("eu"), r)
		break
	}
}

// eight returns a clock of eight replicas with names of its own memory.
func eight(add uint64) vclock.Clock {
	var c vclock.Clock
	for i := range uint64(8) {
		c = c.With(vclock.Replica("region-"+strconv.FormatUint(i, 10)), 1000*i+add)
	}
	return c
}

func TestClockAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters change what is inlined")
	}
	c, older, other := eight(5), eight(4), eight(4).With("region-3", 9999)
	fewer := older.Without("region-0", "region-7")
	buf := make([]byte, 0, 256)
	tests := []struct {
		name string
		f    func()
		want float64
	}{
		{"At", func() { _ = c.At("region-7") }, 0},
		{"Compare", func() { _ = c.Compare(other) }, 0},
		{"Equal", func() { _ = c.Equal(other) }, 0},
		{"All", func() {
			for range c.All() {
			}
		}, 0},
		{"Join with a part", func() { _ = c.Join(older) }, 0},
		{"Join with a part of fewer replicas", func() { _ = c.Join(fewer) }, 0},
		{"Join with the whole", func() { _ = older.Join(c) }, 0},
		{"Meet with a part", func() { _ = c.Meet(older) }, 0},
		{"Join of concurrent clocks with the same names", func() { _ = c.Join(other) }, 1},
		{"Tick", func() { _ = c.Tick("region-7") }, 1},
		{"AppendBinary", func() { _, _ = c.AppendBinary(buf) }, 0},
		{"AppendText", func() { _, _ = c.AppendText(buf) }, 0},
		{"MarshalBinary", func() { _, _ = c.MarshalBinary() }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, testing.AllocsPerRun(100, tt.f))
		})
	}
}

// Two offices count what they did to an order. Who has seen the other's count is
// after it, who has not is beside it.
func TestClockBeforeAfterBeside(t *testing.T) {
	var eu, us vclock.Clock
	eu = eu.Tick("eu").Tick("eu")
	us = eu.Tick("us")
	require.Equal(t, vclock.After, us.Compare(eu))
	require.Equal(t, vclock.Before, eu.Compare(us))

	eu = eu.Tick("eu")
	require.Equal(t, vclock.Concurrent, eu.Compare(us))
	both := eu.Join(us)
	require.Equal(t, "eu:3,us:1", both.String())
	require.Equal(t, vclock.After, both.Compare(eu))
	require.Equal(t, vclock.After, both.Compare(us))
	require.Equal(t, "eu:2", eu.Meet(us).String(), "what both have")
}

// A message came twice, and an older one late. Joining them again changes nothing.
func TestClockLateAndTwice(t *testing.T) {
	older := vclock.Clock{}.With("eu", 3)
	newer := older.With("eu", 5).With("us", 1)
	var seen vclock.Clock
	for _, message := range []vclock.Clock{newer, older, newer, older, {}} {
		seen = seen.Join(message)
		require.True(t, seen.Equal(newer))
	}
}

// Of a replica that nobody heard of there are no events, which is the same as having
// been told of none.
func TestClockOfTheUnheard(t *testing.T) {
	c := vclock.Clock{}.With("eu", 2)
	require.Zero(t, c.At("us"))
	require.True(t, c.Equal(c.With("us", 0)))
	require.True(t, c.Covers(vclock.Clock{}))
	require.Equal(t, vclock.Equal, vclock.Clock{}.Compare(vclock.Clock{}.With("us", 0)))
	require.False(t, c.Contains(vclock.Dot{Replica: "us", Seq: 1}))
	require.True(t, c.Contains(vclock.Dot{Replica: "eu", Seq: 2}))
	require.False(t, c.Contains(vclock.Dot{Replica: "eu", Seq: 3}))
}

// A server is restored from the backup of last night. Under its old name it would give
// the number of a lost event to a new one, and a peer would take the new for the old;
// as another incarnation it cannot.
func TestClockAfterARestore(t *testing.T) {
	backup := vclock.Clock{}.Tick("eu")
	peer := backup.Tick("eu")

	again := backup.Tick("eu")
	require.Equal(t, vclock.Equal, again.Compare(peer), "two histories, and one clock")
	anew := backup.Tick(vclock.Incarnation("eu", 1))
	require.Equal(t, vclock.Concurrent, anew.Compare(peer))
}

// An office is closed, and its entry is taken out of what travels. Who still has it is
// after those who have not, and not beside them.
func TestClockWithoutAnOffice(t *testing.T) {
	all := vclock.Clock{}.With("ap", 4).With("eu", 2).With("us", 7)
	fewer := all.Without("ap", "zz")
	require.Equal(t, "eu:2,us:7", fewer.String())
	require.Equal(t, vclock.After, all.Compare(fewer))
	require.Equal(t, vclock.Concurrent, fewer.Tick("eu").Compare(all))
	require.True(t, all.Equal(fewer.With("ap", 4)))
}
