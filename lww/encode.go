package lww

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// formatVersion is the first byte of the encodings of Map and Set.
const formatVersion = 1

// A keyed is a position with the canonical bytes of its key.
type keyed struct {
	key      []byte
	position int
}

// inOrder returns the positions of all entries, sorted by the canonical bytes of
// their keys.
func (c *core[K, V]) inOrder() []keyed {
	order := make([]keyed, len(c.entries))
	var arena []byte
	ends := make([]int, len(c.entries))
	for i := range c.entries {
		arena = codec.AppendKey(arena, c.entries[i].key)
		ends[i] = len(arena)
	}
	start := 0
	for i, end := range ends {
		order[i] = keyed{arena[start:end:end], i}
		start = end
	}
	slices.SortFunc(order, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
	return order
}

// usedReplicas returns the names that entries refer to, sorted, and for each
// number of the table its index among them.
func (c *core[K, V]) usedReplicas() (names []vclock.Replica, ranks []uint64) {
	ranks = make([]uint64, len(c.replicas.names))
	for i := range c.entries {
		ranks[c.entries[i].by>>1] = 1
	}
	for i, r := range c.replicas.names {
		if ranks[i] == 1 {
			names = append(names, r)
		}
	}
	slices.Sort(names)
	for i, r := range c.replicas.names {
		if ranks[i] == 1 {
			rank, _ := slices.BinarySearch(names, r)
			ranks[i] = uint64(rank)
		}
	}
	return names, ranks
}

// appendBinary appends the encoding that [Map.AppendBinary] documents. Values
// are left out of a set.
func (c *core[K, V]) appendBinary(b []byte, set bool) []byte {
	b = append(b, formatVersion)
	b = binary.AppendUvarint(b, uint64(c.horizon))
	names, ranks := c.usedReplicas()
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, r := range names {
		b = wire.AppendBytes(b, r)
	}
	b = binary.AppendUvarint(b, uint64(len(c.entries)))
	if len(c.entries) == 0 {
		return b
	}
	oldest := c.oldest()
	b = binary.AppendUvarint(b, uint64(oldest))
	var scratch []byte
	for _, k := range c.inOrder() {
		e := &c.entries[k.position]
		b = wire.AppendBytes(b, k.key)
		b = binary.AppendUvarint(b, uint64(e.time-oldest))
		b = binary.AppendUvarint(b, ranks[e.by>>1]<<1|uint64(e.by&1))
		switch {
		case set || e.deleted():
		case c.kinds():
			scratch, _ = codec.AppendValue(scratch[:0], e.value) // kinds cover V: there is no error
			b = wire.AppendBytes(b, scratch)
		default:
			b = wire.AppendBytes(b, c.encs[k.position])
		}
	}
	return b
}

// oldest returns the smallest time of an entry, of which there is one.
func (c *core[K, V]) oldest() hlc.Timestamp {
	t := hlc.Max
	for i := range c.entries {
		t = min(t, c.entries[i].time)
	}
	return t
}

// decodeBinary returns the core that [core.appendBinary] encodes as data.
func decodeBinary[K comparable, V any](data []byte, set bool) (core[K, V], error) {
	r := wire.NewReader(data)
	r.Version(formatVersion)
	var c core[K, V]
	c.horizon = hlc.Timestamp(r.Uvarint())
	if c.horizon >= hlc.Max {
		r.Fail("horizon %d is not below the maximum %d", uint64(c.horizon), uint64(hlc.Max))
	}
	c.readReplicas(r)
	c.readEntries(r, set)
	if err := r.Close(); err != nil {
		return core[K, V]{}, err
	}
	c.reindex()
	return c, nil
}

func (c *core[K, V]) readReplicas(r *wire.Reader) {
	n := r.Count(2)
	var last vclock.Replica
	for range n {
		name := vclock.Replica(r.Bytes())
		switch {
		case r.Err() != nil:
			return
		case !name.IsValid():
			r.Fail("invalid replica %q", string(name))
		case name <= last:
			r.Fail("replica %q after %q", string(name), string(last))
		}
		c.replicas.intern(name)
		last = name
	}
}

// smallest is the size of the smallest encoded entry: a length, a time and a
// replica.
const smallest = 3

func (c *core[K, V]) readEntries(r *wire.Reader, set bool) {
	n := r.Count(smallest)
	used := make([]bool, len(c.replicas.names))
	oldest, least := hlc.Timestamp(0), hlc.Max
	var last []byte
	if n > 0 {
		oldest = hlc.Timestamp(r.Uvarint())
		c.entries = make([]entry[K, V], 0, n)
		if !codec.ByKind[V]() {
			c.encs = make([]string, 0, n)
		}
	}
	for i := range n {
		key := r.Bytes()
		if i > 0 && r.Err() == nil && bytes.Compare(key, last) <= 0 {
			r.Fail("key %.64q after %.64q", key, last)
		}
		last = key
		time := c.readEntry(r, key, oldest, set)
		if r.Err() != nil {
			return
		}
		used[c.entries[i].by>>1] = true
		least = min(least, time)
	}
	switch {
	case slices.Contains(used, false):
		r.Fail("a replica without an entry")
	case n > 0 && least != oldest:
		r.Fail("the oldest time is %d, not %d", uint64(least), uint64(oldest))
	}
}

// readEntry reads what follows a key.
func (c *core[K, V]) readEntry(r *wire.Reader, key []byte, oldest hlc.Timestamp, set bool) hlc.Timestamp {
	delta, by := r.Uvarint(), r.Uvarint()
	e := entry[K, V]{time: oldest + hlc.Timestamp(delta), by: uint32(by)}
	var err error
	switch {
	case r.Err() != nil:
		return 0
	case oldest < 1 || oldest > hlc.Max || delta > uint64(hlc.Max-oldest):
		r.Fail("time %d after %d is out of range", delta, uint64(oldest))
	case by > math.MaxUint32 || by>>1 >= uint64(len(c.replicas.names)):
		r.Fail("replica number %d of %d", by>>1, len(c.replicas.names))
	case e.deleted() && e.time <= c.horizon:
		r.Fail("tombstone of %d at or below the horizon %d", uint64(e.time), uint64(c.horizon))
	default:
		if e.key, err = codec.DecodeKey[K](key); err != nil {
			r.Fail("key %w", err)
			return 0
		}
	}
	var enc string
	if !set && !e.deleted() && r.Err() == nil {
		p := r.Bytes()
		if r.Err() == nil {
			if e.value, enc, err = decodeValue[V](p); err != nil {
				r.Fail("value %w", err)
			}
		}
	}
	if r.Err() != nil {
		return 0
	}
	e.hash = hashOf(e.key)
	c.entries = append(c.entries, e)
	if cap(c.encs) > 0 {
		c.encs = append(c.encs, enc)
	}
	c.dead += int(e.by & 1)
	return e.time
}

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
// Numbers are varints as in [binary.AppendUvarint].
//
//	field     bytes    count
//	version   1        1         is 1
//	horizon   varint   1
//	replicas  varint   1
//	length    varint   replicas, each followed by its
//	name      length   replicas  in ascending order
//	entries   varint   1
//	oldest    varint   1 if there are entries: the smallest time
//
// and for each entry, in ascending order of the canonical bytes of the keys:
//
//	length    varint
//	key       length
//	time      varint   minus the oldest
//	replica   varint   twice its position in the list of names, plus 1 if deleted
//	length    varint   unless deleted
//	value     length   unless deleted
func (m *Map[K, V]) AppendBinary(b []byte) ([]byte, error) {
	return m.core.appendBinary(b, false), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See [Map.AppendBinary].
func (m *Map[K, V]) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [Map.AppendBinary] writes, and leaves m unchanged if it returns an error.
// What it allocates is bounded by the length of data times the size of an entry
// in memory over three.
func (m *Map[K, V]) UnmarshalBinary(data []byte) error {
	c, err := decodeBinary[K, V](data, false)
	if err != nil {
		return fmt.Errorf("lww: decode Map: %w", wire.Damaged(err))
	}
	m.core = c
	return nil
}

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
// The layout is that of [Map.AppendBinary] without lengths and bytes of values.
func (s *Set[E]) AppendBinary(b []byte) ([]byte, error) {
	return s.core.appendBinary(b, true), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See [Set.AppendBinary].
func (s *Set[E]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [Set.AppendBinary] writes, and leaves s unchanged if it returns an error.
func (s *Set[E]) UnmarshalBinary(data []byte) error {
	c, err := decodeBinary[E, struct{}](data, true)
	if err != nil {
		return fmt.Errorf("lww: decode Set: %w", wire.Damaged(err))
	}
	s.core = c
	return nil
}
