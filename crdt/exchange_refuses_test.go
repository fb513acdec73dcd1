package crdt_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestExchangeRefusesForms has messages to a set that no set sends, and what is wrong
// with each.
func TestExchangeRefusesForms(t *testing.T) {
	const (
		salt   = "\x00\x00\x00\x00\x00\x00\x00\x07"
		ranges = "\x34\x01" + salt + "\x01\x01a\x0c"         // of a, who has done 3
		pages  = "\x35\x01" + salt + "\x00\x00\x00\x01\x01a" // nothing is shared, blocks of a
		bits   = "\x36\x01\x01\x01a"
		full   = "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	)
	var s crdt.ORSet[string]
	s.Add("a", "x")
	before := encoded(t, &s)
	for _, row := range []refusal{
		{"", "unexpected end of input"},
		{"\x30\x01", "message of unknown kind 0"},
		{"\x38\x01", "message of unknown kind 8"},
		{"\x22\x01" + salt + salt, "unknown format version"},
		{"\x32\x02" + salt + salt, "holds RWSet, want ORSet"},
		{"\x31\x01\x00", "1 trailing bytes"},
		{"\x32\x01" + salt, "unexpected end of input"},
		{"\x33\x01\x01\x01a\x00\x00", "decode ORSet: "},
		{"\x37\x01\x01\x01a\x0c\x01", "decode ORSet: "},

		{ranges + "\x03", "runs of ranges of form 3"},
		{ranges + "\x04\x00\x00\x00\x01\x02\x03", "count of runs 2 exceeds what 6 bytes can hold"},
		{ranges + "\x01\x01\x02", "unexpected end of input"},
		{ranges + "\x02" + page41 + "\x00\x00\x01\x02\x03", "pages exceed the largest number"},
		{ranges + "\x02\x00" + page41 + "\x00\x01\x02\x03", "pages exceed the largest number"},
		{ranges + "\x02\x01\x00\x01\x01\x02\x03", "1 more ranges than there can be"},
		{ranges + "\x04\x00\xff\xff\xff\xff\xff\x1f\x00\x01\x02\x03\x01\xff\xff\xff\xff\xff\x0f\x01\x01\x02\x03\x01\x02\x03", "1 more ranges than there can be"},
		{ranges + "\x04\x01\x00\x00\x01\x02\x03\x01\x00\x00\x01\x02\x03", "two runs of ranges that are one"},
		{ranges + "\x02\x00\x00\x00\x01\x02\x03", "the first page alone as a run"},

		{"\x35\x01" + salt + "\x02\x00\x00\x00\x00", "shares of form 2"},
		{"\x35\x01" + salt + "\x00\x01\x01a\x04\x01\x01a\x00\x00", `replica "a" appears twice`},
		{"\x35\x01" + salt + "\x00\x00\x00\x00\x02", "state of form 2"},
		{"\x35\x01" + salt + "\x00\x00\x02\x01b\x01a\x00\x00", `replica "a" after "b"`},
		{pages + "\x01\x00\x00\x02\x01\x02\x03\x01\x02\x03\x00", "2 live pages, more than there can be"},
		{pages + "\x01\x00\x05\x02\x01\x02\x03\x00", "2 live pages, more than there can be"},
		{pages + "\x01\x00\x01\x01\x02\x01\x02\x03\x00", "a page is not in its block"},
		{pages + "\x01" + page41 + "\x00\x01\x01\x02\x03\x00", "pages exceed the largest number"},
		{pages + "\x01\x00\x00\x00", "unexpected end of input"},

		{bits + "\x01\x00\x00" + full + "\x00", "bitmap in form 0"}, // few are dead: a list of them is shorter
		{bits + "\x01\x00\x03\x00\x00\x00", "bitmap in form 3"},     // the number 0
		{bits + "\x01\x01\x03\x80\x00", ""},                         // live, as it should
		{bits + "\x01" + page41 + "\x03\x01\x00", "exceeds the largest number"},
		{bits + "\x02\xff\xff\xff\xff\xff\x3f\x03\x01\x00\x03\x01\x00", "exceeds the largest number"},
		{bits + "\x01\x01\x01\x01\x80\x00", "offset 128 after -1 in a page"},
		{bits + "\x01\x01\x02\x02\x01\x01\x00", "offset 1 after 1 in a page"},
		{bits + "\x01\x01\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x03\x00", "a dead dot is not in the bitmap"},
		{bits + "\x01\x01\x08" + salt + salt + salt + salt + "\x00", "bitmap in form 8"},
		{bits + "\x01\x01\x03\x01\x02", "state of form 2"},
	} {
		reply, delta, err := s.Answer([]byte(row.text))
		if row.want == "" {
			require.NoError(t, err, "%q", row.text)
			continue
		}
		require.ErrorContains(t, err, "crdt: exchange of ORSet: ", "%q", row.text)
		require.ErrorContains(t, err, row.want, "%q", row.text)
		require.Nil(t, reply)
		require.Nil(t, delta)
		require.Equal(t, before, encoded(t, &s))
	}
}

// TestExchangeTellsOfStrangers: what a message tells of a replica arrives also if it tells of one
// before that nobody here has heard of.
func TestExchangeTellsOfStrangers(t *testing.T) {
	var s crdt.ORSet[string]
	s.Add("b", "x")
	_, delta, err := s.Answer([]byte("\x36\x01\x02\x01a\x01\x00\x03\x01\x01b\x01\x00\x03\x01\x00")) // a:1 and b:1 are dead
	require.NoError(t, err)
	require.True(t, s.Merge(delta))
	require.Zero(t, s.Len())

	var o crdt.ORSet[string]
	o.Add("b", "x")
	pages := "\x35\x01\x00\x00\x00\x00\x00\x00\x00\x07\x01\x00\x00\x02\x01a\x00\x01b\x01\x00\x00\x01\x01\x02\x03\x00" // b has another page
	reply, delta, err := o.Answer([]byte(pages))
	require.NoError(t, err)
	require.Nil(t, delta)
	require.NotNil(t, reply)
}

// TestExchangeBesideEnd: that of an incarnation all is seen but the last number closes nothing.
func TestExchangeBesideEnd(t *testing.T) {
	var a, x crdt.PNCounter
	a.Add("a", 1)
	row := append([]byte("\x03\x07\x01\x01a\x05\x01\x00"), binary.AppendUvarint(nil, life(1, 0)-2-3)...) // 1, and 3 to one before the last
	require.NoError(t, x.UnmarshalBinary(append(row, "\x01\x04\x00\x02"...)))
	x.Merge(a.Add("a", 2))
	y := new(crdt.PNCounter).Add("b", 3)
	require.NoError(t, catchUp(&x, y, new(crdt.PNCounter)))
	require.NoError(t, catchUp(y, &x, new(crdt.PNCounter)))
}

// TestExchangeBehindClosed: a page of a life that one side closed too early keeps no change of the
// life that goes on from arriving. What was lost by the closing is told once both have seen the
// same, by the next exchange.
func TestExchangeBehindClosed(t *testing.T) {
	for _, long := range []bool{false, true} {
		for asks := range 2 {
			x, ends := new(crdt.ORMap[int, *crdt.PNCounter]), over(t, map[vclock.Replica]uint64{"eu": 1})
			add := func(m *crdt.ORMap[int, *crdt.PNCounter], r vclock.Replica, key int) *crdt.ORMap[int, *crdt.PNCounter] {
				return m.Update(r, key, func(c *crdt.PNCounter) { c.Add(r, 1) })
			}
			const late = 300
			for key := range late {
				add(x, "eu", key)
			}
			y := x.Clone()
			add(y, "eu", late) // of which x does not hear
			x.Close(ends)
			y.Close(ends)
			for key := late + 1; key < 700; key++ {
				y.Merge(add(x, "eu#1", key))
			}
			for _, key := range []int{7, 150, 299, 301, 450, 699} {
				y.Delete("us", key)
			}
			for _, key := range []int{8, 302, 600} {
				x.Delete("ap", key)
			}
			want := x.Clone()
			want.Merge(y)
			sides := []*crdt.ORMap[int, *crdt.PNCounter]{x, y}
			must(exchange(sides[asks], sides[1-asks], 1, long, func(int) {}))
			require.True(t, x.Equal(want))
			for key := range 700 {
				require.Equal(t, want.Contains(key) || key == late, y.Contains(key), key)
			}
			must(exchange(sides[asks], sides[1-asks], 2, long, func(int) {}))
			require.True(t, y.Equal(want))
			require.True(t, x.Equal(want))
		}
	}
}

// TestExchangeOfEveryType has two states of each type catch up, by either way, and each
// side is told what it lacks, once.
func TestExchangeOfEveryType(t *testing.T) {
	exchanges(t, new(crdt.ORSet[string]).Add("eu", "x"), new(crdt.ORSet[string]).Add("us", "y"))
	exchanges(t, new(crdt.RWSet[string]).Add("eu", "x"), new(crdt.RWSet[string]).Remove("us", "y"))
	exchanges(t, new(crdt.EWFlag).Enable("eu"), new(crdt.EWFlag).Enable("us"))
	exchanges(t, new(crdt.DWFlag).Enable("eu"), new(crdt.DWFlag).Disable("us"))
	exchanges(t, must(new(crdt.MVRegister[string]).Set("eu", "x")), must(new(crdt.MVRegister[string]).Set("us", "y")))
	exchanges(t, new(crdt.PNCounter).Add("eu", 1), new(crdt.PNCounter).Add("us", 2))
	exchanges(t, countAt(new(counters), "eu", "k", 1), countAt(new(counters), "us", "l", 2))
}

func exchanges[V exchanging[V]](t *testing.T, a, b V) {
	t.Helper()
	var none V
	stale := none.Clone()
	require.NoError(t, catchUp(a, b, stale))
	require.NoError(t, catchUp(stale, b, stale))
	for _, long := range []bool{false, true} {
		x, y := a.Clone(), b.Clone()
		w := must(exchange(x, y, 1, long, func(int) {}))
		require.True(t, x.Equal(y), "%T", a)
		require.Equal(t, [2]int{1, 1}, [2]int{len(w.brought[0]), len(w.brought[1])}, "%T", a)
		require.True(t, x.Clone().Equal(y) && !w.brought[0][0].Equal(x), "%T: each is told what it lacks", a)
	}
	w := must(exchange(a.Clone(), a.Clone(), 2, true, func(int) {}))
	require.Equal(t, wired[V]{messages: 2, bytes: w.bytes}, w, "%T: nothing is left to tell", a)
}

// TestExchangeFarApart: deletes among changes of one replica that are many pages apart
// arrive, and little else travels.
func TestExchangeFarApart(t *testing.T) {
	var a crdt.ORMap[int, *crdt.EWFlag]
	for i := range 3000 {
		a.Update("eu", i, func(f *crdt.EWFlag) { f.Enable("eu") })
	}
	b := a.Clone()
	for _, i := range []int{5, 130, 200, 2990} {
		a.Delete("eu", i)
	}
	b.Delete("us", 1500)
	want := a.Clone()
	want.Merge(b)
	w := must(exchange(&a, b, 1, false, func(int) {}))
	require.True(t, a.Equal(want) && b.Equal(want))
	require.Less(t, w.bytes, 700)
}

// TestExchangeOfStrangers: replicas that only one side has heard of, before and behind those
// of both, keep no change from arriving.
func TestExchangeOfStrangers(t *testing.T) {
	set := func(names ...vclock.Replica) *crdt.ORSet[int] {
		s := new(crdt.ORSet[int])
		for i, r := range names {
			s.Merge(new(crdt.ORSet[int]).Add(r, i+100*len(names)))
		}
		return s
	}
	common := new(crdt.ORSet[int])
	for i := range 200 {
		common.Add([]vclock.Replica{"d", "e"}[i%2], i)
	}
	for _, known := range [][2][]vclock.Replica{
		{{"a"}, {}},
		{{}, {"a"}},
		{{"a", "b"}, {"c"}},
		{{"z"}, {"a"}},
		{{"a"}, {"z"}},
		{{"y", "z"}, {"a", "b", "c"}},
		{{"a", "b", "c"}, {"x", "y"}},
		{{"a", "b", "c", "f", "g", "h", "i", "j"}, {"k", "l", "m"}},
	} {
		for _, first := range []bool{true, false} { // whether strangers were met first
			a, b := set(known[0]...), set(known[1]...)
			if first {
				a.Merge(common)
				b.Merge(common)
			} else {
				x, y := common.Clone(), common.Clone()
				x.Merge(a)
				y.Merge(b)
				a, b = x, y
			}
			a.Remove("d", 7)
			a.Remove("e", 190)
			b.Remove("d", 8)
			b.Remove("d", 9)
			require.NoError(t, catchUp(a, b, common))
			require.NoError(t, catchUp(b, a, common))
		}
	}
}

// TestExchangeOfManyPages: what differs in the first, the last and some pages between, of
// each replica, arrives, and little else travels.
func TestExchangeOfManyPages(t *testing.T) {
	var all crdt.ORSet[int]
	for i := range 24_000 {
		all.Add([]vclock.Replica{"d", "e"}[i%2], i)
	}
	for i := range 1000 {
		all.Remove("d", 5000+i) // pages of both: one range is wider than the others
	}
	a, b := all.Clone(), all.Clone()
	for _, i := range []int{0, 1, 2000, 2001, 2002, 9000, 23_999} {
		a.Remove("a", i)
	}
	for _, i := range []int{3, 2000, 16_001, 23_998} {
		b.Remove("b", i)
	}
	b.Add("d", -1)
	want := a.Clone()
	want.Merge(b)
	w := must(exchange(a, b, 1, false, func(int) {}))
	require.True(t, a.Equal(want) && b.Equal(want))
	require.Less(t, w.bytes, 400, "one range too much has 24 more")
}

// TestExchangeOfShortReplicas: of each of many replicas there is one range, of two pages, and
// only that of the replica which changed is looked into.
func TestExchangeOfShortReplicas(t *testing.T) {
	var a crdt.ORSet[int]
	for i := range 60 * 250 {
		a.Add(vclock.Replica(fmt.Sprintf("r%02d", i%60)), i)
	}
	for range 2 {
		b := a.Clone()
		b.Add("r03", -1)
		w := must(exchange(a.Clone(), b, 1, false, func(int) {}))
		require.Less(t, w.bytes, 830)
		for i := range 60 * 127 { // the whole first pages
			a.Remove("r00", i)
		}
	}
}
