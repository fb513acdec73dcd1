package lww

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/vclock"
)

// An entry is one version of one key.
type entry[K comparable, V any] struct {
	time  hlc.Timestamp
	hash  uint32 // hashOf(key)
	by    uint32 // number of the replica << 1 | 1 if deleted
	key   K
	value V // zero if deleted
}

func (e *entry[K, V]) deleted() bool { return e.by&1 != 0 }

// A core is what [Map] and [Set] are made of: one version per key, and the
// horizon.
//
// No tombstone has a time at or below the horizon.
type core[K comparable, V any] struct {
	entries  []entry[K, V] // in order of arrival, each key once
	encs     []string      // canonical bytes of the values, or empty if kinds cover V
	index    index         // positions in entries; empty while there are few
	replicas table         // the replicas of entries, and of some that are gone: see forget
	horizon  hlc.Timestamp
	dead     int // tombstones among entries
}

// A version is an entry out of the context of its core.
type version[K comparable, V any] struct {
	entry[K, V] // its replica number is void
	replica     vclock.Replica
	enc         string // canonical bytes of the value, "" if kinds cover V
}

// at returns the version at position i.
func (c *core[K, V]) at(i int) version[K, V] {
	return version[K, V]{c.entries[i], c.replicas.names[c.entries[i].by>>1], c.enc(i)}
}

func (c *core[K, V]) enc(i int) string {
	if c.kinds() {
		return ""
	}
	return c.encs[i]
}

func (c *core[K, V]) stamp(i int) Stamp {
	e := &c.entries[i]
	return Stamp{Time: e.time, Replica: c.replicas.names[e.by>>1]}
}

// lookup returns the position of k, or -1.
func (c *core[K, V]) lookup(k K) int {
	if len(c.entries) == 0 {
		return -1 // also for a K that cannot be hashed: no write got in
	}
	return c.find(k, hashOf(k))
}

// find returns the position of k, whose hash is h, or -1.
func (c *core[K, V]) find(k K, h uint32) int {
	if c.index.slots == nil {
		for i := range c.entries {
			if e := &c.entries[i]; e.hash == h && e.key == k {
				return i
			}
		}
		return -1
	}
	for i := c.index.first(h); ; i = c.index.next(i) {
		s := c.index.slots[i]
		if s == 0 {
			return -1
		}
		if p := int(uint32(s)) - 1; uint32(s>>32) == h && c.entries[p].key == k {
			return p
		}
	}
}

// kinds reports whether kinds cover V, for a core that has entries.
func (c *core[K, V]) kinds() bool { return len(c.encs) == 0 }

// compare returns the order of a and b, two versions of one key: by time, by
// replica, put before delete, by canonical bytes of the value.
func compare[K comparable, V any](a, b *version[K, V], kinds bool) int {
	order := cmp.Or(
		cmp.Compare(a.time, b.time), cmp.Compare(a.replica, b.replica), cmp.Compare(a.by&1, b.by&1),
	)
	switch {
	case order != 0 || a.deleted():
		return order
	case !kinds:
		return cmp.Compare(a.enc, b.enc)
	case sameValue(&a.value, &b.value):
		return 0
	}
	var x, y [64]byte
	p, _ := codec.AppendValue(x[:0], a.value) // kinds cover V: there is no error
	q, _ := codec.AppendValue(y[:0], b.value)
	return bytes.Compare(p, q)
}

// sameValue reports whether two values that kinds cover are the same.
func sameValue[V any](a, b *V) bool {
	switch p := any(a).(type) {
	case *string:
		return *p == *any(b).(*string)
	case *int64:
		return *p == *any(b).(*int64)
	}
	return any(*a) == any(*b)
}

// join joins a version of a key that is at position i, or nowhere if i is
// negative, and reports whether c changed. Every change of an entry goes through
// it.
func (c *core[K, V]) join(i int, v *version[K, V], kinds bool) bool {
	if i < 0 {
		c.add(v, kinds)
		return true
	}
	old := c.at(i)
	if compare(&old, v, kinds) >= 0 {
		return false
	}
	e := &c.entries[i]
	e.time, e.value = v.time, v.value
	e.by = c.replicas.intern(v.replica)<<1 | v.by&1
	if !kinds {
		c.encs[i] = v.enc
	}
	c.dead += int(v.by&1) - int(old.by&1)
	return true
}

// add adds a version of a new key.
func (c *core[K, V]) add(v *version[K, V], kinds bool) {
	e := v.entry
	e.by = c.replicas.intern(v.replica)<<1 | v.by&1
	if n := len(c.entries); n == cap(c.entries) {
		c.entries = slices.Grow(c.entries, n) // append grows large slices by a quarter
	}
	c.entries = append(c.entries, e)
	if !kinds {
		c.encs = append(c.encs, v.enc)
	}
	c.dead += int(v.by & 1)
	c.indexLast()
}

// indexLast puts the last entry into the index, if there is to be one.
func (c *core[K, V]) indexLast() {
	n := len(c.entries)
	switch {
	case n <= few:
	case c.index.slots == nil:
		c.reindex()
	default:
		if c.index.full() {
			c.index.grow(n)
		}
		c.index.add(c.entries[n-1].hash, n-1)
	}
}

func (c *core[K, V]) reindex() {
	c.index = index{}
	if len(c.entries) <= few {
		return
	}
	c.index.grow(len(c.entries))
	for i := range c.entries {
		c.index.add(c.entries[i].hash, i)
	}
}

// retain removes the entries that keep does not report.
func (c *core[K, V]) retain(keep func(*entry[K, V]) bool) {
	n, kinds := 0, c.kinds()
	for i := range c.entries {
		if !keep(&c.entries[i]) {
			c.dead -= int(c.entries[i].by & 1)
			continue
		}
		c.entries[n] = c.entries[i]
		if !kinds {
			c.encs[n] = c.encs[i]
		}
		n++
	}
	if n == len(c.entries) {
		return
	}
	clear(c.entries[n:])
	c.entries = c.entries[:n]
	if !kinds {
		clear(c.encs[n:])
		c.encs = c.encs[:n]
	}
	c.reindex()
	c.forget()
}

// forget drops the names of replicas that no entry refers to any more, once they
// are more than half of all: they come and go for as long as a state lives.
func (c *core[K, V]) forget() {
	if len(c.replicas.names) <= 2*len(c.entries)+few {
		return
	}
	var used table
	for i := range c.entries {
		e := &c.entries[i]
		e.by = used.intern(c.replicas.names[e.by>>1])<<1 | e.by&1
	}
	c.replicas = used
}

func (c *core[K, V]) clone() core[K, V] {
	d := *c
	d.entries = slices.Clone(c.entries)
	d.encs = slices.Clone(c.encs)
	d.index.slots = slices.Clone(c.index.slots)
	d.replicas = c.replicas.clone()
	return d
}

// latest returns the largest time in c.
func (c *core[K, V]) latest() hlc.Timestamp {
	t := c.horizon
	for i := range c.entries {
		t = max(t, c.entries[i].time)
	}
	return t
}

// tombstones iterates over the deleted keys.
func (c *core[K, V]) tombstones() iter.Seq2[K, Stamp] {
	return func(yield func(K, Stamp) bool) {
		for i := range c.entries {
			if e := &c.entries[i]; e.deleted() && !yield(e.key, c.stamp(i)) {
				return
			}
		}
	}
}
