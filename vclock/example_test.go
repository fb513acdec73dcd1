package vclock_test

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// Two regions edit a profile. The second US edit has seen the EU edit, the
// first has not.
func Example() {
	var eu, us vclock.Clock
	eu = eu.Tick("eu")
	us = us.Tick("us")
	fmt.Println(eu.Compare(us), "- somebody has to decide")

	us = us.Join(eu).Tick("us")
	fmt.Println(eu.Compare(us), "- the US edit replaces the EU edit")
	// Output:
	// concurrent - somebody has to decide
	// before - the US edit replaces the EU edit
}

// A clock is stored beside the data as text, and read back to compare it with
// what a peer sends.
func ExampleClock() {
	stored, err := vclock.Parse("ap:2,eu:4")
	if err != nil {
		fmt.Println(err)
		return
	}
	received := vclock.Clock{}.With("eu", 4).With("us", 7)

	fmt.Println(stored.Compare(received))
	fmt.Println("seen by either:", stored.Join(received))
	fmt.Println("seen by both:", stored.Meet(received))
	fmt.Println("stored has the fourth event of eu:", stored.Contains(vclock.Dot{Replica: "eu", Seq: 4}))
	// Output:
	// concurrent
	// seen by either: ap:2,eu:4,us:7
	// seen by both: eu:4
	// stored has the fourth event of eu: true
}

// A process that was restored from a backup writes as the next incarnation, because it
// may have used the next numbers of the one before.
func ExampleIncarnation() {
	restored := vclock.Incarnation("eu", 1)
	name, life := restored.Lineage()
	fmt.Println(restored, name, life)
	// Output: eu#1 eu 1
}

// Messages of eu arrive out of order. The third event does not stand for the
// second until that is here.
func ExampleDotSet() {
	var seen vclock.DotSet
	seen.Add(vclock.Dot{Replica: "eu", Seq: 1})
	seen.Add(vclock.Dot{Replica: "eu", Seq: 3})
	fmt.Println(&seen, "- everything up to", seen.Clock())

	seen.Add(vclock.Dot{Replica: "eu", Seq: 2})
	fmt.Println(&seen, "- everything up to", seen.Clock())
	// Output:
	// eu:1,3 - everything up to eu:1
	// eu:1-3 - everything up to eu:3
}

// A server records two writes that clients made after reading the same
// version. Neither had seen the other, although one server numbered both.
func ExampleDVV() {
	read := vclock.Clock{}.With("eu", 1)
	alice := vclock.DVV{Dot: vclock.Dot{Replica: "eu", Seq: 2}, Past: read}
	bob := vclock.DVV{Dot: vclock.Dot{Replica: "eu", Seq: 3}, Past: read}
	fmt.Println(alice.Compare(bob))
	fmt.Println(bob)
	// Output:
	// concurrent
	// eu:3 after eu:1
}

// Alice and Bob change the same shopping cart through two servers. Both carts
// stay until someone who has seen both writes another.
func ExampleDVVSet() {
	var eu, us vclock.DVVSet[string]
	put := func(s *vclock.DVVSet[string], r vclock.Replica, seen vclock.Clock, cart string) {
		if _, err := s.Put(r, seen, cart); err != nil {
			fmt.Println(err)
		}
	}
	put(&eu, "eu", vclock.Clock{}, "milk")
	us.Merge(&eu)

	seen := eu.Context() // both have read "milk"
	put(&eu, "eu", seen, "milk, eggs")
	put(&us, "us", seen, "milk, bread")
	eu.Merge(&us)
	fmt.Printf("%q\n", slices.Collect(eu.Values()))

	put(&eu, "eu", eu.Context(), "milk, eggs, bread")
	us.Merge(&eu)
	fmt.Printf("%q\n", slices.Collect(us.Values()))
	// Output:
	// ["milk, eggs" "milk, bread"]
	// ["milk, eggs, bread"]
}

// The EU region wants to forget that a key was removed, at 5. It may once every
// region has merged what it had then.
func ExampleMatrix() {
	removed := uint64(5)
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	eu.Record(6)

	// The state of eu arrives at us with its matrix: the state is merged first.
	if err := us.Check(eu); err == nil {
		_, _ = us.Merge(eu)
		us.Record(8)
	}
	fmt.Println(eu.Stable().At("eu") >= removed, "- us has not been heard of")

	// And that of us at eu.
	_, _ = eu.Merge(us)
	eu.Record(9)
	fmt.Println(eu.Stable().At("eu") >= removed, eu.Settled(), "- everybody has merged", eu.Stable())
	// Output:
	// false - us has not been heard of
	// true true - everybody has merged eu:6,us:8
}
