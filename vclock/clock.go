package vclock

import (
	"iter"
	"math"
	"slices"
	"strings"
)

// A Clock is a version vector: for each replica, how many of its events, first
// to last, belong to a history. Clocks compare as the histories do, so two
// clocks may be [Concurrent].
//
// A replica without an entry has the number 0, and there are no entries of 0:
// the clock that was told "eu has 0" equals the one that was told nothing.
//
// The numbers may also be times, such as hlc timestamps, as long as each
// replica's increase. An entry then stands for everything of that replica up to
// that time.
//
// The zero Clock is the empty history and ready to use. A Clock is immutable:
// methods return new clocks, which may share memory with the old. It has no
// useful ==; see [Clock.Equal].
//
// With n entries in both clocks, Compare, Join and Meet take O(n) time. Clocks
// descended from the same one share their list of names, and then no name is
// looked at.
//
// See Parker et al., “Detection of Mutual Inconsistency in Distributed
// Systems”, 1983.
type Clock struct {
	names []Replica // valid, ascending; never written to, so clocks may share it
	seqs  []uint64  // seqs[i] is the number of names[i]; at least 1
}

// Collect returns the clock with the given entries, in any order. Of several
// entries for one replica the largest counts; those of 0 are left out. Collect
// panics on an invalid replica. It takes O(n log n) time.
func Collect(entries iter.Seq2[Replica, uint64]) Clock {
	var dots []Dot
	for r, n := range entries {
		r.mustBeValid()
		if n > 0 {
			dots = append(dots, Dot{r, n})
		}
	}
	slices.SortFunc(dots, func(d, e Dot) int { return -d.Compare(e) })
	dots = slices.CompactFunc(dots, func(d, e Dot) bool { return d.Replica == e.Replica })
	slices.Reverse(dots)
	c := newClock(len(dots))
	for _, d := range dots {
		c.push(d.Replica, d.Seq)
	}
	return c
}

// newClock returns an empty clock with room for n entries to push.
func newClock(n int) Clock {
	if n == 0 {
		return Clock{}
	}
	return Clock{make([]Replica, 0, n), make([]uint64, 0, n)}
}

// push adds an entry to a clock under construction, behind all others.
func (c *Clock) push(r Replica, n uint64) {
	c.names = append(c.names, r)
	c.seqs = append(c.seqs, n)
}

// Len returns the number of replicas with an entry.
func (c Clock) Len() int { return len(c.names) }

// IsZero reports whether c is empty.
func (c Clock) IsZero() bool { return len(c.names) == 0 }

// All returns an iterator over the entries of c in ascending order of replica
// names. All numbers are at least 1.
func (c Clock) All() iter.Seq2[Replica, uint64] {
	return func(yield func(Replica, uint64) bool) {
		for i, r := range c.names {
			if !yield(r, c.seqs[i]) {
				return
			}
		}
	}
}

// find returns the position of r in c.names, or where it would be.
func (c Clock) find(r Replica) (int, bool) {
	low, high := 0, len(c.names)
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch name := c.names[mid]; {
		case name == r:
			return mid, true
		case name < r:
			low = mid + 1
		default:
			high = mid
		}
	}
	return low, false
}

// At returns the number of r, 0 if c has no entry for it.
func (c Clock) At(r Replica) uint64 {
	i, ok := c.find(r)
	if !ok {
		return 0
	}
	return c.seqs[i]
}

// Contains reports whether the event d belongs to the history of c. A dot with
// the number 0 belongs to none.
func (c Clock) Contains(d Dot) bool { return d.Seq-1 < c.At(d.Replica) }

// Tick returns c with the number of r increased by 1: the clock of r's next
// event.
//
// There is no number after [math.MaxUint64]. Tick then returns a clock equal
// to c instead of wrapping around, and r has no further event to name; counting
// gets nobody there, but a number from a stranger does.
//
// Tick panics if r is invalid. Only r itself may count its events: see
// [Replica].
func (c Clock) Tick(r Replica) Clock {
	i, ok := c.find(r)
	switch {
	case !ok:
		return c.insert(i, r, 1)
	case c.seqs[i] == math.MaxUint64:
		return c
	}
	return c.replace(i, c.seqs[i]+1)
}

// With returns c with the number of r set to n, which may be less than before:
// 0 removes the entry. See [Clock.Join] for a clock that only grows. With panics
// if r is invalid.
func (c Clock) With(r Replica, n uint64) Clock {
	i, ok := c.find(r)
	switch {
	case !ok && n == 0:
		r.mustBeValid()
		return c
	case !ok:
		return c.insert(i, r, n)
	case n == 0:
		return c.Without(r)
	case n == c.seqs[i]:
		return c
	}
	return c.replace(i, n)
}

func (c Clock) insert(i int, r Replica, n uint64) Clock {
	r.mustBeValid()
	d := newClock(len(c.names) + 1)
	d.names = append(append(append(d.names, c.names[:i]...), r), c.names[i:]...)
	d.seqs = append(append(append(d.seqs, c.seqs[:i]...), n), c.seqs[i:]...)
	return d
}

func (c Clock) replace(i int, n uint64) Clock {
	seqs := slices.Clone(c.seqs)
	seqs[i] = n
	return Clock{c.names, seqs}
}

