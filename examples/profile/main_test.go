package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/example"
	"github.com/rejoin-go/rejoin/internal/example/exampletest"
	"github.com/rejoin-go/rejoin/merge"
)

func TestProgram(t *testing.T) { exampletest.Run(t, program(), "write", "step") }

func play(t *testing.T, log string) *report {
	t.Helper()
	events, err := parse("log", strings.NewReader(log))
	require.NoError(t, err)
	rep, err := run(events, strategies())
	require.NoError(t, err)
	return rep
}

// TestJSON reads the outcome as a program would.
func TestJSON(t *testing.T) {
	data := exampletest.Output(t, program(), "", "-json")
	var got struct {
		Fields []struct {
			Field string
			Heads []int
		}
		Outcomes []struct {
			Strategy string
			Agreed   bool
			Profiles map[string]Profile
			Lost     []struct {
				Edits  map[string]string
				Line   int
				Winner struct{ Line int }
				Margin string
				Order  string
			}
			Reports []struct {
				Line         int
				Region, From string
				Report       merge.Report
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(data), &got))
	require.Equal(t, "city", got.Fields[2].Field)
	require.Equal(t, []int{6}, got.Fields[2].Heads)

	require.Len(t, got.Outcomes, 3)
	wall, hybrid, merged := got.Outcomes[0], got.Outcomes[1], got.Outcomes[2]
	require.Equal(t, "Lisbon", wall.Profiles["eu"].City)
	require.Len(t, wall.Lost, 2)
	require.Equal(t, map[string]string{"city": "Porto"}, wall.Lost[1].Edits)
	require.Equal(t, 6, wall.Lost[1].Line)
	require.Equal(t, 4, wall.Lost[1].Winner.Line)
	require.Equal(t, "1s", wall.Lost[1].Margin)
	require.Equal(t, "after", wall.Lost[1].Order)
	require.Empty(t, wall.Reports)

	require.True(t, hybrid.Agreed)
	require.Equal(t, "Porto", hybrid.Profiles["us"].City)
	require.Len(t, hybrid.Lost, 1)
	require.Equal(t, map[string]string{"email": "ann@roy.example"}, hybrid.Lost[0].Edits)
	require.Equal(t, "concurrent", hybrid.Lost[0].Order)
	require.Empty(t, hybrid.Reports)

	require.Equal(t, "merge", merged.Strategy)
	require.True(t, merged.Agreed)
	require.Equal(t, Profile{Name: "Ann Roy", Email: "ann@roy.example", City: "Porto"}, merged.Profiles["us"])
	require.Empty(t, merged.Lost)
	both := merged.Reports[2]
	require.Equal(t, 11, both.Line)
	require.Equal(t, "us", both.Region)
	require.Equal(t, "eu", both.From)
	require.Equal(t, []string{"email", "name"}, []string{both.Report.Changes[0].Path, both.Report.Changes[1].Path})
	require.Equal(t, "Ann Roy", both.Report.Changes[1].Result)
}

// TestChoiceWithoutChange: a user who sets a field to what it was has made a
// choice, which stands against an older write that arrives later.
func TestChoiceWithoutChange(t *testing.T) {
	rep := play(t, strings.Join([]string{
		`{"region":"eu","clock":"2026-03-01T10:00:00Z","write":{"name":"Ann","city":"Paris"}}`,
		`{"region":"us","clock":"2026-03-01T10:00:01Z","receive":"eu"}`,
		`{"region":"us","clock":"2026-03-01T10:00:02Z","write":{"city":"Rome"}}`,
		`{"region":"eu","clock":"2026-03-01T10:00:03Z","write":{"name":"Anne","city":"Paris"}}`,
	}, "\n"))
	merged := rep.Outcomes[2]
	require.Equal(t, Profile{Name: "Anne", City: "Paris"}, merged.Profiles["eu"])
	require.True(t, merged.Agreed)
	require.Len(t, merged.Lost, 1)
	require.Equal(t, 3, merged.Lost[0].Line)
	require.Equal(t, 4, merged.Lost[0].Winner.Line)
}

// TestAddressIsOne: a street and a city set at one time in two regions do not meet
// in an address that nobody wrote.
func TestAddressIsOne(t *testing.T) {
	rep := play(t, strings.Join([]string{
		`{"region":"eu","clock":"2026-03-01T10:00:00Z","write":{"street":"1 Rue Monge","city":"Paris"}}`,
		`{"region":"us","clock":"2026-03-01T10:00:01Z","receive":"eu"}`,
		`{"region":"us","clock":"2026-03-01T10:00:02Z","write":{"street":"5 Rua Augusta","city":"Lisbon"}}`,
		`{"region":"eu","clock":"2026-03-01T10:00:03Z","write":{"street":"7 Rue Monge"}}`,
	}, "\n"))
	merged := rep.Outcomes[2]
	require.True(t, merged.Agreed)
	require.Equal(t, Profile{Street: "7 Rue Monge", City: "Paris"}, merged.Profiles["us"])
	require.Len(t, merged.Lost, 1)
	require.Equal(t, edits{{"street", "5 Rua Augusta"}, {"city", "Lisbon"}}, merged.Lost[0].Edits)
	require.Contains(t, rep.Text(), "What merge.Report says of eu receiving from us at the end:")
}

// TestOneStampTwoWrites: above a stamp that the clock does not follow, writes to
// two fields get one stamp, and are told apart all the same.
func TestOneStampTwoWrites(t *testing.T) {
	rep := play(t, strings.Join([]string{
		`{"region":"us","clock":"2026-03-01T10:00:02Z","write":{"email":"ann@example.org","city":"Paris"}}`,
		`{"region":"eu","clock":"2026-03-01T10:00:00Z","receive":"us"}`,
		`{"region":"eu","clock":"2026-03-01T10:00:00Z","write":{"email":"lee@example.org"}}`,
		`{"region":"eu","clock":"2026-03-01T10:00:00Z","write":{"city":"Rome"}}`,
	}, "\n"))
	require.Equal(t, rep.writes[3].times[2]["email"], rep.writes[4].times[2]["city"])

	merged := rep.Outcomes[2]
	require.Equal(t, Profile{Email: "lee@example.org", City: "Rome"}, merged.Profiles["us"])
	require.Empty(t, merged.Lost)
	require.Len(t, merged.Replaced, 2)
	require.Equal(t, 3, merged.Replaced[0].Winner.Line)
	require.Equal(t, 4, merged.Replaced[1].Winner.Line)
}

// TestBadLog: a wrong line is named with what is wrong with it, and nothing is
// printed but that.
func TestBadLog(t *testing.T) {
	const (
		write = `{"region":"eu","clock":"2026-03-01T10:00:00Z","write":{"city":"Paris"}}` + "\n"
		step  = `{"region":"us","clock":"2026-03-01T10:00:00Z","step":"1s"}` + "\n"
	)
	// line completes a line that happens in us.
	line := func(members string) string { return `{"region":"us","clock":"2026-03-01T10:00:00Z",` + members + `}` }

	for _, tt := range []struct {
		name string
		log  string
		want string
	}{
		{"empty file", "", "1: the log ends without an event"},
		{"only blank lines", "\n\r\n \n", "3: the log ends without an event"},
		{"not JSON", write + "city=Paris", "2: not JSON: invalid character 'c' looking for beginning of value"},
		{"not an object", `["us"]`, `1: want a JSON object, have ["us"]`},
		{"cut off", `{"region":"us"`, "1: the JSON object ends too soon"},
		{"two objects on a line", line(`"step":"1s"`) + "{}", "1: something follows the object: a line holds one"},
		{"not UTF-8", line("\"write\":{\"city\":\"\xff\"}"), "1: the line is not valid UTF-8"},
		{"too long", write + strings.Repeat(" ", example.MaxLine+1), "2: the line is longer than 1048576 bytes"},

		{"no region", `{"clock":"2026-03-01T10:00:00Z","step":"1s"}`, `1: "region" is missing: where it happened`},
		{"no clock", `{"region":"us","step":"1s"}`, `1: "clock" is missing: what the region's clock showed`},
		{"nothing happens", `{"region":"us","clock":"2026-03-01T10:00:00Z"}`, `1: nothing happens: one of "write", "receive" or "step" is needed`},
		{"two events", line(`"write":{"city":"Paris"},"step":"1s"`), "1: write and step on one line: an event is one of them"},
		{"unknown member", line(`"recv":"eu"`), `1: unknown member "recv": a line has region, clock, and one of write, receive (with sent) or step`},
		{"member in capitals", line(`"Step":"1s"`), `1: unknown member "Step": a line has region, clock, and one of write, receive (with sent) or step`},
		{"duplicate member", line(`"step":"1s","step":"2s"`), `1: "step" appears twice`},

		{"region of the wrong type", `{"region":7,"clock":"2026-03-01T10:00:00Z","step":"1s"}`, `1: "region" is 7, want the name of a region: 1 to 32 letters, digits, '-', '_' or '.'`},
		{"empty region", `{"region":"","clock":"2026-03-01T10:00:00Z","step":"1s"}`, `1: "region" is "", want the name of a region: 1 to 32 letters, digits, '-', '_' or '.'`},
		{"region with a control character", `{"region":"e\u001bu","clock":"2026-03-01T10:00:00Z","step":"1s"}`, `1: "region" is "e\u001bu", want the name of a region: 1 to 32 letters, digits, '-', '_' or '.'`},
		{"clock without zone", `{"region":"us","clock":"2026-03-01T10:00:00","step":"1s"}`, `1: "clock" is "2026-03-01T10:00:00", want a time such as "2026-03-01T10:00:02.5Z", from 1970 to 2261`},
		{"clock of the wrong type", `{"region":"us","clock":null,"step":"1s"}`, `1: "clock" is null, want a time such as "2026-03-01T10:00:02.5Z", from 1970 to 2261`},
		{"clock before 1970", `{"region":"us","clock":"1969-12-31T23:59:59Z","step":"1s"}`, `1: "clock" is "1969-12-31T23:59:59Z", want a time such as "2026-03-01T10:00:02.5Z", from 1970 to 2261`},

		{"unknown field", line(`"write":{"town":"Paris"}`), `1: a profile has no field "town"; its fields are [name email phone street city]`},
		{"duplicate field", line(`"write":{"city":"Paris","city":"Rome"}`), `1: "write": "city" appears twice`},
		{"field of the wrong type", line(`"write":{"city":75}`), `1: "city" is 75, want a string`},
		{"null field", line(`"write":{"city":null}`), `1: "city" is null, want a string`},
		{"no field", line(`"write":{}`), `1: "write" is empty, want at least one field`},
		{"write of the wrong type", line(`"write":"city"`), `1: "write": want a JSON object, have "city"`},

		{"step of the wrong type", line(`"step":2`), `1: "step" is 2, want how far the clock was set forward, such as "2s", or back, such as "-1m30s"`},
		{"step of nothing", line(`"step":"0s"`), `1: "step" is "0s", want how far the clock was set forward, such as "2s", or back, such as "-1m30s"`},
		{
			"clock goes back", step + line(`"write":{"city":"Rome"}`),
			`2: the clock of us shows 2026-03-01T10:00:00Z, but on line 1 it was at 2026-03-01T10:00:01Z already: a clock that is set back needs a line with "step"`,
		},

		{"unknown region", write + line(`"receive":"ap"`), `2: us receives from "ap", of which no line before this one tells (regions so far: [eu])`},
		{"sender without state", `{"region":"eu","clock":"2026-03-01T10:00:00Z","step":"1s"}` + "\n" + line(`"receive":"eu"`), "2: us receives from eu, which by line 2 had neither written nor received anything"},
		{"sent before there was anything", "\n" + write + line(`"receive":"eu","sent":1`), "3: us receives from eu, which by line 1 had neither written nor received anything"},
		{"sent in the future", write + line(`"receive":"eu","sent":3`), "2: received on line 2, but sent after line 3"},
		{"sent on line 0", write + line(`"receive":"eu","sent":0`), `2: "sent" is 0, but lines count from 1`},
		{"sent of the wrong type", write + line(`"receive":"eu","sent":"1"`), `2: "sent" is "1", want the number of a line`},
		{"sent with a write", line(`"write":{"city":"Paris"},"sent":1`), `1: "sent" goes with "receive" only`},
		{"from itself", line(`"write":{"city":"Rome"}`) + "\n" + line(`"receive":"us"`), "2: us receives from itself"},
	} {
		t.Run(tt.name, func(t *testing.T) { exampletest.Refuse(t, program(), tt.log, tt.want) })
	}
}
