package crdttest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Kit describes a replicated type to be checked. New and Ops are required;
// give Value and Model too. A Kit is not safe for concurrent use. Its functions
// must be deterministic.
type Kit[S crdt.State[S]] struct {
	// New returns a new empty state.
	New func() S

	// Ops are the updates of the type, each made with [Op] or [OpSeen].
	Ops []Operation[S]

	// Value returns what a reader of a state sees, without memory of the state. Nil
	// means that failures show a state through its String method or as JSON.
	Value func(S) any

	// Model returns what Value, which it needs, must return for a state that has seen
	// the given updates and no others, in the order of the history; [Event.Saw] tells
	// what was known to whom. They are compared by [reflect.DeepEqual], but nil and
	// empty slices and maps are equal. Nil means no model.
	Model func(seen []Event) any

	// Carries reports whether the delta of an update also has the effect of an earlier
	// one that it saw, as in a counter, where it holds the total of its replica. Nil
	// means that it has not. Only Model depends on it.
	Carries func(update, earlier Event) bool

	// Clock returns what a state has seen, for a type with Compact(crdt.Context) bool,
	// which gets what all have seen. Nil means Context().Clock() for a type that has
	// Context() crdt.Context; one that has neither is not compacted.
	Clock func(S) vclock.Clock

	// Replicas is the number of replicas in a history, 1 to 26. Zero means 3.
	Replicas int

	// Steps is the least number of steps in a history, of at most 64. Zero means 16.
	Steps int

	format  format
	clock   func(S) vclock.Clock // nil if the type is not compacted
	samples [][]any              // for each operation a few arguments, for trying out changes
	used    *S                   // what states of the history were decoded into, one after the other
}

// An Operation is one kind of update of a type, made by [Op] or [OpSeen].
type Operation[S any] struct {
	name    string
	draw    func(*rapid.T) any
	example func(seed int) any
	seen    bool // made by OpSeen

	// apply makes the update. Client is a state that the client has read, which
	// only an operation made by OpSeen looks at.
	apply func(s S, r vclock.Replica, client S, arg any) (S, error)
}

// Op returns the operation called name, with arguments drawn from args. Draw
// from few values, so that replicas meet on the same ones. An operation without
// an argument passes nil for args and gets the zero A, which histories leave
// out if A is struct{}. Apply updates s on behalf of r and returns the delta,
// or a nil S where the type has none. An error says that the update was
// refused: s must then be as it was, and the delta, if any, must have no
// effect.
func Op[S, A any](name string, args *rapid.Generator[A], apply func(s S, r vclock.Replica, arg A) (S, error)) Operation[S] {
	return operation(name, args, func(s S, r vclock.Replica, _ S, arg A) (S, error) { return apply(s, r, arg) })
}

// OpSeen is like [Op] for an update on behalf of a client that has read a
// state, maybe a while ago and elsewhere, and has kept what read returned of
// it, as what (*Tags).Context does. Apply gets that as seen, for
// t.RemoveSeen(r, seen, tag); a client that has read nothing has what read
// returns of the empty state. The update may undo what it finds and the client
// was shown, and nothing else.
func OpSeen[S, C, A any](name string, args *rapid.Generator[A], read func(s S) C, apply func(s S, r vclock.Replica, seen C, arg A) (S, error)) Operation[S] {
	op := operation(name, args, func(s S, r vclock.Replica, client S, arg A) (S, error) {
		return apply(s, r, read(client), arg)
	})
	op.seen = true
	return op
}

func operation[S, A any](name string, args *rapid.Generator[A], apply func(s S, r vclock.Replica, client S, arg A) (S, error)) Operation[S] {
	op := Operation[S]{
		name:    name,
		draw:    func(*rapid.T) any { var zero A; return zero },
		example: func(int) any { var zero A; return zero },
		apply: func(s S, r vclock.Replica, client S, arg any) (S, error) {
			a, _ := arg.(A)
			return apply(s, r, client, a)
		},
	}
	if args != nil {
		op.draw = func(t *rapid.T) any { return args.Draw(t, name) }
		op.example = func(seed int) any { return args.Example(seed) }
	}
	return op
}

// Check draws histories and fails tb with a minimal one if a law is broken. The
// flags of rapid apply: -rapid.checks says how many, a fifth of them with
// -short, and -rapid.seed with which seed, as a failure reports it.
func (k *Kit[S]) Check(tb testing.TB) {
	tb.Helper()
	lawkit.Check(tb, "histories", k.search)
}

// Property checks one history, drawn from t. It is for fuzzing through
// [rapid.MakeFuzz], and for properties that contain more than the kit.
func (k *Kit[S]) Property(t *rapid.T) {
	if err := k.prepare(); err != nil {
		t.Fatal(err)
	}
	if failure := k.find(k.drawHistory(t)); failure != nil {
		t.Fatal(failure)
	}
}

// Run checks n histories that depend on its arguments only. It returns a
// [*LawError] with a minimal history for the first that breaks a law, or nil.
func (k *Kit[S]) Run(seed, n int) error {
	_, err := k.search(seed, n)
	return err
}

// search checks n histories and returns the seed of the first that fails, and why.
func (k *Kit[S]) search(seed, n int) (at int, err error) {
	if err := k.prepare(); err != nil {
		return 0, err
	}
	histories := rapid.Custom(k.drawHistory)
	for at := seed; at < seed+n; at++ {
		if failure := k.find(histories.Example(at)); failure != nil {
			return at, failure
		}
	}
	return 0, nil
}

// find runs h and returns the failure of a minimal history if h has one.
func (k *Kit[S]) find(h history) *LawError {
	failure := k.run(h)
	if failure == nil {
		return nil
	}
	return k.shrink(h, failure)
}

const maxSteps = 64 // what an eventSet can hold

func (k *Kit[S]) replicas() int {
	if k.Replicas == 0 {
		return 3
	}
	return k.Replicas
}

func (k *Kit[S]) minSteps() int {
	if k.Steps == 0 {
		return 16
	}
	return k.Steps
}

func (k *Kit[S]) prepare() error {
	switch {
	case k.samples != nil:
		return nil
	case k.New == nil:
		return errors.New("crdttest: the Kit has no New")
	case len(k.Ops) == 0:
		return errors.New("crdttest: the Kit has no Ops")
	case k.Model != nil && k.Value == nil:
		return errors.New("crdttest: the Kit has a Model but no Value to compare with it")
	case k.replicas() < 1 || k.replicas() > 26:
		return fmt.Errorf("crdttest: Replicas is %d, want 1 to 26", k.Replicas)
	case k.minSteps() < 1 || k.minSteps() > maxSteps:
		return fmt.Errorf("crdttest: Steps is %d, want 1 to %d", k.Steps, maxSteps)
	}
	k.format = formatOf(k.New())
	k.clock = k.clockOf()
	for _, op := range k.Ops {
		if op.apply == nil {
			return errors.New("crdttest: an element of Ops was not made by Op or OpSeen")
		}
		k.samples = append(k.samples, op.samples())
	}
	return nil
}

// samples returns a few arguments of op, those of short text first.
func (op Operation[S]) samples() []any {
	byText := map[string]any{}
	for seed := range 8 {
		arg := op.example(seed)
		byText[fmt.Sprint(arg)] = arg
	}
	args := make([]any, 0, len(byText))
	for _, text := range slices.SortedFunc(maps.Keys(byText), compareText) {
		args = append(args, byText[text])
	}
	return args
}
