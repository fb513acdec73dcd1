package hlc_test

import (
	"sync"
	"testing"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
)

// A mutexClock is the algorithm as most programs write it: a mutex around a pair.
type mutexClock struct {
	mu   sync.Mutex
	l, c int64
}

func (m *mutexClock) Now() (l, c int64) {
	pt := time.Now().UnixNano()
	m.mu.Lock()
	defer m.mu.Unlock()
	if pt > m.l {
		m.l, m.c = pt, 0
	} else {
		m.c++
	}
	return m.l, m.c
}

func (m *mutexClock) Update(remoteL, remoteC int64) (l, c int64) {
	pt := time.Now().UnixNano()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch old := m.l; {
	case pt > old && pt > remoteL:
		m.l, m.c = pt, 0
	case old == remoteL:
		m.c = max(m.c, remoteC) + 1
	case old > remoteL:
		m.c++
	default:
		m.l, m.c = remoteL, remoteC+1
	}
	return m.l, m.c
}

func BenchmarkClock(b *testing.B) {
	var c hlc.Clock
	var m mutexClock
	stamp := c.Now()
	far := stamp + hlc.Timestamp(24*time.Hour)
	l, n := m.Now()
	for _, bb := range []struct {
		name string
		op   func()
	}{
		{"Now", func() { c.Now() }},
		{"Now/baseline=time.Now", func() { _ = time.Now() }},
		{"Now/baseline=mutex", func() { m.Now() }},
		{"Update", func() { stamp, _ = c.Update(stamp) }},
		{"Update/baseline=mutex", func() { l, n = m.Update(l, n) }},
		{"Next", func() { stamp, _ = c.Next(stamp) }},
		{"Next/beyond", func() { _, _ = c.Next(far) }},
		{"Advance", func() { _ = c.Advance(stamp) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.op()
			}
		})
	}
}

// The time of an operation is that of all goroutines together: -cpu 1,2 compares
// the throughput of one with that of two.
func BenchmarkClockParallel(b *testing.B) {
	var c hlc.Clock
	var m mutexClock
	for _, bb := range []struct {
		name string
		op   func()
	}{
		{"Now", func() { c.Now() }},
		{"Now/baseline=time.Now", func() { _ = time.Now() }},
		{"Now/baseline=mutex", func() { m.Now() }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					bb.op()
				}
			})
		})
	}
}
