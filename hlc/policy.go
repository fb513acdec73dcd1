package hlc

import (
	"cmp"
	"time"
)

// A Verdict says what to do with a state that has arrived.
type Verdict uint8

// The verdicts of [Policy.Judge].
const (
	Accept Verdict = iota // merge it
	Hold                  // keep it, and ask again: it is a little ahead, and its time comes
	Refuse                // do not merge it: its clock is wrong, and its time does not come
	Self                  // it is the local clock that is wrong: accept, and see to the clock
)

// String returns "accept", "hold", "refuse" or "self".
func (v Verdict) String() string {
	switch v {
	case Accept:
		return "accept"
	case Hold:
		return "hold"
	case Refuse:
		return "refuse"
	case Self:
		return "self"
	}
	return "unknown"
}

// A Policy decides about states that were stamped by clocks which may be wrong.
// The zero Policy is ready to use. A Policy is immutable.
type Policy struct {
	// MaxAhead is how far ahead of the local clock a state may be. Zero means
	// [DefaultMaxAhead], negative that it may not be ahead.
	MaxAhead time.Duration

	// Patience is how far ahead a state may be that is kept until its time comes.
	// Zero means one minute, negative that none is kept.
	Patience time.Duration
}

// Judge tells what to do with a state at local physical time now. Latest is the
// latest time in it, and held the latest in what is here of the same object,
// zero if there is none. The report is of a [Skew] that is fed with readings of
// now, not with stamps of stored data or old messages of a stream.
//
// A state that is ahead is accepted all the same where the report says that the
// local clock is behind: a region that is an hour slow does not refuse the
// world. So it is where what is held is as far ahead already, so that an entry
// from the future, once here, can be overwritten.
func (p Policy) Judge(latest, held Timestamp, now time.Time, r SkewReport) Verdict {
	limit := At(now) + Timestamp(max(cmp.Or(p.MaxAhead, DefaultMaxAhead), 0))
	switch {
	case latest <= limit:
		return Accept
	case held > limit && latest <= held+Timestamp(max(cmp.Or(p.MaxAhead, DefaultMaxAhead), 0)):
		return Accept
	case r.Outlier && r.Self < 0 && latest <= limit+Timestamp(-r.Self):
		return Self
	case latest <= limit+Timestamp(max(cmp.Or(p.Patience, defaultMaxAge), 0)):
		return Hold
	}
	return Refuse
}
