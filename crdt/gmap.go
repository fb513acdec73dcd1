package crdt

import (
	"fmt"
	"iter"
	"reflect"

	"github.com/rejoin-go/rejoin/internal/nocopy"
)

// A GMap is a map whose keys never leave and whose values merge: what any
// replica has done to the value of a key counts. There are no conflicts but
// those that V settles, and hence no replica names. To remove keys see [ORMap].
//
// V is any [State], of this package or your own: a pointer type whose zero
// value pointed to is the empty state, or a map type; Update panics for others.
// Each value is a state of its own, with its own causal history if it has one:
//
//	var visits crdt.GMap[string, *crdt.GCounter]
//	delta := visits.Update("home", func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", 1) })
//
// The zero GMap is empty and ready to use. Several goroutines may read it if
// reading a V never writes. Update and At take O(1) beside the work on the
// value, Merge O(n) and a merge of values for n keys of its argument. See
// Almeida et al., 2018, section 6.
type GMap[K comparable, V State[V]] struct {
	_ nocopy.NoCopy
	gMapState[K, V]
}

// A gMapState is what a GMap holds, so that one in a struct has its JSON there.
type gMapState[K comparable, V State[V]] struct {
	in     table[K]
	values []V // parallel to in.keys
}

// Update calls f to change the value of k, an empty one if there is none, and
// returns the delta. F returns that of the value, or nil if V has none: then
// the delta has the whole value. F must not be nil, nor use the map.
func (m *GMap[K, V]) Update(k K, f func(v V) V) *GMap[K, V] {
	if f == nil {
		panic("crdt: GMap.Update with a nil function")
	}
	k = normalized(k)
	i := m.in.find(k)
	var v V
	if i < 0 {
		v = emptyValue[V]()
	} else {
		v = m.values[i]
	}
	d := f(v)
	if i < 0 {
		m.put(k, v)
	}
	if reflect.ValueOf(d).IsNil() {
		d = v
	}
	return lone(k, d.Clone())
}

// MergeAt joins v into the value of k and returns the delta. A nil v panics.
func (m *GMap[K, V]) MergeAt(k K, v V) *GMap[K, V] {
	k = normalized(k)
	checkValue(reflect.TypeFor[V]())
	if reflect.ValueOf(v).IsNil() {
		panic("crdt: GMap.MergeAt of a nil value")
	}
	m.joinAt(m.in.find(k), k, v)
	return lone(k, v.Clone())
}

// lone returns a map of one key.
func lone[K comparable, V State[V]](k K, v V) *GMap[K, V] {
	m := new(GMap[K, V])
	m.put(k, v)
	return m
}

// orEmpty returns m, or an empty map for a nil one: reads of the one are reads of the other.
func (m *GMap[K, V]) orEmpty() *GMap[K, V] {
	if m == nil {
		return new(GMap[K, V])
	}
	return m
}

// put adds a key that is absent.
func (m *GMap[K, V]) put(k K, v V) {
	m.in.add(k)
	m.values = append(m.values, v)
}

// joinAt joins v into the value of k, whose number is i or, if it is absent, -1,
// and reports whether m changed.
func (m *GMap[K, V]) joinAt(i int, k K, v V) bool {
	if i < 0 {
		m.put(k, v.Clone())
		return true
	}
	return m.values[i].Merge(v)
}

// At returns the value of k, if there is one. It is the map's own, to be read.
func (m *GMap[K, V]) At(k K) (V, bool) {
	m = m.orEmpty()
	if i := m.in.find(k); i >= 0 {
		return m.values[i], true
	}
	var none V
	return none, false
}

// Len returns the number of keys.
func (m *GMap[K, V]) Len() int { return len(m.orEmpty().in.keys) }

// All returns an iterator over the keys and values in unspecified order.
func (m *GMap[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		m := m.orEmpty()
		for i, k := range m.in.keys {
			if !yield(k, m.values[i]) {
				return
			}
		}
	}
}

// Merge joins o into m and reports whether that changed m.
func (m *GMap[K, V]) Merge(o *GMap[K, V]) bool {
	o = o.orEmpty()
	changed, next := false, 0
	for j, k := range o.in.keys {
		i := m.in.findFrom(next, k)
		next = i + 1
		if i < 0 {
			next = len(m.values) + 1
		}
		changed = m.joinAt(i, k, o.values[j]) || changed
	}
	return changed
}

// Clone returns a copy that shares no memory with m.
func (m *GMap[K, V]) Clone() *GMap[K, V] {
	m = m.orEmpty()
	c := &GMap[K, V]{gMapState: gMapState[K, V]{in: m.in.clone()}}
	for _, v := range m.values {
		c.values = append(c.values, v.Clone())
	}
	return c
}

// Equal reports whether m and o are the same state.
func (m *GMap[K, V]) Equal(o *GMap[K, V]) bool {
	m, o = m.orEmpty(), o.orEmpty()
	if m.Len() != o.Len() {
		return false
	}
	next := 0
	for j, k := range o.in.keys {
		i := m.in.findFrom(next, k)
		if i < 0 || !m.values[i].Equal(o.values[j]) {
			return false
		}
		next = i + 1
	}
	return true
}

// emptyValue returns a new empty state. It panics if there is no way to make one.
func emptyValue[V any]() V {
	t := reflect.TypeFor[V]()
	checkValue(t)
	v := reflect.New(t).Elem()
	if t.Kind() == reflect.Map {
		v.Set(reflect.MakeMap(t))
	} else {
		v.Set(reflect.New(t.Elem()))
	}
	return v.Interface().(V)
}

// checkValue panics if values of type t could not merge in place.
func checkValue(t reflect.Type) {
	if k := t.Kind(); k != reflect.Pointer && k != reflect.Map {
		panic(fmt.Sprintf("crdt: value type %s of a GMap is neither a pointer nor a map: its Merge could not change it", t))
	}
}
