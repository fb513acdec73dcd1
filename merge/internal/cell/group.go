package cell

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// EachMember calls visit for each member of a group's tuple. The first byte of the content
// is the code of its type.
func EachMember(tuple string, visit func(name, content string)) {
	for r := wire.NewReader([]byte(tuple)); r.Len() > 0; {
		name, content := string(r.Bytes()), string(r.Bytes())
		if r.Err() == nil {
			visit(name, content)
		}
	}
}

// isTuple reports whether a group may hold the given bytes.
func isTuple(tuple string) bool {
	last, first := "", true
	for r := wire.NewReader([]byte(tuple)); r.Len() > 0; first = false {
		name, content := string(r.Bytes()), string(r.Bytes())
		if r.Err() != nil || content == "" || !first && name <= last || !utf8.ValidString(name) {
			return false
		}
		if c := TypeCode(content[0]); c == 0 || !c.valid() || c.IsContent() && !value.IsFull(content[1:]) {
			return false
		}
		last = name
	}
	return true
}

// A memberJSON is a member of a group in JSON, with the bytes beside it that its value
// does not lead back to.
type memberJSON struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
	Bytes []byte          `json:"bytes,omitempty"`
}

// groupJSON returns the members of a group as JSON. Those of a type that the program
// does not know it has to render itself.
func (w *jsonWriter) groupJSON(c *Cell, p Knows) json.RawMessage {
	members := map[string]memberJSON{}
	EachMember(c.Value, func(name, content string) {
		m := memberJSON{Type: TypeCode(content[0]).String()}
		known := Values{}
		if p != nil {
			known = p.Member(name)
		}
		m.Value, m.Bytes = w.valueJSON(memberPath(c.Key, name), TypeCode(content[0]), content[1:], known)
		members[name] = m
	})
	return mustJSON(map[string]any{"group": members})
}

// parseGroup reads what [jsonWriter.groupJSON] wrote of the group at a path.
func (kinds jsonKinds) parseGroup(path string, text json.RawMessage) (string, error) {
	var in struct {
		Group map[string]memberJSON `json:"group"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return "", err
	}
	if in.Group == nil {
		return "", errors.New("a group without members")
	}
	var out []byte
	for _, name := range slices.Sorted(maps.Keys(in.Group)) {
		m := in.Group[name]
		typ, err := parseTypeCode(m.Type)
		if err != nil {
			return "", err
		}
		content, err := kinds.parseContent(memberPath(path, name), typ, m.Value, m.Bytes)
		if err != nil {
			return "", err
		}
		out = wire.AppendBytes(wire.AppendBytes(out, name), string([]byte{byte(typ)})+content)
	}
	return string(out), nil
}

// memberPath returns the path by which [value.Kinds] know a member of a group.
func memberPath(group, name string) string { return value.FieldPath(group, name) }
