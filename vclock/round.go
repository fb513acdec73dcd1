package vclock

import (
	"fmt"
	"slices"
)

// A Round is one round of collecting garbage in a store, at one member: a state
// machine without clock, messages or storage. K names an object, such as the
// key of its row, and C is what an object has seen, such as a crdt.Context.
//
//   - Begin with [NewRound], and [Round.Note] the objects that have garbage, in
//     as many transactions as it takes; then [Round.Shut] it.
//   - Exchange states as ever, each with its [Matrix]: [Round.Waits] names
//     those for whom the round waits.
//   - When [Round.Done] says so, forget what its [Permit] allows, and begin
//     another.
//
// What was noted comes out of the round only when every member has merged it,
// and the owner has merged what each of them had then; late, repeated and lost
// messages do not hurt. It waits, too, for a member that is admitted meanwhile,
// and for those who have not heard that one was retired, or has a new
// incarnation. Each member has rounds of its own; they need no leader, and do
// not disturb each other.
//
// The zero Round has no owner, and panics. A Round is not safe for concurrent
// use. It holds what was noted, in memory: if it is lost, begin another. Its
// methods panic in another order, with the matrix of another member, and for
// another incarnation of the owner.
type Round[K comparable, C any] struct {
	owner Replica
	noted map[K]C
	mark  uint64 // 0 until it is shut
}

// NewRound begins a round for the owner of m.
func NewRound[K comparable, C any](m *Matrix) *Round[K, C] {
	return &Round[K, C]{owner: m.owner, noted: map[K]C{}}
}

// Note notes what an object with garbage has seen now. It panics if the round
// is shut: what is seen since belongs into the next one.
func (r *Round[K, C]) Note(key K, seen C) {
	switch {
	case r.noted == nil:
		panic("vclock: Note in a Round without an owner: make it with NewRound")
	case r.mark > 0:
		panic(fmt.Sprintf("vclock: Note(%v) in a Round that is shut: begin another", key))
	}
	r.noted[key] = seen
}

// Shut ends the notes, at the reading of the owner's clock, in a transaction
// not before theirs: states recorded from now on have what was noted; see
// [Matrix.Record]. It has no effect on a round that is shut. It returns a
// [*MemberError] if the owner may not collect garbage: if it is no member any
// more, or not [Matrix.Confirmed].
func (r *Round[K, C]) Shut(m *Matrix, now uint64) error {
	r.check(m)
	if err := m.Usable(); err != nil {
		return err
	}
	if !m.Confirmed() {
		return &MemberError{Replica: m.owner, Unconfirmed: true}
	}
	if r.mark == 0 {
		// What was told under a number that is known already did not have the notes.
		r.mark = max(now, 1)
		for i := range m.members {
			r.mark = max(r.mark, m.members[i].row.At(m.self())+1)
		}
	}
	return nil
}

func (r *Round[K, C]) check(m *Matrix) {
	if r.owner != m.owner {
		panic(fmt.Sprintf("vclock: the Round of %q is asked with the Matrix of %q: begin another", string(r.owner), string(m.owner)))
	}
}

// Waits returns the members for whom the round waits, ascending: exchange
// states with them, both ways. One that stays there is silent, or down: nothing
// is forgotten until it is back, or retired.
func (r *Round[K, C]) Waits(m *Matrix) []Replica {
	r.check(m)
	self := m.self()
	own, _ := m.Row(self)
	var silent []Replica
	for i := range m.members {
		x := &m.members[i]
		if x.name == self || m.declared.isGone(x.name) {
			continue
		}
		_, stranger := slices.BinarySearch(x.strangers, self)
		if stranger || x.row.At(self) < max(r.mark, 1) || !own.Covers(x.row) || !x.sealed.Covers(m.declared) {
			silent = append(silent, x.name)
		}
	}
	return silent
}

// A Permit says what a store may forget at the end of a [Round].
type Permit[K comparable, C any] struct {
	// Over is what is closed: close every object of the store with it before it is
	// compacted, or when it is next touched.
	Over Closing
	// Seen is what may be compacted, of each object that was noted: what all have
	// seen.
	Seen map[K]C
	// Stable and Horizon are for types whose numbers are times: all have merged
	// what Stable covers, and every write up to the time Horizon, 0 if nothing is
	// known.
	Stable  Clock
	Horizon uint64
}

// Done returns what may be forgotten, and whether anything may: the round is
// shut and all have seen what was noted. It closes what may be closed, as
// [Matrix.Close] does: store m in the same transaction. What a permit allows
// may be forgotten at any time after, piece by piece, as long as the store does
// not go back to an older state.
func (r *Round[K, C]) Done(m *Matrix) (Permit[K, C], bool) {
	r.check(m)
	over := m.Close()
	if r.mark == 0 || !m.Settled() {
		return Permit[K, C]{}, false
	}
	stable := m.Stable()
	if stable.At(m.self()) < r.mark {
		return Permit[K, C]{}, false
	}
	return Permit[K, C]{Over: over, Seen: r.noted, Stable: stable, Horizon: m.Floor()}, true
}
