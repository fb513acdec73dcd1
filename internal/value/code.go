package value

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

// MaxDepth bounds how deep recursive values and documents may nest.
const MaxDepth = 1000

var (
	// ErrDeep is about a value that is nested too deep.
	ErrDeep      = fmt.Errorf("nested deeper than %d levels", MaxDepth)
	errCanonical = errors.New("value is not in its canonical form")
)

// Codable returns an error that names the part of s that has no canonical
// bytes, or nil.
func (s *Type) Codable() error { return s.codableWithin(map[*Type]bool{}) }

func (s *Type) codableWithin(seen map[*Type]bool) error {
	if s == nil || seen[s] {
		return nil
	}
	seen[s] = true
	if s.Kind == KindRaw {
		return fmt.Errorf("%v has unexported fields and no binary, text or JSON form", s.Go)
	}
	for i := range s.fields {
		if err := s.fields[i].Type.codableWithin(seen); err != nil {
			return err
		}
	}
	return cmp.Or(s.key.codableWithin(seen), s.Elem.codableWithin(seen))
}

// Append appends the canonical bytes of v, a key, an element, or a value without parts,
// which do not say where they end:
//
//	bool             1 byte, 0 or 1
//	integer          1 byte 0x80+n or 0x7f−n, then n bytes of |v| or ^(|v|−1), big-endian
//	float            8 bytes, IEEE 754 bits; ordered as the numbers are; no −0, and one NaN
//	complex          two floats
//	string           its bytes
//	time.Time        seconds as an integer, 4 bytes of nanoseconds; unless 0, seconds east of UTC as an integer
//	[]byte           nothing if nil; else 1, then its bytes
//	pointer          nothing if nil; else 1, then what it points to
//	array            each element with its length
//	struct           name and value with their lengths of each field that is not zero, by name
//	marshaler        what it marshals to
//	codec            nothing if zero; else 1, then what it encodes to
//	any              see [AppendDocument]
//
// The bytes of scalars and times sort as the values do, NaN below all numbers.
func (s *Type) Append(b []byte, v reflect.Value) ([]byte, error) {
	if b, ok := s.appendScalar(b, v); ok {
		return b, nil
	}
	switch s.Kind {
	case KindComplex:
		return appendContentFloat(appendContentFloat(b, real(v.Complex())), imag(v.Complex())), nil
	case KindString:
		return append(b, v.String()...), nil
	case KindTime:
		return appendZoned(b, Wall(v))
	case KindArray:
		return s.appendElements(b, v)
	case KindStruct:
		return s.appendFields(b, v)
	case KindDocument:
		return AppendDocument(b, Document(v)), nil
	case KindOpaque:
		p, err := s.marshal(v)
		return append(b, p...), err
	case KindRaw:
		return b, s.Codable()
	case KindBytes, KindPointer, KindSlice, KindMap: // may be nil
	case KindBool, KindInt, KindUint, KindFloat: // are scalars
	}
	switch {
	case v.IsNil():
		return b, nil
	case s.Kind == KindBytes:
		return append(append(b, 1), v.Bytes()...), nil
	case s.Kind == KindPointer:
		return s.Elem.Append(append(b, 1), v.Elem())
	}
	return b, errWhole
}

// errWhole is about a value that a [Leaf] encodes.
var errWhole = errors.New("a list or a map is content")

// appendZoned appends t so that bytes sort as instants do.
func appendZoned(b []byte, t time.Time) ([]byte, error) {
	_, offset := t.Zone()
	if offset >= maxOffset || offset <= -maxOffset {
		return b, fmt.Errorf("%d seconds east of UTC", offset)
	}
	b = binary.BigEndian.AppendUint32(appendInt(b, t.Unix()), uint32(t.Nanosecond()))
	if offset != 0 {
		b = appendInt(b, int64(offset))
	}
	return b, nil
}

// Bit returns 1 for true and 0 for false.
func Bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// appendPart appends the bytes of v with their length in front.
func (s *Type) appendPart(b []byte, v reflect.Value) ([]byte, error) {
	p, err := s.Append(nil, v)
	return wire.AppendBytes(b, p), err
}

