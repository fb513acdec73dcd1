package merge

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// An explainer reads the inputs of a merge and its result and writes down what
// it finds. It decides nothing.
type explainer struct {
	run    *run // only for its trail and the order of the sides
	o      *outcome
	report Report
}

// A place is one row in all versions.
type place struct {
	known  bool
	base   reflect.Value
	in     []reflect.Value // newest first
	who    []int           // for each version, its rank among all sides
	result reflect.Value
}

// A fact is one value in all versions, which may be typed or in a document.
// Version base is the base, and version n the result.
type fact struct {
	name    string // of the field that it is, or empty for where the run is
	path    string
	rule    *rule
	who     []int
	known   bool
	changed []bool // for each version
	stands  []bool // for each version: it equals the result
	value   func(i int) any
	order   func(i, j int) int // of rules that compare values; may be nil
}

func (p *Plan[T]) report(base *T, sides []Side[T], out *T, o outcome) Report {
	r := p.run()
	defer p.release(r)
	in, _ := p.sort(r, sides, true)
	x := explainer{run: r, o: &o, report: Report{Changes: []Change{}}}
	at := place{in: in, who: make([]int, len(in)), result: reflect.ValueOf(out).Elem(), known: base != nil}
	for i := range at.who {
		at.who[i] = i
	}
	if base != nil {
		at.base = reflect.ValueOf(base).Elem()
	}
	if len(in) > 0 {
		x.row(p.row, at)
	}
	if o.check != nil {
		x.report.Check = o.check.Error()
	}
	return x.report
}

func (x *explainer) row(w *row, at place) {
	for _, f := range w.fields {
		if f.class == classIgnored || at.agree(f) {
			continue
		}
		sub := place{known: at.known, who: at.who, result: f.in(at.result), in: make([]reflect.Value, len(at.in))}
		if at.known {
			sub.base = f.in(at.base)
		}
		for i, v := range at.in {
			sub.in[i] = f.in(v)
		}
		switch f.class {
		case classPointer:
			x.pointer(f, sub)
		case classMap:
			x.mapping(f, sub)
		case classKeyed:
			x.keyed(f, sub)
		case classDocument:
			x.documentField(f, sub)
		case classLeaf, classIgnored, classSet:
			x.leaf(f, sub, tupleStands(f, at))
		}
	}
}

// agree reports whether no version changed the field, or without a base all
// have the same, so that there is nothing to tell.
func (at *place) agree(f *field) bool {
	first := at.base
	if !at.known {
		first = at.in[0]
	}
	for _, v := range at.in {
		if !f.same(f.in(v), f.in(first)) {
			return false
		}
	}
	return true
}

// tupleStands reports, for a field of a group, which versions changed any field
// of the group and have all of the result's; nil for other fields.
func tupleStands(f *field, at place) []bool {
	if f.group == nil {
		return nil
	}
	out := make([]bool, len(at.in))
	for i, v := range at.in {
		changed, stands := !at.known, true
		for _, g := range f.group.fields {
			changed = changed || !g.same(g.in(v), g.in(at.base))
			stands = stands && g.same(g.in(v), g.in(at.result))
		}
		out[i] = changed && stands
	}
	return out
}

func (x *explainer) leaf(f *field, at place, tuple []bool) {
	n := len(at.in)
	fa := fact{name: f.name, rule: &f.rule, who: at.who, known: at.known, changed: make([]bool, n), stands: make([]bool, n)}
	for i, v := range at.in {
		if at.known {
			fa.changed[i] = !f.same(v, at.base)
		} else {
			fa.changed[i] = true
		}
		fa.stands[i] = f.same(v, at.result)
	}
	for i, t := range tuple { // who won the group stands here too
		fa.changed[i] = fa.changed[i] || t
	}
	fa.value = func(i int) any {
		v := at.result
		if i == base {
			v = at.base
		} else if i < n {
			v = at.in[i]
		}
		return f.snapshot(v)
	}
	if order := f.rule.id.def().order; order != nil {
		fa.order = order(&leafValues{f, at.base, at.in})
	}
	x.add(&fa)
}

// snapshot returns a copy of a value of the field.
func (f *field) snapshot(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	c := reflect.New(f.typ).Elem()
	f.fill(c, v)
	return c.Interface()
}

func (w *row) snapshot(v reflect.Value) any {
	if !v.IsValid() {
		return Absent{}
	}
	c := reflect.New(w.typ).Elem()
	w.fill(c, v)
	return c.Interface()
}

