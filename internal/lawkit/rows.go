package lawkit

import (
	"iter"
	"maps"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// Rows are what the replicas of one state in a history are known to have seen of it: a
// clock each. Who passes rows on passes the state on, too.
type Rows struct {
	of map[vclock.Replica]vclock.Clock
}

// NewRows returns the rows of replicas that have seen nothing.
func NewRows(replicas ...vclock.Replica) *Rows {
	s := &Rows{of: map[vclock.Replica]vclock.Clock{}}
	for _, r := range replicas {
		s.of[r] = vclock.Clock{}
	}
	return s
}

// Record notes that r has seen c, if r has a row, and reports whether that is news.
func (s *Rows) Record(r vclock.Replica, c vclock.Clock) bool {
	row, ok := s.of[r]
	if !ok || row.Covers(c) {
		return false
	}
	s.of[r] = row.Join(c)
	return true
}

// Retire removes the row of r.
func (s *Rows) Retire(r vclock.Replica) { delete(s.of, r) }

// All returns an iterator over the rows in the order of names.
func (s *Rows) All() iter.Seq2[vclock.Replica, vclock.Clock] {
	return func(yield func(vclock.Replica, vclock.Clock) bool) {
		for _, r := range slices.Sorted(maps.Keys(s.of)) {
			if !yield(r, s.of[r]) {
				return
			}
		}
	}
}

// Settled returns what all have seen, and whether a replica that has seen own may
// forget it: whether it has seen what any of them has.
func (s *Rows) Settled(own vclock.Clock) (stable vclock.Clock, ok bool) {
	first := true
	for _, row := range s.All() {
		if !own.Covers(row) {
			return vclock.Clock{}, false
		}
		if first {
			stable = row
		}
		stable, first = stable.Meet(row), false
	}
	return stable, !first
}

// Clone returns a copy of s.
func (s *Rows) Clone() *Rows { return &Rows{maps.Clone(s.of)} }
