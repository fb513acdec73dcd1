package value

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// mixed stands in front of elements that have several codes.
const mixed = 0xff

// A name is a field of some struct among the values of a state.
type name struct {
	text string
	code code
}

func (n name) compare(o name) int {
	return cmp.Or(cmp.Compare(n.text, o.text), cmp.Compare(n.code, o.code))
}

// An Encoder writes the values of one state, which are noted first, all of them,
// and then appended in the same order:
//
//	field    bytes    count
//	codes    varint   1       of values that are no structs, 1 << code each
//	names    varint   1
//	code     1        names   in ascending order of names, then codes
//	length   varint   names
//	name     length   names
//	shapes   varint   1
//	fields   varint   shapes  in ascending order, as lists of places
//	place    varint   fields  of a name, ascending
//
// and for each value its place among the codes and shapes, as a varint that is left
// out if there is but one, followed by its bytes: those of [plan.appendFull]
// without codes and names. A struct in a value is the place of its shape. Elements
// of a list, and keys and values of a map, have their code in front of all if there
// is but one, else 0xff there and a code each.
//
// The tables are a function of the values, whatever their order.
type Encoder[V any] struct {
	plan   *plan
	shapes []shape        // in order of appearance
	at     map[string]int // the place in shapes by signature
	masks  map[uint64]int // the place in shapes by the fields that are there
	seq    []int          // of each struct, in order, the place in shapes
	codes  uint64
	buf    []byte
	sign   []byte

	final []int // by place in shapes, the place in the table
	refs  int
	next  int // of seq
}

// A shape is the fields of a struct that are not zero.
type shape struct {
	names  []name
	places []int
}

// NewEncoder returns an encoder of values that were stored.
func NewEncoder[V any]() Encoder[V] {
	var v V
	if isBasicValue(&v) {
		return Encoder[V]{}
	}
	p, _ := planFor[V]()
	return Encoder[V]{plan: p}
}

// full returns the full form of a value, which is valid until the next call.
func (e *Encoder[V]) full(v *V, kept string) []byte {
	e.buf = AppendFull(e.buf[:0], v, kept)
	return e.buf
}

// Note takes notice of a value.
func (e *Encoder[V]) Note(v *V, kept string) {
	if kept == "" {
		if c := basicCode(v); c != codeNil {
			e.codes |= 1 << c
			return
		}
		if e.plan.flat() {
			e.noteFlat(reflect.ValueOf(v).Elem())
			return
		}
	}
	full := e.full(v, kept)
	if c := code(full[0]); c != codeStruct {
		e.codes |= 1 << c
	}
	e.note(full)
}

// basicCode returns the code of the value that p points to, if it is of one of the
// types that are read and written without reflection, else [codeNil].
func basicCode(p any) code {
	switch p.(type) {
	case *string:
		return codeString
	case *int, *int64, *uint64:
		return codeInt
	case *float64:
		return codeFloat
	}
	return codeNil
}

// appendBasic appends the value that p points to without its code.
func appendBasic(b []byte, p any) []byte {
	switch p := p.(type) {
	case *string:
		return wire.AppendBytes(b, *p)
	case *int:
		return appendInt(b, int64(*p))
	case *int64:
		return appendInt(b, *p)
	case *uint64:
		return AppendUint(b, *p)
	case *float64:
		return appendContentFloat(b, *p)
	}
	return b
}

// readBasic sets what p points to, of [basicCode] c, from the beginning of b, and
// returns what follows. It reports false if it cannot.
func readBasic(p any, c code, b []byte) (rest []byte, ok bool) {
	switch c {
	case codeString:
		n, rest, err := readCount(b)
		if err != nil {
			return nil, false
		}
		*p.(*string) = string(rest[:n])
		return rest[n:], true
	case codeFloat:
		if len(b) < 8 || !isContentFloat(b[:8]) {
			return nil, false
		}
		*p.(*float64) = ReadFloat(b)
		return b[8:], true
	default: // an integer
	}
	neg, mag, rest, err := ReadInt(b)
	if err != nil {
		return nil, false
	}
	v := int64(mag)
	if neg {
		v = ^v
	}
	switch p := p.(type) {
	case *int:
		*p = int(v)
		return rest, mag <= math.MaxInt64 && int64(int(v)) == v
	case *int64:
		*p = v
		return rest, mag <= math.MaxInt64
	default:
		*p.(*uint64) = mag
		return rest, !neg
	}
}

// note takes notice of the structs in the full form at the beginning of b.
func (e *Encoder[V]) note(b []byte) []byte {
	c, b := code(b[0]), b[1:]
	switch c {
	case codeOpt:
		return e.note(b)
	case codeList, codeMap:
		n, b, _ := readCount(b)
		if c == codeMap {
			n *= 2
		}
		for range n {
			b = e.note(b)
		}
		return b
	case codeStruct:
		n, b, _ := readCount(b)
		at := len(e.sign)
		e.seq = append(e.seq, 0)
		slot := len(e.seq) - 1
		for range n {
			size, rest, _ := readCount(b)
			e.sign = append(append(e.sign, rest[size]), b[:len(b)-len(rest)+size]...)
			b = e.note(rest[size:])
		}
		e.seq[slot] = e.place(e.sign[at:])
		e.sign = e.sign[:at]
		return b
	default:
		b, _ = skipScalar(c, b)
		return b
	}
}

