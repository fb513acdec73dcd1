package crdt_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// TestBlocks: elements of every size that their layout distinguishes come back
// from bytes, and of bytes that differ in one place those that are accepted are
// the encoding of what they decode to.
func TestBlocks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		n := 1 + random.IntN(140)
		var ints crdt.ORSet[int64]
		var small crdt.ORSet[uint32]
		var words crdt.ORSet[string]
		var items crdt.ORSet[item]
		for range n {
			ints.Add("eu", int64(random.Uint64()>>random.IntN(64)))
			small.Add("eu", random.Uint32()>>random.IntN(32))
			words.Add("eu", word(random))
			items.Add("eu", item{word(random), random.IntN(2) == 0})
		}
		spoil(t, random, func() *crdt.ORSet[int64] { return new(crdt.ORSet[int64]) }, encoded(t, &ints))
		spoil(t, random, func() *crdt.ORSet[uint32] { return new(crdt.ORSet[uint32]) }, encoded(t, &small))
		spoil(t, random, func() *crdt.ORSet[string] { return new(crdt.ORSet[string]) }, encoded(t, &words))
		spoil(t, random, func() *crdt.ORSet[item] { return new(crdt.ORSet[item]) }, encoded(t, &items))
	}
}

// An item is an element whose bytes are in blocks as those of strings are, but read otherwise.
type item struct {
	Name string
	Rare bool
}

// integers requires that elements of an integer type come back from bytes.
func integers[E ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64](t *testing.T) {
	t.Helper()
	var s, got crdt.ORSet[E]
	least := E(0)
	for n := E(1); n != 0; n <<= 1 { // all bits, the sign among them
		s.Add("eu", n)
		s.Add("eu", n-1)
		least = min(least, n)
	}
	require.NoError(t, got.UnmarshalBinary(encoded(t, &s)))
	require.ElementsMatch(t, slices.Collect(s.All()), slices.Collect(got.All()))
	require.True(t, got.Contains(least))
	require.True(t, got.Equal(&s))
}

// TestBlocksOfPrefixes: a string that goes on after another, with any byte, that of its own
// header included.
func TestBlocksOfPrefixes(t *testing.T) {
	for c := range 256 {
		for _, text := range []string{"", "a", "ab", "abcdefghijklmno", "abcdefghijklmnopqrstuvwxyz"} {
			var s, o crdt.ORSet[string]
			s.Add("eu", text)
			s.Add("eu", text+string([]byte{byte(c)}))
			require.NoError(t, o.UnmarshalBinary(bytesOf(t, &s)), "%q and %d", text, c)
			require.True(t, o.Equal(&s))
		}
	}
}

// TestBlocksOfLongStrings: strings whose sizes, and what they share, take one byte, two or
// three come back, one after another and into a state that held others.
func TestBlocksOfLongStrings(t *testing.T) {
	sizes := []int{0, 1, 14, 15, 16, 141, 142, 143, 144, 270, 16_397, 16_398, 16_399}
	used := new(crdt.ORSet[string])
	for _, shared := range sizes {
		for _, suffix := range sizes {
			var s, fresh crdt.ORSet[string]
			s.Add("eu", strings.Repeat("a", shared)+strings.Repeat("b", 20))
			s.Add("eu", strings.Repeat("a", shared)+strings.Repeat("c", suffix))
			s.Add("eu", strings.Repeat("a", shared)) // in front of what follows it
			want := slices.Sorted(s.All())
			for _, o := range []*crdt.ORSet[string]{&fresh, used} {
				require.NoError(t, o.UnmarshalBinary(encoded(t, &s)), "%d and %d", shared, suffix)
				require.Equal(t, want, slices.Sorted(o.All()))
				require.True(t, o.Equal(&s))
			}
		}
	}
}

// TestBlockWithBadSize: an element whose size is cut off, not in its shortest form or larger
// than can be is no element.
func TestBlockWithBadSize(t *testing.T) {
	var s, o crdt.ORSet[string]
	s.Add("eu", "abcdefghijklmnop")
	s.Add("eu", "abcdefghijklmno")
	block := func(end string) string {
		b := "\x0f\x01abcdefghijklmnop" + end
		return string(rune(len(b))) + b
	}
	whole := block("\xf0\x00") // all 15 of 15 bytes are shared
	require.Contains(t, string(encoded(t, &s)), whole)
	for _, end := range []string{"", "\xf0", "\xf0\x80", "\xf0\x80\x00", "\xf0\x81\x00", "\xff\x00\x80\x00", "\xf0" + strings.Repeat("\xff", 9) + "\x01", "\xff" + strings.Repeat("\xff", 9) + "\x01\x01"} {
		data := strings.Replace(string(encoded(t, &s)), whole, block(end), 1)
		require.ErrorContains(t, o.UnmarshalBinary([]byte(data)), "do not fill it in their canonical form", "% x", end)
		require.Zero(t, o.Len())
	}

	var items, none crdt.ORSet[item] // whose text is in blocks, too, with a size in front
	items.Add("eu", item{"abcdefghijklmnop", true})
	items.Add("eu", item{"abcdefghijklmnop", false})
	data := string(encoded(t, &items))
	require.NoError(t, none.UnmarshalBinary([]byte(data)))
	at := strings.LastIndexByte(data, '\xf1')
	require.Positive(t, at, "% x", data)
	size := strings.LastIndexByte(data[:strings.Index(data, "\x0f")], byte(len(data)-strings.Index(data, "\x0f")))
	require.Positive(t, size, "% x", data)
	for _, end := range []string{"", data[at : at+1], "\xf1\x80\x00" + data[at+2:], "\xf1" + strings.Repeat("\xff", 9) + "\x01" + data[at+2:]} {
		b := []byte(data[:at] + end)
		b[size] = byte(len(b) - size - 1)
		require.ErrorContains(t, new(crdt.ORSet[item]).UnmarshalBinary(b), "do not fill it in their canonical form", "% x", end)
	}
}

// TestIntegers: every integer type has a way of its own from bytes to elements.
func TestIntegers(t *testing.T) {
	type named int32
	integers[int](t)
	integers[int8](t)
	integers[int16](t)
	integers[int32](t)
	integers[int64](t)
	integers[uint](t)
	integers[uint8](t)
	integers[uint16](t)
	integers[uint32](t)
	integers[uint64](t)
	integers[named](t)
}

// word returns a string that shares much or little with others, and whose sizes
// take one byte or more.
func word(random *rand.Rand) string {
	sizes := []int{0, 1, 2, 14, 15, 16, 126, 127, 128, 142, 143, 270, 300}
	w := []byte(strings.Repeat("a", sizes[random.IntN(len(sizes))]))
	if len(w) > 0 {
		w[random.IntN(len(w))] = byte('a' + random.IntN(3))
		w[len(w)-1] = byte('a' + random.IntN(9))
	}
	return string(w)
}

func spoil[S state[S]](t *testing.T, random *rand.Rand, fresh func() S, data []byte) {
	t.Helper()
	fuzzState(t, fresh, data, func(S) {})
	for range 20 {
		p, i := slices.Clone(data), random.IntN(len(data))
		switch random.IntN(5) {
		case 0:
			p[i] = byte(random.Uint32())
		case 1:
			p[i] ^= 0x80
		case 2:
			p[i]++
		case 3:
			p[i] -= 16
		case 4:
			k := random.IntN(len(data))
			p[i], p[k] = p[k], p[i]
		}
		fuzzState(t, fresh, p, func(S) {})
	}
}
