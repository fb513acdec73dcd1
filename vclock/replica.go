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
// is lost without a trace. Give such a replica a new name: see [Incarnation].
type Replica string

// IsValid reports whether r is 1 to [MaxReplica] bytes of valid UTF-8.
func (r Replica) IsValid() bool {
	return len(r) >= 1 && len(r) <= MaxReplica && utf8.ValidString(string(r))
}

// Incarnation returns the name of the n-th life of a replica: name, the
// character #, and n in decimal. A process that comes back with older state, or
// with none, takes the next n, so that it never reuses a number of its former
// self; n must outlive the state, as a counter in the deployment or a start time
// does.
//
// Different pairs of name and n give different replicas, whatever name
// contains, because # is followed by digits only in the last part. None of them
// equals a name without #, and n = 0 is no exception: it gives "eu#0".
//
// Incarnation panics if the result is not valid.
func Incarnation(name string, n uint64) Replica {
	r := Replica(name + "#" + strconv.FormatUint(n, 10))
	if name == "" || !r.IsValid() {
		panic(fmt.Sprintf("vclock: invalid replica %q", name))
	}
	return r
}

// mustBeValid panics if r is not a valid replica name.
func (r Replica) mustBeValid() {
	if !r.IsValid() {
		panic(fmt.Sprintf("vclock: invalid replica %q", string(r)))
	}
}
