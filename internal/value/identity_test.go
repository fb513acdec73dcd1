package value_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/value"
)

type sku string

// celsius has marshalers that would give it other bytes, were they asked.
type celsius int16

func (celsius) MarshalBinary() ([]byte, error) { return nil, errors.New("asked") }
func (celsius) MarshalText() ([]byte, error)   { return nil, errors.New("asked") }
func (celsius) MarshalJSON() ([]byte, error)   { return nil, errors.New("asked") }

type point struct{ X, Y int32 }

type nested struct {
	Name  string
	At    [2]point
	Ratio float64
	ID    [4]byte
	On    bool
	T     celsius
}

func (nested) MarshalBinary() ([]byte, error) { return nil, errors.New("asked") }

type endpoint struct {
	Host netip.Addr
	Port uint16
}

// opaque has unexported state and a binary form only.
type opaque struct{ n uint16 }

func (o opaque) AppendBinary(b []byte) ([]byte, error) {
	return append(b, byte(o.n>>8), byte(o.n)), nil
}
func (o opaque) MarshalBinary() ([]byte, error) { return o.AppendBinary(nil) }
func (o *opaque) UnmarshalBinary(p []byte) error {
	if len(p) != 2 {
		return errors.New("opaque wants 2 bytes")
	}
	o.n = uint16(p[0])<<8 | uint16(p[1])
	return nil
}

// texty has unexported state and a text form only, and reads more than it writes.
type texty struct{ n int }

func (t texty) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(t.n), 10), nil }
func (t *texty) UnmarshalText(p []byte) error {
	n, err := strconv.Atoi(string(p))
	t.n = n
	return err
}

// The four halves of a form have unexported state, and one method to write it each.
type (
	appendsBytes  struct{ n byte }
	marshalsBytes struct{ n byte }
	appendsText   struct{ n byte }
	marshalsText  struct{ n byte }
)

func (a appendsBytes) AppendBinary(b []byte) ([]byte, error) { return append(b, a.n), nil }
func (m marshalsBytes) MarshalBinary() ([]byte, error)       { return []byte{m.n}, nil }
func (a appendsText) AppendText(b []byte) ([]byte, error)    { return append(b, 'a'+a.n), nil }
func (m marshalsText) MarshalText() ([]byte, error)          { return []byte{'a' + m.n}, nil }

func (a *appendsBytes) UnmarshalBinary(p []byte) (err error)  { a.n, err = one(p, 0); return err }
func (m *marshalsBytes) UnmarshalBinary(p []byte) (err error) { m.n, err = one(p, 0); return err }
func (a *appendsText) UnmarshalText(p []byte) (err error)     { a.n, err = one(p, 'a'); return err }
func (m *marshalsText) UnmarshalText(p []byte) (err error)    { m.n, err = one(p, 'a'); return err }

// one returns the only byte of p less from.
func one(p []byte, from byte) (byte, error) {
	if len(p) != 1 {
		return 0, errors.New("wants 1 byte")
	}
	return p[0] - from, nil
}

// forgetful loses state when it marshals.
type forgetful struct{ kept, lost uint8 }

func (f forgetful) MarshalBinary() ([]byte, error) { return []byte{f.kept}, nil }
func (f *forgetful) UnmarshalBinary(p []byte) error {
	*f = forgetful{kept: p[0]}
	return nil
}

// checkKey checks everything that holds of one key.
func checkKey[K comparable](t require.TestingT, k K) {
	require.NoError(t, value.CheckKeyType[K]())
	k, err := value.Normalize(k)
	require.NoError(t, err)
	enc := value.AppendKey([]byte("x"), k)
	require.Equal(t, "x", string(enc[:1]))
	back, err := value.DecodeKey[K](enc[1:])
	require.NoError(t, err)
	require.Equal(t, k, back)

	js := value.AppendKeyJSON([]byte("x"), k)
	require.True(t, json.Valid(js[1:]), "%s", js)
	back, err = value.DecodeKeyJSON[K](js[1:])
	require.NoError(t, err)
	require.Equal(t, k, back)
	var spaced bytes.Buffer
	require.NoError(t, json.Indent(&spaced, js[1:], " ", "\t"))
	back, err = value.DecodeKeyJSON[K](spaced.Bytes())
	require.NoError(t, err)
	require.Equal(t, k, back)

	for _, bad := range [][]byte{append(enc[1:len(enc):len(enc)], 0), enc[1:max(1, len(enc)-1)]} {
		if other, err := value.DecodeKey[K](bad); err == nil {
			require.Equal(t, string(bad), string(value.AppendKey(nil, other)), "accepted bytes that are not canonical")
		}
	}
}

