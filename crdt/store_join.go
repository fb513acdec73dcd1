package crdt

import "math"

// join joins the dots of o into s and reports whether that changed s: a dot that
// one side holds and the other does not stays if the other has not seen it.
func (s *store[E]) join(o *store[E], j *joining) bool {
	return s.compare(o, j, func(at pagePair[E]) {
		if at.take != [2]uint64{} {
			o.unpack(at.his)
			offsets(at.take, func(off uint) {
				s.insert(dotOf(at.replica, at.num<<pageBits|uint64(off)), at.his.elem(off), at.his.marked(off))
			})
		}
		if at.drop != [2]uint64{} {
			offsets(at.drop, func(off uint) { s.remove(at.mine.ref(off)) })
		}
	})
}

// A pagePair is a page in which two stores differ: what the one takes from the other,
// and drops because the other has seen it and does not hold it.
type pagePair[E comparable] struct {
	replica    uint32 // its index in the root of the one
	num        uint64
	mine, his  *page[E] // either may be nil
	take, drop [2]uint64
}

// compare calls visit for every page in which a join of o would change s, and reports
// whether there are any. Visit may make the change.
func (s *store[E]) compare(o *store[E], j *joining, visit func(at pagePair[E])) bool {
	differ := false
	if o != nil {
		for i := range o.logs {
			his := &o.logs[i]
			if s.compareLog(j.to[his.replica], his, j, visit) {
				differ = true
			}
		}
	}
	for i := range s.logs {
		mine := s.logs[i].replica
		if h := j.from[mine]; h >= 0 && (o == nil || o.log(uint32(h)) == nil) {
			if s.compareLog(mine, &pagelog[E]{}, j, visit) {
				differ = true
			}
		}
	}
	return differ
}

// compareLog is compare for his log of the replica that has the index replica in s.
func (s *store[E]) compareLog(replica uint32, his *pagelog[E], j *joining, visit func(at pagePair[E])) bool {
	mySeen, hisSeen := j.mySeen(replica), j.hisSeen(replica)
	mine := s.log(replica)
	if mine == nil {
		mine = new(pagelog[E])
	}
	differ := false
	for i, k := 0, 0; ; {
		for i < len(mine.nums) && k < len(his.nums) && mine.nums[i] == his.nums[k] && mine.pages[i].live == his.pages[k].live {
			i, k = i+1, k+1
		}
		at := pagePair[E]{replica: replica, num: math.MaxUint64}
		if k < len(his.nums) {
			at.num = his.nums[k]
		}
		if i < len(mine.nums) && mine.nums[i] < at.num {
			// Only I have this page. The next one worth a look is one that he has
			// seen something of.
			seq, ok := hisSeen.next(mine.nums[i] << pageBits)
			if !ok {
				i = len(mine.nums)
				continue
			}
			if first := seq >> pageBits; first > mine.nums[i] {
				i, _ = mine.seek(first)
				continue
			}
			at.num = mine.nums[i]
		}
		if at.num == math.MaxUint64 {
			return differ
		}
		if i < len(mine.nums) && mine.nums[i] == at.num {
			at.mine = mine.pages[i]
		}
		if k < len(his.nums) && his.nums[k] == at.num {
			at.his = his.pages[k]
			k++
		}
		if at.compare(mySeen, hisSeen) {
			differ = true
			visit(at)
		}
		i, _ = mine.seek(at.num + 1)
	}
}

// compare sets take and drop, and reports whether there is anything in them.
func (at *pagePair[E]) compare(mySeen, hisSeen *runs) bool {
	var have, theirs [2]uint64
	if at.mine != nil {
		have = at.mine.live
	}
	if at.his != nil {
		theirs = at.his.live
	}
	for k := range have {
		if d := have[k] &^ theirs[k]; d != 0 {
			at.drop[k] = d & hisSeen.word(2*at.num+uint64(k))
		}
		if t := theirs[k] &^ have[k]; t != 0 {
			at.take[k] = t &^ mySeen.word(2*at.num+uint64(k))
		}
	}
	return at.take != [2]uint64{} || at.drop != [2]uint64{}
}
