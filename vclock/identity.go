package vclock

import "fmt"

// An Identity is what a replica keeps of itself where nothing that restores its
// store reaches: in the deployment, or in a table of leases. It tells at the
// start whether the store is the one that was written last.
//
// The store counts its commits, in the transaction of each. If the count is as
// it was when the replica last stopped, it goes on as what it was. Else, after
// a crash that may have lost commits, a restore, a copy, or as a standby that
// takes over, it goes on as the next incarnation, at once, and asks nobody:
//
//	id, me := id.Start(commits) // commits: as the store has it; keep id, then:
//	err := matrix.Begin(me, now)
//	// write as me; at a clean stop:
//	id = id.Stop(commits) // keep id
//
// If the Identity was restored with the machine, ask all members: see
// [Identity.Above]. Rights in a counter with a bound are reclaimed, not taken
// over by an incarnation. An Identity is immutable, with fields to be stored.
type Identity struct {
	Name        Replica // without incarnation
	Incarnation uint64  // the latest that has begun
	Stopped     bool    // it has stopped, and not begun since
	Commits     uint64  // of the store, when it stopped
}

// NewIdentity returns the identity of a replica that has never begun and has an
// empty store. It panics if name is invalid.
func NewIdentity(name Replica) Identity {
	name.mustBeValid()
	return Identity{Name: name, Stopped: true}
}

// Start returns the identity to keep before the first write, and the replica to
// write as, given the commits that the store has. It panics after
// [MaxIncarnation].
func (id Identity) Start(commits uint64) (Identity, Replica) {
	if !id.Stopped || id.Commits != commits {
		id.Incarnation++
	}
	id.Stopped, id.Commits = false, 0
	return id, Incarnation(string(id.Name), id.Incarnation)
}

// Stop returns the identity to keep after the last commit.
func (id Identity) Stop(commits uint64) Identity {
	id.Stopped, id.Commits = true, commits
	return id
}

// Above returns the identity of a replica that may have gone back with its
// store: the next start is above all that a member has heard of, as its matrix
// says. Ask all members, and retire one that cannot be asked.
func (id Identity) Above(m *Matrix) Identity {
	id.Incarnation = max(id.Incarnation, m.declared.lives.At(id.Name))
	id.Stopped, id.Commits = false, 0
	return id
}

// String returns the name as which the replica wrote last.
func (id Identity) String() string {
	if id.Incarnation == 0 {
		return string(id.Name)
	}
	return fmt.Sprintf("%s#%d", string(id.Name), id.Incarnation)
}
