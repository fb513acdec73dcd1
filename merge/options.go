package merge

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/lww"
)

// Options say what the tags of T do not.
type Options[T any] struct {
	// Overrides are custom rules for fields and types. See [Field] and [Type].
	Overrides []Override[T]

	// Paths gives rules by path, in the syntax of the tag: for documents and
	// for types whose tags one cannot write. A star stands for any key of a
	// map, any element of a keyed list and any key of an object; where an
	// object has a rule for a key of its own, the star does not apply to it.
	Paths map[string]string

	// Check reports what is wrong with a merged value as a whole. If it
	// returns an error, [Plan.Merge] falls back to the newest side that
	// passes. It must not modify its argument and must depend on nothing else.
	// Nil means that every value is right.
	Check func(*T) error

	// Record says that the plan is for records too: [Compile] then refuses
	// what a [Record] cannot carry, and [Plan.NewRecord] makes records.
	Record bool
}

// A Side is one version to merge: a value, and when and by whom it was written.
// The stamp orders the versions; equal stamps are ordered by value.
type Side[T any] struct {
	Value T
	Stamp lww.Stamp
}

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

// overrides sorts the overrides into those of types and those of fields of T,
// which it finds by address.
func (c *compiler) overrides(typ reflect.Type, list []override) {
	for _, o := range list {
		if o.custom == nil {
			c.fail("", nil, "has an override without a rule")
			continue
		}
		ru := rule{id: o.custom.id, custom: o.custom}
		if o.at == nil {
			if o.custom.wrong != "" {
				c.fail("", &ru, fmt.Sprintf("for %v: %s", o.custom.typ, o.custom.wrong))
			}
			if c.types[o.custom.typ] != nil {
				c.fail("", &ru, fmt.Sprintf("%v has two rules", o.custom.typ))
			}
			c.types[o.custom.typ] = o.custom
			continue
		}
		index, err := locate(typ, o)
		if err != nil {
			c.fail("", &ru, err.Error())
			continue
		}
		if o.custom.wrong != "" {
			c.fail(typ.FieldByIndex(index).Name, &ru, o.custom.wrong)
		}
		key := fmt.Sprint(index)
		if c.fields[key] != nil {
			c.fail(typ.FieldByIndex(index).Name, &ru, "has two overrides")
		}
		c.fields[key] = o.custom
	}
}

// An override is an Override without its type parameter.
type override struct {
	custom *custom
	at     func(t reflect.Value) reflect.Value
}

// locate finds the field of typ whose address the accessor returns.
func locate(typ reflect.Type, o override) (index []int, err error) {
	if typ.Kind() != reflect.Struct {
		return nil, fmt.Errorf("Field needs a struct, not %v", typ)
	}
	if o.custom.typ.Size() == 0 {
		return nil, fmt.Errorf("%v has no size, so its address names no field", o.custom.typ)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the accessor given to Field panics on a zero %v: %v", typ, p)
		}
	}()
	t := reflect.New(typ).Elem()
	p := o.at(t)
	if index := findAddress(t, p, nil); index != nil {
		return index, nil
	}
	return nil, fmt.Errorf("the accessor given to Field returns no address inside %v", typ)
}

func findAddress(t, p reflect.Value, index []int) []int {
	for i := range t.NumField() {
		f, at := t.Field(i), append(slices.Clone(index), i)
		if f.Addr().UnsafePointer() == p.UnsafePointer() && f.Type() == p.Type().Elem() {
			return at
		}
		if f.Kind() == reflect.Struct {
			if found := findAddress(f, p, at); found != nil {
				return found
			}
		}
	}
	return nil
}
