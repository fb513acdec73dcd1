package resolver_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// ticks is a clock that counts, so that stamps can be told.
type ticks hlc.Timestamp

func (t *ticks) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	*t = max(*t, ticks(after)) + 1
	return hlc.Timestamp(*t), nil
}

// at returns a writer of a replica whose next stamp is t.
func at(r vclock.Replica, t hlc.Timestamp) resolver.Writer {
	clock := ticks(t - 1)
	return resolver.Writer{Writer: lww.Writer{Replica: r, Clock: &clock}}
}

// own returns the rule of an application.
func own[T any](f resolver.Func[T]) resolver.Rule[T] {
	return resolver.Named("own", "a rule of the test", f)
}

// A doc is a value that no kind covers and that shares memory when assigned.
type doc struct {
	N    int      `json:"n"`
	Tags []string `json:"tags,omitempty"`
}

// write writes to a copy of base and returns it.
func write[T any](t require.TestingT, base *resolver.Siblings[T], w resolver.Writer, seen resolver.Context, v T) *resolver.Siblings[T] {
	s := base.Clone()
	_, err := s.Write(w, seen, v)
	require.NoError(t, err)
	return s
}

// join returns the join of sets.
func join[T any](sets ...*resolver.Siblings[T]) *resolver.Siblings[T] {
	s := &resolver.Siblings[T]{}
	for _, o := range sets {
		s.Merge(o)
	}
	return s
}

// updates returns a set with concurrent updates of one value, by eu, us and so on.
func updates[T any](t require.TestingT, base T, values ...T) *resolver.Siblings[T] {
	first := write(t, &resolver.Siblings[T]{}, at("ap", 1), resolver.Context{}, base)
	sets := []*resolver.Siblings[T]{first}
	for i, v := range values {
		s := first.Clone()
		_, err := s.Edit(at([]vclock.Replica{"eu", "us", "ap", "sa", "af"}[i], hlc.Timestamp(10+i)), first.Context(), base, v)
		require.NoError(t, err)
		sets = append(sets, s)
	}
	return join(sets...)
}

// TestRuleFaults lets rules misbehave. The conflict is deferred, the siblings are
// as they were, and the log says which rule it was and why.
func TestRuleFaults(t *testing.T) {
	type conflict = resolver.Conflict[doc]
	type decision = resolver.Decision[doc]
	var cancel context.CancelFunc
	for name, tt := range map[string]struct {
		rule resolver.Func[doc]
		want string
	}{
		"error": {func(_ context.Context, c *conflict) (decision, error) {
			return c.Keep(0, ""), errors.New("no database")
		}, "no database"},
		"panic": {func(context.Context, *conflict) (decision, error) { panic("oh") }, "panic: oh"},
		"panic error": {func(_ context.Context, c *conflict) (decision, error) {
			return c.Keep([]int{}[c.Versions[0].Value.N], ""), nil
		}, "panic: runtime error: index out of range [1] with length 0"},
		"nil pointer for an error": {func(_ context.Context, c *conflict) (decision, error) {
			var err *nilError
			return c.Keep(0, ""), err
		}, "<nil>"},
		"empty rule error": {func(_ context.Context, c *conflict) (decision, error) {
			return c.Keep(0, ""), &resolver.RuleError{Rule: "mine"}
		}, `resolver: rule "mine": <nil>`},
		"nil rule error": {func(_ context.Context, c *conflict) (decision, error) {
			var err *resolver.RuleError
			return c.Keep(0, ""), err
		}, "<nil>"},
		"no version": {func(_ context.Context, c *conflict) (decision, error) { return c.Keep(2, ""), nil }, "keeps version 2 of 2"},
		"negative":   {func(_ context.Context, c *conflict) (decision, error) { return c.Keep(-1, ""), nil }, "keeps version -1 of 2"},
		"no action":  {func(context.Context, *conflict) (decision, error) { return decision{Action: 9}, nil }, "unknown action 9"},
		"changes a value": {func(_ context.Context, c *conflict) (decision, error) {
			c.Versions[0].Value.Tags[0] = "mine"
			return c.Keep(0, ""), nil
		}, "changed what it was given"},
		"sorts": {func(_ context.Context, c *conflict) (decision, error) {
			c.Versions[0], c.Versions[1] = c.Versions[1], c.Versions[0]
			return c.Keep(0, ""), nil
		}, "changed what it was given"},
		"changes the base": {func(_ context.Context, c *conflict) (decision, error) {
			c.Base.Tags[0] = "mine"
			return c.Keep(0, ""), nil
		}, "changed what it was given"},
		"exceeds its context": {func(_ context.Context, c *conflict) (decision, error) {
			cancel()
			return c.Keep(0, ""), nil
		}, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			s := updates(t, doc{0, []string{"base"}}, doc{1, []string{"a"}}, doc{2, []string{"b"}})
			before, err := s.MarshalBinary()
			require.NoError(t, err)
			for wrapped, rule := range map[string]resolver.Rule[doc]{
				"alone":    own(tt.rule),
				"in chain": resolver.Chain(resolver.DeleteWins, own(tt.rule), resolver.LastWriterWins),
				"by kind":  resolver.ByKind(map[resolver.Kind]resolver.Rule[doc]{resolver.UpdateUpdate: own(tt.rule)}, resolver.LastWriterWins),
				"checked":  resolver.Check("nothing", func(doc) error { return nil }, own(tt.rule)),
				"asked":    own(own(tt.rule).Resolve),
			} {
				ctx, stop := context.WithCancel(t.Context())
				cancel = stop
				log := &resolver.MemoryLog{}
				r := resolver.Reconciler[doc]{Rule: rule, Log: log}
				out, err := r.Resolve(ctx, "k", s)
				require.NoError(t, err)
				require.NotNil(t, out.Ticket, wrapped)
				require.Equal(t, tt.want, out.Ticket.Reason, wrapped)
				var failed *resolver.RuleError
				require.ErrorAs(t, out.Err, &failed)
				require.Equal(t, out.Rule, failed.Rule)
				if name == "panic error" {
					require.ErrorAs(t, out.Err, new(runtime.Error))
				}
				require.Equal(t, tt.want == resolver.ErrChanged.Error(), errors.Is(out.Err, resolver.ErrChanged))
				require.Equal(t, doc{2, []string{"b"}}, out.Value, "the latest is shown")
				require.Len(t, log.Entries(), 1)
				rec := log.Entries()[0]
				require.True(t, rec.Failed)
				require.Equal(t, resolver.Deferred, rec.Event)
				require.Equal(t, tt.want, rec.Reason)
				require.Equal(t, "own", rec.Rule, wrapped)
				after, err := s.MarshalBinary()
				require.NoError(t, err)
				require.Equal(t, before, after, "siblings are intact")
			}
		})
	}
}

