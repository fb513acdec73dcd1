package hlc

import (
	"cmp"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A Timestamp is a reading of a hybrid logical clock: nanoseconds since the
// Unix epoch, of which a [Clock] uses the low 16 bits as a counter that orders
// the events within one physical tick of 65.536 µs. A counter that overflows
// carries into the physical part, which keeps the order and costs accuracy.
//
// Valid timestamps run from 0 to [Max], whatever their low bits, so [At] keeps
// each nanosecond of a time that comes from elsewhere, and a BIGINT holds them
// all. The order is that of the integers, and == agrees with
// [Timestamp.Compare]: a Timestamp may be a map key. The zero Timestamp is the
// Unix epoch and means "never"; a Clock does not issue it.
//
// A Timestamp is immutable. Its methods may be called concurrently, but for
// Unmarshal… and Scan, which write to their receiver; on an error they leave it
// unchanged.
type Timestamp uint64

// Max is the largest valid [Timestamp], 2262-04-11T23:47:16.854775807Z.
const Max Timestamp = 1<<63 - 1

// logicalBits is the width of the counter in a timestamp that a Clock issues
// (section 6.2 of the paper has 48 bits of physical time and 16 of counter).
const logicalBits = 16

// layout is the form of the text.
const layout = "2006-01-02T15:04:05.000000000Z"

// At returns the timestamp of t to the nanosecond. A t before 1970 gives 0, and
// a t beyond [Max] gives Max.
func At(t time.Time) Timestamp {
	const nano = Timestamp(time.Second)
	sec := t.Unix()
	switch {
	case sec < 0:
		return 0
	case sec > int64(Max/nano):
		return Max
	}
	return min(Timestamp(sec)*nano+Timestamp(t.Nanosecond()), Max)
}

// Time returns t as a time in UTC, with the counter as nanoseconds.
func (t Timestamp) Time() time.Time {
	const nano = Timestamp(time.Second)
	return time.Unix(int64(t/nano), int64(t%nano)).UTC()
}

// Logical returns the low 16 bits of t. They count events if a [Clock] issued
// t, and are nanoseconds like the rest if t comes from [At].
func (t Timestamp) Logical() uint16 { return uint16(t & (1<<logicalBits - 1)) }

// Compare returns -1 if t is before u, +1 if t is after u, and 0 if t == u.
func (t Timestamp) Compare(u Timestamp) int { return cmp.Compare(t, u) }

// Before reports whether t is before u.
func (t Timestamp) Before(u Timestamp) bool { return t < u }

// After reports whether t is after u.
func (t Timestamp) After(u Timestamp) bool { return t > u }

// IsZero reports whether t is the zero Timestamp, "never".
func (t Timestamp) IsZero() bool { return t == 0 }

// String returns t in RFC 3339 form, in UTC, with nine fractional digits,
// without loss: 2026-11-23T12:08:55.123456789Z. It always has 30 bytes, so
// texts sort as timestamps do.
func (t Timestamp) String() string {
	var b [len(layout)]byte
	return string(t.appendText(b[:0]))
}

// appendText appends the form of String. Package time formats and parses RFC 3339
// without a fixed fraction three times as fast as it does layout.
func (t Timestamp) appendText(b []byte) []byte {
	b = t.Time().AppendFormat(b, time.RFC3339)
	b = append(b[:len(b)-len("Z")], ".000000000Z"...)
	nano := t % Timestamp(time.Second)
	for i := len(b) - len("0Z"); nano > 0; i-- {
		b[i] = byte('0' + nano%10)
		nano /= 10
	}
	return b
}

// Parse returns the timestamp whose [Timestamp.String] is s, and an error for
// every other string: an offset in place of Z, fewer digits, a leap second, a
// time outside 1970 to [Max].
func Parse(s string) (Timestamp, error) {
	u, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, fmt.Errorf("hlc: parse %s: not of the form %s", quote(s), layout)
	}
	t := At(u)
	if !t.Time().Equal(u) {
		return 0, fmt.Errorf("hlc: parse %s: outside %v to %v", quote(s), Timestamp(0), Max)
	}
	var b [len(layout)]byte
	if string(t.appendText(b[:0])) != s {
		return 0, fmt.Errorf("hlc: parse %s: not of the form %s", quote(s), layout)
	}
	return t, nil
}

