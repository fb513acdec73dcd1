package resolver

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Context says which versions a reader was shown. It comes with a value, goes
// to the client, as text, and comes back with the client's write, perhaps to
// another region, which replaces exactly these versions. It belongs to the key
// that it was read under: a write of another key would replace what nobody was
// shown. Under the zero Context a write replaces nothing and becomes a sibling.
// A Context is immutable, and opaque but for its encodings.
//
// # Hazard
//
// Whoever can make up a context can remove what others wrote, and send a key
// into the future, as a write is stamped after all times in its context. Sign
// contexts, with their key, that go to clients you do not trust, and ask
// [Context.Ahead].
type Context struct {
	epoch uint64       // the highest epoch known where it was read
	of    uint64       // the epoch of the versions there
	past  vclock.Clock // of each replica, everything up to this time
	dot   lww.Stamp    // one more version, not in past; or zero
	found bool         // whether a value was shown
}

// covers reports whether a reader under c was shown the version with stamp s,
// or something that replaced it.
func (c Context) covers(s lww.Stamp) bool { return c.dot == s || contains(c.past, s) }

// isBlind reports whether c covers nothing: its reader was shown nothing.
func (c Context) isBlind() bool { return c.past.IsZero() && c.dot.IsZero() }

// shown reports whether a reader under c is known to have been shown the version
// with stamp s and the given epoch. What a context covers of lower epochs than
// that of the versions it was read with may never have been valid there.
func (c Context) shown(s lww.Stamp, epoch uint64) bool { return c.of == epoch && c.covers(s) }

// contains reports whether the times in past include the stamp s.
func contains(past vclock.Clock, s lww.Stamp) bool { return past.At(s.Replica) >= uint64(s.Time) }

// latest returns the largest time in c.
func (c Context) latest() hlc.Timestamp { return max(latest(c.past), c.dot.Time) }

func latest(past vclock.Clock) hlc.Timestamp {
	t := uint64(0)
	for _, n := range past.All() {
		t = max(t, n)
	}
	return hlc.Timestamp(t)
}

// with returns the context of a reader under c who was also shown s.
func (c Context) with(s lww.Stamp, epoch uint64, found bool) Context {
	return Context{epoch: epoch, of: epoch, past: c.past, dot: s, found: found}
}

// Epoch returns the highest epoch known where c was read.
func (c Context) Epoch() uint64 { return c.epoch }

// Found reports whether there was a value to show.
func (c Context) Found() bool { return c.found }

// Covers reports whether a reader under c was shown all that a reader under d
// was, or what replaced it. It is false of a c that was read in a lower epoch.
func (c Context) Covers(d Context) bool {
	return c.epoch >= d.epoch && c.past.Covers(d.past) && (d.dot.IsZero() || c.covers(d.dot))
}

// Ahead returns an [*AheadError] if a time in c is more than limit after now.
// Ask it of what a client sent: the write under it is stamped after that time.
func (c Context) Ahead(now hlc.Timestamp, limit time.Duration) error {
	return ahead(c.past, c.dot, now, limit)
}

// An AheadError reports a time that is ahead of a clock.
type AheadError struct {
	Stamp lww.Stamp     // the farthest ahead; without a replica if that is not known any more
	Now   hlc.Timestamp // the reading of the clock
}

func (e *AheadError) Error() string {
	return fmt.Sprintf("resolver: time %v of %q is %v ahead of the clock", e.Stamp.Time, string(e.Stamp.Replica), e.Stamp.Time.Time().Sub(e.Now.Time()))
}

// ahead returns an [*AheadError] if a time in past, or that of dot, is more than
// limit after now.
func ahead(past vclock.Clock, dot lww.Stamp, now hlc.Timestamp, limit time.Duration) error {
	worst := dot
	for r, n := range past.All() {
		if t := hlc.Timestamp(n); t > worst.Time {
			worst = lww.Stamp{Time: t, Replica: r}
		}
	}
	if worst.Time > now && worst.Time-now > hlc.Timestamp(max(limit, 0)) {
		return &AheadError{Stamp: worst, Now: now}
	}
	return nil
}

