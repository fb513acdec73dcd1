package crdt

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/vclock"

	"github.com/rejoin-go/rejoin/internal/int128"
)

// A PNCounter is a counter that goes up and down: every increment counts,
// wherever it was made and however often it is delivered. A reset undoes
// exactly the increments that its replica had seen; concurrent ones stay. In an
// [ORMap] deleting the key is the reset, and a key holds a counter from its
// first increment, be that by 0, until all are undone.
//
// The zero PNCounter is 0 and ready to use. Add takes O(1) while one replica
// keeps counting, else O(log n) for n replicas; Total and Merge take O(n),
// Reset O(n log n). The state is O(n): each replica has one sum, and one more
// after a reset, until [PNCounter.Compact]. The delta of an increment has all
// of its replica's, and what was undone of them. A sum at the end of its range
// stays there until a reset, and Total is not exact. See Almeida et al., 2018.
type PNCounter struct {
	_ nocopy.NoCopy
	pnCounterState
}

// A pnCounterState is what a PNCounter holds, so that one in a struct has its JSON there.
type pnCounterState struct {
	node
	tallies []tally  // by replica index
	recent  int      // index in tallies of the one that counted last; written by mutators only
	op      *tallyOp // the whole state, if it is the delta of one increment
}

// Add adds n, which may be negative, on behalf of r and returns the delta.
func (c *PNCounter) Add(r vclock.Replica, n int64) *PNCounter {
	var d struct {
		state PNCounter
		op    tallyOp
	}
	if c.add(r, n, &d.op) {
		d.state.op = &d.op
	}
	return &d.state
}

// add is Add with a delta that is empty so far. It returns false if it stays so.
func (c *PNCounter) add(name vclock.Replica, n int64, d *tallyOp) bool {
	r, i := c.write(name)
	c.ready()
	minted, ok := r.mint()
	if !ok {
		return false
	}
	if c.recent >= len(c.tallies) || c.tallies[c.recent].replica != i || c.tallies[c.recent].line != r.writer.life {
		c.locate(r)
	}
	t := &c.tallies[c.recent]
	t.count(minted.seq, n)
	*d = t.op(r)
	if c.mode == opened {
		rec, made := c.rec.(*PNCounter), t.op(r) // not d, which may stay on the stack
		rec.ready()
		rec.apply(rec.root, &made)
	}
	return true
}

// locate makes the tally on which the writer counts the recent one. An incarnation that may
// not have all that its predecessors counted begins one of its own; one that has, or that
// went on before, goes on with what it finds.
func (c *PNCounter) locate(r *root) {
	w := r.writer
	i, found := c.find(w.replica, w.life)
	if !found && i > 0 {
		if t := &c.tallies[i-1]; t.replica == w.replica && t.isLive() && (lifeOf(t.last) == w.life || r.hasClosed(w.replica, w.life)) {
			i, found = i-1, true
		}
	}
	if !found {
		c.tallies = slices.Insert(c.tallies, i, tally{replica: w.replica, line: w.life})
	}
	c.recent = i
}

// find returns where the tally of a replica that began in a life is, or belongs.
func (c *PNCounter) find(replica uint32, line uint64) (int, bool) {
	if i := int(replica); i < len(c.tallies) && c.tallies[i].replica == replica && c.tallies[i].line == line {
		return i, true
	}
	return slices.BinarySearchFunc(c.tallies, tally{replica: replica, line: line}, compareTally)
}

func compareTally(t, u tally) int {
	return cmp.Or(cmp.Compare(t.replica, u.replica), cmp.Compare(t.line, u.line))
}

// Reset undoes the increments that c has seen and returns the delta.
func (c *PNCounter) Reset(r vclock.Replica) *PNCounter {
	return c.reset(r, &clearing{all: true})
}

