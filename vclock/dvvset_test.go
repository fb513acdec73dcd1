package vclock_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/vclock"
)

type siblings = vclock.DVVSet[string]

// TestDVVSetThroughOneServer is the workload that version vectors with one
// entry per server turn into an explosion: two clients write in turn, each
// knowing its own last answer only.
func TestDVVSetThroughOneServer(t *testing.T) {
	t.Run("the context of the last answer", func(t *testing.T) {
		var s siblings
		var seen [2]vclock.Clock
		for i := range 101 {
			_, err := s.Put("eu", seen[i%2], fmt.Sprint(i))
			require.NoError(t, err)
			seen[i%2] = s.Context()
			require.LessOrEqual(t, s.Len(), 2)
		}
		require.Equal(t, []string{"99", "100"}, slices.Collect(s.Values()))
	})
	t.Run("the client's own writes only", func(t *testing.T) {
		var s siblings
		var seen [2]vclock.Clock
		for i := range 101 {
			d, err := s.Put("eu", seen[i%2], fmt.Sprint(i))
			require.NoError(t, err)
			seen[i%2] = vclock.Clock{}.With("eu", d.Seq)
		}
		require.Equal(t, []string{"99", "100"}, slices.Collect(s.Values()))
	})
	t.Run("no context at all", func(t *testing.T) {
		var s siblings
		var want []string
		for i := range 101 {
			_, err := s.Put("eu", vclock.Clock{}, fmt.Sprint(i))
			require.NoError(t, err)
			want = append(want, fmt.Sprint(i))
		}
		require.Equal(t, want, slices.Collect(s.Values()), "who has seen nothing replaces nothing")
		_, err := s.Put("eu", s.Context(), "all seen")
		require.NoError(t, err)
		require.Equal(t, []string{"all seen"}, slices.Collect(s.Values()))
	})
}

// TestDVVSetChanged tells before a merge what comes and what goes.
func TestDVVSetChanged(t *testing.T) {
	var eu, us siblings
	first, err := eu.Put("eu", vclock.Clock{}, "a")
	require.NoError(t, err)
	us.Merge(&eu)
	second, err := us.Put("us", us.Context(), "b")
	require.NoError(t, err)
	beside, err := eu.Put("eu", vclock.Clock{}, "c")
	require.NoError(t, err)

	before := eu.Clone()
	require.Equal(t, map[vclock.Dot]bool{first: false, second: true}, maps.Collect(eu.Changed(&us)))
	require.Equal(t, map[vclock.Dot]bool{beside: true}, maps.Collect(us.Changed(&eu)))
	require.True(t, eu.Equal(before), "asking changes nothing")
	eu.Merge(&us)
	require.Equal(t, []string{"c", "b"}, slices.Collect(eu.Values()))
	for range eu.Changed(before) {
		t.Fatal("what was merged changes nothing")
	}
	for d := range before.Changed(&us) {
		require.Equal(t, first, d)
		break
	}
}

// An event is one write, with the writes that happened before it: those that
// the client had read, and all that these stand for.
type event struct {
	value string
	saw   map[vclock.Dot]bool
}

// A replicaModel is the set of events known to a server, replaced ones
// included.
type replicaModel map[vclock.Dot]bool

func (m replicaModel) siblings(events map[vclock.Dot]event) map[vclock.Dot]string {
	alive := map[vclock.Dot]string{}
	for d := range m {
		replaced := false
		for e := range m {
			replaced = replaced || events[e].saw[d]
		}
		if !replaced {
			alive[d] = events[d].value
		}
	}
	return alive
}

func (m replicaModel) context() vclock.Clock {
	var c vclock.Clock
	for d := range m {
		c = c.With(d.Replica, max(c.At(d.Replica), d.Seq))
	}
	return c
}

