package merge

import (
	"encoding/binary"
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// recordVersion is the first byte of the encodings of Record and Token.
const recordVersion = 4

// Fingerprint returns that of a plan compiled with [Options.Record], else zero.
func (p *Plan[T]) Fingerprint() Fingerprint {
	if p.record == nil {
		return 0
	}
	return p.record.print
}

// Origin returns the fingerprint of the plan that encoded what r was decoded
// from, else of r's own. If they differ, another version of the program writes,
// or has: fields that one does not know are carried along, and rules that were
// changed decide differently until all are upgraded.
func (r *Record[T]) Origin() Fingerprint { return r.state.from() }

func (r *recordState) from() Fingerprint {
	if r.origin == 0 && r.plan != nil {
		return r.plan.print
	}
	return r.origin
}

// AppendBinary implements [encoding.BinaryAppender].
func (r *Record[T]) AppendBinary(b []byte) ([]byte, error) { return r.state.appendBinary(b), nil }

func (r *recordState) appendBinary(b []byte) []byte {
	var room [32]byte
	head := append(room[:0], recordVersion)
	var own Fingerprint
	if r.plan != nil {
		own = r.plan.print
	}
	head = binary.BigEndian.AppendUint64(head, uint64(own))
	head = appendHorizons(head, r.horizon, r.deleted)
	return cell.Append(b, head, r.root)
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (r *Record[T]) MarshalBinary() ([]byte, error) { return r.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It is an error
// without a plan. It allocates at most half a cell, some 50 bytes, for each
// byte of data.
func (r *Record[T]) UnmarshalBinary(data []byte) error { return r.state.unmarshalBinary(data) }

func (r *recordState) unmarshalBinary(data []byte) error {
	if r.plan == nil {
		return fmt.Errorf("merge: decode Record: no plan; make the record with Plan.NewRecord")
	}
	d := wire.NewReader(data)
	d.Version(recordVersion)
	origin := d.Uint64()
	horizon, deleted := readHorizons(d)
	root := cell.Read(d, string(data), horizon, deleted)
	if err := d.Close(); err != nil {
		return fmt.Errorf("merge: decode Record: %w", wire.Damaged(err))
	}
	root.Kids = r.plan.top.elem.settle(root.Kids)
	r.root, r.horizon, r.deleted, r.origin = root, horizon, deleted, Fingerprint(origin)
	return nil
}

// appendHorizons appends the horizon and, if there is one, up to when rows are forgotten.
func appendHorizons(b []byte, horizon, deleted hlc.Timestamp) []byte {
	b = binary.AppendUvarint(b, uint64(horizon))
	if horizon > 0 {
		b = binary.AppendUvarint(b, uint64(deleted))
	}
	return b
}

func readHorizons(d *wire.Reader) (horizon, deleted hlc.Timestamp) {
	if horizon = hlc.Timestamp(d.Uvarint()); horizon > 0 {
		deleted = hlc.Timestamp(d.Uvarint())
	}
	if err := checkHorizons(horizon, deleted); err != nil {
		d.Fail("%w", err)
	}
	return horizon, deleted
}

func checkHorizons(horizon, deleted hlc.Timestamp) error {
	switch {
	case horizon >= hlc.Max:
		return fmt.Errorf("horizon %d is not below the maximum %d", uint64(horizon), uint64(hlc.Max))
	case deleted > horizon:
		return fmt.Errorf("rows are forgotten up to %d, and the horizon is %d", uint64(deleted), uint64(horizon))
	}
	return nil
}

// MergeBinary merges what [Record.UnmarshalBinary] makes of data under r's
// plan.
func (r *Record[T]) MergeBinary(data []byte) (changed bool, err error) {
	o := Record[T]{state: recordState{plan: r.state.plan}}
	if err := o.UnmarshalBinary(data); err != nil {
		return false, err
	}
	return r.Merge(&o), nil
}

// AppendBinary implements [encoding.BinaryAppender].
func (t Token) AppendBinary(b []byte) ([]byte, error) {
	var room [16]byte
	head := binary.AppendUvarint(append(room[:0], recordVersion), uint64(t.deleted))
	return cell.Append(b, head, t.root), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (t Token) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }
