package value

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A ValueError says that a type cannot hold a value that is stored. It wraps
// [wire.ErrUnreadable].
type ValueError struct { //nolint:revive // users know it as content.ValueError
	Key    string // the key of the value in its state, in JSON, or its path in a record; "" if there are none
	Field  string // the place inside the value, "" for the value itself
	Stored string // the kind that is stored
	Wanted string // the kind of the type, with the type
	Err    error  // of the type's own method, or nil
}

func (e *ValueError) Error() string {
	text := "unreadable value"
	if e.Key != "" {
		text += " of key " + e.Key
	}
	if e.Field != "" {
		text += ": field " + e.Field
	}
	text += ": stored " + e.Stored + ", want " + e.Wanted
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns [wire.ErrUnreadable] and the error of the type's own method.
func (e *ValueError) Unwrap() []error {
	if e.Err != nil {
		return []error{wire.ErrUnreadable, e.Err}
	}
	return []error{wire.ErrUnreadable}
}

func (p *plan) mismatch(stored string, err error) *ValueError {
	wanted := p.typ.Kind().String()
	if name := p.typ.String(); name != wanted {
		wanted += " " + name
	}
	return &ValueError{Stored: stored, Wanted: wanted, Err: err}
}

func (e *ValueError) within(name string) *ValueError {
	switch {
	case e.Field == "":
		e.Field = name
	case e.Field[0] == '[' || e.Field[0] == '{':
		e.Field = name + e.Field
	default:
		e.Field = name + "." + e.Field
	}
	return e
}

// read sets dst, which holds the zero value, from the valid full form at the
// beginning of b, and returns what follows it. What it leaves in dst if it returns
// an error is of no use.
func (p *plan) read(dst reflect.Value, b []byte) ([]byte, *ValueError) {
	c, body := code(b[0]), b[1:]
	if c == codeNil {
		return body, nil // dst is zero
	}
	if p.kind == KindPointer && p.own == formNone {
		x := reflect.New(p.typ.Elem())
		dst.Set(x)
		if c == codeOpt {
			b = body
		}
		return p.elem.read(x.Elem(), b)
	}
	switch c {
	case codeOwn, codeText, codeJSON:
		n, rest, _ := readCount(body)
		if !p.reads(c) {
			return nil, p.mismatch(c.String(), nil)
		}
		if err := p.unmarshal(c, dst, slices.Clone(rest[:n])); err != nil {
			return nil, p.mismatch(c.String(), err)
		}
		return rest[n:], nil
	case codeList, codeMap, codeStruct:
		return p.readParts(c, dst, body)
	case codeNil, codeFalse, codeTrue, codeInt, codeFloat, codeComplex, codeString, codeBytes, codeTime, codeOpt:
	}
	return p.readScalar(c, dst, body)
}

// reads reports whether the type reads a form of its own.
func (p *plan) reads(c code) bool {
	if c == codeOwn {
		return p.codec != nil || p.binary
	}
	if c == codeText {
		return p.text
	}
	return p.json
}

func (p *plan) unmarshal(c code, dst reflect.Value, b []byte) error {
	if c == codeOwn && p.codec != nil {
		return p.codec.Decode(b, dst)
	}
	x := dst.Addr().Interface()
	if c == codeOwn {
		return x.(encoding.BinaryUnmarshaler).UnmarshalBinary(b)
	}
	if c == codeText {
		return x.(encoding.TextUnmarshaler).UnmarshalText(b)
	}
	return json.Unmarshal(b, x)
}

func (p *plan) readScalar(c code, dst reflect.Value, b []byte) ([]byte, *ValueError) {
	switch {
	case c == codeInt && (p.kind == KindInt || p.kind == KindUint):
		neg, mag, rest, _ := ReadInt(b)
		if text := setInt(dst, neg, mag); text != "" {
			return nil, p.mismatch(text, nil)
		}
		return rest, nil
	case c == codeString && p.kind == KindString:
		n, rest, _ := readCount(b)
		dst.SetString(string(rest[:n]))
		return rest[n:], nil
	case (c == codeTrue || c == codeFalse) && p.kind == KindBool:
		dst.SetBool(c == codeTrue)
		return b, nil
	case c == codeFloat && p.kind == KindFloat:
		f := ReadFloat(b)
		if dst.Kind() == reflect.Float32 && f == f && float64(float32(f)) != f {
			return nil, p.mismatch(fmt.Sprintf("float %v", f), nil)
		}
		dst.SetFloat(f)
		return b[8:], nil
	case c == codeComplex && p.kind == KindComplex:
		x, y := ReadFloat(b), ReadFloat(b[8:])
		if dst.Kind() == reflect.Complex64 && (x == x && float64(float32(x)) != x || y == y && float64(float32(y)) != y) {
			return nil, p.mismatch(fmt.Sprintf("complex %v", complex(x, y)), nil)
		}
		dst.SetComplex(complex(x, y))
		return b[16:], nil
	case c == codeTime && p.kind == KindTime:
		t, rest, _ := readTime(b)
		dst.Set(reflect.ValueOf(t))
		return rest, nil
	case c == codeBytes && p.kind == KindBytes:
		n, rest, _ := readCount(b)
		dst.SetBytes(append(make([]byte, 0, n), rest[:n]...))
		return rest[n:], nil
	case c == codeBytes && p.kind == KindArray && p.elem.typ.Kind() == reflect.Uint8:
		n, rest, _ := readCount(b)
		if n != dst.Len() {
			return nil, p.mismatch(fmt.Sprintf("%d bytes", n), nil)
		}
		for i := range n {
			dst.Index(i).SetUint(uint64(rest[i]))
		}
		return rest[n:], nil
	default:
		return nil, p.mismatch(c.String(), nil)
	}
}

// setInt sets dst to mag, or to ^mag if neg. If dst cannot hold it, it returns what
// is stored.
func setInt(dst reflect.Value, neg bool, mag uint64) string {
	v := int64(mag)
	if neg {
		v = ^v
	}
	switch {
	case dst.CanInt() && mag <= math.MaxInt64 && !dst.OverflowInt(v):
		dst.SetInt(v)
	case dst.CanUint() && !neg && !dst.OverflowUint(mag):
		dst.SetUint(mag)
	case !neg:
		return fmt.Sprintf("int %d", mag)
	case mag <= math.MaxInt64:
		return fmt.Sprintf("int %d", v)
	default:
		return fmt.Sprintf("int below %d", int64(math.MinInt64))
	}
	return ""
}

func (p *plan) readParts(c code, dst reflect.Value, b []byte) ([]byte, *ValueError) {
	n, b, _ := readCount(b)
	switch {
	case c == codeList && p.kind == KindSlice:
		return p.readList(dst, b, n)
	case c == codeList && p.kind == KindArray && n == dst.Len():
		return p.readElements(dst, b)
	case c == codeMap && p.kind == KindMap:
		return p.readMap(dst, b, n)
	case c == codeStruct && p.kind == KindStruct:
		return p.readStruct(dst, b, n)
	case c == codeList && p.kind == KindArray:
		return nil, p.mismatch(fmt.Sprintf("list of %d", n), nil)
	default:
		return nil, p.mismatch(c.String(), nil)
	}
}

// ahead bounds the elements that are allocated before any is read.
const ahead = 1 << 12

func (p *plan) readList(dst reflect.Value, b []byte, n int) ([]byte, *ValueError) {
	s := reflect.MakeSlice(p.typ, min(n, ahead), min(n, ahead))
	for i := range n {
		if i == s.Len() {
			s = reflect.Append(s, reflect.Zero(p.typ.Elem()))
		}
		var err *ValueError
		if b, err = p.elem.read(s.Index(i), b); err != nil {
			return nil, err.within(fmt.Sprintf("[%d]", i))
		}
	}
	dst.Set(s)
	return b, nil
}

func (p *plan) readElements(dst reflect.Value, b []byte) (_ []byte, err *ValueError) {
	for i := range dst.Len() {
		if b, err = p.elem.read(dst.Index(i), b); err != nil {
			return nil, err.within(fmt.Sprintf("[%d]", i))
		}
	}
	return b, nil
}

func (p *plan) readMap(dst reflect.Value, b []byte, n int) (_ []byte, err *ValueError) {
	m := reflect.MakeMap(p.typ)
	for range n {
		k, v := reflect.New(p.typ.Key()).Elem(), reflect.New(p.typ.Elem()).Elem()
		if b, err = p.key.read(k, b); err != nil {
			return nil, err.within("{key}")
		}
		if b, err = p.elem.read(v, b); err != nil {
			return nil, err.within(fmt.Sprintf("{%v}", k))
		}
		m.SetMapIndex(k, v)
	}
	if m.Len() != n {
		return nil, p.mismatch("map with two keys that are one to the type", nil)
	}
	dst.Set(m)
	return b, nil
}

func (p *plan) readStruct(dst reflect.Value, b []byte, n int) (_ []byte, err *ValueError) {
	start, renamed := b, false
	for range n {
		size, rest, _ := readCount(b)
		i, known := p.byName[string(rest[:size])]
		if !known || p.fields[i].name != string(rest[:size]) {
			renamed = renamed || known
			b, _ = skipFull(rest[size:], 0)
			continue
		}
		f := &p.fields[i]
		if b, err = f.read(f.in(dst), rest[size:]); err != nil {
			return nil, err.within(f.path)
		}
	}
	if renamed {
		err = p.readRenamed(dst, start, n)
	}
	return b, err
}

// readRenamed sets the fields that are stored under an earlier name only.
func (p *plan) readRenamed(dst reflect.Value, b []byte, n int) *ValueError {
	for i := range p.fields {
		f := &p.fields[i]
		if stored := f.stored(b, n); stored != nil && string(stored.name) != f.name {
			if _, err := f.read(f.in(dst), stored.full); err != nil {
				return err.within(f.path)
			}
		}
	}
	return nil
}

// A member is a stored field of a struct.
type member struct{ name, full []byte }

// stored returns what a field reads among n stored ones: that of its name, else
// that of the first of its earlier names.
func (f *planField) stored(b []byte, n int) *member {
	var found *member
	best := len(f.was)
	for range n {
		var m member
		m, b = nextMember(b)
		if string(m.name) == f.name {
			return &m
		}
		if i := slices.Index(f.was, string(m.name)); i >= 0 && i < best {
			best, found = i, &m
		}
	}
	return found
}

// nextMember returns the first of the stored fields b, and the rest.
func nextMember(b []byte) (m member, rest []byte) {
	size, b, _ := readCount(b)
	rest, _ = skipFull(b[size:], 0)
	return member{b[:size], b[size : len(b)-len(rest)]}, rest
}
