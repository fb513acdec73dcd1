package merge_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

type object = map[string]any

func parse(t *testing.T, text string) object {
	t.Helper()
	var v object
	require.NoError(t, json.Unmarshal([]byte(text), &v))
	return v
}

// TestDocuments merges documents written as JSON, the sides from older to
// newer, in every order.
func TestDocuments(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rules   map[string]string
		base    string // "" if unknown
		sides   []string
		want    string
		persons string // paths that a person has to decide, in order
	}{
		{"by key, deep", nil, `{"a":{"x":1,"y":1},"b":2}`, []string{`{"a":{"x":2,"y":1},"b":2}`, `{"a":{"x":1,"y":3},"b":2,"c":4}`}, `{"a":{"x":2,"y":3},"b":2,"c":4}`, ""},
		{"newest of a key", nil, `{"a":1}`, []string{`{"a":2}`, `{"a":3}`}, `{"a":3}`, ""},
		{"null is a value", nil, `{"a":1,"b":null}`, []string{`{"a":null,"b":null}`, `{"a":1}`}, `{"a":null}`, ""},
		{"newer delete of a scalar", nil, `{"a":1}`, []string{`{"a":2}`, `{}`}, `{}`, ""},
		{"older delete of a scalar", nil, `{"a":1}`, []string{`{}`, `{"a":2}`}, `{"a":2}`, ""},
		{"delete of an object beats a change", nil, `{"a":{"x":1}}`, []string{`{}`, `{"a":{"x":2}}`}, `{}`, ""},
		{"unless kept", map[string]string{"a": "fields,keep"}, `{"a":{"x":1}}`, []string{`{}`, `{"a":{"x":2}}`}, `{"a":{"x":2}}`, ""},
		{"arrays are one value", nil, `{"a":[1]}`, []string{`{"a":[1,2]}`, `{"a":[3,1]}`}, `{"a":[3,1]}`, ""},
		{"object against scalar", nil, `{"a":{"x":1}}`, []string{`{"a":{"x":2}}`, `{"a":7}`}, `{"a":7}`, ""},
		{"both create", nil, `{}`, []string{`{"a":{"x":1}}`, `{"a":{"y":2}}`}, `{"a":{"x":1,"y":2}}`, ""},
		{"no base", nil, "", []string{`{"a":{"x":1},"c":1}`, `{"a":{"y":2},"c":2}`}, `{"a":{"x":1,"y":2},"c":2}`, ""},
		{"set", map[string]string{"tags": "set"}, `{"tags":["a","b"]}`, []string{`{"tags":["b"]}`, `{"tags":["a","b","d",1,"c"]}`}, `{"tags":["b",1,"c","d"]}`, ""},
		{"union", map[string]string{"tags": "union"}, `{"tags":["a"]}`, []string{`{"tags":[]}`, `{"tags":["a","c"]}`}, `{"tags":["a","c"]}`, ""},
		{"set, agreed", map[string]string{"tags": "set"}, `{"tags":["a","b"]}`, []string{`{"tags":["b","a"]}`, `{"tags":["b","a"]}`}, `{"tags":["b","a"]}`, ""},
		{"set, one changed", map[string]string{"tags": "set"}, `{"tags":["a","b"]}`, []string{`{"tags":["c","c"]}`, `{"tags":["a","b"]}`}, `{"tags":["c","c"]}`, ""},
		{"set without base", map[string]string{"tags": "set"}, "", []string{`{"tags":["b","a","b"]}`, `{"tags":["c","a"]}`}, `{"tags":["c","a","b"]}`, ""},
		{"set, one number in two ways", map[string]string{"tags": "set"}, `{"tags":[1]}`, []string{`{"tags":[1.0,2]}`, `{"tags":[1e0,3]}`}, `{"tags":[1,2,3]}`, ""},
		{"union, both removed", map[string]string{"tags": "union"}, `{"tags":["a"]}`, []string{`{"tags":[]}`, `{"tags":[]}`}, `{"tags":["a"]}`, ""},
		{"union, agreed without base", map[string]string{"tags": "union"}, "", []string{`{"tags":["b","a"]}`, `{"tags":["b","a"]}`}, `{"tags":["b","a"]}`, ""},
		{"union of what is no list", map[string]string{"tags": "union"}, `{"tags":["a"]}`, []string{`{"tags":["b"]}`, `{"tags":7}`}, `{"tags":7}`, ""},
		{"union over what is no list", map[string]string{"tags": "union"}, `{"tags":7}`, []string{`{"tags":["b"]}`, `{"tags":["a"]}`}, `{"tags":["a"]}`, ""},
		{"union deleted", map[string]string{"tags": "union"}, `{"tags":["a"]}`, []string{`{"tags":["a","b"]}`, `{}`}, `{}`, ""},
		{"additive alone", map[string]string{"n": "additive"}, `{"n":1}`, []string{`{"n":1,"x":1}`, `{"n":3}`}, `{"n":3,"x":1}`, ""},
		{"additive, one added", map[string]string{"n": "additive"}, `{}`, []string{`{"n":2}`, `{"n":3}`}, `{"n":5}`, ""},
		{"additive, not a number", map[string]string{"n": "additive"}, `{"n":1}`, []string{`{"n":2}`, `{"n":"x"}`}, `{"n":"x"}`, "n"},
		{"additive, never a number", map[string]string{"n": "additive"}, `{"n":"x"}`, []string{`{"n":"x"}`, `{"n":"x","m":1}`}, `{"n":"x","m":1}`, ""},
		{"additive without base, agreed", map[string]string{"n": "additive"}, "", []string{`{"n":2}`, `{"n":2}`}, `{"n":2}`, ""},
		{"max of many kinds", map[string]string{"*": "max"}, `{}`, []string{`{"a":true,"b":9,"c":null,"d":"x"}`, `{"a":1,"b":10,"c":false,"d":"y"}`}, `{"a":1,"b":10,"c":false,"d":"y"}`, ""},
		{"min of many kinds", map[string]string{"*": "min"}, `{}`, []string{`{"a":true,"b":9,"c":null,"d":"x"}`, `{"a":1,"b":10,"c":false,"d":"y"}`}, `{"a":true,"b":9,"c":false,"d":"x"}`, ""},
		{"rank of nothing", map[string]string{"a": "rank=x<y"}, `{}`, []string{`{"a":null}`, `{"a":"x"}`}, `{"a":"x"}`, ""},
		{"rank of nothing, twice", map[string]string{"a": "rank=x<y"}, `{"a":"x"}`, []string{`{"a":""}`, `{"a":null}`}, `{"a":null}`, ""},
		{"one key twice, and what is not merged is last", map[string]string{"env": "keyed=k", "env.*.tmp": "-"}, `{"env":[{"k":1},{"k":1,"tmp":1}]}`, []string{`{"env":[{"k":1},{"k":1,"tmp":2}]}`, `{"env":[{"k":1},{"k":1,"tmp":3}]}`}, `{"env":[{"k":1},{"k":1}]}`, ""},
		{"rank of a number", map[string]string{"a": "rank=x<y"}, `{}`, []string{`{"a":"y"}`, `{"a":7}`}, `{"a":7}`, "a"},
		{"kept but for what nobody changed", map[string]string{"a": "fields,keep"}, `{"a":{"x":1}}`, []string{`{}`, `{"a":{"x":1},"b":1}`}, `{"b":1}`, ""},
		{"nothing in an ignored object", map[string]string{"a": "-"}, `{"a":{"x":1}}`, []string{`{"a":{"x":2}}`, `{"a":{"x":3}}`}, `{}`, ""},
		{
			"keyed, moved by one",
			map[string]string{"l": "keyed=k"},
			`{"l":[{"k":1},{"k":2},{"k":3}]}`,
			[]string{`{"l":[{"k":3},{"k":1},{"k":2}]}`, `{"l":[{"k":1,"n":1},{"k":2},{"k":3}]}`},
			`{"l":[{"k":3},{"k":1,"n":1},{"k":2}]}`, "",
		},
		{
			"keyed, moved by both",
			map[string]string{"l": "keyed=k"},
			`{"l":[{"k":1},{"k":2},{"k":3}]}`,
			[]string{`{"l":[{"k":3},{"k":1},{"k":2}]}`, `{"l":[{"k":2},{"k":1},{"k":3}]}`},
			`{"l":[{"k":1},{"k":2},{"k":3}]}`, "",
		},
		{
			"keyed, moved alike",
			map[string]string{"l": "keyed=k"},
			`{"l":[{"k":1},{"k":2}]}`,
			[]string{`{"l":[{"k":2},{"k":1}]}`, `{"l":[{"k":2},{"k":1}]}`},
			`{"l":[{"k":2},{"k":1}]}`, "",
		},
		{"keyed without base", map[string]string{"l": "keyed=k"}, "", []string{`{"l":[{"k":"b"},{"k":"a"}]}`, `{"l":[{"k":"d"},{"k":"b"}]}`}, `{"l":[{"k":"d"},{"k":"b"},{"k":"a"}]}`, ""},
		{"keyed, a rule for one element", map[string]string{"l": "keyed=k", "l.x": "manual", "l.*.n": "max"}, `{"l":[{"k":"x","n":1},{"k":"y","n":1}]}`, []string{`{"l":[{"k":"x","n":3},{"k":"y","n":3}]}`, `{"l":[{"k":"x","n":2},{"k":"y","n":2}]}`}, `{"l":[{"k":"x","n":2},{"k":"y","n":3}]}`, "l.x"},
		{"keyed by words and truths", map[string]string{"l": "keyed=k", "l.true.n": "max", "l.1.n": "max"}, `{"l":[{"k":true},{"k":1}]}`, []string{`{"l":[{"k":true,"n":3},{"k":1.0,"n":3}]}`, `{"l":[{"k":true,"n":2},{"k":1,"n":2}]}`}, `{"l":[{"k":true,"n":3},{"k":1.0,"n":3}]}`, ""},
		{
			"keyed by several",
			map[string]string{"l": "keyed=a+b", `l."x+\"y+z\"".n`: "max"},
			`{"l":[{"a":"x","b":"y+z"},{"a":"x","b":"y"}]}`,
			[]string{`{"l":[{"a":"x","b":"y+z","n":3},{"a":"x","b":"y","n":3}]}`, `{"l":[{"a":"x","b":"y+z","n":2},{"a":"x","b":"y","n":2}]}`},
			`{"l":[{"a":"x","b":"y+z","n":3},{"a":"x","b":"y","n":2}]}`, "",
		},
		{"additive", map[string]string{"*.stock": "additive"}, `{"eu":{"stock":10}}`, []string{`{"eu":{"stock":8}}`, `{"eu":{"stock":8},"us":{"stock":1}}`}, `{"eu":{"stock":6},"us":{"stock":1}}`, ""},
		{"additive, not whole", map[string]string{"n": "additive"}, `{"n":1}`, []string{`{"n":2}`, `{"n":1.5}`}, `{"n":1.5}`, "n"},
		{"additive without base", map[string]string{"n": "additive"}, "", []string{`{"n":2}`, `{"n":3}`}, `{"n":3}`, "n"},
		{
			"max, min and first",
			map[string]string{"hi": "max", "lo": "min", "id": "first"},
			`{"hi":5,"lo":5}`,
			[]string{`{"hi":10,"lo":4,"id":"a"}`, `{"hi":9,"lo":3,"id":"b"}`},
			`{"hi":10,"lo":3,"id":"a"}`, "",
		},
		{"rank", map[string]string{"tier": "rank=free<pro"}, `{"tier":"free"}`, []string{`{"tier":"pro"}`, `{"tier":"free","x":1}`}, `{"tier":"pro","x":1}`, ""},
		{"rank, unlisted", map[string]string{"tier": "rank=free<pro"}, `{"tier":"free"}`, []string{`{"tier":"pro"}`, `{"tier":"gold"}`}, `{"tier":"gold"}`, "tier"},
		{"manual", map[string]string{"a.*": "manual"}, `{"a":{"x":1,"y":1}}`, []string{`{"a":{"x":2,"y":2}}`, `{"a":{"x":3,"y":2}}`}, `{"a":{"x":3,"y":2}}`, "a.x"},
		{"immutable", map[string]string{"id": "immutable"}, `{"id":"a"}`, []string{`{"id":"a"}`, `{"id":"b"}`}, `{"id":"a"}`, "id"},
		{"nonzero", map[string]string{"a": "nonzero"}, `{"a":1}`, []string{`{"a":2}`, `{"a":0}`}, `{"a":2}`, ""},
		{"nonzero, lists", map[string]string{"a": "nonzero"}, `{"a":["x"]}`, []string{`{"a":["y"]}`, `{"a":[]}`}, `{"a":["y"]}`, ""},
		{"nonzero, objects", map[string]string{"a": "nonzero"}, `{"a":{"x":1}}`, []string{`{"a":{"x":2}}`, `{"a":{}}`}, `{"a":{"x":2}}`, ""},
		{"nonzero, other kinds", map[string]string{"*": "nonzero"}, `{"a":1,"b":true,"c":"x"}`, []string{`{"a":2,"b":true,"c":"y"}`, `{"a":null,"b":false,"c":""}`}, `{"a":2,"b":true,"c":"y"}`, ""},
		{"first, lists", map[string]string{"a": "first"}, `{"a":[]}`, []string{`{"a":["x"]}`, `{"a":["y"]}`}, `{"a":["x"]}`, ""},
		{"first, objects", map[string]string{"a": "first"}, `{"a":{}}`, []string{`{"a":{"x":1}}`, `{"a":{"x":2}}`}, `{"a":{"x":1}}`, ""},
		{"immutable, lists", map[string]string{"a": "immutable"}, `{"a":[]}`, []string{`{"a":["x"]}`, `{"a":["y"]}`}, `{"a":["x"]}`, "a"},
		{"immutable, objects", map[string]string{"a": "immutable"}, `{"a":{}}`, []string{`{"a":{"x":1}}`, `{"a":{"x":1}}`}, `{"a":{"x":1}}`, ""},
		{"ignored", map[string]string{"cache": "-"}, `{"cache":1}`, []string{`{"cache":2,"a":1}`, `{"cache":3}`}, `{"a":1}`, ""},
		{"atomic object", map[string]string{"a": "atomic"}, `{"a":{"x":1,"y":1}}`, []string{`{"a":{"x":2,"y":1}}`, `{"a":{"x":1,"y":2}}`}, `{"a":{"x":1,"y":2}}`, ""},
		{
			"keyed",
			map[string]string{"lines": "keyed=sku", "lines.*.qty": "additive"},
			`{"lines":[{"sku":"a","qty":5},{"sku":"b","qty":1},{"sku":"c","qty":1}]}`,
			[]string{`{"lines":[{"sku":"a","qty":4,"note":"x"},{"sku":"c","qty":1}]}`, `{"lines":[{"sku":"d","qty":1},{"sku":"a","qty":3},{"sku":"b","qty":2},{"sku":"c","qty":1}]}`},
			`{"lines":[{"sku":"a","qty":2,"note":"x"},{"sku":"c","qty":1},{"sku":"d","qty":1}]}`, "",
		},
		{"keyed and kept", map[string]string{"lines": "keyed=sku,keep"}, `{"lines":[{"sku":1},{"sku":2}]}`, []string{`{"lines":[]}`, `{"lines":[{"sku":1},{"sku":2,"n":1}]}`}, `{"lines":[{"sku":2,"n":1}]}`, ""},
		{
			"one key twice, and one side changed that",
			map[string]string{"env": "keyed=k"},
			`{"n":1,"env":[{"k":1,"v":1},{"k":1.0}]}`,
			[]string{`{"n":1,"env":[{"k":1,"v":1},{"k":1.0},{"k":2}]}`, `{"n":2,"env":[{"k":1,"v":1},{"k":1.0}]}`},
			`{"n":2,"env":[{"k":1,"v":1},{"k":1.0},{"k":2}]}`, "",
		},
		{
			"one key twice, and both did",
			map[string]string{"env": "keyed=k"},
			`{"n":1,"env":[{"k":1,"v":1},{"k":1.0}]}`,
			[]string{`{"n":2,"env":[{"k":1,"v":1},{"k":1.0},{"k":2}]}`, `{"n":1,"env":[{"k":1}]}`},
			`{"n":2,"env":[{"k":1}]}`, "env",
		},
		{
			"one key twice, and what is not merged differs",
			map[string]string{"env": "keyed=k", "env.*.tmp": "-"},
			`{"env":[{"k":1,"tmp":1},{"k":1}]}`,
			[]string{`{"env":[{"k":1,"tmp":2},{"k":1}]}`, `{"env":[{"k":1,"tmp":3},{"k":1}]}`},
			`{"env":[{"k":1},{"k":1}]}`, "",
		},
		{"sorts differ, and a part is not merged", map[string]string{"a.x": "-"}, `{"a":1}`, []string{`{"a":2}`, `{"a":{"x":1,"y":1}}`}, `{"a":{"y":1}}`, ""},
		{"a key of its own beats the star", map[string]string{"*": "max", "n": "min"}, `{"n":5,"m":5}`, []string{`{"n":3,"m":3}`, `{"n":4,"m":4}`}, `{"n":3,"m":4}`, ""},
		{"quoted keys", map[string]string{`"a.b"."*"`: "max"}, `{"a.b":{"*":1}}`, []string{`{"a.b":{"*":3}}`, `{"a.b":{"*":2}}`}, `{"a.b":{"*":3}}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := merge.MustCompile(merge.Options[object]{Paths: tt.rules})
			var base *object
			if tt.base != "" {
				b := parse(t, tt.base)
				base = &b
			}
			var sides []merge.Side[object]
			for i, s := range tt.sides {
				sides = append([]merge.Side[object]{{Value: parse(t, s), Stamp: stamp(int64(i), vclock.Replica(rune('a'+i)))}}, sides...)
			}
			got, report, err := p.Explain(base, sides...)
			var persons []string
			for c := range report.Undecided() {
				persons = append(persons, c.Path)
			}
			require.Equal(t, tt.persons, strings.Join(persons, " "))
			require.Equal(t, tt.persons != "", err != nil)
			text, err := json.Marshal(got)
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(text))
			sides[0], sides[1] = sides[1], sides[0]
			again, _ := p.Merge(base, sides...)
			require.Equal(t, got, again)
		})
	}
}

// TestDocumentNumbers compares numbers by value, whatever holds them.
func TestDocumentNumbers(t *testing.T) {
	p := merge.MustCompile(merge.Options[object]{Paths: map[string]string{"sum": "additive", "hi": "max"}})
	base := object{"a": 1, "sum": json.Number("9007199254740993"), "hi": 1.5, "big": json.Number("1e400")}
	one := object{"a": 1.0, "sum": json.Number("9007199254740994"), "hi": json.Number("3"), "big": json.Number("10e399")}
	two := object{"a": json.Number("1.00"), "sum": json.Number("9007199254740995"), "hi": uint8(2), "big": json.Number("1E+400")}
	got := merge2(t, p, &base, one, two)
	require.Equal(t, object{"a": json.Number("1.00"), "sum": json.Number("9007199254740996"), "hi": json.Number("3"), "big": json.Number("1E+400")}, got)

	_, report, err := p.Explain(&base, merge.Side[object]{Value: one, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	require.Len(t, report.Changes, 2, "a and big did not change")

	// Equal stamps, equal values, different types: still one result.
	a, b := merge.Side[object]{Value: object{"a": 1}}, merge.Side[object]{Value: object{"a": 1.0}}
	x, err := p.Merge(nil, a, b)
	require.NoError(t, err)
	y, err := p.Merge(nil, b, a)
	require.NoError(t, err)
	require.Equal(t, x, y)

	two["sum"] = float64(1 << 53)
	one["sum"] = float64(1<<53) - 1
	base["sum"] = float64(1<<53) - 2
	_, err = p.Merge(&base, merge.Side[object]{Value: one}, merge.Side[object]{Value: two})
	require.ErrorContains(t, err, "sum: the changes do not add up to an integer that fits", "2^53+1 is no float64")
}

// TestDocumentSums adds up numbers of each type that holds some: the sum is of the type that the
// newest change has, and a person decides where that does not hold it.
func TestDocumentSums(t *testing.T) {
	p := merge.MustCompile(merge.Options[object]{Paths: map[string]string{"n": "additive"}})
	const most = 1 << 53 // up to which a float64 holds all integers
	for _, tt := range []struct {
		name            string
		base, old, last any
		want            any // nil if a person has to decide
	}{
		{"the largest of float64", float64(most - 2), float64(most - 1), float64(most - 1), float64(most)},
		{"the smallest of float64", float64(2 - most), float64(1 - most), float64(1 - most), float64(-most)},
		{"below the smallest of float64", float64(1 - most), float64(-most), float64(-most), nil},
		{"a float64 that may be another number", float64(most), float64(most), float64(most + 2), nil},
		{"from the smallest of float64", float64(-most), float64(1 - most), float64(1 - most), float64(2 - most)},
		{"from the largest of float64", float64(most), float64(most - 1), float64(most - 1), float64(most - 2)},
		{"the largest of float32", float32(1<<24 - 2), float32(1<<24 - 1), float32(1<<24 - 1), float32(1 << 24)},
		{"above the largest of float32", float32(1<<24 - 1), float32(1 << 24), float32(1 << 24), nil},
		{"the smallest of float32", float32(2 - 1<<24), float32(1 - 1<<24), float32(1 - 1<<24), float32(-1 << 24)},
		{"below the smallest of float32", float32(1 - 1<<24), float32(-1 << 24), float32(-1 << 24), nil},
		{"the largest of int8", int8(125), int8(126), int8(126), int8(127)},
		{"above the largest of int8", int8(126), int8(127), int8(127), nil},
		{"the smallest of int8", int8(-126), int8(-127), int8(-127), int8(-128)},
		{"the largest of uint8", uint8(253), uint8(254), uint8(254), uint8(255)},
		{"above the largest of uint8", uint8(254), uint8(255), uint8(255), nil},
		{"zero of uint8", uint8(2), uint8(1), uint8(1), uint8(0)},
		{"below zero of uint8", uint8(1), uint8(0), uint8(0), nil},
		{"the type of the newest", 1, 2.0, json.Number("3"), json.Number("4")},
		{"an older fraction", 1.5, 2, 3, nil},
		{"above 64 bits", json.Number("9223372036854775807"), json.Number("9223372036854775806"), json.Number("9223372036854775806"), json.Number("9223372036854775805")},
		{"no integer of 64 bits", json.Number("9223372036854775808"), 1, 2, nil},
		{"nobody changed it", 1.5, 1.5, 1.5, 1.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := p.Merge(&object{"n": tt.base}, merge.Side[object]{Value: object{"n": tt.old}, Stamp: stamp(1, "a")}, merge.Side[object]{Value: object{"n": tt.last}, Stamp: stamp(2, "b")})
			if tt.want == nil {
				require.EqualError(t, err, "merge: conflict: n: the changes do not add up to an integer that fits")
				require.Equal(t, tt.last, got["n"], "the newest for now")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got["n"])
		})
	}
}

func TestDocumentErrors(t *testing.T) {
	p := merge.MustCompile(merge.Options[object]{Paths: map[string]string{"lines": "keyed=sku"}})
	deep := any("x")
	for range 2000 {
		deep = []any{deep}
	}
	for _, tt := range []struct {
		name  string
		value object
		want  string
	}{
		{"foreign type", object{"a": []any{struct{}{}}}, "merge: side 1970-01-01T00:00:01.000000000Z@a: a.0: struct {} is not a value of a document"},
		{"bad number", object{"a": json.Number("0x10")}, `a: json.Number "0x10" is not a number in range`},
		{"huge exponent", object{"a": json.Number("1e99999999999999999999")}, "is not a number in range"},
		{"deep", object{"a": deep}, "nested deeper than 1000 levels"},
		{"no key", object{"lines": []any{object{"sku": "a"}, object{"x": 1}}}, `merge: lines: element 1: has no key "sku"`},
		{"a key that is none", object{"lines": []any{object{"sku": []any{}}}}, `merge: lines: element 0: has no key "sku"`},
		{"a key that is null", object{"lines": []any{object{"sku": nil}}}, `merge: lines: element 0: has no key "sku"`},
		{"not an object", object{"lines": []any{1}}, `merge: lines: element 0: has no key "sku"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other := merge.Side[object]{Value: object{"lines": []any{}, "a": 1}, Stamp: stamp(2, "b")}
			got, err := p.Merge(nil, other, merge.Side[object]{Value: tt.value, Stamp: stamp(1, "a")})
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, got, "the zero value")
			got, report, err := p.Explain(nil, other, merge.Side[object]{Value: tt.value, Stamp: stamp(1, "a")})
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, got)
			require.Equal(t, merge.Report{}, report)
		})
	}
	_, err := p.Merge(&object{"a": []any{struct{}{}}}, merge.Side[object]{Value: object{}})
	require.ErrorContains(t, err, "merge: base: a.0: struct {} is not a value of a document")
	nan := object{"a": math.NaN()}
	got, err := p.Merge(&nan, merge.Side[object]{Value: object{"a": math.NaN()}, Stamp: stamp(1, "a")}, merge.Side[object]{Value: object{"a": 1}})
	require.NoError(t, err)
	require.Equal(t, object{"a": 1}, got, "NaN is not a change of NaN")
}

