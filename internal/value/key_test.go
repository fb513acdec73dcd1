package value

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A measured has floats in an array inside of a struct, after what has none.
type measured struct {
	Name string
	By   [2]float64
}

// An event has a time inside of a struct.
type event struct {
	N    int
	Days [2]time.Time
}

// A silent has a text form that fails for some values.
type silent struct{ n int }

func (s silent) MarshalText() ([]byte, error) {
	if s.n < 0 {
		return nil, errors.New("says nothing")
	}
	return fmt.Appendf(nil, "n %d", s.n), nil
}

func (s *silent) UnmarshalText(p []byte) error {
	_, err := fmt.Sscanf(string(p), "n %d", &s.n)
	return err
}

// A rounded reads other values than it writes.
type rounded struct{ N float64 }

func (r rounded) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%.0f", r.N), nil }

func (r *rounded) UnmarshalText(p []byte) error {
	_, err := fmt.Sscanf(string(p), "%g", &r.N)
	return err
}

var _ encoding.TextUnmarshaler = (*rounded)(nil)

// TestSameKey: as a key −0 is 0 at any depth, and times are one by their instant.
func TestSameKey(t *testing.T) {
	negative, at := math.Copysign(0, -1), time.Unix(1, 0).UTC()
	for _, tt := range []struct {
		name string
		a, b any
		want bool
	}{
		{"zeros", 0.0, negative, true},
		{"floats", 0.0, 1.0, false},
		{"strings", "a", "a", true},
		{"other strings", "a", "b", false},
		{"ints", 1, 1, true},
		{"other ints", 1, 2, false},
		{"first zero of an array", [2]float64{0, 1}, [2]float64{negative, 1}, true},
		{"last zero of an array", [2]float64{1, 0}, [2]float64{1, negative}, true},
		{"floats of an array", [2]float64{0, 1}, [2]float64{0, 2}, false},
		{"zeros of a struct", measured{By: [2]float64{1, 0}}, measured{By: [2]float64{1, negative}}, true},
		{"other fields", measured{Name: "a"}, measured{Name: "b"}, false},
		{"struct without floats", several{1, "a"}, several{1, "a"}, true},
		{"other struct without floats", several{1, "a"}, several{1, "b"}, false},
		{"times", at, east(at), true},
		{"times of a struct", event{Days: [2]time.Time{at, at}}, event{Days: [2]time.Time{at, east(at)}}, true},
		{"other times", at, at.Add(1), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := reflect.ValueOf(tt.a), reflect.ValueOf(tt.b)
			s := typeOf(t, a.Type())
			require.Equal(t, tt.want, SameKey(s, a, b))
			require.Equal(t, tt.want, SameKey(s, b, a))
			x, errX := s.Bytes(Normal(s, a))
			y, errY := s.Bytes(Normal(s, b))
			require.NoError(t, errors.Join(errX, errY))
			require.Equal(t, tt.want, x == y, "keys are one if their bytes are")
		})
	}
}

// TestNormal makes the one form of a key, and leaves the key alone.
func TestNormal(t *testing.T) {
	negative, at := math.Copysign(0, -1), time.Unix(1, 0).UTC()
	for _, tt := range []struct{ in, want any }{
		{5, 5},
		{negative, 0.0},
		{-2.5, -2.5},
		{east(at), at},
		{[2]float64{negative, negative}, [2]float64{}},
		{measured{"a", [2]float64{negative, 3}}, measured{"a", [2]float64{0, 3}}},
		{event{1, [2]time.Time{east(at), west(at)}}, event{1, [2]time.Time{at, at}}},
	} {
		v := reflect.New(reflect.TypeOf(tt.in)).Elem()
		v.Set(reflect.ValueOf(tt.in))
		got := Normal(typeOf(t, v.Type()), v)
		require.Equal(t, fmt.Sprintf("%#v", tt.want), fmt.Sprintf("%#v", got), "−0 and 0 are printed as they are")
		require.Equal(t, tt.in, v.Interface())
	}
}

