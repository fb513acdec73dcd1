package lww

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// appendJSON appends the object that [Map.MarshalJSON] documents.
func (c *core[K, V]) appendJSON(b []byte, set bool) ([]byte, error) {
	b = append(b, '{')
	if c.horizon > 0 {
		b = codec.AppendString(append(b, `"horizon":`...), c.horizon.String())
		b = append(b, ',')
	}
	list, key, gone := members(set)
	b = append(codec.AppendString(b, list), ":["...)
	for i, k := range c.inOrder() {
		e := &c.entries[k.position]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(codec.AppendString(append(b, '{'), key), ':')
		b = codec.AppendKeyJSON(b, e.key)
		switch {
		case e.deleted():
			b = append(codec.AppendString(append(b, ','), gone), ":true"...)
		case !set:
			var err error
			if b, err = codec.AppendValueJSON(append(b, `,"value":`...), e.value); err != nil {
				return nil, err
			}
		}
		b = codec.AppendString(append(b, `,"stamp":`...), c.stamp(k.position).String())
		b = append(b, '}')
	}
	return append(b, "]}"...), nil
}

// members returns the names of the members that a set and a map differ in.
func members(set bool) (list, key, gone string) {
	if set {
		return "elements", "element", "removed"
	}
	return "entries", "key", "deleted"
}

// decodeJSON returns the core that [core.appendJSON] writes as data.
func decodeJSON[K comparable, V any](data []byte, set bool) (core[K, V], error) {
	var c core[K, V]
	list, _, _ := members(set)
	var items []json.RawMessage
	err := codec.DecodeObject(data, func(name string, value []byte) error {
		switch name {
		case "horizon":
			var text string
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
			h, err := hlc.Parse(text)
			if err == nil && (h == 0 || h >= hlc.Max) {
				err = fmt.Errorf("horizon %d is out of range", uint64(h))
			}
			c.horizon = h
			return err
		case list:
			return json.Unmarshal(value, &items)
		}
		return errors.New("unknown member")
	})
	if err == nil && items == nil {
		err = fmt.Errorf("no list of %s", list)
	}
	for i := 0; i < len(items) && err == nil; i++ {
		if err = c.readJSON(items[i], set); err != nil {
			err = fmt.Errorf("%s %d: %w", list, i, err)
		}
	}
	return c, err
}

// readJSON adds the entry that the JSON object p describes.
func (c *core[K, V]) readJSON(p []byte, set bool) error {
	var v version[K, V]
	var has struct{ key, value, gone, stamp bool }
	kinds := codec.ByKind[V]()
	_, key, gone := members(set)
	err := codec.DecodeObject(p, func(name string, value []byte) (err error) {
		switch {
		case name == key:
			has.key = true
			v.key, err = codec.DecodeKeyJSON[K](value)
		case name == "value" && !set:
			has.value = true
			if v.value, err = codec.DecodeValueJSON[V](value); err == nil {
				v.value, v.enc, _, err = encodeValue(v.value)
			}
		case name == gone:
			has.gone = true
			v.by = 1
			if string(value) != "true" {
				err = errors.New("is not true")
			}
		case name == "stamp":
			has.stamp = true
			var s Stamp
			s, err = decodeStampJSON(value)
			v.time, v.replica = s.Time, s.Replica
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !has.key || !has.stamp:
		return fmt.Errorf("%s or stamp is missing", key)
	case !set && has.value == has.gone:
		return fmt.Errorf("needs either a value or %q", gone)
	case has.gone && v.time <= c.horizon:
		return errors.New("tombstone at or below the horizon")
	}
	v.hash = hashOf(v.key)
	if c.find(v.key, v.hash) >= 0 {
		return fmt.Errorf("%s appears twice", key)
	}
	c.add(&v, kinds)
	return nil
}

// MarshalJSON implements [json.Marshaler]. Entries are sorted by the canonical
// bytes of their keys, and the horizon is left out if there is none.
//
//	{"horizon":"2026-11-23T12:00:00.000000000Z","entries":[
//	 {"key":"email","value":"ann@example.com","stamp":"2026-11-23T12:08:55.123456789Z@us"},
//	 {"key":"phone","deleted":true,"stamp":"2026-11-23T12:09:01.000000000Z@eu"}]}
func (m *Map[K, V]) MarshalJSON() ([]byte, error) {
	b, err := m.core.appendJSON(nil, false)
	if err != nil {
		return nil, fmt.Errorf("lww: encode Map: %w", err)
	}
	return b, nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what [Map.MarshalJSON]
// writes, in any order and with any white space, and leaves m unchanged if it
// returns an error. As usual, null changes nothing.
func (m *Map[K, V]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	c, err := decodeJSON[K, V](data, false)
	if err != nil {
		return fmt.Errorf("lww: decode Map: %w", wire.Damaged(err))
	}
	m.core = c
	return nil
}

// MarshalJSON implements [json.Marshaler]. Elements are sorted by their
// canonical bytes, and the horizon is left out if there is none.
//
//	{"horizon":"2026-11-23T12:00:00.000000000Z","elements":[
//	 {"element":"admin","stamp":"2026-11-23T12:08:55.123456789Z@us"},
//	 {"element":"staff","removed":true,"stamp":"2026-11-23T12:09:01.000000000Z@eu"}]}
func (s *Set[E]) MarshalJSON() ([]byte, error) {
	b, err := s.core.appendJSON(nil, true)
	if err != nil {
		return nil, fmt.Errorf("lww: encode Set: %w", err)
	}
	return b, nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what [Set.MarshalJSON]
// writes, in any order and with any white space, and leaves s unchanged if it
// returns an error. As usual, null changes nothing.
func (s *Set[E]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	c, err := decodeJSON[E, struct{}](data, true)
	if err != nil {
		return fmt.Errorf("lww: decode Set: %w", wire.Damaged(err))
	}
	s.core = c
	return nil
}