// Without returns c without the entries of the given replicas. Names that c has
// no entry for are ignored.
//
// # Hazard
//
// The result denies having seen those replicas' events. A version stamped with
// it no longer counts as after versions that it replaced, and comes out as
// before or concurrent to them; a late message of a departed replica looks
// new and brings back what was overwritten. Drop a replica only when every clock
// that will ever be compared again drops it too, and when no message of it is
// in flight: after a [Matrix] says that everybody has seen all of it.
func (c Clock) Without(replicas ...Replica) Clock {
	keep := 0
	for _, r := range c.names {
		if !slices.Contains(replicas, r) {
			keep++
		}
	}
	if keep == len(c.names) {
		return c
	}
	d := newClock(keep)
	for i, r := range c.names {
		if !slices.Contains(replicas, r) {
			d.push(r, c.seqs[i])
		}
	}
	return d
}

// Compare returns how the history of c relates to that of d: [Before] means
// that c is part of d. It does not allocate.
func (c Clock) Compare(d Clock) Order {
	if c.sameNames(d) {
		return compareSeqs(c.seqs, d.seqs)
	}
	order, _ := c.walk(d)
	return order
}

// Equal reports whether c and d have the same entries.
func (c Clock) Equal(d Clock) bool { return c.sameNames(d) && slices.Equal(c.seqs, d.seqs) }

// Covers reports whether every event of d belongs to c: whether c is equal to
// d or after it.
func (c Clock) Covers(d Clock) bool {
	switch c.Compare(d) {
	case Equal, After:
		return true
	case Before, Concurrent:
	}
	return false
}

// Join returns the least clock that covers c and d: the union of the two
// histories, entry by entry the larger number.
//
// Join is commutative, associative and idempotent. If one of the two covers the
// other, Join returns that one and does not allocate.
func (c Clock) Join(d Clock) Clock {
	if c.sameNames(d) {
		return c.joinSeqs(d)
	}
	order, union := c.walk(d)
	switch order {
	case Equal, After:
		return c
	case Before:
		return d
	case Concurrent:
	}
	e := newClock(union)
	i, j := 0, 0
	for i < len(c.names) && j < len(d.names) {
		switch cmp := strings.Compare(string(c.names[i]), string(d.names[j])); {
		case cmp < 0:
			e.push(c.names[i], c.seqs[i])
			i++
		case cmp > 0:
			e.push(d.names[j], d.seqs[j])
			j++
		default:
			e.push(c.names[i], max(c.seqs[i], d.seqs[j]))
			i, j = i+1, j+1
		}
	}
	e.names = append(append(e.names, c.names[i:]...), d.names[j:]...)
	e.seqs = append(append(e.seqs, c.seqs[i:]...), d.seqs[j:]...)
	return e
}

func (c Clock) joinSeqs(d Clock) Clock {
	switch compareSeqs(c.seqs, d.seqs) {
	case Equal, After:
		return c
	case Before:
		return d
	case Concurrent:
	}
	seqs := make([]uint64, len(c.seqs))
	for i, n := range c.seqs {
		seqs[i] = max(n, d.seqs[i])
	}
	return Clock{c.names, seqs}
}

// Meet returns the greatest clock that c and d both cover: the events that
// belong to both histories, entry by entry the smaller number. Like
// [Clock.Join] it is commutative, associative and idempotent.
func (c Clock) Meet(d Clock) Clock {
	order, union := c.walk(d)
	switch order {
	case Equal, Before:
		return c
	case After:
		return d
	case Concurrent:
	}
	e := newClock(len(c.names) + len(d.names) - union)
	for i, j := 0, 0; i < len(c.names) && j < len(d.names); {
		switch cmp := strings.Compare(string(c.names[i]), string(d.names[j])); {
		case cmp < 0:
			i++
		case cmp > 0:
			j++
		default:
			e.push(c.names[i], min(c.seqs[i], d.seqs[j]))
			i, j = i+1, j+1
		}
	}
	return e
}

// sameNames reports whether c and d have entries for the same replicas.
func (c Clock) sameNames(d Clock) bool {
	if len(c.names) != len(d.names) {
		return false
	}
	if len(c.names) == 0 || &c.names[0] == &d.names[0] {
		return true
	}
	for i, r := range c.names {
		if r != d.names[i] {
			return false
		}
	}
	return true
}

// compareSeqs compares the numbers of two clocks with the same names.
func compareSeqs(c, d []uint64) Order {
	order := Equal
	d = d[:len(c)]
	for i, n := range c {
		switch m := d[i]; {
		case n < m:
			order |= Before
		case n > m:
			order |= After
		}
	}
	return order
}

// walk compares c and d, and counts the replicas that have an entry in either.
func (c Clock) walk(d Clock) (order Order, union int) {
	i, j := 0, 0
	for i < len(c.names) && j < len(d.names) {
		switch r, s := c.names[i], d.names[j]; {
		case r == s:
			switch n, m := c.seqs[i], d.seqs[j]; {
			case n < m:
				order |= Before
			case n > m:
				order |= After
			}
			i, j = i+1, j+1
		case r < s:
			order |= After
			i++
		default:
			order |= Before
			j++
		}
		union++
	}
	if i < len(c.names) {
		order |= After
	}
	if j < len(d.names) {
		order |= Before
	}
	return order, union + len(c.names) - i + len(d.names) - j
}

// String returns the form "eu:4,us:7" that [Parse] reads: entries in ascending
// order of replica names, separated by commas. The empty clock is "".
func (c Clock) String() string { return string(c.appendText(nil)) }
