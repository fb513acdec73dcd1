package vclock_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

// A mapClock is the version vector that one writes by hand, as a baseline.
type mapClock map[string]uint64

func (c mapClock) compare(d mapClock) vclock.Order {
	order := vclock.Equal
	for r, n := range c {
		switch m := d[r]; {
		case n > m:
			order |= vclock.After
		case n < m:
			order |= vclock.Before
		}
	}
	for r := range d {
		if _, ok := c[r]; !ok {
			order |= vclock.Before
		}
	}
	return order
}

func (c mapClock) join(d mapClock) mapClock {
	e := maps.Clone(c)
	for r, n := range d {
		e[r] = max(e[r], n)
	}
	return e
}

// benchClock returns a clock of n replicas in memory of its own, as if from
// another replica, and the same as a map.
func benchClock(b *testing.B, n int, seq func(i int) uint64) (vclock.Clock, mapClock) {
	b.Helper()
	m := mapClock{}
	var c vclock.Clock
	for i := range n {
		name := fmt.Sprintf("eu-west-%03d", i)
		m[name] = seq(i)
		c = c.With(vclock.Replica(name), seq(i))
	}
	data, err := c.MarshalBinary()
	require.NoError(b, err)
	require.NoError(b, c.UnmarshalBinary(data))
	return c, m
}

func older(i int) uint64 { return 1000 + uint64(i) }

func apart(i int) uint64 { return 1000 + uint64(i)*2%7 }

func bench(b *testing.B, name string, f func()) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f()
		}
	})
}

func BenchmarkClock(b *testing.B) {
	for _, n := range []int{2, 8, 64, 256} {
		c, mc := benchClock(b, n, older)
		d, md := benchClock(b, n, older)
		e, me := benchClock(b, n, apart)
		fewer := e.Without("eu-west-001")
		last := vclock.Replica(fmt.Sprintf("eu-west-%03d", n-1))
		run := func(name string, f func()) { bench(b, fmt.Sprintf("%s/replicas=%d", name, n), f) }
		run("Compare", func() { _ = c.Compare(d) })
		run("Compare=map", func() { _ = mc.compare(md) })
		run("CompareFewer", func() { _ = c.Compare(fewer) })
		run("Join", func() { _ = c.Join(e) })
		run("Join=map", func() { _ = mc.join(me) })
		run("JoinFewer", func() { _ = c.Join(fewer) })
		run("JoinPart", func() { _ = c.Join(d) })
		run("At", func() { _ = c.At(last) })
		run("At=map", func() { _ = mc[string(last)] })
		run("Tick", func() { _ = c.Tick(last) })
		run("Tick=map", func() {
			t := maps.Clone(mc)
			t[string(last)]++
		})
		data, err := c.MarshalBinary()
		require.NoError(b, err)
		run("MarshalBinary", func() { _, _ = c.MarshalBinary() })
		run("UnmarshalBinary", func() {
			var c vclock.Clock
			_ = c.UnmarshalBinary(data)
		})
		run("String", func() { _ = c.String() })
	}
}

// BenchmarkDotSetAdd adds n dots of one replica in three orders; the baseline is
// a map with an entry per dot.
func BenchmarkDotSetAdd(b *testing.B) {
	for _, n := range []uint64{1000, 200_000} {
		orders := []struct {
			name string
			seq  func(i uint64) uint64
		}{
			{"ascending", func(i uint64) uint64 { return i + 1 }},
			{"descending", func(i uint64) uint64 { return n - i }},
			{"even ones first", func(i uint64) uint64 { return 2*i%n + 1 + 2*i/n }},
			{"scattered", func(i uint64) uint64 { return i*7919%n + 1 }},
		}
		for _, o := range orders {
			run := func(name string, f func()) {
				b.Run(fmt.Sprintf("%s/order=%s/dots=%d", name, o.name, n), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						f()
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/dot")
				})
			}
			run("DotSet", func() {
				var s vclock.DotSet
				for i := range n {
					s.Add(vclock.Dot{Replica: "eu", Seq: o.seq(i)})
				}
			})
			run("map", func() {
				m := map[vclock.Dot]struct{}{}
				for i := range n {
					m[vclock.Dot{Replica: "eu", Seq: o.seq(i)}] = struct{}{}
				}
			})
		}
	}
}

