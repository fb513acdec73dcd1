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

// Expire deletes every key last written before since, and returns the deletes
// as a delta. A delete gets the stamp of the value, so it beats that and
// nothing later: a heartbeat on its way, by [Map.Touch], brings the key back. A
// value at or below the horizon is deleted right above the horizon.
//
//	m.Expire(hlc.At(time.Now().Add(-time.Minute))) // who has been silent for a minute
//
// Equal states expire alike, so each replica may sweep on its own. One that
// compacted beyond the deletes before it heard of them keeps the keys, and may
// bring them back, until it sweeps: whoever compacts sweeps too.
func (m *Map[K, V]) Expire(since hlc.Timestamp) (delta *Map[K, V]) {
	return &Map[K, V]{core: m.expire(since)}
}

// Expire removes every element last added before since: see [Map.Expire].
func (s *Set[E]) Expire(since hlc.Timestamp) (delta *Set[E]) {
	return &Set[E]{core: s.expire(since)}
}
