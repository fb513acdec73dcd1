package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/example/exampletest"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestTaleInEveryMergeOrder keeps the writes of the tale and delivers them in
// every order, to the two regions and to a third one that only reads, early
// states and late ones: by wall clock the later edit is always lost, by hybrid
// clock never.
func TestTaleInEveryMergeOrder(t *testing.T) {
	story := strings.SplitAfter(tale, "\n")[:6] // up to the last write
	deliveries := []string{
		`{"region": "us", "clock": "2026-03-01T10:00:09Z", "receive": "eu"}`,
		`{"region": "us", "clock": "2026-03-01T10:00:09Z", "receive": "eu", "sent": 1}`,
		`{"region": "eu", "clock": "2026-03-01T10:00:09Z", "receive": "us"}`,
		`{"region": "eu", "clock": "2026-03-01T10:00:09Z", "receive": "us", "sent": 4}`,
		`{"region": "ap", "clock": "2026-03-01T10:00:09Z", "receive": "us", "sent": 4}`,
		`{"region": "ap", "clock": "2026-03-01T10:00:09Z", "receive": "eu", "sent": 6}`,
	}
	orders := 0
	exampletest.Permute(deliveries, func(receipts []string) {
		orders++
		log := strings.Join(story, "") + strings.Join(receipts, "\n")
		rep := play(t, log)

		wall, hybrid, merged := rep.Outcomes[0], rep.Outcomes[1], rep.Outcomes[2]
		for _, region := range rep.Regions {
			require.Equal(t, "Lisbon", wall.Profiles[region].City, "%s", log)
			require.Equal(t, "Porto", hybrid.Profiles[region].City, "%s", log)
			require.Equal(t, "Porto", merged.Profiles[region].City, "%s", log)
		}
		require.Empty(t, hybrid.Lost, "%s", log)
		require.Empty(t, merged.Lost, "%s", log)
		require.Len(t, wall.Lost, 1, "%s", log)
		require.Equal(t, vclock.After.String(), wall.Lost[0].Order, "%s", log)
		require.Equal(t, []int{6}, rep.Fields[2].Heads, "%s", log)
	})
	require.Equal(t, 720, orders)
}

// TestTaleOfTwoFieldsInEveryMergeOrder does the same with the two edits at the end
// of the tale, which set different fields at one time. A record that wins or loses
// as a whole always loses one of them, field by field both survive.
func TestTaleOfTwoFieldsInEveryMergeOrder(t *testing.T) {
	story := strings.SplitAfter(tale, "\n")[:10] // up to the last write
	deliveries := []string{
		`{"region": "us", "clock": "2026-03-01T10:05:09Z", "receive": "eu"}`,
		`{"region": "us", "clock": "2026-03-01T10:05:09Z", "receive": "eu", "sent": 6}`,
		`{"region": "eu", "clock": "2026-03-01T10:05:09Z", "receive": "us"}`,
		`{"region": "ap", "clock": "2026-03-01T10:05:09Z", "receive": "us", "sent": 9}`,
		`{"region": "ap", "clock": "2026-03-01T10:05:09Z", "receive": "eu", "sent": 10}`,
		`{"region": "ap", "clock": "2026-03-01T10:05:09Z", "receive": "us", "sent": 4}`,
	}
	orders := 0
	exampletest.Permute(deliveries, func(receipts []string) {
		orders++
		log := strings.Join(story, "") + strings.Join(receipts, "\n")
		rep := play(t, log)
		require.Equal(t, "concurrent", rep.writes[9].seen.Compare(rep.writes[10].seen).String())

		hybrid, merged := rep.Outcomes[1], rep.Outcomes[2]
		for _, region := range rep.Regions {
			require.Equal(t, Profile{Name: "Ann Roy", Email: "ann@example.org", City: "Porto"}, hybrid.Profiles[region], "%s", log)
			require.Equal(t, Profile{Name: "Ann Roy", Email: "ann@roy.example", City: "Porto"}, merged.Profiles[region], "%s", log)
		}
		require.Len(t, hybrid.Lost, 1, "%s", log)
		require.Equal(t, 10, hybrid.Lost[0].Line, "%s", log)
		require.Empty(t, merged.Lost, "%s", log)
	})
	require.Equal(t, 720, orders)
}

// TestReplay draws logs of three regions whose clocks disagree and stand still.
// What holds for every log: the states under lww and merge agree; an edit that
// nobody knowingly replaced is either what all readers see or accounted for; and
// the conflicts are those of a model that keeps, for each write, the set of writes
// that it had seen. By the same model, merge shows one of the last writes to each
// field or address, and an edit is lost only to a concurrent one of the same.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log, seen := drawLog(t)
		events, err := parse("log", strings.NewReader(log))
		require.NoError(t, err, "%s", log)
		rep, err := run(events, strategies())
		require.NoError(t, err)
		require.True(t, rep.Outcomes[1].Agreed, "%s", log)
		require.True(t, rep.Outcomes[2].Agreed, "%s", log)
		requireFieldwise(t, rep, seen, log)

		for _, e := range rep.Events {
			if e.Write == nil {
				continue
			}
			concurrent := make(map[vclock.Replica][]int)
			for line := range seen {
				if !seen[line][e.Line] && !seen[e.Line][line] {
					r := rep.writes[line].Region
					concurrent[r] = append(concurrent[r], line)
				}
			}
			require.Len(t, e.Concurrent, len(concurrent), "line %d of\n%s", e.Line, log)
			for _, s := range e.Concurrent {
				ls := concurrent[s.Region]
				require.Equal(t, span{s.Region, slices.Min(ls), slices.Max(ls), len(ls)}, s, "line %d of\n%s", e.Line, log)
			}
		}
		for _, f := range rep.Fields {
			for _, head := range f.Heads {
				value := rep.writes[head].value(f.Field)
				for _, o := range rep.Outcomes {
					require.Equal(t, !o.shows(f.Field, value), o.accounts(f.Field, head),
						"%s: line %d, %s=%q of\n%s", o.Strategy, head, f.Field, value, log)
				}
			}
		}
	})
}

