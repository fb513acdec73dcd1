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

func BenchmarkClockNow(b *testing.B) {
	b.Run("baseline=time.Now", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = time.Now()
		}
	})
	b.Run("baseline=mutex", func(b *testing.B) {
		b.ReportAllocs()
		var c mutexClock
		for b.Loop() {
			_, _ = c.Now()
		}
	})
	b.Run("clock", func(b *testing.B) {
		b.ReportAllocs()
		var c hlc.Clock
		for b.Loop() {
			_ = c.Now()
		}
	})
}

func BenchmarkClockUpdate(b *testing.B) {
	b.ReportAllocs()
	var c hlc.Clock
	remote := c.Now()
	for b.Loop() {
		remote, _ = c.Update(remote)
	}
}

func BenchmarkClockNext(b *testing.B) {
	b.ReportAllocs()
	var c hlc.Clock
	stamp := c.Now()
	for b.Loop() {
		stamp, _ = c.Next(stamp)
	}
}

// Run it with -cpu 1,2: the time is that of the whole per operation.
func BenchmarkClockNowParallel(b *testing.B) {
	b.Run("baseline=time.Now", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_ = time.Now()
			}
		})
	})
	b.Run("baseline=mutex", func(b *testing.B) {
		b.ReportAllocs()
		var c mutexClock
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = c.Now()
			}
		})
	})
	b.Run("clock", func(b *testing.B) {
		b.ReportAllocs()
		var c hlc.Clock
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_ = c.Now()
			}
		})
	})
}
