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

// Digest returns an iterator over an id of each key, deleted or not, and a
// fingerprint of its stamp, for an [antientropy.Table], which finds the ids
// that differ:
//
//	table := antientropy.Collect(m.Digest())
//	reply, send, err := table.Answer(msg)
//	delta := m.Missing(send) // to the peer, with the reply
//
// To keep a table, note in it what the Digest of each delta yields that changed
// m. Merge whole states where horizons differ, or each time one side sends what
// the other has compacted; and where one stamp is of two values, which look the
// same here.
func (m *Map[K, V]) Digest() iter.Seq2[string, uint64] { return m.digest }

// Missing returns a delta of the keys with the given ids of a [Map.Digest], in
// O(1) for each. It leaves out those that m does not know.
func (m *Map[K, V]) Missing(ids []string) *Map[K, V] { return &Map[K, V]{core: m.missing(ids)} }

// Digest returns an iterator over ids and fingerprints: see [Map.Digest].
func (s *Set[E]) Digest() iter.Seq2[string, uint64] { return s.digest }

// Missing returns a delta of the elements with the given ids: see
// [Map.Missing].
func (s *Set[E]) Missing(ids []string) *Set[E] { return &Set[E]{core: s.missing(ids)} }
