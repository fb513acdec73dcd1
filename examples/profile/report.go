package main

import (
	"maps"
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/vclock"
)

// A report is what a log leads to. Its JSON form is what -json prints.
type report struct {
	Regions  []vclock.Replica `json:"regions"`
	Events   []eventReport    `json:"events"`
	Fields   []fieldReport    `json:"fields"`
	Outcomes []outcome        `json:"outcomes"` // one per strategy

	writes map[int]*write
}

// An eventReport is an event and what it changed in its region.
type eventReport struct {
	Line    int            `json:"line"`
	Region  vclock.Replica `json:"region"`
	Clock   time.Time      `json:"clock"`
	Write   edits          `json:"write,omitempty"`
	Receive vclock.Replica `json:"receive,omitempty"`
	Sent    int            `json:"sent,omitempty"`
	Step    string         `json:"step,omitempty"`

	// For a write: the writes that its region had seen, this one included, and those
	// that are concurrent with it.
	Seen       *vclock.Clock `json:"seen,omitempty"`
	Concurrent []span        `json:"concurrent,omitempty"`

	Effects []effect `json:"effects"` // one per strategy
}

// A fieldReport is what vclock knows of the edits of one field.
type fieldReport struct {
	Field field `json:"field"`
	Lines []int `json:"lines"` // of its edits

	// Heads are the lines of the edits that no other edit of the field had seen.
	// There is a conflict if they are two or more.
	Heads []int `json:"heads"`
}

// An outcome is where a strategy ends once every region has heard all others.
type outcome struct {
	Strategy string                     `json:"strategy"`
	Agreed   bool                       `json:"agreed"` // whether all regions hold the same
	Profiles map[vclock.Replica]Profile `json:"profiles"`
	Lost     []verdict                  `json:"lost"`     // edits that nobody who had seen them replaced
	Replaced []verdict                  `json:"replaced"` // edits that gave way to one by another region that had seen them

	// Reports are what the strategy itself can say of the states in which a value of
	// one region gave way to another region's, whether that had seen it or not.
	Reports []receipt `json:"reports,omitempty"`

	strategy strategy
}

// A verdict says to which write some edits of another gave way, and why.
type verdict struct {
	Edits  edits          `json:"edits"`
	Line   int            `json:"line"`
	Region vclock.Replica `json:"region"`

	Winner struct {
		Line   int            `json:"line"`
		Region vclock.Replica `json:"region"`
	} `json:"winner"`
	Key    string `json:"key"`    // what was compared
	Margin string `json:"margin"` // by how much the winner's is greater
	Order  string `json:"order"`  // of the edits to the winner

	over   int // line of the write that spoke for the edits
	margin time.Duration
}

// run replays events under the given strategies.
func run(events []event, s []strategy) (*report, error) {
	p := newReplay(s)
	rep := &report{writes: p.writes}
	contests := make([][]contest, len(s)) // by strategy, in the order of the log
	for _, e := range events {
		effects, err := p.play(e)
		if err != nil {
			return nil, err
		}
		rep.Events = append(rep.Events, reportEvent(e, effects))
		for i := range s {
			contests[i] = append(contests[i], effects[i].Contests...)
		}
	}
	for i, effects := range p.finish() {
		for _, e := range effects {
			contests[i] = append(contests[i], e.Contests...)
		}
	}
	rep.Regions = p.names()
	for i := range rep.Events {
		if w := p.writes[rep.Events[i].Line]; w != nil {
			rep.Events[i].Seen, rep.Events[i].Concurrent = &w.seen, p.concurrent(w)
		}
	}
	for _, f := range fields() {
		if r := p.reportField(f); len(r.Lines) > 0 {
			rep.Fields = append(rep.Fields, r)
		}
	}
	for i := range s {
		rep.Outcomes = append(rep.Outcomes, p.outcome(i, rep.Fields, contests[i]))
	}
	return rep, nil
}

func reportEvent(e event, effects []effect) eventReport {
	r := eventReport{
		Line: e.Line, Region: e.Region, Clock: e.Clock,
		Write: e.Write, Receive: e.Receive, Sent: e.Sent,
		Effects: effects,
	}
	if e.Step != 0 {
		r.Step = e.Step.String()
	}
	return r
}

