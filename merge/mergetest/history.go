package mergetest

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// A writeSet is a set of writes by their index in the history.
type writeSet uint64

func (s writeSet) has(i int) bool { return s>>i&1 == 1 }

func (s writeSet) with(i int) writeSet { return s | 1<<i }

// maxSteps is what a writeSet can hold.
const maxSteps = 64

// A kind says what happens in a step. The first is what rapid shrinks to.
type kind int

const (
	idle    kind = iota
	update       // at makes the edit of seed by Update
	display      // at shows its value to a user
	submit       // the user of step ref saves that value after the edit of seed, by Apply
	remove       // at deletes the record
	touch        // at touches the path that seed chooses
	adopt        // at adopts what the edit of seed makes of zero, by Seed
	join         // at merges the state of from
	send         // at sends its state
	receive      // at merges what step ref sent
	save         // at writes its state to disk
	restart      // at goes on from what it has saved, under a new name
	compact      // at compacts to the latest horizon that is safe
)

// A form is the way in which a state travels.
type form int

const (
	direct form = iota
	inBinary
	inJSON
)

// A step is one step of a history. Steps refer to earlier ones by id, which
// stays when a history shrinks; a step whose reference is gone does nothing.
type step struct {
	id       int
	kind     kind
	at, from int
	seed     int
	ref      int
	form     form
}

// A history is a sequence of steps over several replicas, all empty at first.
type history []step

// GoString keeps rapid's log short: the failure tells the steps.
func (h history) GoString() string { return fmt.Sprintf("%d steps", len(h)) }

// drawHistory draws a history. It is plain data, so that shrinking can leave out
// any step of it.
func (k *RecordKit[T]) drawHistory(t *rapid.T) history {
	all := rapid.SliceOfN(rapid.Custom(k.drawSteps), k.minSteps(), maxSteps).Draw(t, "history")
	return resolve(slices.Concat(all...))
}

// drawSteps draws one step, or a write at every replica: concurrent writes to one
// field are where ties come from. Before every other compaction of a record with rows all
// merge all: of those only what all have is forgotten.
func (k *RecordKit[T]) drawSteps(t *rapid.T) history {
	st := step{
		kind: rapid.SampledFrom([]kind{
			idle, update, join, update, submit, update, join, update, receive, update, join, update, join, update,
			display, display, submit, remove, touch, adopt, send, send, receive, save, restart, compact,
		}).Draw(t, "kind"),
		at:   rapid.IntRange(0, k.replicas()-1).Draw(t, "at"),
		from: rapid.IntRange(0, k.replicas()-1).Draw(t, "from"),
		seed: rapid.IntRange(0, 199).Draw(t, "edit"),
		ref:  rapid.IntRange(0, 3).Draw(t, "age"),
		form: form(rapid.IntRange(0, 2).Draw(t, "form")),
	}
	if st.kind == compact && st.seed%2 == 0 && k.hasRows() {
		var all history
		for i := range 2 * k.replicas() {
			all = append(all, step{kind: join, at: i % k.replicas(), from: (i + 1) % k.replicas()})
		}
		return append(all, st)
	}
	if (st.kind != update && st.kind != adopt) || rapid.IntRange(0, 7).Draw(t, "everywhere") < 7 {
		return history{st}
	}
	var all history
	for st.at = range k.replicas() {
		all = append(all, st)
		st.seed = rapid.IntRange(0, 199).Draw(t, "edit")
	}
	return all
}

// hasRows reports whether the records have lists or maps whose elements are merged field by
// field.
func (k *RecordKit[T]) hasRows() bool { return strings.Contains(k.Plan.String(), ".*.") }

// resolve numbers the steps and turns ages into the steps meant: 0 is the latest
// of the kind referred to, 1 the one before it.
func resolve(h history) history {
	h = h[:min(len(h), maxSteps)]
	made := map[kind][]int{}
	pick := func(k kind, age int) int {
		if len(made[k]) == 0 {
			return -1
		}
		return made[k][len(made[k])-1-age%len(made[k])]
	}
	for i := range h {
		st := &h[i]
		st.id = i
		switch st.kind {
		case submit:
			st.ref = pick(display, st.ref)
		case receive:
			st.ref = pick(send, st.ref)
		case idle, update, display, remove, touch, adopt, join, send, save, restart, compact:
			made[st.kind] = append(made[st.kind], i)
		}
	}
	return h
}
