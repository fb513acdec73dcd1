package merge

import (
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
)

func (p *recordPart) fillSet(dst reflect.Value, c *cell) {
	n := 0
	for i := range c.kids {
		k := &c.kids[i]
		if p.kind == cellSet && !k.live {
			continue
		}
		if n == 0 {
			dst.Grow(len(c.kids) - i)
			dst.SetLen(len(c.kids) - i)
		}
		if p.f.key.Load(dst.Index(n), k.key) {
			n++
		}
	}
	if dst.SetLen(n); n == 0 {
		dst.SetZero()
	}
}

func (p *recordPart) fillTable(dst reflect.Value, c *cell) {
	if m, ok := reflect.TypeAssert[*map[string]string](dst.Addr()); ok {
		fillTexts(m, c)
		return
	}
	key, v := reflect.New(p.f.key.Go).Elem(), reflect.New(p.value.Go).Elem()
	for i := range c.kids {
		k := &c.kids[i]
		if !k.live {
			continue
		}
		key.SetZero()
		v.SetZero()
		if p.f.key.Load(key, k.key) && p.value.Load(v, k.value) {
			setEntry(dst, key, v, len(c.kids))
		}
	}
}

func fillTexts(m *map[string]string, c *cell) {
	for i := range c.kids {
		k := &c.kids[i]
		if k.live && *m == nil {
			*m = make(map[string]string, len(c.kids)-i)
		}
		if k.live {
			(*m)[k.key] = k.value
		}
	}
}

func (p *recordPart) fillMap(dst reflect.Value, c *cell) {
	for i := range c.kids {
		k := &c.kids[i]
		if !k.live {
			continue
		}
		key, v := reflect.New(p.f.key.Go).Elem(), reflect.New(p.elem.row.typ).Elem()
		if p.f.key.Load(key, k.key) {
			p.elem.fill(v, k.kids)
			setEntry(dst, key, v, len(c.kids))
		}
	}
}

func setEntry(m, key, v reflect.Value, size int) {
	if m.IsNil() {
		m.Set(reflect.MakeMapWithSize(m.Type(), size))
	}
	m.SetMapIndex(key, v)
}

// fillList sets dst to the elements that are present, in the order in which
// they were added.
func (p *recordPart) fillList(dst reflect.Value, c *cell) {
	var buf [16]placed
	live := inOrder(c, buf[:0])
	if len(live) == 0 {
		return
	}
	dst.Grow(len(live))
	dst.SetLen(len(live))
	n := 0
	for _, k := range live {
		v := p.f.slot(dst, n)
		if !p.f.key.Load(walk(v, p.f.at), k.row.key) {
			continue
		}
		p.elem.fill(v, k.row.kids)
		n++
	}
	for i := n; i < len(live); i++ {
		dst.Index(i).SetZero()
	}
	if dst.SetLen(n); n == 0 {
		dst.SetZero()
	}
}

// inOrder appends the elements that are present, in the order in which they
// were added.
func inOrder(c *cell, live []placed) []placed {
	for i := range c.kids {
		if k := &c.kids[i]; k.live {
			live = append(live, placed{k, k.kid(positionKey, cellFirst)})
		}
	}
	slices.SortStableFunc(live, placed.compare)
	return live
}

// A placed is an element of a list, and where it stands: under which stamp it
// was added, and where in the list of that write. At may be nil.
type placed struct{ row, at *cell }

func (a placed) compare(b placed) int {
	switch {
	case a.at == nil || b.at == nil:
		return value.CompareBool(a.at != nil, b.at != nil)
	case a.at.stamp != b.at.stamp:
		return a.at.stamp.Compare(b.at.stamp)
	default:
		return strings.Compare(a.at.value, b.at.value)
	}
}
