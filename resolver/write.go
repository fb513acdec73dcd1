package resolver

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/lww"
)

// A Writer makes the writes of one replica. Epoch is that in which it was
// promoted, 0 where nobody ever is.
type Writer struct {
	lww.Writer
	Epoch uint64
}

// Written is what a write did.
type Written[T any] struct {
	// Version is the new one. With a [*FencedError] it is the one refused.
	Version Version[T]
	// Context is what the writer has now been shown: its own write, too. With it the
	// same client may write again to the same store without reading. If nothing stands
	// beside the write, the next reader's equals it, until something happens.
	Context Context
	// Fenced are of lower epochs, not shown to the writer, and gone from the set: log
	// them.
	Fenced []Version[T]
}

// A FencedError reports a write by a deposed primary, which was refused.
type FencedError struct {
	Epoch   uint64 // the writer's
	Current uint64 // the highest known, here or where the context was read
	Version any    // the version refused, a Version[T], for [Reconciler.Fenced]; nil from [StoreEpoch.Check]
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("resolver: write in epoch %d is fenced by epoch %d", e.Epoch, e.Current)
}

// A BehindError reports a context from a replica which knows a version that
// this set has not merged. Merge its state, or read again here.
type BehindError struct {
	Stamp lww.Stamp // the version that the writer was shown
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("resolver: set is behind: the writer was shown %v, which it has not merged", e.Stamp)
}

// maxVersions is how many versions a set may have by writes that replace none.
const maxVersions = 1000

// A CrowdedError reports a write that replaces none of 1,000 versions or more.
type CrowdedError struct {
	Versions int // in the set
}

func (e *CrowdedError) Error() string {
	return fmt.Sprintf("resolver: set holds %d versions, and the write replaces none", e.Versions)
}

// ErrNotSingle is what [Siblings.Touch] returns for none or several versions.
var ErrNotSingle = errors.New("resolver: the set holds none of the versions that the writer was shown, or several")

// Write records a write of value by w. It replaces exactly the versions that
// seen covers, the context of what the writer was shown, be it at another
// replica. It is stamped after everything that s and seen cover, so never taken
// for a version that is gone. Only the owner of w.Replica writes under that
// name, into its own set.
//
// To assert what is there is no write, as in [lww.Map.Put]: where the writer
// was shown the only version of s, and it has this value, s stays as it is and
// [Written] has that version. [Siblings.Touch] writes it again.
//
// Write returns a [*FencedError] if the epoch of w is below that of s or of
// seen; a [*BehindError] if seen is of a deferred conflict, or of a write, that
// s has not merged; a [*CrowdedError]; why value cannot be encoded; or that w's
// clock has no time to give. The set is then as it was. Write panics if w is
// invalid, as [lww.Writer.Next] does.
func (s *Siblings[T]) Write(w Writer, seen Context, value T) (Written[T], error) {
	return s.write(w, Version[T]{Value: value, Past: seen}, nil)
}

// Edit is [Siblings.Write] of a value that was made from base, the version or
// the outcome of a conflict that the writer was shown, so that [Fields] merges
// concurrent edits three ways. Versions then carry up to four of the values
// that they come from, each stored once in a set. A Write over an edit carries
// them on, and adds none.
func (s *Siblings[T]) Edit(w Writer, seen Context, base, value T) (Written[T], error) {
	return s.write(w, Version[T]{Value: value, Past: seen}, &base)
}

// Delete is [Siblings.Write] of nothing: a version until [Siblings.Reap].
func (s *Siblings[T]) Delete(w Writer, seen Context) (Written[T], error) {
	return s.write(w, Version[T]{Deleted: true, Past: seen}, nil)
}

// Touch writes again, as it is, the one version, or delete, that s holds of
// those that the writer was shown: it then stands beside writes that s has not
// heard of. It returns [ErrNotSingle] if there is none or several, and the
// errors of [Siblings.Write]; the set is then as it was.
func (s *Siblings[T]) Touch(w Writer, seen Context) (Written[T], error) {
	shown := slices.DeleteFunc(s.Versions(), func(v Version[T]) bool { return !seen.covers(v.Stamp) })
	if len(shown) != 1 {
		return Written[T]{}, ErrNotSingle
	}
	v := &shown[0]
	return s.add(w, Version[T]{Value: v.Value, Deleted: v.Deleted, Past: seen, stored: v.stored}, nil)
}

