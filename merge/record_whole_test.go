package merge_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// after returns a writer whose first write is just after now.
func after(r string, now int) lww.Writer {
	return lww.Writer{Replica: vclock.Replica(r), Clock: &ticks{now: hlc.Timestamp(now)}}
}

// assignedDoc returns a record of the newer version that an older one has assigned a value.
func assignedDoc(t *testing.T, v wholeDoc) *merge.Record[partsDoc] {
	t.Helper()
	old := recordPlan(t, merge.Options[wholeDoc]{}).NewRecord()
	require.NoError(t, old.Update(after("eu", 10), set(func(w *wholeDoc) { *w = v })))
	return exchange(t, old, recordPlan(t, merge.Options[partsDoc]{}))
}

// TestRecordWholeOrder: a list that was assigned has its order, and what is moved, added and deleted
// in it reads back as it was set, while the older version goes on showing its list.
func TestRecordWholeOrder(t *testing.T) {
	r := assignedDoc(t, wholeDoc{Lines: []wholeLine{{Key: "c"}, {Key: "a", Qty: 1}, {Key: "b"}}})
	lines := func() (keys string) {
		for _, l := range value(t, r).Lines {
			keys += l.Key
		}
		return keys
	}
	require.Equal(t, "cab", lines())
	require.NoError(t, r.Update(after("us", 0), set(func(v *partsDoc) {
		l := v.Lines
		v.Lines = []partsLine{l[2], {Key: "d", Qty: 4}, l[0]}
	})), "its clock is behind")
	require.Equal(t, "bdc", lines())
	require.NoError(t, r.Check())
	old := exchange(t, r, recordPlan(t, merge.Options[wholeDoc]{}))
	require.Equal(t, []wholeLine{{Key: "c"}, {Key: "a", Qty: 1}, {Key: "b"}}, value(t, old).Lines)
	require.NoError(t, old.Update(after("eu", 20), set(func(w *wholeDoc) { w.Lines = append(w.Lines, wholeLine{Key: "e"}) })))
	r.Merge(exchange(t, old, recordPlan(t, merge.Options[partsDoc]{})))
	require.Equal(t, "cabe", lines(), "an assignment says all of a list")
}

// TestRecordWholeReported: what a report, a stamp and a path say of a part is what was written
// about it, be it with the whole.
func TestRecordWholeReported(t *testing.T) {
	city := "Bath"
	r := assignedDoc(t, wholeDoc{Tags: []string{"x"}, Lines: []wholeLine{{Key: "a", Qty: 1}}, Street: "High St", City: &city, Stock: 5})
	whole := r.Stamp("Tags.x")
	require.Equal(t, whole, r.Stamp("Lines.a.Qty"))
	require.Equal(t, whole, r.Stamp("Street"))
	before := r.Clone()
	require.NoError(t, r.Update(after("us", 20), set(func(v *partsDoc) { v.Street, v.Lines[0].Qty, v.Stock = "Mill St", 2, 7 })))
	require.Equal(t, "us", string(r.Stamp("Street").Replica))
	require.Equal(t, whole, r.Stamp("Tags.x"))
	require.Equal(t, []string{"City", "Street", "Lines.a.Qty", "Stock"}, before.Changed(r))

	old := exchange(t, r, recordPlan(t, merge.Options[wholeDoc]{}))
	require.NoError(t, old.Update(after("eu", 40), set(func(w *wholeDoc) { w.Tags, w.Lines, w.Street = []string{"y"}, nil, "Low St" })))
	theirs := exchange(t, old, recordPlan(t, merge.Options[partsDoc]{}))
	got := map[string]merge.Change{}
	for _, c := range r.Explain(theirs).Changes {
		got[c.Path] = c
	}
	require.Equal(t, "not in what was assigned later", got["Tags.x"].Reason)
	require.Equal(t, merge.Absent{}, got["Tags.x"].Result)
	require.Equal(t, "y", got["Tags.y"].Result)
	require.Equal(t, merge.Absent{}, got["Lines.a"].Result)
	require.Equal(t, "not in what was assigned later", got["Lines.a"].Reason)
	require.True(t, got["Lines.a"].Candidates[0].Lost)
	require.Equal(t, theirs.Stamp("Street"), got["Street"].Candidates[0].Stamp)
	require.Equal(t, "Low St", got["Street"].Result)
	require.NotContains(t, got, "City", "which nobody wrote since")
	r.Merge(theirs)
	require.Equal(t, partsDoc{Tags: []string{"y"}, Street: "Low St", City: "Bath", Stock: 7}, value(t, r))
}

