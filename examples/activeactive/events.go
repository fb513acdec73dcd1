package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// events remembers, for the page, what was lately written and merged, and why
// values are what they are. Nothing but the page depends on it.
type events struct {
	on bool

	mu     sync.Mutex
	next   int64
	recent []event
	why    map[string]map[string]why // by row and field
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

// before notes what a state that is about to be merged into a row does there.
func (e *events) before(r *row, in state) {
	if !e.on {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	reasons := e.why[r.key]
	if reasons == nil {
		reasons = map[string]why{}
		e.why[r.key] = reasons
	}
	switch s := r.state.(type) {
	case of[*Profiles]:
		explainProfile(s.s, as[*Profiles](in), reasons)
	case of[*Flags]:
		explainFlags(s.s, as[*Flags](in), reasons)
	}
}

// explainProfile asks the record what merging another would do.
func explainProfile(have, in *Profiles, reasons map[string]why) {
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
			w.Loser, w.Margin = old.String(), now.Time.Time().Sub(old.Time.Time()).Round(time.Millisecond).String()
			w.Lost, _ = have.At(flag)
		}
		reasons[flag] = w
	}
}

// commit adds an event for each row of a commit.
func (e *events) commit(g *region, t *tx) {
	if !e.on {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range t.dirty {
		if shown, _, err := g.view(context.Background(), r.key, r.state); err == nil {
			e.next++
			e.recent = append(e.recent, event{
				Number: e.next, At: time.Now(), Clock: g.clocks.physical(), Row: r.key, From: r.from, State: shown,
			})
		}
	}
	e.recent = e.recent[max(0, len(e.recent)-300):]
}

// since returns the events after a number.
func (e *events) since(number int64) []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.recent, func(ev event) bool { return ev.Number > number })
	if i < 0 {
		return []event{}
	}
	return slices.Clone(e.recent[i:])
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
	case of[*Profiles]:
		return s.s.Stamp(field).String()
	case of[*Flags]:
		return s.s.Stamp(field).String()
	}
	return ""
}
