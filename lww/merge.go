package lww

import (
	"slices"
	"sort"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
)

// counts reports whether an entry of c with time t takes part in a merge whose
// larger horizon is h: above h all entries do, at or below it only those of a
// side that has this horizon.
func (c *core[K, V]) counts(t, h hlc.Timestamp) bool { return t > h || c.horizon == h }

// merge joins d into c and reports whether c changed.
func (c *core[K, V]) merge(d *core[K, V]) bool {
	if c == d {
		return false
	}
	h := max(c.horizon, d.horizon)
	changed := c.horizon != h
	if changed {
		c.retain(func(e *entry[K, V]) bool { return e.time > h })
		c.horizon = h
	}
	if len(d.entries) < lookups {
		changed = c.mergeFew(d, h) || changed
	} else {
		changed = c.mergeMany(d, h) || changed
	}
	c.forget()
	return changed
}

// mergeFew joins the entries of d, of which there are few.
func (c *core[K, V]) mergeFew(d *core[K, V], h hlc.Timestamp) bool {
	changed := false
	i := 0 // states that took the same writes have them in the same order
	for j := range d.entries {
		e := &d.entries[j]
		if !d.counts(e.time, h) {
			continue
		}
		if i < 0 || i >= len(c.entries) || c.entries[i].hash != e.hash || c.entries[i].key != e.key {
			i = c.find(e.key, e.hash)
		}
		if i < 0 || !c.same(i, d, j) {
			v := d.at(j)
			changed = c.join(i, &v) || changed
		}
		if i >= 0 {
			i++
		}
	}
	return changed
}

// mergeMany joins the entries of d.
func (c *core[K, V]) mergeMany(d *core[K, V], h hlc.Timestamp) bool {
	changed := false
	i := 0
	var ahead lookahead
	for j := range d.entries {
		e := &d.entries[j]
		if !d.counts(e.time, h) {
			continue
		}
		if j < ahead.to || i < 0 || i >= len(c.entries) || c.entries[i].hash != e.hash || c.entries[i].key != e.key {
			i = find(c, d, j, &ahead)
		}
		if i < 0 || !c.same(i, d, j) {
			v := d.at(j)
			changed = c.join(i, &v) || changed
		}
		if i >= 0 {
			i++
		}
	}
	return changed
}

// same reports whether c holds, at position i, the version at position j of d.
func (c *core[K, V]) same(i int, d *core[K, V], j int) bool {
	x, y := &c.entries[i], &d.entries[j]
	if x.time != y.time || (x.by^y.by)&marks != 0 || c.replicas.names[x.replica()] != d.replicas.names[y.replica()] {
		return false
	}
	if x.deleted() {
		return true
	}
	if c.encs == nil && d.encs == nil { // nearly always, and faster than what follows, which it is a case of
		return value.Same(&x.value, &y.value)
	}
	a, b := c.enc(i), d.enc(j)
	return a == b && (a != "" || value.Same(&x.value, &y.value))
}

func (c *core[K, V]) equal(d *core[K, V]) bool {
	if len(c.entries) != len(d.entries) || c.dead != d.dead || c.horizon != d.horizon {
		return false
	}
	for i := range c.entries {
		j := d.find(c.entries[i].key, c.entries[i].hash)
		if j < 0 || c.compare(i, d, j) != 0 {
			return false
		}
	}
	return true
}

// compare returns the order of the version at position i of c and the one at
// position j of d.
func (c *core[K, V]) compare(i int, d *core[K, V], j int) int {
	x, y := c.at(i), d.at(j)
	return compare(&x, &y)
}

