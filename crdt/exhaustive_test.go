package crdt_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// This file runs every history of a few steps: every update of every replica, every
// merge of one replica's state into another's, every delivery of any delta made
// before, in every order. After each step the replica that changed must show what
// its model says.
//
// There are far too many histories to run one by one. Three reductions make them
// few enough, each of which leaves out only what has been run in another guise:
//
//   - Two histories that lead to the same world go on alike, so a world is gone on
//     from once. A world is the state of every replica and the set of deltas made
//     so far; a state is its canonical bytes together with its model, so that
//     states which only look the same are not taken for each other. What is assumed
//     is that equal bytes behave equally, however they came about; the random
//     histories, which do not assume it, are the check on that.
//   - Likewise an update of a state, and a merge of two, is run once, and remembered
//     for all worlds that have them.
//   - Renaming replicas, or elements, turns histories into histories. So a replica
//     is used only when those before it have been, and an element likewise. The
//     order of names may matter all the same, in an encoding or a tie, so those of
//     three replicas are not in order.

// maxEvents is how many events a replica can make. An event is known by its place in
// bit sets: those of replica r have the places from r*maxEvents on.
const maxEvents = 12

// Facts are what a replica knows: the events that stand, and those that have been
// undone. An update undoes standing events that its replica knows and, mostly,
// is an event itself. Nothing else ever happens to facts but union.
type facts struct {
	live, gone uint64
	what       [3 * maxEvents]uint8 // for live events, what they did
}

func (f facts) join(g facts) facts {
	j := facts{gone: f.gone | g.gone}
	j.live = (f.live | g.live) &^ j.gone
	for i := range j.what {
		if j.live>>i&1 == 1 {
			j.what[i] = max(f.what[i], g.what[i])
		}
	}
	return j
}

// of returns the facts about events of replica r.
func (f facts) of(r int) facts {
	mask := uint64(1<<maxEvents-1) << (r * maxEvents)
	g := facts{live: f.live & mask, gone: f.gone & mask}
	copy(g.what[r*maxEvents:(r+1)*maxEvents], f.what[r*maxEvents:])
	return g
}

// next returns the place of the next event of replica r.
func (f facts) next(r int) int {
	own := f.of(r)
	return max(r*maxEvents, bits.Len64(own.live|own.gone))
}

// standing returns what the standing events did, in order.
func (f facts) standing() []uint8 {
	var all []uint8
	for i, w := range f.what {
		if f.live>>i&1 == 1 {
			all = append(all, w)
		}
	}
	return all
}

// A deed is an update that histories are made of.
type deed[S any] struct {
	name   string
	uses   int                   // which of the interchangeable elements it is about, from 0
	what   func(event int) uint8 // what its event did; nil if it only undoes
	undoes func(what uint8) bool
	apply  func(s S, r vclock.Replica, event int) S
}

// A universe is a type with the deeds that histories are made of.
type universe[S any] struct {
	fresh func() S
	deeds []deed[S]

	// show returns what a state shows, want what it should, given what the standing
	// events did.
	show func(S) string
	want func([]uint8) string

	// catchUp, if not nil, checks an exchange of messages between two states.
	catchUp func(a, b, stale S) error

	// cumulative says that the delta of an event has the effect of all earlier
	// ones of its replica.
	cumulative bool
}

// A world is where a history has led.
type world struct {
	sites  [3]int32
	deltas []int32 // ascending
	used   int     // how many elements have been used
	last   move    // the step that led here
	parent int32   // the world before it, in the level before
}

// A move is a step: a deed of a replica, or its merge of a replica's state or of a
// delta, whichever is not negative.
type move struct {
	at                int
	deed, from, delta int32
}

