// Package quote writes replica names into text forms that are made of several
// parts, such as "eu:4,us:7", and reads them back.
//
// A name is written as it is unless it contains a reserved character: a space,
// a control character (U+0000 to U+001F, U+007F) or one of
//
//	" \ , : @
//
// Then it is put between double quotes, with \ before " and \, and with
// control characters as \u and four lower-case hexadecimal digits. Every name
// has exactly one form, and it does not depend on the version of Unicode.
package quote

import (
	"errors"
	"strings"
)

// Append appends the text form of name, which must not be empty.
func Append(b []byte, name string) []byte {
	if strings.IndexFunc(name, reserved) < 0 {
		return append(b, name...)
	}
	b = append(b, '"')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"', c == '\\':
			b = append(b, '\\', c)
		case control(rune(c)):
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// Cut reads a name from the front of s and returns it with what follows. It
// accepts only what [Append] writes.
func Cut(s string) (name, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		return cutQuoted(s)
	}
	end := strings.IndexFunc(s, reserved)
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return "", s, errors.New("missing name")
	}
	return s[:end], s[end:], nil
}

func cutQuoted(s string) (name, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			name, rest = b.String(), s[i+1:]
			if strings.IndexFunc(name, reserved) < 0 {
				return "", s, errors.New("name is quoted without need")
			}
			return name, rest, nil
		case c == '\\':
			raw, size, ok := unescape(s[i:])
			if !ok {
				return "", s, errors.New("unknown escape in quoted name")
			}
			b.WriteByte(raw)
			i += size - 1
		case control(rune(c)):
			return "", s, errors.New("control character in quoted name")
		default:
			b.WriteByte(c)
		}
	}
	return "", s, errors.New("quoted name does not end")
}

// unescape reads one escape sequence from the front of s.
func unescape(s string) (c byte, size int, ok bool) {
	switch {
	case len(s) >= 2 && (s[1] == '"' || s[1] == '\\'):
		return s[1], 2, true
	case len(s) >= 6 && s[1:4] == "u00":
		high, low := strings.IndexByte("01234567", s[4]), strings.IndexByte("0123456789abcdef", s[5])
		c = byte(high<<4 | low)
		return c, 6, high >= 0 && low >= 0 && control(rune(c))
	}
	return 0, 0, false
}

func control(c rune) bool { return c < 0x20 || c == 0x7f }

func reserved(c rune) bool {
	switch c {
	case ' ', '"', '\\', ',', ':', '@':
		return true
	}
	return control(c)
}
