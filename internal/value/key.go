package value

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// SameKey is [Type.Same] for keys and elements, of which −0 is 0.
func SameKey(s *Type, a, b reflect.Value) bool {
	switch s.Kind {
	case KindString:
		return a.String() == b.String()
	case KindFloat:
		return a.Float() == b.Float()
	case KindArray, KindStruct:
		if s.Floats() {
			return s.Same(Normal(s, a), Normal(s, b))
		}
	case KindBool, KindInt, KindUint, KindComplex, KindBytes, KindTime, KindSlice, KindMap, KindPointer, KindRaw, KindOpaque, KindDocument:
	}
	return s.Same(a, b)
}

// Floats reports whether values of s hold floats.
func (s *Type) Floats() bool {
	switch s.Kind {
	case KindFloat:
		return true
	case KindArray:
		return s.Elem.Floats()
	case KindStruct:
		return slices.ContainsFunc(s.fields, func(f Field) bool { return f.Type.Floats() })
	case KindBool, KindInt, KindUint, KindComplex, KindString, KindBytes, KindTime, KindSlice, KindMap, KindPointer, KindRaw, KindOpaque,
		KindDocument:
	}
	return false
}

// Normal returns v, a key or element, with 0 for −0 and times in UTC.
func Normal(s *Type, v reflect.Value) reflect.Value {
	if !s.Floats() && !s.Forms() {
		return v
	}
	c := reflect.New(s.Go).Elem()
	c.Set(v)
	visitParts(s, c, func(p reflect.Value) bool {
		switch {
		case p.CanFloat() && p.Float() == 0:
			p.SetFloat(0)
		case IsTime(p.Type()):
			p.Set(reflect.ValueOf(Wall(p).UTC()))
		}
		return true
	})
	return c
}

// visitParts calls visit for each float and time in a key until it returns false, and
// reports whether it never did.
func visitParts(s *Type, v reflect.Value, visit func(reflect.Value) bool) bool {
	switch s.Kind {
	case KindFloat, KindTime:
		return visit(v)
	case KindArray:
		for i := range v.Len() {
			if !visitParts(s.Elem, v.Index(i), visit) {
				return false
			}
		}
	case KindStruct:
		for _, f := range s.fields {
			if !visitParts(f.Type, v.Field(f.index), visit) {
				return false
			}
		}
	case KindBool, KindInt, KindUint, KindComplex, KindString, KindBytes, KindSlice, KindMap, KindPointer, KindRaw, KindOpaque, KindDocument:
	}
	return true
}

var errNaN = errors.New("NaN is no key or element")

// CheckKey returns an error if a key holds NaN, which does not equal itself.
func CheckKey(s *Type, v reflect.Value) error {
	if s.Floats() && !visitParts(s, v, func(p reflect.Value) bool { return !p.CanFloat() || !math.IsNaN(p.Float()) }) {
		return errNaN
	}
	return nil
}

// Forms reports whether values of s that are one key may differ as keys of a Go
// map: times in two zones, and what marshals itself.
func (s *Type) Forms() bool {
	switch s.Kind {
	case KindTime, KindOpaque:
		return true
	case KindArray:
		return s.Elem.Forms()
	case KindStruct:
		return slices.ContainsFunc(s.fields, func(f Field) bool { return f.Type.Forms() })
	case KindBool, KindInt, KindUint, KindFloat, KindComplex, KindString, KindBytes, KindSlice, KindMap, KindPointer, KindRaw, KindDocument:
	}
	return false
}

// CheckEntry is [CheckKey] for keys of maps. It refuses those that are not what
// their bytes decode to, as a map could hold two of one key.
func CheckEntry(s *Type, v reflect.Value) error {
	if err := CheckKey(s, v); err != nil || !s.Forms() {
		return err
	}
	p, err := s.Append(nil, Normal(s, Addressable(v)))
	if err != nil {
		return Below(KeyText(s, v), err)
	}
	if back := reflect.New(s.Go).Elem(); !s.Load(back, string(p)) || !back.Equal(v) {
		return fmt.Errorf("the key %s does not read back as it is; of a time use UTC() and Round(0)", KeyText(s, v))
	}
	return nil
}
