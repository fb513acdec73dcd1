package crdt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// meet merges two replicas both ways, after which they are equal, and their bytes.
func meet[S interface {
	crdt.State[S]
	MarshalBinary() ([]byte, error)
}](t *testing.T, a, b S,
) {
	t.Helper()
	a.Merge(b)
	b.Merge(a)
	require.True(t, a.Equal(b))
	require.Equal(t, bytesOf(t, a), bytesOf(t, b))
}

// One region takes milk off the list while another, which has not heard of that,
// puts it on again: it stays, for somebody wants it.
func TestORSetAddWins(t *testing.T) {
	var eu, us crdt.ORSet[string]
	eu.Add("eu", "milk")
	meet(t, &eu, &us)

	us.Remove("us", "milk")
	eu.Add("eu", "milk")
	meet(t, &eu, &us)
	require.Equal(t, "[milk]", us.String())

	us.Remove("us", "milk") // now it has seen both
	meet(t, &eu, &us)
	require.Equal(t, "[]", eu.String())
}

// A remove undoes what its replica had seen and nothing else, so that taking away
// what one never had does nothing to those who have it.
func TestORSetRemoveOfUnseen(t *testing.T) {
	var eu, us crdt.ORSet[string]
	eu.Add("eu", "milk")
	gone := us.Remove("us", "milk")
	require.True(t, gone.Equal(new(crdt.ORSet[string])))
	meet(t, &eu, &us)
	require.Equal(t, "[milk]", us.String())
}

// The message of a removal arrives before that of the addition that it undoes: the
// element does not come back.
func TestORSetRemoveOvertakesAdd(t *testing.T) {
	var eu, us, ap crdt.ORSet[string]
	added := eu.Add("eu", "milk")
	us.Merge(added)
	removed := us.Remove("us", "milk")

	ap.Merge(removed)
	require.False(t, ap.Contains("milk"))
	ap.Merge(added)
	require.False(t, ap.Contains("milk"), "late")
	ap.Merge(added)
	require.False(t, ap.Contains("milk"), "and twice")
	eu.Merge(removed)
	meet(t, &eu, &us)
	meet(t, &us, &ap)
}

// A page was loaded, then somebody else added tea. Clearing by the context of the
// page removes what was on it and leaves the tea.
func TestORSetClearWhatWasShown(t *testing.T) {
	var server crdt.ORSet[string]
	server.Add("eu", "milk")
	server.Add("eu", "bread")
	page := server.Context()
	server.Add("eu", "tea")
	server.Add("eu", "milk") // again: not what the page showed

	must(server.ClearSeen("eu", page))
	require.Equal(t, "[milk tea]", server.String())
}

// All messages of two hours, in the worst order and each of them twice, give what
// whole states give.
func TestORSetMessagesInAnyOrder(t *testing.T) {
	var eu, us crdt.ORSet[int]
	var sent []*crdt.ORSet[int]
	for i := range 50 {
		sent = append(sent, eu.Add("eu", i), us.Add("us", i+25))
	}
	for i := range 40 {
		sent = append(sent, eu.Remove("eu", i))
	}
	meet(t, &eu, &us)

	var late crdt.ORSet[int]
	for _, delta := range slices.Backward(slices.Concat(sent, sent)) {
		late.Merge(delta)
	}
	require.True(t, late.Equal(&eu))
	require.Equal(t, bytesOf(t, &eu), bytesOf(t, &late))
}

// Two sets that have seen the same and have the same elements are not equal if these are of
// other writes: one of them lacks a removal that is on its way.
func TestORSetElementsOfOtherWrites(t *testing.T) {
	var eu, us, ap crdt.ORSet[string]
	ap.Merge(eu.Add("eu", "milk"))
	eu.Remove("eu", "milk") // does not reach ap
	us.Merge(eu.Add("eu", "milk"))
	removed := us.Remove("us", "milk") // does not reach eu
	ap.Merge(removed)
	require.Equal(t, ap.Context().Clock(), eu.Context().Clock())
	require.Equal(t, ap.String(), eu.String())
	require.False(t, ap.Equal(&eu) || eu.Equal(&ap))
	meet(t, &ap, &eu)
	require.Zero(t, eu.Len())
}

// A set that millions went through is as small as what is left in it.
func TestORSetForgetsWhatIsGone(t *testing.T) {
	var s crdt.ORSet[int]
	for i := range 10_000 {
		s.Add("eu", i)
		s.Remove("eu", i)
	}
	s.Add("eu", 1)
	require.LessOrEqual(t, len(bytesOf(t, &s)), 20)
}
