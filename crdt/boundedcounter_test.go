package crdt_test

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// An escrowOp is an event in the life of a bounded counter. It is the unit of
// the model: a replica's view is the set of the events it knows, and all that
// a counter says is a sum over them.
type escrowOp struct {
	kind    string // mint, spend, give, take
	owner   int    // who mints, spends, gives, or is taken from
	to      int    // who receives
	n       int64
	backing []int // mints of the owner that a move rests on
}

// An escrowModel is the log of all events and what each replica knows of it.
type escrowModel struct {
	log  []escrowOp
	seen []map[int]bool
}

func newEscrowModel(replicas int) *escrowModel {
	m := &escrowModel{seen: make([]map[int]bool, replicas)}
	for i := range m.seen {
		m.seen[i] = map[int]bool{}
	}
	return m
}

func (m *escrowModel) clone() *escrowModel {
	c := &escrowModel{log: slices.Clip(m.log), seen: make([]map[int]bool, len(m.seen))}
	for i := range m.seen {
		c.seen[i] = maps.Clone(m.seen[i])
	}
	return c
}

// act appends an event that happens at a replica and returns what its delta
// tells: all that the replica itself minted and spent, every move it knows, and
// the mints that those moves rest on.
func (m *escrowModel) act(at int, op escrowOp) map[int]bool {
	if op.kind == "give" || op.kind == "take" {
		for id := range m.seen[at] {
			if m.log[id].kind == "mint" && m.log[id].owner == op.owner {
				op.backing = append(op.backing, id)
			}
		}
	}
	m.seen[at][len(m.log)] = true
	m.log = append(m.log, op)
	delta := map[int]bool{}
	for id := range m.seen[at] {
		switch e := m.log[id]; {
		case e.kind == "give" || e.kind == "take":
			delta[id] = true
			for _, b := range e.backing {
				delta[b] = true
			}
		case e.owner == at:
			delta[id] = true
		}
	}
	return delta
}

// total sums mints less spends over a view, and rights sums for one replica.
func (m *escrowModel) total(view map[int]bool) (n int64) {
	for id := range view {
		switch e := m.log[id]; e.kind {
		case "mint":
			n += e.n
		case "spend":
			n -= e.n
		}
	}
	return n
}

func (m *escrowModel) rights(view map[int]bool, r int) (n int64) {
	for id := range view {
		switch e := m.log[id]; {
		case e.kind == "mint" && e.owner == r, e.kind != "mint" && e.kind != "spend" && e.to == r:
			n += e.n
		case e.kind != "mint" && e.owner == r:
			n -= e.n
		}
		if e := m.log[id]; (e.kind == "give" || e.kind == "take") && e.owner == r && e.to == r {
			panic("a move to oneself")
		}
	}
	return n
}

// debt sums what replicas spent without holding it, and fenced reports whether the
// rights of one were reclaimed.
func (m *escrowModel) debt(view map[int]bool) (n int64) {
	for r := range m.seen {
		n += max(-m.rights(view, r), 0)
	}
	return n
}

func (m *escrowModel) fenced(view map[int]bool, r int) bool {
	for id := range view {
		if e := m.log[id]; e.kind == "take" && e.owner == r {
			return true
		}
	}
	return false
}

// all is the view of somebody who knows everything.
func (m *escrowModel) all() map[int]bool {
	view := map[int]bool{}
	for id := range m.log {
		view[id] = true
	}
	return view
}

// An escrowWorld is some replicas of one counter, every delta ever made, and
// the model of it all.
type escrowWorld struct {
	upper    bool
	names    []vclock.Replica
	counters []*crdt.BoundedCounter
	deltas   []escrowDelta
	model    *escrowModel
	steps    []string
}

type escrowDelta struct {
	from  int // -1 for several joined
	state *crdt.BoundedCounter
	view  map[int]bool
}

const escrowBound = 10

func newEscrowWorld(replicas int, upper bool) *escrowWorld {
	w := &escrowWorld{upper: upper, model: newEscrowModel(replicas)}
	for i := range replicas {
		w.names = append(w.names, vclock.Replica(rune('a'+i)))
		c := crdt.AtLeast(escrowBound)
		if upper {
			c = crdt.AtMost(escrowBound)
		}
		w.counters = append(w.counters, c)
	}
	return w
}

func (w *escrowWorld) clone() *escrowWorld {
	c := &escrowWorld{upper: w.upper, names: slices.Clip(w.names), model: w.model.clone(), deltas: slices.Clip(w.deltas), steps: slices.Clip(w.steps)}
	for _, x := range w.counters {
		c.counters = append(c.counters, x.Clone())
	}
	return c
}

