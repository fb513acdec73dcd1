package resolvertest

import (
	"fmt"
	"strings"
)

// A Law is a statement that must hold in every history, which is its text.
type Law string

// The laws.
const (
	Deterministic Law = "a rule answers the same question alike each time, now and later"
	Site          Law = "a rule answers alike at every site"
	Order         Law = "a rule answers alike in whatever order versions arrived, and whatever it was asked before"
	Compensations Law = "all sites ask for the same compensations, and each has a key that follows from its causes"

	Answers  Law = "a rule answers: it does not fail or panic"
	Argument Law = "a rule leaves what it is given as it was"
	Bounded  Law = "a rule returns when its context is done"
	Expected Law = "an outcome is as expected"

	Converges Law = "sites that have exchanged everything hold the same bytes and show the same outcome"
	Quiet     Law = "resolving writes nothing, and an outcome written back leaves nothing to resolve"
	Kept      Law = "a version is gone only if the writer that replaced it was shown it, or if the log has it"
)

// A LawError reports a broken law with the shortest history found to break it.
type LawError struct {
	Law     Law
	History []string // the steps, in order, such as "eu writes p" or "us hears eu"
	Detail  string   // what was asked, and what was answered
}

// Error returns the law, the numbered steps and the detail, on separate lines.
func (e *LawError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "resolvertest: broken law: %s\n", e.Law)
	for i, s := range e.History {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, s)
	}
	b.WriteString(e.Detail)
	return b.String()
}

func broken(l Law, format string, args ...any) *LawError {
	return &LawError{Law: l, Detail: fmt.Sprintf(format, args...)}
}
