package lww

import (
	"maps"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// few is the size up to which looking at all items beats an index.
const few = 8

// A table gives replica names small numbers, in order of arrival. The numbers
// mean nothing outside of it: versions compare names.
type table struct {
	names []vclock.Replica
	index map[vclock.Replica]uint32 // number by name; nil while there are few
}

// find returns the number of r, or absent.
func (t *table) find(r vclock.Replica) uint32 {
	if t.index != nil {
		if i, ok := t.index[r]; ok {
			return i
		}
		return absent
	}
	if i := slices.Index(t.names, r); i >= 0 {
		return uint32(i)
	}
	return absent
}

// absent is the number of a name that a table does not hold.
const absent = ^uint32(0)

// intern returns the number of r, which it gives it if there is none.
func (t *table) intern(r vclock.Replica) uint32 {
	i := t.find(r)
	if i != absent {
		return i
	}
	i = uint32(len(t.names))
	t.names = append(t.names, r)
	switch {
	case t.index != nil:
		t.index[r] = i
	case len(t.names) > few:
		t.index = make(map[vclock.Replica]uint32, 2*len(t.names))
		for i, r := range t.names {
			t.index[r] = uint32(i)
		}
	}
	return i
}

func (t *table) clone() table {
	return table{names: slices.Clone(t.names), index: maps.Clone(t.index)}
}
