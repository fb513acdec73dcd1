package merge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A ticket has a field for each outcome and level.
type ticket struct {
	Title string
	Votes int      `merge:"additive"`
	High  float64  `merge:"max"`
	ID    string   `merge:"first"`
	Terms string   `merge:"manual"`
	Tags  []string `merge:"set"`
	Prefs map[string]string
	Lines []item `merge:"keyed=Key"`
	Gift  *item
	Extra any
}

func ticketReport(t *testing.T) merge.Report {
	t.Helper()
	p := merge.MustCompile(merge.Options[ticket]{})
	base := ticket{
		Title: "t", Votes: 1, High: 1, ID: "id", Terms: "x", Tags: []string{"a"}, Prefs: map[string]string{"k": "v", "gone": "x"},
		Lines: []item{{Key: "a"}, {Key: "b", Note: "n"}}, Extra: map[string]any{"deep": map[string]any{"x": 1.0}},
	}
	eu, us := base, base
	eu.Title, eu.Votes, eu.High, eu.ID, eu.Terms, eu.Tags = "eu", 2, 9, "other", "y", []string{"a", "b"}
	eu.Prefs = map[string]string{"k": "eu"}
	eu.Lines = []item{{Key: "a"}, {Key: "b", Note: "changed"}, {Key: "c"}}
	eu.Extra = map[string]any{"deep": map[string]any{"x": 2.0}}
	us.Title, us.Votes, us.High, us.Terms, us.Tags = "us", 2, math.NaN(), "z", []string{"a", "c"}
	us.Prefs = map[string]string{"k": "v", "gone": "x", "new": "n"}
	us.Lines = []item{{Key: "a", High: 3}}
	us.Gift = &item{Key: "g"}
	us.Extra = map[string]any{"deep": map[string]any{"x": 3.0}}
	_, report, err := p.Explain(&base, merge.Side[ticket]{Value: us, Stamp: stamp(5, "us")}, merge.Side[ticket]{Value: eu, Stamp: stamp(5, "eu")})
	require.EqualError(t, err, "merge: conflict: Terms: the sides differ")
	return report
}

const ticketTable = `Title         lww        "us" from us@1970-01-01T00:00:05Z over eu@1970-01-01T00:00:05Z by replica; lost "eu" of eu@1970-01-01T00:00:05Z
Votes         additive   3 from us@1970-01-01T00:00:05Z, eu@1970-01-01T00:00:05Z
High          max        9 from eu@1970-01-01T00:00:05Z over us@1970-01-01T00:00:05Z by value; lost NaN of us@1970-01-01T00:00:05Z
ID            first      "id" stays as it was; lost "other" of eu@1970-01-01T00:00:05Z
Terms         manual     "z" for now: the sides differ; "z" of us@1970-01-01T00:00:05Z, "y" of eu@1970-01-01T00:00:05Z
Tags          set        ["a","b","c"] from us@1970-01-01T00:00:05Z, eu@1970-01-01T00:00:05Z
Prefs.gone    lww        absent from eu@1970-01-01T00:00:05Z
Prefs.k       lww        "eu" from eu@1970-01-01T00:00:05Z
Prefs.new     lww        "n" from us@1970-01-01T00:00:05Z
Lines.a.High  max        3 from us@1970-01-01T00:00:05Z
Lines.b       keyed=Key  absent from us@1970-01-01T00:00:05Z over eu@1970-01-01T00:00:05Z by value; lost {"Key":"b","Note":"changed","Count":0,"High":0} of eu@1970-01-01T00:00:05Z
Lines.c       keyed=Key  {"Key":"c","Note":"","Count":0,"High":0} from eu@1970-01-01T00:00:05Z
Gift          fields     {"Key":"g","Note":"","Count":0,"High":0} from us@1970-01-01T00:00:05Z
Extra.deep.x  lww        3 from us@1970-01-01T00:00:05Z over eu@1970-01-01T00:00:05Z by replica; lost 2 of eu@1970-01-01T00:00:05Z
`

