package crdt

import (
	"iter"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/vclock"
)

// An ORSet is an add-wins set: where one replica adds an element and another
// concurrently removes it, the element stays. A remove undoes the adds that the
// remover had seen and no others, hence the name observed-remove set; and
// ORSWOT, as it remembers no removed elements. There is nothing to compact:
// consecutive numbers of a replica take one entry.
//
// The zero ORSet is empty and ready to use. Add and Remove take O(1 + d) for an
// element added by d replicas concurrently, Merge O(p + k) for p pages of 128
// dots on both sides and k elements in which the sides differ. The state is O(n
// + r) for n elements and r replicas. See Bieniusa et al., 2012.
type ORSet[E comparable] struct {
	_ nocopy.NoCopy
	orSetState[E]
}

// An orSetState is what an ORSet holds, so that one in a struct has its JSON there.
type orSetState[E comparable] struct {
	node
	store *store[E]
	op    setOp[E] // the whole state, if it is the delta of one change
}

// Add adds e on behalf of r and returns the delta.
func (s *ORSet[E]) Add(r vclock.Replica, e E) *ORSet[E] {
	var d ORSet[E]
	s.add(r, e, &d.op)
	return &d
}

// Remove removes e, as far as s has seen it added, and returns the delta. That
// undoes the adds of e in s, not older ones that they replaced: a replica that
// got only one of those keeps e until it gets the later one, or a whole state.
func (s *ORSet[E]) Remove(r vclock.Replica, e E) *ORSet[E] {
	var d ORSet[E]
	s.remove(r, e, &d.op)
	return &d
}

// RemoveSeen is [ORSet.Remove] for a client: adds that seen does not cover
// stay.
func (s *ORSet[E]) RemoveSeen(r vclock.Replica, seen Context, e E) (*ORSet[E], error) {
	var d ORSet[E]
	return &d, s.removeSeen(r, &seen, e, &d.op)
}

// Clear removes all elements and returns the delta, of O(n) numbers, in O(n).
func (s *ORSet[E]) Clear(r vclock.Replica) *ORSet[E] { return s.clearOut(r, true, Context{}) }

// ClearSeen is [ORSet.Clear] for a client: adds that seen does not cover stay.
func (s *ORSet[E]) ClearSeen(r vclock.Replica, seen Context) (*ORSet[E], error) {
	if err := s.admits(&seen); err != nil {
		return new(ORSet[E]), err
	}
	return s.clearOut(r, false, seen), nil
}

// Contains reports whether e is in s.
func (s *ORSet[E]) Contains(e E) bool {
	s = s.whole()
	if s.store == nil {
		return false
	}
	_, ok := s.store.lookupElem(e)
	return ok
}

// Len returns the number of elements.
func (s *ORSet[E]) Len() int { return s.whole().store.len() }

// All returns an iterator over the elements in unspecified order.
func (s *ORSet[E]) All() iter.Seq[E] {
	return func(yield func(E) bool) {
		s.whole().store.heads(func(_ ref, e E) bool { return yield(e) })
	}
}

// Context returns what s has seen, for a client that reads it now.
func (s *ORSet[E]) Context() Context { return contextOf(&s.whole().node, s.whole()) }

// HasSeen reports whether s has seen all that seen covers: see [Context].
func (s *ORSet[E]) HasSeen(seen Context) bool { return s.whole().root.hasSeen(seen) }

// LastOf returns the largest number of a dot of r that s has seen, or 0.
func (s *ORSet[E]) LastOf(r vclock.Replica) uint64 { return s.whole().root.lastOf(r) }

// Usable returns nil if r can change s, and else a [*vclock.MemberError].
func (s *ORSet[E]) Usable(r vclock.Replica) error { return s.whole().root.usable(r) }

// Speaks reports whether o has seen sealed events that s has not seen.
func (s *ORSet[E]) Speaks(o *ORSet[E], sealed vclock.Closing) bool {
	return speaks(s.whole().root, o.whole().root, sealed)
}

// Merge joins o into s and reports whether that changed s.
func (s *ORSet[E]) Merge(o *ORSet[E]) bool {
	if o == nil || s == o {
		return false
	}
	r := s.receive(&o.node)
	st := s.ready()
	if !o.op.isEmpty() {
		return st.apply(r, &o.op)
	}
	if o.root == nil {
		return false
	}
	j := r.merging(o.root)
	changed := st.join(o.store, j)
	return j.finish() || changed
}

// Equal reports whether s and o are the same state.
func (s *ORSet[E]) Equal(o *ORSet[E]) bool {
	s, o = s.state(), o.state()
	j, ok := s.root.pair(o.root)
	return ok && s.equal(o, j)
}

