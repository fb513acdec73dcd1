package lww

import (
	"iter"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/nocopy"
)

// A Set is a last-writer-wins set, one stamp per element. Of a concurrent add
// and remove of one element the one with the larger [Stamp] wins, and the
// remove if the stamps are equal.
//
// The zero Set is empty and ready to use. A Set is not safe for concurrent use,
// and must not be copied: see the package comment. It is a [Map] without
// values: its methods and costs are those of Map. It holds one version per
// element ever added, removed ones included until [Set.Compact].
type Set[E comparable] struct {
	_ nocopy.NoCopy
	core[E, member]
}

// A member is the value of an element.
type member struct{}

// Add adds e, unless it is in s: see Writes in the package comment.
func (s *Set[E]) Add(w Writer, e E) (delta *Set[E], err error) {
	d, err := s.write(w, e, member{}, false)
	return &Set[E]{core: d}, err
}

// AddAt adds e under a stamp from elsewhere: see [Map.PutAt].
func (s *Set[E]) AddAt(e E, at Stamp) (delta *Set[E], err error) {
	d, err := s.writeAt(e, member{}, false, at)
	return &Set[E]{core: d}, err
}

// Touch adds e, which is in s, again under a new stamp: see [Map.Touch].
func (s *Set[E]) Touch(w Writer, e E) (delta *Set[E], err error) {
	d, err := s.touch(w, e)
	return &Set[E]{core: d}, err
}

// Remove removes e, whether s holds it or not, and leaves a tombstone.
func (s *Set[E]) Remove(w Writer, e E) (delta *Set[E], err error) {
	d, err := s.write(w, e, member{}, true)
	return &Set[E]{core: d}, err
}

// RemoveAt is [Set.Remove] under a stamp from elsewhere: see [Map.PutAt].
func (s *Set[E]) RemoveAt(e E, at Stamp) (delta *Set[E], err error) {
	d, err := s.writeAt(e, member{}, true, at)
	return &Set[E]{core: d}, err
}

// Contains reports whether e is in s.
func (s *Set[E]) Contains(e E) bool {
	i := s.lookup(e)
	return i >= 0 && !s.core.entries[i].deleted()
}

// Stamp returns the stamp of the last add or remove of e, or zero.
func (s *Set[E]) Stamp(e E) Stamp {
	if i := s.lookup(e); i >= 0 {
		return s.stamp(i)
	}
	return Stamp{}
}

// Len returns the number of elements.
func (s *Set[E]) Len() int { return len(s.entries) - s.dead }

// All returns an iterator over the elements: see [Map.All].
func (s *Set[E]) All() iter.Seq[E] {
	return func(yield func(E) bool) {
		for i := range s.entries {
			if e := &s.entries[i]; !e.deleted() && !yield(e.key) {
				return
			}
		}
	}
}

// Tombstones returns an iterator over removed elements with their stamps.
func (s *Set[E]) Tombstones() iter.Seq2[E, Stamp] { return s.tombstones() }

// Merge joins o into s, and reports whether s changed: see [Map.Merge].
func (s *Set[E]) Merge(o *Set[E]) bool { return s.merge(&o.core) }

// Changed returns the elements that merging o would change: see [Map.Changed].
func (s *Set[E]) Changed(o *Set[E]) []E { return s.changed(&o.core) }

// Stragglers returns what a merge of s and o would drop: see [Map.Stragglers].
func (s *Set[E]) Stragglers(o *Set[E]) []Entry[E, struct{}] {
	return elements(s.stragglers(&o.core))
}

// elements returns entries without values.
func elements[E comparable](in []Entry[E, member]) []Entry[E, struct{}] {
	var out []Entry[E, struct{}]
	for _, e := range in {
		out = append(out, Entry[E, struct{}]{Key: e.Key, Deleted: e.Deleted, Stamp: e.Stamp})
	}
	return out
}

// Ahead returns the versions more than limit after now: see [Map.Ahead].
func (s *Set[E]) Ahead(now hlc.Timestamp, limit time.Duration) []Entry[E, struct{}] {
	return elements(s.ahead(now, limit))
}

// Latest returns the largest time in s: see [Map.Latest].
func (s *Set[E]) Latest() hlc.Timestamp { return s.latest() }

// Horizon returns the time that s is compacted to, or zero.
func (s *Set[E]) Horizon() hlc.Timestamp { return s.horizon }

// Compact drops tombstones with a time at or below horizon: see [Map.Compact].
func (s *Set[E]) Compact(horizon hlc.Timestamp) error { return s.compact(horizon) }

// Equal reports whether s and o have equal versions, tombstones and horizons.
func (s *Set[E]) Equal(o *Set[E]) bool { return s.equal(&o.core) }

// Clone returns a copy of s that shares nothing with it.
func (s *Set[E]) Clone() *Set[E] { return &Set[E]{core: s.clone()} }
