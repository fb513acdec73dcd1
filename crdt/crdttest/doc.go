// Package crdttest checks replicated types of your own: that replicas which
// update, exchange and merge them in any order end up equal, and end up right.
//
// A [Kit] names the updates of a type. From them the package draws random
// histories over several replicas: states are merged in full, deltas are lost,
// repeated, reordered and joined, clients update what they read earlier and
// elsewhere, and replicas crash and go on from what they had saved. After every
// step it checks the laws that a [crdt.State] must obey.
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
// The laws say that replicas agree, not on what: a set that ignores removals
// obeys every one of them. So state what the type means in [Kit.Model], a
// function from the updates that a replica has seen to what it must show. Make
// it obvious and slow; [Standing] helps. It must not be another replicated
// type, which might be wrong in the same way.
//
// # What is checked
//
// [Law] lists it. Merge, Equal and Clone are enough; what else a type has is
// checked, too: AppendBinary or MarshalBinary with UnmarshalBinary, also on
// damaged bytes, MergeBinary(p []byte) (bool, error) on the same, and
// MarshalJSON with UnmarshalJSON, also on JSON of other kinds. A type whose
// empty state an encoding refuses is taken not to have that encoding. A type
// with Compact(crdt.Context) bool is compacted with what its replicas have
// learned of each other: see [Kit.Clock]. Histories keep to what package crdt
// asks of replicas and clients then: the delta of a replica that has forgotten
// something goes to those that have, too; the others get its state. An
// operation that returns no delta spreads by full merges only. [CheckEvolution]
// is for values that change their types.
package crdttest
