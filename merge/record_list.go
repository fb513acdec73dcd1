package merge

import (
	"cmp"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/rejoin-go/rejoin/merge/internal/cell"
	"github.com/rejoin-go/rejoin/vclock"
)

// list returns the elements of a keyed list that were added, changed, deleted
// or moved.
func (e *edit) list(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	rs, err := p.items(read)
	if err != nil {
		return nil, err
	}
	ns, err := p.items(next)
	if err != nil {
		return nil, err
	}
	l := listEdit{at: at, next: make([]listItem, len(ns))}
	var kids []cell.Cell
	err = p.pairItems(rs, ns, func(key string, r, n *item) error {
		c, err := e.row(p, key, at.kid(key, cell.Row), r.row(), n.row())
		if c != nil {
			kids = append(kids, *c)
		}
		l.note(e, key, r, n)
		return err
	})
	if err != nil || !l.moves() {
		return p.entries(kids), err
	}
	moved, err := l.place(e)
	if err != nil {
		return nil, err
	}
	return p.entries(withPlaces(kids, moved)), nil
}

// A listItem is an element of a list after an edit.
type listItem struct {
	key  string
	read int        // where it was in the list before, -1 if it was not there
	row  *cell.Cell // as the record holds it, nil if it is not there
	move bool       // it is to be placed
}

// A listEdit finds out which elements of a list have to be placed, and where.
// What was moved is what is not in the longest run of elements that stayed in
// order; all others keep the places that they have, or got meanwhile.
type listEdit struct {
	at   spot
	next []listItem
	gone []string // keys of those that were deleted, ascending
}

// note takes an element that was read or is in the list now.
func (l *listEdit) note(e *edit, key string, r, n *item) {
	if n == nil {
		l.gone = append(l.gone, key)
		return
	}
	i := listItem{key: key, read: -1}
	if r != nil {
		i.read = r.at
	}
	if at := l.at.kid(key, cell.Row); at.now.Present() && (r == nil || e.remains(at, at.now.Life())) {
		i.row = at.now
	}
	l.next[n.at] = i
}

// moves marks the elements that have to be placed, and reports whether there
// are any. One that others deleted meanwhile is not placed.
func (l *listEdit) moves() bool {
	last, sorted := -1, true
	for i := range l.next {
		n := &l.next[i]
		sorted = sorted && n.read > last
		last = n.read
	}
	if sorted {
		return false
	}
	for i := range l.next {
		l.next[i].move = l.next[i].read < 0 || l.next[i].row != nil
	}
	for _, i := range longestRun(l.next) {
		l.next[i].move = false
	}
	return slices.ContainsFunc(l.next, func(n listItem) bool { return n.move })
}

