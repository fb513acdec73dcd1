// Package mergetest checks plans and rules of your own: that a merge gives every
// replica the same result, whatever the order of the sides, and no result that
// shares memory with what it was made from.
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
// Records are not drawn: what a custom rule owes a [merge.Record] is what [Prefer]
// and [Join] check.
//
// # Reproducing
//
// Merges are drawn by package rapid from a seed, which [Kit.Check] reports with a
// failure. [Kit.Run] depends on its arguments only.
package mergetest
