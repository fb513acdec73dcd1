package merge

import (
	"cmp"
	"errors"
	"iter"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// find returns the cell among kids that holds p, or nil. If there is none, the
// value that a field of one value had under another rule stands in for it.
func (p *recordPart) find(kids []cell) *cell {
	i := sort.Search(len(kids), func(i int) bool { return kids[i].key >= p.key })
	return p.first(kids[i:])
}

// first is find for kids of which none comes before p.
func (p *recordPart) first(kids []cell) *cell {
	var standIn *cell
	for i := 0; i < len(kids) && kids[i].key == p.key; i++ {
		switch k := kids[i].kind; {
		case kids[i].typ != p.typ:
		case k == p.kind:
			return &kids[i]
		case k.isRegister() && p.kind.isRegister() && p.group == nil && standIn == nil:
			c := kids[i]
			c.kind = p.kind
			standIn = &c
		}
	}
	return standIn
}

// fill sets dst, which holds the zero value, to the row that kids hold. A field
// whose bytes are not of its type, since they were written by a program where
// it had another, stays zero.
func (w *recordRow) fill(dst reflect.Value, kids []cell) {
	for p, c := range w.each(kids) {
		if c != nil {
			p.fillIn(dst, c)
		}
	}
}

// each returns the parts of a row, each with the cell among kids that holds it,
// or nil: see find.
func (w *recordRow) each(kids []cell) iter.Seq2[*recordPart, *cell] {
	return func(yield func(*recordPart, *cell) bool) {
		for _, p := range w.parts {
			for len(kids) > 0 && kids[0].key != p.key && kids[0].key < p.key {
				kids = kids[1:]
			}
			if !yield(p, p.first(kids)) {
				return
			}
		}
	}
}

// fillIn sets what p is of the row dst.
func (p *recordPart) fillIn(dst reflect.Value, c *cell) {
	if p.group != nil {
		p.fillGroup(dst, c.value)
		return
	}
	p.fill(p.f.in(dst), c)
}

func (p *recordPart) fill(dst reflect.Value, c *cell) {
	switch p.kind {
	case cellRow:
		if c.live {
			v := reflect.New(p.elem.row.typ)
			p.elem.fill(v.Elem(), c.kids)
			dst.Set(v)
		}
	case cellRows:
		if p.f.class == classKeyed {
			p.fillList(dst, c)
		} else {
			p.fillMap(dst, c)
		}
	case cellTable:
		p.fillTable(dst, c)
	case cellSet, cellUnion:
		p.fillSet(dst, c)
	case cellTotals:
		fillTotal(dst, c)
	default:
		if s := p.shown(c); s != nil {
			p.decode(dst, s.content())
		}
	}
}

// content returns the bytes of the value that c, a register or one of several
// values of a field, holds.
func (c *cell) content() string {
	switch c.kind {
	case cellFact, cellOption, cellVersion:
		return c.key
	default:
		return c.value
	}
}

// shown returns the cell whose content is the value of p, a leaf that c holds:
// c itself or one of its kids. It is nil if there is no value that p
// understands.
func (p *recordPart) shown(c *cell) *cell {
	switch p.kind {
	case cellImmutable:
		return pick(c.kids, func(a, b *cell) int { return cmp.Or(b.stamp.Compare(a.stamp), strings.Compare(b.key, a.key)) })
	case cellManual:
		return pick(slices.Collect(siblings(c)), func(a, b *cell) int { return a.version(b) })
	case cellChoice:
		for i := range c.kids {
			if p.listed(c.kids[i].key) {
				return &c.kids[i] // there is only one: see best
			}
		}
		return nil
	case cellState:
		for i := range c.kids {
			if p.understands(c.kids[i].key) {
				return &c.kids[i] // there is only one: see fold
			}
		}
		return nil
	default:
		return c
	}
}

// siblings returns the siblings of a cell of kind [cellManual].
func siblings(c *cell) func(func(cell) bool) {
	return func(yield func(cell) bool) {
		for i := range c.kids {
			for _, s := range c.kids[i].kids {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// pick returns the largest of the cells, or nil if there are none.
func pick(cells []cell, compare func(a, b *cell) int) *cell {
	var best *cell
	for i := range cells {
		if best == nil || compare(&cells[i], best) > 0 {
			best = &cells[i]
		}
	}
	return best
}

// decode sets dst, which holds the zero value, and reports whether it could.
func (p *recordPart) decode(dst reflect.Value, content string) bool {
	return p.f.shape.Load(dst, content)
}

func (p *recordPart) understands(content string) bool {
	return p.decode(reflect.New(p.f.typ).Elem(), content)
}

// listed reports whether p, a choice, can tell where content stands among the
// values of the field.
func (p *recordPart) listed(content string) bool {
	if p.f.rule.id == ruleRank {
		_, ok := p.f.rule.rankOf(content)
		return ok
	}
	return p.understands(content)
}

// best returns the options that stay: of those that the program can tell the
// order of, the best, and all others. A nil p keeps all.
func (p *recordPart) best(options []cell) []cell {
	if p == nil || len(options) < 2 {
		return options
	}
	var win *cell
	for i := range options {
		if o := &options[i]; p.listed(o.key) && (win == nil || p.better(o, win)) {
			win = o
		}
	}
	if win == nil {
		return options
	}
	return slices.DeleteFunc(slices.Clone(options), func(o cell) bool { return o.key != win.key && p.listed(o.key) })
}

// better reports whether option a is to be chosen over b.
func (p *recordPart) better(a, b *cell) bool {
	n := 0
	if p.f.rule.id == ruleRank {
		x, _ := p.f.rule.rankOf(a.key)
		y, _ := p.f.rule.rankOf(b.key)
		n = cmp.Compare(x, y)
	} else {
		x, y := reflect.New(p.f.typ).Elem(), reflect.New(p.f.typ).Elem()
		p.decode(x, a.key)
		p.decode(y, b.key)
		if custom := p.f.rule.custom; custom != nil {
			n = custom.compare(x, y)
		} else {
			n = p.f.order.compare(x, y)
		}
	}
	return cmp.Or(n, a.stamp.Compare(b.stamp), strings.Compare(a.key, b.key)) > 0
}

// fold joins the versions that the program understands into one. A nil p
// leaves them as they are.
func (p *recordPart) fold(versions []cell) []cell {
	if p == nil || len(versions) < 2 {
		return versions
	}
	var rest []cell
	var sum cell
	for i := range versions {
		v := &versions[i]
		switch {
		case !p.understands(v.key):
			rest = append(rest, *v)
		case sum.kind == 0:
			sum = *v
		default:
			key, err := p.joinContents(sum.key, v.key)
			if err != nil {
				return versions
			}
			sum.key = key
			sum.kids, _ = joinCells(sum.kids, v.kids, scope{})
		}
	}
	if sum.kind == 0 {
		return versions
	}
	rest, _ = joinCells(rest, []cell{sum}, scope{})
	return rest
}

var errTypes = errors.New("a value of another type")

// joinContents returns the join of two values of a type or rule that joins.
func (p *recordPart) joinContents(a, b string) (string, error) {
	x, y := reflect.New(p.f.typ).Elem(), reflect.New(p.f.typ).Elem()
	if !p.decode(x, a) || !p.decode(y, b) {
		return "", errTypes
	}
	if err := p.joinValues(x, y); err != nil {
		return "", err
	}
	out, err := p.f.shape.Append(nil, x)
	return string(out), err
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
	eachMember(tuple, func(name, content string) {
		if f := p.member(name); f != nil {
			f.decodeMember(f.in(dst), content)
		}
	})
}

// decodeMember sets dst, which holds the zero value, to the value of a member
// of a group, if it is of the field's type.
func (f *field) decodeMember(dst reflect.Value, content string) {
	if len(content) > 0 && typeCode(content[0]) == typeCodeOf(f.shape, true) {
		f.shape.Load(dst, content[1:])
	}
}

// eachMember calls visit for each member of a group's tuple.
func eachMember(tuple string, visit func(name, content string)) {
	for r := wire.NewReader([]byte(tuple)); r.Len() > 0; {
		name, content := string(r.Bytes()), string(r.Bytes())
		if r.Err() == nil {
			visit(name, content)
		}
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
