package crdt_test

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// A digested is what types without dots have in common.
type digested[S any] interface {
	crdt.State[S]
	Missing(ids []string) S
}

// requireCatchesUp has two states find what they lack of each other, and returns how many
// bytes of messages that took.
func requireCatchesUp[S digested[S]](t *testing.T, a, b S, digest func(S) iter.Seq2[string, uint64]) int {
	t.Helper()
	sides, bytes := []S{a, b}, 0
	msg := antientropy.Collect(digest(a)).Ask(1)
	for to := 1; msg != nil; to = 1 - to {
		bytes += len(msg)
		reply, send, err := antientropy.Collect(digest(sides[to])).Answer(msg)
		require.NoError(t, err)
		sides[1-to].Merge(sides[to].Missing(append(send, "no id", "\x00")))
		msg = reply
	}
	require.True(t, a.Equal(b))
	return bytes
}

func TestMissing(t *testing.T) {
	t.Parallel()
	var g, h crdt.GSet[string]
	var p, q crdt.TwoPSet[int]
	var c, d crdt.GCounter
	var m, o crdt.GMap[string, *crdt.GCounter]
	for i := range 3000 {
		key := fmt.Sprintf("key-%d", i)
		g.Add(key)
		p.Add(i)
		c.Add(vclock.Replica(key), 1)
		m.Update(key, func(c *crdt.GCounter) *crdt.GCounter { return c.Add("a", 1) })
	}
	h.Merge(&g)
	q.Merge(&p)
	d.Merge(&c)
	o.Merge(&m)
	for i := range 20 {
		key := fmt.Sprintf("key-%d", 100*i)
		g.Add(fmt.Sprint("g", i))
		h.Add(fmt.Sprint("h", i))
		p.Remove(7 * i)
		q.Add(9000 + i)
		c.Add(vclock.Replica(key), 5)
		d.Add("b", 1)
		m.Update(key, func(c *crdt.GCounter) *crdt.GCounter { return c.Add("a", 1) })
		o.Update(key, func(c *crdt.GCounter) *crdt.GCounter { return c.Add("b", 1) })
	}
	const few = 4000
	require.Less(t, requireCatchesUp(t, &g, &h, (*crdt.GSet[string]).Digest), few)
	require.Less(t, requireCatchesUp(t, &p, &q, (*crdt.TwoPSet[int]).Digest), few)
	require.Less(t, requireCatchesUp(t, &c, &d, (*crdt.GCounter).Digest), few)
	require.Less(t, requireCatchesUp(t, &m, &o, func(m *crdt.GMap[string, *crdt.GCounter]) iter.Seq2[string, uint64] {
		all, err := m.Digest()
		require.NoError(t, err)
		return all
	}), few)
}

// TestBoundedCounterMissing has counters that moved rights find, by digests, what they lack
// of each other, and nothing that the sender does not hold.
func TestBoundedCounterMissing(t *testing.T) {
	t.Parallel()
	moved := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		names := []vclock.Replica{"a", "b", "c"}
		start := crdt.AtLeast(int64(seed % 3))
		sites := []*crdt.BoundedCounter{start, {}, start.Clone()}
		for range 20 {
			i, k := rng.IntN(3), rng.IntN(3)
			switch c := sites[i]; rng.IntN(5) {
			case 0:
				_, err := c.Add(names[i], 1+rng.Int64N(9))
				require.NoError(t, err)
			case 1:
				_, _ = c.Sub(names[i], 1+rng.Int64N(4)) // it may hold too few rights
			case 2:
				if _, err := c.Transfer(names[i], names[k], 1+rng.Int64N(4)); err == nil && i != k {
					moved++
				}
			case 3:
				if i != k {
					c.Merge(sites[k])
				}
			case 4:
				part := sites[k].Missing([]string{string(names[rng.IntN(3)])})
				require.False(t, sites[k].Clone().Merge(part))
				if c.Merge(part); i == k {
					continue
				}
				_, sound := c.Total()
				require.True(t, sound)
			}
		}
		requireCatchesUp(t, sites[0], sites[1], (*crdt.BoundedCounter).Digest)
		requireCatchesUp(t, sites[1], sites[2], (*crdt.BoundedCounter).Digest)
	}
	require.NotZero(t, moved)
}

func TestSelectNormalizes(t *testing.T) {
	t.Parallel()
	var m, part crdt.ORMap[float64, *crdt.EWFlag]
	m.Update("eu", 0, func(f *crdt.EWFlag) { f.Enable("eu") })
	part.Merge(m.Select(math.NaN(), math.Copysign(0, -1)))
	require.True(t, part.Equal(&m))
	for key := range part.All() {
		require.False(t, math.Signbit(key))
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	var m, got crdt.ORMap[string, *crdt.PNCounter]
	require.Zero(t, m.Select("a").Len())
	for _, key := range []string{"a", "b", "c"} {
		m.Update("eu", key, func(c *crdt.PNCounter) { c.Add("eu", 2) })
		m.Update("us", key, func(c *crdt.PNCounter) { c.Add("us", 3) })
	}
	m.Update("us", "a", func(c *crdt.PNCounter) { c.Reset("us") })
	m.Update("us", "a", func(c *crdt.PNCounter) { c.Add("us", 1) })
	part := m.Select("a", "c", "d")
	require.False(t, m.Clone().Merge(part))
	got.Merge(part)
	require.Equal(t, 2, got.Len())
	a, _ := got.At("a")
	n, _ := a.Total()
	require.Equal(t, int64(1), n)
	require.False(t, got.Contains("b"))
	got.Merge(&m)
	require.True(t, got.Equal(&m))
}

// A client gets the keys that it may have, and nothing of the others.
func ExampleORMap_Select() {
	var carts, phone crdt.ORMap[string, *crdt.ORSet[string]]
	carts.Update("eu", "ann", func(s *crdt.ORSet[string]) { s.Add("eu", "milk") })
	carts.Update("eu", "bob", func(s *crdt.ORSet[string]) { s.Add("eu", "tea") })
	phone.Merge(carts.Select("ann"))
	fmt.Println(phone.Len(), phone.Contains("ann"))
	// Output: 1 true
}
