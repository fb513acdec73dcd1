package value

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/wire"
)

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
	case codeInt, codeFloat, codeComplex, codeString, codeBytes, codeTime, codeOwn, codeText, codeJSON:
	}
	rest, _ = skipScalar(c, body)
	return renderScalar(b, c, body), rest
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
	case codeString, codeBytes, codeOwn, codeText, codeJSON: // below
	case codeNil, codeFalse, codeTrue, codeList, codeMap, codeStruct, codeOpt: // are not asked for
	}
	n, rest, _ := readCount(body)
	text := rest[:n]
	switch {
	case c == codeJSON && json.Valid(text) && utf8.Valid(text) && !bytes.Contains(text, []byte(`\u0000`)):
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

// AppendBeside appends the member with what [AppendJSON] returned as beside, if any.
func AppendBeside(b, beside []byte) []byte {
	if beside == nil {
		return b
	}
	b = base64.StdEncoding.AppendEncode(append(b, `,"bytes":"`...), beside)
	return append(b, '"')
}

// DecodeBeside reads the value of that member.
func DecodeBeside(p []byte) ([]byte, error) {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && len(b) == 0 {
		err = errors.New("no bytes")
	}
	return b, err
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
	case codeNil, codeFalse, codeTrue, codeInt, codeString, codeList, codeMap, codeStruct, codeOpt, codeJSON:
	}
	return wire.AppendBytes([]byte{byte(codeString)}, s), nil
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
		p, err := k.parseWithin(FieldPath(path, m.name), m.text, depth+1)
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
	case codeTrue, codeComplex, codeBytes, codeList, codeMap, codeOpt, codeOwn, codeText, codeJSON:
	}
	return false
}
