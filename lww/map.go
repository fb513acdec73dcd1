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
// The zero Map is empty and ready to use. A Map is not safe for concurrent use:
// like a built-in map it may be read, and be the argument of Merge, from several
// goroutines at once, while a write excludes everything else.
//
// Put carries over what V does not know of the value that it replaces: package
// content of vclock has all about values. A Map must not be copied: see [Map.Clone].
//
// Put, Delete and At take O(1) time. A Map holds one version per key ever
// written, deleted ones included until [Map.Compact], and shares values with the
// states that it merged: a value must not be changed after it was put. The
// package comment says of which types keys and values may be.
//
// Put, PutAt, Delete and DeleteAt return their effect as a delta: a Map with
// that one version, to be merged elsewhere. Deltas may be lost, repeated,
// reordered and merged into each other. They carry no horizon.
type Map[K comparable, V any] struct {
	_ nocopy.NoCopy
	core[K, V]
}

// Put sets the value of k. Its stamp is above the one it replaces and above the
// horizon, so that k reads back as v whatever was there before.
//
// To assert the value that is there already is no write, as in Update of a merge.Record and
// Write of resolver.Siblings: m keeps it under its stamp, and the delta is what is
// there. A heartbeat is one: [Map.Touch] writes it again.
//
// It returns an error, and leaves m as it was, if K cannot be a key, if v cannot
// be encoded, or if w's clock has no time to give. It panics if w is invalid: see
// [Writer.Next].
func (m *Map[K, V]) Put(w Writer, k K, v V) (delta *Map[K, V], err error) {
	d, err := m.write(w, k, v, false)
	return &Map[K, V]{core: d}, err
}

// PutAt puts a value that was stamped elsewhere: in another system, or by this
// one before. It has no effect if m holds a later version of k.
//
// It returns an error, and leaves m as it was, as [Map.Put] does; also for an
// invalid stamp and, a [*HorizonError], for one at or below the horizon.
func (m *Map[K, V]) PutAt(k K, v V, s Stamp) (delta *Map[K, V], err error) {
	d, err := m.writeAt(k, v, false, s)
	return &Map[K, V]{core: d}, err
}

// Touch writes the value of k again, as it is, under a new stamp: it then stands
// against writes that m has not heard of. It returns [ErrAbsent] if k has no value, and an
// error if w's clock has no time to give; m is then as it was. It panics if w is invalid.
func (m *Map[K, V]) Touch(w Writer, k K) (delta *Map[K, V], err error) {
	d, err := m.touch(w, k)
	return &Map[K, V]{core: d}, err
}

// Delete deletes k, whether m holds it or not: a put that arrives later under
// a smaller stamp stays deleted. It leaves a tombstone; what is deleted already keeps
// the one it has. Errors and panics are those of [Map.Put].
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

// Stamp returns the stamp of the last write to k, be it a put or a delete, or
// the zero Stamp if m knows of none.
func (m *Map[K, V]) Stamp(k K) Stamp {
	if i := m.lookup(k); i >= 0 {
		return m.stamp(i)
	}
	return Stamp{}
}

// Len returns the number of keys with a value, be it one that V can hold or not.
func (m *Map[K, V]) Len() int { return len(m.entries) - m.dead }

// All returns an iterator over the keys with a value that V can hold, in the order in which m
// first heard of them, which differs between replicas. The Map must not be
// written to during the iteration.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i := range m.entries {
			if e := &m.entries[i]; e.readable() && !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Unreadable returns an iterator over the keys whose values V cannot hold, in the
// order of [Map.All], with what is there. Only [Map.UnmarshalLenient], [Map.MergeLenient]
// and merging what they made let such values in: they are kept, merged and encoded byte
// for byte as they came. The Map must not be written to during the iteration.
func (m *Map[K, V]) Unreadable() iter.Seq2[K, *content.ValueError] {
	return func(yield func(K, *content.ValueError) bool) {
		for i := range m.entries {
			if e := &m.entries[i]; e.by&unreadable != 0 && !yield(e.key, m.unread(i)) {
				return
			}
		}
	}
}

