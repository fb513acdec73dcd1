package crdt

import (
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock"
)

// An RWSet is a remove-wins set: where one replica removes an element and
// another concurrently adds it, the element is out. An add undoes the removes
// that its replica had seen, and no others. A removed element is remembered
// until [RWSet.Compact], because an add that did not see the remove may still
// arrive: use an [ORSet] unless a remove must not be overruled, as of rights.
//
// The zero RWSet is empty and ready to use. Costs are those of an ORSet, where
// n counts the removed elements, too. In an [ORMap] its key is there while the
// set has an element. See Bieniusa et al., Brief Announcement: Semantics of
// Eventually Consistent Replicated Sets, DISC 2012.
type RWSet[E comparable] struct {
	_ nocopy.NoCopy
	rwSetState[E]
}

// A rwSetState is what a RWSet holds, so that one in a struct has its JSON there.
type rwSetState[E comparable] struct {
	node
	store *store[E] // dots of adds, and marked ones of removes
	op    setOp[E]  // the whole state, if it is the delta of one change
}

// Add adds e on behalf of r and returns the delta.
func (s *RWSet[E]) Add(r vclock.Replica, e E) *RWSet[E] {
	var d RWSet[E]
	s.put(r, e, false, &d.op)
	return &d
}

// AddSeen is [RWSet.Add] for a client: removes that seen does not cover win.
func (s *RWSet[E]) AddSeen(r vclock.Replica, seen Context, e E) (*RWSet[E], error) {
	var d RWSet[E]
	return &d, s.putSeen(r, &seen, e, false, &d.op)
}

// Remove removes e, in s or not, on behalf of r and returns the delta.
func (s *RWSet[E]) Remove(r vclock.Replica, e E) *RWSet[E] {
	var d RWSet[E]
	s.put(r, e, true, &d.op)
	return &d
}

// RemoveSeen is [RWSet.Remove] for a client: it wins over adds not covered,
// too.
func (s *RWSet[E]) RemoveSeen(r vclock.Replica, seen Context, e E) (*RWSet[E], error) {
	var d RWSet[E]
	return &d, s.putSeen(r, &seen, e, true, &d.op)
}

// Clear removes the elements of s and returns the delta, of O(n), in
// O(n log n).
func (s *RWSet[E]) Clear(r vclock.Replica) *RWSet[E] {
	return s.removeAll(r, nil, func(head ref) bool { return s.store.shows(head) })
}

// ClearSeen removes the elements with an add that seen covers, for a client.
func (s *RWSet[E]) ClearSeen(r vclock.Replica, seen Context) (*RWSet[E], error) {
	if err := s.admits(&seen); err != nil {
		return new(RWSet[E]), err
	}
	return s.removeAll(r, &seen, func(head ref) bool {
		covered := false
		s.store.refs(head, func(x ref) {
			added := !s.store.isMarked(x)
			covered = covered || added && seen.has(s.root.name(s.store.dot(x)))
		})
		return covered
	}), nil
}

// Contains reports whether e is in s.
func (s *RWSet[E]) Contains(e E) bool {
	s = s.whole()
	if s.store == nil {
		return false
	}
	head, ok := s.store.lookupElem(e)
	return ok && s.store.shows(head)
}

// Len returns the number of elements. It takes O(n).
func (s *RWSet[E]) Len() int {
	n := 0
	for range s.All() {
		n++
	}
	return n
}

// All returns an iterator over the elements in unspecified order.
func (s *RWSet[E]) All() iter.Seq[E] {
	return func(yield func(E) bool) {
		st := s.whole().store
		st.heads(func(head ref, e E) bool { return !st.shows(head) || yield(e) })
	}
}

// Context returns what s has seen, for a client that reads it now.
func (s *RWSet[E]) Context() Context { return contextOf(&s.whole().node, s.whole()) }

// HasSeen reports whether s has seen all that seen covers: see [Context].
func (s *RWSet[E]) HasSeen(seen Context) bool { return s.whole().root.hasSeen(seen) }

// LastOf returns the largest number of a dot of r that s has seen, or 0.
func (s *RWSet[E]) LastOf(r vclock.Replica) uint64 { return s.whole().root.lastOf(r) }

// Usable returns nil if r can change s, and else a [*vclock.MemberError].
func (s *RWSet[E]) Usable(r vclock.Replica) error { return s.whole().root.usable(r) }

// Speaks reports whether o has seen sealed events that s has not seen.
func (s *RWSet[E]) Speaks(o *RWSet[E], sealed vclock.Closing) bool {
	return speaks(s.whole().root, o.whole().root, sealed)
}

