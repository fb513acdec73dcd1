package lww

import (
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Clock gives out the times of writes, as [*hlc.Clock] and [*hlc.Durable] do.
type Clock interface {
	// Next returns a time after the given one, and an error only if there is none.
	// Times that are not far ahead must be unique among those of one clock.
	Next(after hlc.Timestamp) (hlc.Timestamp, error)
}

// A Writer stamps the writes of one replica, which has one clock. It is
// immutable, and as safe for concurrent use as its Clock.
//
// # Hazard
//
// Two replicas that write under one name, or one that goes on after it lost its
// clock and its state, may stamp different writes alike. Replicas still agree,
// but one of the writes is lost without having been overwritten: see
// [vclock.Replica] and [vclock.Incarnation].
type Writer struct {
	Replica vclock.Replica
	Clock   Clock
}

// Next returns a stamp for a write that replaces what was written at the given
// time, zero if there was nothing: later than that, whatever clock it came
// from. It returns an error if the clock does or breaks its contract. It panics
// if the name is invalid or there is no clock.
func (w Writer) Next(after hlc.Timestamp) (Stamp, error) {
	w.mustBeValid()
	t, err := w.Clock.Next(after)
	if err != nil {
		return Stamp{}, fmt.Errorf("lww: stamp a write of %q: %w", string(w.Replica), err)
	}
	if t <= after || t > hlc.Max {
		return Stamp{}, fmt.Errorf("lww: stamp a write of %q: clock returned %v as a time after %v", string(w.Replica), t, after)
	}
	return Stamp{Time: t, Replica: w.Replica}, nil
}

// mustBeValid panics unless w can write.
func (w Writer) mustBeValid() {
	if !w.Replica.IsValid() {
		panic(fmt.Sprintf("lww: invalid replica %q", string(w.Replica)))
	}
	if w.Clock == nil {
		panic("lww: writer without a clock")
	}
}
