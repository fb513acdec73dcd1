package lww

import (
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Clock gives out the times of writes. [*hlc.Clock] and [*hlc.Durable]
// implement it.
type Clock interface {
	// Next returns a time after the given one, and an error only if there is
	// none. Times that are not far ahead are to be unique among those of one
	// clock.
	Next(after hlc.Timestamp) (hlc.Timestamp, error)
}

// A Writer stamps the writes of one replica.
//
// A Writer is immutable and as safe for concurrent use as its Clock is: a replica
// has one clock, and may have any number of copies of its Writer.
//
// # Hazard
//
// Two replicas that write under one name, or one that does after it lost its
// clock and its state, may give the same stamp to different writes. Replicas
// still agree on the result, but one of those writes is lost without having been
// overwritten. See [vclock.Replica] and [vclock.Incarnation].
type Writer struct {
	Replica vclock.Replica
	Clock   Clock
}

// Next returns a stamp for a write that replaces what was written at the given
// time, zero if there was nothing: later than that, whatever clock it came from.
//
// It returns an error if the clock does, or if the clock breaks its contract. It
// panics if w.Replica is invalid or w.Clock is nil.
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
