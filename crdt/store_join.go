package crdt

import "math"

// join joins the dots of o into s and reports whether that changed s: a dot that
// one side holds and the other does not stays if the other has not seen it.
func (s *store[E]) join(o *store[E], j *joining) bool {
	changed := false
	if o != nil {
		for i := range o.logs {
			his := &o.logs[i]
			if s.joinLog(j.to[his.replica], his, o, j) {
				changed = true
			}
		}
	}
	for i := range s.logs {
		mine := s.logs[i].replica
		if h := j.from[mine]; h >= 0 && (o == nil || o.log(uint32(h)) == nil) {
			if s.joinLog(mine, &pagelog[E]{}, o, j) {
				changed = true
			}
		}
	}
	return changed
}

// joinLog joins his log of the replica that has the index replica in s, which is
// one of o.
func (s *store[E]) joinLog(replica uint32, his *pagelog[E], o *store[E], j *joining) bool {
	mySeen, hisSeen := j.mySeen(replica), j.hisSeen(replica)
	mine := s.log(replica)
	if mine == nil {
		mine = s.newLog(replica)
	}
	changed := false
	for i, k := 0, 0; ; {
		for i < len(mine.nums) && k < len(his.nums) && mine.nums[i] == his.nums[k] && mine.pages[i].live == his.pages[k].live {
			i, k = i+1, k+1
		}
		num := uint64(math.MaxUint64)
		if k < len(his.nums) {
			num = his.nums[k]
		}
		if i < len(mine.nums) && mine.nums[i] < num {
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
			num = mine.nums[i]
		}
		if num == math.MaxUint64 {
			return changed
		}
		var p, q *page[E]
		if i < len(mine.nums) && mine.nums[i] == num {
			p = mine.pages[i]
		}
		if k < len(his.nums) && his.nums[k] == num {
			q = his.pages[k]
			k++
		}
		if s.joinPage(mine, num, p, q, mySeen, hisSeen, o) {
			changed = true
		}
		i, _ = mine.seek(num + 1)
	}
}

// joinPage joins his page q into my page p of l, both with the number num, and
// either of which may be nil. Q is a page of o.
func (s *store[E]) joinPage(l *pagelog[E], num uint64, p, q *page[E], mySeen, hisSeen *runs, o *store[E]) bool {
	var have, theirs, drop, take [2]uint64
	if p != nil {
		have = p.live
	}
	if q != nil {
		theirs = q.live
	}
	for k := range have {
		if d := have[k] &^ theirs[k]; d != 0 {
			drop[k] = d & hisSeen.word(2*num+uint64(k))
		}
		if t := theirs[k] &^ have[k]; t != 0 {
			take[k] = t &^ mySeen.word(2*num+uint64(k))
		}
	}
	if take != [2]uint64{} {
		o.unpack(q)
		offsets(take, func(off uint) {
			s.insert(dotOf(l.replica, num<<pageBits|uint64(off)), q.elem(off), q.marked(off))
		})
	}
	if drop != [2]uint64{} {
		offsets(drop, func(off uint) { s.remove(p.ref(off)) })
	}
	return take != [2]uint64{} || drop != [2]uint64{}
}
