package value

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
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
	if c == codeString {
		n, rest, err := readCount(b)
		if err != nil {
			return nil, false
		}
		*p.(*string) = string(rest[:n])
		return rest[n:], true
	}
	if c == codeFloat {
		if len(b) < 8 || !isContentFloat(b[:8]) {
			return nil, false
		}
		*p.(*float64) = ReadFloat(b)
		return b[8:], true
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
	case codeNil, codeFalse, codeTrue, codeInt, codeFloat, codeComplex, codeString, codeBytes, codeTime, codeOwn, codeText, codeJSON:
	}
	b, _ = skipScalar(c, b)
	return b
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
	if len(e.shapes) == 0 {
		e.refs = bits.OnesCount64(e.codes)
		return append(binary.AppendUvarint(b, e.codes), 0, 0)
	}
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
	case codeNil, codeFalse, codeTrue, codeInt, codeFloat, codeComplex, codeString, codeBytes, codeTime, codeOwn, codeText, codeJSON:
	}
	rest, _ = skipScalar(c, body)
	return append(b, body[:len(body)-len(rest)]...), rest
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
	case KindString, KindBytes, KindTime, KindSlice, KindArray, KindMap, KindPointer, KindStruct, KindRaw, KindOpaque, KindDocument:
	}
	return codeString
}

func (e *Encoder[V]) appendFlat(b []byte, v reflect.Value) []byte {
	b = e.appendRef(b, e.final[e.seq[e.next]]+e.root())
	e.next++
	return e.plan.appendFlatBody(b, v)
}
