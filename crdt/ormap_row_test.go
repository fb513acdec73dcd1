package crdt_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// addedAt is the model of AddAtBinary: a decoded state is changed, and encoded.
func addedAt[K comparable](row []byte, r vclock.Replica, key K, n int64) ([]byte, error) {
	var m crdt.ORMap[K, *crdt.PNCounter]
	if err := m.UnmarshalBinary(row); err != nil {
		return nil, err
	}
	if err := m.Usable(r); err != nil {
		return nil, err
	}
	m.Update(r, key, func(c *crdt.PNCounter) { c.Add(r, n) })
	return m.MarshalBinary()
}

// requireAddedAt checks that AddAtBinary does with row what its model does, and returns
// whether it did so without a decoded state.
func requireAddedAt[K comparable](t require.TestingT, row []byte, r vclock.Replica, key K, n int64) bool {
	before := slices.Clone(row)
	want, werr := addedAt(row, r, key, n)
	got, err := crdt.AddAtBinary([]byte("before"), row, r, key, n)
	require.Equal(t, before, row)
	if werr != nil {
		require.EqualError(t, err, werr.Error(), "% x", row)
		require.Equal(t, "before", string(got))
		require.Equal(t, errors.Is(werr, crdt.ErrDamaged), errors.Is(err, crdt.ErrDamaged))
	} else {
		require.NoError(t, err, "% x", row)
		require.Equal(t, append([]byte("before"), want...), got, "%s adds %d at %v of % x", r, n, key, row)
	}
	_, plain := crdt.AddAtRow(nil, row, r, key, n)
	require.False(t, plain && werr != nil)
	return plain
}

type stockMap = crdt.ORMap[string, *crdt.PNCounter]

// TestAddAtBinaryHistories compares AddAtBinary with its model on the rows of random
// histories: with deletes, restarts, and closed incarnations.
func TestAddAtBinaryHistories(t *testing.T) {
	closings := []vclock.Closing{over(t, map[vclock.Replica]uint64{"eu": 2, "us": 1}), gone(t, "a")}
	keys := []string{"", "k", "kk", "l"}
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		deletes := rapid.Bool().Draw(t, "deletes")
		sites := []*stockMap{new(stockMap), new(stockMap)}
		var deltas []*stockMap
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			m := rapid.SampledFrom(sites).Draw(t, "site")
			r, key := rapid.SampledFrom(writers).Draw(t, "writer"), rapid.SampledFrom(keys).Draw(t, "key")
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what <= 4:
				n := rapid.SampledFrom([]int64{1, -1, 0, 200, math.MaxInt64}).Draw(t, "n")
				deltas = append(deltas, m.Update(r, key, func(c *crdt.PNCounter) { c.Add(r, n) }))
			case what <= 6 && len(deltas) > 0:
				m.Merge(rapid.SampledFrom(deltas).Draw(t, "delta"))
			case what == 7:
				m.Merge(rapid.SampledFrom(sites).Draw(t, "peer"))
			case what == 8:
				m.Close(rapid.SampledFrom(closings).Draw(t, "over"))
			case what == 9 && deletes:
				deltas = append(deltas, m.Delete(r, key))
				if rapid.Bool().Draw(t, "compact") {
					m.Compact(m.Context())
				}
			}
			row := encoded(t, m)
			for _, r := range writers {
				if requireAddedAt(t, row, r, rapid.SampledFrom(keys).Draw(t, "at"), 3) {
					plain++
				}
			}
		}
	})
	require.NotZero(t, plain)
}

// TestAddAtBinaryPlain: the ordinary rows take no decoded state, at keys that are there and at
// new ones.
func TestAddAtBinaryPlain(t *testing.T) {
	regions := []vclock.Replica{"ap", "eu", "us"}
	var row []byte
	var m stockMap
	for i := range 30 {
		r := regions[i%3]
		m.Update(r, fmt.Sprint(i), func(c *crdt.PNCounter) { c.Add(r, int64(i)) })
		row = encoded(t, &m)
		for _, n := range []int64{1, -1, 0, math.MaxInt64, math.MinInt64} {
			require.True(t, requireAddedAt(t, row, r, fmt.Sprint(i), n))
			require.True(t, requireAddedAt(t, row, r, fmt.Sprint(i)+" new", n))
			require.True(t, requireAddedAt(t, row, r, "", n))
		}
	}
	require.False(t, requireAddedAt(t, row, "us", "0", 1))
	for i := range 300 { // the sizes of numbers grow, and of their count
		var err error
		key := fmt.Sprint(i % 200)
		requireAddedAt(t, row, "eu", key, 7)
		row, err = crdt.AddAtBinary(nil, row, "eu", key, 1<<(i%60))
		require.NoError(t, err)
	}
	require.NoError(t, m.UnmarshalBinary(row))
	require.Equal(t, 200, m.Len())
}

