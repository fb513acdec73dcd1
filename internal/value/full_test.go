package value

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/wire"
)

const (
	fullOne  = "\x04\xbf\xff\xff\xff\xff\xff\xff\xff" // 1.0
	fullZero = "\x04\x80\x0f\xff\xff\xff\xff\xff\xff" // 0.0
)

// TestFullForms pins the full form of values of every kind.
func TestFullForms(t *testing.T) {
	at := time.Unix(5, 7).UTC()
	for _, tt := range []struct {
		got  string
		want string
	}{
		{fullOf(t, false), "\x01"},
		{fullOf(t, true), "\x02"},
		{fullOf(t, 0), "\x03\x80"},
		{fullOf(t, -6), "\x03\x7e\xfa"},
		{fullOf(t, int64(math.MinInt64)), "\x03\x77\x80\x00\x00\x00\x00\x00\x00\x00"},
		{fullOf(t, uint64(math.MaxUint64)), "\x03\x88\xff\xff\xff\xff\xff\xff\xff\xff"},
		{fullOf(t, uint16(256)), "\x03\x82\x01\x00"},
		{fullOf(t, 1.0), fullOne},
		{fullOf(t, math.Copysign(0, -1)), fullZero},
		{fullOf(t, -math.NaN()), "\x04\x00\x08\x00\x00\x00\x00\x00\x00"},
		{fullOf(t, float32(1)), fullOne},
		{fullOf(t, complex(1, math.Copysign(0, -1))), "\x05" + fullOne[1:] + fullZero[1:]},
		{fullOf(t, ""), "\x06\x00"},
		{fullOf(t, strings.Repeat("a", 200)), "\x06\xc8\x01" + strings.Repeat("a", 200)},
		{fullOf(t, []byte(nil)), "\x00"},
		{fullOf(t, []byte{}), "\x07\x00"},
		{fullOf(t, []byte{1, 2}), "\x07\x02\x01\x02"},
		{fullOf(t, [2]byte{1, 2}), "\x07\x02\x01\x02"},
		{fullOf(t, [0]byte{}), "\x07\x00"},
		{fullOf(t, at), "\x08\x81\x05\x00\x00\x00\x07\x80"},
		{fullOf(t, east(at)), "\x08\x81\x05\x00\x00\x00\x07\x82\x0e\x10"},
		{fullOf(t, west(at)), "\x08\x81\x05\x00\x00\x00\x07\x7d\xf1\xf0"},
		{fullOf(t, []int(nil)), "\x00"},
		{fullOf(t, []int{1, 0}), "\x09\x02\x03\x81\x01\x03\x80"},
		{fullOf(t, []uint16{1}), "\x09\x01\x03\x81\x01"},
		{fullOf(t, [2]int{1, 0}), "\x09\x02\x03\x81\x01\x03\x80"},
		{fullOf(t, [][]int{nil, {}}), "\x09\x02\x00\x09\x00"},
		{fullOf(t, map[string]int(nil)), "\x00"},
		{fullOf(t, map[string]int{"b": 1, "a": 0, "": 2}), "\x0a\x03\x06\x00\x03\x81\x02\x06\x01a\x03\x80\x06\x01b\x03\x81\x01"},
		{fullOf(t, map[several]bool{{1, "a"}: true}), "\x0a\x01\x0b\x02\x01A\x03\x81\x01\x01B\x06\x01a\x02"},
		{fullOf(t, several{}), "\x0b\x00"},
		{fullOf(t, several{1, "a"}), "\x0b\x02\x01A\x03\x81\x01\x01B\x06\x01a"},
		{fullOf(t, (*int)(nil)), "\x00"},
		{fullOf(t, new(5)), "\x03\x81\x05"},
		{fullOf(t, new((*int)(nil))), "\x0c\x00"},
		{fullOf(t, new(new((*int)(nil)))), "\x0c\x0c\x00"},
		{fullOf(t, new([]int(nil))), "\x0c\x00"},
		{fullOf(t, new([]int{})), "\x09\x00"},
		{fullOf(t, []*[]byte{new([]byte(nil))}), "\x09\x01\x0c\x00"},
		{fullOf(t, ranked{Rank: 5}), "\x0d\x01\x05"},
		{fullOf(t, big.NewInt(-7)), "\x0e\x02-7"},
		{fullOf(t, [1]lettered{1}), "\x09\x01\x0d\x01a"},
		{fullOf(t, []lettered{1}), "\x09\x01\x0d\x01a"},
		{fullOf(t, any(json.Number("1.50"))), "\x0f\x031.5"},
		{fullOf(t, any(nil)), "\x00"},
		{fullOf(t, any("a")), "\x0f\x03\"a\""},
		{fullOf(t, any(map[string]any{"b": 1.5, "a": nil})), "\x0f\x12{\"a\":null,\"b\":1.5}"},
	} {
		require.Equal(t, tt.want, tt.got)
	}
}

