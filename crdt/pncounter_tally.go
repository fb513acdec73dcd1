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
// The reset says what was undone: the increments in (start, upto], and base is the
// total of these. Of a live tally, start is that of the count. Its dot is tag, which the replica that undid
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
	line        uint64 // the incarnation of start + 1, in which the count began, or what was undone
	start, last uint64 // last is 0 in a residue, and then total is
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
//	dots        who has seen the other's      what stays
//	equal                                     the larger: they differ only where a name is reused
//	different   nobody                        the one that tells more
//	different   the peer has seen ours        theirs
//	different   we have seen theirs           ours
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
	c, u := t.parts()
	oc, ou := o.parts()
	c = c.join(oc, k)
	if u.tag != ou.tag && k.peerReset {
		u = undone{}
	}
	if (before.tag == ou.tag || !k.ourReset) && u.compare(ou, r) < 0 {
		u = ou
	}
	if c.last <= u.upto {
		c = counted{start: u.start}
	} else if c.start >= u.upto {
		u = undone{}
	}
	*t = tally{t.replica, t.line, c.start, c.last, c.total, u.upto, u.base, u.tag}
	return *t != before
}

// join returns the join with the count of the other side.
func (c counted) join(o counted, k knowledge) counted {
	take, drop := false, false
	switch {
	case c.last == o.last:
		take = c.compare(o) < 0
	case k.weClosed && k.peerClosed:
		drop = c.last == 0 || o.last == 0
		take = !drop && c.last < o.last
	case k.weClosed:
	case k.peerClosed:
		take = true
	default:
		drop = k.peerCount
		take = !k.ourCount && (drop || c.compare(o) < 0)
	}
	switch {
	case take:
		return o
	case drop:
		return counted{}
	}
	return c
}

// counted and undone are the parts of a tally, zero where it has none.
type (
	counted struct {
		start, last uint64
		total       int64
	}
	undone struct {
		start, upto uint64
		base        int64
		tag         dot
	}
)

func (t *tally) parts() (c counted, u undone) {
	if t.isLive() {
		c = counted{t.start, t.last, t.total}
	}
	if t.hasReset() {
		u = undone{t.start, t.upto, t.base, t.tag}
	}
	return c, u
}

// knowledge is what each of two sides has seen of the parts of the other's tally.
// A part that is not there is not seen.
type knowledge struct {
	peerCount, peerReset bool // the peer has seen our count, our reset
	ourCount, ourReset   bool // we have seen theirs

	weClosed, peerClosed bool // the life in which was counted last is closed here, or there
}

// isEmpty reports whether t says nothing.
func (t *tally) isEmpty() bool { return t.last == 0 && t.upto == 0 }

// compare orders counts by what they tell. Two with the same last differ in the rest
// only if a replica name was reused.
func (c counted) compare(o counted) int {
	return cmp.Or(cmp.Compare(c.last, o.last), cmp.Compare(c.start, o.start), cmp.Compare(c.total, o.total))
}

// compare orders resets by what they undid. Two resets may have met the same count:
// the names of their replicas decide between them, because indexes differ from state
// to state.
func (u undone) compare(o undone, r *root) int {
	if c := cmp.Compare(u.upto, o.upto); c != 0 {
		return c
	}
	if u.tag != o.tag {
		x, y := r.name(u.tag), r.name(o.tag)
		return cmp.Or(strings.Compare(string(x.Replica), string(y.Replica)), cmp.Compare(x.Seq, y.Seq))
	}
	return cmp.Or(cmp.Compare(u.base, o.base), cmp.Compare(u.start, o.start))
}

// A tallyOp is the delta of one increment: the live tally after it, with names
// instead of indexes, so that it depends on no root.
type tallyOp struct {
	dot         vclock.Dot // replica and last
	start, upto uint64
	total, base int64
	tag         vclock.Dot // zero if nothing was undone
}

// op returns the delta of the increment that t, a tally of r that is live, counted last.
func (t *tally) op(r *root) tallyOp {
	d := tallyOp{dot: vclock.Dot{Replica: r.names[t.replica], Seq: t.last}, start: t.start, total: t.total}
	if t.hasReset() {
		d.upto, d.base, d.tag = t.upto, t.base, r.name(t.tag)
	}
	return d
}

// tally returns d in the terms of r, which interns its replicas.
func (d *tallyOp) tally(r *root) tally {
	t := tally{replica: r.intern(d.dot.Replica), line: lifeOf(d.start + 1), start: d.start, last: d.dot.Seq, total: d.total, upto: d.upto, base: d.base}
	if d.tag.Seq != 0 {
		t.tag = r.dot(d.tag)
	}
	return t
}

// countsIn reports whether v holds tallies.
func countsIn(v any) bool {
	c, ok := v.(interface{ tallied() bool })
	return ok && c.tallied()
}

func (*PNCounter) tallied() bool { return true }
