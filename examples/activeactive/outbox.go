package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The outbox holds what has been committed and not been sent. The message is
// written in the transaction of the rows that it is about, so there is never
// one without the other; it is sent after that, and deleted in a later
// transaction. A process that dies in between sends it again, which does no
// harm: what is in it is merged.
//
// Messages have no serial number, and no position up to which all are sent. Two
// writers draw numbers in one order and commit in another: whoever has sent 7
// and goes on behind it never sees 6, which was committed later. What is in the
// table has to be sent, whatever its number.

// maxMessage bounds a message, but for its last entries: NATS takes 1 MB by default,
// and anti-entropy sends text that is longer by a third.
const maxMessage = 384 << 10

// An envelope is a message between regions: rows with a state or a delta each.
//
//	field   bytes
//	format  1       is 1
//
// and for each row, to the end, length and key, length and state; lengths are
// varints.
type envelope struct{ body []byte }

func (e *envelope) add(key string, data []byte) {
	if e.body == nil {
		e.body = append(e.body, 1)
	}
	e.body = binary.AppendUvarint(e.body, uint64(len(key)))
	e.body = append(e.body, key...)
	e.body = binary.AppendUvarint(e.body, uint64(len(data)))
	e.body = append(e.body, data...)
}

// bytes returns nil for an envelope without rows.
func (e *envelope) bytes() []byte { return e.body }

var errEnvelope = errors.New("this is no message of another region")

// entries calls yield with each row of an envelope, as it is.
func entries(body []byte, yield func(key string, data []byte)) error {
	if len(body) == 0 || body[0] != 1 {
		return errEnvelope
	}
	next := func(b []byte) (part, rest []byte, err error) {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil, nil, errEnvelope
		}
		return b[size : size+int(n)], b[size+int(n):], nil
	}
	for rest := body[1:]; len(rest) > 0; {
		key, tail, err := next(rest)
		if err != nil {
			return err
		}
		data, tail, err := next(tail)
		if err != nil {
			return err
		}
		rest = tail
		yield(string(key), data)
	}
	return nil
}

// open decodes what is in an envelope, and calls yield with each row. A row of
// a kind that this program does not know, or that it cannot read, is passed to
// skipped: a newer program writes it, and it must not stop all others.
func (s *schema) open(body []byte, yield func(key string, st state), skipped func(key string, err error)) error {
	return entries(body, func(key string, data []byte) {
		if st, err := s.decode(key, data); err != nil {
			skipped(key, err)
		} else {
			yield(key, st)
		}
	})
}

// A publisher sends what is in the outbox into the stream of its region.
type publisher struct {
	store   *store
	js      jetstream.JetStream
	subject string
	wake    chan struct{}
	faults  *faults
	witness func() witness
}

// notify says that there may be something to send.
func (p *publisher) notify() {
	select {
	case p.wake <- struct{}{}:
	default: // it knows
	}
}

// run sends until ctx ends. After an error it tries again a little later.
func (p *publisher) run(ctx context.Context, report func(error)) {
	for ctx.Err() == nil {
		more, err := p.send(ctx)
		if err != nil && ctx.Err() == nil {
			report(fmt.Errorf("publisher: %w", err))
		}
		if more && err == nil {
			continue
		}
		select {
		case <-p.wake:
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// send sends what is in the outbox, as one message if it fits: deltas of one row
// that are in several messages are merged before, which is most of what a row
// costs that is written all the time.
func (p *publisher) send(ctx context.Context) (more bool, err error) {
	rows, err := p.store.db.QueryContext(ctx, `SELECT id, body FROM outbox LIMIT 64`)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var ids []int64
	var bodies [][]byte
	size := 0
	for rows.Next() && size < maxMessage {
		var id int64
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return false, err
		}
		ids, bodies, size = append(ids, id), append(bodies, body), size+len(body)
	}
	if err := cmp.Or(rows.Err(), rows.Close()); err != nil || len(ids) == 0 {
		return false, err
	}
	merged, err := p.merge(bodies)
	if err != nil {
		return false, err
	}
	for _, message := range p.faults.mangle(merged) {
		msg := nats.NewMsg(p.subject)
		msg.Data = message
		p.witness().into(msg.Header)
		if _, err := p.js.PublishMsg(ctx, msg); err != nil {
			return false, err
		}
	}
	err = p.store.write(ctx, func(t *tx) error {
		for _, id := range ids {
			t.also(`DELETE FROM outbox WHERE id = $1`, id)
		}
		return nil
	})
	return err == nil, err
}

// merge makes one message of several. Of a row that is in one of them only, the
// bytes are taken as they are.
func (p *publisher) merge(bodies [][]byte) ([]byte, error) {
	if len(bodies) == 1 {
		return bodies[0], nil
	}
	var order []string
	parts := map[string][][]byte{}
	for _, body := range bodies {
		if err := entries(body, func(key string, data []byte) {
			if parts[key] == nil {
				order = append(order, key)
			}
			parts[key] = append(parts[key], data)
		}); err != nil {
			return nil, err
		}
	}
	var out envelope
	for _, key := range order {
		data, err := p.join(key, parts[key])
		if err != nil {
			return nil, err
		}
		out.add(key, data)
	}
	return out.bytes(), nil
}

// join merges what several messages say of one row.
func (p *publisher) join(key string, parts [][]byte) ([]byte, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	all, err := p.store.schema.decode(key, parts[0])
	if err != nil {
		return nil, err
	}
	for _, data := range parts[1:] {
		st, err := p.store.schema.decode(key, data)
		if err != nil {
			return nil, err
		}
		all.merge(st)
	}
	return all.encode()
}
