package crdt

import (
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A table numbers distinct keys in the order in which they came. Keys never
// leave it, so a number stays.
//
// Replicas hear of most keys in the same order, which lets them join two tables by
// walking both and asking the index only where the order differs.
type table[K comparable] struct {
	keys  []K
	index map[K]int // nil up to fewKeys, where a scan is as fast
}

const fewKeys = 8

// find returns the number of k, or -1.
func (t *table[K]) find(k K) int {
	if t.index == nil {
		return slices.Index(t.keys, k)
	}
	if i, ok := t.index[k]; ok {
		return i
	}
	return -1
}

// findFrom is find for a key that most likely has the number next.
func (t *table[K]) findFrom(next int, k K) int {
	if next < len(t.keys) && t.keys[next] == k {
		return next
	}
	return t.find(k)
}

// findBytes is find for the key whose canonical bytes are p, which are valid.
// Where the key is absent it returns it, too, to be added.
func (t *table[K]) findBytes(p []byte) (int, K) {
	var k K
	if _, ok := any(&k).(*string); ok && t.index != nil {
		if i, ok := any(t.index).(map[string]int)[string(p)]; ok { // allocates no string
			return i, k
		}
	}
	k, _ = value.DecodeKey[K](p)
	return t.find(k), k
}

// add gives k, which must be absent and normalized, the next number.
func (t *table[K]) add(k K) {
	t.keys = append(t.keys, k)
	if t.index != nil {
		t.index[k] = len(t.keys) - 1
	} else if len(t.keys) > fewKeys {
		t.index = make(map[K]int, 2*len(t.keys))
		for i, k := range t.keys {
			t.index[k] = i
		}
	}
}

// grow makes room for n keys in all.
func (t *table[K]) grow(n int) {
	t.keys = slices.Grow(t.keys, max(0, n-len(t.keys)))
	if t.index == nil && n > fewKeys {
		t.index = make(map[K]int, n)
		for i, k := range t.keys {
			t.index[k] = i
		}
	}
}

func (t *table[K]) clone() table[K] {
	c := table[K]{keys: slices.Clone(t.keys)}
	c.grow(len(c.keys))
	return c
}

// sorted returns the numbers of the keys in the order of their canonical bytes.
func (t *table[K]) sorted() []int {
	order := make([]int, len(t.keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return value.CompareKeys(t.keys[i], t.keys[j]) })
	return order
}

// normalized returns the key that k is stored as. It panics if K or k cannot be a
// key, with an error that names the type.
func normalized[K comparable](k K) K {
	n, err := value.Normalize(k)
	if err != nil {
		panic("crdt: " + err.Error())
	}
	return n
}
