package crdt_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// benchKeys returns n distinct strings of one of the kinds that benchmarks run
// on, sequential, shuffled or uuid, made in the order in which they are added.
func benchKeys(kind string, n int) []string {
	random := rand.New(rand.NewPCG(1, 2)) // a fixed seed: every run has the same keys
	number := func(i int) int { return i }
	if kind == "shuffled" {
		perm := random.Perm(n)
		number = func(i int) int { return perm[i] }
	}
	keys := make([]string, n)
	for i := range keys {
		if kind == "uuid" {
			a, b := random.Uint64(), random.Uint64()
			keys[i] = fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
			continue
		}
		keys[i] = fmt.Sprintf("sku-%08d", number(i))
	}
	return keys
}

var benchSizes = []int{1_000, 100_000, 1_000_000}

// perElement reports the time of one of n parts of an operation.
func perElement(b *testing.B, n int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elem")
}

func setOf[E comparable](keys []E) *crdt.ORSet[E] {
	s := new(crdt.ORSet[E])
	for _, k := range keys {
		s.Add("eu", k)
	}
	return s
}

// withHoles removes a tenth of the elements.
func withHoles[E comparable](s *crdt.ORSet[E], keys []E) *crdt.ORSet[E] {
	for i := 3; i < len(keys); i += 10 {
		s.Remove("eu", keys[i])
	}
	return s
}

// BenchmarkORSetAdd fills an empty set, and built-in maps for comparison.
func BenchmarkORSetAdd(b *testing.B) {
	for _, n := range benchSizes {
		keys := benchKeys("sequential", n)
		ints := make([]int64, n)
		for i := range ints {
			ints[i] = int64(i)
		}
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%s/n=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				runtime.GC()
				for b.Loop() {
					f()
				}
				perElement(b, n)
			})
		}
		run("map24", func() {
			m := make(map[string][24]byte)
			for i, k := range keys {
				m[k] = [24]byte{byte(i)}
			}
		})
		run("dropped", func() { setOf(keys) })
		run("int64", func() { setOf(ints) })
		run("kept", func() {
			s := new(crdt.ORSet[string])
			kept := make([]*crdt.ORSet[string], 0, n)
			for _, k := range keys {
				kept = append(kept, s.Add("eu", k))
			}
			runtime.KeepAlive(kept)
		})
	}
}

// BenchmarkORSetMergeShared merges equal states: as such, with a tenth of the
// elements removed, and from eight replicas in turn.
func BenchmarkORSetMergeShared(b *testing.B) {
	for _, n := range benchSizes {
		keys := benchKeys("sequential", n)
		turns := new(crdt.ORSet[string])
		for i, k := range keys {
			turns.Add(vclock.Replica(rune('a'+i%8)), k)
		}
		for _, test := range []struct {
			name string
			set  *crdt.ORSet[string]
		}{
			{"dense", setOf(keys)},
			{"holes", withHoles(setOf(keys), keys)},
			{"replicas=8", turns},
		} {
			b.Run(fmt.Sprintf("%s/n=%d", test.name, n), func(b *testing.B) {
				o := test.set.Clone()
				test.set.Merge(o)
				b.ReportAllocs()
				for b.Loop() {
					test.set.Merge(o)
				}
				perElement(b, n)
			})
		}
	}
}

// BenchmarkORSetMergeHalfNew merges states that share n elements and have n/2 of
// their own each, and unites built-in maps of that shape.
func BenchmarkORSetMergeHalfNew(b *testing.B) {
	for _, n := range benchSizes {
		n /= 2 // of the result, 2n elements
		keys := benchKeys("sequential", 2*n)
		shared := setOf(keys[:n])
		x, y := shared.Clone(), shared.Clone()
		mx, my := map[string][24]byte{}, map[string][24]byte{}
		for _, k := range keys[:n] {
			mx[k], my[k] = [24]byte{}, [24]byte{}
		}
		for i, k := range keys[n:] {
			if i%2 == 0 {
				x.Add("x", k)
				mx[k] = [24]byte{}
			} else {
				y.Add("y", k)
				my[k] = [24]byte{}
			}
		}
		b.Run(fmt.Sprintf("set/n=%d", 2*n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				z := x.Clone()
				runtime.GC()
				b.StartTimer()
				z.Merge(y)
			}
			perElement(b, 2*n)
		})
		b.Run(fmt.Sprintf("union of maps/n=%d", 2*n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				u := make(map[string][24]byte)
				maps.Copy(u, mx)
				maps.Copy(u, my)
			}
			perElement(b, 2*n)
		})
	}
}

// BenchmarkORSetDeltas delivers the deltas of n adds, one by one, in several
// orders, to a set that has none of them, and reports the slowest, too.
func BenchmarkORSetDeltas(b *testing.B) {
	for _, n := range benchSizes {
		perm := rand.New(rand.NewPCG(3, 4)).Perm(n)
		for _, order := range []struct {
			name string
			at   func(i int) int
		}{
			{"in order", func(i int) int { return i }},
			{"reverse", func(i int) int { return n - 1 - i }},
			{"random", func(i int) int { return perm[i] }},
			{"every other first", func(i int) int { return (2*i)%n + 2*i/n }},
		} {
			b.Run(fmt.Sprintf("%s/n=%d", order.name, n), func(b *testing.B) {
				deltas := arriving(n, order.at)
				b.ReportAllocs()
				for b.Loop() {
					z := new(crdt.ORSet[string])
					for _, d := range deltas {
						z.Merge(d)
					}
				}
				perElement(b, n)
				worst := slowest(n, func(z *crdt.ORSet[string], i int) { z.Merge(deltas[i]) })
				b.ReportMetric(float64(worst.Microseconds()), "µs-worst")
			})
		}
	}
}