// TestRecordWholeTouched: to touch an element makes it one that somebody wrote.
func TestRecordWholeTouched(t *testing.T) {
	r := assignedDoc(t, wholeDoc{Tags: []string{"x", "y"}, Prefs: map[string]int{"p": 1}, Lines: []wholeLine{{Key: "a", Qty: 1}}})
	for _, path := range []string{"Tags.x", "Prefs.p", "Lines.a.Qty", "Stock"} {
		require.NoError(t, r.Touch(after("us", 0), path))
		require.Equal(t, "us", string(r.Stamp(path).Replica), path)
	}
	for path := range r.Unknown() {
		require.True(t, r.Forget(path), path)
	}
	require.Equal(t, partsDoc{Tags: []string{"x"}, Prefs: map[string]int{"p": 1}, Lines: []partsLine{{Key: "a", Qty: 1}}}, value(t, r))
	require.NoError(t, r.Check())
}

// TestRecordWholeForgotten: what was removed is kept out for as long as an older value of the
// whole has it, and no longer; the rest is forgotten as ever.
func TestRecordWholeForgotten(t *testing.T) {
	r := assignedDoc(t, wholeDoc{Tags: []string{"x"}, Lines: []wholeLine{{Key: "a"}}})
	drop := func() error {
		return r.Update(after("us", 20), set(func(v *partsDoc) { v.Tags, v.Lines = nil, nil }))
	}
	require.NoError(t, r.Update(after("us", 15), set(func(v *partsDoc) {
		v.Tags, v.Lines = append(v.Tags, "y"), append(v.Lines, partsLine{Key: "b"})
	})))
	require.NoError(t, drop())
	require.NoError(t, r.CompactRows(30, 30))
	require.Empty(t, value(t, r).Tags)
	require.Empty(t, value(t, r).Lines)
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(js), `"gone":true`), "%s", js)
	reread(t, recordPlan(t, merge.Options[partsDoc]{}), r)
	other := exchange(t, r, recordPlan(t, merge.Options[wholeDoc]{}))
	require.NoError(t, other.CompactRows(40, 40), "by a program that cannot tell")
	require.Empty(t, value(t, exchange(t, other, recordPlan(t, merge.Options[partsDoc]{}))).Tags)

	require.True(t, r.Forget("Tags"))
	require.True(t, r.Forget("Lines"))
	js, err = r.MarshalJSON()
	require.NoError(t, err)
	require.NotContains(t, string(js), `"gone":true`)
	reread(t, recordPlan(t, merge.Options[partsDoc]{}), r)
}

// TestRecordWholeCounted: a number that was assigned is what all changes are added to. Where it
// was additive before it was assigned, it may have them in it, which Check tells.
func TestRecordWholeCounted(t *testing.T) {
	type lwwBox struct{ N int }
	type sumBox struct {
		N int `merge:"additive"`
	}
	lwws, sums := recordPlan(t, merge.Options[lwwBox]{}), recordPlan(t, merge.Options[sumBox]{})
	old := lwws.NewRecord()
	require.NoError(t, old.Update(after("eu", 10), set(func(b *lwwBox) { b.N = 8 })))
	a := exchange(t, old, sums)
	b := a.Clone()
	require.NoError(t, a.Update(after("us", 20), set(func(b *sumBox) { b.N += 2 })))
	require.NoError(t, b.Update(after("ap", 20), set(func(b *sumBox) { b.N -= 3 })))
	a.Merge(b)
	require.Equal(t, 7, value(t, a).N)
	require.NoError(t, a.Check())

	middle := exchange(t, a, lwws)
	require.Equal(t, 8, value(t, middle).N)
	require.ErrorContains(t, middle.Check(), "N: added to under another rule")
	require.NoError(t, middle.Update(after("eu", 30), set(func(b *lwwBox) { b.N = 20 })))
	require.ErrorContains(t, middle.Check(), "N: added to under another rule", "while both are there")
	again := exchange(t, middle, sums)
	require.Equal(t, 19, value(t, again).N)
	require.ErrorContains(t, again.Check(), "N: assigned under another rule after something was added")
}

