package crdt

// Who decodes one row after the other decodes into the same state: into the memory of what
// it was before the last row, so that it stays as it is if there is an error. A state
// that was decoded into thus has two memories, which take turns.

// mostSpare is the size of encoded states up to which the memory of the last one is kept:
// that of rows.
const mostSpare = 1 << 16

// unmarshal makes x, whose node is n, the state that appendCausal wrote as data, unless
// there is an error, and refuses values that their type cannot hold.
func unmarshal[V Value[V]](n *node[V], x V, data []byte) error {
	spare := n.takeSpare(len(data))
	v, bad, err := decodeWhole(data, false, spare)
	if _, err := strict("crdt: decode %s: %w", v, bad, err); err != nil {
		if spare != nil {
			n.root.spare = spare
		}
		return err
	}
	n.replaceable()
	x.swap(v)
	n.mode = alone
	n.root.size = len(data)
	if old := v.rootOf(); old != nil && old.size > 0 && max(old.size, len(data)) <= mostSpare {
		if spare == nil {
			spare = new(V)
		}
		*spare, old.spare = v, nil
		n.root.spare = spare
	}
	return nil
}

// takeSpare returns a state whose memory is free for one of size bytes, or nil.
func (n *node[V]) takeSpare(size int) *V {
	if n.root == nil || n.mode != alone || size > mostSpare {
		return nil
	}
	spare, _ := n.root.spare.(*V)
	n.root.spare = nil
	return spare
}

// recycle makes r what a new root is, in the memory that it has.
func (r *root) recycle() {
	*r = root{names: r.names[:0], seen: r.seen[:0], index: r.index, merge: r.merge, path: r.path[:0]}
}
