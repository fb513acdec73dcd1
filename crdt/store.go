package crdt

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
)

// A store holds the live dots of a set and the element that each of them added.
// Two dots are equal only if they are the same event, so two stores are joined
// by comparing dots, a page at a time, and elements are looked at where the
// pages differ.
//
// An element with several live dots, added by several replicas concurrently, is
// stored once per dot. The index refers to one of them, others to the rest.
type store[E comparable] struct {
	logs  []pagelog[E]  // ascending by replica index
	pages []*page[E]    // by id; nil where the id is free, and at 0
	free  []uint32      // ids not in use
	spare *page[E]      // an empty page to use again, or nil
	index index         // by element
	rest  map[ref][]ref // by the ref in the index: the element's other dots
	kind  elements[E]

	packed *packed[E] // of a store that is to be joined into another only
}

// packed is what a store has that has been validated, but not decoded. It has no
// index, and its pages have no elements.
type packed[E comparable] struct {
	blocks [][]byte  // by page id: the encoded elements
	slab   []page[E] // to be used as pages
}

// maxSlab is the largest number of pages that are allocated at a time.
const maxSlab = 64

func newStore[E comparable]() *store[E] {
	return &store[E]{
		pages: make([]*page[E], 1, 2),
		index: index{seed: maphash.MakeSeed()},
		kind:  elementsOf[E](),
	}
}

// recycle empties s but for its memory, which decode uses again.
func (s *store[E]) recycle() {
	if s == nil {
		return
	}
	pages := s.pages[:1]
	for _, p := range s.pages[1:] {
		if p != nil {
			pages = append(pages, p)
		}
	}
	clear(s.pages[len(pages):])
	s.logs, s.pages, s.free, s.spare = s.logs[:0], pages[:1], s.free[:0], nil
	clear(s.rest)
}

// again has the next page use the memory of one that was there before, if there is one.
func (s *store[E]) again() {
	if n := len(s.pages); s.spare == nil && n < cap(s.pages) {
		s.spare = s.pages[:n+1][n]
	}
}

// log returns the log of a replica, or nil.
func (s *store[E]) log(replica uint32) *pagelog[E] {
	if int(replica) < len(s.logs) && s.logs[replica].replica == replica {
		return &s.logs[replica]
	}
	i, ok := s.seekLog(replica)
	if !ok {
		return nil
	}
	return &s.logs[i]
}

func (s *store[E]) seekLog(replica uint32) (int, bool) {
	return slices.BinarySearchFunc(s.logs, replica, func(l pagelog[E], r uint32) int {
		return cmp.Compare(l.replica, r)
	})
}

// lookup returns the ref of d, and false if d is not live.
func (s *store[E]) lookup(d dot) (ref, bool) {
	l := s.log(d.replica)
	if l == nil {
		return 0, false
	}
	i, ok := l.seek(d.seq >> pageBits)
	if !ok {
		return 0, false
	}
	p, off := l.pages[i], uint(d.seq)&pageMask
	return p.ref(off), p.has(off)
}

// elem returns the element that a live dot added.
func (s *store[E]) elem(x ref) E {
	return s.pages[x.page()].elem(x.off())
}

// dot returns the dot at x.
func (s *store[E]) dot(x ref) dot { return s.pages[x.page()].dot(x.off()) }

// place makes d, which is not, live, and leaves the index to the caller.
func (s *store[E]) place(d dot, e E, mark bool) ref {
	num := d.seq >> pageBits
	l := s.log(d.replica)
	if l == nil {
		l = s.newLog(d.replica)
	}
	i, ok := l.seek(num)
	if !ok {
		s.newPage(l, i, num)
	}
	p, off := l.pages[i], uint(d.seq)&pageMask
	p.put(off, e, mark)
	return p.ref(off)
}

// newLog adds a log for a replica that has none.
func (s *store[E]) newLog(replica uint32) *pagelog[E] {
	i, _ := s.seekLog(replica)
	s.logs = slices.Insert(s.logs, i, pagelog[E]{replica: replica})
	return &s.logs[i]
}

