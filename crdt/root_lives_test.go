package crdt_test

import (
	"encoding"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// life returns the first number of an incarnation, or those after it.
func life(n, more uint64) uint64 { return n<<32 + more }

// over returns the closing of all incarnations of some names before one each.
func over(tb testing.TB, names map[vclock.Replica]uint64) vclock.Closing {
	tb.Helper()
	var all vclock.Closing
	for name, n := range names {
		m := vclock.NewMatrix(name)
		require.NoError(tb, m.Begin(vclock.Incarnation(string(name), n), n+1))
		m.Record(n + 2)
		all = all.Join(m.Close())
	}
	return all
}

// gone returns the closing of a name that was retired.
func gone(tb testing.TB, name vclock.Replica) vclock.Closing {
	tb.Helper()
	m := vclock.NewMatrix("x", name)
	m.Retire(name)
	m.Record(1)
	return m.Close()
}

// TestIncarnationNumbers: an incarnation numbers its dots from n·2³², under the name
// alone, whatever else the state has seen, and one that is over numbers nothing.
func TestIncarnationNumbers(t *testing.T) {
	var s crdt.ORSet[string]
	s.Add("eu", "a")
	s.Add("eu#2", "b")
	s.Add("eu#2", "c")
	require.Equal(t, life(2, 1), s.LastOf("eu#2"))
	require.Equal(t, uint64(1), s.LastOf("eu"))
	require.Zero(t, s.LastOf("eu#1"))
	require.Equal(t, 1, crdt.KnownReplicas(&s))
	s.Add("eu", "d") // one that was taken for dead
	require.Equal(t, uint64(2), s.LastOf("eu"))
	require.NoError(t, s.Usable("eu"))

	require.True(t, s.Close(over(t, map[vclock.Replica]uint64{"eu": 2, "us": 9})))
	require.False(t, s.Close(over(t, map[vclock.Replica]uint64{"eu": 2})))
	require.Equal(t, []string{"a", "b", "c", "d"}, slices.Sorted(s.All()))
	require.Equal(t, 1, crdt.KnownReplicas(&s), "a name that was never met needs no closing")
	require.Equal(t, &vclock.MemberError{Replica: "eu#1", Over: true}, s.Usable("eu#1"))
	require.NoError(t, s.Usable("eu#2"))
	before := encoded(t, &s)
	require.True(t, s.Add("eu", "e").Equal(new(crdt.ORSet[string])))
	require.Equal(t, before, encoded(t, &s))
	s.Add("eu#2", "e")
	require.Equal(t, fmt.Sprintf("eu:%d", life(2, 2)), s.Context().Clock().String(), "nothing is missing")
}

// TestOverChangesNothing: an incarnation that is over changes nothing, whether a change would number
// anything or not.
func TestOverChangesNothing(t *testing.T) {
	t.Run("ORSet", func(t *testing.T) {
		remainsOver(t, func(s *crdt.ORSet[string], r vclock.Replica) { s.Add(r, "x") }, map[string]func(s *crdt.ORSet[string], seen crdt.Context) *crdt.ORSet[string]{
			"Add":    func(s *crdt.ORSet[string], _ crdt.Context) *crdt.ORSet[string] { return s.Add("eu", "x") },
			"Remove": func(s *crdt.ORSet[string], _ crdt.Context) *crdt.ORSet[string] { return s.Remove("eu", "x") },
			"RemoveSeen": func(s *crdt.ORSet[string], seen crdt.Context) *crdt.ORSet[string] {
				return must(s.RemoveSeen("eu", seen, "x"))
			},
			"Clear": func(s *crdt.ORSet[string], _ crdt.Context) *crdt.ORSet[string] { return s.Clear("eu") },
			"ClearSeen": func(s *crdt.ORSet[string], seen crdt.Context) *crdt.ORSet[string] {
				return must(s.ClearSeen("eu", seen))
			},
		})
	})
	t.Run("RWSet", func(t *testing.T) {
		remainsOver(t, func(s *crdt.RWSet[string], r vclock.Replica) { s.Add(r, "x") }, map[string]func(s *crdt.RWSet[string], seen crdt.Context) *crdt.RWSet[string]{
			"Add":    func(s *crdt.RWSet[string], _ crdt.Context) *crdt.RWSet[string] { return s.Add("eu", "x") },
			"Remove": func(s *crdt.RWSet[string], _ crdt.Context) *crdt.RWSet[string] { return s.Remove("eu", "x") },
			"RemoveSeen": func(s *crdt.RWSet[string], seen crdt.Context) *crdt.RWSet[string] {
				return must(s.RemoveSeen("eu", seen, "x"))
			},
			"Clear": func(s *crdt.RWSet[string], _ crdt.Context) *crdt.RWSet[string] { return s.Clear("eu") },
			"ClearSeen": func(s *crdt.RWSet[string], seen crdt.Context) *crdt.RWSet[string] {
				return must(s.ClearSeen("eu", seen))
			},
		})
	})
	t.Run("EWFlag", func(t *testing.T) {
		remainsOver(t, func(f *crdt.EWFlag, r vclock.Replica) { f.Enable(r) }, map[string]func(f *crdt.EWFlag, seen crdt.Context) *crdt.EWFlag{
			"Enable":      func(f *crdt.EWFlag, _ crdt.Context) *crdt.EWFlag { return f.Enable("eu") },
			"Disable":     func(f *crdt.EWFlag, _ crdt.Context) *crdt.EWFlag { return f.Disable("eu") },
			"DisableSeen": func(f *crdt.EWFlag, seen crdt.Context) *crdt.EWFlag { return must(f.DisableSeen("eu", seen)) },
		})
	})
	t.Run("DWFlag", func(t *testing.T) {
		remainsOver(t, func(f *crdt.DWFlag, r vclock.Replica) { f.Disable(r) }, map[string]func(f *crdt.DWFlag, seen crdt.Context) *crdt.DWFlag{
			"Enable":     func(f *crdt.DWFlag, _ crdt.Context) *crdt.DWFlag { return f.Enable("eu") },
			"EnableSeen": func(f *crdt.DWFlag, seen crdt.Context) *crdt.DWFlag { return must(f.EnableSeen("eu", seen)) },
			"Disable":    func(f *crdt.DWFlag, _ crdt.Context) *crdt.DWFlag { return f.Disable("eu") },
		})
	})
	type register = crdt.MVRegister[string]
	t.Run("MVRegister", func(t *testing.T) {
		remainsOver(t, func(m *register, r vclock.Replica) { must(m.Set(r, "x")) }, map[string]func(m *register, seen crdt.Context) *register{
			"Set":       func(m *register, _ crdt.Context) *register { return must(m.Set("eu", "y")) },
			"Clear":     func(m *register, _ crdt.Context) *register { return m.Clear("eu") },
			"ClearSeen": func(m *register, seen crdt.Context) *register { return must(m.ClearSeen("eu", seen)) },
		})
	})
	t.Run("PNCounter", func(t *testing.T) {
		remainsOver(t, func(c *crdt.PNCounter, r vclock.Replica) { c.Add(r, 1) }, map[string]func(c *crdt.PNCounter, seen crdt.Context) *crdt.PNCounter{
			"Add":       func(c *crdt.PNCounter, _ crdt.Context) *crdt.PNCounter { return c.Add("eu", 1) },
			"Reset":     func(c *crdt.PNCounter, _ crdt.Context) *crdt.PNCounter { return c.Reset("eu") },
			"ResetSeen": func(c *crdt.PNCounter, seen crdt.Context) *crdt.PNCounter { return must(c.ResetSeen("eu", seen)) },
		})
	})
	type sets = crdt.ORMap[string, *crdt.ORSet[string]]
	t.Run("ORMap", func(t *testing.T) {
		remainsOver(t, func(m *sets, r vclock.Replica) { m.Update(r, "k", func(s *crdt.ORSet[string]) { s.Add(r, "x") }) }, map[string]func(m *sets, seen crdt.Context) *sets{
			"Update": func(m *sets, _ crdt.Context) *sets {
				return m.Update("eu", "k", func(s *crdt.ORSet[string]) { s.Remove("eu", "x"); s.Add("eu", "y"); s.Clear("eu") })
			},
			"Delete":     func(m *sets, _ crdt.Context) *sets { return m.Delete("eu", "k") },
			"DeleteSeen": func(m *sets, seen crdt.Context) *sets { return must(m.DeleteSeen("eu", seen, "k")) },
			"Clear":      func(m *sets, _ crdt.Context) *sets { return m.Clear("eu") },
			"ClearSeen":  func(m *sets, seen crdt.Context) *sets { return must(m.ClearSeen("eu", seen)) },
		})
	})
}

// remainsOver has eu and us write, closes what eu wrote, and requires that each of the changes, which
// are under eu, does nothing.
func remainsOver[T any, V interface {
	*T
	exchanging[V]
	encoding.BinaryMarshaler
	Context() crdt.Context
	Close(over vclock.Closing) bool
}](t *testing.T, write func(v V, r vclock.Replica), changes map[string]func(v V, seen crdt.Context) V) {
	t.Helper()
	v := V(new(T))
	write(v, "us")
	write(v, "eu")
	peer := V(new(T))
	write(peer, "ap")
	v.Merge(peer)
	v.Close(over(t, map[vclock.Replica]uint64{"eu": 1}))
	before := encoded(t, v)
	for name, change := range changes {
		require.True(t, change(v, v.Context()).Equal(new(T)), name)
		require.Equal(t, before, encoded(t, v), name)
	}
}

// TestReusedName plays what happens to one that takes its old name again, with the
// numbers of an incarnation in their place. Each was wrong without.
func TestReusedName(t *testing.T) {
	t.Run("a message that nobody answers for", func(t *testing.T) {
		var eu, us, ap crdt.ORSet[string]
		late := eu.Add("eu", "x") // on its way
		var restored crdt.ORSet[string]
		us.Merge(restored.Add("eu#1", "y"))
		ap.Merge(late)
		us.Merge(&ap)
		ap.Merge(&us)
		require.True(t, us.Equal(&ap))
		require.Equal(t, []string{"x", "y"}, slices.Sorted(us.All()))
	})
	t.Run("a token of the former owner", func(t *testing.T) {
		var old, restored crdt.ORSet[string]
		old.Add("eu", "x")
		token := old.Context()
		restored.Add("eu#1", "unseen")
		_, _ = restored.ClearSeen("eu#1", token)
		require.True(t, restored.Contains("unseen"))
	})
	t.Run("a counter", func(t *testing.T) {
		var peer, restored crdt.PNCounter
		peer.Merge(new(crdt.PNCounter).Add("eu", 3))
		restored.Add("eu#1", 3)
		peer.Merge(&restored)
		n, _ := peer.Total()
		require.Equal(t, int64(6), n)
	})
}

// TestClosedTallyAgainstZombie: a member has closed what a zombie counts on. The
// member's own count was gone.
func TestClosedTallyAgainstZombie(t *testing.T) {
	var member, zombie crdt.PNCounter
	member.Merge(zombie.Add("e", 1))
	zombie.Add("e", 2)
	member.Close(over(t, map[vclock.Replica]uint64{"e": 1}))
	for _, pair := range [][2]*crdt.PNCounter{{&member, &zombie}, {&zombie, &member}} {
		x := pair[0].Clone()
		x.Merge(pair[1])
		n, _ := x.Total()
		require.Equal(t, int64(1), n)
	}
	x := member.Clone()
	x.Merge(zombie.Add("e", 4))
	require.True(t, x.Clone().Merge(&zombie) == false && value(x) == 1, "of one increment, too")
	sealed := over(t, map[vclock.Replica]uint64{"e": 1})
	require.False(t, member.Speaks(&zombie, sealed), "closed is seen")
	require.True(t, new(crdt.PNCounter).Speaks(&zombie, sealed))
}

// TestFirstCountAfterClosing: what an incarnation counts first, of which another has seen nothing
// but the closing of the one before.
func TestFirstCountAfterClosing(t *testing.T) {
	var a crdt.PNCounter
	a.Add("e", 1)
	a.Reset("e")
	a.Close(over(t, map[vclock.Replica]uint64{"e": 1}))
	b := a.Clone()
	a.Add("e#1", 5)
	for _, pair := range [][2]*crdt.PNCounter{{&a, b}, {b, &a}} {
		x := pair[0].Clone()
		x.Merge(pair[1].Clone())
		require.Equal(t, int64(5), value(x))
		require.True(t, x.Equal(&a))
	}
}

// TestRetireWithGap: an increment that was lost, of a replica that is retired, after
// one that was undone. It came back when the residue was forgotten.
func TestRetireWithGap(t *testing.T) {
	var a, b, x crdt.PNCounter
	lost := a.Add("a", 1)
	b.Merge(a.Add("a", 2))
	b.Reset("b")
	x.Merge(&b)
	sealed := gone(t, "a")
	require.True(t, x.Speaks(lost, sealed))
	x.Close(sealed)
	require.True(t, x.Compact(x.Context()))
	x.Merge(lost)
	n, _ := x.Total()
	require.Zero(t, n)
}

// TestCounterGoesOn: an incarnation that has all that went before counts on, and one
// that may not have begins anew; nothing counts twice, and nothing is lost.
func TestCounterGoesOn(t *testing.T) {
	var eu, us crdt.PNCounter
	eu.Add("eu", 5)
	backup := eu.Clone()
	us.Merge(eu.Add("eu", 2)) // 7
	restored := backup
	us.Merge(restored.Add("eu#1", 10)) // 17
	restored.Merge(&us)
	require.Equal(t, 2, restored.Stats().Elements)
	us.Reset("us")
	require.Zero(t, value(&us))
	restored.Add("eu#1", 100)
	us.Merge(restored)
	require.Equal(t, int64(100), value(&us))
	require.Equal(t, 1, us.Stats().Elements)

	var ap crdt.PNCounter
	ap.Add("ap", -1)
	ap.Merge(&us)
	next := ap.Clone() // it has merged everybody, and closes
	next.Close(over(t, map[vclock.Replica]uint64{"eu": 2, "ap": 1}))
	next.Add("eu#2", 1)
	next.Add("ap#1", -1)
	require.Equal(t, int64(99), value(next))
	require.Equal(t, 2, next.Stats().Elements, "one tally each")
	us.Merge(next)
	ap.Merge(&us)
	require.True(t, ap.Equal(next))
	require.True(t, us.Equal(next))
	checkForms(t, next)
	next.Reset("us")
	checkForms(t, next)
	us.Merge(next)
	require.Zero(t, value(&us))
}

func value(c *crdt.PNCounter) int64 {
	n, _ := c.Total()
	return n
}

// checkForms takes a counter through its bytes and its JSON.
func checkForms(t *testing.T, c *crdt.PNCounter) {
	t.Helper()
	var fromBytes, fromText crdt.PNCounter
	require.NoError(t, fromBytes.UnmarshalBinary(encoded(t, c)))
	require.True(t, c.Equal(&fromBytes))
	text, err := c.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, fromText.UnmarshalJSON(text), "%s", text)
	require.True(t, c.Equal(&fromText), "%s", text)
}

// TestSizesOfRestarts: what 10,000 starts from older state of three replicas leave.
func TestSizesOfRestarts(t *testing.T) {
	const starts = 10000
	names := []vclock.Replica{"ap", "eu", "us"}
	t.Run("not closed", func(t *testing.T) {
		var s crdt.ORSet[string]
		for i := range uint64(starts) {
			s.Add(vclock.Incarnation(string(names[i%3]), i/3), []string{"milk", "tea"}[i%2])
		}
		seen, err := s.Context().AppendBinary(nil)
		require.NoError(t, err)
		t.Logf("set %.2f bytes a start, context %.2f", float64(len(encoded(t, &s)))/starts, float64(len(seen))/starts)
		require.LessOrEqual(t, len(encoded(t, &s)), 10*starts)
		require.LessOrEqual(t, len(seen), 10*starts)
		last := uint64((starts - 1) / 3)
		s.Close(over(t, map[vclock.Replica]uint64{"ap": last, "eu": last, "us": last}))
		requireClosed(t, &s)
	})
	t.Run("closed each time", func(t *testing.T) {
		var s crdt.ORSet[string]
		var c crdt.PNCounter
		for i := range uint64(starts) {
			name, n := names[i%3], i/3
			if n > 0 {
				closed := over(t, map[vclock.Replica]uint64{name: n})
				s.Close(closed)
				c.Close(closed)
			}
			s.Add(vclock.Incarnation(string(name), n), []string{"milk", "tea"}[i%2])
			c.Add(vclock.Incarnation(string(name), n), int64(i%5)-2)
		}
		requireClosed(t, &s)
		require.Equal(t, 3, c.Stats().Elements)
		require.LessOrEqual(t, len(encoded(t, &c)), 100)
	})
}

