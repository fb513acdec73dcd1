package crdt

import (
	"fmt"
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// An MVRegister is a multi-value register: a write replaces the writes that its
// replica had seen, and where several were made concurrently it keeps the
// values of all, for somebody to choose from, and to write the choice. The zero
// MVRegister has no value and is ready to use. Set takes O(c) for c concurrent
// values, Merge O(c log c + r) with r replicas. The state is O(c + r). In an
// [ORMap] its key is there while it has a value. See Shapiro et al., 2011,
// section 3.2.2, and, for the dots, Almeida et al., 2018.
//
// V may be of nearly any type, and the type may change: package content of
// vclock has all about values. Set carries over what V does not know of the
// value that it replaces, of several of the one with the largest number. A
// value is encoded when it is set, and must not be changed afterwards.
type MVRegister[V any] struct {
	_ nocopy.NoCopy
	mvRegisterState[V]
}

// A mvRegisterState is what a MVRegister holds, so that one in a struct has its JSON there.
type mvRegisterState[V any] struct {
	node
	cell cell[stored[V]]
	op   cellOp[stored[V]] // the whole state, if it is the delta of one change
}

// Set sets the value on behalf of r, in place of all that m has, and returns
// the delta. It returns an error, and an empty delta, if v cannot be encoded.
func (m *MVRegister[V]) Set(r vclock.Replica, v V) (*MVRegister[V], error) {
	var d MVRegister[V]
	err := m.set(r, v, nil, &d.op)
	return &d, err
}

// SetSeen is [MVRegister.Set] for a client: values not covered stay beside v.
func (m *MVRegister[V]) SetSeen(r vclock.Replica, seen Context, v V) (*MVRegister[V], error) {
	var d MVRegister[V]
	err := m.set(r, v, &seen, &d.op)
	return &d, err
}

// Clear removes all values that m has and returns the delta.
func (m *MVRegister[V]) Clear(r vclock.Replica) *MVRegister[V] {
	var d MVRegister[V]
	m.erase(r, nil, &d.op)
	return &d
}

// ClearSeen is [MVRegister.Clear] for a client: values not covered stay.
func (m *MVRegister[V]) ClearSeen(r vclock.Replica, seen Context) (*MVRegister[V], error) {
	var d MVRegister[V]
	return &d, m.eraseSeen(r, &seen, &d.op)
}

// Get returns the value, if there is exactly one, and V can hold it.
func (m *MVRegister[V]) Get() (v V, ok bool) {
	all := m.contents()
	if len(all) != 1 || all[0].bad {
		return v, false
	}
	return all[0].v, true
}

// Values returns an iterator over values that V can hold, ordered by bytes.
func (m *MVRegister[V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, c := range m.contents() {
			if !c.bad && !yield(c.v) {
				return
			}
		}
	}
}

// Unreadable returns an iterator over the writes of values that V cannot hold.
// Only Lenient decoders and Answer let them in; they are kept byte for byte.
func (m *MVRegister[V]) Unreadable() iter.Seq2[vclock.Dot, *content.ValueError] {
	return func(yield func(vclock.Dot, *content.ValueError) bool) {
		m := m.whole()
		for _, w := range m.cell {
			if w.value.bad && !yield(m.root.name(w.dot), value.Unreadable[V](w.value.kept)) {
				return
			}
		}
	}
}

func (m *MVRegister[V]) unread() *content.ValueError {
	for _, bad := range m.Unreadable() {
		return bad
	}
	return nil
}

// Check returns the first error of [MVRegister.Unreadable], or nil.
func (m *MVRegister[V]) Check() error {
	if bad := m.unread(); bad != nil {
		return fmt.Errorf("crdt: %w", bad)
	}
	return nil
}

// Len returns the number of different values, readable or not.
func (m *MVRegister[V]) Len() int { return len(m.contents()) }

// contents returns the different contents in the order of their bytes.
func (m *MVRegister[V]) contents() []stored[V] {
	m = m.whole()
	all := make([]stored[V], len(m.cell))
	for i, w := range m.cell {
		all[i] = w.value
	}
	sortFew(all, (*stored[V]).compare)
	return slices.CompactFunc(all, stored[V].equal)
}

// Context returns what m has seen, for a client that reads it now.
func (m *MVRegister[V]) Context() Context { return contextOf(&m.whole().node, m.whole()) }

// HasSeen reports whether m has seen all that seen covers: see [Context].
func (m *MVRegister[V]) HasSeen(seen Context) bool { return m.whole().root.hasSeen(seen) }

// LastOf returns the largest number of a dot of r that m has seen, or 0.
func (m *MVRegister[V]) LastOf(r vclock.Replica) uint64 { return m.whole().root.lastOf(r) }

// Usable returns nil if r can change m, and else a [*vclock.MemberError].
func (m *MVRegister[V]) Usable(r vclock.Replica) error { return m.whole().root.usable(r) }

// Speaks reports whether o has seen sealed events that m has not seen.
func (m *MVRegister[V]) Speaks(o *MVRegister[V], sealed vclock.Closing) bool {
	return speaks(m.whole().root, o.whole().root, sealed)
}

// Merge joins o into m and reports whether that changed m.
func (m *MVRegister[V]) Merge(o *MVRegister[V]) bool {
	if o == nil || m == o {
		return false
	}
	r := m.receive(&o.node)
	m.ready()
	if !o.op.isEmpty() {
		return m.cell.apply(r, &o.op)
	}
	if o.root == nil {
		return false
	}
	j := r.merging(o.root)
	changed := m.join(o, j)
	return j.finish() || changed
}

// Clone returns a copy that shares no memory with m but what its values refer to,
// which nobody may change.
func (m *MVRegister[V]) Clone() *MVRegister[V] {
	if m == nil {
		return new(MVRegister[V])
	}
	c := &MVRegister[V]{mvRegisterState: mvRegisterState[V]{cell: slices.Clone(m.cell), op: m.op.clone()}}
	switch {
	case m.inMap():
		c.root = m.root.bare()
		m.dots(func(d dot) { c.root.see(d) })
	case m.root != nil:
		c.root = m.root.clone()
	}
	return c
}

// Equal reports whether m and o are the same state.
func (m *MVRegister[V]) Equal(o *MVRegister[V]) bool {
	m, o = m.state(), o.state()
	j, ok := m.root.pair(o.root)
	return ok && m.equal(o, j)
}

// ready gives a delta of one change the form of a state, to change it.
func (m *MVRegister[V]) ready() {
	if !m.op.isEmpty() {
		m.cell.apply(m.root, &m.op)
		m.op = cellOp[stored[V]]{}
	}
}

// whole returns m, or, for a delta of one change, a state that equals it.
func (m *MVRegister[V]) whole() *MVRegister[V] {
	if m == nil {
		return new(MVRegister[V])
	}
	if m.op.isEmpty() {
		return m
	}
	c := &MVRegister[V]{mvRegisterState: mvRegisterState[V]{node: node{root: new(root)}}}
	c.cell.apply(c.root, &m.op)
	return c
}

// state returns m as a state of its own, without changing it.
func (m *MVRegister[V]) state() *MVRegister[V] {
	if m != nil && m.inMap() {
		return m.Clone()
	}
	return m.whole()
}

// A stored is what one write has set.
type stored[V any] struct {
	v    V      // zero if bad
	kept string // the full form, unless v gives it back: see package value
	bad  bool   // V cannot hold the value
}

func (c *stored[V]) compare(o *stored[V]) int { return value.Compare(&c.v, c.kept, &o.v, o.kept) }

func (c stored[V]) equal(o stored[V]) bool { return c.compare(&o) == 0 }

func (m *MVRegister[V]) set(name vclock.Replica, v V, seen *Context, d *cellOp[stored[V]]) error {
	var c stored[V]
	var err error
	if c.v, c.kept, err = value.Store(v); err != nil {
		return fmt.Errorf("crdt: value type %w", err)
	}
	r, _ := m.write(name)
	if seen != nil {
		if err := m.admits(seen); err != nil {
			return err
		}
	}
	m.ready()
	if old := m.cell.newest(r, seen); old != nil && old.kept != "" {
		if c.v, c.kept, err = value.Replace(v, old.kept); err != nil {
			return fmt.Errorf("crdt: value type %w", err)
		}
	}
	m.cell.set(r, c, seen, d)
	m.record(d)
	return nil
}

func (m *MVRegister[V]) erase(name vclock.Replica, seen *Context, d *cellOp[stored[V]]) {
	r := m.changeFor(name)
	if m.ready(); r.isOver(name) {
		return
	}
	m.cell.erase(r, seen, d)
	m.record(d)
}

func (m *MVRegister[V]) eraseSeen(name vclock.Replica, seen *Context, d *cellOp[stored[V]]) error {
	m.change()
	if err := m.admits(seen); err != nil {
		return err
	}
	m.erase(name, seen, d)
	return nil
}

func (m *MVRegister[V]) live() bool { return len(m.cell) > 0 }

func (m *MVRegister[V]) record(d *cellOp[stored[V]]) {
	if m.mode == opened {
		rec := m.rec.(*MVRegister[V])
		rec.ready()
		rec.cell.apply(rec.root, d)
	}
}

func (*MVRegister[V]) fresh(r *root, scope uint32) *MVRegister[V] {
	return &MVRegister[V]{mvRegisterState: mvRegisterState[V]{node: node{root: r, mode: sealed, scope: scope}}}
}

func (m *MVRegister[V]) recycle(r *root, scope uint32) {
	clear(m.cell)
	m.mvRegisterState = mvRegisterState[V]{node: node{root: r, mode: sealed, scope: scope}, cell: m.cell[:0]}
}

func (m *MVRegister[V]) swap(o *MVRegister[V]) {
	m.mvRegisterState, o.mvRegisterState = o.mvRegisterState, m.mvRegisterState
}

func (m *MVRegister[V]) join(o *MVRegister[V], j *merging) bool {
	if o == nil {
		return m.cell.join(nil, j)
	}
	return m.cell.join(o.cell, j)
}

func (m *MVRegister[V]) clear(c *clearing, _ *MVRegister[V]) { m.cell.clear(c) }

func (m *MVRegister[V]) isEmpty() bool { return len(m.cell) == 0 }

func (m *MVRegister[V]) dots(yield func(dot)) { m.cell.dots(yield) }

func (m *MVRegister[V]) equal(o *MVRegister[V], j *merging) bool {
	return m.cell.equal(o.cell, j, stored[V].equal)
}

func (m *MVRegister[V]) copy(r *root, scope uint32) *MVRegister[V] {
	c := m.fresh(r, scope)
	c.cell = slices.Clone(m.cell)
	return c
}
