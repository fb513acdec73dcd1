package vclock_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/vclock"
)

// compareDots orders the dots that model h, and o.
func sortedDots(h history) []vclock.Dot {
	return slices.SortedFunc(maps.Keys(h), vclock.Dot.Compare)
}

// prefix returns the largest n such that dots 1 to n of r are in h.
func (h history) prefix(r vclock.Replica) uint64 {
	n := uint64(0)
	for h[vclock.Dot{Replica: r, Seq: n + 1}] {
		n++
	}
	return n
}

// TestDotSet drives three sets through random additions and merges next to a
// map of dots.
func TestDotSet(t *testing.T) {
	replica := rapid.SampledFrom([]vclock.Replica{"ap", "eu", "us"})
	rapid.Check(t, func(t *rapid.T) {
		var sets [3]vclock.DotSet
		models := [3]history{{}, {}, {}}
		which := rapid.IntRange(0, 2)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				i := which.Draw(t, "set")
				seq := rapid.OneOf(rapid.Uint64Range(1, 12), rapid.Uint64Range(math.MaxUint64-2, math.MaxUint64))
				d := vclock.Dot{Replica: replica.Draw(t, "replica"), Seq: seq.Draw(t, "seq")}
				require.Equal(t, !models[i][d], sets[i].Add(d))
				models[i][d] = true
			},
			"add clock": func(t *rapid.T) {
				i := which.Draw(t, "set")
				c := vclock.Clock{}.With(replica.Draw(t, "replica"), rapid.Uint64Range(0, 6).Draw(t, "number")).Tick("eu")
				h := historyOf(c)
				require.Equal(t, !models[i].has(h), sets[i].AddClock(c))
				models[i] = models[i].union(h)
			},
			"merge": func(t *rapid.T) {
				i, j := which.Draw(t, "to"), which.Draw(t, "from")
				require.Equal(t, !models[i].has(models[j]), sets[i].Merge(&sets[j]))
				models[i] = models[i].union(models[j])
			},
			"clone": func(t *rapid.T) {
				i, j := which.Draw(t, "to"), which.Draw(t, "from")
				sets[i], models[i] = *sets[j].Clone(), maps.Clone(models[j])
			},
			"": func(t *rapid.T) {
				for i := range sets {
					checkDotSet(t, &sets[i], models[i])
					j := (i + 1) % len(sets)
					require.Equal(t, models[i].compare(models[j]), sets[i].Compare(&sets[j]))
					require.Equal(t, models[i].has(models[j]), sets[i].Covers(&sets[j]))
					require.Equal(t, maps.Equal(models[i], models[j]), sets[i].Equal(&sets[j]))
				}
			},
		})
	})
}

func checkDotSet(t require.TestingT, s *vclock.DotSet, model history) {
	require.Equal(t, sortedDots(model), slices.Collect(s.All()))
	require.Equal(t, uint64(len(model)), s.Len())
	for _, r := range []vclock.Replica{"ap", "eu", "us"} {
		last := uint64(0)
		for d := range model {
			if d.Replica == r {
				last = max(last, d.Seq)
			}
		}
		require.Equal(t, model.prefix(r), s.Clock().At(r))
		for _, seq := range []uint64{0, 1, 2, 5, 6, last, last + 1, math.MaxUint64} {
			d := vclock.Dot{Replica: r, Seq: seq}
			require.Equal(t, model[d], s.Contains(d), "%v", d)
		}
		next, err := s.Next(r)
		if last == math.MaxUint64 {
			require.ErrorIs(t, err, vclock.ErrExhausted)
			require.Zero(t, next)
		} else {
			require.NoError(t, err)
			require.Equal(t, vclock.Dot{Replica: r, Seq: last + 1}, next)
		}
	}
	checkDotSetEncodings(t, s)
}

// checkDotSetEncodings also checks that what a set went through does not show.
func checkDotSetEncodings(t require.TestingT, s *vclock.DotSet) {
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	var fromBinary, fromJSON, rebuilt vclock.DotSet
	require.NoError(t, fromBinary.UnmarshalBinary(b))
	require.True(t, fromBinary.Equal(s))

	j, err := s.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, fromJSON.UnmarshalJSON(j))
	require.True(t, fromJSON.Equal(s))

	for _, d := range slices.Backward(slices.Collect(s.All())) {
		rebuilt.Add(d)
	}
	again, err := rebuilt.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, b, again, "one encoding per set")
	require.Equal(t, s.String(), rebuilt.String())
}