func requireClosed(t *testing.T, s *crdt.ORSet[string]) {
	t.Helper()
	seen, err := s.Context().AppendBinary(nil)
	require.NoError(t, err)
	t.Logf("set %d bytes, context %d", len(encoded(t, s)), len(seen))
	require.LessOrEqual(t, len(encoded(t, s)), 200)
	require.LessOrEqual(t, len(seen), 100)
	require.Equal(t, 2, s.Len())
}

// TestSizesOfPods: a year of 100 pods without a disk that start every day under 100
// names, closed once a month. Its largest is what the bounds are for.
func TestSizesOfPods(t *testing.T) {
	var cart crdt.ORMap[string, *crdt.PNCounter]
	largest, context := 0, 0
	for day := range uint64(365) {
		closing := map[vclock.Replica]uint64{}
		for pod := range 100 {
			name := fmt.Sprintf("pod-%02d", pod)
			if day%30 == 0 && day > 0 {
				closing[vclock.Replica(name)] = day
			}
			if (uint64(pod)+day)%10 > 0 {
				continue // a cart is not touched by every pod on every day
			}
			me := vclock.Incarnation(name, day)
			cart.Update(me, "milk", func(c *crdt.PNCounter) { c.Add(me, 1) })
			if day%7 == 0 {
				cart.Delete(me, "milk")
			}
		}
		seen, err := cart.Context().AppendBinary(nil)
		require.NoError(t, err)
		largest, context = max(largest, len(encoded(t, &cart))), max(context, len(seen))
		cart.Close(over(t, closing))
		if day%30 == 0 {
			cart.Compact(cart.Context())
		}
	}
	seen, err := cart.Context().AppendBinary(nil)
	require.NoError(t, err)
	t.Logf("cart %d bytes, context %d; at most %d and %d", len(encoded(t, &cart)), len(seen), largest, context)
	require.LessOrEqual(t, context, 3<<10)
	require.LessOrEqual(t, largest, 4<<10)
}

