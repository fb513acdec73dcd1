package value

import (
	"bytes"
	"reflect"
)

// lost returns an error that names a part of v which the form of a type's own did
// not keep, stored being what it decodes to. A type is asked by its method Equal, or
// by the order that was handed over for it; else its exported fields are compared, if it has
// no others, and else == is asked, if it does not compare pointers.
func (p *plan) lost(v, stored reflect.Value) error {
	switch {
	case p.exact:
		return nil
	case p.own != formNone:
		if !p.keeps(v, stored) {
			return &TypeError{Type: p.typ, Reason: "its own encoding does not keep all of the value; complete it, or register a content.Codec"}
		}
		return nil
	}
	switch p.kind {
	case KindPointer:
		if !v.IsNil() && !stored.IsNil() {
			return p.elem.lost(v.Elem(), stored.Elem())
		}
	case KindSlice, KindArray:
		for i := range min(v.Len(), stored.Len()) {
			if err := p.elem.lost(v.Index(i), stored.Index(i)); err != nil {
				return within("[]", err)
			}
		}
	case KindMap:
		for it := v.MapRange(); it.Next(); {
			if e := stored.MapIndex(it.Key()); e.IsValid() {
				if err := p.elem.lost(it.Value(), e); err != nil {
					return within("{}", err)
				}
			}
		}
	case KindStruct:
		for i := range p.fields {
			f := &p.fields[i]
			if err := f.lost(f.in(v), f.in(stored)); err != nil {
				return within(f.path, err)
			}
		}
	case KindBool, KindInt, KindUint, KindFloat, KindComplex, KindString, KindBytes, KindTime, KindRaw, KindOpaque, KindDocument:
	}
	return nil
}

// keeps reports whether w, which v's own form decodes to, is v.
func (p *plan) keeps(v, w reflect.Value) bool {
	v, w = Addressable(v), Addressable(w)
	pointer := reflect.PointerTo(p.typ)
	if m, ok := pointer.MethodByName("Equal"); ok {
		switch {
		case IsFunc(m.Type, []reflect.Type{pointer, p.typ}, reflect.TypeFor[bool]()):
			return v.Addr().Method(m.Index).Call([]reflect.Value{w})[0].Bool()
		case IsFunc(m.Type, []reflect.Type{pointer, pointer}, reflect.TypeFor[bool]()):
			return v.Addr().Method(m.Index).Call([]reflect.Value{w.Addr()})[0].Bool()
		}
	}
	if p.order != nil && !v.IsZero() && !w.IsZero() {
		return p.order(v, w) == 0
	}
	if p.kind != 0 {
		kinds := *p
		kinds.own = formNone
		a, errA := kinds.appendFull(nil, v, 0)
		b, errB := kinds.appendFull(nil, w, 0)
		return errA != nil || errB != nil || bytes.Equal(a, b)
	}
	return !pointerFree(p.typ) || v.Equal(w)
}

// pointerFree reports whether values of typ refer to nothing but strings, so that
// == compares all of them.
func pointerFree(typ reflect.Type) bool {
	switch k := typ.Kind(); k {
	case reflect.Array:
		return pointerFree(typ.Elem())
	case reflect.Struct:
		for f := range typ.Fields() {
			if !pointerFree(f.Type) {
				return false
			}
		}
		return true
	default:
		return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
	}
}
