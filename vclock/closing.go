package vclock

import (
	"iter"
	"math"
)

// lifeBits is how many bits the number of an event within one incarnation has,
// where numbers count.
const lifeBits = 32

// gone is the incarnation that a retired name never reaches, and forever the time at which
// it would begin: to retire closes more than any beginning does.
const (
	gone    = MaxIncarnation + 1
	forever = math.MaxUint64
)

// A Closing says which lives of replicas are over: of each name, all
// incarnations before one, or all. A [Matrix] makes closings; states take them.
// The zero Closing closes nothing. A Closing is immutable.
//
// Where numbers count events, it covers those below n·2³², where incarnation n
// begins. Where they are times, it covers those before n began, and all of a
// retired name.
type Closing struct {
	lives Clock // by name: the first incarnation that is not over; gone if none
	since Clock // by name: when that one began; absent if 0
}

// closingOf returns a closing of one name.
func closingOf(name Replica, life, since uint64) Closing {
	return Closing{Clock{}.With(name, life), Clock{}.With(name, since)}
}

// All returns an iterator over the names of which something is over, ascending,
// and the first incarnation that is not, above [MaxIncarnation] for a retired
// name.
func (c Closing) All() iter.Seq2[Replica, uint64] { return c.lives.All() }

// IsZero reports whether c closes nothing.
func (c Closing) IsZero() bool { return c.lives.IsZero() }

// Counts returns what c covers where numbers count events.
func (c Closing) Counts() Clock {
	var b builder
	for r, n := range c.lives.All() {
		b.push(r, n<<lifeBits-1)
	}
	return b.clock()
}

// Times returns what c covers where numbers are times.
func (c Closing) Times() Clock {
	var b builder
	for r, t := range c.since.All() {
		if t > 1 {
			b.push(r, min(t-1, math.MaxInt64))
		}
	}
	return b.clock()
}

// Join returns the least closing that covers c and d.
func (c Closing) Join(d Closing) Closing {
	return Closing{c.lives.Join(d.lives), c.since.Join(d.since)}
}

// Meet returns what both c and d close.
func (c Closing) Meet(d Closing) Closing {
	return Closing{c.lives.Meet(d.lives), c.since.Meet(d.since)}
}

// Covers reports whether c closes what d closes.
func (c Closing) Covers(d Closing) bool { return c.lives.Covers(d.lives) && c.since.Covers(d.since) }

// Equal reports whether c and d close the same.
func (c Closing) Equal(d Closing) bool { return c.lives.Equal(d.lives) && c.since.Equal(d.since) }

// isGone reports whether name was retired.
func (c Closing) isGone(name Replica) bool { return c.lives.At(name) == gone }

// IsOver reports whether the life that r names is over.
func (c Closing) IsOver(r Replica) bool {
	name, life := r.Lineage()
	return c.lives.At(name) > life
}

// IsOverAt reports whether what r wrote at a time is of a life that is over.
func (c Closing) IsOverAt(r Replica, time uint64) bool {
	name, _ := r.Lineage()
	return c.IsOver(r) && (c.isGone(name) || time < c.since.At(name))
}

// String returns the first incarnations not over, such as "ap:65536 eu:3".
func (c Closing) String() string {
	var b []byte
	for r, n := range c.All() {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(b, Dot{r, n}.String()...)
	}
	return string(b)
}