// TestFloatsAndForms tells which keys have several forms.
func TestFloatsAndForms(t *testing.T) {
	for _, tt := range []struct {
		typ           reflect.Type
		floats, forms bool
	}{
		{reflect.TypeFor[float32](), true, false},
		{reflect.TypeFor[[1]float64](), true, false},
		{reflect.TypeFor[measured](), true, false},
		{reflect.TypeFor[time.Time](), false, true},
		{reflect.TypeFor[[1]time.Time](), false, true},
		{reflect.TypeFor[event](), false, true},
		{reflect.TypeFor[celsius](), false, true},
		{reflect.TypeFor[several](), false, false},
		{reflect.TypeFor[[1]int](), false, false},
		{reflect.TypeFor[string](), false, false},
		{reflect.TypeFor[*float64](), false, false},
		{reflect.TypeFor[*time.Time](), false, false},
	} {
		s := typeOf(t, tt.typ)
		require.Equal(t, tt.floats, s.Floats(), "%v", tt.typ)
		require.Equal(t, tt.forms, s.Forms(), "%v", tt.typ)
	}
}

// TestCheckEntry refuses keys that are not themselves, and those of which a map could hold
// two that are one.
func TestCheckEntry(t *testing.T) {
	nan, at := math.NaN(), time.Unix(1, 0).UTC()
	const none = "NaN is no key or element"
	for _, tt := range []struct {
		name string
		key  any
		want string
	}{
		{"int", 5, ""},
		{"float", 5.5, ""},
		{"NaN", nan, none},
		{"NaN in an array", [2]float64{0, nan}, none},
		{"NaN in a struct", measured{By: [2]float64{nan, 0}}, none},
		{"NaN beside a time", struct {
			F float64
			T time.Time
		}{nan, at}, none},
		{"number in a struct", measured{By: [2]float64{1, 2}}, ""},
		{"UTC", at, ""},
		{"zone", east(at), "the key 1970-01-01T01:00:01+01:00 does not read back as it is; of a time use UTC() and Round(0)"},
		{"zone in a struct", event{Days: [2]time.Time{at, east(at)}}, `the key "\x01N\x01` + "…"},
		{"text", celsius{5}, ""},
		{"text that loses", rounded{0.4}, "the key 0 does not read back as it is; of a time use UTC() and Round(0)"},
		{"text that fails", silent{-1}, `"": says nothing`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := reflect.ValueOf(tt.key)
			err := CheckEntry(typeOf(t, v.Type()), v)
			switch {
			case tt.want == "":
				require.NoError(t, err)
			case v.Kind() == reflect.Struct && v.Type() == reflect.TypeFor[event]():
				require.ErrorContains(t, err, "does not read back as it is")
			default:
				require.EqualError(t, err, tt.want)
			}
			if tt.want == none {
				require.EqualError(t, CheckKey(typeOf(t, v.Type()), v), none)
			} else {
				require.NoError(t, CheckKey(typeOf(t, v.Type()), v))
			}
		})
	}
}

// TestKeyText writes keys as they stand in paths: those that a path could be read wrong
// with are quoted.
func TestKeyText(t *testing.T) {
	for _, tt := range []struct {
		key  any
		want string
	}{
		{"plain", "plain"},
		{"ü", "ü"},
		{"!", "!"},
		{"", `""`},
		{"a b", `"a b"`},
		{" ", `" "`},
		{"a.b", `"a.b"`},
		{"*", `"*"`},
		{`a"`, `"a\""`},
		{"a\n", `"a\n"`},
		{"\xff", `"\xff"`},
		{"\ufffd", `"` + "\ufffd" + `"`},
		{"\u200b", `"\u200b"`},
		{-5, "-5"},
		{uint8(200), "200"},
		{true, "true"},
		{5.0, "5"},
		{2.5, `"2.5"`},
		{1e30, "1e+30"},
		{celsius{7}, "007"},
		{silent{3}, `"n 3"`},
		{silent{-1}, `""`},
		{netip.MustParseAddr("::1"), "::1"},
		{netip.MustParseAddr("10.0.0.1"), `"10.0.0.1"`},
		{time.Unix(0, 0).UTC(), "1970-01-01T00:00:00Z"},
		{[1]int8{5}, `"\x02\x81\x05"`},
	} {
		v := reflect.ValueOf(tt.key)
		require.Equal(t, tt.want, KeyText(typeOf(t, v.Type()), v), "%#v", tt.key)
	}
}

// TestPaths joins the names of places, outer ones in front.
func TestPaths(t *testing.T) {
	require.Empty(t, JoinPath("", ""))
	require.Equal(t, "a", JoinPath("a", ""))
	require.Equal(t, "a", JoinPath("", "a"))
	require.Equal(t, "a.b", JoinPath("a", "b"))

	cause := errors.New("cause")
	err := Below("a", Below("b", Below("c", cause)))
	require.EqualError(t, err, "a.b.c: cause")
	require.ErrorIs(t, err, cause)
	err = Below("a", Below("b", notDocument(5, "is bad")))
	require.EqualError(t, err, "a.b: int is bad")
	var e *DocumentError
	require.ErrorAs(t, err, &e)
	require.Equal(t, "a.b", e.Path)
	require.EqualError(t, notDocument(5, "is bad"), "int is bad")
}

