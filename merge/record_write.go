package merge

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// An edit turns the difference between two values of T into a state that holds
// what was written, to be joined into the record's.
type edit struct {
	w       lww.Writer
	shared  lww.Stamp // of every entry whose present time it is above
	horizon hlc.Timestamp
	deleted hlc.Timestamp // up to which the record has forgotten rows
	read    hlc.Timestamp // up to which the one had that the caller read
	whole   lww.Stamp     // at which the whole of what is written now was assigned
	parts   hlc.Timestamp // up to which its parts were written by another version of the program
	seed    bool          // all under the shared stamp
}

// stamp returns a stamp for an entry last written at the given time. One call
// stamps all it writes alike, except what is ahead of the clock: such an entry
// gets a stamp just above its own, so that the others are not drawn along.
func (e *edit) stamp(after hlc.Timestamp) (lww.Stamp, error) {
	if e.seed {
		return e.shared, nil
	}
	after = max(after, e.whole.Time, e.parts)
	if e.shared.IsZero() {
		s, err := e.w.Next(e.horizon)
		if err != nil {
			return s, &stampError{err}
		}
		e.shared = s
	}
	if e.shared.Time > after {
		return e.shared, nil
	}
	s, err := e.w.Next(after)
	if err != nil {
		return s, &stampError{err}
	}
	return s, nil
}

// A spot is where an edit is: what the record holds there, and what the caller
// had seen of it. Either may be nil for nothing.
type spot struct {
	now, seen *cell.Cell
	own       *cell.Cell // now, without what was assigned as a whole
}

func (at spot) kid(key string, kind cell.Kind) spot {
	return spot{at.now.Kid(key, kind), at.seen.Kid(key, kind), at.own.Kid(key, kind)}
}

// held returns the cell in which c holds p, or nil.
func (p *recordPart) held(c *cell.Cell) *cell.Cell {
	if c == nil {
		return nil
	}
	return cell.FindCell(c.Kids, p.key, p.kind, p.typ)
}

// seen returns the life of a row that the caller read, the next one if it was gone. A
// token has no open ones.
func (e *edit) seen(at spot) lww.Stamp {
	if s := at.seen.NextLife(); !s.IsZero() {
		return s
	}
	return cell.OpenLife(e.read)
}

// remains reports whether a row of the given life is the one that the caller read. One that
// is kept, and gone, may have been in what was assigned as a whole.
func (e *edit) remains(at spot, life lww.Stamp) bool {
	seen, last := e.seen(at), at.now.LastDelete()
	return cell.Remains(seen, life) || last != nil && last.Stamp == seen && at.now.Present()
}

// fresh returns an error unless the caller had seen the present life of a row, or the one
// before that which is made now, and had the row only if it is there or is kept.
func (e *edit) fresh(at spot, life lww.Stamp, had bool) error {
	switch {
	case had && !e.remains(at, life), !had && cell.CompareLives(e.seen(at), life) != 0:
		return &StaleError{Life: life}
	case had && at.now.IsGone():
		return nil
	case had && !at.now.Present() && !e.whole.IsZero():
		return &StaleError{Life: e.whole}
	case had && !at.now.Present():
		return &BehindError{}
	}
	return nil
}

