package merge

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// smallList is the length up to which a list is searched by looking.
const smallList = 16

// Keys are the keys of a list: a field of its elements, or for a set the
// elements themselves.
type keys struct {
	f     *field
	list  reflect.Value
	n     int
	index map[string]int // position by canonical bytes; nil in short lists
}

// keysOf returns the keys of a list and, for a keyed list, an error if two
// elements have one key or an element is missing.
func (r *run) keysOf(f *field, list reflect.Value) keys {
	k := keys{f: f, list: list, n: list.Len()}
	if f.byRef {
		for i := range k.n {
			if list.Index(i).IsNil() {
				r.fail(f, fmt.Errorf("element %d is a nil pointer", i))
				k.n = 0
				return k
			}
		}
	}
	if k.n > smallList {
		k.index = r.table()
		for i := range k.n {
			text := k.text(k.at(i))
			if _, ok := k.index[text]; !ok {
				k.index[text] = i
			} else if f.class == classKeyed {
				r.duplicate(f, k.at(i))
			}
		}
	} else if f.class == classKeyed {
		for i := range k.n {
			if k.findAfter(i) {
				r.duplicate(f, k.at(i))
			}
		}
	}
	return k
}

func (r *run) duplicate(f *field, key reflect.Value) {
	r.fail(f, fmt.Errorf("two elements have the key %s", keyText(f.key, key)))
}

// table returns an empty table that release reuses.
func (r *run) table() map[string]int {
	if n := len(r.tables); n > 0 {
		t := r.tables[n-1]
		r.tables = r.tables[:n-1]
		return t
	}
	return make(map[string]int)
}

func (r *run) done(k keys) {
	if k.index != nil {
		clear(k.index)
		r.tables = append(r.tables, k.index)
	}
}

// at returns the key at position i.
func (k *keys) at(i int) reflect.Value {
	if k.f.class == classSet {
		return k.list.Index(i)
	}
	return walk(k.f.element(k.list, i), k.f.at)
}

// text returns a key as a string that equals another just if the keys do.
func (k *keys) text(v reflect.Value) string {
	s := k.f.key
	if s.kind == kindString {
		return v.String()
	}
	p, err := s.append(nil, normal(s, v))
	if err != nil {
		return "\xff" + err.Error()
	}
	return string(p)
}

// find returns the position of a key, looking at position hint first, or -1.
func (k *keys) find(v reflect.Value, hint int) int {
	if hint < k.n && sameKey(k.f.key, k.at(hint), v) {
		return hint
	}
	if k.index != nil {
		if i, ok := k.index[k.text(v)]; ok {
			return i
		}
		return -1
	}
	for i := range k.n {
		if sameKey(k.f.key, k.at(i), v) {
			return i
		}
	}
	return -1
}

// findAfter reports whether the key at position i appears again in a short list.
func (k *keys) findAfter(i int) bool {
	v := k.at(i)
	for j := i + 1; j < k.n; j++ {
		if sameKey(k.f.key, k.at(j), v) {
			return true
		}
	}
	return false
}

// equal reports whether two lists have the same keys in the same order.
func (k *keys) equal(o *keys) bool {
	if k.n != o.n {
		return false
	}
	for i := range k.n {
		if !sameKey(k.f.key, k.at(i), o.at(i)) {
			return false
		}
	}
	return true
}

// sameKey is [shape.same] for keys and elements, of which −0 is 0.
func sameKey(s *shape, a, b reflect.Value) bool {
	switch s.kind {
	case kindString:
		return a.String() == b.String()
	case kindFloat:
		return a.Float() == b.Float()
	case kindArray, kindStruct:
		if s.floats() {
			return s.same(normal(s, a), normal(s, b))
		}
	}
	return s.same(a, b)
}

// floats reports whether values of s hold floats.
func (s *shape) floats() bool {
	switch s.kind {
	case kindFloat, kindComplex:
		return true
	case kindArray:
		return s.elem.floats()
	case kindStruct:
		return slices.ContainsFunc(s.fields, func(f shapeField) bool { return f.shape.floats() })
	}
	return false
}

