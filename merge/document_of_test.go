package merge_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
)

// TestDocumentOfTypes converts what programs and typed decoders put into maps.
func TestDocumentOfTypes(t *testing.T) {
	type level int8
	type tags []string
	for _, tt := range []struct {
		name    string
		v, want any
	}{
		{"strings", []string{"a", "b"}, []any{"a", "b"}},
		{"no strings", []string(nil), nil},
		{"string map", map[string]string{"a": "b"}, object{"a": "b"}},
		{"objects", []map[string]any{{"a": 1}}, []any{object{"a": 1}}},
		{"any map", map[any]any{"a": []int{1}}, object{"a": []any{1}}},
		{"named types", map[level]tags{3: {"x"}}, object{"3": []any{"x"}}},
		{"time", time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 7200)), "2026-01-02T03:04:05.000000006+02:00"},
		{"duration", time.Second, int64(time.Second)},
		{"bytes", []byte("hello"), "aGVsbG8="},
		{"array", [2]bool{true}, []any{true, false}},
		{"pointer", new(7), 7},
		{"nil pointer", (*int)(nil), nil},
		{"nil marshaler", (*big.Int)(nil), nil},
		{"JSON", json.RawMessage(`{"a":1}`), object{"a": json.Number("1")}},
		{"big number", big.NewInt(7), json.Number("7")},
		{"text form", netip.MustParseAddr("::1"), "::1"},
		{"struct", struct {
			A int `json:"a"`
		}{1}, object{"a": json.Number("1")}},
		{"NaN", math.Inf(1), math.Inf(1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := merge.Document(tt.v)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

// TestDocumentOfNone refuses what has no place in a document, and says where it is.
func TestDocumentOfNone(t *testing.T) {
	deep := any("x")
	for range 1001 {
		deep = []any{deep}
	}
	for _, tt := range []struct {
		name string
		v    any
		want merge.DocumentError
	}{
		{"function", object{"a": []any{1, func() {}}}, merge.DocumentError{Path: "a.1", Type: "func()"}},
		{"complex", map[string]complex64{"a.b": 1}, merge.DocumentError{Path: `"a.b"`, Type: "complex64"}},
		{"key", map[any]any{1.5: "x"}, merge.DocumentError{Type: "float64"}},
		{"null key", object{"m": map[any]any{nil: "x"}}, merge.DocumentError{Path: "m", Type: "<nil>"}},
		{"two keys", object{"m": map[any]any{1: "x", "1": "y"}}, merge.DocumentError{Path: "m", Type: "map[interface {}]interface {}"}},
		{"number", object{"n": json.Number("0x1")}, merge.DocumentError{Path: "n", Type: "json.Number"}},
		{"struct", object{"s": struct{ F func() }{}}, merge.DocumentError{Path: "s", Type: "struct { F func() }"}},
		{"raw", object{"s": json.RawMessage("{")}, merge.DocumentError{Path: "s", Type: "json.RawMessage"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := merge.Document(tt.v)
			bad := new(merge.DocumentError)
			require.ErrorAs(t, err, &bad)
			require.Equal(t, tt.want.Path, bad.Path)
			require.Equal(t, tt.want.Type, bad.Type)
			require.True(t, strings.HasPrefix(err.Error(), "merge: document: "), err.Error())
		})
	}
	_, err := merge.Document(deep)
	require.ErrorContains(t, err, "nested deeper than 1000 levels")

	type node struct{ Next *node }
	n := new(node)
	n.Next = n
	_, err = merge.Document(n)
	require.Error(t, err)

	p := merge.MustCompile(merge.Options[object]{})
	_, err = p.Merge(nil, merge.Side[object]{Value: object{"a": []string{"x"}}}, merge.Side[object]{})
	bad := new(merge.DocumentError)
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "a", bad.Path)
	require.ErrorContains(t, err, "merge.Document")
}

// TestDocumentIsJSON: a document has the JSON of what it was made from, is one of its own, and
// is its own document.
func TestDocumentIsJSON(t *testing.T) {
	leaf := rapid.OneOf(
		rapid.String().AsAny(), rapid.Int().AsAny(), rapid.Uint64().AsAny(), rapid.Bool().AsAny(),
		rapid.SliceOf(rapid.String()).AsAny(), rapid.MapOf(rapid.String(), rapid.Int8()).AsAny(),
		rapid.MapOf(rapid.Int16(), rapid.String()).AsAny(), rapid.SliceOf(rapid.Byte()).AsAny(),
		rapid.Map(rapid.Int64Range(0, 1<<40), func(n int64) any { return time.UnixMilli(n).UTC() }),
		rapid.Ptr(rapid.Int(), true).AsAny(), rapid.Just[any](nil),
	)
	rapid.Check(t, func(t *rapid.T) {
		v := any(rapid.MapOf(rapid.String(), rapid.OneOf(leaf, rapid.SliceOf(leaf).AsAny())).Draw(t, "value"))
		want, err := json.Marshal(v)
		require.NoError(t, err)
		doc, err := merge.Document(v)
		require.NoError(t, err)
		got, err := json.Marshal(doc)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		again, err := merge.Document(doc)
		require.NoError(t, err)
		require.Equal(t, doc, again)
		_, err = merge.MustCompile(merge.Options[any]{}).Merge(&doc, merge.Side[any]{Value: doc})
		require.NoError(t, err)
	})
}

// Settings that people keep in YAML are merged as documents: package yaml makes these maps.
func ExampleDocument() {
	since := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	document := func(ports map[any]any) any {
		doc, err := merge.Document(map[string]any{"ports": ports, "since": since})
		if err != nil {
			fmt.Println(err)
		}
		return doc
	}
	base := document(map[any]any{80: "web"})
	plan := merge.MustCompile(merge.Options[any]{})
	merged, err := plan.Merge(
		&base,
		merge.Side[any]{Value: document(map[any]any{80: "web", 443: "tls"}), Stamp: stamp(1, "eu")},
		merge.Side[any]{Value: document(map[any]any{80: "proxy"}), Stamp: stamp(2, "us")},
	)
	fmt.Println(merged, err)
	// Output: map[ports:map[443:tls 80:proxy] since:2026-01-02T00:00:00Z] <nil>
}