// TestRecordWholeUnread: what is assigned and cannot be read is named, and an element whose
// fields cannot be made out of a value has what can.
func TestRecordWholeUnread(t *testing.T) {
	type oldLine struct{ Key, Note, Text string }
	type newLine struct {
		Key, Text string
		Note      string `merge:"manual"`
	}
	type oldList struct{ Lines, Odd []oldLine }
	type newList struct {
		Lines []newLine `merge:"keyed=Key"`
		Odd   []struct {
			Key  string
			Text int
		} `merge:"keyed=Key"`
	}
	old := recordPlan(t, merge.Options[oldList]{}).NewRecord()
	require.NoError(t, old.Update(writer("eu"), set(func(l *oldList) {
		l.Lines = []oldLine{{"a", "note", "text"}, {"a", "again", "twice"}, {"b", "", "text"}}
		l.Odd = l.Lines
	})))
	r := exchange(t, old, recordPlan(t, merge.Options[newList]{}))
	require.Equal(t, newList{Lines: []newLine{{Key: "a", Text: "text"}, {Key: "b", Text: "text"}}}, value(t, r))
	require.Equal(t, []string{"Odd", "Lines.a.Note"}, mixedDoubts(t, r.Check()))
}

// TestRecordWholeRow: what a pointer points to, and maps of structs, are read by their fields.
func TestRecordWholeRow(t *testing.T) {
	type row struct {
		A int
		B []string `merge:"set"`
	}
	type oldDoc struct {
		P *row           `merge:"atomic"`
		M map[string]row `merge:"atomic"`
		F []string       `merge:"first"`
	}
	type newDoc struct {
		P *row
		M map[string]row
		F []string `merge:"set"`
	}
	olds, news := recordPlan(t, merge.Options[oldDoc]{}), recordPlan(t, merge.Options[newDoc]{})
	old := olds.NewRecord()
	v := row{1, []string{"x"}}
	require.NoError(t, old.Update(after("eu", 10), set(func(d *oldDoc) { *d = oldDoc{&v, map[string]row{"k": v}, []string{"f"}} })))
	r := exchange(t, old, news)
	require.Equal(t, newDoc{&v, map[string]row{"k": v}, []string{"f"}}, value(t, r))
	require.NoError(t, r.Update(after("us", 20), set(func(d *newDoc) {
		d.P.A = 2
		d.M["k"], d.M["l"] = row{1, nil}, row{3, nil}
	})))
	require.Equal(t, newDoc{&row{2, []string{"x"}}, map[string]row{"k": {A: 1}, "l": {A: 3}}, []string{"f"}}, value(t, r))
	require.NoError(t, old.Update(after("eu", 30), set(func(d *oldDoc) { d.P, d.M = nil, nil })))
	r.Merge(exchange(t, old, news))
	require.Equal(t, newDoc{F: []string{"f"}}, value(t, r))
	require.NoError(t, r.Update(after("us", 0), set(func(d *newDoc) { d.P, d.M = &row{A: 5}, map[string]row{"k": {A: 6}} })))
	require.Equal(t, newDoc{&row{A: 5}, map[string]row{"k": {A: 6}}, []string{"f"}}, value(t, r))
	require.NoError(t, r.Update(after("us", 0), set(func(d *newDoc) { d.P, d.M = nil, nil })))
	require.Equal(t, newDoc{F: []string{"f"}}, value(t, r))
}

