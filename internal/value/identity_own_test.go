package value_test

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

type (
	// A boxed holds anything, also what cannot be compared.
	boxed struct{ v any }

	// A half has one half of each form.
	half struct{ _ byte }

	// A deaf does not read what it writes.
	deaf struct{ n byte }

	// A tired writes itself once, and not again.
	tired struct{ n byte }

	// A unit is written as nothing.
	unit struct{ _ byte }

	// A binaryText has a text that JSON cannot carry, one that does not lead back to it, or none.
	binaryText struct{ n byte }

	// A wordy has a text form only, some of which it does not read.
	wordy struct{ n byte }

	handle uintptr
	truth  bool
)

func (boxed) MarshalBinary() ([]byte, error)  { return nil, nil }
func (*boxed) UnmarshalBinary([]byte) error   { return nil }
func (half) MarshalBinary() ([]byte, error)   { return nil, nil }
func (*half) UnmarshalText([]byte) error      { return nil }
func (d deaf) MarshalBinary() ([]byte, error) { return []byte{d.n}, nil }
func (*deaf) UnmarshalBinary([]byte) error    { return errors.New("deaf") }

func (i tired) MarshalBinary() ([]byte, error) {
	if i.n == 0 {
		return nil, errors.New("tired")
	}
	return []byte{i.n}, nil
}
func (i *tired) UnmarshalBinary(p []byte) error { i.n = p[0]; return nil }
func (unit) MarshalBinary() ([]byte, error)     { return nil, nil }
func (*unit) UnmarshalBinary(p []byte) error {
	if len(p) > 0 {
		return errors.New("more than nothing")
	}
	return nil
}

func (b binaryText) MarshalBinary() ([]byte, error) { return []byte{b.n}, nil }
func (b *binaryText) UnmarshalBinary(p []byte) (err error) {
	b.n, err = one(p, 0)
	return err
}

func (b binaryText) MarshalText() ([]byte, error) {
	switch b.n {
	case 1:
		return []byte("\xff"), nil
	case 2:
		return []byte("unread"), nil
	case 3:
		return []byte("another"), nil
	case 4:
		return []byte("four"), errors.New("no text")
	}
	return []byte("plain"), nil
}

func (b *binaryText) UnmarshalText(p []byte) error {
	switch string(p) {
	case "\xff":
		b.n = 1
	case "plain":
		b.n = 9
	case "another":
		b.n = 8
	case "four":
		b.n = 4
	default:
		return errors.New("unread")
	}
	return nil
}

func (w wordy) MarshalText() ([]byte, error) {
	if w.n == 9 {
		return []byte("j"), errors.New("wordless")
	}
	return []byte{'a' + w.n}, nil
}

func (w *wordy) UnmarshalText(p []byte) error {
	if string(p) == "!" {
		return errors.New("no word")
	}
	w.n = p[0] - 'a'
	return nil
}

// TestOwnKeys names the type, and the field, of a key that does not come back from its bytes.
func TestOwnKeys(t *testing.T) {
	type inner struct {
		A int
		T tired
	}
	normal := func(_ any, err error) error { return err }
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"halves", normal(value.Normalize(half{})), "key type value_test.half: type value_test.half has unexported fields and does not marshal itself"},
		{"not comparable", normal(value.Normalize(boxed{[]int{1}})), "key type value_test.boxed: type value_test.boxed: {[1]} is not equal to itself after marshaling and unmarshaling"},
		{"not read", normal(value.Normalize(deaf{1})), "key type value_test.deaf: type value_test.deaf cannot read what it marshals: deaf"},
		{"not written", normal(value.Normalize(tired{})), "key type value_test.tired: type value_test.tired: tired"},
		{"field not written", normal(value.Normalize(inner{})), "key type value_test.inner: field T: type value_test.tired: tired"},
		{"array not written", normal(value.Normalize([2]inner{{1, tired{1}}, {}})), "key type [2]value_test.inner: field T: type value_test.tired: tired"},
		{"field after others", normal(value.Normalize(struct {
			A int
			F float64
		}{1, math.NaN()})), "key type struct { A int; F float64 }: field F: NaN is no key or element"},
	} {
		t.Run(tt.name, func(t *testing.T) { require.EqualError(t, tt.err, tt.want) })
	}
	h, err := value.Normalize(handle(5))
	require.NoError(t, err)
	require.Equal(t, handle(5), h)
	b, err := value.Normalize(truth(true))
	require.NoError(t, err)
	require.Equal(t, truth(true), b)
	checkKey(t, handle(5))
	checkKey(t, truth(true))
	checkKey(t, unit{})
	checkKey(t, [2]unit{})
}

