package value

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRender pins the JSON of what no type reads.
func TestRender(t *testing.T) {
	float := func(c code, fs ...float64) string {
		b := []byte{byte(c)}
		for _, f := range fs {
			b = AppendFloat(b, f)
		}
		return string(b)
	}
	for _, tt := range []struct{ full, want string }{
		{"\x00", `null`},
		{"\x01", `false`},
		{"\x02", `true`},
		{"\x03\x80", `0`},
		{"\x03\x81\x05", `5`},
		{"\x03\x7f", `-1`},
		{"\x03\x88\xff\xff\xff\xff\xff\xff\xff\xff", `18446744073709551615`},
		{"\x03\x77\x00\x00\x00\x00\x00\x00\x00\x01", `-18446744073709551615`},
		{"\x03\x77\x00\x00\x00\x00\x00\x00\x00\x00", `-18446744073709551616`},
		{float(codeFloat, 1.5), `1.5`},
		{float(codeFloat, 1e21), `1e+21`},
		{float(codeFloat, math.Inf(-1)), `"-Inf"`},
		{float(codeFloat, math.NaN()), `"NaN"`},
		{float(codeComplex, 1, -2), `"(1-2i)"`},
		{"\x06\x00", `""`},
		{"\x06\x02a\"", `"a\""`},
		{"\x06\x02a\x00", `{"base64":"YQA="}`},
		{"\x06\x02\x00a", `{"base64":"AGE="}`},
		{"\x06\x01\xff", `{"base64":"/w=="}`},
		{"\x07\x02\x00a", `"AGE="`},
		{"\x08\x81\x05\x00\x00\x00\x07\x80", `"1970-01-01T00:00:05.000000007Z"`},
		{"\x08\x81\x05\x00\x00\x00\x00\x82\x0e\x10", `"1970-01-01T01:00:05+01:00"`},
		{"\x09\x00", `[]`},
		{"\x09\x02\x00\x01", `[null,false]`},
		{"\x0a\x00", `{}`},
		{"\x0a\x02\x06\x01a\x00\x06\x01b\x01", `{"a":null,"b":false}`},
		{"\x0a\x01\x03\x81\x05\x00", `{"5":null}`},
		{"\x0a\x01\x0e\x01t\x00", `{"t":null}`},
		{"\x0a\x01\x06\x02a\x00\x00", `{"a` + "\ufffd" + `":null}`},
		{"\x0a\x01\x07\x01a\x00", `{"\"YQ==\"":null}`},
		{"\x0b\x02\x01A\x02\x01B\x03\x80", `{"A":true,"B":0}`},
		{"\x0b\x01\x02A\x00\x02", `{"A` + "\ufffd" + `":true}`},
		{"\x0c\x00", `{"to":null}`},
		{"\x0c\x0c\x00", `{"to":{"to":null}}`},
		{"\x0d\x02\x00a", `"AGE="`},
		{"\x0e\x01a", `"a"`},
		{"\x0e\x01\xff", `{"base64":"/w=="}`},
		{"\x0f\x04[1 ]", `[1]`},
		{"\x0f\x01x", `"x"`},
		{"\x0f\x03\"\xff\"", `{"base64":"Iv8i"}`},
		{"\x0f\x02x\x00", `{"base64":"eAA="}`},
		{"\x0f\x08\"\\u0000\"", `"\"\\u0000\""`},
	} {
		text, _, err := Leaf{}.JSON("", tt.full, nil)
		require.NoError(t, err)
		require.Equal(t, tt.want, string(text), "%q", tt.full)
	}
}

