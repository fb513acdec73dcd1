package resolver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// A Replayed is what another rule would have made of recorded decisions.
type Replayed struct {
	Policy    Policy // the other rule
	Decisions int    // replayed
	Skipped   int    // not replayed: no conflicts, or redacted
	Differ    []Difference
	// Damaged has an error for each record that contradicts itself, which is not
	// replayed: it keeps none of its versions, or has an action that does not go
	// with its event. Each names its record.
	Damaged []error
}

// A Difference is a decision that would have been another.
type Difference struct {
	Record Record // as it was
	Would  Record // as it would have been
}

// Replay lets rule decide the conflicts in records again: those that were decided
// or deferred. T must be the type that they are of. The records of versions
// fenced and of what people decided are skipped, and so is what does not decode,
// because it was redacted.
func Replay[T any](ctx context.Context, records []Record, rule Func[T]) Replayed {
	r := New(rule)
	out := Replayed{Policy: r.Describe()}
	for _, rec := range records {
		entries, err := replayable[T](rec)
		if err != nil || len(entries) < 2 {
			out.Skipped++
			continue
		}
		if err := rec.check(len(entries), kept(&rec, entries) >= 0); err != nil {
			out.Damaged = append(out.Damaged, err)
			continue
		}
		out.Decisions++
		c := newConflict(rec.Key, entries)
		would := Record{Event: Decided, ID: c.ID, Key: c.Key, Kind: c.Kind, Versions: rec.Versions, Policy: out.Policy.Fingerprint()}
		d, err := ask(ctx, rule, c)
		if err != nil {
			d, would.Failed = c.Defer(err.Error()), true
		}
		if err := decide(&would, c, &d); err != nil {
			would.Reason, would.Failed = err.Error(), true
		}
		if d.Action == Defer || d.Action == Pass {
			would.Event, would.Action = Deferred, Defer
		}
		if !sameResult(&rec, &would, entries) {
			out.Differ = append(out.Differ, Difference{Record: rec, Would: would})
		}
	}
	return out
}

func replayable[T any](rec Record) ([]entry[T], error) {
	if rec.Event != Decided && rec.Event != Deferred {
		return nil, nil
	}
	list, err := json.Marshal(rec.Versions)
	if err != nil {
		return nil, err
	}
	entries, err := decodeEntries[T](list)
	if err == nil && len(entries) >= 2 && newConflict(rec.Key, entries).ID != rec.ID {
		err = fmt.Errorf("versions of %v were changed", rec.ID)
	}
	return entries, err
}

// sameResult reports whether two decisions about entries show the same.
func sameResult[T any](a, b *Record, entries []entry[T]) bool {
	x, xok := resultOf(a, entries)
	y, yok := resultOf(b, entries)
	return xok == yok && x == y
}

// resultOf returns the JSON of what a decision shows, "" for no value, and
// whether it shows anything.
func resultOf[T any](r *Record, entries []entry[T]) (string, bool) {
	switch r.Action {
	case Keep:
		e := &entries[kept(r, entries)]
		if e.Deleted {
			return "", true
		}
		o := objectWriter{}
		err := appendValueJSON(&o, "value", e.Value)
		return string(o.end()), err == nil
	case Use:
		o := objectWriter{}
		o.raw("value", r.Value)
		return string(o.end()), true
	case Delete:
		return "", true
	case Defer, Pass:
	}
	return "", false
}

// check returns an error for a record that contradicts itself; holds says whether
// the version that it keeps is one of its n versions.
func (r *Record) check(n int, holds bool) error {
	switch {
	case r.Action > Pass:
		return fmt.Errorf("resolver: record %v of %q: %v is no action", r.ID, r.Key, r.Action)
	case r.Action == Keep && !holds:
		return fmt.Errorf("resolver: record %v of %q: keeps %v, fork %d, which is none of its %d versions", r.ID, r.Key, r.Winner, r.Fork, n)
	case (r.Event == Deferred) != (r.Action == Defer || r.Action == Pass):
		return fmt.Errorf("resolver: record %v of %q: was %s by an action to %v", r.ID, r.Key, r.Event, r.Action)
	default:
		return nil
	}
}

// kept returns the index of the entry that r keeps, -1 if it is none of them.
func kept[T any](r *Record, entries []entry[T]) int {
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
		fmt.Fprintf(&b, " (%d records skipped)", r.Skipped)
	}
	b.WriteByte('\n')
	for _, err := range r.Damaged {
		fmt.Fprintln(&b, err)
	}
	for _, d := range r.Differ {
		fmt.Fprintf(&b, "%s %q: %s instead of %s\n", d.Record.Kind, d.Record.Key, d.Would.summary(), d.Record.summary())
	}
	return b.String()
}

// summary says in a few words what was decided.
func (r *Record) summary() string {
	switch r.Action {
	case Keep:
		if r.Kind == Forked {
			return fmt.Sprintf("keep %v, fork %d (%s)", r.Winner, r.Fork, r.Rule)
		}
		return fmt.Sprintf("keep %v (%s)", r.Winner, r.Rule)
	case Use:
		return fmt.Sprintf("use %s (%s)", r.Value, r.Rule)
	case Delete, Defer, Pass:
	}
	return fmt.Sprintf("%v (%s)", r.Action, r.Reason)
}
