package crdt_test

import (
	"encoding"
	"fmt"
	"math"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/crdt/crdttest"
)

func bytesOf(tb testing.TB, m encoding.BinaryMarshaler) []byte {
	tb.Helper()
	p, err := m.MarshalBinary()
	require.NoError(tb, err)
	return p
}

func gset[E comparable](elems ...E) *crdt.GSet[E] {
	s := new(crdt.GSet[E])
	for _, e := range elems {
		s.Add(e)
	}
	return s
}

// Two regions note who has read the terms, and nobody is forgotten.
func TestGSetOnlyGrows(t *testing.T) {
	eu, us := gset("ann"), gset("bob")
	meet(t, eu, us)
	require.Equal(t, "[ann bob]", us.String())
	require.False(t, us.Merge(eu), "nothing new")
}

// A message has one element, and two messages the two of them.
func TestGSetMessages(t *testing.T) {
	var eu, us crdt.GSet[string]
	ann, bob := eu.Add("ann"), eu.Add("bob")
	require.Equal(t, 1, ann.Len())
	us.Merge(bob)
	us.Merge(ann)
	us.Merge(bob)
	require.True(t, us.Equal(&eu))
}

// TestGSetOrder has more elements than are scanned, in two orders.
func TestGSetOrder(t *testing.T) {
	x, y := new(crdt.GSet[int]), new(crdt.GSet[int])
	for i, j := range rand.New(rand.NewSource(1)).Perm(100) {
		x.Add(i)
		y.Add(j)
	}
	require.True(t, x.Equal(y) && y.Equal(x))
	require.False(t, x.Merge(y))
	require.Equal(t, bytesOf(t, x), bytesOf(t, y))
	require.True(t, x.Contains(99))
	require.False(t, x.Contains(100))
	y.Add(-1)
	require.False(t, x.Equal(y))
	require.True(t, x.Merge(y))
	require.Equal(t, 101, x.Len())
}

func TestGSetElements(t *testing.T) {
	type point struct{ X, Y float64 }
	s := gset(point{0, 1}, point{math.Copysign(0, -1), 1})
	require.Equal(t, 1, s.Len())
	require.PanicsWithValue(t, "crdt: key type crdt_test.point: field X: NaN is no key or element", func() { s.Add(point{math.NaN(), 0}) })
	require.Panics(t, func() { new(crdt.GSet[*int]).Add(nil) })
}

func TestGSetGolden(t *testing.T) {
	golden(t, "gset", gset("us", "", "eu", "\xff"), gset[string]())
	golden(t, "gset_int", gset[int64](1, -1, 1<<60), gset[int64]())
	golden(t, "gset_empty", gset[string](), gset[string]())
}

func TestGSetRefusesBytes(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "unexpected end of input"},
		{"unknown version", "\x04\x00", "unknown format version 4"},
		{"count beyond the input", "\x03\x09\x02\x00", "count 2 exceeds what 1 bytes can hold"},
		{"not sorted", "\x03\x09\x02\x01b\x01a", "key 61 does not follow 62"},
		{"fields of nothing", "\x03\x89\x00\x01\x01a", "kinds are not in their canonical form"},
		{"twice", "\x03\x09\x02\x01a\x01a", "key 61 does not follow 61"},
		{"trailing bytes", "\x03\x09\x00\x00", "1 trailing bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := gset("p")
			require.ErrorContains(t, s.UnmarshalBinary([]byte(tt.data)), tt.want)
			require.True(t, s.Equal(gset("p")), "an error leaves the receiver alone")
		})
	}
	require.ErrorContains(t, gset(1).UnmarshalBinary([]byte("\x03\x09\x01\x01a")), "crdt: decode GSet: offset 5: key: ")
	require.ErrorContains(t, new(crdt.GSet[any]).UnmarshalBinary([]byte{1, 0}), "crdt: decode GSet: key type interface {}")
}

func TestGSetRefusesJSON(t *testing.T) {
	for _, text := range []string{`{}`, `["p","p"]`, `[1]`, `[`} {
		s := gset("p")
		require.Error(t, s.UnmarshalJSON([]byte(text)), text)
		require.True(t, s.Equal(gset("p")))
	}
}

