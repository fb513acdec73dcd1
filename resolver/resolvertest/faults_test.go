package resolvertest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/resolver/resolvertest"
	"github.com/rejoin-go/rejoin/vclock"
)

type (
	conflict = resolver.Conflict[string]
	decision = resolver.Decision[string]
	rule     = resolver.Rule[string]
)

// own returns the rule of an application.
func own[T any](f resolver.Func[T]) resolver.Rule[T] {
	return resolver.Named("own", "a rule of the test", f)
}

func words() *rapid.Generator[string] { return rapid.SampledFrom([]string{"p", "q"}) }

// latest is a right rule.
func latest(_ context.Context, c *conflict) (decision, error) {
	return c.Keep(len(c.Versions)-1, "latest"), nil
}

func readsClock(_ context.Context, c *conflict) (decision, error) {
	return c.Use(time.Now().Format(time.RFC3339Nano), "written when resolved"), nil
}

// stale keeps the latest version as long as it is new.
func stale(_ context.Context, c *conflict) (decision, error) {
	last := len(c.Versions) - 1
	if time.Since(c.Versions[last].Stamp.Time.Time()) > 30*time.Minute {
		return c.Keep(0, "stale"), nil
	}
	return c.Keep(last, "fresh"), nil
}

func rangesOverMap(_ context.Context, c *conflict) (decision, error) {
	byReplica := map[vclock.Replica]int{}
	for i, v := range c.Versions {
		byReplica[v.Stamp.Replica] = i
	}
	for _, i := range byReplica {
		return c.Keep(i, "any"), nil
	}
	return c.Defer("none"), nil
}

// prefersLocal knows where it runs.
func prefersLocal(site vclock.Replica) *resolver.Reconciler[string] {
	return resolver.New(own(func(_ context.Context, c *conflict) (decision, error) {
		i := slices.IndexFunc(c.Versions, func(v resolver.Version[string]) bool { return v.Stamp.Replica == site })
		return c.Keep(max(i, 0), "ours"), nil
	}))
}

// firstCome keeps the version that it came to know first.
func firstCome(vclock.Replica) *resolver.Reconciler[string] {
	known := map[any]int{}
	return resolver.New(own(func(_ context.Context, c *conflict) (decision, error) {
		first := 0
		for i, v := range c.Versions {
			if known[v.Stamp] == 0 {
				known[v.Stamp] = len(known) + 1
			}
			if known[v.Stamp] < known[c.Versions[first].Stamp] {
				first = i
			}
		}
		return c.Keep(first, "came first"), nil
	}))
}

// sticky keeps what it kept last as long as that is there.
func sticky() rule {
	kept := resolver.Version[string]{}
	return own(func(_ context.Context, c *conflict) (decision, error) {
		last := slices.IndexFunc(c.Versions, func(v resolver.Version[string]) bool { return v.Stamp == kept.Stamp })
		kept = c.Versions[max(last, 0)]
		return c.Keep(max(last, 0), "as before"), nil
	})
}

func sortsInPlace(_ context.Context, c *conflict) (decision, error) {
	slices.SortFunc(c.Versions, func(a, b resolver.Version[string]) int { return b.Stamp.Compare(a.Stamp) })
	return c.Keep(0, "latest"), nil
}

// An amnesiac is a log that keeps the last record only.
type amnesiac struct{ last []resolver.LogEntry }

func (l *amnesiac) Append(_ context.Context, r resolver.LogEntry) error {
	l.last = []resolver.LogEntry{r}
	return nil
}

func (l *amnesiac) Entries() []resolver.LogEntry { return l.last }

// withLog returns a right rule with a log.
func withLog(log func() resolver.Log) func(vclock.Replica) *resolver.Reconciler[string] {
	return func(vclock.Replica) *resolver.Reconciler[string] {
		return &resolver.Reconciler[string]{Rule: own(latest), Log: log()}
	}
}

// forgetful drops the versions from what is logged.
func forgetful() resolver.Log {
	return &resolver.MemoryLog{Redact: func(r resolver.LogEntry) resolver.LogEntry {
		r.Versions = nil
		return r
	}}
}

// An unfenced log takes nothing of deposed primaries.
type unfenced struct{ resolver.MemoryLog }

func (l *unfenced) Append(ctx context.Context, r resolver.LogEntry) error {
	if r.Event == resolver.Fenced {
		return nil
	}
	return l.MemoryLog.Append(ctx, r)
}

// remembers takes a stamp for the name of one version, which it is not where two
// lineages write under one name.
func remembers(vclock.Replica) *resolver.Reconciler[string] {
	known := map[lww.Stamp]string{}
	return resolver.New(own(func(_ context.Context, c *conflict) (decision, error) {
		var all strings.Builder
		for _, v := range c.Versions {
			if _, ok := known[v.Stamp]; !ok {
				known[v.Stamp] = v.Value
			}
			all.WriteString(known[v.Stamp])
		}
		return c.Use(all.String(), "all"), nil
	}))
}

// A full log takes no records.
type full struct{}

func (full) Append(context.Context, resolver.LogEntry) error { return errors.New("disk full") }

// unsettled is a log that takes no answers of people.
type unsettled struct{ resolver.MemoryLog }

func (l *unsettled) Append(ctx context.Context, r resolver.LogEntry) error {
	if r.Event == resolver.Settled {
		return errors.New("no such event")
	}
	return l.MemoryLog.Append(ctx, r)
}