// TestKeysThatAreNone: who encodes a key that was never checked is told, and bytes of such a
// type are none.
func TestKeysThatAreNone(t *testing.T) {
	type fields struct {
		P *int
		N int
	}
	requireNoKey(t, (*int)(nil), "*int", "kind ptr is not supported")
	requireNoKey(t, any(nil), "interface {}", "kind interface is not supported")
	requireNoKey(t, complex(1, 0), "complex128", "kind complex128 is not supported")
	requireNoKey(t, unsafe.Pointer(nil), "unsafe.Pointer", "kind unsafe.Pointer is not supported")
	requireNoKey(t, [2]*int{}, "[2]*int", "kind ptr is not supported")
	requireNoKey(t, fields{}, "value_test.fields", "kind ptr is not supported")
	requireNoKey(t, half{}, "value_test.half", "has unexported fields and does not marshal itself")
}

func requireNoKey[K comparable](t *testing.T, k K, typ, reason string) {
	t.Helper()
	want := "value: key type " + typ + ": " + reason
	require.PanicsWithValue(t, want, func() { value.AppendKey(nil, k) })
	require.PanicsWithValue(t, want, func() { value.AppendKeyJSON(nil, k) })
	for _, p := range []string{"", "\x00", strings.Repeat("\x00", 16)} {
		_, err := value.DecodeKey[K]([]byte(p))
		require.ErrorContains(t, err, typ+": ")
		require.ErrorContains(t, err, reason)
		require.False(t, value.IsKey[K]([]byte(p)))
	}
	for _, p := range []string{`null`, `[null]`, `{"P":null}`, `{"base64":""}`, `"a"`, `5`} {
		_, err := value.DecodeKeyJSON[K]([]byte(p))
		require.ErrorContains(t, err, typ+": ")
	}
	require.ErrorContains(t, value.CheckKeyType[K](), reason)
}

// TestIsKey agrees with DecodeKey, and ReadKey reads what that does.
func TestIsKey(t *testing.T) {
	eight := strings.Repeat("\x80", 8)
	for n := range len(eight) + 2 {
		p := (eight + "\x80")[:n]
		requireIsKey[string](t, p, true)
		requireIsKey[int64](t, p, n == 8)
		requireIsKey[uint64](t, p, n == 8)
		requireIsKey[int](t, p, n == 8 && strconv.IntSize == 64) // which would overflow it elsewhere
		requireIsKey[int16](t, p, n == 2)
		requireIsKey[[4]byte](t, p, n == 4)
		requireIsKey[point](t, p, n == 8)
		requireIsKey[opaque](t, p, n == 2)
		requireIsKey[unit](t, p, n == 0)
	}
	requireIsKey[bool](t, "\x01", true)
	requireIsKey[bool](t, "\x02", false)
	requireIsKey[float32](t, "\x7f\xff\xff\xff", false)
	requireIsKey[float32](t, "\xff\xff\xff\xff", false)
	requireIsKey[float32](t, "\x80\x00\x00\x00", true)
	requireIsKey[[2]deaf](t, "\x01a\x01b", false)
	requireIsKey[[2]tired](t, "\x01a\x01b", true)
	requireIsKey[[2]tired](t, "\x01\x00\x01b", false)
	requireIsKey[[2]tired](t, "\x01a\x02b", false)
	requireIsKey[[2]string](t, "\x05a\x01b", false)
}

func requireIsKey[K comparable](t *testing.T, p string, want bool) {
	t.Helper()
	k, err := value.DecodeKey[K]([]byte(p))
	require.Equal(t, want, err == nil, "%T %q: %v", k, p, err)
	require.Equal(t, want, value.IsKey[K]([]byte(p)), "%T %q", k, p)
	r := wire.NewReader([]byte("x" + p))
	r.Byte()
	dst := k
	require.Equal(t, want, value.ReadKey(&dst, r, 1, r.Unread()) == nil)
	require.Equal(t, k, dst)
	if want {
		require.Equal(t, p, string(value.AppendKey(nil, dst)))
		var fresh K
		require.NoError(t, value.ReadKey(&fresh, r, 1, r.Unread()))
		require.Equal(t, k, fresh)
		return
	}
	var zero K
	require.Equal(t, zero, k, "what is none is nothing")
}