func checkKind[K comparable](t *testing.T, gen *rapid.Generator[K], less func(a, b K) bool) {
	t.Helper()
	t.Run(reflect.TypeFor[K]().String(), rapid.MakeCheck(func(t *rapid.T) {
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		checkKey(t, a)
		a, _ = value.Normalize(a)
		b, _ = value.Normalize(b)
		order := bytes.Compare(value.AppendKey(nil, a), value.AppendKey(nil, b))
		require.Equal(t, a == b, order == 0)
		require.Equal(t, order, value.CompareKeys(a, b))
		if less != nil {
			require.Equal(t, less(a, b), order < 0, "bytes do not sort as the kind does")
		}
	}))
}

func ordered[K int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | uintptr |
	float32 | float64 | string | sku | celsius](a, b K) bool {
	return a < b
}

// TestKinds checks round trips, canonical form and order for every kind.
func TestKinds(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(p []byte) string { return string(p) }))
	pt := rapid.Custom(func(t *rapid.T) point {
		return point{rapid.Int32().Draw(t, "x"), rapid.Int32().Draw(t, "y")}
	})
	checkKind(t, rapid.Bool(), func(a, b bool) bool { return !a && b })
	checkKind(t, rapid.Int(), ordered)
	checkKind(t, rapid.Int8(), ordered)
	checkKind(t, rapid.Int16(), ordered)
	checkKind(t, rapid.Int32(), ordered)
	checkKind(t, rapid.Int64(), ordered)
	checkKind(t, rapid.Uint(), ordered)
	checkKind(t, rapid.Uint8(), ordered)
	checkKind(t, rapid.Uint16(), ordered)
	checkKind(t, rapid.Uint32(), ordered)
	checkKind(t, rapid.Uint64(), ordered)
	checkKind(t, rapid.Uintptr(), ordered)
	checkKind(t, rapid.Float32(), ordered)
	checkKind(t, rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, 1e21, 1e-7})), ordered)
	checkKind(t, text, ordered)
	checkKind(t, rapid.Map(text, func(s string) sku { return sku(s) }), ordered)
	checkKind(t, rapid.Map(rapid.Int16(), func(n int16) celsius { return celsius(n) }), ordered)
	checkKind(t, pt, nil)
	checkKind(t, rapid.Custom(func(t *rapid.T) nested {
		return nested{
			Name: text.Draw(t, "name"), At: [2]point{pt.Draw(t, "p"), pt.Draw(t, "q")}, Ratio: rapid.Float64().Draw(t, "ratio"),
			ID: [4]byte{rapid.Byte().Draw(t, "id")}, On: rapid.Bool().Draw(t, "on"), T: celsius(rapid.Int16().Draw(t, "t")),
		}
	}), nil)
	checkKind(t, rapid.Custom(func(t *rapid.T) [3]string {
		return [3]string{text.Draw(t, "0"), text.Draw(t, "1"), text.Draw(t, "2")}
	}), nil)
	checkKind(t, rapid.Map(rapid.Uint32(), func(n uint32) endpoint {
		return endpoint{netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), uint16(n >> 16)}
	}), nil)
	checkKind(t, rapid.Map(rapid.Uint16(), func(n uint16) opaque { return opaque{n} }), nil)
	checkKind(t, rapid.Map(rapid.Int(), func(n int) texty { return texty{n} }), nil)
	checkKind(t, rapid.Map(rapid.Int64Range(0, 1<<33), func(n int64) time.Time { return time.Unix(n, n%1e9).UTC() }), nil)
	checkKind(t, rapid.Just(struct{}{}), nil)
}

