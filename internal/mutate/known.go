package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// equivalent lists the mutants that no test can notice.
//
//go:embed equivalent.txt
var equivalent string

// A known is a mutant that somebody has read and found equivalent.
type known struct {
	name, why string
}

// parseKnown reads a list of mutants: the name of each on a line, and on the next, after
// a tab, the reason why it changes nothing that anybody sees.
func parseKnown(text string) ([]known, error) {
	var all []known
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		last := len(all) - 1
		switch why, reason := strings.CutPrefix(line, "\t"); {
		case line == "", strings.HasPrefix(line, "#"):
		case !reason && last >= 0 && all[last].why == "":
			return nil, fmt.Errorf("no reason for %s", all[last].name)
		case !reason:
			all = append(all, known{name: line})
		case last < 0 || all[last].why != "":
			return nil, fmt.Errorf("a reason of no mutant: %s", why)
		default:
			all[last].why = why
		}
	}
	if len(all) > 0 && all[len(all)-1].why == "" {
		return nil, fmt.Errorf("no reason for %s", all[len(all)-1].name)
	}
	return all, nil
}

// knownOf returns the names of text that are of the package, none taken yet.
func knownOf(text, short string) (map[string]bool, error) {
	all, err := parseKnown(text)
	if err != nil {
		return nil, err
	}
	taken := make(map[string]bool)
	for _, k := range all {
		if file, ok := strings.CutPrefix(k.name, short+"/"); ok && !strings.Contains(strings.SplitN(file, ":", 2)[0], "/") {
			taken[k.name] = false
		}
	}
	return taken, nil
}

// untaken returns an error for what is listed and is no mutant: the code has changed, and
// somebody has to look again.
func untaken(taken map[string]bool) error {
	var stale []string
	for name, ok := range taken {
		if !ok {
			stale = append(stale, name)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	slices.Sort(stale)
	return fmt.Errorf("listed as equivalent, and no mutant:\n%s", strings.Join(stale, "\n"))
}
