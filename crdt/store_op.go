package crdt

import (
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// A setOp is the delta of one change to a set: the dots it replaced, and the dot
// it minted, if any, with the element. It is a state in a second form, which
// takes no allocation unless it replaced several dots, and holds names instead of
// indexes, so that it depends on no root.
type setOp[E comparable] struct {
	minted vclock.Dot
	elem   E
	mark   bool // minted is a removal
	old    vclock.Dot
	more   []vclock.Dot // replaced dots after the first
}

func (d *setOp[E]) isEmpty() bool { return d.minted.Seq == 0 && d.old.Seq == 0 }

func (d *setOp[E]) replaces(old vclock.Dot) {
	if d.old.Seq == 0 {
		d.old = old
		return
	}
	d.more = append(d.more, old)
}

// apply joins d into s, a store of r, and reports whether that changed the two.
func (s *store[E]) apply(r *root, d *setOp[E]) bool {
	changed := false
	forget := func(old vclock.Dot) {
		x := r.dot(old)
		dropped, news := s.drop(x), r.see(x)
		changed = changed || dropped || news
	}
	if d.old.Seq != 0 {
		forget(d.old)
		for _, old := range d.more {
			forget(old)
		}
	}
	if d.minted.Seq != 0 {
		if x := r.dot(d.minted); r.see(x) {
			s.insert(x, d.elem, d.mark)
			changed = true
		}
	}
	return changed
}

// add makes e an element by a new dot of the writer, which replaces the ones that
// e has, and describes the change in d.
func (s *store[E]) add(r *root, e E, mark bool, d *setOp[E]) {
	e = s.kind.enter(e)
	minted, ok := r.mint()
	if !ok {
		return
	}
	h := s.hash(e)
	s.index.grow(h)
	p, found := s.find(h, e)
	x := s.place(minted, e, mark) // before a page that may hold the old dot only goes
	if found {
		s.evict(r, p.ref(), d)
		p.set(h, x)
	} else {
		s.index.enter(p, h, x)
	}
	d.minted, d.elem, d.mark = r.name(minted), e, mark
}

// evict makes the dots of the element at head dead, but for its slot in the
// index, and adds them to d.
func (s *store[E]) evict(r *root, head ref, d *setOp[E]) {
	d.replaces(r.name(s.dot(head)))
	s.unplace(head)
	if len(s.rest) == 0 {
		return
	}
	for _, x := range s.rest[head] {
		d.replaces(r.name(s.dot(x)))
		s.unplace(x)
	}
	delete(s.rest, head)
}

// take removes e, or those of its dots that seen covers, and describes the
// change in d.
func (s *store[E]) take(r *root, e E, seen *Context, d *setOp[E]) {
	p, found := s.find(s.hash(e), e)
	if !found {
		return
	}
	head := p.ref()
	if seen == nil {
		s.evict(r, head, d)
		s.index.clear(p)
		return
	}
	var gone []ref
	s.refs(head, func(x ref) {
		if old := r.name(s.dot(x)); seen.has(old) {
			d.replaces(old)
			gone = append(gone, x)
		}
	})
	for _, x := range gone {
		s.remove(x)
	}
}

// lookupElem returns the ref of e in the index, if e has a live dot.
func (s *store[E]) lookupElem(e E) (ref, bool) {
	p, ok := s.find(s.hash(e), e)
	if !ok {
		return 0, false
	}
	return p.ref(), true
}

// addBeside gives e a new dot beside those that it has, and adds it to d.
func (s *store[E]) addBeside(r *root, e E, mark bool, d *setOp[E]) {
	e = s.kind.enter(e)
	minted, ok := r.mint()
	if !ok {
		return
	}
	s.insert(minted, e, mark)
	d.minted, d.elem, d.mark = r.name(minted), e, mark
}

// clearOut removes the dots that c covers.
func (s *store[E]) clearOut(c *clearing) {
	if s == nil {
		return
	}
	var gone []dot
	s.dots(func(d dot) {
		if c.covers(d) {
			gone = append(gone, d)
		}
	})
	for _, d := range gone {
		c.drop(d)
	}
	if len(gone) > 0 && c.all {
		*s = *newStore[E]()
		return
	}
	for _, d := range gone {
		s.drop(d)
	}
}

func (d *setOp[E]) clone() setOp[E] {
	c := *d
	c.more = slices.Clone(d.more)
	return c
}
