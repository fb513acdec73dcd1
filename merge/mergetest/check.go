package mergetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// repeats is how often a merge is done again that gave different results in
// different orders, to see whether it gives different results in one.
const repeats = 64

// check merges s in every way that a law speaks of and returns the first law
// that it breaks, or nil.
func (k *Kit[T]) check(s scene[T]) *LawError {
	var first result[T]
	for _, law := range []func(scene[T], result[T]) *LawError{
		func(s scene[T], _ result[T]) (failure *LawError) {
			first, failure = k.checkOnce(s)
			return failure
		},
		k.checkAgain, k.checkOrder, k.checkMemory, k.checkReport, k.checkAgreed, k.checkUntouched, k.checkPairwise,
	} {
		failure := contain(func() *LawError { return law(s, first) })
		if failure == nil || slices.Contains(k.Waive, failure.Law) {
			continue
		}
		if failure.Inputs == nil {
			failure.Inputs = k.inputs(s)
		}
		return failure
	}
	return nil
}

// A result is what a merge returned.
type result[T any] struct {
	value  T
	report merge.Report
	err    error // one that is no conflict
	key    string
}

// conflict returns the report of a conflict, or whether there is none.
func conflict(err error) (merge.Report, bool) {
	c, ok := errors.AsType[*merge.ConflictError](err)
	if !ok {
		return merge.Report{}, false
	}
	return c.Report, true
}

// An input is what is given to one merge.
type input[T any] struct {
	base  *T
	sides []merge.Side[T]
}

func (k *Kit[T]) input(s scene[T]) input[T] {
	var in input[T]
	if s.base != nil {
		in.base = new(k.fresh(*s.base))
	}
	for _, v := range s.sides {
		in.sides = append(in.sides, merge.Side[T]{Value: k.fresh(v.version), Stamp: v.stamp})
	}
	return in
}

// merged merges and explains fresh inputs.
func (k *Kit[T]) merged(s scene[T]) result[T] {
	in := k.input(s)
	return k.explain(in.base, in.sides...)
}

func (k *Kit[T]) explain(base *T, sides ...merge.Side[T]) result[T] {
	v, report, err := k.Plan.Explain(base, sides...)
	r := result[T]{value: v, report: report}
	if _, ok := conflict(err); err != nil && !ok {
		r.err = err
	}
	r.key = fmt.Sprintf("%s %t %t", keyOf(v), report.OK(), r.err == nil)
	return r
}

// said returns what a result looks like to a person.
func (r result[T]) said() string {
	switch {
	case r.err != nil:
		return "the error " + r.err.Error()
	case !r.report.OK():
		return "the conflict " + show(r.value)
	}
	return show(r.value)
}

// checkOnce merges for the first time and checks that the inputs are left alone.
func (k *Kit[T]) checkOnce(s scene[T]) (result[T], *LawError) {
	in := k.input(s)
	if in.base != nil {
		*in.base = roomy(*in.base)
	}
	for i := range in.sides {
		in.sides[i].Value = roomy(in.sides[i].Value)
	}
	before, text := in.keys(), in.texts()
	r := k.explain(in.base, in.sides...)
	if i := differs(before, in.keys()); i >= 0 {
		was, is := text[i], in.texts()[i]
		if was == is {
			is += ", with something appended in its memory"
		}
		return r, broken(Argument, "merging changed %s\nfrom %s\nto   %s", nameOf(i), was, is)
	}
	return r, nil
}

func (in input[T]) keys() []string  { return in.each(func(v T) string { return spareKeyOf(v) }) }
func (in input[T]) texts() []string { return in.each(func(v T) string { return show(v) }) }

func (in input[T]) each(f func(T) string) []string {
	out := []string{""}
	if in.base != nil {
		out[0] = f(*in.base)
	}
	for _, s := range in.sides {
		out = append(out, f(s.Value))
	}
	return out
}

// nameOf names an input by its place in what each returns.
func nameOf(i int) string {
	if i == 0 {
		return "the base"
	}
	return fmt.Sprintf("side %d", i-1)
}

// differs returns the first index at which a and b differ, or -1.
func differs(a, b []string) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

func (k *Kit[T]) checkAgain(s scene[T], first result[T]) *LawError {
	for range 2 {
		if failure := same(first, k.merged(s)); failure != nil {
			return failure
		}
	}
	return nil
}

// same checks that two merges of the same inputs gave the same.
func same[T any](a, b result[T]) *LawError {
	if a.key != b.key {
		return broken(Deterministic, "the result is %s once,\nand another time %s", a.said(), b.said())
	}
	if x, y := keyOf(a.report), keyOf(b.report); x != y {
		return broken(Deterministic, "the report is once\n%sand another time\n%s", a.report, b.report)
	}
	return nil
}

