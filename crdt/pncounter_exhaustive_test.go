package crdt_test

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/vclock"
)

// A counting is a type that counts, as the exhaustive check sees it: a counter,
// or a key in a map.
type counting[S crdt.State[S]] struct {
	fresh      func() S
	add        func(S, vclock.Replica, int64) S
	remove     func(S, vclock.Replica) S
	removeSeen func(S, vclock.Replica, crdt.Context) S // remove for a client
	read       func(S) crdt.Context                    // what a client is shown
	other      func(S, vclock.Replica) S               // something that has nothing to do with the counter; may be nil
	value      func(S) (n int64, present bool)
	compact    func(S, crdt.Context) bool
	context    func(S) crdt.Context
	bytes      func(S) ([]byte, error)
	catchUp    func(a, b, stale S) error // checks an exchange of messages; may be nil
}

// known is the model: which increments somebody knows of, and which of them are
// known to be undone. Amounts are distinct powers of two, bit 20*i+k for the k-th
// increment of replica i, so equal values are equal sets of increments.
type known struct{ made, undone uint64 }

func (k known) and(o known) known { return known{k.made | o.made, k.undone | o.undone} }

func (k known) standing() uint64 { return k.made &^ k.undone }

func ofReplica(i int) uint64 { return 0xfffff << (20 * i) }

type countingReplica[S any] struct {
	state  S
	stale  S // what it was before its last step
	known  known
	matrix *lawkit.Rows // what it knows that others have seen
	steps  int          // of its own
	key    []byte       // identifies all of this, once it was asked for
	knows  int          // length of the part of key for state and known
}

// A countingClient has read a counter at a replica, and removes what it was shown at
// that or another.
type countingClient struct {
	context crdt.Context
	known   known
}

type countingDelta[S any] struct {
	from, at int // made by a replica as its step number at
	state    S
	known    known
}

// A countingWorld is a node of the search. States, matrices and deltas are shared
// between worlds and not changed.
type countingWorld[S any] struct {
	replicas []countingReplica[S]
	deltas   []countingDelta[S]
	client   *countingClient
	last     *countingStep
	others   int // steps that had nothing to do with the counter
}

// A countingStep is the end of a history.
type countingStep struct {
	before *countingStep
	format string
	args   [3]any
}

func (s *countingStep) String() string {
	if s == nil {
		return ""
	}
	args := s.args[:strings.Count(s.format, "%d")]
	return s.before.String() + "\n" + fmt.Sprintf(s.format, args...)
}

type explorer[S crdt.State[S]] struct {
	caught int // worlds in which catching up was due
	counting[S]
	names []vclock.Replica
	seed  maphash.Seed
	seen  map[[2]uint64]int // worlds by hash: the steps that were left
	ended map[uint64]bool   // the ends of histories by the hash of what the replicas know
	nodes int
	deep  bool
	next  func(w *countingWorld[S], left int) // what to do with a world that a step led to
	fail  func(last *countingStep, format string, args ...any)
}

func newExplorer[S crdt.State[S]](t require.TestingT, c counting[S], replicas int) *explorer[S] {
	x := &explorer[S]{counting: c, seed: maphash.MakeSeed(), seen: map[[2]uint64]int{}, ended: map[uint64]bool{}}
	for i := range replicas {
		x.names = append(x.names, vclock.Replica(rune('a'+i)))
	}
	x.fail = func(last *countingStep, format string, args ...any) {
		require.FailNow(t, fmt.Sprintf(format, args...), "after:%s", last)
	}
	return x
}

func (x *explorer[S]) clock(s S) vclock.Clock { return crdt.ClockOf(x.context(s)) }

func (x *explorer[S]) start() *countingWorld[S] {
	w := new(countingWorld[S])
	for range x.names {
		w.replicas = append(w.replicas, countingReplica[S]{state: x.fresh(), stale: x.fresh(), matrix: lawkit.NewRows(x.names...)})
	}
	return w
}

