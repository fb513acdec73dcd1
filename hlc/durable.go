package hlc

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultWindow is how far ahead a [Durable] reserves timestamps if its Window
// is zero: half of [DefaultMaxAhead], so that peers with default settings
// accept the first timestamps after a crash.
const DefaultWindow = DefaultMaxAhead / 2

// A Bound keeps one timestamp where a crash does not reach it: an upper bound
// of all that a [Durable] has issued. [BoundFile] keeps it in a file; a row of
// a database or a key of a consensus store do as well, if nobody else writes
// it. Durable calls one method at a time.
type Bound interface {
	// Load returns the timestamp stored last, or zero if there never was one. If it
	// cannot tell which, it must return an error: zero by mistake lets a clock
	// repeat itself.
	Load() (Timestamp, error)

	// Store replaces the timestamp and returns nil once that has survived any crash
	// to come. After an error, and after a crash on the way, Load may return the
	// old timestamp or the new one, and nothing else.
	Store(t Timestamp) error
}

// A Durable is a [Clock] that survives crashes: it never repeats or undercuts a
// timestamp that it issued in an earlier life of the process, nor one that it
// was advanced to, even if the wall clock came back slower. It stores a bound
// that lies Window ahead of what it issues, and nothing above the bound leaves
// it. It starts from the bound, so the first timestamps of a new life may be
// ahead of physical time by Window.
//
// Hazards: the bound never goes down. A wall clock that was a year ahead once
// leaves a Durable a year ahead, whose timestamps peers refuse; the way out is
// a new replica identity with a new bound. A bound that is lost, or restored
// from a backup, leaves a plain Clock for this start. Two Durables over one
// bound issue the same timestamps: see [OpenBoundFile].
//
// The zero Durable with Bound set is ready to use and loads the bound at first
// use, after which the fields must not be changed. A Durable is safe for
// concurrent use and must not be copied after first use.
//
// A call costs what it costs on a Clock and two atomic loads, unless it stores.
// It does that when half of Window is left, while other calls go on, or nothing
// is, and then they wait: at most once every Window/2 of activity, and for the
// first call after a pause of Window.
type Durable struct {
	// Bound stores the bound. It must not be nil, and must not call the Durable.
	Bound Bound

	// Physical and MaxAhead are those of [Clock].
	Physical func() time.Time
	MaxAhead time.Duration

	// Window is how far ahead timestamps are reserved. Zero means [DefaultWindow],
	// negative that every timestamp is stored before it is issued. Larger windows
	// store less often; one above the MaxAhead of the peers makes them refuse the
	// first timestamps after a crash.
	Window time.Duration

	clock Clock
	ready atomic.Bool   // the bound is loaded
	limit atomic.Uint64 // the bound as last stored: nothing above it may be issued
	renew atomic.Uint64 // timestamp that makes a call store anew, at most limit+1

	mu sync.Mutex // held for calls of Bound, and to write the words above
}

// Now is [Clock.Now]. It returns an error if the bound cannot be loaded, or if
// nothing is reserved any more and the store fails: it then skips a timestamp,
// and later calls try again.
func (d *Durable) Now() (Timestamp, error) {
	if err := d.load(); err != nil {
		return 0, err
	}
	return d.cover(d.clock.Now())
}

// Update is [Clock.Update], also with the errors of Now.
func (d *Durable) Update(remote Timestamp) (Timestamp, error) {
	if err := d.load(); err != nil {
		return 0, err
	}
	t, err := d.clock.Update(remote)
	if err != nil {
		return 0, err
	}
	return d.cover(t)
}

// Advance is [Clock.Advance], for later lives too, also with the errors of Now.
func (d *Durable) Advance(remote Timestamp) error {
	if err := d.load(); err != nil {
		return err
	}
	if err := d.clock.Advance(remote); err != nil {
		return err
	}
	_, err := d.cover(remote)
	return err
}

// Next is [Clock.Next], also with the errors of Now, but not for an after
// beyond MaxAhead: that result is not remembered, in this life or later.
func (d *Durable) Next(after Timestamp) (Timestamp, error) {
	if err := d.load(); err != nil {
		return 0, err
	}
	t, issued, err := d.clock.next(after)
	if err != nil || !issued {
		return t, err
	}
	return d.cover(t)
}

// load starts the clock from the stored bound, once.
func (d *Durable) load() error {
	if d.ready.Load() {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ready.Load() {
		return nil
	}
	bound, err := d.Bound.Load()
	if err != nil {
		return fmt.Errorf("hlc: load bound: %w", err)
	}
	if bound > horizon {
		return fmt.Errorf("hlc: load bound: %d is too close to the maximum %d to count on from", uint64(bound), uint64(Max))
	}
	d.clock.Physical, d.clock.MaxAhead = d.Physical, d.MaxAhead
	d.clock.last.Store(uint64(bound))
	d.limit.Store(uint64(bound))
	d.ready.Store(true)
	return nil
}

// cover returns t once a stored bound covers it.
func (d *Durable) cover(t Timestamp) (Timestamp, error) {
	switch {
	case uint64(t) < d.renew.Load():
		return t, nil
	case uint64(t) <= d.limit.Load():
		// Somebody else may be at it, and t is covered whoever succeeds.
		if d.mu.TryLock() {
			defer d.mu.Unlock()
			d.renewLocked(t)
		}
		return t, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if uint64(t) <= d.limit.Load() {
		return t, nil
	}
	if err := d.storeLocked(); err != nil {
		return 0, fmt.Errorf("hlc: no timestamps reserved: %w", err)
	}
	return t, nil
}

// renewLocked stores a new bound before the old one is used up. A failure is not
// reported, as nothing is lost yet. It is tried again when half of what is left
// now is used up, so a store that stays broken sees a few calls and not all.
func (d *Durable) renewLocked(t Timestamp) {
	if uint64(t) < d.renew.Load() {
		return
	}
	if err := d.storeLocked(); err != nil {
		left := d.limit.Load() - min(uint64(t), d.limit.Load())
		d.renew.Store(uint64(t) + left/2 + 1)
	}
}

// storeLocked stores a bound for everything issued so far and Window more.
func (d *Durable) storeLocked() error {
	last := d.clock.last.Load()
	window := uint64(max(cmp.Or(d.Window, DefaultWindow), 0))
	limit := min(last+window, uint64(Max))
	if err := d.Bound.Store(Timestamp(limit)); err != nil {
		return err
	}
	d.limit.Store(limit)
	d.renew.Store(limit - (limit-last)/2 + 1)
	return nil
}
