package vclock

import "fmt"

// An Identity is what a replica keeps of itself outside of its store, where nothing that
// restores the store reaches it: in the deployment, or in a table of leases. It tells
// at the start whether the store is the one that was written last.
//
// The store counts its commits, in the transaction of each. Where the count is what it
// was when the replica last stopped, it goes on as what it was. Anything else, a crash that may have lost
// the last commits, a restored database, a copy, a standby that takes over, goes on as the next
// incarnation, at once, and asks nobody:
//
//	id, me := id.Start(commits) // commits: as the store has it
//	// keep id, then:
//	err := matrix.Begin(me, now)
//	// write as me; at a clean stop:
//	id = id.Stop(commits)
//	// keep id
//
// Where the machine was restored, and the Identity with it, the number must be asked of
// all members: see [Identity.Above]. Rights in a counter with a bound are not taken over
// by an incarnation: they are reclaimed.
//
// An Identity is immutable; its fields are there to be stored.
type Identity struct {
	Name        Replica // without incarnation
	Incarnation uint64  // the latest that has begun
	Stopped     bool    // it has stopped, and not begun since
	Commits     uint64  // of the store, when it stopped
}

// NewIdentity returns the identity of a replica that has never begun and has an empty
// store. It panics if name is invalid.
func NewIdentity(name Replica) Identity {
	name.mustBeValid()
	return Identity{Name: name, Stopped: true}
}

// Start returns the replica to write as, given the number of commits that the store
// has now, and the identity to keep before the first write. It panics if
// there are no incarnations left.
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

// Above returns the identity of a replica that may have gone back with its store: the
// next start begins an incarnation above all that a member has heard of, as its matrix
// says. All members are asked; one that cannot be is retired.
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