// TestClosedCountersJoin plays random histories of members that close what is dead, when
// they have exchanged all, with a zombie that counts on and gets their states;
// and joins what was on the way, in any order and grouping: it shows the same. The dead
// reset nothing that the members have not seen.
func TestClosedCountersJoin(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	dead := over(t, map[vclock.Replica]uint64{"e": 1})
	for range 400 {
		names := []vclock.Replica{"b", "c", "e"}
		sites := []*crdt.PNCounter{{}, {}, {}}
		var kept []*crdt.PNCounter
		sealed, change := false, int64(1)
		for step := range 24 {
			i := rng.IntN(3)
			x, y := sites[i], sites[rng.IntN(3)]
			switch rng.IntN(6) {
			case 0, 1:
				kept = append(kept, x.Add(names[i], change))
				change *= 2
			case 2:
				if i < 2 {
					kept = append(kept, x.Reset(names[i]))
				}
			case 3, 4:
				if !sealed || i == 2 || y != sites[2] {
					x.Merge(y)
				}
			case 5:
				if sealed && i < 2 {
					x.Close(dead)
				}
			}
			if step == 12 { // the members seal, and tell each other what they have
				sealed = true
				sites[0].Merge(sites[1])
				sites[1].Merge(sites[0])
			}
			kept = append(kept, x.Clone())
		}
		join := func(x, y *crdt.PNCounter) *crdt.PNCounter {
			z := x.Clone()
			z.Merge(y)
			return z
		}
		for range 12 {
			x, y, z := kept[rng.IntN(len(kept))], kept[rng.IntN(len(kept))], kept[rng.IntN(len(kept))]
			requireSameTexts(t, join(x, y), join(y, x), x, y)
			if left, right := join(join(x, y), z), join(x, join(y, z)); value(left) != value(right) {
				requireSameTexts(t, left, right, x, y, z)
			}
			requireSameTexts(t, join(x, y), join(join(x, y), x), x, y)
		}
	}
}

