package crdt_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// A high is the largest number that was set, as users might write it: without
// deltas and without an encoding.
type high struct{ n []int64 }

func (h *high) get() int64 {
	if len(h.n) == 0 {
		return 0
	}
	return h.n[0]
}

func (h *high) set(n int64) {
	if n > h.get() {
		h.n = append(h.n[:0], n) // in place, so that shared memory shows
	}
}

func (h *high) Merge(o *high) bool {
	old := h.get()
	h.set(o.get())
	return h.get() > old
}

func (h *high) Equal(o *high) bool { return h.get() == o.get() }
func (h *high) Clone() *high       { return &high{slices.Clone(h.n)} }

// A wiredHigh is a high with an encoding, which accepts more than it writes.
type wiredHigh struct{ high }

func (h *wiredHigh) Merge(o *wiredHigh) bool { return h.high.Merge(&o.high) }
func (h *wiredHigh) Equal(o *wiredHigh) bool { return h.high.Equal(&o.high) }
func (h *wiredHigh) Clone() *wiredHigh       { return &wiredHigh{*h.high.Clone()} }

func (h *wiredHigh) MarshalBinary() ([]byte, error) { return binary.AppendVarint(nil, h.get()), nil }

func (h *wiredHigh) UnmarshalBinary(p []byte) error {
	n, size := binary.Varint(p)
	if size <= 0 || n < 0 {
		return errors.New("not a number")
	}
	h.n = []int64{n}
	return nil
}

func TestGMap(t *testing.T) {
	var eu, us crdt.GMap[string, *crdt.GSet[string]]
	delta := eu.Update("fruit", addTo("apple"))
	us.Update("fruit", addTo("pear"))
	us.MergeAt("empty", new(crdt.GSet[string]))

	require.True(t, us.Merge(delta))
	require.False(t, us.Merge(delta))
	require.True(t, eu.Merge(&us))
	require.False(t, us.Merge(&eu))
	require.True(t, us.Equal(&eu))
	require.Equal(t, map[string][]string{"fruit": {"apple", "pear"}, "empty": nil}, elems(&eu))
	require.Equal(t, 2, eu.Len())

	_, ok := eu.At("none")
	require.False(t, ok)
	fruit, ok := eu.At("fruit")
	require.True(t, ok)
	require.Equal(t, 2, fruit.Len())
}

// TestGMapOwnsValues changes a value after it was handed in.
func TestGMapOwnsValues(t *testing.T) {
	var m crdt.GMap[string, *crdt.GSet[string]]
	v := new(crdt.GSet[string])
	delta := m.MergeAt("k", v)
	v.Add("late")
	returned := new(crdt.GSet[string])
	deltaToo := m.Update("k", func(*crdt.GSet[string]) *crdt.GSet[string] { return returned })
	returned.Add("late")
	for _, m := range []*crdt.GMap[string, *crdt.GSet[string]]{&m, delta, deltaToo} {
		require.Equal(t, map[string][]string{"k": nil}, elems(m))
	}
}

func TestGMapMapValue(t *testing.T) {
	var m, n crdt.GMap[string, bag]
	m.Update("k", func(b bag) bag { b["x"] = true; return nil })
	n.Update("k", func(b bag) bag { b["y"] = true; return bag{"y": true} })
	require.True(t, m.Merge(&n))
	b, _ := m.At("k")
	require.Equal(t, bag{"x": true, "y": true}, b)
}

// A bag is a state that is a map itself.
type bag map[string]bool

func (b bag) Merge(o bag) bool {
	n := len(b)
	for e := range o {
		b[e] = true
	}
	return len(b) > n
}

func (b bag) Equal(o bag) bool { return len(b) == len(o) && !b.Clone().Merge(o) }

func (b bag) Clone() bag {
	c := bag{}
	c.Merge(b)
	return c
}

// A fixed is a state whose Merge has nothing to change.
type fixed int

func (fixed) Merge(fixed) bool { return false }
func (fixed) Equal(fixed) bool { return true }
func (f fixed) Clone() fixed   { return f }

// TestNilArguments: what is nil where it must not be is named, and nothing happens.
func TestNilArguments(t *testing.T) {
	var m crdt.GMap[string, *crdt.GSet[string]]
	require.PanicsWithValue(t, "crdt: GMap.MergeAt of a nil value", func() { m.MergeAt("k", nil) })
	require.PanicsWithValue(t, "crdt: GMap.Update with a nil function", func() { m.Update("k", nil) })
	require.PanicsWithValue(t, "crdt: GMap.MergeAt of a nil value", func() { new(crdt.GMap[string, bag]).MergeAt("k", nil) })
	require.Zero(t, m.Len())
	var o crdt.ORMap[string, *crdt.ORSet[string]]
	require.PanicsWithValue(t, "crdt: ORMap.Update with a nil function", func() { o.Update("eu", "k", nil) })
	o.Update("eu", "k", func(s *crdt.ORSet[string]) { s.Add("eu", "x") })
	require.Equal(t, 1, o.Len(), "the map can be used")
}

