package merge

import (
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// Where a field is one value for one version of the program and is merged by parts for
// another, the functions in this file read for the latter what the former assigned: the whole
// of it at one stamp, and so each of its parts, those that are not in it too. That is made into
// cells of the kind that the plan has, for reading only. Nobody writes them, so that nothing
// is counted or kept twice, and what is assigned later is heard.

// assigns reports whether k, which is at the place of p, holds all of what p merges by parts.
func (p *recordPart) assigns(k *cell.Cell) bool {
	switch {
	case !k.Kind.IsRegister() || p.kind.IsRegister():
		return false
	case p.adds():
		_, ok := p.f.converted(k)
		return ok
	}
	_, ok := p.assigned(k)
	return ok
}

// adds reports whether p is a sum.
func (p *recordPart) adds() bool { return p.kind == cell.Totals || p.kind == cell.Sums }

// assigned returns the items of what k assigns, in order of keys; of what a pointer points to
// the one item, if it is not nil.
func (p *recordPart) assigned(k *cell.Cell) ([]item, bool) {
	if p.whole == nil || !k.Type.IsContent() {
		return nil, false
	}
	v := p.whole.blank()
	if p.whole.load(v, k.Value) != nil {
		return nil, false
	}
	if p.kind == cell.Row {
		if v.IsNil() {
			return nil, true
		}
		return []item{{value: v.Elem()}}, true
	}
	items, err := p.items(v)
	return slices.CompactFunc(items, func(a, b item) bool { return a.key == b.key }), err == nil
}

// over returns what p reads where own, which may be nil, is its cell, and whole, which may
// be nil too, was assigned: see [recordPart.cells]. The newer of both counts, part by part.
func (p *recordPart) over(own, whole *cell.Cell) *cell.Cell {
	if whole == nil {
		return own
	}
	c := cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ}
	if p.adds() {
		content, _ := p.f.converted(whole)
		base := cell.Cell{Kind: p.kind.Kid(), Stamp: whole.Stamp, Value: content} // of no replica
		c.Kids = append([]cell.Cell{base}, own.AllKids()...)
		return &c
	}
	items, _ := p.assigned(whole)
	if p.kind == cell.Row {
		c = p.rowOver(p.key, own, nil, whole.Stamp)
		if len(items) > 0 {
			c = p.rowOver(p.key, own, &items[0], whole.Stamp)
		}
		return &c
	}
	if p.kind == cell.Rows {
		c.Kids = p.rowsOver(own.AllKids(), items, whole.Stamp)
		return &c
	}
	kids := make([]cell.Cell, 0, len(items))
	for _, i := range items {
		k := cell.Cell{Key: i.key, Kind: p.kind.Kid(), Stamp: whole.Stamp, Live: p.kind != cell.Union}
		if p.entry != nil {
			k.Value, _ = p.entry.store(i.value, "")
		}
		kids = append(kids, k)
	}
	if p.kind != cell.Union { // of which nothing is removed
		for _, k := range own.AllKids() {
			kids = append(kids, cell.Cell{Key: k.Key, Kind: k.Kind, Stamp: whole.Stamp})
		}
		slices.SortStableFunc(kids, func(a, b cell.Cell) int { return strings.Compare(a.Key, b.Key) })
		kids = slices.CompactFunc(kids, func(a, b cell.Cell) bool { return a.Key == b.Key })
	}
	c.Kids = cell.JoinKids(own.AllKids(), kids)
	return &c
}

// rowsOver returns the rows of a list or a map after an assignment.
func (p *recordPart) rowsOver(own []cell.Cell, items []item, at lww.Stamp) (out []cell.Cell) {
	for len(own) > 0 || len(items) > 0 {
		switch {
		case len(items) == 0 || len(own) > 0 && own[0].Key < items[0].key:
			out, own = append(out, p.rowOver(own[0].Key, &own[0], nil, at)), own[1:]
		case len(own) == 0 || items[0].key < own[0].Key:
			out, items = append(out, p.rowOver(items[0].key, nil, &items[0], at)), items[1:]
		default:
			out, own, items = append(out, p.rowOver(own[0].Key, &own[0], &items[0], at)), own[1:], items[1:]
		}
	}
	return out
}

