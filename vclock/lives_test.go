package vclock_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

// TestDVVSetLives: how far a replica has got, and whether a message is of a life that is
// over.
func TestDVVSetLives(t *testing.T) {
	var eu, us vclock.DVVSet[string]
	put := func(r vclock.Replica, at uint64, seen vclock.Clock) {
		require.NoError(t, eu.PutAt(vclock.Dot{Replica: r, Seq: at}, seen, "v"))
	}
	put("eu", 10, vclock.Clock{})
	put("eu", 15, vclock.Clock{})
	require.Equal(t, uint64(15), eu.LastOf("eu"))
	require.Zero(t, eu.LastOf("us"))

	m := vclock.NewMatrix("eu", "ap")
	require.NoError(t, m.Begin("eu#1", 20))
	m.Retire("ap")
	sealed := m.Sealed()
	require.True(t, us.Speaks(&eu, sealed))
	us.Merge(&eu)
	require.False(t, us.Speaks(&eu, sealed))
	put("eu#1", 30, eu.Context())
	require.False(t, us.Speaks(&eu, sealed), "it is of the life that goes on")
	require.Equal(t, uint64(30), eu.LastOf("eu#1"))
	put("ap", 40, eu.Context())
	require.True(t, us.Speaks(&eu, sealed))
	require.Equal(t, uint64(15), eu.LastOf("eu"))
	var fresh vclock.DVVSet[string]
	require.True(t, fresh.Speaks(&eu, sealed), "also of what was replaced")

	require.True(t, sealed.IsOver("eu"))
	require.True(t, sealed.IsOverAt("eu", 19))
	require.False(t, sealed.IsOverAt("eu", 20), "who keeps one name for all lives tells them by their times")
	require.False(t, sealed.IsOver("eu#1"))
	require.True(t, sealed.IsOverAt("ap", 1<<60))
	require.False(t, sealed.IsOver("us"))
}
