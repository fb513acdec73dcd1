package merge

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// Changed returns the paths of what merging o would change; there are none
// exactly if [Record.Merge] would return false. They are those of fields,
// elements and entries, and of rows that begin a new life or begin to be there
// without a field set, or whose place in a list changes. The empty path is the
// record itself, which a new horizon changes too. A field counts whose stamp
// changes though its value does not. The paths are in the order of the state.
func (r *Record[T]) Changed(o *Record[T]) []string {
	var paths []string
	if o.plan != nil && o.horizon > r.horizon {
		paths = append(paths, "")
	}
	r.compare(o, func(d *difference) {
		if d.changes() && (d.path != "" || len(paths) == 0) {
			paths = append(paths, d.path)
		}
	})
	return paths
}

// Explain says what merging o does: what it would do if it were done now, or,
// asked of a clone made before, what it did. Side 0 is r and side 1 is o. The
// report has the fields, elements and entries that o holds and r does not hold
// the same way, also where r's stays, and rows that were deleted on either side
// with what that throws away. It is exact about stamps; whether the writer of
// the winning value had seen the losing one is not known to a record.
//
// A value left to a person, and what [Options.Check] says of the merged value,
// are in the report too.
func (r *Record[T]) Explain(o *Record[T]) Report {
	rep, plan := Report{Changes: []Change{}}, cmp.Or(r.plan, o.plan)
	merged := r.compare(o, func(d *difference) {
		if c, ok := d.change(); ok {
			c.Pattern = plan.record.pattern(c.Path)
			rep.Changes = append(rep.Changes, c)
		}
	})
	rep.Check = merged.checkText()
	return rep
}

// Check reports what a person should know of the value: that a field with rule
// immutable was set twice or one with rule manual has several values, that a
// sum does not fit its type, that a value is of a type or rank which the plan
// does not know, and what [Options.Check] says. The error is a
// [*ConflictError].
//
// Check never changes the record: what it finds is repaired by a write. Fields
// that have to agree belong in one group.
func (r *Record[T]) Check() error {
	if r.plan == nil || !r.root.live {
		return nil
	}
	var rep Report
	walkRecord(r.plan.record.elem, r.root.kids, "", func(path string, p *recordPart, c *cell) {
		if reason := p.doubt(c); reason != "" {
			change := Change{
				Path: path, Pattern: r.plan.record.pattern(path), Rule: p.f.rule.String(),
				Outcome: Undecided, Winner: -1, Reason: reason, Result: p.valueOf(c),
			}
			for i, v := range p.values(c) {
				change.Candidates = append(change.Candidates, Candidate{Side: i, Stamp: v.newest(), Value: p.read(v.content())})
			}
			rep.Changes = append(rep.Changes, change)
		}
	})
	if rep.Check = r.checkText(); rep.Check == "" && len(rep.Changes) == 0 {
		return nil
	}
	return &ConflictError{Report: rep}
}

// checkText returns what Options.Check says of the value.
func (r *Record[T]) checkText() string {
	if r.plan == nil || r.plan.check == nil || !r.root.live {
		return ""
	}
	v, _ := r.Value()
	if err := r.plan.check(&v); err != nil {
		return err.Error()
	}
	return ""
}

// walkRecord calls visit for every leaf that the plan knows and kids hold.
func walkRecord(w *recordRow, kids []cell, prefix string, visit func(path string, p *recordPart, c *cell)) {
	for _, p := range w.parts {
		c := p.find(kids)
		path := value.JoinPath(prefix, p.key)
		switch {
		case c == nil:
		case p.kind == cellRow:
			walkRecord(p.elem, c.kids, path, visit)
		case p.kind == cellRows:
			for i := range c.kids {
				walkRecord(p.elem, c.kids[i].kids, value.JoinPath(path, p.keyText(c.kids[i].key)), visit)
			}
		default:
			visit(path, p, c)
		}
	}
}

// values returns the cells of the values that c, a leaf, holds beside each
// other.
func (p *recordPart) values(c *cell) []cell {
	switch p.kind {
	case cellManual:
		return slices.Collect(siblings(c))
	case cellImmutable, cellChoice, cellState:
		return c.kids
	default:
		return nil
	}
}

