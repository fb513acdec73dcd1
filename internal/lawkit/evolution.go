package lawkit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock"
)

// An Encoded is a replicated state of some program.
type Encoded interface {
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(p []byte) error
	MergeBinary(p []byte) (changed bool, err error)
	MarshalJSON() ([]byte, error)
	UnmarshalJSON(p []byte) error
}

// A Holder is a state with values of type V, in a program that has that type.
type Holder[V any] interface {
	Encoded
	// Write writes v where Read reads.
	Write(v V) error
	// Read returns the value, if there is one alone.
	Read() (v V, one bool)
}

// A Make returns an empty state of a replica.
type Make[V any] func(r vclock.Replica) Holder[V]

// A fleet is three replicas of a state, of which the second has another version of the
// program.
type fleet struct {
	draw  func(what string, n int) int // a number below n
	said  []string
	sites []site
}

// A site is one replica.
type site struct {
	state Encoded
	fresh func() Encoded
	step  func() error // what it may do on its own
}

func (f *fleet) say(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

// Evolve checks that two versions of a program, whose values are of the types Old and New,
// may run side by side. Of three replicas the second has the new version. They write values that
// old and next draw, write what they have read, and merge what others have, in bytes or in
// JSON. Each must be able to read what the others wrote, a write of what was read must
// change nothing for the others, and replicas that have exchanged everything must have equal
// bytes. Draw draws a number below n. The error tells the history.
func Evolve[Old, New any](draw func(what string, n int) int, old func() Old, next func() New, olds Make[Old], news Make[New]) error {
	f := &fleet{draw: draw}
	add(f, "a", old, olds, news)
	add(f, "b", next, news, olds)
	add(f, "c", old, olds, news)
	if err := f.run(); err != nil {
		return fmt.Errorf("%T and %T:\n  %s\n%w", *new(Old), *new(New), strings.Join(f.said, "\n  "), err)
	}
	return nil
}

// run lets sites write and exchange what they have.
func (f *fleet) run() error {
	for range 1 + f.draw("steps", 8) {
		at := f.draw("at", len(f.sites))
		if f.draw("alone", 2) == 1 {
			if err := f.sites[at].step(); err != nil {
				return err
			}
			continue
		}
		if err := f.carry(f.draw("from", len(f.sites)), at, f.draw("json", 2) == 1); err != nil {
			return err
		}
	}
	for n := range 2 * len(f.sites) {
		i := n % len(f.sites)
		if err := f.carry(i, (i+1)%len(f.sites), n%2 == 1); err != nil {
			return err
		}
	}
	want, err := f.sites[0].state.MarshalBinary()
	for i := 1; i < len(f.sites) && err == nil; i++ {
		var got []byte
		if got, err = f.sites[i].state.MarshalBinary(); err == nil && !bytes.Equal(got, want) {
			return fmt.Errorf("all have seen all, and a has the bytes %x, %c %x", want, 'a'+i, got)
		}
	}
	return err
}

// carry merges the state of one site into that of another, by its bytes or its JSON.
func (f *fleet) carry(from, to int, text bool) error {
	if from == to {
		return nil
	}
	f.say("%c merges %c", 'a'+to, 'a'+from)
	p, err := f.sites[from].state.MarshalBinary()
	if err == nil && text {
		var doc []byte
		if doc, err = f.sites[from].state.MarshalJSON(); err != nil {
			return err
		}
		there := f.sites[to].fresh()
		if err = there.UnmarshalJSON(doc); err == nil {
			p, err = there.MarshalBinary()
		}
	}
	if err == nil {
		_, err = f.sites[to].state.MergeBinary(p)
	}
	return err
}

// add adds a site with values of type A, beside others with values of type B.
func add[A, B any](f *fleet, name vclock.Replica, values func() A, own Make[A], other Make[B]) {
	s := own(name)
	step := func() error {
		v, one := s.Read()
		if !one || f.draw("new", 2) == 1 {
			v = values()
			f.say("%s writes %+v", name, v)
			if err := s.Write(v); err != nil {
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
		if err := s.Write(v); err != nil {
			return err
		}
		after, err := shown(s, other("x"))
		if err == nil && before.bytes != after.bytes {
			err = fmt.Errorf("a %T was %v and is %v", *new(B), before, after)
		}
		return err
	}
	f.sites = append(f.sites, site{s, func() Encoded { return own(name) }, step})
}

// A reading is what a program reads; by the text alone a pointer differs from another.
type reading struct{ text, bytes string }

func (r reading) String() string {
	if r.bytes == "" {
		return r.text
	}
	return fmt.Sprintf("%s in the bytes %x", r.text, r.bytes)
}

// shown returns what a program of another version reads, in bytes and in JSON.
func shown[B any](from Encoded, to Holder[B]) (reading, error) {
	p, err := from.MarshalBinary()
	if err != nil {
		return reading{}, err
	}
	doc, err := from.MarshalJSON()
	if err != nil {
		return reading{}, err
	}
	if err := to.UnmarshalJSON(doc); err != nil {
		return reading{}, err
	}
	if q, err := to.MarshalBinary(); err != nil || !bytes.Equal(p, q) {
		return reading{}, fmt.Errorf("the bytes %x are %x after JSON, which is %s (error %w)", p, q, doc, err)
	}
	if err := to.UnmarshalBinary(p); err != nil {
		return reading{}, err
	}
	v, one := to.Read()
	if !one {
		return reading{text: "nothing"}, nil
	}
	stored, kept, err := value.Store(v)
	if err != nil {
		return reading{}, err
	}
	return reading{fmt.Sprintf("%+v", v), string(value.AppendFull(nil, &stored, kept))}, nil
}
