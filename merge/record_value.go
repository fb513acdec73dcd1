package merge

import (
	"cmp"
	"errors"
	"iter"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// find returns the cell among kids that holds p, or nil. Cells that other programs wrote,
// where the field has another rule or type, count as if p had written them, if it can read
// them: see as and over.
func (p *recordPart) find(kids []cell.Cell) *cell.Cell {
	if p.group != nil {
		return p.findGroup(kids)
	}
	return p.withMembers(p.over(p.cells(kids)), p.in.ungrouped(kids))
}

// cells returns the cell among kids that holds p, and the newest value of the whole field that
// was assigned where it is one value, and that p can read; either may be nil.
func (p *recordPart) cells(kids []cell.Cell) (own, whole *cell.Cell) {
	i := sort.Search(len(kids), func(i int) bool { return kids[i].Key >= p.key })
	own, whole, _ = p.first(kids[i:])
	return own, whole
}

// first is cells for kids of which none comes before p, and returns how many are at its place.
func (p *recordPart) first(kids []cell.Cell) (own, whole *cell.Cell, n int) {
	for n < len(kids) && kids[n].Key == p.key {
		k := &kids[n]
		n++
		switch c := p.as(k); {
		case c != nil && own == nil:
			own = c
		case c != nil:
			joined, _ := cell.Join(own, c, p)
			own = &joined
		case p.assigns(k) && (whole == nil || k.Version(whole) > 0):
			whole = k
		}
	}
	return own, whole, n
}

// as returns k, which is at the place of p, as a cell of the kind and type of p, nil if it
// is none. What it returns of several cells is joined by the rule of p, so that the result
// depends on what was merged, and not on which program merged it. Only kinds that hold one
// value can be read for each other.
func (p *recordPart) as(k *cell.Cell) *cell.Cell {
	if k.Kind == p.kind && k.Type == p.typ {
		return k
	}
	if !k.Kind.IsRegister() || !p.kind.IsRegister() || p.group != nil {
		return nil
	}
	content, ok := p.f.converted(k)
	if !ok {
		return nil
	}
	c := *k
	c.Kind, c.Type, c.Value = p.kind, p.typ, content
	return &c
}

// converted returns the value of k, a register, as one of f, and reports whether f can read it.
func (f *field) converted(k *cell.Cell) (string, bool) {
	content, ok := f.code.Convert(k.Type, k.Value)
	return content, ok && (k.Type == f.code || f.load(f.blank(), content) == nil)
}

// reads reports whether p shows what k, at its place or at that of a member, says.
func (p *recordPart) reads(k *cell.Cell) bool {
	if f := p.member(k.Key); f != nil && k.Kind.IsRegister() {
		_, ok := f.converted(k)
		return ok
	}
	return k.Key == p.key && (p.as(k) != nil || p.assigns(k))
}

// about returns the part of w that is at key, or that has a member there, or nil.
func (w *recordRow) about(key string) *recordPart {
	for i := range w.paths {
		if q := &w.paths[i]; q.part.key == key || q.member != nil && q.member.name == key {
			return q.part
		}
	}
	return nil
}

// fill sets dst, which holds the zero value, to the row that kids hold. A field
// whose bytes are not of its type, since they were written by a program where
// it had another, stays zero.
func (w *recordRow) fill(dst reflect.Value, kids []cell.Cell) {
	for p, c := range w.each(kids) {
		if c != nil {
			p.fillIn(dst, c)
		}
	}
}

// each returns the parts of a row, each with the cell among kids that holds it,
// or nil: see find.
func (w *recordRow) each(kids []cell.Cell) iter.Seq2[*recordPart, *cell.Cell] {
	return func(yield func(*recordPart, *cell.Cell) bool) {
		all, loose := kids, w.ungrouped(kids)
		for _, p := range w.parts {
			for len(kids) > 0 && kids[0].Key < p.key {
				kids = kids[1:]
			}
			c := (*cell.Cell)(nil)
			if p.group != nil { // whose members are anywhere
				c = p.findGroup(all)
			} else {
				own, whole, n := p.first(kids)
				c, kids = p.withMembers(p.over(own, whole), loose), kids[n:]
			}
			if !yield(p, c) {
				return
			}
		}
	}
}

// fillIn sets what p is of the row dst.
func (p *recordPart) fillIn(dst reflect.Value, c *cell.Cell) {
	if p.group != nil {
		p.fillGroup(dst, c.Value)
		return
	}
	p.fill(p.f.in(dst), c)
}

func (p *recordPart) fill(dst reflect.Value, c *cell.Cell) {
	switch p.kind {
	case cell.Row:
		if c.Live {
			v := reflect.New(p.elem.row.typ)
			p.elem.fill(v.Elem(), c.Kids)
			dst.Set(v)
		}
	case cell.Rows:
		if p.f.class == classKeyed {
			p.fillList(dst, c)
		} else {
			p.fillMap(dst, c)
		}
	case cell.Table:
		p.fillTable(dst, c)
	case cell.Set, cell.Union:
		p.fillSet(dst, c)
	case cell.Totals:
		fillTotal(dst, c)
	case cell.Sums:
		p.sum(dst, c)
	case cell.Register, cell.First, cell.Max, cell.Min, cell.Immutable, cell.Choice, cell.State, cell.Manual, cell.Placed, cell.Deleted, cell.Fact, cell.Option,
		cell.Version, cell.Seen, cell.Total, cell.Replica, cell.Sibling, cell.Member, cell.Element, cell.Entry, cell.Sum:
		if s := p.shown(c); s != nil {
			p.decode(dst, s.Content())
		}
	}
}

// shown returns the cell whose content is the value of p, a leaf that c holds:
// c itself or one of its kids. It is nil if there is no value that p
// understands.
func (p *recordPart) shown(c *cell.Cell) *cell.Cell {
	switch p.kind {
	case cell.Immutable:
		return cell.Pick(c.Kids, func(a, b *cell.Cell) int { return cmp.Or(b.Stamp.Compare(a.Stamp), strings.Compare(b.Key, a.Key)) })
	case cell.Manual:
		return cell.Pick(slices.Collect(cell.Siblings(c)), func(a, b *cell.Cell) int { return a.Version(b) })
	case cell.Choice:
		for i := range c.Kids {
			if p.listed(c.Kids[i].Key) {
				return &c.Kids[i] // there is only one: see Best
			}
		}
		return p.readable(c)
	case cell.State:
		for i := range c.Kids {
			if p.understands(c.Kids[i].Key) {
				return &c.Kids[i] // there is only one: see Fold
			}
		}
		return p.readable(c)
	case cell.Register, cell.First, cell.Max, cell.Min, cell.Totals, cell.Union, cell.Set, cell.Table, cell.Rows, cell.Row, cell.Placed, cell.Sums, cell.Deleted,
		cell.Fact, cell.Option, cell.Version, cell.Seen, cell.Total, cell.Replica, cell.Sibling, cell.Member, cell.Element, cell.Entry, cell.Sum:
	}
	return c
}

// readable returns the newest of the values of c that p can read in part, or nil: those of
// a type that has more fields elsewhere.
func (p *recordPart) readable(c *cell.Cell) *cell.Cell {
	if !p.typ.IsContent() {
		return nil
	}
	var best *cell.Cell
	for i := range c.Kids {
		k := &c.Kids[i]
		if (best == nil || cmp.Or(k.Newest().Compare(best.Newest()), strings.Compare(k.Key, best.Key)) > 0) && p.decode(p.f.blank(), k.Key) {
			best = k
		}
	}
	return best
}

// decode sets dst, which holds the zero value, and reports whether it could.
func (p *recordPart) decode(dst reflect.Value, content string) bool {
	return p.f.load(dst, content) == nil
}

// understands reports whether p, whose values are combined, knows all of one.
func (p *recordPart) understands(content string) bool {
	return p.f.loadExact(p.f.blank(), content)
}

// listed reports whether p, a choice, can tell where content stands among the
// values of the field.
func (p *recordPart) listed(content string) bool {
	if p.rule.listed != nil {
		return p.rule.listed(p, content)
	}
	return p.understands(content)
}

// Best implements [cell.Knows]. It returns the options that stay: of those that
// the program can tell the order of, the best, and all others.
func (p *recordPart) Best(options []cell.Cell) []cell.Cell {
	if len(options) < 2 {
		return options
	}
	var win *cell.Cell
	for i := range options {
		if o := &options[i]; p.listed(o.Key) && (win == nil || p.better(o, win)) {
			win = o
		}
	}
	if win == nil {
		return options
	}
	return slices.DeleteFunc(slices.Clone(options), func(o cell.Cell) bool { return o.Key != win.Key && p.listed(o.Key) })
}

// better reports whether option a is to be chosen over b.
func (p *recordPart) better(a, b *cell.Cell) bool {
	return cmp.Or(p.rule.prefers(p, a.Key, b.Key), a.Stamp.Compare(b.Stamp), strings.Compare(a.Key, b.Key)) > 0
}

// Fold implements [cell.Knows]. It joins the versions that the program
// understands into one.
func (p *recordPart) Fold(versions []cell.Cell) []cell.Cell {
	if len(versions) < 2 {
		return versions
	}
	var rest []cell.Cell
	var sum cell.Cell
	for i := range versions {
		v := &versions[i]
		switch {
		case !p.understands(v.Key):
			rest = append(rest, *v)
		case sum.Kind == 0:
			sum = *v
		default:
			key, err := p.joinContents(sum.Key, v.Key)
			if err != nil {
				return versions
			}
			sum.Key = key
			sum.Kids = cell.JoinKids(sum.Kids, v.Kids)
		}
	}
	if sum.Kind == 0 {
		return versions
	}
	return cell.JoinKids(rest, []cell.Cell{sum})
}

// joinContents returns the join of two values of a type or rule that joins.
func (p *recordPart) joinContents(a, b string) (string, error) {
	x, y := p.f.blank(), p.f.blank()
	if !p.f.loadExact(x, a) || !p.f.loadExact(y, b) {
		return "", errors.New("a value of another type")
	}
	if err := p.joinValues(x, y); err != nil {
		return "", err
	}
	return p.f.store(x, "")
}

// joinValues makes x, which nobody else refers to, the join of x and y.
func (p *recordPart) joinValues(x, y reflect.Value) error {
	if p.f.join == nil {
		p.f.rule.custom.join(x, y)
		return nil
	}
	from := p.f.join.ref(y)
	if !from.IsValid() {
		return nil
	}
	if to := p.f.join.ref(x); to.IsValid() {
		return p.f.join.into(to, from)
	}
	x.Set(y)
	return nil
}

func (p *recordPart) fillGroup(dst reflect.Value, tuple string) {
	cell.EachMember(tuple, func(name, content string) {
		if f := p.member(name); f != nil {
			f.decodeMember(f.in(dst), content)
		}
	})
}

// decodeMember sets dst, which holds the zero value, to the value of a member
// of a group, if it is of the field's type.
func (f *field) decodeMember(dst reflect.Value, content string) {
	if len(content) > 0 && cell.TypeCode(content[0]) == f.code {
		_ = f.load(dst, content[1:]) // it stays zero, and Check says so
	}
}

// member returns the field of a group with the given name, or nil.
func (p *recordPart) member(name string) *field {
	i, ok := slices.BinarySearchFunc(p.group, name, func(f *field, name string) int { return strings.Compare(f.name, name) })
	if !ok {
		return nil
	}
	return p.group[i]
}
