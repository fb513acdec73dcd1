package merge

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// maxDepth bounds how deep recursive values and documents may nest.
const maxDepth = 1000

var (
	errDeep      = fmt.Errorf("nested deeper than %d levels", maxDepth)
	errCanonical = errors.New("value is not in its canonical form")
)

// codable returns an error that names the part of s that has no canonical
// bytes, or nil.
func (s *shape) codable() error { return s.codableWithin(map[*shape]bool{}) }

func (s *shape) codableWithin(seen map[*shape]bool) error {
	if s == nil || seen[s] {
		return nil
	}
	seen[s] = true
	if s.kind == kindRaw {
		return fmt.Errorf("%v has unexported fields and no binary, text or JSON form", s.typ)
	}
	for i := range s.fields {
		if err := s.fields[i].shape.codableWithin(seen); err != nil {
			return err
		}
	}
	return cmp.Or(s.key.codableWithin(seen), s.elem.codableWithin(seen))
}

// append appends the canonical bytes of v, which do not say where they end:
//
//	bool             1 byte, 0 or 1
//	integer          1 byte 0x80+n or 0x7f−n, then n bytes of |v| or ^(|v|−1), big-endian
//	float            8 bytes, IEEE 754 bits; ordered as the numbers are
//	complex          two floats
//	string           its bytes
//	time.Time        seconds as an integer, 4 bytes of nanoseconds; the zone is dropped
//	[]byte           nothing if nil; else 1, then its bytes
//	pointer          nothing if nil; else 1, then what it points to
//	slice            nothing if nil; else 1, then each element with its length
//	array            each element with its length
//	map              nothing if nil; else 1, then keys and values with their lengths, by key bytes
//	struct           name and value with their lengths of each field that is not zero, by name
//	marshaler        what it marshals to
//	any              see appendDocument
//
// The bytes of scalars and times sort as the values do, NaN below all numbers.
func (s *shape) append(b []byte, v reflect.Value) ([]byte, error) {
	switch s.kind {
	case kindBool:
		return append(b, bit(v.Bool())), nil
	case kindInt:
		return appendInt(b, v.Int()), nil
	case kindUint:
		return appendUint(b, v.Uint()), nil
	case kindFloat:
		return appendFloat(b, v.Float()), nil
	case kindComplex:
		return appendFloat(appendFloat(b, real(v.Complex())), imag(v.Complex())), nil
	case kindString:
		return append(b, v.String()...), nil
	case kindTime:
		t := wall(addressable(v))
		return binary.BigEndian.AppendUint32(appendInt(b, t.Unix()), uint32(t.Nanosecond())), nil
	case kindArray:
		return s.appendElements(b, v)
	case kindStruct:
		return s.appendFields(b, v)
	case kindDocument:
		return appendDocument(b, document(v)), nil
	case kindOpaque:
		p, err := s.marshal(v)
		return append(b, p...), err
	case kindRaw:
		return b, s.codable()
	default:
	}
	if v.IsNil() {
		return b, nil
	}
	b = append(b, 1)
	switch s.kind {
	case kindBytes:
		return append(b, v.Bytes()...), nil
	case kindPointer:
		return s.elem.append(b, v.Elem())
	case kindSlice:
		return s.appendElements(b, v)
	default:
		return s.appendEntries(b, v)
	}
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// appendPart appends the bytes of v with their length in front.
func (s *shape) appendPart(b []byte, v reflect.Value) ([]byte, error) {
	p, err := s.append(nil, v)
	return wire.AppendBytes(b, p), err
}

func (s *shape) appendElements(b []byte, v reflect.Value) (_ []byte, err error) {
	for i := range v.Len() {
		if b, err = s.elem.appendPart(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (s *shape) appendFields(b []byte, v reflect.Value) (_ []byte, err error) {
	for _, i := range s.named {
		f := &s.fields[i]
		fv := v.Field(f.index)
		if f.shape.absent(fv) {
			continue
		}
		b = wire.AppendBytes(b, f.name)
		if b, err = f.shape.appendPart(b, fv); err != nil {
			return b, err
		}
	}
	return b, nil
}

// absent reports whether a struct leaves v out of its bytes. That is decided
// by the bits, since −0 is a value.
func (s *shape) absent(v reflect.Value) bool {
	switch s.kind {
	case kindTime:
		return wall(addressable(v)).IsZero()
	default:
		return v.IsZero() && !s.negative(v)
	}
}

// negative reports whether v, which is zero for [reflect.Value.IsZero], holds −0.
func (s *shape) negative(v reflect.Value) bool {
	switch s.kind {
	case kindFloat:
		return math.Signbit(v.Float())
	case kindComplex:
		return math.Signbit(real(v.Complex())) || math.Signbit(imag(v.Complex()))
	case kindArray:
		if s.elem.kind <= kindUint {
			return false
		}
		for i := range v.Len() {
			if s.elem.negative(v.Index(i)) {
				return true
			}
		}
	case kindStruct:
		return slices.ContainsFunc(s.fields, func(f shapeField) bool { return f.shape.negative(v.Field(f.index)) })
	default:
	}
	return false
}

func (s *shape) appendEntries(b []byte, v reflect.Value) ([]byte, error) {
	type entry struct{ key, value []byte }
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		k, err := s.key.append(nil, it.Key())
		if err != nil {
			return b, err
		}
		e, err := s.elem.append(nil, it.Value())
		if err != nil {
			return b, err
		}
		entries = append(entries, entry{k, e})
	}
	slices.SortFunc(entries, func(x, y entry) int { return bytes.Compare(x.key, y.key) })
	for _, e := range entries {
		b = wire.AppendBytes(wire.AppendBytes(b, e.key), e.value)
	}
	return b, nil
}

// decode sets dst, which must be zero, to the value that p encodes. It takes
// nothing but the bytes that [shape.append] writes.
func (s *shape) decode(dst reflect.Value, p []byte) error {
	if err := s.read(dst, p, 0); err != nil {
		return err
	}
	q, err := s.append(make([]byte, 0, len(p)), dst)
	if err != nil {
		return err
	}
	if !bytes.Equal(p, q) {
		return errCanonical
	}
	return nil
}

// read is decode for any bytes that make sense, canonical or not.
func (s *shape) read(dst reflect.Value, p []byte, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	switch s.kind {
	case kindBool, kindInt, kindUint, kindFloat, kindComplex, kindString, kindTime:
		return s.readScalar(dst, p)
	case kindArray:
		return s.readArray(dst, p, depth)
	case kindStruct:
		return s.readFields(dst, p, depth)
	case kindOpaque:
		return s.unmarshal(dst, bytes.Clone(p))
	case kindRaw:
		return s.codable()
	case kindDocument:
		x, err := decodeDocument(p)
		if err == nil {
			setDocument(dst, x)
		}
		return err
	default:
	}
	switch {
	case len(p) == 0:
		return nil
	case p[0] != 1:
		return errCanonical
	}
	p = p[1:]
	switch s.kind {
	case kindBytes:
		dst.SetBytes(append(make([]byte, 0, len(p)), p...))
		return nil
	case kindPointer:
		v := reflect.New(s.typ.Elem())
		dst.Set(v)
		return s.elem.read(v.Elem(), p, depth+1)
	case kindSlice:
		return s.readSlice(dst, p, depth)
	default:
		return s.readMap(dst, p, depth)
	}
}

func (s *shape) readScalar(dst reflect.Value, p []byte) error {
	switch s.kind {
	case kindBool:
		if len(p) != 1 {
			return errCanonical
		}
		dst.SetBool(p[0] == 1)
	case kindInt:
		neg, mag, rest, err := readInt(p)
		v := int64(mag)
		if neg {
			v = ^v
		}
		if err != nil || len(rest) > 0 || mag > math.MaxInt64 || dst.OverflowInt(v) {
			return cmp.Or(err, errCanonical)
		}
		dst.SetInt(v)
	case kindUint:
		neg, mag, rest, err := readInt(p)
		if err != nil || len(rest) > 0 || neg || dst.OverflowUint(mag) {
			return cmp.Or(err, errCanonical)
		}
		dst.SetUint(mag)
	case kindFloat:
		if len(p) != 8 {
			return errCanonical
		}
		dst.SetFloat(readFloat(p))
	case kindComplex:
		if len(p) != 16 {
			return errCanonical
		}
		dst.SetComplex(complex(readFloat(p), readFloat(p[8:])))
	case kindString:
		dst.SetString(string(p))
	default:
		neg, mag, rest, err := readInt(p)
		if err != nil || len(rest) != 4 || mag > math.MaxInt64 {
			return cmp.Or(err, errCanonical)
		}
		sec := int64(mag)
		if neg {
			sec = ^sec
		}
		*dst.Addr().Interface().(*time.Time) = time.Unix(sec, int64(binary.BigEndian.Uint32(rest))).UTC()
	}
	return nil
}

func (s *shape) readArray(dst reflect.Value, p []byte, depth int) error {
	r := wire.NewReader(p)
	for i := range dst.Len() {
		part := r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		if err := s.elem.read(dst.Index(i), part, depth+1); err != nil {
			return err
		}
	}
	return r.Close()
}

func (s *shape) readSlice(dst reflect.Value, p []byte, depth int) error {
	dst.Set(reflect.MakeSlice(s.typ, 0, 0))
	for r := wire.NewReader(p); r.Len() > 0; {
		part := r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		v := reflect.New(s.typ.Elem()).Elem()
		if err := s.elem.read(v, part, depth+1); err != nil {
			return err
		}
		dst.Set(reflect.Append(dst, v))
	}
	return nil
}

func (s *shape) readMap(dst reflect.Value, p []byte, depth int) error {
	dst.Set(reflect.MakeMap(s.typ))
	for r := wire.NewReader(p); r.Len() > 0; {
		k, e := r.Bytes(), r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		key, v := reflect.New(s.typ.Key()).Elem(), reflect.New(s.typ.Elem()).Elem()
		if err := s.key.read(key, k, depth+1); err != nil {
			return err
		}
		if err := s.elem.read(v, e, depth+1); err != nil {
			return err
		}
		dst.SetMapIndex(key, v)
	}
	return nil
}

func (s *shape) readFields(dst reflect.Value, p []byte, depth int) error {
	for r := wire.NewReader(p); r.Len() > 0; {
		name, part := r.Bytes(), r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		i := slices.IndexFunc(s.fields, func(f shapeField) bool { return f.name == string(name) })
		if i < 0 {
			return fmt.Errorf("%v has no field %q", s.typ, name)
		}
		f := &s.fields[i]
		if err := f.shape.read(dst.Field(f.index), part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// sortNames fills s.named.
func (s *shape) sortNames() {
	s.named = make([]int, len(s.fields))
	for i := range s.named {
		s.named[i] = i
	}
	slices.SortFunc(s.named, func(i, j int) int { return cmp.Compare(s.fields[i].name, s.fields[j].name) })
}
