package crdt_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// A bounded is a type whose decoders have a bound, in bytes per byte of input, and
// inputs made to reach it.
type bounded struct {
	name  string
	bound uint64
	costs func(t *testing.T, data []byte, lie bool) (decode, merge, again uint64)
	data  inputs
}

// Inputs are bytes by what there is much of in them. Those with a name that begins
// with lie are of no state.
type inputs map[string][]byte

// TestDecoderBounds: what a decoder allocates is bounded by what it reads, for
// states that are as small as they can be for what they hold, and for counts that
// lie. The doc comments name the bounds; some KB come on top, the scratch memory of
// one value.
func TestDecoderBounds(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("coverage counters and the race detector allocate")
	}
	for _, types := range [][]bounded{boundedCounters(), boundedGrowing(), boundedCells(), boundedSets(), boundedMaps()} {
		for _, b := range types {
			t.Run(b.name, func(t *testing.T) {
				for name, data := range b.data {
					decode, merge, again := b.costs(t, data, strings.HasPrefix(name, "lie"))
					n := uint64(len(data))
					t.Logf("%-20s %8d bytes: ×%d to decode, ×%d to merge, ×%d to merge again", name, n, decode/n, merge/n, again/n)
					require.LessOrEqual(t, max(decode, merge, again), b.bound*n+16<<10, name)
				}
			})
		}
	}
}

// costsOf returns what it takes to decode data, to merge it into an empty state,
// and to merge it into one that equals it.
func costsOf[S byteState[S]](fresh func() S) func(t *testing.T, data []byte, lie bool) (decode, merge, again uint64) {
	return func(t *testing.T, data []byte, lie bool) (decode, merge, again uint64) {
		t.Helper()
		x, y := fresh(), fresh()
		var err, merr error
		decode = allocated(func() { err = x.UnmarshalBinary(data) })
		merge = allocated(func() { _, merr = y.MergeBinary(data) })
		again = allocated(func() { _, _ = y.MergeBinary(data) })
		require.Equal(t, lie, err != nil, "%v", err)
		require.Equal(t, lie, merr != nil, "%v", merr)
		require.True(t, x.Equal(y))
		return decode, merge, again
	}
}

// A greedy is bytes made to take as much memory as they can.
type greedy struct{ data []byte }

func (g *greedy) uvarint(ns ...uint64) {
	for _, n := range ns {
		g.data = binary.AppendUvarint(g.data, n)
	}
}

func (g *greedy) text(s string) {
	g.uvarint(uint64(len(s)))
	g.data = append(g.data, s...)
}

// list appends the number of items, and the items.
func (g *greedy) list(n int, item func(i int)) *greedy {
	g.uvarint(uint64(n))
	for i := range n {
		item(i)
	}
	return g
}

// shortName returns the i-th of n short strings, which ascend.
func shortName(i, n int) string {
	if n <= 1<<14 {
		return string([]byte{byte(i >> 7), byte(i & 127)})
	}
	return string([]byte{byte(i >> 14), byte(i >> 7 & 127), byte(i & 127)})
}

// name appends the i-th of n names of replicas.
func (g *greedy) name(i, n int) {
	name, shared := shortName(i, n), 0
	if i > 0 && n > 8 {
		for last := shortName(i-1, n); last[shared] == name[shared]; {
			shared++
		}
		g.uvarint(uint64(shared))
	}
	g.text(name[shared:])
}

// crowded begins a state of a kind that has seen the first event of each of n
// replicas.
func crowded(kind string, n int) *greedy {
	g := &greedy{[]byte("\x03" + kind)}
	return g.list(n, func(i int) {
		g.name(i, n)
		g.uvarint(4)
	})
}

// lonely begins a state of a kind that has seen n events of one replica.
func lonely(kind string, n uint64) *greedy {
	g := &greedy{[]byte("\x03" + kind + "\x01\x01a")}
	g.uvarint(n << 2)
	return g
}

// gappy begins a state of a kind that has seen every other of 2n events of each of
// r replicas.
func gappy(kind string, r, n int) *greedy {
	g := &greedy{[]byte("\x03" + kind)}
	return g.list(r, func(i int) {
		g.name(i, r)
		g.uvarint(1)
		g.list(n, func(int) { g.uvarint(0, 0) })
	})
}

// and adds an input.
func (in inputs) and(name string, g *greedy) inputs {
	in[name] = g.data
	return in
}

// lying adds inputs that go on after head with a count that the bytes behind it
// could hold, if items took 1 to 6 of them.
func (in inputs) lying(head string) inputs {
	for size := range uint64(6) {
		g := &greedy{[]byte(head)}
		g.uvarint(30_000 / (size + 1))
		g.data = append(g.data, make([]byte, 30_000)...)
		in.and(fmt.Sprintf("lie of %d after %x", size+1, head), g)
	}
	return in
}

