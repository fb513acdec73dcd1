package vclock

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/rejoin-go/rejoin/internal/show"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// ErrCovered is returned by [DVVSet.PutAt] for a dot known to the set or the
// writer.
var ErrCovered = errors.New("vclock: dot is covered")

// A DVVSet holds the concurrent versions of one key, its siblings, and what
// they and all replaced versions add up to. A write replaces exactly the
// siblings that its writer had seen and stands beside the others; nothing else
// removes one. So two clients that keep writing through one server without
// reading each other's writes leave two siblings.
//
// The zero DVVSet is a key never written and ready to use. A DVVSet is not safe
// for concurrent use. It holds O(r + s) state for r replicas that wrote and s
// siblings. V may be of nearly any type, which may change: see package content.
// Do not change a value that is in a set; sets share them.
//
// # Whole sets travel
//
// A set says of a replica "everything up to here". That is true of what a
// replica writes into its own set, and stays true as whole sets merge. A
// sibling out of one set that is put into another with [DVVSet.PutAt] is safe
// to merge: that set claims the one dot and none before it. But
// [DVVSet.Context] cannot say so to a client.
//
// See Preguiça, Baquero, Almeida, Fonte, Gonçalves, “Brief Announcement:
// Efficient Causality Tracking in Distributed Storage Systems with Dotted
// Version Vectors”, 2012.
type DVVSet[V any] struct {
	// past covers every replaced version, and every sibling that can be covered
	// without claiming an event that is not known. It is the largest such clock.
	past     Clock
	siblings []sibling[V] // in ascending order of dots
}

// A sibling is one version.
type sibling[V any] struct {
	dot  Dot
	v    V      // zero if bad
	kept string // the full form, unless v gives it back: see package value
	bad  bool   // V cannot hold the value
}

func (s *sibling[V]) compare(o *sibling[V]) int { return value.Compare(&s.v, s.kept, &o.v, o.kept) }

// join returns s or o, versions of the same dot. Only a reused identity makes
// them differ; the larger bytes stay then, so that replicas agree at least.
func (s *sibling[V]) join(o *sibling[V]) sibling[V] {
	if s.compare(o) < 0 {
		return *o
	}
	return *s
}

// newSibling returns the version of a write, which carries over what V does not know
// of the latest of the siblings that seen covers.
func (s *DVVSet[V]) newSibling(d Dot, seen Clock, v V) (w sibling[V], err error) {
	var old *sibling[V]
	for i := range s.siblings {
		if o := &s.siblings[i]; seen.Contains(o.dot) && (old == nil || old.dot.Seq < o.dot.Seq) {
			old = o
		}
	}
	w.dot = d
	if old != nil {
		w.v, w.kept, err = value.Replace(v, old.kept)
	} else {
		w.v, w.kept, err = value.Store(v)
	}
	if err != nil {
		err = fmt.Errorf("vclock: value type %w", err)
	}
	return w, err
}

// Put records a write of v by r and returns its dot. It replaces the siblings
// that seen covers: the [DVVSet.Context] of what the client read, or the empty
// clock. What V does not know of the one of these with the largest number is
// carried over. Only the owner of r may write under it, into its own set.
//
// Put returns [ErrExhausted] if r has no number left, or why v cannot be
// encoded. It panics if r is invalid.
func (s *DVVSet[V]) Put(r Replica, seen Clock, v V) (Dot, error) {
	last := max(s.past.At(r), seen.At(r))
	for i := range s.siblings {
		if d := s.siblings[i].dot; d.Replica == r {
			last = max(last, d.Seq)
		}
	}
	if last == 0 {
		r.mustBeValid()
	}
	if last == math.MaxUint64 {
		return Dot{}, fmt.Errorf("%w: %q", ErrExhausted, string(r))
	}
	d := Dot{r, last + 1}
	w, err := s.newSibling(d, seen, v)
	if err != nil {
		return Dot{}, err
	}
	s.Merge(&DVVSet[V]{seen, []sibling[V]{w}})
	return d, nil
}

