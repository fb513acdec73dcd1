package value

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/wire"
)

type (
	// A chain nests as deep as it is long.
	chain struct{ Next *chain }

	// A tree nests through an array.
	tree struct{ Kids [1]*tree }

	// A backward has its fields in no order.
	backward struct {
		C float64
		B int
		A string
		T time.Time
	}
)

func typeOf(t *testing.T, typ reflect.Type) *Type {
	t.Helper()
	s, err := new(Compiler).Compile(typ)
	require.NoError(t, err)
	return s
}

// east is a zone an hour before UTC, west one behind it.
func east(t time.Time) time.Time { return t.In(time.FixedZone("", 3600)) }

func west(t time.Time) time.Time { return t.In(time.FixedZone("", -3600)) }

// canonical lists values of every kind with the bytes that keys, elements and leaves have.
func canonical() []canonicalRow {
	at := time.Unix(5, 7).UTC()
	return []canonicalRow{
		{false, "\x00"},
		{true, "\x01"},
		{0, "\x80"},
		{5, "\x81\x05"},
		{-1, "\x7f"},
		{-6, "\x7e\xfa"},
		{256, "\x82\x01\x00"},
		{-257, "\x7d\xfe\xff"},
		{int8(-128), "\x7e\x80"},
		{int64(math.MaxInt64), "\x88\x7f\xff\xff\xff\xff\xff\xff\xff"},
		{int64(math.MinInt64), "\x77\x80\x00\x00\x00\x00\x00\x00\x00"},
		{uint8(255), "\x81\xff"},
		{uint64(math.MaxUint64), "\x88\xff\xff\xff\xff\xff\xff\xff\xff"},
		{0.0, "\x80\x0f\xff\xff\xff\xff\xff\xff"},
		{math.Copysign(0, -1), "\x80\x0f\xff\xff\xff\xff\xff\xff"},
		{1.0, "\xbf\xff\xff\xff\xff\xff\xff\xff"},
		{math.Inf(1), "\xff\xff\xff\xff\xff\xff\xff\xff"},
		{math.NaN(), "\x00\x08\x00\x00\x00\x00\x00\x00"},
		{complex(1, math.Copysign(0, -1)), "\xbf\xff\xff\xff\xff\xff\xff\xff\x80\x0f\xff\xff\xff\xff\xff\xff"},
		{"a\x00", "a\x00"},
		{"", ""},
		{at, "\x81\x05\x00\x00\x00\x07"},
		{east(at), "\x81\x05\x00\x00\x00\x07\x82\x0e\x10"},
		{west(at), "\x81\x05\x00\x00\x00\x07\x7d\xf1\xf0"},
		{time.Unix(-1, 0).UTC(), "\x7f\x00\x00\x00\x00"},
		{[]byte(nil), ""},
		{[]byte{}, "\x01"},
		{[]byte{9}, "\x01\x09"},
		{(*int)(nil), ""},
		{new(0), "\x01\x80"},
		{new(new("a")), "\x01\x01a"},
		{new((*string)(nil)), "\x01"},
		{new([]byte{}), "\x01\x01"},
		{[2]int8{1, -1}, "\x02\x81\x01\x01\x7f"},
		{[2]string{"", "ab"}, "\x00\x02ab"},
		{[0]int{}, ""},
		{backward{}, ""},
		{backward{B: 1, A: "x"}, "\x01A\x01x\x01B\x02\x81\x01"},
		{backward{T: time.Unix(0, 1).UTC()}, "\x01T\x05\x80\x00\x00\x00\x01"},
		{backward{T: east(time.Time{})}, ""},
		{celsius{5}, "005"},
		{weight{}, ""},
		{weight{7}, "\x01\x07"},
		{wrapped[any]{}, ""},
		{wrapped[any]{true}, "\x01V\x02\x01\x01"},
		{[]string(nil), ""},
		{map[string]int(nil), ""},
	}
}

type canonicalRow struct {
	v    any
	want string
}

