package merge

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
)

// lists are the keys of all versions of a list.
type lists struct {
	base  keys // empty without a base
	in    []keys
	known bool
	held  mark

	aligned bool   // all have the same keys in the same order
	twice   string // of a keyed list: a key that two elements of a version have, as paths have it
}

// A mark is what the stores of a run held before a list was read.
type mark struct{ texts, values, keys, refs int }

// list fills in l for a field; unlist gives back what that took.
func (r *run) list(f *field, fr *frame, l *lists) {
	l.held = mark{len(r.texts), len(r.values), len(r.keys), len(r.refs)}
	l.in = r.takeKeys(len(fr.in))
	var first *keys
	if fr.known {
		first = &l.base
		r.keysOf(first, f, fr.base, nil)
	}
	for i, v := range fr.in {
		k := &l.in[i]
		r.keysOf(k, f, v, first)
		first = cmp.Or(first, k)
	}
	l.twice = l.base.twice
	for i := range l.in {
		l.twice = cmp.Or(l.twice, l.in[i].twice)
	}
}

func (r *run) unlist(l *lists) {
	r.done(&l.base)
	for i := range l.in {
		r.done(&l.in[i])
	}
	r.texts, r.values = r.texts[:l.held.texts], r.values[:l.held.values]
	r.keys, r.refs = r.keys[:l.held.keys], r.refs[:l.held.refs]
}

// of returns the keys of version i, base for the base.
func (l *lists) of(i int) *keys {
	if i == base {
		return &l.base
	}
	return &l.in[i]
}

// lead returns the version whose order the result follows: the base, unless
// just one changed sequence of keys is to be had; without a base the newest. It
// sets l.aligned.
func (l *lists) lead() int {
	first := l.of(0)
	if l.known {
		first = &l.base
	}
	changed := -1
	for i := range l.in {
		switch k := &l.in[i]; {
		case k.equal(first):
		case !l.known:
			return 0
		case changed < 0:
			changed = i
		case !k.equal(&l.in[changed]):
			return base
		}
	}
	l.aligned = changed < 0
	return max(changed, 0)
}

// find returns the position that a key has in a version, or -1.
func (l *lists) find(version int, key ref) int {
	if l.aligned {
		return key.at
	}
	return l.of(version).find(l.of(key.version), key.at)
}

// rest returns the keys that the lead lacks, in canonical order: those that
// were added, and those of the base that a side has deleted.
func (r *run) rest(l *lists, lead int) []ref {
	lo := len(r.refs)
	if l.aligned {
		return nil
	}
	for i := range l.in {
		if i != lead {
			r.refs = l.collect(l.of(lead), i, r.refs)
		}
	}
	if l.known && lead != base {
		r.refs = l.collect(l.of(lead), base, r.refs)
	}
	out := r.refs[lo:]
	if len(out) > 1 {
		slices.SortStableFunc(out, l.compare)
		out = slices.CompactFunc(out, func(a, b ref) bool { return l.compare(a, b) == 0 })
	}
	return out
}

// compare orders keys as [value.Type.Compare] does, −0 being 0.
func (l *lists) compare(a, b ref) int {
	k, o := l.of(a.version), l.of(b.version)
	if k.texts != nil {
		return strings.Compare(k.texts[a.at], o.texts[b.at])
	}
	s := k.f.key
	return s.Compare(value.Normal(s, k.vals[a.at]), value.Normal(s, o.vals[b.at]))
}

func (l *lists) collect(lead *keys, version int, out []ref) []ref {
	k := l.of(version)
	for i := range k.n {
		if lead.find(k, i) < 0 {
			out = append(out, ref{version, i})
		}
	}
	return out
}

