package resolver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// contest returns a set with what the acts leave of {"base", 10, 1}.
func contest(t *testing.T, acts ...action) *resolver.Siblings[item] {
	t.Helper()
	first := write(t, &resolver.Siblings[item]{}, at("ap", 1), resolver.Context{}, item{"base", 10, 1})
	sets := []*resolver.Siblings[item]{}
	for _, a := range acts {
		s := first.Clone()
		require.NoError(t, a(s, first.Context()))
		sets = append(sets, s)
	}
	return join(sets...)
}

type action = func(s *resolver.Siblings[item], seen resolver.Context) error

func edit(r vclock.Replica, time hlc.Timestamp, v item) action {
	return func(s *resolver.Siblings[item], seen resolver.Context) error {
		_, err := s.Edit(at(r, time), seen, item{"base", 10, 1}, v)
		return err
	}
}

func remove(r vclock.Replica, time hlc.Timestamp) action {
	return func(s *resolver.Siblings[item], seen resolver.Context) error {
		_, err := s.Delete(at(r, time), seen)
		return err
	}
}

// TestPolicies has what each policy makes of a conflict: a value, "gone", or why
// it leaves it to a person.
func TestPolicies(t *testing.T) {
	sold := contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3}), edit("sa#2", 13, item{"sa", 10, 2}))
	alike := contest(t, edit("eu", 11, item{"base", 8, 1}), edit("us", 12, item{"base", 8, 1}))
	deleted := contest(t, edit("eu", 11, item{"eu", 8, 3}), remove("us", 12))
	updated := contest(t, remove("eu", 11), edit("us", 12, item{"us", 9, 3}))
	gone := contest(t, remove("eu", 11), remove("us", 12))
	tied := contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 11, item{"us", 9, 3}))
	alias := contest(t, edit("sa#007", 11, item{"alias", 8, 3}), edit("sa#65536", 12, item{"alias", 9, 3})) // names of their own
	fields := resolver.Fields(merge.MustCompile(merge.Options[item]{}))
	valid := func(v item) error {
		if v.Name != "eu" {
			return errors.New("not from here")
		}
		return nil
	}
	for i, tt := range []struct {
		rule resolver.Rule[item]
		set  *resolver.Siblings[item]
		want string
	}{
		{resolver.LastWriterWins[item], sold, "sa: latest"},
		{resolver.LastWriterWins[item], deleted, "gone: latest"},
		{resolver.FirstWriterWins[item], sold, "eu: earliest"},
		{resolver.FirstWriterWins[item], updated, "gone: earliest"},
		{resolver.MaxBy("revision", func(v item) int { return v.Rev }), sold, "us: 3, latest of 2"},
		{resolver.MinBy("revision", func(v item) int { return v.Rev }), sold, "sa: 2"},
		{resolver.MinBy("revision", func(v item) int { return v.Rev }), deleted, "person: a delete has none"},
		{resolver.PreferReplica[item]("ap", "sa", "us"), sold, "sa: by sa"},
		{resolver.PreferReplica[item]("s", "ap"), sold, "person: written by none of them"},
		{resolver.PreferReplica[item]("sa"), alias, "person: written by none of them"},
		{resolver.PreferReplica[item]("sa", "sa#007"), alias, "alias: by sa#007"},
		{resolver.HomeWins[item](func(string) vclock.Replica { return "sa" }), alias, "person: no version is by sa"},
		{resolver.HomeWins[item](func(string) vclock.Replica { return "sa" }), sold, "sa: by sa"},
		{resolver.HomeWins[item](func(string) vclock.Replica { return "us" }), sold, "us: by us"},
		{resolver.HomeWins[item](func(string) vclock.Replica { return "us" }), deleted, "gone: by us"},
		{resolver.HomeWins[item](func(string) vclock.Replica { return "ap" }), sold, "person: no version is by ap"},
		{resolver.DeleteWins[item], updated, "gone: deleted"},
		{resolver.DeleteWins[item], sold, "person: no version is deleted"},
		{resolver.UpdateWins[item], deleted, "eu: latest that is no delete"},
		{resolver.UpdateWins[item], sold, "person: nothing was deleted"},
		{resolver.UpdateWins[item], gone, "person: no version is latest that is no delete"},
		{fields, sold, "sa 7 3: merged"},
		{fields, alike, "base 6 1: merged"},
		{fields, deleted, "person: a delete has none"},
		{resolver.Manual[item], sold, "person: a person decides"},
		{nil, sold, "person: a person decides"},
		{resolver.Chain[item](), sold, "person: no rule"},
		{resolver.Chain(resolver.DeleteWins, fields), deleted, "gone: deleted"},
		{resolver.Chain(resolver.DeleteWins, fields), sold, "sa 7 3: merged"},
		{resolver.Chain(resolver.DeleteWins[item], nil), sold, "person: is nil"},
		{resolver.Check("origin", valid, resolver.LastWriterWins), sold, "person: last writer wins: not from here"},
		{resolver.Check("origin", valid, resolver.FirstWriterWins), sold, "eu: earliest"},
		{resolver.Check("origin", valid, resolver.LastWriterWins), deleted, "gone: latest"},
		{resolver.Check("origin", valid, fields), sold, "person: fields: not from here"},
		{resolver.ByKind(map[resolver.Kind]resolver.Rule[item]{resolver.UpdateDelete: resolver.UpdateWins[item]}, resolver.FirstWriterWins), deleted, "eu: latest that is no delete"},
		{resolver.ByKind(map[resolver.Kind]resolver.Rule[item]{resolver.UpdateDelete: resolver.UpdateWins[item]}, resolver.LastWriterWins), sold, "sa: latest"},
		{resolver.ByKind(map[resolver.Kind]resolver.Rule[item]{resolver.UpdateUpdate: resolver.FirstWriterWins[item]}, resolver.LastWriterWins), tied, "eu: earliest"},
		{resolver.ByKind(map[resolver.Kind]resolver.Rule[item]{resolver.UpdateUpdate: resolver.FirstWriterWins[item], resolver.Tied: resolver.Manual[item]}, resolver.LastWriterWins), tied, "person: a person decides"},
	} {
		out := resolve(t, resolver.New(tt.rule), tt.set)
		got := "gone: " + out.Reason
		switch {
		case out.Ticket != nil:
			got = "person: " + out.Ticket.Reason
		case !out.Found:
		case out.Winner.IsZero():
			got = fmt.Sprintf("%s %d %d: %s", out.Value.Name, out.Value.Stock, out.Value.Rev, out.Reason)
		default:
			got = out.Value.Name + ": " + out.Reason
		}
		require.Equal(t, tt.want, got, "row %d", i)
	}
}

