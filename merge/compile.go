package merge

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A RuleError is one mistake in the tags or options of a plan: see [Compile].
type RuleError struct {
	Type    reflect.Type // the T of the plan
	Path    string       // the field, or "" for T itself
	Rule    string       // the rule as written, or "" if none was
	Reason  string
	Choices []string // the rules that would be legal there, if that is the question
}

// Error returns the mistake on one line.
func (e *RuleError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "merge: %v", e.Type)
	if e.Path != "" {
		fmt.Fprintf(&b, ": field %s", e.Path)
	}
	if e.Rule != "" {
		fmt.Fprintf(&b, ": rule %q", e.Rule)
	}
	fmt.Fprintf(&b, ": %s", e.Reason)
	if len(e.Choices) > 0 {
		fmt.Fprintf(&b, "; choose one of %s", strings.Join(e.Choices, ", "))
	}
	return b.String()
}

// A compiler turns a type into rows.
type compiler struct {
	root   reflect.Type
	shapes value.Compiler
	rows   map[rowKey]*row
	open   map[rowKey]bool // rows being compiled: meeting one again makes it cyclic
	types  map[reflect.Type]*custom
	fields map[string]*custom // Field overrides by fmt.Sprint of the index
	used   map[*custom]bool   // overrides that some field has
	trail  []string           // where the compiler is, for errors
	errs   []error
}

type rowKey struct {
	typ  reflect.Type
	at   *pathRule
	mode rowMode
	key  string // of elements of a keyed list: where they hold their key
}

// A rowMode says how the compiler got to a row.
type rowMode uint8

const (
	rowElement rowMode = iota // a value that may as well be one leaf
	rowFields                 // a struct that a rule says to merge by fields
	rowTop                    // T
)

// A location is where a field is about to be compiled.
type location struct {
	typ   reflect.Type
	name  string
	index []int
	tag   tag
	at    *pathRule // options for this path and below; may be nil
	scope string    // of groups
	mode  rowMode
}

func (c *compiler) fail(name string, ru *rule, reason string, choices ...ruleID) {
	e := &RuleError{Type: c.root, Path: value.JoinPath(strings.Join(c.trail, "."), name), Reason: reason, Choices: usages(choices)}
	if ru != nil && (ru.id != ruleNone || ru.custom != nil) {
		e.Rule = ru.String()
	}
	c.errs = append(c.errs, e)
}

// row compiles the row of values of typ; key is where an element of a keyed
// list holds its key, and nil for others.
func (c *compiler) row(typ reflect.Type, at *pathRule, mode rowMode, key [][]int) *row {
	return c.rowOf(rowKey{typ, at, mode, fmt.Sprint(key)}, key)
}

func (c *compiler) rowOf(key rowKey, index [][]int) *row {
	typ, at, mode := key.typ, key.at, key.mode
	if w := c.rows[key]; w != nil {
		w.cyclic = w.cyclic || c.open[key]
		return w
	}
	w := &row{typ: typ, zero: reflect.New(typ).Elem()}
	c.rows[key], c.open[key] = w, true
	loc := location{typ: typ, at: at, mode: mode}
	if c.isFields(loc) {
		c.structFields(w, loc)
	} else {
		c.add(w, loc)
	}
	delete(c.open, key)
	w.flat = !w.sealed && !slices.ContainsFunc(w.fields, func(f *field) bool { return !f.flat() })
	w.program(index)
	return w
}

// isFields reports whether a struct without a rule is merged field by field.
func (c *compiler) isFields(loc location) bool {
	if loc.typ.Kind() != reflect.Struct || value.IsTime(loc.typ) || value.IsLock(loc.typ) {
		return false
	}
	if loc.mode != rowElement {
		return true
	}
	if loc.at.rule() != nil || c.types[loc.typ] != nil {
		return false
	}
	return findJoin(loc.typ) == nil && !value.IsOneValue(loc.typ) && loc.typ.NumField() > 0 && !isSealedBasic(loc.typ)
}

// isSealedBasic reports whether typ is a struct of basic kinds without any
// exported field, which is one value to everybody outside its package.
func isSealedBasic(typ reflect.Type) bool {
	for f := range typ.Fields() {
		if f.IsExported() || f.Tag.Get("merge") != "" {
			return false
		}
	}
	return value.IsBasic(typ)
}

