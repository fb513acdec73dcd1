package lww_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// sealedAt returns what is sealed when eu has gone on as eu#1 at a time.
func sealedAt(t *testing.T, at uint64) vclock.Closing {
	t.Helper()
	m := vclock.NewMatrix("eu")
	require.NoError(t, m.Begin("eu#1", at))
	return m.Sealed()
}

// TestLives: who wrote last, whether two wrote under one stamp, and whether a message is of
// a life that is over.
func TestLives(t *testing.T) {
	at := func(time hlc.Timestamp) lww.Stamp { return lww.Stamp{Time: time, Replica: "eu"} }
	sealed := sealedAt(t, 20)
	t.Run("Map", func(t *testing.T) {
		var m lww.Map[string, int]
		late, err := m.PutAt("x", 1, at(10))
		require.NoError(t, err)
		_, err = m.PutAt("y", 1, at(30))
		require.NoError(t, err)
		require.Equal(t, hlc.Timestamp(30), m.LastOf("eu"))
		require.Zero(t, m.LastOf("us"))

		var other lww.Map[string, int]
		require.True(t, other.Speaks(&m, sealed))
		require.False(t, m.Speaks(late, sealed), "it is here")
		require.False(t, other.Speaks(late, sealedAt(t, 10)), "it is of the life that goes on")
		_, err = other.PutAt("x", 2, at(10))
		require.NoError(t, err)
		require.EqualError(t, m.Verify(&other), `lww: "x": stamp 1970-01-01T00:00:00.000000010Z@eu stands for two writes`)
		require.NoError(t, m.Verify(late))
		_, err = other.DeleteAt("x", lww.Stamp{Time: 40, Replica: "us"})
		require.NoError(t, err)
		require.NoError(t, m.Verify(&other))
		require.False(t, other.Speaks(late, sealed), "it was deleted since")
		require.NoError(t, other.Compact(40))
		require.False(t, other.Speaks(late, sealed), "it is below the horizon")
	})
	t.Run("Set", func(t *testing.T) {
		var s, o lww.Set[string]
		_, err := s.AddAt("x", at(10))
		require.NoError(t, err)
		require.Equal(t, hlc.Timestamp(10), s.LastOf("eu"))
		require.True(t, o.Speaks(&s, sealed))
		_, err = o.RemoveAt("x", at(10))
		require.NoError(t, err)
		require.Error(t, s.Verify(&o))
		require.NoError(t, s.Verify(&s))
	})
	t.Run("Register", func(t *testing.T) {
		var r, o lww.Register[int]
		require.NoError(t, r.Verify(&o))
		require.NoError(t, r.SetAt(1, at(10)))
		require.Equal(t, hlc.Timestamp(10), r.LastOf("eu"))
		require.Zero(t, r.LastOf("us"))
		require.True(t, o.Speaks(&r, sealed))
		require.False(t, r.Speaks(&r, sealed))
		require.NoError(t, o.SetAt(2, at(10)))
		require.EqualError(t, r.Verify(&o), `lww: the value: stamp 1970-01-01T00:00:00.000000010Z@eu stands for two writes`)
	})
}
