package crdt

import (
	"slices"
	"sort"
)

// joinSorted joins y into x, two slices that are sorted by compare without
// duplicates, and reports whether x changed. It joins elements that compare
// equal with join, which reports whether its first argument changed, and writes
// to the array of x. It takes O(len(x) + len(y)).
func joinSorted[T any](x, y []T, compare func(a, b *T) int, join func(x, y *T) bool) ([]T, bool) {
	changed, missing := false, 0
	for i, j := 0, 0; j < len(y); {
		c := +1
		if i < len(x) {
			c = compare(&x[i], &y[j])
		}
		switch {
		case c < 0:
			i++
		case c > 0:
			missing++
			j++
		default:
			changed = join(&x[i], &y[j]) || changed
			i++
			j++
		}
	}
	if missing == 0 {
		return x, changed
	}
	// Fill the longer slice from its end, so that no element of x is
	// overwritten before it has moved.
	i, j := len(x)-1, len(y)-1
	x = slices.Grow(x, missing)[:len(x)+missing]
	for k := len(x) - 1; j >= 0; k-- {
		c := -1
		if i >= 0 {
			c = compare(&x[i], &y[j])
		}
		if c < 0 {
			x[k] = y[j]
			j--
			continue
		}
		x[k] = x[i]
		i--
		if c == 0 {
			j--
		}
	}
	return x, true
}

// sortFew sorts items of which there are few as a rule, and sorted already. Of slices.SortFunc
// ten functions would be compiled for each type of them.
func sortFew[T any](items []T, compare func(a, b *T) int) {
	for i := 1; i < len(items); i++ {
		if compare(&items[i-1], &items[i]) > 0 {
			sort.Slice(items, func(i, j int) bool { return compare(&items[i], &items[j]) < 0 })
			return
		}
	}
}
