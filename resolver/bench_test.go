package resolver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestAllocs counts the allocations of what every read and most merges do.
func TestAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage changes what is inlined")
	}
	r := resolver.New(resolver.LastWriterWins[doc])
	r.Log = &resolver.MemoryLog{}
	one, none := write(t, &resolver.Siblings[doc]{}, at("eu", 1), resolver.Context{}, doc{N: 1}), &resolver.Siblings[doc]{}
	many := updates(t, doc{}, doc{N: 1}, doc{N: 2})
	same := many.Clone()
	for name, f := range map[string]func(){
		"Resolve, one version": func() { _, _ = r.Resolve(bg, "k", one) },
		"Resolve, none":        func() { _, _ = r.Resolve(bg, "k", none) },
		"Merge of equals":      func() { many.Merge(same) },
		"Fenced, one epoch":    func() { many.Fenced(one) },
		"Context":              func() { _ = many.Context() },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
	if raceEnabled {
		t.Skip("the sync.Pool of a plan drops things under the race detector")
	}
	scalars, references := updates(t, item{"base", 10, 1}, item{"eu", 8, 1}, item{"us", 9, 2}), updates(t, someOrder(2), someOrder(0), someOrder(1))
	for _, tt := range []struct {
		rule                string
		scalars, references float64
	}{
		{"last", 2, 2},
		{"first", 2, 2},
		{"delete", 3, 3},
		{"update", 3, 3},
		{"prefer", 3, 3},
		{"home", 3, 3},
		{"max", 4, 11},
		{"min", 4, 11},
		{"fields", 6, 10},
		{"manual", 3, 3},
		{"kind", 2, 2},
		{"check", 4, 8},
		{"own", 6, 22},
	} {
		s, o := resolver.New(ofItems()[tt.rule]), resolver.New(ofOrders()[tt.rule])
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = s.Resolve(bg, "k", scalars) }), tt.scalars, tt.rule)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = o.Resolve(bg, "k", references) }), tt.references, tt.rule)
	}
}

// A rowOrder is what a service keeps in a row.
type rowOrder struct {
	ID, Status string
	Amount     int64
}

// row decodes a set, writes to it under what it shows, and encodes it.
func row(t require.TestingT, in []byte, w resolver.Writer) []byte {
	var s resolver.Siblings[rowOrder]
	err := s.UnmarshalBinary(in)
	require.NoError(t, err)
	_, err = s.Write(w, s.Context(), rowOrder{"order-17", "paid", 4200})
	require.NoError(t, err)
	out, err := s.MarshalBinary()
	require.NoError(t, err)
	return out
}

func oneRow(t require.TestingT) ([]byte, resolver.Writer) {
	s, w := &resolver.Siblings[rowOrder]{}, at("eu", 1)
	_, err := s.Write(w, resolver.Context{}, rowOrder{"order-17", "open", 4200})
	require.NoError(t, err)
	in, err := s.MarshalBinary()
	require.NoError(t, err)
	return in, w
}

// TestRowAllocs counts what a service's request allocates: the set and the result, a
// clock and a value before and after, and the strings of the one that is read.
func TestRowAllocs(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("coverage and the race detector change what is inlined")
	}
	in, w := oneRow(t)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { row(t, in, w) }), 10.0)
}

// BenchmarkRow is of a row of one version, next to encoding/json of a struct that does
// the same.
func BenchmarkRow(b *testing.B) {
	b.Run("baseline=json", func(b *testing.B) {
		in, err := json.Marshal(rowOrder{"order-17", "open", 4200})
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			var o rowOrder
			_ = json.Unmarshal(in, &o)
			o.Status = "paid"
			_, _ = json.Marshal(o)
		}
	})
	b.Run("Siblings", func(b *testing.B) {
		in, w := oneRow(b)
		b.ReportAllocs()
		for b.Loop() {
			row(b, in, w)
		}
	})
}

// BenchmarkResolve measures reading a key, next to a comparison of stamps written
// by hand.
func BenchmarkResolve(b *testing.B) {
	b.Run("baseline=hand-written", func(b *testing.B) {
		type row struct {
			value doc
			stamp lww.Stamp
		}
		rows := []row{{doc{N: 1}, stamp("eu", 10)}, {doc{N: 2}, stamp("us", 11)}}
		var sum int
		b.ReportAllocs()
		for b.Loop() {
			last := rows[0]
			for _, r := range rows[1:] {
				if r.stamp.After(last.stamp) {
					last = r
				}
			}
			sum += last.value.N
		}
	})
	benchmarkPolicies(b, "scalars", ofItems(), item{"base", 10, 1}, item{"eu", 8, 1}, item{"us", 9, 2})
	benchmarkPolicies(b, "references", ofOrders(), someOrder(2), someOrder(0), someOrder(1))
}

