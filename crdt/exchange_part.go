package crdt

import "slices"

// For any set S of dots that a state has seen, the state (live dots in S, context
// S) is below it: whoever merges that, at any time, learns what the state knows of the dots in S
// and nothing else. Such a part is what a peer is missing, a chunk, and the share
// of some keys.

// minus returns the numbers of r that are not in o.
func (r *runs) minus(o *runs) runs {
	var d runs
	skip := slices.Collect(o.all())
	for s := range r.all() {
		for len(skip) > 0 && skip[0].hi < s.lo {
			skip = skip[1:]
		}
		for k := 0; k < len(skip) && skip[k].lo <= s.hi; k++ {
			if skip[k].lo > s.lo {
				d.add(s.lo, skip[k].lo-1)
			}
			s.lo = skip[k].hi + 1
		}
		if s.lo <= s.hi {
			d.add(s.lo, s.hi)
		}
	}
	return d
}

// and returns the numbers that are in both.
func (r *runs) and(o *runs) runs {
	not := r.minus(o)
	return r.minus(&not)
}

// partOf returns the part of v, a value of r, that is about the dots in seen, which r has
// seen, by its indexes. It keeps seen.
func partOf(of maker, r *root, v causal, seen []runs) (*root, causal) {
	p := newRoot(slices.Clone(r.names), seen)
	return p, of.part(v, p)
}

// pickInto puts what to has seen of s into c.
func (s *store[E]) pickInto(c *store[E], to *root) {
	if s == nil {
		return
	}
	for i := range s.logs {
		l := &s.logs[i]
		for seen := range to.seen[l.replica].all() {
			k, _ := l.seek(seen.lo >> pageBits)
			for ; k < len(l.pages) && l.nums[k] <= seen.hi>>pageBits; k++ {
				p := l.pages[k]
				offsets(within(p.live, p.num, seen), func(off uint) {
					c.insert(p.dot(off), p.elem(off), p.marked(off))
				})
			}
		}
	}
}

// within returns those bits of words, which are of page num, that are in s.
func within(words [2]uint64, num uint64, s span) [2]uint64 {
	from, to := max(num<<pageBits, s.lo), min(num<<pageBits+pageSize-1, s.hi)
	for k := range words {
		lo := num<<pageBits + uint64(k)*64
		if from > lo+63 || to < lo {
			words[k] = 0
			continue
		}
		a, b := max(from, lo)-lo, min(to, lo+63)-lo
		words[k] &= ^uint64(0) >> (63 - (b - a)) << a
	}
	return words
}

func (s *ORSet[E]) pick(rec *ORSet[E]) { s.store.pickInto(rec.ready(), rec.root) }
func (s *RWSet[E]) pick(rec *RWSet[E]) { s.store.pickInto(rec.ready(), rec.root) }

// pickInto puts what to has seen of c into d.
func (c *cell[T]) pickInto(d *cell[T], to *root) {
	for _, w := range *c {
		if to.contains(w.dot) {
			*d = append(*d, w)
		}
	}
}

func (f *EWFlag) pick(rec *EWFlag)               { f.cell.pickInto(&rec.cell, rec.root) }
func (f *DWFlag) pick(rec *DWFlag)               { f.cell.pickInto(&rec.cell, rec.root) }
func (m *MVRegister[V]) pick(rec *MVRegister[V]) { m.cell.pickInto(&rec.cell, rec.root) }

func (m *ORMap[K, V]) pick(rec *ORMap[K, V]) {
	for key, v := range m.entries {
		d := rec.value(key, rec.root)
		v.pick(d)
		rec.settle(key, d)
	}
}

// pick takes tallies as a whole, so the root of rec sees the other dots that they have,
// and of a residue the latest dot that was undone.
func (c *PNCounter) pick(rec *PNCounter) {
	for _, t := range c.tallies {
		some := false
		t.dots(func(d dot) { some = some || rec.root.contains(d) })
		if some {
			rec.tallies = append(rec.tallies, t)
		}
	}
	reach(rec, func(d dot) { rec.root.see(d) })
}
