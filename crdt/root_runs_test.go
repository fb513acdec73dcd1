package crdt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// TestRunsAbsorb: what closes hundreds of gaps in what was seen leaves those behind it, in whatever
// order it arrives.
func TestRunsAbsorb(t *testing.T) {
	const all = 4000
	var writer crdt.ORSet[int]
	deltas := make([]*crdt.ORSet[int], all)
	for i := range deltas {
		deltas[i] = writer.Add("eu", i)
	}
	merged := func(order ...[]*crdt.ORSet[int]) *crdt.ORSet[int] {
		x := new(crdt.ORSet[int])
		for _, ds := range order {
			for _, d := range ds {
				x.Merge(d)
			}
		}
		return x
	}
	var gaps []*crdt.ORSet[int]
	for i := 2; i < all; i += 2 {
		gaps = append(gaps, deltas[i])
	}
	for _, to := range []int{400, 900, 2400, all} {
		block := []*crdt.ORSet[int]{merged(deltas[300:to])}
		first, last := merged(block, gaps), merged(gaps, block)
		require.True(t, first.Equal(last), "up to %d", to)
		require.Equal(t, encoded(t, first), encoded(t, last))
		for i := range all {
			has := i >= 300 && i < to || i >= 2 && i%2 == 0
			require.Equal(t, has, last.Contains(i), "%d of those up to %d", i, to)
			require.Equal(t, has, last.HasSeen(deltas[i].Context()), "%d of those up to %d", i, to)
		}
	}
	backwards := slices.Clone(deltas)
	slices.Reverse(backwards)
	require.True(t, merged(gaps, backwards).Equal(&writer))
}
