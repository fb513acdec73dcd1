package crdt

// A slab hands out slices of one allocation, to values that are read together: what is
// left of them keeps the memory of all alive, so there are few.
type slab[T any] struct {
	free []T
	size int // of an allocation, 0 for one to each
}

// mostSlab is the largest size.
const mostSlab = 16

// expect prepares for n values.
func (s *slab[T]) expect(n int) { s.size = min(n, mostSlab) }

// take returns an empty slice with room for n items.
func (s *slab[T]) take(n int) []T {
	if n > s.size/2 {
		return make([]T, 0, n)
	}
	if n > len(s.free) {
		s.free = make([]T, s.size)
	}
	var t []T
	t, s.free = s.free[:0:n], s.free[n:]
	return t
}
