package merge

import "github.com/rejoin-go/rejoin/merge/internal/cell"

// Since returns what r holds that old, such as an earlier Clone, does not, as a
// record of its own: a delta. To merge it into anything that has merged old
// does what merging r would. It has only the fields, elements and entries that
// differ, fields with rule manual or a Merge method as a whole. A sender that
// keeps a Clone of what each peer has acknowledged needs no log. If r and old
// have not the same horizons, the delta is all of r; else it has none, as in
// [lww.Map].
//
// A delta may be lost, repeated, and merged with others, as long as what was
// lost is sent again. One that arrives before what it builds on merges as well,
// but its fields may then stand in a record that was deleted or not made yet;
// and where r has forgotten rows, beside deleted fields of such a row: so one
// who is new begins with a state. It takes O(d) time for d changes since a
// Clone, else O(n).
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
