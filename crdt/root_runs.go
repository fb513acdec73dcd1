package crdt

import (
	"iter"
	"slices"
	"sort"
)

// maxSeq is the largest number of a dot: dots are packed with 16 bits of replica
// index above 48 bits of number.
const maxSeq = 1<<48 - 1

// A span is the numbers from lo to hi, both included.
type span struct{ lo, hi uint64 }

// A chunk is 1 to maxSpans spans, and end the last number in them: who looks for
// a number finds its chunk without a look into any other.
type chunk struct {
	end   uint64
	spans []span
}

const maxSpans = 256

// set makes spans, which are not empty, the content of c.
func (c *chunk) set(spans []span) { *c = chunk{spans[len(spans)-1].hi, spans} }

// runs is a set of the numbers of one replica's dots: all up to prefix, and the
// spans beyond. It is the part of a context that belongs to one replica.
//
// The spans are ascending, apart from each other and from the prefix by at least
// one number, and stored in chunks, so that a dot that arrives out of order moves
// one chunk and not all of them.
type runs struct {
	prefix uint64
	far    []chunk
}

// isEmpty reports whether r holds no number.
func (r *runs) isEmpty() bool { return r.prefix == 0 && len(r.far) == 0 }

// last returns the largest number in r, or 0.
func (r *runs) last() uint64 {
	if n := len(r.far); n > 0 {
		return r.far[n-1].end
	}
	return r.prefix
}

// upTo returns the largest number in r that is at most n, or 0.
func (r *runs) upTo(n uint64) uint64 {
	if n <= r.prefix {
		return n
	}
	c, i := r.seek(n)
	switch {
	case c < len(r.far) && r.far[c].spans[i].lo <= n:
		return n
	case i > 0:
		return r.far[c].spans[i-1].hi
	case c > 0:
		return r.far[c-1].end
	}
	return r.prefix
}

// contains reports whether r holds seq.
func (r *runs) contains(seq uint64) bool {
	if seq <= r.prefix {
		return true
	}
	c, i := r.seek(seq)
	return c < len(r.far) && r.far[c].spans[i].lo <= seq
}

// seek returns the place of the first far span that ends at or after seq, or
// (len(r.far), 0).
func (r *runs) seek(seq uint64) (c, at int) {
	n := len(r.far)
	if n == 0 || r.far[n-1].end < seq {
		return n, 0
	}
	c = sort.Search(n, func(c int) bool { return r.far[c].end >= seq })
	spans := r.far[c].spans
	return c, sort.Search(len(spans), func(i int) bool { return spans[i].hi >= seq })
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
		for _, s := range r.far[c].spans[i:] {
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
	return max(seq, r.far[c].spans[i].lo), true
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
	s := &r.far[c].spans[i]
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
		spans, n := r.far[0].spans, 0
		for n < len(spans) && spans[n].lo <= r.prefix+1 {
			r.prefix = max(r.prefix, spans[n].hi)
			n++
		}
		if n < len(spans) {
			r.far[0].spans = slices.Delete(spans, 0, n)
			return
		}
		r.far = slices.Delete(r.far, 0, 1)
	}
}

// absorb joins the spans that touch span i of chunk c, which has grown, into it.
func (r *runs) absorb(c, i int) {
	spans := r.far[c].spans
	s := &spans[i]
	to := s.take(spans, i+1)
	if to < len(spans) {
		r.far[c].spans = slices.Delete(spans, i+1, to)
		return
	}
	k := c + 1
	for ; k < len(r.far); k++ {
		next := r.far[k].spans
		if to := s.take(next, 0); to < len(next) {
			r.far[k].spans = slices.Delete(next, 0, to)
			break
		}
	}
	r.far[c].set(spans[:i+1])
	r.far = slices.Delete(r.far, c+1, k)
}

// take joins the spans that touch s, from the one at i on, into s and returns the
// index of the first that does not.
func (s *span) take(spans []span, i int) int {
	for i < len(spans) && spans[i].lo <= s.hi+1 {
		s.hi = max(s.hi, spans[i].hi)
		i++
	}
	return i
}

// insert puts s before span i of chunk c, where c may be one past the last.
func (r *runs) insert(c, i int, s span) {
	if c == len(r.far) {
		r.append(s)
		return
	}
	spans := r.far[c].spans
	if len(spans) == maxSpans {
		const half = maxSpans / 2
		tail := append(make([]span, 0, maxSpans), spans[half:]...)
		r.far = slices.Insert(r.far, c+1, chunk{r.far[c].end, tail})
		spans = spans[:half]
		r.far[c].set(spans)
		if i > half {
			c, i, spans = c+1, i-half, tail
		}
	}
	r.far[c].set(slices.Insert(spans, i, s))
}

// append puts s after all other spans.
func (r *runs) append(s span) {
	switch n := len(r.far); {
	case n == 0:
		first := &struct { // one allocation in place of two
			far   [1]chunk
			spans [1]span
		}{spans: [1]span{s}}
		first.far[0] = chunk{s.hi, first.spans[:]}
		r.far = first.far[:]
	case len(r.far[n-1].spans) == maxSpans:
		r.far = append(r.far, chunk{s.hi, []span{s}})
	default:
		r.far[n-1].set(append(r.far[n-1].spans, s))
	}
}

// all yields the spans of r in ascending order, the prefix first.
func (r *runs) all() iter.Seq[span] {
	return func(yield func(span) bool) {
		if r.prefix > 0 && !yield(span{1, r.prefix}) {
			return
		}
		for _, c := range r.far {
			for _, s := range c.spans {
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
		n += len(c.spans)
	}
	return n
}

// covers reports whether r holds all of lo..hi.
func (r *runs) covers(s span) bool {
	if s.hi <= r.prefix {
		return true
	}
	c, i := r.seek(s.hi)
	return c < len(r.far) && r.far[c].spans[i].lo <= max(s.lo, r.prefix+1)
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
	changed := r.add(1, o.prefix)
	for _, c := range o.far {
		for _, s := range c.spans {
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
		d.far = make([]chunk, len(r.far))
		for i, c := range r.far {
			d.far[i] = chunk{c.end, slices.Clone(c.spans)}
		}
	}
	return d
}
