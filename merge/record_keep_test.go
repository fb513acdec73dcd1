package merge_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

func keptOf(t *testing.T) (r *merge.Record[keptAll], eu, us lww.Writer) {
	t.Helper()
	clock := new(ticks)
	eu, us = lww.Writer{Replica: "eu", Clock: clock}, lww.Writer{Replica: "us", Clock: clock}
	r = recordPlan(t, merge.Options[keptAll]{}).NewRecord()
	require.NoError(t, r.Update(eu, set(func(v *keptAll) {
		*v = keptAll{
			Lines: []keptLine{{Key: "x", A: 1, N: 2, Tags: []string{"t"}, Box: &keptBox{A: 3}}},
			Cells: map[string]keptBox{"x": {A: 4}}, Plain: map[string]int{"x": 5}, Box: &keptBox{B: 6},
		}
	})))
	return r, eu, us
}

func nothing(v *keptAll) error { *v = keptAll{}; return nil }

// TestKeptRowSurvives deletes a row while somebody changes it: it is there, whole, in whatever
// order one hears of the two, and whoever has the later clock.
func TestKeptRowSurvives(t *testing.T) {
	change := set(func(v *keptAll) {
		v.Lines[0].B, v.Cells["x"], v.Plain["x"], v.Box.A = 7, keptBox{4, 7}, 7, 7
	})
	for _, late := range []bool{false, true} {
		a, eu, us := keptOf(t)
		b := a.Clone()
		if late {
			require.NoError(t, b.Update(us, change))
		}
		require.NoError(t, a.Update(eu, nothing))
		require.Equal(t, keptAll{}, value(t, a), "nothing is left where it was deleted")
		if !late {
			require.NoError(t, b.Update(us, change))
		}
		want := value(t, b)
		other := b.Clone()
		other.Merge(a)
		a.Merge(b)
		require.Equal(t, want, value(t, a))
		require.True(t, a.Equal(other))

		require.NoError(t, a.Update(us, nothing), "one who has seen the change deletes it")
		other.Merge(a)
		require.Equal(t, keptAll{}, value(t, other))
		require.False(t, other.Merge(b))
	}
}

// TestKeptRowIsMadeAgain makes rows again that were deleted: they hold nothing of what they
// held, and what nobody had seen of the old ones is told to have lost.
func TestKeptRowIsMadeAgain(t *testing.T) {
	a, eu, us := keptOf(t)
	b := a.Clone()
	require.NoError(t, a.Update(eu, nothing))
	made := keptAll{
		Lines: []keptLine{{Key: "x", B: 1}}, Cells: map[string]keptBox{"x": {}}, Plain: map[string]int{"x": 0}, Box: &keptBox{},
	}
	require.NoError(t, a.Update(eu, set(func(v *keptAll) { *v = made })))
	require.Equal(t, made, value(t, a))
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Lines[0].A = 9 })))
	report := b.Explain(a)
	require.Contains(t, report.String(), "Lines.x")
	b.Merge(a)
	require.Equal(t, made, value(t, b))
	var lost bool
	for _, c := range report.Changes {
		for _, candidate := range c.Candidates {
			if l, ok := candidate.Value.(keptLine); ok && l.A == 9 {
				lost = candidate.Lost
			}
		}
	}
	require.True(t, lost)
}

// TestKeptRowExplained reads what a report says of a delete that met a change.
func TestKeptRowExplained(t *testing.T) {
	type list struct {
		Lines []note2 `merge:"keyed=ID,keep"`
	}
	clock := new(ticks)
	eu, us := lww.Writer{Replica: "eu", Clock: clock}, lww.Writer{Replica: "us", Clock: clock}
	a := recordPlan(t, merge.Options[list]{}).NewRecord()
	require.NoError(t, a.Update(eu, set(func(l *list) { l.Lines = []note2{{"x", "tea"}} })))
	b := a.Clone()
	require.NoError(t, a.Update(eu, set(func(l *list) { l.Lines = nil })))
	c := b.Explain(a).Changes[0]
	require.Equal(t, merge.Chosen, c.Outcome)
	require.Equal(t, 1, c.Winner, "the delete had seen all of it")
	require.NoError(t, b.Update(us, set(func(l *list) { l.Lines[0].Text = "green tea" })))
	for _, r := range []merge.Report{a.Explain(b), b.Explain(a)} {
		require.Len(t, r.Changes, 1, "%v", r)
		c = r.Changes[0]
		require.Equal(t, "Lines.x", c.Path)
		require.Equal(t, merge.Chosen, c.Outcome)
		require.Equal(t, note2{"x", "green tea"}, c.Result)
		require.Equal(t, "changed by somebody who had not seen the delete", c.Reason)
	}
	merged := a.Clone()
	merged.Merge(b)
	require.Empty(t, merged.Explain(b).Changes)
	require.Equal(t, []string{"Lines.x"}, b.Changed(merged), "the delete is remembered")
}

