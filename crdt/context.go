package crdt

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Context is what a client was shown: the events that the state had seen when
// the client read it. It travels to the client and back, as bytes, text or
// JSON. A state believes it: where a client could gain by changing one, sign
// it. The zero Context covers nothing. A Context is immutable.
//
// A mutator that removes or replaces what it sees has a form that takes a
// Context: [ORSet.RemoveSeen] beside [ORSet.Remove]. It acts on what the
// Context covers and no more, so that a web request removes what its user saw,
// not what the replica has learnt since. Where the client read from a replica
// that was ahead, what it would have removed may stay, because a state can only
// act on what it has seen. HasSeen tells; a caller for whom that matters merges
// or waits first. Only an exchange tells of removals: most are no events.
//
// The Context of a [PNCounter], and of an [ORMap] of counters, also has the
// sums that were shown, about 4 bytes for each counter and replica, as
// increments cannot be told apart in them. That of a value in an ORMap, or from
// ContextOf, is of some keys only. [Context.Of] tells objects apart.
type Context struct {
	past *past
}

// A past is the content of a Context.
type past struct {
	names  []vclock.Replica // ascending
	seen   []runs           // by the same index, none empty
	sums   [][]sum          // by the same index, ascending by first; nil if there are none
	cut    bool             // sums were left out
	scopes []uint32         // ascending, of the keys that it is of; nil for a state as a whole
	object uint32           // hash of the name that Of gave it, or 0
}

// A sum is what a client was shown of a tally: of the one whose first increment has
// the number first, the total of all up to last, be it counting or undone. It is
// needed beside the numbers of the increments because the replica may count on,
// and its part then is a sum in which the client's cannot be told any more.
type sum struct {
	first, last uint64
	total       int64
}

// A contextBuilder collects the Context of values of a root.
type contextBuilder struct {
	of   *root
	seen []runs  // by index in of
	sums [][]sum // by index in of
	past past
}

func newContext(of *root) *contextBuilder {
	b := &contextBuilder{of: of}
	if of != nil {
		b.seen, b.sums = make([]runs, len(of.names)), make([][]sum, len(of.names))
	}
	return b
}

// scope says that the Context is of a key.
func (b *contextBuilder) scope(s uint32) {
	if i, found := slices.BinarySearch(b.past.scopes, s); !found {
		b.past.scopes = slices.Insert(b.past.scopes, i, s)
	}
}

// add adds what v holds.
func (b *contextBuilder) add(v causal) {
	reach(v, func(d dot) { b.seen[d.replica].add(d.seq, d.seq) })
	b.addSums(v)
}

// addSums adds the sums that v has, if it is of a type that has any.
func (b *contextBuilder) addSums(v causal) {
	s, ok := v.(interface{ sums(yield func(*tally)) })
	if !ok {
		return
	}
	s.sums(func(t *tally) {
		of := sum{t.start + 1, t.last, t.total}
		if !t.isLive() {
			of.last, of.total = t.upto, t.base
		}
		b.sums[t.replica] = append(b.sums[t.replica], of)
	})
}

func (b *contextBuilder) context() Context {
	p := &b.past
	some := false
	for _, i := range b.of.appendSorted(nil, b.seen) {
		// Of one first increment there are several where a key was named twice, and where two
		// lineages write under one name.
		slices.SortFunc(b.sums[i], func(x, y sum) int {
			return cmp.Or(cmp.Compare(x.first, y.first), cmp.Compare(y.last, x.last), cmp.Compare(y.total, x.total))
		})
		b.sums[i] = slices.CompactFunc(b.sums[i], func(x, y sum) bool { return x.first == y.first })
		p.names, p.seen, p.sums = append(p.names, b.of.names[i]), append(p.seen, b.seen[i]), append(p.sums, b.sums[i])
		some = some || len(b.sums[i]) > 0
	}
	if !some {
		p.sums = nil
	}
	if len(p.names) == 0 && len(p.scopes) == 0 {
		return Context{}
	}
	return Context{p}
}

// contextOf returns the Context of v, whose node is n: of a state as a whole, or of
// the key that v is at.
func contextOf(n *node, v causal) Context {
	b := newContext(n.root)
	if n.inMap() {
		b.scope(n.scope)
		b.add(v)
		return b.context()
	}
	for i := range b.seen {
		b.seen[i] = n.root.seen[i].clone()
	}
	b.addSums(v)
	return b.context()
}

// sorted returns the indexes of the replicas that r has seen dots of, by name.
func (r *root) sorted() []uint32 {
	if r == nil {
		return nil
	}
	return r.appendSorted(make([]uint32, 0, len(r.names)), r.seen)
}

