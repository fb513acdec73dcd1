package example

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/vclock"
)

// A Member is one member of a JSON object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members returns the members of the one JSON object in text, in their order. No
// two have the same name. It goes by tokens, because decoding into a struct takes
// the last of two equal members and ignores their case.
func Members(text []byte) ([]Member, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil {
		return nil, syntax(err)
	} else if t != json.Delim('{') {
		return nil, fmt.Errorf("want a JSON object, have %s", Short(string(text), 40))
	}
	var members []Member
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, syntax(err)
		}
		m := Member{Name: t.(string)} // the decoder refuses other keys
		if seen[m.Name] {
			return nil, fmt.Errorf("%q appears twice", m.Name)
		}
		seen[m.Name] = true
		if err := d.Decode(&m.Value); err != nil {
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

// Decode decodes the value of m into v; want says what should have been there.
func (m Member) Decode(v any, want string) error {
	if string(m.Value) == "null" || json.Unmarshal(m.Value, v) != nil {
		return m.Wrong(want)
	}
	return nil
}

// Wrong returns an error that says what m is and what it should have been.
func (m Member) Wrong(want string) error {
	return fmt.Errorf("%q is %s, want %s", m.Name, Short(string(m.Value), 40), want)
}

// Region decodes m as the name of a region.
func (m Member) Region() (vclock.Replica, error) {
	name, err := m.ID("the name of a region")
	return vclock.Replica(name), err
}

// ID decodes m as a short name that is safe to print; what says of what.
func (m Member) ID(what string) (string, error) {
	want := what + ": 1 to 32 letters, digits, '-', '_' or '.'"
	var name string
	if err := m.Decode(&name, want); err != nil {
		return "", err
	}
	letter := func(r rune) bool {
		return r < utf8.RuneSelf && (r == '-' || r == '_' || r == '.' ||
			'0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z')
	}
	if len(name) < 1 || len(name) > 32 || strings.ContainsFunc(name, func(r rune) bool { return !letter(r) }) {
		return "", m.Wrong(want)
	}
	return name, nil
}

// Time decodes m as the reading of a clock.
func (m Member) Time() (time.Time, error) {
	const want = `a time such as "2026-03-01T10:00:02.5Z", from 1970 to 2261`
	var text string
	if err := m.Decode(&text, want); err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.UTC().Year() < 1970 || t.UTC().Year() > 2261 {
		return time.Time{}, m.Wrong(want)
	}
	return t.UTC(), nil
}