// TestRecordWholeKeptMadeAgain makes an element of which another replica had a part that the delete
// had not seen, and that was over when a list was assigned without it: what was deleted stays away.
func TestRecordWholeKeptMadeAgain(t *testing.T) {
	type line struct {
		Key       string
		Qty, Sold int
		Tags      []string
	}
	type keptLine struct {
		Key  string
		Qty  int
		Sold int      `merge:"additive"`
		Tags []string `merge:"set"`
	}
	type whole struct{ Lines []line }
	type parts struct {
		Lines []keptLine `merge:"keyed=Key,keep"`
	}
	wholes, partly := recordPlan(t, merge.Options[whole]{}), recordPlan(t, merge.Options[parts]{})
	us, eu := partly.NewRecord(), partly.NewRecord()
	require.NoError(t, us.Update(after("us", 2), set(func(v *parts) { v.Lines = []keptLine{{Key: "y", Qty: 1}} })))
	require.NoError(t, eu.Update(after("eu", 1), set(func(v *parts) { v.Lines = []keptLine{{Key: "y"}} })))
	old := exchange(t, eu, wholes)
	require.NoError(t, old.Update(after("ap", 4), set(func(v *whole) { v.Lines = []line{{Key: "x"}} })))
	require.NoError(t, eu.Update(after("eu", 5), set(func(v *parts) { v.Lines[0].Qty, v.Lines[0].Sold, v.Lines[0].Tags = 2, 3, []string{"t"} })))
	eu.Merge(exchange(t, old, partly))
	require.Len(t, value(t, eu).Lines, 2, "it was changed after the list was assigned without it")
	require.NoError(t, eu.Update(after("eu", 8), set(func(v *parts) { v.Lines = []keptLine{{Key: "x"}} })))
	eu.Merge(us)
	made := parts{Lines: []keptLine{{Key: "x"}, {Key: "y", Sold: 1}}}
	require.Equal(t, made.Lines[:1], value(t, eu).Lines)
	require.NoError(t, eu.Update(after("eu", 20), set(func(v *parts) { *v = made })))
	require.Equal(t, made, value(t, eu))
	us.Merge(exchange(t, eu, partly))
	require.Equal(t, made, value(t, us))
	require.True(t, us.Equal(eu))
}

