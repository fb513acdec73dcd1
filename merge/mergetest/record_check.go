package mergetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// key returns the encoding of a record, or "" if it has none, which the check of
// encodings tells.
func key[T any](rec *merge.Record[T]) string {
	b, err := rec.MarshalBinary()
	if err != nil {
		return ""
	}
	return string(b)
}

// shows returns the key of what a record shows.
func shows[T any](rec *merge.Record[T]) string {
	v, ok := rec.Get()
	return fmt.Sprint(ok, keyOf(v))
}

// text shows a record to people.
func text[T any](rec *merge.Record[T]) string {
	if v, ok := rec.Get(); ok {
		return show(v)
	}
	return "nothing"
}

// texts shows records of which the last two differ. Where these read the same,
// their JSON follows.
func texts[T any](recs ...*merge.Record[T]) []any {
	out := make([]any, len(recs))
	for i, rec := range recs {
		out[i] = text(rec)
	}
	if len(recs) < 2 || out[len(out)-1] != out[len(out)-2] {
		return out
	}
	for i := len(recs) - 2; i < len(recs); i++ {
		p, err := recs[i].MarshalJSON()
		if err != nil {
			p = []byte(err.Error())
		}
		out[i] = fmt.Sprintf("%s, as JSON %s", out[i], p)
	}
	return out
}

// alike reports whether a record need not tell two values apart: nil and empty, 0 and −0, and
// what p says besides.
func alike(a, b any, p printer) bool {
	p.key, p.loose = true, true
	return p.text(reflect.ValueOf(a), 0) == p.text(reflect.ValueOf(b), 0)
}

// differ returns the changes that make w of v, by what a merge takes for one.
func (r *recordRun[T]) differ(v, w T) []merge.Change {
	_, report, err := r.k.Plan.Explain(&v, merge.Side[T]{Value: w})
	if _, isConflict := errors.AsType[*merge.ConflictError](err); err != nil && !isConflict {
		return []merge.Change{{Rule: err.Error()}}
	}
	return slices.DeleteFunc(report.Changes, func(c merge.Change) bool {
		p := printer{sets: c.Rule == "set" || c.Rule == "union"}
		if c.Rule == "additive" {
			p.sums = new([]reflect.Value)
		}
		return alike(c.Base, c.Candidates[0].Value, p)
	})
}

// checkWrite checks that what was written can be read, but where something else
// was written after the writer had read, and that nothing was taken away.
func (r *recordRun[T]) checkWrite(at *site[T], before state[T], w Write[T]) *LawError {
	got, ok := at.rec.Get()
	wrote := r.differ(w.Read, w.Next)
	if !ok && len(wrote) > 0 {
		return broken(ReadBack, "%s shows nothing", at.replica())
	}
	if failure := r.checkOrder(at, before, w, got); failure != nil {
		return failure
	}
	held, _ := before.rec.Get()
	meanwhile := r.differ(w.Read, held)
	for _, c := range r.differ(w.Next, got) {
		if !slices.ContainsFunc(meanwhile, func(d merge.Change) bool { return covers(d.Path, c.Path) }) {
			return broken(ReadBack, "at %q, %s reads %s and not %s", c.Path, at.replica(), show(c.Candidates[0].Value), show(c.Base))
		}
	}
	return checkInflation(at, before)
}

// checkOrder checks that a value reads as it was written, with its lists in their order, where
// the writer had read what the record held: as in a record that was never anything else. What
// such a record refuses says nothing of this one.
func (r *recordRun[T]) checkOrder(at *site[T], before state[T], w Write[T], got T) *LawError {
	if w.seen != before.seen {
		return nil
	}
	fresh := r.k.Plan.NewRecord()
	if err := fresh.Update(lww.Writer{Replica: at.replica(), Clock: &ticks{}}, func(v *T) error { *v = clone(w.Next); return nil }); err != nil {
		return nil
	}
	if want, _ := fresh.Get(); !alike(want, got, printer{sums: new([]reflect.Value)}) {
		return broken(ReadBack, "%s reads %s and not %s", at.replica(), show(got), show(want))
	}
	return nil
}

