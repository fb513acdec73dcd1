package resolver

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Ticket asks a person to decide a conflict. It holds all that is needed to
// ask and to answer, and may be stored and sent. Regions that defer the same
// conflict make tickets for the same [ID]. The zero Ticket, or another without
// a conflict, cannot be encoded.
type Ticket[T any] struct {
	Conflict *Conflict[T]
	Reason   string // why the rule did not decide
	// Context is that of whoever is shown all versions of the conflict.
	Context Context
}

const ticketVersion = 2

var errNoConflict = errors.New("ticket without a conflict")

// AppendBinary implements [encoding.BinaryAppender].
func (t *Ticket[T]) AppendBinary(b []byte) ([]byte, error) {
	if t.Conflict == nil {
		return b, fmt.Errorf("resolver: encode Ticket: %w", errNoConflict)
	}
	b = wire.AppendBytes(append(b, ticketVersion), t.Conflict.Key)
	b = wire.AppendBytes(b, t.Reason)
	b = wire.AppendBytes(b, t.Context.append(nil))
	return appendEntries(b, t.Conflict.entries), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (t *Ticket[T]) MarshalBinary() ([]byte, error) { return t.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (t *Ticket[T]) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(ticketVersion)
	key, reason := string(r.Bytes()), string(r.Bytes())
	seen := wire.NewReader(r.Bytes())
	var d Ticket[T]
	if r.Err() == nil {
		d = Ticket[T]{Reason: reason, Context: readContext(seen, vclock.Clock{})}
		if err := seen.Close(); err != nil {
			r.Fail("context: %w", err)
		}
	}
	entries := readEntries[T](r, d.Context.past)
	err := r.Close()
	if err == nil {
		err = d.fill(key, entries)
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Ticket: %w", wire.Damaged(err))
	}
	*t = d
	return nil
}

// fill gives t its conflict, after checking it.
func (t *Ticket[T]) fill(key string, entries []entry[T]) error {
	if len(entries) < 2 {
		return errors.New("fewer than two versions")
	}
	for i := range entries {
		e := &entries[i]
		if i > 0 && entries[i-1].compare(e) >= 0 || !t.Context.covers(e.Stamp) {
			return fmt.Errorf("version %v is out of order or not in the context", e.Stamp)
		}
		if bad := e.unreadable(); bad != nil {
			return bad
		}
	}
	t.Conflict = newConflict(key, entries)
	return nil
}

// MarshalJSON implements [json.Marshaler], as [Version.MarshalJSON] does. ID
// and kind follow from the rest.
//
//	{"id":"…","key":"ann","kind":"update/update","reason":"…","context":{…},"versions":[{…},{…}]}
func (t Ticket[T]) MarshalJSON() ([]byte, error) {
	if t.Conflict == nil {
		return nil, fmt.Errorf("resolver: encode Ticket: %w", errNoConflict)
	}
	o := objectWriter{}
	o.text("id", t.Conflict.ID.String())
	o.raw("key", value.AppendString(nil, t.Conflict.Key))
	o.text("kind", string(t.Conflict.Kind))
	o.text("reason", t.Reason)
	seen, _ := t.Context.MarshalJSON() // never an error
	o.raw("context", seen)
	kinds := value.Kinds{}
	for i := range t.Conflict.entries {
		kindsOf(kinds, &t.Conflict.entries[i].Version)
	}
	enc, err := appendEntriesJSON(t.Conflict.entries, kinds)
	if err != nil {
		return nil, err
	}
	o.kinds(kinds)
	o.raw("versions", enc)
	return o.end(), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Ticket[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var d Ticket[T]
	var key, kind string
	var id ID
	var entries []entry[T]
	var versions []byte
	kinds := value.Kinds{}
	err := value.DecodeObject(data, func(name string, p []byte) (err error) {
		switch name {
		case "id":
			err = json.Unmarshal(p, &id)
		case "key":
			key, err = value.DecodeString(p)
		case "kind":
			kind, err = value.DecodeString(p)
		case "reason":
			d.Reason, err = value.DecodeString(p)
		case "context":
			err = d.Context.UnmarshalJSON(p)
		case "fields":
			kinds, err = value.ParseKinds(p)
		case "versions":
			versions = p
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	if err == nil && versions != nil {
		entries, err = decodeEntries[T](versions, kinds)
	}
	if err == nil {
		err = d.fill(key, entries)
	}
	if err == nil && (d.Conflict.ID != id || string(d.Conflict.Kind) != kind) {
		err = fmt.Errorf("id %v or kind %.64q is not that of the versions", id, kind)
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Ticket: %w", wire.Damaged(err))
	}
	*t = d
	return nil
}