func requireFieldwise(t require.TestingT, rep *report, seen map[int]map[int]bool, log string) {
	merged := rep.Outcomes[2]
	for _, unit := range [][]field{{"email"}, {"street", "city"}} {
		heads := lastWrites(rep, seen, unit)
		shown := func(line int) bool { return showsWrite(merged, rep.writes[line], unit) }
		require.Equal(t, len(heads) > 0, slices.ContainsFunc(heads, shown), "%v: none of lines %v in\n%s", unit, heads, log)
		for _, v := range merged.Lost {
			won := v.Winner.Line
			require.False(t, seen[won][v.Line] || seen[v.Line][won], "line %d lost to line %d in\n%s", v.Line, won, log)
			if slices.ContainsFunc(v.Edits, func(e edit) bool { return slices.Contains(unit, e.Field) }) {
				require.True(t, slices.ContainsFunc(unit, rep.writes[won].sets), "line %d lost %v to line %d in\n%s", v.Line, unit, won, log)
			}
		}
	}
}

// lastWrites returns the lines of the writes to any of the given fields that no
// other such write had seen, where seen is what the model knows.
func lastWrites(rep *report, seen map[int]map[int]bool, unit []field) []int {
	var lines []int
	for line := range seen {
		if slices.ContainsFunc(unit, rep.writes[line].sets) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return slices.DeleteFunc(slices.Clone(lines), func(line int) bool {
		return slices.ContainsFunc(lines, func(later int) bool { return later != line && seen[later][line] })
	})
}

// showsWrite reports whether all regions show what w set of the given fields.
func showsWrite(o outcome, w *write, unit []field) bool {
	for _, e := range w.Write {
		if slices.Contains(unit, e.Field) && !o.shows(e.Field, e.Value) {
			return false
		}
	}
	return true
}

// shows reports whether all regions show value in the end.
func (o outcome) shows(f field, value string) bool {
	for _, p := range o.Profiles {
		if *p.at(f) != value {
			return false
		}
	}
	return true
}

// accounts reports whether o says why the edit of f on line is lost.
func (o outcome) accounts(f field, line int) bool {
	return slices.ContainsFunc(o.Lost, func(v verdict) bool {
		return v.Line == line && slices.ContainsFunc(v.Edits, func(e edit) bool { return e.Field == f })
	})
}

// drawLog draws a log and, for each of its writes, the lines of the writes that
// it had seen, its own included.
func drawLog(t *rapid.T) (log string, seen map[int]map[int]bool) {
	var (
		b       strings.Builder
		regions = []string{"ap", "eu", "us"}
		clocks  = make(map[string]int)
		states  = make([]map[string]map[int]bool, 1) // per line: what each region had seen
	)
	states[0] = make(map[string]map[int]bool)
	seen = make(map[int]map[int]bool)
	n := rapid.IntRange(1, 25).Draw(t, "lines")
	for line := 1; line <= n; line++ {
		now := maps.Clone(states[line-1])
		states = append(states, now)
		r := rapid.SampledFrom(regions).Draw(t, "region")
		clocks[r] += rapid.IntRange(0, 3).Draw(t, "wait")
		fmt.Fprintf(&b, `{"region":%q,"clock":"2026-03-01T10:00:%02dZ",`, r, clocks[r]%60)

		from := rapid.SampledFrom(regions).Draw(t, "from")
		sent := rapid.IntRange(0, line-1).Draw(t, "sent")
		mine := make(map[int]bool)
		maps.Copy(mine, now[r])
		switch {
		case from != r && states[sent][from] != nil:
			fmt.Fprintf(&b, "\"receive\":%q,\"sent\":%d}\n", from, sent)
			maps.Copy(mine, states[sent][from])
		default:
			var set []string
			for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom([]field{"email", "street", "city"}), 1, 2, rapid.ID).Draw(t, "fields") {
				set = append(set, fmt.Sprintf("%q:\"%d\"", f, line))
			}
			fmt.Fprintf(&b, "\"write\":{%s}}\n", strings.Join(set, ","))
			mine[line] = true
			seen[line] = mine
		}
		now[r] = mine
	}
	return b.String(), seen
}

// FuzzParse feeds the parser anything. What it accepts can be replayed and
// printed; what it refuses, it refuses with the number of a line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(tale))
	f.Add([]byte(`{"region":"us","clock":"2026-03-01T10:00:00Z","write":{"city":"a","city":"b"}}`))
	f.Add([]byte("\ufeff{}\r\n\n"))
	f.Add([]byte(`{"region":"us","clock":"2261-12-31T23:59:59.999999999+01:00","write":{"name":"\u0000\u202e"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := parse("log", strings.NewReader(string(data)))
		if err != nil {
			require.Regexp(t, `^log:[0-9]+: .`, err.Error())
			require.Nil(t, events)
			return
		}
		rep, err := run(events, strategies())
		require.NoError(t, err)
		require.True(t, rep.Outcomes[1].Agreed)
		require.True(t, rep.Outcomes[2].Agreed)
		for _, r := range rep.Text() {
			require.False(t, r < ' ' && r != '\n', "control character %q in the text", r)
		}
		_, err = json.Marshal(rep)
		require.NoError(t, err)
	})
}
