package value

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// The values of a document, in the order that [CompareDocument] gives them.
const (
	docNull = iota
	DocBool
	DocNumber
	DocString
	docArray
	docObject
	docOther // no value of a document
)

// Document returns what v, of an interface type or a string-keyed map of any,
// holds. A map is an object, be it nil or not.
func Document(v reflect.Value) any {
	object := reflect.TypeFor[map[string]any]()
	if v.Kind() == reflect.Map && v.Type() != object {
		v = v.Convert(object)
	}
	return v.Interface()
}

// SetDocument stores x in dst, a place that [Document] reads.
func SetDocument(dst reflect.Value, x any) {
	switch {
	case x == nil:
		dst.SetZero()
	case dst.Kind() == reflect.Map:
		dst.Set(reflect.ValueOf(x).Convert(dst.Type()))
	default:
		dst.Set(reflect.ValueOf(x))
	}
}

// DocumentKind returns the kind of a part of a document, by which parts are ordered.
func DocumentKind(x any) int {
	switch x.(type) {
	case nil:
		return docNull
	case bool:
		return DocBool
	case string:
		return DocString
	case []any:
		return docArray
	case map[string]any:
		return docObject
	case float64, json.Number, int, int64, int8, int16, int32, uint, uint8, uint16, uint32, uint64, float32:
		return DocNumber
	}
	return docOther
}

// checkDocument returns an error unless x is a value of a document no deeper
// than [MaxDepth]. It names the place inside x by keys and indexes.
func checkDocument(x any, depth int) error {
	if depth > MaxDepth {
		return ErrDeep
	}
	switch x := x.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if err := checkDocument(x[k], depth+1); err != nil {
				return Below(QuoteKey(k), err)
			}
		}
	case []any:
		for i, e := range x {
			if err := checkDocument(e, depth+1); err != nil {
				return Below(strconv.Itoa(i), err)
			}
		}
	case json.Number:
		if _, ok := DecimalOf(x); !ok {
			return notDocument(x, "%q is not a number in range", string(x))
		}
	default:
		if DocumentKind(x) == docOther {
			return notDocument(x, "is not a value of a document: "+
				"use nil, bool, string, a number, json.Number, []any or map[string]any, or merge.Document")
		}
	}
	return nil
}

// SameDocument reports whether a and b are the same value; numbers are
// compared by their shortest decimal text, whatever their types.
func SameDocument(a, b any) bool {
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		y, ok := b.(string)
		return ok && x == y
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, SameDocument)
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, SameDocument)
	case float64:
		if y, ok := b.(float64); ok && x == y {
			return true
		}
	}
	if DocumentKind(b) != DocNumber {
		return false
	}
	d, _ := DecimalOf(a)
	e, _ := DecimalOf(b)
	return d == e
}

// CompareDocument orders documents by value, and equal numbers by the way they
// are written, so that it returns 0 only for documents that read the same.
func CompareDocument(a, b any) int {
	k := DocumentKind(a)
	if c := cmp.Compare(k, DocumentKind(b)); c != 0 {
		return c
	}
	switch k {
	case DocBool:
		return CompareBool(a.(bool), b.(bool))
	case DocNumber:
		d, _ := DecimalOf(a)
		e, _ := DecimalOf(b)
		if c := d.Compare(e); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(fmt.Sprintf("%T", a), fmt.Sprintf("%T", b)), cmp.Compare(numberText(a), numberText(b)))
	case DocString:
		return cmp.Compare(a.(string), b.(string))
	case docArray:
		return slices.CompareFunc(a.([]any), b.([]any), CompareDocument)
	case docObject:
		return compareObjects(a.(map[string]any), b.(map[string]any))
	default:
		return 0
	}
}

// numberText tells apart the numbers of one type that have one value: −0 and
// 0, and the spellings of a json.Number.
func numberText(x any) string {
	switch x := x.(type) {
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case json.Number:
		return string(x)
	}
	return ""
}