// add writes down what happened to one value.
func (x *explainer) add(fa *fact) {
	fa.path = x.run.path(fa.name)
	c := Change{Path: fa.path, Pattern: x.run.pattern(fa.name), Rule: fa.rule.String(), Winner: -1, Result: fa.value(len(fa.who))}
	if fa.known {
		c.Base = fa.value(base)
	}
	won, stand, def := -1, 0, fa.rule.id.def()
	for i, changed := range fa.changed {
		if !changed {
			continue
		}
		c.Candidates = append(c.Candidates, Candidate{
			Side: x.run.sides[fa.who[i]], Stamp: x.stamp(fa, i), Value: fa.value(i), Lost: !fa.stands[i] && !def.combines,
		})
		if fa.stands[i] {
			stand++
			if won < 0 || def.oldest {
				won = i
			}
		}
	}
	x.judge(fa, &c, won, stand)
	x.report.Changes = append(x.report.Changes, c)
}

// judge fills in the outcome of a change, of which stand candidates equal the
// result, won being the one that counts.
func (x *explainer) judge(fa *fact, c *Change, won, stand int) {
	if won >= 0 {
		c.Winner = x.run.sides[fa.who[won]]
	}
	def := fa.rule.id.def()
	open, isOpen := slices.BinarySearchFunc(x.o.undecided, fa.path, func(u undecided, path string) int {
		return strings.Compare(u.path, path)
	})
	switch {
	case isOpen:
		c.Outcome, c.Reason = Undecided, x.o.undecided[open].reason
	case x.o.fallback >= 0:
		c.Outcome = Fallback
	case len(c.Candidates) == 1 && won >= 0:
		c.Outcome = Taken
	case def.combines && (stand < len(c.Candidates) || def.op == opAdditive):
		c.Outcome, c.Winner = Combined, -1
	case stand == len(c.Candidates):
		c.Outcome = Same
	case won >= 0:
		c.Outcome = Chosen
		x.decided(fa, c, won)
	case def.op == opFunc:
		c.Outcome = Combined
	default:
		c.Outcome = Refused
	}
}

// decided says what set the winner apart from its closest rival.
func (x *explainer) decided(fa *fact, c *Change, won int) {
	rival := -1
	for i, changed := range fa.changed {
		if changed && !fa.stands[i] && (rival < 0 || fa.order != nil && fa.order(i, rival) > 0) {
			rival = i
		}
	}
	s, t := x.stamp(fa, won), x.stamp(fa, rival)
	switch {
	case fa.order != nil && fa.order(won, rival) != 0:
		c.By = ByValue
	case s.Time != t.Time:
		c.By = ByTime
		c.Margin = time.Duration(s.Time - t.Time)
		if s.Time < t.Time {
			c.Margin = time.Duration(t.Time - s.Time)
		}
	case s.Replica != t.Replica:
		c.By = ByReplica
	default:
		c.By = ByBytes
	}
}

func (x *explainer) stamp(fa *fact, i int) lww.Stamp { return x.run.stamps[fa.who[i]] }

// entry explains a row that is there or not. Absent versions are invalid.
func (x *explainer) entry(f *field, key, base reflect.Value, in []reflect.Value, who []int, result reflect.Value, known bool) {
	x.run.trail = append(x.run.trail, step{f: f, key: key})
	defer func() { x.run.trail = x.run.trail[:len(x.run.trail)-1] }()
	sub := place{known: known, base: base, result: result}
	for i, v := range in {
		if v.IsValid() {
			sub.in, sub.who = append(sub.in, v), append(sub.who, who[i])
		}
	}
	created := !base.IsValid() && len(sub.in) == 1
	deleted := base.IsValid() && len(sub.in) < len(in)
	if created || deleted || !result.IsValid() {
		x.presence(f.elem, &f.rule, base, in, who, result, known)
	}
	if created || !result.IsValid() {
		return
	}
	if known && !base.IsValid() {
		sub.base = f.elem.zero
	}
	x.row(f.elem, sub)
}

