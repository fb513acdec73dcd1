package cell

import (
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
)

// Knows is what a program knows of a cell that holds a field, or of its kids:
// the cells themselves know nothing of the type that they are of. Where a
// program knows nothing, there is none.
type Knows interface {
	// Part returns what is known of the field with the given key, kind and type
	// in the row that the cell is, nil for nothing.
	Part(key string, kind Kind, typ TypeCode) Knows
	// Best returns the options that stay of those of a cell of kind
	// [Choice].
	Best(options []Cell) []Cell
	// Fold returns the versions of a cell of kind [State] with those that
	// the program understands joined.
	Fold(versions []Cell) []Cell
	// KeyType returns the type of the elements or keys of a field.
	KeyType() *value.Type
	// Values returns what is known of the values of a field.
	Values() Values
	// Member returns what is known of a member of a group.
	Member(name string) Values
}

// Values is what a program knows of values of one type; its zero value is nothing.
type Values struct {
	Code TypeCode
	Type *value.Type
	Leaf value.Leaf // of content
}

// A scope is what a program knows of the kids of a cell: of its row, if they
// are fields, or of their parent.
type scope struct {
	plan Knows // nil for nothing
	row  bool
}

func (s scope) of(k *Cell) Knows {
	if s.row && s.plan != nil {
		return s.plan.Part(k.Key, k.Kind, k.Type)
	}
	return s.plan
}

// Join returns the join of two versions of a cell, of which the program knows
// p, and whether it differs from a.
func Join(a, b *Cell, p Knows) (Cell, bool) { return joinCell(a, b, scope{plan: p}) }

// JoinKids is [joinCells] for kids of which there is nothing to know.
func JoinKids(a, b []Cell) []Cell {
	kids, _ := joinCells(a, b, scope{})
	return kids
}

// joinCells returns the join of two lists of kids and whether it differs from
// a. It returns a itself if it does not.
func joinCells(a, b []Cell, in scope) ([]Cell, bool) {
	i := 0
	for i < len(a) && i < len(b) && a[i].Same(&b[i]) {
		i++
	}
	if i == len(b) {
		return a, false
	}
	var out []Cell // nil while it is a[:i]
	grow := func() {
		if out == nil {
			out = append(make([]Cell, 0, max(len(a), len(b)+1)), a[:i]...)
		}
	}
	j := i
	for i < len(a) && j < len(b) {
		switch n := a[i].Order(&b[j]); {
		case n < 0:
			if out != nil {
				out = append(out, a[i])
			}
			i++
		case n > 0:
			grow()
			out = append(out, b[j])
			j++
		default:
			c, changed := joinCell(&a[i], &b[j], in)
			if changed {
				grow()
			}
			if out != nil {
				out = append(out, c)
			}
			i, j = i+1, j+1
		}
	}
	if j < len(b) {
		grow()
	}
	if out == nil {
		return a, false
	}
	return append(append(out, a[i:]...), b[j:]...), true
}

// orderHeads compares the first cells of two lists, not both of them empty; a
// list that is used up comes last.
func orderHeads(a, b []Cell) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return a[0].Order(&b[0])
}

// joinCell returns the join of two cells of one key and kind, and whether it
// differs from a. Every change of a record's state goes through it.
func joinCell(a, b *Cell, in scope) (Cell, bool) {
	switch a.Kind {
	case Register, Placed, Deleted, Option, Seen, Total, Sum, Sibling, Member, Element, Entry:
		return take(a, b, b.Version(a))
	case First, Fact:
		return take(a, b, a.Version(b))
	case Max:
		n := strings.Compare(b.Value, a.Value)
		if n == 0 {
			n = b.Version(a)
		}
		return take(a, b, n)
	case Min:
		n := strings.Compare(a.Value, b.Value)
		if n == 0 {
			n = b.Version(a)
		}
		return take(a, b, n)
	case Row:
		return joinRows(a, b, in.of(a))
	case Replica:
		return joinReplicas(a, b)
	case State:
		return joinStates(a, b, in.of(a))
	case Choice:
		return joinOptions(a, b, in.of(a))
	case Immutable, Totals, Manual, Union, Set, Table, Rows, Sums, Version, anyField:
	}
	c := *a
	var changed bool
	c.Kids, changed = joinCells(a.Kids, b.Kids, scope{plan: in.of(a)})
	return c, changed
}