// did records an operation that the counter at a replica has accepted.
func (w *escrowWorld) did(at int, op escrowOp, delta *crdt.BoundedCounter) {
	w.deltas = append(w.deltas, escrowDelta{at, delta, w.model.act(at, op)})
	w.steps = append(w.steps, fmt.Sprintf("%d: %s %d of %d to %d", at, op.kind, op.n, op.owner, op.to))
}

// allowed requires that the counter at a replica has accepted what it should.
func (w *escrowWorld) allowed(t require.TestingT, at int, err error, want bool, what string) bool {
	if (err == nil) != want {
		require.Fail(t, "allowed", "%s by %d: error %v, want it allowed: %v, after %q", what, at, err, want, w.steps)
	}
	return want
}

func (w *escrowWorld) mint(t require.TestingT, at int, n int64) {
	change := w.counters[at].Add
	if w.upper {
		change = w.counters[at].Sub
	}
	d, err := change(w.names[at], n)
	if w.allowed(t, at, err, !w.model.fenced(w.model.seen[at], at), "mint") {
		w.did(at, escrowOp{kind: "mint", owner: at, n: n}, d)
	}
}

func (w *escrowWorld) spend(t require.TestingT, at int, n int64) bool {
	change := w.counters[at].Sub
	if w.upper {
		change = w.counters[at].Add
	}
	view := w.model.seen[at]
	want := !w.model.fenced(view, at) && w.model.rights(view, at)-w.model.debt(view) >= n
	d, err := change(w.names[at], n)
	if w.allowed(t, at, err, want, "spend") {
		w.did(at, escrowOp{kind: "spend", owner: at, n: n}, d)
	}
	return want
}

func (w *escrowWorld) give(t require.TestingT, at, to int, n int64) {
	view := w.model.seen[at]
	closed := at != to && w.model.fenced(view, to) && w.model.rights(view, to) >= 0
	want := !w.model.fenced(view, at) && !closed && w.model.rights(view, at) >= n
	d, err := w.counters[at].Transfer(w.names[at], w.names[to], n)
	if w.allowed(t, at, err, want, "transfer") && at != to {
		w.did(at, escrowOp{kind: "give", owner: at, to: to, n: n}, d)
	}
}

func (w *escrowWorld) reclaim(t require.TestingT, at, from int) {
	view := w.model.seen[at]
	n := max(w.model.rights(view, from), 0)
	d, err := w.counters[at].Reclaim(w.names[from], w.names[at])
	if w.allowed(t, at, err, at != from && !w.model.fenced(view, at), "reclaim") && (n > 0 || !w.model.fenced(view, from)) {
		w.did(at, escrowOp{kind: "take", owner: from, to: at, n: n}, d)
	}
}

// join merges y into the counter at a replica, which must tell whether that
// changed it.
func (w *escrowWorld) join(t require.TestingT, at int, y *crdt.BoundedCounter) {
	before := w.counters[at].Clone()
	if changed := w.counters[at].Merge(y); changed == before.Equal(w.counters[at]) {
		require.Equal(t, !before.Equal(w.counters[at]), changed, "Merge at %d after %q", at, w.steps)
	}
}

func (w *escrowWorld) merge(t require.TestingT, at, from int) {
	w.join(t, at, w.counters[from])
	maps.Copy(w.model.seen[at], w.model.seen[from])
	w.steps = append(w.steps, fmt.Sprintf("%d: merge %d", at, from))
}

func (w *escrowWorld) deliver(t require.TestingT, at, delta int) {
	w.join(t, at, w.deltas[delta].state)
	maps.Copy(w.model.seen[at], w.deltas[delta].view)
	w.steps = append(w.steps, fmt.Sprintf("%d: receive delta %d", at, delta))
}

// group joins two deltas into one.
func (w *escrowWorld) group(i, k int) {
	d, view := w.deltas[i].state.Clone(), maps.Clone(w.deltas[i].view)
	d.Merge(w.deltas[k].state)
	maps.Copy(view, w.deltas[k].view)
	w.deltas = append(w.deltas, escrowDelta{-1, d, view})
	w.steps = append(w.steps, fmt.Sprintf("deltas %d and %d are joined", i, k))
}

// restart lets a replica go on from an older state of its own, or of another, under
// a new name. It returns the number of the new one.
func (w *escrowWorld) restart(of int, from escrowDelta) int {
	i := len(w.names)
	w.names = append(w.names, vclock.Incarnation(string(w.names[of][0]), uint64(i)))
	w.counters = append(w.counters, from.state.Clone())
	w.model.seen = append(w.model.seen, maps.Clone(from.view))
	w.steps = append(w.steps, fmt.Sprintf("%d goes on from an older state as %d", of, i))
	return i
}

