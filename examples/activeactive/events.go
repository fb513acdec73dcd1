package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rejoin-go/rejoin/merge"
)

// events remembers, for the page, what was lately written and merged, and why
// values are what they are. Nothing but the page depends on it.
type events struct {
	region string
	on     bool

	mu     sync.Mutex
	next   int64
	recent []event
	why    map[string]map[string]why // by row and field
	remote map[*row]string           // rows that the commit at hand has merged, and from whom
}

// An event is one change of a row.
type event struct {
	Number int64     `json:"number"`
	At     time.Time `json:"at"`
	Clock  time.Time `json:"clock"` // what the region's own clock showed
	Row    string    `json:"row"`
	From   string    `json:"from,omitempty"` // the peer that it came from
	State  any       `json:"state"`
}

// A why says why a field has the value it has.
type why struct {
	Winner string `json:"winner,omitempty"`
	Loser  string `json:"loser,omitempty"`
	Lost   string `json:"lost,omitempty"` // the value that gave way
	Rule   string `json:"rule"`
	Margin string `json:"margin,omitempty"`
}

func newEvents(region string, on bool) *events {
	return &events{region: region, on: on, next: 1, why: map[string]map[string]why{}, remote: map[*row]string{}}
}

// since returns the events after a number.
func (e *events) since(number int64) []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := []event{}
	for _, ev := range e.recent {
		if ev.Number > number {
			out = append(out, ev)
		}
	}
	return out
}

// before is called before a state is merged into a row, and the function that it
// returns after that.
func (e *events) before(r *row, in state) func(peer string, changed bool) {
	if !e.on {
		return func(string, bool) {}
	}
	reasons := map[string]why{}
	switch s := r.state.(type) {
	case of[*merge.Record[Profile]]:
		explainProfile(s.s, as[*merge.Record[Profile]](in), reasons)
	case of[*Flags]:
		explainFlags(s.s, as[*Flags](in), reasons)
	}
	return func(peer string, changed bool) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if changed {
			e.remote[r] = peer
		}
		if e.why[r.key] == nil {
			e.why[r.key] = map[string]why{}
		}
		for field, w := range reasons {
			e.why[r.key][field] = w
		}
	}
}

// explainProfile asks the record what merging another would do.
func explainProfile(have, in *merge.Record[Profile], reasons map[string]why) {
	for _, c := range have.Explain(in).Changes {
		w := why{Rule: c.Rule + ", " + c.Outcome.String()}
		if c.Margin != 0 {
			w.Margin = c.Margin.Round(time.Millisecond).String()
		}
		for _, side := range c.Candidates {
			switch {
			case side.Lost:
				w.Loser, w.Lost = side.Stamp.String(), fmt.Sprint(side.Value)
			case side.Side == c.Winner:
				w.Winner = side.Stamp.String()
			}
		}
		reasons[c.Path] = w
	}
}

// explainFlags compares the stamps of what both sides have written.
func explainFlags(have, in *Flags, reasons map[string]why) {
	for _, flag := range have.Changed(in) {
		old, now := have.Stamp(flag), in.Stamp(flag)
		w := why{Rule: "last writer wins", Winner: now.String()}
		if !old.IsZero() {
			value, _ := have.At(flag)
			w.Loser, w.Lost = old.String(), value
			w.Margin = now.Time.Time().Sub(old.Time.Time()).Round(time.Millisecond).String()
		}
		reasons[flag] = w
	}
}

// commit adds an event for each row of a commit.
func (e *events) commit(g *region, c *committed) {
	if !e.on {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range c.rows {
		shown, _, err := g.view(context.Background(), r.key, r.state.clone())
		if err != nil {
			continue
		}
		e.recent = append(e.recent, event{
			Number: e.next, At: time.Now(), Clock: g.clocks.physical(), Row: r.key, From: e.remote[r],
			State: shown,
		})
		e.next++
	}
	clear(e.remote)
	if over := len(e.recent) - 300; over > 0 {
		e.recent = e.recent[over:]
	}
}

// reasons returns why the fields of a row have the values that they have now.
func (e *events) reasons(key string, st state) map[string]why {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]why{}
	for field, w := range e.why[key] {
		if w.Winner == "" || w.Winner == stampOf(st, field) { // else it has been written again
			out[field] = w
		}
	}
	return out
}

// stampOf returns the stamp that a field has now.
func stampOf(st state, field string) string {
	switch s := st.(type) {
	case of[*merge.Record[Profile]]:
		return s.s.Stamp(field).String()
	case of[*Flags]:
		return s.s.Stamp(field).String()
	}
	return ""
}
