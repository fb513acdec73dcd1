package crdt

import (
	"iter"
	"slices"
)

// maxSeq is the largest number of a dot: dots are packed with 16 bits of replica
// index above 48 bits of number.
const maxSeq = 1<<48 - 1

// A span is the numbers from lo to hi, both included.
type span struct{ lo, hi uint64 }

// maxSpans is the number of spans in a full chunk of runs.
const maxSpans = 256

// runs is a set of the numbers of one replica's dots: all up to prefix, and the
// spans beyond. It is the part of a context that belongs to one replica.
//
// The spans are ascending, apart from each other and from the prefix by at least
// one number, and stored in chunks of 1 to maxSpans, so that a dot that arrives
// out of order moves one chunk and not all of them.
type runs struct {
	prefix uint64
	far    [][]span
}

// isEmpty reports whether r holds no number.
func (r *runs) isEmpty() bool { return r.prefix == 0 && len(r.far) == 0 }

// last returns the largest number in r, or 0.
func (r *runs) last() uint64 {
	if n := len(r.far); n > 0 {
		c := r.far[n-1]
		return c[len(c)-1].hi
	}
	return r.prefix
}

// contains reports whether r holds seq.
func (r *runs) contains(seq uint64) bool {
	if seq <= r.prefix {
		return true
	}
	c, i := r.seek(seq)
	return c < len(r.far) && r.far[c][i].lo <= seq
}

// seek returns the place of the first far span that ends at or after seq, or
// (len(r.far), 0).
func (r *runs) seek(seq uint64) (chunk, at int) {
	n := len(r.far)
	if n == 0 || r.last() < seq {
		return n, 0
	}
	chunk, _ = slices.BinarySearchFunc(r.far, seq, func(c []span, seq uint64) int {
		return compareSeq(c[len(c)-1].hi, seq)
	})
	at, _ = slices.BinarySearchFunc(r.far[chunk], seq, func(s span, seq uint64) int {
		return compareSeq(s.hi, seq)
	})
	return chunk, at
}

func compareSeq(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// word returns 64 bits of r: bit b says whether r holds 64*w + b. The number 0,
// which names no dot, counts as held.
func (r *runs) word(w uint64) uint64 {
	lo := w << 6
	hi := lo + 63
	if hi <= r.prefix {
		return ^uint64(0)
	}
	var bits uint64
	if lo <= r.prefix {
		bits = ^uint64(0) >> (63 - (r.prefix - lo))
	}
	for c, i := r.seek(lo); c < len(r.far); c, i = c+1, 0 {
		for _, s := range r.far[c][i:] {
			if s.lo > hi {
				return bits
			}
			from, to := max(s.lo, lo)-lo, min(s.hi, hi)-lo
			bits |= ^uint64(0) >> (63 - (to - from)) << from
		}
	}
	return bits
}

// next returns the smallest number of at least seq that r holds, and false if
// there is none.
func (r *runs) next(seq uint64) (uint64, bool) {
	if seq <= r.prefix {
		return seq, true
	}
	c, i := r.seek(seq)
	if c == len(r.far) {
		return 0, false
	}
	return max(seq, r.far[c][i].lo), true
}

// add adds the numbers from lo to hi and reports whether that changed r.
func (r *runs) add(lo, hi uint64) bool {
	switch {
	case hi <= r.prefix:
		return false
	case lo <= r.prefix+1:
		r.prefix = hi
		r.absorbFront()
		return true
	}
	c, i := r.seek(lo - 1) // the first span that touches or follows lo..hi
	if c == len(r.far) {
		r.insert(c, 0, span{lo, hi})
		return true
	}
	s := &r.far[c][i]
	switch {
	case s.lo <= lo && s.hi >= hi:
		return false
	case s.lo > hi+1:
		r.insert(c, i, span{lo, hi})
		return true
	}
	s.lo = min(s.lo, lo)
	if s.hi < hi {
		s.hi = hi
		r.absorb(c, i)
	}
	return true
}

// absorbFront moves the spans that touch the prefix into it.
func (r *runs) absorbFront() {
	for len(r.far) > 0 {
		c, n := r.far[0], 0
		for n < len(c) && c[n].lo <= r.prefix+1 {
			r.prefix = max(r.prefix, c[n].hi)
			n++
		}
		if n < len(c) {
			r.far[0] = slices.Delete(c, 0, n)
			return
		}
		r.far = slices.Delete(r.far, 0, 1)
	}
}

// absorb joins the spans that touch span i of chunk c into it.
func (r *runs) absorb(c, i int) {
	s := &r.far[c][i]
	for k := c; k < len(r.far); {
		from := 0
		if k == c {
			from = i + 1
		}
		chunk, to := r.far[k], from
		for to < len(chunk) && chunk[to].lo <= s.hi+1 {
			s.hi = max(s.hi, chunk[to].hi)
			to++
		}
		if to < len(chunk) {
			r.far[k] = slices.Delete(chunk, from, to)
			return
		}
		if from == 0 {
			r.far = slices.Delete(r.far, k, k+1)
			continue
		}
		r.far[k] = chunk[:from]
		k++
	}
}

// insert puts s before span i of chunk c, where c may be one past the last.
func (r *runs) insert(c, i int, s span) {
	if c == len(r.far) {
		if c == 0 || len(r.far[c-1]) == maxSpans {
			r.far = append(r.far, []span{s})
			return
		}
		r.far[c-1] = append(r.far[c-1], s)
		return
	}
	chunk := r.far[c]
	if len(chunk) == maxSpans {
		const half = maxSpans / 2
		tail := append(make([]span, 0, maxSpans), chunk[half:]...)
		r.far = slices.Insert(r.far, c+1, tail)
		chunk = chunk[:half]
		r.far[c] = chunk
		if i > half {
			c, i, chunk = c+1, i-half, tail
		}
	}
	r.far[c] = slices.Insert(chunk, i, s)
}

// all yields the spans of r in ascending order, the prefix first.
func (r *runs) all() iter.Seq[span] {
	return func(yield func(span) bool) {
		if r.prefix > 0 && !yield(span{1, r.prefix}) {
			return
		}
		for _, c := range r.far {
			for _, s := range c {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// gaps returns the number of spans beyond the prefix: that many stretches of
// missing numbers lie below one that is held.
func (r *runs) gaps() int {
	n := 0
	for _, c := range r.far {
		n += len(c)
	}
	return n
}

// covers reports whether r holds all of lo..hi.
func (r *runs) covers(s span) bool {
	if s.hi <= r.prefix {
		return true
	}
	c, i := r.seek(s.hi)
	return c < len(r.far) && r.far[c][i].lo <= max(s.lo, r.prefix+1)
}

// includes reports whether r holds every number of o.
func (r *runs) includes(o *runs) bool {
	for s := range o.all() {
		if !r.covers(s) {
			return false
		}
	}
	return true
}

// join adds the numbers of o and reports whether that changed r.
func (r *runs) join(o *runs) bool {
	changed := false
	if o.prefix > 0 {
		changed = r.add(1, o.prefix)
	}
	for _, c := range o.far {
		for _, s := range c {
			if r.add(s.lo, s.hi) {
				changed = true
			}
		}
	}
	return changed
}

// clone returns a copy that shares no memory with r.
func (r *runs) clone() runs {
	d := runs{prefix: r.prefix}
	if len(r.far) > 0 {
		d.far = make([][]span, len(r.far))
		for i, c := range r.far {
			d.far[i] = slices.Clone(c)
		}
	}
	return d
}
