package crdt_test

import (
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// FuzzExchange gives a set and a map messages of anybody: nothing panics, changes, or
// allocates more than the message and the state explain, and a reply is one that
// others read.
func FuzzExchange(f *testing.F) {
	x, y := pair(600, 3, 0.3)
	partWays(x, y, 600, 3, 5, 5)
	for _, s := range []*crdt.ORSet[string]{x, newDottedText()} {
		for msg, to := s.Ask(1), 1; msg != nil; to = 1 - to {
			f.Add(msg)
			var err error
			if msg, _, err = []*crdt.ORSet[string]{s, y}[to].Answer(msg); err != nil {
				f.Fatal(err)
			}
		}
	}
	var m, o crdt.ORMap[string, *crdt.PNCounter]
	for _, k := range []string{"x", "y", "z"} {
		m.Update("a", k, func(c *crdt.PNCounter) { c.Add("a", 3) })
		o.Update("b", k, func(c *crdt.PNCounter) { c.Add("b", 3) })
		o.Merge(&m)
		o.Delete("b", "x")
	}
	for msg, to := crdt.AskLong(&m, 1), 1; msg != nil; to = 1 - to {
		f.Add(msg)
		var err error
		if msg, _, err = crdt.AnswerLong([]*crdt.ORMap[string, *crdt.PNCounter]{&m, &o}[to], msg); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		fuzzAnswer(t, x, y, msg)
		fuzzAnswer(t, newDottedText(), y, msg)
		fuzzAnswer(t, &m, &o, msg)
	})
}

func newDottedText() *crdt.ORSet[string] {
	s := new(crdt.ORSet[string])
	s.Add("replica-00", "x")
	return s
}

func fuzzAnswer[V exchanging[V]](t *testing.T, x, y V, msg []byte) {
	t.Helper()
	own, _ := any(x).(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	reply, delta, err := x.Answer(msg)
	runtime.ReadMemStats(&after)
	require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(300*len(msg)+60*len(own)+1<<16))
	now, _ := any(x).(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	require.Equal(t, own, now)
	var none V
	if err != nil {
		require.Nil(t, reply)
		require.True(t, any(delta) == any(none))
		return
	}
	if any(delta) != any(none) {
		z := x.Clone()
		z.Merge(delta)
	}
	if reply != nil {
		_, _, err := y.Answer(reply)
		require.NoError(t, err)
	}
}

// TestExchangeRefuses cuts and extends every message of an exchange.
func TestExchangeRefuses(t *testing.T) {
	t.Parallel()
	x, y := pair(600, 3, 0.3)
	partWays(x, y, 600, 3, 5, 5)
	messages := 0
	for msg, to := x.Ask(1), 1; msg != nil; to = 1 - to {
		s := []*crdt.ORSet[string]{x, y}[to]
		messages++
		for n := range msg {
			reply, delta, err := s.Answer(msg[:n])
			require.Error(t, err)
			require.Nil(t, reply)
			require.Nil(t, delta)
		}
		_, _, err := s.Answer(append(slices.Clip(msg), 0))
		require.Error(t, err)
		msg, _, err = s.Answer(msg)
		require.NoError(t, err)
	}
	require.Equal(t, 5, messages)
}
