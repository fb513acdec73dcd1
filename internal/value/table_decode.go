package value

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A Decoder reads the values that an [Encoder] wrote.
type Decoder[V any] struct {
	r      *wire.Reader
	plan   *plan
	names  []name
	shapes []readShape
	codes  []code
	used   []bool // by place of a value
	full   []byte
	kept   int // bytes of the forms that are kept beside values
	most   int

	basic     code // of all values, if that is a basic type: then there are no tables
	basicUsed bool
}

type readShape struct {
	names []int
	steps []step // how to read a flat V of the shape; nil if it cannot be
}

// A step is one field of a shape on its way into a flat struct.
type step struct {
	code  code
	field *planField
}

// NewDecoder reads the tables from r. Its methods record errors in r.
func NewDecoder[V any](r *wire.Reader) Decoder[V] {
	d := Decoder[V]{r: r, most: 1<<24 + 64*r.Len()}
	if d.basic = readBasicTables[V](r); d.basic == codeNil {
		d.readTables()
	}
	return d
}

func (d *Decoder[V]) readTables() {
	p, err := planFor[V]()
	r := d.r
	if err != nil {
		r.Fail("%w", err)
		return
	}
	d.plan = p
	set := r.Uvarint()
	for c := range code(codes) {
		if set>>c&1 == 1 {
			d.codes = append(d.codes, c)
		}
	}
	if set >= 1<<codes || set>>codeStruct&1 == 1 {
		r.Fail("codes %x of values", set)
	}
	d.readNames()
	d.readShapes()
	if r.Err() == nil {
		d.used = make([]bool, len(d.codes)+len(d.shapes))
	}
}

// readBasicTables reads tables that say that all values are of V, if that is one of the
// basic types, and returns its code; codeNil, and nothing read, if they say something else.
func readBasicTables[V any](r *wire.Reader) code {
	b := r.Unread()
	if len(b) < 3 || b[1] != 0 || b[2] != 0 { // one code, no names, no shapes
		return codeNil
	}
	c := basicCode((*V)(nil))
	if c == codeNil || b[0] != 1<<c {
		return codeNil
	}
	r.Take(3)
	return c
}

func (d *Decoder[V]) readNames() {
	n := d.r.Count(2)
	for i := range n {
		c := code(d.r.Byte())
		next := name{string(d.r.Bytes()), c}
		switch {
		case d.r.Err() != nil:
			return
		case c == codeNil || int(c) >= codes:
			d.r.Fail("a field of code %d", c)
		case i > 0 && d.names[i-1].compare(next) >= 0:
			d.r.Fail("field %.64q does not follow %.64q", next.text, d.names[i-1].text)
		}
		d.names = append(d.names, next)
	}
}

func (d *Decoder[V]) readShapes() {
	used := make([]bool, len(d.names))
	n := d.r.Count(1)
	for i := range n {
		size := d.r.Count(1)
		names := make([]int, 0, size)
		for j := range size {
			at := d.r.Uvarint()
			switch {
			case d.r.Err() != nil:
				return
			case at >= uint64(len(d.names)):
				d.r.Fail("field %d of %d", at, len(d.names))
				return
			case j > 0 && (names[j-1] >= int(at) || d.names[names[j-1]].text == d.names[at].text):
				d.r.Fail("the fields of a shape do not ascend")
				return
			}
			names = append(names, int(at))
			used[at] = true
		}
		if i > 0 && slices.Compare(d.shapes[i-1].names, names) >= 0 {
			d.r.Fail("the shapes do not ascend")
			return
		}
		d.shapes = append(d.shapes, readShape{names: names, steps: d.steps(names)})
	}
	if slices.Contains(used, false) {
		d.r.Fail("a field of no shape")
	}
}

