package resolver

import "github.com/rejoin-go/rejoin/vclock"

// Only returns the context of a reader who was shown version i of s and none of
// the others.
func (s *Siblings[T]) Only(i int) Context {
	e := &s.entries[i]
	return Context{epoch: s.level, of: s.epoch, dot: e.Stamp, found: !e.Deleted}
}

// Past returns the times that c covers.
func (c Context) Past() vclock.Clock { return c.past }

// Trim returns the pasts of the ancestors that are left of those with the given pasts.
func Trim(pasts []vclock.Clock) (left []vclock.Clock) {
	all := make([]ancestor[string], len(pasts))
	for i := range all {
		all[i].past = pasts[i]
	}
	for _, a := range trim(all) {
		left = append(left, a.past)
	}
	return left
}

// Advanced returns the one replica whose number is larger in d than in c, if that is all
// that differs.
func Advanced(c, d vclock.Clock) (r vclock.Replica, ok bool) { return advanced(c, d) }

// HasType reports whether values of T are copied and compared part by part.
func HasType[T any]() bool { return typeOf[T]() != nil }

// Copy returns a copy of *v.
func Copy[T any](v *T) (w T, err error) {
	err = copyValue(&w, v)
	return w, err
}

// Changed reports whether *v is not *w.
func Changed[T any](v, w *T) bool { return !same(v, w) }

// Store returns v as it is stored, and its full form.
func Store[T any](v T) (T, string, error) {
	s, err := store(v, nil)
	if err != nil {
		return v, "", err
	}
	return s.v, s.full(), nil
}
