package readme_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
)

func Example_assertion() {
	eu := lww.Writer{Replica: "eu", Clock: &hlc.Clock{}}
	var m lww.Map[string, string]
	_, err := m.Put(eu, "ann", "online")
	first := m.Stamp("ann")
	_, err2 := m.Put(eu, "ann", "online")
	fmt.Println(m.Stamp("ann") == first)
	_, err3 := m.Touch(eu, "ann")
	fmt.Println(m.Stamp("ann") == first, errors.Join(err, err2, err3))
	// Output:
	// true
	// false <nil>
}

func Example_expiry() {
	eu := lww.Writer{Replica: "eu", Clock: &hlc.Clock{}}
	us := lww.Writer{Replica: "us", Clock: &hlc.Clock{}}
	var inEU, inUS lww.Map[string, string] // who is online
	_, err := inEU.Put(eu, "ann", "web-3")
	_, err2 := inEU.Put(eu, "bob", "web-3")
	inUS.Merge(&inEU)

	since := inEU.Latest() + 1       // in a service: hlc.At(time.Now().Add(-time.Minute))
	_, err3 := inUS.Touch(us, "ann") // ann is there, eu has not heard
	inEU.Expire(since)               // eu sweeps
	fmt.Println("after the sweep:", inEU.Len())

	inEU.Merge(&inUS)
	inUS.Merge(&inEU)
	fmt.Println("after hearing of us:", maps.Collect(inEU.All()), inEU.Equal(&inUS), errors.Join(err, err2, err3))
	// Output:
	// after the sweep: 0
	// after hearing of us: map[ann:web-3] true <nil>
}

func Example_eTag() {
	var cart crdt.ORSet[string]
	cart.Add("eu", "milk")
	etag, err := cart.Context().MarshalText() // goes to the client with the list

	cart.Add("eu", "bread") // another tab, meanwhile

	var seen crdt.Context // If-Match of the request "empty my cart"
	err = errors.Join(err, seen.UnmarshalText(etag))
	_, refused := cart.ClearSeen("eu", seen) // as it would be as the Context of something else
	fmt.Println(slices.Sorted(cart.All()), err, refused)
	// Output:
	// [bread] <nil> <nil>
}

func Example_setCounter() {
	var eu, us crdt.PNCounter
	eu.Add("eu", 40)
	us.Merge(&eu)
	us.Add("us", 2) // eu has not heard of these

	eu.Reset("eu")
	eu.Add("eu", 100)

	eu.Merge(&us)
	n, exact := eu.Total()
	fmt.Println(n, exact)
	// Output:
	// 102 true
}

func Example_once() {
	type Sale struct {
		Request string // chosen by the client, the same in a retry
		Amount  int64
	}
	var eu, us crdt.GSet[Sale]
	eu.Add(Sale{"req-1", 2})
	us.Add(Sale{"req-1", 2}) // the retry went to another region
	us.Add(Sale{"req-2", 3})

	eu.Merge(&us)
	var sold int64
	for s := range eu.All() {
		sold += s.Amount
	}
	fmt.Println(sold)
	// Output:
	// 5
}

func Example_move() {
	eu := lww.Writer{Replica: "eu", Clock: &hlc.Clock{}}
	us := lww.Writer{Replica: "us", Clock: &hlc.Clock{}}
	var inEU, inUS lww.Map[string, string] // item -> folder
	_, err := inEU.Put(eu, "report", "inbox")
	inUS.Merge(&inEU)

	_, err2 := inEU.Put(eu, "report", "archive")
	_, err3 := inUS.Put(us, "report", "trash")
	inEU.Merge(&inUS)
	inUS.Merge(&inEU)

	place, _ := inEU.At("report")
	fmt.Println(inEU.Len(), place == "archive" || place == "trash", inEU.Equal(&inUS), errors.Join(err, err2, err3))
	// Output:
	// 1 true true <nil>
}

func Example_topK() {
	var scores crdt.GMap[string, *crdt.GCounter]
	add := func(player string, points uint64) {
		scores.Update(player, func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", points) })
	}
	add("ann", 70)
	add("bob", 90)
	add("cid", 50)

	type row struct {
		player string
		points uint64
	}
	var rows []row
	for player, c := range scores.All() {
		points, _ := c.Total()
		rows = append(rows, row{player, points})
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(b.points, a.points), cmp.Compare(a.player, b.player)) })
	fmt.Println(rows[:2])
	// Output:
	// [{bob 90} {ann 70}]
}

func Example_alias() {
	home := resolver.Home("alias:ann", "eu", "us", "ap")
	fmt.Println("ask", home)
	// Output:
	// ask ap
}
