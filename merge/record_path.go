package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// namesOf returns the names of a path that is known to be well-formed.
func namesOf(path string) []string {
	if path == "" {
		return nil
	}
	names, _ := splitPath(path)
	return names
}

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
func (p *recordPart) byName(c *cell, name string) *cell {
	if c == nil {
		return nil
	}
	for i := range c.kids {
		if names := namesOf(p.keyText(c.kids[i].key)); len(names) == 1 && names[0] == name {
			return &c.kids[i]
		}
	}
	return nil
}

// newest returns the largest stamp in c.
func (c *cell) newest() lww.Stamp {
	s := c.stamp
	for i := range c.kids {
		if k := c.kids[i].newest(); k.After(s) {
			s = k
		}
	}
	return s
}

// Stamp returns who wrote what is at path, and when: for a field, the write
// that it shows, for an element or entry the last one, be it a delete, for
// everything else, the record itself with the empty path included, the last
// write or delete at or below it. It returns the zero Stamp if there is none.
//
// The path is one of those in reports and errors.
func (r *Record[T]) Stamp(path string) lww.Stamp {
	names, err := splitPath(path)
	if path == "" {
		return r.root.newest()
	}
	if err != nil || r.plan == nil {
		return lww.Stamp{}
	}
	return r.plan.record.stampAt(&r.root, names)
}

func (p *recordPart) stampAt(c *cell, names []string) lww.Stamp {
	switch {
	case c == nil:
		return lww.Stamp{}
	case len(names) == 0:
		if s := p.shown(c); s != nil {
			c = s
		}
		return c.newest()
	case p.kind == cellRow:
		q, _, rest := p.elem.match(names)
		if q == nil {
			return lww.Stamp{}
		}
		return q.stampAt(q.find(c.kids), rest)
	case p.kind == cellRows:
		kid := p.byName(c, names[0])
		return (&recordPart{kind: cellRow, elem: p.elem}).stampAt(kid, names[1:])
	case len(names) == 1 && p.f.key != nil:
		if kid := p.byName(c, names[0]); kid != nil {
			return kid.stamp
		}
	}
	return lww.Stamp{}
}

