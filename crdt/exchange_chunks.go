package crdt

import (
	"iter"
	"slices"
)

// chunks calls yield with parts of v, a value of r, that are together all of it and
// have up to size bytes each, or are about one dot.
func chunks(of maker, r *root, v causal, size int, yield func(causal) bool) {
	if r == nil {
		return
	}
	p, d := partOf(of, r, v, slices.Clone(r.seen))
	var dots []dot
	d.dots(func(x dot) { dots = append(dots, x) })
	e := newEncoder(nil, p)
	e.sort(dots)
	c := chunking{size, of, r, v, e.order, yield}
	all := make([]located, 0, len(dots))
	for _, x := range dots {
		all = append(all, located{e.place[x.replica], x.seq})
	}
	c.cut(located{0, 1}, located{uint32(len(e.order)), 0}, all)
}

// A located is a dot, or a place between dots: the place of a replica in the order of
// names, and a number.
type located struct {
	place uint32
	seq   uint64
}

type chunking struct {
	size  int
	maker maker
	root  *root
	state causal
	order []uint32
	yield func(causal) bool
}

// cut yields chunks about all that the root has seen from from up to, and without, to,
// of which dots are held. It returns false once yield does.
func (c *chunking) cut(from, to located, dots []located) bool {
	seen := make([]runs, len(c.root.names))
	spans := 0
	for place := from.place; place < uint32(len(c.order)) && place <= to.place; place++ {
		i := c.order[place]
		limits := span{1, maxSeq}
		if place == from.place {
			limits.lo = from.seq
		}
		if place == to.place {
			limits.hi = to.seq - 1
		}
		if limits.hi < limits.lo {
			continue
		}
		var part runs
		part.add(limits.lo, limits.hi)
		seen[i] = c.root.seen[i].and(&part)
		if !seen[i].isEmpty() {
			spans += 1 + seen[i].gaps()
		}
	}
	if spans == 0 {
		return true
	}
	p, d := partOf(c.maker, c.root, c.state, seen)
	if len(dots) <= 1 || len(appendCausal(nil, p, d)) <= c.size {
		return c.yield(d)
	}
	mid := len(dots) / 2
	return c.cut(from, dots[mid], dots[:mid]) && c.cut(dots[mid], to, dots[mid:])
}

// adopted returns the iterator over chunks as states of their own.
func adopted[V Value[V]](r *root, v V, size int, adopt func(V) V) iter.Seq[V] {
	return func(yield func(V) bool) {
		chunks(makerOf[V]{}, r, v, size, func(d causal) bool { return yield(adopt(d.(V))) })
	}
}

// Chunks returns an iterator over deltas of up to size bytes that are together
// all of s, to be merged in any order. A larger element is a chunk of its own,
// and so is a context where nothing is held. It takes O(n log c) for c chunks.
func (s *ORSet[E]) Chunks(size int) iter.Seq[*ORSet[E]] {
	s = s.state()
	return adopted(s.root, s, size, func(v *ORSet[E]) *ORSet[E] {
		d := new(ORSet[E])
		d.adopt(v)
		return d
	})
}

// Chunks returns an iterator over deltas, together all of s: see
// [ORSet.Chunks].
func (s *RWSet[E]) Chunks(size int) iter.Seq[*RWSet[E]] {
	s = s.state()
	return adopted(s.root, s, size, func(v *RWSet[E]) *RWSet[E] {
		d := new(RWSet[E])
		d.adopt(v)
		return d
	})
}

// Chunks is like [ORSet.Chunks], in O(n c) for n changes held. Of a counter a
// chunk may hold a part of a closed incarnation: a state that has more of that
// needs an exchange, or the whole.
func (m *ORMap[K, V]) Chunks(size int) iter.Seq[*ORMap[K, V]] {
	m = m.state()
	return adopted(m.root, m, size, func(v *ORMap[K, V]) *ORMap[K, V] {
		d := new(ORMap[K, V])
		d.adopt(v)
		return d
	})
}
