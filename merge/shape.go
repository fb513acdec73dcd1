package merge

import (
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// A kind says how the values of a shape are read.
type kind uint8

const (
	kindBool kind = iota + 1
	kindInt
	kindUint
	kindFloat
	kindComplex
	kindString
	kindBytes // slice of bytes
	kindTime
	kindSlice
	kindArray
	kindMap
	kindPointer
	kindStruct
	kindRaw      // struct of basic kinds with unexported fields: readable, not encodable
	kindOpaque   // struct that marshals itself
	kindDocument // any
)

// isScalar reports whether values of the kind are numbers, truth values or
// times.
func (k kind) isScalar() bool { return k <= kindFloat || k == kindTime }

// A shape is how the values of one type are compared, ordered, copied and
// encoded where they are merged as a whole. It is immutable once compiled.
type shape struct {
	typ    reflect.Type
	kind   kind
	elem   *shape       // slice, array, map, pointer
	key    *shape       // map
	fields []shapeField // struct, in declaration order
	named  []int        // struct: indexes of fields in order of name
	form   form         // opaque: the marshaler in use
	equal  int          // opaque: index of its method Equal, or -1
	clone  int          // opaque: index of its method Clone, or -1

	// flat says that assignment copies all of a value: it holds no reference
	// to memory that can change and nothing that has to be taken out.
	flat bool
}

type shapeField struct {
	index int
	name  string
	shape *shape
}

// A form is the marshaler that gives an opaque type its bytes.
type form uint8

const (
	formNone form = iota
	formBinary
	formText
	formJSON
)

func isTime(typ reflect.Type) bool { return typ == reflect.TypeFor[time.Time]() }
func isAny(typ reflect.Type) bool  { return typ == reflect.TypeFor[any]() }

// isLock reports whether typ is a lock, a copy of which locks nothing.
func isLock(typ reflect.Type) bool { return pointerIs[sync.Locker](typ) }

// pointerIs reports whether a pointer to typ implements I.
func pointerIs[I any](typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[I]())
}

// formOf returns the marshaler of typ that has a matching unmarshaler, the
// most compact first.
func formOf(typ reflect.Type) form {
	switch {
	case pointerIs[encoding.BinaryMarshaler](typ) && pointerIs[encoding.BinaryUnmarshaler](typ):
		return formBinary
	case pointerIs[encoding.TextMarshaler](typ) && pointerIs[encoding.TextUnmarshaler](typ):
		return formText
	case pointerIs[json.Marshaler](typ) && pointerIs[json.Unmarshaler](typ):
		return formJSON
	}
	return formNone
}

// isOneValue reports whether a struct type presents itself as a single value:
// it marshals itself or is a database value, so that mixing the fields of two
// of its values would make a third that nobody wrote.
func isOneValue(typ reflect.Type) bool {
	return formOf(typ) != formNone || typ.Implements(reflect.TypeFor[driver.Valuer]())
}

// shapes compiles shapes, each type once.
type shapes struct {
	of    map[reflect.Type]*shape
	added []reflect.Type // in order, so that a failure takes back what refers to it
}

// compile returns the shape of typ or an error that names the part of typ
// that has none.
func (c *shapes) compile(typ reflect.Type) (*shape, error) {
	if s := c.of[typ]; s != nil {
		return s, nil
	}
	s := &shape{typ: typ, equal: -1, clone: -1}
	n := len(c.added)
	c.of[typ], c.added = s, append(c.added, typ)
	if err := c.fill(s); err != nil {
		for _, t := range c.added[n:] {
			delete(c.of, t)
		}
		c.added = c.added[:n]
		return nil, err
	}
	return s, nil
}

func (c *shapes) fill(s *shape) (err error) {
	s.flat = true
	switch k := s.typ.Kind(); k {
	case reflect.Bool:
		s.kind = kindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.kind = kindInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.kind = kindUint
	case reflect.Float32, reflect.Float64:
		s.kind = kindFloat
	case reflect.Complex64, reflect.Complex128:
		s.kind = kindComplex
	case reflect.String:
		s.kind = kindString
	case reflect.Array:
		s.kind = kindArray
		if s.elem, err = c.compile(s.typ.Elem()); err == nil {
			s.flat = s.elem.flat
		}
	case reflect.Slice, reflect.Map, reflect.Pointer:
		s.flat = false
		err = c.fillReference(s, k)
	case reflect.Struct:
		err = c.fillStruct(s)
	case reflect.Interface:
		if s.typ.NumMethod() > 0 {
			return fmt.Errorf("%v is an interface with methods", s.typ)
		}
		s.kind, s.flat = kindDocument, false
	default:
		return fmt.Errorf("%v cannot be compared and copied", s.typ)
	}
	return err
}

