package merge_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// TestAdditiveLimits adds up exactly or not at all.
func TestAdditiveLimits(t *testing.T) {
	type stock struct {
		Small  int8   `merge:"additive"`
		Unsign uint   `merge:"additive"`
		Large  int64  `merge:"additive"`
		Huge   uint64 `merge:"additive"`
	}
	p := merge.MustCompile(merge.Options[stock]{})
	base := stock{Small: 100, Unsign: 10, Large: math.MaxInt64 - 1, Huge: math.MaxUint64 - 1}
	merged := func(sides ...stock) (stock, string) {
		var in []merge.Side[stock]
		for i, s := range sides {
			in = append(in, merge.Side[stock]{Value: s, Stamp: stamp(int64(i+1), "a")})
		}
		got, err := p.Merge(&base, in...)
		return got, fmt.Sprint(err)
	}
	up, down := base, base
	up.Large, up.Huge, up.Small = math.MaxInt64, math.MaxUint64, 127
	down.Large, down.Huge, down.Small = math.MinInt64, 0, -128
	got, err := merged(up, up, down)
	require.Equal(t, "<nil>", err, "the way to the sum may leave the range")
	require.Equal(t, stock{Small: 100 + 27 + 27 - 228, Unsign: 10, Large: math.MinInt64 + 2, Huge: 2}, got)

	low := base
	low.Unsign = 4
	got, err = merged(low, low)
	require.Equal(t, "merge: conflict: Unsign: the sum of all changes does not fit the type", err)
	require.Equal(t, uint(4), got.Unsign, "provisional: the newest change")
	got, err = merged(up, up)
	require.Equal(t, "merge: conflict: Small: the sum of all changes does not fit the type; "+
		"Large: the sum of all changes does not fit the type; Huge: the sum of all changes does not fit the type", err)
	require.Equal(t, up, got)
}

// TestManySides merges more sides than the scratch memory starts with.
func TestManySides(t *testing.T) {
	p := merge.MustCompile(merge.Options[cart]{})
	base := cart{Items: []item{{Key: "a", Count: 1}}}
	var sides []merge.Side[cart]
	for i := range 50 {
		c := cart{Items: []item{{Key: "a", Count: 2}, {Key: fmt.Sprint("n", i), High: i}}, From: fmt.Sprint(i)}
		sides = append(sides, merge.Side[cart]{Value: c, Stamp: stamp(int64(i*37%50), "a")})
	}
	got, err := p.Merge(&base, sides...)
	require.NoError(t, err)
	require.Len(t, got.Items, 51)
	require.Equal(t, item{Key: "a", Count: 51}, got.Items[0])
	require.Equal(t, "27", got.From, "27·37 mod 50 is 49, the newest")
	none, err := p.Merge(&base)
	require.NoError(t, err)
	require.Equal(t, base, none)
	none.Items[0].Count = 9
	require.Equal(t, 1, base.Items[0].Count)
	none, err = p.Merge(nil)
	require.NoError(t, err)
	require.Zero(t, none)
	none, report, err := p.Explain(nil)
	require.NoError(t, err)
	require.Zero(t, none)
	require.Empty(t, report.Changes)
	none, report, err = p.Explain(&base)
	require.NoError(t, err)
	require.Equal(t, base, none)
	require.Empty(t, report.Changes)
	one, err := merge.MustCompile(merge.Options[pair[string, int]]{}).Merge(nil)
	require.NoError(t, err)
	require.Zero(t, one, "also of a type that holds nothing but values")
}

// TestLongLists takes the paths for lists that are searched by an index.
func TestLongLists(t *testing.T) {
	type long struct {
		Keyed []item     `merge:"keyed=Key"`
		ByNum []numbered `merge:"keyed=N"`
		Set   []string   `merge:"set"`
		Nums  []int      `merge:"set"`
		Pairs [][2]int8  `merge:"union"`
	}
	p := merge.MustCompile(merge.Options[long]{})
	build := func(skip int, note string) long {
		var l long
		for i := range 60 {
			if i%10 == skip {
				continue
			}
			l.Keyed, l.ByNum = append(l.Keyed, item{Key: fmt.Sprint(i), Note: note}), append(l.ByNum, numbered{i, note})
			l.Set, l.Nums, l.Pairs = append(l.Set, fmt.Sprint(i)), append(l.Nums, i), append(l.Pairs, [2]int8{int8(i), 1})
		}
		return l
	}
	base, one, two := build(-1, ""), build(3, ""), build(4, "x")
	two.Nums = append(two.Nums, 99)
	got := merge2(t, p, &base, one, two)
	require.Len(t, got.Keyed, 48)
	require.Len(t, got.ByNum, 48)
	require.Equal(t, "x", got.ByNum[20].Note)
	require.Len(t, got.Set, 48)
	require.Len(t, got.Nums, 49)
	require.Equal(t, 99, got.Nums[48])
	require.Len(t, got.Pairs, 60, "a union does not shrink")

	one.Keyed, two.Keyed = base.Keyed, base.Keyed
	two.ByNum = append([]numbered{{99, "y"}}, base.ByNum[1:]...)
	two.Set = append([]string{"first"}, two.Set...)
	for range 3 { // what one call has put aside is used by the next
		got = merge2(t, p, &base, one, two)
		require.Equal(t, base.Keyed, got.Keyed)
		require.Len(t, got.ByNum, 54, "3, 13 to 53 and 0 are deleted, and 99 is added")
		require.Len(t, got.Set, 49)
		require.Equal(t, "first", got.Set[48])
	}

	one.ByNum[3].N = one.ByNum[4].N
	_, report, err := p.Explain(nil, merge.Side[long]{Value: one, Stamp: stamp(1, "a")}, merge.Side[long]{Value: two, Stamp: stamp(2, "a")})
	require.EqualError(t, err, "merge: conflict: ByNum: two elements have the key 5")
	require.Equal(t, []string{"ByNum: two elements have the key 5"}, undecided(report))
}

