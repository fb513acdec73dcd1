package vclock

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/rejoin-go/rejoin/internal/nocopy"
)

// A Matrix is what one member of a group knows of the group: who its members
// are, what each has merged, and which of their lives are over. It belongs to a
// store, not to an object in it, and travels with the store's state.
//
// It tells what a store may forget: a tombstone, or a remembered removal, once
// every member has merged it, since then no message arrives that needs it (see
// [Round]); and when the numbers of a dead incarnation may be closed.
//
// # One message
//
// A state and the matrix of who has it travel as one message. In one
// transaction, ask the matrix ([Matrix.Check]), merge the state, all objects of
// it, then the matrix ([Matrix.Merge]), and record what is here now
// ([Matrix.Record]). A matrix, or a row of it, without its state says that
// somebody has seen a removal while what that one wrote before may still be on
// its way. Smaller messages, such as a delta of one object through a broker,
// have no matrix: ask [Matrix.Sealed] of them.
//
// # Numbers
//
// Numbers are times, not those of events in some object: a row says that its
// member has merged all that another one had when that one's clock read so. Any
// number will do that a member raises whenever it takes a state to send.
//
// Every replica that writes must be a member. One that is never heard of holds
// everything back, which is the safe side: see [Matrix.Retire].
//
// The zero Matrix has no owner and no members, and says that nothing is stable;
// it is for decoding. A Matrix is not safe for concurrent use. It holds O(n²)
// numbers for n members; Merge, Stable, Floor and the methods of a Round take
// O(n²) time.
//
// See Wuu, Bernstein, “Efficient Solutions to the Replicated Log and Dictionary
// Problems”, PODC 1984, for the idea of a two-dimensional clock.
type Matrix struct {
	_ nocopy.NoCopy
	matrixState
}

// A matrixState is what a Matrix holds, so that one in a struct has its JSON there.
type matrixState struct {
	owner    Replica  // as which it writes: with its incarnation
	was      standing // the owner's when somebody was admitted last; see Matrix.standing
	members  []member // ascending by name; who was retired stays until that is closed
	declared Closing  // what is over, and sealed by everybody who has this matrix
	closed   Closing  // what everybody may close; part of declared
}

// A member is a row: what a member had merged when it last said so, and what its
// matrix was like then. A later incarnation of the member says nothing of what an earlier
// one had, so the latest counts alone.
type member struct {
	name      Replica
	life      uint64 // the incarnation that said so
	row       Clock
	sealed    Closing
	strangers []Replica // the members that its matrix did not name; ascending
}

// A standing is how far the others wait for the owner of a matrix. It only rises, until
// another incarnation begins, though who is admitted later has not named the owner:
// that one waits for it, as its sponsor does.
type standing uint8

const (
	newcomer  standing = iota // some do not
	named                     // all wait for its name
	confirmed                 // and for its incarnation
)

func compareMember(m member, r Replica) int { return cmp.Compare(m.name, r) }

// NewMatrix returns the matrix of owner in a group that begins with the given
// members, and owner. Each begins with a matrix of the same members; who comes
// later is admitted: see [Matrix.Admit]. A member is a name without
// incarnation, which stays one through all its lives. NewMatrix panics if one
// is invalid.
func NewMatrix(owner Replica, members ...Replica) *Matrix {
	m := &Matrix{matrixState: matrixState{owner: owner}}
	for _, r := range append([]Replica{owner}, members...) {
		r.mustBeValid()
		name, _ := r.Lineage()
		m.enter(name)
	}
	return m
}

// self returns the name of the owner, without its incarnation.
func (m *Matrix) self() Replica {
	name, _ := m.owner.Lineage()
	return name
}

func (m *Matrix) find(r Replica) (int, bool) {
	return slices.BinarySearchFunc(m.members, r, compareMember)
}

// enter makes r a member and returns where it is.
func (m *Matrix) enter(r Replica) int {
	i, ok := m.find(r)
	if !ok {
		m.members = slices.Insert(m.members, i, member{name: r})
	}
	return i
}

