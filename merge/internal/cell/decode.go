package cell

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// A stateReader reads what appendState wrote.
type stateReader struct {
	wire.Reader
	text string // the input, of which keys and values are parts
	forgotten
	names  []vclock.Replica
	stamps []lww.Stamp
	fields []fieldID

	// What was referred to: names, stamps, fields that a row has.
	named, used, known []bool
}

// release gives d back, without what it refers to.
func (d *stateReader) release() {
	d.Reader, d.text = wire.Reader{}, ""
	d.names, d.stamps, d.fields = emptied(d.names), emptied(d.stamps), emptied(d.fields)
	d.named, d.used, d.known = emptied(d.named), emptied(d.used), emptied(d.known)
	readers.Put(d)
}

// Forgotten is what a record has forgotten: elements and entries deleted at or below one
// time, and rows of lists and maps deleted at or below another.
type forgotten struct{ horizon, deleted hlc.Timestamp }

// Read reads what [Append] wrote, of a record with the given horizons;
// text is all that r reads. See [forgotten.check] for what it refuses.
func Read(r *wire.Reader, text string, horizon, deleted hlc.Timestamp) Cell {
	d := readers.Get().(*stateReader)
	defer d.release()
	d.Reader, d.text, d.forgotten = *r, text, forgotten{horizon, deleted}
	d.readStamps()
	d.readFields()
	root := Cell{Kind: Row}
	d.cell(&root, 0)
	if d.Err() == nil && slices.Contains(d.used, false) {
		d.Fail("a stamp that nothing refers to")
	}
	if d.Err() == nil && slices.Contains(d.known, false) {
		d.Fail("a field that no row has")
	}
	if d.Err() == nil {
		if err := d.check(&root, isRoot); err != nil {
			d.Fail("%w", err)
		}
	}
	*r = d.Reader
	return root
}

func (d *stateReader) readStamps() {
	for range d.Count(1) {
		name := vclock.Replica(d.string())
		switch n := len(d.names); {
		case d.Err() != nil:
			return
		case !name.IsValid() && name != "": // of open lives
			d.Fail("invalid replica %q", string(name))
		case n > 0 && name <= d.names[n-1]:
			d.Fail("replica %q after %q", string(name), string(d.names[n-1]))
		}
		d.names = append(d.names, name)
	}
	d.named = append(d.named, make([]bool, len(d.names))...)
	var last lww.Stamp
	for range d.Count(2) {
		step, i := d.Uvarint(), d.Uvarint()
		switch {
		case d.Err() != nil:
			return
		case i >= uint64(len(d.names)):
			d.Fail("replica number %d of %d", i, len(d.names))
			return
		case step > uint64(hlc.Max-last.Time):
			d.Fail("time %d after %d is out of range", step, uint64(last.Time))
			return
		}
		s := lww.Stamp{Time: last.Time + hlc.Timestamp(step), Replica: d.names[i]}
		if !s.IsValid() && !isOpen(s) || !s.After(last) {
			d.Fail("stamp %q after %q", s.String(), last.String())
			return
		}
		d.named[i] = true
		last = s
		d.stamps = append(d.stamps, s)
	}
	if slices.Contains(d.named, false) {
		d.Fail("a replica without a stamp")
	}
	d.used = append(d.used, make([]bool, len(d.stamps))...)
}

func (d *stateReader) readFields() {
	n := d.Count(2)
	d.known = append(d.known, make([]bool, n)...)
	for i := range n {
		f := fieldID{key: d.string()}
		if f.kind = Kind(d.Byte()); f.kind.IsTyped() {
			f.Type = TypeCode(d.Byte())
		}
		switch {
		case d.Err() != nil:
			return
		case !f.kind.IsField():
			d.Fail("unknown kind %d of field %.64q", f.kind, f.key)
		case i > 0 && d.fields[i-1].compare(f) >= 0:
			d.Fail("field %.64q after %.64q", f.key, d.fields[i-1].key)
		}
		d.fields = append(d.fields, f)
	}
}

// length reads what a length is more than a head holds.
func (d *stateReader) length() int {
	n := d.Count(1)
	if d.Err() == nil && n+long > d.Len() {
		d.Fail("length %d exceeds what %d bytes can hold", n+long, d.Len())
	}
	return n
}

