package cell

import (
	"slices"

	"github.com/rejoin-go/rejoin/lww"
)

// Lives returns what of c a token holds. An open life is not told: the token says up to
// when deletes were forgotten. Of a row that is kept, and gone, it has the delete.
func (c *Cell) Lives() Cell {
	d := Cell{Key: c.Key, Kind: c.Kind, Type: c.Type, Stamp: c.Stamp}
	if isOpen(d.Stamp) {
		d.Stamp = lww.Stamp{}
	}
	if c.IsGone() {
		d.Kids = []Cell{*c.LastDelete()}
		return d
	}
	if c.Kind == Row || c.Kind == Rows || c.Kind == Manual {
		for i := range c.Kids {
			k := &c.Kids[i]
			if k.Kind == Replica {
				d.Kids = append(d.Kids, Cell{Key: k.Key, Kind: k.Kind, Stamp: k.Stamp})
			}
			if k.Kind == Row || k.Kind == Rows || k.Kind == Manual {
				if kid := k.Lives(); len(kid.Kids) > 0 || !kid.Stamp.IsZero() {
					d.Kids = append(d.Kids, kid)
				}
			}
		}
	}
	d.Live = d.Kind == Row && len(d.Kids) > 0
	return d
}

// IsSeen reports whether c is what [Cell.Lives] returns.
func (c *Cell) IsSeen() bool {
	switch c.Kind {
	case Replica:
		return len(c.Kids) == 0
	case Row, Rows, Manual:
		if c.IsGone() && len(c.Kids) == 1 {
			return c.Stamp.IsZero() || !isOpen(c.Stamp)
		}
		return (c.Stamp.IsZero() || !isOpen(c.Stamp)) && (c.Kind != Row || c.Live == (len(c.Kids) > 0)) && !slices.ContainsFunc(c.Kids, func(k Cell) bool { return !k.IsSeen() })
	case Register, First, Max, Min, Immutable, Choice, State, Totals, Union, Set, Table, Placed, Sums, Deleted, Fact, Option, Version, Seen, Total, Sibling,
		Member, Element, Entry, Sum, anyField:
	}
	return false
}
