package resolvertest

import (
	"slices"

	"github.com/rejoin-go/rejoin/internal/lawkit"
)

// shrinkRuns bounds how many histories shrink tries.
const shrinkRuns = 1000

// shrink returns the failure of the smallest history that it finds to break the
// same law as h, first by leaving out steps, then by making the others simpler.
func (k *Kit[T]) shrink(h history[T], failure *LawError) *LawError {
	runs := 0
	try := func(smaller history[T]) bool {
		if runs++; runs > shrinkRuns {
			return false
		}
		f := k.run(smaller)
		if f == nil || f.Law != failure.Law {
			return false
		}
		h, failure = smaller, f
		return true
	}
	for progress := true; progress; {
		size := len(h)
		lawkit.LeaveOut(h, try)
		progress = slices.ContainsFunc(simpler(h), try) || len(h) < size
	}
	return failure
}

// simpler returns histories of the same length to try instead of h: with earlier
// sites, and with plain writes.
// Each is a step toward a least one, so that trying them comes to an end.
func simpler[T any](h history[T]) []history[T] {
	var all []history[T]
	change := func(i int, f func(st *step[T])) {
		smaller := slices.Clone(h)
		f(&smaller[i])
		all = append(all, smaller)
	}
	for i, st := range h {
		for at := range st.at {
			change(i, func(st *step[T]) { st.at = at })
		}
		for from := range st.from {
			change(i, func(st *step[T]) { st.from = from })
		}
		if st.blind {
			change(i, func(st *step[T]) { st.blind = false })
		}
		if st.kind == edit {
			change(i, func(st *step[T]) { st.kind = write })
		}
	}
	return all
}
