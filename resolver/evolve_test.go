package resolver_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// A job is a value of the first version of a program, and a job2 of the second: with a
// field more, one less, two that changed places, one that is wider, one that was a
// number and is a list, one with another name, and one that has grown inside.
type job struct {
	Name   string `json:"name"`
	Size   int8   `json:"size"`
	Old    string
	Owner  string
	Owners []string
	Steps  []stepOf
	At     time.Time
}

type stepOf struct{ Do string }

type job2 struct {
	Size   int64  `json:"size"`
	Title  string `rejoin:"name=name"`
	Boss   string `rejoin:"name=Boss,was=Owner"`
	Extra  *int
	Steps  []stepOf2
	At     time.Time
	Owners []string
}

type stepOf2 struct {
	Do   string
	Note string
}

// carryTo takes the bytes of a set to a program with another type.
func carryTo[To, From any](t require.TestingT, s *resolver.Siblings[From]) *resolver.Siblings[To] {
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	to := new(resolver.Siblings[To])
	require.NoError(t, to.UnmarshalBinary(b))
	again, err := to.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, b, again, "reading changes nothing")

	j, err := s.MarshalJSON()
	require.NoError(t, err)
	fromJSON := new(resolver.Siblings[To])
	require.NoError(t, fromJSON.UnmarshalJSON(j), "%s", j)
	again, err = fromJSON.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, b, again, "nor does a way through JSON: %s", j)
	return to
}

// TestEvolution lets two versions of a program take turns: what one of them does not
// know stays, at any depth, and what both know is read by both.
func TestEvolution(t *testing.T) {
	v1 := write(t, &resolver.Siblings[job]{}, at("eu", 1), resolver.Context{}, job{"pack", 7, "kept", "ann", nil, []stepOf{{"a"}, {"b"}}, time.Unix(5, 6).UTC()})
	v2 := carryTo[job2](t, v1)
	got := v2.Versions()[0].Value
	require.Equal(t, job2{Title: "pack", Size: 7, Boss: "ann", Steps: []stepOf2{{"a", ""}, {"b", ""}}, At: time.Unix(5, 6).UTC()}, got)

	extra := 3
	got.Extra, got.Steps[1].Note, got.Size = &extra, "careful", 8
	_, err := v2.Write(at("us", 2), v2.Context(), got)
	require.NoError(t, err)
	v1 = carryTo[job](t, v2)
	back := v1.Versions()[0].Value
	require.Equal(t, job{"pack", 8, "kept", "ann", nil, []stepOf{{"a"}, {"b"}}, time.Unix(5, 6).UTC()}, back)

	back.Name = "ship"
	_, err = v1.Edit(at("eu", 3), v1.Context(), v1.Versions()[0].Value, back)
	require.NoError(t, err)
	v2 = carryTo[job2](t, v1)
	last := v2.Versions()[0].Value
	require.Equal(t, "ship", last.Title)
	require.Equal(t, 3, *last.Extra, "what the first does not know is carried over")
	require.Equal(t, []stepOf2{{"a", ""}, {"b", "careful"}}, last.Steps, "at any depth")

	// A write of what was read changes no byte of the value.
	before, err := json.Marshal(v1.Versions()[0])
	require.NoError(t, err)
	same := carryTo[job](t, v1)
	_, err = same.Write(at("eu", 4), same.Context(), same.Versions()[0].Value)
	require.NoError(t, err)
	after, err := json.Marshal(same.Versions()[0])
	require.NoError(t, err)
	var x, y struct{ Value json.RawMessage }
	require.NoError(t, json.Unmarshal(before, &x))
	require.NoError(t, json.Unmarshal(after, &y))
	require.JSONEq(t, string(x.Value), string(y.Value))
}