// TestParse reads JSON as what the kinds say of it.
func TestParse(t *testing.T) {
	kind := func(pairs ...string) Kinds {
		names := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			names[pairs[i]] = pairs[i+1]
		}
		if len(names) == 0 {
			return Kinds{}
		}
		p, err := json.Marshal(names)
		require.NoError(t, err)
		k, err := ParseKinds(p)
		require.NoError(t, err)
		return k
	}
	float := func(f float64) string { return string(AppendFloat([]byte{4}, f)) }
	for _, tt := range []struct {
		kinds      Kinds
		text, want string
	}{
		{nil, `null`, "\x00"},
		{nil, ` false `, "\x01"},
		{nil, `true`, "\x02"},
		{kind("", "json"), `null`, "\x00"},
		{nil, `0`, "\x03\x80"},
		{nil, `-0`, "\x03\x80"},
		{nil, `5`, "\x03\x81\x05"},
		{nil, `-1`, "\x03\x7f"},
		{nil, `-6`, "\x03\x7e\xfa"},
		{nil, `18446744073709551615`, "\x03\x88\xff\xff\xff\xff\xff\xff\xff\xff"},
		{nil, `-18446744073709551615`, "\x03\x77\x00\x00\x00\x00\x00\x00\x00\x01"},
		{nil, `-18446744073709551616`, "\x03\x77\x00\x00\x00\x00\x00\x00\x00\x00"},
		{nil, `1.0`, float(1)},
		{nil, `1e2`, float(100)},
		{nil, `1E2`, float(100)},
		{kind("", "float"), `1`, float(1)},
		{kind("", "float"), `-0`, float(0)},
		{kind("", "float"), `"-Inf"`, float(math.Inf(-1))},
		{kind("", "complex"), `"(1-2i)"`, "\x05" + float(1)[1:] + float(-2)[1:]},
		{nil, `"a"`, "\x06\x01a"},
		{kind("", "bytes"), `"YQ=="`, "\x07\x01a"},
		{kind("", "bytes"), `[97, 255 ,0]`, "\x07\x03a\xff\x00"},
		{kind("", "own"), `"YQ=="`, "\x0d\x01a"},
		{kind("", "text"), `"YQ=="`, "\x0e\x04YQ=="},
		{kind("", "time"), `"1970-01-01T01:00:05+01:00"`, "\x08\x81\x05\x00\x00\x00\x00\x82\x0e\x10"},
		{kind("", "json"), ` {"b": 1.50, "a":[]}`, "\x0f\x11" + `{"a":[],"b":1.50}`},
		{kind("", "json"), `"a"`, "\x0f\x03\"a\""},
		{nil, `[]`, "\x09\x00"},
		{nil, `[1, "a"]`, "\x09\x02\x03\x81\x01\x06\x01a"},
		{kind("[]", "float"), `[1]`, "\x09\x01" + float(1)},
		{kind("[][]", "float"), `[1,[1]]`, "\x09\x02\x03\x81\x01\x09\x01" + float(1)},
		{nil, `{}`, "\x0b\x00"},
		{nil, `{"b":true,"a":1,"z":null,"y":0,"x":false,"w":"","v":{},"u":0.0,"t":"0001-01-01T00:00:00Z"}`, "\x0b\x02\x01a\x03\x81\x01\x01b\x02"},
		{kind("t", "time"), `{"t":"0001-01-01T00:00:00Z"}`, "\x0b\x00"},
		{kind("t", "time"), `{"t":"0001-01-01T01:00:00+01:00"}`, "\x0b\x01\x01t\x08\x7a\xf1\x88\x6e\x09\x00\x00\x00\x00\x00\x82\x0e\x10"},
		{kind("t", "time"), `{"t":"0001-01-01T00:00:01Z"}`, "\x0b\x01\x01t\x08\x7a\xf1\x88\x6e\x09\x01\x00\x00\x00\x00\x80"},
		{nil, `{"a":[],"b":"x"}`, "\x0b\x02\x01a\x09\x00\x01b\x06\x01x"},
		{kind("a.b", "float", `a."c."`, "bytes"), `{"a":{"b":1,"c.":"YQ=="}}`, "\x0b\x01\x01a\x0b\x02\x01b" + float(1) + "\x02c.\x07\x01a"},
		{kind("", "map"), `{"b":1,"a":null}`, "\x0a\x02\x06\x01a\x00\x06\x01b\x03\x81\x01"},
		{kind("", "map", "{}", "float"), `{"a":1}`, "\x0a\x01\x06\x01a" + float(1)},
		{kind("", "map", "{key}", "bytes"), `{"YQ==":1}`, "\x0a\x01\x07\x01a\x03\x81\x01"},
		{kind("", "map", "{}{}", "float", "{}", "map"), `{"a":{"b":1}}`, "\x0a\x01\x06\x01a\x0a\x01\x06\x01b" + float(1)},
		{nil, `{"base64":"YQA="}`, "\x06\x02a\x00"},
		{kind("", "text"), `{"base64":"YQA="}`, "\x0e\x02a\x00"},
		{kind("", "pointer to nil"), `{"to":null}`, "\x0c\x00"},
		{kind("", "pointer to nil", "{to}", "pointer to nil"), `{"to":{"to":null}}`, "\x0c\x0c\x00"},
		{nil, `{"to":1}`, "\x0b\x01\x02to\x03\x81\x01"},
		{kind("", "pointer to nil"), `{"to":1,"a":1}`, "\x0b\x02\x01a\x03\x81\x01\x02to\x03\x81\x01"},
		{kind("", "pointer to nil"), `{"of":1}`, "\x0b\x01\x02of\x03\x81\x01"},
		{nil, `{"base64":"YQA=","a":1}`, "\x0b\x02\x01a\x03\x81\x01\x06base64\x06\x04YQA="},
	} {
		full, err := tt.kinds.FullOf("", json.RawMessage(tt.text), nil)
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, full, tt.text)
		if len(tt.kinds) == 0 {
			continue
		}
		// At a place below, the kinds are those of the paths there.
		below := make(Kinds)
		for path, c := range tt.kinds {
			switch {
			case path == "" || path[0] == '[' || path[0] == '{':
				below["p"+path] = c
			default:
				below["p."+path] = c
			}
		}
		full, err = below.FullOf("p", json.RawMessage(tt.text), nil)
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, full, tt.text)
	}
}

