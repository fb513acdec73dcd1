package crdttest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// CheckEvolution checks that two versions of a program, whose values are of the types
// Old and New, may run side by side. It draws histories of three replicas, of which one
// has the new version, with a [crdt.MVRegister] and with a [lww.Register] of such values,
// whose states travel in bytes and in JSON. Each version must be able to read what the
// other wrote, a write of what was read must change nothing for the other, and replicas
// that have exchanged everything must have equal bytes. It fails tb with a minimal history
// that breaks this.
//
// What a type cannot hold is for the generators to leave out: an int64 that is read as
// an int8 has to fit.
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
	if rapid.Bool().Draw(t, "lww") {
		return evolveIn(t, old, next, newest[Old], newest[New])
	}
	return evolveIn(t, old, next, siblings[Old], siblings[New])
}

// A register is one of values of type V, in a program that has that type.
type register[V any] interface {
	encodable
	write(v V) error
	read() (v V, one bool)
}

type encodable interface {
	merger
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(p []byte) error
	MarshalJSON() ([]byte, error)
	UnmarshalJSON(p []byte) error
}

// mv is a register that keeps what is written concurrently.
type mv[V any] struct {
	crdt.MVRegister[V]
	name vclock.Replica
}

func siblings[V any](name vclock.Replica) register[V] { return &mv[V]{name: name} }

func (m *mv[V]) read() (V, bool) { return m.Get() }

func (m *mv[V]) write(v V) error {
	_, err := m.Set(m.name, v)
	return err
}

// latest is a register that keeps what was written last.
type latest[V any] struct {
	lww.Register[V]
	name vclock.Replica
}

func newest[V any](name vclock.Replica) register[V] { return &latest[V]{name: name} }

func (l *latest[V]) read() (V, bool) { return l.Get() }

func (l *latest[V]) write(v V) error { return l.Set(lww.Writer{Replica: l.name, Clock: counting{}}, v) }

// counting is a clock that gives each write the next time.
type counting struct{}

func (counting) Next(after hlc.Timestamp) (hlc.Timestamp, error) { return after + 1, nil }

// A fleet is the replicas of a history.
type fleet struct {
	said  []string
	sites []encodable
	steps []func(t *rapid.T) error // for each of sites, what it may do on its own
}

func (f *fleet) say(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func evolveIn[Old, New any](
	t *rapid.T, old *rapid.Generator[Old], next *rapid.Generator[New],
	olds func(vclock.Replica) register[Old], news func(vclock.Replica) register[New],
) error {
	f := new(fleet)
	addSite(f, "a", old, olds, news)
	addSite(f, "b", next, news, olds)
	addSite(f, "c", old, olds, news)
	err := f.run(t)
	if err != nil {
		return fmt.Errorf("crdttest: %T and %T:\n  %s\n%w", *new(Old), *new(New), strings.Join(f.said, "\n  "), err)
	}
	return nil
}

// run lets sites write and exchange what they have.
func (f *fleet) run(t *rapid.T) error {
	for range rapid.IntRange(1, 8).Draw(t, "steps") {
		at := rapid.IntRange(0, len(f.sites)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "alone") {
			if err := f.steps[at](t); err != nil {
				return err
			}
			continue
		}
		from := rapid.IntRange(0, len(f.sites)-1).Draw(t, "from")
		if err := f.carry(from, at); err != nil {
			return err
		}
	}
	for range 2 {
		for i := range f.sites {
			if err := f.carry(i, (i+1)%len(f.sites)); err != nil {
				return err
			}
		}
	}
	want, err := f.sites[0].MarshalBinary()
	for i := 1; i < len(f.sites) && err == nil; i++ {
		var got []byte
		if got, err = f.sites[i].MarshalBinary(); err == nil && !bytes.Equal(got, want) {
			return fmt.Errorf("all have seen all, and a has the bytes %s, %c %s", readable(want), 'a'+i, readable(got))
		}
	}
	return err
}

// carry merges the state of one site into that of another.
func (f *fleet) carry(from, to int) error {
	if from == to {
		return nil
	}
	f.say("%c merges %c", 'a'+to, 'a'+from)
	p, err := f.sites[from].MarshalBinary()
	if err == nil {
		_, err = f.sites[to].MergeBinary(p)
	}
	return err
}

// addSite adds a site with values of type A, beside others with values of type B.
func addSite[A, B any](f *fleet, name vclock.Replica, values *rapid.Generator[A], own func(vclock.Replica) register[A], other func(vclock.Replica) register[B]) {
	s := own(name)
	f.sites = append(f.sites, s)
	f.steps = append(f.steps, func(t *rapid.T) error {
		v, one := s.read()
		if !one || rapid.Bool().Draw(t, "new") {
			v = values.Draw(t, "value")
			f.say("%s writes %+v", name, v)
			if err := s.write(v); err != nil {
				return err
			}
			_, err := shown(s, other("x"))
			return err
		}
		before, err := shown(s, other("x"))
		if err != nil {
			return err
		}
		f.say("%s writes what it reads, %+v", name, v)
		if err := s.write(v); err != nil {
			return err
		}
		after, err := shown(s, other("x"))
		if err == nil && before != after {
			err = fmt.Errorf("a %T was %s and is %s", *new(B), before, after)
		}
		return err
	})
}

// shown returns what a program of another version reads, in bytes and in JSON.
func shown[B any](from encodable, to register[B]) (string, error) {
	p, err := from.MarshalBinary()
	if err != nil {
		return "", err
	}
	doc, err := from.MarshalJSON()
	if err != nil {
		return "", err
	}
	if err := to.UnmarshalJSON(doc); err != nil {
		return "", err
	}
	if q, err := to.MarshalBinary(); err != nil || !bytes.Equal(p, q) {
		return "", fmt.Errorf("the bytes %s are %s after JSON, which is %s (error %w)", readable(p), readable(q), doc, err)
	}
	if err := to.UnmarshalBinary(p); err != nil {
		return "", err
	}
	v, _ := to.read()
	alone := siblings[B]("x")
	if err := alone.write(v); err != nil {
		return "", err
	}
	p, err = alone.MarshalBinary()
	return fmt.Sprintf("%+v in the bytes %s", v, readable(p)), err
}