type note2 struct{ ID, Text string }

// TestKeptRowInAForm deletes rows by a form: that beats what the form showed, and nothing that
// was changed since. What a form changes in a row that was deleted since keeps it.
func TestKeptRowInAForm(t *testing.T) {
	a, eu, us := keptOf(t)
	read, token := a.Snapshot()
	require.NoError(t, a.Update(us, set(func(v *keptAll) { v.Lines[0].B, v.Plain["x"] = 7, 7 })))
	changed := value(t, a)
	require.NoError(t, a.Apply(eu, token, read, keptAll{}))
	require.Equal(t, keptAll{Lines: changed.Lines, Plain: changed.Plain}, value(t, a))

	a, eu, us = keptOf(t)
	read, token = a.Snapshot()
	next := value(t, a)
	next.Lines[0].B, next.Cells["x"], next.Box.A = 7, keptBox{A: 7}, 7
	require.NoError(t, a.Update(us, nothing))
	_, later := a.Snapshot()
	b := a.Clone()
	require.NoError(t, a.Apply(eu, token, read, next))
	next.Plain = nil // which the form had not changed
	require.Equal(t, next, value(t, a))

	var stale *merge.StaleError
	require.ErrorAs(t, a.Apply(eu, later, keptAll{}, keptAll{Box: &keptBox{}}), &stale, "it is back")
	require.NoError(t, b.Apply(eu, token, read, keptAll{}), "it is deleted already")
	require.NoError(t, b.Apply(eu, later, keptAll{}, keptAll{Box: &keptBox{A: 1}}))
	require.ErrorAs(t, b.Apply(eu, token, read, next), &stale, "it was made again")
	require.Equal(t, keptAll{Box: &keptBox{A: 1}}, value(t, b))
}

// TestKeptRowLosesAnElement takes the last thing away that kept a row against a delete: who does
// that sees the row, and goes on to see it.
func TestKeptRowLosesAnElement(t *testing.T) {
	a, eu, us := keptOf(t)
	require.NoError(t, a.Update(eu, set(func(v *keptAll) { v.Lines[0].Tags, v.Lines[0].Box = nil, nil })))
	b := a.Clone()
	require.NoError(t, a.Update(eu, nothing))
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Lines[0].Tags, v.Lines[0].Box = []string{"t"}, &keptBox{} })))
	b.Merge(a)
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Lines[0].Tags, v.Lines[0].Box = nil, nil })))
	require.Equal(t, []keptLine{{Key: "x", A: 1, N: 2}}, value(t, b).Lines)
	a.Merge(b)
	require.Equal(t, []keptLine{{Key: "x", A: 1, N: 2}}, value(t, a).Lines)
}

// TestKeptRowInAKeptRow deletes a row in a row that was deleted elsewhere: what was written to
// it before does not keep either.
func TestKeptRowInAKeptRow(t *testing.T) {
	a, eu, us := keptOf(t)
	b := a.Clone()
	require.NoError(t, a.Update(eu, nothing))
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Lines[0].Box.B = 7 })))
	both := a.Clone()
	both.Merge(b)
	require.Equal(t, &keptBox{3, 7}, value(t, both).Lines[0].Box)
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Lines[0].Box = nil })))
	both.Merge(b)
	require.Empty(t, value(t, both).Lines)
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Lines[0].B = 7 })))
	both.Merge(b)
	require.Equal(t, []keptLine{{Key: "x", A: 1, B: 7, N: 2, Tags: []string{"t"}}}, value(t, both).Lines)
}

// TestKeptRowsAreForgotten collects what was deleted: its content stays until then, and not
// after.
func TestKeptRowsAreForgotten(t *testing.T) {
	a, eu, us := keptOf(t)
	require.NoError(t, a.Update(eu, set(func(v *keptAll) { v.Plain["secret"] = 123456789 })))
	b := a.Clone()
	require.NoError(t, a.Update(eu, nothing))
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Cells["x"] = keptBox{B: 1} })))
	b.Merge(a)
	text := func(r *merge.Record[keptAll]) string {
		p, err := json.Marshal(r)
		require.NoError(t, err)
		return string(p)
	}
	require.Contains(t, text(b), "123456789")
	require.Contains(t, text(b), `"marks"`)
	shown, h := value(t, b), b.Latest()
	require.NoError(t, b.CompactRows(h, h))
	require.Equal(t, shown, value(t, b))
	require.NotContains(t, text(b), "123456789")
	require.NotContains(t, text(b), `"marks"`)
	b.Merge(a)
	require.Equal(t, shown, value(t, b))
	a.Merge(b)
	require.True(t, a.Equal(b))
	require.NoError(t, a.Update(eu, set(func(v *keptAll) { v.Box = &keptBox{B: 8} })))
	require.Equal(t, &keptBox{B: 8}, value(t, a).Box, "of another life")
}

