package hlc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
)

// TestJumps: a wall clock that is set is found out once, in either direction, and small steps
// when they have added up.
func TestJumps(t *testing.T) {
	wall := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var counted time.Duration
	var j hlc.Jumps
	next := func(wallOn, countedOn time.Duration) time.Duration {
		wall, counted = wall.Add(wallOn), counted+countedOn
		return j.Add(wall, counted)
	}
	require.Zero(t, next(0, 7*time.Hour), "the first reading begins")
	require.Zero(t, next(time.Second, time.Second))
	require.Zero(t, next(time.Second, 900*time.Millisecond), "two readings are never of one moment")
	require.Zero(t, next(time.Second, 700*time.Millisecond))
	require.Equal(t, 500*time.Millisecond, next(time.Second, 900*time.Millisecond), "they have added up")
	require.Zero(t, next(time.Second, time.Second), "it is told once")
	require.Equal(t, time.Hour, next(time.Hour+time.Second, time.Second))
	require.Equal(t, -time.Hour, next(time.Second-time.Hour, time.Second))
	require.Zero(t, next(0, 0))

	j = hlc.Jumps{Limit: time.Minute}
	require.Zero(t, j.Add(wall, 0))
	require.Zero(t, j.Add(wall.Add(59*time.Second), 0))
	require.Equal(t, time.Minute, j.Add(wall.Add(time.Minute), 0))
}

// TestJumpsOfThisMachine: the readings that the documentation shows are no jumps.
func TestJumpsOfThisMachine(t *testing.T) {
	start := time.Now()
	j := hlc.Jumps{Limit: time.Hour}
	for range 3 {
		require.Zero(t, j.Add(time.Now(), time.Since(start)))
	}
	require.Greater(t, j.Add(time.Now().Add(2*time.Hour), time.Since(start)), time.Hour)
}