// TestRecordWholeKept drives programs that assign a list and programs that keep its elements: what
// one writes it reads, and all end with the same bytes.
func TestRecordWholeKept(t *testing.T) {
	type line struct {
		Key       string
		Qty, Sold int
		Tags      []string
		Box       *keptBox
	}
	type keptOne struct {
		Key  string
		Qty  int
		Sold int      `merge:"additive"`
		Tags []string `merge:"set"`
		Box  *keptBox `merge:"fields,keep"`
	}
	type whole struct{ Lines []line }
	type parts struct {
		Lines []keptOne `merge:"keyed=Key,keep"`
	}
	wholes, partly := recordPlan(t, merge.Options[whole]{}), recordPlan(t, merge.Options[parts]{})
	at := func(v parts, key string) int {
		return slices.IndexFunc(v.Lines, func(l keptOne) bool { return l.Key == key })
	}
	edit := func(v *parts, key string, n, step int) {
		switch j := at(*v, key); {
		case j < 0:
			v.Lines = append(v.Lines, keptOne{Key: key, Qty: n})
		case step == 2:
			v.Lines = slices.Delete(v.Lines, j, j+1)
		case n == 1:
			v.Lines[j].Sold++
		case n == 2 && v.Lines[j].Tags == nil:
			v.Lines[j].Tags = []string{"t"}
		case n == 2:
			v.Lines[j].Tags = nil
		case v.Lines[j].Box == nil:
			v.Lines[j].Box = &keptBox{B: step}
		default:
			v.Lines[j].Box = nil
		}
	}
	type form struct {
		v     parts
		token merge.Token
	}
	rapid.Check(t, func(rt *rapid.T) {
		recs := []*merge.Record[parts]{partly.NewRecord(), partly.NewRecord(), partly.NewRecord()}
		forms := make([][]form, len(recs))
		clock := &recorder{}
		deleted := hlc.Timestamp(0)
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			i := rapid.IntRange(0, 2).Draw(rt, "at")
			w := lww.Writer{Replica: []vclock.Replica{"ap", "eu", "us"}[i], Clock: clock}
			r := recs[i]
			key, n := rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "key"), rapid.IntRange(1, 3).Draw(rt, "n")
			switch step := rapid.IntRange(0, 11).Draw(rt, "step"); {
			case step == 10:
				v, token := r.Snapshot()
				forms[i] = append(forms[i], form{v, token})
			case step == 11 && len(forms[i]) > 0:
				f := rapid.SampledFrom(forms[i]).Draw(rt, "form")
				before, next := r.Clone(), parts{slices.Clone(f.v.Lines)}
				edit(&next, key, n, rapid.IntRange(2, 3).Draw(rt, "edit"))
				if err := r.Apply(w, f.token, f.v, next); err != nil {
					require.True(rt, errors.As(err, new(*merge.StaleError)) || errors.As(err, new(*merge.BehindError)), "%v", err)
					require.True(rt, before.Equal(r))
					continue
				}
				is := value0(r)
				j, k := at(next, key), at(is, key)
				require.True(rt, j < 0 || k >= 0, "what was written is not there")
				if j < 0 { // or kept, as others changed it meanwhile
					continue
				}
				was := keptOne{Key: key}
				if m := at(f.v, key); m >= 0 {
					was = f.v.Lines[m]
				}
				if was.Qty != next.Lines[j].Qty {
					require.Equal(rt, next.Lines[j].Qty, is.Lines[k].Qty)
				}
				if !slices.Equal(was.Tags, next.Lines[j].Tags) {
					require.Equal(rt, next.Lines[j].Tags, is.Lines[k].Tags)
				}
			case step < 2:
				old := exchange(t, r, wholes)
				var want []line
				require.NoError(rt, old.Update(w, func(v *whole) error {
					if j := slices.IndexFunc(v.Lines, func(l line) bool { return l.Key == key }); j < 0 {
						v.Lines = append(v.Lines, line{Key: key, Qty: n, Tags: []string{"t"}, Box: &keptBox{A: n}})
					} else if n == 1 {
						v.Lines = slices.Delete(v.Lines, j, j+1)
					} else {
						v.Lines[j].Qty, v.Lines[j].Sold, v.Lines[j].Tags, v.Lines[j].Box = n, n, nil, nil
					}
					want = v.Lines
					return nil
				}))
				require.Equal(rt, len(want), len(value0(old).Lines))
				recs[i] = exchange(t, old, partly)
			case step < 6:
				want := value0(r)
				edit(&want, key, n, step)
				before := r.Clone()
				require.NoError(rt, r.Update(w, func(v *parts) error { v.Lines = slices.Clone(want.Lines); return nil }))
				if len(want.Lines) == 0 {
					want.Lines = nil
				}
				require.Equal(rt, want, value0(r))
				again := before.Clone()
				again.Merge(r.Since(before))
				require.True(rt, again.Equal(r))
			case step == 6:
				was, h := value0(r), clock.now
				for _, o := range recs {
					if !o.Equal(r) {
						h = 0
					}
				}
				if h == 0 || r.Latest() == 0 {
					continue
				}
				require.NoError(rt, r.CompactRows(deleted, h))
				deleted = h
				require.Equal(rt, was, value0(r))
			default:
				o := recs[rapid.IntRange(0, 2).Draw(rt, "from")]
				b, err := o.MarshalBinary()
				require.NoError(rt, err)
				mergeExplained(rt, r, b)
			}
			require.True(rt, exchange(t, recs[i], partly).Equal(recs[i]))
			_ = recs[i].Check()
		}
		for range 2 {
			for i := range recs {
				recs[i].Merge(recs[(i+1)%3])
				recs[i].Merge(recs[(i+2)%3])
			}
		}
		require.True(rt, recs[0].Equal(recs[1]))
		require.True(rt, recs[0].Equal(recs[2]))
	})
}

