package resolvertest

import "testing"

// Later asks about the same versions at later times.
func (k *Kit[T]) Later(t *testing.T) error {
	t.Helper()
	_, err := k.later(t, 1, 5)
	return err
}

// Lost has the first site lose an edit of a that another has heard of, and write the value once
// more without what it edited, while the second makes c of a. Then all read.
func (k *Kit[T]) Lost(a, b, c T) error {
	failure := k.run(history[T]{
		{kind: write, at: 0, value: a},
		{kind: hear, at: 1, from: 0},
		{kind: read, at: 1},
		{kind: edit, at: 1, value: c},
		{kind: read, at: 0},
		{kind: edit, at: 0, value: b},
		{kind: hear, at: 2, from: 0},
		{kind: rewind, at: 0},
		{kind: write, at: 0, value: b},
		{kind: hear, at: 0, from: 1},
		{kind: hear, at: 2, from: 1},
		{kind: read, at: 0},
		{kind: read, at: 2},
	})
	if failure == nil {
		return nil
	}
	return failure
}

// Evolve checks one value.
func Evolve[A, B any](v A) error { return evolve[A, B](v) }
