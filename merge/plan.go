package merge

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A Plan merges versions of a T field by field. [Compile] makes it. A Plan is
// safe for concurrent use and must not be copied after first use.
type Plan[T any] struct {
	row    *row
	check  func(*T) error
	custom bool // there are overrides
	// steady says that no field adds changes up, so that one side as a whole
	// is a result that loses nothing but what it says it loses.
	steady bool
	// scalars are the fields of a T that holds nothing else, nil for other types.
	scalars []scalar
	record  *recordPlan // nil unless compiled with Options.Record
	runs    sync.Pool   // of *run
}

// run returns a run for one call, which ends it by release.
func (p *Plan[T]) run() *run {
	if r, ok := p.runs.Get().(*run); ok {
		return r
	}
	return new(run)
}

func (p *Plan[T]) release(r *run) {
	r.reset()
	p.runs.Put(r)
}

// Compile returns the plan that the tags of T and the options describe, or
// joins a [*RuleError] for each mistake.
func Compile[T any](opts Options[T]) (*Plan[T], error) {
	typ := reflect.TypeFor[T]()
	list := make([]override, len(opts.Overrides))
	for i, o := range opts.Overrides {
		list[i] = override(o)
	}
	w, err := compile(typ, list, opts.Paths)
	if err != nil {
		return nil, err
	}
	p := &Plan[T]{row: w, check: opts.Check, custom: len(opts.Overrides) > 0, steady: !w.adds(map[*row]bool{}), scalars: w.scalars()}
	if opts.Record {
		top, err := compileRecord(typ, w)
		if err != nil {
			return nil, err
		}
		p.record = &recordPlan{row: w, top: top, print: top.fingerprint()}
		if opts.Check != nil {
			p.record.check = func(v reflect.Value) error { return opts.Check(v.Addr().Interface().(*T)) }
		}
	}
	return p, nil
}

// MustCompile is [Compile] for package variables and tests. It panics on
// errors.
func MustCompile[T any](opts Options[T]) *Plan[T] {
	p, err := Compile(opts)
	if err != nil {
		panic(err.Error())
	}
	return p
}

func compile(typ reflect.Type, list []override, paths map[string]string) (*row, error) {
	c := &compiler{
		root: typ, rows: make(map[rowKey]*row),
		open: make(map[rowKey]bool), types: make(map[reflect.Type]*custom), fields: make(map[string]*custom),
		used: make(map[*custom]bool),
	}
	root, all, err := parsePaths(paths)
	if err != nil {
		return nil, fmt.Errorf("merge: %v: %w", typ, err)
	}
	c.overrides(typ, list)
	w := c.row(typ, root, rowTop, nil)
	c.unused(all, list)
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	w.checks = w.needsCheck(map[*row]bool{})
	for _, w := range c.rows {
		w.quiet = !slices.ContainsFunc(w.fields, (*field).tells)
		w.always, w.asks = w.calls(map[*row]bool{}, true), w.calls(map[*row]bool{}, false)
	}
	return w, nil
}

// adds reports whether w or a row below it has a field that combines the
// changes of all sides, so that no side alone will do.
func (w *row) adds(seen map[*row]bool) bool {
	if seen[w] {
		return false
	}
	seen[w] = true
	return slices.ContainsFunc(w.fields, func(f *field) bool {
		switch {
		case f.rule.id.def().adds:
			return true
		case f.doc != nil:
			return f.doc.adds()
		}
		return f.elem != nil && f.elem.adds(seen)
	})
}

// calls reports whether w or a row below it has a Func, or one that is called
// for every change.
func (w *row) calls(seen map[*row]bool, always bool) bool {
	if seen[w] {
		return false
	}
	seen[w] = true
	return slices.ContainsFunc(w.fields, func(f *field) bool {
		return f.rule.id == ruleFunc && (!always || f.rule.custom.always) || f.elem != nil && f.elem.calls(seen, always)
	})
}

func (r *docRule) adds() bool {
	if r == nil {
		return false
	}
	if r.rule.id.def().adds || r.star.adds() {
		return true
	}
	for _, k := range r.kids {
		if k.adds() {
			return true
		}
	}
	return false
}

// Custom reports whether p has custom rules, which are given what it merges.
func (p *Plan[T]) Custom() bool { return p.custom }

