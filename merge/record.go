package merge

import (
	"fmt"
	"reflect"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// A Record is a plain struct made into a replicated value. Each of its leaves
// carries the stamp of its last write, so that two replicas need no common
// ancestor to merge, and writes to different fields never overwrite each other.
//
// Of concurrent writes to one field, the rule of the field says which shows:
// see the package comment. A delete, of the record, of an element of a keyed
// list, of an entry of a map of structs or of what a pointer points to, beats
// every write that had not seen it, whatever the clocks say; a write that has
// seen it starts afresh. With keep it beats only what it had seen, and the rest
// stays whole. Of deletes that did not know of each other only the one with the
// largest stamp counts: what was written after it stays. Elements of sets and
// entries of other maps are last-writer-wins one by one, as in [lww.Map].
//
// A keyed list has the order that people gave it. The place of an element is a
// value like its others, so that a move keeps what others write to it, and of
// two moves the later counts. What two replicas put at one place at once may
// interleave, in the order of their names. With short names a place takes some
// 12 to 30 bytes, and always less than 64 and a name: where it would take more,
// the elements behind are placed anew, up to 10 for each of 10,000 that are
// added.
//
// [Plan.NewRecord] makes a Record. The zero Record holds nothing; it takes over
// the plan of the first record merged into it, and panics when written to
// before. A Record is not safe for concurrent use, but may be read, and be the
// argument of Merge, by several goroutines at once. Values go in and out as
// copies. An assigned copy is a Clone. Costs are for n leaves, elements and
// entries.
//
// # Hazard
//
// A replica that is restored from a backup, and goes on under its old name,
// repeats stamps, and counts an additive field from its old total, which erases
// increments. Give it a new name: see [vclock.Incarnation].
//
// See Shapiro et al., “Conflict-free Replicated Data Types”, 2011, for the
// lattices, and Preguiça et al., “Brief Announcement: Efficient Causality
// Tracking in Distributed Storage Systems with Dotted Version Vectors”, 2012,
// for fields with rule manual.
type Record[T any] struct {
	_     [0]*T // a record of another type is no conversion away
	state recordState
}

// A recordState is a [Record] of whatever type. All but the outermost steps are methods of
// it: they are compiled once, and not for each T.
type recordState struct {
	plan    *recordPlan
	root    cell.Cell // a row
	horizon hlc.Timestamp
	deleted hlc.Timestamp // up to which rows that were deleted are forgotten; at most horizon
	origin  Fingerprint   // fingerprint of the plan that encoded what r was decoded from
}

// NewRecord returns an empty record. It panics without [Options.Record].
func (p *Plan[T]) NewRecord() *Record[T] {
	if p.record == nil {
		panic(fmt.Sprintf("merge: the plan of %v is not for records: set Options.Record", reflect.TypeFor[T]()))
	}
	return &Record[T]{state: recordState{plan: p.record, root: cell.Cell{Kind: cell.Row}}}
}

// top returns the part that the root is.
func (r *recordState) top() *recordPart {
	if r.plan == nil {
		panic("merge: record without a plan; make it with Plan.NewRecord")
	}
	return r.plan.top
}

// Get returns the value, the caller's own, and whether there is one. A list or
// map merged by parts is nil if it has none. A time is in UTC or a fixed zone.
func (r *Record[T]) Get() (T, bool) {
	var v T
	r.state.fill(reflect.ValueOf(&v).Elem())
	return v, r.state.root.Live
}

// String returns the value with the names of its fields, for people.
func (r *Record[T]) String() string {
	v, ok := r.Get()
	if !ok {
		return "none"
	}
	return fmt.Sprintf("%+v", v)
}

// fill sets v, which is zero, to the value.
func (r *recordState) fill(v reflect.Value) {
	if r.root.Live {
		r.top().elem.fill(v, r.root.Kids)
	}
}

// value returns the value, which is addressable.
func (r *recordState) value() reflect.Value {
	v := reflect.New(r.plan.row.typ).Elem()
	r.fill(v)
	return v
}

// Update calls edit with the value, or the zero T, and stamps by w every field,
// element and entry that differs afterwards, and no other. In a list with rule
// keyed the elements that were added or moved get a place, and others where
// there is no room between them; moved is what is not in the longest run of
// elements that stayed in order. Lists with rule set or union have no order. To
// leave or set a field at what it holds is no write, as in [lww.Map.Put]:
// [Record.Touch] is. Update takes O(n).
//
// It returns the error of edit, a [*WriteError] for a change that could not
// show, and an error for a value that cannot be encoded, and if w's clock has
// no time to give. The record is then as it was, as it is if edit panics. It
// panics if w is invalid: see [lww.Writer.Next].
func (r *Record[T]) Update(w lww.Writer, edit func(*T) error) error {
	var next T
	return r.state.update(w, reflect.ValueOf(&next).Elem(), func() error { return edit(&next) })
}

// update sets next, which is zero, to the value, has it edited, and writes what changed.
func (r *recordState) update(w lww.Writer, next reflect.Value, edit func() error) error {
	r.top()
	r.fill(next)
	if err := edit(); err != nil {
		return err
	}
	if err := r.validate(next); err != nil {
		return err
	}
	return r.write(r.since(w, next))
}

// since returns the changes from the value to next.
func (r *recordState) since(w lww.Writer, next reflect.Value) ([]cell.Cell, error) {
	e := r.edit(w)
	return e.since(r.plan.top.elem, &r.root, next)
}

func (r *recordState) edit(w lww.Writer) edit {
	return edit{w: w, horizon: r.horizon, deleted: r.deleted}
}

// write applies the changes of an edit, unless it failed.
func (r *recordState) write(changes []cell.Cell, err error) error {
	switch {
	case err != nil:
		return reported(err)
	case len(changes) > 0:
		r.join(&cell.Cell{Kind: cell.Row, Live: true, Stamp: r.root.Stamp, Kids: changes})
	}
	return nil
}

// validate returns an error if v holds what no record can.
func (r *recordState) validate(v reflect.Value) error {
	if !r.plan.row.checks && !r.plan.top.refs {
		return nil
	}
	if err := r.plan.row.validate(v, 0); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	return nil
}

// reported returns an error of an edit as callers see it.
func reported(err error) error {
	if isPathed(err) {
		return err
	}
	return fmt.Errorf("merge: %w", err)
}

// join joins a row into the root.
func (r *recordState) join(d *cell.Cell) bool {
	r.root.Kind = cell.Row
	root, changed := cell.Join(&r.root, d, r.top())
	r.root = root
	return changed
}

// Delete deletes the record, even one without a value: a later write that had
// not seen the delete stays deleted, whatever its stamp, unless it had seen a
// concurrent delete of a larger stamp. What the record held is gone from its
// state; a deleted record stays as it is. It returns an error if w's clock
// does, and panics if w is invalid.
func (r *Record[T]) Delete(w lww.Writer) error { return r.state.delete(w) }

func (r *recordState) delete(w lww.Writer) error {
	r.top()
	if !r.root.Live && !r.root.Stamp.IsZero() {
		return nil
	}
	s, err := w.Next(max(r.horizon, r.root.Latest()))
	if err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	r.join(&cell.Cell{Kind: cell.Row, Stamp: s})
	return nil
}

// Merge joins o, which may be r itself, into r, leaves o as it is, and reports
// whether r changed, horizons included. If r has no plan, it takes over that of
// o. It does not ask [Options.Check]: see [Record.Check]. It takes O(n), and
// allocates nothing if nothing changes and the horizons are equal.
//
// Merge is commutative, associative and idempotent up to [Record.Equal], for
// every rule that a record can have, provided that custom rules keep their
// promises, and whoever compacts heeds the hazard.
func (r *Record[T]) Merge(o *Record[T]) bool { return r.state.merge(&o.state) }

func (r *recordState) merge(o *recordState) bool {
	if o.plan == nil {
		return false
	}
	if r.plan == nil {
		r.plan = o.plan
	}
	other := *o
	changed := r.raise(o)
	other.raise(r)
	return r.join(&other.root) || changed
}

// raise makes the horizons of o those of r, where they are later, and reports whether any
// is. What r does not hold of what is at or below a horizon of o is for o to say.
func (r *recordState) raise(o *recordState) bool {
	h, d := max(r.horizon, o.horizon), max(r.deleted, o.deleted)
	if h == r.horizon && d == r.deleted {
		return false
	}
	if h > r.horizon {
		r.root = r.root.Above(h, d > 0, &o.root)
	}
	r.root = r.root.WithoutDeletes(d, false) // which o may have had
	if d > r.deleted {
		r.root = r.root.Compact(0, d, nil) // o has those that are needed
	}
	r.horizon, r.deleted = h, d
	return true
}

// Latest returns the largest time in r, of a write or the horizon, or zero.
// After a merge, [hlc.Clock.Advance] to it, and the next write is after all of
// r.
func (r *Record[T]) Latest() hlc.Timestamp { return max(r.state.horizon, r.state.root.Latest()) }

// Horizon returns the time that r is compacted to, or zero.
func (r *Record[T]) Horizon() hlc.Timestamp { return r.state.horizon }

// Compact drops the tombstones of removed elements of sets and of deleted
// entries of maps with a time at or below horizon, and makes horizon a part of
// the state, unless a larger one is. It leaves those without which an older
// program's value of the whole would bring back what was deleted. Deleted rows,
// as elements of keyed lists and entries of maps of structs are, cost one stamp
// each until [Record.CompactRows]. It is an error if r is empty, or no write
// could be later than horizon.
//
// In a merge, of elements of sets and entries of maps at or below h, the larger
// horizon of the two sides, only those of a side whose horizon is h count. The
// hazard is that of [lww.Map.Compact]: the record must hold every write stamped
// at or below horizon, and none may be stamped so from now on, by any replica.
func (r *Record[T]) Compact(horizon hlc.Timestamp) error { return r.state.compact(0, horizon) }

// CompactRows is [Record.Compact] that also forgets the elements of keyed lists
// and entries of maps of structs that were deleted at or below deleted, and
// empties other rows with keep that were. Both times are part of the state,
// each as large as it ever was. In a merge where a side has forgotten rows, a
// row of the side with the smaller horizon does not count if all of it was
// written at or below the larger one. Keep a pair from a [vclock.Matrix], zero
// at first, until its floor has come up:
//
//	if m.Floor() >= reading {
//		err = r.CompactRows(hlc.Timestamp(deleted), hlc.Timestamp(m.Floor()))
//		deleted, reading = m.Horizon() // the next pair
//	}
//
// It takes two times, as a row may be changed by one who had not heard that it
// was deleted. The hazard is that of Compact, and: every member must hold every
// write stamped at or below deleted, and whoever wrote without having it wrote
// at or below horizon, so that one restored from a backup merges a current
// state before it writes. Then nothing that a record shows depends on who has
// compacted it, and when. Else a deleted row may come back, or a new one with
// its key go; replicas end equal all the same. It returns the errors of
// Compact, and one if deleted is after horizon.
func (r *Record[T]) CompactRows(deleted, horizon hlc.Timestamp) error {
	if deleted > horizon {
		return fmt.Errorf("merge: compact rows: deleted, %v, is after the horizon, %v", deleted, horizon)
	}
	return r.state.compact(deleted, horizon)
}

func (r *recordState) compact(deleted, horizon hlc.Timestamp) error {
	deleted, to := max(deleted, r.deleted), max(horizon, r.horizon)
	switch {
	case deleted == r.deleted && to == r.horizon:
		return nil
	case len(r.root.Kids) == 0 && r.root.Stamp.IsZero() && !r.root.Live && r.horizon == 0:
		return fmt.Errorf("merge: compact to %v: the record is empty", horizon)
	case to >= hlc.Max:
		return fmt.Errorf("merge: compact to %d: no write could follow", uint64(horizon))
	}
	r.horizon, r.deleted = to, deleted
	r.drop()
	return nil
}

// drop drops the tombstones that are at or below the horizons, and that no older value of the
// whole needs to stay away.
func (r *recordState) drop() {
	var w *recordRow
	if r.plan != nil {
		w = r.plan.top.elem
	}
	r.root = r.root.WithoutDeletes(r.deleted, true)
	r.root = r.root.Compact(r.horizon, r.deleted, w.needed(nil, r.root.Kids))
}

// Equal reports whether r and o are the same state.
func (r *Record[T]) Equal(o *Record[T]) bool { return r.state.equal(&o.state) }

func (r *recordState) equal(o *recordState) bool {
	return r.horizon == o.horizon && r.deleted == o.deleted && r.root.Live == o.root.Live && r.root.Stamp == o.root.Stamp &&
		cell.SameKids(r.root.Kids, o.root.Kids)
}

// Clone returns a copy of r, in O(1).
func (r *Record[T]) Clone() *Record[T] {
	c := *r
	return &c
}
