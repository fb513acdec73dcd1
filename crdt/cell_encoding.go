package crdt

import "slices"

// writeWrites appends the dots of writes that have no content.
func writeWrites[T any](e *encoder, c cell[T]) {
	e.uvarint(uint64(len(c)))
	for _, w := range c.ordered(e) {
		e.dot(w.dot)
	}
}

// readWrites reads what writeWrites wrote; each of the writes is v.
func readWrites[T any](d *decoder, c *cell[T], v T) {
	n := d.Count(2)
	*c = slices.Grow(*c, n)
	for range n {
		if !c.read(d, d.dot(), v) {
			return
		}
	}
}

// read appends a write that was read. It fails d, and reports false, if that is
// not above the one before.
func (c *cell[T]) read(d *decoder, x dot, v T) bool {
	if n := len(*c); n > 0 && (*c)[n-1].dot.compare(x) >= 0 {
		d.Fail("dots do not ascend")
	}
	if d.Err() != nil {
		return false
	}
	*c = append(*c, written[T]{x, v})
	return true
}

// writesJSON appends the dots of writes that have no content.
func writesJSON[T any](e *encoder, c cell[T]) {
	var ds []dot
	for _, w := range c.ordered(e) {
		ds = append(ds, w.dot)
	}
	e.dotsJSON(ds)
}

// parseWrites reads what writesJSON wrote; each of the writes is v.
func parseWrites[T any](d *decoder, p []byte, c *cell[T], v T) error {
	ds, err := d.dotsIn(p)
	if err != nil {
		return err
	}
	for _, x := range ds {
		*c = append(*c, written[T]{x, v})
	}
	return c.arrange(d.root)
}
