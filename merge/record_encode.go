package merge

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// recordVersion is the first byte of the encodings of Record and Token.
const recordVersion = 1

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

// A stampTable is the stamps that a state refers to, each once.
type stampTable struct {
	replicas []vclock.Replica
	stamps   []lww.Stamp
}

func (t *stampTable) collect(c *cell) {
	if n := len(t.stamps); !c.stamp.IsZero() && (n == 0 || t.stamps[n-1] != c.stamp) {
		t.stamps = append(t.stamps, c.stamp)
	}
	for i := range c.kids {
		t.collect(&c.kids[i])
	}
}

func tableOf(c *cell) *stampTable {
	t := &stampTable{}
	t.collect(c)
	slices.SortFunc(t.stamps, lww.Stamp.Compare)
	t.stamps = slices.Compact(t.stamps)
	for _, s := range t.stamps {
		if i, ok := slices.BinarySearch(t.replicas, s.Replica); !ok {
			t.replicas = slices.Insert(t.replicas, i, s.Replica)
		}
	}
	return t
}

// ref returns the number of a stamp, from 1; 0 is the zero stamp.
func (t *stampTable) ref(s lww.Stamp) uint64 {
	if s.IsZero() {
		return 0
	}
	i, _ := slices.BinarySearchFunc(t.stamps, s, lww.Stamp.Compare)
	return uint64(i) + 1
}

func (t *stampTable) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(t.replicas)))
	for _, r := range t.replicas {
		b = wire.AppendBytes(b, r)
	}
	b = binary.AppendUvarint(b, uint64(len(t.stamps)))
	var last hlc.Timestamp
	for _, s := range t.stamps {
		i, _ := slices.BinarySearch(t.replicas, s.Replica)
		b = binary.AppendUvarint(b, uint64(s.Time-last))
		b = binary.AppendUvarint(b, uint64(i))
		last = s.Time
	}
	return b
}

// appendState appends the stamps that root refers to, and root.
func appendState(b []byte, root *cell) []byte {
	t := tableOf(root)
	return t.appendCell(t.append(b), root)
}

// appendCell appends what comes after the key and the kind of a field.
func (t *stampTable) appendCell(b []byte, c *cell) []byte {
	l := layoutOf(c.kind)
	if l.stamp {
		ref := t.ref(c.stamp)
		if l.live {
			ref = ref<<1 | uint64(bit(c.live))
		}
		b = binary.AppendUvarint(b, ref)
	}
	if l.value && (c.live || !l.live) {
		b = wire.AppendBytes(b, c.value)
	}
	if l.kids == 0 || l.live && !c.live {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(c.kids)))
	for i := range c.kids {
		k := &c.kids[i]
		if l.kids == anyField || l.kids == cellRow || layoutOf(k.kind).key == keyBytes {
			b = wire.AppendBytes(b, k.key)
		}
		if l.kids == anyField {
			if b = append(b, byte(k.kind)); k.kind.isTyped() {
				b = append(b, byte(k.typ))
			}
		}
		b = t.appendCell(b, k)
	}
	return b
}

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
// Numbers are varints as in [binary.AppendUvarint].
//
//	field     bytes    count
//	version   1        1         is 1
//	plan      8        1         fingerprint, big-endian
//	horizon   varint   1
//	replicas  varint   1
//	length    varint   replicas, each followed by its
//	name      length   replicas  in ascending order
//	stamps    varint   1
//	time      varint   stamps    minus the one before, each followed by its
//	replica   varint   stamps    position in the list of names
//	record                       a row
//
// A stamp is referred to by its position, from 1. A row is
//
//	life      varint   reference or 0, times 2, plus 1 if present
//	fields    varint   if present
//
// and for each field, in ascending order of path and kind, the length of the
// path, the path, a byte for the kind, for kinds 1 to 7, 9, 10, 11 and 12 one
// for the type of the values, and what the kind asks for:
//
//	kind                                      content
//	1 register, 2 first, 3 max, 4 min         stamp; length; value
//	5 immutable, 6 choice                     count; of each: length; value; stamp
//	7 state                                   count; of each: length; value; count; stamps it includes
//	8 totals                                  count; of each: stamp; length; total
//	9 manual                                  count; of each replica: last stamp; count; of each sibling: stamp; length; value
//	10 union                                  count; of each: length; element; stamp
//	11 set                                    count; of each: length; element; stamp times 2, plus 1 if present
//	12 map of leaves                          the same with key, and if present length; value
//	13 map of rows, keyed list                count; of each: length; key; row
//	14 row                                    row
//
// Entries are in ascending order of value, element, key or replica. The place
// of an element in a list is a field of kind 2 whose path is a star.
func (r *Record[T]) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, recordVersion)
	var own Fingerprint
	if r.plan != nil {
		own = r.plan.print
	}
	b = binary.BigEndian.AppendUint64(b, uint64(own))
	b = binary.AppendUvarint(b, uint64(r.horizon))
	root := r.root
	root.kind = cellRow
	return appendState(b, &root), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [Record.AppendBinary].
func (r *Record[T]) MarshalBinary() ([]byte, error) { return r.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts what
// [Record.AppendBinary] writes, also under another plan: what r's plan does not
// know is kept. It leaves r unchanged if it returns an error, as it does for a
// record without a plan. What it allocates is bounded by the length of data
// times the size of a cell in memory, about 90 bytes.
func (r *Record[T]) UnmarshalBinary(data []byte) error {
	if r.plan == nil {
		return fmt.Errorf("merge: decode Record: no plan; make the record with Plan.NewRecord")
	}
	d := stateReader{Reader: wire.NewReader(data), text: string(data)}
	d.Version(recordVersion)
	origin := d.Uint64()
	if d.horizon = hlc.Timestamp(d.Uvarint()); d.horizon >= hlc.Max {
		d.Fail("horizon %d is not below the maximum %d", uint64(d.horizon), uint64(hlc.Max))
	}
	root := d.state()
	if err := d.Close(); err != nil {
		return fmt.Errorf("merge: decode Record: %w", err)
	}
	root.kids = r.plan.record.elem.settle(root.kids)
	r.root, r.horizon, r.origin = root, d.horizon, Fingerprint(origin)
	return nil
}

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
// The layout is that of [Record.AppendBinary], without plan and horizon, of a
// record without values.
func (t Token) AppendBinary(b []byte) ([]byte, error) {
	root := t.root
	root.kind = cellRow
	return appendState(append(b, recordVersion), &root), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [Token.AppendBinary].
func (t Token) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }
