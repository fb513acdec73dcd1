package resolver

import (
	"context"
	"fmt"
)

// A logger tells a log of decisions made under a policy.
type logger struct {
	log    Log    // nil if nobody is told
	policy Policy // in force
}

func (l *logger) append(ctx context.Context, e LogEntry) error {
	if err := l.log.Append(ctx, e); err != nil {
		return fmt.Errorf("resolver: decision on %q withheld: log: %w", e.Key, err)
	}
	return nil
}

// newLogEntry returns an entry about c under the given policy, to be completed.
func newLogEntry[T any](event Event, c *Conflict[T], policy Policy) (LogEntry, error) {
	e := LogEntry{Event: event, ID: c.ID, Key: c.Key, Policy: policy.Fingerprint()}
	if len(c.entries) > 1 {
		e.Kind = c.Kind
	}
	for i := range c.entries {
		enc, err := c.entries[i].MarshalJSON()
		if err != nil {
			return e, err
		}
		e.Versions = append(e.Versions, enc)
	}
	return e, nil
}

// complete adds a decision on c to an entry.
func complete[T any](e *LogEntry, c *Conflict[T], d *Decision[T]) (err error) {
	e.Rule, e.Reason, e.Action, e.Compensations = d.rule, d.Reason, d.Action, d.Compensations
	switch d.Action {
	case Keep:
		e.Winner = c.entries[d.Version].Stamp
		for i := range c.entries[:d.Version] {
			if c.entries[i].Stamp == e.Winner {
				e.Fork++
			}
		}
	case Use:
		e.Value, err = valueJSON(d.Value)
	case Delete:
	case Defer, Pass:
		e.Compensations = nil // nothing is decided that would make them necessary
	}
	return err
}

func logDecision[T any](ctx context.Context, l *logger, c *Conflict[T], d *Decision[T], failure string) error {
	event := Decided
	if d.Action == Defer || d.Action == Pass {
		event = Deferred
	}
	e, err := newLogEntry(event, c, l.policy)
	if err == nil {
		err = complete(&e, c, d)
	}
	if err != nil {
		return err
	}
	e.Failed = failure != ""
	return l.append(ctx, e)
}

// logSettlement logs what a person decided, and what it was written as.
func logSettlement[T any](ctx context.Context, l *logger, c *Conflict[T], d *Decision[T], written *Version[T]) error {
	e, err := newLogEntry(Settled, c, l.policy)
	if err == nil {
		err = complete(&e, c, d)
	}
	if err == nil && !written.Deleted {
		e.Value, err = storedText(written.stored)
	}
	if err != nil {
		return err
	}
	e.Winner, e.Fork, e.Rule = written.Stamp, 0, "settlement"
	return l.append(ctx, e)
}

// logSuperseded logs settlements that gave way to others.
func logSuperseded[T any](ctx context.Context, l *logger, key string, superseded []entry[T]) error {
	for i := range superseded {
		e, err := newLogEntry(Superseded, newConflict(key, superseded[i:i+1]), l.policy)
		if err != nil {
			return err
		}
		e.Rule, e.Reason = "settlement", "another settlement of the same conflict stands"
		if err := l.append(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// logFenced logs a version that was fenced.
func logFenced[T any](ctx context.Context, l *logger, key string, v Version[T]) error {
	f, err := newEntry(v)
	if err != nil {
		return fmt.Errorf("resolver: log: %w", err)
	}
	e, err := newLogEntry(Fenced, newConflict(key, []entry[T]{f}), l.policy)
	if err != nil {
		return err
	}
	e.Reason = fmt.Sprintf("below the epoch in force: written in epoch %d", v.Epoch)
	return l.append(ctx, e)
}