// normal returns v, a key or element, with 0 for −0.
func normal(s *shape, v reflect.Value) reflect.Value {
	if !s.floats() {
		return v
	}
	c := reflect.New(s.typ).Elem()
	c.Set(v)
	visitFloats(s, c, func(f reflect.Value) bool {
		if f.Float() == 0 {
			f.SetFloat(0)
		}
		return true
	})
	return c
}

// visitFloats calls visit for each float in a key until it returns false, and
// reports whether it never did.
func visitFloats(s *shape, v reflect.Value, visit func(reflect.Value) bool) bool {
	switch s.kind {
	case kindFloat:
		return visit(v)
	case kindArray:
		for i := range v.Len() {
			if !visitFloats(s.elem, v.Index(i), visit) {
				return false
			}
		}
	case kindStruct:
		for _, f := range s.fields {
			if !visitFloats(f.shape, v.Field(f.index), visit) {
				return false
			}
		}
	}
	return true
}

var errNaN = errors.New("NaN is no key or element")

// checkKey returns an error if a key holds NaN, which does not equal itself.
func checkKey(s *shape, v reflect.Value) error {
	if s.floats() && !visitFloats(s, v, func(f reflect.Value) bool { return !math.IsNaN(f.Float()) }) {
		return errNaN
	}
	return nil
}

// lists are the keys of all versions of a list.
type lists struct {
	base  keys // empty without a base
	in    []keys
	known bool
}

func (r *run) listsOf(f *field, fr *frame) *lists {
	l := &lists{known: fr.known, in: make([]keys, len(fr.in))}
	if fr.known {
		l.base = r.keysOf(f, fr.base)
	}
	for i, v := range fr.in {
		l.in[i] = r.keysOf(f, v)
	}
	return l
}

func (r *run) doneLists(l *lists) {
	r.done(l.base)
	for _, k := range l.in {
		r.done(k)
	}
}

// order returns the list whose order the result follows: the base, unless just
// one changed sequence of keys is to be had; without a base the newest.
func (l *lists) order() *keys {
	if !l.known {
		return &l.in[0]
	}
	var changed *keys
	for i := range l.in {
		switch k := &l.in[i]; {
		case k.equal(&l.base):
		case changed == nil:
			changed = k
		case !k.equal(changed):
			return &l.base
		}
	}
	if changed == nil {
		return &l.in[0]
	}
	return changed
}

// rest returns the keys that lead lacks, in canonical order: those that were
// added, and those of the base that a side has deleted.
func (l *lists) rest(lead *keys) []reflect.Value {
	var out []reflect.Value
	seen := keys{f: lead.f}
	collect := func(k *keys) {
		if k == lead {
			return
		}
		for i := range k.n {
			v := k.at(i)
			if lead.find(v, i) < 0 && seen.addTo(&out, v) {
				out = append(out, v)
			}
		}
	}
	for i := range l.in {
		collect(&l.in[i])
	}
	if lead != &l.base && l.known {
		collect(&l.base)
	}
	slices.SortFunc(out, func(a, b reflect.Value) int { return lead.f.key.compare(normal(lead.f.key, a), normal(lead.f.key, b)) })
	return out
}

// addTo reports whether v is not among the keys collected so far.
func (k *keys) addTo(out *[]reflect.Value, v reflect.Value) bool {
	if k.index == nil && len(*out) <= smallList {
		return !slices.ContainsFunc(*out, func(o reflect.Value) bool { return sameKey(k.f.key, o, v) })
	}
	if k.index == nil {
		k.index = make(map[string]int)
		for i, o := range *out {
			k.index[k.text(o)] = i
		}
	}
	text := k.text(v)
	_, ok := k.index[text]
	k.index[text] = len(*out)
	return !ok
}

