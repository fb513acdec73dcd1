package crdt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// A permission is revoked in one region while another, which has not heard of that,
// grants it again: it is out.
func TestRWSetRemoveWins(t *testing.T) {
	var eu, us crdt.RWSet[string]
	eu.Add("eu", "ann")
	meet(t, &eu, &us)

	us.Remove("us", "ann")
	eu.Add("eu", "ann")
	require.True(t, eu.Contains("ann"))
	meet(t, &eu, &us)
	require.Equal(t, "[]", eu.String())

	eu.Add("eu", "ann") // by somebody who knows that it was revoked
	meet(t, &eu, &us)
	require.Equal(t, "[ann]", us.String())
}

// Who revokes what nobody here has ever granted means those elsewhere, too.
func TestRWSetRemoveOfUnseen(t *testing.T) {
	var eu, us crdt.RWSet[string]
	eu.Add("eu", "ann")
	us.Remove("us", "ann")
	meet(t, &eu, &us)
	require.False(t, us.Contains("ann"))
}

// The message that grants again arrives before the one that revokes: nothing of the
// revocation is left, as it was seen by who granted again.
func TestRWSetAddOvertakesRemove(t *testing.T) {
	var eu, us crdt.RWSet[string]
	first := eu.Add("eu", "ann")
	revoked := eu.Remove("eu", "ann")
	again := eu.Add("eu", "ann")

	us.Merge(again)
	require.True(t, us.Contains("ann"))
	us.Merge(revoked)
	require.True(t, us.Contains("ann"), "late")
	us.Merge(first)
	require.True(t, us.Contains("ann"), "and later")
	require.True(t, us.Equal(&eu))
}

// Of two who revoke at a time, both have to be overruled.
func TestRWSetTwoRemoves(t *testing.T) {
	var eu, us, ap crdt.RWSet[string]
	eu.Add("eu", "ann")
	meet(t, &eu, &us)
	meet(t, &eu, &ap)

	eu.Remove("eu", "ann")
	us.Remove("us", "ann")
	ap.Merge(&eu)
	ap.Add("ap", "ann") // has seen eu's only
	meet(t, &ap, &us)
	require.False(t, ap.Contains("ann"))
}

// What is removed is remembered until all have seen it, and then forgotten.
func TestRWSetForgetsWhenAllHaveSeen(t *testing.T) {
	var s crdt.RWSet[int]
	for i := range 1000 {
		s.Add("eu", i)
		s.Remove("eu", i)
	}
	before := len(bytesOf(t, &s))
	require.True(t, s.Compact(s.Context()), "eu is the only member")
	require.Equal(t, 0, s.Len())
	require.Less(t, len(bytesOf(t, &s)), before/100)

	late := new(crdt.RWSet[int])
	late.Add("eu", 7)
	s.Merge(late)
	require.False(t, s.Contains(7), "the message of an addition that is over")
}

// The dots of an element say who granted and who revoked.
func TestRWSetTellsWho(t *testing.T) {
	var eu, us crdt.RWSet[string]
	eu.Add("eu", "ann")
	us.Remove("us", "ann")
	meet(t, &eu, &us)
	adds, removes := eu.Dots("ann")
	require.Equal(t, []vclock.Dot{{Replica: "eu", Seq: 1}}, adds)
	require.Equal(t, []vclock.Dot{{Replica: "us", Seq: 1}}, removes)
}

// Under a name that two use, an add and a removal may have one dot. The sets differ.
func TestRWSetAddAndRemovalOfOneDot(t *testing.T) {
	var eu, twin crdt.RWSet[string]
	eu.Add("eu", "ann")
	twin.Remove("eu", "ann")
	require.Equal(t, eu.Context(), twin.Context())
	require.False(t, eu.Equal(&twin) || twin.Equal(&eu))
}

// TestRWSetClearOfEqualStates: states that are equal give one change of both the same dots, be
// they decoded or made in another order.
func TestRWSetClearOfEqualStates(t *testing.T) {
	t.Parallel()
	var a, b crdt.RWSet[string]
	a.Merge(new(crdt.RWSet[string]).Add("us", "b"))
	a.Add("eu", "a")
	p, err := a.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, b.UnmarshalBinary(p))
	seen := a.Context()
	of, err := a.Clone().ClearSeen("eu", seen)
	require.NoError(t, err)
	same, err := b.Clone().ClearSeen("eu", seen)
	require.NoError(t, err)
	require.True(t, of.Equal(same), "%v, %v", of, same)
	require.True(t, a.Clear("eu").Equal(b.Clear("eu")))
	require.NoError(t, a.Verify(&b))
	require.True(t, a.Equal(&b))
}

// TestRWSetClearWhatWasShown: a client clears what it was shown; what was added since stays,
// and so does what it was not shown, there and where the delta arrives.
func TestRWSetClearWhatWasShown(t *testing.T) {
	var s crdt.RWSet[string]
	s.Add("eu", "x")
	s.Add("eu", "y")
	s.Remove("eu", "gone")
	seen := s.Context()
	s.Add("eu", "y")
	s.Add("us", "z")
	o := s.Clone()
	d := must(s.ClearSeen("eu", seen))
	require.Equal(t, []string{"y", "z"}, slices.Sorted(s.All()))
	require.True(t, o.Merge(d))
	require.True(t, o.Equal(&s))
	require.False(t, o.Merge(must(s.ClearSeen("eu", seen))), "it was done")
	s.Clear("eu")
	require.Zero(t, s.Len())
	require.True(t, must(s.ClearSeen("eu", crdt.Context{})).Equal(new(crdt.RWSet[string])))
}
