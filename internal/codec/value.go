package codec

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A class says how the values of a type are encoded.
type class uint8

const (
	byKind   class = iota // by kind, as keys are
	raw                   // []byte as it is
	byBinary              // by the type's own binary marshaler
	byJSON                // by encoding/json
)

func classOf[V any]() class {
	var v V
	if basic(&v) {
		return byKind
	}
	if _, ok := any(&v).(*[]byte); ok {
		return raw
	}
	t := reflect.TypeFor[V]()
	switch {
	case covered(reflect.Zero(t)):
		return byKind
	case t.Kind() == reflect.Interface:
		return byJSON
	case hasBinary(any(&v)), t.Kind() == reflect.Pointer && hasBinary(any(v)):
		return byBinary
	default:
		return byJSON
	}
}

// ByKind reports whether values of V are covered by kinds alone. Such a value
// is immutable, and once out of [NormalizeValue] or a decoder encodes again
// without error, so its bytes need not be kept beside it.
func ByKind[V any]() bool { return classOf[V]() == byKind }

// NormalizeValue returns the value that v is stored as: for a type covered by
// kinds what [Normalize] returns, else v itself, which [AppendValue] checks.
func NormalizeValue[V any](v V) (V, error) {
	if basic(&v) || settled(reflect.TypeFor[V]().Kind()) || !ByKind[V]() {
		return v, nil
	}
	return normalizeValue(v)
}

func normalizeValue[V any](v V) (V, error) {
	return checked(v, normalizeKind(reflect.ValueOf(&v).Elem(), ""))
}

// AppendValue appends the canonical bytes of v. It returns an error if v has
// none: if it holds a NaN, if encoding it fails, or if its bytes do not decode
// to a value of the same bytes.
func AppendValue[V any](b []byte, v V) ([]byte, error) {
	switch p := any(&v).(type) {
	case *string:
		return append(b, *p...), nil
	case *[]byte:
		return append(b, *p...), nil
	}
	if reflect.TypeFor[V]().Kind() != reflect.Interface { // ValueOf would look inside
		if c, ok := appendScalar(b, reflect.ValueOf(v)); ok && !isNaN(v) {
			return c, nil
		}
	}
	return appendValueSlow(b, v)
}

func isNaN[V any](v V) bool {
	f := reflect.ValueOf(v)
	return f.CanFloat() && f.Float() != f.Float()
}

func appendValueSlow[V any](b []byte, v V) ([]byte, error) {
	c := classOf[V]()
	if c == byKind {
		v, err := normalizeValue(v)
		if err != nil {
			return b, err
		}
		return appendKind(b, reflect.ValueOf(&v).Elem(), true)
	}
	_, enc, err := reproduce(c, v)
	return append(b, enc...), err
}

// DecodeValue returns the value whose canonical bytes are p, all of it. The
// value does not alias p.
func DecodeValue[V any](p []byte) (V, error) {
	c := classOf[V]()
	switch c {
	case raw:
		var v V
		*any(&v).(*[]byte) = append([]byte{}, p...)
		return v, nil
	case byKind:
		var v V
		r := wire.NewReader(p)
		decodeKind(r, reflect.ValueOf(&v).Elem(), true)
		return checked(v, r.Close())
	default:
		v, err := decode[V](c, bytes.Clone(p))
		return checked(v, err)
	}
}

// reproduce returns the bytes of a value that no kind covers and what they decode
// to. It returns an error unless that has the same bytes, and, where JSON carries
// a type whose == looks at all there is, is v itself.
func reproduce[V any](c class, v V) (stored V, enc []byte, err error) {
	if enc, err = encode(c, v); err == nil {
		stored, err = decode[V](c, enc)
	}
	if err == nil && c == byJSON && flat(reflect.TypeFor[V]()) && !reflect.ValueOf(stored).Equal(reflect.ValueOf(v)) {
		err = fmt.Errorf("JSON carries only a part of %v", v)
	}
	if err != nil {
		return stored, nil, fmt.Errorf("%s: %w", reflect.TypeFor[V](), err)
	}
	return stored, enc, nil
}

// flat reports whether values of type t refer to nothing but strings.
func flat(t reflect.Type) bool {
	switch k := t.Kind(); k {
	case reflect.Array:
		return flat(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !flat(f.Type) {
				return false
			}
		}
		return true
	default:
		return width(k) > 0 || k == reflect.String
	}
}

// encode returns the bytes of a value that no kind covers.
func encode[V any](c class, v V) ([]byte, error) {
	if c == byBinary {
		p, err := marshaler(&v)
		if err != nil {
			return nil, err
		}
		return marshalBinary(nil, p)
	}
	enc, err := json.Marshal(v)
	if err == nil && replaced(enc) {
		err = errors.New("a string in it is not UTF-8, which JSON cannot carry")
	}
	return enc, err
}

// decode returns the value that [encode] encodes as enc.
func decode[V any](c class, enc []byte) (V, error) {
	var v V
	var err error
	if c == byBinary {
		if t := reflect.TypeFor[V](); t.Kind() == reflect.Pointer {
			v = reflect.New(t.Elem()).Interface().(V)
			err = any(v).(encoding.BinaryUnmarshaler).UnmarshalBinary(enc)
		} else {
			err = any(&v).(encoding.BinaryUnmarshaler).UnmarshalBinary(enc)
		}
	} else {
		err = json.Unmarshal(enc, &v)
	}
	if err != nil {
		return v, err
	}
	again, err := encode(c, v)
	if err != nil {
		return v, err
	}
	if !bytes.Equal(again, enc) {
		return v, fmt.Errorf("%q decodes to a value that encodes as %q", clip(enc), clip(again))
	}
	return v, nil
}

// marshaler returns the value that has the methods of V's binary form.
func marshaler[V any](v *V) (any, error) {
	if t := reflect.TypeFor[V](); t.Kind() != reflect.Pointer {
		return v, nil
	}
	if reflect.ValueOf(*v).IsNil() {
		return nil, errors.New("nil pointer")
	}
	return *v, nil
}

// replaced reports whether encoding/json put a replacement for invalid UTF-8
// into enc: it escapes those, and no others.
func replaced(enc []byte) bool {
	for rest := enc; ; {
		i := bytes.Index(rest, []byte(`\ufffd`))
		if i < 0 {
			return false
		}
		backslashes := 0
		for ; backslashes < i && rest[i-1-backslashes] == '\\'; backslashes++ {
		}
		if backslashes%2 == 0 {
			return true
		}
		rest = rest[i+2:]
	}
}

// clip shortens what an error quotes.
func clip(p []byte) []byte {
	const most = 64
	if len(p) <= most {
		return p
	}
	return append(bytes.Clone(p[:most]), "…"...)
}
