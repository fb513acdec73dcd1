package crdt

import (
	"cmp"
	"math"
	"strings"

	"github.com/rejoin-go/rejoin/vclock"
)

// A tally is what a [PNCounter] holds of one replica: a count, a reset, or both. There is
// one more for each incarnation that counted before it had all that went before it.
//
// The count has total, the sum of the increments with numbers in (start, last],
// all of them of this counter; last is the number of the latest, and its dot is
// the dot of the count. A tally that has one is live.
//
// The reset says what was undone: upto is the number of the latest increment that
// was, and base the total up to it. Its dot is tag, which the replica that undid
// them minted for it. A live tally adds total - base to the value. A tally that has
// nothing but a reset is a residue: it tells a count that it has overtaken, or that
// goes on beyond upto, what of it was undone.
//
// So both parts are to the join what an element of a set is, and what a side has
// seen and what it holds tell two states apart. Numbers decide, not sums: of two
// counts the one with the larger last tells more, whatever was counted, so sums may
// be negative.
type tally struct {
	replica     uint32 // index in the root
	line        uint64 // the incarnation in which the count began, or that which was undone
	start, last uint64 // last is 0 in a residue
	total       int64
	upto        uint64 // 0 if nothing was undone, and then base and tag are
	base        int64
	tag         dot
}

func (t *tally) isLive() bool { return t.last > 0 }

func (t *tally) hasReset() bool { return t.tag.seq != 0 }

// countDot returns the dot of the count, which t has.
func (t *tally) countDot() dot { return dotOf(t.replica, t.last) }

// dots calls yield with the dots of the parts that t has.
func (t *tally) dots(yield func(dot)) {
	if t.isLive() {
		yield(t.countDot())
	}
	if t.hasReset() {
		yield(t.tag)
	}
}

// count adds n, made at number seq, which is next.
func (t *tally) count(seq uint64, n int64) {
	if !t.isLive() {
		*t = tally{replica: t.replica, line: t.line, start: seq - 1}
	}
	t.last = seq
	switch sum := t.total + n; {
	case t.isSaturated():
	case n > 0 && sum < t.total:
		t.total = math.MaxInt64
	case n < 0 && sum > t.total:
		t.total = math.MinInt64
	default:
		t.total = sum
	}
}

// isSaturated reports whether the total has reached the end of its range, where
// it stays.
func (t *tally) isSaturated() bool {
	return t.total == math.MaxInt64 || t.total == math.MinInt64
}

// join joins o, a tally of the same replica in the same root r, into t and
// reports whether t changed. Either may be empty: a side that holds nothing of the
// replica. Count and reset are joined each by its dot:
//
//	dots        a side has seen the other's   stays
//	equal                                     the larger, one that is reused apart
//	different   neither                       the one that tells more
//	different   they mine, not I theirs       theirs
//	different   I theirs, not they mine       mine
//	different   both                          none
//
// and then each lets go of the other: a count goes that is undone as a whole, and a
// reset that undid only what was counted before the count began.
//
// Where one side has closed the life in which was counted last, it decides the count as a
// whole, also that there is none: it has merged what all members had of it, and has
// seen the numbers of the other side by closing only. Where both have, none beats one, and then
// the larger.
//
// For example, A counts 3 and 10, and B, who has merged the 3, resets: a reset up to
// 1 with base 3 meets a count up to 2 with total 13. Both stay, for a value of 10.
func (t *tally) join(o *tally, r *root, k knowledge) bool {
	before := *t
	t.joinCount(o, k)
	if t.tag != o.tag && k.theyReset {
		t.upto, t.base, t.tag = 0, 0, dot{}
	}
	if (before.tag == o.tag || !k.myReset) && t.compareReset(o, r) < 0 {
		t.upto, t.base, t.tag = o.upto, o.base, o.tag
	}
	if t.last <= t.upto {
		t.start, t.last, t.total = 0, 0, 0
	} else if t.start >= t.upto {
		t.upto, t.base, t.tag = 0, 0, dot{}
	}
	return *t != before
}

// joinCount joins the count of o.
func (t *tally) joinCount(o *tally, k knowledge) {
	take, drop := false, false
	switch {
	case t.last == o.last:
		take = t.compareCount(o) < 0
	case k.iClosed && k.theyClosed:
		drop = t.last == 0 || o.last == 0
		take = !drop && t.last < o.last
	case k.iClosed:
	case k.theyClosed:
		take = true
	default:
		drop = k.theyCount
		take = !k.myCount && (drop || t.compareCount(o) < 0)
	}
	switch {
	case take:
		t.start, t.last, t.total = o.start, o.last, o.total
	case drop:
		t.start, t.last, t.total = 0, 0, 0
	}
}

// isOf reports whether the incarnation life counts on t.
func (t *tally) isOf(life uint64) bool { return t.line == life || t.isLive() && lifeOf(t.last) == life }

// knowledge is what each of two sides has seen of the parts of the other's tally.
// A part that is not there is not seen.
type knowledge struct {
	theyCount, theyReset bool // they have seen my count, my reset
	myCount, myReset     bool // I have seen theirs

	iClosed, theyClosed bool // the life in which was counted last is closed here, or there
}

// isEmpty reports whether t says nothing.
func (t *tally) isEmpty() bool { return t.last == 0 && t.upto == 0 }

// compareCount orders tallies by what they know to be counted. Two with the
// same last differ in the rest only if a replica name was reused.
func (t *tally) compareCount(o *tally) int {
	return cmp.Or(cmp.Compare(t.last, o.last), cmp.Compare(t.start, o.start), cmp.Compare(t.total, o.total))
}

// compareReset orders tallies by what they know to be undone. Two resets may
// have met the same tally: the names of their replicas decide between them,
// because indexes differ from state to state.
func (t *tally) compareReset(o *tally, r *root) int {
	if c := cmp.Compare(t.upto, o.upto); c != 0 || t.upto == 0 {
		return c
	}
	if t.tag != o.tag {
		x, y := r.name(t.tag), r.name(o.tag)
		return cmp.Or(strings.Compare(string(x.Replica), string(y.Replica)), cmp.Compare(x.Seq, y.Seq))
	}
	return cmp.Compare(t.base, o.base)
}

// A tallyOp is the delta of one increment: the live tally after it, with names
// instead of indexes, so that it depends on no root.
type tallyOp struct {
	dot         vclock.Dot // replica and last
	start, upto uint64
	total, base int64
	tag         vclock.Dot // zero if nothing was undone
}

func (d *tallyOp) isEmpty() bool { return d.dot.Seq == 0 }

// tally returns d in the terms of r, which interns its replicas.
func (d *tallyOp) tally(r *root) tally {
	t := tally{replica: r.intern(d.dot.Replica), line: lifeOf(d.start + 1), start: d.start, last: d.dot.Seq, total: d.total, upto: d.upto, base: d.base}
	if d.tag.Seq != 0 {
		t.tag = r.dot(d.tag)
	}
	return t
}
