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
//
// It is sparse, with an element for each live number, or wide, with one for each
// number, zero where that is not live. In a wide page nothing has to move when a
// dot arrives out of order.
type page[E comparable] struct {
	num     uint64
	replica uint32
	id      uint32
	live    [2]uint64 // bit i: number num*pageSize + i is live
	mark    [2]uint64 // of those, the ones that are removals; see RWSet
	elems   []E       // what the numbers added, in their order; pageSize of them if p is wide
}

// maxSparse is the number of elements up to which a page that grows stays sparse.
const maxSparse = 32

func (p *page[E]) ref(off uint) ref { return ref(p.id)<<pageBits | ref(off) }
func (p *page[E]) dot(off uint) dot { return dotOf(p.replica, p.num<<pageBits|uint64(off)) }
func (p *page[E]) has(off uint) bool {
	return p.live[off>>6]>>(off&63)&1 != 0
}

func (p *page[E]) marked(off uint) bool {
	return p.mark[off>>6]>>(off&63)&1 != 0
}

func (p *page[E]) isWide() bool { return len(p.elems) == pageSize }

// count returns the number of live dots.
func (p *page[E]) count() int {
	return bits.OnesCount64(p.live[0]) + bits.OnesCount64(p.live[1])
}

// rank returns how many live dots are before off.
func (p *page[E]) rank(off uint) int {
	if off < 64 {
		return bits.OnesCount64(p.live[0] & (1<<off - 1))
	}
	return bits.OnesCount64(p.live[0]) + bits.OnesCount64(p.live[1]&(1<<(off&63)-1))
}

// elem returns what the live number at off added.
func (p *page[E]) elem(off uint) E {
	if p.isWide() {
		return p.elems[off]
	}
	return p.elems[p.rank(off)]
}

// listed returns the elements of the live numbers in their order: those of p if
// there is nothing else in it, or else in buf, which it grows.
func (p *page[E]) listed(buf *[]E) []E {
	if !p.isWide() || p.live == [2]uint64{^uint64(0), ^uint64(0)} {
		return p.elems
	}
	list := slices.Grow((*buf)[:0], pageSize)
	offsets(p.live, func(off uint) { list = append(list, p.elems[off]) })
	*buf = list
	return list
}

// equal reports whether p and q hold the same.
func (p *page[E]) equal(q *page[E]) bool {
	if p.live != q.live || p.mark != q.mark {
		return false
	}
	if len(p.elems) == len(q.elems) {
		return slices.Equal(p.elems, q.elems)
	}
	var pbuf, qbuf []E
	return slices.Equal(p.listed(&pbuf), q.listed(&qbuf))
}

// put makes off live.
func (p *page[E]) put(off uint, e E, mark bool) {
	if !p.isWide() && len(p.elems) >= maxSparse {
		p.widen()
	}
	if p.isWide() {
		p.elems[off] = e
	} else if at := p.rank(off); at == len(p.elems) {
		p.elems = append(p.elems, e)
	} else {
		p.elems = slices.Insert(p.elems, at, e)
	}
	p.live[off>>6] |= 1 << (off & 63)
	if mark {
		p.mark[off>>6] |= 1 << (off & 63)
	}
}

// widen makes a sparse page wide.
func (p *page[E]) widen() {
	wide, at := make([]E, pageSize), 0
	offsets(p.live, func(off uint) {
		wide[off] = p.elems[at]
		at++
	})
	p.elems = wide
}

// cut makes off dead. A page without live dots is sparse.
func (p *page[E]) cut(off uint) {
	at, wide := p.rank(off), p.isWide()
	p.live[off>>6] &^= 1 << (off & 63)
	p.mark[off>>6] &^= 1 << (off & 63)
	if wide {
		var none E
		p.elems[off] = none
		if n := p.count(); n == 0 {
			p.elems = p.elems[:0]
		} else if n < maxSparse*3/4 {
			sparse := make([]E, 0, maxSparse)
			offsets(p.live, func(off uint) { sparse = append(sparse, p.elems[off]) })
			p.elems = sparse
		}
		return
	}
	p.elems = slices.Delete(p.elems, at, at+1)
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
type pagelog[E comparable] struct {
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
