package lives_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// A member is a replica with its store: a set, a counter and a map of sets, and the
// model of them. Every write has a number; counters count powers of two.
type member struct {
	life
	set   *crdt.ORSet[int]
	count *crdt.PNCounter
	carts *crdt.ORMap[string, *crdt.ORSet[int]]

	added, removed     map[int]bool // of the set and the map
	counted, uncounted map[int]bool
}

func (m *member) clone() *member {
	c := *m
	c.life, c.set, c.count, c.carts = m.life.clone(), m.set.Clone(), m.count.Clone(), m.carts.Clone()
	c.added, c.removed = maps.Clone(m.added), maps.Clone(m.removed)
	c.counted, c.uncounted = maps.Clone(m.counted), maps.Clone(m.uncounted)
	return &c
}

// shown returns the elements of the set and of the map.
func (m *member) shown() map[int]bool {
	got := map[int]bool{}
	for n := range m.set.All() {
		got[n] = true
	}
	for _, s := range m.carts.All() {
		for n := range s.All() {
			got[n] = true
		}
	}
	return got
}

// wrong returns how the store differs from the model.
func (m *member) wrong() string {
	want := map[int]bool{}
	for n := range m.added {
		if !m.removed[n] {
			want[n] = true
		}
	}
	if got := m.shown(); !maps.Equal(got, want) {
		return fmt.Sprintf("%s shows %v, want %v", m.me, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	sum := int64(0)
	for n := range m.counted {
		if !m.uncounted[n] {
			sum += 1 << n
		}
	}
	if value, _ := m.count.Total(); value != sum {
		return fmt.Sprintf("%s counts %b, want %b", m.me, value, sum)
	}
	return ""
}

// A delta is the add of a number on its way through a broker.
type delta struct {
	set *crdt.ORSet[int]
	n   int
	by  vclock.Replica
}

// isOver reports whether the incarnation that made d is over.
func (d delta) isOver(c vclock.Closing) bool {
	name, life := d.by.Lineage()
	for r, n := range c.All() {
		if r == name {
			return n > life
		}
	}
	return false
}

// A world is a store of several members, and what a procedure leaves out.
type world struct {
	rng     *rand.Rand
	now     uint64
	writes  int
	members []*member
	parcels []*member
	deltas  []delta
	said    []string

	same      bool // a restart goes on under the same incarnation
	unsealed  bool // sealed events are taken out of the broker
	impatient bool // a member closes what it alone has sealed
	hasty     bool // a member forgets without waiting for others
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 11))}
	for _, l := range founders("a", "b", "c") {
		w.members = append(w.members, &member{
			life: l,
			set:  new(crdt.ORSet[int]), count: new(crdt.PNCounter), carts: new(crdt.ORMap[string, *crdt.ORSet[int]]),
			added: map[int]bool{}, removed: map[int]bool{}, counted: map[int]bool{}, uncounted: map[int]bool{},
		})
	}
	return w
}

