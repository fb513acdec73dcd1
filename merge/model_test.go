package merge_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// An item is an element of a keyed list with a rule of each sort in it.
type item struct {
	Key   string
	Note  string
	Count int `merge:"additive"`
	High  int `merge:"max"`
}

type cart struct {
	Items  []item `merge:"keyed=Key"`
	Kept   []item `merge:"keyed=Key,keep"`
	ByKey  map[string]item
	Owner  *item
	Labels map[string]string
	From   string `merge:"group=span"`
	To     string `merge:"group=span"`
}

// modelItem merges the versions of one item, newest first, as the package
// comment says it: field by field, against zeros if it is known to be new.
func modelItem(base *item, known bool, in []item) item {
	if base == nil {
		base = &item{}
	}
	out := in[0]
	if !known {
		out.High = slices.MaxFunc(in, func(a, b item) int { return a.High - b.High }).High
		return out
	}
	out.Note, out.High, out.Count = base.Note, base.High, base.Count
	for _, v := range slices.Backward(in) {
		if v.Note != base.Note {
			out.Note = v.Note
		}
		out.Count += v.Count - base.Count
		if v.High != base.High && (out.High == base.High || v.High > out.High) {
			out.High = v.High
		}
	}
	return out
}

// modelItems merges items by key, whatever holds them: present says which
// version has which.
func modelItems(base map[string]item, known, keep bool, in []map[string]item) map[string]item {
	out := map[string]item{}
	keys := map[string]bool{}
	for _, m := range append(slices.Clone(in), base) {
		for k := range m {
			keys[k] = true
		}
	}
	for k := range keys {
		var have []item
		changed := false
		b, inBase := base[k]
		for _, m := range in {
			if v, ok := m[k]; ok {
				have = append(have, v)
				changed = changed || v != b
			}
		}
		if len(have) == 0 || inBase && len(have) < len(in) && (!keep || !changed) {
			continue
		}
		var before *item
		if inBase {
			before = &b
		}
		out[k] = modelItem(before, known, have)
	}
	return out
}

func asMap(list []item) map[string]item {
	m := map[string]item{}
	for _, e := range list {
		m[e.Key] = e
	}
	return m
}

func keysOf(list []item) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Key)
	}
	return out
}

// modelOrder is the order of a merged keyed list: that of the one sequence to
// which sides changed it, else of the base, without a base of the newest; the
// rest by key.
func modelOrder(base []item, known bool, in [][]item, have map[string]item) []string {
	lead := keysOf(in[0])
	if known {
		lead = keysOf(base)
		var other [][]string
		for _, l := range in {
			if k := keysOf(l); !slices.Equal(k, keysOf(base)) && !slices.ContainsFunc(other, func(o []string) bool { return slices.Equal(o, k) }) {
				other = append(other, k)
			}
		}
		if len(other) == 1 {
			lead = other[0]
		}
	}
	var out, rest []string
	for _, k := range lead {
		if _, ok := have[k]; ok {
			out = append(out, k)
		}
	}
	for k := range have {
		if !slices.Contains(out, k) {
			rest = append(rest, k)
		}
	}
	sort.Strings(rest)
	return append(out, rest...)
}

func modelCart(base *cart, in []cart) cart {
	known := base != nil
	if !known {
		base = &cart{}
	}
	var out cart
	lists := func(keep bool, of func(cart) []item) []item {
		var ms []map[string]item
		var ls [][]item
		for _, c := range in {
			ms, ls = append(ms, asMap(of(c))), append(ls, of(c))
		}
		have := modelItems(asMap(of(*base)), known, keep, ms)
		var list []item
		for _, k := range modelOrder(of(*base), known, ls, have) {
			list = append(list, have[k])
		}
		return list
	}
	out.Items = lists(false, func(c cart) []item { return c.Items })
	out.Kept = lists(true, func(c cart) []item { return c.Kept })
	var ms, owners []map[string]item
	owner := func(c cart) map[string]item {
		if c.Owner == nil {
			return nil
		}
		return map[string]item{"": *c.Owner}
	}
	for _, c := range in {
		ms, owners = append(ms, c.ByKey), append(owners, owner(c))
	}
	out.ByKey = modelItems(base.ByKey, known, false, ms)
	if o, ok := modelItems(owner(*base), known, false, owners)[""]; ok {
		out.Owner = &o
	}
	out.Labels = modelLabels(base, known, in)
	out.From, out.To = in[0].From, in[0].To
	for _, c := range in {
		if known && (c.From != base.From || c.To != base.To) {
			out.From, out.To = c.From, c.To
			break
		}
	}
	return out
}

