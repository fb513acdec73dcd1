package lww

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// appendJSON appends the object that [Map.MarshalJSON] documents.
func (c *core[K, V]) appendJSON(b []byte, set bool) ([]byte, error) {
	b = append(b, '{')
	if c.horizon > 0 {
		b = value.AppendString(append(b, `"horizon":`...), c.horizon.String())
		b = append(b, ',')
	}
	if keys := value.Identity[K](); keys != "" {
		b = append(value.AppendString(append(b, `"keys":`...), keys), ',')
	}
	order := c.inOrder(new(scratch))
	kinds := c.kinds(order, set)
	if len(kinds) > 0 {
		b = append(kinds.AppendJSON(append(b, `"fields":`...)), ',')
	}
	list, key, _ := members(set)
	b = append(value.AppendString(b, list), ":["...)
	for i, k := range order {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(value.AppendString(append(b, '{'), key), ':')
		b = value.AppendKeyJSON(b, c.entries[k.position].key)
		var err error
		if b, err = c.appendEntryJSON(b, k.position, kinds, set); err != nil {
			return nil, err
		}
		b = value.AppendString(append(b, `,"stamp":`...), c.stamp(k.position).String())
		b = append(b, '}')
	}
	return append(b, "]}"...), nil
}

// kinds returns the kinds of the fields of the values.
func (c *core[K, V]) kinds(order []keyed, set bool) value.Kinds {
	kinds := make(value.Kinds)
	for _, k := range order {
		if e := &c.entries[k.position]; !set && !e.deleted() {
			value.NoteKinds(kinds, &e.value, c.enc(k.position))
		}
	}
	return kinds
}

// appendEntryJSON appends what stands between a key and its stamp.
func (c *core[K, V]) appendEntryJSON(b []byte, i int, kinds value.Kinds, set bool) ([]byte, error) {
	_, _, gone := members(set)
	e := &c.entries[i]
	switch {
	case e.deleted():
		return append(value.AppendString(append(b, ','), gone), ":true"...), nil
	case set:
		return b, nil
	}
	b, beside, err := value.AppendJSON(append(b, `,"value":`...), &e.value, c.enc(i), kinds)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", value.AppendKeyJSON(nil, e.key), err)
	}
	return value.AppendBeside(b, beside), nil
}

// members returns the names of the members that a set and a map differ in.
func members(set bool) (list, key, gone string) {
	if set {
		return "elements", "element", "removed"
	}
	return "entries", "key", "deleted"
}

// decodeJSON returns the core that [core.appendJSON] writes as data, and the first
// value in it that V cannot hold.
func decodeJSON[K comparable, V any](data []byte, set bool) (core[K, V], *content.ValueError, error) {
	var c core[K, V]
	list, _, _ := members(set)
	var items []json.RawMessage
	var kinds value.Kinds
	keys := ""
	err := value.DecodeObject(data, func(name string, text []byte) (err error) {
		switch {
		case name == "horizon":
			c.horizon, err = decodeHorizon(text)
		case name == "keys":
			if keys, err = value.DecodeString(text); err == nil && keys == "" {
				err = errors.New("no fields of keys")
			}
		case name == "fields" && !set:
			kinds, err = value.ParseKinds(text)
		case name == list:
			err = json.Unmarshal(text, &items)
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	if err == nil {
		err = value.CheckIdentity(keys, value.Identity[K]())
	}
	if err == nil && items == nil {
		err = fmt.Errorf("no list of %s", list)
	}
	var bad *content.ValueError
	for i := 0; i < len(items) && err == nil; i++ {
		var unread *content.ValueError
		if unread, err = c.readJSON(items[i], kinds, set); err != nil {
			err = fmt.Errorf("%s %d: %w", list, i, err)
		}
		bad = cmp.Or(bad, unread)
	}
	return c, bad, err
}

func decodeHorizon(p []byte) (hlc.Timestamp, error) {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return 0, err
	}
	h, err := hlc.Parse(text)
	if err == nil && (h == 0 || h >= hlc.Max) {
		err = fmt.Errorf("horizon %d is out of range", uint64(h))
	}
	return h, err
}

// An entryJSON is an entry as its members come.
type entryJSON[K comparable, V any] struct {
	version[K, V]
	value, beside            []byte
	hasKey, isGone, hasStamp bool
}

// read reads the members of the JSON object p.
func (v *entryJSON[K, V]) read(p []byte, set bool) error {
	_, key, gonePast := members(set)
	return value.DecodeObject(p, func(name string, text []byte) (err error) {
		switch {
		case name == key:
			v.hasKey = true
			v.key, err = value.DecodeKeyJSON[K](text)
		case name == "value" && !set:
			v.value = text
		case name == "bytes" && !set:
			v.beside, err = value.DecodeBeside(text)
		case name == gonePast:
			v.isGone, v.by = true, gone
			if string(text) != "true" {
				err = errors.New("is not true")
			}
		case name == "stamp":
			v.hasStamp = true
			var s Stamp
			s, err = decodeStampJSON(text)
			v.time, v.replica = s.Time, s.Replica
		default:
			err = errors.New("unknown member")
		}
		return err
	})
}

// readJSON adds the entry that the JSON object p describes.
func (c *core[K, V]) readJSON(p []byte, kinds value.Kinds, set bool) (bad *content.ValueError, err error) {
	var v entryJSON[K, V]
	if err := v.read(p, set); err != nil {
		return nil, err
	}
	_, key, gone := members(set)
	switch {
	case !v.hasKey || !v.hasStamp:
		return nil, fmt.Errorf("%s or stamp is missing", key)
	case !set && (v.value != nil) == v.isGone || v.isGone && v.beside != nil:
		return nil, fmt.Errorf("needs either a value or %q", gone)
	case v.isGone && v.time <= c.horizon:
		return nil, errors.New("tombstone at or below the horizon")
	}
	if v.hash = hashOf(v.key); c.find(v.key, v.hash) >= 0 {
		return nil, fmt.Errorf("%s appears twice", key)
	}
	if v.value != nil {
		if v.version.value, v.enc, bad, err = value.LoadJSON[V](v.value, v.beside, kinds); err != nil {
			return nil, fmt.Errorf("value: %w", err)
		}
		if bad != nil {
			v.by |= unreadable
			bad.Key = string(value.AppendKeyJSON(nil, v.key))
		}
	}
	c.add(&v.version)
	return bad, nil
}

// MarshalJSON implements [json.Marshaler]: see Encodings in the package
// comment.
func (c core[K, V]) MarshalJSON() ([]byte, error) {
	b, err := c.appendJSON(nil, c.isSet())
	if err != nil { // of a value, which a set has none of
		return nil, fmt.Errorf("lww: encode Map: %w", err)
	}
	return b, nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Map[K, V]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	c, bad, err := decodeJSON[K, V](data, false)
	return m.take(c, bad, err, false)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Set[E]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	c, _, err := decodeJSON[E, member](data, true)
	if err != nil {
		return fmt.Errorf("lww: decode Set: %w", wire.Damaged(err))
	}
	s.core = c
	return nil
}
