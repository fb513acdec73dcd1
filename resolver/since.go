package resolver

import (
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// Since returns what s holds that old, such as an earlier Clone of s, does not,
// as a set of its own: a delta. To merge it into anything that has merged old
// does what merging s would. It has only the versions and the clock of replicas
// of which something differs, or which the writers of these versions, or of what
// these were made from, had been shown. It may be lost, late, repeated, and
// merged by anybody. A sender that keeps a Clone of what each peer has
// acknowledged needs no log.
//
// If s and old are not of one epoch, the delta is all of s. It takes O(r² +
// s·r·p) time for r replicas and s versions, where p is how many steps lead
// from one version to another by what their writers had seen, 1 or 2 as a rule.
func (s *Siblings[T]) Since(old *Siblings[T]) *Siblings[T] {
	d := s.Clone()
	if s.level != old.level || s.epoch != old.epoch {
		return d
	}
	about := s.newsTo(old)
	for more := true; more; { // a set has seen what its versions have
		more = false
		for i := range s.entries {
			e := &s.entries[i]
			if !about[e.Stamp.Replica] {
				continue
			}
			add := func(r vclock.Replica) {
				more = more || !about[r]
				about[r] = true
			}
			for r := range e.Past.past.All() {
				add(r)
			}
			if dot := e.Past.dot; !dot.IsZero() {
				add(dot.Replica)
			}
			for _, a := range e.ancestors { // a write over one version of a conflict carries on what it has not seen
				for r := range a.past.All() {
					add(r)
				}
			}
		}
	}
	d.past = vclock.Clock{}
	for r, t := range s.past.All() {
		if about[r] {
			d.past = d.past.With(r, t)
		}
	}
	d.entries = slices.DeleteFunc(slices.Clone(s.entries), func(e entry[T]) bool { return !about[e.Stamp.Replica] })
	return d
}

// newsTo returns the replicas of which s and old do not say the same. The times of one
// replica have gaps that nobody can tell, so all that s says of it goes together.
func (s *Siblings[T]) newsTo(old *Siblings[T]) map[vclock.Replica]bool {
	news := map[vclock.Replica]bool{}
	for r, t := range s.past.All() {
		if t != old.past.At(r) {
			news[r] = true
		}
	}
	differences(old.entries, s.entries, func(e *entry[T], _ bool) bool {
		news[e.Stamp.Replica] = true
		return true
	})
	return news
}

// Changed returns an iterator over what merging o would change in s: the
// versions that would come, with true, and go, with false, in ascending order
// of stamps. Those that nobody replaced are in [Siblings.Fenced]. It costs as
// much as Merge.
func (s *Siblings[T]) Changed(o *Siblings[T]) iter.Seq2[Version[T], bool] {
	return func(yield func(v Version[T], comes bool) bool) {
		joined := s.join(o)
		differences(s.entries, joined.entries, func(e *entry[T], comes bool) bool { return yield(e.Version, comes) })
	}
}

// differences calls yield with what one of two lists of entries has and the other has not, in
// order, and true for what is in the second, until it returns false.
func differences[T any](was, is []entry[T], yield func(e *entry[T], comes bool) bool) {
	for len(was) > 0 || len(is) > 0 {
		more := true
		switch c := compareHeads(was, is); {
		case c < 0:
			more = yield(&was[0], false)
			was = was[1:]
		case c > 0:
			more = yield(&is[0], true)
			is = is[1:]
		default:
			was, is = was[1:], is[1:]
		}
		if !more {
			return
		}
	}
}