// TestDVVSetAgainstEvents runs random histories of three servers, with clients
// that write under contexts read anywhere at any time, next to a model that
// knows which event happened before which. Servers number their writes, or
// stamp them with a time that all of them share.
func TestDVVSetAgainstEvents(t *testing.T) {
	t.Run("numbers", func(t *testing.T) {
		checkHistories(t, func(s *siblings, r vclock.Replica, _ uint64, seen vclock.Clock, v string) (vclock.Dot, error) {
			return s.Put(r, seen, v)
		})
	})
	t.Run("times", func(t *testing.T) {
		checkHistories(t, func(s *siblings, r vclock.Replica, now uint64, seen vclock.Clock, v string) (vclock.Dot, error) {
			d := vclock.Dot{Replica: r, Seq: now}
			return d, s.PutAt(d, seen, v)
		})
	})
}

func checkHistories(t *testing.T, put func(s *siblings, r vclock.Replica, now uint64, seen vclock.Clock, v string) (vclock.Dot, error)) {
	t.Helper()
	type reading struct {
		context vclock.Clock
		events  replicaModel
	}
	servers := []vclock.Replica{"ap", "eu", "us"}
	rapid.Check(t, func(t *rapid.T) {
		sets, models := [3]siblings{}, [3]replicaModel{{}, {}, {}}
		events := map[vclock.Dot]event{}
		readings := []reading{{}}
		now := uint64(0)
		server := rapid.IntRange(0, 2)
		t.Repeat(map[string]func(*rapid.T){
			"read": func(t *rapid.T) {
				i := server.Draw(t, "server")
				readings = append(readings, reading{sets[i].Context(), maps.Clone(models[i])})
			},
			"write": func(t *rapid.T) {
				i := server.Draw(t, "server")
				read := rapid.SampledFrom(readings).Draw(t, "context")
				now += rapid.Uint64Range(1, 3).Draw(t, "later")
				value := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "value")
				d, err := put(&sets[i], servers[i], now, read.context, value)
				require.NoError(t, err)
				require.NotContains(t, events, d)
				events[d] = event{value, read.events}
				maps.Copy(models[i], read.events)
				models[i][d] = true
			},
			"merge": func(t *rapid.T) {
				i, j := server.Draw(t, "to"), server.Draw(t, "from")
				before := sets[i].Clone()
				require.Equal(t, sets[i].Merge(&sets[j]), !before.Equal(&sets[i]))
				maps.Copy(models[i], models[j])
			},
			"": func(t *rapid.T) {
				for i := range sets {
					require.Equal(t, models[i].siblings(events), maps.Collect(sets[i].All()), "server %v", servers[i])
					require.Equal(t, models[i].context(), sets[i].Context())
					j := (i + 1) % len(sets)
					if maps.Equal(models[i], models[j]) {
						require.Equal(t, encoded(t, &sets[i]), encoded(t, &sets[j]), "one encoding per state")
					}
				}
				checkDVVSetLaws(t, &sets[0], &sets[1], &sets[2])
			},
		})
	})
}

func encoded[V any](t require.TestingT, s *vclock.DVVSet[V]) []byte {
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	return b
}

// checkDVVSetLaws checks that Merge is a join on a, b and c, and the encodings
// of a.
func checkDVVSetLaws[V any](t require.TestingT, a, b, c *vclock.DVVSet[V]) {
	join := func(x, y *vclock.DVVSet[V]) *vclock.DVVSet[V] {
		z, before := x.Clone(), encoded(t, y)
		z.Merge(y)
		require.Equal(t, before, encoded(t, y), "Merge modified its argument")
		return z
	}
	require.Equal(t, encoded(t, join(a, b)), encoded(t, join(b, a)), "commutative")
	require.Equal(t, encoded(t, join(join(a, b), c)), encoded(t, join(a, join(b, c))), "associative")
	require.Equal(t, encoded(t, join(a, a)), encoded(t, a), "idempotent")
	require.False(t, a.Merge(a))
	require.Equal(t, a.Equal(b), string(encoded(t, a)) == string(encoded(t, b)))

	var fromBinary, fromJSON vclock.DVVSet[V]
	require.NoError(t, fromBinary.UnmarshalBinary(encoded(t, a)))
	require.True(t, a.Equal(&fromBinary))
	j, err := a.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, fromJSON.UnmarshalJSON(j))
	require.True(t, a.Equal(&fromJSON), "%s", j)
}

