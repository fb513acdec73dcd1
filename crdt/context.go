package crdt

import (
	"bytes"
	"encoding/base64"
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
// a caller for whom that matters merges or waits first.
//
// The zero Context covers nothing. A Context is immutable.
type Context struct {
	past *past
}

// A past is the content of a Context.
type past struct {
	names []vclock.Replica // ascending
	seen  []runs           // by the same index, none empty
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
	order := make([]uint32, 0, len(r.names))
	for i := range r.seen {
		if !r.seen[i].isEmpty() {
			order = append(order, uint32(i))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int {
		return strings.Compare(string(r.names[a]), string(r.names[b]))
	})
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
func (c Context) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, contextVersion)
	if c.past == nil {
		return append(b, 0), nil
	}
	return appendPast(b, c.past.names, c.past.seen), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See [Context.AppendBinary].
func (c Context) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [Context.AppendBinary] writes, and leaves c unchanged on any other input.
func (c *Context) UnmarshalBinary(data []byte) error {
	d := wire.NewReader(data)
	d.Version(contextVersion)
	names, seen := readPast(d)
	if err := d.Close(); err != nil {
		return fmt.Errorf("crdt: decode Context: %w", err)
	}
	c.past = nil
	if len(names) > 0 {
		c.past = &past{names, seen}
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
		return fmt.Errorf("crdt: decode Context: %w", err)
	}
	return c.UnmarshalBinary(p)
}