// hash identifies a world up to its history.
func (x *explorer[S]) hash(w *countingWorld[S]) [2]uint64 {
	var b []byte
	for i := range w.replicas {
		r := &w.replicas[i]
		if r.key == nil {
			x.identify(w, r)
		}
		b = append(b, r.key...)
	}
	if w.client != nil {
		b, _ = w.client.context.AppendBinary(append(b, 0xfe))
		b = binary.BigEndian.AppendUint64(b, w.client.known.made)
		b = binary.BigEndian.AppendUint64(b, w.client.known.undone)
	}
	made := make([]byte, 0, len(w.deltas))
	for _, d := range w.deltas {
		made = append(made, byte(d.from<<5|d.at))
	}
	slices.Sort(made)
	b = append(b, made...)
	return [2]uint64{maphash.Bytes(x.seed, b), maphash.Bytes(x.seed, append(b, 1))}
}

func (x *explorer[S]) identify(w *countingWorld[S], r *countingReplica[S]) {
	state, err := x.bytes(r.state)
	if err != nil {
		x.fail(w.last, "%v", err)
	}
	r.key = append(binary.AppendUvarint(nil, uint64(len(state))), state...)
	r.key = binary.BigEndian.AppendUint64(r.key, r.known.made)
	r.key = binary.BigEndian.AppendUint64(r.key, r.known.undone)
	r.knows = len(r.key)
	r.key = append(r.key, byte(r.steps))
	for _, row := range r.matrix.All() {
		r.key, _ = row.AppendBinary(append(r.key, 0xff))
	}
}

// step returns a copy of w in which replica i is about to take a step.
func (w *countingWorld[S]) step(i int, clone func(S) S, format string, args ...int) (*countingWorld[S], *countingReplica[S]) {
	next := &countingWorld[S]{
		replicas: slices.Clone(w.replicas),
		deltas:   slices.Clip(w.deltas),
		client:   w.client,
		last:     &countingStep{before: w.last, format: format},
		others:   w.others,
	}
	for k, arg := range args {
		next.last.args[k] = arg
	}
	r := &next.replicas[i]
	r.stale = r.state
	r.state = clone(r.state)
	r.steps++
	r.key = nil
	return next, r
}

func (w *countingWorld[S]) emit(from int, state S, k known) {
	w.deltas = append(w.deltas, countingDelta[S]{from, w.replicas[from].steps, state, k})
}

// learn notes what replica i knows of the clocks after a full merge from j.
func (x *explorer[S]) learn(w *countingWorld[S], i, j int) bool {
	r := &w.replicas[i]
	m := r.matrix.Clone()
	changed := m.Record(x.names[j], x.clock(w.replicas[j].state))
	for name, row := range w.replicas[j].matrix.All() {
		changed = m.Record(name, row) || changed
	}
	changed = m.Record(x.names[i], x.clock(r.state)) || changed
	r.matrix = m
	return changed
}

func (x *explorer[S]) check(w *countingWorld[S], i int) {
	r := &w.replicas[i]
	n, present := x.value(r.state)
	if want := r.known.standing(); n != int64(want) || present != (want != 0) {
		x.fail(w.last, "replica %d has %b (present: %v), want %b", i, n, present, want)
	}
}

// catchUps requires that every two replicas have, after an exchange of messages, what
// the other had, and nothing else; the first message may be as old as one step.
func (x *explorer[S]) catchUps(w *countingWorld[S]) {
	x.caught++
	if x.catchUp == nil || x.caught%int(catchUpEvery()) != 0 {
		return
	}
	for i := range w.replicas {
		for j := range w.replicas {
			if i == j {
				continue
			}
			a, b := &w.replicas[i], w.replicas[j].state
			if err := x.catchUp(a.state, b, a.stale); err != nil {
				x.fail(w.last, "replicas %d and %d: %v", i, j, err)
			}
		}
	}
}

