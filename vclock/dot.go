package vclock

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/rejoin-go/rejoin/internal/quote"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// A Dot names one event: the Seq-th of its replica, or, where numbers are
// times, that at the time Seq. The zero Dot names none. Every other needs a
// valid replica and a Seq of at least 1 to be encoded. A Dot is immutable and
// comparable: it may be a map key, and == agrees with [Dot.Compare].
type Dot struct {
	Replica Replica
	Seq     uint64
}

// Compare returns -1, 0 or +1, by name, then number: total, and not causality.
func (d Dot) Compare(e Dot) int {
	return cmp.Or(cmp.Compare(d.Replica, e.Replica), cmp.Compare(d.Seq, e.Seq))
}

// IsZero reports whether d is the zero Dot.
func (d Dot) IsZero() bool { return d == Dot{} }

// IsValid reports whether the replica is valid and the number is not 0.
func (d Dot) IsValid() bool { return d.Seq != 0 && d.Replica.IsValid() }

// String returns the form "eu:4" that [ParseDot] reads, or "" for the zero Dot.
func (d Dot) String() string {
	if d.IsZero() {
		return ""
	}
	return string(d.appendText(nil))
}

func (d Dot) appendText(b []byte) []byte {
	b = quote.Append(b, string(d.Replica))
	return strconv.AppendUint(append(b, ':'), d.Seq, 10)
}

// AppendText implements [encoding.TextAppender], also for JSON: it appends what
// [Dot.String] returns, or returns an error if d is neither valid nor zero.
func (d Dot) AppendText(b []byte) ([]byte, error) {
	switch {
	case d.IsZero():
		return b, nil
	case !d.IsValid():
		return b, fmt.Errorf("vclock: %w", errInvalidDot(d))
	}
	return d.appendText(b), nil
}

// MarshalText implements [encoding.TextMarshaler]: see [Dot.AppendText].
func (d Dot) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler]; "" is the zero Dot.
func (d *Dot) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Dot{}
		return nil
	}
	e, err := ParseDot(string(text))
	if err != nil {
		return wire.Damaged(err)
	}
	*d = e
	return nil
}

// ParseDot reads the one form of a valid dot, that of [Dot.String].
func ParseDot(s string) (Dot, error) {
	d, rest, err := cutDot(s)
	if err == nil && rest != "" {
		err = fmt.Errorf("unexpected %.64q", rest)
	}
	if err != nil {
		return Dot{}, fmt.Errorf("vclock: parse dot %.64q: %w", s, err)
	}
	return d, nil
}

// cutDot reads a dot from the front of s and returns it with what follows.
func cutDot(s string) (d Dot, rest string, err error) {
	name, rest, err := quote.Cut(s)
	if err != nil {
		return Dot{}, s, err
	}
	d.Replica = Replica(name)
	if !d.Replica.IsValid() {
		return Dot{}, s, fmt.Errorf("invalid replica %.64q", name)
	}
	if rest == "" || rest[0] != ':' {
		return Dot{}, s, fmt.Errorf("no colon after replica %.64q", name)
	}
	digits := rest[1:]
	end := 0
	for end < len(digits) && '0' <= digits[end] && digits[end] <= '9' {
		end++
	}
	d.Seq, err = parseSeq(digits[:end])
	if err != nil {
		return Dot{}, s, fmt.Errorf("replica %.64q: %w", name, err)
	}
	return d, digits[end:], nil
}

// parseSeq reads a number of at least 1 in decimal without sign or leading
// zeros.
func parseSeq(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("number %.64q exceeds 64 bits", s)
	case err != nil, s[0] < '1' || s[0] > '9':
		return 0, fmt.Errorf("number %.64q is not a decimal of at least 1 without leading zeros", s)
	}
	return n, nil
}

// AppendBinary implements [encoding.BinaryAppender]. It returns an error if d
// is invalid, but for the zero Dot, which is nine zero bytes.
func (d Dot) AppendBinary(b []byte) ([]byte, error) {
	if !d.IsZero() && !d.IsValid() {
		return b, fmt.Errorf("vclock: %w", errInvalidDot(d))
	}
	b = binary.BigEndian.AppendUint64(b, d.Seq)
	b = append(b, byte(len(d.Replica)))
	return append(b, d.Replica...), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]: see [Dot.AppendBinary].
func (d Dot) MarshalBinary() ([]byte, error) { return d.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (d *Dot) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	e := readDot(r)
	if err := r.Close(); err != nil {
		return fmt.Errorf("vclock: decode Dot: %w", wire.Damaged(err))
	}
	*d = e
	return nil
}

// readDot reads what [Dot.AppendBinary] wrote.
func readDot(r *wire.Reader) Dot {
	var d Dot
	d.Seq = r.Uint64()
	d.Replica = Replica(r.Take(int(r.Byte())))
	if !d.IsZero() && !d.IsValid() {
		r.Fail("%w", errInvalidDot(d))
	}
	return d
}

func errInvalidDot(d Dot) error {
	return fmt.Errorf("invalid dot of replica %q and number %d", string(d.Replica), d.Seq)
}
