package crdt_test

import (
	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/internal/lawkit"
)

// forgets calls compact, of a state that has seen own, with what all are known to have
// seen, unless one of them is known to have seen more than the state.
func forgets(own crdt.Context, seen *lawkit.Rows, compact func(crdt.Context) bool) bool {
	stable, ok := seen.Settled(crdt.ClockOf(own))
	return ok && compact(crdt.ContextOf(stable))
}