// rowOver returns what becomes of own, a row that may be nil, if i is assigned to it, or nil
// if it is not in what is assigned. An assignment of before the life of the row began is
// over; for any other a row has no life, as it deletes nothing: what is written to it later
// stays.
func (p *recordPart) rowOver(key string, own *cell.Cell, i *item, at lww.Stamp) cell.Cell {
	c := cell.Cell{Key: key, Kind: cell.Row, Stamp: own.Life()}
	if c.Stamp.Replica != "" && c.Stamp.After(at) || i == nil && own.IsGone() {
		return *own
	}
	place := cell.Cell{Key: cell.PositionKey, Kind: cell.Placed, Stamp: at}
	if i == nil {
		c.Kids = cell.After(own.AllKids(), at)
		c.Live = own.Present() && cell.HasAfter(c.Kids, at)
		if c.Revive(); !c.Live { // by what was assigned, and not by a delete; the place tells when that was
			c.Kids = slices.DeleteFunc(c.Kids, func(k cell.Cell) bool { return k.Kind == cell.Deleted })
			c.Kids = cell.JoinKids(c.Kids, []cell.Cell{place})
		}
		return c
	}
	if p.f.class == classKeyed {
		place.Value = string(cell.Place{{N: int64(i.at), Replica: at.Replica}}.Append(nil, at.Replica))
	}
	c.Live = true
	c.Kids = cell.JoinKids(own.AllKids(), p.elem.registers([]cell.Cell{place}, i.value, own.AllKids(), at))
	c.Revive() // what a delete had seen of it is marked
	return c
}

// registers appends the fields of row, each as one value that was written at one time. Where
// a field is zero, and own has nothing of it, there is nothing to say.
func (w *recordRow) registers(kids []cell.Cell, row reflect.Value, own []cell.Cell, at lww.Stamp) []cell.Cell {
	add := func(p *recordPart, f *field, typ cell.TypeCode) {
		v := f.in(row)
		if v.IsZero() && !slices.ContainsFunc(own, func(k cell.Cell) bool { return k.Key == p.key || k.Key == f.name }) {
			return
		}
		if content, err := f.store(v, ""); err == nil {
			kids = append(kids, cell.Cell{Key: f.name, Kind: cell.Register, Type: typ, Stamp: at, Value: content})
		}
	}
	for _, p := range w.parts {
		switch {
		case p.whole != nil:
			add(p, p.whole, cell.Content)
		case p.group == nil && p.f.class == classLeaf:
			add(p, p.f, p.f.code)
		}
		for _, f := range p.group {
			add(p, f, f.code)
		}
	}
	slices.SortFunc(kids, func(a, b cell.Cell) int { return a.Order(&b) })
	return kids
}

// findGroup is find for a group, in which each member is the newer of that in the tuple and of
// what was written to it alone. Where there is such a member, the cell has all as kids.
func (p *recordPart) findGroup(kids []cell.Cell) *cell.Cell {
	own := cell.FindCell(kids, p.key, p.kind, p.typ)
	var alone []cell.Cell
	for _, f := range p.group {
		if k, ok := f.alone(kids); ok && (own == nil || k.Stamp.After(own.Stamp)) {
			alone = append(alone, k)
		}
	}
	if alone == nil {
		return own
	}
	c := cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ, Kids: alone}
	if own != nil { // any two of one member are under two stamps
		c.Kids = cell.JoinKids(members(own), alone)
	}
	for i := range c.Kids {
		c.Value += c.Kids[i].Value
		if c.Kids[i].Stamp.After(c.Stamp) {
			c.Stamp = c.Kids[i].Stamp
		}
	}
	return &c
}

