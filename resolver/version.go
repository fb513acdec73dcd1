package resolver

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
)

// ErrNoStamp is returned by [Siblings.Seed] for a row without a time, and by the
// decoders for a version without a stamp. No version is taken for the oldest
// because nobody knows how old it is.
var ErrNoStamp = errors.New("resolver: version without a stamp")

// A Version is one write of a key, with what its writer knew.
//
// A Version is immutable: neither it nor what its fields refer to may be
// changed.
type Version[T any] struct {
	Value   T    // what was written; zero if Deleted
	Deleted bool // the write was a delete

	// Stamp names the write. Its time is after everything that the writer had
	// been shown.
	Stamp lww.Stamp
	// Past is what the writer had been shown.
	Past Context
	// Epoch is that of the writer.
	Epoch uint64
	// Settles lists the versions that a person decided between, if this is
	// the decision, in ascending order.
	Settles []lww.Stamp

	// partial says that the writer had not been shown all earlier writes of its
	// replica, so that a clock with this version in it covers them too.
	partial bool
	// ancestors are what this version can be merged over, in ascending order; they
	// are in its past.
	ancestors []ancestor[T]
}

// String returns the stamp and the value, for people.
func (v Version[T]) String() string {
	if v.Deleted {
		return fmt.Sprintf("%v deleted", v.Stamp)
	}
	return fmt.Sprintf("%v %v", v.Stamp, v.Value)
}

// An entry is a version in a set, with its canonical bytes.
type entry[T any] struct {
	Version[T]
	value string // the bytes of Value, or nothing
}

// same reports whether e and f are one version.
func (e *entry[T]) same(f *entry[T]) bool {
	return e.Stamp == f.Stamp && e.Deleted == f.Deleted && e.partial == f.partial && e.Epoch == f.Epoch && e.value == f.value &&
		e.Past.Equal(f.Past) && slices.Equal(e.Settles, f.Settles) && (e.Settles == nil) == (f.Settles == nil) &&
		slices.EqualFunc(e.ancestors, f.ancestors, func(a, b ancestor[T]) bool { return a.same(&b) })
}

// compare orders entries by stamp. Two versions with one stamp come from two
// lineages of one replica; their bytes order them.
func (e *entry[T]) compare(f *entry[T]) int {
	if c := e.Stamp.Compare(f.Stamp); c != 0 || e.same(f) {
		return c
	}
	return bytes.Compare(e.append(nil), f.append(nil))
}

const (
	versionDeleted   = 1 << 0
	versionPartial   = 1 << 1
	versionSettles   = 1 << 2
	versionAncestors = 1 << 3
)

// newEntry returns the entry of v, which must have a valid stamp, with its value in
// canonical form.
func newEntry[T any](v Version[T]) (entry[T], error) {
	if v.Deleted {
		v.Value = *new(T)
		return entry[T]{Version: v}, nil
	}
	value, enc, err := encodeValue(v.Value)
	if err != nil {
		return entry[T]{}, err
	}
	v.Value = value
	return entry[T]{v, string(enc)}, nil
}

// flags says which parts the encoding of v has.
func (v *Version[T]) flags() (flags byte) {
	if v.Deleted {
		flags |= versionDeleted
	}
	if v.partial {
		flags |= versionPartial
	}
	if v.Settles != nil {
		flags |= versionSettles
	}
	if v.ancestors != nil {
		flags |= versionAncestors
	}
	return flags
}

// appendHead appends all of e but its values.
func (e *entry[T]) appendHead(b []byte) []byte {
	b = appendStamp(append(b, e.flags()), e.Stamp)
	b = binary.AppendUvarint(b, e.Epoch)
	b = e.Past.append(b)
	if e.Settles != nil {
		b = binary.AppendUvarint(b, uint64(len(e.Settles)))
		for _, s := range e.Settles {
			b = appendStamp(b, s)
		}
	}
	return b
}

// append appends all of e, for a comparison or a hash.
func (e *entry[T]) append(b []byte) []byte {
	b = wire.AppendBytes(e.appendHead(b), e.value)
	for i := range e.ancestors {
		a := &e.ancestors[i]
		b = wire.AppendBytes(append(appendClock(b, a.past), byte(a.found())), a.enc)
	}
	return b
}

// A table has the values of a state, each once, in ascending order of their bytes.
type table[T any] struct {
	encs   []string
	values []*T // as decoded
}

// add adds the values of e.
func (t *table[T]) add(e *entry[T]) {
	if !e.Deleted {
		t.encs = append(t.encs, e.value)
	}
	for i := range e.ancestors {
		if a := &e.ancestors[i]; a.value != nil {
			t.encs = append(t.encs, a.enc)
		}
	}
}

// tableOf returns the values of entries.
func tableOf[T any](entries []entry[T]) *table[T] {
	t := &table[T]{}
	for i := range entries {
		t.add(&entries[i])
	}
	slices.Sort(t.encs)
	t.encs = slices.Compact(t.encs)
	return t
}

