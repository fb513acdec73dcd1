package resolvertest

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/resolver"
)

// later asks about what n histories end in, and again when time has passed. In
// the bubble it is the time at which histories begin, and waiting takes none.
func (k *Kit[T]) later(t *testing.T, seed, n int) (at int, err error) {
	t.Helper()
	histories := rapid.Custom(k.drawHistory)
	all := []history[T]{k.smallest()}
	for at := seed; at < seed+n; at++ {
		all = append(all, histories.Example(at))
	}
	defer func() {
		if p := recover(); p != nil { // such as goroutines of the rule's that never end
			t.Logf("resolvertest: not asked at later times: %v", p)
		}
	}()
	var failure *LawError
	synctest.Test(t, func(*testing.T) {
		for i, h := range all {
			if failure = k.runLater(h); failure != nil {
				at = seed + max(0, i-1)
				return
			}
		}
	})
	if failure != nil {
		return at, failure
	}
	return 0, nil
}

// runLater is run, asking about the versions of h now and later.
func (k *Kit[T]) runLater(h history[T]) *LawError {
	r := k.newRun()
	failure := r.play(h)
	if failure == nil {
		failure = r.checkLater()
	}
	if failure != nil {
		failure.History = r.said
	}
	return failure
}

func (r *run[T]) checkLater() *LawError {
	set := new(resolver.Siblings[T])
	for _, s := range r.sites {
		set.Merge(s.set)
	}
	if set.Len() < 2 {
		return nil
	}
	p := r.start(r.sites[0].name)
	first, failure := r.k.ask(p, set)
	if failure != nil {
		return failure
	}
	for _, d := range []time.Duration{time.Nanosecond, time.Second, time.Minute, time.Hour, 24 * time.Hour, 400 * 24 * time.Hour} {
		wait(d)
		again, failure := r.k.ask(p, set)
		if failure != nil {
			return failure
		}
		if failure := r.k.compare(Deterministic, set, first, again, fmt.Sprintf(" (%v later)", d)); failure != nil {
			return failure
		}
	}
	return nil
}

func wait(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	<-ctx.Done()
}