// TestDVVSetPutAtAnywhere applies writes to sets in any order, without what
// their replica wrote before. The model is the definition: a set of writes, of
// which those that no other write had seen remain.
func TestDVVSetPutAtAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := map[vclock.Dot]vclock.Clock{} // by write, the same wherever it is applied
		sets, models := [3]siblings{}, [3]map[vclock.Dot]bool{{}, {}, {}}
		set := rapid.IntRange(0, 2)
		covered := func(known map[vclock.Dot]bool, d vclock.Dot) bool {
			for w := range known {
				if seen[w].Contains(d) {
					return true
				}
			}
			return false
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				i := set.Draw(t, "set")
				replica := rapid.SampledFrom([]vclock.Replica{"eu", "us"})
				d := vclock.Dot{Replica: replica.Draw(t, "replica"), Seq: rapid.Uint64Range(1, 6).Draw(t, "time")}
				if _, ok := seen[d]; !ok {
					// A write has seen what was written before it: less than its own
					// time of its replica.
					c := vclock.Clock{}.With(d.Replica, rapid.Uint64Range(0, d.Seq-1).Draw(t, "own"))
					seen[d] = c.Join(vclock.Clock{}.With(replica.Draw(t, "other"), rapid.Uint64Range(0, d.Seq-1).Draw(t, "others")))
				}
				err := sets[i].PutAt(d, seen[d], d.String())
				if covered(models[i], d) {
					require.ErrorIs(t, err, vclock.ErrCovered)
					return
				}
				require.NoError(t, err)
				models[i][d] = true
			},
			"merge": func(t *rapid.T) {
				i, j := set.Draw(t, "to"), set.Draw(t, "from")
				sets[i].Merge(&sets[j])
				maps.Copy(models[i], models[j])
			},
			"": func(t *rapid.T) {
				for i := range sets {
					want := map[vclock.Dot]string{}
					for d := range models[i] {
						if !covered(models[i], d) {
							want[d] = d.String()
						}
					}
					require.Equal(t, want, maps.Collect(sets[i].All()))
				}
				checkDVVSetLaws(t, &sets[0], &sets[1], &sets[2])
			},
		})
	})
}

// TestDVVSetPutAtClaimsOneDot is what goes wrong where the largest dot stands
// for all before it.
func TestDVVSetPutAtClaimsOneDot(t *testing.T) {
	var eu, us siblings
	require.NoError(t, us.PutAt(vclock.Dot{Replica: "us", Seq: 50}, vclock.Clock{}, "early"))
	require.NoError(t, us.PutAt(vclock.Dot{Replica: "us", Seq: 100}, vclock.Clock{}, "late"))
	require.NoError(t, eu.PutAt(vclock.Dot{Replica: "us", Seq: 100}, vclock.Clock{}, "late"))

	eu.Merge(&us)
	require.Equal(t, []string{"early", "late"}, slices.Collect(eu.Values()))
	require.True(t, eu.Equal(&us))
}

