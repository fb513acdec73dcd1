package cell

import (
	"cmp"
	"encoding/binary"
	"sort"
	"strings"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// A Cell is one node of the state of a record. Cells know nothing of the Go type:
// values and keys are canonical bytes, and the kind says how two versions of a
// cell join, so that a program joins fields that only another version of it
// knows.
//
// Cells are immutable once they are part of a state, and states share them.
// Kids are in ascending order of key, kind and type, each triple once.
type Cell struct {
	Key   string // what tells it from the other kids of its parent
	Kind  Kind
	Type  TypeCode // of the values of a field, so that other types do not mix with them
	Live  bool     // of rows, elements and entries: present
	Marks uint32   // of leaves: which deletes had seen this version, see keep.go
	Stamp lww.Stamp
	Value string
	Kids  []Cell
}

// TimeKey returns the key of the sibling written at t.
func TimeKey(t hlc.Timestamp) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(t)))
}

// Order compares two cells by key and kind, which is where they are among
// their parent's kids.
func (c *Cell) Order(d *Cell) int {
	if n := strings.Compare(c.Key, d.Key); n != 0 {
		return n
	}
	return cmp.Or(cmp.Compare(c.Kind, d.Kind), cmp.Compare(c.Type, d.Type))
}

// Same reports whether two cells are equal.
func (c *Cell) Same(d *Cell) bool {
	return c.Stamp.Time == d.Stamp.Time && c.Kind == d.Kind && c.Type == d.Type && c.Live == d.Live && c.Marks == d.Marks &&
		sameText(c.Key, d.Key) && sameText(c.Value, d.Value) && sameText(string(c.Stamp.Replica), string(d.Stamp.Replica)) &&
		len(c.Kids) == len(d.Kids) && (len(c.Kids) == 0 || SameKids(c.Kids, d.Kids))
}

// sameText is a == b without a call where both are empty, as many are.
func sameText(a, b string) bool { return len(a) == len(b) && (len(a) == 0 || a == b) }

// SameKids reports whether two lists of kids are equal.
func SameKids(a, b []Cell) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if !a[i].Same(&b[i]) {
			return false
		}
	}
	return true
}

// Version compares two versions of a cell as "the newest wins" does: by stamp,
// a deleted one above one that is not, by value.
func (c *Cell) Version(d *Cell) int {
	if n := c.Stamp.Compare(d.Stamp); n != 0 {
		return n
	}
	if c.Live != d.Live {
		return -value.CompareBool(c.Live, d.Live)
	}
	return strings.Compare(c.Value, d.Value)
}

// Latest returns the largest time in c.
func (c *Cell) Latest() hlc.Timestamp {
	t := c.Stamp.Time
	for i := range c.Kids {
		t = max(t, c.Kids[i].Latest())
	}
	return t
}

// Like returns the kid of c that is at the place of k, or nil.
func (c *Cell) Like(k *Cell) *Cell {
	if c == nil {
		return nil
	}
	return FindCell(c.Kids, k.Key, k.Kind, k.Type)
}

// Kid returns the kid of c with the given key and kind and no type, or nil.
func (c *Cell) Kid(key string, kind Kind) *Cell {
	if c == nil {
		return nil
	}
	return FindCell(c.Kids, key, kind, 0)
}

// AllKids returns the kids of c, which may be nil.
func (c *Cell) AllKids() []Cell {
	if c == nil {
		return nil
	}
	return c.Kids
}

