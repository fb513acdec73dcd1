package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A region reads the stream of each peer, as a client of the peer's server. The position in the
// stream is a note in the region's own database, written in the transaction of what was read: a
// crash, or a database from a backup, goes on where its rows are. A position that the server keeps,
// a durable consumer, would be ahead of a restored database.

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
	at, err := g.position(ctx, p, stream.CachedInfo())
	if err != nil {
		return err
	}
	consumer, err := stream.OrderedConsumer(look, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: at.Seen + 1, InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		// A batch that is not full ends after the wait, and each message is there as soon as it has
		// arrived.
		batch, err := consumer.Fetch(64, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			return err
		}
		for msg := range batch.Messages() {
			some := []jetstream.Msg{msg}
			for n := min(31, len(batch.Messages())); n > 0; n-- {
				some = append(some, <-batch.Messages())
			}
			if err := g.take(ctx, p, at, some); err != nil {
				return err
			}
		}
		if err := batch.Error(); err != nil || !p.conn.IsConnected() {
			return cmp.Or(err, nats.ErrDisconnected)
		}
	}
	return ctx.Err()
}

// position returns the cursor. A stream that was made anew, or lost its end, is read from its
// beginning: what was merged before is merged again without effect. A region that has never read it
// begins at its end: anti-entropy has the rest, and for less.
func (g *region) position(ctx context.Context, p *peer, info *jetstream.StreamInfo) (at cursor, err error) {
	err = g.store.note(ctx, "cursor/"+p.name, &at)
	switch {
	case at.Created.IsZero() && g.config.syncEvery > 0:
		at.Seen = info.State.LastSeq
	case !at.Created.Equal(info.Created) || at.Seen > info.State.LastSeq:
		at.Seen = 0
	}
	at.Created = info.Created
	return at, err
}

// take merges messages and commits the cursor with them.
func (g *region) take(ctx context.Context, p *peer, at cursor, messages []jetstream.Msg) error {
	in := arrivals{peer: p.name, cursor: at}
	for _, m := range messages {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		in.cursor.Seen = meta.Sequence.Stream
		commit, _ := strconv.ParseUint(m.Headers().Get("Commit"), 10, 64) // 0 tells nothing
		in.commit = max(in.commit, commit)
		if err := g.open(m.Data(), &in); err != nil {
			g.log.Error("message refused", "peer", p.name, "sequence", in.cursor.Seen, "error", err)
		}
	}
	return g.merge(ctx, &in)
}

// arrivals are rows, or deltas of rows, that came from a peer.
type arrivals struct {
	peer   string
	keys   []string
	data   [][]byte
	cursor cursor // in the stream, if they are from there
	commit uint64 // the peer's latest, see identity.go
	held   int    // rows that are not to be merged yet, or not at all
}

// open reads a message. A row of a kind that this program does not know is skipped: a newer program
// writes it, and it must not stop all others.
func (g *region) open(body []byte, in *arrivals) error {
	return entries(body, func(key string, data []byte) {
		if _, err := g.store.empty(key, 0); err != nil || !isName(key) {
			in.held++
			g.log.Warn("row skipped", "key", key, "error", err)
			return
		}
		in.keys, in.data = append(in.keys, key), append(in.data, data)
	})
}

// merge merges what came from a peer. Nothing of it goes into the outbox: each region reads the
// streams of all others.
func (g *region) merge(ctx context.Context, in *arrivals) error {
	if !g.isMember(in.peer) {
		return fmt.Errorf("%s was retired", in.peer)
	}
	held := in.held
	return g.store.write(ctx, func(t *tx) error {
		in.held = held // it may be done again
		for i, key := range in.keys {
			if !g.mergeRow(t, in.peer, t.row(key), in.data[i]) {
				in.held++
			}
		}
		if !in.cursor.Created.IsZero() {
			t.note("cursor/"+in.peer, in.cursor)
		}
		g.remember(t, in.peer, in.commit)
		return nil
	}, in.keys...)
}

// mergeRow merges what a peer has of a row, unless it cannot be read, or clock.go does not let it.
// What a promotion fences is written down before it is gone.
func (g *region) mergeRow(t *tx, peer string, r *row, data []byte) bool {
	in, err := g.store.decodeRow(r.key, data)
	if err != nil {
		g.log.Warn("row skipped", "error", err)
		return false
	}
	if !g.admit(r, in) {
		return false
	}
	if orders, ok := r.state.(of[*Orders]); ok {
		fence(t, r.key, orders.s.Fenced(as[*Orders](in))...)
	}
	if record, ok := r.state.(of[*Profiles]); ok && g.config.explain {
		r.why = append(r.why, record.s.Explain(as[*Profiles](in)).Changes...)
	}
	isNew := r.rev == 0 && !r.dirty && kindOf(r.key) != orderKind
	if !isNew && !r.state.merge(in) {
		if r.why != nil {
			g.tell(r, peer) // what is here has won
		}
		return true
	}
	t.touch(r)
	if r.from, r.garbage = peer, r.garbage || leavesGarbage(in); isNew {
		r.state, r.data = in, data // what there was is empty
	}
	g.decide(t, r)
	return true
}
