package crdt

import (
	"iter"
	"maps"
	"slices"
)

// A Change has the value of a key before and after a merge, nil if absent.
type Change[V any] struct{ Before, After V }

// against prepares to tell what joining the peer's state into one of r would change. It
// changes neither.
func (r *root) against(theirs *root) *merging {
	t := new(root)
	if r != nil {
		t = &root{names: slices.Clone(r.names), seen: slices.Clone(r.seen), index: maps.Clone(r.index)}
	}
	j := t.merging(theirs)
	j.findBoth()
	return j
}

// after returns a root that has seen what both sides have, with the receiver's indexes, for
// values to be shown as they are after the merge.
func (j *merging) after() *root {
	r := &root{names: j.ours.names, seen: make([]runs, len(j.ours.seen)), index: j.ours.index}
	for i := range r.seen {
		r.seen[i] = j.ours.seen[i].clone()
		r.seen[i].join(j.theirSeen(uint32(i)))
	}
	return r
}

// turns calls yield with the elements that are shown before and not after a join
// of o, or the other way round, and with what is then.
func (s *store[E]) turns(o *store[E], j *merging, yield func(e E, shown bool) bool) {
	if s == nil {
		s = newStore[E]()
	}
	type dots struct{ adds, removals int } // of one element; more of them by a join, or fewer
	var order []E
	more := map[E]*dots{}
	count := func(p *page[E], offs [2]uint64, n int) {
		offsets(offs, func(off uint) {
			e := p.elem(off)
			d := more[e]
			if d == nil {
				d = new(dots)
				more[e] = d
				order = append(order, e)
			}
			if p.marked(off) {
				d.removals += n
			} else {
				d.adds += n
			}
		})
	}
	s.compare(o, j, func(at pagePair[E]) {
		count(at.theirs, at.take, 1)
		count(at.ours, at.drop, -1)
	})
	for _, e := range order {
		var have dots
		if head, ok := s.lookupElem(e); ok {
			s.refs(head, func(x ref) {
				if s.isMarked(x) {
					have.removals++
				} else {
					have.adds++
				}
			})
		}
		before := have.adds > 0 && have.removals == 0
		after := have.adds+more[e].adds > 0 && have.removals+more[e].removals == 0
		if before != after && !yield(e, after) {
			return
		}
	}
}

// Changed returns an iterator over the elements that merging o would add, with
// true, or remove, in unspecified order. It takes as long as a merge.
func (s *ORSet[E]) Changed(o *ORSet[E]) iter.Seq2[E, bool] {
	return func(yield func(E, bool) bool) {
		if s, o := s.state(), o.state(); o.root != nil {
			s.store.turns(o.store, s.root.against(o.root), yield)
		}
	}
}

// Changed returns an iterator over what comes, with true, or goes, with false.
func (s *RWSet[E]) Changed(o *RWSet[E]) iter.Seq2[E, bool] {
	return func(yield func(E, bool) bool) {
		if s, o := s.state(), o.state(); o.root != nil {
			s.store.turns(o.store, s.root.against(o.root), yield)
		}
	}
}

// Changed returns what f says, and what it would say after a merge of o.
func (f *EWFlag) Changed(o *EWFlag) (before, after bool) {
	c := f.Clone()
	c.Merge(o)
	return f.Enabled(), c.Enabled()
}

// Changed returns what f says, and what it would say after a merge of o.
func (f *DWFlag) Changed(o *DWFlag) (before, after bool) {
	c := f.Clone()
	c.Merge(o)
	return f.Enabled(), c.Enabled()
}

// Changed returns an iterator over values that come, with true, or go.
func (m *MVRegister[V]) Changed(o *MVRegister[V]) iter.Seq2[V, bool] {
	return func(yield func(V, bool) bool) {
		c := m.Clone()
		c.Merge(o)
		before, after := m.contents(), c.contents()
		for _, v := range before {
			if !slices.ContainsFunc(after, v.equal) && !yield(v.v, false) {
				return
			}
		}
		for _, v := range after {
			if !slices.ContainsFunc(before, v.equal) && !yield(v.v, true) {
				return
			}
		}
	}
}

