package antientropy_test

import (
	"encoding/json"
	"fmt"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// A shop is a store of carts: what a database holds, and the table beside it.
type shop struct {
	replica vclock.Replica
	rows    map[string][]byte
	table   antientropy.Table
}

// A packet is what goes over the network: a message, and rows that the peer has not.
type packet struct {
	Message []byte
	Rows    map[string][]byte
}

func (s *shop) change(cart string, f func(c *crdt.ORSet[string]) error) error {
	var c crdt.ORSet[string]
	if row := s.rows[cart]; row != nil {
		if err := c.UnmarshalBinary(row); err != nil {
			return err
		}
	}
	if err := f(&c); err != nil {
		return err
	}
	row, err := c.MarshalBinary()
	if err != nil {
		return err
	}
	s.rows[cart] = row // in a database: in one transaction
	s.table.Put(cart, antientropy.Fingerprint(row))
	return nil
}

func (s *shop) add(cart, item string) error {
	return s.change(cart, func(c *crdt.ORSet[string]) error {
		c.Add(s.replica, item)
		return nil
	})
}

// receive takes a packet from a peer and returns the one that answers it, or nil.
func (s *shop) receive(data []byte) ([]byte, error) {
	var in packet
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, err
	}
	for cart, row := range in.Rows {
		err := s.change(cart, func(c *crdt.ORSet[string]) error {
			_, err := c.MergeBinary(row)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if in.Message == nil {
		return nil, nil
	}
	reply, send, err := s.table.Answer(in.Message)
	if err != nil || reply == nil && send == nil {
		return nil, err
	}
	out := packet{Message: reply, Rows: map[string][]byte{}}
	for _, cart := range send {
		out.Rows[cart] = s.rows[cart]
	}
	return json.Marshal(out)
}

// Two replicas find the three carts of a thousand in which they differ, and
// exchange nothing but bytes.
func ExampleTable() {
	eu := &shop{replica: "eu", rows: map[string][]byte{}}
	us := &shop{replica: "us", rows: map[string][]byte{}}
	for i := range 1000 {
		cart := fmt.Sprintf("cart-%d", i)
		if err := eu.add(cart, "milk"); err != nil {
			panic(err)
		}
		us.rows[cart] = eu.rows[cart]
		us.table.Put(cart, antientropy.Fingerprint(us.rows[cart]))
	}
	for _, err := range []error{eu.add("cart-7", "tea"), us.add("cart-7", "rice"), eu.add("cart-20", "salt"), us.add("cart-1001", "figs")} {
		if err != nil {
			panic(err)
		}
	}

	for salt := range uint64(2) { // the second time there is nothing to do
		msg, err := json.Marshal(packet{Message: eu.table.Ask(salt)})
		total := 0
		for from, to := eu, us; msg != nil && err == nil; from, to = to, from {
			total += len(msg)
			msg, err = to.receive(msg)
		}
		fmt.Println(err, total < 2500, eu.table.Len(), us.table.Len())
	}
	fmt.Println(string(eu.rows["cart-7"]) == string(us.rows["cart-7"]))
	// Output:
	// <nil> true 1001 1001
	// <nil> true 1001 1001
	// true
}

func ExampleLog() {
	var eu, us crdt.ORSet[string]
	eu.Add("eu", "milk")
	log := antientropy.NewLog[*crdt.ORSet[string]](1<<32, 100)
	_, _, ok := log.Pending("us")
	fmt.Println("known:", ok) // so us gets the whole state
	us.Merge(&eu)
	log.Ack("us", log.End())

	log.Append("eu", eu.Add("eu", "tea"))
	log.Append("eu", eu.Remove("eu", "milk"))
	lost, _, _ := log.Pending("us")
	_ = lost // the message never arrives
	log.Append("eu", eu.Add("eu", "rice"))

	delta, upto, _ := log.Pending("us")
	us.Merge(delta)
	log.Ack("us", upto)
	fmt.Println("equal:", us.Equal(&eu))
	delta, _, _ = log.Pending("us")
	fmt.Println("left:", delta.Len())
	// Output:
	// known: false
	// equal: true
	// left: 0
}
