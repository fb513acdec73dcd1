package merge_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// A mixed struct, as applications have them, and what one would write by hand
// to merge it by the same rules.
type mixed struct {
	Name    string
	Email   string
	Visits  int
	Stock   int64 `merge:"additive"`
	Seen    time.Time
	Tags    []string `merge:"set"`
	Prefs   map[string]string
	Address address
	Gift    *bool
	Lines   []mixedLine `merge:"keyed=SKU"`
}

type mixedLine struct {
	SKU   string
	Qty   int
	Price int64
}

func newMixed() mixed {
	gift := true
	return mixed{
		Name: "Ada Lovelace", Email: "ada@example.com", Visits: 12, Stock: 100, Seen: time.Unix(1_700_000_000, 0),
		Tags:    []string{"alpha", "beta", "gamma", "delta", "epsilon"},
		Prefs:   map[string]string{"theme": "dark", "lang": "en", "tz": "UTC", "size": "m", "news": "no"},
		Address: address{"1 Main St", "London", "N1"}, Gift: &gift,
		Lines: []mixedLine{{"sku-00000001", 1, 100}, {"sku-00000002", 2, 200}, {"sku-00000003", 3, 300}, {"sku-00000004", 4, 400}},
	}
}

// mixedSides returns two versions of a base that both changed, in different places.
func mixedSides() (base mixed, sides []merge.Side[mixed]) {
	base = newMixed()
	a, b := newMixed(), newMixed()
	a.Email, a.Stock, a.Tags[4], a.Prefs["theme"], a.Lines[1].Qty = "ada@example.org", 98, "zeta", "light", 5
	b.Visits, b.Stock, b.Seen, b.Prefs["size"], b.Address.City = 13, 97, time.Unix(1_700_000_500, 0), "l", "Bath"
	b.Tags = append(b.Tags, "eta")
	b.Lines[2].Price = 333
	return base, []merge.Side[mixed]{{Value: a, Stamp: stamp(1, "eu")}, {Value: b, Stamp: stamp(2, "us")}}
}

func newest[V comparable](base, old, late V) V {
	if late == base {
		return old
	}
	return late
}

// byHand merges two versions, older first.
func byHand(base, old, late *mixed) mixed {
	out := mixed{
		Name: newest(base.Name, old.Name, late.Name), Email: newest(base.Email, old.Email, late.Email),
		Visits: newest(base.Visits, old.Visits, late.Visits), Stock: old.Stock + late.Stock - base.Stock, Seen: late.Seen,
		Address: address{
			newest(base.Address.Street, old.Address.Street, late.Address.Street),
			newest(base.Address.City, old.Address.City, late.Address.City),
			newest(base.Address.Zip, old.Address.Zip, late.Address.Zip),
		},
	}
	if late.Seen.Equal(base.Seen) {
		out.Seen = old.Seen
	}
	gift := late.Gift
	if late.Gift == base.Gift || late.Gift != nil && base.Gift != nil && *late.Gift == *base.Gift {
		gift = old.Gift
	}
	if gift != nil {
		g := *gift
		out.Gift = &g
	}
	out.Tags = handSet(base.Tags, old.Tags, late.Tags)
	out.Prefs = handMap(base.Prefs, old.Prefs, late.Prefs)
	out.Lines = handLines(base.Lines, old.Lines, late.Lines)
	return out
}

func handSet(base, old, late []string) []string {
	switch {
	case slices.Equal(old, base), slices.Equal(old, late):
		return slices.Clone(late)
	case slices.Equal(late, base):
		return slices.Clone(old)
	}
	out := make([]string, 0, len(base)+2)
	for _, e := range base {
		if slices.Contains(old, e) && slices.Contains(late, e) {
			out = append(out, e)
		}
	}
	n := len(out)
	for _, s := range [][]string{old, late} {
		for _, e := range s {
			if !slices.Contains(base, e) && !slices.Contains(out[n:], e) {
				out = append(out, e)
			}
		}
	}
	slices.Sort(out[n:])
	return out
}

func handMap(base, old, late map[string]string) map[string]string {
	out := make(map[string]string, len(late))
	for k, v := range late {
		b, in := base[k]
		if in && v == b {
			if o, ok := old[k]; ok {
				out[k] = o
			}
			continue
		}
		out[k] = v
	}
	for k, v := range old {
		if _, ok := late[k]; ok {
			continue
		}
		if b, in := base[k]; !in {
			out[k] = v
		} else if b != v {
			continue // the newer delete wins
		}
	}
	return out
}

func handFind(lines []mixedLine, sku string) *mixedLine {
	for i := range lines {
		if lines[i].SKU == sku {
			return &lines[i]
		}
	}
	return nil
}

func handLines(base, old, late []mixedLine) []mixedLine {
	out := make([]mixedLine, 0, len(late))
	for i := range late {
		n := &late[i]
		b, o := handFind(base, n.SKU), handFind(old, n.SKU)
		switch {
		case b != nil && o == nil:
		case o == nil:
			out = append(out, *n)
		default:
			var zero mixedLine
			if b == nil {
				b = &zero
			}
			out = append(out, mixedLine{n.SKU, newest(b.Qty, o.Qty, n.Qty), newest(b.Price, o.Price, n.Price)})
		}
	}
	for i := range old {
		if handFind(base, old[i].SKU) == nil && handFind(late, old[i].SKU) == nil {
			out = append(out, old[i])
		}
	}
	return out
}