// FuzzDocuments merges three documents in all orders under rules of every
// kind: nothing panics, the order does not matter, inputs stay as they are,
// what nobody touched is as it was.
func FuzzDocuments(f *testing.F) {
	f.Add(`{"a":1}`, `{"a":2}`, `{"a":[{"k":1},{"k":2}]}`)
	f.Add(`{"keyed":[{"k":"x","n":1}]}`, `{"keyed":[{"k":"x","n":2},{"k":"y"}]}`, `{"keyed":[]}`)
	f.Add(`{"set":[1,1.0,"1"],"sum":5}`, `{"set":[],"sum":1e2}`, `{"set":[[],{}],"sum":-0}`)
	f.Add(`{"o":{"o":{"max":1}}}`, `{"o":{"o":null}}`, `{"o":{}}`)
	f.Add(`{"rank":"a","first":0,"union":[null]}`, `{"rank":7,"first":""}`, `{"union":[null,null]}`)
	p := merge.MustCompile(merge.Options[object]{Paths: map[string]string{
		"keyed": "keyed=k", "keyed.*.n": "additive", "kept": "keyed=k,keep", "set": "set", "union": "union", "sum": "additive",
		"o.*.max": "max", "o.*.min": "min", "rank": "rank=a<b", "first": "first", "immutable": "immutable", "manual": "manual",
		"nonzero": "nonzero", "atomic": "atomic", "none": "-",
	}})
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var docs [3]object
		for i, s := range []string{a, b, c} {
			d := json.NewDecoder(strings.NewReader(s))
			if i == 1 {
				d.UseNumber()
			}
			if d.Decode(&docs[i]) != nil {
				return
			}
		}
		text := func() string { return fmt.Sprintf("%#v", docs) }
		before := text()
		side := func(i int) merge.Side[object] {
			return merge.Side[object]{Value: docs[i], Stamp: stamp(int64(1+i/2), "a")} // the first two tie
		}
		for _, base := range []*object{nil, &docs[0], &docs[2]} {
			x, errX := p.Merge(base, side(0), side(1), side(2))
			y, errY := p.Merge(base, side(2), side(0), side(1))
			require.Equal(t, fmt.Sprint(errX), fmt.Sprint(errY))
			require.Equal(t, x, y)
			_, _, errZ := p.Explain(base, side(1), side(2), side(0))
			require.Equal(t, fmt.Sprint(errX), fmt.Sprint(errZ))
		}
		require.Equal(t, before, text())
	})
}

