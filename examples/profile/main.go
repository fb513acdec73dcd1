// Profile replays a log of what happened to a user's profile in two or more
// regions, and shows what becomes of each write:
//
//	(a) under last-writer-wins by wall clock, as a team writes it by hand,
//	(b) under last-writer-wins with a hybrid logical clock, packages lww and hlc,
//	(c) merged field by field with the same clock, package merge,
//	(d) and whether the writes were in conflict at all, which package vclock knows.
//
// Usage:
//
//	go run ./examples/profile [-json] [-f FILE]
//
// Without -f it replays a built-in log: the story of an edit that a clock two
// seconds fast undoes, and of two edits to different fields made at one time. With
// -f - it reads standard input. With -json it prints the outcome for programs.
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
	_ "embed"
	"io"
	"os"

	"github.com/rejoin-go/rejoin/internal/example"
)

//go:embed main.go
var source string

//go:embed testdata/tale.jsonl
var tale string

func main() { os.Exit(program().Command(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func program() example.Program {
	return example.Program{
		Name: "profile", Source: source, Story: tale, StoryName: "tale.jsonl",
		Run: func(name string, r io.Reader) (example.Report, error) {
			events, err := parse(name, r)
			if err != nil {
				return nil, err
			}
			return run(events, strategies())
		},
	}
}
