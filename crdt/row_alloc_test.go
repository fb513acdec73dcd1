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
	var grown crdt.GCounter
	var set crdt.ORSet[string]
	var stock crdt.ORMap[string, *crdt.PNCounter]
	for i := range 10 {
		r, sku := regions[i%3], fmt.Sprintf("sku-%08d", i)
		counter.Add(r, 1000)
		grown.Add(r, 1000)
		set.Add(r, sku)
		stock.Update(r, sku, func(c *crdt.PNCounter) { c.Add(r, 2) })
	}
	for _, row := range []struct {
		name   string
		allocs float64
		state  interface{ MarshalBinary() ([]byte, error) }
		change func(p []byte) ([]byte, error)
	}{
		{"PNCounter of 3 replicas", 4, &counter, func(p []byte) ([]byte, error) {
			var c crdt.PNCounter
			require.NoError(t, c.UnmarshalBinary(p))
			c.Add("eu", 1)
			return c.MarshalBinary()
		}},
		{"GCounter of 3 replicas", 3, &grown, func(p []byte) ([]byte, error) {
			var c crdt.GCounter
			require.NoError(t, c.UnmarshalBinary(p))
			c.Add("eu", 1)
			return c.MarshalBinary()
		}},
		{"ORSet of 10 elements", 8, &set, func(p []byte) ([]byte, error) {
			var s crdt.ORSet[string]
			require.NoError(t, s.UnmarshalBinary(p))
			s.Add("eu", "milk")
			return s.MarshalBinary()
		}},
		{"ORMap of 10 counters", 16, &stock, func(p []byte) ([]byte, error) {
			var m crdt.ORMap[string, *crdt.PNCounter]
			require.NoError(t, m.UnmarshalBinary(p))
			m.Update("eu", "sku-00000000", func(c *crdt.PNCounter) { c.Add("eu", 2) })
			return m.MarshalBinary()
		}},
	} {
		p, err := row.state.MarshalBinary()
		require.NoError(t, err)
		allocs := testing.AllocsPerRun(200, func() { _, _ = row.change(p) })
		require.LessOrEqual(t, allocs, row.allocs, row.name)
	}
}

// TestReusedAllocs bounds what a row takes that is decoded into a state which others were decoded
// into before, and encoded into a buffer.
func TestReusedAllocs(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("encoders are not always used again")
	}
	regions := []vclock.Replica{"eu", "us", "ap"}
	var counter, oneCounter crdt.PNCounter
	var grown, oneGrown crdt.GCounter
	var set, oneSet crdt.ORSet[string]
	var stock, oneStock crdt.ORMap[string, *crdt.PNCounter]
	for i := range 10 {
		r, sku := regions[i%3], fmt.Sprintf("sku-%08d", i)
		counter.Add(r, 1000)
		grown.Add(r, 1000)
		set.Add(r, sku)
		stock.Update(r, sku, func(c *crdt.PNCounter) { c.Add(r, 2) })
	}
	for _, row := range []struct {
		name  string
		most  float64
		state interface{ MarshalBinary() ([]byte, error) }
		one   interface {
			UnmarshalBinary(p []byte) error
			AppendBinary(b []byte) ([]byte, error)
		}
		change func()
	}{
		{"PNCounter of 3 replicas", 0, &counter, &oneCounter, func() { oneCounter.Add("eu", 1) }},
		{"GCounter of 3 replicas", 0, &grown, &oneGrown, func() { oneGrown.Add("eu", 1) }},
		{"ORSet of 10 elements", 0, &set, &oneSet, func() { oneSet.Add("eu", "milk") }},
		{"ORMap of 10 counters", 6, &stock, &oneStock, func() {
			oneStock.Update("eu", "sku-00000000", func(c *crdt.PNCounter) { c.Add("eu", 2) })
		}},
	} {
		p, err := row.state.MarshalBinary()
		require.NoError(t, err)
		var buf []byte
		allocs := testing.AllocsPerRun(200, func() {
			err = row.one.UnmarshalBinary(p)
			row.change()
			buf, _ = row.one.AppendBinary(buf[:0])
		})
		require.NoError(t, err)
		require.LessOrEqual(t, allocs, row.most, row.name)
	}
}
