package merge_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
	"github.com/rejoin-go/rejoin/vclock"
)

// A votes is a type that merges by itself and has no bytes, no order and no
// Equal: two are told apart by what is in their memory only.
type votes struct{ of map[string]*int }

func (v *votes) Merge(o *votes) {
	if v.of == nil {
		v.of = map[string]*int{}
	}
	for k, n := range o.of {
		if m := v.of[k]; m == nil || *m < *n {
			v.of[k] = new(*n)
		}
	}
}

// An every has a field under each rule, by which tied sides may differ alone.
type every struct {
	Name   string
	At     time.Time
	First  int      `merge:"first"`
	Fixed  int      `merge:"immutable"`
	High   float64  `merge:"max"`
	Low    int      `merge:"min"`
	Tier   string   `merge:"rank=a<b"`
	Keep   int      `merge:"nonzero"`
	Sum    int      `merge:"additive"`
	Seen   []string `merge:"union"`
	Tags   []string `merge:"set"`
	Note   string   `merge:"manual"`
	From   int      `merge:"group=g"`
	To     string   `merge:"group=g"`
	List   []int
	Whole  enclosure `merge:"atomic"`
	Parts  enclosure
	Prefs  map[string]int
	Mail   map[string]enclosure
	Box    *enclosure
	Lines  []item `merge:"keyed=Key"`
	Doc    map[string]any
	Any    any
	Votes  votes
	Ballot *votes
	Even   int
	Bits   uint8
	Ask    string
	Gone   int `merge:"-"`
}

func everyPlan() *merge.Plan[every] {
	return merge.MustCompile(merge.Options[every]{Overrides: []merge.Override[every]{
		merge.Field(func(e *every) *int { return &e.Even }, merge.Prefer("even", func(a, b int) int { return cmp.Compare(b&1, a&1) })),
		merge.Field(func(e *every) *uint8 { return &e.Bits }, merge.Join("or", func(a, b uint8) uint8 { return a | b })),
		merge.Field(func(e *every) *string { return &e.Ask }, merge.Func("ask", func(c merge.Case[string]) (string, error) { return c.Sides[0].Value, nil })),
	}})
}

// everyValue draws a value, of which most is that of like.
func everyValue(t *rapid.T, like *every) every {
	v := mergetest.Values[every]().Draw(t, "value")
	draw := func(label string) votes {
		var out votes
		for _, k := range rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y"}), 0, 2).Draw(t, label) {
			out.Merge(&votes{map[string]*int{k: new(rapid.IntRange(0, 2).Draw(t, "n"))}})
		}
		return out
	}
	v.Votes = draw("votes")
	if v.Ballot != nil {
		*v.Ballot = draw("ballot")
	}
	slices.SortFunc(v.Lines, func(a, b item) int { return strings.Compare(a.Key, b.Key) })
	v.Lines = slices.CompactFunc(v.Lines, func(a, b item) bool { return a.Key == b.Key })
	if like == nil || rapid.IntRange(0, 3).Draw(t, "apart") == 0 {
		return v
	}
	near := *like
	switch rapid.IntRange(0, 5).Draw(t, "part") {
	case 0:
		near.Votes = v.Votes
	case 1:
		near.Ballot = v.Ballot
	case 2:
		near.At, near.High, near.Prefs = v.At, v.High, v.Prefs
	case 3:
		near.Lines, near.Box, near.Doc = v.Lines, v.Box, v.Doc
	case 4:
		near.From, near.To, near.Ask, near.Any = v.From, v.To, v.Ask, v.Any
	}
	return near
}

// TestReportOrder permutes sides whose stamps tie: nothing in the report may show
// in which order they were given, but for the numbers that name them.
func TestReportOrder(t *testing.T) {
	p := everyPlan()
	rapid.Check(t, func(t *rapid.T) {
		first := everyValue(t, nil)
		var base *every
		if rapid.Bool().Draw(t, "known") {
			b := everyValue(t, &first)
			base = &b
		}
		sides := []merge.Side[every]{{Value: first}, {Value: everyValue(t, &first)}, {Value: everyValue(t, &first)}}
		for i := range sides {
			sides[i].Stamp = lww.Stamp{
				Time:    hlc.Timestamp(rapid.IntRange(1, 2).Draw(t, "time")),
				Replica: rapid.SampledFrom([]vclock.Replica{"a", "a", "b"}).Draw(t, "replica"),
			}
		}
		explain := func(order ...int) string {
			var in []merge.Side[every]
			for _, i := range order {
				in = append(in, sides[i])
			}
			_, r, _ := p.Explain(base, in...)
			for i := range r.Changes {
				c := &r.Changes[i]
				if c.Winner >= 0 {
					c.Winner = 0
				}
				for j := range c.Candidates {
					c.Candidates[j].Side = 0
				}
			}
			text, err := json.Marshal(r)
			require.NoError(t, err)
			return r.String() + string(text)
		}
		want := explain(0, 1, 2)
		for _, order := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			require.Equal(t, want, explain(order...), "order %v", order)
		}
	})
}

// TestPlainTextCycle orders tied sides by memory that leads back to itself.
func TestPlainTextCycle(t *testing.T) {
	p := merge.MustCompile(merge.Options[struct{ R *ring }]{})
	round := func(names ...string) *ring {
		first := &ring{name: names[0]}
		last := first
		for _, n := range names[1:] {
			last.next = &ring{name: n}
			last = last.next
		}
		last.next = first
		return first
	}
	a, b := merge.Side[struct{ R *ring }]{Value: struct{ R *ring }{round("x", "y")}}, merge.Side[struct{ R *ring }]{Value: struct{ R *ring }{round("x", "z")}}
	one, err := p.Merge(nil, a, b)
	require.NoError(t, err)
	two, err := p.Merge(nil, b, a)
	require.NoError(t, err)
	require.Equal(t, one.R.next.name, two.R.next.name)
}

// A ring leads back to itself.
type ring struct {
	name string
	next *ring
}

func (r *ring) Clone() *ring { return r }

func (*ring) Merge(*ring) {}
