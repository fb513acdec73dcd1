package main

import (
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
)

// A plainState is a row without the library: bytes, of which the ones that come
// last overwrite the others. It is here to be measured against, see -plain, and
// loses what is written concurrently.
type plainState struct{ data []byte }

func (p *plainState) merge(other state) bool {
	o := other.(*plainState)
	changed := !slices.Equal(p.data, o.data)
	p.data = o.data
	return changed
}
func (p *plainState) clone() state             { return &plainState{p.data} }
func (p *plainState) encode() ([]byte, error)  { return p.data, nil }
func (p *plainState) decode(data []byte) error { p.data = slices.Clone(data); return nil }
func (p *plainState) latest() hlc.Timestamp    { return 0 }
func (p *plainState) open() bool               { return false }
