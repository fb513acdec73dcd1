package crdttest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/vclock"
)

// A fault is a mistake planted in an otherwise right add-wins set.
type fault int

const (
	none fault = iota
	forgetsRemovals
	ignoresRemovals
	deltaContextTooLarge
	lossyEncoding
	mapOrderLeak
	aliasingMerge
	aliasingClone
	aliasingDelta
	modifiesArgument
	wrongReport
	panickingDecoder
	trustingDecoder
	greedyDecoder
	dirtyDecoder
	keepingDecoder
	deafMergeBinary
	refusalThatChanges
	removesUnseen
	sharingClone
)

type dot struct {
	R vclock.Replica
	N int
}

// An orset is the textbook observed-remove set with all its dots and its whole
// context written out, and a place for one fault.
type orset struct {
	fault fault
	elems map[string]map[dot]bool
	ctx   map[dot]bool
}

func newSet(f fault) *orset {
	return &orset{fault: f, elems: map[string]map[dot]bool{}, ctx: map[dot]bool{}}
}

func (s *orset) add(r vclock.Replica, e string) *orset {
	d, old := newSet(s.fault), s.elems[e]
	n := 1
	for c := range s.ctx {
		if c.R == r {
			n = max(n, c.N+1)
		}
	}
	fresh := dot{r, n}
	maps.Copy(d.ctx, old)
	d.ctx[fresh] = true
	if s.fault == deltaContextTooLarge {
		maps.Copy(d.ctx, s.ctx)
	}
	d.elems[e] = map[dot]bool{fresh: true}
	s.elems[e] = map[dot]bool{fresh: true}
	s.ctx[fresh] = true
	if s.fault == aliasingDelta {
		s.elems[e] = d.elems[e]
	}
	return d
}

func (s *orset) remove(e string) *orset {
	d := newSet(s.fault)
	if s.fault == ignoresRemovals {
		return d
	}
	if s.fault == forgetsRemovals {
		for c := range s.elems[e] {
			delete(s.ctx, c)
		}
	}
	if s.fault == removesUnseen {
		for c := range s.ctx {
			d.ctx[dot{c.R, c.N + 1}] = true
		}
		s.merge(d)
	}
	maps.Copy(d.ctx, s.elems[e])
	delete(s.elems, e)
	return d
}

func (s *orset) merge(o *orset) bool {
	before := s.Clone()
	for e, dots := range s.elems {
		for d := range dots {
			if o.ctx[d] && !o.elems[e][d] {
				delete(dots, d)
			}
		}
		if len(dots) == 0 {
			delete(s.elems, e)
		}
	}
	for e, dots := range o.elems {
		for d := range dots {
			switch {
			case s.ctx[d] || s.elems[e][d]:
			case s.fault == aliasingMerge && s.elems[e] == nil && len(dots) == 1:
				s.elems[e] = dots
			default:
				if s.elems[e] == nil {
					s.elems[e] = map[dot]bool{}
				}
				s.elems[e][d] = true
			}
		}
	}
	maps.Copy(s.ctx, o.ctx)
	return !s.Equal(before)
}

func (s *orset) Merge(o *orset) bool {
	changed := s.merge(o)
	switch {
	case s.fault == modifiesArgument && len(s.elems) > 1:
		maps.Copy(o.ctx, s.ctx)
	case s.fault == wrongReport && changed:
		return len(o.elems) > 0
	}
	return changed
}

func (s *orset) Equal(o *orset) bool {
	return maps.Equal(s.ctx, o.ctx) && maps.EqualFunc(s.elems, o.elems, func(a, b map[dot]bool) bool { return maps.Equal(a, b) })
}

func (s *orset) Clone() *orset {
	if s.fault == sharingClone {
		return s
	}
	c := newSet(s.fault)
	c.ctx = maps.Clone(s.ctx)
	for e, dots := range s.elems {
		c.elems[e] = dots
		if s.fault != aliasingClone {
			c.elems[e] = maps.Clone(dots)
		}
	}
	return c
}

func (s *orset) elements() []string { return slices.Sorted(maps.Keys(s.elems)) }

// A wireSet is the form of an orset in bytes: JSON, with everything sorted.
type wireSet struct {
	Elems []wireElem
	Ctx   []dot
	Size  int
}

type wireElem struct {
	E    string
	Dots []dot
}

