package vclock_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestDotSetLaws has sites count events of their own, and learn of events of "x"
// one by one, so that there are gaps.
func TestDotSetLaws(t *testing.T) {
	type dots = vclock.DotSet
	var dotOf func(e crdttest.Event) vclock.Dot
	dotOf = func(e crdttest.Event) vclock.Dot {
		if seq, learnt := e.Arg.(uint64); learnt {
			return vclock.Dot{Replica: "x", Seq: seq}
		}
		d := vclock.Dot{Replica: e.Replica, Seq: 1}
		for _, f := range e.Past() {
			if f := dotOf(f); f.Replica == d.Replica {
				d.Seq = max(d.Seq, f.Seq+1)
			}
		}
		return d
	}
	kit := crdttest.Kit[*dots]{
		New: func() *dots { return new(dots) },
		Ops: []crdttest.Operation[*dots]{
			crdttest.Op("Next", nil, func(s *dots, r vclock.Replica, _ struct{}) (*dots, error) {
				d, err := s.Next(r)
				delta := new(dots)
				s.Add(d)
				delta.Add(d)
				return delta, err
			}),
			crdttest.Op("Learn", rapid.Uint64Range(1, 6), func(s *dots, _ vclock.Replica, seq uint64) (*dots, error) {
				delta := new(dots)
				delta.Add(vclock.Dot{Replica: "x", Seq: seq})
				s.Merge(delta)
				return delta, nil
			}),
		},
		Value: func(s *dots) any { return slices.Collect(s.All()) },
		Model: func(seen []crdttest.Event) any {
			all := map[vclock.Dot]bool{}
			for _, e := range seen {
				all[dotOf(e)] = true
			}
			return slices.SortedFunc(maps.Keys(all), vclock.Dot.Compare)
		},
	}
	kit.Check(t)
}

// TestDVVSetLaws has clients that write with the context of the site, and clients
// that write without having read. Sets travel as a whole.
func TestDVVSetLaws(t *testing.T) {
	type siblings = vclock.DVVSet[string]
	values := rapid.SampledFrom([]string{"p", "q"})
	kit := crdttest.Kit[*siblings]{
		New: func() *siblings { return new(siblings) },
		Ops: []crdttest.Operation[*siblings]{
			crdttest.Op("Put", values, func(s *siblings, r vclock.Replica, v string) (*siblings, error) {
				_, err := s.Put(r, s.Context(), v)
				return nil, err
			}),
			crdttest.Op("PutBlindly", values, func(s *siblings, r vclock.Replica, v string) (*siblings, error) {
				_, err := s.Put(r, vclock.Clock{}, v)
				return nil, err
			}),
		},
		Value: func(s *siblings) any { return slices.Sorted(s.Values()) },
		Model: func(seen []crdttest.Event) any {
			var values []string
			for _, e := range crdttest.Standing(seen, func(f, _ crdttest.Event) bool { return f.Op == "Put" }) {
				values = append(values, e.Arg.(string))
			}
			slices.Sort(values)
			return values
		},
	}
	kit.Check(t)
}

// A joined is a Clock that merges in place, as a State does.
type joined struct{ vclock.Clock }

func (h *joined) Merge(o *joined) bool {
	old := h.Clock
	h.Clock = old.Join(o.Clock)
	return !h.Clock.Equal(old)
}

func (h *joined) Equal(o *joined) bool { return h.Clock.Equal(o.Clock) }
func (h *joined) Clone() *joined       { return &joined{h.Clock} }

func TestClockLaws(t *testing.T) {
	kit := crdttest.Kit[*joined]{
		New: func() *joined { return new(joined) },
		Ops: []crdttest.Operation[*joined]{
			crdttest.Op("Tick", nil, func(h *joined, r vclock.Replica, _ struct{}) (*joined, error) {
				h.Clock = h.Tick(r)
				return &joined{vclock.Clock{}.With(r, h.At(r))}, nil
			}),
		},
		Value: func(h *joined) any { return h.String() },
		Model: func(seen []crdttest.Event) any {
			counts := map[vclock.Replica]uint64{}
			for _, e := range seen {
				counts[e.Replica]++
			}
			return vclock.Collect(maps.All(counts)).String()
		},
		// The clock of one event stands for all before it.
		Carries: func(e, f crdttest.Event) bool { return e.Replica == f.Replica },
	}
	kit.Check(t)
}
