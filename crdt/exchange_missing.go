package crdt

import (
	"fmt"
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"

	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// Types that number no events have a Digest and a Missing in place of Ask and Answer.

// idOf returns the id of a key in a digest.
func idOf[K comparable](k K) string { return string(value.AppendKey(nil, k)) }

// keysOf calls yield with the keys that have ids.
func keysOf[K comparable](ids []string, yield func(k K)) {
	for _, id := range ids {
		if k, err := value.DecodeKey[K]([]byte(id)); err == nil {
			yield(k)
		}
	}
}

// Digest returns an iterator over an id for each element: see Exchange above.
func (s *GSet[E]) Digest() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for _, e := range s.elems() {
			if !yield(idOf(e), 0) {
				return
			}
		}
	}
}

// Missing returns the part of s with the given ids.
func (s *GSet[E]) Missing(ids []string) *GSet[E] {
	d := new(GSet[E])
	keysOf(ids, func(e E) {
		if s.Contains(e) {
			d.Add(e)
		}
	})
	return d
}

// Digest returns ids of the elements, present or removed.
func (s *TwoPSet[E]) Digest() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		elems, phases := s.elems()
		for i, e := range elems {
			if !yield(idOf(e), uint64(phases[i])) {
				return
			}
		}
	}
}

// Missing returns the part of s with the given ids.
func (s *TwoPSet[E]) Missing(ids []string) *TwoPSet[E] {
	s = s.orEmpty()
	d := new(TwoPSet[E])
	keysOf(ids, func(e E) {
		if p := s.phase(e); p != absent {
			d.raise(d.in.find(e), e, p)
		}
	})
	return d
}

// Digest returns ids of the replicas, of use where very many have counted.
func (c *GCounter) Digest() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for _, s := range c.shares() {
			sum := s.total
			if isClosed(s) {
				sum = mix(mix(s.total) ^ s.below)
			}
			if !yield(string(s.replica), sum) {
				return
			}
		}
	}
}

// Missing returns the part of c with the given ids.
func (c *GCounter) Missing(ids []string) *GCounter {
	d := new(GCounter)
	for _, s := range c.shares() {
		if slices.Contains(ids, string(s.replica)) {
			d.all = append(d.all, s)
		}
	}
	return d
}

// Digest returns ids of the replicas, and one of the bound and all moves.
func (c *BoundedCounter) Digest() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for _, h := range c.holdings() {
			if !yield(string(h.replica), mix(mix(uint64(h.minted))^uint64(h.spent))) {
				return
			}
		}
		if moves := c.Missing(nil); len(moves.moves) > 0 || moves.bound != (bound{}) {
			b, _ := moves.AppendBinary(nil) // it returns no errors
			yield("", antientropy.Fingerprint(b))
		}
	}
}

// Missing returns the part of c with the given ids, and all moves of rights.
func (c *BoundedCounter) Missing(ids []string) *BoundedCounter {
	c = c.orEmpty()
	d := &BoundedCounter{boundedCounterState: boundedCounterState{escrow: escrow{moves: c.moves, bound: c.bound}}}
	for _, h := range c.holdings() {
		if slices.Contains(ids, string(h.replica)) {
			d.all = append(d.all, holding{entry: h.entry})
		}
	}
	d.settle()
	return d
}

// Digest returns ids of the keys with their values, or fails to encode them.
func (m *GMap[K, V]) Digest() (iter.Seq2[string, uint64], error) {
	if err := checkBinary[V](); err != nil {
		return nil, fmt.Errorf("crdt: digest GMap: %w", err)
	}
	m = m.orEmpty()
	prints := make([]uint64, 0, m.Len())
	var buf []byte
	for i, v := range m.values {
		var err error
		if buf, err = appendState(buf[:0], v); err != nil {
			return nil, fmt.Errorf("crdt: digest GMap: key %s: %w", value.AppendKeyJSON(nil, m.in.keys[i]), err)
		}
		prints = append(prints, antientropy.Fingerprint(buf))
	}
	return func(yield func(string, uint64) bool) {
		for i, f := range prints {
			if !yield(idOf(m.in.keys[i]), f) {
				return
			}
		}
	}, nil
}

// Missing returns a copy of the part of m with the given ids.
func (m *GMap[K, V]) Missing(ids []string) *GMap[K, V] {
	d := new(GMap[K, V])
	keysOf(ids, func(k K) {
		if v, ok := m.At(k); ok && d.in.find(k) < 0 {
			d.put(k, v.Clone())
		}
	})
	return d
}

// Select returns a delta with what some keys hold, and nothing of what was
// removed there, as for a client that may not see more, in O(n).
func (m *ORMap[K, V]) Select(keys ...K) *ORMap[K, V] {
	m = m.state()
	d := m.delta()
	if m.root == nil {
		return d
	}
	d.root = m.root.bare()
	for _, key := range keys {
		key, err := value.Normalize(key)
		if err != nil {
			continue // no key of a map
		}
		if v, ok := m.entries[key]; ok {
			reach(v, func(x dot) { d.root.see(x) })
			d.settle(key, v.copy(d.root, d.scopeAt(key)))
		}
	}
	return d
}
