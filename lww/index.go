package lww

import "hash/maphash"

// seed is the one seed of all states, so that a hash computed when an entry came
// to life serves every state that the entry is merged into.
var seed = maphash.MakeSeed() //nolint:gochecknoglobals // set before first use and never again

func hashOf[K comparable](k K) uint32 {
	h := maphash.Comparable(seed, k)
	return uint32(h ^ h>>32)
}

// An index finds positions by hash: open addressing with linear probing. It
// neither holds keys nor hashes them; whoever asks compares them.
type index struct {
	slots []uint64 // hash<<32 | position+1, or 0; the length is a power of two
	used  int
}

// first returns the slot where probing for h begins.
func (x *index) first(h uint32) int { return int(h) & (len(x.slots) - 1) }

// next returns the slot to probe after i.
func (x *index) next(i int) int { return (i + 1) & (len(x.slots) - 1) }

// add adds a position. There must be a free slot: see grow.
func (x *index) add(h uint32, position int) {
	i := x.first(h)
	for x.slots[i] != 0 {
		i = x.next(i)
	}
	x.slots[i] = uint64(h)<<32 | uint64(position+1)
	x.used++
}

// full reports whether x must grow before the next add. It keeps a quarter of
// the slots free, so that probing ends soon.
func (x *index) full() bool { return x.used >= len(x.slots)/4*3 }

// slotsFor returns how many slots n positions take.
func slotsFor(n int) int {
	size := 4 * few
	for size/4*3 <= n {
		size *= 2
	}
	return size
}

// reset empties x and makes room for n positions, in the memory that it has if that is of
// this size.
func (x *index) reset(n int) {
	if len(x.slots) != slotsFor(n) {
		x.slots = make([]uint64, slotsFor(n))
	} else {
		clear(x.slots)
	}
	x.used = 0
}

// grow makes room for n positions.
func (x *index) grow(n int) {
	size := slotsFor(n)
	old := x.slots
	x.slots, x.used = make([]uint64, size), 0
	for _, s := range old {
		if s != 0 {
			x.add(uint32(s>>32), int(uint32(s))-1)
		}
	}
}