// TestExchangeClosed plays histories of members that close what is dead when they have
// exchanged all, and of a zombie that goes on: what any two of them, or a state on the way,
// find out about each other by messages is what their merge is, closings included. Where
// members close when they should not, it takes the next exchange to find a count of a life that
// both have closed.
func TestExchangeClosed(t *testing.T) {
	t.Parallel()
	t.Run("counters", func(t *testing.T) {
		change := int64(1)
		exchangeClosed(t, func(c *crdt.PNCounter, r vclock.Replica, rng *rand.Rand) *crdt.PNCounter {
			if change *= 2; rng.IntN(3) > 0 || r == "e" {
				return c.Add(r, change%1021)
			}
			return c.Reset(r)
		})
	})
	t.Run("maps of counters", func(t *testing.T) {
		type cart = crdt.ORMap[string, *crdt.PNCounter]
		exchangeClosed(t, func(m *cart, r vclock.Replica, rng *rand.Rand) *cart {
			key := []string{"milk", "tea"}[rng.IntN(2)]
			if rng.IntN(3) == 0 && r != "e" {
				return m.Delete(r, key)
			}
			return m.Update(r, key, func(c *crdt.PNCounter) { c.Add(r, 1+rng.Int64N(9)) })
		})
	})
	t.Run("sets", func(t *testing.T) {
		exchangeClosed(t, func(s *crdt.ORSet[int], r vclock.Replica, rng *rand.Rand) *crdt.ORSet[int] {
			if rng.IntN(3) == 0 {
				return s.Remove(r, rng.IntN(3))
			}
			return s.Add(r, rng.IntN(3))
		})
	})
	t.Run("registers", func(t *testing.T) {
		exchangeClosed(t, func(m *crdt.MVRegister[int], r vclock.Replica, rng *rand.Rand) *crdt.MVRegister[int] {
			d, err := m.Set(r, rng.IntN(9))
			require.NoError(t, err)
			return d
		})
	})
}

