package crdt

// join joins the dots of o into s and reports whether that changed s: a dot that
// one side holds and the other does not stays if the other has not seen it.
func (s *store[E]) join(o *store[E], j *joining) bool {
	changed := false
	if o != nil {
		for i := range o.logs {
			his := &o.logs[i]
			if s.joinLog(j.to[his.replica], his, j) {
				changed = true
			}
		}
	}
	for i := range s.logs {
		mine := s.logs[i].replica
		if int(mine) < len(j.from) && j.from[mine] >= 0 && (o == nil || o.log(uint32(j.from[mine])) == nil) {
			if s.joinLog(mine, nil, j) {
				changed = true
			}
		}
	}
	return changed
}

// joinLog joins his log of the replica that has index replica in s. His may be
// nil.
func (s *store[E]) joinLog(replica uint32, his *pagelog[E], j *joining) bool {
	if his == nil {
		his = &pagelog[E]{}
	}
	mySeen, hisSeen := j.mySeen(replica), j.hisSeen(replica)
	changed := false
	for num := uint64(0); ; num++ {
		mine := s.log(replica) // looked up again: a page that comes or goes moves it
		var p, q *page[E]
		p, q, num = nextPages(mine, his, num, hisSeen)
		if p == nil && q == nil {
			return changed
		}
		var have, theirs [2]uint64
		if p != nil {
			have = p.live
		}
		if q != nil {
			theirs = q.live
		}
		if have == theirs {
			continue
		}
		var drop, take [2]uint64
		for k := range have {
			if d := have[k] &^ theirs[k]; d != 0 {
				drop[k] = d & hisSeen.word(2*num+uint64(k))
			}
			if t := theirs[k] &^ have[k]; t != 0 {
				take[k] = t &^ mySeen.word(2*num+uint64(k))
			}
		}
		if drop != [2]uint64{} {
			changed = true
			offsets(drop, func(off uint) { s.remove(p.ref(off)) })
		}
		if take != [2]uint64{} {
			changed = true
			offsets(take, func(off uint) {
				d := packDot(replica, num<<pageBits|uint64(off))
				s.insert(d, q.elems[q.rank(off)], q.marked(off))
			})
		}
	}
}

// nextPages returns the pages of both logs with the smallest num that is at
// least num and worth a look: one that only I have, and that he has seen nothing
// of, is not. Both are nil at the end.
func nextPages[E any](mine, his *pagelog[E], num uint64, hisSeen *runs) (p, q *page[E], at uint64) {
	k, _ := his.seek(num)
	if k < len(his.pages) {
		q, at = his.pages[k], his.nums[k]
	}
	if mine == nil {
		return nil, q, at
	}
	i, _ := mine.seek(num)
	for i < len(mine.pages) {
		n := mine.nums[i]
		if q != nil && n >= at {
			break
		}
		seq, ok := hisSeen.next(n << pageBits)
		if !ok || seq>>pageBits > n && q != nil && seq>>pageBits >= at {
			break
		}
		if seq>>pageBits == n || seq>>pageBits <= n {
			return mine.pages[i], nil, n
		}
		i, _ = mine.seek(seq >> pageBits)
	}
	if q != nil && i < len(mine.pages) {
		if m, ok := mine.seek(at); ok {
			p = mine.pages[m]
		}
	}
	return p, q, at
}
