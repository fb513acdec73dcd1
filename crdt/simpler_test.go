package crdt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// This file has the counterexamples to designs that are simpler than what there is: each
// shows what the simpler one loses, and what becomes of it here.

// TestSimplerThanIncarnations lets a replica that was restored go on under its old name, with
// numbers above all that it hears of, and as its next incarnation.
func TestSimplerThanIncarnations(t *testing.T) {
	type outcome struct{ simple, incarnation []string }
	for name, tt := range map[string]struct {
		play func(me vclock.Replica) []string
		want outcome
	}{
		"it asks all whom it can reach": {func(me vclock.Replica) []string {
			var eu, us, ap crdt.ORSet[string]
			ap.Merge(eu.Add("eu", "lost")) // and ap is down
			var restored crdt.ORSet[string]
			restored.Merge(&us)
			us.Merge(restored.Add(me, "new"))
			us.Merge(&ap)
			return slices.Sorted(us.All())
		}, outcome{[]string{"new"}, []string{"lost", "new"}}},

		"it numbers above what all have, and a client was answered before": {func(me vclock.Replica) []string {
			var eu, restored crdt.ORSet[string]
			eu.Add("eu", "shown")
			token := eu.Context()
			restored.Add(me, "unseen")
			_, err := restored.ClearSeen(me, token)
			require.NoError(t, err)
			return slices.Sorted(restored.All())
		}, outcome{nil, []string{"unseen"}}},

		"it goes on twice from one backup": {func(me vclock.Replica) []string {
			var first, second, us crdt.ORSet[string]
			us.Merge(first.Add(me, "a"))
			if me == "eu#1" {
				me = "eu#2"
			}
			us.Merge(second.Add(me, "b"))
			return slices.Sorted(us.All())
		}, outcome{[]string{"a"}, []string{"a", "b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, outcome{tt.play("eu"), tt.play("eu#1")})
		})
	}
}

// TestOneNameForAllLives: the numbers of 1,000 lives are one name, and what a life has lost is
// a gap that goes when it is closed: a context that lists lives by names would be as long as they
// are many.
func TestOneNameForAllLives(t *testing.T) {
	var s crdt.ORSet[int]
	for n := range uint64(1000) {
		me := vclock.Incarnation("eu", n)
		s.Merge(func() *crdt.ORSet[int] {
			var lost crdt.ORSet[int]
			lost.Add(me, -1)
			return lost.Add(me, 7)
		}())
	}
	require.Equal(t, 1, crdt.KnownReplicas(&s))
	require.Greater(t, len(encoded(t, &s)), 2000)
	s.Close(over(t, map[vclock.Replica]uint64{"eu": 1000}))
	s.Add("eu#1000", 7)
	require.Less(t, len(encoded(t, &s)), 40)
}

// TestClosedIsSeenEverywhere: whatever says "seen" knows what was closed, and nothing
// that a closed life wrote and somebody shows is emptied for it.
func TestClosedIsSeenEverywhere(t *testing.T) {
	closed := over(t, map[vclock.Replica]uint64{"eu": 1})
	t.Run("an element of a closed life, against a state that has closed more", func(t *testing.T) {
		var eu, us, ap crdt.ORSet[string]
		us.Merge(eu.Add("eu", "paid"))
		ap.Merge(&us)
		us.Close(closed)
		ap.Close(over(t, map[vclock.Replica]uint64{"eu": 3}))
		us.Merge(&ap)
		ap.Merge(&us)
		require.True(t, us.Contains("paid"))
		require.True(t, us.Equal(&ap))
	})
	t.Run("a residue whose removal is of a closed life", func(t *testing.T) {
		var s crdt.RWSet[string]
		s.Add("us", "x")
		s.Remove("eu", "x")
		s.Close(closed)
		require.True(t, s.Compact(s.Context()))
		require.Zero(t, s.Stats().Residues)
	})
	t.Run("a token from before the closing", func(t *testing.T) {
		var s crdt.ORSet[string]
		s.Add("eu", "shown")
		token := s.Context()
		s.Add("eu", "later")
		s.Close(closed)
		require.True(t, s.HasSeen(token))
		_, err := s.ClearSeen("us", token)
		require.NoError(t, err)
		require.Equal(t, []string{"later"}, slices.Sorted(s.All()))
	})
	t.Run("a token from after it, where it is not closed yet", func(t *testing.T) {
		var x, y crdt.ORSet[string]
		x.Add("eu", "shown")
		y.Merge(&x)
		x.Close(closed)
		require.False(t, y.HasSeen(x.Context()))
		_, err := y.ClearSeen("us", x.Context())
		require.NoError(t, err)
		require.Empty(t, slices.Collect(y.All()))
		require.False(t, y.HasSeen(x.Context()), "what is closed there is not closed here")
	})
	t.Run("a change after the closing is numbered as before", func(t *testing.T) {
		var s crdt.ORSet[string]
		s.Add("eu", "x")
		s.Close(closed)
		s.Add("eu#1", "y")
		require.Equal(t, life(1, 0), s.LastOf("eu#1"), "no number is above what is closed")
	})
}

// TestReuseThatNobodySees: two lineages under one name that have counted just as far are equal
// bytes, for ever; one that has gone further its owner finds by LastOf.
func TestReuseThatNobodySees(t *testing.T) {
	t.Run("PNCounter", func(t *testing.T) {
		var before, restored crdt.PNCounter
		before.Add("eu", 3)
		restored.Add("eu", 3)
		require.Equal(t, encoded(t, &before), encoded(t, &restored), "6 were counted, and 3 are known")
		require.NoError(t, before.Verify(&restored))
		require.Equal(t, before.LastOf("eu"), restored.LastOf("eu"))
		before.Add("eu", 3)
		require.Greater(t, before.LastOf("eu"), restored.LastOf("eu"))
	})
	t.Run("GCounter", func(t *testing.T) {
		var before, restored crdt.GCounter
		before.Add("eu", 3)
		restored.Add("eu", 3)
		require.Equal(t, encoded(t, &before), encoded(t, &restored))
		require.NoError(t, before.Verify(&restored))
		before.Add("eu", 1)
		require.Greater(t, before.LastOf("eu"), restored.LastOf("eu"))
	})
	t.Run("BoundedCounter", func(t *testing.T) {
		stock := crdt.AtLeast(0)
		_, err := stock.Add("eu", 10)
		require.NoError(t, err)
		before, restored := stock.Clone(), stock.Clone()
		for _, c := range []*crdt.BoundedCounter{before, restored} {
			_, err = c.Sub("eu", 8)
			require.NoError(t, err)
		}
		require.Equal(t, encoded(t, before), encoded(t, restored), "16 of 10 were sold")
		require.NoError(t, before.Verify(restored))
		require.Zero(t, before.Debt())
		_, err = before.Transfer("eu", "us", 1)
		require.NoError(t, err)
		require.Greater(t, before.LastOf("eu"), restored.LastOf("eu"))
	})
}

// TestRevived: an element that was removed, and the remove forgotten, comes back with one
// that goes on from a backup and adds it again without knowing; it is listed.
func TestRevived(t *testing.T) {
	var eu crdt.RWSet[string]
	eu.Add("us", "ann")
	eu.Add("us", "bob")
	backup := eu.Clone()
	eu.Remove("eu", "ann")
	seen := eu.Context()
	require.True(t, eu.Compact(seen))

	require.Empty(t, slices.Collect(eu.Revived(backup, seen)), "what the backup has is known to be removed")
	backup.Add("us#1", "ann")
	require.Equal(t, []string{"ann"}, slices.Collect(eu.Revived(backup, seen)))
	after := eu.Clone()
	after.Add("us", "cid")
	require.Empty(t, slices.Collect(eu.Revived(after, seen)))
	for range eu.Revived(backup, seen) {
		break
	}

	var flag, old crdt.DWFlag
	old.Merge(flag.Enable("us"))
	flag.Disable("eu")
	flag.Enable("eu")
	flag.Disable("eu")
	seen = flag.Context()
	flag.Compact(seen)
	old.Enable("us#1")
	require.True(t, flag.Revived(&old, seen))
	require.False(t, flag.Revived(&flag, seen))
}
