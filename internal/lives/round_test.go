package lives_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// This file plays, breadth first, all short histories of rounds of collection in a store
// whose types remember removals. Each object has a twin that never forgets: whatever
// the one shows the other must show, at every member, after every step.

// objects are those of a store, or what is on its way of them: a set, a counter and a
// row, of one element each.
type objects struct {
	set   *crdt.RWSet[string]
	count *crdt.PNCounter
	row   *lww.Map[string, int]
}

func newObjects() objects {
	return objects{new(crdt.RWSet[string]), new(crdt.PNCounter), new(lww.Map[string, int])}
}

func (o objects) clone() objects { return objects{o.set.Clone(), o.count.Clone(), o.row.Clone()} }

func (o objects) merge(p objects) {
	o.set.Merge(p.set)
	o.count.Merge(p.count)
	o.row.Merge(p.row)
}

func (o objects) close(over vclock.Closing) {
	o.set.Close(over)
	o.count.Close(over)
}

// add adds to all three, and returns what is on its way then; remove removes from them.
func (o objects) add(by vclock.Replica, n int, at lww.Stamp) objects {
	d, err := o.row.PutAt("k", n, at)
	if err != nil {
		panic(err) // it is below a horizon
	}
	return objects{o.set.Add(by, "x"), o.count.Add(by, 1<<n), d}
}

func (o objects) remove(by vclock.Replica, at lww.Stamp) {
	if _, err := o.row.DeleteAt("k", at); err != nil {
		panic(err)
	}
	o.set.Remove(by, "x")
	o.count.Reset(by)
}

// returned reports how o shows what its twin does not, if it does. A set may show less
// for a while, as an add by one who has forgotten a removal has, as a delta, not seen it;
// or more, if it has an add that was made after the removal, and the twin lacks a delta before it.
func (o objects) returned(twin objects, after, atLast bool) string {
	n, _ := o.count.Total()
	want, _ := twin.count.Total()
	got, _ := o.row.At("k")
	row, _ := twin.row.At("k")
	switch x, y := o.set.Contains("x"), twin.set.Contains("x"); {
	case x && !y && !after, atLast && x != y:
		return fmt.Sprintf("the set has x: %v, want %v", x, y)
	case n != want:
		return fmt.Sprintf("the counter is at %b, want %b", n, want)
	case got != row:
		return fmt.Sprintf("the row has %d, want %d", got, row)
	}
	return ""
}

func (o objects) key() string {
	set, err := o.set.MarshalBinary()
	if err != nil {
		panic(err)
	}
	count, err := o.count.MarshalBinary()
	if err != nil {
		panic(err)
	}
	n, ok := o.row.At("k")
	return fmt.Sprintf("%x %x %d %v %d %d", set, count, n, ok, o.row.Stamp("k").Time, o.row.Horizon())
}

// A place is a member of the store, or one that was.
type place struct {
	me         vclock.Replica
	matrix     *vclock.Matrix // nil until it is there
	has, twin  objects
	round      *vclock.Round[string, crdt.Context]
	mark       uint64 // for shortcuts
	sure, gone bool
	knows      bool   // it has merged the removal
	after      bool   // it has merged an add by somebody who had
	text       string // what key makes of it
}

func (p *place) clone() place {
	c := *p
	c.text = ""
	if p.matrix != nil {
		c.matrix, c.has, c.twin = p.matrix.Clone(), p.has.clone(), p.twin.clone()
	}
	return c
}

// A message is the change of one element, on its way through a broker for ever.
type message struct {
	has, twin objects
	by        vclock.Replica
	at        uint64
	after     bool
	key       string
}

// A scope is what happens in histories, and what a shortcut leaves out.
type scope struct {
	members  []vclock.Replica
	adders   []int // who adds
	adds     int   // how often, all together
	depth    int
	parcels  bool // states may be late, and repeated
	newcomer bool // somebody may join
	retire   bool // the last member may be retired
	lives    bool // the last member may go on as another incarnation, from nothing

	hasty bool // what was seen is forgotten at once
	stale bool // what all had when they last said so is taken for what was noted
	alone bool // matrices travel without states
}

// A saga is one state of a store: its places, and what is on its way.
type saga struct {
	scope
	places  []place
	mail    []message
	parcels []place
	now     uint64
	said    string
	removed bool
	forgot  bool
	added   int
}

func newSaga(s scope) *saga {
	w := &saga{scope: s, now: 1000, places: make([]place, len(s.members)+1)}
	for i, r := range s.members {
		w.places[i] = place{me: r, matrix: vclock.NewMatrix(r, s.members...), has: newObjects(), twin: newObjects(), sure: true}
	}
	return w
}