// Owner returns the member whose matrix this is, with its present incarnation.
func (m *Matrix) Owner() Replica { return m.owner }

// Record notes what the owner has now, at the reading of its clock: all that it
// has written, and what those had whose states it has merged. It reports
// whether that is news. What the owner writes from now on is later than now.
// Record after a message is merged, and before a state is sent. It does nothing
// if the owner is no member any more.
//
// An incarnation that follows another says nothing of its own writes until it
// may close what went before ([Matrix.Closing]), of which it may lack what
// others have.
func (m *Matrix) Record(now uint64) bool {
	self := m.self()
	i, ok := m.find(self)
	if !ok {
		return false
	}
	x := &m.members[i]
	before := *x
	for k := range m.members {
		x.row = x.row.Join(m.members[k].row)
	}
	x.sealed, x.strangers = m.declared, nil
	if _, life := m.owner.Lineage(); m.Closing().lives.At(self) >= life {
		x.row = x.row.With(self, max(now, x.row.At(self)))
	}
	return !x.equal(&before)
}

// equal reports whether x and y are the same row.
func (x *member) equal(y *member) bool {
	return x.name == y.name && x.life == y.life && x.row.Equal(y.row) && x.sealed.Equal(y.sealed) && slices.Equal(x.strangers, y.strangers)
}

// A MemberError says why a replica has no say in a group.
type MemberError struct {
	Replica Replica // the one in question
	Retired bool    // it was a member, and is none for good
	Over    bool    // it is an incarnation that another one has followed
	// Unconfirmed is set for a newcomer that has not heard of all members yet.
	Unconfirmed bool
}

func (e *MemberError) Error() string {
	why := "is not a member"
	switch {
	case e.Retired:
		why = "was retired"
	case e.Over:
		why = "was followed by another incarnation"
	case e.Unconfirmed:
		why = "is not confirmed by all members yet"
	}
	return fmt.Sprintf("vclock: %q %s", string(e.Replica), why)
}

// Admit makes r a member, for whom m waits from now on. Its sponsor, the owner
// of m, admits it, then takes the snapshot from which it begins: a copy of the
// state with m, by [Matrix.For]. It has no effect if r is a member, panics if r
// is invalid, and returns a [*MemberError] if r was retired.
func (m *Matrix) Admit(r Replica) error {
	r.mustBeValid()
	r, _ = r.Lineage()
	if m.declared.isGone(r) {
		return &MemberError{Replica: r, Retired: true}
	}
	if _, ok := m.find(r); ok {
		return nil
	}
	m.was = m.standing()
	others := m.names()
	for i := range m.members {
		if x := &m.members[i]; x.name != m.self() {
			x.strangers = with(x.strangers, r)
		}
	}
	m.members[m.enter(r)].strangers = others
	return nil
}

// names returns the names of the members and of those that are leaving.
func (m *Matrix) names() []Replica {
	var names []Replica
	for i := range m.members {
		names = append(names, m.members[i].name)
	}
	return names
}

// with returns names, which ascend, with r.
func with(names []Replica, r Replica) []Replica {
	if i, ok := slices.BinarySearch(names, r); !ok {
		return slices.Insert(slices.Clone(names), i, r)
	}
	return names
}

// For returns a copy of m for r, a newcomer that begins from the state that m
// came with. It returns a [*MemberError] if m does not name r as a member: the
// sponsor has not admitted it, or took the snapshot before.
func (m *Matrix) For(r Replica) (*Matrix, error) {
	if name, _ := r.Lineage(); !m.Contains(name) {
		return nil, &MemberError{Replica: r, Retired: m.declared.isGone(name)}
	}
	c := m.Clone()
	if c.owner = r; r != m.owner {
		c.was = newcomer
	}
	return c, nil
}

// Confirmed reports whether the others wait for the owner: whether every member
// that m names has sent it a state whose matrix named it, in this incarnation.
// Then it stays so, whoever is admitted later, until another incarnation of it
// begins.
//
// A newcomer that is not confirmed reads, merges and sends its state; it does
// not write, count or collect. If its sponsor is retired before, another admits
// it; it begins from that one's snapshot only if it has sent nothing. A new incarnation of a member writes at once, except where a removal
// wins over concurrent changes, as in an RWSet of package crdt: until others
// wait for it, they may have forgotten one that it has not seen.
func (m *Matrix) Confirmed() bool { return m.standing() == confirmed }

