package crdt_test

import (
	"errors"
	"fmt"
	"slices"

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
	n, exact := us.Total()
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
	left, _ := us.Total()
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
	n, _ := booked.Total()
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

// One region clears the counter while another, which has not heard of that,
// counts on. What the reset had not seen stays.
func ExamplePNCounter() {
	var us, eu crdt.PNCounter
	us.Add("us", 3)
	eu.Merge(&us)

	eu.Reset("eu")
	us.Add("us", 10)

	us.Merge(&eu)
	eu.Merge(&us)
	n, _ := us.Total()
	m, _ := eu.Total()
	fmt.Println(n, m)
	// Output: 10 10
}

// Likes are counted per post. A post is deleted in one region while another
// counts a like: the post is there again, with that like and no other.
func ExamplePNCounter_inMap() {
	var us, eu crdt.ORMap[string, *crdt.PNCounter]
	like := us.Update("us", "post", func(c *crdt.PNCounter) { c.Add("us", 3) })
	eu.Merge(like)

	deleted := eu.Delete("eu", "post")
	us.Update("us", "post", func(c *crdt.PNCounter) { c.Add("us", 1) })

	us.Merge(deleted)
	eu.Merge(&us)
	likes, ok := eu.At("post")
	n, _ := likes.Total()
	fmt.Println(n, ok, eu.Equal(&us))
	// Output: 1 true true
}

// An alarm that somebody raises again is not silenced by one who has not heard of
// that.
func ExampleEWFlag() {
	var us, eu crdt.EWFlag
	us.Enable("us")
	eu.Merge(&us)

	eu.Disable("eu")
	us.Enable("us")

	eu.Merge(&us)
	fmt.Println(eu.Enabled())
	// Output: true
}

// Consent that is withdrawn in one place is withdrawn, whatever another place
// that has not heard of it says.
func ExampleDWFlag() {
	var us, eu crdt.DWFlag
	us.Enable("us")
	eu.Merge(&us)

	eu.Disable("eu")
	us.Enable("us")

	eu.Merge(&us)
	fmt.Println(eu.Enabled())
	eu.Enable("eu") // somebody who knows of the withdrawal
	fmt.Println(eu.Enabled())
	// Output:
	// false
	// true
}

// Two regions change an address at once. Both addresses are kept until somebody
// chooses.
func ExampleMVRegister() {
	var us, eu crdt.MVRegister[string]
	_, _ = us.Set("us", "1 Main St")
	_, _ = eu.Set("eu", "Hauptstr. 1")
	us.Merge(&eu)
	eu.Merge(&us)
	fmt.Println(slices.Collect(us.Values()))

	_, _ = eu.Set("eu", "Hauptstr. 1")
	us.Merge(&eu)
	address, ok := us.Get()
	fmt.Println(address, ok)
	// Output:
	// [1 Main St Hauptstr. 1]
	// Hauptstr. 1 true
}

// A web client chooses among what it was shown. The value that arrived since is
// not lost.
func ExampleMVRegister_SetSeen() {
	var name crdt.MVRegister[string]
	_, _ = name.Set("us", "Anna")
	shown := name.Context()

	_, _ = name.Set("us", "Ann")
	_, _ = name.SetSeen("us", shown, "Anne")
	fmt.Println(slices.Collect(name.Values()))
	// Output: [Ann Anne]
}

// A counter of page views is a row of a database. Each request changes its bytes.
func ExampleAddBinary() {
	var views crdt.PNCounter
	views.Add("us", 40)
	row, _ := views.MarshalBinary()

	row, err := crdt.AddBinary(nil, row, "eu", 1)
	if err != nil {
		fmt.Println(err)
		return
	}

	_ = views.UnmarshalBinary(row)
	n, exact := views.Total()
	fmt.Println(n, exact)
	// Output: 41 true
}
