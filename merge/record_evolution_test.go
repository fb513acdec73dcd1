package merge_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// Two versions of one program: the newer one renamed a field, changed the type
// of one and the rule of one, dropped one, and has more of every kind.
type oldUser struct {
	Name    string
	Phone   string
	Age     int
	Dropped string
	Score   int
	Street  string    `merge:"group=address"`
	City    string    `merge:"group=address"`
	Lines   []oldLine `merge:"keyed=Key"`
}

type oldLine struct {
	Key string
	Qty int
}

type newUser struct {
	FullName string `merge:"lww,name=Name"`
	Phone    string
	Age      string
	Score    int               `merge:"max"`
	Street   string            `merge:"group=address"`
	City     string            `merge:"group=address"`
	Zip      string            `merge:"group=address"`
	Lines    []newLine         `merge:"keyed=Key"`
	Tier     string            `merge:"rank=a<b<c"`
	Stock    int               `merge:"additive"`
	Fixed    int               `merge:"immutable"`
	Low      int               `merge:"min"`
	Note     string            `merge:"manual"`
	Tags     []string          `merge:"set"`
	Prefs    map[string]string `json:"prefs"`
	Box      *newLine
	Bits     lattice
}

type newLine struct {
	Key   string
	Qty   int
	Color string
}

// exchange sends a state to a program of another version, in both encodings.
func exchange[A, B any](t require.TestingT, from *merge.Record[A], p *merge.Plan[B]) *merge.Record[B] {
	b, err := from.MarshalBinary()
	require.NoError(t, err)
	js, err := from.MarshalJSON()
	require.NoError(t, err)
	to, toJSON := p.NewRecord(), p.NewRecord()
	require.NoError(t, to.UnmarshalBinary(b))
	require.NoError(t, toJSON.UnmarshalJSON(js), "%s", js)
	require.True(t, to.Equal(toJSON), "%s", js)
	require.Equal(t, to.Origin(), toJSON.Origin())
	return to
}

// unknown returns the paths of the fields that r does not know.
func unknown[T any](r *merge.Record[T]) (paths []string) {
	for path := range r.Unknown() {
		paths = append(paths, path)
	}
	return paths
}

// TestRecordUnknown: what a program does not know of, it can show all the same.
func TestRecordUnknown(t *testing.T) {
	newer := recordPlan(t, merge.Options[newUser]{}).NewRecord()
	require.NoError(t, newer.Update(writer("us"), set(func(u *newUser) {
		*u = newUser{Age: "thirty", Stock: 5, Lines: []newLine{{"k", 1, "red"}, {"l", 2, "blue"}}, Prefs: map[string]string{"p": "q"}, Box: &newLine{Color: "green"}}
	})))
	r := exchange(t, newer, recordPlan(t, merge.Options[oldUser]{}))
	fields := map[string]string{}
	for path, field := range r.Unknown() {
		fields[path] = string(field)
	}
	at := func(path string) string { return `"stamp":"` + newer.Stamp(path).String() + `"` }
	require.JSONEq(t, `{"path":"Age","kind":"register","type":"string","value":"thirty",`+at("Age")+`}`, fields["Age"])
	require.JSONEq(t, `{"path":"Stock","kind":"totals","entries":[{"value":5,`+at("Stock")+`}]}`, fields["Stock"])
	require.JSONEq(t, `{"path":"Color","kind":"register","type":"string","value":"blue",`+at("Lines.l.Color")+`}`, fields["Lines.l.Color"])
	require.Contains(t, fields["Box"], "green")
	require.Contains(t, fields["prefs"], `"value":"q"`)
	for range r.Unknown() {
		break
	}
	for range new(merge.Record[oldUser]).Unknown() {
		t.Error("a record without a plan")
	}
	require.True(t, r.Forget("Lines.k.Color"), "of one row")
	require.NotContains(t, unknown(r), "Lines.k.Color")
	require.Contains(t, unknown(r), "Lines.l.Color")
}

