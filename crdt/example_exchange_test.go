package crdt_test

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
)

// A replica answers a message, merges what it brought, and returns the reply. On a
// server it would store the state before it replies.
func receive(s *crdt.ORSet[string], msg []byte) ([]byte, error) {
	reply, delta, err := s.Answer(msg)
	if delta != nil {
		s.Merge(delta)
	}
	return reply, err
}

// Two replicas whose messages were lost for a while find out what they have to send
// each other. They exchange bytes, no more than the differences take.
func ExampleORSet_Answer() {
	var eu, us crdt.ORSet[string]
	for i := range 10_000 {
		eu.Add("eu", fmt.Sprintf("sku-%06d", i))
	}
	us.Merge(&eu)
	eu.Add("eu", "milk")
	eu.Remove("eu", "sku-000007")
	us.Add("us", "figs")
	us.Remove("us", "sku-000008")

	total := 0
	msg := eu.Ask(1)
	for from, to := &eu, &us; msg != nil; from, to = to, from {
		total += len(msg)
		reply, err := receive(to, msg)
		if err != nil {
			panic(err)
		}
		msg = reply
	}
	fmt.Println(eu.Equal(&us), eu.Contains("figs"), us.Contains("sku-000007"))

	whole, _ := eu.MarshalBinary()
	fmt.Println(len(whole) > 20_000, total < 500)
	// Output:
	// true true false
	// true true
}

// A large state is cut into deltas that fit into messages, which arrive in any order.
func ExampleORSet_Chunks() {
	var eu, us crdt.ORSet[string]
	for i := range 10_000 {
		eu.Add("eu", fmt.Sprintf("sku-%06d", i))
	}
	chunks := slices.Collect(eu.Chunks(16 << 10))
	slices.Reverse(chunks)
	for _, c := range chunks {
		data, _ := c.MarshalBinary()
		if len(data) > 16<<10 {
			panic("too large")
		}
		if _, err := us.MergeBinary(data); err != nil {
			panic(err)
		}
	}
	fmt.Println(us.Equal(&eu))
	// Output: true
}