func (t *table[T]) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(t.encs)))
	for _, enc := range t.encs {
		b = wire.AppendBytes(b, enc)
	}
	return b
}

// place returns the place of a value, which has one.
func (t *table[T]) place(enc string) uint64 {
	i, _ := slices.BinarySearch(t.encs, enc)
	return uint64(i)
}

// readTable reads what append wrote, and decodes it.
func readTable[T any](r *wire.Reader) *table[T] {
	t := &table[T]{}
	for range r.Count(1) {
		p := r.Bytes()
		if n := len(t.encs); n > 0 && r.Err() == nil && t.encs[n-1] >= string(p) {
			r.Fail("values are out of order")
		}
		if r.Err() != nil {
			break
		}
		v, err := codec.DecodeValue[T](p)
		if err != nil {
			r.Fail("value: %w", err)
		}
		t.encs, t.values = append(t.encs, string(p)), append(t.values, &v)
	}
	return t
}

// A tableReader reads values by their places.
type tableReader[T any] struct {
	*table[T]
	used []bool
}

func newTableReader[T any](r *wire.Reader) *tableReader[T] {
	t := readTable[T](r)
	return &tableReader[T]{t, make([]bool, len(t.encs))}
}

func (t *tableReader[T]) read(r *wire.Reader) (enc string, value *T) {
	i := r.Uvarint()
	if i >= uint64(len(t.encs)) {
		r.Fail("no value has the place %d", i)
		return "", new(T)
	}
	t.used[i] = true
	return t.encs[i], t.values[i]
}

// check returns an error if a value is of no version.
func (t *tableReader[T]) check() error {
	if slices.Contains(t.used, false) {
		return errors.New("a value is of no version")
	}
	return nil
}

// appendTo appends e, whose values are in t.
//
//	field      bytes
//	flags      1       1: deleted; 2: had not seen all of its replica; 4: settles a conflict; 8: has ancestors
//	stamp      varies  see [lww.Stamp.AppendBinary]
//	epoch      varint
//	past       varies  see [Context.AppendBinary], without its version byte
//	count      varint  if it settles a conflict, followed by
//	settled    varies  as many stamps, in ascending order
//	count      varint  if it has ancestors, followed by as many in ascending order, of each:
//	length     varint
//	past       length  see [vclock.Clock.AppendBinary]
//	value      varint  0 if there was nothing, else the place of the value and 1
//	value      varint  the place of the value, unless deleted
func (e *entry[T]) appendTo(b []byte, t *table[T]) []byte {
	b = e.appendHead(b)
	if e.ancestors != nil {
		b = binary.AppendUvarint(b, uint64(len(e.ancestors)))
		for i := range e.ancestors {
			a := &e.ancestors[i]
			b = appendClock(b, a.past)
			if a.value == nil {
				b = append(b, 0)
			} else {
				b = binary.AppendUvarint(b, t.place(a.enc)+1)
			}
		}
	}
	if !e.Deleted {
		b = binary.AppendUvarint(b, t.place(e.value))
	}
	return b
}

// readEntry reads what appendTo wrote.
func readEntry[T any](r *wire.Reader, t *tableReader[T]) (e entry[T]) {
	flags := r.Byte()
	if flags&^(versionDeleted|versionPartial|versionSettles|versionAncestors) != 0 {
		r.Fail("unknown flags %#x", flags)
	}
	e.Deleted, e.partial = flags&versionDeleted != 0, flags&versionPartial != 0
	e.Stamp = readStamp(r)
	e.Epoch = r.Uvarint()
	e.Past = readContext(r)
	if flags&versionSettles != 0 {
		const leastStamp = 10 // a time, a length, a name of one byte
		e.Settles = make([]lww.Stamp, r.Count(leastStamp))
		for i := range e.Settles {
			e.Settles[i] = readStamp(r)
		}
	}
	if flags&versionAncestors != 0 {
		e.ancestors = readAncestors(r, t)
	}
	if !e.Deleted {
		var v *T
		e.value, v = t.read(r)
		e.Value = *v
	}
	if r.Err() == nil {
		if err := e.check(); err != nil {
			r.Fail("%w", err)
		}
	}
	return e
}

func readAncestors[T any](r *wire.Reader, t *tableReader[T]) []ancestor[T] {
	const leastAncestor = 3 // a length, an empty clock, a place
	n := r.Count(leastAncestor)
	if n == 0 || n > maxAncestors {
		r.Fail("a version with %d ancestors", n)
		return nil
	}
	all := make([]ancestor[T], n)
	for i := range all {
		a := &all[i]
		a.past = readClock(r)
		place := r.Uvarint()
		if place == 0 {
			continue
		}
		if place > uint64(len(t.encs)) {
			r.Fail("no value has the place %d", place)
			return nil
		}
		t.used[place-1] = true
		a.enc, a.value = t.encs[place-1], t.values[place-1]
	}
	return all
}

