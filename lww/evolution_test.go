package lww_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

type itemV1 struct {
	SKU string
	Qty int32
}

// A customerV1 is what the first version of a program knows.
type customerV1 struct {
	Name  string `json:"name"`
	Age   int8   `json:"age"`
	Home  struct{ City string }
	Items []itemV1
	Tags  map[string]int8
}

type itemV2 struct {
	Note string
	SKU  string
	Qty  int64
}

// A customerV2 has a field more, others in other places, one renamed and one wider.
type customerV2 struct {
	Level *int
	Items []itemV2
	Home  struct{ Zip, City string }
	Age   int64  `json:"age"`
	Full  string `json:"full" rejoin:"name=name"`
	Tags  map[string]int64
}

// hop carries a state to a program of another version, in bytes or in JSON.
func hop[V, W any](t require.TestingT, m *lww.Map[string, V], text bool) *lww.Map[string, W] {
	data, err := m.MarshalBinary()
	if text {
		data, err = m.MarshalJSON()
	}
	require.NoError(t, err)
	var o lww.Map[string, W]
	if text {
		require.NoError(t, o.UnmarshalJSON(data), "%s", data)
	} else {
		require.NoError(t, o.UnmarshalBinary(data))
	}
	a, err := m.MarshalBinary()
	require.NoError(t, err)
	b, err := o.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, a, b, "another version writes other bytes")
	return &o
}

// TestEvolution follows one customer through V1, V2, V1 and V2: nothing is lost.
func TestEvolution(t *testing.T) {
	for _, text := range []bool{false, true} {
		w := frozen("eu", noon)
		one := new(lww.Map[string, customerV1])
		put(t, one, w, "ann", customerV1{Name: "Ann", Age: 30, Home: struct{ City string }{"Wien"}, Items: []itemV1{{"a", 1}, {"b", 2}}})

		two := hop[customerV1, customerV2](t, one, text)
		c, ok := two.At("ann")
		require.True(t, ok)
		require.Equal(t, "Ann", c.Full)
		c.Level, c.Home.Zip, c.Items[0].Note = new(int), "1010", "gift"
		c.Tags = map[string]int64{"x": 1}
		put(t, two, w, "ann", c)

		one = hop[customerV2, customerV1](t, two, text)
		before, err := one.MarshalBinary()
		require.NoError(t, err)
		v, ok := one.At("ann")
		require.True(t, ok)
		same := one.Clone()
		_, err = same.PutAt("ann", v, lww.Stamp{Time: 1, Replica: "eu"}) // older: no effect
		require.NoError(t, err)
		after, err := same.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, before, after)
		v.Age, v.Home.City = 31, "Graz"
		v.Items = append(v.Items, itemV1{"c", 3})
		v.Tags["y"] = 2
		put(t, one, w, "ann", v)

		two = hop[customerV1, customerV2](t, one, text)
		got, ok := two.At("ann")
		require.True(t, ok)
		require.Equal(t, customerV2{
			Level: new(int), Items: []itemV2{{"gift", "a", 1}, {"", "b", 2}, {"", "c", 3}},
			Home: struct{ Zip, City string }{"1010", "Graz"}, Age: 31, Full: "Ann", Tags: map[string]int64{"x": 1, "y": 2},
		}, got)
	}
}

// TestMixedFleet: in histories of three replicas with two versions of the program,
// states converge byte for byte, and fields of the newer survive the older.
func TestMixedFleet(t *testing.T) {
	type old struct{ A, B int8 }
	type young struct {
		C string
		B int64
		A int32
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := new(lww.Map[string, old]), new(lww.Map[string, young])
		c := new(lww.Map[string, old])
		now := noon
		writer := func(r vclock.Replica) lww.Writer {
			now += hlc.Timestamp(rapid.IntRange(0, 3).Draw(t, "tick"))
			return frozen(r, now)
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			k := rapid.SampledFrom([]string{"k", "l"}).Draw(t, "key")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0, 1:
				m, r := a, vclock.Replica("a")
				if rapid.Bool().Draw(t, "c") {
					m, r = c, "c"
				}
				v, _ := m.At(k)
				v.A = int8(rapid.IntRange(-2, 2).Draw(t, "A"))
				put(t, m, writer(r), k, v)
			case 2:
				v, _ := b.At(k)
				v.C, v.B = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "C"), rapid.Int64Range(-3, 3).Draw(t, "B")
				put(t, b, writer("b"), k, v)
			case 3:
				a.Merge(c)
			case 4:
				c.Merge(a)
			case 5:
				a.Merge(hop[young, old](t, b, rapid.Bool().Draw(t, "json")))
			case 6:
				b.Merge(hop[old, young](t, a, rapid.Bool().Draw(t, "json")))
			}
		}
		c.Merge(a)
		c.Merge(hop[young, old](t, b, true))
		b.Merge(hop[old, young](t, a, false))
		b.Merge(hop[old, young](t, c, false))
		a.Merge(c)
		x, err := a.MarshalBinary()
		require.NoError(t, err)
		y, err := b.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, x, y)
		z, err := a.MarshalJSON()
		require.NoError(t, err)
		require.True(t, json.Valid(z))
		if v, ok := b.At("k"); ok { // an old program that writes what it reads keeps all of it
			before := v
			o, _ := a.At("k")
			put(t, a, frozen("a", now+1), "k", o)
			after, _ := hop[old, young](t, a, false).At("k")
			require.Equal(t, before, after)
		}
	})
}

