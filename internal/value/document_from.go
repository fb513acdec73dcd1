package value

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// A DocumentError says what is no value of a document, and where.
type DocumentError struct {
	Path   string // the place inside the document, "" for all of it
	Type   string // the Go type of what is there
	Reason string
}

func (e *DocumentError) Error() string {
	text := e.Type + " " + e.Reason
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	return text
}

func notDocument(x any, format string, args ...any) *DocumentError {
	return &DocumentError{Type: fmt.Sprintf("%T", x), Reason: fmt.Sprintf(format, args...)}
}

// ToDocument returns x as a document that shares nothing with it.
func ToDocument(x any, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, ErrDeep
	}
	switch x := x.(type) {
	case nil, bool, string, float64, int, int64, uint64, int8, int16, int32, uint, uint8, uint16, uint32, float32:
		return x, nil
	case json.Number:
		return x, checkDocument(x, depth)
	case time.Time:
		return textOf(x) // and not JSON, which is the same in quotes
	case json.Marshaler:
		if nilPointer(x) {
			return nil, nil
		}
		return documentOfJSON(x, depth)
	case encoding.TextMarshaler:
		if nilPointer(x) {
			return nil, nil
		}
		return textOf(x)
	}
	return documentOf(reflect.ValueOf(x), depth)
}

func textOf(x encoding.TextMarshaler) (any, error) {
	text, err := x.MarshalText()
	if err != nil {
		return nil, notDocument(x, "has no form in a document: %v", err)
	}
	return string(text), nil
}

// documentOf converts what [ToDocument] has no method or type for.
func documentOf(v reflect.Value, depth int) (any, error) {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return v.Uint(), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, nil
		}
		return ToDocument(v.Elem().Interface(), depth+1)
	case reflect.Slice:
		if v.IsNil() {
			return nil, nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return base64.StdEncoding.EncodeToString(v.Bytes()), nil
		}
		return documentOfList(v, depth)
	case reflect.Array:
		return documentOfList(v, depth)
	case reflect.Map:
		if v.IsNil() {
			return nil, nil
		}
		return documentOfMap(v, depth)
	case reflect.Struct:
		return documentOfJSON(v.Interface(), depth)
	default:
		return nil, notDocument(v.Interface(), "has no form in a document")
	}
}

func documentOfList(v reflect.Value, depth int) (any, error) {
	out := make([]any, v.Len())
	for i := range out {
		e, err := ToDocument(v.Index(i).Interface(), depth+1)
		if err != nil {
			return nil, Below(strconv.Itoa(i), err)
		}
		out[i] = e
	}
	return out, nil
}

func documentOfMap(v reflect.Value, depth int) (any, error) {
	members := make(map[string]reflect.Value, v.Len())
	var bad error
	for it := v.MapRange(); it.Next(); {
		name, err := documentKey(it.Key().Interface())
		if _, twice := members[name]; twice && err == nil {
			err = notDocument(v.Interface(), "has two keys that are %s in a document", QuoteKey(name))
		}
		if err != nil && (bad == nil || err.Error() < bad.Error()) {
			bad = err // the same in any order
		}
		if err == nil {
			members[name] = it.Value()
		}
	}
	if bad != nil {
		return nil, bad
	}
	out := make(map[string]any, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		e, err := ToDocument(members[name].Interface(), depth+1)
		if err != nil {
			return nil, Below(QuoteKey(name), err)
		}
		out[name] = e
	}
	return out, nil
}

// documentKey returns a key as the name of a member.
func documentKey(k any) (string, error) {
	if v := reflect.ValueOf(k); v.Kind() == reflect.String {
		return v.String(), nil
	}
	if m, ok := k.(encoding.TextMarshaler); ok && !nilPointer(m) {
		text, err := textOf(m)
		if err != nil {
			return "", err
		}
		return text.(string), nil
	}
	switch v := reflect.ValueOf(k); {
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), nil
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10), nil
	}
	return "", notDocument(k, "is no key of a document: use strings, integers, bools, or what has a text form")
}

func nilPointer(x any) bool {
	v := reflect.ValueOf(x)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// documentOfJSON returns the document that x is in JSON.
func documentOfJSON(x any, depth int) (any, error) {
	b, err := json.Marshal(x)
	if err != nil {
		return nil, notDocument(x, "has no form in a document: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return nil, notDocument(x, "has no form in a document: %v", err)
	}
	return out, checkDocument(out, depth)
}
