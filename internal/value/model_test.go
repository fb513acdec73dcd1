package value

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A node is a value as the tests see it: a tree, slow and obvious.
type node struct {
	code   code
	bits   uint64 // of an int: magnitude; of a float: bits
	neg    bool
	text   string
	at     time.Time
	kids   []node   // elements, or keys and values
	names  []string // of the fields in kids
	second uint64   // complex
}

// bytes returns the full form as [plan.appendFull] documents it.
func (n *node) bytes() []byte {
	b := []byte{byte(n.code)}
	switch n.code {
	case codeNil, codeFalse, codeTrue:
	case codeInt:
		return append(b, n.integer()...)
	case codeFloat:
		return AppendFloat(b, math.Float64frombits(n.bits))
	case codeComplex:
		return AppendFloat(AppendFloat(b, math.Float64frombits(n.bits)), math.Float64frombits(n.second))
	case codeString, codeBytes, codeOwn, codeText, codeJSON:
		return append(binary.AppendUvarint(b, uint64(len(n.text))), n.text...)
	case codeTime:
		return appendTime(b, n.at)
	case codeOpt:
		return append(b, n.kids[0].bytes()...)
	case codeList:
		b = binary.AppendUvarint(b, uint64(len(n.kids)))
		for i := range n.kids {
			b = append(b, n.kids[i].bytes()...)
		}
	case codeMap:
		b = binary.AppendUvarint(b, uint64(len(n.kids)/2))
		for i := range n.kids {
			b = append(b, n.kids[i].bytes()...)
		}
	case codeStruct:
		b = binary.AppendUvarint(b, uint64(len(n.kids)))
		for i := range n.kids {
			b = append(binary.AppendUvarint(b, uint64(len(n.names[i]))), n.names[i]...)
			b = append(b, n.kids[i].bytes()...)
		}
	default: // the others have nothing
	}
	return b
}

func (n *node) integer() []byte {
	var digits []byte
	for v := n.bits; v > 0; v >>= 8 {
		digits = append([]byte{byte(v)}, digits...)
	}
	if !n.neg {
		return append([]byte{0x80 + byte(len(digits))}, digits...)
	}
	for i := range digits {
		digits[i] = ^digits[i]
	}
	return append([]byte{0x7f - byte(len(digits))}, digits...)
}

func drawNode(t *rapid.T, depth int) node {
	top := codes - 1
	n := node{code: code(rapid.IntRange(0, top).Draw(t, "code"))}
	if depth == 0 && (n.code == codeList || n.code == codeMap || n.code == codeStruct || n.code == codeOpt) {
		n.code = codeInt
	}
	switch n.code {
	case codeNil, codeFalse, codeTrue:
	case codeInt:
		n.bits, n.neg = rapid.OneOf(rapid.Uint64Max(300), rapid.Uint64()).Draw(t, "int"), rapid.Bool().Draw(t, "neg")
	case codeFloat, codeComplex:
		f := rapid.OneOf(rapid.SampledFrom([]float64{0, 1, -1.5, math.Inf(1), math.NaN()}), rapid.Float64())
		n.bits, n.second = math.Float64bits(f.Draw(t, "x")+0), math.Float64bits(f.Draw(t, "y")+0)
	case codeString, codeBytes, codeOwn, codeText, codeJSON:
		n.text = rapid.SampledFrom([]string{"", "a", "\x00\xff", "1", `{"a":1}`, strings.Repeat("x", 200)}).Draw(t, "text")
	case codeTime:
		n.at = time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "sec"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).
			In(time.FixedZone("x", rapid.IntRange(-50000, 50000).Draw(t, "zone")))
	case codeOpt:
		n.kids = []node{{code: codeNil}}
		if rapid.Bool().Draw(t, "deep") {
			n.kids[0] = node{code: codeOpt, kids: []node{{code: codeNil}}}
		}
	case codeList:
		n.kids = make([]node, rapid.IntRange(0, 3).Draw(t, "len"))
		for i := range n.kids {
			if n.kids[i] = drawNode(t, depth-1); i > 0 && rapid.Bool().Draw(t, "alike") {
				n.kids[i] = n.kids[0]
			}
		}
	case codeMap, codeStruct:
		seen := map[string]node{}
		for range rapid.IntRange(0, 3).Draw(t, "len") {
			k := drawNode(t, depth-1)
			key := string(k.bytes())
			if n.code == codeStruct {
				key = rapid.SampledFrom([]string{"", "A", "B", "C", "Name", "a.b"}).Draw(t, "name")
			}
			if _, ok := seen[key]; ok {
				continue
			}
			v := drawNode(t, depth-1)
			for n.code == codeStruct && v.code == codeNil {
				v = drawNode(t, depth-1)
			}
			seen[key] = node{kids: []node{k, v}}
		}
		var keys []string
		for k := range seen {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			if n.code == codeMap {
				n.kids = append(n.kids, seen[k].kids...)
			} else {
				n.names, n.kids = append(n.names, k), append(n.kids, seen[k].kids[1])
			}
		}
	default: // the others have nothing
	}
	return n
}

// never is a type that holds nothing of what the tests store.
type never struct{ Never [0]int }

// encodeAll returns the table form of values in full form.
func encodeAll[V any](fulls []string) []byte {
	var zero V
	e := NewEncoder[V]()
	for _, f := range fulls {
		e.Note(&zero, f)
	}
	b := e.AppendTables(nil)
	for _, f := range fulls {
		b = e.Append(b, &zero, f)
	}
	return b
}