// changed returns the keys that merging d would change.
func (c *core[K, V]) changed(d *core[K, V]) []K {
	h := max(c.horizon, d.horizon)
	var keys []K
	for i := range c.entries {
		x := &c.entries[i]
		j := d.find(x.key, x.hash)
		theirs := j >= 0 && d.counts(d.entries[j].time, h)
		switch ours := c.counts(x.time, h); {
		case ours && (!theirs || c.compare(i, d, j) >= 0):
		case !ours && theirs && c.compare(i, d, j) == 0:
		default:
			keys = append(keys, x.key)
		}
	}
	for j := range d.entries {
		y := &d.entries[j]
		if d.counts(y.time, h) && c.find(y.key, y.hash) < 0 {
			keys = append(keys, y.key)
		}
	}
	slices.SortFunc(keys, value.CompareKeys[K])
	return keys
}

// stragglers returns what a merge of c and d would drop for its time, and not
// because something newer is known.
func (c *core[K, V]) stragglers(d *core[K, V]) []Entry[K, V] {
	if c.horizon > d.horizon {
		c, d = d, c
	}
	var dropped []Entry[K, V]
	for i := range c.entries {
		x := &c.entries[i]
		if c.counts(x.time, d.horizon) {
			continue
		}
		j := d.find(x.key, x.hash)
		if j < 0 && !x.deleted() || j >= 0 && c.compare(i, d, j) > 0 {
			dropped = append(dropped, c.export(i))
		}
	}
	return sorted(dropped)
}

// ahead returns the entries whose time is after limit.
func (c *core[K, V]) ahead(now hlc.Timestamp, limit time.Duration) []Entry[K, V] {
	var entries []Entry[K, V]
	for i := range c.entries {
		if t := c.entries[i].time; t > now && t-now > hlc.Timestamp(max(limit, 0)) {
			entries = append(entries, c.export(i))
		}
	}
	return sorted(entries)
}

func (c *core[K, V]) export(i int) Entry[K, V] {
	e := &c.entries[i]
	return Entry[K, V]{Key: e.key, Value: e.value, Deleted: e.deleted(), Stamp: c.stamp(i)}
}

// sorted sorts entries by their keys. Of slices.SortFunc ten functions would be compiled for each
// type of them.
func sorted[K comparable, V any](entries []Entry[K, V]) []Entry[K, V] {
	sort.Slice(entries, func(i, j int) bool { return value.CompareKeys(entries[i].Key, entries[j].Key) < 0 })
	return entries
}

// A lookahead holds where some entries of one core are in another.
type lookahead struct {
	from, to  int // of the entries looked up
	positions [lookups]int32
}

// lookups is how many entries are looked up at once. With 16 to 128 a merge of
// 100,000 entries takes the same time.
const lookups = 32

// find returns the position in c of the entry at position j of d, or -1. It looks
// up several entries at once, each step for all of them, which a processor does
// side by side where one after the other would wait for memory three times each.
func find[K comparable, V any](c, d *core[K, V], j int, a *lookahead) int {
	if c.index.slots == nil {
		return c.find(d.entries[j].key, d.entries[j].hash)
	}
	if j >= a.to {
		a.from, a.to = j, min(j+lookups, len(d.entries))
		c.lookAhead(d.entries[a.from:a.to], &a.positions)
	}
	if i := a.positions[j-a.from]; i != unsure {
		return int(i)
	}
	return c.find(d.entries[j].key, d.entries[j].hash)
}

// unsure is the position of a key that is not the first of its hash, if it is there.
const unsure = -2

// lookAhead sets the positions of entries, -1 where a key is not in c, or unsure.
func (c *core[K, V]) lookAhead(entries []entry[K, V], positions *[lookups]int32) {
	for k := range entries {
		h := entries[k].hash
		i := c.index.first(h)
		s := c.index.slots[i]
		for s != 0 && uint32(s>>32) != h {
			i = c.index.next(i)
			s = c.index.slots[i]
		}
		positions[k] = int32(uint32(s)) - 1
	}
	for k := range entries { // has all entries fetched before the first key is
		if i := positions[k]; i >= 0 && c.entries[i].hash != entries[k].hash {
			positions[k] = unsure
		}
	}
	for k := range entries {
		if i := positions[k]; i >= 0 && c.entries[i].key != entries[k].key {
			positions[k] = unsure
		}
	}
}
