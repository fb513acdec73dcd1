package lww_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
)

// A stamped is what a hand-written last-writer-wins map holds: the baseline.
type stamped struct {
	value string
	stamp lww.Stamp
}

func mergeStamped(x, y map[string]stamped) {
	for k, v := range y {
		if w, ok := x[k]; !ok || v.stamp.After(w.stamp) {
			x[k] = v
		}
	}
}

func skus(from, to int) []string {
	keys := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		keys = append(keys, fmt.Sprintf("sku-%08d", i))
	}
	return keys
}

func shuffled(keys []string) []string {
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys
}

func fill(b *testing.B, keys []string, stamp lww.Stamp) (*lww.Map[string, string], map[string]stamped) {
	b.Helper()
	m, base := new(lww.Map[string, string]), map[string]stamped{}
	for _, k := range keys {
		stamp.Time++
		if _, err := m.PutAt(k, "value", stamp); err != nil {
			b.Fatal(err)
		}
		base[k] = stamped{"value", stamp}
	}
	return m, base
}

var sizes = []int{1000, 100_000}

func BenchmarkMapMergeEqual(b *testing.B) {
	for _, n := range sizes {
		x, basex := fill(b, skus(0, n), at(noon, "eu"))
		y, basey := x.Clone(), maps.Clone(basex)
		enc, _ := y.MarshalBinary()
		decoded := new(lww.Map[string, string])
		if err := decoded.UnmarshalBinary(enc); err != nil {
			b.Fatal(err)
		}
		other := new(lww.Map[string, string])
		for _, k := range shuffled(skus(0, n)) {
			if _, err := other.PutAt(k, "value", x.Stamp(k)); err != nil {
				b.Fatal(err)
			}
		}
		for _, side := range []struct {
			name string
			m    *lww.Map[string, string]
		}{{"clone", y}, {"decoded", decoded}, {"shuffled", other}} {
			b.Run(fmt.Sprintf("n=%d/%s", n, side.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if x.Merge(side.m) {
						b.Fatal("changed")
					}
				}
			})
		}
		b.Run(fmt.Sprintf("n=%d/baseline=map", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mergeStamped(basex, basey)
			}
		})
	}
}

// BenchmarkMapMergeHalfNew merges two states that share n entries and have n/2
// each that the other lacks. The copy of the receiver is part of the figures.
func BenchmarkMapMergeHalfNew(b *testing.B) {
	for _, n := range sizes {
		x, basex := fill(b, skus(0, n+n/2), at(noon, "eu"))
		y, basey := fill(b, skus(0, n), at(noon, "eu"))
		z, basez := fill(b, skus(n+n/2, 2*n), at(noon+hour, "us"))
		y.Merge(z)
		mergeStamped(basey, basez)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Clone().Merge(y)
			}
		})
		b.Run(fmt.Sprintf("n=%d/baseline=map", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mergeStamped(maps.Clone(basex), basey)
			}
		})
	}
}

func BenchmarkMapMergeDelta(b *testing.B) {
	x, _ := fill(b, skus(0, 100_000), at(noon, "eu"))
	delta, _ := fill(b, skus(500, 501), at(noon+hour, "us"))
	b.ReportAllocs()
	for b.Loop() {
		x.Merge(delta)
	}
}

// BenchmarkMapPut overwrites keys. The clock is part of it: one reading of it is
// the second baseline.
func BenchmarkMapPut(b *testing.B) {
	texts := [2]string{"value", "other"}
	for _, n := range sizes {
		keys := skus(0, n)
		m, base := fill(b, keys, at(1, "eu"))
		w := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}
		round := 0 // no value is the one that is there
		next := func(i int) (k, v string) {
			if i%n == 0 {
				round++
			}
			return keys[i%n], texts[round%2]
		}
		b.Run(fmt.Sprintf("n=%d/delta=dropped", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k, v := next(i)
				if _, err := m.Put(w, k, v); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("n=%d/delta=kept", n), func(b *testing.B) {
			b.ReportAllocs()
			var last *lww.Map[string, string]
			for i := 0; b.Loop(); i++ {
				k, v := next(i)
				delta, err := m.Put(w, k, v)
				if err != nil {
					b.Fatal(err)
				}
				last = delta
			}
			_ = last.Len()
		})
		b.Run(fmt.Sprintf("n=%d/baseline=map", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k, v := next(i)
				s, err := w.Next(base[k].stamp.Time)
				if err != nil {
					b.Fatal(err)
				}
				base[k] = stamped{v, s}
			}
		})
	}
	b.Run("baseline=clock", func(b *testing.B) {
		w := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Next(0); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMapFill puts new keys into an empty map, per key.
func BenchmarkMapFill(b *testing.B) {
	for _, n := range sizes {
		keys := skus(0, n)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var m lww.Map[string, string]
				for i, k := range keys {
					_, _ = m.PutAt(k, "value", at(noon+hlc.Timestamp(i), "eu"))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
		})
		b.Run(fmt.Sprintf("n=%d/baseline=map", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := map[string]stamped{}
				for i, k := range keys {
					m[k] = stamped{"value", at(noon+hlc.Timestamp(i), "eu")}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
		})
	}
}

func BenchmarkMapAt(b *testing.B) {
	for _, n := range sizes {
		keys := shuffled(skus(0, n))
		m, base := fill(b, skus(0, n), at(noon, "eu"))
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, ok := m.At(keys[i%n]); !ok {
					b.Fatal("missing")
				}
			}
		})
		b.Run(fmt.Sprintf("n=%d/baseline=map", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, ok := base[keys[i%n]]; !ok {
					b.Fatal("missing")
				}
			}
		})
	}
}

// BenchmarkMapBinary encodes and decodes; filling a built-in map with the decoded
// entries is the baseline of the latter.
func BenchmarkMapBinary(b *testing.B) {
	for _, n := range sizes {
		m, base := fill(b, skus(0, n), at(noon, "eu"))
		enc, err := m.MarshalBinary()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("n=%d/encode", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = m.AppendBinary(enc[:0])
			}
			b.ReportMetric(float64(len(enc))/float64(n), "bytes/key")
		})
		b.Run(fmt.Sprintf("n=%d/decode", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var d lww.Map[string, string]
				if err := d.UnmarshalBinary(enc); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("n=%d/baseline=map", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := map[string]stamped{}
				maps.Copy(d, base)
			}
		})
	}
}

func BenchmarkRegisterSet(b *testing.B) {
	w := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}
	var r lww.Register[string]
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Set(w, "value"); err != nil {
			b.Fatal(err)
		}
	}
}
