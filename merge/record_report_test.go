package merge_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// TestRecordExplain tells what a merge does, before and after.
func TestRecordExplain(t *testing.T) {
	p := recordPlan(t, merge.Options[sample]{Check: func(s *sample) error {
		if s.High > 5 {
			return errors.New("too high")
		}
		return nil
	}})
	a := p.NewRecord()
	base := sample{
		Name: "n", From: 1, High: 1, Stock: 10, Tags: []string{"x", "y"}, Prefs: map[string]int{"p": 1},
		Lines: []sampleLine{{"k", sampleRow{Qty: 1}}}, Box: &sampleRow{Qty: 1}, Note: 1,
	}
	require.NoError(t, a.Update(writer("eu"), set(func(s *sample) { *s = base })))
	b := a.Clone()
	require.NoError(t, a.Update(lww.Writer{Replica: "eu", Clock: &ticks{now: 10}}, set(func(s *sample) {
		s.Name, s.To, s.High, s.Stock, s.Tags, s.Note, s.Lines = "eu", 2, 9, 8, s.Tags[:1], 2, nil
	})))
	require.NoError(t, b.Update(lww.Writer{Replica: "us", Clock: &ticks{now: 20}}, set(func(s *sample) {
		s.Name, s.From, s.High, s.Stock, s.Prefs["p"], s.Note, s.Lines[0].Qty = "us", 3, 5, 7, 2, 3, 7
		s.Box = nil
	})))
	rep := a.Explain(b)
	type line struct {
		path    string
		outcome merge.Outcome
		winner  int
		by      merge.Level
	}
	var got []line
	lost := map[string]any{}
	for _, c := range rep.Changes {
		got = append(got, line{c.Path, c.Outcome, c.Winner, c.By})
	}
	for c, cand := range rep.Lost() {
		lost[c.Path] = cand.Value
	}
	require.Equal(t, []line{
		{"From", merge.Chosen, 1, merge.ByTime},
		{"To", merge.Chosen, 1, merge.ByTime},
		{"Box", merge.Chosen, 1, merge.ByValue},
		{"High", merge.Chosen, 0, merge.ByValue},
		{"Lines.k", merge.Chosen, 0, merge.ByValue},
		{"Name", merge.Chosen, 1, merge.ByTime},
		{"Note", merge.Undecided, -1, 0},
		{"Prefs.p", merge.Chosen, 1, merge.ByTime},
		{"Stock", merge.Combined, -1, 0},
		{"Tags.y", merge.Chosen, 0, merge.ByTime},
	}, got)
	require.Equal(t, sampleLine{"k", sampleRow{Qty: 7}}, withKey(lost["Lines.k"], "k"))
	require.Equal(t, "eu", lost["Name"])
	require.Equal(t, "too high", rep.Check)
	require.False(t, rep.OK())
	require.Contains(t, rep.String(), "us@1970-01-01T00:00:00Z over eu@1970-01-01T00:00:00Z by 10ns; lost \"eu\"")

	require.Equal(t, []string{"=span", "Box", "Name", "Note", "Prefs.p", "Stock"}, groupPaths(a.Changed(b)))
	before := a.Clone()
	require.True(t, a.Merge(b))
	require.Equal(t, rep, before.Explain(b), "asked of the state before")
	require.Empty(t, a.Changed(b))
	require.Empty(t, a.Explain(a.Clone()).Changes)

	conflict, ok := errors.AsType[*merge.ConflictError](a.Check())
	require.True(t, ok)
	require.Equal(t, "too high", conflict.Report.Check)
	require.Len(t, conflict.Report.Changes, 1)
	require.Equal(t, 3, conflict.Report.Changes[0].Result)
	require.NoError(t, a.Touch(lww.Writer{Replica: "eu", Clock: &ticks{now: 90}}, "Note"), "the provisional value it is")
	require.Equal(t, 3, value(t, a).Note)
	require.NotContains(t, a.Check().Error(), "Note")
}

// withKey gives an element that was reported the key that its path has.
func withKey(v any, key string) any {
	if l, ok := v.(sampleLine); ok {
		l.Key = key
		return l
	}
	return v
}

// groupPaths puts one path for the members of a group.
func groupPaths(paths []string) (out []string) {
	for _, p := range paths {
		switch p {
		case "From":
			p = "=span"
		case "To":
			continue
		}
		out = append(out, p)
	}
	return out
}

