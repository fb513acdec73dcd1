package crdt

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// An exchange finds out what two states have to send each other. It knows a state
// by its context and its live dots: the content of a dot is the same everywhere.
//
//	A asks, with a fingerprint of its state. If B is the same, that is all.
//	B sends its context, and fingerprints of ranges of pages of its live dots.
//	A compares them with its own pages, as far as both have seen their dots. It sends
//	  fingerprints of the pages in ranges that differ, what it has seen that B has not,
//	  and what of B's context it has seen.
//	B sends what is live of the pages that differ, and what it has seen that A has not.
//	  With that A has all that B had.
//	A sends the removals that B has not seen: of dots that it knows to be dead and
//	  that are live at B.
//
// A small state is sent whole instead of its fingerprints.
//
// Every message says something that is true for ever: of contexts, that they hold at
// least so much, of dots, that they are dead. So one that is late or comes again does
// no harm, and both sides may change between two messages.
type exchange struct {
	maker  maker
	root   *root
	state  causal
	small  bool // send small states whole
	counts bool // the state is of tallies: see settle
}

const (
	smallDots  = 256  // live dots up to which a state may be small
	smallAsk   = 256  // bytes of a state that asks for itself
	smallReply = 1024 // bytes of a state that is sent instead of its fingerprints; or four times theirs
	maxRanges  = 1024
	rangeSize  = 8 // pages in a range, where there are enough
)

// newExchange returns an exchange of v, a state of r, which may be nil.
func newExchange[V Value[V]](r *root, v V) *exchange {
	x := &exchange{makerOf[V]{}, r, v, true, countsIn(v)}
	if r == nil {
		x.root = new(root)
		x.state = x.maker.fresh(x.root)
	}
	return x
}

func (x *exchange) ask(salt uint64) []byte {
	pages := pagesOf(x.root, x.state)
	if state := x.whole(pages, smallAsk); state != nil {
		return append(x.head(kindWhole), state...)
	}
	b := appendUint64(x.head(kindAsk), salt)
	return appendUint64(b, wholePrint(x.root, pages, salt))
}

// whole returns the bytes of the state if it is small.
func (x *exchange) whole(pages livePages, limit int) []byte {
	if !x.small || pages.count(smallDots+1) > smallDots {
		return nil
	}
	state := appendWhole(nil, x.root, x.state, true)
	if len(state) > limit {
		return nil
	}
	return state
}

// answer returns the reply to a message, nil if there is none, and what the message
// brought: a state to be merged, and its root, which is nil if it brought nothing.
func (x *exchange) answer(msg []byte) (reply []byte, r *root, delta causal, err error) {
	m, err := readMessage(x.maker, msg)
	if err != nil {
		return nil, nil, delta, fmt.Errorf("crdt: exchange of %s: %w", typeName(x.maker), err)
	}
	switch m.kind {
	case kindAsk:
		reply = x.answerAsk(m.salt, m.print)
	case kindWhole:
		reply = x.answerWhole(m.root, m.delta)
	case kindRanges:
		reply = x.answerRanges(m)
	case kindPages:
		reply = x.answerPages(m)
	case kindBits:
		reply = x.answerBits(m)
	}
	if m.bad != nil {
		err = fmt.Errorf("crdt: exchange of %s: %w", typeName(x.maker), m.bad)
	}
	return reply, m.root, m.delta, err
}

func (x *exchange) answerAsk(salt, theirs uint64) []byte {
	pages := pagesOf(x.root, x.state)
	if wholePrint(x.root, pages, salt) == theirs {
		return x.head(kindSame)
	}
	prints := x.prints(pages, salt)
	if state := x.whole(pages, max(smallReply, 4*len(prints))); state != nil {
		return append(x.head(kindWhole), state...)
	}
	return prints
}

// prints returns the fingerprints of ranges of pages.
func (x *exchange) prints(pages livePages, salt uint64) []byte {
	n := 0
	for _, p := range pages {
		n += len(p)
	}
	size := max(1, min(rangeSize, n/16), (n+maxRanges-1)/maxRanges)
	b := appendUint64(x.head(kindRanges), salt)
	e := newEncoder(b, x.root)
	e.context()
	for _, i := range e.order {
		e.ranges(rangesOf(pages[i], saltOf(salt, x.root.names[i]), size))
	}
	return e.buf
}

// answerWhole returns what a state of the peer's lacks.
func (x *exchange) answerWhole(theirs *root, state causal) []byte {
	lacks := x.unseenBy(theirs)
	ours := pagesOf(x.root, x.state)
	for h, pages := range pagesOf(theirs, state) {
		i, ok := x.root.lookup(theirs.names[h])
		if !ok {
			continue
		}
		for _, p := range pages {
			x.seeDead(&lacks[i], i, p.num, ours, p.live)
		}
	}
	if !anyOf(lacks) {
		return x.head(kindSame)
	}
	return append(x.head(kindDelta), x.part(lacks)...)
}