// TestNoFullForm names the place and the reason where a value has no full form.
func TestNoFullForm(t *testing.T) {
	far := func(offset int) time.Time { return time.Unix(0, 0).In(time.FixedZone("", offset)) }
	nan, c := math.NaN(), &cyclic{}
	c.Next = c
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"zone", third(Store(far(maxOffset))), "time.Time: 1048576 seconds east of UTC"},
		{"zone in the west", third(Store(far(-maxOffset))), "time.Time: -1048576 seconds east of UTC"},
		{"zone in a list", third(Store([]time.Time{{}, far(maxOffset)})), "[]time.Time: [1]: 1048576 seconds east of UTC"},
		{"zone in a map", third(Store(map[int]time.Time{7: far(maxOffset)})), "map[int]time.Time: {7}: 1048576 seconds east of UTC"},
		{"zone in a key", third(Store(map[time.Time]int{far(maxOffset): 1})), "map[time.Time]int: {key}: 1048576 seconds east of UTC"},
		{"zone in a field", third(Store(wrapped[[]time.Time]{[]time.Time{far(maxOffset)}})), "value.wrapped[[]time.Time]: V[0]: 1048576 seconds east of UTC"},
		{"NaN", third(Store(map[float64]int{nan: 1})), "map[float64]int: {key}: NaN is no key"},
		{"NaN in an array", third(Store(map[[2]float64]int{{0, nan}: 1})), "map[[2]float64]int: {key}: NaN is no key"},
		{"NaN in a struct", third(Store(map[measured]int{{By: [2]float64{0, nan}}: 1})), "map[value.measured]int: {key}: NaN is no key"},
		{"real NaN", third(Store(map[complex128]int{complex(nan, 0): 1})), "map[complex128]int: {key}: NaN is no key"},
		{"imaginary NaN", third(Store(map[complex128]int{complex(0, nan): 1})), "map[complex128]int: {key}: NaN is no key"},
		{"two keys", third(Store(map[time.Time]int{time.Unix(1, 0).UTC(): 1, time.Unix(1, 0).In(time.FixedZone("x", 0)): 2})), "map[time.Time]int: two keys of the map have the same bytes"},
		{"cycle", third(Store(c)), "nested too deep, or a cycle"},
		{"document of no form", third(Store(any(make(chan int)))), "interface {}: json: unsupported type: chan int"},
		{"invalid text", third(Store(any("\xff"))), "interface {}: a string in it is not UTF-8, which JSON cannot carry"},
		{"invalid text after a backslash", third(Store(any([]string{`\\ufffd`, "\\\xff"}))), "interface {}: a string in it is not UTF-8, which JSON cannot carry"},
		{"integer", third(Store(any([]int64{1, 1<<53 + 1}))), "interface {}: an integer in it is one that a float64 cannot hold, as which it would be read"},
		{"own form", third(Store(weight{-1})), "value.weight: a weight is not negative"},
		{"JSON of its own", third(Store(unwritten2{n: 1})), "value.unwritten2: no JSON"},
		{"own form that is not read", third(Store(unread{1})), "value.unread: cannot read what it writes: unreadable value: stored own, want struct value.unread: not read"},
		{"own form in a list that is not read", third(Store([]unread{{}, {1}})), "[]value.unread: [1]: cannot read what it writes: unreadable value: field [1]: stored own, want struct value.unread: not read"},
		{"own form that grows", third(Store(growing{1})), "value.growing: its encoding changes each time that it is read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e *TypeError
			require.ErrorAs(t, tt.err, &e)
			require.ErrorContains(t, tt.err, tt.want)
			if tt.name != "cycle" {
				require.EqualError(t, tt.err, tt.want)
			}
		})
	}
	require.ErrorIs(t, third(Store(c)), ErrDeep)
	require.NoError(t, third(Store(far(maxOffset-1))))
	require.NoError(t, third(Store(far(1-maxOffset))))
	for _, ok := range []any{"\ufffd", `\ufffd`, `\\ufffd`, "-", 1e15, []int64{1 << 53, -1 << 53}, 1e300, `1234567890123456789`, `\"1234567890123456789`} {
		require.NoError(t, third(Store(ok)), "%#v", ok)
	}
	for n, bad := range map[int64]bool{999999999999999: false, 9007199254740993: true, -9007199254740993: true, 9007199254740994: false, 1234567890123456: false} {
		require.Equal(t, bad, third(Store(any(n))) != nil, "%d", n)
	}
	require.NoError(t, third(Store(any(json.Number("12345678901234567890.5")))))
	require.Error(t, third(Store(any(json.Number("12345678901234567891")))))
	require.Error(t, third(Store(any(map[string]any{"a": json.Number("12345678901234567891")}))))
	require.PanicsWithValue(t, "value: value.weight was not stored: value.weight: a weight is not negative", func() { AppendFull(nil, &weight{-1}, "") })
}

