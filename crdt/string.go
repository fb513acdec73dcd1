package crdt

import (
	"fmt"

	"github.com/rejoin-go/rejoin/internal/show"
)

// String returns the total for people, with a mark "?" where it is not exact.
func (c *BoundedCounter) String() string { return total(c.Total()) }

// String returns the total for people, with a mark "?" where it is not exact.
func (c *GCounter) String() string { return total(c.Total()) }

// String returns the total for people, with a mark "?" where it is not exact.
func (c *PNCounter) String() string { return total(c.Total()) }

func total[N int64 | uint64](n N, exact bool) string {
	if exact {
		return fmt.Sprint(n)
	}
	return fmt.Sprint(n, "?")
}

// String returns "true" or "false", what [DWFlag.Enabled] says.
func (f *DWFlag) String() string { return fmt.Sprint(f.Enabled()) }

// String returns "true" or "false", what [EWFlag.Enabled] says.
func (f *EWFlag) String() string { return fmt.Sprint(f.Enabled()) }

// String returns the elements for people, in their order, up to the twentieth.
func (s *GSet[E]) String() string { return show.Set(s.All()) }

// String returns the elements for people, in their order, up to the twentieth.
func (s *ORSet[E]) String() string { return show.Set(s.All()) }

// String returns the elements for people, in their order, up to the twentieth.
func (s *RWSet[E]) String() string { return show.Set(s.All()) }

// String returns the elements for people, in their order, up to the twentieth.
func (s *TwoPSet[E]) String() string { return show.Set(s.All()) }

// String returns the values for people, all that were written concurrently.
func (m *MVRegister[V]) String() string { return show.Set(m.Values()) }

// String returns the first 20 entries for people, in the order of keys.
func (m *GMap[K, V]) String() string { return show.Map(m.All()) }

// String returns the first 20 entries for people, in the order of keys.
func (m *ORMap[K, V]) String() string { return show.Map(m.All()) }
