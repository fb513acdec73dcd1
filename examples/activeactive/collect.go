package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/vclock"
)

// Deleting leaves something behind, lest a late message bring back what was
// deleted. It may be forgotten once every region has merged the delete, which a
// vclock.Matrix knows: who has merged what of whom, as readings of clocks.
//
// The matrix of a region travels with its state. Here that is an exchange of
// anti-entropy: a region notes what it has, sends the matrix, and once the other
// has merged all that differs, it merges the matrix. A fingerprint may overlook
// a difference, one time in ten million, so the matrix of one exchange counts
// after the next.
type collector struct {
	matrix *vclock.Matrix
	early  map[string]*vclock.Matrix // by peer, of the last exchange
	marked hlc.Timestamp             // when the contexts below were read
	carts  map[string]crdt.Context   // what this region had then, of carts that have something to forget
}

// loadMatrix reads the matrix of the region, or makes the first.
func (g *region) loadMatrix(ctx context.Context) error {
	text, err := g.store.meta(ctx, "matrix")
	if err != nil {
		return err
	}
	if text == "" {
		members := make([]vclock.Replica, 0, len(g.peers))
		for _, p := range g.peers {
			members = append(members, vclock.Replica(p.name))
		}
		g.collector.matrix = vclock.NewMatrix(vclock.Replica(g.name), members...)
	} else if g.collector.matrix, err = decodeMatrix(text); err != nil {
		return err
	}
	g.collector.early = map[string]*vclock.Matrix{}
	// A new incarnation says so: what its earlier lives wrote and nobody has is
	// given up.
	now, err := g.clocks.clock.Now()
	if err != nil || g.collector.matrix.Owner() == g.me() {
		return err
	}
	return g.collector.matrix.Begin(g.me(), uint64(now))
}

func decodeMatrix(text string) (*vclock.Matrix, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	m := new(vclock.Matrix)
	return m, m.UnmarshalBinary(data)
}

// matrix notes what the region has now and returns its matrix, as text. The note
// is made by the writing goroutine, between two writes: what has a smaller stamp
// is committed then, and whoever is sent the state after that gets it.
func (g *region) matrix(ctx context.Context, merge *vclock.Matrix) (text string, err error) {
	err = g.store.write(ctx, func(t *tx) error {
		m := g.collector.matrix
		if merge != nil {
			if _, err := m.Merge(merge); err != nil {
				return err
			}
			m.Close()
		}
		now, err := g.clocks.clock.Now()
		if err != nil {
			return err
		}
		m.Record(uint64(now))
		data, err := m.MarshalBinary()
		text = base64.StdEncoding.EncodeToString(data)
		t.note("matrix", text)
		return err
	})
	return text, err
}

// exchanged takes the matrix of a peer with which an exchange has come to its
// end, and nothing of what the peer sent was held back or refused.
func (g *region) exchanged(ctx context.Context, peer, text string) error {
	m, err := decodeMatrix(text)
	if err != nil {
		return fmt.Errorf("matrix of %s: %w", peer, err)
	}
	g.mu.Lock()
	before := g.collector.early[peer]
	g.collector.early[peer] = m
	g.mu.Unlock()
	if before == nil {
		return nil
	}
	_, err = g.matrix(ctx, before)
	return err
}

// collectLoop forgets what may be forgotten, every now and then.
func (g *region) collectLoop(ctx context.Context) {
	for ; ctx.Err() == nil; sleep(ctx, 5*g.config.syncEvery) {
		if err := g.collect(ctx); err != nil && ctx.Err() == nil {
			g.log.Error("collecting", "error", err)
		}
	}
}

// collect compacts flags up to the time that every region has merged all writes
// of, and carts by what this region had at a time up to which every region has
// merged all that it had. Both are rounded, so that the regions do the same and
// need not send each other what they have forgotten.
func (g *region) collect(ctx context.Context) error {
	var floor hlc.Timestamp
	var settled bool
	if err := g.store.write(ctx, func(*tx) error { // the matrix belongs to the writing goroutine
		floor, settled = hlc.Timestamp(g.collector.matrix.Floor()), g.collector.matrix.Settled()
		return nil
	}); err != nil || !settled {
		return err
	}
	horizon := hlc.At(floor.Time().Truncate(5 * time.Second))
	err := g.store.readAll(ctx, func(key string, data []byte) error {
		st, err := g.store.schema.decode(key, data)
		if err != nil || !hasOld(as[*Flags](st), horizon) {
			return err
		}
		return g.store.write(ctx, func(t *tx) error {
			t.touch(t.row(key))
			return as[*Flags](t.row(key).state).Compact(horizon)
		}, key)
	}, `WHERE id >= $1 AND id < $2`, flagKind+"/", flagKind+"0")
	if err != nil || g.collector.marked > floor {
		return err
	}
	for key, seen := range g.collector.carts {
		if err := g.store.write(ctx, func(t *tx) error {
			if as[*Cart](t.row(key).state).Compact(seen) {
				t.touch(t.row(key))
			}
			return nil
		}, key); err != nil {
			return err
		}
	}
	return g.mark(ctx)
}

// mark notes what this region has of carts that have something to forget.
func (g *region) mark(ctx context.Context) error {
	g.collector.carts = map[string]crdt.Context{}
	err := g.store.readAll(ctx, func(key string, data []byte) error {
		st, err := g.store.schema.decode(key, data)
		if err != nil {
			return err
		}
		if cart := as[*Cart](st); len(g.collector.carts) < 1000 && cart.Stats().Residues > 0 {
			g.collector.carts[key] = cart.Context()
		}
		return nil
	}, `WHERE id >= $1 AND id < $2`, cartKind+"/", cartKind+"0")
	if err != nil {
		return err
	}
	g.collector.marked, err = g.clocks.clock.Now()
	return err
}

// hasOld reports whether there is a tombstone at or below a time.
func hasOld(f *Flags, horizon hlc.Timestamp) bool {
	for _, stamp := range f.Tombstones() {
		if stamp.Time <= horizon {
			return true
		}
	}
	return false
}
