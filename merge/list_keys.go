package merge

import (
	"fmt"
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
)

// smallList is the length up to which a list is searched by looking.
const smallList = 16

// Keys are the keys of one version of a list: a field of its elements, or for
// a set the elements themselves. They are read once, as strings if they are.
type keys struct {
	f     *field
	list  reflect.Value
	n     int
	texts []string        // of keys of kind string
	vals  []reflect.Value // of others
	index map[string]int  // position by canonical bytes; nil in short lists
}

// keysOf reads the keys of a list into k. For a keyed list it fails if two
// elements have one key or an element is missing.
func (r *run) keysOf(k *keys, f *field, list reflect.Value) {
	k.f, k.list, k.n, k.texts, k.vals, k.index = f, list, list.Len(), nil, nil, nil
	if f.byRef {
		for i := range k.n {
			if list.Index(i).IsNil() {
				r.fail(f, fmt.Errorf("element %d is a nil pointer", i))
				k.n = 0
				return
			}
		}
	}
	if f.key.Kind == value.KindString {
		k.texts = r.textsOf(f, list)
	} else {
		k.vals = r.take(k.n)
		for i := range k.vals {
			k.vals[i] = k.read(i)
		}
	}
	if i := r.indexKeys(k); i >= 0 && f.class == classKeyed {
		r.fail(f, fmt.Errorf("two elements have the key %s", f.keyText(k.read(i))))
	}
}

// textsOf returns the keys of a list that are strings.
func (r *run) textsOf(f *field, list reflect.Value) []string {
	if f.class == classSet && list.CanAddr() {
		if p, ok := reflect.TypeAssert[*[]string](list.Addr()); ok {
			return *p
		}
	}
	texts := r.takeTexts(list.Len())
	switch {
	case f.class == classSet:
		for i := range texts {
			texts[i] = list.Index(i).String()
		}
	case !f.byRef && len(f.at[0]) == 1:
		at := f.at[0][0]
		for i := range texts {
			texts[i] = list.Index(i).Field(at).String()
		}
	default:
		for i := range texts {
			texts[i] = f.keyOf(f.element(list, i)).String()
		}
	}
	return texts
}

// indexKeys gives a long list an index. It returns the position of a key that
// a keyed list has before it, or -1.
func (r *run) indexKeys(k *keys) (again int) {
	again = -1
	if k.n <= smallList && k.f.class == classSet {
		return again
	}
	if k.n > smallList {
		k.index = r.table()
		for i := range k.n {
			text := k.text(i)
			if _, ok := k.index[text]; ok {
				again = i
			} else {
				k.index[text] = i
			}
		}
		return again
	}
	for i := 1; i < k.n; i++ {
		if k.first(i) < i {
			again = i
		}
	}
	return again
}

// table returns an empty table from the run's store; done puts it back.
func (r *run) table() map[string]int {
	if n := len(r.tables); n > 0 {
		t := r.tables[n-1]
		r.tables = r.tables[:n-1]
		return t
	}
	return make(map[string]int)
}

func (r *run) done(k *keys) {
	if k.index != nil {
		clear(k.index)
		r.tables = append(r.tables, k.index)
	}
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
	for i := range k.n {
		if !k.same(i, o, i) {
			return false
		}
	}
	return true
}
