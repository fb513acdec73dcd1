package value

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wrapped has one field, which reflection cannot address where the struct is an
// element of a map.
type wrapped[V any] struct{ V V }

// requireOrder requires of values of V, given in ascending order, of which as many as
// zeros says are what nobody has set, that all that a Type does with them agrees with
// the list: also where they are elements of lists, arrays, maps, structs and pointers.
func requireOrder[V any](t *testing.T, zeros int, values ...V) {
	t.Helper()
	requireOrderOf(t, zeros, values...)
	var pointers []*V
	var fields []wrapped[V]
	var arrays [][2]V
	lists, maps := [][]V{nil, {}}, []map[string]V{nil, {}}
	for i := range values {
		pointers = append(pointers, &values[i])
		fields = append(fields, wrapped[V]{values[i]})
		arrays = append(arrays, [2]V{values[0], values[i]})
		lists = append(lists, []V{values[i]}, []V{values[i], values[0]})
		maps = append(maps, map[string]V{"k": values[i]}, map[string]V{"k": values[i], "l": values[0]})
	}
	requireOrderOf(t, 0, pointers...)
	requireOrderOf(t, 1, append([]*V{nil}, pointers...)...)
	requireOrderOf(t, -1, fields...)
	requireOrderOf(t, -1, arrays...)
	if kind := reflect.TypeFor[V]().Kind(); kind != reflect.Uint8 {
		requireOrderOf(t, 2, lists...)
	}
	requireOrderOf(t, 2, maps...)
}

func requireOrderOf[V any](t *testing.T, zeros int, values ...V) {
	t.Helper()
	typ, err := new(Compiler).Compile(reflect.TypeFor[V]())
	require.NoError(t, err)
	for i := range values {
		a := reflect.ValueOf(&values[i]).Elem()
		if zeros >= 0 {
			require.Equal(t, i < zeros, typ.IsZero(a), "%#v", values[i])
		}
		for j := range values {
			b := reflect.ValueOf(&values[j]).Elem()
			what := fmt.Sprintf("%#v and %#v", values[i], values[j])
			c := typ.Compare(a, b)
			require.Equal(t, i < j, c < 0, what)
			require.Equal(t, i > j, c > 0, what)
			require.Equal(t, i == j, typ.Same(a, b), what)
			require.Equal(t, i == j, typ.Same(fixed(values[i]), fixed(values[j])), "not addressable: "+what)
		}
		requireFill(t, typ, a)
	}
}

// requireFill requires that Fill makes a value the same as v that shares nothing with
// it, whatever was there before.
func requireFill(t *testing.T, typ *Type, v reflect.Value) {
	t.Helper()
	zero := v.IsZero()
	for range 2 {
		dst, before := reflect.New(typ.Go).Elem(), reflect.New(typ.Go).Elem()
		typ.Fill(before, v)
		typ.Fill(dst, v)
		require.Equal(t, zero, v.IsZero(), "what is copied stays")
		require.True(t, typ.Same(dst, v), "%#v", v)
		require.Zero(t, typ.Compare(dst, v), "%#v", v)
		if scramble(dst) {
			require.False(t, typ.Same(dst, v), "%#v", v)
		}
		require.True(t, typ.Same(before, v), "a change of a copy shows in %#v", v)
		require.Zero(t, typ.Compare(before, v))
		typ.Fill(dst, v)
		require.True(t, typ.Same(dst, v), "over another value: %#v", v)
	}
}

// fixed returns v where reflection cannot address it.
func fixed[V any](v V) reflect.Value { return reflect.ValueOf([1]V{v}).Index(0) }

// scramble changes what v refers to, and reports whether that was anything.
func scramble(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() > 0 && replace(v.Index(v.Len()-1))
	case reflect.Array:
		done := false
		for i := range v.Len() {
			done = scramble(v.Index(i)) || done
		}
		return done
	case reflect.Map:
		if v.Len() == 0 {
			return false
		}
		k := v.MapKeys()[0]
		if !scramble(Addressable(v.MapIndex(k))) {
			v.SetMapIndex(k, reflect.Value{})
		}
		return true
	case reflect.Pointer:
		return !v.IsNil() && replace(v.Elem())
	case reflect.Interface:
		return !v.IsNil() && scramble(v.Elem())
	case reflect.Struct:
		if v.NumField() == 1 && v.Type().Field(0).IsExported() {
			return scramble(v.Field(0))
		}
	default:
	}
	return false
}

// replace changes v itself, or what it refers to.
func replace(v reflect.Value) bool {
	switch {
	case scramble(v):
		return true
	case v.IsZero():
		return false
	}
	v.SetZero()
	return true
}

// A celsius has one unexported field, which its text shows.
type celsius struct{ degrees int }

