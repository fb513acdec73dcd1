package crdt

import (
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/vclock"
)

// dotsOf returns the dots of e, in order: those of adds, and those of removals.
func (s *store[E]) dotsOf(r *root, e E) (adds, removals []vclock.Dot) {
	if s == nil {
		return nil, nil
	}
	head, ok := s.lookupElem(e)
	if !ok {
		return nil, nil
	}
	s.refs(head, func(x ref) {
		if d := r.name(s.dot(x)); s.isMarked(x) {
			removals = append(removals, d)
		} else {
			adds = append(adds, d)
		}
	})
	slices.SortFunc(adds, vclock.Dot.Compare)
	slices.SortFunc(removals, vclock.Dot.Compare)
	return adds, removals
}

// Dots returns the dots of the adds for which e is in s, in order.
func (s *ORSet[E]) Dots(e E) []vclock.Dot {
	s = s.whole()
	adds, _ := s.store.dotsOf(s.root, e)
	return adds
}

// Dots returns the dots of the adds and removes of e that stand, in order.
func (s *RWSet[E]) Dots(e E) (adds, removes []vclock.Dot) {
	s = s.whole()
	return s.store.dotsOf(s.root, e)
}

// Dots returns the dots of the enables for which f is enabled, in order.
func (f *EWFlag) Dots() []vclock.Dot {
	f = f.whole()
	var all []vclock.Dot
	f.dots(func(d dot) { all = append(all, f.root.name(d)) })
	slices.SortFunc(all, vclock.Dot.Compare)
	return all
}

// Dots returns the dots of the enables and disables that stand, in order.
func (f *DWFlag) Dots() (enables, disables []vclock.Dot) {
	f = f.whole()
	for _, w := range f.cell {
		if d := f.root.name(w.dot); w.value {
			enables = append(enables, d)
		} else {
			disables = append(disables, d)
		}
	}
	slices.SortFunc(enables, vclock.Dot.Compare)
	slices.SortFunc(disables, vclock.Dot.Compare)
	return enables, disables
}

// Written returns an iterator over the writes that stand, ordered by dots.
func (m *MVRegister[V]) Written() iter.Seq2[vclock.Dot, V] {
	return func(yield func(vclock.Dot, V) bool) {
		m := m.whole()
		all := slices.Clone(m.cell)
		sortFew(all, func(a, b *written[stored[V]]) int { return m.root.name(a.dot).Compare(m.root.name(b.dot)) })
		for _, w := range all {
			if !yield(m.root.name(w.dot), w.value.v) {
				return
			}
		}
	}
}

// All returns an iterator over replicas, by name, and their sums not undone.
func (c *PNCounter) All() iter.Seq2[vclock.Replica, int64] {
	return func(yield func(vclock.Replica, int64) bool) {
		c := c.whole()
		for _, t := range c.sorted(newEncoder(nil, c.root)) {
			n, _ := int128.Of(t.total).Minus(int128.Of(t.base)).Int64()
			if t.isLive() && !yield(c.root.names[t.replica], n) {
				return
			}
		}
	}
}
