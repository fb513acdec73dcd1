package main

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A replay plays a log under several strategies at once.
type replay struct {
	strategies []strategy
	regions    map[vclock.Replica]*region
	writes     map[int]*write // by line
	byRegion   map[vclock.Replica][]*write
	receipts   [][]receipt // by strategy
}

// A region is one region at one moment of the log.
type region struct {
	name  vclock.Replica
	clock time.Time    // what its clock shows
	seen  vclock.Clock // the writes that it has seen, its own included
	sites []site       // one per strategy
	sent  []moment     // what it held after each of its lines
}

// A moment is the state of a region after a line of the log.
type moment struct {
	line  int
	seen  vclock.Clock
	sites []site
}

// A write is a write event and what became of it.
type write struct {
	event
	seen vclock.Clock // all writes that its region had seen, this one included

	// Per strategy, for each field of the record as this write left it: the line
	// that wrote the value, and the time that decides.
	sources []map[field]int
	times   []map[field]hlc.Timestamp
}

// A cell is one field in one region under one strategy.
type cell struct {
	value   string
	source  int // line that wrote the value, or 0
	version int // line of the write that speaks for it; see [site]
}

// A contest is a decision between two versions of a field, of which the winner
// had not seen the loser's value.
type contest struct {
	Field field `json:"field"`
	Lost  int   `json:"lost"` // line of the edit that lost
	Over  int   `json:"over"` // line of the write that spoke for it
	Won   int   `json:"won"`  // line of the write that spoke for the winner

	// Order is that of the lost edit to the winner: concurrent, or after, which is
	// a mistake of the rule.
	Order string `json:"order"`
}

// An effect is what an event did to the profile of its region, under one
// strategy.
type effect struct {
	Changed  edits     `json:"changed,omitempty"` // what readers see change
	Contests []contest `json:"contests,omitempty"`
	Remark   string    `json:"remark,omitempty"`
}

// A receipt is what a strategy says of a state that one region received from
// another.
type receipt struct {
	Line   int            `json:"line,omitempty"` // 0 if it arrived when the log had ended
	Region vclock.Replica `json:"region"`
	From   vclock.Replica `json:"from"`
	Report merge.Report   `json:"report"`
}

func newReplay(s []strategy) *replay {
	return &replay{
		strategies: s,
		regions:    make(map[vclock.Replica]*region),
		writes:     make(map[int]*write),
		byRegion:   make(map[vclock.Replica][]*write),
		receipts:   make([][]receipt, len(s)),
	}
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
	switch {
	case e.Write != nil:
		effects, err = p.write(r, e)
	case e.Receive != "":
		effects = p.receive(r, p.regions[e.Receive].after(e.Sent), receipt{Line: e.Line, Region: r.name, From: e.Receive})
	default:
		r.clock = e.Clock.Add(e.Step)
		effects = make([]effect, len(p.strategies))
	}
	r.keep(e.Line)
	return effects, err
}

func (p *replay) write(r *region, e event) ([]effect, error) {
	r.seen = r.seen.Tick(r.name)
	w := &write{event: e, seen: r.seen}
	effects := make([]effect, len(r.sites))
	for i, s := range r.sites {
		sources := make(map[field]int)
		for _, f := range fields() {
			sources[f] = p.cell(i, s, f).source
		}
		for _, edit := range e.Write {
			sources[edit.Field] = e.Line
		}
		if err := s.write(e); err != nil {
			return nil, fmt.Errorf("line %d, %s: %w", e.Line, p.strategies[i].Name, err)
		}
		times := make(map[field]hlc.Timestamp)
		for _, f := range fields() {
			times[f] = s.when(f)
		}
		w.times = append(w.times, times)
		w.sources = append(w.sources, sources)
		effects[i] = effect{Changed: e.Write, Remark: s.remark()}
	}
	p.writes[e.Line] = w
	p.byRegion[r.name] = append(p.byRegion[r.name], w)
	return effects, nil
}

