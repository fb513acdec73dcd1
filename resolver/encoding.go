package resolver

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

const siblingsVersion = 2

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
// Varints are those of [binary.AppendUvarint].
//
//	field     bytes   count
//	version   1       1         is 2
//	level     varint  1         the highest epoch known
//	epoch     varint  1         the epoch of the versions
//	length    varint  1
//	past      length  1         see [vclock.Clock.AppendBinary]
//	floor     varint  1         minus the largest time in past
//	values    varint  1
//	length    varint  values    of all versions and ancestors, each once, ascending, followed by
//	value     length  values
//	versions  varint  1
//	version   varies  versions  in ascending order
//
// and of each version:
//
//	flags    1       1: deleted; 2: had not seen all of its replica; 4: settles a conflict; 8: has ancestors
//	stamp    varies  see [lww.Stamp.AppendBinary]
//	epoch    varint
//	past     varies  see [Context.AppendBinary], without its version byte
//	count    varint  if it settles a conflict
//	settled  varies  count stamps, in ascending order
//	count    varint  if it has ancestors; of each, in ascending order:
//	length   varint
//	past     length  see [vclock.Clock.AppendBinary]
//	value    varint  0 if there was nothing, else 1 and the place of the value
//	value    varint  the place of the value, unless deleted
func (s *Siblings[T]) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(append(b, siblingsVersion), s.level)
	b = binary.AppendUvarint(b, s.epoch)
	b = appendClock(b, s.past)
	b = binary.AppendUvarint(b, uint64(s.floor-latest(s.past)))
	return appendEntries(b, s.entries), nil
}

