package vclock

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock/content"
)

const dvvSetVersion = 2

// AppendBinary implements [encoding.BinaryAppender].
func (s *DVVSet[V]) AppendBinary(b []byte) ([]byte, error) {
	b, err := s.past.AppendBinary(append(b, dvvSetVersion))
	if err != nil {
		return b, err
	}
	b = binary.AppendUvarint(b, uint64(len(s.siblings)))
	var full []byte
	for i := range s.siblings {
		w := &s.siblings[i]
		b = append(b, byte(len(w.dot.Replica)))
		b = append(b, w.dot.Replica...)
		b = binary.AppendUvarint(b, w.dot.Seq)
		full = value.AppendFull(full[:0], &w.v, w.kept)
		b = wire.AppendBytes(b, full)
	}
	return b, nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (s *DVVSet[V]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It returns a
// [*content.ValueError] if V cannot hold a value: see
// [DVVSet.UnmarshalLenient].
func (s *DVVSet[V]) UnmarshalBinary(data []byte) error {
	d, err := decodeDVVSet[V](data)
	return s.take(d, err, false)
}

// UnmarshalLenient decodes binary or JSON, and keeps values that V cannot hold.
// Its [*content.ValueError] is for the first of these.
func (s *DVVSet[V]) UnmarshalLenient(data []byte) error {
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && text[0] == '{' {
		d, err := decodeDVVSetJSON[V](text)
		return s.take(d, err, true)
	}
	d, err := decodeDVVSet[V](data)
	return s.take(d, err, true)
}

// MergeBinary merges a set in binary form, and reports whether that changed s.
func (s *DVVSet[V]) MergeBinary(data []byte) (changed bool, err error) {
	var o DVVSet[V]
	if err := o.UnmarshalBinary(data); err != nil {
		return false, err
	}
	return s.Merge(&o), nil
}

// MergeLenient merges what [DVVSet.UnmarshalLenient] accepts, with its error.
func (s *DVVSet[V]) MergeLenient(data []byte) (changed bool, err error) {
	var o DVVSet[V]
	if err = o.UnmarshalLenient(data); err != nil && !errors.Is(err, content.ErrUnreadable) {
		return false, err
	}
	return s.Merge(&o), err
}

// take makes d the state of s, if there is no error, or only that of a value that V
// cannot hold and the caller is lenient.
func (s *DVVSet[V]) take(d DVVSet[V], err error, lenient bool) error {
	if err == nil {
		for _, bad := range d.Unreadable() {
			err = bad
			break
		}
		if err == nil || lenient {
			*s = d
		}
	}
	if err != nil {
		return fmt.Errorf("vclock: decode DVVSet: %w", wire.Damaged(err))
	}
	return nil
}

func decodeDVVSet[V any](data []byte) (DVVSet[V], error) {
	r := wire.NewReader(data)
	r.Version(dvvSetVersion)
	r.Version(clockVersion)
	d := DVVSet[V]{past: readClock(r, Clock{})}
	past := finger{d.past}
	const leastSibling = 4 // a length, a name of one byte, a number, a size
	for range r.Count(leastSibling) {
		w := sibling[V]{dot: Dot{Replica: Replica(r.Take(int(r.Byte()))), Seq: r.Uvarint()}}
		full := r.Bytes()
		if r.Err() != nil {
			break
		}
		var bad *content.ValueError
		var err error
		if w.v, w.kept, bad, err = value.Read[V](full); err == nil {
			w.bad = bad != nil
			err = d.push(w, &past)
		}
		if err != nil {
			r.Fail("%w", err)
		}
	}
	return d, r.Close()
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
	Dot    Dot             `json:"dot"`
	Fields json.RawMessage `json:"fields,omitempty"`
	Value  json.RawMessage `json:"value"`
	Bytes  json.RawMessage `json:"bytes,omitempty"`
}

// MarshalJSON implements [json.Marshaler]:
//
//	{"past":{"eu":"4"},"siblings":[{"dot":"eu:3","value":"…"},{"dot":"eu:4","value":"…"}]}
//
// Values are as in encoding/json. Where needed, "fields" has the kinds of
// fields that JSON does not show, and "bytes" the binary form of a value to
// which JSON does not lead back. It returns an error that names a field which
// is not zero if the JSON of V leaves it out.
func (s DVVSet[V]) MarshalJSON() ([]byte, error) {
	siblings := make([]siblingJSON, len(s.siblings))
	for i := range s.siblings {
		w, o := &s.siblings[i], &siblings[i]
		kinds := make(value.Kinds)
		value.NoteKinds(kinds, &w.v, w.kept)
		if len(kinds) > 0 {
			o.Fields = kinds.AppendJSON(nil)
		}
		text, beside, err := value.AppendJSON(nil, &w.v, w.kept, kinds)
		if err == nil && beside != nil {
			o.Bytes, err = json.Marshal(beside)
		}
		if err != nil {
			return nil, fmt.Errorf("vclock: encode DVVSet: %w", err)
		}
		o.Dot, o.Value = w.dot, text
	}
	return json.Marshal(struct {
		Past     Clock         `json:"past"`
		Siblings []siblingJSON `json:"siblings"`
	}{s.past, siblings})
}

// UnmarshalJSON implements [json.Unmarshaler]: see [DVVSet.UnmarshalBinary].
func (s *DVVSet[V]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	d, err := decodeDVVSetJSON[V](data)
	return s.take(d, err, false)
}

func decodeDVVSetJSON[V any](data []byte) (d DVVSet[V], err error) {
	var siblings json.RawMessage
	err = decodeFields(data, fields{"past": &d.past, "siblings": &siblings})
	if err == nil {
		err = d.decodeSiblings(siblings)
	}
	return d, err
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
	var w sibling[V]
	var text, kindsText, besideText json.RawMessage
	err := decodeFields(data, fields{"dot": &w.dot, "value": &text, "fields?": &kindsText, "bytes?": &besideText})
	if err != nil {
		return err
	}
	var kinds value.Kinds
	if kindsText != nil {
		if kinds, err = value.ParseKinds(kindsText); err != nil {
			return err
		}
	}
	var beside []byte
	if besideText != nil {
		if beside, err = value.DecodeBeside(besideText); err != nil {
			return err
		}
	}
	var bad *content.ValueError
	if w.v, w.kept, bad, err = value.LoadJSON[V](text, beside, kinds); err != nil {
		return err
	}
	w.bad = bad != nil
	return s.push(w, past)
}
