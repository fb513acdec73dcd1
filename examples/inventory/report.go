package main

import (
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/vclock"
)

// A report is what a log leads to. Its JSON form is what -json prints.
type report struct {
	Regions  []vclock.Replica `json:"regions"`
	Products []string         `json:"products"`
	Events   []eventReport    `json:"events"`
	Outcomes []outcome        `json:"outcomes"` // one per strategy
}

// An eventReport is an event and what it did in its region.
type eventReport struct {
	Line    int            `json:"line"`
	Region  vclock.Replica `json:"region"`
	Clock   time.Time      `json:"clock"`
	Action  string         `json:"action"`
	Act     *act           `json:"act,omitempty"`
	Receive vclock.Replica `json:"receive,omitempty"`
	Sent    int            `json:"sent,omitempty"`

	Effects []effect `json:"effects"` // one per strategy
}

// An outcome is where a strategy ends once every region has heard all others.
type outcome struct {
	Strategy string         `json:"strategy"`
	Rule     string         `json:"rule"`
	Agreed   bool           `json:"agreed"` // whether all regions show the same
	Products []*product     `json:"products"`
	Refunds  []*refund      `json:"refunds,omitempty"`
	Refused  []refusedOrder `json:"refused"`
}

// A product is what became of the stock of one product. What came less what was
// sold for good is Left; if that is less than none, too much was sold.
type product struct {
	Name  string                   `json:"product"`
	Came  int64                    `json:"came"`
	Sold  int64                    `json:"sold"` // orders cancelled do not count
	Left  int64                    `json:"left"`
	Shown map[vclock.Replica]int64 `json:"shown"` // by region, as what is left
	Lost  int64                    `json:"lost"`  // sold, but not counted by what is shown

	detail
}

// A refusedOrder is an order that was not taken, and why.
type refusedOrder struct {
	ID     string         `json:"id"`
	Line   int            `json:"line"`
	Region vclock.Replica `json:"region"`
	Why    string         `json:"why"`
}

// run replays events under the given strategies.
func run(events []event, s []strategy) (*report, error) {
	p := newReplay(events, s)
	rep := &report{Products: p.products, Outcomes: make([]outcome, len(s))}
	for i := range s {
		rep.Outcomes[i] = outcome{Strategy: s[i].Name, Rule: s[i].Rule, Refused: []refusedOrder{}}
		for _, name := range p.products {
			rep.Outcomes[i].Products = append(rep.Outcomes[i].Products, &product{Name: name, Shown: make(map[vclock.Replica]int64)})
		}
	}
	orders := make(map[string]act)
	for _, e := range events {
		effects, err := p.play(e)
		if err != nil {
			return nil, err
		}
		rep.Events = append(rep.Events, reportEvent(e, effects))
		for i := range s {
			rep.Outcomes[i].book(e, effects[i])
		}
		if e.Action == "order" {
			orders[e.ID] = e.act
		}
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	rep.Regions = p.names()
	for i := range s {
		if s[i].refunds != nil {
			rep.Outcomes[i].Refunds = *s[i].refunds
		}
		rep.Outcomes[i].close(p, i, orders)
	}
	return rep, nil
}

func reportEvent(e event, effects []effect) eventReport {
	r := eventReport{
		Line: e.Line, Region: e.Region, Clock: e.Clock, Action: e.Action,
		Receive: e.Receive, Sent: e.Sent, Effects: effects,
	}
	if e.Receive == "" {
		r.Act = &e.act
	}
	return r
}

// product returns the product of that name, which there is.
func (o *outcome) product(name string) *product {
	return o.Products[slices.IndexFunc(o.Products, func(p *product) bool { return p.Name == name })]
}

// book counts what came and what was sold.
func (o *outcome) book(e event, f effect) {
	switch {
	case e.Action == "restock":
		o.product(e.Product).Came += e.Quantity
	case e.Action == "order" && f.Refused:
		o.Refused = append(o.Refused, refusedOrder{e.ID, e.Line, e.Region, f.Note})
	case e.Action == "order":
		o.product(e.Product).Sold += e.Quantity
	}
}

// close compares what the regions show under strategy i with what is left.
func (o *outcome) close(p *replay, i int, orders map[string]act) {
	for _, f := range o.Refunds {
		o.product(orders[f.Order].Product).Sold -= orders[f.Order].Quantity
	}
	names := p.names()
	o.Agreed = true
	for _, product := range o.Products {
		for _, name := range names {
			product.Shown[name] = p.regions[name].sites[i].stock(product.Name)
			o.Agreed = o.Agreed && product.Shown[name] == product.Shown[names[0]]
		}
		product.Left = product.Came - product.Sold
		product.detail = p.regions[names[0]].sites[i].detail(product.Name)
		if product.Ticket == nil {
			product.Lost = product.Shown[names[0]] - product.Left
		}
	}
}
