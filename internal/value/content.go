package value

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// isBasicValue reports whether p points to a predeclared type that is stored as
// it is.
func isBasicValue(p any) bool {
	switch p.(type) {
	case *struct{}, *string, *bool, *int, *int8, *int16, *int32, *int64, *uint, *uint8, *uint16, *uint32, *uint64:
		return true
	}
	return false
}

// Store returns the value that v is stored as, which is what its bytes decode to
// and shares no memory with v, and the full form to keep beside it, "" for none.
// It returns a [*TypeError] if V cannot be content, or if v does not survive its
// encoding.
func Store[V any](v V) (stored V, kept string, err error) {
	if isBasicValue(&v) {
		return v, "", nil
	}
	p, err := planFor[V]()
	if err != nil {
		return stored, "", err
	}
	if p.asIs {
		return v, "", nil
	}
	return storeSlow(v, p)
}

// storeSlow is [Store] for a value that is not stored as it is. It is on its own because its
// values are in the heap.
func storeSlow[V any](v V, p *plan) (stored V, kept string, err error) {
	if f, ok := any(&v).(*float64); ok {
		if *f += 0; *f != *f { // −0 + 0 = 0
			*f = math.NaN()
		}
		return v, "", nil
	}
	full, err := p.settled(reflect.ValueOf(&v).Elem(), reflect.ValueOf(&stored).Elem())
	if err != nil || p.plain {
		return stored, "", err
	}
	return stored, string(full), nil
}

// Replace is [Store] for a value that replaces another, beside which oldKept is
// kept: the bytes of it stay wherever v is what they decode to, and so do fields that V
// does not know.
func Replace[V any](v V, oldKept string) (stored V, kept string, err error) {
	stored, kept, err = Store(v)
	if err != nil || oldKept == "" {
		return stored, kept, err
	}
	return replaceSlow(stored, kept, oldKept)
}

// replaceSlow is Replace for what was stored, beside which kept would be, if nothing were there.
func replaceSlow[V any](stored V, kept, oldKept string) (V, string, error) {
	p, err := planFor[V]()
	if err != nil {
		return stored, kept, err
	}
	v, fresh := reflect.ValueOf(&stored).Elem(), []byte(kept)
	if kept == "" {
		fresh, err = p.appendFull(make([]byte, 0, len(oldKept)+16), v, 0)
	}
	if err != nil {
		return stored, kept, err
	}
	full, err := p.carryOver(nil, fresh, []byte(oldKept), v)
	if err != nil {
		return stored, kept, err
	}
	if !p.plain {
		return stored, string(full), nil
	}
	if again, err := p.appendFull(make([]byte, 0, len(full)), v, 0); err == nil && bytes.Equal(again, full) {
		return stored, "", nil
	}
	return stored, string(full), nil
}

// usualFull is room for the full form of what people store.
const usualFull = 64

// settled sets stored to what v is stored as, and returns its full form.
func (p *plan) settled(v, stored reflect.Value) ([]byte, error) {
	full, err := p.appendFull(make([]byte, 0, usualFull), v, 0)
	if err != nil {
		return nil, p.at(err)
	}
	for range 2 {
		stored.SetZero()
		if _, bad := p.read(stored, full); bad != nil {
			return nil, &TypeError{Type: p.typ, Path: bad.Field, Reason: "cannot read what it writes: " + bad.Error(), err: bad.Err}
		}
		if p.exact {
			return full, nil
		}
		again, err := p.appendFull(make([]byte, 0, len(full)), stored, 0)
		if err != nil {
			return nil, p.at(err)
		}
		if bytes.Equal(again, full) {
			return full, p.at(p.lost(v, stored))
		}
		full = again
	}
	return nil, &TypeError{Type: p.typ, Reason: "its encoding changes each time that it is read"}
}

// at gives an error the type of p.
func (p *plan) at(err error) error {
	if err == nil {
		return nil
	}
	if e := new(TypeError); errors.As(err, &e) {
		return &TypeError{Type: p.typ, Path: e.Path, Reason: e.Reason, err: e.err}
	}
	return &TypeError{Type: p.typ, Reason: err.Error(), err: err}
}

// AppendFull appends the full form of v.
func AppendFull[V any](b []byte, v *V, kept string) []byte {
	if kept != "" {
		return append(b, kept...)
	}
	if c := basicCode(v); c != codeNil {
		return appendBasic(append(b, byte(c)), v)
	}
	p, err := planFor[V]()
	if err == nil {
		b, err = p.appendFull(b, reflect.ValueOf(v).Elem(), 0)
	}
	if err != nil {
		panic(fmt.Sprintf("value: %v was not stored: %v", reflect.TypeFor[V](), err))
	}
	return b
}

// Load returns the value with the given full form, which must be valid, and the
// form to keep beside it, "" for none. If V cannot hold it, Load returns a
// [*ValueError], the zero value, and the form.
func Load[V any](full string) (v V, kept string, bad *ValueError) {
	same, bad := loadInto(&v, []byte(full))
	if same {
		return v, "", bad
	}
	return v, full, bad
}

// Read is [Load] of bytes from outside. It returns an error if they are no full form.
func Read[V any](full []byte) (v V, kept string, bad *ValueError, err error) {
	if c := basicCode(&v); c != codeNil && len(full) > 0 && code(full[0]) == c {
		if rest, ok := readBasic(&v, c, full[1:]); ok && len(rest) == 0 {
			return v, "", nil, nil
		}
		var zero V
		v = zero
	}
	if err := checkFull(full); err != nil {
		return v, "", nil, err
	}
	v, kept, bad = Load[V](string(full))
	return v, kept, bad, nil
}

// loadInto sets dst to the value with the given full form, or to zero, and reports
// whether V gives the form back so that nothing is to be kept.
func loadInto[V any](dst *V, full []byte) (same bool, bad *ValueError) {
	var zero V
	*dst = zero
	p, err := planFor[V]()
	if err != nil {
		return false, &ValueError{Stored: code(full[0]).String(), Wanted: err.Error()}
	}
	v := reflect.ValueOf(dst).Elem()
	if _, bad := p.read(v, full); bad != nil {
		v.SetZero()
		return false, bad
	}
	if !p.plain {
		return false, nil
	}
	var buf [128]byte
	again, err := p.appendFull(buf[:0], v, 0)
	return err == nil && bytes.Equal(again, full), nil
}

// Unreadable returns why V cannot hold the value with the given full form, or nil.
func Unreadable[V any](full string) *ValueError {
	_, _, bad := Load[V](full)
	return bad
}

// Compare returns the order of the full forms of two values.
func Compare[V any](a *V, aKept string, b *V, bKept string) int {
	if aKept != "" && bKept != "" {
		return strings.Compare(aKept, bKept)
	}
	if aKept == bKept && Same(a, b) {
		return 0
	}
	return compareSlow(*a, aKept, *b, bKept) // of copies, so that a and b may be on the stack
}

func compareSlow[V any](a V, aKept string, b V, bKept string) int {
	var x, y [128]byte
	return bytes.Compare(AppendFull(x[:0], &a, aKept), AppendFull(y[:0], &b, bKept))
}

// Same reports whether two plain values are ==, which is false for those with a
// NaN.
func Same[V any](a, b *V) bool {
	switch p := any(a).(type) {
	case *string:
		return *p == *any(b).(*string)
	case *int64:
		return *p == *any(b).(*int64)
	}
	return any(*a) == any(*b)
}
