package crdttest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"pgregory.net/rapid"
)

// An eventSet is a set of events by their index in the history.
type eventSet uint64

func (s eventSet) has(i int) bool { return s>>i&1 == 1 }

func (s eventSet) with(i int) eventSet { return s | 1<<i }

// A kind says what happens in a step. The first is what rapid shrinks to.
type kind int

const (
	idle    kind = iota
	update       // at applies op to arg
	merge        // at merges the state of from
	deliver      // at merges the delta of step first
	group        // the deltas of steps first and second are joined into one
	save         // at writes its state to disk
	restart      // at goes on from what it has saved, as a new incarnation
	read         // a client reads the state of at
	compact      // at forgets what it knows that all have seen
)

// A step is one step of a history. Steps refer to earlier ones by id, which
// stays when a history shrinks; a step whose reference is gone does nothing.
type step struct {
	id            int
	kind          kind
	at, from      int
	op            int
	arg           any
	first, second int // first of an update for a client: the step in which that read
}

// A history is a sequence of steps over several replicas, all empty at first.
type history []step

// drawHistory draws a history. It is plain data, so that shrinking can leave out
// any step of it.
func (k *Kit[S]) drawHistory(t *rapid.T) history {
	all := rapid.SliceOfN(rapid.Custom(k.drawSteps), k.minSteps(), maxSteps).Draw(t, "history")
	return resolve(slices.Concat(all...))
}

// drawSteps draws one step, or an update at every site: concurrent updates of one
// kind are where ties come from.
func (k *Kit[S]) drawSteps(t *rapid.T) history {
	kinds := []kind{
		idle, update, merge, deliver, update, update, update, merge, deliver, update,
		merge, deliver, deliver, group, save, restart,
	}
	if slices.ContainsFunc(k.Ops, func(op Operation[S]) bool { return op.seen }) {
		kinds = append(kinds, read, read)
	}
	if k.clock != nil {
		kinds = append(kinds, compact)
	}
	site := rapid.IntRange(0, k.replicas()-1)
	age := rapid.IntRange(0, 8)
	st := step{kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	switch st.kind {
	case idle:
	case update:
		st.op = rapid.IntRange(0, len(k.Ops)-1).Draw(t, "op")
		if k.Ops[st.op].seen {
			st.first = age.Draw(t, "client")
		}
		if rapid.IntRange(0, 7).Draw(t, "everywhere") == 7 {
			var all history
			for st.at = range k.replicas() {
				st.arg = k.Ops[st.op].draw(t)
				all = append(all, st)
			}
			return all
		}
		st.at, st.arg = site.Draw(t, "at"), k.Ops[st.op].draw(t)
	case merge:
		st.at, st.from = site.Draw(t, "at"), site.Draw(t, "from")
	case deliver:
		st.at, st.first = site.Draw(t, "at"), age.Draw(t, "delta")
	case group:
		st.first, st.second = age.Draw(t, "delta"), age.Draw(t, "delta")
	case save, restart, read:
		st.at = site.Draw(t, "at")
	case compact:
		st.at = site.Draw(t, "at")
		if rapid.Bool().Draw(t, "all report") {
			return k.reports(st)
		}
	}
	return history{st}
}

// reports returns the steps after which the site of st knows that all have seen
// everything, and then st.
func (k *Kit[S]) reports(st step) history {
	var h history
	for range 2 {
		for i := range k.replicas() {
			if i != st.at {
				h = append(h, step{kind: merge, at: st.at, from: i}, step{kind: merge, at: i, from: st.at})
			}
		}
	}
	return append(h, st)
}

// GoString keeps rapid's log short: the failure tells the steps.
func (h history) GoString() string { return fmt.Sprintf("%d steps", len(h)) }

// resolve numbers the steps and turns the ages of deltas, and of what clients have
// read, into the steps that made them: 0 is the newest, 1 the one before it.
func resolve(h history) history {
	h = h[:min(len(h), maxSteps)]
	var made, reads []int
	pick := func(of []int, age int) int {
		if len(of) == 0 {
			return -1
		}
		return of[len(of)-1-age%len(of)]
	}
	for i := range h {
		st := &h[i]
		st.id = i
		switch st.kind {
		case deliver:
			st.first = pick(made, st.first)
		case group:
			st.first, st.second = pick(made, st.first), pick(made, st.second)
			made = append(made, i)
		case update:
			st.first = pick(reads, st.first)
			made = append(made, i)
		case read:
			reads = append(reads, i)
		case idle, merge, save, restart, compact:
		}
	}
	return h
}

// describe tells what an update does, as in "a: Add p".
func (k *Kit[S]) describe(site string, st step) string {
	name := k.Ops[st.op].name
	if _, none := st.arg.(struct{}); none {
		return fmt.Sprintf("%s: %s", site, name)
	}
	return fmt.Sprintf("%s: %s %s", site, name, text(st.arg))
}

// text shows an argument, a string quoted if it would not be seen otherwise.
func text(arg any) string {
	s := fmt.Sprint(arg)
	if _, ok := arg.(string); ok && (s == "" || strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) })) {
		return strconv.Quote(s)
	}
	return s
}
