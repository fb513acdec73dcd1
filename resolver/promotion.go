package resolver

import (
	"fmt"

	"github.com/rejoin-go/rejoin/vclock"
)

// A Promotion makes a new primary, which writes under Epoch and so fences all
// versions of lower epochs. Each promotion has a larger epoch than all before,
// from whoever coordinates the failover. Keys that nobody has written yet in it
// need the promotion itself: Cut is what the new primary had merged of each
// replica, in hlc times, over all its keys, as a [Cut] collects it. What was
// written outside of the cut came too late, even causally later than what the
// new primary has. It need not name rows that were adopted: see
// [Siblings.Seed].
type Promotion struct {
	Epoch uint64
	Cut   vclock.Clock
}

// A Cut collects the cut of a promotion from all the sets of the new primary,
// with every replica that ever wrote, earlier incarnations included, so that no
// set is emptied for a name that was forgotten. The zero Cut is empty and ready
// to use. A Cut is not safe for concurrent use.
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

// Promotion returns the promotion of whoever has the sets that were added. It
// is an error if epoch is not above the epochs of all of them.
func (c *Cut) Promotion(epoch uint64) (Promotion, error) {
	if epoch <= c.epoch {
		return Promotion{}, fmt.Errorf("resolver: promotion under epoch %d, while a set knows of %d", epoch, c.epoch)
	}
	return Promotion{Epoch: epoch, Cut: c.clock}, nil
}

// A StoreEpoch is the highest epoch that a store of many keys knows of. Observe
// each set that is merged, save the StoreEpoch in the same transaction, and
// Check before each write. A set that is not there yet says nothing of a
// promotion, and a deposed primary would go on creating keys, fenced as soon as
// they meet others.
type StoreEpoch uint64 //nolint:recvcheck // Observe raises it, the others read

// Observe raises e to the epoch of a merged set and reports whether it rose.
func (e *StoreEpoch) Observe(set interface{ Epoch() uint64 }) bool {
	higher := StoreEpoch(set.Epoch()) > *e
	*e = max(*e, StoreEpoch(set.Epoch()))
	return higher
}

// Check returns a [*FencedError] if w may write no more, whatever the set
// knows.
func (e StoreEpoch) Check(w Writer) error {
	if w.Epoch < uint64(e) {
		return &FencedError{Epoch: w.Epoch, Current: uint64(e)}
	}
	return nil
}

// Promote applies a promotion to s and returns the versions that this fences,
// in ascending order of stamps. They are no longer in s: log them. It has no
// effect on a set that knows p.Epoch or a higher one.
//
// A set with nothing outside of the cut is taken into the new epoch as it is.
// One with a write outside of it lacks what that write replaced, and is
// emptied: it gets what is valid when it next merges the set of the new
// primary. Merging does the same to sets of lower epochs, so the promotion
// reaches all of them in time; those that were promoted let no late write in.
//
// The new primary promotes its sets before it merges anything else into them:
// all at once, or each as it is next read. The cut must cover every time in
// them, also from the future (see [Siblings.Ahead]): what it leaves out is
// fenced there, too.
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
