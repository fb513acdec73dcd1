package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// Anti-entropy compares whole stores and moves what differs. It makes a lost message, a stream that
// was cut or restored, and a database from a backup heal, and gives everything to a region that joins
// empty. It is no option: with streams alone, what is missed once is missed for ever.
//
// Fetching and pushing both go through the connection of the one who asks: the way back may be cut.

// A syncMessage is one message of an exchange, with the keys whose states its sender has.
type syncMessage struct {
	Message []byte
	Keys    []string       // sorted
	More    bool           // there are more keys than a message takes; with no keys, all differ
	First   bool           // of the exchange
	Matrix  *vclock.Matrix // in the answer to the first: see collect.go
}

// maxRows bounds the keys in a message, and the rows in a batch, which is one transaction.
const maxRows = 8000

// A batch has the states of rows, as an envelope.
type batch struct {
	From   string
	Body   []byte
	Last   string // rows up to this one are there
	More   bool   // and others did not fit
	All    bool   // of all rows; of some, if not
	Commit uint64 // how far the sender was: see identity.go
}

type wanted struct {
	Keys  []string // sorted; none for all
	After string
}

// compare answers a message of a peer, or begins an exchange. all is how many rows there are.
func (s *store) compare(message []byte) (reply []byte, send []string, all int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	table := s.fingerprints()
	if message == nil {
		reply = table.Ask(rand.Uint64())
	} else {
		reply, send, err = table.Answer(message)
	}
	return reply, send, table.Len(), err
}

// fingerprints returns the table, up to date: a row that is written often has one made now and then.
func (s *store) fingerprints() *antientropy.Table {
	for key, data := range s.news {
		s.table.Put(key, antientropy.Fingerprint(data))
	}
	clear(s.news)
	return &s.table
}

// reconcile makes this region and a peer the same, as far as the policy for clocks lets it. It is
// done with one peer at a time: what one has sent, the next need not send.
func (g *region) reconcile(ctx context.Context, p *peer) error {
	g.syncing.Lock()
	defer g.syncing.Unlock()
	fetch := func(ctx context.Context, w wanted) (batch, error) { return ask[batch](ctx, p, "fetch", w) }
	push := func(ctx context.Context, b batch) (int, error) { return ask[int](ctx, p, "push", b) }
	message, _, all, err := g.store.compare(nil)
	var matrix *vclock.Matrix
	held := 0 // rows that are not to be merged yet
	for round := 0; message != nil && round < 1000; round++ {
		var reply syncMessage
		if reply, err = ask[syncMessage](ctx, p, "sync", syncMessage{Message: message, First: round == 0}); err != nil {
			return err
		}
		matrix = cmp.Or(matrix, reply.Matrix)
		reply.More = reply.More || round == 0 && all == 0 // if there are no rows here, all differ
		if reply.More || len(reply.Keys) > 0 {
			n, err := move(ctx, wanted{Keys: reply.Keys}, fetch, g.takeBatch)
			if held += n; err != nil {
				return err
			}
		}
		var send []string
		if message = nil; reply.More || reply.Message != nil {
			message, send, _, err = g.store.compare(reply.Message)
		}
		if err == nil && len(send) > 0 {
			_, err = move(ctx, wanted{Keys: send}, g.pack, push)
		}
		if err != nil {
			return err
		}
	}
	if held > 0 || message != nil || matrix == nil {
		return err // this region has not everything that the peer had
	}
	return g.exchanged(ctx, p, matrix)
}

// move moves rows: one batch is written while the next is read and one more is on its way. It returns
// how many are not merged yet.
func move(ctx context.Context, w wanted, get func(context.Context, wanted) (batch, error), put func(context.Context, batch) (int, error)) (held int, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	batches := make(chan batch)
	var left atomic.Int64
	var puts sync.WaitGroup
	for range 2 {
		puts.Go(func() {
			for b := range batches {
				n, err := put(ctx, b)
				if left.Add(int64(n)); err != nil {
					fail(err)
				}
			}
		})
	}
	for more := true; more && ctx.Err() == nil; {
		b, err := get(ctx, wanted{w.Keys[:min(len(w.Keys), maxRows)], w.After})
		done, _ := slices.BinarySearch(w.Keys, b.Last+"\x00")
		if more = done < len(w.Keys) || b.More; err == nil && more && b.Last <= w.After {
			err = fmt.Errorf("%s sends nothing of what it has", b.From)
		}
		if err != nil {
			fail(err)
		} else {
			batches <- b
		}
		w = wanted{w.Keys[done:], b.Last}
	}
	close(batches)
	puts.Wait()
	return int(left.Load()), context.Cause(ctx)
}

// pack makes a batch of the first rows wanted, as many as fit into a message.
func (g *region) pack(ctx context.Context, w wanted) (b batch, err error) {
	b = batch{From: g.name, Last: w.After, All: w.Keys == nil, Commit: g.store.commits.Load()}
	where, which := fmt.Sprintf(`WHERE id > $1 ORDER BY id LIMIT %d`, maxRows+1), w.After
	if !b.All {
		where, which = `WHERE id IN `+g.store.listed+` ORDER BY id`, list(w.Keys)
	}
	var out envelope
	var state []byte
	rows := 0
	for scan := range g.store.query(ctx, &err, `SELECT id, state FROM rows `+where, which) {
		if b.More = rows == maxRows || len(out.body) > maxMessage; b.More {
			break
		}
		scan(&b.Last, &state)
		out.add(b.Last, state)
		rows++
	}
	if b.Body = out.body; !b.All && !b.More {
		b.Last = w.Keys[len(w.Keys)-1]
	}
	return b, err
}

func (g *region) takeBatch(ctx context.Context, b batch) (held int, err error) {
	return g.merge(ctx, arrivals{peer: b.From, bodies: [][]byte{b.Body}, commit: b.Commit, absent: b.All && !g.config.explain})
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
	var all int
	a.Message, a.Keys, all, err = g.store.compare(q.Message)
	switch n := len(a.Keys); {
	case n > maxRows && 2*n > all:
		a.Message, a.Keys, a.More = nil, nil, true
	case n > maxRows:
		a.Message, a.Keys, a.More = nil, a.Keys[:maxRows], true // once they are there, it asks anew
	}
	return a, err
}
