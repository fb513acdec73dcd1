package hlc

import (
	"cmp"
	"fmt"
	"sync/atomic"
	"time"
)

// DefaultMaxAhead is how far ahead of physical time a remote timestamp may be
// if [Clock.MaxAhead] is zero: more than clocks disciplined by NTP differ, and
// less than a person notices.
const DefaultMaxAhead = 500 * time.Millisecond

// horizon is the last timestamp that a clock takes over, from its physical clock
// or from a peer; it lies in December 2259. The 2⁵⁶ timestamps from there to Max
// are left to the counter, so that Now, which returns no error, cannot reach the
// end of the range: at one event per nanosecond that takes two years.
const horizon = Max - 1<<56

// A Clock is a hybrid logical clock. Its timestamps strictly increase, are
// greater than every timestamp it has accepted from others, and stay close to
// physical time: ahead of it by no more than the fastest clock heard from, and
// by no more than MaxAhead while physical time goes forward. The package
// comment says what their order means, and when one may be issued twice.
//
// The zero Clock reads [time.Now] and is ready to use. The fields must not be
// changed after first use. A Clock is safe for concurrent use and must not be
// copied after first use. It is lock-free: an operation reads physical time and
// changes one atomic word, O(1) and without allocating.
type Clock struct {
	// Physical reads physical time. Nil means [time.Now]. It may step backward: the
	// clock then counts on until physical time has caught up. It must be safe for
	// concurrent use. Times before 1970 count as 1970, and times beyond December
	// 2259 as that.
	Physical func() time.Time

	// MaxAhead bounds how far ahead of physical time a remote timestamp may be.
	// Zero means [DefaultMaxAhead]; negative means no bound, so that one peer with
	// a wrong clock takes along for good every clock that hears of it. What to do
	// with data whose stamp is refused here is up to its type.
	MaxAhead time.Duration

	last atomic.Uint64 // greatest timestamp issued or accepted
}

// Now returns the timestamp of a local or send event, greater than every
// timestamp that c has issued or accepted.
func (c *Clock) Now() Timestamp {
	p := tick(c.physical())
	for {
		last := c.last.Load()
		if p <= last {
			// Whatever the others do meanwhile, the word only grows: the sum is
			// above p, and nobody else gets it.
			return Timestamp(c.last.Add(1))
		}
		if c.last.CompareAndSwap(last, p) {
			return Timestamp(p)
		}
	}
}

// Update returns the timestamp of the arrival of a message with timestamp
// remote, greater than remote and than every timestamp that c has issued or
// accepted. If remote is further ahead than [Clock.MaxAhead] allows, and c has
// not passed it already, it returns an [*AheadError] and leaves c unchanged.
func (c *Clock) Update(remote Timestamp) (Timestamp, error) {
	now := c.physical()
	t, ok := c.update(remote, now)
	if !ok {
		return 0, c.aheadError(remote, now)
	}
	return t, nil
}

// update is Update at physical time now, and reports whether c accepts remote.
func (c *Clock) update(remote, now Timestamp) (Timestamp, bool) {
	p, bound := tick(now), c.bound(now)
	for {
		last := c.last.Load()
		switch latest := max(last, uint64(remote)); {
		case latest > last && remote > bound:
			return 0, false
		case latest == last && p <= last:
			return Timestamp(c.last.Add(1)), true
		default:
			next := max(p, latest+1)
			if c.last.CompareAndSwap(last, next) {
				return Timestamp(next), true
			}
		}
	}
}

// Advance is [Clock.Update] for a receiver that needs no timestamp of the
// arrival.
func (c *Clock) Advance(remote Timestamp) error {
	for {
		last := c.last.Load()
		if uint64(remote) <= last {
			return nil
		}
		if now := c.physical(); remote > c.bound(now) {
			return c.aheadError(remote, now)
		}
		if c.last.CompareAndSwap(last, uint64(remote)) {
			return nil
		}
	}
}

// Next returns a timestamp for a write that replaces one stamped after, zero
// for none. It is greater than after, be that from a clock far in the future.
//
// If [Clock.Update] accepts after, Next is Update, and the result is unique. If
// not, it is after+1, and c does not remember it, lest one bad stamp drag the
// clock along: it is unique only among writes of one chain, each replacing the
// one before. Next returns an error only if after is [Max] or above.
func (c *Clock) Next(after Timestamp) (Timestamp, error) {
	t, _, err := c.next(after)
	return t, err
}

// next is Next, and reports whether c issued the result, and so remembers it.
func (c *Clock) next(after Timestamp) (t Timestamp, issued bool, err error) {
	if after >= Max {
		return 0, false, fmt.Errorf("hlc: no timestamp is larger than %d", uint64(after))
	}
	if t, issued = c.update(after, c.physical()); issued {
		return t, true, nil
	}
	return after + 1, false, nil
}

// physical reads physical time, to the nanosecond.
func (c *Clock) physical() Timestamp {
	if c.Physical == nil {
		return At(time.Now())
	}
	return At(c.Physical())
}

// tick returns the physical part of now: what l is made of in the paper.
func tick(now Timestamp) uint64 {
	return uint64(min(now, horizon) &^ (1<<logicalBits - 1))
}

// bound returns the largest remote timestamp acceptable at physical time now. A
// sum of two numbers below 2⁶³ cannot overflow.
func (c *Clock) bound(now Timestamp) Timestamp {
	if c.MaxAhead < 0 {
		return horizon
	}
	return min(now+Timestamp(cmp.Or(c.MaxAhead, DefaultMaxAhead)), horizon)
}

func (c *Clock) aheadError(remote, now Timestamp) error {
	return &AheadError{Remote: remote, Physical: now, MaxAhead: cmp.Or(c.MaxAhead, DefaultMaxAhead)}
}

// An AheadError reports a remote timestamp that is too far ahead of physical
// time to be followed: the remote clock is fast, or the local one slow, as a
// [Skew] tells.
type AheadError struct {
	Remote   Timestamp     // the timestamp refused
	Physical Timestamp     // local physical time when it arrived
	MaxAhead time.Duration // the bound in force; negative if there is none and Remote is at the end of the range
}

// Ahead returns how far Remote is ahead of Physical.
func (e *AheadError) Ahead() time.Duration {
	if e.Remote < e.Physical {
		return -time.Duration(e.Physical - e.Remote)
	}
	return time.Duration(min(e.Remote-e.Physical, Max))
}

func (e *AheadError) Error() string {
	if e.MaxAhead < 0 || e.Ahead() <= e.MaxAhead {
		return fmt.Sprintf("hlc: remote timestamp %v is %v ahead of physical time %v, and beyond %v no clock follows",
			e.Remote, e.Ahead(), e.Physical, horizon)
	}
	return fmt.Sprintf("hlc: remote timestamp %v is %v ahead of physical time %v, more than %v",
		e.Remote, e.Ahead(), e.Physical, e.MaxAhead)
}
