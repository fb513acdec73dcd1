package vclock

import (
	"iter"
	"math"
	"slices"
	"strings"
)

// A Clock is a version vector: for each replica, how many of its events, first
// to last, belong to a history. Clocks compare as the histories do, so two may
// be [Concurrent]. The numbers may also be times, if each replica's increase:
// an entry then stands for all of that replica up to that time.
//
// A replica without an entry has the number 0, and there are no entries of 0.
// The zero Clock is the empty history and ready to use. A Clock is immutable;
// new clocks may share its memory. It has no useful ==: see [Clock.Equal].
// Compare, Covers, Join and Meet take O(m + n) time for m and n entries; At,
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
// for one replica the largest counts; those of 0 are left out. It panics on an
// invalid replica, and takes O(n log n) time.
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

// All returns an iterator over the entries, in ascending order of names.
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

// Contains reports whether the event d belongs to c; one of number 0 does not.
func (c Clock) Contains(d Dot) bool { return d.Seq-1 < c.At(d.Replica) }

// Tick returns c with the number of r increased by 1: the clock of r's next
// event. After [math.MaxUint64], which only a number from a stranger reaches,
// it returns a clock equal to c. Tick panics if r is invalid.
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

// With returns c with n as the number of r, be it lower; 0 removes the entry.
// See [Clock.Join] for a clock that only grows. It panics if r is invalid.
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

// Without returns c without the entries of replicas, as far as it has any.
//
// # Hazard
//
// The result denies having seen those replicas' events. A version stamped with
// it no longer counts as after versions that it replaced; a late message of a
// departed replica looks new and brings back what was overwritten. Drop a
// replica only when every clock to be compared again does, and no message of it
// is in flight: after a [Matrix] says that everybody has seen all of it.
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

// String returns the form that [Parse] reads: "eu:4,us:7", in order, or "".
func (c Clock) String() string { return string(c.appendText(nil)) }