// TestJoin merges values that merge by themselves, and leaves the versions alone.
func TestJoin(t *testing.T) {
	base := &crdt.PNCounter{}
	base.Add("ap", 10)
	eu, us := base.Clone(), base.Clone()
	eu.Add("eu", -2)
	us.Add("us", -2)
	s := updates(t, base, eu, us)
	before, err := s.MarshalBinary()
	require.NoError(t, err)
	out := resolve(t, resolver.New[*crdt.PNCounter](resolver.Join), s)
	n, _ := out.Value.Total()
	require.Equal(t, int64(6), n)
	after, err := s.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// TestCompensation emits the same key in every region, and another for another
// key, name or cause.
func TestCompensation(t *testing.T) {
	s := contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3}), edit("sa", 13, item{"sa", 10, 2}))
	c := resolve(t, resolver.New(resolver.LastWriterWins[item]), s).Conflict
	refund := c.Compensation("refund order 17", 1, 0)
	require.Equal(t, refund, c.Compensation("refund order 17", 0, 1))
	two := resolve(t, resolver.New(resolver.LastWriterWins[item]), contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3}))).Conflict
	require.Equal(t, refund, two.Compensation("refund order 17"), "who joins in does not matter")
	seen := map[resolver.ID]bool{refund.Key: true}
	for _, other := range []resolver.Compensation{c.Compensation("refund order 18", 0, 1), c.Compensation("refund order 17", 0), c.Compensation("refund order 17")} {
		require.False(t, seen[other.Key])
		seen[other.Key] = true
	}
	require.Len(t, refund.Causes, 2)
}

