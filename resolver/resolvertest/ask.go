package resolvertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A process is a program that runs at a site, from a start until it ends.
type process[T any] struct {
	site vclock.Replica
	rec  *resolver.Reconciler[T]
	log  *tee
	loud bool // log what is asked even if the application has a Read of its own
}

func (k *Kit[T]) start(site vclock.Replica) *process[T] {
	p := &process[T]{site: site, rec: &resolver.Reconciler[T]{Rule: k.Rule}, log: &tee{}}
	if k.At != nil {
		own := k.At(site)
		if own == nil {
			panic(fmt.Sprintf("resolvertest: Kit.At returned no reconciler for %q", site))
		}
		p.rec.Rule, p.log.next = own.Rule, own.Log
	}
	p.rec.Log = p.log
	return p
}

// A tee hands entries to a log, and keeps them if there is none.
type tee struct {
	next   resolver.Log
	silent bool // what is asked is not for the application, and not logged
	all    resolver.MemoryLog
}

// Append implements [resolver.Log].
func (l *tee) Append(ctx context.Context, e resolver.LogEntry) error {
	if l.silent {
		return nil
	}
	if l.next != nil {
		return l.next.Append(ctx, e)
	}
	return l.all.Append(ctx, e)
}

// entries returns what the log has, and whether it can tell.
func (l *tee) entries() ([]resolver.LogEntry, bool) {
	if l.next == nil {
		return l.all.Entries(), true
	}
	if kept, ok := l.next.(interface{ Entries() []resolver.LogEntry }); ok {
		return kept.Entries(), true
	}
	return nil, false
}

// An answer is what a process answered to the question what a set means.
type answer[T any] struct {
	by    *process[T]
	out   resolver.Outcome[T]
	set   []byte // the encoding of the set
	value []byte // the encoding of out.Value
}

// ask lets p resolve set and checks what can be said about the answer alone.
func (k *Kit[T]) ask(p *process[T], set *resolver.Siblings[T]) (*answer[T], *LawError) {
	before := encode(set)
	a := &answer[T]{by: p, set: before}
	var err error
	silent := p.log.silent
	p.log.silent = silent || k.Read != nil && !p.loud
	defer func() { p.log.silent = silent }()
	late, failure := k.guarded(context.Background(), func(ctx context.Context) {
		a.out, err = p.rec.Resolve(ctx, k.key(), set)
	})
	question := func() string { return k.question(set) }
	switch {
	case failure != nil:
		failure.Detail = question() + "\n" + failure.Detail
		return nil, failure
	case err != nil:
		return nil, broken(Answers, "%s\n%s: %v", question(), p.site, err)
	case late:
		return nil, broken(Bounded, "%s\n%s took longer than %v", question(), p.site, k.patience())
	case !bytes.Equal(encode(set), before):
		return nil, broken(Quiet, "%s\nafter %s was asked, the set is: %s", question(), p.site, listed(set.Versions()))
	case errors.Is(a.out.Err, resolver.ErrChanged):
		return nil, broken(Argument, "%s\n%s: rule %q %s", question(), p.site, a.out.Rule, a.out.Reason)
	case a.out.Err != nil:
		return nil, broken(Answers, "%s\n%s: rule %q failed: %s%s", question(), p.site, a.out.Rule, a.out.Reason, origin(a.out.Err))
	}
	if a.out.Found {
		if a.value, err = full(a.out.Value); err != nil {
			return nil, broken(Answers, "%s\n%s: %v", question(), p.site, err)
		}
	}
	if a.out.Conflict == nil {
		return a, nil
	}
	if failure := checkCompensations(a.out); failure != nil {
		failure.Detail = question() + "\n" + failure.Detail
		return nil, failure
	}
	if k.Expect != nil {
		if err := k.Expect(a.out); err != nil {
			return nil, broken(Expected, "%s\n%s: %v", question(), tell(a), err)
		}
	}
	return a, nil
}

// guarded calls f with a context that lasts as long as the kit's patience, and
// waits as long again. Late reports whether the context was done before f was.
func (k *Kit[T]) guarded(parent context.Context, f func(context.Context)) (late bool, failure *LawError) {
	ctx, cancel := context.WithTimeout(parent, k.patience())
	defer cancel()
	done, ended := make(chan struct{}), broken(Answers, "the rule ended its goroutine")
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil { // not of the rule, whose panics the resolver contains
				ended = broken(Answers, "panic: %v%s", v, lawkit.Origin())
			}
		}()
		f(ctx)
		ended = nil
	}()
	select {
	case <-done:
	case <-ctx.Done():
		late = true
		grace, cancel := context.WithTimeout(context.Background(), k.patience())
		defer cancel()
		select {
		case <-done:
		case <-grace.Done():
			return true, broken(Bounded, "its context is done, and %v later the rule is not back", k.patience())
		}
	}
	return late, ended
}

// origin returns where a rule has panicked, if it has.
func origin(err error) string {
	if failed, ok := errors.AsType[*resolver.RuleError](err); ok && failed.Stack != nil {
		return lawkit.OriginIn(failed.Stack)
	}
	return ""
}

