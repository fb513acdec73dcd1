package crdt_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
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

// An encodable is a state in bytes and in JSON.
type encodable interface {
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(data []byte) error
	MarshalJSON() ([]byte, error)
	UnmarshalJSON(data []byte) error
}

// deploy carries a state to a program of another version, in bytes or in JSON.
func deploy[T encodable](t require.TestingT, from encodable, to T, text bool) T {
	data := must(from.MarshalBinary())
	if text {
		require.NoError(t, to.UnmarshalJSON(must(from.MarshalJSON())))
	} else {
		require.NoError(t, to.UnmarshalBinary(data))
	}
	require.Equal(t, data, must(to.MarshalBinary()), "another version writes other bytes")
	return to
}

// TestRegisterEvolution follows one customer through V1, V2, V1 and V2, alone and in a
// map: nothing is lost.
func TestRegisterEvolution(t *testing.T) {
	type (
		one  = crdt.MVRegister[customerV1]
		two  = crdt.MVRegister[customerV2]
		ones = crdt.ORMap[string, *one]
		twos = crdt.ORMap[string, *two]
	)
	written := customerV1{Name: "Ann", Age: 30, Home: struct{ City string }{"Wien"}, Items: []itemV1{{"a", 1}, {"b", 2}}}
	grow := func(c customerV2) customerV2 {
		c.Level, c.Home.Zip, c.Items[0].Note = new(int), "1010", "gift"
		c.Tags = map[string]int64{"x": 1}
		return c
	}
	move := func(c customerV1) customerV1 {
		c.Age, c.Home.City = 31, "Graz"
		c.Items = append(c.Items, itemV1{"c", 3})
		c.Tags["y"] = 2
		return c
	}
	want := customerV2{
		Level: new(int), Items: []itemV2{{"gift", "a", 1}, {"", "b", 2}, {"", "c", 3}},
		Home: struct{ Zip, City string }{"1010", "Graz"}, Age: 31, Full: "Ann", Tags: map[string]int64{"x": 1, "y": 2},
	}
	for _, text := range []bool{false, true} {
		t.Run(fmt.Sprintf("alone/json=%v", text), func(t *testing.T) {
			var a one
			must(a.Set("eu", written))
			b := deploy(t, &a, new(two), text)
			c, _ := b.Get()
			delta := must(b.Set("eu", grow(c)))
			old := deploy(t, b, new(one), text)
			require.True(t, a.Merge(deploy(t, delta, new(one), text)))
			require.True(t, a.Equal(old), "a delta carries what the program does not know")
			v, _ := a.Get()
			must(a.Set("eu", move(v)))
			got, ok := deploy(t, &a, new(two), text).Get()
			require.True(t, ok)
			require.Equal(t, want, got)
		})
		t.Run(fmt.Sprintf("in a map/json=%v", text), func(t *testing.T) {
			var a ones
			a.Update("eu", "ann", func(r *one) { must(r.Set("eu", written)) })
			b := deploy(t, &a, new(twos), text)
			b.Update("eu", "ann", func(r *two) {
				c, _ := r.Get()
				must(r.Set("eu", grow(c)))
			})
			old := deploy(t, b, new(ones), text)
			old.Update("eu", "ann", func(r *one) {
				c, _ := r.Get()
				must(r.Set("eu", move(c)))
			})
			r, _ := deploy(t, old, new(twos), text).At("ann")
			got, ok := r.Get()
			require.True(t, ok)
			require.Equal(t, want, got)
		})
	}
}

