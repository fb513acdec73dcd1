// Package lww implements last-writer-wins data types: a register, a map and a
// set whose replicas take writes independently and agree once they have merged.
//
// Every entry carries the [Stamp] of its last write, and the larger stamp wins.
// With wall clocks, an author whose clock is slow loses even to the value that
// the write replaced on purpose. Here a [Writer] stamps a write above what it
// replaces, by a hybrid logical clock of package hlc, so no write is undone by
// one that it has seen. Of two writes that did not know of each other one is
// lost: where that is not acceptable, see packages merge, crdt and resolver.
//
//	w := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)} // one clock per process
//	var row lww.Map[string, string]
//	delta, err := row.Put(w, "email", "ann@example.com") // delta goes to the peers
//	row.Merge(fromPeer)
//	email, ok := row.At("email")
//
// # Order
//
// Of two versions of an entry the one with the later time wins; at equal times
// the one with the larger replica name; at equal stamps, which only a reused
// name makes, a delete beats a put, and the larger canonical bytes the smaller.
// Merge takes the larger version of each entry. It is commutative, associative
// and idempotent up to Equal, and neither modifies nor retains its argument,
// which may be the receiver.
//
// # Writes
//
// A write by a Writer is above what it replaces and above the horizon, so it is
// read back whatever was there before. To write what is there already is no
// write: it keeps its stamp, and Touch gives it a new one. A write under a
// stamp from elsewhere, of another system or of an earlier write, has no effect
// if a later version is there.
//
// A write that returns an error has changed nothing: the key or the value
// cannot be encoded, or the clock has no time to give. A write panics if its
// Writer is invalid: see [Writer.Next]. Writes to a Map or a Set return their
// effect, or what is there, as a delta: a state with that one version, and no
// horizon, to be merged elsewhere. Deltas may be lost, repeated, reordered and
// merged into each other.
//
// # Goroutines and copies
//
// A state is not safe for concurrent use: like a built-in map it may be read,
// and be the argument of Merge, from several goroutines at once, while a write
// excludes all else, iterators included. A copy of a Map or a Set shares memory
// with it, of which go vet complains: use Clone. A copy of a Register is a
// Clone.
//
// # Keys, elements and values
//
// Keys of a [Map] and elements of a [Set] may be of these types, named ones
// included; the first write refuses any other:
//
//   - bool, integers, strings, and floats other than NaN, with −0 stored as 0;
//   - arrays, and structs whose fields are all exported, of types of this list;
//   - other comparable structs that implement [encoding.BinaryMarshaler] or
//     [encoding.TextMarshaler] and the unmarshaler on their pointer; each is
//     checked to come back ==, and with the same bytes, as it enters. A
//     [time.Time] passes if it is UTC and has no monotonic reading.
//
// A struct among keys is frozen by its use: a state names the fields and kinds,
// and a type with others refuses it with [ErrType].
//
// Values are of nearly any type, which may change: see package content of
// vclock. A value is encoded as it enters, and what is read from then on is
// what a peer reads. A write by a Writer carries over what V does not know of
// the value that it replaces. States, also a Clone, share values: do not change
// one that is in.
//
// # Encodings
//
// A state has one binary form, in FORMAT.md in the root of the module: equal
// states have equal bytes. To append or marshal it never returns an error.
// Decoders accept exactly that form, and JSON in any order, of values any that
// reads as the same; null in JSON changes nothing. Decoders, Scan and
// MergeBinary leave the receiver unchanged on an error, such as a
// [*content.ValueError] if V cannot hold a value. The lenient ones keep such
// values, and return that error beside the state. Value gives the binary form;
// a column of JSON takes the text of MarshalJSON. Scan takes both, and refuses
// NULL.
//
// JSON has the horizon, if there is one, entries sorted by the canonical bytes
// of their keys, and values as in encoding/json, with fields that V does not
// know:
//
//	{"horizon":"2026-11-23T12:00:00.000000000Z","entries":[
//	 {"key":"email","value":"ann@example.com","stamp":"2026-11-23T12:08:55.123456789Z@us"},
//	 {"key":"phone","deleted":true,"stamp":"2026-11-23T12:09:01.000000000Z@eu"}]}
//
// A set has "elements", "element" and "removed" instead of "entries", "key" and
// "deleted", and no values. A register is a value with its stamp, or {}. Where
// needed, "fields" has the kinds of fields that JSON does not show, "keys" the
// fields of keys that are structs, and "bytes" a value that these do not lead
// back to, whose JSON then does not count. MarshalJSON returns an error that
// names the key and the field if a field is not zero that its tag json:"-"
// keeps out.
//
// # Sources
//
// Johnson, Thomas: RFC 677, “The Maintenance of Duplicate Databases”, 1975,
// https://www.rfc-editor.org/rfc/rfc677, for the rule. Shapiro, Preguiça,
// Baquero, Zawirski: “A comprehensive study of Convergent and Commutative
// Replicated Data Types”, 2011, https://hal.inria.fr/inria-00555588, for the
// types.
package lww
