package resolvertest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/resolver/resolvertest"
	"github.com/rejoin-go/rejoin/vclock"
)

// An item is a record of which the fields merge.
type item struct {
	Name  string
	Stock int64 `merge:"additive"`
	Rev   int   `merge:"max"`
}

func items() *rapid.Generator[item] {
	return rapid.Custom(func(t *rapid.T) item {
		return item{Name: rapid.SampledFrom([]string{"p", "q"}).Draw(t, "name"), Stock: rapid.Int64Range(0, 5).Draw(t, "stock"), Rev: rapid.IntRange(0, 2).Draw(t, "revision")}
	})
}

// average is neither associative nor idempotent, and need not be.
func average(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
	sum, n := int64(0), int64(0)
	for _, v := range c.Versions {
		if !v.Deleted {
			sum, n = sum+v.Value.Stock, n+1
		}
	}
	if n == 0 {
		return c.Delete("nothing left"), nil
	}
	return c.Use(item{Name: c.Key, Stock: sum / n}, "average").With(c.Compensation("recount")), nil
}

func few(v item) error {
	if v.Stock > 3 {
		return errors.New("too many")
	}
	return nil
}

// TestPolicies has every policy and combinator of package resolver obey the laws.
func TestPolicies(t *testing.T) {
	fields := resolver.Fields(merge.MustCompile(merge.Options[item]{}))
	for name, rule := range map[string]resolver.Rule[item]{
		"LastWriterWins":  resolver.LastWriterWins[item],
		"FirstWriterWins": resolver.FirstWriterWins[item],
		"DeleteWins":      resolver.DeleteWins[item],
		"UpdateWins":      resolver.UpdateWins[item],
		"Manual":          resolver.Manual[item],
		"MaxBy":           resolver.MaxBy("revision", func(v item) int { return v.Rev }),
		"MinBy":           resolver.MinBy("revision", func(v item) int { return v.Rev }),
		"PreferReplica":   resolver.PreferReplica[item]("us", "ap"),
		"HomeWins":        resolver.HomeWins[item](func(key string) vclock.Replica { return resolver.Home(key, "eu", "us", "ap") }),
		"Fields":          fields,
		"Chain":           resolver.Chain(resolver.UpdateWins, fields, resolver.LastWriterWins[item]),
		"ByKind":          resolver.ByKind(map[resolver.Kind]resolver.Rule[item]{resolver.UpdateDelete: resolver.DeleteWins[item], resolver.Tied: resolver.Manual[item]}, own(average)),
		"Check":           resolver.Chain(resolver.Check("stock", few, resolver.LastWriterWins[item]), resolver.FirstWriterWins),
		"Named":           resolver.Named("mean", "the mean of the stocks", average),
		"of the user's":   own(average),
	} {
		t.Run(name, func(t *testing.T) {
			(&resolvertest.Kit[item]{Rule: rule, Values: items()}).Check(t)
		})
	}
}

// TestLostEdit has a site write the value of an edit that it has lost once more, under the same
// stamp. Who answers by what was edited may answer otherwise.
func TestLostEdit(t *testing.T) {
	kit := &resolvertest.Kit[item]{Rule: resolver.Fields(merge.MustCompile(merge.Options[item]{})), Values: items()}
	require.NoError(t, kit.Lost(item{Name: "p", Stock: 1}, item{Name: "p", Stock: 3}, item{Name: "q", Stock: 2}))
}

// A peak is a value that merges by itself.
type peak struct{ N int }

func (p *peak) Merge(o *peak) bool {
	changed := o.N > p.N
	p.N = max(p.N, o.N)
	return changed
}

func (p *peak) String() string { return strconv.Itoa(p.N) }

func TestJoin(t *testing.T) {
	kit := &resolvertest.Kit[*peak]{
		Rule:   resolver.Chain(resolver.Join, resolver.DeleteWins[*peak]),
		Values: rapid.Custom(func(t *rapid.T) *peak { return &peak{rapid.IntRange(1, 3).Draw(t, "n")} }),
		Expect: func(out resolver.Outcome[*peak]) error {
			for _, v := range out.Conflict.Versions {
				if out.Found && v.Value.N > out.Value.N {
					return fmt.Errorf("%d is larger", v.Value.N)
				}
			}
			return nil
		},
	}
	kit.Check(t)
}