func FuzzGSet(f *testing.F) {
	f.Add(bytesOf(f, gset[string]()))
	f.Add(bytesOf(f, gset("p", "q", "")))
	f.Add([]byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")) // a count that no input can hold
	f.Fuzz(func(t *testing.T, p []byte) {
		require.NoError(t, crdttest.Decode(func() *crdt.GSet[string] { return gset("p") }, p))
		require.NoError(t, crdttest.Decode(func() *crdt.GSet[int32] { return gset[int32](1) }, p))
	})
}

// A delta that nobody looks at is free.
func TestGSetAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters keep Add from being inlined")
	}
	var x, y crdt.GSet[string]
	delta := x.Add("p")
	x.Add("q")
	y.Merge(&x)
	for name, f := range map[string]func(){
		"Add":         func() { x.Add("q") },
		"Contains":    func() { _ = x.Contains("p") },
		"Merge delta": func() { y.Merge(delta) },
		"Merge state": func() { y.Merge(&x) },
		"Equal":       func() { _ = y.Equal(&x) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

// BenchmarkGSet has a map[string]struct{} as its baseline.
func BenchmarkGSet(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		elems := make([]string, n)
		for i := range elems {
			elems[i] = fmt.Sprintf("sku-%08d", i)
		}
		b.Run(fmt.Sprintf("Add/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				gset(elems...)
			}
		})
		b.Run(fmt.Sprintf("Add/map/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := map[string]struct{}{}
				for _, e := range elems {
					m[e] = struct{}{}
				}
			}
		})
		x, y := gset(elems...), gset(elems...)
		b.Run(fmt.Sprintf("Merge/equal/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Merge(y)
			}
		})
		m := map[string]struct{}{}
		for _, e := range elems {
			m[e] = struct{}{}
		}
		b.Run(fmt.Sprintf("Merge/equal/map/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range elems {
					m[e] = struct{}{}
				}
			}
		})
	}
}

// TestGSetDeltas: a delta has its one element, alone and joined with others.
func TestGSetDeltas(t *testing.T) {
	var s crdt.GSet[string]
	x, y, again := s.Add("x"), s.Add("y"), s.Add("x")
	require.True(t, x.Contains("x"))
	require.False(t, x.Contains("y"))
	require.Equal(t, 1, x.Len())
	require.True(t, x.Equal(again))
	require.False(t, x.Equal(y) || x.Equal(&s) || s.Equal(x))
	require.True(t, x.Equal(gset("x")) && gset("x").Equal(x))
	require.False(t, x.Equal(gset("y")) || gset("y").Equal(x))
	require.True(t, must(x.MergeBinary(encoded(t, y))))
	require.False(t, must(x.MergeBinary(encoded(t, y))))
	require.True(t, x.Equal(&s) && s.Equal(x))
	require.True(t, y.Merge(again))
	require.False(t, y.Merge(again))
	require.True(t, y.Equal(&s))
	require.Equal(t, 1, again.Clone().Len())
	again.Add("x")
	require.Equal(t, 1, again.Len())
	require.Equal(t, []string{"x", "y"}, slices.Sorted(y.All()))
}

// TestMergeBinaryOfMany: bytes with many elements, some of which are there, bring the rest,
// whatever type they have.
func TestMergeBinaryOfMany(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 20} {
		var s, o crdt.GSet[string]
		var p crdt.TwoPSet[string]
		var m, grown crdt.GMap[string, *crdt.GCounter]
		numbers := gset[int]()
		for i := range n {
			s.Add(fmt.Sprint(i))
			numbers.Add(i)
			o.Add(fmt.Sprint(i + n/2))
			p.Add(fmt.Sprint(i))
			grown.MergeAt(fmt.Sprint(i), new(crdt.GCounter).Add("us", 1))
		}
		m.MergeAt("x", new(crdt.GCounter).Add("us", 1))
		for _, want := range []bool{n/2 > 0, false} {
			require.Equal(t, want, must(s.MergeBinary(encoded(t, &o))))
		}
		require.Equal(t, n+n/2, s.Len())
		require.True(t, s.Contains(fmt.Sprint(n+n/2-1)))
		require.False(t, s.Contains(""))
		q := twopset([]string{"0"}, nil)
		q.Remove("0")
		q.Add("x")
		for _, want := range []bool{n > 1, false} {
			require.Equal(t, want, must(q.MergeBinary(encoded(t, &p))))
		}
		require.Equal(t, n, q.Len())
		require.True(t, must(p.MergeBinary(encoded(t, q))))
		require.True(t, p.Equal(q))
		for _, want := range []bool{true, false} {
			require.Equal(t, want, must(m.MergeBinary(encoded(t, &grown))))
		}
		require.Equal(t, n+1, m.Len())
		c, ok := m.At(fmt.Sprint(n - 1))
		require.True(t, ok)
		require.Equal(t, "1", c.String())
		require.False(t, must(numbers.MergeBinary(encoded(t, numbers))))
		require.Equal(t, n > 5, !must(numbers.MergeBinary(encoded(t, gset(5)))))
	}
}
