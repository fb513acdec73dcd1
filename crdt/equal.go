package crdt

import "slices"

// pair relates the indexes of two roots that have seen the same, for comparing
// their stores, and returns false if they have not.
func (r *root) pair(o *root) (*merging, bool) {
	j := &merging{ours: r, theirs: o}
	if r == nil || o == nil {
		return j, len(r.sorted()) == len(o.sorted())
	}
	j.from = slices.Repeat([]int32{-1}, len(r.names))
	j.to = make([]uint32, len(o.names))
	for h, name := range o.names {
		i, ok := r.lookup(name)
		switch {
		case ok:
			j.to[h], j.from[i] = i, int32(h)
			if !r.seen[i].equal(&o.seen[h]) {
				return nil, false
			}
		case !o.seen[h].isEmpty():
			return nil, false
		}
	}
	for i := range r.names {
		if j.from[i] < 0 && !r.seen[i].isEmpty() {
			return nil, false
		}
	}
	return j, true
}

// equal reports whether r and o hold the same numbers.
func (r *runs) equal(o *runs) bool {
	if r.prefix != o.prefix || r.last() != o.last() || r.gaps() != o.gaps() {
		return false
	}
	c, i := 0, 0
	for _, theirs := range o.far {
		for _, s := range theirs.spans {
			if r.far[c].spans[i] != s {
				return false
			}
			if i++; i == len(r.far[c].spans) {
				c, i = c+1, 0
			}
		}
	}
	return true
}

// equal reports whether s and o hold the same dots with the same elements.
func (s *store[E]) equal(o *store[E], j *merging) bool {
	if s.len() != o.len() {
		return false
	}
	if s.len() == 0 {
		return true
	}
	pages := 0
	for i := range o.logs {
		theirs := &o.logs[i]
		if len(theirs.pages) == 0 {
			continue
		}
		ours := s.log(j.to[theirs.replica])
		if ours == nil || !slices.Equal(ours.nums, theirs.nums) {
			return false
		}
		for k, q := range theirs.pages {
			if p := ours.pages[k]; !p.equal(q) {
				return false
			}
		}
		pages += len(theirs.pages)
	}
	return pages == len(s.pages)-1-len(s.free)
}
