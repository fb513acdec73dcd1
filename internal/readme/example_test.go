package readme_test

import (
	"fmt"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

func Example() {
	var eu, us crdt.ORMap[string, *crdt.PNCounter] // article -> how many

	seen := eu.Update("eu", "milk", func(n *crdt.PNCounter) { n.Add("eu", 2) })
	us.Merge(seen) // both show two bottles

	one := eu.Update("eu", "milk", func(n *crdt.PNCounter) { n.Add("eu", 1) }) // one user adds a bottle,
	none := us.Delete("us", "milk")                                            // one deletes the two on the screen

	toUS, err := one.MarshalBinary() // deltas: what changed
	if err != nil {
		panic(err)
	}
	toEU, err := none.MarshalBinary()
	if err != nil {
		panic(err)
	}
	fmt.Println(us.MergeBinary(toUS))
	fmt.Println(eu.MergeBinary(toEU))

	milk, _ := us.At("milk")
	fmt.Println(milk.Total()) // one bottle, and that is exact
	fmt.Println(eu.Equal(&us))
	// Output:
	// true <nil>
	// true <nil>
	// 1 true
	// true
}

func Example_clock() {
	// The truth is ten o'clock, but the clock of us is two seconds fast.
	ten := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	usClock := &hlc.Clock{Physical: func() time.Time { return ten.Add(2 * time.Second) }}
	euClock := &hlc.Clock{Physical: func() time.Time { return ten.Add(1 * time.Second) }}
	us := lww.Writer{Replica: "us", Clock: usClock}
	eu := lww.Writer{Replica: "eu", Clock: euClock}

	var inUS, inEU lww.Map[string, string] // the same profile in two regions
	write := func(m *lww.Map[string, string], w lww.Writer, field, value string) {
		if _, err := m.Put(w, field, value); err != nil {
			panic(err)
		}
	}
	write(&inUS, us, "city", "Lisbon") // stamped 10:00:02
	inEU.Merge(&inUS)                  // eu reads it,
	write(&inEU, eu, "city", "Porto")  // and replaces it a second later, at 10:00:01
	write(&inUS, us, "phone", "555-0100")

	inUS.Merge(&inEU)
	inEU.Merge(&inUS)
	city, _ := inUS.At("city")
	phone, _ := inEU.At("phone")
	fmt.Println(city, phone, inUS.Equal(&inEU))

	lisbon := vclock.Clock{}.Tick("us")
	porto := lisbon.Tick("eu")
	fmt.Println("Lisbon was written", lisbon.Compare(porto), "Porto")
	// Output:
	// Porto 555-0100 true
	// Lisbon was written before Porto
}
