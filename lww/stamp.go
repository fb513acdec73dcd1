package lww

import (
	"cmp"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/quote"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Stamp says when and where a write was made, and orders writes.
//
// The zero Stamp belongs to no write and is before all others. Every other one
// needs a time from 1 to [hlc.Max] and a valid replica to be used or encoded. A
// Stamp is immutable and comparable: it may be a map key, and == agrees with
// [Stamp.Compare].
type Stamp struct {
	Time    hlc.Timestamp
	Replica vclock.Replica
}

// Compare returns -1, 0 or +1, by time, then by replica name: a total order.
func (s Stamp) Compare(t Stamp) int {
	return cmp.Or(cmp.Compare(s.Time, t.Time), cmp.Compare(s.Replica, t.Replica))
}

// Before reports whether s is before t.
func (s Stamp) Before(t Stamp) bool { return s.Compare(t) < 0 }

// After reports whether s is after t.
func (s Stamp) After(t Stamp) bool { return s.Compare(t) > 0 }

// IsZero reports whether s is the zero Stamp.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// IsValid reports whether s can belong to a write.
func (s Stamp) IsValid() bool {
	return s.Time >= 1 && s.Time <= hlc.Max && s.Replica.IsValid()
}

// check returns an error if s is not valid.
func (s Stamp) check() error {
	if !s.IsValid() {
		return fmt.Errorf("invalid stamp of replica %q and time %d", string(s.Replica), uint64(s.Time))
	}
	return nil
}

// String returns the form that [ParseStamp] reads, or "" for the zero Stamp. It
// sorts by time: 2026-11-23T12:08:55.123456789Z@us.
func (s Stamp) String() string {
	if s.IsZero() {
		return ""
	}
	return string(quote.Append([]byte(s.Time.String()+"@"), string(s.Replica)))
}

// AppendText implements [encoding.TextAppender], also for JSON: it appends what
// [Stamp.String] returns, and fails if s is neither valid nor zero.
func (s Stamp) AppendText(b []byte) ([]byte, error) {
	if s.IsZero() {
		return b, nil
	}
	if err := s.check(); err != nil {
		return b, fmt.Errorf("lww: encode Stamp: %w", err)
	}
	b, err := s.Time.AppendText(b)
	return quote.Append(append(b, '@'), string(s.Replica)), err
}

// MarshalText implements [encoding.TextMarshaler]: see [Stamp.AppendText].
func (s Stamp) MarshalText() ([]byte, error) { return s.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler]; "" is the zero Stamp.
func (s *Stamp) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Stamp{}
		return nil
	}
	t, err := ParseStamp(string(text))
	if err != nil {
		return wire.Damaged(err)
	}
	*s = t
	return nil
}

// ParseStamp reads the one form of a stamp that [Stamp.String] returns: the
// time as in [hlc.Timestamp.String], the character @, the replica. A name with
// a space, a control character or one of " \ , : @ is quoted.
func ParseStamp(s string) (Stamp, error) {
	t, err := parseStamp(s)
	if err != nil {
		return Stamp{}, fmt.Errorf("lww: parse stamp %.64q: %w", s, err)
	}
	return t, nil
}

func parseStamp(s string) (Stamp, error) {
	const width = len("2026-11-23T12:08:55.123456789Z")
	if len(s) <= width || s[width] != '@' {
		return Stamp{}, errors.New("not of the form time@replica")
	}
	time, err := hlc.Parse(s[:width])
	if err != nil {
		return Stamp{}, err
	}
	name, rest, err := quote.Cut(s[width+1:])
	if err != nil {
		return Stamp{}, err
	}
	if rest != "" {
		return Stamp{}, fmt.Errorf("unexpected %.64q", rest)
	}
	t := Stamp{Time: time, Replica: vclock.Replica(name)}
	return t, t.check()
}

// AppendBinary implements [encoding.BinaryAppender]. It fails if s is neither
// valid nor zero; the zero Stamp is nine zero bytes.
func (s Stamp) AppendBinary(b []byte) ([]byte, error) {
	if !s.IsZero() {
		if err := s.check(); err != nil {
			return b, fmt.Errorf("lww: encode Stamp: %w", err)
		}
	}
	b = binary.BigEndian.AppendUint64(b, uint64(s.Time))
	b = append(b, byte(len(s.Replica)))
	return append(b, s.Replica...), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]: see
// [Stamp.AppendBinary].
func (s Stamp) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (s *Stamp) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	t := readStamp(r, s.Replica)
	if err := r.Close(); err != nil {
		return fmt.Errorf("lww: decode Stamp: %w", wire.Damaged(err))
	}
	*s = t
	return nil
}

// readStamp reads what [Stamp.AppendBinary] wrote. A name that is old is not copied.
func readStamp(r *wire.Reader, old vclock.Replica) Stamp {
	t := Stamp{Time: hlc.Timestamp(r.Uint64()), Replica: old}
	if name := r.Take(int(r.Byte())); string(name) != string(old) {
		t.Replica = vclock.Replica(name)
	}
	if r.Err() == nil && !t.IsZero() {
		if err := t.check(); err != nil {
			r.Fail("%w", err)
		}
	}
	return t
}

// Value implements [driver.Valuer]: the text of [Stamp.AppendText], or its
// error.
func (s Stamp) Value() (driver.Value, error) {
	text, err := s.AppendText(nil)
	if err != nil {
		return nil, err
	}
	return string(text), nil
}

// Scan implements [database/sql.Scanner] for text. NULL takes a
// [database/sql.Null].
func (s *Stamp) Scan(src any) error {
	if wire.IsNull(src) {
		return errors.New("lww: scan Stamp: NULL; a nullable column takes sql.Null[lww.Stamp]")
	}
	switch v := src.(type) {
	case string:
		return s.UnmarshalText([]byte(v))
	case []byte:
		return s.UnmarshalText(v)
	}
	return fmt.Errorf("lww: scan Stamp: %T is not text", src)
}
