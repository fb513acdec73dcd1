package lww

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// formatVersion is the first byte of every encoding.
const formatVersion = 2

// The second byte says of which type a state is.
const (
	typeMap = iota + 1
	typeSet
	typeRegister
	named = 0x80 // the fields of the keys follow
)

func typeName(t byte) string {
	switch t {
	case typeMap:
		return "Map"
	case typeSet:
		return "Set"
	case typeRegister:
		return "Register"
	}
	return fmt.Sprintf("type %d", t)
}

// appendHead appends what every encoding begins with.
func appendHead(b []byte, t byte, keys string) []byte {
	b = append(b, formatVersion)
	if keys == "" {
		return append(b, t)
	}
	return wire.AppendBytes(append(b, t|named), keys)
}

// readHead reads what [appendHead] wrote.
func readHead(r *wire.Reader, want byte, keys string) {
	r.Version(formatVersion)
	got := r.Byte()
	if t := got &^ named; r.Err() == nil && t != want {
		r.Fail("%w", wire.OfType("holds %s, want %s", typeName(t), typeName(want)))
		return
	}
	stored := ""
	if got&named != 0 {
		if stored = string(r.Bytes()); stored == "" {
			r.Fail("keys without fields")
		}
	}
	if r.Err() == nil {
		if err := value.CheckIdentity(stored, keys); err != nil {
			r.Fail("%w", err)
		}
	}
}

// A keyed is a position with the canonical bytes of its key.
type keyed struct {
	key      []byte
	position int
}

// inOrder returns the positions of all entries, sorted by the canonical bytes of
// their keys. What it returns is in m.
func (c *core[K, V]) inOrder(m *scratch) []keyed {
	m.order = slices.Grow(m.order[:0], len(c.entries))[:len(c.entries)]
	m.keys = m.keys[:0]
	for i := range c.entries {
		m.keys = value.AppendKey(m.keys, c.entries[i].key)
		m.order[i].position = len(m.keys)
	}
	start := 0
	for i := range m.order {
		k := &m.order[i]
		end := k.position
		k.key, k.position = m.keys[start:end:end], i
		start = end
	}
	if compare := func(a, b keyed) int { return bytes.Compare(a.key, b.key) }; !slices.IsSortedFunc(m.order, compare) {
		slices.SortFunc(m.order, compare)
	}
	return m.order
}

// A scratch is memory that encoding and decoding take and give back.
type scratch struct {
	buf   []byte
	keys  []byte
	order []keyed
	names []vclock.Replica
	ranks []uint64
	in    wire.Reader
}

// reader returns a Reader of data. What it reads is not kept.
func (m *scratch) reader(data []byte) *wire.Reader {
	m.in = *wire.NewReader(data)
	return &m.in
}

// scratches has what is not in use.
//
//nolint:gochecknoglobals // memory to use again, without meaning
var scratches = sync.Pool{New: func() any { return new(scratch) }}

// mostKept bounds the memory that is kept for the next encoding.
const mostKept = 1 << 16

// release gives m back.
func (m *scratch) release() {
	if cap(m.buf) > mostKept || cap(m.keys) > mostKept || cap(m.order) > mostKept/32 {
		return
	}
	clear(m.names)
	m.in = wire.Reader{}
	scratches.Put(m)
}

// marshal returns the encoding in memory of its own size.
func (c *core[K, V]) marshal(set bool) []byte {
	m := scratches.Get().(*scratch)
	defer m.release()
	m.buf = c.appendTo(m.buf[:0], m, set)
	return bytes.Clone(m.buf)
}

// usedReplicas returns the names that entries refer to, sorted, and for each
// number of the table its index among them.
func (c *core[K, V]) usedReplicas(m *scratch) (names []vclock.Replica, ranks []uint64) {
	ranks = slices.Grow(m.ranks[:0], len(c.replicas.names))[:len(c.replicas.names)]
	clear(ranks)
	names = m.names[:0]
	for i := range c.entries {
		ranks[c.entries[i].replica()] = 1
	}
	for i, r := range c.replicas.names {
		if ranks[i] == 1 {
			names = append(names, r)
		}
	}
	slices.Sort(names)
	for i, r := range c.replicas.names {
		if ranks[i] == 1 {
			rank, _ := slices.BinarySearch(names, r)
			ranks[i] = uint64(rank)
		}
	}
	m.names, m.ranks = names, ranks
	return names, ranks
}

// appendBinary appends the encoding that FORMAT.md documents. Values
// are left out of a set.
func (c *core[K, V]) appendBinary(b []byte, set bool) []byte {
	m := scratches.Get().(*scratch)
	defer m.release()
	return c.appendTo(b, m, set)
}