// TestKeysInJSON pins the JSON of keys at the bounds of its forms.
func TestKeysInJSON(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{inJSON(t, 1e-6), `0.000001`},
		{inJSON(t, -1e-6), `-0.000001`},
		{inJSON(t, 9e-7), `9e-07`},
		{inJSON(t, 9e20), `900000000000000000000`},
		{inJSON(t, 1e21), `1e+21`},
		{inJSON(t, 0.0), `0`},
		{inJSON(t, float32(0.1)), `0.1`},
		{inJSON(t, "\x1f \x7f~\u2028\u2029\u2027\u202a"), `"\u001f \u007f~\u2028\u2029` + "\u2027\u202a\""},
		{inJSON(t, "\"\\\n\t\r"), `"\"\\\n\t\r"`},
		{inJSON(t, "a\x00"), `{"base64":"YQA="}`},
		{inJSON(t, "\ufffd"), "\"\ufffd\""},
		{inJSON(t, binaryText{9}), `"plain"`},
		{inJSON(t, binaryText{1}), `{"base64":"AQ=="}`},
		{inJSON(t, binaryText{2}), `{"base64":"Ag=="}`},
		{inJSON(t, binaryText{3}), `{"base64":"Aw=="}`},
		{inJSON(t, binaryText{4}), `{"base64":"BA=="}`},
		{inJSON(t, [2]int8{1, -1}), `[1,-1]`},
		{inJSON(t, [0]int8{}), `[]`},
		{inJSON(t, struct{}{}), `{}`},
		{inJSON(t, unit{}), `{"base64":""}`},
	} {
		require.Equal(t, tt.want, tt.got)
	}
}

func inJSON[K comparable](t *testing.T, k K) string {
	t.Helper()
	js := value.AppendKeyJSON(nil, k)
	back, err := value.DecodeKeyJSON[K](js)
	require.NoError(t, err, "%s", js)
	require.Equal(t, k, back)
	return string(js)
}

// TestKeyOfNoJSON says what JSON is no key, and where it goes wrong.
func TestKeyOfNoJSON(t *testing.T) {
	type Point struct{ X, Y int32 }
	type outer struct{ Point }
	for _, tt := range []struct {
		name   string
		decode func([]byte) error
		in     string
		want   string
	}{
		{"no float", keyJSON[float64], ``, `float64: "" is not of kind float64`},
		{"quoted float", keyJSON[float64], `"5"`, `"\"5\"" is not of kind float64`},
		{"quoted infinity", keyJSON[float64], `"Inf"`, `is not of kind float64`},
		{"list as a float", keyJSON[float64], `[]`, `is not of kind float64`},
		{"float below the least", keyJSON[float64], `-1e-400`, "in canonical form"},
		{"bytes as a list", keyJSON[[2]byte], `[1,2]`, "is not a JSON string"},
		{"bytes that are no digits", keyJSON[[2]byte], `"zzzz"`, "invalid byte"},
		{"bytes of three", keyJSON[[2]byte], `"aabbcc"`, "is not 2 bytes in lower-case hexadecimal"},
		{"array as a string", keyJSON[[2]int8], `"a"`, "a where [ should be"},
		{"array that is null", keyJSON[[2]int8], `null`, "null where [ should be"},
		{"no array", keyJSON[[2]int8], ``, "EOF"},
		{"element", keyJSON[[2]int8], `[1,300]`, `element 1: "300" is not of kind int8: value out of range`},
		{"array and more", keyJSON[[1]int8], `[1] 2`, "text after the end of the JSON value"},
		{"array that is not closed", keyJSON[[1]int8], `[1`, "EOF"},
		{"element in an object", keyJSON[point], `{"X":1,"Y":"a"}`, `member "Y": "\"a\"" is not of kind int32`},
		{"object that is not closed", keyJSON[point], `{"X":1`, "EOF"},
		{"object of no names", keyJSON[point], `{1:1}`, "invalid character"},
		{"member without a value", keyJSON[point], `{"X":}`, "invalid character"},
		{"field of an embedded struct", keyJSON[outer], `{"X":1,"Y":2}`, `member "X": unknown field`},
		{"base64 with white space in it", keyJSON[string], `{"base64":"/w==\n"}`, "is not a JSON string"},
		{"base64 that is none", keyJSON[string], `{"base64":"/x=="}`, "is not a JSON string"},
		{"base64 that is no string", keyJSON[string], `{"base64":5}`, "is not a JSON string"},
		{"base64 and another", keyJSON[string], `{"base64":"/w==","a":1}`, "is not a JSON string"},
		{"no string", keyJSON[string], ``, "is not a JSON string"},
		{"string that is not closed", keyJSON[string], `"a`, "unexpected end"},
		{"empty object", keyJSON[unit], `{}`, "is not a JSON string"},
		{"halves", keyJSON[half], `"a"`, "has unexported fields and does not marshal itself"},
		{"number as text", keyJSON[wordy], `5`, "is not a JSON string"},
		{"text that is not read", keyJSON[wordy], `"!"`, "value_test.wordy: no word"},
		{"text that is read as another", keyJSON[wordy], `"bc"`, `type value_test.wordy: "bc" is not in canonical form`},
		{"text that is not written again", keyJSON[wordy], `"j"`, `type value_test.wordy: "j" is not in canonical form`},
		{"text that its bytes do not lead to", keyJSON[binaryText], `"another"`, `"another" is not in canonical form`},
		{"bytes that are not read", keyJSON[deaf], `{"base64":"YQ=="}`, "value_test.deaf: deaf"},
		{"bytes that are not written again", keyJSON[tired], `{"base64":"AA=="}`, "type value_test.tired: tired"},
	} {
		t.Run(tt.name, func(t *testing.T) { require.ErrorContains(t, tt.decode([]byte(tt.in)), tt.want) })
	}
	require.NoError(t, keyJSON[unit]([]byte(`{"base64":""}`)))
	require.NoError(t, keyJSON[binaryText]([]byte(`"plain"`)))
	require.NoError(t, keyJSON[binaryText]([]byte(`{"base64":"CQ=="}`)), "written before the type had a text")
	require.NoError(t, keyJSON[outer]([]byte(`{"Point":{"X":1,"Y":2}}`)))
}

