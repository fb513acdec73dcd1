package mergetest

import (
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
)

// Said returns the steps of the history that seed stands for.
func (k *RecordKit[T]) Said(seed int) []string {
	r, _ := k.execute(rapid.Custom(k.drawHistory).Example(seed), false)
	return r.said
}

// Evolve checks one history of a mixed fleet.
func Evolve[Old, New any](t *rapid.T, old *merge.Plan[Old], olds *rapid.Generator[Old], next *merge.Plan[New], news *rapid.Generator[New]) error {
	return evolve(t, old, olds, next, news)
}
