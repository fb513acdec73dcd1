package crdt

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// A GSet is a set that only grows: what any replica has added is in it, and
// nothing is ever removed. For removals see [ORSet], [RWSet] and [TwoPSet].
// Merging is the union: there are no conflicts, and no replica names. The zero
// GSet is empty and ready to use. Add and Contains take O(1), Merge O(n) for n
// elements of its argument. Sets that learnt of elements in one order merge
// about as fast as they compare. See Shapiro et al., 2011, section 3.3.1.
type GSet[E comparable] struct {
	_ nocopy.NoCopy
	gSetState[E]
}

// A gSetState is what a GSet holds, so that one in a struct has its JSON there.
type gSetState[E comparable] struct {
	one  [1]E // the content of a delta of one element, which lone says it is
	lone bool
	in   table[E]
}

// orEmpty returns s, or an empty set for a nil one: reads of the one are reads of the other.
func (s *GSet[E]) orEmpty() *GSet[E] {
	if s == nil {
		return new(GSet[E])
	}
	return s
}

// elems returns the elements in either form. The result is only read.
func (s *GSet[E]) elems() []E {
	s = s.orEmpty()
	if s.lone {
		return s.one[:]
	}
	return s.in.keys
}

// expand makes s.in the content of s.
func (s *GSet[E]) expand() {
	if s.lone {
		s.in.add(s.one[0])
		s.one, s.lone = [1]E{}, false
	}
}

// find returns the number of e in s.elems, or -1.
func (s *GSet[E]) find(e E) int {
	s = s.orEmpty()
	if s.lone {
		return slices.Index(s.one[:], e)
	}
	return s.in.find(e)
}

// Add adds e and returns the delta.
func (s *GSet[E]) Add(e E) *GSet[E] {
	var d GSet[E]
	s.add(e, &d)
	return &d
}

//go:noinline
func (s *GSet[E]) add(e E, d *GSet[E]) {
	e = normalized(e)
	s.expand()
	if s.in.find(e) < 0 {
		s.in.add(e)
	}
	d.one[0], d.lone = e, true
}

// Contains reports whether e is in s.
func (s *GSet[E]) Contains(e E) bool { return s.find(e) >= 0 }

// Len returns the number of elements.
func (s *GSet[E]) Len() int { return len(s.elems()) }

// All returns an iterator over the elements in unspecified order.
func (s *GSet[E]) All() iter.Seq[E] { return slices.Values(s.elems()) }

// Merge joins o into s and reports whether that changed s.
func (s *GSet[E]) Merge(o *GSet[E]) bool {
	s.expand()
	before, next := len(s.in.keys), 0
	for _, e := range o.elems() {
		i := s.in.findFrom(next, e)
		if i < 0 {
			i = len(s.in.keys)
			s.in.add(e)
		}
		next = i + 1
	}
	return len(s.in.keys) > before
}

// Clone returns a copy that shares no memory with s.
func (s *GSet[E]) Clone() *GSet[E] {
	s = s.orEmpty()
	return &GSet[E]{gSetState: gSetState[E]{one: s.one, lone: s.lone, in: s.in.clone()}}
}

// Equal reports whether s and o are the same state.
func (s *GSet[E]) Equal(o *GSet[E]) bool {
	return s.Len() == o.Len() && s.covers(o)
}

// covers reports whether all elements of o are in s.
func (s *GSet[E]) covers(o *GSet[E]) bool {
	s = s.orEmpty()
	if s.lone {
		return !slices.ContainsFunc(o.elems(), func(e E) bool { return e != s.one[0] })
	}
	next := 0
	for _, e := range o.elems() {
		i := s.in.findFrom(next, e)
		if i < 0 {
			return false
		}
		next = i + 1
	}
	return true
}

// sortedElems returns the elements in the order of their canonical bytes.
func (s *GSet[E]) sortedElems() []E {
	return slices.SortedFunc(s.All(), value.CompareKeys[E])
}

// AppendBinary implements [encoding.BinaryAppender].
func (s *GSet[E]) AppendBinary(b []byte) ([]byte, error) {
	return appendKeys(appendGrownHead(b, kindGSet, value.Identity[E]()), s.sortedElems()), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (s *GSet[E]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (s *GSet[E]) UnmarshalBinary(data []byte) error {
	if err := value.CheckKeyType[E](); err != nil {
		return fmt.Errorf("crdt: decode GSet: %w", wire.Damaged(err))
	}
	r := wire.NewReader(data)
	readGrownHead(r, kindGSet, value.Identity[E]())
	in := readTable[E](r)
	if err := r.Close(); err != nil {
		return fmt.Errorf("crdt: decode GSet: %w", wire.Damaged(err))
	}
	*s = GSet[E]{gSetState: gSetState[E]{in: in}}
	return nil
}

// MergeBinary is Merge of a binary form, without a second set in memory.
func (s *GSet[E]) MergeBinary(data []byte) (bool, error) {
	if err := value.CheckKeyType[E](); err != nil {
		return false, fmt.Errorf("crdt: merge GSet: %w", wire.Damaged(err))
	}
	r := wire.NewReader(data)
	readGrownHead(r, kindGSet, value.Identity[E]())
	in := readKeyList[E](r, data)
	if err := r.Close(); err != nil {
		return false, fmt.Errorf("crdt: merge GSet: %w", wire.Damaged(err))
	}
	s.expand()
	before := len(s.in.keys)
	for p := range in.all() {
		if i, e := s.in.findBytes(p); i < 0 {
			s.in.add(e)
		}
	}
	return len(s.in.keys) > before, nil
}

// MarshalJSON implements [json.Marshaler]: a list of the elements.
func (s gSetState[E]) MarshalJSON() ([]byte, error) {
	return appendKeysJSON(nil, (&GSet[E]{gSetState: s}).sortedElems()), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *GSet[E]) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		return nil
	}
	var list []json.RawMessage
	if err := decodeList(data, &list); err != nil {
		return fmt.Errorf("crdt: decode GSet: %w", wire.Damaged(err))
	}
	var in table[E]
	if err := in.addJSON(list); err != nil {
		return fmt.Errorf("crdt: decode GSet: %w", wire.Damaged(err))
	}
	*s = GSet[E]{gSetState: gSetState[E]{in: in}}
	return nil
}