// heed lets a survivor hear all that a replica has sent, and all that others know.
func (w *escrowWorld) heed(t require.TestingT, heir, dead int, alive []int) {
	for i, d := range w.deltas {
		if d.from == dead {
			w.deliver(t, heir, i)
		}
	}
	for _, i := range alive {
		w.merge(t, heir, i)
	}
}

func (w *escrowWorld) sync(t require.TestingT) {
	for i := range w.counters {
		w.merge(t, 0, i)
	}
	for i := range w.counters {
		w.merge(t, i, 0)
	}
}

// check compares one counter with the model.
func (w *escrowWorld) check(t require.TestingT, at int) {
	c, view := w.counters[at], w.model.seen[at]
	total := w.model.total(view)
	want := int64(escrowBound) + max(total, 0)
	if w.upper {
		want = escrowBound - max(total, 0)
	}
	debt := w.model.debt(view)
	for r := range w.counters {
		rights := w.model.rights(view, r)
		if got := c.Rights(w.names[r]); got != rights {
			require.Equal(t, rights, got, "rights of %d at %d after %q", r, at, w.steps)
		}
	}
	got, exact := c.Total()
	if got != want || exact != (total >= 0) || c.Debt() != debt {
		require.Equal(t, want, got, "value at %d after %q", at, w.steps)
		require.Equal(t, total >= 0, exact, "exact at %d after %q", at, w.steps)
		require.Equal(t, debt, c.Debt(), "debt at %d after %q", at, w.steps)
	}
}

// sound requires that no right was ever spent twice: at no replica, however
// little it knows, and for nobody who knows all.
func (w *escrowWorld) sound(t require.TestingT) {
	for at := range w.counters {
		for r := range w.counters {
			if n := w.counters[at].Rights(w.names[r]); n < 0 {
				require.GreaterOrEqual(t, n, int64(0), "rights of %d at %d after %q", r, at, w.steps)
			}
		}
	}
	if n := w.model.total(w.model.all()); n < 0 {
		require.GreaterOrEqual(t, n, int64(0), "total after %q", w.steps)
	}
}

// converged requires equal bytes everywhere, and forms that read back.
func (w *escrowWorld) converged(t require.TestingT) {
	w.sync(t)
	for at, c := range w.counters {
		w.check(t, at)
		require.Equal(t, encoded(t, w.counters[0]), encoded(t, c))
	}
}

func encoded(t require.TestingT, x encoding.BinaryMarshaler) []byte {
	b, err := x.MarshalBinary()
	require.NoError(t, err)
	return b
}

// TestBoundedCounter drives replicas through random histories with partitions,
// with deltas that are lost, repeated and reordered, with transfers, and with
// replicas that die and whose rights a survivor reclaims once it has heard all
// that was sent. After every step each replica says what the model says, nobody
// is in debt, and nothing was spent that was not there.
func TestBoundedCounter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newEscrowWorld(4, rapid.Bool().Draw(t, "upper"))
		alive := []int{0, 1, 2, 3}
		var saved []escrowDelta
		replica := func(t *rapid.T) int { return rapid.SampledFrom(alive).Draw(t, "replica") }
		anyone := func(t *rapid.T) int { return rapid.IntRange(0, len(w.names)-1).Draw(t, "any") }
		die := func(t *rapid.T) int {
			dead := replica(t)
			alive = slices.DeleteFunc(alive, func(i int) bool { return i == dead })
			return dead
		}
		steps := escrowSteps(w, replica, anyone)
		steps["die"] = func(t *rapid.T) {
			if len(alive) < 3 {
				return
			}
			dead, heir := die(t), replica(t)
			w.heed(t, heir, dead, alive)
			w.reclaim(t, heir, dead)
		}
		steps["save"] = func(t *rapid.T) {
			i := replica(t)
			saved = append(saved, escrowDelta{i, w.counters[i].Clone(), maps.Clone(w.model.seen[i])})
		}
		steps["restart"] = func(t *rapid.T) {
			if len(saved) == 0 || len(w.names) > 6 {
				return
			}
			dead := die(t)
			next := w.restart(dead, rapid.SampledFrom(saved).Draw(t, "saved"))
			alive = append(alive, next)
			if rapid.Bool().Draw(t, "reclaims") {
				w.heed(t, next, dead, alive)
				w.reclaim(t, next, dead)
			}
		}
		steps[""] = func(t *rapid.T) {
			for at := range w.counters {
				w.check(t, at)
			}
			w.sound(t)
		}
		t.Repeat(steps)
		w.converged(t)
		w.sound(t)
	})
}

