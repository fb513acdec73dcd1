package hlc_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
)

// A pair is the clock of the paper, and the slow model of Clock: l is the
// greatest physical time heard of, c counts the events that share it.
type pair struct{ l, c int64 }

// tick is "send or local event" of figure 5.
func (j *pair) tick(pt int64) {
	old := *j
	j.l = max(old.l, pt)
	if j.l == old.l {
		j.c = old.c + 1
	} else {
		j.c = 0
	}
}

// receive is "receive event of message m" of figure 5.
func (j *pair) receive(m pair, pt int64) {
	old := *j
	j.l = max(old.l, m.l, pt)
	switch {
	case j.l == old.l && j.l == m.l:
		j.c = max(old.c, m.c) + 1
	case j.l == old.l:
		j.c = old.c + 1
	case j.l == m.l:
		j.c = m.c + 1
	default:
		j.c = 0
	}
}

func (j *pair) less(k pair) bool { return j.l < k.l || j.l == k.l && j.c < k.c }

// An event is one of a run.
type event struct {
	node int
	pt   int64         // physical time of the node, in ticks
	ts   hlc.Timestamp // what the Clock said
	want pair          // what the paper's clock said
	past *big.Int      // the set of events that happened before
}

// after reports whether event number i happened before f.
func (f event) after(i int) bool { return f.past.Bit(i) == 1 }

const (
	nodes   = 3
	epsilon = 5 // no two physical clocks differ by more, in ticks
	origin  = 1_700_000_000_000_000_000 >> 16
)

// A run is the history of a few nodes, with the Clock and the paper's clock side
// by side. Physical clocks are within epsilon of each other, jump to and fro
// inside that, and are frozen most of the time, so that counters have work.
type run struct {
	time   int64 // ticks; node i reads time + offset[i]
	offset [nodes]int64
	clocks [nodes]*hlc.Clock
	models [nodes]pair
	last   [nodes]int // number of the node's latest event, -1 if none
	events []event
}

func newRun() *run {
	r := &run{time: origin}
	for i := range nodes {
		r.last[i] = -1
		r.clocks[i] = &hlc.Clock{
			Physical: func() time.Time { return time.Unix(0, r.pt(i)<<16) },
			// A bound of epsilon and the counter's room refuses nobody.
			MaxAhead: (epsilon + 1) * perTick,
		}
	}
	return r
}

func (r *run) pt(node int) int64 { return r.time + r.offset[node] }

// record appends an event of node that knows of the node's past and of what
// happened up to event number from, if that is not negative.
func (r *run) record(node int, ts hlc.Timestamp, from int) {
	past := new(big.Int)
	for _, i := range []int{r.last[node], from} {
		if i >= 0 {
			past.Or(past, r.events[i].past)
			past.SetBit(past, i, 1)
		}
	}
	r.last[node] = len(r.events)
	r.events = append(r.events, event{node, r.pt(node), ts, r.models[node], past})
}

func (r *run) local(node int) {
	r.models[node].tick(r.pt(node))
	r.record(node, r.clocks[node].Now(), -1)
}

// receive delivers the message sent by event number from. Any event may have
// sent one, and messages may be duplicated and overtake each other.
func (r *run) receive(t require.TestingT, node, from int) {
	m := r.events[from]
	r.models[node].receive(m.want, r.pt(node))
	ts, err := r.clocks[node].Update(m.ts)
	require.NoError(t, err)
	r.record(node, ts, from)
}

// drawRun draws a run. With strict, physical clocks advance by at least one tick
// between two events of a node, as corollary 3 asks.
func drawRun(t *rapid.T, strict bool) *run {
	r := newRun()
	node := rapid.IntRange(0, nodes-1)
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		if strict {
			r.time++
		}
		switch kind := rapid.IntRange(0, 5).Draw(t, "step"); {
		case kind == 0:
			r.time += rapid.Int64Range(0, 3).Draw(t, "pass")
		case kind == 1 && !strict:
			r.offset[node.Draw(t, "node")] = rapid.Int64Range(0, epsilon).Draw(t, "offset")
		case kind <= 3 && len(r.events) > 0:
			r.receive(t, node.Draw(t, "to"), rapid.IntRange(0, len(r.events)-1).Draw(t, "message"))
		default:
			r.local(node.Draw(t, "at"))
		}
	}
	return r
}

// eachPair calls f for all events e, f of a run, e with its number.
func (r *run) eachPair(f func(i int, e, f event)) {
	for i, e := range r.events {
		for _, g := range r.events {
			f(i, e, g)
		}
	}
}