// checkBounded asks with a context that is done already.
func (k *Kit[T]) checkBounded(p *process[T], set *resolver.Siblings[T]) *LawError {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, failure := k.guarded(ctx, func(ctx context.Context) {
		silent := &resolver.Reconciler[T]{Rule: p.rec.Rule}
		_, _ = silent.Resolve(ctx, k.key(), set)
	})
	if failure != nil {
		failure.Detail = k.question(set) + "\n" + failure.Detail
	}
	return failure
}

// checkCompensations checks that each compensation is one of the conflict's, and
// asked for once.
func checkCompensations[T any](out resolver.Outcome[T]) *LawError {
	seen := map[resolver.ID]bool{}
	for _, c := range out.Compensations {
		var causes []int
		for i, v := range out.Conflict.Versions {
			for _, s := range c.Causes {
				if v.Stamp == s {
					causes = append(causes, i)
				}
			}
		}
		switch want := out.Conflict.Compensation(c.Name, causes...); {
		case c.Key != want.Key || len(c.Causes) != len(want.Causes):
			return broken(Compensations, "compensation %q is not one that Conflict.Compensation made of these versions", c.Name)
		case seen[c.Key]:
			return broken(Compensations, "compensation %q is asked for twice in one answer", c.Name)
		}
		seen[c.Key] = true
	}
	return nil
}

// same reports whether two answers to one question are the same. Their contexts
// are not if one set was emptied by a promotion: it covers less.
func (k *Kit[T]) same(a, b *answer[T]) bool {
	x, y := &a.out, &b.out
	if !x.Context.Equal(y.Context) && (x.Context.Epoch() == 0 || bytes.Equal(a.set, b.set)) {
		return false
	}
	return x.Found == y.Found && x.Winner == y.Winner && x.Reason == y.Reason && (x.Ticket == nil) == (y.Ticket == nil) &&
		k.sameValue(a, b)
}

func (k *Kit[T]) sameValue(a, b *answer[T]) bool {
	return bytes.Equal(a.value, b.value) || k.Equal != nil && a.out.Found && b.out.Found && k.Equal(a.out.Value, b.out.Value)
}

func sameCompensations[T any](a, b *answer[T]) bool {
	return fmt.Sprint(a.out.Compensations) == fmt.Sprint(b.out.Compensations)
}

// compare returns the law that is broken by two answers to one question, or nil.
func (k *Kit[T]) compare(l Law, set *resolver.Siblings[T], a, b *answer[T], when string) *LawError {
	switch {
	case !k.same(a, b):
	case !sameCompensations(a, b):
		l = Compensations
	default:
		return nil
	}
	return broken(l, "%s\n%s\n%s%s", k.question(set), tell(a), tell(b), when)
}

// question tells what is asked.
func (k *Kit[T]) question(set *resolver.Siblings[T]) string {
	out, err := resolver.New(resolver.Manual[T]).Resolve(context.Background(), k.key(), set)
	if err != nil || out.Conflict == nil {
		return listed(set.Versions())
	}
	return fmt.Sprintf("conflict over %q (%s): %s", k.key(), out.Conflict.Kind, listed(out.Conflict.Versions))
}

// listed lists versions as in "eu@1 p, us@2 deleted".
func listed[T any](versions []resolver.Version[T]) string {
	all := make([]string, len(versions))
	for i, v := range versions {
		all[i] = name(v.Stamp) + " deleted"
		if !v.Deleted {
			all[i] = fmt.Sprintf("%s %v", name(v.Stamp), v.Value)
		}
	}
	return strings.Join(all, ", ")
}

// tell tells an answer, as in "us keeps eu@1 p: paid".
func tell[T any](a *answer[T]) string {
	what := ""
	switch out := &a.out; {
	case out.Ticket != nil:
		what = "defers"
	case !out.Winner.IsZero() && out.Found:
		what = fmt.Sprintf("keeps %s %v", name(out.Winner), out.Value)
	case !out.Winner.IsZero():
		what = fmt.Sprintf("keeps %s deleted", name(out.Winner))
	case out.Found:
		what = fmt.Sprintf("uses %v", out.Value)
	default:
		what = "deletes"
	}
	if a.out.Reason != "" {
		what += ": " + a.out.Reason
	}
	for _, c := range a.out.Compensations {
		causes := make([]string, len(c.Causes))
		for i, s := range c.Causes {
			causes[i] = name(s)
		}
		what += fmt.Sprintf("; %s (because of %s)", c.Name, strings.Join(causes, ", "))
	}
	return fmt.Sprintf("%s %s", a.by.site, what)
}

// encode returns the bytes of a set, which it always has.
func encode[T any](s *resolver.Siblings[T]) []byte {
	p, err := s.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return p
}

// decode returns a set of its own memory, as it arrives from the network.
func decode[T any](p []byte) *resolver.Siblings[T] {
	s := new(resolver.Siblings[T])
	if err := s.UnmarshalBinary(p); err != nil {
		panic(err)
	}
	return s
}

// full returns the bytes of a value as it is stored.
func full[T any](v T) ([]byte, error) {
	stored, kept, err := value.Store(v)
	if err != nil {
		return nil, err
	}
	return value.AppendFull(nil, &stored, kept), nil
}