// checkInflation checks that a record includes what it was before a write.
func checkInflation[T any](at *site[T], before state[T]) *LawError {
	x, y := before.rec.Clone(), at.rec.Clone()
	x.Merge(at.rec)
	if y.Merge(before.rec); key(x) == at.key && key(y) == at.key {
		return nil
	}
	wrong := x
	if key(x) == at.key {
		wrong = y
	}
	return broken(Inflation, "x is %s\nafter the write it is %s\nmerged with x that is %s", texts(before.rec, at.rec, wrong)...)
}

// checkApart changes what was handed to and by a record, and looks at the record.
func (r *recordRun[T]) checkApart(at *site[T], given *T) *LawError {
	was := shows(at.rec)
	got, _ := at.rec.Get()
	for _, v := range []struct {
		what string
		at   *T
	}{{"what was written", given}, {"what Value returned", &got}} {
		poke(reflect.ValueOf(v.at).Elem(), 0)
		for seed := range 2 {
			tryOut(func(v *T) { r.k.edit(seed, "poke", v) }, v.at)
		}
		if key(at.rec) != at.key || shows(at.rec) != was {
			return broken(Aliasing, "changing %s changes the record, which is now %s", v.what, text(at.rec))
		}
	}
	return nil
}

// merge joins y, which travels in some form, into the record of a site and checks
// the laws of Merge.
func (r *recordRun[T]) merge(at *site[T], y state[T], f form) *LawError {
	arrived, failure := r.travel(y.rec, f)
	if failure != nil {
		return failure
	}
	before := at.copied()
	changed := at.rec.Merge(arrived)
	at.key, at.seen = key(at.rec), at.seen|y.seen
	if !r.laws {
		return nil
	}
	if key(y.rec) != y.key {
		return broken(Argument, "the argument of Merge is now %s", text(y.rec))
	}
	if changed != (at.key != before.key) {
		return broken(Reports, "Merge returned %t\nbefore: %s\nafter:  %s", append([]any{changed}, texts(before.rec, at.rec)...)...)
	}
	if failure := r.checkChanged(before, y.rec, at); failure != nil {
		return failure
	}
	return r.checkJoin(before, y, at.state)
}

// travel returns rec as it arrives somewhere else.
func (r *recordRun[T]) travel(rec *merge.Record[T], f form) (*merge.Record[T], *LawError) {
	if f == direct {
		return rec, nil
	}
	arrived := r.k.Plan.NewRecord()
	var p []byte
	var err error
	if f == inBinary {
		if p, err = rec.MarshalBinary(); err == nil {
			err = arrived.UnmarshalBinary(p)
		}
	} else if p, err = rec.MarshalJSON(); err == nil {
		err = arrived.UnmarshalJSON(p)
	}
	switch {
	case err != nil:
		return nil, broken(RoundTrip, "encoding and decoding %s%s: %v", text(rec), f.phrase(), err)
	case !arrived.Equal(rec) || key(arrived) != key(rec):
		return nil, broken(RoundTrip, "encoded: %s\ndecoded%s: %s", text(rec), f.phrase(), text(arrived))
	}
	return arrived, nil
}