// TestDocumentExplainKeyed tells of every element of a keyed list, and of nothing
// that did not happen.
func TestDocumentExplainKeyed(t *testing.T) {
	p := merge.MustCompile(merge.Options[object]{Paths: map[string]string{"lines": "keyed=sku", "lines.*.qty": "additive"}})
	base := parse(t, `{"lines":[{"sku":"a","qty":5},{"sku":"b","qty":1},{"sku":"c","qty":1}]}`)
	eu := parse(t, `{"lines":[{"sku":"a","qty":4},{"sku":"b","qty":1},{"sku":"c","qty":2}]}`)
	us := parse(t, `{"lines":[{"sku":"a","qty":3,"note":"x"},{"sku":"b","qty":1},{"sku":"d","qty":7}]}`)
	sides := []merge.Side[object]{{Value: eu, Stamp: stamp(1, "eu")}, {Value: us, Stamp: stamp(2, "us")}}
	_, report, err := p.Explain(&base, sides...)
	require.NoError(t, err)
	require.Equal(t, `lines.a.note  lww       "x" from us@1970-01-01T00:00:02Z
lines.a.qty   additive  2 from us@1970-01-01T00:00:02Z, eu@1970-01-01T00:00:01Z
lines.d       fields    {"qty":7,"sku":"d"} from us@1970-01-01T00:00:02Z
lines.c       fields    absent from us@1970-01-01T00:00:02Z over eu@1970-01-01T00:00:01Z by value; lost {"qty":2,"sku":"c"} of eu@1970-01-01T00:00:01Z
`, report.String())
}

