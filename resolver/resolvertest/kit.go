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
// required; give Expect too, because laws alone are not enough: a rule that always
// keeps the worst version obeys all of them.
//
// A Kit is not safe for concurrent use.
type Kit[T any] struct {
	// Rule is the rule: [resolver.Named] makes one of a function.
	Rule resolver.Rule[T]

	// At is for rules that are set up where they run, with what they keep in
	// memory. It returns a reconciler as a program makes one that starts at the
	// given site, and is called anew for each restart. If its Log has the method
	// Entries() []resolver.LogEntry, as [*resolver.MemoryLog] has, the kit reads
	// there what became of the versions that are gone. With At, Rule is not used.
	At func(site vclock.Replica) *resolver.Reconciler[T]

	// Read is how the application reads a key, if it does more than rec.Resolve:
	// if it writes outcomes back under w, for one. It comes to rest if one site does
	// that; sites that answer each other's writes do not. Nil means rec.Resolve.
	Read func(ctx context.Context, rec *resolver.Reconciler[T], w resolver.Writer, key string, set *resolver.Siblings[T]) (resolver.Outcome[T], error)

	// Values are what the sites write. Draw from few, so that sites write the same,
	// and let the first be the simplest.
	Values *rapid.Generator[T]

	// Equal reports whether two values mean the same. Nil means that their
	// encodings have to be equal, which is better: what is read is written again.
	Equal func(x, y T) bool

	// Expect returns an error if an outcome is not what the rule is for. It has
	// the conflict in out.Conflict. Nil means that every outcome is right.
	Expect func(out resolver.Outcome[T]) error

	// Key is the key that the versions are of. Empty means "k".
	Key string

	// Sites are the replicas in a history, two at least. Nil means eu, us and ap.
	Sites []vclock.Replica

	// Patience is how long the rule may take to answer, and to give up when its
	// context is done. A rule that is not back by then is given up on, and what it
	// runs in is left behind. Zero means a second.
	Patience time.Duration
}

// Check draws histories and fails tb with a minimal one if a law is broken. The
// flags of rapid apply: there are as many histories as -rapid.checks says, a fifth
// of them with -short, and they start from -rapid.seed if that is set.
//
// If tb is a [*testing.T], the rule is also asked again after up to a year, in a
// bubble of package testing/synctest, where that takes no time.
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

// Property checks one history, drawn from t. It is for fuzzing through
// [rapid.MakeFuzz], and for properties that contain more than the kit.
func (k *Kit[T]) Property(t *rapid.T) {
	if err := k.prepare(); err != nil {
		t.Fatal(err)
	}
	if failure := k.find(k.drawHistory(t)); failure != nil {
		t.Fatal(failure)
	}
}

// Run checks n histories that depend on seed and nothing else. It returns a
// [*LawError] with a minimal history for the first that breaks a law, or nil.
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
