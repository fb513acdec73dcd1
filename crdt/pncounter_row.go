package crdt

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// AddBinary adds n on behalf of r, which may be negative, to the [PNCounter] whose bytes
// are row, and appends the bytes of the result to dst. They are those that decoding row,
// [PNCounter.Add] and encoding make, without the state in between: it is what a service
// does that keeps a counter in a row of a database and does not need the delta.
//
// Who wins is as at Add. Row must be the bytes of a state, if only of the zero
// PNCounter. AddBinary takes all that [PNCounter.UnmarshalBinary] takes, and refuses what
// it refuses with the same error. It returns a [*vclock.MemberError] if the incarnation
// of r is over in row: see [PNCounter.Usable]. On an error it returns dst as it was. It
// panics if r is invalid.
//
// AddBinary reads row once, which takes O(n) for n replicas, and allocates only room for
// the result. The first increment of a replica in a row, and each that meets a reset
// that is not compacted, take a decoded state. Any number of goroutines may call it with
// one row; dst and row must not overlap.
func AddBinary(dst, row []byte, r vclock.Replica, n int64) ([]byte, error) {
	if b, ok := addToRow(dst, row, r, n); ok {
		return b, nil
	}
	checkReplica(r) // a name that the row has is valid
	var c PNCounter
	if err := c.UnmarshalBinary(row); err != nil {
		return dst, err
	}
	if err := c.Usable(r); err != nil {
		return dst, err
	}
	c.Add(r, n)
	return c.AppendBinary(dst)
}

// addToRow is AddBinary for a row that holds a sum of r, and no reset. It reports false
// for any other, be it a state or not.
func addToRow(dst, row []byte, name vclock.Replica, n int64) ([]byte, bool) {
	if len(row) < 2 || len(name) > vclock.MaxReplica || row[0] != stateVersion || row[1] != kindPNCounter {
		return dst, false
	}
	x := counterRow{row: row, at: 2}
	x.writer.name, x.writer.life = name.Lineage()
	if !x.context() || !x.tally(n) || x.at != len(row) || x.sum.n == 0 {
		return dst, false
	}
	dst = slices.Grow(dst, len(row)+x.numbers.grows()+x.sum.grows())
	dst = append(append(dst, row[:x.numbers.from]...), x.numbers.bytes()...)
	dst = append(append(dst, row[x.numbers.to:x.sum.from]...), x.sum.bytes()...)
	return append(dst, row[x.sum.to:]...), true
}

// A counterRow is the bytes of a [PNCounter] on which a replica makes an increment.
type counterRow struct {
	row      []byte
	at       int // what was read
	writer   writer
	replicas uint64
	first    int // where the first replica is

	seq     uint64 // of the increment, or 0
	prefix  uint64 // that the row has of the writer
	numbers edit   // of the context
	sum     edit   // of the tally; empty if there is none

	nested bool // the counter is one of a map
}

// tally reads the tallies of a counter that is no value in a map, and adds n.
func (x *counterRow) tally(n int64) bool {
	_, ok := x.tallies(n, true, nil)
	return ok
}

// An edit is what replaces the bytes between two offsets.
type edit struct {
	from, to int
	room     [3 * binary.MaxVarintLen64]byte
	n        int
}

func (e *edit) bytes() []byte { return e.room[:e.n] }

func (e *edit) grows() int { return e.n - (e.to - e.from) }

func (e *edit) uvarint(n uint64) { e.n += binary.PutUvarint(e.room[e.n:], n) }

func (e *edit) varint(n int64) { e.n += binary.PutVarint(e.room[e.n:], n) }

// context reads the context, as readReplicas does, and mints the number of the increment
// in it. It reports false if it cannot.
func (x *counterRow) context() bool {
	p, i := x.row, x.at
	x.replicas, i = wire.UvarintAt(p, i)
	x.first = i
	var last []byte
	for k := range x.replicas {
		if i >= len(p) || len(p)-i <= int(p[i]) {
			return false
		}
		name := p[i+1 : i+1+int(p[i])]
		i += 1 + len(name)
		if len(name) == 0 || !utf8.Valid(name) || bytes.Compare(last, name) >= 0 {
			return false
		}
		last = name
		if string(name) != string(x.writer.name) {
			_, i = prefixAt(p, i)
			continue
		}
		x.writer.replica = uint32(k)
		if i = x.mint(i); x.seq == 0 {
			return false
		}
	}
	x.at = i
	return x.seq > 0
}

