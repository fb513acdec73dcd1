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

// Forked returns the key of the first field in c with something that is in d, too, under the same stamp and
// with other content, and that stamp, or the zero Stamp. It looks at cells of which a stamp
// is of one write.
func (c *Cell) Forked(d *Cell) (field string, at lww.Stamp) {
	if d == nil {
		return "", lww.Stamp{}
	}
	switch c.Kind {
	case Register, Placed, Element, Entry, Total, Sum:
		if !c.Stamp.IsZero() && c.Stamp == d.Stamp && (c.Live != d.Live || c.Value != d.Value) {
			return c.Key, c.Stamp
		}
	case First, Max, Min, Immutable, Choice, State, Totals, Manual, Union, Set, Table, Rows, Row, Sums, Deleted, Fact, Option, Version, Seen, Replica,
		Sibling, Member, anyField:
	}
	for i := range c.Kids {
		k := &c.Kids[i]
		if field, at = k.Forked(d.Like(k)); !at.IsZero() {
			if k.Kind >= Fact { // no field, but a part of one
				field = c.Key
			}
			return field, at
		}
	}
	return "", lww.Stamp{}
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
