package mergetest

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/internal/value"
)

// maxDepth bounds how far values are followed, for those that contain
// themselves.
const maxDepth = 64

// A printer writes values as text: for people, or as a key in which values
// differ if anything can tell them apart.
type printer struct {
	key   bool // floats by bits, bytes of opaque types, nothing left out
	spare bool // what lies between length and capacity too
	loose bool // nil and empty are the same, as are 0 and −0
	sets  bool // lists are the same in every order, and with duplicates

	// The different numbers that were met, unless nil: those that their codec says are equal
	// have one text. Adding up decides which form a sum has: 0.1 and -0.1 are 0.0, not 0.
	sums *[]reflect.Value
}

// show returns a value as a person reads it.
func show(v any) string { return printer{}.text(reflect.ValueOf(v), 0) }

// keyOf returns text that is the same for two values if nothing but their
// addresses, and their times' zones and monotonic readings, tells them apart.
// Numbers in documents are the same whatever their types.
func keyOf(v any) string { return printer{key: true}.text(reflect.ValueOf(v), 0) }

// spareKeyOf is keyOf, and covers the memory that an append would write to.
func spareKeyOf(v any) string { return printer{key: true, spare: true}.text(reflect.ValueOf(v), 0) }

func (p printer) text(v reflect.Value, depth int) string {
	if !v.IsValid() {
		return "nil"
	}
	if depth > maxDepth {
		return "…"
	}
	if s, ok := p.whole(v); ok {
		return s
	}
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Float32, reflect.Float64:
		if p.loose && v.Float() == 0 {
			return "0"
		}
		if p.key && (v.Float() != v.Float() || v.Float() == 0) {
			return fmt.Sprintf("%v/%x", v.Float(), math.Float64bits(v.Float()))
		}
		return fmt.Sprint(v.Float())
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		if v.Kind() == reflect.Pointer {
			return "&" + p.text(v.Elem(), depth+1)
		}
		return p.text(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		return p.list(v, depth)
	case reflect.Map:
		return p.mapping(v, depth)
	case reflect.Struct:
		return p.record(v, depth)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return v.Type().String()
	default:
		return fmt.Sprint(v)
	}
}

// encoded returns the bytes of a value for whose type a codec was handed over, or why it has
// none: what else such a type holds is its own business.
func encoded(v reflect.Value) ([]byte, bool) {
	c := value.CodecOf(v.Type())
	if !c.Encodes() || !v.CanInterface() || v.IsZero() {
		return nil, false
	}
	b, err := c.Encode(v)
	if err != nil {
		b = []byte(err.Error())
	}
	return b, true
}

// whole returns the text of types that speak for themselves.
func (p printer) whole(v reflect.Value) (string, bool) {
	if s, ok := p.number(v); ok {
		return s, true
	}
	if b, ok := encoded(v); ok {
		if p.key {
			return fmt.Sprintf("%x", b), true
		}
		return fmt.Sprint(v), true
	}
	if !v.CanInterface() || v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		return "", false
	}
	if t, ok := reflect.TypeAssert[time.Time](v); ok {
		return t.UTC().Format(time.RFC3339Nano), true
	}
	if !opaque(v.Type()) {
		return "", false
	}
	at := reflect.New(v.Type())
	at.Elem().Set(v)
	if s, ok := reflect.TypeAssert[fmt.Stringer](at); ok && !p.key {
		return s.String(), true
	}
	if m, ok := reflect.TypeAssert[json.Marshaler](at); ok && !p.key {
		if text, err := m.MarshalJSON(); err == nil {
			return string(text), true
		}
	}
	if m, ok := reflect.TypeAssert[encoding.BinaryMarshaler](at); ok && p.key {
		if b, err := m.MarshalBinary(); err == nil {
			return fmt.Sprintf("%x", b), true
		}
	}
	return "", false
}

// number returns which of the different numbers met so far a value is, if its codec adds up.
func (p printer) number(v reflect.Value) (string, bool) {
	c := value.CodecOf(v.Type())
	if p.sums == nil || c.Compare == nil || c.Add == nil || !v.CanInterface() || v.Kind() == reflect.Pointer && v.IsNil() {
		return "", false
	}
	at := slices.IndexFunc(*p.sums, func(w reflect.Value) bool { return w.Type() == v.Type() && c.Compare(w, v) == 0 })
	if at < 0 {
		at = len(*p.sums)
		*p.sums = append(*p.sums, v)
	}
	return "#" + strconv.Itoa(at), true
}

// opaque reports whether a type is a struct without exported fields, so that
// only its own methods know what it holds.
func opaque(typ reflect.Type) bool {
	if typ.Kind() != reflect.Struct {
		return false
	}
	for f := range typ.Fields() {
		if f.IsExported() {
			return false
		}
	}
	return typ.NumField() > 0
}

