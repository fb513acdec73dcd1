package crdt

import (
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// ClockOf returns the part of a context that has no gaps: what a replica reports
// to a [vclock.Matrix].
func ClockOf(c Context) (clock vclock.Clock) {
	if c.past != nil {
		for i, r := range c.past.names {
			clock = clock.With(r, c.past.seen[i].prefix)
		}
	}
	return clock
}

// Events returns the dots of a set and what each of them did.
func Events(s *RWSet[string]) map[vclock.Dot]string {
	all := map[vclock.Dot]string{}
	s = s.whole()
	s.events(func(d dot, what string) { all[s.root.name(d)] = what })
	return all
}

// KnownReplicas returns the number of replicas that a causal state has names of,
// whether it has seen anything of them or not.
func KnownReplicas(x any) int {
	if r := x.(interface{ rootOf() *root }).rootOf(); r != nil {
		return len(r.names)
	}
	return 0
}

// Colliding returns those of the first n integers whose hashes in s agree in the
// bits that its index has.
func Colliding(s *ORSet[int], n int) []int {
	st := s.ready()
	first := map[uint64]int{}
	var all []int
	for e := range n {
		h := st.hash(e)
		if o, ok := first[h]; ok {
			all = append(all, o, e)
		}
		first[h] = e
	}
	return all
}

// Pages returns how many pages s has ever had at once.
func Pages(s *ORSet[int]) int { return len(s.store.pages) - 1 }

// MissingCounter returns what a lacks of b, told by contexts and dots alone: of b's
// tallies those with a dot that a has not seen, and a context of their dots, of what
// only b has seen, and of what b knows to be gone and a holds.
func MissingCounter(a, b *PNCounter) *PNCounter {
	a, b = a.state(), b.state()
	d := new(PNCounter)
	d.tallies = missingTallies(b, d.change(), missingContext(a, b, d.change(), a.root, b.root))
	return d
}

// MissingCounters is MissingCounter of maps.
func MissingCounters(a, b *ORMap[string, *PNCounter]) *ORMap[string, *PNCounter] {
	d := new(ORMap[string, *PNCounter])
	lacks := missingContext(a, b, d.change(), a.root, b.root)
	for key, v := range b.entries {
		c := v.fresh(d.root)
		c.tallies = missingTallies(v, d.root, lacks)
		d.settle(key, c)
	}
	return d
}

// missingContext adds to r what the context of the delta has beside the dots of its
// tallies, and returns a function that reports whether a has not seen a dot of b's.
func missingContext(a, b interface{ dots(yield func(dot)) }, r, aRoot, bRoot *root) func(dot) bool {
	if bRoot == nil {
		return nil
	}
	lacks := func(d dot) bool {
		if aRoot == nil {
			return true
		}
		i, ok := aRoot.lookup(bRoot.names[d.replica])
		return !ok || !aRoot.seen[i].contains(d.seq)
	}
	for i, name := range bRoot.names {
		for s := range bRoot.seen[i].all() {
			for seq := s.lo; seq <= s.hi; seq++ {
				if lacks(dotOf(uint32(i), seq)) {
					r.see(r.dot(vclock.Dot{Replica: name, Seq: seq}))
				}
			}
		}
	}
	live := map[vclock.Dot]bool{}
	b.dots(func(d dot) { live[bRoot.name(d)] = true })
	a.dots(func(d dot) {
		name := aRoot.name(d)
		if i, ok := bRoot.lookup(name.Replica); ok && bRoot.seen[i].contains(name.Seq) && !live[name] {
			r.see(r.dot(name))
		}
	})
	return lacks
}

// missingTallies returns those of b's tallies that have a dot that the other side
// lacks, in terms of r, which sees their dots.
func missingTallies(b *PNCounter, r *root, lacks func(dot) bool) []tally {
	var all []tally
	for _, t := range b.tallies {
		some := false
		t.dots(func(d dot) { some = some || lacks(d) })
		if !some {
			continue
		}
		u := t
		u.replica = r.intern(b.root.names[t.replica])
		if t.hasReset() {
			u.tag = r.dot(b.root.name(t.tag))
		}
		if !t.isLive() {
			r.see(dotOf(u.replica, u.upto))
		}
		u.dots(func(d dot) { r.see(d) })
		all = append(all, u)
	}
	slices.SortFunc(all, func(x, y tally) int { return int(x.replica) - int(y.replica) })
	return all
}