func TestGMapPanics(t *testing.T) {
	want := "crdt: value type crdt_test.fixed of a GMap is neither a pointer nor a map: its Merge could not change it"
	var m crdt.GMap[string, fixed]
	require.PanicsWithValue(t, want, func() { m.Update("k", func(f fixed) fixed { return f }) })
	require.PanicsWithValue(t, want, func() { m.MergeAt("k", 0) })
	var n crdt.GMap[any, *high]
	require.PanicsWithValue(t, "crdt: key type interface {}: kind interface is not supported", func() { n.MergeAt(1, new(high)) })
}

func TestGMapWithoutEncoding(t *testing.T) {
	var m crdt.GMap[string, *high]
	_, err := m.MarshalBinary()
	require.EqualError(t, err, "crdt: encode GMap: value type *crdt_test.high has neither AppendBinary nor MarshalBinary")
	require.EqualError(t, m.UnmarshalBinary([]byte{1, 0}), "crdt: decode GMap: value type *crdt_test.high has neither AppendBinary nor MarshalBinary")
	_, err = m.MarshalJSON()
	require.EqualError(t, err, "crdt: encode GMap: value type *crdt_test.high does not marshal itself to JSON, and value type *crdt_test.high has neither AppendBinary nor MarshalBinary")
}

func TestGMapGolden(t *testing.T) {
	var m nested
	for _, p := range []place{{"us", "b"}, {"eu", "a"}, {"", ""}, {"us", "a"}} {
		m.Update(p.Key, func(in *gsets) *gsets { return in.Update(p.Elem, addTo("x")) })
	}
	golden(t, "gmap_nested", &m, new(nested))
	golden(t, "gmap_empty", new(gsets), new(gsets))
	var foreign crdt.GMap[int64, *wiredHigh]
	foreign.Update(-1, func(h *wiredHigh) *wiredHigh { h.set(300); return h })
	golden(t, "gmap_foreign", &foreign, new(crdt.GMap[int64, *wiredHigh]))
}

func TestGMapRefusesBytes(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "unexpected end of input"},
		{"unknown version", "\x04\x00", "unknown format version 4"},
		{"count beyond the input", "\x03\x0b\x03\x00\x01\x00\x00", "count 3 exceeds what 4 bytes can hold"},
		{"keys not sorted", "\x03\x0b\x02\x08\x80\x00\x00\x00\x00\x00\x00\x01\x01\x00\x08\x80\x00\x00\x00\x00\x00\x00\x00\x01\x00", "does not follow"},
		{"key too short", "\x03\x0b\x01\x01\x80\x01\x00", "key: "},
		{"value refused by its type", "\x03\x0b\x01\x08\x80\x00\x00\x00\x00\x00\x00\x01\x00", "value: not a number"},
		{"value in another form", "\x03\x0b\x01\x08\x80\x00\x00\x00\x00\x00\x00\x01\x02\x80\x00", "value is not in the form that its type writes"},
		{"trailing bytes", "\x03\x0b\x00\x00", "1 trailing bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m crdt.GMap[int64, *wiredHigh]
			m.MergeAt(7, new(wiredHigh))
			require.ErrorContains(t, m.UnmarshalBinary([]byte(tt.data)), tt.want)
			require.Equal(t, 1, m.Len(), "an error leaves the receiver alone")
		})
	}
}

func TestGMapRefusesJSON(t *testing.T) {
	for _, text := range []string{
		`{}`, `[null]`, `[{"key":"1"}]`, `[{"value":{"base64":"AA=="}}]`,
		`[{"key":"1","value":{"base64":"AA=="},"more":1}]`, `[{"key":"1","value":{}}]`,
		`[{"key":"1","value":{"base64":"AA="}}]`, `[{"key":"1","value":null}]`, `[{"key":1,"value":{"base64":"AA=="}}]`,
		`[{"key":"1","value":{"base64":"AA=="}},{"key":"1","value":{"base64":"AA=="}}]`,
	} {
		var m crdt.GMap[int64, *wiredHigh]
		m.MergeAt(7, new(wiredHigh))
		require.Error(t, m.UnmarshalJSON([]byte(text)), text)
		require.Equal(t, 1, m.Len())
	}
}

func FuzzGMap(f *testing.F) {
	var m nested
	m.Update("k", func(in *gsets) *gsets { return in.Update("l", addTo("x")) })
	f.Add([]byte("\x03\x0b\x00"))
	f.Add(bytesOf(f, &m))
	f.Fuzz(func(t *testing.T, p []byte) { require.NoError(t, crdttest.Decode(m.Clone, p)) })
}

