package crdt

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// AppendBinary implements [encoding.BinaryAppender], in O(n log n) for n keys.
func (m *ORMap[K, V]) AppendBinary(b []byte) ([]byte, error) {
	m = m.state()
	return appendCausal(b, m.root, m), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (m *ORMap[K, V]) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }

// UnmarshalBinary is like [MVRegister.UnmarshalBinary], with (192 + 8s)·n
// bytes, at any depth. Values that were read before are not to be used
// afterwards.
func (m *ORMap[K, V]) UnmarshalBinary(data []byte) error {
	return unmarshal(&m.node, m, data)
}

// UnmarshalLenient is like [MVRegister.UnmarshalLenient].
func (m *ORMap[K, V]) UnmarshalLenient(data []byte) error {
	v, err := readLenient[*ORMap[K, V]](data)
	if err == nil || errors.Is(err, content.ErrUnreadable) {
		m.adopt(v)
	}
	return err
}

// MarshalJSON has a type as "ORMap/ORSet", and states of values in its state:
// [{"key": "cart", "value": …}]. It fails as [MVRegister.MarshalJSON].
func (m orMapState[K, V]) MarshalJSON() ([]byte, error) {
	return (&ORMap[K, V]{orMapState: m}).marshalJSON()
}

func (m *ORMap[K, V]) marshalJSON() ([]byte, error) {
	m = m.state()
	return causalJSON(m.root, m)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *ORMap[K, V]) UnmarshalJSON(p []byte) error {
	if isNull(p) {
		return nil
	}
	v, err := readCausalJSON[*ORMap[K, V]](p)
	if err == nil {
		m.adopt(v)
	}
	return err
}

// adopt makes m the state v, which nobody else has.
func (m *ORMap[K, V]) adopt(v *ORMap[K, V]) {
	m.replaceable()
	*m = ORMap[K, V]{orMapState: orMapState[K, V]{node: node{root: v.root}, entries: v.entries}}
}

// MergeLenient is Merge of what [ORMap.UnmarshalLenient] decodes.
func (m *ORMap[K, V]) MergeLenient(data []byte) (changed bool, err error) {
	var o ORMap[K, V]
	err = o.UnmarshalLenient(data)
	if err != nil && !errors.Is(err, content.ErrUnreadable) {
		return false, err
	}
	return m.Merge(&o), err
}

// Unreadable is like [MVRegister.Unreadable], with the first write of each key.
func (m *ORMap[K, V]) Unreadable() iter.Seq2[K, *content.ValueError] {
	return func(yield func(K, *content.ValueError) bool) {
		for key, v := range m.whole().entries {
			bad := firstUnreadable(v)
			if bad == nil {
				continue
			}
			d := decoder{bad: bad}
			d.locate(value.AppendKeyJSON(nil, key))
			if !yield(key, bad) {
				return
			}
		}
	}
}

// firstUnreadable returns the first value in v that its register cannot hold.
func firstUnreadable(v any) *content.ValueError {
	if u, ok := v.(interface{ unread() *content.ValueError }); ok {
		return u.unread()
	}
	return nil
}

func (m *ORMap[K, V]) unread() *content.ValueError {
	for _, bad := range m.Unreadable() {
		return bad
	}
	return nil
}

// Check returns an error of [ORMap.Unreadable], or nil. It takes O(n).
func (m *ORMap[K, V]) Check() error {
	if bad := m.unread(); bad != nil {
		return fmt.Errorf("crdt: %w", bad)
	}
	return nil
}

// MergeBinary is Merge of a binary form, read value by value. Of sets it
// decodes only what m lacks; n keys that m has take O(n) time, up to 48 bytes
// per dot, and a value at each level. States of up to 64 events are decoded.
func (m *ORMap[K, V]) MergeBinary(data []byte) (bool, error) {
	r := m.receive(new(node))
	packed, d, store, err := readPacked(makerOf[*ORMap[K, V]]{}, data)
	if err != nil {
		return false, err
	}
	peer := packed.(*ORMap[K, V])
	d.Reader, d.trusted = wire.NewReader(data[store:]), true
	if d.root.isSmall() {
		peer = m.fresh(d.root, 0)
		peer.decode(d)
	} else {
		peer.scan(d)
	}
	j := r.merging(d.root)
	j.findBoth()
	changed := m.join(peer, j)
	return j.finish() || changed, nil
}

// Compact drops what m remembers of removals that seen covers.
func (m *ORMap[K, V]) Compact(seen Context) bool {
	m.change()
	c, ok := m.root.compacting(seen)
	return ok && m.compact(c)
}

// Stats returns the statistics of m. It takes O(n).
func (m *ORMap[K, V]) Stats() Stats {
	m = m.state()
	return statsOf(m.root, m, m.Len())
}

// Verify returns an error if m and o hold a dot with different content.
func (m *ORMap[K, V]) Verify(o *ORMap[K, V]) error {
	m, o = m.whole(), o.whole()
	return verify(m.root, m, o.root, o)
}

func (*ORMap[K, V]) kinds(b []byte) []byte {
	var none V
	return none.kinds(appendKeyed[K](b, kindORMap))
}

// A keyed is an entry with the bytes of its key.
type keyed[K comparable, V any] struct {
	bytes []byte
	key   K
	value V
}