// TestAddAtBinaryBesideEnd: a writer goes on behind a gap, where what was seen last ends beside an
// incarnation, and one behind.
func TestAddAtBinaryBesideEnd(t *testing.T) {
	for _, last := range []uint64{life(1, 0) - 2, life(1, 0) - 1, life(1, 0)} {
		row := append([]byte("\x03\x03\x07\x01\x02eu\x05\x01\x00"), binary.AppendUvarint(nil, last-3)...) // eu: 1, and 3 to last
		row = append(row, 0)
		for _, r := range []vclock.Replica{"eu", "eu#1", "eu#2"} {
			goesOn := r == "eu" && last < life(1, 0)-1 || r == "eu#1" && last >= life(1, 0)-1
			require.Equal(t, goesOn, requireAddedAt(t, row, r, "k", 7), "%s after %d", r, last)
		}
	}
	for _, last := range []uint64{life(1, 0) - 3, life(1, 0) - 2} { // without a gap
		row := append([]byte("\x03\x03\x07\x01\x02eu"), binary.AppendUvarint(nil, last<<2)...)
		row = append(row, 0)
		for _, r := range []vclock.Replica{"eu", "eu#1", "eu#2"} {
			require.Equal(t, r == "eu", requireAddedAt(t, row, r, "k", 7), "%s after %d", r, last)
		}
	}
}

// TestAddAtBinaryKeys: keys of other kinds.
func TestAddAtBinaryKeys(t *testing.T) {
	var numbers crdt.ORMap[int64, *crdt.PNCounter]
	var points crdt.ORMap[point, *crdt.PNCounter]
	for i := range 5 {
		numbers.Update("eu", int64(i-2), func(c *crdt.PNCounter) { c.Add("eu", 1) })
		points.Update("eu", point{int16(i), 1, "x"}, func(c *crdt.PNCounter) { c.Add("eu", 1) })
	}
	for i := range 9 {
		require.True(t, requireAddedAt(t, encoded(t, &numbers), "eu", int64(i-4), 1))
		require.True(t, requireAddedAt(t, encoded(t, &points), "eu", point{int16(i), 1, "x"}, 1))
	}
	requireAddedAt(t, encoded(t, &numbers), "eu", "k", 1)
	require.Panics(t, func() { _, _ = crdt.AddAtBinary(nil, encoded(t, &numbers), "", int64(1), 1) })
	require.Panics(t, func() {
		_, _ = crdt.AddAtBinary(nil, encoded(t, new(crdt.ORMap[float64, *crdt.PNCounter])), "eu", math.NaN(), 1)
	})
}

// TestAddAtBinaryMutated: what is nearly a row is refused as by UnmarshalBinary.
func TestAddAtBinaryMutated(t *testing.T) {
	var m stockMap
	for i, r := range []vclock.Replica{"eu", "us", "eu", "us", "eu"} {
		m.Update(r, fmt.Sprint(i/2), func(c *crdt.PNCounter) { c.Add(r, 3) })
	}
	for row := range mutations(encoded(t, &m)) {
		requireAddedAt(t, row, "eu", "1", 1)
		requireAddedAt(t, row, "us", "10", -200)
	}
}

func TestAddAtBinaryAllocs(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("race detection and coverage change inlining and allocation")
	}
	var m stockMap
	for i := range 60 {
		m.Update("eu", fmt.Sprint(i), func(c *crdt.PNCounter) { c.Add("eu", 3) })
	}
	row := encoded(t, &m)
	buf := make([]byte, 0, 2*len(row)+100)
	for _, key := range []string{"7", "new"} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = crdt.AddAtBinary(nil, row, "eu", key, 1) }), 1.0, key)
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = crdt.AddAtBinary(buf, row, "eu", key, 1) }), key)
	}
}

func FuzzAddAtBinary(f *testing.F) {
	var m stockMap
	m.Update("eu", "k", func(c *crdt.PNCounter) { c.Add("eu", 3) })
	m.Update("us", "k", func(c *crdt.PNCounter) { c.Add("us", 3) })
	m.Update("eu", "l", func(c *crdt.PNCounter) { c.Add("eu", 3) })
	f.Add(encoded(f, &m), "eu", "k", int64(1))
	f.Add(encoded(f, &m), "us", "new", int64(-1))
	f.Fuzz(func(t *testing.T, row []byte, name, key string, n int64) {
		if r := vclock.Replica(name); r.IsValid() {
			requireAddedAt(t, row, r, key, n)
		}
	})
}
