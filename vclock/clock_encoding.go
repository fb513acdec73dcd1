package vclock

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

func (c Clock) appendText(b []byte) []byte {
	for start := len(b); !c.IsZero(); {
		if len(b) > start {
			b = append(b, ',')
		}
		r, n := cutEntry(&c)
		b = Dot{r, n}.appendText(b)
	}
	return b
}

// Parse reads the form of [Clock.String] and refuses every other: names ascend,
// each of them once, and numbers begin at 1, without leading zeros.
func Parse(s string) (Clock, error) {
	c, err := parseClock(s)
	if err != nil {
		return Clock{}, fmt.Errorf("vclock: parse clock %.64q: %w", s, err)
	}
	return c, nil
}

func parseClock(s string) (Clock, error) {
	if s == "" {
		return Clock{}, nil
	}
	var b builder
	for rest, last := s, Replica(""); ; {
		at := len(s) - len(rest)
		d, tail, err := cutDot(rest)
		switch {
		case err != nil:
			return Clock{}, fmt.Errorf("offset %d: %w", at, err)
		case d.Replica <= last:
			return Clock{}, fmt.Errorf("offset %d: replica %q is out of order", at, string(d.Replica))
		}
		b.push(d.Replica, d.Seq)
		if tail == "" {
			return b.clock(), nil
		}
		if tail[0] != ',' {
			return Clock{}, fmt.Errorf("offset %d: no comma after replica %.64q", len(s)-len(tail), string(d.Replica))
		}
		rest, last = tail[1:], d.Replica
	}
}

// AppendText implements [encoding.TextAppender] by [Clock.String], without
// errors.
func (c Clock) AppendText(b []byte) ([]byte, error) { return c.appendText(b), nil }

// MarshalText implements [encoding.TextMarshaler].
func (c Clock) MarshalText() ([]byte, error) { return c.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler]: see [Parse].
func (c *Clock) UnmarshalText(text []byte) error {
	d, err := Parse(string(text))
	if err != nil {
		return wire.Damaged(err)
	}
	*c = d
	return nil
}

const clockVersion = 1

// AppendBinary implements [encoding.BinaryAppender].
func (c Clock) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, clockVersion)
	b = binary.AppendUvarint(b, uint64(len(c.seqs)))
	b = append(b, c.names...)
	for _, n := range c.seqs {
		b = binary.AppendUvarint(b, n)
	}
	return b, nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (c Clock) MarshalBinary() ([]byte, error) {
	var bits uint64
	for _, n := range c.seqs {
		bits |= n
	}
	size := 1 + wire.UvarintLen(uint64(len(c.seqs))) + len(c.names) + len(c.seqs)*wire.UvarintLen(bits)
	return c.AppendBinary(make([]byte, 0, size))
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. If the names are
// those of c, it does not allocate them.
func (c *Clock) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(clockVersion)
	d := readClock(r, *c)
	if err := r.Close(); err != nil {
		return fmt.Errorf("vclock: decode Clock: %w", wire.Damaged(err))
	}
	*c = d
	return nil
}

// readClock reads what follows the version byte of a clock's encoding. Names that are those
// of known, in whole, are not copied.
func readClock(r *wire.Reader, known Clock) Clock {
	const leastEntry = 3 // a length, a name of one byte, a number
	n := r.Count(leastEntry)
	if n == 0 {
		return Clock{}
	}
	c := Clock{names: readNames(r, n, known.names)}
	if r.Err() == nil {
		c.seqs = make([]uint64, n)
	}
	for i := range c.seqs {
		c.seqs[i] = readSeq(r)
	}
	return c
}

// readNames reads n lengths and names in ascending order, n being at least 1.
func readNames(r *wire.Reader, n int, known string) string {
	ahead := *r
	data := ahead.Take(ahead.Len())
	var last []byte
	lengths, end := byte(0), 0
	for range n {
		if end == len(data) || end+1+int(data[end]) > len(data) {
			r.Take(len(data) + 1) // fails: there is less than that
			return ""
		}
		lengths |= data[end]
		name := data[end+1 : end+1+int(data[end])]
		if bytes.Compare(name, last) <= 0 {
			r.Take(end)
			r.Fail("replica %q is empty or out of order", name)
			return ""
		}
		last, end = name, end+1+len(name)
	}
	p := r.Take(end)
	if string(p) == known {
		return known
	}
	names := string(p)
	// Below utf8.RuneSelf, a byte of length is a character of its own, so that
	// the names are valid if the whole is.
	if lengths >= utf8.RuneSelf || !utf8.ValidString(names) {
		checkNames(r, names)
	}
	return names
}

