package crdt

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// AppendBinary implements [encoding.BinaryAppender].
func (m *MVRegister[V]) AppendBinary(b []byte) ([]byte, error) {
	m = m.state()
	return appendCausal(b, m.root, m), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (m *MVRegister[V]) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. The error is a
// [*content.ValueError] if V cannot hold a value. Decoding V may allocate more.
func (m *MVRegister[V]) UnmarshalBinary(data []byte) error {
	return unmarshal(&m.node, m, data)
}

// UnmarshalLenient decodes bytes or JSON, and keeps values that V cannot hold:
// the [*content.ValueError] of the first comes beside the state.
func (m *MVRegister[V]) UnmarshalLenient(data []byte) error {
	v, err := readLenient[*MVRegister[V]](data)
	if err == nil || errors.Is(err, content.ErrUnreadable) {
		m.adopt(v)
	}
	return err
}

// MarshalJSON has the state as [{"dot": "eu:4", "value": "blue"}]; "fields" and
// "bytes" may stand beside a value, as in the JSON of a lww.Map. It returns an
// error if the JSON of V leaves out a field that is not zero.
func (m mvRegisterState[V]) MarshalJSON() ([]byte, error) {
	return (&MVRegister[V]{mvRegisterState: m}).marshalJSON()
}

func (m *MVRegister[V]) marshalJSON() ([]byte, error) {
	m = m.state()
	return causalJSON(m.root, m)
}

// UnmarshalJSON implements [json.Unmarshaler].
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
	*m = MVRegister[V]{mvRegisterState: mvRegisterState[V]{node: node{root: v.root}, cell: v.cell}}
}

// MergeLenient is Merge of what [MVRegister.UnmarshalLenient] decodes.
func (m *MVRegister[V]) MergeLenient(data []byte) (changed bool, err error) {
	var o MVRegister[V]
	err = o.UnmarshalLenient(data)
	if err != nil && !errors.Is(err, content.ErrUnreadable) {
		return false, err
	}
	return m.Merge(&o), err
}

// MergeBinary is Merge of a binary form, which it decodes first.
func (m *MVRegister[V]) MergeBinary(data []byte) (bool, error) {
	r := m.receive(new(node))
	m.ready()
	return mergeBinary(r, m, data)
}

// Stats returns the statistics of m. Its elements are the different values.
func (m *MVRegister[V]) Stats() Stats {
	m = m.state()
	return statsOf(m.root, m, m.Len())
}

// Verify returns an error if m and o hold a dot with different content.
func (m *MVRegister[V]) Verify(o *MVRegister[V]) error {
	m, o = m.whole(), o.whole()
	return verify(m.root, m, o.root, o)
}

func (*MVRegister[V]) kinds(b []byte) []byte { return append(b, kindMVRegister) }
func (m *MVRegister[V]) encode(e *encoder) {
	e.uvarint(uint64(len(m.cell)))
	for _, w := range m.cell.ordered(e) {
		e.dot(w.dot)
		e.block = value.AppendFull(e.block[:0], &w.value.v, w.value.kept)
		e.bytes(e.block)
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
		var c stored[V]
		var bad *content.ValueError
		var err error
		if c.v, c.kept, bad, err = value.Read[V](p); err != nil {
			d.Fail("value: %w", err)
		}
		c.bad = d.unreadable(bad)
		if !m.cell.read(d, x, c) {
			return
		}
	}
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
		kinds := make(value.Kinds)
		value.NoteKinds(kinds, &w.value.v, w.value.kept)
		if len(kinds) > 0 {
			e.text(`,"fields":`)
			e.buf = kinds.AppendJSON(e.buf)
		}
		e.text(`,"value":`)
		buf, beside, err := value.AppendJSON(e.buf, &w.value.v, w.value.kept, kinds)
		if err != nil {
			e.fail(err)
			return
		}
		e.buf = append(value.AppendBeside(buf, beside), '}')
	}
	e.text("]")
}

func (m *MVRegister[V]) decodeJSON(d *decoder, p []byte) error {
	items, err := list(p)
	if err != nil {
		return err
	}
	for i, item := range items {
		if err := m.decodeWrite(d, item); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return m.cell.arrange(d.root)
}

func (m *MVRegister[V]) decodeWrite(d *decoder, item []byte) error {
	parts, err := membersOf(item, "dot", "value", "fields", "bytes")
	if err != nil {
		return err
	}
	if parts[0] == nil || parts[1] == nil {
		return errors.New("dot and value go together")
	}
	x, err := d.dotIn(parts[0])
	if err != nil {
		return err
	}
	var kinds value.Kinds
	if parts[2] != nil {
		if kinds, err = value.ParseKinds(parts[2]); err != nil {
			return err
		}
	}
	var beside []byte
	if parts[3] != nil {
		if beside, err = value.DecodeBeside(parts[3]); err != nil {
			return err
		}
	}
	var c stored[V]
	var bad *content.ValueError
	if c.v, c.kept, bad, err = value.LoadJSON[V](parts[1], beside, kinds); err != nil {
		return err
	}
	c.bad = d.unreadable(bad)
	m.cell = append(m.cell, written[stored[V]]{x, c})
	return nil
}

func (m *MVRegister[V]) events(yield func(d dot, what string)) {
	for _, w := range m.cell {
		text, beside, err := value.AppendJSON(nil, &w.value.v, w.value.kept, nil)
		if err != nil {
			beside = value.AppendFull(nil, &w.value.v, w.value.kept)
		}
		yield(w.dot, string(value.AppendBeside(text, beside)))
	}
}

func (*MVRegister[V]) compact(*compacting) bool { return false }

func (m *MVRegister[V]) stats(st *Stats) { st.Dots += len(m.cell) }