// decodeAll returns the full forms of n values in table form.
func decodeAll[V any](b []byte, n int) ([]string, error) {
	r := wire.NewReader(b)
	d := NewDecoder[V](r)
	var fulls []string
	for range n {
		var v V
		kept, _ := d.Next(&v)
		if r.Err() == nil {
			fulls = append(fulls, string(AppendFull(nil, &v, kept)))
		}
	}
	d.Close()
	return fulls, r.Close()
}

// TestTables: the full forms of any values come back from their table form, which
// is accepted in no other form.
func TestTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fulls []string
		for range rapid.IntRange(1, 6).Draw(t, "values") {
			n := drawNode(t, 3)
			fulls = append(fulls, string(n.bytes()))
			require.NoError(t, checkFull(n.bytes()), "%x", n.bytes())
		}
		b := encodeAll[never](fulls)
		got, err := decodeAll[never](b, len(fulls))
		require.NoError(t, err, "%x of %x", b, fulls)
		require.Equal(t, fulls, got)

		turned := slices.Clone(fulls)
		slices.Reverse(turned)
		require.Len(t, encodeAll[never](turned), len(b), "tables depend on the order of values")

		at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		bad := slices.Clone(b)
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for _, bad := range [][]byte{bad, b[:at], append(slices.Clone(b), 0)} {
			if got, err := decodeAll[never](bad, len(fulls)); err == nil {
				require.Equal(t, bad, encodeAll[never](got), "accepted bytes that are not canonical")
			}
		}
	})
}

// TestFullStrict: a full form is accepted in no other form.
func TestFullStrict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNode(t, 3)
		b := n.bytes()
		at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		require.Error(t, checkFull(b[:at]))
		require.Error(t, checkFull(append(slices.Clone(b), 0)))
		bad := slices.Clone(b)
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if checkFull(bad) == nil {
			got, err := decodeAll[never](encodeAll[never]([]string{string(bad)}), 1)
			require.NoError(t, err)
			require.True(t, bytes.Equal(bad, []byte(got[0])))
		}
	})
}

// TestNodesJSON: any values come back from JSON.
func TestNodesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := make(Kinds)
		var zero never
		var fulls []string
		for range rapid.IntRange(1, 4).Draw(t, "values") {
			n := drawNode(t, 3)
			fulls = append(fulls, string(n.bytes()))
			NoteKinds(kinds, &zero, fulls[len(fulls)-1])
		}
		kinds = reread(t, kinds)
		for _, full := range fulls {
			v, kept, _ := Load[never](full)
			text, beside, err := AppendJSON(nil, &v, kept, kinds)
			require.NoError(t, err)
			require.True(t, json.Valid(text), "%s", text)
			require.NotContains(t, string(text), `\u0000`)
			w, again, _, err := LoadJSON[never](text, beside, kinds)
			require.NoError(t, err)
			require.Equal(t, full, string(AppendFull(nil, &w, again)))
		}
	})
}

// FuzzDecoder: no bytes make a decoder panic, or are accepted unless they are what
// an encoder writes.
func FuzzDecoder(f *testing.F) {
	f.Add(encodeAll[flat]([]string{"\x0b\x01\x03Age\x03\x81\x05"}), 1)
	f.Add([]byte{8, 0, 0, 0x81, 5}, 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		n = int(uint(n) % 8)
		if got, err := decodeAll[flat](b, n); err == nil && n > 0 {
			require.Equal(t, b, encodeAll[flat](got))
		}
		if got, err := decodeAll[deep](b, n); err == nil && n > 0 {
			require.Equal(t, b, encodeAll[deep](got))
		}
	})
}

// FuzzFull: the same for full forms.
func FuzzFull(f *testing.F) {
	f.Add([]byte("\x0b\x01\x03Age\x03\x81\x05"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkFull(b) != nil {
			return
		}
		v, kept, _ := Load[deep](string(b))
		require.Equal(t, b, AppendFull(nil, &v, kept))
		if stored, kept, err := Replace(v, kept); err == nil {
			require.NoError(t, checkFull(AppendFull(nil, &stored, kept)))
		}
	})
}

// FuzzJSON: no JSON makes a decoder panic, and what it reads it writes.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"Age":5,"At":"2026-01-01T00:00:00Z"}`), []byte(`{"At":"time"}`))
	f.Fuzz(func(t *testing.T, text, fields []byte) {
		kinds, err := ParseKinds(fields)
		if err != nil {
			return
		}
		v, kept, _, err := LoadJSON[flat](text, nil, kinds)
		if err != nil {
			return
		}
		out, beside, err := AppendJSON(nil, &v, kept, kinds)
		require.NoError(t, err)
		w, again, _, err := LoadJSON[flat](out, beside, kinds)
		require.NoError(t, err)
		require.Equal(t, AppendFull(nil, &v, kept), AppendFull(nil, &w, again))
	})
}

// TestTablesOfNothing: a table whose only code is that of nothing, made by a peer, was
// read as a number by types that are none, and panicked.
func TestTablesOfNothing(t *testing.T) {
	var d Decoder[never]
	var v never
	require.NotPanics(t, func() {
		_, ok := d.nextFast(&v, codeNil, nil, []byte{0x80})
		require.False(t, ok)
	})
}
