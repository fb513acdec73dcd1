package value

import (
	"reflect"
	"slices"
	"strconv"
)

// Unbounded reports whether values of s may nest without bound, hold a document
// or have keys that need a check.
func (s *Type) Unbounded(open map[*Type]bool) bool {
	switch {
	case s == nil:
		return false
	case open[s] || s.Kind == KindDocument || s.Kind == KindMap && (s.key.Floats() || s.key.Forms()):
		return true
	}
	open[s] = true
	defer delete(open, s)
	return s.Elem.Unbounded(open) || slices.ContainsFunc(s.fields, func(f Field) bool { return f.Type.Unbounded(open) })
}

// Validate returns an error if v holds what cannot be merged.
func (s *Type) Validate(v reflect.Value, depth int) error {
	if depth > MaxDepth {
		return ErrDeep
	}
	switch s.Kind {
	case KindDocument:
		return checkDocument(Document(v), depth)
	case KindPointer:
		if !v.IsNil() {
			return s.Elem.Validate(v.Elem(), depth+1)
		}
	case KindSlice, KindArray:
		if s.Elem.Flat {
			return nil
		}
		for i := range v.Len() {
			if err := s.Elem.Validate(v.Index(i), depth+1); err != nil {
				return Below(strconv.Itoa(i), err)
			}
		}
	case KindMap:
		for _, k := range s.key.Sorted(v.MapKeys()) {
			if err := CheckEntry(s.key, k); err != nil {
				return err
			}
			if err := s.Elem.Validate(v.MapIndex(k), depth+1); err != nil {
				return Below(KeyText(s.key, k), err)
			}
		}
	case KindStruct:
		for _, f := range s.fields {
			if err := f.Type.Validate(v.Field(f.index), depth+1); err != nil {
				return Below(f.name, err)
			}
		}
	case KindBool, KindInt, KindUint, KindFloat, KindComplex, KindString, KindBytes, KindTime, KindRaw, KindOpaque:
	}
	return nil
}