func (w *world) key() string {
	b := []byte{byte(w.used)}
	for _, id := range w.sites {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	for _, id := range w.deltas {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return string(b)
}

// A reached is a state that some history has led to.
type reached[S any] struct {
	identity
	state S
}

// An identity is what tells states apart.
type identity struct {
	bytes string
	facts facts
}

// A searcher runs all histories of a universe.
type searcher[S crdt.State[S]] struct {
	universe[S]
	names   []vclock.Replica
	states  []reached[S]
	ids     map[identity]int32
	byFacts map[facts]int32
	merged  map[[2]int32]int32
	done    map[[3]int32][2]int32
	levels  [][]world
	worlds  map[string]bool // by key
	runs    int
	failure error // the first
}

// search runs every history of a number of steps over replicas of the given names.
func search[S crdt.State[S]](u universe[S], steps int, names ...vclock.Replica) *searcher[S] {
	x := &searcher[S]{
		universe: u, names: names, worlds: map[string]bool{},
		ids: map[identity]int32{}, byFacts: map[facts]int32{},
		merged: map[[2]int32]int32{}, done: map[[3]int32][2]int32{},
	}
	empty := x.intern(u.fresh(), facts{})
	x.levels = [][]world{{{sites: [3]int32{empty, empty, empty}}}}
	for level := range steps {
		x.levels = append(x.levels, nil)
		for i := range x.levels[level] {
			x.expand(int32(i), func(next world) {
				// The worlds after the last step are not gone on from.
				if key := next.key(); level+1 < steps && !x.worlds[key] {
					x.worlds[key] = true
					x.levels[level+1] = append(x.levels[level+1], next)
				}
			})
			if x.failure != nil {
				return x
			}
		}
	}
	return x
}

// expand calls yield with every world one step after a world of the last level.
func (x *searcher[S]) expand(parent int32, yield func(world)) {
	w := x.levels[len(x.levels)-2][parent]
	step := func(m move, to, made int32, used int) {
		x.runs++
		next := world{sites: w.sites, deltas: w.deltas, used: max(w.used, used), last: m, parent: parent}
		next.sites[m.at] = to
		if i, found := slices.BinarySearch(w.deltas, made); made > 0 && !found {
			next.deltas = slices.Insert(slices.Clone(w.deltas), i, made)
		} else if to == w.sites[m.at] && next.used == w.used {
			return
		}
		yield(next)
	}
	for at := range x.names {
		if at > 0 && w.sites[at] == 0 && w.sites[at-1] == 0 {
			break // interchangeable with the one before
		}
		for i, d := range x.deeds {
			if d.uses <= w.used {
				m := move{at, int32(i), -1, -1}
				to, made := x.update(parent, m, w.sites[at])
				step(m, to, made, d.uses+1)
			}
		}
		for from := range x.names {
			if from != at && w.sites[from] != 0 {
				m := move{at, -1, int32(from), -1}
				step(m, x.merge(parent, m, w.sites[at], w.sites[from]), 0, 0)
			}
		}
		for _, delta := range w.deltas {
			m := move{at, -1, -1, delta}
			step(m, x.merge(parent, m, w.sites[at], delta), 0, 0)
		}
	}
}

// text tells what happens in a step.
func (x *searcher[S]) text(m move) string {
	switch at := x.names[m.at]; {
	case m.deed >= 0:
		return fmt.Sprintf("%s: %s", at, x.deeds[m.deed].name)
	case m.from >= 0:
		return fmt.Sprintf("%s merges %s", at, x.names[m.from])
	default:
		return fmt.Sprintf("%s gets a delta that shows %s", at, x.show(x.states[m.delta].state))
	}
}

// update runs a deed and returns the state that it leads to and the delta.
func (x *searcher[S]) update(parent int32, m move, state int32) (to, made int32) {
	memo := [3]int32{state, int32(m.at), m.deed}
	if r, ok := x.done[memo]; ok {
		return r[0], r[1]
	}
	d, before := x.deeds[m.deed], x.states[state]
	event := before.facts.next(m.at)
	var news facts
	for j, w := range before.facts.what {
		if before.facts.live>>j&1 == 1 && d.undoes(w) {
			news.gone |= 1 << j
		}
	}
	if d.what != nil {
		news.live = 1 << event
		news.what[event] = d.what(event)
	}
	after := before.facts.join(news)
	if x.cumulative && d.what != nil {
		news = news.join(after.of(m.at))
	}
	s := before.state.Clone()
	delta := d.apply(s, x.names[m.at], event)
	joined := before.state.Clone()
	joined.Merge(delta)
	x.require(parent, m, joined.Equal(s), "the delta has another effect than the update")
	to, made = x.internChecked(parent, m, s, after), x.internChecked(parent, m, delta, news)
	x.done[memo] = [2]int32{to, made}
	return to, made
}

// merge merges a state or delta into a state.
func (x *searcher[S]) merge(parent int32, m move, state, from int32) int32 {
	memo := [2]int32{state, from}
	if to, ok := x.merged[memo]; ok {
		return to
	}
	before, y := x.states[state], x.states[from]
	s := before.state.Clone()
	changed := s.Merge(y.state)
	to := x.internChecked(parent, m, s, before.facts.join(y.facts))
	x.require(parent, m, changed == (to != state), "Merge returned %t", changed)
	x.require(parent, m, s.Equal(before.state) == (to == state), "Equal does not agree with the bytes")
	x.require(parent, m, encodeState(y.state) == y.bytes, "Merge changed its argument")
	if x.catchUp != nil && (state+from)%catchUpEvery() == 0 {
		err := x.catchUp(before.state, y.state, before.state)
		x.require(parent, m, err == nil, "catching up: %v", err)
	}
	x.merged[memo] = to
	return to
}

func encodeState[S any](s S) string {
	b, err := any(s).(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// intern returns the number of a state.
func (x *searcher[S]) intern(s S, f facts) int32 {
	key := identity{encodeState(s), f}
	id, ok := x.ids[key]
	if !ok {
		id = int32(len(x.states))
		x.states = append(x.states, reached[S]{key, s})
		x.ids[key] = id
	}
	return id
}

// internChecked is intern for a state that a step has led to: it must show what the
// facts say, and have the bytes of every other state of these facts.
func (x *searcher[S]) internChecked(parent int32, m move, s S, f facts) int32 {
	got, want := x.show(s), x.want(f.standing())
	x.require(parent, m, got == want, "the state shows %s, want %s", got, want)
	id := x.intern(s, f)
	first, ok := x.byFacts[f]
	if !ok {
		x.byFacts[f], first = id, id
	}
	x.require(parent, m, first == id, "replicas that have seen the same have different bytes: %x, %x",
		x.states[first].bytes, x.states[id].bytes)
	return id
}

// require notes a failure with its history if ok is false.
func (x *searcher[S]) require(parent int32, m move, ok bool, format string, args ...any) {
	if ok || x.failure != nil {
		return
	}
	steps := []string{x.text(m)}
	for level := len(x.levels) - 2; level > 0; level-- {
		w := x.levels[level][parent]
		steps = append(steps, x.text(w.last))
		parent = w.parent
	}
	slices.Reverse(steps)
	var b strings.Builder
	fmt.Fprintf(&b, format, args...)
	for i, s := range steps {
		fmt.Fprintf(&b, "\n  %d. %s", i+1, s)
	}
	x.failure = errors.New(b.String())
}

// catchUpEvery is the share of pairs of states that catch up with each other: all of
// them take most of the time, so only a longer run has them.
func catchUpEvery() int32 {
	if deeper() > 0 {
		return 1
	}
	return 5
}

// deeper is the number of steps that exhaustive tests take beyond the usual ones,
// REJOIN_EXHAUSTIVE, below zero where each step is slow.
func deeper() int {
	more, _ := strconv.Atoi(os.Getenv("REJOIN_EXHAUSTIVE"))
	return more
}

// everyHistory runs every history of 6 steps on two replicas and of 5 on three. Set
// REJOIN_EXHAUSTIVE to a number of additional steps for a longer run, which also
// has the names of two replicas in the other order.
func everyHistory[S exchanging[S]](t *testing.T, u universe[S]) {
	t.Helper()
	u.catchUp = catchUp[S]
	t.Parallel()
	more := deeper()
	run := func(steps int, names ...vclock.Replica) {
		t.Run(fmt.Sprintf("steps=%d/replicas=%s", steps+more, names), func(t *testing.T) {
			x := search(u, steps+more, names...)
			require.NoError(t, x.failure)
			t.Logf("%d worlds, %d states, %d steps", len(x.worlds), len(x.states), x.runs)
		})
	}
	run(6, "a", "b")
	run(5, "b", "c", "a")
	if more > 0 {
		run(6, "b", "a")
	}
}

// TestSearch plants a fault: removing p removes q too.
func TestSearch(t *testing.T) {
	u := orsetUniverse()
	for i := range u.deeds {
		if u.deeds[i].name == "Remove p" {
			u.deeds[i].apply = func(s *crdt.ORSet[string], r vclock.Replica, _ int) *crdt.ORSet[string] { return s.Clear(r) }
		}
	}
	require.EqualError(t, search(u, 4, "a", "b").failure,
		"the state shows [], want [q]\n  1. a: Add p\n  2. a: Add q\n  3. a: Remove p")
}

// is says that all events of a deed did the same.
func is(what uint8) func(int) uint8 { return func(int) uint8 { return what } }

// anyOf tells events of the given kinds.
func anyOf(kinds ...uint8) func(uint8) bool {
	return func(what uint8) bool { return slices.Contains(kinds, what) }
}

// distinct returns the texts of the given kinds, each once, in order.
func distinct(texts map[uint8]string) func([]uint8) string {
	return func(standing []uint8) string {
		var all []string
		for _, w := range standing {
			all = append(all, texts[w])
		}
		slices.Sort(all)
		return fmt.Sprint(slices.Compact(all))
	}
}

func orsetUniverse() universe[*crdt.ORSet[string]] {
	type set = crdt.ORSet[string]
	u := universe[*set]{
		fresh: func() *set { return new(set) },
		show:  func(s *set) string { return fmt.Sprint(slices.Sorted(s.All())) },
		want:  distinct(map[uint8]string{1: "p", 2: "q"}),
	}
	for i, e := range []string{"p", "q"} {
		what := uint8(i + 1)
		u.deeds = append(u.deeds,
			deed[*set]{"Add " + e, i, is(what), anyOf(what), func(s *set, r vclock.Replica, _ int) *set { return s.Add(r, e) }},
			deed[*set]{"Remove " + e, i, nil, anyOf(what), func(s *set, r vclock.Replica, _ int) *set { return s.Remove(r, e) }})
	}
	return u
}

func TestORSetExhaustive(t *testing.T) {
	everyHistory(t, orsetUniverse())
	t.Run("in a map", func(t *testing.T) { everyHistory(t, inMap(firstOf(orsetUniverse()))) })
}

// inMap returns the universe of a map of two keys, whose values have the deeds of a
// value universe, and whose keys are deleted.
func inMap[V crdt.Value[V]](values universe[V]) universe[*crdt.ORMap[string, V]] {
	type outer = crdt.ORMap[string, V]
	const kinds = 64 // more than values has
	u := universe[*outer]{
		fresh: func() *outer { return new(outer) },
		show: func(m *outer) string {
			texts := map[string]string{}
			for k, v := range m.All() {
				texts[k] = values.show(v)
			}
			return fmt.Sprint(texts)
		},
		want: func(all []uint8) string {
			texts := map[string]string{}
			for i, k := range []string{"k", "l"} {
				var of []uint8
				for _, w := range all {
					if int(w)/kinds == i {
						of = append(of, w%kinds)
					}
				}
				if text := values.want(of); text != values.want(nil) {
					texts[k] = text
				}
			}
			return fmt.Sprint(texts)
		},
	}
	for i, k := range []string{"k", "l"} {
		base := uint8(i * kinds)
		within := func(undoes func(uint8) bool) func(uint8) bool {
			return func(what uint8) bool { return what/kinds == base/kinds && undoes(what%kinds) }
		}
		for _, d := range values.deeds {
			what := d.what
			if what != nil {
				what = func(event int) uint8 { return base + d.what(event) }
			}
			u.deeds = append(u.deeds, deed[*outer]{k + "." + d.name, i, what, within(d.undoes), func(m *outer, r vclock.Replica, event int) *outer {
				return m.Update(r, k, func(v V) { d.apply(v, r, event) })
			}})
		}
		u.deeds = append(u.deeds, deed[*outer]{"Delete " + k, i, nil, within(func(uint8) bool { return true }), func(m *outer, r vclock.Replica, _ int) *outer {
			return m.Delete(r, k)
		}})
	}
	return u
}

// firstOf returns u without the deeds about any but the first element.
func firstOf[S any](u universe[S]) universe[S] {
	u.deeds = slices.DeleteFunc(slices.Clone(u.deeds), func(d deed[S]) bool { return d.uses > 0 })
	return u
}

// rwsetUniverse has events 1 and 2 for adds of p and q, 3 and 4 for removes.
func rwsetUniverse() universe[*crdt.RWSet[string]] {
	type set = crdt.RWSet[string]
	elems := []string{"p", "q"}
	u := universe[*set]{
		fresh: func() *set { return new(set) },
		show:  func(s *set) string { return fmt.Sprint(slices.Sorted(s.All())) },
		want: func(standing []uint8) string {
			in := []string{}
			for i, e := range elems {
				if slices.Contains(standing, uint8(i+1)) && !slices.Contains(standing, uint8(i+3)) {
					in = append(in, e)
				}
			}
			return fmt.Sprint(in)
		},
	}
	for i, e := range elems {
		add, remove := uint8(i+1), uint8(i+3)
		u.deeds = append(u.deeds,
			deed[*set]{"Add " + e, i, is(add), anyOf(add, remove), func(s *set, r vclock.Replica, _ int) *set { return s.Add(r, e) }},
			deed[*set]{"Remove " + e, i, is(remove), anyOf(add, remove), func(s *set, r vclock.Replica, _ int) *set { return s.Remove(r, e) }})
	}
	return u
}

func TestRWSetExhaustive(t *testing.T) {
	everyHistory(t, rwsetUniverse())
	t.Run("in a map", func(t *testing.T) { everyHistory(t, inMap(firstOf(rwsetUniverse()))) })
}

func always(uint8) bool { return true }

func TestEWFlagExhaustive(t *testing.T) {
	type flag = crdt.EWFlag
	u := universe[*flag]{
		fresh: func() *flag { return new(flag) },
		deeds: []deed[*flag]{
			{"Enable", 0, is(1), always, func(f *flag, r vclock.Replica, _ int) *flag { return f.Enable(r) }},
			{"Disable", 0, nil, always, func(f *flag, r vclock.Replica, _ int) *flag { return f.Disable(r) }},
		},
		show: func(f *flag) string { return fmt.Sprint(f.Enabled()) },
		want: func(standing []uint8) string { return fmt.Sprint(len(standing) > 0) },
	}
	everyHistory(t, u)
	t.Run("in a map", func(t *testing.T) { everyHistory(t, inMap(u)) })
}

func TestDWFlagExhaustive(t *testing.T) {
	type flag = crdt.DWFlag
	u := universe[*flag]{
		fresh: func() *flag { return new(flag) },
		deeds: []deed[*flag]{
			{"Enable", 0, is(1), always, func(f *flag, r vclock.Replica, _ int) *flag { return f.Enable(r) }},
			{"Disable", 0, is(2), always, func(f *flag, r vclock.Replica, _ int) *flag { return f.Disable(r) }},
		},
		show: func(f *flag) string { return fmt.Sprint(f.Enabled()) },
		want: func(standing []uint8) string {
			return fmt.Sprint(len(standing) > 0 && !slices.Contains(standing, 2))
		},
	}
	everyHistory(t, u)
	t.Run("in a map", func(t *testing.T) { everyHistory(t, inMap(u)) })
}

// TestMVRegisterExhaustive sets another value each time, so that it sees which
// writes stand.
func TestMVRegisterExhaustive(t *testing.T) {
	type register = crdt.MVRegister[int]
	u := universe[*register]{
		fresh: func() *register { return new(register) },
		deeds: []deed[*register]{
			{"Set", 0, func(event int) uint8 { return uint8(1 + event) }, always, func(m *register, r vclock.Replica, event int) *register {
				d, err := m.Set(r, 1+event)
				if err != nil {
					panic(err)
				}
				return d
			}},
			{"Clear", 0, nil, always, func(m *register, r vclock.Replica, _ int) *register { return m.Clear(r) }},
		},
		show: func(m *register) string { return fmt.Sprint(slices.Collect(m.Values())) },
		want: func(standing []uint8) string {
			values := make([]int, len(standing))
			for i, w := range standing {
				values[i] = int(w)
			}
			slices.Sort(values)
			return fmt.Sprint(values)
		},
	}
	everyHistory(t, u)
	t.Run("in a map", func(t *testing.T) { everyHistory(t, inMap(u)) })
}
