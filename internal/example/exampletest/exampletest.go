// Package exampletest tests what all programs below examples must do.
package exampletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/example"
)

// Run tests p, whose logs and golden files are in testdata. Its help must name
// each of the given words.
func Run(t *testing.T, p example.Program, words ...string) {
	t.Helper()
	t.Run("golden", func(t *testing.T) { golden(t, p) })
	t.Run("terminal", func(t *testing.T) { terminal(t, p) })
	t.Run("line endings", func(t *testing.T) { lineEndings(t, p) })
	t.Run("help", func(t *testing.T) { help(t, p, words) })
	t.Run("status", func(t *testing.T) { status(t, p) })
}

// golden replays every log in testdata and compares what is printed with the file
// of the same name. With UPDATE=1 in the environment it writes the files instead.
func golden(t *testing.T, p example.Program) {
	t.Helper()
	logs, err := filepath.Glob("testdata/*.jsonl")
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			file := strings.TrimSuffix(log, "jsonl")
			compare(t, p, file+"txt", "", "-f", log)
			compare(t, p, file+"json", "", "-json", "-f", log)
		})
	}
	story := filepath.Join("testdata", strings.TrimSuffix(p.StoryName, "jsonl")+"txt")
	compare(t, p, story, "")
	compare(t, p, story, p.Story, "-f", "-")
}

func compare(t *testing.T, p example.Program, file, stdin string, args ...string) {
	t.Helper()
	got := Output(t, p, stdin, args...)
	if os.Getenv("UPDATE") == "1" {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o666))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// Output returns what p prints, which must not fail.
func Output(t require.TestingT, p example.Program, stdin string, args ...string) string {
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, p.Command(args, strings.NewReader(stdin), &stdout, &stderr), "%s", &stderr)
	require.Empty(t, stderr.String())
	return stdout.String()
}

func terminal(t *testing.T, p example.Program) {
	t.Helper()
	for line := range strings.Lines(Output(t, p, "")) {
		line = strings.TrimSuffix(line, "\n")
		require.LessOrEqual(t, utf8.RuneCountInString(line), example.Width, "%s", line)
		require.Equal(t, strings.TrimRight(line, " "), line)
	}
}

// A carriage return, a byte order mark, blank lines and a missing end of line come
// from editors, and change nothing but the numbers of lines.
func lineEndings(t *testing.T, p example.Program) {
	t.Helper()
	crlf := "\ufeff" + strings.TrimSuffix(strings.ReplaceAll(p.Story, "\n", "\r\n"), "\r\n")
	require.Equal(t, Output(t, p, ""), Output(t, p, crlf, "-f", "-"))

	var rep struct{ Events []struct{ Line int } }
	require.NoError(t, json.Unmarshal([]byte(Output(t, p, "\n \n"+p.Story, "-json", "-f", "-")), &rep))
	require.Equal(t, 3, rep.Events[0].Line)
}

func help(t *testing.T, p example.Program, words []string) {
	t.Helper()
	text := Output(t, p, "", "-h")
	for _, word := range append([]string{"-f FILE", "-json", "region", "clock", "receive", "sent"}, words...) {
		require.Contains(t, text, word)
	}
	require.NotContains(t, text, "//")

	var log strings.Builder
	for line := range strings.Lines(text) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "{") {
			log.WriteString(text + "\n")
		}
	}
	require.NotEmpty(t, log.String())
	Output(t, p, log.String(), "-f", "-") // the lines of the help are a log
}

// status covers failures that are no line's fault.
func status(t *testing.T, p example.Program) {
	t.Helper()
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
		{name: "unknown flag", args: []string{"-x"}, stderr: p.Name + " -h explains", want: 2},
		{name: "argument without -f", args: []string{"log.jsonl"}, stderr: `unexpected argument "log.jsonl"`, want: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			if tt.stdout == nil {
				tt.stdout = &out
			}
			require.Equal(t, tt.want, p.Command(tt.args, tt.stdin, tt.stdout, &stderr))
			require.Empty(t, out.String())
			require.Contains(t, stderr.String(), tt.stderr)
		})
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Refuse tests that p refuses a log and says what is wrong with it, want: the
// number of a line and an explanation. It must print nothing but that.
func Refuse(t *testing.T, p example.Program, log, want string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	require.Equal(t, 2, p.Command([]string{"-f", "-"}, strings.NewReader(log), &stdout, &stderr))
	require.Equal(t, fmt.Sprintf("%s: standard input:%s\n", p.Name, want), stderr.String())
	require.Empty(t, stdout.String())
}

// Permute calls f with every order of items.
func Permute(items []string, f func([]string)) {
	var swap func(n int)
	swap = func(n int) {
		if n == len(items) {
			f(items)
		}
		for i := n; i < len(items); i++ {
			items[n], items[i] = items[i], items[n]
			swap(n + 1)
			items[n], items[i] = items[i], items[n]
		}
	}
	swap(0)
}
