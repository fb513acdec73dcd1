package merge

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// A run is one call of Merge. Its memory is reused by later calls.
type run struct {
	sides  []int       // the caller's sides, newest first
	stamps []lww.Stamp // of the sides in this order, if anybody will ask

	values []reflect.Value // arena of frames and lists of values
	used   int             // high-water mark of values
	held   int             // high-water mark of texts
	texts  []string        // arena of keys
	keys   []keys          // arena of lists
	refs   []ref           // arena of elements
	ints   []int
	trail  []step
	tables []map[string]int
	leaf   leafValues

	undecided []undecided
	err       error
}

// A frame is one row being merged.
type frame struct {
	dst   reflect.Value
	base  reflect.Value   // the zero value of the row if it is known to have been absent
	in    []reflect.Value // versions, newest first
	who   []int           // for each version, its side as an index into run.stamps
	known bool            // whether there is a base
}

// A step is one turn on the way from T to a row: a field and, in a map or a
// list, a key.
type step struct {
	f   *field
	key reflect.Value
	doc string // key of a document
}

// An undecided is a place where a person has to decide.
type undecided struct {
	path   string
	reason string
}

// reset empties the run but for its memory.
func (r *run) reset() {
	clear(r.values[:cap(r.values)][:r.used])
	if cap(r.trail) > 0 {
		clear(r.trail[:cap(r.trail)])
	}
	if r.leaf.f != nil {
		r.leaf = leafValues{}
	}
	clear(r.keys[:cap(r.keys)])
	clear(r.stamps)
	clear(r.texts[:cap(r.texts)][:r.held])
	r.stamps, r.values, r.texts, r.ints, r.trail = r.stamps[:0], r.values[:0], r.texts[:0], r.ints[:0], r.trail[:0]
	r.keys, r.refs = r.keys[:0], r.refs[:0]
	r.used, r.held, r.undecided, r.err = 0, 0, nil, nil
}

// take returns room for n values; give takes it back. A caller that holds
// room while the arena grows keeps the old memory.
func (r *run) take(n int) []reflect.Value {
	lo := len(r.values)
	if lo+n > cap(r.values) {
		r.values = make([]reflect.Value, lo, 2*(lo+n))
		r.used = lo
	}
	r.values = r.values[:lo+n]
	r.used = max(r.used, lo+n)
	return r.values[lo : lo+n : lo+n]
}

func (r *run) give(n int) { r.values = r.values[:len(r.values)-n] }

func (r *run) takeTexts(n int) []string {
	lo := len(r.texts)
	if lo+n > cap(r.texts) {
		r.texts = make([]string, lo, 2*(lo+n))
		r.held = lo
	}
	r.texts = r.texts[:lo+n]
	r.held = max(r.held, lo+n)
	return r.texts[lo : lo+n : lo+n]
}

func (r *run) takeKeys(n int) []keys {
	lo := len(r.keys)
	r.keys = slices.Grow(r.keys, n)[:lo+n]
	return r.keys[lo : lo+n : lo+n]
}

func (r *run) takeInts(n int) []int {
	lo := len(r.ints)
	r.ints = slices.Grow(r.ints, n)[:lo+n]
	return r.ints[lo : lo+n : lo+n]
}

func (r *run) giveInts(n int) { r.ints = r.ints[:len(r.ints)-n] }

// fail records the first error at a field or below it.
func (r *run) fail(f *field, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("merge: %s: %w", r.path(f.name), err)
	}
}

// person records that a person has to decide about a field.
func (r *run) person(f *field, reason string) {
	r.undecided = append(r.undecided, undecided{r.path(f.name), reason})
}

// path returns where the run is, and below that name.
func (r *run) path(name string) string {
	path := ""
	for _, s := range r.trail {
		if s.f != nil {
			path = value.JoinPath(path, s.f.name)
		}
		switch {
		case s.doc != "":
			path = value.JoinPath(path, s.doc)
		case s.key.IsValid():
			path = value.JoinPath(path, s.f.keyText(s.key))
		}
	}
	return value.JoinPath(path, name)
}

// row merges the fields of a row into fr.dst, which holds the newest version.
func (r *run) row(w *row, fr *frame) {
	ops := w.unknown
	if fr.known {
		ops = w.known
	}
	for i := range ops {
		r.op(&ops[i], fr)
	}
}

func (r *run) op(o *op, fr *frame) {
	switch o.code {
	case opScalar:
		o.scalar(fr)
	case opTime:
		o.time(fr)
	case opRegister:
		o.register(fr)
	case opGroup:
		o.f.group.merge(fr)
	case opZero:
		if v := o.in(fr.dst); v.CanSet() {
			v.SetZero()
		}
	case opAdditive:
		r.additive(o, fr)
	case opLeaf, opJoin, opJoinFunc, opFunc, opSum, opPointer, opMap, opKeyed, opSet, opDocument:
		r.part(o, fr)
	}
}

