package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// What the shop keeps: five kinds of data. A row is named kind/name, as in cart/ann.
const (
	profileKind = "profile" // a struct, merged field by field
	cartKind    = "cart"    // counters by article, all changes count
	stockKind   = "stock"   // a counter that never falls below zero
	flagKind    = "flags"   // a map, the last writer of a key wins
	orderKind   = "order"   // versions side by side, a rule or a person decides
)

// A Profile is merged field by field, each by the rule in its tag. Fields may be added at any time.
type Profile struct {
	Name   string   `json:"name"`
	Email  string   `json:"email"  merge:"group=contact"` // these two move together
	Phone  string   `json:"phone"  merge:"group=contact"`
	City   string   `json:"city"`
	Tier   string   `json:"tier"   merge:"rank=free<plus<pro"`
	Tags   []string `json:"tags"   merge:"set"`
	Points int64    `json:"points" merge:"additive"`
}

// An Order is never merged: concurrent versions of it are kept, and orderRule says what they mean.
type Order struct {
	Item    string `json:"item"`
	Status  string `json:"status"` // new, paid, shipped or cancelled
	Total   int64  `json:"total"`  // in cents
	Payment string `json:"payment,omitempty"`
}

// What the rows hold. A Cart has a counter for each article.
type (
	Profiles = merge.Record[Profile]
	Cart     = crdt.ORMap[string, *crdt.PNCounter] // of a line that is deleted, what is added meanwhile stays
	Stock    = crdt.BoundedCounter
	Flags    = lww.Map[string, string]
	Orders   = resolver.Siblings[Order]
)

// orderRule returns what is done about concurrent versions of an order. It depends on the versions
// and on nothing else, so all regions decide alike.
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

// refunds returns the payments of all versions but the one decided for.
func refunds(c *resolver.Conflict[Order], kept Order) (out []resolver.Compensation) {
	for i, v := range c.Versions {
		if p := v.Value.Payment; p != "" && (p != kept.Payment || kept.Status == "cancelled") {
			out = append(out, c.Compensation("refund "+p, i))
		}
	}
	return out
}

func kindOf(row string) string {
	kind, _, _ := strings.Cut(row, "/")
	return kind
}

// regionOf returns the region that a replica is a life of.
func regionOf(r vclock.Replica) vclock.Replica {
	name, _ := r.Lineage()
	return name
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

// kinds make the state of a row that is not there yet. A new order is not to get past the epoch.
var kinds = map[string]func(epoch uint64) state{
	profileKind: func(uint64) state { return of[*Profiles]{profiles.NewRecord()} },
	cartKind:    func(uint64) state { return of[*Cart]{new(Cart)} },
	stockKind:   func(uint64) state { return of[*Stock]{crdt.AtLeast(0)} },
	flagKind:    func(uint64) state { return of[*Flags]{new(Flags)} },
	orderKind:   func(epoch uint64) state { return of[*Orders]{resolver.NewSiblings[Order](vclock.Clock{}, epoch)} },
}

// profiles has the rules that the tags of Profile say, compiled once.
var profiles = merge.MustCompile(merge.Options[Profile]{Record: true})

// knows reports whether there may be a row of this name: a newer program may have more kinds.
func (s *store) knows(row string) bool {
	return s.kinds[kindOf(row)] != nil && len(row) <= 200 && utf8.ValidString(row) && !strings.Contains(row, "\x00")
}

// decodeRow returns the state of a row, or the delta of one, from its bytes; of none without.
func (s *store) decodeRow(row string, data []byte) (state, error) {
	if !s.knows(row) {
		return nil, fmt.Errorf("row %q is of no kind that this program knows", row)
	}
	st := s.kinds[kindOf(row)](s.epoch.Load())
	if data == nil {
		return st, nil
	}
	if err := st.decode(data); err != nil {
		return nil, fmt.Errorf("row %q: %w", row, err)
	}
	return st, nil
}

// view returns what a client is shown of a row, with an ETag if there is one for the row as a whole.
func (g *region) view(ctx context.Context, key string, st state) (shown, error) {
	switch s := st.(type) {
	case of[*Profiles]:
		profile, seen := s.s.Snapshot()
		return shown{profile, tag(key, seen)}, nil
	case of[*Cart]: // each line has an ETag of its own, see deleteFromCart
		lines, counters := []any{}, maps.Collect(s.s.All())
		for _, sku := range slices.Sorted(maps.Keys(counters)) {
			n, _ := counters[sku].Total()
			lines = append(lines, map[string]any{"sku": sku, "count": n, "etag": tag(key+"/"+sku, counters[sku].Context())})
		}
		return shown{value: lines}, nil
	case of[*Stock]:
		left, exact := s.s.Total()
		return shown{value: map[string]any{"left": left, "exact": exact, "holders": maps.Collect(s.s.Holders())}}, nil
	case of[*Flags]:
		flags := map[string]any{}
		for k, v := range s.s.All() {
			flags[k] = map[string]any{"value": v, "stamp": s.s.Stamp(k)}
		}
		return shown{value: flags}, nil
	case of[*Orders]:
		out, err := g.rule().Resolve(ctx, key, s.s)
		if err != nil {
			return shown{}, err
		}
		v := map[string]any{"rule": out.Rule, "reason": out.Reason}
		if out.Found {
			v["order"] = out.Value
		}
		if out.Conflict != nil { // there are several versions
			choices := []Order{}
			for _, version := range out.Conflict.Versions {
				choices = append(choices, version.Value)
			}
			v["choices"] = choices
		}
		if out.Ticket != nil { // a person has to decide
			v["ticket"], v["reason"] = out.Ticket.Conflict.ID.String(), out.Ticket.Reason
		}
		return shown{v, tag(key, out.Context)}, nil
	}
	return shown{}, nil
}

func (g *region) getRows(r *http.Request) (answer any, err error) {
	out := map[string]any{}
	for row := range g.store.rows(r.Context(), &err, `ORDER BY id LIMIT 200`) {
		var now shown
		if row.state, err = g.store.decodeRow(row.key, row.data); err == nil {
			now, err = g.view(r.Context(), row.key, row.state)
		}
		digest := fmt.Sprintf("%08x", antientropy.Fingerprint(row.data)>>32)
		out[row.key] = map[string]any{"digest": digest, "bytes": len(row.data), "state": now.value, "etag": now.etag}
	}
	return out, err
}

func (g *region) tell(r *row, from string) {
	if !g.config.explain {
		return
	}
	now, err := g.view(context.Background(), r.key, r.state)
	if err != nil {
		return
	}
	e := &g.events
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last++
	e.recent = append(e.recent, map[string]any{
		"number": e.last, "at": time.Now(), "clock": g.clocks.physical(), "row": r.key, "state": now.value,
		"from": from, "why": r.why, // the peer that it came from, and what that did to fields
	})
	e.recent = e.recent[max(0, len(e.recent)-300):]
	r.why = nil
}

// getEvents answers with the events after a number, or all.
func (g *region) getEvents(r *http.Request) (any, error) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	e := &g.events
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.recent[max(0, len(e.recent)-max(0, e.last-after)):]), nil
}
