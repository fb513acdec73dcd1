package value

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/wire"
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
	default:
		return false
	}
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
			b = k.note(fieldPath(path, string(rest[:size])), rest[size:])
		}
		return b
	default:
		b, _ = skipScalar(c, b)
		return b
	}
}

// fieldPath returns the path of a field of the value at a path.
func fieldPath(path, name string) string {
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
	var names map[string]string
	if err := json.Unmarshal(p, &names); err != nil {
		return nil, err
	}
	k := make(Kinds, len(names))
	for path, text := range names {
		for c := range codes {
			if !c.isTold() && c.String() == text {
				k[path] = c
			}
		}
		if k[path] == codeNil {
			return nil, fmt.Errorf("field %.64q is of kind %.64q", path, text)
		}
	}
	return k, nil
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
	default:
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
		n, b, _ := readCount(full[1:])
		if json.Unmarshal(text, &items) != nil || len(items) != n {
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
	d := json.NewDecoder(bytes.NewReader(p))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	var parts []part
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := part{name: t.(string)}
		if err := d.Decode(&m.text); err != nil {
			return nil, err
		}
		if seen[m.name] {
			return nil, fmt.Errorf("member %.64q appears twice", m.name)
		}
		seen[m.name] = true
		parts = append(parts, m)
	}
	return parts, nil
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
	switch code(full[0]) {
	case codeString, codeText:
		_, rest, _ := readCount(full[1:])
		return string(rest)
	default:
		return string(render(full))
	}
}

// render returns the full form at the beginning of full as JSON: for people, and for
// [Kinds.parse] wherever that can be.
func render(full []byte) []byte {
	b, _ := renderNext(nil, full)
	return b
}

func renderNext(b, full []byte) (_, rest []byte) {
	c, body := code(full[0]), full[1:]
	switch c {
	case codeNil:
		return append(b, "null"...), body
	case codeFalse, codeTrue:
		return strconv.AppendBool(b, c == codeTrue), body
	case codeOpt:
		b, rest = renderNext(append(b, `{"to":`...), body)
		return append(b, '}'), rest
	case codeList:
		n, body, _ := readCount(body)
		b = append(b, '[')
		for i := range n {
			if i > 0 {
				b = append(b, ',')
			}
			b, body = renderNext(b, body)
		}
		return append(b, ']'), body
	case codeMap, codeStruct:
		n, body, _ := readCount(body)
		parts := make([]part, n)
		for i := range parts {
			if c == codeStruct {
				size, r, _ := readCount(body)
				parts[i].name, body = string(r[:size]), r[size:]
			} else {
				r, _ := skipFull(body, 0)
				parts[i].name, body = keyName(body[:len(body)-len(r)]), r
			}
			parts[i].name = strings.ReplaceAll(parts[i].name, "\x00", "\ufffd")
			parts[i].text, body = renderNext(nil, body)
		}
		return appendObject(b, parts), body
	default:
		rest, _ = skipScalar(c, body)
		return renderScalar(b, c, body), rest
	}
}

func renderScalar(b []byte, c code, body []byte) []byte {
	switch c {
	case codeInt:
		neg, mag, _, _ := ReadInt(body)
		if neg {
			if mag == math.MaxUint64 {
				return append(b, "-18446744073709551616"...)
			}
			return strconv.AppendUint(append(b, '-'), mag+1, 10)
		}
		return strconv.AppendUint(b, mag, 10)
	case codeFloat:
		f := ReadFloat(body)
		if f != f || math.IsInf(f, 0) {
			return strconv.AppendQuote(b, strconv.FormatFloat(f, 'g', -1, 64))
		}
		p, _ := json.Marshal(f)
		return append(b, p...)
	case codeComplex:
		return strconv.AppendQuote(b, strconv.FormatComplex(complex(ReadFloat(body), ReadFloat(body[8:])), 'g', -1, 128))
	case codeTime:
		t, _, _ := readTime(body)
		return strconv.AppendQuote(b, t.Format(time.RFC3339Nano))
	default: // the others are bytes
	}
	n, rest, _ := readCount(body)
	text := rest[:n]
	switch {
	case c == codeJSON && json.Valid(text) && !bytes.Contains(text, []byte(`\u0000`)):
		var buf bytes.Buffer
		_ = json.Compact(&buf, text) // it is valid
		return append(b, buf.Bytes()...)
	case c == codeBytes || c == codeOwn:
		b = base64.StdEncoding.AppendEncode(append(b, '"'), text)
		return append(b, '"')
	case utf8.Valid(text) && bytes.IndexByte(text, 0) < 0:
		p, _ := json.Marshal(string(text))
		return append(b, p...)
	default:
		b = base64.StdEncoding.AppendEncode(append(b, `{"base64":"`...), text)
		return append(b, `"}`...)
	}
}

