package merge

import (
	"fmt"
	"reflect"
)

// A Rule is a custom rule for values of type F, made by [Prefer], [Join] or
// [Func], and put in force by [Field] or [Type]. Its name appears in reports. A
// Rule is immutable. [Compile] refuses the zero Rule, and one without a name or
// function.
type Rule[F any] struct{ custom *custom }

// made returns what r holds, of the zero Rule that it is none.
func (r Rule[F]) made() *custom {
	if r.custom == nil {
		return &custom{typ: reflect.TypeFor[F](), wrong: fmt.Sprintf("Rule[%v] is zero; make one by Prefer, Join or Func", reflect.TypeFor[F]())}
	}
	return r.custom
}

// newCustom returns a rule of the given kind, with what can be said against it
// before it meets a field.
func newCustom[F any](id ruleID, kind, name string, isNil bool) *custom {
	c := &custom{id: id, name: name, typ: reflect.TypeFor[F]()}
	switch {
	case isNil:
		c.wrong = kind + " was given a nil function"
	case name == "":
		c.wrong = kind + " was given no name, which reports need"
	}
	return c
}

// Prefer returns a rule that chooses the largest of the changed values by
// compare, a total preorder: consistent, transitive, and free to return 0 for
// values that differ, of which the newest side wins. It is symmetric, and
// associative wherever compare returns 0 for equal values only. A [Record]
// accepts it.
func Prefer[F any](name string, compare func(a, b F) int) Rule[F] {
	c := newCustom[F](rulePrefer, "Prefer", name, compare == nil)
	c.compare = func(a, b reflect.Value) int {
		return compare(*a.Addr().Interface().(*F), *b.Addr().Interface().(*F))
	}
	return Rule[F]{c}
}

// Join returns a rule that combines the values of all sides by join, which must
// be commutative, associative and idempotent and must not modify its arguments.
// Package mergetest checks that it is. A [Record] accepts it.
func Join[F any](name string, join func(a, b F) F) Rule[F] {
	c := newCustom[F](ruleJoinFunc, "Join", name, join == nil)
	c.join = func(dst, v reflect.Value) {
		p := dst.Addr().Interface().(*F)
		*p = join(*p, *v.Addr().Interface().(*F))
	}
	return Rule[F]{c}
}

// Func returns a rule that calls f with the base and all sides, in an order
// that does not depend on the caller's, when two or more of them changed the
// value and do not agree. If f returns an error, a person has to decide, and
// the newest side that changed it is provisional. F must be deterministic and
// not modify its argument. A [Record] refuses Func, since it keeps no base.
func Func[F any](name string, f func(Case[F]) (F, error)) Rule[F] {
	c := newCustom[F](ruleFunc, "Func", name, f == nil)
	c.call = func(c *call, dst reflect.Value) error {
		fc := Case[F]{Path: c.path, Sides: make([]Side[F], len(c.sides))}
		if c.base.IsValid() {
			b := *c.base.Addr().Interface().(*F)
			fc.Base = &b
		}
		for i, s := range c.sides {
			fc.Sides[i] = Side[F]{Value: *s.Addr().Interface().(*F), Stamp: c.stamps[c.who[i]]}
		}
		v, err := f(fc)
		if err == nil {
			*dst.Addr().Interface().(*F) = v
		}
		return err
	}
	return Rule[F]{c}
}

// Always returns r changed so that a [Func] is called whenever a side changed
// the value, even if only one did or all agree, as a rule that adds changes up
// has to be. It has no effect on other rules.
func (r Rule[F]) Always() Rule[F] {
	c := *r.made()
	c.always = true
	return Rule[F]{&c}
}

// A Case is what a [Func] decides about: one value that has several versions.
type Case[F any] struct {
	Path  string    // where the value is
	Base  *F        // the version that the sides started from; nil if unknown
	Sides []Side[F] // all versions, newest first
}

// An Override puts a [Rule] in force for part of a T. See [Field] and [Type].
type Override[T any] struct {
	custom *custom
	at     func(t reflect.Value) reflect.Value // nil for Type
}

// Field returns an override that merges one field of T by r. The function at
// returns the address of that field in its argument. The field must be part of
// T itself, not behind a pointer, slice or map, and have no rule in its tag.
func Field[T, F any](at func(*T) *F, r Rule[F]) Override[T] {
	return Override[T]{
		custom: r.made(),
		at: func(t reflect.Value) reflect.Value {
			return reflect.ValueOf(at(t.Addr().Interface().(*T)))
		},
	}
}

// Type returns an override that merges every value of type F in T by r, fields
// and entries of maps at any depth, unless their tag or a [Field] says
// otherwise. A pointer to an F is merged as one value, without r; elements of
// keyed lists are merged field by field.
func Type[T, F any](r Rule[F]) Override[T] {
	return Override[T]{custom: r.made()}
}