// TestParseErrors lists JSON that is no value, or not of the kind that is said.
func TestParseErrors(t *testing.T) {
	one := func(c code) Kinds { return Kinds{"": c} }
	const form = "value is not in its canonical form"
	for _, tt := range []struct {
		name  string
		kinds Kinds
		text  string
		want  string
	}{
		{"nothing", nil, ``, "a value is missing"},
		{"white space", nil, ` `, "a value is missing"},
		{"int too large", nil, `18446744073709551616`, "value out of range"},
		{"int too small", nil, `-18446744073709551617`, "value out of range"},
		{"float too large", nil, `1e400`, "value out of range"},
		{"text that is no float", one(codeFloat), `"x"`, "invalid syntax"},
		{"text that is no complex", one(codeComplex), `"x"`, "invalid syntax"},
		{"text that is no time", one(codeTime), `"x"`, "cannot parse"},
		{"text that is no base64", one(codeBytes), `"x"`, "illegal base64"},
		{"text that is no base64 of its own", one(codeOwn), `"x"`, "illegal base64"},
		{"string cut short", nil, `"x`, "unexpected end"},
		{"list cut short", nil, `[`, "unexpected end"},
		{"object cut short", nil, `{"a":1`, "EOF"},
		{"object and more", nil, `{"a":1} x`, "text after the end"},
		{"object of no names", nil, `{1:1}`, "invalid character"},
		{"member without a value", nil, `{"a":}`, "invalid character"},
		{"member twice", nil, `{"a":1,"a":2}`, `member "a" appears twice`},
		{"value in a list", nil, `[1e400]`, "value out of range"},
		{"value in an object", nil, `{"a":1e400}`, "value out of range"},
		{"value in a map", one(codeMap), `{"a":1e400}`, "value out of range"},
		{"key of a map", Kinds{"": codeMap, "{key}": codeTime}, `{"a":1}`, "cannot parse"},
		{"keys that are one", Kinds{"": codeMap, "{key}": codeTime}, `{"2026-01-01T00:00:00Z":1,"2026-01-01T00:00:00.0Z":1}`, form},
		{"byte too large", one(codeBytes), `[256]`, "value out of range"},
		{"byte that is no number", one(codeBytes), `["a"]`, "invalid syntax"},
		{"base64 that is none", nil, `{"base64":"x"}`, "illegal base64"},
		{"pointer to no nil", one(codeOpt), `{"to":1}`, form},
		{"pointer to no value", one(codeOpt), `{"to":1e400}`, "value out of range"},
		{"JSON that is none", one(codeJSON), `{"a":}`, "invalid character"},
		{"no JSON", nil, `x`, "invalid syntax"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.kinds.FullOf("", json.RawMessage(tt.text), nil)
			require.ErrorContains(t, err, tt.want)
			_, kept, bad, err := LoadJSON[several]([]byte(tt.text), nil, tt.kinds)
			require.Error(t, err)
			require.Nil(t, bad)
			require.Empty(t, kept)
		})
	}
	for _, tt := range []struct{ front, end string }{{`[`, `]`}, {`{"a":`, `}`}} {
		inner, most := "1", MaxDepth
		nested := func(n int) json.RawMessage {
			return json.RawMessage(strings.Repeat(tt.front, n) + inner + strings.Repeat(tt.end, n))
		}
		_, err := Kinds{}.FullOf("", nested(most), nil)
		require.NoError(t, err)
		_, err = Kinds{}.FullOf("", nested(most+1), nil)
		require.EqualError(t, err, form)
	}
	maps, pointers := Kinds{}, Kinds{}
	for path := ""; len(path) <= 2*MaxDepth; path += "{}" {
		maps[path] = codeMap
	}
	for path := ""; len(path) <= 4*MaxDepth; path += "{to}" {
		pointers[path] = codeOpt
	}
	nested := func(n int) json.RawMessage {
		return json.RawMessage(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n))
	}
	_, err := maps.FullOf("", nested(MaxDepth), nil)
	require.NoError(t, err)
	_, err = maps.FullOf("", nested(MaxDepth+1), nil)
	require.EqualError(t, err, form)

	_, err = pointers.FullOf("", json.RawMessage(strings.Repeat(`{"to":`, MaxDepth)+"null"+strings.Repeat("}", MaxDepth)), nil)
	require.NoError(t, err)

	_, err = Kinds{}.FullOf("", nil, []byte("\x10"))
	require.EqualError(t, err, form, "what stands beside is checked")
	full, err := Kinds{}.FullOf("", nil, []byte("\x02"))
	require.NoError(t, err)
	require.Equal(t, "\x02", full)
	_, _, _, err = LoadJSON[several](nil, []byte("\x10"), nil)
	require.EqualError(t, err, form)
	_, _, _, err = LoadJSON[several]([]byte("{} {}"), nil, nil)
	require.EqualError(t, err, "not JSON")
	_, _, _, err = LoadJSON[chan int]([]byte("{}"), nil, nil)
	require.ErrorContains(t, err, "a chan cannot be sent")
	_, _, err = AppendJSON(nil, new(chan int), "\x00", nil)
	require.ErrorContains(t, err, "a chan cannot be sent")
}