// escrowSteps are the steps of all random histories.
func escrowSteps(w *escrowWorld, replica, anyone func(*rapid.T) int) map[string]func(*rapid.T) {
	amount := rapid.Int64Range(1, 3)
	delta := func(t *rapid.T) int {
		if len(w.deltas) == 0 {
			t.Skip("no deltas")
		}
		return rapid.IntRange(0, len(w.deltas)-1).Draw(t, "delta")
	}
	return map[string]func(*rapid.T){
		"mint":     func(t *rapid.T) { w.mint(t, replica(t), amount.Draw(t, "n")) },
		"spend":    func(t *rapid.T) { w.spend(t, replica(t), amount.Draw(t, "n")) },
		"spend 2":  func(t *rapid.T) { w.spend(t, replica(t), amount.Draw(t, "n")) },
		"transfer": func(t *rapid.T) { w.give(t, replica(t), anyone(t), amount.Draw(t, "n")) },
		"merge":    func(t *rapid.T) { w.merge(t, replica(t), anyone(t)) },
		"deliver":  func(t *rapid.T) { w.deliver(t, replica(t), delta(t)) },
		"group":    func(t *rapid.T) { w.group(delta(t), delta(t)) },
		"reload": func(t *rapid.T) {
			i := replica(t)
			var fromBinary, fromJSON crdt.BoundedCounter
			require.NoError(t, fromBinary.UnmarshalBinary(encoded(t, w.counters[i])))
			text, err := w.counters[i].MarshalJSON()
			require.NoError(t, err)
			require.NoError(t, fromJSON.UnmarshalJSON(text))
			require.True(t, fromBinary.Equal(&fromJSON))
			require.True(t, fromBinary.Equal(w.counters[i]))
			require.Equal(t, encoded(t, &fromJSON), encoded(t, w.counters[i]))
			w.counters[i] = &fromBinary
		},
	}
}

// TestBoundedCounterWrongReclaim reclaims rights of replicas that are alive,
// and by several survivors at once. Rights are then spent twice, but no value
// crosses the bound, debts are what the model says, and after all have heard of
// them nothing is spent beyond what is left.
func TestBoundedCounterWrongReclaim(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newEscrowWorld(3, rapid.Bool().Draw(t, "upper"))
		replica := func(t *rapid.T) int { return rapid.IntRange(0, len(w.names)-1).Draw(t, "replica") }
		var saved []escrowDelta
		steps := escrowSteps(w, replica, replica)
		steps["reclaim"] = func(t *rapid.T) { w.reclaim(t, replica(t), replica(t)) }
		steps["save"] = func(t *rapid.T) {
			i := replica(t)
			saved = append(saved, escrowDelta{i, w.counters[i].Clone(), maps.Clone(w.model.seen[i])})
		}
		steps["restart"] = func(t *rapid.T) { // beside the old one, which goes on
			if len(saved) > 0 && len(w.names) < 5 {
				w.restart(replica(t), rapid.SampledFrom(saved).Draw(t, "saved"))
			}
		}
		steps[""] = func(t *rapid.T) {
			for at := range w.counters {
				w.check(t, at)
			}
		}
		t.Repeat(steps)
		w.converged(t)
		left := max(w.model.total(w.model.all()), 0)
		spent := int64(0)
		for range 8 {
			at := replica(t)
			for n := rapid.Int64Range(1, 3).Draw(t, "n"); n > 0; n-- {
				if w.spend(t, at, n) {
					spent += n
				}
			}
		}
		require.LessOrEqual(t, spent, left, "after %q", w.steps)
	})
}

// TestBoundedCounterExhaustive runs every history of a few steps: mint 2,
// spend 1, transfer 1, merge, and the delivery of any delta made before. In a
// second run replicas also reclaim the rights of others that are alive: all at
// once, while those spend and transfer them, and when they have come back. Set
// REJOIN_EXHAUSTIVE to a number of additional steps for a longer run.
func TestBoundedCounterExhaustive(t *testing.T) {
	more := deeper()
	for _, scope := range []struct {
		replicas, steps int
		reclaims        bool
	}{{2, 5, false}, {3, 4, false}, {2, 5, true}, {3, 4, true}} {
		t.Run(fmt.Sprintf("replicas=%d/steps=%d/reclaims=%t", scope.replicas, scope.steps+more, scope.reclaims), func(t *testing.T) {
			t.Parallel()
			x := &escrowSearch{t: t, reclaims: scope.reclaims}
			first := newEscrowWorld(scope.replicas, false)
			first.mint(t, 0, 2) // by symmetry; nothing else changes an empty counter
			x.explore(first, scope.steps+more-1)
			t.Logf("%d histories", x.nodes)
		})
	}
}