// steps returns how a flat V is read from the shape, or nil if V is not flat or
// does not read all of the shape.
func (d *Decoder[V]) steps(names []int) []step {
	if !d.plan.flat() {
		return nil
	}
	steps := make([]step, 0, len(names))
	for _, at := range names {
		n := d.names[at]
		i, ok := d.plan.byName[n.text]
		if !ok || d.plan.fields[i].name != n.text || flatCode(d.plan.fields[i].kind) != n.code {
			return nil
		}
		steps = append(steps, step{n.code, &d.plan.fields[i]})
	}
	return steps
}

// Close fails unless every code and every shape was used.
func (d *Decoder[V]) Close() {
	if d.r.Err() == nil && (slices.Contains(d.used, false) || d.basic != codeNil && !d.basicUsed) {
		d.r.Fail("a shape or a code of no value")
	}
}

// Next reads a value into v, which is zero, or a string that may be the same: see [Load].
func (d *Decoder[V]) Next(v *V) (kept string, bad *ValueError) {
	if d.r.Err() != nil {
		return "", nil
	}
	c, shape, ok := d.nextHead()
	if !ok {
		return "", nil
	}
	b := d.r.Unread()
	if rest, ok := d.nextFast(v, c, shape, b); ok {
		d.r.Take(len(b) - len(rest))
		return "", nil
	}
	var rest []byte
	var err error
	d.full = d.full[:0]
	if shape != nil {
		rest, err = d.shape(b, shape, 0)
	} else {
		d.full = append(d.full, byte(c))
		rest, err = d.body(c, b, 0)
	}
	if err != nil {
		d.r.Fail("%w", err)
		return "", nil
	}
	d.r.Take(len(b) - len(rest))
	same, bad := loadInto(v, d.full)
	if !same {
		kept = string(d.full)
	}
	if d.kept += len(kept); d.kept > d.most {
		d.r.Fail("names of fields are repeated too often")
	}
	return kept, bad
}

// nextHead reads what stands before a value: its place, where there are several. It
// returns the code, or the shape, of the value.
func (d *Decoder[V]) nextHead() (c code, shape *readShape, ok bool) {
	if d.basic != codeNil {
		d.basicUsed = true
		return d.basic, nil, true
	}
	at := uint64(0)
	if len(d.used) != 1 {
		at = d.r.Uvarint()
	}
	if at >= uint64(len(d.used)) {
		d.r.Fail("value %d of %d shapes", at, len(d.used))
		return codeNil, nil, false
	}
	d.used[at] = true
	if i := int(at) - len(d.codes); i >= 0 {
		return codeStruct, &d.shapes[i], true
	}
	return d.codes[at], nil, true
}

// nextFast reads a value of which nothing is kept, and returns what follows in b. It
// reports false if it cannot, or if the bytes are not those of the value.
func (d *Decoder[V]) nextFast(v *V, c code, shape *readShape, b []byte) ([]byte, bool) {
	if shape != nil {
		if shape.steps == nil {
			return nil, false
		}
		return nextFlat(d.r, reflect.ValueOf(v).Elem(), shape.steps, b)
	}
	if s, ok := any(v).(*string); ok && c == codeString {
		n, rest, err := readCount(b)
		if err != nil {
			return nil, false
		}
		*s = d.r.StringOr(d.r.Offset()+len(b)-len(rest), n, *s)
		return rest[n:], true
	}
	if c != codeNil && basicCode(v) == c { // codeNil is of no basic type
		return readBasic(v, c, b)
	}
	return nil, false
}

// nextFlat sets the zero flat struct v from b, which ends where r does, and returns what
// follows. It reports false if it cannot, or if the bytes are not those of v.
func nextFlat(r *wire.Reader, v reflect.Value, steps []step, b []byte) ([]byte, bool) {
	for i := range steps {
		s := &steps[i]
		rest, err := skipScalar(s.code, b)
		if err != nil {
			return nil, false
		}
		fv := s.field.in(v)
		if s.code == codeString {
			n, rest, _ := readCount(b)
			if n == 0 {
				return nil, false
			}
			fv.SetString(r.StringAt(r.Offset()+r.Len()-len(rest), n))
			b = rest[n:]
			continue
		}
		if s.code == codeTrue {
			fv.SetBool(true)
			continue
		}
		if _, bad := s.field.readScalar(s.code, fv, b); bad != nil || s.field.isZero(fv) {
			return nil, false
		}
		b = rest
	}
	return b, true
}

