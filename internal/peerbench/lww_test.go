package peerbench

import (
	"fmt"
	"testing"

	"github.com/grafana/dskit/ring"
	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

const entries = 1000

// An instance is what an entry of dskit's ring holds besides key and time.
type instance struct {
	Addr, Zone string
	State      int32
}

func instanceAt(i int) instance {
	return instance{Addr: fmt.Sprintf("10.0.%d.%d", i/256, i%256), Zone: "a", State: int32(ring.ACTIVE)}
}

// newRing returns dskit's last-writer-wins map of instances by name.
func newRing() *ring.Desc {
	d := ring.NewDesc()
	for i := range entries {
		in, key := instanceAt(i), fmt.Sprintf("sku-%08d", i)
		d.Ingesters[key] = ring.InstanceDesc{Addr: in.Addr, Zone: in.Zone, State: ring.ACTIVE, Timestamp: int64(1 + i), Id: key}
	}
	return d
}

// newMap returns a map of this library with the same keys, written in another
// order if shuffled.
func newMap[V any](tb testing.TB, value func(i int) V, shuffled bool) *lww.Map[string, V] {
	tb.Helper()
	var m lww.Map[string, V]
	for i := range entries {
		if shuffled {
			i = i * 387 % entries // coprime to 1000: every key once
		}
		stamp := lww.Stamp{Time: hlc.Timestamp(1 + i), Replica: vclock.Replica([]string{"eu", "us"}[i%2])}
		_, err := m.PutAt(fmt.Sprintf("sku-%08d", i), value(i), stamp)
		require.NoError(tb, err)
	}
	return &m
}

// BenchmarkMapMergeEqual merges two states of 1000 equal entries that share no
// memory. In the shuffled case they came to them in different orders.
func BenchmarkMapMergeEqual(b *testing.B) {
	b.Run("rejoin/value=string", func(b *testing.B) {
		benchmarkMerge(b, func(i int) string { return instanceAt(i).Addr }, false)
	})
	b.Run("rejoin/value=struct", func(b *testing.B) { benchmarkMerge(b, instanceAt, false) })
	b.Run("rejoin/value=struct/shuffled", func(b *testing.B) { benchmarkMerge(b, instanceAt, true) })
	b.Run("dskit", func(b *testing.B) {
		x, y := newRing(), newRing()
		b.ReportAllocs()
		for b.Loop() {
			if change, err := x.Merge(y, false); err != nil || change != nil {
				b.Fatal(change, err)
			}
		}
	})
}

func benchmarkMerge[V any](b *testing.B, value func(i int) V, shuffled bool) {
	b.Helper()
	x, y := newMap(b, value, false), newMap(b, value, shuffled)
	require.Equal(b, entries, y.Len())
	b.ReportAllocs()
	for b.Loop() {
		if x.Merge(y) {
			b.Fatal("changed")
		}
	}
}
