package mergetest_test

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
)

// requireBroken fails t unless err names law in few words.
func requireBroken(t *testing.T, err error, law mergetest.Law) {
	t.Helper()
	var broken *mergetest.LawError
	require.ErrorAs(t, err, &broken)
	t.Log(broken)
	require.Equal(t, law, broken.Law, broken.Error())
	require.Contains(t, broken.Error(), string(law))
	require.NotEmpty(t, broken.Inputs)
	for _, line := range broken.Inputs {
		require.Contains(t, broken.Error(), "  "+line+"\n")
	}
	require.Less(t, len(broken.Error()), 500)
	require.LessOrEqual(t, len(broken.Inputs), 4)
}

// calls is the state of the world that a rule has no business looking at.
var calls int

func TestFaultsOfPrefer(t *testing.T) {
	longest := func(a, b string) int { return len(a) - len(b) }
	require.NoError(t, mergetest.Prefer(longest, "", "a", "b", "ab"))
	require.NoError(t, mergetest.Prefer(cmp.Compare[float64], 0, 1, -1, 0.5))
	for _, tt := range []struct {
		name    string
		law     mergetest.Law
		compare func(a, b string) int
	}{
		{"the first is always larger", mergetest.Reflexive, func(string, string) int { return 1 }},
		{"the first is larger unless equal", mergetest.Antisymmetric, func(a, b string) int {
			if a == b {
				return 0
			}
			return 1
		}},
		{"a bool made a number", mergetest.Antisymmetric, func(a, b string) int {
			if a < b {
				return 1
			}
			return 0
		}},
		{"rock beats scissors", mergetest.Transitive, func(a, b string) int {
			switch a + b {
			case "rs", "sp", "pr":
				return 1
			case "sr", "ps", "rp":
				return -1
			}
			return 0
		}},
		{"nearly equal is equal", mergetest.Transitive, func(a, b string) int {
			if d := int(a[0]) - int(b[0]); d < -1 || d > 1 {
				return d
			}
			return 0
		}},
		{"counter", mergetest.Deterministic, func(a, b string) int {
			calls++
			return cmp.Compare(a, b) * (calls%3 - 1)
		}},
		{"panic", mergetest.Panics, func(a, b string) int { return int(a[1]) - int(b[1]) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requireBroken(t, mergetest.Prefer(tt.compare, "r", "s", "p", "q"), tt.law)
		})
	}
	requireBroken(t, mergetest.Prefer(func(a, b []int) int {
		slices.Sort(a)
		slices.Sort(b)
		return slices.Compare(a, b)
	}, []int{1}, []int{2, 1}), mergetest.Argument)
	requireBroken(t, mergetest.Prefer(func(a, b *int) int { // by identity
		if a == b {
			return 0
		}
		return -1
	}, new(1), new(2)), mergetest.Reflexive)
}