// Merge joins o into s and reports whether that changed s.
func (s *RWSet[E]) Merge(o *RWSet[E]) bool {
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
func (s *RWSet[E]) Equal(o *RWSet[E]) bool {
	s, o = s.state(), o.state()
	j, ok := s.root.pair(o.root)
	return ok && s.equal(o, j)
}

// Clone returns a copy that shares no memory with s.
func (s *RWSet[E]) Clone() *RWSet[E] {
	if s == nil {
		return new(RWSet[E])
	}
	if s.inMap() {
		r := s.root.bare()
		s.dots(func(d dot) { r.see(d) })
		return &RWSet[E]{rwSetState: rwSetState[E]{node: node{root: r}, store: s.store.clone()}}
	}
	c := &RWSet[E]{rwSetState: rwSetState[E]{store: s.store.clone(), op: s.op.clone()}}
	if s.root != nil {
		c.root = s.root.clone()
	}
	return c
}

// Compact forgets the elements without adds whose removes seen covers. The
// delta of a later add has not seen these, which others may still remember.
func (s *RWSet[E]) Compact(seen Context) bool {
	r := s.change()
	s.ready()
	c, ok := r.compacting(seen)
	return ok && s.compact(c)
}

// Revived returns an iterator over elements that a merge of o would bring in
// although o has not seen all of seen, what s was compacted under last. Ask it
// of a state that went back, then merge, and remove what must stay out.
func (s *RWSet[E]) Revived(o *RWSet[E], seen Context) iter.Seq[E] {
	return func(yield func(E) bool) {
		if o.HasSeen(seen) {
			return
		}
		for e, shown := range s.Changed(o) {
			if shown && !yield(e) {
				return
			}
		}
	}
}

// ready returns the store, to change it: it makes one, and gives a delta of one
// change the form of a state.
func (s *RWSet[E]) ready() *store[E] {
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
func (s *RWSet[E]) whole() *RWSet[E] {
	if s == nil {
		return new(RWSet[E])
	}
	if s.op.isEmpty() {
		return s
	}
	c := &RWSet[E]{rwSetState: rwSetState[E]{node: node{root: new(root)}, store: newStore[E]()}}
	c.store.apply(c.root, &s.op)
	return c
}

// state returns s as a state of its own, without changing it.
func (s *RWSet[E]) state() *RWSet[E] {
	if s != nil && s.inMap() {
		return s.Clone()
	}
	return s.whole()
}

func (s *RWSet[E]) put(name vclock.Replica, e E, mark bool, d *setOp[E]) {
	r, _ := s.write(name)
	s.ready().add(r, e, mark, d)
	s.recordOp(d)
}

func (s *RWSet[E]) putSeen(name vclock.Replica, seen *Context, e E, mark bool, d *setOp[E]) error {
	r, _ := s.write(name)
	if err := s.admits(seen); err != nil {
		return err
	}
	st := s.ready()
	if _, ok := r.next(); !ok {
		return nil
	}
	st.take(r, e, seen, d)
	st.addBeside(r, e, mark, d)
	s.recordOp(d)
	return nil
}

func (s *RWSet[E]) recordOp(d *setOp[E]) {
	if s.mode == opened {
		rec := s.rec.(*RWSet[E])
		rec.ready().apply(rec.root, d)
	}
}

// removeAll removes the elements that which picks by their refs, with the dots that
// seen covers, all of them if it is nil.
func (s *RWSet[E]) removeAll(name vclock.Replica, seen *Context, which func(head ref) bool) *RWSet[E] {
	s.write(name)
	st := s.ready()
	var targets []E
	st.heads(func(head ref, e E) bool {
		if which(head) {
			targets = append(targets, e)
		}
		return true
	})
	slices.SortFunc(targets, value.CompareKeys) // equal states number their removes alike
	d := new(RWSet[E])
	for _, e := range targets {
		var op RWSet[E]
		if seen == nil {
			s.put(name, e, true, &op.op)
		} else if err := s.putSeen(name, seen, e, true, &op.op); err != nil {
			panic(err) // it was admitted before
		}
		d.Merge(&op)
	}
	return d
}

func (*RWSet[E]) fresh(r *root, scope uint32) *RWSet[E] {
	return &RWSet[E]{rwSetState: rwSetState[E]{node: node{root: r, mode: sealed, scope: scope}}}
}

func (s *RWSet[E]) recycle(r *root, scope uint32) {
	s.store.recycle()
	s.rwSetState = rwSetState[E]{node: node{root: r, mode: sealed, scope: scope}, store: s.store}
}

func (s *RWSet[E]) swap(o *RWSet[E]) { s.rwSetState, o.rwSetState = o.rwSetState, s.rwSetState }

func (s *RWSet[E]) join(o *RWSet[E], j *merging) bool {
	if o == nil {
		return s.ready().join(nil, j)
	}
	return s.ready().join(o.store, j)
}

func (s *RWSet[E]) clear(c *clearing, _ *RWSet[E]) { s.store.clearOut(c) }

func (s *RWSet[E]) live() bool {
	for range s.All() {
		return true
	}
	return false
}

func (s *RWSet[E]) isEmpty() bool { return s.store.len() == 0 }

func (s *RWSet[E]) holds(d dot) bool { return s.store.holds(d) }

func (s *RWSet[E]) dots(yield func(dot)) { s.store.dots(yield) }

func (s *RWSet[E]) equal(o *RWSet[E], j *merging) bool { return s.store.equal(o.store, j) }

func (s *RWSet[E]) copy(r *root, scope uint32) *RWSet[E] {
	c := s.fresh(r, scope)
	c.store = s.store.clone()
	return c
}

func (s *RWSet[E]) compact(c *compacting) bool {
	var gone []ref
	s.store.heads(func(head ref, _ E) bool {
		settled := true
		s.store.refs(head, func(x ref) {
			settled = settled && s.store.isMarked(x) && c.drops(s.store.dot(x))
		})
		if settled {
			s.store.refs(head, func(x ref) { gone = append(gone, x) })
		}
		return true
	})
	for _, x := range gone {
		s.store.remove(x)
	}
	return len(gone) > 0
}
