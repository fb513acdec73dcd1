package vclock

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/internal/quote"
)

// ErrExhausted is the error of [DotSet.Next] and [DVVSet.Put] for a replica of
// which the largest possible number is taken.
var ErrExhausted = errors.New("vclock: replica has no number left")

// A DotSet is a set of dots: events seen, one by one, in whatever order. It
// holds what a [Clock] cannot, the fourth event of a replica without the third:
// per replica one number for the events from the first without a gap, and runs
// of those beyond.
//
// The zero DotSet is empty and ready to use. A DotSet is not safe for
// concurrent use. Add and Contains take O(log r + log g) time for r replicas
// and g gaps in the events of one, and the first event of a replica O(r).
type DotSet struct {
	_ nocopy.NoCopy
	dotSetState
}

// A dotSetState is what a DotSet holds, so that one in a struct has its JSON there.
type dotSetState struct {
	names []Replica // ascending
	held  []numbers // held[i] belongs to names[i] and is not empty
}

// find returns the index of r in s.names, or where it would be.
func (s *DotSet) find(r Replica) (int, bool) { return slices.BinarySearch(s.names, r) }

// admit makes room for the given replicas, in ascending order, whose numbers
// are to be added at once.
func (s *DotSet) admit(names []Replica) {
	union := make([]Replica, 0, len(s.names)+len(names))
	held := make([]numbers, 0, cap(union))
	i := 0
	for _, r := range names {
		for i < len(s.names) && s.names[i] < r {
			union, held = append(union, s.names[i]), append(held, s.held[i])
			i++
		}
		if i == len(s.names) || s.names[i] != r {
			union, held = append(union, r), append(held, numbers{})
		}
	}
	s.names, s.held = append(union, s.names[i:]...), append(held, s.held[i:]...)
}

// Add adds d and reports whether it was missing. It panics if d is not valid.
func (s *DotSet) Add(d Dot) bool {
	i, ok := s.find(d.Replica)
	if d.Seq == 0 || !ok && !d.Replica.IsValid() {
		panic(fmt.Sprintf("vclock: %v", errInvalidDot(d)))
	}
	if !ok {
		s.names = slices.Insert(s.names, i, d.Replica)
		s.held = slices.Insert(s.held, i, numbers{})
	}
	return s.held[i].add(run{d.Seq, d.Seq})
}

// AddClock adds every event of c and reports whether any was missing.
func (s *DotSet) AddClock(c Clock) bool {
	var o DotSet
	for r, n := range c.All() {
		o.names, o.held = append(o.names, r), append(o.held, numbers{prefix: n})
	}
	return s.Merge(&o)
}

// Contains reports whether d is in s.
func (s *DotSet) Contains(d Dot) bool {
	i, ok := s.find(d.Replica)
	return ok && d.Seq > 0 && s.held[i].contains(d.Seq)
}

// Next returns the dot of r's next event, after the largest number that s holds
// of r, be it beyond a gap, and does not add it. It returns [ErrExhausted] if
// that number is [math.MaxUint64], and panics if r is invalid.
func (s *DotSet) Next(r Replica) (Dot, error) {
	i, ok := s.find(r)
	if !ok {
		r.mustBeValid()
		return Dot{r, 1}, nil
	}
	last := s.held[i].last()
	if last == math.MaxUint64 {
		return Dot{}, fmt.Errorf("%w: %q", ErrExhausted, string(r))
	}
	return Dot{r, last + 1}, nil
}

// Clock returns the clock of the events without a gap before them: the largest
// history that s holds as a whole.
func (s *DotSet) Clock() Clock {
	var b builder
	for i, r := range s.names {
		if n := s.held[i].prefix; n > 0 {
			b.push(r, n)
		}
	}
	return b.clock()
}

// Len returns the number of dots in s, at most [math.MaxUint64].
func (s *DotSet) Len() uint64 {
	var n uint64
	for i := range s.held {
		n = saturatingAdd(n, s.held[i].count())
	}
	return n
}

// All returns an iterator over the dots in the order of [Dot.Compare]. A
// hostile peer can make them too many to visit: see [DotSet.Len].
func (s *DotSet) All() iter.Seq[Dot] {
	return func(yield func(Dot) bool) {
		for i, name := range s.names {
			if !s.held[i].all(func(r run) bool {
				for n := r.first; ; n++ {
					if !yield(Dot{name, n}) {
						return false
					}
					if n == r.last {
						return true
					}
				}
			}) {
				return
			}
		}
	}
}

// Merge adds the dots of o to s and reports whether any was missing. It is
// commutative, associative and idempotent up to [DotSet.Equal], and takes O(r +
// m log g) time for r replicas, m runs in o and g gaps in s.
func (s *DotSet) Merge(o *DotSet) bool {
	missing := func(r Replica) bool {
		_, ok := s.find(r)
		return !ok
	}
	if slices.ContainsFunc(o.names, missing) {
		s.admit(o.names)
	}
	changed := false
	for i, r := range o.names {
		j, _ := s.find(r)
		changed = s.held[j].merge(&o.held[i]) || changed
	}
	return changed
}

// Covers reports whether s holds every dot of o.
func (s *DotSet) Covers(o *DotSet) bool {
	for i, r := range o.names {
		j, ok := s.find(r)
		if !ok || !s.held[j].covers(&o.held[i]) {
			return false
		}
	}
	return true
}

// Compare returns how s relates to o: [Before] means that s is part of o.
func (s *DotSet) Compare(o *DotSet) Order {
	order := Equal
	if !s.Covers(o) {
		order |= Before
	}
	if !o.Covers(s) {
		order |= After
	}
	return order
}

// Equal reports whether s and o hold the same dots.
func (s *DotSet) Equal(o *DotSet) bool {
	return slices.Equal(s.names, o.names) && s.Compare(o) == Equal
}

// Clone returns a copy of s that shares no memory with it.
func (s *DotSet) Clone() *DotSet {
	held := slices.Clone(s.held)
	for i := range held {
		held[i] = held[i].clone()
	}
	return &DotSet{dotSetState: dotSetState{slices.Clone(s.names), held}}
}

// String returns the dots of s as ranges, such as "eu:1-4 us:1-7,9,11-13".
func (s *DotSet) String() string {
	var b []byte
	for i, r := range s.names {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(quote.Append(b, string(r)), ':')
		b = s.held[i].appendRanges(b)
	}
	return string(b)
}

// appendRanges appends the numbers of n as "1-7,9,11-13".
func (n *numbers) appendRanges(b []byte) []byte {
	start := len(b)
	n.all(func(r run) bool {
		if len(b) > start {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, r.first, 10)
		if r.last > r.first {
			b = strconv.AppendUint(append(b, '-'), r.last, 10)
		}
		return true
	})
	return b
}
