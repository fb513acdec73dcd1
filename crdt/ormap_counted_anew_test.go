package crdt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestORMapCountedAnew: a counter of 10 is deleted and counted anew by 1. In other
// libraries a peer then reads 1, 10 or 11, depending on who counts and on whether
// it gets the two deltas or the whole state; see findings/pekko-deleted-counter.sh.
func TestORMapCountedAnew(t *testing.T) {
	type counters = crdt.ORMap[string, *crdt.PNCounter]
	add := func(m *counters, r vclock.Replica, n int64) *counters {
		return m.Update(r, "k", func(c *crdt.PNCounter) { c.Add(r, n) })
	}
	for _, who := range []vclock.Replica{"a", "b"} {
		for name, deliver := range map[string]func(peer, whole, removed, counted *counters){
			"the deltas":              func(p, _, removed, counted *counters) { p.Merge(removed); p.Merge(counted) },
			"the deltas in reverse":   func(p, _, removed, counted *counters) { p.Merge(counted); p.Merge(removed) },
			"the deltas as one":       func(p, _, removed, counted *counters) { removed.Merge(counted); p.Merge(removed) },
			"the state":               func(p, whole, _, _ *counters) { p.Merge(whole) },
			"the state, then a delta": func(p, whole, removed, _ *counters) { p.Merge(whole); p.Merge(removed) },
			"a delta, then the state": func(p, whole, _, counted *counters) { p.Merge(counted); p.Merge(whole) },
			"the state in the other's": func(p, whole, _, _ *counters) {
				o := whole.Clone()
				o.Merge(p)
				_ = p.UnmarshalBinary(must(o.MarshalBinary()))
			},
		} {
			t.Run(string(who)+", "+name, func(t *testing.T) {
				var m counters
				add(&m, "a", 10)
				peer := m.Clone()
				removed := m.Delete("a", "k")
				counted := add(&m, who, 1)
				deliver(peer, &m, removed, counted)

				c, ok := peer.At("k")
				require.True(t, ok)
				n, exact := c.Total()
				require.True(t, exact)
				require.EqualValues(t, 1, n)
				require.True(t, peer.Equal(&m))
			})
		}
	}
}