// TestEvolutionConverges mixes two versions of a program in three regions. All hold
// the same bytes in the end, and nothing that either wrote and nobody replaced is
// gone.
func TestEvolutionConverges(t *testing.T) {
	type one struct{ A, B string }
	type two struct{ B, A, C string }
	rapid.Check(t, func(t *rapid.T) {
		states := make([][]byte, 3)
		for i := range states {
			states[i], _ = new(resolver.Siblings[one]).MarshalBinary()
		}
		now := new(ticks)
		word := rapid.SampledFrom([]string{"", "p", "q"})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			i := rapid.IntRange(0, 2).Draw(t, "region")
			w := resolver.Writer{Writer: lww.Writer{Replica: []vclock.Replica{"eu", "us", "ap"}[i], Clock: now}}
			from := states[rapid.IntRange(0, 2).Draw(t, "from")]
			newer, step := rapid.Bool().Draw(t, "newer"), rapid.IntRange(0, 2).Draw(t, "step")
			if newer {
				states[i] = evolve(t, states[i], from, step, w, func(v *two) { v.A, v.C = word.Draw(t, "a"), word.Draw(t, "c") })
			} else {
				states[i] = evolve(t, states[i], from, step, w, func(v *one) { v.B = word.Draw(t, "b") })
			}
		}
		var bytes [][]byte
		for order, all := range [][]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
			if order == 1 {
				bytes = append(bytes, joined[two](t, states, all))
			} else {
				bytes = append(bytes, joined[one](t, states, all))
			}
			require.Equal(t, bytes[0], bytes[order])
		}
	})
}

// TestEvolutionOfTickets asks in the first version of a program and answers in the second, and
// back: what a ticket and the log hold of a value, its own program reads again, whichever carried
// them, in bytes and JSON.
func TestEvolutionOfTickets(t *testing.T) {
	first := write(t, &resolver.Siblings[job]{}, at("ap", 1), resolver.Context{}, job{"pack", 7, "kept", "ann", nil, []stepOf{{"a"}}, time.Unix(5, 6).UTC()})
	edit := func(w resolver.Writer, name string) *resolver.Siblings[job] {
		v := first.Versions()[0].Value
		v.Name = name
		return write(t, first, w, first.Context(), v)
	}
	old := join(edit(at("eu", 2), "ship"), edit(at("us", 3), "send"))
	asked := &resolver.MemoryLog{}
	ticket := resolve(t, &resolver.Reconciler[job]{Log: asked}, old).Ticket

	b, err := ticket.MarshalBinary()
	require.NoError(t, err)
	j, err := ticket.MarshalJSON()
	require.NoError(t, err)
	var fromBytes, fromJSON resolver.Ticket[job2]
	require.NoError(t, fromBytes.UnmarshalBinary(b))
	require.NoError(t, fromJSON.UnmarshalJSON(j), "%s", j)
	for _, carried := range []resolver.Ticket[job2]{fromBytes, fromJSON} {
		require.Equal(t, ticket.Conflict.ID, carried.Conflict.ID)
		require.Equal(t, job2{Title: "send", Size: 7, Boss: "ann", Steps: []stepOf2{{"a", ""}}, At: time.Unix(5, 6).UTC()}, carried.Conflict.Versions[1].Value)
		again, err := carried.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, again, "reading changes nothing")
		text, err := carried.MarshalJSON()
		require.NoError(t, err)
		var back resolver.Ticket[job]
		require.NoError(t, back.UnmarshalJSON(text), "%s", text)
		require.Equal(t, ticket.Conflict.Versions, back.Conflict.Versions, "%s", text)
	}
	for i, text := range asked.Entries()[0].Versions {
		var read resolver.Version[job2]
		require.NoError(t, read.UnmarshalJSON(text), "%s", text)
		text, err = read.MarshalJSON()
		require.NoError(t, err)
		var back resolver.Version[job]
		require.NoError(t, back.UnmarshalJSON(text), "%s", text)
		require.Equal(t, ticket.Conflict.Versions[i], back, "%s", text)
	}

	s, log := carryTo[job2](t, old), &resolver.MemoryLog{}
	decided := fromJSON.Conflict.Versions[1].Value
	extra := 3
	decided.Extra = &extra
	_, err = (&resolver.Reconciler[job2]{Log: log}).Settle(t.Context(), at("eu", 4), s, &fromJSON, fromJSON.Conflict.Use(decided, "both"))
	require.NoError(t, err)
	require.Equal(t, job{"send", 7, "kept", "ann", nil, []stepOf{{"a"}}, time.Unix(5, 6).UTC()}, carryTo[job](t, s).Versions()[0].Value, "what the second does not know is carried over")
	require.JSONEq(t, `{"size": 7, "Title": "send", "Boss": "ann", "Extra": 3, "Steps": [{"Do": "a", "Note": ""}], "At": "1970-01-01T00:00:05.000000006Z", "Owners": null, "Old": "kept"}`,
		string(log.Entries()[0].Value), "the log has it in the JSON of the second")
}

