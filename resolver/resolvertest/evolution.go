package resolvertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// CheckEvolution checks that two versions of a program, with values of the
// types Old and New, may run side by side: each reads what the other wrote, in
// bytes and in JSON, and writing it again loses nothing. Three replicas, one of
// them new, that have exchanged everything must have equal bytes and read each
// other's tickets and log entries. It fails tb with the first history that
// breaks this. Generators draw what both types hold: no int64 beyond an int8.
func CheckEvolution[Old, New any](tb testing.TB, old *rapid.Generator[Old], next *rapid.Generator[New]) {
	tb.Helper()
	rapid.Check(tb, func(t *rapid.T) {
		if err := evolve[Old, New](old.Draw(t, "old")); err != nil {
			t.Fatal(err)
		}
		if err := evolve[New, Old](next.Draw(t, "new")); err != nil {
			t.Fatal(err)
		}
		if err := evolveTogether(t, old, next); err != nil {
			t.Fatal(err)
		}
	})
}

// evolveTogether checks one history of a mixed fleet, drawn from t.
func evolveTogether[Old, New any](t *rapid.T, old *rapid.Generator[Old], next *rapid.Generator[New]) error {
	now := new(clock)
	err := lawkit.Evolve(
		func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(t, what) },
		func() Old { return old.Draw(t, "old") }, func() New { return next.Draw(t, "new") },
		func(r vclock.Replica) lawkit.Holder[Old] { return &set[Old, New]{writer: writerOf(r, now)} },
		func(r vclock.Replica) lawkit.Holder[New] { return &set[New, Old]{writer: writerOf(r, now)} },
	)
	if err != nil {
		err = fmt.Errorf("resolvertest: %w", err)
	}
	return err
}

func writerOf(r vclock.Replica, now *clock) resolver.Writer {
	return resolver.Writer{Writer: lww.Writer{Replica: r, Clock: now}}
}

// A set is one of values of type A, beside a program whose values are of type B.
type set[A, B any] struct {
	resolver.Siblings[A]
	writer resolver.Writer
}

func (s *set[A, B]) Write(v A) error {
	if _, err := s.Siblings.Write(s.writer, s.Context(), v); err != nil {
		return err
	}
	return s.ask()
}

func (s *set[A, B]) Read() (v A, one bool) {
	all := s.Versions()
	if len(all) != 1 || all[0].Check() != nil {
		return v, false
	}
	return all[0].Value, true
}

// MergeBinary merges bytes, and asks a person about what is in conflict then.
func (s *set[A, B]) MergeBinary(p []byte) (bool, error) {
	changed, err := s.Siblings.MergeBinary(p)
	if err == nil {
		err = s.ask()
	}
	return changed, err
}

// ask returns what the other program cannot read of a ticket and of the log.
func (s *set[A, B]) ask() error {
	var log resolver.MemoryLog
	out, err := (&resolver.Reconciler[A]{Log: &log}).Resolve(context.Background(), "k", &s.Siblings)
	if err != nil || out.Ticket == nil {
		return err
	}
	p, err := out.Ticket.MarshalBinary()
	if err != nil {
		return err
	}
	doc, err := json.Marshal(out.Ticket)
	if err != nil {
		return err
	}
	for _, decode := range []func(*resolver.Ticket[B]) error{
		func(t *resolver.Ticket[B]) error { return t.UnmarshalBinary(p) },
		func(t *resolver.Ticket[B]) error { return t.UnmarshalJSON(doc) },
	} {
		var there resolver.Ticket[B]
		if err := decode(&there); err != nil {
			return err
		}
		if q, err := there.MarshalBinary(); err != nil || !bytes.Equal(p, q) {
			return fmt.Errorf("the ticket %s has other bytes in a program of %T (error %w)", doc, *new(B), err)
		}
	}
	for _, e := range log.Entries() {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		var there resolver.LogEntry
		if err := json.Unmarshal(line, &there); err != nil {
			return err
		}
		again := resolver.Replay(context.Background(), []resolver.LogEntry{there}, resolver.Rule[B](resolver.Manual[B]))
		if again.Decisions != 1 || len(again.Damaged)+len(again.Differ) > 0 {
			return fmt.Errorf("a program of %T makes of the log entry %s: %+v", *new(B), line, again)
		}
	}
	return nil
}

// evolve lets a program that has values of type B read v, and write it back.
func evolve[A, B any](v A) error {
	w := writerOf("eu", new(clock))
	first := new(resolver.Siblings[A])
	if _, err := first.Write(w, resolver.Context{}, v); err != nil {
		return fmt.Errorf("resolvertest: %T: %w", v, err)
	}
	want, err := full(first.Versions()[0].Value)
	if err != nil {
		return fmt.Errorf("resolvertest: %T: %w", v, err)
	}
	second := new(resolver.Siblings[B])
	if err := hand(first, second); err != nil {
		return fmt.Errorf("resolvertest: of %+v as a %T, %T: %w", v, v, *new(B), err)
	}
	if _, err := second.Write(w, second.Context(), second.Versions()[0].Value); err != nil {
		return fmt.Errorf("resolvertest: %T writes what it read of %+v: %w", *new(B), v, err)
	}
	back := new(resolver.Siblings[A])
	if err := hand(second, back); err != nil {
		return fmt.Errorf("resolvertest: %+v, written back by %T: %w", v, *new(B), err)
	}
	got, err := full(back.Versions()[0].Value)
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("resolvertest: %+v is %+v after %T wrote it back", v, back.Versions()[0].Value, *new(B))
	}
	return err
}

// hand decodes the bytes and the JSON of a set as another type.
func hand[A, B any](from *resolver.Siblings[A], to *resolver.Siblings[B]) error {
	b, err := from.MarshalBinary()
	if err != nil {
		return err
	}
	if err := to.UnmarshalBinary(b); err != nil {
		return err
	}
	j, err := from.MarshalJSON()
	if err != nil {
		return err
	}
	var other resolver.Siblings[B]
	if err := other.UnmarshalJSON(j); err != nil {
		return err
	}
	if !other.Equal(to) {
		return fmt.Errorf("the bytes and the JSON are two sets: %s", j)
	}
	return nil
}
