// Profile replays a log of what happened to a user's profile in two or more
// regions, and shows what becomes of each write:
//
//	(a) under last-writer-wins by wall clock, as a team writes it by hand,
//	(b) under last-writer-wins with a hybrid logical clock, packages lww and hlc,
//	(c) and whether the writes were in conflict at all, which package vclock knows.
//
// Usage:
//
//	go run ./examples/profile [-json] [-f FILE]
//
// Without -f it replays a built-in log, the story of an edit that a clock two
// seconds fast undoes. With -f - it reads standard input. With -json it prints
// the outcome for programs.
//
// # The log
//
// A log has one JSON object per line, in the order in which things happened.
// Blank lines are skipped. Each object has these members:
//
//	region   where it happened: 1 to 32 letters, digits, '-', '_' or '.'
//	clock    what that region's own clock showed, such as "2026-03-01T10:00:02.5Z"
//
// and one of these:
//
//	write    an object of the fields that a user set: name, email, phone, street,
//	         city, each a string. The others stay as the region had them.
//	receive  the name of another region: its state arrives here and is merged.
//	step     the clock of this region was set forward or back: "2s", "-1m30s". The
//	         member clock is what it showed before.
//
// What receive brings is all that the other region holds at this line, be it
// written there or received from elsewhere. A message that was under way for
// longer, or that arrives late, twice or out of order, also has
//
//	sent     the number of a line: the state that the other region held after it
//
// The clocks of two regions need not agree. The clock of one region does not go
// back unless a step says so; it may stand still. When the log ends, each region
// receives the last state of every other, in the order of their names.
//
//	{"region": "eu", "clock": "2026-03-01T10:00:00Z", "write": {"city": "Paris"}}
//	{"region": "us", "clock": "2026-03-01T10:00:02.1Z", "receive": "eu"}
//
// A line that is wrong is reported with its number; nothing else is printed, and
// the exit status is 2.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

//go:embed main.go
var source string

//go:embed testdata/tale.jsonl
var tale string

func main() { os.Exit(command(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// command runs the program and returns its exit status: 0, or 1 if input or
// output fails, or 2 if the arguments or the log are wrong.
func command(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("profile", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {}
	file := flags.String("f", "", "")
	asJSON := flags.Bool("json", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage())
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "profile -h explains the arguments and the log")
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "profile: unexpected argument %q: a log is named with -f\n", flags.Arg(0))
		return 2
	}

	events, err := load(*file, stdin)
	if err != nil {
		fmt.Fprintf(stderr, "profile: %v\n", err)
		if _, ok := errors.AsType[*lineError](err); ok {
			return 2
		}
		return 1
	}
	rep, err := run(events, strategies())
	if err == nil && *asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		err = e.Encode(rep)
	} else if err == nil {
		_, err = io.WriteString(stdout, rep.text())
	}
	if err != nil {
		fmt.Fprintf(stderr, "profile: %v\n", err)
		return 1
	}
	return 0
}

// load reads the log of that name: "" is the built-in one, and "-" is stdin.
func load(name string, stdin io.Reader) ([]event, error) {
	switch name {
	case "":
		return parse("tale.jsonl", strings.NewReader(tale))
	case "-":
		return parse("standard input", stdin)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parse(name, bytes.NewReader(data))
}

// usage returns the comment at the top of this file: there is one description.
func usage() string {
	doc, _, _ := strings.Cut(source, "package main")
	var b strings.Builder
	for line := range strings.Lines(doc) {
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), " "))
	}
	return b.String()
}
