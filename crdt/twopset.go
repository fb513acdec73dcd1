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

// A TwoPSet is a two-phase set: an element is added and perhaps removed, and
// then never comes back. Removing is final: it wins over every add, concurrent
// or later. There are no conflicts, and hence no replica names. It suits
// identifiers that are never used twice, such as orders. For elements that come
// and go see [ORSet] and [RWSet]. The zero TwoPSet is empty and ready to use.
// Add, Remove and Contains take O(1), Merge O(n) for n elements of its
// argument, present or removed. Removed elements are kept for ever. See Shapiro
// et al., 2011, section 3.3.2.
type TwoPSet[E comparable] struct {
	_ nocopy.NoCopy
	twoPSetState[E]
}

// A twoPSetState is what a TwoPSet holds, so that one in a struct has its JSON there.
type twoPSetState[E comparable] struct {
	one  [1]E     // the content of a delta of one element
	ones [1]phase // its phase, or absent if in and at hold the content
	in   table[E]
	at   []phase // parallel to in.keys, never absent
	gone int     // number of removed elements in at
}

// A phase is where an element of a [TwoPSet] is in its life.
type phase uint8

const (
	absent phase = iota
	present
	removed
)

// orEmpty returns s, or an empty set for a nil one: reads of the one are reads of the other.
func (s *TwoPSet[E]) orEmpty() *TwoPSet[E] {
	if s == nil {
		return new(TwoPSet[E])
	}
	return s
}

// elems returns the elements and their phases in either form. The results are
// only read.
func (s *TwoPSet[E]) elems() ([]E, []phase) {
	s = s.orEmpty()
	if s.ones[0] != absent {
		return s.one[:], s.ones[:]
	}
	return s.in.keys, s.at
}

// phase returns the phase of e.
func (s *TwoPSet[E]) phase(e E) phase {
	s = s.orEmpty()
	if s.ones[0] != absent && s.one[0] == e {
		return s.ones[0]
	}
	if i := s.in.find(e); i >= 0 {
		return s.at[i]
	}
	return absent
}

// expand makes s.in and s.at the content of s.
func (s *TwoPSet[E]) expand() {
	if p := s.ones[0]; p != absent {
		s.ones[0] = absent
		s.raise(s.in.find(s.one[0]), s.one[0], p)
	}
}

// raise takes e, whose number is i or, if it is new, -1, to phase p unless it is
// there already, and reports whether it was not.
func (s *TwoPSet[E]) raise(i int, e E, p phase) bool {
	if i < 0 {
		i = len(s.at)
		s.in.add(e)
		s.at = append(s.at, absent)
	}
	if s.at[i] >= p {
		return false
	}
	s.at[i] = p
	if p == removed {
		s.gone++
	}
	return true
}

// Add adds e and returns the delta. It has no effect if e has been removed.
func (s *TwoPSet[E]) Add(e E) *TwoPSet[E] {
	var d TwoPSet[E]
	s.add(e, &d)
	return &d
}

//go:noinline
func (s *TwoPSet[E]) add(e E, d *TwoPSet[E]) {
	e = normalized(e)
	s.expand()
	i := s.in.find(e)
	if i >= 0 && s.at[i] == removed {
		return
	}
	s.raise(i, e, present)
	d.one[0], d.ones[0] = e, present
}

// Remove removes e for good, if it was added, and returns the delta.
func (s *TwoPSet[E]) Remove(e E) *TwoPSet[E] {
	var d TwoPSet[E]
	s.remove(e, &d)
	return &d
}

//go:noinline
func (s *TwoPSet[E]) remove(e E, d *TwoPSet[E]) {
	s.expand()
	i := s.in.find(e)
	if i < 0 {
		return
	}
	s.raise(i, e, removed)
	d.one[0], d.ones[0] = s.in.keys[i], removed
}

// Contains reports whether e has been added and not removed.
func (s *TwoPSet[E]) Contains(e E) bool { return s.phase(e) == present }

// Removed reports whether e has been removed, so that adding it has no effect.
func (s *TwoPSet[E]) Removed(e E) bool { return s.phase(e) == removed }

// Len returns the number of elements that have been added and not removed.
func (s *TwoPSet[E]) Len() int {
	s = s.orEmpty()
	if p := s.ones[0]; p != absent {
		return int(removed - p)
	}
	return len(s.at) - s.gone
}

// All returns an iterator over the elements, in unspecified order.
func (s *TwoPSet[E]) All() iter.Seq[E] { return s.of(present) }

// of returns an iterator over the elements of a phase.
func (s *TwoPSet[E]) of(p phase) iter.Seq[E] {
	return func(yield func(E) bool) {
		elems, phases := s.elems()
		for i, e := range elems {
			if phases[i] == p && !yield(e) {
				return
			}
		}
	}
}

// Merge joins o into s and reports whether that changed s.
func (s *TwoPSet[E]) Merge(o *TwoPSet[E]) bool {
	s.expand()
	changed, next := false, 0
	elems, phases := o.elems()
	for j, e := range elems {
		i := s.in.findFrom(next, e)
		if next = i + 1; i < 0 {
			next = len(s.at) + 1
		}
		changed = s.raise(i, e, phases[j]) || changed
	}
	return changed
}

