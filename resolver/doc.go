// Package resolver keeps the concurrent versions of a value side by side and
// lets the application decide what they mean: by a policy, by a rule of its own,
// or by asking a person.
//
// Where two regions write one key without knowing of each other, there is no
// later write, and somebody's work is lost if the one with the larger timestamp
// just wins. [Siblings] keeps both versions until somebody who was shown both
// writes again. A [Reconciler] says what to show until then:
//
//	orders := resolver.New(resolver.Chain(resolver.Named("paid first", "an order that is paid stands", paidFirst), resolver.LastWriterWins))
//
//	out, err := orders.Resolve(ctx, key, &siblings)    // read
//	show(out.Value)
//	_, err = siblings.Write(writer, out.Context, next) // write what was made of it
//	siblings.Merge(&fromPeer)                          // replicate, at any time
//
// Use it where losing a write matters, where a rule of the business decides, or
// where one region is the primary. If the latest write may win, package lww is
// simpler; if the values can be types that merge by themselves, package crdt;
// field by field, package merge, also as a policy here: see [Fields].
//
// # Only the set of versions merges
//
// What the versions mean is a function of the set and of nothing else. It is not
// stored and not replicated. So any rule converges that gives equal answers to
// equal questions: it need be neither commutative nor associative, the order of
// arrival cannot matter, regions do not answer each other's merges with new
// writes, and a change of policy takes effect on all that is not yet overwritten.
//
// # Contexts
//
// A write replaces what its writer was shown, no more and no less. What that was,
// the [Context] says that came with the value: it goes to the client, as text, and
// comes back with the write, minutes later and perhaps to another region. A write
// without a context replaces nothing and becomes a sibling.
//
// # Conflicts left to people
//
// If a rule defers, or fails, the outcome has a [Ticket], and a provisional value
// that is the same everywhere. Its context covers that one version, so that users
// may go on writing without swallowing the conflict. [Reconciler.Settle] answers
// the ticket. Answers given in two regions do not conflict: one of them stays.
//
// # Values that change
//
// A value is stored as content: package content says which types can be, how fields
// are told apart, and what happens to NaN, times, nil and empty. A program whose type
// has a field more reads zero for it; one whose type has a field less keeps it, and
// its writes carry it over: of several versions that a write replaces, what the newest
// has. Bytes with a value that T cannot hold are refused with a [content.ValueError];
// where two versions of a program run side by side, see [Siblings.UnmarshalLenient].
//
// # Failover
//
// Where one replica at a time is the primary, each promotion has an epoch, and
// epochs count before causality: see [Promotion]. What a deposed primary goes on
// writing is refused or fenced, and returned, to be logged. [HomeWins] with [Home]
// is for one home region per key, without a failover of all.
//
// # Log
//
// A [Log] is told of every decision before it takes effect, with all versions and
// their values. [Replay] decides what was logged again by another rule, and
// [Reconciler.Describe] writes the policy in force down.
//
// # Stamps and identities
//
// Versions are named by their stamps, so a replica must be one lineage of states
// that does not give out a stamp twice: see [vclock.Replica]. A time from the
// future does no harm to what the set keeps, but decides where the latest wins:
// see [Siblings.Ahead].
//
// # Sources
//
// Siblings and contexts are those of Riak: Preguiça, Baquero, Almeida, Fonte,
// Gonçalves, “Brief Announcement: Efficient Causality Tracking in Distributed
// Storage Systems with Dotted Version Vectors”, PODC 2012. Resolution by the
// application is from Bayou: Terry et al., “Managing Update Conflicts in Bayou, a
// Weakly Connected Replicated Storage System”, SOSP 1995,
// https://doi.org/10.1145/224056.224070.
package resolver
