package merge

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

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

// unused reports the paths and overrides in the options that no field has.
func (c *compiler) unused(rules map[string]*pathRule, list []override) {
	for _, o := range list {
		if o.custom != nil && !c.used[o.custom] && len(c.errs) == 0 {
			c.fail("", &rule{id: o.custom.id, custom: o.custom}, fmt.Sprintf("applies to no field: every %v is inside a value that is merged as a whole, is an element of a keyed list, or has a rule of its own", o.custom.typ))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(rules)) {
		if !rules[path].used {
			c.errs = append(c.errs, &RuleError{Type: c.root, Path: path, Rule: rules[path].own.String(), Reason: "no field has this path"})
		}
	}
}
