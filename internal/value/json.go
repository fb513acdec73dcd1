package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Kinds are those of the fields of a state's values that JSON does not tell, by path.
// A field without one is null, a bool, an int if it is a number without point and
// exponent and else a float, a string, a list or a struct.
type Kinds map[string]code

// isTold reports whether JSON shows that a value is of code c.
func (c code) isTold() bool {
	switch c {
	case codeNil, codeFalse, codeTrue, codeInt, codeString, codeList, codeStruct:
		return true
	case codeFloat, codeComplex, codeBytes, codeTime, codeMap, codeOpt, codeOwn, codeText, codeJSON:
	}
	return false
}

// NoteKinds adds the kinds of a value. Where several values differ, the first code
// counts.
func NoteKinds[V any](k Kinds, v *V, kept string) {
	var buf [256]byte
	k.note("", AppendFull(buf[:0], v, kept))
}

func (k Kinds) note(path string, b []byte) []byte {
	c, b := code(b[0]), b[1:]
	if was, ok := k[path]; !c.isTold() && (!ok || c < was) {
		k[path] = c
	}
	switch c {
	case codeOpt:
		return k.note(path+"{to}", b)
	case codeList:
		n, b, _ := readCount(b)
		for range n {
			b = k.note(path+"[]", b)
		}
		return b
	case codeMap:
		n, b, _ := readCount(b)
		for range n {
			b = k.note(path+"{}", k.note(path+"{key}", b))
		}
		return b
	case codeStruct:
		n, b, _ := readCount(b)
		for range n {
			size, rest, _ := readCount(b)
			b = k.note(FieldPath(path, string(rest[:size])), rest[size:])
		}
		return b
	case codeNil, codeFalse, codeTrue, codeInt, codeFloat, codeComplex, codeString, codeBytes, codeTime, codeOwn, codeText, codeJSON:
	}
	b, _ = skipScalar(c, b)
	return b
}

// FieldPath returns the path of a field of the value at a path.
func FieldPath(path, name string) string {
	if name == "" || strings.ContainsAny(name, `.[]{}"`) || strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		name = strconv.QuoteToASCII(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// AppendJSON appends k as an object of names of kinds.
func (k Kinds) AppendJSON(b []byte) []byte {
	names := make(map[string]string, len(k))
	for path, c := range k {
		names[path] = c.String()
	}
	p, _ := json.Marshal(names)
	return append(b, p...)
}

// ParseKinds reads what [Kinds.AppendJSON] wrote.
func ParseKinds(p []byte) (Kinds, error) {
	k := Kinds{}
	err := DecodeObject(p, func(path string, p []byte) error {
		var text string
		if err := json.Unmarshal(p, &text); err != nil {
			return err
		}
		for c := range code(codes) {
			if !c.isTold() && c.String() == text {
				k[path] = c
			}
		}
		if k[path] == codeNil {
			return fmt.Errorf("kind %.64q", text)
		}
		return nil
	})
	if err == nil && len(k) == 0 {
		err = errors.New("no fields")
	}
	return k, err
}

// AppendJSON appends a value as the JSON of its type, with the fields that the
// type does not know as further members. If that and the kinds do not lead back to
// the bytes of the value, beside are these, to be kept next to it. It returns an
// error that names a field which is not zero and which the JSON of the type leaves
// out.
func AppendJSON[V any](b []byte, v *V, kept string, kinds Kinds) (_, beside []byte, err error) {
	p, err := planFor[V]()
	if err != nil {
		return b, nil, err
	}
	full := AppendFull(nil, v, kept)
	text, err := p.valueJSON(reflect.ValueOf(v).Elem(), full)
	if err != nil {
		return b, nil, err
	}
	if again, err := kinds.parse("", text); err != nil || !bytes.Equal(again, full) {
		beside = full
	}
	return append(b, text...), beside, nil
}

// valueJSON returns the JSON of v, whose full form is given.
func (p *plan) valueJSON(v reflect.Value, full []byte) ([]byte, error) {
	if _, bad := p.read(reflect.New(p.typ).Elem(), full); bad != nil {
		return render(full), nil
	}
	if err := p.hidden(v); err != nil {
		return nil, err
	}
	text, err := json.Marshal(addressable(v).Addr().Interface())
	if err != nil || bytes.Contains(text, []byte(`\u0000`)) || replacedUTF8(text) {
		return render(full), nil
	}
	if known, err := p.appendFull(nil, v, 0); err != nil || !bytes.Equal(known, full) {
		text = p.splice(text, full)
	}
	return text, nil
}

// hidden returns an error if v has a field which is not zero and which the JSON of
// its type leaves out.
func (p *plan) hidden(v reflect.Value) error {
	if p.own != formNone || p.json || p.text {
		return nil
	}
	switch p.kind {
	case KindPointer:
		if !v.IsNil() {
			return p.elem.hidden(v.Elem())
		}
	case KindSlice, KindArray:
		for i := range v.Len() {
			if err := p.elem.hidden(v.Index(i)); err != nil {
				return within("[]", err)
			}
		}
	case KindMap:
		for it := v.MapRange(); it.Next(); {
			if err := p.elem.hidden(it.Value()); err != nil {
				return within("{}", err)
			}
		}
	case KindStruct:
		for i := range p.fields {
			f := &p.fields[i]
			fv := f.in(v)
			if f.json == "" && !f.isZero(fv) {
				return &TypeError{Type: p.typ, Path: f.path, Reason: `is not zero, and its tag json:"-" keeps it out of JSON`}
			}
			if err := f.hidden(fv); err != nil {
				return within(f.path, err)
			}
		}
	case KindBool, KindInt, KindUint, KindFloat, KindComplex, KindString, KindBytes, KindTime, KindRaw, KindOpaque, KindDocument:
	}
	return nil
}

// splice adds to text, the JSON of a value of p's type, the fields in full that the
// type does not know.
func (p *plan) splice(text, full []byte) []byte {
	c := code(full[0])
	switch {
	case p.own != formNone || p.kind != KindPointer && (p.json || p.text):
		return text
	case p.kind == KindPointer && c != codeOpt && c != codeNil:
		return p.elem.splice(text, full)
	case p.kind == KindStruct && c == codeStruct:
		return p.spliceStruct(text, full[1:])
	case (p.kind == KindSlice || p.kind == KindArray) && c == codeList:
		var items []json.RawMessage
		_, b, _ := readCount(full[1:]) // as many as there are items
		if json.Unmarshal(text, &items) != nil {
			return text
		}
		for i := range items {
			rest, _ := skipFull(b, 0)
			items[i], b = p.elem.splice(items[i], b[:len(b)-len(rest)]), rest
		}
		return appendItems(nil, items)
	case p.kind == KindMap && c == codeMap:
		return p.spliceMap(text, full[1:])
	}
	return text
}

func appendItems(b []byte, items []json.RawMessage) []byte {
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item...)
	}
	return append(b, ']')
}

