package lww

import (
	"fmt"
	"iter"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// A Map is a last-writer-wins map, one stamp per key: a row whose columns are
// written independently, as in Cassandra. Of concurrent writes to one key the
// one with the larger [Stamp] wins; a delete is a write, and beats a put of the
// same stamp.
//
// The zero Map is empty and ready to use. A Map is not safe for concurrent use,
// and must not be copied: see the package comment, also about keys, values and
// deltas. It holds one version per key ever written, deleted ones included
// until [Map.Compact]. Writes, At, Stamp and Len take O(1) time, all else O(n)
// for n versions, or O(n log n) if it sorts.
type Map[K comparable, V any] struct {
	_ nocopy.NoCopy
	core[K, V]
}

// Put sets the value of k, unless it is v: see Writes in the package comment.
func (m *Map[K, V]) Put(w Writer, k K, v V) (delta *Map[K, V], err error) {
	d, err := m.write(w, k, v, false)
	return &Map[K, V]{core: d}, err
}

// PutAt sets the value of k under a stamp from elsewhere. It also returns an
// error if that is invalid, and a [*HorizonError] if it is at or below the
// horizon.
func (m *Map[K, V]) PutAt(k K, v V, s Stamp) (delta *Map[K, V], err error) {
	d, err := m.writeAt(k, v, false, s)
	return &Map[K, V]{core: d}, err
}

// Touch writes the value of k again under a new stamp: as a heartbeat, or
// against writes unknown to m. It returns [ErrAbsent] if there is none.
func (m *Map[K, V]) Touch(w Writer, k K) (delta *Map[K, V], err error) {
	d, err := m.touch(w, k)
	return &Map[K, V]{core: d}, err
}

// Delete deletes k, held or not: a put of a smaller stamp that comes later is
// deleted too. It leaves a tombstone.
func (m *Map[K, V]) Delete(w Writer, k K) (delta *Map[K, V], err error) {
	var zero V
	d, err := m.write(w, k, zero, true)
	return &Map[K, V]{core: d}, err
}

// DeleteAt is [Map.Delete] under a stamp from elsewhere: see [Map.PutAt].
func (m *Map[K, V]) DeleteAt(k K, s Stamp) (delta *Map[K, V], err error) {
	var zero V
	d, err := m.writeAt(k, zero, true, s)
	return &Map[K, V]{core: d}, err
}

// At returns the value of k, and whether there is one that V can hold.
func (m *Map[K, V]) At(k K) (V, bool) {
	if i := m.lookup(k); i >= 0 && m.core.entries[i].readable() {
		return m.core.entries[i].value, true
	}
	var zero V
	return zero, false
}

// Stamp returns the stamp of the last put or delete of k, or zero.
func (m *Map[K, V]) Stamp(k K) Stamp {
	if i := m.lookup(k); i >= 0 {
		return m.stamp(i)
	}
	return Stamp{}
}

// Len returns the number of keys with a value, be it one that V can hold or
// not.
func (m *Map[K, V]) Len() int { return len(m.entries) - m.dead }

// All returns an iterator over the keys with a value that V can hold, in the
// order in which m first heard of them, which differs between replicas.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i := range m.entries {
			if e := &m.entries[i]; e.readable() && !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Unreadable returns an iterator over the keys whose values V cannot hold. They
// come by [Map.UnmarshalLenient], [Map.MergeLenient] and merges with what these
// made only, and are kept, merged and encoded byte for byte.
func (m *Map[K, V]) Unreadable() iter.Seq2[K, *content.ValueError] {
	return func(yield func(K, *content.ValueError) bool) {
		for i := range m.entries {
			if e := &m.entries[i]; e.by&unreadable != 0 && !yield(e.key, m.unread(i)) {
				return
			}
		}
	}
}

// Check returns the first error of [Map.Unreadable], or nil.
func (m *Map[K, V]) Check() error {
	for _, bad := range m.Unreadable() {
		return fmt.Errorf("lww: %w", bad)
	}
	return nil
}

// unread returns why V cannot hold the value at position i.
func (c *core[K, V]) unread(i int) *content.ValueError {
	bad := value.Unreadable[V](c.enc(i))
	bad.Key = string(value.AppendKeyJSON(nil, c.entries[i].key))
	return bad
}

// Tombstones returns an iterator over the deleted keys with their stamps.
func (m *Map[K, V]) Tombstones() iter.Seq2[K, Stamp] { return m.tombstones() }

// Merge joins o into m, and reports whether m changed, horizon included: see
// [Map.Compact]. It takes O(n) time for n versions in o, and O(m) more for m in
// m if o has the larger horizon. It allocates nothing if nothing changes.
func (m *Map[K, V]) Merge(o *Map[K, V]) bool { return m.merge(&o.core) }

// Changed returns the keys whose version, or lack of one, merging o would
// change, sorted by their canonical bytes.
func (m *Map[K, V]) Changed(o *Map[K, V]) []K { return m.changed(&o.core) }

// Stragglers returns what a merge of m and o would drop because it is at or
// below the larger horizon: puts that the compacted side does not hold, and
// versions later than the one it holds. They are of the side with the smaller
// [Map.Horizon], and sorted by the canonical bytes of the keys. After safe
// compactions they are only puts deleted since; all else is data about to be
// lost: log it before the merge.
func (m *Map[K, V]) Stragglers(o *Map[K, V]) []Entry[K, V] { return m.stragglers(&o.core) }

// Ahead returns the versions with a time more than limit after now, sorted by
// the canonical bytes of the keys. A negative limit counts as zero.
//
// Refuse a peer's state with such entries, or leave them out, before it is
// merged: a stamp from the future wins for as long as it is ahead, and cannot
// be lowered, only overwritten one tick above. Who writes the key without
// having seen it loses. A horizon from the future, which only [Map.Latest]
// shows, drops all below as it merges.
func (m *Map[K, V]) Ahead(now hlc.Timestamp, limit time.Duration) []Entry[K, V] {
	return m.ahead(now, limit)
}

// Latest returns the largest time in m, of a version or the horizon, or zero.
// Advance the clock to that of what arrives, and later writes are after it. A
// clock that refuses says that the state is from the future: see
// [hlc.Clock.Advance].
func (m *Map[K, V]) Latest() hlc.Timestamp { return m.latest() }

// Horizon returns the time that m is compacted to, or zero.
func (m *Map[K, V]) Horizon() hlc.Timestamp { return m.horizon }

// Compact drops the tombstones with a time at or below horizon, and makes
// horizon a part of the state. One at or below the present horizon has no
// effect. It returns an error if m is empty, as a delta or a new replica may
// be, and if no write could be later than horizon.
//
// In a merge, with h the larger horizon of the two sides: at or below h only a
// side whose horizon is h counts, as a whole; above h versions join as ever. So
// a replica that missed a compaction takes over the compacted past, and what it
// had not heard to be deleted does not come back.
//
// # Hazard
//
// The state must hold every write stamped at or below horizon, and no replica
// may stamp one so from now on, or writes are lost. The floor of a
// [vclock.Matrix] of hlc timestamps tells that. An age, such as ten days, does
// not: a write on its way for longer is erased everywhere, and only
// [Map.Stragglers] shows it. Compact whole states only, never a delta.
func (m *Map[K, V]) Compact(horizon hlc.Timestamp) error { return m.compact(horizon) }

// Equal reports whether m and o have equal versions, tombstones and horizons.
func (m *Map[K, V]) Equal(o *Map[K, V]) bool { return m.equal(&o.core) }

// Clone returns a copy of m that shares nothing with it but the values.
func (m *Map[K, V]) Clone() *Map[K, V] { return &Map[K, V]{core: m.clone()} }
