package merge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// A pathRule is what the options say about a path and what is below it.
type pathRule struct {
	own  *rule
	used bool
	kids map[string]*pathRule
}

// parsePaths builds the tree of path rules, and a list of them by path.
func parsePaths(paths map[string]string) (root *pathRule, all map[string]*pathRule, err error) {
	root, all = &pathRule{}, make(map[string]*pathRule, len(paths))
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		names, err := splitPath(path)
		if err != nil {
			return nil, nil, err
		}
		at := root
		for _, name := range names {
			if at.kids == nil {
				at.kids = make(map[string]*pathRule)
			}
			if at.kids[name] == nil {
				at.kids[name] = &pathRule{}
			}
			at = at.kids[name]
		}
		t, err := parseTag(paths[path])
		switch {
		case errors.Is(err, errUnknown) || err == nil && t.rule.id == ruleNone:
			return nil, nil, fmt.Errorf("path %q: unknown rule %q; choose one of %s", path, paths[path], strings.Join(usages(tagRules()), ", "))
		case err != nil:
			return nil, nil, fmt.Errorf("path %q: rule %q: %w", path, paths[path], err)
		}
		at.own, all[path] = &t.rule, at
	}
	if len(all) == 0 {
		root = nil
	}
	return root, all, nil
}

// rule returns the rule for the path itself, or nil.
func (p *pathRule) rule() *rule {
	if p == nil {
		return nil
	}
	p.used = true
	return p.own
}

// child returns what is said about name below the path, or nil.
func (p *pathRule) child(name string) *pathRule {
	if p == nil {
		return nil
	}
	return p.kids[name]
}

// A docRule is the rule for one place in documents.
type docRule struct {
	rule rule
	kids map[string]*docRule
	star *docRule
}

// at returns the rule for a key below r, or nil.
func (r *docRule) at(key string) *docRule {
	if r == nil {
		return nil
	}
	if k := r.kids[key]; k != nil {
		return k
	}
	return r.star
}

// element returns the rule of the element of a keyed list with a key of this
// name, as paths have it: what is said about it, and that it inherits keep.
func (r *docRule) element(name string) *docRule {
	if name[0] == '"' {
		name, _ = strconv.Unquote(name)
	}
	e := r.at(name)
	if e != nil && e.rule.id != ruleNone {
		return e
	}
	out := &docRule{rule: rule{id: ruleFields, keep: r.rule.keep}}
	if e != nil {
		out.kids, out.star = e.kids, e.star
	}
	return out
}

// merged returns what r merges of a value, which it shares with the result: all but what
// has the rule -.
func (r *docRule) merged(x any) any {
	if r == nil {
		return x
	}
	switch x := x.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			if at := r.at(k); at == nil || at.rule.id != ruleIgnore {
				out[k] = at.merged(v)
			}
		}
		return out
	case []any:
		if r.rule.id != ruleKeyed {
			return x
		}
		out := slices.Clone(x)
		for i, v := range x {
			if _, name, err := docKey(v, r.rule.arg); err == nil {
				out[i] = r.element(name).merged(v)
			}
		}
		return out
	}
	return x
}

// docKey returns the key of an element, which is one of its members or several,
// with a plus sign between their names, and what it is called in paths.
func docKey(e any, member string) (key, name string, err error) {
	m, _ := e.(map[string]any)
	members := strings.Split(member, "+")
	names := make([]string, len(members))
	var b []byte
	for i, member := range members {
		x, ok := m[member]
		if k := value.DocumentKind(x); !ok || k != value.DocString && k != value.DocNumber && k != value.DocBool {
			return "", "", fmt.Errorf("has no key %q", member)
		}
		if len(members) == 1 {
			return string(value.AppendDocument(nil, x)), docName(x), nil
		}
		b = wire.AppendBytes(b, value.AppendDocument(nil, x))
		if names[i] = docName(x); strings.Contains(names[i], "+") && names[i][0] != '"' {
			names[i] = strconv.Quote(names[i])
		}
	}
	return string(b), value.QuoteKey(strings.Join(names, "+")), nil
}

// docName returns a scalar of a document as a name of a path.
func docName(x any) string {
	switch x := x.(type) {
	case string:
		return value.QuoteKey(x)
	case bool:
		return strconv.FormatBool(x)
	}
	d, _ := value.DecimalOf(x)
	return value.QuoteKey(d.String())
}

// documentRules lists the rules that documents take.
func documentRules() []ruleID {
	return slices.DeleteFunc(tagRules(), func(id ruleID) bool { return id.def().typed })
}

// document returns the rules of p and below for a document.
func (p *pathRule) document() (*docRule, error) {
	if p == nil {
		return nil, nil
	}
	r := &docRule{}
	if own := p.rule(); own != nil {
		if own.id.def().typed {
			return nil, fmt.Errorf("%s is not for documents; choose one of %s", own.id, strings.Join(usages(documentRules()), ", "))
		}
		r.rule = *own
	}
	for _, name := range slices.Sorted(maps.Keys(p.kids)) {
		kid, err := p.kids[name].document()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		switch name {
		case "*":
			r.star = kid
			continue
		case `"*"`:
			name = "*"
		}
		if r.kids == nil {
			r.kids = make(map[string]*docRule)
		}
		r.kids[name] = kid
	}
	return r, nil
}
