package resolver_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

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
	tagged := []string{"a", "b"}
	run := func(name string, rule resolver.Func[doc], s *resolver.Siblings[doc]) {
		b.Run(name, func(b *testing.B) {
			r := resolver.New(rule)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Resolve(bg, "user-00000042", s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("versions=1", resolver.LastWriterWins, write(b, &resolver.Siblings[doc]{}, at("eu", 1), resolver.Context{}, doc{1, tagged}))
	two := updates(b, doc{}, doc{1, tagged}, doc{2, tagged})
	run("versions=2/last", resolver.LastWriterWins, two)
	run("versions=2/chain", resolver.Chain(resolver.DeleteWins, resolver.LastWriterWins[doc]), two)
	run("versions=2/prefer", resolver.PreferReplica[doc]("us"), two)
	run("versions=2/home", resolver.HomeWins[doc](func(key string) vclock.Replica { return resolver.Home(key, "eu", "us") }), two)
	run("versions=2/max", resolver.MaxBy("n", func(d doc) int { return d.N }), two)
	run("versions=2/fields", resolver.Fields(merge.MustCompile(merge.Options[doc]{})), two)
	run("versions=2/own", func(_ context.Context, c *resolver.Conflict[doc]) (resolver.Decision[doc], error) {
		return c.Keep(0, ""), nil
	}, two)
	run("versions=5/last", resolver.LastWriterWins, updates(b, doc{}, doc{N: 1}, doc{N: 2}, doc{N: 3}, doc{N: 4}, doc{N: 5}))
}

// BenchmarkResolveKinds is of a value without references, which needs no copy.
func BenchmarkResolveKinds(b *testing.B) {
	two := updates(b, item{"base", 10, 1}, item{"eu", 8, 1}, item{"us", 9, 2})
	for name, rule := range map[string]resolver.Func[item]{
		"last": resolver.LastWriterWins[item],
		"max":  resolver.MaxBy("revision", func(v item) int { return v.Rev }),
		"own":  average,
	} {
		b.Run("rule="+name, func(b *testing.B) {
			r := resolver.New(rule)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = r.Resolve(bg, "user-00000042", two)
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
