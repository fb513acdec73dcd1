package lww

import (
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock"
)

// ErrAbsent is the error of Touch for what was never written, or is deleted.
var ErrAbsent = errors.New("lww: there is nothing to touch")

// A HorizonError reports data with a stamp at or below the horizon of the state
// to be written to. That has all of this time, so a merge would drop the data.
type HorizonError struct {
	Stamp   Stamp
	Horizon hlc.Timestamp
}

func (e *HorizonError) Error() string {
	return fmt.Sprintf("lww: stamp %v is not after the horizon %v", e.Stamp, e.Horizon)
}

// An Entry is one version of a key of a [Map] or an element of a [Set]. Value
// is zero of a tombstone, and if V cannot hold it.
type Entry[K comparable, V any] struct {
	Key     K
	Value   V
	Deleted bool
	Stamp   Stamp
}

// A write is a version on its way into a core.
type write[K comparable, V any] struct {
	version[K, V]
	position int
}

// prepare returns a put or a delete of k without its stamp. A put that replaces a
// value carries over what V does not know of it.
func (c *core[K, V]) prepare(k K, v V, deleted, replaces bool) (w write[K, V], err error) {
	if w.key, err = value.Normalize(k); err != nil {
		return w, fmt.Errorf("lww: %w", err)
	}
	w.hash = hashOf(w.key)
	w.position = c.find(w.key, w.hash)
	switch i := w.position; {
	case deleted:
		w.by = gone
	case c.isSet():
	case replaces && i >= 0 && !c.entries[i].deleted():
		w.value, w.enc, err = value.Replace(v, c.enc(i))
	default:
		w.value, w.enc, err = value.Store(v)
	}
	if err != nil {
		return w, fmt.Errorf("lww: value type %w", err)
	}
	return w, nil
}

// write puts or deletes k under a stamp above its present one and above the
// horizon, unless that is what k holds.
func (c *core[K, V]) write(w Writer, k K, v V, deleted bool) (core[K, V], error) {
	w.mustBeValid()
	x, err := c.prepare(k, v, deleted, true)
	if err != nil {
		return core[K, V]{}, err
	}
	if c.holds(&x) {
		there := c.at(x.position)
		return delta(&there), nil
	}
	return c.stampAndApply(w, &x)
}

// holds reports whether the key of x has what x would make of it.
func (c *core[K, V]) holds(x *write[K, V]) bool {
	if x.position < 0 {
		return false
	}
	e := &c.entries[x.position]
	if e.deleted() || x.deleted() {
		return e.deleted() && x.deleted()
	}
	return e.readable() && sameValue(&e.value, c.enc(x.position), &x.value, x.enc)
}

// sameValue reports whether two values, with what is kept beside them, are one. It
// does not allocate, but for values with a NaN.
func sameValue[V any](a *V, aKept string, b *V, bKept string) bool {
	if aKept != bKept || aKept != "" {
		return aKept == bKept
	}
	return value.Same(a, b) || !value.Same(b, b) && value.Compare(a, "", b, "") == 0
}

// stampAndApply applies x under a stamp above the present one of its key and above
// the horizon.
func (c *core[K, V]) stampAndApply(w Writer, x *write[K, V]) (core[K, V], error) {
	after := c.horizon
	if x.position >= 0 {
		after = max(after, c.entries[x.position].time)
	}
	s, err := w.Next(after)
	if err != nil {
		return core[K, V]{}, err
	}
	return c.apply(x, s), nil
}

// touch writes what k holds again.
func (c *core[K, V]) touch(w Writer, k K) (core[K, V], error) {
	i := c.lookup(k)
	if i < 0 || c.entries[i].deleted() {
		return core[K, V]{}, fmt.Errorf("%w: %v", ErrAbsent, k)
	}
	return c.stampAndApply(w, &write[K, V]{c.at(i), i})
}

// writeAt puts or deletes k under the given stamp.
func (c *core[K, V]) writeAt(k K, v V, deleted bool, s Stamp) (core[K, V], error) {
	if err := s.check(); err != nil {
		return core[K, V]{}, fmt.Errorf("lww: %w", err)
	}
	if s.Time <= c.horizon {
		return core[K, V]{}, &HorizonError{Stamp: s, Horizon: c.horizon}
	}
	x, err := c.prepare(k, v, deleted, false)
	if err != nil {
		return core[K, V]{}, err
	}
	return c.apply(&x, s), nil
}

// apply joins x under the stamp s into c and returns it as a state of its own.
func (c *core[K, V]) apply(x *write[K, V], s Stamp) core[K, V] {
	x.time, x.replica = s.Time, s.Replica
	c.join(x.position, &x.version)
	c.forget()
	return delta(&x.version)
}

// delta returns a state with the one version x.
func delta[K comparable, V any](x *version[K, V]) core[K, V] {
	one := &struct { // one allocation, and the only one if the caller drops the delta
		entries [1]entry[K, V]
		names   [1]vclock.Replica
		encs    [1]string
	}{
		[1]entry[K, V]{x.entry},
		[1]vclock.Replica{x.replica},
		[1]string{x.enc},
	}
	one.entries[0].by &= marks
	d := core[K, V]{entries: one.entries[:], replicas: table{names: one.names[:]}, dead: int(x.by & gone)}
	if x.enc != "" {
		d.encs = one.encs[:]
	}
	return d
}

// compact drops the tombstones at or below horizon.
func (c *core[K, V]) compact(horizon hlc.Timestamp) error {
	switch {
	case horizon <= c.horizon:
		return nil
	case len(c.entries) == 0 && c.horizon == 0:
		return fmt.Errorf("lww: compact to %v: the state is empty", horizon)
	case horizon >= hlc.Max:
		return fmt.Errorf("lww: compact to %d: no write could follow", uint64(horizon))
	}
	c.horizon = horizon
	c.retain(func(e *entry[K, V]) bool { return e.time > horizon || !e.deleted() })
	return nil
}
