// Package vclock tells whether two versions of some data are ordered by
// causality or were written without knowledge of each other.
//
// Wall clocks cannot tell: the larger of two times may belong to a write that
// knew nothing of the other. Here every [Replica] numbers its own writes, and a
// version carries what its writer had seen. If each of two versions holds a
// write that the other lacks, they are concurrent, and somebody has to decide:
//
//	var eu, us vclock.Clock
//	eu = eu.Tick("eu")          // a write in the EU
//	us = us.Join(eu).Tick("us") // one in the US, which has seen it
//	eu = eu.Tick("eu")          // another in the EU, which has not seen that
//	fmt.Println(eu.Compare(us)) // concurrent
//
// # Which type
//
//   - [Clock], a version vector: the history of a whole state, or of a version
//     that is only ever replaced by one that has seen it.
//   - [DVV], a dotted version vector: the history of one write, made through a
//     server that knows more than the writer did.
//   - [DVVSet]: all concurrent versions of one key, and nothing else.
//   - [DotSet]: events that become known in any order, with gaps.
//   - [Matrix]: the members of a store, what each is known to have merged, and so
//     what may be forgotten.
//   - [Round]: when it may.
//
// The numbers count events, or are times such as hlc timestamps, one or the
// other for all replicas of a system.
//
// # When not to use it
//
// A clock has an entry per replica that writes, so replicas are to be servers or
// regions, tens of them, and not users' sessions; a [DVVSet] keeps clients out
// of it. If the last write is to win anyway, packages hlc and lww need one
// stamp instead of a vector. Nothing here decides between concurrent versions,
// sends messages or stores anything.
//
// # Identity
//
// All of it rests on one rule: two events never share a [Dot]. A replica that
// goes on from older state breaks the rule; it goes on as its next incarnation. An
// [Identity] tells at each start whether the state is older, and [Incarnation] what that
// means. The others hear of it with the [Matrix].
//
// # Copies
//
// Clocks, dots, closings and identities are values. A copy of a [DotSet] or a [Matrix] shares
// memory with it: use Clone. Go vet complains about copies. A copy of a [DVVSet] is a Clone.
//
// # References
//
// Parker et al., “Detection of Mutual Inconsistency in Distributed Systems”,
// 1983. Preguiça, Baquero, Almeida, Fonte, Gonçalves, “Dotted Version Vectors:
// Logical Clocks for Optimistic Replication”, 2010,
// https://arxiv.org/abs/1011.5808. Wuu, Bernstein, “Efficient Solutions to the
// Replicated Log and Dictionary Problems”, 1984.
package vclock
