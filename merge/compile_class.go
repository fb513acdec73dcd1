package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
)

// classify fills in what the rule of f needs, or says why f cannot have it.
func (c *compiler) classify(w *row, f *field, loc location) error {
	id := f.rule.id
	if id == ruleIgnore {
		f.class = classIgnored
		return nil
	}
	if id == ruleFields {
		return c.classifyFields(f, loc)
	}
	if id == ruleKeyed {
		return c.classifyKeyed(f, loc)
	}
	def := id.def()
	s, err := c.shapes.Compile(f.typ)
	f.class, f.shape, f.choose = classLeaf, s, def.choose
	if id == ruleJoin {
		f.join = findJoin(f.typ)
		if f.join == nil {
			return c.refuse(f, "needs a method Merge, as func (x *S) Merge(y *S) or func (x S) Merge(y S) S")
		}
		return nil
	}
	if err != nil {
		return c.refuseType(f, err)
	}
	if f.rule.custom != nil { // which is found by the type
		return nil
	}
	if !def.fits(f.typ) {
		return c.refuse(f, "does not go with "+f.typ.String())
	}
	if def.op == opAdditive {
		if f.adder = adderOf(f.typ); f.adder == nil && f.typ.Kind() == reflect.Pointer {
			return c.classifyOptional(f)
		}
	}
	if def.order != nil {
		f.order = newOrder(s, def.down)
	}
	if def.op == opSet {
		f.class, f.key = classSet, s.Elem
	}
	if def.op == opGroup {
		w.join(f, loc.scope)
	}
	return nil
}

// classifyOptional has a pointer to a leaf merged as a row of that one leaf, which is
// there or not.
func (c *compiler) classifyOptional(f *field) error {
	typ := f.typ.Elem()
	key := rowKey{typ: typ, mode: rowElement, key: f.rule.String()}
	if f.elem = c.rows[key]; f.elem == nil {
		w := &row{typ: typ, zero: reflect.New(typ).Elem()}
		leaf := &field{typ: typ, rule: f.rule}
		if err := c.classify(w, leaf, location{}); err != nil {
			return err
		}
		w.fields, w.flat = []*field{leaf}, leaf.flat()
		w.program(nil)
		c.rows[key], f.elem = w, w
	}
	f.class, f.rule = classPointer, rule{id: ruleFields}
	return nil
}

// join puts f into the group that its rule names.
func (w *row) join(f *field, scope string) {
	for _, g := range w.groups {
		if g.name == f.rule.arg && g.scope == scope {
			g.fields, f.group = append(g.fields, f), g
			return
		}
	}
	f.group = &group{name: f.rule.arg, scope: scope, fields: []*field{f}}
	w.groups = append(w.groups, f.group)
}

func (c *compiler) refuse(f *field, reason string) error {
	choices := leafRules(f.typ)
	if structOf(f.typ) != nil || f.typ.Kind() == reflect.Map {
		if _, err := c.shapes.Compile(f.typ); err != nil {
			choices = slices.DeleteFunc(choices, func(id ruleID) bool { return id != ruleFields && id != ruleIgnore && id != ruleJoin })
		}
	}
	return c.ruleError(f, reason, choices)
}

// refuseType is for a type that no rule can merge as a whole.
func (c *compiler) refuseType(f *field, err error) error {
	choices := []ruleID{ruleIgnore}
	if e := structOf(f.typ); e != nil && !value.IsLock(e) {
		choices = []ruleID{ruleFields, ruleIgnore}
	}
	return c.ruleError(f, err.Error(), choices)
}

func (c *compiler) ruleError(f *field, reason string, choices []ruleID) error {
	e := &RuleError{Type: c.root, Path: value.JoinPath(strings.Join(c.trail, "."), f.name), Reason: reason, Choices: usages(choices)}
	e.Rule = f.rule.String()
	return e
}

// inside compiles the rows below f, whose names in paths are a star.
func (c *compiler) inside(f *field, name string, compile func() *row) *row {
	n := len(c.trail)
	if f.name != "" {
		c.trail = append(c.trail, f.name)
	}
	if name != "" {
		c.trail = append(c.trail, name)
	}
	w := compile()
	c.trail = c.trail[:n]
	return w
}

