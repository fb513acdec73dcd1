package crdt

import (
	"fmt"

	"github.com/rejoin-go/rejoin/vclock"
)

// Stats says what a state holds, for monitoring.
type Stats struct {
	Elements int // elements of a set, keys of a map, values of a register
	Dots     int // changes that it tells apart; an element added by two replicas concurrently has two
	Replicas int // replicas that it has seen changes of
	Gaps     int // stretches of changes that have not arrived, though a later one of the same replica has
	Residues int // removals that it has to remember; Compact drops them
	Bytes    int // size of its binary encoding
}

// statsOf returns the statistics of a state whose root is r.
func statsOf(r *root, v causal, elements int) Stats {
	st := Stats{Elements: elements, Bytes: len(appendCausal(nil, r, v))}
	v.stats(&st)
	for _, i := range r.sorted() {
		st.Replicas++
		st.Gaps += r.seen[i].gaps()
	}
	return st
}

// verify returns an error that names a dot which x and y hold with different
// content.
func verify(ours *root, x causal, theirs *root, y causal) error {
	if ours == nil || theirs == nil {
		return nil
	}
	here := make(map[vclock.Dot]string)
	x.events(func(d dot, what string) { here[ours.name(d)] = what })
	var err error
	first := vclock.Dot{}
	y.events(func(d dot, there string) {
		name := theirs.name(d)
		what, ok := here[name]
		if ok && what != there && (err == nil || name.Compare(first) < 0) {
			first = name
			err = fmt.Errorf("crdt: dot %s stands for two changes, %s here and %s there: its replica's name is used by two lineages",
				name, what, there)
		}
	})
	return err
}
