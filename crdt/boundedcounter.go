package crdt

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/vclock"

	"github.com/rejoin-go/rejoin/internal/int128"
)

// A BoundedCounter is a counter whose value never crosses a bound, although
// replicas change it without asking each other: stock that is not oversold,
// seats that are not booked twice.
//
// The distance between value and bound is divided among the replicas as rights.
// A change away from the bound mints rights for the replica that makes it; one
// towards the bound spends rights that the replica holds, and is refused with a
// [*RightsError] if it holds too few. [BoundedCounter.Transfer] hands rights
// over. A replica that can reach nobody can go on spending what it holds, and
// nobody can spend it twice. Each delta tells where its rights came from: every
// state, whatever was lost or reordered on the way to it, accounts for all that
// it sees spent, and is on the right side of the bound.
//
// The counter starts at its bound. The zero BoundedCounter is [AtLeast](0) and
// ready to use. Add and Sub take O(log n) for n replicas, O(1) while one keeps
// changing it; Merge takes O(n + t) for t pairs that rights moved between. See
// Balegas et al., “Extending Eventually Consistent Cloud Databases for
// Enforcing Numeric Invariants”, 2015, https://arxiv.org/abs/1503.09052.
//
// A replica restored from an older snapshot that goes on under its old name
// holds rights again that it has spent, and no bound survives that. It goes on
// as its next incarnation, merges what the others know, and may then
// [BoundedCounter.Reclaim] what its old name held. Each incarnation leaves some
// 10 bytes, and its moves, for ever: unlike in a [GCounter] they are not
// closed. So let tens of replicas with a disk write it, not pods without.
type BoundedCounter struct {
	_ nocopy.NoCopy
	boundedCounterState
}

// A boundedCounterState is what a BoundedCounter holds, so that one in a struct has its JSON there.
type boundedCounterState struct {
	escrow
	all  []holding // sorted by replica: whoever minted, spent, gave or received
	last int       // index of the holding that changed last
}

// An escrow is the content of a delta: one replica's own entry, and all moves
// of rights.
type escrow struct {
	own   entry // unused in a state that has holdings
	moves ledger
	bound bound
}

// An entry is what one replica has minted and spent; both only grow.
type entry struct {
	replica       vclock.Replica
	minted, spent int64
}

// A holding is an entry and what follows for it from the moves.
type holding struct {
	entry
	credit int128.Int // received less handed over
	fenced bool       // reclaimed: the replica may do nothing more
}

func (h *holding) rights() int128.Int { return h.credit.Add(h.minted).Add(-h.spent) }

func compareHoldings(a, b *holding) int { return cmp.Compare(a.replica, b.replica) }

func joinHolding(x, y *holding) bool {
	grows := y.minted > x.minted || y.spent > x.spent
	x.minted, x.spent = max(x.minted, y.minted), max(x.spent, y.spent)
	return grows
}

// A bound is the number that the value stays on one side of.
type bound struct {
	upper bool
	at    int64
}

// less reports whether c stays where the two meet: an upper bound, or else the larger.
func (b bound) less(c bound) bool {
	if b.upper != c.upper {
		return c.upper
	}
	return b.at < c.at
}

func (b bound) String() string {
	if b.upper {
		return fmt.Sprintf("at most %d", b.at)
	}
	return fmt.Sprintf("at least %d", b.at)
}

// AtLeast returns a counter that starts at n and never falls below it. Add
// mints rights and Sub spends them. All replicas must use one bound.
func AtLeast(n int64) *BoundedCounter {
	return &BoundedCounter{boundedCounterState: boundedCounterState{escrow: escrow{bound: bound{at: n}}}}
}

// AtMost returns a counter that starts at n and never rises above it. Sub mints
// rights and Add spends them: to book 100 seats, let one replica subtract 100
// from AtMost(100). All replicas must use one bound.
func AtMost(n int64) *BoundedCounter {
	return &BoundedCounter{boundedCounterState: boundedCounterState{escrow: escrow{bound: bound{upper: true, at: n}}}}
}

// Bound returns the bound and whether it is an upper one.
func (c *BoundedCounter) Bound() (n int64, upper bool) {
	c = c.orEmpty()
	return c.bound.at, c.bound.upper
}

// orEmpty returns c, or an empty counter for a nil one: reads of the one are reads of
// the other.
func (c *BoundedCounter) orEmpty() *BoundedCounter {
	if c == nil {
		return new(BoundedCounter)
	}
	return c
}

