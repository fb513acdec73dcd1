package value

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"

	"github.com/rejoin-go/rejoin/internal/wire"
)

var errNoMarshaler = errors.New("has unexported fields and does not marshal itself")

// hasBinary reports whether p, a pointer to a value, has both halves of a
// binary form.
func hasBinary(p any) bool {
	switch p.(type) {
	case encoding.BinaryAppender, encoding.BinaryMarshaler:
		_, ok := p.(encoding.BinaryUnmarshaler)
		return ok
	}
	return false
}

// hasText reports whether p, a pointer to a value, has both halves of a text
// form.
func hasText(p any) bool {
	switch p.(type) {
	case encoding.TextAppender, encoding.TextMarshaler:
		_, ok := p.(encoding.TextUnmarshaler)
		return ok
	}
	return false
}

// marshal appends the binary form of what p points to, or else its text form.
func marshal(b []byte, p any) ([]byte, error) {
	if hasBinary(p) {
		return marshalBinary(b, p)
	}
	if hasText(p) {
		return marshalText(b, p)
	}
	return b, errNoMarshaler
}

func marshalBinary(b []byte, p any) ([]byte, error) {
	if m, ok := p.(encoding.BinaryAppender); ok {
		return m.AppendBinary(b)
	}
	enc, err := p.(encoding.BinaryMarshaler).MarshalBinary()
	return append(b, enc...), err
}

func marshalText(b []byte, p any) ([]byte, error) {
	if m, ok := p.(encoding.TextAppender); ok {
		return m.AppendText(b)
	}
	enc, err := p.(encoding.TextMarshaler).MarshalText()
	return append(b, enc...), err
}

// unmarshal inverts [marshal].
func unmarshal(p any, enc []byte) error {
	if hasBinary(p) {
		return p.(encoding.BinaryUnmarshaler).UnmarshalBinary(enc)
	}
	if hasText(p) {
		return p.(encoding.TextUnmarshaler).UnmarshalText(enc)
	}
	return errNoMarshaler
}

// checkOpaque returns an error if a struct type with unexported fields cannot
// be a key.
func checkOpaque(t reflect.Type) error {
	p := reflect.New(t).Interface()
	if !hasBinary(p) && !hasText(p) {
		return fmt.Errorf("type %s %w", t, errNoMarshaler)
	}
	return nil
}

// roundTrip returns an error unless the addressable v comes back == from the
// bytes it marshals to.
func roundTrip(v reflect.Value) error {
	if err := checkOpaque(v.Type()); err != nil {
		return err
	}
	enc, err := marshal(nil, v.Addr().Interface())
	if err != nil {
		return fmt.Errorf("type %s: %w", v.Type(), err)
	}
	return comesBack(v, enc)
}

// comesBack returns an error unless enc unmarshals to v, and that marshals to enc
// again: a type that makes other bytes of equal values has no canonical ones.
func comesBack(v reflect.Value, enc []byte) error {
	w := reflect.New(v.Type())
	if err := unmarshal(w.Interface(), enc); err != nil {
		return fmt.Errorf("type %s cannot read what it marshals: %w", v.Type(), err)
	}
	if !v.Comparable() || !w.Elem().Equal(v) {
		return fmt.Errorf("type %s: %v is not equal to itself after marshaling and unmarshaling", v.Type(), v)
	}
	again, err := marshal(nil, w.Interface())
	if err != nil {
		return fmt.Errorf("type %s: %w", v.Type(), err)
	}
	if !bytes.Equal(again, enc) {
		return fmt.Errorf("type %s: %x is not in canonical form", v.Type(), enc)
	}
	return nil
}

// decodeOpaque sets the addressable v, whose type marshals itself, from enc.
func decodeOpaque(r *wire.Reader, enc []byte, v reflect.Value) {
	if r.Err() != nil {
		return
	}
	if err := setOpaque(v, enc); err != nil {
		r.Fail("%w", err)
	}
}

func setOpaque(v reflect.Value, enc []byte) error {
	if err := checkOpaque(v.Type()); err != nil {
		return err
	}
	if err := unmarshal(v.Addr().Interface(), enc); err != nil {
		return err
	}
	return comesBack(v, enc)
}
