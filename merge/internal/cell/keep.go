package cell

import (
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
)

// A delete of a row that is kept does not empty it. It marks the leaves that it had seen,
// at any depth, and notes its stamp in a cell of kind [Deleted]. The row is there, whole,
// while one leaf has no mark. A mark is of one version of a leaf: it goes when a newer one
// takes its place, and of equal versions one has it if either does. So a leaf with its mark
// is a pair in the order of its parts, of which the first is a total one, and joins as such.
//
// What was removed, as elements of sets are, is no leaf: a removal does not keep a row, nor
// does what was added and removed again. So it makes no difference when that is forgotten.
//
// Who makes a row that is gone starts the life that began with its last delete.

// The marks of a leaf are by the row of the delete: bit 0 is the row that the leaf is in,
// bit 1 the one that this is in.
const maxMarks = 32

// isLeaf reports whether c is what a delete marks.
func (c *Cell) isLeaf() bool {
	switch c.Kind {
	case Register, First, Max, Min, Placed, Fact, Option, Seen, Total, Sum, Sibling, Member:
		return true
	case Element, Entry:
		return c.Live
	case Immutable, Choice, State, Totals, Manual, Union, Set, Table, Rows, Row, Sums, Deleted, Version, Replica, anyField:
	}
	return false
}

// LastDelete returns the cell with the stamp of the last delete of c, a row that is kept, or
// nil.
func (c *Cell) LastDelete() *Cell {
	if c == nil || len(c.Kids) == 0 || c.Kids[0].Key > PositionKey { // no search for most rows: few names are below a star
		return nil
	}
	return c.Kid(PositionKey, Deleted)
}

// IsGone reports whether c, which may be nil, is a row that is kept, and deleted.
func (c *Cell) IsGone() bool {
	return c != nil && c.Kind == Row && !c.Live && len(c.Kids) > 0 && c.LastDelete() != nil
}

// holds reports whether c is there, or is a row that is gone and has kept what it holds.
func (c *Cell) holds() bool { return c.Live || c.IsGone() }

// NextLife returns the life that c, which may be nil, is of, or would be of if it is made
// now.
func (c *Cell) NextLife() lww.Stamp {
	if c.IsGone() {
		return c.LastDelete().Stamp
	}
	return c.Life()
}

// Began returns the latest life that c, which may be nil, tells of.
func (c *Cell) Began() lww.Stamp {
	if d := c.LastDelete(); d != nil {
		return d.Stamp
	}
	return c.Life()
}

// Delete returns c, a row that is there, as a delete at a time leaves it that had seen the
// fields of which saw says so. It returns false if rows are too deep in each other.
func (c *Cell) Delete(at lww.Stamp, saw func(*Cell) bool) (Cell, bool) {
	d := *c
	d.Kids = slices.Clone(c.Kids)
	ok := true
	for i := range d.Kids {
		if saw(&d.Kids[i]) {
			ok = mark(d.Kids[i:i+1], 0) && ok
		}
	}
	d.Kids = JoinKids(d.Kids, []Cell{{Key: PositionKey, Kind: Deleted, Stamp: at}})
	d.Revive()
	return d, ok
}

// mark marks the leaves in kids, which nobody shares, as deleted with the row that is level
// rows above the one that they are in.
func mark(kids []Cell, level int) bool {
	ok := true
	for i := range kids {
		k := &kids[i]
		if k.isLeaf() {
			k.Marks |= 1 << level
			ok = ok && level < maxMarks
			continue
		}
		k.Kids = slices.Clone(k.Kids)
		ok = mark(k.Kids, below(k, level)) && ok
	}
	return ok
}

// below returns the level of the kids of k, whose own is level.
func below(k *Cell, level int) int {
	if k.Kind == Row {
		return level + 1
	}
	return level
}

// eachLeaf calls visit for each leaf in kids that can have a mark, with what marks it for the row
// level rows above.
func eachLeaf(kids []Cell, level int, visit func(k *Cell, bit uint32)) {
	if level >= maxMarks {
		return
	}
	for i := range kids {
		if k := &kids[i]; k.isLeaf() {
			visit(k, 1<<level)
		} else {
			eachLeaf(k.Kids, below(k, level), visit)
		}
	}
}

// isUnseen reports whether a leaf in kids has no mark for the row level rows above. What is in
// a row that is gone does not count, and whatever is too deep for a mark has none.
func isUnseen(kids []Cell, level int) bool {
	if level >= maxMarks {
		return len(kids) > 0
	}
	for i := range kids {
		switch k := &kids[i]; {
		case k.isLeaf():
			if k.Marks&(1<<level) == 0 {
				return true
			}
		case k.IsGone():
		case isUnseen(k.Kids, below(k, level)):
			return true
		}
	}
	return false
}

