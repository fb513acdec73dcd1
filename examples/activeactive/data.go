package main

import (
	"context"
	"strings"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// What the shop keeps: five kinds of data, and one way each to take part in
// conflicts. A row is named kind/name, as in cart/ann.
const (
	profileKind = "profile" // a struct, merged field by field
	cartKind    = "cart"    // counters by article, all changes count
	stockKind   = "stock"   // a counter that never falls below zero
	flagKind    = "flags"   // a map, the last writer of a key wins
	orderKind   = "order"   // versions side by side, a rule or a person decides
)

// A Profile is merged field by field, each by the rule in its tag. There may
// be rows of older and newer programs: a field may be added at any time.
type Profile struct {
	Name   string   `json:"name"`
	Email  string   `json:"email"  merge:"group=contact"` // these two move together
	Phone  string   `json:"phone"  merge:"group=contact"`
	City   string   `json:"city"`
	Tier   string   `json:"tier"   merge:"rank=free<plus<pro"`
	Tags   []string `json:"tags"   merge:"set"`
	Points int64    `json:"points" merge:"additive"`
}

// Profiles are what regions know of one profile.
type Profiles = merge.Record[Profile]

// A Cart has a counter for each article. A line that one device deletes while
// another adds to it keeps what the first had not been shown.
type Cart = crdt.ORMap[string, *crdt.PNCounter]

// Flags has the newest value of each flag.
type Flags = lww.Map[string, string]

// An Order is never merged: concurrent versions of it are kept, and orderRule
// says what they mean.
type Order struct {
	Item    string `json:"item"`
	Status  string `json:"status"` // new, paid, shipped or cancelled
	Total   int64  `json:"total"`  // in cents
	Payment string `json:"payment,omitempty"`
}

// Orders are the versions of one order.
type Orders = resolver.Siblings[Order]

// orderRule returns what is done about concurrent versions of an order, with
// homes or without. It depends on the versions and on nothing else, so all
// regions decide alike.
func orderRule(homes ...resolver.Rule[Order]) *resolver.Reconciler[Order] {
	rules := append([]resolver.Rule[Order]{
		resolver.Named("paid orders", "paid and cancelled is for a person; of two payments one is refunded", paidOrders),
	}, homes...)
	return resolver.New(resolver.Chain(append(rules, resolver.UpdateWins[Order], resolver.LastWriterWins[Order])...))
}

// paidOrders decides as soon as money has changed hands.
func paidOrders(_ context.Context, c *resolver.Conflict[Order]) (resolver.Decision[Order], error) {
	var paid []int
	cancelled := false
	for i, v := range c.Versions {
		switch {
		case v.Deleted || v.Value.Status == "cancelled":
			cancelled = true
		case v.Value.Payment != "":
			paid = append(paid, i)
		}
	}
	switch {
	case len(paid) == 0:
		return c.Pass("nobody has paid"), nil
	case cancelled:
		return c.Defer("paid in one region and cancelled in another"), nil
	}
	// Versions are in the order of their stamps: the first payment stands.
	first := c.Versions[paid[0]].Value
	return c.Keep(paid[0], "the first payment stands").With(refunds(c, first)...), nil
}

// refunds returns the payments that nobody is to keep: those of all versions but
// the one decided for.
func refunds(c *resolver.Conflict[Order], kept Order) (out []resolver.Compensation) {
	for i, v := range c.Versions {
		if p := v.Value.Payment; p != "" && (p != kept.Payment || kept.Status == "cancelled") {
			out = append(out, c.Compensation("refund "+p, i))
		}
	}
	return out
}

// kindOf returns the kind of a row.
func kindOf(row string) string {
	kind, _, _ := strings.Cut(row, "/")
	return kind
}

// userOf returns whose row it is: order/ann:17 and cart/ann are both of ann.
func userOf(row string) string {
	_, name, _ := strings.Cut(row, "/")
	user, _, _ := strings.Cut(name, ":")
	return user
}

// regionOf returns the region that a replica is a life of.
func regionOf(r vclock.Replica) string {
	name, _ := r.Lineage()
	return string(name)
}
