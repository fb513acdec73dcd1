package lww

import (
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/vclock"
)

// expirer is in place of a replica in the stamp of a tombstone that [Map.Expire] left
// right above the horizon. It is below all names that do not begin with a space, so
// that no write loses to it that has the same time.
const expirer vclock.Replica = " expired"

// expire deletes what was last written before since, and returns the tombstones.
func (c *core[K, V]) expire(since hlc.Timestamp) (d core[K, V]) {
	for i := range c.entries {
		if c.entries[i].time >= since || c.entries[i].deleted() {
			continue
		}
		// The stamp of the value itself: a delete beats it, and nothing that is later.
		// At or below the horizon there are no tombstones, but no writes on their way either.
		v := c.at(i)
		if v.by, v.enc, v.value = gone, "", *new(V); v.time <= c.horizon {
			v.time, v.replica = c.horizon+1, expirer
		}
		c.join(i, &v)
		d.add(&v)
	}
	c.forget()
	return d
}

// Expire deletes every key that was last written before since, and returns the
// deletes as a delta. It has no stamp of its own: a delete gets the one of the value,
// so that it beats that value and nothing else. A heartbeat on its way, of which m has not
// heard, brings the key back; a [Map.Delete] would beat it.
//
//	m.Expire(hlc.At(time.Now().Add(-time.Minute))) // who has been silent for a minute
//
// Equal states expire alike, so each replica may sweep on its own. A [Map.Put] of what is there
// already is no heartbeat: [Map.Touch] is.
//
// As its deletes are as old as what they delete, a replica may have compacted beyond
// them before it hears of them. There the key stays, and may come back from there, until
// that replica sweeps: whoever compacts sweeps too. Expire takes O(n) time for n keys.
func (m *Map[K, V]) Expire(since hlc.Timestamp) (delta *Map[K, V]) {
	return &Map[K, V]{core: m.expire(since)}
}

// Expire removes every element that was last added before since: see [Map.Expire].
func (s *Set[E]) Expire(since hlc.Timestamp) (delta *Set[E]) {
	return &Set[E]{core: s.expire(since)}
}