// longestRun returns the positions in list of the longest run of elements that
// are in the order in which they were read.
func longestRun(list []listItem) []int {
	ends := make([]int, 0, len(list)) // by length less one: the position of the smallest last element
	before := make([]int, len(list))
	for i := range list {
		if list[i].read < 0 || list[i].row == nil {
			continue
		}
		n := len(ends)
		if n > 0 && list[ends[n-1]].read > list[i].read {
			n, _ = slices.BinarySearchFunc(ends, list[i].read, func(at, read int) int { return cmp.Compare(list[at].read, read) })
		}
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	if len(ends) == 0 {
		return nil
	}
	run := make([]int, len(ends))
	for n, i := len(ends)-1, ends[len(ends)-1]; n >= 0; n, i = n-1, before[i] {
		run[n] = i
	}
	return run
}

// Where a place would have longPlace bytes or more, elements behind it are placed
// anew as well, as many as it takes to have one of no more than shortPlace: so
// places do not grow without bound.
const (
	longPlace  = 64
	shortPlace = 8
)

// A placer places elements one after the other.
type placer struct {
	stays  []*cell.Cell // the places of those that stay, in order
	left   *cell.Cell   // where the last element stands; nil for before all others
	anchor *cell.Cell   // where the last one that stays stands
	chosen bool         // left was chosen after anchor
	until  *cell.Cell   // all that stand before it are placed anew; nil for none
	toEnd  bool         // all are
}

// place returns the rows that say where the elements stand that were moved, or
// have to make room for them.
func (l *listEdit) place(e *edit) ([]cell.Cell, error) {
	p := placer{stays: l.stays()}
	var out []cell.Cell
	for i := range l.next {
		n := &l.next[i]
		old := n.row.Kid(cell.PositionKey, cell.Placed)
		if !n.move && (n.row == nil || !p.anew(old)) {
			continue
		}
		s, err := e.stamp(old.LatestOrZero())
		if err != nil {
			return nil, err
		}
		at := cell.Cell{Key: cell.PositionKey, Kind: cell.Placed, Stamp: s, Value: p.next(s.Replica)}
		p.left, p.chosen = &at, true
		out = append(out, cell.Cell{Key: n.key, Kind: cell.Row, Live: true, Stamp: l.at.now.Kid(n.key, cell.Row).Life(), Kids: []cell.Cell{at}})
	}
	slices.SortFunc(out, func(a, b cell.Cell) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// stays returns the places of the elements that keep theirs, in order.
func (l *listEdit) stays() []*cell.Cell {
	if l.at.now == nil {
		return nil
	}
	out := make([]*cell.Cell, 0, len(l.next))
	add := func(row *cell.Cell) {
		if at := row.Kid(cell.PositionKey, cell.Placed); at.IsPlaced() {
			out = append(out, at)
		}
	}
	for i := range l.next {
		if n := &l.next[i]; !n.move && n.row != nil {
			add(n.row)
		}
	}
	l.unseen(add)
	if !slices.IsSortedFunc(out, cell.ComparePlaces) {
		slices.SortFunc(out, cell.ComparePlaces)
	}
	return out
}

// unseen calls yield with the elements that the caller had not seen.
func (l *listEdit) unseen(yield func(row *cell.Cell)) {
	n := len(l.gone)
	for i := range l.next {
		if l.next[i].row != nil {
			n++
		}
	}
	for i := range l.at.now.Kids {
		if l.at.now.Kids[i].Live {
			n--
		}
	}
	if n == 0 && l.at.now == l.at.seen {
		return
	}
	listed := make(map[string]bool, len(l.next)+len(l.gone))
	for _, key := range l.gone {
		listed[key] = true
	}
	for i := range l.next {
		listed[l.next[i].key] = true
	}
	for i := range l.at.now.Kids {
		if k := &l.at.now.Kids[i]; k.Live && !listed[k.Key] {
			yield(k)
		}
	}
}

// anew reports whether an element that was not moved has to be placed anew: it
// has the place of the one before those that were put between the two, or none,
// or has to make room. One that has not is the last element then.
func (p *placer) anew(at *cell.Cell) bool {
	switch {
	case p.chosen && (!at.IsPlaced() || p.anchor != nil && cell.ComparePlaces(at, p.anchor) == 0):
		return true
	case p.toEnd, p.until != nil && cell.ComparePlaces(at, p.until) < 0:
		return true
	}
	p.left, p.anchor, p.chosen, p.until = at, at, false, nil
	return false
}

// next returns a place after the last element, chosen by r.
func (p *placer) next(r vclock.Replica) string {
	left, right, i := cell.ReadPlace(p.left), p.until, len(p.stays)
	if right == nil && !p.toEnd {
		i = sort.Search(len(p.stays), func(i int) bool { return cell.ComparePlaces(p.stays[i], p.left) > 0 })
		right = p.stay(i)
	}
	at := cell.Between(left, cell.ReadPlace(right), r, false).Append(nil, r)
	if len(at) < longPlace || p.until != nil || p.toEnd {
		return string(at)
	}
	for from := i; ; i++ {
		right = p.stay(i)
		if short := cell.Between(left, cell.ReadPlace(right), r, true).Append(nil, r); len(short) <= shortPlace || right == nil {
			if i > from {
				p.until, p.toEnd = right, right == nil
			}
			return string(short)
		}
	}
}

// stay returns the place of an element that stays, nil after the last.
func (p *placer) stay(i int) *cell.Cell {
	if i < len(p.stays) {
		return p.stays[i]
	}
	return nil
}

// withPlaces returns changed rows with the places of those that were placed
// among their fields; both lists are in order of keys.
func withPlaces(rows, places []cell.Cell) []cell.Cell {
	out := make([]cell.Cell, 0, len(rows)+len(places))
	for len(rows) > 0 || len(places) > 0 {
		switch {
		case len(places) == 0 || len(rows) > 0 && rows[0].Key < places[0].Key:
			out, rows = append(out, rows[0]), rows[1:]
		case len(rows) == 0 || places[0].Key < rows[0].Key:
			out, places = append(out, places[0]), places[1:]
		default:
			row := rows[0] // which may have its place written again, see stays: the new one counts
			row.Kids = slices.DeleteFunc(slices.Clone(row.Kids), func(k cell.Cell) bool { return k.Kind == cell.Placed })
			row.Kids = append(row.Kids, places[0].Kids...)
			slices.SortFunc(row.Kids, func(a, b cell.Cell) int { return a.Order(&b) })
			out, rows, places = append(out, row), rows[1:], places[1:]
		}
	}
	return out
}