// TestDotSetOfManyRuns takes sets through thousands of gaps and back, so that
// runs fill, split and empty many chunks.
func TestDotSetOfManyRuns(t *testing.T) {
	const n = 4000
	random := rand.New(rand.NewPCG(1, 2))
	orders := map[string]func(i int) uint64{
		"ascending":           func(i int) uint64 { return uint64(i) + 1 },
		"descending":          func(i int) uint64 { return uint64(n - i) },
		"even ones first":     func(i int) uint64 { return uint64(2*i%n + 1 + 2*i/n) },
		"even ones backwards": func(i int) uint64 { return uint64(n - 2*i%n - 2*i/n) },
	}
	shuffled := random.Perm(n)
	orders["shuffled"] = func(i int) uint64 { return uint64(shuffled[i]) + 1 }
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			var s vclock.DotSet
			model := history{}
			for i := range n {
				d := vclock.Dot{Replica: "eu", Seq: order(i)}
				require.True(t, s.Add(d), "%v", d)
				require.False(t, s.Add(d), "%v", d)
				model[d] = true
				if i%500 == 250 {
					require.Equal(t, sortedDots(model), slices.Collect(s.All()))
					checkDotSetEncodings(t, &s)
				}
			}
			require.Equal(t, "eu:1-4000", s.String())
		})
	}
}

// TestDotSetMergeOfManyRuns merges sets of runs that interleave, overlap and
// bridge gaps across chunks.
func TestDotSetMergeOfManyRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		var a, b vclock.DotSet
		ma, mb := history{}, history{}
		for _, s := range []struct {
			set   *vclock.DotSet
			model history
		}{{&a, ma}, {&b, mb}} {
			length := 1 + random.Uint64N(40)
			for range random.IntN(400) {
				first := 1 + random.Uint64N(8000)
				for seq := first; seq < first+length; seq++ {
					s.set.Add(vclock.Dot{Replica: "eu", Seq: seq})
					s.model[vclock.Dot{Replica: "eu", Seq: seq}] = true
				}
			}
		}
		c, d := a.Clone(), b.Clone()
		require.Equal(t, !ma.has(mb), c.Merge(&b))
		require.Equal(t, !mb.has(ma), d.Merge(&a))
		require.Equal(t, sortedDots(ma.union(mb)), slices.Collect(c.All()))
		require.True(t, c.Equal(d))
		require.False(t, c.Merge(&a))
		require.True(t, c.Covers(&a))
		require.Equal(t, ma.compare(mb), a.Compare(&b))
	}
}

// TestDotSetNeverPromotes is the bug of context implementations that close
// gaps: the dots before a late one would count as seen, and be dropped when
// they arrive.
func TestDotSetNeverPromotes(t *testing.T) {
	var s vclock.DotSet
	s.Add(vclock.Dot{Replica: "eu", Seq: 1})
	s.Add(vclock.Dot{Replica: "eu", Seq: 3})
	s.Merge(s.Clone())
	require.Equal(t, "eu:1,3", s.String())
	require.Equal(t, "eu:1", s.Clock().String())
	require.False(t, s.Contains(vclock.Dot{Replica: "eu", Seq: 2}))

	next, err := s.Next("eu")
	require.NoError(t, err)
	require.Equal(t, "eu:4", next.String(), "a dot that is known is never minted again")
	s.Add(vclock.Dot{Replica: "eu", Seq: 2})
	require.Equal(t, "eu:1-3", s.String())
}

func TestDotSetMergeLeavesItsArgumentAlone(t *testing.T) {
	var a, b vclock.DotSet
	b.AddClock(vclock.Clock{}.With("eu", 4))
	for _, seq := range []uint64{6, 8, 10} {
		b.Add(vclock.Dot{Replica: "eu", Seq: seq})
	}
	a.Merge(&b)
	for seq := range uint64(20) {
		a.Add(vclock.Dot{Replica: "eu", Seq: seq + 1})
	}
	require.Equal(t, "eu:1-4,6,8,10", b.String())
	require.Equal(t, "eu:1-20", a.String())
	require.False(t, a.Merge(&a))
}

