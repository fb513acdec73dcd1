package cell

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// A stampTable is the stamps and the fields that a state refers to, each once:
// one write stamps much alike, and the elements of a list have the same fields.
type stampTable struct {
	replicas []vclock.Replica
	stamps   []lww.Stamp
	fields   []fieldID // in ascending order
	last     int       // the number that ref returned last

	root Cell
	out  [512]byte // room for a small state
}

// tables has tables that are not in use, and readers the like.
//
//nolint:gochecknoglobals // memory to use again, without meaning
var (
	tables  = sync.Pool{New: func() any { return new(stampTable) }}
	readers = sync.Pool{New: func() any { return new(stateReader) }}
)

// fewRefs is the most stamps, and fields, for which memory is kept to use again.
const fewRefs = 256

// release gives t back, without what it refers to.
func (t *stampTable) release() {
	t.root, t.last = Cell{}, 0
	t.replicas, t.stamps, t.fields = emptied(t.replicas), emptied(t.stamps), emptied(t.fields)
	tables.Put(t)
}

// emptied returns the memory of s to use again, if it is not much.
func emptied[T any](s []T) []T {
	if cap(s) > fewRefs {
		return nil
	}
	clear(s)
	return s[:0]
}

// A fieldID is what a field has in common with that of other rows.
type fieldID struct {
	key  string
	kind Kind
	Type TypeCode
}

func (f fieldID) compare(g fieldID) int {
	if f.key != g.key {
		return strings.Compare(f.key, g.key)
	}
	return cmp.Or(cmp.Compare(f.kind, g.kind), cmp.Compare(f.Type, g.Type))
}

func (t *stampTable) collect(c *Cell) {
	// Neighbours were often written at once, or one after the other.
	if n := len(t.stamps); !c.Stamp.IsZero() && !slices.Contains(t.stamps[max(0, n-3):], c.Stamp) {
		t.stamps = append(t.stamps, c.Stamp)
	}
	at := 0
	for i := range c.Kids {
		k := &c.Kids[i]
		if c.Kind == Row {
			at = t.field(k, at)
		}
		t.collect(k)
	}
}

// field returns the position after that of k in the list of fields, to which it
// adds k. Fields of a row come in ascending order, so that it is asked for one
// after the other, and looks at the position that it returned last first.
func (t *stampTable) field(k *Cell, from int) int {
	f := fieldID{k.Key, k.Kind, k.Type}
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

func (t *stampTable) of(c *Cell) {
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
		if f.kind.IsTyped() {
			b = append(b, byte(f.Type))
		}
	}
	return b
}

// Append appends head, the stamps and fields that the cells of a root refer to, and the root.
func Append(b, head []byte, root Cell) []byte {
	t := tables.Get().(*stampTable)
	defer t.release()
	t.root = root
	t.root.Kind = Row
	t.of(&t.root)
	if b != nil {
		return t.appendCell(t.append(append(b, head...)), &t.root)
	}
	b = t.appendCell(t.append(append(t.out[:0], head...)), &t.root)
	if len(b) <= len(t.out) {
		return bytes.Clone(b)
	}
	return b
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
func (t *stampTable) appendCell(b []byte, c *Cell) []byte {
	l := layoutOf(c.Kind)
	if l.stamp {
		ref := t.ref(c.Stamp)
		if l.live {
			ref = ref<<1 | uint64(value.Bit(c.holds()))
		}
		if !l.value {
			b = binary.AppendUvarint(b, ref)
		} else if b = appendHead(b, ref, len(c.Value)); len(c.Value) > 0 {
			b = append(b, c.Value...)
		}
	}
	if l.kids == 0 || l.live && !c.holds() {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(c.Kids)))
	at := 0
	for i := range c.Kids {
		k := &c.Kids[i]
		switch {
		case l.kids == anyField:
			at = t.field(k, at)
			b = binary.AppendUvarint(b, uint64(at-1))
		case l.kids == Row || layoutOf(k.Kind).key == keyBytes:
			b = wire.AppendBytes(b, k.Key)
		}
		b = t.appendCell(b, k)
	}
	if c.Kind == Row && c.LastDelete() != nil {
		b = appendMarks(b, c.Kids)
	}
	return b
}

// appendMarks appends which leaves of a row have a mark of its deletes: a length, and as many
// bytes with a bit for each, from the lowest; no bytes if all have it.
func appendMarks(b []byte, kids []Cell) []byte {
	var marks []byte
	n, marked := 0, 0
	eachLeaf(kids, 0, func(k *Cell, bit uint32) {
		if n%8 == 0 {
			marks = append(marks, 0)
		}
		if k.Marks&bit != 0 {
			marks[n/8] |= 1 << (n % 8)
			marked++
		}
		n++
	})
	if marked == n {
		marks = nil
	}
	return wire.AppendBytes(b, marks)
}
