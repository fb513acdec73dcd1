package cell_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// TestValueJSON pins values of each type in JSON, which lead back to their bytes; what is not
// of its type is in base64.
func TestValueJSON(t *testing.T) {
	float := func(f float64) string { return string(value.AppendFloat(nil, f)) }
	for _, tt := range []struct {
		typ           cell.TypeCode
		content, want string
	}{
		{1, "\x01", `true`},
		{1, "\x00", `false`},
		{1, "\x02", `{"base64":"Ag=="}`},
		{2, "\x80", `0`},
		{2, "\x81\x05", `5`},
		{2, "\x7f", `-1`},
		{2, "\x87\x1f\xff\xff\xff\xff\xff\xff", `9007199254740991`},
		{2, "\x87\x20\x00\x00\x00\x00\x00\x00", `{"int":"9007199254740992"}`},
		{2, "\x78\xe0\x00\x00\x00\x00\x00\x00", `-9007199254740992`},
		{2, "\x78\xdf\xff\xff\xff\xff\xff\xff", `{"int":"-9007199254740993"}`},
		{2, "\x88\xff\xff\xff\xff\xff\xff\xff\xff", `{"int":"18446744073709551615"}`},
		{2, "\x77\x00\x00\x00\x00\x00\x00\x00\x00", `{"base64":"dwAAAAAAAAAA"}`},
		{2, "\x77\x00\x00\x00\x00\x00\x00\x00\x01", `{"int":"-18446744073709551615"}`},
		{2, "\x81\x05\x00", `{"base64":"gQUA"}`},
		{2, "", `{"base64":""}`},
		{3, float(1.5), `{"float":"1.5"}`},
		{3, float(math.Inf(-1)), `{"float":"-Inf"}`},
		{3, "short", `{"base64":"c2hvcnQ="}`},
		{4, "x", `{"base64":"eA=="}`},
		{5, "x", `"x"`},
		{5, "", `""`},
		{5, "\xff", `{"base64":"/w=="}`},
		{6, "x", `{"base64":"eA=="}`},
		{7, "\x81\x05\x00\x00\x00\x00", `{"time":"1970-01-01T00:00:05Z"}`},
		{7, "\x81\x05\x00\x00\x00\x00\x82\x0e\x10", `{"time":"1970-01-01T01:00:05+01:00"}`},
		{7, "\x81\x05", `{"base64":"gQU="}`},
		{11 + 2<<4, "", `null`},
		{11 + 2<<4, "\x01\x81\x05", `{"to":5}`},
		{11 + 2<<4, "\x02\x81\x05", `{"base64":"AoEF"}`},
		{11 + 5<<4, "\x01x", `{"to":"x"}`},
	} {
		c := typed(tt.typ, leaf("A", tt.content, at(1)))
		js := c.FieldJSON()
		var in cell.JSON
		require.NoError(t, json.Unmarshal(js, &in))
		require.Equal(t, tt.want, string(in.Value), "%v %q", tt.typ, tt.content)
		root, err := (&cell.JSON{Fields: []cell.JSON{in}}).Row(0, 0, nil)
		require.NoError(t, err)
		require.True(t, c.Same(&root.Kids[0]), "%+v", root)
	}
}

