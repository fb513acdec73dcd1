package merge

import (
	"slices"
	"strings"
)

// A scope says what a program knows of the kids of a cell: the row that their
// fields belong to, or the field that the entries belong to. Both may be nil.
type scope struct {
	row  *recordRow
	part *recordPart
}

func (s scope) of(k *cell) *recordPart {
	if s.row != nil {
		return s.row.part(k)
	}
	return s.part
}

// joinCells returns the join of two lists of kids and whether it differs from
// a. It returns a itself if it does not.
func joinCells(a, b []cell, in scope) ([]cell, bool) {
	i := 0
	for i < len(a) && i < len(b) && a[i].same(&b[i]) {
		i++
	}
	if i == len(b) {
		return a, false
	}
	var out []cell // nil while it is a[:i]
	grow := func() {
		if out == nil {
			out = append(make([]cell, 0, max(len(a), len(b)+1)), a[:i]...)
		}
	}
	j := i
	for i < len(a) && j < len(b) {
		switch n := a[i].order(&b[j]); {
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
func orderHeads(a, b []cell) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return a[0].order(&b[0])
}

// joinCell returns the join of two cells of one key and kind, and whether it
// differs from a. Every change of a record's state goes through it.
func joinCell(a, b *cell, in scope) (cell, bool) {
	switch a.kind {
	case cellRegister, cellOption, cellSeen, cellTotal, cellSibling, cellMember, cellElement, cellEntry:
		return take(a, b, b.version(a))
	case cellFirst, cellFact:
		return take(a, b, a.version(b))
	case cellMax:
		n := strings.Compare(b.value, a.value)
		if n == 0 {
			n = b.version(a)
		}
		return take(a, b, n)
	case cellMin:
		n := strings.Compare(a.value, b.value)
		if n == 0 {
			n = b.version(a)
		}
		return take(a, b, n)
	case cellRow:
		return joinRows(a, b, in.of(a))
	case cellReplica:
		return joinReplicas(a, b)
	case cellState:
		return in.of(a).joinStates(a, b)
	case cellChoice:
		return in.of(a).joinOptions(a, b)
	default:
		c := *a
		var changed bool
		c.kids, changed = joinCells(a.kids, b.kids, scope{part: in.of(a)})
		return c, changed
	}
}

func take(a, b *cell, better int) (cell, bool) {
	if better > 0 {
		return *b, true
	}
	return *a, false
}

// joinRows joins two versions of a row: the later life wins as a whole, and
// within one life fields join one by one, presence being one of them.
func joinRows(a, b *cell, p *recordPart) (cell, bool) {
	if n := b.stamp.Compare(a.stamp); n != 0 {
		return take(a, b, n)
	}
	c := *a
	var changed bool
	c.kids, changed = joinCells(a.kids, b.kids, scope{row: p.rows()})
	if b.live && !a.live {
		c.live, changed = true, true
	}
	return c, changed
}

// joinReplicas joins what two sides know of the siblings that one replica
// wrote: a sibling is gone if one side knows of it and does not hold it.
func joinReplicas(a, b *cell) (cell, bool) {
	c := *a
	if b.stamp.Time > a.stamp.Time {
		c.stamp = b.stamp
	}
	kids, _ := joinCells(a.kids, b.kids, scope{})
	c.kids = slices.DeleteFunc(slices.Clone(kids), func(k cell) bool {
		t := k.stamp.Time
		return t <= a.stamp.Time && a.kid(k.key, k.kind) == nil || t <= b.stamp.Time && b.kid(k.key, k.kind) == nil
	})
	if c.same(a) {
		return *a, false
	}
	return c, true
}

// joinOptions joins two sets of options: those that are best, as far as the
// program knows.
func (p *recordPart) joinOptions(a, b *cell) (cell, bool) {
	kids, changed := joinCells(a.kids, b.kids, scope{})
	if !changed {
		return *a, false
	}
	c := *a
	c.kids = p.best(kids)
	if c.same(a) {
		return *a, false
	}
	return c, true
}

// joinStates joins two sets of versions: those who know the type make one of
// all, for others those stay that no other includes.
func (p *recordPart) joinStates(a, b *cell) (cell, bool) {
	kids, changed := joinCells(a.kids, b.kids, scope{})
	if !changed {
		return *a, false
	}
	c := *a
	c.kids = latestVersions(p.fold(kids))
	if c.same(a) {
		return *a, false
	}
	return c, true
}

// latestVersions returns the versions that no other includes.
func latestVersions(versions []cell) []cell {
	return slices.DeleteFunc(slices.Clone(versions), func(v cell) bool {
		return slices.ContainsFunc(versions, func(w cell) bool { return includes(&w, &v) && !includes(&v, &w) })
	})
}

// includes reports whether version w includes every write that v does.
func includes(w, v *cell) bool {
	j := 0
	for i := range v.kids {
		for j < len(w.kids) && w.kids[j].key < v.kids[i].key {
			j++
		}
		if j == len(w.kids) || w.kids[j].key != v.kids[i].key || w.kids[j].stamp.Time < v.kids[i].stamp.Time {
			return false
		}
	}
	return true
}