func compareObjects(a, b map[string]any) int {
	ka, kb := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	for i := range min(len(ka), len(kb)) {
		if c := cmp.Compare(ka[i], kb[i]); c != 0 {
			return c
		}
		if c := CompareDocument(a[ka[i]], b[kb[i]]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(ka), len(kb))
}

// CopyDocument returns a copy of a document that shares nothing with it.
func CopyDocument(x any) any {
	switch x := x.(type) {
	case []any:
		if x == nil {
			return x
		}
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = CopyDocument(e)
		}
		return out
	case map[string]any:
		if x == nil {
			return x
		}
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = CopyDocument(e)
		}
		return out
	}
	return x
}

// ZeroDocument reports whether a document is nothing, or an empty value of its kind.
func ZeroDocument(x any) bool {
	switch x := x.(type) {
	case nil:
		return true
	case bool:
		return !x
	case string:
		return x == ""
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	d, _ := DecimalOf(x)
	return d.class == classFinite && d.digits == ""
}

// AppendDocument appends the canonical bytes of x: one byte for its kind, then
// nothing, a bool, a number as digits and exponent, a string, the elements
// with their lengths, or keys and values with their lengths, by key.
func AppendDocument(b []byte, x any) []byte {
	k := DocumentKind(x)
	b = append(b, byte(k))
	switch x := x.(type) {
	case bool:
		return append(b, Bit(x))
	case string:
		return append(b, x...)
	case []any:
		for _, e := range x {
			b = wire.AppendBytes(b, AppendDocument(nil, e))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			b = wire.AppendBytes(wire.AppendBytes(b, key), AppendDocument(nil, x[key]))
		}
	default:
		if k == DocNumber {
			d, _ := DecimalOf(x)
			b = append(b, d.String()...)
		}
	}
	return b
}

// decodeDocument decodes what [AppendDocument] wrote; a number becomes a
// float64 if that holds its value, else a json.Number.
func decodeDocument(p []byte) (any, error) { return readDocument(p, 0) }

func readDocument(p []byte, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, ErrDeep
	}
	if len(p) == 0 {
		return nil, errCanonical
	}
	kind, p := int(p[0]), p[1:]
	switch {
	case kind == docNull && len(p) == 0:
		return nil, nil
	case kind == DocBool && len(p) == 1:
		return p[0] == 1, nil
	case kind == DocNumber:
		return readNumber(string(p))
	case kind == DocString:
		return string(p), nil
	case kind == docArray:
		return readDocuments(p, depth)
	case kind == docObject:
		return readObject(p, depth)
	}
	return nil, errCanonical
}

func readNumber(s string) (any, error) {
	switch s {
	case "NaN":
		return math.NaN(), nil
	case "-Inf":
		return math.Inf(-1), nil
	case "+Inf":
		return math.Inf(1), nil
	}
	d, ok := DecimalOf(json.Number(s))
	if !ok || d.String() != s {
		return nil, errCanonical
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && decimalOfFloat(f, 64) == d {
		return f, nil
	}
	return json.Number(s), nil
}

func readDocuments(p []byte, depth int) (any, error) {
	out := []any{}
	for r := wire.NewReader(p); r.Len() > 0; {
		part := r.Bytes()
		if r.Err() != nil {
			return nil, r.Err()
		}
		e, err := readDocument(part, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func readObject(p []byte, depth int) (any, error) {
	out := map[string]any{}
	last := ""
	for r := wire.NewReader(p); r.Len() > 0; {
		key, part := string(r.Bytes()), r.Bytes()
		if r.Err() != nil {
			return nil, r.Err()
		}
		if len(out) > 0 && key <= last {
			return nil, errCanonical
		}
		e, err := readDocument(part, depth+1)
		if err != nil {
			return nil, err
		}
		out[key], last = e, key
	}
	return out, nil
}
