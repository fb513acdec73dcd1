package value

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type (
	flag   bool
	word   string
	count  int16
	amount uint16
	ratio  float32

	// A speaking has a text form for its values, also as keys.
	speaking struct{ Word string }

	// A jsonic has a JSON form.
	jsonic struct{ text string }
)

func (s *speaking) MarshalText() ([]byte, error) {
	if s.Word == "" {
		return nil, errors.New("nothing to say")
	}
	return []byte("say " + s.Word), nil
}

func (j *jsonic) MarshalJSON() ([]byte, error) {
	if j.text == "" {
		return nil, errors.New("nothing to write")
	}
	return []byte(j.text), nil
}

// TestToDocument makes documents of what programs hold.
func TestToDocument(t *testing.T) {
	text := "x"
	for _, tt := range []struct{ in, want any }{
		{nil, nil},
		{true, true},
		{int8(5), int8(5)},
		{json.Number("1.50"), json.Number("1.50")},
		{time.Unix(0, 0).UTC(), "1970-01-01T00:00:00Z"},
		{flag(true), true},
		{word("a"), "a"},
		{count(-5), int64(-5)},
		{amount(5), uint64(5)},
		{uintptr(5), uint64(5)},
		{ratio(0.5), 0.5},
		{&text, "x"},
		{(*string)(nil), nil},
		{(*speaking)(nil), nil},
		{(*jsonic)(nil), nil},
		{&speaking{"x"}, "say x"},
		{&jsonic{`{"a":9007199254740993}`}, map[string]any{"a": json.Number("9007199254740993")}},
		{veiled{"x"}, "vx"},
		{celsius{7}, "007"},
		{several{1, "b"}, map[string]any{"A": json.Number("1"), "B": "b"}},
		{[]byte("ab"), "YWI="},
		{[]byte(nil), nil},
		{[]word{"a", "b"}, []any{"a", "b"}},
		{[]word(nil), nil},
		{[]word{}, []any{}},
		{[2]any{1, nil}, []any{1, nil}},
		{[2]byte{1, 2}, []any{uint8(1), uint8(2)}},
		{map[string]any{"a": []any{1}}, map[string]any{"a": []any{1}}},
		{map[string]any(nil), nil},
		{map[word]word{"k": "v", "l": ""}, map[string]any{"k": "v", "l": ""}},
		{map[count]int{-1: 1}, map[string]any{"-1": 1}},
		{map[amount]int{1: 1}, map[string]any{"1": 1}},
		{map[flag]int{true: 1}, map[string]any{"true": 1}},
		{map[*speaking]int{{"k"}: 1}, map[string]any{"say k": 1}},
		{map[any]any{1: 1, "a": 2}, map[string]any{"1": 1, "a": 2}},
	} {
		got, err := ToDocument(tt.in, 0)
		require.NoError(t, err, "%#v", tt.in)
		require.Equal(t, tt.want, got, "%#v", tt.in)
		require.NoError(t, checkDocument(got, 0))
	}
}

// TestNoDocument names what cannot be in a document, and where it stands.
func TestNoDocument(t *testing.T) {
	bad := make(chan int)
	const noForm, noKey = "chan int has no form in a document", " is no key of a document: use strings, integers, bools, or what has a text form"
	for _, tt := range []struct {
		name string
		in   any
		want string
	}{
		{"channel", bad, noForm},
		{"func", func() {}, "func() has no form in a document"},
		{"complex", 1i, "complex128 has no form in a document"},
		{"list", []any{1, bad}, "1: " + noForm},
		{"array", [1]any{[]any{bad}}, "0.0: " + noForm},
		{"map", map[string]any{"a": 1, "b c": bad}, `"b c": ` + noForm},
		{"pointer", &bad, noForm},
		{"number", json.Number("x"), `json.Number "x" is not a number in range`},
		{"number in a list", []any{json.Number("1e2000000000")}, `0: json.Number "1e2000000000" is not a number in range`},
		{"number of a marshaler", &jsonic{`[1e2000000000]`}, `0: json.Number "1e2000000000" is not a number in range`},
		{"text", &speaking{}, "*value.speaking has no form in a document: nothing to say"},
		{"JSON", &jsonic{}, "*value.jsonic has no form in a document: json: error calling MarshalJSON for type *value.jsonic: nothing to write"},
		{"struct", struct{ C chan int }{}, "struct { C chan int } has no form in a document: json: unsupported type: chan int"},
		{"text of a key", map[*speaking]int{{}: 1}, "*value.speaking has no form in a document: nothing to say"},
		{"float as a key", map[float64]int{1: 1}, "float64" + noKey},
		{"nil as a key", map[*speaking]int{nil: 1}, "*value.speaking" + noKey},
		{"bad key beside an empty one", map[any]int{"": 1, 1.5: 2}, "float64" + noKey},
		{"two keys", map[any]int{1: 1, "1": 2}, "map[interface {}]int has two keys that are 1 in a document"},
		{"the first of several", map[any]int{1.5: 1, 1i: 2, [1]int{}: 3}, "[1]int" + noKey},
		{"the first of two", map[any]int{bad: 1, "a": 2, 1.5: 3}, "chan int" + noKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 20 { // whatever the order of a map
				_, err := ToDocument(tt.in, 0)
				require.EqualError(t, err, tt.want)
			}
		})
	}
}

