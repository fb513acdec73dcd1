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

// added is the model of AddBinary: a decoded state is changed, and encoded.
func added(row []byte, r vclock.Replica, n int64) ([]byte, error) {
	var c crdt.PNCounter
	if err := c.UnmarshalBinary(row); err != nil {
		return nil, err
	}
	if err := c.Usable(r); err != nil {
		return nil, err
	}
	c.Add(r, n)
	return c.MarshalBinary()
}

// requireAdded checks that AddBinary does with row what its model does, and returns
// whether it did so without a decoded state.
func requireAdded(t require.TestingT, row []byte, r vclock.Replica, n int64) bool {
	before := slices.Clone(row)
	want, werr := added(row, r, n)
	got, err := crdt.AddBinary([]byte("before"), row, r, n)
	require.Equal(t, before, row)
	if werr != nil {
		require.EqualError(t, err, werr.Error(), "% x", row)
		require.Equal(t, "before", string(got))
		for _, e := range []error{crdt.ErrDamaged, crdt.ErrType, crdt.ErrVersion} {
			require.Equal(t, errors.Is(werr, e), errors.Is(err, e))
		}
	} else {
		require.NoError(t, err, "% x", row)
		require.Equal(t, append([]byte("before"), want...), got, "%s adds %d to % x", r, n, row)
	}
	_, plain := crdt.AddToRow(nil, row, r, n)
	require.False(t, plain && werr != nil)
	return plain
}

// writers are replicas and their incarnations.
var writers = []vclock.Replica{"a", "eu", "eu#1", "eu#2", "us", "us#1"}

// TestAddBinaryHistories compares AddBinary with its model on the rows of random
// histories: with increments out of order, resets, restarts, and closed incarnations.
func TestAddBinaryHistories(t *testing.T) {
	closings := []vclock.Closing{
		over(t, map[vclock.Replica]uint64{"eu": 1}),
		over(t, map[vclock.Replica]uint64{"eu": 2, "us": 1}),
		gone(t, "a"),
	}
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		resets := rapid.Bool().Draw(t, "resets")
		sites := []*crdt.PNCounter{new(crdt.PNCounter), new(crdt.PNCounter), new(crdt.PNCounter)}
		var deltas []*crdt.PNCounter
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			c := rapid.SampledFrom(sites).Draw(t, "site")
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what <= 4:
				n := rapid.SampledFrom([]int64{1, -1, 0, 200, math.MaxInt64, math.MinInt64}).Draw(t, "n")
				deltas = append(deltas, c.Add(rapid.SampledFrom(writers).Draw(t, "writer"), n))
			case what <= 6 && len(deltas) > 0:
				c.Merge(rapid.SampledFrom(deltas).Draw(t, "delta"))
			case what == 7:
				c.Merge(rapid.SampledFrom(sites).Draw(t, "peer"))
			case what == 8:
				c.Close(rapid.SampledFrom(closings).Draw(t, "over"))
			case what == 9 && resets:
				deltas = append(deltas, c.Reset(rapid.SampledFrom(writers).Draw(t, "writer")))
				if rapid.Bool().Draw(t, "compact") {
					c.Compact(c.Context())
				}
			}
			row := encoded(t, c)
			for _, r := range writers {
				if requireAdded(t, row, r, 3) {
					plain++
				}
			}
		}
	})
	require.NotZero(t, plain)
}

