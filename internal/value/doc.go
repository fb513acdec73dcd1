// Package value decides what a Go value is.
//
// # Types
//
// A [Type] is compiled from a Go type by a [Compiler]: how values are compared,
// ordered, copied and encoded where they are merged field by field.
//
// # Content
//
// Content is a value that outlives the type that it came from, as package
// vclock/content explains to users. In a program it is a V and beside it the string
// kept: its full form if V does not give that back, "" if it does. For a [Plain] V that
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
