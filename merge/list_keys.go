package merge

import (
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
)

// smallList is the length up to which a list is searched by looking.
const smallList = 16

// Keys are the keys of one version of a list: a field of its elements, or for
// a set the elements themselves. They are read once, as strings if they are.
type keys struct {
	f      *field
	list   reflect.Value
	n      int
	texts  []string        // of keys of kind string
	vals   []reflect.Value // of others
	index  map[string]int  // position by canonical bytes; nil in short lists
	shared bool            // whether index is that of another version
	twice  string          // a key that two elements of a keyed list have, as paths have it
}

// read returns the key at position i.
func (k *keys) read(i int) reflect.Value {
	if k.f.class == classSet {
		return k.list.Index(i)
	}
	return k.f.keyOf(k.f.element(k.list, i))
}

// text returns the key at position i as a string that equals another just if
// the keys do.
func (k *keys) text(i int) string {
	if k.texts != nil {
		return k.texts[i]
	}
	p, err := k.f.key.Append(nil, value.Normal(k.f.key, k.vals[i]))
	if err != nil {
		return "\xff" + err.Error()
	}
	return string(p)
}

// same reports whether the key at position i is the one at position j of o.
func (k *keys) same(i int, o *keys, j int) bool {
	if k.texts != nil {
		return k.texts[i] == o.texts[j]
	}
	return value.SameKey(k.f.key, k.vals[i], o.vals[j])
}

// find returns the position of key i of o, looking at that position first, or
// -1.
func (k *keys) find(o *keys, i int) int {
	if i < k.n && k.same(i, o, i) {
		return i
	}
	if k.index != nil {
		if at, ok := k.index[o.text(i)]; ok {
			return at
		}
		return -1
	}
	if k.texts != nil {
		return slices.Index(k.texts, o.texts[i])
	}
	for at := range k.n {
		if k.same(at, o, i) {
			return at
		}
	}
	return -1
}

// first returns the first position that has the key at position i.
func (k *keys) first(i int) int {
	if k.index != nil {
		return k.index[k.text(i)]
	}
	if k.texts != nil {
		return slices.Index(k.texts, k.texts[i])
	}
	for j := range i {
		if k.same(j, k, i) {
			return j
		}
	}
	return i
}

// equal reports whether two lists have the same keys in the same order.
func (k *keys) equal(o *keys) bool {
	if k.n != o.n {
		return false
	}
	if k.texts != nil {
		return slices.Equal(k.texts, o.texts)
	}
	for i := range k.n {
		if !k.same(i, o, i) {
			return false
		}
	}
	return true
}

// A ref is a position in a version of a list.
type ref struct{ version, at int }