// TestHome pins the homes of some keys, and moves as few as can be.
func TestHome(t *testing.T) {
	golden, err := os.ReadFile("testdata/home.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(golden)) {
		var key, want string
		var replicas string
		_, err := fmt.Sscanf(line, "%q %q %q", &key, &replicas, &want)
		require.NoError(t, err, line)
		var list []vclock.Replica
		for r := range strings.FieldsSeq(replicas) {
			list = append(list, vclock.Replica(r))
		}
		require.Equal(t, want, string(resolver.Home(key, list...)), line)
	}

	const keys = 6000
	all := []vclock.Replica{"eu", "us", "ap", "sa", "af"}
	for n := 1; n < len(all); n++ {
		moved := 0
		load := map[vclock.Replica]int{}
		for i := range keys {
			key := fmt.Sprintf("user-%08d", i)
			before, after := resolver.Home(key, all[:n]...), resolver.Home(key, all[:n+1]...)
			load[after]++
			if before != after {
				moved++
				require.Equal(t, all[n], after, "a key moves to the new region or not at all")
			}
			require.Equal(t, after, resolver.Home(key, append([]vclock.Replica{all[n]}, all[:n]...)...), "order does not matter")
		}
		require.InDelta(t, keys/(n+1), moved, 0.05*keys/float64(n+1)+3*40)
		for r, k := range load {
			require.InDelta(t, keys/(n+1), k, 0.05*keys/float64(n+1)+3*70, r)
		}
	}
	require.Empty(t, resolver.Home("k"))
}

func preferPaid(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
	return c.Pass("nobody paid"), nil
}

// TestDescribe compares the description of a policy with a file each.
func TestDescribe(t *testing.T) {
	r := resolver.New(resolver.Chain(
		resolver.Named("paid first", "an order that is paid stands", preferPaid),
		resolver.ByKind(map[resolver.Kind]resolver.Rule[item]{
			resolver.UpdateDelete: resolver.DeleteWins[item],
			resolver.CreateCreate: resolver.Chain(resolver.PreferReplica[item]("eu", "us"), resolver.HomeWins[item](func(string) vclock.Replica { return "eu" }), resolver.UpdateWins),
		}, resolver.Check("stock", func(item) error { return nil }, resolver.Fields(merge.MustCompile(merge.Options[item]{})))),
		resolver.MaxBy("revision", func(v item) int { return v.Rev }), resolver.MinBy("stock", func(v item) int64 { return v.Stock }),
		resolver.FirstWriterWins, resolver.LastWriterWins, resolver.Manual, nil,
	))
	for name, got := range map[string]string{"describe.txt": r.Describe().String(), "describe.md": r.Describe().Markdown()} {
		want, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		require.Equal(t, string(want), got, name)
	}
	require.Equal(t, "manual: a person decides\n", (&resolver.Reconciler[item]{}).Describe().String())
	require.Equal(t, "judge: as he sees fit\n", (&resolver.Reconciler[item]{Rule: named}).Describe().String())
	require.Equal(t, "join: the values merge by themselves\n", resolver.New[*crdt.PNCounter](resolver.Join).Describe().String())
}

// A judge is a rule with state.
type judge struct{}

// named is a rule of an application that may be passed by its name.
func named() resolver.Definition[item] {
	return resolver.Named("judge", "as he sees fit", judge{}.decide)()
}

func (judge) decide(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
	if c.Same {
		panic("no case")
	}
	return c.Keep(0, "so be it"), nil
}

