package crdttest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// CheckEvolution checks that two versions of a program, whose values are of the
// types Old and New, may run side by side: each reads what the other wrote,
// writing what was read changes nothing for the other, and replicas that have
// exchanged everything have equal bytes. It draws histories of three replicas,
// one of the new version, for the types of packages crdt, lww and vclock that
// have values, and fails tb with a minimal one that breaks this. What a type
// cannot hold is for the generators to leave out: an int64 that is read as an
// int8 has to fit. The types of keys and elements may not change.
func CheckEvolution[Old, New any](tb testing.TB, old *rapid.Generator[Old], next *rapid.Generator[New]) {
	tb.Helper()
	rapid.Check(tb, func(t *rapid.T) {
		if err := evolve(t, old, next); err != nil {
			t.Fatal(err)
		}
	})
}

// evolve checks one history, drawn from t.
func evolve[Old, New any](t *rapid.T, old *rapid.Generator[Old], next *rapid.Generator[New]) error {
	draw := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(t, what) }
	olds, news := holders[Old](), holders[New]()
	i := draw("state", len(olds))
	err := lawkit.Evolve(draw, func() Old { return old.Draw(t, "old") }, func() New { return next.Draw(t, "new") }, olds[i], news[i])
	if err != nil {
		err = fmt.Errorf("crdttest: %T: %w", olds[i]("a"), err)
	}
	return err
}

// holders returns all that may hold values of type V.
func holders[V any]() []lawkit.Make[V] {
	return []lawkit.Make[V]{
		func(r vclock.Replica) lawkit.Holder[V] { return &mv[V]{name: r} },
		func(r vclock.Replica) lawkit.Holder[V] { return &mvs[V]{name: r} },
		func(r vclock.Replica) lawkit.Holder[V] { return &grown[V]{name: r} },
		func(r vclock.Replica) lawkit.Holder[V] { return &latest[V]{name: r} },
		func(r vclock.Replica) lawkit.Holder[V] { return &table[V]{name: r} },
		func(r vclock.Replica) lawkit.Holder[V] { return &versions[V]{name: r} },
	}
}

// mv is a register that keeps what is written concurrently.
type mv[V any] struct {
	crdt.MVRegister[V]
	name vclock.Replica
}

func (m *mv[V]) Read() (V, bool) { return m.Get() }

func (m *mv[V]) Write(v V) error {
	_, err := m.Set(m.name, v)
	return err
}

// held returns the value of a register that may not be there, if it has one alone.
func held[V any](r *crdt.MVRegister[V], ok bool) (v V, one bool) {
	if !ok {
		return v, false
	}
	return r.Get()
}

// mvs is a map of such registers, in which one comes and goes.
type mvs[V any] struct {
	crdt.ORMap[string, *crdt.MVRegister[V]]
	name vclock.Replica
}

func (m *mvs[V]) Read() (V, bool) { return held(m.At("k")) }

func (m *mvs[V]) Write(v V) (err error) {
	m.Update(m.name, "k", func(r *crdt.MVRegister[V]) { _, err = r.Set(m.name, v) })
	return err
}

// grown is a map that only grows, of such registers.
type grown[V any] struct {
	crdt.GMap[string, *crdt.MVRegister[V]]
	name vclock.Replica
}

func (m *grown[V]) Read() (V, bool) { return held(m.At("k")) }

func (m *grown[V]) Write(v V) error {
	r := new(crdt.MVRegister[V])
	if is, ok := m.At("k"); ok {
		r = is.Clone()
	}
	if _, err := r.Set(m.name, v); err != nil {
		return err
	}
	m.MergeAt("k", r)
	return nil
}

// latest is a register that keeps what was written last.
type latest[V any] struct {
	lww.Register[V]
	name vclock.Replica
}

func (l *latest[V]) Read() (V, bool) { return l.Get() }

func (l *latest[V]) Write(v V) error { return l.Set(lww.Writer{Replica: l.name, Clock: counting{}}, v) }

// table is a map that keeps what was written last of each key.
type table[V any] struct {
	lww.Map[string, V]
	name   vclock.Replica
	writes int
}

func (m *table[V]) Read() (V, bool) { return m.At("k") }

// Write writes another key too, and deletes it again the next time.
func (m *table[V]) Write(v V) error {
	w := lww.Writer{Replica: m.name, Clock: counting{}}
	_, err := m.Put(w, "k", v)
	if err != nil {
		return err
	}
	if m.writes++; m.writes%2 == 0 {
		_, err = m.Delete(w, "l")
	} else {
		_, err = m.Put(w, "l", v)
	}
	return err
}

// counting is a clock that gives each write the next time.
type counting struct{}

func (counting) Next(after hlc.Timestamp) (hlc.Timestamp, error) { return after + 1, nil }

// versions is a set that keeps what is written concurrently.
type versions[V any] struct {
	vclock.DVVSet[V]
	name vclock.Replica
}

func (s *versions[V]) Read() (v V, one bool) {
	for v = range s.Values() {
		break
	}
	return v, s.Len() == 1 && s.Check() == nil
}

func (s *versions[V]) Write(v V) error {
	_, err := s.Put(s.name, s.Context(), v)
	return err
}
