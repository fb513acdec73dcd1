package main

import (
	"fmt"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A state is what a row holds: a replicated value of any kind. The store, the
// outbox, the receiver and anti-entropy know no more of the data than this.
type state interface {
	merge(other state) bool // joins a state or a delta of the same kind
	encode() ([]byte, error)
	decode(data []byte) error
	latest() hlc.Timestamp // the largest time of a write in it, 0 if there are no times
}

// replicated is what all types of the library have in common.
type replicated[S any] interface {
	comparable
	Merge(other S) bool
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(data []byte) error
}

// of makes a state of a replicated value.
type of[S replicated[S]] struct{ s S }

func (v of[S]) merge(other state) bool   { return v.s.Merge(other.(of[S]).s) }
func (v of[S]) encode() ([]byte, error)  { return v.s.AppendBinary(nil) }
func (v of[S]) decode(data []byte) error { return v.s.UnmarshalBinary(data) }

func (v of[S]) latest() (t hlc.Timestamp) {
	switch s := any(v.s).(type) {
	case interface{ Latest() hlc.Timestamp }:
		return s.Latest()
	case *Orders:
		for _, n := range s.Clock().All() {
			t = max(t, hlc.Timestamp(n))
		}
	}
	return t
}

// as returns the value of a state whose kind the caller knows.
func as[S replicated[S]](s state) S { return s.(of[S]).s }

// empty returns the state of a row that is not there yet. epoch is the highest
// promotion that the store knows of: a new order is not to get past it.
func empty(row string, epoch uint64) (state, error) {
	switch kindOf(row) {
	case profileKind:
		return of[*Profiles]{profiles.NewRecord()}, nil
	case cartKind:
		return of[*Cart]{new(Cart)}, nil
	case stockKind:
		return of[*crdt.BoundedCounter]{crdt.AtLeast(0)}, nil
	case flagKind:
		return of[*Flags]{new(Flags)}, nil
	case orderKind:
		return of[*Orders]{resolver.NewSiblings[Order](vclock.Clock{}, epoch)}, nil
	}
	return nil, fmt.Errorf("row %q is of no kind that this program knows", row)
}

// profiles has the rules that the tags of Profile say, compiled once.
var profiles = merge.MustCompile(merge.Options[Profile]{Record: true})

// decodeRow returns the state of a row, or the delta of one, from its bytes.
func (s *store) decodeRow(row string, data []byte) (state, error) {
	st, err := s.empty(row, 0)
	if err != nil {
		return nil, err
	}
	if err := st.decode(data); err != nil {
		return nil, fmt.Errorf("row %q: %w", row, err)
	}
	return st, nil
}
