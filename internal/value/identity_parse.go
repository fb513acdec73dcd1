package value

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
)

// decodeJSON sets the addressable v from the JSON that [appendJSON] writes.
func decodeJSON(p []byte, v reflect.Value) error {
	p = bytes.TrimSpace(p)
	switch k := v.Kind(); k {
	case reflect.Bool:
		v.SetBool(string(p) == "true")
		if s := string(p); s != "true" && s != "false" {
			return fmt.Errorf("%.64q is not a bool", p)
		}
		return nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return decodeInteger(string(p), v)
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uintptr:
		s, err := unquote(p)
		if err != nil {
			return fmt.Errorf("%.64q is not a decimal string", p)
		}
		return decodeInteger(s, v)
	case reflect.Float32, reflect.Float64:
		return decodeFloat(p, v)
	case reflect.String:
		s, err := DecodeString(p)
		v.SetString(s)
		return err
	case reflect.Array:
		return decodeArrayJSON(p, v)
	case reflect.Struct:
		if exported(v) {
			return decodeStructJSON(p, v)
		}
		return decodeOpaqueJSON(p, v)
	default:
		return refuseKind(k)
	}
}

// decodeInteger sets v from its decimal digits, in the one form that strconv
// writes.
func decodeInteger(s string, v reflect.Value) error {
	var canonical string
	if v.CanInt() {
		n, err := strconv.ParseInt(s, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%.64q is not of kind %s: %w", s, v.Kind(), errors.Unwrap(err))
		}
		v.SetInt(n)
		canonical = strconv.FormatInt(n, 10)
	} else {
		n, err := strconv.ParseUint(s, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%.64q is not of kind %s: %w", s, v.Kind(), errors.Unwrap(err))
		}
		v.SetUint(n)
		canonical = strconv.FormatUint(n, 10)
	}
	if s != canonical {
		return fmt.Errorf("%.64q is not in canonical form", s)
	}
	return nil
}

func decodeFloat(p []byte, v reflect.Value) error {
	switch s, err := unquote(p); {
	case err == nil && s == "+Inf":
		v.SetFloat(math.Inf(1))
		return nil
	case err == nil && s == "-Inf":
		v.SetFloat(math.Inf(-1))
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(p, &n); err != nil || p[0] == '"' || n == "" {
		return fmt.Errorf("%.64q is not of kind %s", p, v.Kind())
	}
	f, err := strconv.ParseFloat(string(n), v.Type().Bits())
	if err != nil || f == 0 && math.Signbit(f) {
		return fmt.Errorf("%.64q is not of kind %s in canonical form", p, v.Kind())
	}
	v.SetFloat(f)
	return nil
}

func decodeArrayJSON(p []byte, v reflect.Value) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		s, err := unquote(p)
		if err != nil {
			return err
		}
		enc, err := hex.DecodeString(s)
		if err != nil {
			return err
		}
		if len(enc) != v.Len() || hex.EncodeToString(enc) != s {
			return fmt.Errorf("%.64q is not %d bytes in lower-case hexadecimal", s, v.Len())
		}
		for i, c := range enc {
			v.Index(i).SetUint(uint64(c))
		}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(p))
	if err := expect(d, '['); err != nil {
		return err
	}
	for i := range v.Len() {
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		if err := decodeJSON(item, v.Index(i)); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return end(d, ']')
}

func decodeStructJSON(p []byte, v reflect.Value) error {
	seen := 0
	err := DecodeObject(p, func(name string, item []byte) error {
		f, ok := v.Type().FieldByName(name)
		if !ok || len(f.Index) != 1 {
			return errors.New("unknown field")
		}
		seen++
		return decodeJSON(item, v.FieldByIndex(f.Index))
	})
	if err == nil && seen != v.NumField() {
		err = fmt.Errorf("%d of %d fields", seen, v.NumField())
	}
	return err
}

func decodeOpaqueJSON(p []byte, v reflect.Value) error {
	if err := checkOpaque(v.Type()); err != nil {
		return err
	}
	if enc, ok := base64Object(p); ok {
		return setOpaque(v, enc)
	}
	text, err := unquote(p)
	if err != nil {
		return err
	}
	if !hasText(v.Addr().Interface()) {
		return fmt.Errorf("type %s has no text form", v.Type())
	}
	if err := unmarshalText(v.Addr().Interface(), []byte(text)); err != nil {
		return err
	}
	if again, err := marshalText(nil, v.Addr().Interface()); err != nil || string(again) != text {
		return fmt.Errorf("type %s: %.64q is not in canonical form", v.Type(), text)
	}
	return roundTrip(v)
}

func unmarshalText(p any, text []byte) error {
	return p.(encoding.TextUnmarshaler).UnmarshalText(text)
}

// DecodeString returns the string that [AppendString] appends as p.
func DecodeString(p []byte) (string, error) {
	if enc, ok := base64Object(p); ok {
		if isText(string(enc)) {
			return "", errors.New("base64 form of a string that JSON can hold")
		}
		return string(enc), nil
	}
	return unquote(p)
}

// DecodeObject calls member for every member of the JSON object p, in order. It
// returns the first error that member returns, with the name of the member, and
// an error if p is not an object or names a member twice.
func DecodeObject(p []byte, member func(name string, value []byte) error) error {
	d := json.NewDecoder(bytes.NewReader(p))
	if err := expect(d, '{'); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("member %.64q appears twice", name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if err := member(name, value); err != nil {
			return fmt.Errorf("member %.64q: %w", name, err)
		}
	}
	return end(d, '}')
}

// base64Object returns the bytes in p if p is a base64 object in canonical form.
func base64Object(p []byte) ([]byte, bool) {
	if p = bytes.TrimSpace(p); len(p) == 0 || p[0] != '{' {
		return nil, false
	}
	var enc []byte
	found := false
	err := DecodeObject(p, func(name string, value []byte) error {
		if name != "base64" {
			return errors.New("unknown member")
		}
		found = true
		return decodeBase64(value, &enc)
	})
	return enc, err == nil && found
}

func decodeBase64(p []byte, enc *[]byte) error {
	s, err := unquote(p)
	if err != nil {
		return err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return err
	}
	if base64.StdEncoding.EncodeToString(b) != s {
		return errors.New("base64 is not in canonical form")
	}
	*enc = b
	return nil
}

// unquote returns the string that the JSON string p stands for.
func unquote(p []byte) (string, error) {
	p = bytes.TrimSpace(p)
	if len(p) == 0 || p[0] != '"' {
		return "", fmt.Errorf("%.64q is not a JSON string", p)
	}
	var s string
	err := json.Unmarshal(p, &s)
	return s, err
}

func expect(d *json.Decoder, want json.Delim) error {
	got, err := d.Token()
	if err != nil {
		return err
	}
	switch got {
	case want:
		return nil
	case nil:
		return fmt.Errorf("null where %v should be", want)
	default:
		return fmt.Errorf("%.64v where %v should be", got, want)
	}
}

// end reads the last delimiter, and makes sure that nothing follows it.
func end(d *json.Decoder, want json.Delim) error {
	if err := expect(d, want); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the end of the JSON value")
	}
	return nil
}