// row returns the change of a row from read to next, either of which is invalid
// if the row is absent there; nil if there is none.
func (e *edit) row(p *recordPart, key string, at spot, read, next reflect.Value) (*cell.Cell, error) {
	had, has := read.IsValid(), next.IsValid()
	if !had && !has || had && has && p.elem.same(read, next) {
		return nil, nil
	}
	life := at.now.Life()
	if at.now == nil && p.kind == cell.Rows {
		life = cell.OpenLife(e.deleted)
	}
	made := life // what it would be of if it were made now
	if at.now.IsGone() {
		made = at.now.NextLife()
	}
	if !has && !at.now.Present() && (cell.CompareLives(made, e.seen(at)) > 0 || !e.whole.IsZero()) {
		return nil, nil // others deleted it too
	}
	if !had {
		life = made
	}
	if err := e.fresh(at, life, had); err != nil {
		return nil, err
	}
	d, whole := &cell.Cell{Key: key, Kind: cell.Row, Live: has, Stamp: life}, e.whole
	var err error
	switch {
	case !has && p.f != nil && p.f.rule.keep:
		return e.deleteKept(p, at, read)
	case !has:
		d.Stamp, err = e.stamp(at.now.LatestOrZero())
	case !had:
		if last := at.own.LastDelete(); last != nil && at.now.HasLeft() { // else that would be back
			d.Stamp = last.Stamp
		}
		if at.now.IsGone() || d.Stamp != life { // what is made is of another life
			at = spot{}
		}
		if d.Kids, err = e.fields(p.elem, at, p.elem.row.zero, next); err == nil {
			err = e.made(p, d)
		}
	default:
		if d.Kids, err = e.fields(p.elem, at, read, next); err == nil {
			err = e.stays(p, at.now, d, whole)
		}
	}
	return d, err
}

// stays sees to it that a row which is kept, or was assigned with a whole, is there after a
// change of it that only removes something: that is written again which says where the row stands.
func (e *edit) stays(p *recordPart, now, d *cell.Cell, whole lww.Stamp) error {
	if now.LastDelete() == nil && whole.IsZero() {
		return nil
	}
	if joined, _ := cell.Join(now, d, p); !joined.IsGone() && (whole.IsZero() || cell.HasAfter(joined.Kids, whole)) {
		return nil
	}
	s, err := e.stamp(now.LatestOrZero())
	at := cell.Cell{Key: cell.PositionKey, Kind: cell.Placed, Stamp: s}
	if old := now.Kid(at.Key, at.Kind); old.IsPlaced() {
		at.Value = string(cell.ReadPlace(old).Append(nil, s.Replica))
	}
	d.Kids = cell.JoinKids(d.Kids, []cell.Cell{at})
	return err
}

// deleteKept returns a row that is kept, deleted by somebody who read it as read: a field
// that has another value by now was not seen.
func (e *edit) deleteKept(p *recordPart, at spot, read reflect.Value) (*cell.Cell, error) {
	s, err := e.stamp(at.now.LatestOrZero())
	if err != nil {
		return nil, err
	}
	shown := reflect.New(p.elem.row.typ).Elem()
	p.elem.fill(shown, at.now.Kids)
	saw := func(k *cell.Cell) bool {
		q := p.elem.partOf(k.Key)
		return at.seen == at.now || q == nil || q.same(read, shown)
	}
	d, ok := at.now.Delete(s, saw)
	if at.own.Present() && at.own != at.now { // it goes with what was assigned over it
		own, fits := at.own.Delete(s, saw)
		d, _ = cell.Join(&d, &own, p)
		ok = ok && fits
	}
	if !ok {
		return nil, p.refuse("rows are too deep in each other to be kept")
	}
	return &d, nil
}

// made sees to it that something in a row which is made tells when it was: what has no
// stamp cannot be told from what all have seen. An element of a list gets a place; the
// record itself is never forgotten.
func (e *edit) made(p *recordPart, d *cell.Cell) error {
	if p.f == nil || p.f.class == classKeyed || slices.ContainsFunc(d.Kids, func(k cell.Cell) bool { return !k.Newest().IsZero() }) {
		return nil
	}
	s, err := e.stamp(d.Stamp.Time)
	nowhere := cell.Cell{Key: cell.PositionKey, Kind: cell.Placed, Stamp: s}
	d.Kids = append([]cell.Cell{nowhere}, d.Kids...)
	slices.SortFunc(d.Kids, func(a, b cell.Cell) int { return a.Order(&b) })
	return err
}

// fields returns the changes of the fields of a row.
func (e *edit) fields(w *recordRow, at spot, read, next reflect.Value) ([]cell.Cell, error) {
	var changes []cell.Cell
	for _, p := range w.parts {
		if p.same(read, next) {
			continue
		}
		c, err := e.part(p, at, read, next)
		if err != nil {
			return nil, err
		}
		if c != nil {
			changes = append(changes, *c)
		}
	}
	return changes, nil
}

