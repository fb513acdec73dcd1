package readme_test

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

func Example_catchUpStore() {
	var eu, us antientropy.Table
	rows := func(t *antientropy.Table, changed string) {
		for i := range 1000 {
			key := fmt.Sprintf("cart-%04d", i)
			t.Put(key, antientropy.Fingerprint([]byte("state of "+key)))
		}
		t.Put(changed, antientropy.Fingerprint([]byte("a newer state")))
	}
	rows(&eu, "cart-0007")
	rows(&us, "cart-0800")

	bytes := 0
	var names []string
	msg := eu.Ask(1)
	for from, to := &eu, &us; msg != nil; from, to = to, from {
		bytes += len(msg)
		reply, send, err := to.Answer(msg)
		if err != nil {
			panic(err)
		}
		names = append(names, send...) // to goes these rows' way
		msg = reply
	}
	slices.Sort(names)
	fmt.Println(slices.Compact(names), bytes < 1500)
	// Output:
	// [cart-0007 cart-0800] true
}

func Example_catchUpState() {
	var eu, us crdt.ORSet[string]
	for i := range 10_000 {
		us.Merge(eu.Add("eu", fmt.Sprintf("sku-%06d", i)))
	}
	eu.Remove("eu", "sku-000007") // the delta is lost
	us.Add("us", "figs")          // this one too

	bytes := 0
	msg := eu.Ask(1)
	for from, to := &eu, &us; msg != nil; from, to = to, from {
		bytes += len(msg)
		reply, delta, err := to.Answer(msg)
		if err != nil {
			panic(err)
		}
		if delta != nil {
			to.Merge(delta) // and store it, before the reply is sent
		}
		msg = reply
	}
	fmt.Println(eu.Equal(&us), us.Contains("sku-000007"), bytes < 500)
	// Output:
	// true false true
}
