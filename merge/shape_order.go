package merge

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

// addressable returns v, or a copy of it that methods with pointer receivers
// can be called on.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	p := reflect.New(v.Type()).Elem()
	p.Set(v)
	return p
}

// wall returns the time that v, an addressable time.Time, holds, without its
// monotonic reading: readings of different machines do not compare.
func wall(v reflect.Value) time.Time {
	return v.Addr().Interface().(*time.Time).Round(0)
}

// same reports whether a and b are the same value. Floats are compared by
// their bits, so that NaN is not for ever different from itself; times by
// their instant; numbers in documents by their value. A nil and an empty
// slice or map are two values.
func (s *shape) same(a, b reflect.Value) bool {
	switch s.kind {
	case kindString:
		return a.String() == b.String()
	case kindInt:
		return a.Int() == b.Int()
	case kindUint:
		return a.Uint() == b.Uint()
	case kindBool:
		return a.Bool() == b.Bool()
	case kindFloat:
		return math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	case kindComplex:
		x, y := a.Complex(), b.Complex()
		return math.Float64bits(real(x)) == math.Float64bits(real(y)) && math.Float64bits(imag(x)) == math.Float64bits(imag(y))
	case kindBytes:
		return a.IsNil() == b.IsNil() && bytes.Equal(a.Bytes(), b.Bytes())
	case kindTime:
		return wall(addressable(a)).Equal(wall(addressable(b)))
	case kindPointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return a.UnsafePointer() == b.UnsafePointer() || s.elem.same(a.Elem(), b.Elem())
	case kindSlice, kindArray:
		return s.sameElements(a, b)
	case kindMap:
		return s.sameEntries(a, b)
	case kindStruct, kindRaw:
		for i := range s.fields {
			f := &s.fields[i]
			if !f.shape.same(a.Field(f.index), b.Field(f.index)) {
				return false
			}
		}
		return true
	case kindDocument:
		return sameDocument(document(a), document(b))
	default:
		return s.sameOpaque(addressable(a), addressable(b))
	}
}