// plainRows are rows on which AddBinary needs no decoded state.
func plainRows(tb testing.TB) map[string]*crdt.PNCounter {
	tb.Helper()
	three := new(crdt.PNCounter)
	for _, r := range []vclock.Replica{"ap", "eu", "us"} {
		three.Add(r, 1000)
	}
	gaps := three.Clone() // with numbers of ap and us that are missing
	ahead := three.Clone()
	ahead.Add("us", 1)
	ahead.Add("us", 1)
	gaps.Merge(ahead.Add("us", 1))
	ahead.Add("us", 1)
	gaps.Merge(ahead.Add("us", 1))
	gaps.Merge(ahead.Add("us#1", 1))
	restarted := three.Clone()
	restarted.Add("eu#1", 5)
	restarted.Add("eu#3", 5)
	closed := three.Clone()
	closed.Close(over(tb, map[vclock.Replica]uint64{"eu": 1}))
	closing := closed.Clone()
	closed.Add("eu#1", 5)
	saturated := three.Clone()
	saturated.Add("eu", math.MaxInt64)
	crowd := new(crdt.PNCounter)
	for i := range 40 {
		crowd.Add(vclock.Replica(rune('a'+i)), int64(i))
	}
	crowd.Add("eu", 1)
	pods := new(crdt.PNCounter)
	for i := range 10 {
		pods.Add(vclock.Replica(fmt.Sprint("pod-", i)), 1)
	}
	pods.Add("eu", 1)
	few := new(crdt.PNCounter) // the most names that are written in full
	few.Add("eu", 1)
	for i := range 7 {
		few.Add(vclock.Replica(fmt.Sprint("eu-", i)), 1)
	}
	return map[string]*crdt.PNCounter{
		"pods": pods, "few": few, "three": three, "gaps": gaps, "restarted": restarted, "closed": closed, "closing": closing, "saturated": saturated, "crowd": crowd,
	}
}

// TestAddBinaryPlain: the ordinary rows take no decoded state.
func TestAddBinaryPlain(t *testing.T) {
	for name, c := range plainRows(t) {
		row, r := encoded(t, c), vclock.Replica("eu")
		if name == "closed" || name == "closing" || name == "restarted" {
			r = "eu#1"
		}
		for _, n := range []int64{1, -1, 0, math.MaxInt64, math.MinInt64} {
			require.True(t, requireAdded(t, row, r, n), name)
		}
		requireAdded(t, row, "ap", 1)
		requireAdded(t, row, "us", 1)
		requireAdded(t, row, "new", 1)
	}
	three := encoded(t, plainRows(t)["three"])
	for _, row := range [][]byte{nil, three[:1], append([]byte{three[0] + 1}, three[1:]...), append([]byte{three[0], three[1] + 1}, three[2:]...)} {
		require.False(t, requireAdded(t, row, "eu", 1))
	}
	var far crdt.PNCounter // has not closed what eu#1 went on with
	far.Add("ap", 1)
	far.Merge(plainRows(t)["closed"].Add("eu#1", 5))
	row := encoded(t, &far)
	require.True(t, requireAdded(t, row, "eu#1", 1))
	far.Add("eu#1", 1)
	require.Equal(t, must(crdt.AddBinary(nil, row, "eu#1", 1)), encoded(t, &far))
	require.Equal(t, 2, far.Stats().Elements, "one tally each")
	other := plainRows(t)["three"] // has a tally of eu#1 of its own
	other.Add("eu#1", 3)
	next := other.Clone()
	next.Close(over(t, map[vclock.Replica]uint64{"eu": 2}))
	require.False(t, requireAdded(t, encoded(t, next), "eu#1", 1))
	late := next.Add("eu#2", 5)    // goes on with that of eu#1
	apart := plainRows(t)["three"] // has seen nothing of eu#1
	apart.Close(over(t, map[vclock.Replica]uint64{"eu": 1}))
	apart.Merge(late)
	require.True(t, requireAdded(t, encoded(t, apart), "eu#1", 1))
	other.Merge(late)
	require.True(t, requireAdded(t, encoded(t, other), "eu#1", 1))

	third := plainRows(t)["three"]
	again := third.Clone()
	again.Close(over(t, map[vclock.Replica]uint64{"eu": 2}))
	third.Merge(again.Add("eu#2", 5)) // goes on with that of eu, and eu#1 has one of its own
	begun := plainRows(t)["three"]
	third.Merge(begun.Add("eu#1", 3))
	require.False(t, requireAdded(t, encoded(t, third), "eu#2", 1))
	row = encoded(t, plainRows(t)["gaps"])
	for i := range 300 { // the sizes of numbers grow
		require.True(t, requireAdded(t, row, "us", 1<<40))
		var err error
		row, err = crdt.AddBinary(nil, row, []vclock.Replica{"eu", "us", "us#1"}[i%3], -1<<(i%60))
		require.NoError(t, err)
	}
}

