package value

import (
	"encoding/binary"
	"reflect"
	"strings"
)

// Holds reports whether content is the canonical bytes of v.
func (s *Type) Holds(v reflect.Value, content string) bool {
	var buf [16]byte
	b := buf[:0]
	switch s.Kind {
	case KindString:
		return v.String() == content
	case KindBool:
		b = append(b, Bit(v.Bool()))
	case KindInt:
		b = appendInt(b, v.Int())
	case KindUint:
		b = AppendUint(b, v.Uint())
	case KindFloat:
		b = AppendFloat(b, v.Float())
	case KindTime:
		t := Wall(Addressable(v))
		b = binary.BigEndian.AppendUint32(appendInt(b, t.Unix()), uint32(t.Nanosecond()))
	case KindPointer:
		if v.IsNil() || content == "" {
			return v.IsNil() && content == ""
		}
		return content[0] == 1 && s.Elem.Holds(v.Elem(), content[1:])
	default:
		return false
	}
	return string(b) == content
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