// TestRecordEvolution has two versions of a program write and exchange states.
func TestRecordEvolution(t *testing.T) {
	older, newer := recordPlan(t, merge.Options[oldUser]{}), recordPlan(t, merge.Options[newUser]{})
	require.NotEqual(t, older.Fingerprint(), newer.Fingerprint())
	eu, us := writer("eu"), lww.Writer{Replica: "us", Clock: &ticks{now: 100}}
	old, fresh := older.NewRecord(), newer.NewRecord()
	require.Equal(t, older.Fingerprint(), old.Origin())
	require.NoError(t, old.Update(eu, set(func(u *oldUser) {
		*u = oldUser{Name: "Ann", Phone: "1", Age: 30, Dropped: "kept", Score: 7, Street: "Main St", City: "London", Lines: []oldLine{{"k", 1}}}
	})))
	fresh.Merge(exchange(t, old, newer))
	got := value(t, fresh)
	require.Equal(t, "Ann", got.FullName, "renamed with name=")
	require.Equal(t, 7, got.Score, "an older rule's value stands in")
	require.Empty(t, got.Age, "a value of another type")
	require.Equal(t, []newLine{{Key: "k", Qty: 1}}, got.Lines)
	const twin = ": written later under another rule or type, which this program does not show"
	require.EqualError(t, fresh.Check(), "merge: conflict: Age"+twin)
	require.Equal(t, []string{"Age", "Dropped", "Score"}, unknown(fresh))

	want := newUser{
		FullName: "Ann B", Phone: "1", Age: "thirty", Score: 9, Street: "High St", City: "Bath", Zip: "BA1",
		Lines: []newLine{{"k", 1, "red"}, {"l", 2, "blue"}}, Tier: "b", Stock: 5, Fixed: 1, Low: -1, Note: "n",
		Tags: []string{"x", "y"}, Prefs: map[string]string{"p": "q"}, Box: &newLine{Color: "green"}, Bits: lattice{3},
	}
	require.NoError(t, fresh.Update(us, set(func(u *newUser) { *u = want })))
	require.Equal(t, want, value(t, fresh))
	require.NoError(t, fresh.Check(), "what it shows is newer")

	back := exchange(t, fresh, older)
	require.Equal(t, newer.Fingerprint(), back.Origin(), "a mixed fleet shows")
	require.True(t, old.Merge(back))
	require.Equal(t, []string{
		"Age", "Bits", "Box", "Fixed", "Lines.k.Color", "Lines.l.Color", "Low", "Note", "Score", "Stock", "Tags", "Tier", "prefs",
	}, unknown(old))
	require.Equal(t, "Ann B", value(t, old).Name)
	require.Equal(t, 30, value(t, old).Age, "each version has the value of its type")

	// The older program goes on writing, also to what it knows in part.
	require.NoError(t, old.Update(lww.Writer{Replica: "eu", Clock: &ticks{now: 200}}, set(func(u *oldUser) {
		u.Phone, u.City, u.Lines[0].Qty, u.Age = "2", "Wells", 4, 31
	})))
	again := exchange(t, old, newer)
	fresh.Merge(again)
	want.Phone, want.City, want.Lines[0].Qty = "2", "Wells", 4
	require.Equal(t, want, value(t, fresh), "nothing that either wrote is lost")
	require.True(t, again.Equal(fresh))
	require.EqualError(t, fresh.Check(), "merge: conflict: Age"+twin, "the older program goes on")

	require.False(t, fresh.Forget("Nothing"))
	require.False(t, fresh.Forget("Phone"), "known")
	require.True(t, fresh.Forget("Dropped"))
	require.True(t, old.Forget("Lines.*.Color"))
	require.NotContains(t, unknown(old), "Lines.k.Color")
	require.NotContains(t, unknown(old), "Lines.l.Color")
	require.Equal(t, []string{"Age", "Score"}, unknown(fresh))
	require.True(t, fresh.Merge(again), "who still holds it brings it back")
	require.Equal(t, []string{"Age", "Dropped", "Score"}, unknown(fresh))
}

