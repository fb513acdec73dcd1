package merge

import "github.com/rejoin-go/rejoin/lww"

// A Side is one version to merge: a value, and when and by whom it was written.
// Sides are ordered by stamp, then by value.
type Side[T any] struct {
	Value T
	Stamp lww.Stamp
}