// TestIdentity tells what the bytes of a key with fields mean, and names the first field
// that differs.
func TestIdentity(t *testing.T) {
	type mixed struct {
		A int
		B uint
		C uintptr
		D [2]string
		E struct{ F, G bool }
		H opaque
	}
	type renamed struct {
		X int `rejoin:"name=ex"`
		Y int `json:"why"`
		Z int `rejoin:"bad"`
	}
	for range 2 { // made, and remembered
		require.Empty(t, value.Identity[string]())
		require.Empty(t, value.Identity[int]())
		require.Empty(t, value.Identity[[2]int]())
		require.Empty(t, value.Identity[opaque]())
		require.Empty(t, value.Identity[[1]opaque]())
		require.Equal(t, "{X int32, Y int32}", value.Identity[point]())
		require.Equal(t, "[2]{X int32, Y int32}", value.Identity[[2]point]())
		require.Equal(t, "{A int64, B uint64, C uint64, D [2]string, E {F bool, G bool}, H own}", value.Identity[mixed]())
		require.Equal(t, "{ex int64, why int64, Z int64}", value.Identity[renamed]())
		require.Equal(t, "{}", value.Identity[struct{}]())
	}
	for _, tt := range []struct{ stored, want, text string }{
		{"{A int64}", "{A int64}", ""},
		{"", "", ""},
		{"{A int64}", "{B int64}", "A int64 where the type has B int64 (stored {A int64}, want {B int64})"},
		{"{A int64, B bool}", "{A int64, C bool}", "B bool where the type has C bool (stored {A int64, B bool}, want {A int64, C bool})"},
		// A field at the end was named as the one before it, which is in both.
		{"{A int64, B bool}", "{A int64, B bool, C bool}", "nothing where the type has C bool (stored"},
		{"{A int64, B bool}", "{A int64}", "B bool where the type has nothing (stored"},
		{"{A {B bool}}", "{A {B bool, C bool}}", "nothing where the type has C bool (stored"},
		{"{A int64, B bool}", "{A int64, C bool, B bool}", "B bool where the type has C bool (stored"},
		{"{A int64, C bool, B bool}", "{B int64}", "A int64 where the type has B int64 (stored"},
		{"{A {X bool}, B bool}", "{A {X bool, B bool}}", "A {X bool where the type has A {X bool (stored"},
		{"{A int64", "{A int64, B bool", "nothing where the type has B bool (stored"},
		{"{A int64, B bool", "{A int64", "B bool where the type has nothing (stored"},
		{"", "{A int64}", " where the type has A int64 (stored , want {A int64})"},
	} {
		err := value.CheckIdentity(tt.stored, tt.want)
		if tt.text == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "keys or elements have other fields: "+tt.text)
		require.ErrorIs(t, err, wire.ErrType)
	}
}