// evolve takes one step of a program whose type is V.
func evolve[V any](t *rapid.T, state, from []byte, step int, w resolver.Writer, change func(*V)) []byte {
	s := new(resolver.Siblings[V])
	require.NoError(t, s.UnmarshalBinary(state))
	switch versions := s.Versions(); {
	case step == 0:
		_, err := s.MergeBinary(from)
		require.NoError(t, err)
	case len(versions) == 1:
		v := versions[0].Value
		change(&v)
		_, err := s.Edit(w, s.Context(), versions[0].Value, v)
		require.NoError(t, err)
	default:
		var v V
		change(&v)
		_, err := s.Write(w, s.Context(), v)
		require.NoError(t, err)
	}
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	return b
}

func joined[V any](t *rapid.T, states [][]byte, order []int) []byte {
	s := new(resolver.Siblings[V])
	for _, i := range order {
		_, err := s.MergeBinary(states[i])
		require.NoError(t, err)
	}
	b, err := s.MarshalBinary()
	require.NoError(t, err)
	return b
}

// TestUnreadable has a field that was text and is a number. The plain decoders refuse
// such a set; the lenient ones keep it as it is, and nobody takes it for zero.
func TestUnreadable(t *testing.T) {
	type was struct{ Name, Size string }
	type is struct {
		Name string
		Size int
	}
	first := write(t, &resolver.Siblings[was]{}, at("ap", 1), resolver.Context{}, was{"x", "tall"})
	old := join(write(t, first, at("eu", 2), first.Context(), was{"a", "tall"}), write(t, first, at("us", 3), first.Context(), was{"b", "wide"}))
	b, err := old.MarshalBinary()
	require.NoError(t, err)

	s := new(resolver.Siblings[is])
	var bad *content.ValueError
	require.ErrorIs(t, s.UnmarshalBinary(b), content.ErrUnreadable)
	require.Zero(t, s.Len())
	j, err := old.MarshalJSON()
	require.NoError(t, err)
	require.ErrorIs(t, s.UnmarshalJSON(j), content.ErrUnreadable)
	_, err = s.MergeBinary(b)
	require.ErrorIs(t, err, content.ErrUnreadable)
	require.ErrorIs(t, s.Scan(b), content.ErrUnreadable)
	require.Zero(t, s.Len())

	fromText := new(resolver.Siblings[is])
	require.ErrorIs(t, fromText.UnmarshalLenient(append([]byte(" \n"), j...)), content.ErrUnreadable)
	require.ErrorAs(t, s.UnmarshalLenient(b), &bad)
	require.True(t, fromText.Equal(s))
	require.Equal(t, "Size", bad.Field)
	require.Equal(t, "1970-01-01T00:00:00.000000002Z@eu", bad.Key)
	require.ErrorIs(t, s.Check(), content.ErrUnreadable)
	again, err := s.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, b, again)
	require.Equal(t, 2, s.Len())
	require.Len(t, maps.Collect(s.Unreadable()), 2)
	require.Zero(t, s.Versions()[0].Value)
	require.ErrorIs(t, s.Versions()[0].Check(), content.ErrUnreadable)

	asked := func(_ context.Context, c *resolver.Conflict[is]) (resolver.Decision[is], error) {
		t.Error("asked")
		return c.Keep(0, ""), nil
	}
	plan := merge.MustCompile(merge.Options[is]{})
	out := resolve(t, resolver.New(resolver.Chain(
		resolver.Named("own", "", asked), resolver.Fields(plan), resolver.MaxBy("size", func(v is) int { return v.Size }),
		resolver.Check("size", func(is) error { t.Error("asked"); return nil }, resolver.LastWriterWins), resolver.LastWriterWins,
	)), s)
	require.Equal(t, "last writer wins", out.Rule)
	require.Equal(t, "latest; own: a value cannot be read; fields: a value cannot be read; max by size: a value cannot be read; check size: a value cannot be read", out.Reason)
	require.ErrorIs(t, out.Err, content.ErrUnreadable)

	var merged resolver.Siblings[is]
	changed, err := merged.MergeLenient(b)
	require.True(t, changed)
	require.ErrorIs(t, err, content.ErrUnreadable)
	require.Equal(t, s.ETag(), merged.ETag())
	_, err = s.Write(at("eu", 5), out.Context, is{"c", 4})
	require.NoError(t, err)
	require.NoError(t, s.Check())
	require.Equal(t, is{"c", 4}, s.Versions()[0].Value)
}