func TestRule(t *testing.T) {
	r := &resolver.Reconciler[item]{Rule: resolver.Chain(named)}
	out := resolve(t, r, contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3})))
	require.Equal(t, "eu", out.Value.Name)
	require.Equal(t, "judge", out.Rule)
	out = resolve(t, r, contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"eu", 8, 3})))
	require.Equal(t, "panic: no case", out.Ticket.Reason)
	require.NotNil(t, resolve(t, &resolver.Reconciler[item]{}, contest(t, edit("eu", 11, item{}), edit("us", 12, item{}))).Ticket)
}

// TestReplay decides recorded conflicts by another rule.
func TestReplay(t *testing.T) {
	log := &resolver.MemoryLog{}
	r := &resolver.Reconciler[item]{Rule: resolver.LastWriterWins[item], Log: log}
	for _, s := range []*resolver.Siblings[item]{
		contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3})),
		contest(t, edit("eu", 21, item{"eu", 8, 3}), edit("us", 22, item{"eu", 8, 3})), // first and last are alike
		contest(t, edit("eu", 31, item{"eu", 8, 3}), remove("us", 32)),
	} {
		for range 3 { // read more than once
			resolve(t, r, s)
		}
		resolve(t, &resolver.Reconciler[item]{Log: log}, s) // and deferred by another policy
	}
	require.NoError(t, r.Fenced(t.Context(), "k", resolver.Version[item]{Stamp: stamp("us", 9)}))
	records := log.Entries()
	require.Len(t, records, 7, "one record of each")

	// Records survive JSON.
	enc, err := json.Marshal(records)
	require.NoError(t, err)
	var stored []resolver.LogEntry
	require.NoError(t, json.Unmarshal(enc, &stored))
	require.Equal(t, records, stored)

	replayed := resolver.Replay(t.Context(), stored, resolver.FirstWriterWins[item])
	require.Equal(t, 6, replayed.Decisions)
	require.Equal(t, 1, replayed.Skipped)
	require.Len(t, replayed.Differ, 5, "of the deferred all, of the decided two")
	require.Contains(t, replayed.String(), "with first writer wins, 5 of 6 decisions would have differed (1 entries skipped)\n")
	require.Contains(t, replayed.String(), `update/delete "k": keep 1970-01-01T00:00:00.000000031Z@eu (first writer wins) instead of keep 1970-01-01T00:00:00.000000032Z@us (last writer wins)`)
	require.Len(t, resolver.Replay(t.Context(), stored, resolver.LastWriterWins[item]).Differ, 3, "none that it decided")

	// Average sees three versions at once; a decision by it has the value.
	avg := &resolver.MemoryLog{}
	resolve(t, &resolver.Reconciler[item]{Rule: own(average), Log: avg}, contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 2, 3})))
	require.Empty(t, resolver.Replay(t.Context(), avg.Entries(), own(average)).Differ)
	require.Equal(t, "5", fmt.Sprint(mustItem(t, avg.Entries()[0].Value).Stock))

	// A rule that fails would have left it to a person, and the entry says why.
	failing := own(func(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
		return c.Delete("not this"), errors.New("no database")
	})
	for _, d := range resolver.Replay(t.Context(), stored, failing).Differ {
		require.Equal(t, resolver.Deferred, d.Would.Event)
		require.Contains(t, d.Would.Reason, "no database")
		require.True(t, d.Would.Failed)
	}

	// To use a value made of the versions is to keep the version that has it.
	again := own(func(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
		if v := c.Versions[len(c.Versions)-1]; !v.Deleted {
			return c.Use(v.Value, "the same"), nil
		}
		return c.Delete("the same"), nil
	})
	require.Empty(t, resolver.Replay(t.Context(), slices.DeleteFunc(slices.Clone(stored), func(e resolver.LogEntry) bool {
		return e.Event != resolver.Decided
	}), again).Differ)

	// What was tampered with, or redacted, is not replayed.
	stored[0].Key = "other"
	stored[1].Versions[0] = json.RawMessage(`"redacted"`)
	require.Equal(t, 3, resolver.Replay(t.Context(), stored, resolver.FirstWriterWins[item]).Skipped)
}

