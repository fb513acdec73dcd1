package antientropy

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Ask returns the message that begins an exchange with a peer, of at most 28
// bytes. If the peer's table is equal, its answer of 2 bytes ends the exchange.
// It takes O(1). Salt should be another number each time, of a clock or at
// random: a difference that the fingerprints of one exchange overlook, one in
// 10⁷, is seen by the next.
func (t *Table) Ask(salt uint64) []byte {
	b := head(kindAsk, salt)
	b = binary.BigEndian.AppendUint64(b, salted(t.total, salt))
	return binary.AppendUvarint(b, uint64(t.n))
}

// Answer answers a message of a peer. Send it the states of the keys in send,
// and reply, if that is not nil, which it answers in the same way. The peer
// merges the states that it gets, and notes their new fingerprints.
//
// Where n keys differ, an exchange takes up to four messages, about 50 bytes
// for each such key and 900 in all, and more messages where stores differ in
// much, or, one time in a thousand, where the guess how much was too low. At
// the end both sides have sent all states that the other did not have, and no
// others: a key whose states differ goes both ways, so a side that merges what
// it gets before it answers sends the merged state. There is no session: what a
// lost message or a changed table misses is found by the next exchange.
//
// It takes O(k) for k keys in the ranges of ids that differ, and allocates at
// most some 50 times the length of msg, and 8 bytes for each own key. It
// returns an error, and does nothing, if msg is none that a Table makes.
// Authenticate peers: a message is as good as a request for any key whose
// fingerprint its sender knows, and tells how much a store holds.
func (t *Table) Answer(msg []byte) (reply []byte, send []string, err error) {
	m, err := readMessage(msg)
	if err != nil {
		return nil, nil, err
	}
	switch m.kind {
	case kindAsk:
		reply = t.answerAsk(m)
	case kindRanges:
		reply = t.answerRanges(m)
	case kindList:
		reply, send = t.answerList(m)
	case kindSketch:
		reply, send = t.answerSketch(m)
	case kindWant:
		send = t.answerWant(m)
	}
	slices.Sort(send)
	return reply, send, nil
}

// fewKeys is the size up to which a table is listed at once.
const fewKeys = 32

func (t *Table) answerAsk(m *message) []byte {
	if m.total == salted(t.total, m.salt) && m.n == uint64(t.n) {
		return []byte{messageVersion, kindSame}
	}
	all := ranges{of: []prefix{0}}
	if t.n <= fewKeys {
		return t.list(all, m.salt)
	}
	width := min(sumBits, uint(bits.Len64(min(m.n, uint64(t.n))/8)))
	return t.split(all, width, m.salt)
}

// list returns the marks of what is in rs.
func (t *Table) list(rs ranges, salt uint64) []byte {
	marks := make([]mark, 0, t.count(rs))
	t.eachIn(rs, func(e *entry) { marks = append(marks, markOf(e, salt)) })
	slices.Sort(marks)
	return appendAll(rs.append(head(kindList, salt)), slices.Compact(marks), markSize)
}

func (t *Table) count(rs ranges) int {
	if rs.depth == 0 {
		return t.n
	}
	n := 0
	t.eachIn(rs, func(*entry) { n++ })
	return n
}

func (t *Table) eachIn(rs ranges, yield func(e *entry)) {
	for _, p := range rs.of {
		t.each(p, rs.depth, yield)
	}
}

// split returns the fingerprints of the parts of rs.
func (t *Table) split(rs ranges, width uint, salt uint64) []byte {
	b := rs.append(append(head(kindRanges, salt), byte(width)))
	var sums []uint64
	for _, p := range rs.of {
		sums = t.rangeSums(p, rs.depth, width, sums)
		for _, sum := range sums {
			b = appendPrint(b, sum, salt)
		}
	}
	return b
}

func appendPrint(b []byte, sum, salt uint64) []byte {
	h := salted(sum, salt)
	return append(b, byte(h), byte(h>>8), byte(h>>16))
}

