// Package show prints what a state holds, for logs and debuggers.
package show

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// most is the number of members that are printed: a state may hold millions.
const most = 20

// Set returns the first elements in their order, and how many more there are.
func Set[E any](all iter.Seq[E]) string {
	list := slices.SortedFunc(all, compare)
	shown := min(len(list), most)
	words := make([]string, shown, shown+1)
	for i, e := range list[:shown] {
		words[i] = fmt.Sprint(e)
	}
	return "[" + join(words, len(list)) + "]"
}

// Map returns the entries of the first keys, and how many more there are.
func Map[K comparable, V any](all iter.Seq2[K, V]) string {
	entries := maps.Collect(all)
	keys := slices.SortedFunc(maps.Keys(entries), compare)
	shown := min(len(keys), most)
	words := make([]string, shown, shown+1)
	for i, k := range keys[:shown] {
		words[i] = fmt.Sprint(k) + ":" + fmt.Sprint(entries[k])
	}
	return "map[" + join(words, len(keys)) + "]"
}

func join(words []string, all int) string {
	if more := all - len(words); more > 0 {
		words = append(words, fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(words, " ")
}

// compare orders numbers and text as they are, and all else by how it prints.
func compare[E any](a, b E) int {
	x, y := reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem()
	switch {
	case x.CanInt():
		return cmp.Compare(x.Int(), y.Int())
	case x.CanUint():
		return cmp.Compare(x.Uint(), y.Uint())
	case x.CanFloat():
		return cmp.Compare(x.Float(), y.Float())
	case x.Kind() == reflect.String:
		return cmp.Compare(x.String(), y.String())
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
