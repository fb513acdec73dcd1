package lww_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
)

func set[V any](t *testing.T, r *lww.Register[V], w lww.Writer, v V) {
	t.Helper()
	require.NoError(t, r.Set(w, v))
}

// shows requires what a register holds.
func shows[V any](t *testing.T, r *lww.Register[V], want V) {
	t.Helper()
	v, ok := r.Get()
	require.True(t, ok)
	require.Equal(t, want, v)
}

// Two people rename a ship at the same moment, on two sides of a cut cable. The
// later one is right on both sides, whoever hears of the other first.
func TestRegisterLaterWriteStands(t *testing.T) {
	var eu, us lww.Register[string]
	set(t, &eu, frozen("eu", noon), "Endurance")
	set(t, &us, frozen("us", noon+1), "Quest")
	atEU, atUS := eu.Clone(), us.Clone()

	require.True(t, eu.Merge(atUS))
	require.False(t, us.Merge(atEU), "us has the later one")
	shows(t, &eu, "Quest")
	shows(t, &us, "Quest")
	require.True(t, eu.Equal(&us))
}

// Two clocks stand at the same nanosecond. The name of the replica decides, the same
// on both sides.
func TestRegisterSameInstant(t *testing.T) {
	var eu, us lww.Register[string]
	set(t, &eu, frozen("eu", noon), "from eu")
	set(t, &us, frozen("us", noon), "from us")
	require.Equal(t, eu.Stamp().Time, us.Stamp().Time)
	eu.Merge(&us)
	shows(t, &eu, "from us")
}

// A backup was restored, and its process wrote under the stamp of a write that it had
// lost. Both values are under one stamp, and still all replicas end with one of them,
// numbers as well as text.
func TestRegisterOneStampTwoValues(t *testing.T) {
	numbers(t, int64(1), 2)
	numbers(t, "a", "b")
	numbers(t, 1.5, 2)
	numbers(t, []string{"a"}, []string{"b"})
	numbers(t, struct{ N int }{1}, struct{ N int }{2})
}

// numbers requires that of two values under one stamp the larger stands.
func numbers[V any](t *testing.T, small, large V) {
	t.Helper()
	var a, b lww.Register[V]
	require.NoError(t, a.SetAt(small, at(noon, "eu")))
	require.NoError(t, b.SetAt(large, at(noon, "eu")))
	require.False(t, a.Equal(&b))
	x, y := a.Clone(), b.Clone()
	require.True(t, a.Merge(y))
	require.False(t, b.Merge(x))
	shows(t, &a, large)
	shows(t, &b, large)
	require.True(t, a.Equal(&b))
}

// A laptop's clock was a year ahead when it saved a setting. The next save at home,
// with a clock that is right, still stands: it was made by somebody who saw the other.
func TestRegisterAfterAFastClock(t *testing.T) {
	var home, laptop lww.Register[string]
	year := 365 * 24 * hour
	set(t, &laptop, frozen("laptop", noon+year), "dark")
	home.Merge(&laptop)
	set(t, &home, frozen("home", noon), "light")
	require.Equal(t, at(laptop.Stamp().Time+1, "home"), home.Stamp(), "no later than it has to be")
	laptop.Merge(&home)
	shows(t, &laptop, "light")
}

// A thermometer says every minute what it said before. That is no write, so a change
// that somebody made meanwhile is not thrown away by it; Touch says it again.
func TestRegisterSayingTheSame(t *testing.T) {
	var sensor, desk lww.Register[int64]
	set(t, &sensor, frozen("sensor", noon), 21)
	desk.Merge(&sensor)
	set(t, &desk, frozen("desk", noon+hour), 19) // corrected by hand

	before := sensor.Stamp()
	set(t, &sensor, frozen("sensor", noon+2*hour), 21)
	require.Equal(t, before, sensor.Stamp(), "nothing new")
	sensor.Merge(&desk)
	shows(t, &sensor, 19)

	require.NoError(t, sensor.Touch(frozen("sensor", noon+3*hour)))
	shows(t, &sensor, 19)
	require.True(t, sensor.Stamp().After(desk.Stamp()))
	require.ErrorIs(t, new(lww.Register[int64]).Touch(frozen("sensor", noon)), lww.ErrAbsent)
}

// Rows of an older system come in with the times that they were written at, in any
// order. None of them replaces what was written since.
func TestRegisterFromElsewhere(t *testing.T) {
	var r lww.Register[string]
	set(t, &r, frozen("eu", noon), "new")
	for _, old := range []hlc.Timestamp{noon - hour, 1, noon - 2*hour} {
		require.NoError(t, r.SetAt("old", at(old, "import")))
	}
	shows(t, &r, "new")
	require.NoError(t, r.SetAt("newer", at(noon+hour, "import")))
	shows(t, &r, "newer")
}

// Nobody has written yet: that loses to everything, and is told from a zero value.
func TestRegisterOfNothing(t *testing.T) {
	var empty, zero lww.Register[int64]
	set(t, &zero, frozen("eu", noon), 0)
	_, ok := empty.Get()
	require.False(t, ok)
	shows(t, &zero, 0)
	require.False(t, zero.Merge(&empty))
	require.True(t, empty.Merge(&zero))
	require.False(t, empty.Merge(&empty), "with itself")
	shows(t, &empty, 0)
}