// write adds v unless that is what there is.
func (s *Siblings[T]) write(w Writer, v Version[T], base *T) (Written[T], error) {
	if there := s.asserted(w, v.Past); there != nil && there.Deleted == v.Deleted {
		if v.Deleted {
			return Written[T]{Version: there.Version, Context: s.context(false)}, nil
		}
		var err error
		if v.stored, err = store(v.Value, there.stored); err != nil {
			return Written[T]{}, fmt.Errorf("resolver: %w", err)
		}
		if v.Value = v.stored.v; there.stored.bad == nil && v.stored.same(there.stored) {
			return Written[T]{Version: there.Version, Context: s.context(true)}, nil
		}
	}
	return s.add(w, v, base)
}

// asserted returns the version that a write by w under seen may find to say what it says,
// or nil: the only one, which the writer was shown.
func (s *Siblings[T]) asserted(w Writer, seen Context) *entry[T] {
	if len(s.entries) != 1 || w.Epoch != s.level || s.epoch != s.level || !s.Covers(seen) ||
		!seen.shown(s.entries[0].Stamp, s.epoch) || !w.Replica.IsValid() || w.Clock == nil {
		return nil
	}
	return &s.entries[0]
}

// add writes v, of which value and past are given, and what its writer started from
// if that is known.
func (s *Siblings[T]) add(w Writer, v Version[T], base *T) (Written[T], error) {
	seen := v.Past
	current := max(s.level, seen.epoch)
	if w.Epoch == seen.of && w.Epoch >= current && !seen.dot.IsZero() && !contains(s.past, seen.dot) {
		return Written[T]{}, &BehindError{Stamp: seen.dot}
	}
	var err error
	if v.Stamp, err = w.Next(max(s.floor, seen.latest())); err != nil {
		return Written[T]{}, fmt.Errorf("resolver: %w", err)
	}
	v.Epoch = w.Epoch
	if w.Epoch < current {
		return Written[T]{Version: v}, &FencedError{Epoch: w.Epoch, Current: current, Version: v}
	}
	if err := s.carry(&v, base); err != nil {
		return Written[T]{}, fmt.Errorf("resolver: %w", err)
	}
	if !v.Deleted && v.stored == nil {
		if v.stored, err = store(v.Value, s.newest(seen)); err != nil {
			return Written[T]{}, fmt.Errorf("resolver: %w", err)
		}
		v.Value = v.stored.v
	}
	e := entry[T]{v}
	kept, fenced := s.after(seen, w.Epoch)
	if len(kept) >= max(maxVersions, len(s.entries)) {
		return Written[T]{}, &CrowdedError{Versions: len(s.entries)}
	}
	kept = append(kept, e) // the last, as its stamp is after all that s has merged
	s.past = s.past.Join(seen.past).With(e.Stamp.Replica, uint64(e.Stamp.Time))
	s.level, s.epoch, s.floor, s.entries, s.grown = w.Epoch, w.Epoch, e.Stamp.Time, kept, s
	written := Written[T]{Version: e.Version, Context: seen.with(e.Stamp, w.Epoch, !v.Deleted), Fenced: fenced}
	if len(kept) == 1 && len(fenced) == 0 {
		written.Context = s.context(!v.Deleted) // all that is not held was shown to the writer, or replaced by what was
	}
	return written, nil
}

// after returns the entries of s that a write under seen in the given epoch leaves
// there, in a list that may be appended to, and the versions that it fences.
func (s *Siblings[T]) after(seen Context, epoch uint64) (kept []entry[T], fenced []Version[T]) {
	if epoch == s.epoch && seen.isBlind() {
		if s.grown == s {
			return s.entries, nil // what follows them is nobody else's
		}
		return append(make([]entry[T], 0, len(s.entries)+1), s.entries...), nil
	}
	kept = make([]entry[T], 0, 1)
	for _, old := range s.entries {
		switch {
		case old.Epoch < epoch:
			if !seen.shown(old.Stamp, old.Epoch) {
				fenced = append(fenced, old.Version)
			}
		case seen.covers(old.Stamp):
		default:
			kept = append(kept, old)
		}
	}
	return kept, fenced
}
