package crdt

import "github.com/rejoin-go/rejoin/vclock"

// lifeBits is how many bits the numbers of one incarnation of a replica have: the
// n-th numbers its dots from n·2³².
const lifeBits = 32

func lifeOf(seq uint64) uint64 { return seq >> lifeBits }

// lifeEnd returns the last number of an incarnation.
func lifeEnd(life uint64) uint64 { return (life+1)<<lifeBits - 1 }

// A writer is a replica that changes a state, in the terms of a root.
type writer struct {
	name    vclock.Replica // with its incarnation
	replica uint32
	life    uint64
}

// write makes name the writer and returns the index of its replica. It panics if
// name is not valid.
func (r *root) write(name vclock.Replica) uint32 {
	if name == "" || name != r.writer.name {
		r.setWriter(name)
	}
	return r.writer.replica
}

func (r *root) setWriter(name vclock.Replica) {
	replica, life := name.Lineage()
	r.writer = writer{name, r.intern(replica), life}
}

// next returns the number of the writer's next dot, and false if its incarnation is
// over: a later one, or a peer, has seen its last number. The numbers of later
// incarnations do not count.
func (r *root) next() (uint64, bool) {
	end := lifeEnd(r.writer.life)
	last := r.seen[r.writer.replica].upTo(end)
	return max(last+1, r.writer.life<<lifeBits), last < end
}

// hasClosed reports whether r has seen everything of the incarnations of a replica
// before one, which is not the first.
func (r *root) hasClosed(replica uint32, life uint64) bool {
	return r.seen[replica].prefix >= lifeEnd(life-1)
}

// closedTo returns the last number of the incarnations of a replica of which r has seen
// everything, or 0.
func (r *root) closedTo(replica uint32) uint64 {
	if life := lifeOf(r.seen[replica].prefix + 1); life > 0 {
		return lifeEnd(life - 1)
	}
	return 0
}

// lastOf returns the largest number of name's incarnation that r has seen, or 0.
func (r *root) lastOf(name vclock.Replica) uint64 {
	if r == nil {
		return 0
	}
	replica, life := name.Lineage()
	i, ok := r.lookup(replica)
	if !ok {
		return 0
	}
	if last := r.seen[i].upTo(lifeEnd(life)); last >= life<<lifeBits {
		return last
	}
	return 0
}

// usable returns an error if name can number nothing.
func (r *root) usable(name vclock.Replica) error {
	if r.isOver(name) {
		return &vclock.MemberError{Replica: name, Over: true}
	}
	return nil
}

// isOver reports whether name can number nothing. Then it changes nothing either: a mutator that
// mints no dot asks before.
func (r *root) isOver(name vclock.Replica) bool {
	_, life := name.Lineage()
	return r.lastOf(name) == lifeEnd(life)
}

// Close drops what incarnations that are over have left: see Garbage above.
func (n *node) Close(over vclock.Closing) bool {
	n.checkMode()
	changed := false
	for name, last := range over.Counts().All() {
		if n.root == nil {
			break
		}
		if i, ok := n.root.lookup(name); ok && n.root.seen[i].add(1, last) {
			changed = true
		}
	}
	return changed
}

// speaks reports whether o has seen events that are sealed and that r has not.
func speaks(r, o *root, sealed vclock.Closing) bool {
	if o == nil {
		return false
	}
	for name, last := range sealed.Counts().All() {
		i, ok := o.lookup(name)
		if !ok {
			continue
		}
		ours := new(runs)
		if r != nil {
			if k, ok := r.lookup(name); ok {
				ours = &r.seen[k]
			}
		}
		for s := range o.seen[i].all() {
			if s.lo <= last && !ours.covers(span{s.lo, min(s.hi, last)}) {
				return true
			}
		}
	}
	return false
}
