package resolver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
)

// A Func decides a conflict, as an application writes it, whenever there are
// two or more concurrent versions. [Named] makes a [Rule] of it.
//
// Its answer must depend on the conflict alone: not on a clock, on chance, on
// the order of a map, on where it runs, or on what it was asked before. Then
// all regions come to the same answer. Package resolvertest checks that. It
// must not change its argument, a copy: of a T with unexported fields by its
// method Clone() T, if there is one, and else from the bytes. It should give up
// when ctx is done. If it panics, fails, or is seen to break these rules, a
// person decides.
type Func[T any] func(ctx context.Context, c *Conflict[T]) (Decision[T], error)

// A Rule decides conflicts and says in words how. Those of this package that
// have no parameters are passed by their name:
//
//	Chain(Named("paid first", "an order that is paid stands", paidFirst), LastWriterWins)
//
// A Rule is safe for concurrent use if its functions are.
type Rule[T any] func() Definition[T]

// A Definition is what a [Rule] returns: the rule and its description. Only
// this package makes one; a rule of your own is passed by its name like this:
//
//	func paidFirst() resolver.Definition[Order] {
//		return resolver.Named("paid first", "an order that is paid stands", decidePaid)()
//	}
type Definition[T any] interface {
	// name returns the name of the policy.
	name() string
	// policy returns what the rule does, in words.
	policy() Policy
	// decide answers c and leaves it as it is.
	decide(ctx context.Context, c *Conflict[T]) (Decision[T], error)
}

// Describe returns what r does, in words.
func (r Rule[T]) Describe() Policy {
	if r == nil {
		return Policy{Name: "nil", Text: "fails, so that a person decides"}
	}
	return r().policy()
}

// Resolve decides c, for a [Func] that asks another rule. Its error is a
// [*RuleError] of the innermost rule, or [ErrChanged] if the Func changed c.
func (r Rule[T]) Resolve(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
	if r == nil {
		return Decision[T]{}, &RuleError{Rule: "nil", Err: errNil}
	}
	if c.lent && changed(c.Versions, c.Base, c.entries, &c.common) {
		return Decision[T]{}, ErrChanged // by the function that asks, and so it is its fault
	}
	def := r()
	d, failed := protect(ctx, def, c)
	if err := ctx.Err(); failed == nil && err != nil {
		failed = &RuleError{Rule: def.name(), Err: err}
	}
	if failed != nil {
		return Decision[T]{}, failed
	}
	if d.rule == "" {
		d.rule = def.name()
	}
	return d, nil
}

// Named returns the rule that f decides by, with a name and a text for
// [Rule.Describe] and the log. Rename a rule that is changed, so that
// [Policy.Fingerprint] tells its old decisions from the new ones.
func Named[T any](name, text string, f Func[T]) Rule[T] {
	return defined[T](&named[T]{Policy{Name: name, Text: text}, f})
}

// defined returns the rule with the given definition.
func defined[T any](d Definition[T]) Rule[T] { return func() Definition[T] { return d } }

// A named is a function of the application, which gets copies and may not change
// even those.
type named[T any] struct {
	described Policy
	f         Func[T]
}

func (n *named[T]) name() string   { return n.described.Name }
func (n *named[T]) policy() Policy { return n.described }

func (n *named[T]) decide(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
	if n.f == nil {
		return Decision[T]{}, errNil
	}
	if c.bad != nil {
		return c.passUnread(n.described.Name), nil
	}
	given, entries, err := c.copied()
	if err != nil {
		return Decision[T]{}, err
	}
	versions, base, was := given.Versions, given.Base, given.common
	d, err := n.f(ctx, given)
	if err == nil && changed(versions, base, entries, &was) {
		err = ErrChanged
	}
	d.rule, d.good = n.described.Name, false // as the value may be another by now
	return d, err
}

// A RuleError says which rule failed, and why: a panic, an error of its own, an
// invalid answer, or [ErrChanged].
type RuleError struct {
	Rule  string
	Err   error
	Stack []byte // of a panic, see [debug.Stack]
}

func (e *RuleError) Error() string { return fmt.Sprintf("resolver: rule %q: %v", e.Rule, e.Err) }

// Unwrap returns e.Err.
func (e *RuleError) Unwrap() error { return e.Err }

var (
	errNil     = errors.New("is nil")
	errNoError = errors.New("<nil>") // a nil pointer of some type of error
)

// protect lets def decide and looks at its answer. All that the application may
// have a say in is done here, so that no panic gets out: not one of an encoder or
// of an error that is a nil pointer either.
func protect[T any](ctx context.Context, def Definition[T], c *Conflict[T]) (d Decision[T], failed *RuleError) {
	defer func() {
		if p := recover(); p != nil {
			failed = &RuleError{Rule: def.name(), Err: fmt.Errorf("panic: %v", p), Stack: debug.Stack()}
			if cause, ok := p.(error); ok {
				failed.Err = fmt.Errorf("panic: %w", cause)
			}
		}
	}()
	d, err := def.decide(ctx, c)
	if err == nil {
		err = c.valid(&d)
	}
	if err == nil {
		return d, nil
	}
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.IsNil() {
		err = errNoError // whose methods do not panic
	}
	if inner, ok := errors.AsType[*RuleError](err); ok && inner.Err != nil {
		return d, inner
	}
	return d, &RuleError{Rule: def.name(), Err: err}
}

// valid returns an error for a decision that is none.
func (c *Conflict[T]) valid(d *Decision[T]) error {
	switch d.Action {
	case Keep:
		if d.Version < 0 || d.Version >= len(c.Versions) {
			return fmt.Errorf("keeps version %d of %d", d.Version, len(c.Versions))
		}
		if d.kept != nil && !c.holds(d.kept, d.Version) {
			return fmt.Errorf("keeps version %d of another conflict, %v, which is %v here", d.Version, d.kept.Stamp, c.Versions[d.Version].Stamp)
		}
	case Use:
		if d.good {
			return nil
		}
		var err error
		if d.Value, err = storable(d.Value); err != nil {
			return fmt.Errorf("uses a value that cannot be encoded: %w", err)
		}
	case Defer, Delete, Pass:
	default:
		return fmt.Errorf("unknown action %d", d.Action)
	}
	return nil
}

// holds reports whether v is version i of c. Of forked versions the stamp does not
// say so.
func (c *Conflict[T]) holds(v *Version[T], i int) bool {
	w := &c.Versions[i]
	if v.Stamp != w.Stamp || v == w || c.Kind != Forked {
		return v.Stamp == w.Stamp
	}
	e, err := newEntry(*v)
	entries, errKnown := c.known()
	return err == nil && errKnown == nil && e.same(&entries[i])
}
