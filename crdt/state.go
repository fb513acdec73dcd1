package crdt

// A State is a replicated value that merges: the contract of every type of this
// package, and of your own types that are replicated beside them, as values of
// a [GMap]. S is the type itself, most often a pointer:
//
//	type Max struct{ n int }
//
//	func (m *Max) Merge(o *Max) bool  { changed := o.n > m.n; m.n = max(m.n, o.n); return changed }
//	func (m *Max) Equal(o *Max) bool  { return m.n == o.n }
//	func (m *Max) Clone() *Max        { return &Max{n: m.n} }
//
// The zero value of what S points to must be the empty state, which merged into
// any other changes nothing. Every change must be an inflation: a state x that
// becomes x′ must satisfy x′ = x ⊔ x′, where ⊔ is Merge. A change that takes
// something back is recorded as something added, or a replica that has not
// heard of it brings the old value back. A type that is to be encoded, alone or
// in a container, also has AppendBinary or MarshalBinary, and UnmarshalBinary:
// equal states give equal bytes, only those are accepted, and a failed
// UnmarshalBinary leaves its receiver as it was. Package crdttest checks all of
// this on random histories.
type State[S any] interface {
	// Merge joins another state, or the receiver itself, into the receiver and reports
	// whether that changed. It neither modifies nor retains its argument, and it is
	// commutative, associative and idempotent up to Equal.
	Merge(other S) bool

	// Equal reports whether no update and no merge could ever tell two states apart.
	Equal(other S) bool

	// Clone returns a copy that shares no memory with the receiver, but for what
	// the values of a register refer to, which nobody may change.
	Clone() S
}
