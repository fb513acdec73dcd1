package crdt

import (
	"hash/maphash"
	"slices"
)

// hashBits is the number of bits of an element's hash that a slot holds.
const hashBits = 64 - maxRefBits

// Buckets have minSlots to maxSlots slots, and more only where the hash has no
// bits left to split one by.
const (
	minSlots = 4
	maxSlots = 1024
	maxDepth = hashBits - 10
)

// An index is the hash table of a store: from an element to the ref of one of
// its dots. A slot holds 30 bits of the element's hash above the ref, so growing
// hashes nothing, and probing reads an element only where 30 bits agree.
//
// It consists of small buckets, which the upper bits of the hash choose among, and
// one that is full is split in two. So no insertion waits for the whole index to
// grow.
type index struct {
	buckets []*bucket // by the upper depth bits of the hash; a bucket may be there several times
	depth   uint8
	used    int
	seed    maphash.Seed
	room    *smallIndex // to be used where it suffices, or nil
}

// A smallIndex is memory for an index of one bucket.
type smallIndex struct {
	list   [1]*bucket
	bucket bucket
	slots  []uint64
}

// A bucket is open-addressed with linear probing by the lower bits of the hash,
// and three quarters full at most.
type bucket struct {
	slots []uint64 // a power of two of them; 0 is free
	used  int
	depth uint8 // upper bits of the hash that its elements have in common
}

// A slot is a place in an index.
type slot struct {
	bucket *bucket
	at     int
}

func slotRef(w uint64) ref { return ref(w & (1<<maxRefBits - 1)) }

func (p slot) ref() ref                  { return slotRef(p.bucket.slots[p.at]) }
func (p slot) set(h uint64, r ref)       { p.bucket.slots[p.at] = h<<maxRefBits | uint64(r) }
func (t *bucket) home(h uint64) int      { return int(h) & (len(t.slots) - 1) }
func (t *bucket) after(i int) int        { return (i + 1) & (len(t.slots) - 1) }
func (x *index) bucket(h uint64) *bucket { return x.buckets[h>>(hashBits-x.depth)] }

// enter takes the free slot p, where the element with hash h belongs.
func (x *index) enter(p slot, h uint64, r ref) {
	p.set(h, r)
	p.bucket.used++
	x.used++
}

// findRef returns the slot that holds r, the ref of an element with the hash h.
func (x *index) findRef(h uint64, r ref) (slot, bool) {
	want := h<<maxRefBits | uint64(r)
	t := x.bucket(h)
	for i := t.home(h); ; i = t.after(i) {
		switch t.slots[i] {
		case want:
			return slot{t, i}, true
		case 0:
			return slot{t, i}, false
		}
	}
}

// grow makes room for one more element with the hash h.
func (x *index) grow(h uint64) {
	if len(x.buckets) == 0 {
		x.buckets = []*bucket{{slots: make([]uint64, minSlots)}}
	}
	for {
		t := x.bucket(h)
		switch {
		case 4*(t.used+1) <= 3*len(t.slots):
			return
		case len(t.slots) < maxSlots || t.depth == maxDepth:
			old := t.slots
			t.slots = make([]uint64, 2*len(old))
			for _, w := range old {
				t.put(w)
			}
		default:
			x.split(h, t)
		}
	}
}

// put enters a slot of another bucket, if it is not free.
func (t *bucket) put(w uint64) {
	if w == 0 {
		return
	}
	i := t.home(w >> maxRefBits)
	for t.slots[i] != 0 {
		i = t.after(i)
	}
	t.slots[i] = w
}

// split replaces t, the bucket for hash h, by two.
func (x *index) split(h uint64, t *bucket) {
	if t.depth == x.depth {
		doubled := make([]*bucket, 0, 2*len(x.buckets))
		for _, t := range x.buckets {
			doubled = append(doubled, t, t)
		}
		x.buckets = doubled
		x.depth++
	}
	var halves [2]*bucket
	for i := range halves {
		halves[i] = &bucket{slots: make([]uint64, len(t.slots)), depth: t.depth + 1}
	}
	for _, w := range t.slots {
		if w != 0 {
			half := halves[w>>(63-t.depth)&1]
			half.put(w)
			half.used++
		}
	}
	span := 1 << (x.depth - t.depth)
	first := int(h>>(hashBits-x.depth)) &^ (span - 1)
	for i := range span {
		x.buckets[first+i] = halves[2*i/span]
	}
}

// reserve empties the index and makes room for n elements.
func (x *index) reserve(n int) {
	size := minSlots
	for size < maxSlots && 4*n > 3*size {
		size *= 2
	}
	x.used = 0
	if len(x.buckets) == 1 && x.depth == 0 && len(x.buckets[0].slots) >= size && len(x.buckets[0].slots) <= 4*size { // memory to use again
		t := x.buckets[0]
		clear(t.slots)
		t.used = 0
		return
	}
	x.depth = 0
	if small := x.room; small != nil && 4*n <= 3*len(small.slots) {
		small.bucket.slots, small.list[0] = small.slots, &small.bucket
		x.buckets, x.room = small.list[:], nil
		return
	}
	for x.depth < maxDepth && n>>x.depth > size*5/8 {
		x.depth++
	}
	x.buckets = make([]*bucket, 1<<x.depth)
	for i := range x.buckets {
		x.buckets[i] = &bucket{slots: make([]uint64, size), depth: x.depth}
	}
}

// clear frees a slot and moves those behind it up, so that probing never stops
// short of a slot.
func (x *index) clear(p slot) {
	t, i := p.bucket, p.at
	x.used--
	t.used--
	for j := t.after(i); t.slots[j] != 0; j = t.after(j) {
		// The slot at j may move to i unless its home lies behind i, up to j.
		home := t.home(t.slots[j] >> maxRefBits)
		if (j-home)&(len(t.slots)-1) >= (j-i)&(len(t.slots)-1) {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = 0
}

func (x *index) clone() index {
	c := *x
	c.room = nil
	c.buckets = make([]*bucket, len(x.buckets))
	for i, t := range x.buckets {
		if i > 0 && t == x.buckets[i-1] {
			c.buckets[i] = c.buckets[i-1]
			continue
		}
		c.buckets[i] = &bucket{slices.Clone(t.slots), t.used, t.depth}
	}
	return c
}
