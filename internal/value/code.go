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

// Append appends the canonical bytes of v, which do not say where they end:
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
//	any              see [AppendDocument]
//
// The bytes of scalars and times sort as the values do, NaN below all numbers.
func (s *Type) Append(b []byte, v reflect.Value) ([]byte, error) {
	switch s.Kind {
	case KindBool:
		return append(b, Bit(v.Bool())), nil
	case KindInt:
		return appendInt(b, v.Int()), nil
	case KindUint:
		return AppendUint(b, v.Uint()), nil
	case KindFloat:
		return AppendFloat(b, v.Float()), nil
	case KindComplex:
		return AppendFloat(AppendFloat(b, real(v.Complex())), imag(v.Complex())), nil
	case KindString:
		return append(b, v.String()...), nil
	case KindTime:
		t := Wall(Addressable(v))
		return binary.BigEndian.AppendUint32(appendInt(b, t.Unix()), uint32(t.Nanosecond())), nil
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
	default:
	}
	if v.IsNil() {
		return b, nil
	}
	b = append(b, 1)
	switch s.Kind {
	case KindBytes:
		return append(b, v.Bytes()...), nil
	case KindPointer:
		return s.Elem.Append(b, v.Elem())
	case KindSlice:
		return s.appendElements(b, v)
	default:
		return s.appendEntries(b, v)
	}
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

// absent reports whether a struct leaves v out of its bytes. That is decided
// by the bits, since −0 is a value.
func (s *Type) absent(v reflect.Value) bool {
	switch s.Kind {
	case KindTime:
		return Wall(Addressable(v)).IsZero()
	default:
		return v.IsZero() && !s.Negative(v)
	}
}

// Negative reports whether v, which is zero for [reflect.Value.IsZero], holds −0.
func (s *Type) Negative(v reflect.Value) bool {
	switch s.Kind {
	case KindFloat:
		return math.Signbit(v.Float())
	case KindComplex:
		return math.Signbit(real(v.Complex())) || math.Signbit(imag(v.Complex()))
	case KindArray:
		if s.Elem.Kind <= KindUint {
			return false
		}
		for i := range v.Len() {
			if s.Elem.Negative(v.Index(i)) {
				return true
			}
		}
	case KindStruct:
		return slices.ContainsFunc(s.fields, func(f Field) bool { return f.Type.Negative(v.Field(f.index)) })
	default:
	}
	return false
}

func (s *Type) appendEntries(b []byte, v reflect.Value) ([]byte, error) {
	type entry struct{ key, value []byte }
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		k, err := s.key.Append(nil, it.Key())
		if err != nil {
			return b, err
		}
		e, err := s.Elem.Append(nil, it.Value())
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
	default:
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
	case KindSlice:
		return s.readSlice(dst, p, depth)
	default:
		return s.readMap(dst, p, depth)
	}
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
			return cmp.Or(err, errCanonical)
		}
		dst.SetInt(v)
	case KindUint:
		neg, mag, rest, err := ReadInt(p)
		if err != nil || len(rest) > 0 || neg || dst.OverflowUint(mag) {
			return cmp.Or(err, errCanonical)
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
	default:
		neg, mag, rest, err := ReadInt(p)
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

func (s *Type) readSlice(dst reflect.Value, p []byte, depth int) error {
	dst.Set(reflect.MakeSlice(s.Go, 0, 0))
	for r := wire.NewReader(p); r.Len() > 0; {
		part := r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		v := reflect.New(s.Go.Elem()).Elem()
		if err := s.Elem.Read(v, part, depth+1); err != nil {
			return err
		}
		dst.Set(reflect.Append(dst, v))
	}
	return nil
}

func (s *Type) readMap(dst reflect.Value, p []byte, depth int) error {
	dst.Set(reflect.MakeMap(s.Go))
	for r := wire.NewReader(p); r.Len() > 0; {
		k, e := r.Bytes(), r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		key, v := reflect.New(s.Go.Key()).Elem(), reflect.New(s.Go.Elem()).Elem()
		if err := s.key.Read(key, k, depth+1); err != nil {
			return err
		}
		if err := s.Elem.Read(v, e, depth+1); err != nil {
			return err
		}
		dst.SetMapIndex(key, v)
	}
	return nil
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
