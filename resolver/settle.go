package resolver

import (
	"context"
	"fmt"
)

// A StaleError says that an answer to a ticket was not written, as the set
// holds a version that the ticket does not.
type StaleError struct {
	ID ID // of the ticket
	// Conflict is what there is now, a *Conflict[T]; with one version nothing is left.
	Conflict any
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("resolver: ticket %v is stale: the set holds versions that it does not", e.ID)
}

// Settle answers a ticket with a person's decision, made by the methods of
// t.Conflict: it logs it and then writes it to s by w, which has been shown
// exactly the versions of the ticket. If two people answer one ticket in two
// regions, one answer stays when they meet: that whose ticket held more
// versions, then that with the larger stamp. The other one is logged, and
// nobody asked again.
//
// It returns a [*StaleError] with what is to be decided now if s holds a
// version that the ticket does not, an error if d defers, passes or does not
// fit the ticket, and those of the log and of [Siblings.Write]. s is then as it
// was.
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
