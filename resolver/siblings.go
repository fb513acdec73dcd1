package resolver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// Siblings holds the concurrent versions of one key, deletes included, and what
// they and all replaced versions add up to. It is the replicated state of the
// key, and the only thing that is merged.
//
// A write replaces exactly the versions that its writer was shown, as its
// [Context] says, and stands beside the others. Nothing else removes one but a
// higher epoch, which fences the versions below it (see [Promotion]), and
// [Siblings.Reap]. No version wins or loses here: that is up to a [Reconciler].
//
// The zero Siblings is a key never written and ready to use. Siblings is not
// safe for concurrent use, but may be read, and be the argument of Merge, by
// several goroutines at once. It holds O(r + s·r) state for r replicas that
// ever wrote and s versions. An assigned copy is a [Siblings.Clone]. Send it
// whole, or what [Siblings.Since] makes of it: as times leave gaps, no other
// part will do.
//
// Siblings and contexts are those of Riak: Preguiça, Baquero, Almeida, Fonte,
// Gonçalves, “Brief Announcement: Efficient Causality Tracking in Distributed
// Storage Systems with Dotted Version Vectors”, PODC 2012.
type Siblings[T any] struct {
	// Four numbers bound what a set says. Say that eu was the primary in epoch 0,
	// and us was promoted under epoch 1 with all of it, and wrote once:
	//
	//	field  bounds                               changes with          eu   us, promoted  us, written
	//	level  what counts: of sets, the higher     a promotion, a write  0    1             1
	//	epoch  what is held: versions below are     a write, a merge      0    0             1
	//	       fenced
	//	of     what a version's Past speaks for:    nothing               0    0             0: of what was
	//	       versions of that epoch                                                        shown before
	//	floor  the stamps of writes to come: above  a write, a merge      t    t             t'
	//
	// past says up to which time of each replica the writes of this key have been
	// merged: all that are covered and not in entries were replaced, fenced or
	// reaped. It covers every entry.
	past vclock.Clock
	// level is the highest epoch heard of, by a version or a promotion.
	level uint64
	// epoch is the highest of any version merged, at most level. All entries have it.
	epoch uint64
	// floor is at or above every time that was ever in past. It outlives a change
	// of level, so that no replica gives one stamp to two writes.
	floor   hlc.Timestamp
	entries []entry[T] // ascending by entry.compare; replaced as a whole, never written to
	// grown is s itself if entries were made for it, so that it may append to them. It
	// is another one in a copy.
	grown *Siblings[T]
}

// NewSiblings returns the set of a key that is not in store: stable is what the
// store has reaped up to (see [Siblings.Reap]), in times, and epoch the highest
// that it knows of; with neither it is the zero set. Merge the sets of peers
// into it, and late messages neither bring back what was reaped nor get past a
// promotion. It panics if a number in stable is above [hlc.Max].
func NewSiblings[T any](stable vclock.Clock, epoch uint64) *Siblings[T] {
	if err := checkClock(stable); err != nil {
		panic(fmt.Sprintf("resolver: NewSiblings: stable: %v", err))
	}
	return &Siblings[T]{past: stable, level: epoch, floor: latest(stable)}
}

// Len returns the number of versions, deletes included.
func (s *Siblings[T]) Len() int { return len(s.entries) }

// Versions returns a new slice of the versions in ascending order of their
// stamps.
func (s *Siblings[T]) Versions() []Version[T] {
	if len(s.entries) == 0 {
		return nil
	}
	versions := make([]Version[T], len(s.entries))
	for i := range s.entries {
		versions[i] = s.entries[i].Version
	}
	return versions
}

// Context returns the context of a reader who was shown all versions, as a
// client that resolves conflicts is. Other clients get that of an [Outcome].
func (s *Siblings[T]) Context() Context {
	return s.context(s.live())
}

func (s *Siblings[T]) context(found bool) Context {
	return Context{epoch: s.level, of: s.epoch, past: s.past, found: found}
}

// Clock returns up to which time of each replica the writes of this key have
// been merged, also where its versions are gone. A [Cut] has all its replicas.
func (s *Siblings[T]) Clock() vclock.Clock { return s.past }

// Covers reports whether s has merged all that a reader under c was shown, so
// that what s shows is no older. It is false if s has not heard of the epoch of
// c, or c has a version that was fenced: its reader has to read again.
func (s *Siblings[T]) Covers(c Context) bool {
	return s.level >= c.epoch && s.past.Covers(c.past) && (c.dot.IsZero() || contains(s.past, c.dot))
}

// String returns the number of versions and each of them, for people.
func (s *Siblings[T]) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d versions", len(s.entries))
	if s.level > 0 {
		fmt.Fprintf(&b, " in epoch %d", s.level)
	}
	for i := range s.entries {
		fmt.Fprintf(&b, "; %v", s.entries[i].Version)
	}
	return b.String()
}

// live reports whether there is a version that is no delete.
func (s *Siblings[T]) live() bool {
	return slices.ContainsFunc(s.entries, func(e entry[T]) bool { return !e.Deleted })
}

// Epoch returns the highest epoch that s knows, by a version or a promotion.
func (s *Siblings[T]) Epoch() uint64 { return s.level }

// LastOf returns the time of the latest write by r that s has merged, or zero;
// after [NewSiblings] and [Siblings.Reap] at least the reading of r in what was
// stable. If it is after all that the clock of r has issued, another lineage
// uses the name: see [vclock.Replica].
func (s *Siblings[T]) LastOf(r vclock.Replica) hlc.Timestamp { return hlc.Timestamp(s.past.At(r)) }

// Verify returns an error that names the first version that s and o hold with
// different content, as two lineages with one name write it, or nil. Merge
// keeps both; their conflict has the kind [Forked].
func (s *Siblings[T]) Verify(o *Siblings[T]) error {
	for i := range s.entries {
		for j := range o.entries {
			if e, f := &s.entries[i], &o.entries[j]; e.Stamp == f.Stamp && !e.same(f) {
				return fmt.Errorf("resolver: version %v is held with different content", e.Stamp)
			}
		}
	}
	return nil
}

// Speaks reports whether o has merged sealed writes that s has not. Ask it of
// what does not come from a member with its matrix, and refuse what does: see
// [vclock.Matrix.Sealed].
func (s *Siblings[T]) Speaks(o *Siblings[T], sealed vclock.Closing) bool {
	for r, t := range o.past.All() {
		if sealed.IsOverAt(r, t) && t > s.past.At(r) {
			return true
		}
	}
	return false
}

// Ahead returns an [*AheadError] if a time in s is more than limit after now.
// Ask it of what a peer sent, before merging: a version from the future wins
// where the latest does, and is replaced only by those who were shown it.
func (s *Siblings[T]) Ahead(now hlc.Timestamp, limit time.Duration) error {
	return ahead(s.past, lww.Stamp{}, now, limit)
}

// Equal reports whether s and o are the same state.
func (s *Siblings[T]) Equal(o *Siblings[T]) bool {
	return s.level == o.level && s.epoch == o.epoch && s.floor == o.floor && s.past.Equal(o.past) &&
		slices.EqualFunc(s.entries, o.entries, func(e, f entry[T]) bool { return e.same(&f) })
}

// Clone returns a copy of s, which shares only the values with it.
func (s *Siblings[T]) Clone() *Siblings[T] {
	c := *s
	c.grown = nil
	return &c
}