// A part is a member of a JSON object.
type part struct {
	name string
	text json.RawMessage
}

// partsOf returns the members of the JSON object p.
func partsOf(p []byte) ([]part, error) {
	var parts []part
	err := DecodeObject(p, func(name string, text []byte) error {
		parts = append(parts, part{name, text})
		return nil
	})
	return parts, err
}

func appendObject(b []byte, parts []part) []byte {
	b = append(b, '{')
	for i, m := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		name, _ := json.Marshal(m.name)
		b = append(append(append(b, name...), ':'), m.text...)
	}
	return append(b, '}')
}

func (p *plan) spliceStruct(text, b []byte) []byte {
	parts, err := partsOf(text)
	if err != nil {
		return text
	}
	n, b, _ := readCount(b)
	for range n {
		var m member
		m, b = nextMember(b)
		member := string(m.name)
		i, known := p.byName[member]
		if known {
			member = p.fields[i].json
		}
		at := slices.IndexFunc(parts, func(q part) bool { return q.name == member })
		switch {
		case known && at >= 0:
			parts[at].text = p.fields[i].splice(parts[at].text, m.full)
		case !known && at < 0 && !slices.Contains(m.name, 0):
			parts = append(parts, part{member, render(m.full)})
		}
	}
	return appendObject(nil, parts)
}

func (p *plan) spliceMap(text, b []byte) []byte {
	parts, err := partsOf(text)
	if err != nil {
		return text
	}
	n, b, _ := readCount(b)
	for range n {
		rest, _ := skipFull(b, 0)
		key := keyName(b[:len(b)-len(rest)])
		b, _ = skipFull(rest, 0)
		if at := slices.IndexFunc(parts, func(q part) bool { return q.name == key }); at >= 0 {
			parts[at].text = p.elem.splice(parts[at].text, rest[:len(rest)-len(b)])
		}
	}
	return appendObject(nil, parts)
}

// keyName returns the name of a member for a key in full form.
func keyName(full []byte) string {
	if c := code(full[0]); c == codeString || c == codeText {
		_, rest, _ := readCount(full[1:])
		return string(rest)
	}
	return string(render(full))
}