func boundedCounters() []bounded {
	const n = 1 << 14
	totals := &greedy{[]byte("\x03\x0c")}
	totals.list(n, func(i int) { totals.text(shortName(i, n)); totals.uvarint(1) })
	minted, given := &greedy{[]byte("\x03\x0d\x00\x00")}, &greedy{[]byte("\x03\x0d\x00\x00")}
	minted.list(n, func(i int) { minted.text(shortName(i, n)); minted.uvarint(1, 0) }).uvarint(0)
	given.list(n, func(i int) { given.text(shortName(i, n)); given.uvarint(0, 0) })
	given.list(n, func(i int) { given.uvarint(uint64(i), 0, 1, uint64(i+1)%n, 1, 0) })
	counted := crowded("\x07", n)
	counted.list(n, func(i int) { counted.uvarint(uint64(min(i, 1))<<3|4, 0, 0) })
	return []bounded{
		{
			"GCounter", 128, costsOf(func() *crdt.GCounter { return new(crdt.GCounter) }),
			inputs{}.and("replicas", totals).lying("\x03\x0c"),
		},
		{
			"BoundedCounter", 128, costsOf(func() *crdt.BoundedCounter { return new(crdt.BoundedCounter) }),
			inputs{}.and("replicas", minted).and("moves", given).lying("\x03\x0d\x00\x00").lying("\x03\x0d\x00\x00\x01\x01a\x04"),
		},
		{
			"PNCounter", 128, costsOf(func() *crdt.PNCounter { return new(crdt.PNCounter) }),
			inputs{}.and("replicas", counted).lying("\x03\x07\x01\x01a\x04"),
		},
	}
}

func boundedGrowing() []bounded {
	keys := func(head string, value func(g *greedy)) *greedy {
		const n = 1 << 14
		g := &greedy{[]byte(head)}
		return g.list(n, func(i int) { g.text(shortName(i, n)); value(g) })
	}
	nothing := func(*greedy) {}
	present, removed := keys("\x03\x0a", nothing), keys("\x03\x0a\x00", nothing)
	present.uvarint(0)
	type (
		texts = crdt.GSet[string]
		sets  = crdt.GMap[string, *texts]
		flags = crdt.GMap[string, *crdt.EWFlag]
	)
	return []bounded{
		{"GSet", 128, costsOf(func() *texts { return new(texts) }), inputs{}.and("elements", keys("\x03\x09", nothing)).lying("\x03\x09")},
		{
			"TwoPSet", 128, costsOf(func() *crdt.TwoPSet[string] { return new(crdt.TwoPSet[string]) }),
			inputs{}.and("present", present).and("removed", removed).lying("\x03\x0a").lying("\x03\x0a\x00"),
		},
		{
			"GMap of GSet", 256, costsOf(func() *sets { return new(sets) }),
			inputs{}.and("keys", keys("\x03\x0b", func(g *greedy) { g.text("\x03\x09\x00") })).lying("\x03\x0b"),
		},
		{
			"GMap of EWFlag", 256, costsOf(func() *flags { return new(flags) }),
			inputs{}.and("keys", keys("\x03\x0b", func(g *greedy) { g.text("\x03\x04\x00\x00") })),
		},
	}
}

func boundedCells() []bounded {
	const n = 1 << 14
	writes := func(kind string, tail ...uint64) inputs {
		one, each := lonely(kind, n), crowded(kind, n)
		one.list(n, func(i int) { one.uvarint(0, uint64(i)<<1) }).uvarint(tail...)
		each.list(n, func(i int) { each.uvarint(uint64(i), 0) }).uvarint(tail...)
		return inputs{}.and("writes", one).and("writers", each).lying("\x03" + kind + "\x01\x01a\x04")
	}
	values := func(value string) inputs {
		g := lonely("\x08", n)
		g.list(n, func(i int) { g.uvarint(0, uint64(i)<<1); g.text(value) })
		return inputs{}.and("values", g).lying("\x03\x08\x01\x01a\x04")
	}
	// All causal types read their contexts in the same way.
	enabled := writes("\x04").lying("\x03\x04").lying("\x03\x04\x01\x01a\x05")
	for name, g := range map[string]*greedy{
		"replicas":          crowded("\x04", n),
		"most replicas":     crowded("\x04", 1<<16),
		"gaps":              gappy("\x04", 1, 50_000),
		"replicas and gaps": gappy("\x04", n, 1),
	} {
		g.uvarint(0)
		enabled.and(name, g)
	}
	type (
		texts = crdt.MVRegister[string]
		lists = crdt.MVRegister[[]int]
	)
	return []bounded{
		{"EWFlag", 128, costsOf(func() *crdt.EWFlag { return new(crdt.EWFlag) }), enabled},
		{"DWFlag", 128, costsOf(func() *crdt.DWFlag { return new(crdt.DWFlag) }), writes("\x05", 0)},
		{"MVRegister", 128, costsOf(func() *texts { return new(texts) }), values("\x06\x00")},
		{"MVRegister of lists", 128, costsOf(func() *lists { return new(lists) }), values("\x09\x00")},
	}
}