// Section 3, figure 5, in the representation of section 6.2: the clock in one
// word must order events as the pair (l, c) does. While no counter exceeds 16
// bits it is even the same number.
func TestPaperAlgorithm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRun(t, false)
		for _, e := range r.events {
			require.Equal(t, hlc.Timestamp(e.want.l<<16|e.want.c), e.ts, "%+v", e)
		}
		r.eachPair(func(_ int, e, f event) {
			require.Equal(t, e.want.less(f.want), e.ts.Before(f.ts), "%+v, %+v", e, f)
		})
	})
}

// Section 3, theorem 1: if e happened before f, then (l.e, c.e) < (l.f, c.f).
func TestPaperTheorem1(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawRun(t, false).eachPair(func(i int, e, f event) {
			if f.after(i) {
				require.Less(t, e.ts, f.ts, "%+v, %+v", e, f)
			}
		})
	})
}

// Section 3, theorem 2: l.f ≥ pt.f.
func TestPaperTheorem2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, f := range drawRun(t, false).events {
			require.GreaterOrEqual(t, l(f.ts), f.pt, "%+v", f)
		}
	})
}

// Section 3, theorem 3: l.f is the largest physical time that f knows of: if
// l.f > pt.f, there is a g that happened before f with pt.g = l.f.
func TestPaperTheorem3(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRun(t, false)
		for _, f := range r.events {
			known := f.pt
			for i, g := range r.events {
				if f.after(i) {
					known = max(known, g.pt)
				}
			}
			require.Equal(t, known, l(f.ts), "%+v", f)
		}
	})
}

// Section 3, corollary 1: l.f − pt.f ≤ ε, where ε bounds the difference of
// physical clocks.
func TestPaperCorollary1(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, f := range drawRun(t, false).events {
			require.LessOrEqual(t, l(f.ts)-f.pt, int64(epsilon), "%+v", f)
		}
	})
}

// Section 3, theorem 4: if c.f = k > 0, there are events g1, …, gk, each before
// the next and the last before f, all with l = l.f.
func TestPaperTheorem4(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRun(t, false)
		chain := make([]int, len(r.events)) // longest such chain that ends in an event, itself included
		for i, f := range r.events {
			for j := range i {
				if g := r.events[j]; f.after(j) && l(g.ts) == l(f.ts) {
					chain[i] = max(chain[i], chain[j])
				}
			}
			require.GreaterOrEqual(t, chain[i], int(f.ts.Logical()), "%+v", f)
			chain[i]++
		}
	})
}

// Section 3, corollary 2: c.f is at most the number of events before f that have
// l = l.f.
func TestPaperCorollary2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRun(t, false)
		for _, f := range r.events {
			same := 0
			for i, g := range r.events {
				if f.after(i) && l(g.ts) == l(f.ts) {
					same++
				}
			}
			require.LessOrEqual(t, int(f.ts.Logical()), same, "%+v", f)
		}
	})
}

// Section 3, corollary 3: if physical clocks advance between any two events of a
// node, then c.f ≤ N·(ε+1) for N nodes.
func TestPaperCorollary3(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, f := range drawRun(t, true).events {
			require.LessOrEqual(t, int(f.ts.Logical()), nodes*(epsilon+1), "%+v", f)
		}
	})
}

// Section 4, on self-stabilization and masking: a corrupt clock, years ahead,
// drags nobody along. The others stay within ε of physical time, and the
// messages they exchange among themselves all arrive.
func TestPaperMasking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRun()
		corrupt := hlc.Clock{Physical: func() time.Time { return noon.Add(10 * 365 * 24 * time.Hour) }}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			node := rapid.IntRange(0, nodes-1).Draw(t, "node")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				r.time += rapid.Int64Range(0, 3).Draw(t, "pass")
			case 1:
				require.ErrorAs(t, r.clocks[node].Advance(corrupt.Now()), new(*hlc.AheadError))
			case 2:
				if len(r.events) > 0 {
					r.receive(t, node, rapid.IntRange(0, len(r.events)-1).Draw(t, "message"))
				}
			case 3:
				r.local(node)
			}
		}
		for _, f := range r.events {
			require.LessOrEqual(t, l(f.ts)-f.pt, int64(epsilon), "%+v", f)
			require.Equal(t, hlc.Timestamp(f.want.l<<16|f.want.c), f.ts)
		}
	})
}

// Section 6.2: the counter takes the low 16 bits, and adding to the whole word
// keeps the order when it overflows, where the pair would have gone on counting.
func TestPaperCompactRepresentation(t *testing.T) {
	model, c := pair{}, &hlc.Clock{Physical: newWall(noon).now}
	var last hlc.Timestamp
	for i := range 3 << 16 {
		model.tick(noon.UnixNano() >> 16)
		now := c.Now()
		require.Equal(t, hlc.Timestamp(model.l<<16+model.c), now, "event %d", i)
		require.Greater(t, now, last)
		last = now
	}
}

// l is the physical part of ts, in ticks.
func l(ts hlc.Timestamp) int64 { return int64(ts >> 16) }
