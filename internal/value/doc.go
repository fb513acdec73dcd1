// Package value decides what a Go value is.
//
// # Types
//
// A [Type] is compiled from a Go type by a [Compiler]: how values are compared,
// ordered, copied and encoded where they are merged field by field. It is not the plan
// by which content is encoded, though both walk a type: a Type has fields as Go declares
// them, since rules are per field, one place for an embedded struct, and types that merge
// and have no bytes; a plan has fields by their stored names, those of embedded structs among
// them, and all the forms and codecs in which bytes may come. Which forms a type has they ask
// one function.
//
// # Identity
//
// A key or an element has exactly one encoding, and decoding accepts nothing else, for
// replicas agree on a state only if they agree on its bytes. The form follows from the kind
// of the type; a marshaler is asked only where no kind covers it, so that a method
// added to a type later does not change what is already stored.
//
//	kind                        bytes                                  JSON
//	bool                        1: 0 or 1                              true, false
//	int8, int16, int32          1, 2, 4: big-endian, sign flipped      number
//	int, int64                  8: big-endian, sign flipped            decimal string
//	uint8, uint16, uint32       1, 2, 4: big-endian                    number
//	uint, uint64, uintptr       8: big-endian                          decimal string
//	float32, float64            4, 8: IEEE 754 big-endian, sign        number; "+Inf", "-Inf"
//	                            flipped, or all bits if negative
//	string                      as is                                  string; {"base64":…} if not UTF-8 or with a NUL
//	array                       elements in order                      list; of bytes: hexadecimal string
//	struct, exported fields     fields in order                        object by field name
//	marshals itself             AppendBinary or MarshalBinary,         string if MarshalText is
//	                            else AppendText or MarshalText         lossless, else {"base64":…}
//
// Inside an array or a struct, strings and the output of marshalers have their
// length before them, as a varint; elsewhere the length is the container's to
// keep. Scalars sort bytewise in their natural order.
//
// Negative zero is stored as zero and NaN is refused, at any depth. A type that
// marshals itself must be comparable and have the unmarshaler on its pointer;
// each of its values is checked to come back == as it enters and as it is
// decoded. Interfaces, pointers, channels and complex numbers are refused.
//
// The methods of a type may change; its kinds, and the names and order of its fields,
// may not: headers have them, see [Identity].
//
// # Null
//
// In every package, the JSON null changes nothing where it stands for a whole state
// or value with an UnmarshalJSON, as encoding/json asks for. Inside one, null is an
// error, except where it is the form of a value that may be nil.
//
// # Content
//
// Content is a value that outlives the type that it came from, as package
// vclock/content explains to users. In a program it is a V and beside it the string
// kept: its full form if V does not give that back, "" if it does. For a V without references that
// is the case unless there are fields that V does not know, so that most
// states need no room for it.
//
//	stored, kept, err := value.Store(v)                  // a value enters
//	stored, kept, err = value.Replace(v, oldKept)  // it replaces what a writer read
//	value.Compare(&a, aKept, &b, bKept)                  // the order of full forms
//	full := value.AppendFull(nil, &v, kept)              // for hashes, ties and carrying over
//	v, kept, bad := value.Load[V](full)                  // bad is a *ValueError, with v zero
//
// A value that V cannot hold is the zero V with its full form kept; whoever holds
// it has to remember that it is one. [Unreadable] finds the error again.
//
// The values of a state are encoded together, by an [Encoder] and a [Decoder], so that
// the names of fields stand once in it:
//
//	e := value.NewEncoder[V]()
//	for … { e.Note(&v, kept) }
//	b = e.AppendTables(b)
//	for … { b = e.Append(b, &v, kept) }
//
//	d := value.NewDecoder[V](r) // errors are those of r
//	for … { kept, bad := d.Next(&v) }
//	d.Close()
//
// In JSON a value is that of encoding/json, with the fields that V does not know as
// further members. [Kinds], once per state, has the kinds that JSON does not show; where
// both do not lead back to the bytes, those stand beside the value and count.
//
//	for … { value.NoteKinds(kinds, &v, kept) }
//	b = kinds.AppendJSON(b)                                     // unless len(kinds) is 0
//	b, beside, err := value.AppendJSON(b, &v, kept, kinds)      // err names a field of json:"-"
//	v, kept, bad, err := value.LoadJSON[V](text, beside, kinds)
//
// None of this depends on the order of values, on the program or on the node.
package value