// String lists the rule of every field, one line each.
func (p *Plan[T]) String() string {
	var lines [][2]string
	p.row.describe("", map[*row]bool{}, &lines)
	width := 0
	for _, l := range lines {
		width = max(width, len(l[0]))
	}
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%-*s  %s\n", width, l[0], l[1])
	}
	return b.String()
}

func (w *row) describe(prefix string, open map[*row]bool, lines *[][2]string) {
	if open[w] {
		*lines = append(*lines, [2]string{value.JoinPath(prefix, "…"), fmt.Sprintf("as %v", w.typ)})
		return
	}
	open[w] = true
	for _, f := range w.fields {
		path := value.JoinPath(prefix, f.name)
		switch {
		case f.plain:
			*lines = append(*lines, [2]string{value.JoinPath(path, "*"), f.elem.fields[0].rule.String()})
		case f.class == classPointer:
			f.elem.describe(path, open, lines)
		case f.elem != nil:
			*lines = append(*lines, [2]string{path, f.rule.String()})
			f.elem.describe(value.JoinPath(path, "*"), open, lines)
		default:
			*lines = append(*lines, [2]string{path, f.rule.String()})
			f.doc.describe(path, lines)
		}
	}
	delete(open, w)
}

func (r *docRule) describe(path string, lines *[][2]string) {
	if r == nil {
		return
	}
	describe := func(name string, kid *docRule) {
		at := value.JoinPath(path, name)
		if kid.rule.id != ruleNone {
			*lines = append(*lines, [2]string{at, kid.rule.String()})
		}
		kid.describe(at, lines)
	}
	for _, name := range slices.Sorted(maps.Keys(r.kids)) {
		describe(value.QuoteKey(name), r.kids[name])
	}
	if r.star != nil {
		describe("*", r.star)
	}
}

// Merge returns what the sides make together, in any order. Base is the version
// that all of them started from; nil means that it is unknown, not that it is
// empty. Give all versions in one call. The result shares no memory with base
// or sides; with no sides it is a copy of base. It takes O(n·s) time for n
// leaves, entries and elements in s sides.
//
// If a rule leaves a value to a person, or the result fails [Options.Check] and
// no side may take its place, the error is a [*ConflictError] and the result
// provisional, the same for everybody. Any other error is about the inputs,
// such as a [*DocumentError], and names the path; the result is then the zero
// T.
func (p *Plan[T]) Merge(base *T, sides ...Side[T]) (T, error) {
	if base == nil && p.check == nil && p.row.newestIsResult() && len(sides) > 0 {
		return p.newest(sides).Value, nil
	}
	if base != nil && p.check == nil && p.scalars != nil && len(sides) == 2 {
		var out T
		p.mergeScalars(base, sides, &out)
		return out, nil
	}
	out, o := new(T), outcome{fallback: -1}
	if err := p.merge(base, sides, out, &o); err != nil {
		return *new(T), err
	}
	if o.conflict() {
		return *out, &ConflictError{Report: p.report(base, sides, out, o)}
	}
	return *out, nil
}

// mergeScalars merges two sides of a struct of scalars with their base into out.
func (p *Plan[T]) mergeScalars(base *T, sides []Side[T], out *T) {
	late := p.newest(sides)
	early := &sides[0]
	if early == late {
		early = &sides[1]
	}
	*out = late.Value
	mergeScalars(p.scalars, base, &early.Value, out)
}

// newestIsResult reports whether merging without a base is taking the newest
// version: there is nothing to repair in a copy of it.
func (w *row) newestIsResult() bool { return w.flat && len(w.unknown) == 0 }

func (p *Plan[T]) newest(sides []Side[T]) *Side[T] {
	best := &sides[0]
	for i := range sides[1:] {
		s := &sides[1+i]
		if c := s.Stamp.Compare(best.Stamp); c > 0 ||
			c == 0 && p.row.compare(reflect.ValueOf(&s.Value).Elem(), reflect.ValueOf(&best.Value).Elem()) > 0 {
			best = s
		}
	}
	return best
}

