// Package crdt has data types that several places change at once and that merge
// by themselves: counters, flags, registers, sets and maps.
//
// Every type is a state. Where two states of one value have gone apart, Merge
// joins one into the other, in any order, any number of times, and all places that
// have merged the same changes show the same:
//
//	var eu, us crdt.ORSet[string]
//	eu.Add("eu", "milk")
//	us.Merge(&eu)
//	us.Remove("us", "milk")
//	eu.Add("eu", "milk") // concurrently: add wins
//	eu.Merge(&us)
//	us.Merge(&eu)        // both hold milk
//
// A change takes the name of the replica that makes it and returns a delta, a
// small state of the same type: merging it elsewhere has the effect of the change. A
// delta may be lost, as long as whole states are merged now and then, and may
// arrive late, twice, in any order, or merged with others. One that is not needed
// is dropped, and then costs nothing.
//
// # Catching up
//
// Where deltas were lost, two replicas find out by a few messages what they have to send each
// other, and nothing else travels: see [ORSet.Answer], which the other causal types have
// too. A large state is cut into deltas by Chunks. For a store of many states, and
// a log of recent deltas, see package vclock/antientropy.
//
// # Identity
//
// A [vclock.Replica] names one lineage of state. A replica that lost state, or
// was restored from a backup, and goes on under its old name numbers its changes a second time;
// no type here survives that. It goes on as its next incarnation, which
// [vclock.Incarnation] makes: "eu#1" after "eu". Types with a Context keep the name
// eu and number the changes of the n-th incarnation from n·2³²; to the others
// it is a name of its own. What incarnations that are over have left is let go of by Close.
//
// A mutator under an incarnation that is over changes nothing and returns an empty
// delta: Usable tells, on a state, and [vclock.Matrix.Usable] before.
//
// # Copies
//
// A copy of a state shares memory with it, so that a change of one shows in the other:
// use Clone. Go vet complains about copies. Put a state into a struct as a pointer if the
// struct is copied, as it is by package merge. In JSON a state in a struct shows there either
// way. A nil pointer to a type with a Context reads as an empty state, and is
// null in JSON.
//
// # Elements and keys
//
// Elements and keys may be booleans, integers, strings, floats (negative zero
// counts as zero, NaN is refused), arrays and structs of these with exported
// fields, and comparable types that marshal themselves. The first use of any
// other type panics.
//
// # Limits
//
// An incarnation of a replica makes up to 2³² dots in one state, and a replica has
// 65536 incarnations. The number of replicas is not limited.
//
// That the order and the side of a merge make no difference is promised for names of
// one lineage. Where two lineages write under one name, a dot stands for two changes:
// sets, flags and registers keep the one that they have, so replicas differ until it
// is replaced or removed, and of counters the larger wins. Verify names such a dot.
package crdt