func modelLabels(base *cart, known bool, in []cart) map[string]string {
	out := map[string]string{}
	keys := map[string]bool{}
	for _, c := range append(slices.Clone(in), *base) {
		for k := range c.Labels {
			keys[k] = true
		}
	}
	for k := range keys {
		v, ok := base.Labels[k]
		for _, c := range in {
			x, has := c.Labels[k]
			if known && (x != v || has != ok) || !known && has {
				v, ok = x, has
				break
			}
		}
		if ok {
			out[k] = v
		}
	}
	return out
}

var (
	letters = rapid.SampledFrom([]string{"", "a", "b"})
	numbers = rapid.IntRange(0, 2)
	items   = rapid.Custom(func(t *rapid.T) item {
		return item{rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "key"), letters.Draw(t, "note"), numbers.Draw(t, "count"), numbers.Draw(t, "high")}
	})
	itemLists = rapid.SliceOfNDistinct(items, 0, 3, func(e item) string { return e.Key })
	carts     = rapid.Custom(func(t *rapid.T) cart {
		c := cart{
			Items: itemLists.Draw(t, "items"), Kept: itemLists.Draw(t, "kept"), ByKey: asMap(itemLists.Draw(t, "by key")),
			Labels: rapid.MapOfN(letters, letters, 0, 3).Draw(t, "labels"),
			From:   letters.Draw(t, "from"), To: letters.Draw(t, "to"),
		}
		if rapid.Bool().Draw(t, "owned") {
			o := items.Draw(t, "owner")
			o.Key = ""
			c.Owner = &o
		}
		return c
	})
)

// drawMerge draws a base, which may be unknown, and sides from newest to
// oldest, each with a stamp of its own.
func drawMerge(t *rapid.T) (base *cart, in []cart, sides []merge.Side[cart]) {
	if rapid.Bool().Draw(t, "known") {
		b := carts.Draw(t, "base")
		base = &b
	}
	n := rapid.IntRange(1, 4).Draw(t, "sides")
	for i := range n {
		c := carts.Draw(t, "side")
		if base != nil && rapid.Bool().Draw(t, "near") { // otherwise nearly everything differs
			c = nearby(t, *base)
		}
		in = append(in, c)
		sides = append(sides, merge.Side[cart]{Value: c, Stamp: stamp(int64(n-i), vclock.Replica(rune('a'+i%2)))})
	}
	return base, in, sides
}

// nearby returns a version of c with one list changed.
func nearby(t *rapid.T, c cart) cart {
	c.Items, c.Kept = slices.Clone(c.Items), slices.Clone(c.Kept)
	switch rapid.IntRange(0, 4).Draw(t, "change") {
	case 0:
		c.Items = itemLists.Draw(t, "items")
	case 1:
		c.From = letters.Draw(t, "from")
	case 2:
		c.Kept = itemLists.Draw(t, "kept")
	case 3:
		slices.Reverse(c.Items)
	}
	return c
}

// unify makes nil what is empty, which the model does not tell apart.
func unify(c cart) cart {
	c.Items, c.Kept = append([]item{}, c.Items...), append([]item{}, c.Kept...)
	if c.ByKey == nil {
		c.ByKey = map[string]item{}
	}
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	return c
}

