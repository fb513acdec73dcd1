package merge_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

type partV1 struct {
	SKU string
	Qty int32
}

// A boxV1 is a value in leaves of records, as the first version of a program has it.
type boxV1 struct {
	Name  string `json:"name"`
	Size  int8   `json:"size"`
	Home  struct{ City string }
	Parts []partV1
	Tags  map[string]int8
	Gone  string
}

type partV2 struct {
	Note string
	SKU  string
	Qty  int64
}

// A boxV2 has a field more and one less, others in other places, one renamed, and wider ones.
type boxV2 struct {
	At    time.Time
	Parts []partV2
	Home  struct{ Zip, City string }
	Size  *int64 `json:"size"`
	Full  string `json:"full" rejoin:"name=name"`
	Tags  map[string]int64
}

// leaves has a box under each rule that keeps values as they are.
type leavesV1 struct {
	Whole boxV1  `merge:"atomic"`
	Ptr   *boxV1 `merge:"atomic"`
	Kept  boxV1  `merge:"nonzero"`
	First boxV1  `merge:"first"`
	Fixed boxV1  `merge:"immutable"`
	Note  boxV1  `merge:"manual"`
	Moved boxV1  `merge:"group=g"`
	List  []partV1
	Lists map[string][]partV1
	Rows  map[string]rowV1
}

type rowV1 struct {
	Whole boxV1 `merge:"atomic"`
}

type leavesV2 struct {
	Whole *boxV2 `merge:"atomic"`
	Ptr   boxV2  `merge:"atomic"`
	Kept  boxV2  `merge:"nonzero"`
	First boxV2  `merge:"first"`
	Fixed boxV2  `merge:"immutable"`
	Note  boxV2  `merge:"manual"`
	Moved boxV2  `merge:"group=g"`
	List  []partV2
	Lists map[string][]partV2
	Rows  map[string]rowV2
}

type rowV2 struct {
	Whole boxV2 `merge:"atomic"`
}

// TestRecordContentEvolution follows leaves of every rule through V1, V2, V1 and V2:
// nothing that either wrote is lost, and both have the same bytes.
func TestRecordContentEvolution(t *testing.T) {
	older, newer := recordPlan(t, merge.Options[leavesV1]{}), recordPlan(t, merge.Options[leavesV2]{})
	v1 := boxV1{
		Name: "Ann", Size: 3, Home: struct{ City string }{"Wien"}, Parts: []partV1{{"a", 1}, {"b", 2}}, Tags: map[string]int8{"x": 1}, Gone: "g",
	}
	one := older.NewRecord()
	w := writer("eu")
	require.NoError(t, one.Update(w, set(func(l *leavesV1) {
		*l = leavesV1{
			Whole: v1, Ptr: &v1, Kept: v1, First: v1, Fixed: v1, Note: v1, Moved: v1, List: v1.Parts,
			Lists: map[string][]partV1{"k": v1.Parts}, Rows: map[string]rowV1{"r": {v1}},
		}
	})))
	two := exchange(t, one, newer)
	sameBytes(t, one, two)
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("", 3600))
	edit := func(b *boxV2) {
		require.Equal(t, "Ann", b.Full)
		b.At, b.Home.Zip, b.Parts[0].Note = at, "1010", "gift"
	}
	require.NoError(t, two.Update(w, set(func(l *leavesV2) {
		r := l.Rows["r"]
		for _, b := range []*boxV2{l.Whole, &l.Ptr, &l.Kept, &l.Note, &l.Moved, &r.Whole} {
			edit(b)
		}
		require.Equal(t, "Ann", l.First.Full+l.Fixed.Full[3:])
		l.Rows["r"] = r
		l.List[0].Note, l.Lists["k"][0].Note = "gift", "gift"
	})))
	one = exchange(t, two, older)
	sameBytes(t, one, two)
	require.NoError(t, one.Check())
	before := one.Clone()
	require.NoError(t, one.Update(w, set(func(*leavesV1) {})))
	require.True(t, one.Equal(before), "to write back what one reads is no change")
	change := func(b *boxV1) {
		b.Size, b.Home.City, b.Parts, b.Tags["y"] = 4, "Graz", append(b.Parts, partV1{"c", 3}), 2
	}
	require.NoError(t, one.Update(w, set(func(l *leavesV1) {
		r := l.Rows["r"]
		for _, b := range []*boxV1{&l.Whole, l.Ptr, &l.Kept, &l.Note, &l.Moved, &r.Whole} {
			change(b)
		}
		l.Rows["r"] = r
		l.List, l.Lists["k"] = append(l.List, partV1{"c", 3}), append(l.Lists["k"], partV1{"c", 3})
	})))
	two = exchange(t, one, newer)
	sameBytes(t, one, two)
	size := int64(4)
	parts := []partV2{{"gift", "a", 1}, {"", "b", 2}, {"", "c", 3}}
	want := boxV2{
		At: at, Parts: parts, Home: struct{ Zip, City string }{"1010", "Graz"}, Size: &size, Full: "Ann", Tags: map[string]int64{"x": 1, "y": 2},
	}
	got := value(t, two)
	for i, b := range []boxV2{*got.Whole, got.Ptr, got.Kept, got.Note, got.Moved, got.Rows["r"].Whole} {
		require.Equal(t, want.At.UnixNano(), b.At.UnixNano(), "box %d", i)
		_, offset := b.At.Zone()
		require.Equal(t, 3600, offset, "box %d", i)
		b.At = want.At
		require.Equal(t, want, b, "box %d", i)
	}
	require.Equal(t, parts, got.List)
	require.Equal(t, parts, got.Lists["k"])
	require.Equal(t, v1.Gone, value(t, exchange(t, two, older)).Whole.Gone, "what V2 has dropped")
}