// TestRecordUngrouped drives programs of which one has two fields in a group and the other has
// not: each field shows the newest write to it, alone or with the other.
func TestRecordUngrouped(t *testing.T) {
	type grouped struct {
		Street string `merge:"group=address"`
		City   string `merge:"group=address"`
		Zip    int    `merge:"group=address"`
	}
	type apart struct {
		Street string
		City   *string
		Zip    int `merge:"max"`
	}
	older, newer := recordPlan(t, merge.Options[grouped]{}), recordPlan(t, merge.Options[apart]{})
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	rapid.Check(t, func(rt *rapid.T) {
		type site struct {
			rec    *merge.Record[apart]
			street [2]int // when, and what
			city   [2]int
		}
		sites := []*site{{rec: newer.NewRecord()}, {rec: newer.NewRecord()}}
		clock := &recorder{}
		newest := func(a, b [2]int) [2]int {
			if b[0] > a[0] {
				return b
			}
			return a
		}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			i := rapid.IntRange(0, 1).Draw(rt, "at")
			s, w := sites[i], lww.Writer{Replica: []vclock.Replica{"eu", "us"}[i], Clock: clock}
			n := rapid.IntRange(1, 9).Draw(rt, "n")
			name := strconv.Itoa(n)
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0:
				old := exchange(t, s.rec, older)
				before := value0(old)
				require.NoError(rt, old.Update(w, func(g *grouped) error { g.Street = name; return nil }))
				if before.Street != name {
					now := int(clock.now)
					city, _ := strconv.Atoi(before.City)
					s.street, s.city = [2]int{now, n}, [2]int{now, city}
				}
				s.rec = exchange(t, old, newer)
			case 1:
				before := value0(s.rec)
				require.NoError(rt, s.rec.Update(w, func(a *apart) error { a.Street = name; return nil }))
				if before.Street != name {
					s.street = [2]int{int(clock.now), n}
				}
			case 2:
				before := value0(s.rec)
				require.NoError(rt, s.rec.Update(w, func(a *apart) error { a.City = &name; return nil }))
				if text(before.City) != name {
					s.city = [2]int{int(clock.now), n}
				}
			case 3:
				_ = s.rec.Touch(w, "Zip")
			default:
				o := sites[1-i]
				b, err := o.rec.MarshalBinary()
				require.NoError(rt, err)
				mergeExplained(rt, s.rec, b)
				s.street, s.city = newest(s.street, o.street), newest(s.city, o.city)
			}
			show := func(n int) string {
				if n == 0 {
					return ""
				}
				return strconv.Itoa(n)
			}
			for _, got := range []apart{value0(s.rec), value0(exchange(t, s.rec, newer))} {
				require.Equal(rt, show(s.street[1]), got.Street)
				require.Equal(rt, show(s.city[1]), text(got.City))
			}
			old := value0(exchange(t, s.rec, older))
			require.Equal(rt, show(s.street[1]), old.Street)
			require.Equal(rt, show(s.city[1]), old.City)
			require.NoError(rt, s.rec.Check())
		}
	})
}

// TestRecordWholeCompactsKept: an assignment that a delete had not seen keeps a row, whoever compacts.
func TestRecordWholeCompactsKept(t *testing.T) {
	type kept struct {
		L []note2          `merge:"keyed=ID,keep"`
		C map[string]note2 `merge:"fields,keep"`
		B *note2           `merge:"fields,keep"`
	}
	type whole struct {
		L []note2
		C map[string]note2 `merge:"atomic"`
		B *note2           `merge:"atomic"`
	}
	for _, ahead := range []int{5, 30} {
		byParts, inOne := recordPlan(t, merge.Options[kept]{}), recordPlan(t, merge.Options[whole]{})
		k := byParts.NewRecord()
		require.NoError(t, k.Update(after("eu", 0), set(func(v *kept) { *v = kept{[]note2{{"x", "1"}}, map[string]note2{"x": {"", "1"}}, &note2{"", "1"}} })))
		w := exchange(t, k, inOne)
		require.NoError(t, k.Update(after("eu", 20), set(func(v *kept) { *v = kept{} })))
		require.NoError(t, w.Update(after("us", ahead), set(func(v *whole) { *v = whole{[]note2{{"x", "2"}}, map[string]note2{"x": {"", "2"}}, &note2{"", "2"}} })))
		k.Merge(exchange(t, w, byParts))
		want := kept{[]note2{{"x", "2"}}, map[string]note2{"x": {"", "2"}}, &note2{"", "2"}}
		require.Equal(t, want, value(t, k))
		c, by := k.Clone(), exchange(t, k, inOne)
		require.NoError(t, c.CompactRows(c.Latest(), c.Latest()))
		require.NoError(t, by.CompactRows(by.Latest(), by.Latest()))
		for _, r := range []*merge.Record[kept]{c, exchange(t, by, byParts)} {
			require.Equal(t, want, value(t, r))
			k.Merge(r)
			require.Equal(t, want, value(t, k))
		}
	}
}

