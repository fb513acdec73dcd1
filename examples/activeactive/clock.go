package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
)

// clocks is the policy for times: what to do with a write that says it was made
// in the future. There are three answers, and which one is right depends on
// whose clock is off.
//
//	this region is slow, as most clocks agree   take it: they are right
//	it is up to a minute ahead                  hold it until its time has come
//	it is farther ahead                         refuse it, and write that down
//
// What is refused comes back with every round of anti-entropy, and is taken as
// soon as it may be.
type clocks struct {
	clock  *hlc.Durable
	offset atomic.Int64 // by which the local clock is made wrong, for the demonstration

	mu      sync.Mutex
	skew    hlc.Skew
	held    map[string]state // merged until their time has come
	refused func(key string, ahead time.Duration)
}

// physical reads the wall clock of this region.
func (c *clocks) physical() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// admit reports whether a state that arrived may be merged now, and advances the
// local clock past it if so.
func (c *clocks) admit(key string, st state) bool {
	latest := st.latest()
	ahead := latest.Time().Sub(c.physical())
	if ahead > maxAhead && !c.slow() {
		if ahead > maxHold {
			c.refused(key, ahead)
			return false
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if old := c.held[key]; old != nil {
			old.merge(st)
		} else {
			c.held[key] = st
		}
		return false
	}
	if latest != 0 {
		// It refuses what is too far ahead. Then this region is slow, and its
		// writes follow upon what they replace all the same: see hlc.Clock.Next.
		_ = c.clock.Advance(latest)
	}
	return true
}

// slow reports whether most clocks agree that the local one is behind.
func (c *clocks) slow() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	report := c.skew.Report(c.physical())
	return report.Outlier && report.Self < 0
}

// report says what the clocks of the peers are, for people to look at.
func (c *clocks) report() hlc.SkewReport {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew.Report(c.physical())
}

// due returns the states whose time has come.
func (c *clocks) due() (in arrivals) {
	c.mu.Lock()
	held := c.held
	c.held = map[string]state{}
	c.mu.Unlock()
	for key, st := range held {
		if c.admit(key, st) {
			in.keys, in.states = append(in.keys, key), append(in.states, st)
		}
	}
	return in
}

// A beat is a reading of a clock. Readings have a way of their own: the stamps
// in a stream are as old as the messages, and say nothing about clocks.
type beat struct {
	From    string    `json:"from"`
	Reading time.Time `json:"reading"`
}

// beatLoop reads the clock of a peer once a second.
func (g *region) beatLoop(ctx context.Context, p *peer) {
	for ; ctx.Err() == nil; sleep(ctx, time.Second) {
		if !p.conn.IsConnected() {
			continue
		}
		asked := time.Now()
		var b beat
		if err := p.ask(ctx, "beat", beat{From: g.name}, &b); err != nil {
			continue
		}
		way := time.Since(asked) / 2
		g.clocks.mu.Lock()
		g.clocks.skew.AddReading(p.name, b.Reading.Add(way), g.clocks.physical())
		g.clocks.mu.Unlock()
	}
}

func (g *region) answerBeat(context.Context, beat) (beat, error) {
	return beat{From: g.name, Reading: g.clocks.physical()}, nil
}

// heldLoop merges what was held back.
func (g *region) heldLoop(ctx context.Context) {
	for ; ctx.Err() == nil; sleep(ctx, 200*time.Millisecond) {
		if in := g.clocks.due(); len(in.keys) > 0 {
			if err := g.merge(ctx, "", &in); err != nil && ctx.Err() == nil {
				g.log.Error("merging what was held back", "error", err)
			}
		}
	}
}

// refusedFuture says what the policy refused, once in ten seconds: it comes back
// again and again, and so would the message.
func (g *region) refusedFuture(key string, ahead time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.warned) > 10*time.Second {
		g.warned = time.Now()
		g.log.Warn("a write from the future is refused", "key", key, "ahead", ahead.Round(time.Millisecond))
	}
}
