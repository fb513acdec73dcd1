package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
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
	Message []byte         `json:"message,omitempty"`
	Keys    []string       `json:"keys,omitempty"`
	More    bool           `json:"more,omitempty"`   // there are more keys than a message takes
	First   bool           `json:"first,omitempty"`  // of the exchange
	Matrix  *vclock.Matrix `json:"matrix,omitempty"` // in the answer to the first: see collect.go
}

// maxKeys bounds the keys in one message, with names of 50 bytes to half of 1 MB.
const maxKeys = 10_000

// A batch has the states of rows, as an envelope.
type batch struct {
	From   string `json:"from"`
	Body   []byte `json:"body,omitempty"`
	Left   int    `json:"left,omitempty"` // how many of the keys asked for did not fit
	Commit uint64 `json:"commit"`         // how far the sender was: see identity.go
}

// reconcile makes this region and a peer the same, as far as the policy for
// clocks lets it.
//
// It is done with one peer at a time: what one has sent, the next need not send.
func (g *region) reconcile(ctx context.Context, p *peer) error {
	g.syncing.Lock()
	defer g.syncing.Unlock()
	message := g.store.ask(rand.Uint64())
	var matrix *vclock.Matrix
	held := 0 // rows that are not to be merged yet
	for round := 0; message != nil; round++ {
		var reply syncMessage
		if err := p.ask(ctx, "sync", syncMessage{Message: message, First: round == 0}, &reply); err != nil {
			return err
		}
		matrix = cmp.Or(matrix, reply.Matrix)
		n, err := g.fetch(ctx, p, reply.Keys)
		if held += n; err != nil || round == 1000 {
			return err
		}
		if message = nil; reply.More {
			message = g.store.ask(rand.Uint64()) // what it named is here now
		}
		if reply.Message != nil && !reply.More {
			var send []string
			if message, send, err = g.store.answer(reply.Message); err != nil {
				return fmt.Errorf("answer of %s: %w", p.name, err)
			}
			if err := g.push(ctx, p, send); err != nil {
				return err
			}
		}
	}
	if held > 0 || matrix == nil {
		return nil // this region has not everything that the peer had
	}
	return g.exchanged(ctx, p, matrix)
}

// fetch gets rows from the peer and merges them: some while the next are on
// their way. It returns how many are not to be merged yet.
func (g *region) fetch(ctx context.Context, p *peer, keys []string) (held int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches, asked := make(chan batch, 1), make(chan error, 1)
	go func() {
		defer close(batches)
		for len(keys) > 0 {
			some := keys[:min(len(keys), 2000)]
			var got batch
			if err := p.ask(ctx, "fetch", some, &got); err != nil {
				asked <- err
				return
			}
			if got.Left >= len(some) {
				asked <- fmt.Errorf("%s sends nothing of what it has", p.name)
				return
			}
			keys = keys[len(some)-got.Left:]
			batches <- got
		}
		asked <- nil
	}()
	for got := range batches {
		if err == nil {
			var n int
			n, err = g.takeBatch(ctx, p.name, got)
			held += n
		}
		if err != nil {
			cancel()
		}
	}
	return held, cmp.Or(err, <-asked)
}

// takeBatch merges rows that a peer has sent.
func (g *region) takeBatch(ctx context.Context, peer string, b batch) (held int, err error) {
	in := arrivals{peer: peer, commit: b.Commit}
	if err := g.open(b.Body, &in); err != nil {
		return 0, err
	}
	err = g.merge(ctx, &in)
	return in.held, err
}

// push sends rows to the peer.
func (g *region) push(ctx context.Context, p *peer, keys []string) error {
	for len(keys) > 0 {
		b, err := g.pack(ctx, keys)
		if err == nil {
			err = p.ask(ctx, "push", b, &struct{}{})
		}
		if err != nil {
			return err
		}
		keys = keys[len(keys)-b.Left:]
	}
	return nil
}

// pack makes a batch of the first rows among keys that fit into a message.
func (g *region) pack(ctx context.Context, keys []string) (batch, error) {
	b := batch{From: g.name, Left: len(keys), Commit: g.store.commits.Load()}
	var out envelope
	for some := range slices.Chunk(keys, 50) {
		err := g.store.readAll(ctx, func(key string, data []byte) error {
			out.add(key, data)
			return nil
		}, `WHERE id IN `+places(1, len(some)), anys(some)...)
		if err != nil {
			return b, err
		}
		b.Left -= len(some)
		if len(out.body) > maxMessage {
			break
		}
	}
	b.Body = out.body
	return b, nil
}

// answerSync and answerPush are the other side of reconcile, as pack is.
func (g *region) answerSync(ctx context.Context, q syncMessage) (a syncMessage, err error) {
	if q.First {
		if !g.syncing.TryLock() {
			return a, errors.New("comparing with another") // which may bring what this one would
		}
		g.syncing.Unlock()
		if a.Matrix, err = g.record(ctx, nil); err != nil {
			return a, err
		}
	}
	reply, send, err := g.store.answer(q.Message)
	n := min(len(send), maxKeys)
	a.Message, a.Keys, a.More = reply, send[:n], n < len(send)
	return a, err
}

func (g *region) answerPush(ctx context.Context, b batch) (struct{}, error) {
	_, err := g.takeBatch(ctx, b.From, b)
	return struct{}{}, err
}
