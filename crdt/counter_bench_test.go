package crdt_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// BenchmarkIncrement compares increments whose deltas are dropped with what
// counts without replication. With n replicas, the one that counts comes last.
func BenchmarkIncrement(b *testing.B) {
	names := func(n int) []vclock.Replica {
		names := make([]vclock.Replica, n)
		for i := range names {
			names[i] = vclock.Replica(fmt.Sprintf("replica-%03d", i))
		}
		return names
	}
	b.Run("baseline=int64", func(b *testing.B) {
		b.ReportAllocs()
		n := new(int64)
		for b.Loop() {
			*n++
		}
	})
	b.Run("baseline=map", func(b *testing.B) {
		b.ReportAllocs()
		m := map[string]int64{}
		for b.Loop() {
			m["replica-00"]++
		}
	})
	b.Run("baseline=mutex", func(b *testing.B) {
		b.ReportAllocs()
		var mu sync.Mutex
		n := new(int64)
		for b.Loop() {
			mu.Lock()
			*n++
			mu.Unlock()
		}
	})
	for _, n := range []int{1, 2, 8, 64, 256} {
		names := names(n)
		last := names[n-1]
		b.Run(fmt.Sprintf("type=GCounter/replicas=%d", n), func(b *testing.B) {
			var c crdt.GCounter
			for _, r := range names {
				c.Add(r, 1)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Add(last, 1)
			}
		})
		b.Run(fmt.Sprintf("type=PNCounter/replicas=%d", n), func(b *testing.B) {
			var c crdt.PNCounter
			for _, r := range names {
				c.Add(r, 1)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.Add(last, 1)
			}
		})
		b.Run(fmt.Sprintf("type=BoundedCounter/replicas=%d", n), func(b *testing.B) {
			var c crdt.BoundedCounter
			for _, r := range names {
				_, _ = c.Add(r, 1)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Add(last, 1)
			}
		})
	}
}

// BenchmarkCounterMerge merges a state with itself as a copy, and a state that
// has grown in every replica, with the same work on built-in maps.
func BenchmarkCounterMerge(b *testing.B) {
	const n = 16
	var g crdt.GCounter
	var c crdt.BoundedCounter
	var p crdt.PNCounter
	m := map[string]uint64{}
	for i := range n {
		r := vclock.Replica(fmt.Sprintf("replica-%02d", i))
		g.Add(r, 1)
		p.Add(r, 1)
		_, _ = c.Add(r, 1)
		m[string(r)] = 1
	}
	b.Run("baseline=map", func(b *testing.B) {
		b.ReportAllocs()
		into := map[string]uint64{}
		for b.Loop() {
			for r, n := range m {
				into[r] = max(into[r], n)
			}
		}
	})
	b.Run("type=GCounter", func(b *testing.B) {
		b.ReportAllocs()
		x := g.Clone()
		for b.Loop() {
			x.Merge(&g)
		}
	})
	b.Run("type=PNCounter", func(b *testing.B) {
		b.ReportAllocs()
		x := p.Clone()
		for b.Loop() {
			x.Merge(&p)
		}
	})
	b.Run("type=BoundedCounter", func(b *testing.B) {
		b.ReportAllocs()
		x := c.Clone()
		for b.Loop() {
			x.Merge(&c)
		}
	})
}
