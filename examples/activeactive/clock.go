package main

import (
	"context"
	"fmt"
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

	mu   sync.Mutex
	skew hlc.Skew
}

func (c *clocks) physical() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *clocks) report() hlc.SkewReport {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew.Report(c.physical())
}

// admit returns an error if a state is not to be merged into a row now, and advances the clock if it is.
func (g *region) admit(r *row, st state) error {
	c, latest := g.clocks, st.latest()
	if latest == 0 {
		return nil
	}
	if now := c.physical(); latest.Time().Sub(now) > maxAhead {
		var held hlc.Timestamp
		if r.state != nil {
			held = r.state.latest()
		}
		if v := (hlc.Policy{}).Judge(latest, held, now, c.report()); v == hlc.Refuse || v == hlc.Hold {
			return fmt.Errorf("row %q is of %v: %v", r.key, latest, v)
		}
	}
	// If it refuses, this region is slow, and its writes follow upon what they replace all the same.
	_ = c.clock.Advance(latest)
	return nil
}

// beat reads a clock: the stamps in a stream are as old as the messages.
func (g *region) beat(ctx context.Context, p *peer) error {
	asked := time.Now()
	there, err := ask[time.Time](ctx, p, "beat", "")
	if err != nil {
		return err
	}
	way := time.Since(asked) / 2
	g.clocks.mu.Lock()
	defer g.clocks.mu.Unlock()
	g.clocks.skew.AddReading(p.name, there.Add(way), g.clocks.physical())
	return nil
}
