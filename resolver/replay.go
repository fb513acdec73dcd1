package resolver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// A Replayed is what another rule would have made of logged decisions.
type Replayed struct {
	Policy    Policy // the other rule
	Decisions int    // replayed
	Skipped   int    // not replayed: no conflicts, or redacted
	Differ    []Difference
	// Damaged has an error that names it for each entry that contradicts itself.
	Damaged []error
}

// A Difference is a decision that would have been another.
type Difference struct {
	Was   LogEntry
	Would LogEntry
}

// Replay lets rule decide logged conflicts again, those that were decided or
// deferred, of type T. It skips entries of fenced versions and of people's
// decisions, and what does not decode, as it was redacted.
func Replay[T any](ctx context.Context, logged []LogEntry, rule Rule[T]) Replayed {
	out := Replayed{Policy: rule.Describe()}
	for _, was := range logged {
		entries, err := replayable[T](was)
		if err != nil || len(entries) < 2 {
			out.Skipped++
			continue
		}
		if err := was.check(len(entries), kept(&was, entries) >= 0); err != nil {
			out.Damaged = append(out.Damaged, err)
			continue
		}
		out.Decisions++
		c := newConflict(was.Key, entries)
		would := LogEntry{Event: Decided, ID: c.ID, Key: c.Key, Kind: c.Kind, Versions: was.Versions, Policy: out.Policy.Fingerprint()}
		d, err := rule.Resolve(ctx, c)
		if err != nil {
			d, would.Failed = c.Defer(err.Error()), true
		}
		if err := complete(&would, c, &d); err != nil {
			would.Reason, would.Failed = err.Error(), true
		}
		if d.Action == Defer || d.Action == Pass {
			would.Event, would.Action = Deferred, Defer
		}
		if !sameResult(&was, &would, entries) {
			out.Differ = append(out.Differ, Difference{Was: was, Would: would})
		}
	}
	return out
}

func replayable[T any](e LogEntry) ([]entry[T], error) {
	if e.Event != Decided && e.Event != Deferred {
		return nil, nil
	}
	list, err := json.Marshal(e.Versions)
	if err != nil {
		return nil, err
	}
	entries, err := decodeEntries[T](list, nil)
	if err == nil && len(entries) >= 2 && newConflict(e.Key, entries).ID != e.ID {
		err = fmt.Errorf("versions of %v were changed", e.ID)
	}
	return entries, err
}

// sameResult reports whether two decisions about entries show the same.
func sameResult[T any](a, b *LogEntry, entries []entry[T]) bool {
	x, xok := resultOf(a, entries)
	y, yok := resultOf(b, entries)
	return xok == yok && x == y
}

// resultOf returns the JSON of what a decision shows, "" for no value, and
// whether it shows anything.
func resultOf[T any](r *LogEntry, entries []entry[T]) (string, bool) {
	switch r.Action {
	case Keep:
		e := &entries[kept(r, entries)]
		if e.Deleted {
			return "", true
		}
		text, err := storedText(e.stored)
		return string(text), err == nil
	case Use:
		return string(r.Value), true
	case Delete:
		return "", true
	case Defer, Pass:
	}
	return "", false
}

// check returns an error for an entry that contradicts itself; holds says whether
// the version that it keeps is one of its n versions.
func (e *LogEntry) check(n int, holds bool) error {
	switch {
	case e.Action > Pass:
		return fmt.Errorf("resolver: log entry %v of %q: %v is no action", e.ID, e.Key, e.Action)
	case e.Action == Keep && !holds:
		return fmt.Errorf("resolver: log entry %v of %q: keeps %v, fork %d, which is none of its %d versions", e.ID, e.Key, e.Winner, e.Fork, n)
	case (e.Event == Deferred) != (e.Action == Defer || e.Action == Pass):
		return fmt.Errorf("resolver: log entry %v of %q: was %s by an action to %v", e.ID, e.Key, e.Event, e.Action)
	default:
		return nil
	}
}

// kept returns the index of the entry that r keeps, -1 if it is none of them.
func kept[T any](r *LogEntry, entries []entry[T]) int {
	before := 0
	for i := range entries {
		if entries[i].Stamp != r.Winner {
			continue
		}
		if before == r.Fork {
			return i
		}
		before++
	}
	return -1
}

// String says how many decisions would have been others, and lists those.
func (r Replayed) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "with %s, %d of %d decisions would have differed", r.Policy.Name, len(r.Differ), r.Decisions)
	if r.Skipped > 0 {
		fmt.Fprintf(&b, " (%d entries skipped)", r.Skipped)
	}
	b.WriteByte('\n')
	for _, err := range r.Damaged {
		fmt.Fprintln(&b, err)
	}
	for _, d := range r.Differ {
		fmt.Fprintf(&b, "%s %q: %s instead of %s\n", d.Was.Kind, d.Was.Key, d.Would.summary(), d.Was.summary())
	}
	return b.String()
}

// summary says in a few words what was decided.
func (e *LogEntry) summary() string {
	switch e.Action {
	case Keep:
		if e.Kind == Forked {
			return fmt.Sprintf("keep %v, fork %d (%s)", e.Winner, e.Fork, e.Rule)
		}
		return fmt.Sprintf("keep %v (%s)", e.Winner, e.Rule)
	case Use:
		return fmt.Sprintf("use %s (%s)", e.Value, e.Rule)
	case Delete, Defer, Pass:
	}
	return fmt.Sprintf("%v (%s)", e.Action, e.Reason)
}
