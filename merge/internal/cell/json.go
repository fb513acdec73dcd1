package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// cellKindNames returns the names of the kinds of fields in JSON, by kind.
func cellKindNames() []string {
	return []string{
		Register: "register", First: "first", Max: "max", Min: "min", Immutable: "immutable",
		Choice: "choice", State: "state", Totals: "totals", Manual: "manual", Union: "union",
		Set: "set", Table: "map", Rows: "rows", Row: "row", Placed: "place", Sums: "sums",
	}
}

// A JSON is a cell in JSON. Which members it has depends on its kind, as
// in the binary form.
type JSON struct {
	Path    *string         `json:"path,omitempty"`
	Kind    string          `json:"kind,omitempty"`
	Type    string          `json:"type,omitempty"`
	Key     json.RawMessage `json:"key,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
	Gone    bool            `json:"gone,omitempty"`
	Stamp   lww.Stamp       `json:"stamp,omitzero"`
	Fields  []JSON          `json:"fields,omitempty"`
	Entries []JSON          `json:"entries,omitempty"`
}

// json returns c, about which the program knows p, as an object.
func (c *Cell) json(p Knows) JSON {
	l := layoutOf(c.Kind)
	out := JSON{Stamp: c.Stamp, Gone: l.live && !c.Live}
	if c.Kind.IsField() {
		out.Kind, out.Type = cellKindNames()[c.Kind], c.Type.String()
		out.Path = &c.Key
	}
	if l.key == keyBytes {
		out.Key = ValueJSON(keyType(p, c.Kind), c.Key)
	}
	if l.value && (c.Live || !l.live) {
		out.Value = c.contentJSON(p)
	}
	for i := range c.Kids {
		k := &c.Kids[i]
		kid := k.json(scope{p, l.kids == anyField}.of(k))
		if l.kids == Row {
			kid.Path, kid.Kind = nil, ""
			kid.Key = ValueJSON(keyType(p, k.Kind), k.Key)
		}
		if l.kids == anyField {
			out.Fields = append(out.Fields, kid)
		} else {
			out.Entries = append(out.Entries, kid)
		}
	}
	return out
}

func keyType(p Knows, kid Kind) *value.Type {
	if p == nil {
		return nil
	}
	return p.KeyType(kid)
}

// contentJSON returns the value of c, about which the program knows p.
func (c *Cell) contentJSON(p Knows) json.RawMessage {
	switch {
	case c.Kind == Total:
		return ValueJSON(&value.Type{Kind: value.KindInt}, c.Value)
	case c.Kind == Placed:
		return placeJSON(c.Value)
	case p == nil:
		return ValueJSON(nil, c.Value)
	}
	return p.ContentJSON(c)
}

// RowJSON returns the row c, of which the program knows p, as an object.
func (c *Cell) RowJSON(p Knows) JSON {
	out := c.json(p)
	out.Path, out.Kind = nil, ""
	return out
}

// Row returns the row of a record with the given horizon that j describes.
func (j *JSON) Row(horizon hlc.Timestamp) (Cell, error) {
	root, err := j.cell(Row, 0)
	if err == nil {
		err = root.check(horizon, true)
	}
	return root, err
}

// Cell returns the cell of the given kind that j describes.
func (j *JSON) cell(kind Kind, depth int) (Cell, error) {
	c := Cell{Kind: kind, Stamp: j.Stamp}
	l := layoutOf(kind)
	c.Live = l.live && !j.Gone
	hasValue := l.value && (c.Live || !l.live)
	switch {
	case depth > value.MaxDepth:
		return c, value.ErrDeep
	case !l.stamp && !j.Stamp.IsZero() || !l.live && j.Gone:
		return c, fmt.Errorf("%w: stamp or gone", errMember)
	case !hasValue && j.Value != nil || l.kids != anyField && j.Fields != nil || (l.kids == 0 || l.kids == anyField) && j.Entries != nil:
		return c, fmt.Errorf("%w: value, fields or entries", errMember)
	case l.live && !c.Live && j.Fields != nil:
		return c, fmt.Errorf("%w: fields of what is gone", errMember)
	}
	var err error
	if hasValue {
		if c.Value, err = parseValue(j.Value, 0); err != nil {
			return c, err
		}
	}
	for i := range j.Fields {
		k, err := j.Fields[i].field(depth)
		if err != nil {
			return c, err
		}
		c.Kids = append(c.Kids, k)
	}
	for i := range j.Entries {
		k, err := j.Entries[i].entry(l.kids, depth)
		if err != nil {
			return c, err
		}
		c.Kids = append(c.Kids, k)
	}
	slices.SortFunc(c.Kids, func(a, b Cell) int { return a.Order(&b) })
	return c, nil
}

var errMember = errors.New("a member that is not for this kind")

func (j *JSON) field(depth int) (Cell, error) {
	kind := Kind(max(0, slices.Index(cellKindNames(), j.Kind)))
	switch {
	case j.Path == nil || j.Key != nil:
		return Cell{}, errors.New("a field without a path")
	case !kind.IsField():
		return Cell{}, fmt.Errorf("field %.64q: unknown kind %.64q", *j.Path, j.Kind)
	}
	c, err := j.cell(kind, depth+1)
	c.Key = *j.Path
	if err == nil && j.Type != "" {
		if c.Type, err = parseTypeCode(j.Type); !kind.IsTyped() {
			err = fmt.Errorf("%w: type", errMember)
		}
	}
	if err != nil {
		err = fmt.Errorf("field %.64q: %w", c.Key, err)
	}
	return c, err
}

func (j *JSON) entry(kind Kind, depth int) (Cell, error) {
	c, err := j.cell(kind, depth+1)
	hasKey := kind == Row
	switch layoutOf(kind).key {
	case keyBytes:
		hasKey = true
	case keyReplica:
		c.Key = string(c.Stamp.Replica)
	case keyTime:
		c.Key = TimeKey(c.Stamp.Time)
	default:
	}
	if hasKey != (j.Key != nil) || j.Path != nil || j.Kind != "" || j.Type != "" {
		return c, fmt.Errorf("%w: key, path or kind", errMember)
	}
	if hasKey && err == nil {
		c.Key, err = parseValue(j.Key, 0)
	}
	return c, err
}