// since returns the changes of the fields of a row from what it shows to next.
// It reads of the row what it has to.
func (e *edit) since(w *recordRow, now *cell.Cell, next reflect.Value) ([]cell.Cell, error) {
	var changes []cell.Cell
	read, own := w.row.zero, false
	for p, c := range w.each(now.Kids) {
		if p.holds(c, next) {
			continue
		}
		if c != nil {
			if !own {
				read, own = reflect.New(w.row.typ).Elem(), true
			}
			p.fillIn(read, c)
		}
		if p.same(read, next) {
			continue
		}
		d, err := e.part(p, spot{now, now, now}, read, next)
		if err != nil {
			return nil, err
		}
		if d != nil {
			changes = append(changes, *d)
		}
	}
	return changes, nil
}

// part returns the change of one part of a row, nil if there is none after all.
func (e *edit) part(p *recordPart, row spot, read, next reflect.Value) (*cell.Cell, error) {
	at := spot{seen: p.held(row.seen), own: p.held(row.own)}
	whole := e.whole
	if row.now != nil {
		at.now = e.find(p, row.now.Kids)
	}
	if p.group != nil {
		return e.group(p, at, next)
	}
	if row.now != nil && p.kind.IsRegister() {
		e.parts = cell.LatestOf(row.now.Kids, p.key)
	}
	c, err := e.value(p, at, p.f.in(read), p.f.in(next))
	e.whole, e.parts = whole, 0
	return c, within(p.key, err)
}

// find is find of p, for a write: that has to be later than the whole which was assigned, also
// where it is to what that does not have. Rows that only the whole has are as if they were
// made now.
func (e *edit) find(p *recordPart, kids []cell.Cell) *cell.Cell {
	if p.group != nil {
		return p.findGroup(kids)
	}
	own, whole := p.cells(kids)
	c := p.withMembers(p.over(own, whole), p.in.ungrouped(kids))
	if whole == nil {
		return c
	}
	if whole.Stamp.After(e.whole) {
		e.whole = whole.Stamp
	}
	for i := range c.Kids {
		if k := &c.Kids[i]; k.Kind == cell.Row && p.kind == cell.Rows && own.Like(k) == nil {
			k.Stamp = cell.OpenLife(e.deleted)
		}
	}
	return c
}

// value returns the change of a part that is no group.
func (e *edit) value(p *recordPart, at spot, r, n reflect.Value) (*cell.Cell, error) {
	switch p.kind {
	case cell.Row:
		return e.row(p, p.key, at, pointee(r), pointee(n))
	case cell.Rows:
		if p.f.class == classKeyed {
			return e.list(p, at, r, n)
		}
		return e.rowMap(p, at, r, n)
	case cell.Table:
		return e.table(p, at, r, n)
	case cell.Set, cell.Union:
		return e.set(p, at, r, n)
	case cell.Totals:
		return e.additive(p, at, r, n)
	case cell.Sums:
		return e.sum(p, at, r, n)
	case cell.State:
		return e.state(p, at, r, n)
	case cell.Manual:
		content, err := p.f.store(n, e.replaced(p.carried(at.now)))
		if err != nil {
			return nil, err
		}
		return e.manual(p, at, content)
	case cell.Register, cell.First, cell.Max, cell.Min, cell.Immutable, cell.Choice, cell.Placed, cell.Deleted, cell.Fact, cell.Option, cell.Version, cell.Seen,
		cell.Total, cell.Replica, cell.Sibling, cell.Member, cell.Element, cell.Entry, cell.Sum:
	}
	return e.leaf(p, at, r, n)
}

func pointee(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return reflect.Value{}
	}
	return v.Elem()
}

func (p *recordPart) refuse(reason string) error {
	return &WriteError{Rule: p.f.rule.String(), Reason: reason}
}

// leaf returns the change of a leaf that holds one value.
func (e *edit) leaf(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	if p.rule.unchanged != nil && read.IsValid() && p.rule.unchanged(p, read, next) {
		return nil, nil
	}
	if p.rule.refuses != nil {
		if reason := p.rule.refuses(p, next); reason != "" {
			return nil, p.refuse(reason)
		}
	}
	content, err := p.f.store(next, e.replaced(p.carried(at.now)))
	if err != nil {
		return nil, err
	}
	return e.put(p, at, content)
}

