package value

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// encoded returns the table form of values of V.
func encoded[V any](t *testing.T, values ...V) string {
	t.Helper()
	e := NewEncoder[V]()
	kept := make([]string, len(values))
	for i := range values {
		var err error
		values[i], kept[i], err = Store(values[i])
		require.NoError(t, err)
		e.Note(&values[i], kept[i])
	}
	b := e.AppendTables([]byte("x"))
	for i := range values {
		b = e.Append(b, &values[i], kept[i])
	}
	if len(values) == 1 {
		require.Equal(t, string(b[1:]), string(AppendOne(nil, &values[0], kept[0])))
		require.Equal(t, string(b), string(AppendOne([]byte("x"), &values[0], kept[0])), "remembered")
	}
	r := wire.NewReader(b[1:])
	d := NewDecoder[V](r)
	for i := range values {
		var v V
		again, bad := d.Next(&v)
		require.Nil(t, bad)
		require.Equal(t, kept[i], again)
		require.Equal(t, string(AppendFull(nil, &values[i], kept[i])), string(AppendFull(nil, &v, again)))
	}
	d.Close()
	require.NoError(t, r.Close())
	return string(b[1:])
}

// TestTableForms pins the bytes of values that are written together.
func TestTableForms(t *testing.T) {
	type pair struct {
		A int
		B string
	}
	type kinds struct {
		B bool
		C complex128
		F float32
		I int8
		S string
		U uint16
		X base
	}
	type numbers struct {
		B bool
		C complex128
		F float32
		I int8
		S string
		U uint16
	}
	type either struct {
		V any
		N *int
	}
	long := strings.Repeat("n", 200)
	for _, tt := range []struct {
		name string
		got  string
		want string
	}{
		{"no values", encoded[pair](t), "\x00\x00\x00"},
		{"texts", encoded(t, "a", ""), "\x40\x00\x00\x01a\x00"},
		{"numbers", encoded(t, 5, -1), "\x08\x00\x00\x81\x05\x7f"},
		{"numbers of 64 bits", encoded(t, int64(5)), "\x08\x00\x00\x81\x05"},
		{"numbers above 0", encoded(t, uint64(math.MaxUint64)), "\x08\x00\x00\x88\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"numbers of 8 bits", encoded(t, int8(5)), "\x08\x00\x00\x81\x05"},
		{"floats", encoded(t, 1.0), "\x10\x00\x00" + fullOne[1:]},
		{"truth", encoded(t, true, false, true), "\x06\x00\x00\x01\x00\x01"},
		{"lists", encoded(t, []int{5, 6}, []int{}), "\x80\x04\x00\x00\x02\x03\x81\x05\x81\x06\x00"},
		{"lists and nil", encoded(t, nil, []int{5}), "\x81\x04\x00\x00\x00\x01\x01\x03\x81\x05"},
		{"lists of two codes", encoded(t, []bool{true, false}), "\x80\x04\x00\x00\x02\xff\x02\x01"},
		{"lists of pointers", encoded(t, []*int{nil, new(5)}), "\x80\x04\x00\x00\x02\xff\x00\x03\x81\x05"},
		{"maps", encoded(t, map[string]int{"b": 1, "a": 2}), "\x80\x08\x00\x00\x02\x06\x03\x01a\x81\x02\x01b\x81\x01"},
		{"maps of two codes", encoded(t, map[string]bool{"b": true, "a": false}), "\x80\x08\x00\x00\x02\x06\xff\x01a\x01\x01b\x02"},
		{"maps of keys of two codes", encoded(t, map[bool]int{false: 1, true: 2}), "\x80\x08\x00\x00\x02\xff\x03\x01\x81\x01\x02\x81\x02"},
		{"maps of one entry", encoded(t, map[bool]int{true: 2}), "\x80\x08\x00\x00\x01\x02\x03\x81\x02"},
		{"pointers to nil", encoded(t, new((*int)(nil)), new(new(5))), "\x88\x20\x00\x00\x01\x00\x00\x81\x05"},
		{"own forms", encoded(t, weight{5}), "\x80\x40\x00\x00\x01\x05"},
		{"documents", encoded(t, any("a")), "\x80\x80\x02\x00\x00\x03\"a\""},
		{"empty structs", encoded(t, pair{}), "\x00\x00\x01\x00"},
		{"one shape", encoded(t, pair{5, "x"}, pair{6, "y"}), "\x00\x02\x03\x01A\x06\x01B\x01\x02\x00\x01\x81\x05\x01x\x81\x06\x01y"},
		{
			"shapes", encoded(t, pair{5, ""}, pair{0, "x"}, pair{5, "x"}, pair{}),
			"\x00\x02\x03\x01A\x06\x01B\x04\x00\x01\x00\x02\x00\x01\x01\x01\x01\x81\x05\x03\x01x\x02\x81\x05\x01x\x00",
		},
		{
			"all plain fields", encoded(t, numbers{true, complex(1, 0), 1, -1, "s", 5}),
			"\x00\x06\x02\x01B\x05\x01C\x04\x01F\x03\x01I\x06\x01S\x03\x01U\x01\x06\x00\x01\x02\x03\x04\x05" +
				fullOne[1:] + fullZero[1:] + fullOne[1:] + "\x7f\x01s\x81\x05",
		},
		{
			"a struct in it", encoded(t, kinds{true, complex(1, 0), 1, -1, "s", 5, base{"i", 0}}),
			"\x00\x08\x02\x01B\x05\x01C\x04\x01F\x03\x01I\x06\x02ID\x06\x01S\x03\x01U\x0b\x01X\x02\x07\x00\x01\x02\x03\x05\x06\x07\x01\x04\x00" +
				fullOne[1:] + fullZero[1:] + fullOne[1:] + "\x7f\x01s\x81\x05\x01\x01i",
		},
		{
			"names of two codes", encoded(t, either{N: new(5)}, either{V: "a"}, either{V: 1}),
			"\x00\x02\x03\x01N\x0f\x01V\x02\x01\x00\x01\x01\x00\x81\x05\x01\x03\"a\"\x01\x011",
		},
		{"structs and nil", encoded(t, nil, &pair{5, ""}), "\x01\x01\x03\x01A\x01\x01\x00\x00\x01\x81\x05"},
		{"structs in lists", encoded(t, []pair{{5, ""}, {0, "x"}}), "\x80\x04\x02\x03\x01A\x06\x01B\x02\x01\x00\x01\x01\x00\x02\x0b\x00\x81\x05\x01\x01x"},
		{"a long name", encoded(t, map[string]pair{long: {}}), "\x80\x08\x00\x01\x00\x00\x01\x06\x0b\xc8\x01" + long + "\x00"},
	} {
		require.Equal(t, tt.want, tt.got, tt.name)
	}
	// One name with two codes, and a value of a code beside shapes.
	fulls := []string{"\x0b\x01\x01A\x03\x81\x05", "\x0b\x01\x01A\x06\x01x", "\x03\x81\x07"}
	require.Equal(t, "\x08\x02\x03\x01A\x06\x01A\x02\x01\x00\x01\x01\x01\x81\x05\x02\x01x\x00\x81\x07", string(encodeAll[never](fulls)))
	require.Equal(t, string(encodeAll[never](fulls)), string(encodeAll[pair](fulls)))
	zero := pair{5, ""}
	require.Equal(t, "\x00\x02\x03\x01A\x03\x01Z\x01\x02\x00\x01\x81\x05\x81\x05", string(AppendOne(nil, &zero, "\x0b\x02\x01A\x03\x81\x05\x01Z\x03\x81\x05")))
	// So many shapes that their places take two bytes.
	var list []byte
	for i := range byte(200) {
		list = append(list, 0x0b, 1, 1, 'A'+i, 2)
	}
	all := []string{"\x09\xc8\x01" + string(list)}
	again, err := decodeAll[never](encodeAll[never](all), 1)
	require.NoError(t, err)
	require.Equal(t, all, again)
}

// TestTablesStrict lists tables and values that no encoder writes.
func TestTablesStrict(t *testing.T) {
	const form = "value is not in its canonical form"
	const one = "\x00\x01\x03\x01A\x01\x01\x00" // the tables of a struct with a number
	long := strings.Repeat("n", 1<<16)
	for _, tt := range []struct {
		name string
		in   string
		n    int
		want string
	}{
		{"nothing", "", 0, "unexpected end"},
		{"code 16", "\x80\x80\x04\x00\x00", 0, "codes 10000 of values"},
		{"code of structs", "\x80\x10\x00\x00", 0, "codes 800 of values"},
		{"name of nil", "\x00\x01\x00\x01A\x01\x01\x00", 0, "a field of code 0"},
		{"name of code 16", "\x00\x01\x10\x01A\x01\x01\x00", 0, "a field of code 16"},
		{"names out of order", "\x00\x02\x03\x01B\x03\x01A\x01\x02\x00\x01", 0, `field "A" does not follow "B"`},
		{"name twice", "\x00\x02\x03\x01A\x03\x01A\x01\x02\x00\x01", 0, `field "A" does not follow "A"`},
		{"names out of order by code", "\x00\x02\x04\x01A\x03\x01A\x02\x01\x00\x01\x01", 0, `field "A" does not follow "A"`},
		{"name cut short", "\x00\x01\x03\x02A", 0, "exceeds"},
		{"names cut short", "\x00\x03\x03\x01A", 0, "exceeds"},
		{"field of no name", "\x00\x01\x03\x01A\x01\x01\x01", 0, "field 1 of 1"},
		{"field twice", "\x00\x01\x03\x01A\x01\x02\x00\x00", 0, "the fields of a shape do not ascend"},
		{"fields out of order", "\x00\x02\x03\x01A\x03\x01B\x01\x02\x01\x00", 0, "the fields of a shape do not ascend"},
		{"name twice in a shape", "\x00\x02\x03\x01A\x04\x01A\x01\x02\x00\x01", 0, "the fields of a shape do not ascend"},
		{"shape cut short", "\x00\x01\x03\x01A\x01\x02\x00", 0, "exceeds"},
		{"field in a long form", "\x00\x01\x03\x01A\x01\x02\x80\x00", 0, "shortest"},
		{"shape twice", "\x00\x01\x03\x01A\x02\x01\x00\x01\x00", 0, "the shapes do not ascend"},
		{"shapes out of order", "\x00\x02\x03\x01A\x03\x01B\x02\x01\x01\x01\x00", 0, "the shapes do not ascend"},
		{"longer shape first", "\x00\x02\x03\x01A\x03\x01B\x02\x02\x00\x01\x01\x00", 0, "the shapes do not ascend"},
		{"name of no shape", "\x00\x02\x03\x01A\x03\x01B\x01\x01\x00", 0, "a field of no shape"},
		{"code of no value", "\x08\x00\x00", 0, "a shape or a code of no value"},
		{"one of two codes", "\x48\x00\x00\x00\x81\x05", 1, "a shape or a code of no value"},
		{"shape of no value", one, 0, "a shape or a code of no value"},
		{"value of no code", "\x00\x00\x00\x00", 1, "value 0 of 0 shapes"},
		{"value without a place", "\x00\x00\x00", 1, "unexpected end"},
		{"value of the third of two codes", "\x48\x00\x00\x02\x81\x05", 1, "value 2 of 2 shapes"},
		{"number after a name", "\x08\x01\x00\x81\x05", 1, "exceeds"},
		{"number after a shape", "\x08\x00\x01\x81\x05", 1, "exceeds"},
		{"number cut short", "\x08\x00\x00\x82\x01", 1, form},
		{"text cut short", "\x40\x00\x00\x02a", 1, form},
		{"length in a long form", "\x40\x00\x00\x81\x00a", 1, form},
		{"−0", "\x10\x00\x00\x80\x0f\xff\xff\xff\xff\xff\xfe", 1, form},
		{"float cut short", "\x10\x00\x00" + fullOne[1:8], 1, form},
		{"field cut short", one + "\x82\x01", 1, form},
		{"values and more", "\x08\x00\x00\x81\x05\x00", 1, "1 trailing bytes"},
		{"pointer to nothing", "\x80\x20\x00\x00", 1, form},
		{"pointer to a number", "\x80\x20\x00\x00\x03\x80", 1, form},
		{"list without a length", "\x80\x04\x00\x00", 1, form},
		{"length of a list in a long form", "\x80\x04\x00\x00\x80\x00", 1, form},
		{"list that is too long", "\x80\x04\x00\x00\xff\xff\xff\xff\x7f\x00", 1, form},
		{"list without a mark", "\x80\x04\x00\x00\x01", 1, form},
		{"list of code 16", "\x80\x04\x00\x00\x01\x10", 1, form},
		{"list of code 16 in front of an element", "\x80\x04\x00\x00\x02\xff\x00\x10", 1, form},
		{"list cut short", "\x80\x04\x00\x00\x02\x03\x80", 1, form},
		{"list of two codes cut short", "\x80\x04\x00\x00\x02\xff\x03\x80", 1, form},
		{"list of two codes that are one", "\x80\x04\x00\x00\x02\xff\x03\x80\x03\x80", 1, form},
		{"list of two codes with one element", "\x80\x04\x00\x00\x01\xff\x03\x80", 1, form},
		{"map of one mark", "\x80\x08\x00\x00\x01\x06", 1, form},
		{"keys out of order", "\x80\x08\x00\x00\x02\x06\x00\x01b\x01a", 1, form},
		{"key twice", "\x80\x08\x00\x00\x02\x06\x00\x01a\x01a", 1, form},
		{"keys of two codes that are one", "\x80\x08\x00\x00\x02\xff\x00\x06\x01a\x06\x01b", 1, form},
		{"values of two codes that are one", "\x80\x08\x00\x00\x02\x06\xff\x01a\x00\x01b\x00", 1, form},
		{"keys out of order by code", "\x80\x08\x00\x00\x02\xff\x00\x06\x01a\x03\x80", 1, form},
		{"list of structs of no shape", "\x80\x04\x00\x00\x01\x0b\x00", 1, form},
		{"list of structs of the second of one shape", "\x80\x04\x00\x01\x00\x00\x01\x0b\x01", 1, form},
		{"shape in a long form", "\x80\x04\x00\x01\x00\x00\x01\x0b\x80\x00", 1, form},
		{"shape that is missing", "\x80\x04\x00\x01\x00\x00\x01\x0b", 1, form},
		{"a name that is repeated much", "\x80\x04\x01\x02" + string(wire.AppendBytes(nil, long)) + "\x01\x01\x00\x00\xc8\x03\x0b" + strings.Repeat("\x00", 456), 1, form},
		{"a name that is repeated in many values", "\x00\x01\x02" + string(wire.AppendBytes(nil, long)) + "\x01\x01\x00", 400, "names of fields are repeated too often"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeAll[never]([]byte(tt.in), tt.n)
			require.ErrorContains(t, err, tt.want)
			_, err = decodeAll[deep]([]byte(tt.in), tt.n)
			require.Error(t, err)
			_, err = decodeAll[flat]([]byte(tt.in), tt.n)
			require.Error(t, err)
			_, err = decodeAll[string]([]byte(tt.in), tt.n)
			require.Error(t, err)
			_, err = decodeAll[int64]([]byte(tt.in), tt.n)
			require.Error(t, err)
			_, err = decodeAll[float64]([]byte(tt.in), tt.n)
			require.Error(t, err)
			if tt.n == 1 {
				r := wire.NewReader([]byte(tt.in))
				d := NewDecoder[never](r)
				kept, bad := d.Next(new(never))
				require.Equal(t, r.Err() == nil, kept != "")
				require.Equal(t, r.Err() == nil, bad != nil)
				r = wire.NewReader([]byte(tt.in))
				kept, bad = ReadOne(r, new(never))
				if r.Err() != nil {
					require.Empty(t, kept)
					require.Nil(t, bad)
				}
				require.ErrorContains(t, r.Close(), tt.want)
			}
		})
	}
	many := "\x00\x01\x02" + string(wire.AppendBytes(nil, long)) + "\x01\x01\x00"
	_, err := decodeAll[never]([]byte(many), 256)
	require.NoError(t, err, "names may be repeated")
	_, err = decodeAll[never]([]byte("\x80\x04\x00\x00\x80\x80\x40\x00"), 1)
	require.NoError(t, err, "elements may have no bytes")
	_, err = decodeAll[chan int]([]byte(one+"\x81\x05"), 1)
	require.ErrorContains(t, err, "a chan cannot be sent")
}

