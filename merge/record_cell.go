package merge

import (
	"cmp"
	"encoding/binary"
	"strings"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// A cell is one node of the state of a [Record]. Cells know nothing of T:
// values and keys are canonical bytes, and the kind says how two versions of a
// cell join, so that a program joins fields that only another version of it
// knows.
//
// Cells are immutable once they are part of a state, and states share them.
// Kids are in ascending order of key, kind and type, each triple once.
type cell struct {
	key   string // what tells it from the other kids of its parent
	kind  cellKind
	typ   typeCode // of the values of a field, so that other types do not mix with them
	live  bool     // of rows, elements and entries: present
	stamp lww.Stamp
	value string
	kids  []cell
}

// A cellKind says what a cell holds and how it joins. Its number is part of
// the encoding.
type cellKind uint8

// The kinds of cells that hold a field, whose path is the key.
const (
	cellRegister  cellKind = iota + 1 // the newest stamp wins, then the larger value
	cellFirst                         // the oldest stamp wins, then the smaller value
	cellMax                           // the larger value wins, then the newer stamp
	cellMin                           // the smaller value wins, then the newer stamp
	cellImmutable                     // facts by value: the oldest wins, all are kept
	cellChoice                        // options by value: those who know the rule keep the best
	cellState                         // versions by value: those who know the type join them
	cellTotals                        // what each replica added
	cellManual                        // siblings by replica
	cellUnion                         // members by element
	cellSet                           // elements
	cellTable                         // entries by key
	cellRows                          // rows by key
	cellRow                           // a life, and fields; also the kid of cellRows
)

// The kinds of cells that are kids of those.
const (
	cellFact    cellKind = iota + 32 // value is the key; the older wins
	cellOption                       // value is the key; the newer wins
	cellVersion                      // value is the key; kids are what it includes
	cellSeen                         // the last write of a replica that a version includes
	cellTotal                        // the sum of a replica's changes
	cellReplica                      // the last write of a replica that is known of; kids are its siblings
	cellSibling                      // a value nobody replaced; the time is the key
	cellMember
	cellElement // the newest wins, removed before added
	cellEntry   // the newest wins, deleted before put
)

// positionKey is the key of the cell of a row that holds where the row stands
// in a list: written first, at which index. No path is a star.
const positionKey = "*"

// A layout says which parts of a cell are in use.
type layout struct {
	key   keyOf
	stamp bool // of a row it may be zero
	live  bool
	value bool     // if there is a live bit, only with it
	kids  cellKind // 0 if none, anyField for fields
}

// A keyOf says where the key of a cell comes from.
type keyOf uint8

const (
	keyPath keyOf = iota + 1
	keyBytes
	keyReplica // the replica of the stamp
	keyTime    // the time of the stamp
)

const anyField cellKind = 255

// layoutOf returns the layout of a kind, the zero layout if there is no such
// kind. The key of a row is a path or bytes, depending on its parent.
func layoutOf(k cellKind) layout {
	switch k {
	case cellRegister, cellFirst, cellMax, cellMin:
		return layout{key: keyPath, stamp: true, value: true}
	case cellImmutable:
		return layout{key: keyPath, kids: cellFact}
	case cellChoice:
		return layout{key: keyPath, kids: cellOption}
	case cellState:
		return layout{key: keyPath, kids: cellVersion}
	case cellTotals:
		return layout{key: keyPath, kids: cellTotal}
	case cellManual:
		return layout{key: keyPath, kids: cellReplica}
	case cellUnion:
		return layout{key: keyPath, kids: cellMember}
	case cellSet:
		return layout{key: keyPath, kids: cellElement}
	case cellTable:
		return layout{key: keyPath, kids: cellEntry}
	case cellRows:
		return layout{key: keyPath, kids: cellRow}
	case cellRow:
		return layout{key: keyPath, stamp: true, live: true, kids: anyField}
	case cellFact, cellOption, cellMember:
		return layout{key: keyBytes, stamp: true}
	case cellVersion:
		return layout{key: keyBytes, kids: cellSeen}
	case cellSeen:
		return layout{key: keyReplica, stamp: true}
	case cellTotal:
		return layout{key: keyReplica, stamp: true, value: true}
	case cellReplica:
		return layout{key: keyReplica, stamp: true, kids: cellSibling}
	case cellSibling:
		return layout{key: keyTime, stamp: true, value: true}
	case cellElement:
		return layout{key: keyBytes, stamp: true, live: true}
	case cellEntry:
		return layout{key: keyBytes, stamp: true, live: true, value: true}
	default:
		return layout{}
	}
}

// isField reports whether cells of the kind hold a field.
func (k cellKind) isField() bool { return k >= cellRegister && k <= cellRow }

// isRegister reports whether cells of the kind hold one value under one stamp.
func (k cellKind) isRegister() bool { return k >= cellRegister && k <= cellMin }

// isTyped reports whether fields of the kind say what type their values have.
func (k cellKind) isTyped() bool {
	return k.isField() && k != cellTotals && k != cellRows && k != cellRow
}

// timeKey returns the key of the sibling written at t.
func timeKey(t hlc.Timestamp) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(t)))
}