// TestPlanModel compares merges of structs with every sort of part with a
// model written from the package comment, and in another order of sides.
func TestPlanModel(t *testing.T) {
	p := merge.MustCompile(merge.Options[cart]{})
	rapid.Check(t, func(t *rapid.T) {
		base, in, sides := drawMerge(t)
		if base == nil { // additive would need a person
			for i := range sides {
				v := &sides[i].Value
				v.Items, v.Kept = uncounted(v.Items), uncounted(v.Kept)
				for k, e := range v.ByKey {
					e.Count = 0
					v.ByKey[k] = e
				}
				if v.Owner != nil {
					v.Owner.Count = 0
				}
				in[i] = *v
			}
		}
		want := unify(modelCart(base, in))
		before := fmt.Sprintf("%+v %+v", base, sides)
		got, err := p.Merge(base, sides...)
		require.NoError(t, err)
		require.Equal(t, want, unify(got))
		require.Equal(t, before, fmt.Sprintf("%+v %+v", base, sides), "Merge modified its inputs")
		sides = rapid.Permutation(sides).Draw(t, "order")
		again, err := p.Merge(base, sides...)
		require.NoError(t, err)
		require.Equal(t, got, again, "the order of the sides matters")
		explained, report, err := p.Explain(base, sides...)
		require.NoError(t, err)
		require.Equal(t, got, explained)
		checkReport(t, base, got, sides, report)
	})
}

func uncounted(list []item) []item {
	list = slices.Clone(list)
	for i := range list {
		list[i].Count = 0
	}
	return list
}

// checkReport checks what must hold of every report without asking the merge.
func checkReport(t *rapid.T, base *cart, result cart, sides []merge.Side[cart], r merge.Report) {
	seen, leaves := map[string]bool{}, flatten(result)
	for _, c := range r.Changes {
		require.NotEmpty(t, c.Path)
		require.NotEmpty(t, c.Candidates, c.Path)
		require.NotZero(t, c.Outcome, c.Path)
		require.False(t, seen[c.Path], "%s is told twice", c.Path)
		seen[c.Path] = true
		if leaf, ok := leaves[c.Path]; ok {
			require.Equal(t, leaf, fmt.Sprint(c.Result), c.Path)
		}
		stands := 0
		for i, cand := range c.Candidates {
			require.Equal(t, sides[cand.Side].Stamp, cand.Stamp)
			if i > 0 {
				require.Positive(t, c.Candidates[i-1].Stamp.Compare(cand.Stamp), "candidates are newest first")
			}
			if !cand.Lost {
				stands++
			}
		}
		switch c.Outcome {
		case merge.Taken:
			require.Len(t, c.Candidates, 1, c.Path)
		case merge.Same:
			require.Equal(t, len(c.Candidates), stands, c.Path)
		case merge.Chosen:
			require.GreaterOrEqual(t, c.Winner, 0, c.Path)
			require.NotZero(t, c.By, c.Path)
			require.Less(t, stands, len(c.Candidates), c.Path)
		case merge.Combined, merge.Refused, merge.Fallback, merge.Undecided:
		}
	}
	if base == nil {
		return
	}
	before := flatten(*base)
	for path := range leaves {
		before[path] += "" // absent is empty, as is zero
	}
	for path, was := range before {
		if now := leaves[path]; now != was && now != "0"+was {
			require.True(t, told(seen, path), "%s was %q, is %q, and the report does not tell", path, was, now)
		}
	}
}

// told reports whether a path, or one it is below, is in a report.
func told(seen map[string]bool, path string) bool {
	for {
		if seen[path] {
			return true
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return false
		}
		path = path[:i]
	}
}

// flatten returns the leaves of a cart by path.
func flatten(c cart) map[string]string {
	out := map[string]string{"From": c.From, "To": c.To}
	add := func(path string, e item) {
		out[path+".Note"], out[path+".Count"], out[path+".High"] = e.Note, fmt.Sprint(e.Count), fmt.Sprint(e.High)
	}
	for _, e := range c.Items {
		add("Items."+e.Key, e)
	}
	for _, e := range c.Kept {
		add("Kept."+e.Key, e)
	}
	for k, e := range c.ByKey {
		add("ByKey."+k, e)
	}
	if c.Owner != nil {
		add("Owner", *c.Owner)
	}
	for k, v := range c.Labels {
		if k == "" {
			k = `""`
		}
		out["Labels."+k] = v
	}
	return out
}
