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

// A piece of stock is sold by whoever has the right to, without asking anybody. A region with too few
// rights asks for some: nothing is ever oversold, and one that is cut off goes on selling what it holds.

// A rightsRequest asks a region to hand over rights to sell.
type rightsRequest struct {
	Key  string
	To   vclock.Replica
	Need int64
}

// borrow asks those who hold most for rights, if they are what is missing, and reports whether it got any.
func (g *region) borrow(ctx context.Context, key string, err error) bool {
	short, ok := errors.AsType[*crdt.RightsError](err)
	if !ok {
		return false
	}
	held := slices.SortedFunc(slices.Values(short.Held), func(a, b crdt.Held) int { return cmp.Compare(b.Rights, a.Rights) })
	for _, h := range held {
		p := g.peers[string(regionOf(h.Replica))]
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

// answerRights hands over twice what was asked for, but not more than half of what is left.
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
		changed(t, t.row(q.Key), delta)
		return nil
	}, q.Key)
	if err != nil {
		return b, err
	}
	return g.pack(ctx, wanted{Keys: []string{q.Key}})
}

// inherit takes over the rights of regions that were retired. One region does it, the first.
func (g *region) inherit(ctx context.Context) error {
	first := slices.IndexFunc(g.names, g.isMember)
	if first < 0 || g.names[first] != vclock.Replica(g.name) {
		return nil
	}
	return g.reclaim(ctx, slices.DeleteFunc(slices.Clone(g.names), g.isMember)...)
}

// reclaim takes over the rights of lives that are over, once all have shown what they know of them: a
// database from a backup has not heard of all that was sold.
func (g *region) reclaim(ctx context.Context, regions ...vclock.Replica) error {
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
					changed(t, t.row(key), delta)
				}
			}
		}
		return failed
	}, keys...)
}
