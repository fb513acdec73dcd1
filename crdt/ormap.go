package crdt

import (
	"fmt"
	"iter"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock"
)

// An ORMap maps keys to replicated values that merge. Where one replica updates
// a key and another concurrently deletes it, the key stays, with the updates
// that the deleter had not seen and no others: a delete undoes exactly what the
// deleter saw, at any depth, of counters too. A key is in the map while its
// value shows anything: a set with an element, a register with a value, a
// counter incremented and not reset, a map with a key. It leaves when its value
// is emptied, and an Update that adds nothing adds no key.
//
// V is a pointer to a causal type: see [Value]. The zero ORMap is empty and
// ready to use. At and Update take O(1) beside the work on the value, Merge
// O(k) for a delta of k keys, else O(n). See Almeida et al., 2018, section 7.
type ORMap[K comparable, V Value[V]] struct {
	_ nocopy.NoCopy
	orMapState[K, V]
}

// An orMapState is what an ORMap holds, so that one in a struct has its JSON there.
type orMapState[K comparable, V Value[V]] struct {
	node
	entries map[K]V       // none is empty; some may show nothing
	packed  *packedMap[V] // instead of entries, in a map that is only joined into another
	free    []V           // values to use again
	where   *dotIndex[K]  // nil until a merge asks for it
}

// Update calls f with the value at key, an empty one if there is none, and
// returns the delta of what f does to it; deltas that f gets are parts of it. F
// must change the value for r, as mutators panic for others, and not change the
// map, nor keep the value, nor be nil. What f did before it panics stays.
func (m *ORMap[K, V]) Update(r vclock.Replica, key K, f func(v V)) *ORMap[K, V] {
	if f == nil {
		panic("crdt: ORMap.Update with a nil function")
	}
	own, _ := m.write(r)
	key, err := value.Normalize(key)
	if err != nil {
		panic(fmt.Sprintf("crdt: %v", err))
	}
	d, ok := m.rec.(*ORMap[K, V])
	if !ok {
		d = m.delta()
	}
	v := m.value(key, own)
	dv, ok := d.entries[key]
	if !ok {
		dv = dv.fresh(d.root, v.scopeOf())
	}
	v.open(dv)
	own.path, own.owner = append(own.path, v.scopeOf()), r
	defer func(mode mode, last uint64) {
		if own.path = own.path[:len(own.path)-1]; len(own.path) == 0 {
			own.owner = ""
		}
		v.seal()
		m.mode = mode
		m.settle(key, v)
		d.settle(key, dv)
		m.noteMinted(own, last, key)
	}(m.mode, own.lastMinted())
	m.mode = busy
	f(v)
	return d
}

// Delete removes key, as far as m has seen it updated, and returns the delta.
func (m *ORMap[K, V]) Delete(r vclock.Replica, key K) *ORMap[K, V] {
	return m.remove(r, &clearing{all: true}, func(yield func(K)) { yield(key) })
}

// DeleteSeen is [ORMap.Delete] for a client: updates not covered stay,
// increments as in [PNCounter.ResetSeen]. Seen is the Context of m or of key.
func (m *ORMap[K, V]) DeleteSeen(r vclock.Replica, seen Context, key K) (*ORMap[K, V], error) {
	m.change()
	if err := m.admits(&seen); err != nil {
		if n, bad := value.Normalize(key); bad != nil || seen.past.object != 0 || !seen.past.has([]uint32{m.scopeAt(n)}) {
			return m.delta(), err
		}
	}
	return m.remove(r, &clearing{seen: seen}, func(yield func(K)) { yield(key) }), nil
}

// Clear removes all keys and returns the delta.
func (m *ORMap[K, V]) Clear(r vclock.Replica) *ORMap[K, V] {
	return m.remove(r, &clearing{all: true}, m.keys)
}

// ClearSeen is [ORMap.Clear] for a client; a Context of keys clears these.
func (m *ORMap[K, V]) ClearSeen(r vclock.Replica, seen Context) (*ORMap[K, V], error) {
	m.change()
	keys := m.keys
	if err := m.admits(&seen); err != nil {
		keys = m.keysOf(seen.past)
		if keys == nil {
			return m.delta(), err
		}
	}
	return m.remove(r, &clearing{seen: seen}, keys), nil
}

// keysOf returns the keys that p is the Context of, or nil if m has none of them.
func (m *ORMap[K, V]) keysOf(p *past) func(yield func(K)) {
	found := false
	keys := func(yield func(K)) {
		m.keys(func(key K) {
			if p.object == 0 && p.has([]uint32{m.entries[key].scopeOf()}) {
				found = true
				yield(key)
			}
		})
	}
	keys(func(K) {})
	if !found {
		return nil
	}
	return keys
}

