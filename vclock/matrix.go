package vclock

import (
	"fmt"
	"iter"
	"slices"
)

// A Matrix tells what every member of a group is known to have seen. It is what
// garbage collection goes by: a tombstone, or a remembered removal, may be
// dropped once every member has seen it, since then no message can arrive
// that still needs it.
//
// Every replica that writes must be a member, or what it writes may be
// collected before all others have it. A member that is never heard of holds
// everything back, which is the safe side: see [Matrix.Retire].
//
// The zero Matrix has no members and says that nothing is stable. A Matrix is
// not safe for concurrent use. It holds O(n²) numbers for n members.
//
// See Wuu, Bernstein, “Efficient Solutions to the Replicated Log and Dictionary
// Problems”, PODC 1984, for the idea of a two-dimensional clock.
type Matrix struct {
	members []Replica // ascending
	rows    []Clock   // rows[i] is what members[i] has seen

	// retired holds, for each retired member, the largest number that a member
	// has seen of it. Until all have seen as much, it bounds Floor.
	retired Clock
}

// NewMatrix returns a matrix with the given members, none of which has seen
// anything. It panics on an invalid replica.
func NewMatrix(members ...Replica) *Matrix {
	m := &Matrix{members: slices.Clone(members)}
	for _, r := range members {
		r.mustBeValid()
	}
	slices.Sort(m.members)
	m.members = slices.Compact(m.members)
	m.rows = make([]Clock, len(m.members))
	return m
}

func (m *Matrix) find(r Replica) (int, bool) { return slices.BinarySearch(m.members, r) }

// Record notes that member r has seen everything in c, and reports whether that
// is news. A record that is late, or comes twice, changes nothing, and neither
// does one of a replica that is not a member, as a retired one.
//
// # Clocks travel with states
//
// Record c only after merging the state that c describes, or a later one: take
// the two together, send them together. A clock that arrives alone tells that r
// has seen a removal, while something that r wrote before it saw the removal may
// still be on its way here. Once the removal is forgotten, nothing is left to
// stop it. With the state merged first, it is here already.
//
// A replica records its own clock, too, when it has merged something. It may
// pass on rows of others along with its own state, which includes theirs.
//
// Where numbers are times, the number that r reports for itself is the reading
// of its clock when the state is taken, be there a write or not; otherwise a
// member that does not write holds back [Matrix.Floor].
func (m *Matrix) Record(r Replica, c Clock) bool {
	i, ok := m.find(r)
	if !ok || m.rows[i].Covers(c) {
		return false
	}
	m.rows[i] = m.rows[i].Join(c)
	return true
}

// Retire removes members that will not be heard of again. They no longer hold
// anything back. Replicas that are not members are ignored.
//
// # Hazard
//
// No state of a retired replica may be merged anywhere from then on: what it
// had seen is no longer waited for, so it may bring back what the others have
// collected. In this order: make the members refuse its states, record a clock
// that each of them has taken after that, then retire it. If it comes back, it
// comes as a new replica with a copy of another's state.
//
// What it wrote is safe: [Matrix.Floor] waits until the remaining members have
// all seen as much of it as any of them has.
func (m *Matrix) Retire(replicas ...Replica) {
	var gone []Replica
	for _, r := range replicas {
		if i, ok := m.find(r); ok {
			gone = append(gone, r)
			m.members = slices.Delete(m.members, i, i+1)
			m.rows = slices.Delete(m.rows, i, i+1)
		}
	}
	var seen Clock
	for _, row := range m.rows {
		seen = seen.Join(row)
	}
	var retired builder
	for r, n := range seen.All() {
		switch {
		case slices.Contains(gone, r):
			retired.push(r, n)
		case m.retired.At(r) > 0:
			retired.push(r, min(n, m.retired.At(r)))
		}
	}
	m.retired = retired.clock()
}

// Row returns what member r is known to have seen. It reports false if r is not
// a member.
func (m *Matrix) Row(r Replica) (Clock, bool) {
	i, ok := m.find(r)
	if !ok {
		return Clock{}, false
	}
	return m.rows[i], true
}

// All returns an iterator over the members in ascending order and what each is
// known to have seen.
func (m *Matrix) All() iter.Seq2[Replica, Clock] {
	return func(yield func(Replica, Clock) bool) {
		for i, r := range m.members {
			if !yield(r, m.rows[i]) {
				return
			}
		}
	}
}

// Len returns the number of members.
func (m *Matrix) Len() int { return len(m.members) }

// Stable returns the clock of the events that every member is known to have
// seen: the meet of the rows. Without members it is empty. As long as there are
// members it never goes back, whatever is recorded or retired. It takes O(n²)
// time for n members.
func (m *Matrix) Stable() Clock {
	if len(m.rows) == 0 {
		return Clock{}
	}
	stable := m.rows[0]
	for _, row := range m.rows[1:] {
		stable = stable.Meet(row)
	}
	return stable
}

// Floor returns the smallest number that any member is known to have seen of
// any member: where numbers are times, the time up to which every member has
// seen every write. It is 0 as long as one member has not been heard of, by all
// the others, and without members. As long as there are members it never goes
// back, whatever is recorded or retired. It takes O(n²) time for n members.
func (m *Matrix) Floor() uint64 {
	if len(m.members) == 0 {
		return 0
	}
	stable := m.Stable()
	floor := stable.At(m.members[0])
	for _, r := range m.members {
		floor = min(floor, stable.At(r))
	}
	for r, n := range m.retired.All() {
		if seen := stable.At(r); seen < n {
			floor = min(floor, seen)
		}
	}
	return floor
}

// Equal reports whether m and o have the same members and know the same of
// them.
func (m *Matrix) Equal(o *Matrix) bool {
	return slices.Equal(m.members, o.members) && slices.EqualFunc(m.rows, o.rows, Clock.Equal) && m.retired.Equal(o.retired)
}

// Clone returns a copy of m.
func (m *Matrix) Clone() *Matrix {
	return &Matrix{slices.Clone(m.members), slices.Clone(m.rows), m.retired}
}

// String returns one line per member: its name, a space, and its row.
func (m *Matrix) String() string {
	var b []byte
	for i, r := range m.members {
		b = fmt.Appendf(b, "%s %v\n", r, m.rows[i])
	}
	return string(b)
}
