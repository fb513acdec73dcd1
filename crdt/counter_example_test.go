package crdt_test

import (
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// Two regions count page views while disconnected. Deltas may arrive twice and
// in any order.
func ExampleGCounter() {
	var us, eu crdt.GCounter
	us.Add("us", 3)
	first := eu.Add("eu", 1)
	second := eu.Add("eu", 1)

	us.Merge(second)
	us.Merge(first)
	us.Merge(second)
	n, exact := us.Value()
	fmt.Println(n, exact)
	// Output: 5 true
}

// Ten items are in stock, and two regions sell them while disconnected. Each
// sells only what it holds.
func ExampleBoundedCounter() {
	var us, eu crdt.BoundedCounter
	delivery, _ := us.Add("us", 10)
	handover, _ := us.Transfer("us", "eu", 4)
	eu.Merge(delivery)
	eu.Merge(handover)

	_, _ = us.Sub("us", 5)
	_, _ = eu.Sub("eu", 3)
	_, err := eu.Sub("eu", 2)
	fmt.Println(err)

	us.Merge(&eu)
	left, _ := us.Value()
	fmt.Println(left, "left,", us.Rights("us"), "for us and", us.Rights("eu"), "for eu")
	// Output:
	// crdt: replica "eu" needs 2 rights and has 1 to spend ("eu" holds 1, "us" holds 6)
	// 2 left, 1 for us and 1 for eu
}

// A hall has 100 seats. The counter starts full, and opening seats is what gives
// replicas the right to book them.
func ExampleAtMost() {
	booked := crdt.AtMost(100)
	_, _ = booked.Sub("box office", 100)
	_, _ = booked.Transfer("box office", "web", 40)
	_, _ = booked.Add("web", 39)
	_, err := booked.Add("web", 2)
	var lacking *crdt.RightsError
	fmt.Println(errors.As(err, &lacking), lacking.Have)
	n, _ := booked.Value()
	fmt.Println(n)
	// Output:
	// true 1
	// 39
}

// The disk of eu is lost, and so is its newest state. It returns under a new
// name, hears what the others know of it, and takes over what its old name
// still held.
func ExampleBoundedCounter_Reclaim() {
	var us, eu crdt.BoundedCounter
	_, _ = us.Add("us", 10)
	_, _ = us.Transfer("us", "eu", 6)
	eu.Merge(&us)
	_, _ = eu.Sub("eu", 2)
	us.Merge(&eu)

	reborn := vclock.Incarnation("eu", 1)
	eu = crdt.BoundedCounter{}
	eu.Merge(&us)
	_, _ = eu.Reclaim("eu", reborn)
	for r, n := range eu.Holders() {
		fmt.Println(r, n)
	}
	// Output:
	// eu 0
	// eu#1 4
	// us 4
}
