package readme_test

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
)

func Example_store() {
	// A store of one row with a revision, as any database gives it.
	var row, outbox []byte
	revision := 0
	read := func() ([]byte, int) { return row, revision }
	commit := func(state, delta []byte, seen int) bool {
		if seen != revision {
			return false // somebody else was faster: read again
		}
		row, outbox, revision = state, append(outbox, delta...), revision+1
		return true
	}

	add := func(item string) error {
		for {
			var cart crdt.ORSet[string]
			stored, seen := read()
			if stored != nil {
				if err := cart.UnmarshalBinary(stored); err != nil {
					return err
				}
			}
			delta, err := cart.Add("eu", item).MarshalBinary()
			if err != nil {
				return err
			}
			state, err := cart.MarshalBinary()
			if err != nil {
				return err
			}
			if commit(state, delta, seen) {
				return nil // only now may the delta be sent
			}
		}
	}
	err := errors.Join(add("milk"), add("bread"))

	var cart crdt.ORSet[string]
	err = errors.Join(err, cart.UnmarshalBinary(row))
	fmt.Println(slices.Sorted(cart.All()), revision, err)
	// Output:
	// [bread milk] 2 <nil>
}
