package merge

import (
	"encoding/binary"
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// recordVersion is the first byte of the encodings of Record and Token.
const recordVersion = 2

// A Fingerprint tells plans apart: programs whose plans have one fingerprint
// know the same fields under the same rules.
type Fingerprint uint64

// String returns 16 hexadecimal digits.
func (f Fingerprint) String() string { return fmt.Sprintf("%016x", uint64(f)) }

// Fingerprint returns the fingerprint of a plan compiled with
// [Options.Record], zero for others.
func (p *Plan[T]) Fingerprint() Fingerprint { return p.print }

// Origin returns the fingerprint of the plan that encoded what r was decoded
// from, or of r's own if it was not decoded. Where it is not that of the own
// plan, another version of the program is still writing, or has begun to:
// fields that one of the two does not know are carried along, and rules that
// were changed decide differently until all are upgraded.
func (r *Record[T]) Origin() Fingerprint {
	if r.origin == 0 && r.plan != nil {
		return r.plan.print
	}
	return r.origin
}

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
// Numbers are varints as in [binary.AppendUvarint].
//
//	field     bytes    count
//	version   1        1         is 2
//	plan      8        1         fingerprint, big-endian
//	horizon   varint   1
//	replicas  varint   1
//	length    varint   replicas, each followed by its
//	name      length   replicas  in ascending order
//	stamps    varint   1
//	time      varint   stamps    minus the one before, each followed by its
//	replica   varint   stamps    position in the list of names
//	fields    varint   1
//	length    varint   fields, in ascending order, each followed by its
//	path      length   fields
//	kind      1        fields
//	type      1        fields, of kinds 1 to 7, 9 to 12: code of what the values are,
//	                             plus 16 times that of what they point to or consist of
//	record                       a row
//
// A stamp is referred to by its position, from 1. Where a value has a stamp,
// both come as a head, which is 16 times the reference plus the length of the
// value, then the value; a length of 15 or more counts as 15, and a varint
// follows with what it is more than that. A row is
//
//	life      varint   reference or 0, times 2, plus 1 if present
//	fields    varint   if present
//
// and for each field its position in the list of fields, in ascending order,
// and what its kind asks for:
//
//	kind                                      content
//	1 register, 2 first, 3 max, 4 min         head; value
//	5 immutable, 6 choice                     count; of each: length; value; stamp
//	7 state                                   count; of each: length; value; count; stamps it includes
//	8 totals                                  count; of each: head; total
//	9 manual                                  count; of each replica: last stamp; count; of each sibling: head; value
//	10 union                                  count; of each: length; element; stamp
//	11 set                                    count; of each: length; element; stamp times 2, plus 1 if present
//	12 map of leaves                          count; of each: length; key; head with stamp times 2,
//	                                          plus 1 if present; value if present
//	13 map of rows, keyed list                count; of each: length; key; row
//	14 row                                    row
//	15 place                                  head; levels
//
// Entries are in ascending order of value, element, key or replica. The place
// of an element in a list is the field with the path *. It has a varint for each
// level, which is twice the zigzag form of a number, plus 1 if the replica of the
// stamp chose it; if not, the length and the name of the one who did follow.
func (r *Record[T]) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, recordVersion)
	var own Fingerprint
	if r.plan != nil {
		own = r.plan.print
	}
	b = binary.BigEndian.AppendUint64(b, uint64(own))
	b = binary.AppendUvarint(b, uint64(r.horizon))
	root := r.root
	root.Kind = cell.Row
	return cell.Append(b, &root), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [Record.AppendBinary].
func (r *Record[T]) MarshalBinary() ([]byte, error) { return r.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts what
// [Record.AppendBinary] writes, also under another plan: what r's plan does not
// know is kept. It leaves r unchanged if it returns an error, as it does for a
// record without a plan. What it allocates is bounded by the length of data
// times half the size of a cell in memory, which is about 100 bytes.
func (r *Record[T]) UnmarshalBinary(data []byte) error {
	if r.plan == nil {
		return fmt.Errorf("merge: decode Record: no plan; make the record with Plan.NewRecord")
	}
	d := wire.NewReader(data)
	d.Version(recordVersion)
	origin := d.Uint64()
	horizon := hlc.Timestamp(d.Uvarint())
	if horizon >= hlc.Max {
		d.Fail("horizon %d is not below the maximum %d", uint64(horizon), uint64(hlc.Max))
	}
	root := cell.Read(d, string(data), horizon)
	if err := d.Close(); err != nil {
		return fmt.Errorf("merge: decode Record: %w", wire.Damaged(err))
	}
	root.Kids = r.plan.record.elem.settle(root.Kids)
	r.root, r.horizon, r.origin = root, horizon, Fingerprint(origin)
	return nil
}

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
// The layout is that of [Record.AppendBinary], without plan and horizon, of a
// record without values.
func (t Token) AppendBinary(b []byte) ([]byte, error) {
	root := t.root
	root.Kind = cell.Row
	return cell.Append(append(b, recordVersion), &root), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [Token.AppendBinary].
func (t Token) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }
