package merge_test

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
)

// A steady has fields under all rules with the law U, in all places that hold
// values.
type steady struct {
	Name   string
	At     time.Time
	When   *time.Time
	Ratio  float64
	Flags  *bool
	List   []int
	Raw    []byte
	Three  [3]float32
	Whole  map[string][]string `merge:"atomic"`
	High   float64             `merge:"max"`
	Low    *int                `merge:"min"`
	Latest time.Time           `merge:"max"`
	Tier   string              `merge:"rank=a<b"`
	Total  int8                `merge:"additive"`
	Tags   []string            `merge:"set"`
	Times  []time.Time
	Note   string  `merge:"manual"`
	Bits   float32 `merge:"manual"`
	From   float64 `merge:"group=g"`
	To     []int   `merge:"group=g"`
	steadyPart
	Part  steadyPart
	Gift  *steadyPart
	Lines []steadyLine  `merge:"keyed=Key"`
	Refs  []*steadyLine `merge:"keyed=Key"`
	Kept  []steadyLine  `merge:"keyed=Key,keep"`
	Prefs map[string]string
	Mail  map[int]steadyPart
	Boxes map[string]*steadyPart
	Marks map[string][]string
	Doc   map[string]any
	Any   any
	Even  int
	Ask   string
	Cents int64
	Spare *int16 `merge:"additive"`
	Tree  *steady
}

type steadyPart struct {
	Qty  int
	Seen time.Time
	Sum  uint16   `merge:"additive"`
	Set  []string `merge:"set"`
	Map  map[string]float64
}

type steadyLine struct {
	Key string
	N   int
	steadyPart
}

func steadyPlan() *merge.Plan[steady] {
	return merge.MustCompile(merge.Options[steady]{Overrides: []merge.Override[steady]{
		merge.Field(func(s *steady) *int { return &s.Even }, merge.Prefer("Prefer", func(a, b int) int { return cmp.Compare(b&1, a&1) })),
		merge.Field(func(s *steady) *string { return &s.Ask }, merge.Func("Func", func(merge.Case[string]) (string, error) { return "asked", nil })),
	}})
}

// steadyValue draws a value that differs from like, if that is not nil, in a few
// of its fields.
func steadyValue(t *rapid.T, like *steady) steady {
	v := mergetest.Values[steady]().Draw(t, "value")
	tidy(&v)
	odd := rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, math.NaN(), math.Float64frombits(0x7ff8000000000002)})
	v.High, v.Ratio, v.From = odd.Draw(t, "high"), odd.Draw(t, "ratio"), odd.Draw(t, "from")
	if n := rapid.IntRange(0, 5).Draw(t, "number"); n < 3 && v.Doc != nil {
		v.Doc["n"] = []any{1, 1.0, json.Number("1")}[n]
	}
	if like == nil || rapid.IntRange(0, 7).Draw(t, "all") == 0 {
		return v
	}
	near := *like
	from, to := reflect.ValueOf(&v).Elem(), reflect.ValueOf(&near).Elem()
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		i := rapid.IntRange(0, to.NumField()-1).Draw(t, "field")
		if f := to.Field(i); f.CanSet() {
			f.Set(from.Field(i))
		} else {
			near.steadyPart = v.steadyPart
		}
	}
	return near
}

// tidy removes duplicate keys and elements, which are errors, and nil elements.
func tidy(v *steady) {
	v.Lines, v.Kept = uniqueLines(v.Lines), uniqueLines(v.Kept)
	var refs []*steadyLine
	for i, l := range uniqueLines(v.Lines) {
		refs = append(refs, &[]steadyLine{l}[0])
		refs[i].N++
	}
	v.Refs = refs
	v.Tags = unique(v.Tags)
	parts := []*steadyPart{&v.steadyPart, &v.Part, v.Gift}
	for _, b := range v.Boxes {
		parts = append(parts, b)
	}
	for _, l := range [][]steadyLine{v.Lines, v.Kept} {
		for i := range l {
			parts = append(parts, &l[i].steadyPart)
		}
	}
	for k, p := range v.Mail {
		p.Set = unique(p.Set)
		v.Mail[k] = p
	}
	for _, p := range parts {
		if p != nil {
			p.Set = unique(p.Set)
		}
	}
	if v.Tree != nil {
		tidy(v.Tree)
	}
}