// take returns the better of a and b, b if better is positive; of a version that both have,
// with the marks of both.
func take(a, b *Cell, better int) (Cell, bool) {
	switch {
	case better > 0:
		return *b, true
	case better == 0 && b.Marks&^a.Marks != 0:
		c := *a
		c.Marks |= b.Marks
		return c, true
	}
	return *a, false
}

// joinRows joins two versions of a row: the later life wins as a whole, and
// within one life fields join one by one, presence being one of them.
func joinRows(a, b *Cell, p Knows) (Cell, bool) {
	x, y := a, b
	if isOpen(b.Stamp) {
		x = a.withoutDelete(b.Stamp.Time)
	}
	if isOpen(a.Stamp) {
		y = b.withoutDelete(a.Stamp.Time)
	}
	c, changed := joinLives(x, y, p)
	return c, changed || x != a
}

// joinLives joins two versions of a row that know of the same deletes.
func joinLives(a, b *Cell, p Knows) (Cell, bool) {
	if n := CompareLives(b.Stamp, a.Stamp); n != 0 {
		return take(a, b, n)
	}
	c := *a
	var changed bool
	c.Kids, changed = joinCells(a.Kids, b.Kids, scope{plan: p, row: true})
	if c.Live = a.Live || b.Live; changed || c.Live != a.Live {
		c.Revive()
		changed = changed || c.Live != a.Live
	}
	if a.Stamp != b.Stamp {
		c.Stamp = oneLife(a.Stamp, b.Stamp)
		changed = changed || c.Stamp != a.Stamp
	}
	return c, changed
}

// joinReplicas joins what two sides know of the siblings that one replica
// wrote: a sibling is gone if one side knows of it and does not hold it.
func joinReplicas(a, b *Cell) (Cell, bool) {
	c := *a
	if b.Stamp.Time > a.Stamp.Time {
		c.Stamp = b.Stamp
	}
	kids, _ := joinCells(a.Kids, b.Kids, scope{})
	c.Kids = slices.DeleteFunc(slices.Clone(kids), func(k Cell) bool {
		t := k.Stamp.Time
		return t <= a.Stamp.Time && a.Kid(k.Key, k.Kind) == nil || t <= b.Stamp.Time && b.Kid(k.Key, k.Kind) == nil
	})
	if c.Same(a) {
		return *a, false
	}
	return c, true
}

// latestVersions returns the versions that no other includes.
func latestVersions(versions []Cell) []Cell {
	return slices.DeleteFunc(slices.Clone(versions), func(v Cell) bool {
		return slices.ContainsFunc(versions, func(w Cell) bool { return includes(&w, &v) && !includes(&v, &w) })
	})
}

// includes reports whether version w includes every write that v does.
func includes(w, v *Cell) bool {
	j := 0
	for i := range v.Kids {
		for j < len(w.Kids) && w.Kids[j].Key < v.Kids[i].Key {
			j++
		}
		if j == len(w.Kids) || w.Kids[j].Key != v.Kids[i].Key || w.Kids[j].Stamp.Time < v.Kids[i].Stamp.Time {
			return false
		}
	}
	return true
}

// joinOptions joins two sets of options: those that are best, as far as the
// program knows.
func joinOptions(a, b *Cell, p Knows) (Cell, bool) {
	kids, changed := joinCells(a.Kids, b.Kids, scope{})
	if !changed {
		return *a, false
	}
	c := *a
	if c.Kids = kids; p != nil {
		c.Kids = p.Best(kids)
	}
	if c.Same(a) {
		return *a, false
	}
	return c, true
}

// joinStates joins two sets of versions: those who know the type make one of
// all, for others those stay that no other includes.
func joinStates(a, b *Cell, p Knows) (Cell, bool) {
	kids, changed := joinCells(a.Kids, b.Kids, scope{})
	if !changed {
		return *a, false
	}
	c := *a
	if p != nil {
		kids = p.Fold(kids)
	}
	c.Kids = latestVersions(kids)
	if c.Same(a) {
		return *a, false
	}
	return c, true
}
