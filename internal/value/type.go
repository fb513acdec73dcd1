package value

import (
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// A Kind says how the values of a type are read.
type Kind uint8

// The kinds of types.
const (
	KindBool Kind = iota + 1
	KindInt
	KindUint
	KindFloat
	KindComplex
	KindString
	KindBytes // slice of bytes
	KindTime
	KindSlice
	KindArray
	KindMap
	KindPointer
	KindStruct
	KindRaw      // struct of basic kinds with unexported fields: readable, not encodable
	KindOpaque   // what marshals itself, or has a codec
	KindDocument // any
)

// isScalar reports whether values of the kind are numbers, truth values or
// times.
func (k Kind) isScalar() bool { return k <= KindFloat || k == KindTime }

// A Type is how the values of one type are compared, ordered, copied and
// encoded where they are merged as a whole. It is immutable once compiled.
type Type struct {
	Go     reflect.Type
	Kind   Kind
	Elem   *Type   // slice, array, map, pointer
	key    *Type   // map
	fields []Field // struct, in declaration order
	named  []int   // struct: indexes of fields in order of name
	form   form    // opaque: the marshaler in use
	codec  *Codec  // opaque: in place of a marshaler
	equal  int     // opaque: index of its method Equal, or -1
	clone  int     // opaque: index of its method Clone, or -1
	quick  *quick  // of some slices and maps

	// flat says that assignment copies all of a value: it holds no reference
	// to memory that can change and nothing that has to be taken out.
	Flat bool
}

// A Field is a field of a struct.
type Field struct {
	index int
	name  string
	Type  *Type
}

// A form is the marshaler that gives an opaque type its bytes.
type form uint8

const (
	formNone form = iota
	formBinary
	formText
	formJSON
)

// IsTime reports whether typ is [time.Time].
func IsTime(typ reflect.Type) bool { return typ == reflect.TypeFor[time.Time]() }

// IsAny reports whether typ is the empty interface.
func IsAny(typ reflect.Type) bool { return typ == reflect.TypeFor[any]() }

// IsLock reports whether typ is a lock, a copy of which locks nothing.
func IsLock(typ reflect.Type) bool { return pointerIs[sync.Locker](typ) }

// pointerIs reports whether a pointer to typ implements I.
func pointerIs[I any](typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[I]())
}

// formOf returns the marshaler of typ that has a matching unmarshaler, the
// most compact first.
func formOf(typ reflect.Type) form {
	switch binary, text, js := formsOf(typ); {
	case binary:
		return formBinary
	case text:
		return formText
	case js:
		return formJSON
	}
	return formNone
}

// formsOf returns which marshalers of typ have a matching unmarshaler.
func formsOf(typ reflect.Type) (binary, text, js bool) {
	return pointerIs[encoding.BinaryMarshaler](typ) && pointerIs[encoding.BinaryUnmarshaler](typ),
		pointerIs[encoding.TextMarshaler](typ) && pointerIs[encoding.TextUnmarshaler](typ),
		pointerIs[json.Marshaler](typ) && pointerIs[json.Unmarshaler](typ)
}

// IsOneValue reports whether a type presents itself as a single value: it has a
// codec, marshals itself or is a database value, so that mixing the fields of two
// of its values would make a third that nobody wrote.
func IsOneValue(typ reflect.Type) bool {
	return formOf(typ) != formNone || typ.Implements(reflect.TypeFor[driver.Valuer]()) || CodecOf(typ).Encodes()
}

// A Compiler compiles types, each once. Its zero value is ready for use.
type Compiler struct {
	of    map[reflect.Type]*Type
	added []reflect.Type // in order, so that a failure takes back what refers to it
}

