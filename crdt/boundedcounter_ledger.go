package crdt

import (
	"cmp"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// A ledger records how rights of a [BoundedCounter] moved between replicas. Its
// accounts are sorted by owner. A ledger is immutable, so that states, clones
// and deltas share it; nil is the empty one.
type ledger []account

// An account is what one replica gave away and what others took from it. Only
// the owner adds to given, only the taker named in it adds to taken.
type account struct {
	owner vclock.Replica
	// backed is what the owner is known to have minted when the latest of these
	// moves was made: with it, a delta that tells of spending something that
	// was received also tells where that came from.
	backed int64
	given  []move // sorted by to
	taken  []move // sorted by to; an entry, even of nothing, fences the owner
}

// A move is a sum of rights that went to one replica.
type move struct {
	to vclock.Replica
	n  int64
}

func compareMoves(a, b *move) int { return cmp.Compare(a.to, b.to) }

func joinMove(x, y *move) bool {
	grows := y.n > x.n
	x.n = max(x.n, y.n)
	return grows
}

func compareAccounts(a, b *account) int { return cmp.Compare(a.owner, b.owner) }

// joinAccount joins y into x, which shares no memory with a ledger in use.
func joinAccount(x, y *account) bool {
	grows := y.backed > x.backed
	x.backed = max(x.backed, y.backed)
	given, more := joinSorted(x.given, y.given, compareMoves, joinMove)
	taken, fenced := joinSorted(x.taken, y.taken, compareMoves, joinMove)
	x.given, x.taken = given, taken
	return grows || more || fenced
}

func (l ledger) clone() ledger {
	l = slices.Clone(l)
	for i := range l {
		l[i].given = slices.Clone(l[i].given)
		l[i].taken = slices.Clone(l[i].taken)
	}
	return l
}

// same reports whether l and y are one ledger in memory.
func (l ledger) same(y ledger) bool {
	return len(l) == len(y) && (len(l) == 0 || &l[0] == &y[0])
}

func (l ledger) equal(y ledger) bool {
	return l.same(y) || slices.EqualFunc(l, y, func(a, b account) bool {
		return a.owner == b.owner && a.backed == b.backed && slices.Equal(a.given, b.given) && slices.Equal(a.taken, b.taken)
	})
}

// join returns the join of l and y: l itself if that holds all of y.
func (l ledger) join(y ledger) ledger {
	if l.equal(y) {
		return l
	}
	// What y adds is cloned with it: joined accounts may become those of y.
	joined, changed := joinSorted(l.clone(), y.clone(), compareAccounts, joinAccount)
	if !changed {
		return l
	}
	return joined
}

// with returns l with one more move: the owner, which has minted backed, gave n
// to another replica, or that replica took it.
func (l ledger) with(owner, to vclock.Replica, n, backed int64, taken bool) ledger {
	l = l.clone()
	i, found := slices.BinarySearchFunc(l, owner, func(a account, r vclock.Replica) int { return cmp.Compare(a.owner, r) })
	if !found {
		l = slices.Insert(l, i, account{owner: owner})
	}
	a := &l[i]
	a.backed = max(a.backed, backed)
	moves := &a.given
	if taken {
		moves = &a.taken
	}
	k, found := slices.BinarySearchFunc(*moves, to, func(m move, r vclock.Replica) int { return cmp.Compare(m.to, r) })
	if !found {
		*moves = slices.Insert(*moves, k, move{to: to})
	}
	(*moves)[k].n += n
	return l
}

// moved returns what went from one replica to another in one way.
func (l ledger) moved(owner, to vclock.Replica, taken bool) int64 {
	for _, a := range l {
		if a.owner != owner {
			continue
		}
		moves := a.given
		if taken {
			moves = a.taken
		}
		for _, m := range moves {
			if m.to == to {
				return m.n
			}
		}
	}
	return 0
}

// taker returns the first replica, by name, that reclaimed the rights of r, which is fenced.
func (l ledger) taker(r vclock.Replica) vclock.Replica {
	for _, a := range l {
		if a.owner == r {
			return a.taken[0].to
		}
	}
	return ""
}
