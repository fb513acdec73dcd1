package crdt

import (
	"cmp"
	"math"
	"strings"

	"github.com/rejoin-go/rejoin/vclock"
)

// A tally is what a [PNCounter] holds of one replica. It is live or a residue.
//
// A live tally has total, the sum of the increments with numbers in (start, last],
// all of them of this counter; last is the number of the latest. If some
// of these were undone, upto is the number of the latest that was, and base the
// total up to it. It adds total - base to the value.
//
// A residue has upto, base, and tag, the dot of the reset that left it. It tells
// a tally that has been overtaken, or that goes on beyond upto, what of it was
// undone. It is to the join what an element added by tag would be.
//
// Numbers decide, not sums: of two tallies the one with the larger last tells
// more, whatever was counted, so sums may be negative.
type tally struct {
	replica     uint32 // index in the root
	start, last uint64 // last is 0 in a residue
	total       int64
	upto        uint64 // 0 if nothing was undone
	base        int64
	tag         dot // 0 if live
}

func (t *tally) isLive() bool { return t.last > 0 }

// dot returns the dot by which others know that they have seen t.
func (t *tally) dot() dot {
	if t.isLive() {
		return packDot(t.replica, t.last)
	}
	return t.tag
}

// count adds n, made at number seq, which is next.
func (t *tally) count(seq uint64, n int64) {
	if !t.isLive() {
		*t = tally{replica: t.replica, start: seq - 1}
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
// reports whether t changed. Its two parts, what was counted and what was undone,
// stay only if the other side has them, too, or has not seen their dots: o says
// nothing of an event that t knows to be gone, or to be something else. What was
// undone of a live tally has no dot. Without the dot of its count it means
// nothing, so t may be left without either; see isEmpty.
func (t *tally) join(o *tally, r *root, k knowledge) bool {
	before := *t
	if t.last != o.last && k.hisCount {
		t.start, t.last, t.total = 0, 0, 0
	}
	if (before.last == o.last || !k.myCount) && t.compareCount(o) < 0 {
		t.start, t.last, t.total = o.start, o.last, o.total
	}
	if t.tag != o.tag && k.hisReset {
		t.upto, t.base, t.tag = 0, 0, 0
	}
	if (before.tag == o.tag || !k.myReset) && t.compareReset(o, r) < 0 {
		t.upto, t.base, t.tag = o.upto, o.base, o.tag
	}
	switch {
	case t.last <= t.upto:
		t.start, t.last, t.total = 0, 0, 0
		if t.tag == 0 {
			t.upto, t.base = 0, 0
		}
	case t.start >= t.upto:
		t.upto, t.base, t.tag = 0, 0, 0
	default:
		t.tag = 0
	}
	return *t != before
}

// knowledge is what each of two sides has seen of the other's tally. A part that
// has no dot is not seen.
type knowledge struct {
	hisCount, hisReset bool // he has seen my count, my reset
	myCount, myReset   bool // I have seen his
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
		if t.tag == 0 || o.tag == 0 {
			return cmp.Compare(t.tag, o.tag)
		}
		x, y := r.name(t.tag), r.name(o.tag)
		return cmp.Or(strings.Compare(string(x.Replica), string(y.Replica)), cmp.Compare(x.Seq, y.Seq))
	}
	return cmp.Compare(t.base, o.base)
}

// A tallyOp is the delta of one increment: the live tally after it, with a name
// instead of an index, so that it depends on no root.
type tallyOp struct {
	dot         vclock.Dot // replica and last
	start, upto uint64
	total, base int64
}

func (d *tallyOp) isEmpty() bool { return d.dot.Seq == 0 }

// tally returns d in the terms of a root that knows the replica as i.
func (d *tallyOp) tally(i uint32) tally {
	return tally{replica: i, start: d.start, last: d.dot.Seq, total: d.total, upto: d.upto, base: d.base}
}