// Add adds n on behalf of r, and returns the delta. The error is [ErrAmount],
// [ErrOverflow], a [*FencedError], or, under an upper bound, a [*RightsError].
func (c *BoundedCounter) Add(r vclock.Replica, n int64) (*BoundedCounter, error) {
	var d escrow
	err := c.change(r, n, false, &d)
	return &BoundedCounter{boundedCounterState: boundedCounterState{escrow: d}}, err
}

// Sub subtracts n on behalf of r, as [BoundedCounter.Add] with a lower bound.
func (c *BoundedCounter) Sub(r vclock.Replica, n int64) (*BoundedCounter, error) {
	var d escrow
	err := c.change(r, n, true, &d)
	return &BoundedCounter{boundedCounterState: boundedCounterState{escrow: d}}, err
}

//go:noinline
func (c *BoundedCounter) change(r vclock.Replica, n int64, down bool, d *escrow) error {
	spend := down != c.bound.upper
	h := c.find(r)
	switch {
	case n < 1:
		return fmt.Errorf("%w: %d", ErrAmount, n)
	case h == nil && spend:
		return c.refusal(r, n)
	case h == nil:
		h = c.insert(r)
	case h.fenced:
		return &FencedError{Replica: r, By: c.moves.taker(r)}
	case spend && c.spendable(h).Add(-n).Negative():
		return c.refusal(r, n)
	case spend && h.spent > math.MaxInt64-n, !spend && h.minted > math.MaxInt64-n:
		return fmt.Errorf("%w: replica %q", ErrOverflow, string(r))
	}
	if spend {
		h.spent += n
	} else {
		h.minted += n
	}
	*d = escrow{own: h.entry, moves: c.moves, bound: c.bound}
	return nil
}

// find returns the holding of r, or nil.
func (c *BoundedCounter) find(r vclock.Replica) *holding {
	if c.last < len(c.all) && c.all[c.last].replica == r {
		return &c.all[c.last]
	}
	checkReplica(r)
	c.expand()
	i, found := c.search(r)
	if !found {
		return nil
	}
	c.last = i
	return &c.all[i]
}

func (c *BoundedCounter) search(r vclock.Replica) (int, bool) {
	return slices.BinarySearchFunc(c.all, r, func(h holding, r vclock.Replica) int { return cmp.Compare(h.replica, r) })
}

// insert returns a new holding for r, which has none.
func (c *BoundedCounter) insert(r vclock.Replica) *holding {
	i, _ := c.search(r)
	c.all = slices.Insert(c.all, i, holding{entry: entry{replica: r}})
	c.last = i
	return &c.all[i]
}

// spendable returns what h may spend: its rights less the debts of all, so that
// a counter in which rights were spent twice goes no further.
func (c *BoundedCounter) spendable(h *holding) int128.Int {
	if c.moves == nil {
		return h.rights()
	}
	return h.rights().Minus(c.debt())
}

// debt returns the sum of the rights that replicas spent without holding them.
func (c *BoundedCounter) debt() int128.Int {
	var debt int128.Int
	for i := range c.all {
		if rights := c.all[i].rights(); rights.Negative() {
			debt = debt.Minus(rights)
		}
	}
	return debt
}

// settle computes what follows for the holdings from the moves.
func (c *BoundedCounter) settle() {
	touch := func(r vclock.Replica) *holding {
		if i, found := c.search(r); found {
			return &c.all[i]
		}
		return c.insert(r)
	}
	for i := range c.all {
		c.all[i].credit, c.all[i].fenced = int128.Int{}, false
	}
	for _, a := range c.moves {
		var out int128.Int
		for _, moves := range [][]move{a.given, a.taken} {
			for _, m := range moves {
				h := touch(m.to)
				h.credit = h.credit.Add(m.n)
				out = out.Add(m.n)
			}
		}
		h := touch(a.owner)
		h.minted = max(h.minted, a.backed)
		h.credit = h.credit.Minus(out)
		h.fenced = len(a.taken) > 0
	}
}

// holdings returns the holdings of c in either form. The result is only read.
func (c *BoundedCounter) holdings() []holding {
	c = c.orEmpty()
	if c.all != nil || c.own.replica == "" {
		return c.all
	}
	full := BoundedCounter{boundedCounterState: boundedCounterState{escrow: escrow{moves: c.moves}, all: []holding{{entry: c.own}}}}
	full.settle()
	return full.all
}