// keyed merges a list of rows by key. Where a key does not tell which of two elements it
// means, the list is one value, and a person decides between two changes of it.
func (r *run) keyed(f *field, fr *frame) {
	l := lists{known: fr.known}
	r.list(f, fr, &l)
	if r.err != nil {
		return
	}
	if l.twice != "" {
		r.unlist(&l)
		win, reason := chooseManual(&listValues{leafValues{f, fr.base, fr.in}}, len(fr.in), fr.known)
		if reason != "" {
			r.person(f, keyTwice+l.twice)
		}
		f.fill(fr.dst, fr.in[win])
		return
	}
	lead := l.lead()
	if l.aligned && !f.byRef && !f.elem.sealed {
		r.keyedAligned(f, fr)
		r.unlist(&l)
		return
	}
	rest, n := r.rest(&l, lead), l.of(lead).n
	makeList(fr, n+len(rest))
	used := 0
	for i := range n {
		used = r.keyedElement(f, fr, &l, ref{lead, i}, used)
	}
	for _, k := range rest {
		used = r.keyedElement(f, fr, &l, k, used)
	}
	endList(fr, used)
	r.unlist(&l)
}

// keyedAligned merges lists that have the same keys in the same order.
func (r *run) keyedAligned(f *field, fr *frame) {
	n, sides := fr.in[0].Len(), len(fr.in)
	makeList(fr, n)
	reflect.Copy(fr.dst, fr.in[0])
	if !fr.known && len(f.elem.unknown) == 0 {
		endList(fr, n)
		return
	}
	in := r.take(sides)
	sub := frame{in: in, who: fr.who, known: fr.known}
	for at := range n {
		for i, v := range fr.in {
			in[i] = v.Index(at)
		}
		if fr.known {
			sub.base = fr.base.Index(at)
		}
		sub.dst = fr.dst.Index(at)
		if f.elem.quiet {
			r.row(f.elem, &sub)
		} else {
			r.trail = append(r.trail, step{f: f, key: f.keyOf(in[0])})
			r.row(f.elem, &sub)
			r.trail = r.trail[:len(r.trail)-1]
		}
	}
	endList(fr, n)
	r.give(sides)
}

// makeList makes the result a list of n zeros of its own; endList cuts it to
// those used.
func makeList(fr *frame, n int) {
	fr.dst.SetZero()
	fr.dst.Grow(n)
	fr.dst.SetLen(n)
}

func endList(fr *frame, n int) {
	fr.dst.SetLen(n)
	if fr.dst.IsNil() && !allNil(fr.in) {
		fr.dst.Set(reflect.MakeSlice(fr.dst.Type(), 0, 0))
	}
}

// keyedElement merges the element with a key into position n of the result,
// unless it is deleted, and returns the position for the next.
func (r *run) keyedElement(f *field, fr *frame, l *lists, key ref, n int) int {
	sides := len(fr.in)
	in, who := r.take(sides)[:0], r.takeInts(sides)[:0]
	for i := range l.in {
		if at := l.find(i, key); at >= 0 {
			in, who = append(in, f.element(fr.in[i], at)), append(who, fr.who[i])
		}
	}
	var before reflect.Value
	if l.known {
		if at := l.find(base, key); at >= 0 {
			before = f.element(fr.base, at)
		}
	}
	if f.remains(before, in, sides) {
		if f.elem.quiet {
			r.element(f.elem, f.slot(fr.dst, n), before, fr.known, in, who)
		} else {
			r.trail = append(r.trail, step{f: f, key: l.of(key.version).read(key.at)})
			r.element(f.elem, f.slot(fr.dst, n), before, fr.known, in, who)
			r.trail = r.trail[:len(r.trail)-1]
		}
		n++
	}
	r.give(sides)
	r.giveInts(sides)
	return n
}

func allNil(in []reflect.Value) bool {
	return !slices.ContainsFunc(in, func(v reflect.Value) bool { return !v.IsNil() })
}

// set merges a list of distinct elements: by set, removals count; by union
// they do not.
func (r *run) set(f *field, fr *frame) {
	l := lists{known: fr.known}
	r.list(f, fr, &l)
	if from, ok := l.agreed(); ok && (f.rule.id == ruleSet || !fr.known) {
		f.shape.Fill(fr.dst, fr.in[from])
		if fr.dst.IsNil() {
			endList(fr, 0)
		}
		r.unlist(&l)
		return
	}
	lead := 0
	if fr.known {
		lead = base
	}
	rest, k := r.rest(&l, lead), l.of(lead)
	union := f.rule.id == ruleUnion || !fr.known
	n := 0
	if texts, ok := reflect.TypeAssert[*[]string](fr.dst.Addr()); ok {
		out := slices.Grow([]string(nil), k.n+len(rest))
		for i, text := range k.texts {
			if k.first(i) == i && (union || l.inAll(k, i)) {
				out = append(out, text)
			}
		}
		for _, e := range rest {
			out = append(out, l.of(e.version).texts[e.at])
		}
		*texts, n = out, len(out)
	} else {
		makeList(fr, k.n+len(rest))
		for i := range k.n {
			if k.first(i) == i && (union || l.inAll(k, i)) {
				f.key.Fill(fr.dst.Index(n), k.read(i))
				n++
			}
		}
		for _, e := range rest {
			f.key.Fill(fr.dst.Index(n), l.of(e.version).read(e.at))
			n++
		}
	}
	endList(fr, n)
	r.unlist(&l)
}