func (s *ORSet[E]) equal(o *ORSet[E], j *merging) bool { return s.store.equal(o.store, j) }

// Clone returns a copy that shares no memory with s.
func (s *ORSet[E]) Clone() *ORSet[E] {
	if s == nil {
		return new(ORSet[E])
	}
	if s.inMap() {
		r := s.root.bare()
		s.dots(func(d dot) { r.see(d) })
		return &ORSet[E]{orSetState: orSetState[E]{node: node{root: r}, store: s.store.clone()}}
	}
	c := &ORSet[E]{orSetState: orSetState[E]{store: s.store.clone(), op: s.op.clone()}}
	if s.root != nil {
		c.root = s.root.clone()
	}
	return c
}

// ready returns the store, to change it: it makes one, and gives a delta of one
// change the form of a state.
func (s *ORSet[E]) ready() *store[E] {
	if s.store == nil {
		s.store = newStore[E]()
		if !s.op.isEmpty() {
			s.store.apply(s.root, &s.op)
			s.op = setOp[E]{}
		}
	}
	return s.store
}

// whole returns s, or, for a delta of one change, a state that equals it.
func (s *ORSet[E]) whole() *ORSet[E] {
	if s == nil {
		return new(ORSet[E])
	}
	if s.op.isEmpty() {
		return s
	}
	c := &ORSet[E]{orSetState: orSetState[E]{node: node{root: new(root)}, store: newStore[E]()}}
	c.store.apply(c.root, &s.op)
	return c
}

func (s *ORSet[E]) add(name vclock.Replica, e E, d *setOp[E]) {
	r, _ := s.write(name)
	s.ready().add(r, e, false, d)
	s.recordOp(d)
}

func (s *ORSet[E]) remove(name vclock.Replica, e E, d *setOp[E]) {
	r := s.changeFor(name)
	if st := s.ready(); !r.isOver(name) {
		st.take(r, e, nil, d)
		s.recordOp(d)
	}
}

func (s *ORSet[E]) removeSeen(name vclock.Replica, seen *Context, e E, d *setOp[E]) error {
	r := s.changeFor(name)
	if err := s.admits(seen); err != nil {
		return err
	}
	if st := s.ready(); !r.isOver(name) {
		st.take(r, e, seen, d)
		s.recordOp(d)
	}
	return nil
}

func (s *ORSet[E]) recordOp(d *setOp[E]) {
	if s.mode == opened {
		rec := s.rec.(*ORSet[E])
		rec.ready().apply(rec.root, d)
	}
}

// clearOut removes what all or else seen says.
func (s *ORSet[E]) clearOut(name vclock.Replica, all bool, seen Context) *ORSet[E] {
	r := s.changeFor(name)
	s.ready()
	d := &ORSet[E]{orSetState: orSetState[E]{node: node{root: new(root)}}}
	if r.isOver(name) {
		return d
	}
	s.clear(&clearing{root: r, delta: d.root, all: all, seen: seen}, d)
	if s.mode == opened {
		rec := s.rec.(*ORSet[E])
		j := rec.root.merging(d.root)
		rec.ready().join(nil, j)
		j.finish()
	}
	return d
}

func (*ORSet[E]) fresh(r *root, scope uint32) *ORSet[E] {
	return &ORSet[E]{orSetState: orSetState[E]{node: node{root: r, mode: sealed, scope: scope}}}
}

func (s *ORSet[E]) recycle(r *root, scope uint32) {
	s.store.recycle()
	s.orSetState = orSetState[E]{node: node{root: r, mode: sealed, scope: scope}, store: s.store}
}

func (s *ORSet[E]) swap(o *ORSet[E]) { s.orSetState, o.orSetState = o.orSetState, s.orSetState }

func (s *ORSet[E]) join(o *ORSet[E], j *merging) bool {
	if o == nil {
		return s.ready().join(nil, j)
	}
	return s.ready().join(o.store, j)
}

func (s *ORSet[E]) clear(c *clearing, _ *ORSet[E]) { s.store.clearOut(c) }

func (s *ORSet[E]) live() bool    { return s.store.len() > 0 }
func (s *ORSet[E]) isEmpty() bool { return s.store.len() == 0 }

func (s *ORSet[E]) holds(d dot) bool { return s.store.holds(d) }

func (s *ORSet[E]) dots(yield func(dot)) { s.store.dots(yield) }

func (s *ORSet[E]) copy(r *root, scope uint32) *ORSet[E] {
	c := s.fresh(r, scope)
	c.store = s.store.clone()
	return c
}

// state returns s as a state of its own, without changing it.
func (s *ORSet[E]) state() *ORSet[E] {
	if s != nil && s.inMap() {
		return s.Clone()
	}
	return s.whole()
}