// shape appends a struct of the shape s in full form, and returns what follows its body
// in b.
func (d *Decoder[V]) shape(b []byte, s *readShape, depth int) (_ []byte, err error) {
	d.full = binary.AppendUvarint(append(d.full, byte(codeStruct)), uint64(len(s.names)))
	for _, at := range s.names {
		n := &d.names[at]
		d.full = append(wire.AppendBytes(d.full, n.text), byte(n.code))
		if b, err = d.body(n.code, b, depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// body appends the full form, but for the code c, of the body at the beginning of
// b, and returns what follows it.
func (d *Decoder[V]) body(c code, b []byte, depth int) ([]byte, error) {
	if depth > MaxDepth || len(d.full) > d.most {
		return nil, errCanonical
	}
	switch c {
	case codeOpt:
		if len(b) == 0 || code(b[0]) != codeNil && code(b[0]) != codeOpt {
			return nil, errCanonical
		}
		d.full = append(d.full, b[0])
		return d.body(code(b[0]), b[1:], depth+1)
	case codeList, codeMap:
		return d.parts(c, b, depth)
	case codeStruct:
		at, size := binary.Uvarint(b)
		if size <= 0 || size > 1 && b[size-1] == 0 || at >= uint64(len(d.shapes)) {
			return nil, errCanonical
		}
		d.used[len(d.codes)+int(at)] = true
		d.full = d.full[:len(d.full)-1] // the code is there
		return d.shape(b[size:], &d.shapes[at], depth)
	case codeNil, codeFalse, codeTrue, codeInt, codeFloat, codeComplex, codeString, codeBytes, codeTime, codeOwn, codeText, codeJSON:
	}
	rest, err := skipScalar(c, b)
	if err == nil {
		d.full = append(d.full, b[:len(b)-len(rest)]...)
	}
	return rest, err
}

func (d *Decoder[V]) parts(c code, b []byte, depth int) ([]byte, error) {
	size := 1
	if c == codeMap {
		size = 2
	}
	count, used := binary.Uvarint(b)
	// Elements may have no bytes, so that their number is not bounded by b's length.
	if used <= 0 || used > 1 && b[used-1] == 0 || count > uint64(d.most) {
		return nil, errCanonical
	}
	b = b[used:]
	d.full = binary.AppendUvarint(d.full, count)
	if count == 0 {
		return b, nil
	}
	if len(b) < size {
		return nil, errCanonical
	}
	marks, differ := [2]byte{b[0], b[size-1]}, [2]bool{}
	var first [2]code
	b = b[size:]
	var last, start int
	for i := range int(count) * size {
		m := code(marks[i%size])
		if m == mixed {
			if len(b) == 0 {
				return nil, errCanonical
			}
			m, b = code(b[0]), b[1:]
		}
		if i < size {
			first[i] = m
		}
		differ[i%size] = differ[i%size] || m != first[i%size]
		if int(m) >= codes {
			return nil, errCanonical
		}
		at := len(d.full)
		d.full = append(d.full, byte(m))
		var err error
		if b, err = d.body(m, b, depth+1); err != nil {
			return nil, err
		}
		if size == 2 && i%2 == 0 {
			if i > 0 && bytes.Compare(d.full[last:start], d.full[at:]) >= 0 {
				return nil, errCanonical
			}
			last, start = at, len(d.full)
		}
	}
	for i := range size {
		if (marks[i] == mixed) != differ[i] {
			return nil, errCanonical
		}
	}
	return b, nil
}
