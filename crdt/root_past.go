package crdt

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// appendPast appends a context: names are ascending and no seen is empty.
// FORMAT.md documents the layout.
func appendPast(b []byte, names []vclock.Replica, seen []runs) []byte {
	b = binary.AppendUvarint(b, uint64(len(names)))
	last := vclock.Replica("")
	for i, name := range names {
		b, last = appendRuns(appendName(b, len(names), last, name), &seen[i]), name
	}
	return b
}

// appendName appends a name of a list of n, after last, which is empty before the first.
// A long list leaves out of each what it shares with the one before, and a byte says how
// much that is: names of many replicas begin alike.
func appendName(b []byte, n int, last, name vclock.Replica) []byte {
	if n <= fewNames || last == "" {
		return append(append(b, byte(len(name))), name...)
	}
	shared := 0
	for shared < min(len(last), len(name)) && last[shared] == name[shared] {
		shared++
	}
	return append(append(b, byte(shared), byte(len(name)-shared)), name[shared:]...)
}

// appendStep appends the number to, which is above from: by how much, less one, if both are of
// one incarnation, and else its place in its own, and how many lie between. The lowest bit
// tells them apart.
func appendStep(b []byte, from, to uint64) []byte {
	u, lives := stepTo(from, to)
	if b = binary.AppendUvarint(b, u); u&1 == 1 {
		b = binary.AppendUvarint(b, lives)
	}
	return b
}

// stepTo returns the varints of a step. There is no second one if the lowest bit of u is not set.
func stepTo(from, to uint64) (u, lives uint64) {
	if lives := lifeOf(to) - lifeOf(from); lives > 0 {
		return to&lifeEnd(0)<<1 | 1, lives - 1
	}
	return (to - from - 1) << 1, 0
}

// appendPrefix appends that all numbers up to prefix are seen, and whether spans follow: the
// step to the first that is not, with one bit more.
func appendPrefix(b []byte, prefix uint64, spans bool) []byte {
	u, lives := stepTo(0, prefix+1)
	v := u << 1
	if spans {
		v |= 1
	}
	if b = binary.AppendUvarint(b, v); u&1 == 1 {
		b = binary.AppendUvarint(b, lives)
	}
	return b
}

func appendRuns(b []byte, seen *runs) []byte {
	gaps := seen.gaps()
	if b = appendPrefix(b, seen.prefix, gaps > 0); gaps == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(gaps))
	end := seen.prefix
	for _, c := range seen.far {
		for _, s := range c.spans {
			b = appendStep(b, end+1, s.lo)
			b = binary.AppendUvarint(b, s.hi-s.lo)
			end = s.hi
		}
	}
	return b
}

// readPast reads what appendPast wrote. What it allocates is bounded by the
// bytes it reads: 16 bytes for each span of at least 2, and about 60 for each
// replica of at least 3.
func readPast(d *wire.Reader) (names []vclock.Replica, seen []runs) {
	n := d.Count(3)
	return readReplicas(d, n, nil, make([]vclock.Replica, 0, n), make([]runs, 0, n))
}

// readReplicas reads what appendPast wrote of n replicas, and appends it to names and seen. A
// name that is known at the same place is not copied; all others are parts of one string.
func readReplicas(d *wire.Reader, n int, known, names []vclock.Replica, seen []runs) ([]vclock.Replica, []runs) {
	var room [256]byte
	text := room[:0]
	var last []byte
	for range n {
		text, last = readName(d, n, text, last)
		seen = append(seen, readRuns(d))
		if d.Err() != nil {
			return nil, nil
		}
	}
	copied := ""
	for at := 0; at < len(text); {
		from := at + 1
		at = from + int(text[at])
		if k := len(names); k < len(known) && string(text[from:at]) == string(known[k]) {
			names = append(names, known[k])
			continue
		}
		if copied == "" {
			copied = string(text)
		}
		names = append(names, vclock.Replica(copied[from:at]))
	}
	return names, seen
}