func TestDVVSetPutAtRefuses(t *testing.T) {
	dot := func(seq uint64) vclock.Dot { return vclock.Dot{Replica: "us", Seq: seq} }
	var s siblings
	require.NoError(t, s.PutAt(dot(50), vclock.Clock{}, "a"))
	require.NoError(t, s.PutAt(dot(100), clock(t, "us:50"), "b"))
	before := encoded(t, &s)

	require.ErrorIs(t, s.PutAt(dot(50), vclock.Clock{}, "a"), vclock.ErrCovered, "replaced since")
	require.ErrorIs(t, s.PutAt(dot(40), vclock.Clock{}, "c"), vclock.ErrCovered, "too old")
	require.ErrorIs(t, s.PutAt(dot(120), clock(t, "us:120"), "c"), vclock.ErrCovered, "a write that has seen itself")
	require.NoError(t, s.PutAt(dot(100), clock(t, "us:50"), "b"), "a repetition")
	require.Equal(t, before, encoded(t, &s))
	require.Panics(t, func() { _ = s.PutAt(dot(0), vclock.Clock{}, "c") })
	require.Panics(t, func() { _, _ = s.Put("", vclock.Clock{}, "c") })
	require.Panics(t, func() { _, _ = new(vclock.DVVSet[any]).Put("", vclock.Clock{}, func() {}) }, "whatever the value")
	require.Equal(t, before, encoded(t, &s))
}

// TestDVVSetReusedIdentity lets two lineages write under one name. Nothing can
// make that right, but replicas agree, and Verify tells.
func TestDVVSetReusedIdentity(t *testing.T) {
	var a, b siblings
	_, err := a.Put("eu", vclock.Clock{}, "x")
	require.NoError(t, err)
	_, err = b.Put("eu", vclock.Clock{}, "y")
	require.NoError(t, err)
	require.NoError(t, a.Verify(&a))
	require.EqualError(t, a.Verify(&b), "vclock: dot eu:1 is held with different content")

	checkDVVSetLaws(t, &a, &b, a.Clone())
	c := a.Clone()
	require.True(t, c.Merge(&b))
	require.False(t, b.Merge(&a))
	require.True(t, c.Equal(&b))
	require.Equal(t, []string{"y"}, slices.Collect(c.Values()), "the larger bytes stay")
}

// TestDVVSetNeverRepeatsADot covers an owner whose set is older than the
// context that a client brings.
func TestDVVSetNeverRepeatsADot(t *testing.T) {
	var s siblings
	d, err := s.Put("eu", clock(t, "eu:7"), "x")
	require.NoError(t, err)
	require.Equal(t, "eu:8", d.String())

	require.NoError(t, s.PutAt(vclock.Dot{Replica: "eu", Seq: 20}, vclock.Clock{}, "y"))
	d, err = s.Put("eu", vclock.Clock{}, "z")
	require.NoError(t, err)
	require.Equal(t, "eu:21", d.String())

	_, err = s.Put("eu", clock(t, "eu:18446744073709551615"), "x")
	require.ErrorIs(t, err, vclock.ErrExhausted)
	require.EqualError(t, err, `vclock: replica has no number left: "eu"`)
	require.Equal(t, 3, s.Len())
}

type (
	point struct{ X, Y int32 }
	tags  map[string]int
)

func TestDVVSetValues(t *testing.T) {
	checkValues(t, 1.5, math.Inf(1))
	checkValues(t, point{1, -2}, point{})
	checkValues(t, []byte{0, 255}, []byte{})
	checkValues(t, tags{"a": 1, "<": 2}, nil)
	checkValues[any](t, "x", nil)
	checkValues(t, clock(t, "eu:4"), vclock.Clock{})

	type job struct{ Done func() }
	var s vclock.DVVSet[job]
	_, err := s.Put("eu", vclock.Clock{}, job{})
	require.ErrorContains(t, err, "vclock: value type vclock_test.job: Done: ")
	require.ErrorContains(t, s.PutAt(vclock.Dot{Replica: "eu", Seq: 1}, vclock.Clock{}, job{}), "vclock: value type ")
	require.Zero(t, s)
}

func checkValues[V any](t *testing.T, v, w V) {
	t.Helper()
	var a, b vclock.DVVSet[V]
	_, err := a.Put("eu", vclock.Clock{}, v)
	require.NoError(t, err)
	_, err = b.Put("eu", vclock.Clock{}, w)
	require.NoError(t, err)
	require.Error(t, a.Verify(&b))
	_, err = b.Put("us", vclock.Clock{}, v)
	require.NoError(t, err)
	checkDVVSetLaws(t, &a, &b, &a)
	checkDVVSetLaws(t, &b, &a, &a)
	a.Merge(&b)
	require.Equal(t, v, slices.Collect(a.Values())[1])
}

