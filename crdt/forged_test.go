package crdt_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// forgedTallies returns the JSON of everything that may be said of one replica
// with numbers up to 3, most of which no history leads to.
func forgedTallies(replica string) []string {
	all := []string{""}
	for last := 1; last <= 3; last++ {
		for after := range last {
			head := fmt.Sprintf(`{"replica":%q,"after":"%d","last":"%d","sum":"%d"`, replica, after, last, 1<<last)
			all = append(all, head+"}")
			for upto := after + 1; upto < last; upto++ {
				for _, by := range []string{"p:1", "p:3", "q:2", "q:3"} {
					all = append(all, fmt.Sprintf(`%s,"undoneTo":"%d","undone":"%d","reset":%q}`, head, upto, 1<<upto, by))
				}
			}
		}
		for _, by := range []string{"p:1", "p:3", "q:2", "q:3"} {
			for after := range last {
				all = append(all, fmt.Sprintf(`{"replica":%q,"after":"%d","undoneTo":"%d","undone":"%d","reset":%q}`, replica, after, last, 1<<last, by))
			}
		}
	}
	return all
}

// listed returns the JSON of a list of those items that are not empty.
func listed(items ...string) string {
	var some []string
	for _, it := range items {
		if it != "" {
			some = append(some, it)
		}
	}
	return "[" + strings.Join(some, ",") + "]"
}

var forgedContexts = []string{
	`{"p":"1-3","q":"1-3"}`, `{"p":"1-3","q":"2"}`, `{"p":"3","q":"1-3"}`, `{"p":"1-2","q":"1,3"}`, `{"q":"1-3"}`,
}

// forgedCounters returns all counters that are accepted of what forgedTallies
// has to say of two replicas.
func forgedCounters(t *testing.T) []*crdt.PNCounter {
	t.Helper()
	var all []*crdt.PNCounter
	for _, seen := range forgedContexts {
		for _, p := range forgedTallies("p") {
			for _, q := range forgedTallies("q") {
				c := new(crdt.PNCounter)
				if c.UnmarshalJSON(fmt.Appendf(nil, `{"type":"PNCounter","context":%s,"state":%s}`, seen, listed(p, q))) == nil {
					all = append(all, c)
				}
			}
		}
	}
	require.Greater(t, len(all), 1000)
	return all
}

// requireLaws changes copies of x and requires that the delta does the same
// elsewhere, and that the state can be read back.
func requireLaws[S interface {
	crdt.State[S]
	MarshalBinary() ([]byte, error)
	MarshalJSON() ([]byte, error)
	UnmarshalBinary(data []byte) error
}](t *testing.T, x, into S, changes ...func(S) S,
) {
	t.Helper()
	for i, change := range changes {
		y, z := x.Clone(), x.Clone()
		delta := change(y)
		z.Merge(delta)
		if !z.Equal(y) {
			require.Fail(t, "a delta does not do what the change did", "change %d of %s\n leads to %s\nthe delta %s\n leads to %s",
				i, jsonOf(t, x), jsonOf(t, y), jsonOf(t, delta), jsonOf(t, z))
		}
		if err := into.UnmarshalBinary(encoded(t, y)); err != nil {
			require.NoError(t, err, "change %d of %s\nleads to %s", i, jsonOf(t, x), jsonOf(t, y))
		}
	}
}

func jsonOf(t *testing.T, s interface{ MarshalJSON() ([]byte, error) }) string {
	t.Helper()
	p, err := s.MarshalJSON()
	require.NoError(t, err)
	return string(p)
}

