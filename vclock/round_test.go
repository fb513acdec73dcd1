package vclock_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

// A round ends when both have told each other what they had since it was shut.
func TestRound(t *testing.T) {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	round := vclock.NewRound[string, int](eu)
	round.Note("cart", 7)
	_, ok := round.Done(eu)
	require.False(t, ok, "it is not shut")
	require.NoError(t, round.Shut(eu, 10))
	require.NoError(t, round.Shut(eu, 99), "again")
	require.Equal(t, []vclock.Replica{"us"}, round.Waits(eu))
	require.PanicsWithValue(t, "vclock: Note(flag) in a Round that is shut: begin another", func() { round.Note("flag", 8) })

	eu.Record(10)
	exchange(t, us, eu, 5)
	_, ok = round.Done(eu)
	require.False(t, ok, "eu has not heard of it")
	exchange(t, eu, us, 11)
	require.Empty(t, round.Waits(eu))
	permit, ok := round.Done(eu)
	require.True(t, ok)
	require.Equal(t, map[string]int{"cart": 7}, permit.Seen)
	require.Equal(t, uint64(5), permit.Horizon)
	require.Equal(t, "eu:10,us:5", permit.Stable.String())
	require.True(t, permit.Over.IsZero())
}

// What a member noted after it had told others of a state is not in that, be the
// reading of its clock the same, or lower.
func TestRoundAfterARecordOfTheSameTime(t *testing.T) {
	for _, now := range []uint64{0, 9, 10} {
		eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
		eu.Record(10)
		exchange(t, us, eu, 5)
		round := vclock.NewRound[string, int](eu)
		round.Note("cart", 7)
		require.NoError(t, round.Shut(eu, now))
		exchange(t, eu, us, 10)
		require.Equal(t, []vclock.Replica{"us"}, round.Waits(eu))
		_, ok := round.Done(eu)
		require.False(t, ok)
	}
}

// The clock went back after the round was shut. What is told under a lower reading than that
// does not end it.
func TestRoundAndAClockThatWentBack(t *testing.T) {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	round := vclock.NewRound[string, int](eu)
	round.Note("cart", 7)
	require.NoError(t, round.Shut(eu, 10))
	eu.Record(9)
	exchange(t, us, eu, 9)
	exchange(t, eu, us, 9)
	require.Equal(t, []vclock.Replica{"us"}, round.Waits(eu))
	_, ok := round.Done(eu)
	require.False(t, ok)
	eu.Record(10)
	exchange(t, us, eu, 11)
	exchange(t, eu, us, 12)
	_, ok = round.Done(eu)
	require.True(t, ok)
}

// A newcomer collects nothing before all know it, and the others wait for it.
func TestRoundAndANewcomer(t *testing.T) {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	round := vclock.NewRound[string, int](eu)
	require.NoError(t, round.Shut(eu, 10))
	eu.Record(10)
	require.NoError(t, eu.Admit("ap"))
	ap, err := eu.For("ap")
	require.NoError(t, err)
	exchange(t, us, eu, 11)
	exchange(t, eu, us, 12)
	require.Equal(t, []vclock.Replica{"ap"}, round.Waits(eu))
	_, ok := round.Done(eu)
	require.False(t, ok)

	theirs := vclock.NewRound[string, int](ap)
	require.Equal(t, &vclock.MemberError{Replica: "ap", Unconfirmed: true}, theirs.Shut(ap, 13))
	exchange(t, ap, us, 13)
	require.NoError(t, theirs.Shut(ap, 13))
	exchange(t, eu, ap, 14)
	require.Empty(t, round.Waits(eu))
	_, ok = round.Done(eu)
	require.True(t, ok)
}

// A Round that was not begun says so.
func TestRoundWithoutAnOwner(t *testing.T) {
	eu := vclock.NewMatrix("eu")
	var round vclock.Round[string, int]
	require.PanicsWithValue(t, "vclock: Note in a Round without an owner: make it with NewRound", func() { round.Note("key", 1) })
	require.PanicsWithValue(t, `vclock: the Round of "" is asked with the Matrix of "eu": begin another`, func() { _ = round.Shut(eu, 1) })
}

// One that is retired is not waited for, but the others are, until they know.
func TestRoundAndOneThatIsRetired(t *testing.T) {
	_, eu, us := three()
	round := vclock.NewRound[string, int](eu)
	require.NoError(t, round.Shut(eu, 10))
	exchange(t, us, eu, 11)
	exchange(t, eu, us, 12)
	exchange(t, us, eu, 12)
	exchange(t, eu, us, 12)
	require.Equal(t, []vclock.Replica{"ap"}, round.Waits(eu))
	eu.Retire("ap")
	require.Equal(t, []vclock.Replica{"us"}, round.Waits(eu))
	_, ok := round.Done(eu)
	require.False(t, ok)
	exchange(t, us, eu, 13)
	exchange(t, eu, us, 14)
	permit, ok := round.Done(eu)
	require.True(t, ok)
	require.Equal(t, "ap:65536", permit.Over.String())

	us.Retire("eu")
	exchange(t, eu, us, 15)
	require.Equal(t, &vclock.MemberError{Replica: "eu", Over: true, Retired: true}, vclock.NewRound[string, int](eu).Shut(eu, 16))
	_, ok = round.Done(eu)
	require.False(t, ok, "it is no member any more")
}

// An incarnation has no rounds of those before it, and begins its own when all know it.
func TestRoundAndAnotherLife(t *testing.T) {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	round := vclock.NewRound[string, int](eu)
	require.NoError(t, round.Shut(eu, 10))
	exchange(t, us, eu, 11)
	require.NoError(t, eu.Begin("eu#1", 20))
	require.PanicsWithValue(t, `vclock: the Round of "eu" is asked with the Matrix of "eu#1": begin another`, func() { round.Done(eu) })
	require.Panics(t, func() { round.Waits(eu) })
	require.Panics(t, func() { _ = round.Shut(eu, 21) })

	round = vclock.NewRound[string, int](eu)
	require.Equal(t, &vclock.MemberError{Replica: "eu#1", Unconfirmed: true}, round.Shut(eu, 21))
	eu.Record(21)
	exchange(t, us, eu, 22)
	exchange(t, eu, us, 23)
	require.NoError(t, round.Shut(eu, 24))
	eu.Record(25)
	exchange(t, us, eu, 26)
	exchange(t, eu, us, 27)
	permit, ok := round.Done(eu)
	require.True(t, ok)
	require.Equal(t, "eu:1", permit.Over.String())
}

// The EU region removes a key at 5, and wants to forget that as soon as nobody can
// need it any more.
func ExampleRound() {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	round := vclock.NewRound[string, vclock.Clock](eu)
	round.Note("key", vclock.Clock{}.With("eu", 1)) // as the object has it now
	if err := round.Shut(eu, 6); err != nil {
		fmt.Println(err)
	}
	eu.Record(6)
	fmt.Println("waits for", round.Waits(eu))

	// The state of eu arrives at us with its matrix, and that of us at eu.
	_, _ = us.Merge(eu)
	us.Record(8)
	_, _ = eu.Merge(us)
	eu.Record(9)
	permit, ok := round.Done(eu)
	fmt.Println(ok, permit.Seen["key"], permit.Horizon)
	// Output:
	// waits for [us]
	// true eu:1 6
}
