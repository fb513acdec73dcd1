package resolver

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
)

// A Resolver decides conflicts. It is what applications implement, mostly as a
// [Func]. It is called whenever there are two or more concurrent versions.
//
// Its answer must depend on the conflict and on nothing else: not on a clock, on
// chance, on the order of a map, on where it runs, or on what it was asked before.
// Then all regions come to the same answer, whatever that is. It need be neither
// commutative nor associative, since it sees all versions at once. Package
// resolvertest checks that a rule is like that.
//
// It must not change what it is given, which is a copy: of a T with unexported
// fields it is made by the method Clone() T, if there is one, and else from the
// bytes. It should give up when ctx is done. If it panics, fails, or breaks these
// rules where that can be seen, a person decides.
type Resolver[T any] interface {
	Resolve(ctx context.Context, c *Conflict[T]) (Decision[T], error)
}

// A Func is a [Resolver] that is a function. Policies and combinators are Funcs,
// so that the generic ones may be passed by name: Chain(mine, LastWriterWins).
type Func[T any] func(ctx context.Context, c *Conflict[T]) (Decision[T], error)

// Resolve implements [Resolver]. It contains the faults of f: see [Resolver].
func (f Func[T]) Resolve(ctx context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.probe != nil {
		*c.probe = describe(f)
		return Decision[T]{}, nil
	}
	return ask(ctx, f, c)
}

// A RuleError says which rule failed, and why: a panic, an error of its own, an
// answer that is none, or a change of what it was given.
type RuleError struct {
	Rule string
	Err  error
}

func (e *RuleError) Error() string { return fmt.Sprintf("resolver: rule %q: %v", e.Rule, e.Err) }

// Unwrap returns e.Err.
func (e *RuleError) Unwrap() error { return e.Err }

// ErrChanged is what a [RuleError] wraps about a rule that changed what it was
// given.
var ErrChanged = errors.New("changed what it was given")

var (
	errNil     = errors.New("is nil")
	errNoError = errors.New("<nil>") // a nil pointer of some type of error
)

// ask lets rule decide c. Its error is a [*RuleError] with the innermost rule.
// Rules of this package get c itself, and copy before they call others; all
// others get a copy, and may not change even that.
func ask[T any](ctx context.Context, rule Func[T], c *Conflict[T]) (Decision[T], error) {
	if rule == nil {
		return Decision[T]{}, &RuleError{Rule: "nil", Err: errNil}
	}
	s := sourceOf(rule)
	return askAs(ctx, s.name, s.own, rule, c)
}

// askResolver is ask for any Resolver.
func askResolver[T any](ctx context.Context, r Resolver[T], c *Conflict[T]) (Decision[T], error) {
	if f, ok := r.(Func[T]); ok {
		return ask(ctx, f, c)
	}
	if r == nil {
		return ask(ctx, Manual[T], c)
	}
	return askAs(ctx, fmt.Sprintf("%T", r), false, r.Resolve, c)
}

func askAs[T any](ctx context.Context, name string, own bool, rule Func[T], c *Conflict[T]) (Decision[T], error) {
	if c.lent && changed(c.Versions, c.entries) {
		return Decision[T]{}, ErrChanged // by the rule that asks, and so it is its fault
	}
	d, failed := protect(ctx, name, own, rule, c)
	if err := ctx.Err(); failed == nil && err != nil {
		failed = &RuleError{Rule: name, Err: err}
	}
	if failed != nil {
		return Decision[T]{}, failed
	}
	if d.rule == "" {
		d.rule = name
	}
	return d, nil
}

// askCopy lets rule decide a copy of c.
func askCopy[T any](ctx context.Context, rule Func[T], c *Conflict[T]) (Decision[T], error) {
	given, entries, err := c.copied()
	if err != nil {
		return Decision[T]{}, err
	}
	versions := given.Versions
	d, err := rule(ctx, given)
	if err == nil && changed(versions, entries) {
		err = ErrChanged
	}
	return d, err
}

// protect calls rule and looks at its answer. All that the application may have
// a say in is done here, so that no panic gets out: not one of an encoder or of
// an error that is a nil pointer either.
func protect[T any](ctx context.Context, name string, own bool, rule Func[T], c *Conflict[T]) (d Decision[T], failed *RuleError) {
	defer func() {
		if p := recover(); p != nil {
			failed = &RuleError{Rule: name, Err: fmt.Errorf("panic: %v", p)}
			if cause, ok := p.(error); ok {
				failed.Err = fmt.Errorf("panic: %w", cause)
			}
		}
	}()
	var err error
	if own {
		d, err = rule(ctx, c)
	} else {
		d, err = askCopy(ctx, rule, c)
		d.good = false // as it may be another value by now
	}
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
	return d, &RuleError{Rule: name, Err: err}
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
	return err == nil && errKnown == nil && e.enc == entries[i].enc
}

// A source is where a rule comes from.
type source struct {
	name string // as the source has it
	own  bool   // it is of this package
}

// sources has the source of each function that was asked for.
var sources sync.Map //nolint:gochecknoglobals // a memo: what it says of a function never changes

// sourceOf returns the source of a rule. A generic function or the closure of one
// goes by the package that declares it, if it is instantiated by name outside of
// generic code.
func sourceOf[T any](rule Func[T]) *source {
	f := runtime.FuncForPC(reflect.ValueOf(rule).Pointer())
	if s, ok := sources.Load(f); ok {
		return s.(*source)
	}
	full := f.Name()
	name := full[strings.LastIndexByte(full, '/')+1:]
	rest, ok := strings.CutPrefix(name, "resolver.")
	own := ok && full[:len(full)-len(name)] == modulePath && !strings.HasPrefix(rest, "Resolver[")
	if own {
		name = rest
	}
	if i := strings.IndexByte(name, '['); i >= 0 && strings.HasSuffix(name, "[...]") {
		name = name[:i]
	}
	s := &source{strings.TrimSuffix(name, "-fm"), own}
	sources.Store(f, s)
	return s
}

const modulePath = "github.com/rejoin-go/rejoin/"
