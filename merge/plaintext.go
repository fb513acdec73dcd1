package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// plainText returns a value without a form in JSON as fmt does, but with what
// pointers point to in place of their addresses, which differ from run to run.
func plainText(v reflect.Value) string {
	return (&plainPrinter{seen: map[plainRef]int{}}).text(v)
}

// A plainPrinter prints what it has been led to before, as in values that contain
// themselves, as the number under which it met that first.
type plainPrinter struct{ seen map[plainRef]int }

// A plainRef is a pointer, map or list of one type: a struct and its first field
// have one address, as have a list and its beginning.
type plainRef struct {
	typ reflect.Type
	at  uintptr
	n   int
}

// met reports under which number the target of v was met before.
func (p *plainPrinter) met(v reflect.Value) (string, bool) {
	ref := plainRef{typ: v.Type(), at: v.Pointer()}
	if v.Kind() == reflect.Slice {
		ref.n = v.Len()
	}
	if n, ok := p.seen[ref]; ok {
		return "^" + strconv.Itoa(n), true
	}
	p.seen[ref] = len(p.seen)
	return "", false
}

func (p *plainPrinter) text(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "<nil>"
		}
		if n, ok := p.met(v); ok {
			return n
		}
		return p.text(v.Elem())
	case reflect.Interface:
		if v.IsNil() {
			return "<nil>"
		}
		return p.text(v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Len() > 0 {
			if n, ok := p.met(v); ok {
				return n
			}
		}
		var parts []string
		for i := range v.Len() {
			parts = append(parts, p.text(v.Index(i)))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case reflect.Map:
		return p.mapping(v)
	case reflect.Struct:
		if v.CanInterface() && v.Type().Implements(reflect.TypeFor[fmt.Stringer]()) {
			break
		}
		var parts []string
		for _, f := range v.Fields() {
			parts = append(parts, p.text(f))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return v.Type().String()
	default:
	}
	return fmt.Sprint(v)
}

func (p *plainPrinter) mapping(v reflect.Value) string {
	if !v.IsNil() {
		if n, ok := p.met(v); ok {
			return n
		}
	}
	type entry struct {
		key  string
		elem reflect.Value
	}
	var entries []entry
	for k, e := range v.Seq2() {
		entries = append(entries, entry{plainText(k), e})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	var parts []string
	for _, e := range entries {
		parts = append(parts, e.key+":"+p.text(e.elem))
	}
	return "map[" + strings.Join(parts, " ") + "]"
}
