package crdt

import (
	"math/bits"
	"slices"
)

// Pages hold pageSize consecutive numbers of one replica.
const (
	pageBits = 7
	pageSize = 1 << pageBits
	pageMask = pageSize - 1
)

// A ref is the place of a live dot in a store: the id of its page above the
// offset in it. It stays the same for as long as the dot is live. No ref is 0.
type ref uint64

// maxRefBits is the width of a ref in a slot of the index.
const maxRefBits = 34

func (x ref) page() uint64 { return uint64(x) >> pageBits }
func (x ref) off() uint    { return uint(x) & pageMask }

// A page holds the live dots of one replica with numbers from num*pageSize up,
// pageSize of them at most, and what each of them added.
type page[E any] struct {
	num     uint64
	replica uint32
	id      uint32
	live    [2]uint64 // bit i: number num*pageSize + i is live
	mark    [2]uint64 // of those, the ones that are removals; see RWSet
	elems   []E       // what the live numbers added, in their order
}

func (p *page[E]) ref(off uint) ref { return ref(p.id)<<pageBits | ref(off) }
func (p *page[E]) dot(off uint) dot { return packDot(p.replica, p.num<<pageBits|uint64(off)) }
func (p *page[E]) has(off uint) bool {
	return p.live[off>>6]>>(off&63)&1 != 0
}

func (p *page[E]) marked(off uint) bool {
	return p.mark[off>>6]>>(off&63)&1 != 0
}

// rank returns the place of off in elems.
func (p *page[E]) rank(off uint) int {
	if off < 64 {
		return bits.OnesCount64(p.live[0] & (1<<off - 1))
	}
	return bits.OnesCount64(p.live[0]) + bits.OnesCount64(p.live[1]&(1<<(off&63)-1))
}

// put makes off live.
func (p *page[E]) put(off uint, e E, mark bool) {
	at := p.rank(off)
	if at == len(p.elems) {
		p.elems = append(p.elems, e)
	} else {
		p.elems = slices.Insert(p.elems, at, e)
	}
	p.live[off>>6] |= 1 << (off & 63)
	if mark {
		p.mark[off>>6] |= 1 << (off & 63)
	}
}

// cut makes off dead.
func (p *page[E]) cut(off uint) {
	at := p.rank(off)
	p.elems = slices.Delete(p.elems, at, at+1)
	p.live[off>>6] &^= 1 << (off & 63)
	p.mark[off>>6] &^= 1 << (off & 63)
	if n := len(p.elems); cap(p.elems) > 16 && 4*n < cap(p.elems) {
		p.elems = append(make([]E, 0, 2*n), p.elems...)
	}
}

// offsets calls yield with the offset of each bit set in words.
func offsets(words [2]uint64, yield func(off uint)) {
	for k, w := range words {
		for ; w != 0; w &= w - 1 {
			yield(uint(64*k + bits.TrailingZeros64(w)))
		}
	}
}

// A pagelog is the pages of one replica that have live dots, in order.
type pagelog[E any] struct {
	replica uint32
	nums    []uint64 // the num of each page, for searching
	pages   []*page[E]
}

// seek returns the index of the first page with a num of at least num, and
// whether that page is num itself.
func (l *pagelog[E]) seek(num uint64) (int, bool) {
	n := len(l.nums)
	if n == 0 || l.nums[n-1] < num {
		return n, false
	}
	if i := num - l.nums[0]; i < uint64(n) && l.nums[i] == num { // no page missing so far
		return int(i), true
	}
	return slices.BinarySearch(l.nums, num)
}