func sorted(dots map[dot]bool) []dot {
	return slices.SortedFunc(maps.Keys(dots), func(a, b dot) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
}

func (s *orset) MarshalBinary() ([]byte, error) {
	w := wireSet{Ctx: sorted(s.ctx), Size: len(s.elems)}
	keys := slices.Sorted(maps.Keys(s.elems))
	if s.fault == mapOrderLeak {
		keys = slices.Collect(maps.Keys(s.elems))
	}
	for _, e := range keys {
		dots := sorted(s.elems[e])
		if s.fault == lossyEncoding {
			dots = dots[:min(1, len(dots))]
		}
		w.Elems = append(w.Elems, wireElem{e, dots})
	}
	return json.Marshal(w)
}

var greed []byte // keeps the compiler from leaving an allocation out

var errNotCanonical = errors.New("not canonical")

func (s *orset) UnmarshalBinary(p []byte) error {
	if s.fault == panickingDecoder {
		_ = p[len(p)-1]
	}
	if s.fault == dirtyDecoder {
		s.ctx = map[dot]bool{}
	}
	var w wireSet
	if err := json.Unmarshal(p, &w); err != nil {
		return err
	}
	if s.fault == greedyDecoder {
		greed = make([]byte, 200_000*max(0, w.Size))
	}
	d := newSet(s.fault)
	for _, e := range w.Elems {
		d.elems[e.E] = map[dot]bool{}
		for _, x := range e.Dots {
			d.elems[e.E][x] = true
		}
	}
	for _, x := range w.Ctx {
		d.ctx[x] = true
	}
	if again, err := d.MarshalBinary(); s.fault != trustingDecoder && (err != nil || string(again) != string(p)) && s.fault != mapOrderLeak {
		return errNotCanonical
	}
	if s.fault == keepingDecoder {
		maps.Copy(d.elems, s.elems)
	}
	*s = *d
	return nil
}

func (s *orset) MergeBinary(p []byte) (bool, error) {
	d := newSet(s.fault)
	if err := d.UnmarshalBinary(p); err != nil {
		return false, err
	}
	if s.fault == deafMergeBinary {
		clear(d.ctx)
	}
	return s.merge(d), nil
}

func setKit(f fault) *crdttest.Kit[*orset] {
	elements := rapid.SampledFrom([]string{"p", "q"})
	return &crdttest.Kit[*orset]{
		New: func() *orset { return newSet(f) },
		Ops: []crdttest.Operation[*orset]{
			crdttest.Op("Add", elements, func(s *orset, r vclock.Replica, e string) (*orset, error) {
				return s.add(r, e), nil
			}),
			crdttest.Op("Remove", elements, func(s *orset, _ vclock.Replica, e string) (*orset, error) {
				if s.fault == refusalThatChanges && len(s.elems) == 2 {
					s.remove(e)
					return nil, errors.New("too late")
				}
				return s.remove(e), nil
			}),
		},
		Value: func(s *orset) any { return s.elements() },
		Model: addWins,
	}
}

// addWins is an add-wins set as a function of what happened.
func addWins(seen []crdttest.Event) any {
	in := map[string]bool{}
	for _, e := range crdttest.Standing(seen, func(f, e crdttest.Event) bool { return f.Arg == e.Arg }) {
		if e.Op == "Add" {
			in[e.Arg.(string)] = true
		}
	}
	return slices.Sorted(maps.Keys(in))
}

// TestFaults plants one fault at a time and expects the kit to name the law that
// it breaks, with a history as short as the fault allows.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault fault
		law   crdttest.Law
		most  int // steps
	}{
		{"forgets removals", forgetsRemovals, crdttest.Inflation, 2},
		{"ignores removals", ignoresRemovals, crdttest.Model, 2},
		{"delta with too large a context", deltaContextTooLarge, crdttest.Delta, 2},
		{"remove covers what it has not seen", removesUnseen, crdttest.Model, 3},
		{"lossy encoding", lossyEncoding, crdttest.RoundTrip, 3},
		{"map order leaks", mapOrderLeak, crdttest.Canonical, 2},
		{"merge keeps part of its argument", aliasingMerge, crdttest.Aliasing, 4},
		{"clone shares memory", aliasingClone, crdttest.Aliasing, 3},
		{"clone is the state itself", sharingClone, crdttest.Aliasing, 1},
		{"delta shares memory", aliasingDelta, crdttest.Aliasing, 3},
		{"merge modifies its argument", modifiesArgument, crdttest.Argument, 2},
		{"merge reports the wrong bool", wrongReport, crdttest.Reports, 2},
		{"byte merge forgets the context", deafMergeBinary, crdttest.Bytes, 1},
		{"refusal changes the state", refusalThatChanges, crdttest.Refused, 3},
		{"decoder panics", panickingDecoder, crdttest.Panics, 0},
		{"decoder takes what no encoder writes", trustingDecoder, crdttest.Hostile, 0},
		{"decoder changes its receiver and fails", dirtyDecoder, crdttest.Hostile, 1},
		{"decoder keeps what was there", keepingDecoder, crdttest.Hostile, 2},
		{"decoder allocates what a length says", greedyDecoder, crdttest.Bounded, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requireBroken(t, setKit(tt.fault).Run(1, 100), tt.law, tt.most)
		})
	}
	require.NoError(t, setKit(none).Run(1, 50))
}