// TestRecordExplainDelete says what a delete of the record throws away.
func TestRecordExplainDelete(t *testing.T) {
	p := recordPlan(t, merge.Options[oldUser]{})
	a := p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(u *oldUser) { u.Name = "Ann" })))
	b := a.Clone()
	require.NoError(t, b.Delete(writer("us")))
	require.NoError(t, a.Update(writer("eu"), set(func(u *oldUser) { u.Phone = "5" })))
	rep := a.Explain(b)
	require.Len(t, rep.Changes, 1)
	c := rep.Changes[0]
	require.Empty(t, c.Path)
	require.Equal(t, merge.Absent{}, c.Result)
	for _, cand := range rep.Lost() {
		require.Equal(t, oldUser{Name: "Ann", Phone: "5"}, cand.Value)
	}
	require.Equal(t, []string{""}, a.Changed(b))
	require.Empty(t, b.Changed(a))
}

// TestRecordChangedBareElement merges an element that holds nothing but its
// key.
func TestRecordChangedBareElement(t *testing.T) {
	p := recordPlan(t, merge.Options[sample]{})
	a, b := p.NewRecord(), p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(s *sample) { s.Name = "n" })))
	require.NoError(t, b.Update(writer("us"), set(func(s *sample) { s.Lines = []sampleLine{{Key: "k"}} })))
	require.Equal(t, []string{"Lines.k"}, a.Changed(b))
	rep := a.Explain(b)
	require.Len(t, rep.Changes, 1)
	require.Equal(t, "Lines.k", rep.Changes[0].Path)
	require.Equal(t, merge.Taken, rep.Changes[0].Outcome)
	require.True(t, a.Merge(b))
	require.Empty(t, a.Changed(b))
}

// TestRecordEmptySibling decodes a sibling with an empty value at the very end
// of a record: a single byte.
func TestRecordEmptySibling(t *testing.T) {
	type note struct {
		Text string `merge:"manual"`
	}
	p := merge.MustCompile(merge.Options[note]{Record: true})
	a, b := p.NewRecord(), p.NewRecord()
	require.NoError(t, a.Touch(writer("eu"), "Text"))
	data, err := a.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, b.UnmarshalBinary(data))
	require.True(t, a.Equal(b))
}

// TestRecordManualSame has two people decide alike: there is nothing left to
// decide.
func TestRecordManualSame(t *testing.T) {
	p := samplePlan(t)
	a, b := p.NewRecord(), p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(s *sample) { s.Note = 1 })))
	require.NoError(t, b.Update(writer("us"), set(func(s *sample) { s.Note = 1 })))
	rep := a.Explain(b)
	require.Len(t, rep.Changes, 1)
	require.Equal(t, merge.Same, rep.Changes[0].Outcome)
	require.Empty(t, slices.Collect(rep.Undecided()))
	a.Merge(b)
	require.NoError(t, a.Check())
	require.NoError(t, b.Update(writer("us"), set(func(s *sample) { s.Note = 2 })))
	a.Merge(b)
	require.ErrorContains(t, a.Check(), "Note: the sides differ")
}

// TestRecordChangedPlace merges a list in which somebody moved an element.
func TestRecordChangedPlace(t *testing.T) {
	p := samplePlan(t)
	a := p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(s *sample) { s.Lines = []sampleLine{{Key: "k"}, {Key: "l"}, {Key: "m"}} })))
	b := a.Clone()
	require.NoError(t, b.Update(writer("us"), set(func(s *sample) { s.Lines = []sampleLine{{Key: "l"}, {Key: "m"}, {Key: "k"}} })))
	require.Equal(t, []string{"Lines.k"}, a.Changed(b))
	require.Equal(t, "Lines.k  keyed=Key  place 2 from us@1970-01-01T00:00:00Z over eu@1970-01-01T00:00:00Z by 1ns; lost place 0 of eu@1970-01-01T00:00:00Z\n", a.Explain(b).String())
	require.Equal(t, "Lines.k  keyed=Key  place 2 from us@1970-01-01T00:00:00Z over eu@1970-01-01T00:00:00Z by 1ns; lost place 0 of eu@1970-01-01T00:00:00Z\n", b.Explain(a).String(), "whoever asks")
	require.Zero(t, b.Explain(a).Changes[0].Winner)
	require.Empty(t, b.Changed(a))
	require.True(t, a.Merge(b))
	require.Empty(t, a.Changed(b))
	require.Empty(t, a.Explain(b).Changes)
}

// TestRecordExplainUnknownRanks asks about values of a rank, and about states, of
// which this program knows none: it has nothing to show for them, and says so.
func TestRecordExplainUnknownRanks(t *testing.T) {
	type older struct {
		Tier string `merge:"rank=free<pro"`
		Bits uint8
	}
	type newer struct {
		Tier string  `merge:"rank=free<pro<team<corp"`
		Bits lattice // joins, of another type
	}
	old, fresh := recordPlan(t, merge.Options[older]{}), recordPlan(t, merge.Options[newer]{})
	a, b := fresh.NewRecord(), fresh.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(v *newer) { v.Tier, v.Bits = "team", lattice{1} })))
	require.NoError(t, b.Update(writer("us"), set(func(v *newer) { v.Tier, v.Bits = "corp", lattice{2} })))
	x, y := exchange(t, a, old), exchange(t, b, old)
	for _, o := range []*merge.Record[older]{old.NewRecord(), x} {
		rep := o.Explain(y)
		require.Len(t, rep.Changes, 1)
		require.Equal(t, "Tier", rep.Changes[0].Path)
		require.Equal(t, merge.Undecided, rep.Changes[0].Outcome)
		require.Equal(t, "a value is not in the rank", rep.Changes[0].Reason)
		require.Equal(t, []string{"Bits", "Tier"}, o.Changed(y))
	}
}

