package merge

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rejoin-go/rejoin/lww"
)

// A Report says what a merge did with every value that some side changed or, if
// the base is unknown, in which the sides differ. It holds copies, and but for
// the numbers of sides does not depend on their order. It shows the order of a
// keyed list by [Place] for records, and by [Order] for plans.
type Report struct {
	Changes []Change `json:"changes"`
	// Check is what [Options.Check] said of the merged value, or empty.
	Check string `json:"check,omitempty"`
}

// A Change is what happened to a leaf, a key of a map or an element of a list.
type Change struct {
	Path string `json:"path"`
	// Pattern is Path with a star for each key of a map or an object and each element
	// of a list, the same for all changes of one kind, and free of data; empty without
	// one.
	Pattern string  `json:"pattern,omitempty"`
	Rule    string  `json:"rule"`
	Outcome Outcome `json:"outcome"`
	// Winner is the side whose value stands, as an index into the sides given; −1 if
	// that of the base does or the result is no side's.
	Winner int `json:"winner"`
	// By and Margin say what decided between the winner and the next one, and if it
	// was the time, how much later (with first: earlier) the winner was.
	By     Level         `json:"by,omitzero"`
	Margin time.Duration `json:"margin,omitempty"`
	// Reason says why a person has to decide, or what decided if not the rule.
	Reason string `json:"reason,omitempty"`
	// Base is what the sides started from, nil if unknown; Result is what was made of
	// it. Either is [Absent] where there was or is nothing.
	Base   any `json:"base,omitempty"`
	Result any `json:"result"`
	// Candidates are the sides that changed the value, newest first. There are none if
	// neither side of a [Record] showed it: a sum, of which one has the counts and the
	// other has assigned anew what they are in.
	Candidates []Candidate `json:"candidates"`
}

// A Candidate is what one side made of a value.
type Candidate struct {
	Side  int       `json:"side"` // index into the sides given
	Stamp lww.Stamp `json:"stamp"`
	Value any       `json:"value"`
	Lost  bool      `json:"lost,omitempty"` // the result does not show it
}

// Absent stands for a key, an element or an optional struct that is not there.
type Absent struct{}

// String returns "absent".
func (Absent) String() string { return "absent" }

// MarshalJSON returns {"absent":true}, which is not null: null is a value.
func (Absent) MarshalJSON() ([]byte, error) { return []byte(`{"absent":true}`), nil }

// A Place is where an element of a keyed list stands, from 0: the value of the
// candidates of a [Change] that is about that alone.
type Place int

// String returns the place as in "place 2".
func (p Place) String() string { return fmt.Sprintf("place %d", int(p)) }

// An Order is the keys of a keyed list in their order, as paths have them: the
// value of candidates of a [Change] about an order that a [Plan] gave up. A
// plan keeps the order of the one side that changed it, and of several that of
// the base; what was added elsewhere goes to the end.
type Order []string

// String returns the keys as in "order a b c".
func (o Order) String() string { return strings.Join(append([]string{"order"}, o...), " ") }

// An Outcome says how a value came about.
type Outcome uint8

// The outcomes.
const (
	Taken     Outcome = iota + 1 // one side changed it, and its value stands
	Same                         // more than one changed it, all to the value that stands
	Chosen                       // they differ, and the value of one stands
	Combined                     // the result is made from what they changed
	Refused                      // the rule kept the base's value
	Fallback                     // one side was taken whole, since the merge failed the check
	Undecided                    // a person has to decide; the result is provisional
)

func outcomes() []string {
	return []string{
		Taken: "taken", Same: "same", Chosen: "chosen", Combined: "combined",
		Refused: "refused", Fallback: "fallback", Undecided: "undecided",
	}
}

// String returns the name of the outcome in lower case.
func (o Outcome) String() string { return nameOf(outcomes(), int(o)) }

// MarshalText returns what [Outcome.String] returns.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what [Outcome.String] returns.
func (o *Outcome) UnmarshalText(text []byte) error {
	i := slices.Index(outcomes(), string(text))
	if i < 1 {
		return fmt.Errorf("merge: unknown outcome %q", text)
	}
	*o = Outcome(i)
	return nil
}

// A Level is what decided which of two values stands. The levels are asked in
// this order, by rules that do not compare values from the time on.
type Level uint8

// The levels.
const (
	ByValue   Level = iota + 1 // the rule prefers one value to the other
	ByTime                     // the time of the stamps
	ByReplica                  // the replica of the stamps, at equal times
	ByBytes                    // the values of the sides, at equal stamps
)

func levels() []string {
	return []string{ByValue: "value", ByTime: "time", ByReplica: "replica", ByBytes: "bytes"}
}

// String returns the name of the level in lower case.
func (l Level) String() string { return nameOf(levels(), int(l)) }

// MarshalText returns what [Level.String] returns.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what [Level.String] returns.
func (l *Level) UnmarshalText(text []byte) error {
	i := slices.Index(levels(), string(text))
	if i < 1 {
		return fmt.Errorf("merge: unknown level %q", text)
	}
	*l = Level(i)
	return nil
}

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%d", i)
}

// OK reports whether nothing is left to a person: nothing is undecided, and
// what failed the check was replaced by a side.
func (r Report) OK() bool {
	for range r.Undecided() {
		return false
	}
	return r.Check == "" || slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Outcome == Fallback })
}

// Undecided returns the changes that a person has to decide, in order.
func (r Report) Undecided() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for _, c := range r.Changes {
			if c.Outcome == Undecided && !yield(c) {
				return
			}
		}
	}
}

