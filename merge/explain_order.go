package merge

import (
	"slices"
)

// giveUp reports the order of a keyed list, if a side changed it and the result does not have
// it: the list is otherwise told element by element. The rule, who and known are those of
// fa; orders are the keys of each version as paths have them.
func (x *explainer) giveUp(fa *fact, base []string, in [][]string, result []string) {
	lost := false
	for i, keys := range in {
		fa.changed = append(fa.changed, !fa.known || reordered(base, keys))
		fa.stands = append(fa.stands, slices.Equal(shared(keys, result), shared(result, keys)))
		lost = lost || fa.changed[i] && !fa.stands[i]
	}
	if !lost {
		return
	}
	n := len(in)
	fa.value = func(i int) any {
		switch {
		case i == n:
			return Order(slices.Clone(result))
		case i >= 0:
			return Order(slices.Clone(in[i]))
		}
		return Order(slices.Clone(base))
	}
	x.add(fa)
}

// reordered reports whether somebody who made keys of base moved one, or put a new one
// before an old one.
func reordered(base, keys []string) bool {
	old := shared(keys, base) // no longer than keys, also where several of base have one name
	return !slices.Equal(old, shared(base, keys)) || !slices.Equal(old, keys[:len(old)])
}

// shared returns the keys that others has too.
func shared(keys, others []string) []string {
	in := make(map[string]bool, len(others))
	for _, k := range others {
		in[k] = true
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !in[k] })
}

// names returns the keys as paths have them.
func (k *keys) names() []string {
	out := make([]string, k.n)
	for i := range out {
		out[i] = k.f.keyText(k.read(i))
	}
	return out
}
