package crdt

// A State is a replicated value that merges: the contract of every type of this
// package, and what a type of your own implements to be replicated beside them,
// as a value of a [GMap] for example. S is the type itself, most often a pointer:
//
//	type Max struct{ n int }
//
//	func (m *Max) Merge(o *Max) bool  { changed := o.n > m.n; m.n = max(m.n, o.n); return changed }
//	func (m *Max) Equal(o *Max) bool  { return m.n == o.n }
//	func (m *Max) Clone() *Max        { return &Max{n: m.n} }
//
//	var _ crdt.State[*Max] = (*Max)(nil)
//
// The zero value of the type that S points to must be the empty state: merging
// it into any other changes nothing.
//
// Every change to a state must be an inflation: a state x that becomes x′ must
// satisfy x′ = x ⊔ x′, where ⊔ is Merge. A change that takes something back has
// to be recorded as something added, or a replica that has not heard of it
// brings the old value back.
//
// Implementations that are to be encoded, on their own or inside a container of
// this package, also have AppendBinary or MarshalBinary, and UnmarshalBinary:
// equal states give equal bytes, only those bytes are accepted, and a failed
// UnmarshalBinary leaves its receiver as it was.
//
// Package crdttest checks all of this on random histories.
type State[S any] interface {
	// Merge joins another state into the receiver and reports whether the
	// receiver changed. It neither modifies nor retains its argument, which may
	// be the receiver itself, and it is commutative, associative and idempotent
	// up to Equal.
	Merge(other S) bool

	// Equal reports whether two states are the same: whether no update and no
	// merge could ever tell them apart.
	Equal(other S) bool

	// Clone returns a copy that shares no memory with the receiver.
	Clone() S
}
