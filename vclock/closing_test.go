package vclock_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

// This file plays, breadth first, all short histories of a store with one object: a
// set of what a dead incarnation of e has added. Its messages float about for ever. A
// member that has shown an element must never stop showing it. Nothing here counts, so
// one element tells all.

// elements are those of the dead incarnation, a bit each.
type elements uint8

const allElements elements = 1

// A holder is a member, its matrix, and the set: what it has seen, and what it shows.
type holder struct {
	matrix      *vclock.Matrix
	seen, shown elements
}

// A parcel is what a holder sends, and when it arrives it is merged, or not.
type parcel = holder

// A world is one state of the store.
type world struct {
	holders []holder // e, the others, and a newcomer with a nil matrix until it begins
	parcels []parcel // on their way: they arrive any number of times
	life    bool     // e goes on as another incarnation
	said    string
}

// rules are what a store keeps to; each that is switched off is one that histories show
// to be needed.
type rules struct {
	unsealed  bool // sealed elements are taken out of a broker
	alone     bool // matrices travel without states
	ignorant  bool // a newcomer begins with a matrix of its own
	impatient bool // a member closes what it has sealed, and asks nobody
}

func (w *world) key() string {
	var b []byte
	for _, list := range [][]holder{w.holders, w.parcels} {
		for i := range list {
			h := &list[i]
			b = append(b, byte(h.seen), byte(h.shown))
			if h.matrix != nil {
				b, _ = h.matrix.AppendBinary(b)
			}
		}
		b = append(b, 0xff)
	}
	return string(b)
}

// next returns a copy of w in which holder i is about to change.
func (w *world) next(i int, said string) (*world, *holder) {
	n := &world{slices.Clone(w.holders), slices.Clone(w.parcels), w.life, w.said + said + "; "}
	h := &n.holders[i]
	if h.matrix != nil {
		h.matrix = h.matrix.Clone()
	}
	return n, h
}

// speaks reports whether some elements are of lives that are sealed at h, and not seen.
func (h *holder) speaks(x elements) bool {
	return x&^h.seen != 0 && h.matrix.Sealed().Counts().At("e") > 0
}

func (h *holder) merge(seen, shown elements) {
	h.shown, h.seen = h.shown&shown|h.shown&^seen|shown&^h.seen, h.seen|seen
}

// receive merges a parcel, and reports whether it was taken.
func (h *holder) receive(p parcel) bool {
	if h.matrix.Check(p.matrix) != nil {
		return false
	}
	h.merge(p.seen, p.shown)
	return h.hear(p)
}

// hear merges the matrix of a parcel.
func (h *holder) hear(p parcel) bool {
	_, err := h.matrix.Merge(p.matrix)
	h.matrix.Record(0)
	return err == nil
}

// steps returns what can happen next.
func (w *world) steps(r rules) []*world {
	var out []*world
	for i := range w.holders {
		if w.holders[i].matrix == nil {
			continue
		}
		for x := elements(1); x <= allElements; x <<= 1 {
			if h := &w.holders[i]; h.seen&x == 0 && (r.unsealed || !h.speaks(x)) {
				n, h := w.next(i, fmt.Sprintf("%d takes %d", i, x))
				h.merge(x, x)
				out = append(out, n)
			}
		}
		n, h := w.next(i, fmt.Sprintf("%d sends", i))
		h.matrix.Record(0)
		n.parcels = append(n.parcels[:min(len(n.parcels), 1):1], parcel{h.matrix.Clone(), h.seen, h.shown})
		out = append(out, n)
		for k := range w.holders {
			if k == i || w.holders[k].matrix == nil {
				continue
			}
			n, h := w.next(i, fmt.Sprintf("%d merges %d", i, k))
			if h.receive(n.holders[k]) {
				out = append(out, n)
			}
			if n, h := w.next(i, fmt.Sprintf("%d hears %d", i, k)); r.alone && h.hear(n.holders[k]) {
				out = append(out, n)
			}
		}
		for k, p := range w.parcels {
			n, h := w.next(i, fmt.Sprintf("%d gets parcel %d", i, k))
			if h.receive(p) {
				out = append(out, n)
			}
		}
		n, h = w.next(i, fmt.Sprintf("%d closes", i))
		if closed := h.matrix.Close(); closed.Counts().At("e") > 0 || r.impatient && h.matrix.Sealed().Counts().At("e") > 0 {
			h.seen = allElements
			out = append(out, n)
		}
		if n := w.join(i, r); n != nil {
			out = append(out, n)
		}
	}
	if !w.life {
		n, h := w.next(0, "e follows itself")
		n.life = true
		h.matrix = h.matrix.Clone()
		if h.matrix.Begin("e#1", 9) == nil {
			h.seen, h.shown = 0, 0 // it has lost all
			out = append(out, n)
		}
	}
	return out
}

