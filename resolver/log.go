package resolver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
)

// A Log keeps an entry of each decision, as [MemoryLog] and [SlogLog] do. It is
// told each time that a key is read, in each region, and of entries with the
// same [LogEntry.Identity] keeps one. If Append returns an error, the decision
// is withheld.
type Log interface {
	Append(ctx context.Context, e LogEntry) error
}

// An Event says what a log entry is about.
type Event string

// The events.
const (
	Decided    Event = "decided"    // a rule decided
	Deferred   Event = "deferred"   // a rule left it to a person, or failed
	Settled    Event = "settled"    // a person decided
	Superseded Event = "superseded" // a person's decision gave way to another's
	Fenced     Event = "fenced"     // a version of a deposed primary was refused or dropped
)

// A LogEntry is one decision with all that it was made of: it can be read, and
// made again by [Replay], when nothing else is left.
type LogEntry struct {
	Event Event  `json:"event"`
	ID    ID     `json:"id"`
	Key   string `json:"key"`
	Kind  Kind   `json:"kind,omitempty"` // empty if there is one version
	// Versions are all in conflict, ascending, as by [Version.MarshalJSON].
	Versions []json.RawMessage `json:"versions"`

	Policy string `json:"policy"`           // see [Policy.Fingerprint]
	Rule   string `json:"rule,omitempty"`   // who decided
	Reason string `json:"reason,omitempty"` // why
	Failed bool   `json:"failed,omitempty"` // the rule failed, and Reason says how

	Action Action `json:"action,omitzero"`
	// Winner is the version kept; with Settled, the one written.
	Winner lww.Stamp `json:"winner,omitzero"`
	// Fork is how many of Versions with the stamp Winner precede it, if Forked.
	Fork int `json:"fork,omitempty"`
	// Value is the one used, or that a person decided for.
	Value         json.RawMessage `json:"value,omitempty"`
	Compensations []Compensation  `json:"compensations,omitempty"`
}

// An Identity tells log entries apart. It is comparable.
type Identity struct {
	Event   Event
	ID      ID
	Policy  string
	Winner  lww.Stamp
	Fork    int
	Content ID // a hash of Versions, Value and Compensations
	Failed  bool
}

// Identity returns what e has in common with its repetitions alone: the
// conflict, the policy, and what was decided, but not the reasons.
func (e *LogEntry) Identity() Identity {
	b := wire.AppendBytes(nil, e.Value)
	for _, v := range e.Versions {
		b = wire.AppendBytes(b, v) // of one stamp there may be several, though not here
	}
	b = append(b, 0)
	for _, c := range e.Compensations {
		b = append(wire.AppendBytes(b, c.Name), c.Key[:]...)
	}
	return Identity{e.Event, e.ID, e.Policy, e.Winner, e.Fork, hashID(b), e.Failed}
}

// A MemoryLog keeps entries in memory, one of each [Identity]. The zero
// MemoryLog is empty and ready to use. A MemoryLog is safe for concurrent use
// and must not be copied after first use.
type MemoryLog struct {
	// Redact returns what is kept of an entry; nil means all. It replaces slices,
	// which are shared, and does not write to them. Values are in Versions and Value,
	// and in Reason by [MaxBy] and errors of rules.
	Redact func(LogEntry) LogEntry

	mu      sync.Mutex
	seen    map[Identity]bool
	entries []LogEntry
}

// Append implements [Log]. It never returns an error.
func (l *MemoryLog) Append(_ context.Context, e LogEntry) error {
	id := e.Identity()
	if l.Redact != nil {
		e = l.Redact(e)
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
	l.entries = append(l.entries, e)
	return nil
}

// Entries returns what was logged, in order. The slice is the caller's.
func (l *MemoryLog) Entries() []LogEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]LogEntry(nil), l.entries...)
}

// A SlogLog writes entries to a [slog.Logger], values as JSON, and leaves out
// those whose [Identity] is among the last 65536. Logger must be set. A SlogLog
// is safe for concurrent use and must not be copied after first use.
type SlogLog struct {
	Logger *slog.Logger
	// Level is that of decisions. Deferred conflicts, fenced versions and failures are
	// logged four above, as a warning is above an info.
	Level slog.Level
	// Redact is as in [MemoryLog].
	Redact func(LogEntry) LogEntry

	mu     sync.Mutex
	seen   map[Identity]bool
	recent []Identity // a ring, in the order in which they came
	next   int        // the place in the ring that is the oldest once it is full
}

const slogMemory = 1 << 16

// Append implements [Log]. It never returns an error: slog shows none.
func (l *SlogLog) Append(ctx context.Context, e LogEntry) error {
	if !l.first(e.Identity()) {
		return nil
	}
	if l.Redact != nil {
		e = l.Redact(e)
	}
	level := l.Level
	if e.Event == Deferred || e.Event == Fenced || e.Failed {
		level += slog.LevelWarn - slog.LevelInfo
	}
	attrs := []slog.Attr{
		slog.String("id", e.ID.String()), slog.String("key", e.Key), slog.String("kind", string(e.Kind)),
		slog.String("policy", e.Policy), slog.String("rule", e.Rule), slog.String("reason", e.Reason),
	}
	switch e.Event {
	case Decided, Deferred, Settled:
		attrs = append(attrs, slog.String("action", e.Action.String()))
	case Superseded, Fenced: // nobody decided anything, not even to defer
	}
	attrs = append(attrs, slog.Bool("failed", e.Failed))
	if !e.Winner.IsZero() {
		attrs = append(attrs, slog.String("winner", e.Winner.String()))
	}
	if e.Fork != 0 {
		attrs = append(attrs, slog.Int("fork", e.Fork))
	}
	if e.Value != nil {
		attrs = append(attrs, slog.String("value", string(e.Value)))
	}
	for i, v := range e.Versions {
		attrs = append(attrs, slog.String(fmt.Sprintf("version%d", i), string(v)))
	}
	for _, c := range e.Compensations {
		attrs = append(attrs, slog.String("compensation", c.Name+" "+c.Key.String()))
	}
	l.Logger.LogAttrs(ctx, level, "conflict "+string(e.Event), attrs...)
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
