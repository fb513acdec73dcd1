package crdt

import "github.com/rejoin-go/rejoin/internal/value"

// A packedMap is the entries of an encoded map, to be joined into another one
// after the other: they stand next in d.
type packedMap[V any] struct {
	d     *decoder
	keys  int
	value V // of one key after the other
}

// A guest is an entry of the other side of a join.
type guest[K comparable, V any] struct {
	key   K
	raw   []byte // of a packed entry: the bytes of the key, which is not set
	value V
}

// name returns the key of g.
func (g *guest[K, V]) name() K {
	if g.raw != nil {
		g.key, _ = value.DecodeKey[K](g.raw) // it was validated
		g.raw = nil
	}
	return g.key
}

// guests calls yield with the entries of m, which may be nil. Each is good until
// the next. A packed map yields them once.
func (m *ORMap[K, V]) guests(yield func(g *guest[K, V])) {
	if m == nil {
		return
	}
	if p := m.packed; p != nil {
		g := guest[K, V]{value: p.value}
		for range p.keys {
			g.raw = p.d.Bytes()
			g.value.scan(p.d)
			yield(&g)
		}
		return
	}
	var g guest[K, V]
	for g.key, g.value = range m.entries {
		yield(&g)
	}
}

// find returns the value at the key of g.
func (m *ORMap[K, V]) find(g *guest[K, V]) (V, bool) {
	if byString, ok := any(m.entries).(map[string]V); ok && g.raw != nil {
		v, ok := byString[string(g.raw)] // allocates no string
		return v, ok
	}
	v, ok := m.entries[g.name()]
	return v, ok
}

// isGuest reports whether m, the other side of a join that has been through the
// guests of m, brought key, whose value here is now v.
func (m *ORMap[K, V]) isGuest(key K, v V) bool {
	if m == nil {
		return false
	}
	if m.packed == nil {
		_, ok := m.entries[key]
		return ok
	}
	met := v.joined()
	defer func() { *met = false }()
	return *met
}

func (m *ORMap[K, V]) join(o *ORMap[K, V], j *merging) bool {
	changed := false
	rest := len(m.entries) // keys that only m has
	packed := o != nil && o.packed != nil
	if packed {
		m.where = nil // of a large state: all keys are asked
	}
	o.guests(func(g *guest[K, V]) {
		v, ok := m.find(g)
		if ok {
			rest--
		} else {
			v = v.fresh(m.root, m.scopeAt(g.name()))
		}
		*v.joined() = packed
		if j.few {
			j.look(v)
		}
		if m.isIndexed() {
			m.noteAll(g, j)
		}
		if v.join(g.value, j) {
			changed = true
			m.settle(g.name(), v)
		}
	})
	if !packed && (rest == 0 || j.foundAll()) {
		return changed // no other key has anything that the peer removed
	}
	if j.few && !packed {
		if where := m.indexed(); where != nil {
			return m.joinRemoved(o, j, where) || changed
		}
	}
	for key, v := range m.entries {
		if o.isGuest(key, v) || j.few && !j.look(v) {
			continue
		}
		var none V
		if v.join(none, j) {
			changed = true
			m.settle(key, v)
		}
		if j.foundAll() {
			break
		}
	}
	return changed
}

// nests reports that a map's values hold dots of their own: it counts them as they
// are joined.
func (*ORMap[K, V]) nests() bool { return true }

func (*ORMap[K, V]) tallied() bool {
	var none V
	return countsIn(none)
}
