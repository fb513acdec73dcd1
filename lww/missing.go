package lww

import (
	"encoding/binary"
	"iter"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// digest yields the canonical bytes of every key and a fingerprint of its stamp.
func (c *core[K, V]) digest(yield func(string, uint64) bool) {
	var buf []byte
	for i := range c.entries {
		e := &c.entries[i]
		buf = binary.BigEndian.AppendUint64(buf[:0], uint64(e.time))
		buf = append(append(buf, byte(e.by&gone)), c.replicas.names[e.replica()]...)
		if !yield(string(value.AppendKey(nil, e.key)), antientropy.Fingerprint(buf)) {
			return
		}
	}
}

// missing returns the versions of the keys with the given ids.
func (c *core[K, V]) missing(ids []string) (d core[K, V]) {
	for _, id := range ids {
		k, err := value.DecodeKey[K]([]byte(id))
		if err != nil {
			continue
		}
		if i := c.lookup(k); i >= 0 && d.lookup(k) < 0 {
			v := c.at(i)
			d.add(&v)
		}
	}
	return d
}

// Digest returns an iterator over what a [antientropy.Table] has to know of m: an id for
// each key, deleted ones included, and a fingerprint of its stamp. Two tables find the ids that
// differ, and [Map.Missing] returns the versions:
//
//	table := antientropy.Collect(m.Digest())
//	reply, send, err := table.Answer(msg)
//	delta := m.Missing(send) // to the peer, with the reply
//
// A table may be kept, and noted in it what the Digest of each delta yields that changed m.
//
// Where the horizons of two sides differ, exchange whole states once: what the one has
// compacted, the other would send it each time. Two values under one stamp, which only a reused
// replica name makes, look the same to it: a merge of whole states decides between them.
func (m *Map[K, V]) Digest() iter.Seq2[string, uint64] { return m.digest }

// Missing returns the versions of the keys with the given ids, from a [Map.Digest], as a
// delta: what a peer is missing. It leaves out keys that m does not know.
func (m *Map[K, V]) Missing(ids []string) *Map[K, V] { return &Map[K, V]{core: m.missing(ids)} }

// Digest returns an iterator over the elements and fingerprints of their stamps: see
// [Map.Digest].
func (s *Set[E]) Digest() iter.Seq2[string, uint64] { return s.digest }

// Missing returns the versions of the elements with the given ids: see [Map.Missing].
func (s *Set[E]) Missing(ids []string) *Set[E] { return &Set[E]{core: s.missing(ids)} }