// requireBroken fails t unless err says, in text too, that law is broken by a
// history of at most so many steps.
func requireBroken(t *testing.T, err error, law crdttest.Law, most int) {
	t.Helper()
	var broken *crdttest.LawError
	require.ErrorAs(t, err, &broken)
	t.Log(broken)
	require.Equal(t, law, broken.Law)
	require.LessOrEqual(t, len(broken.History), most)
	require.Contains(t, broken.Error(), string(law))
	for i, step := range broken.History {
		require.Contains(t, broken.Error(), fmt.Sprintf("  %d. %s\n", i+1, step))
	}
}

// A tally is a grow-only counter with a place for one fault.
type tally struct {
	sums  bool // on merge, instead of taking the larger
	total map[vclock.Replica]int
}

func (c *tally) Merge(o *tally) bool {
	changed := false
	for r, n := range maps.Clone(o.total) {
		old := c.total[r]
		if c.total[r] = max(old, n); c.sums {
			c.total[r] = old + n
		}
		changed = changed || c.total[r] != old
	}
	return changed
}

func (c *tally) Equal(o *tally) bool { return maps.Equal(c.total, o.total) }
func (c *tally) Clone() *tally       { return &tally{c.sums, maps.Clone(c.total)} }

// A bareTally has nothing to look at but its fields, and one map for all clones.
type bareTally struct{ total map[vclock.Replica]int }

func (c *bareTally) Merge(o *bareTally) bool {
	t := &tally{total: c.total}
	return t.Merge(&tally{total: o.total})
}
func (c *bareTally) Equal(o *bareTally) bool { return maps.Equal(c.total, o.total) }
func (c *bareTally) Clone() *bareTally       { return &bareTally{c.total} }

func tallyKit(sums, carries bool) *crdttest.Kit[*tally] {
	k := &crdttest.Kit[*tally]{
		New: func() *tally { return &tally{sums, map[vclock.Replica]int{}} },
		Ops: []crdttest.Operation[*tally]{
			crdttest.Op("Inc", nil, func(c *tally, r vclock.Replica, _ struct{}) (*tally, error) {
				c.total[r]++
				return &tally{sums, map[vclock.Replica]int{r: c.total[r]}}, nil
			}),
		},
		Value: func(c *tally) any {
			sum := 0
			for _, n := range c.total {
				sum += n
			}
			return sum
		},
		Model: func(seen []crdttest.Event) any { return len(seen) },
	}
	if carries {
		k.Carries = func(e, f crdttest.Event) bool { return e.Replica == f.Replica }
	}
	return k
}

func TestFaultsOfCounters(t *testing.T) {
	require.NoError(t, tallyKit(false, true).Run(1, 100))
	requireBroken(t, tallyKit(true, true).Run(1, 100), crdttest.Idempotent, 1)
	requireBroken(t, tallyKit(false, false).Run(1, 100), crdttest.Model, 3)
	shared := &crdttest.Kit[*bareTally]{
		New: func() *bareTally { return &bareTally{map[vclock.Replica]int{}} },
		Ops: []crdttest.Operation[*bareTally]{
			crdttest.Op("Inc", nil, func(c *bareTally, r vclock.Replica, _ struct{}) (*bareTally, error) {
				c.total[r]++
				return &bareTally{map[vclock.Replica]int{r: c.total[r]}}, nil
			}),
		},
	}
	requireBroken(t, shared.Run(1, 100), crdttest.Aliasing, 1)
}

// A bag is a grow-only set in the order of its encoding, with a place for a fault
// in Equal, MergeBinary or what it shows.
type bag struct {
	fault string
	elems []byte
	order []byte // of insertion, which no bytes have
}

func (b *bag) add(p []byte) bool {
	elems := append(slices.Clone(b.elems), p...)
	slices.Sort(elems)
	elems = slices.Compact(elems)
	for _, e := range p {
		if !slices.Contains(b.order, e) {
			b.order = append(b.order, e)
		}
	}
	changed := len(elems) > len(b.elems)
	b.elems = elems
	return changed
}

