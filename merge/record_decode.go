package merge

import (
	"encoding/base64"
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
	*wire.Reader
	text    string // the input, of which keys and values are parts
	horizon hlc.Timestamp
	stamps  []lww.Stamp
	used    []bool
	fields  []fieldID
	known   []bool // fields that a row has
}

// state reads a state with its table of stamps.
func (d *stateReader) state() cell {
	d.readStamps()
	d.readFields()
	root := d.cell(cellRow, 0)
	if d.Err() == nil && slices.Contains(d.used, false) {
		d.Fail("a stamp that nothing refers to")
	}
	if d.Err() == nil && slices.Contains(d.known, false) {
		d.Fail("a field that no row has")
	}
	if d.Err() == nil {
		if err := root.check(d.horizon, true); err != nil {
			d.Fail("%w", err)
		}
	}
	return root
}

func (d *stateReader) readStamps() {
	names := make([]vclock.Replica, 0, d.Count(2))
	for range cap(names) {
		name := vclock.Replica(d.Bytes())
		switch {
		case d.Err() != nil:
			return
		case !name.IsValid():
			d.Fail("invalid replica %q", string(name))
		case len(names) > 0 && name <= names[len(names)-1]:
			d.Fail("replica %q after %q", string(name), string(names[len(names)-1]))
		}
		names = append(names, name)
	}
	used := make([]bool, len(names))
	d.stamps = make([]lww.Stamp, 0, d.Count(2))
	var last lww.Stamp
	for range cap(d.stamps) {
		step, i := d.Uvarint(), d.Uvarint()
		switch {
		case d.Err() != nil:
			return
		case i >= uint64(len(names)):
			d.Fail("replica number %d of %d", i, len(names))
			return
		case step > uint64(hlc.Max-last.Time):
			d.Fail("time %d after %d is out of range", step, uint64(last.Time))
			return
		}
		s := lww.Stamp{Time: last.Time + hlc.Timestamp(step), Replica: names[i]}
		if !s.IsValid() || !s.After(last) {
			d.Fail("stamp %q after %q", s.String(), last.String())
			return
		}
		used[i] = true
		last = s
		d.stamps = append(d.stamps, s)
	}
	if slices.Contains(used, false) {
		d.Fail("a replica without a stamp")
	}
	d.used = make([]bool, len(d.stamps))
}

