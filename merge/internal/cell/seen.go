package cell

import "slices"

// Lives returns what of c a token holds.
func (c *Cell) Lives() Cell {
	d := Cell{Key: c.Key, Kind: c.Kind, Type: c.Type, Stamp: c.Stamp}
	switch c.Kind {
	case Row, Rows, Manual:
		for i := range c.Kids {
			k := &c.Kids[i]
			switch k.Kind {
			case Row, Rows, Manual:
				kid := k.Lives()
				if len(kid.Kids) > 0 || !kid.Stamp.IsZero() {
					d.Kids = append(d.Kids, kid)
				}
			case Replica:
				d.Kids = append(d.Kids, Cell{Key: k.Key, Kind: k.Kind, Stamp: k.Stamp})
			default:
			}
		}
	default:
	}
	d.Live = d.Kind == Row && len(d.Kids) > 0
	return d
}

// IsSeen reports whether c is what [Cell.Lives] returns.
func (c *Cell) IsSeen() bool {
	switch c.Kind {
	case Row:
		if c.Live != (len(c.Kids) > 0) {
			return false
		}
	case Replica:
		return len(c.Kids) == 0
	case Rows, Manual:
	default:
		return false
	}
	return !slices.ContainsFunc(c.Kids, func(k Cell) bool { return !k.IsSeen() })
}
