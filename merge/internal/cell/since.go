package cell

// Since returns the part of c that a join into old needs, of one place: with it, old
// becomes what it becomes with c. It returns false if that is nothing. Cells that
// c and old share are not looked into.
func (c *Cell) Since(old *Cell) (Cell, bool) {
	if old == nil {
		return *c, true
	}
	if c.Same(old) {
		return Cell{}, false
	}
	switch c.Kind {
	case Row:
		if c.Stamp != old.Stamp { // another life, which wins or loses as a whole
			return *c, true
		}
	case Immutable, Choice, Totals, Sums, Manual, Union, Set, Table, Rows:
	case Register, First, Max, Min, State, Placed, Deleted, Fact, Option, Version, Seen, Total, Replica, Sibling, Member, Element, Entry, Sum, anyField:
		return *c, true // of one piece, or kids that say something by not being there
	}
	part := *c
	part.Kids = nil
	for i := range c.Kids {
		if k, ok := c.Kids[i].Since(old.Like(&c.Kids[i])); ok {
			part.Kids = append(part.Kids, k)
		}
	}
	if last := c.LastDelete(); last != nil && len(part.Kids) > 0 { // marks say nothing without it
		part.Kids = JoinKids(part.Kids, []Cell{*last})
		part.Revive()
	}
	return part, len(part.Kids) > 0 || c.Live && !old.Live
}