type escrowSearch struct {
	t        *testing.T
	reclaims bool
	nodes    int
}

// explore checks a world and goes on from it in every way.
func (x *escrowSearch) explore(w *escrowWorld, left int) {
	x.nodes++
	for at := range w.counters {
		w.check(x.t, at)
	}
	if !x.reclaims {
		w.sound(x.t)
	}
	if left == 0 {
		return
	}
	try := func(step func(*escrowWorld)) {
		next := w.clone()
		step(next)
		if len(next.steps) > len(w.steps) {
			x.explore(next, left-1)
		}
	}
	for at := range w.counters {
		try(func(w *escrowWorld) { w.mint(x.t, at, 2) })
		try(func(w *escrowWorld) { w.spend(x.t, at, 1) })
		for other := range w.counters {
			if other != at {
				try(func(w *escrowWorld) { w.give(x.t, at, other, 1) })
				try(func(w *escrowWorld) { w.merge(x.t, at, other) })
			}
			if other != at && x.reclaims {
				try(func(w *escrowWorld) { w.reclaim(x.t, at, other) })
			}
		}
		for d := range w.deltas {
			if w.deltas[d].from != at {
				try(func(w *escrowWorld) { w.deliver(x.t, at, d) })
			}
		}
	}
}

func TestBoundedCounterRefuses(t *testing.T) {
	var c crdt.BoundedCounter
	_, err := c.Add("us", 5)
	require.NoError(t, err)
	_, err = c.Transfer("us", "eu", 2)
	require.NoError(t, err)
	before := c.Clone()

	d, err := c.Sub("eu", 3)
	require.EqualError(t, err, `crdt: replica "eu" needs 3 rights and has 2 to spend ("eu" holds 2, "us" holds 3)`)
	require.True(t, d.Equal(new(crdt.BoundedCounter)), "a refused mutator returns an empty delta")
	var lacking *crdt.RightsError
	require.ErrorAs(t, err, &lacking)
	require.Equal(t, []crdt.Held{{"eu", 2}, {"us", 3}}, lacking.Held)

	_, err = c.Sub("ap", 1)
	require.ErrorAs(t, err, &lacking)
	require.Equal(t, int64(0), lacking.Have)
	_, err = c.Transfer("ap", "us", 1)
	require.ErrorAs(t, err, &lacking)
	_, err = c.Transfer("us", "eu", 4)
	require.ErrorAs(t, err, &lacking)
	for _, n := range []int64{0, -1, math.MinInt64} {
		_, err = c.Add("us", n)
		require.ErrorIs(t, err, crdt.ErrAmount)
		_, err = c.Sub("us", n)
		require.ErrorIs(t, err, crdt.ErrAmount)
		_, err = c.Transfer("us", "eu", n)
		require.ErrorIs(t, err, crdt.ErrAmount)
	}
	_, err = c.Add("us", math.MaxInt64)
	require.ErrorIs(t, err, crdt.ErrOverflow)
	_, err = c.Reclaim("us", "us")
	require.EqualError(t, err, `crdt: replica "us" cannot reclaim its own rights`)
	_, err = c.Transfer("us", "us", 3)
	require.NoError(t, err)
	require.True(t, c.Equal(before), "neither a refusal nor a transfer to oneself changes anything")

	for _, r := range []vclock.Replica{"", "\xff"} {
		require.Panics(t, func() { _, _ = c.Add(r, 1) })
		require.Panics(t, func() { _, _ = c.Transfer("us", r, 1) })
		require.Panics(t, func() { _, _ = c.Transfer(r, "us", 1) })
		require.Panics(t, func() { _, _ = c.Reclaim("us", r) })
		require.Panics(t, func() { _, _ = c.Reclaim(r, "us") })
	}
}