// quote quotes s for an error, cut to a length that a log line stands.
func quote(s string) string {
	const limit = 64
	if len(s) <= limit {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:limit]) + "… (" + strconv.Itoa(len(s)) + " bytes)"
}

// AppendText implements [encoding.TextAppender] by [Timestamp.String]. It
// returns an error if t is above [Max].
func (t Timestamp) AppendText(b []byte) ([]byte, error) {
	if t > Max {
		return b, aboveMax("encode", uint64(t))
	}
	return t.appendText(b), nil
}

// MarshalText implements [encoding.TextMarshaler]: see [Timestamp.AppendText].
// In JSON a Timestamp is a string, and may be a key.
func (t Timestamp) MarshalText() ([]byte, error) {
	return t.AppendText(make([]byte, 0, len(layout)))
}

// UnmarshalText implements [encoding.TextUnmarshaler]: see [Parse].
func (t *Timestamp) UnmarshalText(text []byte) error {
	u, err := Parse(string(text))
	if err != nil {
		return wire.Damaged(err)
	}
	*t = u
	return nil
}

// AppendBinary implements [encoding.BinaryAppender]: 8 bytes, big-endian, which
// sort as timestamps do. It returns an error if t is above [Max].
func (t Timestamp) AppendBinary(b []byte) ([]byte, error) {
	if t > Max {
		return b, aboveMax("encode", uint64(t))
	}
	return binary.BigEndian.AppendUint64(b, uint64(t)), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]: see
// [Timestamp.AppendBinary].
func (t Timestamp) MarshalBinary() ([]byte, error) {
	return t.AppendBinary(make([]byte, 0, 8))
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler] up to [Max].
func (t *Timestamp) UnmarshalBinary(data []byte) error {
	if len(data) != 8 {
		return wire.Damaged(fmt.Errorf("hlc: decode Timestamp: %d bytes, want 8", len(data)))
	}
	u := Timestamp(binary.BigEndian.Uint64(data))
	if u > Max {
		return wire.Damaged(aboveMax("decode", uint64(u)))
	}
	*t = u
	return nil
}

// Value implements [driver.Valuer] by an int64, with an error if t is above
// [Max].
func (t Timestamp) Value() (driver.Value, error) {
	if t > Max {
		return nil, aboveMax("encode", uint64(t))
	}
	return int64(t), nil
}

// Scan implements [database/sql.Scanner] for integers from 0 to [Max], as
// int64, as uint64, or in decimal digits, as drivers with a textual protocol
// have them. All else is an error: NULL, which takes a [database/sql.Null], and
// times, as a column of these drops digits.
func (t *Timestamp) Scan(src any) error {
	if wire.IsNull(src) {
		return errors.New("hlc: scan Timestamp: NULL; a nullable column takes sql.Null[hlc.Timestamp]")
	}
	var n uint64
	var err error
	switch v := src.(type) {
	case int64:
		if v < 0 {
			return fmt.Errorf("hlc: scan Timestamp: %d is negative", v)
		}
		n = uint64(v)
	case uint64:
		n = v
	case []byte:
		n, err = parseDigits(string(v))
	case string:
		n, err = parseDigits(v)
	default:
		return fmt.Errorf("hlc: scan Timestamp: %T is none of int64, uint64 and text", src)
	}
	switch {
	case err != nil:
		return fmt.Errorf("hlc: scan Timestamp: %w", err)
	case n > uint64(Max):
		return aboveMax("scan", n)
	}
	*t = Timestamp(n)
	return nil
}

func parseDigits(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not an integer from 0 to %d", quote(s), uint64(Max))
	}
	return n, nil
}

func aboveMax(op string, n uint64) error {
	return fmt.Errorf("hlc: %s Timestamp: %d is above the maximum %d", op, n, uint64(Max))
}