func (p *replay) receive(r *region, m moment, what receipt) []effect {
	r.seen = r.seen.Join(m.seen)
	effects := make([]effect, len(r.sites))
	for i, s := range r.sites {
		before := make(map[field]cell)
		for _, f := range fields() {
			before[f] = p.cell(i, s, f)
		}
		if x, ok := s.(explainer); ok {
			p.keep(i, what, x.explain(m.sites[i]))
		}
		s.receive(m.sites[i])
		effects[i].Remark = s.remark()
		for _, f := range fields() {
			mine, theirs, now := before[f], p.cell(i, m.sites[i], f), p.cell(i, s, f)
			if now.value != mine.value {
				effects[i].Changed = append(effects[i].Changed, edit{f, now.value})
			}
			lost := mine
			if now.source == mine.source {
				lost = theirs
			}
			if c, ok := p.contest(f, now, lost); ok {
				effects[i].Contests = append(effects[i].Contests, c)
			}
		}
	}
	return effects
}

// keep keeps a report of strategy i in which a value of one region gave way to
// another region's.
func (p *replay) keep(i int, what receipt, report merge.Report) {
	for change, loser := range report.Lost() {
		if change.Candidates[0].Stamp.Replica != loser.Stamp.Replica {
			what.Report = report
			p.receipts[i] = append(p.receipts[i], what)
			return
		}
	}
}

// contest returns the decision for won over lost. It is none if they are the
// same, or if the winner had seen the loser and so replaced it knowingly.
func (p *replay) contest(f field, won, lost cell) (contest, bool) {
	if lost.source == 0 || lost.source == won.source || lost.value == won.value {
		return contest{}, false
	}
	c := contest{f, lost.source, lost.version, won.version, p.compare(lost.source, won.version)}
	return c, c.Order != vclock.Before.String()
}

// compare returns the order of the writes on lines a and b.
func (p *replay) compare(a, b int) string {
	return p.writes[a].seen.Compare(p.writes[b].seen).String()
}

// finish lets each region receive the last state of every other, in the order of
// their names, and returns the effects by strategy.
func (p *replay) finish() [][]effect {
	var last []moment
	for _, name := range p.names() {
		r := p.regions[name]
		last = append(last, r.sent[len(r.sent)-1])
	}
	all := make([][]effect, len(p.strategies))
	names := p.names()
	for i, name := range names {
		for j, m := range last {
			if i == j {
				continue
			}
			for k, e := range p.receive(p.regions[name], m, receipt{Region: name, From: names[j]}) {
				all[k] = append(all[k], e)
			}
		}
	}
	return all
}

func (p *replay) names() []vclock.Replica { return slices.Sorted(maps.Keys(p.regions)) }

// cell returns what site s holds of f under strategy i.
func (p *replay) cell(i int, s site, f field) cell {
	profile := s.profile()
	c := cell{value: *profile.at(f), version: s.version(f)}
	if c.version != 0 {
		c.source = p.writes[c.version].sources[i][f]
	}
	return c
}

// A span is a run of writes of one region.
type span struct {
	Region vclock.Replica `json:"region"`
	First  int            `json:"first"` // line
	Last   int            `json:"last"`  // line
	Writes int            `json:"writes"`
}

// concurrent returns the writes that are concurrent with w. As the clocks of a
// region's writes grow, those are at most one span per region: from the first
// that w had not seen to the last that had not seen w.
func (p *replay) concurrent(w *write) []span {
	var spans []span
	for _, name := range p.names() {
		if name == w.Region {
			continue
		}
		ws := p.byRegion[name][w.seen.At(name):] // a write's number is its place
		n := sort.Search(len(ws), func(i int) bool { return ws[i].seen.At(w.Region) >= w.seen.At(w.Region) })
		if n > 0 {
			spans = append(spans, span{name, ws[0].Line, ws[n-1].Line, n})
		}
	}
	return spans
}

// sets reports whether w sets f.
func (w *write) sets(f field) bool {
	return slices.ContainsFunc(w.Write, func(e edit) bool { return e.Field == f })
}

// value returns what w sets f to.
func (w *write) value(f field) string {
	return w.Write[slices.IndexFunc(w.Write, func(e edit) bool { return e.Field == f })].Value
}

// keep remembers what r holds after line.
func (r *region) keep(line int) {
	m := moment{line: line, seen: r.seen}
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
