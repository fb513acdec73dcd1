package peerbench

import (
	"maps"
	"slices"
	"testing"
	"time"

	"dario.cat/mergo"
	"github.com/r3labs/diff/v3"
	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A scalars struct is what the other libraries are at their best with.
type scalars struct {
	A, B, C string
	D, E    int
	F, G    int64
	H       float64
	I, J    bool
}

type postalAddress struct{ Street, City, Zip string }

type orderLine struct {
	SKU   string `diff:"SKU,identifier"`
	Qty   int
	Price int64
}

// A document is the mixed struct of the merge package's own benchmark. Only
// this library adds up what both did to Stock; the others take one value.
type document struct {
	Name    string
	Email   string
	Visits  int
	Stock   int64 `merge:"additive"`
	Seen    time.Time
	Tags    []string `merge:"set"`
	Prefs   map[string]string
	Address postalAddress
	Gift    *bool
	Lines   []orderLine `merge:"keyed=SKU"`
}

func newDocument() document {
	gift := true
	return document{
		Name: "Ada Lovelace", Email: "ada@example.com", Visits: 12, Stock: 100, Seen: time.Unix(1_700_000_000, 0),
		Tags:    []string{"alpha", "beta", "gamma", "delta", "epsilon"},
		Prefs:   map[string]string{"theme": "dark", "lang": "en", "tz": "UTC", "size": "m", "news": "no"},
		Address: postalAddress{"1 Main St", "London", "N1"}, Gift: &gift,
		Lines: []orderLine{{"sku-00000001", 1, 100}, {"sku-00000002", 2, 200}, {"sku-00000003", 3, 300}, {"sku-00000004", 4, 400}},
	}
}

func documents() (base, older, newer document) {
	base, older, newer = newDocument(), newDocument(), newDocument()
	older.Email, older.Stock, older.Tags[4], older.Prefs["theme"], older.Lines[1].Qty = "ada@example.org", 98, "zeta", "light", 5
	newer.Visits, newer.Stock, newer.Seen, newer.Prefs["size"], newer.Address.City = 13, 97, time.Unix(1_700_000_500, 0), "l", "Bath"
	newer.Tags, newer.Lines[2].Price = append(newer.Tags, "eta"), 333
	return base, older, newer
}

func scalarVersions() (base, older, newer scalars) {
	base = scalars{A: "a", B: "b", C: "c", D: 1, E: 2, F: 3, G: 4, H: 5, I: true}
	older, newer = base, base
	older.A, older.D, older.H = "x", 7, 6
	newer.B, newer.E, newer.J = "y", 8, true
	return base, older, newer
}

// sidesOf stamps two versions, the second the newer.
func sidesOf[T any](older, newer T) []merge.Side[T] {
	at := func(s int64, r vclock.Replica) lww.Stamp { return lww.Stamp{Time: hlc.At(time.Unix(s, 0)), Replica: r} }
	return []merge.Side[T]{{Value: older, Stamp: at(1, "eu")}, {Value: newer, Stamp: at(2, "us")}}
}

// BenchmarkMergeTwoWay merges two versions without an ancestor. Mergo writes
// into its first argument, so it works on a copy.
func BenchmarkMergeTwoWay(b *testing.B) {
	_, older, newer := scalarVersions()
	plan, sides := merge.MustCompile(merge.Options[scalars]{}), sidesOf(older, newer)
	run(b, "struct=flat", map[string]func(){
		"rejoin": func() { _, _ = plan.Merge(nil, sides...) },
		"mergo":  func() { dst := older; _ = mergo.Merge(&dst, newer, mergo.WithOverride) },
	})
	_, old, young := documents()
	old.Stock = young.Stock // without an ancestor there is nothing to add to
	docs, docSides := merge.MustCompile(merge.Options[document]{}), sidesOf(old, young)
	run(b, "struct=mixed", map[string]func(){
		"rejoin": func() { _, _ = docs.Merge(nil, docSides...) },
		"mergo": func() {
			dst := old
			dst.Prefs = maps.Clone(old.Prefs) // or mergo would write into it
			_ = mergo.Merge(&dst, young, mergo.WithOverride)
		},
	})
}

// BenchmarkMergeThreeWay merges two versions of a common ancestor. R3labs
// applies what changed between base and newer to the older version.
func BenchmarkMergeThreeWay(b *testing.B) {
	base, older, newer := scalarVersions()
	plan, sides := merge.MustCompile(merge.Options[scalars]{}), sidesOf(older, newer)
	run(b, "struct=flat", map[string]func(){
		"rejoin": func() { _, _ = plan.Merge(&base, sides...) },
		"r3labs": func() { dst := older; _, _ = diff.Merge(base, newer, &dst) },
	})
	docBase, old, young := documents()
	docs, docSides := merge.MustCompile(merge.Options[document]{}), sidesOf(old, young)
	run(b, "struct=mixed", map[string]func(){
		"rejoin": func() { _, _ = docs.Merge(&docBase, docSides...) },
		"r3labs": func() {
			dst := old
			dst.Prefs, dst.Lines, dst.Tags = maps.Clone(old.Prefs), slices.Clone(old.Lines), slices.Clone(old.Tags)
			_, _ = diff.Merge(docBase, young, &dst)
		},
	})
}

// TestMergePeers checks that the operations compared make the same of the
// scalars, so that nobody is fast by doing less.
func TestMergePeers(t *testing.T) {
	base, older, newer := scalarVersions()
	plan := merge.MustCompile(merge.Options[scalars]{})
	want, err := plan.Merge(&base, sidesOf(older, newer)...)
	require.NoError(t, err)
	got := older
	_, err = diff.Merge(base, newer, &got)
	require.NoError(t, err)
	require.Equal(t, want, got)

	want, err = plan.Merge(nil, sidesOf(older, newer)...)
	require.NoError(t, err)
	got = older
	require.NoError(t, mergo.Merge(&got, newer, mergo.WithOverride))
	require.Equal(t, want, got)
}
