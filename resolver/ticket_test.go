package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
)

// manual returns a reconciler that defers everything, and its log.
func manual() (*resolver.Reconciler[string], *resolver.MemoryLog) {
	log := &resolver.MemoryLog{}
	return &resolver.Reconciler[string]{Rule: resolver.Manual[string], Log: log}, log
}

func resolve[T any](t require.TestingT, r *resolver.Reconciler[T], s *resolver.Siblings[T]) resolver.Outcome[T] {
	out, err := r.Resolve(context.Background(), "k", s)
	require.NoError(t, err)
	return out
}

// TestProvisional writes over what is shown of a deferred conflict: that replaces
// the version shown, and the other one stays.
func TestProvisional(t *testing.T) {
	s := updates(t, "base", "a", "b")
	r, log := manual()
	out := resolve(t, r, s)
	require.NotNil(t, out.Ticket)
	require.Equal(t, "b", out.Value)

	elsewhere := s.Clone()
	_, err := s.Write(at("ap", 20), out.Context, "c")
	require.NoError(t, err)
	next := resolve(t, r, s)
	require.Equal(t, "c", next.Value)
	require.Len(t, next.Conflict.Versions, 2)
	require.Equal(t, "a", next.Conflict.Versions[0].Value, "not swallowed")
	require.NotEqual(t, out.Ticket.Conflict.ID, next.Ticket.Conflict.ID)

	// At a replica that has not heard of the version shown, the context cannot be
	// used: the set would claim to know what it does not.
	behind := &resolver.Siblings[string]{}
	_, err = behind.Write(at("sa", 20), out.Context, "c")
	var e *resolver.BehindError
	require.ErrorAs(t, err, &e)
	require.Equal(t, out.Winner, e.Stamp)
	require.EqualError(t, err, `resolver: set is behind: the writer was shown 1970-01-01T00:00:00.000000011Z@us, which it has not merged`)
	require.Zero(t, behind.Len())

	// The answer to the first ticket is stale where the write is known, and says
	// what there is to decide now.
	_, err = r.Settle(t.Context(), at("eu", 30), s, out.Ticket, out.Ticket.Conflict.Keep(0, "a it is"))
	var stale *resolver.StaleError
	require.ErrorAs(t, err, &stale)
	require.Equal(t, out.Ticket.Conflict.ID, stale.ID)
	require.Equal(t, next.Conflict.ID, stale.Conflict.(*resolver.Conflict[string]).ID)
	require.True(t, s.Equal(s.Clone()))

	// Where it is not known, the answer counts, and conflicts with the write.
	_, err = r.Settle(t.Context(), at("eu", 30), elsewhere, out.Ticket, out.Ticket.Conflict.Keep(0, "a it is"))
	require.NoError(t, err)
	settled := log.Entries()[len(log.Entries())-1]
	require.Equal(t, resolver.Settled, settled.Event)
	require.JSONEq(t, `"a"`, string(settled.Value), "also of a version that is kept")
	both := resolve(t, r, join(s, elsewhere))
	require.Len(t, both.Conflict.Versions, 2)
	require.Equal(t, "c", both.Conflict.Versions[0].Value)
	require.Equal(t, "a", both.Conflict.Versions[1].Value)
}

// TestProvisionalForked defers two versions of one stamp. A context cannot cover
// only one of them, so it covers none.
func TestProvisionalForked(t *testing.T) {
	s := join(write(t, &resolver.Siblings[string]{}, at("eu", 5), resolver.Context{}, "x"), write(t, &resolver.Siblings[string]{}, at("eu", 5), resolver.Context{}, "y"))
	r, _ := manual()
	out := resolve(t, r, s)
	require.Equal(t, resolver.Forked, out.Conflict.Kind)
	require.Equal(t, "y", out.Value)
	_, err := s.Write(at("us", 9), out.Context, "z")
	require.NoError(t, err)
	require.Len(t, s.Versions(), 3, "nothing is swallowed")
}