// Equal reports whether c and d say the same.
func (c Context) Equal(d Context) bool {
	return c.epoch == d.epoch && c.of == d.of && c.dot == d.dot && c.found == d.found && c.past.Equal(d.past)
}

const (
	contextVersion = 1

	contextFound = 1 << 0
	contextDot   = 1 << 1
)

// AppendBinary implements [encoding.BinaryAppender].
func (c Context) AppendBinary(b []byte) ([]byte, error) {
	return c.append(append(b, contextVersion)), nil
}

// append appends the encoding without the version.
func (c Context) append(b []byte) []byte {
	flags := byte(0)
	if c.found {
		flags |= contextFound
	}
	if !c.dot.IsZero() {
		flags |= contextDot
	}
	b = binary.AppendUvarint(append(b, flags), c.epoch)
	b = binary.AppendUvarint(b, c.of)
	b = appendClock(b, c.past)
	if !c.dot.IsZero() {
		b = appendStamp(b, c.dot)
	}
	return b
}

func appendClock(b []byte, c vclock.Clock) []byte {
	var scratch [64]byte
	enc, _ := c.AppendBinary(scratch[:0]) // never an error
	return wire.AppendBytes(b, enc)
}

// appendStamp appends the bare form of a valid stamp.
func appendStamp(b []byte, s lww.Stamp) []byte {
	b, _ = s.AppendBinary(b) // an error only for an invalid one
	return b
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (c Context) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (c *Context) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(contextVersion)
	d := readContext(r, c.past)
	if err := r.Close(); err != nil {
		return fmt.Errorf("resolver: decode Context: %w", wire.Damaged(err))
	}
	*c = d
	return nil
}

// readContext reads what append wrote. Names of replicas in known are not copied.
func readContext(r *wire.Reader, known vclock.Clock) Context {
	flags := r.Byte()
	if flags&^(contextFound|contextDot) != 0 {
		r.Fail("unknown flags %#x", flags)
	}
	c := Context{found: flags&contextFound != 0, epoch: r.Uvarint(), of: r.Uvarint(), past: readClock(r, known)}
	if flags&contextDot != 0 {
		c.dot = readStampIn(r, known)
	}
	if r.Err() == nil {
		if err := c.check(); err != nil {
			r.Fail("%w", err)
		}
	}
	return c
}

// check returns an error for what no context can be.
func (c Context) check() error {
	switch {
	case !c.dot.IsZero() && contains(c.past, c.dot):
		return fmt.Errorf("dot %v is in the past", c.dot)
	case c.of > c.epoch:
		return fmt.Errorf("versions of epoch %d were shown in epoch %d", c.of, c.epoch)
	}
	return nil
}

// readClock reads what appendClock wrote, the times of a state. Names that are those of
// known are not copied.
func readClock(r *wire.Reader, known vclock.Clock) vclock.Clock {
	p := r.Bytes()
	if r.Err() != nil {
		return vclock.Clock{}
	}
	c := known // UnmarshalBinary has its names
	err := c.UnmarshalBinary(p)
	if err == nil {
		err = checkClock(c)
	}
	if err != nil {
		r.Fail("%w", err)
	}
	return c
}

func checkClock(c vclock.Clock) error {
	if t := latest(c); t > hlc.Max {
		return fmt.Errorf("time %d is out of range", uint64(t))
	}
	return nil
}

// readStamp reads what [lww.Stamp.AppendBinary] wrote for a valid stamp.
func readStamp(r *wire.Reader) lww.Stamp {
	return readStampIn(r, vclock.Clock{})
}

// readStampIn is readStamp that takes the name of the replica from past, if it is
// there.
func readStampIn(r *wire.Reader, past vclock.Clock) lww.Stamp {
	s := lww.Stamp{Time: hlc.Timestamp(r.Uint64())}
	name := r.Take(int(r.Byte()))
	for known := range past.All() {
		if string(name) == string(known) {
			s.Replica = known
		}
	}
	if s.Replica == "" {
		s.Replica = vclock.Replica(name)
	}
	if r.Err() == nil && !s.IsValid() {
		r.Fail("invalid stamp of replica %q and time %d", string(s.Replica), uint64(s.Time))
	}
	return s
}

