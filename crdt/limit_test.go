package crdt_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// crowd returns the bytes of an empty state of a kind that has seen one event each
// of n replicas.
func crowd(kind string, n int) []byte {
	p := append(crowded(kind, n).data, 0)
	if kind == "\x05" {
		p = append(p, 0) // a second list
	}
	return p
}

// mergesReplica checks that a state of very many replicas takes the change of one more,
// as it is and as bytes, and can be read back.
func mergesReplica[S state[S]](t *testing.T, kind string, full S, change func(S) S) {
	t.Helper()
	x := full.Clone()
	delta := change(x.Clone())
	_, err := x.MergeBinary(crowd(kind, 1<<16+5))
	require.NoError(t, err)
	y, z := x.Clone(), x.Clone()
	require.True(t, x.Merge(delta))
	require.Equal(t, 1<<16+7, crdt.KnownReplicas(x))
	_, err = y.MergeBinary(encoded(t, delta))
	require.NoError(t, err)
	require.True(t, x.Equal(y))
	change(z)
	require.NoError(t, y.UnmarshalBinary(encoded(t, z)))
	require.Equal(t, encoded(t, z), encoded(t, y))
}

// TestMergeManyReplicas: there is no number of replicas that a state cannot hold.
func TestMergeManyReplicas(t *testing.T) {
	set := new(crdt.ORSet[string]).Add("a", "p")
	mergesReplica(t, "\x01", set, func(s *crdt.ORSet[string]) *crdt.ORSet[string] { return s.Add("b", "p") })
	gone := new(crdt.RWSet[string]).Remove("a", "p")
	mergesReplica(t, "\x02", gone, func(s *crdt.RWSet[string]) *crdt.RWSet[string] { return s.Add("b", "p") })
	on := new(crdt.EWFlag).Enable("a")
	mergesReplica(t, "\x04", on, func(f *crdt.EWFlag) *crdt.EWFlag { return f.Enable("b") })
	off := new(crdt.DWFlag).Disable("a")
	mergesReplica(t, "\x05", off, func(f *crdt.DWFlag) *crdt.DWFlag { return f.Enable("b") })
	text, err := new(crdt.MVRegister[string]).Set("a", "p")
	require.NoError(t, err)
	mergesReplica(t, "\x08", text, func(m *crdt.MVRegister[string]) *crdt.MVRegister[string] {
		d, err := m.Set("b", "q")
		require.NoError(t, err)
		return d
	})
	count := new(crdt.PNCounter).Add("a", 1)
	mergesReplica(t, "\x07", count, func(c *crdt.PNCounter) *crdt.PNCounter { return c.Add("b", 1) })
	mergesReplica(t, "\x07", count, func(c *crdt.PNCounter) *crdt.PNCounter { return c.Reset("b") })
	m := tagged("a", new(tagMap), "k", "p")
	mergesReplica(t, "\x03\x01", m, func(m *tagMap) *tagMap { return tagged("b", m, "k", "p") })
}

// refusesNumber checks that a replica that has used up its numbers changes nothing.
func refusesNumber[S state[S]](t *testing.T, x S, change func(S)) {
	t.Helper()
	before := encoded(t, x)
	change(x)
	usable, ok := any(x).(interface{ Usable(vclock.Replica) error })
	require.True(t, ok)
	require.Equal(t, &vclock.MemberError{Replica: "z", Over: true}, usable.Usable("z"))
	require.NoError(t, usable.Usable("a"))
	require.Equal(t, before, encoded(t, x))
	require.NoError(t, x.Clone().UnmarshalBinary(before))
}

// usedUp returns x having seen all numbers of the replica z.
func usedUp[S state[S]](t *testing.T, kind string, x S) S {
	t.Helper()
	p := append([]byte("\x03"+kind+"\x01\x01z\x02"), binary.AppendUvarint(nil, 1<<16-1)...)
	p = append(p, 0)
	if kind == "\x05" {
		p = append(p, 0) // a second list
	}
	_, err := x.MergeBinary(p)
	require.NoError(t, err)
	return x
}

// TestUsedUpNumbers: a change that there is no number for is refused before it has
// changed anything.
func TestUsedUpNumbers(t *testing.T) {
	set := new(crdt.ORSet[string])
	set.Add("a", "p")
	refusesNumber(t, usedUp(t, "\x01", set), func(s *crdt.ORSet[string]) { s.Add("z", "p") })
	refusesNumber(t, set, func(s *crdt.ORSet[string]) { s.Add("z", "q") })

	gone := new(crdt.RWSet[string])
	gone.Add("a", "p")
	refusesNumber(t, usedUp(t, "\x02", gone), func(s *crdt.RWSet[string]) { s.Remove("z", "p") })
	for _, change := range []func(r vclock.Replica, seen crdt.Context, e string) (*crdt.RWSet[string], error){gone.AddSeen, gone.RemoveSeen} {
		refusesNumber(t, gone, func(s *crdt.RWSet[string]) { must(change("z", s.Context(), "p")) })
	}

	on, off := new(crdt.EWFlag), new(crdt.DWFlag)
	on.Enable("a")
	off.Disable("a")
	refusesNumber(t, usedUp(t, "\x04", on), func(f *crdt.EWFlag) { f.Enable("z") })
	refusesNumber(t, usedUp(t, "\x05", off), func(f *crdt.DWFlag) { f.Enable("z") })

	text := new(crdt.MVRegister[string])
	_, err := text.Set("a", "p")
	require.NoError(t, err)
	refusesNumber(t, usedUp(t, "\x08", text), func(m *crdt.MVRegister[string]) { _, _ = m.Set("z", "q") })

	count := new(crdt.PNCounter)
	count.Add("a", 1)
	refusesNumber(t, usedUp(t, "\x07", count), func(c *crdt.PNCounter) { c.Add("z", 1) })
	refusesNumber(t, count, func(c *crdt.PNCounter) { c.Reset("z") })

	counts := new(crdt.ORMap[string, *crdt.PNCounter])
	counts.Update("a", "p", func(c *crdt.PNCounter) { c.Add("a", 1) })
	usedUp(t, "\x03\x07", counts)
	for _, key := range []string{"p", "q"} {
		refusesNumber(t, counts, func(m *crdt.ORMap[string, *crdt.PNCounter]) {
			m.Update("z", key, func(c *crdt.PNCounter) { c.Add("z", 1) })
		})
	}
	refusesNumber(t, counts, func(m *crdt.ORMap[string, *crdt.PNCounter]) { m.Delete("z", "p") })
}
