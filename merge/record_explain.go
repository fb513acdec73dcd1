package merge

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// Changed returns the paths of what merging o would change, in the order of the
// state, none exactly if [Record.Merge] would return false: those of fields,
// also if only the stamp changes, of elements and entries, and of rows that
// begin a new life, begin to be there without a field set, or move in a list.
// The empty path is the record itself, which a new horizon changes too.
func (r *Record[T]) Changed(o *Record[T]) []string { return r.state.changed(&o.state) }

func (r *recordState) changed(o *recordState) []string {
	var paths []string
	if o.plan != nil && (o.horizon > r.horizon || o.deleted > r.deleted) {
		paths = append(paths, "")
	}
	r.compare(o, func(d *difference) {
		if d.changes() && (d.path != "" || len(paths) == 0) {
			paths = append(paths, d.path)
		}
	})
	return paths
}

// Explain says what merging o, side 1, into r, side 0, would do now, or did, if
// r is a clone made before. It reports the fields, elements and entries that o
// holds and r does not hold the same way, also where r's stays, deleted rows
// with what that throws away, values left to a person, and what [Options.Check]
// says of the merged value. It is exact about stamps; a record does not know
// whether the writer of the winning value had seen the losing one.
func (r *Record[T]) Explain(o *Record[T]) Report { return r.state.explain(&o.state) }

func (r *recordState) explain(o *recordState) Report {
	rep, plan := Report{Changes: []Change{}}, cmp.Or(r.plan, o.plan)
	merged := r.compare(o, func(d *difference) {
		if c, ok := d.change(); ok {
			c.Pattern = plan.top.pattern(c.Path)
			rep.Changes = append(rep.Changes, c)
		}
	})
	rep.Check = merged.checkText()
	return rep
}

// A difference is a field, an element, an entry or a row that two records do
// not hold alike. What is not there is nil.
type difference struct {
	path                 string
	part                 *recordPart // nil for a field that the plan does not know
	member               *field      // of a group
	orders               *listOrders // not nil if it is about where an element stands
	whole                bool        // it is about a part of what was assigned as a whole
	ours, theirs, merged *cell.Cell
}

// changes reports whether merging changes what is ours.
func (d *difference) changes() bool {
	if d.ours == nil || d.merged == nil {
		return d.ours != d.merged
	}
	return !d.ours.Same(d.merged)
}

// compare calls visit for each difference between r and o, and returns what
// merging makes of them.
func (r *recordState) compare(o *recordState, visit func(*difference)) *recordState {
	merged := new(recordState)
	*merged = *r
	merged.merge(o)
	if o.plan == nil {
		return merged
	}
	ours := r.root
	ours.Kind = cell.Row // which that of a zero Record lacks
	compareRows(merged.plan.top, "", &ours, &o.root, &merged.root, nil, visit)
	return merged
}

