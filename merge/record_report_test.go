package merge_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
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

// TestRecordExplainLevels tells what set the winner of two writes apart, under rules that like the
// later or the earlier one, or the value.
func TestRecordExplainLevels(t *testing.T) {
	type levels struct {
		V     string
		First string `merge:"first"`
		High  int    `merge:"max"`
		Tier  string `merge:"rank=a<b"`
		Even  int
		Some  string `merge:"nonzero"`
	}
	p := recordPlan(t, merge.Options[levels]{Overrides: []merge.Override[levels]{
		merge.Field(func(l *levels) *int { return &l.Even }, merge.Prefer("even", func(a, b int) int { return b&1 - a&1 })),
	}})
	of := func(by vclock.Replica, now hlc.Timestamp, change func(*levels)) *merge.Record[levels] {
		r := p.NewRecord()
		require.NoError(t, r.Update(lww.Writer{Replica: by, Clock: &ticks{now: now}}, set(change)))
		return r
	}
	for _, tt := range []struct {
		name      string
		eu, us    func(*levels)
		euAt      hlc.Timestamp // us writes at 11
		winner    int
		by        merge.Level
		margin    time.Duration
		sameBytes bool
	}{
		{"the later", func(l *levels) { l.V = "b" }, func(l *levels) { l.V = "a" }, 3, 1, merge.ByTime, 7, false},
		{"the later, on our side", func(l *levels) { l.V = "a" }, func(l *levels) { l.V = "b" }, 30, 0, merge.ByTime, 20, false},
		{"the larger replica", func(l *levels) { l.V = "b" }, func(l *levels) { l.V = "a" }, 10, 1, merge.ByReplica, 0, false},
		{"the earlier", func(l *levels) { l.First = "b" }, func(l *levels) { l.First = "a" }, 3, 0, merge.ByTime, 7, false},
		{"the earlier, on their side", func(l *levels) { l.First = "b" }, func(l *levels) { l.First = "a" }, 30, 1, merge.ByTime, 20, false},
		{"the smaller replica", func(l *levels) { l.First = "b" }, func(l *levels) { l.First = "a" }, 10, 0, merge.ByReplica, 0, false},
		{"the larger value", func(l *levels) { l.High = 2 }, func(l *levels) { l.High = 1 }, 3, 0, merge.ByValue, 0, false},
		{"the higher rank", func(l *levels) { l.Tier = "b" }, func(l *levels) { l.Tier = "a" }, 3, 0, merge.ByValue, 0, false},
		{"the preferred", func(l *levels) { l.Even = 2 }, func(l *levels) { l.Even = 1 }, 3, 0, merge.ByValue, 0, false},
		{"the later of two that are preferred alike", func(l *levels) { l.Even = 4 }, func(l *levels) { l.Even = 2 }, 3, 1, merge.ByTime, 7, false},
		{"the later of what is not zero", func(l *levels) { l.Some = "b" }, func(l *levels) { l.Some = "a" }, 3, 1, merge.ByTime, 7, false},
		{"one value, later", func(l *levels) { l.V = "a" }, func(l *levels) { l.V = "a" }, 3, 1, 0, 0, true},
		{"one value, earlier", func(l *levels) { l.First = "a" }, func(l *levels) { l.First = "a" }, 3, 0, 0, 0, true},
		{"one value, on our side", func(l *levels) { l.High = 1 }, func(l *levels) { l.High = 1 }, 30, 0, 0, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := of("eu", tt.euAt, tt.eu), of("us", 10, tt.us)
			for side, rep := range []merge.Report{a.Explain(b), b.Explain(a)} {
				require.Len(t, rep.Changes, 1)
				c := rep.Changes[0]
				require.Equal(t, tt.winner^side, c.Winner)
				require.Equal(t, tt.by, c.By)
				require.Equal(t, tt.margin, c.Margin)
				require.Len(t, c.Candidates, 2)
				require.False(t, c.Candidates[0].Stamp.Before(c.Candidates[1].Stamp), "newest first")
				if tt.sameBytes {
					require.Equal(t, merge.Same, c.Outcome)
					require.False(t, c.Candidates[0].Lost || c.Candidates[1].Lost)
					continue
				}
				require.Equal(t, merge.Chosen, c.Outcome)
				for _, cand := range c.Candidates {
					require.Equal(t, cand.Side != c.Winner, cand.Lost)
					require.Equal(t, cand.Side == c.Winner, cand.Value == c.Result)
				}
			}
		})
	}
	one, two := of("eu", 5, func(l *levels) { l.V = "a" }), of("eu", 5, func(l *levels) { l.V = "b" })
	c := one.Explain(two).Changes[0]
	require.Equal(t, merge.ByBytes, c.By, "two lineages under one name")
	even := of("eu", 5, func(l *levels) { l.Even = 2 })
	alike := even.Explain(of("eu", 5, func(l *levels) { l.Even = 4 })).Changes[0]
	require.Equal(t, merge.ByBytes, alike.By, "which are preferred alike")
	require.Equal(t, 4, alike.Result)
	require.Equal(t, merge.ByValue, even.Explain(of("eu", 5, func(l *levels) { l.Even = 1 })).Changes[0].By)
	require.Equal(t, "b", c.Result)
	require.Equal(t, 1, c.Winner)
}