// TestCanonicalBytes pins the canonical bytes of every kind, and reads them back.
func TestCanonicalBytes(t *testing.T) {
	for _, tt := range canonical() {
		v := reflect.ValueOf(tt.v)
		s := typeOf(t, v.Type())
		got, err := s.Append([]byte("x"), v)
		require.NoError(t, err)
		require.Equal(t, "x"+tt.want, string(got), "%#v", tt.v)
		whole, err := s.Bytes(v)
		require.NoError(t, err)
		require.Equal(t, tt.want, whole, "%#v", tt.v)

		back := reflect.New(v.Type()).Elem()
		require.NoError(t, s.Decode(back, []byte(tt.want)), "%#v", tt.v)
		again, err := s.Bytes(back)
		require.NoError(t, err)
		require.Equal(t, tt.want, again, "%#v", tt.v)
		if !s.Floats() && s.Kind != KindComplex && s.Kind != KindStruct { // −0 and a NaN come back as another
			require.True(t, s.Same(v, back), "%#v", tt.v)
		}
		loaded := reflect.New(v.Type()).Elem()
		require.True(t, s.Load(loaded, tt.want), "%#v", tt.v)
		require.True(t, s.Same(back, loaded), "%#v", tt.v)
	}
}

// TestHolds compares what has canonical bytes that end with it: scalars, strings, and
// pointers to them.
func TestHolds(t *testing.T) {
	for _, tt := range canonical() {
		v := reflect.ValueOf(tt.v)
		s := typeOf(t, v.Type())
		elem := s
		for elem.Kind == KindPointer {
			elem = elem.Elem
		}
		if !elem.Kind.isScalar() && elem.Kind != KindString || elem.Kind == KindComplex {
			continue
		}
		require.True(t, s.Holds(v, tt.want), "%#v", tt.v)
		require.False(t, s.Holds(v, tt.want+"x"), "%#v", tt.v)
		require.False(t, s.Holds(v, "\x02"+tt.want), "%#v", tt.v)
	}
	s := typeOf(t, reflect.TypeFor[*string]())
	require.False(t, s.Holds(reflect.ValueOf(new("a")), ""))
	require.False(t, s.Holds(reflect.ValueOf(new("a")), "\x02a"), "a pointer begins with 1")
	require.False(t, s.Holds(reflect.ValueOf((*string)(nil)), "\x01"))
	require.False(t, typeOf(t, reflect.TypeFor[*int]()).Holds(reflect.ValueOf((*int)(nil)), "\x01"))
	far := time.Unix(0, 0).In(time.FixedZone("", maxOffset))
	require.False(t, typeOf(t, reflect.TypeFor[time.Time]()).Holds(reflect.ValueOf(far), ""), "what has no bytes holds none")
}

