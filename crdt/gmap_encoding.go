package crdt

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// AppendBinary implements [encoding.BinaryAppender]. It fails where V does.
func (m *GMap[K, V]) AppendBinary(b []byte) ([]byte, error) {
	m = m.orEmpty()
	if err := checkBinary[V](); err != nil {
		return nil, fmt.Errorf("crdt: encode GMap: %w", err)
	}
	b = appendGrownHead(b, kindGMap, value.Identity[K]())
	b = binary.AppendUvarint(b, uint64(m.Len()))
	var buf []byte
	for _, i := range m.in.sorted() {
		k := m.in.keys[i]
		buf = value.AppendKey(buf[:0], k)
		b = wire.AppendBytes(b, buf)
		var err error
		if buf, err = appendState(buf[:0], m.values[i]); err != nil {
			return nil, fmt.Errorf("crdt: encode GMap: key %s: %w", value.AppendKeyJSON(nil, k), err)
		}
		b = wire.AppendBytes(b, buf)
	}
	return b, nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (m *GMap[K, V]) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }

// UnmarshalBinary is like [MVRegister.UnmarshalBinary], with 256·n bytes, or
// more if values of V take more by themselves.
func (m *GMap[K, V]) UnmarshalBinary(data []byte) error {
	if err := cmp.Or(value.CheckKeyType[K](), checkBinary[V]()); err != nil {
		return fmt.Errorf("crdt: decode GMap: %w", wire.Damaged(err))
	}
	d, bad, err := readGMap[K, V](data)
	if err == nil && bad != nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("crdt: decode GMap: %w", wire.Damaged(err))
	}
	m.gMapState = d.gMapState
	return nil
}

// readGMap reads what AppendBinary wrote, and returns the first value in it that is
// not readable.
func readGMap[K comparable, V State[V]](data []byte) (d *GMap[K, V], bad *content.ValueError, err error) {
	r := wire.NewReader(data)
	readGrownHead(r, kindGMap, value.Identity[K]())
	n := r.Count(2)
	d = new(GMap[K, V])
	var before []byte
	for i := range n {
		p := r.Bytes()
		if i > 0 && bytes.Compare(before, p) >= 0 {
			r.Fail("key %x does not follow %x in order", p, before)
		}
		k := readKey[K](r, p)
		v, unread := readState[V](r)
		if r.Err() != nil {
			break
		}
		bad = first(bad, unread, k)
		d.put(k, v)
		before = p
	}
	return d, bad, r.Close()
}

// MergeBinary is Merge of a binary form. It decodes each value to check it, and
// then merges them one by one, by the MergeBinary of V if it has one.
func (m *GMap[K, V]) MergeBinary(data []byte) (bool, error) {
	if err := cmp.Or(value.CheckKeyType[K](), checkBinary[V]()); err != nil {
		return false, fmt.Errorf("crdt: merge GMap: %w", wire.Damaged(err))
	}
	r := wire.NewReader(data)
	readGrownHead(r, kindGMap, value.Identity[K]())
	n := r.Count(2)
	from := r.Offset()
	var before []byte
	var bad *content.ValueError
	for i := range n {
		p := r.Bytes()
		if i > 0 && bytes.Compare(before, p) >= 0 {
			r.Fail("key %x does not follow %x in order", p, before)
		}
		bad = m.checkEntry(r, p, bad)
		if r.Err() != nil {
			break
		}
		before = p
	}
	err := r.Close()
	if err == nil && bad != nil {
		err = bad
	}
	if err != nil {
		return false, fmt.Errorf("crdt: merge GMap: %w", wire.Damaged(err))
	}
	return m.mergeEntries(wire.NewReader(data[from:]), n), nil
}