func unique(l []string) []string {
	var out []string
	for _, s := range l {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if out == nil && l != nil {
		return []string{}
	}
	return out
}

func uniqueLines(l []steadyLine) []steadyLine {
	var out []steadyLine
	for _, s := range l {
		if !slices.ContainsFunc(out, func(o steadyLine) bool { return o.Key == s.Key }) {
			out = append(out, s)
		}
	}
	return out
}

// apart returns the path of a difference between two values that the package
// comment does not call the same, or nothing: floats are compared by bits, times
// as instants, numbers of documents by value, and lists and maps that are merged
// by parts are the same nil and empty.
func apart(v, w reflect.Value, path string, byParts bool) string {
	if v.Type() == reflect.TypeFor[time.Time]() {
		return differ(!v.Interface().(time.Time).Equal(w.Interface().(time.Time)), path)
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			rule, _, _ := strings.Cut(f.Tag.Get("merge"), "=")
			parts := rule == "set" || rule == "keyed" || rule == "" && f.Type.Kind() == reflect.Map
			if p := apart(v.Field(i), w.Field(i), path+"."+f.Name, parts); p != "" {
				return p
			}
		}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() || w.IsNil() {
			return differ(v.IsNil() != w.IsNil(), path)
		}
		if v.Kind() == reflect.Interface {
			if n, m := number(v.Elem()), number(w.Elem()); n != "" && n == m {
				return ""
			}
			if v.Elem().Type() != w.Elem().Type() {
				return path
			}
		}
		return apart(v.Elem(), w.Elem(), path, false)
	case reflect.Float32, reflect.Float64:
		return differ(math.Float64bits(v.Float()) != math.Float64bits(w.Float()), path)
	case reflect.Slice, reflect.Array:
		if v.Len() != w.Len() || v.Kind() == reflect.Slice && !byParts && v.IsNil() != w.IsNil() {
			return path
		}
		for i := range v.Len() {
			if p := apart(v.Index(i), w.Index(i), path+".#", false); p != "" {
				return p
			}
		}
	case reflect.Map:
		if v.Len() != w.Len() || !byParts && v.IsNil() != w.IsNil() {
			return path
		}
		for k, e := range v.Seq2() {
			x := w.MapIndex(k)
			if !x.IsValid() {
				return path
			}
			if p := apart(e, x, path+".*", false); p != "" {
				return p
			}
		}
	default:
		return differ(!v.Equal(w), path)
	}
	return ""
}

func differ(yes bool, path string) string {
	if yes {
		return cmp.Or(path, "itself")
	}
	return ""
}

// number returns a number of a document as text, or nothing.
func number(v reflect.Value) string {
	if v.Type() == reflect.TypeFor[json.Number]() {
		return v.String()
	}
	if !v.CanInt() && !v.CanFloat() {
		return ""
	}
	text, _ := json.Marshal(v.Interface())
	return string(text)
}

// TestUntouched merges a side with the base itself, older, newer and of one stamp:
// the result is that side, up to what the package comment calls the same.
func TestUntouched(t *testing.T) {
	p := steadyPlan()
	said := p.String() + "group\nfields\n"
	for _, row := range ruleTable(t) {
		require.Equal(t, strings.Contains(row.plan, "U"), strings.Contains(said, row.rule), "rule %s", row.rule)
	}
	n := 3000
	if testing.Short() {
		n = 300
	}
	scenes := rapid.Custom(func(t *rapid.T) [2]steady {
		base := steadyValue(t, nil)
		return [2]steady{base, steadyValue(t, &base)}
	})
	for seed := range n {
		s := scenes.Example(seed)
		base, x := s[0], s[1]
		for _, when := range []int64{1, 2, 3} {
			got, err := p.Merge(&base, merge.Side[steady]{Value: base, Stamp: stamp(when, "a")}, merge.Side[steady]{Value: x, Stamp: stamp(2, "a")})
			require.NoError(t, err, "seed %d", seed)
			if path := apart(reflect.ValueOf(x), reflect.ValueOf(got), "", false); path != "" {
				require.Equal(t, x, got, "seed %d, base at %d: %s differs; base %+v", seed, when, path, base)
			}
		}
	}
}