// check returns an error for what no version can be.
func (v *Version[T]) check() error {
	switch {
	case !v.Stamp.IsValid():
		return ErrNoStamp
	case v.Past.latest() >= v.Stamp.Time:
		return fmt.Errorf("version %v is not after its past", v.Stamp)
	case v.Settles != nil && len(v.Settles) == 0:
		return fmt.Errorf("version %v settles nothing", v.Stamp)
	}
	if err := checkAncestors(v.ancestors, v.Stamp.Time); err != nil {
		return fmt.Errorf("version %v: %w", v.Stamp, err)
	}
	for i, s := range v.Settles {
		if !s.IsValid() || i > 0 && s.Compare(v.Settles[i-1]) <= 0 || !v.Past.covers(s) {
			return fmt.Errorf("version %v settles %v, which is out of order or not in its past", v.Stamp, s)
		}
	}
	return nil
}

// MarshalJSON implements [json.Marshaler]. Members that are zero are left out.
//
//	{"stamp":"2026-11-23T12:08:55.123456789Z@us","epoch":"1","value":…,"deleted":true,
//	 "past":{"past":{"eu":"…"}},"settles":["…@eu","…@us"],"partial":true,"ancestors":[{"past":{"eu":"…"},"value":…}]}
func (v Version[T]) MarshalJSON() ([]byte, error) {
	o := objectWriter{}
	o.text("stamp", v.Stamp.String())
	o.epoch("epoch", v.Epoch)
	if v.Deleted {
		o.raw("deleted", []byte("true"))
	} else if err := appendValueJSON(&o, "value", v.Value); err != nil {
		return nil, err
	}
	if past, _ := v.Past.MarshalJSON(); len(past) > len("{}") { // never an error
		o.raw("past", past)
	}
	if v.Settles != nil {
		enc, err := json.Marshal(v.Settles)
		if err != nil {
			return nil, fmt.Errorf("resolver: encode Version: %w", err)
		}
		o.raw("settles", enc)
	}
	if v.partial {
		o.raw("partial", []byte("true"))
	}
	if v.ancestors != nil {
		enc, err := appendAncestorsJSON(nil, v.ancestors)
		if err != nil {
			return nil, err
		}
		o.raw("ancestors", enc)
	}
	return o.end(), nil
}

func appendAncestorsJSON[T any](b []byte, all []ancestor[T]) ([]byte, error) {
	for i := range all {
		a, o := &all[i], objectWriter{}
		o.clock("past", a.past)
		if a.value != nil {
			if err := appendValueJSON(&o, "value", *a.value); err != nil {
				return nil, err
			}
		}
		b = append(append(b, "[,"[min(i, 1)]), o.end()...)
	}
	return append(b, ']'), nil
}

func decodeAncestors[T any](data []byte) ([]ancestor[T], error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, errors.New("no ancestors")
	}
	all := make([]ancestor[T], len(raw))
	for i := range all {
		a := &all[i]
		err := codec.DecodeObject(raw[i], func(name string, value []byte) (err error) {
			switch name {
			case "past":
				a.past, err = decodeClock(value)
			case "value":
				var v T
				if v, err = codec.DecodeValueJSON[T](value); err != nil {
					return err
				}
				v, enc, err := encodeValue(v)
				a.enc, a.value = string(enc), &v
				return err
			default:
				err = errors.New("unknown member")
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("ancestor %d: %w", i, err)
		}
	}
	return all, nil
}

func appendValueJSON[T any](o *objectWriter, name string, v T) error {
	enc, err := codec.AppendValueJSON(nil, v)
	if err != nil {
		return fmt.Errorf("resolver: encode Version: %w", err)
	}
	o.raw(name, enc)
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what
// [Version.MarshalJSON] writes, in any order of members and with any white
// space, and leaves v unchanged if it returns an error. As usual, null changes
// nothing.
func (v *Version[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var w Version[T]
	found := false
	err := codec.DecodeObject(data, func(name string, value []byte) (err error) {
		switch name {
		case "stamp":
			w.Stamp, err = decodeStamp(value)
		case "epoch":
			w.Epoch, err = decodeEpoch(value)
		case "value":
			found = true
			w.Value, err = codec.DecodeValueJSON[T](value)
		case "deleted":
			w.Deleted, err = true, decodeTrue(value)
		case "partial":
			w.partial, err = true, decodeTrue(value)
		case "ancestors":
			w.ancestors, err = decodeAncestors[T](value)
		case "past":
			err = w.Past.UnmarshalJSON(value)
		case "settles":
			err = json.Unmarshal(value, &w.Settles)
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	if err == nil && found == w.Deleted {
		err = errors.New(`needs either "value" or "deleted"`)
	}
	if err == nil {
		err = w.check()
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Version: %w", wire.Damaged(err))
	}
	*v = w
	return nil
}

// stampsOf returns the distinct stamps of versions in ascending order.
func stampsOf[T any](versions []Version[T]) []lww.Stamp {
	stamps := make([]lww.Stamp, len(versions))
	for i := range versions {
		stamps[i] = versions[i].Stamp
	}
	slices.SortFunc(stamps, lww.Stamp.Compare)
	return slices.Compact(stamps)
}