// appendEntries appends the values and the versions of entries.
func appendEntries[T any](b []byte, entries []entry[T]) []byte {
	t := tableOf(entries)
	b = binary.AppendUvarint(t.append(b), uint64(len(entries)))
	for i := range entries {
		b = entries[i].appendTo(b, t)
	}
	return b
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [Siblings.AppendBinary].
func (s *Siblings[T]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// ETag returns a name for the state of s, in characters fit for a header: two
// sets of one key are equal if and only if their names are. It is the SHA-256 of
// the binary form in base64.
func (s *Siblings[T]) ETag() string {
	b, _ := s.AppendBinary(nil) // never an error
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [Siblings.AppendBinary] writes, and leaves s unchanged if it returns an
// error.
func (s *Siblings[T]) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(siblingsVersion)
	d := Siblings[T]{level: r.Uvarint(), epoch: r.Uvarint(), past: readClock(r)}
	last := latest(d.past)
	if above := r.Uvarint(); above > uint64(hlc.Max-last) {
		r.Fail("floor is out of range")
	} else {
		d.floor = last + hlc.Timestamp(above)
	}
	d.entries = readEntries[T](r)
	err := r.Close()
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Siblings: %w", wire.Damaged(err))
	}
	*s = d
	return nil
}

// readEntries reads what appendEntries wrote.
func readEntries[T any](r *wire.Reader) []entry[T] {
	const leastVersion = 17 // flags, a stamp, an epoch, a past
	t := newTableReader[T](r)
	var entries []entry[T]
	for range r.Count(leastVersion) {
		e := readEntry(r, t)
		if r.Err() != nil {
			break
		}
		entries = append(entries, e)
	}
	if err := t.check(); err != nil {
		r.Fail("%w", err)
	}
	return entries
}

// check returns an error for what no set can be. It takes time linear in the
// versions, so that hostile input cannot make it take long.
func (s *Siblings[T]) check() error {
	if s.epoch > s.level {
		return fmt.Errorf("versions of epoch %d in a set of epoch %d", s.epoch, s.level)
	}
	var seen vclock.Clock
	dots := map[lww.Stamp]bool{}
	for i := range s.entries {
		e := &s.entries[i]
		switch {
		case i > 0 && s.entries[i-1].compare(e) >= 0:
			return fmt.Errorf("version %v is out of order", e.Stamp)
		case e.Epoch != s.epoch:
			return fmt.Errorf("version %v is not of epoch %d", e.Stamp, s.epoch)
		case e.Past.epoch > e.Epoch:
			return fmt.Errorf("version %v of epoch %d has seen epoch %d", e.Stamp, e.Epoch, e.Past.epoch)
		case !contains(s.past, e.Stamp):
			return fmt.Errorf("version %v is not in the past of the set", e.Stamp)
		case slices.ContainsFunc(e.ancestors, func(a ancestor[T]) bool { return !s.past.Covers(a.past) }):
			return fmt.Errorf("version %v has an ancestor that is not in the past of the set", e.Stamp)
		case e.Past.of < s.epoch:
			continue // what was seen in lower epochs says nothing of this one
		case !e.Past.dot.IsZero() && !contains(s.past, e.Past.dot):
			return fmt.Errorf("version %v has seen %v, which the set has not", e.Stamp, e.Past.dot)
		}
		seen = seen.Join(e.Past.past)
		dots[e.Past.dot] = true
	}
	if !s.past.Covers(seen) {
		return errors.New("versions have seen more than the set")
	}
	for i := range s.entries {
		if e := &s.entries[i]; contains(seen, e.Stamp) || dots[e.Stamp] {
			return fmt.Errorf("version %v is replaced by another", e.Stamp)
		}
	}
	return nil
}

// MarshalJSON implements [json.Marshaler]. Members that are zero are left out,
// and versions are as in [Version.MarshalJSON]. There is
// a floor only if it is above all times in past.
//
//	{"level":"2","epoch":"1","past":{"eu":"…","us":"…"},"floor":"2026-11-23T12:10:00.000000000Z",
//	 "versions":[{"stamp":"2026-11-23T12:08:55.123456789Z@us","epoch":"1","value":…}]}
func (s *Siblings[T]) MarshalJSON() ([]byte, error) {
	o := objectWriter{}
	o.epoch("level", s.level)
	o.epoch("epoch", s.epoch)
	o.clock("past", s.past)
	if s.floor > latest(s.past) {
		o.text("floor", s.floor.String())
	}
	if len(s.entries) > 0 {
		enc, err := appendEntriesJSON(s.entries)
		if err != nil {
			return nil, err
		}
		o.raw("versions", enc)
	}
	return o.end(), nil
}

func appendEntriesJSON[T any](entries []entry[T]) ([]byte, error) {
	b := []byte{'['}
	for i := range entries {
		enc, err := entries[i].MarshalJSON()
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, enc...)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what
// [Siblings.MarshalJSON] writes, in any order of members and with any white
// space, and leaves s unchanged if it returns an error. As usual, null changes
// nothing.
func (s *Siblings[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var d Siblings[T]
	err := codec.DecodeObject(data, func(name string, value []byte) (err error) {
		switch name {
		case "level":
			d.level, err = decodeEpoch(value)
		case "epoch":
			d.epoch, err = decodeEpoch(value)
		case "past":
			d.past, err = decodeClock(value)
		case "floor":
			d.floor, err = decodeTime(value)
		case "versions":
			d.entries, err = decodeEntries[T](value)
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	if last := latest(d.past); err == nil && d.floor > 0 && d.floor <= last {
		err = errors.New("floor is not above the past")
	} else {
		d.floor = max(d.floor, last)
	}
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Siblings: %w", wire.Damaged(err))
	}
	*s = d
	return nil
}

func decodeTime(p []byte) (hlc.Timestamp, error) {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return 0, err
	}
	return hlc.Parse(text)
}

func decodeEntries[T any](data []byte) ([]entry[T], error) {
	var versions []Version[T]
	if err := json.Unmarshal(data, &versions); err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, nil // as a set without versions is, however it came about
	}
	entries := make([]entry[T], len(versions))
	for i, v := range versions {
		err := v.check() // a null among them is no version
		if err == nil {
			entries[i], err = newEntry(v)
		}
		if err != nil {
			return nil, fmt.Errorf("version %d: %w", i, err)
		}
	}
	return entries, nil
}