// TestToDocumentDepth counts pointers, lists, and maps as levels.
func TestToDocumentDepth(t *testing.T) {
	for _, wrap := range []func(any) any{
		func(x any) any { return []any{x} },
		func(x any) any { return [1]any{x} },
		func(x any) any { return map[string]any{"k": x} },
		func(x any) any { return &x },
	} {
		var x any = "a"
		for range MaxDepth {
			x = wrap(x)
		}
		_, err := ToDocument(x, 0)
		require.NoError(t, err)
		_, err = ToDocument(wrap(x), 0)
		require.ErrorIs(t, err, ErrDeep)
	}
}

// TestSameDocument compares by value, and never says that kinds are one.
func TestSameDocument(t *testing.T) {
	all := []any{
		nil, false, true, "", "a", 0, 1, 1.5, math.NaN(),
		[]any{},
		[]any{1},
		[]any{1, 2},
		map[string]any{},
		map[string]any{"a": 1},
		map[string]any{"a": 2},
		map[string]any{"b": 1},
	}
	for i, a := range all {
		for j, b := range all {
			require.Equal(t, i == j, SameDocument(a, b), "%#v and %#v", a, b)
		}
	}
	require.True(t, SameDocument([]any{1, json.Number("2.0")}, []any{1.0, int8(2)}))
	require.True(t, SameDocument(map[string]any{"a": 1}, map[string]any{"a": 1.0}))
	require.False(t, SameDocument(struct{}{}, nil))
	require.False(t, SameDocument(1, struct{}{}))
}

// TestCompareNumbersOfDocuments: equal numbers are ordered by type, and then by the way that
// they are written.
func TestCompareNumbersOfDocuments(t *testing.T) {
	for i, numbers := 0, []any{
		math.Copysign(0, -1), 0.0, int(0), int64(0), json.Number("-0"), json.Number("0"), json.Number("0.0"), uint8(0), float32(0.5), 0.5 + 0.25, int64(1),
	}; i < len(numbers); i++ {
		for j := range numbers {
			c := CompareDocument(numbers[i], numbers[j])
			require.Equal(t, [3]bool{i < j, i == j, i > j}, [3]bool{c < 0, c == 0, c > 0}, "%#v and %#v", numbers[i], numbers[j])
		}
	}
	require.Zero(t, CompareDocument(nil, nil))
	require.Negative(t, CompareDocument(map[string]any{"a": 1}, make(chan int)), "what is no document is last")
}

// TestKindsOfDocuments: the kinds are part of the bytes of a document.
func TestKindsOfDocuments(t *testing.T) {
	for kind, all := range [][]any{
		{nil},
		{true},
		{1, int8(1), int16(1), int32(1), int64(1), uint(1), uint8(1), uint16(1), uint32(1), uint64(1), float32(1), 1.0, json.Number("1")},
		{"a"},
		{[]any{}},
		{map[string]any{}},
		{[]string{}, word(""), new(int), uintptr(1)},
	} {
		for _, x := range all {
			require.Equal(t, kind, DocumentKind(x), "%T", x)
		}
	}
}

// TestCopyDocument copies all that can change, and keeps what is nil.
func TestCopyDocument(t *testing.T) {
	inner := map[string]any{"k": "v"}
	x := []any{inner, []any{1}, nil, "a", []any(nil), map[string]any(nil), []any{}, map[string]any{}}
	y := CopyDocument(x).([]any)
	require.Equal(t, x, y)
	inner["k"] = "w"
	x[1].([]any)[0] = 2
	x[3] = "b"
	require.Equal(t, []any{map[string]any{"k": "v"}, []any{1}, nil, "a", []any(nil), map[string]any(nil), []any{}, map[string]any{}}, y)
}

// TestNamedDocument reads and writes maps of a type of their own as documents.
func TestNamedDocument(t *testing.T) {
	type object map[string]any
	v := object{"a": 1}
	at := reflect.ValueOf(&v).Elem()
	require.Equal(t, map[string]any{"a": 1}, Document(at))
	SetDocument(at, map[string]any{"b": 2})
	require.Equal(t, object{"b": 2}, v)
	SetDocument(at, nil)
	require.Nil(t, v)
	var x any = 1
	SetDocument(reflect.ValueOf(&x).Elem(), "a")
	require.Equal(t, "a", x)
	SetDocument(reflect.ValueOf(&x).Elem(), nil)
	require.Nil(t, x)
}