// part merges a field by what its values are, in a frame of its own.
func (r *run) part(o *op, fr *frame) {
	n := len(fr.in)
	in := r.take(n)
	for i := range in {
		in[i] = o.in(fr.in[i])
	}
	sub := frame{dst: o.in(fr.dst), in: in, who: fr.who, known: fr.known}
	if fr.known {
		sub.base = o.in(fr.base)
	}
	switch o.code {
	case opLeaf:
		r.choose(o.f, &sub)
	case opJoin:
		r.join(o.f, &sub)
	case opJoinFunc:
		o.f.joinFunc(&sub)
	case opFunc:
		r.callFunc(o.f, &sub)
	case opSum:
		r.sumOf(o.f, &sub)
	case opPointer:
		r.pointer(o.f, &sub)
	case opMap:
		r.mapping(o.f, &sub)
	case opKeyed:
		r.keyed(o.f, &sub)
	case opSet:
		r.set(o.f, &sub)
	case opDocument:
		r.documentField(o.f, &sub)
	case opScalar, opTime, opRegister, opAdditive, opGroup, opZero: // see op
	}
	r.give(n)
}

// scalar takes the newest changed value of a register that is read by kind.
func (o *op) scalar(fr *frame) {
	base := o.in(fr.base)
	i := 0
	switch o.f.shape.Kind {
	case value.KindString:
		for was := base.String(); i < len(fr.in) && o.in(fr.in[i]).String() == was; {
			i++
		}
	case value.KindInt:
		for was := base.Int(); i < len(fr.in) && o.in(fr.in[i]).Int() == was; {
			i++
		}
	case value.KindBool, value.KindUint, value.KindFloat, value.KindComplex, value.KindBytes, value.KindTime, value.KindSlice, value.KindArray,
		value.KindMap, value.KindPointer, value.KindStruct, value.KindRaw, value.KindOpaque, value.KindDocument:
		for i < len(fr.in) && o.f.shape.Same(o.in(fr.in[i]), base) {
			i++
		}
	}
	if i > 0 && i < len(fr.in) {
		o.in(fr.dst).Set(o.in(fr.in[i]))
	}
}

// register is scalar for values that have to be copied, the newest too.
func (o *op) register(fr *frame) {
	v := o.in(fr.in[0])
	if fr.known {
		s, base := o.f.shape, o.in(fr.base)
		for i := 0; s.Same(v, base); {
			if i++; i == len(fr.in) {
				v = o.in(fr.in[0])
				break
			}
			v = o.in(fr.in[i])
		}
	}
	o.f.shape.Fill(o.in(fr.dst), v)
}

// time is scalar for times, of which the result holds no monotonic reading.
func (o *op) time(fr *frame) {
	dst := o.in(fr.dst)
	if fr.known {
		base := value.Wall(o.in(fr.base))
		for i := range fr.in {
			if v := o.in(fr.in[i]); !value.Wall(v).Equal(base) {
				if i > 0 {
					dst.Set(v)
				}
				break
			}
		}
	}
	value.Strip(dst)
}

// merge takes the fields of a group from the newest side that changed any.
func (g *group) merge(fr *frame) {
	from := 0
	if fr.known {
		from = max(0, slices.IndexFunc(fr.in, func(v reflect.Value) bool {
			return slices.ContainsFunc(g.fields, func(f *field) bool { return !f.shape.Same(f.in(v), f.in(fr.base)) })
		}))
	}
	for _, f := range g.fields {
		f.fill(f.in(fr.dst), f.in(fr.in[from]))
	}
}

// element merges one row that exists in every one of in into dst, which holds
// the zero value. Base is invalid if the row has none; then, if known, it is
// known to have been absent and the versions are changes of nothing.
func (r *run) element(w *row, dst, base reflect.Value, known bool, in []reflect.Value, who []int) {
	if len(in) == 1 && !base.IsValid() && !w.always {
		w.fill(dst, in[0])
		return
	}
	fr := frame{dst: dst, base: base, in: in, who: who, known: known}
	if !base.IsValid() {
		fr.base = w.zero
	}
	w.assign(dst, in[0])
	r.row(w, &fr)
}

// remains reports whether a row that some sides have is in the result: if all
// of n do, if nobody is known to have deleted it, or if a change is to survive
// a delete. In holds the versions of the sides that have it.
func (f *field) remains(base reflect.Value, in []reflect.Value, n int) bool {
	switch {
	case len(in) == 0:
		return false
	case len(in) == n || !base.IsValid():
		return true
	}
	return f.rule.keep && slices.ContainsFunc(in, func(v reflect.Value) bool { return !f.elem.same(v, base) })
}

// pointer merges a row that is there or not.
func (r *run) pointer(f *field, fr *frame) {
	n := len(fr.in)
	in, who := r.take(n)[:0], r.takeInts(n)[:0]
	for i, v := range fr.in {
		if !v.IsNil() {
			in, who = append(in, v.Elem()), append(who, fr.who[i])
		}
	}
	var base reflect.Value
	if fr.known && !fr.base.IsNil() {
		base = fr.base.Elem()
	}
	if f.remains(base, in, n) {
		p := reflect.New(f.elem.typ)
		r.trail = append(r.trail, step{f: f})
		r.element(f.elem, p.Elem(), base, fr.known, in, who)
		r.trail = r.trail[:len(r.trail)-1]
		fr.dst.Set(p)
	} else {
		fr.dst.SetZero()
	}
	r.give(n)
	r.giveInts(n)
}
