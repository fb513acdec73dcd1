package lww

import (
	"fmt"

	"github.com/rejoin-go/rejoin/internal/show"
)

// String returns the entries for people, in order of keys, up to the twentieth.
func (m *Map[K, V]) String() string { return show.Map(m.All()) }

// String returns the elements for people, in their order, up to the twentieth.
func (s *Set[E]) String() string { return show.Set(s.All()) }

// String returns the value and its stamp for people.
func (r *Register[V]) String() string {
	v, ok := r.Get()
	if !ok {
		return "none"
	}
	return fmt.Sprintf("%v (%v)", v, r.Stamp())
}