// LoadJSON returns the value that [AppendJSON] wrote as text and, unless it is nil,
// beside it. An error says that the JSON is no value, and bad, with v zero, that
// it is one which V cannot hold.
func LoadJSON[V any](text, beside []byte, kinds Kinds) (v V, kept string, bad *ValueError, err error) {
	if _, err := planFor[V](); err != nil {
		return v, "", nil, err
	}
	full := beside
	if full == nil {
		if !json.Valid(text) {
			return v, "", nil, errors.New("not JSON")
		}
		full, err = kinds.parse("", text)
	}
	if err == nil {
		err = checkFull(full)
	}
	if err != nil {
		return v, "", nil, err
	}
	v, kept, bad = Load[V](string(full))
	return v, kept, bad, nil
}

// parse returns the full form of the JSON text of the value at a path. Whoever does
// not know the type arrives at the same bytes.
func (k Kinds) parse(path string, text []byte) ([]byte, error) { return k.parseWithin(path, text, 0) }

func (k Kinds) parseWithin(path string, text []byte, depth int) ([]byte, error) {
	if text = bytes.TrimSpace(text); depth > MaxDepth || len(text) == 0 {
		return nil, errCanonical
	}
	c := k[path]
	switch text[0] {
	case 'n':
		return []byte{byte(codeNil)}, nil
	case 't', 'f':
		return []byte{byte(codeFalse) + Bit(text[0] == 't')}, nil
	}
	if c == codeJSON {
		var x any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&x); err != nil {
			return nil, err
		}
		p, err := json.Marshal(x)
		return wire.AppendBytes([]byte{byte(codeJSON)}, p), err
	}
	switch text[0] {
	case '"':
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		return parseText(c, s)
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil {
			return nil, err
		}
		if c == codeBytes {
			return parseBytes(items)
		}
		b := binary.AppendUvarint([]byte{byte(codeList)}, uint64(len(items)))
		for _, item := range items {
			p, err := k.parseWithin(path+"[]", item, depth+1)
			if err != nil {
				return nil, err
			}
			b = append(b, p...)
		}
		return b, nil
	case '{':
		parts, err := partsOf(text)
		if err != nil {
			return nil, err
		}
		if c == codeMap {
			return k.parseMap(path, parts, depth)
		}
		return k.parseStruct(path, c, parts, depth)
	default:
		return parseNumber(c, string(text))
	}
}

func parseNumber(c code, text string) ([]byte, error) {
	if c != codeFloat && !strings.ContainsAny(text, ".eE") {
		digits, neg := strings.CutPrefix(text, "-")
		n, err := strconv.ParseUint(digits, 10, 64)
		switch {
		case digits == "18446744073709551616" && neg:
			n = 0
		case err != nil:
			return nil, err
		}
		if !neg || n == 0 && digits == "0" {
			return AppendUint([]byte{byte(codeInt)}, n), nil
		}
		return appendNegative([]byte{byte(codeInt)}, n-1), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, err
	}
	return appendContentFloat([]byte{byte(codeFloat)}, f), nil
}