func (s *Type) appendElements(b []byte, v reflect.Value) (_ []byte, err error) {
	for i := range v.Len() {
		if b, err = s.Elem.appendPart(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (s *Type) appendFields(b []byte, v reflect.Value) (_ []byte, err error) {
	for _, i := range s.named {
		f := &s.fields[i]
		fv := v.Field(f.index)
		if f.Type.absent(fv) {
			continue
		}
		b = wire.AppendBytes(b, f.name)
		if b, err = f.Type.appendPart(b, fv); err != nil {
			return b, err
		}
	}
	return b, nil
}

// absent reports whether a struct leaves v out of its bytes.
func (s *Type) absent(v reflect.Value) bool {
	if s.Kind == KindTime {
		return Wall(v).IsZero()
	}
	return v.IsZero()
}

// Decode sets dst, which must be zero, to the value that p encodes. It takes
// nothing but the bytes that [Type.Append] writes.
func (s *Type) Decode(dst reflect.Value, p []byte) error {
	if err := s.Read(dst, p, 0); err != nil {
		return err
	}
	q, err := s.Append(make([]byte, 0, len(p)), dst)
	if err != nil {
		return err
	}
	if !bytes.Equal(p, q) {
		return errCanonical
	}
	return nil
}

// Read is decode for any bytes that make sense, canonical or not.
func (s *Type) Read(dst reflect.Value, p []byte, depth int) error {
	if depth > MaxDepth {
		return ErrDeep
	}
	switch s.Kind {
	case KindBool, KindInt, KindUint, KindFloat, KindComplex, KindString, KindTime:
		return s.readScalar(dst, p)
	case KindArray:
		return s.readArray(dst, p, depth)
	case KindStruct:
		return s.readFields(dst, p, depth)
	case KindOpaque:
		return s.unmarshal(dst, bytes.Clone(p))
	case KindRaw:
		return s.Codable()
	case KindDocument:
		x, err := decodeDocument(p)
		if err == nil {
			SetDocument(dst, x)
		}
		return err
	case KindBytes, KindPointer, KindSlice, KindMap: // may be nil
	}
	switch {
	case len(p) == 0:
		return nil
	case p[0] != 1:
		return errCanonical
	}
	p = p[1:]
	switch s.Kind {
	case KindBytes:
		dst.SetBytes(append(make([]byte, 0, len(p)), p...))
		return nil
	case KindPointer:
		v := reflect.New(s.Go.Elem())
		dst.Set(v)
		return s.Elem.Read(v.Elem(), p, depth+1)
	case KindBool, KindInt, KindUint, KindFloat, KindComplex, KindString, KindTime, KindSlice, KindArray, KindMap, KindStruct, KindRaw, KindOpaque,
		KindDocument:
	}
	return errWhole
}

func (s *Type) readScalar(dst reflect.Value, p []byte) error {
	switch s.Kind {
	case KindBool:
		if len(p) != 1 {
			return errCanonical
		}
		dst.SetBool(p[0] == 1)
	case KindInt:
		neg, mag, rest, err := ReadInt(p)
		v := int64(mag)
		if neg {
			v = ^v
		}
		if err != nil || len(rest) > 0 || mag > math.MaxInt64 || dst.OverflowInt(v) {
			return errCanonical
		}
		dst.SetInt(v)
	case KindUint:
		neg, mag, rest, err := ReadInt(p)
		if err != nil || len(rest) > 0 || neg || dst.OverflowUint(mag) {
			return errCanonical
		}
		dst.SetUint(mag)
	case KindFloat:
		if len(p) != 8 {
			return errCanonical
		}
		dst.SetFloat(ReadFloat(p))
	case KindComplex:
		if len(p) != 16 {
			return errCanonical
		}
		dst.SetComplex(complex(ReadFloat(p), ReadFloat(p[8:])))
	case KindString:
		dst.SetString(string(p))
	case KindTime:
		t, err := readZoned(p)
		if err != nil {
			return err
		}
		*dst.Addr().Interface().(*time.Time) = t
	case KindBytes, KindSlice, KindArray, KindMap, KindPointer, KindStruct, KindRaw, KindOpaque, KindDocument: // are no scalars
	}
	return nil
}

func (s *Type) readArray(dst reflect.Value, p []byte, depth int) error {
	r := wire.NewReader(p)
	for i := range dst.Len() {
		part := r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		if err := s.Elem.Read(dst.Index(i), part, depth+1); err != nil {
			return err
		}
	}
	return r.Close()
}

func readZoned(p []byte) (time.Time, error) {
	_, _, rest, err := ReadInt(p)
	if err != nil {
		return time.Time{}, err
	}
	var buf [24]byte
	if len(rest) == 4 {
		p = appendInt(append(buf[:0], p...), 0)
	}
	t, rest, err := readTime(p)
	if err == nil && len(rest) > 0 {
		err = errCanonical
	}
	return t, err
}

func (s *Type) readFields(dst reflect.Value, p []byte, depth int) error {
	for r := wire.NewReader(p); r.Len() > 0; {
		name, part := r.Bytes(), r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		i := slices.IndexFunc(s.fields, func(f Field) bool { return f.name == string(name) })
		if i < 0 {
			return fmt.Errorf("%v has no field %q", s.Go, name)
		}
		f := &s.fields[i]
		if err := f.Type.Read(dst.Field(f.index), part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// sortNames fills s.named.
func (s *Type) sortNames() {
	s.named = make([]int, len(s.fields))
	for i := range s.named {
		s.named[i] = i
	}
	slices.SortFunc(s.named, func(i, j int) int { return cmp.Compare(s.fields[i].name, s.fields[j].name) })
}
