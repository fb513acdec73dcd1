package cell

import (
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// LastOf returns the largest time in c that r stamped.
func (c *Cell) LastOf(r vclock.Replica) (last hlc.Timestamp) {
	if c.Stamp.Replica == r {
		last = c.Stamp.Time
	}
	for i := range c.Kids {
		last = max(last, c.Kids[i].LastOf(r))
	}
	return last
}

// Forked returns the first cell in c that is in d, too, under the same stamp and with
// other content, or nil. It looks at those of which a stamp is of one write.
func (c *Cell) Forked(d *Cell) *Cell {
	if d == nil {
		return nil
	}
	switch c.Kind {
	case Register, Placed, Element, Entry, Total, Sum:
		if !c.Stamp.IsZero() && c.Stamp == d.Stamp && (c.Live != d.Live || c.Value != d.Value) {
			return c
		}
	default:
	}
	for i := range c.Kids {
		if k := c.Kids[i].Forked(d.Like(&c.Kids[i])); k != nil {
			return k
		}
	}
	return nil
}

// Speaks reports whether d has something under a stamp that is of interest, and that c,
// which may be nil, lacks.
func (c *Cell) Speaks(d *Cell, of func(lww.Stamp) bool) bool {
	if of(d.Stamp) && (c == nil || c.Stamp.Before(d.Stamp)) {
		return true
	}
	for i := range d.Kids {
		if c.Like(&d.Kids[i]).Speaks(&d.Kids[i], of) {
			return true
		}
	}
	return false
}