// A lettered is a byte that writes itself.
type lettered uint8

func (l lettered) MarshalBinary() ([]byte, error) { return []byte{'a' - 1 + byte(l)}, nil }

func (l *lettered) UnmarshalBinary(p []byte) error { *l = lettered(p[0] - 'a' + 1); return nil }

type (
	// An unread does not read what it writes.
	unread struct{ N byte }

	// A growing reads another value than it writes.
	growing struct{ N byte }

	// An unwritten2 does not write itself.
	unwritten2 struct {
		_ chan int
		n int
	}
)

func (u unread) MarshalBinary() ([]byte, error)  { return []byte{u.N}, nil }
func (*unread) UnmarshalBinary(_ []byte) error   { return errors.New("not read") }
func (g growing) MarshalBinary() ([]byte, error) { return []byte{g.N}, nil }

func (g *growing) UnmarshalBinary(p []byte) error { g.N = p[0] + 1; return nil }

func (unwritten2) MarshalJSON() ([]byte, error) { return nil, errors.New("no JSON") }
func (*unwritten2) UnmarshalJSON([]byte) error  { return nil }

// TestFullFormsThatAreNone lists bytes that begin like a full form.
func TestFullFormsThatAreNone(t *testing.T) {
	nines := strings.Repeat("\xff", 9)
	for _, tt := range []struct{ name, in string }{
		{"nothing", ""},
		{"unknown code", "\x10"},
		{"nil and more", "\x00\x00"},
		{"int cut short", "\x03"},
		{"int with a zero in front", "\x03\x82\x00\x05"},
		{"float cut short", fullOne[:8]},
		{"−0", "\x04\x80\x0f\xff\xff\xff\xff\xff\xfe"},
		{"another NaN", "\x04\x00\x08\x00\x00\x00\x00\x00\x01"},
		{"complex cut short", "\x05" + fullOne[1:] + fullOne[1:8]},
		{"complex of one float", "\x05" + fullOne[1:]},
		{"complex of −0", "\x05" + fullOne[1:] + "\x80\x0f\xff\xff\xff\xff\xff\xfe"},
		{"string cut short", "\x06\x02a"},
		{"string without a length", "\x06"},
		{"length in a long form", "\x06\x81\x00a"},
		{"length of zero in a long form", "\x06\x80\x00"},
		{"length cut short", "\x06\x80"},
		{"length of 70 bits", "\x06" + nines + "\x7fa"},
		{"length of 64 bits", "\x06" + nines + "\x01a"},
		{"long string cut short", "\x06\x80\x01" + strings.Repeat("a", 127)},
		{"bytes cut short", "\x07\x01"},
		{"own cut short", "\x0d\x01"},
		{"text cut short", "\x0e\x01"},
		{"JSON cut short", "\x0f\x01"},
		{"time cut short", "\x08\x81"},
		{"time without nanoseconds", "\x08\x81\x05\x00\x00\x00"},
		{"time without a zone", "\x08\x81\x05\x00\x00\x00\x00"},
		{"time of 65 bits", "\x08\x88\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"},
		{"time with a second of nanoseconds", "\x08\x81\x05\x3b\x9a\xca\x00\x80"},
		{"time in a zone too far", "\x08\x81\x05\x00\x00\x00\x00\x83\x10\x00\x00"},
		{"time in a zone too far west", "\x08\x81\x05\x00\x00\x00\x00\x7c\xef\xff\xff"},
		{"list without a length", "\x09"},
		{"list cut short", "\x09\x02\x00"},
		{"list of no value", "\x09\x01\x10"},
		{"map without values", "\x0a\x01\x06\x01a"},
		{"map of no key", "\x0a\x01\x10\x00"},
		{"key twice with values that ascend", "\x0a\x02\x06\x01a\x00\x06\x01a\x01"},
		{"field twice with values that ascend", "\x0b\x02\x01a\x02\x01a\x03\x80"},
		{"nil and a number", "\x00\x80"},
		{"keys out of order", "\x0a\x02\x06\x01b\x00\x06\x01a\x00"},
		{"key twice", "\x0a\x02\x06\x01a\x00\x06\x01a\x00"},
		{"struct without a value", "\x0b\x01\x01a"},
		{"struct of a name cut short", "\x0b\x01\x02a"},
		{"field of nil", "\x0b\x01\x01a\x00"},
		{"fields out of order", "\x0b\x02\x01b\x02\x01a\x02"},
		{"field twice", "\x0b\x02\x01a\x02\x01a\x02"},
		{"pointer to nothing", "\x0c"},
		{"pointer to an int", "\x0c\x03\x80"},
		{"pointer to no value", "\x0c\x0c\x03\x80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Error(t, checkFull([]byte(tt.in)))
			require.False(t, IsFull(tt.in))
			_, kept, bad, err := Read[deep]([]byte(tt.in))
			require.Error(t, err)
			require.Nil(t, bad)
			require.Empty(t, kept)
		})
	}
	for _, in := range []string{
		"\x08\x88\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x80", "\x08\x77\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80",
		"\x08\x81\x05\x3b\x9a\xc9\xff\x80", "\x08\x81\x05\x00\x00\x00\x00\x83\x0f\xff\xff", "\x08\x81\x05\x00\x00\x00\x00\x7c\xf0\x00\x00",
		"\x0a\x02\x06\x01a\x00\x06\x01b\x00", "\x0b\x02\x00\x02\x01b\x02", "\x06\x80\x01" + strings.Repeat("a", 128),
	} {
		require.NoError(t, checkFull([]byte(in)), "%q", in)
		require.True(t, IsFull(in))
	}
}

