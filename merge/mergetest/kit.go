package mergetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Kit describes a plan to be checked: Plan, and Values or Edits, or both.
type Kit[T any] struct {
	// Plan is what is checked.
	Plan *merge.Plan[T]
	// Values draws versions as [Values] does, with few values of a field so that some
	// agree. Nil means the zero T after Edits.
	Values *rapid.Generator[T]
	// Edits change a version as a program does, also behind unexported fields: a side
	// is the base after some of them. They take any version, one with nil maps, too.
	Edits []func(*T)
	// Sides is the largest number of sides of a merge, 2 to 5. Zero means 3.
	Sides int
	// Pairwise says that all rules obey [Pairwise], as max does, and lww cannot.
	Pairwise bool
	// Waive lists laws broken on purpose, as [Agreed] by a [merge.Func] that counts.
	Waive []Law

	samples []T // a few of Values, those of short text first
}

// Check draws merges by package rapid and fails tb with the smallest, and its
// seed, to break a law. There are as many as -rapid.checks says, a fifth of
// them with -short, from -rapid.seed if set.
func (k *Kit[T]) Check(tb testing.TB) {
	tb.Helper()
	lawkit.Check(tb, "merges", k.search)
}

// Property checks one merge, drawn from t, as [rapid.MakeFuzz] needs it.
func (k *Kit[T]) Property(t *rapid.T) {
	if err := k.prepare(); err != nil {
		t.Fatal(err)
	}
	if failure := k.find(k.draw(t)); failure != nil {
		t.Fatal(failure)
	}
}

// Run checks n merges that depend on seed and the kit alone. It returns a
// [*LawError] for the first that breaks a law, nil, or why the kit cannot run.
func (k *Kit[T]) Run(seed, n int) error {
	_, err := k.search(seed, n)
	return err
}

// search checks n merges and returns the seed of the first that fails, and why.
func (k *Kit[T]) search(seed, n int) (at int, err error) {
	if err := k.prepare(); err != nil {
		return 0, err
	}
	scenes := rapid.Custom(k.draw)
	for at := seed; at < seed+n; at++ {
		if failure := k.find(scenes.Example(at)); failure != nil {
			return at, failure
		}
	}
	return 0, nil
}

// find checks s and returns the failure of a smaller scene if it has one.
func (k *Kit[T]) find(s scene[T]) *LawError {
	failure := k.check(s)
	if failure == nil {
		return nil
	}
	return k.shrink(s, failure)
}

func (k *Kit[T]) prepare() error {
	switch {
	case k.Plan == nil:
		return errors.New("mergetest: the Kit has no Plan")
	case k.Values == nil && len(k.Edits) == 0:
		return errors.New("mergetest: the Kit has neither Values nor Edits")
	case k.Sides != 0 && (k.Sides < 2 || k.Sides > 5):
		return fmt.Errorf("mergetest: Sides is %d, want 2 to 5", k.Sides)
	}
	if k.Values != nil && k.samples == nil {
		for seed := range 12 {
			k.samples = append(k.samples, k.Values.Example(seed))
		}
		slices.SortStableFunc(k.samples, func(a, b T) int { return len(show(a)) - len(show(b)) })
	}
	return nil
}

// A scene is one merge: a base, or nil if it is unknown, and sides.
type scene[T any] struct {
	base  *version[T]
	sides []side[T]
}

// A version is a value and the edits made to it. It is never merged itself:
// each use makes a fresh one.
type version[T any] struct {
	start T
	edits []int
}

type side[T any] struct {
	version[T]
	stamp lww.Stamp
}

func (k *Kit[T]) fresh(v version[T]) T {
	out := clone(v.start)
	for _, i := range v.edits {
		k.Edits[i](&out)
	}
	return out
}

// draw draws a scene. Stamps are few, so that times and replicas tie.
func (k *Kit[T]) draw(t *rapid.T) scene[T] {
	base, s := k.drawVersion(t, "base"), scene[T]{}
	if rapid.IntRange(0, 4).Draw(t, "known") > 0 {
		s.base = &base
	}
	most := k.Sides
	if most == 0 {
		most = 3
	}
	for range rapid.IntRange(2, most).Draw(t, "sides") {
		v := base
		if k.Values != nil && rapid.IntRange(0, 3).Draw(t, "changed") > 0 {
			v = k.drawVersion(t, "side")
		}
		if len(k.Edits) > 0 {
			edits := rapid.SliceOfN(rapid.IntRange(0, len(k.Edits)-1), 0, 3).Draw(t, "edits")
			v.edits = slices.Concat(v.edits, edits)
		}
		s.sides = append(s.sides, side[T]{v, lww.Stamp{
			Time:    hlc.Timestamp(rapid.IntRange(1, 3).Draw(t, "time")),
			Replica: rapid.SampledFrom([]vclock.Replica{"a", "b"}).Draw(t, "replica"),
		}})
	}
	return s
}

func (k *Kit[T]) drawVersion(t *rapid.T, label string) version[T] {
	var v version[T]
	if k.Values != nil {
		v.start = k.Values.Draw(t, label)
	}
	if len(k.Edits) > 0 {
		v.edits = rapid.SliceOfN(rapid.IntRange(0, len(k.Edits)-1), 0, 2).Draw(t, label+" edits")
	}
	return v
}

// inputs describes a scene for people.
func (k *Kit[T]) inputs(s scene[T]) []string {
	lines := []string{"base unknown"}
	if s.base != nil {
		lines[0] = "base: " + show(k.fresh(*s.base))
	}
	for i, v := range s.sides {
		lines = append(lines, fmt.Sprintf("side %d, by %s at %d: %s", i, v.stamp.Replica, v.stamp.Time, show(k.fresh(v.version))))
	}
	return lines
}