// keyed merges a list of rows by key.
func (r *run) keyed(f *field, fr *frame) {
	l := r.listsOf(f, fr)
	if r.err != nil {
		return
	}
	lead := l.order()
	out := reflect.MakeSlice(f.typ, 0, lead.n)
	for i := range lead.n {
		out = r.keyedElement(f, fr, l, lead.at(i), i, out)
	}
	for _, v := range l.rest(lead) {
		out = r.keyedElement(f, fr, l, v, lead.n, out)
	}
	if out.Len() == 0 && allNil(fr.in) {
		out = reflect.Zero(f.typ)
	}
	fr.dst.Set(out)
	r.doneLists(l)
}

// keyedElement merges the element with a key and appends it to out, unless it
// is deleted.
func (r *run) keyedElement(f *field, fr *frame, l *lists, key reflect.Value, hint int, out reflect.Value) reflect.Value {
	n := len(fr.in)
	in, who := r.take(n)[:0], r.takeInts(n)[:0]
	for i := range l.in {
		if at := l.in[i].find(key, hint); at >= 0 {
			in, who = append(in, f.element(fr.in[i], at)), append(who, fr.who[i])
		}
	}
	var base reflect.Value
	if l.known {
		if at := l.base.find(key, hint); at >= 0 {
			base = f.element(fr.base, at)
		}
	}
	if f.remains(base, in, n) {
		i := out.Len()
		if i == out.Cap() {
			out = reflect.AppendSlice(reflect.MakeSlice(f.typ, 0, 2*i+4), out)
		}
		out = out.Slice(0, i+1)
		r.trail = append(r.trail, step{f: f, key: key})
		r.element(f.elem, f.slot(out, i), base, fr.known, in, who)
		r.trail = r.trail[:len(r.trail)-1]
	}
	r.give(n)
	r.giveInts(n)
	return out
}

func allNil(in []reflect.Value) bool {
	return !slices.ContainsFunc(in, func(v reflect.Value) bool { return !v.IsNil() })
}

// set merges a list of distinct elements: by set, removals count; by union
// they do not.
func (r *run) set(f *field, fr *frame) {
	from, agreed := f.agreed(fr)
	if agreed && (f.rule.id == ruleSet || !fr.known) {
		f.shape.fill(fr.dst, fr.in[from])
		f.notNil(fr)
		return
	}
	l := r.listsOf(f, fr)
	lead := &l.in[0]
	if fr.known {
		lead = &l.base
	}
	out := reflect.MakeSlice(f.typ, 0, lead.n)
	for i := range lead.n {
		v := lead.at(i)
		if lead.find(v, i) == i && lead.first(v, i) && (f.rule.id == ruleUnion || !fr.known || l.inAll(v, i)) {
			out = reflect.Append(out, v)
		}
	}
	for _, v := range l.rest(lead) {
		out = reflect.Append(out, v)
	}
	fr.dst.Set(out)
	if out.Len() == 0 && allNil(fr.in) {
		fr.dst.SetZero()
	}
	r.doneLists(l)
}

// first reports whether position i is the first at which a list holds v.
func (k *keys) first(v reflect.Value, i int) bool {
	if k.index != nil {
		return k.index[k.text(v)] == i
	}
	for j := range i {
		if sameKey(k.f.key, k.at(j), v) {
			return false
		}
	}
	return true
}

func (l *lists) inAll(v reflect.Value, hint int) bool {
	for i := range l.in {
		if l.in[i].find(v, hint) < 0 {
			return false
		}
	}
	return true
}

// agreed returns the newest version of a list that differs from the base, or
// the newest if none does, and whether all that differ are the same.
func (f *field) agreed(fr *frame) (from int, ok bool) {
	from = -1
	for i, v := range fr.in {
		switch {
		case fr.known && f.same(v, fr.base):
		case from < 0:
			from = i
		case !f.same(v, fr.in[from]):
			return from, false
		}
	}
	return max(from, 0), true
}

// notNil makes a nil result empty if any side is not nil.
func (f *field) notNil(fr *frame) {
	if fr.dst.IsNil() && !allNil(fr.in) {
		fr.dst.Set(reflect.MakeSlice(f.typ, 0, 0))
	}
}