// TestRuleChangesSettles has a rule that changes what a version settles.
func TestRuleChangesSettles(t *testing.T) {
	s := updates(t, "base", "a", "b")
	r, _ := manual()
	ticket := resolve(t, r, s).Ticket
	beside := write(t, s.Clone(), at("ap", 20), resolver.Context{}, "c")
	_, err := r.Settle(t.Context(), at("eu", 30), s, ticket, ticket.Conflict.Keep(0, "a it is"))
	require.NoError(t, err)
	out, err := resolver.New(own(func(_ context.Context, c *resolver.Conflict[string]) (resolver.Decision[string], error) {
		last := c.Versions[len(c.Versions)-1]
		last.Settles[0] = last.Stamp
		return c.Suggest(), nil
	})).Resolve(t.Context(), "k", join(s, beside))
	require.NoError(t, err)
	require.ErrorIs(t, out.Err, resolver.ErrChanged)
}

// TestRuleUsesUnstorable has a rule that decides for what no set can hold.
func TestRuleUsesUnstorable(t *testing.T) {
	out, err := resolver.New(own(func(_ context.Context, c *resolver.Conflict[any]) (resolver.Decision[any], error) {
		return c.Use(func() {}, "mine"), nil
	})).Resolve(t.Context(), "k", updates(t, any("base"), any("a"), any("b")))
	require.NoError(t, err)
	require.NotNil(t, out.Ticket)
	require.ErrorContains(t, out.Err, "uses a value that cannot be encoded")
}

// A nilError is an error type whose nil pointers panic.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// A bomb is a value whose encoder panics once it is armed.
type bomb struct {
	text  string
	armed bool
}

func (b bomb) MarshalText() ([]byte, error) {
	if b.armed {
		panic("armed")
	}
	return []byte(b.text), nil
}

func (b *bomb) UnmarshalText(text []byte) error {
	*b = bomb{text: string(text)}
	return nil
}

// TestEncoderPanic lets an encoder panic over what a rule made. That is the fault
// of the rule.
func TestEncoderPanic(t *testing.T) {
	s := join(
		write(t, &resolver.Siblings[bomb]{}, at("eu", 1), resolver.Context{}, bomb{text: "a"}),
		write(t, &resolver.Siblings[bomb]{}, at("us", 2), resolver.Context{}, bomb{text: "b"}),
	)
	for name, rule := range map[string]resolver.Func[bomb]{
		"used": func(_ context.Context, c *resolver.Conflict[bomb]) (resolver.Decision[bomb], error) {
			return c.Use(bomb{armed: true}, ""), nil
		},
		"changed": func(_ context.Context, c *resolver.Conflict[bomb]) (resolver.Decision[bomb], error) {
			c.Versions[0].Value.armed = true
			return c.Keep(0, ""), nil
		},
	} {
		out, err := resolver.New(own(rule)).Resolve(t.Context(), "k", s)
		require.NoError(t, err, name)
		require.NotNil(t, out.Ticket, name)
		require.Equal(t, "panic: armed", out.Reason, name)
	}
}

