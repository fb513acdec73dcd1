package crdt

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/rejoin-go/rejoin/vclock"
)

// Transfer hands n rights of from, its caller, to another, and returns the
// delta. The error is [ErrAmount], [ErrOverflow], a [*RightsError], or a
// [*FencedError] if the rights of from were reclaimed, or of to, without debt.
func (c *BoundedCounter) Transfer(from, to vclock.Replica, n int64) (*BoundedCounter, error) {
	checkReplica(to)
	giver := c.find(from)
	switch {
	case n < 1:
		return new(BoundedCounter), fmt.Errorf("%w: %d", ErrAmount, n)
	case giver == nil:
		return new(BoundedCounter), c.refusal(from, n)
	case giver.fenced:
		return new(BoundedCounter), &FencedError{Replica: from, By: c.moves.taker(from)}
	case giver.rights().Add(-n).Negative():
		return new(BoundedCounter), c.refusal(from, n)
	case from == to:
		return new(BoundedCounter), nil
	}
	if i, found := c.search(to); found && c.all[i].fenced && !c.all[i].rights().Negative() {
		return new(BoundedCounter), &FencedError{Replica: to, By: c.moves.taker(to)}
	}
	if c.moves.moved(from, to, false) > math.MaxInt64-n {
		return new(BoundedCounter), fmt.Errorf("%w: transfers from %q to %q", ErrOverflow, string(from), string(to))
	}
	return c.move(from, to, n, false), nil
}

// Reclaim gives all rights that c sees the replica from hold to the replica by,
// fences from, and returns the delta. The error is a [*FencedError] if the
// rights of by were reclaimed, and another if from and by are the same.
//
// It is for a replica that will never act again, and is called once, by one
// survivor, which has merged the states of all others. States that know of it
// refuse changes by from. What from spends until then, or had spent unknown to
// by, and what two survivors both reclaim is its debt: its
// [BoundedCounter.Rights] are negative, and all spend only what they hold
// beyond the [BoundedCounter.Debt], until a Transfer to from repays it.
func (c *BoundedCounter) Reclaim(from, by vclock.Replica) (*BoundedCounter, error) {
	checkReplica(from)
	if taker := c.find(by); taker != nil && taker.fenced {
		return new(BoundedCounter), &FencedError{Replica: by, By: c.moves.taker(by)}
	}
	if from == by {
		return new(BoundedCounter), fmt.Errorf("crdt: replica %q cannot reclaim its own rights", string(from))
	}
	var n int64
	if i, found := c.search(from); found {
		n, _ = c.all[i].rights().Int64()
		n = min(max(n, 0), math.MaxInt64-c.moves.moved(from, by, true))
		if n == 0 && c.all[i].fenced {
			return new(BoundedCounter), nil
		}
	}
	return c.move(from, by, n, true), nil
}

// move records one move and returns its delta, which speaks for the replica
// that made the move.
func (c *BoundedCounter) move(from, to vclock.Replica, n int64, taken bool) *BoundedCounter {
	var backed int64
	if i, found := c.search(from); found {
		backed = c.all[i].minted
	}
	c.moves = c.moves.with(from, to, n, backed, taken)
	c.settle()
	maker := from
	if taken {
		maker = to
	}
	i, _ := c.search(maker)
	return &BoundedCounter{boundedCounterState: boundedCounterState{escrow: escrow{own: c.all[i].entry, moves: c.moves, bound: c.bound}}}
}

// refusal returns the error for r having less than n rights to spend.
func (c *BoundedCounter) refusal(r vclock.Replica, n int64) error {
	e := &RightsError{Replica: r, Need: n}
	for r, n := range c.Holders() {
		e.Held = append(e.Held, Held{r, n})
	}
	if h := c.find(r); h != nil {
		e.Have, _ = c.spendable(h).Int64()
		e.Have = max(e.Have, 0)
	}
	return e
}

// ErrAmount is what an error of a [BoundedCounter] wraps for an amount below 1.
var ErrAmount = errors.New("crdt: amount is not positive")

// ErrOverflow is what an error of a [BoundedCounter] wraps if all that a
// replica has added, or subtracted, or given to another would exceed an int64.
var ErrOverflow = errors.New("crdt: total exceeds 63 bits")

// A RightsError is returned by [BoundedCounter.Add], [BoundedCounter.Sub] and
// [BoundedCounter.Transfer] if a replica lacks rights. Held tells whom to ask.
type RightsError struct {
	Replica vclock.Replica // the replica that lacks rights
	Need    int64          // how many rights the operation takes
	Have    int64          // how many the replica can spend, at least 0
	Held    []Held         // what every known replica holds, in order of names
}

// A Held says how many rights a replica holds. It is part of [RightsError].
type Held struct {
	Replica vclock.Replica
	Rights  int64
}

func (e *RightsError) Error() string {
	held := make([]string, len(e.Held))
	for i, h := range e.Held {
		held[i] = fmt.Sprintf("%q holds %d", string(h.Replica), h.Rights)
	}
	return fmt.Sprintf("crdt: replica %q needs %d rights and has %d to spend (%s)",
		string(e.Replica), e.Need, e.Have, cmp.Or(strings.Join(held, ", "), "nobody holds any"))
}

// A FencedError is returned by the mutators of [BoundedCounter] for a replica
// whose rights were reclaimed. If it is alive, it goes on under a new name.
type FencedError struct {
	Replica vclock.Replica // the replica that may not act any more
	By      vclock.Replica // the replica that reclaimed its rights; of several, the first by name
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("crdt: the rights of replica %q were reclaimed by %q", string(e.Replica), string(e.By))
}
