package vclock

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/internal/wire"
)

const dvvSetVersion = 1

// AppendBinary implements [encoding.BinaryAppender]. It never returns an
// error. Varints are those of [binary.AppendUvarint].
//
//	field     bytes     count
//	version   1         1      is 1
//	past      varies    1      see Clock.AppendBinary
//	siblings  varint    1      each of them, in ascending order of dots:
//	length    1         siblings
//	replica   length    siblings
//	number    varint    siblings
//	size      varint    siblings
//	value     size      siblings
//
// The bytes of a value follow from its kind: integers big-endian, strings as
// they are; a type that no kind covers takes its own MarshalBinary, or JSON.
func (s *DVVSet[V]) AppendBinary(b []byte) ([]byte, error) {
	b, err := s.past.AppendBinary(append(b, dvvSetVersion))
	if err != nil {
		return b, err
	}
	b = binary.AppendUvarint(b, uint64(len(s.siblings)))
	for i := range s.siblings {
		w := &s.siblings[i]
		b = append(b, byte(len(w.dot.Replica)))
		b = append(b, w.dot.Replica...)
		b = binary.AppendUvarint(b, w.dot.Seq)
		b = wire.AppendBytes(b, w.bytes())
	}
	return b, nil
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [DVVSet.AppendBinary].
func (s *DVVSet[V]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [DVVSet.AppendBinary] writes.
func (s *DVVSet[V]) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(dvvSetVersion)
	r.Version(clockVersion)
	d := DVVSet[V]{past: readClock(r)}
	past := finger{d.past}
	const leastSibling = 4 // a length, a name of one byte, a number, a size
	for range r.Count(leastSibling) {
		dot := Dot{Replica: Replica(r.Take(int(r.Byte()))), Seq: r.Uvarint()}
		enc := r.Bytes()
		if r.Err() != nil {
			break
		}
		w, err := decodeSibling[V](dot, enc)
		if err == nil {
			err = d.push(w, &past)
		}
		if err != nil {
			r.Fail("%w", err)
		}
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("vclock: decode DVVSet: %w", wire.Damaged(err))
	}
	*s = d
	return nil
}

func decodeSibling[V any](d Dot, enc []byte) (sibling[V], error) {
	v, err := codec.DecodeValue[V](enc)
	if err != nil {
		return sibling[V]{}, err
	}
	w := sibling[V]{dot: d, value: v}
	if !codec.ByKind[V]() {
		w.enc = append([]byte{}, enc...)
	}
	return w, nil
}

// push adds a sibling read from an encoding, behind the others, and refuses it
// where a set cannot have it. Past moves along s.past with the siblings.
func (s *DVVSet[V]) push(w sibling[V], past *finger) error {
	switch n := len(s.siblings); {
	case !w.dot.IsValid():
		return errInvalidDot(w.dot)
	case n > 0 && w.dot.Compare(s.siblings[n-1].dot) <= 0:
		return fmt.Errorf("dot %v is out of order", w.dot)
	case w.dot.Seq-1 == past.at(w.dot.Replica):
		return fmt.Errorf("dot %v follows the past without a gap", w.dot)
	}
	s.siblings = append(s.siblings, w)
	return nil
}

// siblingJSON is the JSON form of a sibling.
type siblingJSON struct {
	Dot   Dot             `json:"dot"`
	Value json.RawMessage `json:"value"`
}

// MarshalJSON implements [json.Marshaler].
//
//	{"past":{"eu":"4"},"siblings":[{"dot":"eu:3","value":"…"},{"dot":"eu:4","value":"…"}]}
func (s *DVVSet[V]) MarshalJSON() ([]byte, error) {
	siblings := make([]siblingJSON, len(s.siblings))
	for i := range s.siblings {
		value, err := codec.AppendValueJSON(nil, s.siblings[i].value)
		if err != nil {
			return nil, fmt.Errorf("vclock: encode DVVSet: %w", err)
		}
		siblings[i] = siblingJSON{s.siblings[i].dot, value}
	}
	return json.Marshal(struct {
		Past     Clock         `json:"past"`
		Siblings []siblingJSON `json:"siblings"`
	}{s.past, siblings})
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what
// [DVVSet.MarshalJSON] writes, in any order of members and with any white
// space. As usual, null changes nothing.
func (s *DVVSet[V]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var d DVVSet[V]
	var siblings json.RawMessage
	err := decodeFields(data, fields{"past": &d.past, "siblings": &siblings})
	if err == nil {
		err = d.decodeSiblings(siblings)
	}
	if err != nil {
		return fmt.Errorf("vclock: decode DVVSet: %w", wire.Damaged(err))
	}
	*s = d
	return nil
}

func (s *DVVSet[V]) decodeSiblings(data []byte) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(data, &elements); err != nil {
		return err
	}
	if elements == nil {
		return errors.New("null instead of siblings")
	}
	past := finger{s.past}
	for i, element := range elements {
		if err := s.decodeSibling(element, &past); err != nil {
			return fmt.Errorf("sibling %d: %w", i, err)
		}
	}
	return nil
}

func (s *DVVSet[V]) decodeSibling(data []byte, past *finger) error {
	var d Dot
	var value json.RawMessage
	if err := decodeFields(data, fields{"dot": &d, "value": &value}); err != nil {
		return err
	}
	v, err := codec.DecodeValueJSON[V](value)
	if err != nil {
		return err
	}
	w, err := newSibling(d, v)
	if err != nil {
		return err
	}
	return s.push(w, past)
}
