// Package nocopy has the mark of types of which an assigned copy would share memory with the
// original, or lose a part of it.
package nocopy

// A NoCopy in a struct makes go vet complain about copies of it.
type NoCopy struct{}

// Lock and Unlock are what go vet looks for.
func (*NoCopy) Lock() {}

// Unlock does nothing.
func (*NoCopy) Unlock() {}
