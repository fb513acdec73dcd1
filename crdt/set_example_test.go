package crdt_test

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// Alice and Bob change a shopping list while they are apart. Bob removes the
// milk that he sees; Alice, who does not know, puts milk on the list again.
func ExampleORSet() {
	var alice, bob crdt.ORSet[string]
	alice.Add("alice", "milk")
	bob.Merge(&alice)

	bob.Remove("bob", "milk")
	bob.Add("bob", "eggs")
	alice.Add("alice", "milk")

	alice.Merge(&bob)
	fmt.Println(slices.Sorted(alice.All()))
	// Output: [eggs milk]
}

// A delta carries one change. It may arrive twice, and before what it builds on.
func ExampleORSet_delta() {
	var eu, us crdt.ORSet[string]
	added := eu.Add("eu", "milk")
	removed := eu.Remove("eu", "milk")

	us.Merge(removed)
	us.Merge(added)
	us.Merge(added)
	fmt.Println(us.Len(), us.Equal(&eu))
	// Output: 0 true
}

// A web page shows a list. Before its user presses "clear", somebody adds to the
// list. The request carries what the user was shown.
func ExampleORSet_ClearSeen() {
	var list crdt.ORSet[string]
	list.Add("eu", "milk")
	token, _ := list.Context().MarshalText() // goes into the page

	list.Add("eu", "eggs")

	var seen crdt.Context // comes back with the request
	if err := seen.UnmarshalText(token); err != nil {
		fmt.Println(err)
	}
	_, err := list.ClearSeen("eu", seen)
	fmt.Println(slices.Sorted(list.All()), err)
	// Output: [eggs] <nil>
}

// An administrator takes a role away while a colleague, who does not know, grants
// it once more.
func ExampleRWSet() {
	var eu, us crdt.RWSet[string]
	eu.Add("eu", "admin")
	us.Merge(&eu)

	eu.Remove("eu", "admin")
	us.Add("us", "admin")

	eu.Merge(&us)
	fmt.Println(eu.Contains("admin"))

	eu.Add("eu", "admin") // having seen the remove
	fmt.Println(eu.Contains("admin"))
	// Output:
	// false
	// true
}

// Forgetting removed elements needs to know what every replica has merged. The
// matrix of the store tells, in times.
func ExampleRWSet_Compact() {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	var here, there crdt.RWSet[string]
	here.Add("eu", "admin")
	here.Remove("eu", "admin")
	mark, at := here.Context(), uint64(100) // what is here at 100
	eu.Record(at)

	// The state goes to us with the matrix, and comes back.
	there.Merge(&here)
	_, _ = us.Merge(eu)
	us.Record(101)
	here.Merge(&there)
	_, _ = eu.Merge(us)
	eu.Record(102)

	if eu.Settled() && eu.Stable().At("eu") >= at {
		fmt.Println(here.Compact(mark), here.Stats().Residues)
	}
	// Output: true 0
}

// Tags of posts by region: a map of maps of sets. One region deletes a post that
// the other is tagging.
func ExampleORMap() {
	type Tags = crdt.ORSet[string]
	type Posts = crdt.ORMap[string, *Tags]
	var eu, us crdt.ORMap[string, *Posts]

	tag := func(r vclock.Replica, m *crdt.ORMap[string, *Posts], post, tag string) {
		m.Update(r, "blog", func(posts *Posts) {
			posts.Update(r, post, func(tags *Tags) { tags.Add(r, tag) })
		})
	}
	tag("eu", &eu, "hello", "draft")
	us.Merge(&eu)

	eu.Update("eu", "blog", func(posts *Posts) { posts.Delete("eu", "hello") })
	tag("us", &us, "hello", "urgent")

	eu.Merge(&us)
	posts, _ := eu.At("blog")
	for post, tags := range posts.All() {
		fmt.Println(post, slices.Sorted(tags.All()))
	}
	// Output: hello [urgent]
}