func (w *world) say(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func (w *world) step() {
	m := w.members[w.rng.IntN(len(w.members))]
	switch w.rng.IntN(14) {
	case 0, 1, 2, 3:
		w.write(m)
	case 4, 5:
		w.record(m)
		w.parcels = append(w.parcels, m.clone())
		w.say("%s sends", m.me)
	case 6, 7, 8:
		if n := len(w.parcels); n > 0 {
			w.receive(m, w.parcels[n-1-min(w.rng.IntN(4), w.rng.IntN(n))])
		}
	case 9:
		if len(w.deltas) > 0 {
			w.take(m, w.deltas[w.rng.IntN(len(w.deltas))])
		}
	case 10:
		w.forget(m)
	case 11:
		w.restart(m)
	case 12:
		if o := w.members[w.rng.IntN(len(w.members))]; o != m && len(w.members) > 2 && w.rng.IntN(4) == 0 {
			w.say("%s retires %s", m.me, o.me)
			m.matrix.Retire(o.id.Name)
			w.members = slices.DeleteFunc(w.members, func(x *member) bool { return x == o })
		}
	case 13:
		w.admit(m)
	}
}

func (w *world) write(m *member) {
	if !m.sure || m.matrix.Usable() != nil || w.writes > 55 {
		return
	}
	n := w.writes
	w.writes++
	switch w.rng.IntN(6) {
	case 0, 1:
		w.deltas = append(w.deltas, delta{m.set.Add(m.me, n), n, m.me})
		m.added[n] = true
		w.say("%s adds %d", m.me, n)
	case 2:
		m.carts.Update(m.me, "k", func(s *crdt.ORSet[int]) { s.Add(m.me, n) })
		m.added[n] = true
		w.say("%s puts %d", m.me, n)
	case 3:
		m.set.Clear(m.me)
		m.carts.Clear(m.me)
		maps.Copy(m.removed, m.added)
		w.say("%s clears", m.me)
	case 4:
		m.count.Add(m.me, 1<<n)
		m.counted[n] = true
		w.say("%s counts %d", m.me, n)
	case 5:
		m.count.Reset(m.me)
		maps.Copy(m.uncounted, m.counted)
		w.say("%s resets", m.me)
	}
}

func (w *world) time() uint64 {
	w.now++
	return w.now
}

func (w *world) record(m *member) { m.record(w.time()) }

// open begins a round of collection, if none is open and m may.
func (w *world) open(m *member) {
	if m.round != nil {
		return
	}
	round := vclock.NewRound[string, crdt.Context](m.matrix)
	round.Note("count", m.count.Context())
	if round.Shut(m.matrix, w.time()) == nil {
		m.round = round
	}
}

func (w *world) receive(m, p *member) {
	if m.matrix.Check(p.matrix) != nil {
		return
	}
	w.say("%s gets %s", m.me, p.me)
	m.set.Merge(p.set)
	m.count.Merge(p.count)
	m.carts.Merge(p.carts)
	maps.Copy(m.removed, p.removed)
	maps.Copy(m.uncounted, p.uncounted)
	if m.sure && p.sure {
		maps.Copy(m.added, p.added)
		maps.Copy(m.counted, p.counted)
	} else {
		m.adopt(p)
	}
	if _, err := m.matrix.Merge(p.matrix); err != nil {
		panic(err)
	}
	w.record(m)
}

// adopt takes over what a merge with p left, where one of the two is not confirmed: what
// such a one alone has is given up when others close without having heard of it.
func (m *member) adopt(p *member) {
	shown := m.shown()
	value, _ := m.count.Total()
	for n := range p.added {
		if shown[n] || m.removed[n] || m.added[n] {
			m.added[n] = true
		}
	}
	for n := range p.counted {
		if value>>n&1 == 1 || m.uncounted[n] {
			m.counted[n] = true
		}
	}
	if !m.sure {
		maps.DeleteFunc(m.added, func(n int, _ bool) bool { return !shown[n] && !m.removed[n] })
		maps.DeleteFunc(m.counted, func(n int, _ bool) bool { return value>>n&1 == 0 && !m.uncounted[n] })
	}
}

// take takes a delta out of the broker.
func (w *world) take(m *member, d delta) {
	if !w.unsealed && m.set.Speaks(d.set, m.matrix.Sealed()) {
		return
	}
	w.say("%s takes %d", m.me, d.n)
	m.set.Merge(d.set)
	if m.shown()[d.n] || !d.isOver(m.matrix.Sealed()) {
		m.added[d.n] = true // else it came late, and is given up
	}
}

// forget closes what may be closed, and forgets what may be forgotten.
func (w *world) forget(m *member) {
	if m.round == nil {
		w.open(m)
		return
	}
	permit, done := m.round.Done(m.matrix)
	over := m.matrix.Close()
	if w.impatient {
		over = m.matrix.Sealed()
	}
	m.set.Close(over)
	m.count.Close(over)
	m.carts.Close(over)
	if w.hasty {
		m.count.Compact(m.count.Context())
	}
	if done {
		m.count.Compact(permit.Seen["count"])
		m.round = nil
		w.say("%s forgets", m.me)
	}
}

// restart lets a member crash and go on from what it once was.
func (w *world) restart(m *member) {
	for _, p := range slices.Backward(w.parcels) {
		if p.id.Name != m.id.Name || w.rng.IntN(3) > 0 {
			continue
		}
		now := m.life
		*m = *p.clone()
		m.life = now
		m.restart(p.life, w.same, w.time)
		w.say("%s goes on from an older state", m.me)
		return
	}
}

func (w *world) admit(m *member) {
	if len(w.members) > 3 {
		return
	}
	if l, ok := m.admit(vclock.Replica(fmt.Sprint("n", w.now, "x", len(w.said)))); ok {
		c := m.clone()
		c.life = l
		w.members = append(w.members, c)
		w.say("%s admits %s", m.me, l.me)
	}
}

// settle lets all merge all, until all are equal.
func (w *world) settle() string {
	for range 3 {
		for _, m := range w.members {
			for _, o := range w.members {
				w.record(o)
				m.meet(&o.life)
				w.receive(m, o.clone())
				if wrong := m.wrong(); wrong != "" {
					return wrong
				}
			}
		}
	}
	sure := slices.DeleteFunc(slices.Clone(w.members), func(m *member) bool { return !m.sure }) // else its sponsor went back
	for _, m := range sure {
		if o := sure[0]; !m.set.Equal(o.set) || !m.carts.Equal(o.carts) {
			return fmt.Sprintf("%s and %s differ", m.me, o.me)
		}
	}
	return ""
}

// play runs n worlds from a first seed on, and returns what is wrong in the first that goes
// wrong.
func play(first uint64, n int, change func(*world)) (string, []string) {
	for seed := range uint64(n) {
		w := newWorld(first + seed)
		change(w)
		for range 80 {
			w.step()
			for _, m := range w.members {
				if wrong := m.wrong(); wrong != "" {
					return wrong, w.said
				}
			}
		}
		if wrong := w.settle(); wrong != "" {
			return wrong, w.said
		}
	}
	return "", nil
}

// TestLives: what a member has merged it shows until somebody removes it, whoever
// comes, goes, crashes, closes and forgets, and in the end all show the same.
func TestLives(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 60
	}
	wrong, said := play(0, n, func(*world) {})
	require.Empty(t, wrong, "%q", said)
}

// TestLivesNeedTheProcedure: each shortcut loses something, or brings it back.
func TestLivesNeedTheProcedure(t *testing.T) {
	for name, shortcut := range map[string]struct {
		first  uint64 // the seed to begin with: one of them is rare
		change func(*world)
	}{
		"a restart goes on under the same incarnation": {0, func(w *world) { w.same = true }},
		"sealed events are taken out of the broker":    {13_000, func(w *world) { w.unsealed = true }},
		"a member closes what it alone has sealed":     {0, func(w *world) { w.impatient = true }},
		"a member forgets without waiting":             {0, func(w *world) { w.hasty = true }},
	} {
		t.Run(name, func(t *testing.T) {
			wrong, said := play(shortcut.first, 5000, shortcut.change)
			require.NotEmpty(t, wrong)
			t.Logf("%s: after %d steps", wrong, len(said))
		})
	}
}
