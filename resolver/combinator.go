package resolver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Chain returns a Rule that asks the rules in order, until one does not pass,
// or fails. It passes if all do.
func Chain[T any](rules ...Rule[T]) Rule[T] {
	return defined[T](chain[T](slices.Clone(rules)))
}

type chain[T any] []Rule[T]

func (chain[T]) name() string { return "chain" }

func (r chain[T]) policy() Policy {
	p := Policy{Name: "chain", Text: "the first of these that decides"}
	for _, rule := range r {
		p.Parts = append(p.Parts, rule.Describe())
	}
	return p
}

func (r chain[T]) decide(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
	d := c.passBy("chain", "no rule")
	var notes []string
	for _, rule := range r {
		var err error
		d, err = rule.Resolve(ctx, c)
		if err != nil {
			return d, err
		}
		if d.Action != Pass {
			break
		}
		if d.note != "" {
			notes = append(notes, d.note)
		}
	}
	d.note = ""
	if len(notes) == 0 {
		return d, nil
	}
	if d.note = strings.Join(notes, "; "); d.Action != Pass {
		d.Reason = strings.TrimPrefix(d.Reason+"; "+d.note, "; ")
	}
	return d, nil
}

// ByKind returns a Rule that asks the rule for Conflict.Kind, else for
// Conflict.Ops, else otherwise.
func ByKind[T any](rules map[Kind]Rule[T], otherwise Rule[T]) Rule[T] {
	return defined[T](&byKind[T]{maps.Clone(rules), otherwise})
}

type byKind[T any] struct {
	rules     map[Kind]Rule[T]
	otherwise Rule[T]
}

func (*byKind[T]) name() string { return "by kind" }

func (r *byKind[T]) policy() Policy {
	p := Policy{Name: "by kind", Text: "according to what was done"}
	for _, k := range slices.Sorted(maps.Keys(r.rules)) {
		p.Parts = append(p.Parts, Policy{Name: string(k), Text: "this rule", Parts: []Policy{r.rules[k].Describe()}})
	}
	p.Parts = append(p.Parts, Policy{Name: "otherwise", Text: "this rule", Parts: []Policy{r.otherwise.Describe()}})
	return p
}

func (r *byKind[T]) decide(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
	for _, k := range []Kind{c.Kind, c.Ops} {
		if rule, ok := r.rules[k]; ok {
			return rule.Resolve(ctx, c)
		}
	}
	return r.otherwise.Resolve(ctx, c)
}

// Check returns a Rule that asks rule and passes if the value it decides for is
// not valid; name says what valid checks. It does not check deletes.
func Check[T any](name string, valid func(T) error, rule Rule[T]) Rule[T] {
	return defined[T](&check[T]{"check " + name, valid, rule})
}

type check[T any] struct {
	named string
	valid func(T) error
	rule  Rule[T]
}

func (r *check[T]) name() string { return r.named }

func (r *check[T]) policy() Policy {
	return Policy{Name: r.named, Text: "the rule below, unless its result is not valid", Parts: []Policy{r.rule.Describe()}}
}

func (r *check[T]) decide(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
	d, err := r.rule.Resolve(ctx, c)
	if err != nil {
		return d, err
	}
	value := c.result(&d)
	if value == nil {
		return d, nil
	}
	if d.Action == Keep && c.Versions[d.Version].checkValue() != nil {
		return c.passUnread(r.named), nil
	}
	var given T
	if err := copyValue(&given, value); err != nil {
		return d, err
	}
	invalid := r.valid(given)
	if !same(&given, value) {
		return d, ErrChanged
	}
	if invalid != nil {
		d = c.passBy(r.named, fmt.Sprintf("%s: %v", d.rule, invalid))
	}
	return d, nil
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