// TestGenericRule instantiates a rule in generic code, where it cannot be told
// from one of the application. It decides what it decides elsewhere.
func TestGenericRule(t *testing.T) {
	counters := updates(t, new(crdt.PNCounter), count("eu", 3), count("us", 4))
	out, err := joinAny[*crdt.PNCounter]().Resolve(t.Context(), "k", counters)
	require.NoError(t, err)
	require.Nil(t, out.Ticket, out.Reason)
	sum, exact := out.Value.Total()
	require.True(t, exact)
	require.EqualValues(t, 7, sum)
}

// TestChangedCopy asks a policy about some of the versions that a rule was given, or
// about versions of which one thing is another.
func TestChangedCopy(t *testing.T) {
	s := updates(t, doc{N: 0}, doc{N: 1}, doc{N: 2}, doc{N: 3})
	largest := resolver.MaxBy("n", func(d doc) int { return d.N })
	for name, change := range map[string]func(c *resolver.Conflict[doc]){
		"versions": func(c *resolver.Conflict[doc]) { c.Versions = c.Versions[1:] },
		"value":    func(c *resolver.Conflict[doc]) { c.Versions[2].Value.N = 0 },
		"deleted":  func(c *resolver.Conflict[doc]) { c.Versions[2].Deleted = true },
		"time":     func(c *resolver.Conflict[doc]) { c.Versions[2].Stamp.Time++ },
		"replica":  func(c *resolver.Conflict[doc]) { c.Versions[2].Stamp.Replica = "af" },
		"epoch":    func(c *resolver.Conflict[doc]) { c.Versions[2].Epoch++ },
		"past":     func(c *resolver.Conflict[doc]) { c.Versions[2].Past = resolver.Context{} },
		"base":     func(c *resolver.Conflict[doc]) { c.Base = nil },
	} {
		out, err := resolver.New(own(func(ctx context.Context, c *resolver.Conflict[doc]) (resolver.Decision[doc], error) {
			other := *c
			other.Versions = slices.Clone(c.Versions)
			change(&other)
			return largest.Resolve(ctx, &other)
		})).Resolve(t.Context(), "k", s)
		require.NoError(t, err)
		require.NotNil(t, out.Ticket, name)
		require.Equal(t, "changed what it was given", out.Reason, name)
	}
}

// TestSubConflict asks a policy about some of the versions. Which it keeps of
// those is not the version of that number, and not taken for it.
func TestSubConflict(t *testing.T) {
	s := updates(t, doc{N: 0}, doc{N: 1}, doc{N: 2}, doc{N: 3})
	about := func(versions func([]resolver.Version[doc]) []resolver.Version[doc], rule resolver.Rule[doc]) resolver.Outcome[doc] {
		out, err := resolver.New(own(func(ctx context.Context, c *resolver.Conflict[doc]) (resolver.Decision[doc], error) {
			return rule.Resolve(ctx, &resolver.Conflict[doc]{Key: c.Key, Versions: versions(c.Versions)})
		})).Resolve(t.Context(), "k", s)
		require.NoError(t, err)
		return out
	}
	later := func(v []resolver.Version[doc]) []resolver.Version[doc] { return slices.Clone(v[1:]) }
	out := about(later, resolver.LastWriterWins)
	require.NotNil(t, out.Ticket)
	require.Equal(t, "keeps version 1 of another conflict, 1970-01-01T00:00:00.000000012Z@ap, which is 1970-01-01T00:00:00.000000011Z@us here", out.Reason)
	require.Equal(t, "own", out.Rule)
	require.NotNil(t, about(later, resolver.FirstWriterWins).Ticket)
	require.NotNil(t, about(later, resolver.PreferReplica[doc]("us")).Ticket)

	earlier := func(v []resolver.Version[doc]) []resolver.Version[doc] { return v[:2] }
	out = about(earlier, resolver.LastWriterWins)
	require.Nil(t, out.Ticket, "each has the number that it had")
	require.Equal(t, 2, out.Value.N)
	require.NotNil(t, about(func([]resolver.Version[doc]) []resolver.Version[doc] { return nil }, resolver.LastWriterWins).Ticket)
}