// TestUnreadable: one bad value among many stops nothing but itself.
func TestUnreadable(t *testing.T) {
	type wide struct{ N int64 }
	type narrow struct{ N int8 }
	w := frozen("eu", noon)
	var m lww.Map[string, wide]
	const n = 10_000
	for i := range n {
		put(t, &m, w, fmt.Sprint(i), wide{int64(i % 100)})
	}
	put(t, &m, w, "7", wide{700})
	data, err := m.MarshalBinary()
	require.NoError(t, err)
	text, err := m.MarshalJSON()
	require.NoError(t, err)

	var o lww.Map[string, narrow]
	for _, err := range []error{o.UnmarshalBinary(data), o.UnmarshalJSON(text), second(o.MergeBinary(data))} {
		var bad *content.ValueError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, content.ValueError{Key: `"7"`, Field: "N", Stored: "int 700", Wanted: "int8"}, *bad)
		require.ErrorIs(t, err, lww.ErrUnreadable)
		require.NotErrorIs(t, err, lww.ErrDamaged)
		require.Zero(t, o.Len())
	}
	for _, in := range [][]byte{data, text} {
		var o, p lww.Map[string, narrow]
		require.ErrorIs(t, o.UnmarshalLenient(in), content.ErrUnreadable)
		changed, err := p.MergeLenient(in)
		require.True(t, changed)
		require.ErrorContains(t, err, `unreadable value of key "7": field N: stored int 700, want int8`)
		require.True(t, o.Equal(&p))
		require.Equal(t, n, o.Len())
		read := 0
		for k := range o.All() {
			require.NotEqual(t, "7", k)
			read++
		}
		require.Equal(t, n-1, read)
		_, ok := o.At("7")
		require.False(t, ok)
		bad := 0
		for k, e := range o.Unreadable() {
			require.Equal(t, "7", k)
			require.Equal(t, "N", e.Field)
			bad++
		}
		require.Equal(t, 1, bad)
		require.ErrorIs(t, o.Check(), lww.ErrUnreadable)
		again, err := o.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, data, again)
		js, err := o.MarshalJSON()
		require.NoError(t, err)
		require.JSONEq(t, string(text), string(js))
		put(t, &o, w, "7", narrow{7})
		require.NoError(t, o.Check())
	}
}

func second[A any](_ A, err error) error { return err }

// TestUnreadableRegister: the same for a register.
func TestUnreadableRegister(t *testing.T) {
	type wide struct {
		N    string
		Kept string
	}
	type narrow struct{ N int8 }
	w := frozen("eu", noon)
	var r lww.Register[wide]
	require.NoError(t, r.Set(w, wide{"a", "b"}))
	data, err := r.MarshalBinary()
	require.NoError(t, err)
	var o, p lww.Register[narrow]
	require.ErrorIs(t, o.UnmarshalBinary(data), lww.ErrUnreadable)
	require.True(t, o.Stamp().IsZero())
	require.ErrorIs(t, o.UnmarshalLenient(data), lww.ErrUnreadable)
	_, ok := o.Get()
	require.False(t, ok)
	require.ErrorContains(t, o.Check(), "field N: stored string, want int8")
	changed, err := p.MergeLenient(data)
	require.True(t, changed)
	require.ErrorIs(t, err, lww.ErrUnreadable)
	require.True(t, p.Equal(&o))
	again, err := p.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, data, again)
	for cut := range data {
		changed, err = p.MergeLenient(data[:cut])
		require.False(t, changed)
		require.Error(t, err, "cut to %d bytes", cut)
		require.NotErrorIs(t, err, lww.ErrUnreadable)
	}
	require.NoError(t, p.Set(w, narrow{5}))
	require.NoError(t, p.Check())
	data, err = p.MarshalBinary()
	require.NoError(t, err)
	var q lww.Register[struct {
		N    int
		Kept string
	}]
	changed, err = q.MergeBinary(data)
	require.NoError(t, err)
	require.True(t, changed)
	v, _ := q.Get()
	require.Equal(t, "b", v.Kept, "what the writer does not know is carried over from an unreadable value too")
}

