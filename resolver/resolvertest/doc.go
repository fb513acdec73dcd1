// Package resolvertest checks conflict rules of your own: that all sites come
// to the same answer, whatever happens on the way there.
//
// A [Kit] names a rule and a few values. From them the package draws random
// histories over several sites, in which clients read, write and delete, sites
// hear of each other in any order, programs restart, primaries are deposed and
// go on writing (see [resolver.Promotion]), and a site that lost its last write
// uses its stamp again (see [resolver.Forked]). Whenever two or more versions
// meet, the rule is asked, and asked again: at other sites, after a restart,
// with the versions arriving in other orders, at a later time.
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
// A broken law is reported with a short history, what was to be decided and the
// answers, where eu@1 is what eu wrote in second 1:
//
//	resolvertest: broken law: a rule answers alike at every site
//	  1. eu writes q
//	  2. us writes p
//	conflict over "k" (tied): eu@1 q, us@1 p
//	eu keeps eu@1 q: ours
//	us keeps us@1 p: ours
//
// An answer is the value, its version, the reason (as logs keep one record of
// each decision), the compensations, and whether a person is asked. What is
// gone has to be in the log, where the kit puts fenced versions as an
// application has to, unless the client that replaced it was shown it: a log
// from Kit.At may drop too much, and Kit.Read log nothing.
//
// One process does not show that a rule differs between builds, machines or
// time zones, or remembers in which order it came to know versions: let Kit.At
// give each site its own of what a rule asks its surroundings and of its
// memory.
package resolvertest
