package merge

import (
	"fmt"
	"strconv"
	"strings"
)

// Paths are names joined by dots. A name that is empty or holds a dot, a star,
// a quote, a space or something unprintable is quoted as a Go string; a star
// that is not quoted stands for any key or element.

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

// namesOf returns the names of a path that is known to be well-formed.
func namesOf(path string) []string {
	if path == "" {
		return nil
	}
	names, _ := splitPath(path)
	return names
}
