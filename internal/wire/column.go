package wire

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
)

// Scan reads a state out of what a database driver returns for a column of bytes or
// of JSON, which begins with a brace or a bracket where no binary form does. The
// action begins errors: "pkg: scan Type".
func Scan(action string, src any, into interface {
	encoding.BinaryUnmarshaler
	json.Unmarshaler
},
) error {
	var data []byte
	switch v := src.(type) {
	case string:
		data = []byte(v)
	case []byte:
		data = v
	default:
		if !IsNull(src) {
			return fmt.Errorf("%s: %T is neither bytes nor text", action, src)
		}
	}
	switch {
	case IsNull(src):
		return errors.New(action + ": NULL; a nullable column takes sql.Null")
	case bytes.HasPrefix(data, []byte(`\x`)):
		return errors.New(action + `: the text \x…, as which PostgreSQL shows bytes; scan the bytes, without a cast to text`)
	}
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return into.UnmarshalJSON(data)
	}
	return into.UnmarshalBinary(data)
}

// IsNull reports whether src is NULL, which some drivers hand over as bytes that are nil.
func IsNull(src any) bool {
	b, ok := src.([]byte)
	return src == nil || ok && b == nil
}
