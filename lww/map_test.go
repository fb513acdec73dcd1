package lww_test

import (
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// frozen returns a writer whose physical clock stands still.
func frozen(r vclock.Replica, physical hlc.Timestamp) lww.Writer {
	return lww.Writer{Replica: r, Clock: &hlc.Clock{Physical: physical.Time}}
}

const hour = hlc.Timestamp(time.Hour)

func put[K comparable, V any](t testingT, m *lww.Map[K, V], w lww.Writer, k K, v V) *lww.Map[K, V] {
	t.Helper()
	delta, err := m.Put(w, k, v)
	require.NoError(t, err)
	return delta
}

func del[K comparable, V any](t *testing.T, m *lww.Map[K, V], w lww.Writer, k K) *lww.Map[K, V] {
	t.Helper()
	delta, err := m.Delete(w, k)
	require.NoError(t, err)
	return delta
}

// TestCautionaryTale replays the lost edit: the clock of us runs 2 s ahead, us
// writes, eu sees that and corrects it a second later. With wall clocks the
// correction loses. Here it stands, with default settings, whatever the order in
// which states and deltas meet.
func TestCautionaryTale(t *testing.T) {
	us := frozen("us", noon+2*hlc.Timestamp(time.Second))
	eu := frozen("eu", noon+1*hlc.Timestamp(time.Second))

	var atUS, atEU lww.Map[string, string]
	edit := put(t, &atUS, us, "email", "ann@exmaple.com")
	atEU.Merge(&atUS)
	wrong := atUS.Clone()
	correction := put(t, &atEU, eu, "email", "ann@example.com")
	require.Less(t, correction.Stamp("email").Time, noon+3*hlc.Timestamp(time.Second), "eu did not wait for its clock")

	states := []*lww.Map[string, string]{edit, wrong, correction, &atEU}
	for _, order := range permutations(len(states)) {
		var m lww.Map[string, string]
		for _, i := range order {
			m.Merge(states[i])
		}
		got, ok := m.At("email")
		require.True(t, ok)
		require.Equal(t, "ann@example.com", got, "merge order %v", order)
	}

	var r, s lww.Register[string]
	require.NoError(t, r.Set(us, "ann@exmaple.com"))
	s.Merge(&r)
	require.NoError(t, s.Set(eu, "ann@example.com"))
	for _, pair := range [][2]lww.Register[string]{{r, s}, {s, r}} {
		pair[0].Merge(&pair[1])
		got, _ := pair[0].Get()
		require.Equal(t, "ann@example.com", got)
	}
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}

// TestReadsBack writes over stamps and horizons that no clock would give out.
func TestReadsBack(t *testing.T) {
	w := frozen("eu", noon)
	for _, stamp := range []lww.Stamp{at(1, "us"), at(noon, "zz"), at(noon+hour, "zz"), at(hlc.Max-1, "zz")} {
		var m lww.Map[string, string]
		_, err := m.PutAt("k", "theirs", stamp)
		require.NoError(t, err)
		_, err = m.PutAt("other", "x", at(hlc.Max-2, "zz"))
		require.NoError(t, err)
		put(t, &m, w, "k", "ours")
		got, _ := m.At("k")
		require.Equal(t, "ours", got, "over %v", stamp)
		if stamp.Time < hlc.Max-1 {
			del(t, &m, w, "k")
			_, ok := m.At("k")
			require.False(t, ok, "over %v", stamp)
			put(t, &m, w, "k", "ours again")
			got, _ = m.At("k")
			require.Equal(t, "ours again", got, "over %v", stamp)
		}
	}

	var m lww.Map[string, string]
	put(t, &m, w, "k", "old")
	require.NoError(t, m.Compact(noon+hour))
	compacted := m.Clone()
	put(t, &m, w, "k", "new")
	put(t, &m, w, "l", "new")
	m.Merge(compacted)
	for _, k := range []string{"k", "l"} {
		got, _ := m.At(k)
		require.Equal(t, "new", got, "above a horizon ahead of the clock")
		require.Greater(t, m.Stamp(k).Time, m.Horizon())
	}
	require.Less(t, w.Clock.(*hlc.Clock).Now(), noon+hour, "the clock is not dragged along")
}

// TestFailedWrite checks that a write that fails changes nothing and returns an
// empty delta.
func TestFailedWrite(t *testing.T) {
	w := frozen("eu", noon)
	var m lww.Map[string, float64]
	put(t, &m, w, "k", 1)
	require.NoError(t, m.Compact(noon/2))
	before := m.Clone()
	check := func(delta *lww.Map[string, float64], err error, want string) {
		t.Helper()
		require.ErrorContains(t, err, want)
		require.True(t, delta.Equal(new(lww.Map[string, float64])))
		require.True(t, m.Equal(before))
	}
	delta, err := m.PutAt("k", 2, at(0, "us"))
	check(delta, err, `lww: invalid stamp of replica "us" and time 0`)
	delta, err = m.PutAt("k", 2, at(5, "us"))
	check(delta, err, "lww: stamp 1970-01-01T00:00:00.000000005Z@us is not after the horizon")
	horizon := new(lww.HorizonError)
	require.ErrorAs(t, err, &horizon)
	require.Equal(t, &lww.HorizonError{Stamp: at(5, "us"), Horizon: noon / 2}, horizon)
	delta, err = m.DeleteAt("k", at(noon/2, "us"))
	check(delta, err, "is not after the horizon")

	_, err = m.PutAt("z", 1, at(hlc.Max, "us"))
	require.NoError(t, err)
	before = m.Clone()
	delta, err = m.Put(w, "z", 2)
	check(delta, err, `lww: stamp a write of "eu"`)
	require.Panics(t, func() { _, _ = m.Put(lww.Writer{Clock: w.Clock}, "k", 1) })
	require.True(t, m.Equal(before))

	var untyped lww.Map[any, int]
	_, err = untyped.Put(w, "k", 1)
	require.ErrorContains(t, err, "lww: key type interface {}: kind interface is not supported")
	_, ok := untyped.At([]int{1})
	require.False(t, ok, "a key that cannot be hashed is not there")

	var pointers lww.Set[*int]
	_, err = pointers.Add(w, new(int))
	require.ErrorContains(t, err, "lww: key type *int: kind ptr is not supported")
	var floats lww.Map[float64, int]
	_, err = floats.Put(w, math.NaN(), 1)
	require.ErrorContains(t, err, "lww: key type float64: NaN")
}

// TestNegativeZero checks that −0 and 0 are one key and one value.
func TestNegativeZero(t *testing.T) {
	var m, o lww.Map[float64, float64]
	_, err := m.PutAt(math.Copysign(0, -1), math.Copysign(0, -1), at(1, "eu"))
	require.NoError(t, err)
	_, err = o.PutAt(0, 0, at(1, "eu"))
	require.NoError(t, err)
	require.True(t, m.Equal(&o))
	v, ok := m.At(math.Copysign(0, -1))
	require.True(t, ok)
	require.False(t, math.Signbit(v))
}

// TestDeltas checks that merging a write's delta does what the write did.
func TestDeltas(t *testing.T) {
	var m, byDelta lww.Map[string, []string]
	w := frozen("eu", noon)
	for i := range 40 {
		k := strconv.Itoa(i % 20)
		if i%3 == 0 {
			byDelta.Merge(del(t, &m, w, k))
		} else {
			byDelta.Merge(put(t, &m, w, k, []string{k}))
		}
		require.True(t, m.Equal(&byDelta))
	}
	require.NoError(t, m.Compact(noon+1))
	delta := put(t, &m, w, "k", nil)
	require.Zero(t, delta.Horizon(), "a delta carries no horizon")
	require.Equal(t, 1, delta.Len())
	byDelta.Merge(delta)
	got, ok := byDelta.At("k")
	require.True(t, ok)
	require.Nil(t, got)
}

// TestManyReplicas takes the paths for more names than fit a short list.
func TestManyReplicas(t *testing.T) {
	var x, y lww.Map[int, int]
	for i := range 100 {
		r := vclock.Replica("r" + strconv.Itoa(i*37%100))
		_, err := x.PutAt(i, i, at(hlc.Timestamp(1+i%3), r))
		require.NoError(t, err)
		_, err = y.PutAt(99-i, i, at(hlc.Timestamp(1+i%3), r))
		require.NoError(t, err)
	}
	xy, yx := x.Clone(), y.Clone()
	xy.Merge(&y)
	yx.Merge(&x)
	require.True(t, xy.Equal(yx))
	require.False(t, xy.Merge(yx))
	for i := range 100 {
		want := x.Stamp(i)
		if y.Stamp(i).After(want) {
			want = y.Stamp(i)
		}
		require.Equal(t, want, xy.Stamp(i))
	}
}

// TestNinthReplica writes twice for each of so many replicas that their names get an index.
func TestNinthReplica(t *testing.T) {
	for n := 7; n < 12; n++ {
		var m lww.Map[int, string]
		for i := range 2 * n {
			_, err := m.PutAt(i, "v", at(1, vclock.Replica("r"+strconv.Itoa(i%n))))
			require.NoError(t, err)
		}
		b, err := m.MarshalBinary()
		require.NoError(t, err)
		var again lww.Map[int, string]
		require.NoError(t, again.UnmarshalBinary(b), "%d replicas", n)
		require.True(t, again.Equal(&m))
	}
}

func TestCompact(t *testing.T) {
	w := frozen("eu", noon)
	var m lww.Map[string, int]
	require.ErrorContains(t, m.Compact(noon), "lww: compact to 2026-11-23T12:00:00.000000000Z: the state is empty")
	require.Zero(t, m.Horizon())

	for i := range 100 {
		put(t, &m, w, strconv.Itoa(i), i)
	}
	for i := range 50 {
		del(t, &m, w, strconv.Itoa(i))
	}
	late := m.Stamp("49").Time
	require.Len(t, maps.Collect(m.Tombstones()), 50)
	require.ErrorContains(t, m.Compact(hlc.Max), "no write could follow")

	require.NoError(t, m.Compact(late-1))
	require.Equal(t, map[string]lww.Stamp{"49": m.Stamp("49")}, maps.Collect(m.Tombstones()))
	require.Equal(t, 50, m.Len())
	for i := range 100 {
		v, ok := m.At(strconv.Itoa(i))
		require.Equal(t, i >= 50, ok)
		if ok {
			require.Equal(t, i, v)
		}
	}
	require.NoError(t, m.Compact(late-2), "an older horizon has no effect")
	require.Equal(t, late-1, m.Horizon())

	require.NoError(t, m.Compact(late))
	require.Empty(t, maps.Collect(m.Tombstones()))
	for i := range 50 {
		_, err := m.DeleteAt(strconv.Itoa(i+50), at(late+1, "eu"))
		require.NoError(t, err)
	}
	require.NoError(t, m.Compact(late+1), "all has been deleted: nothing but a horizon is left")
	require.NoError(t, m.Compact(late+2), "which is not the empty state")
	require.Zero(t, m.Len())
	require.False(t, m.Equal(new(lww.Map[string, int])))
}

// TestMergeAcrossHorizon merges states of all sizes into one that is compacted, of which some
// writes are below its horizon and some above, in whatever order they stand: these get
// through, and those do not.
func TestMergeAcrossHorizon(t *testing.T) {
	for _, n := range []int{2, 31, 32, 33, 100} {
		for first := range 2 {
			var compacted, stale, want lww.Map[int, int]
			_, err := compacted.PutAt(-1, 0, at(1, "eu"))
			require.NoError(t, err)
			require.NoError(t, compacted.Compact(10))
			want.Merge(&compacted)
			for i := range n {
				stamp := at(10, "us")
				if i%2 == first {
					stamp = at(11, "us")
					_, err = want.PutAt(i, i, stamp)
					require.NoError(t, err)
				}
				_, err = stale.PutAt(i, i, stamp)
				require.NoError(t, err)
			}
			require.Len(t, compacted.Changed(&stale), want.Len()-1)
			require.True(t, compacted.Merge(&stale))
			require.True(t, compacted.Equal(&want), "%d keys", n)
			require.True(t, stale.Merge(&compacted))
			require.True(t, stale.Equal(&want), "%d keys", n)
		}
	}
}

// TestStragglers lists what an unsafe horizon, one that a retention window gave,
// erases on either side.
func TestStragglers(t *testing.T) {
	var m, stale lww.Map[string, string]
	for k, v := range map[string]lww.Stamp{"kept": at(2, "eu"), "newer there": at(2, "eu")} {
		_, err := m.PutAt(k, "old", v)
		require.NoError(t, err)
	}
	for k, v := range map[string]lww.Stamp{"kept": at(1, "us"), "newer there": at(3, "us"), "unknown": at(4, "us"), "late": at(11, "us")} {
		_, err := stale.PutAt(k, "theirs", v)
		require.NoError(t, err)
	}
	_, err := stale.DeleteAt("gone", at(5, "us"))
	require.NoError(t, err)
	require.NoError(t, m.Compact(10))

	want := []lww.Entry[string, string]{
		{Key: "newer there", Value: "theirs", Stamp: at(3, "us")},
		{Key: "unknown", Value: "theirs", Stamp: at(4, "us")},
	}
	require.Equal(t, want, m.Stragglers(&stale))
	require.Equal(t, want, stale.Stragglers(&m))
	require.Equal(t, []string{"late"}, m.Changed(&stale))
	require.Equal(t, []string{"gone", "kept", "newer there", "unknown"}, stale.Changed(&m))
	require.Empty(t, m.Stragglers(m.Clone()))
}

func TestAhead(t *testing.T) {
	var m lww.Map[string, string]
	require.Zero(t, m.Latest())
	for k, s := range map[string]lww.Stamp{"a": at(noon, "eu"), "c": at(noon+hour, "us"), "b": at(noon+hour+1, "us"), "d": at(hlc.Max, "zz")} {
		_, err := m.PutAt(k, "v", s)
		require.NoError(t, err)
	}
	_, err := m.DeleteAt("b", at(noon+hour+2, "us"))
	require.NoError(t, err)
	keys := func(limit time.Duration) (keys []string) {
		for _, e := range m.Ahead(noon, limit) {
			require.Equal(t, m.Stamp(e.Key), e.Stamp)
			require.Equal(t, e.Key == "b", e.Deleted)
			keys = append(keys, e.Key)
		}
		return keys
	}
	require.Equal(t, []string{"b", "d"}, keys(time.Hour))
	require.Equal(t, []string{"b", "c", "d"}, keys(-time.Hour))
	require.Equal(t, []string{"d"}, keys(math.MaxInt64/2))
	require.Equal(t, hlc.Max, m.Latest())

	var o lww.Map[string, string]
	_, err = o.PutAt("a", "v", at(5, "eu"))
	require.NoError(t, err)
	require.NoError(t, o.Compact(noon+hour))
	require.Empty(t, o.Ahead(noon, 0))
	require.Equal(t, noon+hour, o.Latest(), "a horizon from the future shows in Latest")
}

// TestIteration checks that iterators stop when told to.
func TestIteration(t *testing.T) {
	w := frozen("eu", noon)
	var m lww.Map[int, int]
	var s lww.Set[int]
	for i := range 5 {
		put(t, &m, w, i, -i)
		_, err := s.Add(w, i)
		require.NoError(t, err)
	}
	for k, v := range m.All() {
		require.Equal(t, -k, v)
		if k == 2 {
			break
		}
	}
	for e := range s.All() {
		require.LessOrEqual(t, e, 2)
		if e == 2 {
			break
		}
	}
	for i := range 5 {
		del(t, &m, w, i)
	}
	for k := range m.Tombstones() {
		require.LessOrEqual(t, k, 2)
		if k == 2 {
			break
		}
	}
}

// TestCloneIsIndependent writes to a clone and to its original, and to a state
// and its merged argument.
func TestCloneIsIndependent(t *testing.T) {
	w := frozen("eu", noon)
	var m lww.Map[string, []string]
	for i := range 20 {
		put(t, &m, w, strconv.Itoa(i), []string{"v"})
	}
	c, merged := m.Clone(), new(lww.Map[string, []string])
	merged.Merge(&m)
	before, err := m.MarshalBinary()
	require.NoError(t, err)
	for _, o := range []*lww.Map[string, []string]{c, merged} {
		for i := range 40 {
			put(t, o, frozen(vclock.Replica(strconv.Itoa(i)), noon), strconv.Itoa(i), nil)
		}
		del(t, o, w, "5")
		require.NoError(t, o.Compact(noon+hour))
	}
	after, err := m.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestSet(t *testing.T) {
	w := frozen("eu", noon)
	var s, o lww.Set[string]
	delta, err := s.Add(w, "a")
	require.NoError(t, err)
	o.Merge(delta)
	delta, err = s.Remove(w, "a")
	require.NoError(t, err)
	require.False(t, s.Contains("a"))
	require.True(t, o.Contains("a"))
	require.Equal(t, []string{"a"}, o.Changed(&s))
	require.True(t, o.Merge(delta))
	require.False(t, o.Contains("a"))
	require.Equal(t, s.Stamp("a"), o.Stamp("a"))
	require.Zero(t, o.Stamp("b"))

	_, err = s.AddAt("b", at(noon+hour, "us"))
	require.NoError(t, err)
	_, err = o.RemoveAt("b", at(noon+hour, "us"))
	require.NoError(t, err)
	s.Merge(&o)
	require.False(t, s.Contains("b"), "a remove beats an add of the same stamp")
	require.Zero(t, s.Len())
	require.Equal(t, []lww.Entry[string, struct{}]{{Key: "b", Deleted: true, Stamp: at(noon+hour, "us")}}, s.Ahead(noon, time.Minute))
	require.Equal(t, noon+hour, s.Latest())

	_, err = s.Add(w, "c")
	require.NoError(t, err)
	require.NoError(t, s.Compact(noon+2*hour))
	require.Equal(t, noon+2*hour, s.Horizon())
	require.Empty(t, maps.Collect(s.Tombstones()))
	_, err = o.Add(w, "lost")
	require.NoError(t, err)
	require.Equal(t, []lww.Entry[string, struct{}]{{Key: "lost", Stamp: o.Stamp("lost")}}, s.Stragglers(&o))
	require.True(t, s.Clone().Equal(&s))
}

func TestRegister(t *testing.T) {
	var r lww.Register[string]
	_, ok := r.Get()
	require.False(t, ok)
	require.True(t, r.Stamp().IsZero())
	require.False(t, r.Merge(new(lww.Register[string])))

	w := frozen("eu", noon)
	require.NoError(t, r.SetAt("far", at(noon+hour, "us")))
	require.NoError(t, r.SetAt("old", at(noon, "us")))
	v, ok := r.Get()
	require.True(t, ok)
	require.Equal(t, "far", v)
	require.NoError(t, r.Set(w, "now"))
	v, _ = r.Get()
	require.Equal(t, "now", v, "a local write reads back")
	require.Equal(t, at(noon+hour+1, "eu"), r.Stamp())

	require.ErrorContains(t, r.SetAt("x", at(0, "eu")), "lww: invalid stamp")
	require.NoError(t, r.SetAt("x", at(hlc.Max, "us")))
	before := r
	require.ErrorContains(t, r.Set(w, "y"), `lww: stamp a write of "eu"`)
	require.Equal(t, before, r)

	var f lww.Register[any]
	require.ErrorContains(t, f.Set(w, make(chan int)), "lww: value type interface {}: json: unsupported type")
	require.ErrorContains(t, f.SetAt(make(chan int), at(1, "eu")), "unsupported type")
	require.NoError(t, f.Set(w, map[string]any{"a": 1.0}))
	require.True(t, f.Clone().Equal(&f))
}

// A testingT is a test or a check of rapid.
type testingT interface {
	require.TestingT
	Helper()
}

// TestString prints what a state shows.
func TestString(t *testing.T) {
	w := frozen("eu", hour)
	var m lww.Map[string, int]
	require.Equal(t, "map[]", m.String())
	put(t, &m, w, "b", 2)
	put(t, &m, w, "a", 1)
	put(t, &m, w, "gone", 3)
	del(t, &m, w, "gone")
	require.Equal(t, "map[a:1 b:2]", m.String())

	var s lww.Set[int]
	for _, e := range []int{10, 9} {
		_, err := s.Add(w, e)
		require.NoError(t, err)
	}
	require.Equal(t, "[9 10]", s.String())

	var r lww.Register[string]
	require.Equal(t, "none", r.String())
	require.NoError(t, r.SetAt("x", lww.Stamp{Time: hour, Replica: "eu"}))
	require.Equal(t, "x ("+r.Stamp().String()+")", r.String())
}

// TestAssertion puts what is there already: that is no write, and the delta says what
// is there, so that it may be sent again. Touch is the write.
func TestAssertion(t *testing.T) {
	w := lww.Writer{Replica: "eu", Clock: &hlc.Clock{}}
	var m lww.Map[string, []int]
	first, err := m.Put(w, "k", []int{1})
	require.NoError(t, err)
	stamp := m.Stamp("k")
	again, err := m.Put(w, "k", []int{1})
	require.NoError(t, err)
	require.Equal(t, stamp, m.Stamp("k"))
	require.True(t, again.Equal(first))

	touched, err := m.Touch(w, "k")
	require.NoError(t, err)
	require.True(t, stamp.Before(m.Stamp("k")))
	require.True(t, touched.Equal(&m))
	v, _ := m.At("k")
	require.Equal(t, []int{1}, v)

	_, err = m.Put(w, "k", nil)
	require.NoError(t, err)
	stamp = m.Stamp("k")
	_, err = m.Put(w, "k", []int{})
	require.NoError(t, err)
	require.NotEqual(t, stamp, m.Stamp("k"), "nil is another value than none")

	_, err = m.Delete(w, "k")
	require.NoError(t, err)
	before := m.Clone()
	delta, err := m.Delete(w, "k")
	require.NoError(t, err)
	require.True(t, delta.Equal(&m))
	for _, k := range []string{"k", "never"} {
		delta, err = m.Touch(w, k)
		require.ErrorIs(t, err, lww.ErrAbsent)
		require.Equal(t, 0, delta.Len())
	}
	require.True(t, m.Equal(before))

	var nan lww.Map[string, float64]
	_, err = nan.Put(w, "k", math.NaN())
	require.NoError(t, err)
	stamp = nan.Stamp("k")
	_, err = nan.Put(w, "k", math.NaN())
	require.NoError(t, err)
	require.Equal(t, stamp, nan.Stamp("k"))
}

// TestAssertionOfUnreadable touches a value that the type cannot hold: it stays as it is.
func TestAssertionOfUnreadable(t *testing.T) {
	w := lww.Writer{Replica: "eu", Clock: &hlc.Clock{}}
	var old lww.Map[string, string]
	_, err := old.Put(w, "k", "text")
	require.NoError(t, err)
	b, err := old.MarshalBinary()
	require.NoError(t, err)
	var m lww.Map[string, int]
	require.ErrorIs(t, m.UnmarshalLenient(b), lww.ErrUnreadable)
	_, err = m.Touch(w, "k")
	require.NoError(t, err)
	require.True(t, old.Stamp("k").Before(m.Stamp("k")))
	b, err = m.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, old.UnmarshalBinary(b))
	v, _ := old.At("k")
	require.Equal(t, "text", v)
	_, err = m.Put(w, "k", 0)
	require.NoError(t, err)
	_, ok := m.At("k")
	require.True(t, ok)
}

// TestExpire sweeps who has been silent. A heartbeat on its way, at whatever time since,
// is not lost: of what was compacted, not even one right above the horizon.
func TestExpire(t *testing.T) {
	for _, horizon := range []hlc.Timestamp{0, 5, 10, 20} {
		var m lww.Map[string, string]
		_, err := m.PutAt("ann", "web-1", at(5, "us"))
		require.NoError(t, err)
		_, err = m.PutAt("bob", "web-1", at(30, "us"))
		require.NoError(t, err)
		require.NoError(t, m.Compact(horizon))
		all := m.Clone()

		require.Zero(t, m.Expire(5).Len())
		require.True(t, m.Equal(all), "ann was there at 5")
		delta := m.Expire(6)
		require.Equal(t, []string{"bob"}, slices.Sorted(keysOf(&m)))
		other := all.Clone()
		require.True(t, other.Merge(delta))
		require.True(t, other.Equal(&m))
		other = all.Clone()
		other.Expire(6)
		require.True(t, other.Equal(&m), "each sweeps alike")
		require.Zero(t, m.Expire(6).Len())
		require.True(t, other.Equal(&m))

		for _, by := range []vclock.Replica{"!", "eu", "us"} {
			for _, beat := range []hlc.Timestamp{max(horizon, 5) + 1, 40} {
				swept := m.Clone()
				late, err := new(lww.Map[string, string]).PutAt("ann", "web-2", at(beat, by))
				require.NoError(t, err)
				swept.Merge(late)
				v, ok := swept.At("ann")
				require.True(t, ok, "beat at %d by %s, horizon %d", beat, by, horizon)
				require.Equal(t, "web-2", v)
			}
		}
	}

	var s lww.Set[string]
	_, err := s.AddAt("e", at(5, "us"))
	require.NoError(t, err)
	delta := s.Expire(6)
	require.False(t, s.Contains("e"))
	require.True(t, delta.Equal(&s))
}

func keysOf(m *lww.Map[string, string]) iter.Seq[string] { return maps.Keys(maps.Collect(m.All())) }
