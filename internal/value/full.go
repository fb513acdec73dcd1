package value

import (
	"bytes"
	"encoding"
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

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A code says what the bytes after it are: the kind of a value as it is stored,
// whatever the type that it came from or goes to.
type code byte

// The codes are part of the format.
const (
	codeNil code = iota // a nil pointer, slice, map or interface among elements
	codeFalse
	codeTrue
	codeInt
	codeFloat
	codeComplex
	codeString
	codeBytes
	codeTime
	codeList
	codeMap
	codeStruct
	codeOpt // a pointer to what may itself be nil
	codeOwn
	codeText
	codeJSON
)

const codes = int(codeJSON) + 1

func (c code) String() string {
	names := [codes]string{
		"nil", "bool", "bool", "int", "float", "complex", "string", "bytes", "time", "list", "map", "struct", "pointer to nil",
		"own", "text", "json",
	}
	if int(c) < codes {
		return names[c]
	}
	return fmt.Sprintf("code %d", byte(c))
}

// appendFull appends the full form of v:
//
//	code         bytes after it
//	nil          none
//	false, true  none
//	int          as [appendInt]
//	float        8 bytes, IEEE 754, ordered as numbers are; no −0, and one NaN
//	complex      two floats
//	string, bytes, own, text, json
//	             length as a varint, then as many bytes
//	time         Unix seconds as an int, 4 bytes of nanoseconds, seconds east of UTC as an int
//	list         number of elements, then each in full form
//	map          number of entries, then keys and values in full form, by the bytes of the keys
//	struct       number of fields, then names with their lengths and values in full form, by name
//	opt          what it points to, in full form
//
// A field that is zero is left out. A non-nil pointer is what it points to.
func (p *plan) appendFull(b []byte, v reflect.Value, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return b, &TypeError{Type: p.typ, Reason: "nested too deep, or a cycle", err: ErrDeep}
	}
	if p.own != formNone {
		return p.appendOwn(b, v)
	}
	switch p.kind {
	case KindBool:
		return append(b, byte(codeFalse)+Bit(v.Bool())), nil
	case KindInt:
		return appendInt(append(b, byte(codeInt)), v.Int()), nil
	case KindUint:
		return AppendUint(append(b, byte(codeInt)), v.Uint()), nil
	case KindFloat:
		return appendContentFloat(append(b, byte(codeFloat)), v.Float()), nil
	case KindComplex:
		b = appendContentFloat(append(b, byte(codeComplex)), real(v.Complex()))
		return appendContentFloat(b, imag(v.Complex())), nil
	case KindString:
		return wire.AppendBytes(append(b, byte(codeString)), v.String()), nil
	case KindTime:
		t := timeIn(v)
		if _, offset := t.Zone(); offset >= maxOffset || offset <= -maxOffset {
			return b, &TypeError{Type: p.typ, Reason: fmt.Sprintf("%d seconds east of UTC", offset)}
		}
		return appendTime(append(b, byte(codeTime)), t), nil
	case KindBytes:
		if v.IsNil() {
			return append(b, byte(codeNil)), nil
		}
		return wire.AppendBytes(append(b, byte(codeBytes)), v.Bytes()), nil
	case KindSlice, KindArray:
		return p.appendList(b, v, depth)
	case KindMap:
		return p.appendMap(b, v, depth)
	case KindPointer:
		if v.IsNil() {
			return append(b, byte(codeNil)), nil
		}
		at := len(b)
		b, err := p.elem.appendFull(b, v.Elem(), depth+1)
		if err == nil && (code(b[at]) == codeNil || code(b[at]) == codeOpt) {
			b = slices.Insert(b, at, byte(codeOpt))
		}
		return b, err
	case KindStruct:
		return p.appendStruct(b, v, depth)
	case KindDocument:
		return p.appendJSONForm(b, v)
	case KindRaw, KindOpaque: // kinds of a Type only
	}
	return b, errCanonical
}

// appendContentFloat appends f, NaN in one form and 0 for −0.
func appendContentFloat(b []byte, f float64) []byte {
	if f != f {
		f = math.NaN()
	}
	return AppendFloat(b, f+0) // −0 + 0 = 0
}

// maxOffset bounds the seconds between a zone and UTC.
const maxOffset = 1 << 20

func appendTime(b []byte, t time.Time) []byte {
	_, offset := t.Zone()
	b = binary.BigEndian.AppendUint32(appendInt(b, t.Unix()), uint32(t.Nanosecond()))
	return appendInt(b, int64(offset))
}

func (p *plan) appendList(b []byte, v reflect.Value, depth int) ([]byte, error) {
	if p.kind == KindSlice && v.IsNil() {
		return append(b, byte(codeNil)), nil
	}
	n := v.Len()
	if p.kind == KindArray && p.elem.typ.Kind() == reflect.Uint8 && p.elem.own == formNone {
		b = binary.AppendUvarint(append(b, byte(codeBytes)), uint64(n))
		for i := range n {
			b = append(b, byte(v.Index(i).Uint()))
		}
		return b, nil
	}
	b = binary.AppendUvarint(append(b, byte(codeList)), uint64(n))
	var err error
	for i := range n {
		if b, err = p.elem.appendFull(b, v.Index(i), depth+1); err != nil {
			return b, within(fmt.Sprintf("[%d]", i), err)
		}
	}
	return b, nil
}

