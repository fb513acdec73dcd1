package value

import (
	"encoding"
	"errors"
	"reflect"
	"strconv"
)

// errPath is an error about a place inside a value.
type errPath struct {
	path string
	err  error
}

func (e *errPath) Error() string { return e.path + ": " + e.err.Error() }

func (e *errPath) Unwrap() error { return e.err }

// Below puts name in front of the path that err is about.
func Below(name string, err error) error {
	if inner, ok := errors.AsType[*DocumentError](err); ok {
		inner.Path = JoinPath(name, inner.Path)
		return err
	}
	if inner, ok := errors.AsType[*errPath](err); ok {
		return &errPath{JoinPath(name, inner.path), inner.err}
	}
	return &errPath{name, err}
}

// JoinPath joins two paths, either of which may be empty.
func JoinPath(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "." + b
}

// QuoteKey returns the name of a path for a key.
func QuoteKey(s string) string {
	plain := s != ""
	for _, c := range s {
		plain = plain && c > ' ' && c != '.' && c != '*' && c != '"' && c != 0xfffd && strconv.IsPrint(c)
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}

// KeyText returns a key or element as a name of a path.
func KeyText(s *Type, v reflect.Value) string {
	switch s.Kind {
	case KindString:
		return QuoteKey(v.String())
	case KindInt:
		return strconv.FormatInt(v.Int(), 10)
	case KindUint:
		return strconv.FormatUint(v.Uint(), 10)
	case KindBool:
		return strconv.FormatBool(v.Bool())
	case KindFloat:
		return QuoteKey(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case KindComplex, KindBytes, KindTime, KindSlice, KindArray, KindMap, KindPointer, KindStruct, KindRaw, KindOpaque, KindDocument:
	}
	if x, ok := reflect.TypeAssert[encoding.TextMarshaler](Addressable(v).Addr()); ok {
		if p, err := x.MarshalText(); err == nil {
			return QuoteKey(string(p))
		}
	}
	p, _ := s.Append(nil, v)
	return strconv.Quote(string(p))
}