// TestRecordUnknownMerges has programs that know nothing of a field merge what
// others wrote to it: they end with what those who know it make of it.
func TestRecordUnknownMerges(t *testing.T) {
	older, newer := recordPlan(t, merge.Options[oldUser]{}), recordPlan(t, merge.Options[newUser]{})
	a, b := newer.NewRecord(), newer.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(u *newUser) {
		u.Tier, u.Stock, u.Low, u.Note, u.Tags, u.Bits.Bits, u.Fixed = "a", 1, 5, "eu", []string{"x"}, 1, 1
	})))
	require.NoError(t, b.Update(writer("us"), set(func(u *newUser) {
		u.Tier, u.Stock, u.Low, u.Note, u.Tags, u.Bits.Bits, u.Fixed = "c", 2, 4, "us", []string{"y"}, 2, 2
	})))
	carrier := older.NewRecord()
	carrier.Merge(exchange(t, a, older))
	carrier.Merge(exchange(t, b, older))
	other := older.NewRecord()
	other.Merge(exchange(t, b, older))
	other.Merge(exchange(t, a, older))
	require.True(t, carrier.Equal(other))

	got := exchange(t, carrier, newer)
	direct := a.Clone()
	direct.Merge(b)
	require.True(t, direct.Equal(got))
	require.Equal(t, lattice{3}, value(t, got).Bits)
	require.Equal(t, "c", value(t, got).Tier)
	require.ErrorContains(t, got.Check(), "Note: the sides differ")

	// What was joined by one who knows replaces its parts at the carrier.
	require.NoError(t, got.Update(writer("ap"), set(func(u *newUser) { u.Bits.Bits |= 4 })))
	before, _ := carrier.MarshalBinary()
	carrier.Merge(exchange(t, got, older))
	after, _ := carrier.MarshalBinary()
	require.Less(t, len(after), len(before)+30)
	require.Equal(t, lattice{7}, value(t, exchange(t, carrier, newer)).Bits)
}

// TestRecordRankOfNewerProgram keeps a value that only a newer program lists.
func TestRecordRankOfNewerProgram(t *testing.T) {
	type v1 struct {
		Tier string `merge:"rank=free<pro"`
	}
	type v2 struct {
		Tier string `merge:"rank=free<pro<team"`
	}
	p1, p2 := recordPlan(t, merge.Options[v1]{}), recordPlan(t, merge.Options[v2]{})
	a, b := p1.NewRecord(), p2.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(v *v1) { v.Tier = "pro" })))
	require.NoError(t, b.Update(writer("us"), set(func(v *v2) { v.Tier = "team" })))
	a.Merge(exchange(t, b, p1))
	require.Equal(t, "pro", value(t, a).Tier, "the best it knows")
	require.ErrorContains(t, a.Check(), "Tier: a value is not in the rank")
	b.Merge(exchange(t, a, p2))
	require.Equal(t, "team", value(t, b).Tier)
	require.NoError(t, b.Check())
}

// TestRecordTwoRulesForOneField has two programs that merge one field by different
// rules go on writing to one record: each is refused only what its own rule
// refuses over what it reads, and nobody takes the cell of the other.
func TestRecordTwoRulesForOneField(t *testing.T) {
	plan := func(rule string) *merge.Plan[box[int]] {
		return recordPlan(t, merge.Options[box[int]]{Paths: map[string]string{"V": rule}})
	}
	rules := []string{"lww", "max", "nonzero", "first", "immutable", "manual", "additive"}
	for _, one := range rules {
		for _, two := range rules {
			if one == two {
				continue
			}
			t.Run(one+" and "+two, func(t *testing.T) {
				plans, clock := [2]*merge.Plan[box[int]]{plan(one), plan(two)}, &ticks{}
				r := plans[0].NewRecord()
				for i := range 6 {
					p := plans[i%2]
					at := exchange(t, r, p)
					set := func(b *box[int]) error { b.V = 10 + i; return nil }
					before := value0(at)
					err := at.Update(lww.Writer{Replica: "eu", Clock: clock}, set)
					rule := []string{one, two}[i%2]
					if fixed := rule == "first" || rule == "immutable"; fixed && before.V != 0 {
						require.Error(t, err, "write %d", i)
						continue
					}
					require.NoError(t, err, "write %d of %s", i, rule)
					require.Equal(t, 10+i, value(t, at).V, "write %d of %s", i, rule)
					r = exchange(t, at, plans[0])
				}
			})
		}
	}
}

