package resolver

import (
	"encoding/binary"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// The values of a state, each once, in ascending order.
type values[T any] []*stored[T]

// place returns the place of a value, which has one.
func (t values[T]) place(v *stored[T]) uint64 {
	if len(t) == 1 {
		return 0
	}
	i, _ := slices.BinarySearchFunc(t, v, (*stored[T]).compare)
	return uint64(i)
}

// append appends the values:
//
//	field   bytes   count
//	values  varint  1
//	tables  varies  1       of the kinds and names of fields, if there are values
//	value   varies  values
func (t values[T]) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(t)))
	switch len(t) {
	case 0:
		return b
	case 1:
		return value.AppendOne(b, &t[0].v, t[0].kept)
	}
	e := value.NewEncoder[T]()
	for _, s := range t {
		e.Note(&s.v, s.kept)
	}
	b = e.AppendTables(b)
	for _, s := range t {
		b = e.Append(b, &s.v, s.kept)
	}
	return b
}

// A valuesReader reads values and then their places.
type valuesReader[T any] struct {
	one  *stored[T] // the value, if there is but one
	all  values[T]  // if there are several
	used []bool
	once bool // one was used
}

// open reads the values.
func (t *valuesReader[T]) open(r *wire.Reader) {
	n := r.Uvarint()
	switch {
	case n == 0:
	case n == 1:
		t.one = new(stored[T])
		t.one.kept, t.one.bad = value.ReadOne(r, &t.one.v)
	case n > uint64(r.Len())+1: // a value may have no bytes of its own, but not two
		r.Fail("%d values", n)
	default:
		t.openMany(r, n)
	}
}

func (t *valuesReader[T]) openMany(r *wire.Reader, n uint64) {
	own := wire.NewReader(r.Unread()) // so that r may stay where it is
	d := value.NewDecoder[T](own)
	for range n {
		s := new(stored[T])
		s.kept, s.bad = d.Next(&s.v)
		if own.Err() != nil {
			break
		}
		t.all = append(t.all, s)
		if k := len(t.all); k > 1 && t.all[k-2].compare(t.all[k-1]) >= 0 {
			own.Fail("values are out of order")
		}
	}
	d.Close()
	if err := own.Err(); err != nil {
		r.Fail("%w", err)
		return
	}
	r.Take(r.Len() - own.Len())
	t.used = make([]bool, len(t.all))
}

// read returns the value at a place.
func (t *valuesReader[T]) read(place uint64, r *wire.Reader) *stored[T] {
	switch {
	case t.one != nil && place == 0:
		t.once = true
		return t.one
	case place >= uint64(len(t.all)):
		r.Fail("no value has the place %d", place)
		return nil
	}
	t.used[place] = true
	return t.all[place]
}

// close fails if a value is of no version.
func (t *valuesReader[T]) close(r *wire.Reader) {
	if slices.Contains(t.used, false) || t.one != nil && !t.once {
		r.Fail("a value is of no version")
	}
}
