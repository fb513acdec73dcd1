package resolver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Chain returns a [Func] that asks the rules in order, until one does not pass.
// It passes if all do. A rule that fails is the end of it.
//
//go:noinline
func Chain[T any](rules ...Func[T]) Func[T] {
	rules = slices.Clone(rules)
	return func(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
		if c.probe != nil {
			p := Policy{Name: "chain", Text: "the first of these that decides"}
			for _, rule := range rules {
				p.Parts = append(p.Parts, describe(rule))
			}
			*c.probe = p
			return Decision[T]{}, nil
		}
		d := c.passBy("chain", "no rule")
		for _, rule := range rules {
			var err error
			if d, err = ask(ctx, rule, c); err != nil || d.Action != Pass {
				return d, err
			}
		}
		return d, nil
	}
}

// ByKind returns a [Func] that asks the rule for the kind of the conflict: that
// for [Conflict.Kind], else that for [Conflict.Ops], else the last.
//
//go:noinline
func ByKind[T any](rules map[Kind]Func[T], otherwise Func[T]) Func[T] {
	rules = maps.Clone(rules)
	return func(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
		if c.probe != nil {
			p := Policy{Name: "by kind", Text: "according to what was done"}
			for _, k := range slices.Sorted(maps.Keys(rules)) {
				p.Parts = append(p.Parts, Policy{Name: string(k), Text: "this rule", Parts: []Policy{describe(rules[k])}})
			}
			p.Parts = append(p.Parts, Policy{Name: "otherwise", Text: "this rule", Parts: []Policy{describe(otherwise)}})
			*c.probe = p
			return Decision[T]{}, nil
		}
		for _, k := range []Kind{c.Kind, c.Ops} {
			if rule, ok := rules[k]; ok {
				return ask(ctx, rule, c)
			}
		}
		return ask(ctx, otherwise, c)
	}
}

// Check returns a [Func] that asks rule and passes if the value it decides for is
// not valid; name says what valid checks. A decision to delete is not checked.
//
//go:noinline
func Check[T any](name string, valid func(T) error, rule Func[T]) Func[T] {
	return func(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
		if c.probe != nil {
			*c.probe = Policy{Name: "check " + name, Text: "the rule below, unless its result is not valid", Parts: []Policy{describe(rule)}}
			return Decision[T]{}, nil
		}
		d, err := ask(ctx, rule, c)
		if err != nil {
			return d, err
		}
		value := c.result(&d)
		if value == nil {
			return d, nil
		}
		var given T
		if err := copyValue(&given, value); err != nil {
			return d, err
		}
		invalid := valid(given)
		if changedValue(&given, value) {
			return d, &RuleError{Rule: "check " + name, Err: ErrChanged}
		}
		if invalid != nil {
			d = c.passBy("check "+name, fmt.Sprintf("%s: %v", d.rule, invalid))
		}
		return d, nil
	}
}

// result returns the value that d decides for, nil if there is none.
func (c *Conflict[T]) result(d *Decision[T]) *T {
	switch {
	case d.Action == Use:
		return &d.Value
	case d.Action == Keep && !c.Versions[d.Version].Deleted:
		return &c.Versions[d.Version].Value
	default:
		return nil
	}
}

// Named returns rule under a name and with a text, for [Reconciler.Describe] and
// the log. Give a new name when a rule is changed: [Policy.Fingerprint] then tells
// the decisions of the one from those of the other.
//
//go:noinline
func Named[T any](name, text string, rule Func[T]) Func[T] {
	return func(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
		if c.probe != nil {
			*c.probe = Policy{Name: name, Text: text}
			return Decision[T]{}, nil
		}
		d, err := ask(ctx, rule, c)
		if e, ok := errors.AsType[*RuleError](err); ok {
			return d, &RuleError{Rule: name, Err: e.Err}
		}
		d.rule = name
		return d, err
	}
}
