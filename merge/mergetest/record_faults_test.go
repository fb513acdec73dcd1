package mergetest_test

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
	"github.com/rejoin-go/rejoin/vclock"
)

// requireBrokenHistory fails t unless err names law, with a history of at most
// the given number of steps.
func requireBrokenHistory(t *testing.T, err error, law mergetest.Law, steps int) {
	t.Helper()
	var broken *mergetest.LawError
	require.ErrorAs(t, err, &broken)
	t.Log(broken)
	require.Equal(t, law, broken.Law, broken.Error())
	require.LessOrEqual(t, len(broken.Inputs), steps)
	require.Less(t, len(broken.Error()), 700)
	for i, line := range broken.Inputs {
		require.Contains(t, broken.Error(), fmt.Sprintf("  %d. ", i+1)+line[3:]+"\n")
	}
}

// fickle is a coin that never falls into a rhythm: the sequence of Thue and Morse.
func fickle() bool {
	calls++
	return bits.OnesCount(uint(calls))%2 == 0
}

// A pair is a struct with a field for a rule to merge, beside another.
type pair[F any] struct {
	V     F
	Other int
}

// recordKit returns a kit for records of one field under a rule, which edits set
// to one of the values.
func recordKit[F any](rule merge.Rule[F], values ...F) *mergetest.RecordKit[pair[F]] {
	return &mergetest.RecordKit[pair[F]]{
		Plan: merge.MustCompile(merge.Options[pair[F]]{Record: true, Overrides: []merge.Override[pair[F]]{
			merge.Field(func(c *pair[F]) *F { return &c.V }, rule),
		}}),
		Edit: func(t *rapid.T, _ vclock.Replica, c *pair[F]) {
			if rapid.IntRange(0, 4).Draw(t, "field") == 0 {
				c.Other++
				return
			}
			c.V = rapid.SampledFrom(values).Draw(t, "value")
		},
	}
}

// TestRecordFaultsOfRules plants faults in custom rules. One that is not among
// them is a result that depends on which argument comes first: a record always
// asks in the same order.
func TestRecordFaultsOfRules(t *testing.T) {
	texts := []string{"r", "s", "p", "q", "rr"}
	cycle := func(a, b string) int {
		switch a + b {
		case "rs", "sp", "pr":
			return 1
		case "sr", "ps", "rp":
			return -1
		}
		return 0
	}
	lists := [][]string{{"a"}, {"b"}, {"a", "b"}, {"c"}, {"b", "c"}}
	require.NoError(t, recordKit(merge.Prefer("longest", func(a, b string) int { return len(a) - len(b) }), texts...).Run(1, 50))
	require.NoError(t, recordKit(merge.Join("union", union), lists...).Run(1, 50))
	for _, tt := range []struct {
		name  string
		kit   interface{ Run(seed, n int) error }
		law   mergetest.Law
		steps int
	}{
		{"sum", recordKit(merge.Join("sum", func(a, b int) int { return a + b }), 1, 2), mergetest.Inflation, 3},
		{"union until three", recordKit(merge.Join("most", func(a, b []string) []string {
			if u := union(a, b); len(u) < 3 {
				return u
			}
			return max2(a, b)
		}), lists...), mergetest.MergeAssociative, 7},
		{"a coin", recordKit(merge.Join("any", func(a, b []string) []string {
			if fickle() {
				return a
			}
			return b
		}), lists...), mergetest.Deterministic, 5},
		{"rock beats scissors", recordKit(merge.Prefer("game", cycle), texts...), mergetest.MergeAssociative, 8},
		{"panic", recordKit(merge.Prefer("byte", func(a, b string) int { return int(a[1]) - int(b[1]) }), texts...), mergetest.Panics, 4},
	} {
		t.Run(tt.name, func(t *testing.T) { requireBrokenHistory(t, tt.kit.Run(1, 200), tt.law, tt.steps) })
	}
}

// fault is what is wrong with a crowd.
var fault string

// A crowd is a set of small numbers that merges and marshals itself.
type crowd struct{ members []byte }

func (c *crowd) Add(b byte) {
	if !slices.Contains(c.members, b) {
		c.members = append(c.members, b)
		slices.Sort(c.members)
	}
}

func (c *crowd) Merge(o *crowd) {
	switch {
	case fault == "the two of both" && len(c.members) > 1:
		c.members = slices.DeleteFunc(c.members, func(b byte) bool { return !slices.Contains(o.members, b) })
	case fault == "the last is new" && len(c.members) > 0 && len(o.members) > 0:
		c.members = append(slices.Clone(o.members), c.members[len(c.members)-1]+1)
	default:
		for _, b := range o.members {
			c.Add(b)
		}
	}
}

func (c *crowd) MarshalBinary() ([]byte, error) {
	members := slices.Clone(c.members)
	if fault == "any order" && fickle() {
		slices.Reverse(members)
	}
	return append([]byte{byte(len(members))}, members...), nil
}

