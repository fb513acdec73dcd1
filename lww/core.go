package lww

import (
	"cmp"
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock"
)

// An entry is one version of one key.
type entry[K comparable, V any] struct {
	time  hlc.Timestamp
	hash  uint32 // hashOf(key)
	by    uint32 // number of the replica << 2 | 2 if unreadable | 1 if deleted
	key   K
	value V // zero if deleted or unreadable
}

// The marks in entry.by.
const (
	gone       = 1 << iota // deleted
	unreadable             // V cannot hold the value
	marks      = gone | unreadable
)

func (e *entry[K, V]) deleted() bool { return e.by&gone != 0 }

// readable reports whether there is a value to read.
func (e *entry[K, V]) readable() bool { return e.by&marks == 0 }

func (e *entry[K, V]) replica() uint32 { return e.by >> 2 }

// A core is what [Map] and [Set] are made of: one version per key, and the
// horizon.
//
// No tombstone has a time at or below the horizon.
type core[K comparable, V any] struct {
	entries  []entry[K, V] // in order of arrival, each key once
	encs     []string      // what is kept beside the values, or nil if that is nothing
	index    index         // positions in entries; empty while there are few
	replicas table         // the replicas of entries, and of some that are gone: see forget
	horizon  hlc.Timestamp
	dead     int         // tombstones among entries
	spare    *core[K, V] // what c was before it was decoded into: see unmarshal
}

// A version is an entry out of the context of its core.
type version[K comparable, V any] struct {
	entry[K, V] // its replica number is void
	replica     vclock.Replica
	enc         string // kept beside the value, "" for nothing
}

// isSet reports whether c is that of a [Set].
func (*core[K, V]) isSet() bool {
	var v V
	_, ok := any(v).(member)
	return ok
}

// at returns the version at position i.
func (c *core[K, V]) at(i int) version[K, V] {
	return version[K, V]{c.entries[i], c.replicas.names[c.entries[i].replica()], c.enc(i)}
}

func (c *core[K, V]) enc(i int) string {
	if c.encs == nil {
		return ""
	}
	return c.encs[i]
}

// keep sets what is kept beside the value at position i.
func (c *core[K, V]) keep(i int, enc string) {
	if c.encs == nil {
		if enc == "" {
			return
		}
		c.encs = make([]string, len(c.entries), cap(c.entries))
	}
	for len(c.encs) < len(c.entries) {
		c.encs = append(c.encs, "")
	}
	c.encs[i] = enc
}

func (c *core[K, V]) stamp(i int) Stamp {
	e := &c.entries[i]
	return Stamp{Time: e.time, Replica: c.replicas.names[e.replica()]}
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

// compare returns the order of a and b, two versions of one key: by time, by
// replica, put before delete, by the full form of the value.
func compare[K comparable, V any](a, b *version[K, V]) int {
	order := cmp.Or(
		cmp.Compare(a.time, b.time), cmp.Compare(a.replica, b.replica), cmp.Compare(a.by&gone, b.by&gone),
	)
	if order != 0 || a.deleted() {
		return order
	}
	return value.Compare(&a.value, a.enc, &b.value, b.enc)
}

// join joins a version of a key that is at position i, or nowhere if i is
// negative, and reports whether c changed. Every change of an entry goes through
// it.
func (c *core[K, V]) join(i int, v *version[K, V]) bool {
	if i < 0 {
		c.add(v)
		return true
	}
	old := c.at(i)
	if compare(&old, v) >= 0 {
		return false
	}
	e := &c.entries[i]
	e.time, e.value = v.time, v.value
	e.by = c.replicas.intern(v.replica)<<2 | v.by&marks
	c.keep(i, v.enc)
	c.dead += int(v.by&gone) - int(old.by&gone)
	return true
}

// add adds a version of a new key.
func (c *core[K, V]) add(v *version[K, V]) {
	e := v.entry
	e.by = c.replicas.intern(v.replica)<<2 | v.by&marks
	if n := len(c.entries); n == cap(c.entries) {
		c.entries = slices.Grow(c.entries, n) // append grows large slices by a quarter
	}
	c.entries = append(c.entries, e)
	c.keep(len(c.entries)-1, v.enc)
	c.dead += int(v.by & gone)
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
	if len(c.entries) <= few {
		c.index = index{}
		return
	}
	c.index.reset(len(c.entries))
	for i := range c.entries {
		c.index.add(c.entries[i].hash, i)
	}
}

// retain removes the entries that keep does not report.
func (c *core[K, V]) retain(keep func(*entry[K, V]) bool) {
	n := 0
	for i := range c.entries {
		if !keep(&c.entries[i]) {
			c.dead -= int(c.entries[i].by & gone)
			continue
		}
		c.entries[n] = c.entries[i]
		if c.encs != nil {
			c.encs[n] = c.encs[i]
		}
		n++
	}
	if n == len(c.entries) {
		return
	}
	clear(c.entries[n:])
	c.entries = c.entries[:n]
	if c.encs != nil {
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
		e.by = used.intern(c.replicas.names[e.replica()])<<2 | e.by&marks
	}
	c.replicas = used
}

func (c *core[K, V]) clone() core[K, V] {
	d := *c
	d.spare = nil
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
