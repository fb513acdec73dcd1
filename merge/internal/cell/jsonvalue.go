package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// A taggedJSON is a value in JSON that text, numbers and lists cannot tell
// from others. It has one member.
type taggedJSON struct {
	Int    *string           `json:"int,omitempty"`
	Float  *string           `json:"float,omitempty"`
	Time   *time.Time        `json:"time,omitempty"`
	To     json.RawMessage   `json:"to,omitempty"`
	Place  []json.RawMessage `json:"place,omitzero"`
	Base64 *[]byte           `json:"base64,omitempty"`
}

// ValueJSON returns canonical bytes of shape s, nil if that is unknown, as JSON
// from which [parseValue] gets them back without knowing the shape.
func ValueJSON(s *value.Type, content string) json.RawMessage {
	if s != nil {
		if p := readable(s, content); p != nil {
			if back, err := parseValue(p, 0); err == nil && back == content {
				return p
			}
		}
	}
	raw := []byte(content)
	return mustJSON(taggedJSON{Base64: &raw})
}

// mustJSON marshals what always has a form in JSON.
func mustJSON(v any) json.RawMessage {
	p, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return p
}

// maxNested bounds how deep lists and pointers in one value nest in JSON; what
// nests deeper is written in base64.
const maxNested = 32

// exact is the largest integer up to which every one is a float64.
const exact = 1 << 53

// readable returns content in a form for people, or nil if there is none or
// the bytes are not of this shape.
func readable(s *value.Type, content string) json.RawMessage {
	switch s.Kind {
	case value.KindBool:
		return mustJSON(content == "\x01")
	case value.KindString:
		if utf8.ValidString(content) {
			return mustJSON(content)
		}
	case value.KindInt, value.KindUint:
		return readableInt(content)
	case value.KindFloat:
		if len(content) == 8 {
			f := strconv.FormatFloat(value.ReadFloat([]byte(content)), 'g', -1, 64)
			return mustJSON(taggedJSON{Float: &f})
		}
	case value.KindTime:
		v := reflect.New(reflect.TypeFor[time.Time]()).Elem()
		if s.Read(v, []byte(content), 0) == nil {
			if p, err := json.Marshal(taggedJSON{Time: v.Addr().Interface().(*time.Time)}); err == nil {
				return p
			}
		}
	case value.KindPointer, value.KindSlice:
		switch {
		case content == "":
			return json.RawMessage("null")
		case content[0] != 1:
		case s.Kind == value.KindPointer:
			return mustJSON(taggedJSON{To: ValueJSON(s.Elem, content[1:])})
		default:
			return readableList(s.Elem, content[1:])
		}
	case value.KindComplex, value.KindBytes, value.KindArray, value.KindMap, value.KindStruct, value.KindRaw, value.KindOpaque, value.KindDocument:
	}
	return nil
}

func readableInt(content string) json.RawMessage {
	neg, mag, rest, err := value.ReadInt([]byte(content))
	if err != nil || len(rest) > 0 {
		return nil
	}
	text := strconv.FormatUint(mag, 10)
	if neg {
		if mag == math.MaxUint64 {
			return nil
		}
		text = "-" + strconv.FormatUint(mag+1, 10)
	}
	if mag < exact {
		return json.RawMessage(text)
	}
	return mustJSON(taggedJSON{Int: &text})
}

func readableList(s *value.Type, content string) json.RawMessage {
	list := []json.RawMessage{}
	r := wire.NewReader([]byte(content))
	for r.Len() > 0 {
		list = append(list, ValueJSON(s, string(r.Bytes())))
	}
	if r.Err() != nil {
		return nil
	}
	return mustJSON(list)
}

var errValue = errors.New("a value that is neither text, integer, true, false, null, list nor an object with one of int, float, time, to, place, base64")

// parseValue returns the canonical bytes that [ValueJSON] wrote as p.
func parseValue(p json.RawMessage, depth int) (string, error) {
	p = json.RawMessage(strings.TrimSpace(string(p)))
	switch {
	case depth > maxNested:
		return "", fmt.Errorf("value nested deeper than %d levels", maxNested)
	case len(p) == 0:
		return "", errors.New("a value or key is missing")
	}
	switch p[0] {
	case '"':
		var s string
		err := json.Unmarshal(p, &s)
		return s, err
	case 't', 'f':
		return string([]byte{value.Bit(p[0] == 't')}), nil
	case 'n':
		return "", nil
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(p, &list); err != nil {
			return "", err
		}
		out := []byte{1}
		for _, e := range list {
			content, err := parseValue(e, depth+1)
			if err != nil {
				return "", err
			}
			out = wire.AppendBytes(out, content)
		}
		return string(out), nil
	case '{':
		return parseTagged(p, depth)
	}
	return parseInt(string(p), exact)
}

// parseInt reads an integer of a magnitude from 0 up to, not including, limit,
// or of any if limit is 0.
func parseInt(text string, limit uint64) (string, error) {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil && strconv.FormatUint(n, 10) == text {
		if limit == 0 || n < limit {
			return string(value.AppendUint(nil, n)), nil
		}
		return "", fmt.Errorf("integer %.64q has to be written as {\"int\":…}", text)
	}
	digits, neg := strings.CutPrefix(text, "-")
	n, err := strconv.ParseUint(digits, 10, 64)
	if !neg || err != nil || n == 0 || strconv.FormatUint(n, 10) != digits || limit > 0 && n > limit {
		return "", fmt.Errorf("%.64q is not an integer", text)
	}
	b, _ := AppendTotal(nil, int128.Int{}.Minus(int128.OfUint(n)))
	return string(b), nil
}

func parseTagged(p json.RawMessage, depth int) (string, error) {
	var v taggedJSON
	if err := json.Unmarshal(p, &v); err != nil {
		return "", err
	}
	var out []byte
	var err error
	n := 0
	if v.Int != nil {
		n++
		var text string
		text, err = parseInt(*v.Int, 0)
		out = []byte(text)
	}
	if v.Float != nil {
		n++
		f, e := strconv.ParseFloat(*v.Float, 64)
		err, out = e, value.AppendFloat(nil, f)
	}
	if v.Time != nil {
		n++
		out, err = (&value.Type{Kind: value.KindTime}).Append(nil, reflect.ValueOf(v.Time).Elem())
	}
	if v.To != nil {
		n++
		content, e := parseValue(v.To, depth+1)
		err, out = e, append([]byte{1}, content...)
	}
	if v.Place != nil {
		n++
		out, err = parsePlace(v.Place)
	}
	if v.Base64 != nil {
		n++
		out = *v.Base64
	}
	if n != 1 {
		return "", errValue
	}
	return string(out), err
}
