package crdt

import (
	"hash/maphash"
	"slices"
)

// An index is the hash table of a store: from an element to the ref of one of
// its dots. A slot holds 30 bits of the element's hash above the ref, so growing
// hashes nothing, and probing reads an element only where 30 bits agree. It is
// open-addressed with linear probing, and three quarters full at most.
type index struct {
	slots []uint64 // a power of two of them; 0 is free
	used  int
	seed  maphash.Seed
}

const minSlots = 4

func slotRef(w uint64) ref { return ref(w & (1<<maxRefBits - 1)) }

func (x *index) home(h uint64) int { return int(h) & (len(x.slots) - 1) }
func (x *index) after(i int) int   { return (i + 1) & (len(x.slots) - 1) }
func (x *index) set(i int, h uint64, r ref) {
	x.slots[i] = h<<maxRefBits | uint64(r)
}

// findRef returns the slot that holds r, the ref of an element with the hash h.
func (x *index) findRef(h uint64, r ref) (int, bool) {
	want := h<<maxRefBits | uint64(r)
	for i := x.home(h); ; i = x.after(i) {
		switch x.slots[i] {
		case want:
			return i, true
		case 0:
			return i, false
		}
	}
}

// grow makes room for one more element.
func (x *index) grow() { x.reserve(1) }

// reserve makes room for n more elements.
func (x *index) reserve(n int) {
	size := max(minSlots, len(x.slots))
	for 4*(x.used+n) > 3*size {
		size *= 2
	}
	if size == len(x.slots) {
		return
	}
	old := x.slots
	x.slots = make([]uint64, size)
	for _, w := range old {
		if w == 0 {
			continue
		}
		i := x.home(w >> maxRefBits)
		for x.slots[i] != 0 {
			i = x.after(i)
		}
		x.slots[i] = w
	}
}

// clear frees slot i and moves those behind it up, so that probing never stops
// short of a slot.
func (x *index) clear(i int) {
	x.used--
	for j := x.after(i); x.slots[j] != 0; j = x.after(j) {
		// The slot at j may move to i unless its home lies behind i, up to j.
		home := x.home(x.slots[j] >> maxRefBits)
		if (j-home)&(len(x.slots)-1) >= (j-i)&(len(x.slots)-1) {
			x.slots[i] = x.slots[j]
			i = j
		}
	}
	x.slots[i] = 0
}

func (x *index) clone() index {
	return index{slots: slices.Clone(x.slots), used: x.used, seed: x.seed}
}
