package crdt_test

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// A session that was revoked in one region stays revoked, even where another
// region, which has not heard of it, renews it.
func ExampleTwoPSet() {
	var eu, us crdt.TwoPSet[string]
	us.Merge(eu.Add("session 1"))

	revoked := eu.Remove("session 1")
	us.Add("session 1")
	us.Merge(revoked)

	fmt.Println(us.Contains("session 1"), us.Removed("session 1"))
	// Output: false true
}

// Each region counts the visits to its pages. Update returns a delta that holds the
// changed counter and nothing else of the map.
func ExampleGMap() {
	type Visits = crdt.GMap[string, *crdt.GCounter]
	visit := func(m *Visits, region vclock.Replica, page string) *Visits {
		return m.Update(page, func(c *crdt.GCounter) *crdt.GCounter { return c.Add(region, 1) })
	}
	var eu, us Visits
	visit(&eu, "eu", "/home")
	visit(&us, "us", "/home")
	us.Merge(visit(&eu, "eu", "/docs"))
	fmt.Println("us knows", us.Len(), "pages")

	us.Merge(&eu)
	for _, page := range []string{"/docs", "/home"} {
		c, _ := us.At(page)
		n, _ := c.Total()
		fmt.Println(page, n)
	}
	// Output:
	// us knows 2 pages
	// /docs 1
	// /home 2
}

// Two regions collect the tags that anybody ever used.
func ExampleGSet() {
	var eu, us crdt.GSet[string]
	eu.Add("milk")
	us.Add("eggs")
	us.Add("milk")

	fmt.Println(eu.Merge(&us), us.Merge(&eu))
	fmt.Println(slices.Sorted(eu.All()))
	// Output:
	// true false
	// [eggs milk]
}