func (c *crowd) UnmarshalBinary(p []byte) error {
	if fault != "trusts its input" && (len(p) == 0 || len(p) != 1+int(p[0])) {
		return errors.New("no crowd")
	}
	members := slices.Clone(p[1:][:p[0]])
	if fault == "" && !slices.IsSorted(members) || len(slices.Compact(slices.Clone(members))) < len(members) {
		return errors.New("no crowd")
	}
	c.members = members
	return nil
}

// TestRecordFaultsOfTypes plants faults in a type that merges itself.
func TestRecordFaultsOfTypes(t *testing.T) {
	type team struct {
		Name string
		Of   crowd
	}
	kit := func() *mergetest.RecordKit[team] {
		return &mergetest.RecordKit[team]{
			Plan: merge.MustCompile(merge.Options[team]{Record: true}),
			Edit: func(t *rapid.T, _ vclock.Replica, v *team) {
				if rapid.IntRange(0, 3).Draw(t, "field") == 0 {
					v.Name += "x"
					return
				}
				v.Of.Add(rapid.ByteRange(1, 3).Draw(t, "member"))
			},
		}
	}
	t.Cleanup(func() { fault = "" })
	fault = ""
	require.NoError(t, kit().Run(1, 100))
	for _, tt := range []struct {
		fault string
		law   mergetest.Law
		steps int
	}{
		{"the two of both", mergetest.Converges, 3},
		{"the last is new", mergetest.MergeIdempotent, 3},
		{"any order", mergetest.Deterministic, 3},
		{"trusts its input", mergetest.Panics, 3},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			fault = tt.fault
			requireBrokenHistory(t, kit().Run(1, 200), tt.law, tt.steps)
		})
	}
}

// TestRecordFaultsOfCheck plants a check that depends on more than its argument.
func TestRecordFaultsOfCheck(t *testing.T) {
	type note struct{ Text string }
	kit := func(check func(*note) error) *mergetest.RecordKit[note] {
		return &mergetest.RecordKit[note]{Plan: merge.MustCompile(merge.Options[note]{Record: true, Check: check})}
	}
	empty := errors.New("empty")
	require.NoError(t, kit(func(n *note) error {
		if n.Text == "" {
			return empty
		}
		return nil
	}).Run(1, 50))
	requireBrokenHistory(t, kit(func(*note) error {
		if fickle() {
			return empty
		}
		return nil
	}).Run(1, 50), mergetest.Deterministic, 4)
	requireBrokenHistory(t, kit(func(n *note) error { return errors.New(n.Text[:1]) }).Run(1, 50), mergetest.Panics, 2)
}

// An account counts what is in stock and for how long it is reserved.
type account struct{ Stock, From, To int }

// accounts returns a kit for accounts under two rules, with a model that knows
// that changes of the stock add up, and that a reservation does not end before it
// begins.
func accounts(sum, span string) *mergetest.RecordKit[account] {
	return &mergetest.RecordKit[account]{
		Plan: merge.MustCompile(merge.Options[account]{
			Record: true, Paths: map[string]string{"Stock": sum, "From": span, "To": span},
		}),
		Edit: func(t *rapid.T, _ vclock.Replica, a *account) {
			if n := rapid.IntRange(1, 3).Draw(t, "n"); rapid.Bool().Draw(t, "reserve") {
				a.From, a.To = n, n+1
			} else {
				a.Stock += n
			}
		},
		Invariant: func(a account) error {
			if a.From > a.To {
				return errors.New("it ends before it begins")
			}
			return nil
		},
		View: func(a account) any { return a.Stock },
		Model: func(seen []mergetest.Write[account]) any {
			stock := 0
			for _, w := range seen {
				if lifeOf(seen, w) == lifeOf(seen, mergetest.Write[account]{}) && !w.Deleted {
					stock += w.Next.Stock - w.Read.Stock
				}
			}
			return stock
		},
	}
}

// lifeOf returns the last delete that a write had seen, or of all if w is zero.
func lifeOf(seen []mergetest.Write[account], w mergetest.Write[account]) (life lww.Stamp) {
	for _, d := range seen {
		if d.Deleted && d.Stamp.After(life) && (w.Stamp.IsZero() || w.Saw(d)) {
			life = d.Stamp
		}
	}
	return life
}

// TestRecordFaultsOfPlans gives fields the wrong rule, with which replicas agree
// on the wrong value.
func TestRecordFaultsOfPlans(t *testing.T) {
	require.NoError(t, accounts("additive", "group=span").Run(1, 100))
	requireBrokenHistory(t, accounts("lww", "group=span").Run(1, 100), mergetest.Model, 4)
	requireBrokenHistory(t, accounts("additive", "lww").Run(1, 100), mergetest.Invariant, 4)
}