// TestFieldJSON pins fields of each kind in JSON.
func TestFieldJSON(t *testing.T) {
	for _, tt := range []struct {
		c    cell.Cell
		want string
	}{
		{leaf("A", "x", at(1)), `{"path":"A","kind":"register","type":"string","value":"x","stamp":S}`},
		{typed(0, leaf("A", "\x01X\x02\x05x\x01Y\x02\x0c\x02", at(1))), `{"path":"A","kind":"register","value":{"group":{"X":{"type":"string","value":"x"},"Y":{"type":"struct","value":true}}},"stamp":S}`},
		{typed(12, leaf("A", "\x06\x01\xff", at(1))), `{"path":"A","kind":"register","type":"struct","value":{"base64":"/w=="},"stamp":S}`},
		{typed(12, leaf("A", "\x07\x01x", at(1))), `{"path":"A","kind":"register","type":"struct","value":"eA==","bytes":"BwF4","stamp":S}`},
		{typed(5, with("A", cell.Set, cell.Cell{Key: "k", Kind: cell.Element, Stamp: at(1)})), `{"path":"A","kind":"set","type":"string","entries":[{"key":{"base64":"aw=="},"gone":true,"stamp":S}]}`},
		{typed(5, with("A", cell.Table, cell.Cell{Key: "k", Kind: cell.Entry, Live: true, Value: "v", Stamp: at(1)})), `{"path":"A","kind":"map","type":"string","entries":[{"key":{"base64":"aw=="},"value":"v","stamp":S}]}`},
		{typed(5, with("A", cell.Immutable, cell.Cell{Key: "k", Kind: cell.Fact, Stamp: at(1)})), `{"path":"A","kind":"immutable","type":"string","entries":[{"key":"k","stamp":S}]}`},
		{with("A", cell.Totals, cell.Cell{Key: "eu", Kind: cell.Total, Value: "\x81\x05", Stamp: at(1)}), `{"path":"A","kind":"totals","entries":[{"value":5,"stamp":S}]}`},
		{typed(5, with("A", cell.Manual, replica(1, 1))), `{"path":"A","kind":"manual","type":"string","entries":[{"stamp":S,"entries":[{"value":"v","stamp":S}]}]}`},
		{with("A", cell.Rows, keyed("k", row(cell.OpenLife(3)))), `{"path":"A","kind":"rows","entries":[{"key":{"base64":"aw=="},"open":"1970-01-01T00:00:00.000000003Z"}]}`},
		{with("A", cell.Row), `{"path":"A","kind":"row","gone":true}`},
		{keyed("A", row(lww.Stamp{}, leaf("B", "x", at(1)))), `{"path":"A","kind":"row","fields":[{"path":"B","kind":"register","type":"string","value":"x","stamp":S}]}`},
		{cell.Cell{Key: "*", Kind: cell.Placed, Value: "\x01", Stamp: at(1)}, `{"path":"*","kind":"place","value":{"place":[0]},"stamp":S}`},
		{cell.Cell{Key: "*", Kind: cell.Placed, Value: "\x04\x02us\x09", Stamp: at(1)}, `{"path":"*","kind":"place","value":{"place":[1,"us",2]},"stamp":S}`},
		{cell.Cell{Key: "*", Kind: cell.Placed, Value: "\x00", Stamp: at(1)}, `{"path":"*","kind":"place","value":{"base64":"AA=="},"stamp":S}`},
		{cell.Cell{Key: "*", Kind: cell.Deleted, Stamp: at(1)}, `{"path":"*","kind":"deleted","stamp":S}`},
	} {
		s, err := json.Marshal(at(1))
		require.NoError(t, err)
		want := strings.NewReplacer(`"stamp":S`, `"stamp":`+string(s)).Replace(tt.want)
		require.Equal(t, want, string(tt.c.FieldJSON()))
	}
}

