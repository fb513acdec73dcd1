package resolver

import (
	"bytes"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

const siblingsVersion = 2

// AppendBinary implements [encoding.BinaryAppender].
func (s *Siblings[T]) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(append(b, siblingsVersion), s.level)
	b = binary.AppendUvarint(b, s.epoch)
	b = appendClock(b, s.past)
	b = binary.AppendUvarint(b, uint64(s.floor-latest(s.past)))
	return appendEntries(b, s.entries), nil
}

// appendEntries appends the values and the versions of entries.
func appendEntries[T any](b []byte, entries []entry[T]) []byte {
	var room [4]*stored[T]
	t := valuesOf(room[:0], entries)
	b = binary.AppendUvarint(t.append(b), uint64(len(entries)))
	for i := range entries {
		b = entries[i].appendTo(b, t)
	}
	return b
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (s *Siblings[T]) MarshalBinary() ([]byte, error) {
	return s.AppendBinary(make([]byte, 0, 96*(1+len(s.entries))))
}

// ETag returns a name for the state of s, fit for a header and equal for equal
// sets only: the SHA-256 of the binary form in base64.
func (s *Siblings[T]) ETag() string {
	b, _ := s.AppendBinary(nil) // never an error
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. Of s it reuses
// names.
func (s *Siblings[T]) UnmarshalBinary(data []byte) error {
	d, err := decodeSiblings[T](data, s.past)
	if err == nil {
		err = d.Check()
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Siblings: %w", err)
	}
	*s = d
	return nil
}

// UnmarshalLenient decodes binary or JSON, and keeps values that T cannot hold,
// for an older program beside a newer one: s is then usable for merging and
// encoding, though it returns a [content.ValueError].
func (s *Siblings[T]) UnmarshalLenient(data []byte) error {
	var d Siblings[T]
	var err error
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && text[0] == '{' {
		d, err = decodeSiblingsJSON[T](text)
	} else {
		d, err = decodeSiblings[T](data, s.past)
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Siblings: %w", err)
	}
	*s = d
	if err := d.Check(); err != nil {
		return fmt.Errorf("resolver: decode Siblings: %w", err)
	}
	return nil
}

// MergeBinary merges what [Siblings.UnmarshalBinary] makes of data.
func (s *Siblings[T]) MergeBinary(data []byte) (changed bool, err error) {
	o := Siblings[T]{past: s.past} // whose names are often those of data
	if err := o.UnmarshalBinary(data); err != nil {
		return false, err
	}
	return s.Merge(&o), nil
}

// MergeLenient merges what [Siblings.UnmarshalLenient] makes of data.
func (s *Siblings[T]) MergeLenient(data []byte) (changed bool, err error) {
	var o Siblings[T]
	if err = o.UnmarshalLenient(data); err != nil && !errors.Is(err, content.ErrUnreadable) {
		return false, err
	}
	return s.Merge(&o), err
}

// Check returns the first error of [Siblings.Unreadable], nil if there is none.
func (s *Siblings[T]) Check() error {
	for _, bad := range s.Unreadable() {
		return bad
	}
	return nil
}

// Unreadable returns an iterator over the versions with values that T cannot
// hold. They merge and are encoded as they are, and their values are zero.
// Rules that look at values pass on a conflict with one of them; [Outcome.Err]
// names it.
func (s *Siblings[T]) Unreadable() iter.Seq2[lww.Stamp, *content.ValueError] {
	return func(yield func(lww.Stamp, *content.ValueError) bool) {
		for i := range s.entries {
			if bad := s.entries[i].unreadable(); bad != nil && !yield(s.entries[i].Stamp, bad) {
				return
			}
		}
	}
}

// Value implements [database/sql/driver.Valuer]: the binary form. For a column
// of JSON take [Siblings.MarshalJSON].
func (s *Siblings[T]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner] for bytes or JSON. It refuses NULL.
func (s *Siblings[T]) Scan(src any) error { return wire.Scan("resolver: scan Siblings", src, s) }

// decodeSiblings decodes what [Siblings.AppendBinary] wrote. Names that are those of known are
// not copied.
func decodeSiblings[T any](data []byte, known vclock.Clock) (d Siblings[T], err error) {
	r := wire.NewReader(data)
	r.Version(siblingsVersion)
	d = Siblings[T]{level: r.Uvarint(), epoch: r.Uvarint(), past: readClock(r, known)}
	last := latest(d.past)
	if above := r.Uvarint(); above > uint64(hlc.Max-last) {
		r.Fail("floor is out of range")
	} else {
		d.floor = last + hlc.Timestamp(above)
	}
	d.entries = readEntries[T](r, d.past)
	if err := r.Close(); err != nil {
		return d, err
	}
	return d, wire.Damaged(d.check())
}

// valuesOf appends the values of entries to all, which is empty.
func valuesOf[T any](all values[T], entries []entry[T]) values[T] {
	for i := range entries {
		e := &entries[i]
		if e.stored != nil {
			all = append(all, e.stored)
		}
		for j := range e.ancestors {
			if v := e.ancestors[j].value; v != nil {
				all = append(all, v)
			}
		}
	}
	if len(all) > 1 {
		slices.SortFunc(all, (*stored[T]).compare)
		all = slices.CompactFunc(all, (*stored[T]).same)
	}
	return all
}

// readEntries reads what appendEntries wrote. Names of replicas in past are not copied.
func readEntries[T any](r *wire.Reader, past vclock.Clock) []entry[T] {
	const leastVersion = 17 // flags, a stamp, an epoch, a past
	var t valuesReader[T]
	t.open(r)
	n := r.Count(leastVersion)
	if n == 0 {
		t.close(r)
		return nil
	}
	entries := make([]entry[T], 0, min(n, 8))
	for range n {
		entries = append(entries, entry[T]{})
		if readEntry(r, &t, past, &entries[len(entries)-1]); r.Err() != nil {
			return nil
		}
	}
	t.close(r)
	return entries
}

// check returns an error for what no set can be. It takes time linear in the
// versions, so that hostile input cannot make it take long.
func (s *Siblings[T]) check() error {
	if s.epoch > s.level {
		return fmt.Errorf("versions of epoch %d in a set of epoch %d", s.epoch, s.level)
	}
	var seen vclock.Clock
	var dots map[lww.Stamp]bool
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
		if !e.Past.dot.IsZero() {
			if dots == nil {
				dots = map[lww.Stamp]bool{}
			}
			dots[e.Past.dot] = true
		}
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

// MarshalJSON implements [json.Marshaler]. Versions, and errors, are as in
// [Version.MarshalJSON]. A floor is there if it is above all times in past.
//
//	{"level":"2","epoch":"1","past":{"eu":"…","us":"…"},"floor":"2026-11-23T12:10:00.000000000Z",
//	 "versions":[{"stamp":"2026-11-23T12:08:55.123456789Z@us","epoch":"1","value":…}]}
func (s Siblings[T]) MarshalJSON() ([]byte, error) {
	o := objectWriter{}
	o.epoch("level", s.level)
	o.epoch("epoch", s.epoch)
	o.clock("past", s.past)
	if s.floor > latest(s.past) {
		o.text("floor", s.floor.String())
	}
	if len(s.entries) > 0 {
		kinds := value.Kinds{}
		for i := range s.entries {
			kindsOf(kinds, &s.entries[i].Version)
		}
		enc, err := appendEntriesJSON(s.entries, kinds)
		if err != nil {
			return nil, err
		}
		o.kinds(kinds)
		o.raw("versions", enc)
	}
	return o.end(), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Siblings[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	d, err := decodeSiblingsJSON[T](data)
	if err == nil {
		err = d.Check()
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Siblings: %w", err)
	}
	*s = d
	return nil
}

// decodeSiblingsJSON reads what MarshalJSON wrote. Values that T cannot hold are kept.
func decodeSiblingsJSON[T any](data []byte) (d Siblings[T], err error) {
	var versions []byte
	kinds := value.Kinds{}
	err = value.DecodeObject(data, func(name string, p []byte) (err error) {
		switch name {
		case "level":
			d.level, err = decodeEpoch(p)
		case "epoch":
			d.epoch, err = decodeEpoch(p)
		case "past":
			d.past, err = decodeClock(p)
		case "floor":
			d.floor, err = decodeTime(p)
		case "fields":
			kinds, err = value.ParseKinds(p)
		case "versions":
			versions = p
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	if err == nil && versions != nil {
		d.entries, err = decodeEntries[T](versions, kinds)
	}
	if last := latest(d.past); err == nil && d.floor > 0 && d.floor <= last {
		err = errors.New("floor is not above the past")
	} else {
		d.floor = max(d.floor, last)
	}
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return Siblings[T]{}, wire.Damaged(err)
	}
	return d, nil
}

func decodeTime(p []byte) (hlc.Timestamp, error) {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return 0, err
	}
	return hlc.Parse(text)
}
