package merge

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Paths are names joined by dots. A name that is empty or holds a dot, a star,
// a quote, a space or something unprintable is quoted as a Go string; a star
// that is not quoted stands for any key or element.

// joinPath joins two paths, either of which may be empty.
func joinPath(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "." + b
}

// quoteKey returns the name of a path for a key.
func quoteKey(s string) string {
	plain := s != ""
	for _, c := range s {
		plain = plain && c > ' ' && c != '.' && c != '*' && c != '"' && c != 0xfffd && strconv.IsPrint(c)
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}

// splitPath splits a path at its dots and unquotes its names; a star stays
// `*`, a quoted one becomes `"*"`.
func splitPath(path string) ([]string, error) {
	var names []string
	for rest := path; ; {
		name := rest
		if strings.HasPrefix(rest, `"`) {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("path %q has an open quote", path)
			}
			name = q
		} else if i := strings.IndexByte(rest, '.'); i >= 0 {
			name = rest[:i]
		}
		rest = rest[len(name):]
		switch {
		case name == "":
			return nil, fmt.Errorf("path %q has an empty name", path)
		case name[0] == '"' && name != `"*"`:
			name, _ = strconv.Unquote(name)
		}
		names = append(names, name)
		if rest == "" {
			return names, nil
		}
		if rest[0] != '.' {
			return nil, fmt.Errorf("path %q has text after a quote", path)
		}
		rest = rest[1:]
	}
}

// keyText returns a key or element as a name of a path.
func keyText(s *shape, v reflect.Value) string {
	switch s.kind {
	case kindString:
		return quoteKey(v.String())
	case kindInt:
		return strconv.FormatInt(v.Int(), 10)
	case kindUint:
		return strconv.FormatUint(v.Uint(), 10)
	case kindBool:
		return strconv.FormatBool(v.Bool())
	case kindFloat:
		return quoteKey(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	default:
	}
	if x, ok := reflect.TypeAssert[encoding.TextMarshaler](addressable(v).Addr()); ok {
		if p, err := x.MarshalText(); err == nil {
			return quoteKey(string(p))
		}
	}
	p, _ := s.append(nil, v)
	return strconv.Quote(string(p))
}
