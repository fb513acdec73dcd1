package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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
			delta, err := as[*crdt.BoundedCounter](r.state).Sub(g.me(), n)
			if err == nil {
				t.changed(r, of[*crdt.BoundedCounter]{delta})
			}
			return err
		}, key)
		short, ok := errors.AsType[*crdt.RightsError](err)
		if !ok || try == 3 || !g.borrow(ctx, key, short) {
			return err
		}
	}
}

// borrow asks those who hold most for the rights that are missing, and reports
// whether it got any.
func (g *region) borrow(ctx context.Context, key string, short *crdt.RightsError) bool {
	held := slices.Clone(short.Held)
	slices.SortFunc(held, func(a, b crdt.Held) int { return cmp.Compare(b.Rights, a.Rights) })
	for _, h := range held {
		p := g.peer(regionOf(h.Replica))
		if p == nil || h.Rights <= 0 || !p.conn.IsConnected() {
			continue
		}
		var got batch
		err := p.ask(ctx, "rights", rightsRequest{Key: key, To: g.me(), Need: short.Need - short.Have}, &got)
		if err == nil {
			_, err = g.takeBatch(ctx, p.name, got)
		}
		if err == nil {
			return true
		}
		g.log.Info("asked for rights", "key", key, "peer", p.name, "error", err)
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
		have := stock.Rights(g.me())
		give := min(have, max(q.Need, min(2*q.Need, have/2)))
		if give <= 0 {
			return fmt.Errorf("%s has no rights left", g.name)
		}
		delta, err := stock.Transfer(g.me(), q.To, give)
		if err != nil {
			return err
		}
		t.changed(r, of[*crdt.BoundedCounter]{delta})
		out = envelope{} // the transaction may be tried again
		data, err := delta.AppendBinary(nil)
		out.add(q.Key, data)
		return err
	}, q.Key)
	return batch{From: g.name, Body: out.body, Commit: g.store.commits.Load()}, err
}

// inherit takes over the rights of regions that were retired, once all that
// remain have shown what they know of them. One region does it, the first.
func (g *region) inherit(ctx context.Context) error {
	var gone []string
	for _, name := range g.regions() {
		if !g.isMember(name) {
			gone = append(gone, name)
		} else if name < g.name {
			return nil
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return g.reclaim(ctx, gone...)
}

// reclaim takes over the rights of lives that are over: of regions that are gone,
// or of this region's own earlier ones, once all peers have shown what they know
// of them: a database from a backup has not heard of all that was sold.
func (g *region) reclaim(ctx context.Context, regions ...string) error {
	keys, err := g.store.keysOf(ctx, stockKind, false)
	for _, key := range keys {
		err = errors.Join(err, g.store.write(ctx, func(t *tx) error {
			r := t.row(key)
			stock := as[*crdt.BoundedCounter](r.state)
			for h := range maps.Collect(stock.Holders()) {
				if h == g.me() || !slices.Contains(regions, regionOf(h)) || stock.Rights(h) <= 0 {
					continue
				}
				delta, err := stock.Reclaim(h, g.me())
				if err != nil {
					return err
				}
				t.changed(r, of[*crdt.BoundedCounter]{delta})
			}
			return nil
		}, key))
	}
	return err
}
