package mergetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A RecordKit describes a plan to check. Give Invariant, or View and Model.
type RecordKit[T any] struct {
	// Plan is what is checked, compiled with [merge.Options.Record].
	Plan *merge.Plan[T]
	// Edit draws a change of v and makes it, on behalf of r where a field asks who
	// writes, as in package crdt: v includes all that r edited before. Draw few
	// values, and take any v, one with nil maps, too. Nil changes one part at a time,
	// by [Values]. A record may refuse some edits.
	Edit func(t *rapid.T, r vclock.Replica, v *T)
	// Invariant says what is wrong with a value, after every step until a write has
	// left one with something wrong. Nil means nothing.
	Invariant func(v T) error
	// View returns what Model speaks of, of a zero T without a record; nil means all.
	View func(v T) any
	// Model returns what View must at a replica that has seen the given writes alone,
	// each after those that it saw. Nil means no model.
	Model func(seen []Write[T]) any
	// Replicas is how many a history has, 3 to 26. Zero means 3.
	Replicas int
	// Steps is the least in a history, at most 64, which is the most. Zero means 16.
	Steps int
}

// A Write is a write that a record took. Of several parts that it wrote, those
// that were not ahead of the writer's clock have stamps below Stamp. Two writes
// of which neither saw the other are concurrent.
type Write[T any] struct {
	Stamp      lww.Stamp // the last that it gave out
	Read, Next T         // what the writer had read, and what the writer made of it
	Deleted    bool      // the record was deleted; Next is zero
	Touched    string    // what Touch wrote again as it was; Next is Read

	first hlc.Timestamp // of the stamps that it gave out
	index int
	seen  writeSet
}

// Saw reports whether the writer of w had read v: whether v happened before w.
func (w Write[T]) Saw(v Write[T]) bool { return w.seen.has(v.index) }

// Check draws histories and reports the smallest to break a law, as
// [Kit.Check].
func (k *RecordKit[T]) Check(tb testing.TB) {
	tb.Helper()
	lawkit.Check(tb, "histories", k.search)
}

// Property checks one history, drawn from t, as [rapid.MakeFuzz] needs it.
func (k *RecordKit[T]) Property(t *rapid.T) {
	if err := k.prepare(); err != nil {
		t.Fatal(err)
	}
	if failure := k.find(k.drawHistory(t)); failure != nil {
		t.Fatal(failure)
	}
}

// Run checks n histories that depend on seed and the kit alone. It returns a
// [*LawError] for the first that breaks a law, nil, or why the kit cannot run.
func (k *RecordKit[T]) Run(seed, n int) error {
	_, err := k.search(seed, n)
	return err
}

// search checks n histories and returns the seed of the first that fails, and
// why.
func (k *RecordKit[T]) search(seed, n int) (at int, err error) {
	if err := k.prepare(); err != nil {
		return 0, err
	}
	var tally tally
	histories := rapid.Custom(k.drawHistory)
	for at := seed; at < seed+n; at++ {
		h := histories.Example(at)
		r, failure := k.execute(h, true)
		if failure != nil {
			return at, k.shrink(h, failure)
		}
		tally.add(r.tally)
	}
	if tally.written == 0 && tally.tried > 10 {
		return seed, fmt.Errorf("mergetest: none of %d edits changed a record, the last with the error: %w", tally.tried, tally.refusal)
	}
	return 0, nil
}

// find runs h and returns the failure of a smaller history if h has one.
func (k *RecordKit[T]) find(h history) *LawError {
	_, failure := k.execute(h, true)
	if failure == nil {
		return nil
	}
	return k.shrink(h, failure)
}

func (k *RecordKit[T]) replicas() int {
	if k.Replicas == 0 {
		return 3
	}
	return k.Replicas
}

func (k *RecordKit[T]) minSteps() int {
	if k.Steps == 0 {
		return 16
	}
	return k.Steps
}

func (k *RecordKit[T]) prepare() error {
	switch {
	case k.Plan == nil:
		return errors.New("mergetest: the RecordKit has no Plan")
	case k.View != nil && k.Model == nil:
		return errors.New("mergetest: the RecordKit has a View but no Model to compare it with")
	case k.replicas() < 3 || k.replicas() > 26:
		return fmt.Errorf("mergetest: Replicas is %d, want 3 to 26", k.Replicas)
	case k.minSteps() < 1 || k.minSteps() > maxSteps:
		return fmt.Errorf("mergetest: Steps is %d, want 1 to %d", k.Steps, maxSteps)
	case k.Plan.Fingerprint() == 0:
		return fmt.Errorf("mergetest: the plan of %v is not for records: set Options.Record", reflect.TypeFor[T]())
	}
	return nil
}

// edit makes the change that seed stands for.
func (k *RecordKit[T]) edit(seed int, r vclock.Replica, v *T) {
	rapid.Custom(func(t *rapid.T) bool {
		if k.Edit != nil {
			k.Edit(t, r, v)
		} else {
			drawer{t}.change(reflect.ValueOf(v).Elem(), 0)
		}
		return rapid.Bool().Draw(t, "done") // an edit need not draw, a generator must
	}).Example(seed)
}