// standing returns how far the others wait for the owner.
func (m *Matrix) standing() standing {
	self := m.self()
	_, life := m.owner.Lineage()
	switch {
	case !m.Contains(self):
		return newcomer
	case m.isStranger(self):
		return m.was
	case slices.ContainsFunc(m.members, func(x member) bool {
		return x.sealed.lives.At(self) < life && !m.declared.isGone(x.name)
	}):
		return max(m.was, named)
	}
	return confirmed
}

// isStranger reports whether there is a member whose matrix did not name r when it was
// last heard of.
func (m *Matrix) isStranger(r Replica) bool {
	return slices.ContainsFunc(m.members, func(x member) bool {
		_, stranger := slices.BinarySearch(x.strangers, r)
		return stranger && !m.declared.isGone(x.name)
	})
}

// Contains reports whether r is a member.
func (m *Matrix) Contains(r Replica) bool {
	_, ok := m.find(r)
	return ok && !m.declared.isGone(r)
}

// Begin makes r, an incarnation of the owner, the one that it writes as: its
// predecessors are dead, and what they wrote that no member has merged is given
// up. Only the owner can know this. At is the reading of its clock, later than
// all that they wrote. It has no effect if r is the owner.
//
// It returns a [*MemberError] if r is no incarnation of the owner, or a later
// one has begun, and an error if at is not after the last beginning, or above
// the largest int64.
func (m *Matrix) Begin(r Replica, at uint64) error {
	name, life := r.Lineage()
	before := m.declared.since.At(name)
	switch {
	case name != m.self():
		return &MemberError{Replica: r}
	case m.declared.IsOver(r):
		return &MemberError{Replica: r, Over: true, Retired: m.declared.isGone(name)}
	case life == m.declared.lives.At(name):
	case at <= before:
		return fmt.Errorf("vclock: %q begins at %d, not after %d, when an incarnation before it did", string(r), at, before)
	case at > math.MaxInt64:
		return fmt.Errorf("vclock: %q begins at %d, above the largest time", string(r), at)
	default:
		m.was = m.standing()
		m.declared = m.declared.Join(closingOf(name, life, at))
		names := m.names()
		i := m.enter(name)
		m.members[i] = member{name: name, life: life, strangers: unless(names, func(r Replica) bool { return r == name })}
	}
	if r != m.owner {
		m.owner, m.was = r, min(m.was, named)
	}
	return nil
}

// Usable returns nil if the owner may write, else a [*MemberError]: its life is
// over, it is no member, or a newcomer not confirmed. Ask before the first
// write and after each merge. The admission of others stops nobody.
func (m *Matrix) Usable() error {
	name := m.self()
	switch {
	case m.declared.IsOver(m.owner):
		return &MemberError{Replica: m.owner, Over: true, Retired: m.declared.isGone(name)}
	case !m.Contains(name):
		return &MemberError{Replica: m.owner}
	case m.standing() == newcomer:
		return &MemberError{Replica: m.owner, Unconfirmed: true}
	}
	return nil
}

// Retire takes members out of the group for good: they will not be heard of
// again, and their names cannot come back. It ignores all who are not members.
//
// It seals all of a name: see [Matrix.Sealed]. Until every remaining member has
// reported a state of after it heard of this, a retired one still counts in
// [Matrix.Stable] and [Matrix.Floor], as one of them may have something that it
// wrote, on its way to the others. What it wrote is safe, and nothing of it
// returns.
func (m *Matrix) Retire(replicas ...Replica) {
	for _, r := range replicas {
		if m.Contains(r) {
			m.declared = m.declared.Join(closingOf(r, gone, forever))
		}
	}
}

