package lww

import (
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock"
)

// lastOf returns the largest time of a write by r.
func (c *core[K, V]) lastOf(r vclock.Replica) (last hlc.Timestamp) {
	for i := range c.entries {
		if s := c.stamp(i); s.Replica == r {
			last = max(last, s.Time)
		}
	}
	return last
}

// verify returns an error that names the first key whose version has one stamp and
// two contents.
func (c *core[K, V]) verify(d *core[K, V]) error {
	for i := range c.entries {
		e := &c.entries[i]
		if j := d.find(e.key, e.hash); j >= 0 && c.stamp(i) == d.stamp(j) && c.compare(i, d, j) != 0 {
			return forked(string(value.AppendKeyJSON(nil, e.key)), c.stamp(i))
		}
	}
	return nil
}

func forked(what string, s Stamp) error {
	return fmt.Errorf("lww: %s: stamp %v stands for two writes", what, s)
}

// speaks reports whether d has writes that are sealed, and that c lacks.
func (c *core[K, V]) speaks(d *core[K, V], sealed vclock.Closing) bool {
	for i := range d.entries {
		e, s := &d.entries[i], d.stamp(i)
		if s.Time <= c.horizon || !sealed.IsOverAt(s.Replica, uint64(s.Time)) {
			continue
		}
		if j := c.find(e.key, e.hash); j < 0 || c.stamp(j).Before(s) {
			return true
		}
	}
	return false
}

// LastOf returns the time of the latest write by r that m holds, or zero; what
// others have overwritten is not seen. One after the last that r itself knows
// of shows that another lineage uses the name: see [vclock.Replica].
func (m *Map[K, V]) LastOf(r vclock.Replica) hlc.Timestamp { return m.lastOf(r) }

// Verify returns an error that names a key which m and o hold with one stamp
// and two contents, or nil. Merge keeps the larger. It happens only if two
// lineages use one replica, or one wrote over an entry from the future.
func (m *Map[K, V]) Verify(o *Map[K, V]) error { return m.verify(&o.core) }

// Speaks reports whether o has writes that are sealed, and that m lacks. Ask it
// of what does not come from a member with its matrix, and refuse what does:
// see [vclock.Matrix.Sealed].
func (m *Map[K, V]) Speaks(o *Map[K, V], sealed vclock.Closing) bool {
	return m.speaks(&o.core, sealed)
}

// LastOf returns the time of the latest write by r, or zero: see [Map.LastOf].
func (s *Set[E]) LastOf(r vclock.Replica) hlc.Timestamp { return s.lastOf(r) }

// Verify returns an error if one stamp is of two writes: see [Map.Verify].
func (s *Set[E]) Verify(o *Set[E]) error { return s.verify(&o.core) }

// Speaks reports whether o has sealed writes that s lacks: see [Map.Speaks].
func (s *Set[E]) Speaks(o *Set[E], sealed vclock.Closing) bool { return s.speaks(&o.core, sealed) }

// LastOf returns the time of the value if the replica wrote it, or zero.
func (r *Register[V]) LastOf(by vclock.Replica) hlc.Timestamp {
	if r.stamp.Replica == by {
		return r.stamp.Time
	}
	return 0
}

// Verify returns an error if one stamp is of two values: see [Map.Verify].
func (r *Register[V]) Verify(o *Register[V]) error {
	if !r.stamp.IsZero() && r.stamp == o.stamp && r.compare(o) != 0 {
		return forked("the value", r.stamp)
	}
	return nil
}

// Speaks reports whether o has a sealed value that r lacks: see [Map.Speaks].
func (r *Register[V]) Speaks(o *Register[V], sealed vclock.Closing) bool {
	return sealed.IsOverAt(o.stamp.Replica, uint64(o.stamp.Time)) && r.stamp.Before(o.stamp)
}
