// Package crdt has data types that several places change at once and that merge
// by themselves: counters, flags, registers, sets and maps.
//
// Every type is a state. Where two states of one value have gone apart, Merge
// joins one into the other, in any order, any number of times, and all places
// that have merged the same changes show the same:
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
// small state of the same type: merging it elsewhere has the effect of the
// change. A delta may be lost, as long as whole states are merged now and then,
// and may arrive late, twice, in any order, or merged with others. One that is
// not needed is dropped, and then costs nothing. What follows holds for all
// types; comments on methods have what is special.
//
// # Causal types
//
// [ORSet], [RWSet], [EWFlag], [DWFlag], [MVRegister], [PNCounter] and [ORMap]
// tell what was removed from what has not arrived: they give each change a
// [vclock.Dot], and remember which dots they have seen. A mutator whose name
// ends in Seen acts for a client that was shown a [Context]. What that does not
// cover it leaves alone, and the Context of something else it refuses with a
// [*ContextError].
//
// A value in an ORMap shares what the map has seen. To change it outside of
// [ORMap.Update], to merge or decode into it, or to merge it into something
// panics. Its Clone, which is Equal to it, is a state of its own that has seen
// the dots it holds or knows to be undone, and no others. Its Context is of its
// key.
//
// # Methods
//
// Merge neither modifies nor retains its argument, which may be the receiver.
// Changed tells what a merge would do, and changes nothing. Equal states show
// the same, have seen the same and have the same bytes. Mutators panic if the
// name of a replica is invalid, or an element or key is none that it may be. A
// state must not change while an iterator over it is in use; only a GSet and a
// GMap may grow, which the iterator may leave out. A state is not safe for
// concurrent use; like a map, it may be read by several goroutines as long as
// none writes.
//
// A copy of a state shares memory with it, so that a change of one shows in the
// other: use Clone, and a pointer in a struct that is copied, as it is by
// package merge. Go vet complains about copies. JSON shows a state in a struct
// either way. A nil pointer reads as an empty state, and is null in JSON.
//
// # Elements and keys
//
// Elements and keys may be booleans, integers, strings, floats (−0 counts as 0,
// NaN is refused), arrays and structs of these with exported fields, and
// comparable types that marshal themselves. The first use of others panics.
//
// # Names
//
// A [vclock.Replica] names one lineage of state. A replica that lost state, or
// was restored from a backup, and goes on under its old name numbers its
// changes a second time, or repeats totals that others hold; no type survives
// that. It goes on as its next incarnation, which [vclock.Incarnation] makes:
// "eu#1" after "eu". Causal types keep the name eu and number the changes of
// the n-th incarnation from n·2³²; to the others it is a name of its own.
// Replicas are not limited, a replica has 65536 incarnations, and each makes up
// to 2³² dots in one state. A mutator under one that is over changes nothing
// and returns an empty delta: Usable tells, in O(log n) for n gaps, and
// [vclock.Matrix.Usable] before.
//
// That the order and the side of a merge make no difference is promised for
// names of one lineage. Where two lineages write under one name, a dot stands
// for two changes: sets, flags and registers keep the one that they have, so
// replicas differ until it is replaced or removed, and of counters the larger
// wins. Verify finds such dots, in O(n). If LastOf is more than an owner did,
// there is another.
//
// # Exchange
//
// Where deltas were lost, two replicas of a causal type find out by a few
// messages what they have to send each other, and nothing else travels; see
// [ORSet.Answer]:
//
//	msg := a.Ask(salt)
//	reply, delta, err := b.Answer(msg) // and so on, until reply is nil
//	b.Merge(delta)                     // nil brings nothing
//
// Other types have a Digest, the ids of their parts, for an
// [antientropy.Table]. Two tables find the ids that differ, and Missing returns
// the parts. A table may be kept: note in it what the Digest of each delta
// yields that changed the state. That package also has a store, and a log of
// deltas. Chunks cuts up a state.
//
//	table := antientropy.Collect(s.Digest())
//	reply, send, err := table.Answer(msg)
//	delta := s.Missing(send) // to the peer, with the reply
//
// # Garbage
//
// A [vclock.Matrix] tells which incarnations are over, and a [vclock.Round]
// what all replicas have merged. Then Close and, after it, Compact drop what
// nobody needs, and report whether there was any. Neither has a delta, nor
// changes what shows.
//
// Close takes all that these incarnations wrote for seen: gaps that they left
// go, and what comes late of them has no effect. Replicas that the state has
// not met need no closing. Of a state that comes without a matrix, as from a
// broker, ask Speaks, and refuse it if that is true: see
// [vclock.Matrix.Sealed].
//
// Compact drops what is remembered of removals that its argument covers: a
// Context that the state had once, since when all replicas have merged it, and
// it has merged what they had then. It does nothing in a state that lacks
// anything of that. Merging the whole state lets the others drop the same. A
// removal that was dropped wins over nothing that comes later, neither over a
// replica that goes on from an older state, as from a backup, nor over a
// mutator ending in Seen for a client that read before. Such a replica merges
// the state of another before it writes; Revived lists what it brings back.
// Counters stay exact all the same.
//
// # Encodings
//
// FORMAT.md in the root of the module has the binary forms. Only a GMap may
// have none. Decoders accept what encoders write and nothing else, JSON in any
// order and of values any JSON that reads as the same, and leave their receiver
// unchanged with an error. For n bytes they allocate up to (128 + 8s)·n bytes,
// beyond some KB, where s is the size of elements that are arrays or structs,
// and else 0; for maps more. MergeBinary is like decoding and Merge.
//
// UnmarshalBinary of GCounter and the causal types uses the memory of its
// receiver: decode one row after the other into a state that a sync.Pool keeps.
// One that was decoded into twice allocates little; it holds the memory of the
// state before, too, but none of rows beyond 64 KB.
//
// In JSON 64-bit numbers are strings, lists are in the order of canonical bytes
// or of dots, and null changes nothing. A causal type is {"type": "ORSet",
// "context": {"eu": "1-4,7"}, "state": …}, where the context has the numbers
// that were seen of each replica, and MarshalJSON says what the state is.
//
// Value returns the binary form, for a column of bytes; a column of JSON takes
// the text of MarshalJSON. Scan reads both, and refuses NULL.
//
// # References
//
// Shapiro et al., “A comprehensive study of Convergent and Commutative
// Replicated Data Types”, 2011, https://inria.hal.science/inria-00555588.
// Almeida et al., “Delta State Replicated Data Types”, 2018,
// https://arxiv.org/abs/1603.01529. Bieniusa et al., “An Optimized
// Conflict-free Replicated Set”, 2012, https://arxiv.org/abs/1210.3368.
package crdt