// compareRows compares two versions of a row: as wholes if their lives differ, one is
// kept and deleted, what is assigned later does not have it, or no field differs, else by
// fields. Orders are those of the list that the row is an element of, nil for other rows.
func compareRows(p *recordPart, path string, ours, theirs, merged *cell.Cell, orders *listOrders, visit func(*difference)) {
	whole := difference{path: path, part: p, ours: ours, theirs: theirs, merged: merged}
	isKept, isThere := ours.LastDelete() != nil || theirs.LastDelete() != nil, ours.Present() && theirs.Present() && merged.Present()
	if cell.CompareLives(ours.Life(), theirs.Life()) != 0 || merged == nil || isKept && !isThere || !merged.Live && (ours.Present() || theirs.Present()) {
		visit(&whole)
		return
	}
	if isKept { // what a delete had seen is not about the field
		ours, theirs, merged = ours.Unmarked(), theirs.Unmarked(), merged.Unmarked()
	}
	told, unknown := false, false // by fields that the plan knows, and others
	tell := func(d *difference) {
		told = told || d.part != nil && d.changes()
		unknown = unknown || d.part == nil
		visit(d)
	}
	var last *recordPart
	var groups []*recordPart
	cell.EachKid(ours, theirs, merged, func(a, b, m *cell.Cell) {
		switch k := cell.FirstOf(a, b); {
		case k.Kind != cell.Placed:
			q := p.rows().about(k.Key)
			if q == nil || !q.reads(k) {
				compareField(p.rows(), value.JoinPath(path, k.Key), a, b, m, tell)
				for _, k := range append(p.rows().ungrouped(ours.AllKids()), p.rows().ungrouped(theirs.AllKids())...) {
					q := p.rows().partOf(k.Key)
					if q == nil || slices.Contains(groups, q) {
						continue
					}
					groups = append(groups, q)
					if x, y := q.find(ours.AllKids()), q.find(theirs.AllKids()); differ(x, y) {
						compareField(p.rows(), value.JoinPath(path, q.key), x, y, q.find(merged.Kids), tell)
					}
				}
				return
			}
			x, y, z := q.find(ours.AllKids()), q.find(theirs.AllKids()), q.find(merged.Kids)
			if (&difference{ours: a, merged: m}).changes() && !(&difference{ours: x, merged: z}).changes() {
				tell(&difference{path: value.JoinPath(path, k.Key), ours: a, theirs: b, merged: m}) // nothing that shows
			}
			if q == last || slices.Contains(groups, q) {
				return // several cells are read for it
			}
			if last = q; q.group != nil { // whose members are anywhere
				groups = append(groups, q)
			}
			if differ(x, y) {
				compareField(p.rows(), value.JoinPath(path, q.key), x, y, z, q.tellingWhole(merged, tell))
			}
		case a != nil && b != nil && m != nil && orders != nil:
			tell(&difference{path: path, part: p, orders: orders.of(merged), ours: a, theirs: b, merged: m})
		}
	})
	for i := range merged.Kids { // a count that was over on our side, until theirs was assigned
		k := &merged.Kids[i]
		if q := p.rows().part(k); q != nil && ours.Like(k) == nil && theirs.Like(k) == nil {
			compareField(p.rows(), value.JoinPath(path, q.key), nil, nil, k, func(d *difference) { d.whole = true; tell(d) })
		}
	}
	if !told && whole.changes() && (!unknown || ours.Present() != merged.Present()) {
		visit(&whole)
	}
}

// differ reports whether two cells, each of which may be nil, are not the same.
func differ(a, b *cell.Cell) bool { return a != b && (a == nil || b == nil || !a.Same(b)) }

// tellingWhole returns tell for what p has in a row, from which it may be missing because the
// whole was assigned without it.
func (p *recordPart) tellingWhole(row *cell.Cell, tell func(*difference)) func(*difference) {
	if p.group != nil {
		return tell
	}
	if _, whole := p.cells(row.Kids); whole == nil {
		return tell
	}
	return func(d *difference) {
		d.whole = true
		tell(d)
	}
}

func compareField(w *recordRow, path string, a, b, m *cell.Cell, visit func(*difference)) {
	p := w.part(cell.FirstOf(a, b, m))
	switch {
	case p == nil:
		visit(&difference{path: path, ours: a, theirs: b, merged: m})
	case p.kind == cell.Row:
		compareRows(p, path, a, b, m, nil, visit)
	case p.kind == cell.Rows:
		var orders *listOrders
		if p.f.class == classKeyed {
			orders = &listOrders{lists: [3]*cell.Cell{a, b, m}}
		}
		cell.EachKid(a, b, m, func(a, b, m *cell.Cell) {
			compareRows(p, value.JoinPath(path, p.keyText(cell.FirstOf(a, b).Key)), a, b, m, orders, visit)
		})
	case p.kind == cell.Set || p.kind == cell.Union || p.kind == cell.Table:
		cell.EachKid(a, b, m, func(a, b, m *cell.Cell) {
			visit(&difference{path: value.JoinPath(path, p.keyText(cell.FirstOf(a, b).Key)), part: p, ours: a, theirs: b, merged: m})
		})
	case p.group != nil:
		prefix := path[:len(path)-len(p.key)]
		oneByOne := len(a.AllKids())+len(b.AllKids())+len(m.AllKids()) > 0
		for _, f := range p.group {
			d := difference{path: prefix + f.name, part: p, member: f, ours: f.member(a, oneByOne), theirs: f.member(b, oneByOne), merged: f.member(m, oneByOne)}
			if !oneByOne || differ(d.ours, d.theirs) {
				visit(&d)
			}
		}
	default:
		visit(&difference{path: path, part: p, ours: a, theirs: b, merged: m})
	}
}

