package example

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/vclock"
)

// MaxLine is the longest line of a log, in bytes.
const MaxLine = 1 << 20

// An Event is what all lines of a log have, and lines with "receive".
type Event struct {
	Line   int
	Region vclock.Replica
	Clock  time.Time // what the region's own clock showed

	Receive vclock.Replica // whose state arrived, if that is what happened
	Sent    int            // for Receive: the line after which the sender's state was taken
}

// A LineError is what is wrong with one line of a log.
type LineError struct {
	Name string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Name, e.Line, e.Err) }

// Unwrap returns e.Err.
func (e *LineError) Unwrap() error { return e.Err }

// ReadLog reads a log, one JSON object per line, and calls add for each, with the
// one of its members that is named in actions. The name is that of its file, for
// errors. The error is a *[LineError] if the log is wrong or add says so.
func ReadLog(name string, r io.Reader, actions []string, add func(Event, Member) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, MaxLine)
	empty, n := true, 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		if n == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if len(text) == 0 {
			continue
		}
		empty = false
		e, action, err := parseLine(n, text, actions)
		if err == nil {
			err = add(e, action)
		}
		if err != nil {
			return &LineError{name, n, err}
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return &LineError{name, n + 1, fmt.Errorf("the line is longer than %d bytes", MaxLine)}
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case empty:
		return &LineError{name, max(n, 1), errors.New("the log ends without an event")}
	}
	return nil
}

// parseLine reads the event on line n, and the member that says what happened.
func parseLine(n int, text []byte, actions []string) (Event, Member, error) {
	if !utf8.Valid(text) {
		return Event{}, Member{}, errors.New("the line is not valid UTF-8")
	}
	members, err := Members(text)
	if err != nil {
		return Event{}, Member{}, err
	}
	e := Event{Line: n}
	var (
		action Member
		what   []string
	)
	for _, m := range members {
		known := slices.Contains(actions, m.Name)
		if known {
			action = m
			what = append(what, m.Name)
		}
		switch m.Name {
		case "region":
			e.Region, err = m.Region()
		case "clock":
			e.Clock, err = m.Time()
		case "receive":
			e.Receive, err = m.Region()
		case "sent":
			err = m.Decode(&e.Sent, "the number of a line")
		default:
			if !known {
				list := strings.Replace(or(actions), "receive", "receive (with sent)", 1)
				err = fmt.Errorf("unknown member %q: a line has region, clock, and one of %s", m.Name, list)
			}
		}
		if err != nil {
			return Event{}, Member{}, err
		}
	}
	return e, action, e.complete(members, what, actions)
}

// complete checks that e has what a line must have, and takes receive without
// sent for the state that the sender has now. What happens, by name, is in what.
func (e *Event) complete(members []Member, what, actions []string) error {
	has := func(name string) bool {
		return slices.ContainsFunc(members, func(m Member) bool { return m.Name == name })
	}
	switch {
	case !has("region"):
		return errors.New(`"region" is missing: where it happened`)
	case !has("clock"):
		return errors.New(`"clock" is missing: what the region's clock showed`)
	case len(what) == 0:
		var quoted []string
		for _, a := range actions {
			quoted = append(quoted, `"`+a+`"`)
		}
		return fmt.Errorf("nothing happens: one of %s is needed", or(quoted))
	case len(what) > 1:
		return fmt.Errorf("%s on one line: an event is one of them", strings.Join(what, " and "))
	case has("sent") && e.Receive == "":
		return errors.New(`"sent" goes with "receive" only`)
	case has("sent") && e.Sent < 1:
		return fmt.Errorf(`"sent" is %d, but lines count from 1`, e.Sent)
	case e.Receive != "" && !has("sent"):
		e.Sent = e.Line
	}
	return nil
}

// or lists words as a choice: a, b or c.
func or(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// A History knows of each region the line since which it holds something, or 0.
type History map[vclock.Replica]int

// Add adds e, after which its region holds something if holds is set. It returns
// an error if e receives what no line before it tells of.
func (h History) Add(e Event, holds bool) error {
	first, known := h[e.Receive]
	switch {
	case e.Receive == "":
	case e.Receive == e.Region:
		return fmt.Errorf("%s receives from itself", e.Region)
	case e.Sent > e.Line:
		return fmt.Errorf("received on line %d, but sent after line %d", e.Line, e.Sent)
	case !known:
		return fmt.Errorf("%s receives from %q, of which no line before this one tells (regions so far: %v)",
			e.Region, e.Receive, slices.Sorted(maps.Keys(h)))
	case first == 0 || e.Sent < first:
		return fmt.Errorf("%s receives from %s, which by line %d had neither written nor received anything",
			e.Region, e.Receive, e.Sent)
	}
	since := h[e.Region]
	if since == 0 && holds {
		since = e.Line
	}
	h[e.Region] = since
	return nil
}