// TestRefusedJSON lists JSON that is no state, and names what is wrong with it.
func TestRefusedJSON(t *testing.T) {
	path, s := "A", at(1)
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	reg := func(text string) cell.JSON {
		return cell.JSON{Path: &path, Kind: "register", Type: "string", Value: raw(text), Stamp: s}
	}
	set := func(kids ...cell.JSON) cell.JSON {
		return cell.JSON{Path: &path, Kind: "set", Type: "string", Entries: kids}
	}
	const member = "a member that is not for this kind"
	for _, tt := range []struct {
		name  string
		field cell.JSON
		want  string // nothing if it is a field
	}{
		{"text", reg(`"x"`), ""},
		{"white space", reg(` "x" `), ""},
		{"nothing", reg(``), "a value or key is missing"},
		{"no string", reg(`"x`), "unexpected end"},
		{"fraction", reg(`1.5`), `"1.5" is not an integer`},
		{"integer in another form", reg(`05`), `"05" is not an integer`},
		{"−0", reg(`-0`), `"-0" is not an integer`},
		{"large integer", reg(`9007199254740991`), ""},
		{"integer too large", reg(`9007199254740992`), `integer "9007199254740992" has to be written as {"int":…}`},
		{"small integer", reg(`-9007199254740992`), ""},
		{"integer too small", reg(`-9007199254740993`), `"-9007199254740993" is not an integer`},
		{"integer of 65 bits", reg(`{"int":"18446744073709551616"}`), `is not an integer`},
		{"list", reg(`[1,[true],null]`), ""},
		{"list cut short", reg(`[1`), "unexpected end"},
		{"list of a fraction", reg(`[1.5]`), `"1.5" is not an integer`},
		{"lists", reg(strings.Repeat("[", 33) + strings.Repeat("]", 33)), ""},
		{"lists too deep", reg(strings.Repeat("[", 34) + strings.Repeat("]", 34)), "value nested deeper than 32 levels"},
		{"pointers too deep", reg(strings.Repeat(`{"to":`, 33) + "1" + strings.Repeat("}", 33)), "value nested deeper than 32 levels"},
		{"pointers", reg(strings.Repeat(`{"to":`, 32) + "1" + strings.Repeat("}", 32)), ""},
		{"no member", reg(`{}`), "a value that is neither text, integer"},
		{"two members", reg(`{"int":"1","float":"1"}`), "a value that is neither text, integer"},
		{"no float", reg(`{"float":"x"}`), "invalid syntax"},
		{"no base64", reg(`{"base64":"x"}`), "illegal base64"},
		{"place of a name", reg(`{"place":["eu"]}`), `"\"eu\"" in a place`},
		{"place of two names", reg(`{"place":[1,"eu","us"]}`), `"\"us\"" in a place`},
		{"place of a list", reg(`{"place":[[]]}`), `"[]" in a place`},
		{"marks of no delete", cell.JSON{Path: &path, Kind: "register", Type: "string", Value: raw(`"x"`), Stamp: s, Marks: 1}, "marks of deletes that are none"},
		{"marks of a row", cell.JSON{Path: &path, Kind: "row", Marks: 1}, "marks of deletes that are none"},
		{"key of lists", set(cell.JSON{Key: raw(strings.Repeat("[", 33) + strings.Repeat("]", 33)), Stamp: s}), ""},
		{"key of lists too deep", set(cell.JSON{Key: raw(strings.Repeat("[", 34) + strings.Repeat("]", 34)), Stamp: s}), "value nested deeper"},
		{"no path", cell.JSON{Kind: "register"}, "a field without a path"},
		{"field with a key", cell.JSON{Path: &path, Kind: "register", Key: raw(`1`)}, "a field without a path"},
		{"unknown kind", cell.JSON{Path: &path, Kind: "x"}, `field "A": unknown kind "x"`},
		{"no kind", cell.JSON{Path: &path}, `field "A": unknown kind ""`},
		{"unknown type", cell.JSON{Path: &path, Kind: "register", Type: "x", Value: raw(`1`), Stamp: s}, `field "A": unknown type "x"`},
		{"unknown inner type", cell.JSON{Path: &path, Kind: "register", Type: "pointer of x", Value: raw(`1`), Stamp: s}, `unknown type "pointer of x"`},
		{"no inner type", cell.JSON{Path: &path, Kind: "register", Type: "pointer of ", Value: raw(`1`), Stamp: s}, `unknown type "pointer of "`},
		{"type of what has none", cell.JSON{Path: &path, Kind: "row", Type: "int"}, member + ": type"},
		{"stamp of a set", cell.JSON{Path: &path, Kind: "set", Stamp: s}, member + ": stamp or gone"},
		{"text that is gone", cell.JSON{Path: &path, Kind: "register", Stamp: s, Gone: true}, member + ": stamp or gone"},
		{"open text", cell.JSON{Path: &path, Kind: "register", Open: 1}, member + ": open"},
		{"open row with a life", cell.JSON{Path: &path, Kind: "row", Open: 1, Stamp: s}, member + ": open"},
		{"value of a set", cell.JSON{Path: &path, Kind: "set", Value: raw(`1`)}, member + ": value, fields or entries"},
		{"fields of a set", cell.JSON{Path: &path, Kind: "set", Fields: []cell.JSON{}}, member + ": value, fields or entries"},
		{"entries of a row", cell.JSON{Path: &path, Kind: "row", Entries: []cell.JSON{}}, member + ": value, fields or entries"},
		{"entries of a text", cell.JSON{Path: &path, Kind: "register", Value: raw(`1`), Stamp: s, Entries: []cell.JSON{}}, member + ": value, fields or entries"},
		{"fields of what is gone", cell.JSON{Path: &path, Kind: "row", Stamp: s, Gone: true, Fields: []cell.JSON{}}, member + ": fields of what is gone"},
		{"bytes of a set", cell.JSON{Path: &path, Kind: "set", Bytes: []byte("x")}, member + ": bytes"},
		{"bytes of a text", cell.JSON{Path: &path, Kind: "register", Type: "string", Value: raw(`1`), Bytes: []byte("x"), Stamp: s}, member + ": bytes"},
		{"bytes of a group", cell.JSON{Path: &path, Kind: "register", Value: raw(`{"group":{}}`), Bytes: []byte("x"), Stamp: s}, member + ": bytes"},
		{"group", cell.JSON{Path: &path, Kind: "register", Value: raw(`{"group":{}}`), Stamp: s}, ""},
		{"no group", cell.JSON{Path: &path, Kind: "register", Value: raw(`{}`), Stamp: s}, "a group without members"},
		{"group and more", cell.JSON{Path: &path, Kind: "register", Value: raw(`{"group":{},"x":1}`), Stamp: s}, "unknown field"},
		{"group of an unknown type", cell.JSON{Path: &path, Kind: "register", Value: raw(`{"group":{"X":{"type":"x","value":1}}}`), Stamp: s}, `unknown type "x"`},
		{"group of no value", cell.JSON{Path: &path, Kind: "register", Value: raw(`{"group":{"X":{"type":"int","value":1.5}}}`), Stamp: s}, `"1.5" is not an integer`},
		{"group of bytes", cell.JSON{Path: &path, Kind: "register", Value: raw(`{"group":{"X":{"type":"int","value":1,"bytes":"eA=="}}}`), Stamp: s}, member + ": bytes"},
		{"entry", set(cell.JSON{Key: raw(`"k"`), Stamp: s}), ""},
		{"entry without a key", set(cell.JSON{Stamp: s}), member + ": key, path or kind"},
		{"entry with a path", set(cell.JSON{Key: raw(`"k"`), Path: &path, Stamp: s}), member + ": key, path or kind"},
		{"entry with a kind", set(cell.JSON{Key: raw(`"k"`), Kind: "set", Stamp: s}), member + ": key, path or kind"},
		{"entry with a type", set(cell.JSON{Key: raw(`"k"`), Type: "int", Stamp: s}), member + ": key, path or kind"},
		{"entry of no key", set(cell.JSON{Key: raw(`1.5`), Stamp: s}), `"1.5" is not an integer`},
		{"entry with a value", set(cell.JSON{Key: raw(`"k"`), Value: raw(`1`), Stamp: s}), member + ": value, fields or entries"},
		{"total with a key", cell.JSON{Path: &path, Kind: "totals", Entries: []cell.JSON{{Key: raw(`1`), Value: raw(`1`), Stamp: s}}}, member + ": key, path or kind"},
		{"total", cell.JSON{Path: &path, Kind: "totals", Entries: []cell.JSON{{Value: raw(`1`), Stamp: s}}}, ""},
		{"field in a field", cell.JSON{Path: &path, Kind: "row", Fields: []cell.JSON{reg(`1.5`)}}, `field "A": field "A": "1.5" is not an integer`},
		{"content that is missing", cell.JSON{Path: &path, Kind: "register", Type: "struct", Stamp: s}, "a value is missing"},
		{"content", cell.JSON{Path: &path, Kind: "register", Type: "struct", Value: raw(`{"x":1.5}`), Stamp: s}, ""},
		{"fact", cell.JSON{Path: &path, Kind: "immutable", Type: "string", Entries: []cell.JSON{{Key: raw(`"k"`), Stamp: s}}}, ""},
		{"fact of no value", cell.JSON{Path: &path, Kind: "immutable", Type: "string", Entries: []cell.JSON{{Key: raw(`1.5`), Stamp: s}}}, `"1.5" is not an integer`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root, err := (&cell.JSON{Fields: []cell.JSON{tt.field}}).Row(0, 0, nil)
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, root.Kids, 1)
			back, err := read(cell.Append(nil, nil, root), 0)
			require.NoError(t, err)
			require.True(t, back.Same(&root))
		})
	}
	_, err := (&cell.JSON{}).Row(0, 0, nil)
	require.NoError(t, err)
	inner := cell.JSON{}
	for range value.MaxDepth {
		inner = cell.JSON{Path: &path, Kind: "row", Fields: []cell.JSON{inner}}
		inner.Fields[0].Path, inner.Fields[0].Kind = &path, "row"
	}
	_, err = (&cell.JSON{Fields: []cell.JSON{inner}}).Row(0, 0, nil)
	require.ErrorIs(t, err, value.ErrDeep)
	_, err = inner.Row(0, 0, nil)
	require.NoError(t, err)
}