// TestTableDepth counts the levels of values in tables as those of full forms.
func TestTableDepth(t *testing.T) {
	for _, tt := range []struct {
		name        string
		tables      string
		wrap, inner string
	}{
		{"lists", "\x80\x04\x00\x00", "\x01\x09", "\x00"},
		{"keys", "\x80\x08\x00\x00", "\x01\x0a\x00", "\x00"},
		{"maps", "\x80\x08\x00\x00", "\x01\x06\x0a\x01k", "\x00"},
		{"structs", "\x00\x01\x0b\x01A\x02\x00\x01\x00", "\x01", "\x00"},
		{"pointers", "\x80\x20\x00\x00", "\x0c", "\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nested := func(n int) []byte {
				if tt.name == "pointers" { // the first is in the tables
					n--
				}
				return []byte(tt.tables + strings.Repeat(tt.wrap, n) + tt.inner)
			}
			_, err := decodeAll[never](nested(MaxDepth), 1)
			require.NoError(t, err)
			_, err = decodeAll[never](nested(MaxDepth+1), 1)
			require.ErrorContains(t, err, "canonical")
		})
	}
}

// TestDecodeInto reads values of types that are read fast, and what these cannot hold.
func TestDecodeInto(t *testing.T) {
	read := func(in string, next func(r *wire.Reader) (any, string, *ValueError)) (any, string, string) {
		r := wire.NewReader([]byte(in))
		v, kept, bad := next(r)
		require.NoError(t, r.Close(), "%q", in)
		if bad != nil {
			return v, kept, bad.Error()
		}
		return v, kept, ""
	}
	for _, tt := range []struct {
		name string
		in   string
		next func(*wire.Reader) (any, string, *ValueError)
		want any
		kept string
		bad  string
	}{
		{"number", "\x08\x00\x00\x81\x05", one1[int], 5, "", ""},
		{"largest number", "\x08\x00\x00\x88\x7f\xff\xff\xff\xff\xff\xff\xff", one1[int64], int64(math.MaxInt64), "", ""},
		{"least number", "\x08\x00\x00\x77\x80\x00\x00\x00\x00\x00\x00\x00", one1[int64], int64(math.MinInt64), "", ""},
		{"number too large", "\x08\x00\x00\x88\x80\x00\x00\x00\x00\x00\x00\x00", one1[int64], int64(0), "\x03\x88\x80\x00\x00\x00\x00\x00\x00\x00", "stored int 9223372036854775808, want int64"},
		{"number too large for an int", "\x08\x00\x00\x88\x80\x00\x00\x00\x00\x00\x00\x00", one1[int], 0, "\x03\x88\x80\x00\x00\x00\x00\x00\x00\x00", "stored int 9223372036854775808, want int"},
		{"number too small", "\x08\x00\x00\x77\x7f\xff\xff\xff\xff\xff\xff\xff", one1[int64], int64(0), "\x03\x77\x7f\xff\xff\xff\xff\xff\xff\xff", "stored int below -9223372036854775808, want int64"},
		{"largest number above 0", "\x08\x00\x00\x88\xff\xff\xff\xff\xff\xff\xff\xff", one1[uint64], uint64(math.MaxUint64), "", ""},
		{"number below 0", "\x08\x00\x00\x7f", one1[uint64], uint64(0), "\x03\x7f", "stored int -1, want uint64"},
		{"float", "\x10\x00\x00" + fullOne[1:], one1[float64], 1.0, "", ""},
		{"text", "\x40\x00\x00\x01a", one1[string], "a", "", ""},
		{"text as a number", "\x40\x00\x00\x01a", one1[int], 0, "\x06\x01a", "stored string, want int"},
		{"number as text", "\x08\x00\x00\x81\x05", one1[string], "", "\x03\x81\x05", "stored int, want string"},
		{"list as text", "\x80\x04\x00\x00\x00", one1[string], "", "\x09\x00", "stored list, want string"},
		{"struct", "\x00\x01\x03\x01A\x01\x01\x00\x81\x05", one1[several], several{A: 5}, "", ""},
		{"struct of more than plain fields", "\x00\x01\x03\x01N\x01\x01\x00\x81\x05", one1[pointed], pointed{N: 5}, "\x0b\x01\x01N\x03\x81\x05", ""},
		{"struct of another field", "\x00\x01\x03\x01Z\x01\x01\x00\x81\x05", one1[several], several{}, "\x0b\x01\x01Z\x03\x81\x05", ""},
		{"struct of a field of another kind", "\x00\x01\x06\x01A\x01\x01\x00\x00", one1[several], several{}, "\x0b\x01\x01A\x06\x00", "field A: stored string, want int"},
		{"struct of a field that is zero", "\x00\x01\x03\x01A\x01\x01\x00\x80", one1[several], several{}, "\x0b\x01\x01A\x03\x80", ""},
		{"struct of a text that is empty", "\x00\x01\x06\x01B\x01\x01\x00\x00", one1[several], several{}, "\x0b\x01\x01B\x06\x00", ""},
		{"struct of an earlier name", "\x00\x01\x03\x03old\x01\x01\x00\x81\x05", one1[was], was{5}, "\x0b\x01\x03old\x03\x81\x05", ""},
		{"struct of a number too large", "\x00\x01\x03\x03Age\x01\x01\x00\x88\x80\x00\x00\x00\x00\x00\x00\x00", one1[flat], flat{}, "\x0b\x01\x03Age\x03\x88\x80\x00\x00\x00\x00\x00\x00\x00", "field Age: stored int 9223372036854775808, want int"},
		{"struct of false", "\x00\x01\x01\x06Active\x01\x01\x00", one1[flat], flat{}, "\x0b\x01\x06Active\x01", ""},
		{"struct without fields", "\x00\x01\x03\x01A\x01\x01\x00\x81\x05", one1[struct{}], struct{}{}, "\x0b\x01\x01A\x03\x81\x05", ""},
		{"empty struct", "\x00\x00\x01\x00", one1[several], several{}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, kept, bad := read(tt.in, tt.next)
			require.Equal(t, tt.want, v)
			require.Equal(t, tt.kept, kept)
			if tt.bad != "" {
				tt.bad = "unreadable value: " + tt.bad
			}
			require.Equal(t, tt.bad, bad)
		})
	}
}