// structFields adds the fields of the struct at loc to w.
func (c *compiler) structFields(w *row, loc location) {
	for i := range loc.typ.NumField() {
		sf := loc.typ.Field(i)
		name := fieldName(sf)
		t, err := parseTag(sf.Tag.Get("merge"))
		if t.name != "" {
			name = t.name
		}
		sub := location{
			typ: sf.Type, name: value.JoinPath(loc.name, value.QuoteKey(name)), tag: t, scope: loc.scope,
			index: append(slices.Clone(loc.index), i),
		}
		embedded := sf.Anonymous && sf.Type.Kind() == reflect.Struct && t.text == ""
		switch {
		case err != nil:
			c.failTag(sub, err)
			continue
		case t.rule.id == ruleIgnore && !sf.IsExported(), sf.Name == "_":
			w.sealed = w.sealed || sf.Name != "_"
			continue
		case !sf.IsExported() && !embedded:
			c.fail(sub.name, &t.rule, "is unexported, so it cannot be merged", ruleIgnore)
			continue
		}
		if embedded {
			in := sub
			in.name, in.at = loc.name, loc.at
			if c.fields[fmt.Sprint(sub.index)] == nil && c.isFields(location{typ: sf.Type, at: loc.at.child(name)}) {
				c.structFields(w, in)
				continue
			}
			if !sf.IsExported() {
				c.fail(sub.name, nil, "is an embedded unexported type that cannot be merged field by field")
				continue
			}
		}
		sub.at = loc.at.child(name)
		c.add(w, sub)
	}
}

// fieldName returns the name of a field in paths: its name in JSON, else in Go.
func fieldName(sf reflect.StructField) string {
	name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
	if name == "" || name == "-" {
		return sf.Name
	}
	return name
}

func (c *compiler) failTag(loc location, err error) {
	e := &RuleError{Type: c.root, Path: value.JoinPath(strings.Join(c.trail, "."), loc.name), Rule: loc.tag.text, Reason: err.Error()}
	if errors.Is(err, errUnknown) {
		e.Choices = usages(leafRules(loc.typ))
		if isObject(loc.typ) {
			e.Choices = usages(tagRules())
		}
	}
	c.errs = append(c.errs, e)
}

// add compiles one field and adds it, or the fields it is made of, to w.
func (c *compiler) add(w *row, loc location) {
	ru, ok := c.ruleFor(&loc)
	if !ok {
		return
	}
	if ru.id == ruleFields && loc.typ.Kind() == reflect.Struct {
		loc.mode = rowFields
		if value.IsTime(loc.typ) {
			c.fail(loc.name, &ru, "is one value", leafRules(loc.typ)...)
			return
		}
		loc.scope = fmt.Sprint(loc.index)
		c.structFields(w, loc)
		return
	}
	if slices.ContainsFunc(w.fields, func(f *field) bool { return f.name == loc.name }) {
		c.fail(loc.name, nil, "two fields have this path; give one of them a name= of its own")
		return
	}
	f := &field{name: loc.name, index: loc.index, typ: loc.typ, rule: ru}
	if err := c.classify(w, f, loc); err != nil {
		c.errs = append(c.errs, err)
		return
	}
	w.fields = append(w.fields, f)
}

// ruleFor returns the rule in force at loc, from the tag, an option or the
// type, in this order of precedence among what does not contradict.
func (c *compiler) ruleFor(loc *location) (rule, bool) {
	override := c.fields[fmt.Sprint(loc.index)]
	if loc.mode != rowTop && len(c.trail) > 0 {
		override = nil
	}
	byPath := loc.at.rule()
	tagged := loc.tag.rule.id != ruleNone
	if tagged && (override != nil || byPath != nil) || override != nil && byPath != nil {
		c.fail(loc.name, &loc.tag.rule, "has a rule in its tag and another in the options, or two in the options; keep one")
		return rule{}, false
	}
	switch {
	case override != nil:
		c.used[override] = true
		return rule{id: override.id, custom: override}, true
	case byPath != nil:
		return *byPath, true
	case tagged:
		return loc.tag.rule, true
	}
	if byType := c.types[loc.typ]; byType != nil {
		c.used[byType] = true
		return rule{id: byType.id, custom: byType}, true
	}
	ru := rule{id: c.defaultRule(loc), keep: loc.tag.rule.keep}
	return ru, true
}

// defaultRule returns the rule of a field that has none.
func (c *compiler) defaultRule(loc *location) ruleID {
	typ := loc.typ
	switch {
	case value.IsTime(typ):
		return ruleLWW
	case findJoin(typ) != nil:
		return ruleJoin
	case value.CodecOf(typ).Encodes():
		return ruleLWW
	case isObject(typ) || value.IsAny(typ):
		return ruleFields
	}
	switch typ.Kind() {
	case reflect.Struct:
		if c.isFields(location{typ: typ, at: loc.at}) {
			return ruleFields
		}
	case reflect.Map:
		if value.Elementable(typ.Key()) == nil {
			return ruleFields
		}
	case reflect.Pointer:
		if e := typ.Elem(); e.Kind() == reflect.Struct && c.isFields(location{typ: e}) {
			return ruleFields
		}
	case reflect.Slice:
		return ruleAtomic
	default:
	}
	return ruleLWW
}

// isObject reports whether typ is map[string]any or a type made from it.
func isObject(typ reflect.Type) bool {
	return typ.Kind() == reflect.Map && typ.ConvertibleTo(reflect.TypeFor[map[string]any]())
}
