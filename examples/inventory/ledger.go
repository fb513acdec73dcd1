package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/resolver"
)

// A ledger is all that ever came and went of a product. Two ledgers merge into
// the union of their entries.
//
// It is a set that only grows, and not one of the counters, because it is a value
// of a [resolver.Siblings]: of a conflict a region may be shown one version, which
// need not hold its own last write. The types of package crdt that take a replica
// need a state that does.
type ledger = crdt.GSet[entry]

// An entry is one change of the stock: an order, a restock, or an order that was
// cancelled, which has the number of the order and gives back what it took. All
// who cancel an order make the same entry.
type entry struct {
	ID     string
	Change int64
}

// union returns all entries of some versions, in a ledger of its own.
func union(vs []resolver.Version[*ledger]) *ledger {
	all := new(ledger)
	for _, v := range vs {
		all.Merge(v.Value)
	}
	return all
}

// left returns how much is in stock.
func left(l *ledger) int64 {
	var n int64
	for e := range l.All() {
		n += e.Change
	}
	return n
}

// taken returns how much an order takes, or 0 if it is not in l or was cancelled.
func taken(l *ledger, id string) int64 {
	var n int64
	for e := range l.All() {
		if e.ID == id {
			n -= e.Change
		}
	}
	return n
}

// rule decides what concurrent versions of a ledger mean.
func rule() resolver.Rule[*ledger] {
	return resolver.Chain(
		resolver.Check("that no more was sold than there is", inStock, resolver.Join),
		resolver.Named("oversold", "let a person cancel one or more of the orders that these regions took while they were apart", oversold),
	)
}

func inStock(l *ledger) error {
	if n := left(l); n < 0 {
		return fmt.Errorf("oversold by %d", -n)
	}
	return nil
}

// oversold leaves a conflict to a person, and says which orders made it.
func oversold(_ context.Context, c *resolver.Conflict[*ledger]) (resolver.Decision[*ledger], error) {
	return c.Defer(fmt.Sprintf("%v. %s", inStock(union(c.Versions)), orders(contributors(c.Versions)))), nil
}

// contributors returns the orders that are not in all of some versions, each with
// the region of the first version that has it: those that not everybody knew of.
func contributors(vs []resolver.Version[*ledger]) []sold {
	var (
		all    = union(vs)
		listed = make(map[string]bool)
		found  []sold
	)
	for _, v := range vs {
		var own []sold
		for e := range v.Value.All() {
			known := !slices.ContainsFunc(vs, func(o resolver.Version[*ledger]) bool { return !o.Value.Contains(e) })
			if n := taken(all, e.ID); !known && n > 0 && !listed[e.ID] {
				listed[e.ID] = true
				own = append(own, sold{v.Stamp.Replica, e.ID, n})
			}
		}
		slices.SortFunc(own, func(a, b sold) int { return strings.Compare(a.ID, b.ID) })
		found = append(found, own...)
	}
	return found
}

// orders lists what was sold, by region.
func orders(ss []sold) string {
	var b strings.Builder
	for i, s := range ss {
		switch {
		case i == 0:
			fmt.Fprintf(&b, "%s sold ", s.Region)
		case s.Region != ss[i-1].Region:
			fmt.Fprintf(&b, "; %s sold ", s.Region)
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d (%s)", s.Quantity, s.ID)
	}
	return b.String()
}
