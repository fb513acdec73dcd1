package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// The ways to run the regions. The mode is a note in each region's database and
// is changed by an operator, in every region that can be reached.
const (
	activeActive  = "active-active"  // every region takes every write
	homeRegion    = "home-region"    // a key has a home, which its writes are forwarded to while it can be reached
	activePassive = "active-passive" // one region takes writes, until another is promoted
)

// A mode is how the regions are run.
type mode struct {
	Name    string `json:"mode"`
	Primary string `json:"primary,omitempty"` // of active-passive
	Epoch   uint64 `json:"epoch,omitempty"`   // of the promotion that made it primary
}

// errDeposed says that a write is to go to another region.
type errDeposed struct{ primary string }

func (e errDeposed) Error() string {
	return fmt.Sprintf("this region is not the primary; send the write to %q", e.primary)
}

// setMode notes a mode.
func (g *region) setMode(ctx context.Context, m mode) error {
	switch m.Name {
	case activeActive, homeRegion:
		m.Primary = ""
	case activePassive:
		if !slices.Contains(g.regions(), m.Primary) {
			return badRequest("there is no region %q to be the primary", m.Primary)
		}
	default:
		return badRequest("there is no mode %q: it is %s, %s or %s", m.Name, activeActive, homeRegion, activePassive)
	}
	err := g.store.write(ctx, func(t *tx) error {
		if err := t.observe(m.Epoch); err != nil {
			return err
		}
		return t.note("mode", m)
	})
	if err == nil {
		g.mode.Store(&m)
	}
	return err
}

// mayWrite says whether this region takes writes.
func (g *region) mayWrite() error {
	m := g.mode.Load()
	if m.Name != activePassive {
		return nil
	}
	if m.Primary != g.name {
		return errDeposed{m.Primary}
	}
	if highest := g.store.highestEpoch(); highest > m.Epoch {
		// Rows have come that another region wrote as the primary: nobody has told
		// this one, but it knows.
		return errDeposed{"promoted in epoch " + fmt.Sprint(highest)}
	}
	return nil
}

// promote makes this region the primary. Whoever calls it, an operator or a
// lease, makes sure that no two regions are promoted into the same epoch.
//
// The cut says what this region had merged of each replica, over all orders:
// a version outside of it came too late, and is fenced wherever it turns up.
// The cut forgets no replica that ever wrote, living or not: without its name,
// all that it wrote would be outside.
func (g *region) promote(ctx context.Context) (p resolver.Promotion, err error) {
	// From here on nothing is written that the cut has not seen: what is under way
	// asks again, in its transaction.
	before := g.mode.Swap(&mode{Name: activePassive})
	defer func() {
		if err != nil {
			g.mode.Store(before)
		}
	}()
	if err := g.store.write(ctx, func(*tx) error { return nil }); err != nil {
		return p, err
	}
	keys, err := g.store.keysOf(ctx, orderKind, false)
	if err != nil {
		return p, err
	}
	var cut resolver.Cut
	for _, key := range keys {
		st, err := g.store.read(ctx, key)
		if err != nil {
			return p, err
		}
		cut.Add(as[*Orders](st))
	}
	if p, err = cut.Promotion(g.store.highestEpoch() + 1); err != nil {
		return p, err
	}
	for some := range slices.Chunk(keys, 1000) {
		err := g.store.write(ctx, func(t *tx) error {
			for _, key := range some {
				fence(t, key, as[*Orders](t.row(key).state).Promote(p)...)
				t.changed(t.row(key), nil)
			}
			return nil
		}, some...)
		if err != nil {
			return p, err
		}
	}
	return p, g.setMode(ctx, mode{Name: activePassive, Primary: g.name, Epoch: p.Epoch})
}

// writer returns who writes orders here, and in which epoch.
func (g *region) writer() resolver.Writer {
	return resolver.Writer{Writer: g.stamps(), Epoch: g.mode.Load().Epoch}
}

// rule returns what is done about concurrent versions of an order.
func (g *region) rule() *resolver.Reconciler[Order] {
	if g.mode.Load().Name == homeRegion {
		return g.homeRule
	}
	return g.freeRule
}

// home returns the home region of a key: that of its user, not of the row, so
// that all that a user does is in one place.
func (g *region) home(key string) vclock.Replica {
	var replicas []vclock.Replica
	for _, name := range g.regions() {
		replicas = append(replicas, vclock.Replica(name))
	}
	return resolver.Home(userOf(key), replicas...)
}
