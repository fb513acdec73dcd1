package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// An item is an element of a list, or an entry of a map, by its key's bytes.
type item struct {
	key   string
	at    int // position in the list
	value reflect.Value
}

// items returns the elements of v, or the entries of a map, in order of keys.
func (p *recordPart) items(v reflect.Value) ([]item, error) {
	if v.Len() == 0 {
		return nil, nil
	}
	out := make([]item, 0, v.Len())
	add := func(key, elem reflect.Value) error {
		if err := value.CheckKey(p.f.key, key); err != nil {
			return err
		}
		b, err := p.f.key.Append(nil, value.Normal(p.f.key, value.Addressable(key)))
		out = append(out, item{string(b), len(out), elem})
		return err
	}
	if v.Kind() == reflect.Map {
		for it := v.MapRange(); it.Next(); {
			if err := add(it.Key(), it.Value()); err != nil {
				return nil, err
			}
		}
	} else {
		for i := range v.Len() {
			key, content := v.Index(i), v.Index(i)
			if p.f.class == classKeyed {
				if p.f.byRef && content.IsNil() {
					return nil, fmt.Errorf("element %d is a nil pointer", i)
				}
				content = p.f.element(v, i)
				key = p.f.keyOf(content)
			}
			if err := add(key, content); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(out, func(a, b item) int { return strings.Compare(a.key, b.key) })
	return out, nil
}

// pairs calls visit with what read and next hold under each key, in order of
// keys; one of the two may be nil.
func (p *recordPart) pairs(read, next reflect.Value, visit func(key string, r, n *item) error) error {
	rs, err := p.items(read)
	if err != nil {
		return err
	}
	ns, err := p.items(next)
	if err != nil {
		return err
	}
	return p.pairItems(rs, ns, visit)
}

// pairItems is pairs of what [recordPart.items] returned.
func (p *recordPart) pairItems(rs, ns []item, visit func(key string, r, n *item) error) error {
	for len(rs) > 0 || len(ns) > 0 {
		var r, n *item
		if len(rs) > 0 && (len(ns) == 0 || rs[0].key <= ns[0].key) {
			r = &rs[0]
		}
		if len(ns) > 0 && (len(rs) == 0 || ns[0].key <= rs[0].key) {
			n = &ns[0]
		}
		key := ""
		if r != nil {
			key = r.key
		} else {
			key = n.key
		}
		if err := visit(key, r, n); err != nil {
			return within(p.keyText(key), err)
		}
		for len(rs) > 0 && rs[0].key == key {
			rs = rs[1:]
		}
		for len(ns) > 0 && ns[0].key == key {
			ns = ns[1:]
			if p.f.class == classKeyed && len(ns) > 0 && ns[0].key == key {
				return p.refuse("two elements have the key " + p.keyText(key))
			}
		}
	}
	return nil
}

// keyText returns a key or element as a name of a path.
func (p *recordPart) keyText(key string) string {
	v := reflect.New(p.f.key.Go).Elem()
	if !p.f.key.Load(v, key) {
		return value.QuoteKey(key)
	}
	return p.f.keyText(v)
}

// entries returns a field with the given kids, nil if there are none.
func (p *recordPart) entries(kids []cell.Cell) *cell.Cell {
	if len(kids) == 0 {
		return nil
	}
	return &cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ, Kids: kids}
}

// set returns the elements that were added and removed.
func (e *edit) set(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	kind := p.kind.Kid()
	var kids []cell.Cell
	err := p.pairs(read, next, func(key string, r, n *item) error {
		switch {
		case r != nil && n != nil:
			return nil
		case n == nil && p.kind == cell.Union:
			return p.refuse("elements are never removed")
		}
		s, err := e.stamp(max(e.horizon, at.now.Kid(key, kind).LatestOrZero()))
		kids = append(kids, cell.Cell{Key: key, Kind: kind, Stamp: s, Live: n != nil && p.kind == cell.Set})
		return err
	})
	return p.entries(kids), err
}

// same reports whether two rows do not differ in what is tracked: the order of a set, and
// how often it has an element, are not.
func (w *recordRow) same(a, b reflect.Value) bool {
	for _, p := range w.parts {
		switch {
		case p.same(a, b):
		case p.kind != cell.Set && p.kind != cell.Union:
			return false
		default:
			alike := true
			err := p.pairs(p.f.in(a), p.f.in(b), func(_ string, x, y *item) error {
				alike = alike && x != nil && y != nil
				return nil
			})
			if err != nil || !alike {
				return false
			}
		}
	}
	return true
}

// table returns the entries that were put and deleted.
func (e *edit) table(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	var kids []cell.Cell
	err := p.pairs(read, next, func(key string, r, n *item) error {
		if r != nil && n != nil && p.entry.alike(value.Addressable(r.value), value.Addressable(n.value)) {
			return nil
		}
		c, now := cell.Cell{Key: key, Kind: cell.Entry, Live: n != nil}, at.now.Kid(key, cell.Entry)
		var err error
		if n != nil {
			if c.Value, err = p.entry.store(n.value, e.replaced(now)); err != nil {
				return err
			}
		}
		c.Stamp, err = e.stamp(max(e.horizon, now.LatestOrZero()))
		kids = append(kids, c)
		return err
	})
	return p.entries(kids), err
}

// rowMap returns the rows of a map that changed.
func (e *edit) rowMap(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	var kids []cell.Cell
	err := p.pairs(read, next, func(key string, r, n *item) error {
		c, err := e.row(p, key, at.kid(key, cell.Row), r.row(), n.row())
		if c != nil {
			kids = append(kids, *c)
		}
		return err
	})
	return p.entries(kids), err
}

// row returns the value of an item as a row, invalid if there is none.
func (i *item) row() reflect.Value {
	if i == nil {
		return reflect.Value{}
	}
	return value.Addressable(i.value)
}
