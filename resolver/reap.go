package resolver

import (
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// Reap drops the deletes of a key that holds nothing else, once everybody has
// merged them, and reports whether it did; the store may then forget the key.
// A key without any version is dropped likewise, one that was adopted never:
// see [Siblings.Seed].
//
// Stable is what every replica is known to have merged of every other, as
// [vclock.Matrix.Stable] says of a matrix of hlc times; now is the reading of
// the local clock. A name without an incarnation in it stands for all lives of the
// replica. A store that forgets keys starts every key that it does not
// have with NewSiblings, with the latest stable that it reaped under:
// so no late message brings a deleted key back, and no new write is taken for
// one that was deleted.
//
// Reap returns an [*AheadError] if a time in s or in stable is ahead of now: a
// delete from the future is kept until the future has come, since new writes of
// the key would not be stamped after it.
//
// # Hazard
//
// A replica that reports the reading of its clock, as a matrix of times needs,
// must not issue an earlier time after a restart: its clock is an [hlc.Durable].
// One that comes back from a backup merges a current set of the key before it
// reaps: what is stable it may not have.
//
// A client that read the key before it was deleted, and writes after it was
// reaped, writes it anew: there is no delete left to conflict with.
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