// key returns what tells p from others, with times as they are.
func (p *place) key() string {
	if p.text == "" {
		matrix, err := p.matrix.MarshalJSON()
		if err != nil {
			panic(err)
		}
		p.text = fmt.Sprintf("%s %v %v %v %v %v %d %s %s|", matrix, p.sure, p.gone, p.knows, p.after, p.round != nil, p.mark, p.has.key(), p.twin.key())
	}
	return p.text
}

// key returns what tells w from others: of times only their order counts.
func (w *saga) key() string {
	var b []byte
	for _, list := range [][]place{w.places, w.parcels} {
		for i := range list {
			if p := &list[i]; p.matrix != nil {
				b = append(b, p.key()...)
			}
		}
		b = append(b, '/')
	}
	for i := range w.mail {
		b = append(b, w.mail[i].key...)
	}
	var used [256]bool
	atTimes(b, func(t []byte, n int) { used[n] = true })
	rank, ranks := 0, [256]int{}
	for n := range used {
		if ranks[n] = rank; used[n] {
			rank++
		}
	}
	atTimes(b, func(t []byte, n int) { copy(t, fmt.Sprintf("t%03d", ranks[n])) })
	return string(b)
}

// atTimes calls yield with each time in a text, which is of four digits, and with how
// long it is after the first.
func atTimes(b []byte, yield func(t []byte, n int)) {
	isDigit := func(i int) bool {
		return i >= 0 && i < len(b) && (b[i] >= '0' && b[i] <= '9' || b[i] >= 'a' && b[i] <= 'f')
	}
	for i := 0; i+4 <= len(b); i++ {
		if b[i] == '1' && b[i+1] == '0' && !isDigit(i-1) && isDigit(i+2) && isDigit(i+3) && !isDigit(i+4) {
			yield(b[i:i+4], int(b[i+2]-'0')*10+int(b[i+3]-'0'))
		}
	}
}

// next returns a copy of w in which a place is about to change.
func (w *saga) next(i int, format string, args ...any) (*saga, *place) {
	n := *w
	n.places, n.parcels, n.mail = slices.Clone(w.places), slices.Clone(w.parcels), slices.Clip(w.mail)
	n.places[i] = n.places[i].clone()
	n.said += fmt.Sprintf(format, args...) + "; "
	n.now++
	return &n, &n.places[i]
}

func (p *place) record(now uint64) {
	p.matrix.Record(now)
	p.sure = p.sure || p.matrix.Confirmed()
}

// receive merges a state with its matrix, and reports whether it was taken.
func (p *place) receive(o *place, now uint64) bool {
	if p.matrix.Check(o.matrix) != nil {
		return false
	}
	p.has.merge(o.has)
	p.twin.merge(o.twin)
	p.knows, p.after = p.knows || o.knows, p.after || o.after
	_, err := p.matrix.Merge(o.matrix)
	p.record(now)
	return err == nil
}

// takes reports whether a message may be merged: not if it is of a life that is over.
func (p *place) takes(m message) bool {
	sealed := p.matrix.Sealed()
	return !p.has.set.Speaks(m.has.set, sealed) && !p.has.count.Speaks(m.has.count, sealed) && sealed.Times().At(base(m.by)) < m.at
}

func base(r vclock.Replica) vclock.Replica {
	name, _ := r.Lineage()
	return name
}

// steps returns what can happen next.
func (w *saga) steps() []*saga {
	var out []*saga
	for i := range w.places {
		if w.places[i].matrix == nil {
			continue
		}
		out = append(out, w.changes(i)...)
		out = append(out, w.exchanges(i)...)
		out = append(out, w.rounds(i)...)
		out = append(out, w.lifes(i)...)
	}
	return out
}