// newPage adds an empty page before page i of l, with room for what is added to
// it.
func (s *store[E]) newPage(l *pagelog[E], i int, num uint64) *page[E] {
	p := s.addPage(l, i, num)
	if i > 0 && l.pages[i-1].count() > pageSize/2 { // the replica is adding many
		p.elems = slices.Grow(p.elems, pageSize)[:pageSize]
		clear(p.elems)
	}
	return p
}

// addPage adds an empty page before page i of l.
func (s *store[E]) addPage(l *pagelog[E], i int, num uint64) *page[E] {
	p := s.spare
	switch {
	case p != nil:
	case s.packed != nil:
		p = s.packed.page(len(s.pages))
	default:
		p = new(page[E])
	}
	s.spare = nil
	*p = page[E]{num: num, replica: l.replica, elems: p.elems[:0]}
	if n := len(s.free); n > 0 {
		p.id = s.free[n-1]
		s.free = s.free[:n-1]
		s.pages[p.id] = p
	} else {
		if len(s.pages) == 1<<(maxRefBits-pageBits) {
			panic("crdt: too many elements in one set")
		}
		p.id = uint32(len(s.pages))
		s.pages = append(s.pages, p)
	}
	l.nums = slices.Insert(l.nums, i, num)
	l.pages = slices.Insert(l.pages, i, p)
	return p
}

// page returns memory for a page after n others.
func (k *packed[E]) page(n int) *page[E] {
	if len(k.slab) == 0 {
		k.slab = make([]page[E], min(n, maxSlab))
	}
	p := &k.slab[0]
	k.slab = k.slab[1:]
	return p
}

// unplace makes the live dot at x dead, and leaves the index to the caller.
func (s *store[E]) unplace(x ref) {
	p := s.pages[x.page()]
	p.cut(x.off())
	if p.live != [2]uint64{} {
		return
	}
	l := s.log(p.replica)
	i, _ := l.seek(p.num)
	l.nums = slices.Delete(l.nums, i, i+1)
	l.pages = slices.Delete(l.pages, i, i+1)
	s.pages[p.id] = nil
	s.free = append(s.free, p.id)
	s.spare = p
}

// find returns the slot of e in the index, and false with the slot where it
// would go if e has no live dot. An empty index has no slots.
func (s *store[E]) find(h uint64, e E) (slot, bool) {
	if len(s.index.buckets) == 0 {
		return slot{}, false
	}
	t := s.index.bucket(h)
	for i := t.home(h); ; i = t.after(i) {
		w := t.slots[i]
		if w == 0 {
			return slot{t, i}, false
		}
		if w>>maxRefBits == h && s.elem(slotRef(w)) == e {
			return slot{t, i}, true
		}
	}
}

func (s *store[E]) hash(e E) uint64 {
	return maphash.Comparable(s.index.seed, e) >> maxRefBits
}

// insert adds the dot d, which is not live, with the element that it added.
func (s *store[E]) insert(d dot, e E, mark bool) {
	s.link(s.place(d, e, mark), e)
}

// link enters a dot that has been placed into the index.
func (s *store[E]) link(x ref, e E) {
	h := s.hash(e)
	s.index.grow(h)
	p, ok := s.find(h, e)
	if !ok {
		s.index.enter(p, h, x)
		return
	}
	head := p.ref()
	if s.rest == nil {
		s.rest = make(map[ref][]ref)
	}
	s.rest[head] = append(s.rest[head], x)
}

// remove removes the live dot at x.
func (s *store[E]) remove(x ref) {
	s.unlink(x)
	s.unplace(x)
}