// carried returns what a write to p replaces, and whose unknown fields it keeps: of several
// values the newest. It is nil where programs need to know all of a value.
func (p *recordPart) carried(now *cell.Cell) *cell.Cell {
	if now == nil || p.isCombined() {
		return nil
	}
	return p.shown(now)
}

// replaced returns the bytes that c, which may be nil, has for a value that replaces it.
// What is seeded has the same bytes everywhere, and so takes nothing over.
func (e *edit) replaced(c *cell.Cell) string {
	if c == nil || e.seed {
		return ""
	}
	return c.Content()
}

// put returns a write of the given content to a leaf, or an error if it would
// not show.
func (e *edit) put(p *recordPart, at spot, content string) (*cell.Cell, error) {
	s, err := e.stamp(at.now.LatestOrZero())
	if err != nil {
		return nil, err
	}
	d := cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ}
	switch p.kind {
	case cell.Immutable:
		d.Kids = []cell.Cell{{Key: content, Kind: cell.Fact, Stamp: s}}
	case cell.Choice:
		d.Kids = []cell.Cell{{Key: content, Kind: cell.Option, Stamp: s}}
	case cell.Register, cell.First, cell.Max, cell.Min, cell.State, cell.Totals, cell.Manual, cell.Union, cell.Set, cell.Table, cell.Rows, cell.Row,
		cell.Placed, cell.Sums, cell.Deleted, cell.Fact, cell.Option, cell.Version, cell.Seen, cell.Total, cell.Replica, cell.Sibling, cell.Member, cell.Element,
		cell.Entry, cell.Sum:
		d.Stamp, d.Value = s, content
	}
	joined := d
	if at.now == nil || e.seed {
		return &joined, nil
	}
	joined, _ = cell.Join(at.now, &d, p)
	if shown := p.shown(&joined); shown == nil || shown.Content() != content {
		return nil, p.refuse(p.rule.stays)
	}
	return &joined, nil
}

// same reports whether two rows do not differ in p, as records keep it.
func (p *recordPart) same(a, b reflect.Value) bool {
	if p.group != nil {
		return !slices.ContainsFunc(p.group, func(f *field) bool { return !f.alike(f.in(a), f.in(b)) })
	}
	x, y := p.f.in(a), p.f.in(b)
	return p.f.same(x, y) || p.holdsOne() && p.f.alike(x, y)
}

// holdsOne reports whether p is written as one value.
func (p *recordPart) holdsOne() bool {
	return p.kind.IsRegister() || p.kind == cell.Immutable || p.kind == cell.Choice || p.kind == cell.Manual
}

// group returns a write of all members of a group.
func (e *edit) group(p *recordPart, at spot, next reflect.Value) (*cell.Cell, error) {
	type member struct{ name, content string }
	var tuple []member
	olds := map[string]string{}
	cell.EachMember(e.replaced(at.now), func(name, content string) {
		if f := p.member(name); f == nil { // members that only other programs know move along
			tuple = append(tuple, member{name, content})
		} else if content[0] == byte(f.code) {
			olds[name] = content[1:]
		}
	})
	for _, f := range p.group {
		old, v := olds[f.name], f.in(next)
		content, err := f.store(v, old)
		if old != "" && v.IsZero() && f.load(f.blank(), old) != nil { // it was not there to be seen
			content = old
		}
		if err != nil {
			return nil, within(f.name, err)
		}
		tuple = append(tuple, member{f.name, string([]byte{byte(f.code)}) + content})
	}
	slices.SortStableFunc(tuple, func(a, b member) int { return strings.Compare(a.name, b.name) })
	var b []byte
	for _, m := range tuple {
		b = wire.AppendBytes(wire.AppendBytes(b, m.name), m.content)
	}
	return e.put(p, at, string(b))
}