// value0 is what a record holds, zero for nothing.
func value0[T any](r *merge.Record[T]) T {
	v, _ := r.Get()
	return v
}

// TestRecordTwins has a program check what the one of before has written, whose rules were
// others: what this one does not show is named, in rows below as well.
func TestRecordTwins(t *testing.T) {
	type oldLine struct {
		SKU  string
		Tags []string
	}
	type newLine struct {
		SKU  string
		Tags []int `merge:"set"`
	}
	type oldForm struct {
		Street, City string
		N            string
		Lines        []oldLine `merge:"keyed=SKU"`
		By           map[string]oldLine
	}
	type newForm struct {
		Street string `merge:"immutable"`
		City   int    `merge:"group=address"`
		N      *int
		Lines  []newLine `merge:"keyed=SKU"`
		By     map[string]newLine
	}
	old := recordPlan(t, merge.Options[oldForm]{}).NewRecord()
	line := oldLine{"tea", []string{"a"}}
	require.NoError(t, old.Update(writer("eu"), set(func(f *oldForm) {
		*f = oldForm{"Main St", "London", "7", []oldLine{line}, map[string]oldLine{"x": line}}
	})))
	got := exchange(t, old, recordPlan(t, merge.Options[newForm]{}))
	var conflict *merge.ConflictError
	require.ErrorAs(t, got.Check(), &conflict)
	var paths []string
	for _, c := range conflict.Report.Changes {
		require.Equal(t, merge.Undecided, c.Outcome)
		paths = append(paths, c.Path)
	}
	require.ElementsMatch(t, []string{"Street", "City", "N", "Lines.tea.Tags", "By.x.Tags"}, paths)
	forgetful := got.Clone()
	for path := range got.Unknown() {
		require.True(t, forgetful.Forget(path))
	}
	require.NoError(t, forgetful.Check())
	require.NoError(t, old.Update(lww.Writer{Replica: "eu", Clock: &ticks{now: 50}}, set(func(f *oldForm) { f.Lines, f.By = nil, nil })))
	require.ErrorAs(t, exchange(t, old, recordPlan(t, merge.Options[newForm]{})).Check(), &conflict)
	require.Len(t, conflict.Report.Changes, 3, "what is deleted has no twins")
	require.NoError(t, old.Delete(writer("eu")))
	require.NoError(t, exchange(t, old, recordPlan(t, merge.Options[newForm]{})).Check(), "there is nothing to show")

	seven := 7
	later := lww.Writer{Replica: "us", Clock: &ticks{now: 100}}
	require.NoError(t, got.Update(later, set(func(f *newForm) {
		f.Street, f.City, f.N, f.Lines[0].Tags = "Main St", 2, &seven, []int{1}
		f.By["x"] = newLine{"tea", []int{1}}
	})))
	require.NoError(t, got.Check(), "all of it is carried over")
}

