package value

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"time"
)

// Addressable returns v, or a copy of it that methods with pointer receivers
// can be called on.
func Addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	p := reflect.New(v.Type()).Elem()
	p.Set(v)
	return p
}

// Wall returns the time that v, a time.Time, holds, without its monotonic
// reading: readings of different machines do not compare.
func Wall(v reflect.Value) time.Time { return timeIn(v).Round(0) }

func timeIn(v reflect.Value) time.Time { return typed[time.Time](v) }

// Same reports whether a and b are the same value. Floats are compared by
// their bits, so that NaN is not for ever different from itself; times by
// their instant; numbers in documents by their value. A nil and an empty
// slice or map are two values.
func (s *Type) Same(a, b reflect.Value) bool {
	if s.quick != nil {
		return s.quick.same(a, b)
	}
	switch s.Kind {
	case KindString:
		return a.String() == b.String()
	case KindInt:
		return a.Int() == b.Int()
	case KindUint:
		return a.Uint() == b.Uint()
	case KindBool:
		return a.Bool() == b.Bool()
	case KindFloat:
		return SameFloat(a.Float(), b.Float())
	case KindComplex:
		x, y := a.Complex(), b.Complex()
		return math.Float64bits(real(x)) == math.Float64bits(real(y)) && math.Float64bits(imag(x)) == math.Float64bits(imag(y))
	case KindBytes:
		return a.IsNil() == b.IsNil() && bytes.Equal(a.Bytes(), b.Bytes())
	case KindTime:
		return Wall(a).Equal(Wall(b))
	case KindPointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return a.UnsafePointer() == b.UnsafePointer() || s.Elem.Same(a.Elem(), b.Elem())
	case KindSlice, KindArray:
		return s.sameElements(a, b)
	case KindMap:
		return s.sameEntries(a, b)
	case KindStruct, KindRaw:
		for i := range s.fields {
			f := &s.fields[i]
			if !f.Type.Same(a.Field(f.index), b.Field(f.index)) {
				return false
			}
		}
		return true
	case KindDocument:
		return SameDocument(Document(a), Document(b))
	case KindOpaque:
	}
	return s.sameOpaque(Addressable(a), Addressable(b))
}

