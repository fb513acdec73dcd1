package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
)

// maxAhead is how far ahead of this region's clock a stamp is simply taken.
const maxAhead = hlc.DefaultMaxAhead

// clocks knows the clock of this region and how those of its peers differ. What to do with a write
// that says it was made in the future depends on whose clock is off, as hlc.Policy says:
//
//	this region is slow, as most clocks agree   take it: they are right
//	it is up to a minute ahead                  leave it until its time has come
//	it is farther ahead                         refuse it, and write that down
//
// What is not taken comes back with every round of anti-entropy, and is taken as soon as it may be.
type clocks struct {
	clock  *hlc.Durable
	offset atomic.Int64 // by which the local clock is made wrong, for the demonstration

	warned time.Time // when a refused write was last written down, under store.writing

	mu   sync.Mutex
	skew hlc.Skew
}

// physical reads the wall clock of this region.
func (c *clocks) physical() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// report says what the clocks of the peers are.
func (c *clocks) report() hlc.SkewReport {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew.Report(c.physical())
}

// slow reports whether most clocks agree that the local one is behind.
func (c *clocks) slow() bool { r := c.report(); return r.Outlier && r.Self < 0 }

// admit reports whether a state that arrived may be merged into a row now, and advances the local
// clock past it if so.
func (g *region) admit(r *row, st state) bool {
	c, latest := g.clocks, st.latest()
	if latest == 0 {
		return true
	}
	if now := c.physical(); latest.Time().Sub(now) > maxAhead {
		switch (hlc.Policy{}).Judge(latest, r.state.latest(), now, c.report()) {
		case hlc.Hold:
			return false
		case hlc.Refuse:
			if now := time.Now(); now.Sub(c.warned) > 10*time.Second { // it comes back again and again
				c.warned = now
				g.log.Warn("a write from the future is refused", "key", r.key, "time", latest)
			}
			return false
		}
	}
	// It refuses what is too far ahead. Then this region is slow, and its writes follow upon what
	// they replace all the same: see hlc.Clock.Next.
	_ = c.clock.Advance(latest)
	return true
}

// Readings of clocks have a way of their own: the stamps in a stream are as old as the messages,
// and say nothing about clocks.

// beat reads the clock of a peer.
func (g *region) beat(ctx context.Context, p *peer) error {
	asked := time.Now()
	there, err := ask[time.Time](ctx, p, "beat", nil)
	if err != nil {
		return err
	}
	way := time.Since(asked) / 2
	g.clocks.mu.Lock()
	defer g.clocks.mu.Unlock()
	g.clocks.skew.AddReading(p.name, there.Add(way), g.clocks.physical())
	return nil
}

func (g *region) answerBeat(context.Context, any) (time.Time, error) {
	return g.clocks.physical(), nil
}
