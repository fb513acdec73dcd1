package crdt

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// A share whose field below is not zero is a closed one: it stands under the name without
// an incarnation, and is the total of all incarnations before the one that the field says. It
// counts as a whole: of two, that which closes more, and of two that close as much the
// larger. Shares of incarnations that one closes are not beside it.

// closes reports whether one of shares closes the incarnation r.
func closes(shares []share, r vclock.Replica) bool {
	name, life := r.Lineage()
	i, ok := findShare(shares, name)
	return ok && shares[i].below > life
}

func findShare(shares []share, r vclock.Replica) (int, bool) {
	return slices.BinarySearchFunc(shares, r, func(s share, r vclock.Replica) int { return cmp.Compare(s.replica, r) })
}

func isClosed(s share) bool { return s.below > 0 }

// open returns those of shares that none of by closes, which may be shares themselves.
func open(shares, by []share) []share {
	if !slices.ContainsFunc(by, isClosed) {
		return shares
	}
	stays := func(s share) bool { return isClosed(s) || !closes(by, s.replica) }
	if !slices.ContainsFunc(shares, func(s share) bool { return !stays(s) }) {
		return shares
	}
	var kept []share
	for _, s := range shares {
		if stays(s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// Close makes one total, under the name alone, of incarnations that are over.
func (c *GCounter) Close(over vclock.Closing) bool {
	c.expand()
	ends := maps.Collect(over.All())
	closed := map[vclock.Replica]*share{}
	var all []share
	for _, s := range c.all {
		name, life := s.replica.Lineage()
		end := ends[name]
		if max(life+1, s.below) > end || s.below == end {
			all = append(all, s)
			continue
		}
		into := closed[name]
		if into == nil {
			into = &share{replica: name, below: end}
			closed[name] = into
		}
		if into.total += s.total; into.total < s.total {
			into.total = math.MaxUint64
		}
	}
	if len(closed) == 0 {
		return false
	}
	for _, s := range closed {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b share) int { return compareShares(&a, &b) })
	c.all = all
	return true
}

// LastOf returns the total of r, of that incarnation, and 0 if that is closed.
func (c *GCounter) LastOf(r vclock.Replica) uint64 {
	if i, ok := findShare(c.shares(), r); ok && !isClosed(c.shares()[i]) {
		return c.shares()[i].total
	}
	return 0
}

// Usable returns nil if r can change c, and else a [*vclock.MemberError].
func (c *GCounter) Usable(r vclock.Replica) error {
	if closes(c.shares(), r) {
		return &vclock.MemberError{Replica: r, Over: true}
	}
	return nil
}

// Speaks reports whether o has counts of sealed incarnations that c has not.
func (c *GCounter) Speaks(o *GCounter, sealed vclock.Closing) bool {
	ours := c.shares()
	for _, s := range o.shares() {
		i, ok := findShare(ours, s.replica)
		switch {
		case isClosed(s):
			if s.total > c.before(s.replica, s.below) {
				return true
			}
		case !sealed.IsOver(s.replica) || closes(ours, s.replica):
		case !ok || ours[i].total < s.total:
			return true
		}
	}
	return false
}

// before returns what c has of the incarnations of a name before one, or all that can be if
// it has closed more.
func (c *GCounter) before(name vclock.Replica, end uint64) uint64 {
	sum := uint64(0)
	for _, s := range c.shares() {
		switch base, life := s.replica.Lineage(); {
		case base != name:
		case s.below > end:
			return math.MaxUint64
		case isClosed(s) || life < end:
			if sum += s.total; sum < s.total {
				return math.MaxUint64
			}
		}
	}
	return sum
}

// Verify returns an error if c and y closed the same incarnations with
// different totals: too early, or two lineages used the name.
func (c *GCounter) Verify(y *GCounter) error {
	theirs := y.shares()
	for _, s := range c.shares() {
		i, ok := findShare(theirs, s.replica)
		if ok && isClosed(s) && theirs[i].below == s.below && theirs[i].total != s.total {
			return fmt.Errorf("crdt: the lives of %q before %d have counted to %d and to %d", string(s.replica), s.below, s.total, theirs[i].total)
		}
	}
	return nil
}

// checkShares returns an error if shares are not those of a state: closed must be true if
// some of them are.
func checkShares(shares []share, closed bool) error {
	if closed != slices.ContainsFunc(shares, isClosed) {
		return errors.New("the form with closed totals is of counters that have any")
	}
	if !closed {
		return nil
	}
	for _, s := range shares {
		switch name, _ := s.replica.Lineage(); {
		case isClosed(s) && (name != s.replica || s.below > vclock.MaxIncarnation+1):
			return fmt.Errorf("replica %q cannot be closed before %d", string(s.replica), s.below)
		case !isClosed(s) && closes(shares, s.replica):
			return fmt.Errorf("replica %q counts beside the total that it is in", string(s.replica))
		}
	}
	return nil
}

// readCounterHead reads what the bytes of a GCounter begin with, and reports whether the form
// is the one with closed totals.
func readCounterHead(r *wire.Reader) bool {
	if b := r.Unread(); len(b) > 1 && b[0] == stateVersion && b[1] == kindClosedGCounter {
		r.Take(2)
		return true
	}
	readGrownHead(r, kindGCounter, "")
	return false
}
