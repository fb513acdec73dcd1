// Package crdttest checks replicated types of your own: that replicas which
// update, exchange and merge them in any order end up equal, and end up right.
//
// A [Kit] names the updates of a type. From them the package draws random
// histories over several replicas, in which states are merged in full, deltas are
// lost, repeated, reordered and joined, clients update what they read earlier and
// elsewhere, and replicas crash and go on from what they had saved. After every step it checks the laws that a [crdt.State] must
// obey. It does so for the types of package crdt, and for those of lww and vclock.
//
//	kit := &crdttest.Kit[*Tags]{
//		New: func() *Tags { return new(Tags) },
//		Ops: []crdttest.Operation[*Tags]{
//			crdttest.Op("Add", rapid.SampledFrom([]string{"p", "q"}),
//				func(t *Tags, r vclock.Replica, tag string) (*Tags, error) { return t.Add(r, tag), nil }),
//		},
//	}
//	kit.Check(t)
//
// A broken law is reported with the shortest history found, in steps to read:
//
//	crdttest: broken law: a delta has the effect of its update: x ⊔ mδ(x) = m(x)
//	  1. a: Add p
//	  2. a: Add q
//	x is [p]
//	m(x) is [p q]
//	x ⊔ mδ(x) is [q]
//
// # Give it a model
//
// The laws say that replicas agree, not on what. A set that ignores removals, or
// one in which the first replica always wins, obeys every one of them. So state
// what the type means in [Kit.Model]: a function from the updates that a replica
// has seen to what it must show. Make it obvious and slow; [Standing] helps. It
// must not be another replicated type, which might be wrong in the same way.
//
// # What is checked
//
// The constants of type [Law] list it. What a type does not have is not checked:
// Merge, Equal and Clone are enough. A type with AppendBinary or MarshalBinary
// and UnmarshalBinary is also encoded after every step, and damaged encodings are
// decoded; one with MergeBinary(p []byte) (bool, error) merges by bytes too, damaged ones as well; one
// with MarshalJSON and UnmarshalJSON is taken through JSON. Where encoding the empty
// state returns an error, the type is taken not to have that encoding. An operation
// that returns no delta spreads by full merges only. A type with a method
// Compact(crdt.Context) bool is compacted with what its replicas have learned of
// each other; see [Kit.Clock]. Updates made for a client are described by [OpSeen].
//
// Histories keep to what the documentation of [crdt.RWSet.Compact] asks for: every
// replica is a member before it writes, one that crashes merges the state of those
// that have forgotten more, and clients that read before something was forgotten
// update no more. The delta of a replica that has forgotten something goes to those
// that have, too; the others get its state.
//
// Whether two states share memory is found out by changing one with every
// operation and looking at the other.
//
// [CheckEvolution] is for values that change their types.
//
// # Reproducing
//
// Histories are drawn by package rapid from a seed, which [Kit.Check] reports with a
// failure. [Kit.Run] depends on its arguments only.
package crdttest