// TestSettlements lets two people answer a ticket in two regions, while a third
// region goes on writing. One answer stays, the other is in the log, and what was
// settled is not asked again.
func TestSettlements(t *testing.T) {
	for name, tt := range map[string]struct{ eu, us string }{
		"equal answers":     {"a", "a"},
		"different answers": {"a", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			s := updates(t, "base", "a", "b")
			r, log := manual()
			ticket := resolve(t, r, s).Ticket
			eu, us, ap := s.Clone(), s.Clone(), s.Clone()
			_, err := r.Settle(t.Context(), at("eu", 30), eu, ticket, ticket.Conflict.Use(tt.eu, "by ann"))
			require.NoError(t, err)
			_, err = r.Settle(t.Context(), at("us", 40), us, ticket, ticket.Conflict.Use(tt.us, "by bob"))
			require.NoError(t, err)

			both := join(eu, us)
			out := resolve(t, r, both)
			require.Nil(t, out.Ticket, "people have decided")
			require.Equal(t, tt.us, out.Value, "of equal tickets, the later answer stays")
			require.Equal(t, "settlement", out.Rule)
			events := map[resolver.Event]int{}
			for _, rec := range log.Entries() {
				events[rec.Event]++
			}
			require.JSONEq(t, `"`+tt.eu+`"`, string(log.Entries()[1].Value))
			require.Equal(t, map[resolver.Event]int{resolver.Deferred: 1, resolver.Settled: 2, resolver.Superseded: 1}, events)

			// A third answer comes where the second is known.
			_, err = r.Settle(t.Context(), at("eu", 50), both, ticket, ticket.Conflict.Keep(0, "late"))
			var stale *resolver.StaleError
			require.ErrorAs(t, err, &stale)
			require.Len(t, stale.Conflict.(*resolver.Conflict[string]).Versions, 1, "nothing is left to decide")

			// The third region wrote over what it was shown meanwhile.
			_, err = ap.Write(at("ap", 35), resolve(t, r, ap).Context, "c")
			require.NoError(t, err)
			last := resolve(t, r, join(ap, both))
			require.Len(t, last.Conflict.Versions, 2, "the write against the answer that stays")
			require.Equal(t, resolve(t, r, join(us, join(eu, ap))).Conflict.ID, last.Conflict.ID)
			for _, v := range last.Conflict.Versions {
				require.NotContains(t, ticket.Conflict.Versions, v, "what was settled is settled")
			}

			// The next write replaces both answers.
			_, err = both.Write(at("ap", 60), out.Context, "next")
			require.NoError(t, err)
			require.Equal(t, 1, both.Len())
		})
	}
}

// TestProvisionalSettlement writes over an answer that is shown provisionally,
// because a write came in between: that replaces the answer which gave way, too,
// and not the write.
func TestProvisionalSettlement(t *testing.T) {
	s := updates(t, "base", "a", "b")
	r, _ := manual()
	ticket := resolve(t, r, s).Ticket
	eu, us, between := s.Clone(), s.Clone(), write(t, s.Clone(), at("ap", 20), resolver.Context{}, "c")
	gaveWay, err := r.Settle(t.Context(), at("eu", 30), eu, ticket, ticket.Conflict.Use("x", "by ann"))
	require.NoError(t, err)
	_, err = r.Settle(t.Context(), at("us", 40), us, ticket, ticket.Conflict.Use("y", "by bob"))
	require.NoError(t, err)

	all, behind := join(eu, us, between), join(us, between)
	require.Equal(t, 3, all.Len())
	out := resolve(t, r, all)
	require.NotNil(t, out.Ticket)
	require.Equal(t, "y", out.Value)
	for _, set := range []*resolver.Siblings[string]{all, behind} {
		_, err = set.Write(at("sa", 50), out.Context, "z")
		require.NoError(t, err)
	}
	for _, set := range []*resolver.Siblings[string]{all, join(all, eu), join(behind, eu)} {
		next := resolve(t, r, set)
		require.Equal(t, "z", next.Value)
		require.Len(t, next.Conflict.Versions, 2)
		require.Equal(t, "c", next.Conflict.Versions[0].Value)
		require.NotContains(t, set.Versions(), gaveWay.Version)
	}
}

