// Package mergetest checks plans, rules and records of your own: that a merge
// gives every replica the same result, whatever the order of the sides, and no
// result that shares memory with what it was made from.
//
// A [Kit] names a plan of package merge, and versions of its type or edits that
// a program makes. From them the package draws bases and sides, whose stamps
// often tie, merges them in every order, and checks the laws that are constants
// of type [Law]. A [RecordKit] checks the records of a plan: in histories of a
// few replicas that write by Update, Delete, Seed and Touch, save forms of
// users by Apply, merge each other's states fresh and stale, as values, bytes
// and JSON, lose what they had not saved, and compact, no write may be dropped
// in silence, the replicas end with one record, and its value is as the kit
// says. [Prefer], [Join] and [Func] check a custom rule alone, with sample
// values, and return a [*LawError] for the first law broken, or nil. A kit is
// not safe for concurrent use, and its functions must be deterministic.
//
//	rename := func(p *Profile) { p.Name = "ada" }
//	(&mergetest.Kit[Profile]{Plan: profiles, Edits: []func(*Profile){rename}}).Check(t)
//	(&mergetest.RecordKit[Profile]{Plan: profiles}).Check(t)
//	err := mergetest.Join(longest, "", "a", "b", "ab")
//
// A broken law is reported with the smallest inputs found:
//
//	mergetest: broken law: join is commutative: join(a, b) = join(b, a)
//	  a: "a"
//	  b: "b"
//	join(a, b) is "a"
//	join(b, a) is "b"
//
// # What is not checked
//
// The laws say that merges agree, not on what: state that in tests of your own,
// or in a RecordKit. Untouched does not bind the rules first, immutable,
// nonzero, union and join, nor a rule that combines values, and additive is
// free of Agreed. Values are compared, copied and changed by reflection, and
// behind unexported fields by MarshalBinary, a Clone method and Kit.Edits, if
// there are any.
//
// A record calls custom rules with values that it decodes for them, in an order
// of its own. So a RecordKit accepts a rule that keeps or changes its
// arguments, or prefers the first: Prefer and Join do not. Two values of one
// encoding are one value to a record. Hazards that package merge documents are
// not drawn: replicas restored under their old names, and horizons before all
// earlier writes arrived.
package mergetest