func (c *compiler) classifyFields(f *field, loc location) error {
	typ := f.typ
	switch {
	case isObject(typ) || value.IsAny(typ):
		f.class = classDocument
		f.shape, _ = c.shapes.Compile(typ)
		doc, err := loc.at.document()
		f.doc = doc
		if err != nil {
			return c.ruleError(f, err.Error(), nil)
		}
		return nil
	case typ.Kind() == reflect.Map:
		if err := value.Elementable(typ.Key()); err != nil {
			return c.refuse(f, err.Error())
		}
		f.class = classMap
		f.key, _ = c.shapes.Compile(typ.Key())
		f.elem = c.inside(f, "*", func() *row { return c.row(typ.Elem(), loc.at.child("*"), rowElement, nil) })
		e := f.elem.fields
		f.plain = len(e) == 1 && len(e[0].index) == 0 && e[0].isRegister()
		return nil
	case typ.Kind() == reflect.Pointer && typ.Elem().Kind() == reflect.Struct && !value.IsTime(typ.Elem()):
		f.class = classPointer
		f.elem = c.inside(f, "", func() *row { return c.row(typ.Elem(), loc.at, rowFields, nil) })
		return nil
	}
	return c.refuse(f, "does not go with "+typ.String())
}

func (c *compiler) classifyKeyed(f *field, loc location) error {
	typ := f.typ
	if typ.Kind() != reflect.Slice || structOf(typ.Elem()) == nil || value.IsTime(structOf(typ.Elem())) {
		return c.refuse(f, "needs a list of structs, not "+typ.String())
	}
	f.class, f.byRef = classKeyed, typ.Elem().Kind() == reflect.Pointer
	keys, err := c.keyFields(f)
	if err != nil {
		return err
	}
	f.at = keys
	f.elem = c.inside(f, "*", func() *row { return c.row(structOf(typ.Elem()), loc.at.child("*"), rowFields, keys) })
	elem := structOf(typ.Elem())
	if f.key, err = c.shapes.Compile(keyType(elem, keys)); err != nil || len(keys) == 1 {
		return err
	}
	f.keys = make([]*value.Type, len(keys))
	for i, index := range keys {
		if f.keys[i], err = c.shapes.Compile(elem.FieldByIndex(index).Type); err != nil {
			return err
		}
	}
	return nil
}

// keyFields returns where the elements of f hold the key that its rule names: one
// field, or several with a plus sign between their names.
func (c *compiler) keyFields(f *field) ([][]int, error) {
	at, err := c.keyField(f, f.rule.arg)
	if names := strings.Split(f.rule.arg, "+"); err != nil && len(names) > 1 {
		keys := make([][]int, len(names))
		for i, name := range names {
			if keys[i], err = c.keyField(f, name); err != nil {
				return nil, err
			}
			if slices.ContainsFunc(keys[:i], func(o []int) bool { return slices.Equal(o, keys[i]) }) {
				return nil, c.ruleError(f, fmt.Sprintf("names the field %q twice", name), nil)
			}
		}
		return keys, nil
	}
	return [][]int{at}, err
}

// keyField returns where the elements of f hold a field that can be a key, by its
// name in paths or in Go.
func (c *compiler) keyField(f *field, name string) ([]int, error) {
	e := structOf(f.typ.Elem())
	var choices []string
	for _, sf := range reflect.VisibleFields(e) {
		if !sf.IsExported() || sf.Anonymous || value.Elementable(sf.Type) != nil || throughPointer(e, sf.Index) {
			continue
		}
		t, _ := parseTag(sf.Tag.Get("merge"))
		if name == sf.Name || name == fieldName(sf) || name == t.name && t.name != "" {
			return sf.Index, nil
		}
		choices = append(choices, "keyed="+sf.Name)
	}
	return nil, &RuleError{
		Type: c.root, Path: value.JoinPath(strings.Join(c.trail, "."), f.name), Rule: f.rule.String(),
		Reason: fmt.Sprintf("%v has no field %q that can be a key", e, name), Choices: choices,
	}
}

func throughPointer(typ reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		typ = typ.Field(i).Type
		if typ.Kind() != reflect.Struct {
			return true
		}
	}
	return false
}
