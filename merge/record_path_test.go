package merge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// A touched has what is below other things, and what is refused.
type touched struct {
	Name  string
	First string `merge:"first"`
	Tier  string `merge:"rank=a<b"`
	High  *int   `merge:"max"`
	Stock int8   `merge:"additive"`
	From  int    `merge:"group=span"`
	To    int    `merge:"group=span"`
	Sums  account
	State lattice
	Note  string   `merge:"manual"`
	Seen  []string `merge:"union"`
	Tags  []string `merge:"set"`
	Prefs map[string]int
	Box   *touchedBox
	Lines []touchedLine `merge:"keyed=Key"`
	Deep  struct {
		Tier string `merge:"rank=a<b"`
	}
}

type touchedBox struct {
	N     int
	Tier  string `merge:"rank=a<b"`
	Inner *touchedBox
}

type touchedLine struct {
	Key  string
	N    int
	Tier string `merge:"rank=a<b"`
	Box  *touchedBox
}

// TestRecordTouchEach touches what is at each path: it shows what it did, under a new stamp, and
// no other field gets one.
func TestRecordTouchEach(t *testing.T) {
	p := recordPlan(t, merge.Options[touched]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *touched) {
		*v = touched{
			Name: "n", Stock: 5, From: 1, To: 2, Sums: account{Balance: huge(3)}, State: lattice{5}, Note: "x", Seen: []string{"x"}, Tags: []string{"x"}, Prefs: map[string]int{"p": 1},
			Box: &touchedBox{N: 1, Inner: &touchedBox{N: 2}}, Lines: []touchedLine{{Key: "k", N: 1, Box: &touchedBox{N: 3}}, {Key: "l", N: 2}},
		}
	})))
	want := value(t, r)
	other := r.Stamp("Lines.l.N")
	for _, path := range []string{
		"Name", "Stock", "From", "To", "Sums.Balance", "State", "Note", "Seen.x", "Tags.x", "Prefs.p", "Box.N", "Box.Inner.N", "Lines.k.N", "Lines.k.Box.N",
	} {
		before := r.Clone()
		require.NoError(t, r.Touch(lww.Writer{Replica: "us", Clock: &ticks{now: r.Latest()}}, path), path)
		require.Equal(t, want, value(t, r), path)
		require.Equal(t, lww.Stamp{Time: before.Latest() + 1, Replica: "us"}, r.Stamp(path), path)
		require.Equal(t, other, r.Stamp("Lines.l.N"), path)
		require.Empty(t, r.Clone().Changed(r))
	}
	require.Equal(t, r.Stamp("Lines.k.Box.N"), r.Stamp("Lines.k.Box"), "the last write below it")
	require.Equal(t, r.Stamp("Lines.k.Box.N"), r.Stamp("Lines.k"))
	require.Equal(t, r.Stamp("Lines.k.Box.N"), r.Stamp("Lines"))
	require.NoError(t, r.Check())
}

// TestRecordTouchMakes touches what nobody set: it is there then, with the zero value, and so are the
// rows around it.
func TestRecordTouchMakes(t *testing.T) {
	p := recordPlan(t, merge.Options[touched]{})
	for path, want := range map[string]touched{
		"": {}, "Name": {}, "From": {}, "Stock": {}, "State": {}, "Note": {}, "Box": {Box: &touchedBox{}}, "Box.N": {Box: &touchedBox{}}, "Box.Inner.N": {Box: &touchedBox{Inner: &touchedBox{}}},
	} {
		r := p.NewRecord()
		require.NoError(t, r.Touch(writer("eu"), path), path)
		require.Equal(t, want, value(t, r), path)
		if path != "" {
			require.False(t, r.Stamp(path).IsZero(), path)
		}
		reread(t, p, r)
	}
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *touched) { v.Box = &touchedBox{N: 1} })))
	require.NoError(t, r.Update(writer("eu"), set(func(v *touched) { v.Box = nil })))
	require.NoError(t, r.Touch(writer("eu"), "Box.Inner"))
	require.Equal(t, &touchedBox{Inner: &touchedBox{}}, value(t, r).Box, "of a life of its own, with nothing of before")
	require.NoError(t, r.Delete(writer("eu")))
	require.NoError(t, r.Touch(writer("eu"), "Name"))
	require.Equal(t, touched{}, value(t, r))
}

