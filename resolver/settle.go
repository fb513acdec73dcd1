package resolver

import (
	"context"
	"fmt"
)

// A StaleError says that an answer to a ticket comes too late: the set holds a
// version that the ticket does not. Nothing was written.
type StaleError struct {
	ID ID // of the ticket
	// Conflict is what there is now, a *Conflict[T]. If it has one version, there
	// is nothing left to decide.
	Conflict any
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("resolver: ticket %v is stale: the set holds versions that it does not", e.ID)
}

// Settle answers a ticket with a person's decision, made by the methods of
// t.Conflict. It is a write to s by w that has been shown exactly the versions of
// the ticket, and is logged before it is made.
//
// If s holds a version that the ticket does not, Settle returns a [*StaleError]
// with what is to be decided now. Where two people answer one ticket in two
// regions, both answers are written, and as they meet, one stays: that whose
// ticket held more versions, then that with the larger stamp. The other one goes
// into the log, and nobody is asked again.
//
// Settle also returns an error if d defers or passes or does not fit the ticket,
// if the log fails, and the errors of [Siblings.Write]. The set is then as it was.
func (r *Reconciler[T]) Settle(ctx context.Context, w Writer, s *Siblings[T], t *Ticket[T], d Decision[T]) (Written[T], error) {
	c := t.Conflict
	if c == nil || len(c.entries) != len(c.Versions) {
		return Written[T]{}, fmt.Errorf("resolver: settle: %w", errNoConflict)
	}
	if err := c.valid(&d); err != nil {
		return Written[T]{}, fmt.Errorf("resolver: settle: decision %w", err)
	}
	v := Version[T]{Past: t.Context, Settles: stampsOf(c.Versions)}
	switch d.Action {
	case Keep:
		e := &c.entries[d.Version]
		v.Value, v.stored, v.Deleted = e.Value, e.stored, e.Deleted
	case Use:
		v.Value = d.Value
	case Delete:
		v.Deleted = true
	case Defer, Pass:
		return Written[T]{}, fmt.Errorf("resolver: settle: decision to %v settles nothing", d.Action)
	}
	for i := range s.entries {
		if e := &s.entries[i]; !t.Context.covers(e.Stamp) {
			contenders, _ := contend(s.entries)
			return Written[T]{}, &StaleError{ID: c.ID, Conflict: newConflict(c.Key, contenders)}
		}
	}
	next := s.Clone()
	written, err := next.add(w, v, nil)
	if err != nil {
		return written, err
	}
	if r.Log != nil {
		if err := logSettlement(ctx, r.logger(), c, &d, &written.Version); err != nil {
			return Written[T]{}, err
		}
	}
	*s = *next
	return written, nil
}
