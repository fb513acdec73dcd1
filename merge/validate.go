package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/rejoin-go/rejoin/internal/value"
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
		case f.class == classDocument || f.key != nil && f.key.Floats(),
			f.class == classMap && f.key.Forms():
			return true
		case f.elem != nil:
			return f.elem.needsCheck(seen)
		}
		return f.shape.Unbounded(map[*value.Type]bool{})
	})
}

// validate returns an error that names the place in v that cannot be merged.
func (w *row) validate(v reflect.Value, depth int) error {
	if depth > value.MaxDepth {
		return value.ErrDeep
	}
	for _, f := range w.fields {
		if err := f.validate(f.in(v), depth); err != nil {
			return value.Below(f.name, err)
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
		for _, k := range f.key.Sorted(v.MapKeys()) {
			if err := value.CheckEntry(f.key, k); err != nil {
				return err
			}
			if err := f.elem.validate(value.Addressable(v.MapIndex(k)), depth+1); err != nil {
				return value.Below(value.KeyText(f.key, k), err)
			}
		}
		return nil
	case classKeyed:
		for i := range v.Len() {
			if f.byRef && v.Index(i).IsNil() {
				return fmt.Errorf("element %d is a nil pointer", i)
			}
			e := f.element(v, i)
			if err := value.CheckKey(f.key, f.keyOf(e)); err != nil {
				return value.Below(strconv.Itoa(i), err)
			}
			if err := f.elem.validate(e, depth+1); err != nil {
				return value.Below(strconv.Itoa(i), err)
			}
		}
		return nil
	case classSet:
		for i := range v.Len() {
			if err := value.CheckKey(f.key, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case classLeaf, classDocument:
	}
	if f.shape == nil {
		return nil
	}
	return f.shape.Validate(v, depth)
}