// order compares two cells by key and kind, which is where they are among
// their parent's kids.
func (c *cell) order(d *cell) int {
	if c.key != d.key {
		return strings.Compare(c.key, d.key)
	}
	return cmp.Or(cmp.Compare(c.kind, d.kind), cmp.Compare(c.typ, d.typ))
}

// same reports whether two cells are equal.
func (c *cell) same(d *cell) bool {
	return c.stamp.Time == d.stamp.Time && c.kind == d.kind && c.typ == d.typ && c.live == d.live &&
		sameText(c.key, d.key) && sameText(c.value, d.value) && sameText(string(c.stamp.Replica), string(d.stamp.Replica)) &&
		len(c.kids) == len(d.kids) && (len(c.kids) == 0 || sameCells(c.kids, d.kids))
}

// sameText is a == b without a call where both are empty, as many are.
func sameText(a, b string) bool { return len(a) == len(b) && (len(a) == 0 || a == b) }

func sameCells(a, b []cell) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if !a[i].same(&b[i]) {
			return false
		}
	}
	return true
}

// version compares two versions of a cell as "the newest wins" does: by stamp,
// a deleted one above one that is not, by value.
func (c *cell) version(d *cell) int {
	if n := c.stamp.Compare(d.stamp); n != 0 {
		return n
	}
	if c.live != d.live {
		return -value.CompareBool(c.live, d.live)
	}
	return strings.Compare(c.value, d.value)
}

// latest returns the largest time in c.
func (c *cell) latest() hlc.Timestamp {
	t := c.stamp.Time
	for i := range c.kids {
		t = max(t, c.kids[i].latest())
	}
	return t
}

// like returns the kid of c that is at the place of k, or nil.
func (c *cell) like(k *cell) *cell {
	if c == nil {
		return nil
	}
	return findCell(c.kids, k.key, k.kind, k.typ)
}

// kid returns the kid of c with the given key and kind and no type, or nil.
func (c *cell) kid(key string, kind cellKind) *cell {
	if c == nil {
		return nil
	}
	return findCell(c.kids, key, kind, 0)
}

func findCell(kids []cell, key string, kind cellKind, typ typeCode) *cell {
	lo, hi := 0, len(kids)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		n := strings.Compare(kids[mid].key, key)
		if n == 0 {
			n = cmp.Or(cmp.Compare(kids[mid].kind, kind), cmp.Compare(kids[mid].typ, typ))
		}
		switch {
		case n == 0:
			return &kids[mid]
		case n < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return nil
}

// retain returns the kids without the elements and entries, at any depth, that
// keep does not report, and without the fields that this leaves empty. It
// returns kids itself if nothing goes.
func retain(kids []cell, keep func(*cell) bool) []cell {
	var out []cell
	changed := false
	for i := range kids {
		k, ok := kids[i].retain(keep)
		if !changed && (!ok || !sameSlice(k.kids, kids[i].kids)) {
			changed, out = true, append(make([]cell, 0, len(kids)), kids[:i]...)
		}
		if changed && ok {
			out = append(out, k)
		}
	}
	if !changed {
		return kids
	}
	return out
}

func (c *cell) retain(keep func(*cell) bool) (cell, bool) {
	k := *c
	switch c.kind {
	case cellElement, cellEntry:
		return k, keep(c)
	case cellSet, cellTable, cellRows, cellRow:
		k.kids = retain(c.kids, keep)
		return k, len(k.kids) > 0 || k.kind == cellRow
	default:
		return k, true
	}
}

// sameSlice reports whether a and b are one slice, or both empty.
func sameSlice(a, b []cell) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
