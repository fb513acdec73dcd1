package main

import (
	"time"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A strategy is one way to keep the stock in several regions. It is one column of
// the outcome.
type strategy struct {
	Name string // heading of its column
	Rule string // in a sentence

	// new returns the empty state of one region, whose clock shows now.
	new func(r vclock.Replica, now func() time.Time) site

	refunds *[]*refund // all that it ever made; nil if it never does
}

// A site is what one region holds under one strategy.
type site interface {
	// play makes e happen, which is no receive.
	play(e event) (effect, error)

	// receive merges the state of a peer, which it does not change. It returns what
	// an operator should know, if anything.
	receive(peer site) (note string, err error)

	// clone returns a copy that no event changes, to be sent.
	clone() site

	// stock returns how much of a product there is as far as the site knows.
	stock(product string) int64

	detail(product string) detail
}

// An effect is what an event did in its region, under one strategy.
type effect struct {
	Refused bool             `json:"refused,omitempty"`
	Note    string           `json:"note,omitempty"`
	Stock   map[string]int64 `json:"stock,omitempty"` // by product, where a receive changed it
}

// A detail is what one strategy knows of a product and others do not.
type detail struct {
	// Rights says who may sell how much.
	Rights map[vclock.Replica]int64 `json:"rights,omitempty"`

	// Ticket is what a person has to decide.
	Ticket *ticket `json:"ticket,omitempty"`
}

// A ticket names the orders of which somebody has to cancel some.
type ticket struct {
	ID     resolver.ID `json:"id"`
	Reason string      `json:"reason"`
	Orders []sold      `json:"orders"`
}

// A sold is the quantity that an order takes, as one of the regions recorded it.
type sold struct {
	Region   vclock.Replica `json:"region"`
	ID       string         `json:"id"`
	Quantity int64          `json:"quantity"`
}

func strategies() []strategy {
	return []strategy{lastWriterWins(), counted(), bounded(), resolved()}
}

// pass is the effect of what a strategy does not know.
func pass() (effect, error) { return effect{}, nil }

func refuse(note string) (effect, error) { return effect{Refused: true, Note: note}, nil }
