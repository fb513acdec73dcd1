package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/vclock"
)

// Deleting leaves something behind, lest a late message bring back what was deleted. It may be
// forgotten once every region has merged the delete, which a vclock.Matrix knows: who has merged
// what of whom, as readings of clocks.
//
// The matrix of a region travels with its state. Here that is an exchange of anti-entropy: a region
// notes what it has, sends the matrix, and once the other has merged all that differs, it merges
// the matrix. A fingerprint may overlook a difference, one time in ten million, so the matrix of
// one exchange counts after the next.

// record merges the matrix of a peer, if there is one, notes what the region has now, and returns
// its own. That is done between two writes: what has a smaller stamp is
// committed then, and whoever is sent the state after that gets it.
func (g *region) record(ctx context.Context, merge *vclock.Matrix) (m *vclock.Matrix, err error) {
	err = g.store.write(ctx, func(t *tx) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if merge != nil {
			if _, err := g.matrix.Merge(merge); err != nil {
				return err
			}
			g.matrix.Close()
		}
		now, err := g.clocks.clock.Now()
		if err != nil {
			return err
		}
		g.matrix.Record(uint64(now))
		m = g.matrix.Clone()
		t.note("matrix", m)
		return nil
	})
	return m, err
}

// exchanged takes the matrix of a peer with which an exchange has come to its end, and nothing of
// what the peer sent was held back or refused.
func (g *region) exchanged(ctx context.Context, p *peer, m *vclock.Matrix) (err error) {
	g.mu.Lock()
	before := g.early[p.name]
	g.early[p.name] = m
	first := !g.caughtUp
	for name := range g.peers {
		first = first && (g.early[name] != nil || !g.matrix.Contains(vclock.Replica(name)))
	}
	g.caughtUp = g.caughtUp || first
	g.mu.Unlock()
	if first {
		err = g.reclaim(ctx, g.name)
	}
	if err == nil && before != nil {
		_, err = g.record(ctx, before)
	}
	return err
}

// isMember reports whether a region has not been retired. Of one that has, nothing is taken any
// more.
func (g *region) isMember(region string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.matrix.Contains(vclock.Replica(region))
}

// retire takes a region that is gone for good out of the group: nobody waits for it any more before
// something is forgotten.
func (g *region) retire(ctx context.Context, q struct{ Region string }) error {
	if g.peers[q.Region] == nil {
		return badRequest("There is no other region %q.", q.Region)
	}
	return g.store.write(ctx, func(t *tx) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.matrix.Retire(vclock.Replica(q.Region))
		t.note("matrix", g.matrix)
		return nil
	})
}

// collect is one round: rows with times forget up to the time that every region has merged all
// writes of, and carts what this region had at a time up to which every region has merged all that
// it had. The time is rounded, so that the regions do the same and need not send each other what
// they have forgotten.
func (g *region) collect(ctx context.Context) error {
	g.mu.Lock()
	floor, settled := hlc.Timestamp(g.matrix.Floor()), g.matrix.Settled()
	_, reading := g.matrix.Horizon()
	g.mu.Unlock()
	if !settled {
		return nil
	}
	horizon := hlc.At(floor.Time().Truncate(5 * time.Second))
	keys, err := g.store.strings(ctx, `SELECT id FROM rows WHERE garbage`)
	carts, marked := map[string]crdt.Context{}, g.marked <= floor
	for some := range slices.Chunk(keys, 64) {
		err = cmp.Or(err, g.store.write(ctx, func(t *tx) (err error) {
			for _, key := range some {
				if marked || kindOf(key) != cartKind {
					err = errors.Join(err, g.forget(t, t.row(key), horizon, carts))
				}
			}
			return err
		}, some...))
	}
	now, failed := g.clocks.clock.Now()
	if err = cmp.Or(err, failed); err != nil {
		return err
	}
	if marked {
		// What is noted was written before any clock showed this: carts have no times, and a clock
		// that is ahead has gone on since it was last heard of.
		g.carts, g.marked = carts, max(now, hlc.Timestamp(reading))+hlc.Timestamp(5*g.config.syncEvery)
	}
	return g.inherit(ctx)
}

// forget makes a row smaller, if that is possible. What is old and forgotten once is no garbage any
// more.
func (g *region) forget(t *tx, r *row, horizon hlc.Timestamp, carts map[string]crdt.Context) error {
	before, err := r.state.append(nil)
	if err != nil {
		return err
	}
	next, err := t.store.decodeRow(r.key, before)
	if err != nil {
		return err
	}
	old := next.latest() <= horizon
	switch s := next.(type) {
	case of[*Flags]:
		err = s.s.Compact(horizon)
	case of[*Profiles]:
		err = s.s.Compact(horizon)
	case of[*Orders]:
		if old {
			_, err = s.s.Reap(s.s.Clock(), horizon)
		}
	case of[*Cart]:
		s.s.Compact(g.carts[r.key])
		if old = s.s.Stats().Residues == 0; !old {
			carts[r.key] = s.s.Context()
		}
	}
	after, failed := next.append(nil)
	if err = cmp.Or(err, failed); err != nil {
		return err
	}
	if smaller := len(after) < len(before); smaller || old {
		if smaller {
			r.state = next
		}
		r.garbage = !old
		t.touch(r)
	}
	return nil
}

// leavesGarbage reports whether there may be something to forget in a state, or in what a delta
// makes of one, once all have it. What it overlooks, the region that deleted does not: the others
// merge what is left of it.
func leavesGarbage(st state) bool {
	switch s := st.(type) {
	case of[*Flags]:
		for range s.s.Tombstones() {
			return true
		}
	case of[*Cart]:
		return s.s.Len() == 0
	}
	return false
}