// A pointed is not flat, though some of its values look so.
type pointed struct {
	N int
	P *int
}

// A was has a field that had another name.
type was struct {
	N int `rejoin:"was=old"`
}

// one1 reads one value with a Decoder, after it was read by itself with the same result.
func one1[V any](r *wire.Reader) (any, string, *ValueError) {
	var v V
	own := wire.NewReader(r.Unread())
	kept, bad := ReadOne(own, &v)
	var w V
	d := NewDecoder[V](r)
	again, bad2 := d.Next(&w)
	d.Close()
	if own.Close() != nil || kept != again || (bad == nil) != (bad2 == nil) || any(v) != any(w) {
		panic("read by itself it is another")
	}
	return w, again, bad2
}

// TestReadOneOfSeveral: what is remembered of tables is used for no others, and what is not
// remembered is read all the same.
func TestReadOneOfSeveral(t *testing.T) {
	type few struct {
		A, B, C int
		S       string
	}
	values := []few{{A: 1}, {B: 1}, {S: "x"}, {A: 1, B: 2}, {}, {1, 2, 3, "y"}, {C: 7}}
	var encodings []string
	for range 2 {
		for _, v := range values {
			b := AppendOne([]byte("x"), &v, "")[1:]
			encodings = append(encodings, string(b))
			for _, in := range []string{string(b), string(b) + "more"} {
				var got few
				r := wire.NewReader([]byte(in))
				kept, bad := ReadOne(r, &got)
				require.Empty(t, kept)
				require.Nil(t, bad)
				require.Equal(t, v, got)
				require.Equal(t, len(in)-len(b), r.Len())
			}
		}
	}
	require.Equal(t, encodings[:len(values)], encodings[len(values):])
	for _, in := range []string{encodings[0][:len(encodings[0])-1], "\x00\x01\x03\x01A\x01\x01\x00\x80", "\x00\x01\x03\x01A\x01\x01\x00\x82\x00\x01"} {
		var got few
		r := wire.NewReader([]byte(in))
		kept, _ := ReadOne(r, &got)
		require.Equal(t, few{}, got)
		require.Equal(t, r.Err() == nil, kept != "")
	}
	failed := wire.NewReader([]byte(encodings[0]))
	failed.Fail("failed before")
	var got few
	kept, bad := ReadOne(failed, &got)
	require.Empty(t, kept)
	require.Nil(t, bad)
	require.Equal(t, few{}, got)
	d := NewDecoder[few](failed)
	kept, bad = d.Next(&got)
	require.Empty(t, kept)
	require.Nil(t, bad)
	require.EqualError(t, failed.Close(), "offset 0: failed before")
}