// arriving returns the deltas of n adds, of which the one of add at(i) arrives as
// number i. A delta that arrives has just been read, so they and their strings
// are made in this order: walking over them is walking over memory, whatever
// order the adds were in.
func arriving(n int, at func(i int) int) []*crdt.ORSet[string] {
	keys, deltas := make([]string, n), make([]*crdt.ORSet[string], n)
	for i := range n {
		keys[at(i)] = fmt.Sprintf("sku-%08d", at(i))
	}
	s := new(crdt.ORSet[string])
	for k := range n {
		deltas[k] = s.Add("eu", keys[k])
	}
	arrived := make([]*crdt.ORSet[string], n)
	for i := range n {
		arrived[i] = deltas[at(i)].Clone()
	}
	return arrived
}

// slowest returns the time of the slowest of n steps, each the best of three
// runs without garbage collection, so that what it shows is the step's own.
func slowest(n int, step func(z *crdt.ORSet[string], i int)) time.Duration {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	best := make([]time.Duration, n)
	for run := range 3 {
		runtime.GC()
		z := new(crdt.ORSet[string])
		for i := range n {
			start := time.Now()
			step(z, i)
			if d := time.Since(start); run == 0 || d < best[i] {
				best[i] = d
			}
		}
	}
	return slices.Max(best)
}

// BenchmarkORSetEncode encodes, decodes, and merges encoded states into one that
// holds nearly the same, and reports bytes per element.
func BenchmarkORSetEncode(b *testing.B) {
	for _, n := range benchSizes {
		for _, kind := range []string{"sequential", "shuffled", "uuid", "holes"} {
			keys := benchKeys(kind, n)
			s := setOf(keys)
			if kind == "holes" {
				withHoles(s, keys)
			}
			benchCodec(b, kind, n, s, func(o *crdt.ORSet[string], i int) { o.Add("us", fmt.Sprint("new", i)) })
		}
		random := rand.New(rand.NewPCG(5, 6))
		ints, scattered := make([]int64, n), make([]int64, n)
		for i := range ints {
			ints[i], scattered[i] = int64(i), int64(random.Uint64())
		}
		add := func(o *crdt.ORSet[int64], i int) { o.Add("us", int64(-i)) }
		benchCodec(b, "int64", n, setOf(ints), add)
		benchCodec(b, "int64 random", n, setOf(scattered), add)
	}
}

func benchCodec[E comparable](b *testing.B, kind string, n int, s *crdt.ORSet[E], add func(*crdt.ORSet[E], int)) {
	b.Helper()
	data, _ := s.MarshalBinary()
	run := func(op string, f func()) {
		b.Run(fmt.Sprintf("%s/%s/n=%d", op, kind, n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
			perElement(b, n)
			b.ReportMetric(float64(len(data))/float64(n), "B/elem")
		})
	}
	buf := make([]byte, 0, len(data))
	run("encode", func() { buf, _ = s.AppendBinary(buf[:0]) })
	run("decode", func() { _ = new(crdt.ORSet[E]).UnmarshalBinary(data) })
	o := s.Clone()
	for i := range 100 {
		add(o, i)
	}
	near, _ := o.MarshalBinary()
	x := s.Clone()
	_, _ = x.MergeBinary(near)
	run("merge bytes", func() { _, _ = x.MergeBinary(data) })
	run("merge near bytes", func() { _, _ = x.MergeBinary(near) })
}

// BenchmarkORSetMemory reports heap bytes per element beyond those of the
// strings, of a set and of built-in maps.
func BenchmarkORSetMemory(b *testing.B) {
	for _, n := range benchSizes {
		keys := benchKeys("sequential", n)
		measure := func(name string, f func() any) {
			b.Run(fmt.Sprintf("%s/n=%d", name, n), func(b *testing.B) {
				var before, after runtime.MemStats
				for b.Loop() {
					runtime.GC()
					runtime.ReadMemStats(&before)
					x := f()
					runtime.GC()
					runtime.ReadMemStats(&after)
					runtime.KeepAlive(x)
				}
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/elem")
			})
		}
		measure("set", func() any { return setOf(keys) })
		measure("map24", func() any {
			m := make(map[string][24]byte)
			for _, k := range keys {
				m[k] = [24]byte{}
			}
			return m
		})
	}
}

// BenchmarkORMapDelta merges the delta of one update into a map of n keys with a
// set each.
func BenchmarkORMapDelta(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		keys := benchKeys("sequential", n)
		var m, o crdt.ORMap[string, *crdt.ORSet[string]]
		for _, k := range keys {
			m.Update("eu", k, func(s *crdt.ORSet[string]) { s.Add("eu", "x") })
		}
		o.Merge(&m)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				o.Merge(m.Update("eu", keys[i%n], func(s *crdt.ORSet[string]) { s.Add("eu", "x") }))
				i++
			}
		})
		b.Run(fmt.Sprintf("shared/n=%d", n), func(b *testing.B) {
			o := m.Clone()
			m.Merge(o)
			for b.Loop() {
				m.Merge(o)
			}
			perElement(b, n)
		})
	}
}
