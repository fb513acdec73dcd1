package value

import (
	"bytes"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A Basic passes over the values of a state, and writes one, in the form of an [Encoder],
// where V is a type that is read without reflection and all values are of it.
type Basic[V any] struct{ code code }

// BasicOf returns the Basic of V, if there is one.
func BasicOf[V any]() (Basic[V], bool) {
	c := basicCode((*V)(nil))
	return Basic[V]{c}, c != codeNil
}

// basicTables is the size of tables of one code, or none, and no names.
const basicTables = 3

// AppendTables appends the tables that say that all values are of V, or that there are none.
func (s Basic[V]) AppendTables(b []byte, some bool) []byte {
	if !some {
		return append(b, 0, 0, 0)
	}
	return append(b, 1<<s.code, 0, 0)
}

// ReadTables reads what AppendTables wrote at i of p, and returns what follows: more than
// there is if it is something else.
func (s Basic[V]) ReadTables(p []byte, i int) (some bool, next int) {
	if next = i + basicTables; next > len(p) || p[i+1] != 0 || p[i+2] != 0 || p[i] != 0 && p[i] != 1<<s.code {
		return false, len(p) + 1
	}
	return p[i] != 0, next
}

// End returns what follows the value at i of p: more than there is if it is no value
// that V holds.
func (s Basic[V]) End(p []byte, i int) int {
	if s.code == codeString {
		n, next := wire.UvarintAt(p, i)
		if next > len(p) || n > uint64(len(p)-next) {
			return len(p) + 1
		}
		return next + int(n)
	}
	if i > len(p) {
		return i
	}
	var v V
	rest, ok := readBasic(&v, s.code, p[i:])
	if !ok {
		return len(p) + 1
	}
	return len(p) - len(rest)
}

// Append appends a value that was stored.
func (Basic[V]) Append(b []byte, v *V) []byte { return appendBasic(b, v) }

// Is reports whether p is what Append writes of a value that was stored.
func (Basic[V]) Is(p []byte, v *V) bool {
	if text, ok := any(v).(*string); ok {
		_, at := wire.UvarintAt(p, 0)
		return string(p[at:]) == *text
	}
	var room [9]byte
	return bytes.Equal(appendBasic(room[:0], v), p)
}

// Room returns a size that Append does not exceed.
func (Basic[V]) Room(v *V) int {
	if text, ok := any(v).(*string); ok {
		return len(*text) + 5
	}
	return 9
}
