package antientropy

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"math/bits"

	"github.com/rejoin-go/rejoin/internal/nocopy"
)

// A Table holds a fingerprint for each key of a store, and finds by [Table.Ask]
// and [Table.Answer] the keys whose states another store lacks or has
// otherwise.
//
// The zero Table is empty and ready to use. A Table must not be copied. It is
// not safe for concurrent use, but like a map may be read, also by Ask and
// Answer, by several goroutines as long as none writes. Put and Delete take
// O(1), now and then O(n) for n keys. A key takes some 60 bytes beside its own.
type Table struct {
	_       nocopy.NoCopy
	buckets [][]entry // 1<<depth of them, by the upper bits of the id
	depth   uint
	n       int
	sums    []uint64 // of what is in each of the 1<<sumBits ranges
	total   uint64
}

// An entry is a key and what stands for it. Two keys may have one id.
type entry struct {
	id   uint64 // of the key
	item uint64 // of the key and the fingerprint
	key  string
}

const (
	sumBits    = 8  // of the ranges whose sums are kept
	maxPrefix  = 24 // bits of an id by which ranges are told apart
	bucketSize = 16 // mean number of entries in a bucket beyond which there are more buckets
)

// Fingerprint returns what a [Table] knows of a state by: the first half of a
// SHA-256 of its bytes, and no secret. Equal states must have equal bytes, in
// one form for all replicas, as binary encodings of this module have. A store
// may keep it beside the state.
func Fingerprint(state []byte) uint64 {
	sum := sha256.Sum256(state)
	return binary.BigEndian.Uint64(sum[:])
}

// Put notes the fingerprint of the state that key has now.
func (t *Table) Put(key string, fingerprint uint64) {
	if t.buckets == nil {
		t.buckets, t.sums = make([][]entry, 1), make([]uint64, 1<<sumBits)
	}
	id := Fingerprint([]byte(key))
	item := mix(id ^ mix(fingerprint))
	b := &t.buckets[t.bucket(id)]
	if e := find(*b, id, key); e != nil {
		t.add(id, item-e.item)
		e.item = item
		return
	}
	*b = append(*b, entry{id, item, key})
	t.add(id, item)
	if t.n++; t.n > bucketSize<<t.depth && t.depth < maxPrefix {
		t.grow()
	}
}

// Delete forgets key. Peers that have it send it again: what is deleted for
// good stays in the store as a state that says so.
func (t *Table) Delete(key string) {
	if t.n == 0 {
		return
	}
	id := Fingerprint([]byte(key))
	b := &t.buckets[t.bucket(id)]
	e := find(*b, id, key)
	if e == nil {
		return
	}
	t.add(id, -e.item)
	last := len(*b) - 1
	*e = (*b)[last]
	(*b)[last] = entry{}
	*b = (*b)[:last]
	t.n--
}

// Len returns the number of keys.
func (t *Table) Len() int { return t.n }

func (t *Table) bucket(id uint64) uint64 { return id >> 1 >> (63 - t.depth) }

func find(b []entry, id uint64, key string) *entry {
	for i := range b {
		if b[i].id == id && b[i].key == key {
			return &b[i]
		}
	}
	return nil
}

func (t *Table) add(id, item uint64) {
	t.sums[id>>(64-sumBits)] += item
	t.total += item
}

// grow gives each bucket a second one beside it.
func (t *Table) grow() {
	old := t.buckets
	t.depth++
	t.buckets = make([][]entry, 2*len(old))
	for _, b := range old {
		for _, e := range b {
			at := t.bucket(e.id)
			t.buckets[at] = append(t.buckets[at], e)
		}
	}
}

// A prefix is the upper bits of ids: how many is said beside it.
type prefix = uint32

// each calls yield with the entries in a range: those whose ids begin with p, of
// depth bits.
func (t *Table) each(p prefix, depth uint, yield func(e *entry)) {
	if t.n == 0 {
		return
	}
	from, to := uint64(p), uint64(p)+1
	if depth <= t.depth {
		from, to = from<<(t.depth-depth), to<<(t.depth-depth)
	} else {
		from >>= depth - t.depth
		to = from + 1
	}
	for _, b := range t.buckets[from:to] {
		for i := range b {
			if prefixOf(b[i].id, depth) == p {
				yield(&b[i])
			}
		}
	}
}

// prefixOf returns the upper depth bits of id.
func prefixOf(id uint64, depth uint) prefix { return prefix(id >> 1 >> (63 - depth)) }

// rangeSums returns the sums of the 1<<width ranges that the range of p, of depth
// bits, consists of, in sums.
func (t *Table) rangeSums(p prefix, depth, width uint, sums []uint64) []uint64 {
	sums = append(sums[:0], make([]uint64, 1<<width)...)
	switch {
	case t.n == 0:
	case depth+width <= sumBits:
		span := uint64(1) << (sumBits - depth)
		for i, sum := range t.sums[uint64(p)*span : (uint64(p)+1)*span] {
			sums[i>>(sumBits-depth-width)] += sum
		}
	default:
		t.each(p, depth, func(e *entry) {
			sums[prefixOf(e.id, depth+width)&(1<<width-1)] += e.item
		})
	}
	return sums
}

// mix returns a number that each bit of x changes half of, and no two x have the
// same: the last step of MurmurHash3, by Austin Appleby, in the variant of David
// Stafford.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// A mark stands for an entry in one exchange: the first nameBits of its id, then a
// hash of the item by the salt.
type mark uint64

const nameBits = 40

func markOf(e *entry, salt uint64) mark {
	const low = 1<<(64-nameBits) - 1
	return mark(e.id&^low | mix(e.item^salt)&low)
}

// A name is the first nameBits of an id.
type name uint64

func (m mark) name() name { return name(m >> (64 - nameBits)) }

// salted returns what a sum is compared by.
func salted(sum, salt uint64) uint64 { return mix(sum ^ bits.RotateLeft64(mix(salt), 17)) }

// Collect returns a table of all keys and fingerprints that all yields, such as
// the Digest of one large state, with which a table tells what the state lacks
// of another.
func Collect(all iter.Seq2[string, uint64]) *Table {
	t := new(Table)
	for key, fingerprint := range all {
		t.Put(key, fingerprint)
	}
	return t
}