// TestValidate names the place of what cannot be merged.
func TestValidate(t *testing.T) {
	const noValue = "chan int is not a value of a document: use nil, bool, string, a number, json.Number, []any or map[string]any, or merge.Document"
	bad := make(chan int)
	nan := math.NaN()
	for _, tt := range []struct {
		name string
		v    any
		want string
	}{
		{"document", wrapped[any]{"a"}, ""},
		{"no document", wrapped[any]{bad}, "V: " + noValue},
		{"nil pointer", (*wrapped[any])(nil), ""},
		{"pointer", &wrapped[any]{bad}, "V: " + noValue},
		{"list", []any{1, bad}, "1: " + noValue},
		{"lists", [][]any{{}, {1, bad}}, "1.1: " + noValue},
		{"array", [2]any{1, bad}, "1: " + noValue},
		{"list of what is flat", []int{1}, ""},
		{"map", map[string]any{"a": 1, "b c": bad, "d": bad}, `"b c": ` + noValue},
		{"map of numbers", map[int]any{7: bad}, "7: " + noValue},
		{"keys", map[float64]any{nan: 1}, "NaN is no key or element"},
		{"times as keys", map[time.Time]int{east(time.Unix(0, 0)): 1}, "the key 1970-01-01T01:00:00+01:00 does not read back as it is; of a time use UTC() and Round(0)"},
		{"struct", struct {
			A int
			B map[string][]any
		}{1, map[string][]any{"k": {bad}}}, "B.k.0: " + noValue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := reflect.New(reflect.TypeOf(tt.v)).Elem()
			v.Set(reflect.ValueOf(tt.v))
			err := typeOf(t, v.Type()).Validate(v, 0)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
		})
	}
}

// A branch nests through all that can refer to itself.
type branch struct {
	To   *branch
	List []branch
	Map  map[string]branch
	Any  any
}

// TestValidateDepth counts each list, map, pointer and field as a level.
func TestValidateDepth(t *testing.T) {
	s := typeOf(t, reflect.TypeFor[branch]())
	for _, tt := range []struct {
		name string
		most int
		wrap func(branch) branch
	}{
		{"pointers", MaxDepth/2 - 1, func(b branch) branch { return branch{To: &b} }},
		{"lists", MaxDepth/2 - 1, func(b branch) branch { return branch{List: []branch{b}} }},
		{"maps", MaxDepth/2 - 1, func(b branch) branch { return branch{Map: map[string]branch{"k": b}} }},
		{"lists in a document", MaxDepth - 1, func(b branch) branch { return branch{Any: []any{b.Any}} }},
		{"objects in a document", MaxDepth - 1, func(b branch) branch { return branch{Any: map[string]any{"k": b.Any}} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b branch
			for range tt.most {
				b = tt.wrap(b)
			}
			require.NoError(t, s.Validate(reflect.ValueOf(&b).Elem(), 0))
			b = tt.wrap(b)
			require.ErrorIs(t, s.Validate(reflect.ValueOf(&b).Elem(), 0), ErrDeep)
		})
	}
}

// TestUnbounded tells the types whose values have to be looked at before they are merged.
func TestUnbounded(t *testing.T) {
	for _, tt := range []struct {
		typ  reflect.Type
		want bool
	}{
		{reflect.TypeFor[int](), false},
		{reflect.TypeFor[several](), false},
		{reflect.TypeFor[[]map[string]*several](), false},
		{reflect.TypeFor[deep2](), true},
		{reflect.TypeFor[chain](), true},
		{reflect.TypeFor[any](), true},
		{reflect.TypeFor[[]any](), true},
		{reflect.TypeFor[struct {
			A int
			B any
		}](), true},
		{reflect.TypeFor[map[string]any](), true},
		{reflect.TypeFor[map[float64]int](), true},
		{reflect.TypeFor[map[time.Time]int](), true},
		{reflect.TypeFor[map[string]float64](), false},
		{reflect.TypeFor[struct{ A, B []several }](), false},
	} {
		require.Equal(t, tt.want, typeOf(t, tt.typ).Unbounded(map[*Type]bool{}), "%v", tt.typ)
	}
}
