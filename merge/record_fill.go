package merge

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

func (p *recordPart) fillSet(dst reflect.Value, c *cell.Cell) {
	n := 0
	for i := range c.Kids {
		k := &c.Kids[i]
		if p.kind == cell.Set && !k.Live {
			continue
		}
		if n == 0 {
			dst.Grow(len(c.Kids) - i)
			dst.SetLen(len(c.Kids) - i)
		}
		if p.f.key.Load(dst.Index(n), k.Key) {
			n++
		}
	}
	if dst.SetLen(n); n == 0 {
		dst.SetZero()
	}
}

func (p *recordPart) fillTable(dst reflect.Value, c *cell.Cell) {
	if m, ok := reflect.TypeAssert[*map[string]string](dst.Addr()); ok {
		fillTexts(m, c)
		return
	}
	key, v := reflect.New(p.f.key.Go).Elem(), p.entry.blank()
	for i := range c.Kids {
		k := &c.Kids[i]
		if !k.Live {
			continue
		}
		key.SetZero()
		v.SetZero()
		if p.f.key.Load(key, k.Key) && p.entry.load(v, k.Value) == nil {
			setEntry(dst, key, v, len(c.Kids))
		}
	}
}

func fillTexts(m *map[string]string, c *cell.Cell) {
	for i := range c.Kids {
		k := &c.Kids[i]
		if k.Live && *m == nil {
			*m = make(map[string]string, len(c.Kids)-i)
		}
		if k.Live {
			(*m)[k.Key] = k.Value
		}
	}
}

func (p *recordPart) fillMap(dst reflect.Value, c *cell.Cell) {
	for i := range c.Kids {
		k := &c.Kids[i]
		if !k.Live {
			continue
		}
		key, v := reflect.New(p.f.key.Go).Elem(), reflect.New(p.elem.row.typ).Elem()
		if p.f.key.Load(key, k.Key) {
			p.elem.fill(v, k.Kids)
			setEntry(dst, key, v, len(c.Kids))
		}
	}
}

func setEntry(m, key, v reflect.Value, size int) {
	if m.IsNil() {
		m.Set(reflect.MakeMapWithSize(m.Type(), size))
	}
	m.SetMapIndex(key, v)
}

// fillList sets dst to the elements that are present, in their order.
func (p *recordPart) fillList(dst reflect.Value, c *cell.Cell) {
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
		if !p.f.loadKey(v, k.row.Key) {
			continue
		}
		p.elem.fill(v, k.row.Kids)
		n++
	}
	for i := n; i < len(live); i++ {
		dst.Index(i).SetZero()
	}
	if dst.SetLen(n); n == 0 {
		dst.SetZero()
	}
}

// inOrder appends the elements that are present, in their order.
func inOrder(c *cell.Cell, live []placed) []placed {
	for i := range c.Kids {
		if k := &c.Kids[i]; k.Live {
			live = append(live, placed{k, k.Kid(cell.PositionKey, cell.Placed)})
		}
	}
	slices.SortFunc(live, placed.compare)
	return live
}

// A placed is an element of a list, and the cell that says where it stands,
// which may be nil.
type placed struct{ row, at *cell.Cell }

func (a placed) compare(b placed) int {
	return cmp.Or(cell.ComparePlaces(a.at, b.at), strings.Compare(a.row.Key, b.row.Key))
}
