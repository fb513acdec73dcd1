package crdttest

import "github.com/rejoin-go/rejoin/vclock"

// An Event is an update in a history that was not refused.
type Event struct {
	Replica vclock.Replica
	Op      string // the operation's name
	Arg     any    // its argument

	index int
	seen  eventSet // what its replica had seen
	shown eventSet // of that, what the client was shown, if it was made for one; else seen
	all   *[]Event // the history
}

// Saw reports whether f happened before e: whether f was in the state that e
// updated and, if [OpSeen] made e, in the one that the client read. Two events
// of which neither saw the other are concurrent.
func (e Event) Saw(f Event) bool { return e.shown.has(f.index) }

// Past returns the events that e saw, in the order of the history.
func (e Event) Past() []Event {
	var past []Event
	for _, f := range (*e.all)[:e.index] {
		if e.Saw(f) {
			past = append(past, f)
		}
	}
	return past
}

// Standing returns the events of seen that no other event of seen has
// overridden. An event overrides an earlier one if overrides says so, provided
// that it saw the earlier one and that this was still standing where it
// happened. For most types remember what stands and nothing else: a replica
// that missed a replacement still shows what was replaced, whoever removed
// that.
//
// With it the model of many a type is a line or two: an add-wins set shows the
// elements of the standing adds, where any operation overrides others on the
// same element; a register shows the values of the standing writes.
func Standing(seen []Event, overrides func(later, earlier Event) bool) []Event {
	var view eventSet
	for _, e := range seen {
		view = view.with(e.index)
	}
	var standing []Event
	for _, e := range seen {
		if e.overriddenBy(overrides)&view == 0 {
			standing = append(standing, e)
		}
	}
	return standing
}

// overriddenBy returns the events of the history that override e.
func (e Event) overriddenBy(overrides func(later, earlier Event) bool) eventSet {
	var by eventSet
	for _, f := range (*e.all)[e.index+1:] {
		if f.Saw(e) && f.seen&by == 0 && overrides(f, e) {
			by = by.with(f.index)
		}
	}
	return by
}
