package crdt_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestPages runs histories long enough to fill pages, chunks of gaps and an
// index that grows, where TestORSetHistories is thorough but short: many events
// at three sites, their deltas in random, reverse and other orders, states as
// such and as bytes, on few elements and on many. The model is an operation log.
func TestPages(t *testing.T) {
	t.Parallel()
	for seed, test := range []struct{ events, elems int }{
		{1500, 3}, {1500, 100}, {3000, 5000}, {3000, 800},
	} {
		t.Run(fmt.Sprintf("events=%d/elems=%d", test.events, test.elems), func(t *testing.T) {
			t.Parallel()
			longHistory(t, rand.New(rand.NewPCG(uint64(seed), 7)), test.events, test.elems)
		})
	}
}

// A ledger is an operation log that answers fast: what is visible at a site, and
// which of it has been undone by something visible.
type ledger struct {
	adds   map[int]int // visible adds, their elements
	undone map[int]bool
}

func (l *ledger) take(o *ledger) {
	maps.Copy(l.adds, o.adds)
	maps.Copy(l.undone, o.undone)
}

func (l *ledger) inForce() map[int][]int {
	in := map[int][]int{}
	for id, e := range l.adds {
		if !l.undone[id] {
			in[e] = append(in[e], id)
		}
	}
	return in
}

func longHistory(t *testing.T, random *rand.Rand, events, elems int) {
	t.Helper()
	type parcel struct {
		state *crdt.ORSet[int]
		ledger
	}
	var states [3]crdt.ORSet[int]
	var ledgers [3]ledger
	for i := range ledgers {
		ledgers[i] = ledger{map[int]int{}, map[int]bool{}}
	}
	var parcels []parcel
	check := func(i int) {
		want := ledgers[i].inForce()
		require.Equal(t, len(want), states[i].Len())
		got := slices.Collect(states[i].All())
		require.Len(t, got, len(want))
		for _, e := range got {
			if want[e] == nil || !states[i].Contains(e) {
				require.Fail(t, "an element too many", "%d", e)
			}
		}
	}
	for id := range events {
		i, e := random.IntN(3), random.IntN(elems)
		p := parcel{ledger: ledger{map[int]int{}, map[int]bool{}}}
		for o, x := range ledgers[i].adds {
			if x == e && !ledgers[i].undone[o] {
				p.undone[o] = true
			}
		}
		if random.IntN(3) > 0 {
			p.adds[id] = e
			p.state = states[i].Add(vclock.Replica(rune('a'+i)), e)
		} else {
			p.state = states[i].Remove(vclock.Replica(rune('a'+i)), e)
		}
		ledgers[i].take(&p.ledger)
		parcels = append(parcels, p)
		if random.IntN(events/6) == 0 {
			k := random.IntN(3)
			states[k].Merge(&states[i])
			ledgers[k].take(&ledgers[i])
			check(k)
		}
		k, p := random.IntN(3), parcels[random.IntN(len(parcels))] // an old delta, or a new one
		states[k].Merge(p.state)
		ledgers[k].take(&p.ledger)
	}
	for i := range states {
		check(i)
	}
	slices.Reverse(parcels)
	for i := range states {
		for k, p := range parcels {
			states[i].Merge(p.state)
			ledgers[i].take(&p.ledger)
			if k == len(parcels)/2 {
				check(i)
				data := encoded(t, &states[i])
				var o crdt.ORSet[int]
				require.NoError(t, o.UnmarshalBinary(data))
				require.True(t, o.Equal(&states[i]))
				_, err := states[(i+1)%3].MergeBinary(data)
				require.NoError(t, err)
				ledgers[(i+1)%3].take(&ledgers[i])
				check((i + 1) % 3)
			}
		}
		check(i)
		random.Shuffle(len(parcels), func(a, b int) { parcels[a], parcels[b] = parcels[b], parcels[a] })
	}
	for i := range states {
		require.Equal(t, encoded(t, &states[0]), encoded(t, &states[i]))
	}
}
