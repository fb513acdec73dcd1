package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// resolved keeps a ledger per product, and asks a person where too much was sold.
func resolved() strategy {
	var (
		refunds []*refund
		r       = resolver.New(rule())
	)
	return strategy{
		Name: "resolver",
		Rule: r.Describe().String(),
		new: func(name vclock.Replica, now func() time.Time) site {
			return &desk{
				writer:     resolver.Writer{Writer: lww.Writer{Replica: name, Clock: &hlc.Clock{Physical: now}}},
				reconciler: r,
				refunds:    &refunds,
				products:   make(map[string]*resolver.Siblings[*ledger]),
				told:       make(map[string]resolver.ID),
			}
		},
		refunds: &refunds,
	}
}

// A desk is the ledgers of one region, and whoever works there.
type desk struct {
	writer     resolver.Writer
	reconciler *resolver.Reconciler[*ledger]
	refunds    *[]*refund // the payment provider's: one for all regions

	products map[string]*resolver.Siblings[*ledger]
	told     map[string]resolver.ID // by product: the ticket that people here know of
}

// A refund is a compensation that was emitted.
type refund struct {
	Order string      `json:"order"`
	Key   resolver.ID `json:"key"` // the idempotency key

	// Requests are all that asked for it. The first one emitted it.
	Requests []request `json:"requests"`
}

// A request is that of one region that decided for a refund.
type request struct {
	Line   int            `json:"line"`
	Region vclock.Replica `json:"region"`
	Key    resolver.ID    `json:"key"`
}

// siblings returns the versions of a product's ledger.
func (d *desk) siblings(product string) *resolver.Siblings[*ledger] {
	if s := d.products[product]; s != nil {
		return s
	}
	return new(resolver.Siblings[*ledger])
}

// A view is what people in a region are shown of a product.
type view struct {
	ledger *ledger
	seen   resolver.Context
	ticket *resolver.Ticket[*ledger] // nil if there is nothing to decide
}

// view returns what the versions of a product's ledger mean. While a person
// decides, it is one of them. Otherwise it is all, even an answer to a ticket that
// gave way to another one: the refunds for it were made, and what they gave back
// may leave nothing to decide.
func (d *desk) view(product string) (view, error) {
	s := d.siblings(product)
	out, err := d.reconciler.Resolve(context.Background(), product, s)
	if err != nil {
		return view{}, err
	}
	all := union(s.Versions())
	switch {
	case out.Ticket == nil:
		return view{all, out.Context, nil}, nil
	case inStock(all) == nil:
		return view{all, out.Ticket.Context, nil}, nil
	}
	return view{out.Value, out.Context, out.Ticket}, nil
}

func (d *desk) play(e event) (effect, error) {
	v, err := d.view(e.Product)
	if err != nil {
		return effect{}, err
	}
	change := e.Quantity
	switch e.Action {
	case "settle":
		return d.settle(e, v.ticket)
	case "restock":
	case "order":
		if v.ticket != nil {
			return refuse("a person decides first")
		}
		if n := left(v.ledger); n < e.Quantity {
			return refuse(short(n))
		}
		change = -change
	default:
		return pass()
	}
	s, next := d.siblings(e.Product), v.ledger.Clone()
	next.Add(entry{e.ID, change})
	d.products[e.Product] = s
	_, err = s.Write(d.writer, v.seen, next)
	return effect{}, err
}

// settle cancels orders: a person answers ticket t.
func (d *desk) settle(e event, t *resolver.Ticket[*ledger]) (effect, error) {
	if t == nil {
		return refuse("there is nothing to settle")
	}
	s := d.siblings(e.Product)
	var (
		next = union(s.Versions())
		c    = t.Conflict
		made []resolver.Compensation
	)
	for _, id := range e.Cancel {
		n := taken(next, id)
		if n == 0 {
			return refuse(fmt.Sprintf("%s knows of no order %s, or it is cancelled", e.Region, id))
		}
		var causes []int // the versions that hold the order
		for i, v := range c.Versions {
			if v.Value.Contains(entry{id, -n}) {
				causes = append(causes, i)
			}
		}
		next.Add(entry{id, n})
		made = append(made, c.Compensation("refund "+id, causes...))
	}
	if err := inStock(next); err != nil {
		return refuse("it would still be " + err.Error())
	}
	decision := c.Use(next, "cancel "+strings.Join(e.Cancel, ", ")).With(made...)
	if _, err := d.reconciler.Settle(context.Background(), d.writer, s, t, decision); err != nil {
		return effect{}, err
	}
	var notes []string
	for i, id := range e.Cancel {
		notes = append(notes, d.refund(id, request{e.Line, e.Region, made[i].Key}))
	}
	return effect{Note: strings.Join(notes, "; ")}, nil
}

// refund asks for a refund, which is made unless it was made already. An order is
// refunded once, so its number tells as much as the key, and more where a region
// cancels it that has other versions in its ticket.
func (d *desk) refund(id string, r request) string {
	i := slices.IndexFunc(*d.refunds, func(f *refund) bool { return f.Order == id })
	if i < 0 {
		*d.refunds = append(*d.refunds, &refund{id, r.Key, []request{r}})
		return fmt.Sprintf("refund %s: emitted, key %.8v", id, r.Key)
	}
	f := (*d.refunds)[i]
	f.Requests = append(f.Requests, r)
	if r.Key != f.Key {
		return fmt.Sprintf("refund %s: not again, although the key is another, %.8v", id, r.Key)
	}
	return fmt.Sprintf("refund %s: not again, the key is the same", id)
}

func (d *desk) receive(peer site) (string, error) {
	var notes []string
	theirs := peer.(*desk).products
	for _, product := range slices.Sorted(maps.Keys(theirs)) {
		s := d.siblings(product)
		s.Merge(theirs[product])
		d.products[product] = s
		v, err := d.view(product)
		if err != nil {
			return "", err
		}
		if t := v.ticket; t != nil && t.Conflict.ID != d.told[product] {
			d.told[product] = t.Conflict.ID
			notes = append(notes, fmt.Sprintf("TICKET %.8v: %s %s", t.Conflict.ID, product, t.Reason))
		}
	}
	return strings.Join(notes, "; "), nil
}

func (d *desk) clone() site {
	c := *d
	c.products = make(map[string]*resolver.Siblings[*ledger])
	for product, s := range d.products {
		c.products[product] = s.Clone()
	}
	c.told = maps.Clone(d.told)
	return &c
}

// stock returns what is shown to customers: while a person decides, nothing can
// be sold.
func (d *desk) stock(product string) int64 {
	v, err := d.view(product)
	if err != nil || v.ticket != nil {
		return 0
	}
	return left(v.ledger)
}

func (d *desk) detail(product string) detail {
	v, err := d.view(product)
	if err != nil || v.ticket == nil {
		return detail{}
	}
	c := v.ticket.Conflict
	return detail{Ticket: &ticket{c.ID, v.ticket.Reason, contributors(c.Versions)}}
}
