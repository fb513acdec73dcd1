package merge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestRecordLives: who wrote last, whether two wrote under one stamp, and whether a message
// is of a life that is over.
func TestRecordLives(t *testing.T) {
	type stock struct {
		Name string
		N    int64    `merge:"additive"`
		Tags []string `merge:"set"`
	}
	plan := merge.MustCompile[stock](merge.Options[stock]{Record: true})
	write := func(r *merge.Record[stock], by vclock.Replica, at uint64, change func(*stock)) {
		w := lww.Writer{Replica: by, Clock: &hlc.Clock{Physical: hlc.Timestamp(at << 20).Time}}
		require.NoError(t, r.Update(w, func(s *stock) error {
			change(s)
			return nil
		}))
	}
	r := plan.NewRecord()
	write(r, "eu", 10, func(s *stock) { s.Name, s.N = "lamp", 3 })
	backup := r.Clone()
	last := r.LastOf("eu")
	require.Equal(t, r.Latest(), last)
	require.Zero(t, r.LastOf("us"))

	// Two go on under one name and one clock.
	fork := backup.Clone()
	write(r, "eu", 20, func(s *stock) { s.N++ })
	write(fork, "eu", 20, func(s *stock) { s.N += 5 })
	require.ErrorContains(t, r.Verify(fork), `merge: N: stamp`)
	require.NoError(t, r.Verify(backup))
	require.NoError(t, r.Verify(plan.NewRecord()))
	require.Greater(t, r.LastOf("eu"), last)

	m := vclock.NewMatrix("eu")
	require.NoError(t, m.Begin("eu#1", uint64(r.Latest())+1))
	require.True(t, backup.Speaks(r, m.Sealed()))
	require.False(t, r.Speaks(backup, m.Sealed()))
	write(backup, "eu#1", 40, func(s *stock) { s.Tags = []string{"new"} })
	require.False(t, r.Speaks(backup, m.Sealed()), "of the life that goes on")
	require.True(t, plan.NewRecord().Speaks(r, m.Sealed()))
	empty := plan.NewRecord()
	require.NoError(t, empty.Update(lww.Writer{Replica: "ap", Clock: &ticks{}}, func(s *stock) error { s.Name = "x"; return nil }))
	require.NoError(t, empty.Compact(r.Latest()-1))
	require.True(t, empty.Speaks(r, m.Sealed()))
	require.NoError(t, empty.Compact(r.Latest()))
	require.False(t, empty.Speaks(r, m.Sealed()), "what is at the horizon or below is held by all")
}
