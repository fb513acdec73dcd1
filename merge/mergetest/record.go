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

// A RecordKit describes a plan whose records are to be checked: that replicas
// which write, merge, fail and compact in any order end with one and the same
// record. Plan is required. Give Invariant, or View and Model, too: the laws say
// that replicas agree, not on what.
//
// A RecordKit is not safe for concurrent use. Its functions must be
// deterministic.
type RecordKit[T any] struct {
	// Plan is what is checked. It must be compiled with [merge.Options.Record].
	Plan *merge.Plan[T]

	// Edit draws a change and makes it, on behalf of r where a field asks who
	// writes, as those of package crdt do: no other value is edited on behalf of
	// r that this one does not include. Draw from few values, so that replicas
	// meet on the same ones. Edit must put up with every value, one with nil
	// maps for example. Nil means that one part of the value is changed at a
	// time, to what [Values] draws. A record may refuse edits, but not all.
	Edit func(t *rapid.T, r vclock.Replica, v *T)

	// Invariant returns what is wrong with a value. It is asked after every
	// step, provided that every write so far left a value that it finds
	// nothing wrong with. Nil means that nothing is.
	Invariant func(v T) error

	// View returns the part of a value that Model speaks of, for a record that
	// is not there that of the zero T. Nil means the whole value.
	View func(v T) any

	// Model returns what View must return at a replica that has seen the given
	// writes and no others. They are in the order of the history, so a write
	// comes after those that it saw. Nil means no model.
	Model func(seen []Write[T]) any

	// Replicas is the number of replicas in a history, 3 to 26. Zero means 3.
	Replicas int

	// Steps is the least number of steps drawn for a history, at most 64, which
	// is also the most. Zero means 16.
	Steps int
}

// A Write is a write to a record that was not refused. If it wrote one part of
// the value, the part has its stamp; of several, those have a smaller one whose
// stamps were not ahead of the writer's clock.
type Write[T any] struct {
	Stamp      lww.Stamp // the last that it gave out
	Read, Next T         // what the writer had read, and what the writer made of it
	Deleted    bool      // the record was deleted; Next is zero
	Touched    string    // what Touch wrote again as it was; Next is Read

	first hlc.Timestamp // of the stamps that it gave out
	index int
	seen  writeSet
}

// Saw reports whether v was in the state that the writer of w had read: whether
// v happened before w. Two writes of which neither saw the other are concurrent.
func (w Write[T]) Saw(v Write[T]) bool { return w.seen.has(v.index) }

// Check draws histories and fails tb with the smallest one found if a law is
// broken. The flags of rapid apply, as for [Kit.Check].
func (k *RecordKit[T]) Check(tb testing.TB) {
	tb.Helper()
	lawkit.Check(tb, "histories", k.search)
}

// Property checks one history, drawn from t. It is for fuzzing through
// [rapid.MakeFuzz], and for properties that contain more than the kit.
func (k *RecordKit[T]) Property(t *rapid.T) {
	if err := k.prepare(); err != nil {
		t.Fatal(err)
	}
	if failure := k.find(k.drawHistory(t)); failure != nil {
		t.Fatal(failure)
	}
}

// Run checks n histories that depend on seed and nothing else. It returns a
// [*LawError] with the smallest history found for the first that breaks a law,
// or nil.
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