func TestReport(t *testing.T) {
	r := ticketReport(t)
	require.Equal(t, ticketTable, r.String())
	require.False(t, r.OK())
	var lost []string
	for c, cand := range r.Lost() {
		lost = append(lost, fmt.Sprintf("%s %v of side %d", c.Path, cand.Value, cand.Side))
	}
	require.Equal(t, []string{
		"Title eu of side 1", "High NaN of side 0", "ID other of side 1", "Terms y of side 1",
		"Lines.b {b changed 0 0} of side 1", "Extra.deep.x 2 of side 1",
	}, lost)
}

func TestReportJSON(t *testing.T) {
	r := ticketReport(t)
	r.Changes = r.Changes[:7]
	text, err := json.MarshalIndent(r.Changes[2], "", "\t")
	require.NoError(t, err)
	require.JSONEq(t, `{
		"path": "High", "rule": "max", "outcome": "chosen", "winner": 1, "by": "value", "base": 1, "result": 9,
		"candidates": [
			{"side": 0, "stamp": "1970-01-01T00:00:05.000000000Z@us", "value": "NaN", "lost": true},
			{"side": 1, "stamp": "1970-01-01T00:00:05.000000000Z@eu", "value": 9}
		]
	}`, string(text))
	text, err = json.Marshal(r.Changes[6])
	require.NoError(t, err)
	require.Contains(t, string(text), `"result":{"absent":true}`)

	var back merge.Report
	all, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(all, &back))
	require.Equal(t, r.Changes[4].Reason, back.Changes[4].Reason)
	require.Equal(t, merge.Undecided, back.Changes[4].Outcome)
	margin := merge.Change{Path: "p", Outcome: merge.Chosen, By: merge.ByTime, Margin: 1<<62 + 1, Candidates: []merge.Candidate{}}
	text, err = json.Marshal(margin)
	require.NoError(t, err)
	var again merge.Change
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, margin, again)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"margin":"2"}`), &again), "merge: margin")
	require.Error(t, json.Unmarshal([]byte(`{"changes":[{"outcome":"won"}]}`), &back))
	require.Error(t, json.Unmarshal([]byte(`{"changes":[{"by":"luck"}]}`), &back))
}

func TestReportRedact(t *testing.T) {
	r := ticketReport(t)
	before := r.String()
	hidden := r.Redact(func(path string, v any) any {
		if _, isKey := v.(merge.Key); !isKey && (path == "Title" || path == "Lines.b") {
			return "(hidden)"
		}
		return v
	})
	require.Equal(t, before, r.String(), "the report itself is unchanged")
	require.NotContains(t, hidden.String(), "changed")
	require.Contains(t, hidden.String(), `lost "(hidden)" of eu`)
	require.Contains(t, hidden.String(), "Lines.b       keyed=Key  absent", "absence is no secret")
}

// TestReportSnapshot changes the inputs after the report was made.
func TestReportSnapshot(t *testing.T) {
	p := merge.MustCompile(merge.Options[ticket]{})
	eu := ticket{Tags: []string{"a"}, Prefs: map[string]string{"k": "v"}}
	_, report, err := p.Explain(&ticket{}, merge.Side[ticket]{Value: eu, Stamp: stamp(1, "eu")})
	require.NoError(t, err)
	before := report.String()
	eu.Tags[0], eu.Prefs["k"] = "z", "z"
	require.Equal(t, before, report.String())
}

// TestLevels tells apart what decided: time with its margin, replica, bytes.
func TestLevels(t *testing.T) {
	type one struct{ V string }
	p := merge.MustCompile(merge.Options[one]{})
	side := func(v string, s int64, r string) merge.Side[one] {
		return merge.Side[one]{Value: one{v}, Stamp: stamp(s, vclock.Replica(r))}
	}
	for _, tt := range []struct {
		a, b merge.Side[one]
		want string
	}{
		{side("a", 3, "x"), side("b", 1, "y"), `V  lww  "a" from x@1970-01-01T00:00:03Z over y@1970-01-01T00:00:01Z by 2s; lost "b" of y@1970-01-01T00:00:01Z` + "\n"},
		{side("a", 1, "x"), side("b", 1, "y"), `V  lww  "b" from y@1970-01-01T00:00:01Z over x@1970-01-01T00:00:01Z by replica; lost "a" of x@1970-01-01T00:00:01Z` + "\n"},
		{side("b", 1, "x"), side("a", 1, "x"), `V  lww  "b" from x@1970-01-01T00:00:01Z over x@1970-01-01T00:00:01Z by bytes; lost "a" of x@1970-01-01T00:00:01Z` + "\n"},
		{side("a", 1, "x"), side("a", 2, "y"), `V  lww  "a" from y@1970-01-01T00:00:02Z, x@1970-01-01T00:00:01Z` + "\n"},
	} {
		_, r, err := p.Explain(&one{}, tt.a, tt.b)
		require.NoError(t, err)
		require.Equal(t, tt.want, r.String())
		_, r, _ = p.Explain(&one{}, tt.b, tt.a)
		require.Equal(t, tt.want, r.String())
	}
}

// TestReportOddValues tells of values that have no form in JSON, or no method
// that may be called.
func TestReportOddValues(t *testing.T) {
	type odd struct {
		At *time.Time
		Fs []*float64
	}
	p := merge.MustCompile(merge.Options[odd]{})
	at, nan := time.Unix(5, 0).UTC(), math.NaN()
	base := odd{At: &at}
	_, rep, err := p.Explain(&base, merge.Side[odd]{Value: odd{Fs: []*float64{&nan, nil}}, Stamp: stamp(1, "eu")})
	require.NoError(t, err)
	require.Equal(t, "At  lww     null from eu@1970-01-01T00:00:01Z\nFs  atomic  [NaN <nil>] from eu@1970-01-01T00:00:01Z\n", rep.String())
	text, err := json.Marshal(rep)
	require.NoError(t, err)
	require.Contains(t, string(text), `"result":"[NaN \u003cnil\u003e]"`)
}

// TestReportParts pins what is said of an outcome that there is not, and that one may stop reading.
func TestReportParts(t *testing.T) {
	require.Equal(t, "taken", merge.Taken.String())
	require.Equal(t, "undecided", merge.Undecided.String())
	require.Equal(t, "8", (merge.Undecided + 1).String())
	require.Equal(t, "value", merge.ByValue.String())
	require.Equal(t, "bytes", merge.ByBytes.String())
	require.Equal(t, "5", (merge.ByBytes + 1).String())
	for o := merge.Taken; o <= merge.Undecided; o++ {
		text, err := o.MarshalText()
		require.NoError(t, err)
		var back merge.Outcome
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, o, back)
	}
	for l := merge.ByValue; l <= merge.ByBytes; l++ {
		text, err := l.MarshalText()
		require.NoError(t, err)
		var back merge.Level
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, l, back)
	}
	var none merge.Outcome
	require.EqualError(t, none.UnmarshalText(nil), `merge: unknown outcome ""`)
	var level merge.Level
	require.EqualError(t, level.UnmarshalText(nil), `merge: unknown level ""`)

	r := ticketReport(t)
	for n := 1; n <= 6; n++ {
		seen := 0
		for range r.Lost() {
			if seen++; seen == n {
				break
			}
		}
		require.Equal(t, n, seen)
	}
	r.Changes = append(r.Changes, r.Changes[4])
	seen := 0
	for c := range r.Undecided() {
		require.Equal(t, "Terms", c.Path)
		seen++
		break
	}
	require.Equal(t, 1, seen)
	c := r.Changes[0]
	require.NoError(t, c.UnmarshalJSON([]byte("null")))
	require.Equal(t, r.Changes[0], c, "null changes nothing")
	require.Error(t, c.UnmarshalJSON([]byte("7")))
	require.Equal(t, r.Changes[0], c)
	require.NoError(t, c.UnmarshalJSON([]byte(`{"path":"p","margin":"1.5s"}`)))
	require.Equal(t, 1500*time.Millisecond, c.Margin)
	text, err := json.Marshal(merge.Change{})
	require.NoError(t, err)
	require.NotContains(t, string(text), "margin")
}

// TestReportOfThree tells who won over whom where three sides changed a value.
func TestReportOfThree(t *testing.T) {
	type one struct {
		V     string
		First string `merge:"first"`
		Even  int
	}
	p := merge.MustCompile(merge.Options[one]{Overrides: []merge.Override[one]{
		merge.Field(func(o *one) *int { return &o.Even }, merge.Prefer("even", func(a, b int) int { return b&1 - a&1 })),
	}})
	for _, tt := range []struct {
		name       string
		a, b, c    one // at 1, 4 and 9 seconds
		winner     int
		by         merge.Level
		margin     time.Duration
		candidates []int
	}{
		{"the newest over the next", one{V: "x"}, one{V: "y"}, one{V: "z"}, 2, merge.ByTime, 5 * time.Second, []int{2, 1, 0}},
		{"two newest alike", one{V: "x"}, one{V: "z"}, one{V: "z"}, 2, merge.ByTime, 8 * time.Second, []int{2, 1, 0}},
		{"the newest and the oldest alike", one{V: "z"}, one{V: "y"}, one{V: "z"}, 2, merge.ByTime, 5 * time.Second, []int{2, 1, 0}},
		{"the oldest over the newest of the others", one{First: "x"}, one{First: "y"}, one{First: "z"}, 0, merge.ByTime, 8 * time.Second, []int{2, 1, 0}},
		{"two oldest alike", one{First: "x"}, one{First: "x"}, one{First: "z"}, 0, merge.ByTime, 8 * time.Second, []int{2, 1, 0}},
		{"the newest of what is preferred alike", one{Even: 2}, one{Even: 4}, one{Even: 6}, 2, merge.ByTime, 5 * time.Second, []int{2, 1, 0}},
		{"the preferred over the closest", one{Even: 2}, one{Even: 4}, one{Even: 1}, 1, merge.ByTime, 3 * time.Second, []int{2, 1, 0}},
		{"the preferred over all", one{Even: 2}, one{Even: 3}, one{Even: 1}, 0, merge.ByValue, 0, []int{2, 1, 0}},
		{"one did not change it", one{V: "x"}, one{}, one{V: "z"}, 2, merge.ByTime, 8 * time.Second, []int{2, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, r, err := p.Explain(&one{}, merge.Side[one]{Value: tt.a, Stamp: stamp(1, "a")}, merge.Side[one]{Value: tt.b, Stamp: stamp(4, "b")}, merge.Side[one]{Value: tt.c, Stamp: stamp(9, "c")})
			require.NoError(t, err)
			require.Len(t, r.Changes, 1)
			c := r.Changes[0]
			require.Equal(t, merge.Chosen, c.Outcome)
			require.Equal(t, tt.winner, c.Winner)
			require.Equal(t, tt.by, c.By)
			require.Equal(t, tt.margin, c.Margin)
			var sides []int
			for _, cand := range c.Candidates {
				sides = append(sides, cand.Side)
				require.Equal(t, cand.Value != c.Result, cand.Lost)
			}
			require.Equal(t, tt.candidates, sides)
		})
	}
}

// TestReportWithoutBase tells of what differs, in documents too, and of nothing else.
func TestReportWithoutBase(t *testing.T) {
	type all struct {
		Same, V string
		Doc     map[string]any
		Box     *item
		Lines   []item `merge:"keyed=Key"`
		Rows    map[string]item
	}
	p := merge.MustCompile(merge.Options[all]{})
	one := all{"s", "a", map[string]any{"same": 1, "v": "a", "one": 1, "deep": map[string]any{"same": 1, "v": 1}}, nil, []item{{Key: "k", Note: "a"}, {Key: "s"}}, map[string]item{"k": {Note: "a"}, "s": {}}}
	two := all{"s", "b", map[string]any{"same": 1.0, "v": "b", "two": 2, "deep": map[string]any{"same": 1, "v": 2}}, &item{Key: "g"}, []item{{Key: "k", Note: "b"}, {Key: "s"}}, map[string]item{"k": {Note: "b"}, "s": {}, "n": {}}}
	_, r, err := p.Explain(nil, merge.Side[all]{Value: one, Stamp: stamp(1, "a")}, merge.Side[all]{Value: two, Stamp: stamp(2, "b")})
	require.NoError(t, err)
	var got []string
	for _, c := range r.Changes {
		require.Nil(t, c.Base, c.Path)
		got = append(got, c.Path+" "+c.Outcome.String())
	}
	require.Equal(t, []string{
		"V chosen", "Doc.deep.v chosen", "Doc.one taken", "Doc.two taken", "Doc.v chosen", "Box taken", "Lines.k.Note chosen", "Rows.k.Note chosen", "Rows.n taken",
	}, got)
	_, r, err = p.Explain(nil, merge.Side[all]{Value: one, Stamp: stamp(1, "a")}, merge.Side[all]{Value: one, Stamp: stamp(2, "b")})
	require.NoError(t, err)
	require.Empty(t, r.Changes)
	_, r, err = p.Explain(&all{}, merge.Side[all]{Value: all{Doc: map[string]any{}, Rows: map[string]item{}, Lines: []item{}}, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	require.Empty(t, r.Changes, "empty is no change of nil")
	_, r, err = p.Explain(&all{}, merge.Side[all]{Value: all{Doc: map[string]any{"a": 1}}, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	require.Len(t, r.Changes, 1)
}

// TestReportFallback: where one side is taken whole, the report tells of each value that another had
// changed, also of what is not there then.
func TestReportFallback(t *testing.T) {
	type gift struct{ Key string }
	type all struct {
		A, B int
		Box  *gift
		Doc  map[string]any
	}
	p := merge.MustCompile(merge.Options[all]{
		Paths: map[string]string{"Doc.a": "max", "Doc.*": "min", "Doc.*.b": "set"},
		Check: func(v *all) error {
			if v.A > 0 && v.B > 0 {
				return errors.New("both")
			}
			return nil
		},
	})
	got, r, err := p.Explain(&all{}, merge.Side[all]{Value: all{A: 1, Box: &gift{Key: "g"}}, Stamp: stamp(1, "a")}, merge.Side[all]{Value: all{B: 2}, Stamp: stamp(2, "b")})
	require.NoError(t, err)
	require.Equal(t, all{B: 2}, got)
	require.Equal(t, `A    lww     0 by fallback to one side; lost 1 of a@1970-01-01T00:00:01Z