// Check returns the first error of [Map.Unreadable], or nil if V can hold every
// value. It takes O(n) time for n keys.
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

// Tombstones returns an iterator over the deleted keys with the stamps of their
// deletes, in the order of [Map.All]. The Map must not be written to during the
// iteration.
func (m *Map[K, V]) Tombstones() iter.Seq2[K, Stamp] { return m.tombstones() }

// Merge joins o into m and reports whether m changed, horizon included. It does
// not modify or retain o, which may be m itself.
//
// Merge is commutative, associative and idempotent up to [Map.Equal]. It takes
// O(n) time for the n versions in o, and O(m) more for those in m if o has the
// larger horizon; nothing is allocated if nothing changes.
//
// See [Map.Compact] for what a horizon does to a merge.
func (m *Map[K, V]) Merge(o *Map[K, V]) bool { return m.merge(&o.core) }

// Changed returns the keys of which merging o would change the version: value,
// stamp, or that there is one. They are sorted by their canonical bytes.
func (m *Map[K, V]) Changed(o *Map[K, V]) []K { return m.changed(&o.core) }

// Stragglers returns the versions that a merge of m and o would drop because
// they are at or below the larger horizon: puts that the compacted side does
// not hold, and versions later than the one it holds. They are all on the side
// with the smaller [Map.Horizon], which is either. After safe compactions only
// puts that were deleted since are among them; anything else is data about to
// be lost, so the list belongs into a log before the merge. It is sorted by the
// canonical bytes of the keys.
func (m *Map[K, V]) Stragglers(o *Map[K, V]) []Entry[K, V] { return m.stragglers(&o.core) }

// Ahead returns the versions with a time more than limit after now, sorted by
// the canonical bytes of their keys. A negative limit counts as zero.
//
// Ask a peer's state before merging it, and refuse it or leave such entries out:
// once merged, a stamp from the future cannot be lowered, only be overwritten
// one tick above, and whoever writes the key without having seen it loses. A
// horizon from the future is worse, as merging it drops everything below:
// [Map.Latest] takes it into account, Ahead has no entry for it.
func (m *Map[K, V]) Ahead(now hlc.Timestamp, limit time.Duration) []Entry[K, V] {
	return m.ahead(now, limit)
}

// Latest returns the largest time in m, of any version or of the horizon, or
// zero if m is empty. Advance the local clock to the Latest of what arrives, and
// what is written next is after all of it; a clock that refuses says that the
// state is from the future: see [hlc.Clock.Advance]. It takes O(n) time.
func (m *Map[K, V]) Latest() hlc.Timestamp { return m.latest() }

// Horizon returns the time that m is compacted to, or zero.
func (m *Map[K, V]) Horizon() hlc.Timestamp { return m.horizon }

// Compact drops the tombstones with a time at or below horizon, and makes
// horizon a part of the state. A horizon at or below the present one has no
// effect.
//
// In a merge, with h the larger horizon of the two sides: at or below h only a
// side whose horizon is h counts, as a whole, and above h versions join as ever.
// So a replica that missed a compaction takes over the compacted past, and what
// it had not heard to be deleted does not come back.
//
// Compact returns an error if m is empty, which a delta or a new replica may be
// but no state worth compacting, and if no write could be later than horizon.
//
// # Hazard
//
// The state compacted must hold every write stamped at or below horizon, and
// none may be stamped so from now on, by any replica. Only then does nothing get
// lost. That is what the floor of a [vclock.Matrix] of hlc timestamps tells; an
// age, such as ten days ago, does not: a write that was on its way for longer is
// erased everywhere, silently but for [Map.Stragglers]. Compact whole states
// only, never a delta.
func (m *Map[K, V]) Compact(horizon hlc.Timestamp) error { return m.compact(horizon) }

// Equal reports whether m and o are the same state: same versions, tombstones
// included, and same horizon.
func (m *Map[K, V]) Equal(o *Map[K, V]) bool { return m.equal(&o.core) }

// Clone returns a copy of m that shares nothing with it but the values, which
// must not be changed anyway.
func (m *Map[K, V]) Clone() *Map[K, V] { return &Map[K, V]{core: m.clone()} }