// ofItems returns every policy and combinator, by name.
func ofItems() map[string]resolver.Rule[item] {
	return map[string]resolver.Rule[item]{
		"last":   resolver.LastWriterWins[item],
		"first":  resolver.FirstWriterWins[item],
		"delete": resolver.Chain(resolver.DeleteWins, resolver.LastWriterWins[item]),
		"update": resolver.Chain(resolver.UpdateWins, resolver.LastWriterWins[item]),
		"prefer": resolver.PreferReplica[item]("us"),
		"home":   resolver.HomeWins[item](func(key string) vclock.Replica { return resolver.Home(key, "eu", "us") }),
		"max":    resolver.MaxBy("revision", func(v item) int { return v.Rev }),
		"min":    resolver.MinBy("revision", func(v item) int { return v.Rev }),
		"fields": resolver.Fields(merge.MustCompile(merge.Options[item]{})),
		"manual": resolver.Manual[item],
		"kind":   resolver.ByKind(map[resolver.Kind]resolver.Rule[item]{resolver.UpdateDelete: resolver.DeleteWins[item]}, resolver.LastWriterWins),
		"check":  resolver.Check("revision", func(item) error { return nil }, resolver.LastWriterWins[item]),
		"own": own(func(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
			return c.Keep(0, ""), nil
		}),
	}
}

// ofOrders is ofItems of values with references. Generic code could not make both:
// what it instantiates cannot be told from a rule of its own.
func ofOrders() map[string]resolver.Rule[order] {
	return map[string]resolver.Rule[order]{
		"last":   resolver.LastWriterWins[order],
		"first":  resolver.FirstWriterWins[order],
		"delete": resolver.Chain(resolver.DeleteWins, resolver.LastWriterWins[order]),
		"update": resolver.Chain(resolver.UpdateWins, resolver.LastWriterWins[order]),
		"prefer": resolver.PreferReplica[order]("us"),
		"home":   resolver.HomeWins[order](func(key string) vclock.Replica { return resolver.Home(key, "eu", "us") }),
		"max":    resolver.MaxBy("revision", func(v order) int { return v.Rev }),
		"min":    resolver.MinBy("revision", func(v order) int { return v.Rev }),
		"fields": resolver.Fields(merge.MustCompile(merge.Options[order]{})),
		"manual": resolver.Manual[order],
		"kind":   resolver.ByKind(map[resolver.Kind]resolver.Rule[order]{resolver.UpdateDelete: resolver.DeleteWins[order]}, resolver.LastWriterWins),
		"check":  resolver.Check("revision", func(order) error { return nil }, resolver.LastWriterWins[order]),
		"own": own(func(_ context.Context, c *resolver.Conflict[order]) (resolver.Decision[order], error) {
			return c.Keep(0, ""), nil
		}),
	}
}

// An order is a value that shares memory when assigned.
type order struct {
	Customer, Status string
	Rev              int `merge:"max"`
	Lines            []line
	Notes            map[string]string
	Payment          *line
}

// someOrder returns the i-th change of an order.
func someOrder(i int) order {
	return order{
		"u-000042", "open", i, []line{{"lamp", 2}, {"mug", 1}}, map[string]string{"to": "door", "ring": "twice"}, &line{"card", i},
	}
}

type line struct {
	Product  string
	Quantity int
}

func benchmarkPolicies[T any](b *testing.B, values string, rules map[string]resolver.Rule[T], base, eu, us T) {
	b.Helper()
	run := func(name string, rule resolver.Rule[T], s *resolver.Siblings[T]) {
		b.Run("values="+values+"/"+name, func(b *testing.B) {
			r := resolver.New(rule)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Resolve(bg, "user-00000042", s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	last := rules["last"]
	run("versions=1", last, write(b, &resolver.Siblings[T]{}, at("eu", 1), resolver.Context{}, eu))
	two := updates(b, base, eu, us)
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		run("versions=2/rule="+name, rules[name], two)
	}
	run("versions=5/rule=last", last, updates(b, base, eu, us, eu, us, eu))
}

// BenchmarkResolveJoin is of values that merge by themselves.
func BenchmarkResolveJoin(b *testing.B) {
	r := resolver.New[*crdt.PNCounter](resolver.Join)
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprintf("versions=%d", n), func(b *testing.B) {
			s := updates(b, count("ap", 1), []*crdt.PNCounter{count("eu", 3), count("us", 4)}[:n]...)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = r.Resolve(bg, "user-00000042", s)
			}
		})
	}
}

func BenchmarkSiblings(b *testing.B) {
	s := updates(b, doc{}, doc{N: 1}, doc{N: 2})
	enc, err := s.MarshalBinary()
	require.NoError(b, err)
	next := write(b, s, at("eu", 20), s.Context(), doc{N: 3})
	for name, f := range map[string]func(){
		"Merge/equal":     func() { s.Merge(s) },
		"Merge/newer":     func() { s.Clone().Merge(next) },
		"Write":           func() { _, _ = s.Clone().Write(at("eu", 20), s.Context(), doc{N: 3}) },
		"AppendBinary":    func() { enc, _ = s.AppendBinary(enc[:0]) },
		"UnmarshalBinary": func() { _ = new(resolver.Siblings[doc]).UnmarshalBinary(enc) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

// BenchmarkBlindWrites writes what nobody replaces. An operation is a whole set.
func BenchmarkBlindWrites(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("versions=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, w := &resolver.Siblings[int]{}, at("eu", 1)
				for i := range n {
					_, _ = s.Write(w, resolver.Context{}, i)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/write")
		})
	}
}

func BenchmarkHome(b *testing.B) {
	for _, n := range []int{3, 10} {
		b.Run(fmt.Sprintf("replicas=%d", n), func(b *testing.B) {
			replicas := []vclock.Replica{"af", "ap", "eu", "me", "na", "oc", "sa", "us", "ux", "uy"}[:n]
			b.ReportAllocs()
			for b.Loop() {
				_ = resolver.Home("user-00000042", replicas...)
			}
		})
	}
}