// place returns the place of the shape with the given signature: codes and names.
func (e *Encoder[V]) place(sign []byte) int {
	if i, ok := e.at[string(sign)]; ok {
		return i
	}
	if e.at == nil {
		e.at = make(map[string]int)
	}
	e.at[string(sign)] = len(e.shapes)
	var s shape
	for len(sign) > 0 {
		size, rest, _ := readCount(sign[1:])
		s.names = append(s.names, name{string(rest[:size]), code(sign[0])})
		sign = rest[size:]
	}
	e.shapes = append(e.shapes, s)
	return len(e.shapes) - 1
}

// AppendTables appends the tables of the values that were noted.
func (e *Encoder[V]) AppendTables(b []byte) []byte {
	var names []name
	for _, s := range e.shapes {
		names = append(names, s.names...)
	}
	slices.SortFunc(names, name.compare)
	names = slices.Compact(names)
	order := make([]int, len(e.shapes))
	for i := range e.shapes {
		s := &e.shapes[i]
		order[i], s.places = i, nil
		for _, n := range s.names {
			at, _ := slices.BinarySearchFunc(names, n, name.compare)
			s.places = append(s.places, at)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return slices.Compare(e.shapes[i].places, e.shapes[j].places) })

	b = binary.AppendUvarint(b, e.codes)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, n := range names {
		b = wire.AppendBytes(append(b, byte(n.code)), n.text)
	}
	b = binary.AppendUvarint(b, uint64(len(order)))
	e.final = make([]int, len(order))
	for at, i := range order {
		e.final[i] = at
		b = binary.AppendUvarint(b, uint64(len(e.shapes[i].places)))
		for _, p := range e.shapes[i].places {
			b = binary.AppendUvarint(b, uint64(p))
		}
	}
	e.refs = len(order)
	for c := range codes {
		e.refs += int(e.codes >> c & 1)
	}
	e.next = 0
	return b
}

// Append appends the next of the values that were noted.
func (e *Encoder[V]) Append(b []byte, v *V, kept string) []byte {
	if kept == "" {
		if c := basicCode(v); c != codeNil {
			return appendBasic(e.appendRef(b, placeOf(e.codes, c)), v)
		}
		if e.plan.flat() {
			return e.appendFlat(b, reflect.ValueOf(v).Elem())
		}
	}
	full := e.full(v, kept)
	c := code(full[0])
	if c == codeStruct {
		b, _ = e.append(b, c, full[1:], true)
		return b
	}
	b = e.appendRef(b, placeOf(e.codes, c))
	b, _ = e.append(b, c, full[1:], false)
	return b
}

func (e *Encoder[V]) appendRef(b []byte, at int) []byte {
	if e.refs == 1 {
		return b
	}
	return binary.AppendUvarint(b, uint64(at))
}

// placeOf returns how many codes of a set are below c.
func placeOf(set uint64, c code) (n int) {
	for i := range c {
		n += int(set >> i & 1)
	}
	return n
}

// root is where the places of shapes begin among those of values.
func (e *Encoder[V]) root() int { return e.refs - len(e.shapes) }

// append appends the body at the beginning of a full form without its code, and returns what
// follows it. Whole says that it is that of a whole value.
func (e *Encoder[V]) append(b []byte, c code, body []byte, whole bool) (_, rest []byte) {
	switch c {
	case codeOpt:
		return e.append(append(b, body[0]), code(body[0]), body[1:], false)
	case codeList:
		n, body, _ := readCount(body)
		b = binary.AppendUvarint(b, uint64(n))
		return e.appendParts(b, body, n, 1)
	case codeMap:
		n, body, _ := readCount(body)
		b = binary.AppendUvarint(b, uint64(n))
		return e.appendParts(b, body, n, 2)
	case codeStruct:
		at := e.final[e.seq[e.next]]
		e.next++
		if whole {
			b = e.appendRef(b, at+e.root())
		} else {
			b = binary.AppendUvarint(b, uint64(at))
		}
		n, body, _ := readCount(body)
		for range n {
			size, r, _ := readCount(body)
			b, body = e.append(b, code(r[size]), r[size+1:], false)
		}
		return b, body
	default:
		rest, _ = skipScalar(c, body)
		return append(b, body[:len(body)-len(rest)]...), rest
	}
}

// appendParts appends n groups of elements in full form, each of size elements.
func (e *Encoder[V]) appendParts(b, body []byte, n, size int) (_, rest []byte) {
	if n == 0 {
		return b, body
	}
	marks := [2]byte{body[0], 0}
	for i, p := 0, body; i < n*size; i++ {
		switch m := &marks[i%size]; {
		case i == 1 && size == 2:
			*m = p[0]
		case *m != p[0]:
			*m = mixed
		}
		p, _ = skipFull(p, 0)
	}
	b = append(b, marks[:size]...)
	for i := range n * size {
		c := code(body[0])
		if marks[i%size] == mixed {
			b = append(b, body[0])
		}
		b, body = e.append(b, c, body[1:], false)
	}
	return b, body
}

