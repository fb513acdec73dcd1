package crdt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// Two regions set the title without knowing of each other: both titles are kept,
// and the choice replaces them.
func TestMVRegisterKeepsBoth(t *testing.T) {
	var eu, us crdt.MVRegister[string]
	must(eu.Set("eu", "Lamp"))
	must(us.Set("us", "Light"))
	meet(t, &eu, &us)
	require.Equal(t, "[Lamp Light]", eu.String())
	_, one := eu.Get()
	require.False(t, one)

	must(eu.Set("eu", "Desk lamp"))
	meet(t, &eu, &us)
	title, one := us.Get()
	require.Equal(t, "Desk lamp", title)
	require.True(t, one)
}

// Two write the same value: it is there once to read, and both have written it.
func TestMVRegisterBothWroteIt(t *testing.T) {
	var eu, us crdt.MVRegister[string]
	must(eu.Set("eu", "Lamp"))
	must(us.Set("us", "Lamp"))
	meet(t, &eu, &us)
	var who []vclock.Replica
	for d, v := range eu.Written() {
		require.Equal(t, "Lamp", v)
		who = append(who, d.Replica)
	}
	require.ElementsMatch(t, []vclock.Replica{"eu", "us"}, who)
}

// A form that was loaded before somebody else wrote replaces what it showed, and
// stands beside what it did not show.
func TestMVRegisterFormThatWasLoadedBefore(t *testing.T) {
	var server crdt.MVRegister[string]
	must(server.Set("eu", "Lamp"))
	form := server.Context()
	must(server.Set("eu", "Light"))
	must(server.SetSeen("eu", form, "Desk lamp"))
	require.Equal(t, "[Desk lamp Light]", server.String())
}

// A value that was replaced does not come back with a late message.
func TestMVRegisterReplacedStaysAway(t *testing.T) {
	var eu, us crdt.MVRegister[string]
	first := must(eu.Set("eu", "Lamp"))
	second := must(eu.Set("eu", "Light"))
	us.Merge(second)
	us.Merge(first)
	require.Equal(t, "[Light]", us.String())
	require.True(t, us.Equal(&eu))
}

// Clearing is a write: it empties what was seen, and not what is written meanwhile.
func TestMVRegisterClear(t *testing.T) {
	var eu, us crdt.MVRegister[string]
	must(eu.Set("eu", "Lamp"))
	meet(t, &eu, &us)
	us.Clear("us")
	must(eu.Set("eu", "Light"))
	meet(t, &eu, &us)
	require.Equal(t, "[Light]", us.String())
	us.Clear("us")
	meet(t, &eu, &us)
	require.Equal(t, 0, eu.Len())
}

// What cannot be stored is refused as it is written, and the register is as it was.
func TestMVRegisterRefusesWhatHasNoBytes(t *testing.T) {
	type job struct {
		Name string
		Done func()
	}
	var r crdt.MVRegister[job]
	_, err := r.Set("eu", job{Name: "a"})
	require.Error(t, err)
	require.Equal(t, 0, r.Len())
	require.Zero(t, r.LastOf("eu"))
}

// TestMVRegisterLenient: a register takes what it cannot read where it is asked to, from
// bytes and from JSON, and damaged ones never.
func TestMVRegisterLenient(t *testing.T) {
	wide := must(new(crdt.MVRegister[int64]).Set("eu", 700))
	fine := must(new(crdt.MVRegister[int64]).Set("us", 7))
	for _, form := range []func(r *crdt.MVRegister[int64]) []byte{
		func(r *crdt.MVRegister[int64]) []byte { return must(r.MarshalBinary()) },
		func(r *crdt.MVRegister[int64]) []byte { return append([]byte(" \n\t\r"), must(r.MarshalJSON())...) },
	} {
		var r crdt.MVRegister[int8]
		changed, err := r.MergeLenient(form(fine))
		require.True(t, changed)
		require.NoError(t, err)
		changed, err = r.MergeLenient(form(wide))
		require.True(t, changed)
		require.ErrorIs(t, err, content.ErrUnreadable)
		changed, err = r.MergeLenient(form(wide))
		require.False(t, changed)
		require.ErrorIs(t, err, content.ErrUnreadable)
		require.Equal(t, 2, r.Len())
		require.Equal(t, []int8{7}, slices.Collect(r.Values()))
		require.EqualError(t, r.Check(), "crdt: "+err.(interface{ Unwrap() error }).Unwrap().Error())
		before := encoded(t, &r)
		damaged := form(wide)[:len(form(wide))-1]
		changed, err = r.MergeLenient(damaged)
		require.False(t, changed)
		require.ErrorIs(t, err, crdt.ErrDamaged)
		require.ErrorIs(t, r.UnmarshalLenient(damaged), crdt.ErrDamaged)
		require.Equal(t, before, encoded(t, &r))
		_, ok := r.Get()
		require.False(t, ok)

		require.NoError(t, r.UnmarshalLenient(form(fine)))
		n, ok := r.Get()
		require.True(t, ok)
		require.Equal(t, int8(7), n)
		require.NoError(t, r.Check())
		require.ErrorIs(t, r.UnmarshalLenient(form(wide)), content.ErrUnreadable)
		_, ok = r.Get()
		require.False(t, ok)
		require.Equal(t, 1, r.Len())
	}
}