func (s *shape) sameElements(a, b reflect.Value) bool {
	if s.kind == kindSlice && a.IsNil() != b.IsNil() || a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !s.elem.same(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

func (s *shape) sameEntries(a, b reflect.Value) bool {
	if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
		return false
	}
	for it := a.MapRange(); it.Next(); {
		v := b.MapIndex(it.Key())
		if !v.IsValid() || !s.elem.same(it.Value(), v) {
			return false
		}
	}
	return true
}

func (s *shape) sameOpaque(a, b reflect.Value) bool {
	switch {
	case s.typ.Comparable() && a.Equal(b):
		return true
	case s.equal >= 0:
		return a.Addr().Method(s.equal).Call([]reflect.Value{b})[0].Bool()
	}
	return bytes.Equal(s.opaqueBytes(a), s.opaqueBytes(b))
}

// opaqueBytes returns the bytes of an opaque value for comparison. A value
// that does not marshal stands for its error.
func (s *shape) opaqueBytes(v reflect.Value) []byte {
	p, err := s.marshal(v)
	if err != nil {
		return []byte("\xff" + err.Error())
	}
	return p
}

func (s *shape) marshal(v reflect.Value) ([]byte, error) {
	x := addressable(v).Addr().Interface()
	switch s.form {
	case formBinary:
		return x.(encoding.BinaryMarshaler).MarshalBinary()
	case formText:
		return x.(encoding.TextMarshaler).MarshalText()
	default:
		return x.(json.Marshaler).MarshalJSON()
	}
}

func (s *shape) unmarshal(dst reflect.Value, p []byte) error {
	x := dst.Addr().Interface()
	switch s.form {
	case formBinary:
		return x.(encoding.BinaryUnmarshaler).UnmarshalBinary(p)
	case formText:
		return x.(encoding.TextUnmarshaler).UnmarshalText(p)
	default:
		return x.(json.Unmarshaler).UnmarshalJSON(p)
	}
}

// compare orders all values of the shape. It returns 0 only for values that
// cannot be told apart by [shape.same] or by what a reader of the result sees:
// equal instants are ordered by zone, equal numbers of a document by type.
func (s *shape) compare(a, b reflect.Value) int {
	switch s.kind {
	case kindString:
		return cmp.Compare(a.String(), b.String())
	case kindInt:
		return cmp.Compare(a.Int(), b.Int())
	case kindUint:
		return cmp.Compare(a.Uint(), b.Uint())
	case kindBool:
		return compareBool(a.Bool(), b.Bool())
	case kindFloat:
		return compareFloat(a.Float(), b.Float())
	case kindComplex:
		x, y := a.Complex(), b.Complex()
		return cmp.Or(compareFloat(real(x), real(y)), compareFloat(imag(x), imag(y)))
	case kindTime:
		return compareTime(wall(addressable(a)), wall(addressable(b)))
	case kindBytes:
		return cmp.Or(-compareBool(a.IsNil(), b.IsNil()), bytes.Compare(a.Bytes(), b.Bytes()))
	case kindPointer:
		if a.IsNil() || b.IsNil() {
			return -compareBool(a.IsNil(), b.IsNil())
		}
		return s.elem.compare(a.Elem(), b.Elem())
	case kindSlice, kindArray:
		return s.compareElements(a, b)
	case kindMap:
		return s.compareEntries(a, b)
	case kindStruct, kindRaw:
		for i := range s.fields {
			f := &s.fields[i]
			if c := f.shape.compare(a.Field(f.index), b.Field(f.index)); c != 0 {
				return c
			}
		}
		return 0
	case kindDocument:
		return compareDocument(document(a), document(b))
	default:
		return bytes.Compare(s.opaqueBytes(a), s.opaqueBytes(b))
	}
}

func (s *shape) compareElements(a, b reflect.Value) int {
	if s.kind == kindSlice && a.IsNil() != b.IsNil() {
		return -compareBool(a.IsNil(), b.IsNil())
	}
	for i := range min(a.Len(), b.Len()) {
		if c := s.elem.compare(a.Index(i), b.Index(i)); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.Len(), b.Len())
}

func (s *shape) compareEntries(a, b reflect.Value) int {
	if a.IsNil() != b.IsNil() {
		return -compareBool(a.IsNil(), b.IsNil())
	}
	ka, kb := s.key.sorted(a.MapKeys()), s.key.sorted(b.MapKeys())
	for i := range min(len(ka), len(kb)) {
		if c := s.key.compare(ka[i], kb[i]); c != 0 {
			return c
		}
		if c := s.elem.compare(a.MapIndex(ka[i]), b.MapIndex(kb[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(ka), len(kb))
}

func (s *shape) sorted(vs []reflect.Value) []reflect.Value {
	slices.SortFunc(vs, s.compare)
	return vs
}

func compareBool(a, b bool) int {
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

// isZero reports whether v is what a field holds that nobody has set: the zero
// value, or a list or map without entries, or the zero instant.
func (s *shape) isZero(v reflect.Value) bool {
	switch s.kind {
	case kindTime:
		return wall(addressable(v)).IsZero()
	case kindBytes, kindSlice, kindMap:
		return v.Len() == 0
	case kindFloat:
		return v.Float() == 0
	case kindDocument:
		return zeroDocument(document(v))
	default:
		return v.IsZero()
	}
}

// fill makes dst a copy of src that shares no memory with it. Times lose their
// monotonic reading.
func (s *shape) fill(dst, src reflect.Value) {
	if s.flat {
		dst.Set(src)
		return
	}
	switch s.kind {
	case kindTime:
		dst.Set(src)
		strip(dst)
	case kindBytes:
		if src.IsNil() {
			dst.SetZero()
			return
		}
		dst.SetBytes(bytes.Clone(src.Bytes()))
	case kindSlice:
		s.fillSlice(dst, src)
	case kindArray:
		for i := range src.Len() {
			s.elem.fill(dst.Index(i), src.Index(i))
		}
	case kindMap:
		s.fillMap(dst, src)
	case kindPointer:
		if src.IsNil() {
			dst.SetZero()
			return
		}
		p := reflect.New(s.typ.Elem())
		s.elem.fill(p.Elem(), src.Elem())
		dst.Set(p)
	case kindStruct, kindRaw:
		for i := range s.fields {
			f := &s.fields[i]
			f.shape.fill(dst.Field(f.index), src.Field(f.index))
		}
	case kindDocument:
		setDocument(dst, copyDocument(document(src)))
	default:
		s.fillOpaque(dst, addressable(src))
	}
}

func (s *shape) fillSlice(dst, src reflect.Value) {
	if src.IsNil() {
		dst.SetZero()
		return
	}
	n := src.Len()
	if n == 0 {
		dst.Set(reflect.MakeSlice(s.typ, 0, 0))
		return
	}
	dst.SetZero()
	dst.Grow(n)
	dst.SetLen(n)
	if s.elem.flat {
		reflect.Copy(dst, src)
		return
	}
	for i := range n {
		s.elem.fill(dst.Index(i), src.Index(i))
	}
}

func (s *shape) fillMap(dst, src reflect.Value) {
	if src.IsNil() {
		dst.SetZero()
		return
	}
	out := reflect.MakeMapWithSize(s.typ, src.Len())
	v := reflect.New(s.typ.Elem()).Elem()
	for it := src.MapRange(); it.Next(); {
		v.SetZero()
		s.elem.fill(v, addressable(it.Value()))
		out.SetMapIndex(it.Key(), v)
	}
	dst.Set(out)
}

// fillOpaque copies a value whose memory the package cannot see into: by its
// own Clone, else through its bytes. A value that does not survive its own
// marshaler is assigned as it is.
func (s *shape) fillOpaque(dst, src reflect.Value) {
	if s.clone >= 0 {
		dst.Set(src.Addr().Method(s.clone).Call(nil)[0])
		return
	}
	p, err := s.marshal(src)
	if err == nil {
		fresh := reflect.New(s.typ).Elem()
		if s.unmarshal(fresh, p) == nil {
			dst.Set(fresh)
			return
		}
	}
	dst.Set(src)
}

// strip removes the monotonic reading from the time in v.
func strip(v reflect.Value) {
	t := v.Addr().Interface().(*time.Time)
	if plain := t.Round(0); plain != *t {
		*t = plain
	}
}
