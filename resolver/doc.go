// Package resolver keeps the concurrent versions of a value side by side and
// lets the application decide what they mean: by a policy, by a rule of its
// own, or by asking a person.
//
// Where two regions write one key without knowing of each other, neither write
// is the later one, and if the larger timestamp just wins, somebody's work is
// lost. [Siblings] keeps both versions until somebody who was shown both writes
// again. A [Reconciler] says what to show until then:
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
// What the versions mean is computed from the set alone, and neither stored nor
// replicated. So any rule converges that gives equal answers to equal
// questions: it need be neither commutative nor associative, the order of
// arrival does not matter, regions do not answer each other's merges with
// writes, and a change of policy takes effect on all that is not yet
// overwritten.
//
// # Values and encodings
//
// Package content says which types can be values, how fields are told apart,
// and what becomes of NaN, times, nil and empty. A field that the bytes lack
// reads zero; one that T lacks is kept, and a write carries over those of the
// newest version that it replaces. Sets share values: do not change any that is
// shown.
//
// Equal states have equal bytes, laid out as in FORMAT.md in the root of the
// module. Decoders take exactly what encoders write, JSON with its members in
// any order, and of values any JSON that reads as the same. On an error they
// leave the receiver as it was. The error wraps [ErrVersion], [ErrType] or
// [ErrDamaged], or is a [content.ValueError] for a value that T cannot hold:
// see [Siblings.UnmarshalLenient]. Encoders return an error only where a
// comment says so. JSON has no members for what is zero; null changes nothing.
//
// # Failover
//
// Where one replica at a time is the primary, each promotion has an epoch, and
// epochs count before causality: see [Promotion]. What a deposed primary goes
// on writing is refused or fenced, and returned, to be logged. [HomeWins] with
// [Home] is for one home region per key, without a failover of all.
//
// # Stamps and identities
//
// Versions are named by their stamps, so a replica is one lineage of states
// with one clock, and gives out no stamp twice. Restored from an older state it
// writes under a new name: see [vclock.Incarnation]. Times from the future do
// no harm to what a set keeps, but win where the latest does: see
// [Siblings.Ahead].
package resolver
