package merge

import (
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/internal/value"
)

// A chooser is one value of a merge as the rules that choose see it: versions
// 0 to n-1, newest first, and the base as version -1.
type chooser interface {
	same(i, j int) bool
	zero(i int) bool
	order(i, j int) int // of max, min and Prefer: +1 if i is to be chosen over j
	rank(i int) (n int, listed bool)
}

const base = -1

// decide returns the version that rule id chooses, base for the base, and what
// a person has to know if one has to decide; then the version is provisional.
func decide(id ruleID, v chooser, n int, known bool) (win int, reason string) {
	switch id {
	case ruleFirst:
		return decideFirst(v, n, known), ""
	case ruleImmutable:
		return decideImmutable(v, n, known)
	case ruleNonzero:
		return decideNonzero(v, n, known), ""
	case ruleMax, ruleMin, rulePrefer:
		win := nextChange(v, -1, n, known)
		for i := nextChange(v, win, n, known); i < n; i = nextChange(v, i, n, known) {
			if v.order(i, win) > 0 {
				win = i
			}
		}
		return win % n, ""
	case ruleRank:
		return decideRank(v, n, known)
	case ruleManual, ruleFunc:
		win := nextChange(v, -1, n, known)
		if disagree(v, win, n, known) {
			reason = "the sides differ"
		}
		return win % n, reason
	default:
		return nextChange(v, -1, n, known) % n, ""
	}
}

// nextChange returns the newest version after i, that is older than it, which
// differs from the base, or n if there is none. Without a base all count.
func nextChange(v chooser, i, n int, known bool) int {
	for i++; i < n; i++ {
		if !known || !v.same(i, base) {
			break
		}
	}
	return i
}

// disagree reports whether a version changed older than win differs from it.
func disagree(v chooser, win, n int, known bool) bool {
	for i := nextChange(v, win, n, known); i < n; i = nextChange(v, i, n, known) {
		if !v.same(i, win) {
			return true
		}
	}
	return false
}

// oldestSet returns the oldest version that is not zero, or -1.
func oldestSet(v chooser, n int) int {
	i := n - 1
	for i >= 0 && v.zero(i) {
		i--
	}
	return i
}

func decideFirst(v chooser, n int, known bool) int {
	if known && !v.zero(base) {
		return base
	}
	return max(0, oldestSet(v, n))
}

func decideImmutable(v chooser, n int, known bool) (int, string) {
	if known && !v.zero(base) {
		if nextChange(v, -1, n, known) < n {
			return base, "an immutable value was changed"
		}
		return base, ""
	}
	win := max(0, oldestSet(v, n))
	for i := range n {
		if !v.zero(i) && !v.same(i, win) {
			return win, "an immutable value was set twice"
		}
	}
	return win, ""
}

func decideNonzero(v chooser, n int, known bool) int {
	changed := nextChange(v, -1, n, known)
	for i := changed; i < n; i = nextChange(v, i, n, known) {
		if !v.zero(i) {
			return i
		}
	}
	if known && changed < n {
		return base
	}
	return 0
}

func decideRank(v chooser, n int, known bool) (int, string) {
	newest := nextChange(v, -1, n, known)
	if newest == n {
		return 0, ""
	}
	win := newest
	best, known0 := v.rank(win)
	for i := nextChange(v, win, n, known); i < n; i = nextChange(v, i, n, known) {
		rank, listed := v.rank(i)
		known0 = known0 && listed
		if rank > best {
			win, best = i, rank
		}
	}
	if !known0 && disagree(v, newest, n, known) {
		return newest, "a value is not in the rank"
	}
	return win, ""
}

// leafValues is the chooser of typed leaves.
type leafValues struct {
	f    *field
	base reflect.Value
	in   []reflect.Value
}

func (v *leafValues) at(i int) reflect.Value {
	if i == base {
		return v.base
	}
	return v.in[i]
}

