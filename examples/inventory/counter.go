package main

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// counted keeps a [crdt.PNCounter] per product.
func counted() strategy {
	return strategy{
		Name: "PNCounter",
		Rule: "every sale counts, wherever it was made",
		new: func(r vclock.Replica, _ func() time.Time) site {
			return &tally{r, new(crdt.ORMap[string, *crdt.PNCounter])}
		},
	}
}

// A tally is the stock of all products as far as one region knows.
type tally struct {
	replica vclock.Replica
	left    *crdt.ORMap[string, *crdt.PNCounter]
}

func (t *tally) play(e event) (effect, error) {
	change := e.Quantity
	switch e.Action {
	case "restock":
	case "order":
		if n := t.stock(e.Product); n < e.Quantity {
			return refuse(short(n))
		}
		change = -change
	default:
		return pass()
	}
	t.left.Update(t.replica, e.Product, func(c *crdt.PNCounter) { c.Add(t.replica, change) })
	return effect{}, nil
}

func (t *tally) receive(peer site) (string, error) {
	t.left.Merge(peer.(*tally).left)
	return "", nil
}

func (t *tally) clone() site { return &tally{t.replica, t.left.Clone()} }

func (t *tally) stock(product string) int64 {
	c, ok := t.left.At(product)
	if !ok {
		return 0
	}
	n, _ := c.Total()
	return n
}

func (*tally) detail(string) detail { return detail{} }

// bounded keeps a [crdt.BoundedCounter] per product, which never falls below 0.
func bounded() strategy {
	return strategy{
		Name: "BoundedCounter",
		Rule: "a region sells what it holds the right to sell",
		new: func(r vclock.Replica, _ func() time.Time) site {
			return &quota{r, new(crdt.GMap[string, *crdt.BoundedCounter])}
		},
	}
}

// A quota is the stock of all products, and who may sell how much of it.
type quota struct {
	replica vclock.Replica
	left    *crdt.GMap[string, *crdt.BoundedCounter]
}

func (q *quota) play(e event) (effect, error) {
	if e.Action == "settle" {
		return pass()
	}
	var err error
	q.left.Update(e.Product, func(c *crdt.BoundedCounter) (delta *crdt.BoundedCounter) {
		switch e.Action {
		case "restock":
			delta, err = c.Add(q.replica, e.Quantity)
		case "transfer":
			delta, err = c.Transfer(q.replica, e.To, e.Quantity)
		case "order":
			delta, err = c.Sub(q.replica, e.Quantity)
		}
		return delta
	})
	if lack, ok := errors.AsType[*crdt.RightsError](err); ok {
		return refuse(rights(q.replica, lack))
	}
	return effect{}, err
}

// rights says what a region may still sell, and who could give it more.
func rights(r vclock.Replica, lack *crdt.RightsError) string {
	var others []string
	for _, h := range lack.Held {
		if h.Replica != r && h.Rights > 0 {
			others = append(others, fmt.Sprintf("%s for %d", h.Replica, h.Rights))
		}
	}
	text := fmt.Sprintf("%s has rights for %d", r, lack.Have)
	if len(others) == 0 {
		return text + ", and knows of nobody who has more"
	}
	return text + "; as it knows, " + strings.Join(others, ", ")
}

func (q *quota) receive(peer site) (string, error) {
	q.left.Merge(peer.(*quota).left)
	return "", nil
}

func (q *quota) clone() site { return &quota{q.replica, q.left.Clone()} }

func (q *quota) stock(product string) int64 {
	c, ok := q.left.At(product)
	if !ok {
		return 0
	}
	n, _ := c.Total()
	return n
}

func (q *quota) detail(product string) detail {
	c, ok := q.left.At(product)
	if !ok {
		return detail{}
	}
	return detail{Rights: maps.Collect(c.Holders())}
}