// golden lists one line per stored form: kind, value, bytes, JSON.
func golden(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	key := func(k any, enc, js []byte) { fmt.Fprintf(&b, "key\t%T\t%+q\t%x\t%s\n", k, fmt.Sprint(k), enc, js) }
	goldenKey(t, key, false, true)
	goldenKey(t, key, -1, 0, 1<<30)
	goldenKey[int8](t, key, -1, 0, 127)
	goldenKey[int16](t, key, -1, 300)
	goldenKey[int32](t, key, -1, 300)
	goldenKey[int64](t, key, math.MinInt64, 1<<53+1)
	goldenKey[uint](t, key, 0, 7)
	goldenKey[uint8](t, key, 255)
	goldenKey[uint16](t, key, 300)
	goldenKey[uint32](t, key, 300)
	goldenKey[uint64](t, key, math.MaxUint64)
	goldenKey[uintptr](t, key, 7)
	goldenKey[float32](t, key, -0.5, 0, 3.25)
	goldenKey(t, key, math.Inf(-1), -1e21, math.Copysign(0, -1), 1e-7, 0.1, math.Inf(1))
	goldenKey(t, key, "", "sku-00000042", "a\"b\\\n\x01<é\u2028", "\xff\x00")
	goldenKey(t, key, sku("sku-00000042"))
	goldenKey(t, key, celsius(-40))
	goldenKey(t, key, [2]string{"a", ""})
	goldenKey(t, key, [16]byte{0xde, 0xad})
	goldenKey(t, key, nested{Name: "n\xff", At: [2]point{{1, 2}, {3, -4}}, Ratio: 0.5, ID: [4]byte{1, 2, 3, 4}, On: true, T: 21})
	goldenKey(t, key, endpoint{netip.MustParseAddr("10.0.0.1"), 443})
	goldenKey(t, key, opaque{258})
	goldenKey(t, key, texty{-7})
	goldenKey(t, key, time.Unix(1700000000, 5).UTC())
	return b.String()
}

func goldenKey[K comparable](t *testing.T, line func(any, []byte, []byte), keys ...K) {
	t.Helper()
	for _, k := range keys {
		k, err := value.Normalize(k)
		require.NoError(t, err)
		line(k, value.AppendKey(nil, k), value.AppendKeyJSON(nil, k))
	}
}

// TestGolden pins every stored form: a difference is a break of the format.
func TestGolden(t *testing.T) {
	got := golden(t)
	want, err := os.ReadFile("testdata/identity.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// TestKeysThatMarshalThemselves takes a type by whichever method it has to write itself.
func TestKeysThatMarshalThemselves(t *testing.T) {
	checkKey(t, appendsBytes{3})
	checkKey(t, marshalsBytes{3})
	checkKey(t, appendsText{3})
	checkKey(t, marshalsText{3})
	checkKey(t, [2]appendsBytes{{1}, {2}})
	require.Equal(t, "\x03", string(value.AppendKey(nil, appendsBytes{3})))
	require.Equal(t, "\x03", string(value.AppendKey(nil, marshalsBytes{3})))
	require.Equal(t, "d", string(value.AppendKey(nil, appendsText{3})))
	require.Equal(t, "d", string(value.AppendKey(nil, marshalsText{3})))
}

// TestKeysOfWiderMachines reads numbers that fit where an int has 64 bits, and refuses them
// where it has 32.
func TestKeysOfWiderMachines(t *testing.T) {
	large := []byte{0, 0, 0, 1, 0, 0, 0, 0}
	signed := []byte{0x80, 0, 0, 1, 0, 0, 0, 0}
	u, errUint := value.DecodeKey[uint](large)
	p, errPointer := value.DecodeKey[uintptr](large)
	n, errInt := value.DecodeKey[int](signed)
	if strconv.IntSize == 32 {
		require.ErrorContains(t, errUint, "4294967296 overflows uint")
		require.ErrorContains(t, errPointer, "4294967296 overflows uintptr")
		require.ErrorContains(t, errInt, "4294967296 overflows int")
		return
	}
	require.NoError(t, errors.Join(errUint, errPointer, errInt))
	require.Equal(t, []uint64{1 << 32, 1 << 32, 1 << 32}, []uint64{uint64(u), uint64(p), uint64(n)})
}

func TestCheckKey(t *testing.T) {
	type inner struct{ P *int }
	type outer struct{ In [2]inner }
	type hidden struct{ _ int }
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"interface", value.CheckKeyType[any](), "key type interface {}: kind interface is not supported"},
		{"pointer", value.CheckKeyType[*int](), "key type *int: kind ptr is not supported"},
		{"channel", value.CheckKeyType[chan int](), "key type chan int: kind chan is not supported"},
		{"complex", value.CheckKeyType[complex64](), "key type complex64: kind complex64 is not supported"},
		{"field", value.CheckKeyType[outer](), "key type value_test.outer: field In.P: kind ptr is not supported"},
		{"unexported", value.CheckKeyType[hidden](), "key type value_test.hidden: type value_test.hidden has unexported fields and does not marshal itself"},
		{"empty array", value.CheckKeyType[[0]*int](), "key type [0]*int: kind ptr is not supported"},
		{"nested unexported", value.CheckKeyType[struct{ H hidden }](), "field H: type value_test.hidden has unexported fields"},
	} {
		t.Run(tt.name, func(t *testing.T) { require.ErrorContains(t, tt.err, tt.want) })
	}
	_, err := value.Normalize(outer{})
	require.ErrorContains(t, err, "field In.P: kind ptr")
	_, err = value.Normalize[any](5)
	require.ErrorContains(t, err, "kind interface")
	_, err = value.Normalize([0]*int{})
	require.ErrorContains(t, err, "kind ptr")
}

