package merge

import (
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/internal/value"
)

// compareBy returns +1 if a is to be chosen over b by a rule that compares
// values.
func (f *field) compareBy(a, b reflect.Value) int {
	if c := f.rule.custom; c != nil {
		return c.compare(a, b)
	}
	return f.order.compare(a, b)
}

// choose merges a leaf by a rule that takes one of the versions.
func (r *run) choose(f *field, fr *frame) {
	r.leaf = leafValues{f, fr.base, fr.in}
	win, reason := f.choose(&r.leaf, len(fr.in), fr.known)
	if reason != "" {
		r.person(f, reason)
	}
	f.fill(fr.dst, r.leaf.at(win))
}

// additive adds the changes of all sides to the base. Where that cannot be
// done the newest change is the provisional value.
func (r *run) additive(o *op, fr *frame) {
	dst := o.in(fr.dst)
	if !fr.known {
		for _, v := range fr.in[1:] {
			if !o.f.shape.Same(o.in(v), dst) {
				r.person(o.f, "changes cannot be added up without a base")
				return
			}
		}
		return
	}
	var sum int128.Int
	if o.f.shape.Kind == value.KindInt {
		b := o.in(fr.base).Int()
		sum = int128.Of(b)
		for _, v := range fr.in {
			sum = sum.Add(o.in(v).Int()).Minus(int128.Of(b))
		}
		if total, ok := sum.Int64(); ok && !dst.OverflowInt(total) {
			dst.SetInt(total)
			return
		}
	} else {
		b := o.in(fr.base).Uint()
		sum = int128.OfUint(b)
		for _, v := range fr.in {
			sum = sum.AddUint(o.in(v).Uint()).Minus(int128.OfUint(b))
		}
		if total, ok := sum.Uint64(); ok && !dst.OverflowUint(total) {
			dst.SetUint(total)
			return
		}
	}
	r.person(o.f, "the sum of all changes does not fit the type")
	o.scalar(fr)
}

// join merges the versions of all sides by their own method.
func (r *run) join(f *field, fr *frame) {
	var sum reflect.Value
	for _, v := range slices.Backward(fr.in) {
		p := f.join.ref(v)
		if !p.IsValid() {
			continue
		}
		var err error
		if sum.IsValid() {
			err = f.join.into(sum, p)
		} else {
			sum, err = f.join.copyOf(p)
		}
		if err != nil {
			r.fail(f, err)
			return
		}
	}
	if sum.IsValid() {
		f.join.put(fr.dst, sum)
	}
}

// joinFunc combines the values of all sides by a custom Join.
func (f *field) joinFunc(fr *frame) {
	sum := reflect.New(f.typ).Elem()
	sum.Set(fr.in[len(fr.in)-1])
	for i := len(fr.in) - 2; i >= 0; i-- {
		f.rule.custom.join(sum, fr.in[i])
	}
	f.fill(fr.dst, sum)
}

// callFunc asks a custom Func.
func (r *run) callFunc(f *field, fr *frame) {
	r.leaf = leafValues{f, fr.base, fr.in}
	n := len(fr.in)
	win, reason := f.choose(&r.leaf, n, fr.known)
	changed := fr.known && nextChange(&r.leaf, -1, n, true) < n || !fr.known && n > 1
	if reason == "" && (!f.rule.custom.always || !changed) {
		f.fill(fr.dst, fr.in[win])
		return
	}
	c := call{path: r.path(f.name), sides: fr.in, who: fr.who, stamps: r.stamps}
	if fr.known {
		c.base = fr.base
	}
	out := reflect.New(f.typ).Elem()
	if err := f.rule.custom.call(&c, out); err != nil {
		r.person(f, err.Error())
		f.fill(fr.dst, fr.in[win])
		return
	}
	f.fill(fr.dst, out)
}