func (c *core[K, V]) appendTo(b []byte, m *scratch, set bool) []byte {
	t := byte(typeMap)
	if set {
		t = typeSet
	}
	b = appendHead(b, t, value.Identity[K]())
	b = binary.AppendUvarint(b, uint64(c.horizon))
	names, ranks := c.usedReplicas(m)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, r := range names {
		b = wire.AppendBytes(b, r)
	}
	b = binary.AppendUvarint(b, uint64(len(c.entries)))
	if len(c.entries) == 0 {
		return b
	}
	oldest := c.oldest()
	b = binary.AppendUvarint(b, uint64(oldest))
	order := c.inOrder(m)
	var values value.Encoder[V]
	if !set {
		values = c.appendTables(&b, order)
	}
	for _, k := range order {
		e := &c.entries[k.position]
		b = wire.AppendBytes(b, k.key)
		b = binary.AppendUvarint(b, uint64(e.time-oldest))
		b = binary.AppendUvarint(b, ranks[e.replica()]<<1|uint64(e.by&gone))
		if !set && !e.deleted() {
			b = values.Append(b, &e.value, c.enc(k.position))
		}
	}
	return b
}

// appendTables appends the tables of the values, and returns what encodes these in
// the given order.
func (c *core[K, V]) appendTables(b *[]byte, order []keyed) value.Encoder[V] {
	values := value.NewEncoder[V]()
	for _, k := range order {
		if e := &c.entries[k.position]; !e.deleted() {
			values.Note(&e.value, c.enc(k.position))
		}
	}
	*b = values.AppendTables(*b)
	return values
}

// oldest returns the smallest time of an entry, of which there is one.
func (c *core[K, V]) oldest() hlc.Timestamp {
	t := hlc.Max
	for i := range c.entries {
		t = min(t, c.entries[i].time)
	}
	return t
}

// decodeBinary returns the core that [core.appendBinary] encodes as data, and the
// first value in it that V cannot hold.
func decodeBinary[K comparable, V any](data []byte, set bool) (core[K, V], *content.ValueError, error) {
	var c core[K, V]
	bad, err := c.decode(data, set)
	if err != nil {
		return core[K, V]{}, nil, err
	}
	return c, bad, nil
}

// decode makes c, which is empty but for memory to use again, what decodeBinary returns. If
// there is an error, c is of no use but for its memory.
func (c *core[K, V]) decode(data []byte, set bool) (*content.ValueError, error) {
	m := scratches.Get().(*scratch)
	defer m.release()
	r := m.reader(data)
	t := byte(typeMap)
	if set {
		t = typeSet
	}
	readHead(r, t, value.Identity[K]())
	c.horizon = hlc.Timestamp(r.Uvarint())
	if c.horizon >= hlc.Max {
		r.Fail("horizon %d is not below the maximum %d", uint64(c.horizon), uint64(hlc.Max))
	}
	c.readReplicas(r)
	bad := c.readEntries(r, set)
	if err := r.Close(); err != nil {
		return nil, err
	}
	c.reindex()
	return bad, nil
}

func (c *core[K, V]) readReplicas(r *wire.Reader) {
	n := r.Count(2)
	names := &c.replicas.names
	*names = slices.Grow(*names, n)
	var last vclock.Replica
	for i := range n {
		p := r.Bytes()
		name := vclock.Replica(r.StringOr(r.Offset()-len(p), len(p), string((*names)[:n][i])))
		switch {
		case r.Err() != nil:
			return
		case !name.IsValid():
			r.Fail("invalid replica %q", string(name))
		case name <= last:
			r.Fail("replica %q after %q", string(name), string(last))
		}
		c.replicas.intern(name)
		last = name
	}
}

// smallest is the size of the smallest encoded entry: a length, a time and a
// replica.
const smallest = 3

func (c *core[K, V]) readEntries(r *wire.Reader, set bool) (bad *content.ValueError) {
	n := r.Count(smallest)
	var room [few]bool
	used := append(room[:0], make([]bool, len(c.replicas.names))...)
	oldest, least := hlc.Timestamp(0), hlc.Max
	var last []byte
	var values value.Decoder[V]
	if n > 0 {
		oldest = hlc.Timestamp(r.Uvarint())
		if !set {
			values = value.NewDecoder[V](r)
		}
		c.entries = slices.Grow(c.entries, n)
	}
	for i := range n {
		key := r.Bytes()
		at := r.Offset() - len(key)
		if i > 0 && r.Err() == nil && bytes.Compare(key, last) <= 0 {
			r.Fail("key %.64q after %.64q", key, last)
		}
		last = key
		time, unread := c.readEntry(r, at, key, oldest, &values, set)
		if r.Err() != nil {
			return nil
		}
		bad = cmp.Or(bad, unread)
		used[c.entries[i].replica()] = true
		least = min(least, time)
	}
	if n > 0 && !set {
		values.Close()
	}
	switch {
	case slices.Contains(used, false):
		r.Fail("a replica without an entry")
	case n > 0 && least != oldest:
		r.Fail("the oldest time is %d, not %d", uint64(least), uint64(oldest))
	}
	return bad
}