// unlink takes the live dot at x out of the index.
func (s *store[E]) unlink(x ref) {
	e := s.elem(x)
	h := s.hash(e)
	if p, ok := s.index.findRef(h, x); ok {
		rest := s.rest[x]
		if len(rest) == 0 {
			s.index.clear(p)
			return
		}
		delete(s.rest, x)
		p.set(h, rest[0])
		if len(rest) > 1 {
			s.rest[rest[0]] = rest[1:]
		}
		return
	}
	p, _ := s.find(h, e)
	head := p.ref()
	rest := s.rest[head]
	i := slices.Index(rest, x)
	rest[i] = rest[len(rest)-1]
	if rest = rest[:len(rest)-1]; len(rest) > 0 {
		s.rest[head] = rest
	} else {
		delete(s.rest, head)
	}
}

// drop removes d if it is live and reports whether it was.
func (s *store[E]) drop(d dot) bool {
	x, ok := s.lookup(d)
	if ok {
		s.remove(x)
	}
	return ok
}

// heads yields the elements of the store, each once, with its ref in the index.
// The order is that of the dots.
func (s *store[E]) heads(yield func(ref, E) bool) {
	if s == nil {
		return
	}
	var other map[ref]bool
	if len(s.rest) > 0 {
		other = make(map[ref]bool)
		for _, rest := range s.rest {
			for _, x := range rest {
				other[x] = true
			}
		}
	}
	for i := range s.logs {
		for _, p := range s.logs[i].pages {
			live := p.live
			for k, w := range live {
				for ; w != 0; w &= w - 1 {
					x := p.ref(uint(64*k + bits.TrailingZeros64(w)))
					if (len(other) == 0 || !other[x]) && !yield(x, p.elem(x.off())) {
						return
					}
					if p.live != live {
						panic("crdt: a set is changed while All iterates over it: collect the elements first, as with slices.Collect")
					}
				}
			}
		}
	}
}

// refs calls yield with the refs of the element whose ref in the index is head.
func (s *store[E]) refs(head ref, yield func(ref)) {
	yield(head)
	for _, x := range s.rest[head] {
		yield(x)
	}
}

// dots calls yield with every live dot.
func (s *store[E]) dots(yield func(dot)) {
	if s == nil {
		return
	}
	for i := range s.logs {
		for _, p := range s.logs[i].pages {
			offsets(p.live, func(off uint) { yield(p.dot(off)) })
		}
	}
}

// len returns the number of elements with live dots.
func (s *store[E]) len() int {
	if s == nil {
		return 0
	}
	return s.index.used
}

// clone returns a copy that shares no memory with s.
func (s *store[E]) clone() *store[E] {
	if s == nil {
		return nil
	}
	c := &store[E]{
		logs:  make([]pagelog[E], len(s.logs)),
		pages: make([]*page[E], len(s.pages)),
		free:  slices.Clone(s.free),
		index: s.index.clone(),
		kind:  s.kind,
	}
	for id, p := range s.pages {
		if p != nil {
			q := *p
			q.elems = slices.Clone(p.elems)
			c.pages[id] = &q
		}
	}
	for i := range s.logs {
		l := &s.logs[i]
		c.logs[i] = pagelog[E]{l.replica, slices.Clone(l.nums), make([]*page[E], len(l.pages))}
		for k, p := range l.pages {
			c.logs[i].pages[k] = c.pages[p.id]
		}
	}
	if len(s.rest) > 0 {
		c.rest = make(map[ref][]ref, len(s.rest))
		for head, rest := range s.rest {
			c.rest[head] = slices.Clone(rest)
		}
	}
	return c
}

// isMarked reports whether the live dot at x is a removal.
func (s *store[E]) isMarked(x ref) bool { return s.pages[x.page()].marked(x.off()) }

// shows reports whether none of the dots of the element at head is a removal.
func (s *store[E]) shows(head ref) bool {
	shows := true
	s.refs(head, func(x ref) { shows = shows && !s.isMarked(x) })
	return shows
}

// holds reports whether d is live.
func (s *store[E]) holds(d dot) bool {
	if s == nil {
		return false
	}
	_, ok := s.lookup(d)
	return ok
}
