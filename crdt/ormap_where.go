package crdt

import "slices"

// A dotIndex says of the dots of a map at which keys they are. What a delta removes is looked
// up in it, where the keys of the delta do not hold it. A map has one from the second
// such delta on: one that is decoded for a single change does better without.
//
// It has every dot of the map, and some that are gone.
type dotIndex[K comparable] struct {
	keys  map[dot]K // nil until the second delta
	most  int       // of keys, when most of them are gone
	asked int       // how often every key was asked
}

// note enters a dot that may be at key from now on.
func (m *ORMap[K, V]) note(d dot, key K) {
	x := m.where
	if x.keys[d] = key; len(x.keys) > x.most {
		x.keys = nil
	}
}

// isIndexed reports whether dots that come have to be noted.
func (m *ORMap[K, V]) isIndexed() bool { return m.where != nil && m.where.keys != nil }

// noteAll notes the dots of a value of the other side of a join, which is joined at key.
func (m *ORMap[K, V]) noteAll(g *guest[K, V], j *merging) {
	key := g.name()
	g.value.dots(func(d dot) {
		if m.isIndexed() {
			m.note(j.ourDot(d), key)
		}
	})
}

// noteMinted notes the dots that the writer of r has made since before, which is what lastMinted
// returned, for a change at key.
func (m *ORMap[K, V]) noteMinted(r *root, before uint64, key K) {
	last := r.lastMinted()
	for seq := max(before+1, r.writer.life<<lifeBits); seq <= last && m.isIndexed(); seq++ {
		m.note(dotOf(r.writer.replica, seq), key)
	}
}

// lastMinted returns the number of the latest dot of the writer, at least.
func (r *root) lastMinted() uint64 {
	return r.seen[r.writer.replica].upTo(lifeEnd(r.writer.life))
}

// indexed returns what says where dots are, or nil if every key is to be asked.
func (m *ORMap[K, V]) indexed() map[dot]K {
	if m.isIndexed() {
		return m.where.keys
	}
	if m.where == nil {
		m.where = new(dotIndex[K])
	}
	m.where.asked++
	if m.where.asked == 1 {
		return nil
	}
	keys := make(map[dot]K, len(m.entries))
	var key K
	note := func(d dot) { keys[d] = key } // one closure for all
	for k, v := range m.entries {
		key = k
		v.dots(note)
	}
	m.where.keys, m.where.most = keys, 2*len(keys)+fewEntries
	return keys
}

// joinRemoved joins an empty value into those that are not among the keys of o and hold what the
// peer, which has not seen much, may have removed. It reports whether that changed m.
func (m *ORMap[K, V]) joinRemoved(o *ORMap[K, V], j *merging, where map[dot]K) bool {
	changed := false
	var done []K
	for _, d := range j.both {
		key, ok := where[d]
		if !ok || slices.Contains(done, key) {
			continue
		}
		done = append(done, key)
		v, ok := m.entries[key]
		if !ok || o.isGuest(key, v) || !j.look(v) {
			continue
		}
		var none V
		if v.join(none, j) {
			changed = true
			m.settle(key, v)
		}
	}
	return changed
}
