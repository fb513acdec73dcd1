package resolver

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/vclock"
)

// An ancestor says what there was to show of a key when all that past covers had
// been merged, and nothing else. Versions that were edited from it, however often
// and wherever since, are merged with it as the base.
//
// An ancestor is a base only of versions whose pasts have exactly its past in
// common. A smaller one, though common to all, would count edits twice.
type ancestor[T any] struct {
	past  vclock.Clock
	value *stored[T] // nil if there was nothing
}

// maxAncestors is how many a version carries. A partition with any number of
// edits on both sides is merged with two; the others are for regions that hear of
// each other in between.
const maxAncestors = 4

// same reports whether a and b are one ancestor.
func (a *ancestor[T]) same(b *ancestor[T]) bool {
	return a.past.Equal(b.past) && a.value.same(b.value)
}

// compare orders ancestors: after those that it covers, and else in any order that
// is the same everywhere.
func (a *ancestor[T]) compare(b *ancestor[T]) int {
	if c := cmp.Or(compareClocks(a.past, b.past), cmp.Compare(a.found(), b.found())); c != 0 || a.value == nil {
		return c
	}
	return a.value.compare(b.value)
}

// found returns 1 if there was something to show, and else 0.
func (a *ancestor[T]) found() int {
	if a.value == nil {
		return 0
	}
	return 1
}

// compareClocks orders clocks by the sums of their numbers, so that one comes after
// those that it covers, and of equal sums by what they are.
func compareClocks(c, d vclock.Clock) int {
	if c.Equal(d) {
		return 0
	}
	chi, clo := sum(c)
	dhi, dlo := sum(d)
	if o := cmp.Or(cmp.Compare(chi, dhi), cmp.Compare(clo, dlo)); o != 0 {
		return o
	}
	return cmp.Compare(c.String(), d.String())
}

func sum(c vclock.Clock) (hi, lo uint64) {
	for _, n := range c.All() {
		var carry uint64
		lo, carry = bits.Add64(lo, n, 0)
		hi += carry
	}
	return hi, lo
}

// trim sorts ancestors, takes each once, and leaves out some if they are too many:
// of a run in which one replica alone went on, those in the middle first, then the
// second oldest. The oldest of a run is what others went on from, and the newest
// are what others have heard of.
func trim[T any](all []ancestor[T]) []ancestor[T] {
	slices.SortFunc(all, func(a, b ancestor[T]) int { return a.compare(&b) })
	all = slices.CompactFunc(all, func(a, b ancestor[T]) bool { return a.same(&b) })
	for len(all) > maxAncestors {
		out := 1
		for i := 1; i < len(all)-1; i++ {
			r, ok := advanced(all[i-1].past, all[i].past)
			if s, also := advanced(all[i].past, all[i+1].past); ok && also && r == s {
				out = i
				break
			}
		}
		all = slices.Delete(all, out, out+1)
	}
	if len(all) == 0 {
		return nil
	}
	return slices.Clip(all)
}

// advanced returns the one replica whose number is larger in d than in c, if that
// is all that differs.
func advanced(c, d vclock.Clock) (r vclock.Replica, ok bool) {
	if c.Len() > d.Len() || d.Len() > c.Len()+1 {
		return "", false
	}
	for s, n := range d.All() {
		if c.At(s) == n {
			continue
		}
		if ok || n < c.At(s) {
			return "", false
		}
		r, ok = s, true
	}
	return r, ok && c.With(r, d.At(r)).Equal(d)
}

// checkAncestors returns an error for what no version of the given time has.
func checkAncestors[T any](all []ancestor[T], time hlc.Timestamp) error {
	if len(all) > maxAncestors {
		return fmt.Errorf("%d ancestors, more than %d", len(all), maxAncestors)
	}
	for i := range all {
		if latest(all[i].past) >= time || i > 0 && all[i-1].compare(&all[i]) >= 0 {
			return errors.New("an ancestor is out of order or not before the version")
		}
	}
	return nil
}