// converge merges all into one and that into all, and requires that they are
// equal and right.
func (x *explorer[S]) converge(w *countingWorld[S]) {
	all, k := make([]S, len(w.replicas)), known{}
	for i := range w.replicas {
		all[i] = w.replicas[i].state.Clone()
		k = k.and(w.replicas[i].known)
		all[0].Merge(all[i])
	}
	for i := range all {
		all[i].Merge(all[0])
		all[0].Merge(all[i])
	}
	for i := range all {
		if n, _ := x.value(all[i]); n != int64(k.standing()) || !all[i].Equal(all[0]) {
			x.fail(w.last, "in the end replica %d has %b and all equal is %v, want %b", i, n, all[i].Equal(all[0]), k.standing())
		}
	}
}

func (x *explorer[S]) explore(w *countingWorld[S], left int) {
	h := x.hash(w)
	if had, ok := x.seen[h]; ok && had >= left {
		return
	}
	x.seen[h] = left
	x.nodes++
	if left == 0 {
		var b []byte
		for i := range w.replicas {
			b = append(b, w.replicas[i].key[:w.replicas[i].knows]...)
		}
		if h := maphash.Bytes(x.seed, b); !x.ended[h] {
			x.ended[h] = true
			x.catchUps(w)
			x.converge(w)
		}
		return
	}
	for i := range w.replicas {
		x.exploreOwn(w, i, left-1)
		x.exploreReceived(w, i, left-1)
	}
}

// exploreOwn takes the steps that a replica takes on its own.
func (x *explorer[S]) exploreOwn(w *countingWorld[S], i, left int) {
	name, own := x.names[i], ofReplica(i)
	clone := S.Clone

	next, r := w.step(i, clone, "%d adds", i)
	bit := uint64(1) << (20*i + bits.OnesCount64(r.known.made&own))
	delta := x.add(r.state, name, int64(bit))
	r.known.made |= bit
	next.emit(i, delta, known{r.known.made & own, r.known.undone & own})
	x.check(next, i)
	x.next(next, left)

	if before := w.replicas[i].known; before.standing() != 0 {
		next, r := w.step(i, clone, "%d removes", i)
		delta := x.remove(r.state, name)
		var undone uint64
		for j := range w.replicas {
			if before.standing()&ofReplica(j) != 0 {
				undone |= before.made & ofReplica(j)
			}
		}
		r.known.undone = r.known.made
		next.emit(i, delta, known{undone, undone})
		x.check(next, i)
		x.next(next, left)
	}
	x.exploreClient(w, i, left)
	if x.other != nil && (w.others == 0 || x.deep) {
		next, r := w.step(i, clone, "%d does something else", i)
		next.others++
		next.emit(i, x.other(r.state, name), known{})
		x.check(next, i)
		x.next(next, left)
	}
	next, r = w.step(i, clone, "%d compacts", i)
	r.matrix = r.matrix.Clone()
	r.matrix.Record(name, x.clock(r.state))
	if stable, ok := r.matrix.Settled(x.clock(r.state)); ok && x.compact(r.state, crdt.ContextOf(stable)) {
		x.check(next, i)
		x.next(next, left)
	}
}

// exploreClient lets a client read a replica, or remove there what it was shown,
// there or elsewhere.
func (x *explorer[S]) exploreClient(w *countingWorld[S], i, left int) {
	client, before := w.client, w.replicas[i].known
	if client == nil && before.made != 0 && (w.others == 0 || x.deep) {
		next, r := w.step(i, S.Clone, "a client reads %d", i)
		next.others++
		next.client = &countingClient{x.read(r.state), before}
		x.next(next, left)
	}
	if client == nil {
		return
	}
	next, r := w.step(i, S.Clone, "the client removes at %d", i)
	delta := x.removeSeen(r.state, x.names[i], client.context)
	n, _ := x.value(r.state)
	undone := before.standing() &^ uint64(n)
	if shown := client.known.standing() & before.standing(); undone&shown != shown || undone&^client.known.made != 0 || uint64(n)&^before.standing() != 0 {
		x.fail(next.last, "%b remains of %b, after a client that was shown %b, and knew of %b", n, before.standing(), client.known.standing(), client.known.made)
	}
	var told known // of a replica that counted on, the delta tells the sum, too
	for j := range w.replicas {
		if of := ofReplica(j); undone&of != 0 {
			told = told.and(known{before.made & of, (undone | before.undone) & of})
		}
	}
	r.known.undone |= told.undone
	next.client = nil
	next.emit(i, delta, told)
	x.check(next, i)
	if undone != 0 {
		x.next(next, left)
	}
}

