package crdt

// A compacting drops residues of a state: dots of removals that a value keeps
// because some change that they undo, or win over, may still arrive.
//
// A residue may go once every replica has merged a state that has it, at a replica
// that has merged what each of them had when it said so: what the residue waits
// for was written before its writer saw the removal, and so is here.
type compacting struct {
	root *root
	seen Context
}

// compacting prepares to compact, and returns false if r has not seen all of seen.
func (r *root) compacting(seen Context) (*compacting, bool) {
	if r == nil || seen.IsZero() || !r.hasSeen(seen) {
		return nil, false
	}
	return &compacting{r, seen}, true
}

// drops reports whether the residue of the removal d may go.
func (c *compacting) drops(d dot) bool { return c.seen.has(c.root.name(d)) }
