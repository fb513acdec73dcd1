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
// Compare, Join and Meet take O(m + n) time for m and n entries; where both
// clocks have entries for the same replicas, all names are compared at once. At,
// Contains, Tick and With take O(n).
//
// See Parker et al., “Detection of Mutual Inconsistency in Distributed
// Systems”, 1983.
type Clock struct {
	// names holds, for each replica in ascending order, one byte of length and
	// the name. seqs holds their numbers in the same order, each at least 1. Both
	// may be shared with other clocks, so neither is written to.
	names string
	seqs  []uint64
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
	if len(dots) == 0 {
		return Clock{}
	}
	slices.SortFunc(dots, Dot.Compare)
	var b builder
	for i, d := range dots {
		if i+1 == len(dots) || dots[i+1].Replica != d.Replica {
			b.push(d.Replica, d.Seq)
		}
	}
	return b.clock()
}

// A builder makes a clock from entries in ascending order.
type builder struct {
	names strings.Builder
	seqs  []uint64
}

func (b *builder) push(r Replica, n uint64) {
	b.names.WriteByte(byte(len(r)))
	b.names.WriteString(string(r))
	b.seqs = append(b.seqs, n)
}

func (b *builder) clock() Clock { return Clock{b.names.String(), b.seqs} }

// cutName splits a list of names, which must not be empty, after the first.
func cutName(names string) (r Replica, rest string) {
	end := 1 + int(names[0])
	return Replica(names[1:end]), names[end:]
}

// Len returns the number of replicas with an entry.
func (c Clock) Len() int { return len(c.seqs) }

// IsZero reports whether c is empty.
func (c Clock) IsZero() bool { return len(c.seqs) == 0 }

// All returns an iterator over the entries of c in ascending order of replica
// names. All numbers are at least 1.
func (c Clock) All() iter.Seq2[Replica, uint64] {
	return func(yield func(Replica, uint64) bool) {
		names := c.names
		for _, n := range c.seqs {
			var r Replica
			r, names = cutName(names)
			if !yield(r, n) {
				return
			}
		}
	}
}

// At returns the number of r, 0 if c has no entry for it.
func (c Clock) At(r Replica) uint64 {
	i, _ := c.find(r)
	if i < 0 {
		return 0
	}
	return c.seqs[i]
}

// find returns the index of r in c.seqs and the offset of its name in c.names,
// or a negative index. Names tend to differ at the end, so it looks there first.
func (c Clock) find(r Replica) (index, offset int) {
	if r == "" {
		return -1, 0
	}
	last := r[len(r)-1]
	for i := range c.seqs {
		end := offset + 1 + int(c.names[offset])
		if c.names[end-1] == last && c.names[offset+1:end] == string(r) {
			return i, offset
		}
		offset = end
	}
	return -1, offset
}

// A finger looks up replicas of a clock in ascending order: many of them in one
// pass. It points to the entries not passed yet.
type finger struct{ rest Clock }

// at returns the number of r, which must not be below the one asked for before.
func (f *finger) at(r Replica) uint64 {
	for !f.rest.IsZero() {
		name, _ := cutName(f.rest.names)
		if name == r {
			return f.rest.seqs[0]
		}
		if name > r {
			return 0
		}
		cutEntry(&f.rest)
	}
	return 0
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
	i, _ := c.find(r)
	switch {
	case i < 0:
		return c.insert(r, 1)
	case c.seqs[i] == math.MaxUint64:
		return c
	}
	return c.replace(i, c.seqs[i]+1)
}

// With returns c with the number of r set to n, which may be less than before:
// 0 removes the entry. See [Clock.Join] for a clock that only grows. With panics
// if r is invalid.
func (c Clock) With(r Replica, n uint64) Clock {
	i, offset := c.find(r)
	switch {
	case i < 0 && n == 0:
		r.mustBeValid()
		return c
	case i < 0:
		return c.insert(r, n)
	case n == 0 && len(c.seqs) == 1:
		return Clock{}
	case n == 0:
		_, rest := cutName(c.names[offset:])
		return Clock{c.names[:offset] + rest, slices.Concat(c.seqs[:i], c.seqs[i+1:])}
	case n == c.seqs[i]:
		return c
	}
	return c.replace(i, n)
}

// insert returns c with an entry for r, which has none.
func (c Clock) insert(r Replica, n uint64) Clock {
	r.mustBeValid()
	i, tail := 0, c.names
	for tail != "" {
		name, rest := cutName(tail)
		if name > r {
			break
		}
		i, tail = i+1, rest
	}
	head := c.names[:len(c.names)-len(tail)]
	seqs := make([]uint64, 0, len(c.seqs)+1)
	seqs = append(append(append(seqs, c.seqs[:i]...), n), c.seqs[i:]...)
	return Clock{head + string([]byte{byte(len(r))}) + string(r) + tail, seqs}
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
	for _, r := range replicas {
		if i, _ := c.find(r); i >= 0 {
			return c.filter(func(r Replica) bool { return !slices.Contains(replicas, r) })
		}
	}
	return c
}

func (c Clock) filter(keep func(Replica) bool) Clock {
	var b builder
	for r, n := range c.All() {
		if keep(r) {
			b.push(r, n)
		}
	}
	return b.clock()
}

// String returns the form "eu:4,us:7" that [Parse] reads: entries in ascending
// order of replica names, separated by commas. The empty clock is "".
func (c Clock) String() string { return string(c.appendText(nil)) }
