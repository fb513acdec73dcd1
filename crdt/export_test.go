package crdt

import "github.com/rejoin-go/rejoin/vclock"

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