// TestCanonicalStrict lists bytes that no value has.
func TestCanonicalStrict(t *testing.T) {
	const form = "value is not in its canonical form"
	at := "\x81\x05\x00\x00\x00\x07"
	for _, tt := range []struct {
		name string
		typ  reflect.Type
		in   string
		want string
	}{
		{"no bool", reflect.TypeFor[bool](), "", form},
		{"another bool", reflect.TypeFor[bool](), "\x02", form},
		{"long bool", reflect.TypeFor[bool](), "\x00\x00", form},
		{"no int", reflect.TypeFor[int](), "", form},
		{"int too large", reflect.TypeFor[int8](), "\x81\x80", form},
		{"int too small", reflect.TypeFor[int8](), "\x7e\x7f", form},
		{"int of 65 bits", reflect.TypeFor[int64](), "\x88\x80\x00\x00\x00\x00\x00\x00\x00", form},
		{"int below 64 bits", reflect.TypeFor[int64](), "\x77\x7f\xff\xff\xff\xff\xff\xff\xff", form},
		{"int and more", reflect.TypeFor[int](), "\x81\x05\x00", form},
		{"int cut short", reflect.TypeFor[int](), "\x82\x05", form},
		{"int with a zero in front", reflect.TypeFor[int](), "\x82\x00\x05", form},
		{"int with a one in front", reflect.TypeFor[int](), "\x7d\xff\x05", form},
		{"int of 9 bytes", reflect.TypeFor[int](), "\x89\x01\x00\x00\x00\x00\x00\x00\x00\x00", form},
		{"no uint", reflect.TypeFor[uint](), "", form},
		{"uint too large", reflect.TypeFor[uint8](), "\x82\x01\x00", form},
		{"negative uint", reflect.TypeFor[uint8](), "\x7f", form},
		{"uint and more", reflect.TypeFor[uint8](), "\x80\x00", form},
		{"short float", reflect.TypeFor[float64](), "\xbf\xff\xff\xff\xff\xff\xff", form},
		{"long float", reflect.TypeFor[float64](), "\xbf\xff\xff\xff\xff\xff\xff\xff\x00", form},
		{"−0", reflect.TypeFor[float64](), "\x80\x0f\xff\xff\xff\xff\xff\xfe", form},
		{"another NaN", reflect.TypeFor[float64](), "\x00\x07\xff\xff\xff\xff\xff\xfe", form},
		{"float of 64 bits", reflect.TypeFor[float32](), "\xbf\xff\xff\xff\xff\xff\xff\xfe", form},
		{"short complex", reflect.TypeFor[complex128](), strings.Repeat("\xbf", 15), form},
		{"long complex", reflect.TypeFor[complex128](), strings.Repeat("\xbf", 17), form},
		{"no time", reflect.TypeFor[time.Time](), "", form},
		{"time without nanoseconds", reflect.TypeFor[time.Time](), "\x81\x05\x00\x00\x00", form},
		{"time with a zone of 0", reflect.TypeFor[time.Time](), at + "\x80", form},
		{"time and more", reflect.TypeFor[time.Time](), at + "\x81\x01\x00", form},
		{"time with a second of nanoseconds", reflect.TypeFor[time.Time](), "\x81\x05\x3b\x9a\xca\x00", form},
		{"time in a zone too far", reflect.TypeFor[time.Time](), at + "\x83\x10\x00\x00", form},
		{"null bytes", reflect.TypeFor[[]byte](), "\x00", form},
		{"pointer to 2", reflect.TypeFor[*int](), "\x02\x80", form},
		{"pointer to no int", reflect.TypeFor[*int](), "\x01", form},
		{"array cut short", reflect.TypeFor[[2]int8](), "\x02\x81\x01", "unexpected end"},
		{"array and more", reflect.TypeFor[[1]int8](), "\x02\x81\x01\x00", "1 trailing bytes"},
		{"array of no ints", reflect.TypeFor[[1]int8](), "\x00", form},
		{"unknown field", reflect.TypeFor[backward](), "\x01Z\x01x", `value.backward has no field "Z"`},
		{"field cut short", reflect.TypeFor[backward](), "\x01A\x02x", "count 2 exceeds"},
		{"field that is no int", reflect.TypeFor[backward](), "\x01B\x01x", form},
		{"zero field", reflect.TypeFor[backward](), "\x01A\x00", form},
		{"zero time", reflect.TypeFor[backward](), "\x01T\x0a\x77" + "\xff\xff\xff\xff\xff\xff\xff", "count"},
		{"fields out of order", reflect.TypeFor[backward](), "\x01B\x02\x81\x01\x01A\x01x", form},
		{"list", reflect.TypeFor[[]string](), "\x01", "a list or a map is content"},
		{"map", reflect.TypeFor[map[string]int](), "\x01", "a list or a map is content"},
		{"sealed", reflect.TypeFor[sealed](), "", "value.sealed has unexported fields and no binary, text or JSON form"},
		{"own form", reflect.TypeFor[celsius](), "5", form},
		{"no own form", reflect.TypeFor[celsius](), "x", "expected integer"},
		{"own bytes", reflect.TypeFor[unread](), "\x05", "not read"},
		{"own JSON", reflect.TypeFor[unwritten](), "x", "invalid character"},
		{"codec of 2", reflect.TypeFor[weight](), "\x02\x07", form},
		{"codec's own error", reflect.TypeFor[weight](), "\x01", "a weight is one byte"},
		{"codec of zero", reflect.TypeFor[weight](), "\x01\x00", form},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := typeOf(t, tt.typ)
			require.ErrorContains(t, s.Decode(reflect.New(tt.typ).Elem(), []byte(tt.in)), tt.want)
			dst := reflect.New(tt.typ).Elem()
			require.False(t, s.Load(dst, tt.in))
			require.True(t, dst.IsZero(), "what cannot be loaded leaves nothing")
		})
	}
	dst := reflect.New(reflect.TypeFor[*int8]()).Elem()
	require.False(t, typeOf(t, dst.Type()).Load(dst, "\x01\x81\x80"))
	require.True(t, dst.IsNil())
}

