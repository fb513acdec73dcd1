package readme_test

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
)

func Example_ship() {
	var eu crdt.ORSet[string]
	var waiting crdt.ORSet[string] // the outbox of this key
	for _, item := range []string{"milk", "bread", "salt"} {
		waiting.Merge(eu.Add("eu", item))
	}
	message, err := waiting.MarshalBinary()

	var us crdt.ORSet[string]
	_, err2 := us.MergeBinary(message)
	again, err3 := us.MergeBinary(message) // the broker repeats it
	fmt.Println(slices.Sorted(us.All()), again, errors.Join(err, err2, err3))
	// Output:
	// [bread milk salt] false <nil>
}
