package resolver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Reconciler says what a set of siblings means, by a rule: the same set has
// the same outcome everywhere. It is not written: a client that was shown it
// replaces the versions that it was made of with its next write. To write
// outcomes back without that, let one region do it, the home of the key, as an
// ordinary write. The zero Reconciler lets a person decide everything. A
// Reconciler is as safe for concurrent use as its Rule and its Log are.
//
// See Terry et al., “Managing Update Conflicts in Bayou, a Weakly Connected
// Replicated Storage System”, SOSP 1995, https://doi.org/10.1145/224056.224070.
type Reconciler[T any] struct {
	// Rule decides. Nil means [Manual].
	Rule Rule[T]
	// Log is told of every decision before it is returned. Nil means no log.
	Log Log
}

// New returns a Reconciler with the given rule, as in New[Doc](Manual).
func New[T any](rule Rule[T]) *Reconciler[T] { return &Reconciler[T]{Rule: rule} }

// Describe returns the policy that r enforces, made from the rule itself.
func (r *Reconciler[T]) Describe() Policy { return r.rule().Describe() }

func (r *Reconciler[T]) rule() Rule[T] {
	if r.Rule == nil {
		return Manual[T]
	}
	return r.Rule
}

func (r *Reconciler[T]) logger() *logger { return &logger{r.Log, r.Describe()} }

// An Outcome is what there is to show of a key.
type Outcome[T any] struct {
	Value T    // zero if there is none
	Found bool // there is a value
	// Winner is the version of Value, or a delete; zero if of several, or never
	// written.
	Winner lww.Stamp
	// Context goes to the client with the value and comes back with its write.
	Context Context
	// Conflict is what had to be decided; nil if there is one version or none.
	Conflict *Conflict[T]
	// Rule and Reason say who decided it and why.
	Rule, Reason string
	// Compensations are to be carried out, each once per its key.
	Compensations []Compensation
	// Ticket is for the person who has to decide, if one has to. Value is then
	// provisional, the latest version, and a write under Context replaces that version
	// alone, and if it is a settlement, those that gave way to it.
	Ticket *Ticket[T]
	// Err is the [*RuleError] of a rule that failed, hence the ticket, or a
	// [*content.ValueError]: see [Siblings.Unreadable].
	Err error
}

// Resolve returns the outcome of s, the set of the given key, and leaves s as
// it is. It asks the rule about two or more versions, and logs the decision.
// One that cannot be logged is withheld, and the error returned.
//
// If the rule defers, passes, fails, panics, changes its argument, or comes
// back after ctx is done, the outcome has a [Ticket] for a person, who answers
// it with [Reconciler.Settle]. A rule that never looks at ctx cannot be
// stopped.
func (r *Reconciler[T]) Resolve(ctx context.Context, key string, s *Siblings[T]) (Outcome[T], error) {
	switch len(s.entries) {
	case 0:
		return Outcome[T]{Context: s.Context()}, nil
	case 1:
		e := &s.entries[0]
		return Outcome[T]{Value: e.Value, Found: !e.Deleted, Winner: e.Stamp, Context: s.context(!e.Deleted), Err: e.checkValue()}, nil
	}
	contenders, superseded := contend(s.entries)
	if len(superseded) > 0 && r.Log != nil {
		if err := logSuperseded(ctx, r.logger(), key, superseded); err != nil {
			return Outcome[T]{}, err
		}
	}
	c := newConflict(key, contenders)
	if len(contenders) == 1 {
		e := &contenders[0]
		return Outcome[T]{
			Value: e.Value, Found: !e.Deleted, Winner: e.Stamp, Context: s.context(!e.Deleted),
			Conflict: newConflict(key, s.entries), Rule: "settlement", Reason: "settled by a person", Err: e.checkValue(),
		}, nil
	}
	d, err := r.rule().Resolve(ctx, c)
	failure := ""
	if err != nil {
		failed := &RuleError{}
		errors.As(err, &failed)
		failure = fmt.Sprint(failed.Err) // which survives an Error that panics
		d = c.Defer(failure)
		d.rule = failed.Rule
	}
	out := s.outcome(c, &d)
	out.Err = err
	if err == nil && c.bad != nil {
		out.Err = c.bad
	}
	if r.Log != nil {
		if err := logDecision(ctx, r.logger(), c, &d, failure); err != nil {
			return Outcome[T]{}, err
		}
	}
	return out, nil
}