// TestNoteKinds pins the paths of the kinds that JSON does not tell; of two kinds at one place
// the one with the lower code counts.
func TestNoteKinds(t *testing.T) {
	for _, tt := range []struct {
		fulls []string
		want  string
	}{
		{[]string{"\x00", "\x01", "\x02", "\x03\x80", "\x06\x00", "\x09\x00", "\x0b\x00"}, `{}`},
		{[]string{fullOne}, `{"":"float"}`},
		{[]string{"\x05" + fullOne[1:] + fullOne[1:]}, `{"":"complex"}`},
		{[]string{"\x07\x00"}, `{"":"bytes"}`},
		{[]string{"\x08\x80\x00\x00\x00\x00\x80"}, `{"":"time"}`},
		{[]string{"\x0d\x00"}, `{"":"own"}`},
		{[]string{"\x0e\x00"}, `{"":"text"}`},
		{[]string{"\x0f\x00"}, `{"":"json"}`},
		{[]string{"\x0c\x0c\x00"}, `{"":"pointer to nil","{to}":"pointer to nil"}`},
		{[]string{"\x09\x02\x03\x80" + fullOne}, `{"[]":"float"}`},
		{[]string{"\x0a\x01\x07\x00" + fullOne}, `{"":"map","{key}":"bytes","{}":"float"}`},
		{[]string{"\x0a\x01\x06\x00\x0a\x01\x07\x00\x02"}, `{"":"map","{}":"map","{}{key}":"bytes"}`},
		{[]string{"\x0b\x02\x01A" + fullOne + "\x01B\x0b\x01\x02a.\x07\x00"}, `{"A":"float","B.\"a.\"":"bytes"}`},
		{[]string{"\x0e\x00", fullOne, "\x0f\x00"}, `{"":"float"}`},
	} {
		kinds, notes := make(Kinds), make(Kinds)
		for _, full := range tt.fulls {
			NoteKinds(kinds, new(never), full)
			notes.Note("", full)
		}
		require.JSONEq(t, tt.want, string(kinds.AppendJSON(nil)))
		require.Equal(t, kinds, notes)
		require.Equal(t, kinds, reread(t, kinds))
	}
	require.Equal(t, `x{"":"float"}`, string(Kinds{"": codeFloat}.AppendJSON([]byte("x"))))
	for _, tt := range []struct{ in, want string }{
		{`[]`, "[ where { should be"},
		{`{}`, "no fields"},
		{`{"a":5}`, `member "a": json: cannot unmarshal number`},
		{`{"a":"float","a":"float"}`, `member "a" appears twice`},
		{`{"a":"int"}`, `member "a": kind "int"`},
		{`{"a":"nil"}`, `member "a": kind "nil"`},
		{`{"a":"floats"}`, `member "a": kind "floats"`},
	} {
		_, err := ParseKinds([]byte(tt.in))
		require.ErrorContains(t, err, tt.want)
	}
	for name, want := range map[string]string{
		"a": "p.a", "": `p.""`, "a.b": `p."a.b"`, "[": `p."["`, "]": `p."]"`, "{": `p."{"`, "}": `p."}"`, `"`: `p."\""`, "a b": "p.a b", "\n": `p."\n"`, "\u200b": `p."\u200b"`, "ü": "p.ü",
	} {
		require.Equal(t, want, FieldPath("p", name))
		require.Equal(t, want[2:], FieldPath("", name))
	}
}