// expand turns a delta into a state that can be changed.
func (c *BoundedCounter) expand() {
	c.all = c.holdings()
	c.own = entry{}
}

// Total returns the value and whether it is exact: the nearest int64, and the
// bound where a reused name or a wrong Reclaim let too much be spent.
func (c *BoundedCounter) Total() (n int64, exact bool) {
	c = c.orEmpty()
	var distance int128.Int
	all := c.holdings()
	for i := range all {
		distance = distance.Add(all[i].minted).Add(-all[i].spent)
	}
	sound := !distance.Negative()
	if !sound {
		distance = int128.Int{}
	}
	if c.bound.upper {
		distance = int128.Int{}.Minus(distance)
	}
	n, exact = distance.Add(c.bound.at).Int64()
	return n, exact && sound
}

// Rights returns the rights that r holds as far as c knows, negative in debt.
func (c *BoundedCounter) Rights(r vclock.Replica) int64 {
	for _, h := range c.holdings() {
		if h.replica == r {
			n, _ := h.rights().Int64()
			return n
		}
	}
	return 0
}

// Holders returns an iterator over all replicas and their rights, by name.
func (c *BoundedCounter) Holders() iter.Seq2[vclock.Replica, int64] {
	return func(yield func(vclock.Replica, int64) bool) {
		for _, h := range c.holdings() {
			if n, _ := h.rights().Int64(); !yield(h.replica, n) {
				return
			}
		}
	}
}

// Debt returns how many rights were spent that nobody held: 0, unless those of
// a replica at work were reclaimed, or two lineages use a name.
func (c *BoundedCounter) Debt() int64 {
	full := BoundedCounter{boundedCounterState: boundedCounterState{all: c.holdings()}}
	n, _ := full.debt().Int64()
	return n
}

// isBounded reports whether c has a bound: one in which nothing happened has, unless it is
// the zero one, which is neutral.
func (c *BoundedCounter) isBounded() bool {
	return c.bound != bound{} || c.own.replica != "" || len(c.all) > 0 || c.moves != nil
}

// Merge joins y into c and reports whether that changed c. Of two different
// bounds, which are a mistake, the upper one stays, then the larger; an empty
// AtLeast(0) has none.
func (c *BoundedCounter) Merge(y *BoundedCounter) bool {
	y = y.orEmpty()
	c.expand()
	bound := c.bound
	if y.isBounded() && (!c.isBounded() || bound.less(y.bound)) {
		bound = y.bound
	}
	moves := c.moves.join(y.moves)
	rebound, moved := bound != c.bound, !moves.same(c.moves)
	c.bound, c.moves = bound, moves
	changed := false
	if y.own.replica != "" {
		changed = c.mergeEntry(&y.own)
	} else {
		c.all, changed = joinSorted(c.all, y.all, compareHoldings, joinHolding)
	}
	if moved {
		c.settle()
	}
	return changed || moved || rebound
}

// mergeEntry joins what one replica minted and spent.
func (c *BoundedCounter) mergeEntry(y *entry) bool {
	h := c.find(y.replica)
	if h == nil {
		h = c.insert(y.replica)
	}
	changed := y.minted > h.minted || y.spent > h.spent
	h.minted, h.spent = max(h.minted, y.minted), max(h.spent, y.spent)
	return changed
}

// Clone returns a copy that shares no memory with c.
func (c *BoundedCounter) Clone() *BoundedCounter {
	c = c.orEmpty()
	return &BoundedCounter{boundedCounterState: boundedCounterState{escrow: escrow{moves: c.moves, bound: c.bound}, all: slices.Clone(c.holdings())}}
}

// Equal reports whether c and y are the same state.
func (c *BoundedCounter) Equal(y *BoundedCounter) bool {
	c, y = c.orEmpty(), y.orEmpty()
	return c.bound == y.bound && c.moves.equal(y.moves) && slices.Equal(c.holdings(), y.holdings())
}

// Verify returns an error only if c and y have different bounds.
func (c *BoundedCounter) Verify(y *BoundedCounter) error {
	c, y = c.orEmpty(), y.orEmpty()
	if c.bound != y.bound && c.isBounded() && y.isBounded() {
		return fmt.Errorf("crdt: counters with different bounds: %v and %v", c.bound, y.bound)
	}
	return nil
}
