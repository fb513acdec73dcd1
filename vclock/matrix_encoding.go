package vclock

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
)

const matrixVersion = 1

// AppendBinary implements [encoding.BinaryAppender]. It never returns an
// error. Varints are those of [binary.AppendUvarint].
//
//	field    bytes     count
//	version  1         1        is 1
//	members  varint    1
//	length   1         members, each followed by its
//	replica  length    members  in ascending order
//	row      varies    members  see Clock.AppendBinary
//	retired  varies    1        see Clock.AppendBinary
func (m *Matrix) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, matrixVersion)
	b = binary.AppendUvarint(b, uint64(len(m.members)))
	for _, r := range m.members {
		b = append(append(b, byte(len(r))), r...)
	}
	var err error
	for _, row := range append(slices.Clip(m.rows), m.retired) {
		if b, err = row.AppendBinary(b); err != nil {
			return b, err
		}
	}
	return b, nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [Matrix.AppendBinary].
func (m *Matrix) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [Matrix.AppendBinary] writes.
func (m *Matrix) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(matrixVersion)
	var d Matrix
	const leastMember = 4 // a length, a name of one byte, an empty clock
	if n := r.Count(leastMember); n > 0 {
		for names := readNames(r, n); names != ""; {
			var name Replica
			name, names = cutName(names)
			d.members = append(d.members, name)
		}
	}
	for range d.members {
		r.Version(clockVersion)
		d.rows = append(d.rows, readClock(r))
	}
	r.Version(clockVersion)
	d.retired = readClock(r)
	err := r.Close()
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return fmt.Errorf("vclock: decode Matrix: %w", wire.Damaged(err))
	}
	*m = d
	return nil
}

// check returns an error if no use of a matrix leads to m.
func (m *Matrix) check() error {
	names := make([]Replica, 0, m.retired.Len())
	for r := range m.retired.All() {
		if _, ok := m.find(r); ok {
			return fmt.Errorf("member %q is retired", string(r))
		}
		names = append(names, r)
	}
	seen := make([]bool, len(names))
	for _, row := range m.rows {
		for r, n := range row.All() {
			if i, ok := slices.BinarySearch(names, r); ok && n >= m.retired.seqs[i] {
				seen[i] = true
			}
		}
	}
	if i := slices.Index(seen, false); i >= 0 {
		return fmt.Errorf("no member has seen number %d of retired replica %q", m.retired.seqs[i], string(names[i]))
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
//
//	{"members":{"eu":{"eu":"4","us":"6"},"us":{"us":"7"}},"retired":{}}
func (m *Matrix) MarshalJSON() ([]byte, error) {
	b := []byte(`{"members":{`)
	for i, r := range m.members {
		row, err := m.rows[i].MarshalJSON()
		if err != nil {
			return nil, err
		}
		b = append(appendMember(b, r), row...)
	}
	retired, err := m.retired.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return append(append(append(b, `},"retired":`...), retired...), '}'), nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what
// [Matrix.MarshalJSON] writes, in any order of members and with any white
// space. As usual, null changes nothing.
func (m *Matrix) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var d Matrix
	var members json.RawMessage
	err := decodeFields(data, fields{"members": &members, "retired": &d.retired})
	if err == nil {
		err = d.decodeMembers(members)
	}
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return fmt.Errorf("vclock: decode Matrix: %w", wire.Damaged(err))
	}
	*m = d
	return nil
}

func (m *Matrix) decodeMembers(data []byte) error {
	rows := map[Replica]Clock{}
	err := decodeObject(data, func(r Replica, value []byte) error {
		if string(value) == "null" {
			return errors.New("null instead of a clock")
		}
		var row Clock
		err := json.Unmarshal(value, &row)
		rows[r] = row
		return err
	})
	for _, r := range slices.Sorted(maps.Keys(rows)) {
		m.members, m.rows = append(m.members, r), append(m.rows, rows[r])
	}
	return err
}
