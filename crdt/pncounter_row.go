package crdt

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// AddBinary adds n on behalf of r to the [PNCounter] whose bytes are row, and
// appends the result to dst: the bytes that decoding, [PNCounter.Add] and
// encoding make, for a service with a counter in a row of a database that needs
// no delta. Row has a state, if only the zero PNCounter. Errors are those of
// [PNCounter.UnmarshalBinary] and [PNCounter.Usable], with dst as it was,
// panics those of Add. It takes O(n) for n replicas, and allocates only the
// result; but row is decoded for a replica's first increment, and after a reset
// not compacted. Goroutines may share row; dst and row must not overlap.
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
	room     [4 * binary.MaxVarintLen64]byte
	n        int
}

func (e *edit) bytes() []byte { return e.room[:e.n] }

func (e *edit) grows() int { return e.n - (e.to - e.from) }

func (e *edit) prefix(n uint64, spans bool) { e.n = len(appendPrefix(e.room[:e.n], n, spans)) }

func (e *edit) step(from, to uint64) { e.n = len(appendStep(e.room[:e.n], from, to)) }

func (e *edit) uvarint(n uint64) { e.n += binary.PutUvarint(e.room[e.n:], n) }

func (e *edit) varint(n int64) { e.n += binary.PutVarint(e.room[e.n:], n) }

// context reads the context, as readReplicas does, and mints the number of the increment
// in it. It reports false if it cannot.
func (x *counterRow) context() bool {
	p, i := x.row, x.at
	x.replicas, i = wire.UvarintAt(p, i)
	x.first = i
	brief := x.replicas > fewNames
	var room [vclock.MaxReplica]byte
	var last []byte
	for k := range x.replicas {
		shared := 0
		if brief && k > 0 && i < len(p) {
			shared = int(p[i])
			i++
		}
		if i >= len(p) || len(p)-i <= int(p[i]) {
			return false
		}
		rest := p[i+1 : i+1+int(p[i])]
		i += 1 + len(rest)
		name := rest
		if brief { // last is in room, too
			if len(rest) == 0 || shared > len(last) || shared+len(rest) > len(room) || shared < len(last) && rest[0] <= last[shared] {
				return false
			}
			name = room[:shared+copy(room[shared:], rest)]
		} else if bytes.Compare(last, name) >= 0 {
			return false
		}
		if !utf8.Valid(name) {
			return false
		}
		last = name
		if string(name) != string(x.writer.name) {
			_, i = runsAt(p, i)
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
	prefix, at, spans := prefixAt(x.row, i)
	e.to = at
	if !spans {
		if prefix > 0 && prefix < over && prefix+1 >= x.writer.life<<lifeBits {
			x.seq, x.prefix = prefix+1, prefix
			e.prefix(prefix+1, false)
		}
		return at
	}
	if at > len(x.row) {
		return at
	}
	r := wire.NewReader(x.row[at:])
	n := r.Count(2)
	last, run, tail := prefix, prefix, false
	grow := func() {
		if run == last {
			e.prefix(last+1, true)
		} else {
			e.uvarint(run + 1)
		}
	}
	end := prefix
	for range n {
		from := at + r.Offset()
		size, s := readSpan(r, end)
		switch {
		case r.Err() != nil:
			return at
		case s.lo <= over:
			last, run, e.from, e.to = s.hi, s.hi-s.lo, at+size, at+r.Offset()
		case !tail:
			tail = true
			if s.lo == last+2 { // the number closes the gap
				return at
			}
			grow()
			e.n += copy(e.room[e.n:], x.row[e.to:from])
			e.step(last+2, s.lo)
			e.to = at + size
		}
		end = s.hi
	}
	if !tail {
		grow()
	}
	if n > 0 && last < over && last+1 >= x.writer.life<<lifeBits {
		x.seq, x.prefix = last+1, prefix
	}
	return at + r.Offset()
}

// tallies reads the tallies, as decode does, and adds n, if this is the counter, to the one
// on which the writer counts, if it is there. In a map it appends the dots to those of the
// other values. It reports false if not all are plain sums.
func (x *counterRow) tallies(n int64, counts bool, dots []uint64) (_ []uint64, ok bool) {
	p := x.row
	size, i := wire.UvarintAt(p, x.at)
	owner := uint64(0)                         // the place whose tally it is
	place, entry, next := -1, x.first, x.first // one up to there, where its numbers are, and what follows
	prefix, before := uint64(0), -1            // what is held of it, and the life of the tally before
	for range size {
		from := i
		u, at := wire.UvarintAt(p, i)
		last, at := stepAt(p, at, 0)
		span := uint64(1)
		if u&formSingle == 0 {
			if span, at = wire.UvarintAt(p, at); span == 1 {
				return dots, false
			}
		}
		sum, at := wire.UvarintAt(p, at)
		if at > len(p) || u>>formWidth >= x.replicas-owner || u&formMask != formCounting {
			return dots, false
		}
		for owner += u >> formWidth; place < int(owner); {
			if place++; place > 0 && x.replicas > fewNames {
				next++
			}
			entry, before = next+1+int(p[next]), -1
			prefix, next = runsAt(p, entry)
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
		if !counts || uint32(place) != x.writer.replica || line > x.writer.life {
			continue
		}
		t := tally{start: start, last: last, line: line, total: int64(sum>>1) ^ -int64(sum&1)}
		x.sum = edit{}
		if line == x.writer.life || lifeOf(last) == x.writer.life || x.prefix >= lifeEnd(x.writer.life-1) { // as in locate
			t.count(x.seq, n)
			x.sum = edit{from: from, to: at}
			x.sum.uvarint(u&^formSingle | t.form())
			x.sum.step(0, t.last)
			if span := t.last - t.start; span > 1 {
				x.sum.uvarint(span)
			}
			x.sum.varint(t.total)
		}
	}
	x.at = i
	return dots, i <= len(p)
}

// runsAt reads the numbers of a replica at i, and returns up to where none is missing
// and what follows: more than there is if they are not valid.
func runsAt(p []byte, i int) (prefix uint64, next int) {
	prefix, next, spans := prefixAt(p, i)
	if !spans && prefix > 0 || next > len(p) {
		return prefix, next
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
