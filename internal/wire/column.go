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
	case nil:
		return errors.New(action + ": NULL; a nullable column takes sql.Null")
	default:
		return fmt.Errorf("%s: %T is neither bytes nor text", action, src)
	}
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return into.UnmarshalJSON(data)
	}
	return into.UnmarshalBinary(data)
}
