package crdttest

import "slices"

// end checks what must hold at the end of a history.
func (r *run[S]) end(h history) *LawError {
	states := r.distinct()
	largest := states[0]
	for _, s := range states {
		if len(r.k.key(s)) > len(r.k.key(largest)) {
			largest = s
		}
	}
	for _, check := range []func() *LawError{
		r.checkDeltas,
		func() *LawError { return r.k.checkAll(states) },
		r.checkPaths,
		r.checkConvergence,
		func() *LawError { return r.checkReplay(h) },
		func() *LawError { return r.k.checkHostile(largest) },
		func() *LawError { return r.k.checkHostileJSON(largest) },
	} {
		if failure := check(); failure != nil {
			return failure
		}
		for _, s := range r.sites {
			if r.k.key(s.state) != s.key {
				return r.k.changed(s.state, Aliasing, "a state that %s was merged into was changed, and now %s is %s", s.name, s.name, r.k.show(s.state))
			}
		}
	}
	return nil
}

// distinct returns a few states of the history that differ from each other, in the
// eyes of Equal or otherwise: those of the sites and the latest deltas.
func (r *run[S]) distinct() []S {
	var states []S
	add := func(s S) {
		if !slices.ContainsFunc(states, func(t S) bool { return t.Equal(s) && r.k.key(t) == r.k.key(s) }) {
			states = append(states, s)
		}
	}
	for _, s := range r.sites {
		add(s.state)
	}
	for _, id := range r.order[max(0, len(r.order)-2):] {
		add(r.deltas[id].state)
	}
	return states
}

// checkDeltas checks that nothing changed a delta once it was made.
func (r *run[S]) checkDeltas() *LawError {
	for i, id := range r.order {
		if m := r.deltas[id]; r.k.key(m.state) != m.key {
			return r.k.changed(m.state, Aliasing, "a later step changed the delta of step %d, which is now %s", r.place[i], r.k.show(m.state))
		}
	}
	return nil
}

// checkPaths builds the state of every site from deltas alone, newest first.
func (r *run[S]) checkPaths() *LawError {
	if !r.whole {
		return nil
	}
	for _, s := range r.sites {
		if s.seen.forgot != 0 {
			continue
		}
		twin := r.k.New()
		for _, id := range slices.Backward(r.order) {
			if m := r.deltas[id]; m.seen.bare&^s.seen.bare == 0 {
				twin.Merge(m.state)
			}
		}
		if !twin.Equal(s.state) {
			return broken(Path, s.name+" is %s\nthe join of its deltas is %s", r.k.texts(s.state, twin)...)
		}
	}
	return nil
}

// checkConvergence lets every site merge every other, each in another order.
func (r *run[S]) checkConvergence() *LawError {
	var all []S
	var seen sight
	n := len(r.sites)
	for i, s := range r.sites {
		x := s.state.Clone()
		for j := range n {
			x.Merge(r.sites[(i+j)%n].state)
		}
		all = append(all, x)
		seen = seen.join(s.seen)
	}
	for i, x := range all[1:] {
		if !x.Equal(all[0]) {
			return broken(Converges, "after all have merged all, a is %s\n"+r.sites[i+1].name+" is %s", r.k.texts(all[0], x)...)
		}
	}
	if failure := r.k.checkSameBytes(all); failure != nil {
		return failure
	}
	return r.checkModel(all[0], seen, "every replica, after all have merged all,")
}

// checkReplay executes the history once more. The second run shares no memory
// with the first, so it also shows whether a changed clone changes its original.
func (r *run[S]) checkReplay(h history) *LawError {
	twin, failure := r.k.execute(h, checks{})
	if failure != nil {
		return failure
	}
	for i, s := range r.sites {
		t := twin.sites[i].state
		if !s.state.Equal(t) || r.k.key(s.state) != r.k.key(t) {
			return r.k.changed(s.state, Deterministic, s.name+" is %s in one run and %s in another", r.k.texts(s.state, t)...)
		}
		r.k.poke(s.state.Clone())
		if !s.state.Equal(t) || r.k.key(s.state) != r.k.key(t) {
			return broken(Aliasing, "changing a clone of %s changes %s", s.name, s.name)
		}
	}
	return nil
}
