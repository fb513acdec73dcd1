package crdt_test

import (
	"fmt"

	"github.com/rejoin-go/rejoin/crdt"
)

// A cache or an index is kept up to date with what a merge is about to change.
func ExampleORSet_Changed() {
	var eu, us crdt.ORSet[string]
	eu.Add("eu", "milk")
	us.Merge(&eu)
	us.Remove("us", "milk")
	us.Add("us", "tea")
	for e, added := range eu.Changed(&us) {
		fmt.Println(e, added)
	}
	eu.Merge(&us)
	fmt.Println(eu.Dots("tea"))
	// Unordered output:
	// milk false
	// tea true
	// [us:1]
}

// Who wrote which of the values that stand side by side.
func ExampleMVRegister_Written() {
	var eu, us crdt.MVRegister[string]
	if _, err := eu.Set("eu", "paid"); err != nil {
		panic(err)
	}
	if _, err := us.Set("us", "cancelled"); err != nil {
		panic(err)
	}
	for v, added := range eu.Changed(&us) {
		fmt.Println(v, added)
	}
	eu.Merge(&us)
	for dot, v := range eu.Written() {
		fmt.Println(dot.Replica, v)
	}
	// Output:
	// cancelled true
	// eu paid
	// us cancelled
}

func ExampleORMap_Changed() {
	var eu, us crdt.ORMap[string, *crdt.PNCounter]
	add := func(n int64) func(c *crdt.PNCounter) {
		return func(c *crdt.PNCounter) { c.Add("us", n) }
	}
	us.Update("us", "apple", add(3))
	eu.Merge(&us)
	delta := us.Update("us", "apple", add(2))
	for key, c := range eu.Changed(delta) {
		before, _ := c.Before.Total()
		after, _ := c.After.Total()
		fmt.Println(key, before, after)
	}
	eu.Merge(delta)
	apples, _ := eu.At("apple")
	for r, n := range apples.All() {
		fmt.Println(r, n)
	}
	// Output:
	// apple 3 5
	// us 5
}
