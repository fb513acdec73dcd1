package mergetest

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// CheckEvolution checks that two versions of a program, with the plans old and
// next, may run side by side on one record. Of three replicas, one of them new,
// each must be able to read what the others wrote, a write of what was read
// must change nothing for the others, and those that have exchanged all must
// have equal bytes but for fingerprints. It fails tb with the first history
// that breaks this. A field that one plan lacks or has otherwise is no fault.
// The generators, such as [Values], draw what both types hold.
func CheckEvolution[Old, New any](tb testing.TB, old *merge.Plan[Old], olds *rapid.Generator[Old], next *merge.Plan[New], news *rapid.Generator[New]) {
	tb.Helper()
	rapid.Check(tb, func(t *rapid.T) {
		if err := evolve(t, old, olds, next, news); err != nil {
			t.Fatal(err)
		}
	})
}

// evolve checks one history, drawn from t.
func evolve[Old, New any](t *rapid.T, old *merge.Plan[Old], olds *rapid.Generator[Old], next *merge.Plan[New], news *rapid.Generator[New]) error {
	clock := new(counting)
	err := lawkit.Evolve(
		func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(t, what) },
		func() Old { return olds.Draw(t, "old") }, func() New { return news.Draw(t, "new") },
		func(r vclock.Replica) lawkit.Holder[Old] {
			return &deployed[Old]{old.NewRecord(), lww.Writer{Replica: r, Clock: clock}}
		},
		func(r vclock.Replica) lawkit.Holder[New] {
			return &deployed[New]{next.NewRecord(), lww.Writer{Replica: r, Clock: clock}}
		},
	)
	if err != nil {
		err = fmt.Errorf("mergetest: %w", err)
	}
	return err
}

// A counting clock gives out 1, 2, 3.
type counting struct{ now hlc.Timestamp }

func (c *counting) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	c.now = max(c.now, after) + 1
	return c.now, nil
}

// A deployed is a record in one version of a program.
type deployed[T any] struct {
	*merge.Record[T]
	writer lww.Writer
}

// Write writes v, unless a rule refuses to.
func (r *deployed[T]) Write(v T) error {
	err := r.Update(r.writer, func(t *T) error { *t = v; return nil })
	if _, refused := errors.AsType[*merge.WriteError](err); refused {
		return nil
	}
	if err == nil {
		err = r.readable()
	}
	return err
}

func (r *deployed[T]) Read() (T, bool) { return r.Get() }

// MarshalBinary returns the bytes without the fingerprint of the plan, which comes after
// the first.
func (r *deployed[T]) MarshalBinary() ([]byte, error) {
	b, err := r.Record.MarshalBinary()
	if err == nil {
		clear(b[1:9])
	}
	return b, err
}

// MergeBinary merges bytes, and fails if there is something in them that cannot be read.
func (r *deployed[T]) MergeBinary(p []byte) (bool, error) {
	changed, err := r.Record.MergeBinary(p)
	if err == nil {
		err = r.readable()
	}
	return changed, err
}

// readable returns an error if the record holds a value that the plan knows and cannot read.
func (r *deployed[T]) readable() error {
	if bad, ok := errors.AsType[*content.ValueError](r.Check()); ok {
		return fmt.Errorf("%T: %w", *new(T), bad)
	}
	return nil
}