// TestRegisterEvolutionOfSeen: a client replaces the one of two values that it saw, and what the
// program does not know of that one is carried over, whichever it is.
func TestRegisterEvolutionOfSeen(t *testing.T) {
	type wide struct{ Name, Note string }
	type narrow struct{ Name string }
	for _, shown := range []vclock.Replica{"ap", "eu", "us"} {
		var all crdt.MVRegister[wide]
		var seen crdt.Context
		for _, r := range []vclock.Replica{"eu", "us", "ap"} {
			one := must(new(crdt.MVRegister[wide]).Set(r, wide{"Ann", "of " + string(r)}))
			if r == shown {
				seen = one.Context()
			}
			all.Merge(one)
		}
		old := deploy(t, &all, new(crdt.MVRegister[narrow]), false)
		must(old.SetSeen("sa", seen, narrow{"Eve"}))
		var notes []string
		for v := range deploy(t, old, new(crdt.MVRegister[wide]), true).Values() {
			if v.Name == "Eve" {
				notes = append(notes, v.Note)
			}
		}
		require.Equal(t, []string{"of " + string(shown)}, notes)
	}
}

// TestRegisterEvolutionOfNewest: who replaces several values carries over from the one with the
// largest number.
func TestRegisterEvolutionOfNewest(t *testing.T) {
	type wide struct{ Name, Note string }
	type narrow struct{ Name string }
	for _, often := range []vclock.Replica{"ap", "eu", "us"} {
		var all crdt.MVRegister[wide]
		for _, r := range []vclock.Replica{"eu", "us", "ap"} {
			var one crdt.MVRegister[wide]
			must(one.Set(r, wide{"Ann", "old"}))
			if r == often {
				must(one.Set(r, wide{"Ann", "newest"}))
			}
			all.Merge(&one)
		}
		old := deploy(t, &all, new(crdt.MVRegister[narrow]), false)
		must(old.Set("sa", narrow{"Eve"}))
		v, _ := deploy(t, old, new(crdt.MVRegister[wide]), true).Get()
		require.Equal(t, wide{"Eve", "newest"}, v)
	}
}

// TestRegisterMixedFleet: in histories of three replicas with two versions of the program,
// states converge byte for byte, and fields of the newer survive the older.
func TestRegisterMixedFleet(t *testing.T) {
	type old struct{ A, B int8 }
	type young struct {
		C string
		B int64
		A int32
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := new(crdt.MVRegister[old]), new(crdt.MVRegister[young]), new(crdt.MVRegister[old])
		text := func() bool { return rapid.Bool().Draw(t, "json") }
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				v, _ := a.Get()
				v.A = int8(rapid.IntRange(-2, 2).Draw(t, "A"))
				must(a.Set("a", v))
			case 1:
				v, _ := c.Get()
				v.B = int8(rapid.IntRange(-2, 2).Draw(t, "B"))
				must(c.Set("c", v))
			case 2:
				v, _ := b.Get()
				v.C, v.B = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "C"), rapid.Int64Range(-3, 3).Draw(t, "B")
				must(b.Set("b", v))
			case 3:
				a.Merge(c)
			case 4:
				c.Merge(a)
			case 5:
				a.Merge(deploy(t, b, new(crdt.MVRegister[old]), text()))
			case 6:
				b.Merge(deploy(t, a, new(crdt.MVRegister[young]), text()))
			}
		}
		c.Merge(a)
		c.Merge(deploy(t, b, new(crdt.MVRegister[old]), true))
		b.Merge(deploy(t, c, new(crdt.MVRegister[young]), false))
		require.Equal(t, must(c.MarshalBinary()), must(b.MarshalBinary()))
		require.True(t, json.Valid(must(c.MarshalJSON())))
		before, one := b.Get()
		if !one {
			return
		}
		same, ok := c.Get()
		require.True(t, ok)
		must(c.Set("c", same)) // an old program that writes what it reads keeps all of it
		after, _ := deploy(t, c, new(crdt.MVRegister[young]), text()).Get()
		require.Equal(t, before, after)
	})
}

