package readme_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
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

func Example_storePool() {
	carts := sync.Pool{New: func() any { return new(crdt.ORSet[string]) }}
	add := func(row *[]byte, item string) error {
		cart := carts.Get().(*crdt.ORSet[string])
		defer carts.Put(cart)
		err := cart.UnmarshalBinary(*row) // whatever row it had before
		if err != nil {
			return err
		}
		cart.Add("eu", item)
		*row, err = cart.AppendBinary((*row)[:0])
		return err
	}

	var zero crdt.ORSet[string]
	ann, err := zero.MarshalBinary()
	bob := slices.Clone(ann)
	err = errors.Join(err, add(&ann, "milk"), add(&bob, "eggs"), add(&ann, "bread"))

	var cart crdt.ORSet[string]
	for _, row := range [][]byte{ann, bob} {
		err = errors.Join(err, cart.UnmarshalBinary(row))
		fmt.Println(slices.Sorted(cart.All()), err)
	}
	// Output:
	// [bread milk] <nil>
	// [eggs] <nil>
}

func Example_storeBytes() {
	var zero crdt.PNCounter
	row, err := zero.MarshalBinary()
	for range 3 {
		row, err = crdt.AddBinary(nil, row, "eu", 5)
		if err != nil {
			break // the row is as it was
		}
	}

	var visits crdt.PNCounter
	err = errors.Join(err, visits.UnmarshalBinary(row))
	n, exact := visits.Total()
	fmt.Println(n, exact, err)

	us := lww.Writer{Replica: "us", Clock: new(hlc.Clock)}
	var profile lww.Map[string, string]
	row, _ = profile.MarshalBinary()
	row, err = lww.PutBinary(nil, row, us, "city", "Porto")
	if err == nil {
		row, err = lww.DeleteBinary[string, string](nil, row, us, "phone")
	}
	err = errors.Join(err, profile.UnmarshalBinary(row))
	city, _ := profile.At("city")
	fmt.Println(city, profile.Len(), err)
	// Output:
	// 15 true <nil>
	// Porto 1 <nil>
}