// TestRecordTwinsOfPointer: a struct and a pointer to one are not read for each other, and each
// program says of what the other wrote that it does not show.
func TestRecordTwinsOfPointer(t *testing.T) {
	type box struct{ Color, Size string }
	type flat struct {
		P     box
		Other string
	}
	type pointed struct {
		P     *box
		Other string
	}
	flats, pointeds := recordPlan(t, merge.Options[flat]{}), recordPlan(t, merge.Options[pointed]{})
	paths := func(err error) (paths []string) {
		var conflict *merge.ConflictError
		require.ErrorAs(t, err, &conflict)
		for _, c := range conflict.Report.Changes {
			require.Contains(t, c.Reason, "under another rule or type")
			paths = append(paths, c.Path)
		}
		return paths
	}
	old := flats.NewRecord()
	require.NoError(t, old.Update(writer("eu"), set(func(v *flat) { v.P, v.Other = box{"red", "m"}, "x" })))
	next := exchange(t, old, pointeds)
	require.Equal(t, pointed{Other: "x"}, value(t, next))
	require.Equal(t, []string{"P"}, paths(next.Check()))

	later := lww.Writer{Replica: "us", Clock: &ticks{now: 100}}
	require.NoError(t, next.Update(later, set(func(v *pointed) { v.P = &box{"blue", "m"} })))
	require.NoError(t, next.Check(), "what it shows is newer")
	old.Merge(exchange(t, next, flats))
	require.Equal(t, flat{box{"red", "m"}, "x"}, value(t, old))
	require.Equal(t, []string{"P.Color", "P.Size"}, paths(old.Check()))
	latest := lww.Writer{Replica: "eu", Clock: &ticks{now: 200}}
	require.NoError(t, old.Update(latest, set(func(v *flat) { v.P = box{"green", "l"} })))
	require.NoError(t, old.Check())
	next.Merge(exchange(t, old, pointeds))
	require.Equal(t, []string{"P"}, paths(next.Check()))
	last := lww.Writer{Replica: "us", Clock: &ticks{now: 300}}
	require.NoError(t, next.Update(last, set(func(v *pointed) { v.P = nil })))
	require.NoError(t, next.Check(), "it was taken away later")
}

// TestRecordRankOrder chooses by the order that the rule lists, and not by that of the alphabet.
func TestRecordRankOrder(t *testing.T) {
	p := recordPlan(t, merge.Options[box[string]]{Paths: map[string]string{"V": "rank=small<medium<big<a"}})
	ranks := []string{"small", "medium", "big", "a"}
	for i, one := range ranks {
		for j, two := range ranks {
			a, b := p.NewRecord(), p.NewRecord()
			require.NoError(t, a.Update(writer("eu"), set(func(v *box[string]) { v.V = one })))
			require.NoError(t, b.Update(writer("us"), set(func(v *box[string]) { v.V = two })))
			if c := a.Explain(b).Changes; one != two {
				require.Equal(t, merge.ByValue, c[0].By)
				require.Equal(t, ranks[max(i, j)], c[0].Result)
			}
			a.Merge(b)
			require.Equal(t, ranks[max(i, j)], value(t, a).V)
			require.NoError(t, a.Check())
			for k, next := range ranks {
				if err := a.Clone().Update(writer("eu"), set(func(v *box[string]) { v.V = next })); k < max(i, j) {
					require.EqualError(t, err, `merge: write to V: rule "rank=small<medium<big<a": the value ranks below the present one`)
				} else {
					require.NoError(t, err)
				}
			}
		}
	}
}

