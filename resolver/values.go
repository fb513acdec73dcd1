package resolver

import (
	"reflect"
	"sync"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A stored is a value in a set: what its bytes decode to, and the bytes where that
// does not give them back. See package value.
type stored[T any] struct {
	v    T // zero if bad
	kept string
	bad  *value.ValueError // why T cannot hold the value
}

// store returns v as it is stored, carrying over what T does not know of old, a
// value that it replaces, if there is one.
func store[T any](v T, old *stored[T]) (*stored[T], error) {
	s := new(stored[T])
	var err error
	if old == nil || old.kept == "" {
		s.v, s.kept, err = value.Store(v)
	} else {
		s.v, s.kept, err = value.Replace(v, old.kept)
	}
	return s, err
}

// appendFull appends the full form.
func (s *stored[T]) appendFull(b []byte) []byte { return value.AppendFull(b, &s.v, s.kept) }

// full returns the full form.
func (s *stored[T]) full() string {
	if s.kept != "" {
		return s.kept
	}
	var scratch [128]byte
	return string(s.appendFull(scratch[:0]))
}

// compare orders values by their full forms. Neither may be nil.
func (s *stored[T]) compare(o *stored[T]) int {
	if s.same(o) {
		return 0
	}
	return value.Compare(&s.v, s.kept, &o.v, o.kept)
}

// same reports whether s and o are one value; either may be nil.
func (s *stored[T]) same(o *stored[T]) bool {
	switch {
	case s == o:
		return true
	case s == nil || o == nil || s.kept != o.kept:
		return false // bytes are kept where T does not give them back, or of all values of T
	case s.kept != "":
		return true
	}
	if t := typeOf[T](); t != nil && t.Flat {
		return sameParts(t, &s.v, &o.v)
	}
	return value.Compare(&s.v, "", &o.v, "") == 0
}

// types has the *value.Type of each type that was asked for, nil if there is none.
var types sync.Map //nolint:gochecknoglobals // a memo: what it says of a type never changes

// typeOf returns how values of T are copied and compared part by part, or nil.
func typeOf[T any]() *value.Type {
	typ := reflect.TypeFor[T]()
	if t, ok := types.Load(typ); ok {
		return t.(*value.Type)
	}
	t, err := new(value.Compiler).Compile(typ)
	if err != nil || hidden(typ) {
		t = nil
	}
	types.Store(typ, t)
	return t
}

// hidden reports whether typ is a pointer to a type that says itself how it is
// copied or encoded: see [cloner].
func hidden(typ reflect.Type) bool {
	_, clones := typ.MethodByName("Clone")
	return clones || typ.Kind() == reflect.Pointer && value.IsOneValue(typ.Elem())
}

// A cloner is a value that copies itself, as the types of package crdt do.
type cloner[T any] interface{ Clone() T }

// copyValue makes *dst, which is zero or an earlier copy, a copy of *src that shares
// nothing with it.
func copyValue[T any](dst, src *T) (err error) {
	if t := typeOf[T](); t != nil {
		if t.Flat {
			*dst = *src
			return nil
		}
		t.Fill(reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem())
		return nil
	}
	if c, ok := any(*src).(cloner[T]); ok && !isNil(src) {
		*dst = c.Clone()
		return nil
	}
	*dst, _, err = value.Store(*src)
	return err
}

func isNil[T any](v *T) bool {
	p := reflect.ValueOf(v).Elem()
	return p.Kind() == reflect.Pointer && p.IsNil()
}

// same reports whether *v is *w.
func same[T any](v, w *T) bool {
	if t := typeOf[T](); t != nil {
		return sameParts(t, v, w)
	}
	a, err := store(*v, nil)
	if err != nil {
		return false
	}
	b, err := store(*w, nil)
	return err == nil && a.full() == b.full()
}

// sameParts is same for a type whose values are compared part by part: times of one instant
// are the same.
func sameParts[T any](t *value.Type, v, w *T) bool {
	return t.Same(reflect.ValueOf(v).Elem(), reflect.ValueOf(w).Elem())
}

// storable returns v as it is stored, or why it cannot be.
func storable[T any](v T) (T, error) {
	s, err := store(v, nil)
	return s.v, err
}
