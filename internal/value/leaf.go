package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
)

// A Leaf is how content of a type is encoded that is known at run time only, as a leaf
// of a record is. Its bytes are the full form.
type Leaf struct{ plan *plan }

// LeafOf returns the Leaf of typ, or a [*TypeError] if typ cannot be content.
func LeafOf(typ reflect.Type) (Leaf, error) {
	p, err := planOf(typ)
	return Leaf{p}, err
}

// Replace returns the full form of v, or a [*TypeError] if v does not survive its encoding.
// Where old is not empty, it is that of the value that v replaces: see [Replace].
func (l Leaf) Replace(v reflect.Value, old string) (string, error) {
	stored := reflect.New(l.plan.typ).Elem()
	full, err := l.plan.settled(v, stored)
	if err != nil || old == "" || old == string(full) {
		return string(full), err
	}
	full, err = l.plan.carryOver(nil, full, []byte(old), stored)
	return string(full), err
}

// Load sets dst, which holds the zero value, to the value with the given full form,
// which must be valid. If the type cannot hold it, dst stays zero.
func (l Leaf) Load(dst reflect.Value, full string) *ValueError {
	_, bad := l.plan.read(dst, []byte(full))
	if bad != nil {
		dst.SetZero()
	}
	return bad
}

// LoadExact is Load of a value in which there is nothing that the type does not know. It
// reports whether that is so; if not, dst stays zero.
func (l Leaf) LoadExact(dst reflect.Value, full string) bool {
	if l.Load(dst, full) != nil {
		return false
	}
	again, err := l.plan.appendFull(make([]byte, 0, len(full)), dst, 0)
	if err != nil || string(again) != full {
		dst.SetZero()
		return false
	}
	return true
}

// JSON returns the value with the given full form in JSON, and beside it the form itself if
// the JSON and the kinds do not lead back to it: see [AppendJSON]. The zero Leaf is that of an
// unknown type.
func (l Leaf) JSON(path, full string, kinds Kinds) (text json.RawMessage, beside []byte, err error) {
	if l.plan == nil {
		text = render([]byte(full))
	} else {
		v := reflect.New(l.plan.typ).Elem()
		_ = l.Load(v, full) // what cannot be read has no JSON of its type
		if text, err = l.plan.valueJSON(v, []byte(full)); err != nil {
			return nil, nil, err
		}
	}
	if again, err := kinds.parse(path, text); err != nil || string(again) != full {
		beside = []byte(full)
	}
	return text, beside, nil
}

// Note adds the kinds of the value at a path, of which the full form is given.
func (k Kinds) Note(path, full string) { k.note(path, []byte(full)) }

// FullOf returns the full form that [Leaf.JSON] wrote as text and beside it.
func (k Kinds) FullOf(path string, text json.RawMessage, beside []byte) (string, error) {
	if beside != nil {
		return string(beside), checkFull(beside)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return "", errors.New("a value is missing")
	}
	full, err := k.parse(path, text)
	if err == nil {
		err = checkFull(full)
	}
	return string(full), err
}

// IsFull reports whether content is a valid full form.
func IsFull(content string) bool { return checkFull([]byte(content)) == nil }