// TestProvisionalSettlementOfTwo writes over an answer that is shown while another
// conflict, with two answers of its own, is beside it: of what gave way, the write replaces
// that to the answer shown and nothing else.
func TestProvisionalSettlementOfTwo(t *testing.T) {
	first := write(t, &resolver.Siblings[string]{}, at("ap", 1), resolver.Context{}, "base")
	r, _ := manual()
	answered := func(a, b, x, y resolver.Writer) (sets []*resolver.Siblings[string]) {
		s := join(write(t, first, a, first.Context(), "a"), write(t, first, b, first.Context(), "b"))
		ticket := resolve(t, r, s).Ticket
		for _, w := range []resolver.Writer{x, y} {
			next := s.Clone()
			_, err := r.Settle(t.Context(), w, next, ticket, ticket.Conflict.Use(string(w.Replica)+"'s", ""))
			require.NoError(t, err)
			sets = append(sets, next)
		}
		return sets
	}
	all := join(append(
		answered(at("eu", 10), at("us", 11), at("eu", 37), at("us", 40)),
		answered(at("sa", 12), at("af", 13), at("ap", 35), at("sa", 45))...,
	)...)
	values := func(s *resolver.Siblings[string]) (v []string) {
		for _, version := range s.Versions() {
			v = append(v, version.Value)
		}
		return v
	}
	require.Equal(t, []string{"ap's", "eu's", "us's", "sa's"}, values(all))
	out := resolve(t, r, all)
	require.NotNil(t, out.Ticket)
	require.Equal(t, "sa's", out.Value)
	_, err := all.Write(at("na", 50), out.Context, "next")
	require.NoError(t, err)
	require.Equal(t, []string{"eu's", "us's", "next"}, values(all))
}

// TestSettlementsOfDifferentTickets has an answer to a ticket with three versions
// and a later one to a ticket with two of them.
func TestSettlementsOfDifferentTickets(t *testing.T) {
	r, _ := manual()
	two, three := updates(t, "base", "a", "b"), updates(t, "base", "a", "b", "c")
	small, large := resolve(t, r, two).Ticket, resolve(t, r, three).Ticket
	_, err := r.Settle(t.Context(), at("us", 40), two, small, small.Conflict.Keep(0, ""))
	require.NoError(t, err)
	_, err = r.Settle(t.Context(), at("eu", 30), three, large, large.Conflict.Keep(2, ""))
	require.NoError(t, err)
	out := resolve(t, r, join(two, three))
	require.Nil(t, out.Ticket)
	require.Equal(t, "c", out.Value, "whose ticket held more versions")
}