func sameBytes[A, B any](t require.TestingT, a *merge.Record[A], b *merge.Record[B]) {
	x, err := a.MarshalBinary()
	require.NoError(t, err)
	y, err := b.MarshalBinary()
	require.NoError(t, err)
	const head = 9 // the version, and the fingerprint of the plan
	require.Equal(t, x[head:], y[head:])
}

// TestRecordMixedFleet: in histories of three replicas with two versions of the program,
// states converge byte for byte, and fields of the newer survive the older.
func TestRecordMixedFleet(t *testing.T) {
	type old struct {
		V struct{ A, B int8 } `merge:"atomic"`
	}
	type inner struct {
		C string
		B int64
		A int32
	}
	type young struct {
		V inner `merge:"atomic"`
	}
	older, newer := recordPlan(t, merge.Options[old]{}), recordPlan(t, merge.Options[young]{})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := older.NewRecord(), newer.NewRecord(), older.NewRecord()
		clock := &ticks{}
		writer := func(r vclock.Replica) lww.Writer { return lww.Writer{Replica: r, Clock: clock} }
		for range rapid.IntRange(1, 16).Draw(t, "steps") {
			n := rapid.IntRange(-2, 2).Draw(t, "n")
			switch rapid.SampledFrom([]string{"old", "old too", "young", "drop", "a from c", "c from a", "a from b", "b from a"}).Draw(t, "step") {
			case "old":
				require.NoError(t, a.Update(writer("a"), set(func(o *old) { o.V.A = int8(n) })))
			case "old too":
				require.NoError(t, c.Update(writer("c"), set(func(o *old) { o.V.B = int8(n) })))
			case "young":
				require.NoError(t, b.Update(writer("b"), set(func(y *young) { y.V.C, y.V.B = fmt.Sprint(n), int64(n) })))
			case "drop":
				require.NoError(t, b.Update(writer("b"), set(func(y *young) { y.V.C = "" })))
			case "a from c":
				a.Merge(c)
			case "c from a":
				c.Merge(a)
			case "a from b":
				a.Merge(exchange(t, b, older))
			default:
				b.Merge(exchange(t, a, newer))
			}
		}
		c.Merge(a)
		c.Merge(exchange(t, b, older))
		b.Merge(exchange(t, a, newer))
		b.Merge(exchange(t, c, newer))
		a.Merge(c)
		sameBytes(t, a, b)
		sameBytes(t, a, c)
		require.NoError(t, a.Check())
		before := value0(b).V.C
		require.NoError(t, a.Update(writer("a"), set(func(o *old) { o.V.A++ })))
		require.Equal(t, before, value0(exchange(t, a, newer)).V.C, "an old program keeps what it does not know")
	})
}

// TestRecordSeedsAlike: a row that two versions of a program adopt has one content.
func TestRecordSeedsAlike(t *testing.T) {
	older, newer := recordPlan(t, merge.Options[leavesV1]{}), recordPlan(t, merge.Options[leavesV2]{})
	a, b := older.NewRecord(), newer.NewRecord()
	stamp := lww.Stamp{Time: 7, Replica: "seed"}
	require.NoError(t, a.Seed(leavesV1{Whole: boxV1{Name: "Ann"}, List: []partV1{{"a", 1}}}, stamp))
	require.NoError(t, b.Seed(leavesV2{Whole: &boxV2{Full: "Ann"}, List: []partV2{{"", "a", 1}}}, stamp))
	sameBytes(t, a, b)
}

