package resolver

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/value"
)

// kindsOf returns the kinds of the fields of all values of versions that JSON does
// not show.
func kindsOf[T any](kinds value.Kinds, v *Version[T]) {
	if v.stored != nil {
		value.NoteKinds(kinds, &v.stored.v, v.stored.kept)
	}
	for i := range v.ancestors {
		if s := v.ancestors[i].value; s != nil {
			value.NoteKinds(kinds, &s.v, s.kept)
		}
	}
}

// MarshalJSON implements [json.Marshaler]. A value is the JSON of its type;
// where that does not lead back to it, there are the kinds of fields, or its
// bytes. It returns an error that names a field which is not zero and has no
// JSON.
//
//	{"stamp":"2026-11-23T12:08:55.123456789Z@us","epoch":"1","value":…,"deleted":true,
//	 "past":{"past":{"eu":"…"}},"settles":["…@eu","…@us"],"partial":true,
//	 "ancestors":[{"past":{"eu":"…"},"value":…}],"fields":{"At":"time"}}
func (v Version[T]) MarshalJSON() ([]byte, error) {
	e, err := newEntry(v)
	if err != nil {
		return nil, fmt.Errorf("resolver: encode Version: %w", err)
	}
	kinds := value.Kinds{}
	kindsOf(kinds, &e.Version)
	o := objectWriter{}
	if err := e.appendJSON(&o, kinds); err != nil {
		return nil, err
	}
	o.kinds(kinds)
	return o.end(), nil
}

// appendJSON appends the members of v, whose kinds are given.
func (e *entry[T]) appendJSON(o *objectWriter, kinds value.Kinds) error {
	o.text("stamp", e.Stamp.String())
	o.epoch("epoch", e.Epoch)
	if e.Deleted {
		o.raw("deleted", []byte("true"))
	} else if err := appendStoredJSON(o, e.stored, kinds); err != nil {
		return err
	}
	if past, _ := e.Past.MarshalJSON(); len(past) > len("{}") { // never an error
		o.raw("past", past)
	}
	if e.Settles != nil {
		enc, err := json.Marshal(e.Settles)
		if err != nil {
			return fmt.Errorf("resolver: encode Version: %w", err)
		}
		o.raw("settles", enc)
	}
	if e.partial {
		o.raw("partial", []byte("true"))
	}
	if e.ancestors == nil {
		return nil
	}
	var all []byte
	for i := range e.ancestors {
		a, part := &e.ancestors[i], objectWriter{}
		part.clock("past", a.past)
		if a.value != nil {
			if err := appendStoredJSON(&part, a.value, kinds); err != nil {
				return err
			}
		}
		all = append(append(all, "[,"[min(i, 1)]), part.end()...)
	}
	o.raw("ancestors", append(all, ']'))
	return nil
}

// appendStoredJSON appends a value, and its bytes where they are needed.
func appendStoredJSON[T any](o *objectWriter, s *stored[T], kinds value.Kinds) error {
	enc, beside, err := value.AppendJSON(nil, &s.v, s.kept, kinds)
	if err != nil {
		return fmt.Errorf("resolver: encode Version: %w", err)
	}
	o.raw("value", enc)
	if beside != nil {
		b, _ := json.Marshal(beside) // never an error
		o.raw("bytes", b)
	}
	return nil
}

// storedText returns the JSON of a value, for people.
func storedText[T any](s *stored[T]) ([]byte, error) {
	kinds := value.Kinds{}
	value.NoteKinds(kinds, &s.v, s.kept)
	enc, _, err := value.AppendJSON(nil, &s.v, s.kept, kinds)
	if err != nil {
		return nil, fmt.Errorf("resolver: encode value: %w", err)
	}
	return enc, nil
}

func valueJSON[T any](v T) ([]byte, error) {
	s, err := store(v, nil)
	if err != nil {
		return nil, fmt.Errorf("resolver: encode value: %w", err)
	}
	return storedText(s)
}

func (o *objectWriter) kinds(kinds value.Kinds) {
	if len(kinds) > 0 {
		o.raw("fields", kinds.AppendJSON(nil))
	}
}

