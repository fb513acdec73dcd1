package vclock

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// MaxReplica is the length in bytes of the longest valid [Replica].
const MaxReplica = 255

// A Replica names one lineage of state: a region, a server, a device, for as
// long as it continues from the state that it last had. A name is valid if it
// is 1 to [MaxReplica] bytes of valid UTF-8. Functions that take one to write
// under panic on an invalid name, decoders refuse it.
//
// # Hazard
//
// A replica that loses state, or is restored from a backup, and goes on under
// its old name counts the same numbers again. Two events then share one [Dot],
// replicas take one for the other, and one is lost without a trace. It must go
// on as its next incarnation: see [Identity].
type Replica string

// IsValid reports whether r is 1 to [MaxReplica] bytes of valid UTF-8.
func (r Replica) IsValid() bool {
	return len(r) >= 1 && len(r) <= MaxReplica && utf8.ValidString(string(r))
}

// MaxIncarnation is the largest number of an incarnation.
const MaxIncarnation = 1<<16 - 1

// Incarnation returns the name under which the n-th life of a replica writes:
// name, the character #, and n in decimal, or name alone if n = 0. A replica
// that goes on from older state, or from none, takes the next n, to reuse no
// number of its former self. N must outlive the state, as a counter in the
// deployment does. [Matrix.Begin] tells the others.
//
// Different pairs give different replicas, whatever name contains, but for n =
// 0. It panics if n is above [MaxIncarnation] or the result is not valid.
func Incarnation(name string, n uint64) Replica {
	Replica(name).mustBeValid()
	switch {
	case n > MaxIncarnation:
		panic(fmt.Sprintf("vclock: incarnation %d of %q: more than %d", n, name, MaxIncarnation))
	case n == 0:
		return Replica(name)
	}
	r := Replica(name + "#" + strconv.FormatUint(n, 10))
	r.mustBeValid()
	return r
}

// Lineage returns the arguments with which [Incarnation] returns r, or r and 0.
func (r Replica) Lineage() (name Replica, n uint64) {
	end := len(r)
	for end > 0 && '0' <= r[end-1] && r[end-1] <= '9' {
		end--
	}
	digits := r[end:]
	if end < 2 || r[end-1] != '#' || digits == "" || digits[0] == '0' || len(digits) > 5 {
		return r, 0
	}
	n, err := strconv.ParseUint(string(digits), 10, 16)
	if err != nil {
		return r, 0
	}
	return r[:end-1], n
}

// mustBeValid panics if r is not a valid replica name.
func (r Replica) mustBeValid() {
	if !r.IsValid() {
		panic(fmt.Sprintf("vclock: invalid replica %q", string(r)))
	}
}