// SameFloat reports whether a and b are one value: whether they have the same bits.
func SameFloat(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

func (s *Type) sameElements(a, b reflect.Value) bool {
	if s.Kind == KindSlice && a.IsNil() != b.IsNil() || a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !s.Elem.Same(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

func (s *Type) sameEntries(a, b reflect.Value) bool {
	if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
		return false
	}
	for it := a.MapRange(); it.Next(); {
		v := b.MapIndex(it.Key())
		if !v.IsValid() || !s.Elem.Same(it.Value(), v) {
			return false
		}
	}
	return true
}

func (s *Type) sameOpaque(a, b reflect.Value) bool {
	switch {
	case s.codec != nil:
		return bytes.Equal(s.opaqueBytes(a), s.opaqueBytes(b))
	case s.Go.Comparable() && a.Equal(b):
		return true
	case s.equal >= 0:
		return a.Addr().Method(s.equal).Call([]reflect.Value{b})[0].Bool()
	}
	return bytes.Equal(s.opaqueBytes(a), s.opaqueBytes(b))
}

// opaqueBytes returns the bytes of an opaque value for comparison. A value
// that does not marshal stands for its error.
func (s *Type) opaqueBytes(v reflect.Value) []byte {
	p, err := s.marshal(v)
	if err != nil {
		return []byte("\xff" + err.Error())
	}
	return p
}

func (s *Type) marshal(v reflect.Value) ([]byte, error) {
	if s.codec != nil {
		if v.IsZero() {
			return nil, nil
		}
		p, err := s.codec.Encode(v)
		return append([]byte{1}, p...), err
	}
	x := Addressable(v).Addr().Interface()
	switch s.form {
	case formBinary:
		return x.(encoding.BinaryMarshaler).MarshalBinary()
	case formText:
		return x.(encoding.TextMarshaler).MarshalText()
	case formNone, formJSON:
	}
	return x.(json.Marshaler).MarshalJSON()
}

func (s *Type) unmarshal(dst reflect.Value, p []byte) error {
	switch {
	case s.codec == nil:
	case len(p) == 0:
		return nil
	case p[0] != 1:
		return errCanonical
	default:
		return s.codec.Decode(p[1:], dst)
	}
	x := dst.Addr().Interface()
	switch s.form {
	case formBinary:
		return x.(encoding.BinaryUnmarshaler).UnmarshalBinary(p)
	case formText:
		return x.(encoding.TextUnmarshaler).UnmarshalText(p)
	case formNone, formJSON:
	}
	return x.(json.Unmarshaler).UnmarshalJSON(p)
}

// Compare orders all values of the type. It returns 0 only for values that
// cannot be told apart by [Type.Same] or by what a reader of the result sees:
// equal instants are ordered by zone, equal numbers of a document by type.
func (s *Type) Compare(a, b reflect.Value) int {
	switch s.Kind {
	case KindString:
		return cmp.Compare(a.String(), b.String())
	case KindInt:
		return cmp.Compare(a.Int(), b.Int())
	case KindUint:
		return cmp.Compare(a.Uint(), b.Uint())
	case KindBool:
		return CompareBool(a.Bool(), b.Bool())
	case KindFloat:
		return compareFloat(a.Float(), b.Float())
	case KindComplex:
		x, y := a.Complex(), b.Complex()
		return cmp.Or(compareFloat(real(x), real(y)), compareFloat(imag(x), imag(y)))
	case KindTime:
		return compareTime(Wall(a), Wall(b))
	case KindBytes:
		return cmp.Or(-CompareBool(a.IsNil(), b.IsNil()), bytes.Compare(a.Bytes(), b.Bytes()))
	case KindPointer:
		if a.IsNil() || b.IsNil() {
			return -CompareBool(a.IsNil(), b.IsNil())
		}
		return s.Elem.Compare(a.Elem(), b.Elem())
	case KindSlice, KindArray:
		return s.compareElements(a, b)
	case KindMap:
		return s.compareEntries(a, b)
	case KindStruct, KindRaw:
		for i := range s.fields {
			f := &s.fields[i]
			if c := f.Type.Compare(a.Field(f.index), b.Field(f.index)); c != 0 {
				return c
			}
		}
		return 0
	case KindDocument:
		return CompareDocument(Document(a), Document(b))
	case KindOpaque:
	}
	return bytes.Compare(s.opaqueBytes(a), s.opaqueBytes(b))
}

func (s *Type) compareElements(a, b reflect.Value) int {
	if s.Kind == KindSlice && a.IsNil() != b.IsNil() {
		return -CompareBool(a.IsNil(), b.IsNil())
	}
	for i := range min(a.Len(), b.Len()) {
		if c := s.Elem.Compare(a.Index(i), b.Index(i)); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.Len(), b.Len())
}

func (s *Type) compareEntries(a, b reflect.Value) int {
	if a.IsNil() != b.IsNil() {
		return -CompareBool(a.IsNil(), b.IsNil())
	}
	ka, kb := s.key.Sorted(a.MapKeys()), s.key.Sorted(b.MapKeys())
	for i := range min(len(ka), len(kb)) {
		if c := s.key.Compare(ka[i], kb[i]); c != 0 {
			return c
		}
		if c := s.Elem.Compare(a.MapIndex(ka[i]), b.MapIndex(kb[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(ka), len(kb))
}

// Sorted sorts vs by Compare and returns them.
func (s *Type) Sorted(vs []reflect.Value) []reflect.Value {
	slices.SortFunc(vs, s.Compare)
	return vs
}

// CompareBool orders false before true, as [cmp.Compare] does.
func CompareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareFloat is [cmp.Compare], NaN below all numbers, and among values it
// holds equal the order of their bits.
func compareFloat(a, b float64) int {
	return cmp.Or(cmp.Compare(a, b), cmp.Compare(int64(math.Float64bits(a)), int64(math.Float64bits(b))))
}

// compareTime orders by instant, then by the zone in force.
func compareTime(a, b time.Time) int {
	if c := a.Compare(b); c != 0 {
		return c
	}
	an, ao := a.Zone()
	bn, bo := b.Zone()
	return cmp.Or(cmp.Compare(ao, bo), cmp.Compare(an, bn), cmp.Compare(a.Location().String(), b.Location().String()))
}

// IsZero reports whether v is what a field holds that nobody has set: the zero
// value, or a list or map without entries, or the zero instant.
func (s *Type) IsZero(v reflect.Value) bool {
	switch s.Kind {
	case KindTime:
		return Wall(v).IsZero()
	case KindBytes, KindSlice, KindMap:
		return v.Len() == 0
	case KindFloat:
		return v.Float() == 0
	case KindDocument:
		return ZeroDocument(Document(v))
	case KindBool, KindInt, KindUint, KindComplex, KindString, KindArray, KindPointer, KindStruct, KindRaw, KindOpaque:
	}
	return v.IsZero()
}

// Fill makes dst a copy of src that shares no memory with it. Times lose their
// monotonic reading.
func (s *Type) Fill(dst, src reflect.Value) {
	if s.Flat {
		dst.Set(src)
		return
	}
	if s.quick != nil {
		s.quick.fill(dst.Addr().Interface(), src)
		return
	}
	switch s.Kind {
	case KindTime:
		dst.Set(src)
		Strip(dst)
	case KindBytes:
		if src.IsNil() {
			dst.SetZero()
			return
		}
		dst.SetBytes(bytes.Clone(src.Bytes()))
	case KindSlice:
		s.fillSlice(dst, src)
	case KindArray:
		for i := range src.Len() {
			s.Elem.Fill(dst.Index(i), src.Index(i))
		}
	case KindMap:
		s.fillMap(dst, src)
	case KindPointer:
		if src.IsNil() {
			dst.SetZero()
			return
		}
		p := reflect.New(s.Go.Elem())
		s.Elem.Fill(p.Elem(), src.Elem())
		dst.Set(p)
	case KindStruct, KindRaw:
		for i := range s.fields {
			f := &s.fields[i]
			f.Type.Fill(dst.Field(f.index), src.Field(f.index))
		}
	case KindDocument:
		SetDocument(dst, CopyDocument(Document(src)))
	case KindOpaque:
		s.fillOpaque(dst, Addressable(src))
	case KindBool, KindInt, KindUint, KindFloat, KindComplex, KindString: // are flat
	}
}

func (s *Type) fillSlice(dst, src reflect.Value) {
	if src.IsNil() {
		dst.SetZero()
		return
	}
	n := src.Len()
	if n == 0 {
		dst.Set(reflect.MakeSlice(s.Go, 0, 0))
		return
	}
	dst.SetZero()
	dst.Grow(n)
	dst.SetLen(n)
	if s.Elem.Flat {
		reflect.Copy(dst, src)
		return
	}
	for i := range n {
		s.Elem.Fill(dst.Index(i), src.Index(i))
	}
}

func (s *Type) fillMap(dst, src reflect.Value) {
	if src.IsNil() {
		dst.SetZero()
		return
	}
	out := reflect.MakeMapWithSize(s.Go, src.Len())
	v := reflect.New(s.Go.Elem()).Elem()
	for it := src.MapRange(); it.Next(); {
		s.Elem.Fill(v, Addressable(it.Value()))
		out.SetMapIndex(it.Key(), v)
	}
	dst.Set(out)
}

// fillOpaque copies a value whose memory the package cannot see into: by its
// own Clone, else through its bytes. A value that does not survive its own
// marshaler is assigned as it is.
func (s *Type) fillOpaque(dst, src reflect.Value) {
	if s.clone >= 0 {
		dst.Set(src.Addr().Method(s.clone).Call(nil)[0])
		return
	}
	p, err := s.marshal(src)
	if err == nil {
		fresh := reflect.New(s.Go).Elem()
		if s.unmarshal(fresh, p) == nil {
			dst.Set(fresh)
			return
		}
	}
	dst.Set(src)
}

// Strip removes the monotonic reading from the time in v.
func Strip(v reflect.Value) {
	t := v.Addr().Interface().(*time.Time)
	if plain := t.Round(0); plain != *t {
		*t = plain
	}
}