// TestKeptRowForOthers is merged by a program that does not know the field, and by one without
// the option: a delete keeps or not as those say who delete.
func TestKeptRowForOthers(t *testing.T) {
	type plain struct {
		Lines []note2 `merge:"keyed=ID"`
	}
	type kept struct {
		Lines []note2 `merge:"keyed=ID,keep"`
	}
	type none struct{ Name string }
	without, with, other := recordPlan(t, merge.Options[plain]{}), recordPlan(t, merge.Options[kept]{}), recordPlan(t, merge.Options[none]{})
	clock := new(ticks)
	eu, us := lww.Writer{Replica: "eu", Clock: clock}, lww.Writer{Replica: "us", Clock: clock}
	a := with.NewRecord()
	require.NoError(t, a.Update(eu, set(func(l *kept) { l.Lines = []note2{{"x", "tea"}} })))
	b := exchange(t, exchange(t, a, other), without)
	require.NoError(t, a.Update(eu, set(func(l *kept) { l.Lines = nil })))
	require.NoError(t, b.Update(us, set(func(l *plain) { l.Lines[0].Text = "coffee" })))
	carrier := exchange(t, a, other)
	carrier.Merge(exchange(t, b, other))
	b.Merge(exchange(t, carrier, without))
	require.Equal(t, []note2{{"x", "coffee"}}, value(t, b).Lines)
	before := exchange(t, b, with)
	require.NoError(t, before.Update(eu, set(func(l *kept) { l.Lines[0].Text = "water" })))
	require.NoError(t, b.Update(us, set(func(l *plain) { l.Lines = nil })))
	before.Merge(exchange(t, b, with))
	require.Empty(t, value(t, before).Lines, "this delete keeps nothing")
}

// TestKeptRowDelta sends what a delete wrote: whoever gets it alone, or later than what was
// written after it, has the whole row.
func TestKeptRowDelta(t *testing.T) {
	a, eu, us := keptOf(t)
	made, b := a.Clone(), a.Clone()
	require.NoError(t, a.Update(eu, nothing))
	deleted := a.Since(made)
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Box.A = 7 })))
	changed := b.Since(made)
	for _, order := range [][]*merge.Record[keptAll]{{made, deleted, changed}, {deleted, changed}, {changed, deleted}, {deleted, changed, made}} {
		r := recordPlan(t, merge.Options[keptAll]{}).NewRecord()
		for _, d := range order {
			r.Merge(exchange(t, d, recordPlan(t, merge.Options[keptAll]{})))
		}
		require.Equal(t, keptAll{Box: &keptBox{7, 6}}, value(t, r))
	}
}

// TestKeptRowsTooDeep refuses to delete what has rows in rows that no mark reaches.
func TestKeptRowsTooDeep(t *testing.T) {
	type node struct {
		N    int
		Next *node
	}
	type list struct {
		Head *node `merge:"fields,keep"`
	}
	w := lww.Writer{Replica: "eu", Clock: new(ticks)}
	for _, depth := range []int{32, 33} {
		r := recordPlan(t, merge.Options[list]{}).NewRecord()
		require.NoError(t, r.Update(w, set(func(l *list) {
			for range depth {
				l.Head = &node{N: 1, Next: l.Head}
			}
		})))
		before := r.Clone()
		err := r.Update(w, set(func(l *list) { l.Head = nil }))
		if depth == 32 {
			require.NoError(t, err)
			require.True(t, exchange(t, r, recordPlan(t, merge.Options[list]{})).Equal(r))
			continue
		}
		require.ErrorContains(t, err, `write to Head: rule "fields,keep": rows are too deep in each other to be kept`)
		require.True(t, r.Equal(before))
	}
}

