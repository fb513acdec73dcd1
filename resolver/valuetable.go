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
	if len(t) == 0 {
		return b
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
	all  values[T]
	used []bool
}

func readValues[T any](r *wire.Reader) *valuesReader[T] {
	t := &valuesReader[T]{}
	n := r.Uvarint()
	if n == 0 {
		return t
	}
	d := value.NewDecoder[T](r)
	if n > uint64(r.Len())+1 { // a value may have no bytes of its own, but not two
		r.Fail("%d values", n)
		n = 0
	}
	slab := make([]stored[T], 0, min(n, 16))
	for range n {
		var s stored[T]
		s.kept, s.bad = d.Next(&s.v)
		if r.Err() != nil {
			break
		}
		slab = append(slab, s)
		t.all = append(t.all, &slab[len(slab)-1])
		if k := len(t.all); k > 1 && t.all[k-2].compare(t.all[k-1]) >= 0 {
			r.Fail("values are out of order")
		}
	}
	d.Close()
	t.used = make([]bool, len(t.all))
	return t
}

// read returns the value at a place.
func (t *valuesReader[T]) read(place uint64, r *wire.Reader) *stored[T] {
	if place >= uint64(len(t.all)) {
		r.Fail("no value has the place %d", place)
		return nil
	}
	t.used[place] = true
	return t.all[place]
}

// close fails if a value is of no version.
func (t *valuesReader[T]) close(r *wire.Reader) {
	if slices.Contains(t.used, false) {
		r.Fail("a value is of no version")
	}
}