// TestRecordSettles: what a program decodes it joins, in each field that it knows how to, whatever
// others there are before it, and in rows.
func TestRecordSettles(t *testing.T) {
	type oldRow struct {
		Key  string
		Aaa  string `merge:"rank=x<y"`
		Tier string `merge:"rank=free<pro"`
	}
	type newRow struct {
		Key  string
		Tier string `merge:"rank=free<pro<team"`
	}
	type v1 struct {
		Aaa   string `merge:"rank=x<y"`
		Tier  string `merge:"rank=free<pro"`
		Box   *oldRow
		Lines []oldRow `merge:"keyed=Key"`
	}
	type v2 struct {
		Tier  string `merge:"rank=free<pro<team"`
		Box   *newRow
		Lines []newRow `merge:"keyed=Key"`
	}
	older, newer := recordPlan(t, merge.Options[v1]{}), recordPlan(t, merge.Options[v2]{})
	r := older.NewRecord()
	require.NoError(t, r.Update(writer("ap"), set(func(v *v1) {
		row := oldRow{Key: "k", Aaa: "x", Tier: "free"}
		v.Aaa, v.Tier, v.Box, v.Lines = "x", "free", &row, []oldRow{row}
	})))
	ahead := exchange(t, r, newer)
	require.NoError(t, ahead.Update(writer("us"), set(func(v *v2) { v.Tier, v.Box.Tier, v.Lines[0].Tier = "team", "team", "team" })))
	require.NoError(t, r.Update(writer("eu"), set(func(v *v1) { v.Tier, v.Box.Tier, v.Lines[0].Tier = "pro", "pro", "pro" })))
	r.Merge(exchange(t, ahead, older))
	require.ErrorContains(t, r.Check(), "Lines.k.Tier: a value is not in the rank")
	got := exchange(t, r, newer)
	row := newRow{Key: "k", Tier: "team"}
	require.Equal(t, v2{"team", &row, []newRow{row}}, value(t, got))
	require.NoError(t, got.Check(), "there is one value of each")
	require.False(t, got.Clone().Merge(got))
}

// TestRecordStatesOfAnotherType: a program joins the states of which it knows all, keeps the others beside
// them, says so, and shows of a state what it knows if there is nothing else.
func TestRecordStatesOfAnotherType(t *testing.T) {
	type old struct{ A []string }
	type state struct{ A, B []string }
	unite := func(a, b []string) []string {
		out := append(slices.Clone(a), b...)
		slices.Sort(out)
		return slices.Compact(out)
	}
	older := recordPlan(t, merge.Options[box[old]]{Overrides: []merge.Override[box[old]]{
		merge.Field(func(b *box[old]) *old { return &b.V }, merge.Join("or", func(a, b old) old { return old{unite(a.A, b.A)} })),
	}})
	newer := recordPlan(t, merge.Options[box[state]]{Overrides: []merge.Override[box[state]]{
		merge.Field(func(b *box[state]) *state { return &b.V }, merge.Join("or", func(a, b state) state { return state{unite(a.A, b.A), unite(a.B, b.B)} })),
	}})
	one, two := newer.NewRecord(), newer.NewRecord()
	require.NoError(t, one.Update(writer("eu"), set(func(b *box[state]) { b.V = state{[]string{"x"}, []string{"y"}} })))
	require.NoError(t, two.Update(after("us", 10), set(func(b *box[state]) { b.V = state{[]string{"z"}, []string{"w"}} })))
	here := exchange(t, one, older)
	require.Equal(t, []string{"x"}, value(t, here).V.A, "what it knows of it")
	here.Merge(exchange(t, two, older))
	require.Equal(t, []string{"z"}, value(t, here).V.A, "of the newest")
	require.EqualError(t, here.Check(), "merge: conflict: V: a value is of another type")
	require.NoError(t, here.Update(after("ap", 20), set(func(b *box[old]) { b.V.A = []string{"v", "z"} })))
	require.NoError(t, here.Update(after("ap", 30), set(func(b *box[old]) { b.V.A = append(b.V.A, "zz") })))
	require.Equal(t, []string{"v", "z", "zz"}, value(t, here).V.A)
	require.EqualError(t, here.Check(), "merge: conflict: V: a value is of another type")
	there := exchange(t, here, newer)
	require.NoError(t, there.Check())
	require.Equal(t, state{[]string{"v", "x", "z", "zz"}, []string{"w", "y"}}, value(t, there).V)
}

