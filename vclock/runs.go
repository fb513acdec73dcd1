package vclock

import (
	"math"
	"slices"
	"sort"
)

// A run is the numbers first to last.
type run struct{ first, last uint64 }

// touches reports whether no number is missing between r and o, which does not
// end before r starts.
func (r run) touches(o run) bool { return o.first-1 <= r.last }

// maxChunk bounds what an insertion moves.
const maxChunk = 256

// runs is a list of runs in ascending order, with at least one number missing
// between any two. It is kept in chunks, none of them empty, so that inserting
// in the middle of a long list does not move half of it.
type runs struct{ chunks [][]run }

// find returns the position of the first run that ends at n or later.
func (s *runs) find(n uint64) position {
	c := sort.Search(len(s.chunks), func(i int) bool {
		chunk := s.chunks[i]
		return chunk[len(chunk)-1].last >= n
	})
	if c == len(s.chunks) {
		return position{c, 0}
	}
	chunk := s.chunks[c]
	return position{c, sort.Search(len(chunk), func(i int) bool { return chunk[i].last >= n })}
}

// A position names the i-th run of chunk c, or the end if there is none.
type position struct{ c, i int }

func (s *runs) at(p position) (run, bool) {
	if p.c == len(s.chunks) {
		return run{}, false
	}
	return s.chunks[p.c][p.i], true
}

func (s *runs) next(p position) position {
	if p.i+1 < len(s.chunks[p.c]) {
		return position{p.c, p.i + 1}
	}
	return position{p.c + 1, 0}
}

// len returns the number of runs.
func (s *runs) len() int {
	n := 0
	for _, chunk := range s.chunks {
		n += len(chunk)
	}
	return n
}

// add adds the numbers of r and reports whether any was missing.
func (s *runs) add(r run) bool {
	p := s.find(r.first - 1)
	old, ok := s.at(p)
	switch {
	case !ok:
		s.push(r)
		return true
	case !r.touches(old):
		s.insert(p, r)
		return true
	case old.first <= r.first && r.last <= old.last:
		return false
	}
	s.chunks[p.c][p.i] = run{min(old.first, r.first), max(old.last, r.last)}
	s.absorb(p)
	return true
}

// push adds r behind all others.
func (s *runs) push(r run) {
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last]) >= maxChunk {
		s.chunks = append(s.chunks, []run{r})
		return
	}
	s.chunks[last] = append(s.chunks[last], r)
}

// insert puts r at p.
func (s *runs) insert(p position, r run) {
	chunk := s.chunks[p.c]
	if len(chunk) >= maxChunk {
		const half = maxChunk / 2
		s.chunks = slices.Insert(s.chunks, p.c+1, slices.Clone(chunk[half:]))
		s.chunks[p.c] = chunk[:half:half]
		if p.i > half {
			p = position{p.c + 1, p.i - half}
		}
	}
	s.chunks[p.c] = slices.Insert(s.chunks[p.c], p.i, r)
}

// absorb unites the run at p with those behind it that it touches.
func (s *runs) absorb(p position) {
	for {
		r := &s.chunks[p.c][p.i]
		next := s.next(p)
		o, ok := s.at(next)
		if !ok || !r.touches(o) {
			return
		}
		chunk := s.chunks[next.c]
		end := next.i
		for end < len(chunk) && r.touches(chunk[end]) {
			r.last = max(r.last, chunk[end].last)
			end++
		}
		s.delete(next, end)
	}
}

// delete removes the runs from p to the end-th of its chunk.
func (s *runs) delete(p position, end int) {
	chunk := s.chunks[p.c]
	switch {
	case p.i == 0 && end == len(chunk):
		s.chunks = slices.Delete(s.chunks, p.c, p.c+1)
	case p.i == 0:
		s.chunks[p.c] = chunk[end:]
	default:
		s.chunks[p.c] = slices.Delete(chunk, p.i, end)
	}
}

// covers reports whether every number of o that is not below from is in s. It
// takes O(min(m + n, m log n)) time for m runs in o and n in s.
func (s *runs) covers(o *runs, from uint64) bool {
	at := s.find(0)
	for p := o.find(from); ; p = o.next(p) {
		want, more := o.at(p)
		if !more {
			return true
		}
		have, ok := s.at(at)
		if ok && have.last < want.first {
			at = s.next(at)
			have, ok = s.at(at)
		}
		if ok && have.last < want.first {
			at = s.find(want.first)
			have, ok = s.at(at)
		}
		if !ok || want.first < have.first || have.last < want.last {
			return false
		}
	}
}

func (s *runs) clone() runs {
	chunks := slices.Clone(s.chunks)
	for i, chunk := range chunks {
		chunks[i] = slices.Clone(chunk)
	}
	return runs{chunks}
}

// numbers are the events of one replica that a set holds: 1 to prefix, and
// runs beyond. Number prefix + 1 is always missing.
type numbers struct {
	prefix uint64
	runs   runs
}

// add adds the numbers of r and reports whether any was missing.
func (n *numbers) add(r run) bool {
	held := run{0, n.prefix}
	switch {
	case r.last <= n.prefix:
		return false
	case !held.touches(r):
		return n.runs.add(r)
	}
	n.prefix = r.last
	for {
		p := n.runs.find(0)
		first, ok := n.runs.at(p)
		if !ok || !(run{0, n.prefix}).touches(first) {
			return true
		}
		n.prefix = max(n.prefix, first.last)
		n.runs.delete(p, 1)
	}
}

func (n *numbers) contains(seq uint64) bool {
	if seq <= n.prefix {
		return true
	}
	r, ok := n.runs.at(n.runs.find(seq))
	return ok && r.first <= seq
}

// last returns the largest number.
func (n *numbers) last() uint64 {
	if chunks := n.runs.chunks; len(chunks) > 0 {
		chunk := chunks[len(chunks)-1]
		return chunk[len(chunk)-1].last
	}
	return n.prefix
}

// count returns how many numbers there are.
func (n *numbers) count() uint64 {
	total := n.prefix
	for _, chunk := range n.runs.chunks {
		for _, r := range chunk {
			total += r.last - r.first + 1
		}
	}
	return total // at most math.MaxUint64, since 0 is no number
}

// all calls yield for each run, the prefix first, until it returns false.
func (n *numbers) all(yield func(run) bool) bool {
	if n.prefix > 0 && !yield(run{1, n.prefix}) {
		return false
	}
	for _, chunk := range n.runs.chunks {
		for _, r := range chunk {
			if !yield(r) {
				return false
			}
		}
	}
	return true
}

// covers reports whether every number of o is in n.
func (n *numbers) covers(o *numbers) bool {
	switch {
	case n.prefix < o.prefix:
		return false
	case n.prefix == math.MaxUint64:
		return true
	}
	return n.runs.covers(&o.runs, n.prefix+1)
}

// merge adds every number of o and reports whether any was missing.
func (n *numbers) merge(o *numbers) bool {
	switch {
	case n.covers(o):
		return false
	case n.last() == 0:
		*n = o.clone()
		return true
	}
	o.all(func(r run) bool {
		n.add(r)
		return true
	})
	return true
}

func (n *numbers) clone() numbers { return numbers{n.prefix, n.runs.clone()} }

// saturatingAdd returns a + b, at most [math.MaxUint64].
func saturatingAdd(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