// TestReadAnyForm: Read takes bytes in another form than the canonical one, but no others.
func TestReadAnyForm(t *testing.T) {
	at := "\x81\x05\x00\x00\x00\x07"
	for _, tt := range []struct {
		typ reflect.Type
		in  string
		ok  bool
	}{
		{reflect.TypeFor[bool](), "\x02", true},
		{reflect.TypeFor[bool](), "", false},
		{reflect.TypeFor[bool](), "\x00\x00", false},
		{reflect.TypeFor[int8](), "\x81\x7f", true},
		{reflect.TypeFor[int8](), "\x81\x80", false},
		{reflect.TypeFor[int8](), "\x7e\x80", true},
		{reflect.TypeFor[int8](), "\x7e\x7f", false},
		{reflect.TypeFor[int64](), "\x88\x80\x00\x00\x00\x00\x00\x00\x00", false},
		{reflect.TypeFor[int64](), "\x88\x7f\xff\xff\xff\xff\xff\xff\xff", true},
		{reflect.TypeFor[int](), "\x81\x05\x00", false},
		{reflect.TypeFor[int](), "", false},
		{reflect.TypeFor[uint8](), "\x81\xff", true},
		{reflect.TypeFor[uint8](), "\x82\x01\x00", false},
		{reflect.TypeFor[uint8](), "\x7f", false},
		{reflect.TypeFor[uint8](), "\x80\x00", false},
		{reflect.TypeFor[uint8](), "", false},
		{reflect.TypeFor[float64](), strings.Repeat("\xbf", 7), false},
		{reflect.TypeFor[float64](), strings.Repeat("\xbf", 8), true},
		{reflect.TypeFor[float64](), strings.Repeat("\xbf", 9), false},
		{reflect.TypeFor[complex128](), strings.Repeat("\xbf", 15), false},
		{reflect.TypeFor[complex128](), strings.Repeat("\xbf", 16), true},
		{reflect.TypeFor[complex128](), strings.Repeat("\xbf", 17), false},
		{reflect.TypeFor[time.Time](), at + "\x80", true},
		{reflect.TypeFor[time.Time](), at + "\x80\x80", false},
		{reflect.TypeFor[time.Time](), "", false},
		{reflect.TypeFor[backward](), "\x01B\x02\x81\x01\x01A\x01x", true},
		{reflect.TypeFor[backward](), "\x01B\x02\x81", false},
		{reflect.TypeFor[backward](), "\x01B\x01x\x01A\x01x", false},
		{reflect.TypeFor[[1]int](), "\x01\x80\x00", false},
		{reflect.TypeFor[weight](), "\x02\x07", false},
		{reflect.TypeFor[weight](), "\x01\x07", true},
		{reflect.TypeFor[*int](), "\x01\x80", true},
		{reflect.TypeFor[*int](), "\x01", false},
	} {
		err := typeOf(t, tt.typ).Read(reflect.New(tt.typ).Elem(), []byte(tt.in), 0)
		require.Equal(t, tt.ok, err == nil, "%v of %q: %v", tt.typ, tt.in, err)
	}
}

// TestNoCanonicalBytes lists values that have none.
func TestNoCanonicalBytes(t *testing.T) {
	far := func(offset int) time.Time { return time.Unix(0, 0).In(time.FixedZone("", offset)) }
	for _, tt := range []struct {
		name string
		v    any
		want string
	}{
		{"list", []string{}, "a list or a map is content"},
		{"map", map[string]int{}, "a list or a map is content"},
		{"list in an array", [1][]string{{}}, "a list or a map is content"},
		{"list in a struct", wrapped[[]string]{[]string{}}, "a list or a map is content"},
		{"sealed", sealed{}, "value.sealed has unexported fields and no binary, text or JSON form"},
		{"zone", far(maxOffset), "1048576 seconds east of UTC"},
		{"zone in the west", far(-maxOffset), "-1048576 seconds east of UTC"},
		{"codec's own error", weight{-1}, "a weight is not negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := reflect.ValueOf(tt.v)
			_, err := typeOf(t, v.Type()).Append(nil, v)
			require.EqualError(t, err, tt.want)
			_, err = typeOf(t, v.Type()).Bytes(v)
			require.EqualError(t, err, tt.want)
		})
	}
	s := typeOf(t, reflect.TypeFor[time.Time]())
	for _, offset := range []int{maxOffset - 1, 1 - maxOffset} {
		_, err := s.Append(nil, reflect.ValueOf(far(offset)))
		require.NoError(t, err)
	}
}

// TestCodable names the part of a type that has no canonical bytes.
func TestCodable(t *testing.T) {
	const want = "value.sealed has unexported fields and no binary, text or JSON form"
	for _, typ := range []reflect.Type{
		reflect.TypeFor[sealed](), reflect.TypeFor[[]sealed](), reflect.TypeFor[struct{ A, B *sealed }](),
		reflect.TypeFor[map[string]sealed](), reflect.TypeFor[struct {
			A int
			B sealed
		}](), reflect.TypeFor[[1]wrapped[sealed]](),
	} {
		require.EqualError(t, typeOf(t, typ).Codable(), want, "%v", typ)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[chain](), reflect.TypeFor[deep2](), reflect.TypeFor[celsius](), reflect.TypeFor[map[several]int]()} {
		require.NoError(t, typeOf(t, typ).Codable(), "%v", typ)
	}
}

// deep2 refers to one type twice.
type deep2 struct{ A, B chain }