func (c celsius) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%03d", c.degrees), nil }

func (c *celsius) UnmarshalText(p []byte) error {
	_, err := fmt.Sscanf(string(p), "%d", &c.degrees)
	return err
}

// A folder has a Clone of its own, and memory that no encoding shows.
//
//nolint:recvcheck // as types with text in a value often are
type folder struct {
	name  string
	pages []string
}

func (f folder) MarshalText() ([]byte, error) { return []byte(f.name), nil }

func (f *folder) UnmarshalText(p []byte) error { f.name = string(p); return nil }

func (f *folder) Clone() folder { return folder{f.name, append([]string{"copy"}, f.pages...)} }

// Equal asks for another type, and is not called.
func (*folder) Equal(name string) bool { panic(name) }

// A loose is equal to what differs from it in a cache.
//
//nolint:recvcheck // as types with text in a value often are
type loose struct{ n, cache int }

func (l loose) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d", l.n), nil }

func (l *loose) UnmarshalText(p []byte) error {
	_, err := fmt.Sscanf(string(p), "%d", &l.n)
	return err
}

func (l *loose) Equal(o loose) bool { return l.n == o.n }

// Clone returns a pointer, and is not called.
func (l *loose) Clone() *loose { panic(l.n) }

// A stubborn does not write itself, or does not read what it wrote.
type stubborn struct{ names []string }

func (s stubborn) MarshalText() ([]byte, error) {
	if s.names[0] == "unwritten" {
		return []byte("x"), errors.New("unwritten")
	}
	return []byte("x"), nil
}

func (s *stubborn) UnmarshalText(p []byte) error {
	s.names = []string{"read"}
	if string(p) == "x" {
		return errors.New("unread")
	}
	return nil
}

// A sealed has unexported fields of basic kinds.
type sealed struct {
	n    int
	text string
}

type several struct {
	A int
	B string
}