// TestKeptRowHostile changes the marks in bytes and JSON: what no encoder writes is refused.
func TestKeptRowHostile(t *testing.T) {
	a, eu, us := keptOf(t)
	b := a.Clone()
	require.NoError(t, a.Update(eu, set(func(v *keptAll) { v.Cells = nil })))
	require.NoError(t, a.Update(eu, set(func(v *keptAll) { v.Lines, v.Cells = nil, map[string]keptBox{"x": {A: 1}} })))
	require.NoError(t, a.Update(eu, set(func(v *keptAll) { v.Cells = nil })))
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Lines[0].A = 7 })))
	a.Merge(b)
	text, err := json.Marshal(a)
	require.NoError(t, err)
	p := recordPlan(t, merge.Options[keptAll]{})
	require.NoError(t, p.NewRecord().UnmarshalJSON(text))
	const noMarks, noDelete, noMember = "marks of deletes", "a delete of what is not kept", "a member that is not"
	for _, change := range [][3]string{
		{`"marks":1`, `"marks":2`, noMarks},
		{`"marks":2`, `"marks":6`, noMarks},
		{`"kind":"deleted"`, `"kind":"deleted","marks":1`, noMarks},
		{`"path":"Box"`, `"marks":1,"path":"Box"`, noMarks},
		{`"path":"*","kind":"deleted"`, `"path":"x","kind":"deleted"`, noMarks},
		{`"path":"*","kind":"deleted"`, `"path":"*","kind":"deleted","value":1`, noMember},
		{`"fields":[`, `"fields":[{"path":"*","kind":"deleted","stamp":"1970-01-01T00:00:00.000000009Z@eu"},`, noDelete},
		{`deleted","stamp":"1970-01-01T00:00:00.000000004Z`, `deleted","stamp":"1970-01-01T00:00:00.000000001Z`, noDelete},
		{`"record":`, `"horizon":"1970-01-01T00:00:00.000000009Z","deleted":"1970-01-01T00:00:00.000000009Z","record":`, noDelete},
	} {
		bad := strings.Replace(string(text), change[0], change[1], 1)
		require.NotEqual(t, string(text), bad, change)
		require.ErrorContains(t, p.NewRecord().UnmarshalJSON([]byte(bad)), change[2], change[1])
	}
	data, err := a.MarshalBinary()
	require.NoError(t, err)
	for i := range data {
		for bit := range 8 {
			bad := append([]byte{}, data...)
			bad[i] ^= 1 << bit
			r := p.NewRecord()
			if r.UnmarshalBinary(bad) != nil {
				continue
			}
			again, err := r.MarshalBinary()
			require.NoError(t, err)
			if i > 8 { // the fingerprint is not kept
				require.Equal(t, bad[9:], again[9:])
			}
			r.Get()
		}
	}
}

// TestKeptRowGolden pins the bytes of rows that are kept: one of which all was deleted, and one
// of which a field was not.
func TestKeptRowGolden(t *testing.T) {
	a, eu, us := keptOf(t)
	b := a.Clone()
	require.NoError(t, a.Update(eu, nothing))
	require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Box.A = 7 })))
	a.Merge(b)
	data, err := a.MarshalBinary()
	require.NoError(t, err)
	const want = "0002026575027573030100010001010b000102012a0f012a11014101020142010203426f780e0543656c6c730d054c696e65730d014e" +
		"0805506c61696e0d04546167730b050104050103020203328107041281060102060101780102020203128104000701017801060111010202031281010501010312810308011281020a010174030009010178010200128105020200"
	require.Equal(t, want, hex.EncodeToString(data[9:]), "after the version and the plan")
}

// TestKeptRowMovesAndLosesAnElement takes the last thing away that kept a row and moves the row, in
// one write: the row has one place, the new one.
func TestKeptRowMovesAndLosesAnElement(t *testing.T) {
	for _, want := range [][]string{{"y", "x", "z"}, {"y", "z", "x"}, {"x", "y", "z"}} {
		a, eu, us := keptOf(t)
		require.NoError(t, a.Update(eu, set(func(v *keptAll) {
			v.Lines[0].Tags = nil
			v.Lines = append(v.Lines, keptLine{Key: "y"}, keptLine{Key: "z"})
		})))
		b := a.Clone()
		require.NoError(t, a.Update(eu, set(func(v *keptAll) { v.Lines = v.Lines[1:] })))
		require.NoError(t, b.Update(us, set(func(v *keptAll) { v.Lines[0].Tags = []string{"t"} })))
		b.Merge(a)
		require.NoError(t, b.Update(us, set(func(v *keptAll) {
			by := map[string]keptLine{}
			for _, l := range v.Lines {
				l.Tags = nil
				by[l.Key] = l
			}
			v.Lines = []keptLine{by[want[0]], by[want[1]], by[want[2]]}
		})))
		var keys []string
		for _, l := range value(t, b).Lines {
			keys = append(keys, l.Key)
		}
		require.Equal(t, want, keys)
		require.True(t, exchange(t, b, recordPlan(t, merge.Options[keptAll]{})).Equal(b))
		a.Merge(b)
		require.True(t, a.Equal(b))
	}
}

