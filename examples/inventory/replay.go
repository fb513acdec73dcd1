package main

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/rejoin-go/rejoin/vclock"
)

// A replay plays a log under several strategies at once.
type replay struct {
	strategies []strategy
	products   []string
	regions    map[vclock.Replica]*region
}

// A region is one region at one moment of the log.
type region struct {
	name  vclock.Replica
	clock time.Time // what its clock shows
	sites []site    // one per strategy
	sent  []moment  // what it held after each of its lines
}

// A moment is the state of a region after a line of the log.
type moment struct {
	line  int
	sites []site
}

func newReplay(events []event, s []strategy) *replay {
	p := &replay{strategies: s, regions: make(map[vclock.Replica]*region)}
	for _, e := range events {
		if e.Action == "restock" {
			p.products = append(p.products, e.Product)
		}
	}
	slices.Sort(p.products)
	p.products = slices.Compact(p.products)
	return p
}

// play makes e happen and returns its effect under each strategy.
func (p *replay) play(e event) ([]effect, error) {
	r := p.regions[e.Region]
	if r == nil {
		r = &region{name: e.Region}
		for _, s := range p.strategies {
			r.sites = append(r.sites, s.new(r.name, func() time.Time { return r.clock }))
		}
		p.regions[e.Region] = r
	}
	r.clock = e.Clock
	var (
		effects []effect
		err     error
	)
	if e.Receive != "" {
		effects, err = p.receive(r, p.regions[e.Receive].after(e.Sent))
	} else {
		effects, err = r.act(e)
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", e.Line, err)
	}
	r.keep(e.Line)
	return effects, nil
}

func (r *region) act(e event) ([]effect, error) {
	var effects []effect
	for _, s := range r.sites {
		f, err := s.play(e)
		if err != nil {
			return nil, err
		}
		effects = append(effects, f)
	}
	return effects, nil
}

func (p *replay) receive(r *region, m moment) ([]effect, error) {
	effects := make([]effect, len(r.sites))
	for i, s := range r.sites {
		before := p.stock(s)
		note, err := s.receive(m.sites[i])
		if err != nil {
			return nil, err
		}
		now := p.stock(s)
		maps.DeleteFunc(now, func(product string, n int64) bool { return before[product] == n })
		effects[i] = effect{Note: note, Stock: now}
	}
	return effects, nil
}

// stock returns what s shows, by product.
func (p *replay) stock(s site) map[string]int64 {
	stock := make(map[string]int64)
	for _, product := range p.products {
		stock[product] = s.stock(product)
	}
	return stock
}

// finish lets each region receive the last state of every other, in the order of
// their names.
func (p *replay) finish() error {
	last := make(map[vclock.Replica]moment)
	for name, r := range p.regions {
		last[name] = r.sent[len(r.sent)-1]
	}
	for _, name := range p.names() {
		for _, peer := range p.names() {
			if peer == name {
				continue
			}
			if _, err := p.receive(p.regions[name], last[peer]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *replay) names() []vclock.Replica { return slices.Sorted(maps.Keys(p.regions)) }

// keep remembers what r holds after line.
func (r *region) keep(line int) {
	m := moment{line: line}
	for _, s := range r.sites {
		m.sites = append(m.sites, s.clone())
	}
	r.sent = append(r.sent, m)
}

// after returns what r held after the given line of the log.
func (r *region) after(line int) moment {
	n := sort.Search(len(r.sent), func(i int) bool { return r.sent[i].line > line })
	return r.sent[n-1]
}
