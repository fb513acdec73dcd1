package crdt_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// exchanging is what the causal types have in common.
type exchanging[V any] interface {
	crdt.Value[V]
	crdt.State[V]
	Ask(salt uint64) []byte
	Answer(msg []byte) (reply []byte, delta V, err error)
}

// A wired is what two states sent each other.
type wired[V any] struct {
	messages, bytes int
	brought         [2][]V // by the side that got it
}

// exchange has a ask b, which change. Between two messages it calls meanwhile. Long
// has small states take the way of large ones.
func exchange[V exchanging[V]](a, b V, salt uint64, long bool, meanwhile func(n int)) (w wired[V], err error) {
	return exchangeFrom(first(a, salt, long), a, b, long, meanwhile)
}

func first[V exchanging[V]](a V, salt uint64, long bool) []byte {
	if long {
		return crdt.AskLong(a, salt)
	}
	return a.Ask(salt)
}

func exchangeFrom[V exchanging[V]](msg []byte, a, b V, long bool, meanwhile func(n int)) (w wired[V], err error) {
	sides := [2]V{a, b}
	for to := 1; msg != nil; to = 1 - to {
		w.messages++
		w.bytes += len(msg)
		if w.messages > 5 {
			return w, errors.New("more than 5 messages")
		}
		meanwhile(w.messages)
		var reply []byte
		var delta V
		var none V
		if long {
			reply, delta, err = crdt.AnswerLong(sides[to], msg)
		} else {
			reply, delta, err = sides[to].Answer(msg)
		}
		if err != nil {
			return w, err
		}
		if any(delta) != any(none) {
			sides[to].Merge(delta)
			w.brought[to] = append(w.brought[to], delta)
		}
		msg = reply
	}
	return w, nil
}

// catchUp requires that after an exchange both sides are what a and b are together,
// and that nothing was sent that is not below the sender; also if the first message is
// from stale, which is below a.
func catchUp[V exchanging[V]](a, b, stale V) error {
	want := a.Clone()
	want.Merge(b)
	if err := checkChanged(a, b, want); err != nil {
		return err
	}
	for _, long := range []bool{false, true} {
		for i, from := range []V{a, stale} {
			if i == 1 && any(from) == any(a) {
				continue
			}
			x, y := a.Clone(), b.Clone()
			w, err := exchangeFrom(first(from, 1, long), x, y, long, func(int) {})
			if err != nil {
				return err
			}
			if !x.Equal(want) {
				return fmt.Errorf("long %v: the one who asks is not what both are together", long)
			}
			if !y.Equal(want) && from.Equal(a) {
				return fmt.Errorf("long %v: the one who answers is not what both are together", long)
			}
			for side, sender := range [2]V{b, a} {
				sender = sender.Clone()
				if slices.ContainsFunc(w.brought[side], sender.Merge) {
					return fmt.Errorf("long %v: message to side %d tells what its sender does not know", long, side)
				}
			}
		}
	}
	return nil
}

// A dotted is the adds and the removals of the elements 0, 1, …, each of which has one
// dot, of two replicas and of pages apart.
type dotted struct{ adds, removals []*crdt.ORSet[int] }

func newDotted(n int) (d dotted) {
	var a, b, all crdt.ORSet[int]
	a.Add("a", -1) // a dot that nobody has seen
	for k := range n {
		of, name := &a, vclock.Replica("a")
		if k == 1 {
			of, name = &b, "b"
		}
		if k == 2 {
			for range 128 {
				a.Add("a", -1)
			}
		}
		add := of.Add(name, k)
		all.Merge(add)
		d.adds = append(d.adds, add)
		d.removals = append(d.removals, all.Remove(name, k))
	}
	return d
}

// state returns the state in which dot i is unseen, live or dead: 0, 1 or 2 in what[i].
func (d dotted) state(what []int) *crdt.ORSet[int] {
	s := new(crdt.ORSet[int])
	for i, w := range what {
		if w == 1 {
			s.Merge(d.adds[i])
		}
		if w == 2 {
			s.Merge(d.removals[i])
		}
	}
	return s
}

// tuples calls yield with every n-tuple of numbers below base.
func tuples(n, base int, yield func([]int)) {
	t := make([]int, n)
	for {
		yield(t)
		i := 0
		for ; i < n && t[i] == base-1; i++ {
			t[i] = 0
		}
		if i == n {
			return
		}
		t[i]++
	}
}

