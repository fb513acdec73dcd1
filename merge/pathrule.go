package merge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
