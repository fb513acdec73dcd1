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
//   - [Matrix]: the members of a store, what each is known to have merged, and
//     so what may be forgotten; [Round] tells when.
//
// Numbers count events, or are times such as hlc timestamps, one or the other
// for all replicas of a system.
//
// # When not to use it
//
// A clock has an entry per replica that writes, so replicas are to be servers
// or regions, tens of them, and not users' sessions; a DVVSet keeps clients out
// of it. If the last write is to win anyway, packages hlc and lww need one
// stamp instead of a vector. Nothing here decides between concurrent versions,
// sends or stores anything.
//
// # Identity
//
// Two events never share a [Dot]: all rests on that. Only the owner of a name
// counts its events. One that goes on from older state goes on as its next
// [Incarnation]; an [Identity] tells at each start whether the state is older,
// and the [Matrix] tells the others.
//
// # Goroutines and copies
//
// Clocks, dots, DVVs, closings and identities are immutable values. All other
// types are not safe for concurrent use. A copy of a DotSet or a Matrix shares
// memory with it, of which go vet complains: use Clone. A copy of a DVVSet is a
// Clone. Merge neither modifies nor retains its argument.
//
// # Encodings
//
// A state has one binary form, in FORMAT.md in the root of the module: equal
// states have equal bytes. To append or marshal it returns an error only for an
// invalid Dot or DVV. Decoders accept exactly that form, and JSON in any order,
// of values any that reads as the same; null in JSON changes nothing. On an
// error the receiver is unchanged. Value gives the binary form; Scan takes
// that, and the text of MarshalJSON out of a column of JSON. For a Clock both
// take text. Scan refuses NULL: use [database/sql.Null]. In text, a name that
// contains a space, a control character or one of " \ , : @ is quoted.
package vclock
