package merge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