// Changed returns the total of c, and what a merge of o would make of it.
func (c *PNCounter) Changed(o *PNCounter) (before, after int64) {
	d := c.Clone()
	d.Merge(o)
	before, _ = c.Total()
	after, _ = d.Total()
	return before, after
}

// Changed returns an iterator over the keys whose values merging o would
// change, also where they show the same. It takes as long as a merge.
func (m *ORMap[K, V]) Changed(o *ORMap[K, V]) iter.Seq2[K, Change[V]] {
	return func(yield func(K, Change[V]) bool) {
		m, o := m.state(), o.state()
		if o.root == nil {
			return
		}
		j := m.root.against(o.root)
		after := j.after()
		for key, theirs := range o.entries {
			ours, ok := m.entries[key]
			if ok && ours.equal(theirs, j) {
				continue
			}
			if c, ok := m.changeAt(ours, ok, theirs, j, after); ok && !yield(key, c) {
				return
			}
		}
		for key, ours := range m.entries {
			if _, both := o.entries[key]; both || !j.touches(ours) {
				continue
			}
			var none V
			if c, ok := m.changeAt(ours, true, none, j, after); ok && !yield(key, c) {
				return
			}
		}
	}
}

// touches reports whether the peer has seen a dot of v.
func (j *merging) touches(v interface{ dots(yield func(dot)) }) bool {
	touches := false
	v.dots(func(d dot) { touches = touches || j.theirSeen(d.replica).contains(d.seq) })
	return touches
}

// changeAt returns what joining the peer's into ours would do, where ours may be absent, and
// whether that can be seen.
func (*ORMap[K, V]) changeAt(ours V, there bool, theirs V, j *merging, root *root) (c Change[V], ok bool) {
	var after V
	if there {
		after = ours.copy(root, ours.scopeOf())
	} else {
		after = theirs.fresh(root, theirs.scopeOf())
	}
	if !after.join(theirs, j) {
		return c, false
	}
	if there && ours.live() {
		c.Before, ok = ours, true
	}
	if after.live() {
		c.After, ok = after, true
	}
	return c, ok
}

// Changed returns an iterator over elements that merging o would add, in O(n).
func (s *GSet[E]) Changed(o *GSet[E]) iter.Seq[E] {
	return func(yield func(E) bool) {
		for _, e := range o.elems() {
			if !s.Contains(e) && !yield(e) {
				return
			}
		}
	}
}

// Changed returns an iterator over what comes, with true, or goes, in O(n).
func (s *TwoPSet[E]) Changed(o *TwoPSet[E]) iter.Seq2[E, bool] {
	return func(yield func(E, bool) bool) {
		elems, phases := o.elems()
		for i, e := range elems {
			before, after := s.phase(e), phases[i]
			if after > before && (after == present || before == present) && !yield(e, after == present) {
				return
			}
		}
	}
}

// Changed returns an iterator over keys that merging o would change, in O(n).
func (m *GMap[K, V]) Changed(o *GMap[K, V]) iter.Seq2[K, Change[V]] {
	m, o = m.orEmpty(), o.orEmpty()
	return func(yield func(K, Change[V]) bool) {
		for k, theirs := range o.All() {
			c := Change[V]{After: theirs}
			if ours, ok := m.At(k); ok {
				c = Change[V]{ours, ours.Clone()}
				if !c.After.Merge(theirs) {
					continue
				}
			}
			if !yield(k, c) {
				return
			}
		}
	}
}

// Changed returns the total of c, and what a merge of o would make of it.
func (c *GCounter) Changed(o *GCounter) (before, after uint64) {
	d := c.Clone()
	d.Merge(o)
	before, _ = c.Total()
	after, _ = d.Total()
	return before, after
}

// Changed returns the total of c, and what a merge of o would make of it.
func (c *BoundedCounter) Changed(o *BoundedCounter) (before, after int64) {
	d := c.Clone()
	d.Merge(o)
	before, _ = c.Total()
	after, _ = d.Total()
	return before, after
}