// pagesOf returns sets of the elements that block appends, one to a page, one of each
// replica, and in full pages, where all but the first follow another.
func pagesOf(kind, tail string, block func(i int, first bool) string) inputs {
	const n = 10_000
	pages, logs, full := lonely(kind, n*128), crowded(kind, n), lonely(kind, 300*128)
	pages.uvarint(1, 0, n-1)
	for i := range n {
		pages.data = append(pages.data, "\x00\x01\x01"+tail...)
		pages.text(block(i, true))
	}
	logs.list(n, func(i int) {
		logs.data = append(logs.data, "\x00\x00\x00\x01\x01"+tail...)
		logs.text(block(i, true))
	})
	full.uvarint(1, 0, 299-1, 1) // from page 1 on: there is no dot 0
	for i := range 299 {
		if i > 0 {
			full.uvarint(0)
		}
		full.data = append(full.data, "\x80"+tail...)
		var elems strings.Builder
		for k := range 128 {
			elems.WriteString(block(i*128+k, k == 0))
		}
		full.text(elems.String())
	}
	return inputs{}.and("pages", pages).and("replicas", logs).and("full pages", full).
		lying("\x03" + kind + "\x01\x01a\x04").lying("\x03" + kind + "\x01\x01a\x04\x01\x00")
}

func boundedSets() []bounded {
	distinct := func(i int, first bool) string {
		if first {
			return string([]byte{2, byte(i >> 7 & 127), byte(i & 127)})
		}
		return string([]byte{0x11, byte(i & 127)})
	}
	same := func(one, more string) func(int, bool) string {
		return func(_ int, first bool) string {
			if first {
				return one
			}
			return more
		}
	}
	type (
		bytes  = crdt.ORSet[int8]
		gone   = crdt.RWSet[string]
		arrays = crdt.ORSet[[4]string]
	)
	long := "\x0f\x70" + strings.Repeat("x", 127)
	return []bounded{
		{"ORSet", 128, costsOf(func() *tags { return new(tags) }), pagesOf("\x01", "", distinct)},
		{"ORSet of empty strings", 128, costsOf(func() *tags { return new(tags) }), pagesOf("\x01", "", same("\x00", "\x00"))},
		{"ORSet of long strings", 128, costsOf(func() *tags { return new(tags) }), pagesOf("\x01", "", same(long, "\xf0\x70"))},
		{"ORSet of integers", 128, costsOf(func() *bytes { return new(bytes) }), pagesOf("\x01", "", same("\x01", "\x02"))},
		{"ORSet of arrays", 128 + 8*64, costsOf(func() *arrays { return new(arrays) }), pagesOf("\x01", "", same("\x04\x00\x00\x00\x00", "\x40"))},
		{"RWSet", 128, costsOf(func() *gone { return new(gone) }), pagesOf("\x02", "\x00", distinct)},
	}
}

func boundedMaps() []bounded {
	// keys returns a map of values that value appends, with the dot i+1 of replica 0.
	keys := func(kinds string, value func(g *greedy, i int)) inputs {
		const n = 1 << 13
		g := lonely("\x03"+kinds, n)
		g.list(n, func(i int) { g.text(shortName(i, n)); value(g, i) })
		return inputs{}.and("keys", g).lying("\x03\x03" + kinds + "\x01\x01a\x04")
	}
	set := func(g *greedy, i int) {
		g.uvarint(1, 0, 0, uint64(i+1)/128, 1, uint64(i+1)%128)
		g.text("\x01x")
	}
	flagBelow := func(levels int) func(g *greedy, i int) {
		return func(g *greedy, i int) {
			for range levels {
				g.uvarint(1, 0)
			}
			g.uvarint(1, 0, uint64(i)<<1)
		}
	}
	type (
		flags  = crdt.ORMap[string, *crdt.EWFlag]
		second = crdt.ORMap[string, *flags]
		third  = crdt.ORMap[string, *second]
		fourth = crdt.ORMap[string, *third]
	)
	return []bounded{
		{"ORMap of EWFlag", 192, costsOf(func() *flags { return new(flags) }), keys("\x04", flagBelow(0))},
		{"ORMap of ORSet", 192, costsOf(func() *tagMap { return new(tagMap) }), keys("\x01", set)},
		{"ORMap of PNCounter", 192, costsOf(func() *counters { return new(counters) }), keys("\x07", func(g *greedy, i int) {
			g.uvarint(1, 4, uint64(i)<<1, 0)
		})},
		{"ORMap of ORMap", 192, costsOf(func() *second { return new(second) }), keys("\x03\x04", flagBelow(1))},
		{"ORMap four deep", 192, costsOf(func() *fourth { return new(fourth) }), keys("\x03\x03\x03\x04", flagBelow(3))},
	}
}