// TestManyFields: a struct of more fields than a set of bits holds is written as others are.
func TestManyFields(t *testing.T) {
	type row struct{ A, B, C, D, E, F, G, H, I, J, K, L, M bool }
	type many struct {
		row
		N, O, P, Q, R, S, T, U, V, W, X, Y, Z              bool
		Aa, Ab, Ac, Ad, Ae, Af, Ag, Ah, Ai, Aj, Ak, Al, Am bool
		An, Ao, Ap, Aq, Ar, As, At, Au, Av, Aw, Ax, Ay, Az bool
		Ba, Bb, Bc, Bd, Be, Bf, Bg, Bh, Bi, Bj, Bk, Bl, Zz bool
	}
	require.Equal(t, "\x00\x02\x02\x01A\x02\x02Zz\x01\x02\x00\x01", encoded(t, many{row: row{A: true}, Zz: true}))
	require.Equal(t, "\x00\x01\x02\x02Zz\x01\x01\x00", encoded(t, many{Zz: true}))
}

// TestManyTables: at most so many tables are remembered of a type, whoever sends more.
func TestManyTables(t *testing.T) {
	type bits struct{ A, B, C, D, E, F bool }
	for i := range 1 << 6 {
		v := bits{i&1 != 0, i&2 != 0, i&4 != 0, i&8 != 0, i&16 != 0, i&32 != 0}
		var got bits
		r := wire.NewReader(AppendOne(nil, &v, ""))
		_, bad := ReadOne(r, &got)
		require.Nil(t, bad)
		require.NoError(t, r.Close())
		require.Equal(t, v, got)
	}
	p, err := planFor[bits]()
	require.NoError(t, err)
	require.Len(t, p.known(), maxSingles)
}

