package crdt

import (
	"fmt"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// checkReplica panics if r is not a name that a replica may have.
func checkReplica(r vclock.Replica) {
	if !r.IsValid() {
		panic(fmt.Sprintf("crdt: invalid replica %q", string(r)))
	}
}

// readReplica reads a name that [wire.AppendBytes] wrote. One that is old is not copied.
func readReplica(r *wire.Reader, old vclock.Replica) vclock.Replica {
	p := r.Bytes()
	name := vclock.Replica(r.StringOr(r.Offset()-len(p), len(p), string(old)))
	if r.Err() == nil && !name.IsValid() {
		r.Fail("invalid replica %q", string(name))
	}
	return name
}
