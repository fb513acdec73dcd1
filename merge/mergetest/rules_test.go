package mergetest_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
)

// checkRule puts values through a plan for a struct with one field, of the
// given rule, beside one that is merged by default.
func checkRule[F any](t *testing.T, tag string, values ...F) {
	t.Helper()
	type row struct {
		Other string
		V     F
	}
	t.Run(tag, func(t *testing.T) {
		options := merge.Options[row]{Paths: map[string]string{"V": tag}}
		if tag == "" {
			options.Paths = nil
		}
		kit := &mergetest.Kit[row]{
			Plan: merge.MustCompile(options),
			Values: rapid.Custom(func(t *rapid.T) row {
				return row{rapid.SampledFrom([]string{"", "x"}).Draw(t, "other"), rapid.SampledFrom(values).Draw(t, "v")}
			}),
		}
		require.NoError(t, kit.Run(1, 200))
	})
}

type line struct {
	SKU  string
	N    int `merge:"additive"`
	Note string
}

// TestRules puts every built-in rule through the kit.
func TestRules(t *testing.T) {
	texts := []string{"", "a", "b", "c"}
	lists := [][]string{nil, {}, {"a"}, {"b", "a"}, {"c"}}
	nan := math.NaN()
	for _, tag := range []string{"lww", "first", "immutable", "manual", "nonzero", "max", "min", "rank=a<b", "-"} {
		checkRule(t, tag, texts...)
	}
	for _, tag := range []string{"lww", "max", "min", "first", "nonzero"} {
		checkRule(t, tag, 0, math.Copysign(0, -1), 1, nan, math.Inf(1))
	}
	for _, tag := range []string{"atomic", "union", "set"} {
		checkRule(t, tag, lists...)
	}
	checkRule(t, "additive", -1, 0, 1, 5)
	checkRule(t, "additive", uint8(0), 1, 100, 200)
	at := time.Unix(7, 0)
	checkRule(t, "min", time.Time{}, at, at.UTC(), at.In(time.FixedZone("x", 3600)), at.Add(1))
	checkRule(t, "", &line{}, nil, &line{N: 1}, &line{Note: "x"})
	checkRule(t, "", map[string]line{}, nil, map[string]line{"a": {N: 1}}, map[string]line{"a": {}, "b": {Note: "x"}})
	checkRule(t, "", map[string]int{}, map[string]int{"a": 1}, map[string]int{"a": 2, "b": 1})
	for _, tag := range []string{"keyed=SKU", "keyed=SKU,keep", "atomic"} {
		checkRule(t, tag, nil, []line{}, []line{{SKU: "a"}}, []line{{SKU: "b", N: 1}, {SKU: "a", N: 2}}, []line{{SKU: "a", Note: "x"}})
	}
	checkRule(t, "", json.RawMessage(nil), json.RawMessage(`1`), json.RawMessage(`{}`))
	checkRule(t, "", documents()...)
}

func documents() []map[string]any {
	return []map[string]any{
		nil,
		{},
		{"a": 1.0},
		{"a": nil, "b": []any{"x"}},
		{"b": []any{"x", "y"}, "c": map[string]any{"d": true}},
		{"c": map[string]any{"d": false, "e": json.Number("1")}},
		{"c": "text"},
	}
}

// TestGroups merges fields that move together.
func TestGroups(t *testing.T) {
	type address struct {
		Street string `merge:"group=home"`
		City   string `merge:"group=home"`
		Phone  string
	}
	text := rapid.SampledFrom([]string{"", "a", "b"})
	kit := &mergetest.Kit[address]{
		Plan: merge.MustCompile(merge.Options[address]{}),
		Values: rapid.Custom(func(t *rapid.T) address {
			return address{text.Draw(t, "street"), text.Draw(t, "city"), text.Draw(t, "phone")}
		}),
		Sides: 4,
	}
	require.NoError(t, kit.Run(1, 100))
}

// TestPairwise claims what the table of rules claims for those with the law F.
func TestPairwise(t *testing.T) {
	type stats struct {
		High  int      `merge:"max"`
		Low   int      `merge:"min"`
		Tier  string   `merge:"rank=a<b"`
		Sum   int      `merge:"additive"`
		Tags  []string `merge:"set"`
		Words []string `merge:"union"`
	}
	n, list := rapid.IntRange(-1, 2), rapid.SampledFrom([][]string{{}, {"a"}, {"b"}, {"a", "b"}})
	kit := &mergetest.Kit[stats]{
		Plan: merge.MustCompile(merge.Options[stats]{}),
		Values: rapid.Custom(func(t *rapid.T) stats {
			return stats{
				n.Draw(t, "high"), n.Draw(t, "low"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "tier"),
				n.Draw(t, "sum"), list.Draw(t, "tags"), list.Draw(t, "words"),
			}
		}),
		Pairwise: true,
	}
	require.NoError(t, kit.Run(1, 200))
}

// TestReplicatedTypes merges fields that merge themselves, whose memory only
// edits can reach.
func TestReplicatedTypes(t *testing.T) {
	type post struct {
		Title string
		Tags  crdt.ORSet[string]
		Likes *crdt.PNCounter
	}
	kit := &mergetest.Kit[post]{
		Plan: merge.MustCompile(merge.Options[post]{}),
		Edits: []func(*post){
			func(p *post) { p.Title += "t" },
			func(p *post) { p.Tags.Add("a", "p") },
			func(p *post) { p.Tags.Add("b", "q") },
			func(p *post) { p.Tags.Remove("a", "p") },
			func(p *post) { p.Likes = new(crdt.PNCounter) },
			func(p *post) {
				if p.Likes != nil {
					p.Likes.Add("a", 1)
				}
			},
		},
	}
	require.NoError(t, kit.Run(1, 100))
}

// TestCheck runs a kit with edits and values together, as a test of a program
// would, and as a property.
func TestCheck(t *testing.T) {
	type note struct {
		Text string
		Tags []string `merge:"set"`
		Seen map[string]bool
	}
	kit := &mergetest.Kit[note]{
		Plan:   merge.MustCompile(merge.Options[note]{}),
		Values: rapid.Just(note{Text: "a", Tags: []string{"x"}, Seen: map[string]bool{"u": true}}),
		Edits: []func(*note){
			func(n *note) { n.Text += "!" },
			func(n *note) { n.Tags = append(n.Tags, "y") },
			func(n *note) { n.Tags = slices.DeleteFunc(n.Tags, func(s string) bool { return s == "x" }) },
			func(n *note) { delete(n.Seen, "u") },
		},
	}
	kit.Check(t)
	rapid.Check(t, kit.Property)
}

// TestKitErrors names what a kit lacks.
func TestKitErrors(t *testing.T) {
	plan := merge.MustCompile(merge.Options[line]{})
	for want, kit := range map[string]*mergetest.Kit[line]{
		"mergetest: the Kit has no Plan":                  {},
		"mergetest: the Kit has neither Values nor Edits": {Plan: plan},
		"mergetest: Sides is 9, want 2 to 5":              {Plan: plan, Values: rapid.Just(line{}), Sides: 9},
	} {
		require.EqualError(t, kit.Run(1, 1), want)
	}
}
