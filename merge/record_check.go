package merge

import (
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// Check returns a [*ConflictError] of what a person should know of the value: a
// field with rule immutable was set twice or one with rule manual has several
// values; a sum does not fit its type; a value is of a type or rank that the
// plan does not know; another version of the program wrote a field later under
// another rule or type, so that it does not show; an additive field was
// assigned in between, so that changes may count twice; or [Options.Check]
// fails. A write repairs that, or [Record.Forget]. Fields that have to agree
// belong in one group.
func (r *Record[T]) Check() error { return r.state.checkAll() }

func (r *recordState) checkAll() error {
	if r.plan == nil || !r.root.Live {
		return nil
	}
	var e ConflictError
	rep := &e.Report
	walkRecord(r.plan.top.elem, r.root.Kids, "", func(path string, p *recordPart, c *cell.Cell) {
		p.eachUnreadable(path, c, func(path string, bad *value.ValueError) {
			if p.isKeyed() {
				rep.Changes = append(rep.Changes, r.undecided(path, p, bad.Error(), Absent{}))
			}
			bad.Key = path
			e.unreadable = append(e.unreadable, bad)
		})
		if reason := p.doubt(c); reason != "" {
			change := r.undecided(path, p, reason, p.valueOf(c))
			for i, v := range p.values(c) {
				change.Candidates = append(change.Candidates, Candidate{Side: i, Stamp: v.Newest(), Value: p.read(v.Content())})
			}
			rep.Changes = append(rep.Changes, change)
		}
	})
	r.plan.top.elem.eachTwin(r.root.Kids, "", func(path string, p *recordPart, c *cell.Cell, reason string) {
		result := any(Absent{})
		if c != nil {
			result = p.valueOf(c)
		}
		rep.Changes = append(rep.Changes, r.undecided(path, p, reason, result))
	})
	if rep.Check = r.checkText(); rep.Check == "" && len(rep.Changes) == 0 {
		return nil
	}
	return &e
}

// What Check says of a field that was also written under another rule or type.
const (
	twinReason  = "written later under another rule or type, which this program does not show"
	addedReason = "added to under another rule, which this program does not show: if it is to be additive again, it needs another name"
	againReason = "assigned under another rule after something was added to it, which may be counted twice: it needs another name"
)

// eachTwin visits the fields that w knows and that kids hold, too, in a form which w does not
// show and which is newer, or may show twice: c is what w shows of one, nil if nothing.
func (w *recordRow) eachTwin(kids []cell.Cell, prefix string, visit func(path string, p *recordPart, c *cell.Cell, reason string)) {
	for i := range kids {
		k := &kids[i]
		p := w.about(k.Key)
		if p == nil && (k.Kind.IsRegister() || k.Kind == cell.Row && k.Live) {
			w.eachPartOf(k, kids, prefix, visit)
		}
		if p == nil || !w.unknown(k) {
			continue
		}
		path, c := value.JoinPath(prefix, k.Key), p.find(kids)
		switch shown := p.reads(k); {
		case shown && p.adds() && slices.ContainsFunc(c.Kids, func(t cell.Cell) bool { return t.Stamp.Before(k.Stamp) }):
			visit(path, p, c, againReason)
		case shown:
		case !p.adds() && (k.Kind == cell.Totals || k.Kind == cell.Sums):
			visit(path, p, c, addedReason)
		case c == nil || c.Newest().Before(k.Newest()):
			visit(path, p, c, twinReason)
		}
	}
	for p, c := range w.each(kids) {
		path := value.JoinPath(prefix, p.key)
		if p.kind == cell.Row {
			if newest := w.newestBelow(p, kids); !newest.IsZero() && (c == nil || c.Newest().Before(newest)) {
				visit(path, p, c, twinReason)
			}
		}
		switch {
		case c == nil || p.kind == cell.Row && !c.Live:
		case p.kind == cell.Row:
			p.elem.eachTwin(c.Kids, path, visit)
		case p.kind == cell.Rows:
			for i := range c.Kids {
				if k := &c.Kids[i]; k.Live {
					p.elem.eachTwin(k.Kids, value.JoinPath(path, p.keyText(k.Key)), visit)
				}
			}
		}
	}
}

// newestBelow returns the newest stamp of what kids hold of the fields of p, a struct that a
// pointer leads to, where they are fields of the row: there was no pointer to it.
func (w *recordRow) newestBelow(p *recordPart, kids []cell.Cell) (newest lww.Stamp) {
	names := namesOf(p.key)
	for i := range kids {
		k := &kids[i]
		if of := namesOf(k.Key); len(of) > len(names) && slices.Equal(of[:len(names)], names) && w.unknown(k) && newest.Before(k.Newest()) {
			newest = k.Newest()
		}
	}
	return newest
}

// eachPartOf is eachTwin for k, which holds a struct, as one value or as what a pointer leads to, of
// which w has the fields one by one.
func (w *recordRow) eachPartOf(k *cell.Cell, kids []cell.Cell, prefix string, visit func(path string, p *recordPart, c *cell.Cell, reason string)) {
	names := namesOf(k.Key)
	for i := range w.paths {
		q := &w.paths[i]
		if q.member != nil || len(q.names) <= len(names) || !slices.Equal(q.names[:len(names)], names) {
			continue
		}
		if c := q.part.find(kids); c == nil || c.Newest().Before(k.Newest()) {
			visit(value.JoinPath(prefix, q.part.key), q.part, c, twinReason)
		}
	}
}

// undecided returns a line about what is at path in p.
func (r *recordState) undecided(path string, p *recordPart, reason string, result any) Change {
	return Change{
		Path: path, Pattern: r.plan.top.pattern(path), Rule: p.f.rule.String(),
		Outcome: Undecided, Winner: -1, Reason: reason, Result: result,
	}
}

// checkText returns what Options.Check says of the value.
func (r *recordState) checkText() string {
	if r.plan == nil || r.plan.check == nil || !r.root.Live {
		return ""
	}
	if err := r.plan.check(r.value()); err != nil {
		return err.Error()
	}
	return ""
}

// isKeyed reports whether p holds what is found by keys, or elements.
func (p *recordPart) isKeyed() bool {
	return p.kind == cell.Table || p.kind == cell.Rows || p.kind == cell.Set || p.kind == cell.Union
}

// walkRecord calls visit for every leaf, list and map that the plan knows and kids hold.
func walkRecord(w *recordRow, kids []cell.Cell, prefix string, visit func(path string, p *recordPart, c *cell.Cell)) {
	for _, p := range w.parts {
		c := p.find(kids)
		path := value.JoinPath(prefix, p.key)
		switch {
		case c == nil || p.kind == cell.Row && !c.Live:
		case p.kind == cell.Row:
			walkRecord(p.elem, c.Kids, path, visit)
		case p.kind == cell.Rows:
			visit(path, p, c)
			for i := range c.Kids {
				if k := &c.Kids[i]; k.Live {
					walkRecord(p.elem, k.Kids, value.JoinPath(path, p.keyText(k.Key)), visit)
				}
			}
		default:
			visit(path, p, c)
		}
	}
}

// values returns the cells of the values that c, a leaf, holds beside each
// other.
func (p *recordPart) values(c *cell.Cell) []cell.Cell {
	switch p.kind {
	case cell.Manual:
		return slices.Collect(cell.Siblings(c))
	case cell.Immutable, cell.Choice, cell.State:
		return c.Kids
	case cell.Register, cell.First, cell.Max, cell.Min, cell.Totals, cell.Union, cell.Set, cell.Table, cell.Rows, cell.Row, cell.Placed, cell.Sums, cell.Deleted,
		cell.Fact, cell.Option, cell.Version, cell.Seen, cell.Total, cell.Replica, cell.Sibling, cell.Member, cell.Element, cell.Entry, cell.Sum:
	}
	return nil
}

// doubt says what a person should know of a leaf, or nothing.
func (p *recordPart) doubt(c *cell.Cell) string {
	switch n := len(p.values(c)); {
	case p.kind == cell.Immutable && n > 1:
		return "an immutable value was set twice"
	case p.kind == cell.Manual && !alike(p.values(c)):
		return "the sides differ"
	case p.kind == cell.Totals && !fits(reflect.New(p.f.typ).Elem(), c.Sum()):
		return "the sum of all changes does not fit the type"
	case p.kind == cell.Sums && !p.sum(reflect.New(p.f.typ).Elem(), c):
		return "a value is of another type"
	case p.kind == cell.Choice && (n > 1 || p.shown(c) == nil):
		return "a value is not in the rank"
	case p.kind == cell.State && (n > 1 || p.shown(c) == nil):
		return "a value is of another type"
	}
	reason := ""
	p.eachUnreadable("", c, func(path string, bad *value.ValueError) {
		if reason == "" && !p.isKeyed() { // of which each entry has a line of its own
			reason = bad.Error()
			if p.group != nil {
				reason = path + ": " + reason
			}
		}
	})
	return reason
}

// eachUnreadable calls visit for each value in c, which is at a path, and for each key of what
// is there, that p knows and cannot read, with its path.
func (p *recordPart) eachUnreadable(path string, c *cell.Cell, visit func(path string, bad *value.ValueError)) {
	try := func(path string, f *field, content string) {
		if bad := f.load(f.blank(), content); bad != nil {
			visit(path, bad)
		}
	}
	if p.isKeyed() {
		key := reflect.New(p.f.key.Go).Elem()
		for i := range c.Kids {
			k := &c.Kids[i]
			if key.SetZero(); (k.Live || p.kind == cell.Union) && !p.f.key.Load(key, k.Key) {
				visit(value.JoinPath(path, p.keyText(k.Key)), &value.ValueError{Stored: "bytes of no such key", Wanted: p.f.key.Go.String()})
			}
		}
	}
	switch {
	case p.group != nil:
		row := strings.TrimSuffix(path, p.key)
		cell.EachMember(c.Value, func(name, content string) {
			if f := p.member(name); f != nil && content[0] == byte(f.code) {
				try(row+name, f, content[1:])
			}
		})
	case p.kind == cell.Table:
		for i := range c.Kids {
			if k := &c.Kids[i]; k.Live {
				try(value.JoinPath(path, p.keyText(k.Key)), p.entry, k.Value)
			}
		}
	case p.kind == cell.State || p.kind == cell.Choice:
		for i := range c.Kids {
			try(path, p.f, c.Kids[i].Key)
		}
	case p.kind.IsRegister() || p.kind == cell.Immutable || p.kind == cell.Manual:
		if s := p.shown(c); s != nil {
			try(path, p.f, s.Content())
		}
	}
}

// alike reports whether siblings all have one value.
func alike(siblings []cell.Cell) bool {
	return !slices.ContainsFunc(siblings, func(s cell.Cell) bool { return s.Value != siblings[0].Value })
}

// read returns the value that content encodes, nil if it is of another type.
func (p *recordPart) read(content string) any {
	v := reflect.New(p.f.typ).Elem()
	if !p.decode(v, content) {
		return nil
	}
	return v.Interface()
}

// valueOf returns the value of a leaf, an element, an entry or a row.
func (p *recordPart) valueOf(c *cell.Cell) any {
	switch {
	case c == nil:
		return Absent{}
	case c.Kind == cell.Row:
		if !c.Live {
			return Absent{}
		}
		v := reflect.New(p.elem.row.typ).Elem()
		if p.kind == cell.Rows && p.f.class == classKeyed {
			p.f.loadKey(v, c.Key)
		}
		p.elem.fill(v, c.Kids)
		return v.Interface()
	case c.Kind == cell.Member || c.Kind == cell.Element && c.Live:
		v := reflect.New(p.f.key.Go).Elem()
		p.f.key.Load(v, c.Key)
		return v.Interface()
	case c.Kind == cell.Entry && c.Live:
		v := p.entry.blank()
		_ = p.entry.load(v, c.Value) // zero if it cannot be read
		return v.Interface()
	case c.Kind == cell.Element || c.Kind == cell.Entry:
		return Absent{}
	}
	v := reflect.New(p.f.typ).Elem()
	p.fill(v, c)
	return v.Interface()
}