// TestByValue encodes structs that hold sets and tickets by value.
func TestByValue(t *testing.T) {
	s := updates(t, "base", "a", "b")
	r, _ := manual()
	ticket := resolve(t, r, s).Ticket
	doc := struct {
		Set    resolver.Siblings[string]
		Ticket resolver.Ticket[string]
		Sets   map[string]resolver.Siblings[string]
	}{*s, *ticket, map[string]resolver.Siblings[string]{"k": *s}}
	enc, err := json.Marshal(doc)
	require.NoError(t, err)
	back := doc
	back.Set, back.Ticket, back.Sets = resolver.Siblings[string]{}, resolver.Ticket[string]{}, nil
	require.NoError(t, json.Unmarshal(enc, &back))
	in := back.Sets["k"]
	require.True(t, s.Equal(&back.Set))
	require.True(t, s.Equal(&in))
	require.Equal(t, ticket.Conflict.ID, back.Ticket.Conflict.ID)

	x, y := *s, *s // two copies are two sets
	_, err = x.Write(at("eu", 50), resolver.Context{}, "x")
	require.NoError(t, err)
	_, err = y.Write(at("us", 60), resolver.Context{}, "y")
	require.NoError(t, err)
	x.Merge(&y)
	require.Equal(t, []string{"a", "b", "x", "y"}, valuesOf(&x))
}

// TestScan goes through columns of bytes and of JSON.
func TestScan(t *testing.T) {
	s := updates(t, "base", "a", "b")
	v, err := s.Value()
	require.NoError(t, err)
	j, err := s.MarshalJSON()
	require.NoError(t, err)
	for _, column := range []any{v, j, string(j), "  " + string(j)} {
		var got resolver.Siblings[string]
		require.NoError(t, got.Scan(column))
		require.True(t, s.Equal(&got))
	}
	for want, column := range map[string]any{"NULL": nil, "neither bytes nor text": 7, "decode": "x"} {
		require.ErrorContains(t, s.Scan(column), want)
	}
	require.Equal(t, 2, s.Len())
	var other resolver.Siblings[string]
	require.ErrorIs(t, other.UnmarshalBinary([]byte{9}), resolver.ErrVersion)
	require.ErrorIs(t, other.UnmarshalBinary([]byte{2}), resolver.ErrDamaged)
	require.ErrorIs(t, other.UnmarshalJSON([]byte(`{"other":1}`)), resolver.ErrDamaged)
}