func (d *stateReader) readFields() {
	n := d.Count(2)
	d.fields, d.known = make([]fieldID, 0, n), make([]bool, n)
	for i := range n {
		f := fieldID{key: d.string()}
		if f.kind = cellKind(d.Byte()); f.kind.isTyped() {
			f.typ = typeCode(d.Byte())
		}
		switch {
		case d.Err() != nil:
			return
		case !f.kind.isField():
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
	switch l.kids {
	case cellSeen, cellTotal, cellSibling:
		return 1
	default:
		return 2
	}
}

// cell reads what comes after the key and the kind.
func (d *stateReader) cell(kind cellKind, depth int) cell {
	c := cell{kind: kind}
	l := layoutOf(kind)
	if depth > value.MaxDepth {
		d.Fail("%w", value.ErrDeep)
		return c
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
			c.live = ref&1 != 0
			ref >>= 1
		}
		c.stamp = d.stamp(ref)
		if n > 0 && l.live && !c.live {
			d.Fail("a value of what is deleted")
		}
		c.value = d.take(n)
	}
	if l.kids == 0 || l.live && !c.live {
		return c
	}
	n := d.Count(l.smallest())
	if n == 0 || d.Err() != nil {
		return c
	}
	c.kids = make([]cell, 0, n)
	for range n {
		k := d.kid(l.kids, depth)
		if d.Err() != nil {
			return c
		}
		c.kids = append(c.kids, k)
	}
	return c
}

func (d *stateReader) kid(kind cellKind, depth int) cell {
	key, typ := "", typeCode(0)
	switch {
	case kind == anyField:
		i := d.Uvarint()
		if i >= uint64(len(d.fields)) {
			d.Fail("field number %d of %d", i, len(d.fields))
			return cell{}
		}
		f := d.fields[i]
		key, kind, typ, d.known[i] = f.key, f.kind, f.typ, true
	case kind == cellRow || layoutOf(kind).key == keyBytes:
		key = d.string()
	}
	if d.Err() != nil {
		return cell{}
	}
	k := d.cell(kind, depth+1)
	k.key, k.typ = key, typ
	switch layoutOf(kind).key {
	case keyReplica:
		k.key = string(k.stamp.Replica)
	case keyTime:
		k.key = timeKey(k.stamp.Time)
	default:
	}
	return k
}

var (
	errOrder     = errors.New("fields, keys or elements out of order")
	errEmpty     = errors.New("a field that holds nothing")
	errNoStamp   = errors.New("a value without a stamp")
	errTombstone = errors.New("a tombstone at or below the horizon")
	errSibling   = errors.New("a sibling that its replica did not write")
	errIncluded  = errors.New("a version that another includes")
	errType      = errors.New("an unknown type")
	errTotal     = errors.New("a total that is no integer")
	errText      = errors.New("a path that is not UTF-8")
)

// check returns an error unless c, with all below it, is a cell that a record
// may hold. Layouts have been kept already.
func (c *cell) check(horizon hlc.Timestamp, root bool) error {
	l := layoutOf(c.kind)
	switch {
	case l.stamp && c.stamp.IsZero() && (c.kind != cellRow || !c.live && !root):
		return errNoStamp
	case !l.stamp && len(c.kids) == 0:
		return errEmpty
	case (c.kind == cellElement || c.kind == cellEntry) && !c.live && c.stamp.Time <= horizon:
		return errTombstone
	case c.kind == cellTotal && !isTotal(c.value):
		return errTotal
	case !c.typ.valid():
		return errType
	case c.kind == cellState && !distinct(c.kids):
		return errIncluded
	}
	for i := range c.kids {
		k := &c.kids[i]
		if i > 0 && c.kids[i-1].order(k) >= 0 {
			return errOrder
		}
		if k.kind == cellSibling && (k.stamp.Replica != c.stamp.Replica || k.stamp.Time > c.stamp.Time) {
			return errSibling
		}
		if l.kids == anyField && !utf8.ValidString(k.key) {
			return errText
		}
		if err := k.check(horizon, false); err != nil {
			if l.kids == anyField {
				return fmt.Errorf("field %.64q: %w", k.key, err)
			}
			return err
		}
	}
	return nil
}

func isTotal(content string) bool {
	_, _, rest, err := value.ReadInt([]byte(content))
	return err == nil && len(rest) == 0
}

// maxVersions bounds the versions of one value that a decoder compares with
// each other; there are no more than replicas that wrote at once.
const maxVersions = 1000

// distinct reports whether no version includes another.
func distinct(versions []cell) bool {
	if len(versions) > maxVersions {
		return false
	}
	return len(latestVersions(versions)) == len(versions)
}

// settle returns kids with all options and versions that the program knows how
// to join joined, which those who wrote them may not have known.
func (w *recordRow) settle(kids []cell) []cell {
	for i := range kids {
		p := w.part(&kids[i])
		if p == nil {
			continue
		}
		k := &kids[i] // a decoder made it, and shares it with nobody
		switch p.kind {
		case cellChoice:
			k.kids = p.best(k.kids)
		case cellState:
			k.kids = p.fold(k.kids)
		case cellRow:
			k.kids = p.elem.settle(k.kids)
		case cellRows:
			for j := range k.kids {
				k.kids[j].kids = p.elem.settle(k.kids[j].kids)
			}
		default:
		}
	}
	return kids
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [Token.AppendBinary] writes, and leaves t unchanged if it returns an
// error.
func (t *Token) UnmarshalBinary(data []byte) error {
	d := stateReader{Reader: wire.NewReader(data), text: string(data)}
	d.Version(recordVersion)
	root := d.state()
	if d.Err() == nil && !root.isSeen() {
		d.Fail("a value in a token")
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("merge: decode Token: %w", wire.Damaged(err))
	}
	t.root = root
	return nil
}

// isSeen reports whether c is what [cell.lives] returns.
func (c *cell) isSeen() bool {
	switch c.kind {
	case cellRow:
		if c.live != (len(c.kids) > 0) {
			return false
		}
	case cellReplica:
		return len(c.kids) == 0
	case cellRows, cellManual:
	default:
		return false
	}
	return !slices.ContainsFunc(c.kids, func(k cell) bool { return !k.isSeen() })
}

// MarshalText implements [encoding.TextMarshaler]: the bytes of
// [Token.AppendBinary] in URL-safe base64, fit for a hidden field of a form.
func (t Token) MarshalText() ([]byte, error) {
	b, err := t.MarshalBinary()
	return base64.RawURLEncoding.AppendEncode(nil, b), err
}

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts exactly what
// [Token.MarshalText] returns, and leaves t unchanged if it returns an error.
func (t *Token) UnmarshalText(text []byte) error {
	b, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err == nil && base64.RawURLEncoding.EncodedLen(len(b)) != len(text) {
		err = errors.New("line breaks in base64") // which the decoder skips
	}
	if err != nil {
		return fmt.Errorf("merge: decode Token: %w", wire.Damaged(err))
	}
	return t.UnmarshalBinary(b)
}