// isMarked reports whether a leaf in c, be it c itself, has a mark.
func (c *Cell) isMarked() bool {
	return c.Marks != 0 || slices.ContainsFunc(c.Kids, func(k Cell) bool { return k.isMarked() })
}

// withMarks returns c with those marks of d, another version, in the leaves that both have, that
// are allowed: of the rows in c, those that c does not know to be deleted have forgotten it.
func (c *Cell) withMarks(d *Cell, allowed uint32) Cell {
	k := *c
	if c.isLeaf() {
		if k.Marks = d.Marks; k.Same(d) {
			k.Marks = c.Marks | d.Marks&allowed
		} else {
			k.Marks = c.Marks
		}
		return k
	}
	if c.Kind == Row {
		if allowed <<= 1; c.LastDelete() != nil {
			allowed |= 1
		}
	}
	k.Kids = slices.Clone(c.Kids)
	for i := range k.Kids {
		if at := d.Like(&k.Kids[i]); at != nil {
			k.Kids[i] = k.Kids[i].withMarks(at, allowed)
		}
	}
	k.Revive()
	return k
}

// HasAfter reports whether a leaf in kids was written after s, and not removed.
func HasAfter(kids []Cell, s lww.Stamp) bool {
	return slices.ContainsFunc(kids, func(k Cell) bool {
		return k.isLeaf() && k.Stamp.After(s) || !k.isLeaf() && !k.IsGone() && HasAfter(k.Kids, s)
	})
}

// HasLeft reports whether c, a row that is not there and may be nil, has content: a list was
// assigned without the row, it was written to later, and then deleted.
func (c *Cell) HasLeft() bool {
	return c != nil && slices.ContainsFunc(c.Kids, func(k Cell) bool { return k.Kind != Placed && HasAfter([]Cell{k}, lww.Stamp{}) })
}

// Revive sets whether c, a row, is there, if that depends on what its deletes had seen.
func (c *Cell) Revive() {
	if c.LastDelete() != nil {
		c.Live = isUnseen(c.Kids, 0)
	}
}

// withoutDelete returns c, a row, as one who has forgotten the deletes up to t knows it: c
// itself if it has none. One that is gone is as if it had been emptied.
func (c *Cell) withoutDelete(t hlc.Timestamp) *Cell {
	if t == 0 {
		return c
	}
	last := c.LastDelete()
	if last == nil || last.Stamp.Time > t {
		return c
	}
	d := *c
	if d.Kids = nil; c.IsGone() {
		d.Stamp = last.Stamp
		return &d
	}
	d.Kids = unmark(slices.DeleteFunc(slices.Clone(c.Kids), func(k Cell) bool { return k.Kind == Deleted }), 0)
	return &d
}

// Unmarked returns c, a row that is there, as if it had never been deleted.
func (c *Cell) Unmarked() *Cell { return c.withoutDelete(hlc.Max) }

// unmark returns kids without the marks for the row level rows above.
func unmark(kids []Cell, level int) []Cell {
	kids = slices.Clone(kids)
	for i := range kids {
		k := &kids[i]
		if k.isLeaf() {
			k.Marks &^= 1 << level
		} else {
			k.Kids = unmark(k.Kids, below(k, level))
		}
	}
	return kids
}

// WithoutDeletes returns c without what deletes up to t left in the rows of lists and maps that
// are kept. Other rows keep what they hold, unless all says that c has seen what others have,
// and so do those that another version of the program has in one value: a delete may not have
// seen that.
func (c *Cell) WithoutDeletes(t hlc.Timestamp, all bool) Cell {
	d := *c
	d.Kids = forgetDeletes(c.Kids, t, false, all)
	return d
}

// forgetDeletes returns kids, which are rows of a list or a map if items says so, without what
// deletes up to t left in the rows of lists and maps that are kept and, if all says so, in
// other rows. It returns kids itself if that is nothing.
func forgetDeletes(kids []Cell, t hlc.Timestamp, items, all bool) []Cell {
	var out []Cell
	for i := range kids {
		k, changed := kids[i], false
		if !items && len(Wholes(kids, i)) > 0 {
			continue
		}
		switch k.Kind {
		case Row:
			if d := kids[i].withoutDelete(t); (items || all) && d != &kids[i] {
				k, changed = *d, true
			}
			fallthrough
		case Rows:
			below := forgetDeletes(k.Kids, t, k.Kind == Rows, all)
			changed = changed || !sameSlice(below, k.Kids)
			k.Kids = below
		case Register, First, Max, Min, Immutable, Choice, State, Totals, Manual, Union, Set, Table, Placed, Sums, Deleted, Fact, Option, Version,
			Seen, Total, Replica, Sibling, Member, Element, Entry, Sum, anyField:
		}
		if changed && out == nil {
			out = slices.Clone(kids)
		}
		if changed {
			out[i] = k
		}
	}
	if out == nil {
		return kids
	}
	return out
}
