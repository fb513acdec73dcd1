package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// view returns what a client is shown of a row, without an ETag if there is none for the row as a
// whole.
func (g *region) view(ctx context.Context, key string, st state) (shown, error) {
	switch s := st.(type) {
	case of[*Profiles]:
		profile, seen := s.s.Snapshot()
		return shown{profile, tag(key, seen)}, nil
	case of[*Cart]:
		lines := []cartLine{}
		for sku, c := range s.s.All() {
			lines = append(lines, viewLine(key, sku, c))
		}
		slices.SortFunc(lines, func(a, b cartLine) int { return strings.Compare(a.SKU, b.SKU) })
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
		return g.viewOrder(ctx, key, s.s)
	}
	return shown{}, nil
}

// A cartLine has an ETag of its own, see deleteFromCart.
type cartLine struct {
	SKU   string `json:"sku"`
	Count int64  `json:"count"`
	ETag  string `json:"etag"`
}

func viewLine(row, sku string, c *crdt.PNCounter) cartLine {
	n, _ := c.Total()
	return cartLine{sku, n, tag(row+"/"+sku, c.Context())}
}

// An orderView is what there is to show of an order.
type orderView struct {
	Order   *Order  `json:"order"` // null if there is none
	Rule    string  `json:"rule,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	Ticket  string  `json:"ticket,omitempty"`  // of what a person has to decide
	Choices []Order `json:"choices,omitempty"` // if there are several versions
}

func (g *region) viewOrder(ctx context.Context, row string, s *Orders) (shown, error) {
	out, err := g.rule().Resolve(ctx, row, s)
	if err != nil {
		return shown{}, err
	}
	v := orderView{Rule: out.Rule, Reason: out.Reason}
	if out.Found {
		v.Order = &out.Value
	}
	if out.Conflict != nil {
		for _, version := range out.Conflict.Versions {
			v.Choices = append(v.Choices, version.Value)
		}
	}
	if out.Ticket != nil {
		v.Ticket, v.Reason = out.Ticket.Conflict.ID.String(), out.Ticket.Reason
	}
	return shown{v, tag(row, out.Context)}, nil
}

// viewRow returns what the page shows of a row.
func (g *region) viewRow(ctx context.Context, key string, data []byte) (any, error) {
	st, err := g.store.decodeRow(key, data)
	if err != nil {
		return nil, err
	}
	now, err := g.view(ctx, key, st)
	digest := fmt.Sprintf("%08x", antientropy.Fingerprint(data)>>32)
	return map[string]any{"digest": digest, "bytes": len(data), "state": now.value, "etag": now.etag}, err
}

// events remembers, for the page, what was lately written and merged. Nothing but the page depends
// on it.
type events struct {
	mu     sync.Mutex
	next   int64
	recent []event
}

// An event is one change of a row.
type event struct {
	Number int64          `json:"number"`
	At     time.Time      `json:"at"`
	Clock  time.Time      `json:"clock"` // what the region's own clock showed
	Row    string         `json:"row"`
	From   string         `json:"from,omitempty"` // the peer that it came from
	Why    []merge.Change `json:"why,omitempty"`  // what that did to fields
	State  any            `json:"state"`
}

// tell adds an event about a row.
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
	e.next++
	e.recent = append(e.recent, event{e.next, time.Now(), g.clocks.physical(), r.key, from, r.why, now.value})
	e.recent = e.recent[max(0, len(e.recent)-300):]
	r.why = nil
}

// since returns the events after a number.
func (e *events) since(number int64) []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.recent), func(ev event) bool { return ev.Number <= number })
}