// changes are adds, one removal, and messages that arrive.
func (w *saga) changes(i int) (out []*saga) {
	p := &w.places[i]
	writes := p.sure && (p.gone || p.matrix.Usable() == nil && p.matrix.Confirmed())
	if writes && slices.Contains(w.adders, i) && w.added < w.adds {
		n, p := w.next(i, "%s adds", p.me)
		n.added++
		at := lww.Stamp{Time: hlc.Timestamp(n.now), Replica: base(p.me)}
		m := message{p.has.add(p.me, n.added, at), p.twin.add(p.me, n.added, at), p.me, n.now, p.knows, ""}
		p.after = p.after || p.knows
		m.key = fmt.Sprintf("%s %d %s %s|", m.by, m.at, m.has.key(), m.twin.key())
		n.mail = append(n.mail, m)
		out = append(out, n)
	}
	if writes && !w.removed && i == 0 {
		n, p := w.next(i, "%s removes", p.me)
		n.removed, p.knows = true, true
		at := lww.Stamp{Time: hlc.Timestamp(n.now), Replica: base(p.me)}
		p.has.remove(p.me, at)
		p.twin.remove(p.me, at)
		out = append(out, n)
	}
	for k, m := range w.mail {
		if m.by == p.me || p.gone || !p.takes(m) {
			continue
		}
		n, p := w.next(i, "%s takes message %d", p.me, k)
		p.has.merge(m.has)
		p.twin.merge(m.twin)
		p.after = p.after || m.after
		out = append(out, n)
	}
	return out
}

// exchanges are states that arrive, at once or late.
func (w *saga) exchanges(i int) (out []*saga) {
	p := &w.places[i]
	for k := range w.places {
		if k == i || w.places[k].matrix == nil || w.retire && i == len(w.members)-1 {
			continue
		}
		n, p := w.next(i, "%s merges %s", p.me, w.places[k].me)
		o := &n.places[k]
		*o = o.clone()
		if o.record(n.now); p.receive(o, n.now) {
			out = append(out, n)
		}
		if n, p := w.next(i, "%s hears %s", p.me, w.places[k].me); w.alone {
			if _, err := p.matrix.Merge(n.places[k].matrix); err == nil {
				p.record(n.now)
				out = append(out, n)
			}
		}
	}
	if !w.scope.parcels {
		return out
	}
	if len(w.parcels) == 0 {
		n, p := w.next(i, "%s sends", p.me)
		p.record(n.now)
		n.parcels = append(n.parcels, p.clone())
		out = append(out, n)
	}
	for k := range w.parcels {
		if n, p := w.next(i, "%s gets the parcel of %s", p.me, w.parcels[k].me); p.me != w.parcels[k].me && p.receive(&w.parcels[k], n.now) {
			out = append(out, n)
		}
	}
	return out
}

// rounds are those that begin, and end.
func (w *saga) rounds(i int) (out []*saga) {
	if i != 0 || !w.removed {
		return nil
	}
	if w.places[i].round == nil {
		n, p := w.next(i, "%s begins a round", w.places[i].me)
		round := vclock.NewRound[string, crdt.Context](p.matrix)
		round.Note("set", p.has.set.Context())
		round.Note("count", p.has.count.Context())
		if round.Shut(p.matrix, n.now) == nil {
			row, _ := p.matrix.Row(p.matrix.Owner())
			p.round, p.mark = round, row.At(p.matrix.Owner())
			out = append(out, n)
		}
		return out
	}
	n, p := w.next(i, "%s forgets", w.places[i].me)
	permit, ok := p.round.Done(p.matrix)
	if over := p.matrix.Closed(); !over.IsZero() {
		p.has.close(over)
		p.twin.close(over)
	}
	switch seen := (vclock.Permit[string, crdt.Context]{Seen: map[string]crdt.Context{"set": p.has.set.Context(), "count": p.has.count.Context()}}); {
	case w.hasty, w.stale && p.matrix.Settled() && p.matrix.Stable().At(base(p.me)) >= p.mark:
		permit = seen
	case !ok:
		return out
	}
	n.forgot = p.has.set.Compact(permit.Seen["set"]) || n.forgot
	n.forgot = p.has.count.Compact(permit.Seen["count"]) || n.forgot
	if permit.Horizon > 0 && p.has.row.Latest() > 0 {
		if err := p.has.row.Compact(hlc.Timestamp(permit.Horizon)); err != nil {
			panic(err)
		}
	}
	p.round, p.mark = nil, 0
	return append(out, n)
}

// lifes are newcomers, those who leave, and one that loses its state.
func (w *saga) lifes(i int) (out []*saga) {
	last := len(w.members)
	if w.newcomer && w.places[last].matrix == nil && w.places[i].sure {
		n, p := w.next(i, "%s admits n", w.places[i].me)
		if p.matrix.Admit("n") == nil {
			q := p.clone()
			q.me, q.sure, q.round, q.mark = "n", false, nil, 0
			q.matrix, _ = q.matrix.For("n")
			n.places[last] = q
			out = append(out, n)
		}
	}
	if r := w.members[last-1]; w.retire && i == 1 && w.places[i].matrix.Contains(r) && !w.places[i].gone {
		n, p := w.next(i, "%s retires %s", w.places[i].me, r)
		p.matrix.Retire(r)
		n.places[last-1].gone = true
		out = append(out, n)
	}
	if p := &w.places[i]; w.lives && i == last-1 && p.me == base(p.me) {
		n, p := w.next(i, "%s loses all and goes on", p.me)
		me := vclock.Incarnation(string(p.me), 1)
		*p = place{me: me, matrix: vclock.NewMatrix(p.me, w.members...), has: newObjects(), twin: newObjects(), sure: true}
		if p.matrix.Begin(me, n.now) == nil {
			out = append(out, n)
		}
	}
	return out
}

