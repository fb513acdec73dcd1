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

// Anti-entropy compares whole stores and moves what differs. It is what makes a lost message, a
// stream that was cut or restored, and a database from a backup heal, and how a region that joins
// empty gets everything. It is no option: with streams alone, what is missed once is missed for
// ever.
//
// A region asks its peers in turn. Both fetching and pushing go through the connection of the one
// who asks, so that it works where the way back is cut.

// A syncMessage is one message of an exchange, and the keys whose states its sender has for the
// receiver.
type syncMessage struct {
	Message []byte         `json:"message,omitempty"`
	Keys    []string       `json:"keys,omitempty"`   // sorted
	More    bool           `json:"more,omitempty"`   // there are more keys than a message takes; with no keys, all differ
	First   bool           `json:"first,omitempty"`  // of the exchange
	Matrix  *vclock.Matrix `json:"matrix,omitempty"` // in the answer to the first: see collect.go
}

// maxKeys bounds the keys in one message, with names of 50 bytes to half of 1 MB.
const maxKeys = 10_000

// A batch has the states of rows, as an envelope.
type batch struct {
	From   string `json:"from"`
	Body   []byte `json:"body,omitempty"`
	Last   string `json:"last"`           // rows up to this one are there
	More   bool   `json:"more,omitempty"` // and others did not fit
	Commit uint64 `json:"commit"`         // how far the sender was: see identity.go
}

// wanted says which rows are.
type wanted struct {
	Keys  []string `json:"keys,omitempty"` // sorted; none for all
	After string   `json:"after"`
}

// ask begins an exchange, and answer goes on with it. all reports whether most of what there is has
// to be sent.
func (s *store) ask() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Ask(rand.Uint64())
}

func (s *store) answer(message []byte) (reply []byte, send []string, all bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply, send, err = s.table.Answer(message)
	return reply, send, len(send) > maxKeys && 2*len(send) > s.table.Len(), err
}

// reconcile makes this region and a peer the same, as far as the policy for clocks lets it.
//
// It is done with one peer at a time: what one has sent, the next need not send.
func (g *region) reconcile(ctx context.Context, p *peer) error {
	g.syncing.Lock()
	defer g.syncing.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fetch := func(w wanted) (batch, error) { return ask[batch](ctx, p, "fetch", w) }
	pack := func(w wanted) (batch, error) { return g.pack(ctx, w) }
	take := func(b batch) (held int, err error) { return g.takeBatch(ctx, b) }
	push := func(b batch) (held int, err error) { return ask[int](ctx, p, "push", b) }
	message, held := g.store.ask(), 0 // rows that are not to be merged yet
	var matrix *vclock.Matrix
	for round := 0; message != nil; round++ {
		reply, err := ask[syncMessage](ctx, p, "sync", syncMessage{Message: message, First: round == 0})
		if err != nil {
			return err
		}
		matrix = cmp.Or(matrix, reply.Matrix)
		n, err := move(ctx, wanted{Keys: reply.Keys}, reply.More, fetch, take)
		if held += n; err != nil || round == 1000 {
			return err
		}
		if message = nil; reply.More {
			message = g.store.ask() // what it named is here now
		} else if reply.Message != nil {
			var send []string
			if message, send, _, err = g.store.answer(reply.Message); err != nil {
				return fmt.Errorf("answer of %s: %w", p.name, err)
			}
			if _, err := move(ctx, wanted{Keys: send}, false, pack, push); err != nil {
				return err
			}
		}
	}
	if held > 0 || matrix == nil {
		return nil // this region has not everything that the peer had
	}
	return g.exchanged(ctx, p, matrix)
}

// move moves rows from one side to the other: the next batch is on its way while one is taken. It
// returns how many are not to be merged yet.
func move(ctx context.Context, w wanted, more bool, get func(wanted) (batch, error), put func(batch) (int, error)) (held int, err error) {
	batches := make(chan batch, 1)
	var failed error
	go func() {
		defer close(batches)
		for more = more || len(w.Keys) > 0; more && failed == nil; {
			b, err := get(wanted{w.Keys[:min(len(w.Keys), maxRows)], w.After})
			if failed = err; err != nil {
				return
			}
			done, _ := slices.BinarySearch(w.Keys, b.Last+"\x00")
			more = done < len(w.Keys) || w.Keys == nil && b.More
			if more && b.Last <= w.After {
				failed = fmt.Errorf("%s sends nothing of what it has", b.From)
			}
			w = wanted{w.Keys[done:], b.Last}
			select {
			case batches <- b:
			case <-ctx.Done():
				failed = ctx.Err()
			}
		}
	}()
	for b := range batches {
		n, err := put(b)
		if held += n; err != nil {
			return held, err
		}
	}
	return held, failed
}

// maxRows bounds the rows in a batch, which is one transaction.
const maxRows = 4000

// pack makes a batch of the first rows wanted, as many as fit into a message.
func (g *region) pack(ctx context.Context, w wanted) (b batch, err error) {
	b = batch{From: g.name, Last: w.After, Commit: g.store.commits.Load()}
	where, which := fmt.Sprintf(`WHERE id > $1 ORDER BY id LIMIT %d`, maxRows), w.After
	if w.Keys != nil {
		where, which = `WHERE id IN `+g.store.listed+` ORDER BY id`, list(w.Keys)
	}
	var out envelope
	var rows int
	for r := range g.store.rows(ctx, &err, where, which) {
		if b.More = len(out.body) > maxMessage; b.More {
			break
		}
		out.add(r.key, r.data)
		b.Last = r.key
		rows++
	}
	if w.Keys == nil {
		b.More = b.More || rows == maxRows
	} else if !b.More {
		b.Last = w.Keys[len(w.Keys)-1]
	}
	b.Body = out.body
	return b, err
}

// takeBatch merges rows that a peer has sent.
func (g *region) takeBatch(ctx context.Context, b batch) (held int, err error) {
	in := arrivals{peer: b.From, commit: b.Commit}
	if err := g.open(b.Body, &in); err != nil {
		return 0, err
	}
	err = g.merge(ctx, &in)
	return in.held, err
}

// answerSync is the other side of reconcile, as pack and takeBatch are.
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
	a.Message, a.Keys, a.More, err = g.store.answer(q.Message)
	if a.More {
		a.Keys = nil
	} else if len(a.Keys) > maxKeys {
		a.Keys, a.More = a.Keys[:maxKeys], true
	}
	return a, err
}