// TestExchangeEveryPair runs every pair of states of four dots, gaps included: both
// end as what they are together, and no dot travels that the other side knew all of.
func TestExchangeEveryPair(t *testing.T) {
	t.Parallel()
	const n = 4
	d := newDotted(n)
	tuples(n, 3, func(theirs []int) {
		b := d.state(theirs)
		tuples(n, 3, func(ours []int) {
			a := d.state(ours)
			want := a.Clone()
			want.Merge(b)
			x, y := a.Clone(), b.Clone()
			w, err := exchange(x, y, 1, true, func(int) {})
			require.NoError(t, err)
			require.True(t, x.Equal(want) && y.Equal(want), "%v, %v", ours, theirs)
			for side, states := range [2][2][]int{{ours, theirs}, {theirs, ours}} {
				to, from := states[0], states[1]
				for i := range n {
					news := from[i] > to[i] && (to[i] == 0 || from[i] == 2)
					told, there := false, false
					for _, delta := range w.brought[side] {
						told = told || delta.HasSeen(d.adds[i].Context())
						there = there || delta.Contains(i)
					}
					require.Equal(t, news, told, "%v, %v: dot %d", ours, theirs, i)
					require.Equal(t, news && from[i] == 1, there)
				}
			}
		})
	})
}

// TestExchangeMeanwhile has both sides change between any two messages: what they had
// before arrives, and never more than what both are together in the end.
func TestExchangeMeanwhile(t *testing.T) {
	t.Parallel()
	const n = 2
	d := newDotted(n)
	later := [][2]int{{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}} // of a dot: before and after
	tuples(2*n, len(later), func(steps []int) {
		var before, after [2][]int
		for i, s := range steps {
			before[i/n], after[i/n] = append(before[i/n], later[s][0]), append(after[i/n], later[s][1])
		}
		a, b, a2, b2 := d.state(before[0]), d.state(before[1]), d.state(after[0]), d.state(after[1])
		tuples(2, 5, func(when []int) {
			x, y := a.Clone(), b.Clone()
			_, err := exchange(x, y, 1, true, func(n int) {
				if n == when[0] {
					x.Merge(a2)
				}
				if n == when[1] {
					y.Merge(b2)
				}
			})
			require.NoError(t, err)
			least, most := a.Clone(), a2.Clone()
			least.Merge(b)
			most.Merge(b2)
			for _, got := range []*crdt.ORSet[int]{x, y} {
				require.False(t, got.Merge(least), "%v at %v: something is missing", steps, when)
				require.False(t, most.Clone().Merge(got), "%v at %v: something is too much", steps, when)
			}
		})
	})
}

// TestExchangeStale delivers every message of an exchange once more, to both sides, to
// others, and after others.
func TestExchangeStale(t *testing.T) {
	t.Parallel()
	const n = 3
	d := newDotted(n)
	var states []*crdt.ORSet[int]
	tuples(n, 3, func(what []int) { states = append(states, d.state(what)) })
	for _, a := range states {
		for _, b := range states {
			var all []*crdt.ORSet[int]
			x, y := a.Clone(), b.Clone()
			msgs := [][]byte{crdt.AskLong(x, 1)}
			for to := 1; ; to = 1 - to {
				s := []*crdt.ORSet[int]{x, y}[to]
				reply, delta, err := crdt.AnswerLong(s, msgs[len(msgs)-1])
				require.NoError(t, err)
				if delta != nil {
					s.Merge(delta)
					all = append(all, delta)
				}
				if reply == nil {
					break
				}
				msgs = append(msgs, reply)
			}
			both := a.Clone()
			both.Merge(b)
			for _, c := range states[:9] {
				most := both.Clone()
				most.Merge(c)
				for _, msg := range msgs {
					_, delta, err := crdt.AnswerLong(c, msg)
					require.NoError(t, err)
					if delta != nil {
						require.False(t, most.Clone().Merge(delta))
					}
				}
				for _, delta := range all {
					got := c.Clone()
					got.Merge(delta)
					require.False(t, most.Clone().Merge(got))
				}
			}
		}
	}
	require.True(t, slices.ContainsFunc(states, func(s *crdt.ORSet[int]) bool { return s.Len() == n }))
}
