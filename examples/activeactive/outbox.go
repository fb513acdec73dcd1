package main

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// The outbox holds what has been committed and not been sent. The message is written in the
// transaction of the rows that it is about, so there is never one without the other; it is sent
// after that, and deleted in a later transaction. A process that dies in between sends it again,
// which does no harm: what is in it is merged.
//
// Messages have no serial number, and no position up to which all are sent. Two writers draw
// numbers in one order and commit in another: whoever has sent 7 and goes on behind it never sees
// 6, which was committed later. What is in the table has to be sent, whatever its number.

// maxMessage bounds a message, but for its last entries: NATS takes 1 MB by default, and
// anti-entropy sends text that is longer by a third.
const maxMessage = 384 << 10

// publish sends whatever is committed, until something is wrong.
func (g *region) publish(ctx context.Context) error {
	for {
		more, err := g.send(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		select {
		case <-g.wake:
		case <-time.After(time.Second): // what another process has left
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send sends what is in the outbox, as one message if it fits: deltas of one row that are in
// several messages are merged before, which is most of what a row costs that is written all the
// time.
func (g *region) send(ctx context.Context) (more bool, err error) {
	var ids []int64
	var bodies [][]byte
	size := 0
	for scan := range g.store.query(ctx, &err, `SELECT id, body FROM outbox LIMIT 64`) {
		var id int64
		var body []byte
		scan(&id, &body)
		ids, bodies, size = append(ids, id), append(bodies, body), size+len(body)
		if size > maxMessage {
			break
		}
	}
	if err != nil || len(ids) == 0 {
		return false, err
	}
	merged, err := g.store.merge(bodies)
	if err != nil {
		return false, err
	}
	for _, message := range g.mangle(merged) {
		msg := nats.NewMsg(logSubject(g.name))
		msg.Data = message
		msg.Header.Set("Commit", strconv.FormatUint(g.store.commits.Load(), 10))
		if _, err := g.self.js.PublishMsg(ctx, msg); err != nil {
			return false, err
		}
	}
	return true, g.store.write(ctx, func(t *tx) error {
		for _, id := range ids {
			t.exec(`DELETE FROM outbox WHERE id = $1`, id)
		}
		return nil
	})
}

// merge makes one message of several. Of a row that is in one of them only, the bytes are taken as
// they are.
func (s *store) merge(bodies [][]byte) ([]byte, error) {
	if len(bodies) == 1 {
		return bodies[0], nil
	}
	parts := map[string][][]byte{}
	for _, body := range bodies {
		if err := entries(body, func(key string, data []byte) { parts[key] = append(parts[key], data) }); err != nil {
			return nil, err
		}
	}
	var out envelope
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		data, err := s.join(key, parts[key])
		if err != nil {
			return nil, err
		}
		out.add(key, data)
	}
	return out.body, nil
}

// join merges what several messages say of one row.
func (s *store) join(key string, parts [][]byte) ([]byte, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	var all state
	for _, data := range parts {
		st, err := s.decodeRow(key, data)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = st
		}
		all.merge(st)
	}
	return all.append(nil)
}

// An envelope is a message between regions: rows with a state or a delta each.
//
//	field   bytes
//	format  1       is 1
//
// and for each row, to the end, length and key, length and state; lengths are varints.
type envelope struct{ body []byte }

func (e *envelope) add(key string, data []byte) {
	if e.body == nil {
		e.body = append(e.body, 1)
	}
	e.body = append(binary.AppendUvarint(e.body, uint64(len(key))), key...)
	e.body = append(binary.AppendUvarint(e.body, uint64(len(data))), data...)
}

var errEnvelope = errors.New("this is no message of another region")

// entries calls yield with each row of an envelope, as it is.
func entries(body []byte, yield func(key string, data []byte)) error {
	if len(body) == 0 || body[0] != 1 {
		return errEnvelope
	}
	for rest := body[1:]; len(rest) > 0; {
		var parts [2][]byte
		for i := range parts {
			n, size := binary.Uvarint(rest)
			if size <= 0 || n > uint64(len(rest)-size) {
				return errEnvelope
			}
			parts[i], rest = rest[size:size+int(n)], rest[size+int(n):]
		}
		yield(string(parts[0]), parts[1])
	}
	return nil
}
