package resolver

import (
	"fmt"

	"github.com/rejoin-go/rejoin/vclock"
)

// A Promotion makes a new primary. Every promotion has an epoch of its own,
// larger than all before, which whoever coordinates the failover gives out; the
// new primary writes under it.
//
// Writes of the new epoch fence all versions of lower ones. Keys that nobody has
// written yet in the new epoch need the promotion itself: Cut is what the new
// primary had merged of each replica, in hlc times, over all its keys, as a [Cut]
// collects it. What was written outside of it came too late, however causally
// later than what the new primary has. Rows that were adopted need no place in it:
// see [Siblings.Seed].
type Promotion struct {
	Epoch uint64
	Cut   vclock.Clock
}

// A Cut collects the cut of a promotion from all the sets of the new primary. It has
// every replica that ever wrote, earlier incarnations included, so that no set is
// emptied for a name that was forgotten.
//
//	var cut resolver.Cut
//	for _, set := range sets {
//		cut.Add(set)
//	}
//	promotion, err := cut.Promotion(epoch)
//
// The zero Cut is empty and ready to use. A Cut is not safe for concurrent use.
type Cut struct {
	clock vclock.Clock
	epoch uint64
}

// Add adds what a set has merged, a [Siblings] of any type.
func (c *Cut) Add(set interface {
	Clock() vclock.Clock
	Epoch() uint64
},
) {
	c.clock = c.clock.Join(set.Clock())
	c.epoch = max(c.epoch, set.Epoch())
}

// Promotion returns the promotion of whoever has the sets that were added, under the
// given epoch. It is an error if that is not above the epochs of all sets.
func (c *Cut) Promotion(epoch uint64) (Promotion, error) {
	if epoch <= c.epoch {
		return Promotion{}, fmt.Errorf("resolver: promotion under epoch %d, while a set knows of %d", epoch, c.epoch)
	}
	return Promotion{Epoch: epoch, Cut: c.clock}, nil
}

// A StoreEpoch is the highest epoch that a store of many keys knows of. It belongs
// into the store itself, written in the transaction that merges: a set that is not
// there yet says nothing of a promotion, so that a deposed primary would go on
// creating keys, all of them fenced as soon as they meet others.
//
//	if store.Observe(fromPeer) {
//		save(store) // with the set, at once
//	}
//	…
//	if err := store.Check(writer); err != nil { // before each write
//		return err // a [*FencedError]: this is the primary no more
//	}
type StoreEpoch uint64 //nolint:recvcheck // Observe raises it, the others read

// Observe raises e to the epoch of a set that is merged, and reports whether it rose.
func (e *StoreEpoch) Observe(set interface{ Epoch() uint64 }) bool {
	higher := StoreEpoch(set.Epoch()) > *e
	*e = max(*e, StoreEpoch(set.Epoch()))
	return higher
}

// Check returns a [*FencedError] without a version if w may not write any more,
// whatever the set that it is to write to knows.
func (e StoreEpoch) Check(w Writer) error {
	if w.Epoch < uint64(e) {
		return &FencedError{Epoch: w.Epoch, Current: uint64(e)}
	}
	return nil
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
