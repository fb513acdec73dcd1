package mergetest

import (
	"slices"

	"github.com/rejoin-go/rejoin/internal/lawkit"
)

// shrink returns the failure of the smallest history that it finds to break the
// same law as h.
func (k *RecordKit[T]) shrink(h history, failure *LawError) *LawError {
	runs, size := 0, sizeOf(h, failure)
	try := func(smaller history) bool {
		if runs >= shrinkRuns {
			return false
		}
		runs++
		_, f := k.execute(smaller, true)
		if f == nil || f.Law != failure.Law || sizeOf(smaller, f) >= size {
			return false
		}
		h, failure, size = smaller, f, sizeOf(smaller, f)
		return true
	}
	lawkit.LeaveOut(h, try)
	for slices.ContainsFunc(k.simpler(h), try) {
	}
	return failure
}

// sizeOf orders histories by how much there is to read.
func sizeOf(h history, failure *LawError) int {
	n := 1000*len(failure.Inputs) + 100*len(h) + len(failure.Detail)
	for _, s := range failure.Inputs {
		n += 2 * len(s)
	}
	for _, st := range h {
		n += st.at + int(st.form)
	}
	return n
}

// maxPairs is the length up to which all pairs of steps are tried to be left out.
const maxPairs = 12

// simpler returns histories to try instead of h: with a step or two less, with a
// step at another replica, or with another edit.
func (k *RecordKit[T]) simpler(h history) []history {
	var all []history
	change := func(i int, f func(*step)) {
		x := slices.Clone(h)
		f(&x[i])
		all = append(all, x)
	}
	for i, st := range h {
		all = append(all, slices.Delete(slices.Clone(h), i, i+1))
		for at := range st.at {
			change(i, func(s *step) { s.at = at })
		}
		if st.form != direct {
			change(i, func(s *step) { s.form = direct })
		}
		if st.kind == receive {
			for at := range k.replicas() {
				change(i, func(s *step) { s.kind, s.from = join, at })
			}
		}
	}
	if len(h) <= maxPairs {
		for j := range h {
			for i := range j {
				all = append(all, slices.Delete(slices.Delete(slices.Clone(h), j, j+1), i, i+1))
			}
		}
	}
	for i, st := range h {
		for _, other := range h {
			if other.seed != st.seed {
				change(i, func(s *step) { s.seed = other.seed })
			}
		}
		for seed := range 12 {
			change(i, func(s *step) { s.seed = seed })
		}
	}
	return all
}
