package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// events remembers, for the page, what was lately written and merged, and why
// values are what they are. Nothing but the page depends on it.
type events struct {
	on bool

	mu     sync.Mutex
	next   int64
	recent []event
	why    map[string]map[string]merge.Change // by row and field
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

// before notes what a state that is about to be merged into a row does there. A
// record tells by itself; flags by the stamps of what both sides have written.
func (e *events) before(r *row, in state) {
	if !e.on {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.why[r.key] == nil {
		e.why[r.key] = map[string]merge.Change{}
	}
	switch have := r.state.(type) {
	case of[*Profiles]:
		for _, c := range have.s.Explain(as[*Profiles](in)).Changes {
			e.why[r.key][c.Path] = c
		}
	case of[*Flags]:
		in := as[*Flags](in)
		for _, flag := range have.s.Changed(in) {
			old, now := have.s.Stamp(flag), in.Stamp(flag)
			c := merge.Change{Path: flag, Rule: "last writer wins", Outcome: merge.Taken, Candidates: []merge.Candidate{{Stamp: now}}}
			if !old.IsZero() {
				value, _ := have.s.At(flag)
				c.Candidates = append(c.Candidates, merge.Candidate{Side: 1, Stamp: old, Value: value, Lost: true})
				c.Margin = now.Time.Time().Sub(old.Time.Time())
			}
			e.why[r.key][flag] = c
		}
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

// reasons returns why the fields of a row have the values that they have now: what
// has been written again since a merge has no reason any more.
func (e *events) reasons(key string, st state) map[string]merge.Change {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := func(string) lww.Stamp { return lww.Stamp{} }
	switch s := st.(type) {
	case of[*Profiles]:
		now = s.s.Stamp
	case of[*Flags]:
		now = s.s.Stamp
	}
	out := map[string]merge.Change{}
	for field, c := range e.why[key] {
		if !slices.ContainsFunc(c.Candidates, func(side merge.Candidate) bool { return side.Side == c.Winner && side.Stamp != now(field) }) {
			out[field] = c
		}
	}
	return out
}
