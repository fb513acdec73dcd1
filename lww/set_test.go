package lww_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

func add[E comparable](t *testing.T, s *lww.Set[E], w lww.Writer, e E) *lww.Set[E] {
	t.Helper()
	delta, err := s.Add(w, e)
	require.NoError(t, err)
	return delta
}

func remove[E comparable](t *testing.T, s *lww.Set[E], w lww.Writer, e E) *lww.Set[E] {
	t.Helper()
	delta, err := s.Remove(w, e)
	require.NoError(t, err)
	return delta
}

// holds requires what each of the sets holds, and that they are one.
func holds[E comparable](t *testing.T, want []E, sets ...*lww.Set[E]) {
	t.Helper()
	for _, s := range sets {
		require.ElementsMatch(t, want, slices.Collect(s.All()))
		require.Equal(t, len(want), s.Len())
		require.True(t, s.Equal(sets[0]))
	}
}

// One person follows a channel while another one stops following it elsewhere: the
// later of the two decides, be it the add or the remove.
func TestSetLaterOneDecides(t *testing.T) {
	var eu, us lww.Set[string]
	add(t, &eu, frozen("eu", noon), "news")
	us.Merge(&eu)
	remove(t, &eu, frozen("eu", noon+hour), "news")
	us.Merge(&eu)
	add(t, &us, frozen("us", noon+3*hour), "news")
	remove(t, &eu, frozen("eu", noon+2*hour), "news") // there is nothing to remove, and so no write
	eu.Merge(&us)
	us.Merge(&eu)
	holds(t, []string{"news"}, &eu, &us)
}

// Both happen under one stamp, as after a copied virtual machine: the element is out,
// on all sides.
func TestSetRemoveBeatsAddOfOneStamp(t *testing.T) {
	var eu, us lww.Set[string]
	_, err := eu.AddAt("news", at(noon, "eu"))
	require.NoError(t, err)
	_, err = us.RemoveAt("news", at(noon, "eu"))
	require.NoError(t, err)
	require.True(t, eu.Merge(&us))
	require.False(t, us.Merge(eu.Clone()))
	holds(t, nil, &eu, &us)
}

// Somebody adds an element again that he never saw go. With a set that goes by time a
// later add is in, whether or not it knew of the remove.
func TestSetAddAfterUnseenRemove(t *testing.T) {
	var eu, us lww.Set[string]
	add(t, &eu, frozen("eu", noon), "news")
	us.Merge(&eu)
	remove(t, &eu, frozen("eu", noon+hour), "news")
	delta, err := us.Touch(frozen("us", noon+2*hour), "news")
	require.NoError(t, err)
	require.True(t, eu.Merge(delta))
	us.Merge(&eu)
	holds(t, []string{"news"}, &eu, &us)
}

// To add what is in is no write: it does not save the element from a remove that
// happened in the meantime.
func TestSetAddOfWhatIsIn(t *testing.T) {
	var eu, us lww.Set[string]
	add(t, &eu, frozen("eu", noon), "news")
	us.Merge(&eu)
	remove(t, &eu, frozen("eu", noon+hour), "news")
	again := add(t, &us, frozen("us", noon+2*hour), "news")
	require.Equal(t, us.Stamp("news"), again.Stamp("news"), "the add that there is")
	require.Equal(t, vclock.Replica("eu"), us.Stamp("news").Replica)
	us.Merge(&eu)
	eu.Merge(&us)
	holds(t, nil, &eu, &us)
}

// The messages of a day arrive in the worst order, and each of them twice.
func TestSetMessagesInAnyOrder(t *testing.T) {
	var s, late lww.Set[int64]
	var sent []*lww.Set[int64]
	for i := range int64(30) {
		w := frozen("eu", noon+hour)
		sent = append(sent, add(t, &s, w, i%7))
		if i%3 == 0 {
			sent = append(sent, remove(t, &s, w, i%5))
		}
	}
	for _, delta := range slices.Backward(slices.Concat(sent, sent)) {
		late.Merge(delta)
	}
	holds(t, slices.Collect(s.All()), &s, &late)
}

// A removal is remembered until everybody has heard of it. Whoever forgets it too
// early takes the element back from those who have not, and can tell which they are.
func TestSetForgottenRemoval(t *testing.T) {
	var eu, us lww.Set[string]
	add(t, &eu, frozen("eu", noon), "news")
	us.Merge(&eu)
	remove(t, &eu, frozen("eu", noon+hour), "news")
	kept := eu.Clone()
	require.NoError(t, eu.Compact(noon+2*hour))
	require.Zero(t, eu.Stamp("news"))

	require.Equal(t, []lww.Entry[string, struct{}]{{Key: "news", Stamp: us.Stamp("news")}}, eu.Stragglers(&us))
	us.Merge(kept)
	require.Empty(t, eu.Stragglers(&us), "us has heard of it now")
	require.False(t, us.Contains("news"))
	require.NoError(t, us.Compact(noon+2*hour))
	holds(t, nil, &eu, &us)
}

// A phone with a clock in the next week adds something. The others see it coming
// before they take it.
func TestSetFromTheFuture(t *testing.T) {
	var phone lww.Set[string]
	add(t, &phone, frozen("phone", noon), "right")
	add(t, &phone, frozen("phone", noon+7*24*hour), "wrong")
	ahead := phone.Ahead(noon, time.Minute)
	require.Len(t, ahead, 1)
	require.Equal(t, "wrong", ahead[0].Key)
	require.Equal(t, phone.Stamp("wrong").Time, phone.Latest())
}
