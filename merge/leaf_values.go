package merge

import "reflect"

// leafValues is the chooser of typed leaves.
type leafValues struct {
	f    *field
	base reflect.Value
	in   []reflect.Value
}

func (v *leafValues) at(i int) reflect.Value {
	if i == base {
		return v.base
	}
	return v.in[i]
}

func (v *leafValues) same(i, j int) bool { return v.f.shape.Same(v.at(i), v.at(j)) }

func (v *leafValues) zero(i int) bool { return v.f.shape.IsZero(v.at(i)) }

func (v *leafValues) order(i, j int) int {
	return v.f.compareBy(v.at(i), v.at(j))
}

func (v *leafValues) rank(i int) (int, bool) { return v.f.rule.rankOf(v.at(i).String()) }

// listValues is the chooser of keyed lists that are one value.
type listValues struct{ leafValues }

func (v *listValues) same(i, j int) bool { return v.f.same(v.at(i), v.at(j)) }