// value returns what one side of d holds.
func (d *difference) value(c *cell.Cell) any {
	if d.member == nil || c == nil {
		return d.part.valueOf(c)
	}
	v := reflect.New(d.member.typ).Elem()
	cell.EachMember(c.Value, func(name, content string) {
		if name == d.member.name {
			d.member.decodeMember(v, content)
		}
	})
	return v.Interface()
}

// change returns d as a line of a report; false if o holds nothing that r would
// take or throw away.
func (d *difference) change() (Change, bool) {
	if d.theirs == nil && d.merged != nil && (!d.whole || !differ(d.merged, d.ours)) || d.part == nil {
		return Change{}, false
	}
	if d.orders != nil {
		return d.moved(), true
	}
	c := Change{Path: d.path, Rule: d.rule(), Winner: -1, Result: d.value(d.merged)}
	for i, side := range []*cell.Cell{d.ours, d.theirs} {
		if side == nil || side.Kind == cell.Row && !side.Live && side.Began().IsZero() {
			continue
		}
		c.Candidates = append(c.Candidates, Candidate{Side: i, Stamp: d.stamp(side), Value: d.value(side)})
		if d.merged != nil && (d.merged.Same(side) || d.merged.LastDelete() != nil && d.ours.Present() != d.theirs.Present() && side.Present() == d.merged.Present()) {
			c.Winner = i
		}
	}
	d.decide(&c)
	slices.SortStableFunc(c.Candidates, func(a, b Candidate) int { return b.Stamp.Compare(a.Stamp) })
	return c, true
}

// listOrders are the orders of a list in two records and in what merging makes of
// them, read when somebody asks.
type listOrders struct {
	lists [3]*cell.Cell
	index [3]map[string]Place
	key   string // of the element that is asked for
}

// of returns o for questions about an element.
func (o *listOrders) of(row *cell.Cell) *listOrders {
	o.key = row.Key
	return o
}

// place returns where the element stands in one of the lists.
func (o *listOrders) place(i int) any {
	if o.index[i] == nil {
		o.index[i] = map[string]Place{}
		for at, e := range inOrder(o.lists[i], nil) {
			o.index[i][e.row.Key] = Place(at)
		}
	}
	if at, ok := o.index[i][o.key]; ok {
		return at
	}
	return Absent{}
}

// moved returns a line about an element that the two sides put at two places.
func (d *difference) moved() Change {
	c := Change{
		Path: d.path, Rule: d.rule(), Winner: 0, Outcome: Chosen, Result: d.orders.place(2),
		Candidates: []Candidate{
			{Side: 0, Stamp: d.ours.Stamp, Value: d.orders.place(0), Lost: true},
			{Side: 1, Stamp: d.theirs.Stamp, Value: d.orders.place(1), Lost: true},
		},
	}
	if d.merged.Same(d.theirs) {
		c.Winner = 1
	}
	c.Candidates[c.Winner].Lost = false
	d.by(&c)
	slices.SortStableFunc(c.Candidates, func(a, b Candidate) int { return b.Stamp.Compare(a.Stamp) })
	return c
}

// stamp returns the stamp that one side of d goes by.
func (d *difference) stamp(c *cell.Cell) lww.Stamp {
	if s := d.part.shown(c); s != nil && c.Kind.IsField() && c.Kind != cell.Row {
		return s.Newest()
	}
	return c.Newest()
}

func (d *difference) rule() string {
	if d.part.f == nil {
		return ruleFields.usage()
	}
	return d.part.f.rule.String()
}