// ResetSeen is [PNCounter.Reset] for a client: increments not covered stay.
// What was undone where the client read is undone, too, as far as seen tells.
// If that is not exact, all increments of a replica stay that has counted on.
func (c *PNCounter) ResetSeen(r vclock.Replica, seen Context) (*PNCounter, error) {
	c.change()
	if err := c.admits(&seen); err != nil {
		return new(PNCounter), err
	}
	return c.reset(r, &clearing{seen: seen}), nil
}

func (c *PNCounter) reset(name vclock.Replica, cl *clearing) *PNCounter {
	d := &PNCounter{pnCounterState: pnCounterState{node: node{root: new(root)}}}
	cl.root, cl.replica = c.write(name)
	cl.delta = d.root
	c.ready()
	c.clear(cl, d)
	if c.mode == opened {
		rec := c.rec.(*PNCounter)
		rec.ready()
		j := rec.root.merging(d.root)
		rec.join(d, j)
		j.finish()
	}
	return d
}

// Total returns the sum, the nearest int64, and whether it is exact.
func (c *PNCounter) Total() (n int64, exact bool) {
	var sum int128.Int
	exact = true
	if c == nil {
		return 0, true
	}
	add := func(t *tally) {
		sum = sum.Add(t.total).Minus(int128.Of(t.base))
		exact = exact && !t.isSaturated()
	}
	if c.op != nil {
		add(&tally{total: c.op.total, base: c.op.base})
	}
	for i := range c.tallies {
		if t := &c.tallies[i]; t.isLive() {
			add(t)
		}
	}
	n, fits := sum.Int64()
	return n, exact && fits
}

// Context returns what c has seen, and its sums, for a client.
func (c *PNCounter) Context() Context { return contextOf(&c.whole().node, c.whole()) }

// HasSeen reports whether c has seen all that seen covers: see [Context].
func (c *PNCounter) HasSeen(seen Context) bool { return c.whole().root.hasSeen(seen) }

// LastOf returns the largest number of a dot of r that c has seen, or 0.
func (c *PNCounter) LastOf(r vclock.Replica) uint64 { return c.whole().root.lastOf(r) }

// Usable returns nil if r can change c, and else a [*vclock.MemberError].
func (c *PNCounter) Usable(r vclock.Replica) error { return c.whole().root.usable(r) }

// Speaks reports whether o has seen sealed events that c has not seen.
func (c *PNCounter) Speaks(o *PNCounter, sealed vclock.Closing) bool {
	return speaks(c.whole().root, o.whole().root, sealed)
}

// Merge joins o into c and reports whether that changed c.
func (c *PNCounter) Merge(o *PNCounter) bool {
	if o == nil || c == o {
		return false
	}
	r := c.receive(&o.node)
	c.ready()
	if o.op != nil {
		return c.apply(r, o.op)
	}
	if o.root == nil {
		return false
	}
	j := r.merging(o.root)
	changed := c.join(o, j)
	return j.finish() || changed
}

// Clone returns a copy that shares no memory with c.
func (c *PNCounter) Clone() *PNCounter {
	if c == nil {
		return new(PNCounter)
	}
	d := &PNCounter{pnCounterState: pnCounterState{tallies: slices.Clone(c.tallies), op: c.op}}
	switch {
	case c.inMap():
		d.root = c.root.bare()
		reach(c, func(x dot) { d.root.see(x) })
	case c.root != nil:
		d.root = c.root.clone()
	}
	return d
}

// Equal reports whether c and o are the same state.
func (c *PNCounter) Equal(o *PNCounter) bool {
	c, o = c.state(), o.state()
	j, ok := c.root.pair(o.root)
	return ok && c.equal(o, j)
}

// ready gives a delta of one increment the form of a state, to change it.
func (c *PNCounter) ready() {
	if c.op != nil {
		c.becomeState()
	}
}

func (c *PNCounter) becomeState() {
	d := c.op
	c.op = nil
	c.apply(c.change(), d)
}