// checkJoin checks the laws of z = x ⊔ y.
func (r *recordRun[T]) checkJoin(x, y, z state[T]) *LawError {
	yx := y.rec.Clone()
	if yx.Merge(x.rec); key(yx) != z.key || !yx.Equal(z.rec) {
		return broken(MergeCommutative, "x is %s\ny is %s\nx ⊔ y is %s\ny ⊔ x is %s", texts(x.rec, y.rec, z.rec, yx)...)
	}
	for _, twice := range []state[T]{x, y, z} {
		again := z.rec.Clone()
		if again.Merge(twice.rec) || key(again) != z.key || !again.Equal(z.rec) {
			return broken(MergeIdempotent, "x is %s\ny is %s\nx ⊔ y is %s\nmerged with %s again it is %s",
				append(texts(x.rec, y.rec, z.rec), text(twice.rec), texts(z.rec, again)[1])...)
		}
	}
	for _, s := range r.sites {
		left, right, yw := z.rec.Clone(), x.rec.Clone(), y.rec.Clone()
		left.Merge(s.rec)
		yw.Merge(s.rec)
		if right.Merge(yw); key(left) != key(right) {
			return broken(MergeAssociative, "x is %s\ny is %s\nz is %s\n(x ⊔ y) ⊔ z is %s\nx ⊔ (y ⊔ z) is %s",
				texts(x.rec, y.rec, s.rec, left, right)...)
		}
	}
	return nil
}

// checkChanged checks that Changed and Explain foretold what merging y changed.
func (r *recordRun[T]) checkChanged(before state[T], y *merge.Record[T], after *site[T]) *LawError {
	paths, report := before.rec.Changed(y), before.rec.Explain(y)
	if key(before.rec) != before.key {
		return broken(Argument, "Changed or Explain changed the record to %s", text(before.rec))
	}
	if after.key == before.key && len(paths) > 0 {
		return broken(Reports, "merging changes nothing, but Changed returns %q", paths)
	}
	v, had := before.rec.Get()
	w, has := after.rec.Get()
	if had != has && len(paths) == 0 {
		return broken(Reports, "merging makes %s of %s, but Changed returns nothing", text(after.rec), text(before.rec))
	}
	told := slices.Clone(paths)
	for _, c := range report.Changes {
		told = append(told, c.Path)
	}
	for _, c := range r.differ(v, w) {
		for i, list := range [][]string{paths, told[len(paths):]} {
			if !slices.ContainsFunc(list, func(p string) bool { return covers(p, c.Path) }) {
				return broken(Reports, "merging changes %q from %s to %s, but %s returns %q", c.Path,
					show(c.Base), show(c.Candidates[0].Value), [...]string{"Changed", "Explain"}[i], list)
			}
		}
	}
	return nil
}

// covers reports whether one of two paths is the other or below it.
func covers(p, q string) bool {
	if len(p) > len(q) {
		p, q = q, p
	}
	return p == "" || p == q || strings.HasPrefix(q, p+".")
}

// after checks what must hold after every step: nothing but the record of one
// site has changed, that reads as the model says, and its encoding is whole.
func (r *recordRun[T]) after(at *site[T]) *LawError {
	for _, s := range r.sites {
		if key(s.rec) != s.key {
			return broken(Aliasing, "the last step changed the record of %s too, which is now %s", s.name, text(s.rec))
		}
	}
	if _, failure := r.travel(at.rec, inBinary); failure != nil {
		return failure
	}
	first, again := at.rec.Check(), at.rec.Check()
	if fmt.Sprint(first) != fmt.Sprint(again) {
		return broken(Deterministic, "Check returns %v once,\nand another time %v", first, again)
	}
	return r.checkModel(at.rec, at.seen, string(at.replica()))
}

func (r *recordRun[T]) checkModel(rec *merge.Record[T], seen writeSet, who string) *LawError {
	v, _ := rec.Get()
	if r.k.Invariant != nil && !r.wrong {
		if err := r.k.Invariant(v); err != nil {
			return broken(Invariant, "%s shows %s: %v", who, show(v), err)
		}
	}
	if r.k.Model == nil {
		return nil
	}
	var visible []Write[T]
	for _, w := range r.writes {
		if seen.has(w.index) {
			visible = append(visible, w)
		}
	}
	var got any = v
	if r.k.View != nil {
		got = r.k.View(v)
	}
	if want := r.k.Model(visible); !alike(got, want, printer{sums: new([]reflect.Value)}) {
		return broken(Model, "%s shows %s, want %s", who, show(got), show(want))
	}
	return nil
}
