package value

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errNotUTF8 = errors.New("JSON is not UTF-8")

// AppendKeyJSON appends the JSON form of k, which must be as for [AppendKey].
func AppendKeyJSON[K comparable](b []byte, k K) []byte {
	v := reflect.ValueOf(&k).Elem()
	b, err := appendJSON(b, v)
	if err != nil {
		panic(fmt.Sprintf("value: key type %s: %v", v.Type(), err))
	}
	return b
}

// DecodeKeyJSON returns the key whose JSON form is p. White space and the order
// of an object's members are free; everything else is as [AppendKeyJSON] writes
// it.
func DecodeKeyJSON[K comparable](p []byte) (K, error) {
	var k K
	if !utf8.Valid(p) {
		return checked(k, errNotUTF8)
	}
	return checked(k, decodeJSON(p, reflect.ValueOf(&k).Elem()))
}

// appendJSON appends the JSON form of the addressable v, by kind.
func appendJSON(b []byte, v reflect.Value) ([]byte, error) {
	switch k := v.Kind(); k {
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int8, reflect.Int16, reflect.Int32:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Int, reflect.Int64:
		b = strconv.AppendInt(append(b, '"'), v.Int(), 10)
		return append(b, '"'), nil
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return strconv.AppendUint(b, v.Uint(), 10), nil
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		b = strconv.AppendUint(append(b, '"'), v.Uint(), 10)
		return append(b, '"'), nil
	case reflect.Float32, reflect.Float64:
		return appendFloat(b, v.Float(), v.Type().Bits()), nil
	case reflect.String:
		return appendText(b, v.String()), nil
	case reflect.Array:
		return appendArrayJSON(b, v)
	case reflect.Struct:
		if exported(v) {
			return appendStructJSON(b, v)
		}
		return appendOpaqueJSON(b, v)
	default:
		return b, refuseKind(k)
	}
}

func appendArrayJSON(b []byte, v reflect.Value) ([]byte, error) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		enc, _ := appendScalar(nil, v)
		b = hex.AppendEncode(append(b, '"'), enc)
		return append(b, '"'), nil
	}
	b = append(b, '[')
	var err error
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendJSON(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendStructJSON(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	var err error
	for i := range v.NumField() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendString(b, v.Type().Field(i).Name), ':')
		if b, err = appendJSON(b, v.Field(i)); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendOpaqueJSON appends the text form of the addressable v if that leads
// back to v, else its binary form.
func appendOpaqueJSON(b []byte, v reflect.Value) ([]byte, error) {
	p := v.Addr().Interface()
	if hasText(p) {
		text, err := marshalText(nil, p)
		if err == nil && utf8.Valid(text) && readsText(v, text) {
			return appendText(b, string(text)), nil
		}
	}
	enc, err := marshal(nil, p)
	if err != nil {
		return b, err
	}
	return appendBase64Object(b, enc), nil
}

// readsText reports whether text unmarshals to v.
func readsText(v reflect.Value, text []byte) bool {
	w := reflect.New(v.Type())
	return unmarshalText(w.Interface(), text) == nil && w.Elem().Equal(v)
}

// appendFloat appends f as encoding/json does, and infinities as strings.
func appendFloat(b []byte, f float64, bits int) []byte {
	switch abs := math.Abs(f); {
	case math.IsInf(f, 1):
		return append(b, `"+Inf"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Inf"`...)
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.AppendFloat(b, f, 'e', -1, bits)
	default:
		return strconv.AppendFloat(b, f, 'f', -1, bits)
	}
}

// isText reports whether s can be a JSON string everywhere: PostgreSQL's jsonb takes no
// NUL, and nobody takes what is not UTF-8.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// appendText appends s as a JSON string, or as an object that holds its bytes if s is
// not UTF-8 or has a NUL. [DecodeString] inverts it.
func appendText(b []byte, s string) []byte {
	if !isText(s) {
		return appendBase64Object(b, []byte(s))
	}
	return AppendString(b, s)
}

// AppendString appends s, which is UTF-8, as a JSON string.
func AppendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"', c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c < 0x20, c == 0x7f, c == '\u2028', c == '\u2029':
			b = append(b, '\\', 'u', digits[c>>12], digits[c>>8&15], digits[c>>4&15], digits[c&15])
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}

func appendBase64Object(b, p []byte) []byte {
	b = append(b, `{"base64":"`...)
	b = base64.StdEncoding.AppendEncode(b, p)
	return append(b, `"}`...)
}
