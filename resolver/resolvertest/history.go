package resolvertest

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
)

// A kind says what happens in a step.
type kind int

const (
	write   kind = iota // a client at the site writes a value
	edit                // the same, and says what it started from
	remove              // a client at the site deletes
	hear                // the site merges what another one holds
	read                // a client at the site reads
	restart             // the program at the site starts anew, with the same data
	promote             // the site becomes the primary, under a new epoch
	follow              // the site hears of the last promotion, and writes under its epoch
	rewind              // the site loses its last write and keeps its name
)

// A step is one step of a history.
type step[T any] struct {
	kind     kind
	at, from int
	value    T
	blind    bool // the writer was shown nothing
}

// A history is a sequence of steps over several sites, all empty at first. It is
// plain data: any step can be left out.
type history[T any] []step[T]

// GoString keeps rapid's log short: the failure tells the steps.
func (h history[T]) GoString() string { return fmt.Sprintf("%d steps", len(h)) }

func (k *Kit[T]) drawHistory(t *rapid.T) history[T] {
	return slices.Concat(rapid.SliceOfN(rapid.Custom(k.drawSteps), 6, 24).Draw(t, "history")...)
}

// drawSteps draws one step or a few that belong together, such as a write at every
// site: concurrent writes at one time are where ties come from.
func (k *Kit[T]) drawSteps(t *rapid.T) history[T] {
	kinds := []kind{write, write, hear, hear, read, hear, read, edit, remove, restart, rewind, promote, follow, follow}
	site := rapid.IntRange(0, len(k.sites())-1)
	st := step[T]{kind: rapid.SampledFrom(kinds).Draw(t, "kind"), at: site.Draw(t, "at")}
	switch st.kind {
	case write:
		st.value, st.blind = k.Values.Draw(t, "value"), rapid.IntRange(0, 3).Draw(t, "blind") == 3
		if rapid.IntRange(0, 7).Draw(t, "everywhere") == 7 {
			all := history[T]{}
			for st.at = range k.sites() {
				st.value = k.Values.Draw(t, "value")
				all = append(all, st)
			}
			return all
		}
	case edit:
		st.value = k.Values.Draw(t, "value")
	case remove, read, restart, promote, follow:
	case rewind: // once another site has heard of what is lost, and before one writes again
		other := step[T]{kind: hear, at: site.Draw(t, "heard by"), from: st.at}
		return history[T]{other, st, {kind: write, at: st.at, value: k.Values.Draw(t, "value")}}
	case hear:
		st.from = site.Draw(t, "from")
	}
	return history[T]{st}
}

// smallest returns the history of one conflict between two sites.
func (k *Kit[T]) smallest() history[T] {
	return history[T]{
		{kind: write, at: 0, value: k.Values.Example(0)},
		{kind: write, at: 1, value: k.Values.Example(1)},
	}
}

// epoch is the time at which histories begin. In a bubble of testing/synctest it
// is now.
func epoch() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// A clock counts seconds since the beginning. It is the same at all sites but
// for what each has written and heard.
type clock int

// Next implements [lww.Clock].
func (c *clock) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	for {
		*c++
		if t := hlc.At(epoch().Add(time.Duration(*c) * time.Second)); t > after {
			return t, nil
		}
	}
}

// name returns a stamp as a person reads it: eu@2 was written at eu, in second 2.
func name(s lww.Stamp) string {
	return fmt.Sprintf("%s@%d", s.Replica, int(s.Time.Time().Sub(epoch()).Seconds()))
}