// TestExplainElementOfUnknownFields: an element that begins to be there with nothing but fields of
// a newer program is told.
func TestExplainElementOfUnknownFields(t *testing.T) {
	type oldLine struct{ ID string }
	type newLine struct{ ID, Color string }
	type oldDoc struct {
		Lines []oldLine `merge:"keyed=ID"`
		Cells map[string]struct{ N int }
	}
	type newDoc struct {
		Lines []newLine `merge:"keyed=ID"`
		Cells map[string]struct {
			N     int
			Color string
		}
	}
	next := recordPlan(t, merge.Options[newDoc]{}).NewRecord()
	require.NoError(t, next.Update(after("eu", 0), set(func(d *newDoc) {
		d.Lines = []newLine{{"a", "red"}}
		d.Cells = map[string]struct {
			N     int
			Color string
		}{"b": {0, "red"}}
	})))
	r := recordPlan(t, merge.Options[oldDoc]{}).NewRecord()
	o := exchange(t, next, recordPlan(t, merge.Options[oldDoc]{}))
	require.ElementsMatch(t, []string{"Cells.b", "Cells.b.Color", "Lines.a", "Lines.a.Color"}, r.Changed(o))
	require.Equal(t, "Cells.b  fields    {\"N\":0} from eu@1970-01-01T00:00:00Z\n"+
		"Lines.a  keyed=ID  {\"ID\":\"a\"} from eu@1970-01-01T00:00:00Z\n", r.Explain(o).String())
}

// TestExplainCountShowsAgain: what was counted on an entry that an assignment took away is there
// again when the other side has assigned the entry. Neither side shows it, and both reports do.
func TestExplainCountShowsAgain(t *testing.T) {
	type entry struct {
		A string
		N int `merge:"additive"`
	}
	type oldDoc struct {
		W map[string]entry `merge:"atomic"`
	}
	type newDoc struct{ W map[string]entry }
	olds, news := recordPlan(t, merge.Options[oldDoc]{}), recordPlan(t, merge.Options[newDoc]{})
	assigned := func(w lww.Writer, m map[string]entry) *merge.Record[newDoc] {
		r := olds.NewRecord()
		require.NoError(t, r.Update(w, set(func(d *oldDoc) { d.W = m })))
		return exchange(t, r, news)
	}
	r := news.NewRecord()
	require.NoError(t, r.Update(after("us", 0), set(func(d *newDoc) { d.W = map[string]entry{"a": {"x", 2}} })))
	r.Merge(assigned(after("ap", 1), map[string]entry{"c": {"y", 0}}))
	o := assigned(after("eu", 2), map[string]entry{"a": {"z", 0}})
	require.Equal(t, []string{"W.a.A", "W.a.N", "W.c"}, r.Changed(o))
	report := r.Explain(o)
	require.Contains(t, report.String(), "W.a.N  additive  2, which neither side showed\n")
	require.Equal(t, merge.Combined, report.Changes[1].Outcome)
	text, err := json.Marshal(report.Changes[1])
	require.NoError(t, err)
	require.Contains(t, string(text), `"candidates":[]`)
	r.Merge(o)
	require.Equal(t, map[string]entry{"a": {"z", 2}}, value(t, r).W)
}

// TestChangedGroupOfOtherTypes: a field that left a group and has another type there shows
// nothing of what the group has.
func TestChangedGroupOfOtherTypes(t *testing.T) {
	type oldDoc struct {
		G1 []byte `merge:"group=g"`
		G2 string `merge:"group=g"`
	}
	type newDoc struct{ G1, G2 string }
	old := recordPlan(t, merge.Options[oldDoc]{}).NewRecord()
	require.NoError(t, old.Update(writer("eu"), set(func(d *oldDoc) { d.G1, d.G2 = []byte("x"), "y" })))
	r := recordPlan(t, merge.Options[newDoc]{}).NewRecord()
	o := exchange(t, old, recordPlan(t, merge.Options[newDoc]{}))
	require.Equal(t, []string{"=g", "G2"}, r.Changed(o))
	require.Len(t, r.Explain(o).Changes, 1)
	r.Merge(o)
	require.Equal(t, newDoc{G2: "y"}, value(t, r))
}
