package merge

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A joiner calls the Merge method of a type that merges by itself.
type joiner struct {
	elem    reflect.Type // the struct, where the field is a pointer to it
	pointer bool         // the field is a pointer
	merge   int          // index of the method in the method set of *elem
	byValue bool         // returns the merged value, and leaves its receiver alone
	argPtr  bool         // takes a pointer
	clone   int          // index of Clone, or -1
	equal   int          // index of Equal, or -1
	fails   bool         // returns an error last
}

// findJoin returns how to merge values of typ by their own method, or nil. Of
// a type S or a pointer to it, it takes
//
//	func (x *S) Merge(y *S)          and  Merge(y S), returning nothing, a bool or an error
//	func (x S) Merge(y S) S          and  Join(y S) S, each also with an error
func findJoin(typ reflect.Type) *joiner {
	j := &joiner{elem: typ, clone: -1, equal: -1}
	if typ.Kind() == reflect.Pointer {
		j.elem, j.pointer = typ.Elem(), true
	}
	if k := j.elem.Kind(); k == reflect.Interface || k == reflect.Pointer {
		return nil
	}
	p := reflect.PointerTo(j.elem)
	for _, name := range []string{"Merge", "Join"} {
		if m, ok := p.MethodByName(name); ok && j.accept(m, name == "Join") {
			j.merge = m.Index
			j.findHelpers(p)
			return j
		}
	}
	return nil
}

func (j *joiner) accept(m reflect.Method, valueOnly bool) bool {
	f, p := m.Type, reflect.PointerTo(j.elem)
	if f.NumIn() != 2 || f.IsVariadic() || f.In(1) != p && f.In(1) != j.elem {
		return false
	}
	j.argPtr = f.In(1) == p
	n := f.NumOut()
	if n > 0 && f.Out(n-1) == reflect.TypeFor[error]() {
		j.fails = true
		n--
	}
	switch {
	case n == 1 && (f.Out(0) == j.elem || f.Out(0) == p):
		j.byValue = true
		return f.Out(0) == f.In(1)
	case valueOnly:
		return false
	}
	return n == 0 || n == 1 && f.Out(0).Kind() == reflect.Bool
}

func (j *joiner) findHelpers(p reflect.Type) {
	if m, ok := p.MethodByName("Clone"); ok && m.Type.NumIn() == 1 && m.Type.NumOut() == 1 &&
		(m.Type.Out(0) == p || m.Type.Out(0) == j.elem) {
		j.clone = m.Index
	}
	if m, ok := p.MethodByName("Equal"); ok && m.Type.NumIn() == 2 && m.Type.NumOut() == 1 &&
		(m.Type.In(1) == p || m.Type.In(1) == j.elem) && m.Type.Out(0).Kind() == reflect.Bool {
		j.equal = m.Index
	}
}

// ref returns the address of what v, a field of the type, holds, invalid if
// that is a nil pointer.
func (j *joiner) ref(v reflect.Value) reflect.Value {
	switch {
	case !j.pointer:
		return value.Addressable(v).Addr()
	case v.IsNil():
		return reflect.Value{}
	}
	return v
}

// put stores what p points to in dst, a field of the type.
func (j *joiner) put(dst, p reflect.Value) {
	if j.pointer {
		dst.Set(p)
	} else {
		dst.Set(p.Elem())
	}
}

// copyOf returns the address of a copy of *p: by Clone if there is one, else
// by merging into the zero value, which for a type that merges is the empty
// state.
func (j *joiner) copyOf(p reflect.Value) (reflect.Value, error) {
	if j.clone >= 0 {
		return asPointer(p.Method(j.clone).Call(nil)[0]), nil
	}
	fresh := reflect.New(j.elem)
	if j.byValue {
		fresh.Elem().Set(p.Elem())
		return fresh, nil
	}
	return fresh, j.into(fresh, p)
}

// into merges *q into *p.
func (j *joiner) into(p, q reflect.Value) error {
	if !j.argPtr {
		q = q.Elem()
	}
	out := p.Method(j.merge).Call([]reflect.Value{q})
	if j.fails {
		if err, _ := reflect.TypeAssert[error](out[len(out)-1]); err != nil {
			return err
		}
	}
	if j.byValue {
		p.Elem().Set(asPointer(out[0]).Elem())
	}
	return nil
}

// same reports whether two values of the type are equal, as far as they can
// be asked.
func (j *joiner) same(s *value.Type, a, b reflect.Value) bool {
	p, q := j.ref(a), j.ref(b)
	switch {
	case !p.IsValid() || !q.IsValid():
		return p.IsValid() == q.IsValid()
	case j.equal >= 0:
		if p.Method(j.equal).Type().In(0) == j.elem {
			q = q.Elem()
		}
		return p.Method(j.equal).Call([]reflect.Value{q})[0].Bool()
	case s != nil:
		return s.Same(a, b)
	}
	return false
}

func asPointer(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer {
		return v
	}
	return value.Addressable(v).Addr()
}
