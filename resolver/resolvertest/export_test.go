package resolvertest

import "testing"

// Later asks about the same versions at later times.
func (k *Kit[T]) Later(t *testing.T) error {
	t.Helper()
	_, err := k.later(t, 1, 5)
	return err
}

// Evolve checks one value.
func Evolve[A, B any](v A) error { return evolve[A, B](v) }