func (p *plan) appendMap(b []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(b, byte(codeNil)), nil
	}
	type entry struct{ key, value []byte }
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		k, err := p.key.appendFull(nil, it.Key(), depth+1)
		if err == nil && p.key.nan(it.Key()) {
			err = &TypeError{Type: p.key.typ, Reason: "NaN is no key"}
		}
		if err != nil {
			return b, within("{key}", err)
		}
		e, err := p.elem.appendFull(nil, it.Value(), depth+1)
		if err != nil {
			return b, within(fmt.Sprintf("{%v}", it.Key()), err)
		}
		entries = append(entries, entry{k, e})
	}
	slices.SortFunc(entries, func(x, y entry) int { return bytes.Compare(x.key, y.key) })
	b = binary.AppendUvarint(append(b, byte(codeMap)), uint64(len(entries)))
	for i, e := range entries {
		if i > 0 && bytes.Equal(e.key, entries[i-1].key) {
			return b, &TypeError{Type: p.typ, Reason: "two keys of the map have the same bytes"}
		}
		b = append(append(b, e.key...), e.value...)
	}
	return b, nil
}

// nan reports whether a key holds a NaN.
func (p *plan) nan(v reflect.Value) bool {
	switch {
	case p.own != formNone:
		return false
	case p.kind == KindFloat:
		return math.IsNaN(v.Float())
	case p.kind == KindComplex:
		c := v.Complex()
		return math.IsNaN(real(c)) || math.IsNaN(imag(c))
	case p.kind == KindArray:
		for i := range v.Len() {
			if p.elem.nan(v.Index(i)) {
				return true
			}
		}
	case p.kind == KindStruct:
		return slices.ContainsFunc(p.fields, func(f planField) bool { return f.nan(f.in(v)) })
	}
	return false
}

func (p *plan) appendStruct(b []byte, v reflect.Value, depth int) ([]byte, error) {
	n := 0
	for i := range p.fields {
		if f := &p.fields[i]; !f.isZero(f.in(v)) {
			n++
		}
	}
	b = binary.AppendUvarint(append(b, byte(codeStruct)), uint64(n))
	var err error
	for i := range p.fields {
		f := &p.fields[i]
		fv := f.in(v)
		if f.isZero(fv) {
			continue
		}
		b = wire.AppendBytes(b, f.name)
		if b, err = f.appendFull(b, fv, depth+1); err != nil {
			return b, within(f.path, err)
		}
	}
	return b, nil
}

// appendOwn appends a value in the form of its type's own.
func (p *plan) appendOwn(b []byte, v reflect.Value) ([]byte, error) {
	if v.IsZero() {
		return append(b, byte(codeNil)), nil
	}
	enc, err := p.marshal(v)
	if err != nil {
		return b, &TypeError{Type: p.typ, Reason: err.Error(), err: err}
	}
	return wire.AppendBytes(append(b, byte(codeOwn)+byte(p.own-formBinary)), enc), nil
}

func (p *plan) marshal(v reflect.Value) ([]byte, error) {
	if p.codec != nil {
		return p.codec.Encode(v)
	}
	x := addressable(v).Addr().Interface()
	switch p.own {
	case formBinary:
		return x.(encoding.BinaryMarshaler).MarshalBinary()
	case formText:
		return x.(encoding.TextMarshaler).MarshalText()
	case formNone, formJSON:
	}
	return x.(json.Marshaler).MarshalJSON()
}

func addressable(v reflect.Value) reflect.Value { return Addressable(v) }

func (p *plan) appendJSONForm(b []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(b, byte(codeNil)), nil
	}
	enc, err := json.Marshal(v.Interface())
	if err == nil && replacedUTF8(enc) {
		err = errors.New("a string in it is not UTF-8, which JSON cannot carry")
	}
	if err == nil && roundsInteger(enc) {
		err = errors.New("an integer in it is one that a float64 cannot hold, as which it would be read")
	}
	if err != nil {
		return b, &TypeError{Type: p.typ, Reason: err.Error(), err: err}
	}
	return wire.AppendBytes(append(b, byte(codeJSON)), enc), nil
}

// replacedUTF8 reports whether encoding/json put a replacement for invalid UTF-8
// into enc: it escapes those, and no others.
func replacedUTF8(enc []byte) bool {
	for rest := enc; ; {
		i := bytes.Index(rest, []byte(`\ufffd`))
		if i < 0 {
			return false
		}
		backslashes := 0
		for ; backslashes < i && rest[i-1-backslashes] == '\\'; backslashes++ {
		}
		if backslashes%2 == 0 {
			return true
		}
		rest = rest[i+2:]
	}
}

