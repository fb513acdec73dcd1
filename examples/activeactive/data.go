package main

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// What the shop keeps: five kinds of data, and one way each to take part in conflicts. A row is
// named kind/name, as in cart/ann.
const (
	profileKind = "profile" // a struct, merged field by field
	cartKind    = "cart"    // counters by article, all changes count
	stockKind   = "stock"   // a counter that never falls below zero
	flagKind    = "flags"   // a map, the last writer of a key wins
	orderKind   = "order"   // versions side by side, a rule or a person decides
)

// A Profile is merged field by field, each by the rule in its tag. There may be rows of older and
// newer programs: a field may be added at any time.
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

// A Cart has a counter for each article. A line that one device deletes while another adds to it
// keeps what the first had not been shown.
type Cart = crdt.ORMap[string, *crdt.PNCounter]

// Stock is what is left to sell.
type Stock = crdt.BoundedCounter

// Flags has the newest value of each flag.
type Flags = lww.Map[string, string]

// An Order is never merged: concurrent versions of it are kept, and orderRule says what they mean.
type Order struct {
	Item    string `json:"item"`
	Status  string `json:"status"` // new, paid, shipped or cancelled
	Total   int64  `json:"total"`  // in cents
	Payment string `json:"payment,omitempty"`
}

// Orders are the versions of one order.
type Orders = resolver.Siblings[Order]

// orderRule returns what is done about concurrent versions of an order, with homes or without. It
// depends on the versions and on nothing else, so all regions decide alike.
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

// refunds returns the payments that nobody is to keep: those of all versions but the one decided
// for.
func refunds(c *resolver.Conflict[Order], kept Order) (out []resolver.Compensation) {
	for i, v := range c.Versions {
		if p := v.Value.Payment; p != "" && (p != kept.Payment || kept.Status == "cancelled") {
			out = append(out, c.Compensation("refund "+p, i))
		}
	}
	return out
}

// isName reports whether a row may be called so.
func isName(row string) bool {
	return len(row) <= 200 && utf8.ValidString(row) && !strings.Contains(row, "\x00")
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

// A state is what a row holds: a replicated value of any kind. The store, the outbox, the receiver
// and anti-entropy know no more of the data than this.
type state interface {
	merge(other state) bool          // joins a state or a delta of the same kind
	append(b []byte) ([]byte, error) // appends its bytes
	decode(data []byte) error
	latest() hlc.Timestamp // the largest time of a write in it, 0 if there are no times
}

// replicated is what all types of the library have in common.
type replicated[S any] interface {
	comparable
	Merge(other S) bool
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(data []byte) error
}

// of makes a state of a replicated value.
type of[S replicated[S]] struct{ s S }

func (v of[S]) merge(other state) bool          { return v.s.Merge(other.(of[S]).s) }
func (v of[S]) append(b []byte) ([]byte, error) { return v.s.AppendBinary(b) }
func (v of[S]) decode(data []byte) error        { return v.s.UnmarshalBinary(data) }

func (v of[S]) latest() (t hlc.Timestamp) {
	switch s := any(v.s).(type) {
	case interface{ Latest() hlc.Timestamp }:
		return s.Latest()
	case *Orders:
		for _, n := range s.Clock().All() {
			t = max(t, hlc.Timestamp(n))
		}
	}
	return t
}

// as returns the value of a state whose kind the caller knows.
func as[S replicated[S]](s state) S { return s.(of[S]).s }

// empty returns the state of a row that is not there yet. epoch is the highest promotion that the
// store knows of: a new order is not to get past it.
func empty(row string, epoch uint64) (state, error) {
	switch kindOf(row) {
	case profileKind:
		return of[*Profiles]{profiles.NewRecord()}, nil
	case cartKind:
		return of[*Cart]{new(Cart)}, nil
	case stockKind:
		return of[*Stock]{crdt.AtLeast(0)}, nil
	case flagKind:
		return of[*Flags]{new(Flags)}, nil
	case orderKind:
		return of[*Orders]{resolver.NewSiblings[Order](vclock.Clock{}, epoch)}, nil
	}
	return nil, fmt.Errorf("row %q is of no kind that this program knows", row)
}

// profiles has the rules that the tags of Profile say, compiled once.
var profiles = merge.MustCompile(merge.Options[Profile]{Record: true})

// decodeRow returns the state of a row, or the delta of one, from its bytes.
func (s *store) decodeRow(row string, data []byte) (state, error) {
	st, err := s.empty(row, 0)
	if err == nil {
		err = st.decode(data)
	}
	if err != nil {
		return nil, fmt.Errorf("row %q: %w", row, err)
	}
	return st, nil
}