// Sealed returns what is over as far as the owner knows. From then on the owner
// takes events of these lives only out of states of members, which come with a
// matrix, and never out of a message of a broker, of the dead replica itself,
// or of a backup: refuse those that speak of sealed events not seen here, which
// the method Speaks of a state tells, and log them, as nobody will have what
// they say. Who is admitted inherits the seals.
func (m *Matrix) Sealed() Closing { return m.declared }

// Closing returns what may be closed: what every member has sealed, and has
// since told what it then had. Those states are merged here, so all that any
// member has of those lives is here too, and no more will ever be taken.
func (m *Matrix) Closing() Closing {
	var c Closing
	for i, first := 0, true; i < len(m.members); i++ {
		x := &m.members[i]
		switch {
		case m.declared.isGone(x.name):
		case first:
			c, first = x.sealed, false
		default:
			c = c.Meet(x.sealed)
		}
	}
	return m.closed.Join(c)
}

// Close closes what may be closed, as far as m knows, and returns it; those who
// were retired are then forgotten, but for their names. Close every state of
// the store with the result as it is next touched, in the same transaction: its
// contexts then have one number for all lives that are over. Members close when
// they like: closed states and others merge.
func (m *Matrix) Close() Closing {
	m.closed = m.Closing()
	m.forget()
	return m.closed
}

// Closed returns what the owner, or one whose state it has merged, has closed.
func (m *Matrix) Closed() Closing { return m.closed }

// forget removes those whose retirement is closed.
func (m *Matrix) forget() {
	left := func(r Replica) bool { return m.closed.isGone(r) }
	m.members = slices.DeleteFunc(m.members, func(x member) bool { return left(x.name) })
	for i := range m.members {
		if x := &m.members[i]; slices.ContainsFunc(x.strangers, left) {
			x.strangers = unless(x.strangers, left)
		}
	}
}