// lastEdits returns the last edit of f in each region that has one, by name of
// the region. A region has seen its own edits, so no other one can be a head.
func (p *replay) lastEdits(f field) []*write {
	var last []*write
	for _, name := range p.names() {
		for _, w := range slices.Backward(p.byRegion[name]) {
			if w.sets(f) {
				last = append(last, w)
				break
			}
		}
	}
	return last
}

func (p *replay) reportField(f field) fieldReport {
	r := fieldReport{Field: f}
	for line, w := range p.writes {
		if w.sets(f) {
			r.Lines = append(r.Lines, line)
		}
	}
	last := p.lastEdits(f)
	for _, w := range last {
		seen := func(v *write) bool { return w.seen.Compare(v.seen) == vclock.Before }
		if !slices.ContainsFunc(last, seen) {
			r.Heads = append(r.Heads, w.Line)
		}
	}
	slices.Sort(r.Lines)
	slices.Sort(r.Heads)
	return r
}

// outcome reports where strategy i ends, given what it decided on the way.
func (p *replay) outcome(i int, fs []fieldReport, contests []contest) outcome {
	o := outcome{
		Strategy: p.strategies[i].Name,
		Agreed:   true,
		Profiles: make(map[vclock.Replica]Profile),
		Lost:     []verdict{},
		Replaced: []verdict{},
		Reports:  p.receipts[i],
		strategy: p.strategies[i],
	}
	names := p.names()
	for _, name := range names {
		o.Profiles[name] = p.regions[name].sites[i].profile()
		o.Agreed = o.Agreed && o.Profiles[name] == o.Profiles[names[0]]
	}
	for _, f := range fs {
		for _, w := range p.lastEdits(f.Field) {
			if slices.Contains(f.Heads, w.Line) {
				if c, ok := p.lost(i, f.Field, w, contests); ok {
					o.Lost = p.judge(i, o.Lost, c)
				}
			} else if c, ok := p.replaced(i, f.Field, w); ok {
				o.Replaced = p.judge(i, o.Replaced, c)
			}
		}
	}
	return o
}

// lost returns the contest in which the edit of f by w was lost, if there are
// regions that do not show it in the end.
func (p *replay) lost(i int, f field, w *write, contests []contest) (contest, bool) {
	value := w.value(f)
	shown := func(r *region) bool { return p.cell(i, r.sites[i], f).value == value }
	missing := false
	for r := range maps.Values(p.regions) {
		missing = missing || !shown(r)
	}
	n := slices.IndexFunc(contests, func(c contest) bool { return c.Field == f && c.Lost == w.Line })
	if !missing || n < 0 {
		return contest{}, false
	}
	return contests[n], true
}

// replaced returns the edit of f by w next to the one that readers see in its
// place, if that is another region's and had seen it.
func (p *replay) replaced(i int, f field, w *write) (contest, bool) {
	now := p.cell(i, p.regions[w.Region].sites[i], f)
	if now.source == 0 || now.source == w.Line || p.writes[now.source].Region == w.Region {
		return contest{}, false
	}
	c := contest{f, w.Line, w.Line, now.source, p.compare(w.Line, now.source)}
	return c, c.Order == vclock.Before.String()
}

// judge adds c to the verdicts vs. Those of one write against another are one.
func (p *replay) judge(i int, vs []verdict, c contest) []verdict {
	lost, won := p.writes[c.Lost], p.writes[c.Won]
	e := edit{c.Field, lost.value(c.Field)}
	margin := time.Duration(won.times[i][c.Field]) - time.Duration(p.writes[c.Over].times[i][c.Field])
	for n := range vs {
		if v := &vs[n]; v.Line == c.Lost && v.over == c.Over && v.Winner.Line == c.Won && v.margin == margin {
			v.Edits = append(v.Edits, e)
			return vs
		}
	}
	v := verdict{
		Edits: edits{e}, Line: lost.Line, Region: lost.Region,
		Key: p.strategies[i].Key, Margin: margin.String(), Order: c.Order,
		over: c.Over, margin: margin,
	}
	v.Winner.Line, v.Winner.Region = won.Line, won.Region
	return append(vs, v)
}
