package crdttest_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/vclock"
)

// A text is a bag with JSON, an object with a member for every element, and a place
// for a fault in how it treats JSON, or the buffers that it reads from and writes to.
type text struct {
	bag
	fault string
	buf   *[]byte // to encode into again
}

func (x *text) Merge(o *text) bool { return x.bag.Merge(&o.bag) }
func (x *text) Equal(o *text) bool { return x.bag.Equal(&o.bag) }
func (x *text) Clone() *text       { return &text{*x.bag.Clone(), x.fault, x.buf} }

func (x *text) MarshalBinary() ([]byte, error) {
	switch x.fault {
	case "returns what it holds":
		return x.elems, nil
	case "returns one buffer":
		*x.buf = append((*x.buf)[:0], x.elems...)
		return *x.buf, nil
	}
	return x.bag.MarshalBinary()
}

func (x *text) MergeBinary(p []byte) (bool, error) {
	empty := len(x.elems) == 0
	changed, err := x.bag.MergeBinary(p)
	if x.fault == "keeps what it merges" && err == nil && empty {
		x.elems = p
	}
	return changed, err
}

func (x *text) MarshalJSON() ([]byte, error) {
	all := map[string]int{}
	for _, e := range x.elems {
		all[string(e)] = 1
	}
	return json.Marshal(all)
}

func (x *text) UnmarshalJSON(p []byte) error {
	if x.fault == "panics on a list" && len(p) > 0 && p[0] == '[' || x.fault == "panics on a number" && string(p) == "1" {
		panic("no object")
	}
	if x.fault == "empties itself first" {
		x.elems = nil
	}
	all := map[string]int{}
	err := json.Unmarshal(p, &all)
	elems := []byte{}
	for name, n := range all {
		if err == nil && (len(name) != 1 || name < "p" || name > "r" || n != 1) {
			err = errors.New("no text")
		}
		elems = append(elems, name...)
		if x.fault == "reads as it goes" {
			x.add(elems[len(elems)-len(name):])
		}
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case err == nil:
	case x.fault == "minds no error", x.fault == "minds syntax alone" && !syntax:
		elems = nil
	case x.fault == "minds no error and stays":
		return nil
	default:
		return err
	}
	slices.Sort(elems)
	if x.fault != "keeps old keys" {
		x.elems, x.order = nil, nil
	}
	x.add(elems)
	return nil
}

func textKit(fault string) *crdttest.Kit[*text] {
	buf := new([]byte)
	return &crdttest.Kit[*text]{
		New: func() *text { return &text{fault: fault, buf: buf} },
		Ops: []crdttest.Operation[*text]{
			crdttest.Op("Add", rapid.SampledFrom([]byte("pqr")), func(x *text, _ vclock.Replica, e byte) (*text, error) {
				x.add([]byte{e})
				return &text{bag{elems: []byte{e}, order: []byte{e}}, fault, buf}, nil
			}),
		},
		Value: func(x *text) any { return string(x.elems) },
	}
}

// TestFaultsOfJSON plants faults that show when JSON is decoded into a state that is not
// empty, or is not what the type writes.
func TestFaultsOfJSON(t *testing.T) {
	require.NoError(t, textKit("").Run(1, 100))
	for _, tt := range []struct {
		fault string
		law   crdttest.Law
		most  int
	}{
		{"keeps old keys", crdttest.RoundTrip, 2},
		{"empties itself first", crdttest.Hostile, 1},
		{"reads as it goes", crdttest.Hostile, 2},
		{"minds no error", crdttest.Hostile, 1},
		{"minds no error and stays", crdttest.Hostile, 1},
		{"minds syntax alone", crdttest.Hostile, 1},
		{"panics on a list", crdttest.Panics, 0},
		{"panics on a number", crdttest.Panics, 0},
	} {
		t.Run(tt.fault, func(t *testing.T) { requireBroken(t, textKit(tt.fault).Run(1, 100), tt.law, tt.most) })
	}
}

// TestFaultsOfBuffers plants states that share memory with bytes.
func TestFaultsOfBuffers(t *testing.T) {
	for _, fault := range []string{"returns what it holds", "returns one buffer", "keeps what it merges"} {
		t.Run(fault, func(t *testing.T) { requireBroken(t, textKit(fault).Run(1, 100), crdttest.Aliasing, 2) })
	}
}
