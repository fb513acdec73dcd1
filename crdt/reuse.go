package crdt

// Who decodes one row after the other decodes into the same state: into the memory of what
// it was before the last row, so that it stays as it is if there is an error. A state
// that was decoded into thus has two memories, which take turns.

// mostSpare is the size of encoded states up to which the memory of the last one is kept:
// that of rows.
const mostSpare = 1 << 16

// unmarshal makes x, whose node is n, the state that appendCausal wrote as data, unless
// there is an error, and refuses values that their type cannot hold.
func unmarshal[V Value[V]](n *node, x V, data []byte) error {
	// A delta of one change has no root either, but is not what whole makes of it.
	if n.root == nil && n.mode == alone && any(x.whole()) == any(x) {
		return unmarshalNew(n, x, data)
	}
	v, err := n.decode(makerOf[V]{}, data)
	if err != nil {
		return err
	}
	n.replaceable()
	x.swap(v.(V))
	n.replaced(v, len(data))
	return nil
}

// unmarshalNew is unmarshal for a state that has seen nothing. It reads into the state itself,
// and after a failure makes it new again.
func unmarshalNew[V Value[V]](n *node, x V, data []byte) error {
	done := false
	defer func() {
		if !done { // with an error, or a panic of an element's own method
			var none V
			x.swap(none.fresh(nil, 0))
		}
		n.mode = alone
	}()
	of := makerOf[V]{}
	_, bad, err := decodeWhole(of, data, false, x)
	if err = decoded("crdt: decode %s: %w", of, bad, err); err != nil {
		return err
	}
	n.root.size, done = len(data), true
	return nil
}

// decode returns the state that appendCausal wrote as data, in spare memory if there is some.
func (n *node) decode(of maker, data []byte) (causal, error) {
	spare := n.takeSpare(len(data))
	v, bad, err := decodeWhole(of, data, false, spare)
	if err = decoded("crdt: decode %s: %w", of, bad, err); err != nil && spare != nil {
		n.root.spare = spare
	}
	return v, err
}

// takeSpare returns a state whose memory is free for one of size bytes, or nil.
func (n *node) takeSpare(size int) causal {
	if n.root == nil || n.mode != alone || size > mostSpare {
		return nil
	}
	spare := n.root.spare
	n.root.spare = nil
	return spare
}

// replaced ends a swap that made n the node of a state of size bytes: it keeps the memory of old,
// which is what there was, for the next one.
func (n *node) replaced(old causal, size int) {
	n.mode = alone
	n.root.size = size
	if r := old.rootOf(); r != nil && r.size > 0 && max(r.size, size) <= mostSpare {
		r.spare = nil
		n.root.spare = old
	}
}

// recycle makes r what a new root is, in the memory that it has.
func (r *root) recycle() {
	*r = root{names: r.names[:0], seen: r.seen[:0], index: r.index, merge: r.merge, path: r.path[:0]}
}
