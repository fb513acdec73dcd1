package merge

import (
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// The functions in this file compare a value with what a record holds, without
// reading it. They answer true only if the two are the same, and false also
// where only reading can tell.

// holds reports whether v shows what p, held by c, which may be nil, does.
func (w *recordRow) holds(kids []cell.Cell, v reflect.Value) bool {
	for p, c := range w.each(kids) {
		if !p.holds(c, v) {
			return false
		}
	}
	return true
}

// holds reports whether row has in p what c holds, nothing if c is nil.
func (p *recordPart) holds(c *cell.Cell, row reflect.Value) bool {
	switch {
	case p.group != nil:
		return p.groupHolds(c, row)
	case c == nil:
		return p.f.untouched(row)
	}
	v := p.f.in(row)
	switch p.kind {
	case cell.Row:
		return c.Live == !v.IsNil() && (!c.Live || p.elem.holds(c.Kids, v.Elem()))
	case cell.Rows:
		return p.f.class == classKeyed && p.listHolds(c, v)
	case cell.Table:
		m, ok := texts(v)
		return ok && p.f.plain && tableHolds(c, m)
	case cell.Set, cell.Union:
		return p.setHolds(c, v)
	case cell.Totals:
		sum := c.Sum()
		n, ok := sum.Int64()
		return ok && v.CanInt() && v.Int() == n
	case cell.Sums:
		return false // only adding up can tell
	case cell.Register, cell.First, cell.Max, cell.Min, cell.Immutable, cell.Choice, cell.State, cell.Manual, cell.Placed, cell.Deleted, cell.Fact, cell.Option,
		cell.Version, cell.Seen, cell.Total, cell.Replica, cell.Sibling, cell.Member, cell.Element, cell.Entry, cell.Sum:
	}
	s := p.shown(c)
	return s != nil && p.f.shape.Holds(v, s.Content())
}

// untouched reports whether f of row is as in a row that nobody wrote to.
func (f *field) untouched(row reflect.Value) bool {
	return f.in(row).IsZero()
}

func (p *recordPart) groupHolds(c *cell.Cell, row reflect.Value) bool {
	if c == nil {
		return !slices.ContainsFunc(p.group, func(f *field) bool { return !f.untouched(row) })
	}
	return false
}

func (p *recordPart) listHolds(c *cell.Cell, v reflect.Value) bool {
	var buf [16]placed
	live := inOrder(c, buf[:0])
	if len(live) != v.Len() {
		return false
	}
	for i, k := range live {
		e := p.f.element(v, i) // none is nil: see validate
		if !p.f.keyHolds(e, k.row.Key) || !p.elem.holds(k.row.Kids, e) {
			return false
		}
	}
	return true
}

func (p *recordPart) setHolds(c *cell.Cell, v reflect.Value) bool {
	n := 0
	for i := range c.Kids {
		if k := &c.Kids[i]; k.Live || p.kind == cell.Union {
			if n == v.Len() || !p.f.key.Holds(v.Index(n), k.Key) {
				return false
			}
			n++
		}
	}
	return n == v.Len()
}

func tableHolds(c *cell.Cell, m map[string]string) bool {
	n := 0
	for i := range c.Kids {
		if k := &c.Kids[i]; k.Live {
			if v, ok := m[k.Key]; !ok || v != k.Value {
				return false
			}
			n++
		}
	}
	return n == len(m)
}
