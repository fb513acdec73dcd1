package mergetest

import (
	"cmp"
	"fmt"

	"github.com/rejoin-go/rejoin/merge"
)

// Prefer checks that compare is what [merge.Prefer] asks for, a total preorder
// that leaves its arguments alone, on all triples of the values. Then it checks
// a plan with that rule. Give a few values of each sort, the zero value, and
// some that compare holds equal.
func Prefer[F any](compare func(a, b F) int, values ...F) error {
	c := calls[F]{values}
	sign := func(i, j int) (n int, failure *LawError) {
		failure = c.call(func(v []F) { n = cmp.Compare(compare(v[0], v[1]), 0) }, i, j)
		return n, failure
	}
	signs := make([][]int, len(values))
	for i := range values {
		signs[i] = make([]int, len(values))
		for j := range values {
			n, failure := sign(i, j)
			if failure != nil {
				return failure
			}
			signs[i][j] = n
		}
	}
	for i := range values {
		for j := range values {
			if n, failure := sign(j, i); failure != nil {
				return failure
			} else if n != signs[j][i] {
				return c.broken(Deterministic, fmt.Sprintf("compare(a, b) is %d once, and another time %d", signs[j][i], n), j, i)
			}
		}
	}
	if failure := c.preorder(signs); failure != nil {
		return failure
	}
	return c.plan(merge.Prefer("rule", compare))
}

// preorder checks the signs of all pairs.
func (c calls[F]) preorder(signs [][]int) *LawError {
	for i := range signs {
		if signs[i][i] != 0 {
			return c.broken(Reflexive, fmt.Sprintf("compare(a, a) is %d", signs[i][i]), i)
		}
		for j := range i {
			if signs[i][j] != -signs[j][i] {
				return c.broken(Antisymmetric, fmt.Sprintf("compare(a, b) is %d and compare(b, a) is %d", signs[j][i], signs[i][j]), j, i)
			}
		}
	}
	for i := range signs {
		for j := range signs {
			for l := range signs {
				if signs[i][j] <= 0 && signs[j][l] <= 0 && signs[i][l] > 0 {
					return c.broken(Transitive, fmt.Sprintf("compare(a, b) is %d and compare(b, c) is %d, but compare(a, c) is %d",
						signs[i][j], signs[j][l], signs[i][l]), i, j, l)
				}
			}
		}
	}
	return nil
}

// Join checks that join is what [merge.Join] asks for: idempotent, commutative,
// associative, and leaving its arguments alone, of which it may return one, on
// all triples of the values. Then it checks a plan with that rule.
func Join[F any](join func(a, b F) F, values ...F) error {
	c := calls[F]{values}
	for i := range values {
		for j := range values {
			if failure := c.pair(join, i, j); failure != nil {
				return c.steady(join, failure, i, j)
			}
		}
	}
	for i := range values {
		for j := range values {
			for l := range values {
				if failure := c.triple(join, i, j, l); failure != nil {
					return c.steady(join, failure, i, j, l)
				}
			}
		}
	}
	return c.plan(merge.Join("rule", join))
}

func (c calls[F]) pair(join func(a, b F) F, i, j int) *LawError {
	var ab, ba, again, aa, twice F
	failure := c.call(func(v []F) { ab = clone(join(v[0], v[1])) }, i, j)
	if failure == nil {
		failure = c.call(func(v []F) { again = clone(join(v[0], v[1])) }, i, j)
	}
	if failure == nil {
		failure = c.call(func(v []F) { ba = clone(join(v[1], v[0])) }, i, j)
	}
	if failure == nil {
		failure = c.call(func(v []F) { aa = clone(join(v[0], clone(v[0]))) }, i)
	}
	if failure == nil {
		failure = c.call(func(v []F) { twice = clone(join(clone(ab), v[1])) }, i, j)
	}
	switch {
	case failure != nil:
		return failure
	case keyOf(ab) != keyOf(again):
		return c.unsteady(ab, again, i, j)
	case keyOf(aa) != keyOf(c.values[i]):
		return c.broken(Idempotent, "join(a, a) is "+show(aa), i)
	case keyOf(ab) != keyOf(ba):
		return c.broken(Commutative, fmt.Sprintf("join(a, b) is %s\njoin(b, a) is %s", show(ab), show(ba)), i, j)
	case keyOf(twice) != keyOf(ab):
		return c.broken(Idempotent, fmt.Sprintf("join(a, b) is %s\njoin(join(a, b), b) is %s", show(ab), show(twice)), i, j)
	}
	return nil
}