// PutAt is [DVVSet.Put] with a given dot, whose number is a time, such as a
// hybrid logical clock's; it carries nothing over. Times leave gaps, so d
// claims nothing of the events before it. The owner of d.Replica makes its dots
// in ascending order, above all that the set and seen hold.
//
// PutAt changes nothing and returns [ErrCovered] if seen covers d, or the set
// does without holding it (d is too old, or repeats a version since replaced),
// or the reason if v cannot be encoded. It panics if d is not valid.
func (s *DVVSet[V]) PutAt(d Dot, seen Clock, v V) error {
	if !d.IsValid() {
		panic(fmt.Sprintf("vclock: %v", errInvalidDot(d)))
	}
	_, held := s.find(d)
	if seen.Contains(d) || !held && s.past.Contains(d) {
		return fmt.Errorf("%w: %v", ErrCovered, d)
	}
	w := sibling[V]{dot: d}
	var err error
	if w.v, w.kept, err = value.Store(v); err != nil {
		return fmt.Errorf("vclock: value type %w", err)
	}
	s.Merge(&DVVSet[V]{seen, []sibling[V]{w}})
	return nil
}

func (s *DVVSet[V]) find(d Dot) (int, bool) {
	return slices.BinarySearchFunc(s.siblings, d, func(w sibling[V], d Dot) int { return w.dot.Compare(d) })
}

// Merge joins o into s and reports whether s changed: what one of the two has
// seen and no longer holds is replaced, all else stays. It is commutative,
// associative and idempotent up to [DVVSet.Equal], and takes O(r + s) time for
// r replicas and s siblings, and O(r) for each sibling before which a gap
// closes.
func (s *DVVSet[V]) Merge(o *DVVSet[V]) bool {
	if s.Equal(o) {
		return false
	}
	var kept []sibling[V]
	ours, theirs := finger{s.past}, finger{o.past}
	i, j := 0, 0
	for i < len(s.siblings) || j < len(o.siblings) {
		switch cmp := compareHeads(s.siblings[i:], o.siblings[j:]); {
		case cmp < 0:
			if w := s.siblings[i]; w.dot.Seq > theirs.at(w.dot.Replica) {
				kept = append(kept, w)
			}
			i++
		case cmp > 0:
			if w := o.siblings[j]; w.dot.Seq > ours.at(w.dot.Replica) {
				kept = append(kept, w)
			}
			j++
		default:
			kept = append(kept, s.siblings[i].join(&o.siblings[j]))
			i, j = i+1, j+1
		}
	}
	joined := DVVSet[V]{s.past.Join(o.past), kept}
	joined.settle()
	changed := !s.Equal(&joined)
	*s = joined
	return changed
}

// Changed returns an iterator, ascending, over the dots of siblings that a
// merge of o would bring, with true, or remove, with false. It costs a Merge.
func (s *DVVSet[V]) Changed(o *DVVSet[V]) iter.Seq2[Dot, bool] {
	return func(yield func(d Dot, comes bool) bool) {
		joined := s.Clone()
		joined.Merge(o)
		was, is := s.siblings, joined.siblings
		for len(was) > 0 || len(is) > 0 {
			more := true
			switch cmp := compareHeads(was, is); {
			case cmp < 0:
				more = yield(was[0].dot, false)
				was = was[1:]
			case cmp > 0:
				more = yield(is[0].dot, true)
				is = is[1:]
			default:
				was, is = was[1:], is[1:]
			}
			if !more {
				return
			}
		}
	}
}

// compareHeads compares the first siblings of two lists, not both of them
// empty; a list that is used up comes last.
func compareHeads[V any](s, o []sibling[V]) int {
	switch {
	case len(s) == 0:
		return 1
	case len(o) == 0:
		return -1
	}
	return s[0].dot.Compare(o[0].dot)
}

// settle raises the past over the siblings that follow it without a gap.
func (s *DVVSet[V]) settle() {
	past, last := finger{s.past}, Dot{}
	for i := range s.siblings {
		d := s.siblings[i].dot
		if d.Replica != last.Replica {
			last = Dot{d.Replica, past.at(d.Replica)}
		}
		if d.Seq-1 == last.Seq {
			last = d
			s.past = s.past.With(d.Replica, d.Seq)
		}
	}
}

// Len returns the number of siblings.
func (s *DVVSet[V]) Len() int { return len(s.siblings) }

// Values returns an iterator over the values that V can hold, in ascending
// order of dots. If there are several, somebody has to choose or combine.
func (s *DVVSet[V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for i := range s.siblings {
			if w := &s.siblings[i]; !w.bad && !yield(w.v) {
				return
			}
		}
	}
}

