package resolver

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/codec"
)

// A layout says how the values of a type are copied, compared and checked part by
// part, which costs a tenth of encoding them. Types have one that hide nothing: of
// basic kinds, and structs with exported fields, slices, maps and pointers of such.
// It is immutable once compiled.
type layout struct {
	kind   reflect.Kind
	typ    reflect.Type
	byKind bool // covered by kinds alone: see package codec
	isTime bool
	elem   *layout // of an array, a slice, a map or a pointer
	key    *layout // of a map
	fields []*layout

	// flat says that assignment copies all of a value.
	flat bool
	// plain says that what encoding/json makes of a value depends on nothing but
	// its parts, so that fits can tell whether it makes anything.
	plain bool
	// sure says that fits is true of all values.
	sure bool
	// quick does the same for some types without looking them up part by part.
	quick *quick
}

// layouts has the *layout of each type that was asked for, nil if there is none.
var layouts sync.Map //nolint:gochecknoglobals // a memo: what it says of a type never changes

// layoutOf returns the layout of T, or nil if there is none.
func layoutOf[T any]() *layout {
	typ := reflect.TypeFor[T]()
	if l, ok := layouts.Load(typ); ok {
		return l.(*layout)
	}
	var l *layout
	switch {
	case codec.ByKind[T]():
		l = &layout{kind: typ.Kind(), typ: typ, byKind: true, flat: true}
	case !marshals(typ):
		l = compile(typ, nil)
	}
	layouts.Store(typ, l)
	return l
}

func isTime(typ reflect.Type) bool { return typ == reflect.TypeFor[time.Time]() }

// compile returns the layout of typ, which is found inside of the given types, or
// nil if there is none.
func compile(typ reflect.Type, inside []reflect.Type) *layout {
	if slices.Contains(inside, typ) {
		return nil // a value of such a type may contain itself
	}
	inside = append(inside, typ)
	l := &layout{kind: typ.Kind(), typ: typ, isTime: isTime(typ), plain: true}
	switch l.kind {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		l.flat, l.plain = true, !marshals(typ) && typ != reflect.TypeFor[json.Number]()
		l.sure = l.plain && (l.kind == reflect.Bool || reflect.Int <= l.kind && l.kind <= reflect.Uintptr)
		return l
	case reflect.Struct:
		if l.isTime {
			l.flat = true
			return l
		}
		return l.compileFields(inside)
	case reflect.Map:
		if l.key = compile(typ.Key(), inside); l.key == nil || !l.key.plain || !isName(l.key.kind) {
			return nil
		}
	case reflect.Array, reflect.Slice, reflect.Pointer:
	default:
		return nil
	}
	l.elem = compile(typ.Elem(), inside)
	if l.elem == nil || l.kind != reflect.Pointer && marshals(typ) { // a pointer's methods are those of its element
		return nil
	}
	l.flat, l.plain = l.kind == reflect.Array && l.elem.flat, l.elem.plain
	l.sure = l.elem.sure && (l.key == nil || l.key.sure)
	l.quick = quickOf(typ)
	return l
}

// isName reports whether encoding/json writes keys of kind k as they are.
func isName(k reflect.Kind) bool {
	return k == reflect.String || reflect.Int <= k && k <= reflect.Uintptr
}

func (l *layout) compileFields(inside []reflect.Type) *layout {
	if marshals(l.typ) {
		return nil
	}
	l.flat, l.sure = true, true
	names := map[string]bool{}
	for f := range l.typ.Fields() {
		part := compile(f.Type, inside)
		if part == nil || !f.IsExported() {
			return nil
		}
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		l.flat = l.flat && part.flat
		l.sure = l.sure && part.sure
		l.plain = l.plain && part.plain && !f.Anonymous && tag != "-" && !strings.Contains(options, "string") && !names[name]
		names[name] = true
		l.fields = append(l.fields, part)
	}
	return l
}

// marshals reports whether a type has a say in how it is encoded.
func marshals(typ reflect.Type) bool {
	p := reflect.PointerTo(typ)
	for _, i := range []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
		reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](), reflect.TypeFor[encoding.TextAppender](),
		reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](), reflect.TypeFor[encoding.BinaryAppender](),
	} {
		if typ.Implements(i) || p.Implements(i) {
			return true
		}
	}
	return false
}

