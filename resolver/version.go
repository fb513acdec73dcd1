package resolver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// ErrNoStamp is what [Siblings.Seed] returns for a row without a time, and
// decoders for a version without a stamp: nobody knows how old it is.
var ErrNoStamp = errors.New("resolver: version without a stamp")

// A Version is one write of a key, with what its writer knew. It is immutable:
// neither it nor what its fields refer to may be changed.
type Version[T any] struct {
	Value   T    // what was written; zero if Deleted
	Deleted bool // the write was a delete
	// Stamp names the write. Its time is after everything in Past.
	Stamp lww.Stamp
	// Past is what the writer had been shown.
	Past Context
	// Epoch is that of the writer.
	Epoch uint64
	// Settles are the versions that a person decided between by this one, ascending.
	Settles []lww.Stamp

	// partial says that the writer had not been shown all earlier writes of its
	// replica, so that a clock with this version in it covers them too.
	partial bool
	// ancestors are what this version can be merged over, in ascending order; they
	// are in its past.
	ancestors []ancestor[T]
	// stored is what Value is of, nil if Deleted, or if the version was made by hand.
	stored *stored[T]
}

// Check returns a [*content.ValueError] if T cannot hold the value, which is
// then zero here and kept as it is in the set.
func (v Version[T]) Check() error { return v.checkValue() }

// checkValue is Check of a version that is not copied for it.
func (v *Version[T]) checkValue() error {
	if v.stored == nil || v.stored.bad == nil {
		return nil
	}
	return v.unreadable()
}

func (v *Version[T]) unreadable() *content.ValueError {
	if v.stored == nil || v.stored.bad == nil {
		return nil
	}
	bad := *v.stored.bad
	bad.Key = v.Stamp.String()
	return &bad
}

// String returns the stamp and the value, for people.
func (v Version[T]) String() string {
	switch {
	case v.Deleted:
		return fmt.Sprintf("%v deleted", v.Stamp)
	case v.Check() != nil:
		return fmt.Sprintf("%v unreadable", v.Stamp)
	}
	return fmt.Sprintf("%v %v", v.Stamp, v.Value)
}

// An entry is a version in a set: it has its value stored unless it is a delete.
type entry[T any] struct{ Version[T] }

// same reports whether e and f are one version.
func (e *entry[T]) same(f *entry[T]) bool {
	return e.Stamp == f.Stamp && e.Deleted == f.Deleted && e.partial == f.partial && e.Epoch == f.Epoch &&
		e.Past.Equal(f.Past) && slices.Equal(e.Settles, f.Settles) && (e.Settles == nil) == (f.Settles == nil) &&
		slices.EqualFunc(e.ancestors, f.ancestors, func(a, b ancestor[T]) bool { return a.same(&b) }) && e.stored.same(f.stored)
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

// newEntry returns the entry of v, which must have a valid stamp. It stores the value
// unless that is what v had, which then stays as it is.
func newEntry[T any](v Version[T]) (entry[T], error) {
	switch {
	case v.Deleted:
		v.Value, v.stored = *new(T), nil
		return entry[T]{v}, nil
	case v.stored != nil && (v.stored.bad != nil || same(&v.Value, &v.stored.v)):
		v.Value = v.stored.v
		return entry[T]{v}, nil
	}
	var err error
	if v.stored, err = store(v.Value, nil); err != nil {
		return entry[T]{}, err
	}
	v.Value = v.stored.v
	return entry[T]{v}, nil
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
	b = appendStored(e.appendHead(b), e.stored)
	for i := range e.ancestors {
		a := &e.ancestors[i]
		b = appendStored(appendClock(b, a.past), a.value)
	}
	return b
}

func appendStored[T any](b []byte, s *stored[T]) []byte {
	if s == nil {
		return append(b, 0)
	}
	return wire.AppendBytes(append(b, 1), s.full())
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
func (e *entry[T]) appendTo(b []byte, t values[T]) []byte {
	b = e.appendHead(b)
	if e.ancestors != nil {
		b = binary.AppendUvarint(b, uint64(len(e.ancestors)))
		for i := range e.ancestors {
			a := &e.ancestors[i]
			b = appendClock(b, a.past)
			if a.value == nil {
				b = append(b, 0)
			} else {
				b = binary.AppendUvarint(b, t.place(a.value)+1)
			}
		}
	}
	if !e.Deleted {
		b = binary.AppendUvarint(b, t.place(e.stored))
	}
	return b
}

// readEntry reads what appendTo wrote. Names of replicas in past are not copied.
func readEntry[T any](r *wire.Reader, t *valuesReader[T], past vclock.Clock, e *entry[T]) {
	flags := r.Byte()
	if flags&^(versionDeleted|versionPartial|versionSettles|versionAncestors) != 0 {
		r.Fail("unknown flags %#x", flags)
	}
	e.Deleted, e.partial = flags&versionDeleted != 0, flags&versionPartial != 0
	e.Stamp = readStampIn(r, past)
	e.Epoch = r.Uvarint()
	e.Past = readContext(r, past)
	if flags&versionSettles != 0 {
		const leastStamp = 10 // a time, a length, a name of one byte
		e.Settles = make([]lww.Stamp, r.Count(leastStamp))
		for i := range e.Settles {
			e.Settles[i] = readStamp(r)
		}
	}
	if flags&versionAncestors != 0 {
		e.ancestors = readAncestors(r, t, past)
	}
	if !e.Deleted {
		if e.stored = t.read(r.Uvarint(), r); e.stored != nil {
			e.Value = e.stored.v
		}
	}
	if r.Err() == nil {
		if err := e.check(); err != nil {
			r.Fail("%w", err)
		}
	}
}

func readAncestors[T any](r *wire.Reader, t *valuesReader[T], past vclock.Clock) []ancestor[T] {
	const leastAncestor = 3 // a length, an empty clock, a place
	n := r.Count(leastAncestor)
	if n == 0 || n > maxAncestors {
		r.Fail("a version with %d ancestors", n)
		return nil
	}
	all := make([]ancestor[T], n)
	for i := range all {
		a := &all[i]
		a.past = readClock(r, past)
		if place := r.Uvarint(); place > 0 {
			a.value = t.read(place-1, r)
		}
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

// stampsOf returns the distinct stamps of versions in ascending order.
func stampsOf[T any](versions []Version[T]) []lww.Stamp {
	stamps := make([]lww.Stamp, len(versions))
	for i := range versions {
		stamps[i] = versions[i].Stamp
	}
	slices.SortFunc(stamps, lww.Stamp.Compare)
	return slices.Compact(stamps)
}
