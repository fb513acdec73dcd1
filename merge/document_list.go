package merge

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
)

// arrayKeys returns the keys of the elements of a list in order, each once, and
// the first element with each.
func arrayKeys(list any, key func(any) (string, error)) ([]string, map[string]any, error) {
	elems, _ := list.([]any)
	order, at := make([]string, 0, len(elems)), make(map[string]any, len(elems))
	for i, e := range elems {
		k, err := key(e)
		if err != nil {
			return nil, nil, fmt.Errorf("element %d: %w", i, err)
		}
		if _, ok := at[k]; !ok {
			order = append(order, k)
			at[k] = e
		}
	}
	return order, at, nil
}

// setArray merges lists of distinct elements as [run.set] does lists of a type.
func (*run) setArray(fr *docFrame) any {
	d := docValues{fr, ruleSet}
	newest := nextChange(d, -1, len(fr.in), fr.known)
	union := fr.ruleID() == ruleUnion
	if !disagree(d, newest, len(fr.in), fr.known) && (!union || !fr.known) {
		return value.CopyDocument(fr.in[newest%len(fr.in)].value)
	}
	key := func(x any) (string, error) { return string(value.AppendDocument(nil, x)), nil }
	lead, leadAt, _ := arrayKeys(fr.lead().value, key)
	in := make([]map[string]any, len(fr.in))
	added := make(map[string]any)
	for i, v := range fr.in {
		_, in[i], _ = arrayKeys(v.value, key)
		for k, e := range in[i] {
			if _, ok := leadAt[k]; ok {
				continue
			}
			if have, ok := added[k]; !ok || value.CompareDocument(e, have) > 0 {
				added[k] = e
			}
		}
	}
	out := []any{}
	for _, k := range lead {
		gone := slices.ContainsFunc(in, func(m map[string]any) bool { _, ok := m[k]; return !ok })
		if union || !fr.known || !gone {
			out = append(out, value.CopyDocument(leadAt[k]))
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(added), func(a, b string) int { return value.CompareDocument(added[a], added[b]) }) {
		out = append(out, value.CopyDocument(added[k]))
	}
	return out
}

// lead returns the list whose order a merged set follows.
func (fr *docFrame) lead() version {
	if fr.known {
		return fr.base
	}
	return fr.in[0]
}

// keyedArray merges lists of objects by one of their members, as [run.keyed]
// does.
func (r *run) keyedArray(fr *docFrame) any {
	l := &docLists{names: make(map[string]string)}
	member := fr.rule.rule.arg
	baseKeys, baseAt := r.docList(l, fr.base, member)
	inKeys, inAt := make([][]string, len(fr.in)), make([]map[string]any, len(fr.in))
	for i, v := range fr.in {
		inKeys[i], inAt[i] = r.docList(l, v, member)
	}
	if r.err != nil {
		return []any{}
	}
	if l.twice != "" {
		fr = fr.whole()
		win, reason := chooseManual(docValues{fr: fr}, len(fr.in), fr.known)
		if reason != "" {
			r.personHere(keyTwice + l.twice)
		}
		return value.CopyDocument(fr.in[win].value)
	}
	out := []any{}
	for _, k := range docOrder(fr.known, baseKeys, inKeys) {
		at := func(m map[string]any) version { x, ok := m[k]; return version{x, ok} }
		sub := &docFrame{rule: fr.rule.element(l.names[k]), known: fr.known, base: at(baseAt), in: make([]version, len(inAt))}
		for i, m := range inAt {
			sub.in[i] = at(m)
		}
		if v := r.below(sub, l.names[k]); v.there {
			out = append(out, v.value)
		}
	}
	return out
}

// docLists holds the names that the keys of a keyed list have in paths, and of a version
// that has two elements with one key, that key.
type docLists struct {
	names map[string]string
	twice string
}

// docList returns the keys of a keyed list in order, each once, and its elements by key.
func (r *run) docList(l *docLists, v version, member string) ([]string, map[string]any) {
	elems, _ := v.value.([]any)
	order, at, err := arrayKeys(v.value, func(e any) (string, error) {
		k, name, err := docKey(e, member)
		l.names[k] = name
		return k, err
	})
	for i := 0; err == nil && l.twice == "" && len(order) < len(elems); i++ {
		if k, _, _ := docKey(elems[i], member); i >= len(order) || order[i] != k {
			l.twice = l.names[k]
		}
	}
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("merge: %s: %w", r.path(""), err)
	}
	return order, at
}

// docOrder returns all keys in the order of the result: that of the base, or
// of the one sequence that the sides changed it to; without a base that of the
// newest. Keys that it lacks follow in canonical order.
func docOrder(known bool, base []string, in [][]string) []string {
	lead := in[0]
	if known {
		changed := -1
		for i, keys := range in {
			switch {
			case slices.Equal(keys, base):
			case changed < 0:
				changed, lead = i, keys
			case !slices.Equal(keys, in[changed]):
				lead = base
			}
		}
	}
	out := slices.Clone(lead)
	have := make(map[string]bool)
	for _, k := range lead {
		have[k] = true
	}
	var rest []string
	for _, keys := range append(slices.Clone(in), base) {
		for _, k := range keys {
			if !have[k] {
				have[k] = true
				rest = append(rest, k)
			}
		}
	}
	slices.Sort(rest)
	return append(out, rest...)
}