// UnmarshalJSON implements [json.Unmarshaler].
func (v *Version[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	w, err := decodeVersion[T](data, nil)
	if err == nil && w.stored != nil && w.stored.bad != nil {
		err = w.stored.bad
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Version: %w", err)
	}
	*v = w
	return nil
}

// A storedJSON is a value that is read when the kinds are known.
type storedJSON struct {
	text, bytes []byte
}

func (s *storedJSON) member(name string, p []byte) (bool, error) {
	switch name {
	case "value":
		s.text = p
		return true, nil
	case "bytes":
		s.bytes = []byte{}
		return true, json.Unmarshal(p, &s.bytes)
	}
	return false, nil
}

func loadJSON[T any](j *storedJSON, kinds value.Kinds) (*stored[T], error) {
	s := new(stored[T])
	var err error
	s.v, s.kept, s.bad, err = value.LoadJSON[T](j.text, j.bytes, kinds)
	return s, err
}

// decodeVersion reads a version whose kinds are given, or stand in it.
func decodeVersion[T any](data []byte, kinds value.Kinds) (w Version[T], err error) {
	var val storedJSON
	var ancestors []byte
	own := kinds == nil
	err = value.DecodeObject(data, func(name string, p []byte) (err error) {
		switch name {
		case "stamp":
			w.Stamp, err = decodeStamp(p)
		case "epoch":
			w.Epoch, err = decodeEpoch(p)
		case "deleted":
			w.Deleted, err = true, decodeTrue(p)
		case "partial":
			w.partial, err = true, decodeTrue(p)
		case "ancestors":
			ancestors = p
		case "past":
			if err = w.Past.UnmarshalJSON(p); err == nil && w.Past.Equal(Context{}) {
				err = errors.New("no context")
			}
		case "settles":
			if err = json.Unmarshal(p, &w.Settles); err == nil && len(w.Settles) == 0 {
				err = errors.New("settles nothing")
			}
		case "fields":
			if !own {
				return errors.New("unknown member")
			}
			kinds, err = value.ParseKinds(p)
		default:
			var known bool
			if known, err = val.member(name, p); err == nil && !known {
				err = errors.New("unknown member")
			}
		}
		return err
	})
	if err == nil && (val.text != nil) == w.Deleted {
		err = errors.New(`needs either "value" or "deleted"`)
	}
	if err == nil && !w.Deleted {
		if w.stored, err = loadJSON[T](&val, kinds); err == nil {
			w.Value = w.stored.v
		}
	}
	if err == nil && ancestors != nil {
		w.ancestors, err = decodeAncestors[T](ancestors, kinds)
	}
	if err == nil {
		err = w.check()
	}
	return w, err
}

func decodeAncestors[T any](data []byte, kinds value.Kinds) ([]ancestor[T], error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, errors.New("no ancestors")
	}
	all := make([]ancestor[T], len(raw))
	for i := range all {
		var val storedJSON
		err := value.DecodeObject(raw[i], func(name string, p []byte) (err error) {
			if name == "past" {
				all[i].past, err = decodeClock(p)
				return err
			}
			known, err := val.member(name, p)
			if err == nil && !known {
				err = errors.New("unknown member")
			}
			return err
		})
		if err == nil && val.text != nil {
			all[i].value, err = loadJSON[T](&val, kinds)
		}
		if err != nil {
			return nil, fmt.Errorf("ancestor %d: %w", i, err)
		}
	}
	return all, nil
}

// appendEntriesJSON appends entries, whose kinds are given.
func appendEntriesJSON[T any](entries []entry[T], kinds value.Kinds) ([]byte, error) {
	b := []byte{'['}
	for i := range entries {
		o := objectWriter{}
		if err := entries[i].appendJSON(&o, kinds); err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, o.end()...)
	}
	return append(b, ']'), nil
}

func decodeEntries[T any](data []byte, kinds value.Kinds) ([]entry[T], error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, errors.New("no versions")
	}
	entries := make([]entry[T], len(raw))
	for i := range raw {
		var err error
		if string(raw[i]) == "null" {
			err = ErrNoStamp
		} else {
			entries[i].Version, err = decodeVersion[T](raw[i], kinds)
		}
		if err != nil {
			return nil, fmt.Errorf("version %d: %w", i, err)
		}
	}
	return entries, nil
}