func (t *Table) answerRanges(m *message) []byte {
	differ := ranges{depth: m.ranges.depth + m.width}
	var sums []uint64
	var buf []byte
	prints := m.prints
	for _, p := range m.ranges.of {
		sums = t.rangeSums(p, m.ranges.depth, m.width, sums)
		for i, sum := range sums {
			if buf = appendPrint(buf[:0], sum, m.salt); string(buf) != string(prints[:fingerprintSize]) {
				differ.of = append(differ.of, p<<m.width|prefix(i))
			}
			prints = prints[fingerprintSize:]
		}
	}
	if len(differ.of) == 0 {
		return nil
	}
	return t.narrow(differ, len(m.ranges.of)<<m.width, m.salt)
}

// narrow returns what is shortest of three: the marks of what is in ranges that
// differ, a sketch of them, or fingerprints of their parts. Of is how many ranges
// were compared, which tells how many keys differ.
func (t *Table) narrow(differ ranges, of int, salt uint64) []byte {
	n := t.count(differ)
	size := len(differ.of)
	guess := math.MaxInt32
	if 10*size < 9*of {
		guess = int(-float64(of) * math.Log1p(-float64(size)/float64(of)))
	}
	s := newSketch(0, salt)
	if guess < n {
		s = newSketch(2*guess, salt)
	}
	parts := size << splitWidth * fingerprintSize
	switch {
	case guess < n && len(s.cells)*cellSize < n*markSize:
		t.eachIn(differ, func(e *entry) { s.add(markOf(e, salt), 1) })
		return s.append(differ.append(head(kindSketch, salt)))
	case n*markSize <= parts || differ.depth+splitWidth > maxPrefix:
		return t.list(differ, salt)
	}
	return t.split(differ, splitWidth, salt)
}

// splitWidth is the number of bits by which ranges that differ are split again.
const splitWidth = 4

func (t *Table) answerList(m *message) (reply []byte, send []string) {
	known := make([]bool, len(m.marks))
	t.eachIn(m.ranges, func(e *entry) {
		if at, ok := slices.BinarySearch(m.marks, markOf(e, m.salt)); ok {
			known[at] = true
		} else {
			send = append(send, e.key)
		}
	})
	var want []mark
	for at, x := range m.marks {
		if !known[at] {
			want = append(want, x)
		}
	}
	return askFor(want, m.salt), send
}

// askFor returns the message that asks for the states of marks, which it sorts.
func askFor(marks []mark, salt uint64) []byte {
	if len(marks) == 0 {
		return nil
	}
	slices.Sort(marks)
	names := make([]name, len(marks))
	for i, m := range marks {
		names[i] = m.name()
	}
	return appendAll(head(kindWant, salt), slices.Compact(names), nameSize)
}

func (t *Table) answerSketch(m *message) (reply []byte, send []string) {
	t.eachIn(m.ranges, func(e *entry) { m.add(markOf(e, m.salt), takenOut) })
	want, mine, ok := m.list()
	if !ok {
		if m.ranges.depth+splitWidth > maxPrefix {
			return t.list(m.ranges, m.salt), nil
		}
		return t.split(m.ranges, splitWidth, m.salt), nil
	}
	for _, x := range mine {
		t.each(prefixOf(uint64(x), maxPrefix), maxPrefix, func(e *entry) {
			if markOf(e, m.salt) == x {
				send = append(send, e.key)
			}
		})
	}
	return askFor(want, m.salt), send
}

// answerWant goes by keys alone: a state that was merged with one of the peer's
// meanwhile has another mark.
func (t *Table) answerWant(m *message) (send []string) {
	for _, x := range m.names {
		t.each(prefix(x>>(nameBits-maxPrefix)), maxPrefix, func(e *entry) {
			if markOf(e, 0).name() == x {
				send = append(send, e.key)
			}
		})
	}
	return send
}
