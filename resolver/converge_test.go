package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// An item is what the regions write.
type item struct {
	Name  string
	Stock int64 `merge:"additive"`
	Rev   int   `merge:"max"`
}

var names = []vclock.Replica{"af", "ap", "eu", "sa", "us"}

// average is deterministic and neither associative nor idempotent: three values
// at once give another result than two and then the third.
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

// policies are all built-in policies and combinators, and rules of the user's.
func policies() map[string]resolver.Rule[item] {
	small := func(v item) error {
		if v.Stock > 3 {
			return errors.New("too much")
		}
		return nil
	}
	return map[string]resolver.Rule[item]{
		"nil":     nil,
		"last":    resolver.LastWriterWins[item],
		"first":   resolver.FirstWriterWins[item],
		"max":     resolver.MaxBy("revision", func(v item) int { return v.Rev }),
		"min":     resolver.MinBy("revision", func(v item) int { return v.Rev }),
		"prefer":  resolver.PreferReplica[item]("us", "eu"),
		"home":    resolver.HomeWins[item](func(key string) vclock.Replica { return resolver.Home(key, names...) }),
		"delete":  resolver.DeleteWins[item],
		"update":  resolver.UpdateWins[item],
		"fields":  resolver.Fields(merge.MustCompile(merge.Options[item]{})),
		"manual":  resolver.Manual[item],
		"chain":   resolver.Chain(resolver.UpdateWins, resolver.Fields(merge.MustCompile(merge.Options[item]{})), resolver.LastWriterWins[item]),
		"by kind": resolver.ByKind(map[resolver.Kind]resolver.Rule[item]{resolver.UpdateDelete: resolver.DeleteWins[item], resolver.Tied: resolver.Manual[item]}, own(average)),
		"check":   resolver.Chain(resolver.Check("stock", small, resolver.LastWriterWins[item]), resolver.FirstWriterWins),
		"named":   resolver.Named("mean", "the mean of the stocks", average),
		"average": own(average),
	}
}

// shown is what an outcome shows, without what differs between calls.
func shown(t require.TestingT, rule resolver.Rule[item], s *resolver.Siblings[item]) string {
	out, err := (&resolver.Reconciler[item]{Rule: rule}).Resolve(context.Background(), "k", s)
	require.NoError(t, err)
	id := ""
	if out.Conflict != nil {
		id = out.Conflict.ID.String()
	}
	return fmt.Sprintf("%v %v %v %q %q %v %v %v %v", out.Value, out.Found, out.Winner, out.Rule, out.Reason, out.Context, out.Compensations, out.Ticket != nil, id)
}

// TestConvergence lets two, three and five regions write concurrently, and then
// hear of each other in any order, grouping and repetition, resolving and writing
// back by different policies meanwhile. All hold the same bytes in the end, and
// by every policy all show the same.
func TestConvergence(t *testing.T) {
	rules := policies()
	ruleNames := make([]string, 0, len(rules))
	for name := range rules {
		ruleNames = append(ruleNames, name)
	}
	slices.Sort(ruleNames)
	for _, n := range []int{2, 3, 5} {
		t.Run(fmt.Sprintf("regions=%d", n), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				regions := make([]*resolver.Siblings[item], n)
				clocks := make([]ticks, n)
				for i := range regions {
					regions[i] = &resolver.Siblings[item]{}
					clocks[i] = ticks(rapid.IntRange(0, 3).Draw(t, "clock"))
				}
				region := rapid.IntRange(0, n-1)
				write := func(i int, out resolver.Outcome[item]) {
					w := resolver.Writer{}
					w.Replica, w.Clock = names[i], &clocks[i]
					v := item{Name: "n", Stock: rapid.Int64Range(0, 5).Draw(t, "stock"), Rev: rapid.IntRange(0, 2).Draw(t, "revision")}
					var err error
					switch rapid.IntRange(0, 4).Draw(t, "how") {
					case 0:
						_, err = regions[i].Delete(w, out.Context)
					case 1:
						_, err = regions[i].Edit(w, out.Context, out.Value, v)
					case 2:
						_, err = regions[i].Edit(w, out.Context, out.Value, out.Value)
					default:
						_, err = regions[i].Write(w, out.Context, v)
					}
					require.NoError(t, err)
				}
				for range rapid.IntRange(1, 12).Draw(t, "steps") {
					i := region.Draw(t, "region")
					if rapid.Bool().Draw(t, "hear") {
						regions[i].Merge(regions[region.Draw(t, "from")])
						continue
					}
					r := resolver.New(rules[rapid.SampledFrom(ruleNames).Draw(t, "rule")])
					out, err := r.Resolve(t.Context(), "k", regions[i])
					require.NoError(t, err)
					write(i, out)
				}
				start := make([]*resolver.Siblings[item], n)
				for i, s := range regions {
					start[i] = s.Clone()
				}
				for _, x := range regions { // some hear from the others as they are by now, and twice
					for _, i := range rapid.SliceOfN(region, 0, 4).Draw(t, "heard") {
						x.Merge(regions[i])
					}
					for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4}[:n]).Draw(t, "order") {
						x.Merge(start[i])
					}
				}
				want, err := regions[0].MarshalBinary()
				require.NoError(t, err)
				for _, s := range regions[1:] {
					got, err := s.MarshalBinary()
					require.NoError(t, err)
					require.Equal(t, want, got)
				}
				for _, name := range ruleNames {
					want := shown(t, rules[name], regions[0])
					for _, s := range regions[1:] {
						require.Equal(t, want, shown(t, rules[name], s), name)
					}
				}
			})
		})
	}
}

