package mergetest

import "slices"

// shrinkRuns bounds how many scenes shrink tries.
const shrinkRuns = 1000

// shrink returns the failure of the smallest scene that it finds to break the
// same law as s.
func (k *Kit[T]) shrink(s scene[T], failure *LawError) *LawError {
	runs, size := 0, k.size(s)
	try := func(smaller scene[T]) bool {
		if k.size(smaller) >= size || runs >= shrinkRuns {
			return false
		}
		runs++
		f := k.check(smaller)
		if f == nil || f.Law != failure.Law {
			return false
		}
		s, failure, size = smaller, f, k.size(smaller)
		return true
	}
	for slices.ContainsFunc(k.smaller(s), try) {
	}
	return failure
}

// size orders scenes by how much there is to read.
func (k *Kit[T]) size(s scene[T]) (n int) {
	failure := contain(func() *LawError {
		for _, line := range k.inputs(s) {
			n += len(line)
		}
		return nil
	})
	if failure != nil {
		n = 0
	}
	for _, v := range s.sides {
		n += 1000 + 2*int(v.stamp.Time) + int(v.stamp.Replica[0]-'a') + 2*len(v.edits)
	}
	return n
}

// smaller returns scenes to try instead of s.
func (k *Kit[T]) smaller(s scene[T]) []scene[T] {
	var all []scene[T]
	for i := range s.sides {
		all = append(all, scene[T]{s.base, slices.Delete(slices.Clone(s.sides), i, i+1)})
	}
	if s.base != nil {
		all = append(all, scene[T]{nil, s.sides})
		for _, v := range k.simpler(*s.base) {
			all = append(all, scene[T]{&v, s.sides})
		}
	}
	change := func(i int, f func(*side[T])) {
		sides := slices.Clone(s.sides)
		f(&sides[i])
		all = append(all, scene[T]{s.base, sides})
	}
	for i, old := range s.sides {
		for _, v := range k.simpler(old.version) {
			change(i, func(s *side[T]) { s.version = v })
		}
		if old.stamp.Time > 1 {
			change(i, func(s *side[T]) { s.stamp.Time-- })
		}
		if old.stamp.Replica > "a" {
			change(i, func(s *side[T]) { s.stamp.Replica = "a" })
		}
	}
	return all
}

// simpler returns versions to try instead of v: with an edit less, or another
// start.
func (k *Kit[T]) simpler(v version[T]) []version[T] {
	var all []version[T]
	for i := range v.edits {
		all = append(all, version[T]{v.start, slices.Delete(slices.Clone(v.edits), i, i+1)})
	}
	for _, start := range k.samples {
		all = append(all, version[T]{start, v.edits})
	}
	return all
}