// Clone returns a copy that shares no memory with s.
func (s *TwoPSet[E]) Clone() *TwoPSet[E] {
	s = s.orEmpty()
	return &TwoPSet[E]{twoPSetState: twoPSetState[E]{one: s.one, ones: s.ones, in: s.in.clone(), at: slices.Clone(s.at), gone: s.gone}}
}

// Equal reports whether s and o are the same state.
func (s *TwoPSet[E]) Equal(o *TwoPSet[E]) bool {
	s = s.orEmpty()
	ours, _ := s.elems()
	theirs, phases := o.elems()
	if len(ours) != len(theirs) {
		return false
	}
	next := 0
	for j, e := range theirs {
		if s.ones[0] != absent {
			return s.phase(e) == phases[j]
		}
		i := s.in.findFrom(next, e)
		if i < 0 || s.at[i] != phases[j] {
			return false
		}
		next = i + 1
	}
	return true
}

// sorted returns the elements of a phase in the order of their canonical bytes.
func (s *TwoPSet[E]) sorted(p phase) []E {
	return slices.SortedFunc(s.of(p), value.CompareKeys[E])
}

// AppendBinary implements [encoding.BinaryAppender].
func (s *TwoPSet[E]) AppendBinary(b []byte) ([]byte, error) {
	b = appendKeys(appendGrownHead(b, kindTwoPSet, value.Identity[E]()), s.sorted(present))
	return appendKeys(b, s.sorted(removed)), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (s *TwoPSet[E]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (s *TwoPSet[E]) UnmarshalBinary(data []byte) error {
	if err := value.CheckKeyType[E](); err != nil {
		return fmt.Errorf("crdt: decode TwoPSet: %w", wire.Damaged(err))
	}
	r := wire.NewReader(data)
	readGrownHead(r, kindTwoPSet, value.Identity[E]())
	in, gone := readTable[E](r), readTable[E](r)
	if err := r.Close(); err != nil {
		return fmt.Errorf("crdt: decode TwoPSet: %w", wire.Damaged(err))
	}
	return s.set(in, gone)
}

// MergeBinary is Merge of a binary form, without a second set in memory.
func (s *TwoPSet[E]) MergeBinary(data []byte) (bool, error) {
	if err := value.CheckKeyType[E](); err != nil {
		return false, fmt.Errorf("crdt: merge TwoPSet: %w", wire.Damaged(err))
	}
	r := wire.NewReader(data)
	readGrownHead(r, kindTwoPSet, value.Identity[E]())
	in, gone := readKeyList[E](r, data), readKeyList[E](r, data)
	if err := r.Close(); err != nil {
		return false, fmt.Errorf("crdt: merge TwoPSet: %w", wire.Damaged(err))
	}
	if p, found := in.common(gone); found {
		e, _ := value.DecodeKey[E](p)
		return false, fmt.Errorf("crdt: merge TwoPSet: %w", inBoth(e))
	}
	s.expand()
	changed := s.raiseAll(in, present)
	return s.raiseAll(gone, removed) || changed, nil
}

// raiseAll takes the elements of l to phase p, unless they are there already, and
// reports whether one was not.
func (s *TwoPSet[E]) raiseAll(l keyList, p phase) bool {
	changed := false
	for q := range l.all() {
		i, e := s.in.findBytes(q)
		changed = s.raise(i, e, p) || changed
	}
	return changed
}

// inBoth returns the error of an element that is in both lists.
func inBoth[E comparable](e E) error {
	return wire.Damaged(fmt.Errorf("%s is both present and removed", value.AppendKeyJSON(nil, e)))
}

// set makes s the set of the elements of in and, removed, of gone.
func (s *TwoPSet[E]) set(in, gone table[E]) error {
	for _, e := range gone.keys {
		if in.find(e) >= 0 {
			return fmt.Errorf("crdt: decode TwoPSet: %w", inBoth(e))
		}
	}
	n := len(in.keys) + len(gone.keys)
	in.grow(n)
	d := TwoPSet[E]{twoPSetState: twoPSetState[E]{in: in, at: append(make([]phase, 0, n), slices.Repeat([]phase{present}, len(in.keys))...)}}
	for _, e := range gone.keys {
		d.raise(-1, e, removed)
	}
	s.twoPSetState = d.twoPSetState
	return nil
}

// MarshalJSON implements [json.Marshaler], as
// {"present":["p"],"removed":["q"]}.
func (s twoPSetState[E]) MarshalJSON() ([]byte, error) {
	set := &TwoPSet[E]{twoPSetState: s}
	b := appendKeysJSON([]byte(`{"present":`), set.sorted(present))
	b = appendKeysJSON(append(b, `,"removed":`...), set.sorted(removed))
	return append(b, '}'), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *TwoPSet[E]) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		return nil
	}
	var in, gone table[E]
	m, err := members(data, "present", "removed")
	for i, t := range []*table[E]{&in, &gone} {
		var list []json.RawMessage
		if err == nil {
			err = decodeList(m[i], &list)
		}
		if err == nil {
			err = t.addJSON(list)
		}
	}
	if err != nil {
		return fmt.Errorf("crdt: decode TwoPSet: %w", wire.Damaged(err))
	}
	return s.set(in, gone)
}
