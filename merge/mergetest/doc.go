// Package mergetest checks plans, rules and records of your own: that a merge gives
// every replica the same result, whatever the order of the sides, and no result
// that shares memory with what it was made from.
//
// A [Kit] names a plan of package merge, and versions of its type or edits that a
// program makes. From them the package draws bases and sides, whose stamps often
// tie, merges them in every order, and checks the laws that are constants of type
// [Law].
//
//	kit := &mergetest.Kit[Profile]{
//		Plan: profiles,
//		Edits: []func(*Profile){
//			func(p *Profile) { p.Name = "ada" },
//			func(p *Profile) { p.Tags = append(p.Tags, "vip") },
//		},
//	}
//	kit.Check(t)
//
// [Prefer], [Join] and [Func] check a custom rule alone, with sample values:
//
//	err := mergetest.Join(longest, "", "a", "b", "ab")
//
// A [RecordKit] checks the records of a plan. It draws histories of a few replicas
// that write by Update, Delete, Seed and Touch, save forms of users by Apply, merge
// each other's states fresh and stale, as values, bytes and JSON, lose what they had
// not saved, and compact; and checks that no write is dropped in silence, that the
// replicas end with one record, and what the kit says of its value.
//
//	kit := &mergetest.RecordKit[Profile]{Plan: profiles}
//	kit.Check(t)
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
// The laws say that merges agree, not on what: state what your plan is for in
// tests of your own. The law [Untouched] does not bind the rules first, immutable,
// nonzero, union and join, nor a rule that combines values, and additive is free
// of [Agreed].
//
// Values are compared, copied and changed by reflection. What lies behind
// unexported fields is copied by a Clone method, compared by MarshalBinary, and
// changed by [Kit.Edits]; without these it is not looked at.
//
// A record calls custom rules with values that it decodes for them, in an order
// that is its own. So a RecordKit does not mind a rule that keeps or changes its
// arguments, or prefers the first: [Prefer] and [Join] do. Two values of one
// encoding are one value to a record. Hazards that merge documents are not drawn:
// replicas restored under their old names, and horizons of which nobody knows that
// all writes before them have arrived.
//
// # Reproducing
//
// Merges and histories are drawn by package rapid from a seed, which [Kit.Check] and
// [RecordKit.Check] report with a failure. [Kit.Run] and [RecordKit.Run] depend on
// their arguments only.
package mergetest
