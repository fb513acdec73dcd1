package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/internal/example"
	"github.com/rejoin-go/rejoin/vclock"
)

// An event is one line of a log: what happened in one region.
type event struct {
	example.Event

	// One of these is set, or Receive.
	Write edits
	Step  time.Duration
}

// An edit is one field of a write.
type edit struct {
	Field field
	Value string
}

// edits are the fields of one write, in the order of [fields].
type edits []edit

// MarshalJSON implements [json.Marshaler]: edits are an object, as in a log.
func (es edits) MarshalJSON() ([]byte, error) {
	m := make(map[field]string, len(es))
	for _, e := range es {
		m[e.Field] = e.Value
	}
	return json.Marshal(m)
}

// parse reads a log. The name is that of its file, for errors. The events it
// returns can be replayed: clocks do not go back unless they are stepped, and
// nothing is received that was not sent.
func parse(name string, r io.Reader) ([]event, error) {
	var (
		events []event
		known  = make(example.History)
		last   = make(map[vclock.Replica]reading)
	)
	err := example.ReadLog(name, r, []string{"write", "receive", "step"}, func(line example.Event, m example.Member) (err error) {
		e := event{Event: line}
		switch m.Name {
		case "write":
			e.Write, err = parseEdits(m)
		case "step":
			e.Step, err = parseStep(m)
		}
		if err != nil {
			return err
		}
		if before := last[e.Region]; e.Clock.Before(before.clock) {
			return fmt.Errorf("the clock of %s shows %s, but on line %d it was at %s already: a clock that is set back needs a line with \"step\"",
				e.Region, e.Clock.Format(time.RFC3339Nano), before.line, before.clock.Format(time.RFC3339Nano))
		}
		last[e.Region] = reading{e.Line, e.Clock.Add(e.Step)}
		events = append(events, e)
		return known.Add(e.Event, e.Step == 0)
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// A reading is what the clock of a region showed after an event, or was set to.
type reading struct {
	line  int
	clock time.Time
}

func parseStep(m example.Member) (time.Duration, error) {
	const want = `how far the clock was set forward, such as "2s", or back, such as "-1m30s"`
	var text string
	if err := m.Decode(&text, want); err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(text)
	if err != nil || d == 0 {
		return 0, m.Wrong(want)
	}
	return d, nil
}

// parseEdits reads what a write sets, and puts it in the order of [fields].
func parseEdits(m example.Member) (edits, error) {
	members, err := example.Members(m.Value)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", m.Name, err)
	}
	var es edits
	for _, f := range members {
		e := edit{Field: field(f.Name)}
		if !slices.Contains(fields(), e.Field) {
			return nil, fmt.Errorf("a profile has no field %q; its fields are %v", example.Short(f.Name, 40), fields())
		}
		if err := f.Decode(&e.Value, "a string"); err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	if len(es) == 0 {
		return nil, errors.New(`"write" is empty, want at least one field`)
	}
	slices.SortFunc(es, func(a, b edit) int {
		return slices.Index(fields(), a.Field) - slices.Index(fields(), b.Field)
	})
	return es, nil
}