// Touch writes what is at path again as it is: under a new stamp, so that it
// stands against older writes that have not arrived. So a default becomes a
// value that somebody chose, and the provisional value of a field with rule
// manual the one that a person decided for. A row, such as the record itself
// with the empty path, becomes present if it is not there; one that is there has
// no stamp of its own, so touch its fields.
//
// The path is that of a field, of an element or entry that is there, or of a
// row. Touch returns an error for any other, and the errors of [Record.Update];
// the record is then as it was.
func (r *Record[T]) Touch(w lww.Writer, path string) error {
	top := r.top()
	var names []string
	if path != "" {
		var err error
		if names, err = splitPath(path); err != nil {
			return fmt.Errorf("merge: touch: %w", err)
		}
	}
	content, _ := r.Value()
	e := edit{w: w, horizon: r.horizon}
	d, err := e.touch(top, &r.root, reflect.ValueOf(&content).Elem(), names)
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
func (e *edit) touch(p *recordPart, c *cell, row reflect.Value, names []string) (*cell, error) {
	d := &cell{key: p.key, kind: cellRow, live: true, stamp: c.life()}
	if c != nil {
		d.key = c.key
	}
	if len(names) == 0 {
		return d, nil
	}
	q, member, rest := p.elem.match(names)
	if q == nil {
		return nil, nil
	}
	var held *cell
	if c != nil {
		held = q.find(c.kids)
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
	d.kids = []cell{*kid}
	return d, nil
}

// touchPart returns the change of one part of a row.
func (e *edit) touchPart(p *recordPart, c *cell, row reflect.Value, rest []string) (*cell, error) {
	at := spot{c, c}
	switch {
	case p.kind == cellRow:
		v := p.elem.row.zero
		if pv := p.f.in(row); !pv.IsNil() {
			v = pv.Elem()
		}
		return e.touch(p, c, v, rest)
	case p.kind == cellRows || p.kind == cellSet || p.kind == cellUnion || p.kind == cellTable:
		if len(rest) == 0 {
			return nil, nil
		}
		return e.touchKid(p, p.byName(c, rest[0]), rest[1:])
	case len(rest) > 0:
		return nil, nil
	case p.group != nil:
		return e.group(p, at, row)
	case p.kind == cellTotals:
		return e.add(p, at, int128{})
	case p.kind == cellState:
		return e.state(p, at, p.f.in(row), p.f.in(row))
	case p.kind == cellManual:
		return e.manual(p, at, p.f.in(row))
	}
	return e.leaf(p, at, reflect.Value{}, p.f.in(row))
}

// touchKid returns the change of an element or entry that is there.
func (e *edit) touchKid(p *recordPart, kid *cell, rest []string) (*cell, error) {
	if kid == nil || !kid.live && p.kind != cellUnion || len(rest) > 0 && p.kind != cellRows {
		return nil, nil
	}
	k := *kid
	if p.kind == cellRows {
		v := reflect.New(p.elem.row.typ).Elem()
		p.elem.fill(v, kid.kids)
		d, err := e.touch(&recordPart{kind: cellRow, elem: p.elem}, kid, v, rest)
		if d == nil || err != nil {
			return nil, err
		}
		k = *d
	} else {
		var err error
		if k.stamp, err = e.stamp(max(e.horizon, kid.stamp.Time)); err != nil {
			return nil, err
		}
	}
	return &cell{key: p.key, kind: p.kind, typ: p.typ, kids: []cell{k}}, nil
}

// Unknown returns the paths of fields that the record holds and its plan does
// not know, since another version of the program wrote them, or this one when
// the field had another rule. They are merged and encoded like all others. A
// star stands for any element or entry. The paths are sorted.
func (r *Record[T]) Unknown() []string {
	if r.plan == nil {
		return nil
	}
	var paths []string
	r.plan.record.elem.eachUnknown(r.root.kids, "", func(path string) { paths = append(paths, path) })
	slices.Sort(paths)
	return slices.Compact(paths)
}

// unknown reports whether w does not know k, one of its fields.
func (w *recordRow) unknown(k *cell) bool {
	return k.key != positionKey && w.part(k) == nil
}

func (w *recordRow) eachUnknown(kids []cell, prefix string, visit func(path string)) {
	for i := range kids {
		k := &kids[i]
		path := value.JoinPath(prefix, k.key)
		p := w.part(k)
		switch {
		case w.unknown(k):
			visit(path)
		case k.kind == cellRow:
			p.elem.eachUnknown(k.kids, path, visit)
		case k.kind == cellRows:
			for j := range k.kids {
				p.elem.eachUnknown(k.kids[j].kids, value.JoinPath(path, "*"), visit)
			}
		}
	}
}

// Forget drops a field that [Record.Unknown] lists, and reports whether there
// was one. It is not a write: a record that still holds the field brings it
// back when it is merged, so Forget has to be called everywhere, and after the
// last program that writes the field is gone.
func (r *Record[T]) Forget(path string) bool {
	if r.plan == nil || !slices.Contains(r.Unknown(), path) {
		return false
	}
	r.root.kids = r.plan.record.elem.forget(r.root.kids, "", path)
	return true
}

// forget returns kids without the unknown field at path.
func (w *recordRow) forget(kids []cell, prefix, path string) []cell {
	out := make([]cell, 0, len(kids))
	for _, k := range kids {
		at := value.JoinPath(prefix, k.key)
		p := w.part(&k)
		switch {
		case w.unknown(&k):
			if at == path {
				continue
			}
		case k.kind == cellRow && strings.HasPrefix(path, at):
			k.kids = p.elem.forget(k.kids, at, path)
		case k.kind == cellRows && strings.HasPrefix(path, at):
			k.kids = slices.Clone(k.kids)
			for j := range k.kids {
				k.kids[j].kids = p.elem.forget(k.kids[j].kids, value.JoinPath(at, "*"), path)
			}
		}
		out = append(out, k)
	}
	return out
}
