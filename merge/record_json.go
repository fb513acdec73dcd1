package merge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
)

// cellKindNames returns the names of the kinds of fields in JSON, by kind.
func cellKindNames() []string {
	return []string{
		cellRegister: "register", cellFirst: "first", cellMax: "max", cellMin: "min", cellImmutable: "immutable",
		cellChoice: "choice", cellState: "state", cellTotals: "totals", cellManual: "manual", cellUnion: "union",
		cellSet: "set", cellTable: "map", cellRows: "rows", cellRow: "row",
	}
}

// A recordJSON is a record in JSON.
type recordJSON struct {
	Plan    string        `json:"plan"`
	Horizon hlc.Timestamp `json:"horizon,omitzero"`
	Record  cellJSON      `json:"record"`
}

// A cellJSON is a cell in JSON. Which members it has depends on its kind, as
// in the binary form.
type cellJSON struct {
	Path    *string         `json:"path,omitempty"`
	Kind    string          `json:"kind,omitempty"`
	Type    string          `json:"type,omitempty"`
	Key     json.RawMessage `json:"key,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
	Gone    bool            `json:"gone,omitempty"`
	Stamp   lww.Stamp       `json:"stamp,omitzero"`
	Fields  []cellJSON      `json:"fields,omitempty"`
	Entries []cellJSON      `json:"entries,omitempty"`
}

// MarshalJSON implements [json.Marshaler]. Each field is an object with its
// path, its kind and what the kind asks for, in the order of
// [Record.AppendBinary]:
//
//	{"plan":"00c0ffee00c0ffee","record":{"fields":[
//	 {"path":"Name","kind":"register","type":"string","value":"Ann","stamp":"2026-11-23T12:08:55.123456789Z@us"},
//	 {"path":"Stock","kind":"totals","entries":[{"value":-2,"stamp":"2026-11-23T12:09:01.000000000Z@eu"}]}]}}
//
// A row that is not there, an element removed, and an entry deleted have
// "gone":true, and the stamp of a row is that of the delete that its life began
// with. Values say of themselves what they are, so that a program reads fields
// that it does not know: text, integers, true and false, null and lists as
// themselves, integers beyond ±2⁵³ as {"int":"…"}, floats as {"float":"1.5"},
// times as {"time":"…"}, what a pointer points to as {"to":…}, the members of a
// group as {"group":{…}}, everything else as {"base64":"…"}.
func (r *Record[T]) MarshalJSON() ([]byte, error) {
	out := recordJSON{Horizon: r.horizon}
	var elem *recordRow
	if r.plan != nil {
		out.Plan, elem = r.plan.print.String(), r.plan.record.elem
	}
	root := r.root
	root.kind = cellRow
	out.Record = root.json(&recordPart{elem: elem})
	out.Record.Path, out.Record.Kind = nil, ""
	return json.Marshal(out)
}

// json returns c, about which the program knows p, as an object.
func (c *cell) json(p *recordPart) cellJSON {
	l := layoutOf(c.kind)
	out := cellJSON{Stamp: c.stamp, Gone: l.live && !c.live}
	if c.kind.isField() {
		out.Kind, out.Type = cellKindNames()[c.kind], c.typ.String()
		out.Path = &c.key
	}
	if l.key == keyBytes {
		out.Key = valueJSON(p.keyShape(c.kind), c.key)
	}
	if l.value && (c.live || !l.live) {
		out.Value = p.contentJSON(c)
	}
	for i := range c.kids {
		k := &c.kids[i]
		kp := p
		if l.kids == anyField {
			kp = nil
			if p.rows() != nil {
				kp = p.elem.part(k)
			}
		}
		kid := k.json(kp)
		if l.kids == cellRow {
			kid.Path, kid.Kind = nil, ""
			kid.Key = valueJSON(p.keyShape(k.kind), k.key)
		}
		if l.kids == anyField {
			out.Fields = append(out.Fields, kid)
		} else {
			out.Entries = append(out.Entries, kid)
		}
	}
	return out
}

// keyShape returns the shape of the keys of kids of p's cell, nil if unknown.
func (p *recordPart) keyShape(kid cellKind) *value.Type {
	switch {
	case p == nil || p.f == nil:
		return nil
	case kid == cellFact || kid == cellOption || kid == cellVersion:
		return p.f.shape
	}
	return p.f.key
}

// contentJSON returns the value of c, which belongs to p.
func (p *recordPart) contentJSON(c *cell) json.RawMessage {
	switch {
	case c.kind == cellTotal || c.key == positionKey && c.kind == cellFirst:
		return valueJSON(&value.Type{Kind: value.KindInt}, c.value)
	case p == nil:
		return valueJSON(nil, c.value)
	case p.group != nil:
		return p.groupJSON(c.value)
	case c.kind == cellEntry:
		return valueJSON(p.value, c.value)
	}
	return valueJSON(p.f.shape, c.value)
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what
// [Record.MarshalJSON] writes, also under another plan, in any order and with
// any white space, and leaves r unchanged if it returns an error, as it does for
// a record without a plan. As usual, null changes nothing.
func (r *Record[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if r.plan == nil {
		return errors.New("merge: decode Record: no plan; make the record with Plan.NewRecord")
	}
	root, horizon, origin, err := decodeRecordJSON(data)
	if err != nil {
		return fmt.Errorf("merge: decode Record: %w", wire.Damaged(err))
	}
	root.kids = r.plan.record.elem.settle(root.kids)
	r.root, r.horizon, r.origin = root, horizon, origin
	return nil
}

func decodeRecordJSON(data []byte) (root cell, horizon hlc.Timestamp, origin Fingerprint, err error) {
	var in recordJSON
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return root, 0, 0, err
	}
	if d.More() {
		return root, 0, 0, errors.New("text after the record")
	}
	print64, err := strconv.ParseUint(in.Plan, 16, 64)
	if origin = Fingerprint(print64); err != nil || origin.String() != in.Plan {
		return root, 0, 0, fmt.Errorf("plan %.64q is not 16 hexadecimal digits", in.Plan)
	}
	if in.Horizon >= hlc.Max {
		return root, 0, 0, fmt.Errorf("horizon %d is not below the maximum %d", uint64(in.Horizon), uint64(hlc.Max))
	}
	if root, err = in.Record.cell(cellRow, 0); err == nil {
		err = root.check(in.Horizon, true)
	}
	return root, in.Horizon, origin, err
}

// cell returns the cell of the given kind that j describes.
func (j *cellJSON) cell(kind cellKind, depth int) (cell, error) {
	c := cell{kind: kind, stamp: j.Stamp}
	l := layoutOf(kind)
	c.live = l.live && !j.Gone
	hasValue := l.value && (c.live || !l.live)
	switch {
	case depth > value.MaxDepth:
		return c, value.ErrDeep
	case !l.stamp && !j.Stamp.IsZero() || !l.live && j.Gone:
		return c, fmt.Errorf("%w: stamp or gone", errMember)
	case !hasValue && j.Value != nil || l.kids != anyField && j.Fields != nil || (l.kids == 0 || l.kids == anyField) && j.Entries != nil:
		return c, fmt.Errorf("%w: value, fields or entries", errMember)
	case l.live && !c.live && j.Fields != nil:
		return c, fmt.Errorf("%w: fields of what is gone", errMember)
	}
	var err error
	if hasValue {
		if c.value, err = parseValue(j.Value, 0); err != nil {
			return c, err
		}
	}
	for i := range j.Fields {
		k, err := j.Fields[i].field(depth)
		if err != nil {
			return c, err
		}
		c.kids = append(c.kids, k)
	}
	for i := range j.Entries {
		k, err := j.Entries[i].entry(l.kids, depth)
		if err != nil {
			return c, err
		}
		c.kids = append(c.kids, k)
	}
	slices.SortFunc(c.kids, func(a, b cell) int { return a.order(&b) })
	return c, nil
}

var errMember = errors.New("a member that is not for this kind")

func (j *cellJSON) field(depth int) (cell, error) {
	kind := cellKind(max(0, slices.Index(cellKindNames(), j.Kind)))
	switch {
	case j.Path == nil || j.Key != nil:
		return cell{}, errors.New("a field without a path")
	case !kind.isField():
		return cell{}, fmt.Errorf("field %.64q: unknown kind %.64q", *j.Path, j.Kind)
	}
	c, err := j.cell(kind, depth+1)
	c.key = *j.Path
	if err == nil && j.Type != "" {
		if c.typ, err = parseTypeCode(j.Type); !kind.isTyped() {
			err = fmt.Errorf("%w: type", errMember)
		}
	}
	if err != nil {
		err = fmt.Errorf("field %.64q: %w", c.key, err)
	}
	return c, err
}

func (j *cellJSON) entry(kind cellKind, depth int) (cell, error) {
	c, err := j.cell(kind, depth+1)
	hasKey := kind == cellRow
	switch layoutOf(kind).key {
	case keyBytes:
		hasKey = true
	case keyReplica:
		c.key = string(c.stamp.Replica)
	case keyTime:
		c.key = timeKey(c.stamp.Time)
	default:
	}
	if hasKey != (j.Key != nil) || j.Path != nil || j.Kind != "" || j.Type != "" {
		return c, fmt.Errorf("%w: key, path or kind", errMember)
	}
	if hasKey && err == nil {
		c.key, err = parseValue(j.Key, 0)
	}
	return c, err
}