// parseText returns the full form of a string in JSON that stands for a value of
// code c.
func parseText(c code, s string) ([]byte, error) {
	switch c {
	case codeFloat:
		f, err := strconv.ParseFloat(s, 64)
		return appendContentFloat([]byte{byte(c)}, f), err
	case codeComplex:
		z, err := strconv.ParseComplex(s, 128)
		return appendContentFloat(appendContentFloat([]byte{byte(c)}, real(z)), imag(z)), err
	case codeTime:
		t, err := time.Parse(time.RFC3339Nano, s)
		return appendTime([]byte{byte(c)}, t), err
	case codeBytes, codeOwn:
		p, err := base64.StdEncoding.DecodeString(s)
		return wire.AppendBytes([]byte{byte(c)}, p), err
	case codeText:
		return wire.AppendBytes([]byte{byte(c)}, s), nil
	default:
		return wire.AppendBytes([]byte{byte(codeString)}, s), nil
	}
}

func parseBytes(items []json.RawMessage) ([]byte, error) {
	b := binary.AppendUvarint([]byte{byte(codeBytes)}, uint64(len(items)))
	for _, item := range items {
		n, err := strconv.ParseUint(string(bytes.TrimSpace(item)), 10, 8)
		if err != nil {
			return nil, err
		}
		b = append(b, byte(n))
	}
	return b, nil
}

func (k Kinds) parseMap(path string, parts []part, depth int) ([]byte, error) {
	entries := make([]member, 0, len(parts))
	for _, m := range parts {
		key, err := k.parseKey(path+"{key}", m.name)
		if err != nil {
			return nil, err
		}
		e, err := k.parseWithin(path+"{}", m.text, depth+1)
		if err != nil {
			return nil, err
		}
		entries = append(entries, member{key, e})
	}
	sortMembers(entries)
	b := binary.AppendUvarint([]byte{byte(codeMap)}, uint64(len(entries)))
	for _, e := range entries {
		b = append(append(b, e.name...), e.full...)
	}
	return b, nil
}

// parseKey returns the full form of a key of a map. Of keys that are no strings the
// kind is that of an int, unless there is another.
func (k Kinds) parseKey(path, text string) ([]byte, error) {
	if c, ok := k[path]; ok {
		return parseText(c, text)
	}
	return parseText(codeString, text)
}

func (k Kinds) parseStruct(path string, c code, parts []part, depth int) ([]byte, error) {
	if len(parts) == 1 && parts[0].name == "base64" {
		var p []byte
		if err := json.Unmarshal(parts[0].text, &p); err != nil {
			return nil, err
		}
		if c != codeText {
			c = codeString
		}
		return wire.AppendBytes([]byte{byte(c)}, p), nil
	}
	if c == codeOpt && len(parts) == 1 && parts[0].name == "to" {
		p, err := k.parseWithin(path+"{to}", parts[0].text, depth+1)
		return append([]byte{byte(codeOpt)}, p...), err
	}
	fields := make([]member, 0, len(parts))
	for _, m := range parts {
		p, err := k.parseWithin(fieldPath(path, m.name), m.text, depth+1)
		if err != nil {
			return nil, err
		}
		if !isZeroFull(p) {
			fields = append(fields, member{[]byte(m.name), p})
		}
	}
	sortMembers(fields)
	b := binary.AppendUvarint([]byte{byte(codeStruct)}, uint64(len(fields)))
	for _, f := range fields {
		b = append(wire.AppendBytes(b, f.name), f.full...)
	}
	return b, nil
}

// isZeroFull reports whether a full form is that of a field that would not be stored.
func isZeroFull(full []byte) bool {
	switch code(full[0]) {
	case codeNil, codeFalse:
		return true
	case codeInt:
		return full[1] == 0x80
	case codeFloat:
		return ReadFloat(full[1:]) == 0
	case codeString:
		return len(full) == 2 || string(full[2:]) == "0001-01-01T00:00:00Z"
	case codeStruct:
		return full[1] == 0
	case codeTime:
		t, _, _ := readTime(full[1:])
		_, offset := t.Zone()
		return t.IsZero() && offset == 0
	default:
		return false
	}
}