// TestUnreadableInMap: one bad value among many stops nothing but itself.
func TestUnreadableInMap(t *testing.T) {
	type wide struct{ N int64 }
	type narrow struct{ N int8 }
	type (
		wides   = crdt.ORMap[string, *crdt.MVRegister[wide]]
		narrows = crdt.ORMap[string, *crdt.MVRegister[narrow]]
	)
	const n = 10_000
	var m wides
	for i := range n {
		m.Update("eu", fmt.Sprint(i), func(r *crdt.MVRegister[wide]) { must(r.Set("eu", wide{int64(i % 100)})) })
	}
	m.Update("eu", "7", func(r *crdt.MVRegister[wide]) { must(r.Set("eu", wide{700})) })
	data, text := must(m.MarshalBinary()), must(m.MarshalJSON())

	var o narrows
	_, err := o.MergeBinary(data)
	for _, err := range []error{o.UnmarshalBinary(data), o.UnmarshalJSON(text), err} {
		var bad *content.ValueError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, content.ValueError{Key: `"7"`, Field: "N", Stored: "int 700", Wanted: "int8"}, *bad)
		require.ErrorIs(t, err, content.ErrUnreadable)
		require.NotErrorIs(t, err, crdt.ErrDamaged)
		require.Zero(t, o.Len())
	}
	for _, in := range [][]byte{data, text} {
		var o, p narrows
		require.ErrorIs(t, o.UnmarshalLenient(in), content.ErrUnreadable)
		changed, err := p.MergeLenient(in)
		require.True(t, changed)
		require.ErrorContains(t, err, `unreadable value of key "7": field N: stored int 700, want int8`)
		require.True(t, o.Equal(&p))
		require.Equal(t, n, o.Len())
		read := 0
		for _, r := range o.All() {
			if _, ok := r.Get(); ok {
				read++
			}
		}
		require.Equal(t, n-1, read)
		bad := map[string]string{}
		for k, e := range o.Unreadable() {
			bad[k] = e.Field
		}
		require.Equal(t, map[string]string{"7": "N"}, bad)
		require.ErrorIs(t, o.Check(), content.ErrUnreadable)
		require.Equal(t, data, must(o.MarshalBinary()))
		require.JSONEq(t, string(text), string(must(o.MarshalJSON())))
		o.Update("us", "7", func(r *crdt.MVRegister[narrow]) { must(r.Set("us", narrow{7})) })
		require.NoError(t, o.Check())
	}
}

// TestUnreadableInGMap: one bad value among many stops nothing but itself, whatever state
// of this module holds it.
func TestUnreadableInGMap(t *testing.T) {
	type wide struct{ N int64 }
	type narrow struct{ N int8 }
	type (
		wides   = crdt.GMap[string, *crdt.MVRegister[wide]]
		narrows = crdt.GMap[string, *crdt.MVRegister[narrow]]
	)
	const n = 500
	var m wides
	for i := range n {
		v := wide{int64(i % 100)}
		if i == 7 {
			v.N = 700
		}
		m.Update(fmt.Sprint(i), func(r *crdt.MVRegister[wide]) *crdt.MVRegister[wide] { return must(r.Set("eu", v)) })
	}
	data, text := must(m.MarshalBinary()), must(m.MarshalJSON())
	var o narrows
	_, err := o.MergeBinary(data)
	for _, err := range []error{o.UnmarshalBinary(data), o.UnmarshalJSON(text), err} {
		var bad *content.ValueError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, content.ValueError{Key: `"7"`, Field: "N", Stored: "int 700", Wanted: "int8"}, *bad)
		require.NotErrorIs(t, err, crdt.ErrDamaged)
		require.Zero(t, o.Len())
	}
	for _, in := range [][]byte{data, text} {
		var o, p narrows
		require.ErrorIs(t, o.UnmarshalLenient(in), content.ErrUnreadable)
		changed, err := p.MergeLenient(in)
		require.True(t, changed)
		require.ErrorContains(t, err, `unreadable value of key "7": field N: stored int 700, want int8`)
		require.True(t, o.Equal(&p))
		read := 0
		for _, r := range o.All() {
			if _, ok := r.Get(); ok {
				read++
			}
		}
		require.Equal(t, n-1, read)
		for k, bad := range o.Unreadable() {
			require.Equal(t, "7", k)
			require.Equal(t, `"7"`, bad.Key)
		}
		require.ErrorIs(t, o.Check(), content.ErrUnreadable)
		require.Equal(t, data, must(o.MarshalBinary()))
		require.JSONEq(t, string(text), string(must(o.MarshalJSON())))
		damaged := append([]byte(nil), in...)
		require.ErrorIs(t, p.UnmarshalLenient(damaged[:len(damaged)-1]), crdt.ErrDamaged)
		require.True(t, o.Equal(&p))
	}

	var nested crdt.GMap[int, *wides]
	nested.Update(1, func(in *wides) *wides { in.Merge(&m); return in })
	var read crdt.GMap[int, *narrows]
	require.ErrorContains(t, read.UnmarshalLenient(must(nested.MarshalBinary())), `unreadable value of key "1"/"7": field N`)
	require.Equal(t, 1, read.Len())
	require.ErrorContains(t, read.Check(), `of key "1"/"7"`)
	require.NoError(t, nested.Check())
}