func (c calls[F]) triple(join func(a, b F) F, i, j, l int) *LawError {
	var left, right F
	failure := c.call(func(v []F) { left = clone(join(clone(join(v[0], v[1])), v[2])) }, i, j, l)
	if failure == nil {
		failure = c.call(func(v []F) { right = clone(join(v[0], clone(join(v[1], v[2])))) }, i, j, l)
	}
	switch {
	case failure != nil:
		return failure
	case keyOf(left) != keyOf(right):
		return c.broken(Associative, fmt.Sprintf("join(join(a, b), c) is %s\njoin(a, join(b, c)) is %s", show(left), show(right)), i, j, l)
	}
	return nil
}

// steady returns the failure, or that join is not deterministic if a few calls
// with some of the values show that.
func (c calls[F]) steady(join func(a, b F) F, failure *LawError, which ...int) *LawError {
	if failure.Law == Panics || failure.Law == Argument {
		return failure
	}
	for _, i := range which {
		for _, j := range which {
			first := join(clone(c.values[i]), clone(c.values[j]))
			for range repeats {
				if again := join(clone(c.values[i]), clone(c.values[j])); keyOf(again) != keyOf(first) {
					return c.unsteady(first, again, i, j)
				}
			}
		}
	}
	return failure
}

func (c calls[F]) unsteady(first, again F, i, j int) *LawError {
	return c.broken(Deterministic, fmt.Sprintf("join(a, b) is %s once,\nand another time %s", show(first), show(again)), i, j)
}

// Func checks that f is what [merge.Func] asks for, depending on its case alone
// and leaving it alone, in all merges of two of the values with each base and
// some of three. Errors of f leave the decision to a person, and are no fault.
func Func[F any](f func(merge.Case[F]) (F, error), values ...F) error {
	return calls[F]{values}.plan(merge.Func("rule", f))
}

// A calls is a set of values to call functions with.
type calls[F any] struct{ values []F }

// call calls f with copies of some values and checks that they stay as they are.
// It does so twice: with and without room in lists for an append to write to.
func (c calls[F]) call(f func([]F), which ...int) *LawError {
	if failure := c.callWith(roomy[F], f, which); failure != nil {
		return failure
	}
	return c.callWith(clone[F], f, which)
}

func (c calls[F]) callWith(copied func(F) F, f func([]F), which []int) *LawError {
	args := make([]F, len(which))
	before := make([]string, len(which))
	for i, n := range which {
		args[i] = copied(c.values[n])
		before[i] = spareKeyOf(args[i])
	}
	failure := contain(func() *LawError {
		f(args)
		return nil
	})
	if failure != nil {
		return c.broken(failure.Law, failure.Detail, which...)
	}
	for i, arg := range args {
		if spareKeyOf(arg) == before[i] {
			continue
		}
		name, is := string(rune('a'+i)), show(arg)
		if is == show(c.values[which[i]]) {
			is += ", with something appended in its memory"
		}
		return c.broken(Argument, fmt.Sprintf("after the call, %s is %s", name, is), which...)
	}
	return nil
}

func (c calls[F]) broken(l Law, detail string, which ...int) *LawError {
	failure := &LawError{Law: l, Detail: detail}
	for i, n := range which {
		failure.Inputs = append(failure.Inputs, fmt.Sprintf("%c: %s", 'a'+i, show(c.values[n])))
	}
	return failure
}

// A box is a struct with one field, for a rule to merge.
type box[F any] struct{ V F }

// plan checks a plan with one rule: all merges of two values, and of three that
// follow each other.
func (c calls[F]) plan(r merge.Rule[F]) error {
	p, err := merge.Compile(merge.Options[box[F]]{
		Overrides: []merge.Override[box[F]]{merge.Field(func(b *box[F]) *F { return &b.V }, r)},
	})
	if err != nil {
		return fmt.Errorf("mergetest: %w", err)
	}
	k := &Kit[box[F]]{Plan: p}
	for _, v := range c.values {
		k.samples = append(k.samples, box[F]{v})
	}
	for base := -1; base < len(c.values); base++ {
		for i := range c.values {
			for j := range c.values {
				for _, sides := range [][]int{{i, j}, {i, j, (i + j + 1) % len(c.values)}} {
					if failure := k.check(k.boxes(base, sides)); failure != nil {
						return failure
					}
				}
			}
		}
	}
	return nil
}

// boxes returns the scene of some samples, the last two with one stamp.
func (k *Kit[T]) boxes(base int, sides []int) scene[T] {
	var s scene[T]
	if base >= 0 {
		s.base = &version[T]{start: k.samples[base]}
	}
	for i, n := range sides {
		v := side[T]{version: version[T]{start: k.samples[n]}}
		v.stamp.Time, v.stamp.Replica = 1, "a"
		if i == 0 {
			v.stamp.Time = 2
		}
		s.sides = append(s.sides, v)
	}
	return s
}
