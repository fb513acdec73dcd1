package crdt_test

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// A pooled is a causal state that rows are decoded into.
type pooled[S any] interface {
	*S
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(p []byte) error
	Clone() *S
	Merge(o *S) bool
	Context() crdt.Context
	Ask(salt uint64) []byte
	Answer(msg []byte) ([]byte, *S, error)
}

// A handed is what came out of a state, and its bytes then.
type handed struct {
	what  string
	now   func() ([]byte, error)
	bytes []byte
}

// requireOwnMemory decodes rows into one state and changes it, again and again: what came out of it
// before (clones, deltas, what it was merged into, chunks, answers, contexts) stays what it was.
func requireOwnMemory[S any, P pooled[S]](t *testing.T, change func(s P, rng *rand.Rand) P) {
	t.Helper()
	t.Run(fmt.Sprintf("%T", *new(P)), func(t *testing.T) {
		for seed := range uint64(15) {
			rng := rand.New(rand.NewPCG(seed, 1))
			var rows [][]byte
			for _, n := range []int{0, 1, 3, 40, 300} {
				var s S
				for range n {
					change(&s, rng)
				}
				p, err := P(&s).MarshalBinary()
				require.NoError(t, err)
				rows = append(rows, p)
			}
			var used S
			var out []handed
			keep := func(what string, s P) {
				p, err := s.MarshalBinary()
				require.NoError(t, err)
				out = append(out, handed{what, s.MarshalBinary, p})
			}
			for step := range 12 {
				require.NoError(t, P(&used).UnmarshalBinary(rows[rng.IntN(len(rows))]))
				for _, h := range out {
					now, err := h.now()
					require.NoError(t, err)
					require.Equal(t, h.bytes, now, "%s is another, seed %d, step %d", h.what, seed, step)
				}
				if step%2 == 0 {
					keep("a delta", change(&used, rng))
				}
				keep("a clone", P(&used).Clone())
				joined, into := P(new(S)), P(new(S))
				joined.Merge(&used)
				keep("what it was merged into", joined)
				change(into, rng)
				into.Merge(&used)
				keep("what it was merged into", into)
				if s, ok := any(&used).(interface{ Chunks(size int) iter.Seq[*S] }); ok {
					for c := range s.Chunks(300) {
						keep("a chunk", c)
					}
				}
				if _, delta, err := P(&used).Answer(P(new(S)).Ask(seed)); delta != nil {
					require.NoError(t, err)
					keep("an answer", delta)
				}
				seen := P(&used).Context()
				p, err := seen.MarshalBinary()
				require.NoError(t, err)
				out = append(out, handed{"a context", seen.MarshalBinary, p})
			}
		}
	})
}

// TestDecodedIntoSharesNothing is the promise of docs/store.md to a service with a pool.
func TestDecodedIntoSharesNothing(t *testing.T) {
	name := func(rng *rand.Rand) vclock.Replica {
		return vclock.Replica([]string{"eu", "us", "eu#1", "ap"}[rng.IntN(4)])
	}
	word := func(rng *rand.Rand) string { return fmt.Sprint("w", rng.IntN(60)) }
	requireOwnMemory(t, func(s *crdt.ORSet[string], rng *rand.Rand) *crdt.ORSet[string] {
		if rng.IntN(4) == 0 {
			return s.Remove(name(rng), word(rng))
		}
		return s.Add(name(rng), word(rng))
	})
	requireOwnMemory(t, func(s *crdt.ORSet[int], rng *rand.Rand) *crdt.ORSet[int] {
		if rng.IntN(4) == 0 {
			return s.Remove(name(rng), rng.IntN(60))
		}
		return s.Add(name(rng), rng.IntN(600))
	})
	requireOwnMemory(t, func(s *crdt.RWSet[string], rng *rand.Rand) *crdt.RWSet[string] {
		if rng.IntN(4) == 0 {
			return s.Remove(name(rng), word(rng))
		}
		return s.Add(name(rng), word(rng))
	})
	requireOwnMemory(t, func(f *crdt.EWFlag, rng *rand.Rand) *crdt.EWFlag {
		if rng.IntN(3) == 0 {
			return f.Disable(name(rng))
		}
		return f.Enable(name(rng))
	})
	requireOwnMemory(t, func(f *crdt.DWFlag, rng *rand.Rand) *crdt.DWFlag {
		if rng.IntN(3) == 0 {
			return f.Disable(name(rng))
		}
		return f.Enable(name(rng))
	})
	requireOwnMemory(t, func(m *crdt.MVRegister[string], rng *rand.Rand) *crdt.MVRegister[string] {
		d, err := m.Set(name(rng), word(rng))
		require.NoError(t, err)
		return d
	})
	requireOwnMemory(t, func(c *crdt.PNCounter, rng *rand.Rand) *crdt.PNCounter {
		if rng.IntN(8) == 0 {
			return c.Reset(name(rng))
		}
		return c.Add(name(rng), int64(rng.IntN(9)-4))
	})
	type (
		counters = crdt.ORMap[string, *crdt.PNCounter]
		sets     = crdt.ORMap[string, *crdt.ORSet[string]]
		nested   = crdt.ORMap[string, *counters]
	)
	requireOwnMemory(t, func(m *counters, rng *rand.Rand) *counters {
		r := name(rng)
		if rng.IntN(5) == 0 {
			return m.Delete(r, word(rng))
		}
		return m.Update(r, word(rng), func(c *crdt.PNCounter) { c.Add(r, 1) })
	})
	requireOwnMemory(t, func(m *sets, rng *rand.Rand) *sets {
		r := name(rng)
		if rng.IntN(5) == 0 {
			return m.Delete(r, word(rng))
		}
		return m.Update(r, word(rng), func(s *crdt.ORSet[string]) { s.Add(r, word(rng)) })
	})
	requireOwnMemory(t, func(m *nested, rng *rand.Rand) *nested {
		r := name(rng)
		return m.Update(r, word(rng), func(m *counters) {
			m.Update(r, word(rng), func(c *crdt.PNCounter) { c.Add(r, 1) })
		})
	})
}

// A bomb is a value whose method panics on some bytes.
type bomb struct{ n byte }

func (b bomb) MarshalText() ([]byte, error) { return []byte{b.n}, nil }

func (b *bomb) UnmarshalText(p []byte) error {
	if b.n = p[0]; b.n == '!' {
		panic("bomb")
	}
	return nil
}

// TestNewStateAfterFailure: what could not be read, or stopped half-way, leaves a new state as it was.
func TestNewStateAfterFailure(t *testing.T) {
	var from crdt.MVRegister[bomb]
	_, err := from.Set("eu", bomb{'.'})
	require.NoError(t, err)
	p, err := from.MarshalBinary()
	require.NoError(t, err)
	var m crdt.MVRegister[bomb]
	require.PanicsWithValue(t, "bomb", func() { _ = m.UnmarshalBinary(bytes.Replace(p, []byte("."), []byte("!"), 1)) })
	require.Equal(t, "[]", m.String())
	require.NoError(t, m.UnmarshalBinary(p))
	require.True(t, m.Equal(&from))

	var set, add crdt.ORSet[string]
	delta := add.Add("eu", "a")
	for _, s := range []*crdt.ORSet[string]{&set, delta} {
		before, err := s.MarshalBinary()
		require.NoError(t, err)
		for cut := range before {
			require.Error(t, s.UnmarshalBinary(before[:cut]))
			after, err := s.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, before, after)
		}
		s.Add("us", "b")
		require.True(t, s.Contains("b"))
	}
}
