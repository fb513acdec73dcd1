package crdt

import (
	"bytes"
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
// the client read it. It travels to the client and back, as bytes, text or JSON,
// and whoever holds it has no need to look inside.
//
// A mutator that removes or replaces what it sees has a form that takes a
// Context, named after it with Seen: [ORSet.RemoveSeen] beside [ORSet.Remove].
// It acts on what the Context covers and no more, so that a web request removes
// what its user saw, not what the replica has learnt since.
//
// A state can only act on events that it holds: where the client read from
// another replica, which was ahead, the part of its Context that this state has
// not seen has no effect, and what it would have removed stays. Covers tells:
// a caller for whom that matters merges or waits first. Covers is about what was added and
// written. Most removals are no events of their own, so a state that covers the Context of
// another may still show what that one has removed: only [ORSet.Answer], and what other types have like
// it, finds out whether two states are the same.
//
// The Context of a [PNCounter], in a map too, also has the sums that the client was
// shown. That of a map has not: of a counter in it, the increments of a replica
// that has counted on since are all kept.
//
// A state believes a Context. Where a client could gain by changing one, sign it.
//
// The zero Context covers nothing. A Context is immutable.
type Context struct {
	past *past
}

// A past is the content of a Context.
type past struct {
	names []vclock.Replica // ascending
	seen  []runs           // by the same index, none empty
	sums  []sum            // ascending by place; of the counter that the Context is of
}

// A sum is what a client was shown of one replica's part in a [PNCounter]. It is
// needed beside the numbers of the increments because the replica may count on,
// and its part then is a sum in which the client's cannot be told any more.
type sum struct {
	place       uint32 // of the replica in the names
	start, last uint64 // as in tally
	total       int64
}

// context returns what r has seen.
func (r *root) context() Context {
	if r == nil {
		return Context{}
	}
	p := new(past)
	for _, i := range r.sorted() {
		p.names = append(p.names, r.names[i])
		p.seen = append(p.seen, r.seen[i].clone())
	}
	if p.names == nil {
		return Context{}
	}
	return Context{p}
}

// sorted returns the indexes of the replicas that r has seen dots of, by name.
func (r *root) sorted() []uint32 {
	if r == nil {
		return nil
	}
	return r.appendSorted(make([]uint32, 0, len(r.names)))
}

// appendSorted appends what sorted returns to order, which is empty.
func (r *root) appendSorted(order []uint32) []uint32 {
	ascend, last := true, vclock.Replica("")
	for i := range r.seen {
		if !r.seen[i].isEmpty() {
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

// covers reports whether r has seen everything in c.
func (r *root) covers(c Context) bool {
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
func (c Context) IsZero() bool { return c.past == nil }

// Contains reports whether c covers d.
func (c Context) Contains(d vclock.Dot) bool {
	if c.past == nil {
		return false
	}
	i, ok := slices.BinarySearch(c.past.names, d.Replica)
	return ok && d.Seq > 0 && c.past.seen[i].contains(d.Seq)
}

// sumOf returns what the client was shown of a replica's part in a counter that
// began after start.
func (c Context) sumOf(r vclock.Replica, start uint64) (sum, bool) {
	if c.past == nil {
		return sum{}, false
	}
	place, _ := slices.BinarySearch(c.past.names, r)
	for _, s := range c.past.sums {
		if s.place == uint32(place) && c.past.names[place] == r && s.start == start {
			return s, true
		}
	}
	return sum{}, false
}

// ContextOf returns the Context that covers the events of a clock, and no others. Of a
// replica with more than 2⁴⁸−1 it covers none.
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

// Clock returns the largest clock that c covers: for each replica the number up to which
// nothing is missing.
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
const contextVersion = 1

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
//
//	field     bytes
//	version   1, now 1
//	replicas  varint, then for each, in the order of the names:
//	  name    length 1, then the name
//	  prefix  varint: all numbers up to this one are covered
//	  spans   varint, then for each, ascending:
//	    gap   varint: numbers missing before it, less one
//	    size  varint: numbers in it, less one
//	sums      only in the Context of a PNCounter: varint: replicas that are counting,
//	          at least 1, then for each, in the order of the names:
//	  place   varint: its place in the list of replicas, from 0
//	  last    varint: the number of its latest increment
//	  span    varint: from the first increment that is not undone to last
//	  sum     zigzag varint
func (c Context) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, contextVersion)
	if c.past == nil {
		return append(b, 0), nil
	}
	b = appendPast(b, c.past.names, c.past.seen)
	if len(c.past.sums) > 0 {
		b = binary.AppendUvarint(b, uint64(len(c.past.sums)))
	}
	for _, s := range c.past.sums {
		b = binary.AppendUvarint(b, uint64(s.place))
		b = binary.AppendUvarint(b, s.last)
		b = binary.AppendUvarint(b, s.last-s.start)
		b = binary.AppendVarint(b, s.total)
	}
	return b, nil
}

// readSums reads the sums in a Context, after the rest of it.
func readSums(d *wire.Reader, seen []runs) []sum {
	if d.Len() == 0 {
		return nil
	}
	n := d.Count(4)
	if n == 0 {
		d.Fail("an empty list of sums")
	}
	sums := make([]sum, 0, n)
	for i := range n {
		place, last, span, u := d.Uvarint(), d.Uvarint(), d.Uvarint(), d.Uvarint()
		switch {
		case place >= uint64(len(seen)), i > 0 && place <= uint64(sums[i-1].place):
			d.Fail("places of sums do not ascend, or exceed the replicas")
		case last == 0 || !seen[place].contains(last) || span == 0 || span > last:
			d.Fail("the sum of increments that are not covered")
		}
		if d.Err() != nil {
			return nil
		}
		sums = append(sums, sum{uint32(place), last - span, last, int64(u>>1) ^ -int64(u&1)})
	}
	return sums
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See [Context.AppendBinary].
func (c Context) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [Context.AppendBinary] writes, and leaves c unchanged on any other input.
func (c *Context) UnmarshalBinary(data []byte) error {
	d := wire.NewReader(data)
	d.Version(contextVersion)
	names, seen := readPast(d)
	sums := readSums(d, seen)
	if err := d.Close(); err != nil {
		return fmt.Errorf("crdt: decode Context: %w", wire.Damaged(err))
	}
	c.past = nil
	if len(names) > 0 {
		c.past = &past{names, seen, sums}
	}
	return nil
}

// AppendText implements [encoding.TextAppender]: the bytes of
// [Context.AppendBinary] in unpadded URL-safe base64, fit for a header, a query
// parameter or a form field. JSON holds a Context as a string in this form.
func (c Context) AppendText(b []byte) ([]byte, error) {
	p, err := c.AppendBinary(nil)
	return base64.RawURLEncoding.AppendEncode(b, p), err
}

// MarshalText implements [encoding.TextMarshaler]. See [Context.AppendText].
func (c Context) MarshalText() ([]byte, error) { return c.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts exactly what
// [Context.AppendText] writes, and leaves c unchanged on any other input.
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
