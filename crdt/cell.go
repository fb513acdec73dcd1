package crdt

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// A cell is the store of flags and registers: the writes that no other has
// replaced, ascending by dot.
type cell[T any] []written[T]

type written[T any] struct {
	dot   dot
	value T
}

// A cellOp is the delta of one change to a cell: the writes it replaced, and the
// write it made, if any. Like setOp it holds names instead of indexes.
type cellOp[T any] struct {
	minted vclock.Dot
	value  T
	old    vclock.Dot
	more   []vclock.Dot // replaced dots after the first
}

func (d *cellOp[T]) isEmpty() bool { return d.minted.Seq == 0 && d.old.Seq == 0 }

func (d *cellOp[T]) replaces(old vclock.Dot) {
	if d.old.Seq == 0 {
		d.old = old
		return
	}
	d.more = append(d.more, old)
}

func (d *cellOp[T]) clone() cellOp[T] {
	c := *d
	c.more = slices.Clone(d.more)
	return c
}

// set replaces what seen covers, or everything if seen is nil, by a new write of
// the writer, and describes the change in d.
func (c *cell[T]) set(r *root, v T, seen *Context, d *cellOp[T]) {
	minted, ok := r.mint()
	if !ok {
		return
	}
	c.erase(r, seen, d)
	c.insert(minted, v)
	d.minted, d.value = r.name(minted), v
}

// newest returns the content of the write with the largest number among those that
// seen covers, or all if seen is nil; nil if there is none.
func (c *cell[T]) newest(r *root, seen *Context) *T {
	var found *written[T]
	for i := range *c {
		w := &(*c)[i]
		if seen != nil && !seen.has(r.name(w.dot)) {
			continue
		}
		if found == nil || cmp.Or(cmp.Compare(found.dot.seq, w.dot.seq), cmp.Compare(r.names[found.dot.replica], r.names[w.dot.replica])) < 0 {
			found = w
		}
	}
	if found == nil {
		return nil
	}
	return &found.value
}

// erase drops what seen covers, or everything if seen is nil, and describes the
// change in d.
func (c *cell[T]) erase(r *root, seen *Context, d *cellOp[T]) {
	kept := (*c)[:0]
	for _, w := range *c {
		name := r.name(w.dot)
		if seen != nil && !seen.has(name) {
			kept = append(kept, w)
			continue
		}
		d.replaces(name)
	}
	clear((*c)[len(kept):])
	*c = kept
}

// apply joins d into c, a cell of r, and reports whether that changed the two.
func (c *cell[T]) apply(r *root, d *cellOp[T]) bool {
	changed := false
	forget := func(old vclock.Dot) {
		x := r.dot(old)
		dropped, news := c.drop(x), r.see(x)
		changed = changed || dropped || news
	}
	if d.old.Seq != 0 {
		forget(d.old)
	}
	for _, old := range d.more {
		forget(old)
	}
	if d.minted.Seq != 0 {
		if x := r.dot(d.minted); r.see(x) {
			c.insert(x, d.value)
			changed = true
		}
	}
	return changed
}

// find returns where the write with the dot d is, or belongs.
func (c *cell[T]) find(d dot) (int, bool) {
	return slices.BinarySearchFunc(*c, d, func(w written[T], d dot) int { return w.dot.compare(d) })
}

func (c *cell[T]) insert(d dot, v T) {
	i, _ := c.find(d)
	*c = slices.Insert(*c, i, written[T]{d, v})
}

// drop removes the write with the dot d and reports whether there was one.
func (c *cell[T]) drop(d dot) bool {
	i, found := c.find(d)
	if found {
		*c = slices.Delete(*c, i, i+1)
	}
	return found
}

// join joins the peer's cell into c.
func (c *cell[T]) join(o cell[T], j *merging) bool {
	before := len(*c)
	*c = slices.DeleteFunc(*c, func(w written[T]) bool {
		if !j.theirSeen(w.dot.replica).contains(w.dot.seq) {
			return false
		}
		_, found := o.find(dotOf(uint32(j.from[w.dot.replica]), w.dot.seq))
		return !found
	})
	changed, news := len(*c) < before, 0
	for _, theirs := range o {
		if !j.ours.contains(j.ourDot(theirs.dot)) {
			news++
		}
	}
	if news == 0 {
		return changed
	}
	*c = slices.Grow(*c, news)
	for _, theirs := range o {
		if d := j.ourDot(theirs.dot); !j.ours.contains(d) {
			c.insert(d, theirs.value)
			changed = true
		}
	}
	return changed
}

func (c *cell[T]) clear(cl *clearing) {
	*c = slices.DeleteFunc(*c, func(w written[T]) bool {
		covered := cl.covers(w.dot)
		if covered {
			cl.drop(w.dot)
		}
		return covered
	})
}

func (c *cell[T]) dots(yield func(dot)) {
	for _, w := range *c {
		yield(w.dot)
	}
}

// equal reports whether c and o hold the same writes.
func (c *cell[T]) equal(o cell[T], j *merging, same func(a, b T) bool) bool {
	return len(*c) == len(o) && !slices.ContainsFunc(o, func(theirs written[T]) bool {
		i, found := c.find(j.ourDot(theirs.dot))
		return !found || !same((*c)[i].value, theirs.value)
	})
}

// ordered returns the writes in the order of their dots' names.
func (c *cell[T]) ordered(e *encoder) cell[T] {
	all := slices.Clone(*c)
	sortFew(all, func(a, b *written[T]) int { return e.compare(a.dot, b.dot) })
	return all
}

// arrange puts writes that were read into their order, and returns an error if
// one comes twice.
func (c *cell[T]) arrange(r *root) error {
	sortFew(*c, func(a, b *written[T]) int { return a.dot.compare(b.dot) })
	for i := range *c {
		if i > 0 && (*c)[i].dot == (*c)[i-1].dot {
			return fmt.Errorf("dot %s appears twice", r.name((*c)[i].dot))
		}
	}
	return nil
}