// TestFullFormDepth counts lists, maps, structs and pointers as levels, in values and in bytes.
func TestFullFormDepth(t *testing.T) {
	for _, tt := range []struct {
		name       string
		most       int
		inner      string
		front, end string
		wrap       func(branch) branch
		per        int // levels
	}{
		{"pointers", MaxDepth / 2, "\x0b\x00", "\x0b\x01\x02To", "", func(b branch) branch { return branch{To: &b} }, 1},
		{"lists", MaxDepth / 2, "\x0b\x00", "\x0b\x01\x04List\x09\x01", "", func(b branch) branch { return branch{List: []branch{b}} }, 2},
		{"maps", MaxDepth / 2, "\x0b\x00", "\x0b\x01\x03Map\x0a\x01\x06\x01k", "", func(b branch) branch { return branch{Map: map[string]branch{"k": b}} }, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := planFor[branch]()
			require.NoError(t, err)
			var b branch
			for range tt.most {
				b = tt.wrap(b)
			}
			full, err := p.appendFull(nil, reflect.ValueOf(&b).Elem(), 0)
			require.NoError(t, err)
			require.Equal(t, strings.Repeat(tt.front, tt.most)+tt.inner, string(full))
			b = tt.wrap(b)
			_, err = p.appendFull(nil, reflect.ValueOf(&b).Elem(), 0)
			require.ErrorIs(t, err, ErrDeep)

			most := MaxDepth / tt.per
			require.NoError(t, checkFull([]byte(strings.Repeat(tt.front, most)+tt.inner)))
			require.Error(t, checkFull([]byte(strings.Repeat(tt.front, most+1)+tt.inner)))
		})
	}
	require.NoError(t, checkFull([]byte(strings.Repeat("\x0c", MaxDepth)+"\x00")))
	require.Error(t, checkFull([]byte(strings.Repeat("\x0c", MaxDepth+1)+"\x00")))
	require.NoError(t, checkFull([]byte(strings.Repeat("\x0a\x01", MaxDepth)+"\x00"+strings.Repeat("\x00", MaxDepth))), "keys nest as well")
	require.Error(t, checkFull([]byte(strings.Repeat("\x0a\x01", MaxDepth+1)+"\x00"+strings.Repeat("\x00", MaxDepth+1))))
}

