package antientropy

import (
	"maps"
	"math"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Delta is what a [Log] keeps: a replicated value that merges, such as a
// pointer to any type of package crdt or lww.
type Delta[S any] interface {
	Merge(other S) bool
	Clone() S
}

// A Log keeps the recent deltas of one state, its own and received ones, until
// every peer has acknowledged them. A peer is sent what it has not
// acknowledged, joined into one delta, until it does, so a lost message costs
// its own bytes once more. Peers for which the log does not reach back far
// enough get a whole state, or find out otherwise what they miss.
//
// Make one with [NewLog]. A Log is not safe for concurrent use and must not be
// copied. It holds up to limit deltas, and a number for each peer.
//
// See Almeida, Shoker, Baquero, Delta State Replicated Data Types, 2018,
// https://arxiv.org/abs/1603.01529, algorithm 2; and for not sending a peer
// what it sent, Enes et al., Efficient Synchronization of State-Based CRDTs,
// 2019, https://arxiv.org/abs/1803.02750.
type Log[S Delta[S]] struct {
	_     nocopy.NoCopy
	limit int
	kept  []logged[S] // the one at i has the number end - len(kept) + i
	end   uint64
	acked map[vclock.Replica]uint64 // what each peer has: all below this number
}

type logged[S any] struct {
	from  vclock.Replica
	delta S
}

// NewLog returns an empty log of up to limit deltas, numbered from start on,
// which must be above every number of an earlier log, as a counter of the
// process's starts times 2³² is, or the time in nanoseconds: a log seldom
// outlives its process, but acknowledgements to it may. It panics if limit is
// not positive.
func NewLog[S Delta[S]](start uint64, limit int) *Log[S] {
	if limit < 1 {
		panic("antientropy: a Log without room")
	}
	return &Log[S]{limit: limit, end: start, acked: make(map[vclock.Replica]uint64)}
}

// Append adds a delta that was merged into the state, of an own change, or
// received: it does not go back to the replica that it is from. The log keeps
// it, so it must not change any more. It takes O(1) amortized.
func (l *Log[S]) Append(from vclock.Replica, delta S) {
	l.kept = append(l.kept, logged[S]{from, delta})
	l.end++
	l.trim()
}

// End returns the number after the last delta: what a peer acknowledges that
// got the whole state as it is now, or has found out what it was missing.
func (l *Log[S]) End() uint64 { return l.end }

// Pending returns what peer has not acknowledged, joined into one delta, or the
// zero S if there is nothing, and the number for [Log.Ack] once the peer has
// merged it and would still have it after a crash. It returns false if the peer
// never acknowledged anything, or what it needs is no longer kept. It takes as
// long as to merge what is pending.
func (l *Log[S]) Pending(peer vclock.Replica) (delta S, upto uint64, ok bool) {
	from, ok := l.acked[peer]
	if !ok || l.end-from > uint64(len(l.kept)) {
		return delta, 0, false
	}
	none := true
	for _, d := range l.kept[len(l.kept)-int(l.end-from):] {
		switch {
		case d.from == peer:
		case none:
			delta, none = d.delta.Clone(), false
		default:
			delta.Merge(d.delta)
		}
	}
	return delta, l.end, true
}

// Ack notes that peer has everything up to upto, a number that Pending or End
// returned, and will not lose it: see [Log.Forget]. One that is late, or of an
// earlier log, or made up, changes nothing.
func (l *Log[S]) Ack(peer vclock.Replica, upto uint64) {
	if upto > l.end || l.end-upto > uint64(len(l.kept)) {
		return
	}
	if upto > l.acked[peer] || l.acked[peer] == 0 {
		l.acked[peer] = upto
		l.trim()
	}
}

// Forget makes Pending return false for peer until it acknowledges something:
// it has gone, or has lost state, as when restored from a backup. No older
// acknowledgement of one that lost state may reach Ack any more: a new name,
// which it should take, has none.
func (l *Log[S]) Forget(peer vclock.Replica) {
	delete(l.acked, peer)
	l.trim()
}

// trim drops what every peer has, and what exceeds the limit.
func (l *Log[S]) trim() {
	need := uint64(math.MaxUint64)
	for n := range maps.Values(l.acked) {
		need = min(need, n)
	}
	drop := max(0, len(l.kept)-l.limit)
	if begin := l.end - uint64(len(l.kept)); need != math.MaxUint64 && need > begin {
		drop = max(drop, int(need-begin))
	}
	if drop > 0 {
		clear(l.kept[:drop])
		l.kept = l.kept[drop:]
	}
}