func TestDotSetLenSaturates(t *testing.T) {
	var s vclock.DotSet
	s.AddClock(vclock.Clock{}.With("eu", math.MaxUint64))
	require.Equal(t, uint64(math.MaxUint64), s.Len())
	s.AddClock(vclock.Clock{}.With("us", 2))
	require.Equal(t, uint64(math.MaxUint64), s.Len())
	require.True(t, s.Covers(s.Clone()))

	var part vclock.DotSet
	part.Add(vclock.Dot{Replica: "eu", Seq: 5})
	require.True(t, s.Covers(&part))
	require.False(t, s.Merge(&part))
}

func TestDotSetPanics(t *testing.T) {
	var s vclock.DotSet
	require.PanicsWithValue(t, `vclock: invalid dot of replica "eu" and number 0`, func() { s.Add(vclock.Dot{Replica: "eu"}) })
	require.Panics(t, func() { s.Add(vclock.Dot{Seq: 1}) })
	require.Panics(t, func() { _, _ = s.Next("") })
	require.Zero(t, s.Len())
}

func TestDotSetAllStops(t *testing.T) {
	var s vclock.DotSet
	s.AddClock(vclock.Clock{}.With("eu", math.MaxUint64).With("us", 2))
	n := 0
	for d := range s.All() {
		if n++; d.Seq == 3 {
			break
		}
	}
	require.Equal(t, 3, n)
}

func TestDotSetUnmarshalRefuses(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"a replica without numbers", "0101" + "026575" + "0000", "offset 7: replica without numbers"},
		{"more runs than bytes", "0101" + "026575" + "00ff7f" + "0000", "offset 6: count 16383 exceeds what 2 bytes can hold"},
		{"a run beyond 64 bits", "0101" + "026575" + "0001" + "ffffffffffffffffff01" + "00", "offset 18: number exceeds 64 bits"},
		{"a long run beyond 64 bits", "0101" + "026575" + "0501" + "00" + "f9ffffffffffffffff01", "offset 18: number exceeds 64 bits"},
		{"a run after the last number", "0101" + "026575" + "ffffffffffffffffff01" + "01" + "0000", "offset 18: number exceeds 64 bits"},
		{"a run after one that ends at 2^64-2", "0101" + "026575" + "0002" + "fcffffffffffffffff01" + "00" + "0000", "offset 20: number exceeds 64 bits"},
		{"a run after one that ends at 2^64-1", "0101" + "026575" + "0002" + "fdffffffffffffffff01" + "00" + "0000", "offset 20: number exceeds 64 bits"},
		{"the wrong order", "0102" + "027573" + "026575" + "01000100", "offset 5: replica \"eu\" is empty or out of order"},
		{"trailing bytes", "010000", "offset 2: 1 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.input)
			require.NoError(t, err)
			var s vclock.DotSet
			s.Add(vclock.Dot{Replica: "ap", Seq: 1})
			require.EqualError(t, s.UnmarshalBinary(b), "vclock: decode DotSet: "+tt.want)
			require.Equal(t, "ap:1", s.String(), "unchanged on error")
		})
	}

	for input, want := range map[string]string{
		`{"eu":""}`:             `number "" is not a decimal of at least 1 without leading zeros`,
		`{"eu":"1-1"}`:          `range "1-1" does not ascend`,
		`{"eu":"4-2"}`:          `range "4-2" does not ascend`,
		`{"eu":"1,2"}`:          `range "2" leaves no gap after 1`,
		`{"eu":"4,2"}`:          `range "2" leaves no gap after 4`,
		`{"eu":"1-"}`:           `number "" is not a decimal of at least 1 without leading zeros`,
		`{"eu":"1, 3"}`:         `number " 3" is not a decimal of at least 1 without leading zeros`,
		`{"eu":"1","eu":"1"}`:   `appears twice`,
		`{"eu":{"prefix":"1"}}`: `json: cannot unmarshal object into Go value of type string`,
	} {
		t.Run(input, func(t *testing.T) {
			var s vclock.DotSet
			s.Add(vclock.Dot{Replica: "ap", Seq: 1})
			err := s.UnmarshalJSON([]byte(input))
			require.ErrorContains(t, err, "vclock: decode DotSet: ")
			require.ErrorContains(t, err, want)
			require.Equal(t, "ap:1", s.String(), "unchanged on error")
		})
	}
}

func TestDotSetAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters change what is inlined")
	}
	var s vclock.DotSet
	s.AddClock(eight(5))
	for i := range uint64(1000) {
		s.Add(vclock.Dot{Replica: "region-3", Seq: 10_000 + 3*i})
	}
	same := s.Clone()
	seq := s.Clock().At("region-7")
	for name, f := range map[string]func(){
		"Add":      func() { seq++; s.Add(vclock.Dot{Replica: "region-7", Seq: seq}) },
		"Contains": func() { s.Contains(vclock.Dot{Replica: "region-3", Seq: 11_000}) },
		"Next":     func() { _, _ = s.Next("region-3") },
		"Merge":    func() { s.Merge(same) },
		"Covers":   func() { s.Covers(same) },
	} {
		t.Run(name, func(t *testing.T) {
			require.Zero(t, testing.AllocsPerRun(100, f))
		})
	}
}

func FuzzDotSetUnmarshalBinary(f *testing.F) {
	for _, s := range []string{"0100", "0101026575" + "0400", "0102" + "026575027573" + "0400" + "070200000002", "0101026575000180ff01"} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s vclock.DotSet
		if err := s.UnmarshalBinary(b); err != nil {
			require.Equal(t, new(vclock.DotSet), &s)
			return
		}
		got, err := s.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, got, "the encoding is unique")
		require.False(t, s.Merge(s.Clone()))
		require.True(t, s.Covers(&s))
	})
}

func FuzzDotSetUnmarshalJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"eu":"1-4","us":"1-7,9,11-13"}`, `{"eu":"2-3,5"}`, `{"eu":"1,2"}`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s, again vclock.DotSet
		if err := s.UnmarshalJSON(b); err != nil {
			require.Equal(t, new(vclock.DotSet), &s)
			return
		}
		j, err := s.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalJSON(j))
		require.True(t, s.Equal(&again))
	})
}

// TestDotSetAddOfNewReplicas: the first event of each replica copied all that
// the set held of others.
func TestDotSetAddOfNewReplicas(t *testing.T) {
	const n = 2000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var s vclock.DotSet
	for i := range n {
		s.Add(vclock.Dot{Replica: vclock.Replica(fmt.Sprintf("%05d", n-i)), Seq: 1})
	}
	runtime.ReadMemStats(&after)
	require.Equal(t, uint64(n), s.Len())
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1000*n))
}

// The fourth message comes before the third: it is seen, the third is not, and the
// clock says no more than what is without a gap.
func TestDotSetWithAGap(t *testing.T) {
	var s vclock.DotSet
	for _, seq := range []uint64{1, 2, 4} {
		require.True(t, s.Add(vclock.Dot{Replica: "eu", Seq: seq}))
	}
	require.False(t, s.Contains(vclock.Dot{Replica: "eu", Seq: 3}))
	require.Equal(t, "eu:2", s.Clock().String())
	require.True(t, s.Add(vclock.Dot{Replica: "eu", Seq: 3}))
	require.Equal(t, "eu:4", s.Clock().String())
	require.False(t, s.Add(vclock.Dot{Replica: "eu", Seq: 3}), "twice")
}

// Two inboxes got every other message each. Neither covers the other; together they
// have all, whoever takes from whom.
func TestDotSetTwoInboxes(t *testing.T) {
	var odd, even vclock.DotSet
	for seq := range uint64(10) {
		if d := (vclock.Dot{Replica: "eu", Seq: seq + 1}); d.Seq%2 == 1 {
			odd.Add(d)
		} else {
			even.Add(d)
		}
	}
	require.Equal(t, vclock.Concurrent, odd.Compare(&even))
	both := odd.Clone()
	require.True(t, both.Merge(&even))
	require.True(t, even.Merge(&odd))
	require.True(t, both.Equal(&even))
	require.Equal(t, "eu:10", both.Clock().String())
	require.Equal(t, uint64(5), odd.Len(), "as it was")
}

// Who has been given a snapshot has all up to its clock, whatever came before it.
func TestDotSetAfterASnapshot(t *testing.T) {
	var s vclock.DotSet
	s.Add(vclock.Dot{Replica: "us", Seq: 7})
	require.True(t, s.AddClock(vclock.Clock{}.With("eu", 3).With("us", 5)))
	require.Equal(t, "eu:3,us:5", s.Clock().String())
	require.True(t, s.Contains(vclock.Dot{Replica: "us", Seq: 7}))
	require.False(t, s.AddClock(vclock.Clock{}.With("us", 4)), "an older one")
	next, err := s.Next("us")
	require.NoError(t, err)
	require.Equal(t, vclock.Dot{Replica: "us", Seq: 8}, next, "above all that was seen, gaps or not")
}
