package crdt

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// AddAtBinary is [AddBinary] for the counter at key in the bytes of an
// [ORMap][K, *PNCounter]. It takes O(n log n) for n counters, and 8 bytes for
// each beyond 64. Row is decoded, too, for a first increment at a key that
// others have.
func AddAtBinary[K comparable](dst, row []byte, r vclock.Replica, key K, n int64) ([]byte, error) {
	if b, ok := addAtRow(dst, row, r, key, n); ok {
		return b, nil
	}
	checkReplica(r)
	var m ORMap[K, *PNCounter]
	if err := m.UnmarshalBinary(row); err != nil {
		return dst, err
	}
	if err := m.Usable(r); err != nil {
		return dst, err
	}
	m.Update(r, key, func(c *PNCounter) { c.Add(r, n) })
	return m.AppendBinary(dst)
}

// addAtRow is AddAtBinary for a row without resets, in which r has seen changes, and the counter at
// key has a sum of r, or is not there. It reports false for any other, be it a state or not.
func addAtRow[K comparable](dst, row []byte, name vclock.Replica, key K, n int64) ([]byte, bool) {
	var kindRoom, keyRoom [64]byte
	var dots [64]uint64
	kinds := append(appendKeyed[K](kindRoom[:0], kindORMap), kindPNCounter)
	if len(row) < 1+len(kinds) || len(name) > vclock.MaxReplica || row[0] != stateVersion || !bytes.Equal(row[1:1+len(kinds)], kinds) {
		return dst, false
	}
	key, err := value.Normalize(key)
	if err != nil {
		return dst, false
	}
	x := mapRow[K]{counterRow: counterRow{row: row, at: 1 + len(kinds), nested: true}, key: appendKeyOf(keyRoom[:0], key)}
	x.writer.name, x.writer.life = name.Lineage()
	if !x.context() || !x.entries(n, dots[:0]) {
		return dst, false
	}
	dst = slices.Grow(dst, len(row)+len(x.key)+x.numbers.grows()+8*binary.MaxVarintLen64)
	dst = append(append(dst, row[:x.numbers.from]...), x.numbers.bytes()...)
	if x.sum.n > 0 {
		dst = append(append(dst, row[x.numbers.to:x.sum.from]...), x.sum.bytes()...)
		return append(dst, row[x.sum.to:]...), true
	}
	dst = append(dst, row[x.numbers.to:x.count.from]...)
	dst = append(append(dst, x.count.bytes()...), row[x.count.to:x.place]...)
	dst = wire.AppendBytes(dst, x.key)
	dst = binary.AppendUvarint(append(dst, 1), uint64(x.writer.replica)<<formWidth|formSingle)
	dst = binary.AppendVarint(appendStep(dst, 0, x.seq), n)
	return append(dst, row[x.place:]...), true
}

// appendKeyOf is [value.AppendKey] that leaves b on the stack where K is string.
func appendKeyOf[K comparable](b []byte, k K) []byte {
	if s, ok := any(&k).(*string); ok {
		return append(b, *s...)
	}
	return append(b, value.AppendKey(nil, k)...)
}

// A mapRow is the bytes of a map of counters, at a key of which a replica makes an increment.
type mapRow[K comparable] struct {
	counterRow
	key   []byte
	count edit // of the entries, if the key is new
	place int  // where its entry belongs
}

// entries reads the entries, as decode does, and adds n at the key. It reports false if it
// cannot. Dots is room for those of the values.
func (x *mapRow[K]) entries(n int64, dots []uint64) (ok bool) {
	p := x.row
	x.count.from = x.at
	entries, i := wire.UvarintAt(p, x.at)
	x.count.to = i
	var last []byte
	found := false
	for k := range entries {
		size, at := wire.UvarintAt(p, i)
		if at > len(p) || size > uint64(len(p)-at) {
			return false
		}
		key := p[at : at+int(size)]
		if k > 0 && bytes.Compare(last, key) >= 0 || !value.IsKey[K](key) {
			return false
		}
		last = key
		order := bytes.Compare(key, x.key)
		if order > 0 && x.place == 0 {
			x.place = i
		}
		before := len(dots)
		x.at = at + int(size)
		if dots, ok = x.tallies(n, order == 0, dots); !ok || len(dots) == before {
			return false
		}
		i, found = x.at, found || order == 0
	}
	if i != len(p) || found != (x.sum.n > 0) {
		return false
	}
	if x.place == 0 {
		x.place = i
	}
	x.count.uvarint(entries + 1)
	slices.Sort(dots)
	for k, d := range dots {
		if k > 0 && d == dots[k-1] {
			return false
		}
	}
	return true
}
