package main

import (
	"fmt"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// lastWriterWins is a table with a column of stock: a sale reads it, and writes
// what is left.
func lastWriterWins() strategy {
	return strategy{
		Name: "last writer wins",
		Rule: "a sale writes how much is left, and the latest write counts",
		new: func(r vclock.Replica, now func() time.Time) site {
			return &row{lww.Writer{Replica: r, Clock: &hlc.Clock{Physical: now}}, new(lww.Map[string, int64])}
		},
	}
}

// A row is the stock of all products, in an [lww.Map].
type row struct {
	writer lww.Writer
	left   *lww.Map[string, int64]
}

func (r *row) play(e event) (effect, error) {
	n := r.stock(e.Product)
	switch e.Action {
	case "restock":
		n += e.Quantity
	case "order":
		if n < e.Quantity {
			return refuse(short(n))
		}
		n -= e.Quantity
	default:
		return pass()
	}
	_, err := r.left.Put(r.writer, e.Product, n)
	return effect{}, err
}

// short says why an order is refused.
func short(left int64) string { return fmt.Sprintf("%d in stock", left) }

func (r *row) receive(peer site) (string, error) {
	r.left.Merge(peer.(*row).left)
	return "", nil
}

func (r *row) clone() site { return &row{r.writer, r.left.Clone()} }

func (r *row) stock(product string) int64 {
	n, _ := r.left.At(product)
	return n
}

func (*row) detail(string) detail { return detail{} }