// TestMergeLaws draws states of which some were written by two lineages of one
// replica, and some in different epochs.
func TestMergeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets := make([]*resolver.Siblings[string], 4)
		for i := range sets {
			sets[i] = &resolver.Siblings[string]{}
		}
		one := rapid.IntRange(0, len(sets)-1)
		contexts := []resolver.Context{{}}
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			s := sets[one.Draw(t, "set")]
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0, 1:
				epoch := max(s.Epoch(), uint64(rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "epoch")))
				time := hlc.Timestamp(epoch*100) + hlc.Timestamp(rapid.IntRange(1, 4).Draw(t, "time"))
				w := at(rapid.SampledFrom(names[:2]).Draw(t, "replica"), time)
				w.Epoch = epoch
				seen := rapid.SampledFrom(contexts).Draw(t, "seen")
				var behind *resolver.BehindError
				var fenced *resolver.FencedError
				if _, err := s.Write(w, seen, rapid.SampledFrom([]string{"p", "q"}).Draw(t, "value")); err != nil {
					require.True(t, errors.As(err, &behind) || errors.As(err, &fenced), "%v", err)
				}
			case 2:
				s.Promote(resolver.Promotion{Epoch: uint64(rapid.IntRange(1, 2).Draw(t, "epoch")), Cut: sets[one.Draw(t, "primary")].Context().Past()})
			case 3:
				contexts = append(contexts, s.Context())
			case 4:
				if s.Len() > 0 {
					contexts = append(contexts, s.Only(s.Len()-1))
				}
			default:
				s.Merge(sets[one.Draw(t, "from")])
			}
		}
		x, y, z := sets[0], sets[1], sets[2]
		y0 := y.Clone()
		merged := func(a, b *resolver.Siblings[string]) *resolver.Siblings[string] {
			c := a.Clone()
			before := c.Clone()
			require.Equal(t, c.Merge(b), !c.Equal(before))
			return c
		}
		xy := merged(x, y)
		require.True(t, y.Equal(y0), "the argument is not modified")
		require.True(t, xy.Equal(merged(y, x)), "commutative")
		require.True(t, merged(xy, z).Equal(merged(x, merged(y, z))), "associative")
		require.True(t, merged(xy, y).Equal(xy), "idempotent")
		require.Equal(t, x.Fenced(y), y.Fenced(x))
		for _, s := range []*resolver.Siblings[string]{x, xy, merged(xy, z)} {
			var b, j resolver.Siblings[string]
			enc, err := s.MarshalBinary()
			require.NoError(t, err)
			require.NoError(t, b.UnmarshalBinary(enc))
			require.True(t, s.Equal(&b))
			enc, err = s.MarshalJSON()
			require.NoError(t, err)
			require.NoError(t, j.UnmarshalJSON(enc), "%s", enc)
			require.True(t, s.Equal(&j), "%s", enc)
		}
	})
}
