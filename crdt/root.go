package crdt

import (
	"cmp"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// A dot is a [vclock.Dot] in the terms of one root, whose index of the replica it
// has. The zero dot names no event.
type dot struct {
	seq     uint64
	replica uint32
}

func dotOf(replica uint32, seq uint64) dot { return dot{seq, replica} }

// compare orders dots by replica index and number.
func (d dot) compare(o dot) int {
	return cmp.Or(cmp.Compare(d.replica, o.replica), cmp.Compare(d.seq, o.seq))
}

// A root is what the values of one state share: the dots it has seen, and the
// names of their replicas. A value on its own has a root of its own, the values
// in an [ORMap] have the map's.
//
// Replica indexes are given out in the order in which a root meets the names and
// never change, so they differ between roots: nothing that leaves a root, bytes
// and the order of results included, may depend on them.
type root struct {
	names []vclock.Replica
	seen  []runs // by replica index; the context

	index  map[vclock.Replica]uint32 // of names, once there are more than fewNames
	recent uint32                    // index last interned; written by mutators only
	writer writer                    // who changed the state last; written by mutators only
	merge  *merging                  // scratch of the receiver of a merge, once there was one
	path   []uint32                  // the scopes of the keys that Update is changing, one in the other
	owner  vclock.Replica            // that Update is changing them for; empty outside of it

	// Of a state that was decoded: from how many bytes, and what it was before; see unmarshal.
	size  int
	spare causal
}

const fewNames = 8

// lookup returns the index of name, if r has met it.
func (r *root) lookup(name vclock.Replica) (uint32, bool) {
	if r.index != nil {
		i, ok := r.index[name]
		return i, ok
	}
	for i, n := range r.names {
		if n == name {
			return uint32(i), true
		}
	}
	return 0, false
}

// reserve makes room for those of names that r has not met, where they are many.
func (r *root) reserve(names []vclock.Replica) {
	if len(names) <= fewNames || len(names) <= len(r.names)/2 {
		return
	}
	n := len(names)
	if len(r.names) > 0 {
		n = 0
		for h, name := range names {
			if r.isAt(h, name) {
				continue
			}
			if _, ok := r.lookup(name); !ok {
				n++
			}
		}
	}
	if n == 0 {
		return
	}
	r.names, r.seen = slices.Grow(r.names, n), slices.Grow(r.seen, n)
	if r.index == nil && len(r.names)+n > fewNames {
		r.reindex(len(r.names) + n)
	}
}

// reindex makes the index, with room for n names.
func (r *root) reindex(n int) {
	if clear(r.index); r.index == nil {
		r.index = make(map[vclock.Replica]uint32, n)
	}
	for i, name := range r.names {
		r.index[name] = uint32(i)
	}
}

// isAt reports whether h is the index of name, as it is where two roots have met
// the same names in the same order.
func (r *root) isAt(h int, name vclock.Replica) bool { return h < len(r.names) && r.names[h] == name }

// intern returns the index of name and gives it one if it has none. It panics if
// name is not valid.
func (r *root) intern(name vclock.Replica) uint32 {
	if int(r.recent) < len(r.names) && r.names[r.recent] == name {
		return r.recent
	}
	i, ok := r.lookup(name)
	if !ok {
		i = r.meet(name)
	}
	r.recent = i
	return i
}

// meet adds name, which r has not met.
func (r *root) meet(name vclock.Replica) uint32 {
	checkReplica(name)
	i := uint32(len(r.names))
	r.names = append(r.names, name)
	r.seen = append(r.seen, runs{})
	switch {
	case r.index != nil:
		r.index[name] = i
	case len(r.names) > fewNames:
		r.reindex(2 * len(r.names))
	}
	return i
}

// mint makes the next dot of the replica that changes the state: its number is one
// above everything that the context holds of its incarnation, numbers beyond gaps
// included. It returns false if there is none: the incarnation is over.
func (r *root) mint() (dot, bool) {
	s := &r.seen[r.writer.replica]
	if seq := s.prefix + 1; len(s.far) == 0 && lifeOf(seq) == r.writer.life {
		s.prefix = seq
		return dotOf(r.writer.replica, seq), true
	}
	seq, ok := r.next()
	if !ok {
		return dot{}, false
	}
	s.add(seq, seq)
	return dotOf(r.writer.replica, seq), true
}

// contains reports whether the context holds d.
func (r *root) contains(d dot) bool { return r.seen[d.replica].contains(d.seq) }

// see adds d to the context and reports whether it was missing.
func (r *root) see(d dot) bool { return r.seen[d.replica].add(d.seq, d.seq) }

// name returns d in the terms that other roots understand.
func (r *root) name(d dot) vclock.Dot {
	return vclock.Dot{Replica: r.names[d.replica], Seq: d.seq}
}

// dot returns the dot that name gives, in the terms of r.
func (r *root) dot(name vclock.Dot) dot { return dotOf(r.intern(name.Replica), name.Seq) }

// clone returns a copy of r with the same indexes.
func (r *root) clone() *root {
	c := r.bare()
	for i := range r.seen {
		c.seen[i] = r.seen[i].clone()
	}
	return c
}

// bare returns a root with the names of r, their indexes, and an empty context.
func (r *root) bare() *root {
	return newRoot(slices.Clone(r.names), make([]runs, len(r.names)))
}

// A merging is one call of Merge: the two roots, and how the peer's replica indexes
// translate to ours. Contexts stay as they are until every store is joined: a dot of
// the peer's that were in our context already would count as removed here.
type merging struct {
	ours, theirs *root

	to   []uint32 // by the peer's index: ours
	from []int32  // by our index: the peer's, or -1 for one that the peer has not met
	none runs     // what the peer has seen of a replica that the peer has not met

	// Where the peer's context is small, as that of a delta, few is set, and both has the
	// dots of it that we have seen, too: what the peer may remove. Found counts those that
	// turned up in our values. Each is in one of them at most.
	few   bool
	both  []dot
	found int

	small struct { // memory for few replicas
		to   [4]uint32
		from [4]int32
	}
}

// fewDots bounds the contexts for which few is set.
const fewDots = 64

// isSmall reports whether r has seen no more than fewDots dots.
func (r *root) isSmall() bool {
	n := uint64(0)
	for i := range r.seen {
		seen := &r.seen[i]
		if n += seen.prefix + uint64(seen.gaps()); n > fewDots {
			return false
		}
	}
	n = 0
	for i := range r.seen {
		for s := range r.seen[i].all() {
			if n += s.hi - s.lo + 1; n > fewDots {
				return false
			}
		}
	}
	return true
}

// findBoth sets few and both.
func (j *merging) findBoth() {
	j.few, j.both, j.found = j.theirs.isSmall(), j.both[:0], 0
	if !j.few {
		return
	}
	for h, m := range j.to {
		for s := range j.theirs.seen[h].all() {
			for seq := s.lo; seq <= s.hi; seq++ {
				if j.ours.seen[m].contains(seq) {
					j.both = append(j.both, dotOf(m, seq))
				}
			}
		}
	}
}

// foundAll reports whether all that the peer may remove has turned up.
func (j *merging) foundAll() bool { return j.few && j.found == len(j.both) }

// merging prepares to join the peer's state into that of r.
func (r *root) merging(theirs *root) *merging {
	j := r.merge
	if j == nil {
		j = new(merging)
		j.to, j.from = j.small.to[:0], j.small.from[:0]
		r.merge = j
	}
	j.ours, j.theirs, j.few = r, theirs, false
	j.to = slices.Grow(j.to[:0], len(theirs.names))
	r.reserve(theirs.names)
	for h, n := range theirs.names {
		if r.isAt(h, n) {
			j.to = append(j.to, uint32(h))
			continue
		}
		j.to = append(j.to, r.intern(n))
	}
	j.from = slices.Grow(j.from[:0], len(r.names))
	for range r.names {
		j.from = append(j.from, -1)
	}
	for h, m := range j.to {
		j.from[m] = int32(h)
	}
	return j
}

// finish joins the contexts, ends the merge, and reports whether the context of
// the receiver changed.
func (j *merging) finish() bool {
	changed := false
	for h, m := range j.to {
		if j.ours.seen[m].join(&j.theirs.seen[h]) {
			changed = true
		}
	}
	j.ours, j.theirs, j.few = nil, nil, false
	return changed
}

// ourSeen returns what the receiver has seen of the replica with its index i.
func (j *merging) ourSeen(i uint32) *runs { return &j.ours.seen[i] }

// theirSeen returns what the other side has seen of the replica with the
// receiver's index i.
func (j *merging) theirSeen(i uint32) *runs {
	if j.from[i] < 0 {
		return &j.none
	}
	return &j.theirs.seen[j.from[i]]
}

// ourDot returns a dot of the peer's in the receiver's terms.
func (j *merging) ourDot(d dot) dot { return dotOf(j.to[d.replica], d.seq) }