func TestSettleErrors(t *testing.T) {
	r, _ := manual()
	s := updates(t, "base", "a", "b")
	ticket := resolve(t, r, s).Ticket
	before := s.Clone()
	c := ticket.Conflict
	for want, d := range map[string]resolver.Decision[string]{
		"resolver: settle: decision keeps version 2 of 2":     c.Keep(2, ""),
		"resolver: settle: decision to defer settles nothing": {},
		"resolver: settle: decision to pass settles nothing":  c.Pass(""),
		"resolver: settle: decision unknown action 77":        {Action: 77},
		"resolver: settle: decision keeps version -1 of 2":    c.Keep(-1, ""),
	} {
		_, err := r.Settle(t.Context(), at("eu", 30), s, ticket, d)
		require.EqualError(t, err, want)
	}
	other := resolve(t, r, updates(t, "base", "a", "b", "c")).Ticket.Conflict
	_, err := r.Settle(t.Context(), at("eu", 30), s, ticket, other.Keep(1, "of the other"))
	require.NoError(t, err, "which has the version, too")
	s = before.Clone()
	ticket = resolve(t, r, join(s, write(t, &resolver.Siblings[string]{}, at("af", 2), resolver.Context{}, "d"))).Ticket
	_, err = r.Settle(t.Context(), at("eu", 30), s, ticket, c.Keep(0, "of the other"))
	require.EqualError(t, err, "resolver: settle: decision keeps version 0 of another conflict, 1970-01-01T00:00:00.000000010Z@eu, which is 1970-01-01T00:00:00.000000002Z@af here")
	ticket = resolve(t, r, s).Ticket
	r.Log = failing{}
	_, err = r.Settle(t.Context(), at("eu", 30), s, ticket, c.Keep(0, ""))
	require.ErrorIs(t, err, errDisk)
	require.True(t, before.Equal(s))
	_, err = r.Resolve(t.Context(), "k", s)
	require.ErrorIs(t, err, errDisk, "a decision that was not logged is withheld")
	require.EqualError(t, err, `resolver: decision on "k" withheld: log: disk full`)
	r.Log = nil
	_, err = r.Settle(t.Context(), at("eu", 30), s, ticket, c.Delete("gone"))
	require.NoError(t, err)
	require.False(t, resolve(t, r, s).Found)
}

var errDisk = errors.New("disk full")

type failing struct{}

func (failing) Append(context.Context, resolver.LogEntry) error { return errDisk }

// TestTicketEncodings sends tickets away and settles by what comes back.
func TestTicketEncodings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, _ := manual()
		values := rapid.SliceOfN(rapid.SampledFrom([]string{"", "p", "\xff", "ünï"}), 2, 4).Draw(t, "values")
		s := updates(t, "base", values...)
		if rapid.Bool().Draw(t, "deleted") {
			_, err := s.Delete(at("zz", hlc.Timestamp(rapid.IntRange(2, 30).Draw(t, "time"))), resolver.Context{})
			require.NoError(t, err)
		}
		ticket := resolve(t, r, s).Ticket
		var b, j resolver.Ticket[string]
		enc, err := ticket.MarshalBinary()
		require.NoError(t, err)
		require.NoError(t, b.UnmarshalBinary(enc))
		require.Equal(t, ticket, &b)
		enc, err = ticket.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, j.UnmarshalJSON(enc), "%s", enc)
		require.Equal(t, fmt.Sprint(ticket), fmt.Sprint(&j))
		_, err = r.Settle(t.Context(), at("eu", 50), s, &j, j.Conflict.Keep(0, ""))
		require.NoError(t, err)
		require.Nil(t, resolve(t, r, s).Ticket)
	})
}