func TestNormalize(t *testing.T) {
	type deep struct{ In [1]struct{ F float32 } }
	negative := math.Copysign(0, -1)

	f, err := value.Normalize(negative)
	require.NoError(t, err)
	require.False(t, math.Signbit(f), "−0 is stored as 0")

	d := deep{}
	d.In[0].F = float32(negative)
	d, err = value.Normalize(d)
	require.NoError(t, err)
	require.False(t, math.Signbit(float64(d.In[0].F)), "−0 is stored as 0 at any depth")

	_, err = value.Normalize(math.NaN())
	require.ErrorContains(t, err, "NaN")
	d.In[0].F = float32(math.NaN())
	_, err = value.Normalize(d)
	require.ErrorContains(t, err, "field In.F: NaN")

	_, err = value.Normalize(forgetful{kept: 1})
	require.NoError(t, err)
	_, err = value.Normalize(forgetful{kept: 1, lost: 2})
	require.ErrorContains(t, err, "not equal to itself after marshaling")
	_, err = value.Normalize(time.Now())
	require.ErrorContains(t, err, "not equal to itself", "a monotonic reading does not survive")
	_, err = value.Normalize(time.Now().In(time.FixedZone("x", 3601)))
	require.ErrorContains(t, err, "not equal to itself", "a zone is a pointer")
}

// A restless marshals to other bytes each time, all of which it reads.
type restless struct{ _ int }

var restlessCalls byte

func (restless) MarshalBinary() ([]byte, error) {
	restlessCalls++
	return []byte{restlessCalls}, nil
}

func (*restless) UnmarshalBinary([]byte) error { return nil }

// TestNormalizeRefusesChangingBytes: a key that came back == was let in although
// its bytes differed from call to call, and no peer could decode the state.
func TestNormalizeRefusesChangingBytes(t *testing.T) {
	_, err := value.Normalize(restless{})
	require.ErrorContains(t, err, "not in canonical form")
}

// TestStrict lists bytes that are nobody's encoding.
func TestStrict(t *testing.T) {
	fixed := append(append([]byte{1}, make([]byte, 12)...), 0x0e, 0x11) // time.Time at a zone of +01:01
	for _, tt := range []struct {
		name   string
		decode func([]byte) error
		in     []byte
		want   string
	}{
		{"bool", key[bool], []byte{2}, "bool is 2"},
		{"short int", key[int32], []byte{1, 2, 3}, "unexpected end"},
		{"long int", key[int32], []byte{1, 2, 3, 4, 5}, "1 trailing bytes"},
		{"NaN", key[float64], []byte{0xff, 0xf8, 0, 0, 0, 0, 0, 1}, "NaN"},
		{"negative zero", key[float64], []byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "-0"},
		{"string length", key[[1]string], []byte{5, 'a'}, "count 5 exceeds"},
		{"string length form", key[[1]string], []byte{0x81, 0, 'a'}, "shortest"},
		{"opaque", key[opaque], []byte{1}, "opaque wants 2 bytes"},
		{"text form", key[texty], []byte("+7"), "not in canonical form"},
		{"zone", key[time.Time], fixed, "not equal to itself"},
	} {
		t.Run(tt.name, func(t *testing.T) { require.ErrorContains(t, tt.decode(tt.in), tt.want) })
	}
}

func key[K comparable](p []byte) error { _, err := value.DecodeKey[K](p); return err }

