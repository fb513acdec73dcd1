package merge

import "github.com/rejoin-go/rejoin/lww"

// A Side is one version to merge: a value, and when and by whom it was written.
// The stamp orders the versions; equal stamps are ordered by value.
type Side[T any] struct {
	Value T
	Stamp lww.Stamp
}
