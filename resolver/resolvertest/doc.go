// Package resolvertest checks conflict rules of your own: that all sites come to
// the same answer, whatever happens on the way there.
//
// A [Kit] names a rule and a few values. From them the package draws random
// histories over several sites, in which clients read, write and delete, sites
// hear of each other in any order, programs restart, primaries are deposed and go
// on writing (see [resolver.Promotion]), and a site that lost its last write uses
// its stamp again (see [resolver.Forked]). Whenever two or more
// versions meet, the rule is asked, and asked again: at other sites, after a
// restart, with the versions arriving in other orders, at a later time.
//
//	kit := &resolvertest.Kit[Order]{
//		Rule:   resolver.Named("paid first", "an order that is paid stands", paidFirst),
//		Values: rapid.SampledFrom([]Order{{Status: "open"}, {Status: "canceled"}, {Status: "open", Paid: true}}),
//		Expect: func(out resolver.Outcome[Order]) error {
//			if anyPaid(out.Conflict.Versions) && !out.Value.Paid {
//				return errors.New("the payment is lost")
//			}
//			return nil
//		},
//	}
//	kit.Check(t)
//
// A broken law is reported with the shortest history found, in steps to read,
// with what was to be decided and the answers. Eu@1 is what eu wrote in second 1:
//
//	resolvertest: broken law: a rule answers alike at every site
//	  1. eu writes q
//	  2. us writes p
//	conflict over "k" (tied): eu@1 q, us@1 p
//	eu keeps eu@1 q: ours
//	us keeps us@1 p: ours
//
// # Say what is right
//
// The laws say that sites agree, not on what. So state in [Kit.Expect] what the
// rule is for, in words of the business: no payment is lost, no stock is below zero.
//
// # What is checked
//
// The constants of type [Law] list it. An answer is the value, which version it
// is of, the reason, the compensations, and whether a person is asked. Reasons go
// into logs of which one record of each decision is kept, so they have to be
// equal, too. A rule that fails, panics or changes what it is given breaks a
// law, although the resolver contains that and asks a person.
//
// What is gone has to be in the log, or the client that replaced it was shown it.
// Versions that are fenced, the kit logs as an application has to.
// This checks the log that [Kit.At] gives, which may drop or redact too much, and
// the reading of [Kit.Read], which may resolve by itself and log nothing.
//
// # What cannot be seen
//
// A rule that differs between builds, machines or time zones looks right in one
// process, and so may one that remembers the order in which it came to know of
// versions. What a rule takes from its surroundings, and what it remembers, is best
// made by a function that [Kit.At] calls, so that each site has its own.
//
// # Types that change
//
// [CheckEvolution] checks two versions of a type of values, which two versions of a
// program use side by side.
//
// # Reproducing
//
// Histories are drawn by package rapid from a seed, which [Kit.Check] reports with a
// failure. [Kit.Run] depends on its arguments only, as far as the rule does.
package resolvertest
