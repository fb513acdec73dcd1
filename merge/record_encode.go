package merge

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
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

// A stampTable is the stamps and the fields that a state refers to, each once:
// one write stamps much alike, and the elements of a list have the same fields.
type stampTable struct {
	replicas []vclock.Replica
	stamps   []lww.Stamp
	fields   []fieldID // in ascending order
	last     int       // the number that ref returned last
}

// A fieldID is what a field has in common with that of other rows.
type fieldID struct {
	key  string
	kind cellKind
	typ  typeCode
}

func (f fieldID) compare(g fieldID) int {
	if f.key != g.key {
		return strings.Compare(f.key, g.key)
	}
	return cmp.Or(cmp.Compare(f.kind, g.kind), cmp.Compare(f.typ, g.typ))
}

func (t *stampTable) collect(c *cell) {
	// Neighbours were often written at once, or one after the other.
	if n := len(t.stamps); !c.stamp.IsZero() && !slices.Contains(t.stamps[max(0, n-3):], c.stamp) {
		t.stamps = append(t.stamps, c.stamp)
	}
	at := 0
	for i := range c.kids {
		k := &c.kids[i]
		if c.kind == cellRow {
			at = t.field(k, at)
		}
		t.collect(k)
	}
}

// field returns the position after that of k in the list of fields, to which it
// adds k. Fields of a row come in ascending order, so that it is asked for one
// after the other, and looks at the position that it returned last first.
func (t *stampTable) field(k *cell, from int) int {
	f := fieldID{k.key, k.kind, k.typ}
	switch {
	case from == len(t.fields):
		t.fields = append(t.fields, f)
		return from + 1
	case t.fields[from] == f:
		return from + 1
	}
	i, ok := slices.BinarySearchFunc(t.fields, f, fieldID.compare)
	if !ok {
		t.fields = slices.Insert(t.fields, i, f)
	}
	return i + 1
}

func (t *stampTable) of(c *cell) {
	t.collect(c)
	slices.SortFunc(t.stamps, lww.Stamp.Compare)
	t.stamps = slices.Compact(t.stamps)
	for _, s := range t.stamps {
		if i, ok := slices.BinarySearch(t.replicas, s.Replica); !ok {
			t.replicas = slices.Insert(t.replicas, i, s.Replica)
		}
	}
}

// ref returns the number of a stamp, from 1; 0 is the zero stamp. Neighbours
// often have one stamp, so that it looks at the last one first.
func (t *stampTable) ref(s lww.Stamp) uint64 {
	if s.IsZero() {
		return 0
	}
	if t.last == 0 || t.stamps[t.last-1] != s {
		i, _ := slices.BinarySearchFunc(t.stamps, s, lww.Stamp.Compare)
		t.last = i + 1
	}
	return uint64(t.last)
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
	b = binary.AppendUvarint(b, uint64(len(t.fields)))
	for _, f := range t.fields {
		b = append(wire.AppendBytes(b, f.key), byte(f.kind))
		if f.kind.isTyped() {
			b = append(b, byte(f.typ))
		}
	}
	return b
}

// appendState appends the stamps and fields that root refers to, and root.
func appendState(b []byte, root *cell) []byte {
	t := stampTable{
		replicas: make([]vclock.Replica, 0, 4), stamps: make([]lww.Stamp, 0, 16), fields: make([]fieldID, 0, 16),
	}
	t.of(root)
	return t.appendCell(t.append(b), root)
}

// long is the length from which on a head does not hold it.
const long = 15

// appendHead appends the reference to a stamp together with the length of the
// value that follows.
func appendHead(b []byte, ref uint64, n int) []byte {
	b = binary.AppendUvarint(b, ref<<4|uint64(min(n, long)))
	if n >= long {
		b = binary.AppendUvarint(b, uint64(n-long))
	}
	return b
}

// appendCell appends what comes after the key and the kind of a field.
func (t *stampTable) appendCell(b []byte, c *cell) []byte {
	l := layoutOf(c.kind)
	if l.stamp {
		ref := t.ref(c.stamp)
		if l.live {
			ref = ref<<1 | uint64(value.Bit(c.live))
		}
		if !l.value {
			b = binary.AppendUvarint(b, ref)
		} else if b = appendHead(b, ref, len(c.value)); len(c.value) > 0 {
			b = append(b, c.value...)
		}
	}
	if l.kids == 0 || l.live && !c.live {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(c.kids)))
	at := 0
	for i := range c.kids {
		k := &c.kids[i]
		switch {
		case l.kids == anyField:
			at = t.field(k, at)
			b = binary.AppendUvarint(b, uint64(at-1))
		case l.kids == cellRow || layoutOf(k.kind).key == keyBytes:
			b = wire.AppendBytes(b, k.key)
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
// times half the size of a cell in memory, which is about 100 bytes.
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
		return fmt.Errorf("merge: decode Record: %w", wire.Damaged(err))
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