// outcome returns what d makes of c, a conflict in s.
func (s *Siblings[T]) outcome(c *Conflict[T], d *Decision[T]) Outcome[T] {
	out := Outcome[T]{Conflict: c, Rule: d.rule, Reason: d.Reason, Compensations: d.Compensations}
	all := s.context(false)
	shown := -1
	switch d.Action {
	case Keep:
		shown = d.Version
	case Use:
		out.Value, out.Found = d.Value, true
	case Delete:
	case Defer, Pass:
		shown = len(c.Versions) - 1
		out.Ticket = &Ticket[T]{Conflict: c, Reason: d.Reason, Context: all}
		out.Ticket.Context.found = s.live()
		out.Compensations = nil
	}
	if shown >= 0 {
		v := &c.entries[shown]
		out.Value, out.Found, out.Winner = v.Value, !v.Deleted, v.Stamp
	}
	out.Context = all
	out.Context.found = out.Found
	if out.Ticket != nil {
		out.Context.past = vclock.Clock{}
		if c.Kind != Forked || c.Versions[shown-1].Stamp != out.Winner {
			out.Context.dot = out.Winner
			out.Context.past = s.supersededBy(c, shown)
		}
	}
	return out
}

// supersededBy returns a clock that covers the settlements which version shown of
// c superseded, and what they had replaced, but no version still in conflict. A
// write over the answer that is shown then replaces those too.
func (s *Siblings[T]) supersededBy(c *Conflict[T], shown int) vclock.Clock {
	var past vclock.Clock
	stands := c.entries[shown].Settles
	if stands == nil {
		return past
	}
	_, superseded := contend(s.entries)
	for i := range superseded {
		e := &superseded[i]
		if !slices.ContainsFunc(e.Settles, func(stamp lww.Stamp) bool { return slices.Contains(stands, stamp) }) {
			continue
		}
		with := past.Join(e.Past.past).With(e.Stamp.Replica, uint64(e.Stamp.Time))
		if !slices.ContainsFunc(c.entries, func(o entry[T]) bool { return contains(with, o.Stamp) }) {
			past = with
		}
	}
	return past
}

// contend returns the entries that a rule is to decide between, and those that
// are settlements of a conflict that another settles, too. Of settlements with a
// version in common, the one stays whose ticket held more versions, then the one
// with the larger stamp: people have decided, and are not asked again.
func contend[T any](entries []entry[T]) (contenders, superseded []entry[T]) {
	settlements := 0
	for i := range entries {
		if entries[i].Settles != nil {
			settlements++
		}
	}
	if settlements < 2 {
		return entries, nil
	}
	order := slices.Clone(entries)
	slices.SortFunc(order, func(a, b entry[T]) int {
		return cmp.Or(cmp.Compare(len(b.Settles), len(a.Settles)), b.compare(&a))
	})
	settled := map[lww.Stamp]bool{}
	for _, e := range order {
		if slices.ContainsFunc(e.Settles, func(s lww.Stamp) bool { return settled[s] }) {
			superseded = append(superseded, e)
			continue
		}
		for _, s := range e.Settles {
			settled[s] = true
		}
		contenders = append(contenders, e)
	}
	slices.SortFunc(contenders, func(a, b entry[T]) int { return a.compare(&b) })
	return contenders, superseded
}

// Fenced logs versions that were fenced: those of [Written], the one refused
// with a [*FencedError] included, of [Siblings.Promote], and, before merging,
// of [Siblings.Fenced].
func (r *Reconciler[T]) Fenced(ctx context.Context, key string, versions ...Version[T]) error {
	if r.Log == nil {
		return nil
	}
	l := r.logger()
	for _, v := range versions {
		if err := logFenced(ctx, l, key, v); err != nil {
			return err
		}
	}
	return nil
}