// TestExchangeClosedExhaustive takes all histories of two members and a zombie, up to a
// number of steps, closings at any time included.
func TestExchangeClosedExhaustive(t *testing.T) {
	t.Parallel()
	dead := over(t, map[vclock.Replica]uint64{"e": 1})
	type site = *crdt.PNCounter
	var steps []func(b, c, e site)
	for _, pair := range [][2]int{{0, 1}, {0, 2}, {1, 0}, {1, 2}, {2, 0}} {
		steps = append(steps, func(b, c, e site) {
			all := []site{b, c, e}
			all[pair[0]].Merge(all[pair[1]])
		})
	}
	steps = append(
		steps,
		func(b, _, _ site) { b.Add("b", 1) },
		func(b, _, _ site) { b.Reset("b") },
		func(b, _, _ site) { b.Close(dead) },
		func(_, c, _ site) { c.Close(dead) },
		func(_, _, e site) { e.Add("e", 2) },
		func(_, _, e site) { e.Add("e", 5) },
	)
	met := map[string]bool{}
	worlds := [][3]site{{{}, {}, {}}}
	for range max(2, 6+deeper()) {
		var next [][3]site
		for _, w := range worlds {
			for _, step := range steps {
				n := [3]site{w[0].Clone(), w[1].Clone(), w[2].Clone()}
				step(n[0], n[1], n[2])
				id := string(encoded(t, n[0])) + "|" + string(encoded(t, n[1])) + "|" + string(encoded(t, n[2]))
				if met[id] {
					continue
				}
				met[id] = true
				next = append(next, n)
				for _, pair := range [][2]int{{0, 1}, {0, 2}, {2, 0}, {1, 2}} {
					x, y := n[pair[0]], n[pair[1]]
					if err := catchUp(x, y, w[pair[0]]); err != nil {
						t.Fatalf("%q: %v and %v: %v", id, x, y, err)
					}
				}
			}
		}
		worlds = next
	}
	require.Greater(t, len(met), 100)
}

// catchUpTwice requires that after two exchanges both sides are what x and y are together,
// and after the first no more.
func catchUpTwice[V exchanging[V]](x, y V) error {
	want := x.Clone()
	want.Merge(y)
	x, y = x.Clone(), y.Clone()
	for salt := range uint64(2) {
		if _, err := exchange(x, y, salt, true, func(int) {}); err != nil {
			return err
		}
		if all := want.Clone(); all.Merge(x) || all.Merge(y) {
			return errors.New("a message told what nobody knows")
		}
	}
	if !x.Equal(want) || !y.Equal(want) {
		return errors.New("two exchanges do not do what a merge does")
	}
	return nil
}