func (b *bag) Merge(o *bag) bool { return b.add(o.elems) }
func (b *bag) Clone() *bag       { return &bag{b.fault, slices.Clone(b.elems), slices.Clone(b.order)} }

func (b *bag) Equal(o *bag) bool {
	if b.fault == "equal lengths" {
		return len(b.elems) == len(o.elems)
	}
	return slices.Equal(b.elems, o.elems)
}

func (b *bag) MarshalBinary() ([]byte, error) { return slices.Clone(b.elems), nil }

func (b *bag) UnmarshalBinary(p []byte) error {
	for i := range p {
		if p[i] < 'p' || p[i] > 'r' || i > 0 && p[i] <= p[i-1] {
			return errors.New("no bag")
		}
	}
	b.elems, b.order = slices.Clone(p), slices.Clone(p)
	return nil
}

func (b *bag) MergeBinary(p []byte) (bool, error) {
	o := new(bag)
	if err := o.UnmarshalBinary(p); err != nil {
		switch b.fault {
		case "merges what it can":
			b.add([]byte("r"))
		case "merges anything":
			return false, nil
		case "writes to its input":
			clear(p)
		}
		return false, err
	}
	return b.Merge(o), nil
}

// TestFaultsOfBags plants faults that show in Equal alone, and in what MergeBinary does
// with bytes that no encoder writes.
func TestFaultsOfBags(t *testing.T) {
	kit := func(fault string) *crdttest.Kit[*bag] {
		return &crdttest.Kit[*bag]{
			New: func() *bag { return &bag{fault: fault} },
			Ops: []crdttest.Operation[*bag]{
				crdttest.Op("Add", rapid.SampledFrom([]byte("pqr")), func(b *bag, _ vclock.Replica, e byte) (*bag, error) {
					b.add([]byte{e})
					return &bag{fault, []byte{e}, []byte{e}}, nil
				}),
			},
			Value: func(b *bag) any {
				if fault == "shows more" {
					return string(b.order)
				}
				return string(b.elems)
			},
		}
	}
	require.NoError(t, kit("").Run(1, 100))
	requireBroken(t, kit("equal lengths").Run(1, 100), crdttest.Canonical, 2)
	requireBroken(t, kit("shows more").Run(1, 100), crdttest.Alike, 2)
	for _, fault := range []string{"merges what it can", "merges anything", "writes to its input"} {
		requireBroken(t, kit(fault).Run(1, 100), crdttest.Hostile, 1)
	}
}

// mints is the state of the world that an operation has no business looking at.
var mints int

func TestFaultsOfOperations(t *testing.T) {
	k := tallyKit(false, true)
	k.Ops = append(k.Ops, crdttest.Op("Jump", nil, func(c *tally, r vclock.Replica, _ struct{}) (*tally, error) {
		mints++
		c.total[r] += mints
		return nil, nil
	}))
	requireBroken(t, k.Run(1, 100), crdttest.Deterministic, 1)

	k = tallyKit(false, true)
	k.Ops = append(k.Ops, crdttest.Op("Panic", nil, func(*tally, vclock.Replica, struct{}) (*tally, error) { panic("no") }))
	requireBroken(t, k.Run(1, 100), crdttest.Panics, 1)
}

// A cell is a last-writer-wins register in the least that a State needs: no
// deltas and no encoding.
type cell struct {
	tie   string // what decides between equal times: "value", "receiver", "argument" or "cycle"
	time  int
	value string
}

func (c *cell) Merge(o *cell) bool {
	wins := o.time > c.time
	if o.time == c.time {
		switch c.tie {
		case "value":
			wins = o.value > c.value
		case "argument":
			wins = o.value != c.value
		case "cycle": // p beats q beats r beats p
			wins = slices.Contains([]string{"pq", "qr", "rp"}, o.value+c.value)
		}
	}
	if wins {
		*c = *o
	}
	return wins
}

func (c *cell) Equal(o *cell) bool { return *c == *o }
func (c *cell) Clone() *cell       { d := *c; return &d }

func cellKit(tie string) *crdttest.Kit[*cell] {
	return &crdttest.Kit[*cell]{
		New: func() *cell { return &cell{tie: tie} },
		Ops: []crdttest.Operation[*cell]{
			crdttest.Op("Set", rapid.SampledFrom([]string{"p", "q", "r"}), func(c *cell, _ vclock.Replica, v string) (*cell, error) {
				c.time, c.value = c.time+1, v
				return nil, nil
			}),
		},
		Value: func(c *cell) any { return c.value },
	}
}