// readEntry reads what follows a key. A set has no values.
func (c *core[K, V]) readEntry(r *wire.Reader, at int, key []byte, oldest hlc.Timestamp, values *value.Decoder[V], set bool) (hlc.Timestamp, *content.ValueError) {
	delta, by := r.Uvarint(), r.Uvarint()
	e := entry[K, V]{time: oldest + hlc.Timestamp(delta), by: uint32(by>>1<<2 | by&1)}
	switch {
	case r.Err() != nil:
		return 0, nil
	case oldest < 1 || oldest > hlc.Max || delta > uint64(hlc.Max-oldest):
		r.Fail("time %d after %d is out of range", delta, uint64(oldest))
	case by>>1 >= uint64(len(c.replicas.names)):
		r.Fail("replica number %d of %d", by>>1, len(c.replicas.names))
	case e.deleted() && e.time <= c.horizon:
		r.Fail("tombstone of %d at or below the horizon %d", uint64(e.time), uint64(c.horizon))
	}
	if r.Err() != nil {
		return 0, nil
	}
	c.remind(&e)
	c.entries = append(c.entries, e)
	last := &c.entries[len(c.entries)-1]
	if err := value.ReadKey(&last.key, r, at, key); err != nil {
		r.Fail("key %w", err)
		return 0, nil
	}
	last.hash = hashOf(last.key)
	var bad *content.ValueError
	if !set && !e.deleted() {
		bad = c.readLast(values)
	} else {
		c.keep(len(c.entries)-1, "")
	}
	c.dead += int(e.by & gone)
	return e.time, bad
}

// readLast reads the value of the last entry.
func (c *core[K, V]) readLast(values *value.Decoder[V]) *content.ValueError {
	i := len(c.entries) - 1
	enc, bad := values.Next(&c.entries[i].value)
	c.keep(i, enc)
	if bad != nil {
		c.entries[i].by |= unreadable
		bad.Key = string(value.AppendKeyJSON(nil, c.entries[i].key))
	}
	return bad
}

// AppendBinary implements [encoding.BinaryAppender].
func (m *Map[K, V]) AppendBinary(b []byte) ([]byte, error) {
	return m.appendBinary(b, false), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (m *Map[K, V]) MarshalBinary() ([]byte, error) { return m.marshal(false), nil }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It allocates at most
// the length of data times a third of the size of an entry in memory.
//
// It uses the memory that m has: decode many rows into a Map that a [sync.Pool]
// keeps. From the third row on little is allocated, and nothing for strings
// that were at the same place in the one but last. For that m holds the memory
// of the state before too, but none of rows beyond 64 KB.
func (m *Map[K, V]) UnmarshalBinary(data []byte) error {
	bad, err := m.unmarshal(data, false)
	return m.failed(bad, err)
}

// take makes c the state of m, if there is no error, or only that of a value that V
// cannot hold and the caller is lenient.
func (m *Map[K, V]) take(c core[K, V], bad *content.ValueError, err error, lenient bool) error {
	if err == nil && (bad == nil || lenient) {
		m.core = c
	}
	return m.failed(bad, err)
}

// failed returns the error of a decoder that met a value which V cannot hold, or another
// error.
func (*Map[K, V]) failed(bad *content.ValueError, err error) error {
	if err == nil && bad != nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("lww: decode Map: %w", wire.Damaged(err))
	}
	return nil
}

// UnmarshalLenient decodes either form, and keeps values that V cannot hold.
// Its [*content.ValueError] is for the first; [Map.Unreadable] lists all.
func (m *Map[K, V]) UnmarshalLenient(data []byte) error {
	c, bad, err := decodeAny[K, V](data, false)
	return m.take(c, bad, err, true)
}

// MergeBinary joins the state that data encodes into m, and reports whether m
// changed.
func (m *Map[K, V]) MergeBinary(data []byte) (changed bool, err error) {
	var o Map[K, V]
	if err := o.UnmarshalBinary(data); err != nil {
		return false, err
	}
	return m.Merge(&o), nil
}

// MergeLenient joins what [Map.UnmarshalLenient] accepts, with its error.
func (m *Map[K, V]) MergeLenient(data []byte) (changed bool, err error) {
	var o Map[K, V]
	err = o.UnmarshalLenient(data)
	if err != nil && !errors.Is(err, ErrUnreadable) {
		return false, err
	}
	return m.Merge(&o), err
}

// decodeAny decodes the binary or the JSON encoding.
func decodeAny[K comparable, V any](data []byte, set bool) (core[K, V], *content.ValueError, error) {
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
		return decodeJSON[K, V](text, set)
	}
	return decodeBinary[K, V](data, set)
}

// AppendBinary implements [encoding.BinaryAppender].
func (s *Set[E]) AppendBinary(b []byte) ([]byte, error) {
	return s.appendBinary(b, true), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (s *Set[E]) MarshalBinary() ([]byte, error) { return s.marshal(true), nil }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler], as of [Map].
func (s *Set[E]) UnmarshalBinary(data []byte) error {
	if _, err := s.unmarshal(data, true); err != nil {
		return fmt.Errorf("lww: decode Set: %w", wire.Damaged(err))
	}
	return nil
}

// MergeBinary joins the state that data encodes into s, and reports whether s
// changed.
func (s *Set[E]) MergeBinary(data []byte) (changed bool, err error) {
	var o Set[E]
	if err := o.UnmarshalBinary(data); err != nil {
		return false, err
	}
	return s.Merge(&o), nil
}