// fill replaces what the addressable dst shares with src, of which it is a copy by
// assignment, by copies of its own.
func (l *layout) fill(dst, src reflect.Value) {
	switch {
	case l.flat:
		return
	case l.quick != nil:
		l.quick.fill(dst.Addr().Interface())
		return
	}
	switch l.kind {
	case reflect.Struct:
		for i, f := range l.fields {
			if !f.flat {
				f.fill(dst.Field(i), src.Field(i))
			}
		}
	case reflect.Array:
		l.fillElems(dst, src)
	case reflect.Slice:
		l.fillSlice(dst, src)
	case reflect.Pointer:
		if !src.IsNil() {
			dst.Set(reflect.New(l.typ.Elem()))
			dst.Elem().Set(src.Elem())
			l.elem.fill(dst.Elem(), src.Elem())
		}
	case reflect.Map:
		if !src.IsNil() {
			l.fillMap(dst, src)
		}
	default: // is flat
	}
}

func (l *layout) fillSlice(dst, src reflect.Value) {
	n := src.Len()
	if n == 0 {
		dst.SetCap(n) // no append gets to what is beyond
		return
	}
	dst.SetZero()
	dst.Grow(n)
	dst.SetLen(n)
	reflect.Copy(dst, src)
	l.fillElems(dst, src)
}

func (l *layout) fillElems(dst, src reflect.Value) {
	if l.elem.flat {
		return
	}
	for i := range src.Len() {
		l.elem.fill(dst.Index(i), src.Index(i))
	}
}

func (l *layout) fillMap(dst, src reflect.Value) {
	dst.Set(reflect.MakeMapWithSize(l.typ, src.Len()))
	key, elem := reflect.New(l.typ.Key()).Elem(), reflect.New(l.typ.Elem()).Elem()
	for it := src.MapRange(); it.Next(); {
		key.SetIterKey(it)
		elem.SetIterValue(it)
		l.elem.fill(elem, it.Value())
		dst.SetMapIndex(key, elem)
	}
}

// equal reports whether v and w are the same part by part, floats bit by bit and
// nil slices nil. It ends if w is finite, whatever v is.
func (l *layout) equal(v, w reflect.Value) bool {
	switch {
	case l.byKind:
		return v.Equal(w)
	case l.quick != nil && v.CanAddr() && w.CanAddr():
		return l.quick.equal(v.Addr().Interface(), w.Addr().Interface())
	}
	switch l.kind {
	case reflect.Bool:
		return v.Bool() == w.Bool()
	case reflect.String:
		return v.String() == w.String()
	case reflect.Float32, reflect.Float64:
		return math.Float64bits(v.Float()) == math.Float64bits(w.Float())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int() == w.Int()
	case reflect.Struct:
		if l.isTime {
			return sameTime(v.Interface().(time.Time), w.Interface().(time.Time))
		}
		for i, f := range l.fields {
			if !f.equal(v.Field(i), w.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		return v.IsNil() == w.IsNil() && l.equalElems(v, w)
	case reflect.Array:
		return l.equalElems(v, w)
	case reflect.Pointer:
		if v.IsNil() || w.IsNil() {
			return v.IsNil() == w.IsNil()
		}
		return l.elem.equal(v.Elem(), w.Elem())
	case reflect.Map:
		return v.IsNil() == w.IsNil() && v.Len() == w.Len() && l.equalMap(v, w)
	default:
		return v.Uint() == w.Uint()
	}
}

// sameTime reports whether encoding/json writes t and u alike.
func sameTime(t, u time.Time) bool {
	_, east := t.Zone()
	_, also := u.Zone()
	return t.Equal(u) && east == also
}

func (l *layout) equalElems(v, w reflect.Value) bool {
	if l.kind == reflect.Slice && l.elem.kind == reflect.Uint8 {
		return bytes.Equal(v.Bytes(), w.Bytes())
	}
	if v.Len() != w.Len() {
		return false
	}
	for i := range v.Len() {
		if !l.elem.equal(v.Index(i), w.Index(i)) {
			return false
		}
	}
	return true
}

func (l *layout) equalMap(v, w reflect.Value) bool {
	key, elem := reflect.New(l.typ.Key()).Elem(), reflect.New(l.typ.Elem()).Elem()
	for it := w.MapRange(); it.Next(); {
		key.SetIterKey(it)
		elem.SetIterValue(it)
		if o := v.MapIndex(key); !o.IsValid() || !l.elem.equal(o, elem) {
			return false
		}
	}
	return true
}

// fits reports whether encoding/json can write v, whose layout is plain, and read
// it again.
func (l *layout) fits(v reflect.Value) bool {
	switch {
	case l.sure:
		return true
	case l.quick != nil && v.CanAddr():
		return l.quick.fits(v.Addr().Interface())
	}
	switch l.kind {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Float32, reflect.Float64:
		return !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0)
	case reflect.Struct:
		if l.isTime {
			var scratch [64]byte
			_, err := v.Interface().(time.Time).AppendText(scratch[:0])
			return err == nil
		}
		for i, f := range l.fields {
			if !f.fits(v.Field(i)) {
				return false
			}
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			if !l.elem.fits(v.Index(i)) {
				return false
			}
		}
	case reflect.Pointer:
		return v.IsNil() || l.elem.fits(v.Elem())
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if !l.key.fits(it.Key()) || !l.elem.fits(it.Value()) {
				return false
			}
		}
	default: // every number has a decimal form
	}
	return true
}

