package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
)

// needsCheck reports whether values of w may hold what no merge can take:
// values nested without bound, what is no document, keys that are none.
func (w *row) needsCheck(seen map[*row]bool) bool {
	if seen[w] {
		return false
	}
	seen[w] = true
	return w.cyclic || slices.ContainsFunc(w.fields, func(f *field) bool {
		switch {
		case f.class == classIgnored:
			return false
		case f.class == classDocument || f.key != nil && f.key.floats(),
			f.class == classMap && f.key.forms():
			return true
		case f.elem != nil:
			return f.elem.needsCheck(seen)
		}
		return f.shape.unbounded(map[*shape]bool{})
	})
}

// unbounded reports whether values of s may nest without bound, hold a document
// or have keys that need a check.
func (s *shape) unbounded(open map[*shape]bool) bool {
	switch {
	case s == nil:
		return false
	case open[s] || s.kind == kindDocument || s.kind == kindMap && (s.key.floats() || s.key.forms()):
		return true
	}
	open[s] = true
	defer delete(open, s)
	return s.elem.unbounded(open) || s.key.unbounded(open) ||
		slices.ContainsFunc(s.fields, func(f shapeField) bool { return f.shape.unbounded(open) })
}

// validate returns an error that names the place in v that cannot be merged.
func (w *row) validate(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	for _, f := range w.fields {
		if err := f.validate(f.in(v), depth); err != nil {
			return below(f.name, err)
		}
	}
	return nil
}

func (f *field) validate(v reflect.Value, depth int) error {
	switch f.class {
	case classIgnored:
		return nil
	case classPointer:
		if v.IsNil() {
			return nil
		}
		return f.elem.validate(v.Elem(), depth+1)
	case classMap:
		for _, k := range f.key.sorted(v.MapKeys()) {
			if err := checkEntry(f.key, k); err != nil {
				return err
			}
			if err := f.elem.validate(addressable(v.MapIndex(k)), depth+1); err != nil {
				return below(keyText(f.key, k), err)
			}
		}
		return nil
	case classKeyed:
		for i := range v.Len() {
			if f.byRef && v.Index(i).IsNil() {
				return fmt.Errorf("element %d is a nil pointer", i)
			}
			e := f.element(v, i)
			if err := checkKey(f.key, walk(e, f.at)); err != nil {
				return below(strconv.Itoa(i), err)
			}
			if err := f.elem.validate(e, depth+1); err != nil {
				return below(strconv.Itoa(i), err)
			}
		}
		return nil
	case classSet:
		for i := range v.Len() {
			if err := checkKey(f.key, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	default:
	}
	if f.shape == nil {
		return nil
	}
	return f.shape.validate(v, depth)
}

func (s *shape) validate(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	switch s.kind {
	case kindDocument:
		return checkDocument(document(v), depth)
	case kindPointer:
		if !v.IsNil() {
			return s.elem.validate(v.Elem(), depth+1)
		}
	case kindSlice, kindArray:
		if s.elem.flat {
			return nil
		}
		for i := range v.Len() {
			if err := s.elem.validate(v.Index(i), depth+1); err != nil {
				return below(strconv.Itoa(i), err)
			}
		}
	case kindMap:
		for _, k := range s.key.sorted(v.MapKeys()) {
			if err := checkEntry(s.key, k); err != nil {
				return err
			}
			if err := s.elem.validate(v.MapIndex(k), depth+1); err != nil {
				return below(keyText(s.key, k), err)
			}
		}
	case kindStruct:
		for _, f := range s.fields {
			if err := f.shape.validate(v.Field(f.index), depth+1); err != nil {
				return below(f.name, err)
			}
		}
	default:
	}
	return nil
}