// roundsInteger reports whether there is an integer in a JSON text that reading it as a
// float64 would change.
func roundsInteger(enc []byte) bool {
	for i := 0; i < len(enc); i++ {
		if enc[i] == '"' {
			for i++; enc[i] != '"'; i++ {
				if enc[i] == '\\' {
					i++
				}
			}
			continue
		}
		n := 0
		for i+n < len(enc) && strings.IndexByte("0123456789+-.eE", enc[i+n]) >= 0 {
			n++
		}
		if literal := string(enc[i : i+n]); n > 15 && !strings.ContainsAny(literal, ".eE") {
			f, _ := strconv.ParseFloat(literal, 64) // a number of JSON; too large a one is infinite
			if strconv.FormatFloat(f, 'f', -1, 64) != literal {
				return true
			}
		}
		i += max(0, n-1)
	}
	return false
}

// skipFull returns what follows the full form at the beginning of b. It fails on
// bytes that [plan.appendFull] does not write, but does not look at names of fields
// or into own forms.
func skipFull(b []byte, depth int) (rest []byte, err error) {
	if len(b) == 0 || depth > MaxDepth {
		return nil, errCanonical
	}
	c, b := code(b[0]), b[1:]
	switch c {
	case codeNil, codeFalse, codeTrue:
		return b, nil
	case codeList, codeMap, codeStruct:
		return skipParts(c, b, depth)
	case codeOpt:
		if rest, err = skipFull(b, depth+1); err == nil && code(b[0]) != codeNil && code(b[0]) != codeOpt {
			err = errCanonical
		}
		return rest, err
	case codeInt, codeFloat, codeComplex, codeString, codeBytes, codeTime, codeOwn, codeText, codeJSON:
		return skipScalar(c, b)
	}
	return nil, errCanonical
}

// skipScalar returns what follows the body of a code without parts.
func skipScalar(c code, b []byte) ([]byte, error) {
	switch c {
	case codeNil, codeFalse, codeTrue:
		return b, nil
	case codeInt:
		_, _, rest, err := ReadInt(b)
		return rest, err
	case codeFloat, codeComplex:
		for range 1 + int(c-codeFloat) {
			if len(b) < 8 || !isContentFloat(b[:8]) {
				return nil, errCanonical
			}
			b = b[8:]
		}
		return b, nil
	case codeTime:
		_, rest, err := readTime(b)
		return rest, err
	case codeString, codeBytes, codeOwn, codeText, codeJSON:
		n, rest, err := readCount(b)
		if err != nil {
			return nil, err
		}
		return rest[n:], nil
	case codeList, codeMap, codeStruct, codeOpt: // have parts, or are none
	}
	return nil, errCanonical
}

func isContentFloat(b []byte) bool {
	f := ReadFloat(b)
	return bytes.Equal(appendContentFloat(make([]byte, 0, 8), f), b)
}

// readCount reads a varint in its shortest form that the bytes after it can hold.
func readCount(b []byte) (int, []byte, error) {
	if len(b) > 0 && b[0] < 0x80 {
		if int(b[0]) > len(b)-1 {
			return 0, nil, errCanonical
		}
		return int(b[0]), b[1:], nil
	}
	n, size := binary.Uvarint(b)
	if size <= 0 || b[size-1] == 0 || n > uint64(len(b)-size) {
		return 0, nil, errCanonical
	}
	return int(n), b[size:], nil
}

func readTime(b []byte) (t time.Time, rest []byte, err error) {
	neg, mag, b, err := ReadInt(b)
	if err != nil || len(b) < 4 || mag > math.MaxInt64 {
		return t, nil, errCanonical
	}
	sec, nano := int64(mag), binary.BigEndian.Uint32(b)
	if neg {
		sec = ^sec
	}
	neg, mag, b, err = ReadInt(b[4:])
	if err != nil || mag >= maxOffset || nano >= 1e9 {
		return t, nil, errCanonical
	}
	offset := int(mag)
	if neg {
		offset = ^offset
	}
	t = time.Unix(sec, int64(nano)).UTC()
	if offset != 0 {
		t = t.In(time.FixedZone("", offset))
	}
	return t, b, nil
}

func skipParts(c code, b []byte, depth int) ([]byte, error) {
	n, b, err := readCount(b)
	if err != nil {
		return nil, err
	}
	var last []byte
	for i := range n {
		key := b
		if c == codeMap {
			if b, err = skipFull(b, depth+1); err != nil {
				return nil, err
			}
		}
		if c == codeStruct {
			size, rest, err := readCount(b)
			if err != nil || size < len(rest) && code(rest[size]) == codeNil {
				return nil, errCanonical
			}
			b, key = rest[size:], rest
		}
		key = key[:len(key)-len(b)]
		if c != codeList {
			if i > 0 && bytes.Compare(last, key) >= 0 {
				return nil, errCanonical
			}
			last = key
		}
		if b, err = skipFull(b, depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// checkFull returns an error unless b is one full form.
func checkFull(b []byte) error {
	rest, err := skipFull(b, 0)
	if err == nil && len(rest) > 0 {
		err = errCanonical
	}
	return err
}
