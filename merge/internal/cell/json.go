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
		Set: "set", Table: "map", Rows: "rows", Row: "row", Placed: "place", Sums: "sums", Deleted: "deleted",
	}
}

// A JSON is a cell in JSON. Which members it has depends on its kind, as in the binary
// form. Bytes are those of a value to which its JSON does not lead back.
type JSON struct {
	Path    *string         `json:"path,omitempty"`
	Kind    string          `json:"kind,omitempty"`
	Type    string          `json:"type,omitempty"`
	Key     json.RawMessage `json:"key,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
	Bytes   []byte          `json:"bytes,omitempty"`
	Gone    bool            `json:"gone,omitempty"`
	Marks   uint32          `json:"marks,omitempty"`
	Stamp   lww.Stamp       `json:"stamp,omitzero"`
	Open    hlc.Timestamp   `json:"open,omitzero"` // of a row: its life, if that is open
	Fields  []JSON          `json:"fields,omitempty"`
	Entries []JSON          `json:"entries,omitempty"`
}

// A jsonWriter writes cells with the given kinds of what is in their values, and keeps the
// first error.
type jsonWriter struct {
	kinds value.Kinds
	err   error
}

// cell returns c, about which the program knows p, as an object. Field is the cell of the
// field that c is or is below; nil for a row.
func (w *jsonWriter) cell(c *Cell, p Knows, field *Cell) JSON {
	l := layoutOf(c.Kind)
	out := JSON{Stamp: c.Stamp, Gone: l.live && !c.holds(), Marks: c.Marks}
	if c.Kind == Row && isOpen(c.Stamp) {
		out.Stamp, out.Open = lww.Stamp{}, c.Stamp.Time
	}
	if c.Kind.IsField() {
		field = c
		out.Kind, out.Type = cellKindNames()[c.Kind], c.Type.String()
		out.Path = &c.Key
	}
	switch {
	case c.Kind == Fact || c.Kind == Option || c.Kind == Version:
		out.Key, out.Bytes = w.contentJSON(c, p, field)
	case l.key == keyBytes:
		out.Key = ValueJSON(keyType(p), c.Key)
	}
	if l.value && (c.Live || !l.live) {
		out.Value, out.Bytes = w.contentJSON(c, p, field)
	}
	for i := range c.Kids {
		k := &c.Kids[i]
		kid := w.cell(k, scope{p, l.kids == anyField}.of(k), field)
		if l.kids == Row {
			kid.Path, kid.Kind = nil, ""
			kid.Key = ValueJSON(keyType(p), k.Key)
		}
		if l.kids == anyField {
			out.Fields = append(out.Fields, kid)
		} else {
			out.Entries = append(out.Entries, kid)
		}
	}
	return out
}

func keyType(p Knows) *value.Type {
	if p == nil {
		return nil
	}
	return p.KeyType()
}

// contentJSON returns the value of c, about which the program knows p, and which is of a
// field.
func (w *jsonWriter) contentJSON(c *Cell, p Knows, field *Cell) (text json.RawMessage, beside []byte) {
	known := Values{}
	if p != nil {
		known = p.Values()
	}
	switch {
	case c.Kind == Total:
		return ValueJSON(&value.Type{Kind: value.KindInt}, c.Value), nil
	case c.Kind == Placed:
		return placeJSON(c.Value), nil
	case c.Kind == Register && c.Type == 0:
		return w.groupJSON(c, p), nil
	}
	return w.valueJSON(value.FieldPath("", field.Key), field.Type, c.Content(), known)
}

// valueJSON returns a value of the given type, of which the program knows something.
func (w *jsonWriter) valueJSON(path string, typ TypeCode, content string, known Values) (text json.RawMessage, beside []byte) {
	if known.Code != typ {
		known = Values{}
	}
	if !typ.IsContent() {
		if known.Type == nil {
			known.Type = typ.basic()
		}
		return ValueJSON(known.Type, content), nil
	}
	text, beside, err := known.Leaf.JSON(path, content, w.kinds)
	if err != nil && w.err == nil {
		w.err = value.Below(path, err)
	}
	return text, beside
}

// note adds the kinds of all values in c, which is below a field.
func note(kinds value.Kinds, c, field *Cell) {
	if c.Kind.IsField() {
		field = c
	}
	switch {
	case c.Kind == Register && c.Type == 0:
		EachMember(c.Value, func(name, content string) {
			if TypeCode(content[0]).IsContent() {
				kinds.Note(memberPath(c.Key, name), content[1:])
			}
		})
	case field == nil || !field.Type.IsContent() || field.Kind == Set || field.Kind == Union:
	case c.Kind == Entry && c.Live, c.Kind != Entry && c.Kind.holdsValue():
		kinds.Note(value.FieldPath("", field.Key), c.Content())
	}
	for i := range c.Kids {
		note(kinds, &c.Kids[i], field)
	}
}

// RowJSON returns the row c, of which the program knows p, as an object, and the kinds of
// what its values hold. An error names a value that has no JSON.
func (c *Cell) RowJSON(p Knows) (JSON, value.Kinds, error) {
	w := jsonWriter{kinds: value.Kinds{}}
	note(w.kinds, c, nil)
	out := w.cell(c, p, nil)
	out.Path, out.Kind = nil, ""
	return out, w.kinds, w.err
}

// FieldJSON returns the field c, of which the program knows nothing, as an object.
func (c *Cell) FieldJSON() json.RawMessage {
	w := jsonWriter{kinds: value.Kinds{}}
	return mustJSON(w.cell(c, nil, nil))
}

// Row returns the row of a record with the given horizons that j describes.
func (j *JSON) Row(horizon, deleted hlc.Timestamp, kinds value.Kinds) (Cell, error) {
	root, err := jsonKinds{kinds}.cell(j, Row, 0, nil)
	if err == nil {
		err = forgotten{horizon, deleted}.check(&root, isRoot)
	}
	return root, err
}

// jsonKinds reads what a jsonWriter with the same kinds wrote.
type jsonKinds struct{ value.Kinds }

// parseContent reads a value of the given type at a path.
func (kinds jsonKinds) parseContent(path string, typ TypeCode, text json.RawMessage, beside []byte) (string, error) {
	switch {
	case typ.IsContent():
		return kinds.FullOf(path, text, beside)
	case beside != nil:
		return "", fmt.Errorf("%w: bytes", errMember)
	}
	return parseValue(text, 0)
}

// content reads the value of c, which is below a field.
func (kinds jsonKinds) content(c, field *Cell, text json.RawMessage, beside []byte) (string, error) {
	if c.Kind == Register && c.Type == 0 {
		if beside != nil {
			return "", fmt.Errorf("%w: bytes", errMember)
		}
		return kinds.parseGroup(c.Key, text)
	}
	return kinds.parseContent(value.FieldPath("", field.Key), field.Type, text, beside)
}

// cell returns the cell of the given kind that j describes, which is below a field or, if
// that is nil, a row or the field itself.
func (kinds jsonKinds) cell(j *JSON, kind Kind, depth int, field *Cell) (Cell, error) {
	c := Cell{Kind: kind, Stamp: j.Stamp, Marks: j.Marks}
	l := layoutOf(kind)
	c.Live = l.live && !j.Gone
	hasValue := l.value && (c.Live || !l.live)
	switch {
	case depth > value.MaxDepth:
		return c, value.ErrDeep
	case !l.stamp && !j.Stamp.IsZero() || !l.live && j.Gone:
		return c, fmt.Errorf("%w: stamp or gone", errMember)
	case j.Open > 0 && (kind != Row || !j.Stamp.IsZero()):
		return c, fmt.Errorf("%w: open", errMember)
	case !hasValue && j.Value != nil || l.kids != anyField && j.Fields != nil || (l.kids == 0 || l.kids == anyField) && j.Entries != nil:
		return c, fmt.Errorf("%w: value, fields or entries", errMember)
	case l.live && !c.Live && j.Fields != nil:
		return c, fmt.Errorf("%w: fields of what is gone", errMember)
	}
	if j.Open > 0 {
		c.Stamp = OpenLife(j.Open)
	}
	if err := j.identify(&c); err != nil {
		return c, err
	}
	if kind.IsField() {
		field = &c
	}
	isKey := kind == Fact || kind == Option || kind == Version
	if hasValue || isKey {
		text := j.Value
		if isKey {
			text = j.Key
		}
		content, err := kinds.content(&c, field, text, j.Bytes)
		switch {
		case err != nil:
			return c, err
		case isKey:
			c.Key = content
		default:
			c.Value = content
		}
	} else if j.Bytes != nil {
		return c, fmt.Errorf("%w: bytes", errMember)
	}
	for i := range j.Fields {
		k, err := kinds.field(&j.Fields[i], depth)
		if err != nil {
			return c, err
		}
		c.Kids = append(c.Kids, k)
	}
	for i := range j.Entries {
		k, err := kinds.entry(&j.Entries[i], l.kids, depth, field)
		if err != nil {
			return c, err
		}
		c.Kids = append(c.Kids, k)
	}
	slices.SortFunc(c.Kids, func(a, b Cell) int { return a.Order(&b) })
	c.Revive()
	return c, nil
}

var errMember = errors.New("a member that is not for this kind")

// identify sets the path and the type of c, if it is a field.
func (j *JSON) identify(c *Cell) (err error) {
	if !c.Kind.IsField() || j.Path == nil {
		return nil
	}
	c.Key = *j.Path
	if j.Type != "" {
		if c.Type, err = parseTypeCode(j.Type); !c.Kind.IsTyped() {
			err = fmt.Errorf("%w: type", errMember)
		}
	}
	return err
}

func (kinds jsonKinds) field(j *JSON, depth int) (Cell, error) {
	kind := Kind(max(0, slices.Index(cellKindNames(), j.Kind)))
	switch {
	case j.Path == nil || j.Key != nil:
		return Cell{}, errors.New("a field without a path")
	case !kind.IsField():
		return Cell{}, fmt.Errorf("field %.64q: unknown kind %.64q", *j.Path, j.Kind)
	}
	c, err := kinds.cell(j, kind, depth+1, nil)
	if err != nil {
		err = fmt.Errorf("field %.64q: %w", *j.Path, err)
	}
	return c, err
}

func (kinds jsonKinds) entry(j *JSON, kind Kind, depth int, field *Cell) (Cell, error) {
	hasKey := kind == Row || layoutOf(kind).key == keyBytes
	if hasKey != (j.Key != nil) || j.Path != nil || j.Kind != "" || j.Type != "" {
		return Cell{}, fmt.Errorf("%w: key, path or kind", errMember)
	}
	c, err := kinds.cell(j, kind, depth+1, field)
	switch layoutOf(kind).key {
	case keyReplica:
		c.Key = string(c.Stamp.Replica)
	case keyTime:
		c.Key = TimeKey(c.Stamp.Time)
	case keyPath, keyBytes:
		if err == nil && kind != Fact && kind != Option && kind != Version {
			c.Key, err = parseValue(j.Key, 0)
		}
	}
	return c, err
}