func (k *Kit[T]) checkOrder(s scene[T], first result[T]) *LawError {
	for order := range orders(len(s.sides)) {
		turned := scene[T]{base: s.base}
		for _, i := range order {
			turned.sides = append(turned.sides, s.sides[i])
		}
		r := k.merged(turned)
		sameReport := keyOf(unnumbered(r.report)) == keyOf(unnumbered(first.report))
		if r.key == first.key && sameReport {
			continue
		}
		for range repeats {
			if failure := same(first, k.merged(s)); failure != nil {
				return failure
			}
		}
		if r.key == first.key {
			return broken(Symmetric, "the report of sides %v is\n%sand of sides %v\n%s", ascending(len(order)), first.report, order, r.report)
		}
		return broken(Symmetric, "the result of sides %v is %s\nthe result of sides %v is %s", ascending(len(order)), first.said(), order, r.said())
	}
	return nil
}

// orders returns all orders of n sides but the first.
func orders(n int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		order, more := ascending(n), true
		var visit func(i int)
		visit = func(i int) {
			if i == n && more && !slices.IsSorted(order) {
				more = yield(slices.Clone(order))
			}
			for j := i; j < n && more; j++ {
				order[i], order[j] = order[j], order[i]
				visit(i + 1)
				order[i], order[j] = order[j], order[i]
			}
		}
		visit(0)
	}
}