// TestKindsOfValues pins the kinds that are noted of the values of fields, where bytes are content.
func TestKindsOfValues(t *testing.T) {
	bytes := "\x07\x01x"
	root := row(lww.Stamp{},
		typed(12, with("E", cell.Table, cell.Cell{Key: "k", Kind: cell.Entry, Live: true, Stamp: at(1), Value: bytes}, cell.Cell{Key: "l", Kind: cell.Entry, Stamp: at(9)})),
		typed(12, with("F", cell.Immutable, cell.Cell{Key: bytes, Kind: cell.Fact, Stamp: at(1)})),
		typed(0, leaf("G", "\x01X\x02\x05x\x01Y\x04\x0c"+bytes, at(1))),
		typed(12, leaf("R", bytes, at(1))),
		leaf("S", bytes, at(1)),
		typed(12, with("T", cell.Set, cell.Cell{Key: bytes, Kind: cell.Element, Live: true, Stamp: at(1)})))
	js, kinds, err := root.RowJSON(nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"E":"bytes","F":"bytes","G.Y":"bytes","R":"bytes"}`, string(kinds.AppendJSON(nil)))
	back, err := js.Row(0, 0, kinds)
	require.NoError(t, err)
	require.True(t, root.Same(&back))
	require.Nil(t, js.Fields[3].Bytes, "the kind leads back to it")
}

// TestTypeCodes tells the types whose values say of themselves what they are, and names types.
func TestTypeCodes(t *testing.T) {
	for c, content := range map[cell.TypeCode]bool{
		0: false, 1: false, 2: false, 3: false, 4: false, 5: false, 6: false, 7: false, 8: true, 9: true, 10: true, 11: false, 12: true, 13: false,
		11 + 2<<4: false, 11 + 8<<4: true, 11 + 11<<4: true, 11 + 12<<4: true, 8 + 2<<4: true,
	} {
		require.Equal(t, content, c.IsContent(), "%v", c)
	}
	for c, name := range map[cell.TypeCode]string{0: "", 1: "bool", 13: "any", 14: "14", 11 + 2<<4: "pointer of int", 11 + 15<<4: "pointer of 15", 15 + 2<<4: "15 of int"} {
		require.Equal(t, name, c.String())
	}
}

// TestPlacesInOrder compares places level by level, of which none is before all others.
func TestPlacesInOrder(t *testing.T) {
	const most = 1 << 53
	places := []cell.Place{
		nil,
		{{N: 0, Replica: "eu"}, {N: -1, Replica: "eu"}},
		{{N: 0, Replica: "eu"}},
		{{N: 0, Replica: "eu"}, {N: 0, Replica: "eu"}},
		{{N: 0, Replica: "eu"}, {N: 1, Replica: "eu"}},
		{{N: 0, Replica: "us"}},
		{{N: 1, Replica: "eu"}},
	}
	in := func(p cell.Place) *cell.Cell {
		if p == nil {
			return nil
		}
		return &cell.Cell{Kind: cell.Placed, Stamp: at(1), Value: string(p.Append(nil, "eu"))}
	}
	for i, p := range places {
		for j, q := range places {
			want := [3]bool{i < j, i == j, i > j}
			n, m := p.Compare(q), cell.ComparePlaces(in(p), in(q))
			require.Equal(t, want, [3]bool{n < 0, n == 0, n > 0}, "%v and %v", p, q)
			require.Equal(t, want, [3]bool{m < 0, m == 0, m > 0}, "%v and %v", p, q)
			if i < j {
				for _, shallow := range []bool{false, true} {
					b := cell.Between(p, q, "ap", shallow)
					require.Negative(t, p.Compare(b), "%v between %v and %v", b, p, q)
					require.Negative(t, b.Compare(q), "%v between %v and %v", b, p, q)
				}
			}
		}
		require.Equal(t, p, cell.ReadPlace(in(p)))
	}
	require.Equal(t, cell.Place{{N: 0, Replica: "eu"}}, cell.Between(nil, nil, "eu", false))
	require.Equal(t, cell.Place{{N: most, Replica: "eu"}}, cell.Between(cell.Place{{N: most - 1, Replica: "eu"}}, nil, "eu", false))
	require.Equal(t, cell.Place{{N: most, Replica: "eu"}, {N: 0, Replica: "eu"}}, cell.Between(cell.Place{{N: most, Replica: "eu"}}, nil, "eu", false))
	require.Equal(t, cell.Place{{N: -most, Replica: "eu"}}, cell.Between(nil, cell.Place{{N: 1 - most, Replica: "eu"}}, "eu", false))
	require.Equal(t, cell.Place{{N: -most, Replica: "eu"}, {N: -1, Replica: "eu"}}, cell.Between(nil, cell.Place{{N: -most, Replica: "eu"}}, "eu", false))
}