// TestSubConflictForked does the same with versions of one stamp.
func TestSubConflictForked(t *testing.T) {
	fork := func(v string) *resolver.Siblings[string] {
		return write(t, &resolver.Siblings[string]{}, at("eu", 5), resolver.Context{}, v)
	}
	out, err := resolver.New(own(func(ctx context.Context, c *resolver.Conflict[string]) (resolver.Decision[string], error) {
		return resolver.Rule[string](resolver.LastWriterWins[string]).Resolve(ctx, &resolver.Conflict[string]{Key: c.Key, Versions: c.Versions[1:]})
	})).Resolve(t.Context(), "k", join(fork("x"), fork("y")))
	require.NoError(t, err)
	require.NotNil(t, out.Ticket)
	require.Contains(t, out.Reason, "keeps version 0 of another conflict")
}

// joinAny returns a reconciler as generic code makes one.
func joinAny[T interface{ Merge(other T) bool }]() *resolver.Reconciler[T] {
	return resolver.New[T](resolver.Join[T])
}

func count(r vclock.Replica, n int64) *crdt.PNCounter {
	c := new(crdt.PNCounter)
	c.Add(r, n)
	return c
}

// TestRuleByHand asks rules of the package about a conflict made by hand, as tests
// of an application do.
func TestRuleByHand(t *testing.T) {
	c := &resolver.Conflict[doc]{Key: "k", Versions: []resolver.Version[doc]{
		{Value: doc{N: 2}, Stamp: stamp("eu", 1)}, {Value: doc{N: 1}, Stamp: stamp("us", 2)},
	}}
	d, err := resolver.Chain(resolver.DeleteWins, resolver.MaxBy("n", func(d doc) int { return d.N })).Resolve(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, resolver.Keep, d.Action)
	require.Zero(t, d.Version)
}

// TestRulesOfLiteral asks every rule about a conflict that an application made by
// hand: the answer is that about the set it is of, in which the last version counts
// as much as the others.
func TestRulesOfLiteral(t *testing.T) {
	rev := func(v item) int { return v.Rev }
	for _, acts := range [][]action{
		{edit("eu", 11, item{"eu", 8, 1}), edit("us", 12, item{"us", 9, 2}), edit("sa", 13, item{"sa", 10, 3})},
		{edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 2}), remove("sa", 13)},
		{remove("eu", 11), edit("us", 12, item{"us", 9, 2})},
	} {
		var c *resolver.Conflict[item]
		resolve(t, resolver.New(own(func(_ context.Context, given *resolver.Conflict[item]) (resolver.Decision[item], error) {
			c = given
			return given.Suggest(), nil
		})), contest(t, acts...))
		literal := &resolver.Conflict[item]{Key: c.Key, Versions: slices.Clone(c.Versions)}
		for _, rule := range []resolver.Rule[item]{
			resolver.LastWriterWins[item], resolver.FirstWriterWins[item], resolver.DeleteWins[item], resolver.UpdateWins[item], resolver.PreferReplica[item]("sa"),
			resolver.MaxBy("rev", rev), resolver.MinBy("rev", rev),
			resolver.Check("small", func(v item) error {
				if v.Rev > 2 {
					return errors.New("large")
				}
				return nil
			}, resolver.LastWriterWins),
			own(func(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
				return c.Keep(len(c.Versions)-1, "the last"), nil
			}),
		} {
			want, err := rule.Resolve(t.Context(), c)
			require.NoError(t, err)
			got, err := rule.Resolve(t.Context(), literal)
			require.NoError(t, err)
			name := rule.Describe().Name
			require.Equal(t, want.Action, got.Action, name)
			require.Equal(t, want.Version, got.Version, name)
			require.Equal(t, want.Value, got.Value, name)
			require.Equal(t, want.Reason, got.Reason, name)
		}
	}
}

// TestLiteralOfNothingStorable asks about a value by hand that no set can hold.
func TestLiteralOfNothingStorable(t *testing.T) {
	type box struct{ F func() }
	c := &resolver.Conflict[box]{Key: "k", Versions: []resolver.Version[box]{
		{Stamp: stamp("eu", 1)}, {Value: box{func() {}}, Stamp: stamp("us", 2)},
	}}
	_, err := own(func(_ context.Context, c *resolver.Conflict[box]) (resolver.Decision[box], error) {
		return c.Keep(0, "first"), nil
	}).Resolve(t.Context(), c)
	require.ErrorContains(t, err, "F: a func cannot be sent")
}

func stamp(r vclock.Replica, t hlc.Timestamp) lww.Stamp { return lww.Stamp{Time: t, Replica: r} }

var bg = context.Background()