// decide fills in what came of the candidates, and why.
func (d *difference) decide(c *Change) {
	if c.Outcome = Taken; d.part.kind != cell.Row && d.merged != nil && d.merged.Kind.IsField() {
		c.Reason = d.part.doubt(d.merged)
	}
	if c.Reason != "" {
		c.Outcome, c.Winner = Undecided, -1
		return
	}
	if d.merged == nil || d.whole && c.Winner < 0 && c.Result == any(Absent{}) {
		c.Outcome, c.Reason = Chosen, "at or below the horizon"
		if d.whole {
			c.Reason = "not in what was assigned later"
		}
		for i := range c.Candidates {
			c.Candidates[i].Lost = c.Candidates[i].Value != any(Absent{})
		}
		return
	}
	switch {
	case len(c.Candidates) == 0:
		c.Outcome, c.Reason, c.Candidates = Combined, "which neither side showed", []Candidate{}
		return
	case len(c.Candidates) < 2:
		return
	case c.Winner < 0 && d.merged.IsGone():
		c.Outcome, c.Reason = Chosen, "all of it was seen by one of those who deleted it"
		for i := range c.Candidates {
			c.Candidates[i].Lost = c.Candidates[i].Value != any(Absent{})
		}
		return
	case c.Winner < 0:
		if c.Outcome = Combined; d.merged.Kind == cell.Row && reflect.DeepEqual(c.Candidates[0].Value, c.Candidates[1].Value) ||
			d.merged.Kind == cell.Manual { // or it were undecided
			c.Outcome = Same
		}
		return
	}
	c.Outcome = Chosen
	win, lose := &c.Candidates[c.Winner], &c.Candidates[1-c.Winner]
	if reflect.DeepEqual(win.Value, lose.Value) {
		c.Outcome = Same
		return
	}
	if lose.Lost = lose.Value != any(Absent{}); !lose.Lost && d.merged.LastDelete() != nil {
		c.Reason = "changed by somebody who had not seen the delete"
	}
	d.by(c)
}

// by says what set the winner of c, one of two candidates, apart.
func (d *difference) by(c *Change) {
	win, lose := &c.Candidates[c.Winner], &c.Candidates[1-c.Winner]
	switch later := win.Stamp.Compare(lose.Stamp); {
	case d.byValue(later):
		c.By = ByValue
	case win.Stamp.Time != lose.Stamp.Time:
		c.By = ByTime
		c.Margin = time.Duration(win.Stamp.Time) - time.Duration(lose.Stamp.Time)
		if c.Margin < 0 {
			c.Margin = -c.Margin
		}
	case later != 0:
		c.By = ByReplica
	default:
		c.By = ByBytes
	}
}

// byValue reports whether the rule preferred the winner for its value, which
// is later than the loser if later is positive.
func (d *difference) byValue(later int) bool {
	switch d.merged.Kind {
	case cell.Row: // the later life, whatever was written in the other
		return cell.CompareLives(d.ours.Life(), d.theirs.Life()) != 0 || d.merged.Live
	case cell.Max, cell.Min:
		return d.ours.Value != d.theirs.Value
	case cell.Choice:
		return later < 0 || d.part.f.rule.custom == nil || d.part.differ(d.ours, d.theirs)
	case cell.Register, cell.First, cell.Immutable, cell.State, cell.Totals, cell.Manual, cell.Union, cell.Set, cell.Table, cell.Rows, cell.Placed,
		cell.Sums, cell.Deleted, cell.Fact, cell.Option, cell.Version, cell.Seen, cell.Total, cell.Replica, cell.Sibling, cell.Member, cell.Element, cell.Entry,
		cell.Sum:
	}
	return false
}

// differ reports whether a custom rule prefers one of two values.
func (p *recordPart) differ(a, b *cell.Cell) bool {
	x, y := p.shown(a), p.shown(b)
	if x == nil || y == nil {
		return false
	}
	v, w := reflect.New(p.f.typ).Elem(), reflect.New(p.f.typ).Elem()
	p.decode(v, x.Key)
	p.decode(w, y.Key)
	return p.f.rule.custom.compare(v, w) != 0
}
