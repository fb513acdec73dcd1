package main

import (
	"cmp"
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
// transaction of the rows that it is about, and deleted in a later one, once it is sent. A process
// that dies in between sends it again, which does no harm: what is in it is merged.
//
// Messages have no serial number, and no position up to which all are sent. Two writers draw
// numbers in one order and commit in another: whoever has sent 7 and goes on behind it never sees
// 6, which was committed later. What is in the table has to be sent, whatever its number.

// maxMessage bounds a message, but for its last rows. NATS takes 1 MB, of text that is longer by a third.
const maxMessage = 384 << 10

// publish sends whatever is committed, until something is wrong.
func (g *region) publish(ctx context.Context) error {
	for {
		if more, err := g.send(ctx); err != nil {
			return err
		} else if more {
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

// send sends what is in the outbox, as one message if it fits: deltas of one row are merged before.
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

// merge makes one message of several. Rows that are in one of them only are taken as they are.
func (s *store) merge(bodies [][]byte) ([]byte, error) {
	rows := map[string][]byte{}
	var wrong error
	for _, body := range bodies {
		err := entries(body, func(key string, data []byte) {
			if have := rows[key]; have != nil {
				both, err := s.decodeRow(key, have)
				delta, failed := s.decodeRow(key, data)
				if err = cmp.Or(err, failed); err == nil {
					both.merge(delta)
					data, err = both.append(nil)
				}
				wrong = cmp.Or(wrong, err)
			}
			rows[key] = data
		})
		wrong = cmp.Or(wrong, err)
	}
	var out envelope
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		out.add(key, rows[key])
	}
	return out.body, wrong
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
	if len(body) > 0 && body[0] != 1 {
		return errEnvelope
	}
	for rest := body[min(1, len(body)):]; len(rest) > 0; {
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