// Compile returns the compiled form of typ or an error that names the part of typ
// that has none.
func (c *Compiler) Compile(typ reflect.Type) (*Type, error) {
	if s := c.of[typ]; s != nil {
		return s, nil
	}
	if c.of == nil {
		c.of = make(map[reflect.Type]*Type)
	}
	s := &Type{Go: typ, equal: -1, clone: -1}
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

func (c *Compiler) fill(s *Type) (err error) {
	if codec := CodecOf(s.Go); codec.Encodes() && !IsTime(s.Go) {
		s.Kind, s.form, s.codec = KindOpaque, formBinary, &codec
		return nil
	}
	s.Flat = true
	switch k := s.Go.Kind(); k {
	case reflect.Bool:
		s.Kind = KindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.Kind = KindInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.Kind = KindUint
	case reflect.Float32, reflect.Float64:
		s.Kind = KindFloat
	case reflect.Complex64, reflect.Complex128:
		s.Kind = KindComplex
	case reflect.String:
		s.Kind = KindString
	case reflect.Array:
		s.Kind = KindArray
		if s.Elem, err = c.Compile(s.Go.Elem()); err == nil {
			s.Flat = s.Elem.Flat
		}
	case reflect.Slice, reflect.Map, reflect.Pointer:
		s.Flat = false
		err = c.fillReference(s, k)
	case reflect.Struct:
		err = c.fillStruct(s)
	case reflect.Interface:
		if s.Go.NumMethod() > 0 {
			return fmt.Errorf("%v is an interface with methods", s.Go)
		}
		s.Kind, s.Flat = KindDocument, false
	default:
		return fmt.Errorf("%v cannot be compared and copied", s.Go)
	}
	return err
}

func (c *Compiler) fillReference(s *Type, k reflect.Kind) (err error) {
	switch k {
	case reflect.Slice:
		s.Kind = KindSlice
		if s.Go.Elem().Kind() == reflect.Uint8 {
			s.Kind = KindBytes
		}
	case reflect.Map:
		s.Kind = KindMap
		if err := Elementable(s.Go.Key()); err != nil {
			return err
		}
		if s.key, err = c.Compile(s.Go.Key()); err != nil {
			return err
		}
	default:
		s.Kind = KindPointer
	}
	s.Elem, err = c.Compile(s.Go.Elem())
	s.quick = quickOf(s.Go)
	return err
}

func (c *Compiler) fillStruct(s *Type) error {
	if IsTime(s.Go) {
		s.Kind, s.Flat = KindTime, false
		return nil
	}
	if IsLock(s.Go) {
		return fmt.Errorf("%v is a lock", s.Go)
	}
	if formOf(s.Go) != formNone {
		s.fillOpaqueType()
		return nil
	}
	if isSealed(s.Go) {
		if !IsBasic(s.Go) {
			return fmt.Errorf("%v has unexported fields and no binary, text or JSON form", s.Go)
		}
		s.Kind = KindRaw
	} else {
		s.Kind = KindStruct
	}
	for i := range s.Go.NumField() {
		sf := s.Go.Field(i)
		fs, err := c.Compile(sf.Type)
		if err != nil {
			return fmt.Errorf("%v.%s: %w", s.Go, sf.Name, err)
		}
		s.Flat = s.Flat && fs.Flat
		s.fields = append(s.fields, Field{index: i, name: sf.Name, Type: fs})
	}
	s.sortNames()
	return nil
}

func (s *Type) fillOpaqueType() {
	s.Kind, s.form = KindOpaque, formOf(s.Go)
	// A comparable value cannot hold a slice or a map; what it points to is
	// its own business, as with the location of a time.
	s.Flat = s.Go.Comparable()
	p := reflect.PointerTo(s.Go)
	if m, ok := p.MethodByName("Equal"); ok && IsFunc(m.Type, []reflect.Type{p, s.Go}, reflect.TypeFor[bool]()) {
		s.equal = m.Index
	}
	if m, ok := p.MethodByName("Clone"); ok && IsFunc(m.Type, []reflect.Type{p}, s.Go) {
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

// IsFunc reports whether a method's type takes exactly in and returns exactly out.
func IsFunc(f reflect.Type, in []reflect.Type, out ...reflect.Type) bool {
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

// IsBasic reports whether values of typ consist of basic kinds only, held in
// place, so that reading them by kind needs no exported fields.
func IsBasic(typ reflect.Type) bool {
	switch k := typ.Kind(); k {
	case reflect.Array:
		return IsBasic(typ.Elem())
	case reflect.Struct:
		if IsLock(typ) {
			return false
		}
		for f := range typ.Fields() {
			if !IsBasic(f.Type) {
				return false
			}
		}
		return true
	default:
		return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
	}
}

// Elementable returns an error unless values of typ may be keys of a merged
// map, keys of list elements and elements of sets.
func Elementable(typ reflect.Type) error {
	switch k := typ.Kind(); k {
	case reflect.Interface, reflect.Pointer, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("%v has no canonical form as a key or element", typ)
	case reflect.Array:
		return Elementable(typ.Elem())
	case reflect.Struct:
		if typ.Comparable() && formOf(typ) != formNone {
			return nil
		}
		for sf := range typ.Fields() {
			if !sf.IsExported() {
				return fmt.Errorf("%v has unexported fields and no binary, text or JSON form", typ)
			}
			if err := Elementable(sf.Type); err != nil {
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