// TestRecordTouchRefuses touches what could not be written, and what is not there.
func TestRecordTouchRefuses(t *testing.T) {
	p := recordPlan(t, merge.Options[touched]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *touched) {
		v.Tags, v.Prefs, v.Box, v.Lines = []string{"x", "y"}, map[string]int{"p": 1, "q": 1}, &touchedBox{Inner: &touchedBox{}}, []touchedLine{{Key: "k"}, {Key: "gone"}}
	})))
	require.NoError(t, r.Update(writer("eu"), set(func(v *touched) { v.Tags, v.Lines, v.Prefs = []string{"x"}, v.Lines[:1], map[string]int{"p": 1} })))
	before := r.Clone()
	for path, want := range map[string]string{
		"First": `merge: write to First: rule "first": zero means that nobody has set it`,
		"High":  `merge: write to High: rule "max": nil is no value to compare`,
		"Name.": `merge: touch: path "Name." has an empty name`,
	} {
		require.EqualError(t, r.Touch(writer("eu"), path), want)
		require.True(t, r.Equal(before), path)
	}
	for _, path := range []string{
		"None", "Name.x", "From.x", "=span", "Tags", "Tags.y", "Tags.none", "Tags.x.y", "Seen.x", "Prefs", "Prefs.q", "Prefs.p.x", "Lines", "Lines.gone", "Lines.gone.N", "Lines.none.N",
		"Lines.k.Key", "Lines.k.None", "Box.None", "Box.Inner.None", "Stock.x", "Note.x", "Deep", "Deep.None",
	} {
		require.EqualError(t, r.Touch(writer("eu"), path), `merge: touch "`+path+`": there is no such field, element or entry`)
		require.True(t, r.Equal(before), path)
	}
	big := p.NewRecord()
	require.NoError(t, big.Update(writer("eu"), set(func(v *touched) { v.Stock = 100 })))
	require.NoError(t, r.Update(writer("us"), set(func(v *touched) { v.Stock = 100 })))
	r.Merge(big)
	require.EqualError(t, r.Touch(writer("eu"), "Stock"), `merge: write to Stock: rule "additive": the sum of all changes does not fit int8`)
}

// TestRecordStampOfNothing: what is not there, or no path at all, has no stamp.
func TestRecordStampOfNothing(t *testing.T) {
	r := recordPlan(t, merge.Options[touched]{}).NewRecord()
	paths := []string{
		"", "Name", "Name.x", "None", "Name..x", `"`, "Tags.x", "Seen.x", "Prefs.p", "Prefs.p.x", "Lines.k", "Lines.k.N", "Box", "Box.N", "Box.Inner.N", "From", "Sums.Balance",
	}
	for _, path := range paths {
		require.True(t, r.Stamp(path).IsZero(), path)
		require.True(t, new(merge.Record[touched]).Stamp(path).IsZero(), path)
	}
	require.NoError(t, r.Update(writer("eu"), set(func(v *touched) {
		v.From, v.Tags, v.Prefs, v.Lines, v.Box = 1, []string{"x"}, map[string]int{"p": 1}, []touchedLine{{Key: "k", N: 1}}, &touchedBox{N: 1}
	})))
	require.Equal(t, "none", new(merge.Record[touched]).String())
	require.Contains(t, r.String(), "Tags:[x] Prefs:map[p:1]")
	for _, path := range []string{"Name", "Name.x", "None", "Tags.y", "Tags.x.y", "Prefs.q", "Prefs.p.x", "Lines.l", "Lines.l.N", "Lines.k.None", "Box.None", "Box.Inner.N", "From.x"} {
		require.True(t, r.Stamp(path).IsZero(), path)
	}
	at := lww.Stamp{Time: 1, Replica: "eu"}
	for _, path := range []string{"", "From", "To", "Tags", "Tags.x", "Prefs.p", "Lines", "Lines.k", "Lines.k.N", "Box", "Box.N"} {
		require.Equal(t, at, r.Stamp(path), path)
	}
	require.NoError(t, r.Update(lww.Writer{Replica: "us", Clock: &ticks{now: 5}}, set(func(v *touched) { v.Tags, v.Lines = nil, nil })))
	gone := lww.Stamp{Time: 6, Replica: "us"}
	for _, path := range []string{"Tags.x", "Lines.k", "Lines", ""} {
		require.Equal(t, gone, r.Stamp(path), "the delete of %s", path)
	}
	require.True(t, r.Stamp("Lines.k.N").IsZero())
}

