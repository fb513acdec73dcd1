package mergetest

import "pgregory.net/rapid"

// Said returns the steps of the history that seed stands for.
func (k *RecordKit[T]) Said(seed int) []string {
	r, _ := k.execute(rapid.Custom(k.drawHistory).Example(seed), false)
	return r.said
}
