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

// HasLayout reports whether values of T are copied and compared part by part.
func HasLayout[T any]() bool { return layoutOf[T]() != nil }

// Copy returns a copy of *v.
func Copy[T any](v *T) (w T, err error) {
	err = copyValue(&w, v)
	return w, err
}

// Changed reports whether *v is not *w.
func Changed[T any](v, w *T) bool { return changedValue(v, w) }

// Storable returns an error if v cannot be stored, and Store one if encoding it
// says so.
func Storable[T any](v T) error {
	_, err := storable(v)
	return err
}

func Store[T any](v T) (stored T, enc []byte, err error) { return encodeValue(v) }