func leavesToPeople(vclock.Replica) *resolver.Reconciler[string] {
	return &resolver.Reconciler[string]{Rule: resolver.Manual[string], Log: &unsettled{}}
}

func panics(_ context.Context, c *conflict) (decision, error) {
	return c.Use(c.Versions[2].Value, "the third"), nil
}

func fails(context.Context, *conflict) (decision, error) {
	return decision{}, errors.New("no connection")
}

// deaf never looks at its context.
func deaf(context.Context, *conflict) (decision, error) { select {} }

// exits does what a failing test helper does.
func exits(context.Context, *conflict) (decision, error) {
	runtime.Goexit()
	return decision{}, nil
}

// ownKeys makes compensations with a key of its own.
func ownKeys(_ context.Context, c *conflict) (decision, error) {
	refund := c.Compensation("refund", 0)
	refund.Key = resolver.ID{1}
	return c.Keep(1, "latest").With(refund), nil
}

// refundsLocal has another compensation at each site.
func refundsLocal(site vclock.Replica) *resolver.Reconciler[string] {
	return resolver.New(own(func(_ context.Context, c *conflict) (decision, error) {
		return c.Keep(len(c.Versions)-1, "latest").With(c.Compensation("refund at " + string(site))), nil
	}))
}

// TestFaults plants one fault in a rule, and has what the kit says about it.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name string
		kit  resolvertest.Kit[string]
		law  resolvertest.Law
		want string // the end of the text
	}{
		{"clock", resolvertest.Kit[string]{Rule: own(readsClock)}, resolvertest.Deterministic, "(asked again)"},
		{"map", resolvertest.Kit[string]{Rule: own(rangesOverMap)}, resolvertest.Deterministic, ": any (asked again)"},
		{"site", resolvertest.Kit[string]{At: prefersLocal}, resolvertest.Site, "  1. eu writes q\n  2. us writes p\nconflict over \"k\" (tied): eu@1 q, us@1 p\neu keeps eu@1 q: ours\nus keeps us@1 p: ours"},
		{"arrival", resolvertest.Kit[string]{At: firstCome}, resolvertest.Order, "\nwhat the first was asked before, and what the second was, are not the same"},
		{"memory", resolvertest.Kit[string]{Rule: sticky()}, resolvertest.Order, ": as before\nwhat the first was asked before, and what the second was, are not the same"},
		{"change", resolvertest.Kit[string]{Rule: own(sortsInPlace)}, resolvertest.Argument, "\neu: rule \"own\" changed what it was given"},
		{"log", resolvertest.Kit[string]{At: withLog(func() resolver.Log { return &amnesiac{} })}, resolvertest.Kept, " is gone, nobody who replaced it was shown it, and it is in no log"},
		{"redaction", resolvertest.Kit[string]{At: withLog(forgetful)}, resolvertest.Kept, "is gone, nobody who replaced it was shown it, and it is in no log"},
		{"fenced", resolvertest.Kit[string]{At: withLog(func() resolver.Log { return &unfenced{} })}, resolvertest.Kept, " is gone, nobody who replaced it was shown it, and it is in no log"},
		{"stamp", resolvertest.Kit[string]{At: remembers}, resolvertest.Order, ": all\nwhat the first was asked before, and what the second was, are not the same"},
		{"full log", resolvertest.Kit[string]{At: withLog(func() resolver.Log { return full{} })}, resolvertest.Answers, "disk full"},
		{"settlement", resolvertest.Kit[string]{At: leavesToPeople}, resolvertest.Quiet, "no such event"},
		{"panic", resolvertest.Kit[string]{Rule: own(panics)}, resolvertest.Answers, "\neu: rule \"own\" failed: panic: runtime error: index out of range [2] with length 2, in resolvertest_test.panics (faults_test.go:174)"},
		{"exit", resolvertest.Kit[string]{Rule: own(exits)}, resolvertest.Answers, "\nthe rule ended its goroutine"},
		{"error", resolvertest.Kit[string]{Rule: own(fails)}, resolvertest.Answers, "\neu: rule \"own\" failed: no connection"},
		{"context", resolvertest.Kit[string]{Rule: own(deaf), Patience: 2 * time.Millisecond}, resolvertest.Bounded, "\nits context is done, and 2ms later the rule is not back"},
		{"keys", resolvertest.Kit[string]{Rule: own(ownKeys)}, resolvertest.Compensations, "\ncompensation \"refund\" is not one that Conflict.Compensation made of these versions"},
		{"compensations", resolvertest.Kit[string]{At: refundsLocal}, resolvertest.Compensations, "\neu keeps us@1 p: latest; refund at eu (because of eu@1, us@1)\nus keeps us@1 p: latest; refund at us (because of eu@1, us@1)"},
		{"expect", resolvertest.Kit[string]{Rule: own(latest), Expect: func(out resolver.Outcome[string]) error {
			if out.Value == "p" {
				return errors.New("a q is lost")
			}
			return nil
		}}, resolvertest.Expected, "\neu keeps us@1 p: latest: a q is lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.kit.Values = words()
			err := tt.kit.Run(1, 200)
			var broken *resolvertest.LawError
			require.ErrorAs(t, err, &broken)
			require.Equal(t, tt.law, broken.Law)
			require.True(t, strings.HasSuffix(err.Error(), tt.want), "%v", err)
			require.LessOrEqual(t, len(broken.History), 5, "%v", err)
		})
	}
}