func checkNames(r *wire.Reader, names string) {
	for names != "" {
		var name Replica
		if name, names = cutName(names); !name.IsValid() {
			r.Fail("invalid replica %q", string(name))
		}
	}
}

// readSeq reads a number of at least 1.
func readSeq(r *wire.Reader) uint64 {
	n := r.Uvarint()
	if n == 0 {
		r.Fail("number is 0")
	}
	return n
}

// MarshalJSON implements [json.Marshaler]: {"eu":"4","us":"7"}. Numbers are
// strings, since JavaScript holds integers up to 2⁵³ only.
func (c Clock) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for r, n := range c.All() {
		b = appendMember(b, r)
		b = append(b, '"')
		b = strconv.AppendUint(b, n, 10)
		b = append(b, '"')
	}
	return append(b, '}'), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *Clock) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	entries := map[Replica]uint64{}
	err := decodeObject(data, func(r Replica, value []byte) error {
		text, err := decodeString(value)
		if err != nil {
			return err
		}
		entries[r], err = parseSeq(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("vclock: decode Clock: %w", wire.Damaged(err))
	}
	*c = Collect(maps.All(entries))
	return nil
}

// appendMember appends the name of the next member of an object.
func appendMember(b []byte, r Replica) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	name, err := json.Marshal(string(r))
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return append(append(b, name...), ':')
}

// decodeObject calls member for each member of the JSON object in data. It
// refuses names that are not valid replicas or appear twice.
func decodeObject(data []byte, member func(r Replica, text []byte) error) error {
	if !utf8.Valid(data) {
		return errors.New("invalid UTF-8")
	}
	return value.DecodeObject(data, func(name string, text []byte) error {
		if r := Replica(name); r.IsValid() {
			return member(r, text)
		}
		return errors.New("invalid replica")
	})
}

// fields are pointers to what the members of a JSON object are decoded into, by
// name, with "?" behind that of a member that may be missing.
type fields map[string]any

// decodeFields decodes a JSON object that has each of the given members once, if it
// must not be missing, and no other. Only a [json.RawMessage] may be null.
func decodeFields(data []byte, into fields) error {
	if !utf8.Valid(data) {
		return errors.New("invalid UTF-8")
	}
	found := make(map[string]bool)
	err := value.DecodeObject(data, func(name string, text []byte) error {
		field, ok := into[name]
		if !ok {
			field, ok = into[name+"?"]
		}
		if !ok {
			return errors.New("unknown member")
		}
		if _, ok := field.(*json.RawMessage); !ok && string(text) == "null" {
			return errors.New("null instead of a value")
		}
		found[name] = true
		return json.Unmarshal(text, field)
	})
	for _, name := range slices.Sorted(maps.Keys(into)) {
		if err == nil && !found[name] && !strings.HasSuffix(name, "?") {
			err = fmt.Errorf("member %q is missing", name)
		}
	}
	return err
}

// decodeString returns the string that a JSON value is.
func decodeString(text []byte) (string, error) {
	if string(text) == "null" {
		return "", errors.New("null instead of a string")
	}
	var s string
	err := json.Unmarshal(text, &s)
	return s, err
}

// Value implements [driver.Valuer]: the text of [Clock.String].
func (c Clock) Value() (driver.Value, error) { return c.String(), nil }

// Scan implements [database/sql.Scanner] for text. It refuses NULL: a history
// that is not known is not the empty one.
func (c *Clock) Scan(src any) error {
	if wire.IsNull(src) {
		return errors.New("vclock: scan Clock: NULL; a nullable column takes sql.Null[vclock.Clock]")
	}
	switch src := src.(type) {
	case string:
		return c.UnmarshalText([]byte(src))
	case []byte:
		return c.UnmarshalText(src)
	}
	return fmt.Errorf("vclock: scan Clock: %T is not text", src)
}