// TestOrder lists values of every kind in their order.
func TestOrder(t *testing.T) {
	requireOrder(t, 1, false, true)
	require.Equal(t, []int{-1, 0, 1}, []int{CompareBool(false, true), CompareBool(true, true), CompareBool(true, false)})
	requireOrder(t, 0, math.MinInt64, int64(-2), -1)
	requireOrder(t, 1, int8(0), 1, 127)
	requireOrder(t, 1, uint64(0), 1, math.MaxInt64+1, math.MaxUint64)
	requireOrder(t, 0, math.NaN(), math.Inf(-1), -1.5, -math.SmallestNonzeroFloat64)
	requireOrder(t, 2, math.Copysign(0, -1), 0.0, 1, math.Inf(1))
	requireOrder(t, 1, complex(0, 0), 1i, 1, 1+1i)
	requireOrder(t, 1, "", "a", "aa", "b")
	requireOrder(t, 2, []byte(nil), []byte{}, []byte{0}, []byte{0, 1}, []byte{1})
	requireOrder(t, 1, several{}, several{0, "x"}, several{1, ""}, several{1, "x"})
	requireOrder(t, 1, sealed{}, sealed{0, "x"}, sealed{1, ""})
	requireOrder(t, 1, celsius{}, celsius{5}, celsius{10})
	requireOrder(t, 1, [2]int{}, [2]int{0, 1}, [2]int{1, 0})
	requireOrder(t, 1, netip.Addr{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"))
	requireOrder(t, 0, *big.NewInt(1), *big.NewInt(2))
	// A document by kind, then by value.
	requireOrder(t, -1, any(nil), false, true, any(-1.5), any(2), any("a"), any([]any{}), any([]any{1.0}), any([]any{1.0, nil}),
		any(map[string]any{}), any(map[string]any{"a": 1.0}), any(map[string]any{"a": 2.0}), any(map[string]any{"a": 2.0, "b": nil}), any(map[string]any{"b": 1.0}))
}

// TestZeroDocument tells the empty value of each kind from the others.
func TestZeroDocument(t *testing.T) {
	for _, x := range []any{nil, false, 0, 0.0, math.Copysign(0, -1), json.Number("0e5"), "", []any{}, []any(nil), map[string]any{}} {
		require.True(t, ZeroDocument(x), "%#v", x)
	}
	for _, x := range []any{true, 1, 0.5, json.Number("1"), math.NaN(), math.Inf(1), "0", []any{nil}, map[string]any{"": nil}} {
		require.False(t, ZeroDocument(x), "%#v", x)
	}
}

// TestTimes compares instants, orders equal ones by zone, and drops what only one
// machine can read.
func TestTimes(t *testing.T) {
	typ, err := new(Compiler).Compile(reflect.TypeFor[wrapped[time.Time]]())
	require.NoError(t, err)
	at := func(x time.Time) reflect.Value { return reflect.ValueOf(&wrapped[time.Time]{x}).Elem() }
	now := time.Now()
	utc, east, far := now.UTC(), now.In(time.FixedZone("", 3600)), now.In(time.FixedZone("X", 3600))
	for _, x := range []time.Time{utc, east, far, now.Round(0)} {
		require.True(t, typ.Same(at(now), at(x)))
	}
	require.Negative(t, typ.Compare(at(utc), at(east)))
	require.Negative(t, typ.Compare(at(east), at(far)))
	require.Positive(t, typ.Compare(at(utc.Add(1)), at(far)), "by instant first")
	require.Zero(t, typ.Compare(at(now), at(now.Round(0))))
	dst := reflect.New(typ.Go).Elem()
	typ.Fill(dst, at(now))
	require.Equal(t, wrapped[time.Time]{now.Round(0)}, dst.Interface())
	inner, err := new(Compiler).Compile(reflect.TypeFor[time.Time]())
	require.NoError(t, err)
	require.True(t, inner.IsZero(reflect.ValueOf(time.Time{}.In(time.FixedZone("", 3600)))))
	require.False(t, inner.IsZero(reflect.ValueOf(now)))
}

// TestOwnMethods asks a type that hides its memory by the methods that fit, and by no
// other of their names.
func TestOwnMethods(t *testing.T) {
	var c Compiler
	typ, err := c.Compile(reflect.TypeFor[folder]())
	require.NoError(t, err)
	f, g := folder{"f", []string{"p"}}, folder{"f", nil}
	a, b := reflect.ValueOf(&f).Elem(), reflect.ValueOf(&g).Elem()
	require.True(t, typ.Same(a, b), "by bytes, as Equal is of something else")
	dst := reflect.New(typ.Go).Elem()
	typ.Fill(dst, a)
	require.Equal(t, folder{"f", []string{"copy", "p"}}, dst.Interface(), "by Clone")

	typ, err = c.Compile(reflect.TypeFor[big.Int]())
	require.NoError(t, err)
	n := big.NewInt(5)
	dst = reflect.New(typ.Go).Elem()
	typ.Fill(dst, reflect.ValueOf(n).Elem())
	n.Bits()[0] = 6
	require.Equal(t, int64(5), dst.Addr().Interface().(*big.Int).Int64(), "by its bytes, as its memory cannot be seen")
	for _, name := range []string{"unwritten", "unread"} {
		typ, err = c.Compile(reflect.TypeFor[stubborn]())
		require.NoError(t, err)
		v := stubborn{[]string{name}}
		dst = reflect.New(typ.Go).Elem()
		typ.Fill(dst, reflect.ValueOf(&v).Elem())
		require.Equal(t, v, dst.Interface(), "what does not survive its bytes is assigned")
	}

	typ, err = c.Compile(reflect.TypeFor[loose]())
	require.NoError(t, err)
	x, y, z := loose{1, 2}, loose{1, 3}, loose{2, 2}
	a, b = reflect.ValueOf(&x).Elem(), reflect.ValueOf(&y).Elem()
	require.True(t, typ.Same(a, b), "by Equal")
	require.False(t, typ.Same(a, reflect.ValueOf(&z).Elem()))
	dst = reflect.New(typ.Go).Elem()
	typ.Fill(dst, a)
	require.Equal(t, x, dst.Interface(), "comparable: by assignment")
}

// TestIsFunc compares the signature of a method with what is asked for, to the last
// argument and result.
func TestIsFunc(t *testing.T) {
	in, out := reflect.TypeFor[int](), reflect.TypeFor[string]()
	for _, tt := range []struct {
		f    any
		want bool
	}{
		{func(int, int) (string, string) { return "", "" }, true},
		{func(int) (string, string) { return "", "" }, false},
		{func(int, int, int) (string, string) { return "", "" }, false},
		{func(int, string) (string, string) { return "", "" }, false},
		{func(string, int) (string, string) { return "", "" }, false},
		{func(int, int) string { return "" }, false},
		{func(int, int) (string, int) { return "", 0 }, false},
		{func(int, int) (int, string) { return 0, "" }, false},
		{func(int, int) {}, false},
		{func(int, ...int) (string, string) { return "", "" }, false},
	} {
		require.Equal(t, tt.want, IsFunc(reflect.TypeOf(tt.f), []reflect.Type{in, in}, out, out), "%T", tt.f)
	}
	variadic := reflect.TypeFor[[]int]()
	require.False(t, IsFunc(reflect.TypeFor[func(...int)](), []reflect.Type{variadic}))
	require.True(t, IsFunc(reflect.TypeFor[func([]int)](), []reflect.Type{variadic}))
}