// TestKeptRowMarksAreForgotten merges what a delete had seen with a record that has forgotten the
// delete: its marks say nothing there, and bytes with them could not be read.
func TestKeptRowMarksAreForgotten(t *testing.T) {
	type line struct {
		Key string
		Qty int
	}
	type list struct {
		Lines []line `merge:"keyed=Key,keep"`
	}
	p := recordPlan(t, merge.Options[list]{})
	a, b, eu := p.NewRecord(), p.NewRecord(), after("eu", 0)
	require.NoError(t, a.Update(eu, set(func(l *list) { l.Lines = []line{{"x", 1}} })))
	require.NoError(t, b.Update(after("us", 0), set(func(l *list) { l.Lines = []line{{Key: "x"}} })))
	require.NoError(t, a.Update(eu, set(func(l *list) { l.Lines = nil })))
	a.Merge(b)
	b.Merge(a)
	require.Equal(t, []line{{"x", 1}}, value(t, b).Lines, "us had not seen the delete, nor eu what us wrote")
	h := b.Latest()
	require.NoError(t, b.CompactRows(h, h))
	require.Empty(t, b.Changed(a))
	require.False(t, b.Merge(a))
	a.Merge(b)
	require.True(t, a.Equal(b))
	require.True(t, exchange(t, a, p).Equal(a))
}

// TestFormOfReorderedSet saves a form that changes nothing but the order of a set, or how often
// it has an element, after the row was deleted: that brings nothing back, and is not refused.
func TestFormOfReorderedSet(t *testing.T) {
	type line struct {
		ID   string
		Tags []string `merge:"set"`
	}
	type lines struct {
		Kept  []line `merge:"keyed=ID,keep"`
		Plain []line `merge:"keyed=ID"`
	}
	r := recordPlan(t, merge.Options[lines]{}).NewRecord()
	w := writer("eu")
	was := lines{[]line{{"b", []string{"b", "c"}}}, []line{{"b", []string{"b", "c"}}}}
	require.NoError(t, r.Update(w, set(func(v *lines) { *v = was })))
	_, seen := r.Snapshot()
	require.NoError(t, r.Update(w, set(func(v *lines) { *v = lines{} })))
	before := r.Clone()
	for _, tags := range [][]string{{"c", "b"}, {"b", "c", "b"}} {
		l := []line{{"b", tags}}
		require.NoError(t, r.Apply(w, seen, was, lines{l, l}))
		require.True(t, r.Equal(before), "%v", tags)
	}
	changed := []line{{"b", []string{"b"}}}
	require.ErrorAs(t, r.Apply(w, seen, was, lines{was.Kept, changed}), new(*merge.StaleError))
	require.NoError(t, r.Apply(w, seen, was, lines{changed, was.Plain}))
	require.Equal(t, lines{Kept: changed}, value(t, r), "it is kept, as it was changed")
}

// TestFormOfGoneRowMadeAgain saves a form that had seen a delete of an element, where another had
// deleted it before and made it again: that is told as such, and not awaited.
func TestFormOfGoneRowMadeAgain(t *testing.T) {
	type line struct {
		ID string
		N  int
	}
	type lines struct {
		Lines []line `merge:"keyed=ID,keep"`
	}
	p := recordPlan(t, merge.Options[lines]{})
	eu := p.NewRecord()
	require.NoError(t, eu.Update(after("eu", 0), set(func(v *lines) { v.Lines = []line{{"c", 1}} })))
	ap := eu.Clone()
	require.NoError(t, eu.Update(after("eu", 2), set(func(v *lines) { v.Lines = nil })))
	require.NoError(t, ap.Update(after("ap", 5), set(func(v *lines) { v.Lines = nil })))
	behind := eu.Clone()
	require.NoError(t, eu.Update(after("eu", 7), set(func(v *lines) { v.Lines = []line{{"c", 2}} })))
	read, seen := ap.Snapshot()
	text, err := seen.MarshalText()
	require.NoError(t, err)
	require.NoError(t, seen.UnmarshalText(text))
	next := lines{[]line{{"c", 3}}}
	require.ErrorAs(t, behind.Apply(after("eu", 20), seen, read, next), new(*merge.BehindError))
	for range 2 {
		require.ErrorAs(t, eu.Apply(after("eu", 20), seen, read, next), new(*merge.StaleError))
		eu.Merge(ap)
	}
	behind.Merge(ap)
	require.NoError(t, behind.Apply(after("eu", 20), seen, read, next))
	require.Equal(t, next, value(t, behind))
}
