package crdt_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A mergeCost is what an encoded map costs that is merged into an equal one.
type mergeCost struct {
	name             string
	decoding, merged uint64
}

func costOf[V crdt.Value[V]](t *testing.T, name string, f scribble[V]) mergeCost {
	t.Helper()
	var m mapOf[V]
	for i := range 2000 {
		m.Update("eu", fmt.Sprintf("sku-%08d", i), func(v V) { f(v, "eu", scribbleWrite) })
	}
	require.Equal(t, 2000, m.Len())
	data := encoded(t, &m)
	m.Merge(m.Clone()) // what a merge needs once
	c := mergeCost{name: name}
	c.decoding = allocated(func() { require.NoError(t, new(mapOf[V]).UnmarshalBinary(data)) })
	c.merged = allocated(func() {
		changed, err := m.MergeBinary(data)
		require.NoError(t, err)
		require.False(t, changed)
	})
	return c
}

// TestORMapMergeBinaryAllocs: an encoded map that is merged into an equal one is
// not in memory as a whole: it takes a list of its dots, and little else.
func TestORMapMergeBinaryAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters allocate")
	}
	for _, c := range []mergeCost{
		costOf(t, "ORSet", scribbleSet),
		costOf(t, "RWSet", scribbleRWSet),
		costOf(t, "EWFlag", scribbleEWFlag),
		costOf(t, "DWFlag", scribbleDWFlag),
		costOf(t, "MVRegister", scribbleRegister),
		costOf(t, "PNCounter", scribbleCounter),
		costOf(t, "ORMap of ORSet", below(scribbleSet)),
	} {
		t.Logf("%s: %d bytes to decode, %d to merge", c.name, c.decoding, c.merged)
		require.Less(t, 5*c.merged, c.decoding, "%s", c.name)
	}
}

// TestORMapDeltaAskedAllocs: asking every key for what a delta removes allocates
// nothing for each.
func TestORMapDeltaAskedAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters allocate")
	}
	var m crdt.ORMap[string, *crdt.ORSet[string]]
	for i := range 1000 {
		m.Update("eu", fmt.Sprint(i), func(s *crdt.ORSet[string]) { s.Add("eu", "x") })
	}
	delta := m.Delete("eu", "7")
	require.Less(t, testing.AllocsPerRun(10, func() { m.Merge(delta) }), 100.0)
}

// TestORMapDeltaAsked: deltas that delete, and those that were merged before, do not ask every
// key each, however many come, and whatever is changed, merged and deleted between.
func TestORMapDeltaAsked(t *testing.T) {
	var m crdt.ORMap[string, *crdt.PNCounter]
	add := func(i int) *crdt.ORMap[string, *crdt.PNCounter] {
		return m.Update("eu", fmt.Sprint(i), func(c *crdt.PNCounter) { c.Add("eu", 1) })
	}
	for i := range 1000 {
		add(i)
	}
	o := m.Clone()
	before := add(7)
	o.Merge(before)
	o.Merge(add(7))
	for i := range 3000 {
		require.False(t, o.Merge(before))
		require.True(t, o.Merge(m.Delete("eu", fmt.Sprint(i%1000))))
		require.True(t, o.Merge(add(i%1000)))
		o.Update("us", fmt.Sprint(i%500), func(c *crdt.PNCounter) { c.Add("us", 1) })
	}
	require.LessOrEqual(t, crdt.Asked(o), 20, "what is noted is made anew when most of it is gone")
	o.Merge(&m)
	m.Merge(o)
	require.True(t, m.Equal(o))
}

// BenchmarkORMapDeltaAsked merges deltas into a map of n keys that may remove something of any
// key: that of a deleted key, and one that was merged before.
func BenchmarkORMapDeltaAsked(b *testing.B) {
	for _, n := range []int{10, 1_000, 100_000} {
		keys := benchKeys("sequential", n)
		var m crdt.ORMap[string, *crdt.ORSet[string]]
		update := func(key string) *crdt.ORMap[string, *crdt.ORSet[string]] {
			return m.Update("eu", key, func(s *crdt.ORSet[string]) { s.Add("eu", "x") })
		}
		for _, k := range keys {
			update(k)
		}
		o := m.Clone()
		again := update(keys[0])
		o.Merge(again)
		o.Merge(update(keys[0]))
		b.Run(fmt.Sprintf("delete/n=%d", n), func(b *testing.B) {
			i := 0
			for b.Loop() {
				key := keys[i%n]
				i++
				o.Merge(m.Delete("eu", key))
				o.Merge(update(key))
			}
		})
		b.Run(fmt.Sprintf("again/n=%d", n), func(b *testing.B) {
			for b.Loop() {
				o.Merge(again)
			}
		})
	}
}

// BenchmarkORMapMergeBinary merges an encoded map into one that equals it, by
// bytes and decoded.
func BenchmarkORMapMergeBinary(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		var m crdt.ORMap[string, *crdt.ORSet[string]]
		for _, k := range benchKeys("sequential", n) {
			m.Update("eu", k, func(s *crdt.ORSet[string]) { s.Add("eu", "x") })
		}
		data, _ := m.MarshalBinary()
		b.Run(fmt.Sprintf("bytes/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = m.MergeBinary(data)
			}
			perElement(b, n)
		})
		b.Run(fmt.Sprintf("decoded/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var o crdt.ORMap[string, *crdt.ORSet[string]]
				_ = o.UnmarshalBinary(data)
				m.Merge(&o)
			}
			perElement(b, n)
		})
	}
}