// doubt says what a person should know of a leaf, or nothing.
func (p *recordPart) doubt(c *cell) string {
	switch n := len(p.values(c)); {
	case p.kind == cellImmutable && n > 1:
		return "an immutable value was set twice"
	case p.kind == cellManual && !alike(p.values(c)):
		return "the sides differ"
	case p.kind == cellTotals && !fits(reflect.New(p.f.typ).Elem(), total(c)):
		return "the sum of all changes does not fit the type"
	case p.kind == cellChoice && (n > 1 || p.shown(c) == nil):
		return "a value is not in the rank"
	case p.kind == cellState && (n > 1 || p.shown(c) == nil), p.kind.isRegister() && p.group == nil && !p.understands(c.value):
		return "a value is of another type"
	}
	return ""
}

// alike reports whether siblings all have one value.
func alike(siblings []cell) bool {
	return !slices.ContainsFunc(siblings, func(s cell) bool { return s.value != siblings[0].value })
}

// read returns the value that content encodes, nil if it is of another type.
func (p *recordPart) read(content string) any {
	v := reflect.New(p.f.typ).Elem()
	if !p.decode(v, content) {
		return nil
	}
	return v.Interface()
}

// value1 returns the value of a leaf, an element, an entry or a row.
func (p *recordPart) valueOf(c *cell) any {
	switch {
	case c == nil:
		return Absent{}
	case c.kind == cellRow:
		if !c.live {
			return Absent{}
		}
		v := reflect.New(p.elem.row.typ).Elem()
		p.elem.fill(v, c.kids)
		return v.Interface()
	case c.kind == cellMember || c.kind == cellElement && c.live:
		v := reflect.New(p.f.key.Go).Elem()
		p.f.key.Load(v, c.key)
		return v.Interface()
	case c.kind == cellEntry && c.live:
		v := reflect.New(p.value.Go).Elem()
		p.value.Load(v, c.value)
		return v.Interface()
	case c.kind == cellElement || c.kind == cellEntry:
		return Absent{}
	}
	v := reflect.New(p.f.typ).Elem()
	p.fill(v, c)
	return v.Interface()
}

// A difference is a field, an element, an entry or a row that two records do
// not hold alike. What is not there is nil.
type difference struct {
	path                 string
	part                 *recordPart // nil for a field that the plan does not know
	member               *field      // of a group
	place                bool        // of a row: only where it stands differs
	ours, theirs, merged *cell
}

// changes reports whether merging changes what is ours.
func (d *difference) changes() bool {
	if d.ours == nil || d.merged == nil {
		return d.ours != d.merged
	}
	return !d.ours.same(d.merged)
}

// compare calls visit for each difference between r and o, and returns what
// merging makes of them.
func (r *Record[T]) compare(o *Record[T], visit func(*difference)) *Record[T] {
	merged := r.Clone()
	merged.Merge(o)
	if o.plan == nil {
		return merged
	}
	ours := r.root
	ours.kind = cellRow // which that of a zero Record lacks
	compareRows(merged.plan.record, "", &ours, &o.root, &merged.root, visit)
	return merged
}

// compareRows compares two versions of a row: as wholes if their lives differ
// or no field does, else by fields.
func compareRows(p *recordPart, path string, ours, theirs, merged *cell, visit func(*difference)) {
	if ours.life() != theirs.life() || merged == nil {
		visit(&difference{path: path, part: p, ours: ours, theirs: theirs, merged: merged})
		return
	}
	told := false
	eachKid(ours, theirs, merged, func(a, b, m *cell) {
		if k := firstOf(a, b); k.key != positionKey {
			compareField(p.rows(), value.JoinPath(path, k.key), a, b, m, func(d *difference) {
				told = told || d.changes()
				visit(d)
			})
		}
	})
	if d := (difference{path: path, part: p, ours: ours, theirs: theirs, merged: merged}); !told && d.changes() {
		d.place = ours.present() == merged.present()
		visit(&d)
	}
}

func (c *cell) present() bool { return c != nil && c.live }

func firstOf(cells ...*cell) *cell {
	for _, c := range cells {
		if c != nil {
			return c
		}
	}
	return nil
}

// eachKid calls visit for each kid that a and b do not hold alike.
func eachKid(a, b, merged *cell, visit func(a, b, m *cell)) {
	var as, bs []cell
	if a != nil {
		as = a.kids
	}
	if b != nil {
		bs = b.kids
	}
	for len(as) > 0 || len(bs) > 0 {
		var x, y *cell
		n := orderHeads(as, bs)
		if n <= 0 {
			x, as = &as[0], as[1:]
		}
		if n >= 0 {
			y, bs = &bs[0], bs[1:]
		}
		if x == nil || y == nil || !x.same(y) {
			k := firstOf(x, y)
			visit(x, y, merged.like(k))
		}
	}
}