// checkEntry reads a value and fails r if that, or the key with the bytes p, which
// were just read, cannot be decoded. It returns bad, or if that is nil why the value is
// not readable.
func (*GMap[K, V]) checkEntry(r *wire.Reader, p []byte, bad *content.ValueError) *content.ValueError {
	if r.Err() == nil {
		if err := checkKey[K](p); err != nil {
			r.Fail("key: %w", err)
		}
	}
	if _, unread := readState[V](r); unread != nil && bad == nil {
		if k, err := value.DecodeKey[K](p); err == nil {
			return first(bad, unread, k)
		}
	}
	return bad
}

// mergeEntries merges n entries, which have been checked, and reports whether m
// changed.
func (m *GMap[K, V]) mergeEntries(r *wire.Reader, n int) bool {
	changed := false
	for range n {
		i, k := m.in.findBytes(r.Bytes())
		if i < 0 {
			v, _ := readState[V](r)
			m.put(k, v)
			changed = true
			continue
		}
		changed = mergeState(m.values[i], r) || changed
	}
	return changed
}

// mergeState merges a state with its length before it, which has been checked, into v.
func mergeState[V State[V]](v V, r *wire.Reader) bool {
	if b, ok := any(v).(interface {
		MergeBinary(data []byte) (bool, error)
	}); ok {
		ahead := *r
		if changed, err := b.MergeBinary(bytes.Clone(ahead.Bytes())); err == nil {
			*r = ahead
			return changed
		}
	}
	o, _ := readState[V](r)
	return v.Merge(o)
}

// checkBinary returns an error if V cannot be encoded and decoded again.
func checkBinary[V any]() error {
	var v V
	_, appends := any(v).(encoding.BinaryAppender)
	_, marshals := any(v).(encoding.BinaryMarshaler)
	if !appends && !marshals {
		return fmt.Errorf("value type %T has neither AppendBinary nor MarshalBinary", v)
	}
	if _, ok := any(v).(encoding.BinaryUnmarshaler); !ok {
		return fmt.Errorf("value type %T has no UnmarshalBinary", v)
	}
	return nil
}

// appendState appends the binary form of a type that passed checkBinary.
func appendState(b []byte, v any) ([]byte, error) {
	if a, ok := v.(encoding.BinaryAppender); ok {
		return a.AppendBinary(b)
	}
	p, err := v.(encoding.BinaryMarshaler).MarshalBinary()
	return append(b, p...), err
}

// readState reads a state with its length before it, and returns why a value in it is
// not readable.
func readState[V any](r *wire.Reader) (v V, bad *content.ValueError) {
	p := r.Bytes()
	if r.Err() != nil {
		return v, nil
	}
	v = emptyValue[V]()
	bad, err := decodeState(v, bytes.Clone(p), any(v).(encoding.BinaryUnmarshaler).UnmarshalBinary)
	if err != nil {
		r.Fail("value: %w", err)
		return v, nil
	}
	if q, err := appendState(nil, v); err != nil || !bytes.Equal(p, q) {
		r.Fail("value is not in the form that its type writes")
	}
	return v, bad
}

// A gmapEntry is one key and its value in JSON.
type gmapEntry struct {
	Key   json.RawMessage `json:"key"`
	Value json.RawMessage `json:"value"`
}

// MarshalJSON has a list as [{"key":"home","value":{"eu":"1"}}]. A value
// without JSON is {"base64":"AQ=="}, its binary form; without that, it fails.
func (m gMapState[K, V]) MarshalJSON() ([]byte, error) {
	return (&GMap[K, V]{gMapState: m}).marshalJSON()
}

func (m *GMap[K, V]) marshalJSON() ([]byte, error) {
	encode, _, err := jsonForm[V]()
	if err != nil {
		return nil, fmt.Errorf("crdt: encode GMap: %w", err)
	}
	list := make([]gmapEntry, 0, m.Len())
	for _, i := range m.in.sorted() {
		key := value.AppendKeyJSON(nil, m.in.keys[i])
		text, err := encode(m.values[i])
		if err != nil {
			return nil, fmt.Errorf("crdt: encode GMap: key %s: %w", key, err)
		}
		list = append(list, gmapEntry{key, text})
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *GMap[K, V]) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		return nil
	}
	_, decode, err := jsonForm[V]()
	if err != nil {
		return fmt.Errorf("crdt: decode GMap: %w", wire.Damaged(err))
	}
	d, bad, err := parseGMap[K](data, decode)
	if err == nil && bad != nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("crdt: decode GMap: %w", wire.Damaged(err))
	}
	m.gMapState = d.gMapState
	return nil
}