// TestReplayDamaged names records that contradict themselves.
func TestReplayDamaged(t *testing.T) {
	log := &resolver.MemoryLog{}
	s := contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3}))
	resolve(t, &resolver.Reconciler[item]{Rule: resolver.LastWriterWins[item], Log: log}, s)
	for want, damage := range map[string]func(*resolver.LogEntry){
		"keeps 1970-01-01T00:00:00.000000013Z@us, fork 0, which is none of its 2 versions":  func(r *resolver.LogEntry) { r.Winner.Time++ },
		"keeps , fork 0, which is none of its 2 versions":                                   func(r *resolver.LogEntry) { r.Winner = lww.Stamp{} },
		"keeps 1970-01-01T00:00:00.000000012Z@us, fork 1, which is none of its 2 versions":  func(r *resolver.LogEntry) { r.Fork = 1 },
		"keeps 1970-01-01T00:00:00.000000012Z@us, fork -1, which is none of its 2 versions": func(r *resolver.LogEntry) { r.Fork = -1 },
		"Action(9) is no action":              func(r *resolver.LogEntry) { r.Action = 9 },
		"was decided by an action to defer":   func(r *resolver.LogEntry) { r.Action = resolver.Defer },
		"was deferred by an action to delete": func(r *resolver.LogEntry) { r.Event, r.Action = resolver.Deferred, resolver.Delete },
	} {
		records := log.Entries()
		damage(&records[0])
		replayed := resolver.Replay(t.Context(), records, resolver.FirstWriterWins[item])
		require.Len(t, replayed.Damaged, 1, want)
		require.EqualError(t, replayed.Damaged[0], fmt.Sprintf("resolver: log entry %v of \"k\": %s", records[0].ID, want))
		require.Zero(t, replayed.Decisions)
		require.Empty(t, replayed.Differ)
		require.Contains(t, replayed.String(), want)

		// What follows a damaged record is replayed all the same.
		replayed = resolver.Replay(t.Context(), append(records, log.Entries()...), resolver.FirstWriterWins[item])
		require.Len(t, replayed.Damaged, 1, want)
		require.Equal(t, 1, replayed.Decisions)
		require.Len(t, replayed.Differ, 1)
	}
}

// TestEpochsInJSON has epochs of one digit and of twenty.
func TestEpochsInJSON(t *testing.T) {
	for _, epoch := range []uint64{0, 1, 9, 10, 12, 1<<53 + 1, math.MaxUint64} {
		s := resolver.NewSiblings[string](vclock.Clock{}, epoch)
		w := resolver.Writer{Writer: lww.Writer{Replica: "eu", Clock: &hlc.Clock{}}, Epoch: epoch}
		_, err := s.Write(w, resolver.Context{}, "x")
		require.NoError(t, err)
		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, epoch > 0, strings.Contains(string(text), fmt.Sprintf(`"epoch":"%d"`, epoch)), "%s", text)
		again := new(resolver.Siblings[string])
		require.NoError(t, json.Unmarshal(text, again))
		require.True(t, again.Equal(s))

		seen := s.Context()
		text, err = json.Marshal(seen)
		require.NoError(t, err)
		var read resolver.Context
		require.NoError(t, json.Unmarshal(text, &read))
		require.True(t, read.Equal(seen), "%s", text)
	}
}

