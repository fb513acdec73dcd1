package crdt

import (
	"math"

	"github.com/rejoin-go/rejoin/vclock"
)

// LastOf returns the sum of all that r has minted, spent, given and reclaimed.
func (c *BoundedCounter) LastOf(r vclock.Replica) uint64 {
	c = c.orEmpty()
	sum := uint64(0)
	add := func(n int64) {
		if sum += uint64(n); sum < uint64(n) {
			sum = math.MaxUint64
		}
	}
	for _, h := range c.holdings() {
		if h.replica == r {
			add(h.minted)
			add(h.spent)
		}
	}
	for _, a := range c.moves {
		for _, m := range a.given {
			if a.owner == r {
				add(m.n)
			}
		}
		for _, m := range a.taken {
			if m.to == r {
				add(m.n)
			}
		}
	}
	return sum
}

// Usable returns nil if r can change c, and a [*FencedError] if its rights were
// reclaimed. Of a later incarnation only [vclock.Matrix.Usable] knows.
func (c *BoundedCounter) Usable(r vclock.Replica) error {
	for _, h := range c.holdings() {
		if h.replica == r && h.fenced {
			return &FencedError{Replica: r, By: c.moves.taker(r)}
		}
	}
	return nil
}

// Speaks reports whether o has something of sealed incarnations that c has not.
// It is for the log: merge it all the same, as nothing here is closed.
func (c *BoundedCounter) Speaks(o *BoundedCounter, sealed vclock.Closing) bool {
	c, o = c.orEmpty(), o.orEmpty()
	for _, h := range o.holdings() {
		var ours entry
		for _, x := range c.holdings() {
			if x.replica == h.replica {
				ours = x.entry
			}
		}
		if sealed.IsOver(h.replica) && (h.minted > ours.minted || h.spent > ours.spent) {
			return true
		}
	}
	for _, a := range o.moves {
		for _, m := range a.given {
			if sealed.IsOver(a.owner) && m.n > c.moves.moved(a.owner, m.to, false) {
				return true
			}
		}
		for _, m := range a.taken {
			if sealed.IsOver(m.to) && m.n > c.moves.moved(a.owner, m.to, true) {
				return true
			}
		}
	}
	return false
}