// Lost returns what sides wrote and the result does not show, in order.
func (r Report) Lost() iter.Seq2[Change, Candidate] {
	return func(yield func(Change, Candidate) bool) {
		for _, c := range r.Changes {
			for _, cand := range c.Candidates {
				if cand.Lost && !yield(c, cand) {
					return
				}
			}
		}
	}
}

// String returns a table of one line for each change: path, rule, and outcome.
func (r Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range r.Changes {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", c.Path, c.Rule, c.story()) // a strings.Builder does not fail
	}
	if r.Check != "" {
		_, _ = fmt.Fprintf(w, "check failed: %s\n", r.Check)
	}
	_ = w.Flush()
	return b.String()
}

// story tells in one line what happened to a value.
func (c Change) story() string {
	var b strings.Builder
	b.WriteString(show(c.Result))
	switch c.Outcome {
	case Chosen:
		b.WriteString(c.duel())
	case Refused:
		b.WriteString(" stays as it was")
	case Fallback:
		b.WriteString(" by fallback to one side")
	case Undecided:
		fmt.Fprintf(&b, " for now: %s; %s", c.Reason, c.all())
		return b.String()
	case Taken, Same, Combined:
		if len(c.Candidates) == 0 { // neither side showed it
			fmt.Fprintf(&b, ", %s", c.Reason)
			break
		}
		fmt.Fprintf(&b, " from %s", c.names())
	}
	for i, cand := range c.lost() {
		b.WriteString([]string{"; lost ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%s of %s", show(cand.Value), who(cand.Stamp))
	}
	return b.String()
}

// duel tells who won over whom, and by how much.
func (c Change) duel() string {
	won := slices.IndexFunc(c.Candidates, func(x Candidate) bool { return x.Side == c.Winner })
	rival := slices.IndexFunc(c.Candidates, func(x Candidate) bool { return x.Lost })
	switch {
	case won >= 0 && c.Reason != "":
		return fmt.Sprintf(" from %s, %s", who(c.Candidates[won].Stamp), c.Reason)
	case won < 0 || rival < 0:
		return " from " + c.names()
	}
	s := fmt.Sprintf(" from %s over %s by ", who(c.Candidates[won].Stamp), who(c.Candidates[rival].Stamp))
	if c.By == ByTime {
		return s + c.Margin.String()
	}
	return s + c.By.String()
}

func (c Change) lost() []Candidate {
	return slices.DeleteFunc(slices.Clone(c.Candidates), func(x Candidate) bool { return !x.Lost })
}

func (c Change) names() string {
	names := make([]string, len(c.Candidates))
	for i, x := range c.Candidates {
		names[i] = who(x.Stamp)
	}
	return strings.Join(names, ", ")
}

func (c Change) all() string {
	all := make([]string, len(c.Candidates))
	for i, x := range c.Candidates {
		all[i] = show(x.Value) + " of " + who(x.Stamp)
	}
	return strings.Join(all, ", ")
}

// who names a side by its replica and its time to the microsecond.
func who(s lww.Stamp) string {
	return fmt.Sprintf("%s@%s", s.Replica, s.Time.Time().UTC().Format("2006-01-02T15:04:05.999999Z"))
}

// show returns a value for people: as JSON if it has that form.
func show(v any) string {
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
		return "null"
	}
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	if p, err := json.Marshal(v); err == nil {
		return string(p)
	}
	return plainText(reflect.ValueOf(v))
}

// MarshalJSON returns the change as an object, the margin as in "1.5s", values
// without a form in JSON, such as NaN, as strings.
func (c Change) MarshalJSON() ([]byte, error) {
	out := changeJSON{plainChange: plainChange(c)}
	out.Base, out.Result = inJSON(c.Base), inJSON(c.Result)
	out.Candidates = slices.Clone(c.Candidates)
	for i := range out.Candidates {
		out.Candidates[i].Value = inJSON(out.Candidates[i].Value)
	}
	if c.Margin != 0 {
		out.Margin = c.Margin.String()
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote, values as encoding/json does.
func (c *Change) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	var in changeJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	if in.Margin != "" {
		d, err := time.ParseDuration(in.Margin)
		if err != nil {
			return fmt.Errorf("merge: margin: %w", err)
		}
		in.plainChange.Margin = d
	}
	*c = Change(in.plainChange)
	return nil
}

// A changeJSON is a Change with its margin as text, which no reader rounds.
type changeJSON struct {
	plainChange
	Margin string `json:"margin,omitempty"`
}

type plainChange Change

func inJSON(v any) any {
	if _, err := json.Marshal(v); err != nil {
		return plainText(reflect.ValueOf(v))
	}
	return v
}

// A ConflictError is returned by [Plan.Merge] and [Plan.Explain], with a
// provisional value, if a person has to decide, and by [Record.Check].
type ConflictError struct {
	Report Report

	unreadable []error
}

// Unwrap returns a [*github.com/rejoin-go/rejoin/vclock/content.ValueError], an
// [lww.ErrUnreadable], for each value of a [Record] that its plan cannot read;
// its Key is the path.
func (e *ConflictError) Unwrap() []error { return e.unreadable }

// Error names what has to be decided.
func (e *ConflictError) Error() string {
	var open []string
	for c := range e.Report.Undecided() {
		open = append(open, fmt.Sprintf("%s: %s", c.Path, c.Reason))
	}
	if e.Report.Check != "" {
		open = append(open, "check failed: "+e.Report.Check)
	}
	return "merge: conflict: " + strings.Join(open, "; ")
}