// exploreReceived takes the steps in which a replica receives something.
func (x *explorer[S]) exploreReceived(w *countingWorld[S], i, left int) {
	for j := range w.replicas {
		if i == j {
			continue
		}
		next, r := w.step(i, S.Clone, "%d merges %d", i, j)
		changed := r.state.Merge(w.replicas[j].state)
		r.known = r.known.and(w.replicas[j].known)
		x.check(next, i)
		if x.learn(next, i, j) || changed {
			x.next(next, left)
		}
		if !x.deep && (len(w.replicas) > 2 || x.other != nil) {
			continue // clocks alone, where the search is small enough
		}
		next, _ = w.step(i, S.Clone, "%d hears of %d's clock", i, j)
		if x.learn(next, i, j) {
			x.next(next, left)
		}
	}
	for _, d := range w.deltas {
		next, r := w.step(i, S.Clone, "%d receives the delta of step %d of %d", i, d.at, d.from)
		changed := r.state.Merge(d.state)
		r.known = r.known.and(d.known)
		x.check(next, i)
		if changed {
			x.next(next, left)
		}
	}
}

// exhaust runs every history of a number of steps that begins with an increment
// by the first replica: increments, removes, removes by a client of what
// it was shown, other events, merges of states,
// deliveries of any delta made before, clocks that travel with a state or alone,
// and compactions with what they told. Steps that change nothing are left out. After every
// step the value is the model's; at the end of each history all replicas merge
// and are equal. Other events and clients come once in a history, and clocks alone to two
// replicas of a counter alone, unless REJOIN_EXHAUSTIVE is set: to a number of
// additional steps for a longer run.
func exhaust[S crdt.State[S]](t *testing.T, c counting[S], replicas, steps int) {
	t.Helper()
	more := deeper()
	steps += more
	t.Run(fmt.Sprintf("replicas=%d/steps=%d", replicas, steps), func(t *testing.T) {
		t.Parallel()
		x := newExplorer(t, c, replicas)
		x.deep = more > 0
		x.next = x.explore
		w, r := x.start().step(0, S.Clone, "0 adds")
		delta := c.add(r.state, x.names[0], 1)
		r.known.made = 1
		w.emit(0, delta, r.known)
		x.explore(w, steps-1)
		t.Logf("%d worlds", x.nodes)
	})
}

// wander draws long histories of the same steps.
func wander[S crdt.State[S]](t *testing.T, c counting[S]) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		x := newExplorer(t, c, 3)
		x.deep = true
		w := x.start()
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			var worlds []*countingWorld[S]
			x.next = func(w *countingWorld[S], _ int) { worlds = append(worlds, w) }
			i := rapid.IntRange(0, 2).Draw(t, "replica")
			x.exploreOwn(w, i, 0)
			x.exploreReceived(w, i, 0)
			w = rapid.SampledFrom(worlds).Draw(t, "world")
		}
		x.catchUps(w)
		x.converge(w)
	})
}

func countAlone() counting[*crdt.PNCounter] {
	return counting[*crdt.PNCounter]{
		fresh:  func() *crdt.PNCounter { return new(crdt.PNCounter) },
		add:    (*crdt.PNCounter).Add,
		remove: (*crdt.PNCounter).Reset,
		removeSeen: func(c *crdt.PNCounter, r vclock.Replica, seen crdt.Context) *crdt.PNCounter {
			return must(c.ResetSeen(r, seen))
		},
		read:    (*crdt.PNCounter).Context,
		value:   func(c *crdt.PNCounter) (int64, bool) { n, _ := c.Total(); return n, n != 0 },
		compact: (*crdt.PNCounter).Compact,
		context: (*crdt.PNCounter).Context,
		bytes:   (*crdt.PNCounter).MarshalBinary,
		catchUp: catchUp[*crdt.PNCounter],
	}
}