// Explain is [Plan.Merge] that also reports what changed, who won and who lost,
// read from inputs and result after the merge, so that both agree.
func (p *Plan[T]) Explain(base *T, sides ...Side[T]) (T, Report, error) {
	out, o := new(T), outcome{fallback: -1}
	if err := p.merge(base, sides, out, &o); err != nil {
		return *new(T), Report{}, err
	}
	rep := p.report(base, sides, out, o)
	if o.conflict() {
		return *out, rep, &ConflictError{Report: rep}
	}
	return *out, rep, nil
}

// An outcome is what a merge has to tell besides its result.
type outcome struct {
	undecided []undecided
	fallback  int   // the side that was taken whole, or -1
	check     error // what Options.Check said of the merged value
}

func (o *outcome) conflict() bool {
	return len(o.undecided) > 0 || o.check != nil && o.fallback < 0
}

// merge merges into out, which is zero, and tells the rest in o.
func (p *Plan[T]) merge(base *T, sides []Side[T], out *T, o *outcome) error {
	dst := reflect.ValueOf(out).Elem()
	var from reflect.Value
	if base != nil {
		from = reflect.ValueOf(base).Elem()
	}
	if p.row.checks {
		if err := p.validate(from, sides); err != nil {
			return err
		}
	}
	if len(sides) == 0 {
		if base != nil {
			p.row.fill(dst, from)
		}
		return nil
	}
	r := p.run()
	defer p.release(r)
	fr := frame{dst: dst, base: from, known: base != nil}
	fr.in, fr.who = p.sort(r, sides, p.row.asks)
	p.row.assign(dst, fr.in[0])
	r.row(p.row, &fr)
	if r.err != nil {
		return r.err
	}
	if len(r.undecided) > 0 {
		o.undecided = r.undecided
		slices.SortFunc(o.undecided, func(a, b undecided) int { return strings.Compare(a.path, b.path) })
	}
	if p.check != nil {
		if o.check = p.check(out); o.check != nil {
			p.fallBack(out, o, fr.in, r.sides)
		}
	}
	return nil
}

// fallBack replaces a merged value that fails the check by the newest side
// that passes, unless that would drop changes that other sides count on.
func (p *Plan[T]) fallBack(out *T, o *outcome, in []reflect.Value, sides []int) {
	if !p.steady || len(o.undecided) > 0 {
		return
	}
	for i, v := range in {
		var whole T
		p.row.fill(reflect.ValueOf(&whole).Elem(), v)
		if p.check(&whole) == nil {
			*out, o.fallback = whole, sides[i]
			return
		}
	}
}

// sort returns the sides from newest to oldest, the order that every rule
// uses: by stamp, and at equal stamps by value. It fills r.sides, and r.stamps
// if they are asked for.
func (p *Plan[T]) sort(r *run, sides []Side[T], stamps bool) (in []reflect.Value, who []int) {
	n := len(sides)
	in, who = r.take(n), r.takeInts(n)
	r.sides = slices.Grow(r.sides[:0], n)[:n]
	for i := range sides {
		v := reflect.ValueOf(&sides[i].Value).Elem()
		j := i
		for ; j > 0 && p.newer(&sides[i], v, &sides[r.sides[j-1]], in[j-1]); j-- {
			in[j], r.sides[j] = in[j-1], r.sides[j-1]
		}
		in[j], r.sides[j], who[i] = v, i, i
	}
	if stamps {
		for _, i := range r.sides {
			r.stamps = append(r.stamps, sides[i].Stamp)
		}
	}
	return in, who
}

func (p *Plan[T]) newer(a *Side[T], v reflect.Value, b *Side[T], w reflect.Value) bool {
	if a.Stamp.Time != b.Stamp.Time {
		return a.Stamp.Time > b.Stamp.Time
	}
	if c := a.Stamp.Compare(b.Stamp); c != 0 {
		return c > 0
	}
	return p.row.compare(v, w) > 0
}

// validate returns an error if an input holds what cannot be merged.
func (p *Plan[T]) validate(base reflect.Value, sides []Side[T]) error {
	if base.IsValid() {
		if err := p.row.validate(base, 0); err != nil {
			return fmt.Errorf("merge: base: %w", err)
		}
	}
	for i := range sides {
		if err := p.row.validate(reflect.ValueOf(&sides[i].Value).Elem(), 0); err != nil {
			return fmt.Errorf("merge: side %v: %w", sides[i].Stamp, err)
		}
	}
	return nil
}