// TestTicketRefused reads the JSON of a ticket with one thing changed that no ticket has.
func TestTicketRefused(t *testing.T) {
	golden, err := os.ReadFile("testdata/ticket.txt")
	require.NoError(t, err)
	_, text, _ := strings.Cut(string(golden), "\n")
	var want, got resolver.Ticket[string]
	require.NoError(t, want.UnmarshalJSON([]byte(text)))
	require.NoError(t, got.UnmarshalJSON([]byte(text)))
	base := `{},{"past":{"ap":"1"},"value":"base"}`
	for _, tt := range []struct{ from, to, want string }{
		{`"key"`, `"more":1,"key"`, "unknown member"},
		{`"id":"0bb`, `"id":"1bb`, "is not that of the versions"},
		{`"id":"0bb`, `"id":"0b`, "decode ID"},
		{`"key":"k"`, `"key":"l"`, "is not that of the versions"},
		{`"key":"k"`, `"key":5`, `member "key"`},
		{`"kind":"update/delete"`, `"kind":"tied"`, "is not that of the versions"},
		{`"kind":"update/delete"`, `"kind":5`, `member "kind"`},
		{`"reason":"a person decides"`, `"reason":5`, `member "reason"`},
		{`"context":{`, `"context":{"dot":5,`, `member "context"`},
		{`"us":"12"`, `"us":"11"`, "out of order or not in the context"},
		{`"versions":[`, `"fields":5,"versions":[`, `member "fields"`},
		{`"versions":[`, `"versions":5,"none":[`, ""},
		{`"versions":[`, `"versions":[{"stamp":"1970-01-01T00:00:00.000000010Z@eu","value":"a","past":{"past":{"ap":"1"},"found":true},"ancestors":[` + base + `]},`, "out of order or not in the context"},
		{`"partial":true`, `"partial":false`, `member "partial"`},
		{`"deleted":true`, `"deleted":false`, `member "deleted"`},
		{`"value":"a"`, `"value":"a","deleted":true`, `needs either "value" or "deleted"`},
		{`"value":"a"`, `"value":"a","fields":{}`, `member "fields": unknown member`},
		{`"value":"a"`, `"value":"a","other":{}`, `member "other": unknown member`},
		{`"value":"a"`, `"value":5`, "stored int, want string"},
		{`"ancestors":[` + base, `"ancestors":[{"past":{"ap":"1"},"value":"base"},{}`, "an ancestor is out of order or not before the version"},
		{`"ancestors":[` + base, `"ancestors":[{},{}`, "an ancestor is out of order or not before the version"},
		{`"ancestors":[` + base, `"ancestors":[{"past":{"ap":"10"},"value":"base"}`, "an ancestor is out of order or not before the version"},
		{`"ancestors":[` + base, `"ancestors":[{},{"past":{"ap":"1"}},{"past":{"ap":"2"}},{"past":{"ap":"3"}},{"past":{"ap":"4"}}`, "5 ancestors, more than 4"},
		{`"ancestors":[` + base, `"ancestors":[`, "no ancestors"},
		{`"ancestors":[` + base, `"ancestors":[5`, "ancestor 0"},
		{`"ancestors":[` + base, `"ancestors":[{},{"past":5}`, `ancestor 1: member "past"`},
		{`"ancestors":[` + base, `"ancestors":[{},{"past":{"ap":"1"},"more":5}`, `ancestor 1: member "more": unknown member`},
	} {
		require.Contains(t, text, tt.from)
		err := got.UnmarshalJSON([]byte(strings.Replace(text, tt.from, tt.to, 1)))
		require.ErrorContains(t, err, tt.want, tt.to)
		require.ErrorContains(t, err, "resolver: decode Ticket: ", tt.to)
		require.Equal(t, want, got, tt.to)
	}
	for _, ancestors := range []string{`{},{"past":{"ap":"9"},"value":"base"}`, `{},{"past":{"ap":"1"}},{"past":{"ap":"2"}},{"past":{"ap":"3"}}`} {
		require.NoError(t, got.UnmarshalJSON([]byte(strings.Replace(text, base, ancestors, 1))), "at the limits")
	}
	require.NoError(t, got.UnmarshalJSON([]byte("null")))
}

// TestZeroTicket answers and encodes a ticket that asks nothing.
func TestZeroTicket(t *testing.T) {
	var ticket resolver.Ticket[doc]
	var r resolver.Reconciler[doc]
	var s resolver.Siblings[doc]
	_, err := r.Settle(t.Context(), at("eu", 1), &s, &ticket, resolver.Decision[doc]{Action: resolver.Delete})
	require.EqualError(t, err, "resolver: settle: ticket without a conflict")
	_, err = ticket.MarshalBinary()
	require.EqualError(t, err, "resolver: encode Ticket: ticket without a conflict")
	_, err = ticket.MarshalJSON()
	require.EqualError(t, err, "resolver: encode Ticket: ticket without a conflict")
}