// TestRecordUnknownAtDepth stops a loop over unknown fields where they are deep in a record, and
// forgets them there, each by its path alone.
func TestRecordUnknownAtDepth(t *testing.T) {
	type deepV1 struct {
		Box   *struct{ N int }
		Boxes *struct{ N int }
		Lines []struct{ Key string } `merge:"keyed=Key"`
		Cells map[string]struct {
			N   int
			Box *struct{ N int }
		}
	}
	type boxV2 struct{ N, M int }
	type lineV2 struct {
		Key  string
		M, O int
	}
	type cellV2 struct {
		N   int
		Box *boxV2
	}
	type deepV2 struct {
		Box, Boxes *boxV2
		Lines      []lineV2 `merge:"keyed=Key"`
		Cells      map[string]cellV2
	}
	newer := recordPlan(t, merge.Options[deepV2]{}).NewRecord()
	require.NoError(t, newer.Update(writer("eu"), set(func(v *deepV2) {
		*v = deepV2{&boxV2{1, 2}, &boxV2{3, 4}, []lineV2{{"k", 5, 6}, {"l", 7, 8}}, map[string]cellV2{"c.d": {9, &boxV2{10, 11}}}}
	})))
	p := recordPlan(t, merge.Options[deepV1]{})
	r := exchange(t, newer, p)
	all := []string{"Box.M", "Boxes.M", `Cells."c.d".Box.M`, "Lines.k.M", "Lines.k.O", "Lines.l.M", "Lines.l.O"}
	require.Equal(t, all, unknown(r))
	for n := range all {
		var some []string
		for path := range r.Unknown() {
			if some = append(some, path); len(some) == n+1 {
				break
			}
		}
		require.Equal(t, all[:n+1], some)
	}
	require.False(t, new(merge.Record[deepV1]).Forget("Box.M"))
	for _, path := range []string{"Box", "Box.N", "M", "Lines.M", "Lines.*", "Lines.x.M", "Cells.c.d.Box.M", "*.M"} {
		before := r.Clone()
		require.False(t, r.Forget(path), path)
		require.True(t, r.Equal(before), path)
	}
	shared := r.Clone()
	for i, path := range all {
		require.True(t, r.Forget(path), path)
		require.Equal(t, all[i+1:], append([]string{}, unknown(r)...), path)
	}
	require.Equal(t, all, unknown(shared), "a clone keeps them")
	require.Equal(t, value(t, shared), value(t, r), "none of it was shown")
	reread(t, p, r)
	require.True(t, shared.Forget("Lines.*.M"))
	require.True(t, shared.Forget("Cells.*.Box.M"))
	require.Equal(t, []string{"Box.M", "Boxes.M", "Lines.k.O", "Lines.l.O"}, unknown(shared))
	require.True(t, r.Merge(exchange(t, newer, p)), "it is not a write")
	require.Equal(t, all, unknown(r))
}