func TestFaultsOfRegisters(t *testing.T) {
	require.NoError(t, cellKit("value").Run(1, 100))
	for _, tie := range []string{"receiver", "argument"} {
		requireBroken(t, cellKit(tie).Run(1, 100), crdttest.Commutative, 2)
	}
	requireBroken(t, cellKit("cycle").Run(1, 100), crdttest.Associative, 3)
}

// A badge is a remove-wins set with a place for a fault in how it forgets.
type badge struct {
	*crdt.RWSet[string]
	fault string
}

func (b *badge) Merge(o *badge) bool { return b.RWSet.Merge(o.RWSet) }
func (b *badge) Equal(o *badge) bool { return b.RWSet.Equal(o.RWSet) }
func (b *badge) Clone() *badge       { return &badge{b.RWSet.Clone(), b.fault} }

func (b *badge) Compact(seen crdt.Context) bool {
	switch b.fault {
	case "drops what others have not seen":
		seen = b.Context()
	case "drops elements":
		for e := range b.All() {
			b.Remove("a", e)
			return true
		}
	case "forgets that it has forgotten":
		before := b.RWSet.Clone()
		if b.RWSet.Compact(seen) {
			b.RWSet = before
			return true
		}
	}
	return b.RWSet.Compact(seen)
}

// badgeKit has clients that remove what they saw, and add where they saw a remove.
func badgeKit(fault string) *crdttest.Kit[*badge] {
	elements := rapid.SampledFrom([]string{"p", "q"})
	shown := func(b *badge) crdt.Context { return b.Context() }
	return &crdttest.Kit[*badge]{
		New: func() *badge { return &badge{new(crdt.RWSet[string]), fault} },
		Ops: []crdttest.Operation[*badge]{
			crdttest.Op("Add", elements, func(b *badge, r vclock.Replica, e string) (*badge, error) {
				return &badge{b.Add(r, e), fault}, nil
			}),
			crdttest.Op("Remove", elements, func(b *badge, r vclock.Replica, e string) (*badge, error) {
				return &badge{b.Remove(r, e), fault}, nil
			}),
			crdttest.OpSeen("AddSeen", elements, shown, func(b *badge, r vclock.Replica, seen crdt.Context, e string) (*badge, error) {
				if b.fault == "adds for all" {
					seen = b.Context()
				}
				d, err := b.AddSeen(r, seen, e)
				return &badge{d, fault}, err
			}),
		},
		Value: func(b *badge) any { return slices.Sorted(b.All()) },
		Model: func(seen []crdttest.Event) any {
			in, out := map[string]bool{}, map[string]bool{}
			for _, e := range crdttest.Standing(seen, func(f, e crdttest.Event) bool { return f.Arg == e.Arg }) {
				if e.Op == "Remove" {
					out[e.Arg.(string)] = true
				} else {
					in[e.Arg.(string)] = true
				}
			}
			maps.DeleteFunc(in, func(e string, _ bool) bool { return out[e] })
			return slices.Sorted(maps.Keys(in))
		},
	}
}

func TestFaultsOfForgetting(t *testing.T) {
	require.NoError(t, badgeKit("").Run(1, 200))
	for _, tt := range []struct {
		fault string
		law   crdttest.Law
		most  int
	}{
		{"drops what others have not seen", crdttest.Model, 4},
		{"drops elements", crdttest.Compaction, 2},
		{"forgets that it has forgotten", crdttest.Reports, 8},
		{"adds for all", crdttest.Model, 2},
	} {
		t.Run(tt.fault, func(t *testing.T) { requireBroken(t, badgeKit(tt.fault).Run(1, 200), tt.law, tt.most) })
	}
}

// TestUnlikeStates: states that differ and show the same are told apart by
// their JSON, their bytes, or else their fields.
func TestUnlikeStates(t *testing.T) {
	k := cellKit("argument")
	k.Value = func(*cell) any { return "a cell" }
	require.ErrorContains(t, k.Run(1, 100), "a cell ({tie:argument time:1 value:p})")

	s := setKit(deltaContextTooLarge)
	s.Value, s.Model = func(*orset) any { return "a set" }, nil
	require.ErrorContains(t, s.Run(1, 100), `a set (bytes "{`)

	b := badgeKit("drops elements")
	b.Value, b.Model = func(*badge) any { return "a badge" }, nil
	require.ErrorContains(t, b.Run(1, 100), `a badge (JSON {"type":"RWSet","context":{"a":"1"`)
}
