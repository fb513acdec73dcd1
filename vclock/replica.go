package vclock

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// MaxReplica is the length in bytes of the longest valid [Replica].
const MaxReplica = 255

// A Replica names one lineage of state: a region, a server, a device, for as
// long as it continues from the state that it last had.
//
// A name is valid if it is 1 to [MaxReplica] bytes of valid UTF-8. Functions
// that take a Replica to write under panic on an invalid one, decoders refuse
// it.
//
// # Hazard
//
// A replica that loses state, or is restored from a backup, and then goes on
// under its old name counts the same numbers a second time. Two different
// events then share one [Dot], replicas take one for the other, and one of them
// is lost without a trace. Such a replica goes on as its next incarnation: see
// [Identity].
type Replica string

// IsValid reports whether r is 1 to [MaxReplica] bytes of valid UTF-8.
func (r Replica) IsValid() bool {
	return len(r) >= 1 && len(r) <= MaxReplica && utf8.ValidString(string(r))
}

// MaxIncarnation is the largest number of an incarnation.
const MaxIncarnation = 1<<16 - 1

// Incarnation returns the name under which the n-th life of a replica writes: name,
// the character #, and n in decimal. The first life is that of the name alone, so n
// = 0 gives name. A replica that goes on from older state, or from none, takes the
// next n, so that it never reuses a number of its former self; n must outlive the
// state, as a counter in the deployment does. [Matrix.Begin] tells the others.
//
// Different pairs of name and n give different replicas, whatever name contains,
// but for n = 0. Incarnation panics if n is above [MaxIncarnation], or if the result is
// not valid.
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

// Lineage returns the name and the number that [Incarnation] makes r of. A name that
// it does not make is the first life of itself.
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