// AppendText implements [encoding.TextAppender]: the binary form in unpadded
// URL-safe base64, fit for a header, a cookie or a form field.
func (c Context) AppendText(b []byte) ([]byte, error) {
	enc, _ := c.AppendBinary(nil) // never an error
	return base64.RawURLEncoding.AppendEncode(b, enc), nil
}

// MarshalText implements [encoding.TextMarshaler]. See [Context.AppendText].
func (c Context) MarshalText() ([]byte, error) { return c.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Context) UnmarshalText(text []byte) error {
	enc, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err == nil && base64.RawURLEncoding.EncodedLen(len(enc)) != len(text) {
		err = errors.New("line breaks in base64") // which the decoder skips
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Context: %w", wire.Damaged(err))
	}
	return c.UnmarshalBinary(enc)
}

// String returns the text form of c.
func (c Context) String() string {
	text, _ := c.AppendText(nil) // never an error
	return string(text)
}

// MarshalJSON implements [json.Marshaler]:
//
//	{"epoch":"1","of":"1","past":{"eu":"…","us":"…"},"dot":"2026-11-23T12:08:55.123456789Z@us","found":true}
func (c Context) MarshalJSON() ([]byte, error) {
	o := objectWriter{}
	o.epoch("epoch", c.epoch)
	o.epoch("of", c.of)
	o.clock("past", c.past)
	if !c.dot.IsZero() {
		o.text("dot", c.dot.String())
	}
	if c.found {
		o.raw("found", []byte("true"))
	}
	return o.end(), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *Context) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var d Context
	err := value.DecodeObject(data, func(name string, value []byte) (err error) {
		switch name {
		case "epoch":
			d.epoch, err = decodeEpoch(value)
		case "of":
			d.of, err = decodeEpoch(value)
		case "past":
			d.past, err = decodeClock(value)
		case "dot":
			d.dot, err = decodeStamp(value)
		case "found":
			d.found, err = true, decodeTrue(value)
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Context: %w", wire.Damaged(err))
	}
	*c = d
	return nil
}

// An objectWriter writes a JSON object member by member and leaves out those
// that are zero.
type objectWriter struct{ buf []byte }

func (o *objectWriter) raw(name string, text []byte) {
	separator := byte(',')
	if len(o.buf) == 0 {
		separator = '{'
	}
	o.buf = value.AppendString(append(o.buf, separator), name)
	o.buf = append(append(o.buf, ':'), text...)
}

func (o *objectWriter) text(name, s string) {
	if s != "" {
		o.raw(name, value.AppendString(nil, s))
	}
}

func (o *objectWriter) epoch(name string, n uint64) {
	if n > 0 {
		o.text(name, strconv.FormatUint(n, 10))
	}
}

func (o *objectWriter) clock(name string, c vclock.Clock) {
	if !c.IsZero() {
		enc, _ := c.MarshalJSON() // never an error
		o.raw(name, enc)
	}
}

func (o *objectWriter) end() []byte {
	if len(o.buf) == 0 {
		return []byte("{}")
	}
	return append(o.buf, '}')
}

func decodeEpoch(p []byte) (uint64, error) {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("%.64q is not a positive number in decimal digits", text)
	}
	return n, nil
}

func decodeClock(p []byte) (vclock.Clock, error) {
	var c vclock.Clock
	if err := c.UnmarshalJSON(p); err != nil {
		return c, err
	}
	if c.IsZero() { // it would have been left out; or it is null
		return c, errors.New("no clock")
	}
	return c, checkClock(c)
}

func decodeStamp(p []byte) (lww.Stamp, error) {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return lww.Stamp{}, err
	}
	return lww.ParseStamp(text)
}

func decodeTrue(p []byte) error {
	if string(p) != "true" {
		return errors.New("is not true")
	}
	return nil
}