// TestRecordUngroupedWrites: what is written to a field that shows a member of a group reads
// back though the clock is behind, or is refused.
func TestRecordUngroupedWrites(t *testing.T) {
	type grouped struct {
		N    int    `merge:"group=g"`
		Name string `merge:"group=g"`
	}
	type apart struct {
		N    int `merge:"max"`
		Name string
	}
	g := recordPlan(t, merge.Options[grouped]{}).NewRecord()
	require.NoError(t, g.Update(after("us", 10), set(func(v *grouped) { *v = grouped{5, "a"} })))
	r := exchange(t, g, recordPlan(t, merge.Options[apart]{}))
	require.Equal(t, apart{5, "a"}, value(t, r))
	var refused *merge.WriteError
	require.ErrorAs(t, r.Update(after("eu", 0), set(func(v *apart) { v.N = 2 })), &refused)
	require.NoError(t, r.Update(after("eu", 0), set(func(v *apart) { v.N, v.Name = 6, "b" })))
	require.Equal(t, apart{6, "b"}, value(t, r))
	require.NoError(t, r.Touch(after("ap", 0), "Name"))
	require.Equal(t, vclock.Replica("ap"), r.Stamp("Name").Replica)
	v, token := r.Snapshot()
	require.NoError(t, r.Apply(after("eu", 0), token, v, apart{6, "c"}))
	require.Equal(t, apart{6, "c"}, value(t, r))
}

// TestRecordStructInOne: a struct that was one value is named by Check where its fields are merged
// one by one, until they are written.
func TestRecordStructInOne(t *testing.T) {
	type point struct{ X, Y int }
	type whole struct {
		P point `merge:"atomic"`
	}
	type parts struct{ P point }
	w := recordPlan(t, merge.Options[whole]{}).NewRecord()
	require.NoError(t, w.Update(after("us", 10), set(func(v *whole) { v.P = point{1, 2} })))
	r := exchange(t, w, recordPlan(t, merge.Options[parts]{}))
	require.Equal(t, []string{"P.X", "P.Y"}, mixedDoubts(t, r.Check()))
	require.NoError(t, r.Update(after("eu", 20), set(func(v *parts) { v.P = point{1, 2} })))
	require.NoError(t, r.Check())
}

// TestRecordWholeIsLater: what an older program assigns is later than the parts that it has merged,
// however far ahead the clock was that wrote them.
func TestRecordWholeIsLater(t *testing.T) {
	type oldDoc struct {
		Tags []string `merge:"atomic"`
	}
	type newDoc struct {
		Tags []string `merge:"set"`
	}
	olds, news := recordPlan(t, merge.Options[oldDoc]{}), recordPlan(t, merge.Options[newDoc]{})
	next := news.NewRecord()
	require.NoError(t, next.Update(after("us", 5000), set(func(d *newDoc) { d.Tags = []string{"a"} })))
	for name, write := range map[string]func(*merge.Record[oldDoc]) error{
		"update": func(r *merge.Record[oldDoc]) error {
			return r.Update(after("eu", 10), set(func(d *oldDoc) { d.Tags = []string{"b"} }))
		},
		"apply": func(r *merge.Record[oldDoc]) error {
			v, seen := r.Snapshot()
			return r.Apply(after("eu", 10), seen, v, oldDoc{[]string{"b"}})
		},
	} {
		old := exchange(t, next, olds)
		require.NoError(t, write(old), name)
		require.Greater(t, old.Stamp("Tags").Time, next.Latest(), name)
		require.Equal(t, newDoc{[]string{"b"}}, value(t, exchange(t, old, news)), name)
	}
}

