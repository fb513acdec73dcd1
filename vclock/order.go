package vclock

import "strconv"

// An Order is the result of comparing two causal histories. It is a partial
// order: two histories may each hold what the other lacks.
type Order uint8

// The results of a comparison of x with y.
const (
	Equal      Order = 0              // x and y hold the same events
	Before     Order = 1              // y holds every event of x and more
	After      Order = 2              // x holds every event of y and more
	Concurrent Order = Before | After // each holds an event that the other lacks
)

// String returns "equal", "before", "after" or "concurrent".
func (o Order) String() string {
	switch o {
	case Equal:
		return "equal"
	case Before:
		return "before"
	case After:
		return "after"
	case Concurrent:
		return "concurrent"
	}
	return "Order(" + strconv.Itoa(int(o)) + ")"
}