// byHandTwoWay merges two versions without a base: the newer, and what only
// the older has.
func byHandTwoWay(old, late *mixed) mixed {
	out := *late
	if late.Gift != nil {
		g := *late.Gift
		out.Gift = &g
	}
	out.Tags = slices.Clone(late.Tags)
	n := len(out.Tags)
	for _, e := range old.Tags {
		if !slices.Contains(out.Tags, e) {
			out.Tags = append(out.Tags, e)
		}
	}
	slices.Sort(out.Tags[n:])
	out.Prefs = maps.Clone(late.Prefs)
	for k, v := range old.Prefs {
		if _, ok := out.Prefs[k]; !ok {
			out.Prefs[k] = v
		}
	}
	out.Lines = slices.Clone(late.Lines)
	for i := range old.Lines {
		if handFind(late.Lines, old.Lines[i].SKU) == nil {
			out.Lines = append(out.Lines, old.Lines[i])
		}
	}
	return out
}

// A flat struct has scalars only.
type flat struct {
	A, B, C string
	D, E    int
	F, G    int64
	H       float64
	I, J    bool
}

func flatSides() (base flat, sides []merge.Side[flat]) {
	base = flat{A: "a", B: "b", C: "c", D: 1, E: 2, F: 3, G: 4, H: 5, I: true}
	a, b := base, base
	a.A, a.D, a.H = "x", 7, 6
	b.B, b.E, b.J = "y", 8, true
	return base, []merge.Side[flat]{{Value: a, Stamp: stamp(1, "eu")}, {Value: b, Stamp: stamp(2, "us")}}
}

func flatByHand(base, old, late *flat) flat {
	return flat{
		newest(base.A, old.A, late.A), newest(base.B, old.B, late.B), newest(base.C, old.C, late.C),
		newest(base.D, old.D, late.D), newest(base.E, old.E, late.E), newest(base.F, old.F, late.F), newest(base.G, old.G, late.G),
		newest(base.H, old.H, late.H), newest(base.I, old.I, late.I), newest(base.J, old.J, late.J),
	}
}

var (
	mixedSink mixed
	flatSink  flat
)

// BenchmarkPlanMixed merges the mixed struct. The target is 3 times the
// hand-written code.
func BenchmarkPlanMixed(b *testing.B) {
	base, sides := mixedSides()
	p := merge.MustCompile(merge.Options[mixed]{})
	same := slices.Clone(sides)
	same[0].Value.Stock = same[1].Value.Stock
	b.Run("three-way/by=hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mixedSink = byHand(&base, &sides[0].Value, &sides[1].Value)
		}
	})
	b.Run("three-way/by=plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mixedSink, _ = p.Merge(&base, sides...)
		}
	})
	b.Run("two-way/by=hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mixedSink = byHandTwoWay(&same[0].Value, &same[1].Value)
		}
	})
	b.Run("two-way/by=plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mixedSink, _ = p.Merge(nil, same...)
		}
	})
	b.Run("three-way/by=explain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mixedSink, _, _ = p.Explain(&base, sides...)
		}
	})
}

// BenchmarkPlanFlat merges ten scalars.
func BenchmarkPlanFlat(b *testing.B) {
	base, sides := flatSides()
	p := merge.MustCompile(merge.Options[flat]{})
	b.Run("three-way/by=hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			flatSink = flatByHand(&base, &sides[0].Value, &sides[1].Value)
		}
	})
	b.Run("three-way/by=plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			flatSink, _ = p.Merge(&base, sides...)
		}
	})
	b.Run("two-way/by=plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			flatSink, _ = p.Merge(nil, sides...)
		}
	})
}

// BenchmarkPlanKeyed merges lists of n lines of which each side changed some.
func BenchmarkPlanKeyed(b *testing.B) {
	type bill struct {
		Lines []mixedLine `merge:"keyed=SKU"`
	}
	p := merge.MustCompile(merge.Options[bill]{})
	for _, n := range []int{10, 100, 1000} {
		var base, x, y bill
		for i := range n {
			base.Lines = append(base.Lines, mixedLine{fmt.Sprintf("sku-%08d", i), i, int64(i)})
		}
		x.Lines, y.Lines = slices.Clone(base.Lines), slices.Clone(base.Lines)
		for i := 0; i < n; i += 7 {
			x.Lines[i].Qty++
		}
		y.Lines = append(y.Lines, mixedLine{"sku-new", 1, 1})
		b.Run(fmt.Sprintf("lines=%d/by=hand", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = handLines(base.Lines, x.Lines, y.Lines)
			}
		})
		b.Run(fmt.Sprintf("lines=%d/by=plan", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = p.Merge(&base, merge.Side[bill]{Value: x, Stamp: stamp(1, "eu")}, merge.Side[bill]{Value: y, Stamp: stamp(2, "us")})
			}
		})
	}
}

func TestByHand(t *testing.T) {
	base, sides := mixedSides()
	p := merge.MustCompile(merge.Options[mixed]{})
	got, err := p.Merge(&base, sides...)
	require.NoError(t, err)
	require.Equal(t, byHand(&base, &sides[0].Value, &sides[1].Value), got)
	sides[0].Value.Stock = sides[1].Value.Stock
	got, err = p.Merge(nil, sides...)
	require.NoError(t, err)
	require.Equal(t, byHandTwoWay(&sides[0].Value, &sides[1].Value), got)
}