// TestUnreadableCatchesUp: an exchange brings what V cannot hold, and says so.
func TestUnreadableCatchesUp(t *testing.T) {
	type wide struct{ N string }
	type narrow struct{ N int }
	var a crdt.MVRegister[wide]
	must(a.Set("eu", wide{"x"}))
	var b crdt.MVRegister[narrow]
	_, delta, err := b.Answer(a.Ask(1))
	require.ErrorIs(t, err, content.ErrUnreadable)
	require.True(t, b.Merge(delta))
	require.Equal(t, must(a.MarshalBinary()), must(b.MarshalBinary()))
	_, ok := b.Get()
	require.False(t, ok)
	require.Equal(t, 1, b.Len())
	for d, bad := range b.Unreadable() {
		require.Equal(t, vclock.Dot{Replica: "eu", Seq: 1}, d)
		require.Equal(t, "N", bad.Field)
	}
}

// TestJSONByValue: a state in a struct has its JSON there, never an empty object.
func TestJSONByValue(t *testing.T) {
	type row struct {
		Bounded  crdt.BoundedCounter
		On       crdt.EWFlag
		Off      crdt.DWFlag
		Hits     crdt.GCounter
		Views    crdt.GMap[string, *crdt.GCounter]
		Tags     crdt.GSet[string]
		Name     crdt.MVRegister[string]
		Cart     crdt.ORMap[string, *crdt.PNCounter]
		Set      crdt.ORSet[string]
		Stock    crdt.PNCounter
		Strict   crdt.RWSet[string]
		Sessions crdt.TwoPSet[string]
	}
	r := new(row)
	must(r.Bounded.Add("eu", 1))
	r.On.Enable("eu")
	r.Off.Disable("eu")
	r.Hits.Add("eu", 1)
	r.Views.Update("home", func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", 1) })
	r.Tags.Add("a")
	must(r.Name.Set("eu", "a"))
	r.Cart.Update("eu", "milk", func(c *crdt.PNCounter) { c.Add("eu", 1) })
	r.Set.Add("eu", "a")
	r.Stock.Add("eu", 1)
	r.Strict.Add("eu", "a")
	r.Sessions.Add("a")
	want, err := json.Marshal(r)
	require.NoError(t, err)
	got, err := json.Marshal(reflect.ValueOf(r).Elem().Interface())
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
	require.NotContains(t, string(got), ":{}")
	var again row
	require.NoError(t, json.Unmarshal(got, &again))
	require.True(t, again.Cart.Equal(&r.Cart) && again.Name.Equal(&r.Name) && again.Sessions.Equal(&r.Sessions))
}

// TestElementsOfStructs: keys and elements name their fields, and a state of others is
// refused by the first that differs, whatever way it comes.
func TestElementsOfStructs(t *testing.T) {
	type name struct{ First, Last string }
	type turned struct{ Last, First string }
	ann := name{"Ann", "Lee"}
	var set crdt.ORSet[name]
	set.Add("eu", ann)
	var strict crdt.RWSet[name]
	strict.Add("eu", ann)
	var cart crdt.ORMap[name, *crdt.PNCounter]
	cart.Update("eu", ann, func(c *crdt.PNCounter) { c.Add("eu", 1) })
	var deep crdt.ORMap[string, *crdt.ORSet[name]]
	deep.Update("eu", "k", func(s *crdt.ORSet[name]) { s.Add("eu", ann) })
	var grown crdt.GSet[name]
	grown.Add(ann)
	var twice crdt.TwoPSet[name]
	twice.Add(ann)
	var views crdt.GMap[name, *crdt.GCounter]
	views.Update(ann, func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", 1) })

	type decoder interface {
		UnmarshalBinary(data []byte) error
		MergeBinary(data []byte) (bool, error)
	}
	for _, tt := range []struct {
		from       encodable
		same, turn decoder
	}{
		{&set, new(crdt.ORSet[name]), new(crdt.ORSet[turned])},
		{&strict, new(crdt.RWSet[name]), new(crdt.RWSet[turned])},
		{&cart, new(crdt.ORMap[name, *crdt.PNCounter]), new(crdt.ORMap[turned, *crdt.PNCounter])},
		{&deep, new(crdt.ORMap[string, *crdt.ORSet[name]]), new(crdt.ORMap[string, *crdt.ORSet[turned]])},
		{&grown, new(crdt.GSet[name]), new(crdt.GSet[turned])},
		{&twice, new(crdt.TwoPSet[name]), new(crdt.TwoPSet[turned])},
		{&views, new(crdt.GMap[name, *crdt.GCounter]), new(crdt.GMap[turned, *crdt.GCounter])},
	} {
		data := must(tt.from.MarshalBinary())
		require.NoError(t, tt.same.UnmarshalBinary(data))
		_, err := tt.turn.MergeBinary(data)
		for _, err := range []error{tt.turn.UnmarshalBinary(data), err} {
			require.ErrorIs(t, err, crdt.ErrType, "%T", tt.turn)
			require.ErrorContains(t, err, "First string where the type has Last string")
		}
		_, err = tt.same.MergeBinary(data[:len(data)-1])
		require.ErrorIs(t, err, crdt.ErrDamaged, "%T", tt.same)
	}
	_, _, err := new(crdt.ORSet[turned]).Answer(set.Ask(1))
	require.ErrorContains(t, err, "First string where the type has Last string")
}

// TestUnreadableInParts: chunks, parts of some keys and what an exchange brings hold
// values that cannot be read as they came.
func TestUnreadableInParts(t *testing.T) {
	type (
		wides   = crdt.ORMap[string, *crdt.MVRegister[string]]
		narrows = crdt.ORMap[string, *crdt.MVRegister[int]]
	)
	var m wides
	for i := range 200 {
		m.Update("eu", fmt.Sprint(i), func(r *crdt.MVRegister[string]) { must(r.Set("eu", "text")) })
	}
	var all narrows
	require.ErrorIs(t, all.UnmarshalLenient(must(m.MarshalBinary())), content.ErrUnreadable)

	var joined narrows
	for part := range all.Chunks(500) {
		require.ErrorIs(t, part.Check(), content.ErrUnreadable)
		joined.Merge(part)
	}
	require.Equal(t, must(m.MarshalBinary()), must(joined.MarshalBinary()))

	one := all.Select("7")
	require.Equal(t, must(m.Select("7").MarshalBinary()), must(one.MarshalBinary()))

	var asked narrows
	msg, from, to := all.Ask(1), &asked, &all
	for msg != nil {
		reply, delta, err := from.Answer(msg)
		if err != nil {
			require.ErrorIs(t, err, content.ErrUnreadable)
		}
		if delta != nil {
			from.Merge(delta)
		}
		msg, from, to = reply, to, from
	}
	require.True(t, asked.Equal(&all))
}