// readName reads a name of a list of n after last, as appendName wrote it. It appends a
// length byte and the name to text, of which the result is a part.
func readName(d *wire.Reader, n int, text, last []byte) (grown, name []byte) {
	shared := 0
	brief := n > fewNames && last != nil
	if brief {
		shared = int(d.Byte())
	}
	rest := d.Take(int(d.Byte()))
	switch {
	case d.Err() != nil:
		return text, last
	case shared > len(last), shared+len(rest) > vclock.MaxReplica, brief && shared < len(last) && len(rest) > 0 && rest[0] == last[shared]:
		d.Fail("a name shares %d bytes with %q", shared, string(last)) // a copy, so that text may be on the stack
		return text, last
	}
	start := len(text) + 1
	text = append(append(append(text, byte(shared+len(rest))), last[:shared]...), rest...)
	name = text[start:]
	switch {
	case len(name) == 0 || !utf8.Valid(name):
		d.Fail("invalid replica %q", string(name))
	case last != nil && bytes.Compare(last, name) >= 0:
		d.Fail("replica %q after %q", string(name), string(last))
	}
	return text, name
}

// readRuns reads the context of one replica, which is not empty.
func readRuns(d *wire.Reader) runs {
	prefix, n := readPrefix(d)
	r := runs{prefix: prefix}
	end := prefix
	for range n {
		_, s := readSpan(d, end)
		if d.Err() != nil {
			return runs{}
		}
		r.insert(len(r.far), 0, s)
		end = s.hi
	}
	return r
}

// readPrefix reads the prefix of a replica, and how many spans follow.
func readPrefix(d *wire.Reader) (prefix uint64, spans int) {
	prefix, next, more := prefixAt(d.Unread(), 0)
	if take(d, next); more {
		if spans = d.Count(2); spans == 0 {
			d.Fail("no spans")
		}
	}
	if prefix == 0 && spans == 0 {
		d.Fail("a replica has no numbers")
	}
	return prefix, spans
}

// readSpan reads the span after the one that ends with end, and returns the offset of its
// second number, too.
func readSpan(d *wire.Reader, end uint64) (at int, s span) {
	s.lo = readStep(d, end+1)
	at = d.Offset()
	size := d.Uvarint()
	if size > maxSeq || s.lo+size > maxSeq {
		d.Fail("span exceeds the largest number %d", uint64(maxSeq))
	}
	s.hi = s.lo + size
	return at, s
}

// readStep reads what appendStep wrote after from.
func readStep(d *wire.Reader, from uint64) uint64 {
	to, next := stepAt(d.Unread(), 0, from)
	take(d, next)
	return to
}

// take skips a number of n bytes, if there is one.
func take(d *wire.Reader, n int) {
	if n > d.Len() {
		d.Fail("no number: it is cut off, too large, or not in its shortest form")
		return
	}
	d.Take(n)
}

// stepAt reads what appendStep wrote after from at offset i of p, and returns the offset of
// what follows, which is beyond the end if there is no such number: see [wire.UvarintAt].
func stepAt(p []byte, i int, from uint64) (to uint64, next int) {
	u, next := wire.UvarintAt(p, i)
	if to = from + 1 + u>>1; u&1 == 0 && lifeOf(to) == lifeOf(from) {
		return to, next
	}
	return livesAt(p, next, from, u)
}

// prefixAt reads what appendPrefix wrote at offset i of p, as stepAt does.
func prefixAt(p []byte, i int) (prefix uint64, next int, spans bool) {
	v, next := wire.UvarintAt(p, i)
	if u := v >> 1; u&1 == 0 && u>>1 < lifeEnd(0) {
		return u >> 1, next, v&1 == 1
	}
	first, next := livesAt(p, next, 0, v>>1)
	return first - 1, next, v&1 == 1
}

// livesAt reads at i the rest of a step to another incarnation, which u says it is.
func livesAt(p []byte, i int, from, u uint64) (to uint64, next int) {
	if u&1 == 0 {
		return from + 1, len(p) + 1
	}
	lives, next := wire.UvarintAt(p, i)
	to = (lifeOf(from)+1+lives)<<lifeBits + u>>1
	if u>>1 > lifeEnd(0) || lives > lifeOf(maxSeq) || to > maxSeq+1 {
		return from + 1, len(p) + 1
	}
	return to, next
}
