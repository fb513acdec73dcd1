package crdt_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestRowAllocs bounds what it takes to decode a small state, change it and encode
// it again, which is what a service does for each request.
func TestRowAllocs(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("encoders are not always used again")
	}
	regions := []vclock.Replica{"eu", "us", "ap"}
	var counter crdt.PNCounter
	var set crdt.ORSet[string]
	for i := range 10 {
		counter.Add(regions[i%3], 1000)
		set.Add(regions[i%3], fmt.Sprintf("sku-%08d", i))
	}
	counted, err := counter.MarshalBinary()
	require.NoError(t, err)
	held, err := set.MarshalBinary()
	require.NoError(t, err)

	allocs := testing.AllocsPerRun(200, func() {
		var c crdt.PNCounter
		require.NoError(t, c.UnmarshalBinary(counted))
		c.Add("eu", 1)
		_, _ = c.MarshalBinary()
	})
	require.LessOrEqual(t, allocs, 7.0, "PNCounter of 3 replicas")
	allocs = testing.AllocsPerRun(200, func() {
		var s crdt.ORSet[string]
		require.NoError(t, s.UnmarshalBinary(held))
		s.Add("eu", "milk")
		_, _ = s.MarshalBinary()
	})
	require.LessOrEqual(t, allocs, 17.0, "ORSet of 10 elements")
}