// A replica that was given up comes back: it is told so, and goes on under
// a new name.
func TestBoundedCounterFence(t *testing.T) {
	var us, eu crdt.BoundedCounter
	_, _ = us.Add("us", 10)
	_, _ = us.Transfer("us", "eu", 6)
	eu.Merge(&us)
	_, err := us.Reclaim("eu", "us")
	require.NoError(t, err)
	require.Equal(t, int64(10), us.Rights("us"))
	_, err = eu.Sub("eu", 1) // eu has not heard of it: its sale counts
	require.NoError(t, err)

	eu.Merge(&us)
	var fenced *crdt.FencedError
	_, err = eu.Sub("eu", 1)
	require.ErrorAs(t, err, &fenced)
	require.EqualError(t, err, `crdt: the rights of replica "eu" were reclaimed by "us"`)
	_, err = eu.Add("eu", 1)
	require.ErrorAs(t, err, &fenced)
	_, err = eu.Transfer("eu", "us", 1)
	require.ErrorAs(t, err, &fenced)
	_, err = eu.Reclaim("us", "eu")
	require.ErrorAs(t, err, &fenced)

	us.Merge(&eu)
	require.Equal(t, int64(-1), us.Rights("eu"))
	require.Equal(t, int64(1), us.Debt())
	_, err = us.Sub("us", 10)
	require.Error(t, err, "one of the ten is gone")
	_, err = us.Transfer("us", "eu", 1)
	require.NoError(t, err, "a debt can be repaid")
	require.Zero(t, us.Debt())
	_, err = us.Transfer("us", "eu", 1)
	require.ErrorAs(t, err, &fenced)
	d, err := us.Reclaim("eu", "us")
	require.NoError(t, err)
	require.True(t, d.Equal(new(crdt.BoundedCounter)), "there is nothing left to reclaim")

	again := vclock.Incarnation("eu", 1)
	_, err = us.Transfer("us", again, 4)
	require.NoError(t, err)
	eu.Merge(&us)
	_, err = eu.Sub(again, 4)
	require.NoError(t, err)
	n, exact := eu.Total()
	require.Equal(t, int64(5), n)
	require.True(t, exact)
}

// Restoring an old snapshot and going on under the old name is one way to
// spend a right twice. Under a new name there is nothing to spend until the old
// name's rights are reclaimed, from a state that knows what it spent.
func TestBoundedCounterRestoredSnapshot(t *testing.T) {
	var us, eu crdt.BoundedCounter
	_, _ = us.Add("us", 3)
	_, _ = us.Transfer("us", "eu", 3)
	eu.Merge(&us)
	snapshot := eu.Clone()
	_, err := eu.Sub("eu", 3)
	require.NoError(t, err)
	us.Merge(&eu)

	wrong := snapshot.Clone()
	_, err = wrong.Sub("eu", 3)
	require.NoError(t, err, "six were sold of three: nothing can tell")

	again := vclock.Incarnation("eu", 1)
	restored := snapshot.Clone()
	_, err = restored.Sub(again, 1)
	require.Error(t, err)
	restored.Merge(&us)
	_, err = restored.Reclaim("eu", again)
	require.NoError(t, err)
	_, err = restored.Sub(again, 1)
	require.Error(t, err, "all that eu held was spent")
}

func TestBoundedCounterSaturates(t *testing.T) {
	c := crdt.AtLeast(math.MaxInt64 - 1)
	_, _ = c.Add("us", 1)
	n, exact := c.Total()
	require.Equal(t, int64(math.MaxInt64), n)
	require.True(t, exact)
	_, _ = c.Add("eu", math.MaxInt64)
	n, exact = c.Total()
	require.Equal(t, int64(math.MaxInt64), n)
	require.False(t, exact)
	_, err := c.Sub("eu", math.MaxInt64)
	require.NoError(t, err)
	n, exact = c.Total()
	require.Equal(t, int64(math.MaxInt64), n)
	require.True(t, exact)

	c = crdt.AtMost(math.MinInt64)
	_, _ = c.Sub("us", 1)
	n, exact = c.Total()
	require.Equal(t, int64(math.MinInt64), n)
	require.False(t, exact)
}

func TestBoundedCounterBounds(t *testing.T) {
	var zero crdt.BoundedCounter
	five, seats := crdt.AtLeast(5), crdt.AtMost(100)
	require.NoError(t, zero.Verify(five))
	require.EqualError(t, five.Verify(seats), "crdt: counters with different bounds: at least 5 and at most 100")
	for _, order := range [][]*crdt.BoundedCounter{{&zero, five, seats}, {seats, five, &zero}, {five, seats, &zero}} {
		var x crdt.BoundedCounter
		for _, c := range order {
			x.Merge(c)
		}
		n, upper := x.Bound()
		require.Equal(t, int64(100), n)
		require.True(t, upper)
	}
	for _, pair := range [][2]*crdt.BoundedCounter{{crdt.AtLeast(5), crdt.AtLeast(7)}, {crdt.AtLeast(7), crdt.AtLeast(5)}} {
		pair[0].Merge(pair[1])
		n, _ := pair[0].Bound()
		require.Equal(t, int64(7), n)
	}
}