// TestAt has a rule with a memory that changes nothing, and the log of the site.
func TestAt(t *testing.T) {
	kit := &resolvertest.Kit[string]{
		At: func(vclock.Replica) *resolver.Reconciler[string] {
			cache := map[resolver.ID]int{}
			return &resolver.Reconciler[string]{Log: &resolver.MemoryLog{}, Rule: own(func(_ context.Context, c *conflict) (decision, error) {
				if _, ok := cache[c.ID]; !ok {
					cache[c.ID] = len(c.Versions) - 1
				}
				return c.Keep(cache[c.ID], "latest"), nil
			})}
		},
		Values: words(),
		Key:    "order-17",
		Sites:  []vclock.Replica{"a", "b"},
	}
	kit.Check(t)
}

// TestSlow has a rule that waits for an answer from elsewhere, and for its context.
func TestSlow(t *testing.T) {
	asked := make(chan chan int)
	go func() {
		for reply := range asked {
			reply <- 0
		}
	}()
	defer close(asked)
	kit := &resolvertest.Kit[string]{Values: words(), Rule: own(func(ctx context.Context, c *conflict) (decision, error) {
		reply := make(chan int, 1)
		select {
		case asked <- reply:
			return c.Keep(<-reply, "asked elsewhere"), nil
		case <-ctx.Done():
			return decision{}, ctx.Err()
		}
	})}
	require.NoError(t, kit.Run(1, 10))
}

// TestEqual has values that are written in any order and mean the same.
func TestEqual(t *testing.T) {
	calls := 0
	kit := &resolvertest.Kit[string]{Values: words(), Rule: own(func(_ context.Context, c *conflict) (decision, error) {
		set := map[string]bool{}
		for _, v := range c.Versions {
			for w := range strings.FieldsSeq(v.Value) {
				set[w] = true
			}
		}
		all := slices.Sorted(maps.Keys(set))
		if calls++; calls%2 == 0 {
			slices.Reverse(all)
		}
		return c.Use(strings.Join(all, " "), "all"), nil
	})}
	require.ErrorContains(t, kit.Run(1, 10), string(resolvertest.Deterministic))
	kit.Equal = func(x, y string) bool {
		return slices.Equal(slices.Sorted(strings.FieldsSeq(x)), slices.Sorted(strings.FieldsSeq(y)))
	}
	require.NoError(t, kit.Run(1, 10))
}

// repair writes the outcome of a conflict back when it is read at one of sites.
func repair(sites ...vclock.Replica) func(context.Context, *resolver.Reconciler[string], resolver.Writer, string, *resolver.Siblings[string]) (resolver.Outcome[string], error) {
	return func(ctx context.Context, rec *resolver.Reconciler[string], w resolver.Writer, key string, set *resolver.Siblings[string]) (resolver.Outcome[string], error) {
		out, err := rec.Resolve(ctx, key, set)
		if err != nil || out.Conflict == nil || !out.Found || !slices.Contains(sites, w.Replica) {
			return out, err
		}
		done, err := set.Write(w, out.Context, out.Value)
		out.Context = done.Context
		return out, err
	}
}

// TestRead has the home write outcomes back, which comes to rest; all sites, which
// answer each other for ever; and one that resolves by itself, without a log.
func TestRead(t *testing.T) {
	kit := &resolvertest.Kit[string]{Rule: own(latest), Values: words(), Read: repair("eu")}
	kit.Check(t)

	kit.Read = repair("eu", "us", "ap")
	require.ErrorContains(t, kit.Run(1, 100), string(resolvertest.Quiet)+`
  1. eu writes q
  2. us writes p
all sites read and hear of each other, 3 times, and each time there is something new; by now: `)

	kit.Read = func(ctx context.Context, rec *resolver.Reconciler[string], w resolver.Writer, key string, set *resolver.Siblings[string]) (resolver.Outcome[string], error) {
		if all := set.Versions(); len(all) > 1 && w.Replica == "eu" {
			if _, err := set.Write(w, set.Context(), all[len(all)-1].Value); err != nil {
				return resolver.Outcome[string]{}, err
			}
		}
		return rec.Resolve(ctx, key, set)
	}
	err := kit.Run(1, 100)
	require.ErrorContains(t, err, string(resolvertest.Kept))
	require.ErrorContains(t, err, "eu reads\n")
	require.ErrorContains(t, err, "is gone, nobody who replaced it was shown it, and it is in no log")
}