func undecided(report merge.Report) (out []string) {
	for c := range report.Undecided() {
		out = append(out, c.Path+": "+c.Reason)
	}
	return out
}

type numbered struct {
	N    int
	Note string
}

func TestAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage allocates")
	}
	base, sides := flatSides()
	p := merge.MustCompile(merge.Options[flat]{})
	require.Zero(t, testing.AllocsPerRun(100, func() { flatSink, _ = p.Merge(nil, sides...) }))
	mixedBase, mixedSides := mixedSides()
	m := merge.MustCompile(merge.Options[mixed]{})
	if raceEnabled {
		t.Skip("a sync.Pool drops things under the race detector")
	}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { flatSink, _ = p.Merge(&base, sides...) }), 1.0)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { mixedSink, _ = m.Merge(&mixedBase, mixedSides...) }), 7.0)
}

// TestFloatKeys refuses NaN wherever it would be a key.
func TestFloatKeys(t *testing.T) {
	type table struct {
		Whole map[float64]int `merge:"atomic"`
		Parts map[[1]float32]int
	}
	p := merge.MustCompile(merge.Options[table]{})
	for want, v := range map[string]table{
		"Whole: NaN": {Whole: map[float64]int{math.NaN(): 1}},
		"Parts: NaN": {Parts: map[[1]float32]int{{float32(math.NaN())}: 1}},
	} {
		_, err := p.Merge(nil, merge.Side[table]{Value: v, Stamp: stamp(1, "a")})
		require.ErrorContains(t, err, want)
	}
	got := merge2(t, p, nil, table{Parts: map[[1]float32]int{{1}: 1}}, table{Parts: map[[1]float32]int{{2}: 2}})
	require.Len(t, got.Parts, 2)
}

// TestTypedPaths gives rules by path to fields whose tags are not ours.
func TestTypedPaths(t *testing.T) {
	type foreign struct {
		Address address
		Lines   []mixedLine
		Stock   map[string]int
		Row     *mixedLine
	}
	p := merge.MustCompile(merge.Options[foreign]{Paths: map[string]string{
		"Address.City": "first", "Lines": "keyed=SKU", "Lines.*.Qty": "additive", "Stock.*": "additive", "Row.Qty": "max",
	}})
	require.Equal(t, `Address.Street  lww
Address.City    first
Address.Zip     lww
Lines           keyed=SKU
Lines.*.SKU     lww
Lines.*.Qty     additive
Lines.*.Price   lww
Stock           fields
Stock.*         additive
Row.SKU         lww
Row.Qty         max
Row.Price       lww
`, p.String())
	base := foreign{Lines: []mixedLine{{"a", 5, 1}}, Stock: map[string]int{"x": 9}, Row: &mixedLine{Qty: 1}}
	one := foreign{Address: address{City: "Bonn"}, Lines: []mixedLine{{"a", 4, 1}}, Stock: map[string]int{"x": 7, "y": 1}, Row: &mixedLine{Qty: 8}}
	two := foreign{Address: address{City: "Bath"}, Lines: []mixedLine{{"a", 3, 2}}, Stock: map[string]int{"x": 8, "y": 2}, Row: &mixedLine{Qty: 7}}
	require.Equal(t, foreign{
		Address: address{City: "Bonn"}, Lines: []mixedLine{{"a", 2, 2}}, Stock: map[string]int{"x": 6, "y": 3}, Row: &mixedLine{Qty: 8},
	}, merge2(t, p, &base, one, two))
}

// TestSealed merges structs with unexported fields that are not merged: the
// result holds zero there.
func TestSealed(t *testing.T) {
	type cached struct {
		ID    string
		Note  string
		cache map[string]int `merge:"-"`
	}
	type doc struct {
		dirty bool `merge:"-"`
		Title string
		Skip  []int    `merge:"-"`
		Parts []cached `merge:"keyed=ID"`
		By    map[string]cached
	}
	p := merge.MustCompile(merge.Options[doc]{})
	a := doc{dirty: true, Title: "a", Skip: []int{1}, Parts: []cached{{"p", "n", map[string]int{"x": 1}}}, By: map[string]cached{"k": {"i", "", map[string]int{}}}}
	got, err := p.Merge(nil, merge.Side[doc]{Value: a, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	require.False(t, got.dirty)
	require.Equal(t, []cached{{ID: "p", Note: "n"}}, got.Parts)
	require.Equal(t, map[string]cached{"k": {ID: "i"}}, got.By)
	require.Nil(t, got.Skip)
}