func TestDVVSetUnmarshalRefuses(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"another version", "01" + "0100" + "00", "offset 0: unknown format version 1, want 2"},
		{"more siblings than bytes", "02" + "0100" + "02" + "026575" + "05" + "00", "offset 3: count 2 exceeds what 5 bytes can hold"},
		{"a number of 0", "02" + "0100" + "01" + "026575" + "00" + "020600", "invalid dot of replica \"eu\" and number 0"},
		{"a sibling that the past has to cover", "02" + "0100" + "01" + "026575" + "01" + "020600", "dot eu:1 follows the past without a gap"},
		{"the wrong order", "02" + "0100" + "02" + "026575" + "05" + "020600" + "026575" + "03" + "020600", "dot eu:3 is out of order"},
		{"a dot twice", "02" + "0100" + "02" + "026575" + "05" + "020600" + "026575" + "05" + "020600", "dot eu:5 is out of order"},
		{"trailing bytes", "02" + "0100" + "0000", "1 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.input)
			require.NoError(t, err)
			var s siblings
			err = s.UnmarshalBinary(b)
			require.ErrorContains(t, err, "vclock: decode DVVSet: ")
			require.ErrorContains(t, err, tt.want)
			require.Zero(t, s)
		})
	}
	var numbers vclock.DVVSet[uint16]
	require.ErrorContains(t, numbers.UnmarshalBinary([]byte{2, 1, 0, 1, 1, 'a', 5, 3, 6, 1, 'x'}), "vclock: decode DVVSet: unreadable value of key a:5: stored string")

	for input, want := range map[string]string{
		`{"past":{}}`:                                        `member "siblings" is missing`,
		`{"past":{},"siblings":null}`:                        "null instead of siblings",
		`{"past":null,"siblings":[]}`:                        "null instead of a value",
		`{"past":{},"siblings":[null]}`:                      "sibling 0: ",
		`{"past":{},"siblings":[{"dot":"eu:5"}]}`:            `sibling 0: member "value" is missing`,
		`{"past":{},"siblings":[{"dot":"eu:1","value":""}]}`: "sibling 0: dot eu:1 follows the past without a gap",
		`{"past":{},"siblings":[{"dot":"eu:5","value":""},{"dot":"eu:3","value":""}]}`: "sibling 1: dot eu:3 is out of order",
		`{"past":{},"siblings":[{"dot":"eu:5","value":1}]}`:                            "unreadable value of key eu:5: stored int, want string",
		`{"past":{},"siblings":[{"dot":"","value":"x"}]}`:                              "sibling 0: invalid dot",
		`{"past":{},"siblings":[{"dot":"eu:5","value":"","stamp":"x"}]}`:               "unknown member",
	} {
		t.Run(input, func(t *testing.T) {
			var s siblings
			err := s.UnmarshalJSON([]byte(input))
			require.ErrorContains(t, err, "vclock: decode DVVSet: ")
			require.ErrorContains(t, err, want)
			require.Zero(t, s)
		})
	}
}

func TestDVVSetAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters change what is inlined")
	}
	var s siblings
	for _, r := range []vclock.Replica{"eu", "us"} {
		_, err := s.Put(r, eight(5), "value")
		require.NoError(t, err)
	}
	same := s.Clone()
	for name, f := range map[string]func(){
		"Merge of equal sets": func() { s.Merge(same) },
		"Equal":               func() { s.Equal(same) },
		"Context":             func() { s.Context() },
		"Values": func() {
			for range s.Values() {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Zero(t, testing.AllocsPerRun(100, f))
		})
	}
}