// appendSorted appends to order, which is empty, the indexes of the replicas with
// something in seen, by name.
func (r *root) appendSorted(order []uint32, seen []runs) []uint32 {
	ascend, last := true, vclock.Replica("")
	for i := range seen {
		if !seen[i].isEmpty() {
			order = append(order, uint32(i))
			ascend, last = ascend && last < r.names[i], r.names[i]
		}
	}
	if !ascend {
		slices.SortFunc(order, func(a, b uint32) int {
			return strings.Compare(string(r.names[a]), string(r.names[b]))
		})
	}
	return order
}

// hasSeen reports whether r has seen everything in c.
func (r *root) hasSeen(c Context) bool {
	if c.past == nil {
		return true
	}
	for k, name := range c.past.names {
		if r == nil {
			return false
		}
		i, ok := r.lookup(name)
		if !ok || !r.seen[i].includes(&c.past.seen[k]) {
			return false
		}
	}
	return true
}

// IsZero reports whether c covers nothing.
func (c Context) IsZero() bool { return c.past == nil || len(c.past.names) == 0 }

// Exact reports whether c has the sums of all counters that it is of.
func (c Context) Exact() bool { return c.past == nil || !c.past.cut }

// Within returns c if it has no more than size bytes, and else c without the
// sums of counters, which is not exact, and may still have more.
func (c Context) Within(size int) Context {
	if b, _ := c.AppendBinary(nil); c.past == nil || c.past.sums == nil || len(b) <= size {
		return c
	}
	p := *c.past
	p.sums, p.cut = nil, true
	return Context{&p}
}

// Of returns c marked with a name: mutators refuse it before [Context.For].
func (c Context) Of(name string) Context {
	p := past{}
	if c.past != nil {
		p = *c.past
	}
	p.object = keyScope(0, name)
	return Context{&p}
}

// For returns c, if Of marked it with name, unmarked, or a [*ContextError].
func (c Context) For(name string) (Context, error) {
	if c.past == nil || c.past.object != keyScope(0, name) {
		return Context{}, &ContextError{fmt.Sprintf("the object %q", name)}
	}
	p := *c.past
	if p.object = 0; len(p.names) == 0 && len(p.scopes) == 0 {
		return Context{}, nil
	}
	return Context{&p}, nil
}

// Contains reports whether c covers d, named with its incarnation or without.
func (c Context) Contains(d vclock.Dot) bool {
	name, life := d.Replica.Lineage()
	return (life == 0 || life == lifeOf(d.Seq)) && c.has(vclock.Dot{Replica: name, Seq: d.Seq})
}

// has is Contains for a replica that is named without its incarnation, as those in roots are.
func (c Context) has(d vclock.Dot) bool {
	if c.past == nil {
		return false
	}
	i, ok := slices.BinarySearch(c.past.names, d.Replica)
	return ok && d.Seq > 0 && c.past.seen[i].contains(d.Seq)
}

// sumOf returns what the client was shown of a replica's tally, given by the number
// of its first increment.
func (c Context) sumOf(r vclock.Replica, first uint64) (sum, bool) {
	if c.past == nil || c.past.sums == nil {
		return sum{}, false
	}
	place, ok := slices.BinarySearch(c.past.names, r)
	if !ok {
		return sum{}, false
	}
	sums := c.past.sums[place]
	i, ok := slices.BinarySearchFunc(sums, first, func(s sum, first uint64) int { return cmp.Compare(s.first, first) })
	if !ok {
		return sum{}, false
	}
	return sums[i], true
}

// ContextOf returns the Context that covers a clock, but for entries ≥ 2⁴⁸.
func ContextOf(seen vclock.Clock) Context {
	p := new(past)
	for r, n := range seen.All() {
		if n <= maxSeq {
			p.names, p.seen = append(p.names, r), append(p.seen, runs{prefix: n})
		}
	}
	if p.names == nil {
		return Context{}
	}
	return Context{p}
}

// Clock returns for each replica the number up to which c covers everything.
func (c Context) Clock() vclock.Clock {
	if c.past == nil {
		return vclock.Clock{}
	}
	return vclock.Collect(func(yield func(vclock.Replica, uint64) bool) {
		for i, name := range c.past.names {
			if n := c.past.seen[i].prefix; n > 0 && !yield(name, n) {
				return
			}
		}
	})
}

// contextVersion is the format of the bytes of a Context.
const contextVersion = 3

// Parts that the bytes of a Context may have.
const (
	hasSums = 1 << iota
	hasCut
	hasScopes
	hasObject
)