// TestRecordUnreadable: one bad value among many stops nothing but itself.
func TestRecordUnreadable(t *testing.T) {
	type wide struct{ N int64 }
	type narrow struct{ N int8 }
	type wides struct {
		All    map[string][]wide
		One    wide `merge:"atomic"`
		Pair   wide `merge:"group=g"`
		Beside int  `merge:"group=g"`
		Note   wide `merge:"manual"`
		Good   string
	}
	type narrows struct {
		All    map[string][]narrow
		One    narrow `merge:"atomic"`
		Pair   narrow `merge:"group=g"`
		Beside int    `merge:"group=g"`
		Note   narrow `merge:"manual"`
		Good   string
	}
	older, newer := recordPlan(t, merge.Options[narrows]{}), recordPlan(t, merge.Options[wides]{})
	const n = 10_000
	r, w := newer.NewRecord(), writer("eu")
	require.NoError(t, r.Update(w, set(func(v *wides) {
		v.All, v.Good, v.Pair = make(map[string][]wide, n), "good", wide{1}
		for i := range n {
			v.All[strconv.Itoa(i)] = []wide{{int64(i % 100)}}
		}
		v.All["7"] = []wide{{1}, {700}}
	})))
	o := exchange(t, r, older)
	got := value(t, o)
	require.Len(t, got.All, n-1)
	require.Equal(t, []narrow{{8}}, got.All["8"])
	require.EqualError(t, o.Check(), `merge: conflict: All.7: unreadable value: field [1].N: stored int 700, want int8`)
	var bad *content.ValueError
	require.ErrorAs(t, o.Check(), &bad)
	require.Equal(t, content.ValueError{Key: "All.7", Field: "[1].N", Stored: "int 700", Wanted: "int8"}, *bad)
	require.ErrorIs(t, o.Check(), lww.ErrUnreadable)
	sameBytes(t, r, o)

	require.NoError(t, r.Update(w, set(func(v *wides) {
		v.All, v.One, v.Pair, v.Note = map[string][]wide{"1": {{1}}}, wide{300}, wide{400}, wide{500}
	})))
	o = exchange(t, r, older)
	require.Equal(t, "good", value(t, o).Good)
	require.Zero(t, value(t, o).One)
	require.ErrorContains(t, o.Check(), "One: unreadable value: field N: stored int 300, want int8")
	require.ErrorContains(t, o.Check(), "Pair: unreadable value: field N: stored int 400, want int8")
	require.ErrorContains(t, o.Check(), "Note: unreadable value: field N: stored int 500, want int8")
	var conflict *merge.ConflictError
	require.ErrorAs(t, o.Check(), &conflict)
	var keys []string
	for _, err := range conflict.Unwrap() {
		require.ErrorAs(t, err, &bad)
		keys = append(keys, bad.Key)
	}
	require.ElementsMatch(t, []string{"One", "Pair", "Note"}, keys)
	require.NoError(t, o.Update(w, set(func(v *narrows) { v.Good, v.Beside = "better", 1 })))
	require.NoError(t, o.Touch(w, "One"))
	require.NoError(t, o.Touch(w, "Note"))
	require.Equal(t, wides{
		All: map[string][]wide{"1": {{1}}}, One: wide{300}, Pair: wide{400}, Note: wide{500}, Beside: 1, Good: "better",
	}, value(t, exchange(t, o, newer)), "who cannot read it does not lose it")
}

