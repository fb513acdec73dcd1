package cell

import (
	"fmt"
	"slices"
	"strings"

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

// The codes of types whose values have parts.
const (
	codeList TypeCode = iota + 8
	codeArray
	codeMap
	codePointer
	codeStruct
)

// IsContent reports whether values of the type are in full form, which says of itself
// what it is: see package value. Others have bytes that sort as the values do, and no room
// for what a program does not know.
func (c TypeCode) IsContent() bool {
	switch outer, inner := c&15, c>>4; outer {
	case codeList, codeArray, codeMap, codeStruct:
		return true
	case codePointer:
		return inner.IsContent() || inner == codePointer
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