// At returns the value at key, if any, for reading until the map changes.
func (m *ORMap[K, V]) At(key K) (V, bool) {
	if m != nil {
		if v, ok := m.entries[key]; ok && v.live() {
			return v, true
		}
	}
	var none V
	return none, false
}

// Contains reports whether key is in m.
func (m *ORMap[K, V]) Contains(key K) bool {
	_, ok := m.At(key)
	return ok
}

// Len returns the number of keys. It takes O(n) for n keys.
func (m *ORMap[K, V]) Len() int {
	n := 0
	for range m.All() {
		n++
	}
	return n
}

// All returns an iterator over keys and values, to read, in unspecified order.
func (m *ORMap[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if m == nil {
			return
		}
		for key, v := range m.entries {
			if v.live() && !yield(key, v) {
				return
			}
		}
	}
}

// Context returns what m has seen, in O(n), with about 4 bytes for a counter.
func (m *ORMap[K, V]) Context() Context { return contextOf(&m.whole().node, m.whole()) }

// ContextOf returns the Context of some keys: it covers what m holds at them.
func (m *ORMap[K, V]) ContextOf(keys ...K) Context {
	m = m.whole()
	b := newContext(m.root)
	for _, key := range keys {
		key, err := value.Normalize(key)
		if err != nil {
			continue // no key of a map
		}
		b.scope(m.scopeAt(key))
		if v, ok := m.entries[key]; ok {
			b.add(v)
		}
	}
	return b.context()
}

// HasSeen reports whether m has seen all that seen covers: see [Context].
func (m *ORMap[K, V]) HasSeen(seen Context) bool { return m.whole().root.hasSeen(seen) }

// LastOf returns the largest number of a dot of r that m has seen, or 0.
func (m *ORMap[K, V]) LastOf(r vclock.Replica) uint64 { return m.whole().root.lastOf(r) }

// Usable returns nil if r can change m, and else a [*vclock.MemberError].
func (m *ORMap[K, V]) Usable(r vclock.Replica) error { return m.whole().root.usable(r) }

// Speaks reports whether o has seen sealed events that m has not seen.
func (m *ORMap[K, V]) Speaks(o *ORMap[K, V], sealed vclock.Closing) bool {
	return speaks(m.whole().root, o.whole().root, sealed)
}

// Merge joins o into m and reports whether that changed m. It takes O(n) for n
// keys on both sides, but O(k) for a delta of k keys and up to 64 events. One
// that removes what is not in its keys, as that of Delete, or comes again takes
// O(n) the first two times; then m notes where events are, in 50 bytes each,
// and it takes O(k), too.
func (m *ORMap[K, V]) Merge(o *ORMap[K, V]) bool {
	if o == nil || m == o {
		return false
	}
	r := m.receive(&o.node)
	if o.root == nil {
		return false
	}
	j := r.merging(o.root)
	j.findBoth()
	changed := m.join(o, j)
	return j.finish() || changed
}

// Equal reports whether m and o are the same state.
func (m *ORMap[K, V]) Equal(o *ORMap[K, V]) bool {
	m, o = m.state(), o.state()
	j, ok := m.root.pair(o.root)
	return ok && m.equal(o, j)
}

func (m *ORMap[K, V]) equal(o *ORMap[K, V], j *merging) bool {
	if len(m.entries) != len(o.entries) {
		return false
	}
	for key, v := range m.entries {
		ov, ok := o.entries[key]
		if !ok || !v.equal(ov, j) {
			return false
		}
	}
	return true
}

// Clone returns a copy that shares no memory with m.
func (m *ORMap[K, V]) Clone() *ORMap[K, V] {
	c := new(ORMap[K, V])
	switch {
	case m == nil, m.root == nil:
		return c
	case m.inMap():
		c.root = m.root.bare()
		reach(m, func(d dot) { c.root.see(d) })
	default:
		c.root = m.root.clone()
	}
	c.copyEntries(m)
	return c
}

// whole returns m, or an empty map for nil.
func (m *ORMap[K, V]) whole() *ORMap[K, V] {
	if m == nil {
		return new(ORMap[K, V])
	}
	return m
}

// delta returns an empty state to record a change in.
func (*ORMap[K, V]) delta() *ORMap[K, V] {
	d := new(struct { // one allocation in place of four
		state ORMap[K, V]
		root  root
		names [1]vclock.Replica
		seen  [1]runs
	})
	d.root.names, d.root.seen = d.names[:0], d.seen[:0]
	d.state.root = &d.root
	return &d.state
}

// value returns the value at key, one that belongs to r and is not entered yet
// if there is none.
func (m *ORMap[K, V]) value(key K, r *root) V {
	v, ok := m.entries[key]
	if !ok {
		v = v.fresh(r, m.scopeAt(key))
	}
	return v
}

