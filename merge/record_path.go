package merge

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// match returns the part of w that names begin with, the member if it is a
// group, and the names that are left. The longest match counts.
func (w *recordRow) match(names []string) (p *recordPart, member *field, rest []string) {
	best := -1
	for i := range w.paths {
		q := &w.paths[i]
		if n := len(q.names); n > best && n <= len(names) && slices.Equal(q.names, names[:n]) {
			p, member, rest, best = q.part, q.member, names[n:], n
		}
	}
	return p, member, rest
}

// byName returns the kid of c, the cell of a set, map or list that p is, whose
// key has the given name in paths, or nil.
func (p *recordPart) byName(c *cell.Cell, name string) *cell.Cell {
	if c == nil {
		return nil
	}
	for i := range c.Kids {
		if names := namesOf(p.keyText(c.Kids[i].Key)); len(names) == 1 && names[0] == name {
			return &c.Kids[i]
		}
	}
	return nil
}

// Stamp returns who wrote what is at path, one of those in reports and errors,
// and when: for a field, the write that it shows, for an element or entry the
// last one, be it a delete, for all else, such as the record at the empty path,
// the last write or delete at or below it. It is zero if there is none.
func (r *Record[T]) Stamp(path string) lww.Stamp { return r.state.stamp(path) }

func (r *recordState) stamp(path string) lww.Stamp {
	names, err := splitPath(path)
	if path == "" {
		return r.root.Newest()
	}
	if err != nil || r.plan == nil {
		return lww.Stamp{}
	}
	return r.plan.top.stampAt(&r.root, names)
}

func (p *recordPart) stampAt(c *cell.Cell, names []string) lww.Stamp {
	switch {
	case c == nil:
		return lww.Stamp{}
	case len(names) == 0:
		if s := p.shown(c); s != nil {
			c = s
		}
		return c.Newest()
	case p.kind == cell.Row:
		q, member, rest := p.elem.match(names)
		if q == nil {
			return lww.Stamp{}
		}
		found := q.find(c.Kids)
		if member != nil {
			found = member.member(found, len(found.AllKids()) > 0)
		}
		return q.stampAt(found, rest)
	case p.kind == cell.Rows:
		kid := p.byName(c, names[0])
		return (&recordPart{kind: cell.Row, elem: p.elem}).stampAt(kid, names[1:])
	case len(names) == 1 && p.f.key != nil:
		if kid := p.byName(c, names[0]); kid != nil {
			return kid.Stamp
		}
	}
	return lww.Stamp{}
}

// Touch writes what is at path again as it is, under a new stamp, so that it
// stands against older writes that have not arrived. So a default becomes a
// value that somebody chose, and the provisional value of a field with rule
// manual the one that a person decided for. A row, such as the record at the
// empty path, becomes present if it is not there; one that is has no stamp of
// its own: touch its fields. It is an error if path is not that of a field, a
// row, or an element or entry that is there; others are those of
// [Record.Update]. The record is then as it was.
func (r *Record[T]) Touch(w lww.Writer, path string) error { return r.state.touch(w, path) }

func (r *recordState) touch(w lww.Writer, path string) error {
	top := r.top()
	var names []string
	if path != "" {
		var err error
		if names, err = splitPath(path); err != nil {
			return fmt.Errorf("merge: touch: %w", err)
		}
	}
	e := r.edit(w)
	d, err := e.touch(top, &r.root, r.value(), names)
	if err != nil {
		return reported(err)
	}
	if d == nil {
		return fmt.Errorf("merge: touch %q: there is no such field, element or entry", path)
	}
	r.join(d)
	return nil
}

// touch returns the change of a row, or nil if names lead nowhere.
func (e *edit) touch(p *recordPart, c *cell.Cell, row reflect.Value, names []string) (*cell.Cell, error) {
	d := &cell.Cell{Key: p.key, Kind: cell.Row, Live: true, Stamp: c.NextLife()}
	if c != nil {
		d.Key = c.Key
	}
	if c.IsGone() {
		c = nil
	}
	if len(names) == 0 {
		if c.Present() {
			return d, nil
		}
		return d, e.made(p, d)
	}
	q, member, rest := p.elem.match(names)
	if q == nil {
		return nil, nil
	}
	var held *cell.Cell
	if c != nil {
		held = e.find(q, c.Kids)
	}
	kid, err := e.touchPart(q, held, row, rest)
	if err != nil {
		name := q.key
		if member != nil {
			name = member.name
		}
		return nil, within(name, err)
	}
	if kid == nil {
		return nil, nil
	}
	d.Kids = []cell.Cell{*kid}
	return d, nil
}