// TestRecordExplainOneSide: what only one of two records has is taken from there, and what nobody
// wrote since is not told.
func TestRecordExplainOneSide(t *testing.T) {
	p := samplePlan(t)
	a := p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(s *sample) { s.Name = "n" })))
	b := a.Clone()
	require.NoError(t, b.Update(lww.Writer{Replica: "us", Clock: &ticks{now: 10}}, set(func(s *sample) {
		*s = sample{
			Name: "n", From: 1, First: 1, Fixed: 1, High: 1, Low: -1, Tier: "b", Keep: 1, Stock: 1, Seen: []string{"x"}, Tags: []string{"x"}, Note: 1, Even: 1, Gone: lattice{1}, Bits: 1,
			Prefs: map[string]int{"p": 1}, Box: &sampleRow{Qty: 1}, Lines: []sampleLine{{Key: "k"}}, Cells: map[string]sampleRow{"c": {}},
		}
	})))
	rep := a.Explain(b)
	var paths []string
	for _, c := range rep.Changes {
		paths = append(paths, c.Path)
		if c.Path == "Box" {
			continue
		}
		require.Equal(t, merge.Taken, c.Outcome, c.Path)
		require.Len(t, c.Candidates, 1, c.Path)
		require.Equal(t, 1, c.Candidates[0].Side, c.Path)
		require.Equal(t, 1, c.Winner, c.Path)
		require.Equal(t, c.Result, c.Candidates[0].Value, c.Path)
		require.False(t, c.Candidates[0].Lost, c.Path)
		require.Equal(t, vclock.Replica("us"), c.Candidates[0].Stamp.Replica, c.Path)
	}
	require.Equal(t, []string{
		"From", "To", "Bits", "Box.Qty", "Cells.c", "Even", "First", "Fixed", "Gone", "High", "Keep", "Lines.k", "Low", "Note", "Prefs.p", "Seen.x", "Stock", "Tags.x", "Tier",
	}, paths)
	require.Equal(t, []string{
		"From", "To", "Bits", "Box.Qty", "Cells.c", "Even", "First", "Fixed", "Gone", "High", "Keep", "Lines.k", "Low", "Note", "Prefs.p", "Seen.x", "Stock", "Tags.x", "Tier",
	}, a.Changed(b))
	require.Empty(t, b.Explain(a).Changes, "the other side takes nothing")
	require.Empty(t, b.Changed(a))
}

// TestRecordChangedHorizon: a horizon that comes up changes the record itself.
func TestRecordChangedHorizon(t *testing.T) {
	p := samplePlan(t)
	a := p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(s *sample) { s.Name = "n" })))
	b, c := a.Clone(), a.Clone()
	require.NoError(t, b.Compact(5))
	require.NoError(t, c.CompactRows(4, 5))
	require.Equal(t, []string{""}, a.Changed(b))
	require.Equal(t, []string{""}, b.Changed(c), "what is forgotten, too")
	require.Empty(t, b.Changed(a))
	require.Empty(t, c.Changed(b))
	require.Empty(t, a.Explain(b).Changes)
	require.NoError(t, b.Delete(writer("eu")))
	require.Equal(t, []string{""}, a.Changed(b), "once")
}

// TestKeptRowSeenByAll: each of two deletes had not seen one change, and the other one had: together
// they have seen all of it, and the row is gone.
func TestKeptRowSeenByAll(t *testing.T) {
	base, _, _ := keptOf(t)
	at := func(by vclock.Replica, now hlc.Timestamp) lww.Writer {
		return lww.Writer{Replica: by, Clock: &ticks{now: now}}
	}
	one, two := base.Clone(), base.Clone()
	require.NoError(t, one.Update(at("eu", 10), set(func(v *keptAll) { v.Lines[0].A = 7 })))
	require.NoError(t, two.Update(at("us", 20), set(func(v *keptAll) { v.Lines[0].B = 8 })))
	oneGone, twoGone := one.Clone(), two.Clone()
	require.NoError(t, oneGone.Update(at("ap", 30), set(func(v *keptAll) { v.Lines = nil })))
	require.NoError(t, twoGone.Update(at("as", 40), set(func(v *keptAll) { v.Lines = nil })))
	one.Merge(twoGone)
	two.Merge(oneGone)
	require.Len(t, value(t, one).Lines, 1)
	require.Len(t, value(t, two).Lines, 1)
	rep := one.Explain(two)
	require.Len(t, rep.Changes, 1)
	c := rep.Changes[0]
	require.Equal(t, "Lines.x", c.Path)
	require.Equal(t, "all of it was seen by one of those who deleted it", c.Reason)
	require.Equal(t, merge.Chosen, c.Outcome)
	require.Equal(t, -1, c.Winner)
	require.Equal(t, merge.Absent{}, c.Result)
	require.Len(t, c.Candidates, 2)
	require.True(t, c.Candidates[0].Lost && c.Candidates[1].Lost)
	one.Merge(two)
	require.Empty(t, value(t, one).Lines)
}

// TestRecordExplainPartOfAGroup: of a group of which the program knows one member, and has that as a field of its
// own, that one is told.
func TestRecordExplainPartOfAGroup(t *testing.T) {
	type group struct {
		A int `merge:"group=g"`
		B int `merge:"group=g"`
	}
	type single struct{ B int }
	p := recordPlan(t, merge.Options[single]{})
	r := recordPlan(t, merge.Options[group]{}).NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *group) { *v = group{1, 2} })))
	ours := exchange(t, r, p)
	require.NoError(t, r.Update(writer("us"), set(func(v *group) { *v = group{3, 4} })))
	theirs := exchange(t, r, p)
	require.Contains(t, ours.Changed(theirs), "B")
	rep := ours.Explain(theirs)
	require.Len(t, rep.Changes, 1)
	require.Equal(t, "B", rep.Changes[0].Path)
	require.Equal(t, 4, rep.Changes[0].Result)
}
