package resolver

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
)

// An Action is what a decision does.
type Action uint8

// The actions. The zero Action leaves the conflict to a person.
const (
	Defer  Action = iota // let a person decide
	Keep                 // one of the versions stands
	Use                  // another value, made of them
	Delete               // there is no value
	Pass                 // let the next rule decide
)

// String returns the name of the action in lower case.
func (a Action) String() string {
	switch a {
	case Defer:
		return "defer"
	case Keep:
		return "keep"
	case Use:
		return "use"
	case Delete:
		return "delete"
	case Pass:
		return "pass"
	default:
		return fmt.Sprintf("Action(%d)", uint8(a))
	}
}

// MarshalText implements [encoding.TextMarshaler]. It refuses other numbers.
func (a Action) MarshalText() ([]byte, error) {
	if a > Pass {
		return nil, fmt.Errorf("resolver: encode Action: %v is none", a)
	}
	return []byte(a.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Action) UnmarshalText(text []byte) error {
	for b := Defer; b <= Pass; b++ {
		if b.String() == string(text) {
			*a = b
			return nil
		}
	}
	return fmt.Errorf("resolver: decode Action: %.64q is none", text)
}

// A Decision answers a [Conflict], whose methods make one. The zero one defers.
type Decision[T any] struct {
	Action  Action
	Version int    // with Keep: which of the conflict's versions
	Value   T      // with Use
	Reason  string // for people, and for the log
	// Compensations are to be done because of it: see [Conflict.Compensation].
	Compensations []Compensation

	kept *Version[T] // what Version was when Keep made this
	rule string      // who decided, if not the rule asked
	note string      // what the reason is to say of a rule that passed
	good bool        // Value can be stored, says the rule of this package that made it
}

// Keep returns the decision that version i of c stands. A rule fails that gives
// it for a conflict in which version i is another one.
func (c *Conflict[T]) Keep(i int, reason string) Decision[T] {
	d := Decision[T]{Action: Keep, Version: i, Reason: reason}
	if i >= 0 && i < len(c.Versions) {
		d.kept = &c.Versions[i]
	}
	return d
}

// Use returns the decision that v stands, a value made of the versions of c.
func (*Conflict[T]) Use(v T, reason string) Decision[T] {
	return Decision[T]{Action: Use, Value: v, Reason: reason}
}

// Delete returns the decision that there is no value.
func (*Conflict[T]) Delete(reason string) Decision[T] {
	return Decision[T]{Action: Delete, Reason: reason}
}

// Defer returns the decision to let a person decide.
func (*Conflict[T]) Defer(reason string) Decision[T] {
	return Decision[T]{Action: Defer, Reason: reason}
}

// Pass returns the decision to let the next rule of a [Chain] decide.
func (*Conflict[T]) Pass(reason string) Decision[T] {
	return Decision[T]{Action: Pass, Reason: reason}
}

// Suggest returns what [LastWriterWins] would decide, for people to start from.
// It is also what is shown of a deferred conflict.
func (c *Conflict[T]) Suggest() Decision[T] {
	return c.Keep(len(c.Versions)-1, "latest")
}

func (c *Conflict[T]) passBy(rule, reason string) Decision[T] {
	d := c.Pass(reason)
	d.rule = rule
	return d
}

// passUnread returns the decision of a rule that looks at values, of which one cannot
// be read.
func (c *Conflict[T]) passUnread(rule string) Decision[T] {
	d := c.passBy(rule, "a value cannot be read")
	d.note = rule + ": " + d.Reason
	return d
}

// With returns d with compensations added.
func (d Decision[T]) With(c ...Compensation) Decision[T] {
	d.Compensations = append(slices.Clip(d.Compensations), c...)
	return d
}

// A Compensation is something to be done outside because of a decision. All
// regions that decide alike emit it, and whoever carries it out does so once
// per Key. A later decision does not take it back.
type Compensation struct {
	Name   string      `json:"name"`
	Key    ID          `json:"key"`    // the idempotency key
	Causes []lww.Stamp `json:"causes"` // the versions that make it necessary
}

// Compensation returns the compensation of that name, such as "refund order
// 17", that the given versions of c make necessary; without any, all of them.
// It panics if a version is out of range. Its key is a hash of c.Key, the name,
// and these versions alone: name only the cause, and it stays the same when
// others join in. A version that is written again has another key: if that can
// happen before a decision has arrived, let the name identify the matter, and
// carry out one per name.
func (c *Conflict[T]) Compensation(name string, versions ...int) Compensation {
	chosen := c.Versions
	if len(versions) > 0 {
		chosen = make([]Version[T], len(versions))
		for i, v := range versions {
			chosen[i] = c.Versions[v]
		}
	}
	b := wire.AppendBytes(wire.AppendBytes(nil, c.Key), name)
	causes := stampsOf(chosen)
	for _, s := range causes {
		b = appendStamp(b, s)
	}
	return Compensation{Name: name, Key: hashID(b), Causes: causes}
}
