package lww_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestRowAllocs bounds what it takes to decode a row of ten keys, put one or delete
// it, and encode the row again: what a service does for each request.
func TestRowAllocs(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("memory for encoding is not always used again")
	}
	var row lww.Map[string, string]
	for i, k := range skus(0, 10) {
		put(t, &row, frozen([]vclock.Replica{"eu", "us", "ap"}[i%3], noon), k, "a value")
	}
	p, err := row.MarshalBinary()
	require.NoError(t, err)
	w, k := frozen("eu", noon), skus(0, 1)[0]
	allocs := testing.AllocsPerRun(200, func() {
		var m lww.Map[string, string]
		require.NoError(t, m.UnmarshalBinary(p))
		_, _ = m.Put(w, k, "another")
		_, _ = m.MarshalBinary()
	})
	require.LessOrEqual(t, allocs, 7.0, "put")
	allocs = testing.AllocsPerRun(200, func() {
		var m lww.Map[string, string]
		require.NoError(t, m.UnmarshalBinary(p))
		_, _ = m.Delete(w, k)
		_, _ = m.MarshalBinary()
	})
	require.LessOrEqual(t, allocs, 7.0, "delete")
	var m lww.Map[string, string]
	allocs = testing.AllocsPerRun(200, func() {
		require.NoError(t, m.UnmarshalBinary(p))
		_, _ = m.Put(w, k, "another")
		_, _ = m.MarshalBinary()
	})
	require.LessOrEqual(t, allocs, 3.0, "put into a state that is used again: the delta, the row, and the value that is another")
}
