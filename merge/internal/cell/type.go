package cell

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A TypeCode tells types of values apart whose bytes cannot be told apart: the
// code of what the value is, and of what it points to or consists of times 16.
// The same field with values of two types is two fields, so that programs
// between which its type changed do not read each other's bytes. Zero is for
// groups, which have a code for each member, and where a kind needs none.
//
// All integers have one code, as they have one form.
type TypeCode uint8

// typeNames returns the names of codes below 16.
func typeNames() []string {
	return []string{
		"", "bool", "int", "float", "complex", "string", "bytes", "time", "list", "array", "map", "pointer", "struct", "any",
	}
}

const (
	codeInt   TypeCode = 2
	codeFloat TypeCode = 3
)

// The codes of types whose values have parts.
const (
	codeList TypeCode = iota + 8
	codeArray
	codeMap
	codePointer
	codeStruct
)

// Content is the code of values of which the bytes say all.
const Content = codeStruct

// IsContent reports whether values of the type are in full form, which says of itself
// what it is: see package value. Others have bytes that sort as the values do, and no room
// for what a program does not know.
func (c TypeCode) IsContent() bool {
	switch outer, inner := c&15, c>>4; outer {
	case codeList, codeArray, codeMap, codeStruct:
		return true
	case codePointer:
		return inner.IsContent() || inner == codePointer
	case codeInt, codeFloat:
		return false
	default:
		return false
	}
}

// TypeOf returns the code of a shape, in depth with that of its elements. That of a
// pointer to what is content is that of what it points to, and a type that marshals itself
// counts as a struct: both change without another form.
func TypeOf(s *value.Type, deep bool) TypeCode {
	if s.Kind == value.KindPointer && s.Elem.Kind != value.KindPointer {
		if c := TypeOf(s.Elem, deep); c.IsContent() {
			return c
		}
	}
	name := ""
	switch s.Kind {
	case value.KindBool:
		name = "bool"
	case value.KindInt, value.KindUint:
		name = "int"
	case value.KindFloat:
		name = "float"
	case value.KindComplex:
		name = "complex"
	case value.KindString:
		name = "string"
	case value.KindBytes:
		name = "bytes"
	case value.KindTime:
		name = "time"
	case value.KindSlice:
		name = "list"
	case value.KindArray:
		name = "array"
	case value.KindMap:
		name = "map"
	case value.KindPointer:
		name = "pointer"
	case value.KindStruct, value.KindRaw, value.KindOpaque:
		name = "struct"
	case value.KindDocument:
		name = "any"
	}
	c := TypeCode(slices.Index(typeNames(), name))
	if deep && s.Elem != nil && s.Kind != value.KindBytes {
		c += TypeOf(s.Elem, false) << 4
	}
	return c
}

// Convert returns a value of another type as one of type c, and reports whether c has it: a
// value for a pointer to it and the other way round, where nil is zero, and a whole number for
// a float and the other way round, if that is exact.
func (c TypeCode) Convert(from TypeCode, content string) (string, bool) {
	switch {
	case from == c:
		return content, true
	case c.IsContent() || from.IsContent():
	case c&15 == codePointer && c>>4 == from:
		return "\x01" + content, true
	case from&15 == codePointer && from>>4 == c:
		if rest, ok := strings.CutPrefix(content, "\x01"); ok {
			return rest, true
		}
		return c.zero(content)
	case from == codeInt && c == codeFloat:
		neg, mag, rest, err := value.ReadInt([]byte(content))
		if err != nil || len(rest) > 0 || mag >= exact {
			return "", false
		}
		f := float64(mag)
		if neg {
			f = -f - 1
		}
		return string(value.AppendFloat(nil, f)), true
	case from == codeFloat && c == codeInt && len(content) == 8:
		f := value.ReadFloat([]byte(content))
		if f != math.Trunc(f) || math.Abs(f) >= exact {
			return "", false
		}
		text, err := parseInt(strconv.FormatInt(int64(f), 10), 0)
		return text, err == nil
	}
	return "", false
}

// zero returns the zero of a type for the content of a pointer that is nil.
func (c TypeCode) zero(pointer string) (content string, ok bool) {
	t := c.basic()
	if t == nil || pointer != "" {
		return "", false
	}
	if t.Kind == value.KindPointer {
		return "", true
	}
	zeros := map[value.Kind]any{value.KindBool: false, value.KindInt: 0, value.KindFloat: 0.0, value.KindString: "", value.KindTime: time.Time{}}
	b, err := t.Append(nil, reflect.ValueOf(zeros[t.Kind]))
	return string(b), err == nil
}

// basic returns a type with the code c, if that says all of how its values are read, or nil.
func (c TypeCode) basic() *value.Type {
	switch typeNames()[c&15] {
	case "bool":
		return &value.Type{Kind: value.KindBool}
	case "int":
		return &value.Type{Kind: value.KindInt}
	case "float":
		return &value.Type{Kind: value.KindFloat}
	case "string":
		return &value.Type{Kind: value.KindString}
	case "time":
		return &value.Type{Kind: value.KindTime}
	case "pointer":
		if elem := (c >> 4).basic(); elem != nil {
			return &value.Type{Kind: value.KindPointer, Elem: elem}
		}
	}
	return nil
}

// String returns the name of a type, as in "int" and "pointer to int".
func (c TypeCode) String() string {
	name := func(c TypeCode) string {
		if names := typeNames(); int(c) < len(names) {
			return names[c]
		}
		return fmt.Sprint(uint8(c))
	}
	if c>>4 == 0 {
		return name(c)
	}
	return name(c&15) + " of " + name(c>>4)
}

// parseTypeCode reads what [TypeCode.String] returns for a code that this
// program uses.
func parseTypeCode(text string) (TypeCode, error) {
	outer, inner, has := strings.Cut(text, " of ")
	i, j := slices.Index(typeNames(), outer), 0
	if has {
		j = slices.Index(typeNames(), inner)
	}
	if i < 1 || j < 0 || has && j == 0 {
		return 0, fmt.Errorf("unknown type %.64q", text)
	}
	return TypeCode(i + j<<4), nil
}

// valid reports whether c is the code of some type.
func (c TypeCode) valid() bool {
	n := TypeCode(len(typeNames()))
	return c&15 < n && c>>4 < n && (c&15 > 0 || c == 0)
}