// touchPart returns the change of one part of a row.
func (e *edit) touchPart(p *recordPart, c *cell.Cell, row reflect.Value, rest []string) (*cell.Cell, error) {
	at := spot{now: c, seen: c}
	switch {
	case p.kind == cell.Row:
		v := p.elem.row.zero
		if pv := p.f.in(row); !pv.IsNil() {
			v = pv.Elem()
		}
		return e.touch(p, c, v, rest)
	case p.kind == cell.Rows || p.kind == cell.Set || p.kind == cell.Union || p.kind == cell.Table:
		if len(rest) == 0 {
			return nil, nil
		}
		return e.touchKid(p, p.byName(c, rest[0]), rest[1:])
	case len(rest) > 0:
		return nil, nil
	case p.group != nil:
		return e.group(p, at, row)
	case p.kind == cell.Totals:
		return e.add(p, at, int128.Int{})
	case p.kind == cell.Sums:
		return e.sum(p, at, p.f.in(row), p.f.in(row))
	case p.kind == cell.State:
		return e.state(p, at, p.f.in(row), p.f.in(row))
	case p.carried(c) != nil: // as it is, be it that the program cannot read it
		content := p.carried(c).Content()
		if p.kind == cell.Manual {
			return e.manual(p, at, content)
		}
		return e.put(p, at, content)
	case p.kind == cell.Manual:
		return e.value(p, at, reflect.Value{}, p.f.in(row))
	}
	return e.leaf(p, at, reflect.Value{}, p.f.in(row))
}

// touchKid returns the change of an element or entry that is there.
func (e *edit) touchKid(p *recordPart, kid *cell.Cell, rest []string) (*cell.Cell, error) {
	if kid == nil || !kid.Live && p.kind != cell.Union || len(rest) > 0 && p.kind != cell.Rows {
		return nil, nil
	}
	k := *kid
	if p.kind == cell.Rows {
		v := reflect.New(p.elem.row.typ).Elem()
		p.elem.fill(v, kid.Kids)
		d, err := e.touch(&recordPart{kind: cell.Row, elem: p.elem}, kid, v, rest)
		if d == nil || err != nil {
			return nil, err
		}
		k = *d
	} else {
		var err error
		if k.Stamp, err = e.stamp(max(e.horizon, kid.Stamp.Time)); err != nil {
			return nil, err
		}
	}
	return &cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ, Kids: []cell.Cell{k}}, nil
}

// Unknown iterates, in the order of the encoding, over the fields that the
// record holds and its plan does not know, since another version of the program
// wrote them, or this one under another rule: the path, and what
// [Record.MarshalJSON] writes of it. A path with several rules or types has one
// field for each. They are merged and encoded like all others. The loop does
// not see what it does to r. It takes O(n).
func (r *Record[T]) Unknown() iter.Seq2[string, json.RawMessage] { return r.state.unknown }

func (r *recordState) unknown(yield func(path string, field json.RawMessage) bool) {
	if r.plan != nil {
		r.plan.top.elem.eachUnknown(r.root.Kids, "", func(path string, k *cell.Cell) bool { return yield(path, k.FieldJSON()) })
	}
}

// unknown reports whether w does not know k, one of its fields.
func (w *recordRow) unknown(k *cell.Cell) bool {
	return k.Kind != cell.Placed && k.Kind != cell.Deleted && w.part(k) == nil
}

// eachUnknown reports whether visit did so for all fields.
func (w *recordRow) eachUnknown(kids []cell.Cell, prefix string, visit func(path string, k *cell.Cell) bool) bool {
	for i := range kids {
		k := &kids[i]
		path := value.JoinPath(prefix, k.Key)
		p := w.part(k)
		switch {
		case w.unknown(k):
			if !visit(path, k) {
				return false
			}
		case k.Kind == cell.Row:
			if !p.elem.eachUnknown(k.Kids, path, visit) {
				return false
			}
		case k.Kind == cell.Rows:
			for j := range k.Kids {
				if !p.elem.eachUnknown(k.Kids[j].Kids, value.JoinPath(path, p.keyText(k.Kids[j].Key)), visit) {
					return false
				}
			}
		}
	}
	return true
}

// Forget drops a field that [Record.Unknown] lists, with a star in the path for
// any element or entry, as in "Lines.*.Color", and reports whether there was
// one. It is no write: a record that still holds the field brings it back when
// merged. So call it everywhere, after the last program that writes the field
// is gone and before the next Compact, which drops what kept away what was
// deleted. Where Unknown lists what another program wrote to a field that this
// one reads, under another rule or type, and that shows, write it first, or its
// value is lost; of a list or map, [Record.Touch] the parts whose stamps are
// from there.
func (r *Record[T]) Forget(path string) bool { return r.state.forget(path) }

func (r *recordState) forget(path string) (found bool) {
	if r.plan == nil {
		return false
	}
	if kids := r.plan.top.elem.forget(r.root.Kids, "", path, &found); found {
		r.root.Kids = kids
		r.drop()
	}
	return found
}

// forget returns kids without the unknown field at path, and sets found if there was one.
func (w *recordRow) forget(kids []cell.Cell, prefix, path string, found *bool) []cell.Cell {
	out := make([]cell.Cell, 0, len(kids))
	for _, k := range kids {
		at := value.JoinPath(prefix, k.Key)
		p := w.part(&k)
		switch {
		case w.unknown(&k):
			if at == path {
				*found = true
				continue
			}
		case k.Kind == cell.Row && strings.HasPrefix(path, at):
			k.Kids = p.elem.forget(k.Kids, at, path, found)
		case k.Kind == cell.Rows && strings.HasPrefix(path, at):
			k.Kids = slices.Clone(k.Kids)
			for j := range k.Kids {
				row := &k.Kids[j]
				for _, name := range []string{"*", p.keyText(row.Key)} {
					row.Kids = p.elem.forget(row.Kids, value.JoinPath(at, name), path, found)
				}
			}
		}
		out = append(out, k)
	}
	return out
}
