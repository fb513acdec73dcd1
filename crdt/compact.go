package crdt

import "github.com/rejoin-go/rejoin/vclock"

// A compacting drops residues of a state: dots of removals that a value keeps
// because some change that they undo, or win over, may still arrive.
//
// A residue may go once every member of the matrix has seen it, at a replica that
// has seen everything that any member had when it reported so: what the residue waits
// for was written before its writer saw the removal, and so is here. Every
// replica that writes has to be a member; Compact says so.
type compacting struct {
	root   *root
	stable vclock.Clock
}

// compacting prepares to compact, and returns false if r knows too little.
func (r *root) compacting(m *vclock.Matrix) (*compacting, bool) {
	if r == nil || m.Len() == 0 {
		return nil, false
	}
	for _, row := range m.All() {
		for name, n := range row.All() {
			i, ok := r.lookup(name)
			if !ok || r.seen[i].prefix < n {
				return nil, false
			}
		}
	}
	return &compacting{r, m.Stable()}, true
}

// drops reports whether the residue of the removal d may go.
func (c *compacting) drops(d dot) bool { return c.stable.Contains(c.root.name(d)) }
