package antientropy_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

type set = *crdt.ORSet[int]

// Three replicas that ship groups of deltas over a network that loses, delays and
// repeats, restart without their logs, and acknowledge what they have merged.
func TestLogHistories(t *testing.T) {
	t.Parallel()
	names := []vclock.Replica{"a", "b", "c"}
	type message struct {
		from, to int
		delta    set
		upto     uint64
		ack      bool
	}
	rapid.Check(t, func(t *rapid.T) {
		states, logs, starts := [3]set{}, [3]*antientropy.Log[set]{}, uint64(0)
		limit := rapid.IntRange(1, 8).Draw(t, "limit")
		restart := func(i int) {
			starts++
			logs[i] = antientropy.NewLog[set](starts<<32, limit)
		}
		for i := range states {
			states[i] = new(crdt.ORSet[int])
			restart(i)
		}
		var network []message
		ship := func(i, k int) {
			delta, upto, ok := logs[i].Pending(names[k])
			if !ok {
				delta, upto = states[i].Clone(), logs[i].End()
			}
			network = append(network, message{from: i, to: k, delta: delta, upto: upto})
		}
		arrive := func(m message) {
			if m.ack {
				logs[m.to].Ack(names[m.from], m.upto)
				return
			}
			if m.delta != nil && states[m.to].Merge(m.delta) {
				logs[m.to].Append(names[m.from], m.delta)
			}
			network = append(network, message{from: m.to, to: m.from, upto: m.upto, ack: true})
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			i := rapid.IntRange(0, 2).Draw(t, "replica")
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1, 2:
				logs[i].Append(names[i], states[i].Add(names[i], rapid.IntRange(0, 5).Draw(t, "element")))
			case 3:
				logs[i].Append(names[i], states[i].Remove(names[i], rapid.IntRange(0, 5).Draw(t, "element")))
			case 4, 5:
				ship(i, (i+rapid.IntRange(1, 2).Draw(t, "peer"))%3)
			case 6, 7, 8:
				if len(network) > 0 {
					at := rapid.IntRange(0, len(network)-1).Draw(t, "message")
					m := network[at]
					if rapid.IntRange(0, 3).Draw(t, "again") > 0 {
						network = append(network[:at], network[at+1:]...)
					}
					arrive(m)
				}
			default:
				restart(i)
			}
		}
		network = nil // all that is on its way is lost
		for range 3 {
			for i := range states {
				for k := range states {
					if i == k {
						continue
					}
					ship(i, k)
					for len(network) > 0 {
						m := network[0]
						network = network[1:]
						arrive(m)
					}
				}
			}
		}
		require.True(t, states[0].Equal(states[1]))
		require.True(t, states[0].Equal(states[2]))
	})
}

func TestLogLimits(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { antientropy.NewLog[set](0, 0) })
	var s crdt.ORSet[int]
	log := antientropy.NewLog[set](10, 3)
	log.Ack("b", 11) // nothing has that number yet
	_, _, ok := log.Pending("b")
	require.False(t, ok)
	log.Ack("b", log.End())
	for i := range 3 {
		log.Append("a", s.Add("a", i))
	}
	d, upto, ok := log.Pending("b")
	require.True(t, ok)
	require.Equal(t, uint64(13), upto)
	require.Equal(t, 3, d.Len())
	log.Append("a", s.Add("a", 3))
	_, _, ok = log.Pending("b")
	require.False(t, ok, "what b needs is gone")
	log.Ack("b", upto) // late, but still good
	d, _, ok = log.Pending("b")
	require.True(t, ok)
	require.Equal(t, 1, d.Len())
	log.Append("b", s.Add("b", 4))
	d, _, _ = log.Pending("b")
	require.Equal(t, 1, d.Len(), "what b sent does not go back")
	log.Forget("b")
	_, _, ok = log.Pending("b")
	require.False(t, ok)
}

// A log of a late start has large numbers. It keeps what it has room for as long as nobody
// has acknowledged anything, as one of small numbers does.
func TestLogOfLargeNumbers(t *testing.T) {
	t.Parallel()
	for _, start := range []uint64{0, 1 << 32, 1<<63 - 1, 1 << 63, 1<<63 + 5, math.MaxUint64 - 100} {
		var s crdt.ORSet[int]
		log := antientropy.NewLog[set](start, 10)
		for i := range 5 {
			log.Append("a", s.Add("a", i))
		}
		require.Equal(t, start+5, log.End())
		log.Ack("b", start+2)
		d, upto, ok := log.Pending("b")
		require.True(t, ok, start)
		require.Equal(t, start+5, upto)
		require.Equal(t, 3, d.Len())
	}
}

// What all peers have is kept no longer, so that somebody who comes with an old number
// is sent the whole state.
func TestLogDropsWhatAllHave(t *testing.T) {
	t.Parallel()
	var s crdt.ORSet[int]
	log := antientropy.NewLog[set](0, 100)
	log.Ack("b", log.End())
	log.Ack("c", log.End())
	early := log.End() + 1
	for i := range 5 {
		log.Append("a", s.Add("a", i))
	}
	log.Ack("b", log.End())
	d, _, ok := log.Pending("c")
	require.True(t, ok)
	require.Equal(t, 5, d.Len(), "kept for c")
	log.Ack("c", log.End()-1)
	log.Ack("d", early)
	_, _, ok = log.Pending("d")
	require.False(t, ok, "b and c have it, and it is gone")
	d, _, ok = log.Pending("c")
	require.True(t, ok)
	require.Equal(t, 1, d.Len())
}

// A lost message costs its own bytes once more, and the acknowledgement.
func TestLogBytes(t *testing.T) {
	t.Parallel()
	var a, b crdt.ORSet[string]
	for i := range 10_000 {
		a.Add("a", fmt.Sprintf("sku-%08d", i))
	}
	b.Merge(&a)
	log := antientropy.NewLog[*crdt.ORSet[string]](0, 1000)
	log.Ack("b", log.End())
	own := 0
	for i := range 150 {
		var d *crdt.ORSet[string]
		if i%3 < 2 {
			d = a.Add("a", fmt.Sprintf("sku-%08d", 20_000+i))
		} else {
			d = a.Remove("a", fmt.Sprintf("sku-%08d", i*50))
		}
		p, err := d.MarshalBinary()
		require.NoError(t, err)
		own += len(p)
		log.Append("a", d)
	}
	d, upto, ok := log.Pending("b")
	require.True(t, ok)
	p, err := d.MarshalBinary()
	require.NoError(t, err)
	t.Logf("150 deltas of %d bytes in one of %d", own, len(p))
	require.LessOrEqual(t, len(p), own)
	b.Merge(d)
	log.Ack("b", upto)
	require.True(t, a.Equal(&b))
}
