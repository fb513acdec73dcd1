package resolver

import "github.com/rejoin-go/rejoin/vclock"

// A Promotion makes a new primary. Every promotion has an epoch of its own,
// larger than all before, which whoever coordinates the failover gives out; the
// new primary writes under it.
//
// Writes of the new epoch fence all versions of lower ones. Keys that nobody has
// written yet in the new epoch need the promotion itself: Cut is what the new
// primary had merged of each replica, in hlc times, over all its keys: see
// [Siblings.LastOf]. What was written outside of it came too late, however causally
// later than what the new primary has. Rows that were adopted need no place in it:
// see [Siblings.Seed].
type Promotion struct {
	Epoch uint64
	Cut   vclock.Clock
}

// Promote applies a promotion to s and returns the versions that this fences, in
// ascending order of their stamps. They are no longer in s: log them.
//
// A set with nothing outside of the cut is taken into the new epoch as it is.
// One with a write outside of the cut is worth nothing in it: not even what that
// write replaced is there any more. It is emptied, and gets what is valid when it
// next merges the set of the new primary, which by definition has all that the
// cut covers. Merging does the same to a set of a lower epoch, so the promotion
// reaches every set in time; those that were promoted do not let late writes in.
//
// The new primary promotes its sets before it merges anything else into them: all
// at once, or each as it is next read. Promote has no effect on a set that knows
// p.Epoch or a higher one.
//
// # Hazard
//
// The cut must cover every time in the sets of the new primary, those from the
// future included, which [Siblings.Ahead] finds. What it does not cover is fenced
// there, too.
func (s *Siblings[T]) Promote(p Promotion) (fenced []Version[T]) {
	switch {
	case p.Epoch <= s.level:
		return nil
	case p.covers(s.past):
		s.level = p.Epoch
		return nil
	}
	fenced = s.Versions()
	*s = Siblings[T]{level: p.Epoch, floor: s.floor}
	return fenced
}

// covers reports whether nothing in past is outside of the cut. A row that was
// adopted is no late write of anybody.
func (p Promotion) covers(past vclock.Clock) bool {
	for r, t := range past.All() {
		if t > p.Cut.At(r) && !adopted(r) {
			return false
		}
	}
	return true
}