// The join of tallies lets the side that has closed a life decide what was counted in it as a
// whole. That side has seen numbers by closing only, so a dot of such a life that is seen and
// not live says nothing of a count. Three rules follow for states that count:
//
//   - What one side has closed and the other has not is sent as a whole, with the closing.
//   - What was undone of a life that both have closed has the dot of a reset, which is news: no
//     bitmap of the life is needed.
//   - Only if both have seen the same, and a page of the life differs, did somebody close
//     what was not complete. Then each sends all that it has of the life, as a merge would.

// settle adds to what the peer lacks all of the closed lives of which it lacks a part.
func (x *exchange) settle(lacks []runs) {
	if !x.counts {
		return
	}
	for i := range lacks {
		end := x.root.closedTo(uint32(i))
		if seq, ok := lacks[i].next(1); ok && seq <= end {
			lacks[i].add(1, end)
		}
	}
}

// isSettled reports whether a page is of lives that are closed here, and the state counts.
func (x *exchange) isSettled(i uint32, num uint64) bool {
	return x.counts && num<<pageBits < x.root.closedTo(i)
}

// unseenBy returns what x has seen and the peer's has not, by index.
func (x *exchange) unseenBy(theirs *root) []runs {
	all := make([]runs, len(x.root.names))
	for i, name := range x.root.names {
		all[i] = x.root.seen[i].minus(theirs.seenOf(name))
	}
	return all
}

// seenOf returns what r has seen of name.
func (r *root) seenOf(name vclock.Replica) *runs {
	if r != nil {
		if i, ok := r.lookup(name); ok {
			return &r.seen[i]
		}
	}
	return new(runs)
}

// seeDead adds to dead those of the dots in live, of a page of the replica i, that x has
// seen and that are not live in its pages.
func (x *exchange) seeDead(dead *runs, i uint32, num uint64, ours livePages, live [2]uint64) {
	have, seen := ours.find(i, num), x.root.seen[i].pageWords(num)
	for k := range live {
		live[k] &= seen[k] &^ have[k]
	}
	offsets(live, func(off uint) { dead.add(num<<pageBits|uint64(off), num<<pageBits|uint64(off)) })
}

func anyOf(all []runs) bool {
	return slices.ContainsFunc(all, func(r runs) bool { return !r.isEmpty() })
}

// part returns the bytes of the part of the state that is about seen, which it settles.
func (x *exchange) part(seen []runs) []byte {
	x.settle(seen)
	r, v := partOf(x.maker, x.root, x.state, seen)
	return appendWhole(nil, r, v, true)
}

func (x *exchange) answerRanges(m *message) []byte {
	pages := pagesOf(x.root, x.state)
	lacks := x.unseenBy(m.context)
	reply := pagesMessage{salt: m.salt}
	behind := false // whether the peer has seen what x has not
	for h, name := range m.context.names {
		theirs := &m.context.seen[h]
		i, ok := x.root.lookup(name)
		if !ok {
			behind = true
			reply.share(name, &runs{}, theirs)
			continue
		}
		unseen, shared := theirs.minus(&x.root.seen[i]), theirs.and(&x.root.seen[i])
		behind = behind || !unseen.isEmpty()
		reply.share(name, &shared, theirs)
		blocks := compareRanges(m.ranges[h], masked(pages[i], theirs), saltOf(m.salt, name), &unseen)
		if len(blocks) > 0 {
			reply.blocks = append(reply.blocks, blocksOf{name, blocks})
		}
	}
	if len(reply.blocks) == 0 && !behind && !anyOf(lacks) {
		return nil
	}
	if anyOf(lacks) {
		reply.delta = x.part(lacks)
	}
	return reply.append(x.head(kindPages))
}

// compareRanges returns the pages of one replica that are in a range of the peer's that differs
// from ours, and those in none. A range with dots in unseen, which the peer has seen and we have
// not, counts as different: the peer's fingerprint is of them, too.
func compareRanges(ranges []pageRange, ours []livePage, salt uint64, unseen *runs) (blocks []block) {
	next := uint64(0)
	for _, theirs := range ranges {
		n := pagesBefore(ours, theirs.first)
		blocks = appendBlock(blocks, next, theirs.first-next, ours[:n], salt)
		ours = ours[n:]
		n = pagesBefore(ours, theirs.first+theirs.n)
		seq, ok := unseen.next(max(1, theirs.first<<pageBits))
		if ok && seq < (theirs.first+theirs.n)<<pageBits || (sumOf(ours[:n], salt)^theirs.print)&printMask != 0 {
			blocks = append(blocks, newBlock(theirs.first, theirs.n, ours[:n], salt))
		}
		ours = ours[n:]
		next = theirs.first + theirs.n
	}
	if len(ours) > 0 {
		blocks = appendBlock(blocks, next, ours[len(ours)-1].num+1-next, ours, salt)
	}
	return blocks
}

// pagesBefore returns how many of pages are before num.
func pagesBefore(pages []livePage, num uint64) int {
	n, _ := slices.BinarySearchFunc(pages, num, func(p livePage, num uint64) int { return compareSeq(p.num, num) })
	return n
}

// appendBlock appends a block of n pages from first on, unless none of them is live.
func appendBlock(blocks []block, first, n uint64, live []livePage, salt uint64) []block {
	if len(live) == 0 {
		return blocks
	}
	return append(blocks, newBlock(first, n, live, salt))
}