// TestAddBinaryMutated: what is nearly a row is refused as by UnmarshalBinary.
func TestAddBinaryMutated(t *testing.T) {
	rows := plainRows(t)
	rows["golden"], rows["zero"] = goldenPNCounter(), new(crdt.PNCounter)
	delete(rows, "crowd")
	for _, c := range rows {
		for row := range mutations(encoded(t, c)) {
			requireAdded(t, row, "eu", 1)
			requireAdded(t, row, "us", -200)
			requireAdded(t, row, "eu#1", 1)
		}
	}
}

func TestAddBinaryOver(t *testing.T) {
	var c crdt.PNCounter
	c.Add("eu", 1)
	c.Close(over(t, map[vclock.Replica]uint64{"eu": 1}))
	row, err := crdt.AddBinary(nil, encoded(t, &c), "eu", 1)
	var member *vclock.MemberError
	require.ErrorAs(t, err, &member)
	require.True(t, member.Over)
	require.Nil(t, row)
	require.Panics(t, func() { _, _ = crdt.AddBinary(nil, encoded(t, &c), "", 1) })
}

func TestAddBinaryAllocs(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("race detection and coverage change inlining and allocation")
	}
	for name, c := range plainRows(t) {
		row, r := encoded(t, c), vclock.Replica("eu")
		if name == "closed" || name == "closing" || name == "restarted" {
			r = "eu#1"
		}
		buf := make([]byte, 0, 2*len(row)+100)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = crdt.AddBinary(nil, row, r, 1) }), 1.0, name)
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = crdt.AddBinary(buf, row, r, 1) }), name)
	}
}

func FuzzAddBinary(f *testing.F) {
	for _, c := range plainRows(f) {
		f.Add(encoded(f, c), "eu", int64(1))
	}
	f.Add(encoded(f, goldenPNCounter()), "us#1", int64(-1))
	f.Fuzz(func(t *testing.T, row []byte, name string, n int64) {
		if r := vclock.Replica(name); r.IsValid() {
			requireAdded(t, row, r, n)
		}
	})
}

// TestAddBinaryBesideGaps: a row in which changes of another replica have not arrived is taken
// as it is, if what was counted last has.
func TestAddBinaryBesideGaps(t *testing.T) {
	const context = "\x03\x07\x02\x01a\x05\x02\x00\x00\x00\x01\x01b\x04" // of a 1, 3, 5 and 6, of b 1
	for _, tallies := range []string{"\x00", "\x01\x04\x00\x02"} {       // none of b's
		require.False(t, requireAdded(t, []byte(context+tallies), "b", 7))
	}
	for _, last := range []uint64{life(1, 0) - 2, life(1, 0) - 1, life(1, 0)} { // beside the end of an incarnation, and that is missing
		row := append([]byte("\x03\x07\x01\x01a\x05\x01\x00"), binary.AppendUvarint(nil, last-3)...)
		for _, r := range []vclock.Replica{"a", "a#1", "a#2"} {
			row := append(slices.Clone(row), "\x01\x04\x00\x02"...) // a counted 1 at 1
			require.Equal(t, r == "a" && last < life(1, 0)-1, requireAdded(t, row, r, 7), "%s after %d", r, last)
		}
	}
	// The number that is missing is the last of its incarnation, and closes the gap to the next.
	last := life(1, 0) - 2
	row := append([]byte("\x03\x07\x01\x01a\x05\x02\x00"), binary.AppendUvarint(nil, last-3)...)
	row = append(crdt.AppendStep(row, last+1, last+2), "\x00\x01\x04\x00\x02"...)
	for _, r := range []vclock.Replica{"a", "a#1", "a#2"} {
		requireAdded(t, row, r, 7)
	}
	for last := byte(1); last <= 8; last++ {
		row := context + "\x02\x04" + string([]byte{2 * (last - 1)}) + "\x02\x0c\x00\x02"
		_, err := added([]byte(row), "b", 1)
		there := last == 1 || last == 3 || last == 5 || last == 6
		require.Equal(t, there, err == nil, last)
		require.Equal(t, there, requireAdded(t, []byte(row), "b", 7), last)
		for _, r := range []vclock.Replica{"a", "c", "a#1"} {
			requireAdded(t, []byte(row), r, 7)
		}
	}
}
