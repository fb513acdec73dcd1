package merge

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
)

// keyType returns the type of the keys of elements that hold them at the given
// indexes: that of the field, or a struct of several, in the order of the rule.
func keyType(elem reflect.Type, at [][]int) reflect.Type {
	if len(at) == 1 {
		return elem.FieldByIndex(at[0]).Type
	}
	fields := make([]reflect.StructField, len(at))
	for i, index := range at {
		fields[i] = reflect.StructField{Name: "K" + strconv.Itoa(i+1), Type: elem.FieldByIndex(index).Type}
	}
	return reflect.StructOf(fields)
}

// isAt reports whether f is where one of the indexes leads.
func (f *field) isAt(indexes [][]int) bool {
	return slices.ContainsFunc(indexes, func(index []int) bool { return slices.Equal(f.index, index) })
}

// keyOf returns the key of an element.
func (f *field) keyOf(elem reflect.Value) reflect.Value {
	if len(f.at) == 1 {
		return walk(elem, f.at[0])
	}
	key := reflect.New(f.key.Go).Elem()
	for i, index := range f.at {
		key.Field(i).Set(walk(elem, index))
	}
	return key
}

// loadKey sets the key of an element, which is zero, to the one with the given
// bytes, and reports whether it could.
func (f *field) loadKey(elem reflect.Value, content string) bool {
	if len(f.at) == 1 {
		return f.key.Load(walk(elem, f.at[0]), content)
	}
	key := reflect.New(f.key.Go).Elem()
	if !f.key.Load(key, content) {
		return false
	}
	for i, index := range f.at {
		walk(elem, index).Set(key.Field(i))
	}
	return true
}

// keyHolds reports whether an element is known to have the key with the given
// bytes; false also where only reading them can tell.
func (f *field) keyHolds(elem reflect.Value, content string) bool {
	return len(f.at) == 1 && f.key.Holds(walk(elem, f.at[0]), content)
}

// keyText returns a key as a name of a path; one of several fields has a plus
// sign between them, and quotes where one has such a sign itself.
func (f *field) keyText(key reflect.Value) string {
	if len(f.at) < 2 {
		return value.KeyText(f.key, key)
	}
	parts := make([]string, len(f.at))
	for i := range parts {
		part := key.Field(i)
		if parts[i] = value.KeyText(f.keys[i], part); strings.Contains(parts[i], "+") && parts[i][0] != '"' {
			parts[i] = strconv.Quote(parts[i])
		}
	}
	return value.QuoteKey(strings.Join(parts, "+"))
}
