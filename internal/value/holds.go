package value

import (
	"reflect"
	"strings"
)

// Holds reports whether content is the canonical bytes of v.
func (s *Type) Holds(v reflect.Value, content string) bool {
	switch s.Kind {
	case KindString:
		return v.String() == content
	case KindPointer:
		if v.IsNil() || content == "" {
			return v.IsNil() && content == ""
		}
		return content[0] == 1 && s.Elem.Holds(v.Elem(), content[1:])
	case KindBool, KindInt, KindUint, KindFloat, KindComplex, KindBytes, KindTime, KindSlice, KindArray, KindMap, KindStruct, KindRaw, KindOpaque,
		KindDocument:
	}
	var buf [24]byte
	b, ok := s.appendScalar(buf[:0], v)
	return ok && string(b) == content
}

// Bytes returns the canonical bytes of v: see [Type.Append].
func (s *Type) Bytes(v reflect.Value) (string, error) {
	var buf [24]byte // which the compiler keeps on the stack, as b goes through no method of v
	if b, ok := s.appendScalar(buf[:0], v); ok {
		return string(b), nil
	}
	if s.Kind == KindString {
		return v.String(), nil
	}
	b, err := s.Append(nil, v)
	return string(b), err
}

// appendScalar appends the canonical bytes of a number, a truth value or a time. It
// reports false for others.
func (s *Type) appendScalar(b []byte, v reflect.Value) ([]byte, bool) {
	switch s.Kind {
	case KindBool:
		return append(b, Bit(v.Bool())), true
	case KindInt:
		return appendInt(b, v.Int()), true
	case KindUint:
		return AppendUint(b, v.Uint()), true
	case KindFloat:
		return appendContentFloat(b, v.Float()), true
	case KindTime:
		b, err := appendZoned(b, Wall(v))
		return b, err == nil
	case KindComplex, KindString, KindBytes, KindSlice, KindArray, KindMap, KindPointer, KindStruct, KindRaw, KindOpaque, KindDocument:
	}
	return b, false
}

// Load sets dst, which holds the zero value, to the value whose canonical bytes
// content is, and reports whether it could. If not, dst is zero.
func (s *Type) Load(dst reflect.Value, content string) bool {
	switch {
	case s.Kind == KindString:
		dst.SetString(content)
		return true
	case s.Kind.isScalar():
		if s.readScalar(dst, []byte(content)) == nil && s.Holds(dst, content) {
			return true
		}
		dst.SetZero()
		return false
	case s.Kind == KindPointer && s.Elem.Kind.isScalar() && strings.HasPrefix(content, "\x01"):
		v := reflect.New(s.Go.Elem())
		if !s.Elem.Load(v.Elem(), content[1:]) {
			return false
		}
		dst.Set(v)
		return true
	}
	if s.Decode(dst, []byte(content)) != nil {
		dst.SetZero()
		return false
	}
	return true
}
