package resolvertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Kit describes a rule to be checked. Values and one of Rule and At are
// required; give Expect too, as a rule that always keeps the worst version
// obeys all laws. A Kit is not safe for concurrent use.
type Kit[T any] struct {
	// Rule is the rule: [resolver.Named] makes one of a function.
	Rule resolver.Rule[T]
	// At replaces Rule where a rule keeps something in memory: it returns the
	// reconciler of a program that starts at the site, anew for each restart. A Log
	// with the Entries of [*resolver.MemoryLog] shows what became of gone versions.
	At func(site vclock.Replica) *resolver.Reconciler[T]
	// Read reads a key as the application does, by rec.Resolve if nil. One site may
	// write outcomes back under w; sites that answer each other never come to rest.
	Read func(ctx context.Context, rec *resolver.Reconciler[T], w resolver.Writer, key string, set *resolver.Siblings[T]) (resolver.Outcome[T], error)
	// Values draws what sites write: few, so that they meet, the simplest first.
	Values *rapid.Generator[T]
	// Equal reports whether values mean the same; nil, better, compares encodings.
	Equal func(x, y T) bool
	// Expect says what is wrong with an outcome of out.Conflict. Nil means nothing.
	Expect func(out resolver.Outcome[T]) error
	// Key is the key of the versions. Empty means "k".
	Key string
	// Sites are the replicas in a history, two at least. Nil means eu, us and ap.
	Sites []vclock.Replica
	// Patience is how long the rule has to answer, and to give up when its context is
	// done, before it is left behind. Zero means a second.
	Patience time.Duration
}

// Check draws histories by package rapid and fails tb with a short one, and its
// seed, if a law is broken. There are as many as -rapid.checks says, a fifth of
// them with -short, from -rapid.seed if set. If tb is a [*testing.T], it also
// asks more than a year later, in a bubble of testing/synctest.
func (k *Kit[T]) Check(tb testing.TB) {
	tb.Helper()
	lawkit.Check(tb, "histories", func(seed, n int) (at int, err error) {
		at, err = k.search(seed, n)
		if t, ok := tb.(*testing.T); ok && err == nil {
			at, err = k.later(t, seed, min(n, 20))
		}
		return at, err
	})
}

// Property checks one history, drawn from t, as [rapid.MakeFuzz] needs it.
func (k *Kit[T]) Property(t *rapid.T) {
	if err := k.prepare(); err != nil {
		t.Fatal(err)
	}
	if failure := k.find(k.drawHistory(t)); failure != nil {
		t.Fatal(failure)
	}
}

// Run checks n histories that depend on seed and the rule alone. It returns a
// [*LawError] for the first that breaks a law, nil, or why the kit cannot run.
func (k *Kit[T]) Run(seed, n int) error {
	_, err := k.search(seed, n)
	return err
}

// search checks n histories and returns the seed of the first that fails, and why.
func (k *Kit[T]) search(seed, n int) (at int, err error) {
	if err := k.prepare(); err != nil {
		return 0, err
	}
	if failure := k.run(k.smallest()); failure != nil {
		return seed, failure
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
func (k *Kit[T]) find(h history[T]) *LawError {
	failure := k.run(h)
	if failure == nil || failure.Law == Bounded {
		return failure // what hangs once hangs again, and each time is left behind
	}
	return k.shrink(h, failure)
}

func (k *Kit[T]) prepare() error {
	switch {
	case k.Rule == nil && k.At == nil:
		return errors.New("resolvertest: the Kit has neither Rule nor At")
	case k.Values == nil:
		return errors.New("resolvertest: the Kit has no Values")
	case k.Sites != nil && len(k.Sites) < 2:
		return fmt.Errorf("resolvertest: the Kit has %d Sites, want two or more", len(k.Sites))
	}
	for i, site := range k.Sites {
		switch {
		case !site.IsValid():
			return fmt.Errorf("resolvertest: the Kit has an invalid site %q", string(site))
		case slices.Contains(k.Sites[:i], site):
			return fmt.Errorf("resolvertest: the Kit has the site %q twice", string(site))
		}
	}
	return nil
}

func (k *Kit[T]) sites() []vclock.Replica {
	if k.Sites == nil {
		return []vclock.Replica{"eu", "us", "ap"}
	}
	return k.Sites
}

func (k *Kit[T]) key() string {
	if k.Key == "" {
		return "k"
	}
	return k.Key
}

func (k *Kit[T]) patience() time.Duration {
	if k.Patience == 0 {
		return time.Second
	}
	return k.Patience
}
