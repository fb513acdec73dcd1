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

// A piece of stock is sold by whoever has the right to, without asking anybody. A region that has
// too few rights asks the others for some: nothing is ever oversold, and a region that is cut off
// goes on selling what it holds.

// A rightsRequest asks a region to hand over rights to sell.
type rightsRequest struct {
	Key  string         `json:"key"`
	To   vclock.Replica `json:"to"`
	Need int64          `json:"need"`
}

// borrowing does what may need rights, and again with rights from other regions.
func (g *region) borrowing(ctx context.Context, key string, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		short, ok := errors.AsType[*crdt.RightsError](err)
		if !ok || try == 3 || !g.borrow(ctx, key, short) {
			return err
		}
	}
}

// borrow asks those who hold most for the rights that are missing, and reports whether it got any.
func (g *region) borrow(ctx context.Context, key string, short *crdt.RightsError) bool {
	held := slices.SortedFunc(slices.Values(short.Held), func(a, b crdt.Held) int { return cmp.Compare(b.Rights, a.Rights) })
	for _, h := range held {
		p := g.peers[regionOf(h.Replica)]
		if p == nil || h.Rights <= 0 || !p.conn.IsConnected() {
			continue
		}
		got, err := ask[batch](ctx, p, "rights", rightsRequest{Key: key, To: g.me(), Need: short.Need - short.Have})
		if err == nil {
			_, err = g.takeBatch(ctx, got)
		}
		if err == nil {
			return true
		}
		g.log.Info("asked for rights", "key", key, "peer", p.name, "error", err)
	}
	return false
}

// answerRights hands over what was asked for and as much again, so that the next sale need not ask,
// but never more than half of what is left.
func (g *region) answerRights(ctx context.Context, q rightsRequest) (b batch, err error) {
	if kindOf(q.Key) != stockKind || !q.To.IsValid() || q.Need <= 0 {
		return b, fmt.Errorf("%q is no stock to ask rights of", q.Key)
	}
	err = g.store.write(ctx, func(t *tx) error {
		stock := as[*Stock](t.row(q.Key).state)
		have := stock.Rights(g.me())
		delta, err := stock.Transfer(g.me(), q.To, min(have, max(q.Need, min(2*q.Need, have/2))))
		if err != nil {
			return err // there are none left
		}
		t.changed(t.row(q.Key), of[*Stock]{delta})
		var out envelope
		data, err := delta.AppendBinary(nil)
		out.add(q.Key, data)
		b = batch{From: g.name, Body: out.body}
		return err
	}, q.Key)
	b.Commit = g.store.commits.Load()
	return b, err
}

// inherit takes over the rights of regions that were retired, once all that remain have shown what
// they know of them. One region does it, the first.
func (g *region) inherit(ctx context.Context) error {
	all := g.regions()
	if slices.ContainsFunc(all[:slices.Index(all, g.name)], g.isMember) {
		return nil
	}
	return g.reclaim(ctx, slices.DeleteFunc(all, g.isMember)...)
}

// reclaim takes over the rights of lives that are over: of regions that are gone, or of this
// region's own earlier ones, once all peers have shown what they know of them: a database from a
// backup has not heard of all that was sold.
func (g *region) reclaim(ctx context.Context, regions ...string) error {
	keys, err := g.store.keysOf(ctx, stockKind)
	if err != nil || len(regions) == 0 {
		return err
	}
	return g.store.write(ctx, func(t *tx) (failed error) {
		for _, key := range keys {
			stock := as[*Stock](t.row(key).state)
			for h := range maps.Collect(stock.Holders()) {
				if h == g.me() || !slices.Contains(regions, regionOf(h)) || stock.Rights(h) <= 0 {
					continue
				}
				delta, err := stock.Reclaim(h, g.me())
				if failed = errors.Join(failed, err); err == nil {
					t.changed(t.row(key), of[*Stock]{delta})
				}
			}
		}
		return failed
	}, keys...)
}
