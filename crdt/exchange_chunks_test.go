package crdt_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

type chunked[V any] interface {
	exchanging[V]
	Chunks(size int) iter.Seq[V]
	MarshalBinary() ([]byte, error)
}

// checkChunks cuts s at several sizes, and requires that the chunks, in any order and
// some of them twice, are s again, that each is below s, and that none is too large.
func checkChunks[V chunked[V]](t *testing.T, s, fresh V, least int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	whole := size(t, s)
	for _, limit := range []int{0, least, whole / 7, whole / 2, whole, 2 * whole} {
		all := slices.Collect(s.Chunks(limit))
		if limit >= whole {
			require.Len(t, all, 1)
		}
		all = append(all, all[rng.IntN(len(all))])
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		got := fresh.Clone()
		for _, c := range all {
			require.False(t, s.Clone().Merge(c))
			require.LessOrEqual(t, size(t, c), max(limit, least))
			got.Merge(c)
		}
		require.True(t, got.Equal(s))
	}
	for range s.Chunks(0) {
		break
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	for range (&crdt.ORSet[int]{}).Chunks(1) {
		t.Fatal("a chunk of nothing")
	}
	a, b := pair(2000, 3, 0.3)
	partWays(a, b, 2000, 3, 20, 20)
	a.Merge(b)
	checkChunks(t, a, new(crdt.ORSet[string]), 60)

	var rw crdt.RWSet[int]
	var m crdt.ORMap[string, *crdt.PNCounter]
	var tags crdt.ORMap[int, *crdt.ORSet[string]]
	for i := range 300 {
		key := fmt.Sprintf("key-%d", i%40)
		rw.Add("a", i)
		m.Update("a", key, func(c *crdt.PNCounter) { c.Add("a", 3) })
		m.Update("b", key, func(c *crdt.PNCounter) { c.Add("b", -3) })
		tags.Update("a", i%40, func(s *crdt.ORSet[string]) { s.Add("a", key) })
		switch i % 10 {
		case 7:
			rw.Remove("b", i-3)
			m.Update("b", key, func(c *crdt.PNCounter) { c.Reset("b") })
		case 9:
			m.Delete("a", fmt.Sprintf("key-%d", i%7))
			tags.Delete("b", i%7)
		}
	}
	checkChunks(t, &rw, new(crdt.RWSet[int]), 60)
	checkChunks(t, &m, new(crdt.ORMap[string, *crdt.PNCounter]), 80)
	checkChunks(t, &tags, new(crdt.ORMap[int, *crdt.ORSet[string]]), 80)
}