// TestExchangeOfClosedCountersIsSmall: of counters of a life that both have closed, only what
// was reset since travels.
func TestExchangeOfClosedCountersIsSmall(t *testing.T) {
	t.Parallel()
	var a crdt.ORMap[string, *crdt.PNCounter]
	for i := range 2000 {
		a.Update("e", fmt.Sprintf("key-%d", i), func(c *crdt.PNCounter) { c.Add("e", 1) })
	}
	a.Update("e#1", "key-0", func(c *crdt.PNCounter) { c.Add("e#1", 1) })
	a.Close(over(t, map[vclock.Replica]uint64{"e": 1}))
	b := a.Clone()
	a.Delete("a", "key-7")
	b.Delete("b", "key-1900")
	b.Update("b", "key-5", func(c *crdt.PNCounter) { c.Add("b", 1) })
	w, err := exchange(&a, b, 1, false, func(int) {})
	require.NoError(t, err)
	require.True(t, a.Equal(b))
	require.Less(t, w.bytes, 600)
}

func exchangeClosed[V interface {
	exchanging[V]
	Close(vclock.Closing) bool
}](t *testing.T, change func(v V, r vclock.Replica, rng *rand.Rand) V) {
	t.Helper()
	t.Parallel()
	dead := over(t, map[vclock.Replica]uint64{"e": 1})
	var empty V
	closed, differ := 0, 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		names := []vclock.Replica{"b", "c", "e"}
		sites := []V{empty.Clone(), empty.Clone(), empty.Clone()}
		var kept []V
		atWill, sealed := seed%3 == 0, false
		for step := range 24 {
			i, k := rng.IntN(3), rng.IntN(3)
			x, y := sites[i], sites[k]
			switch n := rng.IntN(8); {
			case n < 3:
				kept = append(kept, change(x, names[i], rng))
			case n < 7 && (atWill || !sealed || i == 2 || k != 2):
				x.Merge(y)
			case n == 7 && (atWill || sealed) && i < 2 && x.Close(dead):
				closed++
			}
			if step == 12 { // the members seal, and tell each other what they have
				sealed = true
				sites[0].Merge(sites[1])
				sites[1].Merge(sites[0])
			}
			kept = append(kept, x.Clone())
		}
		for range 20 {
			x, y := kept[rng.IntN(len(kept))], kept[rng.IntN(len(kept))]
			err := catchUp(x, y, x)
			if err != nil && atWill {
				err = catchUpTwice(x, y)
			}
			if err != nil {
				t.Fatalf("seed %d: %v and %v: %v", seed, x, y, err)
			}
			differ++
		}
	}
	require.NotZero(t, closed)
	require.NotZero(t, differ)
}

func requireSameTexts(t *testing.T, left, right *crdt.PNCounter, from ...*crdt.PNCounter) {
	t.Helper()
	var texts []string
	for _, c := range append(from, left, right) {
		text, err := c.MarshalJSON()
		require.NoError(t, err)
		texts = append(texts, string(text))
	}
	require.Equal(t, texts[len(texts)-2], texts[len(texts)-1], "%q", texts)
}

// TestLastNumberOfALife: an incarnation of which only the last number has arrived is used up,
// and the one after it begins.
func TestLastNumberOfALife(t *testing.T) {
	var s crdt.ORSet[string]
	require.NoError(t, s.UnmarshalJSON(fmt.Appendf(nil, `{"type":"ORSet","context":{"eu":"%d"},"state":[]}`, life(1, 0)-1)))
	require.Equal(t, life(1, 0)-1, s.LastOf("eu"))
	require.Equal(t, &vclock.MemberError{Replica: "eu", Over: true}, s.Usable("eu"))
	require.NoError(t, s.Usable("eu#1"))
	require.Zero(t, s.LastOf("eu#1"))
	s.Add("eu", "x")
	require.Zero(t, s.Len())
	s.Add("eu#1", "x")
	require.Equal(t, life(1, 0), s.LastOf("eu#1"))
	require.Equal(t, life(1, 0)-1, s.LastOf("eu"))
}
