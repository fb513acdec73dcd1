package resolver

import (
	"cmp"
	"slices"

	"github.com/rejoin-go/rejoin/lww"
)

// Merge updates s to the join of s and o, and reports whether s changed. It
// neither modifies nor retains o. First log what [Siblings.Fenced] returns:
// after the merge it is in neither state.
//
// Of two sets of one epoch, a version that one has merged and no longer holds
// is gone, and all others stay, but for those below the highest epoch among
// them. Of sets of different epochs only the higher counts: see [Promotion].
//
// Merge is commutative, associative and idempotent up to [Siblings.Equal],
// unless a reused identity gives one stamp to versions of two epochs. It takes
// O(s·r) time for r replicas and s versions in both sets, and allocates nothing
// if they are equal.
func (s *Siblings[T]) Merge(o *Siblings[T]) bool {
	if s.Equal(o) {
		return false
	}
	joined := s.join(o)
	changed := !s.Equal(&joined)
	*s = joined
	return changed
}

// Fenced returns the versions of s and o that merging them would fence, in
// ascending order of stamps: those of a lower epoch which no writer of a
// remaining version is known to have been shown, so in doubt one too many.
func (s *Siblings[T]) Fenced(o *Siblings[T]) []Version[T] {
	if s.level == o.level && s.epoch == o.epoch {
		return nil
	}
	joined := s.join(o)
	lost := append(s.lost(&joined), o.lost(&joined)...)
	slices.SortFunc(lost, func(a, b entry[T]) int { return a.compare(&b) })
	lost = slices.CompactFunc(lost, func(a, b entry[T]) bool { return a.same(&b) })
	fenced := make([]Version[T], len(lost))
	for i := range lost {
		fenced[i] = lost[i].Version
	}
	return fenced
}

// lost returns the entries of s that joined, which s went into, has not, and which
// were not shown to the writer of one that it has.
func (s *Siblings[T]) lost(joined *Siblings[T]) []entry[T] {
	var lost []entry[T]
	for i := range s.entries {
		e := &s.entries[i]
		known := slices.ContainsFunc(joined.entries, func(f entry[T]) bool {
			return f.same(e) || f.Past.shown(e.Stamp, e.Epoch)
		})
		if !known && (e.Epoch < joined.epoch || s.level < joined.level) {
			lost = append(lost, *e)
		}
	}
	return lost
}

// join returns the join of s and o: by level first, and within one level by
// causality. It writes to neither.
func (s *Siblings[T]) join(o *Siblings[T]) Siblings[T] {
	joined := *s
	switch {
	case s.level < o.level:
		joined = *o
	case s.level == o.level:
		joined.past = s.past.Join(o.past)
		joined.epoch = max(s.epoch, o.epoch)
		joined.entries = slices.DeleteFunc(s.union(o), func(e entry[T]) bool { return e.Epoch < joined.epoch })
	}
	joined.floor, joined.grown = max(s.floor, o.floor), nil
	return joined
}

// union returns the entries of s and o that neither side has seen replaced.
//
// Of one stamp, a side has not heard, holds one or more contents, or has seen
// them all go. In this order, with sets of contents joined by union, these are
// a semilattice, which is why Merge is a join even if identities are reused.
func (s *Siblings[T]) union(o *Siblings[T]) []entry[T] {
	kept := make([]entry[T], 0, len(s.entries)+len(o.entries))
	i, j := 0, 0
	for i < len(s.entries) || j < len(o.entries) {
		switch c := compareHeads(s.entries[i:], o.entries[j:]); {
		case c < 0:
			kept = o.keep(kept, &s.entries[i])
			i++
		case c > 0:
			kept = s.keep(kept, &o.entries[j])
			j++
		default:
			kept = append(kept, s.entries[i])
			i, j = i+1, j+1
		}
	}
	return kept
}

// keep appends e, which s does not hold, unless s has seen it replaced. What s
// holds under the same stamp it has not seen replaced.
func (s *Siblings[T]) keep(kept []entry[T], e *entry[T]) []entry[T] {
	if contains(s.past, e.Stamp) {
		_, held := slices.BinarySearchFunc(s.entries, e.Stamp, func(f entry[T], t lww.Stamp) int { return f.Stamp.Compare(t) })
		if !held {
			return kept
		}
	}
	return append(kept, *e)
}

// compareHeads compares the first entries of two lists, not both of them empty;
// a list that is used up comes last.
func compareHeads[T any](s, o []entry[T]) int {
	if len(s) == 0 || len(o) == 0 {
		return cmp.Compare(len(o), len(s))
	}
	return s[0].compare(&o[0])
}