// TestLogFenced logs one version, which is no conflict, and says why it cannot.
func TestLogFenced(t *testing.T) {
	type account struct {
		Name string
		Hash string `json:"-"`
	}
	log := &resolver.MemoryLog{}
	r := &resolver.Reconciler[account]{Log: log}
	require.NoError(t, r.Fenced(t.Context(), "k", resolver.Version[account]{Value: account{Name: "ann"}, Stamp: stamp("us", 9), Epoch: 1}))
	require.Len(t, log.Entries(), 1)
	e := log.Entries()[0]
	require.Empty(t, e.Kind)
	require.Equal(t, "below the epoch in force: written in epoch 1", e.Reason)
	err := r.Fenced(t.Context(), "k", resolver.Version[account]{Value: account{Hash: "x"}, Stamp: stamp("us", 9)})
	require.ErrorContains(t, err, "Hash: is not zero")
	anything := &resolver.Reconciler[any]{Log: log}
	require.ErrorContains(t, anything.Fenced(t.Context(), "k", resolver.Version[any]{Value: func() {}, Stamp: stamp("us", 9)}), "resolver: log: ")
	require.Len(t, log.Entries(), 1)
}

// TestIdentity logs every decision that is another, by whatever it differs, though
// the rule has one name, and none twice.
func TestIdentity(t *testing.T) {
	s := contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3}))
	limit, name, refund := int64(5), "x", false
	rule := resolver.Named("limited", "at most so many", func(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
		d := c.Use(item{Name: name, Stock: limit}, "limited")
		if refund {
			d = d.With(c.Compensation("refund"))
		}
		return d, nil
	})
	memory := &resolver.MemoryLog{}
	var out bytes.Buffer
	text := &resolver.SlogLog{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	for i, change := range []func(){func() {}, func() { limit = 6 }, func() { name = "y" }, func() { refund = true }, func() { limit, name, refund = 5, "x", false }} {
		change()
		for range 2 {
			for _, log := range []resolver.Log{memory, text} {
				resolve(t, &resolver.Reconciler[item]{Rule: rule, Log: log}, s)
			}
		}
		require.Len(t, memory.Entries(), min(i+1, 4))
		require.Equal(t, min(i+1, 4), strings.Count(out.String(), "\n"))
	}
	again := memory.Entries()[0]
	again.Reason = "in other words"
	require.Equal(t, memory.Entries()[0].Identity(), again.Identity())
	for i := range again.Versions {
		other := again
		other.Versions = slices.Clone(again.Versions)
		other.Versions[i] = json.RawMessage(`"of another lineage"`) // under the stamp of this one
		require.NotEqual(t, again.Identity(), other.Identity(), "version %d", i)
	}
}

// TestDeferredCompensations has a rule that asks for a refund and decides nothing.
// The outcome and the log agree that nothing is to be refunded.
func TestDeferredCompensations(t *testing.T) {
	s := contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3}))
	for _, action := range []resolver.Action{resolver.Defer, resolver.Pass} {
		log := &resolver.MemoryLog{}
		rule := own(func(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
			return resolver.Decision[item]{Action: action}.With(c.Compensation("refund")), nil
		})
		out := resolve(t, &resolver.Reconciler[item]{Rule: rule, Log: log}, s)
		require.NotNil(t, out.Ticket)
		require.Empty(t, out.Compensations)
		require.Empty(t, log.Entries()[0].Compensations)
	}
}

