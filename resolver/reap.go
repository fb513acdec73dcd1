package resolver

import (
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// Reap drops the deletes of a key that holds nothing else, or no version, once
// everybody has merged them, and reports whether it did; the store may then
// forget the key. One that was adopted stays: see [Siblings.Seed].
//
// Stable is what every replica is known to have merged of every other, as
// [vclock.Matrix.Stable] says of a matrix of hlc times, a name without an
// incarnation for all lives of the replica; now is the reading of the local
// clock. A store that forgets keys starts those that it does not have with
// [NewSiblings], under its latest stable, so that no late message brings one
// back, and no new write is taken for one deleted. Reap returns an
// [*AheadError] if a time in s or in stable is after now, as new writes of the
// key would be stamped before it.
//
// # Hazard
//
// A replica that reports the reading of its clock, as a matrix of times needs,
// must not issue an earlier time after a restart: its clock is an
// [hlc.Durable]. One that comes back from a backup merges a current set of the
// key before it reaps: it may lack what is stable. A client that read the key
// before the delete, and writes after it was reaped, writes it anew, without a
// conflict.
func (s *Siblings[T]) Reap(stable vclock.Clock, now hlc.Timestamp) (bool, error) {
	if s.live() || !coversLives(stable, s.past) {
		return false, nil
	}
	if err := ahead(stable, lww.Stamp{}, now, 0); err != nil { // no time in the past is later
		return false, err
	}
	if s.floor > now {
		return false, &AheadError{Stamp: lww.Stamp{Time: s.floor}, Now: now}
	}
	s.past, s.floor, s.entries = stable, max(s.floor, latest(stable)), nil
	return true, nil
}

// coversLives reports whether stable covers past, where a row of a matrix is of a replica
// through all its lives, and each life writes under a name of its own.
func coversLives(stable, past vclock.Clock) bool {
	for r, t := range past.All() {
		if name, _ := r.Lineage(); t > max(stable.At(r), stable.At(name)) {
			return false
		}
	}
	return true
}
