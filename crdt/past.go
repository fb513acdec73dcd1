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
	for i := range names {
		b = appendReplica(b, names[i], &seen[i])
	}
	return b
}

// appendReplica appends what appendPast does for each replica.
func appendReplica(b []byte, name vclock.Replica, seen *runs) []byte {
	return appendRuns(appendName(b, name), seen)
}

func appendName(b []byte, name vclock.Replica) []byte {
	return append(append(b, byte(len(name))), name...)
}

func appendRuns(b []byte, seen *runs) []byte {
	b = binary.AppendUvarint(b, seen.prefix)
	b = binary.AppendUvarint(b, uint64(seen.gaps()))
	end := seen.prefix
	for _, c := range seen.far {
		for _, s := range c.spans {
			b = binary.AppendUvarint(b, s.lo-end-2)
			b = binary.AppendUvarint(b, s.hi-s.lo)
			end = s.hi
		}
	}
	return b
}

// readPast reads what appendPast wrote. What it allocates is bounded by the
// bytes it reads: 16 bytes for each span of at least 2, and about 60 for each
// replica of at least 4.
func readPast(d *wire.Reader) (names []vclock.Replica, seen []runs) {
	n := d.Count(4)
	return readReplicas(d, n, false, nil, make([]vclock.Replica, 0, n), make([]runs, 0, n))
}

// readReplicas reads what appendPast wrote of n replicas, or appendBrief, and appends it to
// names and seen. A name that is known at the same place is not copied; all others are parts
// of one string.
func readReplicas(d *wire.Reader, n int, brief bool, known, names []vclock.Replica, seen []runs) ([]vclock.Replica, []runs) {
	var room [256]byte
	text := room[:0]
	var last []byte
	for range n {
		text, last = readName(d, brief, text, last)
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

// Messages leave out of each name but the first what it shares with the one before: a
// byte says how much that is. Names of many replicas begin alike, and are there
// several times.

// appendBrief appends name after last, which is empty before the first.
func appendBrief(b []byte, last, name vclock.Replica) []byte {
	if last == "" {
		return appendName(b, name)
	}
	n := 0
	for n < min(len(last), len(name)) && last[n] == name[n] {
		n++
	}
	return appendName(append(b, byte(n)), name[n:])
}

// readName reads a name after last, as appendName wrote it, or appendBrief. It
// appends a length byte and the name to text, of which the result is a part.
func readName(d *wire.Reader, brief bool, text, last []byte) (grown, name []byte) {
	shared := 0
	brief = brief && last != nil
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
	prefix, spans = d.Uvarint(), d.Count(2)
	if prefix > maxSeq || prefix == 0 && spans == 0 {
		d.Fail("prefix %d is not in the range of numbers", prefix)
	}
	return prefix, spans
}

// readSpan reads the span after the one that ends with end, and returns the offset of its
// second number, too.
func readSpan(d *wire.Reader, end uint64) (at int, s span) {
	gap := d.Uvarint()
	at = d.Offset()
	size := d.Uvarint()
	if gap > maxSeq || size > maxSeq || end+2+gap+size > maxSeq {
		d.Fail("span exceeds the largest number %d", uint64(maxSeq))
	}
	return at, span{lo: end + 2 + gap, hi: end + 2 + gap + size}
}