B    lww     2 by fallback to one side
Box  fields  absent by fallback to one side; lost {"Key":"g"} of a@1970-01-01T00:00:01Z
check failed: both
`, r.String())
	require.Equal(t, -1, r.Changes[0].Winner)
	require.Equal(t, 1, r.Changes[1].Winner)
}

// TestWhereUndecided: a person is told the place of what is to be decided, at any depth and whatever
// the rows around it are.
func TestWhereUndecided(t *testing.T) {
	type deep struct {
		Key  string
		N    int      `merge:"additive"`
		Sum  *big.Int `merge:"additive"`
		Note string   `merge:"manual"`
	}
	type sums struct {
		Key string
		N   int `merge:"additive"`
	}
	type notes struct {
		Key  string
		From string `merge:"group=g"`
		Note string `merge:"manual"`
	}
	type all struct {
		Lines []deep   `merge:"keyed=Key"`
		Sums  []sums   `merge:"keyed=Key"`
		Notes []*notes `merge:"keyed=Key"`
		Rows  map[string]*notes
		Cells map[string]sums
		Box   *sums
	}
	p := merge.MustCompile(merge.Options[all]{})
	of := func(n int, note string) all {
		return all{
			Lines: []deep{{Key: "k"}, {"l", n, huge(int64(n)), note}}, Sums: []sums{{"k", 1}, {"l", n}}, Notes: []*notes{{Key: "k"}, {"l", note, note}},
			Cells: map[string]sums{"c": {"", n}}, Box: &sums{N: n},
		}
	}
	_, r, err := p.Explain(nil, merge.Side[all]{Value: of(1, "a"), Stamp: stamp(1, "a")}, merge.Side[all]{Value: of(2, "b"), Stamp: stamp(2, "b")})
	require.Error(t, err)
	var got, patterns []string
	for c := range r.Undecided() {
		got, patterns = append(got, c.Path), append(patterns, c.Pattern)
	}
	require.Equal(t, []string{"Lines.l.N", "Lines.l.Sum", "Lines.l.Note", "Sums.l.N", "Notes.l.Note", "Cells.c.N", "Box.N"}, got)
	require.Equal(t, []string{"Lines.*.N", "Lines.*.Sum", "Lines.*.Note", "Sums.*.N", "Notes.*.Note", "Cells.*.N", ""}, patterns)
	_, err = p.Merge(nil, merge.Side[all]{Value: of(1, "a"), Stamp: stamp(1, "a")}, merge.Side[all]{Value: of(2, "b"), Stamp: stamp(2, "b")})
	for _, path := range got {
		require.ErrorContains(t, err, path+": ")
	}
	rp := recordPlan(t, merge.Options[all]{})
	one, two := rp.NewRecord(), rp.NewRecord()
	require.NoError(t, one.Update(writer("a"), set(func(v *all) { *v = of(1, "a") })))
	require.NoError(t, two.Update(writer("b"), set(func(v *all) { *v = of(2, "b") })))
	for _, c := range one.Explain(two).Changes {
		if strings.HasPrefix(c.Path, "Notes.l.") || strings.HasPrefix(c.Path, "Lines.l.") {
			require.Equal(t, strings.Replace(c.Path, ".l.", ".*.", 1), c.Pattern)
		}
	}
}

// TestReportOfWhatCannotBeAsked: values that merge by themselves, and do not say whether they are
// equal, count as changed.
func TestReportOfWhatCannotBeAsked(t *testing.T) {
	p := merge.MustCompile(merge.Options[box[votes]]{})
	v := box[votes]{votes{map[string]*int{"x": new(1)}}}
	_, r, err := p.Explain(&v, merge.Side[box[votes]]{Value: v, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	require.Len(t, r.Changes, 1)
}

// TestReportOKCheck has a check that every side fails: a person has to decide.
func TestReportOKCheck(t *testing.T) {
	type pair struct{ A, B int }
	sides := []merge.Side[pair]{{Value: pair{A: 1}, Stamp: stamp(1, "eu")}, {Value: pair{B: 2}, Stamp: stamp(2, "us")}}
	for _, limit := range []int{0, 2} {
		p := merge.MustCompile(merge.Options[pair]{Check: func(v *pair) error {
			if v.A+v.B > limit {
				return errors.New("too many")
			}
			return nil
		}})
		_, rep, err := p.Explain(&pair{}, sides...)
		require.Equal(t, "too many", rep.Check)
		require.Equal(t, err == nil, rep.OK(), "limit %d", limit)
		require.Equal(t, limit == 2, rep.OK(), "one side passes")
	}
}

// TestReportEntries tells of the entries of a map that merge field by field, and of
// those that appear and go.
func TestReportEntries(t *testing.T) {
	type shop struct{ Items map[string]item }
	p := merge.MustCompile(merge.Options[shop]{})
	base := shop{map[string]item{"a": {Note: "n", Count: 1}, "b": {Note: "n"}, "c": {}, "same": {Note: "s"}}}
	eu := shop{map[string]item{"a": {Note: "eu", Count: 3}, "c": {Note: "late"}, "same": {Note: "s"}}}
	us := shop{map[string]item{"a": {Note: "us", Count: 2, High: 4}, "b": {Note: "n"}, "same": {Note: "s"}, "new": {Note: "m"}}}
	_, report, err := p.Explain(&base, merge.Side[shop]{Value: eu, Stamp: stamp(1, "eu")}, merge.Side[shop]{Value: us, Stamp: stamp(2, "us")})
	require.NoError(t, err)
	require.Equal(t, `Items.a.Note   lww       "us" from us@1970-01-01T00:00:02Z over eu@1970-01-01T00:00:01Z by 1s; lost "eu" of eu@1970-01-01T00:00:01Z
Items.a.Count  additive  4 from us@1970-01-01T00:00:02Z, eu@1970-01-01T00:00:01Z
Items.a.High   max       4 from us@1970-01-01T00:00:02Z
Items.b        fields    absent from eu@1970-01-01T00:00:01Z
Items.c        fields    absent from us@1970-01-01T00:00:02Z over eu@1970-01-01T00:00:01Z by value; lost {"Key":"","Note":"late","Count":0,"High":0} of eu@1970-01-01T00:00:01Z
Items.new      fields    {"Key":"","Note":"m","Count":0,"High":0} from us@1970-01-01T00:00:02Z
`, report.String())
}