// TestKeysOfStructs: keys name their fields, and a state of others is refused.
func TestKeysOfStructs(t *testing.T) {
	type name struct{ First, Last string }
	type turned struct{ Last, First string }
	w := frozen("eu", noon)
	var s lww.Set[name]
	_, err := s.Add(w, name{"Ann", "Lee"})
	require.NoError(t, err)
	data, err := s.MarshalBinary()
	require.NoError(t, err)
	text, err := s.MarshalJSON()
	require.NoError(t, err)
	var o lww.Set[turned]
	for _, err := range []error{o.UnmarshalBinary(data), o.UnmarshalJSON(text)} {
		require.ErrorIs(t, err, lww.ErrType)
		require.ErrorContains(t, err, "First string where the type has Last string")
	}
	var p lww.Set[name]
	require.NoError(t, p.UnmarshalBinary(data))
	require.NoError(t, p.UnmarshalJSON(text))
	require.True(t, p.Contains(name{"Ann", "Lee"}))
	var q lww.Map[string, int]
	require.ErrorIs(t, q.UnmarshalBinary(data), lww.ErrType)
}

// TestJSONByValue: a state in a struct has its JSON there, by value too.
func TestJSONByValue(t *testing.T) {
	w := frozen("eu", noon)
	type row struct {
		Map lww.Map[string, int]
		Set lww.Set[string]
		Reg lww.Register[int]
	}
	r := new(row)
	put(t, &r.Map, w, "k", 1)
	_, err := r.Set.Add(w, "e")
	require.NoError(t, err)
	require.NoError(t, r.Reg.Set(w, 2))
	want, err := json.Marshal(r)
	require.NoError(t, err)
	got, err := json.Marshal(reflect.ValueOf(r).Elem().Interface())
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
	require.Contains(t, string(got), `"key":"k"`)
	require.Contains(t, string(got), `"element":"e"`)
	require.Contains(t, string(got), `"value":2`)
}

// TestHidden: a field that JSON would drop is an error that names it.
func TestHidden(t *testing.T) {
	type secret struct {
		Name string
		Hash string `json:"-"`
	}
	w := frozen("eu", noon)
	var m lww.Map[string, secret]
	put(t, &m, w, "ann", secret{Name: "Ann"})
	_, err := m.MarshalJSON()
	require.NoError(t, err)
	put(t, &m, w, "ann", secret{"Ann", "x"})
	_, err = m.MarshalJSON()
	require.ErrorContains(t, err, `lww: encode Map: key "ann": lww_test.secret: Hash: is not zero`)
	m2 := hop[secret, secret](t, &m, false)
	v, _ := m2.At("ann")
	require.Equal(t, "x", v.Hash)
}

// TestOneStampTwoUnknown merges two values under one stamp that differ only in a field
// that this program does not know: they are two, and one of them stands everywhere.
func TestOneStampTwoUnknown(t *testing.T) {
	type older struct{ Name string }
	type newer struct{ Name, Note string }
	carry := func(note string) *lww.Map[string, older] {
		var m lww.Map[string, newer]
		_, err := m.PutAt("k", newer{"Ann", note}, at(noon, "eu"))
		require.NoError(t, err)
		return hop[newer, older](t, &m, false)
	}
	a, b := carry("one"), carry("two")
	require.False(t, a.Equal(b))
	x := a.Clone()
	require.True(t, x.Merge(b))
	require.False(t, b.Merge(a))
	require.True(t, x.Equal(b))
	v, _ := hop[older, newer](t, x, false).At("k")
	require.Equal(t, newer{"Ann", "two"}, v)
}

// TestJSONOfOneKind writes the kinds of the fields also where there is one of them, so
// that a program without the type gives back the bytes.
func TestJSONOfOneKind(t *testing.T) {
	type dated struct{ At time.Time }
	var m lww.Map[string, dated]
	_, err := m.PutAt("k", dated{noon.Time()}, at(noon, "eu"))
	require.NoError(t, err)
	text, err := m.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(text), `"fields":`, "%s", text)
	hop[dated, struct{ Other string }](t, &m, true)

	// A tombstone has no value to tell the kinds of.
	_, err = m.DeleteAt("k", at(noon+1, "eu"))
	require.NoError(t, err)
	text, err = m.MarshalJSON()
	require.NoError(t, err)
	require.NotContains(t, string(text), `"fields":`, "%s", text)
}
