package merge

import (
	"reflect"
	"slices"
)

// The functions in this file compare a value with what a record holds, without
// reading it. They answer true only if the two are the same, and false also
// where only reading can tell.

// holds reports whether v shows what p, held by c, which may be nil, does.
func (w *recordRow) holds(kids []cell, v reflect.Value) bool {
	for p, c := range w.each(kids) {
		if !p.holds(c, v) {
			return false
		}
	}
	return true
}

// holds reports whether row has in p what c holds, nothing if c is nil.
func (p *recordPart) holds(c *cell, row reflect.Value) bool {
	switch {
	case p.group != nil:
		return p.groupHolds(c, row)
	case c == nil:
		return p.f.untouched(row)
	}
	switch v := p.f.in(row); p.kind {
	case cellRow:
		return c.live == !v.IsNil() && (!c.live || p.elem.holds(c.kids, v.Elem()))
	case cellRows:
		return p.f.class == classKeyed && p.listHolds(c, v)
	case cellTable:
		m, ok := texts(v)
		return ok && p.f.plain && tableHolds(c, m)
	case cellSet, cellUnion:
		return p.setHolds(c, v)
	case cellTotals:
		sum := total(c)
		n, ok := sum.int64()
		return ok && v.CanInt() && v.Int() == n
	default:
		s := p.shown(c)
		return s != nil && p.f.shape.Holds(v, s.content())
	}
}

// untouched reports whether f of row is as in a row that nobody wrote to.
func (f *field) untouched(row reflect.Value) bool {
	v := f.in(row)
	return v.IsZero() && (f.shape == nil || !f.shape.Negative(v))
}

func (p *recordPart) groupHolds(c *cell, row reflect.Value) bool {
	if c == nil {
		return !slices.ContainsFunc(p.group, func(f *field) bool { return !f.untouched(row) })
	}
	return false
}

func (p *recordPart) listHolds(c *cell, v reflect.Value) bool {
	var buf [16]placed
	live := inOrder(c, buf[:0])
	if len(live) != v.Len() {
		return false
	}
	for i, k := range live {
		if p.f.byRef && v.Index(i).IsNil() {
			return false
		}
		e := p.f.element(v, i)
		if !p.f.key.Holds(walk(e, p.f.at), k.row.key) || !p.elem.holds(k.row.kids, e) {
			return false
		}
	}
	return true
}

func (p *recordPart) setHolds(c *cell, v reflect.Value) bool {
	n := 0
	for i := range c.kids {
		if k := &c.kids[i]; k.live || p.kind == cellUnion {
			if n == v.Len() || !p.f.key.Holds(v.Index(n), k.key) {
				return false
			}
			n++
		}
	}
	return n == v.Len()
}

func tableHolds(c *cell, m map[string]string) bool {
	n := 0
	for i := range c.kids {
		if k := &c.kids[i]; k.live {
			if v, ok := m[k.key]; !ok || v != k.value {
				return false
			}
			n++
		}
	}
	return n == len(m)
}
