package resolver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
)

// A Log keeps records of decisions. [MemoryLog] and [SlogLog] are Logs.
//
// A conflict is decided each time that its key is read, in each region, and each
// time the log is told. Records with the same [Record.Identity] say the same: a
// log keeps one of them. If Record returns an error, the decision is withheld.
type Log interface {
	Record(ctx context.Context, r Record) error
}

// An Event says what a record is about.
type Event string

// The events.
const (
	Decided    Event = "decided"    // a rule decided
	Deferred   Event = "deferred"   // a rule left it to a person, or failed
	Settled    Event = "settled"    // a person decided
	Superseded Event = "superseded" // what a person decided gave way to what another decided
	Fenced     Event = "fenced"     // a version of a deposed primary was refused or dropped
)

// A Record is one decision with all that it was made of: it can be read, and
// with [Replay] be made again, when nothing else is left.
type Record struct {
	Event Event  `json:"event"`
	ID    ID     `json:"id"`
	Key   string `json:"key"`
	Kind  Kind   `json:"kind,omitempty"` // empty if there is one version
	// Versions are all that were in conflict, in canonical order, each in the form
	// of [Version.MarshalJSON].
	Versions []json.RawMessage `json:"versions"`

	Policy string `json:"policy"`           // see [Policy.Fingerprint]
	Rule   string `json:"rule,omitempty"`   // who decided
	Reason string `json:"reason,omitempty"` // why
	Failed bool   `json:"failed,omitempty"` // the rule failed, and Reason says how

	Action Action `json:"action,omitzero"`
	// Winner is the version kept; with Settled, the one written.
	Winner lww.Stamp `json:"winner,omitzero"`
	// Fork tells versions apart that have the stamp Winner, if the kind is [Forked]:
	// it is how many of Versions with that stamp precede the one kept.
	Fork int `json:"fork,omitempty"`
	// Value is the one used, or that a person decided for.
	Value         json.RawMessage `json:"value,omitempty"`
	Compensations []Compensation  `json:"compensations,omitempty"`
}

// An Identity tells records apart. It is a comparable value.
type Identity struct {
	Event   Event
	ID      ID
	Policy  string
	Winner  lww.Stamp
	Fork    int
	Content ID // a hash of Versions, Value and Compensations
	Failed  bool
}

// Identity returns what r has in common with repetitions of it and with nothing
// else: the conflict, the policy, and what was decided. Reasons do not count.
func (r *Record) Identity() Identity {
	b := wire.AppendBytes(nil, r.Value)
	for _, v := range r.Versions {
		b = wire.AppendBytes(b, v) // of one stamp there may be several, though not here
	}
	b = append(b, 0)
	for _, c := range r.Compensations {
		b = append(wire.AppendBytes(b, c.Name), c.Key[:]...)
	}
	return Identity{r.Event, r.ID, r.Policy, r.Winner, r.Fork, hashID(b), r.Failed}
}

// A MemoryLog keeps records in memory, one of each [Identity].
//
// The zero MemoryLog is empty and ready to use. A MemoryLog is safe for concurrent
// use and must not be copied after first use.
type MemoryLog struct {
	// Redact returns what is kept of a record. Nil means all of it. The slices of
	// the record are shared: Redact replaces them and does not write to them.
	// Values are in Versions and Value, and Reason may quote them: [MaxBy] says
	// what was largest, and errors of rules say what they like.
	Redact func(Record) Record

	mu      sync.Mutex
	seen    map[Identity]bool
	records []Record
}

// Record implements [Log]. It never returns an error.
func (l *MemoryLog) Record(_ context.Context, r Record) error {
	id := r.Identity()
	if l.Redact != nil {
		r = l.Redact(r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[id] {
		return nil
	}
	if l.seen == nil {
		l.seen = map[Identity]bool{}
	}
	l.seen[id] = true
	l.records = append(l.records, r)
	return nil
}

// Records returns what was recorded, in order. The slice is the caller's.
func (l *MemoryLog) Records() []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Record(nil), l.records...)
}

// A SlogLog writes records to a [slog.Logger], one of each [Identity] as far as
// it remembers: it remembers the last 65536. Values go into the log as JSON.
//
// Logger must be set. A SlogLog is safe for concurrent use and must not be copied
// after first use.
type SlogLog struct {
	Logger *slog.Logger
	// Level is that of decisions. Deferred conflicts, fenced versions and failures
	// are logged four above, as a warning is above an info.
	Level slog.Level
	// Redact is as in [MemoryLog].
	Redact func(Record) Record

	mu     sync.Mutex
	seen   map[Identity]bool
	recent []Identity // a ring, in the order in which they came
	next   int        // the place in the ring that is the oldest once it is full
}

const slogMemory = 1 << 16

// Record implements [Log]. It never returns an error: slog keeps those of its
// handlers to itself.
func (l *SlogLog) Record(ctx context.Context, r Record) error {
	if !l.first(r.Identity()) {
		return nil
	}
	if l.Redact != nil {
		r = l.Redact(r)
	}
	level := l.Level
	if r.Event == Deferred || r.Event == Fenced || r.Failed {
		level += slog.LevelWarn - slog.LevelInfo
	}
	attrs := []slog.Attr{
		slog.String("id", r.ID.String()), slog.String("key", r.Key), slog.String("kind", string(r.Kind)),
		slog.String("policy", r.Policy), slog.String("rule", r.Rule), slog.String("reason", r.Reason),
	}
	switch r.Event {
	case Decided, Deferred, Settled:
		attrs = append(attrs, slog.String("action", r.Action.String()))
	case Superseded, Fenced: // nobody decided anything, not even to defer
	}
	attrs = append(attrs, slog.Bool("failed", r.Failed))
	if !r.Winner.IsZero() {
		attrs = append(attrs, slog.String("winner", r.Winner.String()))
	}
	if r.Fork != 0 {
		attrs = append(attrs, slog.Int("fork", r.Fork))
	}
	if r.Value != nil {
		attrs = append(attrs, slog.String("value", string(r.Value)))
	}
	for i, v := range r.Versions {
		attrs = append(attrs, slog.String(fmt.Sprintf("version%d", i), string(v)))
	}
	for _, c := range r.Compensations {
		attrs = append(attrs, slog.String("compensation", c.Name+" "+c.Key.String()))
	}
	l.Logger.LogAttrs(ctx, level, "conflict "+string(r.Event), attrs...)
	return nil
}

// first reports whether id is new, and remembers it.
func (l *SlogLog) first(id Identity) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[id] {
		return false
	}
	if l.seen == nil {
		l.seen = map[Identity]bool{}
	}
	if len(l.recent) < slogMemory {
		l.recent = append(l.recent, id)
	} else {
		delete(l.seen, l.recent[l.next])
		l.recent[l.next] = id
		l.next = (l.next + 1) % slogMemory
	}
	l.seen[id] = true
	return true
}

// log hands rec to the log.
func (r *Reconciler[T]) log(ctx context.Context, rec Record) error {
	if err := r.Log.Record(ctx, rec); err != nil {
		return fmt.Errorf("resolver: decision on %q withheld: log: %w", rec.Key, err)
	}
	return nil
}

// record returns a record of c, to be completed.
func (r *Reconciler[T]) record(e Event, c *Conflict[T]) (Record, error) {
	rec := Record{Event: e, ID: c.ID, Key: c.Key, Policy: r.Describe().Fingerprint()}
	if len(c.entries) > 1 {
		rec.Kind = c.Kind
	}
	for i := range c.entries {
		enc, err := c.entries[i].MarshalJSON()
		if err != nil {
			return rec, err
		}
		rec.Versions = append(rec.Versions, enc)
	}
	return rec, nil
}

// decide completes a record with a decision.
func decide[T any](rec *Record, c *Conflict[T], d *Decision[T]) (err error) {
	rec.Rule, rec.Reason, rec.Action, rec.Compensations = d.rule, d.Reason, d.Action, d.Compensations
	switch d.Action {
	case Keep:
		rec.Winner = c.entries[d.Version].Stamp
		for i := range c.entries[:d.Version] {
			if c.entries[i].Stamp == rec.Winner {
				rec.Fork++
			}
		}
	case Use:
		rec.Value, err = codec.AppendValueJSON(nil, d.Value)
	case Delete:
	case Defer, Pass:
		rec.Compensations = nil // nothing is decided that would make them necessary
	}
	return err
}

func (r *Reconciler[T]) logDecision(ctx context.Context, c *Conflict[T], d *Decision[T], failure string) error {
	event := Decided
	if d.Action == Defer || d.Action == Pass {
		event = Deferred
	}
	rec, err := r.record(event, c)
	if err == nil {
		err = decide(&rec, c, d)
	}
	if err != nil {
		return err
	}
	rec.Failed = failure != ""
	return r.log(ctx, rec)
}

// logSettlement logs what a person decided, and what it was written as.
func (r *Reconciler[T]) logSettlement(ctx context.Context, c *Conflict[T], d *Decision[T], written Version[T]) error {
	if r.Log == nil {
		return nil
	}
	rec, err := r.record(Settled, c)
	if err == nil {
		err = decide(&rec, c, d)
	}
	if err == nil && !written.Deleted {
		rec.Value, err = codec.AppendValueJSON(nil, written.Value)
	}
	if err != nil {
		return err
	}
	rec.Winner, rec.Fork, rec.Rule = written.Stamp, 0, "settlement"
	return r.log(ctx, rec)
}

// logSuperseded logs settlements that gave way to others.
func (r *Reconciler[T]) logSuperseded(ctx context.Context, key string, superseded []entry[T]) error {
	if r.Log == nil {
		return nil
	}
	for i := range superseded {
		rec, err := r.record(Superseded, newConflict(key, superseded[i:i+1]))
		if err != nil {
			return err
		}
		rec.Rule, rec.Reason = "settlement", "another settlement of the same conflict stands"
		if err := r.log(ctx, rec); err != nil {
			return err
		}
	}
	return nil
}
