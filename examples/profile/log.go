package main

import (
	"bufio"
	"bytes"
	"encoding/json"
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

// maxLine is the longest line of a log, in bytes.
const maxLine = 1 << 20

// An event is one line of a log: what happened in one region.
type event struct {
	Line   int
	Region vclock.Replica
	Clock  time.Time // what the region's own clock showed

	// One of these is set.
	Write   edits
	Receive vclock.Replica
	Step    time.Duration

	Sent int // for Receive: the line after which the sender's state was taken
}

// An edit is one field of a write.
type edit struct {
	Field field
	Value string
}

// edits are the fields of one write, in the order of [fields].
type edits []edit

// MarshalJSON implements [json.Marshaler]: edits are an object, as in a log.
func (es edits) MarshalJSON() ([]byte, error) {
	m := make(map[field]string, len(es))
	for _, e := range es {
		m[e.Field] = e.Value
	}
	return json.Marshal(m)
}

// A lineError is what is wrong with one line of a log.
type lineError struct {
	name string
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.name, e.line, e.err) }

func (e *lineError) Unwrap() error { return e.err }

// parse reads a log. The name is that of its file, for errors. The events it
// returns can be replayed: clocks do not go back unless they are stepped, and
// nothing is received that was not sent.
func parse(name string, r io.Reader) ([]event, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var (
		events []event
		known  = make(history)
		n      int
	)
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		if n == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if len(text) == 0 {
			continue
		}
		e, err := parseLine(text)
		if err == nil {
			e.Line = n
			if e.Receive != "" && e.Sent == 0 {
				e.Sent = n
			}
			err = known.add(e)
		}
		if err != nil {
			return nil, &lineError{name, n, err}
		}
		events = append(events, e)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, &lineError{name, n + 1, fmt.Errorf("the line is longer than %d bytes", maxLine)}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(events) == 0:
		return nil, &lineError{name, max(n, 1), errors.New("the log ends without an event")}
	}
	return events, nil
}

// parseLine reads the event on one line. It goes by tokens, because decoding
// into a struct takes the last of two equal members and ignores their case.
func parseLine(text []byte) (event, error) {
	if !utf8.Valid(text) {
		return event{}, errors.New("the line is not valid UTF-8")
	}
	var (
		e    event
		what []string // members that say what happened
	)
	members, err := object(text)
	if err != nil {
		return event{}, err
	}
	for _, m := range members {
		switch m.name {
		case "region":
			e.Region, err = parseRegion(m)
		case "clock":
			e.Clock, err = parseClock(m)
		case "write":
			e.Write, err = parseEdits(m)
		case "receive":
			e.Receive, err = parseRegion(m)
		case "sent":
			err = m.decode(&e.Sent, "the number of a line")
		case "step":
			e.Step, err = parseStep(m)
		default:
			err = fmt.Errorf("unknown member %q: a line has region, clock, and one of write, receive (with sent) or step", m.name)
		}
		if err != nil {
			return event{}, err
		}
		if m.name == "write" || m.name == "receive" || m.name == "step" {
			what = append(what, m.name)
		}
	}
	has := func(name string) bool {
		return slices.ContainsFunc(members, func(m member) bool { return m.name == name })
	}
	switch {
	case !has("region"):
		return event{}, errors.New(`"region" is missing: where it happened`)
	case !has("clock"):
		return event{}, errors.New(`"clock" is missing: what the region's clock showed`)
	case len(what) == 0:
		return event{}, errors.New(`nothing happens: one of "write", "receive" or "step" is needed`)
	case len(what) > 1:
		return event{}, fmt.Errorf("%s on one line: an event is one of them", strings.Join(what, " and "))
	case has("sent") && e.Receive == "":
		return event{}, errors.New(`"sent" goes with "receive" only`)
	case has("sent") && e.Sent < 1:
		return event{}, fmt.Errorf(`"sent" is %d, but lines count from 1`, e.Sent)
	}
	return e, nil
}

// A member is one member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// decode decodes the value of m into v; want says what should have been there.
func (m member) decode(v any, want string) error {
	if string(m.value) == "null" || json.Unmarshal(m.value, v) != nil {
		return fmt.Errorf("%q is %s, want %s", m.name, short(string(m.value), 40), want)
	}
	return nil
}