// TestEncoderAgain: an Encoder writes its values again after its tables.
func TestEncoderAgain(t *testing.T) {
	e := NewEncoder[several]()
	values := []several{{1, ""}, {0, "x"}}
	for i := range values {
		e.Note(&values[i], "")
	}
	var all []string
	for range 2 {
		b := e.AppendTables(nil)
		for i := range values {
			b = e.Append(b, &values[i], "")
		}
		all = append(all, string(b))
	}
	require.Equal(t, all[0], all[1])
	require.Equal(t, 1, len(slices.Compact(all)))
}

// TestBasic: what passes over values agrees with a Decoder about where they end, and about
// what is none.
func TestBasic(t *testing.T) {
	basics(t, []string{"", "a", strings.Repeat("a", 200)}, []string{"\x02a", "\x03a", "\x80\x00", "", "\x81\x00a", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"})
	basics(t, []int{0, -1, math.MaxInt, math.MinInt}, []string{"", "\x81", "\x82\x00\x01", "\x88\x80\x00\x00\x00\x00\x00\x00\x00"})
	basics(t, []int64{0, -1, 300, math.MaxInt64, math.MinInt64}, []string{"", "\x81", "\x77\x7f\xff\xff\xff\xff\xff\xff\xff"})
	basics(t, []uint64{0, 300, math.MaxUint64}, []string{"", "\x81", "\x7f"})
	basics(t, []float64{0, -1.5, math.Inf(1)}, []string{"", "\xbf\xff\xff", "\x80\x0f\xff\xff\xff\xff\xff\xfe"})
	_, ok := BasicOf[several]()
	require.False(t, ok)
	_, ok = BasicOf[int8]()
	require.False(t, ok)
}

func basics[V comparable](t *testing.T, values []V, bad []string) {
	t.Helper()
	s, ok := BasicOf[V]()
	require.True(t, ok)
	e := NewEncoder[V]()
	for i := range values {
		e.Note(&values[i], "")
	}
	want := e.AppendTables([]byte("xy"))
	for i := range values {
		want = e.Append(want, &values[i], "")
	}
	got := s.AppendTables([]byte("xy"), true)
	some, at := s.ReadTables(got, 2)
	require.True(t, some)
	require.Len(t, got, at)
	for i := range values {
		before := len(got)
		got = s.Append(got, &values[i])
		require.Equal(t, len(got), s.End(got, before))
		require.LessOrEqual(t, len(got)-before, s.Room(&values[i]))
		for j := range values {
			require.Equal(t, i == j, s.Is(got[before:], &values[j]))
		}
	}
	require.Equal(t, want, got)
	for range values {
		at = s.End(got, at)
	}
	require.Len(t, got, at)
	require.Equal(t, len(got)+1, s.End(got, len(got)), "nothing is no value")
	require.Greater(t, s.End(got, len(got)+1), len(got), "what follows is not there")
	for _, in := range bad {
		require.Equal(t, 2+len(in), s.End([]byte("x"+in), 1), "%q", in)
	}

	some, at = s.ReadTables([]byte("x\x00\x00\x00y"), 1)
	require.False(t, some)
	require.Equal(t, 4, at)
	require.Equal(t, "x\x00\x00\x00", string(s.AppendTables([]byte("x"), false)))
	for _, in := range []string{"x\x02\x00\x00", "x\x00\x01\x00", "x\x00\x00\x01", "x\x00\x00", "x" + string([]byte{1 << s.code}) + "\x00\x01"} {
		some, at = s.ReadTables([]byte(in), 1)
		require.False(t, some, "%q", in)
		require.Greater(t, at, len(in), "%q", in)
	}
}