func (c *shapes) fillReference(s *shape, k reflect.Kind) (err error) {
	switch k {
	case reflect.Slice:
		s.kind = kindSlice
		if s.typ.Elem().Kind() == reflect.Uint8 {
			s.kind = kindBytes
		}
	case reflect.Map:
		s.kind = kindMap
		if err := elementable(s.typ.Key()); err != nil {
			return err
		}
		if s.key, err = c.compile(s.typ.Key()); err != nil {
			return err
		}
	default:
		s.kind = kindPointer
	}
	s.elem, err = c.compile(s.typ.Elem())
	return err
}

func (c *shapes) fillStruct(s *shape) error {
	if isTime(s.typ) {
		s.kind, s.flat = kindTime, false
		return nil
	}
	if isLock(s.typ) {
		return fmt.Errorf("%v is a lock", s.typ)
	}
	if formOf(s.typ) != formNone {
		s.fillOpaqueType()
		return nil
	}
	if isSealed(s.typ) {
		if !isBasic(s.typ) {
			return fmt.Errorf("%v has unexported fields and no binary, text or JSON form", s.typ)
		}
		s.kind = kindRaw
	} else {
		s.kind = kindStruct
	}
	for i := range s.typ.NumField() {
		sf := s.typ.Field(i)
		fs, err := c.compile(sf.Type)
		if err != nil {
			return fmt.Errorf("%v.%s: %w", s.typ, sf.Name, err)
		}
		s.flat = s.flat && fs.flat
		s.fields = append(s.fields, shapeField{index: i, name: sf.Name, shape: fs})
	}
	s.sortNames()
	return nil
}

func (s *shape) fillOpaqueType() {
	s.kind, s.form = kindOpaque, formOf(s.typ)
	// A comparable value cannot hold a slice or a map; what it points to is
	// its own business, as with the location of a time.
	s.flat = s.typ.Comparable()
	p := reflect.PointerTo(s.typ)
	if m, ok := p.MethodByName("Equal"); ok && isFunc(m.Type, []reflect.Type{p, s.typ}, reflect.TypeFor[bool]()) {
		s.equal = m.Index
	}
	if m, ok := p.MethodByName("Clone"); ok && isFunc(m.Type, []reflect.Type{p}, s.typ) {
		s.clone = m.Index
	}
}

// isSealed reports whether a struct type has an unexported field.
func isSealed(typ reflect.Type) bool {
	for f := range typ.Fields() {
		if !f.IsExported() {
			return true
		}
	}
	return false
}

// isFunc reports whether a method's type takes exactly in and returns exactly out.
func isFunc(f reflect.Type, in []reflect.Type, out ...reflect.Type) bool {
	if f.NumIn() != len(in) || f.NumOut() != len(out) || f.IsVariadic() {
		return false
	}
	for i, t := range in {
		if f.In(i) != t {
			return false
		}
	}
	for i, t := range out {
		if f.Out(i) != t {
			return false
		}
	}
	return true
}

// isBasic reports whether values of typ consist of basic kinds only, held in
// place, so that reading them by kind needs no exported fields.
func isBasic(typ reflect.Type) bool {
	switch k := typ.Kind(); k {
	case reflect.Array:
		return isBasic(typ.Elem())
	case reflect.Struct:
		if isTime(typ) || isLock(typ) {
			return false
		}
		for f := range typ.Fields() {
			if !isBasic(f.Type) {
				return false
			}
		}
		return true
	default:
		return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
	}
}

// elementable returns an error unless values of typ may be keys of a merged
// map, keys of list elements and elements of sets.
func elementable(typ reflect.Type) error {
	switch k := typ.Kind(); k {
	case reflect.Interface, reflect.Pointer, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("%v has no canonical form as a key or element", typ)
	case reflect.Array:
		return elementable(typ.Elem())
	case reflect.Struct:
		if typ.Comparable() && formOf(typ) != formNone {
			return nil
		}
		for sf := range typ.Fields() {
			if !sf.IsExported() {
				return fmt.Errorf("%v has unexported fields and no binary, text or JSON form", typ)
			}
			if err := elementable(sf.Type); err != nil {
				return err
			}
		}
		return nil
	default:
		if !typ.Comparable() {
			return fmt.Errorf("%v is not comparable", typ)
		}
		return nil
	}
}
