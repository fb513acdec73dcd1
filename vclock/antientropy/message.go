package antientropy

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// messageVersion is the format of messages:
//
//	field    bytes
//	version  1, now 1
//	kind     1
//	rest     by kind, after the salt, 8, except in same
//
//	kind     rest
//	same     nothing: the tables are equal
//	ask      8: fingerprint of the table, varint: number of keys
//	ranges   1: width w, ranges, then for each of them the fingerprints of the
//	         1<<w ranges it consists of, 3 each
//	list     ranges, then varint: marks in them, then the marks, 8 each, ascending
//	sketch   ranges, then varint: cells, a multiple of 4, then each: 1 count, 3 check, 8 marks
//	want     varint: keys, at least 1, then the first 40 bits of the id of each, 5, ascending
//
// Ranges are 1: depth d, varint: how many, then of each the first d bits of the
// ids in it, as a varint of the distance to the one before, less one, ascending.
// Fixed sizes are big-endian.
const messageVersion = 1

const (
	_ byte = iota
	kindSame
	kindAsk
	kindRanges
	kindList
	kindSketch
	kindWant
)

const fingerprintSize = 3 // of a range

// ranges are some of the 1<<depth parts of all ids.
type ranges struct {
	depth uint
	of    []prefix // ascending
}

func head(kind byte, salt uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{messageVersion, kind}, salt)
}

func (rs *ranges) append(b []byte) []byte {
	b = append(b, byte(rs.depth))
	b = binary.AppendUvarint(b, uint64(len(rs.of)))
	next := uint64(0)
	for _, p := range rs.of {
		b = binary.AppendUvarint(b, uint64(p)-next)
		next = uint64(p) + 1
	}
	return b
}

func readRanges(d *wire.Reader) (rs ranges) {
	rs.depth = uint(d.Byte())
	if rs.depth > maxPrefix {
		d.Fail("ranges of %d bits, more than %d", rs.depth, maxPrefix)
	}
	n := d.Count(1)
	if n == 0 {
		d.Fail("no ranges")
	}
	rs.of = make([]prefix, 0, n)
	next, limit := uint64(0), uint64(1)<<(rs.depth&31)
	for range n {
		gap := d.Uvarint()
		if gap >= limit || next+gap >= limit {
			d.Fail("range %d is not of %d bits", gap, rs.depth)
		}
		if d.Err() != nil {
			return ranges{}
		}
		rs.of = append(rs.of, prefix(next+gap))
		next += gap + 1
	}
	return rs
}

// has reports whether m is in rs.
func (rs *ranges) has(m mark) bool {
	_, ok := slices.BinarySearch(rs.of, prefixOf(uint64(m), rs.depth))
	return ok
}

const (
	markSize = 8
	nameSize = nameBits / 8
)

// appendAll appends how many all are, which ascend, and the last size bytes of
// each.
func appendAll[T ~uint64](b []byte, all []T, size int) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	var buf [8]byte
	for _, x := range all {
		binary.BigEndian.PutUint64(buf[:], uint64(x))
		b = append(b, buf[8-size:]...)
	}
	return b
}

// readAll reads what appendAll wrote.
func readAll[T ~uint64](d *wire.Reader, size int) []T {
	all := make([]T, d.Count(size))
	var buf [8]byte
	for i := range all {
		copy(buf[8-size:], d.Take(size))
		all[i] = T(binary.BigEndian.Uint64(buf[:]))
		if i > 0 && all[i] <= all[i-1] {
			d.Fail("entries do not ascend")
		}
	}
	return all
}

func (s *sketch) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.cells)))
	for _, c := range s.cells {
		b = binary.BigEndian.AppendUint32(b, uint32(c.count)<<checkBits|c.check)
		b = binary.BigEndian.AppendUint64(b, uint64(c.marks))
	}
	return b
}

func readSketch(d *wire.Reader, salt uint64) *sketch {
	n := d.Count(cellSize)
	if n == 0 || n%sketchHashes != 0 {
		d.Fail("%d cells, no multiple of %d", n, sketchHashes)
		return nil
	}
	s := &sketch{make([]cell, n), salt}
	for i := range s.cells {
		p := d.Take(cellSize)
		if p == nil {
			return nil
		}
		w := binary.BigEndian.Uint32(p)
		s.cells[i] = cell{uint8(w >> checkBits), w & (1<<checkBits - 1), mark(binary.BigEndian.Uint64(p[4:]))}
	}
	return s
}

// A message is one that was read. What it has beside kind and salt goes by kind.
type message struct {
	kind    byte
	salt    uint64
	total   uint64 // ask
	n       uint64 // ask
	width   uint   // ranges
	ranges  ranges // ranges, list, sketch
	prints  []byte // ranges
	marks   []mark // list
	names   []name // want
	*sketch        // sketch
}

func readMessage(p []byte) (*message, error) {
	d := wire.NewReader(p)
	d.Version(messageVersion)
	m := &message{kind: d.Byte()}
	if m.kind != kindSame {
		m.salt = d.Uint64()
	}
	switch m.kind {
	case kindSame:
	case kindAsk:
		m.total, m.n = d.Uint64(), d.Uvarint()
	case kindRanges:
		m.width = uint(d.Byte())
		m.ranges = readRanges(d)
		if m.width > sumBits || m.ranges.depth+m.width > maxPrefix {
			d.Fail("ranges of %d and %d bits, more than %d", m.ranges.depth, m.width, maxPrefix)
			break
		}
		m.prints = d.Take(len(m.ranges.of) << m.width * fingerprintSize)
	case kindList:
		m.ranges, m.marks = readRanges(d), readAll[mark](d, markSize)
		if d.Err() == nil && slices.ContainsFunc(m.marks, func(x mark) bool { return !m.ranges.has(x) }) {
			d.Fail("a mark is in none of the ranges")
		}
	case kindSketch:
		m.ranges = readRanges(d)
		m.sketch = readSketch(d, m.salt)
	case kindWant:
		if m.names = readAll[name](d, nameSize); len(m.names) == 0 {
			d.Fail("no keys")
		}
	default:
		d.Fail("message of unknown kind %d", m.kind)
	}
	if err := d.Close(); err != nil {
		return nil, fmt.Errorf("antientropy: message: %w", err)
	}
	return m, nil
}