// TestRecordStateThatFails: a Merge method that fails refuses a write, and leaves states beside each other.
func TestRecordStateThatFails(t *testing.T) {
	p := recordPlan(t, merge.Options[box[picky]]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(b *box[picky]) { b.V.N = 1 })))
	before := r.Clone()
	require.EqualError(t, r.Update(writer("eu"), set(func(b *box[picky]) { b.V.N = -1 })), "merge: V: negative")
	require.True(t, r.Equal(before))
	require.NoError(t, r.Update(writer("eu"), set(func(b *box[picky]) { b.V.N = 2 })))
	require.Equal(t, 2, value(t, r).V.N)
}

// TestRecordKeysOfAnotherType: what is at a key that a program cannot read does not show, and
// Check says so.
func TestRecordKeysOfAnotherType(t *testing.T) {
	type line struct {
		ID  int
		SKU string
		Qty int
	}
	type narrowLine struct {
		ID  int8
		SKU string
		Qty int
	}
	type wide struct {
		Lines []line `merge:"keyed=ID"`
		Pairs []line `merge:"keyed=ID+SKU"`
		Stock map[int]string
		Bins  map[int]struct{ Qty int }
		Tags  []int `merge:"set"`
		Marks []int `merge:"union"`
	}
	type narrow struct {
		Lines []narrowLine `merge:"keyed=ID"`
		Pairs []narrowLine `merge:"keyed=ID+SKU"`
		Stock map[int8]string
		Bins  map[int8]struct{ Qty int }
		Tags  []int8 `merge:"set"`
		Marks []int8 `merge:"union"`
	}
	type other struct { // found by other fields
		Lines []line `merge:"keyed=ID+SKU"`
		Pairs []line `merge:"keyed=ID"`
	}
	r, w := recordPlan(t, merge.Options[wide]{}).NewRecord(), writer("eu")
	few, many := line{1, "a", 2}, line{1000, "b", 3}
	require.NoError(t, r.Update(w, set(func(v *wide) {
		v.Lines, v.Pairs, v.Stock = []line{few, many}, []line{few, many}, map[int]string{1: "x", 1000: "y"}
		v.Bins, v.Tags, v.Marks = map[int]struct{ Qty int }{1: {2}, 1000: {3}}, []int{1, 1000}, []int{1, 1000}
	})))
	o := exchange(t, r, recordPlan(t, merge.Options[narrow]{}))
	got := value(t, o)
	require.Equal(t, []narrowLine{{1, "a", 2}}, got.Lines)
	require.Equal(t, map[int8]string{1: "x"}, got.Stock)
	require.Equal(t, []int8{1}, got.Tags)
	require.Equal(t, []string{"Bins", "Lines", "Marks", "Pairs", "Stock", "Tags"}, unreadableFields(t, o.Check()))
	sameBytes(t, r, o)

	p := exchange(t, r, recordPlan(t, merge.Options[other]{}))
	require.Empty(t, value(t, p).Lines)
	require.Equal(t, []string{"Lines", "Lines", "Pairs", "Pairs"}, unreadableFields(t, p.Check()))
	sameBytes(t, r, p)

	require.NoError(t, r.Update(w, set(func(v *wide) {
		v.Lines, v.Pairs, v.Stock, v.Bins, v.Tags = v.Lines[:1], v.Pairs[:1], map[int]string{1: "x"}, map[int]struct{ Qty int }{1: {2}}, v.Tags[:1]
	})))
	o.Merge(exchange(t, r, recordPlan(t, merge.Options[narrow]{})))
	require.Equal(t, []string{"Marks"}, unreadableFields(t, o.Check()), "a union keeps what is in it")
}

// unreadableFields returns the first name of the path of each [content.ValueError] in err.
func unreadableFields(t *testing.T, err error) []string {
	t.Helper()
	var conflict *merge.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Len(t, conflict.Report.Changes, len(conflict.Unwrap()))
	var names []string
	for _, err := range conflict.Unwrap() {
		var bad *content.ValueError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "bytes of no such key", bad.Stored)
		name, _, _ := strings.Cut(bad.Key, ".")
		names = append(names, name)
	}
	return names
}
