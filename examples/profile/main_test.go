package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// TestGolden replays every log in testdata and compares what is printed with the
// file of the same name.
func TestGolden(t *testing.T) {
	logs, err := filepath.Glob("testdata/*.jsonl")
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			golden := strings.TrimSuffix(log, "jsonl")
			compare(t, golden+"txt", "-f", log)
			compare(t, golden+"json", "-json", "-f", log)
		})
	}
	t.Run("no arguments", func(t *testing.T) { compare(t, "testdata/tale.txt") })
}

func compare(t *testing.T, golden string, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, command(args, strings.NewReader(""), &stdout, &stderr), "%s", &stderr)
	require.Empty(t, stderr.String())
	if *update {
		require.NoError(t, os.WriteFile(golden, stdout.Bytes(), 0o666))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), stdout.String())
}

func TestTextFitsTheTerminal(t *testing.T) {
	for line := range strings.Lines(play(t, tale).text()) {
		line = strings.TrimSuffix(line, "\n")
		require.LessOrEqual(t, utf8.RuneCountInString(line), width, "%s", line)
		require.Equal(t, strings.TrimRight(line, " "), line)
	}
}

// A carriage return, a byte order mark, blank lines and a missing end of line
// come from editors, and change nothing but the numbers of lines.
func TestLineEndings(t *testing.T) {
	lf := play(t, tale)
	crlf := play(t, "\ufeff"+strings.TrimSuffix(strings.ReplaceAll(tale, "\n", "\r\n"), "\r\n"))
	require.Equal(t, lf.text(), crlf.text())

	rep := play(t, "\n \n"+tale)
	require.Equal(t, 3, rep.Events[0].Line)
	require.Equal(t, lf.Outcomes[1].Profiles, rep.Outcomes[1].Profiles)
}

func play(t *testing.T, log string) *report {
	t.Helper()
	events, err := parse("log", strings.NewReader(log))
	require.NoError(t, err)
	rep, err := run(events, strategies())
	require.NoError(t, err)
	return rep
}

func TestStandardInput(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, command([]string{"-f", "-"}, strings.NewReader(tale), &stdout, &stderr))
	want, err := os.ReadFile("testdata/tale.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), stdout.String())
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, command([]string{"-h"}, nil, &stdout, &stderr))
	require.Empty(t, stderr.String())
	for _, word := range []string{"-f FILE", "-json", "region", "clock", "write", "receive", "step", "sent"} {
		require.Contains(t, stdout.String(), word)
	}
	require.NotContains(t, stdout.String(), "//")

	var log strings.Builder
	for line := range strings.Lines(stdout.String()) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "{") {
			log.WriteString(text + "\n")
		}
	}
	require.Len(t, play(t, log.String()).Events, 2, "the lines of the help are a log")
}

// TestJSON reads the outcome as a program would.
func TestJSON(t *testing.T) {
	var stdout bytes.Buffer
	require.Equal(t, 0, command([]string{"-json"}, nil, &stdout, io.Discard))
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
		}
	}
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &got))
	require.Equal(t, "city", got.Fields[2].Field)
	require.Equal(t, []int{6}, got.Fields[2].Heads)

	wall, hybrid := got.Outcomes[0], got.Outcomes[1]
	require.Equal(t, "Lisbon", wall.Profiles["eu"].City)
	require.Len(t, wall.Lost, 1)
	require.Equal(t, map[string]string{"city": "Porto"}, wall.Lost[0].Edits)
	require.Equal(t, 6, wall.Lost[0].Line)
	require.Equal(t, 4, wall.Lost[0].Winner.Line)
	require.Equal(t, "1s", wall.Lost[0].Margin)
	require.Equal(t, "after", wall.Lost[0].Order)

	require.True(t, hybrid.Agreed)
	require.Equal(t, "Porto", hybrid.Profiles["us"].City)
	require.Empty(t, hybrid.Lost)
}

// TestStatus covers failures that are no line's fault.
func TestStatus(t *testing.T) {
	full := iotest.ErrReader(io.ErrClosedPipe)
	for _, tt := range []struct {
		name   string
		args   []string
		stdin  io.Reader
		stdout io.Writer
		stderr string
		want   int
	}{
		{name: "no such file", args: []string{"-f", "testdata/missing"}, stderr: "missing", want: 1},
		{name: "unreadable", args: []string{"-f", "-"}, stdin: full, stderr: "standard input: io: read/write on closed pipe", want: 1},
		{name: "unwritable", stdout: closed{}, stderr: "closed pipe", want: 1},
		{name: "unwritable JSON", args: []string{"-json"}, stdout: closed{}, stderr: "closed pipe", want: 1},
		{name: "unknown flag", args: []string{"-x"}, stderr: "profile -h explains", want: 2},
		{name: "argument without -f", args: []string{"log.jsonl"}, stderr: `unexpected argument "log.jsonl"`, want: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			if tt.stdout == nil {
				tt.stdout = &out
			}
			require.Equal(t, tt.want, command(tt.args, tt.stdin, tt.stdout, &stderr))
			require.Empty(t, out.String())
			require.Contains(t, stderr.String(), tt.stderr)
		})
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

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
		want string // after "profile: standard input:"
	}{
		{"empty file", "", "1: the log ends without an event"},
		{"only blank lines", "\n\r\n \n", "3: the log ends without an event"},
		{"not JSON", write + "city=Paris", "2: not JSON: invalid character 'c' looking for beginning of value"},
		{"not an object", `["us"]`, `1: want a JSON object, have ["us"]`},
		{"cut off", `{"region":"us"`, "1: the JSON object ends too soon"},
		{"two objects on a line", line(`"step":"1s"`) + "{}", "1: something follows the object: a line holds one"},
		{"not UTF-8", line("\"write\":{\"city\":\"\xff\"}"), "1: the line is not valid UTF-8"},
		{"too long", write + strings.Repeat(" ", maxLine+1), "2: the line is longer than 1048576 bytes"},

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
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, 2, command([]string{"-f", "-"}, strings.NewReader(tt.log), &stdout, &stderr))
			require.Equal(t, fmt.Sprintf("profile: standard input:%s\n", tt.want), stderr.String())
			require.Empty(t, stdout.String())
		})
	}
}
