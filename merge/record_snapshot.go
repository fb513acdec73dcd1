package merge

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// A Token says what a reader of a [Record] had seen of it: which lives, and
// which siblings of fields with rule manual. It goes with the value to where
// that is edited, as in a form, and comes back to [Record.Apply], which says
// how far one of another record is noticed. The zero Token has seen nothing and
// goes with a record that never held anything. A Token is opaque and immutable.
// Its size is O(d + s) for d deletes and s siblings that the record remembers.
type Token struct {
	root    cell.Cell
	deleted hlc.Timestamp // up to which the record had forgotten rows
}

// Snapshot returns the value, or the zero T, and a [Token] for [Record.Apply].
func (r *Record[T]) Snapshot() (T, Token) {
	v, _ := r.Get()
	return v, Token{r.state.root.Lives(), r.state.deleted}
}

// Apply writes what changed between read, which [Record.Snapshot] returned with
// seen, and next. Whatever was merged or written meanwhile stays, unless it is
// the same field; to set a record without saying what was read, for which there
// is no way, would revert it. Apply takes O(n).
//
// It returns a [*StaleError] if what it changes was deleted since, even if made
// again; to delete what others have deleted too writes nothing, unless that is
// forgotten: see [Record.CompactRows]. With keep, a change of what was deleted
// brings it back, and a delete beats what read shows: only fields with another
// value by now keep the row. It returns an [*OtherRecordError] if read shows
// that it is of another record, a [*BehindError] if seen or read show what has
// not arrived here, and else the errors of [Record.Update]. The record is then
// as it was.
//
// Read may leave out what the user was not shown: what is zero in read and in
// next is not written. Of a group, and of an element of a list, it has all or
// nothing. That read is of another record shows only by a delete, a sibling, an
// element, or a field with rule immutable that was set: give T one, such as its
// key, or keep the key of the record with the token and compare it. Apply
// stamps above what r holds: if the caller read elsewhere, a newer field there
// may win, so merge that state first.
func (r *Record[T]) Apply(w lww.Writer, seen Token, read, next T) error {
	return r.state.apply(w, seen, reflect.ValueOf(&read).Elem(), reflect.ValueOf(&next).Elem())
}

func (r *recordState) apply(w lww.Writer, seen Token, from, to reflect.Value) error {
	top, at := r.top(), spot{&r.root, &seen.root, &r.root}
	for _, v := range []reflect.Value{from, to} {
		if err := r.validate(v); err != nil {
			return err
		}
	}
	if top.elem.row.same(from, to) {
		return nil
	}
	e := r.edit(w)
	e.read = seen.deleted
	if err := r.behind(&e, at, from); err != nil {
		return reported(err)
	}
	return r.write(e.fields(top.elem, at, from, to))
}

// behind returns an error unless a caller may have seen what a token says, and
// read what is read.
func (r *recordState) behind(e *edit, at spot, read reflect.Value) error {
	top := r.top()
	missing := ""
	for _, p := range top.elem.parts {
		v := p.f.in(read)
		if p.kind != cell.Immutable || p.f.shape.IsZero(v) {
			continue
		}
		switch held := p.held(&r.root); {
		case held == nil:
			missing = cmp.Or(missing, p.key)
		case !p.hasFact(held, v):
			return &OtherRecordError{Path: p.key}
		}
	}
	if err := top.behind(e, at); err != nil {
		return err
	}
	if err := e.fresh(at, at.now.Life(), !top.elem.row.same(read, top.elem.row.zero)); err != nil {
		return err
	}
	if missing != "" {
		return &BehindError{Path: missing}
	}
	return nil
}

// hasFact reports whether one of the values that c, an immutable field, was set to reads v.
func (p *recordPart) hasFact(c *cell.Cell, v reflect.Value) bool {
	return slices.ContainsFunc(c.Kids, func(k cell.Cell) bool {
		x := p.f.blank()
		return p.decode(x, k.Key) && p.f.shape.Same(x, value.Addressable(v))
	})
}

// behind returns an error if the caller had seen a life or a sibling which the
// record does not know of, in what p holds, and has not forgotten. A nil p is a
// field that the plan does not know.
func (p *recordPart) behind(e *edit, at spot) error {
	now, seen := at.now, at.seen
	switch kind := seen.Kind; {
	case kind == cell.Row && seen.IsGone() && cell.CompareLives(now.Life(), seen.Life()) > 0:
		return nil // another delete ended the life that the caller saw the end of
	case kind == cell.Row && seen.Began().Time > e.deleted && cell.CompareLives(seen.Began(), now.Began()) > 0:
		return &BehindError{Stamp: seen.Began()}
	case kind == cell.Replica && (now == nil || seen.Stamp.After(now.Stamp)):
		return &BehindError{Stamp: seen.Stamp}
	case kind == cell.Row && (now == nil || !cell.Remains(e.seen(at), now.Life())):
		return nil // what was there is gone
	}
	for i := range seen.Kids {
		k := &seen.Kids[i]
		q, name := p.kid(seen.Kind, k)
		if err := q.behind(e, spot{now: now.Like(k), seen: k}); err != nil {
			return within(name, err)
		}
	}
	return nil
}

// kid returns what p says of k, and the name of k in paths, where k is a kid of
// a cell of the given kind.
func (p *recordPart) kid(of cell.Kind, k *cell.Cell) (*recordPart, string) {
	switch {
	case of == cell.Manual:
		return nil, ""
	case of == cell.Rows && p == nil:
		return nil, "*"
	case of == cell.Rows:
		return &recordPart{kind: cell.Row, elem: p.elem}, p.keyText(k.Key)
	case p == nil:
		return nil, k.Key
	default:
		return p.elem.part(k), k.Key
	}
}

// Seed joins into r a value that existed before it was replicated, as if
// written under the given stamp: regions that adopt copies of a row under one
// stamp get equal records, and differing copies converge, where first writes
// would count an additive field once per region. Fields that are zero stay
// unwritten. Nobody should write under the replica of the stamp.
//
// Seed has no effect on what was written later or deleted, but brings back a
// row that was deleted and is forgotten, or with keep whose delete had not seen
// the field: seed before deletes and [Record.CompactRows]. It returns the
// errors of [Record.Update], one for an invalid stamp and a [*lww.HorizonError]
// for one at or below the horizon; the record is then as it was.
func (r *Record[T]) Seed(content T, stamp lww.Stamp) error {
	return r.state.adopt(reflect.ValueOf(&content).Elem(), stamp)
}

func (r *recordState) adopt(v reflect.Value, stamp lww.Stamp) error {
	top := r.top()
	if !stamp.IsValid() {
		return fmt.Errorf("merge: invalid stamp of replica %q and time %d", string(stamp.Replica), uint64(stamp.Time))
	}
	if stamp.Time <= r.horizon {
		return &lww.HorizonError{Stamp: stamp, Horizon: r.horizon}
	}
	if err := r.validate(v); err != nil {
		return err
	}
	e := edit{shared: stamp, seed: true, deleted: r.deleted}
	d, err := e.row(top, "", spot{}, reflect.Value{}, v)
	if err != nil {
		return reported(err)
	}
	r.join(d)
	return nil
}