// TestBoundedCounterMixedBounds: whatever bounds meet, used or not, and in whatever order, one
// stays, and Verify tells of any two that differ.
func TestBoundedCounterMixedBounds(t *testing.T) {
	var all []*crdt.BoundedCounter
	for _, start := range []func() *crdt.BoundedCounter{
		func() *crdt.BoundedCounter { return crdt.AtLeast(-5) }, func() *crdt.BoundedCounter { return crdt.AtLeast(0) },
		func() *crdt.BoundedCounter { return crdt.AtLeast(7) }, func() *crdt.BoundedCounter { return crdt.AtMost(-9) }, func() *crdt.BoundedCounter { return crdt.AtMost(0) },
	} {
		used, moved := start(), start()
		if _, upper := used.Bound(); upper {
			must(used.Sub("a", 3))
			must(moved.Sub("b", 3))
		} else {
			must(used.Add("a", 3))
			must(moved.Add("b", 3))
		}
		must(moved.Transfer("b", "a", 1))
		all = append(all, start(), used, moved)
	}
	empty := new(crdt.BoundedCounter)
	join := func(x, y *crdt.BoundedCounter) *crdt.BoundedCounter {
		z := x.Clone()
		require.Equal(t, z.Merge(y), !z.Equal(x))
		return z
	}
	for i, x := range all {
		for j, y := range all {
			xy := join(x, y)
			require.True(t, xy.Equal(join(y, x)))
			require.True(t, join(xy, x).Equal(xy))
			want := max(i/3, j/3)
			if x.Equal(empty) {
				want = j / 3
			} else if y.Equal(empty) {
				want = i / 3
			}
			n, upper := xy.Bound()
			m, also := all[3*want].Bound()
			require.Equal(t, m, n, "%v and %v", x, y)
			require.Equal(t, also, upper)
			same := i/3 == j/3 || x.Equal(empty) || y.Equal(empty)
			require.Equal(t, same, x.Verify(y) == nil, "%v and %v", x, y)
			for _, z := range all {
				require.True(t, join(xy, z).Equal(join(x, join(y, z))))
			}
		}
	}
}

