package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rejoin-go/rejoin/vclock"
)

// A region reads the stream of each peer, as a client of the peer's server. The position in the
// stream is a note in the region's own database, written in the transaction of what was read. One
// that the server keeps, a durable consumer, would be ahead of a restored database.

// A cursor is the position in a stream. A stream that was made anew is another one.
type cursor struct {
	Created time.Time
	Seen    uint64
}

// follow reads a stream from the cursor on, until something is wrong.
func (g *region) follow(ctx context.Context, p *peer) error {
	look, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	stream, err := p.js.Stream(look, streamName(p.name))
	if err != nil {
		return err
	}
	var at cursor
	if err := g.store.note(ctx, "cursor/"+p.name, &at); err != nil {
		return err
	}
	// A stream that was made anew, or lost its end, is read from its beginning. A region that has never
	// read it begins at its end: anti-entropy has the rest, and for less.
	info := stream.CachedInfo()
	switch {
	case at.Created.IsZero() && g.config.syncEvery > 0:
		at.Seen = info.State.LastSeq
	case !at.Created.Equal(info.Created) || at.Seen > info.State.LastSeq:
		at.Seen = 0
	}
	at.Created = info.Created
	consumer, err := stream.OrderedConsumer(look, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: at.Seen + 1, InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		// Each message is there as soon as it has arrived, and not when the batch is full.
		batch, err := consumer.Fetch(64, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			return err
		}
		for msg := range batch.Messages() {
			in := arrivals{peer: p.name, cursor: at}
			for more := min(31, len(batch.Messages())); msg != nil; more-- {
				meta, err := msg.Metadata()
				if err != nil {
					return err
				}
				commit, _ := strconv.ParseUint(msg.Headers().Get("Commit"), 10, 64) // 0 tells nothing
				in.cursor.Seen, in.commit = meta.Sequence.Stream, max(in.commit, commit)
				in.bodies = append(in.bodies, msg.Data())
				if msg = nil; more > 0 {
					msg = <-batch.Messages()
				}
			}
			if _, err := g.merge(ctx, in); err != nil { // with the cursor
				return err
			}
		}
		if err := batch.Error(); err != nil || !p.conn.IsConnected() {
			return cmp.Or(err, nats.ErrDisconnected)
		}
	}
	return ctx.Err()
}

// arrivals are rows, or deltas of rows, that came from a peer.
type arrivals struct {
	peer    string
	bodies  [][]byte
	cursor  cursor           // in the stream, if they are from there
	commit  uint64           // the peer's latest, see identity.go
	absent  bool             // this region has hardly any of them
	scratch map[string]state // by kind: its memory is good for what is read next, unless it is kept
}

// open reads messages. A row of a kind that a newer program writes must not stop all others.
func (g *region) open(in arrivals) (keys []string, data [][]byte, skipped int) {
	for _, body := range in.bodies {
		err := entries(body, func(key string, state []byte) {
			if g.store.knows(key) {
				keys, data = append(keys, key), append(data, state)
			} else {
				skipped++
			}
		})
		if err != nil {
			skipped++
		}
	}
	return keys, data, skipped
}

// merge merges what came from a peer, and returns how much of it is not to be merged yet, or not at
// all. Nothing of it goes into the outbox: each region reads the streams of all others.
func (g *region) merge(ctx context.Context, in arrivals) (held int, err error) {
	if !g.isMember(vclock.Replica(in.peer)) {
		return 0, fmt.Errorf("%s was retired", in.peer)
	}
	keys, data, skipped := g.open(in)
	in.scratch = map[string]state{}
	ahead := make([]reading, len(keys)) // of the transaction: while another is under way
	for i, key := range keys {
		if in.absent && kindOf(key) != orderKind {
			ahead[i] = g.read(in, &row{key: key}, data[i])
		}
	}
	var why error // of one of them
	err = g.store.request(ctx, &request{keys: keys, absent: in.absent, do: func(t *tx) error {
		held = skipped
		for i, key := range keys {
			if err := g.mergeRow(t, in, key, data[i], ahead[i]); err != nil {
				held++
				why = err
			}
		}
		if !in.cursor.Created.IsZero() {
			t.note("cursor/"+in.peer, in.cursor)
		}
		if in.commit >= max(1, g.heard[in.peer]) { // see identity.go
			g.heard[in.peer] = in.commit
			t.note("heard/"+in.peer, in.commit)
		}
		return nil
	}})
	if held > 0 {
		g.log.Warn("rows left out", "peer", in.peer, "rows", held, "why", why)
	}
	return held, err
}

// A reading is a state, until the next of its kind is read, and what has to be known of it after that.
type reading struct {
	state   state
	garbage bool
	err     error // why it is not to be merged
}

// read reads what came of a row, and asks clock.go whether it may be merged.
func (g *region) read(in arrivals, r *row, data []byte) reading {
	kind := kindOf(r.key)
	st := in.scratch[kind]
	if st == nil {
		st = g.store.kinds[kind](0)
		in.scratch[kind] = st
	}
	if err := st.decode(data); err != nil {
		return reading{err: fmt.Errorf("row %q: %w", r.key, err)}
	}
	return reading{st, leavesGarbage(st), g.admit(r, st)}
}

// mergeRow merges what a peer has of a row, unless it cannot be read, or clock.go does not let it.
// What a promotion fences is written down before it is gone.
func (g *region) mergeRow(t *tx, in arrivals, key string, data []byte, got reading) error {
	r := g.store.cache[key]
	alone := r.state == nil && r.data == nil && kindOf(key) != orderKind // there is nothing to merge it with
	if !alone || !in.absent {
		got = g.read(in, r, data)
	}
	if got.err != nil {
		return got.err
	}
	if alone {
		t.touch(r)
		r.data, r.from, r.garbage = data, in.peer, got.garbage
		if !in.absent {
			r.state, in.scratch[kindOf(key)] = got.state, nil
		}
		return nil
	}
	r = t.row(key)
	if orders, ok := r.state.(of[*Orders]); ok {
		fence(t, r.key, orders.s.Fenced(as[*Orders](got.state))...)
	}
	if record, ok := r.state.(of[*Profiles]); ok && g.config.explain {
		r.why = append(r.why, record.s.Explain(as[*Profiles](got.state)).Changes...)
	}
	if r.state.merge(got.state) {
		t.touch(r)
		r.from, r.garbage = in.peer, r.garbage || got.garbage
		g.decide(t, r)
	} else if r.why != nil {
		g.tell(r, in.peer) // what is here has won
	}
	return nil
}
