package crdt

import (
	"slices"
)

// AppendBinary implements [encoding.BinaryAppender].
func (f *DWFlag) AppendBinary(b []byte) ([]byte, error) {
	f = f.state()
	return appendCausal(b, f.root, f), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (f *DWFlag) MarshalBinary() ([]byte, error) { return f.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (f *DWFlag) UnmarshalBinary(data []byte) error {
	return unmarshal(&f.node, f, data)
}

// MarshalJSON has the state as {"enabled": ["eu:4"], "disabled": ["us:1"]}.
func (f dwFlagState) MarshalJSON() ([]byte, error) {
	return (&DWFlag{dwFlagState: f}).marshalJSON()
}

func (f *DWFlag) marshalJSON() ([]byte, error) {
	f = f.state()
	return causalJSON(f.root, f)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (f *DWFlag) UnmarshalJSON(p []byte) error {
	if isNull(p) {
		return nil
	}
	v, err := readCausalJSON[*DWFlag](p)
	if err == nil {
		f.adopt(v)
	}
	return err
}

// adopt makes f the state v, which nobody else has.
func (f *DWFlag) adopt(v *DWFlag) {
	f.replaceable()
	*f = DWFlag{dwFlagState: dwFlagState{node: node{root: v.root}, cell: v.cell}}
}

// MergeBinary is Merge of a binary form, which it decodes first.
func (f *DWFlag) MergeBinary(data []byte) (bool, error) {
	r := f.receive(new(node))
	f.ready()
	return mergeBinary(r, f, data)
}

// Stats returns the statistics of f. It has one element if it is enabled.
func (f *DWFlag) Stats() Stats {
	f = f.state()
	n := 0
	if f.live() {
		n = 1
	}
	return statsOf(f.root, f, n)
}

// Compact drops the disables that seen covers, unless f holds an enable.
func (f *DWFlag) Compact(seen Context) bool {
	f.change()
	f.ready()
	c, ok := f.root.compacting(seen)
	return ok && f.compact(c)
}

// Revived reports whether a merge of o would enable f: see [RWSet.Revived].
func (f *DWFlag) Revived(o *DWFlag, seen Context) bool {
	before, after := f.Changed(o)
	return !o.HasSeen(seen) && after && !before
}

// Verify returns an error if f and o hold a dot with different content.
func (f *DWFlag) Verify(o *DWFlag) error {
	f, o = f.whole(), o.whole()
	return verify(f.root, f, o.root, o)
}

func (*DWFlag) kinds(b []byte) []byte { return append(b, kindDWFlag) }

// split returns the enables and the disables of f.
func (f *DWFlag) split() (on, off cell[bool]) {
	for _, w := range f.cell {
		if w.value {
			on = append(on, w)
		} else {
			off = append(off, w)
		}
	}
	return on, off
}

func (f *DWFlag) encode(e *encoder) {
	on, off := f.split()
	writeWrites(e, on)
	writeWrites(e, off)
}

func (f *DWFlag) decode(d *decoder) {
	on := f.cell
	readWrites(d, &on, true)
	off := on[len(on):]
	readWrites(d, &off, false)
	f.cell = append(on, off...) // which may be there already
	if err := f.cell.arrange(d.root); err != nil {
		d.Fail("%w", err)
	}
}

func (f *DWFlag) rootOf() *root { return f.whole().root }

func (f *DWFlag) scan(d *decoder) bool {
	f.cell = f.cell[:0]
	f.decode(d)
	return len(f.cell) > 0
}

func (f *DWFlag) encodeJSON(e *encoder) {
	on, off := f.split()
	e.text(`{"enabled":`)
	writesJSON(e, on)
	e.text(`,"disabled":`)
	writesJSON(e, off)
	e.text("}")
}

func (f *DWFlag) decodeJSON(d *decoder, p []byte) error {
	parts, err := members(p, "enabled", "disabled")
	if err != nil {
		return err
	}
	if err := parseWrites(d, parts[0], &f.cell, true); err != nil {
		return err
	}
	return parseWrites(d, parts[1], &f.cell, false)
}

func (f *DWFlag) events(yield func(d dot, what string)) {
	for _, w := range f.cell {
		what := "disabled"
		if w.value {
			what = "enabled"
		}
		yield(w.dot, what)
	}
}

// compact drops disables, but not beside an enable, which would win then: whoever
// has read the disable may remove it from a map, and the enable with it only if
// the two were read together.
func (f *DWFlag) compact(c *compacting) bool {
	if on, _ := f.split(); len(on) > 0 {
		return false
	}
	before := len(f.cell)
	f.cell = slices.DeleteFunc(f.cell, func(w written[bool]) bool { return c.drops(w.dot) })
	return len(f.cell) < before
}

func (f *DWFlag) stats(st *Stats) {
	on, off := f.split()
	st.Dots += len(on)
	st.Residues += len(off)
}
