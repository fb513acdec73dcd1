package crdttest

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/lawkit"
)

// shrinkRuns bounds how many histories shrink tries.
const shrinkRuns = 2000

// shrink returns the failure of the smallest history that it finds to break a law
// like h, first by leaving out steps, then by making the others simpler. A shorter
// history may break another law than h did; most often that is nearer to the cause.
func (k *Kit[S]) shrink(h history, failure *LawError) *LawError {
	runs, end := 0, failure.atEnd
	try := func(smaller history) bool {
		if runs++; runs > shrinkRuns {
			return false
		}
		_, f := k.execute(smaller, checks{steps: true, end: end})
		if f == nil || f.Law != failure.Law && (end || len(smaller) == len(h)) {
			return false
		}
		h, failure = smaller, f
		return true
	}
	for progress := true; progress; {
		size := len(h)
		lawkit.LeaveOut(h, try)
		progress = len(h) < size
		for slices.ContainsFunc(k.simpler(h), try) {
			progress = true
		}
		// What a step shows, the checks at the end may show without it. They take
		// longer, so they wait until the history is short.
		if !progress && !end {
			progress, end = true, true
		}
	}
	return failure
}

// simpler returns histories of the same length to try instead of h: with one
// replica less, with replicas named in the order in which they appear, with merges
// of the replica that is named first, and with arguments that read shorter. Each is
// a step toward a least one, so that trying them comes to an end.
func (k *Kit[S]) simpler(h history) []history {
	var all []history
	used := slices.Compact(slices.Sorted(slices.Values(sites(h))))
	for i, s := range used {
		for _, t := range used[:i] {
			all = append(all, replace(h, s, t))
		}
	}
	if renamed := rename(h); !slices.Equal(sites(renamed), sites(h)) {
		all = append(all, renamed)
	}
	done := map[string]bool{}
	for i, st := range h {
		if st.kind == merge && st.at < st.from {
			turned := slices.Clone(h)
			turned[i].at, turned[i].from = st.from, st.at
			all = append(all, turned)
		}
		if st.kind != update || done[fmt.Sprint(st.arg)] {
			continue
		}
		done[fmt.Sprint(st.arg)] = true
		for _, arg := range k.samples[st.op] {
			if x := exchange(h, st.arg, arg); slices.CompareFunc(x, h, compareArgs) < 0 {
				all = append(all, x)
			}
		}
	}
	return all
}

// compareArgs orders steps by how their arguments read.
func compareArgs(x, y step) int { return compareText(fmt.Sprint(x.arg), fmt.Sprint(y.arg)) }

// compareText orders by length first, as people order what is simple.
func compareText(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }

// exchange returns h with the arguments x and y in each other's place.
func exchange(h history, x, y any) history {
	h = slices.Clone(h)
	for i := range h {
		switch {
		case h[i].kind != update:
		case reflect.DeepEqual(h[i].arg, x):
			h[i].arg = y
		case reflect.DeepEqual(h[i].arg, y):
			h[i].arg = x
		}
	}
	return h
}

// sites lists the replicas of h as they are spoken of.
func sites(h history) []int {
	var all []int
	for _, st := range h {
		switch st.kind {
		case idle, group:
		case merge:
			all = append(all, st.from, st.at)
		case update, deliver, save, restart, read, compact:
			all = append(all, st.at)
		}
	}
	return all
}

// replace returns h with the replica t in the place of s.
func replace(h history, s, t int) history {
	h = slices.Clone(h)
	for i := range h {
		if h[i].at == s {
			h[i].at = t
		}
		if h[i].from == s {
			h[i].from = t
		}
	}
	return h
}

// rename numbers the replicas in the order in which they appear.
func rename(h history) history {
	var order []int
	for _, s := range sites(h) {
		if !slices.Contains(order, s) {
			order = append(order, s)
		}
	}
	h = slices.Clone(h)
	for i := range h {
		st := &h[i]
		st.at, st.from = max(0, slices.Index(order, st.at)), max(0, slices.Index(order, st.from))
	}
	return h
}