// TestSettlementsRandom lets people at two sites answer tickets, of the same or of
// different versions, while a third site writes and deletes, over what is shown or
// unseen; the answers travel in any order, twice, and back. All sites show one
// outcome. Nobody is asked again about what was settled, and an answer that gave
// way is in the log with its value.
func TestSettlementsRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, log := manual()
		start := updates(t, "base", "a", "b", "c")
		sites := []*resolver.Siblings[string]{start.Clone(), start.Clone(), start.Clone()}
		clocks := []ticks{30, 30, 30}
		writer := func(i int) resolver.Writer {
			w := at(names[i], 1)
			w.Clock = &clocks[i]
			return w
		}
		value := rapid.SampledFrom([]string{"x", "y"})
		settled := map[lww.Stamp]bool{}
		answers := map[lww.Stamp]string{}
		for range rapid.IntRange(2, 10).Draw(t, "steps") {
			i := rapid.IntRange(0, 2).Draw(t, "site")
			s := sites[i]
			out := resolve(t, r, s)
			switch step := rapid.IntRange(0, 3).Draw(t, "step"); {
			case step == 0:
				s.Merge(sites[rapid.IntRange(0, 2).Draw(t, "from")])
			case i == 2: // the third site
				if rapid.Bool().Draw(t, "unseen") {
					out.Context = resolver.Context{}
				}
				var err error
				if rapid.Bool().Draw(t, "deletes") {
					_, err = s.Delete(writer(i), out.Context)
				} else {
					_, err = s.Write(writer(i), out.Context, value.Draw(t, "written"))
				}
				require.NoError(t, err)
			case out.Ticket != nil:
				c := out.Ticket.Conflict
				d := []resolver.Decision[string]{
					c.Keep(rapid.IntRange(0, len(c.Versions)-1).Draw(t, "kept"), "kept"), c.Use(value.Draw(t, "answer"), "used"), c.Delete("deleted"),
				}[rapid.IntRange(0, 2).Draw(t, "decision")]
				written, err := r.Settle(t.Context(), writer(i), s, out.Ticket, d)
				require.NoError(t, err)
				answers[written.Version.Stamp] = written.Version.Value
				for _, stamp := range written.Version.Settles {
					settled[stamp] = true
				}
				require.Nil(t, resolve(t, r, s).Ticket, "it is settled here")
			}
		}
		var first string
		for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0, 1}} {
			all := &resolver.Siblings[string]{}
			for _, i := range order {
				all.Merge(sites[i])
			}
			out := resolve(t, r, all)
			now := fmt.Sprint(out.Value, out.Found, out.Winner, out.Context, out.Ticket != nil, out.Rule, out.Reason)
			if first == "" {
				first = now
			}
			require.Equal(t, first, now)
			held, answered := map[lww.Stamp]bool{}, map[lww.Stamp]bool{}
			if out.Ticket != nil {
				for _, v := range out.Ticket.Conflict.Versions {
					require.False(t, settled[v.Stamp], "%v was settled", v.Stamp)
					held[v.Stamp] = true
					for _, stamp := range v.Settles {
						require.False(t, answered[stamp], "two answers about %v", stamp)
						answered[stamp] = true
					}
				}
			}
			for _, v := range all.Versions() {
				if v.Settles == nil || v.Stamp == out.Winner || held[v.Stamp] {
					continue
				}
				require.Equal(t, answers[v.Stamp], superseded(t, log)[v.Stamp], "what gave way is in the log")
			}
		}
	})
}

// superseded returns the values of answers that gave way, as the log has them.
func superseded(t require.TestingT, log *resolver.MemoryLog) map[lww.Stamp]string {
	all := map[lww.Stamp]string{}
	for _, rec := range log.Entries() {
		if rec.Event != resolver.Superseded {
			continue
		}
		for _, p := range rec.Versions {
			var v resolver.Version[string]
			require.NoError(t, v.UnmarshalJSON(p))
			all[v.Stamp] = v.Value
		}
	}
	return all
}