func TestPNCounterExhaustive(t *testing.T) {
	exhaust(t, countAlone(), 2, 7)
	exhaust(t, countAlone(), 3, 6)
}

func TestPNCounterHistories(t *testing.T) { wander(t, countAlone()) }

func TestPNCounterInMapHistories(t *testing.T) { wander(t, countInMap()) }

type counters = crdt.ORMap[string, *crdt.PNCounter]

func countAt(m *counters, r vclock.Replica, key string, n int64) *counters {
	return m.Update(r, key, func(c *crdt.PNCounter) { c.Add(r, n) })
}

func valueAt(m *counters, key string) (n int64, present bool) {
	c, ok := m.At(key)
	if ok {
		n, _ = c.Total()
	}
	return n, ok
}

func countInMap() counting[*counters] {
	return counting[*counters]{
		fresh:  func() *counters { return new(counters) },
		add:    func(m *counters, r vclock.Replica, n int64) *counters { return countAt(m, r, "k", n) },
		remove: func(m *counters, r vclock.Replica) *counters { return m.Delete(r, "k") },
		removeSeen: func(m *counters, r vclock.Replica, seen crdt.Context) *counters {
			return must(m.DeleteSeen(r, seen, "k"))
		},
		read:    func(m *counters) crdt.Context { return m.ContextOf("k") },
		other:   func(m *counters, r vclock.Replica) *counters { return countAt(m, r, "other", 1) },
		value:   func(m *counters) (int64, bool) { return valueAt(m, "k") },
		compact: (*counters).Compact,
		context: (*counters).Context,
		bytes:   (*counters).MarshalBinary,
		catchUp: catchUp[*crdt.ORMap[string, *crdt.PNCounter]],
	}
}

func TestPNCounterInMapExhaustive(t *testing.T) {
	exhaust(t, countInMap(), 2, 7)
	exhaust(t, countInMap(), 3, 6)
}

// TestPNCounterInMapSeenExhaustive has clients that were shown the whole map.
func TestPNCounterInMapSeenExhaustive(t *testing.T) {
	c := countInMap()
	c.read = (*counters).Context
	exhaust(t, c, 2, 6)
}

func TestPNCounterInMapSeenHistories(t *testing.T) {
	c := countInMap()
	c.read = (*counters).Context
	wander(t, c)
	c.removeSeen = func(m *counters, r vclock.Replica, seen crdt.Context) *counters {
		d := must(m.ClearSeen(r, seen))
		d.Merge(countAt(m, r, "other", 1))
		return d
	}
	wander(t, c)
}

// TestPNCounterDeepInMapHistories deletes a key above two counters, each of which
// then remembers the delete.
func TestPNCounterDeepInMapHistories(t *testing.T) {
	type deep = crdt.ORMap[string, *counters]
	add := func(m *deep, r vclock.Replica, key string, n int64) *deep {
		return m.Update(r, "above", func(in *counters) { countAt(in, r, key, n) })
	}
	at := func(m *deep) (c *crdt.PNCounter, ok bool) {
		in, ok := m.At("above")
		if ok {
			c, ok = in.At("k")
		}
		return c, ok
	}
	wander(t, counting[*deep]{
		fresh:  func() *deep { return new(deep) },
		add:    func(m *deep, r vclock.Replica, n int64) *deep { return add(m, r, "k", n) },
		remove: func(m *deep, r vclock.Replica) *deep { return m.Delete(r, "above") },
		removeSeen: func(m *deep, r vclock.Replica, seen crdt.Context) *deep {
			return m.Update(r, "above", func(in *counters) { must(in.DeleteSeen(r, seen, "k")) })
		},
		read:  (*deep).Context,
		other: func(m *deep, r vclock.Replica) *deep { return add(m, r, "other", 1) },
		value: func(m *deep) (n int64, present bool) {
			c, ok := at(m)
			if ok {
				n, _ = c.Total()
			}
			return n, ok
		},
		compact: (*deep).Compact,
		context: (*deep).Context,
		bytes:   (*deep).MarshalBinary,
	})
}
