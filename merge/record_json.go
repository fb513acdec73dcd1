package merge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// A recordJSON is a record in JSON.
type recordJSON struct {
	Plan    string          `json:"plan"`
	Horizon hlc.Timestamp   `json:"horizon,omitzero"`
	Deleted hlc.Timestamp   `json:"deleted,omitzero"`
	Kinds   json.RawMessage `json:"kinds,omitempty"`
	Record  cell.JSON       `json:"record"`
}

// MarshalJSON implements [json.Marshaler]. Each field is an object with its
// path, its kind and what the kind asks for, in the order of the binary form:
//
//	{"plan":"00c0ffee00c0ffee","record":{"fields":[
//	 {"path":"Name","kind":"register","type":"string","value":"Ann","stamp":"2026-11-23T12:08:55.123456789Z@us"},
//	 {"path":"Stock","kind":"totals","entries":[{"value":-2,"stamp":"2026-11-23T12:09:01.000000000Z@eu"}]}]}}
//
// A row that is not there, an element removed, and an entry deleted have
// "gone":true. The stamp of a row is that of the delete that its life began
// with; "open" is there instead, the time up to which that may be forgotten:
// see [Record.CompactRows]. A row with keep that was deleted has a field of the
// kind "deleted" with the stamp of that, and what the deletes had seen has
// "marks": 1 for the row that it is in, 2 for the one around that, and so on.
//
// Values say what they are to a program that does not know their field: text,
// integers, true, false and null as themselves, integers beyond ±2⁵³ as
// {"int":"…"}, floats as {"float":"1.5"}, times as {"time":"…"}, what a pointer
// points to as {"to":…}, members of a group as {"group":{…}}, all else as
// {"base64":"…"}. A struct, list or map that is one value, and a type that
// marshals itself, have the JSON of their type, with the fields that the type
// does not know. The member kinds has what that JSON does not show, and bytes
// stand beside it where both do not lead back to them. It is an error if that
// JSON leaves out a field that is not zero.
func (r Record[T]) MarshalJSON() ([]byte, error) { return r.state.marshalJSON() }

func (r *recordState) marshalJSON() ([]byte, error) {
	out := recordJSON{Horizon: r.horizon, Deleted: r.deleted}
	var p cell.Knows
	if r.plan != nil {
		out.Plan, p = r.plan.print.String(), r.plan.top
	}
	root := r.root
	root.Kind = cell.Row
	row, kinds, err := root.RowJSON(p)
	if err != nil {
		return nil, fmt.Errorf("merge: encode Record: %w", err)
	}
	if out.Record = row; len(kinds) > 0 {
		out.Kinds = kinds.AppendJSON(nil)
	}
	return json.Marshal(out)
}

// KeyType implements [cell.Knows].
func (p *recordPart) KeyType() *value.Type {
	if p.f == nil {
		return nil
	}
	return p.f.key
}

// Values implements [cell.Knows].
func (p *recordPart) Values() cell.Values {
	switch {
	case p.entry != nil:
		return p.entry.values()
	case p.f == nil || p.f.shape == nil:
		return cell.Values{}
	}
	return p.f.values()
}

// Member implements [cell.Knows].
func (p *recordPart) Member(name string) cell.Values {
	if f := p.member(name); f != nil {
		return f.values()
	}
	return cell.Values{}
}

// UnmarshalJSON implements [json.Unmarshaler]. It is an error without a plan.
func (r *Record[T]) UnmarshalJSON(data []byte) error { return r.state.unmarshalJSON(data) }

func (r *recordState) unmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if r.plan == nil {
		return errors.New("merge: decode Record: no plan; make the record with Plan.NewRecord")
	}
	d, err := decodeRecordJSON(data)
	if err != nil {
		return fmt.Errorf("merge: decode Record: %w", wire.Damaged(err))
	}
	d.plan, d.root.Kids = r.plan, r.plan.top.elem.settle(d.root.Kids)
	*r = d
	return nil
}

// decodeRecordJSON returns a state without a plan.
func decodeRecordJSON(data []byte) (r recordState, err error) {
	var in recordJSON
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return r, err
	}
	if d.More() {
		return r, errors.New("text after the record")
	}
	print64, err := strconv.ParseUint(in.Plan, 16, 64)
	if r.origin = Fingerprint(print64); err != nil || r.origin.String() != in.Plan {
		return r, fmt.Errorf("plan %.64q is not 16 hexadecimal digits", in.Plan)
	}
	r.horizon, r.deleted = in.Horizon, in.Deleted
	if err := checkHorizons(r.horizon, r.deleted); err != nil {
		return r, err
	}
	var kinds value.Kinds
	if in.Kinds != nil {
		if kinds, err = value.ParseKinds(in.Kinds); err != nil {
			return r, err
		}
	}
	r.root, err = in.Record.Row(r.horizon, r.deleted, kinds)
	return r, err
}
