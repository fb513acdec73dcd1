// Package hlc implements hybrid logical clocks: timestamps that read like wall
// time and order events as cause and effect do.
//
// Wall clocks of different machines disagree. A write stamped by a slow clock
// loses to an older write stamped by a fast one, even if its author had read
// the older write and meant to replace it. A hybrid logical clock is never
// behind anything it has heard of: if one event happened before another, its
// timestamp is smaller, however wrong wall clocks are.
//
//	var clock hlc.Clock              // one per process
//
//	stamp := clock.Now()             // a local event, or a message to send
//	err := clock.Advance(msg.Stamp)  // a message received, before acting on it
//
// A timestamp is 8 bytes, needs no membership list, and is close to real time,
// so it can be shown to people, stored in a BIGINT, and compared with time
// limits.
//
// [Timestamp] is the value, [Clock] issues it. [Durable] is a Clock that
// survives crashes: without one, a process that restarts with a slower wall
// clock may issue timestamps a second time. [Skew] finds the node whose wall
// clock is off, which might be this one, and [Jumps] that this one was set.
// [Policy] decides about states whose stamps are ahead.
//
// # When not to use it
//
// A smaller timestamp does not say that one event knew of the other: to find
// out whether two writes conflict takes a vector clock. Of two events on
// different machines of which neither heard of the other the order is the same
// everywhere, but that of the wall clocks.
//
// # Uniqueness
//
// One Clock, or one Durable and those that follow it over the same [Bound],
// never issue a timestamp twice, but for [Clock.Next] after a timestamp that
// the clock does not accept. Two clocks may issue equal ones. To name an event,
// add the name of the replica.
//
// # Hazards
//
// A clock goes forward only. A peer whose wall clock is a year ahead would take
// along every clock that hears of it; MaxAhead, half a second by default, keeps
// its timestamps out. Do not raise it beyond the clock error that you would put
// up with for good. Times chosen by an application ("effective tomorrow") are
// data, and must not be fed to a clock.
//
// # Source
//
// Kulkarni, Demirbas, Madeppa, Avva, Leone: "Logical Physical Clocks", OPODIS
// 2014, https://cse.buffalo.edu/tech-reports/2014-04.pdf, figure 5, in the
// compact representation of section 6.2. The tests go through its theorems.
package hlc