// flat reports whether values are structs of bools, numbers and strings, few enough
// that their shapes are sets of bits.
func (p *plan) flat() bool { return p != nil && p.flatStruct }

// noteFlat takes notice of a flat struct.
func (e *Encoder[V]) noteFlat(v reflect.Value) {
	mask := e.plan.flatMask(v)
	at, ok := e.masks[mask]
	if !ok {
		for i := range e.plan.fields {
			if f := &e.plan.fields[i]; mask>>i&1 == 1 {
				e.sign = wire.AppendBytes(append(e.sign, byte(flatCode(f.kind))), f.name)
			}
		}
		at = e.place(e.sign)
		e.sign = e.sign[:0]
		if e.masks == nil {
			e.masks = make(map[uint64]int)
		}
		e.masks[mask] = at
	}
	e.seq = append(e.seq, at)
}

// flatCode returns the code of a value that is not zero.
func flatCode(k Kind) code {
	switch k {
	case KindBool:
		return codeTrue
	case KindInt, KindUint:
		return codeInt
	case KindFloat:
		return codeFloat
	case KindComplex:
		return codeComplex
	default:
		return codeString
	}
}

func (e *Encoder[V]) appendFlat(b []byte, v reflect.Value) []byte {
	b = e.appendRef(b, e.final[e.seq[e.next]]+e.root())
	e.next++
	return e.plan.appendFlatBody(b, v)
}

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
func NewDecoder[V any](r *wire.Reader) *Decoder[V] {
	p, err := planFor[V]()
	if err != nil {
		r.Fail("%w", err)
		return &Decoder[V]{r: r}
	}
	d := &Decoder[V]{r: r, plan: p, most: 1<<24 + 64*r.Len()}
	set := r.Uvarint()
	for c := range codes {
		if set>>c&1 == 1 {
			d.codes = append(d.codes, c)
		}
	}
	if set >= 1<<codes || set>>codeStruct&1 == 1 {
		r.Fail("codes %x of values", set)
	}
	d.readNames()
	d.readShapes()
	if r.Err() != nil {
		return &Decoder[V]{r: r}
	}
	d.used = make([]bool, len(d.codes)+len(d.shapes))
	return d
}

func (d *Decoder[V]) readNames() {
	n := d.r.Count(2)
	for i := range n {
		c := code(d.r.Byte())
		next := name{string(d.r.Bytes()), c}
		switch {
		case d.r.Err() != nil:
			return
		case c == codeNil || c >= codes:
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
	if d.r.Err() == nil && slices.Contains(d.used, false) {
		d.r.Fail("a shape or a code of no value")
	}
}

// Next reads a value into v: see [Load].
func (d *Decoder[V]) Next(v *V) (kept string, bad *ValueError) {
	if d.r.Err() != nil {
		return "", nil
	}
	at := uint64(0)
	if len(d.used) != 1 {
		at = d.r.Uvarint()
	}
	if at >= uint64(len(d.used)) {
		d.r.Fail("value %d of %d shapes", at, len(d.used))
		return "", nil
	}
	d.used[at] = true
	b := d.r.Unread()
	if rest, ok := d.nextFast(v, int(at), b); ok {
		d.r.Take(len(b) - len(rest))
		return "", nil
	}
	var rest []byte
	var err error
	d.full = d.full[:0]
	if i := int(at) - len(d.codes); i >= 0 {
		rest, err = d.shape(b, i, 0)
	} else {
		c := d.codes[at]
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

// nextFast reads a value of which nothing is kept, and returns what follows in b. It
// reports false if it cannot, or if the bytes are not those of the value.
func (d *Decoder[V]) nextFast(v *V, at int, b []byte) ([]byte, bool) {
	if i := at - len(d.codes); i >= 0 {
		if d.shapes[i].steps == nil {
			return nil, false
		}
		return d.nextFlat(reflect.ValueOf(v).Elem(), d.shapes[i].steps, b)
	}
	if c := d.codes[at]; basicCode(v) == c {
		return readBasic(v, c, b)
	}
	return nil, false
}

// nextFlat sets the zero flat struct v, and returns what follows in b. It reports
// false if it cannot, or if the bytes are not those of v.
func (*Decoder[V]) nextFlat(v reflect.Value, steps []step, b []byte) ([]byte, bool) {
	for i := range steps {
		s := &steps[i]
		rest, err := skipScalar(s.code, b)
		if err != nil {
			return nil, false
		}
		fv := s.field.in(v)
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

// shape appends a struct of the shape at i in full form, and returns what follows
// its body in b.
func (d *Decoder[V]) shape(b []byte, i, depth int) (_ []byte, err error) {
	s := &d.shapes[i]
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
		return d.shape(b[size:], int(at), depth)
	default:
		rest, err := skipScalar(c, b)
		if err == nil {
			d.full = append(d.full, b[:len(b)-len(rest)]...)
		}
		return rest, err
	}
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
		if m >= codes {
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