// union is a right join of lists.
func union(a, b []string) []string {
	out := append(append([]string{}, a...), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

func TestFaultsOfJoin(t *testing.T) {
	lists := [][]string{{}, {"a"}, {"b"}, {"a", "b"}, {"c"}}
	require.NoError(t, mergetest.Join(union, lists...))
	require.NoError(t, mergetest.Join(func(a, b int) int { return max(a, b) }, 0, 1, -1, 7))
	require.NoError(t, mergetest.Join(func(a, b []string) []string { // returns an argument
		if slices.Compare(a, b) > 0 {
			return a
		}
		return b
	}, lists...))
	for _, tt := range []struct {
		name string
		law  mergetest.Law
		join func(a, b []string) []string
	}{
		{"the first argument", mergetest.Commutative, func(a, _ []string) []string { return a }},
		{"concatenation", mergetest.Idempotent, func(a, b []string) []string { return slices.Concat(a, b) }},
		{"the longer", mergetest.Commutative, func(a, b []string) []string {
			if len(a) >= len(b) {
				return a
			}
			return b
		}},
		{"append to an argument", mergetest.Argument, func(a, b []string) []string {
			for _, s := range b {
				if !slices.Contains(a, s) {
					a = append(a, s)
				}
			}
			return a
		}},
		{"union until three", mergetest.Associative, func(a, b []string) []string {
			if u := union(a, b); len(u) < 3 {
				return u
			}
			return max2(a, b)
		}},
		{"map order", mergetest.Deterministic, func(a, b []string) []string {
			set := map[string]bool{}
			for _, s := range slices.Concat(a, b) {
				set[s] = true
			}
			return slices.AppendSeq([]string{}, maps.Keys(set))
		}},
		{"counter", mergetest.Deterministic, func(a, b []string) []string {
			if calls++; calls%2 == 0 {
				return a
			}
			return b
		}},
		{"sorts its argument", mergetest.Argument, func(a, b []string) []string {
			slices.SortFunc(b, func(x, y string) int { return strings.Compare(y, x) })
			return union(a, b)
		}},
		{"panic", mergetest.Panics, func(a, b []string) []string { return max2(a[:1], b) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requireBroken(t, mergetest.Join(tt.join, lists...), tt.law)
		})
	}
}

// max2 returns the larger list.
func max2(a, b []string) []string {
	if slices.Compare(a, b) > 0 {
		return slices.Clone(a)
	}
	return slices.Clone(b)
}

func TestFaultsOfFunc(t *testing.T) {
	type list = []string
	values := []list{{}, {"a"}, {"b", "a"}, {"c"}}
	longest := func(c merge.Case[list]) (list, error) {
		out := c.Sides[0].Value
		for _, s := range c.Sides {
			if len(s.Value) > len(out) {
				out = s.Value
			}
		}
		return out, nil
	}
	require.NoError(t, mergetest.Func(longest, values...))
	require.NoError(t, mergetest.Func(func(merge.Case[list]) (list, error) { return nil, errors.New("ask") }, values...))
	for _, tt := range []struct {
		name string
		law  mergetest.Law
		f    func(merge.Case[list]) (list, error)
	}{
		{"counter", mergetest.Deterministic, func(c merge.Case[list]) (list, error) {
			calls++
			return c.Sides[calls%2].Value, nil
		}},
		{"now and then an error", mergetest.Deterministic, func(c merge.Case[list]) (list, error) {
			if calls++; calls%3 == 0 {
				return nil, errors.New("busy")
			}
			return c.Sides[0].Value, nil
		}},
		{"map order", mergetest.Deterministic, func(c merge.Case[list]) (list, error) {
			set := map[string]bool{"x": true, "y": true}
			for _, s := range c.Sides {
				for _, e := range s.Value {
					set[e] = true
				}
			}
			return slices.Collect(maps.Keys(set)), nil
		}},
		{"sorts a side", mergetest.Argument, func(c merge.Case[list]) (list, error) {
			for _, s := range c.Sides {
				slices.Sort(s.Value)
			}
			return c.Sides[0].Value, nil
		}},
		{"appends to the base", mergetest.Argument, func(c merge.Case[list]) (list, error) {
			if c.Base == nil {
				return c.Sides[0].Value, nil
			}
			return append(*c.Base, "x"), nil
		}},
		{"panics without a base", mergetest.Panics, func(c merge.Case[list]) (list, error) { return *c.Base, nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requireBroken(t, mergetest.Func(tt.f, values...), tt.law)
		})
	}
}

// A bag merges itself, and has a place for one fault.
type bag struct {
	items map[string]int
	fault string
}

func (b *bag) Add(item string) {
	if b.items == nil {
		b.items = map[string]int{}
	}
	b.items[item]++
}

func (b *bag) Clone() *bag {
	if b.fault == "clone" {
		return &bag{b.items, b.fault}
	}
	return &bag{maps.Clone(b.items), b.fault}
}

func (b *bag) Merge(o *bag) bool {
	before := maps.Clone(b.items)
	switch {
	case b.fault == "keeps its argument" && len(b.items) == 0:
		b.items = o.items
	case b.fault == "modifies its argument" && o.items != nil:
		maps.Copy(o.items, b.items)
		fallthrough
	default:
		for item, n := range o.items {
			if b.Add(item); b.fault == "sums" {
				b.items[item] += n - 1
			} else {
				b.items[item] = max(before[item], n)
			}
		}
	}
	return !maps.Equal(before, b.items)
}

func (b *bag) Equal(o *bag) bool { return maps.Equal(b.items, o.items) }

// TestFaultsOfTypes plants faults in the Merge method of a type whose memory
// only its own methods can reach. Preferring the receiver is none: a plan always
// asks in the same order.
func TestFaultsOfTypes(t *testing.T) {
	type cart struct {
		Owner string
		Bag   *bag
	}
	kit := func(fault string) *mergetest.Kit[cart] {
		add := func(item string) func(*cart) {
			return func(c *cart) {
				if c.Bag == nil {
					c.Bag = &bag{fault: fault}
				}
				c.Bag.Add(item)
			}
		}
		return &mergetest.Kit[cart]{
			Plan: merge.MustCompile(merge.Options[cart]{}),
			Edits: []func(*cart){
				func(c *cart) { c.Owner = "ada" },
				func(c *cart) { c.Bag = &bag{fault: fault} },
				add("p"), add("q"),
			},
		}
	}
	require.NoError(t, kit("").Run(1, 200))
	for fault, law := range map[string]mergetest.Law{
		"keeps its argument":    mergetest.Aliasing,
		"modifies its argument": mergetest.Argument,
		"sums":                  mergetest.Agreed,
	} {
		t.Run(fault, func(t *testing.T) { requireBroken(t, kit(fault).Run(1, 300), law) })
	}
}

// TestFaultsOfPlans plants faults among other fields, where inputs are drawn
// and made smaller.
func TestFaultsOfPlans(t *testing.T) {
	type doc struct {
		Title string
		Notes []string
		Size  int
	}
	values := rapid.Custom(func(t *rapid.T) doc {
		text := rapid.SampledFrom([]string{"", "a", "b"})
		notes := rapid.SampledFrom([][]string{{}, {"a"}, {"b", "c"}})
		return doc{text.Draw(t, "title"), notes.Draw(t, "notes"), rapid.IntRange(0, 3).Draw(t, "size")}
	})
	kit := func(notes merge.Rule[[]string]) *mergetest.Kit[doc] {
		return &mergetest.Kit[doc]{Values: values, Plan: merge.MustCompile(merge.Options[doc]{
			Overrides: []merge.Override[doc]{merge.Field(func(d *doc) *[]string { return &d.Notes }, notes)},
		})}
	}
	require.NoError(t, kit(merge.Join("union", union)).Run(1, 100))
	concat := func(a, b []string) []string { return append(slices.Clone(a), b...) }
	requireBroken(t, kit(merge.Join("concat", concat)).Run(1, 100), mergetest.Agreed)
	count := func(merge.Case[[]string]) ([]string, error) { calls++; return make([]string, calls%4), nil }
	requireBroken(t, kit(merge.Func("count", count)).Run(1, 100), mergetest.Deterministic)

	always := merge.Func("all", func(c merge.Case[[]string]) ([]string, error) {
		all := []string{}
		for _, s := range c.Sides {
			all = append(all, s.Value...)
		}
		slices.Sort(all)
		return all, nil
	}).Always()
	requireBroken(t, kit(always).Run(1, 100), mergetest.Agreed)
	waived := kit(always)
	waived.Waive = []mergetest.Law{mergetest.Agreed}
	require.NoError(t, waived.Run(1, 100))

	stepwise := kit(merge.Join("union", union))
	stepwise.Pairwise = true
	requireBroken(t, stepwise.Run(1, 300), mergetest.Pairwise)
}