// parseGMap reads what MarshalJSON wrote, and returns the first value in it that is
// not readable.
func parseGMap[K comparable, V State[V]](data []byte, decode func([]byte, V) error) (d *GMap[K, V], bad *content.ValueError, err error) {
	var list []json.RawMessage
	if err := decodeList(data, &list); err != nil {
		return nil, nil, err
	}
	d = new(GMap[K, V])
	for i, p := range list {
		e, err := decodeEntry(p)
		if err != nil {
			return nil, nil, fmt.Errorf("entry %d: %w", i, err)
		}
		v, unread, err := parseState(e.Value, decode)
		if err != nil {
			return nil, nil, fmt.Errorf("key %s: %w", e.Key, err)
		}
		if err := d.in.addJSON([]json.RawMessage{e.Key}); err != nil {
			return nil, nil, fmt.Errorf("entry %d: %w", i, err)
		}
		bad = first(bad, unread, d.in.keys[len(d.in.keys)-1])
		d.values = append(d.values, v)
	}
	return d, bad, nil
}

// parseState reads a value in JSON: leniently if V can, and else by decode. A lenient decoder
// may be of bytes only.
func parseState[V State[V]](p []byte, decode func([]byte, V) error) (v V, bad *content.ValueError, err error) {
	v = emptyValue[V]()
	if p[0] == '{' || p[0] == '[' { // what is neither might pass for bytes
		bad, err = decodeState(v, p, func(p []byte) error { return decode(p, v) })
		if err == nil {
			return v, bad, nil
		}
		v = emptyValue[V]()
	}
	return v, nil, decode(p, v)
}

// decodeEntry decodes an object that has exactly the members of a gmapEntry.
func decodeEntry(p []byte) (gmapEntry, error) {
	var e gmapEntry
	err := value.DecodeObject(p, func(name string, value []byte) error {
		switch name {
		case "key":
			e.Key = value
		case "value":
			e.Value = value
		default:
			return errUnknownMember
		}
		return nil
	})
	if err == nil && (e.Key == nil || e.Value == nil || isNull(e.Value)) {
		err = errNoEntry
	}
	return e, err
}

// jsonForm returns how values of type V are written in JSON and read back.
func jsonForm[V any]() (encode func(V) ([]byte, error), decode func([]byte, V) error, err error) {
	var v V
	_, marshals := any(v).(json.Marshaler)
	_, unmarshals := any(v).(json.Unmarshaler)
	if marshals && unmarshals {
		return func(v V) ([]byte, error) { return json.Marshal(v) },
			func(p []byte, v V) error { return json.Unmarshal(p, v) }, nil
	}
	if err := checkBinary[V](); err != nil {
		return nil, nil, fmt.Errorf("value type %T does not marshal itself to JSON, and %w", v, err)
	}
	return encodeBase64[V], decodeBase64[V], nil
}

// A base64State is the JSON form of a state that has a binary form only.
type base64State struct {
	Base64 *string `json:"base64"`
}

func encodeBase64[V any](v V) ([]byte, error) {
	p, err := appendState(nil, v)
	if err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(p)
	return json.Marshal(base64State{&text})
}

func decodeBase64[V any](p []byte, v V) error {
	var s base64State
	if err := json.Unmarshal(p, &s); err != nil {
		return err
	}
	if s.Base64 == nil {
		return errNoBase64
	}
	data, err := base64.StdEncoding.Strict().DecodeString(*s.Base64)
	if err != nil {
		return err
	}
	return any(v).(encoding.BinaryUnmarshaler).UnmarshalBinary(data)
}