// whole returns c, or, for a delta of one increment, a state that equals it.
func (c *PNCounter) whole() *PNCounter {
	if c == nil {
		return new(PNCounter)
	}
	if c.op == nil {
		return c
	}
	d := &PNCounter{pnCounterState: pnCounterState{node: node{root: new(root)}}}
	d.apply(d.root, c.op)
	return d
}

// apply joins d into c, a counter of r, and reports whether that changed the two.
func (c *PNCounter) apply(r *root, d *tallyOp) bool {
	t := d.tally(r)
	var k knowledge
	k.ourCount = r.contains(t.countDot())
	k.ourReset = t.hasReset() && r.contains(t.tag)
	changed := c.joinTally(&t, r, k)
	t.dots(func(x dot) { changed = r.see(x) || changed })
	return changed
}

// joinTally joins t, in the terms of r, into the tally of its replica.
func (c *PNCounter) joinTally(t *tally, r *root, k knowledge) bool {
	i, found := c.find(t.replica, t.line)
	if !found {
		u := tally{replica: t.replica, line: t.line}
		changed := u.join(t, r, k)
		if changed {
			c.tallies = slices.Insert(c.tallies, i, u)
		}
		return changed
	}
	changed := c.tallies[i].join(t, r, k)
	if c.tallies[i].isEmpty() {
		c.tallies = slices.Delete(c.tallies, i, i+1)
	}
	return changed
}

func (*PNCounter) fresh(r *root, scope uint32) *PNCounter {
	c := new(struct { // one allocation in place of two for a counter that one replica counted on
		state   PNCounter
		tallies [1]tally
	})
	c.state.pnCounterState = pnCounterState{node: node{root: r, mode: sealed, scope: scope}, tallies: c.tallies[:0]}
	return &c.state
}

func (c *PNCounter) recycle(r *root, scope uint32) {
	c.pnCounterState = pnCounterState{node: node{root: r, mode: sealed, scope: scope}, tallies: c.tallies[:0]}
}

func (c *PNCounter) swap(o *PNCounter) {
	c.pnCounterState, o.pnCounterState = o.pnCounterState, c.pnCounterState
}

func (c *PNCounter) join(o *PNCounter, j *merging) bool {
	changed := false
	for i := range c.tallies {
		if t := &c.tallies[i]; !o.counts(t, j) {
			none := tally{replica: t.replica, line: t.line}
			changed = t.join(&none, j.ours, j.about(t, &none)) || changed
		}
	}
	if changed {
		c.tallies = slices.DeleteFunc(c.tallies, func(t tally) bool { return t.isEmpty() })
	}
	if o == nil {
		return changed
	}
	for h := range o.tallies {
		t := j.ourTally(&o.tallies[h])
		i, found := c.find(t.replica, t.line)
		ours := tally{replica: t.replica, line: t.line}
		if found {
			ours = c.tallies[i]
		}
		if ours != t {
			changed = c.joinTally(&t, j.ours, j.about(&ours, &t)) || changed
		}
	}
	return changed
}

// counts reports whether c, the other side of a join, has the tally that t, one of the
// receiver, is.
func (c *PNCounter) counts(t *tally, j *merging) bool {
	if c == nil || j.from[t.replica] < 0 {
		return false
	}
	_, found := c.find(uint32(j.from[t.replica]), t.line)
	return found
}

// about returns what the two sides have seen of a tally of ours and one of theirs.
func (j *merging) about(ours, theirs *tally) knowledge {
	end := lifeEnd(lifeOf(max(ours.last, theirs.last)))
	return knowledge{
		weClosed:   j.ours.seen[ours.replica].prefix >= end,
		peerClosed: j.theirSeen(ours.replica).prefix >= end,

		peerCount: ours.isLive() && j.hasSeen(ours.countDot()),
		peerReset: ours.hasReset() && j.hasSeen(ours.tag),
		ourCount:  theirs.isLive() && j.ours.contains(theirs.countDot()),
		ourReset:  theirs.hasReset() && j.ours.contains(theirs.tag),
	}
}