// TestPNCounterForged has counters that no history leads to, and that pass for
// states: whatever they say, deltas do what changes do, and what is made of them
// can be read back.
func TestPNCounterForged(t *testing.T) {
	all := forgedCounters(t)
	random := rand.New(rand.NewPCG(1, 1))
	other := func() *crdt.PNCounter { return all[random.IntN(len(all))] }
	for _, x := range all {
		seen := other().Context()
		requireLaws(t, x, new(crdt.PNCounter),
			func(c *crdt.PNCounter) *crdt.PNCounter { return c.Add("p", 1) },
			func(c *crdt.PNCounter) *crdt.PNCounter { return c.Reset("p") },
			func(c *crdt.PNCounter) *crdt.PNCounter { return c.Reset("r") },
			func(c *crdt.PNCounter) *crdt.PNCounter { return must(c.ResetSeen("q", seen)) },
		)
		for range 8 {
			y := other()
			a, b := x.Clone(), y.Clone()
			a.Merge(y)
			b.Merge(x)
			require.True(t, a.Equal(b), "%s\n%s", jsonOf(t, x), jsonOf(t, y))
			require.False(t, a.Merge(y))
			requireLaws(t, a, new(crdt.PNCounter), func(c *crdt.PNCounter) *crdt.PNCounter { return c.Reset("r") })
		}
	}
}

// TestCountersInMapForged does the same with two counters in a map.
func TestCountersInMapForged(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2, 2))
	ps, qs := forgedTallies("p"), forgedTallies("q")
	want := 5000
	if deeper() < 0 {
		want = 500
	}
	var all []*counters
	for len(all) < want {
		var entries [2]string
		for i, key := range []string{"k", "l"} {
			if at := listed(ps[random.IntN(len(ps))], qs[random.IntN(len(qs))]); at != "[]" {
				entries[i] = fmt.Sprintf(`{"key":%q,"value":%s}`, key, at)
			}
		}
		m := new(counters)
		seen := forgedContexts[random.IntN(len(forgedContexts))]
		if m.UnmarshalJSON(fmt.Appendf(nil, `{"type":"ORMap/PNCounter","context":%s,"state":%s}`, seen, listed(entries[:]...))) == nil {
			all = append(all, m)
		}
	}
	for i, x := range all {
		y := all[random.IntN(len(all))]
		c, _ := y.At("l")
		seen := y.Context()
		if c != nil {
			seen = c.Context()
		}
		changes := []func(*counters) *counters{
			func(m *counters) *counters { return countAt(m, "p", "k", 1) },
			func(m *counters) *counters { return m.Delete("r", "k") },
			func(m *counters) *counters { return must(m.DeleteSeen("q", seen, "l")) },
			func(m *counters) *counters {
				return m.Update("q", "k", func(c *crdt.PNCounter) { c.Reset("q"); c.Add("q", 1) })
			},
		}
		requireLaws(t, x, new(counters), changes...)
		a, b := x.Clone(), y.Clone()
		a.Merge(y)
		b.Merge(x)
		require.True(t, a.Equal(b), "%d:\n%s\n%s", i, jsonOf(t, x), jsonOf(t, y))
		require.False(t, a.Merge(y))
		requireLaws(t, a, new(counters), changes...)
	}
}

// TestResetOfTwoSums: of two resets that say other sums of one number, as two processes under
// one name can lead to, the larger sum stands, wherever they meet.
func TestResetOfTwoSums(t *testing.T) {
	read := func(undone, after string) *crdt.PNCounter {
		c := new(crdt.PNCounter)
		require.NoError(t, c.UnmarshalJSON(fmt.Appendf(nil, `{"type":"PNCounter","context":{"p":"1-3","q":"1"},"state":[
			{"replica":"p","after":%q,"last":"3","sum":"13","undoneTo":"2","undone":%q,"reset":"q:1"}]}`, after, undone)))
		return c
	}
	for _, c := range []struct {
		x, y *crdt.PNCounter
		want int64
	}{
		{read("3", "0"), read("5", "0"), 8},
		{read("3", "1"), read("5", "0"), 8},
		{read("5", "1"), read("5", "0"), 8},
	} {
		a, b := c.x.Clone(), c.y.Clone()
		a.Merge(c.y)
		b.Merge(c.x)
		n, _ := a.Total()
		require.Equal(t, c.want, n)
		require.Equal(t, encoded(t, a), encoded(t, b))
	}
}