// A quick has the functions of a type that values often have. They take the
// addresses of values.
type quick struct {
	fill  func(dst any)
	equal func(v, w any) bool
	fits  func(v any) bool // nil if the layout is sure
}

func quickOf(typ reflect.Type) *quick {
	switch typ {
	case reflect.TypeFor[[]string]():
		q := quickSlice[string]()
		q.fits = func(v any) bool { return validStrings(slices.Values(*v.(*[]string))) }
		return q
	case reflect.TypeFor[[]byte]():
		return quickSlice[byte]()
	case reflect.TypeFor[[]int]():
		return quickSlice[int]()
	case reflect.TypeFor[[]int64]():
		return quickSlice[int64]()
	case reflect.TypeFor[map[string]string]():
		q := quickMap[string]()
		q.fits = func(v any) bool {
			m := *v.(*map[string]string)
			return validStrings(maps.Keys(m)) && validStrings(maps.Values(m))
		}
		return q
	case reflect.TypeFor[map[string]bool]():
		return quickMap[bool]()
	case reflect.TypeFor[map[string]int]():
		return quickMap[int]()
	case reflect.TypeFor[map[string]int64]():
		return quickMap[int64]()
	default:
		return nil
	}
}

func validStrings(all iter.Seq[string]) bool {
	for s := range all {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

func quickSlice[E comparable]() *quick {
	return &quick{
		fill: func(dst any) {
			s := dst.(*[]E)
			*s = slices.Clone(*s)
		},
		equal: func(v, w any) bool {
			s, o := *v.(*[]E), *w.(*[]E)
			return (s == nil) == (o == nil) && slices.Equal(s, o)
		},
	}
}

func quickMap[V comparable]() *quick {
	return &quick{
		fill: func(dst any) {
			m := dst.(*map[string]V)
			*m = maps.Clone(*m)
		},
		equal: func(v, w any) bool {
			m, o := *v.(*map[string]V), *w.(*map[string]V)
			return (m == nil) == (o == nil) && maps.Equal(m, o)
		},
		fits: func(v any) bool { return validStrings(maps.Keys(*v.(*map[string]V))) },
	}
}

// A cloner is a value that copies itself, as the types of package crdt do.
type cloner[T any] interface{ Clone() T }

// copyValue makes *dst, which is zero or an earlier copy, a copy of *src that
// shares nothing with it.
func copyValue[T any](dst, src *T) (err error) {
	if l := layoutOf[T](); l != nil {
		*dst = *src
		if !l.flat {
			l.fill(reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem())
		}
		return nil
	}
	if c, ok := any(*src).(cloner[T]); ok && !isNil(src) {
		*dst = c.Clone()
		return nil
	}
	*dst, _, err = encodeValue(*src)
	return err
}

func isNil[T any](v *T) bool {
	p := reflect.ValueOf(v).Elem()
	return p.Kind() == reflect.Pointer && p.IsNil()
}

// differs reports whether *v is not *w, whose canonical bytes are enc.
func differs[T any](v, w *T, enc string) bool {
	if l := layoutOf[T](); l != nil {
		return !l.equal(reflect.ValueOf(v).Elem(), reflect.ValueOf(w).Elem())
	}
	got, err := codec.EncodeValue(*v)
	return err != nil || string(got) != enc
}

// changedValue is differs where the bytes of *w are not at hand.
func changedValue[T any](v, w *T) bool {
	if layoutOf[T]() != nil {
		return differs(v, w, "")
	}
	enc, err := codec.EncodeValue(*w)
	return err != nil || differs(v, w, string(enc))
}

// storable returns v as it is stored, or why it cannot be.
func storable[T any](v T) (T, error) {
	if l := layoutOf[T](); l != nil && (l.byKind || l.plain && l.fits(reflect.ValueOf(&v).Elem())) {
		v, err := codec.NormalizeValue(v)
		return v, wrapValue(err)
	}
	_, _, err := encodeValue(v)
	return v, err
}

// encodeValue returns v as it is stored, the same wherever it is decoded, and its
// canonical bytes.
func encodeValue[T any](v T) (T, []byte, error) {
	stored, enc, err := codec.StoreValue(v)
	return stored, enc, wrapValue(err)
}

func wrapValue(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("value type %w", err)
}