// join lets the newcomer begin from a snapshot of i.
func (w *world) join(i int, r rules) *world {
	last := len(w.holders) - 1
	if w.holders[last].matrix != nil || i == last {
		return nil
	}
	n, h := w.next(i, fmt.Sprintf("%d joins from %d", last, i))
	if h.matrix.Admit("n") != nil {
		return nil
	}
	m, err := h.matrix.For("n")
	if err != nil {
		return nil
	}
	if r.ignorant {
		m = vclock.NewMatrix("n", slices.Collect(func(yield func(vclock.Replica) bool) {
			for name := range m.All() {
				if !yield(name) {
					return
				}
			}
		})...)
	}
	n.holders[last] = holder{m, h.seen, h.shown}
	return n
}

// lost returns what happened last if it made a member stop showing something. That e
// has lost its state is none.
func lost(before, after *world) bool {
	for i := range before.holders {
		if before.holders[i].shown&^after.holders[i].shown != 0 && before.life == after.life {
			return true
		}
	}
	return false
}

// explore plays all histories of up to depth steps, and returns the first that loses
// something, and how many states of the store there were.
func explore(members []vclock.Replica, depth int, r rules) (loss string, states int) {
	first := &world{holders: make([]holder, len(members)+1)}
	for i, name := range members {
		first.holders[i].matrix = vclock.NewMatrix(name, members...)
	}
	// What the dead incarnation would send.
	first.parcels = []parcel{{vclock.NewMatrix("e", members...), allElements, allElements}}
	known := map[string]bool{first.key(): true}
	for level := []*world{first}; depth > 0; depth-- {
		var next []*world
		for _, w := range level {
			for _, n := range w.steps(r) {
				if lost(w, n) {
					return n.said, len(known)
				}
				if k := n.key(); !known[k] {
					known[k] = true
					next = append(next, n)
				}
			}
		}
		level = next
	}
	return "", len(known)
}

// TestClosingLosesNothing: two members and one that joins, three and one.
func TestClosingLosesNothing(t *testing.T) {
	for _, tt := range []struct {
		members []vclock.Replica
		depth   int
	}{
		{[]vclock.Replica{"e", "b"}, 7},
		{[]vclock.Replica{"e", "b", "c"}, 5},
	} {
		depth := tt.depth
		if testing.Short() {
			depth--
		}
		loss, states := explore(tt.members, depth, rules{})
		require.Empty(t, loss)
		t.Logf("%d members, %d steps: %d states", len(tt.members), depth, states)
	}
}

// TestClosingNeedsEachRule: whatever is left out of the protocol, something is lost.
func TestClosingNeedsEachRule(t *testing.T) {
	for name, r := range map[string]rules{
		"sealed events are taken out of a broker":    {unsealed: true},
		"matrices travel without states":             {alone: true},
		"a newcomer does not inherit what is sealed": {ignorant: true},
		"a member closes what it alone has sealed":   {impatient: true},
	} {
		t.Run(name, func(t *testing.T) {
			loss, states := explore([]vclock.Replica{"e", "b"}, 8, r)
			require.NotEmpty(t, loss)
			t.Logf("%d states: %s", states, loss)
		})
	}
}

// TestClosingCovers compares what lives of one name close, by which of them is over and by
// when it was.
func TestClosingCovers(t *testing.T) {
	sealed := func(life vclock.Replica, since uint64) vclock.Closing {
		m := vclock.NewMatrix("eu")
		require.NoError(t, m.Begin(life, since))
		return m.Sealed()
	}
	retired := vclock.NewMatrix("us", "eu")
	retired.Retire("eu")
	closings := []vclock.Closing{{}, sealed("eu#1", 20), sealed("eu#1", 30), sealed("eu#2", 30), sealed("eu#2", 40), sealed("eu#2", math.MaxInt64), retired.Sealed()}
	for i, c := range closings {
		for j, d := range closings {
			require.Equal(t, i >= j, c.Covers(d), "%v at %v, %v at %v", c, c.Times(), d, d.Times())
			require.Equal(t, i == j, c.Equal(d))
			require.True(t, c.Join(d).Equal(closings[max(i, j)]))
			require.True(t, c.Meet(d).Equal(closings[min(i, j)]))
		}
	}
	m := vclock.NewMatrix("eu")
	require.EqualError(t, m.Begin("eu#1", math.MaxInt64+1), `vclock: "eu#1" begins at 9223372036854775808, above the largest time`)
	require.True(t, m.Sealed().IsZero())
	early, late := sealed("eu#2", 20), sealed("eu#1", 30)
	require.False(t, early.Covers(late), "the one has more lives that are over")
	require.False(t, late.Covers(early), "and the other lasts longer")
	require.True(t, early.Join(late).Covers(early))
	require.True(t, early.Join(late).Covers(late))
}
