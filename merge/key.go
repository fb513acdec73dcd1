package merge

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// sameKey is [shape.same] for keys and elements, of which −0 is 0.
func sameKey(s *shape, a, b reflect.Value) bool {
	switch s.kind {
	case kindString:
		return a.String() == b.String()
	case kindFloat:
		return a.Float() == b.Float()
	case kindArray, kindStruct:
		if s.floats() {
			return s.same(normal(s, a), normal(s, b))
		}
	default:
	}
	return s.same(a, b)
}

// floats reports whether values of s hold floats.
func (s *shape) floats() bool {
	switch s.kind {
	case kindFloat:
		return true
	case kindArray:
		return s.elem.floats()
	case kindStruct:
		return slices.ContainsFunc(s.fields, func(f shapeField) bool { return f.shape.floats() })
	default:
		return false
	}
}

// normal returns v, a key or element, with 0 for −0.
func normal(s *shape, v reflect.Value) reflect.Value {
	if !s.floats() {
		return v
	}
	c := reflect.New(s.typ).Elem()
	c.Set(v)
	visitFloats(s, c, func(f reflect.Value) bool {
		if f.Float() == 0 {
			f.SetFloat(0)
		}
		return true
	})
	return c
}

// visitFloats calls visit for each float in a key until it returns false, and
// reports whether it never did.
func visitFloats(s *shape, v reflect.Value, visit func(reflect.Value) bool) bool {
	switch s.kind {
	case kindFloat:
		return visit(v)
	case kindArray:
		for i := range v.Len() {
			if !visitFloats(s.elem, v.Index(i), visit) {
				return false
			}
		}
	case kindStruct:
		for _, f := range s.fields {
			if !visitFloats(f.shape, v.Field(f.index), visit) {
				return false
			}
		}
	default:
	}
	return true
}

var errNaN = errors.New("NaN is no key or element")

// checkKey returns an error if a key holds NaN, which does not equal itself.
func checkKey(s *shape, v reflect.Value) error {
	if s.floats() && !visitFloats(s, v, func(f reflect.Value) bool { return !math.IsNaN(f.Float()) }) {
		return errNaN
	}
	return nil
}

// forms reports whether values of s that are one key may differ as keys of a Go
// map: times in two zones, and what marshals itself.
func (s *shape) forms() bool {
	switch s.kind {
	case kindTime, kindOpaque:
		return true
	case kindArray:
		return s.elem.forms()
	case kindStruct:
		return slices.ContainsFunc(s.fields, func(f shapeField) bool { return f.shape.forms() })
	default:
		return false
	}
}

// checkEntry is checkKey for keys of maps. It refuses those that are not what
// their bytes decode to, as a map could hold two of one key.
func checkEntry(s *shape, v reflect.Value) error {
	if err := checkKey(s, v); err != nil || !s.forms() {
		return err
	}
	p, err := s.append(nil, normal(s, addressable(v)))
	if err != nil {
		return below(keyText(s, v), err)
	}
	if back := reflect.New(s.typ).Elem(); !decodeShape(s, back, string(p)) || !back.Equal(v) {
		return fmt.Errorf("the key %s does not read back as it is; of a time use UTC() and Round(0)", keyText(s, v))
	}
	return nil
}