// TestReplayForked sees which of several versions with one stamp was kept.
func TestReplayForked(t *testing.T) {
	fork := func(v string) *resolver.Siblings[string] {
		return write(t, &resolver.Siblings[string]{}, at("eu", 5), resolver.Context{}, v)
	}
	s := join(fork("x"), fork("y"), write(t, &resolver.Siblings[string]{}, at("ap", 3), resolver.Context{}, "z"))
	second := func(_ context.Context, c *resolver.Conflict[string]) (resolver.Decision[string], error) {
		return c.Keep(1, "second"), nil
	}
	var out bytes.Buffer
	rules := []resolver.Rule[string]{resolver.FirstWriterWins[string], own(second), resolver.LastWriterWins[string]}
	for i, rule := range rules {
		log := &resolver.MemoryLog{}
		shown := resolve(t, &resolver.Reconciler[string]{Rule: rule, Log: log}, s)
		require.Equal(t, resolver.Forked, shown.Conflict.Kind)
		require.Equal(t, []string{"z", "x", "y"}[i], shown.Value)
		require.NoError(t, (&resolver.SlogLog{Logger: slog.New(slog.NewTextHandler(&out, nil))}).Append(t.Context(), log.Entries()[0]))

		enc, err := json.Marshal(log.Entries())
		require.NoError(t, err)
		var stored []resolver.LogEntry
		require.NoError(t, json.Unmarshal(enc, &stored))
		require.Equal(t, log.Entries(), stored)
		require.Equal(t, max(0, i-1), stored[0].Fork, "among those with its stamp")
		for j, other := range rules {
			replayed := resolver.Replay(t.Context(), stored, other)
			require.Equal(t, 1, replayed.Decisions)
			require.Equal(t, i != j, len(replayed.Differ) == 1, "%d by %d", i, j)
			if i == 1 && j == 2 {
				require.NotEqual(t, stored[0].Identity(), replayed.Differ[0].Would.Identity())
				require.Contains(t, replayed.String(), "keep 1970-01-01T00:00:00.000000005Z@eu, fork 1 (last writer wins) instead of keep 1970-01-01T00:00:00.000000005Z@eu, fork 0 (")
			}
		}
	}
	require.Equal(t, 1, strings.Count(out.String(), " fork=1"), out.String())
	require.NotContains(t, out.String(), " fork=0")

	// A settlement is one version, whichever fork it keeps.
	log := &resolver.MemoryLog{}
	r := &resolver.Reconciler[string]{Log: log}
	ticket := resolve(t, r, s).Ticket
	_, err := r.Settle(t.Context(), at("us", 9), s, ticket, ticket.Conflict.Keep(2, "y it is"))
	require.NoError(t, err)
	records := log.Entries()
	require.Equal(t, resolver.Settled, records[len(records)-1].Event)
	require.Zero(t, records[len(records)-1].Fork)
}

func mustItem(t *testing.T, p []byte) (v item) {
	t.Helper()
	require.NoError(t, json.Unmarshal(p, &v))
	return v
}

// TestLogs redacts records, and repeats none.
func TestLogs(t *testing.T) {
	redact := func(r resolver.LogEntry) resolver.LogEntry {
		r.Versions, r.Value = nil, nil
		return r
	}
	var out bytes.Buffer
	handler := slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "policy" {
			return slog.Attr{}
		}
		return a
	}})
	memory := &resolver.MemoryLog{Redact: redact}
	text := &resolver.SlogLog{Logger: slog.New(handler), Redact: redact}
	plain := &resolver.SlogLog{Logger: slog.New(handler)}
	s := contest(t, edit("eu", 11, item{"secret", 8, 3}), edit("us", 12, item{"secret", 9, 3}))
	for range 2 {
		for _, log := range []resolver.Log{memory, text} {
			resolve(t, &resolver.Reconciler[item]{Log: log}, s)
			resolve(t, &resolver.Reconciler[item]{Rule: own(average), Log: log}, s)
		}
	}
	require.Len(t, memory.Entries(), 2)
	require.Empty(t, memory.Entries()[0].Versions)
	require.NotContains(t, out.String(), "secret")
	require.Equal(t, 2, strings.Count(out.String(), "\n"), out.String())
	require.Contains(t, out.String(), "level=WARN msg=\"conflict deferred\"")
	require.Contains(t, out.String(), "level=INFO msg=\"conflict decided\"")
	require.Contains(t, out.String(), "compensation=\"recount ")
	out.Reset()
	resolve(t, &resolver.Reconciler[item]{Rule: resolver.LastWriterWins[item], Log: plain}, s)
	require.Contains(t, out.String(), "winner=1970-01-01T00:00:00.000000012Z@us")
	require.Contains(t, out.String(), "version1=")
}

