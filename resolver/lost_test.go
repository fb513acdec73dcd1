package resolver_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
)

// TestNothingLost lets clients read outcomes, by any policy, and write over them,
// and people settle what is deferred. Whatever a write takes out of a set was
// shown to its writer, or a record of the log has it with its value.
func TestNothingLost(t *testing.T) {
	rules := policies()
	ruleNames := slices.Sorted(maps.Keys(rules))
	rapid.Check(t, func(t *rapid.T) {
		log := &resolver.MemoryLog{}
		logged := func() map[lww.Stamp]item {
			all := map[lww.Stamp]item{}
			for _, rec := range log.Entries() {
				for _, p := range rec.Versions {
					var v resolver.Version[item]
					require.NoError(t, v.UnmarshalJSON(p))
					all[v.Stamp] = v.Value
				}
			}
			return all
		}
		regions := []*resolver.Siblings[item]{{}, {}, {}}
		clocks := make([]ticks, len(regions))
		clients := make([]resolver.Outcome[item], 3)
		replaced := map[lww.Stamp]bool{} // by a write whose writer was shown it
		var tickets []*resolver.Ticket[item]
		one := rapid.IntRange(0, 2)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			i := one.Draw(t, "region")
			s := regions[i]
			c := &clients[one.Draw(t, "client")]
			r := &resolver.Reconciler[item]{Rule: rules[rapid.SampledFrom(ruleNames).Draw(t, "rule")], Log: log}
			w := resolver.Writer{}
			w.Replica, w.Clock = names[i], &clocks[i]
			v := item{Name: "n", Stock: rapid.Int64Range(0, 5).Draw(t, "stock")}
			before := s.Versions()
			gone := func(shown lww.Stamp) {
				replaced[shown] = true
				all := logged()
				left := map[lww.Stamp]bool{}
				for _, v := range s.Versions() {
					left[v.Stamp] = true
				}
				for _, v := range before {
					value, ok := all[v.Stamp]
					require.True(t, left[v.Stamp] || replaced[v.Stamp] || ok && value == v.Value, "%v is lost", v.Stamp)
				}
			}
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				s.Merge(regions[one.Draw(t, "from")])
			case 1:
				if len(tickets) == 0 {
					continue
				}
				ticket := rapid.SampledFrom(tickets).Draw(t, "ticket")
				if _, err := r.Settle(t.Context(), w, s, ticket, ticket.Conflict.Use(v, "settled")); err == nil {
					gone(lww.Stamp{})
				}
			case 2, 3:
				if _, err := s.Write(w, c.Context, v); err == nil {
					gone(c.Winner)
				}
				*c = resolver.Outcome[item]{}
			default:
				var err error
				*c, err = r.Resolve(t.Context(), "k", s)
				require.NoError(t, err)
				if c.Ticket != nil {
					tickets = append(tickets, c.Ticket)
				}
			}
		}
	})
}
