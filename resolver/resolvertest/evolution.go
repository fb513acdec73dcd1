package resolvertest

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
)

// CheckEvolution checks that two versions of a program, whose values are of the types
// Old and New, may run side by side: each reads what the other wrote, in bytes and in
// JSON, and a write of what it read loses nothing of the other. It draws values, and
// fails tb with the first that breaks this.
//
// What a type cannot hold is for the generators to leave out: an int64 that is read as
// an int8 has to fit.
func CheckEvolution[Old, New any](tb testing.TB, old *rapid.Generator[Old], next *rapid.Generator[New]) {
	tb.Helper()
	rapid.Check(tb, func(t *rapid.T) {
		if err := evolve[Old, New](old.Draw(t, "old")); err != nil {
			t.Fatal(err)
		}
		if err := evolve[New, Old](next.Draw(t, "new")); err != nil {
			t.Fatal(err)
		}
	})
}

// evolve lets a program that has values of type B read v, and write it back.
func evolve[A, B any](v A) error {
	now := new(clock)
	w := resolver.Writer{Writer: lww.Writer{Replica: "eu", Clock: now}}
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