// BenchmarkDotSet has a set with 100 000 gaps; the baseline is a map with an
// entry per dot.
func BenchmarkDotSet(b *testing.B) {
	var s vclock.DotSet
	m := map[vclock.Dot]struct{}{}
	for i := range uint64(100_000) {
		d := vclock.Dot{Replica: "eu", Seq: 2*i + 2}
		s.Add(d)
		m[d] = struct{}{}
	}
	same := s.Clone()
	var delta vclock.DotSet
	delta.Add(vclock.Dot{Replica: "eu", Seq: 123_456})
	d := vclock.Dot{Replica: "eu", Seq: 123_457}
	bench(b, "Contains", func() { _ = s.Contains(d) })
	bench(b, "Contains=map", func() { _, _ = m[d] })
	bench(b, "MergeEqual", func() { s.Merge(same) })
	bench(b, "MergeEqual=map", func() {
		for d := range m {
			m[d] = struct{}{}
		}
	})
	bench(b, "MergeOneDot", func() { s.Merge(&delta) })
	bench(b, "MarshalBinary", func() { _, _ = s.MarshalBinary() })
}

// BenchmarkDVVSet is a key with two siblings; the baseline for Put is a map of
// versions by dot.
func BenchmarkDVVSet(b *testing.B) {
	c, _ := benchClock(b, 8, older)
	var s vclock.DVVSet[string]
	for _, r := range []vclock.Replica{"eu-west-001", "eu-west-02"} {
		_, err := s.Put(r, c, "value")
		require.NoError(b, err)
	}
	same := s.Clone()
	bench(b, "MergeEqual", func() { s.Merge(same) })
	bench(b, "Context", func() { _ = s.Context() })
	bench(b, "Put", func() {
		_, _ = same.Put("eu-west-001", same.Context(), "value")
	})
	versions := map[vclock.Dot]string{{Replica: "eu-west-001", Seq: 1}: "value", {Replica: "eu-west-02", Seq: 1}: "value"}
	seq := uint64(1)
	bench(b, "Put=map", func() {
		for d := range versions {
			delete(versions, d)
		}
		seq++
		versions[vclock.Dot{Replica: "eu-west-001", Seq: seq}] = "value"
	})
	data, err := s.MarshalBinary()
	require.NoError(b, err)
	bench(b, "MarshalBinary", func() { _, _ = s.MarshalBinary() })
	bench(b, "UnmarshalBinary", func() {
		var s vclock.DVVSet[string]
		_ = s.UnmarshalBinary(data)
	})
}

func BenchmarkMatrix(b *testing.B) {
	for _, n := range []int{3, 16} {
		row, _ := benchClock(b, n, older)
		next, _ := benchClock(b, n, apart)
		var members []vclock.Replica
		for r := range row.All() {
			members = append(members, r)
		}
		m := vclock.NewMatrix(members[0], members...)
		for _, r := range members {
			o := vclock.NewMatrix(r, members...)
			o.Record(next.At(r) + row.At(r))
			_, err := m.Merge(o)
			require.NoError(b, err)
		}
		o := m.Clone()
		bench(b, fmt.Sprintf("Record/members=%d", n), func() { m.Record(1) })
		bench(b, fmt.Sprintf("Merge/members=%d", n), func() { _, _ = m.Merge(o) })
		bench(b, fmt.Sprintf("Stable/members=%d", n), func() { _ = m.Stable() })
		bench(b, fmt.Sprintf("Floor/members=%d", n), func() { _ = m.Floor() })
	}
}