func FuzzDVVSetUnmarshalBinary(f *testing.F) {
	for _, s := range []string{"01" + "0100" + "00", "01" + "0102026575027573" + "0207" + "02" + "026575010161" + "02657502033c623e", "01" + "0101026575c801" + "01" + "026575ac0200"} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s siblings
		if err := s.UnmarshalBinary(b); err != nil {
			require.Zero(t, s)
			return
		}
		require.Equal(t, b, encoded(t, &s), "the encoding is unique")
		checkDVVSetLaws(t, &s, new(siblings), s.Clone())
	})
}

func FuzzDVVSetUnmarshalJSON(f *testing.F) {
	for _, s := range []string{
		`{"past":{},"siblings":[]}`, `null`, `{"past":{"eu":"2"},"siblings":[{"dot":"eu:1","value":"a"},{"dot":"eu:2","value":"b"}]}`,
		`{"siblings":[{"value":{"base64":"/w=="},"dot":"eu:3"}],"past":{}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s siblings
		if err := s.UnmarshalJSON(b); err != nil {
			require.Zero(t, s)
			return
		}
		checkDVVSetLaws(t, &s, new(siblings), s.Clone())
	})
}

// TestDVVSetOfManyReplicas: decoding looked up the past from its start for each
// sibling, and Context copied the clock for each, so that a few hundred kilobytes
// from a peer cost seconds. Contexts of gaps are checked against the obvious.
func TestDVVSetOfManyReplicas(t *testing.T) {
	const n = 2000
	var s, o vclock.DVVSet[string]
	want := vclock.Clock{}
	for i := range n {
		r := vclock.Replica(fmt.Sprintf("%05d", i))
		_, err := o.Put(r, vclock.Clock{}, "")
		require.NoError(t, err)
		if i%2 == 0 {
			require.NoError(t, s.PutAt(vclock.Dot{Replica: r, Seq: 5}, vclock.Clock{}, "v"))
			require.NoError(t, s.PutAt(vclock.Dot{Replica: r, Seq: 9}, vclock.Clock{}, "w"))
			want = want.With(r, 9)
		} else {
			want = want.With(r, 1)
		}
	}
	s.Merge(&o)
	require.Equal(t, n+n, s.Len())
	require.True(t, s.Context().Equal(want))
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	var decoded siblings
	require.NoError(t, decoded.UnmarshalBinary(b))
	require.True(t, decoded.Equal(&s))
	require.Less(t, testing.AllocsPerRun(1, func() { decoded.Context() }), 100.0)
}

// Two people edit a note that both have read, at two servers. Both texts stay until
// somebody who read both writes one.
func TestDVVSetTwoEditsOfOneNote(t *testing.T) {
	var eu, us siblings
	_, err := eu.Put("eu", vclock.Clock{}, "note")
	require.NoError(t, err)
	us.Merge(&eu)
	read := us.Context()
	_, err = eu.Put("eu", read, "by eu")
	require.NoError(t, err)
	_, err = us.Put("us", read, "by us")
	require.NoError(t, err)
	eu.Merge(us.Clone())
	us.Merge(&eu)
	require.True(t, eu.Equal(&us))
	require.Equal(t, []string{"by eu", "by us"}, slices.Sorted(us.Values()))

	_, err = us.Put("us", us.Context(), "by both")
	require.NoError(t, err)
	eu.Merge(&us)
	require.Equal(t, []string{"by both"}, slices.Collect(eu.Values()))
}

// A copy from before an edit arrives after it. What was replaced stays so, at whoever
// gets it, and however often.
func TestDVVSetLateCopy(t *testing.T) {
	var eu siblings
	_, err := eu.Put("eu", vclock.Clock{}, "old")
	require.NoError(t, err)
	late := eu.Clone()
	_, err = eu.Put("eu", eu.Context(), "new")
	require.NoError(t, err)
	us := eu.Clone()
	for range 2 {
		require.False(t, us.Merge(late))
		require.Equal(t, []string{"new"}, slices.Collect(us.Values()))
	}
	require.True(t, late.Merge(us))
	require.True(t, late.Equal(us))
}
