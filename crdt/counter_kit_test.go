package crdt_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/vclock"
)

// sameReplica says of the delta of a counter that it holds all that its replica
// counted before.
func sameReplica(update, earlier crdttest.Event) bool { return update.Replica == earlier.Replica }

func TestGCounterLaws(t *testing.T) {
	t.Parallel()
	kit := crdttest.Kit[*crdt.GCounter]{
		New: func() *crdt.GCounter { return new(crdt.GCounter) },
		Ops: []crdttest.Operation[*crdt.GCounter]{
			crdttest.Op("add", rapid.Uint64Range(0, 3), func(c *crdt.GCounter, r vclock.Replica, n uint64) (*crdt.GCounter, error) {
				return c.Add(r, n), nil
			}),
		},
		Value: func(c *crdt.GCounter) any { n, _ := c.Total(); return n },
		Model: func(seen []crdttest.Event) any {
			var n uint64
			for _, e := range seen {
				n += e.Arg.(uint64)
			}
			return n
		},
		Carries: sameReplica,
	}
	kit.Check(t)
}

func TestBoundedCounterLaws(t *testing.T) {
	t.Parallel()
	amount := rapid.Int64Range(1, 3)
	other := rapid.SampledFrom([]vclock.Replica{"a", "b", "c"})
	kit := crdttest.Kit[*crdt.BoundedCounter]{
		New: func() *crdt.BoundedCounter { return new(crdt.BoundedCounter) },
		Ops: []crdttest.Operation[*crdt.BoundedCounter]{
			crdttest.Op("add", amount, func(c *crdt.BoundedCounter, r vclock.Replica, n int64) (*crdt.BoundedCounter, error) {
				return c.Add(r, n)
			}),
			crdttest.Op("sub", amount, func(c *crdt.BoundedCounter, r vclock.Replica, n int64) (*crdt.BoundedCounter, error) {
				return c.Sub(r, n)
			}),
			crdttest.Op("transfer", other, func(c *crdt.BoundedCounter, r, to vclock.Replica) (*crdt.BoundedCounter, error) {
				return c.Transfer(r, to, 1)
			}),
			crdttest.Op("reclaim", other, func(c *crdt.BoundedCounter, r, from vclock.Replica) (*crdt.BoundedCounter, error) {
				return c.Reclaim(from, r)
			}),
		},
	}
	kit.Check(t)
}
