package crdt

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/vclock"
)

// An MVRegister is a multi-value register: a write replaces the writes that its
// replica had seen, and where several were made concurrently it keeps the values
// of all, for somebody to choose from. Writing the choice replaces them.
//
// The zero MVRegister has no value and is ready to use. An MVRegister is not safe
// for concurrent use; like a map, it may be read by several goroutines as long as
// none writes. In an [ORMap] its key is there while it has a value.
//
// V may be any type that has an encoding; see the package comment. A value is
// encoded when it is set, which is where the error of one that cannot be appears.
// It must not be changed afterwards.
//
// Set takes O(c) for c concurrent values, Merge O(c log c + r) with r replicas.
// The state is O(c + r).
//
// A replica name stands for one lineage of state: see [vclock.Replica].
//
// See Shapiro et al., “A comprehensive study of Convergent and Commutative
// Replicated Data Types”, 2011, section 3.2.2,
// https://inria.hal.science/inria-00555588; the dots are those of Almeida, Shoker,
// Baquero, Delta State Replicated Data Types, 2018, https://arxiv.org/abs/1603.01529.
type MVRegister[V any] struct {
	node[*MVRegister[V]]
	cell cell[content[V]]
	op   cellOp[content[V]] // the whole state, if it is the delta of one change
}

// Set sets the value on behalf of r, in place of all that m has, and returns the
// delta. It returns an error, and an empty delta, if v cannot be encoded. It
// panics if r is invalid.
func (m *MVRegister[V]) Set(r vclock.Replica, v V) (*MVRegister[V], error) {
	var d MVRegister[V]
	err := m.set(r, v, nil, &d.op)
	return &d, err
}

// SetSeen is like [MVRegister.Set] for a client that was shown seen: values that
// it does not cover stay beside v. It returns a [*ContextError] if seen is of
// something else.
func (m *MVRegister[V]) SetSeen(r vclock.Replica, seen Context, v V) (*MVRegister[V], error) {
	var d MVRegister[V]
	err := m.set(r, v, &seen, &d.op)
	return &d, err
}

// Clear removes all values that m has and returns the delta. Values set
// concurrently stay. It panics if r is invalid.
func (m *MVRegister[V]) Clear(r vclock.Replica) *MVRegister[V] {
	var d MVRegister[V]
	m.erase(r, nil, &d.op)
	return &d
}

// ClearSeen is like [MVRegister.Clear] for a client that was shown seen: values
// that it does not cover stay. It returns a [*ContextError] if seen is of something
// else.
func (m *MVRegister[V]) ClearSeen(r vclock.Replica, seen Context) (*MVRegister[V], error) {
	var d MVRegister[V]
	return &d, m.eraseSeen(r, &seen, &d.op)
}

// Get returns the value, if there is exactly one.
func (m *MVRegister[V]) Get() (v V, ok bool) {
	all := m.contents()
	if len(all) != 1 {
		return v, false
	}
	return all[0].v, true
}

// Values returns an iterator over the values, in the order of their canonical
// bytes. One that was set by several replicas concurrently comes once. The
// register must not change during the iteration.
func (m *MVRegister[V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, c := range m.contents() {
			if !yield(c.v) {
				return
			}
		}
	}
}

// Len returns the number of different values.
func (m *MVRegister[V]) Len() int { return len(m.contents()) }

// contents returns the different contents in the order of their bytes, which
// they all have.
func (m *MVRegister[V]) contents() []content[V] {
	m = m.whole()
	all := make([]content[V], len(m.cell))
	for i, w := range m.cell {
		all[i] = content[V]{w.value.v, w.value.bytes()}
	}
	slices.SortFunc(all, func(a, b content[V]) int { return bytes.Compare(a.enc, b.enc) })
	return slices.CompactFunc(all, content[V].equal)
}

// Context returns what m has seen, for a client that reads it now. That of a value
// in an [ORMap] is of its key: see [Context].
func (m *MVRegister[V]) Context() Context { return contextOf(&m.whole().node, m.whole()) }

// HasSeen reports whether m has seen everything that seen covers, so that nothing of
// what the client was shown would still have to arrive. That says nothing of
// removals, most of which have no event of their own: see [Context].
func (m *MVRegister[V]) HasSeen(seen Context) bool { return m.whole().root.hasSeen(seen) }

// LastOf returns the largest number of a dot of r that m has seen, or 0. The
// owner of r that finds a number here it has not minted shares its name with
// another lineage.
func (m *MVRegister[V]) LastOf(r vclock.Replica) uint64 { return m.whole().root.lastOf(r) }

// Speaks reports whether o has seen events that are sealed, and that m has not. Ask it
// of what does not come from a member with its matrix, and refuse what does: see
// [vclock.Matrix.Sealed].
func (m *MVRegister[V]) Speaks(o *MVRegister[V], sealed vclock.Closing) bool {
	return speaks(m.whole().root, o.whole().root, sealed)
}