// unless returns those of names that are not, and nil for none.
func unless(names []Replica, are func(Replica) bool) []Replica {
	var kept []Replica
	for _, r := range names {
		if !are(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

var errNoOwner = errors.New("vclock: matrix without an owner")

// Check returns an error if a state that came with the matrix o must not be
// merged: a [*MemberError] if the owner of o was retired, is an incarnation
// that is over, or is no member, neither as far as m knows, nor confirmed by
// those that it knows. A newcomer is one once a member's state has come whose
// matrix names it. A member that went back to before it admitted one admits it
// again.
func (m *Matrix) Check(o *Matrix) error {
	name := o.self()
	switch {
	case m.owner == "" || o.owner == "":
		return errNoOwner
	case m.declared.IsOver(o.owner):
		return &MemberError{Replica: o.owner, Over: true, Retired: m.declared.isGone(name)}
	case !o.Contains(name) || !m.Contains(name) && !o.Confirmed():
		return &MemberError{Replica: o.owner}
	}
	return nil
}

// Merge joins the matrix of another member, after the state that it came with
// was merged, and reports whether m changed. On an error, of [Matrix.Check], it
// changes nothing. It is commutative, associative and idempotent but for the
// owner: members are all who were ever admitted, less the retired; rows of the
// latest incarnation count, of them and of closings the larger.
func (m *Matrix) Merge(o *Matrix) (bool, error) {
	if err := m.Check(o); err != nil {
		return false, err
	}
	joined := Matrix{matrixState: matrixState{owner: m.owner, was: m.standing(), declared: m.declared.Join(o.declared), closed: m.closed.Join(o.closed)}}
	for _, x := range slices.Concat(m.members, o.members) {
		joined.enter(x.name)
	}
	names := joined.names()
	for i := range joined.members {
		x := &joined.members[i]
		for _, side := range []*Matrix{m, o} {
			if k, ok := side.find(x.name); ok {
				x.life = max(x.life, side.members[k].life)
			}
		}
		for _, side := range []*Matrix{m, o} {
			if k, ok := side.find(x.name); ok && side.members[k].life == x.life {
				x.row = x.row.Join(side.members[k].row)
				x.sealed = x.sealed.Join(side.members[k].sealed)
			}
		}
		x.strangers = unless(names, func(r Replica) bool { return m.knows(x, r) || o.knows(x, r) })
	}
	joined.forget()
	changed := !m.Equal(&joined)
	m.matrixState = joined.matrixState
	return changed, nil
}

// knows reports whether the matrix of x named r when m last heard of that incarnation
// of x.
func (m *Matrix) knows(x *member, r Replica) bool {
	i, ok := m.find(x.name)
	if !ok || m.members[i].life < x.life || x.name == r {
		return x.name == r
	}
	if _, ok := m.find(r); !ok {
		return false
	}
	_, stranger := slices.BinarySearch(m.members[i].strangers, r)
	return !stranger
}

// Row returns what member r is known to have merged, or false if it is none.
func (m *Matrix) Row(r Replica) (Clock, bool) {
	i, ok := m.find(r)
	if !ok || m.declared.isGone(r) {
		return Clock{}, false
	}
	return m.members[i].row, true
}

// All returns an iterator over the members, ascending, with what each merged.
func (m *Matrix) All() iter.Seq2[Replica, Clock] {
	return func(yield func(Replica, Clock) bool) {
		for i := range m.members {
			if x := &m.members[i]; !m.declared.isGone(x.name) && !yield(x.name, x.row) {
				return
			}
		}
	}
}

// Len returns the number of members.
func (m *Matrix) Len() int {
	n := 0
	for range m.All() {
		n++
	}
	return n
}

// Stable returns what every member is known to have merged: the meet of the
// rows, also of members that are leaving. A new incarnation of a member is
// there by its own name, too. It is empty without members, and goes back only
// when somebody is admitted, until that one has been heard of.
func (m *Matrix) Stable() Clock {
	if m.Len() == 0 {
		return Clock{}
	}
	stable := m.members[0].row
	for i := range m.members {
		stable = stable.Meet(m.members[i].row)
	}
	for i := range m.members {
		x := &m.members[i]
		if at := stable.At(x.name); x.life > 0 && at > 0 {
			stable = stable.With(Incarnation(string(x.name), x.life), at)
		}
	}
	return stable
}

// Floor returns the time up to which every member has merged every write of
// every member, or 0 as long as one has not been heard of by all others, and
// without members. It goes back when somebody is admitted.
func (m *Matrix) Floor() uint64 {
	stable := m.Stable()
	if stable.IsZero() {
		return 0
	}
	floor := stable.At(m.members[0].name)
	for i := range m.members {
		floor = min(floor, stable.At(m.members[i].name))
	}
	return floor
}

// Horizon returns [Matrix.Floor] and the latest reading of a clock in the rows
// that tell it. When the floor has come up to that reading, all have merged
// whatever was written by somebody who had not merged all up to seen: then seen
// and the floor are a pair under which a merge.Record may forget rows.
func (m *Matrix) Horizon() (seen, reading uint64) {
	for i := range m.members {
		reading = max(reading, m.members[i].row.At(m.members[i].name))
	}
	return m.Floor(), reading
}

// Settled reports whether the owner may forget what [Matrix.Stable] covers: it
// is confirmed, has merged all that any member was last known to have, and no
// life is over that is not closed. A [Round] asks it.
func (m *Matrix) Settled() bool {
	own, ok := m.Row(m.self())
	if !ok || !m.Confirmed() || !m.closed.Covers(m.declared) {
		return false
	}
	for _, row := range m.All() {
		if !own.Covers(row) {
			return false
		}
	}
	return true
}

// Equal reports whether m and o say the same, be their owners different.
func (m *Matrix) Equal(o *Matrix) bool {
	return m.declared.Equal(o.declared) && m.closed.Equal(o.closed) &&
		slices.EqualFunc(m.members, o.members, func(x, y member) bool { return x.equal(&y) })
}

// Clone returns a copy of m.
func (m *Matrix) Clone() *Matrix {
	c := m.matrixState
	c.members = slices.Clone(m.members)
	return &Matrix{matrixState: c}
}

// String returns one line per member: its name, a space, and its row.
func (m *Matrix) String() string {
	var b []byte
	for r, row := range m.All() {
		b = fmt.Appendf(b, "%s %v\n", r, row)
	}
	return string(b)
}