// TestRecordUngroupedInARow reads members of groups, those of the struct in the record and those in a list that was
// assigned, whatever fields come before them.
func TestRecordUngroupedInARow(t *testing.T) {
	type zone struct {
		A int `merge:"group=g"`
		B int `merge:"group=g"`
	}
	type plainZone struct{ A, B int }
	type line struct {
		Key string
		C   int `merge:"group=h"`
		D   int `merge:"group=h"`
	}
	type plainLine struct {
		Key  string
		C, D int
	}
	type grouped struct {
		Alpha string
		Beta  []string `merge:"set"`
		X     zone
		Z     zone
		Lines []line `merge:"keyed=Key"`
	}
	type single struct {
		Alpha string
		Beta  []string `merge:"set"`
		X     plainZone
		Z     plainZone
		Lines []plainLine
	}
	one, two := recordPlan(t, merge.Options[grouped]{}), recordPlan(t, merge.Options[single]{})
	r := one.NewRecord()
	require.NoError(t, r.Update(after("eu", 10), set(func(v *grouped) {
		v.Alpha, v.Beta, v.X, v.Z = "a", []string{"b"}, zone{1, 2}, zone{3, 4}
	})))
	alone := exchange(t, r, two)
	require.Equal(t, single{Alpha: "a", Beta: []string{"b"}, X: plainZone{1, 2}, Z: plainZone{3, 4}}, value(t, alone))
	require.NoError(t, alone.Update(after("us", 20), set(func(v *single) {
		v.X.B, v.Z.A, v.Lines = 5, 6, []plainLine{{"k", 7, 8}, {"l", 0, 9}}
	})))
	back := exchange(t, alone, one)
	want := grouped{Alpha: "a", Beta: []string{"b"}, X: zone{1, 5}, Z: zone{6, 4}, Lines: []line{{"k", 7, 8}, {"l", 0, 9}}}
	require.Equal(t, want, value(t, back))
	require.ElementsMatch(t, []string{"X.B", "Z.A", "Lines.k.C", "Lines.k.D", "Lines.l.D"}, slices.DeleteFunc(r.Changed(back), func(path string) bool { return path == "Lines" }))
	require.NoError(t, back.Update(after("eu", 30), set(func(v *grouped) { v.X.A, v.Lines[1].C = 10, 11 })))
	want.X.A, want.Lines[1].C = 10, 11
	require.Equal(t, want, value(t, back))
	require.NoError(t, back.Check())
	require.Equal(t, plainZone{10, 5}, value(t, exchange(t, back, two)).X)
}

// TestRecordGroupsOfTypes reads for a member of a group the newer of two values of other types, be it
// the one or the other.
func TestRecordGroupsOfTypes(t *testing.T) {
	type v1 struct{ N int }
	type v2 struct{ N float64 }
	type v3 struct {
		N float64 `merge:"group=g"`
		M int     `merge:"group=g"`
	}
	one, two, three := recordPlan(t, merge.Options[v1]{}), recordPlan(t, merge.Options[v2]{}), recordPlan(t, merge.Options[v3]{})
	a, b := one.NewRecord(), two.NewRecord()
	require.NoError(t, a.Update(after("eu", 10), set(func(v *v1) { v.N = 1 })))
	require.NoError(t, b.Update(after("us", 20), set(func(v *v2) { v.N = 2 })))
	got := exchange(t, a, three)
	require.Equal(t, 1.0, value(t, got).N)
	got.Merge(exchange(t, b, three))
	require.Equal(t, 2.0, value(t, got).N)
	require.NoError(t, a.Update(after("eu", 30), set(func(v *v1) { v.N = 3 })))
	got.Merge(exchange(t, a, three))
	require.Equal(t, 3.0, value(t, got).N)
	require.NoError(t, got.Update(after("ap", 40), set(func(v *v3) { v.M = 4 })))
	require.Equal(t, v3{3, 4}, value(t, got))
}

// TestRecordStructInOneBesideOthers: Check names the parts of a struct that was written as one value later, whatever
// fields come before it, and no others.
func TestRecordStructInOneBesideOthers(t *testing.T) {
	type home struct{ Zip, City string }
	type one struct {
		Alpha string
		Home  home `merge:"atomic"`
		Homes home `merge:"atomic"`
		Zeta  string
	}
	type parts struct {
		Alpha string
		Home  home
		Homes home `merge:"atomic"`
		Zeta  string
	}
	r := recordPlan(t, merge.Options[one]{}).NewRecord()
	require.NoError(t, r.Update(after("eu", 10), set(func(v *one) { *v = one{"a", home{"1", "x"}, home{"2", "y"}, "z"} })))
	got := exchange(t, r, recordPlan(t, merge.Options[parts]{}))
	var conflict *merge.ConflictError
	require.ErrorAs(t, got.Check(), &conflict)
	var paths []string
	for _, c := range conflict.Report.Changes {
		paths = append(paths, c.Path)
	}
	require.ElementsMatch(t, []string{"Home.City", "Home.Zip"}, paths)
	require.NoError(t, got.Update(after("us", 20), set(func(v *parts) { v.Home.City = "x" })))
	require.ErrorAs(t, got.Check(), &conflict)
	require.Len(t, conflict.Report.Changes, 1)
}
