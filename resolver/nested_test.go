package resolver_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
)

// A delegate leaves conflicts to another rule.
type delegate struct{ rule resolver.Rule[item] }

func (d delegate) decide(ctx context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
	return d.rule.Resolve(ctx, c)
}

// TestNestedRules has rules of the user's that ask rules of the package, which
// then work on the user's copy of the conflict.
func TestNestedRules(t *testing.T) {
	sold := contest(t, edit("eu", 11, item{"base", 8, 3}), edit("us", 12, item{"base", 9, 2}))
	for name, tt := range map[string]struct {
		rule resolver.Rule[item]
		want int64
	}{
		"policy": {resolver.LastWriterWins[item], 9},
		"max":    {resolver.MaxBy("revision", func(v item) int { return v.Rev }), 8},
		"fields": {resolver.Fields(merge.MustCompile(merge.Options[item]{})), 7},
		"chain":  {resolver.Chain(resolver.DeleteWins[item], resolver.FirstWriterWins), 8},
		"deeper": {resolver.Chain(resolver.DeleteWins, own(delegate{resolver.LastWriterWins[item]}.decide)), 9},
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range []resolver.Func[item]{tt.rule.Resolve, delegate{tt.rule}.decide} {
				r := resolver.New(own(f))
				out, err := r.Resolve(t.Context(), "k", sold)
				require.NoError(t, err)
				require.Nil(t, out.Ticket, out.Reason)
				require.Equal(t, tt.want, out.Value.Stock)
			}
		})
	}
}

// TestNestedRuleGetsOtherVersions has a rule that asks another about some of the
// versions only. Its answer would be taken for one about all of them.
func TestNestedRuleGetsOtherVersions(t *testing.T) {
	sold := contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 2}))
	r := &resolver.Reconciler[item]{Rule: own(func(ctx context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
		some := *c
		some.Versions = c.Versions[1:]
		return resolver.Chain(resolver.LastWriterWins[item]).Resolve(ctx, &some)
	})}
	out, err := r.Resolve(t.Context(), "k", sold)
	require.NoError(t, err)
	require.NotNil(t, out.Ticket)
	require.Equal(t, "changed what it was given", out.Reason)
	require.Equal(t, "own", out.Rule)
}