func (v *leafValues) same(i, j int) bool { return v.f.shape.Same(v.at(i), v.at(j)) }
func (v *leafValues) zero(i int) bool    { return v.f.shape.IsZero(v.at(i)) }

func (v *leafValues) order(i, j int) int {
	if c := v.f.rule.custom; c != nil {
		return c.compare(v.at(i), v.at(j))
	}
	return v.f.order.compare(v.at(i), v.at(j))
}

func (v *leafValues) rank(i int) (int, bool) { return v.f.rule.rankOf(v.at(i).String()) }

// choose merges a leaf by a rule that takes one of the versions.
func (r *run) choose(f *field, fr *frame) {
	r.leaf = leafValues{f, fr.base, fr.in}
	win, reason := decide(f.rule.id, &r.leaf, len(fr.in), fr.known)
	if reason != "" {
		r.person(f, reason)
	}
	f.fill(fr.dst, r.leaf.at(win))
}

// additive adds the changes of all sides to the base. Where that cannot be
// done the newest change is the provisional value.
func (r *run) additive(o *op, fr *frame) {
	dst := o.in(fr.dst)
	if !fr.known {
		for _, v := range fr.in[1:] {
			if !o.f.shape.Same(o.in(v), dst) {
				r.person(o.f, "changes cannot be added up without a base")
				return
			}
		}
		return
	}
	var sum int128.Int
	if o.f.shape.Kind == value.KindInt {
		b := o.in(fr.base).Int()
		sum = int128.Of(b)
		for _, v := range fr.in {
			sum = sum.Add(o.in(v).Int()).Minus(int128.Of(b))
		}
		if total, ok := sum.Int64(); ok && !dst.OverflowInt(total) {
			dst.SetInt(total)
			return
		}
	} else {
		b := o.in(fr.base).Uint()
		sum = int128.OfUint(b)
		for _, v := range fr.in {
			sum = sum.AddUint(o.in(v).Uint()).Minus(int128.OfUint(b))
		}
		if total, ok := sum.Uint64(); ok && !dst.OverflowUint(total) {
			dst.SetUint(total)
			return
		}
	}
	r.person(o.f, "the sum of all changes does not fit the type")
	o.scalar(fr)
}

// join merges the versions of all sides by their own method.
func (r *run) join(f *field, fr *frame) {
	var sum reflect.Value
	for _, v := range slices.Backward(fr.in) {
		p := f.join.ref(v)
		if !p.IsValid() {
			continue
		}
		var err error
		if sum.IsValid() {
			err = f.join.into(sum, p)
		} else {
			sum, err = f.join.copyOf(p)
		}
		if err != nil {
			r.fail(f, err)
			return
		}
	}
	if sum.IsValid() {
		f.join.put(fr.dst, sum)
	}
}

// joinFunc combines the values of all sides by a custom Join.
func (f *field) joinFunc(fr *frame) {
	sum := reflect.New(f.typ).Elem()
	sum.Set(fr.in[len(fr.in)-1])
	for i := len(fr.in) - 2; i >= 0; i-- {
		f.rule.custom.join(sum, fr.in[i])
	}
	f.fill(fr.dst, sum)
}

// callFunc asks a custom Func.
func (r *run) callFunc(f *field, fr *frame) {
	r.leaf = leafValues{f, fr.base, fr.in}
	n := len(fr.in)
	win, reason := decide(ruleFunc, &r.leaf, n, fr.known)
	changed := fr.known && nextChange(&r.leaf, -1, n, true) < n || !fr.known && n > 1
	if reason == "" && (!f.rule.custom.always || !changed) {
		f.fill(fr.dst, fr.in[win])
		return
	}
	c := call{path: r.path(f.name), sides: fr.in, who: fr.who, run: r}
	if fr.known {
		c.base = fr.base
	}
	out := reflect.New(f.typ).Elem()
	if err := f.rule.custom.call(&c, out); err != nil {
		r.person(f, err.Error())
		f.fill(fr.dst, fr.in[win])
		return
	}
	f.fill(fr.dst, out)
}
