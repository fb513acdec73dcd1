package resolver

import (
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// kin returns what e carries, and what follows from e itself: before a create there
// was nothing, and after e there is e, unless its past covers what it has not seen.
func (e *entry[T]) kin() []ancestor[T] {
	all := slices.Clip(e.ancestors)
	if !e.exact() {
		return all
	}
	if !e.Past.found {
		all = append(all, ancestor[T]{past: e.Past.past})
	}
	if !e.partial {
		a := ancestor[T]{past: e.Past.past.With(e.Stamp.Replica, uint64(e.Stamp.Time))}
		if !e.Deleted {
			a.value = e.stored
		}
		all = append(all, a)
	}
	return all
}

// exact reports whether what e has seen is all that the clock of its past covers,
// in its own epoch.
func (v *Version[T]) exact() bool {
	return v.Past.dot.IsZero() && (v.Past.past.IsZero() || v.Past.of == v.Epoch && v.Past.epoch == v.Epoch)
}

// shown returns the ancestor that a writer under seen starts from: what the set
// holds, if that is the one version that it was shown, and else what it says that it
// started from.
func (s *Siblings[T]) shown(seen Context, base *T) (ancestor[T], error) {
	a := ancestor[T]{past: seen.past}
	switch {
	case !seen.found:
	case len(s.entries) == 1 && seen.past.Equal(s.past):
		a.value = s.entries[0].stored // nil of a delete
	default:
		var err error
		if a.value, err = store(*base, s.newest(seen)); err != nil {
			return a, err
		}
	}
	return a, nil
}

// newest returns the value of the newest of the versions that a write under seen
// replaces, nil if that are none but deletes. A write keeps of it what its type does
// not know.
func (s *Siblings[T]) newest(seen Context) *stored[T] {
	if seen.isBlind() {
		return nil
	}
	for i := len(s.entries) - 1; i >= 0; i-- {
		if e := &s.entries[i]; e.stored != nil && seen.covers(e.Stamp) {
			return e.stored
		}
	}
	return nil
}

// carry gives v, a write of s, the ancestors of the versions that it replaces, and
// with a base what its writer was shown. A line of edits begins with the first that
// says what it started from; whoever never does pays nothing.
func (s *Siblings[T]) carry(v *Version[T], base *T) error {
	seen := v.Past
	v.partial = seen.past.At(v.Stamp.Replica) < s.past.At(v.Stamp.Replica)
	line := base != nil
	if !line && seen.isBlind() {
		return nil
	}
	for i := range s.entries {
		e := &s.entries[i]
		line = line || len(e.ancestors) > 0 && e.Epoch == v.Epoch && seen.covers(e.Stamp)
	}
	if !line {
		return nil
	}
	var all []ancestor[T]
	for i := range s.entries {
		if e := &s.entries[i]; e.Epoch == v.Epoch && seen.covers(e.Stamp) {
			all = append(all, e.kin()...)
		}
	}
	if base != nil && v.exact() && seen.found {
		a, err := s.shown(seen, base)
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	v.ancestors = trim(all)
	return nil
}

// A common is what versions have in common: the base of their merge.
type common[T any] struct {
	value *stored[T] // nil if there was nothing
	known bool
}

// base returns the value, nil if there is none.
func (c *common[T]) base() *T {
	if c.value == nil {
		return nil
	}
	return &c.value.v
}

// commonAt returns what there was to show under past. Ancestors of the entries have
// to say so that have exactly this past, and to agree.
func commonAt[T any](entries []entry[T], past vclock.Clock) common[T] {
	var found *ancestor[T]
	ok := true
	see := func(a *ancestor[T]) {
		if a.past.Equal(past) {
			ok = ok && (found == nil || found.value.same(a.value))
			found = a
		}
	}
	for i := range entries {
		e := &entries[i]
		for j := range e.ancestors {
			see(&e.ancestors[j])
		}
		if !e.Past.found && e.Past.past.Equal(past) {
			see(&ancestor[T]{past: past})
		}
	}
	if found == nil || !ok || found.value != nil && found.value.bad != nil {
		return common[T]{}
	}
	return common[T]{found.value, true}
}

// comparablePasts reports whether the pasts of entries say what they have in common:
// whether none is of a provisional context or of another epoch.
func comparablePasts[T any](entries []entry[T]) bool {
	for i := range entries {
		if e := &entries[i]; !e.exact() || e.Epoch != entries[0].Epoch {
			return false
		}
	}
	return true
}

// commonOf returns what all entries have in common, if any two of them have the
// same past in common.
func commonOf[T any](entries []entry[T]) common[T] {
	creates, lines := true, false
	for i := range entries {
		creates = creates && !entries[i].Past.found
		lines = lines || !entries[i].Past.found || len(entries[i].ancestors) > 0
	}
	switch {
	case creates:
		return common[T]{known: true} // nothing was there, and everybody knew
	case !lines || len(entries) < 2 || len(entries) > maxMerged || !comparablePasts(entries):
		return common[T]{}
	}
	first, alike := entries[0].Past.past, true
	for i := range entries {
		alike = alike && entries[i].Past.past.Equal(first)
	}
	if alike { // as of edits of one value
		return commonAt(entries, first)
	}
	past := first.Meet(entries[1].Past.past)
	for i := 2; i < len(entries); i++ {
		for j := range i {
			if !entries[i].Past.past.Meet(entries[j].Past.past).Equal(past) {
				return common[T]{}
			}
		}
	}
	return commonAt(entries, past)
}

// maxMerged bounds how many versions are merged three ways: looking for what they
// have in common takes O(n²) meets.
const maxMerged = 32