// TestJSONOfTypes pins the JSON of values with what their types do not know, and whether
// it leads back to them.
func TestJSONOfTypes(t *testing.T) {
	type item struct {
		A int `json:"a"`
	}
	type holder struct {
		Item item
		To   *item
		List []item
		Pair [1]item
		Map  map[string]item
		Own  named
		At   time.Time
	}
	type byNumber map[int]item
	z := "\x01Z\x03\x81\x05"
	az := "\x0b\x02" + z + "\x01a\x03\x81\x01"
	for _, tt := range []struct {
		name   string
		leaf   reflect.Type
		full   string
		want   string
		beside bool
	}{
		{"known", reflect.TypeFor[item](), "\x0b\x01\x01a\x03\x81\x01", `{"a":1}`, false},
		{"unknown", reflect.TypeFor[item](), az, `{"a":1,"Z":5}`, false},
		{"unknown name with NUL", reflect.TypeFor[item](), "\x0b\x01\x01\x00\x03\x81\x05", `{"a":0}`, true},
		{"unknown name that is a known one in JSON", reflect.TypeFor[struct {
			A int `json:"x" rejoin:"name=a"`
		}](), "\x0b\x01\x01x\x03\x81\x05", `{"x":0}`, true},
		{"known by another name", reflect.TypeFor[struct {
			A int `json:"x" rejoin:"name=a"`
		}](), "\x0b\x01\x01a\x03\x81\x05", `{"x":5}`, true},
		{"in a struct", reflect.TypeFor[wrapped[item]](), "\x0b\x01\x01V" + az, `{"V":{"a":1,"Z":5}}`, false},
		{"in a pointer", reflect.TypeFor[*item](), az, `{"a":1,"Z":5}`, false},
		{"in a pointer to a pointer", reflect.TypeFor[**item](), az, `{"a":1,"Z":5}`, false},
		{"nil pointer", reflect.TypeFor[*item](), "\x00", `null`, false},
		{"pointer to nil", reflect.TypeFor[**item](), "\x0c\x00", `null`, true},
		{"in a list", reflect.TypeFor[[]item](), "\x09\x02" + az + "\x0b\x01" + z, `[{"a":1,"Z":5},{"a":0,"Z":5}]`, false},
		{"in an array", reflect.TypeFor[[2]item](), "\x09\x02" + az + "\x0b\x01" + z, `[{"a":1,"Z":5},{"a":0,"Z":5}]`, false},
		{"in a map", reflect.TypeFor[map[string]item](), "\x0a\x02\x06\x01j\x0b\x01" + z + "\x06\x01k" + az, `{"j":{"a":0,"Z":5},"k":{"a":1,"Z":5}}`, false},
		{"in a map of numbers", reflect.TypeFor[byNumber](), "\x0a\x01\x03\x81\x07" + az, `{"7":{"a":1,"Z":5}}`, true},
		{"in a map of text", reflect.TypeFor[map[celsius]item](), "\x0a\x01\x0e\x03007" + az, `{"007":{"a":1,"Z":5}}`, false},
		{"in what writes itself", reflect.TypeFor[wrapped[named]](), "\x0b\x01\x01V\x0b\x02\x04Name\x06\x01a" + z, `{"V":"j a"}`, true},
		{"in what writes itself as an object", reflect.TypeFor[objective](), "\x0b\x02\x01A\x03\x81\x01" + z, `{"A":1}`, true},
		{"unknown name that is a known one in JSON, of a struct", reflect.TypeFor[struct {
			A item `json:"x" rejoin:"name=a"`
		}](), "\x0b\x01\x01x\x0b\x01" + z, `{"x":{"a":0}}`, true},
		{"a value that cannot be read", reflect.TypeFor[item](), "\x0b\x01\x01a\x06\x01x", `{"a":"x"}`, false},
		{"text that JSON cannot hold", reflect.TypeFor[wrapped[string]](), "\x0b\x01\x01V\x06\x01\xff", `{"V":{"base64":"/w=="}}`, false},
		{"text that PostgreSQL cannot hold", reflect.TypeFor[wrapped[string]](), "\x0b\x01\x01V\x06\x01\x00", `{"V":{"base64":"AA=="}}`, false},
		{"number that JSON cannot hold", reflect.TypeFor[wrapped[float64]](), "\x0b\x01\x01V" + string(AppendFloat([]byte{4}, math.Inf(1))), `{"V":"+Inf"}`, false},
		{"own form", reflect.TypeFor[ranked](), "\x0d\x01\x05", `{"Rank":5,"Note":""}`, true},
		{"big number", reflect.TypeFor[big.Int](), "\x0e\x015", `5`, true},
		{"document", reflect.TypeFor[any](), "\x0f\x0e" + `{"b":1,"a":[]}`, `{"a":[],"b":1}`, true},
		{"document as written", reflect.TypeFor[any](), "\x0f\x0e" + `{"a":[],"b":1}`, `{"a":[],"b":1}`, false},
		{"zero that is there, and left out in JSON", reflect.TypeFor[struct {
			A int `json:"a,omitempty"`
		}](), "\x0b\x01\x01a\x03\x80", `{}`, true},
		{"all", reflect.TypeFor[holder](), "\x0b\x01\x04Item" + az, `{"Item":{"a":1,"Z":5},"To":null,"List":null,"Pair":[{"a":0}],"Map":null,"Own":"j ","At":"0001-01-01T00:00:00Z"}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.True(t, IsFull(tt.full))
			leaf, err := LeafOf(tt.leaf)
			require.NoError(t, err)
			kinds := make(Kinds)
			kinds.Note("p", tt.full)
			text, beside, err := leaf.JSON("p", tt.full, kinds)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(text))
			if tt.beside {
				require.Equal(t, tt.full, string(beside))
			} else {
				require.Nil(t, beside)
			}
			full, err := kinds.FullOf("p", text, beside)
			require.NoError(t, err)
			require.Equal(t, tt.full, full)
		})
	}
}

// An objective writes itself as an object.
type objective struct{ A int }

func (o objective) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"A":%d}`, o.A), nil }
func (o *objective) UnmarshalJSON(p []byte) error {
	_, err := fmt.Sscanf(string(p), `{"A":%d}`, &o.A)
	return err
}

// TestHidden: a field that JSON leaves out is in no JSON unless it is zero, and the error
// says which.
func TestHidden(t *testing.T) {
	type secret struct {
		A int
		S string `json:"-"`
	}
	type outer struct {
		In secret
		N  int
	}
	const reason = `is not zero, and its tag json:"-" keeps it out of JSON`
	bad, ok := secret{1, "x"}, secret{1, ""}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{jsonErr(t, bad), "value.secret: S: " + reason},
		{jsonErr(t, ok), ""},
		{jsonErr(t, &bad), "value.secret: S: " + reason},
		{jsonErr(t, (*secret)(nil)), ""},
		{jsonErr(t, []secret{ok, bad}), "value.secret: [].S: " + reason},
		{jsonErr(t, [2]secret{ok, bad}), "value.secret: [].S: " + reason},
		{jsonErr(t, []secret{ok}), ""},
		{jsonErr(t, map[string]secret{"k": bad}), "value.secret: {}.S: " + reason},
		{jsonErr(t, map[string]secret{"k": ok}), ""},
		{jsonErr(t, outer{bad, 1}), "value.secret: In.S: " + reason},
		{jsonErr(t, outer{ok, 1}), ""},
		{jsonErr(t, veiled{"x"}), ""},
		{jsonErr(t, []veiled{{"x"}}), ""},
		{jsonErr(t, []veiledText{{"x"}}), ""},
	} {
		if tt.want == "" {
			require.NoError(t, tt.err)
			continue
		}
		require.ErrorContains(t, tt.err, reason)
		require.EqualError(t, tt.err, tt.want)
	}
}