// wrong returns what a member shows that it should not.
func (w *saga) wrong(atLast bool) string {
	for i := range w.places {
		if p := &w.places[i]; p.matrix != nil && !p.gone {
			if bad := p.has.returned(p.twin, p.after, atLast); bad != "" {
				return fmt.Sprintf("%s at %s", bad, p.me)
			}
		}
	}
	return ""
}

// settled returns w after all messages have arrived that are taken, and all members have exchanged
// their states.
func (w *saga) settled() *saga {
	n, _ := w.next(0, "all exchange")
	for i := range n.places {
		n.places[i] = n.places[i].clone()
	}
	for range 3 {
		for i := range n.places {
			p := &n.places[i]
			for k := range n.places {
				if p.matrix == nil || p.gone || k == i || n.places[k].matrix == nil {
					continue
				}
				n.now++
				n.places[k].record(n.now)
				p.receive(&n.places[k], n.now)
			}
			for _, m := range w.mail {
				if p.matrix != nil && !p.gone && p.takes(m) {
					p.has.merge(m.has)
					p.twin.merge(m.twin)
					p.after = p.after || m.after
				}
			}
		}
	}
	return n
}

// tell plays all histories of a scope, and returns the first that goes wrong, how many
// states there are, and in how many something was forgotten.
func tell(s scope) (wrong string, states, forgot int) {
	first := newSaga(s)
	known := map[string]bool{first.key(): true}
	for level := []*saga{first}; s.depth > 0; s.depth-- {
		var next []*saga
		for _, w := range level {
			for _, n := range w.steps() {
				if s.depth > 1 { // nothing follows the last ones
					k := n.key()
					if known[k] {
						continue
					}
					known[k] = true
					next = append(next, n)
				}
				if states++; n.forgot {
					forgot++
				}
				bad := n.wrong(false)
				if bad == "" && n.forgot {
					bad = n.settled().wrong(true)
				}
				if bad != "" {
					return n.said + bad, states, forgot
				}
			}
		}
		level = next
	}
	return "", states, forgot
}

// deeper is the number of steps that exhaustive tests take beyond the usual ones,
// REJOIN_EXHAUSTIVE, below zero where each step is slow.
func deeper() int {
	more, _ := strconv.Atoi(os.Getenv("REJOIN_EXHAUSTIVE"))
	return more
}

var scopes = map[string]scope{
	"late and repeated messages": {members: []vclock.Replica{"a", "b"}, adders: []int{1}, adds: 2, depth: 6, parcels: true},
	"a newcomer":                 {members: []vclock.Replica{"a", "b"}, adders: []int{1, 2}, adds: 1, depth: 6, newcomer: true},
	"one that is retired":        {members: []vclock.Replica{"a", "b", "c"}, adders: []int{2}, adds: 1, depth: 6, retire: true},
	"one that loses its state":   {members: []vclock.Replica{"a", "b"}, adders: []int{1}, adds: 2, depth: 7, lives: true},
}

// TestRounds plays all short histories of each scope.
func TestRounds(t *testing.T) {
	for name, s := range scopes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.depth += deeper()
			wrong, states, forgot := tell(s)
			require.Empty(t, wrong)
			require.True(t, forgot > 0 || deeper() < 0)
			t.Logf("%d steps: %d states, something was forgotten in %d", s.depth, states, forgot)
		})
	}
}

// TestRoundsNeedEachRule: whatever a round leaves out, something returns.
func TestRoundsNeedEachRule(t *testing.T) {
	for name, change := range map[string]func(*scope){
		"what was seen is forgotten at once":         func(s *scope) { s.hasty = true },
		"what all had before is taken for the notes": func(s *scope) { s.stale = true },
		"matrices travel without states":             func(s *scope) { s.alone = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scopes["late and repeated messages"]
			change(&s)
			wrong, states, _ := tell(s)
			require.NotEmpty(t, wrong)
			t.Logf("%d states: %s", states, wrong)
		})
	}
}
