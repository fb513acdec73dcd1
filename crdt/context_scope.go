package crdt

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A scope is a hash of the keys that lead to a value in a map, from the outermost
// on, and never 0: by it a [Context] says which keys it is of. Whoever mistakes one
// key's Context for another's is told so with all but a chance of 1 in 2³².

// keyScope returns the scope of a key, given by its canonical bytes, in a map that is
// at the scope in, or at none.
func keyScope[B ~[]byte | ~string](in uint32, key B) uint32 {
	const prime = 16777619 // FNV-1a
	h := uint32(2166136261)
	for range 4 {
		h = (h ^ in&0xff) * prime
		in >>= 8
	}
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * prime
	}
	return max(h, 1)
}

// scopeAt returns the scope of key, which is normalized.
func (m *ORMap[K, V]) scopeAt(key K) uint32 {
	if text, ok := any(key).(string); ok {
		return keyScope(m.scope, text)
	}
	return keyScope(m.scope, value.AppendKey(nil, key))
}

// A ContextError says that a [Context] was used for something that it was not
// read from. A mutator ending in Seen returns it beside an empty delta.
type ContextError struct {
	Use string // what it was used for
}

// Error returns a description of the error.
func (e *ContextError) Error() string {
	return fmt.Sprintf("crdt: the Context of something else is used for %s", e.Use)
}

// admits returns an error unless seen is of the whole state, of the value, or of one
// that the value is in.
func (n *node) admits(seen *Context) error {
	switch p := seen.past; {
	case p == nil || p.object == 0 && len(p.scopes) == 0:
		return nil
	case p.object != 0:
		return &ContextError{"a state, before Context.For has checked that it is of this object"}
	case n.root == nil || len(n.root.path) == 0:
		return &ContextError{"a state of its own"}
	case !p.has(n.root.path):
		return &ContextError{"the value of another key"}
	}
	return nil
}

// has reports whether one of scopes is one of the keys that the Context is of.
func (p *past) has(scopes []uint32) bool {
	return slices.ContainsFunc(scopes, func(s uint32) bool {
		_, ok := slices.BinarySearch(p.scopes, s)
		return ok
	})
}