// A veiled has a field that JSON leaves out, and writes its JSON itself.
type veiled struct {
	S string `json:"-"`
}

func (v veiled) MarshalJSON() ([]byte, error)  { return json.Marshal("v" + v.S) }
func (v *veiled) UnmarshalJSON(p []byte) error { v.S = strings.Trim(string(p), `"v`); return nil }

// A veiledText is the same with a text.
type veiledText struct {
	S string `json:"-"`
}

func (v veiledText) MarshalText() ([]byte, error)  { return []byte(v.S), nil }
func (v *veiledText) UnmarshalText(p []byte) error { v.S = string(p); return nil }

func jsonErr[V any](t *testing.T, v V) error {
	t.Helper()
	stored, kept, err := Store(v)
	require.NoError(t, err)
	text, beside, err := AppendJSON([]byte("x"), &stored, kept, nil)
	if err != nil {
		require.Equal(t, "x", string(text))
		require.Nil(t, beside)
	}
	return err
}

// TestBeside writes the bytes of a value beside it, and takes them in one form.
func TestBeside(t *testing.T) {
	require.Equal(t, "x", string(AppendBeside([]byte("x"), nil)))
	require.Equal(t, `x,"bytes":"YWI="`, string(AppendBeside([]byte("x"), []byte("ab"))))
	p, err := DecodeBeside([]byte(`"YWI="`))
	require.NoError(t, err)
	require.Equal(t, "ab", string(p))
	for _, tt := range []struct{ in, want string }{
		{`""`, "no bytes"}, {`5`, "cannot unmarshal"}, {`"YWI"`, "illegal base64"}, {`"YWJ="`, "illegal base64"},
	} {
		_, err := DecodeBeside([]byte(tt.in))
		require.ErrorContains(t, err, tt.want)
	}
}

// reread returns kinds that went through JSON, which has none for no fields.
func reread(t require.TestingT, kinds Kinds) Kinds {
	if len(kinds) == 0 {
		return kinds
	}
	again, err := ParseKinds(kinds.AppendJSON(nil))
	require.NoError(t, err)
	return again
}
