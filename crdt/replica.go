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

// readReplica reads a name that [wire.AppendBytes] wrote.
func readReplica(r *wire.Reader) vclock.Replica {
	p := r.Bytes()
	name := vclock.Replica(r.StringAt(r.Offset()-len(p), len(p)))
	if r.Err() == nil && !name.IsValid() {
		r.Fail("invalid replica %q", string(name))
	}
	return name
}
