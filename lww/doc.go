// Package lww implements last-writer-wins data types: a register, a map and a
// set whose replicas take writes independently and agree once they have merged.
//
// Every entry carries the [Stamp] of its last write, and the larger stamp wins.
// Databases that do this with wall clocks lose writes whose author's clock was
// slow, even writes that replaced a value on purpose. Here a [Writer] stamps a
// write above what it replaces, by a hybrid logical clock of package hlc, so no
// write is undone by one that it has seen. Of two writes that did not know of
// each other one is lost: where that is not acceptable, see packages merge, crdt
// and resolver.
//
//	var clock hlc.Clock
//	w := lww.Writer{Replica: "eu", Clock: &clock}
//
//	var row lww.Map[string, string]
//	delta, err := row.Put(w, "email", "ann@example.com") // delta goes to the peers
//	row.Merge(fromPeer)
//	email, ok := row.At("email")
//
// # Order
//
// Of two versions of an entry the one with the later time wins; at equal times
// the one with the larger replica name; at equal stamps, which only a reused
// identity produces, a delete beats a put, and the larger canonical bytes beat
// the smaller. The order is total, so all replicas decide alike, whatever
// arrived first. Merge takes the larger version entry by entry: it is
// commutative, associative and idempotent.
//
// # Time
//
// A stamp from a clock that runs far ahead wins for as long as it is ahead. It
// cannot be lowered, only overwritten, which a Writer does one tick above it.
// Ahead lists such entries, so that a state can be refused before it is merged.
// Latest is what to advance the local clock by, so that what is written next is
// after all of a state that was merged, and not just after what it replaces.
//
// # Deletes
//
// Deletes leave tombstones, which Compact drops up to a horizon. [Map.Compact]
// says when that is safe. [Map.Expire] deletes what has not been written for long.
//
// # Copies
//
// A copy of a Map or a Set shares memory with it: use Clone. Go vet complains about copies.
// A copy of a [Register] is a Clone.
//
// # Keys, elements and values
//
// Keys of a [Map] and elements of a [Set] may be of these types, named ones
// included, and a type that is none of them is refused by the first write:
//
//   - bool, integers, strings, and floats other than NaN, with −0 stored as 0;
//   - arrays, and structs whose fields are all exported, of types of this list;
//   - other comparable structs that implement [encoding.BinaryMarshaler] or
//     [encoding.TextMarshaler] and the unmarshaler on their pointer; each one is
//     checked to come back ==, and with the same bytes, as it enters. A
//     [time.Time] passes if it is UTC and has no monotonic reading.
//
// A struct among keys is frozen by its use: a state names the fields and kinds, and a
// type with others refuses it with [ErrType].
//
// Values are of nearly any type, and the type may change: package content of vclock
// says what becomes of them. They are encoded when they enter, and a value must not be
// changed afterwards. What Put returns from then on is what a peer reads.
//
// # Sources
//
// The rule is from Johnson and Thomas: RFC 677, “The Maintenance of Duplicate
// Databases”, 1975, https://www.rfc-editor.org/rfc/rfc677. The types are those
// of Shapiro, Preguiça, Baquero, Zawirski: “A comprehensive study of Convergent
// and Commutative Replicated Data Types”, 2011,
// https://hal.inria.fr/inria-00555588.
package lww