// TestMismatch says what is stored, and what the type would have.
func TestMismatch(t *testing.T) {
	const big65 = "\x03\x88\xff\xff\xff\xff\xff\xff\xff\xff"
	const small = "\x03\x77\x7f\xff\xff\xff\xff\xff\xff\xff"
	third := func(f float64) string { return string(AppendFloat([]byte{4}, f)) }
	pair := func(x, y float64) string { return string(AppendFloat(AppendFloat([]byte{5}, x), y)) }
	for _, tt := range []struct {
		bad  *ValueError
		want string
	}{
		{Unreadable[int8]("\x03\x81\x80"), "stored int 128, want int8"},
		{Unreadable[int8]("\x03\x7e\x7f"), "stored int -129, want int8"},
		{Unreadable[int64]("\x03\x88\x80\x00\x00\x00\x00\x00\x00\x00"), "stored int 9223372036854775808, want int64"},
		{Unreadable[int8]("\x03\x77\x80\x00\x00\x00\x00\x00\x00\x00"), "stored int -9223372036854775808, want int8"},
		{Unreadable[int64](small), "stored int below -9223372036854775808, want int64"},
		{Unreadable[uint64]("\x03\x7f"), "stored int -1, want uint64"},
		{Unreadable[uint64](small), "stored int below -9223372036854775808, want uint64"},
		{Unreadable[uint8]("\x03\x82\x01\x00"), "stored int 256, want uint8"},
		{Unreadable[count](big65), "stored int 18446744073709551615, want int16 value.count"},
		{Unreadable[string]("\x03\x80"), "stored int, want string"},
		{Unreadable[word]("\x01"), "stored bool, want string value.word"},
		{Unreadable[bool]("\x06\x00"), "stored string, want bool"},
		{Unreadable[int](fullOne), "stored float, want int"},
		{Unreadable[float64]("\x03\x80"), "stored int, want float64"},
		{Unreadable[float32](third(1.0 / 3)), "stored float 0.3333333333333333, want float32"},
		{Unreadable[complex64](pair(1.0/3, 1)), "stored complex (0.3333333333333333+1i), want complex64"},
		{Unreadable[complex64](pair(1, 1.0/3)), "stored complex (1+0.3333333333333333i), want complex64"},
		{Unreadable[float64](pair(1, 1)), "stored complex, want float64"},
		{Unreadable[complex128](fullOne), "stored float, want complex128"},
		{Unreadable[string]("\x08\x80\x00\x00\x00\x00\x80"), "stored time, want string"},
		{Unreadable[time.Time]("\x06\x00"), "stored string, want struct time.Time"},
		{Unreadable[[]byte]("\x06\x00"), "stored string, want slice []uint8"},
		{Unreadable[string]("\x07\x00"), "stored bytes, want string"},
		{Unreadable[[2]byte]("\x07\x01\x01"), "stored 1 bytes, want array [2]uint8"},
		{Unreadable[[2]int8]("\x07\x02\x01\x01"), "stored bytes, want array [2]int8"},
		{Unreadable[[]int8]("\x07\x02\x01\x01"), "stored bytes, want slice []int8"},
		{Unreadable[[2]int8]("\x09\x01\x03\x80"), "stored list of 1, want array [2]int8"},
		{Unreadable[string]("\x09\x00"), "stored list, want string"},
		{Unreadable[several]("\x0a\x00"), "stored map, want struct value.several"},
		{Unreadable[map[string]int]("\x0b\x00"), "stored struct, want map map[string]int"},
		{Unreadable[map[string]int]("\x09\x00"), "stored list, want map map[string]int"},
		{Unreadable[[]int]("\x0a\x00"), "stored map, want slice []int"},
		{Unreadable[string]("\x0c\x00"), "stored pointer to nil, want string"},
		{Unreadable[several]("\x0d\x00"), "stored own, want struct value.several"},
		{Unreadable[several]("\x0e\x00"), "stored text, want struct value.several"},
		{Unreadable[several]("\x0f\x00"), "stored json, want struct value.several"},
		{Unreadable[big.Int]("\x0e\x01x"), "stored text, want struct big.Int: math/big: cannot unmarshal \"x\" into a *big.Int"},
		{Unreadable[any]("\x0f\x01x"), "stored json, want interface interface {}: invalid character 'x' looking for beginning of value"},
		{Unreadable[any]("\x03\x80"), "stored int, want interface interface {}"},
		{Unreadable[map[int]int]("\x0a\x01\x06\x00\x03\x80"), "field {key}: stored string, want int"},
		{Unreadable[map[int]int]("\x0a\x01\x03\x81\x05\x06\x00"), "field {5}: stored string, want int"},
		{Unreadable[map[int][]int]("\x0a\x01\x03\x81\x05\x09\x02\x03\x80\x06\x00"), "field {5}[1]: stored string, want int"},
		{Unreadable[map[float32]int]("\x0a\x02\x00\x03\x80" + fullZero + "\x03\x80"), "stored map with two keys that are one to the type, want map map[float32]int"},
		{Unreadable[[2]int]("\x09\x02\x03\x80\x06\x00"), "field [1]: stored string, want int"},
		{Unreadable[[]wrapped[map[int]int]]("\x09\x01\x0b\x01\x01V\x0a\x01\x03\x80\x06\x00"), "field [0].V{0}: stored string, want int"},
		{Unreadable[wrapped[several]]("\x0b\x01\x01V\x0b\x01\x01A\x06\x00"), "field V.A: stored string, want int"},
		{Unreadable[v2]("\x0b\x01\x04Name\x03\x80"), "field Full: stored int, want string"},
		{Unreadable[*int]("\x06\x00"), "stored string, want int"},
		{Unreadable[chan int]("\x06\x00"), "stored string, want chan int: a chan cannot be sent; leave it out, or " + choices},
	} {
		require.NotNil(t, tt.bad, tt.want)
		require.EqualError(t, tt.bad, "unreadable value: "+tt.want)
		require.ErrorIs(t, error(tt.bad), wire.ErrUnreadable)
	}
	require.EqualError(t, &ValueError{Key: `"k"`, Field: "F", Stored: "int", Wanted: "string"}, `unreadable value of key "k": field F: stored int, want string`)
	bad := Unreadable[weight]("\x0d\x02ab")
	require.ErrorIs(t, error(bad), bad.Err, "the type's own error is in it")
	for c, want := range map[code]string{codeNil: "nil", codeOpt: "pointer to nil", codeJSON: "json", 16: "code 16"} {
		require.Equal(t, want, c.String())
	}
}