// presence explains whether a row is there: it was made, deleted, or deleted
// by one side and changed by another.
func (x *explainer) presence(w *row, ru *rule, before reflect.Value, in []reflect.Value, who []int, result reflect.Value, known bool) {
	n := len(in)
	fa := fact{rule: ru, who: who, known: known, changed: make([]bool, n), stands: make([]bool, n)}
	some := false
	for i, v := range in {
		switch {
		case v.IsValid() != before.IsValid():
			fa.changed[i] = v.IsValid() || known
		case v.IsValid():
			fa.changed[i] = !w.same(v, before)
		}
		some = some || fa.changed[i]
		fa.stands[i] = v.IsValid() == result.IsValid()
	}
	if !some {
		return
	}
	fa.value = func(i int) any {
		switch i {
		case base:
			return w.snapshot(before)
		case n:
			return w.snapshot(result)
		default:
			return w.snapshot(in[i])
		}
	}
	fa.order = func(i, j int) int { return value.CompareBool(fa.stands[i], fa.stands[j]) }
	x.add(&fa)
}

func (x *explainer) pointer(f *field, at place) {
	elem := func(v reflect.Value) reflect.Value {
		if !v.IsValid() || v.IsNil() {
			return reflect.Value{}
		}
		return v.Elem()
	}
	in := make([]reflect.Value, len(at.in))
	for i, v := range at.in {
		in[i] = elem(v)
	}
	x.entry(f, reflect.Value{}, elem(at.base), in, at.who, elem(at.result), at.known)
}

func (x *explainer) mapping(f *field, at place) {
	fr := frame{in: at.in, base: at.base, known: at.known}
	find := func(m, key reflect.Value) reflect.Value {
		if !m.IsValid() {
			return m
		}
		if v := m.MapIndex(key); v.IsValid() {
			return value.Addressable(v)
		}
		return reflect.Value{}
	}
	for _, key := range f.key.Sorted(fr.keys()) {
		in := make([]reflect.Value, len(at.in))
		for i, m := range at.in {
			in[i] = find(m, key)
		}
		b, r := find(at.base, key), find(at.result, key)
		if f.plain {
			x.plainEntry(f, key, b, in, at, r)
		} else {
			x.entry(f, key, b, in, at.who, r, at.known)
		}
	}
}

// plainEntry explains a key whose value is a register.
func (x *explainer) plainEntry(f *field, key, before reflect.Value, in []reflect.Value, at place, result reflect.Value) {
	x.run.trail = append(x.run.trail, step{f: f, key: key})
	defer func() { x.run.trail = x.run.trail[:len(x.run.trail)-1] }()
	w := f.elem
	n := len(in)
	fa := fact{rule: &w.fields[0].rule, who: at.who, known: at.known, changed: make([]bool, n), stands: make([]bool, n)}
	same := func(a, b reflect.Value) bool { return a.IsValid() == b.IsValid() && (!a.IsValid() || w.same(a, b)) }
	some := false
	for i, v := range in {
		fa.changed[i] = at.known && !same(v, before) || !at.known && v.IsValid()
		some = some || at.known && fa.changed[i] || !at.known && slices.ContainsFunc(in, func(o reflect.Value) bool { return !same(v, o) })
		fa.stands[i] = same(v, result)
	}
	if !some {
		return
	}
	fa.value = func(i int) any {
		switch i {
		case base:
			return w.snapshot(before)
		case n:
			return w.snapshot(result)
		default:
			return w.snapshot(in[i])
		}
	}
	x.add(&fa)
}

func (x *explainer) keyed(f *field, at place) {
	fr := frame{in: at.in, base: at.base, known: at.known}
	l := lists{known: fr.known}
	x.run.list(f, &fr, &l)
	if l.twice != "" {
		x.run.unlist(&l)
		x.leaf(f, at, nil)
		return
	}
	var result keys
	x.run.keysOf(&result, f, at.result, nil)
	lead := l.lead()
	var all []ref
	for i := range l.of(lead).n {
		all = append(all, ref{lead, i})
	}
	find := func(k, o *keys, i int) reflect.Value {
		if at := k.find(o, i); at >= 0 {
			return f.element(k.list, at)
		}
		return reflect.Value{}
	}
	for _, key := range append(all, x.run.rest(&l, lead)...) {
		k := l.of(key.version)
		in := make([]reflect.Value, len(at.in))
		for i := range l.in {
			in[i] = find(&l.in[i], k, key.at)
		}
		var b reflect.Value
		if at.known {
			b = find(&l.base, k, key.at)
		}
		x.entry(f, k.read(key.at), b, in, at.who, find(&result, k, key.at), at.known)
	}
	orders := make([][]string, len(l.in))
	for i := range l.in {
		orders[i] = l.in[i].names()
	}
	var before []string
	if at.known {
		before = l.base.names()
	}
	x.giveUp(&fact{name: f.name, rule: &f.rule, who: at.who, known: at.known}, before, orders, result.names())
	x.run.done(&result)
	x.run.unlist(&l)
}