// take reads n bytes.
func (d *stateReader) take(n int) string {
	d.Take(n)
	if d.Err() != nil {
		return ""
	}
	return d.text[d.Offset()-n : d.Offset()]
}

// string reads a length and so many bytes.
func (d *stateReader) string() string {
	return d.take(d.Count(1))
}

func (d *stateReader) stamp(ref uint64) lww.Stamp {
	if ref == 0 || d.Err() != nil {
		return lww.Stamp{}
	}
	if ref > uint64(len(d.stamps)) {
		d.Fail("stamp number %d of %d", ref, len(d.stamps))
		return lww.Stamp{}
	}
	d.used[ref-1] = true
	return d.stamps[ref-1]
}

// smallest is the size of the smallest kid of a cell with the given layout.
func (l layout) smallest() int {
	if k := l.kids; k == Seen || k == Total || k == Sum || k == Sibling {
		return 1
	}
	return 2
}

// cell reads into c, which has a kind, what comes after the key and the kind.
func (d *stateReader) cell(c *Cell, depth int) {
	l := layoutOf(c.Kind)
	if depth > value.MaxDepth {
		d.Fail("%w", value.ErrDeep)
		return
	}
	if l.stamp {
		ref, n := d.Uvarint(), 0
		if l.value {
			if n = int(ref & 15); n == long {
				n += d.length()
			}
			ref >>= 4
		}
		if l.live {
			c.Live = ref&1 != 0
			ref >>= 1
		}
		c.Stamp = d.stamp(ref)
		if n > 0 && l.live && !c.Live {
			d.Fail("a value of what is deleted")
		}
		c.Value = d.take(n)
	}
	if l.kids == 0 || l.live && !c.Live {
		return
	}
	n := d.Count(l.smallest())
	if n == 0 || d.Err() != nil {
		return
	}
	c.Kids = make([]Cell, n)
	for i := range c.Kids {
		if d.kid(&c.Kids[i], l.kids, depth); d.Err() != nil {
			return
		}
	}
	if c.Kind == Row && c.LastDelete() != nil {
		if !readMarks(c.Kids, d.string()) && d.Err() == nil {
			d.Fail("%w", errMarks)
		}
		c.Revive()
	}
}

// readMarks sets the marks that appendMarks wrote, and reports whether it could have
// written them.
func readMarks(kids []Cell, marks string) bool {
	n, marked := 0, 0
	eachLeaf(kids, 0, func(k *Cell, bit uint32) {
		if marks == "" || n/8 < len(marks) && marks[n/8]&(1<<(n%8)) != 0 {
			k.Marks |= bit
			marked++
		}
		n++
	})
	return marks == "" || marked < n && len(marks) == (n+7)/8 && (n%8 == 0 || marks[n/8]>>(n%8) == 0)
}

// kid reads into k, which is zero, a kid of a cell that has kids of the given kind.
func (d *stateReader) kid(k *Cell, kind Kind, depth int) {
	k.Kind = kind
	switch {
	case kind == anyField:
		i := d.Uvarint()
		if i >= uint64(len(d.fields)) {
			d.Fail("field number %d of %d", i, len(d.fields))
			return
		}
		f := &d.fields[i]
		k.Key, k.Kind, k.Type, d.known[i] = f.key, f.kind, f.Type, true
	case kind == Row || layoutOf(kind).key == keyBytes:
		k.Key = d.string()
	}
	if d.Err() != nil {
		return
	}
	d.cell(k, depth+1)
	switch layoutOf(k.Kind).key {
	case keyReplica:
		k.Key = string(k.Stamp.Replica)
	case keyTime:
		k.Key = TimeKey(k.Stamp.Time)
	case keyPath, keyBytes:
	}
}