func newBlock(first, n uint64, live []livePage, salt uint64) block {
	b := block{first: first, n: n, pages: make([]printedPage, len(live))}
	for i, p := range live {
		b.pages[i] = printedPage{p.num, pagePrint(salt, p.num, p.live) & printMask}
	}
	return b
}

func (x *exchange) answerPages(m *message) []byte {
	shared := m.shared(x.root)
	pages := pagesOf(x.root, x.state)
	lacks := make([]runs, len(x.root.names))
	for i, name := range x.root.names {
		lacks[i] = x.root.seen[i].minus(&shared[i])
		if m.root != nil {
			lacks[i] = lacks[i].minus(m.root.seenOf(name))
		}
	}
	news := m.root != nil || anyOf(lacks) // the two have not seen the same
	var reply bitsMessage
	for _, b := range m.blocks {
		i, ok := x.root.lookup(b.name)
		if !ok {
			continue
		}
		both := shared[i].and(&x.root.seen[i])
		differ := compareBlocks(b.blocks, masked(pages[i], &both), saltOf(m.salt, b.name), &both)
		if len(differ) > 0 && x.isSettled(i, differ[0].num) {
			if news { // what is new explains it, or the next exchange finds it
				differ = slices.DeleteFunc(differ, func(p pageBitmap) bool { return x.isSettled(i, p.num) })
			} else {
				lacks[i].add(1, x.root.closedTo(i))
			}
		}
		if len(differ) > 0 {
			reply.pages = append(reply.pages, bitsOf{b.name, differ})
		}
	}
	if anyOf(lacks) {
		reply.delta = x.part(lacks)
	}
	if len(reply.pages) == 0 && reply.delta == nil {
		return nil
	}
	return reply.append(x.head(kindBits))
}

// compareBlocks returns the pages that differ from the peer's fingerprints, of one replica
// of which both have seen both.
func compareBlocks(blocks []block, ours []livePage, salt uint64, both *runs) (differ []pageBitmap) {
	add := func(p livePage) { differ = append(differ, pageBitmap{p.num, both.pageWords(p.num), p.live}) }
	for _, b := range blocks {
		ours = ours[pagesBefore(ours, b.first):]
		n := pagesBefore(ours, b.first+b.n)
		own, theirs := ours[:n], b.pages
		for len(own) > 0 || len(theirs) > 0 {
			switch {
			case len(theirs) == 0 || len(own) > 0 && own[0].num < theirs[0].num:
				add(own[0])
				own = own[1:]
			case len(own) == 0 || theirs[0].num < own[0].num:
				differ = append(differ, guess(both, livePage{num: theirs[0].num}, theirs[0].print, salt))
				theirs = theirs[1:]
			default:
				if pagePrint(salt, own[0].num, own[0].live)&printMask != theirs[0].print {
					differ = append(differ, guess(both, own[0], theirs[0].print, salt))
				}
				own, theirs = own[1:], theirs[1:]
			}
		}
		ours = ours[n:]
	}
	return differ
}

// guess returns the bitmap to be sent of a page of ours of which the peer has another
// fingerprint: that of the one dot in both that explains it, or else of all. If the
// fingerprint deceives, what is said of the dot is true nevertheless, and the
// next exchange finds the difference.
func guess(both *runs, ours livePage, theirs, salt uint64) pageBitmap {
	seen := both.pageWords(ours.num)
	one := pageBitmap{num: ours.num}
	offsets(seen, func(off uint) {
		k, bit := off>>6, uint64(1)<<(off&63)
		live := ours.live
		if live[k] ^= bit; one.seen == [2]uint64{} && pagePrint(salt, ours.num, live)&printMask == theirs {
			one.seen[k] = bit
			one.live[k] = ours.live[k] & bit
		}
	})
	if one.seen != [2]uint64{} {
		return one
	}
	return pageBitmap{ours.num, seen, ours.live}
}

// answerBits adds to what the message brings what it tells to be dead, and returns
// what the peer does not know to be.
func (x *exchange) answerBits(m *message) []byte {
	pages := pagesOf(x.root, x.state)
	lacks := make([]runs, len(x.root.names))
	for _, b := range m.bits {
		i, ok := x.root.lookup(b.name)
		if !ok {
			continue
		}
		for _, p := range b.pages {
			if x.isSettled(i, p.num) {
				if m.root.seenOf(b.name).prefix >= x.root.closedTo(i) { // the peer tells all that it has of them
					x.seeDead(&lacks[i], i, p.num, pages, p.live)
				}
				continue
			}
			x.seeDead(&lacks[i], i, p.num, pages, p.live)
			gone := pages.find(i, p.num)
			for k := range gone {
				gone[k] &= p.seen[k] &^ p.live[k]
			}
			offsets(gone, func(off uint) { m.removed(b.name, p.num<<pageBits|uint64(off)) })
		}
	}
	if !anyOf(lacks) {
		return nil
	}
	return append(x.head(kindDelta), x.part(lacks)...)
}