// AppendBinary implements [encoding.BinaryAppender].
func (c Context) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, contextVersion, c.parts())
	p := c.past
	if p == nil {
		return append(b, 0), nil
	}
	if p.object != 0 {
		b = binary.BigEndian.AppendUint32(b, p.object)
	}
	if len(p.scopes) > 0 {
		b = binary.AppendUvarint(b, uint64(len(p.scopes)))
		for _, s := range p.scopes {
			b = binary.BigEndian.AppendUint32(b, s)
		}
	}
	b = appendPast(b, p.names, p.seen)
	for _, sums := range p.sums {
		spans := uint64(0)
		if slices.ContainsFunc(sums, func(s sum) bool { return s.last > s.first }) {
			spans = 1
		}
		b = binary.AppendUvarint(b, uint64(len(sums))<<1|spans)
		before := uint64(0)
		for _, s := range sums {
			b = appendStep(b, before, s.first)
			if spans == 1 {
				b = binary.AppendUvarint(b, s.last-s.first)
			}
			b = binary.AppendVarint(b, s.total)
			before = s.first
		}
	}
	return b, nil
}

// parts returns which parts c has.
func (c Context) parts() (parts byte) {
	p := c.past
	if p == nil {
		return 0
	}
	for part, has := range map[byte]bool{
		hasSums: p.sums != nil, hasCut: p.cut, hasScopes: len(p.scopes) > 0, hasObject: p.object != 0,
	} {
		if has {
			parts |= part
		}
	}
	return parts
}

// readContext reads a Context.
func readContext(d *wire.Reader) *past {
	d.Version(contextVersion)
	parts := d.Byte()
	if parts > hasSums|hasCut|hasScopes|hasObject || parts&hasSums != 0 && parts&hasCut != 0 {
		d.Fail("unknown parts %d", parts)
	}
	p := &past{cut: parts&hasCut != 0}
	if parts&hasObject != 0 {
		if p.object = readUint32(d); p.object == 0 {
			d.Fail("the object has no hash")
		}
	}
	if parts&hasScopes != 0 {
		p.scopes = readScopes(d)
	}
	p.names, p.seen = readPast(d)
	if parts&hasSums != 0 {
		p.sums = readSums(d, p.seen)
	}
	if parts == 0 && len(p.names) == 0 {
		return nil
	}
	return p
}

func readUint32(d *wire.Reader) uint32 {
	if p := d.Take(4); len(p) == 4 {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

// readScopes reads the hashes of keys.
func readScopes(d *wire.Reader) []uint32 {
	n := d.Count(4)
	if n == 0 {
		d.Fail("no keys")
	}
	scopes := make([]uint32, 0, n)
	for i := range n {
		s := readUint32(d)
		if s == 0 || i > 0 && s <= scopes[i-1] {
			d.Fail("hashes of keys do not ascend")
		}
		scopes = append(scopes, s)
	}
	return scopes
}

// readSums reads the sums in a Context, after the rest of it.
func readSums(d *wire.Reader, seen []runs) [][]sum {
	all := make([][]sum, len(seen))
	some := false
	for i := range seen {
		u := d.Uvarint()
		n, spans := u>>1, u&1 == 1
		if n > uint64(d.Len()/2) {
			d.Fail("count of sums %d exceeds what %d bytes can hold", n, d.Len())
			return nil
		}
		some = some || n > 0
		before, longest := uint64(0), uint64(0)
		for range n {
			s := sum{first: readStep(d, before)}
			if s.last = s.first; spans {
				s.last += d.Uvarint()
			}
			if s.total = varint(d); s.last < s.first || !seen[i].contains(s.last) {
				d.Fail("the sum of increments that are not covered")
			}
			if d.Err() != nil {
				return nil
			}
			before, longest = s.first, max(longest, s.last-s.first)
			all[i] = append(all[i], s)
		}
		if spans && longest == 0 {
			d.Fail("spans of sums that are each of one increment")
		}
	}
	if !some {
		d.Fail("an empty list of sums")
	}
	return all
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (c Context) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (c *Context) UnmarshalBinary(data []byte) error {
	d := wire.NewReader(data)
	p := readContext(d)
	if err := d.Close(); err != nil {
		return fmt.Errorf("crdt: decode Context: %w", wire.Damaged(err))
	}
	c.past = p
	return nil
}

// AppendText implements [encoding.TextAppender], in unpadded URL-safe base64.
func (c Context) AppendText(b []byte) ([]byte, error) {
	p, err := c.AppendBinary(nil)
	return base64.RawURLEncoding.AppendEncode(b, p), err
}

// MarshalText implements [encoding.TextMarshaler]. See [Context.AppendText].
func (c Context) MarshalText() ([]byte, error) { return c.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Context) UnmarshalText(text []byte) error {
	p, err := base64.RawURLEncoding.AppendDecode(nil, text)
	if err == nil && !bytes.Equal(base64.RawURLEncoding.AppendEncode(nil, p), text) {
		err = errors.New("text is not canonical base64")
	}
	if err != nil {
		return fmt.Errorf("crdt: decode Context: %w", wire.Damaged(err))
	}
	return c.UnmarshalBinary(p)
}