var (
	errOrder     = errors.New("fields, keys or elements out of order")
	errEmpty     = errors.New("a field that holds nothing")
	errNoStamp   = errors.New("a value without a stamp")
	errOpen      = errors.New("a stamp without a replica")
	errTombstone = errors.New("a tombstone at or below the horizon")
	errSibling   = errors.New("a sibling that its replica did not write")
	errIncluded  = errors.New("a version that another includes")
	errType      = errors.New("an unknown type")
	errTotal     = errors.New("a total that is no integer")
	errPlace     = errors.New("a place that is none")
	errText      = errors.New("a path that is not UTF-8")
	errDelete    = errors.New("a delete of what is not kept, or before its time")
	errMarks     = errors.New("marks of deletes that are none")
	errContent   = errors.New("a value that is not in its canonical form")
)

// A role says what a cell is for its parent.
type role uint8

const (
	isPart role = iota
	isRoot
	isItem // a row of a list or a map
)

// check returns an error unless c, with all below it, is a cell that a record
// may hold. Layouts have been kept already.
func (f forgotten) check(c *Cell, as role) error { return f.checkCell(c, as, 0) }

// checkCell is check of c, the leaves of which may have marks.
func (f forgotten) checkCell(c *Cell, as role, marks uint32) error {
	l := layoutOf(c.Kind)
	switch {
	case l.stamp && c.Stamp.IsZero() && (c.Kind != Row || !c.holds() && as != isRoot):
		return errNoStamp
	case l.stamp && isOpen(c.Stamp) && !c.Stamp.IsZero() && (as != isItem || !c.holds()):
		return errOpen
	case !l.stamp && len(c.Kids) == 0:
		return errEmpty
	case (c.Kind == Element || c.Kind == Entry) && !c.Live && c.Stamp.Time <= f.horizon, as == isItem && !c.holds() && c.Stamp.Time <= f.deleted:
		return errTombstone
	case c.Kind == Total && !isTotal(c.Value):
		return errTotal
	case (c.Kind == Placed || c.Kind == Deleted) != (c.Key == PositionKey && l.key == keyPath) || c.Kind == Placed && !isPlace(c):
		return errPlace
	case c.Marks&^marks != 0 || c.Marks != 0 && !c.isLeaf():
		return errMarks
	case !c.Type.valid():
		return errType
	case !c.holdsContent():
		return errContent
	case c.Kind == State && !distinct(c.Kids):
		return errIncluded
	}
	if c.Kind == Row {
		marks <<= 1
		if last := c.LastDelete(); last != nil {
			marks |= 1
			if as == isRoot || CompareLives(last.Stamp, c.Stamp) <= 0 || as == isItem && last.Stamp.Time <= f.deleted {
				return errDelete
			}
		}
	}
	for i := range c.Kids {
		k := &c.Kids[i]
		if i > 0 && c.Kids[i-1].Order(k) >= 0 {
			return errOrder
		}
		if k.Kind == Sibling && (k.Stamp.Replica != c.Stamp.Replica || k.Stamp.Time > c.Stamp.Time) {
			return errSibling
		}
		if l.kids == anyField && !utf8.ValidString(k.Key) {
			return errText
		}
		as := isPart
		if c.Kind == Rows {
			as = isItem
		}
		in := f
		if l.kids == anyField && len(Wholes(c.Kids, i)) > 0 {
			in = forgotten{} // in which the tombstones may be needed
		}
		if err := in.checkCell(k, as, marks); err != nil {
			if l.kids == anyField {
				return fmt.Errorf("field %.64q: %w", k.Key, err)
			}
			return err
		}
	}
	return nil
}

// holdsContent reports whether all values of c, if it is a field of a type whose values are
// content, are in full form.
func (c *Cell) holdsContent() bool {
	switch {
	case c.Kind == Register && c.Type == 0:
		return isTuple(c.Value)
	case c.Type.IsContent() && c.Kind != Set && c.Kind != Union:
		return c.isFull()
	}
	return true
}

func (c *Cell) isFull() bool {
	if c.Kind.holdsValue() {
		return c.Kind == Entry && !c.Live || value.IsFull(c.Content())
	}
	return !slices.ContainsFunc(c.Kids, func(k Cell) bool { return !k.isFull() })
}

// maxVersions bounds the versions of one value that a decoder compares with
// each other; there are no more than replicas that wrote at once.
const maxVersions = 1000

// distinct reports whether no version includes another.
func distinct(versions []Cell) bool {
	if len(versions) > maxVersions {
		return false
	}
	return len(latestVersions(versions)) == len(versions)
}