// object returns the members of the one JSON object in text, in their order. No
// two have the same name.
func object(text []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil {
		return nil, syntax(err)
	} else if t != json.Delim('{') {
		return nil, fmt.Errorf("want a JSON object, have %s", short(string(text), 40))
	}
	var members []member
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, syntax(err)
		}
		m := member{name: t.(string)} // the decoder refuses other keys
		if seen[m.name] {
			return nil, fmt.Errorf("%q appears twice", m.name)
		}
		seen[m.name] = true
		if err := d.Decode(&m.value); err != nil {
			return nil, syntax(err)
		}
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, syntax(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object: a line holds one")
	}
	return members, nil
}

func syntax(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON object ends too soon")
	}
	return fmt.Errorf("not JSON: %w", err)
}

func parseRegion(m member) (vclock.Replica, error) {
	const want = "the name of a region: 1 to 32 letters, digits, '-', '_' or '.'"
	var name string
	if err := m.decode(&name, want); err != nil {
		return "", err
	}
	letter := func(r rune) bool {
		return r < utf8.RuneSelf && (r == '-' || r == '_' || r == '.' ||
			'0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z')
	}
	if len(name) < 1 || len(name) > 32 || strings.ContainsFunc(name, func(r rune) bool { return !letter(r) }) {
		return "", fmt.Errorf("%q is %s, want %s", m.name, short(string(m.value), 40), want)
	}
	return vclock.Replica(name), nil
}

func parseClock(m member) (time.Time, error) {
	const want = `a time such as "2026-03-01T10:00:02.5Z", from 1970 to 2261`
	var text string
	if err := m.decode(&text, want); err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.UTC().Year() < 1970 || t.UTC().Year() > 2261 {
		return time.Time{}, fmt.Errorf("%q is %s, want %s", m.name, short(string(m.value), 40), want)
	}
	return t.UTC(), nil
}

func parseStep(m member) (time.Duration, error) {
	const want = `how far the clock was set forward, such as "2s", or back, such as "-1m30s"`
	var text string
	if err := m.decode(&text, want); err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(text)
	if err != nil || d == 0 {
		return 0, fmt.Errorf("%q is %s, want %s", m.name, short(string(m.value), 40), want)
	}
	return d, nil
}

// parseEdits reads what a write sets, and puts it in the order of [fields].
func parseEdits(m member) (edits, error) {
	members, err := object(m.value)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", m.name, err)
	}
	var es edits
	for _, f := range members {
		e := edit{Field: field(f.name)}
		if !slices.Contains(fields(), e.Field) {
			return nil, fmt.Errorf("a profile has no field %q; its fields are %v", short(f.name, 40), fields())
		}
		if err := f.decode(&e.Value, "a string"); err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	if len(es) == 0 {
		return nil, errors.New(`"write" is empty, want at least one field`)
	}
	slices.SortFunc(es, func(a, b edit) int {
		return slices.Index(fields(), a.Field) - slices.Index(fields(), b.Field)
	})
	return es, nil
}

// A history knows of each region what the rest of the log must agree with.
type history map[vclock.Replica]*past

type past struct {
	line  int       // of its last event
	clock time.Time // what its clock showed then, or was set to
	first int       // line since which it holds something, or 0
}

// add checks e against the lines before it.
func (h history) add(e event) error {
	p := h[e.Region]
	if p == nil {
		p = new(past)
	} else if e.Clock.Before(p.clock) {
		return fmt.Errorf("the clock of %s shows %s, but on line %d it was at %s already: a clock that is set back needs a line with \"step\"",
			e.Region, e.Clock.Format(time.RFC3339Nano), p.line, p.clock.Format(time.RFC3339Nano))
	}
	switch {
	case e.Receive == "":
	case e.Receive == e.Region:
		return fmt.Errorf("%s receives from itself", e.Region)
	case e.Sent > e.Line:
		return fmt.Errorf("received on line %d, but sent after line %d", e.Line, e.Sent)
	case h[e.Receive] == nil:
		return fmt.Errorf("%s receives from %q, of which no line before this one tells (regions so far: %v)",
			e.Region, e.Receive, slices.Sorted(maps.Keys(h)))
	case h[e.Receive].first == 0 || e.Sent < h[e.Receive].first:
		return fmt.Errorf("%s receives from %s, which by line %d had neither written nor received anything",
			e.Region, e.Receive, e.Sent)
	}
	p.line, p.clock = e.Line, e.Clock.Add(e.Step)
	if p.first == 0 && e.Step == 0 {
		p.first = e.Line
	}
	h[e.Region] = p
	return nil
}

// short cuts s to at most n runes.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
