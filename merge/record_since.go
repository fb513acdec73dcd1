package merge

import "github.com/rejoin-go/rejoin/merge/internal/cell"

// Since returns what r holds that old does not, as a record of its own: a delta. Merging it
// into old, or into anything that has merged old, does what merging r would, and it has only the
// fields, elements and entries that differ:
//
//	before := r.Clone() // O(1)
//	err := r.Update(w, edit)
//	delta := r.Since(before) // what edit wrote, to be sent
//
// A sender that keeps a Clone of what each peer has acknowledged needs no log: what
// is missing is r.Since of that. A delta may be lost, repeated, and merged with others, as
// long as what was lost is sent again. One that arrives before what it builds on merges
// as well, but its fields may then stand in a record that was deleted or not made yet; and
// where r has forgotten rows, beside fields of such a row that were deleted. So one who is
// new begins with a state, as a member does: see [Record.CompactRows].
//
// A field is sent as a whole where its rule is manual or a Merge method. If r and
// old have not the same horizons, the delta is all of r; else it has none, like the deltas of
// [lww.Map]. It takes O(d) time for d changes in records that share the rest, as
// a record and its Clone do, and O(n) for others.
func (r *Record[T]) Since(old *Record[T]) *Record[T] {
	return &Record[T]{state: r.state.without(&old.state)}
}

// without returns what r holds that old does not.
func (r *recordState) without(old *recordState) recordState {
	if r.horizon != old.horizon || r.deleted != old.deleted {
		return *r
	}
	d := recordState{plan: r.plan}
	if part, ok := r.root.Since(&old.root); ok {
		d.root = part
	}
	d.root.Kind = cell.Row
	return d
}
