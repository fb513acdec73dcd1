package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A receiver reads the stream of one peer, as a client of the peer's server. The
// position in the stream is a note in the region's own database, written in the
// transaction of what was read: a crash, or a database from a backup, goes on
// where its rows are. A position that the server keeps, a durable consumer,
// would be ahead of a restored database.
type receiver struct {
	region *region
	peer   string
	conn   *nats.Conn
	js     jetstream.JetStream
}

// run reads until ctx ends.
func (c *receiver) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := c.follow(ctx); err != nil && ctx.Err() == nil {
			c.region.log.Info("reading a peer", "peer", c.peer, "error", err)
			sleep(ctx, 300*time.Millisecond)
		}
	}
}

// follow reads the stream from the cursor on, until something is wrong.
func (c *receiver) follow(ctx context.Context) error {
	look, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	stream, err := c.js.Stream(look, streamName(c.peer))
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	next, err := c.cursor(ctx, info)
	if err != nil {
		return err
	}
	consumer, err := stream.OrderedConsumer(look, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: next,
		InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		// A batch that is not full ends after the wait, and each message is
		// there as soon as it has arrived.
		batch, err := consumer.Fetch(64, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			return err
		}
		for msg := range batch.Messages() {
			some := c.drain(msg, batch.Messages())
			if err := c.take(ctx, info.Created, some); err != nil {
				return err
			}
		}
		if err := batch.Error(); err != nil {
			return err
		}
		if !c.conn.IsConnected() {
			return nats.ErrDisconnected
		}
	}
	return ctx.Err()
}

// drain returns a message and those that are there already.
func (c *receiver) drain(first jetstream.Msg, more <-chan jetstream.Msg) []jetstream.Msg {
	out := []jetstream.Msg{first}
	for len(out) < 32 {
		select {
		case m, ok := <-more:
			if !ok {
				return out
			}
			out = append(out, m)
		default:
			return out
		}
	}
	return out
}

// cursor returns the number of the message to read next. A stream that was made
// anew, or lost its end, is read from its beginning: what was merged before is
// merged again without effect.
func (c *receiver) cursor(ctx context.Context, info *jetstream.StreamInfo) (uint64, error) {
	note, err := c.region.store.meta(ctx, "cursor/"+c.peer)
	if err != nil {
		return 0, err
	}
	var created int64
	var seen uint64
	if note == "" && c.region.config.skipLog {
		return info.State.LastSeq + 1, nil // anti-entropy has it, and for less
	}
	if note != "" {
		if _, err := fmt.Sscan(note, &created, &seen); err != nil {
			return 0, fmt.Errorf("cursor %q: %w", note, err)
		}
	}
	if created != info.Created.UnixNano() || seen > info.State.LastSeq {
		seen = 0
	}
	return seen + 1, nil
}

// take merges messages and commits the cursor with them.
func (c *receiver) take(ctx context.Context, created time.Time, messages []jetstream.Msg) error {
	var last uint64
	var in arrivals
	for _, m := range messages {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		last = meta.Sequence.Stream
		in.witness = in.witness.later(witnessOf(m.Headers()))
		if err := c.region.open(m.Data(), &in); err != nil {
			c.region.log.Error("message refused", "peer", c.peer, "sequence", last, "error", err)
		}
	}
	in.cursor = fmt.Sprint(created.UnixNano(), last)
	return c.region.merge(ctx, c.peer, &in)
}

// arrivals are the states that came from a peer.
type arrivals struct {
	keys    []string
	states  []state
	cursor  string  // in the stream, if they are from there
	witness witness // how far the peer was
	held    int     // rows that are not to be merged yet, or not at all
}

// open decodes a message and keeps what may be merged now: see clock.go for
// what is held back or refused.
func (g *region) open(body []byte, in *arrivals) error {
	return g.store.schema.open(body, func(key string, st state) {
		if g.clocks.admit(key, st) {
			in.keys, in.states = append(in.keys, key), append(in.states, st)
		} else {
			in.held++
		}
	}, func(key string, err error) {
		in.held++
		g.log.Warn("row skipped", "key", key, "error", err)
	})
}

// merge merges what came from a peer. Nothing of it goes into the outbox: each
// region reads the streams of all others.
func (g *region) merge(ctx context.Context, peer string, in *arrivals) error {
	return g.store.write(ctx, func(t *tx) error {
		for i, key := range in.keys {
			g.mergeRow(t, peer, t.row(key), in.states[i])
		}
		if in.cursor != "" {
			t.note("cursor/"+peer, in.cursor)
		}
		g.remember(t, peer, in.witness)
		return nil
	}, in.keys...)
}

// mergeRow merges a state into a row. What a promotion fences is written down
// before it is gone.
func (g *region) mergeRow(t *tx, peer string, r *row, in state) {
	if orders, ok := r.state.(of[*Orders]); ok {
		g.fence(t, r.key, orders.s.Fenced(as[*Orders](in))...)
	}
	explain := g.events.before(r, in)
	changed := r.state.merge(in)
	explain(peer, changed)
	if changed {
		t.touch(r)
		g.decide(t, r)
	}
}