func (p printer) list(v reflect.Value, depth int) string {
	if v.Kind() == reflect.Slice {
		if v.IsNil() && !p.loose {
			return "nil"
		}
		if p.spare {
			v = v.Slice(0, v.Cap())
		}
	}
	parts := make([]string, v.Len())
	for i := range parts {
		parts[i] = p.text(v.Index(i), depth+1)
	}
	if p.sets {
		slices.Sort(parts)
		parts = slices.Compact(parts)
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func (p printer) mapping(v reflect.Value, depth int) string {
	if v.IsNil() && !p.loose {
		return "nil"
	}
	var parts []string
	for it := v.MapRange(); it.Next(); {
		parts = append(parts, p.text(it.Key(), depth+1)+":"+p.text(it.Value(), depth+1))
	}
	slices.Sort(parts)
	return "map[" + strings.Join(parts, " ") + "]"
}

func (p printer) record(v reflect.Value, depth int) string {
	var parts []string
	for i := range v.NumField() {
		if p.key || !v.Field(i).IsZero() {
			parts = append(parts, v.Type().Field(i).Name+":"+p.text(v.Field(i), depth+1))
		}
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// clone returns a deep copy of v. What lies behind unexported fields is copied by
// a Clone method if there is one.
func clone[T any](v T) T { return deepCopy(v, 0) }

// roomy is clone, with room in every list for an append to write to.
func roomy[T any](v T) T { return deepCopy(v, 2) }

func deepCopy[T any](v T, room int) T {
	out := new(T)
	copier{room}.into(reflect.ValueOf(out).Elem(), reflect.ValueOf(&v).Elem(), 0)
	return *out
}

// A copier copies values in depth, and gives lists more capacity than length.
type copier struct{ room int }

func (c copier) into(dst, src reflect.Value, depth int) {
	dst.Set(src)
	if depth > maxDepth || cloned(dst, src) {
		return
	}
	switch src.Kind() {
	case reflect.Pointer:
		if !src.IsNil() {
			dst.Set(reflect.New(src.Type().Elem()))
			c.into(dst.Elem(), src.Elem(), depth+1)
		}
	case reflect.Interface:
		if !src.IsNil() {
			in := reflect.New(src.Elem().Type()).Elem()
			c.into(in, src.Elem(), depth+1)
			dst.Set(in)
		}
	case reflect.Slice:
		if src.IsNil() {
			return
		}
		dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()+c.room))
		fallthrough
	case reflect.Array:
		for i := range src.Len() {
			c.into(dst.Index(i), src.Index(i), depth+1)
		}
	case reflect.Map:
		if src.IsNil() {
			return
		}
		dst.Set(reflect.MakeMapWithSize(src.Type(), src.Len()))
		for it := src.MapRange(); it.Next(); {
			in := reflect.New(src.Type().Elem()).Elem()
			c.into(in, it.Value(), depth+1)
			dst.SetMapIndex(it.Key(), in)
		}
	case reflect.Struct:
		for i := range src.NumField() {
			if f := dst.Field(i); f.CanSet() {
				c.into(f, src.Field(i), depth+1)
			}
		}
	default:
	}
}

// cloned sets dst by the codec that was handed over for a type, or by the Clone method of
// an opaque type, if there is one.
func cloned(dst, src reflect.Value) bool {
	if b, ok := encoded(src); ok && value.CodecOf(src.Type()).Decode(b, dst) == nil {
		return true
	}
	if !opaque(src.Type()) {
		return false
	}
	at := reflect.New(src.Type())
	at.Elem().Set(src)
	m := at.MethodByName("Clone")
	if !m.IsValid() || m.Type().NumIn() != 0 || m.Type().NumOut() != 1 {
		return false
	}
	switch out := m.Type().Out(0); {
	case out == src.Type():
		dst.Set(m.Call(nil)[0])
	case out == at.Type():
		dst.Set(m.Call(nil)[0].Elem())
	default:
		return false
	}
	return true
}

// poke changes everything that can be reached from v without leaving its
// memory: what shares any of it changes too.
func poke(v reflect.Value, depth int) {
	if depth > maxDepth {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			poke(v.Elem(), depth+1)
		}
	case reflect.Interface:
		pokeInside(v, depth)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			poke(v.Index(i), depth+1)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			in := reflect.New(v.Type().Elem()).Elem()
			in.Set(v.MapIndex(key))
			poke(in, depth+1)
			v.SetMapIndex(key, in)
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				poke(f, depth+1)
			}
		}
	default:
		if v.CanSet() {
			pokeScalar(v)
		}
	}
}

func pokeInside(v reflect.Value, depth int) {
	if v.IsNil() {
		return
	}
	in := reflect.New(v.Elem().Type()).Elem()
	in.Set(v.Elem())
	poke(in, depth+1)
	if v.CanSet() {
		v.Set(in)
	}
}

func pokeScalar(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.CanInt():
		v.SetInt(v.Int() ^ 1)
	case v.CanUint():
		v.SetUint(v.Uint() ^ 1)
	case v.CanFloat():
		v.SetFloat(v.Float()/2 + 1)
	case v.CanComplex():
		v.SetComplex(v.Complex()/2 + 1)
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "!")
	}
}