// TestSlogAction prints the action of what was decided or deferred, and none of
// a version that was fenced or superseded.
func TestSlogAction(t *testing.T) {
	for event, printed := range map[resolver.Event]bool{
		resolver.Decided: true, resolver.Deferred: true, resolver.Settled: true,
		resolver.Superseded: false, resolver.Fenced: false,
	} {
		var out bytes.Buffer
		log := &resolver.SlogLog{Logger: slog.New(slog.NewTextHandler(&out, nil))}
		require.NoError(t, log.Append(t.Context(), resolver.LogEntry{Event: event}))
		require.Contains(t, out.String(), "conflict "+string(event))
		require.Equal(t, printed, strings.Contains(out.String(), "action="), out.String())
	}
}

// TestActionText writes every action as text and reads it back, and refuses what is
// none: on both sides, so that nothing is written that nobody reads.
func TestActionText(t *testing.T) {
	for a := resolver.Defer; a <= resolver.Pass; a++ {
		text, err := a.MarshalText()
		require.NoError(t, err)
		require.Equal(t, a.String(), string(text))
		b := resolver.Action(9)
		require.NoError(t, b.UnmarshalText(text))
		require.Equal(t, a, b)
	}
	_, err := (resolver.Pass + 1).MarshalText()
	require.EqualError(t, err, "resolver: encode Action: Action(5) is none")
	a := resolver.Use
	for _, text := range []string{"", "Keep", "keep ", "Action(5)"} {
		require.ErrorContains(t, a.UnmarshalText([]byte(text)), "is none", text)
	}
	require.Equal(t, resolver.Use, a)
}

// TestByNaN keeps NaN against no number, by either order, and of several the latest.
func TestByNaN(t *testing.T) {
	by := func(v item) float64 {
		if v.Stock == 0 {
			return math.NaN()
		}
		return math.Inf(int(v.Stock))
	}
	for _, rule := range []resolver.Rule[item]{resolver.MaxBy("x", by), resolver.MinBy("x", by)} {
		for name, stock := range map[string][2]int64{"first": {0, -1}, "last": {-1, 0}, "infinite": {0, 1}, "infinite last": {1, 0}} {
			s := contest(t, edit("eu", 11, item{"eu", stock[0], 3}), edit("us", 12, item{"us", stock[1], 3}))
			require.NotZero(t, resolve(t, resolver.New(rule), s).Value.Stock, name)
		}
		s := contest(t, edit("eu", 11, item{"eu", 0, 3}), edit("us", 12, item{"us", 0, 3}))
		require.Equal(t, "us", resolve(t, resolver.New(rule), s).Value.Name, "the latest of equals")
	}
}

// TestRuleNames: the name of each rule, as it stands in outcomes and logs.
func TestRuleNames(t *testing.T) {
	s := contest(t, edit("eu", 11, item{"eu", 8, 3}), edit("us", 12, item{"us", 9, 3}))
	byStock := func(v item) int64 { return v.Stock }
	for want, rule := range map[string]resolver.Rule[item]{
		"last writer wins":  resolver.LastWriterWins[item],
		"first writer wins": resolver.FirstWriterWins[item],
		"delete wins":       resolver.DeleteWins[item],
		"update wins":       resolver.UpdateWins[item],
		"manual":            resolver.Manual[item],
		"max by stock":      resolver.MaxBy("stock", byStock),
		"min by stock":      resolver.MinBy("stock", byStock),
		"prefer replica":    resolver.PreferReplica[item]("us"),
		"home wins":         resolver.HomeWins[item](func(string) vclock.Replica { return "us" }),
		"by size": resolver.Named("by size", "of the application", func(_ context.Context, c *resolver.Conflict[item]) (resolver.Decision[item], error) {
			return c.Use(item{}, "why"), nil
		}),
	} {
		out := resolve(t, &resolver.Reconciler[item]{Rule: rule}, s)
		require.Equal(t, want, out.Rule)
	}
}