func keyJSON[K comparable](p []byte) error { _, err := value.DecodeKeyJSON[K](p); return err }

// TestStrictJSON lists JSON that is no key's form.
func TestStrictJSON(t *testing.T) {
	for _, tt := range []struct {
		name   string
		decode func([]byte) error
		in     string
		want   string
	}{
		{"bool", keyJSON[bool], `null`, "not a bool"},
		{"int as number", keyJSON[int64], `5`, "\"5\" is not a decimal string"},
		{"int form", keyJSON[int64], `"+5"`, "canonical"},
		{"int range", keyJSON[int8], `128`, "out of range"},
		{"uint sign", keyJSON[uint8], `-1`, "invalid syntax"},
		{"fraction", keyJSON[int32], `1.0`, "invalid syntax"},
		{"float null", keyJSON[float64], `null`, "not of kind float64"},
		{"float NaN", keyJSON[float64], `"NaN"`, "not of kind float64"},
		{"float −0", keyJSON[float64], `-0.0`, "canonical"},
		{"float range", keyJSON[float32], `1e39`, "canonical"},
		{"string null", keyJSON[string], `null`, "not a JSON string"},
		{"string object", keyJSON[string], `{"base64":"YQ=="}`, "that JSON can hold"},
		{"string object padding", keyJSON[string], `{"base64":"/x=="}`, "not a JSON string"},
		{"array length", keyJSON[[2]int8], `[1]`, "element 1"},
		{"array length", keyJSON[[2]int8], `[1,2,3]`, "where ] should be"},
		{"bytes", keyJSON[[2]byte], `"AAbb"`, "lower-case"},
		{"bytes length", keyJSON[[2]byte], `"aa"`, "2 bytes"},
		{"null struct key", keyJSON[point], `null`, "null where { should be"},
		{"field missing", keyJSON[point], `{"X":1}`, "1 of 2 fields"},
		{"field twice", keyJSON[point], `{"X":1,"X":2}`, "twice"},
		{"field unknown", keyJSON[point], `{"X":1,"Z":2}`, "unknown field"},
		{"text", keyJSON[texty], `"+7"`, "canonical"},
		{"no text", keyJSON[opaque], `"7"`, "no text form"},
		{"not UTF-8", keyJSON[string], "\"\xff\"", "UTF-8"},
		{"two values", keyJSON[point], `{"X":1,"Y":2}{}`, "after the end"},
	} {
		t.Run(tt.name, func(t *testing.T) { require.ErrorContains(t, tt.decode([]byte(tt.in)), tt.want) })
	}
}

func TestAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage changes inlining and allocation")
	}
	buf := make([]byte, 0, 256)
	id := [16]byte{1}
	for name, f := range map[string]func(){
		"string":          func() { _ = value.AppendKey(buf, "sku-00000042") },
		"named string":    func() { _ = value.AppendKey(buf, sku("sku-00000042")) },
		"int":             func() { _ = value.AppendKey(buf, 1<<30) },
		"named int":       func() { _ = value.AppendKey(buf, celsius(300)) },
		"uint16":          func() { _ = value.AppendKey(buf, uint16(3000)) },
		"float64":         func() { _ = value.AppendKey(buf, 0.25) },
		"bool":            func() { _ = value.AppendKey(buf, true) },
		"array of bytes":  func() { _ = value.AppendKey(buf, id) },
		"decode int64":    func() { _, _ = value.DecodeKey[int64](id[:8]) },
		"normalize":       func() { _, _ = value.Normalize("sku-00000042") },
		"normalize named": func() { _, _ = value.Normalize(sku("sku-00000042")) },
		"compare":         func() { _ = value.CompareKeys("a", "b") },
		"compare named":   func() { _ = value.CompareKeys(sku("a"), sku("b")) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

func BenchmarkAppendKey(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.Run("kind=string", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = value.AppendKey(buf, "sku-00000042")
		}
	})
	b.Run("kind=named", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = value.AppendKey(buf, sku("sku-00000042"))
		}
	})
	b.Run("kind=struct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = value.AppendKey(buf, point{1, 2})
		}
	})
	b.Run("baseline=append", func(b *testing.B) {
		b.ReportAllocs()
		s := hex.EncodeToString(make([]byte, 6))
		for b.Loop() {
			_ = append(buf, s...)
		}
	})
}