// sorted appends the entries to all, which is empty, in the order of the bytes of their keys,
// which it appends to keys.
func (m *ORMap[K, V]) sorted(all []keyed[K, V], keys *[]byte) []keyed[K, V] {
	*keys = slices.Grow(*keys, 16*len(m.entries))
	for key, v := range m.entries {
		at := len(*keys)
		*keys = value.AppendKey(*keys, key)
		all = append(all, keyed[K, V]{(*keys)[at:len(*keys):len(*keys)], key, v})
	}
	slices.SortFunc(all, func(a, b keyed[K, V]) int { return bytes.Compare(a.bytes, b.bytes) })
	return all
}

func (m *ORMap[K, V]) encode(e *encoder) {
	e.uvarint(uint64(len(m.entries)))
	var few [16]keyed[K, V]
	all, had := few[:0], len(e.keys)
	if len(m.entries) > len(few) {
		all = make([]keyed[K, V], 0, len(m.entries))
	}
	for _, it := range m.sorted(all, &e.keys) {
		e.bytes(it.bytes)
		it.value.encode(e)
	}
	e.keys = e.keys[:had]
}

func (m *ORMap[K, V]) decode(d *decoder) {
	var last []byte
	var key K
	n := d.Count(2)
	if n > 1 {
		if m.entries == nil {
			m.entries = make(map[K]V, min(n, fewEntries))
		}
		d.tallies.expect(n)
		d.counters.expect(n)
	}
	for i := range n {
		last = d.key(i, last)
		if d.Err() != nil {
			return
		}
		if err := value.ReadKey(&key, d.Reader, d.Offset()-len(last), last); err != nil {
			d.Fail("key: %w", err)
			return
		}
		v := m.again(d, key)
		had := d.bad
		v.decode(d)
		if had == nil && d.bad != nil {
			d.locate(value.AppendKeyJSON(nil, key))
		}
		if d.Err() == nil && v.isEmpty() {
			d.Fail("the value of a key is empty")
		}
		if d.Err() != nil {
			return
		}
		m.settle(key, v)
	}
}

// fewEntries is the number of entries that a map is made for before it is known that they
// are there.
const fewEntries = 64

// key reads the bytes of key i of a map, which follows last.
func (d *decoder) key(i int, last []byte) []byte {
	p := d.Bytes()
	if d.Err() == nil && i > 0 && bytes.Compare(last, p) >= 0 {
		d.Fail("keys do not ascend")
	}
	return p
}

func (m *ORMap[K, V]) scan(d *decoder) bool {
	if m.packed == nil {
		var none V
		m.packed = &packedMap[V]{value: none.fresh(d.root, 0)}
	}
	p := m.packed
	p.d, p.keys = d, d.Count(2)
	if !d.trusted {
		validateEntries[K](p)
	}
	return p.keys > 0
}

// validateEntries reads the entries of p and fails its decoder where decode
// would.
func validateEntries[K comparable, V Value[V]](p *packedMap[V]) {
	d := p.d
	d.room = max(d.room, p.keys/max(1, len(d.changes))) // most have at least one
	var last []byte
	for i := range p.keys {
		last = d.key(i, last)
		if err := checkKey[K](last); err != nil {
			d.Fail("key: %w", err)
		}
		if d.Err() != nil {
			return
		}
		had := d.bad
		if !p.value.scan(d) {
			d.Fail("the value of a key is empty")
		}
		if had == nil && d.bad != nil {
			if key, err := value.DecodeKey[K](last); err == nil {
				d.locate(value.AppendKeyJSON(nil, key))
			}
		}
		if d.Err() != nil {
			return
		}
		d.add(p.value)
	}
}

func (m *ORMap[K, V]) encodeJSON(e *encoder) {
	e.text("[")
	for i, it := range m.sorted(nil, new([]byte)) {
		e.comma(i)
		e.text(`{"key":`)
		e.buf = value.AppendKeyJSON(e.buf, it.key)
		e.text(`,"value":`)
		it.value.encodeJSON(e)
		e.text("}")
	}
	e.text("]")
}

func (m *ORMap[K, V]) decodeJSON(d *decoder, p []byte) error {
	items, err := list(p)
	if err != nil {
		return err
	}
	for i, item := range items {
		if err := m.decodeEntry(d, item); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

func (m *ORMap[K, V]) decodeEntry(d *decoder, item []byte) error {
	parts, err := members(item, "key", "value")
	if err != nil {
		return err
	}
	key, err := value.DecodeKeyJSON[K](parts[0])
	if err != nil {
		return err
	}
	if _, ok := m.entries[key]; ok {
		return errors.New("key appears twice")
	}
	var none V
	v := none.fresh(d.root, m.scopeAt(key))
	had := d.bad
	if err := v.decodeJSON(d, parts[1]); err != nil {
		return err
	}
	if had == nil && d.bad != nil {
		d.locate(value.AppendKeyJSON(nil, key))
	}
	if v.isEmpty() {
		return errors.New("value is empty")
	}
	m.settle(key, v)
	return nil
}

func (m *ORMap[K, V]) events(yield func(d dot, what string)) {
	for key, v := range m.entries {
		var path string
		v.events(func(d dot, what string) {
			if path == "" {
				path = string(value.AppendKeyJSON(nil, key)) + ": "
			}
			yield(d, path+what)
		})
	}
}

func (m *ORMap[K, V]) compact(c *compacting) bool {
	changed := false
	for key, v := range m.entries {
		if v.compact(c) {
			changed = true
			m.settle(key, v)
		}
	}
	return changed
}

func (m *ORMap[K, V]) stats(st *Stats) {
	for _, v := range m.entries {
		v.stats(st)
	}
}

// state returns m, or for a value in a map the state that its Clone is.
func (m *ORMap[K, V]) state() *ORMap[K, V] {
	if m != nil && m.inMap() {
		return m.Clone()
	}
	return m.whole()
}