// A delta that nobody looks at is free.
func TestBoundedCounterAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters keep mutators from being inlined")
	}
	var c crdt.BoundedCounter
	_, _ = c.Add("us", math.MaxInt32)
	_, _ = c.Transfer("us", "eu", 1)
	var y crdt.BoundedCounter
	y.Merge(&c)
	delta, _ := c.Sub("us", 1)
	for name, f := range map[string]func(){
		"Add":         func() { _, _ = c.Add("us", 1) },
		"Sub":         func() { _, _ = c.Sub("us", 1) },
		"Value":       func() { _, _ = c.Total() },
		"Rights":      func() { _ = c.Rights("eu") },
		"Merge delta": func() { y.Merge(delta) },
		"Merge state": func() { y.Merge(&c) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

// Moves of rights copy those made before, so their deltas share them.
func TestBoundedCounterMoveAllocs(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("coverage counters and the race detector allocate")
	}
	var c, fenced crdt.BoundedCounter
	_, _ = c.Add("us", math.MaxInt32)
	_, _ = c.Transfer("us", "eu", 1)
	fenced.Merge(&c)
	_, _ = fenced.Reclaim("eu", "us")
	_, _ = c.Reclaim("ap", "us")
	for _, test := range []struct {
		name string
		f    func()
		want float64
	}{
		{"Transfer", func() { _, _ = c.Transfer("us", "eu", 1) }, 4},
		{"Transfer to oneself", func() { _, _ = c.Transfer("us", "us", 1) }, 1},
		{"Reclaim of nothing", func() { _, _ = fenced.Reclaim("eu", "us") }, 1},
		{"Clone", func() { _ = c.Clone() }, 2},
		{"Clone and Reclaim", func() { _, _ = c.Clone().Reclaim("eu", "us") }, 8},
	} {
		require.Equal(t, test.want, testing.AllocsPerRun(100, test.f), test.name)
	}
}

// goldenBounded returns a counter in which something of every kind happened.
func goldenBounded() *crdt.BoundedCounter {
	c := crdt.AtLeast(-7)
	_, _ = c.Add("us", 300)
	_, _ = c.Transfer("us", "eu", 200)
	_, _ = c.Transfer("us", "ap", 5)
	_, _ = c.Sub("eu", 150)
	_, _ = c.Reclaim("eu", "us")
	return c
}

func TestBoundedCounterGolden(t *testing.T) {
	golden(t, "boundedcounter", goldenBounded(), new(crdt.BoundedCounter))
	golden(t, "boundedcounter_upper", crdt.AtMost(100), new(crdt.BoundedCounter))
	golden(t, "boundedcounter_empty", new(crdt.BoundedCounter), new(crdt.BoundedCounter))
}

func TestBoundedCounterRefusesBytes(t *testing.T) {
	const (
		max63 = "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
		max64 = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	)
	tests := []struct {
		name string
		data string
		want string
	}{
		{"empty", "", "unexpected end of input"},
		{"unknown version", "\x04\x00\x00\x00\x00", "unknown format version 4"},
		{"unknown side", "\x03\x0d\x02\x00\x00\x00", "side 2 of the bound"},
		{"more replicas than bytes", "\x03\x0d\x00\x00\x7f\x00", "count 127 exceeds"},
		{"amount of 64 bits", "\x03\x0d\x00\x00\x01\x01a" + max64 + "\x00\x00", "exceeds 63 bits"},
		{"amount of 63 bits, spent", "\x03\x0d\x00\x00\x01\x01a\x00" + max63 + "\x00", ""},
		{"replica that did nothing", "\x03\x0d\x00\x00\x01\x01a\x00\x00\x00", `replica "a" did nothing`},
		{"replicas not sorted", "\x03\x0d\x00\x00\x02\x01b\x01\x00\x01a\x01\x00\x00", `replica "a" follows "b"`},
		{"place beyond the list", "\x03\x0d\x00\x00\x01\x01a\x01\x00\x01\x01\x00\x01\x00\x01\x00", "place 1 in a list of 1 replicas"},
		{"move to itself", "\x03\x0d\x00\x00\x01\x01a\x01\x00\x01\x00\x01\x01\x00\x01\x00", `replica "a" moved rights to itself`},
		{"given nothing", "\x03\x0d\x00\x00\x02\x01a\x01\x00\x01b\x01\x00\x01\x00\x01\x01\x01\x00\x00", `replica "a" gave nothing to "b"`},
		{"taken nothing", "\x03\x0d\x00\x00\x02\x01a\x01\x00\x01b\x01\x00\x01\x00\x01\x00\x01\x01\x00", ""},
		{"no move", "\x03\x0d\x00\x00\x02\x01a\x01\x00\x01b\xac\x02\x00\x02\x00\x01\x00\x00\x01\xac\x02\x01\x00\xac\x02\x00", `account of replica "a" without a move`},
		{"backed by nothing", "\x03\x0d\x00\x00\x02\x01a\x01\x00\x01b\x01\x00\x01\x00\x02\x01\x01\x01\x00", "backed by more than it minted"},
		{"trailing bytes", "\x03\x0d\x00\x00\x00\x00\x00", "1 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := crdt.AtMost(8)
			err := x.UnmarshalBinary([]byte(tt.data))
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, tt.data, string(encoded(t, x)))
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.True(t, x.Equal(crdt.AtMost(8)), "an error leaves the receiver alone")
		})
	}
}

func TestBoundedCounterRefusesJSON(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"atLeast":"0"}`, `{"atLeast":"0","replicas":null}`, `{"AtLeast":"0","replicas":{}}`, `{"atLeast":"0","atLeast":"0","replicas":{}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"1"}}}`, `{"atLeast":"0","replicas":{"a":{"minted":null,"spent":"1"}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","given":null}}}`, `{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","given":{}}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0","backed":"1"}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"1","spent":"0"},"a":{"minted":"2","spent":"0"}}}`,
		`{"atLeast":"1"} {}`, `{"atLeast":"1","more":"1"}`, `{"atLeast":"1","atMost":"2"}`, `{"atLeast":1}`, `{"atLeast":"0","replicas":{"a":null}}`,
		`{"atLeast":"0","replicas":{"":{"minted":"1","spent":"0"}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"-1","spent":"0"}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"0","spent":"0"}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"2","spent":"0","backed":"2","given":{"b":"1"}}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"2","spent":"0","backed":"2","given":{"a":"1"}}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"2","spent":"0","backed":"-2","taken":{"b":"1"}},"b":{"minted":"0","spent":"0"}}}`,
		`{"atLeast":"0","replicas":{"a":{"minted":"2","spent":"0","backed":"2","taken":{"b":"-1"}},"b":{"minted":"0","spent":"0"}}}`,
	} {
		x := crdt.AtMost(8)
		require.Error(t, x.UnmarshalJSON([]byte(text)), text)
		require.True(t, x.Equal(crdt.AtMost(8)))
	}
}
