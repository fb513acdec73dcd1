package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/example"
	"github.com/rejoin-go/rejoin/vclock"
)

// maxQuantity keeps the sum of any log that fits a disk within an int64.
const maxQuantity = 1_000_000

// An event is one line of a log: what happened in one region.
type event struct {
	example.Event

	Action string // the name of the member that says what happened
	act
}

// An act is what happened, other than that something was received.
type act struct {
	ID       string         `json:"id,omitempty"` // of an order, and of a restock for the ledger
	Product  string         `json:"product,omitempty"`
	Quantity int64          `json:"quantity,omitempty"`
	To       vclock.Replica `json:"to,omitempty"`     // of a transfer
	Cancel   []string       `json:"cancel,omitempty"` // of a settlement: orders
}

// actions returns what may happen.
func actions() []string { return []string{"restock", "transfer", "order", "receive", "settle"} }

// members returns the members that an action's object has.
func members(action string) []string {
	switch action {
	case "order":
		return []string{"id", "product", "quantity"}
	case "restock":
		return []string{"product", "quantity"}
	case "transfer":
		return []string{"product", "quantity", "to"}
	}
	return []string{"product", "cancel"}
}

// parse reads a log. The name is that of its file, for errors. The events it
// returns can be replayed: products exist, orders have numbers of their own, and
// nothing is received that was not sent.
func parse(name string, r io.Reader) ([]event, error) {
	var (
		events []event
		known  = make(example.History)
		shop   = catalogue{make(map[string]int), make(map[string]event)}
	)
	err := example.ReadLog(name, r, actions(), func(line example.Event, m example.Member) (err error) {
		e := event{Event: line, Action: m.Name}
		if e.Receive == "" {
			if e.act, err = parseAct(m); err == nil {
				err = shop.add(&e)
			}
			if err != nil {
				return err
			}
		}
		events = append(events, e)
		return known.Add(e.Event, true)
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

func parseAct(action example.Member) (act, error) {
	ms, err := example.Members(action.Value)
	if err != nil {
		return act{}, fmt.Errorf("%q: %w", action.Name, err)
	}
	var (
		a    act
		want = members(action.Name)
	)
	for _, m := range ms {
		if !slices.Contains(want, m.Name) {
			return act{}, fmt.Errorf("%q has %q, want %s", action.Name, example.Short(m.Name, 40), strings.Join(want, ", "))
		}
		switch m.Name {
		case "id":
			a.ID, err = m.ID("the number of an order")
		case "product":
			a.Product, err = m.ID("the name of a product")
		case "quantity":
			a.Quantity, err = parseQuantity(m)
		case "to":
			a.To, err = m.Region()
		case "cancel":
			a.Cancel, err = parseCancel(m)
		}
		if err != nil {
			return act{}, err
		}
	}
	for _, name := range want {
		if !slices.ContainsFunc(ms, func(m example.Member) bool { return m.Name == name }) {
			return act{}, fmt.Errorf("%q has no %q, want %s", action.Name, name, strings.Join(want, ", "))
		}
	}
	return a, nil
}

func parseQuantity(m example.Member) (int64, error) {
	want := fmt.Sprintf("a number from 1 to %d", maxQuantity)
	var n int64
	if err := m.Decode(&n, want); err != nil {
		return 0, err
	}
	if n < 1 || n > maxQuantity {
		return 0, m.Wrong(want)
	}
	return n, nil
}

func parseCancel(m example.Member) ([]string, error) {
	const want = "a list of one or more orders"
	var elems []json.RawMessage
	if err := m.Decode(&elems, want); err != nil {
		return nil, err
	}
	if len(elems) == 0 {
		return nil, m.Wrong(want)
	}
	var ids []string
	for _, elem := range elems {
		id, err := example.Member{Name: m.Name, Value: elem}.ID("the number of an order")
		switch {
		case err != nil:
			return nil, err
		case slices.Contains(ids, id):
			return nil, fmt.Errorf("%q names order %s twice", m.Name, id)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// A catalogue knows what the rest of the log must agree with.
type catalogue struct {
	restocks map[string]int // by product
	orders   map[string]event
}

// add checks e against the lines before it, and numbers a restock.
func (c *catalogue) add(e *event) error {
	switch {
	case e.Action == "restock":
		c.restocks[e.Product]++
		e.ID = fmt.Sprintf("restock %d", c.restocks[e.Product])
	case c.restocks[e.Product] == 0:
		return fmt.Errorf("no line before this one restocks %q", e.Product)
	case e.Action == "transfer" && e.To == e.Region:
		return fmt.Errorf("%s gives rights to itself", e.Region)
	case e.Action == "order":
		if o, ok := c.orders[e.ID]; ok {
			return fmt.Errorf("order %s is on line %d already: each has a number of its own", e.ID, o.Line)
		}
		c.orders[e.ID] = *e
	}
	for _, id := range e.Cancel {
		o, ok := c.orders[id]
		switch {
		case !ok:
			return fmt.Errorf("no line before this one has an order %s to cancel", id)
		case o.Product != e.Product:
			return errors.New("order " + id + " is one of " + o.Product + ", not of " + e.Product)
		}
	}
	return nil
}
