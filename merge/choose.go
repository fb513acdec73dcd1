package merge

import "github.com/rejoin-go/rejoin/internal/value"

// A chooser is one value of a merge as the rules that choose see it: versions
// 0 to n-1, newest first, and the base as version -1.
type chooser interface {
	same(i, j int) bool
	zero(i int) bool
	order(i, j int) int // of max, min and Prefer: +1 if i is to be chosen over j
	rank(i int) (n int, listed bool)
}

const base = -1

// A chooseFunc returns the version that a rule chooses, base for the base, and what a
// person has to know if one has to decide; then the version is provisional. An orderFunc
// is how a rule compares two versions before it looks at stamps.
type (
	chooseFunc func(v chooser, n int, known bool) (win int, reason string)
	orderFunc  func(i, j int) int
)

func chooseNewest(v chooser, n int, known bool) (int, string) {
	return nextChange(v, -1, n, known) % n, ""
}

func chooseLargest(v chooser, n int, known bool) (int, string) {
	win := nextChange(v, -1, n, known)
	for i := nextChange(v, win, n, known); i < n; i = nextChange(v, i, n, known) {
		if v.order(i, win) > 0 {
			win = i
		}
	}
	return win % n, ""
}

func chooseManual(v chooser, n int, known bool) (int, string) {
	win, reason := nextChange(v, -1, n, known), ""
	if disagree(v, win, n, known) {
		reason = "the sides differ"
	}
	return win % n, reason
}

// nextChange returns the newest version after i, that is older than it, which
// differs from the base, or n if there is none. Without a base all count.
func nextChange(v chooser, i, n int, known bool) int {
	for i++; i < n; i++ {
		if !known || !v.same(i, base) {
			break
		}
	}
	return i
}

// disagree reports whether a version changed older than win differs from it.
func disagree(v chooser, win, n int, known bool) bool {
	for i := nextChange(v, win, n, known); i < n; i = nextChange(v, i, n, known) {
		if !v.same(i, win) {
			return true
		}
	}
	return false
}

// oldestSet returns the oldest version that is not zero, or -1.
func oldestSet(v chooser, n int) int {
	i := n - 1
	for i >= 0 && v.zero(i) {
		i--
	}
	return i
}

func chooseFirst(v chooser, n int, known bool) (int, string) {
	if known && !v.zero(base) {
		return base, ""
	}
	return max(0, oldestSet(v, n)), ""
}

func chooseImmutable(v chooser, n int, known bool) (int, string) {
	if known && !v.zero(base) {
		if nextChange(v, -1, n, known) < n {
			return base, "an immutable value was changed"
		}
		return base, ""
	}
	win := max(0, oldestSet(v, n))
	for i := range n {
		if !v.zero(i) && !v.same(i, win) {
			return win, "an immutable value was set twice"
		}
	}
	return win, ""
}

func chooseNonzero(v chooser, n int, known bool) (int, string) {
	changed := nextChange(v, -1, n, known)
	for i := changed; i < n; i = nextChange(v, i, n, known) {
		if !v.zero(i) {
			return i, ""
		}
	}
	if known && changed < n {
		return base, ""
	}
	return 0, ""
}

func chooseRank(v chooser, n int, known bool) (int, string) {
	newest := nextChange(v, -1, n, known)
	if newest == n {
		return 0, ""
	}
	win := newest
	best, allListed := v.rank(win)
	for i := nextChange(v, win, n, known); i < n; i = nextChange(v, i, n, known) {
		rank, listed := v.rank(i)
		allListed = allListed && listed
		if rank > best {
			win, best = i, rank
		}
	}
	if !allListed && disagree(v, newest, n, known) {
		return newest, "a value is not in the rank"
	}
	return win, ""
}

// The functions below return how a rule compares two versions before it looks at
// stamps.

func byOrder(v chooser) orderFunc { return v.order }

func byZero(v chooser) orderFunc {
	return func(i, j int) int { return -value.CompareBool(v.zero(i), v.zero(j)) }
}

func byRank(v chooser) orderFunc {
	return func(i, j int) int {
		a, _ := v.rank(i)
		b, _ := v.rank(j)
		return a - b
	}
}