func compareField(w *recordRow, path string, a, b, m *cell, visit func(*difference)) {
	k := firstOf(a, b)
	p := w.part(k)
	switch {
	case p == nil:
		visit(&difference{path: path, ours: a, theirs: b, merged: m})
	case p.kind == cellRow:
		compareRows(p, path, a, b, m, visit)
	case p.kind == cellRows:
		eachKid(a, b, m, func(a, b, m *cell) {
			compareRows(p, value.JoinPath(path, p.keyText(firstOf(a, b).key)), a, b, m, visit)
		})
	case p.kind == cellSet || p.kind == cellUnion || p.kind == cellTable:
		eachKid(a, b, m, func(a, b, m *cell) {
			visit(&difference{path: value.JoinPath(path, p.keyText(firstOf(a, b).key)), part: p, ours: a, theirs: b, merged: m})
		})
	case p.group != nil:
		prefix := path[:len(path)-len(p.key)]
		for _, f := range p.group {
			visit(&difference{path: prefix + f.name, part: p, member: f, ours: a, theirs: b, merged: m})
		}
	default:
		visit(&difference{path: path, part: p, ours: a, theirs: b, merged: m})
	}
}

// value returns what one side of d holds.
func (d *difference) value(c *cell) any {
	if d.member == nil || c == nil {
		return d.part.valueOf(c)
	}
	v := reflect.New(d.member.typ).Elem()
	eachMember(c.value, func(name, content string) {
		if name == d.member.name {
			d.member.decodeMember(v, content)
		}
	})
	return v.Interface()
}

// change returns d as a line of a report; false if o holds nothing that r would
// take or throw away.
func (d *difference) change() (Change, bool) {
	if d.theirs == nil && d.merged != nil || d.part == nil || d.place {
		return Change{}, false
	}
	c := Change{Path: d.path, Rule: d.rule(), Winner: -1, Result: d.value(d.merged)}
	for i, side := range []*cell{d.ours, d.theirs} {
		if side == nil || side.kind == cellRow && !side.live && side.stamp.IsZero() {
			continue
		}
		c.Candidates = append(c.Candidates, Candidate{Side: i, Stamp: d.stamp(side), Value: d.value(side)})
		if d.merged != nil && d.merged.same(side) {
			c.Winner = i
		}
	}
	d.decide(&c)
	slices.SortStableFunc(c.Candidates, func(a, b Candidate) int { return b.Stamp.Compare(a.Stamp) })
	return c, true
}

// stamp returns the stamp that one side of d goes by.
func (d *difference) stamp(c *cell) lww.Stamp {
	if s := d.part.shown(c); s != nil && c.kind.isField() && c.kind != cellRow {
		return s.newest()
	}
	return c.newest()
}

func (d *difference) rule() string {
	if d.part.f == nil {
		return ruleFields.usage()
	}
	return d.part.f.rule.String()
}

// decide fills in what came of the candidates, and why.
func (d *difference) decide(c *Change) {
	if c.Outcome = Taken; d.part.kind != cellRow && d.merged != nil && d.merged.kind.isField() {
		c.Reason = d.part.doubt(d.merged)
	}
	if c.Reason != "" {
		c.Outcome, c.Winner = Undecided, -1
		return
	}
	if d.merged == nil {
		c.Outcome, c.Reason = Chosen, "at or below the horizon"
		for i := range c.Candidates {
			c.Candidates[i].Lost = c.Candidates[i].Value != any(Absent{})
		}
		return
	}
	switch {
	case len(c.Candidates) < 2:
		return
	case c.Winner < 0:
		if c.Outcome = Combined; d.merged.kind == cellManual { // or it were undecided
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
	lose.Lost = lose.Value != any(Absent{})
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
	switch d.merged.kind {
	case cellRow: // the later life, whatever was written in the other
		return true
	case cellMax, cellMin:
		return d.ours.value != d.theirs.value
	case cellChoice:
		return later <= 0 || d.part.f.rule.custom == nil || d.part.differ(d.ours, d.theirs)
	default:
		return false
	}
}

// differ reports whether a custom rule prefers one of two values.
func (p *recordPart) differ(a, b *cell) bool {
	x, y := p.shown(a), p.shown(b)
	if x == nil || y == nil {
		return false
	}
	v, w := reflect.New(p.f.typ).Elem(), reflect.New(p.f.typ).Elem()
	p.decode(v, x.key)
	p.decode(w, y.key)
	return p.f.rule.custom.compare(v, w) != 0
}