func ascending(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// unnumbered returns a report without what depends on the order: the numbers of
// sides.
func unnumbered(r merge.Report) merge.Report {
	r.Changes = slices.Clone(r.Changes)
	for i := range r.Changes {
		c := &r.Changes[i]
		c.Winner = min(c.Winner, 0)
		c.Candidates = slices.Clone(c.Candidates)
		for j := range c.Candidates {
			c.Candidates[j].Side = 0
		}
	}
	return r
}

// checkMemory changes the result of a merge and looks at the inputs, and the
// other way round.
func (k *Kit[T]) checkMemory(s scene[T], first result[T]) *LawError {
	if first.err != nil {
		return nil
	}
	tries := []func(*T){func(v *T) { poke(reflect.ValueOf(v).Elem(), 0) }}
	for _, edit := range k.Edits {
		tries = append(tries, func(v *T) { tryOut(edit, v) })
	}
	for _, change := range tries {
		in := k.input(s)
		before, text := in.keys(), in.texts()
		v, _ := k.Plan.Merge(in.base, in.sides...)
		change(&v)
		if i := differs(before, in.keys()); i >= 0 {
			return broken(Aliasing, "changing the result changes %s\nfrom %s\nto   %s", nameOf(i), text[i], in.texts()[i])
		}
		if failure := k.checkLater(s, first); failure != nil {
			return failure
		}
		v, _ = k.Plan.Merge(in.base, in.sides...)
		key, said := keyOf(v), show(v)
		if in.base != nil {
			change(in.base)
		}
		for i := range in.sides {
			change(&in.sides[i].Value)
		}
		if keyOf(v) != key {
			return broken(Aliasing, "changing the inputs changes the result\nfrom %s\nto   %s", said, show(v))
		}
	}
	return nil
}

// checkLater checks that a merge gives what it gave before its result was
// changed: that no memory that outlives the merge is part of the result.
func (k *Kit[T]) checkLater(s scene[T], first result[T]) *LawError {
	r := k.merged(s)
	if r.key == first.key {
		return nil
	}
	for range repeats {
		if failure := same(r, k.merged(s)); failure != nil {
			return failure
		}
	}
	return broken(Aliasing, "after a change to the result, the same merge gives %s\ninstead of %s", r.said(), first.said())
}

// tryOut applies an edit and minds no panic: one in a version will tell.
func tryOut[T any](edit func(*T), v *T) {
	defer func() { _ = recover() }()
	edit(v)
}

// checkReport checks that Explain agrees with Merge and with itself.
func (k *Kit[T]) checkReport(s scene[T], r result[T]) *LawError {
	in := k.input(s)
	v, err := k.Plan.Merge(in.base, in.sides...)
	report, isConflict := conflict(err)
	if keyOf(v) != keyOf(r.value) || (err == nil) != (r.err == nil && r.report.OK()) {
		for range repeats {
			if failure := same(r, k.merged(s)); failure != nil {
				return failure
			}
		}
	}
	switch {
	case keyOf(v) != keyOf(r.value):
		return broken(Explained, "Merge returns %s\nExplain returns %s", show(v), show(r.value))
	case (err == nil) != (r.err == nil && r.report.OK()):
		return broken(Explained, "Merge returns the error %v\nExplain returns the error %v and the report\n%s", err, r.err, r.report)
	case isConflict && keyOf(report) != keyOf(r.report):
		return broken(Explained, "the error of Merge reports\n%sExplain reports\n%s", report, r.report)
	}
	for _, c := range r.report.Changes {
		if what := incoherent(c, len(s.sides)); what != "" {
			return broken(Explained, "%s: %s\n%s", c.Path, what, r.report)
		}
	}
	if _, err := json.Marshal(r.report); err != nil {
		return broken(Explained, "the report has no JSON: %v\n%s", err, r.report)
	}
	return nil
}

// incoherent returns what contradicts itself in a change, or nothing.
func incoherent(c merge.Change, sides int) string {
	wins := false
	for _, x := range c.Candidates {
		if x.Side < 0 || x.Side >= sides {
			return fmt.Sprintf("candidate %d is no side", x.Side)
		}
		wins = wins || x.Side == c.Winner && !x.Lost
	}
	newestFirst := slices.IsSortedFunc(c.Candidates, func(a, b merge.Candidate) int { return b.Stamp.Compare(a.Stamp) })
	switch {
	case len(c.Candidates) == 0:
		return "nobody changed it"
	case !newestFirst:
		return "the candidates are not in order"
	case c.Winner >= 0 && !wins:
		return fmt.Sprintf("side %d won and is no candidate, or lost", c.Winner)
	case c.Outcome == merge.Taken && len(c.Candidates) != 1:
		return "it was taken from more than one"
	}
	return ""
}

// checkUntouched merges each side with the base itself.
func (k *Kit[T]) checkUntouched(s scene[T], _ result[T]) *LawError {
	if s.base == nil {
		return nil
	}
	for _, x := range s.sides {
		for _, still := range []lww.Stamp{{Time: 0, Replica: "a"}, {Time: x.stamp.Time + 1, Replica: "a"}} {
			pair := scene[T]{s.base, []side[T]{{*s.base, still}, x}}
			r := k.merged(pair)
			if r.err != nil || r.report.Check != "" {
				continue
			}
			if path, lost := k.lost(x, r); lost {
				failure := broken(Untouched, "side 0 is the base, and the result is not side 1 at %q\nthe result is %s", path, r.said())
				failure.Inputs = k.inputs(pair)
				return failure
			}
		}
	}
	return nil
}

// lost returns the path of a change of x that a merge with an unchanged base
// does not show, and whose rule does not say that it may.
func (k *Kit[T]) lost(x side[T], r result[T]) (path string, ok bool) {
	combined := map[string]bool{}
	for _, c := range r.report.Changes {
		switch {
		case c.Outcome == merge.Combined:
			combined[c.Path] = true
		case keeps(c.Rule) || c.Outcome == merge.Taken || c.Outcome == merge.Same:
		default:
			return c.Path, true
		}
	}
	want := k.fresh(x.version)
	for _, c := range k.explain(&want, merge.Side[T]{Value: r.value, Stamp: x.stamp}).report.Changes {
		if !keeps(c.Rule) && !combined[c.Path] {
			return c.Path, true
		}
	}
	return "", false
}

// keeps reports whether a rule may keep the base's value though a side changed
// it, or combines the two: whether it does not claim the law Untouched.
func keeps(rule string) bool {
	name, _, _ := strings.Cut(rule, ",")
	return slices.Contains([]string{"first", "immutable", "nonzero", "union", "join", "-"}, name)
}

// checkAgreed merges each side with itself.
func (k *Kit[T]) checkAgreed(s scene[T], _ result[T]) *LawError {
	for i, x := range s.sides {
		one := k.merged(scene[T]{s.base, []side[T]{x}})
		twice := scene[T]{s.base, []side[T]{x, x}}
		twice.sides[1].stamp = s.sides[(i+1)%len(s.sides)].stamp
		two := k.merged(twice)
		if one.err != nil || one.key == two.key || k.onlySums(one, two) {
			continue
		}
		failure := broken(Agreed, "one change alone makes %s\nmade by both it makes %s", one.said(), two.said())
		failure.Inputs = k.inputs(twice)
		return failure
	}
	return nil
}

// onlySums reports whether two results differ in fields with rule additive only.
func (k *Kit[T]) onlySums(a, b result[T]) bool {
	if a.err != nil || b.err != nil {
		return false
	}
	for _, c := range k.explain(&a.value, merge.Side[T]{Value: b.value}).report.Changes {
		if c.Rule != "additive" && !strings.HasPrefix(c.Rule, "additive ") {
			return false
		}
	}
	return true
}

// checkPairwise merges two sides, and then the result with the others.
func (k *Kit[T]) checkPairwise(s scene[T], first result[T]) *LawError {
	if !k.Pairwise || first.err != nil || s.base == nil || len(s.sides) < 3 {
		return nil
	}
	two := k.merged(scene[T]{s.base, s.sides[:2]})
	in := k.input(s)
	pair := merge.Side[T]{Value: two.value, Stamp: in.sides[0].Stamp}
	if pair.Stamp.Before(in.sides[1].Stamp) {
		pair.Stamp = in.sides[1].Stamp
	}
	r := k.explain(in.base, append([]merge.Side[T]{pair}, in.sides[2:]...)...)
	if keyOf(r.value) != keyOf(first.value) {
		return broken(Pairwise, "sides 0 and 1 make %s\nmerged with the others, that makes %s\nall at once make %s", two.said(), r.said(), first.said())
	}
	return nil
}
