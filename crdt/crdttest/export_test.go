package crdttest

import "pgregory.net/rapid"

// FindEvolution returns what is wrong with a pair of types in one of a few histories.
func FindEvolution[Old, New any](old *rapid.Generator[Old], next *rapid.Generator[New]) error {
	histories := rapid.Custom(func(t *rapid.T) error { return evolve(t, old, next) })
	for seed := range 100 {
		if err := histories.Example(seed); err != nil {
			return err
		}
	}
	return nil
}