// ungrouped returns, as fields of their own, the members of the groups among kids that w does not
// know: another version of the program has them together.
func (w *recordRow) ungrouped(kids []cell.Cell) (out []cell.Cell) {
	for i := range kids {
		k := &kids[i]
		if k.Kind != cell.Register || k.Type != 0 || w == nil || w.part(k) != nil {
			continue
		}
		cell.EachMember(k.Value, func(name, content string) {
			out = append(out, cell.Cell{Key: name, Kind: k.Kind, Type: cell.TypeCode(content[0]), Stamp: k.Stamp, Value: content[1:]})
		})
	}
	return out
}

// withMembers returns what p reads where own, which may be nil, is its cell, and loose are members of
// groups, by the rule of p.
func (p *recordPart) withMembers(own *cell.Cell, loose []cell.Cell) *cell.Cell {
	for i := range loose {
		if loose[i].Key != p.key {
			continue
		}
		switch c := p.as(&loose[i]); {
		case c == nil:
		case own == nil:
			own = c
		default:
			joined, _ := cell.Join(own, c, p)
			own = &joined
		}
	}
	return own
}

// alone returns what f shows as a field of its own, as a member of a group.
func (f *field) alone(kids []cell.Cell) (best cell.Cell, ok bool) {
	i := sort.Search(len(kids), func(i int) bool { return kids[i].Key >= f.name })
	for ; i < len(kids) && kids[i].Key == f.name; i++ {
		k := kids[i]
		if content, can := f.converted(&k); can && k.Kind.IsRegister() && (!ok || k.Version(&best) > 0) {
			best, ok = member(f.name, k.Stamp, string([]byte{byte(f.code)})+content), true
		}
	}
	return best, ok
}

// members returns the members of a group one by one.
func members(group *cell.Cell) (out []cell.Cell) {
	cell.EachMember(group.Value, func(name, content string) { out = append(out, member(name, group.Stamp, content)) })
	return out
}

// member returns a group of one member.
func member(name string, at lww.Stamp, content string) cell.Cell {
	return cell.Cell{Key: name, Kind: cell.Register, Stamp: at, Value: string(wire.AppendBytes(wire.AppendBytes(nil, name), content))}
}

// member returns what c, a group that may be nil, has of f. If no group at hand is of members that were
// written one by one, c will do.
func (f *field) member(c *cell.Cell, oneByOne bool) *cell.Cell {
	if c == nil || !oneByOne {
		return c
	}
	kids := c.Kids
	if len(kids) == 0 {
		kids = members(c)
	}
	return cell.FindCell(kids, f.name, cell.Register, 0)
}

// compileWhole notes how p is read where it is one value. A type that cannot be one is not.
func (p *recordPart) compileWhole() {
	if leaf, err := value.LeafOf(p.f.typ); err == nil {
		f := field{name: p.f.name, index: p.f.index, typ: p.f.typ, class: classLeaf, code: cell.Content, leaf: leaf}
		p.whole = &f
	}
}

// needed adds to set, which may be nil, what was deleted of a field later than the whole of
// it was assigned: without it, what is in the whole would be back. Where the program cannot
// read that, it keeps all. A nil w is a row of which it knows nothing.
func (w *recordRow) needed(set map[*cell.Cell]bool, kids []cell.Cell) map[*cell.Cell]bool {
	for i := range kids {
		k := &kids[i]
		var p *recordPart
		if w != nil {
			p = w.part(k)
		}
		wholes := cell.Wholes(kids, i)
		for j := range wholes {
			var has *cell.Cell
			if p != nil && p.assigns(&wholes[j]) {
				has = p.over(nil, &wholes[j])
			}
			for n := range k.Kids {
				if has == nil || has.Like(&k.Kids[n]) != nil {
					set = k.Kids[n].AddTombstones(set, wholes[j].Stamp)
				}
			}
		}
		if k.Kind == cell.Row {
			set = p.rows().needed(set, k.Kids)
		}
		for n := range k.Kids {
			if k.Kind == cell.Rows {
				set = p.rows().needed(set, k.Kids[n].Kids)
			}
		}
	}
	return set
}