// hasSeen reports whether the peer has seen d, a dot in the receiver's terms.
func (j *merging) hasSeen(d dot) bool { return j.theirSeen(d.replica).contains(d.seq) }

// ourTally returns a tally of the peer's in the receiver's terms.
func (j *merging) ourTally(t *tally) tally {
	u := *t
	u.replica = j.to[t.replica]
	if t.tag.seq != 0 {
		u.tag = j.ourDot(t.tag)
	}
	return u
}

func (c *PNCounter) clear(cl *clearing, rec *PNCounter) {
	defer rec.sort()
	for _, i := range c.byName() {
		t := &c.tallies[i]
		upto, base := cl.part(t)
		if upto == 0 {
			continue
		}
		ours, theirs, ok := cl.tag()
		if !ok {
			return
		}
		t.dots(cl.drop) // an older reset is a part of this one
		t.join(&tally{replica: t.replica, line: t.line, start: t.start, upto: upto, base: base, tag: ours}, cl.root, knowledge{})
		d := *t
		d.replica, d.tag = cl.delta.intern(cl.root.names[t.replica]), theirs
		rec.tallies = append(rec.tallies, d)
	}
}

// byName returns the indexes of the tallies in the order of the names of their
// replicas: in which a removal mints its dots.
func (c *PNCounter) byName() []int {
	all := make([]int, len(c.tallies))
	for i := range all {
		all[i] = i
	}
	slices.SortFunc(all, func(a, b int) int {
		x, y := c.tallies[a].replica, c.tallies[b].replica
		return cmp.Or(strings.Compare(string(c.root.names[x]), string(c.root.names[y])), cmp.Compare(c.tallies[a].line, c.tallies[b].line))
	})
	return all
}

// part returns what c covers of t: the number of an increment and the sum up to
// it, or 0 if there is nothing to undo.
func (c *clearing) part(t *tally) (upto uint64, base int64) {
	if !t.isLive() {
		return 0, 0
	}
	if c.covers(t.countDot()) {
		return t.last, t.total
	}
	s, ok := c.seen.sumOf(c.root.names[t.replica], t.start+1)
	switch {
	case !ok || s.last <= t.upto:
		return 0, 0
	case s.last >= t.last: // the client was shown more of the same sum
		return t.last, t.total
	}
	return s.last, s.total
}

func (c *PNCounter) sort() {
	slices.SortFunc(c.tallies, compareTally)
}

func (c *PNCounter) live() bool {
	return slices.ContainsFunc(c.tallies, func(t tally) bool { return t.isLive() })
}

func (c *PNCounter) isEmpty() bool { return len(c.tallies) == 0 }

func (c *PNCounter) dots(yield func(dot)) {
	for i := range c.tallies {
		c.tallies[i].dots(yield)
	}
}

func (c *PNCounter) sums(yield func(*tally)) {
	for i := range c.tallies {
		yield(&c.tallies[i])
	}
}

func (c *PNCounter) undone(yield func(dot)) {
	for i := range c.tallies {
		if t := &c.tallies[i]; !t.isLive() {
			yield(dotOf(t.replica, t.upto))
		}
	}
}

func (c *PNCounter) equal(o *PNCounter, j *merging) bool {
	if len(c.tallies) != len(o.tallies) {
		return false
	}
	for k := range o.tallies {
		t := j.ourTally(&o.tallies[k])
		if i, found := c.find(t.replica, t.line); !found || c.tallies[i] != t {
			return false
		}
	}
	return true
}

func (c *PNCounter) copy(r *root, scope uint32) *PNCounter {
	d := &PNCounter{pnCounterState: pnCounterState{node: node{root: r, mode: sealed, scope: scope}}}
	d.tallies = slices.Clone(c.tallies)
	return d
}

// state returns c as a state of its own, without changing it.
func (c *PNCounter) state() *PNCounter {
	if c != nil && c.inMap() {
		return c.Clone()
	}
	return c.whole()
}