func (l *lists) inAll(k *keys, at int) bool {
	for i := range l.in {
		if l.in[i].find(k, at) < 0 {
			return false
		}
	}
	return true
}

// agreed returns the newest version that differs from the base, or the newest
// if none does, and whether all that differ are the same.
func (l *lists) agreed() (from int, ok bool) {
	from = -1
	for i := range l.in {
		switch k := &l.in[i]; {
		case l.known && k.equal(&l.base):
		case from < 0:
			from = i
		case !k.equal(&l.in[from]):
			return from, false
		}
	}
	return max(from, 0), true
}

// keyTwice, with the key, is why a person has to decide about a keyed list.
const keyTwice = "two elements have the key "

// keysOf reads the keys of a list into k. For a keyed list it fails if an element is
// missing, and notes if two elements have one key. What is known of the same keys
// in another version, if there is one, is not looked up again.
func (r *run) keysOf(k *keys, f *field, list reflect.Value, other *keys) {
	*k = keys{f: f, list: list, n: list.Len()}
	if f.byRef {
		for i := range k.n {
			if list.Index(i).IsNil() {
				r.fail(f, fmt.Errorf("element %d is a nil pointer", i))
				k.n = 0
				return
			}
		}
	}
	if f.key.Kind == value.KindString {
		k.texts = r.textsOf(f, list)
	} else {
		k.vals = r.take(k.n)
		for i := range k.vals {
			k.vals[i] = k.read(i)
		}
	}
	if other != nil && k.equal(other) {
		k.index, k.shared, k.twice = other.index, true, other.twice
		return
	}
	if i := r.indexKeys(k); i >= 0 && f.class == classKeyed {
		k.twice = f.keyText(k.read(i))
	}
}

// textsOf returns the keys of a list that are strings.
func (r *run) textsOf(f *field, list reflect.Value) []string {
	if f.class == classSet {
		if texts, ok := reflect.TypeAssert[[]string](list); ok {
			return texts
		}
	}
	texts := r.takeTexts(list.Len())
	switch {
	case f.class == classSet:
		for i := range texts {
			texts[i] = list.Index(i).String()
		}
	case !f.byRef && len(f.at[0]) == 1:
		at := f.at[0][0]
		for i := range texts {
			texts[i] = list.Index(i).Field(at).String()
		}
	default:
		for i := range texts {
			texts[i] = f.keyOf(f.element(list, i)).String()
		}
	}
	return texts
}

// indexKeys gives a long list an index. It returns the position of a key that
// a keyed list has before it, or -1.
func (r *run) indexKeys(k *keys) (again int) {
	again = -1
	if k.n <= smallList && k.f.class == classSet {
		return again
	}
	if k.n > smallList {
		k.index = r.table()
		for i := range k.n {
			text := k.text(i)
			if _, ok := k.index[text]; ok {
				again = i
			} else {
				k.index[text] = i
			}
		}
		return again
	}
	for i := 1; i < k.n; i++ {
		if k.first(i) < i {
			again = i
		}
	}
	return again
}

// table returns an empty table from the run's store; done puts it back.
func (r *run) table() map[string]int {
	if n := len(r.tables); n > 0 {
		t := r.tables[n-1]
		r.tables = r.tables[:n-1]
		return t
	}
	return make(map[string]int)
}

func (r *run) done(k *keys) {
	if k.index != nil && !k.shared {
		clear(k.index)
		r.tables = append(r.tables, k.index)
	}
}
