package crdt_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// pair returns two equal sets of n adds by so many replicas, of which a part has been
// removed again.
func pair(n, replicas int, removed float64) (a, b *crdt.ORSet[string]) {
	rng := rand.New(rand.NewPCG(1, 2))
	a = new(crdt.ORSet[string])
	for i := range n {
		a.Add(vclock.Replica(fmt.Sprintf("replica-%02d", i%replicas)), fmt.Sprintf("sku-%08d", i))
	}
	for i := range n {
		if rng.Float64() < removed {
			a.Remove("replica-00", fmt.Sprintf("sku-%08d", i))
		}
	}
	return a, a.Clone()
}

// partWays has each side add some elements and remove some, all different.
func partWays(a, b *crdt.ORSet[string], n, replicas, adds, removals int) {
	rng := rand.New(rand.NewPCG(3, 4))
	for side, s := range []*crdt.ORSet[string]{a, b} {
		for i := range adds {
			s.Add(vclock.Replica(fmt.Sprintf("replica-%02d", side%max(2, replicas))), fmt.Sprintf("sku-%d-%08d", side, n+i))
		}
		for left := removals; left > 0; {
			e := fmt.Sprintf("sku-%08d", 2*rng.IntN(n/2)+side)
			if s.Contains(e) {
				s.Remove("replica-00", e)
				left--
			}
		}
	}
}

func catchUpBytes(tb testing.TB, a, b *crdt.ORSet[string]) (bytes, messages int) {
	tb.Helper()
	w, err := exchange(a, b, 7, false, func(int) {})
	require.NoError(tb, err)
	require.True(tb, a.Equal(b))
	return w.bytes, w.messages
}

func size(tb testing.TB, s any) int {
	tb.Helper()
	p, err := s.(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	require.NoError(tb, err)
	return len(p)
}

// TestExchangeBudget holds what an exchange may cost. BenchmarkExchange has a million
// elements.
func TestExchangeBudget(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{1, 2, 3, 64} {
		for _, removed := range []float64{0, 0.1, 0.5} {
			for _, n := range []int{1000, 50_000} {
				a, b := pair(n, replicas, removed)
				got, _ := catchUpBytes(t, a, b)
				require.LessOrEqual(t, got, 64)
				partWays(a, b, n, replicas, 25, 25)
				full := size(t, a) + size(t, b)
				got, messages := catchUpBytes(t, a, b)
				if testing.Verbose() {
					t.Logf("%d elements, %d replicas, %.0f %% removed: %d messages, %d bytes, full states %d", n, replicas, 100*removed, messages, got, full)
				}
				require.LessOrEqual(t, got, min(8<<10, full*21/20))
			}
		}
	}
}

// TestExchangeNothingInCommon: an exchange of states that share nothing costs little more
// than the two.
func TestExchangeNothingInCommon(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{1, 3, 64} {
		for _, n := range []int{0, 1, 3, 10, 50, 100, 1000, 20_000} {
			var a, b crdt.ORSet[string]
			for i := range n {
				a.Add(vclock.Replica(fmt.Sprintf("replica-%02d", i%replicas)), fmt.Sprintf("sku-%08d", i))
				b.Add(vclock.Replica(fmt.Sprintf("other-%02d", i%replicas)), fmt.Sprintf("art-%08d", i))
			}
			if n == 0 {
				a.Add("a", "x")
				b.Add("b", "y")
			}
			full := size(t, &a) + size(t, &b)
			got, messages := catchUpBytes(t, &a, &b)
			if testing.Verbose() {
				t.Logf("%d elements, %d replicas: %d messages, %d bytes, full states %d: %.3f", n, replicas, messages, got, full, float64(got)/float64(full))
			}
			require.LessOrEqual(t, got, full*21/20)
		}
	}
}

func BenchmarkExchange(b *testing.B) {
	const n = 1_000_000
	for _, replicas := range []int{1, 3, 64} {
		for _, removed := range []float64{0, 0.1, 0.3, 0.5} {
			for _, kind := range []struct {
				name           string
				adds, removals int
			}{{"equal", 0, 0}, {"50 adds 50 removals", 25, 25}, {"100 removals", 0, 50}, {"100 adds 50 removals", 50, 25}} {
				if replicas != 3 && removed != 0.3 {
					continue
				}
				b.Run(fmt.Sprintf("replicas=%d/removed=%.1f/%s", replicas, removed, kind.name), func(b *testing.B) {
					x, y := pair(n, replicas, removed)
					partWays(x, y, n, replicas, kind.adds, kind.removals)
					var w wired[*crdt.ORSet[string]]
					for b.Loop() {
						w = converse(b, x, y)
					}
					b.ReportMetric(float64(w.bytes), "bytes/op")
					b.ReportMetric(float64(w.messages), "messages/op")
				})
			}
		}
	}
}

// BenchmarkExchangeShared has states of which a part is the same: all but little, a half, none.
func BenchmarkExchangeShared(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		for _, replicas := range []int{1, 64} {
			for _, removed := range []float64{0, 0.3} {
				for _, shared := range []float64{0, 0.5, 0.99} {
					b.Run(fmt.Sprintf("n=%d/replicas=%d/removed=%.1f/shared=%.2f", n, replicas, removed, shared), func(b *testing.B) {
						x, y := halves(n, replicas, removed, shared)
						full := size(b, x) + size(b, y)
						var w wired[*crdt.ORSet[string]]
						for b.Loop() {
							w = converse(b, x, y)
						}
						b.ReportMetric(float64(w.bytes), "bytes/op")
						b.ReportMetric(float64(w.bytes)/float64(full), "×full")
					})
				}
			}
		}
	}
}

// halves returns two sets of n elements each, a part of them shared.
func halves(n, replicas int, removed, shared float64) (x, y *crdt.ORSet[string]) {
	same := int(float64(n) * shared)
	x, y = pair(same, replicas, removed)
	for side, s := range []*crdt.ORSet[string]{x, y} {
		for i := same; i < n; i++ {
			s.Add(vclock.Replica(fmt.Sprintf("side-%d-%02d", side, i%replicas)), fmt.Sprintf("sku-%d-%08d", side, i))
		}
	}
	return x, y
}

// converse is an exchange in which nobody merges anything.
func converse(b *testing.B, x, y *crdt.ORSet[string]) (w wired[*crdt.ORSet[string]]) {
	b.Helper()
	msg := x.Ask(7)
	for to := 1; msg != nil; to = 1 - to {
		w.messages++
		w.bytes += len(msg)
		var err error
		msg, _, err = []*crdt.ORSet[string]{x, y}[to].Answer(msg)
		require.NoError(b, err)
	}
	return w
}