// TestCanonicalDepth reads values to the depth that is allowed, and no deeper.
func TestCanonicalDepth(t *testing.T) {
	nested := func(n int, wrap func(string) string) (s string) {
		for range n {
			s = wrap(s)
		}
		return s
	}
	field := func(name, s string) string {
		return string(wire.AppendBytes(wire.AppendBytes(nil, name), s))
	}
	for _, tt := range []struct {
		name string
		typ  reflect.Type
		most int // how often wrap may be applied
		wrap func(string) string
	}{
		{"chain", reflect.TypeFor[chain](), MaxDepth / 2, func(s string) string { return field("Next", "\x01"+s) }},
		{"tree", reflect.TypeFor[tree](), MaxDepth / 3, func(s string) string {
			return field("Kids", string(wire.AppendBytes(nil, "\x01"+s)))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := typeOf(t, tt.typ)
			require.NoError(t, s.Decode(reflect.New(tt.typ).Elem(), []byte(nested(tt.most, tt.wrap))))
			require.ErrorIs(t, s.Decode(reflect.New(tt.typ).Elem(), []byte(nested(tt.most+1, tt.wrap))), ErrDeep)
		})
	}
}

// TestCanonicalDocument pins the bytes of documents.
func TestCanonicalDocument(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want string
		back any
	}{
		{nil, "\x00", nil},
		{false, "\x01\x00", false},
		{true, "\x01\x01", true},
		{0, "\x020", 0.0},
		{-15, "\x02-15", -15.0},
		{1.5e300, "\x0215e299", 1.5e300},
		{math.NaN(), "\x02NaN", math.NaN()},
		{math.Inf(1), "\x02+Inf", math.Inf(1)},
		{math.Inf(-1), "\x02-Inf", math.Inf(-1)},
		{json.Number("0.10"), "\x021e-1", 0.1},
		{json.Number("9007199254740993"), "\x029007199254740993", json.Number("9007199254740993")},
		{"", "\x03", ""},
		{"a", "\x03a", "a"},
		{[]any{}, "\x04", []any{}},
		{[]any{nil, "a"}, "\x04\x01\x00\x02\x03a", []any{nil, "a"}},
		{map[string]any{}, "\x05", map[string]any{}},
		{map[string]any{"b": 1.0, "a": []any{}}, "\x05\x01a\x01\x04\x01b\x02\x021", map[string]any{"a": []any{}, "b": 1.0}},
		{map[string]any{"": nil}, "\x05\x00\x01\x00", map[string]any{"": nil}},
	} {
		require.Equal(t, "x"+tt.want, string(AppendDocument([]byte("x"), tt.v)), "%#v", tt.v)
		back, err := decodeDocument([]byte(tt.want))
		require.NoError(t, err)
		if f, ok := tt.back.(float64); ok && math.IsNaN(f) {
			require.True(t, math.IsNaN(back.(float64)))
			continue
		}
		require.Equal(t, tt.back, back)
		s := typeOf(t, reflect.TypeFor[any]())
		dst := reflect.New(s.Go).Elem()
		require.NoError(t, s.Decode(dst, []byte(tt.want)))
		require.Equal(t, tt.back, dst.Interface())
	}
	const form = "value is not in its canonical form"
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", form},
		{"unknown kind", "\x06", form},
		{"null and more", "\x00\x00", form},
		{"bool cut short", "\x01", form},
		{"bool and more", "\x01\x01\x01", form},
		{"no number", "\x02", form},
		{"number in another form", "\x021.0", form},
		{"element cut short", "\x04\x02\x00", "count 2 exceeds"},
		{"element of no kind", "\x04\x00", form},
		{"member without a value", "\x05\x01a", "unexpected end"},
		{"member of no kind", "\x05\x01a\x00", form},
		{"members out of order", "\x05\x01b\x01\x00\x01a\x01\x00", form},
		{"member twice", "\x05\x01a\x01\x00\x01a\x01\x00", form},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeDocument([]byte(tt.in))
			require.ErrorContains(t, err, tt.want)
		})
	}
	for _, wrap := range []func(p []byte) []byte{
		func(p []byte) []byte { return wire.AppendBytes([]byte{docArray}, p) },
		func(p []byte) []byte { return wire.AppendBytes([]byte{docObject, 1, 'a'}, p) },
	} {
		p := []byte{docNull}
		for range MaxDepth {
			p = wrap(p)
		}
		_, err := decodeDocument(p)
		require.NoError(t, err)
		_, err = decodeDocument(wrap(p))
		require.ErrorIs(t, err, ErrDeep)
	}
}