// TestDocumentExplainGone: a key that all sides deleted is reported, and so are elements whose
// keys have to be quoted, or would be taken for those of a list with two.
func TestDocumentExplainGone(t *testing.T) {
	plan := merge.MustCompile(merge.Options[object]{Paths: map[string]string{"l": "keyed=id"}})
	explain := func(base string, sides ...string) string {
		t.Helper()
		b, all := parse(t, base), []merge.Side[object]{}
		for i, s := range sides {
			all = append(all, merge.Side[object]{Value: parse(t, s), Stamp: stamp(int64(i+1), "eu")})
		}
		_, report, err := plan.Explain(&b, all...)
		require.NoError(t, err)
		var paths []string
		for _, c := range report.Changes {
			paths = append(paths, fmt.Sprintf("%s %v %v", c.Path, c.Outcome, c.Result))
		}
		return strings.Join(paths, ", ")
	}
	require.Equal(t, "b same absent", explain(`{"a":1,"b":2}`, `{"a":1}`, `{"a":1}`))
	for key, name := range map[string]string{"a+b": "a+b", "a.b": `"a.b"`, "": `""`, `"`: `"\""`} {
		line := func(n int) string {
			text, err := json.Marshal(object{"l": []any{object{"id": key, "n": n}}})
			require.NoError(t, err)
			return string(text)
		}
		require.Equal(t, "l."+name+".n taken 2", explain(line(1), line(2), line(1)))
	}
}

// TestDocumentExplainKeysOfOneName: keys of other types may have one name in paths. A report
// tells of the elements all the same, whoever has left out which.
func TestDocumentExplainKeysOfOneName(t *testing.T) {
	plan := merge.MustCompile(merge.Options[object]{Paths: map[string]string{"l": "keyed=id"}})
	for _, keys := range [][]any{{true, "true"}, {1.0, "1"}, {1.5, "15e-1"}} {
		list := func(n int, keys ...any) object {
			all := []any{}
			for _, k := range keys {
				all = append(all, object{"id": k, "n": n})
			}
			return object{"l": all}
		}
		base, a, b := list(1, keys...), keys[0], keys[1]
		for _, older := range [][]any{{}, {a}, {b}, {b, a}} {
			for _, newer := range [][]any{{}, {b}, {a, b}, {"z", b, a}} {
				sides := []merge.Side[object]{{Value: list(1, older...), Stamp: stamp(1, "eu")}, {Value: list(2, newer...), Stamp: stamp(2, "us")}}
				want, err := plan.Merge(&base, sides...)
				require.NoError(t, err)
				got, _, err := plan.Explain(&base, sides...)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
	}
}