// All returns an iterator over the siblings in ascending order of their dots,
// with the zero V for a value that V cannot hold: see [DVVSet.Unreadable].
func (s *DVVSet[V]) All() iter.Seq2[Dot, V] {
	return func(yield func(Dot, V) bool) {
		for i := range s.siblings {
			if !yield(s.siblings[i].dot, s.siblings[i].v) {
				return
			}
		}
	}
}

// Unreadable returns an iterator over siblings whose values V cannot hold,
// ascending. They come by [DVVSet.UnmarshalLenient], [DVVSet.MergeLenient] and
// merges with what these made, and are kept, merged and encoded byte for byte.
func (s *DVVSet[V]) Unreadable() iter.Seq2[Dot, *content.ValueError] {
	return func(yield func(Dot, *content.ValueError) bool) {
		for i := range s.siblings {
			w := &s.siblings[i]
			if !w.bad {
				continue
			}
			bad := value.Unreadable[V](w.kept)
			bad.Key = w.dot.String()
			if !yield(w.dot, bad) {
				return
			}
		}
	}
}

// Check returns the first error of [DVVSet.Unreadable], or nil.
func (s *DVVSet[V]) Check() error {
	for _, bad := range s.Unreadable() {
		return fmt.Errorf("vclock: %w", bad)
	}
	return nil
}

// Context returns the clock that a client which reads s now has to bring back
// with its write: it covers all siblings and everything replaced.
//
// # Hazard
//
// The context claims, of each replica, all up to the largest dot in s. That is
// so if only Put, Merge, and PutAt by the owner of the dot were used. If s got
// a later write of a replica through PutAt before an earlier one, it claims the
// earlier one too.
func (s *DVVSet[V]) Context() Clock {
	var beyond builder
	past := finger{s.past}
	for i := range s.siblings {
		d := s.siblings[i].dot
		if i+1 < len(s.siblings) && s.siblings[i+1].dot.Replica == d.Replica {
			continue // d is not the largest of its replica
		}
		if d.Seq > past.at(d.Replica) {
			beyond.push(d.Replica, d.Seq)
		}
	}
	return s.past.Join(beyond.clock())
}

// Verify returns an error that names the first dot of which s and o hold two
// values, or nil. Ask before a merge, which keeps one. There is none unless two
// lineages use one replica: see [Replica].
func (s *DVVSet[V]) Verify(o *DVVSet[V]) error {
	for i := range s.siblings {
		w := &s.siblings[i]
		if j, ok := o.find(w.dot); ok && w.compare(&o.siblings[j]) != 0 {
			return fmt.Errorf("vclock: dot %v is held with different content", w.dot)
		}
	}
	return nil
}

// LastOf returns the largest number of r in s, or 0. One above what r itself
// knows of shows that another lineage uses the name: see [Replica].
func (s *DVVSet[V]) LastOf(r Replica) uint64 {
	last := s.past.At(r)
	for i := range s.siblings {
		if d := s.siblings[i].dot; d.Replica == r {
			last = max(last, d.Seq)
		}
	}
	return last
}

// Speaks reports whether o has seen writes that are sealed, and s has not;
// numbers are times. Ask it of what does not come from a member with its
// matrix, and refuse what does: see [Matrix.Sealed].
func (s *DVVSet[V]) Speaks(o *DVVSet[V], sealed Closing) bool {
	ours := s.Context()
	for r, n := range o.Context().All() {
		if sealed.IsOverAt(r, n) && n > ours.At(r) {
			return true
		}
	}
	return false
}

// Equal reports whether s and o hold the same siblings and have seen the same.
func (s *DVVSet[V]) Equal(o *DVVSet[V]) bool {
	return s.past.Equal(o.past) && slices.EqualFunc(s.siblings, o.siblings, func(w, x sibling[V]) bool {
		return w.dot == x.dot && w.compare(&x) == 0
	})
}

// Clone returns a copy of s, which shares only the values with it.
func (s *DVVSet[V]) Clone() *DVVSet[V] {
	return &DVVSet[V]{s.past, slices.Clone(s.siblings)}
}

// String returns the values for people, all that were written concurrently.
func (s *DVVSet[V]) String() string { return show.Set(s.Values()) }