// FindCell returns the kid with the given key, kind and type, or nil.
func FindCell(kids []Cell, key string, kind Kind, typ TypeCode) *Cell {
	lo, hi := 0, len(kids)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		n := strings.Compare(kids[mid].Key, key)
		if n == 0 {
			n = cmp.Or(cmp.Compare(kids[mid].Kind, kind), cmp.Compare(kids[mid].Type, typ))
		}
		switch {
		case n == 0:
			return &kids[mid]
		case n < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return nil
}

// After returns what of kids was written after s, without what this leaves empty. Of rows the
// lives stay: what is written to one has to be of its present one.
func After(kids []Cell, s lww.Stamp) (out []Cell) {
	for _, k := range kids {
		switch k.Kind {
		case Row:
			if k.IsGone() {
				break
			}
			k.Kids = After(k.Kids, s)
			if k.Live = k.Live && HasAfter(k.Kids, s); k.Stamp.IsZero() && len(k.Kids) == 0 {
				continue
			}
		case Totals, Sums, Union, Set, Table, Rows:
			if k.Kids = After(k.Kids, s); len(k.Kids) == 0 {
				continue
			}
		case Register, First, Max, Min, Immutable, Choice, State, Manual, Placed, Deleted, Fact, Option, Version, Seen, Total, Replica, Sibling, Member,
			Element, Entry, Sum, anyField:
			if !k.Newest().After(s) {
				continue
			}
		}
		out = append(out, k)
	}
	return out
}

// Retain returns the kids without the elements, entries, and rows of lists and maps, at any
// depth, that keep does not report, and without the fields that this leaves empty. It
// returns kids itself if nothing goes. Keep is also told what another version of the cell,
// which may be nil, has at the place of a kid. It returns the kid, what is to be there
// instead, or nil.
func (c *Cell) Retain(other *Cell, keep func(k, other *Cell) *Cell) []Cell {
	kids := c.Kids
	var out []Cell
	changed := false
	for i := range kids {
		at := other.Like(&kids[i])
		k, ok := kids[i].retain(at, keep)
		if c.Kind == Rows {
			switch held := keep(&kids[i], at); held {
			case nil:
				ok = false
			case &kids[i]:
			default:
				k = *held
			}
		}
		if !changed && (!ok || k.Marks != kids[i].Marks || !sameSlice(k.Kids, kids[i].Kids)) {
			changed, out = true, append(make([]Cell, 0, len(kids)), kids[:i]...)
		}
		if changed && ok {
			out = append(out, k)
		}
	}
	if !changed {
		return kids
	}
	return out
}

func (c *Cell) retain(other *Cell, keep func(k, other *Cell) *Cell) (Cell, bool) {
	k := *c
	switch c.Kind {
	case Element, Entry:
		if held := keep(c, other); held != nil {
			return *held, true
		}
		return k, false
	case Set, Table, Rows, Row:
		if k.Kids = c.Retain(other, keep); c.Kind == Row && !sameSlice(k.Kids, c.Kids) {
			k.Revive()
		}
		return k, len(k.Kids) > 0 || k.Kind == Row
	case Register, First, Max, Min, Immutable, Choice, State, Totals, Manual, Union, Placed, Sums, Deleted, Fact, Option, Version, Seen, Total,
		Replica, Sibling, Member, Sum, anyField:
	}
	return k, true
}

// sameSlice reports whether a and b are one slice, or both empty.
func sameSlice(a, b []Cell) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Content returns the bytes of the value that c, a register or one of several
// values of a field, holds.
func (c *Cell) Content() string {
	switch c.Kind {
	case Fact, Option, Version:
		return c.Key
	case Register, First, Max, Min, Immutable, Choice, State, Totals, Manual, Union, Set, Table, Rows, Row, Placed, Sums, Deleted, Seen, Total,
		Replica, Sibling, Member, Element, Entry, Sum, anyField:
	}
	return c.Value
}

// Siblings returns the siblings of a cell of kind [Manual].
func Siblings(c *Cell) func(func(Cell) bool) {
	return func(yield func(Cell) bool) {
		for i := range c.Kids {
			for _, s := range c.Kids[i].Kids {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// Pick returns the largest of the cells, or nil if there are none.
func Pick(cells []Cell, compare func(a, b *Cell) int) *Cell {
	var best *Cell
	for i := range cells {
		if best == nil || compare(&cells[i], best) > 0 {
			best = &cells[i]
		}
	}
	return best
}

// Life returns the stamp of c, a row: that of the delete that its life began
// with. It is zero if c is nil.
func (c *Cell) Life() lww.Stamp {
	if c == nil {
		return lww.Stamp{}
	}
	return c.Stamp
}

// LatestOrZero is [Cell.Latest] of a cell that may be nil.
func (c *Cell) LatestOrZero() hlc.Timestamp {
	if c == nil {
		return 0
	}
	return c.Latest()
}

// LatestOf returns the largest time in what kids hold of a field, in whatever form.
func LatestOf(kids []Cell, key string) (last hlc.Timestamp) {
	i := sort.Search(len(kids), func(i int) bool { return kids[i].Key >= key })
	for ; i < len(kids) && kids[i].Key == key; i++ {
		last = max(last, kids[i].Latest())
	}
	return last
}

// Newest returns the largest stamp of a write in c.
func (c *Cell) Newest() lww.Stamp {
	s := c.Stamp
	if s.Replica == "" { // an open life
		s = lww.Stamp{}
	}
	for i := range c.Kids {
		if k := c.Kids[i].Newest(); k.After(s) {
			s = k
		}
	}
	return s
}

// Present reports whether c, which may be nil, is there.
func (c *Cell) Present() bool { return c != nil && c.Live }

// FirstOf returns the first cell that is not nil.
func FirstOf(cells ...*Cell) *Cell {
	for _, c := range cells {
		if c != nil {
			return c
		}
	}
	return nil
}

// EachKid calls visit for each kid that a and b do not hold alike.
func EachKid(a, b, merged *Cell, visit func(a, b, m *Cell)) {
	var as, bs []Cell
	if a != nil {
		as = a.Kids
	}
	if b != nil {
		bs = b.Kids
	}
	for len(as) > 0 || len(bs) > 0 {
		var x, y *Cell
		n := orderHeads(as, bs)
		if n <= 0 {
			x, as = &as[0], as[1:]
		}
		if n >= 0 {
			y, bs = &bs[0], bs[1:]
		}
		if x == nil || y == nil || !x.Same(y) {
			k := FirstOf(x, y)
			visit(x, y, merged.Like(k))
		}
	}
}

// Above returns c without what is at or below a horizon that it does not have, and for
// which another version of it speaks: elements and entries and, if rows says so, rows of
// which everything is. Only marks in what the other has, too, are not for it to tell.
func (c *Cell) Above(h hlc.Timestamp, rows bool, other *Cell) Cell {
	d := *c
	d.Kids = c.Retain(other, func(k, o *Cell) *Cell {
		switch {
		case k.Kind == Row && !rows || k.Newest().Time > h:
			return k
		case o == nil || o.Stamp != k.Stamp || !k.isMarked():
			return nil
		}
		marked := o.withMarks(k, ^uint32(0))
		return &marked
	})
	return d
}

// Compact returns c without the elements and entries deleted at or below a horizon, and
// the rows of lists and maps deleted at or below another, but for those that are needed.
func (c *Cell) Compact(items, rows hlc.Timestamp, needed map[*Cell]bool) Cell {
	d := *c
	d.Kids = c.Retain(nil, func(k, _ *Cell) *Cell {
		deleted := items
		if k.Kind == Row {
			deleted = rows
		}
		if k.holds() || k.Stamp.Time > deleted || needed[k] {
			return k
		}
		return nil
	})
	return d
}

// AddTombstones adds to set, which may be nil, what is deleted in c, itself included, later than s.
func (c *Cell) AddTombstones(set map[*Cell]bool, s lww.Stamp) map[*Cell]bool {
	if (c.Kind == Row || c.Kind == Element || c.Kind == Entry) && !c.Live && c.Stamp.After(s) {
		if set == nil {
			set = make(map[*Cell]bool)
		}
		set[c] = true
	}
	for i := range c.Kids {
		set = c.Kids[i].AddTombstones(set, s)
	}
	return set
}

// Wholes returns the registers at the place of kids[i], which is another field: each is of a
// program that has all of that in one value.
func Wholes(kids []Cell, i int) []Cell {
	from := i
	for from > 0 && kids[from-1].Key == kids[i].Key {
		from--
	}
	to := from
	for to < i && kids[to].Kind.IsRegister() {
		to++
	}
	return kids[from:to]
}