// TestReadHides shows a client nothing, under a context that covers everything.
// Only a context that covers what was shown may replace what is in no log.
func TestReadHides(t *testing.T) {
	kit := &resolvertest.Kit[string]{Rule: own(latest), Values: words()}
	kit.Read = func(_ context.Context, _ *resolver.Reconciler[string], _ resolver.Writer, _ string, set *resolver.Siblings[string]) (resolver.Outcome[string], error) {
		return resolver.Outcome[string]{Context: set.Context()}, nil
	}
	err := kit.Run(1, 100)
	require.ErrorContains(t, err, string(resolvertest.Kept))
	require.ErrorContains(t, err, "writes p over what it read\n")
}

// A panicking log is one that was set up wrongly.
type panicking struct{}

func (panicking) Append(context.Context, resolver.LogEntry) error { panic("no file") }

// TestPanicsAround lets what surrounds the rule panic.
func TestPanicsAround(t *testing.T) {
	kit := &resolvertest.Kit[string]{Rule: own(latest), Values: words()}
	kit.Read = func(context.Context, *resolver.Reconciler[string], resolver.Writer, string, *resolver.Siblings[string]) (resolver.Outcome[string], error) {
		panic("no table")
	}
	err := kit.Run(1, 100)
	require.ErrorContains(t, err, string(resolvertest.Answers))
	require.ErrorContains(t, err, "eu: reading: panic: no table, in resolvertest_test.TestPanicsAround.")

	kit = &resolvertest.Kit[string]{Values: words(), At: func(vclock.Replica) *resolver.Reconciler[string] {
		return &resolver.Reconciler[string]{Rule: own(latest), Log: panicking{}}
	}}
	err = kit.Run(1, 1)
	require.ErrorContains(t, err, `conflict over "k" (tied): eu@1 q, us@1 p`)
	require.ErrorContains(t, err, "panic: no file, in resolvertest_test.panicking.Append (kit_test.go:")

	kit.At = func(vclock.Replica) *resolver.Reconciler[string] { return nil }
	require.PanicsWithValue(t, `resolvertest: Kit.At returned no reconciler for "eu"`, func() { _ = kit.Run(1, 1) })
}

// A recorder is a test that fails without anybody minding.
type recorder struct {
	testing.TB
	text string
}

func (*recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestCheckFails(t *testing.T) {
	r := &recorder{TB: t}
	var done sync.WaitGroup
	done.Go(func() { (&resolvertest.Kit[string]{At: firstCome, Values: words()}).Check(r) })
	done.Wait()
	require.Contains(t, r.text, string(resolvertest.Order))

	_, seed, found := strings.Cut(r.text, "-rapid.seed=")
	require.True(t, found)
	n, err := strconv.Atoi(seed)
	require.NoError(t, err)
	require.ErrorContains(t, (&resolvertest.Kit[string]{At: firstCome, Values: words()}).Run(n, 1), string(resolvertest.Order))
}

// TestLater has a rule that holds for half an hour.
func TestLater(t *testing.T) {
	err := (&resolvertest.Kit[string]{Rule: own(stale), Values: words()}).Later(t)
	require.ErrorContains(t, err, string(resolvertest.Deterministic)+`
  1. eu writes q
  2. us writes p
conflict over "k" (tied): eu@1 q, us@1 p
eu keeps us@1 p: fresh
eu keeps eu@1 q: stale (1h0m0s later)`)
}

func FuzzRule(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz((&resolvertest.Kit[string]{Rule: own(latest), Values: words()}).Property))
}

func TestKitMistakes(t *testing.T) {
	for _, tt := range []struct {
		name string
		kit  resolvertest.Kit[string]
		want string
	}{
		{"no rule", resolvertest.Kit[string]{Values: words()}, "resolvertest: the Kit has neither Rule nor At"},
		{"no values", resolvertest.Kit[string]{Rule: own(latest)}, "resolvertest: the Kit has no Values"},
		{"one site", resolvertest.Kit[string]{Rule: own(latest), Values: words(), Sites: []vclock.Replica{"eu"}}, "resolvertest: the Kit has 1 Sites, want two or more"},
		{"same sites", resolvertest.Kit[string]{Rule: own(latest), Values: words(), Sites: []vclock.Replica{"eu", "us", "eu"}}, `resolvertest: the Kit has the site "eu" twice`},
		{"nameless site", resolvertest.Kit[string]{Rule: own(latest), Values: words(), Sites: []vclock.Replica{"eu", ""}}, `resolvertest: the Kit has an invalid site ""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.EqualError(t, tt.kit.Run(0, 1), tt.want)
		})
	}
}