// Merge joins o into m and reports whether that changed m. It panics if m or o
// is a value in an [ORMap].
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
	j := r.joining(o.root)
	changed := m.join(o, j)
	return j.finish() || changed
}

// Clone returns a copy that shares no memory with m. The clone of a value in an
// [ORMap] is a state of its own that has seen the dots it holds and no others.
func (m *MVRegister[V]) Clone() *MVRegister[V] {
	if m == nil {
		return new(MVRegister[V])
	}
	c := &MVRegister[V]{cell: slices.Clone(m.cell), op: m.op.clone()}
	switch {
	case m.inMap():
		c.root = m.root.bare()
		m.dots(func(d dot) { c.root.see(d) })
	case m.root != nil:
		c.root = m.root.clone()
	}
	return c
}

// Equal reports whether m and o are the same state: they hold the same values,
// have seen the same events, and have the same bytes. A value in an [ORMap]
// counts as its Clone.
func (m *MVRegister[V]) Equal(o *MVRegister[V]) bool {
	m, o = m.state(), o.state()
	j, ok := m.root.pair(o.root)
	return ok && m.equal(o, j)
}

// ready gives a delta of one change the form of a state, to change it.
func (m *MVRegister[V]) ready() {
	if !m.op.isEmpty() {
		m.cell.apply(m.root, &m.op)
		m.op = cellOp[content[V]]{}
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
	c := &MVRegister[V]{node: node[*MVRegister[V]]{root: new(root)}}
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

// A content is a value, with its canonical bytes unless it is of a type that is
// covered by kinds: such a value encodes again as it did.
type content[V any] struct {
	v   V
	enc []byte
}

// contentOf returns the content that v is stored as.
func contentOf[V any](v V) (c content[V], err error) {
	c.v, err = codec.NormalizeValue(v)
	if err == nil && !codec.ByKind[V]() {
		c.enc, err = codec.AppendValue(nil, c.v)
	}
	return c, err
}

func (c content[V]) bytes() []byte {
	if !codec.ByKind[V]() {
		return c.enc
	}
	enc, _ := codec.AppendValue(nil, c.v) // contentOf has seen to it that there is no error
	return enc
}

func (c content[V]) equal(o content[V]) bool { return bytes.Equal(c.bytes(), o.bytes()) }

func (m *MVRegister[V]) set(name vclock.Replica, v V, seen *Context, d *cellOp[content[V]]) error {
	c, err := contentOf(v)
	if err != nil {
		return fmt.Errorf("crdt: %w", err)
	}
	r, _ := m.write(name)
	if seen != nil {
		if err := m.admits(seen); err != nil {
			return err
		}
	}
	m.ready()
	m.cell.set(r, c, seen, d)
	m.record(d)
	return nil
}

func (m *MVRegister[V]) erase(name vclock.Replica, seen *Context, d *cellOp[content[V]]) {
	r := m.changeFor(name)
	m.ready()
	m.cell.erase(r, seen, d)
	m.record(d)
}

func (m *MVRegister[V]) eraseSeen(name vclock.Replica, seen *Context, d *cellOp[content[V]]) error {
	m.change()
	if err := m.admits(seen); err != nil {
		return err
	}
	m.erase(name, seen, d)
	return nil
}

func (m *MVRegister[V]) live() bool { return len(m.cell) > 0 }

func (m *MVRegister[V]) record(d *cellOp[content[V]]) {
	if m.mode == opened {
		m.rec.ready()
		m.rec.cell.apply(m.rec.root, d)
	}
}

func (*MVRegister[V]) fresh(r *root, scope uint32) *MVRegister[V] {
	return &MVRegister[V]{node: node[*MVRegister[V]]{root: r, mode: sealed, scope: scope}}
}

func (m *MVRegister[V]) join(o *MVRegister[V], j *joining) bool {
	if o == nil {
		return m.cell.join(nil, j)
	}
	return m.cell.join(o.cell, j)
}

func (m *MVRegister[V]) clear(c *clearing, _ *MVRegister[V]) { m.cell.clear(c) }

func (m *MVRegister[V]) isEmpty() bool { return len(m.cell) == 0 }

func (m *MVRegister[V]) dots(yield func(dot)) { m.cell.dots(yield) }

func (m *MVRegister[V]) equal(o *MVRegister[V], j *joining) bool {
	return m.cell.equal(o.cell, j, content[V].equal)
}

func (m *MVRegister[V]) copy(r *root, scope uint32) *MVRegister[V] {
	c := m.fresh(r, scope)
	c.cell = slices.Clone(m.cell)
	return c
}