// TestGMapTellsTheFirst: of several values that cannot be read, an error tells the first, in
// whatever form they come.
func TestGMapTellsTheFirst(t *testing.T) {
	var wide crdt.GMap[string, *crdt.MVRegister[int64]]
	for key, n := range map[string]int64{"a": 1, "b": 700, "c": 800, "d": 2} {
		wide.MergeAt(key, must(new(crdt.MVRegister[int64]).Set("eu", n)))
	}
	data, text := must(wide.MarshalBinary()), must(wide.MarshalJSON())
	var o crdt.GMap[string, *crdt.MVRegister[int8]]
	_, merged := o.MergeBinary(data)
	_, lenient := o.Clone().MergeLenient(data)
	for i, err := range []error{
		merged, lenient, o.UnmarshalBinary(data), o.UnmarshalJSON(text), o.Clone().UnmarshalLenient(data), o.Clone().UnmarshalLenient(append([]byte(" \n"), text...)),
	} {
		var bad *content.ValueError
		require.ErrorAs(t, err, &bad, i)
		require.Equal(t, content.ValueError{Key: `"b"`, Stored: "int 700", Wanted: "int8"}, *bad, i)
		require.NotErrorIs(t, err, crdt.ErrDamaged)
	}
	require.Zero(t, o.Len())
	require.NoError(t, o.Check())
	require.ErrorIs(t, o.UnmarshalLenient(data), content.ErrUnreadable)
	require.Equal(t, 4, o.Len())
	bad := map[string]string{}
	for k, e := range o.Unreadable() {
		bad[k] = e.Key + " " + e.Stored
	}
	require.Equal(t, map[string]string{"b": `"b" int 700`, "c": `"c" int 800`}, bad)
	require.ErrorContains(t, o.Check(), `crdt: unreadable value of key "b": stored int 700, want int8`)
	require.Equal(t, data, must(o.MarshalBinary()))
}

// TestGMapOfStates: states of other packages, and one whose lenient decoder takes bytes only, are
// read again from bytes and from JSON.
func TestGMapOfStates(t *testing.T) {
	w := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}
	register, set, names := new(lww.Register[string]), new(lww.Set[string]), new(lww.Map[string, int])
	require.NoError(t, register.Set(w, "x"))
	must(set.Add(w, "x"))
	must(names.Put(w, "x", 1))
	versions, dots, siblings := new(vclock.DVVSet[string]), new(vclock.DotSet), new(resolver.Siblings[string])
	must(versions.Put("eu", vclock.Clock{}, "x"))
	dots.Add(vclock.Dot{Replica: "eu", Seq: 3})
	must(siblings.Write(resolver.Writer{Writer: w}, resolver.Context{}, "x"))
	requireInGMap(t, register)
	requireInGMap(t, set)
	requireInGMap(t, names)
	requireInGMap(t, versions)
	requireInGMap(t, dots)
	requireInGMap(t, siblings)
	requireInGMap(t, must(new(crdt.MVRegister[string]).Set("eu", "x")))
	requireInGMap(t, new(crdt.RWSet[string]).Remove("eu", "x"))
	requireInGMap(t, &bytesLenient{high{[]int64{3}}})
}

func requireInGMap[V crdt.State[V]](t *testing.T, v V) {
	t.Helper()
	m := new(crdt.GMap[string, V]).MergeAt("k", v)
	data, text := must(m.MarshalBinary()), must(json.Marshal(m))
	var fromBytes, lenient, fromText, lenientText, scanned crdt.GMap[string, V]
	for i, err := range []error{
		fromBytes.UnmarshalBinary(data), lenient.UnmarshalLenient(data),
		json.Unmarshal(text, &fromText), lenientText.UnmarshalLenient(text), scanned.Scan(text),
	} {
		require.NoError(t, err, "%T, %d", v, i)
	}
	for i, o := range []*crdt.GMap[string, V]{&fromBytes, &lenient, &fromText, &lenientText, &scanned} {
		require.True(t, o.Equal(m), "%T, %d", v, i)
	}
}

// A bytesLenient has JSON, and a lenient decoder of bytes only.
type bytesLenient struct{ high }

func (h *bytesLenient) Merge(o *bytesLenient) bool { return h.high.Merge(&o.high) }
func (h *bytesLenient) Equal(o *bytesLenient) bool { return h.high.Equal(&o.high) }
func (h *bytesLenient) Clone() *bytesLenient       { return &bytesLenient{*h.high.Clone()} }
func (h *bytesLenient) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int64{"n": h.get()})
}

