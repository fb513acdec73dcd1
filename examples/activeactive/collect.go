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

// Deleting leaves something behind, lest a late message bring back what was deleted. It may be forgotten
// once every region has merged the delete: a vclock.Matrix knows who has merged what of whom.
//
// The matrix of a region travels with its state. Here that is an exchange of anti-entropy: once the
// other has merged all that differs, it merges the matrix. A fingerprint may overlook a difference,
// and another exchange has another salt, so the matrix of one exchange counts after the next.

// changeMatrix changes the matrix between two writes: what has a smaller stamp is committed then.
func (g *region) changeMatrix(ctx context.Context, change func(now uint64) error) error {
	return g.store.write(ctx, func(t *tx) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		now, err := g.clocks.clock.Now()
		if err == nil {
			err = change(uint64(now))
		}
		if err == nil {
			t.note("matrix", g.matrix)
		}
		return err
	})
}

// record merges the matrix of a peer, if there is one, notes what the region has, and returns the result.
func (g *region) record(ctx context.Context, merge *vclock.Matrix) (m *vclock.Matrix, err error) {
	err = g.changeMatrix(ctx, func(now uint64) error {
		if merge != nil {
			if _, err := g.matrix.Merge(merge); err != nil {
				return err
			}
		}
		g.matrix.Record(now)
		m = g.matrix.Clone()
		return nil
	})
	return m, err
}

// exchanged takes the matrix of a peer of which everything is merged.
func (g *region) exchanged(ctx context.Context, p *peer, m *vclock.Matrix) (err error) {
	g.mu.Lock()
	before := g.early[p.name]
	g.early[p.name] = m
	first := !g.caughtUp && !slices.ContainsFunc(g.names, func(r vclock.Replica) bool {
		return string(r) != g.name && g.early[string(r)] == nil && g.matrix.Contains(r)
	})
	g.caughtUp = g.caughtUp || first
	g.mu.Unlock()
	if first {
		err = g.reclaim(ctx, vclock.Replica(g.name))
	}
	if err == nil && before != nil {
		_, err = g.record(ctx, before)
	}
	return err
}

// isMember reports whether a region has not been retired. Of one that has, nothing is taken.
func (g *region) isMember(region vclock.Replica) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.matrix.Contains(region)
}

// retire takes a region that is gone for good out of the group: nobody waits for it any more.
func (g *region) retire(ctx context.Context, q struct{ Region string }) error {
	if g.peers[q.Region] == nil {
		return badRequest("There is no other region %q.", q.Region)
	}
	return g.changeMatrix(ctx, func(uint64) error {
		g.matrix.Retire(vclock.Replica(q.Region))
		return nil
	})
}

// A round says when all have merged what was noted of carts, and up to which time everything.
type round = vclock.Round[string, crdt.Context]

// collect ends a round once all have seen what there was when it began: rows forget what its permit allows.
func (g *region) collect(ctx context.Context) error {
	var permit vclock.Permit[string, crdt.Context]
	var done bool
	err := g.changeMatrix(ctx, func(now uint64) error {
		if permit, done = g.round.Done(g.matrix); !done {
			return g.round.Shut(g.matrix, now) // for the first time, if it is new
		}
		return nil
	})
	if err != nil || !done {
		return err
	}
	next := vclock.NewRound[string, crdt.Context](g.matrix)
	keys, err := g.store.strings(ctx, `SELECT id FROM rows WHERE garbage`)
	for some := range slices.Chunk(keys, 64) {
		err = cmp.Or(err, g.store.write(ctx, func(t *tx) (err error) {
			for _, key := range some {
				err = errors.Join(err, forget(t, t.row(key), permit, next))
			}
			return err
		}, some...))
	}
	if err == nil {
		g.round, err = next, g.inherit(ctx)
	}
	return err
}

// forget makes a row smaller, if that is possible. The time is rounded, so that the regions do the
// same and need not send each other what they have forgotten.
func forget(t *tx, r *row, permit vclock.Permit[string, crdt.Context], next *round) error {
	before, failed := r.state.append(nil)
	small, err := t.store.decodeRow(r.key, before)
	if err = cmp.Or(failed, err); err != nil {
		return err
	}
	horizon := hlc.At(hlc.Timestamp(permit.Horizon).Time().Truncate(5 * time.Second))
	old := small.latest() <= horizon
	switch s := small.(type) {
	case of[*Cart]:
		s.s.Close(permit.Over)
		s.s.Compact(permit.Seen[r.key])
		if old = s.s.Stats().Residues == 0; !old {
			next.Note(r.key, s.s.Context())
		}
	case of[*Flags]:
		err = s.s.Compact(horizon)
	case of[*Profiles]:
		err = s.s.Compact(horizon)
	case of[*Orders]:
		if old {
			_, err = s.s.Reap(s.s.Clock(), horizon)
		}
	}
	after, failed := small.append(nil)
	if err = cmp.Or(err, failed); err != nil {
		return err
	}
	if len(after) < len(before) {
		r.state = small
	} else if !old {
		return nil
	}
	r.garbage = !old
	t.touch(r)
	return nil
}

// leavesGarbage reports whether there may be something to forget of a state. What it overlooks, the
// region that deleted does not: the others merge what is left of it.
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
