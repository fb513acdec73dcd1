package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Anti-entropy compares whole stores and moves what differs. It is what makes a
// lost message, a stream that was cut or restored, and a database from a backup
// heal, and how a region that joins empty gets everything. It is no option: with
// streams alone, what is missed once is missed for ever.
//
// A region asks its peers in turn. Both fetching and pushing go through the
// connection of the one who asks, so that it works where the way back is cut.

// A syncMessage is one message of an exchange, and the keys whose states its
// sender has for the receiver.
type syncMessage struct {
	From    string   `json:"from"`
	Message []byte   `json:"message,omitempty"`
	Keys    []string `json:"keys,omitempty"`
	More    bool     `json:"more,omitempty"`   // there are more keys than a message takes
	First   bool     `json:"first,omitempty"`  // of the exchange
	Matrix  string   `json:"matrix,omitempty"` // in the answer to the first: see collect.go
}

// maxKeys bounds the keys in one message, with names of 50 bytes to half of 1 MB.
const maxKeys = 10_000

// A batch has the states of rows, as an envelope.
type batch struct {
	From string `json:"from"`
	Body []byte `json:"body,omitempty"`
	Left int    `json:"left,omitempty"` // how many of the keys asked for did not fit
	// Witness is how far the sender was: see identity.go.
	Witness witness `json:"witness"`
}

// syncResult says what one exchange did.
type syncResult struct {
	Rounds, Fetched, Pushed int
	Bytes                   int  // of messages and states, both ways
	more                    bool // the exchange is to be gone on with
	held                    int  // rows that are not to be merged yet
}

// syncLoop reconciles with one peer again and again.
func (g *region) syncLoop(ctx context.Context, p *peer) {
	for ctx.Err() == nil {
		if p.conn.IsConnected() {
			res, err := g.reconcile(ctx, p)
			switch {
			case err != nil && ctx.Err() == nil:
				g.log.Info("anti-entropy", "peer", p.name, "error", err)
			case err == nil && res.more:
				continue
			case err == nil:
				g.synced(ctx, p, res)
			}
		}
		sleep(ctx, g.config.syncEvery/2+rand.N(g.config.syncEvery))
	}
}

// reconcile makes this region and a peer the same, as far as the policy for
// clocks lets it.
//
// It is done with one peer at a time: what one has sent, the next need not send.
func (g *region) reconcile(ctx context.Context, p *peer) (res syncResult, err error) {
	g.syncing.Lock()
	defer g.syncing.Unlock()
	message := g.store.ask(rand.Uint64())
	matrix := ""
	for message != nil && res.Rounds < 10 {
		var reply syncMessage
		if err := p.ask(ctx, "sync", syncMessage{From: g.name, Message: message, First: res.Rounds == 0}, &reply); err != nil {
			return res, err
		}
		res.Rounds++
		matrix = cmp.Or(matrix, reply.Matrix)
		res.Bytes += len(message) + len(reply.Message)
		if err := g.fetch(ctx, p, reply.Keys, &res); err != nil {
			return res, err
		}
		message = nil
		if res.more = reply.More; reply.Message == nil || reply.More {
			break
		}
		var send []string
		if message, send, err = g.store.answer(reply.Message); err != nil {
			return res, fmt.Errorf("answer of %s: %w", p.name, err)
		}
		if err := g.push(ctx, p, send, &res); err != nil {
			return res, err
		}
	}
	if message != nil || res.more || res.held > 0 || matrix == "" {
		return res, nil // this region has not everything that the peer had
	}
	return res, g.exchanged(ctx, p.name, matrix)
}

// fetch gets rows from the peer and merges them.
func (g *region) fetch(ctx context.Context, p *peer, keys []string, res *syncResult) error {
	for len(keys) > 0 {
		some := keys[:min(len(keys), 2000)]
		var got batch
		if err := p.ask(ctx, "fetch", syncMessage{From: g.name, Keys: some}, &got); err != nil {
			return err
		}
		in := arrivals{witness: got.Witness}
		if len(got.Body) > 0 {
			if err := g.open(got.Body, &in); err != nil {
				return err
			}
		}
		if err := g.merge(ctx, p.name, &in); err != nil {
			return err
		}
		res.Fetched += len(in.keys)
		res.held += in.held
		res.Bytes += len(got.Body)
		if got.Left >= len(some) {
			return fmt.Errorf("%s sends nothing of what it has", p.name)
		}
		keys = keys[len(some)-got.Left:]
	}
	return nil
}

// push sends rows to the peer.
func (g *region) push(ctx context.Context, p *peer, keys []string, res *syncResult) error {
	for len(keys) > 0 {
		body, n, err := g.pack(ctx, keys)
		if err != nil {
			return err
		}
		if body != nil {
			if err := p.ask(ctx, "push", batch{From: g.name, Body: body, Witness: g.witness()}, &struct{}{}); err != nil {
				return err
			}
		}
		res.Pushed += n
		res.Bytes += len(body)
		keys = keys[n:]
	}
	return nil
}

// pack makes an envelope of the first rows among keys that fit into a message,
// and returns how many.
func (g *region) pack(ctx context.Context, keys []string) (body []byte, n int, err error) {
	var out envelope
	for some := range slices.Chunk(keys, 25) {
		args := make([]any, len(some))
		for i, k := range some {
			args[i] = k
		}
		err := g.store.readAll(ctx, func(key string, data []byte) error {
			out.add(key, data)
			return nil
		}, `WHERE id IN `+places(1, len(some)), args...)
		if err != nil {
			return nil, 0, err
		}
		n += len(some)
		if len(out.body) > maxMessage {
			break
		}
	}
	return out.bytes(), n, nil
}

// answerSync, answerFetch and answerPush are the other side of reconcile.
func (g *region) answerSync(ctx context.Context, q syncMessage) (a syncMessage, err error) {
	if q.First {
		if a.Matrix, err = g.matrix(ctx, nil); err != nil {
			return a, err
		}
	}
	reply, send, err := g.store.answer(q.Message)
	n := min(len(send), maxKeys)
	a.From, a.Message, a.Keys, a.More = g.name, reply, send[:n], n < len(send)
	return a, err
}

func (g *region) answerFetch(ctx context.Context, q syncMessage) (batch, error) {
	body, n, err := g.pack(ctx, q.Keys)
	return batch{From: g.name, Body: body, Left: len(q.Keys) - n, Witness: g.witness()}, err
}

func (g *region) answerPush(ctx context.Context, q batch) (struct{}, error) {
	in := arrivals{witness: q.Witness}
	if err := g.open(q.Body, &in); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, g.merge(ctx, q.From, &in)
}

// synced notes that an exchange came to its end.
func (g *region) synced(ctx context.Context, p *peer, res syncResult) {
	g.mu.Lock()
	p.synced, p.equal = time.Now(), res.Fetched == 0 && res.Pushed == 0
	g.syncStats.add(res)
	all := !g.caughtUp
	for _, p := range g.peers {
		all = all && !p.synced.IsZero()
	}
	g.caughtUp = g.caughtUp || all
	g.mu.Unlock()
	if all {
		g.reclaim(ctx)
	}
}

func (r *syncResult) add(o syncResult) {
	r.Rounds += o.Rounds
	r.Fetched += o.Fetched
	r.Pushed += o.Pushed
	r.Bytes += o.Bytes
}