// additive returns the writer's total after a change from read to next.
func (e *edit) additive(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	if read.CanInt() {
		return e.add(p, at, int128.Of(next.Int()).Minus(int128.Of(read.Int())))
	}
	return e.add(p, at, int128.OfUint(next.Uint()).Minus(int128.OfUint(read.Uint())))
}

func (e *edit) add(p *recordPart, at spot, change int128.Int) (*cell.Cell, error) {
	sum := change
	if at.now != nil {
		sum = sum.Plus(at.now.Sum())
	}
	if v := reflect.New(p.f.typ).Elem(); !fits(v, sum) {
		return nil, p.overflow("the sum of all changes does not fit " + p.f.typ.String())
	}
	s, err := e.stamp(at.now.LatestOrZero())
	if err != nil {
		return nil, err
	}
	if own := at.now.Kid(string(s.Replica), cell.Total); own != nil {
		change = change.Plus(cell.ReadTotal(own.Value))
	}
	content, ok := cell.AppendTotal(nil, change)
	if !ok {
		return nil, p.overflow(fmt.Sprintf("the changes of %q do not fit 65 bits", string(s.Replica)))
	}
	t := cell.Cell{Key: string(s.Replica), Kind: cell.Total, Stamp: s, Value: string(content)}
	return &cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ, Kids: []cell.Cell{t}}, nil
}

// fits reports whether the type of v has the number sum.
func fits(v reflect.Value, sum int128.Int) bool {
	if v.CanInt() {
		n, ok := sum.Int64()
		return ok && !v.OverflowInt(n)
	}
	n, ok := sum.Uint64()
	return ok && !v.OverflowUint(n)
}

// state returns a version that includes what the record holds and next.
func (e *edit) state(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	if next.Kind() == reflect.Pointer && next.IsNil() {
		return nil, p.refuse("nil does not include what is there")
	}
	content, err := p.f.store(next, "")
	if err != nil {
		return nil, err
	}
	both, err := p.f.store(read, "")
	if err != nil {
		return nil, err
	}
	if both, err := p.joinContents(both, content); err != nil {
		return nil, err
	} else if both != content {
		return nil, p.refuse("the value does not include what was read")
	}
	s, err := e.stamp(at.now.LatestOrZero())
	if err != nil {
		return nil, err
	}
	v := cell.Cell{Key: content, Kind: cell.Version, Kids: []cell.Cell{{Key: string(s.Replica), Kind: cell.Seen, Stamp: s}}}
	if at.now != nil {
		if shown := p.shown(at.now); shown != nil && p.understands(shown.Key) {
			if v.Key, err = p.joinContents(shown.Key, v.Key); err != nil {
				return nil, err
			}
			v.Kids = cell.JoinKids(shown.Kids, v.Kids)
		}
	}
	return &cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ, Kids: []cell.Cell{v}}, nil
}

// manual returns a sibling that replaces those that the caller had seen.
func (e *edit) manual(p *recordPart, at spot, content string) (*cell.Cell, error) {
	s, err := e.stamp(max(at.now.LatestOrZero(), at.seen.LatestOrZero()))
	if err != nil {
		return nil, err
	}
	own := cell.Cell{Key: string(s.Replica), Kind: cell.Replica, Stamp: s}
	seen, now := at.seen.Kid(own.Key, own.Kind), at.now.Kid(own.Key, own.Kind)
	if now != nil { // the stamp covers them, though the caller had not seen them
		for _, k := range now.Kids {
			if seen == nil || k.Stamp.Time > seen.Stamp.Time {
				own.Kids = append(own.Kids, k)
			}
		}
	}
	own.Kids = append(own.Kids, cell.Cell{Key: cell.TimeKey(s.Time), Kind: cell.Sibling, Stamp: s, Value: content})
	d := &cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ, Kids: []cell.Cell{own}}
	if at.seen != nil {
		for _, k := range at.seen.Kids {
			if k.Key != own.Key {
				d.Kids = append(d.Kids, cell.Cell{Key: k.Key, Kind: cell.Replica, Stamp: k.Stamp})
			}
		}
		slices.SortFunc(d.Kids, func(a, b cell.Cell) int { return a.Order(&b) })
	}
	return d, nil
}
