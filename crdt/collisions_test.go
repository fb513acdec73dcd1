package crdt_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestCollisions adds and removes elements whose hashes collide in the bits that the
// index has, at two replicas that exchange their deltas now and then.
func TestCollisions(t *testing.T) {
	t.Parallel()
	sets := []*crdt.ORSet[int]{new(crdt.ORSet[int]), nil}
	elems := crdt.Colliding(sets[0], 200_000) // about 18 pairs, for any seed
	if len(elems) == 0 {
		t.Skip("no two hashes collide")
	}
	sets[1] = sets[0].Clone() // with the same seed
	names := []vclock.Replica{"a", "b"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		in := map[int]bool{}
		for e := range sets[0].All() {
			in[e] = true
		}
		var deltas []*crdt.ORSet[int]
		i := random.IntN(2)
		for range 40 {
			e := elems[random.IntN(len(elems))]
			if random.IntN(3) > 0 {
				deltas, in[e] = append(deltas, sets[i].Add(names[i], e)), true
			} else {
				deltas = append(deltas, sets[i].Remove(names[i], e))
				delete(in, e)
			}
			require.Equal(t, len(in), sets[i].Len())
			require.Equal(t, in[e], sets[i].Contains(e))
		}
		for _, d := range deltas {
			sets[1-i].Merge(d)
		}
		want := slices.Sorted(maps.Keys(in))
		require.Equal(t, want, slices.Sorted(sets[0].All()))
		require.Equal(t, want, slices.Sorted(sets[1].All()))
		require.Equal(t, encoded(t, sets[0]), encoded(t, sets[1]))
	}
}

// TestReusedPages has a set with many pages, frees them and uses them again. Set
// REJOIN_EXHAUSTIVE to have more than 65536 pages.
func TestReusedPages(t *testing.T) {
	t.Parallel()
	pages := 500
	if deeper() > 0 {
		pages = 70_000
	}
	var s crdt.ORSet[int]
	in := map[int]bool{}
	fill := func(from int) { // one element for each page, and one that is added again and again
		for e := from; e < from+pages; e++ {
			s.Add("eu", e)
			in[e] = true
			for range 127 {
				s.Add("eu", -1)
			}
		}
		in[-1] = true
	}
	check := func() {
		require.Equal(t, len(in), s.Len())
		for e := range s.All() {
			require.True(t, in[e])
		}
		var back crdt.ORSet[int]
		require.NoError(t, back.UnmarshalBinary(encoded(t, &s)))
		require.True(t, back.Equal(&s))
	}
	fill(0)
	check()
	before, had := s.Clone(), crdt.Pages(&s)
	require.GreaterOrEqual(t, had, pages)
	for e := range pages {
		s.Remove("eu", e)
		delete(in, e)
	}
	check()
	fill(pages)
	check()
	require.LessOrEqual(t, crdt.Pages(&s), had+2, "freed pages are used again")
	before.Merge(&s)
	require.True(t, before.Equal(&s))
	s.Merge(before)
	check()
}