// settle enters v at key, or forgets key if v is empty.
func (m *ORMap[K, V]) settle(key K, v V) {
	switch {
	case v.isEmpty():
		delete(m.entries, key)
	case m.entries == nil:
		m.entries = map[K]V{key: v}
	default:
		m.entries[key] = v
	}
}

// keys calls yield with the keys, in the order in which a removal mints its dots
// where it has to.
func (m *ORMap[K, V]) keys(yield func(K)) {
	if kinds := m.kinds(nil); kinds[len(kinds)-1] == kindPNCounter {
		for _, it := range m.sorted(nil, new([]byte)) {
			yield(it.key)
		}
		return
	}
	for key := range m.entries {
		yield(key)
	}
}

// remove removes what c covers of some keys.
func (m *ORMap[K, V]) remove(r vclock.Replica, c *clearing, keys func(yield func(K))) *ORMap[K, V] {
	d := m.delta()
	c.root, c.replica = m.write(r)
	if c.delta = d.root; c.root.isOver(r) {
		return d
	}
	keys(func(key K) { m.clearKey(c, key, d) })
	if m.mode == opened {
		rec := m.rec.(*ORMap[K, V])
		j := rec.root.merging(d.root)
		rec.join(d, j)
		j.finish()
	}
	return d
}

func (m *ORMap[K, V]) clearKey(c *clearing, key K, rec *ORMap[K, V]) {
	v, ok := m.entries[key]
	if !ok {
		return
	}
	dv, ok := rec.entries[key]
	if !ok {
		dv = dv.fresh(c.delta, v.scopeOf())
	}
	last := c.root.lastMinted()
	v.clear(c, dv)
	m.settle(key, v)
	rec.settle(key, dv)
	m.noteMinted(c.root, last, key)
}

func (*ORMap[K, V]) fresh(r *root, scope uint32) *ORMap[K, V] {
	return &ORMap[K, V]{orMapState: orMapState[K, V]{node: node{root: r, mode: sealed, scope: scope}}}
}

func (m *ORMap[K, V]) recycle(r *root, scope uint32) {
	for _, v := range m.entries {
		m.free = append(m.free, v)
	}
	clear(m.entries)
	m.orMapState = orMapState[K, V]{node: node{root: r, mode: sealed, scope: scope}, entries: m.entries, free: m.free}
}

func (m *ORMap[K, V]) swap(o *ORMap[K, V]) {
	m.orMapState, o.orMapState = o.orMapState, m.orMapState
}

// again returns an empty value to be read from d and entered at key, in the memory of one that
// was in m before, if there is one.
func (m *ORMap[K, V]) again(d *decoder, key K) (v V) {
	n := len(m.free)
	if n == 0 {
		if _, counts := any(v).(*PNCounter); !counts {
			return v.fresh(d.root, m.scopeAt(key))
		}
		v = any(&d.counters.take(1)[:1][0]).(V)
		v.recycle(d.root, m.scopeAt(key))
		return v
	}
	v, m.free = m.free[n-1], m.free[:n-1]
	v.recycle(d.root, m.scopeAt(key))
	return v
}

func (m *ORMap[K, V]) clear(c *clearing, rec *ORMap[K, V]) {
	m.keys(func(key K) { m.clearKey(c, key, rec) })
}

func (m *ORMap[K, V]) live() bool {
	for _, v := range m.entries {
		if v.live() {
			return true
		}
	}
	return false
}

func (m *ORMap[K, V]) isEmpty() bool { return len(m.entries) == 0 }

func (m *ORMap[K, V]) dots(yield func(dot)) {
	for _, v := range m.entries {
		v.dots(yield)
	}
}

func (m *ORMap[K, V]) sums(yield func(*tally)) {
	for _, v := range m.entries {
		if v, ok := any(v).(interface{ sums(yield func(*tally)) }); ok {
			v.sums(yield)
		}
	}
}

func (m *ORMap[K, V]) undone(yield func(dot)) {
	for _, v := range m.entries {
		if v, ok := any(v).(interface{ undone(yield func(dot)) }); ok {
			v.undone(yield)
		}
	}
}

func (m *ORMap[K, V]) copy(r *root, scope uint32) *ORMap[K, V] {
	c := m.fresh(r, scope)
	c.copyEntries(m)
	return c
}

func (m *ORMap[K, V]) copyEntries(o *ORMap[K, V]) {
	if len(o.entries) > 0 {
		m.entries = make(map[K]V, len(o.entries))
	}
	for key, v := range o.entries {
		scope := v.scopeOf()
		if m.scope != o.scope {
			scope = m.scopeAt(key)
		}
		m.entries[key] = v.copy(m.root, scope)
	}
}
