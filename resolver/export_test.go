package resolver

import "github.com/rejoin-go/rejoin/vclock"

// Only returns the context of a reader who was shown version i of s and none of
// the others.
func (s *Siblings[T]) Only(i int) Context {
	e := &s.entries[i]
	return Context{epoch: s.level, of: s.epoch, dot: e.Stamp, found: !e.Deleted}
}

// Past returns the times that c covers.
func (c Context) Past() vclock.Clock { return c.past }
