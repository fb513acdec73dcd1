package crdt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/codec"
)

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
// Equal states have equal bytes:
//
//	field    bytes
//	version  1, now 2
//	kind     1, here 6
//	context  as in [Context.AppendBinary], from the number of replicas on
//	values   varint, then for each write, in the order of dots:
//	  dot    place of its replica in the context, and its number, varints
//	  value  varint length, then its canonical bytes
func (m *MVRegister[V]) AppendBinary(b []byte) ([]byte, error) {
	m = m.state()
	return appendCausal(b, m.root, m), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [MVRegister.AppendBinary].
func (m *MVRegister[V]) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [MVRegister.AppendBinary] writes, and leaves m unchanged on any other input. It
// allocates at most 128 bytes per byte of input beside what decoding the values
// takes where V is of no basic kind.
func (m *MVRegister[V]) UnmarshalBinary(data []byte) error {
	v, err := readCausal[*MVRegister[V]](data)
	if err == nil {
		m.adopt(v)
	}
	return err
}

// MarshalJSON implements [json.Marshaler]. It never returns an error.
//
//	{"type": "MVRegister", "context": {"eu": "1-4"}, "state":
//	    [{"dot": "eu:4", "value": "blue"}]}
//
// Values of basic kinds are in the JSON form of keys, 64-bit integers as strings;
// others are as [encoding/json] has them.
func (m *MVRegister[V]) MarshalJSON() ([]byte, error) {
	m = m.state()
	return causalJSON(m.root, m), nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It leaves m unchanged if p is not
// the JSON form of a state. As usual, null changes nothing.
func (m *MVRegister[V]) UnmarshalJSON(p []byte) error {
	if isNull(p) {
		return nil
	}
	v, err := readCausalJSON[*MVRegister[V]](p)
	if err == nil {
		m.adopt(v)
	}
	return err
}

// adopt makes m the state v, which nobody else has.
func (m *MVRegister[V]) adopt(v *MVRegister[V]) {
	m.replaceable()
	*m = MVRegister[V]{node: node[*MVRegister[V]]{root: v.root}, cell: v.cell}
}

// MergeBinary merges a state in the form of [MVRegister.AppendBinary] and reports
// whether that changed m. On an error it leaves m unchanged: all of data, which is
// O(c + r), is decoded first, within the bound of [MVRegister.UnmarshalBinary].
// It panics if m is a value in an [ORMap].
func (m *MVRegister[V]) MergeBinary(data []byte) (bool, error) {
	r := m.receive(new(node[*MVRegister[V]]))
	m.ready()
	return mergeBinary(r, m, data)
}

// Stats returns the statistics of m. Its elements are the different values.
func (m *MVRegister[V]) Stats() Stats {
	m = m.state()
	return statsOf(m.root, m, m.Len())
}

// Verify returns an error that names a dot which m and o hold with different
// content, and nil if there is none. Such a dot is the trace of a replica name
// used by two lineages, which no merge can mend.
func (m *MVRegister[V]) Verify(o *MVRegister[V]) error {
	m, o = m.whole(), o.whole()
	return verify(m.root, m, o.root, o)
}

func (*MVRegister[V]) kinds(b []byte) []byte { return append(b, kindMVRegister) }
func (m *MVRegister[V]) encode(e *encoder) {
	e.uvarint(uint64(len(m.cell)))
	for _, w := range m.cell.ordered(e) {
		e.dot(w.dot)
		e.bytes(w.value.bytes())
	}
}

func (m *MVRegister[V]) decode(d *decoder) {
	n := d.Count(3)
	m.cell = slices.Grow(m.cell, n)
	for range n {
		x := d.dot()
		p := d.Bytes()
		if d.Err() != nil {
			return
		}
		c, err := decodeContent[V](p)
		if err != nil {
			d.Fail("value: %w", err)
		}
		if !m.cell.read(d, x, c) {
			return
		}
	}
}

// decodeContent returns the content whose canonical bytes are p.
func decodeContent[V any](p []byte) (content[V], error) {
	v, err := codec.DecodeValue[V](p)
	if err != nil {
		return content[V]{}, err
	}
	c, err := contentOf(v)
	if err == nil && !bytes.Equal(c.bytes(), p) {
		err = errors.New("bytes are not canonical")
	}
	return c, err
}

func (m *MVRegister[V]) rootOf() *root { return m.whole().root }

func (m *MVRegister[V]) scan(d *decoder) bool {
	m.cell = m.cell[:0]
	m.decode(d)
	return len(m.cell) > 0
}

func (m *MVRegister[V]) encodeJSON(e *encoder) {
	e.text("[")
	for i, w := range m.cell.ordered(e) {
		e.comma(i)
		e.text(`{"dot":`)
		e.string(e.root.name(w.dot).String())
		e.text(`,"value":`)
		e.buf = w.value.appendJSON(e.buf)
		e.text("}")
	}
	e.text("]")
}

func (c content[V]) appendJSON(b []byte) []byte {
	b, _ = codec.AppendValueJSON(b, c.v) // contentOf has seen to it that there is no error
	return b
}

func (m *MVRegister[V]) decodeJSON(d *decoder, p []byte) error {
	items, err := list(p)
	if err != nil {
		return err
	}
	for i, item := range items {
		parts, err := members(item, "dot", "value")
		if err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		if err := m.decodeWrite(d, parts[0], parts[1]); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return m.cell.arrange(d.root)
}

func (m *MVRegister[V]) decodeWrite(d *decoder, name, value []byte) error {
	x, err := d.dotIn(name)
	if err != nil {
		return err
	}
	v, err := codec.DecodeValueJSON[V](value)
	if err != nil {
		return err
	}
	c, err := contentOf(v)
	if err != nil {
		return err
	}
	m.cell = append(m.cell, written[content[V]]{x, c})
	return nil
}

func (m *MVRegister[V]) events(yield func(d dot, what string)) {
	for _, w := range m.cell {
		yield(w.dot, string(w.value.appendJSON(nil)))
	}
}

func (*MVRegister[V]) compact(*compacting) bool { return false }

func (m *MVRegister[V]) stats(st *Stats) { st.Dots += len(m.cell) }