// TestReadable: what a type can hold it reads, whatever other type wrote it.
func TestReadable(t *testing.T) {
	nan := "\x00\x08\x00\x00\x00\x00\x00\x00"
	for _, tt := range []struct{ got, want any }{
		{loaded[int8](t, "\x03\x81\x7f"), int8(127)},
		{loaded[int8](t, "\x03\x7e\x80"), int8(-128)},
		{loaded[int64](t, "\x03\x77\x80\x00\x00\x00\x00\x00\x00\x00"), int64(math.MinInt64)},
		{loaded[uint8](t, "\x03\x81\xff"), uint8(255)},
		{loaded[uint64](t, "\x03\x88\xff\xff\xff\xff\xff\xff\xff\xff"), uint64(math.MaxUint64)},
		{loaded[float32](t, fullOne), float32(1)},
		{loaded[complex64](t, "\x05"+fullOne[1:]+fullOne[1:]), complex64(1 + 1i)},
		{math.IsNaN(float64(loaded[float32](t, "\x04"+nan))), true},
		{math.IsNaN(float64(imag(loaded[complex64](t, "\x05"+fullOne[1:]+nan)))), true},
		{math.IsNaN(float64(real(loaded[complex64](t, "\x05"+nan+fullOne[1:])))), true},
		{loaded[*int](t, "\x03\x81\x05"), new(5)},
		{loaded[**int](t, "\x0c\x00"), new((*int)(nil))},
		{loaded[*int](t, "\x00"), (*int)(nil)},
		{loaded[string](t, "\x00"), ""},
		{loaded[[2]byte](t, "\x07\x02\x01\x02"), [2]byte{1, 2}},
		{loaded[[]int](t, "\x09\x02\x03\x80\x03\x81\x05"), []int{0, 5}},
		{loaded[[2]int](t, "\x09\x02\x03\x80\x03\x81\x05"), [2]int{0, 5}},
		{loaded[several](t, "\x0b\x03\x01A\x03\x81\x05\x01B\x06\x01x\x01C\x09\x01\x00"), several{5, "x"}},
		{loaded[any](t, "\x0f\x05[1,2]"), []any{1.0, 2.0}},
	} {
		require.Equal(t, tt.want, tt.got)
	}
	require.Equal(t, 2, cap(loaded[[]int](t, "\x09\x02\x03\x80\x03\x81\x05")), "no more room than is needed")
	many := "\x09\x81\x20" + strings.Repeat("\x03\x81\x05", ahead+1) // one more than what is allocated at first
	got := loaded[[]int](t, many)
	require.Len(t, got, ahead+1)
	require.Equal(t, []int{5, 5}, got[ahead-1:])
	require.Len(t, loaded[[]int](t, "\x09\x80\x20"+many[3:len(many)-3]), ahead)
}

// loaded returns the value with a full form, which its type can hold, read in each way.
func loaded[V any](t *testing.T, full string) V {
	t.Helper()
	require.True(t, IsFull(full), "%q", full)
	v, kept, bad := Load[V](full)
	require.Nil(t, bad)
	require.Equal(t, full, string(AppendFull(nil, &v, kept)))
	w, again, bad, err := Read[V]([]byte(full))
	require.NoError(t, err)
	require.Nil(t, bad)
	require.Equal(t, kept, again)
	require.Equal(t, full, string(AppendFull(nil, &w, again)))
	leaf, err := LeafOf(reflect.TypeFor[V]())
	require.NoError(t, err)
	dst := reflect.New(reflect.TypeFor[V]()).Elem()
	require.Nil(t, leaf.Load(dst, full))
	return v
}
