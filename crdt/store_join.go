package crdt

import "math"

// join joins the dots of o into s and reports whether that changed s: a dot that
// one side holds and the other does not stays if the other has not seen it.
func (s *store[E]) join(o *store[E], j *merging) bool {
	return s.compare(o, j, func(at pagePair[E]) {
		if at.take != [2]uint64{} {
			o.unpack(at.theirs)
			offsets(at.take, func(off uint) {
				s.insert(dotOf(at.replica, at.num<<pageBits|uint64(off)), at.theirs.elem(off), at.theirs.marked(off))
			})
		}
		if at.drop != [2]uint64{} {
			offsets(at.drop, func(off uint) { s.remove(at.ours.ref(off)) })
		}
	})
}

// A pagePair is a page in which two stores differ: what the one takes from the other,
// and drops because the other has seen it and does not hold it.
type pagePair[E comparable] struct {
	replica      uint32 // its index in the root of the one
	num          uint64
	ours, theirs *page[E] // either may be nil
	take, drop   [2]uint64
}

// compare calls visit for every page in which a join of o would change s, and reports
// whether there are any. Visit may make the change.
func (s *store[E]) compare(o *store[E], j *merging, visit func(at pagePair[E])) bool {
	differ := false
	if o != nil {
		for i := range o.logs {
			theirs := &o.logs[i]
			if s.compareLog(j.to[theirs.replica], theirs, j, visit) {
				differ = true
			}
		}
	}
	for i := range s.logs {
		ours := s.logs[i].replica
		if h := j.from[ours]; h >= 0 && (o == nil || o.log(uint32(h)) == nil) {
			if s.compareLog(ours, &pagelog[E]{}, j, visit) {
				differ = true
			}
		}
	}
	return differ
}

// compareLog is compare for the peer's log of the replica that has the index replica in s.
func (s *store[E]) compareLog(replica uint32, theirs *pagelog[E], j *merging, visit func(at pagePair[E])) bool {
	ourSeen, theirSeen := j.ourSeen(replica), j.theirSeen(replica)
	ours := s.log(replica)
	if ours == nil {
		ours = new(pagelog[E])
	}
	differ := false
	for i, k := 0, 0; ; {
		for i < len(ours.nums) && k < len(theirs.nums) && ours.nums[i] == theirs.nums[k] && ours.pages[i].live == theirs.pages[k].live {
			i, k = i+1, k+1
		}
		at := pagePair[E]{replica: replica, num: math.MaxUint64}
		if k < len(theirs.nums) {
			at.num = theirs.nums[k]
		}
		if i < len(ours.nums) && ours.nums[i] < at.num {
			// The peer has no such page. Skip to the first of ours that holds a number the
			// peer has seen: only there can it have removed something.
			seq, ok := theirSeen.next(ours.nums[i] << pageBits)
			if !ok {
				i = len(ours.nums)
				continue
			}
			if first := seq >> pageBits; first > ours.nums[i] {
				i, _ = ours.seek(first)
				continue
			}
			at.num = ours.nums[i]
		}
		if at.num == math.MaxUint64 {
			return differ
		}
		if i < len(ours.nums) && ours.nums[i] == at.num {
			at.ours = ours.pages[i]
		}
		if k < len(theirs.nums) && theirs.nums[k] == at.num {
			at.theirs = theirs.pages[k]
			k++
		}
		if at.compare(ourSeen, theirSeen) {
			differ = true
			visit(at)
		}
		i, _ = ours.seek(at.num + 1)
	}
}

// compare sets take and drop, and reports whether there is anything in them.
func (at *pagePair[E]) compare(ourSeen, theirSeen *runs) bool {
	var have, theirs [2]uint64
	if at.ours != nil {
		have = at.ours.live
	}
	if at.theirs != nil {
		theirs = at.theirs.live
	}
	for k := range have {
		if d := have[k] &^ theirs[k]; d != 0 {
			at.drop[k] = d & theirSeen.word(2*at.num+uint64(k))
		}
		if t := theirs[k] &^ have[k]; t != 0 {
			at.take[k] = t &^ ourSeen.word(2*at.num+uint64(k))
		}
	}
	return at.take != [2]uint64{} || at.drop != [2]uint64{}
}