// TestRecordContentJSON: the value in a record's JSON is the JSON of its type.
func TestRecordContentJSON(t *testing.T) {
	p := recordPlan(t, merge.Options[leavesV2]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(l *leavesV2) {
		l.Whole = &boxV2{At: time.Unix(1, 0).UTC(), Full: "a\x00b"}
		l.List = []partV2{{"n", "s", 1}}
		l.Moved.Full = "group"
	})))
	text, err := r.MarshalJSON()
	require.NoError(t, err)
	require.NotContains(t, string(text), `\u0000`)
	var js struct {
		Kinds  map[string]string
		Record struct {
			Fields []struct {
				Path  string
				Value json.RawMessage
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &js))
	require.Equal(t, map[string]string{"Whole.At": "time"}, js.Kinds)
	values := map[string]string{}
	for _, f := range js.Record.Fields {
		values[f.Path] = string(f.Value)
	}
	require.JSONEq(t, `[{"Note":"n","SKU":"s","Qty":1}]`, values["List"])
	require.Contains(t, values["=g"], `"type":"struct"`)

	back := p.NewRecord()
	require.NoError(t, back.UnmarshalJSON(text))
	require.True(t, back.Equal(r), "%s", text)
	type bare struct{ Other string }
	bareJSON, err := exchange(t, r, recordPlan(t, merge.Options[bare]{})).MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(bareJSON), `"SKU":"s"`, "who does not know the field shows it as well")

	type secretive struct {
		V struct {
			A int
			B int `json:"-"`
		} `merge:"atomic"`
	}
	q := recordPlan(t, merge.Options[secretive]{})
	s := q.NewRecord()
	require.NoError(t, s.Update(writer("eu"), set(func(v *secretive) { v.V.B = 1 })))
	_, err = s.MarshalJSON()
	require.ErrorContains(t, err, `merge: encode Record: V`)
	require.ErrorContains(t, err, `json:"-"`)
}

// TestRecordRefusesContent: what an encoding would drop is refused as it enters.
func TestRecordRefusesContent(t *testing.T) {
	type lossy struct {
		V []half `merge:"atomic"`
	}
	p := recordPlan(t, merge.Options[lossy]{})
	r := p.NewRecord()
	err := r.Update(writer("eu"), set(func(l *lossy) { l.V = []half{{1, 2}} }))
	require.ErrorContains(t, err, "V: ")
	require.ErrorContains(t, err, "its own encoding does not keep all of the value")
	_, ok := r.Get()
	require.False(t, ok, "nothing of it is there")

	type twins struct {
		V struct {
			A int `json:"x"`
			B int `rejoin:"name=x"`
		} `merge:"atomic"`
	}
	_, err = merge.Compile(merge.Options[twins]{Record: true})
	require.ErrorContains(t, err, `fields A and B both have the name "x"`)
}

// A half is a type whose own encoding keeps half of it.
type half struct{ A, B byte }

func (h half) MarshalBinary() ([]byte, error) { return []byte{h.A}, nil }
func (h *half) UnmarshalBinary(b []byte) error {
	*h = half{A: b[0]}
	return nil
}

// TestRecordOwnFormLater gives a type a form of its own, which reads what was there before.
func TestRecordOwnFormLater(t *testing.T) {
	type plain struct {
		V struct{ A, B byte } `merge:"atomic"`
	}
	type own struct {
		V whole `merge:"atomic"`
	}
	before, after := recordPlan(t, merge.Options[plain]{}), recordPlan(t, merge.Options[own]{})
	r := before.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(p *plain) { p.V.A, p.V.B = 1, 2 })))
	o := exchange(t, r, after)
	require.Equal(t, whole{1, 2}, value(t, o).V)
	require.NoError(t, o.Update(writer("us"), set(func(p *own) { p.V.B = 3 })))
	require.Equal(t, whole{1, 3}, value(t, exchange(t, o, after)).V)
}

// A whole is a type with a form of its own.
type whole struct{ A, B byte }

func (w whole) MarshalBinary() ([]byte, error) { return []byte{w.A, w.B}, nil }
func (w *whole) UnmarshalBinary(b []byte) error {
	*w = whole{b[0], b[1]}
	return nil
}

// TestRecordZones: a time reads back in its zone, everywhere, and sorts as an instant.
func TestRecordZones(t *testing.T) {
	type times struct {
		At   time.Time
		Last time.Time `merge:"max"`
		Ptr  *time.Time
		All  []time.Time `merge:"set"`
	}
	p := recordPlan(t, merge.Options[times]{})
	noon := time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("", -7200))
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *times) { v.At, v.Last, v.Ptr, v.All = noon, noon, &noon, []time.Time{noon} })))
	for _, v := range []times{value(t, r), value(t, exchange(t, r, p))} {
		for _, at := range []time.Time{v.At, v.Last, *v.Ptr} {
			require.Equal(t, noon.String(), at.String())
		}
		require.Equal(t, noon.UTC(), v.All[0], "an element is an instant")
	}
	require.NoError(t, r.Update(writer("eu"), set(func(v *times) { v.Last = noon.Add(time.Second).UTC() })))
	require.Equal(t, noon.Add(time.Second).UTC(), value(t, r).Last)
}
