package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// A piece of stock is sold by whoever has the right to, without asking anybody.
// A region that has too few rights asks the others for some: nothing is ever
// oversold, and a region that is cut off goes on selling what it holds.

// A rightsRequest asks a region to hand over rights to sell.
type rightsRequest struct {
	Key  string         `json:"key"`
	To   vclock.Replica `json:"to"`
	Need int64          `json:"need"`
}

// sell takes n pieces of a row of stock, with rights from other regions if it
// has to.
func (g *region) sell(ctx context.Context, key string, n int64) error {
	for try := 0; ; try++ {
		err := g.store.write(ctx, func(t *tx) error {
			r := t.row(key)
			delta, err := as[*crdt.BoundedCounter](r.state).Sub(g.seller(), n)
			if err == nil {
				t.changed(r, of[*crdt.BoundedCounter]{delta})
			}
			return err
		}, key)
		short, ok := errors.AsType[*crdt.RightsError](err)
		if !ok || try == 3 {
			return err
		}
		if !g.borrow(ctx, key, short) {
			return err
		}
	}
}

// borrow asks those who hold most for the rights that are missing, and reports
// whether it got any.
func (g *region) borrow(ctx context.Context, key string, short *crdt.RightsError) bool {
	held := slices.Clone(short.Held)
	slices.SortFunc(held, func(a, b crdt.Held) int { return cmp.Compare(b.Rights, a.Rights) })
	need := short.Need - short.Have
	for _, h := range held {
		p := g.peer(regionOf(h.Replica))
		if p == nil || h.Rights <= 0 || need <= 0 || !p.conn.IsConnected() {
			continue
		}
		var got batch
		if err := p.ask(ctx, "rights", rightsRequest{Key: key, To: g.seller(), Need: need}, &got); err != nil {
			g.log.Info("asked for rights", "key", key, "peer", p.name, "error", err)
			continue
		}
		in := arrivals{witness: got.Witness}
		if err := g.open(got.Body, &in); err != nil {
			continue
		}
		if err := g.merge(ctx, p.name, &in); err != nil {
			return false
		}
		return true
	}
	return false
}

// answerRights hands over what was asked for and as much again, so that the next
// sale need not ask, but never more than half of what is left.
func (g *region) answerRights(ctx context.Context, q rightsRequest) (batch, error) {
	var out envelope
	if kindOf(q.Key) != stockKind || !q.To.IsValid() || q.Need <= 0 {
		return batch{}, fmt.Errorf("%q is no stock to ask rights of", q.Key)
	}
	err := g.store.write(ctx, func(t *tx) error {
		r := t.row(q.Key)
		stock := as[*crdt.BoundedCounter](r.state)
		have := stock.Rights(g.seller())
		give := min(have, max(q.Need, min(2*q.Need, have/2)))
		if give <= 0 {
			return fmt.Errorf("%s has no rights left", g.name)
		}
		delta, err := stock.Transfer(g.seller(), q.To, give)
		if err != nil {
			return err
		}
		t.changed(r, of[*crdt.BoundedCounter]{delta})
		out = envelope{} // the transaction may be tried again
		data, err := delta.AppendBinary(nil)
		out.add(q.Key, data)
		return err
	}, q.Key)
	return batch{From: g.name, Body: out.bytes(), Witness: g.witness()}, err
}

// reclaim takes over the rights of this region's own earlier lives, once all
// peers have shown what they know of them: a database from a backup has not
// heard of all that was sold.
func (g *region) reclaim(ctx context.Context) {
	var keys []string
	err := g.store.readAll(ctx, func(key string, _ []byte) error {
		keys = append(keys, key)
		return nil
	}, `WHERE id >= $1 AND id < $2`, stockKind+"/", stockKind+"0")
	for _, key := range keys {
		err = errors.Join(err, g.store.write(ctx, func(t *tx) error {
			r := t.row(key)
			stock := as[*crdt.BoundedCounter](r.state)
			for _, old := range slices.Collect(keysOf(stock)) {
				if regionOf(old) != g.name || old == g.seller() || stock.Rights(old) <= 0 {
					continue
				}
				delta, err := stock.Reclaim(old, g.seller())
				if err != nil {
					return err
				}
				t.changed(r, of[*crdt.BoundedCounter]{delta})
			}
			return nil
		}, key))
	}
	if err != nil && ctx.Err() == nil {
		g.log.Error("reclaiming rights", "error", err)
	}
}

func keysOf(c *crdt.BoundedCounter) func(yield func(vclock.Replica) bool) {
	return func(yield func(vclock.Replica) bool) {
		for r := range c.Holders() {
			if !yield(r) {
				return
			}
		}
	}
}

// regionOf returns the region that a replica is a life of.
func regionOf(r vclock.Replica) string {
	name, _ := r.Lineage()
	return string(name)
}