func (h *bytesLenient) MarshalBinary() ([]byte, error)     { return (&wiredHigh{h.high}).MarshalBinary() }
func (h *bytesLenient) UnmarshalLenient(data []byte) error { return h.UnmarshalBinary(data) }

func (h *bytesLenient) UnmarshalBinary(data []byte) error {
	if len(data) != 1 {
		return crdt.ErrVersion
	}
	var wired wiredHigh
	err := wired.UnmarshalBinary(data)
	h.high = wired.high
	return err
}

func (h *bytesLenient) UnmarshalJSON(data []byte) error {
	var all map[string]int64
	err := json.Unmarshal(data, &all)
	h.n = []int64{all["n"]}
	return err
}

// A broken is a high whose bytes cannot be had.
type broken struct{ high }

var errBroken = errors.New("broken")

func (b *broken) Merge(o *broken) bool         { return b.high.Merge(&o.high) }
func (b *broken) Equal(o *broken) bool         { return b.high.Equal(&o.high) }
func (b *broken) Clone() *broken               { return &broken{*b.high.Clone()} }
func (*broken) MarshalBinary() ([]byte, error) { return nil, errBroken }
func (*broken) UnmarshalBinary(_ []byte) error { return errBroken }

// TestGMapOfBroken: what the type of the values says is wrong is told, with the key.
func TestGMapOfBroken(t *testing.T) {
	m := new(crdt.GMap[string, *broken]).MergeAt("k", new(broken))
	_, bin := m.MarshalBinary()
	_, text := m.MarshalJSON()
	_, digest := m.Digest()
	for what, err := range map[string]error{"encode": bin, "encode ": text, "digest": digest} {
		require.ErrorIs(t, err, errBroken)
		require.ErrorContains(t, err, "crdt: "+strings.TrimSpace(what)+` GMap: key "k": `)
	}
	for _, err := range []error{
		m.UnmarshalBinary([]byte("\x03\x0b\x01\x01k\x00")), failure(m.MergeBinary([]byte("\x03\x0b\x01\x01k\x00"))),
		m.UnmarshalJSON([]byte(`[{"key":"k","value":{"base64":""}}]`)), m.UnmarshalLenient([]byte(`[{"key":"k","value":{"base64":""}}]`)),
	} {
		require.ErrorIs(t, err, errBroken)
		require.ErrorIs(t, err, crdt.ErrDamaged)
	}
	for text, want := range map[string]string{
		`[{"key":"k","value":{}}]`:                     "not an object with base64",
		`[{"key":"k","value":{"base64":"AA"}}]`:        `key "k": illegal base64`,
		`[{"key":"k","value":1}]`:                      `key "k": `,
		`[{"key":"k"}]`:                                "entry 0: not an object with key and value",
		`[{"key":"k","value":null}]`:                   "entry 0: not an object with key and value",
		`[{"key":"k","value":{"base64":""},"more":1}]`: "unknown member",
		`{}`:    "cannot unmarshal",
		`null `: "",
	} {
		require.ErrorContains(t, new(crdt.GMap[string, *broken]).UnmarshalJSON([]byte(text)), want, text)
	}
	for _, damaged := range []string{`[{"key":"k","value":{}}]`, `[{"key":"k","value":[]}]`, "\x03\x0b\x01\x01k\x01\x03"} {
		x := new(crdt.GMap[string, *crdt.MVRegister[int8]])
		require.ErrorIs(t, x.Scan(damaged), crdt.ErrDamaged, "%q", damaged)
		require.ErrorIs(t, x.UnmarshalLenient([]byte(damaged)), crdt.ErrDamaged, "%q", damaged)
		require.Zero(t, x.Len())
	}
	var none crdt.GMap[string, *high]
	_, digest = none.Digest()
	require.EqualError(t, digest, "crdt: digest GMap: value type *crdt_test.high has neither AppendBinary nor MarshalBinary")
	const lacks = "value type *crdt_test.high does not marshal itself to JSON, and value type *crdt_test.high has neither"
	require.ErrorContains(t, none.UnmarshalJSON([]byte(`[]`)), "crdt: decode GMap: "+lacks)
	require.ErrorContains(t, none.UnmarshalLenient([]byte(`[]`)), "crdt: decode GMap: "+lacks)
	require.ErrorContains(t, none.UnmarshalLenient(nil), "crdt: decode GMap: value type *crdt_test.high has neither")
	_, err := none.MergeLenient(nil)
	require.ErrorContains(t, err, "has neither")
	none.MergeAt("k", new(high))
	require.NoError(t, none.Check(), "nothing can be said of these")
	require.Empty(t, maps.Collect(none.Unreadable()))
	require.ErrorContains(t, new(crdt.GMap[any, *crdt.GCounter]).UnmarshalLenient(nil), "key type interface {}")
}

func failure(_ bool, err error) error { return err }