// mint reads the numbers of the writer at i, and has the next of its incarnation in them.
// The run of numbers which it continues grows, and the gap after that shrinks. It returns
// what follows.
func (x *counterRow) mint(i int) int {
	e, over := &x.numbers, lifeEnd(x.writer.life)
	e.from, x.seq = i, 0
	if prefix, next := prefixAt(x.row, i); prefix < over && prefix+1 >= x.writer.life<<lifeBits && next-i == wire.UvarintLen(prefix)+1 && next <= len(x.row) {
		x.seq, x.prefix, e.to = prefix+1, prefix, next-1
		e.uvarint(x.seq)
		return next
	}
	r := wire.NewReader(x.row[i:])
	prefix, n := readPrefix(r)
	e.to = i + wire.UvarintLen(prefix)
	last, run, tail := prefix, prefix, false
	end := prefix
	for range n {
		from := i + r.Offset()
		size, s := readSpan(r, end)
		switch {
		case r.Err() != nil:
			return i
		case s.lo <= over:
			last, run, e.from, e.to = s.hi, s.hi-s.lo, i+size, i+r.Offset()
		case !tail:
			tail = true
			if s.lo == last+2 { // the number closes the gap
				return i
			}
			e.uvarint(run + 1)
			e.n += copy(e.room[e.n:], x.row[e.to:from])
			e.uvarint(s.lo - last - 3)
			e.to = i + size
		}
		end = s.hi
	}
	if !tail {
		e.uvarint(run + 1)
	}
	if r.Err() == nil && last < over && last+1 >= x.writer.life<<lifeBits {
		x.seq, x.prefix = last+1, prefix
	}
	return i + r.Offset()
}

// tallies reads the tallies, as decode does, and adds n, if this is the counter, to the one
// on which the writer counts, if it is there. In a map it appends the dots to those of the
// other values. It reports false if not all are plain sums.
func (x *counterRow) tallies(n int64, counts bool, dots []uint64) (_ []uint64, ok bool) {
	p := x.row
	size, i := wire.UvarintAt(p, x.at)
	place, entry, next := -1, x.first, x.first // a place, where its numbers are, and what follows
	prefix, before := uint64(0), -1            // what is held of it, and the life of the tally before
	settled := false
	for k := range size {
		u, from := wire.UvarintAt(p, i)
		last, at := wire.UvarintAt(p, from)
		span, at := wire.UvarintAt(p, at)
		sum, at := wire.UvarintAt(p, at)
		if at > len(p) || u>>2 >= x.replicas || u&3 != formCounting || int(u>>2) < place {
			return dots, false
		}
		for place < int(u>>2) {
			place++
			entry, before = next+1+int(p[next]), -1
			prefix, next = prefixAt(p, entry)
		}
		start := last - span
		line := lifeOf(start + 1)
		if last > maxSeq || start >= last || int(line) <= before || last > prefix && !holdsAt(p, entry, last) {
			return dots, false
		}
		before, i = int(line), at
		if x.nested {
			dots = append(dots, uint64(place)<<48|last)
		}
		if !counts || uint32(place) != x.writer.replica || settled {
			continue
		}
		t := tally{start: start, last: last, line: line, total: int64(sum>>1) ^ -int64(sum&1)}
		settled = k == 0 && t.isOf(x.writer.life) // as in add
		if settled || line == x.writer.life || line < x.writer.life && x.prefix >= lifeEnd(x.writer.life-1) {
			t.count(x.seq, n)
			x.sum = edit{from: from, to: at}
			x.sum.uvarint(t.last)
			x.sum.uvarint(t.last - t.start)
			x.sum.varint(t.total)
		}
	}
	x.at = i
	return dots, i <= len(p)
}

// prefixAt reads the numbers of a replica at i, and returns up to where none is missing
// and what follows: more than there is if they are not valid.
func prefixAt(p []byte, i int) (prefix uint64, next int) {
	prefix, next = wire.UvarintAt(p, i)
	if next < len(p) && p[next] == 0 && prefix-1 < maxSeq {
		return prefix, next + 1
	}
	if i > len(p) {
		return 0, i
	}
	r := wire.NewReader(p[i:])
	end, n := readPrefix(r)
	for ; n > 0 && r.Err() == nil; n-- {
		_, s := readSpan(r, end)
		end = s.hi
	}
	if r.Err() != nil {
		return 0, len(p) + 1
	}
	return prefix, i + r.Offset()
}

// holdsAt reports whether seq is among the numbers of a replica at i, which are valid.
func holdsAt(p []byte, i int, seq uint64) bool {
	r := wire.NewReader(p[i:])
	end, n := readPrefix(r)
	if seq <= end {
		return true
	}
	for range n {
		_, s := readSpan(r, end)
		if s.lo <= seq && seq <= s.hi {
			return true
		}
		end = s.hi
	}
	return false
}
